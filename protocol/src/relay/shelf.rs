//! Putting, fetching, reconciling, and telling others what is new.

use super::mailboxes::read_envelope;
use super::remains::{OLD_AN_HOUR, OLD_PART};
use super::token::Token;
use super::{Batch, End, GATHER_MS, Relay, TokenId};
use crate::boundary::{Cause, Env, Output, Timestamp};
use crate::crypto::{Label, hash};
use crate::envelope::{Envelope, TAKEN_AHEAD_H};
use crate::identity::{CircleId, EnvelopeId, MailboxId, Peer};
use crate::mailbox::{
    BATCH_BYTES, MAX_FRAME, MAX_IDS, MAX_ROUNDS, Packet, RECONCILE_BYTES, Refusal, Round,
};
use crate::planted::{Planted, is_planted};
use crate::wire::Bytes;

/// Envelopes an hour that a mailbox takes from connections that showed no token (U-140).
pub(super) const STRANGERS_AN_HOUR: u32 = 60;
/// The largest of these (U-140).
pub(super) const STRANGER_BYTES: usize = 8 << 10;
/// No frame has room for more envelopes.
const MAX_ENVELOPES: usize = MAX_FRAME / 512;
/// Who is told of others in a mailbox, and of how many.
const MAX_PEERS: usize = 64;
/// Work of a step of reconciliation beside the items that it reads, in bytes of the peer's allowance.
const STEP_COST: usize = 1 << 10;

impl Relay {
    pub(super) fn put(
        &mut self,
        now: Timestamp,
        end: End,
        mailbox: MailboxId,
        envelopes: Vec<Bytes>,
        batch: &mut Batch,
    ) -> Result<(), Cause> {
        if envelopes.len() > MAX_ENVELOPES {
            return Err(Cause::Nonsense);
        }
        if let Err(why) = self.may_use(end, mailbox) {
            self.refuse(now, end, (mailbox, None), why, batch);
            return Ok(());
        }
        for Bytes(bytes) in envelopes {
            let id = envelope_id(&mailbox, &bytes);
            match self.put_one(now, end, (mailbox, id), bytes, batch) {
                Ok(()) => batch.stored.entry((end, mailbox)).or_default().push(id),
                Err(why) => self.refuse(now, end, (mailbox, Some(id)), why, batch),
            }
        }
        Ok(())
    }

    fn put_one(
        &mut self,
        now: Timestamp,
        end: End,
        (mailbox, id): (MailboxId, EnvelopeId),
        bytes: Vec<u8>,
        batch: &mut Batch,
    ) -> Result<(), Refusal> {
        let (limits, size) = (self.config.limits, bytes.len());
        let session = self.sessions.get_mut(&end).ok_or(Refusal::Proof)?;
        if !session.may_send(size) || !self.flow_in.has(size) {
            return Err(Refusal::Rate);
        }
        session.owe(size);
        self.flow_in.owe(size);
        let envelope = Envelope::parse(bytes).filter(|_| size <= limits.envelope);
        let envelope = envelope.ok_or(Refusal::Size)?;
        let hour = envelope.hour();
        let hours = limits.first_hour(now)..=now.hour().saturating_add(TAKEN_AHEAD_H);
        if !hours.contains(&hour) && !is_planted(Planted::RelayTakesAnyHour) {
            return Err(Refusal::Age);
        }
        let shelf = self.mailboxes.get(&mailbox).ok_or(Refusal::Closed)?;
        if shelf.kept(&id).is_some() {
            return Ok(());
        }
        let (own, vouched) = (shelf.token(), session.vouched);
        let is_past = |token, number| {
            let token = self.tokens.get(token);
            token.is_some_and(|token: &Token| token.is_past(number, now))
        };
        let old = is_past(own, shelf.number());
        let current = vouched.filter(|by| !is_past(by.token, by.number));
        let payer = if old { current } else { vouched }.map_or(own, |by| by.token);
        if old && self.tokens.get(own).is_some_and(|token| token.remains.gave_way(&id)) {
            return Err(Refusal::Store);
        }
        if old && current.is_none() {
            self.take_as_remains(now, end, (mailbox, id), (own, size), batch)?;
        } else {
            self.room_for(now, payer, size as u64)?;
            if vouched.is_none() {
                self.take_from_stranger(now, mailbox, size)?;
            }
        }
        let saved = self.mailboxes.keep(mailbox, id, &envelope, payer);
        let saved = saved.ok_or(Refusal::Closed)?;
        if !is_planted(Planted::StoredUnkept) {
            batch.saved.insert((mailbox, id), batch.out.len());
            batch.out.push(saved);
        }
        batch.fresh.entry(mailbox).or_default().push((id, end));
        self.tokens.charge(payer, size as u64);
        self.tally.accepted += 1;
        Ok(())
    }

