//! What goes out: envelopes of one's own, put to every relay and acknowledged by it; what somebody asked for; and
//! what one relay has and another one does not show, which is put there.

use std::collections::BTreeMap;

use super::session::{ProofState, Session};
use super::slot::{Keeping, topic};
use super::{Exchange, Outcome};
use crate::batch::Batch;
use crate::boundary::{Env, KeySlot, Output, Timestamp};
use crate::envelope::{Envelope, MAX_GOSSIP};
use crate::identity::{EnvelopeId, MailboxId, Peer};
use crate::mailbox::{BATCH_BYTES, MAX_IDS, Packet};
use crate::planted::{Planted, is_planted};
use crate::wire::Bytes;

/// How long a relay has to show what another one has, before it is put there: twice the round trip
/// over Tor, a guess.
pub(super) const REPAIR_MS: u64 = 1_000;
/// By chance so many steps more, so that one of many members puts it and the others see that (a guess).
pub(super) const REPAIR_STEP_MS: u64 = 8;
/// Envelopes of which one session has to show that it has them; reconciliation finds what is beyond.
pub(super) const MAX_DOUBTS: usize = 1_024;

impl Exchange {
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
                standing.schedule.put(id);
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

    /// Sends envelopes that are held here: as an answer, or (`put`) because the peer lacks them.
    pub(super) fn give(
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
            let stored = slot.held.get(id).and_then(|(_, place)| self.stored(env, batch, *place));
            let Some(envelope) = stored else {
                gone.push(*id);
                continue;
            };
            bytes += envelope.0.len();
            envelopes.push(envelope);
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

    /// A relay has these: what is one's own among them is acknowledged.
    pub(super) fn acknowledged(
        &mut self,
        mailbox: &MailboxId,
        ids: impl IntoIterator<Item = EnvelopeId>,
        outcome: &mut Outcome,
    ) {
        let Some(slot) = self.boxes.get_mut(mailbox) else { return };
        let before = outcome.acked.len();
        for id in ids {
            if slot.unacked.remove(&id) {
                outcome.acked.push(id);
            }
        }
        if outcome.acked.len() > before && slot.unacked.is_empty() {
            outcome.acked_in.push(*mailbox);
        }
    }

    /// Puts at a relay what another one had and this one has not shown, so that members who reach only
    /// this one have it within seconds. Each envelope once: a relay that loses it costs no more than that.
    pub(super) fn repair(&mut self, env: &Env<'_>, batch: &mut Batch, peer: Peer) {
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
}

impl Session {
    /// Something came from elsewhere: a relay that serves its mailbox has to show that it has it.
    pub(super) fn doubt(&mut self, now: Timestamp, mailbox: MailboxId, id: EnvelopeId) {
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
}
