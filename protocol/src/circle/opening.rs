//! Openings: taken from a board, made when due, ended when superseded long enough.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

use super::board::BoardItem;
use super::boards::MAX_BOARDS;
use super::card::{HOUR_2025, VerifiedCard, tag_of};
use super::epoch::{EpochSecrets, Header, Opening, Plan, SealedBox};
use super::head::{Epoch, State};
use super::log::News;
use super::roster::Right;
use super::{Circle, Leads};
use crate::batch::{Batch, numbered};
use crate::boundary::{DAY_MS, Env, Event, HOUR_MS, KeySlot, Room, SlotKind, Timestamp};
use crate::crypto::{Label, Secret, random};
use crate::error::CommandError;
use crate::identity::{BoardName, CardId, EpochId, MemberId};
use crate::message::epoch_hint;
use crate::planted::{Planted, is_planted};
use crate::signed::Signed;
use crate::wire::{self, Bytes};

/// How long others wait before they open an epoch that nobody needs at once, at most.
const OPEN_DELAY_MS: u64 = 10_000;
/// Who has the right, and no reason to wait, opens within this time.
const STEWARD_DELAY_MS: u64 = 1_500;
/// Most epochs whose secrets are here.
const MAX_LIVE: usize = 64;
/// Most ended epochs whose mailboxes are served still. A guess: one a day, of each of four openers, for 30 days.
pub(super) const MAX_SERVED: usize = 128;

/// What an opening follows, and so which board goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follow {
    /// The founding opening.
    Nothing,
    /// What nothing supersedes; the board stays if it is usable.
    Leaves,
    /// The same, with a new board.
    Refresh,
}

/// An opening as it is saved.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(array)]
pub(super) struct SavedOpening {
    #[n(0)]
    pub(super) header: Signed,
    #[n(1)]
    entry: Option<Bytes>,
    #[n(2)]
    superseded: Option<u64>,
    #[n(3)]
    ended: bool,
}

impl Circle {
    pub(super) fn save_epoch(&self, batch: &mut Batch, id: &EpochId) {
        let Some(epoch) = self.epochs.get(id) else { return };
        let saved = SavedOpening {
            header: epoch.signed.clone(),
            entry: epoch.entry.clone(),
            superseded: epoch.superseded.map(|at| at.0),
            ended: epoch.ended,
        };
        let key = numbered(Room::Openings, &self.id.0, epoch.row);
        batch.save(key, wire::encode(&saved));
    }

    /// Takes an opening: its entry, and so the board in it, before it is judged.
    /// False if it waits for its opener to be known: only what opens here, or whose signature was
    /// verified, is held.
    pub(super) fn take_opening(
        &mut self,
        env: &Env<'_>,
        batch: &mut Batch,
        opening: &Opening,
    ) -> bool {
        let Some(header) = opening.header.decode::<Header>() else { return true };
        let id = Header::id(&opening.header, &self.id);
        let key = self.charter.key(&header.opener);
        let verified =
            key.map(|key| opening.header.is_by(key, Label::Opening, &self.id)).unwrap_or_default();
        if header.circle != self.id || key.is_some() && !verified {
            return true;
        }
        // what ended here is not begun again, by whomever its opening is posted once more.
        if self.epochs.get(&id).is_some_and(|epoch| epoch.secrets.is_some() || epoch.ended) {
            return self.take_signature(batch, &id, opening, verified);
        }
        let mine =
            header.cards.iter().position(|tag| self.own_cards.keys().any(|id| id.0[..16] == tag.0));
        let entry = mine.and_then(|at| opening.entries.get(at)).cloned();
        let secrets = mine.zip(entry.as_ref()).and_then(|(at, entry)| {
            let tag = header.cards[at].0;
            let (_, own) = self.own_cards.iter().find(|(id, _)| id.0[..16] == tag)?;
            header.open_entry(self.suite, &self.me, own, &entry.0)
        });
        if secrets.is_none() && !verified {
            return false;
        }
        if secrets.is_some() || !self.epochs.contains(&id) {
            self.hold_epoch(env, batch, opening.header.clone(), header, entry, secrets);
        }
        true
    }

