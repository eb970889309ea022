//! A relay under a script: three connections that keep to the protocol as far as it pleases them.

use hearthlight_protocol::boundary::{Env, Input, Link, Output, Timestamp};
use hearthlight_protocol::crypto::KeyPair;
use hearthlight_protocol::envelope::Envelope;
use hearthlight_protocol::identity::{EnvelopeId, MailboxId, Nonce, Peer};
use hearthlight_protocol::mailbox::{Ends, MAX_FRAME, Packet, Round};
use hearthlight_protocol::relay::token::chain;
use hearthlight_protocol::relay::{Grant, Limits, Relay, RelayConfig};
use hearthlight_protocol::wire::{self, Bytes};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::script::Script;
use crate::store::MemoryStore;
use crate::world::BEGINNING;

const STEPS: usize = 64;
const LINK: Link = Link(0);
const TOKEN: [u8; 16] = [7; 16];
const PEERS: usize = 3;
const MAILBOXES: usize = 3;
/// Links that Mallory has; Anna's is newer.
const LINKS: usize = 60;
/// Whoever is last: an honest member, for whom the relay has to be there.
const ANNA: usize = PEERS;
const CONNECTIONS: usize = 8;
const STORE: u64 = 1 << 20;

struct Fuzzed {
    relay: Relay,
    config: RelayConfig,
    store: MemoryStore,
    rng: ChaCha20Rng,
    now: Timestamp,
    pairs: Vec<KeyPair>,
    theirs: [Nonce; PEERS + 1],
    ids: Vec<EnvelopeId>,
    heard: Vec<Packet>,
}

/// P7, H-1, H-2, H-4: whatever strangers and holders of keys say, the relay stands, sends what can be
/// read, does nothing but save, erase, send and shut, comes back from its disk, and serves Anna.
pub(super) fn script(bytes: &[u8]) {
    let mut world = Fuzzed::new();
    let mut script = Script::new(bytes);
    for _ in 0..STEPS {
        if script.is_over() {
            break;
        }
        world.step(&mut script);
    }
    world.serves_anna();
    world.restart();
    world.serves_anna();
}

impl Fuzzed {
    fn new() -> Self {
        let limits = Limits {
            connections: CONNECTIONS,
            connections_per_mailbox: 4,
            store_per_token: STORE,
            ..Limits::default()
        };
        let config = RelayConfig { limits, ..RelayConfig::new(&[42; 32]) };
        let (store, mut rng) = (MemoryStore::default(), ChaCha20Rng::seed_from_u64(1));
        let relay = restore(&store, &mut rng, BEGINNING, &config);
        let pairs = (1..=4).map(|seed| KeyPair::from_seed(&[seed; 32])).collect();
        let mut world = Self {
            relay,
            config,
            store,
            rng,
            now: BEGINNING,
            pairs,
            theirs: [Nonce([0; 16]); PEERS + 1],
            ids: vec![EnvelopeId([0; 32])],
            heard: Vec::new(),
        };
        let grant =
            Grant { link: chain(&TOKEN, 0), label: String::new(), quota: None, expires: None };
        let (_, outputs) = world.relay.add_token(grant, world.now).expect("there is room");
        world.carry_out(&outputs, ANNA);
        world
    }

    fn step(&mut self, script: &mut Script<'_>) {
        let (who, at) = (script.below(PEERS), script.below(MAILBOXES));
        let mailbox = self.mailbox(at);
        match script.byte() % 14 {
            0 => self.up(who),
            1 => self.handle(vec![Input::Down { link: LINK, peer: peer(who) }], who),
            2 => {
                let version = u16::from(script.byte() % 3);
                let (relay, heard) = (script.flag(), script.flag());
                self.say(who, &Packet::Hello { version, nonce: nonce(who), relay, heard });
            }
            3 => {
                let proof = self.ends(who).prove(&self.pairs[at], script.flag(), script.flag());
                self.say(who, &Packet::Prove(vec![proof; 1 + script.below(3)]));
            }
            4 => {
                let number = script.below(LINKS) as u16;
                let link = chain(&TOKEN, number);
                let number = if script.byte() == 1 { u16::MAX } else { number };
                self.say(who, &Packet::Open { mailbox, number, link });
            }
            5 => self.put(who, at, script),
            6 => {
                let envelopes = vec![Bytes(script.chunk().to_vec())];
                self.say(who, &Packet::Put { mailbox, envelopes });
            }
            7 => {
                let ids = (0..script.below(8)).filter_map(|_| script.one_of(&self.ids)).collect();
                self.say(who, &Packet::Get { mailbox, ids });
            }
            8 => {
                let round = Round { attempt: number(script), number: number(script) };
                let bytes = Bytes(script.chunk().to_vec());
                self.say(who, &Packet::Reconcile { mailbox, round, bytes });
            }
            9 => {
                let round = Round { attempt: 1, number: u32::from(script.byte()) };
                let bytes = Bytes([&[0x61], script.chunk()].concat());
                self.say(who, &Packet::Reconcile { mailbox, round, bytes });
            }
            10 => self.frame(who, script.chunk().to_vec()),
            11 => {
                self.now = self.now.plus(1 << (script.byte() % 32));
                self.handle(Vec::new(), who);
            }
            12 => self.say(who, &Packet::CardAsk),
            _ => self.restart(),
        }
        self.heard.clear();
    }

