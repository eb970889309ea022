//! Who may do what at a relay: greetings, proofs, tokens, the card.

use super::session::{Vouched, Wish};
use super::{Batch, CARD_STAY_MS, End, Relay, TokenId};
use crate::boundary::{Cause, RelayCard, Timestamp};
use crate::crypto::Label;
use crate::identity::{CircleId, MailboxId, Nonce, Signature, TokenLink};
use crate::mailbox::{Ends, MAX_PROOFS, Packet, Proof, Refusal};
use crate::planted::{Planted, is_planted};
use crate::wire::{self, Bytes};

/// Version of the mailbox protocol.
const VERSION: u16 = 1;
/// Proofs that are not good before a connection is closed.
const MAX_BAD_PROOFS: u32 = 8;
/// Mailboxes that one connection may prove; a member reads at most 64 boards and 64 epochs.
pub(super) const MAX_PROVEN: usize = 1_024;
/// Of these, mailboxes that are not open here.
pub(super) const MAX_PROVEN_CLOSED: usize = MAX_PROOFS;
/// What the work of one signature or link costs its sender in bytes of its allowance: with the usual
/// 4 MiB a second a peer can have 1,024 of them checked a second; a guess.
pub(super) const CHECK_COST: usize = 4 << 10;
/// How many tokens' worth of mailboxes a relay without tokens holds open for everybody; a guess.
const PUBLIC_SHARE: usize = 64;

/// A relay's greeting.
pub(super) fn hello(nonce: Nonce, heard: bool) -> Packet {
    Packet::Hello { version: VERSION, nonce, relay: true, heard }
}

impl Relay {
    pub(super) fn hear(
        &mut self,
        end: End,
        version: u16,
        nonce: Nonce,
        heard: bool,
        batch: &mut Batch,
    ) -> Result<(), Cause> {
        let session = self.sessions.get_mut(&end).ok_or(Cause::Nonsense)?;
        if version < VERSION {
            return Err(Cause::Version);
        }
        session.theirs = Some(nonce);
        if !heard {
            batch.send(end, &hello(session.ours, true));
        }
        Ok(())
    }

    pub(super) fn prove(
        &mut self,
        now: Timestamp,
        end: End,
        proofs: &[Proof],
        batch: &mut Batch,
    ) -> Result<(), Cause> {
        if proofs.len() > MAX_PROOFS {
            return Err(Cause::Nonsense);
        }
        let mut proven = Vec::new();
        for proof in proofs {
            match self.check(end, proof, batch)? {
                Ok(()) => proven.push(proof.mailbox),
                Err(why) => self.refuse(now, end, (proof.mailbox, None), why, batch),
            }
        }
        for mailbox in &proven {
            batch.out.extend(self.mailboxes.touch(mailbox, now));
        }
        if !proven.is_empty() {
            self.sessions.get_mut(&end).ok_or(Cause::Nonsense)?.admit();
            batch.send(end, &Packet::Proven(proven));
        }
        Ok(())
    }

    /// Whether a proof is good and its mailbox open here; a good one is remembered in any case.
    fn check(
        &mut self,
        end: End,
        proof: &Proof,
        batch: &mut Batch,
    ) -> Result<Result<(), Refusal>, Cause> {
        let mailbox = proof.mailbox;
        let is_open = self.mailboxes.get(&mailbox).is_some();
        let verifier = self.peer();
        let session = self.sessions.get_mut(&end).ok_or(Cause::Nonsense)?;
        if !session.proven.contains_key(&mailbox) {
            session.owe(CHECK_COST);
            let good = session.theirs.is_some_and(|theirs| {
                let ends = Ends {
                    prover: end.1,
                    verifier,
                    prover_nonce: theirs,
                    verifier_nonce: session.ours,
                };
                ends.verify(proof) || is_planted(Planted::RelayProofUnchecked)
            });
            if !good {
                session.bad_proofs += 1;
                let too_many = session.bad_proofs >= MAX_BAD_PROOFS;
                return if too_many { Err(Cause::Nonsense) } else { Ok(Err(Refusal::Proof)) };
            }
            let mailboxes = &self.mailboxes;
            let closed = session.proven.keys().filter(|id| mailboxes.get(id).is_none());
            if session.proven.len() >= MAX_PROVEN || !is_open && closed.count() >= MAX_PROVEN_CLOSED
            {
                return Ok(Err(Refusal::Rate));
            }
            let listeners = self.listeners.entry(mailbox).or_default();
            if listeners.len() >= self.config.limits.connections_per_mailbox {
                return Ok(Err(Refusal::Full));
            }
            listeners.push(end);
        }
        let (push, listed) = (proof.push, proof.listed);
        let before = session.proven.insert(mailbox, Wish { push, listed });
        if !is_open {
            return Ok(Err(Refusal::Closed));
        }
        // Who proves again to be told otherwise is known already.
        if listed && !before.is_some_and(|wish| wish.listed) {
            batch.met.insert(mailbox);
        }
        Ok(Ok(()))
    }

