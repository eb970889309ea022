//! What a relay keeps: open mailboxes, and of each envelope all but the envelope itself.
//!
//! The envelopes lie in the store; memory holds about 50 bytes for each, counted anew at each start.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};
use negentropy::{Id, Negentropy, NegentropyStorageVector};

use super::quota::Hourly;
use super::token::TokenId;
use crate::boundary::{Key, Output, Room, Store, Timestamp, Value};
use crate::envelope::Envelope;
use crate::identity::{EnvelopeId, MailboxId};
use crate::mailbox::RECONCILE_BYTES;
use crate::wire;

/// Rows read at once when the index is counted; a row may have 1 MiB.
const SCAN: usize = 64;
/// Envelopes in mailboxes that stand ready for reconciliation, 40 bytes each; a guess.
const MAX_CACHED: usize = 500_000;

/// A mailbox as it is saved.
#[derive(Clone, Copy, Debug, Encode, Decode)]
#[cbor(map)]
struct Record {
    #[cbor(n(1), with = "minicbor::bytes")]
    token: [u8; 16],
    #[n(2)]
    opened_at: u64,
    /// The last day on which somebody proved it.
    #[n(3)]
    used_day: u32,
    /// The number of the link that opened it.
    #[n(4)]
    #[cbor(default)]
    number: u16,
}

/// What is known of one envelope without reading it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    pub(super) hour: u32,
    pub(super) size: u32,
    /// Who pays for it.
    pub(super) token: TokenId,
}

/// An open mailbox.
pub(super) struct Mailbox {
    record: Record,
    kept: BTreeMap<EnvelopeId, Kept>,
    /// No envelope is older; some may all be younger.
    oldest: u32,
    /// What came from connections that showed no token (U-140).
    pub(super) strangers: Hourly,
    /// The index in the form that reconciliation wants, until it changes.
    sorted: Option<NegentropyStorageVector>,
}

impl std::fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mailbox({} envelopes)", self.kept.len())
    }
}

impl Mailbox {
    pub(super) fn token(&self) -> TokenId {
        TokenId(self.record.token)
    }

    /// The number of the link that opened it.
    pub(super) fn number(&self) -> u16 {
        self.record.number
    }

    pub(super) fn kept(&self, id: &EnvelopeId) -> Option<&Kept> {
        self.kept.get(id)
    }

    fn insert(&mut self, id: EnvelopeId, kept: Kept) {
        self.oldest = self.oldest.min(kept.hour);
        self.kept.insert(id, kept);
    }
}

/// All open mailboxes.
#[derive(Debug, Default)]
pub(super) struct Mailboxes {
    open: BTreeMap<MailboxId, Mailbox>,
    envelopes: usize,
    bytes: u64,
    cached: usize,
}

/// The answer to one step of reconciliation.
pub(super) struct Step {
    pub(super) answer: Vec<u8>,
    /// How much work it was, in bytes of the peer's allowance.
    pub(super) cost: usize,
}

impl Mailboxes {
    /// Takes one saved mailbox back with all its envelopes; `None` if the record is damaged.
    ///
    /// `each` is told of every envelope, `damaged` of every row that is none.
    pub(super) fn restore(
        &mut self,
        store: &dyn Store,
        place: &[u8],
        bytes: &[u8],
        mut each: impl FnMut(&Kept),
        mut damaged: impl FnMut(Key),
    ) -> Option<TokenId> {
        let id = MailboxId::from_slice(place)?;
        let mut mailbox = empty(wire::decode(bytes)?);
        let mut from = Vec::new();
        loop {
            let rows = store.scan(Room::Envelopes, &id.0, &from, false, SCAN);
            let Some((last, _)) = rows.last() else { break };
            from = [last, &[0][..]].concat();
            for (place, bytes) in rows {
                let Some((envelope, kept)) = read_row(&place, &bytes) else {
                    let (room, owner) = (Room::Envelopes, id.0);
                    damaged(Key { room, owner, place });
                    continue;
                };
                each(&kept);
                self.envelopes += 1;
                self.bytes += u64::from(kept.size);
                mailbox.insert(envelope, kept);
            }
        }
        let token = mailbox.token();
        self.open.insert(id, mailbox);
        Some(token)
    }

