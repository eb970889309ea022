//! Gossip among members: the fast path, never the sure one.
//!
//! An envelope that comes is held back until the machine has judged it. What the machine has no room
//! for is dropped here, since reconciliation brings it anyway.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use hearthlight_protocol::{
    boundary::{Judgement, Topic},
    crypto::sha256,
};
use libp2p::{
    PeerId,
    gossipsub::{
        Behaviour, ConfigBuilder, IdentTopic, Message, MessageAcceptance, MessageAuthenticity,
        MessageId, TopicHash, ValidationMode,
    },
};

/// Something for the swarm's gossip from the machine.
#[derive(Debug)]
pub(super) enum Command {
    /// Gossip an envelope.
    Publish(Topic, Vec<u8>),
    /// Judge one that came.
    Judge(u64, Judgement),
}

/// The gossip of one member's swarm.
pub(super) fn behaviour() -> Behaviour {
    let config = ConfigBuilder::default()
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        // Over the ciphertext, so that nobody can claim the name of another envelope.
        .message_id_fn(|message: &Message| MessageId::from(sha256(&message.data)))
        .max_transmit_size(MAX_TRANSMIT)
        // network.md 1.2: 3.0 times the minimum of bytes, where the defaults take 8.5 times.
        .mesh_n(3)
        .mesh_n_low(2)
        .mesh_n_high(5)
        .mesh_outbound_min(1)
        .gossip_lazy(2)
        .flood_publish(false)
        .prune_peers(0)
        .heartbeat_initial_delay(Duration::from_millis(200))
        .history_length(3)
        .history_gossip(2)
        .duplicate_cache_time(Duration::from_secs(60))
        .connection_handler_queue_len(QUEUE)
        .max_publish_messages(QUEUE)
        .max_control_messages_sent(QUEUE)
        .build()
        .expect("the numbers above fit each other: mesh_outbound_min <= mesh_n_low <= mesh_n");
    Behaviour::new(MessageAuthenticity::Anonymous, config).expect("anonymous is what both say")
}

