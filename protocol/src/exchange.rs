//! What a member's device says to relays and other members: proofs, puts, gets, reconciliation
//! . It knows mailboxes and envelopes, and nothing of what is in them.
//!
//! A [`Session`] is one connection. Everything said on it can be lost with it and said again: on each
//! new session hello, proofs and reconciliation start anew, and that alone is what makes delivery sure.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use negentropy::{Id, Negentropy, NegentropyStorageBase, NegentropyStorageVector};

use crate::batch::{Batch, numbered, placed};
use crate::boundary::{
    Admission, Contact, Env, KeySlot, Link, Output, RelayCard, RelayKey, RelayView, Room,
    Timestamp, Topic,
};
use crate::circle::epoch::SealedBox;
use crate::crypto::{Label, hash, random, verify};
use crate::envelope::{Envelope, MAX_GOSSIP};
use crate::identity::{CircleId, EnvelopeId, MailboxId, Nonce, Peer};
use crate::mailbox::{
    BATCH_BYTES, Ends, MAX_IDS, MAX_PROOFS, MAX_ROUNDS, Packet, Proof, RECONCILE_BYTES, Refusal,
    Round,
};
use crate::planted::{Planted, is_planted};
use crate::wire::{self, Bytes};

/// How long an answer may take before the question is asked again.
const ANSWER_MS: u64 = 3_000;
/// How long who pushes, or gossip, has before what another relay announced is fetched there.
const MOMENT_MS: u64 = 150;
/// Envelopes that one relay announced and for whose coming from elsewhere this side waits; what is beyond
/// is fetched at once.
const MAX_AWAITED: usize = 1_024;
/// Envelopes in a row that another relay had to give, before that one pushes (a guess).
const MAX_MISSED: u32 = 4;
/// Reconciliation while something of one's own is unacknowledged.
const BUSY_SYNC_MS: u64 = 60_000;
/// Reconciliation otherwise; with whom it finds nothing, twice as long each time.
const IDLE_SYNC_MS: u64 = 600_000;
/// After so many in a row it stays at 80 minutes.
const MAX_CALM: u32 = 4;
/// How long after a refusal for too much in too short a time what is left is put.
const RATE_MS: u64 = 2_000;
/// How long a relay has to show what another one has, before it is put there: twice the round trip
/// over Tor, a guess.
const REPAIR_MS: u64 = 1_000;
/// By chance so many steps more, so that one of many members puts it and the others see that (a guess).
const REPAIR_STEP_MS: u64 = 8;
/// Envelopes of which one session has to show that it has them; reconciliation finds what is beyond.
const MAX_DOUBTS: usize = 1_024;
/// How long a refusal stands before it is tried again.
const REFUSED_MS: u64 = 60_000;
/// How long a relay or member may give nothing of what it had offered, before the rest is given up until the next
/// reconciliation, and nobody waits for it (H-13). A guess: five questions.
const STALL_MS: u64 = 5 * ANSWER_MS;
/// How often the wait for the other side of a reconciliation, or for a relay to take what was put there, is doubled.
const MAX_DOUBLED: u32 = 3;
/// Envelopes asked for at once on one session.
const MAX_GETS: usize = 512;
/// Envelopes that wait to be asked for on one session.
const MAX_WANTED: usize = 100_000;
/// Ids of envelopes that were no good, remembered per mailbox so that they are not fetched again.
const MAX_BAD: usize = 4_096;
/// Circuits that this node opens: to the members 1, 2, 4 and 8 places on in the order of keys.
const CIRCUITS: u32 = 4;
/// How one fingerprint of everything begins in `negentropy`'s protocol 0x61: up to the last hour, up to no id,
/// and "here is a fingerprint".
const WHOLE: [u8; 4] = [0x61, 0, 0, 1];
/// Frames that make no sense, before a connection is closed.
const MAX_NONSENSE: u8 = 8;
/// The place of an envelope whose bytes are not kept here any more.
const ERASED: u64 = u64::MAX;

/// One circle's, or one join attempt's, side of all conversations.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) link: Link,
    owner: [u8; 32],
    boxes: BTreeMap<MailboxId, Slot>,
    sessions: BTreeMap<Peer, Session>,
    relays: Vec<KnownRelay>,
    circuits: BTreeSet<Contact>,
    next_place: u64,
    mesh: bool,
}

/// A mailbox that this device takes part in.
#[derive(Debug)]
struct Slot {
    sealed: SealedBox,
    /// Fetched from relays only.
    quiet: bool,
    /// What lies in it, by id: its hour and its place in the store.
    held: BTreeMap<EnvelopeId, (u32, u64)>,
    /// What is not asked for again.
    bad: BTreeSet<EnvelopeId>,
    /// Envelopes of one's own that no relay has acknowledged.
    unacked: BTreeSet<EnvelopeId>,
    /// The relay that pushes whole envelopes; all others announce ids.
    pusher: Option<Peer>,
    /// Envelopes in a row that had to be fetched at another one.
    missed: u32,
}

#[derive(Debug)]
struct KnownRelay {
    addresses: Vec<Vec<u8>>,
    key: RelayKey,
    admission: Option<Admission>,
    peer: Option<Peer>,
    card: Option<RelayCard>,
}

#[derive(Debug)]
struct Session {
    me: Peer,
    relay: bool,
    nonce: Nonce,
    their_nonce: Option<Nonce>,
    hello_at: Timestamp,
    mine: BTreeMap<MailboxId, Standing>,
    theirs: BTreeSet<MailboxId>,
    wanted: VecDeque<(MailboxId, EnvelopeId, Timestamp)>,
    gets: BTreeMap<EnvelopeId, (MailboxId, Timestamp)>,
    /// A relay's: what it announced and another one is to push, and when it is fetched here.
    awaited: BTreeMap<EnvelopeId, (MailboxId, Timestamp)>,
    /// Of these, what nobody pushed in time.
    late: BTreeSet<EnvelopeId>,
    /// A relay's: what came from elsewhere and was not seen here, and when it is put.
    doubts: BTreeMap<EnvelopeId, (MailboxId, Timestamp)>,
    attempts: u32,
    nonsense: u8,
    /// When something came that was asked for, or was asked for after nothing was.
    fed: Timestamp,
    /// Whether that is too long ago: what it offers is no reason to wait for it.
    stalled: bool,
}

