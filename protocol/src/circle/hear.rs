//! Hearing: frames to messages, and what others say they have.

use super::board;
use super::head::{Epoch, State};
use super::log::{Incoming, News, Shown};
use super::{Circle, Leads, MAX_STUCK};
use crate::batch::{Batch, placed};
use crate::boundary::{
    Entry, EntryKind, Env, Event, GapCause, Judgement, KeySlot, Room, Timestamp,
};
use crate::circle::card::{Card, VerifiedCard};
use crate::envelope::Envelope;
use crate::exchange::Keeping;
use crate::identity::{CircleId, DeviceId, EpochId, MailboxId, MemberId, MessageId};
use crate::message::{Frame, Have, Item, Message, Run, Seen, epoch_hint};
use crate::planted::{Planted, is_planted};
use crate::wire;

/// Runs of one device of somebody who has gone of which is kept what others heard; there is one for each start of
/// a node (a guess).
const MAX_HEARD_OF: usize = 1_024;

impl Circle {
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
        if epoch.is_of_others() {
            self.exchange.pass_over(mailbox, &envelope);
            return Judgement::Ignore;
        }
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
        self.hear_of(batch, env.now, &who, envelope.hour());
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
                    self.take_seen(env.now, batch, (who, card), seen);
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

    /// Takes again what had waited in memory when this node stopped; it was verified when it came.
    pub(super) fn take_again(
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
                Some(Leads::Rendezvous(_) | Leads::Coming) | None => None,
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
        if epoch.state == State::Waits {
            return Err(NotYet);
        }
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
    pub(super) fn tell(&mut self, env: &Env<'_>, batch: &mut Batch, shown: &Shown) {
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
        for who in &shown.differ {
            self.tell_of(env, batch, (*who, self.name_of(who)), News::Differs, None);
        }
        for (child, gap) in &shown.filled {
            let Some(place) = self.log.gap_place(child) else { continue };
            let entry = self.closed_gap(place, child, gap, env.now);
            batch.notify(Event::Message { circle, entry });
        }
    }

    /// A member says what it has: marks of one's own messages rise, on its word alone (P2).
    fn take_seen(
        &mut self,
        now: Timestamp,
        batch: &mut Batch,
        (who, card): (MemberId, &Card),
        seen: Seen,
    ) {
        if who == self.me {
            return;
        }
        self.speaking.present.insert(who);
        if self.roster.members.contains_key(&who) {
            let told = self.speaking.heads.entry(who).or_insert((seen.epoch, now));
            if told.0 != seen.epoch {
                *told = (seen.epoch, now);
            }
        }
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
        if seen.have.iter().any(|have| !have.holes.is_empty()) {
            self.speaking.look_later(now);
        }
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

/// A gap is named after the message that leans on what is missing.
pub(super) fn gap_id(child: &MessageId) -> [u8; 16] {
    child.0[..16].try_into().expect("half of 32 bytes")
}
