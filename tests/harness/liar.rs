//! A relay that lies (R-52, H-6, H-11 to H-13): it stands between the real machine of a relay and everybody else,
//! and sees to it that nobody is told all of the truth. What it does follows from the world's seed.
//!
//! It can do whatever whoever owns the machine could: drop, keep back, repeat, damage, make up. It cannot
//! open or seal anything.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use hearthlight_protocol::boundary::Timestamp;
use hearthlight_protocol::envelope::Envelope;
use hearthlight_protocol::identity::{EnvelopeId, MailboxId, Nonce, Peer};
use hearthlight_protocol::mailbox::{Packet, RECONCILE_BYTES, Refusal, Round};
use hearthlight_protocol::wire::{self, Bytes};
use negentropy::{Id, Negentropy, NegentropyStorageVector};

use crate::HostId;
use crate::chance::Chance;

mod lies;
#[cfg(test)]
mod tests;

pub use lies::{Lies, Withheld};

/// Frames that it remembers, to say them again.
const REMEMBERED: usize = 256;
/// Frames that it says again at once.
const AGAIN: u64 = 8;
/// Ids that it makes up at once.
const INVENTED: u64 = 600;
/// `negentropy`'s protocol byte: alone it says that nothing differs.
const SAME: u8 = 0x61;

/// The liar at one relay.
#[derive(Debug)]
pub struct Liar {
    /// What it does.
    pub lies: Lies,
    /// What it made members believe.
    pub claims: Claims,
    /// How often it kept an envelope from somebody.
    pub hidden: Cell<u64>,
    /// Whether it has begun. Before, it only remembers.
    on: bool,
    chance: Chance,
    shelf: BTreeMap<MailboxId, BTreeMap<EnvelopeId, Given>>,
    count: u64,
    said: VecDeque<(HostId, Vec<u8>)>,
}

/// What members may take for acknowledged though no honest relay has it: the oracle does not hold it against them.
#[derive(Debug, Default)]
pub struct Claims {
    /// Envelopes that it said, or let somebody conclude, that it keeps.
    pub kept: BTreeSet<EnvelopeId>,
    /// To whom it said, or may have seemed to say, that nothing differs, and when last.
    pub agreed: BTreeMap<HostId, Timestamp>,
}

#[derive(Clone, Copy, Debug)]
struct Given {
    by: HostId,
    hour: u32,
    at: Timestamp,
    /// Counts all that it was ever given.
    number: u64,
}

/// What becomes of a frame to the liar's machine.
#[derive(Debug, Default)]
pub struct Heard {
    /// What its machine is given, if anything.
    pub passed: Option<Vec<u8>>,
    /// What is answered instead of it, or before it answers.
    pub replies: Vec<Vec<u8>>,
}

impl Liar {
    /// One who tells the truth until [`Self::begin`].
    #[must_use]
    pub fn new(mut chance: Chance, members: usize) -> Self {
        let lies = Lies::draw(&mut chance, members);
        Self {
            lies,
            claims: Claims::default(),
            hidden: Cell::new(0),
            on: false,
            chance,
            shelf: BTreeMap::new(),
            count: 0,
            said: VecDeque::new(),
        }
    }

    /// From now on it lies.
    pub fn begin(&mut self) {
        self.on = true;
    }