/// How far this device has come with one mailbox on one session.
#[derive(Debug)]
struct Standing {
    proof: ProofState,
    /// Whether the relay was asked to push.
    push: bool,
    at: Timestamp,
    reconciling: Option<Reconciling>,
    synced: Option<Timestamp>,
    /// How many reconciliations in a row found nothing.
    calm: u32,
    /// When to reconcile again because too much was put in too short a time.
    hurry: Option<Timestamp>,
    /// A relay's: what was put there, and what it has not shown to have.
    owed: BTreeSet<EnvelopeId>,
    /// Reconciliations in a row only for what is owed.
    dunned: u32,
    /// Reconciliations in a row that were not answered.
    silent: u32,
    /// One that led nowhere: the next is not before this.
    rests: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ProofState {
    Said,
    Proven,
    Refused(Refusal),
}

#[derive(Debug)]
struct Reconciling {
    round: Round,
    at: Timestamp,
    /// Whether either side lacked something.
    found: bool,
    /// Envelopes of one's own that had no acknowledgement when it began: of these it tells whether the
    /// other side has them, of later ones it does not.
    unacked: BTreeSet<EnvelopeId>,
    /// The same of what the relay owed.
    owed: BTreeSet<EnvelopeId>,
}

/// What came of a frame, for whoever reads what lies in mailboxes.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// New envelopes, in the order in which they came.
    pub(crate) arrived: Vec<(MailboxId, Envelope)>,
    /// Envelopes of one's own that a relay has.
    pub(crate) acked: Vec<EnvelopeId>,
    /// Mailboxes of which some relay now has all of one's own.
    pub(crate) acked_in: Vec<MailboxId>,
    /// Mailboxes of which everything that a peer has is here now.
    pub(crate) synced: Vec<MailboxId>,
    /// Mailboxes that a relay serves to this device now.
    pub(crate) proven: Vec<MailboxId>,
    /// Mailboxes that a relay refuses.
    pub(crate) refused: Vec<(MailboxId, Refusal)>,
    /// Whether relays came, went, or showed a card.
    pub(crate) relays_changed: bool,
}

/// How a relay looks from here.
#[derive(Debug)]
pub(crate) struct RelayStatus<'a> {
    pub(crate) addresses: &'a [Vec<u8>],
    pub(crate) key: Option<Peer>,
    pub(crate) up: bool,
    pub(crate) card: Option<&'a RelayCard>,
}

impl Exchange {
    pub(crate) fn new(link: Link, owner: [u8; 32], mesh: bool) -> Self {
        Self {
            link,
            owner,
            boxes: BTreeMap::new(),
            sessions: BTreeMap::new(),
            relays: Vec::new(),
            circuits: BTreeSet::new(),
            next_place: 0,
            mesh,
        }
    }

    /// Takes part in a mailbox from now on.
    pub(crate) fn open(
        &mut self,
        env: &Env<'_>,
        batch: &mut Batch,
        sealed: SealedBox,
        quiet: bool,
    ) {
        let mailbox = sealed.mailbox();
        if self.boxes.contains_key(&mailbox) {
            return;
        }
        let slot = Slot {
            sealed,
            quiet,
            held: BTreeMap::new(),
            bad: BTreeSet::new(),
            unacked: BTreeSet::new(),
            pusher: None,
            missed: 0,
        };
        self.boxes.insert(mailbox, slot);
        if self.mesh && !quiet {
            let (link, topic) = (self.link, topic(&mailbox));
            batch.push(Output::Subscribe { link, topic });
        }
        self.prove_all(env, batch);
    }

    /// Takes no part in a mailbox any more, and forgets what lies in it.
    pub(crate) fn close(&mut self, batch: &mut Batch, mailbox: &MailboxId) {
        let Some(slot) = self.boxes.remove(mailbox) else { return };
        for (_, place) in slot.held.values() {
            if *place != ERASED {
                batch.erase(numbered(Room::Envelopes, &self.owner, *place));
            }
        }
        for session in self.sessions.values_mut() {
            session.mine.remove(mailbox);
            session.theirs.remove(mailbox);
        }
        if self.mesh && !slot.quiet {
            let (link, topic) = (self.link, topic(mailbox));
            batch.push(Output::Unsubscribe { link, topic });
        }
    }

    /// Whether a mailbox is fetched from relays only.
    pub(crate) fn set_quiet(
        &mut self,
        env: &Env<'_>,
        batch: &mut Batch,
        mailbox: &MailboxId,
        quiet: bool,
    ) {
        let Some(slot) = self.boxes.get_mut(mailbox).filter(|slot| slot.quiet != quiet) else {
            return;
        };
        slot.quiet = quiet;
        if self.mesh {
            let (link, topic) = (self.link, topic(mailbox));
            batch.push(if quiet {
                Output::Unsubscribe { link, topic }
            } else {
                Output::Subscribe { link, topic }
            });
        }
        // Proven anew: to relays with the flag as it is now, to members not at all if it is quiet.
        for session in self.sessions.values_mut() {
            session.mine.remove(mailbox);
            if quiet {
                session.theirs.remove(mailbox);
            }
        }
        self.prove_all(env, batch);
    }

    /// From now on what lies in this mailbox is counted and served, and cannot be opened.
    pub(crate) fn seal_off(&mut self, sealed: &SealedBox) {
        if let Some(slot) = self.boxes.get_mut(&sealed.mailbox()) {
            slot.sealed = sealed.clone();
        }
    }

    /// The mailbox and key of a topic.
    pub(crate) fn mailbox_of(&self, of: &Topic) -> Option<MailboxId> {
        self.boxes.keys().find(|mailbox| topic(mailbox) == *of).copied()
    }

    pub(crate) fn sealed(&self, mailbox: &MailboxId) -> Option<&SealedBox> {
        self.boxes.get(mailbox).map(|slot| &slot.sealed)
    }

    /// Keeps contact with these relays, and no others.
    pub(crate) fn use_relays(
        &mut self,
        batch: &mut Batch,
        relays: Vec<(Vec<Vec<u8>>, RelayKey, Option<Admission>)>,
    ) {
        let gone: Vec<KnownRelay> = self
            .relays
            .extract_if(.., |old| {
                !relays.iter().any(|(addresses, key, _)| {
                    old.addresses == *addresses
                        && (old.key == *key || old.peer.is_some_and(|peer| key.fits(&peer)))
                })
            })
            .collect();
        for old in gone {
            batch.push(Output::Leave { link: self.link, to: self.contact(&old) });
        }
        for (addresses, key, admission) in relays {
            let known = self.relays.iter_mut().find(|old| {
                old.addresses == addresses
                    && (old.key == key || old.peer.is_some_and(|peer| key.fits(&peer)))
            });
            if let Some(known) = known {
                // a newcomer learns the link only after its proofs. Without it, it would stay a
                // stranger to the relay until the next epoch, with 60 envelopes an hour (U-140).
                let session = known.peer.and_then(|peer| Some((peer, self.sessions.get(&peer)?)));
                if let (None, Some(link), Some((peer, session))) =
                    (known.admission, admission, session)
                    && let Some(mailbox) = session.a_proven()
                {
                    batch.send(self.link, peer, &open(mailbox, &link));
                }
                known.admission = admission.or(known.admission);
                continue;
            }
            let relay = KnownRelay { addresses, key, admission, peer: None, card: None };
            batch.push(Output::Connect { link: self.link, to: self.contact(&relay) });
            self.relays.push(relay);
        }
    }

    fn contact(&self, relay: &KnownRelay) -> Contact {
        Contact::Relay { addresses: relay.addresses.clone(), key: relay.key, reserve: true }
    }

