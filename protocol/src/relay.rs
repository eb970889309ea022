//! The machine of a relay: it keeps envelopes for whoever proves a mailbox's key, and can open none.
//!
//! A relay knows three things: **tokens**, which its operator hands to hosts of circles and which pay
//! for what is stored; **mailboxes**, which a link of a token opens; and **sessions**, the
//! connections that stand. Whoever proves a mailbox's key on a connection may put, get and
//! reconcile there, and is told what is new. It knows no circle and no member.
//!
//! A connection that once showed a valid link is *vouched for*: what it puts is charged to that token,
//! in whichever mailbox it has proven. From all others a mailbox takes little (U-140): that is how a
//! newcomer reaches the rendezvous of an invite.
//!
//! A mailbox that was opened with a link from before a removal is *old* once the newest link is a day old.
//! From a connection without the newest link it takes little, and what that drops is its own.
//!
//! It keeps what it accepted until its age is over (U-163), and nothing else about anybody.

mod door;
mod mailboxes;
mod quota;
mod remains;
mod session;
mod shelf;
pub mod token;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use quota::{Limits, REFUSALS};
pub use token::{Grant, TokenId, TokenState, TokenView};

use crate::boundary::{
    Cause, DAY_MS, Env, HOUR_MS, Input, Key, Link, Output, RelayCard, Room, Store, Timestamp,
};
use crate::crypto::{KeyPair, Label, random, verify};
use crate::error::RestoreError;
use crate::identity::{CircleId, EnvelopeId, MailboxId, Nonce, Peer, Signature};
use crate::mailbox::{Packet, Refusal};
use crate::planted::{Planted, is_planted};
use crate::wire;
use mailboxes::Mailboxes;
use quota::{Bucket, Tally};
use session::Session;
use token::Tokens;

/// What an operator sets.
#[derive(Clone, Debug)]
pub struct RelayConfig {
    /// The relay's lasting key: its public half is the [`Peer`] that members know.
    pub key: KeyPair,
    /// What it says about itself.
    pub card: RelayCard,
    /// How much it takes.
    pub limits: Limits,
    /// Whether mailboxes are opened without a token.
    pub public: bool,
}

impl RelayConfig {
    /// A relay with the usual limits and an empty card, and the key that grows from `seed`.
    #[must_use]
    pub fn new(seed: &[u8; 32]) -> Self {
        Self {
            key: KeyPair::from_seed(seed),
            card: RelayCard::default(),
            limits: Limits::default(),
            public: false,
        }
    }
}

/// A relay.
pub struct Relay {
    config: RelayConfig,
    tokens: Tokens,
    mailboxes: Mailboxes,
    sessions: BTreeMap<End, Session>,
    /// Who proved a mailbox, open or not, the newest last.
    listeners: BTreeMap<MailboxId, Vec<End>>,
    /// New envelopes that are announced together, and when.
    unannounced: BTreeMap<(End, MailboxId), Vec<EnvelopeId>>,
    announce_at: Option<Timestamp>,
    /// What all peers together may send, and be sent.
    flow_in: Bucket,
    flow_out: Bucket,
    tally: Tally,
    sweep_at: Timestamp,
    /// Rows that were found damaged at the start.
    damaged: Vec<Key>,
}

/// One end of a connection.
type End = (Link, Peer);

/// Counts, and nothing that names anybody (U-82, U-165).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayStatus {
    /// Connections that stand.
    pub connections: usize,
    /// Open mailboxes.
    pub mailboxes: usize,
    /// Active tokens.
    pub tokens: usize,
    /// Envelopes kept.
    pub envelopes: usize,
    /// Bytes of them.
    pub stored_bytes: u64,
    /// Bytes that there is room for.
    pub limit_bytes: u64,
    /// Age of the oldest envelope in seconds, to the hour.
    pub oldest_s: Option<u64>,
    /// Refusals within the last hour.
    pub refused_hour: u64,
    /// Envelopes accepted since the start.
    pub accepted: u64,
    /// Envelopes served since the start.
    pub served: u64,
    /// Envelopes that came to their age since the start.
    pub expired: u64,
    /// Steps of reconciliation since the start.
    pub reconcile_rounds: u64,
    /// Refusals since the start by their word (U-163).
    pub refused: Vec<(&'static str, u64)>,
}