    /// The id of an epoch does not cover its signature, so a copy with a wrong one may have come first,
    /// before its opener was known: the verified one takes its place.
    fn take_signature(
        &mut self,
        batch: &mut Batch,
        id: &EpochId,
        opening: &Opening,
        verified: bool,
    ) -> bool {
        let Some(epoch) = self.epochs.get_mut(id) else { return true };
        if epoch.signed == opening.header {
            return true;
        }
        if verified {
            epoch.signed = opening.header.clone();
            if epoch.state == State::Void {
                epoch.state = State::Waits;
            }
            self.save_epoch(batch, id);
        }
        verified
    }

    pub(super) fn hold_epoch(
        &mut self,
        env: &Env<'_>,
        batch: &mut Batch,
        signed: Signed,
        header: Header,
        entry: Option<Bytes>,
        secrets: Option<EpochSecrets>,
    ) {
        let id = Header::id(&signed, &self.id);
        let sealed = secrets.as_ref().map(|secrets| SealedBox::of_epoch(&secrets.epoch, &self.id));
        if let (Some(secrets), Some(sealed)) = (&secrets, &sealed) {
            batch.make_key(self.slot(SlotKind::Epoch, id.0), secrets.joined());
            let late = self.is_in() && is_planted(Planted::BoardAfterJudging);
            if !late && self.may_read_ahead(&header.opener) {
                self.hold_board(env, batch, secrets.board.clone(), true);
            }
            self.mailboxes.insert(sealed.mailbox(), Leads::Epoch(id));
            self.exchange.open(env, batch, sealed.clone(), false);
        }
        let row = match self.epochs.get(&id) {
            Some(known) => known.row,
            None => {
                self.rows[2] += 1;
                self.rows[2] - 1
            }
        };
        let epoch = Epoch {
            header,
            signed,
            entry,
            state: State::Waits,
            members: Vec::new(),
            outside: BTreeSet::new(),
            strangers: BTreeSet::new(),
            secrets,
            sealed,
            mine: None,
            superseded: None,
            ended: false,
            surplus: false,
            row,
        };
        self.epochs.insert(id, epoch);
        self.save_epoch(batch, &id);
        self.crowded = true;
    }

    pub(super) fn is_due(&self) -> bool {
        self.due
    }

    /// A new card, a new epoch and a new board at once, for who fears that a copy of the keys is out.
    pub(crate) fn refresh(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
    ) -> Result<(), CommandError> {
        if !self.is_in() || !self.roster.members.contains_key(&self.me) {
            return Err(CommandError::NotAMember);
        }
        if !self.knows_copies() && !self.is_silent() {
            return Err(CommandError::NotReady);
        }
        if self.epochs.is_spent(&self.me, &self.roster.ids(), env.now.day()) {
            return Err(CommandError::TooOften);
        }
        // Also the word that of several copies this one is to be used, whether they know of each other
        // yet or not.
        self.is_the_one(env, batch);
        self.settle(env, batch);
        Ok(())
    }