    pub(crate) fn relays(&self) -> impl Iterator<Item = RelayStatus<'_>> {
        self.relays.iter().map(|relay| RelayStatus {
            addresses: &relay.addresses,
            key: relay.peer.or(match relay.key {
                RelayKey::Known(peer) => Some(peer),
                RelayKey::Tag(_) => None,
            }),
            up: self.is_up(relay),
            card: relay.card.as_ref(),
        })
    }

    /// Its relays, as a person sees them.
    pub(crate) fn relay_views(&self) -> Vec<RelayView> {
        self.relays()
            .map(|relay| RelayView {
                addresses: relay.addresses.to_vec(),
                key: relay.key,
                up: relay.up,
                card: relay.card.cloned(),
                local: false,
            })
            .collect()
    }

    fn is_up(&self, relay: &KnownRelay) -> bool {
        relay
            .peer
            .and_then(|peer| self.sessions.get(&peer))
            .is_some_and(|session| session.their_nonce.is_some())
    }

    /// Whether a peer with whom this mailbox is in step is connected.
    pub(crate) fn is_in_step(&self, mailbox: &MailboxId) -> bool {
        self.sessions.values().any(|session| {
            session.mine.get(mailbox).is_some_and(|standing| standing.synced.is_some())
        })
    }

    /// Whether every relay is connected, in step on this mailbox, and has all that was put there from here. That
    /// one says so is not enough for what nobody comes back to.
    pub(crate) fn is_told_everywhere(&self, mailbox: &MailboxId) -> bool {
        self.relays.iter().all(|relay| {
            let session = relay.peer.and_then(|peer| self.sessions.get(&peer));
            let standing = session.and_then(|session| session.mine.get(mailbox));
            standing.is_some_and(|held| held.synced.is_some() && held.owed.is_empty())
        })
    }

    /// Whether a relay holds everything of one's own in this mailbox.
    pub(crate) fn is_acked(&self, mailbox: &MailboxId) -> bool {
        self.boxes.get(mailbox).is_some_and(|slot| slot.unacked.is_empty())
    }

    /// Whether envelopes were asked for and are on their way.
    pub(crate) fn is_busy(&self) -> bool {
        self.sessions.values().any(Session::is_busy)
    }

    /// From a join attempt to its circle: the connections stay, the mailboxes do not.
    pub(crate) fn hand_over(
        &mut self,
        env: &Env<'_>,
        batch: &mut Batch,
        owner: [u8; 32],
        mesh: bool,
    ) {
        for (place, _) in self.stored(env) {
            batch.erase(placed(Room::Envelopes, &self.owner, &place));
        }
        for mailbox in self.boxes.keys().copied().collect::<Vec<_>>() {
            self.close(batch, &mailbox);
        }
        self.owner = owner;
        self.mesh = mesh;
    }

    fn stored(&self, env: &Env<'_>) -> Vec<(Vec<u8>, Vec<u8>)> {
        env.store.scan(Room::Envelopes, &self.owner, &[], false, usize::MAX)
    }

    /// A connection stands.
    pub(crate) fn up(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        peer: Peer,
        me: Peer,
        relay: bool,
    ) {
        if relay {
            let Some(known) = self.relays.iter_mut().find(|known| known.key.fits(&peer)) else {
                let link = self.link;
                batch.push(Output::Disconnect { link, peer });
                return;
            };
            known.peer = Some(peer);
        }
        let session = Session {
            me,
            relay,
            nonce: Nonce(random(env.rng)),
            their_nonce: None,
            hello_at: env.now,
            mine: BTreeMap::new(),
            theirs: BTreeSet::new(),
            wanted: VecDeque::new(),
            gets: BTreeMap::new(),
            awaited: BTreeMap::new(),
            late: BTreeSet::new(),
            doubts: BTreeMap::new(),
            attempts: 0,
            nonsense: 0,
            fed: env.now,
            stalled: false,
        };
        batch.send(self.link, peer, &session.hello(false));
        self.sessions.insert(peer, session);
    }

    /// A connection is gone.
    pub(crate) fn down(&mut self, batch: &mut Batch, peer: &Peer) {
        self.sessions.remove(peer);
        self.appoint(batch);
    }

    /// One frame came.
    pub(crate) fn frame(
        &mut self,
        env: &Env<'_>,
        batch: &mut Batch,
        peer: Peer,
        bytes: &[u8],
    ) -> Outcome {
        let mut outcome = Outcome::default();
        let Some(session) = self.sessions.get_mut(&peer) else {
            return outcome;
        };
        let sense = match wire::decode::<Packet>(bytes) {
            Some(packet) => self.packet(env, batch, peer, packet, &mut outcome),
            None => {
                session.nonsense = MAX_NONSENSE;
                false
            }
        };
        if !sense && let Some(session) = self.sessions.get_mut(&peer) {
            session.nonsense = session.nonsense.saturating_add(1);
            if session.nonsense > MAX_NONSENSE {
                let link = self.link;
                batch.push(Output::Disconnect { link, peer });
            }
        }
        outcome
    }

    /// Carries out one packet; false if it makes no sense here.
    fn packet(
        &mut self,
        env: &Env<'_>,
        batch: &mut Batch,
        peer: Peer,
        packet: Packet,
        outcome: &mut Outcome,
    ) -> bool {
        let link = self.link;
        let session = self.sessions.get_mut(&peer).expect("looked up by the caller");
        match packet {
            Packet::Hello { version, nonce, relay, heard } => {
                if version != 1 || relay != session.relay {
                    return false;
                }
                // One nonce a connection: all that is proven hangs on it, and to prove it anew is work (P7).
                if session.their_nonce.is_some_and(|known| known != nonce) {
                    return false;
                }
                session.their_nonce = Some(nonce);
                let session = &self.sessions[&peer];
                if !heard {
                    batch.send(link, peer, &session.hello(true));
                }
                if relay {
                    batch.send(link, peer, &Packet::CardAsk);
                    outcome.relays_changed = true;
                }
                self.prove_all(env, batch);
            }
            Packet::Prove(proofs) => self.check_proofs(env, batch, peer, &proofs),
            Packet::Proven(mailboxes) => {
                for mailbox in mailboxes {
                    let Some(standing) = session.mine.get_mut(&mailbox) else { continue };
                    if standing.proof != ProofState::Proven {
                        standing.proof = ProofState::Proven;
                        outcome.proven.push(mailbox);
                    }
                }
                self.appoint(batch);
                for mailbox in outcome.proven.clone() {
                    self.begin(env, batch, peer, mailbox);
                }
            }
            Packet::Refused { mailbox, id, why } => {
                self.refused(env, batch, peer, mailbox, id, why, outcome);
                self.appoint(batch);
            }
            Packet::Stored { mailbox, ids } => {
                if session.relay || is_planted(Planted::MemberAcknowledges) {
                    if let Some(standing) = session.mine.get_mut(&mailbox) {
                        standing.owed.retain(|id| !ids.contains(id));
                    }
                    self.acknowledged(&mailbox, &ids, outcome);
                }
            }
            Packet::Announce { mailbox, ids } => {
                session.doubts.retain(|id, _| !ids.contains(id));
                let new: Vec<EnvelopeId> =
                    ids.into_iter().take(MAX_IDS).filter(|id| self.lacks(&mailbox, id)).collect();
                if self.mesh || self.is_pushed_elsewhere(&mailbox, &peer) {
                    self.expect(env.now, peer, mailbox, &new);
                } else {
                    self.want(peer, mailbox, &new, env.now);
                }
                self.ask(env, batch, peer);
            }
            Packet::Give { mailbox, envelopes } => {
                for bytes in envelopes {
                    self.arrived(env.now, peer, mailbox, bytes.0, outcome);
                }
                if self.boxes.get(&mailbox).is_some_and(|slot| slot.missed >= MAX_MISSED) {
                    self.appoint(batch);
                }
                self.settle_gets(env, batch, peer, mailbox, outcome);
            }
            Packet::Gone { mailbox, ids } => {
                for id in ids {
                    session.gets.remove(&id);
                    session.late.remove(&id);
                }
                self.settle_gets(env, batch, peer, mailbox, outcome);
            }
            Packet::Put { mailbox, envelopes } => {
                if !session.theirs.contains(&mailbox) {
                    return false;
                }
                let mut ids = Vec::new();
                for bytes in envelopes {
                    ids.extend(self.arrived(env.now, peer, mailbox, bytes.0, outcome));
                }
                batch.send(link, peer, &Packet::Stored { mailbox, ids });
            }
            Packet::Get { mailbox, ids } => {
                if !session.theirs.contains(&mailbox) {
                    return false;
                }
                self.give(env, batch, peer, mailbox, &ids, false);
            }
            Packet::Reconcile { mailbox, round, bytes } => {
                let long = bytes.0.len() as u64 > RECONCILE_BYTES || round.number >= MAX_ROUNDS;
                if long || !session.theirs.contains(&mailbox) {
                    return false;
                }
                let Some(slot) = self.boxes.get(&mailbox) else { return false };
                let Some(answer) = slot.answer(&bytes.0) else { return false };
                batch.send(
                    link,
                    peer,
                    &Packet::Reconciled { mailbox, round, bytes: Bytes(answer) },
                );
            }
            Packet::Reconciled { mailbox, round, bytes } => {
                return self.reconciled(env, batch, peer, mailbox, round, &bytes.0, outcome);
            }
            Packet::Peers { mailbox, peers } => {
                let quiet = self.boxes.get(&mailbox).is_none_or(|slot| slot.quiet);
                if session.relay && !quiet {
                    self.meet(batch, peer, &peers);
                }
            }
            Packet::Card { card, signature } => {
                let good =
                    verify(&peer.0, &signature.0, Label::RelayCard, &CircleId::NONE, &[&card.0]);
                let card: Option<RelayCard> = wire::decode(&card.0);
                let known = self.relays.iter_mut().find(|known| known.peer == Some(peer));
                if let (true, Some(card), Some(known)) = (good, card, known) {
                    known.card = Some(card);
                    outcome.relays_changed = true;
                }
            }
            Packet::Open { .. } | Packet::CardAsk => return false,
        }
        true
    }

    /// Proves to every session what is not proven there.
    fn prove_all(&mut self, env: &Env<'_>, batch: &mut Batch) {
        for (peer, session) in &mut self.sessions {
            let Some(their_nonce) = session.their_nonce else { continue };
            let ends = session.ends(*peer, their_nonce);
            let mut proofs = Vec::new();
            for (mailbox, slot) in &mut self.boxes {
                let quiet = slot.quiet && !is_planted(Planted::QuietListed);
                if session.mine.contains_key(mailbox) || quiet && !session.relay {
                    continue;
                }
                let push =
                    !self.mesh && session.relay && slot.pusher.is_none_or(|pusher| pusher == *peer);
                if push {
                    slot.pusher = Some(*peer);
                }
                proofs.push(ends.prove(&slot.sealed.pair, push, !quiet));
                let standing = Standing {
                    proof: ProofState::Said,
                    push,
                    at: env.now,
                    reconciling: None,
                    synced: None,
                    calm: 0,
                    hurry: None,
                    owed: BTreeSet::new(),
                    dunned: 0,
                    silent: 0,
                    rests: None,
                };
                session.mine.insert(*mailbox, standing);
            }
            let first = proofs.first().map(|proof| proof.mailbox);
            for some in proofs.chunks(MAX_PROOFS) {
                batch.send(self.link, *peer, &Packet::Prove(some.to_vec()));
            }
            // one link shown makes the connection count as a member's.
            let known = self.relays.iter().find(|known| known.peer == Some(*peer));
            let admission = known.and_then(|known| known.admission);
            if let (Some(mailbox), Some(admission)) = (first, admission) {
                batch.send(self.link, *peer, &open(mailbox, &admission));
            }
        }
    }

    /// Has each mailbox pushed by one relay that serves it, and announced by all others. Another one
    /// takes over where that one is gone, refuses, or was late too often. Proving again says which it is.
    fn appoint(&mut self, batch: &mut Batch) {
        if self.mesh {
            return;
        }
        let mut proofs: BTreeMap<Peer, Vec<Proof>> = BTreeMap::new();
        for (mailbox, slot) in &mut self.boxes {
            let stays = |peer: &Peer| {
                let session = self.sessions.get(peer);
                let standing = session.and_then(|session| session.mine.get(mailbox));
                standing.is_some_and(|held| !matches!(held.proof, ProofState::Refused(_)))
            };
            let serves = |session: &Session| {
                let standing = session.mine.get(mailbox);
                session.relay && standing.is_some_and(|held| held.proof == ProofState::Proven)
            };
            let before = slot.pusher.filter(stays);
            if before.is_none() || slot.missed >= MAX_MISSED {
                let served = self.sessions.iter().filter(|(_, session)| serves(session));
                let served: Vec<Peer> = served.map(|(peer, _)| *peer).collect();
                let next = served.iter().find(|peer| Some(**peer) > before);
                slot.pusher = next.or(served.first()).copied().or(before);
                slot.missed = 0;
            }
            // Nobody is told to be quiet before somebody pushes.
            let Some(pusher) = slot.pusher else { continue };
            for (peer, session) in &mut self.sessions {
                let (Some(their_nonce), true) = (session.their_nonce, serves(session)) else {
                    continue;
                };
                let ends = session.ends(*peer, their_nonce);
                let standing = session.mine.get_mut(mailbox).expect("it serves it");
                let push = *peer == pusher;
                if standing.push != push {
                    standing.push = push;
                    let proof = ends.prove(&slot.sealed.pair, push, !slot.quiet);
                    proofs.entry(*peer).or_default().push(proof);
                }
            }
        }
        for (peer, proofs) in proofs {
            for some in proofs.chunks(MAX_PROOFS) {
                batch.send(self.link, peer, &Packet::Prove(some.to_vec()));
            }
        }
    }

    /// Whether another relay that stands was asked to push what lies in a mailbox.
    fn is_pushed_elsewhere(&self, mailbox: &MailboxId, peer: &Peer) -> bool {
        let pusher = self.boxes.get(mailbox).and_then(|slot| slot.pusher);
        pusher.is_some_and(|pusher| pusher != *peer && self.sessions.contains_key(&pusher))
    }

    /// Another member proves what it may read here.
    fn check_proofs(&mut self, env: &Env<'_>, batch: &mut Batch, peer: Peer, proofs: &[Proof]) {
        let session = self.sessions.get_mut(&peer).expect("looked up by the caller");
        let Some(their_nonce) = session.their_nonce else { return };
        if session.relay || proofs.len() > MAX_PROOFS {
            return;
        }
        let ends = Ends {
            prover: peer,
            verifier: session.me,
            prover_nonce: their_nonce,
            verifier_nonce: session.nonce,
        };
        let mut proven = Vec::new();
        let link = self.link;
        for proof in proofs {
            let here = self.boxes.get(&proof.mailbox).is_some_and(|slot| !slot.quiet);
            if here && (ends.verify(proof) || is_planted(Planted::ProofUnchecked)) {
                session.theirs.insert(proof.mailbox);
                proven.push(proof.mailbox);
                // It had refused this one before: now it has it too.
                let refused = |held: &Standing| matches!(held.proof, ProofState::Refused(_));
                if session.mine.get(&proof.mailbox).is_some_and(refused) {
                    session.mine.remove(&proof.mailbox);
                }
            } else {
                let (mailbox, id, why) = (proof.mailbox, None, Refusal::Closed);
                batch.send(link, peer, &Packet::Refused { mailbox, id, why });
            }
        }
        if proven.is_empty() {
            return;
        }
        batch.send(link, peer, &Packet::Proven(proven.clone()));
        self.prove_all(env, batch);
        for mailbox in proven {
            self.begin(env, batch, peer, mailbox);
        }
    }

    /// Begins to reconcile, where it is this side's turn: always with a relay; between members both
    /// have proven, and the smaller key begins.
    fn begin(&mut self, env: &Env<'_>, batch: &mut Batch, peer: Peer, mailbox: MailboxId) {
        let Some(slot) = self.boxes.get(&mailbox) else { return };
        let Some(session) = self.sessions.get_mut(&peer) else { return };
        let both = session.theirs.contains(&mailbox) && session.me < peer;
        let Some(standing) = session.mine.get_mut(&mailbox) else { return };
        if standing.proof != ProofState::Proven || !(session.relay || both) {
            return;
        }
        let alike = standing.synced.is_some() && slot.unacked.is_empty();
        let Some(bytes) = (if alike { slot.brief() } else { slot.initiate() }) else { return };
        session.attempts = session.attempts.wrapping_add(1);
        let round = Round { attempt: session.attempts, number: 0 };
        standing.hurry = None;
        standing.silent += u32::from(standing.reconciling.is_some());
        standing.owed.retain(|id| slot.keeps(id));
        standing.dunned = if standing.owed.is_empty() { 0 } else { standing.dunned + 1 };
        let (unacked, owed) = (slot.unacked.clone(), standing.owed.clone());
        standing.reconciling =
            Some(Reconciling { round, at: env.now, found: false, unacked, owed });
        batch.send(self.link, peer, &Packet::Reconcile { mailbox, round, bytes: Bytes(bytes) });
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one packet")]
    fn reconciled(
        &mut self,
        env: &Env<'_>,
        batch: &mut Batch,
        peer: Peer,
        mailbox: MailboxId,
        round: Round,
        bytes: &[u8],
        outcome: &mut Outcome,
    ) -> bool {
        let Some(slot) = self.boxes.get(&mailbox) else { return true };
        let session = self.sessions.get_mut(&peer).expect("looked up by the caller");
        let Some(standing) = session.mine.get_mut(&mailbox) else { return false };
        let Some(going) = standing.reconciling.as_mut() else { return true };
        if going.round != round {
            return true;
        }
        if bytes.len() as u64 > RECONCILE_BYTES {
            return false;
        }
        let Some(step) = slot.step(bytes) else { return false };
        standing.silent = 0;
        for id in &step.lacks {
            going.unacked.remove(id);
            going.owed.remove(id);
            if session.relay && slot.keeps(id) {
                standing.owed.insert(*id);
            }
        }
        let needs: Vec<EnvelopeId> = step
            .needs
            .into_iter()
            .filter(|id| !slot.held.contains_key(id) && !slot.bad.contains(id))
            .collect();
        going.found |= !needs.is_empty() || step.lacks.iter().any(|id| slot.keeps(id));
        let done = step.next.is_none();
        // H-13: who goes on for ever has shown nothing, and is left alone for a while.
        if !done && round.number + 1 >= MAX_ROUNDS {
            standing.reconciling = None;
            standing.rests = Some(env.now.plus(IDLE_SYNC_MS));
        } else if let Some(bytes) = step.next {
            going.round.number += 1;
            going.at = env.now;
            let round = going.round;
            let bytes = Bytes(bytes);
            batch.send(self.link, peer, &Packet::Reconcile { mailbox, round, bytes });
        }
        let has = done.then(|| {
            let going = standing.reconciling.take().expect("it goes on");
            standing.synced = Some(env.now);
            standing.calm = if going.found { 0 } else { (standing.calm + 1).min(MAX_CALM) };
            standing.owed.retain(|id| !going.owed.contains(id));
            going.unacked.into_iter().collect::<Vec<_>>()
        });
        let relay = session.relay;
        self.give(env, batch, peer, mailbox, &step.lacks, true);
        self.want(peer, mailbox, &needs, env.now);
        self.ask(env, batch, peer);
        if let Some(has) = has {
            if relay {
                self.acknowledged(&mailbox, &has, outcome);
            }
            self.settle_gets(env, batch, peer, mailbox, outcome);
        }
        true
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one packet")]
    fn refused(
        &mut self,
        env: &Env<'_>,
        batch: &mut Batch,
        peer: Peer,
        mailbox: MailboxId,
        id: Option<EnvelopeId>,
        why: Refusal,
        outcome: &mut Outcome,
    ) {
        let session = self.sessions.get_mut(&peer).expect("looked up by the caller");
        let known = self.relays.iter().find(|known| known.peer == Some(peer));
        let admission = known.and_then(|known| known.admission);
        let Some(standing) = session.mine.get_mut(&mailbox) else { return };
        if let Some(id) = id {
            if why == Refusal::Rate {
                standing.hurry = Some(env.now.plus(RATE_MS));
            } else {
                standing.owed.remove(&id);
            }
            outcome.refused.push((mailbox, why));
            return;
        }
        let first = standing.proof == ProofState::Said;
        standing.proof = ProofState::Refused(why);
        standing.at = env.now;
        match admission {
            Some(admission) if why == Refusal::Closed && first => {
                batch.send(self.link, peer, &open(mailbox, &admission));
            }
            _ => outcome.refused.push((mailbox, why)),
        }
    }

    fn acknowledged(&mut self, mailbox: &MailboxId, ids: &[EnvelopeId], outcome: &mut Outcome) {
        let Some(slot) = self.boxes.get_mut(mailbox) else { return };
        let before = outcome.acked.len();
        for id in ids {
            if slot.unacked.remove(id) {
                outcome.acked.push(*id);
            }
        }
        if outcome.acked.len() > before && slot.unacked.is_empty() {
            outcome.acked_in.push(*mailbox);
        }
    }

    /// Whether an envelope is neither held nor known to be no good.
    pub(crate) fn lacks(&self, mailbox: &MailboxId, id: &EnvelopeId) -> bool {
        self.boxes
            .get(mailbox)
            .is_some_and(|slot| !slot.held.contains_key(id) && !slot.bad.contains(id))
    }

    /// Takes bytes for an envelope of this mailbox; gives its id if they are one.
    fn arrived(
        &mut self,
        now: Timestamp,
        peer: Peer,
        mailbox: MailboxId,
        bytes: Vec<u8>,
        outcome: &mut Outcome,
    ) -> Option<EnvelopeId> {
        let envelope = Envelope::parse(bytes)?;
        let id = envelope.id(&mailbox);
        let mut late = false;
        if let Some(session) = self.sessions.get_mut(&peer) {
            if session.gets.remove(&id).is_some() {
                (session.fed, session.stalled) = (now, false);
            }
            session.awaited.remove(&id);
            session.doubts.remove(&id);
            late = session.late.remove(&id);
        }
        if self.lacks(&mailbox, &id) {
            // Only what came shows that it was withheld: a relay can announce what there is not.
            if let Some(slot) = self.boxes.get_mut(&mailbox) {
                if slot.pusher == Some(peer) {
                    slot.missed = 0;
                } else if late {
                    slot.missed = slot.missed.saturating_add(1);
                }
            }
            for (other, session) in &mut self.sessions {
                if *other != peer {
                    session.doubt(now, mailbox, id);
                }
            }
            outcome.arrived.push((mailbox, envelope));
        }
        Some(id)
    }

    /// Whether everything asked of this peer for a mailbox has come, and asks for more.
    fn settle_gets(
        &mut self,
        env: &Env<'_>,
        batch: &mut Batch,
        peer: Peer,
        mailbox: MailboxId,
        outcome: &mut Outcome,
    ) {
        self.ask(env, batch, peer);
        let Some(session) = self.sessions.get(&peer) else { return };
        let synced = session.mine.get(&mailbox).is_some_and(|standing| standing.synced.is_some());
        let open = session.gets.values().any(|(of, _)| *of == mailbox)
            || session.wanted.iter().any(|(of, ..)| *of == mailbox);
        if synced && !open {
            outcome.synced.push(mailbox);
        }
    }

    /// Waits a moment for what a relay announced to come from elsewhere.
    fn expect(&mut self, now: Timestamp, peer: Peer, mailbox: MailboxId, ids: &[EnvelopeId]) {
        let Some(session) = self.sessions.get_mut(&peer) else { return };
        let until = now.plus(MOMENT_MS);
        let mut beyond = Vec::new();
        for id in ids {
            if session.awaited.len() < MAX_AWAITED {
                session.awaited.entry(*id).or_insert((mailbox, until));
            } else {
                beyond.push(*id);
            }
        }
        self.want(peer, mailbox, &beyond, now);
    }

    fn want(&mut self, peer: Peer, mailbox: MailboxId, ids: &[EnvelopeId], at: Timestamp) {
        let Some(session) = self.sessions.get_mut(&peer) else { return };
        for id in ids {
            if session.wanted.len() < MAX_WANTED && !session.gets.contains_key(id) {
                session.wanted.push_back((mailbox, *id, at));
            }
        }
    }

    /// Asks a peer for what is wanted and due, within bounds.
    fn ask(&mut self, env: &Env<'_>, batch: &mut Batch, peer: Peer) {
        let Some(session) = self.sessions.get_mut(&peer) else { return };
        for (id, (mailbox, _)) in session.awaited.extract_if(.., |_, (_, at)| *at <= env.now) {
            if session.wanted.len() < MAX_WANTED {
                session.wanted.push_back((mailbox, id, env.now));
                session.late.insert(id);
            }
        }
        if session.gets.len() > MAX_GETS / 2 {
            return;
        }
        if session.gets.is_empty() {
            session.fed = env.now;
        }
        let mut asked: BTreeMap<MailboxId, Vec<EnvelopeId>> = BTreeMap::new();
        while session.gets.len() < MAX_GETS {
            let Some((mailbox, id, at)) = session.wanted.front().copied() else { break };
            if at > env.now {
                break;
            }
            session.wanted.pop_front();
            // It was listed here, so it is here.
            session.doubts.remove(&id);
            let slot = self.boxes.get(&mailbox);
            if slot.is_some_and(|slot| !slot.held.contains_key(&id) && !slot.bad.contains(&id)) {
                session.gets.insert(id, (mailbox, env.now));
                asked.entry(mailbox).or_default().push(id);
            } else {
                session.late.remove(&id);
            }
        }
        for (mailbox, ids) in asked {
            batch.send(self.link, peer, &Packet::Get { mailbox, ids });
        }
    }

    /// Sends envelopes that are held here: as an answer, or (`put`) because the peer lacks them.
    fn give(
        &self,
        env: &Env<'_>,
        batch: &mut Batch,
        peer: Peer,
        mailbox: MailboxId,
        ids: &[EnvelopeId],
        put: bool,
    ) {
        let Some(slot) = self.boxes.get(&mailbox) else { return };
        let mut envelopes = Vec::new();
        let (mut bytes, mut gone) = (0, Vec::new());
        let flush = |batch: &mut Batch, envelopes: Vec<Bytes>| {
            if !envelopes.is_empty() {
                let packet = if put {
                    Packet::Put { mailbox, envelopes }
                } else {
                    Packet::Give { mailbox, envelopes }
                };
                batch.send(self.link, peer, &packet);
            }
        };
        for id in ids.iter().take(MAX_IDS) {
            let place = slot.held.get(id).map(|(_, place)| *place);
            let stored = place
                .filter(|place| *place != ERASED)
                .and_then(|place| batch.read(env, &numbered(Room::Envelopes, &self.owner, place)))
                .and_then(|record| wire::decode::<Record>(&record));
            let Some(record) = stored else {
                gone.push(*id);
                continue;
            };
            bytes += record.envelope.0.len();
            envelopes.push(record.envelope);
            if bytes >= BATCH_BYTES {
                flush(batch, std::mem::take(&mut envelopes));
                bytes = 0;
            }
        }
        flush(batch, envelopes);
        if !put && !gone.is_empty() {
            batch.send(self.link, peer, &Packet::Gone { mailbox, ids: gone });
        }
    }

    /// Opens circuits to some of the members that a relay knows, so that all hang together: to the
    /// neighbors in the order of keys.
    fn meet(&mut self, batch: &mut Batch, relay: Peer, peers: &[Peer]) {
        let Some(me) = self.sessions.get(&relay).map(|session| session.me) else { return };
        let mut ring: BTreeSet<Peer> = peers.iter().copied().collect();
        ring.insert(me);
        let ring: Vec<Peer> = ring.into_iter().collect();
        let at = ring.iter().position(|peer| *peer == me).expect("inserted");
        let wanted: BTreeSet<Contact> = (0..CIRCUITS)
            .map(|power| ring[(at + (1 << power)) % ring.len()])
            .filter(|to| *to != me)
            .map(|to| Contact::Circuit { through: relay, to })
            .collect();
        let link = self.link;
        let through = |contact: &Contact| matches!(contact, Contact::Circuit { through, .. } if *through == relay);
        let old: Vec<Contact> = self.circuits.iter().filter(|c| through(c)).cloned().collect();
        for to in old.into_iter().filter(|to| !wanted.contains(to)) {
            self.circuits.remove(&to);
            batch.push(Output::Leave { link, to });
        }
        for to in wanted {
            if self.circuits.insert(to.clone()) {
                batch.push(Output::Connect { link, to });
            }
        }
    }

    /// Keeps an envelope of one's own and sends it on its way.
    pub(crate) fn offer(
        &mut self,
        batch: &mut Batch,
        mailbox: MailboxId,
        envelope: Envelope,
        until: Option<KeySlot>,
    ) -> EnvelopeId {
        let id = envelope.id(&mailbox);
        let keeping = Keeping { until, own: true, later: false };
        self.keep(batch, mailbox, &envelope, keeping);
        if let Some(slot) = self.boxes.get_mut(&mailbox) {
            slot.unacked.insert(id);
            if self.mesh && !slot.quiet && envelope.bytes().len() <= MAX_GOSSIP {
                batch.push(Output::Publish {
                    link: self.link,
                    topic: topic(&mailbox),
                    bytes: envelope.bytes().to_vec(),
                });
            }
        }
        for (peer, session) in self.sessions.iter_mut().filter(|(_, session)| session.relay) {
            let standing = session.mine.get_mut(&mailbox);
            if let Some(standing) = standing.filter(|held| held.proof == ProofState::Proven) {
                standing.owed.insert(id);
                standing.dunned = 0;
                let envelopes = vec![Bytes(envelope.bytes().to_vec())];
                batch.send(self.link, *peer, &Packet::Put { mailbox, envelopes });
            }
        }
        id
    }

    /// Puts an envelope at one relay alone, by its place among those that stand, and does not keep it.
    #[cfg(feature = "sim")]
    pub(crate) fn put_at(
        &self,
        batch: &mut Batch,
        relay: usize,
        mailbox: MailboxId,
        envelope: Envelope,
    ) {
        let mut relays = self.sessions.iter().filter(|(_, session)| session.relay);
        if let Some((peer, _)) = relays.nth(relay) {
            let envelopes = vec![Bytes(envelope.into_bytes())];
            batch.send(self.link, *peer, &Packet::Put { mailbox, envelopes });
        }
    }

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

    /// Says again what has had no answer, and reconciles what is due.
    pub(crate) fn tick(&mut self, env: &Env<'_>, batch: &mut Batch) {
        let peers: Vec<Peer> = self.sessions.keys().copied().collect();
        for peer in peers {
            self.tick_session(env, batch, peer);
        }
        self.appoint(batch);
        self.prove_all(env, batch);
    }

    fn tick_session(&mut self, env: &Env<'_>, batch: &mut Batch, peer: Peer) {
        let now = env.now;
        let session = self.sessions.get_mut(&peer).expect("a key of the map");
        if session.their_nonce.is_none() {
            if now.since(session.hello_at) >= ANSWER_MS {
                session.hello_at = now;
                batch.send(self.link, peer, &session.hello(false));
            }
            return;
        }
        let mut begin = Vec::new();
        session.mine.retain(|mailbox, standing| {
            let since = now.since(standing.at);
            match standing.proof {
                ProofState::Said => return since < ANSWER_MS,
                // A member that comes to have the mailbox proves it, and that is the sign.
                ProofState::Refused(_) => return !session.relay || since < REFUSED_MS,
                ProofState::Proven => {}
            }
            let unacked = self.boxes.get(mailbox).is_some_and(|slot| !slot.unacked.is_empty());
            if standing.due(unacked).is_none_or(|at| at <= now) {
                begin.push(*mailbox);
            }
            true
        });
        let late: Vec<EnvelopeId> = session
            .gets
            .iter()
            .filter(|(_, (_, at))| now.since(*at) >= ANSWER_MS)
            .map(|(id, _)| *id)
            .collect();
        if !late.is_empty() && now.since(session.fed) >= STALL_MS {
            session.give_up();
        }
        for id in late {
            if let Some((mailbox, _)) = session.gets.remove(&id) {
                session.wanted.push_front((mailbox, id, now));
            }
        }
        for mailbox in begin {
            self.begin(env, batch, peer, mailbox);
        }
        self.ask(env, batch, peer);
        self.repair(env, batch, peer);
    }

    /// Puts at a relay what another one had and this one has not shown, so that members who reach only
    /// this one have it within seconds. Each envelope once: a relay that loses it costs no more than that.
    fn repair(&mut self, env: &Env<'_>, batch: &mut Batch, peer: Peer) {
        let Some(session) = self.sessions.get_mut(&peer) else { return };
        if session.is_busy() || is_planted(Planted::OthersNotRepaired) {
            return;
        }
        let mut due: BTreeMap<MailboxId, Vec<EnvelopeId>> = BTreeMap::new();
        for (id, (mailbox, _)) in session.doubts.extract_if(.., |_, (_, at)| *at <= env.now) {
            due.entry(mailbox).or_default().push(id);
        }
        for (mailbox, ids) in due {
            self.give(env, batch, peer, mailbox, &ids, true);
        }
    }

    /// When [`Self::tick`] has something to do.
    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        let sessions = self.sessions.values();
        sessions
            .filter_map(|session| {
                if session.their_nonce.is_none() {
                    return Some(session.hello_at.plus(ANSWER_MS));
                }
                let standings = session.mine.iter().filter_map(|(mailbox, standing)| {
                    let begins = session.relay
                        || session.theirs.contains(mailbox) && Self::smaller(session, mailbox);
                    let unacked =
                        self.boxes.get(mailbox).is_some_and(|slot| !slot.unacked.is_empty());
                    match standing.proof {
                        ProofState::Said => Some(standing.at.plus(ANSWER_MS)),
                        ProofState::Refused(_) => {
                            session.relay.then(|| standing.at.plus(REFUSED_MS))
                        }
                        ProofState::Proven if begins => standing.due(unacked),
                        ProofState::Proven => None,
                    }
                });
                let gets = session.gets.values().map(|(_, at)| at.plus(ANSWER_MS));
                let wanted = (session.gets.len() < MAX_GETS / 2)
                    .then(|| session.wanted.front().map(|(_, _, at)| *at))
                    .flatten();
                let awaited = session.awaited.values().map(|(_, at)| *at);
                // What was not kept, since it is no good or from the future, is put nowhere (P7).
                let kept = |(id, (mailbox, _)): &(&EnvelopeId, &(MailboxId, Timestamp))| {
                    self.boxes.get(mailbox).is_some_and(|slot| slot.held.contains_key(*id))
                };
                let doubts = session.doubts.iter().filter(kept).map(|(_, (_, at))| *at);
                let doubts = if session.is_busy() { None } else { doubts.min() };
                standings.chain(gets).chain(wanted).chain(awaited).chain(doubts).min()
            })
            .min()
    }

    fn smaller(session: &Session, mailbox: &MailboxId) -> bool {
        // Whoever began once was the smaller; the other side never has a reconciliation of its own.
        session
            .mine
            .get(mailbox)
            .is_some_and(|standing| standing.synced.is_some() || standing.reconciling.is_some())
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
        slot.held
            .values()
            .filter(|(_, place)| *place != ERASED)
            .filter_map(|(_, place)| {
                let record = batch.read(env, &numbered(Room::Envelopes, &self.owner, *place))?;
                Envelope::parse(wire::decode::<Record>(&record)?.envelope.0)
            })
            .collect()
    }

    /// Ends everything on this link.
    pub(crate) fn forget(&self, env: &Env<'_>, batch: &mut Batch) {
        for (place, _) in self.stored(env) {
            batch.erase(placed(Room::Envelopes, &self.owner, &place));
        }
        batch.push(Output::Forget { link: self.link });
    }
}

