//! A relay between a few fake members, over a store in memory.

use std::collections::BTreeMap;

use negentropy::{Id, Negentropy, NegentropyStorageVector};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::shelf::{STRANGER_BYTES, STRANGERS_AN_HOUR};
use super::token::chain;
use super::*;
use crate::boundary::Value;
use crate::crypto::Secret;
use crate::envelope::Envelope;
use crate::identity::TokenLink;
use crate::mailbox::{BATCH_BYTES, Ends, MAX_PROOFS, MAX_ROUNDS, Proof, Round};
use crate::wire::Bytes;

const LINK: Link = Link(0);
/// The relay's own key on a connection; it knows that by itself.
const HOPE: Peer = Peer([0; 32]);
const TOKEN: [u8; 16] = [7; 16];
/// 2026-11-25 12:00 UTC.
const NOON: Timestamp = Timestamp(1_795_608_000_000);

/// A store in memory.
#[derive(Default)]
struct Disk(BTreeMap<Key, Vec<u8>>);

impl Store for Disk {
    fn get(&self, key: &Key) -> Option<Vec<u8>> {
        self.0.get(key).cloned()
    }

    fn scan(
        &self,
        room: Room,
        owner: &[u8; 32],
        from: &[u8],
        backwards: bool,
        limit: usize,
    ) -> Vec<(Vec<u8>, Vec<u8>)> {
        assert!(!backwards, "a relay reads forwards");
        let (owner, place) = (*owner, from.to_vec());
        let rows = self.0.range(Key { room, owner, place }..);
        rows.take_while(|(key, _)| key.room == room && key.owner == owner)
            .take(limit)
            .map(|(key, bytes)| (key.place.clone(), bytes.clone()))
            .collect()
    }

    fn secrets(&self) -> Vec<(crate::boundary::KeySlot, Secret)> {
        Vec::new()
    }
}

/// A relay with its disk, and what it sent to whom.
struct World {
    disk: Disk,
    rng: ChaCha20Rng,
    now: Timestamp,
    config: RelayConfig,
    relay: Relay,
    inbox: BTreeMap<Peer, Vec<Packet>>,
    shut: Vec<Peer>,
    causes: Vec<Cause>,
}

/// One connection of a member.
#[derive(Clone, Copy)]
struct Fake {
    peer: Peer,
    nonce: Nonce,
    theirs: Nonce,
}

impl World {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        let mut config = RelayConfig::new(&[42; 32]);
        config.limits = limits;
        config.card.operator = "Hope".to_owned();
        let (disk, mut rng) = (Disk::default(), ChaCha20Rng::seed_from_u64(1));
        let relay = restore(&disk, &mut rng, NOON, &config);
        let mut world = Self {
            disk,
            rng,
            now: NOON,
            config,
            relay,
            inbox: BTreeMap::new(),
            shut: vec![],
            causes: vec![],
        };
        world.wake();
        world.add_token(None, None);
        world
    }

    fn add_token(&mut self, quota: Option<u64>, expires: Option<Timestamp>) -> TokenId {
        let grant = Grant { link: chain(&TOKEN, 0), label: "Test".to_owned(), quota, expires };
        let (id, out) = self.relay.add_token(grant, self.now).expect("there is room");
        self.carry_out(out);
        id
    }

    fn restart(&mut self) {
        self.relay = restore(&self.disk, &mut self.rng, self.now, &self.config);
        self.inbox.clear();
        self.wake();
    }

    fn handle(&mut self, inputs: Vec<Input>) {
        let (now, rng, store) = (self.now, &mut self.rng, &self.disk);
        let out = self.relay.handle(&mut Env { now, rng, store }, inputs);
        self.carry_out(out);
    }

    fn wake(&mut self) {
        self.handle(Vec::new());
    }

    fn pass(&mut self, ms: u64) {
        self.now = self.now.plus(ms);
        self.wake();
    }

    fn carry_out(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Save(key, Value { bytes, .. }) => drop(self.disk.0.insert(key, bytes)),
                Output::Erase(key) => drop(self.disk.0.remove(&key)),
                Output::Send { peer, bytes, .. } => {
                    let packet = wire::decode(&bytes).expect("a relay speaks well");
                    self.inbox.entry(peer).or_default().push(packet);
                }
                Output::Disconnect { peer, cause, .. } => {
                    self.shut.push(peer);
                    self.causes.push(cause);
                }
                other => panic!("a relay does not {other:?}"),
            }
        }
    }

    fn say(&mut self, who: &Fake, packet: &Packet) -> Vec<Packet> {
        let (link, peer, bytes) = (LINK, who.peer, wire::encode(packet));
        self.inbox.remove(&peer);
        self.handle(vec![Input::Frame { link, peer, bytes }]);
        self.heard(who)
    }

    fn heard(&mut self, who: &Fake) -> Vec<Packet> {
        self.inbox.remove(&who.peer).unwrap_or_default()
    }

    fn connect(&mut self, number: u8) -> Fake {
        let (link, peer) = (LINK, Peer([number; 32]));
        let (me, relay) = (HOPE, false);
        self.inbox.remove(&peer);
        self.handle(vec![Input::Up { link, peer, me, relay }]);
        let heard = self.inbox.remove(&peer).unwrap_or_default();
        let [Packet::Hello { nonce: theirs, .. }] = heard[..] else {
            panic!("a relay greets with one hello, not {heard:?}");
        };
        let nonce = Nonce([number; 16]);
        let fake = Fake { peer, nonce, theirs };
        assert_eq!(self.say(&fake, &hello(nonce, true)), []);
        fake
    }

    fn proof(&self, who: &Fake, pair: &KeyPair) -> Proof {
        self.proof_as(who, pair, (false, true))
    }

    fn proof_as(&self, who: &Fake, pair: &KeyPair, (push, listed): (bool, bool)) -> Proof {
        let ends = Ends {
            prover: who.peer,
            verifier: self.relay.peer(),
            prover_nonce: who.nonce,
            verifier_nonce: who.theirs,
        };
        ends.prove(pair, push, listed)
    }

    /// Connects, proves the mailbox and opens it with the token's first link.
    fn host(&mut self, number: u8, pair: &KeyPair) -> Fake {
        let who = self.connect(number);
        let proof = self.proof(&who, pair);
        let _ = self.say(&who, &Packet::Prove(vec![proof]));
        let heard = self.say(&who, &open(pair, 0));
        assert_eq!(heard[0], Packet::Proven(vec![id(pair)]));
        who
    }

    /// Connects and proves the mailbox, without a token.
    fn stranger(&mut self, number: u8, pair: &KeyPair) -> Fake {
        let who = self.connect(number);
        let proof = self.proof(&who, pair);
        let heard = self.say(&who, &Packet::Prove(vec![proof]));
        assert_eq!(heard[0], Packet::Proven(vec![id(pair)]));
        who
    }

    /// An envelope of the smallest size that has room for `size` bytes.
    fn envelope(&mut self, size: usize) -> Envelope {
        let text = vec![0; size - 49];
        let now = self.now;
        Envelope::seal(&[1; 32], &MailboxId([0; 32]), now, &text, &mut self.rng).expect("it fits")
    }

    fn put(&mut self, who: &Fake, pair: &KeyPair, size: usize) -> (EnvelopeId, Vec<Packet>) {
        let envelope = self.envelope(size);
        let envelope_id = envelope.id(&id(pair));
        (envelope_id, self.say(who, &put(pair, &[envelope])))
    }
}

