//! Saying: messages to frames, marks, and what this member tells that it has. The way back is
//! in `hear.rs`.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

use super::again::{Again, HOLE_MS, RELAYS_KEEP_H};
use super::head::Epoch;
use super::log::{Incoming, Line};
use super::opening::Follow;
use super::{Circle, Leads};
use crate::batch::{Batch, placed};
use crate::boundary::{Answer, DAY_MS, Delivery, Draft, Env, Event, Mark, Room, Timestamp, Wants};
use crate::circle::board::BoardItem;
use crate::circle::card::{VerifiedCard, next_rev};
use crate::crypto::KeyPair;
use crate::envelope::{Envelope, MAX_GOSSIP_TEXT, TAKEN_AHEAD_H, padded_text};
use crate::error::CommandError;
use crate::identity::{BoardName, DeviceId, EnvelopeId, EpochId, MemberId, MessageId};
use crate::message::{
    Body, Frame, Have, Item, MAX_IN_FRAME, MAX_RUNS, MAX_TEXT, Message, Run, SHARE, SUPPORT,
    SUPPORTS, Seen, Share, Support, epoch_hint,
};
use crate::planted::{Planted, is_planted};
use crate::wire::{self, Bytes};

/// The first `Seen` after as long a quiet leaves at once, later ones as far apart.
const SEEN_MS: u64 = 60_000;
/// As many `Seen` of one member as there is time for are waited for before its head is joined with the one here. A
/// guess: the first may have been on its way.
const APART_SEENS: u64 = 2;
/// Members for each minute that a `Seen` waits.
const SEEN_MEMBERS: u64 = 20;
/// Messages that may wait to be sealed.
const MAX_QUEUED: usize = 100_000;
/// How long an idempotency key is remembered (U-104).
const ONCE_MS: u64 = DAY_MS;

/// What was said here and is on its way, and what others are known to have.
#[derive(Debug, Default)]
pub(crate) struct Speaking {
    pub(super) next_counter: u64,
    /// One's own messages that are in no envelope yet, in order.
    pub(super) queue: BTreeMap<u64, MessageId>,
    /// One's own messages by place in a run.
    pub(super) own: BTreeMap<(Run, u64), MessageId>,
    /// What lies in one's own envelopes that no relay has acknowledged.
    pub(super) carried: BTreeMap<EnvelopeId, Vec<MessageId>>,
    /// Whether a relay may have refused some of these for their hour.
    pub(super) off_hour: bool,
    /// Which of these a relay has already, and not yet the opening of their epoch.
    pub(super) early: BTreeSet<EnvelopeId>,
    /// Messages of one's own that no relay has.
    pub(super) unrelayed: BTreeSet<MessageId>,
    /// What members are known to have of one's own runs, by their own word.
    pub(super) heard: BTreeMap<MemberId, BTreeMap<Run, Have>>,
    /// Runs of others of which something came since the last `Seen`.
    pub(super) news: BTreeSet<Run>,
    pub(super) last_seen: Option<Timestamp>,
    /// Epochs in which this member told what it has, until they end.
    pub(super) told_in: BTreeSet<EpochId>,
    /// What members heard of those who have gone.
    pub(super) heard_of: BTreeMap<Run, Have>,
    /// The device on which each member last said what it has.
    pub(super) devices: BTreeMap<MemberId, (u32, DeviceId)>,
    /// Where each member last said that it speaks, and since when that is known here (R-25 f).
    pub(super) heads: BTreeMap<MemberId, (EpochId, Timestamp)>,
    /// Who was heard of since it was looked whether something is to be said again.
    pub(super) present: BTreeSet<MemberId>,
    /// Who was heard of since the start.
    once_present: BTreeSet<MemberId>,
    /// When it is looked whether whoever was heard of lacks what was said, and when for the last time so far.
    pub(super) look_at: Option<(Timestamp, Timestamp)>,
    /// What was said again, and to whom.
    pub(super) again: BTreeMap<MemberId, Again>,
}