    /// Opens an epoch for the roster, as say.
    pub(super) fn open_epoch(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        follow: Follow,
    ) -> Option<Opening> {
        let has = |name: &BoardName| follow != Follow::Refresh && self.boards.contains_key(name);
        let next = self.epochs.next(&self.roster, has, env.now.day());
        // what exceeds the quota would count nowhere; another member opens, or the next day comes.
        let spent = self.epochs.is_spent(&self.me, &self.roster.ids(), next.day);
        if (next.supersedes.is_empty() || spent) && follow != Follow::Nothing {
            return None;
        }
        let mut items = self.join_heads(batch);
        let board = match next.board {
            Some(name) => self.boards[&name].secret.clone(),
            None => Secret::random(env.rng),
        };
        let cards: Option<Vec<&VerifiedCard>> =
            self.roster.members.keys().map(|member| self.cards.newest(member)).collect();
        let cards = cards?;
        let plan = Plan {
            circle: self.id,
            suite: self.suite,
            heads: self.charter.heads().iter().copied().collect(),
            supersedes: next.supersedes,
            day: next.day,
            cards,
            board,
        };
        let (opening, header, secrets) = plan.open(&self.pair, env.rng);
        let mut boards = self.leaf_boards();
        boards.insert(header.board);
        let entry = self
            .roster
            .ids()
            .binary_search(&self.me)
            .ok()
            .and_then(|at| opening.entries.get(at))
            .cloned();
        self.hold_epoch(env, batch, opening.header.clone(), header, entry, Some(secrets));
        self.judge(env, batch);
        items.push(BoardItem::Opening(opening.clone()));
        self.post(env, batch, &boards, &items);
        self.open_at = None;
        Some(opening)
    }

    pub(super) fn judge(&mut self, env: &mut Env<'_>, batch: &mut Batch) -> bool {
        let judged = self.epochs.judge(&self.charter, &self.roster, &self.cards, &self.me, env.now);
        if judged.is_empty() {
            return false;
        }
        let boards: Vec<Secret> = judged.iter().filter_map(|id| self.board_to_hold(id)).collect();
        boards.into_iter().for_each(|board| self.hold_board(env, batch, board, true));
        let before = self.head;
        self.reckon();
        let joins = |id: &EpochId| {
            self.epochs.get(id).is_some_and(|epoch| epoch.header.supersedes.len() > 1)
        };
        // Whoever opened the new head may have posted it where not all read.
        let moved = self.head != before && !is_planted(Planted::HeadUnlooked);
        if !self.restoring && (moved || judged.iter().any(joins)) {
            self.look_soon(env);
        }
        self.find_instead(env, &judged);
        self.tell_surplus(env, batch, &judged);
        self.forgo_what_others_said(env, batch, &judged);
        for id in self.epochs.mark_superseded(env.now) {
            self.save_epoch(batch, &id);
        }
        true
    }

    /// hosts are shown who opens more than a program that keeps the rules does; once of each member.
    fn tell_surplus(&mut self, env: &Env<'_>, batch: &mut Batch, judged: &[EpochId]) {
        if self.restoring || !self.may(Right::Host) || is_planted(Planted::SurplusUntold) {
            return;
        }
        let surplus = judged.iter().filter_map(|id| self.epochs.get(id)).filter(|it| it.surplus);
        let openers = surplus.map(|epoch| epoch.header.opener);
        let news: BTreeSet<MemberId> =
            openers.filter(|who| !self.log.is_told(who, News::Exceeds)).collect();
        for who in news {
            self.tell_of(env, batch, (who, self.name_of(&who)), News::Exceeds, None);
        }
    }

    /// P2, R-32: until it was judged an epoch that somebody gave an entry of was taken for one's own.
    fn forgo_what_others_said(&mut self, env: &Env<'_>, batch: &mut Batch, judged: &[EpochId]) {
        let given = |id: &&EpochId| {
            self.epochs.get(id).is_some_and(|epoch| epoch.entry.is_some() && epoch.is_of_others())
        };
        let given: Vec<u64> = judged.iter().filter(given).map(epoch_hint).collect();
        let shown = self.log.forgo(&given);
        if !self.restoring {
            self.tell(env, batch, &shown);
        }
    }