fn restore(disk: &Disk, rng: &mut ChaCha20Rng, now: Timestamp, config: &RelayConfig) -> Relay {
    let store = disk;
    Relay::restore(&mut Env { now, rng, store }, config.clone()).expect("the store is whole")
}

fn pair(number: u8) -> KeyPair {
    KeyPair::from_seed(&[number; 32])
}

fn id(pair: &KeyPair) -> MailboxId {
    MailboxId(pair.public())
}

fn hello(nonce: Nonce, heard: bool) -> Packet {
    Packet::Hello { version: 1, nonce, relay: false, heard }
}

fn open(pair: &KeyPair, number: u16) -> Packet {
    Packet::Open { mailbox: id(pair), number, link: chain(&TOKEN, number) }
}

fn put(pair: &KeyPair, envelopes: &[Envelope]) -> Packet {
    let envelopes = envelopes.iter().map(|e| Bytes(e.bytes().to_vec()));
    Packet::Put { mailbox: id(pair), envelopes: envelopes.collect() }
}

fn get(pair: &KeyPair, ids: &[EnvelopeId]) -> Packet {
    Packet::Get { mailbox: id(pair), ids: ids.to_vec() }
}

fn stored(pair: &KeyPair, ids: &[EnvelopeId]) -> Packet {
    Packet::Stored { mailbox: id(pair), ids: ids.to_vec() }
}

fn refused(pair: &KeyPair, id_: Option<EnvelopeId>, why: Refusal) -> Packet {
    Packet::Refused { mailbox: id(pair), id: id_, why }
}

///
#[test]
fn a_hello_that_was_not_heard_is_answered_with_the_same_nonce() {
    let mut world = World::new();
    let anna = world.connect(1);
    let heard = world.say(&anna, &hello(anna.nonce, false));
    let [Packet::Hello { nonce, heard, relay, .. }] = heard[..] else {
        panic!("{heard:?}");
    };
    assert!(heard && relay);
    assert_eq!(nonce, anna.theirs);
}

///
#[test]
fn what_one_member_puts_another_who_proves_the_mailbox_can_fetch() {
    let mut world = World::new();
    let anna = world.host(1, &pair(9));
    let envelope = world.envelope(512);
    let envelope_id = envelope.id(&id(&pair(9)));
    let heard = world.say(&anna, &put(&pair(9), std::slice::from_ref(&envelope)));
    assert_eq!(heard, [stored(&pair(9), &[envelope_id])]);
    let ben = world.stranger(2, &pair(9));
    let missing = EnvelopeId([0; 32]);
    let heard = world.say(&ben, &get(&pair(9), &[missing, envelope_id]));
    let given =
        Packet::Give { mailbox: id(&pair(9)), envelopes: vec![Bytes(envelope.into_bytes())] };
    let gone = Packet::Gone { mailbox: id(&pair(9)), ids: vec![missing] };
    assert_eq!(heard, [given, gone]);
}

///
#[test]
pub(crate) fn nobody_uses_a_mailbox_without_its_key() {
    let mut world = World::new();
    let anna = world.host(1, &pair(9));
    let (envelope_id, _) = world.put(&anna, &pair(9), 512);
    let mallory = world.connect(2);
    let no = [refused(&pair(9), None, Refusal::Proof)];
    assert_eq!(world.put(&mallory, &pair(9), 512).1, no);
    assert_eq!(world.say(&mallory, &get(&pair(9), &[envelope_id])), no);
    assert_eq!(world.say(&mallory, &open(&pair(9), 0)), no);
    let reconcile = Packet::Reconcile {
        mailbox: id(&pair(9)),
        round: Round::default(),
        bytes: Bytes(vec![0x61]),
    };
    assert_eq!(world.say(&mallory, &reconcile), no);
}

/// R-50, H-8
#[test]
pub(crate) fn a_proof_of_another_connection_is_refused_and_the_eighth_ends_it() {
    let mut world = World::new();
    let anna = world.host(1, &pair(9));
    let proof = world.proof(&anna, &pair(9));
    let mallory = world.connect(2);
    for _ in 0..7 {
        let heard = world.say(&mallory, &Packet::Prove(vec![proof]));
        assert_eq!(heard, [refused(&pair(9), None, Refusal::Proof)]);
    }
    assert_eq!(world.say(&mallory, &Packet::Prove(vec![proof])), []);
    assert_eq!(world.shut, [mallory.peer]);
    assert_eq!(world.relay.status(world.now).connections, 1);
}

///
#[test]
fn a_mailbox_is_served_only_once_a_token_opened_it_and_then_all_who_wait_learn_of_it() {
    let mut world = World::new();
    let (anna, ben) = (world.connect(1), world.connect(2));
    for who in [&anna, &ben] {
        let proof = world.proof(who, &pair(9));
        let heard = world.say(who, &Packet::Prove(vec![proof]));
        assert_eq!(heard, [refused(&pair(9), None, Refusal::Closed)]);
    }
    let wrong = Packet::Open { mailbox: id(&pair(9)), number: 0, link: TokenLink([0; 32]) };
    let heard = world.say(&anna, &wrong);
    assert_eq!(heard, [refused(&pair(9), None, Refusal::Token)]);
    let heard = world.put(&anna, &pair(9), 512).1;
    assert_eq!(heard, [refused(&pair(9), None, Refusal::Closed)]);
    let proven = Packet::Proven(vec![id(&pair(9))]);
    assert_eq!(world.say(&anna, &open(&pair(9), 0))[0], proven);
    assert_eq!(world.heard(&ben)[0], proven);
    assert_eq!(world.say(&anna, &open(&pair(9), 0)), [proven]);
}