/// A topic as gossipsub names it.
pub(super) fn topic(topic: &Topic) -> IdentTopic {
    IdentTopic::new(topic.0.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// The topic that gossipsub names so, if it is one of ours.
pub(super) fn named(hash: &TopicHash) -> Option<Topic> {
    let hex = hash.as_str().as_bytes();
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(hex.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    let topic = Topic(bytes);
    (self::topic(&topic).hash() == *hash).then_some(topic)
}

/// Envelopes that wait for their verdict, and how each peer behaves.
#[derive(Debug, Default)]
pub(super) struct Pending {
    last: u64,
    waiting: BTreeMap<u64, (MessageId, PeerId)>,
    conduct: HashMap<PeerId, Conduct>,
}

#[derive(Debug)]
struct Conduct {
    rejected: u32,
    tokens: f64,
    at: Instant,
}

/// A peer sends too much, or too much that is wrong: it is to be disconnected.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misbehaved;

impl Pending {
    /// Names an envelope that `source` passed on.
    pub(super) fn came(
        &mut self,
        id: MessageId,
        source: PeerId,
        now: Instant,
    ) -> Result<u64, Misbehaved> {
        let conduct = self.conduct.entry(source).or_insert_with(|| Conduct {
            rejected: 0,
            tokens: BURST,
            at: now,
        });
        let passed = now.saturating_duration_since(conduct.at).as_secs_f64();
        conduct.tokens = (conduct.tokens + passed * RATE).min(BURST) - 1.0;
        conduct.at = now;
        if conduct.tokens < 0.0 {
            return Err(Misbehaved);
        }
        self.last += 1;
        self.waiting.insert(self.last, (id, source));
        Ok(self.last)
    }

    /// The oldest that waits, if too many do.
    pub(super) fn surplus(&mut self) -> Option<(MessageId, PeerId)> {
        let oldest = (self.waiting.len() > WAITING).then(|| self.waiting.pop_first());
        oldest.flatten().map(|(_, what)| what)
    }

    /// Takes one that was judged: what it was, who passed it on, and whether that was once too often.
    pub(super) fn judged(
        &mut self,
        id: u64,
        judgement: Judgement,
    ) -> Option<(MessageId, PeerId, Result<(), Misbehaved>)> {
        let (message, source) = self.waiting.remove(&id)?;
        let mut conduct = Ok(());
        if judgement == Judgement::Reject
            && let Some(known) = self.conduct.get_mut(&source)
        {
            known.rejected += 1;
            if known.rejected >= REJECTS {
                conduct = Err(Misbehaved);
            }
        }
        Some((message, source, conduct))
    }

    /// A peer is gone.
    pub(super) fn gone(&mut self, peer: &PeerId) {
        self.conduct.remove(peer);
    }
}

/// The same in gossipsub's words.
pub(super) fn acceptance(judgement: Judgement) -> MessageAcceptance {
    match judgement {
        Judgement::Accept => MessageAcceptance::Accept,
        Judgement::Ignore => MessageAcceptance::Ignore,
        Judgement::Reject => MessageAcceptance::Reject,
    }
}

/// Bytes of one gossip message: envelopes go up to 32 KiB, larger ones are fetched.
pub(super) const MAX_TRANSMIT: usize = 48 << 10;
/// Messages that may wait for one peer: 6 MiB of the largest.
const QUEUE: usize = 128;
/// Envelopes that may wait for a verdict.
const WAITING: usize = 1024;
/// Messages a second of one peer; keeps the duplicate cache below 12,000 ids a peer (a guess).
const RATE: f64 = 200.0;
/// Messages at once of one peer (a guess).
const BURST: f64 = 2_000.0;
/// Rejected envelopes after which a peer is disconnected (a guess).
const REJECTS: u32 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u32) -> MessageId {
        MessageId::from(n.to_be_bytes().to_vec())
    }

    #[test]
    fn a_topic_is_named_in_hex_and_found_again() {
        let topic = Topic(std::array::from_fn(|i| u8::try_from(i * 7).expect("small")));
        assert_eq!(named(&self::topic(&topic).hash()), Some(topic));
        assert_eq!(named(&TopicHash::from_raw("00")), None);
        assert_eq!(named(&TopicHash::from_raw("é".repeat(32))), None);
    }

    #[test]
    fn verdicts_that_are_waited_for_are_bounded() {
        let mut pending = Pending::default();
        let peer = PeerId::random();
        for n in 0..1024 {
            pending.came(id(n), peer, Instant::now()).expect("within the burst");
        }
        assert_eq!(pending.surplus(), None);
        pending.came(id(1024), peer, Instant::now()).expect("within the burst");
        assert_eq!(pending.surplus(), Some((id(0), peer)));
        assert!(pending.judged(1, Judgement::Accept).is_none(), "given up");
        assert!(pending.judged(2, Judgement::Accept).is_some());
    }

    #[test]
    fn who_sends_too_much_is_disconnected() {
        let mut pending = Pending::default();
        let (peer, now) = (PeerId::random(), Instant::now());
        let sent = (0..).take_while(|n| pending.came(id(*n), peer, now).is_ok()).count();
        assert_eq!(sent, 2_000);
        let later = now + Duration::from_secs(1);
        assert!(pending.came(id(9_999), peer, later).is_ok());
        assert!(pending.came(id(9_999), PeerId::random(), now).is_ok(), "others are not");
    }

    #[test]
    fn who_passes_on_what_is_rejected_is_disconnected() {
        let mut pending = Pending::default();
        let peer = PeerId::random();
        for n in 1..=REJECTS {
            let name = pending.came(id(n), peer, Instant::now()).expect("few");
            let (_, _, conduct) = pending.judged(name, Judgement::Reject).expect("waits");
            assert_eq!(conduct.is_err(), n == REJECTS);
        }
    }
}
