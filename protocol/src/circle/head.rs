//! Which epochs there are, which of them can be spoken in, and when a new one is due.

use std::collections::{BTreeMap, BTreeSet};

use super::HORIZON_DAYS;
use super::card::{Cards, VerifiedCard};
use super::charter::Charter;
use super::epoch::{EpochSecrets, Header, MAX_SUPERSEDED, SealedBox};
use super::roster::{Roster, fold};
use crate::boundary::{DAY_MS, Timestamp};
use crate::crypto::Label;
use crate::identity::{BoardName, DeviceId, EpochId, MemberId};
use crate::message::epoch_hint;
use crate::planted::{Planted, is_planted};
use crate::signed::Signed;
use crate::wire::Bytes;

/// Days after its opening when the secret of what is not the head ends at the latest.
const LONGEST_DAYS: u32 = 30;
/// Days after its opening when nobody keeps anything of an epoch that ended any more.
const GONE_DAYS: u32 = 67;

/// What this node makes of an opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It names operations that are not here, or its day has not come.
    Waits,
    /// It counts.
    Valid,
    /// It is read, and never spoken in.
    Closed,
    /// It breaks the rules.
    Void,
}

/// An epoch as one node holds it.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Epoch {
    pub(crate) header: Header,
    pub(crate) signed: Signed,
    /// This device's entry.
    pub(crate) entry: Option<Bytes>,
    pub(crate) state: State,
    /// The roster at its heads, in order of member ids; empty until they are on hand.
    pub(crate) members: Vec<MemberId>,
    /// Who was outside the roster at its heads.
    pub(crate) outside: BTreeSet<MemberId>,
    /// Of whom it names a card in the place of somebody else, by the cards on hand.
    pub(crate) strangers: BTreeSet<MemberId>,
    pub(crate) secrets: Option<EpochSecrets>,
    pub(crate) sealed: Option<SealedBox>,
    /// This member's place among the members.
    pub(crate) mine: Option<u16>,
    /// When an opening that supersedes it was opened here.
    pub(crate) superseded: Option<Timestamp>,
    /// Whether its secret was erased because it was over.
    pub(crate) ended: bool,
    /// Whether it exceeds what its opener may open in a day.
    pub(crate) surplus: bool,
    /// Its place in the store.
    pub(crate) row: u64,
}

impl Epoch {
    /// Whether it is valid or closed.
    pub(crate) fn counts(&self) -> bool {
        matches!(self.state, State::Valid | State::Closed)
    }

    /// Whether this member was not there, though somebody may have given it the secret (P4, R-32).
    pub(crate) fn is_of_others(&self) -> bool {
        self.state != State::Waits && self.mine.is_none() && !is_planted(Planted::OutsiderReads)
    }

    /// Who can read it as far as is known here: its members, and whose cards it names instead of theirs.
    pub(crate) fn readers(&self) -> impl Iterator<Item = &MemberId> {
        let strangers = (!is_planted(Planted::StrangersUnseen)).then_some(&self.strangers);
        self.members.iter().chain(strangers.into_iter().flatten())
    }

    /// Notes whose this card is, if it is named in the place of somebody else.
    fn learn(&mut self, card: &VerifiedCard) {
        let (tag, of) = (card.tag(), card.card.member);
        let mut named = self.members.iter().zip(&self.header.cards);
        if named.any(|(who, named)| named.0 == tag && *who != of) {
            self.strangers.insert(of);
        }
    }

    /// The device of this member that it names, by the cards on hand.
    fn my_device(&self, cards: &Cards) -> Option<DeviceId> {
        let tag = self.header.cards.get(usize::from(self.mine?))?;
        cards.named(&tag.0).map(|held| held.card.device)
    }
}

/// Of several epochs the least in this order is the head.
fn rank((id, epoch): &(&EpochId, &Epoch)) -> (std::cmp::Reverse<usize>, EpochId) {
    let size = epoch.members.len();
    (std::cmp::Reverse(if is_planted(Planted::HeadSmallest) { !size } else { size }), **id)
}

/// What the next opening says of what was before it.
#[derive(Debug)]
pub(crate) struct Next {
    pub(crate) supersedes: Vec<EpochId>,
    pub(crate) day: u32,
    /// The board that stays; none, if a new one is to be drawn.
    pub(crate) board: Option<BoardName>,
}