///
#[test]
fn a_removed_member_with_an_older_link_opens_nothing_new_after_a_day() {
    let mut world = World::new();
    let anna = world.host(1, &pair(9));
    let proof = world.proof(&anna, &pair(8));
    let _ = world.say(&anna, &Packet::Prove(vec![proof]));
    assert_eq!(world.say(&anna, &open(&pair(8), 64))[0], Packet::Proven(vec![id(&pair(8))]));
    let mallory = world.stranger(2, &pair(9));
    assert_eq!(world.say(&mallory, &open(&pair(9), 0)), [Packet::Proven(vec![id(&pair(9))])]);
    world.pass(DAY_MS);
    world.restart();
    let mallory = world.stranger(2, &pair(9));
    let proof = world.proof(&mallory, &pair(7));
    let _ = world.say(&mallory, &Packet::Prove(vec![proof]));
    for mailbox in [pair(7), pair(9)] {
        let heard = world.say(&mallory, &open(&mailbox, 0));
        assert_eq!(heard, [refused(&mailbox, None, Refusal::Token)]);
    }
    let (envelope_id, heard) = world.put(&mallory, &pair(9), 72 << 10);
    assert_eq!(heard, [refused(&pair(9), Some(envelope_id), Refusal::Size)]);
}

/// A circle from whose board of before somebody was removed two days ago: the one who knows, and whoever
/// reads that board still.
fn removed_two_days_ago(limits: Limits) -> (World, Fake, KeyPair) {
    let mut world = World::with(limits);
    let anna = world.host(1, &pair(9));
    let proof = world.proof(&anna, &pair(8));
    let _ = world.say(&anna, &Packet::Prove(vec![proof]));
    assert_eq!(world.say(&anna, &open(&pair(8), 1))[0], Packet::Proven(vec![id(&pair(8))]));
    world.pass(2 * DAY_MS);
    (world, anna, pair(9))
}

/// R-73, H-21: what a removed member puts pushes out nothing but its own.
#[test]
fn a_flood_into_an_old_board_pushes_out_nothing_that_others_put_there() {
    let limits = Limits { store_per_token: 16 * (256 << 10), ..Limits::default() };
    let (mut world, anna, board) = removed_two_days_ago(limits);
    // Ben was away and knows of no removal; Chris found out in time.
    let ben = world.stranger(3, &board);
    assert_eq!(
        world.say(&ben, &open(&board, 0)),
        [refused(&board, None, Refusal::Token)],
        "an older link opens nothing"
    );
    let chris = world.stranger(4, &board);
    let _ = world.say(&chris, &open(&board, 1));
    let kept = [(&ben, 8 << 10), (&chris, 100 << 10), (&anna, 200 << 10)].map(|(who, size)| {
        let (id, heard) = world.put(who, &board, size);
        assert_eq!(heard, [stored(&board, &[id])]);
        id
    });
    let before = world.relay.status(world.now).stored_bytes;
    let mut taken = Vec::new();
    for number in 10..30 {
        // A key of its own for each connection.
        let mallory = world.stranger(number, &board);
        for _ in 0..2 {
            let (id, heard) = world.put(&mallory, &board, 32 << 10);
            // Who put nothing yet pushes out nobody who put as little.
            let full = heard == [refused(&board, Some(id), Refusal::Store)];
            assert!(full || heard == [stored(&board, &[id])], "{heard:?}");
            taken.push(id);
        }
        let (id, heard) = world.put(&mallory, &board, 512);
        assert_eq!(heard, [refused(&board, Some(id), Refusal::Rate)], "64 KiB an hour");
    }
    let more = world.relay.status(world.now).stored_bytes - before;
    assert!(more <= 256 << 10, "{more} bytes");
    let shelf = world.relay.mailboxes.get(&id(&board)).expect("it is open");
    assert!(kept.iter().all(|id| shelf.kept(id).is_some()));
    let left = taken.iter().filter(|id| shelf.kept(id).is_some()).count();
    assert!((1..=8).contains(&left), "{left}");
    assert!(shelf.kept(&taken[0]).is_none(), "the oldest went first");
}

/// nor do members who hold it bring back what gave way.
#[test]
fn what_gave_way_is_not_put_back_by_somebody_else() {
    let limits = Limits { store_per_token: 16 * (64 << 10), ..Limits::default() };
    let (mut world, anna, board) = removed_two_days_ago(limits);
    let mallory = world.stranger(2, &board);
    let flood: Vec<Envelope> = (0..3).map(|_| world.envelope(32 << 10)).collect();
    let ids: Vec<EnvelopeId> = flood.iter().map(|envelope| envelope.id(&id(&board))).collect();
    assert_eq!(world.say(&mallory, &put(&board, &flood[..2])), [stored(&board, &ids[..2])]);
    world.pass(HOUR_MS);
    assert_eq!(world.say(&mallory, &put(&board, &flood[2..])), [stored(&board, &ids[2..])]);
    let _ = world.say(&anna, &open(&board, 1));
    let heard = world.say(&anna, &put(&board, &flood[..1]));
    assert_eq!(heard, [refused(&board, Some(ids[0]), Refusal::Store)]);
    let (own, heard) = world.put(&anna, &board, 32 << 10);
    assert_eq!(heard, [stored(&board, &[own])], "what is hers is taken");
}

/// a link of before counts for a day, and so does a connection that showed it.
#[test]
fn a_connection_that_showed_an_older_link_puts_freely_for_a_day() {
    let mut world = World::new();
    let (anna, mallory) = (world.host(1, &pair(9)), world.host(2, &pair(9)));
    let proof = world.proof(&anna, &pair(8));
    let _ = world.say(&anna, &Packet::Prove(vec![proof]));
    assert_eq!(world.say(&anna, &open(&pair(8), 1))[0], Packet::Proven(vec![id(&pair(8))]));
    world.pass(DAY_MS - 1);
    let (large, heard) = world.put(&mallory, &pair(9), 100 << 10);
    assert_eq!(heard, [stored(&pair(9), &[large])]);
    world.pass(1);
    let (large, heard) = world.put(&mallory, &pair(9), 100 << 10);
    assert_eq!(heard, [refused(&pair(9), Some(large), Refusal::Size)]);
    let (small, heard) = world.put(&mallory, &pair(9), 64 << 10);
    assert_eq!(heard, [stored(&pair(9), &[small])]);
    let (more, heard) = world.put(&mallory, &pair(9), 512);
    assert_eq!(heard, [refused(&pair(9), Some(more), Refusal::Rate)]);
}

