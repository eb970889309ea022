//! What comes in: what a peer offers is waited for, asked for within bounds, and given up where it is not
//! given (H-13). Ids are computed from what came, never believed.

use std::collections::BTreeMap;

use super::session::Session;
use super::{ANSWER_MS, Exchange, Outcome};
use crate::batch::Batch;
use crate::boundary::{Env, Timestamp};
use crate::envelope::Envelope;
use crate::identity::{EnvelopeId, MailboxId, Peer};
use crate::mailbox::Packet;

/// How long who pushes, or gossip, has before what another relay announced is fetched there.
pub(super) const MOMENT_MS: u64 = 150;
/// Envelopes that one relay announced and for whose coming from elsewhere this side waits; what is beyond
/// is fetched at once.
pub(super) const MAX_AWAITED: usize = 1_024;
/// How long a relay or member may give nothing of what it had offered, before the rest is given up until the next
/// reconciliation, and nobody waits for it (H-13). A guess: five questions.
const STALL_MS: u64 = 5 * ANSWER_MS;
/// Envelopes asked for at once on one session.
pub(super) const MAX_GETS: usize = 512;
/// Envelopes that wait to be asked for on one session.
pub(super) const MAX_WANTED: usize = 100_000;

impl Exchange {
    /// Takes bytes for an envelope of this mailbox; gives its id if they are one.
    pub(super) fn arrived(
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

    /// Waits a moment for what a relay announced to come from elsewhere.
    pub(super) fn expect(
        &mut self,
        now: Timestamp,
        peer: Peer,
        mailbox: MailboxId,
        ids: &[EnvelopeId],
    ) {
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

    /// Puts envelopes on the list of what is asked for, from `at` on.
    pub(super) fn want(
        &mut self,
        peer: Peer,
        mailbox: MailboxId,
        ids: &[EnvelopeId],
        at: Timestamp,
    ) {
        let Some(session) = self.sessions.get_mut(&peer) else { return };
        for id in ids {
            if !session.gets.contains_key(id) {
                session.list(mailbox, *id, at);
            }
        }
    }

    /// Asks a peer for what is wanted and due, within bounds.
    pub(super) fn ask(&mut self, env: &Env<'_>, batch: &mut Batch, peer: Peer) {
        let Some(session) = self.sessions.get_mut(&peer) else { return };
        let due = session.awaited.extract_if(.., |_, (_, at)| *at <= env.now).collect::<Vec<_>>();
        for (id, (mailbox, _)) in due {
            if session.list(mailbox, id, env.now) {
                session.late.insert(id);
            }
        }
        if session.gets.len() > MAX_GETS / 2 {
            return;
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
            if self.boxes.get(&mailbox).is_some_and(|slot| slot.wants(&id)) {
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

    /// Whether everything asked of this peer for a mailbox has come, and asks for more.
    pub(super) fn settle_gets(
        &mut self,
        env: &Env<'_>,
        batch: &mut Batch,
        peer: Peer,
        mailbox: MailboxId,
        outcome: &mut Outcome,
    ) {
        self.ask(env, batch, peer);
        let Some(session) = self.sessions.get(&peer) else { return };
        let synced =
            session.mine.get(&mailbox).is_some_and(|standing| standing.schedule.is_in_step());
        let open = session.gets.values().any(|(of, _)| *of == mailbox)
            || session.wanted.iter().any(|(of, ..)| *of == mailbox);
        if synced && !open {
            outcome.synced.push(mailbox);
        }
    }
}

impl Session {
    /// Puts an envelope on the list of what is asked for; gives whether there was room. The time in which
    /// something has to come begins with the first that is open, not with each question.
    fn list(&mut self, mailbox: MailboxId, id: EnvelopeId, at: Timestamp) -> bool {
        if self.gets.is_empty() && self.wanted.is_empty() {
            self.fed = at;
        }
        let room = self.wanted.len() < MAX_WANTED;
        if room {
            self.wanted.push_back((mailbox, id, at));
        }
        room
    }

    /// Whether something that the other side has is still to come from it.
    pub(super) fn is_busy(&self) -> bool {
        !self.stalled && (!self.gets.is_empty() || !self.wanted.is_empty())
    }

    /// Asks again, later, for what was not given in time; if nothing was for long, for none of it.
    pub(super) fn ask_again(&mut self, now: Timestamp) {
        let late = self.gets.iter().filter(|(_, (_, at))| now.since(*at) >= ANSWER_MS);
        let late: Vec<EnvelopeId> = late.map(|(id, _)| *id).collect();
        if !late.is_empty() && now.since(self.fed) >= STALL_MS {
            self.give_up();
        }
        for id in late {
            if let Some((mailbox, _)) = self.gets.remove(&id) {
                self.wanted.push_front((mailbox, id, now));
            }
        }
    }

    /// When something is to be asked for, or asked again.
    pub(super) fn next_ask(&self) -> Option<Timestamp> {
        let gets = self.gets.values().map(|(_, at)| at.plus(ANSWER_MS));
        let wanted = (self.gets.len() < MAX_GETS / 2)
            .then(|| self.wanted.front().map(|(_, _, at)| *at))
            .flatten();
        let awaited = self.awaited.values().map(|(_, at)| *at);
        gets.chain(wanted).chain(awaited).min()
    }

    /// H-13: what it offered it does not give. The next reconciliation offers it again, if it is there.
    fn give_up(&mut self) {
        self.gets.clear();
        self.wanted.clear();
        self.late.clear();
        self.stalled = true;
    }
}