    pub(super) fn get(&self, id: &MailboxId) -> Option<&Mailbox> {
        self.open.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &MailboxId) -> Option<&mut Mailbox> {
        self.open.get_mut(id)
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn envelopes(&self) -> usize {
        self.envelopes
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The hour of the oldest envelope, or one before it.
    pub(super) fn oldest(&self) -> Option<u32> {
        let full = self.open.values().filter(|m| !m.kept.is_empty());
        full.map(|m| m.oldest).min()
    }

    /// Opens a mailbox, or has another token pay for it from now on.
    pub(super) fn open(
        &mut self,
        id: MailboxId,
        (token, number): (TokenId, u16),
        now: Timestamp,
    ) -> Output {
        let record = Record { token: token.0, opened_at: now.0, used_day: now.day(), number };
        let mailbox = self.open.entry(id).or_insert_with(|| empty(record));
        mailbox.record = record;
        save_mailbox(id, &record)
    }

    /// Notes that a mailbox is in use; what is to be saved, once a day.
    pub(super) fn touch(&mut self, id: &MailboxId, now: Timestamp) -> Option<Output> {
        let mailbox = self.open.get_mut(id)?;
        let today = now.day();
        if mailbox.record.used_day == today {
            return None;
        }
        mailbox.record.used_day = today;
        Some(save_mailbox(*id, &mailbox.record))
    }

    /// Keeps an envelope that is new in an open mailbox.
    pub(super) fn keep(
        &mut self,
        mailbox: MailboxId,
        id: EnvelopeId,
        envelope: &Envelope,
        token: TokenId,
    ) -> Option<Output> {
        let shelf = self.open.get_mut(&mailbox)?;
        let kept = Kept {
            hour: envelope.hour(),
            size: u32::try_from(envelope.bytes().len()).ok()?,
            token,
        };
        if shelf.sorted.take().is_some() {
            self.cached = self.cached.saturating_sub(shelf.kept.len());
        }
        shelf.insert(id, kept);
        self.envelopes += 1;
        self.bytes += u64::from(kept.size);
        let bytes = [&token.0, envelope.bytes()].concat();
        let key = row(mailbox, kept.hour, id);
        Some(Output::Save(key, Value { bytes, under: None }))
    }

    /// Drops an envelope from the index; the key of its row, and what it was.
    pub(super) fn drop(&mut self, mailbox: MailboxId, id: EnvelopeId) -> Option<(Key, Kept)> {
        let shelf = self.open.get_mut(&mailbox)?;
        let before = shelf.kept.len();
        let kept = shelf.kept.remove(&id)?;
        if shelf.sorted.take().is_some() {
            self.cached = self.cached.saturating_sub(before);
        }
        self.envelopes = self.envelopes.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(u64::from(kept.size));
        Some((row(mailbox, kept.hour, id), kept))
    }

    /// Up to `limit` envelopes from before `first`, the first hour that is kept.
    pub(super) fn expired(&mut self, first: u32, limit: usize) -> Vec<(MailboxId, EnvelopeId)> {
        let mut found = Vec::new();
        for (mailbox, shelf) in &mut self.open {
            if found.len() >= limit {
                break;
            }
            if shelf.oldest >= first {
                continue;
            }
            let old = shelf.kept.iter().filter(|(_, kept)| kept.hour < first);
            found.extend(old.map(|(id, _)| (*mailbox, *id)));
            let young = shelf.kept.values().map(|kept| kept.hour);
            let young = young.filter(|hour| *hour >= first);
            if found.len() <= limit {
                shelf.oldest = young.min().unwrap_or(u32::MAX);
            }
        }
        found.truncate(limit);
        found
    }

    /// Closes empty mailboxes that nobody proved since the day `since`, as `in_use` knows of none.
    pub(super) fn close_unused(
        &mut self,
        since: u32,
        in_use: impl Fn(&MailboxId) -> bool,
    ) -> Vec<(Key, TokenId)> {
        let unused = self.open.iter().filter(|(id, mailbox)| {
            mailbox.kept.is_empty() && mailbox.record.used_day < since && !in_use(id)
        });
        let unused: Vec<_> = unused.map(|(id, m)| (*id, m.token())).collect();
        for (id, _) in &unused {
            self.open.remove(id);
        }
        unused.into_iter().map(|(id, token)| (mailbox_key(id), token)).collect()
    }

    /// Answers one step of reconciliation; `None` if the mailbox is closed or the step malformed.
    pub(super) fn reconcile(&mut self, id: &MailboxId, step: &[u8]) -> Option<Step> {
        if self.cached > MAX_CACHED {
            self.open.values_mut().for_each(|m| m.sorted = None);
            self.cached = 0;
        }
        let mailbox = self.open.get_mut(id)?;
        let count = mailbox.kept.len();
        let mut cost = count;
        if mailbox.sorted.is_none() {
            // Sorting is about eight times the work of hashing a sorted range (network.md, 5).
            cost = count.saturating_mul(8);
            self.cached += count;
            mailbox.sorted = Some(sorted(&mailbox.kept)?);
        }
        let storage = mailbox.sorted.as_ref()?;
        let mut negentropy = Negentropy::borrowed(storage, RECONCILE_BYTES).ok()?;
        let answer = negentropy.reconcile(step).ok()?;
        cost = cost.saturating_add(answer.len());
        Some(Step { answer, cost })
    }
}

/// The row at `key` of the store, without who pays for it.
pub(super) fn read_envelope(
    store: &dyn Store,
    mailbox: MailboxId,
    kept: &Kept,
    id: EnvelopeId,
) -> Option<Vec<u8>> {
    let mut bytes = store.get(&row(mailbox, kept.hour, id))?;
    (bytes.len() > 16).then(|| bytes.split_off(16))
}

fn sorted(kept: &BTreeMap<EnvelopeId, Kept>) -> Option<NegentropyStorageVector> {
    let mut storage = NegentropyStorageVector::with_capacity(kept.len());
    for (id, kept) in kept {
        let id = Id::from_byte_array(id.0);
        storage.insert(u64::from(kept.hour), id).ok()?;
    }
    storage.seal().ok()?;
    Some(storage)
}

fn empty(record: Record) -> Mailbox {
    Mailbox {
        record,
        kept: BTreeMap::new(),
        oldest: u32::MAX,
        strangers: Hourly::default(),
        sorted: None,
    }
}

fn read_row(place: &[u8], bytes: &[u8]) -> Option<(EnvelopeId, Kept)> {
    let (hour, id) = place.split_at_checked(4)?;
    let (token, envelope) = bytes.split_at_checked(16)?;
    let kept = Kept {
        hour: u32::from_be_bytes(hour.try_into().ok()?),
        size: u32::try_from(envelope.len()).ok()?,
        token: TokenId(token.try_into().ok()?),
    };
    Some((EnvelopeId::from_slice(id)?, kept))
}

fn row(mailbox: MailboxId, hour: u32, id: EnvelopeId) -> Key {
    Key {
        room: Room::Envelopes,
        owner: mailbox.0,
        place: [&hour.to_be_bytes(), &id.0[..]].concat(),
    }
}

fn mailbox_key(id: MailboxId) -> Key {
    Key { room: Room::Mailboxes, owner: [0; 32], place: id.0.to_vec() }
}

fn save_mailbox(id: MailboxId, record: &Record) -> Output {
    let bytes = wire::encode(record);
    Output::Save(mailbox_key(id), Value { bytes, under: None })
}
