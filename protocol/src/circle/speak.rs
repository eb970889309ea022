//! Saying and hearing: messages to frames and back, marks, and what this member has seen
//!

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

use super::again::Again;
use super::head::Epoch;
use super::log::{Incoming, Line, Shown};
use super::opening::Follow;
use super::{Circle, Leads, MAX_STUCK};
use crate::batch::{Batch, placed};
use crate::boundary::{
    Answer, DAY_MS, Delivery, Draft, Entry, EntryKind, Env, Event, GapCause, Judgement, KeySlot,
    Mark, Room, Timestamp, Wants,
};
use crate::circle::board::{self, BoardItem};
use crate::circle::card::{Card, VerifiedCard, next_rev};
use crate::crypto::KeyPair;
use crate::envelope::{Envelope, MAX_GOSSIP_TEXT, padded_text};
use crate::error::CommandError;
use crate::exchange::Keeping;
use crate::identity::{
    BoardName, CircleId, DeviceId, EnvelopeId, EpochId, MailboxId, MemberId, MessageId,
};
use crate::message::{
    Body, Frame, Have, Item, MAX_IN_FRAME, MAX_RUNS, MAX_TEXT, Message, Run, SHARE, SUPPORT,
    SUPPORTS, Seen, Share, Support, epoch_hint,
};
use crate::planted::{Planted, is_planted};
use crate::wire::{self, Bytes};

/// The first `Seen` after as long a quiet leaves at once, later ones as far apart.
const SEEN_MS: u64 = 60_000;
/// Members for each minute that a `Seen` waits.
const SEEN_MEMBERS: u64 = 20;
/// Runs of one device of somebody who has gone of which is kept what others heard; there is one for each start of
/// a node (a guess).
const MAX_HEARD_OF: usize = 1_024;
/// Messages that may wait to be sealed.
const MAX_QUEUED: usize = 100_000;
/// How long an idempotency key is remembered (U-104).
const ONCE_MS: u64 = DAY_MS;

/// What was said here and is on its way, and what others are known to have.
#[derive(Debug, Default)]
pub(crate) struct Speaking {
    next_counter: u64,
    /// One's own messages that are in no envelope yet, in order.
    queue: BTreeMap<u64, MessageId>,
    /// One's own messages by place in a run.
    pub(super) own: BTreeMap<(Run, u64), MessageId>,
    /// What lies in one's own envelopes that no relay has acknowledged.
    carried: BTreeMap<EnvelopeId, Vec<MessageId>>,
    /// Which of these a relay has already, and not yet the opening of their epoch.
    early: BTreeSet<EnvelopeId>,
    /// Messages of one's own that no relay has.
    unrelayed: BTreeSet<MessageId>,
    /// What members are known to have of one's own runs, by their own word.
    pub(super) heard: BTreeMap<MemberId, BTreeMap<Run, Have>>,
    /// Runs of others of which something came since the last `Seen`.
    news: BTreeSet<Run>,
    last_seen: Option<Timestamp>,
    /// What members heard of those who have gone.
    pub(super) heard_of: BTreeMap<Run, Have>,
    /// The device on which each member last said what it has.
    devices: BTreeMap<MemberId, (u32, DeviceId)>,
    /// Who was heard of since it was looked whether something is to be said again.
    pub(super) present: BTreeSet<MemberId>,
    /// What was said again, and to whom.
    pub(super) again: BTreeMap<MemberId, Again>,
}

impl Speaking {
    /// Whether a message of one's own is in no envelope yet.
    pub(super) fn is_queued(&self, row: u64) -> bool {
        self.queue.contains_key(&row)
    }
}

/// An answer that was given to an idempotency key.
#[derive(Encode, Decode)]
#[cbor(array)]
struct Once {
    #[n(0)]
    message: MessageId,
    #[n(1)]
    at: u64,
}