    /// U-163: the token's share, then the whole store.
    fn room_for(&self, now: Timestamp, payer: TokenId, size: u64) -> Result<(), Refusal> {
        let limits = &self.config.limits;
        let token = self.tokens.get(payer).filter(|_| self.tokens.is_active(payer, now));
        let token = token.ok_or(Refusal::Token)?;
        let fits = token.used.saturating_add(size) <= token.quota(limits.store_per_token);
        if !fits && !is_planted(Planted::QuotaUnchecked) {
            return Err(Refusal::Store);
        }
        if self.mailboxes.bytes().saturating_add(size) > limits.store {
            return Err(Refusal::Full);
        }
        Ok(())
    }

    /// U-140: little, from whoever proved the key but showed no token.
    fn take_from_stranger(
        &mut self,
        now: Timestamp,
        mailbox: MailboxId,
        size: usize,
    ) -> Result<(), Refusal> {
        if size > STRANGER_BYTES {
            return Err(Refusal::Size);
        }
        let shelf = self.mailboxes.get_mut(&mailbox).ok_or(Refusal::Closed)?;
        let taken = shelf.strangers.take(now, 1, STRANGERS_AN_HOUR);
        if taken { Ok(()) } else { Err(Refusal::Rate) }
    }

    /// little, in a mailbox from before a removal. Where there is no room left, what whoever put
    /// most had put first gives way.
    fn take_as_remains(
        &mut self,
        now: Timestamp,
        end: End,
        at: (MailboxId, EnvelopeId),
        (payer, size): (TokenId, usize),
        batch: &mut Batch,
    ) -> Result<(), Refusal> {
        let limit = self.config.limits.store_per_token;
        let session = self.sessions.get_mut(&end).ok_or(Refusal::Proof)?;
        if size > OLD_AN_HOUR as usize {
            return Err(Refusal::Size);
        }
        if !session.spent.take(at.0, size, now) {
            return Err(Refusal::Rate);
        }
        let size = size as u64;
        loop {
            let token = self.tokens.get(payer).ok_or(Refusal::Token)?;
            let quota = token.quota(limit);
            let fits = token.remains.bytes().saturating_add(size) <= quota / OLD_PART
                && token.used.saturating_add(size) <= quota;
            if fits {
                break;
            }
            let (mailbox, id) = token.remains.first_to_go(end.1, size).ok_or(Refusal::Store)?;
            self.lose(mailbox, id, batch);
            batch.unsay(mailbox, id);
            if let Some(token) = self.tokens.get_mut(payer) {
                token.remains.dropped(id);
            }
        }
        self.room_for(now, payer, size)?;
        if let Some(token) = self.tokens.get_mut(payer) {
            token.remains.add(at, end.1, size);
        }
        Ok(())
    }

    pub(super) fn get(
        &mut self,
        env: &Env<'_>,
        end: End,
        mailbox: MailboxId,
        ids: &[EnvelopeId],
        batch: &mut Batch,
    ) -> Result<(), Cause> {
        if ids.len() > MAX_IDS {
            return Err(Cause::Nonsense);
        }
        if let Err(why) = self.may_use(end, mailbox) {
            self.refuse(env.now, end, (mailbox, None), why, batch);
            return Ok(());
        }
        let mut parcel = Parcel::default();
        let mut gone = Vec::new();
        let mut later = None;
        for &id in ids {
            let Some(kept) = self.mailboxes.get(&mailbox).and_then(|m| m.kept(&id).copied()) else {
                gone.push(id);
                continue;
            };
            if !self.may_be_sent(end, kept.size as usize) {
                later = Some(id);
                break;
            }
            let saved = batch.saved_bytes(mailbox, id);
            let bytes = saved.or_else(|| read_envelope(env.store, mailbox, &kept, id));
            let Some(bytes) = bytes.filter(|bytes| envelope_id(&mailbox, bytes) == id) else {
                // The disk lost it. Out of the index, so that members put it here again.
                self.lose(mailbox, id, batch);
                gone.push(id);
                continue;
            };
            self.owe_sent(end, bytes.len());
            self.tally.served += 1;
            parcel.add(end, mailbox, bytes, batch);
        }
        parcel.send(end, mailbox, batch);
        if !gone.is_empty() {
            batch.send(end, &Packet::Gone { mailbox, ids: gone });
        }
        if later.is_some() {
            // From this id on nothing was answered: the member asks for the rest again.
            self.refuse(env.now, end, (mailbox, later), Refusal::Rate, batch);
        }
        Ok(())
    }