/// Rows read at once when a store is read back; an envelope may have 1 MiB, and one of talk has 32 KiB.
const RESTORE_ROWS: usize = 64;

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

impl Standing {
    /// When to reconcile next; `None` if this side never has.
    fn due(&self, unacked: bool) -> Option<Timestamp> {
        if let Some(going) = &self.reconciling {
            return Some(going.at.plus(ANSWER_MS << self.silent.min(MAX_DOUBLED)));
        }
        let wait = match unacked {
            true => BUSY_SYNC_MS,
            // One relay has it: the others are asked less and less often.
            false if !self.owed.is_empty() => BUSY_SYNC_MS << self.dunned.min(MAX_DOUBLED),
            false => IDLE_SYNC_MS << self.calm.saturating_sub(1),
        };
        let at = self.synced.map(|at| at.plus(wait)).or(self.rests)?;
        let at = self.hurry.map_or(at, |hurry| hurry.min(at));
        Some(self.rests.map_or(at, |rests| rests.max(at)))
    }
}

impl Session {
    /// Some mailbox that was proven to the other side, if there is one it has accepted.
    fn a_proven(&self) -> Option<MailboxId> {
        let accepted = |mailbox: &&MailboxId| self.mine[*mailbox].proof == ProofState::Proven;
        self.mine.keys().find(accepted).or(self.mine.keys().next()).copied()
    }