    /// Ends epochs that were superseded long enough ago: their secrets die. What their mailboxes
    /// hold is read before. The mailbox pair alone stays until relays have forgotten too, so that it is
    /// seen when something came that cannot be read any more.
    pub(super) fn end_epochs(&mut self, env: &Env<'_>, batch: &mut Batch) {
        let late = self.roster.policy.as_ref().map_or(7, |policy| policy.late_days);
        let late = u64::from(late) * DAY_MS;
        let head = self.head().map(|(id, _)| *id);
        if is_planted(Planted::EpochsStay) {
            return;
        }
        let is_read = |sealed: &SealedBox| {
            self.exchange.is_in_step(&sealed.mailbox())
                || self.roster.relays.is_empty()
                || !self.roster.members.contains_key(&self.me)
        };
        let (mut over, gone) = self.epochs.over(env.now, late, head.as_ref(), is_read);
        over.extend(self.epochs.beyond(MAX_LIVE, head.as_ref(), |it| it.secrets.is_some()));
        for id in over {
            self.end_epoch(env, batch, &id);
        }
        for id in gone {
            self.close_ended(batch, &id);
            self.helping.unread.remove(&id);
        }
    }

    /// What was said in an ended epoch is served no more.
    fn close_ended(&mut self, batch: &mut Batch, id: &EpochId) {
        batch.destroy_key(self.slot(SlotKind::Mailbox, id.0));
        let epoch = self.epochs.get_mut(id).expect("listed just now");
        if let Some(sealed) = epoch.sealed.take() {
            self.mailboxes.remove(&sealed.mailbox());
            self.exchange.close(batch, &sealed.mailbox());
        }
    }

    /// R-26, P7: a flood of openings is not waited out until the next look.
    pub(super) fn keep_within_limits(&mut self, env: &Env<'_>, batch: &mut Batch) {
        if self.restoring || is_planted(Planted::EpochsStay) {
            return;
        }
        let head = self.head().map(|(id, _)| *id);
        for id in self.epochs.beyond(MAX_LIVE, head.as_ref(), |it| it.secrets.is_some()) {
            self.end_epoch(env, batch, &id);
        }
        let served = |it: &Epoch| it.ended && it.sealed.is_some();
        // what came there and cannot be read is asked for all the same.
        for id in self.epochs.beyond(MAX_SERVED, None, served) {
            self.close_ended(batch, &id);
        }
        if self.boards.len() > MAX_BOARDS {
            self.give_up_boards(env, batch);
        }
    }

    fn end_epoch(&mut self, env: &Env<'_>, batch: &mut Batch, id: &EpochId) {
        let (slot, pair) = (self.slot(SlotKind::Epoch, id.0), self.slot(SlotKind::Mailbox, id.0));
        let Some(epoch) = self.epochs.get_mut(id) else { return };
        let Some(secrets) = epoch.secrets.take() else { return };
        let seed = SealedBox::seed_of_epoch(&secrets.epoch, &self.id);
        let sealed = SealedBox::of_seed(&seed);
        batch.destroy_key(slot);
        batch.make_key(pair, Secret::new(seed.to_vec()));
        self.exchange.seal_off(&sealed);
        epoch.sealed = Some(sealed);
        epoch.ended = true;
        self.save_epoch(batch, id);
        self.reckon();
        // What is missing of it has another cause from now on.
        let hint = epoch_hint(id);
        let gaps = self.log.gaps().filter(|(_, _, gap)| gap.missing.values().any(|it| *it == hint));
        for entry in gaps.filter_map(|(_, child, _)| self.gap_entry(child, env.now)) {
            batch.notify(Event::Message { circle: self.id, entry });
        }
    }