/// What one call of [`Relay::handle`] gathers.
#[derive(Debug, Default)]
struct Batch {
    out: Vec<Output>,
    /// Where in `out` an envelope is that this batch saves.
    saved: BTreeMap<(MailboxId, EnvelopeId), usize>,
    stored: BTreeMap<(End, MailboxId), Vec<EnvelopeId>>,
    /// New envelopes of a mailbox, and who brought them.
    fresh: BTreeMap<MailboxId, Vec<(EnvelopeId, End)>>,
    /// Mailboxes that somebody listed came to.
    met: BTreeSet<MailboxId>,
    shut: BTreeSet<End>,
}

impl Batch {
    fn send(&mut self, (link, peer): End, packet: &Packet) {
        let bytes = wire::encode(packet);
        self.out.push(Output::Send { link, peer, bytes });
    }
}

/// How long a connection may take to show what it is here for (U-162).
const ADMISSION_MS: u64 = 5_000;
/// How long a connection may stay that only asked for the card.
const CARD_STAY_MS: u64 = 60_000;
/// Rows erased in one batch.
const SWEEP: usize = 1_000;
/// How long new ids are gathered for who is not pushed to: a frame costs 75 bytes beside its ids of 34.
const GATHER_MS: u64 = 100;
/// Pause between two batches of a sweep, so that members are served meanwhile.
const SWEEP_PAUSE_MS: u64 = 50;
/// Rows of tokens and mailboxes read at once.
const SCAN: usize = 512;

impl Relay {
    /// The machine as it was saved. Call [`Self::handle`] with no input at once afterwards.
    ///
    /// Reads every envelope once to count it; a damaged one is dropped and erased.
    ///
    /// # Errors
    /// [`RestoreError::Damaged`] if a token or mailbox cannot be read.
    pub fn restore(env: &mut Env<'_>, config: RelayConfig) -> Result<Self, RestoreError> {
        let (now, limits) = (env.now, config.limits);
        let mut relay = Self {
            tokens: Tokens::default(),
            mailboxes: Mailboxes::default(),
            sessions: BTreeMap::new(),
            listeners: BTreeMap::new(),
            unannounced: BTreeMap::new(),
            announce_at: None,
            flow_in: Bucket::full(now, limits.bytes_per_second),
            flow_out: Bucket::full(now, limits.bytes_per_second),
            tally: Tally::default(),
            sweep_at: now,
            damaged: Vec::new(),
            config,
        };
        let tokens = &mut relay.tokens;
        for_each_row(env.store, Room::Tokens, |place, bytes| tokens.restore(place, bytes))?;
        tokens.open_to_all(relay.config.public, now);
        let (mailboxes, damaged) = (&mut relay.mailboxes, &mut relay.damaged);
        for_each_row(env.store, Room::Mailboxes, |place, bytes| {
            let charge = |kept: &mailboxes::Kept| tokens.charge(kept.token, u64::from(kept.size));
            let token =
                mailboxes.restore(env.store, place, bytes, charge, |key| damaged.push(key))?;
            tokens.add_mailbox(token);
            Some(())
        })?;
        Ok(relay)
    }

    /// Takes all inputs that came, gives one atomic batch.
    pub fn handle(&mut self, env: &mut Env<'_>, inputs: Vec<Input>) -> Vec<Output> {
        let mut batch = Batch::default();
        batch.out.extend(self.damaged.drain(..).map(Output::Erase));
        for flow in [&mut self.flow_in, &mut self.flow_out] {
            flow.refill(env.now, self.config.limits.bytes_per_second);
        }
        for input in inputs {
            match input {
                Input::Up { link, peer, .. } => self.up(env, (link, peer), &mut batch),
                Input::Down { link, peer } => self.forget((link, peer)),
                Input::Frame { link, peer, bytes } => {
                    let end = (link, peer);
                    if batch.shut.contains(&end) {
                        continue;
                    }
                    if let Err(cause) = self.frame(env, end, &bytes, &mut batch) {
                        self.shut(end, cause, &mut batch);
                    }
                }
                // A relay dials nobody, gossips nothing, and takes no commands of persons.
                Input::Unreachable { .. } | Input::Gossip { .. } | Input::Command { .. } => {}
            }
        }
        self.tell(env.now, &mut batch);
        self.announce(env.now, &mut batch);
        self.shut_late(env.now, &mut batch);
        self.sweep(env.now, &mut batch);
        batch.out
    }