    /// Whether something that the other side has is still to come from it.
    fn is_busy(&self) -> bool {
        !self.stalled && (!self.gets.is_empty() || !self.wanted.is_empty())
    }

    /// H-13: what it offered it does not give. The next reconciliation offers it again, if it is there.
    fn give_up(&mut self) {
        self.gets.clear();
        self.wanted.clear();
        self.late.clear();
        self.stalled = true;
    }

    /// Something came from elsewhere: a relay that serves its mailbox has to show that it has it.
    fn doubt(&mut self, now: Timestamp, mailbox: MailboxId, id: EnvelopeId) {
        // What it announced it has.
        if self.awaited.remove(&id).is_some() {
            return;
        }
        let standing = self.mine.get(&mailbox);
        let served = standing.is_some_and(|standing| standing.proof == ProofState::Proven);
        if self.relay && served && self.doubts.len() < MAX_DOUBTS && !self.gets.contains_key(&id) {
            // This side's key is drawn anew by each run, and so are its places among the others.
            let steps = u64::from(self.me.0[0] ^ id.0[0]);
            self.doubts.insert(id, (mailbox, now.plus(REPAIR_MS + steps * REPAIR_STEP_MS)));
        }
    }

    /// As this side proves mailboxes on it.
    fn ends(&self, peer: Peer, their_nonce: Nonce) -> Ends {
        Ends {
            prover: self.me,
            verifier: peer,
            prover_nonce: self.nonce,
            verifier_nonce: their_nonce,
        }
    }