impl Circle {
    /// Says something: stored when this returns and its batch was flushed, on its way at once if
    /// somebody can be reached who has the board.
    pub(crate) fn say(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        draft: Draft,
    ) -> Result<Answer, CommandError> {
        if let Some(answer) = self.said_once(env, batch, &draft) {
            return Ok(answer);
        }
        if !self.is_in() || !self.roster.members.contains_key(&self.me) {
            return Err(CommandError::NotAMember);
        }
        if self.is_silent() {
            return Err(CommandError::OtherCopy);
        }
        if draft.text.is_empty() {
            return Err(CommandError::NoText);
        }
        if draft.text.len() > MAX_TEXT {
            return Err(CommandError::TooLarge { limit: MAX_TEXT });
        }
        if draft.note.as_ref().is_some_and(|note| note.len() > 128) {
            return Err(CommandError::TooLarge { limit: 128 });
        }
        if self.speaking.queue.len() >= MAX_QUEUED {
            return Err(CommandError::Quota);
        }
        let once = draft.once;
        let (kind, body) = self.body(env, batch, draft)?;
        let parents = self.log.parents(env.now);
        let message = Message {
            author: self.me,
            run: self.run,
            counter: self.speaking.next_counter,
            said_at: self.log.time_after(&parents, env.now),
            parents,
            kind,
            rev: 1,
            body: Bytes(body),
        };
        let bytes = wire::encode(&message);
        let id = Message::id(&bytes, &self.id);
        let others = self.roster.members.len().saturating_sub(1);
        let incoming = Incoming {
            id,
            message,
            bytes,
            epoch: self.head().map_or(0, |(id, _)| epoch_hint(id)),
            received: env.now,
            members: Some(u16::try_from(others).unwrap_or(u16::MAX)),
        };
        self.speaking.own.insert((self.run, incoming.message.counter), id);
        self.speaking.next_counter += 1;
        if let Some(once) = once {
            let once = placed(Room::Once, &self.id.0, &once);
            let at = env.now.0;
            batch.save(once, wire::encode(&Once { message: id, at }));
        }
        let shown = self.log.take(env, batch, incoming, false, &|_| false);
        self.tell(env, batch, &shown);
        let row = self.log.line(&id).expect("one's own message waits for nothing").row;
        self.speaking.queue.insert(row, id);
        self.speaking.unrelayed.insert(id);
        if !is_planted(Planted::QueueUnsaved) {
            batch.save(self.queued_key(row), id.0.to_vec());
        }
        Ok(self.said(&id).expect("it was just said"))
    }

    fn said_once(&self, env: &Env<'_>, batch: &Batch, draft: &Draft) -> Option<Answer> {
        let key = placed(Room::Once, &self.id.0, &draft.once?);
        let once: Once = wire::decode(&batch.read(env, &key)?)?;
        let fresh = env.now.since(Timestamp(once.at)) < ONCE_MS;
        fresh.then(|| self.said(&once.message)).flatten()
    }

    /// What a draft says, by kind. D-19: an entry that wants to be listened to takes a support, and no
    /// other words.
    fn body(
        &self,
        env: &Env<'_>,
        batch: &Batch,
        draft: Draft,
    ) -> Result<(u8, Vec<u8>), CommandError> {
        let wants_listening = match &draft.reply_to {
            None => false,
            Some(to) => {
                let line = self.log.line(to).ok_or(CommandError::UnknownMessage)?;
                let row = self.log.row(env, batch, line.row);
                let message = row.and_then(|row| self.log.said(&row));
                matches!(message.and_then(|message| message.body()),
                    Some(Body::Share(share)) if share.wish == Some(0))
            }
        };
        if let (true, Some(to)) = (wants_listening, draft.reply_to) {
            let said = draft.text.trim().to_lowercase();
            let word = SUPPORTS.iter().position(|word| *word == said);
            let word = word.and_then(|word| u8::try_from(word).ok());
            let word = word.ok_or(CommandError::ListenOnly)?;
            return Ok((SUPPORT, wire::encode(&Support { to, word })));
        }
        let share = Share {
            text: draft.text,
            reply_to: draft.reply_to,
            wish: draft.wants.map(|wants| match wants {
                Wants::Listen => 0,
                Wants::Experience => 1,
                Wants::Advice => 2,
            }),
            note: draft.note,
        };
        Ok((SHARE, wire::encode(&share)))
    }

    fn queued_key(&self, row: u64) -> crate::boundary::Key {
        let mut place = vec![b'q'];
        place.extend(row.to_be_bytes());
        placed(Room::Local, &self.id.0, &place)
    }

    fn carried_key(&self, id: &EnvelopeId) -> crate::boundary::Key {
        let mut place = vec![b'c'];
        place.extend(crate::crypto::hash(crate::crypto::Label::Envelope, &self.id, &[&id.0]));
        placed(Room::Local, &self.id.0, &place)
    }

    /// Seals what was said and what was seen, where it can be sealed now (R-25: after the board was
    /// read, in an epoch that holds exactly the roster).
    pub(super) fn speak(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        let seen_due = self.next_seen().is_some_and(|at| at <= env.now);
        if !self.in_step() || self.speaking.queue.is_empty() && !seen_due {
            return;
        }
        // What was seen can wait for the opening that is due; a card goes on usable boards only.
        if self.speaking.queue.is_empty() && self.is_due() || self.holds_back() {
            return;
        }
        if !self.speaking.queue.is_empty() && (self.is_due() || self.is_old(env.now)) {
            self.open_epoch(env, batch, Follow::Leaves);
        }
        let Some(id) = self.head else { return };
        self.refresh_card(env, batch);
        while !self.speaking.queue.is_empty() {
            self.seal_frame(env, batch, &id);
        }
        if self.next_seen().is_some_and(|at| at <= env.now) {
            self.seal_frame(env, batch, &id);
        }
    }