    /// When to call [`Self::handle`] again at the latest.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        let deadlines = self.sessions.values().filter_map(|session| session.deadline);
        deadlines.chain(self.announce_at).chain([self.sweep_at]).min()
    }

    /// The key that members know this relay by.
    #[must_use]
    pub fn peer(&self) -> Peer {
        Peer(self.config.key.public())
    }

    /// Counts.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> RelayStatus {
        let age = |hour: u32| u64::from(now.hour().saturating_sub(hour)) * (HOUR_MS / 1000);
        RelayStatus {
            connections: self.sessions.len(),
            mailboxes: self.mailboxes.len(),
            tokens: self.tokens.active(now),
            envelopes: self.mailboxes.envelopes(),
            stored_bytes: self.mailboxes.bytes(),
            limit_bytes: self.config.limits.store,
            oldest_s: self.mailboxes.oldest().map(age),
            refused_hour: self.tally.refused_hour(now),
            accepted: self.tally.accepted,
            served: self.tally.served,
            expired: self.tally.expired,
            reconcile_rounds: self.tally.rounds,
            refused: self.tally.refused_by_word(),
        }
    }

    /// All tokens, the oldest first.
    #[must_use]
    pub fn tokens(&self, now: Timestamp) -> Vec<TokenView> {
        self.tokens.views(now, self.config.limits.store_per_token)
    }

    /// Adds a token; `None` if there are [`token::MAX_TOKENS`]. To be committed like any batch.
    pub fn add_token(&mut self, grant: Grant, now: Timestamp) -> Option<(TokenId, Vec<Output>)> {
        self.tokens.add(grant, now)
    }

    /// Takes a token back; `None` if there is none of that name. To be committed like any batch.
    ///
    /// Its connections are closed; what it stored can be fetched until its age is over (U-83).
    pub fn revoke_token(&mut self, id: TokenId, now: Timestamp) -> Option<Vec<Output>> {
        let mut batch = Batch::default();
        batch.out.push(self.tokens.revoke(id, now)?);
        let vouched =
            self.sessions.iter().filter(|(_, s)| s.vouched.is_some_and(|by| by.token == id));
        let vouched: Vec<End> = vouched.map(|(end, _)| *end).collect();
        for end in vouched {
            self.shut(end, Cause::Revoked, &mut batch);
        }
        Some(batch.out)
    }

    /// Takes new limits and a new card; the key stays. Call [`Self::handle`] afterwards.
    pub fn reconfigure(&mut self, config: RelayConfig, now: Timestamp) {
        let key = self.config.key.clone();
        self.config = RelayConfig { key, ..config };
        self.tokens.open_to_all(self.config.public, now);
        self.sweep_at = now;
    }

    fn up(&mut self, env: &mut Env<'_>, end: End, batch: &mut Batch) {
        if self.sessions.len() >= self.config.limits.connections {
            return self.shut(end, Cause::Excess, batch);
        }
        self.forget(end);
        let nonce = Nonce(random(env.rng));
        let deadline = env.now.plus(ADMISSION_MS);
        let rate = self.config.limits.bytes_per_second_peer;
        self.sessions.insert(end, Session::new(nonce, env.now, deadline, rate));
        batch.send(end, &door::hello(nonce, false));
    }

    fn frame(
        &mut self,
        env: &Env<'_>,
        end: End,
        bytes: &[u8],
        batch: &mut Batch,
    ) -> Result<(), Cause> {
        let rate = self.config.limits.bytes_per_second_peer;
        // Not up, or this machine was restored meanwhile: the far end begins anew.
        let session = self.sessions.get_mut(&end).ok_or(Cause::Nonsense)?;
        session.refill(env.now, rate);
        session.owe(FRAME_COST);
        let packet: Packet = wire::decode(bytes).ok_or(Cause::Nonsense)?;
        if !matches!(packet, Packet::Put { .. }) {
            session.owe(bytes.len());
        }
        match packet {
            Packet::Hello { version, nonce, heard, .. } => {
                self.hear(end, version, nonce, heard, batch)?;
            }
            Packet::Prove(proofs) => self.prove(env.now, end, &proofs, batch)?,
            Packet::Open { mailbox, number, link } => {
                self.open(env.now, end, mailbox, (number, link), batch);
            }
            Packet::Put { mailbox, envelopes } => {
                self.put(env.now, end, mailbox, envelopes, batch)?;
            }
            Packet::Get { mailbox, ids } => self.get(env, end, mailbox, &ids, batch)?,
            Packet::Reconcile { mailbox, round, bytes } => {
                self.reconcile(env.now, end, mailbox, (round, &bytes.0), batch)?;
            }
            Packet::CardAsk => self.show_card(env.now, end, batch),
            // What relays and members say to members.
            Packet::Proven(_)
            | Packet::Refused { .. }
            | Packet::Stored { .. }
            | Packet::Announce { .. }
            | Packet::Give { .. }
            | Packet::Gone { .. }
            | Packet::Reconciled { .. }
            | Packet::Peers { .. }
            | Packet::Card { .. } => {}
        }
        let flooded = self.sessions.get(&end).is_some_and(|s| s.is_flooding(rate));
        if flooded { Err(Cause::Excess) } else { Ok(()) }
    }

    fn refuse(
        &mut self,
        now: Timestamp,
        end: End,
        (mailbox, id): (MailboxId, Option<EnvelopeId>),
        why: Refusal,
        batch: &mut Batch,
    ) {
        self.tally.refuse(why, now);
        batch.send(end, &Packet::Refused { mailbox, id, why });
    }

    /// Closes a connection and forgets it at once, so that nothing more is sent to it.
    fn shut(&mut self, end: End, cause: Cause, batch: &mut Batch) {
        self.forget(end);
        batch.shut.insert(end);
        let (link, peer) = end;
        batch.out.push(Output::Disconnect { link, peer, cause });
    }

    fn forget(&mut self, end: End) {
        let Some(session) = self.sessions.remove(&end) else {
            return;
        };
        self.unannounced.retain(|(of, _), _| *of != end);
        for mailbox in session.proven.keys() {
            if let Some(listeners) = self.listeners.get_mut(mailbox) {
                listeners.retain(|other| *other != end);
                if listeners.is_empty() {
                    self.listeners.remove(mailbox);
                }
            }
        }
    }

    /// U-162: closes connections that never showed what they are here for.
    fn shut_late(&mut self, now: Timestamp, batch: &mut Batch) {
        let late = self.sessions.iter().filter(|(_, session)| session.is_late(now));
        let late: Vec<End> = late.map(|(end, _)| *end).collect();
        for end in late {
            self.shut(end, Cause::Idle, batch);
        }
    }

    /// Erases what came to its age, and what nobody has used for as long, once an hour.
    fn sweep(&mut self, now: Timestamp, batch: &mut Batch) {
        if now < self.sweep_at {
            return;
        }
        let limits = self.config.limits;
        let most = if is_planted(Planted::RelayKeepsAll) { 0 } else { SWEEP };
        let expired = self.mailboxes.expired(limits.first_hour(now), most);
        let unfinished = expired.len() == SWEEP;
        for (mailbox, id) in expired {
            self.lose(mailbox, id, batch);
            self.tally.expired += 1;
        }
        if unfinished {
            self.sweep_at = now.plus(SWEEP_PAUSE_MS);
            return;
        }
        let age_days = u32::try_from(limits.age_ms / DAY_MS).unwrap_or(u32::MAX);
        let since = now.day().saturating_sub(age_days);
        let listeners = &self.listeners;
        let closed = self.mailboxes.close_unused(since, |id| listeners.contains_key(id));
        for (key, token) in closed {
            self.tokens.drop_mailbox(token);
            batch.out.push(Output::Erase(key));
        }
        batch.out.extend(self.tokens.sweep(now, limits.age_ms));
        self.sweep_at = Timestamp(now.0 - now.0 % HOUR_MS).plus(HOUR_MS);
    }
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay")
            .field("sessions", &self.sessions.len())
            .field("mailboxes", &self.mailboxes.len())
            .finish_non_exhaustive()
    }
}

/// What each frame costs its sender beside its bytes: a guess at the work that any frame makes.
const FRAME_COST: usize = 256;

/// The card that a relay with this key signed; `None` if it did not, or it cannot be read.
#[must_use]
pub fn read_card(key: &Peer, card: &[u8], signature: &Signature) -> Option<RelayCard> {
    let good = verify(&key.0, &signature.0, Label::RelayCard, &CircleId::NONE, &[card]);
    good.then(|| wire::decode(card))?
}

fn for_each_row(
    store: &dyn Store,
    room: Room,
    mut take: impl FnMut(&[u8], &[u8]) -> Option<()>,
) -> Result<(), RestoreError> {
    let mut from = Vec::new();
    loop {
        let rows = store.scan(room, &[0; 32], &from, false, SCAN);
        let Some((last, _)) = rows.last() else {
            return Ok(());
        };
        from = [last, &[0][..]].concat();
        for (place, bytes) in &rows {
            take(place, bytes).ok_or(RestoreError::Damaged)?;
        }
    }
}