    pub(super) fn open(
        &mut self,
        now: Timestamp,
        end: End,
        mailbox: MailboxId,
        (number, link): (u16, TokenLink),
        batch: &mut Batch,
    ) {
        let opened = self.try_open(now, end, mailbox, (number, link), batch);
        let newly = match opened {
            Ok(newly) => newly,
            Err(why) => return self.refuse(now, end, (mailbox, None), why, batch),
        };
        let waiting = if newly { self.listeners.get(&mailbox) } else { None };
        let waiting: Vec<End> = waiting.into_iter().flatten().copied().collect();
        for other in waiting.iter().chain([&end].into_iter().filter(|_| !newly)) {
            if let Some(session) = self.sessions.get_mut(other) {
                session.admit();
                if session.proven.get(&mailbox).is_some_and(|wish| newly && wish.listed) {
                    batch.met.insert(mailbox);
                }
                batch.send(*other, &Packet::Proven(vec![mailbox]));
            }
        }
    }

    /// Whether the mailbox was closed until now, or why it stays as it is.
    fn try_open(
        &mut self,
        now: Timestamp,
        end: End,
        mailbox: MailboxId,
        (number, link): (u16, TokenLink),
        batch: &mut Batch,
    ) -> Result<bool, Refusal> {
        let session = self.sessions.get_mut(&end).ok_or(Refusal::Proof)?;
        if !session.may_send(CHECK_COST) {
            return Err(Refusal::Rate);
        }
        session.owe(CHECK_COST);
        if !session.proven.contains_key(&mailbox) {
            return Err(Refusal::Proof);
        }
        let (token, saved) = self.tokens.admit(&link, number, now).ok_or(Refusal::Token)?;
        batch.out.extend(saved);
        let payer = self.mailboxes.get(&mailbox).map(|mailbox| mailbox.token());
        if payer.is_none_or(|payer| !self.tokens.is_active(payer, now)) {
            let held = self.tokens.get(token).map_or(0, |token| token.mailboxes);
            let share = if token == TokenId::PUBLIC { PUBLIC_SHARE } else { 1 };
            let limit = self.config.limits.mailboxes_per_token;
            if held >= limit.saturating_mul(share) {
                return Err(Refusal::Store);
            }
            if let Some(payer) = payer {
                self.tokens.drop_mailbox(payer);
            }
            self.tokens.add_mailbox(token);
            batch.out.push(self.mailboxes.open(mailbox, (token, number), now));
        }
        session.vouched = Some(Vouched { token, number });
        Ok(payer.is_none())
    }

    pub(super) fn show_card(&mut self, now: Timestamp, end: End, batch: &mut Batch) {
        let Some(session) = self.sessions.get_mut(&end) else {
            return;
        };
        session.owe(CHECK_COST);
        // Only the first time: who asks for the card again and again does not stay by it.
        if session.deadline.is_some() && !session.asked_card {
            session.asked_card = true;
            session.deadline = Some(now.plus(CARD_STAY_MS));
        }
        let (card, signature) = self.signed_card();
        let card = Bytes(card);
        batch.send(end, &Packet::Card { card, signature });
    }

    /// The card as it is shown, and this relay's signature over it.
    #[must_use]
    pub fn signed_card(&self) -> (Vec<u8>, Signature) {
        let card: &RelayCard = &self.config.card;
        let card = wire::encode(card);
        let signature = self.config.key.sign(Label::RelayCard, &CircleId::NONE, &[&card]);
        (card, Signature(signature))
    }
}