/// All epochs of a circle that this node has headers of.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Epochs {
    all: BTreeMap<EpochId, Epoch>,
    /// Whether one came since it was looked which do not follow.
    came: bool,
}

impl Epochs {
    pub(crate) fn insert(&mut self, id: EpochId, epoch: Epoch) {
        self.came |= self.all.insert(id, epoch).is_none();
    }

    pub(crate) fn remove(&mut self, id: &EpochId) -> Option<Epoch> {
        self.all.remove(id)
    }

    pub(crate) fn get(&self, id: &EpochId) -> Option<&Epoch> {
        self.all.get(id)
    }

    pub(crate) fn contains(&self, id: &EpochId) -> bool {
        self.all.contains_key(id)
    }

    pub(crate) fn get_mut(&mut self, id: &EpochId) -> Option<&mut Epoch> {
        self.all.get_mut(id)
    }

    /// The epoch whose id begins with these 8 bytes, big-endian.
    pub(crate) fn by_hint(&self, hint: u64) -> Option<(&EpochId, &Epoch)> {
        let mut from = [0; 32];
        from[..8].copy_from_slice(&hint.to_be_bytes());
        let (id, epoch) = self.all.range(EpochId(from)..).next()?;
        (epoch_hint(id) == hint).then_some((id, epoch))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&EpochId, &Epoch)> {
        self.all.iter()
    }

    /// Whether this member is, or was, in the epoch that a message names as that of a parent. Of one
    /// that this node never heard of, it was not.
    pub(crate) fn is_mine(&self, hint: u64) -> bool {
        let mine = |epoch: &Epoch| epoch.entry.is_some() && !epoch.is_of_others();
        self.all.iter().any(|(id, epoch)| epoch_hint(id) == hint && mine(epoch))
    }

    /// Epochs that are superseded by others, nothing of which is here and in which this member, who came on
    /// that day, may have been, by headers made since a day.
    ///
    /// What came before it did is nothing to it: until that day (clocks are off), only what is superseded by
    /// an epoch that it is in, or together with one that it was in, may be later; unless that is the one that
    /// was opened to let it in.
    pub(crate) fn unknown(
        &self,
        charter: &Charter,
        me: &MemberId,
        came: u32,
        since: u32,
    ) -> BTreeSet<EpochId> {
        let brought = self.brought(charter, me);
        let is_in = |id: &EpochId| self.all.get(id).is_some_and(|epoch| epoch.mine.is_some());
        let after = self.all.iter().filter(|(id, epoch)| {
            let Header { day, supersedes, .. } = &epoch.header;
            let mine = is_in(id) && brought != Some(*id) || supersedes.iter().any(is_in);
            epoch.counts()
                && *day >= since
                && (*day > came || mine && !is_planted(Planted::MeanwhileUnasked))
        });
        let before = after.flat_map(|(_, epoch)| &epoch.header.supersedes);
        before.filter(|id| !self.contains(id)).copied().collect()
    }

    /// The epoch that was opened to let this member in, if only one can be that: of several, each may have
    /// come after another.
    fn brought(&self, charter: &Charter, me: &MemberId) -> Option<&EpochId> {
        let lets_in = |header: &Header| {
            let admissions = header.heads.iter().filter_map(|id| charter.get(id));
            let mut mine = admissions.filter(|held| held.lets_in == Some(*me));
            mine.any(|held| held.operation.author == header.opener)
        };
        let mut such = self.all.iter().filter(|(_, epoch)| lets_in(&epoch.header));
        such.next().map(|(id, _)| id).filter(|_| such.next().is_none())
    }

    /// A card came.
    pub(crate) fn learn(&mut self, card: &VerifiedCard) {
        self.all.values_mut().for_each(|epoch| epoch.learn(card));
    }

