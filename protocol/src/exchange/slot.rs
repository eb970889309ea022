//! What lies in a mailbox here, and how it is kept: the index in memory, the envelopes in the store.

use std::collections::{BTreeMap, BTreeSet};

use super::Exchange;
use crate::batch::{Batch, numbered, placed};
use crate::boundary::{Env, KeySlot, Output, Room, Topic};
use crate::circle::epoch::SealedBox;
use crate::crypto::{Label, hash};
use crate::envelope::Envelope;
use crate::identity::{CircleId, EnvelopeId, MailboxId, Peer};
use crate::planted::{Planted, is_planted};
use crate::wire::{self, Bytes};

/// Ids of envelopes that were no good, remembered per mailbox so that they are not fetched again.
pub(super) const MAX_BAD: usize = 4_096;
/// The place of an envelope whose bytes are not kept here any more.
pub(super) const ERASED: u64 = u64::MAX;
/// Rows read at once when a store is read back; an envelope may have 1 MiB, and one of talk has 32 KiB.
const RESTORE_ROWS: usize = 64;

#[derive(Debug)]
pub(super) struct Slot {
    pub(super) sealed: SealedBox,
    /// Fetched from relays only.
    pub(super) quiet: bool,
    /// What lies in it, by id: its hour and its place in the store.
    pub(super) held: BTreeMap<EnvelopeId, (u32, u64)>,
    /// What is not asked for again.
    pub(super) bad: BTreeSet<EnvelopeId>,
    /// Envelopes of one's own that no relay has acknowledged.
    pub(super) unacked: BTreeSet<EnvelopeId>,
    /// The relay that pushes whole envelopes; all others announce ids.
    pub(super) pusher: Option<Peer>,
    /// Envelopes in a row that had to be fetched at another one.
    pub(super) missed: u32,
}

impl Exchange {
    /// Keeps an envelope that was found good, to serve it to others.
    pub(crate) fn keep(
        &mut self,
        batch: &mut Batch,
        mailbox: MailboxId,
        envelope: &Envelope,
        keeping: Keeping,
    ) {
        let Some(slot) = self.boxes.get_mut(&mailbox) else { return };
        let id = envelope.id(&mailbox);
        let place = self.next_place;
        self.next_place += 1;
        slot.held.insert(id, (envelope.hour(), place));
        let record = Record {
            mailbox,
            own: keeping.own,
            envelope: Bytes(envelope.bytes().to_vec()),
            later: keeping.later,
        };
        let key = numbered(Room::Envelopes, &self.owner, place);
        batch.save_until(key, wire::encode(&record), keeping.until);
    }

    /// Nothing of an envelope waits any more: it need not be taken again after the next restart.
    pub(crate) fn settled(
        &self,
        env: &Env<'_>,
        batch: &mut Batch,
        mailbox: MailboxId,
        envelope: &Envelope,
        until: Option<KeySlot>,
    ) {
        let slot = self.boxes.get(&mailbox);
        let held = slot.and_then(|slot| slot.held.get(&envelope.id(&mailbox)));
        let Some((_, place)) = held.filter(|(_, place)| *place != ERASED) else { return };
        let key = numbered(Room::Envelopes, &self.owner, *place);
        let record = batch.read(env, &key);
        if let Some(record) = record.and_then(|record| wire::decode::<Record>(&record)) {
            batch.save_until(key, wire::encode(&Record { later: false, ..record }), until);
        }
    }

    /// When an envelope that is held was sealed, by its own hour.
    pub(crate) fn hour_of(&self, id: &EnvelopeId) -> Option<u32> {
        self.boxes.values().find_map(|slot| slot.held.get(id)).map(|(hour, _)| *hour)
    }

    /// Remembers an envelope by its id alone: it is neither fetched again nor served.
    pub(crate) fn pass_over(&mut self, mailbox: MailboxId, envelope: &Envelope) {
        if let Some(slot) = self.boxes.get_mut(&mailbox) {
            slot.held.insert(envelope.id(&mailbox), (envelope.hour(), ERASED));
        }
    }

    /// what a lying relay serves costs a look, once.
    ///
    /// Remembers that an envelope is of no use, so that it is not fetched again.
    pub(crate) fn reject(&mut self, mailbox: MailboxId, id: EnvelopeId) {
        if let Some(slot) = self.boxes.get_mut(&mailbox) {
            if is_planted(Planted::RejectedForgotten) {
                return;
            }
            if slot.bad.len() >= MAX_BAD {
                slot.bad.pop_first();
            }
            slot.bad.insert(id);
        }
    }

    /// Whether an envelope is neither held nor known to be no good.
    pub(crate) fn lacks(&self, mailbox: &MailboxId, id: &EnvelopeId) -> bool {
        self.boxes.get(mailbox).is_some_and(|slot| slot.wants(id))
    }

    /// Drops the bytes of envelopes sealed before this hour; their ids are kept, so that they are not
    /// fetched again. Nobody acknowledges them any more.
    pub(crate) fn expire(&mut self, batch: &mut Batch, before: u32) {
        for slot in self.boxes.values_mut() {
            for (id, (hour, place)) in &mut slot.held {
                if *hour < before && *place != ERASED {
                    batch.erase(numbered(Room::Envelopes, &self.owner, *place));
                    *place = ERASED;
                    slot.unacked.remove(id);
                }
            }
            if is_planted(Planted::ErasedForgotten) {
                slot.held.retain(|_, (_, place)| *place != ERASED);
            }
        }
    }