    /// A member's frame is about to reach the relay's machine.
    pub fn hears(&mut self, from: HostId, bytes: Vec<u8>, now: Timestamp) -> Heard {
        let packet = wire::decode::<Packet>(&bytes);
        if let Some(Packet::Put { mailbox, envelopes }) = &packet {
            self.remember(from, *mailbox, envelopes, now);
        }
        let whole = Heard { passed: Some(bytes), replies: Vec::new() };
        let Some(packet) = packet.filter(|_| self.on) else { return whole };
        let instead = match packet {
            Packet::Put { mailbox, envelopes } if self.chance.happens(self.lies.keeps_not) => {
                Some(self.acknowledge(mailbox, envelopes))
            }
            Packet::Get { mailbox, ids } => self.serve(from, mailbox, ids, now),
            Packet::Reconcile { mailbox, round, bytes } => {
                self.compare(from, mailbox, round, &bytes.0, now)
            }
            Packet::Prove(proofs) if self.chance.happens(self.lies.refuses) => {
                let mailboxes = proofs.into_iter().map(|proof| proof.mailbox);
                let refused = mailboxes.map(|mailbox| self.refusal(mailbox)).collect();
                Some(Heard { passed: None, replies: refused })
            }
            _ => None,
        };
        instead.unwrap_or(whole)
    }

    /// A frame of the relay's machine is about to leave for a member: what leaves instead, and how much later.
    pub fn says(&mut self, to: HostId, bytes: Vec<u8>, now: Timestamp) -> Vec<(u64, Vec<u8>)> {
        if !self.on {
            self.note(to, &bytes);
            return vec![(0, bytes)];
        }
        let truth = bytes.clone();
        let mut out = Vec::new();
        match wire::decode::<Packet>(&bytes) {
            Some(Packet::Give { mailbox, envelopes }) => {
                out.extend(self.give(to, mailbox, envelopes, now));
            }
            Some(Packet::Announce { mailbox, ids }) => {
                let seen = ids.into_iter().filter(|id| self.shows(to, &mailbox, id, now)).collect();
                out.push(encoded(&Packet::Announce { mailbox, ids: seen }));
                if self.chance.happens(self.lies.invents) {
                    let ids = self.made_up();
                    out.push(encoded(&Packet::Announce { mailbox, ids }));
                }
            }
            Some(Packet::Peers { mailbox, .. }) if self.chance.happens(self.lies.strands) => {
                let peers = (0..8).map(|_| Peer(self.chance.bytes())).collect();
                out.push(encoded(&Packet::Peers { mailbox, peers }));
            }
            _ => out.push(bytes),
        }
        if self.chance.happens(self.lies.greets) {
            let nonce = Nonce(self.chance.bytes()[..16].try_into().expect("16 of 32 bytes"));
            out.push(encoded(&Packet::Hello { version: 1, nonce, relay: true, heard: false }));
        }
        if self.chance.happens(self.lies.replays) {
            out.extend(self.old_frames(to));
        }
        out.iter().for_each(|bytes| self.note(to, bytes));
        let out: Vec<_> = out.into_iter().map(|bytes| self.spoil(bytes)).collect();
        for (_, bytes) in out.iter().filter(|(_, bytes)| *bytes != truth) {
            self.claim(to, bytes, now);
        }
        out
    }

    /// an answer that its machine did not give now, damaged or of an earlier connection, may read as if
    /// nothing differed.
    fn claim(&mut self, to: HostId, bytes: &[u8], now: Timestamp) {
        if let Some(Packet::Reconciled { .. }) = wire::decode(bytes) {
            self.claims.agreed.insert(to, now);
        }
    }

    /// A frame between two members on a circuit through the relay: `None` if it goes no further, or how much
    /// later it comes.
    pub fn carries(&mut self, ends: [HostId; 2]) -> Option<u64> {
        if !self.on {
            return Some(0);
        }
        // The same pairs all the time: who cannot reach whom is what hurts.
        let stranded = self.lies.strands > 0.0 && (ends[0] + ends[1]).is_multiple_of(2);
        if stranded || self.chance.happens(self.lies.strands) {
            return None;
        }
        Some(self.delay())
    }

    /// Whether it cuts this connection now.
    pub fn hangs_up(&mut self) -> bool {
        self.on && self.chance.happens(self.lies.hangs_up)
    }

