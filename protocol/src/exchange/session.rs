//! One connection: greetings, and who may have which mailbox on it, by proof. Of the relays that serve
//! a mailbox one is appointed to push it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::schedule::Schedule;
use super::{ANSWER_MS, Exchange, Outcome};
use crate::batch::Batch;
use crate::boundary::{Admission, Cause, Env, Output, Timestamp};
use crate::crypto::random;
use crate::identity::{EnvelopeId, MailboxId, Nonce, Peer};
use crate::mailbox::{Ends, MAX_PROOFS, Packet, Proof, Refusal};
use crate::planted::{Planted, is_planted};

/// Envelopes in a row that another relay had to give, before that one pushes (a guess).
pub(super) const MAX_MISSED: u32 = 4;
/// How long somebody at the end of a circuit may take to prove a mailbox: who knows a member's key on a link, and no
/// mailbox, takes no place for longer (H-25). A guess: a proof that is lost is said again after 3 s.
pub(super) const STRANGER_MS: u64 = 30_000;
/// How long a refusal stands before it is tried again.
const REFUSED_MS: u64 = 60_000;

#[derive(Debug)]
pub(super) struct Session {
    pub(super) me: Peer,
    pub(super) relay: bool,
    pub(super) nonce: Nonce,
    pub(super) their_nonce: Option<Nonce>,
    pub(super) hello_at: Timestamp,
    pub(super) mine: BTreeMap<MailboxId, Standing>,
    pub(super) theirs: BTreeSet<MailboxId>,
    pub(super) wanted: VecDeque<(MailboxId, EnvelopeId, Timestamp)>,
    pub(super) gets: BTreeMap<EnvelopeId, (MailboxId, Timestamp)>,
    /// A relay's: what it announced and another one is to push, and when it is fetched here.
    pub(super) awaited: BTreeMap<EnvelopeId, (MailboxId, Timestamp)>,
    /// Of these, what nobody pushed in time.
    pub(super) late: BTreeSet<EnvelopeId>,
    /// A relay's: what came from elsewhere and was not seen here, and when it is put.
    pub(super) doubts: BTreeMap<EnvelopeId, (MailboxId, Timestamp)>,
    pub(super) attempts: u32,
    pub(super) nonsense: u8,
    /// Whether it greeted in a version that this side does not speak.
    pub(super) other_version: bool,
    /// When it is shut out, unless it is a relay or proves some mailbox by then.
    pub(super) stranger_until: Option<Timestamp>,
    /// When something came that was asked for, or was put on the list of it after nothing was.
    pub(super) fed: Timestamp,
    /// Whether that is too long ago: what it offers is no reason to wait for it.
    pub(super) stalled: bool,
}

/// How far this device has come with one mailbox on one session.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) proof: ProofState,
    /// Whether the relay was asked to push.
    pub(super) push: bool,
    pub(super) at: Timestamp,
    pub(super) schedule: Schedule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProofState {
    Said,
    Proven,
    Refused(Refusal),
}

impl Exchange {
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
                batch.push(Output::Disconnect { link, peer, cause: Cause::Impostor });
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
            other_version: false,
            stranger_until: (!relay).then(|| env.now.plus(STRANGER_MS)),
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

    /// Proves to every session what is not proven there.
    pub(super) fn prove_all(&mut self, env: &Env<'_>, batch: &mut Batch) {
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
                    schedule: Schedule::default(),
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
    pub(super) fn appoint(&mut self, batch: &mut Batch) {
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
    pub(super) fn is_pushed_elsewhere(&self, mailbox: &MailboxId, peer: &Peer) -> bool {
        let pusher = self.boxes.get(mailbox).and_then(|slot| slot.pusher);
        pusher.is_some_and(|pusher| pusher != *peer && self.sessions.contains_key(&pusher))
    }

    /// Another member proves what it may read here.
    pub(super) fn check_proofs(
        &mut self,
        env: &Env<'_>,
        batch: &mut Batch,
        peer: Peer,
        proofs: &[Proof],
    ) {
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
                session.stranger_until = None;
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

    #[expect(clippy::too_many_arguments, reason = "the parts of one packet")]
    pub(super) fn refused(
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
                standing.schedule.hurries(env.now);
            } else {
                standing.schedule.shown(&[id]);
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
}

impl Standing {
    /// Whether the proof is to be said anew: it had no answer, or was refused long ago.
    pub(super) fn is_over(&self, now: Timestamp, relay: bool) -> bool {
        let since = now.since(self.at);
        match self.proof {
            ProofState::Said => since >= ANSWER_MS,
            // A member that comes to have the mailbox proves it, and that is the sign.
            ProofState::Refused(_) => relay && since >= REFUSED_MS,
            ProofState::Proven => false,
        }
    }

    /// Whether the peer takes the mailbox, and a reconciliation came to its end since it does.
    pub(super) fn is_in_step(&self) -> bool {
        self.proof == ProofState::Proven && self.schedule.is_in_step()
    }

    /// When it is over, or to be reconciled. `theirs`: the peer has proven the mailbox too.
    pub(super) fn next_wake(
        &self,
        relay: bool,
        theirs: impl FnOnce() -> bool,
        unacked: impl FnOnce() -> bool,
    ) -> Option<Timestamp> {
        match self.proof {
            ProofState::Said => Some(self.at.plus(ANSWER_MS)),
            ProofState::Refused(_) => relay.then(|| self.at.plus(REFUSED_MS)),
            // Between members who began once has the smaller key; the other one never begins.
            ProofState::Proven if relay || self.schedule.has_begun() && theirs() => {
                self.schedule.due(unacked)
            }
            ProofState::Proven => None,
        }
    }
}

impl Session {
    /// Some mailbox that was proven to the other side, if there is one it has accepted.
    pub(super) fn a_proven(&self) -> Option<MailboxId> {
        let accepted = |mailbox: &&MailboxId| self.mine[*mailbox].proof == ProofState::Proven;
        self.mine.keys().find(accepted).or(self.mine.keys().next()).copied()
    }

    /// As this side proves mailboxes on it.
    pub(super) fn ends(&self, peer: Peer, their_nonce: Nonce) -> Ends {
        Ends {
            prover: self.me,
            verifier: peer,
            prover_nonce: self.nonce,
            verifier_nonce: their_nonce,
        }
    }

    pub(super) fn hello(&self, heard: bool) -> Packet {
        Packet::Hello { version: 1, nonce: self.nonce, relay: false, heard }
    }
}

pub(super) fn open(mailbox: MailboxId, admission: &Admission) -> Packet {
    Packet::Open { mailbox, number: admission.number, link: admission.link }
}