    /// whether speech waits, since it needs an opening and this node is behind those that it knows.
    pub(super) fn holds_back(&self) -> bool {
        !self.speaking.queue.is_empty()
            && (self.is_due() || self.is_old(self.charter.now()))
            && self.is_behind_openings()
    }

    /// says again what those who were heard of lack and cannot fetch.
    pub(super) fn say_again(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        if self.speaking.present.is_empty() || !self.in_step() {
            return;
        }
        for who in std::mem::take(&mut self.speaking.present) {
            self.say_again_to(env, batch, &who, &[]);
        }
    }

    /// R-25 e: the head is older than the policy lets it be.
    fn is_old(&self, now: Timestamp) -> bool {
        let days = self.roster.policy.as_ref().map_or(7, |policy| policy.epoch_days);
        self.head()
            .is_some_and(|(_, epoch)| epoch.header.day.saturating_add(u32::from(days)) <= now.day())
    }

    /// a fresh card, at most one a day, when this device speaks.
    fn refresh_card(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        let Some(newest) = self.cards.newest(&self.me) else { return };
        if next_rev(None, env.now) < newest.card.rev.saturating_add(24)
            || is_planted(Planted::CardStays)
        {
            return;
        }
        self.new_card(env, batch);
    }

    /// A fresh card of this device, posted on the board.
    pub(super) fn new_card(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        self.new_card_at(env, batch, env.now, &self.head_board());
    }

    /// The same, ranked as if it were made at this time, and posted on these boards.
    pub(super) fn new_card_at(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        at: Timestamp,
        boards: &BTreeSet<BoardName>,
    ) {
        let newest = self.cards.newest(&self.me).map(|held| held.card.rev);
        let rev = next_rev(newest, at);
        let (card, secrets) =
            VerifiedCard::make(&self.pair, &self.id, self.suite, self.record.device, rev, env.rng);
        self.hold_card_secrets(batch, card.id, secrets);
        self.save_card(batch, &card);
        self.cards.insert(card.clone());
        self.reckon();
        self.post(env, batch, boards, &[BoardItem::Card(card.signed)]);
    }

    /// Seals up to 64 waiting messages, and what was seen if it costs nothing, as one envelope.
    fn seal_frame(&mut self, env: &mut Env<'_>, batch: &mut Batch, id: &EpochId) {
        let mut items = Vec::new();
        let mut taken = Vec::new();
        let mut bytes = 0;
        let mut until = Some(Timestamp(0));
        for (row, message) in &self.speaking.queue {
            let Some(super::log::Row::Message { bytes: exact, .. }) =
                self.log.row(env, batch, *row)
            else {
                taken.push((*row, *message));
                continue;
            };
            if taken.len() >= MAX_IN_FRAME || bytes + exact.0.len() > FRAME_BYTES && bytes > 0 {
                break;
            }
            bytes += exact.0.len() + 8;
            let expires = self.log.times(message).and_then(|(_, expires)| expires);
            until = until.zip(expires).map(|(a, b)| a.max(b));
            items.push(Item::Message(exact));
            taken.push((*row, *message));
        }
        let seen = self.seen(*id);
        let seen_due = self.next_seen().is_some_and(|at| at <= env.now);
        if let Some(seen) = seen {
            let with = bytes + wire::encode(&seen).len();
            if seen_due || padded_text(with + FRAME_OVERHEAD) == padded_text(bytes + FRAME_OVERHEAD)
            {
                items.push(Item::Seen(seen));
                let told: Vec<Run> = self.speaking.news.iter().take(MAX_RUNS).copied().collect();
                self.speaking.news.retain(|run| !told.contains(run));
                self.speaking.last_seen = Some(env.now);
                if self.speaking.news.is_empty() {
                    self.save_told(batch, self.log.next_row());
                }
            }
        }
        for (row, _) in &taken {
            self.speaking.queue.remove(row);
            batch.erase(self.queued_key(*row));
        }
        if items.is_empty() {
            return;
        }
        let messages: Vec<MessageId> = taken.into_iter().map(|(_, message)| message).collect();
        let others = self.epochs.get(id).map_or(0, |epoch| epoch.members.len()).saturating_sub(1);
        for message in &messages {
            let others = u16::try_from(others).unwrap_or(u16::MAX);
            self.log.set_sealed(env, batch, message, (epoch_hint(id), others));
        }
        // one write holds the messages with their counters and the envelope, before it leaves.
        let envelope = self.seal_items(env, batch, id, &items, until);
        if let Some(envelope) = envelope.filter(|_| !messages.is_empty()) {
            batch.save(self.carried_key(&envelope), wire::encode(&(envelope, messages.clone())));
            self.speaking.carried.insert(envelope, messages);
        }
    }