    fn put(&mut self, who: usize, at: usize, script: &mut Script<'_>) {
        let (mailbox, many) = (self.mailbox(at), 1 + script.below(3));
        let size = 1 << (script.byte() % 17);
        let now =
            Timestamp(self.now.0.saturating_add_signed((i64::from(script.byte()) - 128) << 25));
        let seal = |rng: &mut ChaCha20Rng| {
            Envelope::seal(&[1; 32], &mailbox, now, &vec![0; size], rng).expect("it fits")
        };
        let envelopes: Vec<Envelope> = (0..many).map(|_| seal(&mut self.rng)).collect();
        self.ids.extend(envelopes.iter().map(|envelope| envelope.id(&mailbox)));
        let envelopes = envelopes.into_iter().map(|it| Bytes(it.into_bytes())).collect();
        self.say(who, &Packet::Put { mailbox, envelopes });
    }

    fn up(&mut self, who: usize) {
        let (link, peer) = (LINK, peer(who));
        self.handle(vec![Input::Up { link, peer, me: Peer([0; 32]), relay: false }], who);
        for packet in self.heard.drain(..) {
            if let Packet::Hello { nonce, .. } = packet {
                self.theirs[who] = nonce;
            }
        }
    }

    fn say(&mut self, who: usize, packet: &Packet) {
        self.frame(who, wire::encode(packet));
    }

    fn frame(&mut self, who: usize, bytes: Vec<u8>) {
        self.handle(vec![Input::Frame { link: LINK, peer: peer(who), bytes }], who);
    }

    fn handle(&mut self, inputs: Vec<Input>, who: usize) {
        let mut env = Env { now: self.now, rng: &mut self.rng, store: &self.store };
        let outputs = self.relay.handle(&mut env, inputs);
        self.carry_out(&outputs, who);
        let status = self.relay.status(self.now);
        assert!(status.connections <= CONNECTIONS && status.stored_bytes <= STORE);
    }

    fn carry_out(&mut self, outputs: &[Output], who: usize) {
        self.store.apply(outputs);
        for output in outputs {
            match output {
                Output::Send { bytes, peer: to, .. } => {
                    assert!(bytes.len() <= MAX_FRAME);
                    let packet = wire::decode(bytes).expect("a relay speaks well");
                    if *to == peer(who) {
                        self.heard.push(packet);
                    }
                }
                Output::Save(..) | Output::Erase(_) | Output::Disconnect { .. } => {}
                other => panic!("a relay does not {other:?}"),
            }
        }
    }

    fn restart(&mut self) {
        self.relay = restore(&self.store, &mut self.rng, self.now, &self.config);
        self.handle(Vec::new(), ANNA);
    }

    /// Anna's board and her newer link: she puts, and gets what she put.
    fn serves_anna(&mut self) {
        for who in 0..PEERS {
            self.handle(vec![Input::Down { link: LINK, peer: peer(who) }], who);
        }
        // What others sent in this minute is behind.
        self.now = self.now.plus(60_000);
        self.up(ANNA);
        self.say(
            ANNA,
            &Packet::Hello { version: 1, nonce: nonce(ANNA), relay: false, heard: true },
        );
        let (mailbox, number) = (self.mailbox(MAILBOXES), LINKS as u16);
        let proof = self.ends(ANNA).prove(&self.pairs[MAILBOXES], false, true);
        self.say(ANNA, &Packet::Prove(vec![proof]));
        self.say(ANNA, &Packet::Open { mailbox, number, link: chain(&TOKEN, number) });
        let sealed = Envelope::seal(&[1; 32], &mailbox, self.now, b"hello", &mut self.rng);
        let envelope = sealed.expect("it is short");
        let (ids, bytes) = (vec![envelope.id(&mailbox)], Bytes(envelope.into_bytes()));
        self.heard.clear();
        self.say(ANNA, &Packet::Put { mailbox, envelopes: vec![bytes.clone()] });
        let full = self.relay.status(self.now).stored_bytes + 512 > STORE;
        let kept = self.heard.contains(&Packet::Stored { mailbox, ids: ids.clone() });
        assert!(kept || full, "{:?}", self.heard);
        self.heard.clear();
        self.say(ANNA, &Packet::Get { mailbox, ids });
        let given = Packet::Give { mailbox, envelopes: vec![bytes] };
        assert!(self.heard.contains(&given) || full, "{:?}", self.heard);
        self.handle(vec![Input::Down { link: LINK, peer: peer(ANNA) }], ANNA);
    }

    fn mailbox(&self, at: usize) -> MailboxId {
        MailboxId(self.pairs[at].public())
    }

    fn ends(&self, who: usize) -> Ends {
        Ends {
            prover: peer(who),
            verifier: self.relay.peer(),
            prover_nonce: nonce(who),
            verifier_nonce: self.theirs[who],
        }
    }
}

fn restore(
    store: &MemoryStore,
    rng: &mut ChaCha20Rng,
    now: Timestamp,
    config: &RelayConfig,
) -> Relay {
    Relay::restore(&mut Env { now, rng, store }, config.clone()).expect("its own store is whole")
}

fn peer(who: usize) -> Peer {
    Peer([who as u8 + 1; 32])
}

fn nonce(who: usize) -> Nonce {
    Nonce([who as u8 + 1; 16])
}

fn number(script: &mut Script<'_>) -> u32 {
    u32::try_from(script.number()).unwrap_or(u32::MAX)
}

/// H-4: a relay whose clock jumps to `at`, and back.
pub fn relay_at_an_end_of_time(at: Timestamp) {
    let mut world = Fuzzed::new();
    world.serves_anna();
    let before = std::mem::replace(&mut world.now, at);
    world.up(0);
    world.say(0, &Packet::Hello { version: 1, nonce: nonce(0), relay: false, heard: true });
    let proof = world.ends(0).prove(&world.pairs[0], true, true);
    world.say(0, &Packet::Prove(vec![proof]));
    let (mailbox, link) = (world.mailbox(0), chain(&TOKEN, LINKS as u16));
    world.say(0, &Packet::Open { mailbox, number: LINKS as u16, link });
    world.restart();
    world.now = before;
    world.restart();
    world.serves_anna();
}