    pub(super) fn reconcile(
        &mut self,
        now: Timestamp,
        end: End,
        mailbox: MailboxId,
        (round, bytes): (Round, &[u8]),
        batch: &mut Batch,
    ) -> Result<(), Cause> {
        if bytes.len() as u64 > RECONCILE_BYTES {
            return Err(Cause::Nonsense);
        }
        let ready = self.may_use(end, mailbox).and_then(|()| {
            let within = round.number < MAX_ROUNDS && self.may_be_sent(end, STEP_COST);
            if within { Ok(()) } else { Err(Refusal::Rate) }
        });
        if let Err(why) = ready {
            self.refuse(now, end, (mailbox, None), why, batch);
            return Ok(());
        }
        let step = self.mailboxes.reconcile(&mailbox, bytes).ok_or(Cause::Nonsense)?;
        self.owe_sent(end, STEP_COST + step.cost);
        self.tally.rounds += 1;
        let bytes = Bytes(step.answer);
        batch.send(end, &Packet::Reconciled { mailbox, round, bytes });
        Ok(())
    }

    /// After all inputs: who stored what, what is new, who came.
    pub(super) fn tell(&mut self, now: Timestamp, batch: &mut Batch) {
        for ((end, mailbox), ids) in std::mem::take(&mut batch.stored) {
            for ids in ids.chunks(MAX_IDS) {
                let ids = ids.to_vec();
                batch.send(end, &Packet::Stored { mailbox, ids });
            }
        }
        for (mailbox, fresh) in std::mem::take(&mut batch.fresh) {
            for end in self.listeners.get(&mailbox).cloned().unwrap_or_default() {
                let new = fresh.iter().filter(|(_, from)| *from != end);
                let ids: Vec<_> = new.map(|(id, _)| *id).collect();
                self.tell_new(now, end, mailbox, ids, batch);
            }
        }
        for mailbox in std::mem::take(&mut batch.met) {
            self.introduce(mailbox, batch);
        }
    }

    /// Pushes new envelopes to who wishes it and keeps up; others are told of them a little later.
    fn tell_new(
        &mut self,
        now: Timestamp,
        end: End,
        mailbox: MailboxId,
        ids: Vec<EnvelopeId>,
        batch: &mut Batch,
    ) {
        let rate = self.config.limits.bytes_per_second_peer;
        let Some(session) = self.sessions.get_mut(&end) else {
            return;
        };
        session.refill(now, rate);
        let push = session.proven.get(&mailbox).is_some_and(|wish| wish.push);
        let mut parcel = Parcel::default();
        let mut later = Vec::new();
        for id in ids {
            let bytes = if push { batch.saved_bytes(mailbox, id) } else { None };
            match bytes {
                Some(bytes) if self.may_be_sent(end, bytes.len()) => {
                    self.owe_sent(end, bytes.len());
                    self.tally.served += 1;
                    parcel.add(end, mailbox, bytes, batch);
                }
                _ => later.push(id),
            }
        }
        parcel.send(end, mailbox, batch);
        if !later.is_empty() {
            self.unannounced.entry((end, mailbox)).or_default().append(&mut later);
            self.announce_at.get_or_insert(now.plus(GATHER_MS));
        }
    }

    /// Announces what was gathered. It is not pressing: who is not pushed to by this relay is by
    /// another one, or does not keep up.
    pub(super) fn announce(&mut self, now: Timestamp, batch: &mut Batch) {
        if self.announce_at.is_none_or(|at| at > now) {
            return;
        }
        self.announce_at = None;
        for ((end, mailbox), ids) in std::mem::take(&mut self.unannounced) {
            for ids in ids.chunks(MAX_IDS) {
                let ids = ids.to_vec();
                batch.send(end, &Packet::Announce { mailbox, ids });
            }
        }
    }