    /// Seals items as one envelope of an epoch and sends it on its way; `until` is when the last of
    /// them expires, if all do.
    pub(super) fn seal_items(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        id: &EpochId,
        items: &[Item],
        until: Option<Timestamp>,
    ) -> Option<EnvelopeId> {
        let epoch = self.epochs.get(id)?;
        let (sealed, mine) = (epoch.sealed.clone()?, epoch.mine?);
        let speak = self.speak_key(epoch, mine)?;
        let frame = Frame::sign(items, mine, &speak, &self.id, id);
        let text = wire::encode(&frame);
        let mailbox = sealed.mailbox();
        let envelope = Envelope::seal(&sealed.key, &mailbox, env.now, &text, env.rng)
            .expect("a frame is far smaller than an envelope");
        let slot = match until.filter(|until| until.0 > 0) {
            Some(until) => Some(self.log.day(env, batch, until)),
            None => None,
        };
        Some(self.exchange.offer(batch, mailbox, envelope, slot))
    }

    /// What signs this device's frames in an epoch.
    pub(super) fn speak_key(&self, epoch: &Epoch, mine: u16) -> Option<KeyPair> {
        // A void header may have fewer cards than there are members at its heads.
        let tag = epoch.header.cards.get(usize::from(mine))?.0;
        let own = self.own_cards.iter().find(|(id, _)| id.0[..16] == tag);
        own.map(|(_, secrets)| secrets.speak.clone())
    }

    /// What changed of what is here, for others to know.
    fn seen(&self, epoch: EpochId) -> Option<Seen> {
        let have: Vec<Have> =
            self.speaking.news.iter().take(MAX_RUNS).filter_map(|run| self.log.have(run)).collect();
        (!have.is_empty()).then(|| Seen {
            epoch,
            heads: self.charter.heads().iter().take(16).copied().collect(),
            have,
        })
    }

    /// When what was seen is to be told at the latest.
    pub(super) fn next_seen(&self) -> Option<Timestamp> {
        if self.speaking.news.is_empty() {
            return None;
        }
        let members = u64::try_from(self.roster.members.len()).unwrap_or(u64::MAX);
        let apart = SEEN_MS.max(SEEN_MS.saturating_mul(members) / SEEN_MEMBERS);
        Some(self.speaking.last_seen.map_or(Timestamp(0), |last| last.plus(apart)))
    }

    /// A relay has these envelopes: marks rise. In an epoch of one's own they wait for its opening,
    /// without which nobody else could read them.
    pub(super) fn relayed(&mut self, batch: &mut Batch, acked: &[EnvelopeId]) {
        let mut acked: BTreeSet<EnvelopeId> = acked.iter().copied().collect();
        acked.append(&mut self.speaking.early);
        for id in acked {
            let Some(messages) = self.speaking.carried.get(&id) else { continue };
            let epoch = messages.first().and_then(|first| self.log.line(first)).map(Line::epoch);
            if epoch.is_some_and(|hint| !self.is_opening_relayed(hint)) {
                self.speaking.early.insert(id);
                continue;
            }
            let messages = self.speaking.carried.remove(&id).expect("found just now");
            batch.erase(self.carried_key(&id));
            for message in messages {
                if self.speaking.unrelayed.remove(&message)
                    && let Some(delivery) = self.delivery(&message)
                {
                    batch.notify(Event::Mark { circle: self.id, id: message, delivery });
                }
            }
        }
    }

    /// One frame of an epoch, opened: verified, then taken apart.
    pub(super) fn take_frame(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        epoch_id: EpochId,
        mailbox: MailboxId,
        envelope: Envelope,
        plain: &[u8],
    ) -> Judgement {
        let Some(epoch) = self.epochs.get(&epoch_id) else { return Judgement::Ignore };
        let id = envelope.id(&mailbox);
        let Some(frame) = wire::decode::<Frame>(plain) else {
            self.exchange.reject(mailbox, id);
            return Judgement::Reject;
        };
        let (who, card) = match self.speaker(epoch, &frame) {
            Ok(speaker) => speaker,
            Err(NotYet) => return self.let_wait(mailbox, envelope),
        };
        let Some(items) = frame.verify(&card.card.speak_key, &self.id, &epoch_id) else {
            self.exchange.reject(mailbox, id);
            return Judgement::Reject;
        };
        if items.iter().any(|item| self.waits_for_card(item, &who, &card.card.device)) {
            return self.let_wait(mailbox, envelope);
        }
        let (expires, later) = self.take_items(env, batch, &epoch_id, (who, &card.card), items);
        // P9: what has run out is not kept again, wherever it came from.
        if expires.is_some_and(|until| until.0 > 0 && until <= env.now) {
            self.exchange.pass_over(mailbox, &envelope);
            return Judgement::Ignore;
        }
        let until = match expires.filter(|until| until.0 > 0) {
            Some(until) => Some(self.log.day(env, batch, until)),
            None => None,
        };
        let own = who == self.me;
        self.exchange.keep(batch, mailbox, &envelope, Keeping { until, own, later });
        Judgement::Accept
    }

