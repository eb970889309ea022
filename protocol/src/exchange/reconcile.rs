//! Rounds of reconciliation: both sides find out what the other lacks, by fingerprints over (hour, id).
//! What came of a round goes on to `put.rs` and `fetch.rs`; when the next is due stands in `schedule.rs`.

use negentropy::{Id, Negentropy, NegentropyStorageBase, NegentropyStorageVector};

use super::session::ProofState;
use super::slot::Slot;
use super::{Exchange, Outcome};
use crate::batch::Batch;
use crate::boundary::Env;
use crate::identity::{EnvelopeId, MailboxId, Peer};
use crate::mailbox::{MAX_ROUNDS, Packet, RECONCILE_BYTES, Round};
use crate::wire::Bytes;

/// How one fingerprint of everything begins in `negentropy`'s protocol 0x61: up to the last hour, up to no id,
/// and "here is a fingerprint".
pub(super) const WHOLE: [u8; 4] = [0x61, 0, 0, 1];

impl Exchange {
    /// Begins to reconcile, where it is this side's turn: always with a relay; between members both
    /// have proven, and the smaller key begins.
    pub(super) fn begin(
        &mut self,
        env: &Env<'_>,
        batch: &mut Batch,
        peer: Peer,
        mailbox: MailboxId,
    ) {
        let Some(slot) = self.boxes.get(&mailbox) else { return };
        let Some(session) = self.sessions.get_mut(&peer) else { return };
        let both = session.theirs.contains(&mailbox) && session.me < peer;
        let Some(standing) = session.mine.get_mut(&mailbox) else { return };
        if standing.proof != ProofState::Proven || !(session.relay || both) {
            return;
        }
        let alike = standing.schedule.is_in_step() && slot.unacked.is_empty();
        let Some(bytes) = (if alike { slot.brief() } else { slot.initiate() }) else { return };
        session.attempts = session.attempts.wrapping_add(1);
        let (attempt, kept) = (session.attempts, |id: &EnvelopeId| slot.keeps(id));
        let round = standing.schedule.begins(env.now, attempt, &slot.unacked, kept);
        batch.send(self.link, peer, &Packet::Reconcile { mailbox, round, bytes: Bytes(bytes) });
    }

    /// The other side asks for a round, and is answered; false if it makes no sense.
    pub(super) fn reconcile(
        &self,
        batch: &mut Batch,
        peer: Peer,
        mailbox: MailboxId,
        round: Round,
        query: &[u8],
    ) -> bool {
        if query.len() as u64 > RECONCILE_BYTES || round.number >= MAX_ROUNDS {
            return false;
        }
        let Some(answer) = self.boxes.get(&mailbox).and_then(|slot| slot.answer(query)) else {
            return false;
        };
        let bytes = Bytes(answer);
        batch.send(self.link, peer, &Packet::Reconciled { mailbox, round, bytes });
        true
    }

    /// A round of this side's was answered; false if the answer makes no sense.
    #[expect(clippy::too_many_arguments, reason = "the parts of one packet")]
    pub(super) fn reconciled(
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
        if !standing.schedule.awaits(round) {
            return true;
        }
        if bytes.len() as u64 > RECONCILE_BYTES {
            return false;
        }
        let Some(step) = slot.step(bytes) else { return false };
        let needs = step.needs.iter().filter(|id| slot.wants(id));
        let needs: Vec<EnvelopeId> = needs.copied().collect();
        let lacking = step.lacks.iter().filter(|id| slot.keeps(id));
        let found = !needs.is_empty() || lacking.clone().next().is_some();
        standing.schedule.answered(&step.lacks, found);
        if session.relay {
            lacking.for_each(|id| standing.schedule.put_again(*id));
        }
        let mut has = None;
        match step.next {
            None => has = Some(standing.schedule.ends(env.now)),
            Some(bytes) => {
                if let Some(round) = standing.schedule.goes_on(env.now) {
                    let bytes = Bytes(bytes);
                    batch.send(self.link, peer, &Packet::Reconcile { mailbox, round, bytes });
                }
            }
        }
        let relay = session.relay;
        self.give(env, batch, peer, mailbox, &step.lacks, true);
        self.want(peer, mailbox, &needs, env.now);
        self.ask(env, batch, peer);
        if let Some(has) = has {
            if relay {
                self.acknowledged(&mailbox, has, outcome);
            }
            self.settle_gets(env, batch, peer, mailbox, outcome);
        }
        true
    }
}

/// What one step of reconciliation found.
struct Step {
    lacks: Vec<EnvelopeId>,
    needs: Vec<EnvelopeId>,
    next: Option<Vec<u8>>,
}

impl Slot {
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

    pub(super) fn answer(&self, query: &[u8]) -> Option<Vec<u8>> {
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