    /// Judges what waits. Gives what was judged.
    pub(crate) fn judge(
        &mut self,
        charter: &Charter,
        roster: &Roster,
        cards: &Cards,
        me: &MemberId,
        now: Timestamp,
    ) -> Vec<EpochId> {
        let waiting: Vec<EpochId> = self
            .all
            .iter()
            .filter(|(_, epoch)| epoch.state == State::Waits)
            .map(|(id, _)| *id)
            .collect();
        let mut judged = Vec::new();
        for id in waiting {
            let epoch = &self.all[&id];
            let header = &epoch.header;
            let early =
                header.day > now.day().saturating_add(1) && !is_planted(Planted::DayUnchecked);
            if early && !epoch.members.is_empty() {
                continue;
            }
            let Some(places) = charter.covered(&header.heads) else { continue };
            let then = fold(charter, &places);
            let state = (!early).then(|| self.judgement(epoch, &then, charter, roster));
            let epoch = self.all.get_mut(&id).expect("listed just now");
            epoch.members = then.ids();
            epoch.outside = then.outside;
            let named = epoch.members.iter().zip(&epoch.header.cards);
            let named =
                named.filter_map(|(who, tag)| Some((who, cards.named(&tag.0)?.card.member)));
            epoch.strangers = named.filter(|(who, of)| *who != of).map(|(_, of)| of).collect();
            // Who reads its board is known before its day comes.
            let Some(state) = state else { continue };
            epoch.mine = epoch.members.binary_search(me).ok().and_then(|at| u16::try_from(at).ok());
            epoch.state = state;
            judged.push(id);
        }
        let came = std::mem::take(&mut self.came) && !is_planted(Planted::WaitingUnlooked);
        if came || !judged.is_empty() {
            judged.extend(self.close_what_does_not_follow(charter));
            judged.extend(self.close_surplus());
        }
        judged
    }

    /// what fails only by what it supersedes is closed as from when that comes.
    fn close_what_does_not_follow(&mut self, charter: &Charter) -> Vec<EpochId> {
        let fails: Vec<EpochId> = self
            .all
            .iter()
            .filter(|(_, epoch)| epoch.state == State::Valid && !self.follows(epoch, charter))
            .map(|(id, _)| *id)
            .collect();
        for id in &fails {
            self.all.get_mut(id).expect("listed just now").state = State::Closed;
        }
        fails
    }

    /// Whether a header covers what it supersedes, as far as that is on hand.
    fn follows(&self, epoch: &Epoch, charter: &Charter) -> bool {
        let header = &epoch.header;
        let covered = charter.covered(&header.heads).unwrap_or_default();
        let before = header.supersedes.iter().filter_map(|before| self.all.get(before));
        // What is void some have let go of.
        let before = before.filter(|before| before.state != State::Void);
        before.map(|before| &before.header).all(|before| {
            let mut heads = before.heads.iter();
            is_planted(Planted::HeadsUncovered)
                || before.day <= header.day
                    && heads.all(|head| charter.place(head).is_some_and(|at| covered.contains(at)))
        })
    }

    fn judgement(&self, epoch: &Epoch, then: &Roster, charter: &Charter, roster: &Roster) -> State {
        let header = &epoch.header;
        let opener = then.members.get(&header.opener);
        let signs = opener
            .is_some_and(|person| epoch.signed.is_by(&person.key, Label::Opening, &header.circle))
            || is_planted(Planted::OpenerUnchecked);
        let first = header.supersedes.is_empty() && !is_planted(Planted::PastlessOpens);
        let founds = header.heads.len() == 1 && header.heads[0].0 == header.circle.0;
        let sized = (header.cards.len() == then.members.len()
            || is_planted(Planted::CardsUncounted))
            && header.supersedes.len() <= MAX_SUPERSEDED;
        if !signs || !sized || first && !founds {
            return State::Void;
        }
        let inside = |member: &MemberId| {
            roster.members.contains_key(member) || is_planted(Planted::OutsidersSpokenWith)
        };
        if self.follows(epoch, charter) && inside(&header.opener) && then.members.keys().all(inside)
        {
            State::Valid
        } else {
            State::Closed
        }
    }

    /// Notes what is superseded as from now. Gives what was not before.
    pub(crate) fn mark_superseded(&mut self, now: Timestamp) -> Vec<EpochId> {
        let mut marked = Vec::new();
        for id in self.superseded() {
            if let Some(epoch) = self.all.get_mut(&id).filter(|epoch| epoch.superseded.is_none()) {
                epoch.superseded = Some(now);
                marked.push(id);
            }
        }
        marked
    }