    /// Keeps a frame in memory, once, until an opening, an operation or a card comes.
    fn let_wait(&mut self, mailbox: MailboxId, envelope: Envelope) -> Judgement {
        let held = (mailbox, envelope);
        if self.stuck_frames.len() < MAX_STUCK && !self.stuck_frames.contains(&held) {
            self.stuck_frames.push_back(held);
        }
        Judgement::Ignore
    }

    /// Takes what a member's device put into a frame; gives when the last of it is forgotten, and
    /// whether some of it waits.
    fn take_items(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        epoch: &EpochId,
        (who, card): (MemberId, &Card),
        items: Vec<Item>,
    ) -> (Option<Timestamp>, bool) {
        let (mut until, mut later) = (Some(Timestamp(0)), false);
        for item in items {
            match item {
                Item::Message(bytes) => {
                    let Some(message) = Message::parse(&bytes.0) else { continue };
                    if !self.speaks_for(&message, &who, &card.device) {
                        continue;
                    }
                    let id = Message::id(&bytes.0, &self.id);
                    let expires = self.take_message(env, batch, epoch, message, bytes.0);
                    until = until.zip(expires).map(|(a, b)| a.max(b));
                    later |= self.log.waits(&id);
                }
                Item::Seen(seen) => {
                    if self.roster.members.contains_key(&who) && who != self.me {
                        for have in &seen.have {
                            self.take_word_of(env, batch, have);
                        }
                    }
                    self.take_seen(batch, (who, card), seen);
                }
                Item::Pair(pair) => {
                    let expires = self.log.expiry_of(env.now);
                    until = until.zip(expires).map(|(a, b)| a.max(b));
                    for (message, bytes) in self.open_pair(&who, &pair) {
                        if self.speaks_for(&message, &who, &card.device) {
                            let id = Message::id(&bytes, &self.id);
                            // It was said for others in an earlier epoch, and which is not told.
                            self.take_message(env, batch, &EpochId([0; 32]), message, bytes);
                            later |= self.log.waits(&id);
                        }
                    }
                }
            }
        }
        (until, later)
    }

    /// Whether a message is by who sent it: on the device of the frame, or on an earlier one of which a
    /// card is known, for what is said again after a home was put back.
    fn speaks_for(&self, message: &Message, who: &MemberId, device: &DeviceId) -> bool {
        let run = &message.run.device;
        (message.author == *who || is_planted(Planted::AuthorUnchecked))
            && (run == device
                || self.cards.is_device_of(who, run)
                || is_planted(Planted::DeviceUnchecked))
    }

    /// Whether an item was said on an earlier device of its author, whose card may come yet.
    fn waits_for_card(&self, item: &Item, who: &MemberId, device: &DeviceId) -> bool {
        let Item::Message(bytes) = item else { return false };
        let message = Message::parse(&bytes.0).filter(|message| message.author == *who);
        message.is_some_and(|message| !self.speaks_for(&message, who, device))
    }

    /// What is here of others is told anew with the next `Seen`.
    pub(super) fn tell_everything(&mut self, batch: &mut Batch) {
        let others = self.log.lines().filter(|(_, line)| line.author != self.me);
        self.speaking.news = others.map(|(_, line)| line.run).collect();
        self.speaking.next_counter = 0;
        self.save_told(batch, 0);
    }

    /// What others have from this row on is still to be told, also after a restart.
    fn save_told(&self, batch: &mut Batch, row: u64) {
        batch.save(placed(Room::Local, &self.id.0, b"s"), row.to_be_bytes().to_vec());
    }