    fn remember(&mut self, by: HostId, mailbox: MailboxId, envelopes: &[Bytes], at: Timestamp) {
        for bytes in envelopes {
            let Some(envelope) = Envelope::parse(bytes.0.clone()) else { continue };
            let number = self.count;
            self.count += 1;
            let given = Given { by, hour: envelope.hour(), at, number };
            self.shelf.entry(mailbox).or_default().entry(envelope.id(&mailbox)).or_insert(given);
        }
    }

    /// Whether a member is to learn of an envelope.
    fn shows(&self, to: HostId, mailbox: &MailboxId, id: &EnvelopeId, now: Timestamp) -> bool {
        const NEW_MS: u64 = 5 * 60_000;
        let Some(given) = self.shelf.get(mailbox).and_then(|shelf| shelf.get(id)) else {
            return true;
        };
        let withheld = match self.lies.withheld {
            Withheld::Nothing => false,
            Withheld::All => true,
            Withheld::From(ref some) => some.contains(&to),
            Withheld::Every(n) => given.number % n == 0,
            Withheld::Newest => now.since(given.at) < NEW_MS,
            Withheld::By(author) => given.by == author,
        };
        let other_half = self.lies.equivocates && given.number as usize % 2 != to % 2;
        let hides = withheld || other_half;
        self.hidden.set(self.hidden.get() + u64::from(hides));
        !hides
    }

    fn acknowledge(&mut self, mailbox: MailboxId, envelopes: Vec<Bytes>) -> Heard {
        let parsed = envelopes.into_iter().filter_map(|bytes| Envelope::parse(bytes.0));
        let ids: Vec<EnvelopeId> = parsed.map(|envelope| envelope.id(&mailbox)).collect();
        self.claims.kept.extend(&ids);
        Heard { passed: None, replies: vec![encoded(&Packet::Stored { mailbox, ids })] }
    }

    /// What it does not show is asked for in vain.
    fn serve(
        &mut self,
        to: HostId,
        mailbox: MailboxId,
        ids: Vec<EnvelopeId>,
        now: Timestamp,
    ) -> Option<Heard> {
        if self.chance.happens(self.lies.silent) {
            return Some(Heard::default());
        }
        let (shown, hidden): (Vec<_>, Vec<_>) =
            ids.into_iter().partition(|id| self.shows(to, &mailbox, id, now));
        if hidden.is_empty() && !self.chance.happens(self.lies.gone) {
            return None;
        }
        let (passed, gone) = if hidden.is_empty() { (hidden, shown) } else { (shown, hidden) };
        let replies = vec![encoded(&Packet::Gone { mailbox, ids: gone })];
        let passed = (!passed.is_empty()).then(|| encoded(&Packet::Get { mailbox, ids: passed }));
        Some(Heard { passed, replies })
    }

    /// Answers a step of reconciliation by itself, out of what it shows to this member.
    fn compare(
        &mut self,
        to: HostId,
        mailbox: MailboxId,
        round: Round,
        query: &[u8],
        now: Timestamp,
    ) -> Option<Heard> {
        if self.chance.happens(self.lies.silent) {
            return Some(Heard::default());
        }
        let bytes = if self.chance.happens(self.lies.agrees) {
            self.claims.agreed.insert(to, now);
            vec![SAME]
        } else if self.chance.happens(self.lies.endless) {
            self.claims.agreed.insert(to, now);
            // "Of everything I have another fingerprint."
            [&[SAME, 0, 0, 1], &self.chance.bytes()[..16]].concat()
        } else if self.lies.shows_a_part() {
            self.answer(to, &mailbox, query, now)?
        } else {
            return None;
        };
        let bytes = Bytes(bytes);
        let reply = encoded(&Packet::Reconciled { mailbox, round, bytes });
        Some(Heard { passed: None, replies: vec![reply] })
    }