    fn hello(&self, heard: bool) -> Packet {
        Packet::Hello { version: 1, nonce: self.nonce, relay: false, heard }
    }
}

/// What one step of reconciliation found.
struct Step {
    lacks: Vec<EnvelopeId>,
    needs: Vec<EnvelopeId>,
    next: Option<Vec<u8>>,
}

impl Slot {
    /// Whether an envelope's bytes are here.
    fn keeps(&self, id: &EnvelopeId) -> bool {
        self.held.get(id).is_some_and(|(_, place)| *place != ERASED)
    }

    fn storage(&self) -> Option<NegentropyStorageVector> {
        let mut storage = NegentropyStorageVector::with_capacity(self.held.len());
        for (id, (hour, _)) in &self.held {
            storage.insert(u64::from(*hour), Id::from_byte_array(id.0)).ok()?;
        }
        storage.seal().ok()?;
        Some(storage)
    }

    fn initiate(&self) -> Option<Vec<u8>> {
        let storage = self.storage()?;
        let mut machine = Negentropy::borrowed(&storage, RECONCILE_BYTES).ok()?;
        machine.initiate().ok()
    }

    /// One fingerprint of all where [`Self::initiate`] lists up to 31 ids or has a fingerprint for each of 16
    /// parts: 20 bytes show that nothing differs, and what differs costs a round more. `negentropy` makes no
    /// such beginning, but answers it.
    fn brief(&self) -> Option<Vec<u8>> {
        if self.held.is_empty() {
            return self.initiate();
        }
        let storage = self.storage()?;
        let all = storage.fingerprint(0, storage.size().ok()?).ok()?;
        Some([&WHOLE[..], &all.to_bytes()].concat())
    }