    /// Takes again what had waited in memory when this node stopped; it was verified when it came.
    fn take_again(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        again: Vec<(MailboxId, Envelope)>,
    ) {
        for (mailbox, envelope) in again {
            let key = self.exchange.sealed(&mailbox).map(|sealed| sealed.key);
            let Some(plain) = key.and_then(|key| envelope.open(&key, &mailbox)) else { continue };
            let taken = match self.mailboxes.get(&mailbox).copied() {
                Some(Leads::Board(board)) => {
                    let mut later = false;
                    for item in board::decode(&plain).unwrap_or_default() {
                        later |= !self.take_board_item(env, batch, &board, item);
                    }
                    (!later).then_some(None)
                }
                Some(Leads::Epoch(id)) => self.take_frame_again(env, batch, &id, &plain),
                Some(Leads::Rendezvous(_)) | None => None,
            };
            if let Some(until) = taken {
                self.exchange.settled(env, batch, mailbox, &envelope, until);
            }
        }
    }

    /// Gives, if nothing of it waits any more, the slot of the day that it dies with.
    fn take_frame_again(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        id: &EpochId,
        plain: &[u8],
    ) -> Option<Option<KeySlot>> {
        let frame: Frame = wire::decode(plain)?;
        let (who, card) = self.speaker(self.epochs.get(id)?, &frame).ok()?;
        let items = wire::decode(&frame.payload.0)?;
        let (expires, later) = self.take_items(env, batch, id, (who, &card.card), items);
        let until = expires.filter(|until| until.0 > 0);
        (!later).then(|| until.map(|until| self.log.day(env, batch, until)))
    }

    fn speaker(&self, epoch: &Epoch, frame: &Frame) -> Result<(MemberId, VerifiedCard), NotYet> {
        let at = usize::from(frame.member);
        let who = epoch.members.get(at).ok_or(NotYet)?;
        let tag = epoch.header.cards.get(at).ok_or(NotYet)?;
        // A header that names another member's card lets nobody speak as this one.
        let card = self
            .cards
            .named(&tag.0)
            .filter(|held| held.card.member == *who || is_planted(Planted::CardOfAnother));
        Ok((*who, card.ok_or(NotYet)?.clone()))
    }

    /// Takes a verified message to the log; gives when it is forgotten.
    fn take_message(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        epoch: &EpochId,
        message: Message,
        bytes: Vec<u8>,
    ) -> Option<Timestamp> {
        let id = Message::id(&bytes, &self.id);
        let author = message.author;
        // whoever says it again does not know that it is here.
        if self.log.line(&id).is_some() && author != self.me {
            self.speaking.news.insert(message.run);
        }
        let heard = self.speaking.heard_of.get(&message.run);
        let heard = heard.is_some_and(|have| have.covers(message.counter));
        let outside = !self.roster.members.contains_key(&author) && !heard;
        let hold = outside && !is_planted(Planted::RemovedHeard)
            || author != self.me && self.roster.is_held(&author, env.now);
        let own = author == self.me;
        let others =
            self.epochs.get(epoch).map_or(0, |epoch| epoch.members.len()).saturating_sub(1);
        let place = (message.run, message.counter);
        // said by this home, and not here.
        let ends = self.log.expiry_of(message.said_at().min(env.now));
        let gone = ends.is_some_and(|at| at <= env.now);
        if own && !gone && !self.log.knows(&id) {
            self.found_own_message(batch, &message);
            self.speaking.own.insert(place, id);
        }
        let incoming = Incoming {
            id,
            message,
            bytes,
            epoch: epoch_hint(epoch),
            received: env.now,
            members: own.then(|| u16::try_from(others).unwrap_or(u16::MAX)),
        };
        let expires = self.log.expiry(&incoming);
        let epochs = &self.epochs;
        let shown = self.log.take(env, batch, incoming, hold, &|hint| epochs.is_mine(hint));
        self.tell(env, batch, &shown);
        expires
    }

    pub(super) fn tick_log(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        let epochs = &self.epochs;
        let mine = |hint| epochs.is_mine(hint);
        let shown = if self.log.goes_on() {
            self.log.go_on(env, batch, &mine)
        } else if !self.exchange.is_busy() {
            self.log.tick(env, batch, &mine)
        } else {
            return;
        };
        self.tell(env, batch, &shown);
    }

    /// Shows what was set aside while its author was held, once that is over.
    pub(super) fn release_held(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        for who in self.log.set_aside() {
            if self.roster.members.contains_key(&who) && !self.roster.is_held(&who, env.now) {
                self.release(env, batch, &|message| message.author == who);
            }
        }
    }

    fn release(&mut self, env: &mut Env<'_>, batch: &mut Batch, counts: &dyn Fn(&Message) -> bool) {
        let epochs = &self.epochs;
        let shown = self.log.release(env, batch, counts, &|hint| epochs.is_mine(hint));
        self.tell(env, batch, &shown);
    }