    /// Of which epochs the secret ends now, and of which nothing is kept any more. Superseded
    /// ones end `late` ms after that; none before what its mailbox holds was read, if it still can be.
    pub(crate) fn over(
        &self,
        now: Timestamp,
        late: u64,
        head: Option<&EpochId>,
        is_read: impl Fn(&SealedBox) -> bool,
    ) -> (Vec<EpochId>, Vec<EpochId>) {
        let (mut over, mut gone) = (Vec::new(), Vec::new());
        for (id, epoch) in &self.all {
            let spared = Some(id) == head && !is_planted(Planted::HeadEnds);
            let Some(sealed) = epoch.sealed.as_ref().filter(|_| !spared) else {
                continue;
            };
            let age = now.day().saturating_sub(epoch.header.day);
            let since = epoch.superseded.map(|at| now.since(at));
            if epoch.ended {
                if since.is_none_or(|since| since >= late + HORIZON_DAYS * DAY_MS)
                    && age > GONE_DAYS
                {
                    gone.push(*id);
                }
            } else if (age > LONGEST_DAYS
                || since.is_some_and(|since| since >= late || is_planted(Planted::EpochsEndAtOnce)))
                && epoch.secrets.is_some()
                && (age > GONE_DAYS || is_read(sealed))
            {
                over.push(*id);
            }
        }
        (over, gone)
    }

    /// Epochs that are too many of a kind: of those that cannot be spoken in first, then the oldest of the opener
    /// with most; never the head.
    pub(crate) fn beyond(
        &self,
        most: usize,
        head: Option<&EpochId>,
        kind: impl Fn(&Epoch) -> bool,
    ) -> Vec<EpochId> {
        let mut live: Vec<(&EpochId, &Epoch)> =
            self.all.iter().filter(|(_, epoch)| kind(epoch)).collect();
        let mut over = Vec::new();
        while live.len() > most {
            let mut by: BTreeMap<MemberId, usize> = BTreeMap::new();
            for (_, epoch) in &live {
                *by.entry(epoch.header.opener).or_default() += 1;
            }
            let at = (0..live.len()).filter(|at| Some(live[*at].0) != head).min_by_key(|at| {
                let (id, epoch) = live[*at];
                let spoken = epoch.state == State::Valid;
                (spoken, std::cmp::Reverse(by[&epoch.header.opener]), epoch.header.day, *id)
            });
            let Some(at) = at else { break };
            over.push(*live.remove(at).0);
        }
        over
    }

    pub(super) fn counts(&self) -> impl Iterator<Item = (&EpochId, &Epoch)> {
        self.all.iter().filter(|(_, epoch)| epoch.counts())
    }

    /// What a valid header supersedes, directly or through any other header on hand.
    pub(crate) fn superseded(&self) -> BTreeSet<EpochId> {
        let valid = self.all.values().filter(|epoch| epoch.state == State::Valid);
        self.reached(valid.flat_map(|epoch| epoch.header.supersedes.iter().copied()).collect())
    }

    /// What this one supersedes, directly or through any other header on hand.
    pub(crate) fn before(&self, id: &EpochId) -> BTreeSet<EpochId> {
        let supersedes = self.all.get(id).map(|epoch| epoch.header.supersedes.clone());
        self.reached(supersedes.unwrap_or_default())
    }

    fn reached(&self, mut todo: Vec<EpochId>) -> BTreeSet<EpochId> {
        let mut out = BTreeSet::new();
        while let Some(id) = todo.pop() {
            if out.insert(id)
                && let Some(epoch) = self.all.get(&id)
                && epoch.state != State::Void
            {
                todo.extend(&epoch.header.supersedes);
            }
        }
        out
    }

    /// The epochs in which somebody may speak, though perhaps not this device.
    pub(crate) fn candidates(&self, roster: &Roster) -> impl Iterator<Item = (&EpochId, &Epoch)> {
        let superseded = self.superseded();
        self.all.iter().filter(move |(id, epoch)| {
            epoch.state == State::Valid
                && epoch.mine.is_some()
                && (!superseded.contains(*id) || is_planted(Planted::SupersededSpokenIn))
                && (is_planted(Planted::SpokenInOn)
                    || epoch.readers().all(|id| roster.members.contains_key(id)))
        })
    }