impl Speaking {
    /// Whether a message of one's own is in no envelope yet.
    pub(super) fn is_queued(&self, row: u64) -> bool {
        self.queue.contains_key(&row)
    }

    /// Something was said, or somebody told a hole: what is on its way has time to come.
    pub(super) fn look_later(&mut self, now: Timestamp) {
        let at = now.plus(HOLE_MS);
        self.look_at = Some((self.look_at.map_or(at, |(first, _)| first), at));
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
        if !self.is_in() {
            return Err(CommandError::NotYetAMember);
        }
        if !self.roster.members.contains_key(&self.me) {
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
        let row = self.log.line(&id).expect("one's own message waits for nothing").row;
        self.speaking.queue.insert(row, id);
        self.speaking.unrelayed.insert(id);
        // Only now: what is told has its mark.
        self.tell(env, batch, &shown);
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
            wish: draft.wants.map(Wants::number),
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
        self.seal_anew(env, batch);
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

    /// R-30, H-26: what lies in envelopes that no relay takes by their hour is sealed anew, where all who are here now
    /// were there. This device's clock was off, or it was away for longer than relays keep things.
    fn seal_anew(&mut self, env: &Env<'_>, batch: &mut Batch) {
        if !self.in_step() || !std::mem::take(&mut self.speaking.off_hour) {
            return;
        }
        let mut again = false;
        for envelope in self.off_hour(env.now) {
            let messages = &self.speaking.carried[&envelope];
            let first = messages.first().and_then(|message| self.log.line(message));
            let first = first.and_then(|line| self.epochs.by_hint(line.epoch()));
            let inside = |who| first.is_some_and(|(_, at)| at.members.binary_search(who).is_ok());
            if !self.head().is_some_and(|(_, head)| head.members.iter().all(inside)) {
                continue;
            }
            let messages = self.speaking.carried.remove(&envelope).expect("found just now");
            self.speaking.early.remove(&envelope);
            batch.erase(self.carried_key(&envelope));
            for message in messages {
                let Some(row) = self.log.line(&message).map(|line| line.row) else { continue };
                self.speaking.queue.insert(row, message);
                batch.save(self.queued_key(row), message.0.to_vec());
            }
            again = true;
        }
        if again {
            self.tell_everything(batch);
        }
    }

    /// Envelopes of one's own that no relay has, and none takes by their hour.
    pub(super) fn off_hour(&self, now: Timestamp) -> Vec<EnvelopeId> {
        if is_planted(Planted::OffHourStays) {
            return Vec::new();
        }
        let (since, until) = (now.hour().saturating_sub(RELAYS_KEEP_H), now.hour());
        let taken = since..=until.saturating_add(TAKEN_AHEAD_H);
        let hour = |id: &&EnvelopeId| self.exchange.hour_of(id);
        let carried = self.speaking.carried.keys();
        carried.filter(|id| hour(id).is_some_and(|hour| !taken.contains(&hour))).copied().collect()
    }

    /// whether speech waits, since it needs an opening and this node is behind those that it knows.
    pub(super) fn holds_back(&self) -> bool {
        !self.speaking.queue.is_empty()
            && (self.is_due() || self.is_old(self.charter.now()))
            && self.is_behind_openings()
    }

    /// says again what those who were heard of lack and cannot fetch.
    pub(super) fn say_again(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        if !self.in_step() {
            return;
        }
        if let Some((_, last)) = self.speaking.look_at.take_if(|(at, _)| *at <= env.now) {
            self.speaking.look_at = (last > env.now).then_some((last, last));
            let Speaking { present, once_present, .. } = &mut self.speaking;
            present.extend(once_present.iter());
        }
        for who in std::mem::take(&mut self.speaking.present) {
            self.speaking.once_present.insert(who);
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
        self.keep_card(batch, card.clone());
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
                if self.speaking.told_in.insert(*id) {
                    self.save_told_in(batch);
                }
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
        if !messages.is_empty() {
            self.speaking.look_later(env.now);
        }
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
        let apart = self.seen_apart();
        Some(self.speaking.last_seen.map_or(Timestamp(0), |last| last.plus(apart)))
    }

    /// Milliseconds between two `Seen` of one member.
    fn seen_apart(&self) -> u64 {
        let members = u64::try_from(self.roster.members.len()).unwrap_or(u64::MAX);
        SEEN_MS.max(SEEN_MS.saturating_mul(members) / SEEN_MEMBERS)
    }

    /// When it is no coincidence any more that another member speaks in an epoch that ranks behind the head here:
    /// it would have said otherwise, had it known the head, or taken it for one (R-25 f).
    pub(super) fn next_apart(&self) -> Option<Timestamp> {
        self.head?;
        let elsewhere = self.speaking.heads.iter().filter(|(who, (epoch, _))| {
            self.beside.contains(epoch) && self.roster.members.contains_key(who)
        });
        let wait = APART_SEENS * self.seen_apart();
        elsewhere.map(|(_, (_, since))| since.plus(wait)).min()
    }

    /// R-25 f: a member speaks where this one does not, and stays there. Who has opened all that counts in a day leaves
    /// it to others.
    pub(super) fn is_apart(&self) -> bool {
        let now = self.charter.now();
        let ids = self.roster.ids();
        self.next_apart().is_some_and(|at| at <= now)
            && !self.epochs.is_spent(&self.me, &ids, now.day())
            && !is_planted(Planted::HeadsApart)
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

    /// What is here of others is told anew with the next `Seen`.
    pub(super) fn tell_everything(&mut self, batch: &mut Batch) {
        let others = self.log.lines().filter(|(_, line)| line.author != self.me);
        self.speaking.news = others.map(|(_, line)| line.run).collect();
        self.save_told(batch, 0);
    }

    /// What is here of a member is told it again with the next `Seen`: it may have missed the first.
    pub(super) fn tell_author(&mut self, who: &MemberId) {
        let theirs = self.log.lines().filter(|(_, line)| line.author == *who);
        self.speaking.news.extend(theirs.map(|(_, line)| line.run));
    }

    /// What was told where others may not have heard it is told again.
    pub(super) fn tell_again(&mut self, batch: &mut Batch) {
        if self.speaking.told_in.iter().all(|id| Some(*id) == self.head) {
            return;
        }
        let (forsaken, epochs) = (self.forsaken(), &self.epochs);
        let before = self.speaking.told_in.len();
        self.speaking.told_in.retain(|id| epochs.get(id).is_none_or(|epoch| !epoch.ended));
        let heard = self.speaking.told_in.len();
        self.speaking.told_in.retain(|id| epochs.contains(id) && !forsaken.contains(id));
        let left = self.speaking.told_in.len();
        if left < before {
            self.save_told_in(batch);
        }
        if left < heard {
            self.tell_everything(batch);
        }
    }

    fn save_told_in(&self, batch: &mut Batch) {
        let all: Vec<EpochId> = self.speaking.told_in.iter().copied().collect();
        batch.save(placed(Room::Local, &self.id.0, b"e"), wire::encode(&all));
    }

    /// What others have from this row on is still to be told, also after a restart.
    fn save_told(&self, batch: &mut Batch, row: u64) {
        batch.save(placed(Room::Local, &self.id.0, b"s"), row.to_be_bytes().to_vec());
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
                Some(b'e') => {
                    let all: Option<Vec<EpochId>> = wire::decode(&saved);
                    self.speaking.told_in = all.unwrap_or_default().into_iter().collect();
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
        self.speaking.off_hour = true;
        self.judge(env, batch);
        self.take_again(env, batch, again);
    }
}

/// Messages of one frame, in bytes: a gossiped envelope holds them and what is around them.
const FRAME_BYTES: usize = MAX_GOSSIP_TEXT - 4_096;
/// Signature, place, and what CBOR adds.
const FRAME_OVERHEAD: usize = 80;
