//! What the openings of one member may cost all others (R-22, P7).
//!
//! Anybody may open epochs, so anybody may open too many. What counts is decided by what is on hand alone, not
//! by what came first, so that all nodes come to one head; what is only held is bounded for each opener, and a
//! flood takes the place of nothing but itself.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

use super::Circle;
use super::head::{Epoch, Epochs, State};
use crate::batch::{Batch, numbered};
use crate::boundary::{Room, SlotKind};
use crate::crypto::Secret;
use crate::identity::{BoardName, EpochId, MemberId};
use crate::message::epoch_hint;
use crate::planted::{Planted, is_planted};

/// Openings of one member for one set of members and one day that count.
const QUOTA: usize = 4;
/// Closed ones that nothing follows: of one opener, and in all.
const MAX_CLOSED: (usize, usize) = (8, 64);
/// Ones that wait for operations, or for their day: of one opener, and in all. A guess: who comes back after
/// months reads openings before the operations that they name.
const MAX_WAITING: (usize, usize) = (64, 256);
/// Boards of one opener that are read before its openings are judged.
const MAX_AHEAD: usize = 4;
/// Headers of one opener of which nothing can be opened any more. A guess: one a day for most of a year.
const MAX_PAST: usize = 256;

impl Epochs {
    /// Whether `opener` has used up its openings for these members and this day.
    pub(super) fn is_spent(&self, opener: &MemberId, members: &[MemberId], day: u32) -> bool {
        let same = |epoch: &Epoch| {
            epoch.header.opener == *opener && epoch.header.day == day && epoch.members == members
        };
        self.counts().filter(|(_, epoch)| same(epoch)).count() >= QUOTA
    }

    /// What counts in place of an opening that exceeds the quota: the four of its kind with the smallest ids.
    pub(super) fn instead_of(&self, surplus: &EpochId) -> impl Iterator<Item = &EpochId> {
        let over = self.get(surplus);
        let same = move |(_, epoch): &(&EpochId, &Epoch)| {
            over.is_some_and(|over| {
                epoch.header.opener == over.header.opener
                    && epoch.header.day == over.header.day
                    && epoch.members == over.members
            })
        };
        self.counts().filter(same).map(|(id, _)| id).take(QUOTA)
    }

    /// Closes what exceeds the quota: of each opener, set of members and day all but the four smallest ids.
    /// Gives what was not closed before.
    pub(super) fn close_surplus(&mut self) -> Vec<EpochId> {
        let mut taken: BTreeMap<(MemberId, u32, &[MemberId]), usize> = BTreeMap::new();
        let mut surplus = Vec::new();
        for (id, epoch) in self.counts() {
            let group = (epoch.header.opener, epoch.header.day, epoch.members.as_slice());
            let taken = taken.entry(group).or_default();
            *taken += 1;
            if *taken > QUOTA && !is_planted(Planted::OpeningsUncounted) {
                surplus.push(*id);
            }
        }
        let mut closed = Vec::new();
        for id in surplus {
            let epoch = self.get_mut(&id).expect("listed just now");
            epoch.surplus = true;
            if epoch.state == State::Valid {
                epoch.state = State::Closed;
                closed.push(id);
            }
        }
        closed
    }

    /// What nobody went on from, and was one too many, or is by somebody who has gone: others may let go of it.
    /// Whoever opened in good faith for somebody who has gone since is told apart by this: others went on from there.
    pub(super) fn forsaken(&self, belongs: impl Fn(&MemberId) -> bool) -> BTreeSet<EpochId> {
        let superseded = self.superseded();
        let forsaken = self.counts().filter(|(id, epoch)| {
            (epoch.surplus || !belongs(&epoch.header.opener)) && !superseded.contains(*id)
        });
        forsaken.map(|(id, _)| *id).collect()
    }

    /// What valid openings supersede that nothing valid supersedes.
    fn named_by_the_last(&self) -> BTreeSet<&EpochId> {
        let superseded = self.superseded();
        let last = self.iter().filter(|(id, epoch)| {
            epoch.state == State::Valid
                && !superseded.contains(id)
                && !is_planted(Planted::WaitingForgotten)
        });
        last.flat_map(|(_, epoch)| &epoch.header.supersedes).collect()
    }