    /// Tells the newest of those who may be known to each other (R-34, never quiet ones: R-17).
    fn introduce(&self, mailbox: MailboxId, batch: &mut Batch) {
        let all = self.listeners.get(&mailbox).map_or(&[][..], Vec::as_slice);
        let listed = all.iter().rev().filter(|end| {
            let session = self.sessions.get(end);
            session.is_some_and(|s| s.proven.get(&mailbox).is_some_and(|wish| wish.listed))
        });
        let listed: Vec<End> = listed.take(MAX_PEERS).copied().collect();
        for end in &listed {
            let others = listed.iter().filter(|other| *other != end);
            let peers: Vec<Peer> = others.map(|(_, peer)| *peer).collect();
            batch.send(*end, &Packet::Peers { mailbox, peers });
        }
    }

    /// Whether a connection proved the mailbox and it is open here.
    fn may_use(&self, end: End, mailbox: MailboxId) -> Result<(), Refusal> {
        let session = self.sessions.get(&end).ok_or(Refusal::Proof)?;
        if !session.proven.contains_key(&mailbox) && !is_planted(Planted::PutUnproven) {
            return Err(Refusal::Proof);
        }
        self.mailboxes.get(&mailbox).map(|_| ()).ok_or(Refusal::Closed)
    }

    fn may_be_sent(&self, end: End, bytes: usize) -> bool {
        let session = self.sessions.get(&end);
        self.flow_out.has(bytes) && session.is_some_and(|session| session.may_be_sent(bytes))
    }

    fn owe_sent(&mut self, end: End, bytes: usize) {
        self.flow_out.owe(bytes);
        if let Some(session) = self.sessions.get_mut(&end) {
            session.owe_sent(bytes);
        }
    }

    /// Takes an envelope out of the index and off the disk.
    pub(super) fn lose(&mut self, mailbox: MailboxId, id: EnvelopeId, batch: &mut Batch) {
        if let Some((key, kept)) = self.mailboxes.drop(mailbox, id) {
            self.tokens.release(kept.token, u64::from(kept.size));
            if let Some(token) = self.tokens.get_mut(kept.token) {
                token.remains.forget((mailbox, id));
            }
            batch.out.push(Output::Erase(key));
        }
    }
}

impl Batch {
    /// An envelope that this batch saves and the store does not have yet.
    fn saved_bytes(&self, mailbox: MailboxId, id: EnvelopeId) -> Option<Vec<u8>> {
        match self.out.get(*self.saved.get(&(mailbox, id))?)? {
            Output::Save(_, value) => value.bytes.get(16..).map(<[u8]>::to_vec),
            _ => None,
        }
    }

    /// Tells nobody of an envelope that is gone again before this batch is carried out.
    fn unsay(&mut self, mailbox: MailboxId, id: EnvelopeId) {
        self.saved.remove(&(mailbox, id));
        if let Some(fresh) = self.fresh.get_mut(&mailbox) {
            fresh.retain(|(new, _)| *new != id);
        }
        for ((_, at), ids) in &mut self.stored {
            if *at == mailbox {
                ids.retain(|stored| *stored != id);
            }
        }
    }
}

/// Envelopes on their way to one peer, in frames of about [`BATCH_BYTES`].
#[derive(Default)]
struct Parcel {
    envelopes: Vec<Bytes>,
    bytes: usize,
}

impl Parcel {
    fn add(&mut self, end: End, mailbox: MailboxId, bytes: Vec<u8>, batch: &mut Batch) {
        if self.bytes + bytes.len() > BATCH_BYTES {
            self.send(end, mailbox, batch);
        }
        self.bytes += bytes.len();
        self.envelopes.push(Bytes(bytes));
    }

    fn send(&mut self, end: End, mailbox: MailboxId, batch: &mut Batch) {
        self.bytes = 0;
        let envelopes = std::mem::take(&mut self.envelopes);
        if !envelopes.is_empty() {
            batch.send(end, &Packet::Give { mailbox, envelopes });
        }
    }
}

/// The id of what may not even be an envelope, so that a refusal can name it.
fn envelope_id(mailbox: &MailboxId, bytes: &[u8]) -> EnvelopeId {
    EnvelopeId(hash(Label::Envelope, &CircleId::NONE, &[&mailbox.0, bytes]))
}