/// U-140
#[test]
fn who_shows_no_token_puts_sixty_small_envelopes_an_hour_into_a_mailbox() {
    let mut world = World::new();
    let anna = world.host(1, &pair(9));
    let (ben, mallory) = (world.stranger(2, &pair(9)), world.stranger(3, &pair(9)));
    let (large, heard) = world.put(&ben, &pair(9), STRANGER_BYTES + 1);
    assert_eq!(heard, [refused(&pair(9), Some(large), Refusal::Size)]);
    for n in 0..STRANGERS_AN_HOUR {
        let who = if n % 2 == 0 { ben } else { mallory };
        let (envelope_id, heard) = world.put(&who, &pair(9), STRANGER_BYTES);
        assert_eq!(heard, [stored(&pair(9), &[envelope_id])]);
    }
    for who in [ben, mallory] {
        let (envelope_id, heard) = world.put(&who, &pair(9), 512);
        assert_eq!(heard, [refused(&pair(9), Some(envelope_id), Refusal::Rate)]);
    }
    let (envelope_id, heard) = world.put(&anna, &pair(9), 16 << 10);
    assert_eq!(heard, [stored(&pair(9), &[envelope_id])], "a token is not throttled");
    world.pass(HOUR_MS);
    let (envelope_id, heard) = world.put(&ben, &pair(9), 512);
    assert_eq!(heard, [stored(&pair(9), &[envelope_id])]);
}

///
#[test]
fn a_connection_that_was_vouched_for_in_one_mailbox_puts_freely_into_another() {
    let mut world = World::new();
    let _anna = world.host(1, &pair(9));
    let ben = world.host(2, &pair(8));
    let proof = world.proof(&ben, &pair(9));
    let _ = world.say(&ben, &Packet::Prove(vec![proof]));
    for _ in 0..=STRANGERS_AN_HOUR {
        let (envelope_id, heard) = world.put(&ben, &pair(9), 16 << 10);
        assert_eq!(heard, [stored(&pair(9), &[envelope_id])]);
    }
}

///
#[test]
fn what_is_new_is_announced_once_to_all_others_and_pushed_to_who_wishes_it() {
    let mut world = World::new();
    let anna = world.host(1, &pair(9));
    let (ben, chris) = (world.stranger(2, &pair(9)), world.connect(3));
    let proof = world.proof_as(&chris, &pair(9), (true, false));
    let _ = world.say(&chris, &Packet::Prove(vec![proof]));
    world.inbox.clear();
    let envelopes: Vec<_> = (0..3).map(|_| world.envelope(100 << 10)).collect();
    let mut ids: Vec<_> = envelopes.iter().map(|e| e.id(&id(&pair(9)))).collect();
    let frames = envelopes.iter().map(|envelope| {
        let (link, peer) = (LINK, anna.peer);
        let bytes = wire::encode(&put(&pair(9), std::slice::from_ref(envelope)));
        Input::Frame { link, peer, bytes }
    });
    let frames = frames.collect();
    world.handle(frames);
    assert_eq!(world.heard(&anna), [stored(&pair(9), &ids)]);
    let mailbox = id(&pair(9));
    let heard = world.heard(&chris);
    assert_eq!(heard.len(), 2, "100 KiB each, 256 KiB a frame");
    let given = heard.into_iter().flat_map(|packet| match packet {
        Packet::Give { envelopes, .. } => envelopes,
        other => panic!("{other:?}"),
    });
    assert_eq!(given.count(), 3);
    assert_eq!(world.heard(&ben), [], "more may come");
    world.pass(GATHER_MS / 2);
    ids.push(world.put(&anna, &pair(9), 512).0);
    assert_eq!(world.relay.next_wake(), Some(world.now.plus(GATHER_MS - GATHER_MS / 2)));
    world.pass(GATHER_MS / 2);
    assert_eq!(world.heard(&ben), [Packet::Announce { mailbox, ids }], "all in one frame");
    world.pass(GATHER_MS);
    assert_eq!(world.heard(&ben), [], "once");
}

/// who takes pushes from one relay tells the others by proving again.
#[test]
fn who_proves_again_is_told_otherwise_and_not_introduced_anew() {
    let mut world = World::new();
    let mailbox = id(&pair(9));
    let anna = world.host(1, &pair(9));
    let ben = world.stranger(2, &pair(9));
    let prove =
        |world: &World, push| Packet::Prove(vec![world.proof_as(&ben, &pair(9), (push, true))]);
    for push in [true, false, true] {
        world.inbox.clear();
        let packet = prove(&world, push);
        assert_eq!(world.say(&ben, &packet), [Packet::Proven(vec![mailbox])]);
        assert_eq!(world.heard(&anna), [], "she knows him");
        let (envelope_id, _) = world.put(&anna, &pair(9), 512);
        world.pass(GATHER_MS);
        let heard = world.heard(&ben);
        let announced = heard == [Packet::Announce { mailbox, ids: vec![envelope_id] }];
        assert_eq!((heard.len(), announced), (1, !push), "{heard:?}");
    }
}

///
#[test]
fn what_is_put_twice_is_stored_twice_and_kept_once() {
    let mut world = World::new();
    let anna = world.host(1, &pair(9));
    let ben = world.stranger(2, &pair(9));
    let envelope = world.envelope(512);
    let packet = put(&pair(9), &[envelope.clone(), envelope.clone()]);
    let envelope_id = envelope.id(&id(&pair(9)));
    assert_eq!(world.say(&anna, &packet), [stored(&pair(9), &[envelope_id; 2])]);
    world.inbox.clear();
    assert_eq!(world.say(&ben, &packet), [stored(&pair(9), &[envelope_id; 2])]);
    assert_eq!(world.heard(&anna), []);
    assert_eq!(world.relay.status(world.now).envelopes, 1);
}