    /// the secrets of a card end W after the next card of this device was made and reached a relay,
    /// unless a live epoch names it still.
    pub(super) fn end_cards(&mut self, env: &Env<'_>, batch: &mut Batch) {
        if self.own_cards.len() < 2 {
            return;
        }
        let late = self.roster.policy.as_ref().map_or(7, |policy| policy.late_days);
        let late = u64::from(late) * DAY_MS;
        let mut boards = self.head_board().into_iter().filter_map(|name| self.boards.get(&name));
        if !boards.any(|board| self.exchange.is_acked(&board.sealed.mailbox())) {
            return;
        }
        let live: BTreeSet<[u8; 16]> = self
            .epochs
            .iter()
            .filter(|(_, epoch)| epoch.secrets.is_some())
            .filter_map(|(_, epoch)| Some(epoch.header.cards.get(usize::from(epoch.mine?))?.0))
            .collect();
        let mut own: Vec<(u32, CardId)> = self
            .own_cards
            .keys()
            .filter_map(|id| Some((self.cards.named(&tag_of(id))?.card.rev, *id)))
            .collect();
        own.sort_unstable();
        for pair in own.windows(2) {
            let ((_, id), (next, _)) = (pair[0], pair[1]);
            let made = Timestamp(u64::from(next.saturating_add(HOUR_2025)) * HOUR_MS);
            if env.now.since(made) >= late && !live.contains(&tag_of(&id)) {
                self.own_cards.remove(&id);
                batch.destroy_key(self.slot(SlotKind::Card, id.0));
            }
        }
    }

    /// any member opens what follows from the charter. R-25: who wants to speak opens at once, otherwise those with the right after a short random
    /// delay, then anyone.
    pub(super) fn open_when_due(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        if !self.is_due() {
            self.open_at = None;
            return;
        }
        let most = if self.may(Right::Admit) { STEWARD_DELAY_MS } else { OPEN_DELAY_MS };
        let least = if self.may(Right::Admit) { 0 } else { STEWARD_DELAY_MS };
        let delay = least + u64::from_be_bytes(random(env.rng)) % most;
        let at = *self.open_at.get_or_insert(env.now.plus(delay));
        if at <= env.now
            && self.in_step()
            && (self.is_behind_openings() || self.open_epoch(env, batch, Follow::Leaves).is_none())
        {
            // An operation or somebody's card is not here yet.
            self.open_at = Some(env.now.plus(OPEN_DELAY_MS));
        }
    }

    pub(super) fn restore_epoch(
        &mut self,
        env: &Env<'_>,
        batch: &mut Batch,
        opening: SavedOpening,
        secrets: &BTreeMap<KeySlot, Secret>,
    ) {
        let Some(header) = opening.header.decode::<Header>() else { return };
        let id = Header::id(&opening.header, &self.id);
        let held = secrets
            .get(&self.slot(SlotKind::Epoch, id.0))
            .filter(|_| !opening.ended)
            .and_then(|secret| EpochSecrets::split(secret.bytes()));
        let seed = secrets.get(&self.slot(SlotKind::Mailbox, id.0)).and_then(Secret::array);
        let sealed = match &held {
            Some(secrets) => Some(SealedBox::of_epoch(&secrets.epoch, &self.id)),
            None => seed.map(|seed| SealedBox::of_seed(&seed)),
        };
        if let Some(sealed) = &sealed {
            self.mailboxes.insert(sealed.mailbox(), Leads::Epoch(id));
            self.exchange.open(env, batch, sealed.clone(), false);
        }
        self.epochs.insert(
            id,
            Epoch {
                header,
                signed: opening.header,
                entry: opening.entry,
                state: State::Waits,
                members: Vec::new(),
                outside: BTreeSet::new(),
                strangers: BTreeSet::new(),
                secrets: held,
                sealed,
                mine: None,
                superseded: opening.superseded.map(Timestamp),
                ended: opening.ended,
                surplus: false,
                row: self.rows[2],
            },
        );
    }

    /// R-26, P9: the key of an epoch that has ended, or is not here, is left where a node died before it was
    /// destroyed, or right after it was made.
    pub(super) fn destroy_left_keys(&self, batch: &mut Batch, secrets: &BTreeMap<KeySlot, Secret>) {
        for slot in secrets.keys().filter(|slot| slot.owner == self.id.0) {
            let epoch = self.epochs.get(&EpochId(slot.id));
            let left = match slot.kind {
                SlotKind::Epoch => epoch.is_none_or(|epoch| epoch.secrets.is_none()),
                SlotKind::Mailbox => epoch.is_none(),
                _ => false,
            };
            if left {
                batch.destroy_key(*slot);
            }
        }
    }
}
