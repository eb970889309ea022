//! Boards: the mailboxes of governance, from a new one's secret to the end of an old one.

use std::collections::{BTreeMap, BTreeSet};

use super::board::{self, BoardItem, InviteKeys};
use super::card::{self, VerifiedCard};
use super::charter::Held;
use super::epoch::{Header, Opening, SealedBox, board_name};
use super::head::Epoch;
use super::{Board, Circle, Leads, MAX_STUCK, MAX_STUCK_OPENINGS};
use crate::batch::Batch;
use crate::boundary::{DAY_MS, Env, SlotKind, Timestamp};
use crate::crypto::{Label, Secret, random};
use crate::envelope::{Envelope, TAKEN_AHEAD_H};
use crate::identity::{BoardName, EpochId, MemberId, OperationId};
use crate::planted::{Planted, is_planted};
use crate::signed::Signed;
use crate::wire::Bytes;

/// Bytes of several things that go into one envelope of a board.
const POST_BYTES: usize = 30 << 10;
/// Half of what relays keep at least: what is older is posted again.
const FRESH_H: u32 = 15 * 24;
/// How far ahead of this clock a card may be, in hours: clocks are off, and a person's word ranks first.
const AHEAD_H: u32 = 7 * 24;
/// How long a board is read after it was replaced, in days, and how many are.
const READ_DAYS: u32 = 400;
pub(super) const MAX_BOARDS: usize = 64;
/// Cards of one member that wait: there is one a day, and relays keep them for 30 days.
const MAX_STUCK_OF_ONE: usize = 64;
/// When boards are looked after for the first time after a start, and how far apart, each with as much
/// again at random: not everybody posts the same thing at once.
const FIRST_LOOK_MS: u64 = 60_000;
const LOOK_MS: u64 = DAY_MS / 2;
/// When they are looked after once an opening joined several epochs.
const SOON_MS: u64 = 10_000;

impl Circle {
    /// The board to post on: that of the head, or any other that can be used and whose readers are known;
    /// none, if an opening has to go first (P3).
    pub(super) fn head_board(&self) -> BTreeSet<BoardName> {
        let usable = |name: &BoardName| {
            self.boards.contains_key(name) && self.epochs.is_board_usable(name, &self.roster)
        };
        let head = self.head().map(|(_, epoch)| epoch.header.board).filter(usable);
        let other = || {
            let known = |name: &&BoardName| self.epochs.are_readers_known(name) && usable(name);
            self.boards.keys().find(known).copied()
        };
        head.or_else(other).into_iter().collect()
    }

    /// The boards of all that the next opening follows, where it is posted. Of what this device cannot
    /// open, a home put back say, the boards of what that followed: where others read on.
    pub(super) fn leaf_boards(&self) -> BTreeSet<BoardName> {
        self.nearest_boards(self.epochs.leaves().iter().map(|(id, _)| *id).collect())
    }

    /// Whether some board that leads to an epoch opened here has reached a relay, with all that this
    /// device posted there.
    pub(super) fn is_opening_relayed(&self, hint: u64) -> bool {
        let own = self.epochs.by_hint(hint).filter(|(_, epoch)| epoch.header.opener == self.me);
        let Some((_, epoch)) = own else { return true };
        let boards = self.nearest_boards(epoch.header.supersedes.clone());
        let acked = |name| self.exchange.is_acked(&self.boards[name].sealed.mailbox());
        boards.is_empty() || boards.iter().any(acked)
    }

    /// The boards of these epochs that are here, or of what they supersede.
    fn nearest_boards(&self, mut todo: Vec<EpochId>) -> BTreeSet<BoardName> {
        let mut boards = BTreeSet::new();
        let mut seen = BTreeSet::new();
        while let Some(id) = todo.pop() {
            let Some(epoch) = self.epochs.get(&id).filter(|_| seen.insert(id)) else { continue };
            if self.boards.contains_key(&epoch.header.board) {
                boards.insert(epoch.header.board);
            } else {
                todo.extend(&epoch.header.supersedes);
            }
        }
        boards
    }

    /// Learns a board's secret and takes part in its mailbox.
    pub(super) fn hold_board(
        &mut self,
        env: &Env<'_>,
        batch: &mut Batch,
        secret: Secret,
        new: bool,
    ) {
        let name = board_name(&secret, &self.id);
        if self.boards.contains_key(&name) {
            return;
        }
        let sealed = SealedBox::of_board(&secret, &self.id);
        if new {
            batch.make_key(self.slot(SlotKind::Board, name.0), secret.clone());
        }
        self.mailboxes.insert(sealed.mailbox(), Leads::Board(name));
        self.exchange.open(env, batch, sealed.clone(), false);
        self.boards.insert(name, Board { secret, sealed });
    }