///
#[test]
fn reconciliation_finds_exactly_what_each_side_lacks() {
    let mut world = World::new();
    let anna = world.host(1, &pair(9));
    let mut mine = NegentropyStorageVector::new();
    let (mut lack, mut only_here) = (Vec::new(), Vec::new());
    for n in 0..300 {
        let envelope = world.envelope(400);
        let envelope_id = envelope.id(&id(&pair(9)));
        if n % 30 == 1 {
            only_here.push(envelope_id);
        } else {
            let _ = world.say(&anna, &put(&pair(9), std::slice::from_ref(&envelope)));
        }
        if n % 30 == 2 {
            lack.push(envelope_id);
        } else {
            let item = Id::from_byte_array(envelope_id.0);
            mine.insert(u64::from(envelope.hour()), item).expect("not sealed");
        }
        world.pass(HOUR_MS / 10);
    }
    mine.seal().expect("not sealed");
    let mut client = Negentropy::borrowed(&mine, 60 << 10).expect("a fair limit");
    let (mut have, mut need) = (Vec::new(), Vec::new());
    let mut step = Some(client.initiate().expect("the first time"));
    let mut round = Round::default();
    while let Some(bytes) = step {
        let (mailbox, bytes) = (id(&pair(9)), Bytes(bytes));
        let heard = world.say(&anna, &Packet::Reconcile { mailbox, round, bytes });
        let [Packet::Reconciled { round: answered, bytes, .. }] = &heard[..] else {
            panic!("{heard:?}");
        };
        assert_eq!(*answered, round);
        round.number += 1;
        step = client.reconcile_with_ids(&bytes.0, &mut have, &mut need).expect("well-formed");
    }
    let ids = |found: Vec<Id>| {
        let mut ids: Vec<_> = found.iter().map(|id| EnvelopeId(*id.as_bytes())).collect();
        ids.sort();
        ids
    };
    lack.sort();
    only_here.sort();
    assert_eq!((ids(have), ids(need)), (only_here, lack));
}

/// R-50, H-13
#[test]
fn a_reconciliation_without_end_is_refused_and_a_malformed_step_ends_the_connection() {
    let mut world = World::new();
    let anna = world.host(1, &pair(9));
    let step = |number, bytes| Packet::Reconcile {
        mailbox: id(&pair(9)),
        round: Round { attempt: 0, number },
        bytes: Bytes(bytes),
    };
    let heard = world.say(&anna, &step(MAX_ROUNDS, vec![0x61]));
    assert_eq!(heard, [refused(&pair(9), None, Refusal::Rate)]);
    assert_eq!(world.say(&anna, &step(0, vec![0x61, 1, 2])), []);
    assert_eq!(world.shut, [anna.peer]);
}

///
#[test]
fn members_who_wish_it_learn_of_each_other_and_quiet_ones_are_not_named() {
    let mut world = World::new();
    let anna = world.host(1, &pair(9));
    let chris = world.connect(3);
    let proof = world.proof_as(&chris, &pair(9), (false, false));
    let heard = world.say(&chris, &Packet::Prove(vec![proof]));
    assert_eq!(heard, [Packet::Proven(vec![id(&pair(9))])], "a quiet one learns of nobody");
    world.inbox.clear();
    let ben = world.connect(2);
    let proof = world.proof(&ben, &pair(9));
    let heard = world.say(&ben, &Packet::Prove(vec![proof]));
    let peers = |peer| Packet::Peers { mailbox: id(&pair(9)), peers: vec![peer] };
    assert_eq!(heard[1..], [peers(anna.peer)]);
    assert_eq!(world.heard(&anna), [peers(ben.peer)]);
    assert_eq!(world.heard(&chris), []);
}

/// U-177
#[test]
fn the_card_is_signed_by_the_key_that_members_know() {
    let mut world = World::new();
    let joiner = world.connect(1);
    let heard = world.say(&joiner, &Packet::CardAsk);
    let [Packet::Card { card, signature }] = &heard[..] else {
        panic!("{heard:?}");
    };
    let key = world.relay.peer();
    assert_eq!(read_card(&key, &card.0, signature), Some(world.config.card.clone()));
    assert_eq!(read_card(&joiner.peer, &card.0, signature), None);
    let mut forged = card.0.clone();
    forged[5] ^= 1;
    assert_eq!(read_card(&key, &forged, signature), None);
}

/// U-162, H-22
#[test]
fn who_shows_nothing_within_five_seconds_is_shut_out() {
    let mut world = World::new();
    let _anna = world.host(1, &pair(9));
    let silent = world.connect(2);
    let asker = world.connect(3);
    let _ = world.say(&asker, &Packet::CardAsk);
    let late = world.now.plus(ADMISSION_MS);
    assert_eq!(world.relay.next_wake(), Some(late));
    world.pass(ADMISSION_MS - 1);
    assert_eq!(world.shut, []);
    world.pass(1);
    assert_eq!(world.shut, [silent.peer]);
    world.pass(CARD_STAY_MS);
    assert_eq!(world.shut, [silent.peer, asker.peer]);
    assert_eq!(world.relay.status(world.now).connections, 1);
}

/// H-18: a relay serves nobody in a version before its own, and can say why.
#[test]
fn who_greets_a_relay_in_an_older_version_is_shut_out_for_it() {
    let mut world = World::new();
    let anna = world.host(1, &pair(9));
    let old = world.connect(2);
    let (nonce, relay) = (old.nonce, false);
    assert_eq!(world.say(&old, &Packet::Hello { version: 0, nonce, relay, heard: false }), []);
    assert_eq!((&world.shut[..], &world.causes[..]), (&[old.peer][..], &[Cause::Version][..]));
    // A newer one it is greeted in as in its own; what it does not know of it is nonsense.
    let newer = world.connect(3);
    let said = world.say(&newer, &Packet::Hello { version: 2, nonce, relay, heard: false });
    assert!(matches!(said[..], [Packet::Hello { version: 1, .. }]), "{said:?}");
    let (link, peer, bytes) = (LINK, newer.peer, vec![0xff]);
    world.handle(vec![Input::Frame { link, peer, bytes }]);
    assert_eq!(world.causes, [Cause::Version, Cause::Nonsense]);
    assert_eq!(world.put(&anna, &pair(9), 512).1.len(), 1);
}