    fn answer(
        &mut self,
        to: HostId,
        mailbox: &MailboxId,
        query: &[u8],
        now: Timestamp,
    ) -> Option<Vec<u8>> {
        let mut storage = NegentropyStorageVector::new();
        let shelf = self.shelf.get(mailbox).cloned().unwrap_or_default();
        for (id, given) in &shelf {
            if !self.shows(to, mailbox, id, now) {
                continue;
            }
            self.claims.kept.insert(*id);
            storage.insert(u64::from(given.hour), Id::from_byte_array(id.0)).ok()?;
        }
        if self.chance.happens(self.lies.invents) {
            for id in self.made_up() {
                storage.insert(u64::from(now.hour()), Id::from_byte_array(id.0)).ok()?;
            }
        }
        storage.seal().ok()?;
        Negentropy::borrowed(&storage, RECONCILE_BYTES).ok()?.reconcile(query).ok()
    }

    fn give(
        &mut self,
        to: HostId,
        mailbox: MailboxId,
        envelopes: Vec<Bytes>,
        now: Timestamp,
    ) -> Option<Vec<u8>> {
        let mut left = Vec::new();
        for mut bytes in envelopes {
            let parsed = Envelope::parse(bytes.0.clone());
            let id = parsed.map(|envelope| envelope.id(&mailbox));
            if id.is_some_and(|id| !self.shows(to, &mailbox, &id, now)) {
                continue;
            }
            if self.chance.happens(self.lies.damages) {
                self.flip(&mut bytes.0);
            }
            left.push(bytes);
        }
        let frame = Packet::Give { mailbox, envelopes: left };
        matches!(&frame, Packet::Give { envelopes, .. } if !envelopes.is_empty())
            .then(|| encoded(&frame))
    }

    fn made_up(&mut self) -> Vec<EnvelopeId> {
        let count = self.chance.below(INVENTED);
        (0..count).map(|_| EnvelopeId(self.chance.bytes())).collect()
    }

    fn refusal(&mut self, mailbox: MailboxId) -> Vec<u8> {
        let all = [Refusal::Closed, Refusal::Rate, Refusal::Token, Refusal::Full, Refusal::Proof];
        let why = self.chance.one_of(&all).unwrap_or(Refusal::Full);
        encoded(&Packet::Refused { mailbox, id: None, why })
    }

    /// What it said to this member, or to others, some time ago.
    fn old_frames(&mut self, to: HostId) -> Vec<Vec<u8>> {
        let own: Vec<&Vec<u8>> = self
            .said
            .iter()
            .filter(|(host, _)| *host == to || self.lies.equivocates)
            .map(|(_, bytes)| bytes)
            .collect();
        let count = self.chance.below(AGAIN);
        let end = own.len() as u64;
        let picked = (0..count.min(end)).map(|_| self.chance.below(end) as usize);
        picked.map(|at| own[at].clone()).collect()
    }

    fn note(&mut self, to: HostId, bytes: &[u8]) {
        if self.said.len() >= REMEMBERED {
            self.said.pop_front();
        }
        self.said.push_back((to, bytes.to_vec()));
    }

    /// Late, and sometimes no packet any more.
    fn spoil(&mut self, mut bytes: Vec<u8>) -> (u64, Vec<u8>) {
        if self.chance.happens(self.lies.damages / 20.0) {
            self.flip(&mut bytes);
        }
        (self.delay(), bytes)
    }

    fn delay(&mut self) -> u64 {
        const LATE_MS: (u64, u64) = (1_000, 4 * 60_000);
        if self.chance.happens(self.lies.delays) { self.chance.between(LATE_MS) } else { 0 }
    }

    fn flip(&mut self, bytes: &mut [u8]) {
        let at = self.chance.below(bytes.len() as u64) as usize;
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << self.chance.below(8);
        }
    }
}

impl Claims {
    /// Whether a member could take this for kept by a relay.
    #[must_use]
    pub fn covers(&self, host: HostId, id: &EnvelopeId, asked_at: Timestamp) -> bool {
        self.kept.contains(id) || self.agreed.get(&host).is_some_and(|at| *at >= asked_at)
    }
}

fn encoded(packet: &Packet) -> Vec<u8> {
    wire::encode(packet)
}