    /// What is not held any longer, since there is too much of its kind: the last that came. Never what this
    /// member has `spoken` in: it says its words again.
    pub(super) fn crowd(
        &self,
        belongs: impl Fn(&MemberId) -> bool,
        spoken: impl Fn(&EpochId) -> bool,
        head: Option<&EpochId>,
    ) -> Vec<EpochId> {
        if is_planted(Planted::FloodHeld) {
            return Vec::new();
        }
        let mut all: Vec<(&EpochId, &Epoch)> =
            self.iter().filter(|(id, _)| Some(*id) != head).collect();
        all.sort_by_key(|(_, epoch)| epoch.row);
        let forsaken = self.forsaken(belongs);
        let closed = |(id, epoch): &(&EpochId, &Epoch)| {
            epoch.state == State::Closed && forsaken.contains(*id) && !spoken(id)
        };
        // Whether what counts is closed may hang on what it supersedes.
        let named = self.named_by_the_last();
        let waits =
            |(id, epoch): &(&EpochId, &Epoch)| epoch.state == State::Waits && !named.contains(id);
        let void = all.iter().filter(|(_, epoch)| epoch.state == State::Void);
        let closed = beyond(all.iter().copied().filter(closed), MAX_CLOSED);
        let waiting = beyond(all.iter().copied().filter(waits), MAX_WAITING);
        // The newest first, so that the oldest go.
        let mut past: Vec<(&EpochId, &Epoch)> =
            all.iter().copied().filter(|(_, epoch)| epoch.sealed.is_none()).collect();
        past.sort_by_key(|(_, epoch)| std::cmp::Reverse((epoch.header.day, epoch.row)));
        let past = beyond(past.into_iter(), (MAX_PAST, usize::MAX));
        let over: BTreeSet<EpochId> =
            void.map(|(id, _)| **id).chain(closed).chain(waiting).chain(past).collect();
        over.into_iter().collect()
    }
}

/// Of these epochs, in this order, what exceeds so many of one opener, or so many in all.
fn beyond<'a>(
    epochs: impl Iterator<Item = (&'a EpochId, &'a Epoch)>,
    (of_one, in_all): (usize, usize),
) -> Vec<EpochId> {
    let mut by: BTreeMap<MemberId, usize> = BTreeMap::new();
    let mut kept = 0;
    let over = epochs.filter(|(_, epoch)| {
        let of = by.entry(epoch.header.opener).or_default();
        let fits = *of < of_one && kept < in_all;
        *of += usize::from(fits);
        kept += usize::from(fits);
        !fits
    });
    over.map(|(id, _)| *id).collect()
}

impl Circle {
    /// Whether the board in an opening by `opener` may be read before that is judged.
    pub(super) fn may_read_ahead(&self, opener: &MemberId) -> bool {
        let waits = |epoch: &&Epoch| epoch.state == State::Waits && epoch.header.opener == *opener;
        let waiting = self.epochs.iter().map(|(_, epoch)| epoch).filter(waits);
        let boards: BTreeSet<BoardName> = waiting.map(|epoch| epoch.header.board).collect();
        boards.iter().filter(|name| self.boards.contains_key(*name)).count() < MAX_AHEAD
    }

    /// The board of an epoch that counts, if it was not read ahead.
    pub(super) fn board_to_hold(&self, id: &EpochId) -> Option<Secret> {
        let epoch = self.epochs.get(id)?;
        let counts = epoch.counts() && !epoch.surplus;
        let board = &epoch.secrets.as_ref()?.board;
        (counts && !self.boards.contains_key(&epoch.header.board)).then(|| board.clone())
    }

    /// Lets go of openings that are too many. Once all that was asked for is here: what follows an opening, or what
    /// it names, may come behind it.
    pub(super) fn thin_out(&mut self, batch: &mut Batch) {
        let belongs = |who: &MemberId| self.roster.members.contains_key(who);
        let own = || self.speaking.own.values().filter_map(|id| self.log.line(id));
        let spoken: LazyCell<BTreeSet<u64>, _> =
            LazyCell::new(|| own().map(|line| line.epoch()).collect());
        let spoken = |id: &EpochId| spoken.contains(&epoch_hint(id));
        let over = self.epochs.crowd(belongs, spoken, self.head.as_ref());
        self.let_go(batch, over);
    }

    /// Forgets these epochs, and the boards that nothing else names.
    pub(super) fn let_go(&mut self, batch: &mut Batch, over: Vec<EpochId>) {
        for id in &over {
            let Some(epoch) = self.epochs.remove(id) else { continue };
            batch.erase(numbered(Room::Openings, &self.id.0, epoch.row));
            batch.destroy_key(self.slot(SlotKind::Epoch, id.0));
            batch.destroy_key(self.slot(SlotKind::Mailbox, id.0));
            if let Some(sealed) = &epoch.sealed {
                self.mailboxes.remove(&sealed.mailbox());
                self.exchange.close(batch, &sealed.mailbox());
            }
            self.helping.unread.remove(id);
            let board = epoch.header.board;
            let named = self.epochs.iter().any(|(_, other)| other.header.board == board);
            if !named && epoch.secrets.is_some() {
                self.give_up_board(batch, &board);
            }
        }
        if !over.is_empty() {
            self.reckon();
        }
    }
}
