//! What a member's device says to relays and other members: proofs, puts, gets, reconciliation
//! (R-34, R-50, R-51). It knows mailboxes and envelopes, and nothing of what is in them.
//!
//! A [`Session`] is one connection. Everything said on it can be lost with it and said again: on each
//! new session hello, proofs and reconciliation start anew, and that alone is what makes delivery sure.
//!
//! ```text
//! connection ─► session.rs: hello, proofs ─► reconcile.rs: who lacks what ◄─ schedule.rs: when, with whom
//!                                              │ the peer lacks    │ this side lacks
//! circle ─► offer ─► slot.rs ─► put.rs ────────┴──► frames out     │
//!              (kept first)       ▲                                ▼
//! circle ◄─ Outcome ◄──────── fetch.rs: waited for, asked for ◄─ frames in
//!    └──► keep, or reject ─► slot.rs       (what one relay brings another one has to show: put.rs)
//! ```
//!
//! `relays.rs` says to whom there are connections. This file has the doors: what opens and closes a mailbox, what a
//! packet does, and what the clock does.

use std::collections::{BTreeMap, BTreeSet};

use crate::batch::Batch;
use crate::boundary::{Cause, Contact, Env, Link, Output, RelayCard, Timestamp, Topic};
use crate::circle::epoch::SealedBox;
use crate::crypto::{Label, verify};
use crate::envelope::Envelope;
use crate::identity::{CircleId, EnvelopeId, MailboxId, Peer};
use crate::mailbox::{MAX_IDS, Packet, Refusal};
use crate::planted::{Planted, is_planted};
use crate::wire;

mod fetch;
mod put;
mod reconcile;
mod relays;
mod schedule;
mod session;
mod slot;

pub(crate) use slot::Keeping;

use relays::KnownRelay;
use session::{MAX_MISSED, ProofState, Session, Standing};
use slot::{Slot, topic};

/// How long an answer may take before the question is asked again.
const ANSWER_MS: u64 = 3_000;
/// Frames that make no sense, before a connection is closed.
const MAX_NONSENSE: u8 = 8;

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
        self.boxes.insert(mailbox, Slot::new(sealed, quiet));
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
            self.erase(batch, *place);
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

    /// Whether a mailbox is fetched from relays only (R-17).
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

    /// From now on what lies in this mailbox is counted and served, and cannot be opened (R-26).
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

    /// Whether a peer with whom this mailbox is in step is connected.
    pub(crate) fn is_in_step(&self, mailbox: &MailboxId) -> bool {
        self.sessions
            .values()
            .any(|session| session.mine.get(mailbox).is_some_and(Standing::is_in_step))
    }

    /// Whether every relay is connected, in step on this mailbox, and has all that was put there from here. That
    /// one says so is not enough for what nobody comes back to (R-52).
    pub(crate) fn is_told_everywhere(&self, mailbox: &MailboxId) -> bool {
        self.relays.iter().all(|relay| {
            let session = relay.peer.and_then(|peer| self.sessions.get(&peer));
            let standing = session.and_then(|session| session.mine.get(mailbox));
            standing.is_some_and(|held| held.is_in_step() && held.schedule.owes_nothing())
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
        self.erase_all(env, batch);
        for mailbox in self.boxes.keys().copied().collect::<Vec<_>>() {
            self.close(batch, &mailbox);
        }
        self.owner = owner;
        self.mesh = mesh;
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
                let other = session.their_nonce.is_none() && session.other_version;
                let cause = if other { Cause::Version } else { Cause::Nonsense };
                batch.push(Output::Disconnect { link: self.link, peer, cause });
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
                session.other_version |= version != 1;
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
                        standing.schedule.shown(&ids);
                    }
                    self.acknowledged(&mailbox, ids, outcome);
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
                let proven = session.theirs.contains(&mailbox);
                return proven && self.reconcile(batch, peer, mailbox, round, &bytes.0);
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
        // It is said once: what follows is `Down`.
        if session.stranger_until.take_if(|until| *until <= now).is_some() {
            let link = self.link;
            batch.push(Output::Disconnect { link, peer, cause: Cause::Idle });
            return;
        }
        if session.their_nonce.is_none() {
            if now.since(session.hello_at) >= ANSWER_MS {
                session.hello_at = now;
                batch.send(self.link, peer, &session.hello(false));
            }
            return;
        }
        let mut begin = Vec::new();
        session.mine.retain(|mailbox, standing| {
            let unacked = || self.boxes.get(mailbox).is_some_and(Slot::is_unacked);
            if standing.proof == ProofState::Proven
                && standing.schedule.due(unacked).is_none_or(|at| at <= now)
            {
                begin.push(*mailbox);
            }
            !standing.is_over(now, session.relay)
        });
        session.ask_again(now);
        for mailbox in begin {
            self.begin(env, batch, peer, mailbox);
        }
        self.ask(env, batch, peer);
        self.repair(env, batch, peer);
    }

    /// When [`Self::tick`] has something to do.
    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        let strangers = self.sessions.values().filter_map(|session| session.stranger_until);
        let sessions = self.sessions.values();
        sessions
            .filter_map(|session| {
                if session.their_nonce.is_none() {
                    return Some(session.hello_at.plus(ANSWER_MS));
                }
                let standings = session.mine.iter().filter_map(|(mailbox, standing)| {
                    let unacked = || self.boxes.get(mailbox).is_some_and(Slot::is_unacked);
                    let theirs = || session.theirs.contains(mailbox);
                    standing.next_wake(session.relay, theirs, unacked)
                });
                // What was not kept, since it is no good, of others or from the future, is put nowhere (P7).
                let kept = |(id, (mailbox, _)): &(&EnvelopeId, &(MailboxId, Timestamp))| {
                    self.boxes.get(mailbox).is_some_and(|slot| slot.keeps(id))
                };
                let doubts = session.doubts.iter().filter(kept).map(|(_, (_, at))| *at);
                let doubts = if session.is_busy() { None } else { doubts.min() };
                standings.chain(session.next_ask()).chain(doubts).min()
            })
            .chain(strangers)
            .min()
    }
}

#[cfg(test)]
pub(crate) mod tests;