/// H-1, H-3, P7
#[test]
fn what_is_no_frame_ends_only_the_connection_that_it_came_by() {
    let mut world = World::new();
    let anna = world.host(1, &pair(9));
    let whole = wire::encode(&open(&pair(9), 0));
    let mut bad: Vec<Vec<u8>> = (0..whole.len()).map(|len| whole[..len].to_vec()).collect();
    bad.push(vec![0xff; 64]);
    bad.push([&whole[..], &[0]].concat());
    bad.push(wire::encode(&Packet::Prove(vec![world.proof(&anna, &pair(9)); MAX_PROOFS + 1])));
    bad.push(wire::encode(&get(&pair(9), &vec![EnvelopeId([0; 32]); 8_001])));
    bad.push(wire::encode(&Packet::Put {
        mailbox: id(&pair(9)),
        envelopes: vec![Bytes(Vec::new()); 10_000],
    }));
    let count = bad.len();
    for bytes in bad {
        let mallory = world.connect(2);
        let (link, peer) = (LINK, mallory.peer);
        let again = bytes.clone();
        world.handle(vec![
            Input::Frame { link, peer, bytes },
            Input::Frame { link, peer, bytes: again },
        ]);
        assert_eq!(world.heard(&mallory), []);
        world.handle(vec![Input::Down { link, peer }]);
    }
    assert_eq!(world.shut.len(), count, "each once");
    assert_eq!(world.put(&anna, &pair(9), 512).1.len(), 1);
}

/// H-1
#[test]
fn no_random_bytes_make_a_relay_fall_over() {
    let mut world = World::new();
    let anna = world.host(1, &pair(9));
    let frames = [
        wire::encode(&put(&pair(9), &[world.envelope(400)])),
        wire::encode(&Packet::Prove(vec![world.proof(&anna, &pair(8))])),
        wire::encode(&get(&pair(9), &[EnvelopeId([3; 32])])),
        wire::encode(&open(&pair(9), 3)),
    ];
    for n in 0..2_000 {
        let mallory = world.connect(2);
        let mut bytes = frames[n % frames.len()].clone();
        for _ in 0..=n % 5 {
            let [a, b, to] = crate::crypto::random::<3>(&mut world.rng);
            let at = (usize::from(a) << 8 | usize::from(b)) % bytes.len();
            bytes[at] = to;
        }
        let (link, peer) = (LINK, mallory.peer);
        world.handle(vec![Input::Frame { link, peer, bytes }]);
        world.handle(vec![Input::Down { link, peer }]);
        world.pass(100);
    }
    world.inbox.clear();
    assert_eq!(world.put(&anna, &pair(9), 512).1.len(), 1);
}

///
#[test]
pub(crate) fn an_envelope_of_a_wrong_size_or_hour_is_refused_with_its_reason() {
    let mut world = World::new();
    let anna = world.host(1, &pair(9));
    let whole = world.envelope(400).into_bytes();
    let dated = |hour: u32| [&whole[..1], &hour.to_be_bytes(), &whole[5..]].concat();
    let hour = world.now.hour();
    let cases = [
        (whole[..511].to_vec(), Some(Refusal::Size)),
        (dated(hour + 3), Some(Refusal::Age)),
        (dated(hour + 2), None),
        (dated(hour - 720), None),
        (dated(hour - 721), Some(Refusal::Age)),
        (dated(u32::MAX), Some(Refusal::Age)),
        (dated(0), Some(Refusal::Age)),
    ];
    for (bytes, why) in cases {
        let packet = Packet::Put { mailbox: id(&pair(9)), envelopes: vec![Bytes(bytes)] };
        match &world.say(&anna, &packet)[..] {
            [Packet::Refused { why: said, .. }] => assert_eq!(Some(*said), why),
            [Packet::Stored { .. }] => assert_eq!(None, why),
            other => panic!("{other:?}"),
        }
    }
}

/// U-163, H-21
#[test]
pub(crate) fn each_limit_has_its_own_refusal_and_others_go_on() {
    let limits = Limits {
        store: 8 << 10,
        store_per_token: 4 << 10,
        mailboxes_per_token: 2,
        envelope: 2 << 10,
        ..Limits::default()
    };
    let mut world = World::with(limits);
    let anna = world.host(1, &pair(9));
    let say = |world: &mut World, who: &Fake, mailbox: &KeyPair, size| match world
        .put(who, mailbox, size)
        .1[..]
    {
        [Packet::Refused { why, .. }] => Some(why),
        _ => None,
    };
    assert_eq!(say(&mut world, &anna, &pair(9), 3 << 10), Some(Refusal::Size));
    assert_eq!(say(&mut world, &anna, &pair(9), 2 << 10), None);
    assert_eq!(say(&mut world, &anna, &pair(9), 2 << 10), None);
    assert_eq!(say(&mut world, &anna, &pair(9), 400), Some(Refusal::Store));
    let _ = world.host(2, &pair(8));
    let ben = world.connect(3);
    let proof = world.proof(&ben, &pair(7));
    let _ = world.say(&ben, &Packet::Prove(vec![proof]));
    let heard = world.say(&ben, &open(&pair(7), 0));
    assert_eq!(heard, [refused(&pair(7), None, Refusal::Store)]);
    let other = [8; 16];
    let grant =
        Grant { link: chain(&other, 0), label: String::new(), quota: Some(1 << 20), expires: None };
    let (_, out) = world.relay.add_token(grant, world.now).expect("there is room");
    world.carry_out(out);
    let packet = Packet::Open { mailbox: id(&pair(7)), number: 0, link: chain(&other, 0) };
    let _ = world.say(&ben, &packet);
    assert_eq!(say(&mut world, &ben, &pair(7), 2 << 10), None);
    assert_eq!(say(&mut world, &ben, &pair(7), 2 << 10), None);
    assert_eq!(say(&mut world, &ben, &pair(7), 400), Some(Refusal::Full));
    assert!(world.relay.status(world.now).refused.contains(&("full", 1)));
}

/// P7, H-22
#[test]
fn connections_are_counted_in_all_and_for_each_mailbox() {
    let limits = Limits { connections: 3, connections_per_mailbox: 2, ..Limits::default() };
    let mut world = World::with(limits);
    let _anna = world.host(1, &pair(9));
    let _ben = world.stranger(2, &pair(9));
    let chris = world.connect(3);
    let proof = world.proof(&chris, &pair(9));
    let heard = world.say(&chris, &Packet::Prove(vec![proof]));
    assert_eq!(heard, [refused(&pair(9), None, Refusal::Full)]);
    let (link, peer, me, relay) = (LINK, Peer([4; 32]), HOPE, false);
    world.handle(vec![Input::Up { link, peer, me, relay }]);
    assert_eq!(world.shut, [peer]);
}