    fn answer(&self, query: &[u8]) -> Option<Vec<u8>> {
        let storage = self.storage()?;
        let mut machine = Negentropy::borrowed(&storage, RECONCILE_BYTES).ok()?;
        machine.reconcile(query).ok()
    }

    fn step(&self, answer: &[u8]) -> Option<Step> {
        let storage = self.storage()?;
        let mut machine = Negentropy::borrowed(&storage, RECONCILE_BYTES).ok()?;
        machine.set_initiator();
        let (mut lacks, mut needs) = (Vec::new(), Vec::new());
        let next = machine.reconcile_with_ids(answer, &mut lacks, &mut needs).ok()?;
        // `negentropy` gives them in an order that std draws by itself: nothing here may hang on chance
        // that was not lent.
        let ids = |ids: Vec<Id>| {
            let mut ids: Vec<_> = ids.iter().map(|id| EnvelopeId(*id.as_bytes())).collect();
            ids.sort_unstable();
            ids
        };
        Some(Step { lacks: ids(lacks), needs: ids(needs), next })
    }
}

fn open(mailbox: MailboxId, admission: &Admission) -> Packet {
    Packet::Open { mailbox, number: admission.number, link: admission.link }
}

/// The gossip topic of a mailbox.
fn topic(mailbox: &MailboxId) -> Topic {
    Topic(hash(Label::Topic, &CircleId::NONE, &[&mailbox.0]))
}

#[cfg(test)]
pub(crate) mod tests;