    /// what is here of somebody who has gone is told anew: the others may have set it aside.
    pub(super) fn tell_heard_of(&mut self, who: &MemberId) {
        let lines = self.log.lines().filter(|(_, line)| line.author == *who);
        let heard = lines.map(|(_, line)| line.run);
        self.speaking.news.extend(heard.filter(|_| !is_planted(Planted::HeardUntold)));
    }

    /// what a member heard of somebody outside the roster counts.
    fn take_word_of(&mut self, env: &mut Env<'_>, batch: &mut Batch, have: &Have) {
        let author = self.cards.member_of(&have.run.device);
        if author.is_none_or(|author| self.roster.members.contains_key(&author)) {
            return;
        }
        // R-32, P7: whoever vouches for somebody who has gone can name any number of runs.
        let device = have.run.device;
        let (first, last) = (Run { device, run: 0 }, Run { device, run: u64::MAX });
        let known = self.speaking.heard_of.contains_key(&have.run);
        if !known && self.speaking.heard_of.range(first..=last).count() >= MAX_HEARD_OF {
            return;
        }
        let heard = self.speaking.heard_of.entry(have.run).or_insert_with(|| have.clone());
        *heard = heard.merge(have);
        let heard = heard.clone();
        batch.save(heard_of_key(&self.id, &heard.run), wire::encode(&heard));
        self.release(env, batch, &|message| {
            message.run == heard.run && heard.covers(message.counter)
        });
    }

    /// When the next hold ends under which something was set aside.
    pub(super) fn next_release(&self) -> Option<Timestamp> {
        let aside = self.log.set_aside();
        let held = self.roster.holds.iter().filter(|(who, _)| aside.contains(who));
        held.map(|(_, until)| Timestamp(*until)).min()
    }

    /// Tells the person's side what changed on the screen.
    fn tell(&mut self, env: &Env<'_>, batch: &mut Batch, shown: &Shown) {
        let circle = self.id;
        for id in &shown.lines {
            if shown.opened.contains(id)
                && let Some(entry) = self.gap_entry(id, env.now)
            {
                batch.notify(Event::Message { circle, entry });
            }
            let Some(line) = self.log.line(id) else { continue };
            if line.author != self.me {
                self.speaking.news.insert(line.run);
            }
            let (place, row) = (line.place.clone(), line.row);
            if let Some(entry) = self.entry(env, batch, &place, row) {
                batch.notify(Event::Message { circle, entry });
            }
        }
        for (child, gap) in &shown.filled {
            let Some(place) = self.log.gap_place(child) else { continue };
            let entry = self.closed_gap(place, child, gap, env.now);
            batch.notify(Event::Message { circle, entry });
        }
    }

    /// A member says what it has: marks of one's own messages rise, on its word alone (P2).
    fn take_seen(&mut self, batch: &mut Batch, (who, card): (MemberId, &Card), seen: Seen) {
        if who == self.me {
            return;
        }
        self.speaking.present.insert(who);
        // a new device says what is there really, in place of what the old one said.
        let known = self.speaking.devices.entry(who).or_insert((card.rev, card.device));
        let moved = known.1 != card.device;
        if moved {
            if card.rev < known.0 {
                return;
            }
            self.speaking.heard.remove(&who);
        }
        *known = (card.rev.max(known.0), card.device);
        let device = *known;
        let mut rose = Vec::new();
        let heard = self.speaking.heard.entry(who).or_default();
        for have in seen.have {
            let run = have.run;
            let own = self.speaking.own.range((run, 0)..(run, have.next.min(u64::MAX / 2)));
            let before = heard.get(&run);
            let mut any = false;
            for ((_, counter), id) in own {
                any = true;
                let had = before.is_some_and(|before| before.covers(*counter));
                if !had && have.covers(*counter) {
                    rose.push(*id);
                }
            }
            if any {
                let merged = before.map_or(have.clone(), |before| before.merge(&have));
                heard.insert(run, merged);
            }
        }
        if rose.is_empty() && !moved {
            return;
        }
        let all: Vec<Have> = heard.values().cloned().collect();
        batch.save(placed(Room::Devices, &self.id.0, &who.0), wire::encode(&(device, all)));
        for id in rose {
            if let Some(delivery) = self.delivery(&id) {
                batch.notify(Event::Mark { circle: self.id, id, delivery });
            }
        }
    }