/// P7, H-23
#[test]
fn a_peer_that_sends_or_asks_too_fast_is_told_so_and_a_flood_ends_it() {
    let mut world = World::new();
    let anna = world.host(1, &pair(9));
    let mut ids = Vec::new();
    let why = loop {
        let (envelope_id, heard) = world.put(&anna, &pair(9), 500 << 10);
        match heard[..] {
            [Packet::Stored { .. }] => ids.push(envelope_id),
            [Packet::Refused { why, .. }] => break why,
            _ => panic!("{heard:?}"),
        }
    };
    assert_eq!((ids.len(), why), (15, Refusal::Rate), "8 MiB at once");
    world.pass(1_000);
    assert!(matches!(world.put(&anna, &pair(9), 500 << 10).1[..], [Packet::Stored { .. }]));
    let heard = world.say(&anna, &get(&pair(9), &[&ids[..], &ids].concat()));
    assert_eq!(heard.len(), 17, "sixteen of 512 KiB, and a refusal");
    assert_eq!(heard[16], refused(&pair(9), Some(ids[1]), Refusal::Rate));
    let frame = wire::encode(&Packet::CardAsk);
    let frames =
        (0..10_000).map(|_| Input::Frame { link: LINK, peer: anna.peer, bytes: frame.clone() });
    let frames = frames.collect();
    world.handle(frames);
    assert_eq!(world.shut, [anna.peer]);
}

///
#[test]
fn answers_come_in_frames_of_at_most_a_batch() {
    let mut world = World::new();
    let anna = world.host(1, &pair(9));
    let ids: Vec<_> = (0..40).map(|_| world.put(&anna, &pair(9), 10 << 10).0).collect();
    let heard = world.say(&anna, &get(&pair(9), &ids));
    assert_eq!(heard.len(), 3);
    for packet in heard {
        assert!(wire::encode(&packet).len() < BATCH_BYTES + 1_024);
    }
}

///
#[test]
fn a_restarted_relay_has_everything_that_it_acknowledged() {
    let mut world = World::new();
    let anna = world.host(1, &pair(9));
    let ids: Vec<_> = (0..200).map(|_| world.put(&anna, &pair(9), 512).0).collect();
    let _ = world.host(2, &pair(8));
    let (status, tokens) = (world.relay.status(world.now), world.relay.tokens(world.now));
    world.restart();
    let again = world.relay.status(world.now);
    assert_eq!(world.relay.tokens(world.now), tokens);
    assert_eq!(tokens[0].used_bytes, 200 * 512);
    assert_eq!(
        (again.envelopes, again.stored_bytes, again.mailboxes),
        (status.envelopes, status.stored_bytes, status.mailboxes)
    );
    let ben = world.stranger(3, &pair(9));
    let heard = world.say(&ben, &get(&pair(9), &ids));
    assert!(heard.iter().all(|packet| matches!(packet, Packet::Give { .. })));
}

///
#[test]
fn an_envelope_that_the_disk_lost_is_gone_and_taken_again() {
    let mut world = World::new();
    let anna = world.host(1, &pair(9));
    let envelope = world.envelope(400);
    let envelope_id = envelope.id(&id(&pair(9)));
    let packet = put(&pair(9), &[envelope]);
    let _ = world.say(&anna, &packet);
    world.disk.0.retain(|key, _| key.room != Room::Envelopes);
    let (mailbox, ids) = (id(&pair(9)), vec![envelope_id]);
    let heard = world.say(&anna, &get(&pair(9), &ids));
    assert_eq!(heard, [Packet::Gone { mailbox, ids }]);
    assert_eq!(world.say(&anna, &packet), [stored(&pair(9), &[envelope_id])]);
    assert_eq!(world.relay.tokens(world.now)[0].used_bytes, 512);
}

/// R-70, U-163
#[test]
pub(crate) fn envelopes_are_kept_to_their_age_and_then_erased_with_what_nobody_uses() {
    let mut world = World::new();
    let anna = world.host(1, &pair(9));
    let (envelope_id, _) = world.put(&anna, &pair(9), 512);
    let (link, peer) = (LINK, anna.peer);
    world.handle(vec![Input::Down { link, peer }]);
    world.pass(30 * DAY_MS);
    assert_eq!(world.relay.status(world.now).envelopes, 1);
    assert_eq!(world.relay.status(world.now).oldest_s, Some(30 * 24 * 3_600));
    assert_eq!(world.relay.next_wake(), Some(world.now.plus(HOUR_MS)));
    let ben = world.stranger(2, &pair(9));
    world.pass(HOUR_MS);
    let status = world.relay.status(world.now);
    assert_eq!((status.envelopes, status.stored_bytes, status.expired), (0, 0, 1));
    assert!(world.disk.0.keys().all(|key| key.room != Room::Envelopes));
    let (mailbox, ids) = (id(&pair(9)), vec![envelope_id]);
    assert_eq!(world.say(&ben, &get(&pair(9), &ids)), [Packet::Gone { mailbox, ids }]);
    assert_eq!(world.relay.tokens(world.now)[0].used_bytes, 0);
    let (link, peer) = (LINK, ben.peer);
    world.handle(vec![Input::Down { link, peer }]);
    world.pass(31 * DAY_MS);
    assert_eq!(world.relay.status(world.now).mailboxes, 0);
    assert!(world.disk.0.keys().all(|key| key.room == Room::Tokens));
}

/// P7
#[test]
fn much_that_expires_at_once_is_erased_in_several_batches() {
    let mut world = World::new();
    let anna = world.host(1, &pair(9));
    for _ in 0..2 * SWEEP + 1 {
        let _ = world.put(&anna, &pair(9), 400);
        world.now = world.now.plus(1);
    }
    world.now = world.now.plus(31 * DAY_MS);
    let mut left = Vec::new();
    for _ in 0..3 {
        world.wake();
        left.push(world.relay.status(world.now).envelopes);
        world.now = world.relay.next_wake().expect("it sweeps on");
    }
    assert_eq!(left, [SWEEP + 1, 1, 0]);
}

/// U-83
#[test]
fn a_revoked_token_ends_its_connections_and_what_it_stored_can_be_fetched() {
    let mut world = World::new();
    let token = world.relay.tokens(world.now)[0].id;
    let anna = world.host(1, &pair(9));
    let (envelope_id, _) = world.put(&anna, &pair(9), 512);
    let out = world.relay.revoke_token(token, world.now).expect("it is there");
    world.carry_out(out);
    assert_eq!(world.shut, [anna.peer]);
    world.restart();
    assert_eq!(world.relay.tokens(world.now)[0].state, TokenState::Revoked);
    let ben = world.stranger(2, &pair(9));
    assert_eq!(world.say(&ben, &open(&pair(9), 0)), [refused(&pair(9), None, Refusal::Token)]);
    let (late, heard) = world.put(&ben, &pair(9), 512);
    assert_eq!(heard, [refused(&pair(9), Some(late), Refusal::Token)]);
    let heard = world.say(&ben, &get(&pair(9), &[envelope_id]));
    assert!(matches!(heard[..], [Packet::Give { .. }]));
}