    /// Posts things on boards, in as few envelopes as they fit in.
    pub(super) fn post<'a>(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        boards: impl IntoIterator<Item = &'a BoardName>,
        items: &[BoardItem],
    ) {
        let texts = board::texts(items, POST_BYTES);
        for name in boards {
            let Some(board) = self.boards.get(name) else { continue };
            let (key, mailbox) = (board.sealed.key, board.sealed.mailbox());
            for text in &texts {
                if let Some(envelope) = Envelope::seal(&key, &mailbox, env.now, text, env.rng) {
                    self.exchange.offer(batch, mailbox, envelope, None);
                }
            }
        }
    }

    /// Takes one thing from a board; false if it waits, in memory only.
    pub(super) fn take_board_item(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        board: &BoardName,
        item: BoardItem,
    ) -> bool {
        match item {
            BoardItem::Operation(signed) => {
                let Some(mut new) = self.take_operation(batch, signed) else { return false };
                // What had waited for it may have come on another board.
                let waited = if new.is_empty() { Vec::new() } else { new.split_off(1) };
                if !self.head_board().contains(board) {
                    self.find_strays(env, new);
                }
                self.find_waited(env, waited);
            }
            BoardItem::Card(signed) => {
                if !self.take_card(env, batch, signed.clone(), None) {
                    self.let_card_wait(signed);
                    return false;
                }
            }
            BoardItem::Opening(opening) => {
                if !self.take_opening(env, batch, &opening) {
                    if self.stuck_openings.len() < MAX_STUCK_OPENINGS {
                        self.stuck_openings.push_back(opening);
                    }
                    return false;
                }
                self.find_instead(env, &[Header::id(&opening.header, &self.id)]);
            }
            BoardItem::Invite(keys) => self.take_invite_keys(batch, keys),
            BoardItem::Ask(signed) => self.take_ask(env, batch, board, &signed),
            BoardItem::Heads(signed) => self.take_heads(env, &signed),
            BoardItem::Help(help) => self.take_help(env, batch, board, &help),
            BoardItem::Entry(entry) => self.take_entry(env, batch, entry),
        }
        true
    }

    /// Takes a card, which may lie in a row already, if its member is known; true if nothing more is to be
    /// done about it.
    pub(super) fn take_card(
        &mut self,
        env: &Env<'_>,
        batch: &mut Batch,
        signed: Signed,
        row: Option<u64>,
    ) -> bool {
        let Some(card) = signed.decode::<card::Card>() else { return true };
        if self.cards.contains(&signed, &self.id) {
            return true;
        }
        let Some(key) = self.charter.key(&card.member).copied() else { return false };
        let Some(card) = VerifiedCard::verify(signed, &key, &self.id, self.suite) else {
            return true;
        };
        if row.is_none() && is_ahead(&card.card, env) {
            return false;
        }
        self.card_came = true;
        if row.is_some() {
            self.hold_card(card, row);
        } else {
            self.keep_card(batch, card.clone());
            if card.card.member == self.me && !self.own_cards.contains_key(&card.id) {
                self.found_own_card(env, batch, &card);
            }
        }
        self.reckon();
        true
    }

    /// Whether a card still waits: looked at with each frame, so without a signature (P7).
    pub(super) fn card_waits(&self, env: &Env<'_>, signed: &Signed) -> bool {
        let card = signed.decode::<card::Card>();
        card.is_some_and(|card| self.charter.key(&card.member).is_none() || is_ahead(&card, env))
    }

    /// Keeps a card in memory until its member is known or its time has come; few of one member, so that
    /// nobody takes the places of others.
    fn let_card_wait(&mut self, signed: Signed) {
        let member = |signed: &Signed| signed.decode::<card::Card>().map(|card| card.member);
        let (who, waits) = (member(&signed), self.stuck_cards.iter());
        let many = waits.filter(|other| member(other) == who).count() >= MAX_STUCK_OF_ONE;
        if self.stuck_cards.len() < MAX_STUCK && !many && !self.stuck_cards.contains(&signed) {
            self.stuck_cards.push_back(signed);
        }
    }

    /// What stands on a board, in envelopes sealed since `hour`; not in those that nobody takes yet.
    fn contents(
        &self,
        env: &Env<'_>,
        batch: &Batch,
        board: &BoardName,
        hour: u32,
    ) -> impl Iterator<Item = BoardItem> {
        let board = self.boards.get(board);
        let envelopes = board.map(|board| {
            let mailbox = board.sealed.mailbox();
            let all = self.exchange.contents(env, batch, &mailbox).into_iter();
            let hours = hour..=env.now.hour().saturating_add(TAKEN_AHEAD_H);
            let fresh = all.filter(move |envelope| hours.contains(&envelope.hour()));
            fresh.filter_map(move |envelope| envelope.open(&board.sealed.key, &mailbox))
        });
        envelopes.into_iter().flatten().filter_map(|text| board::decode(&text)).flatten()
    }

    /// Ids of the operations, cards, openings and invites that stand on a board, in envelopes sealed since `hour`.
    fn standing_on(
        &self,
        env: &Env<'_>,
        batch: &Batch,
        board: &BoardName,
        hour: u32,
    ) -> BTreeSet<[u8; 32]> {
        self.contents(env, batch, board, hour)
            .filter_map(|item| match item {
                BoardItem::Operation(signed) => Some(signed.id(Label::Operation, &self.id)),
                BoardItem::Card(signed) => Some(signed.id(Label::Card, &self.id)),
                BoardItem::Opening(opening) => Some(Header::id(&opening.header, &self.id).0),
                BoardItem::Invite(keys) => Some(keys_id(&keys)),
                _ => None,
            })
            .collect()
    }

    /// The boards whose readers no opening that stands there brings to the head, at once or by way of other boards.
    fn dead_ends(
        &self,
        env: &Env<'_>,
        batch: &Batch,
        (head, since): (&EpochId, u32),
    ) -> Vec<BoardName> {
        let mut lead = BTreeSet::new();
        let mut ways = Vec::new();
        for board in self.boards.keys() {
            for item in self.contents(env, batch, board, since) {
                let BoardItem::Opening(opening) = item else { continue };
                // A header alone brings nobody anywhere.
                if opening.entries.is_empty() {
                    continue;
                }
                let id = Header::id(&opening.header, &self.id);
                if id == *head {
                    lead.insert(*board);
                } else if let Some(next) = self.epochs.next_board(board, &id, &self.roster) {
                    ways.push((*board, next));
                }
            }
        }
        while let Some(at) =
            ways.iter().position(|(board, next)| !lead.contains(board) && lead.contains(next))
        {
            lead.insert(ways.swap_remove(at).0);
        }
        self.boards.keys().filter(|board| !lead.contains(board)).copied().collect()
    }

    /// posts on the head's board what does not stand there, or not for much longer: every
    /// operation of the charter, every member's card, and what answers who comes with an invite.
    pub(super) fn repost_charter(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        let now = env.now;
        self.post_what_lacks(env, batch, |circle, there| {
            let operations = circle.charter.held().iter();
            let operations = operations.filter_map(|held| circle.unless_there(held, there));
            let cards = circle
                .roster
                .members
                .keys()
                .filter_map(|member| circle.cards.newest(member))
                .filter(|held| held.card.circle == circle.id && !there.contains(&held.id.0))
                .map(|held| BoardItem::Card(held.signed.clone()));
            let invites = circle.live_keys(now).into_iter();
            let invites =
                invites.filter(|keys| !there.contains(&keys_id(keys))).map(BoardItem::Invite);
            operations.chain(cards).chain(invites).collect()
        });
    }

    /// Posts on the head's board those of these operations that do not stand there.
    pub(super) fn post_missing(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        ids: &BTreeSet<OperationId>,
    ) {
        self.post_what_lacks(env, batch, |circle, there| {
            let named = ids.iter().filter_map(|id| circle.charter.get(id));
            named.filter_map(|held| circle.unless_there(held, there)).collect()
        });
    }

    /// Posts on the head's board the headers of those of these epochs whose openings do not stand there.
    pub(super) fn post_headers(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        ids: &BTreeSet<EpochId>,
    ) {
        self.post_what_lacks(env, batch, |circle, there| {
            let missing = ids.iter().filter(|id| !there.contains(&id.0));
            let missing = missing.filter_map(|id| circle.epochs.get(id));
            missing
                .map(|epoch| BoardItem::Opening(Opening::without_entries(&epoch.signed)))
                .collect()
        });
    }

    /// Posts on each board of the head what `lacks` gives, which is told the ids of what stands there.
    fn post_what_lacks(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        lacks: impl Fn(&Self, &BTreeSet<[u8; 32]>) -> Vec<BoardItem>,
    ) {
        let since = env.now.hour().saturating_sub(FRESH_H);
        for name in self.head_board() {
            let there = self.standing_on(env, batch, &name, since);
            let items = lacks(self, &there);
            self.post(env, batch, &[name], &items);
        }
    }

    /// An operation as an item, unless it is there. The hash of `found` is the circle's id, under another circle's
    /// label: by bytes, then.
    fn unless_there(&self, held: &Held, there: &BTreeSet<[u8; 32]>) -> Option<BoardItem> {
        let lacks = !there.contains(&held.signed.id(Label::Operation, &self.id));
        lacks.then(|| BoardItem::Operation(held.signed.clone()))
    }

    /// An opening as whoever is in it can make it anew: the same header, entries sealed afresh. An entry for a card that
    /// is not here is empty: the header tells whose it is what to ask for.
    pub(super) fn opening_again(&self, env: &mut Env<'_>, id: &EpochId) -> Option<Opening> {
        let epoch = self.epochs.get(id)?;
        let secrets = epoch.secrets.as_ref()?;
        let entries: Option<Vec<Bytes>> = epoch
            .header
            .cards
            .iter()
            .map(|tag| {
                let card = self.cards.named(&tag.0);
                let entry = card
                    .and_then(|card| epoch.header.seal_entry(self.suite, card, secrets, env.rng));
                entry.or_else(|| (!is_planted(Planted::CardlessNotLed)).then(Bytes::default))
            })
            .collect();
        Some(Opening { header: epoch.signed.clone(), entries: entries? })
    }

    /// looks after the boards, twice a day. Where the head's opening does not stand any more it
    /// is posted again, so that who reads any board comes to the head; boards that were replaced long
    /// ago are given up; others are told which operations are here.
    pub(super) fn tend_boards(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        let extra = |env: &mut Env<'_>, ms: u64| u64::from_be_bytes(random(env.rng)) % ms;
        let Some(at) = self.look_at else {
            self.look_at = Some(env.now.plus(FIRST_LOOK_MS + extra(env, FIRST_LOOK_MS)));
            return;
        };
        if at > env.now {
            return;
        }
        self.look_at = Some(env.now.plus(LOOK_MS + extra(env, LOOK_MS)));
        self.give_up_boards(env, batch);
        let Some((head, epoch)) = self.head() else { return };
        let (head, current) = (*head, epoch.header.board);
        let since = env.now.hour().saturating_sub(FRESH_H);
        for name in self.dead_ends(env, batch, (&head, since)) {
            if self.exchange.is_in_step(&self.boards[&name].sealed.mailbox())
                && let Some(opening) = self.opening_again(env, &head)
            {
                self.post(env, batch, &[name], &[BoardItem::Opening(opening)]);
            }
        }
        if self.boards.contains_key(&current) {
            self.tell_heads(env, batch);
        }
    }

    /// Somebody else opened an epoch over several: some board of these may lead nowhere, if the opener
    /// could not post there.
    pub(super) fn look_soon(&mut self, env: &mut Env<'_>) {
        let extra = u64::from_be_bytes(random(env.rng)) % SOON_MS;
        let at = env.now.plus(SOON_MS + extra);
        self.look_at = Some(self.look_at.map_or(at, |old| old.min(at)));
    }

    pub(super) fn next_look(&self) -> Option<Timestamp> {
        self.look_at
    }

    /// When a board was replaced: the day of the first opening that followed one that named it and
    /// named another.
    fn replaced_on(&self, board: &BoardName) -> Option<u32> {
        let names =
            |id: &EpochId| self.epochs.get(id).is_some_and(|epoch| epoch.header.board == *board);
        let after = self.epochs.iter().filter(|(_, epoch)| {
            epoch.header.board != *board && epoch.header.supersedes.iter().any(names)
        });
        after.map(|(_, epoch)| epoch.header.day).min()
    }

    pub(super) fn give_up_boards(&mut self, env: &Env<'_>, batch: &mut Batch) {
        // nothing is opened or said before it was read, also where its opening went back to a board that was replaced.
        let head = self.head().map(|(_, epoch)| epoch.header.board);
        let head = head.filter(|_| !is_planted(Planted::HeadBoardGivenUp));
        let others = self.boards.keys().filter(|name| Some(**name) != head);
        let replaced = others.filter_map(|name| Some((self.replaced_on(name)?, *name)));
        let mut replaced: BTreeSet<(u32, BoardName)> = replaced.collect();
        let old = |(day, _): &(u32, BoardName)| day.saturating_add(READ_DAYS) < env.now.day();
        let mut over: Vec<_> = replaced.iter().copied().filter(old).collect();
        replaced.retain(|board| !old(board));
        while self.boards.len() - over.len() > MAX_BOARDS {
            let Some(next) = self.most_crowded(&replaced) else { break };
            replaced.remove(&next);
            over.push(next);
        }
        for (_, name) in over {
            self.give_up_board(batch, &name);
        }
    }

    /// Of these boards the oldest of whoever made most of them: who floods makes room for itself only (P7).
    fn most_crowded(&self, boards: &BTreeSet<(u32, BoardName)>) -> Option<(u32, BoardName)> {
        let mut by: BTreeMap<Option<MemberId>, Vec<(u32, BoardName)>> = BTreeMap::new();
        for board in boards {
            by.entry(self.maker_of(&board.1)).or_default().push(*board);
        }
        let most = by.into_values().max_by_key(Vec::len)?;
        most.first().copied()
    }

    /// Who opened the first epoch that named a board.
    fn maker_of(&self, board: &BoardName) -> Option<MemberId> {
        let named = self.epochs.iter().filter(|(_, epoch)| epoch.header.board == *board);
        let first = named.min_by_key(|(id, epoch)| (epoch.header.day, epoch.row, **id));
        first.map(|(_, epoch)| epoch.header.opener)
    }

    pub(super) fn give_up_board(&mut self, batch: &mut Batch, name: &BoardName) {
        let Some(board) = self.boards.remove(name) else { return };
        let mailbox = board.sealed.mailbox();
        self.mailboxes.remove(&mailbox);
        self.exchange.close(batch, &mailbox);
        batch.destroy_key(self.slot(SlotKind::Board, name.0));
    }

    /// reads the head's board again, if it was given up before this epoch became the head. Gives whether it was.
    pub(super) fn read_head_board(&mut self, env: &Env<'_>, batch: &mut Batch) -> bool {
        let head = self.head().map(|(_, epoch)| epoch);
        let lacks = |epoch: &&Epoch| !self.boards.contains_key(&epoch.header.board);
        let gone = head.filter(lacks).filter(|_| !is_planted(Planted::HeadBoardUnread));
        let Some(secrets) = gone.and_then(|epoch| epoch.secrets.as_ref()) else { return false };
        let board = secrets.board.clone();
        self.hold_board(env, batch, board, true);
        true
    }

    /// a mailbox that somebody outside the roster can prove is fetched from relays only.
    pub(super) fn keep_quiet(&mut self, env: &Env<'_>, batch: &mut Batch) {
        for (name, board) in &self.boards {
            let quiet = !self.epochs.is_board_usable(name, &self.roster);
            self.exchange.set_quiet(env, batch, &board.sealed.mailbox(), quiet);
        }
        for (_, epoch) in self.epochs.iter() {
            let Some(sealed) = &epoch.sealed else { continue };
            let inside = |id| self.roster.members.contains_key(id);
            let quiet = !epoch.readers().all(inside);
            self.exchange.set_quiet(env, batch, &sealed.mailbox(), quiet);
        }
    }
}

impl Circle {
    /// H-26: nobody takes a card that this device made by a clock that was ahead, and all that it made later would
    /// rank behind it.
    pub(super) fn ignore_own_ahead(&mut self, env: &Env<'_>) {
        if !is_planted(Planted::OwnCardAhead) {
            self.cards.ignore_ahead(&self.me, |card| is_ahead(card, env));
        }
    }
}

/// A card from far ahead would rank before every other one for years: it waits for its time.
fn is_ahead(card: &card::Card, env: &Env<'_>) -> bool {
    let ahead = card.rev > card::next_rev(None, env.now).saturating_add(AHEAD_H);
    ahead && !is_planted(Planted::CardOfYears)
}

/// The maker and the number of an invite, for comparing.
fn keys_id(keys: &InviteKeys) -> [u8; 32] {
    let mut id = [0; 32];
    id[..24].copy_from_slice(&keys.inviter.0[..24]);
    id[24..].copy_from_slice(&keys.id.0);
    id
}

#[cfg(test)]
pub(crate) mod tests;