    /// How far a message of one's own came.
    pub(super) fn delivery(&self, id: &MessageId) -> Option<Delivery> {
        let line = self.log.line(id)?;
        let members = usize::from(line.members?);
        let received_by = self
            .speaking
            .heard
            .values()
            .filter(|runs| runs.get(&line.run).is_some_and(|have| have.covers(line.counter)))
            .count();
        let received_by = match received_by {
            1.. if is_planted(Planted::MarkOnAnothersWord) => members,
            own => own,
        };
        // A home that was put back may not know how many it was sealed for the first time.
        let members = members.max(received_by);
        let mark = match received_by {
            0 if self.speaking.unrelayed.contains(id) && !is_planted(Planted::RelayedTooSoon) => {
                Mark::Waiting
            }
            0 => Mark::Relayed,
            _ => Mark::Received,
        };
        Some(Delivery { mark, received_by, members })
    }

    /// One's own message with its mark.
    pub(crate) fn said(&self, id: &MessageId) -> Option<Answer> {
        let line = self.log.line(id)?;
        Some(Answer::Said { id: *id, said_at: line.said_at(), delivery: self.delivery(id)? })
    }

    /// How many messages of one's own no relay and no member has.
    pub(super) fn queued(&self) -> usize {
        self.speaking.unrelayed.len()
    }

    pub(super) fn restore_speaking(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        let epochs = &self.epochs;
        self.log.restore(env, &|hint| epochs.is_mine(hint));
        let scan = |room| env.store.scan(room, &self.id.0, &[], false, usize::MAX);
        let mut told = 0;
        for (place, saved) in scan(Room::Local) {
            match place.first() {
                Some(b'q') => {
                    let row = place[1..].try_into().map(u64::from_be_bytes);
                    if let (Ok(row), Some(id)) = (row, MessageId::from_slice(&saved)) {
                        self.speaking.queue.insert(row, id);
                        self.speaking.unrelayed.insert(id);
                    }
                }
                Some(b's') => {
                    let row = saved.as_slice().try_into().map(u64::from_be_bytes);
                    told = row.unwrap_or(0);
                }
                Some(b'c') => {
                    if let Some((id, messages)) =
                        wire::decode::<(EnvelopeId, Vec<MessageId>)>(&saved)
                    {
                        self.speaking.unrelayed.extend(&messages);
                        self.speaking.carried.insert(id, messages);
                    }
                }
                _ => {}
            }
        }
        for (place, saved) in scan(Room::Devices) {
            if place.first() == Some(&b'v') && place.len() < 32 {
                if let Some(have) = wire::decode::<Have>(&saved) {
                    self.speaking.heard_of.insert(have.run, have);
                }
                continue;
            }
            let saved = wire::decode::<((u32, DeviceId), Vec<Have>)>(&saved);
            let (Some(who), Some((device, all))) = (MemberId::from_slice(&place), saved) else {
                continue;
            };
            self.speaking.devices.insert(who, device);
            let runs = all.into_iter().map(|have| (have.run, have)).collect();
            self.speaking.heard.insert(who, runs);
        }
        for (id, line) in self.log.lines() {
            if line.author == self.me {
                self.speaking.own.insert((line.run, line.counter), *id);
            } else if line.row >= told {
                self.speaking.news.insert(line.run);
            }
        }
        let carried = &self.speaking.carried;
        // Frames: what was acknowledged is known. All else of one's own counts as acknowledged once a
        // relay was seen to have it.
        let leads = &self.mailboxes;
        let again = self.exchange.restore(env, |mailbox, id| {
            matches!(leads.get(mailbox), Some(Leads::Epoch(_))) && !carried.contains_key(id)
        });
        self.judge(env, batch);
        self.take_again(env, batch, again);
    }

    fn closed_gap(
        &self,
        place: Vec<u8>,
        child: &MessageId,
        gap: &super::log::Gap,
        now: Timestamp,
    ) -> Entry {
        Entry {
            place,
            id: None,
            kind: EntryKind::Gap {
                id: gap_id(child),
                count: Some(0),
                cause: GapCause::Asking,
                asking: Vec::new(),
                since: gap.since,
            },
            author: None,
            author_name: None,
            own: false,
            said_at: None,
            received_at: now,
            expires_at: None,
            delivery: None,
        }
    }
}

fn heard_of_key(circle: &CircleId, run: &Run) -> crate::boundary::Key {
    let place = [&b"v"[..], &run.device.0, &run.run.to_be_bytes()].concat();
    placed(Room::Devices, &circle.0, &place)
}

/// What is needed to judge a frame is not here yet.
struct NotYet;

/// Messages of one frame, in bytes: a gossiped envelope holds them and what is around them.
const FRAME_BYTES: usize = MAX_GOSSIP_TEXT - 4_096;
/// Signature, place, and what CBOR adds.
const FRAME_OVERHEAD: usize = 80;

/// A gap is named after the message that leans on what is missing.
pub(super) fn gap_id(child: &MessageId) -> [u8; 16] {
    child.0[..16].try_into().expect("half of 32 bytes")
}