/// U-83
#[test]
fn a_token_takes_nothing_more_after_its_end() {
    let mut world = World::new();
    let token = [8; 16];
    let grant = Grant {
        link: chain(&token, 0),
        label: String::new(),
        quota: None,
        expires: Some(NOON.plus(HOUR_MS)),
    };
    let (_, out) = world.relay.add_token(grant, world.now).expect("there is room");
    world.carry_out(out);
    let anna = world.connect(1);
    let proof = world.proof(&anna, &pair(9));
    let _ = world.say(&anna, &Packet::Prove(vec![proof]));
    let packet = Packet::Open { mailbox: id(&pair(9)), number: 0, link: chain(&token, 0) };
    assert_eq!(world.say(&anna, &packet)[0], Packet::Proven(vec![id(&pair(9))]));
    assert!(matches!(world.put(&anna, &pair(9), 512).1[..], [Packet::Stored { .. }]));
    world.pass(HOUR_MS);
    let (late, heard) = world.put(&anna, &pair(9), 512);
    assert_eq!(heard, [refused(&pair(9), Some(late), Refusal::Token)]);
    assert_eq!(world.say(&anna, &open(&pair(9), 0)), [Packet::Proven(vec![id(&pair(9))])]);
    assert!(matches!(world.put(&anna, &pair(9), 512).1[..], [Packet::Stored { .. }]));
}

/// P7
#[test]
fn a_connection_proves_a_bounded_number_of_mailboxes() {
    let mut world = World::new();
    let mallory = world.connect(1);
    let mut heard = Vec::new();
    for n in 0..=MAX_PROOFS {
        let pair =
            KeyPair::from_seed(&[&[1, n as u8][..], &[0; 30]].concat().try_into().expect("32"));
        let proof = world.proof(&mallory, &pair);
        heard.extend(world.say(&mallory, &Packet::Prove(vec![proof])));
    }
    let last = heard.pop();
    assert!(matches!(last, Some(Packet::Refused { why: Refusal::Rate, .. })));
    assert!(
        heard.iter().all(|packet| matches!(packet, Packet::Refused { why: Refusal::Closed, .. }))
    );
    let (link, peer) = (LINK, mallory.peer);
    world.handle(vec![Input::Down { link, peer }]);
    assert!(world.relay.listeners.is_empty());
}

///
#[test]
fn a_public_relay_opens_mailboxes_without_a_token() {
    let mut world = World::new();
    world.config.public = true;
    world.relay.reconfigure(world.config.clone(), world.now);
    let anna = world.connect(1);
    let proof = world.proof(&anna, &pair(9));
    let _ = world.say(&anna, &Packet::Prove(vec![proof]));
    let packet = Packet::Open { mailbox: id(&pair(9)), number: 0, link: TokenLink([0; 32]) };
    assert_eq!(world.say(&anna, &packet)[0], Packet::Proven(vec![id(&pair(9))]));
    assert!(matches!(world.put(&anna, &pair(9), 16 << 10).1[..], [Packet::Stored { .. }]));
    assert_eq!(world.relay.tokens(world.now).len(), 1);
}

/// H-19: codes are tried by proving mailboxes. What is checked is paid for in bytes, so that one
/// connection has as many tries a second as its bandwidth, and then it ends; a mailbox that is not there
/// looks like one that nobody opened.
#[test]
fn who_tries_codes_is_held_to_a_rate_and_learns_nothing_of_those_that_live() {
    let mut world = World::new();
    let _anna = world.host(1, &pair(9));
    let rate = Limits::default().bytes_per_second_peer;
    let paid = |bytes: u64| bytes / u64::try_from(super::door::CHECK_COST).expect("small");
    // What is saved up, and as much again owed (U-160), and the message in which it is.
    let most = paid(4 * rate) + MAX_PROOFS as u64;
    let began = world.now;
    for address in 0..4_u8 {
        let mallory = world.connect(address.wrapping_add(100));
        let shut = world.shut.len();
        let mut tried = 0;
        for turn in 0_u32.. {
            let proofs: Vec<Proof> = (0..MAX_PROOFS as u32)
                .map(|n| {
                    let mut seed = [0xff; 32];
                    seed[..4].copy_from_slice(&(turn << 8 | n).to_be_bytes());
                    seed[4] = address;
                    world.proof(&mallory, &KeyPair::from_seed(&seed))
                })
                .collect();
            tried += proofs.len() as u64;
            assert!(tried <= most, "{tried} tries at once on one connection");
            let heard = world.say(&mallory, &Packet::Prove(proofs));
            let no = |packet: &Packet| {
                matches!(
                    packet,
                    Packet::Refused { id: None, why: Refusal::Closed | Refusal::Rate, .. }
                )
            };
            assert!(heard.iter().all(no), "{heard:?}");
            if world.shut.len() > shut {
                break;
            }
        }
    }
    assert_eq!(world.now, began);
    // Whoever keeps to the rate has as many a second as bytes are gained in one.
    let mallory = world.connect(200);
    let shut = world.shut.len();
    let (mut tried, mut turn) = (0, 0_u32);
    while world.shut.len() == shut {
        turn += 1;
        let seeds = (0..MAX_PROOFS as u8).map(|n| {
            let mut seed = [n; 32];
            seed[..4].copy_from_slice(&turn.to_be_bytes());
            KeyPair::from_seed(&seed)
        });
        let proofs = seeds.map(|pair| world.proof(&mallory, &pair)).collect();
        let _ = world.say(&mallory, &Packet::Prove(proofs));
        tried += MAX_PROOFS as u64;
        world.now = world.now.plus(50);
    }
    let seconds = world.now.since(began).div_ceil(1_000);
    assert!(tried <= most + seconds * paid(rate), "{tried} in {seconds} s");
    // Whoever has a code is served meanwhile.
    let guest = world.stranger(2, &pair(9));
    assert_eq!(world.put(&guest, &pair(9), 512).1.len(), 1);
}