    /// The epoch to speak in, of those for this device in which it `signs`: whose card's secrets
    /// it has.
    pub(crate) fn head(
        &self,
        roster: &Roster,
        cards: &Cards,
        device: &DeviceId,
        signs: impl Fn(&Epoch) -> bool,
    ) -> Option<(&EpochId, &Epoch)> {
        let mine = |epoch: &Epoch| {
            epoch.secrets.is_some()
                && (epoch.my_device(cards) == Some(*device)
                    || is_planted(Planted::OtherDeviceSpeaks))
        };
        self.candidates(roster).filter(|(_, epoch)| mine(epoch) && signs(epoch)).min_by_key(rank)
    }

    /// Whether everybody who was ever given a board still belongs, whoever does not was outside already when that was
    /// done, and nothing replaced it.
    pub(crate) fn is_board_usable(&self, board: &BoardName, roster: &Roster) -> bool {
        let names =
            |id: &EpochId| self.all.get(id).is_some_and(|epoch| epoch.header.board == *board);
        // What does not open here may have been given to the others by a member, who has the board; whoever has
        // gone can name it, and give nothing.
        let given = |epoch: &Epoch| {
            roster.members.contains_key(&epoch.header.opener)
                && !is_planted(Planted::BoardUsedUnseen)
        };
        // Where somebody still belonged, or was never heard of, others may give the board to just that one.
        let knew_less = |epoch: &Epoch| {
            !roster.outside.is_subset(&epoch.outside) && !is_planted(Planted::BoardFromBefore)
        };
        let early = |epoch: &Epoch| {
            epoch.state == State::Waits
                && !epoch.members.is_empty()
                && !is_planted(Planted::BoardOfLaterDays)
        };
        let leaks = self.all.values().any(|epoch| {
            epoch.header.board == *board
                && (epoch.counts() || early(epoch))
                && (epoch.secrets.is_some()
                    || epoch.ended && !is_planted(Planted::BoardForgetsReaders)
                    || epoch.header.supersedes.iter().any(names)
                    || given(epoch))
                && (!epoch.readers().all(|id| roster.members.contains_key(id)) || knew_less(epoch))
        });
        let replaced = self.all.values().any(|epoch| {
            epoch.state == State::Valid
                && epoch.header.board != *board
                && epoch.header.supersedes.iter().any(names)
        });
        (!leaks || is_planted(Planted::BoardUsedOn))
            && (!replaced || is_planted(Planted::BoardUsedAfterNext))
    }

    /// The other board to which an opening that stands on this one brings all members who read here, if it does.
    pub(crate) fn next_board(
        &self,
        board: &BoardName,
        opening: &EpochId,
        roster: &Roster,
    ) -> Option<BoardName> {
        let epoch = self.all.get(opening).filter(|epoch| epoch.counts())?;
        let given = self.counts().filter(|(_, other)| other.header.board == *board);
        let mut readers = given.flat_map(|(_, other)| &other.members);
        let brings_all = readers.all(|who| {
            epoch.members.binary_search(who).is_ok() || !roster.members.contains_key(who)
        });
        let leads = brings_all || is_planted(Planted::AnyBoardLeadsOn);
        (epoch.header.board != *board && leads).then_some(epoch.header.board)
    }

    /// Whether the members of all openings that brought this board are known, and one counts: who reads it is not known
    /// before, and of one that breaks the rules never. Those of an opening whose day has not come are known.
    pub(crate) fn are_readers_known(&self, board: &BoardName) -> bool {
        let waits = |epoch: &&Epoch| {
            let early = !epoch.members.is_empty() && !is_planted(Planted::LaterDayAwaited);
            epoch.state == State::Waits && epoch.secrets.is_some() && !early
        };
        let names = |epoch: &Epoch| epoch.header.board == *board;
        !self.all.values().filter(waits).any(names)
            && (self.counts().any(|(_, epoch)| names(epoch)) || is_planted(Planted::VoidBoardUsed))
    }