    /// Reads back what was saved: envelopes of mailboxes that are open again, `acked` of one's own.
    /// Gives those of which something had waited in memory.
    pub(crate) fn restore(
        &mut self,
        env: &Env<'_>,
        acked: impl Fn(&MailboxId, &EnvelopeId) -> bool,
    ) -> Vec<(MailboxId, Envelope)> {
        let (mut from, mut again) = (Vec::new(), Vec::new());
        loop {
            let rows = env.store.scan(Room::Envelopes, &self.owner, &from, false, RESTORE_ROWS);
            let Some((last, _)) = rows.last() else { return again };
            from = [last.as_slice(), &[0]].concat();
            for (place, value) in &rows {
                let place = u64::from_be_bytes(place.as_slice().try_into().unwrap_or([0; 8]));
                self.next_place = self.next_place.max(place.saturating_add(1));
                let Some(record) = wire::decode::<Record>(value) else { continue };
                let Some(envelope) = Envelope::parse(record.envelope.0) else { continue };
                let Some(slot) = self.boxes.get_mut(&record.mailbox) else { continue };
                let id = envelope.id(&record.mailbox);
                slot.held.insert(id, (envelope.hour(), place));
                if record.own && !acked(&record.mailbox, &id) {
                    slot.unacked.insert(id);
                }
                if record.later {
                    again.push((record.mailbox, envelope));
                }
            }
        }
    }

    /// Envelopes that lie in a mailbox, read back one by one.
    pub(crate) fn contents(
        &self,
        env: &Env<'_>,
        batch: &Batch,
        mailbox: &MailboxId,
    ) -> Vec<Envelope> {
        let Some(slot) = self.boxes.get(mailbox) else { return Vec::new() };
        let kept = slot.held.values().filter_map(|(_, place)| self.stored(env, batch, *place));
        kept.filter_map(|bytes| Envelope::parse(bytes.0)).collect()
    }

    /// The bytes of an envelope that is kept at this place.
    pub(super) fn stored(&self, env: &Env<'_>, batch: &Batch, place: u64) -> Option<Bytes> {
        let key = (place != ERASED).then(|| numbered(Room::Envelopes, &self.owner, place))?;
        Some(wire::decode::<Record>(&batch.read(env, &key)?)?.envelope)
    }

    pub(super) fn erase(&self, batch: &mut Batch, place: u64) {
        if place != ERASED {
            batch.erase(numbered(Room::Envelopes, &self.owner, place));
        }
    }

    /// Erases all that is kept.
    pub(super) fn erase_all(&self, env: &Env<'_>, batch: &mut Batch) {
        for (place, _) in env.store.scan(Room::Envelopes, &self.owner, &[], false, usize::MAX) {
            batch.erase(placed(Room::Envelopes, &self.owner, &place));
        }
    }

    /// Ends everything on this link.
    pub(crate) fn forget(&self, env: &Env<'_>, batch: &mut Batch) {
        self.erase_all(env, batch);
        batch.push(Output::Forget { link: self.link });
    }
}

impl Slot {
    pub(super) fn new(sealed: SealedBox, quiet: bool) -> Self {
        Self {
            sealed,
            quiet,
            held: BTreeMap::new(),
            bad: BTreeSet::new(),
            unacked: BTreeSet::new(),
            pusher: None,
            missed: 0,
        }
    }

    /// Whether an envelope is neither held nor known to be no good.
    pub(super) fn wants(&self, id: &EnvelopeId) -> bool {
        !self.held.contains_key(id) && !self.bad.contains(id)
    }

    /// Whether no relay has acknowledged something of one's own.
    pub(super) fn is_unacked(&self) -> bool {
        !self.unacked.is_empty()
    }

    /// Whether an envelope's bytes are here.
    pub(super) fn keeps(&self, id: &EnvelopeId) -> bool {
        self.held.get(id).is_some_and(|(_, place)| *place != ERASED)
    }
}

/// An envelope as it is saved.
#[derive(minicbor::Encode, minicbor::Decode)]
#[cbor(array)]
struct Record {
    #[n(0)]
    mailbox: MailboxId,
    #[n(1)]
    own: bool,
    #[n(2)]
    envelope: Bytes,
    /// Something in it was not shown when it was saved: it is taken again after a restart.
    #[n(3)]
    later: bool,
}

/// How an envelope is kept.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Keeping {
    /// The slot of the day key that it dies with.
    pub(crate) until: Option<KeySlot>,
    /// Whether it is one's own.
    pub(crate) own: bool,
    /// Whether something in it waits, in memory only: it is taken again after a restart.
    pub(crate) later: bool,
}

/// The gossip topic of a mailbox.
pub(super) fn topic(mailbox: &MailboxId) -> Topic {
    Topic(hash(Label::Topic, &CircleId::NONE, &[&mailbox.0]))
}