    /// What nothing on hand supersedes, the best first: what the next opening follows.
    pub(crate) fn leaves(&self) -> Vec<(EpochId, &Epoch)> {
        let superseded: BTreeSet<&EpochId> =
            self.counts().flat_map(|(_, epoch)| &epoch.header.supersedes).collect();
        let mut leaves: Vec<(&EpochId, &Epoch)> =
            self.counts().filter(|(id, _)| !superseded.contains(id)).collect();
        leaves.sort_by_key(rank);
        leaves.into_iter().take(MAX_SUPERSEDED).map(|(id, epoch)| (*id, epoch)).collect()
    }

    /// What an opening of this day follows from: all leaves, and of the usable boards
    /// that they name and this node `has` the one with the smallest name.
    pub(crate) fn next(
        &self,
        roster: &Roster,
        has: impl Fn(&BoardName) -> bool,
        today: u32,
    ) -> Next {
        let leaves = self.leaves();
        let before = leaves.iter().map(|(_, epoch)| epoch.header.day).max();
        let boards = leaves.iter().map(|(_, epoch)| epoch.header.board);
        let kept = boards.filter(|name| has(name) && self.is_board_usable(name, roster)).min();
        Next {
            supersedes: leaves.iter().map(|(id, _)| *id).collect(),
            day: before.unwrap_or(0).max(today),
            board: kept,
        }
    }

    /// Whether a new opening is due where this is the head (R-25 a to d, and f: others speak apart from it).
    pub(crate) fn is_due(
        &self,
        roster: &Roster,
        cards: &Cards,
        (me, device): (&MemberId, &DeviceId),
        head: Option<(&EpochId, &Epoch)>,
        today: u32,
        apart: bool,
    ) -> bool {
        // An opening names newest cards: where that is another copy's, it would help nobody here.
        let newest = cards.newest(me).is_some_and(|held| held.card.device == *device)
            || is_planted(Planted::CopyOpens);
        if !roster.members.contains_key(me) || !newest || self.leaves().is_empty() {
            return false;
        }
        let Some((id, head)) = head else {
            return true;
        };
        let moved = head.members.iter().zip(&head.header.cards).any(|(id, tag)| {
            let named = cards.named(&tag.0).map(|held| held.card.device);
            let newest = cards.newest(id).map(|held| held.card.device);
            let follows = id == me || !self.moved_on(id, cards, today);
            named.is_some() && named != newest && follows && !is_planted(Planted::DeviceNotFollowed)
        });
        let mut stay = roster.members.keys();
        if is_planted(Planted::SpokenInOn) && stay.all(|who| head.members.contains(who)) {
            return false;
        }
        moved
            || apart
            || head.members != roster.ids()
            || !self.is_board_usable(&head.header.board, roster)
            || self.others_prefer_another(roster, cards, device, (id, head))
    }

    /// R-25 b: an epoch that ranks before the head is none here only because it names another device of
    /// this member, or a card whose secrets have ended. Others speak there.
    fn others_prefer_another(
        &self,
        roster: &Roster,
        cards: &Cards,
        device: &DeviceId,
        head: (&EpochId, &Epoch),
    ) -> bool {
        let out_of_reach = |epoch: &Epoch| {
            let named = epoch.my_device(cards);
            named.is_some_and(|named| named != *device || epoch.sealed.is_some())
        };
        self.candidates(roster).any(|other| rank(&other) < rank(&head) && out_of_reach(other.1))
    }

    /// R-25 d: whether an opening of this day has followed this member to another device. It follows
    /// once a day; then the device itself has to open, which has no head until it does.
    fn moved_on(&self, who: &MemberId, cards: &Cards, day: u32) -> bool {
        let device = |epoch: &Epoch| {
            let at = epoch.members.binary_search(who).ok()?;
            cards.named(&epoch.header.cards.get(at)?.0).map(|held| held.card.device)
        };
        self.counts().filter(|(_, epoch)| epoch.header.day >= day).any(|(_, epoch)| {
            let before = epoch.header.supersedes.iter().filter_map(|id| self.all.get(id));
            let after = device(epoch);
            after.is_some() && before.filter_map(device).any(|device| Some(device) != after)
        })
    }
}

#[cfg(test)]
pub(crate) mod tests;
