//! Two members, or a member and a relay that lies, frame by frame.

use negentropy::{Id, Negentropy, NegentropyStorageVector};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::fetch::{MAX_AWAITED, MAX_GETS, MAX_WANTED, MOMENT_MS};
use super::put::{MAX_DOUBTS, REPAIR_MS, REPAIR_STEP_MS};
use super::reconcile::WHOLE;
use super::relays::CIRCUITS;
use super::schedule::{BUSY_SYNC_MS, IDLE_SYNC_MS};
use super::session::STRANGER_MS;
use super::slot::{ERASED, MAX_BAD};
use super::*;
use crate::boundary::RelayKey;
use crate::circle::log::tests::Disk;
use crate::crypto::{KeyPair, Secret};
use crate::identity::Nonce;
use crate::mailbox::{Ends, MAX_ROUNDS, Proof, RECONCILE_BYTES, Round};
use crate::wire::Bytes;

const NOON: Timestamp = Timestamp(1_795_608_000_000);
const LINK: Link = Link(1);
const ANNA: Peer = Peer([1; 32]);
const BEN: Peer = Peer([2; 32]);
const MALLORY: Peer = Peer([9; 32]);

fn sealed(number: u8) -> SealedBox {
    SealedBox::of_epoch(&Secret::new(vec![number; 32]), &CircleId([1; 32]))
}

/// One side with its disk and clock.
struct Side {
    me: Peer,
    exchange: Exchange,
    disk: Disk,
    rng: ChaCha20Rng,
    now: Timestamp,
}

impl Side {
    fn new(me: Peer, mesh: bool) -> Self {
        let rng = ChaCha20Rng::seed_from_u64(u64::from(me.0[0]));
        let exchange = Exchange::new(LINK, [me.0[0]; 32], mesh);
        Self { me, exchange, disk: Disk::default(), rng, now: NOON }
    }

    fn act<T>(&mut self, act: impl FnOnce(&mut Exchange, &mut Env<'_>, &mut Batch) -> T) -> T {
        let mut batch = Batch::default();
        let mut env = Env { now: self.now, rng: &mut self.rng, store: &self.disk };
        let out = act(&mut self.exchange, &mut env, &mut batch);
        self.disk.write(batch);
        out
    }

    fn open(&mut self, number: u8, quiet: bool) -> MailboxId {
        let sealed = sealed(number);
        let mailbox = sealed.mailbox();
        self.act(|exchange, env, batch| exchange.open(env, batch, sealed, quiet));
        mailbox
    }

    fn up(&mut self, peer: Peer, relay: bool) {
        let me = self.me;
        self.act(|exchange, env, batch| exchange.up(env, batch, peer, me, relay));
    }

    fn hear(&mut self, peer: Peer, packet: &Packet) -> Outcome {
        let bytes = wire::encode(packet);
        let outcome = self.act(|exchange, env, batch| exchange.frame(env, batch, peer, &bytes));
        for (mailbox, envelope) in &outcome.arrived {
            self.act(|exchange, _, batch| {
                exchange.keep(batch, *mailbox, envelope, Keeping::default());
            });
        }
        outcome
    }

    fn tick(&mut self, ms: u64) {
        self.now = self.now.plus(ms);
        self.act(|exchange, env, batch| exchange.tick(env, batch));
    }

    fn offer(&mut self, mailbox: MailboxId, text: &[u8]) -> EnvelopeId {
        let sealed = self.exchange.sealed(&mailbox).expect("it is open").clone();
        self.act(|exchange, env, batch| {
            let envelope = Envelope::seal(&sealed.key, &mailbox, env.now, text, env.rng);
            exchange.offer(batch, mailbox, envelope.expect("it is short"), None)
        })
    }

    /// Frames that go to a peer.
    fn said(&mut self, to: Peer) -> Vec<Packet> {
        let (mut said, mut rest) = (Vec::new(), Vec::new());
        for output in std::mem::take(&mut self.disk.sent) {
            match output {
                Output::Send { peer, bytes, .. } if peer == to => {
                    said.push(wire::decode(&bytes).expect("what is sent can be read"));
                }
                other => rest.push(other),
            }
        }
        self.disk.sent = rest;
        said
    }

    fn was_shut(&self, who: Peer) -> bool {
        self.shut_for(who).is_some()
    }

    /// Why somebody was shut out, if anybody was.
    fn shut_for(&self, who: Peer) -> Option<Cause> {
        self.disk.sent.iter().find_map(|output| match output {
            Output::Disconnect { link: LINK, peer, cause } if *peer == who => Some(*cause),
            _ => None,
        })
    }

    fn has(&self, mailbox: &MailboxId, id: &EnvelopeId) -> bool {
        !self.exchange.lacks(mailbox, id)
    }

    /// Says hello as a peer would, and gives this side's nonce.
    fn greeted_by(&mut self, peer: Peer, nonce: Nonce, relay: bool) -> Nonce {
        let heard = self.said(peer);
        let Some(Packet::Hello { nonce: mine, .. }) = heard.first() else {
            panic!("the first frame is a hello, not {heard:?}");
        };
        self.hear(peer, &Packet::Hello { version: 1, nonce, relay, heard: true });
        *mine
    }
}

/// How a relay greets, takes the proofs of these mailboxes, and is known to whoever expects it.
pub(crate) fn greeting_of_a_relay(mailboxes: &[MailboxId]) -> [Packet; 2] {
    let nonce = Nonce([4; 16]);
    let hello = Packet::Hello { version: 1, nonce, relay: true, heard: true };
    [hello, Packet::Proven(mailboxes.to_vec())]
}

/// To each reconciliation among these frames: that nothing lies there.
pub(crate) fn answers_of_an_empty_relay(sent: &[Output]) -> Vec<Packet> {
    let answer = |output: &Output| {
        let Output::Send { bytes, .. } = output else { return None };
        let Packet::Reconcile { mailbox, round, bytes } = wire::decode(bytes)? else {
            return None;
        };
        Some(Packet::Reconciled { mailbox, round, bytes: answer_of(&[], &bytes) })
    };
    sent.iter().filter_map(answer).collect()
}

/// What a relay that has these envelopes of one hour says to a round.
fn answer_of(has: &[EnvelopeId], query: &Bytes) -> Bytes {
    let mut holds = NegentropyStorageVector::new();
    for id in has {
        holds.insert(u64::from(NOON.hour()), Id::from_byte_array(id.0)).expect("not sealed");
    }
    holds.seal().expect("not sealed");
    let machine = Negentropy::borrowed(&holds, RECONCILE_BYTES);
    Bytes(machine.expect("a fair limit").reconcile(&query.0).expect("a good query"))
}

/// Carries frames until nobody says more; gives all that went by.
fn talk(a: &mut Side, b: &mut Side) -> Vec<(Peer, Packet)> {
    let mut all = Vec::new();
    for _ in 0..1_000 {
        let (from_a, from_b) = (a.said(b.me), b.said(a.me));
        if from_a.is_empty() && from_b.is_empty() {
            return all;
        }
        for packet in from_a {
            b.hear(a.me, &packet);
            all.push((a.me, packet));
        }
        for packet in from_b {
            a.hear(b.me, &packet);
            all.push((b.me, packet));
        }
    }
    panic!("they never come to an end");
}

fn connect(a: &mut Side, b: &mut Side) -> Vec<(Peer, Packet)> {
    a.up(b.me, false);
    b.up(a.me, false);
    talk(a, b)
}

/// without any relay.
#[test]
fn two_members_who_share_a_mailbox_have_the_same_after_they_met() {
    let (mut anna, mut ben) = (Side::new(ANNA, true), Side::new(BEN, true));
    let mailbox = anna.open(1, false);
    ben.open(1, false);
    let ids: Vec<EnvelopeId> = (0..40).map(|n| anna.offer(mailbox, &[n])).collect();
    let others: Vec<EnvelopeId> = (0..30).map(|n| ben.offer(mailbox, &[n, 1])).collect();
    connect(&mut anna, &mut ben);
    assert!(ids.iter().all(|id| ben.has(&mailbox, id)));
    assert!(others.iter().all(|id| anna.has(&mailbox, id)));
    assert!(anna.exchange.is_in_step(&mailbox));
}

/// of two members the one with the smaller key begins, once both have proven the mailbox.
#[test]
fn between_members_one_reconciles() {
    let (mut anna, mut ben) = (Side::new(ANNA, true), Side::new(BEN, true));
    let mailbox = anna.open(1, false);
    ben.open(1, false);
    let heard = connect(&mut anna, &mut ben);
    let asks = |(_, packet): &&(Peer, Packet)| matches!(packet, Packet::Reconcile { .. });
    let by: Vec<Peer> = heard.iter().filter(asks).map(|(from, _)| *from).collect();
    assert_eq!(by, [ANNA]);

    anna.up(MALLORY, false);
    anna.greeted_by(MALLORY, Nonce([3; 16]), false);
    anna.hear(MALLORY, &Packet::Proven(vec![mailbox]));
    let said = anna.said(MALLORY);
    assert!(!said.iter().any(|packet| matches!(packet, Packet::Reconcile { .. })), "{said:?}");
}

/// R-50, P7: neither a question nor an answer is longer than a frame may be, and no reconciliation has more
/// rounds than it may.
#[test]
fn what_is_too_long_or_too_late_reconciles_nothing() {
    // Parts that are passed over, of 3 bytes each, up to the next hour.
    let skips = |bytes: u64| {
        let mut message = vec![0x61];
        let room = usize::try_from(bytes).expect("small") - 1;
        (0..room % 3).for_each(|_| message.extend([2, 1, 7, 0]));
        (0..room / 3 - room % 3).for_each(|_| message.extend([2, 0, 0]));
        Bytes(message)
    };
    let last = MAX_ROUNDS - 1;
    for (bytes, number, sense) in [
        (RECONCILE_BYTES, last, true),
        (RECONCILE_BYTES + 1, last, false),
        (RECONCILE_BYTES, MAX_ROUNDS, false),
    ] {
        assert_eq!(skips(bytes).0.len() as u64, bytes);
        let (mut anna, mut ben) = (Side::new(ANNA, true), Side::new(BEN, true));
        let mailbox = anna.open(1, false);
        ben.open(1, false);
        connect(&mut anna, &mut ben);
        let round = Round { attempt: 9, number };
        ben.hear(ANNA, &Packet::Reconcile { mailbox, round, bytes: skips(bytes) });
        assert_eq!(!ben.said(ANNA).is_empty(), sense, "{bytes} {number}");
    }
    for (bytes, sense) in [(RECONCILE_BYTES, true), (RECONCILE_BYTES + 1, false)] {
        let (mut anna, mailbox, round) = at_a_liar();
        anna.hear(MALLORY, &Packet::Reconciled { mailbox, round, bytes: skips(bytes) });
        assert_eq!(anna.exchange.is_in_step(&mailbox), sense, "{bytes}");
    }
}

/// R-50, P2: a member's word acknowledges nothing; only a relay's does.
#[test]
pub(crate) fn what_a_member_stores_is_not_acknowledged() {
    let (mut anna, mut ben) = (Side::new(ANNA, true), Side::new(BEN, true));
    let mailbox = anna.open(1, false);
    ben.open(1, false);
    let id = anna.offer(mailbox, b"hello");
    connect(&mut anna, &mut ben);
    assert!(ben.has(&mailbox, &id) && !anna.exchange.is_acked(&mailbox));
    anna.hear(BEN, &Packet::Stored { mailbox, ids: vec![id] });
    assert!(!anna.exchange.is_acked(&mailbox));
}

/// H-25: nothing is listed, served or taken before the key was proven.
#[test]
fn who_has_not_proven_a_mailbox_gets_and_puts_nothing() {
    let mut anna = Side::new(ANNA, true);
    let mailbox = anna.open(1, false);
    let id = anna.offer(mailbox, b"hello");
    let envelope = {
        let key = sealed(1).key;
        Envelope::seal(&key, &mailbox, NOON, b"pushed", &mut anna.rng).expect("short")
    };
    anna.up(MALLORY, false);
    anna.greeted_by(MALLORY, Nonce([3; 16]), false);
    anna.said(MALLORY);
    let reconcile =
        Packet::Reconcile { mailbox, round: Round::default(), bytes: Bytes(vec![0x61, 0, 0]) };
    let put = Packet::Put { mailbox, envelopes: vec![Bytes(envelope.bytes().to_vec())] };
    for ask in [Packet::Get { mailbox, ids: vec![id] }, reconcile, put] {
        assert!(anna.hear(MALLORY, &ask).arrived.is_empty());
        assert_eq!(anna.said(MALLORY), []);
    }
}

/// R-50, H-6, H-8: a proof holds on its own connection.
#[test]
pub(crate) fn a_proof_heard_elsewhere_proves_nothing() {
    let (mut anna, mut ben) = (Side::new(ANNA, true), Side::new(BEN, true));
    let mailbox = anna.open(1, false);
    ben.open(1, false);
    let heard = connect(&mut anna, &mut ben);
    let proofs: Vec<Proof> = heard
        .iter()
        .filter_map(|(from, packet)| match packet {
            Packet::Prove(proofs) if *from == BEN => Some(proofs.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(proofs.len(), 1);
    let refused = |said: &[Packet]| {
        said.contains(&Packet::Refused { mailbox, id: None, why: Refusal::Closed })
    };
    // By somebody else; and by the same one on a new connection, with the old nonces on its side.
    let nonce = heard.iter().find_map(|(from, packet)| match packet {
        Packet::Hello { nonce, .. } if *from == BEN => Some(*nonce),
        _ => None,
    });
    for peer in [MALLORY, BEN] {
        anna.act(|exchange, _, batch| exchange.down(batch, &peer));
        anna.up(peer, false);
        anna.greeted_by(peer, nonce.expect("Ben said hello"), false);
        anna.said(peer);
        anna.hear(peer, &Packet::Prove(proofs.clone()));
        assert!(refused(&anna.said(peer)));
        anna.hear(peer, &Packet::Get { mailbox, ids: Vec::new() });
        assert_eq!(anna.said(peer), []);
    }
}

///
#[test]
fn a_proof_signs_mailbox_both_peers_and_both_nonces() {
    let pair = KeyPair::from_seed(&[5; 32]);
    let ends = Ends {
        prover: ANNA,
        verifier: BEN,
        prover_nonce: Nonce([1; 16]),
        verifier_nonce: Nonce([2; 16]),
    };
    let proof = ends.prove(&pair, false, true);
    assert!(ends.verify(&proof));
    let other = Nonce([9; 16]);
    for changed in [
        Ends { prover: MALLORY, ..ends },
        Ends { verifier: MALLORY, ..ends },
        Ends { prover: BEN, verifier: ANNA, ..ends },
        Ends { prover_nonce: other, ..ends },
        Ends { verifier_nonce: other, ..ends },
        Ends { prover_nonce: Nonce([2; 16]), verifier_nonce: Nonce([1; 16]), ..ends },
    ] {
        assert!(!changed.verify(&proof));
    }
    let moved = Proof { mailbox: sealed(1).mailbox(), ..proof };
    assert!(!ends.verify(&moved));
}

/// not to another member, nor listed to others by a relay.
#[test]
pub(crate) fn a_quiet_mailbox_is_proven_to_relays_only_and_unlisted() {
    let (mut anna, mut ben) = (Side::new(ANNA, true), Side::new(BEN, true));
    let mailbox = anna.open(1, true);
    ben.open(1, false);
    let heard = connect(&mut anna, &mut ben);
    let by_anna =
        |(from, packet): &(Peer, Packet)| *from == ANNA && matches!(packet, Packet::Prove(_));
    assert!(!heard.iter().any(by_anna));
    let refusal = Packet::Refused { mailbox, id: None, why: Refusal::Closed };
    assert!(heard.contains(&(ANNA, refusal)), "as if it were not here");
    let relay = with_relay(&mut anna);
    anna.up(relay, true);
    anna.greeted_by(relay, Nonce([4; 16]), true);
    let said = anna.said(relay);
    let proof = said.iter().find_map(|packet| match packet {
        Packet::Prove(proofs) => proofs.first(),
        _ => None,
    });
    assert!(proof.is_some_and(|proof| proof.mailbox == mailbox && !proof.listed));
}

fn with_relay(side: &mut Side) -> Peer {
    let relay = Peer([7; 32]);
    let known = (vec![vec![4]], RelayKey::Known(relay), None);
    side.act(|exchange, _, batch| exchange.use_relays(batch, vec![known]));
    relay
}

/// A side with a relay that serves its one mailbox.
fn served(mesh: bool) -> (Side, Peer, MailboxId) {
    let mut anna = Side::new(ANNA, mesh);
    let mailbox = anna.open(1, false);
    let relay = with_relay(&mut anna);
    anna.up(relay, true);
    anna.greeted_by(relay, Nonce([4; 16]), true);
    anna.hear(relay, &Packet::Proven(vec![mailbox]));
    anna.said(relay);
    (anna, relay, mailbox)
}

/// Two relays that are connected and have said nothing yet.
fn two_relays(side: &mut Side) -> [Peer; 2] {
    let relays = [Peer([7; 32]), Peer([8; 32])];
    let known = relays.map(|relay| (vec![vec![relay.0[0]]], RelayKey::Known(relay), None));
    side.act(|exchange, _, batch| exchange.use_relays(batch, known.to_vec()));
    for relay in relays {
        side.up(relay, true);
    }
    relays
}

/// A relay takes the proof of a mailbox; gives whether it was asked to push.
fn greeted_and_proven(side: &mut Side, relay: Peer, mailbox: MailboxId) -> Vec<bool> {
    side.greeted_by(relay, Nonce([4; 16]), true);
    let asked = pushes(&side.said(relay));
    side.hear(relay, &Packet::Proven(vec![mailbox]));
    side.said(relay);
    asked
}

/// A side with two relays that serve its one mailbox; the first pushes.
fn served_twice() -> (Side, [Peer; 2], MailboxId) {
    let mut anna = Side::new(ANNA, false);
    let mailbox = anna.open(1, false);
    let relays = two_relays(&mut anna);
    for relay in relays {
        greeted_and_proven(&mut anna, relay, mailbox);
    }
    (anna, relays, mailbox)
}

fn envelope(side: &mut Side, mailbox: MailboxId, text: &[u8]) -> (EnvelopeId, Bytes) {
    let envelope = Envelope::seal(&sealed(1).key, &mailbox, NOON, text, &mut side.rng);
    let envelope = envelope.expect("short");
    (envelope.id(&mailbox), Bytes(envelope.bytes().to_vec()))
}

const REPAIRED_MS: u64 = REPAIR_MS + 255 * REPAIR_STEP_MS;

/// members who reach only the other one then have it.
#[test]
pub(crate) fn what_one_relay_brings_and_the_other_does_not_show_is_put_there_once() {
    let (mut anna, [one, other], mailbox) = served_twice();
    let (_, bytes) = envelope(&mut anna, mailbox, b"hello");
    let put = Packet::Put { mailbox, envelopes: vec![bytes.clone()] };
    anna.hear(one, &Packet::Give { mailbox, envelopes: vec![bytes] });
    assert!(!anna.said(other).contains(&put), "it has its moment");
    let wake = anna.exchange.next_wake().expect("something is to be done");
    assert!((NOON.plus(REPAIR_MS)..=NOON.plus(REPAIRED_MS)).contains(&wake));
    anna.tick(REPAIRED_MS);
    assert!(anna.said(other).contains(&put));
    assert!(!anna.said(one).contains(&put), "it came from there");
    anna.tick(2 * REPAIRED_MS);
    assert!(!anna.said(other).contains(&put), "once, whatever becomes of it");
}

/// P7: a flood of what is no good lets no node wake once for each.
#[test]
fn for_what_was_not_kept_nobody_wakes() {
    let (mut anna, [one, other], mailbox) = served_twice();
    let before = anna.exchange.next_wake();
    for passed_over in [false, true] {
        let (_, bytes) = envelope(&mut anna, mailbox, &[u8::from(passed_over)]);
        let give = wire::encode(&Packet::Give { mailbox, envelopes: vec![bytes] });
        let outcome = anna.act(|exchange, env, batch| exchange.frame(env, batch, one, &give));
        let (_, envelope) = &outcome.arrived[0];
        if passed_over {
            anna.exchange.pass_over(mailbox, envelope);
        } else {
            anna.exchange.reject(mailbox, envelope.id(&mailbox));
        }
        assert_eq!(anna.exchange.sessions[&other].doubts.len(), 1 + usize::from(passed_over));
        assert_eq!(anna.exchange.next_wake(), before, "{passed_over}");
    }
}

/// two relays that both have everything cost nothing.
#[test]
fn what_both_relays_show_is_put_at_neither() {
    let (mut anna, [one, other], mailbox) = served_twice();
    let pushed = envelope(&mut anna, mailbox, b"pushed by both");
    let announced = envelope(&mut anna, mailbox, b"announced later");
    let listed = envelope(&mut anna, mailbox, b"announced before, and brought by the other");
    let give = |bytes: &Bytes| Packet::Give { mailbox, envelopes: vec![bytes.clone()] };
    let announce = |id: EnvelopeId| Packet::Announce { mailbox, ids: vec![id] };
    anna.hear(other, &announce(listed.0));
    for (_, bytes) in [&pushed, &announced, &listed] {
        anna.hear(one, &give(bytes));
    }
    anna.hear(other, &give(&pushed.1));
    anna.hear(other, &announce(announced.0));
    anna.hear(other, &give(&listed.1));
    anna.said(other);
    anna.tick(REPAIRED_MS);
    let puts = |said: &[Packet]| said.iter().any(|packet| matches!(packet, Packet::Put { .. }));
    assert!(!puts(&anna.said(one)) && !puts(&anna.said(other)));
}

///
#[test]
fn what_a_relay_does_not_show_is_remembered_within_bounds() {
    let (mut anna, [one, other], mailbox) = served_twice();
    for number in 0..=u16::try_from(MAX_DOUBTS).expect("few") {
        let (_, bytes) = envelope(&mut anna, mailbox, &number.to_be_bytes());
        anna.hear(one, &Packet::Give { mailbox, envelopes: vec![bytes] });
    }
    assert_eq!(anna.exchange.sessions[&other].doubts.len(), MAX_DOUBTS);
}

/// gossip has a moment; on a thin link the relay is asked to push.
#[test]
fn what_is_announced_is_fetched_unless_gossip_brings_it_first() {
    for mesh in [true, false] {
        let (mut anna, relay, mailbox) = served(mesh);
        let ids = vec![EnvelopeId([5; 32])];
        anna.hear(relay, &Packet::Announce { mailbox, ids: ids.clone() });
        let get = Packet::Get { mailbox, ids };
        assert_eq!(anna.said(relay).contains(&get), !mesh);
        if mesh {
            assert_eq!(anna.exchange.next_wake(), Some(NOON.plus(MOMENT_MS)));
            anna.tick(MOMENT_MS);
            assert!(anna.said(relay).contains(&get));
        }
    }
    let pushes = |mesh| {
        let mut anna = Side::new(ANNA, mesh);
        anna.open(1, false);
        let relay = with_relay(&mut anna);
        anna.up(relay, true);
        anna.greeted_by(relay, Nonce([4; 16]), true);
        anna.said(relay).iter().any(|packet| match packet {
            Packet::Prove(proofs) => proofs.iter().all(|proof| proof.push),
            _ => false,
        })
    };
    assert!(pushes(false) && !pushes(true));
}

/// What each proof among these asked for.
fn pushes(said: &[Packet]) -> Vec<bool> {
    let proofs = said.iter().filter_map(|packet| match packet {
        Packet::Prove(proofs) => Some(proofs),
        _ => None,
    });
    proofs.flatten().map(|proof| proof.push).collect()
}

fn announce(mailbox: MailboxId, id: EnvelopeId) -> Packet {
    Packet::Announce { mailbox, ids: vec![id] }
}

fn get(mailbox: MailboxId, id: EnvelopeId) -> Packet {
    Packet::Get { mailbox, ids: vec![id] }
}

/// whole envelopes come once, and a relay that withholds them costs a moment.
#[test]
fn one_relay_pushes_and_what_it_withholds_is_fetched_at_the_other_after_a_moment() {
    let mut anna = Side::new(ANNA, false);
    let mailbox = anna.open(1, false);
    let [one, other] = two_relays(&mut anna);
    assert_eq!(greeted_and_proven(&mut anna, one, mailbox), [true]);
    assert_eq!(greeted_and_proven(&mut anna, other, mailbox), [false]);
    let (pushed, bytes) = envelope(&mut anna, mailbox, b"pushed");
    anna.hear(other, &announce(mailbox, pushed));
    anna.hear(one, &Packet::Give { mailbox, envelopes: vec![bytes] });
    let (withheld, bytes) = envelope(&mut anna, mailbox, b"withheld");
    anna.hear(other, &announce(mailbox, withheld));
    assert_eq!(anna.said(other), [], "it may still come");
    assert_eq!(anna.exchange.next_wake(), Some(NOON.plus(MOMENT_MS)));
    anna.tick(MOMENT_MS);
    assert_eq!(anna.said(other), [get(mailbox, withheld)]);
    let given = Packet::Give { mailbox, envelopes: vec![bytes] };
    assert_eq!(anna.hear(other, &given).arrived.len(), 1);
    // What the pushing one has no room to push is fetched from it at once.
    let (late, _) = envelope(&mut anna, mailbox, b"announced by who pushes");
    anna.hear(one, &announce(mailbox, late));
    assert_eq!(anna.said(one), [get(mailbox, late)]);
}

/// and what it had not pushed by then is fetched where it was announced.
#[test]
fn another_relay_pushes_when_the_pushing_one_goes() {
    let (mut anna, [one, other], mailbox) = served_twice();
    let (lost, _) = envelope(&mut anna, mailbox, b"lost with the connection");
    anna.hear(other, &announce(mailbox, lost));
    anna.act(|exchange, _, batch| exchange.down(batch, &one));
    assert_eq!(pushes(&anna.said(other)), [true]);
    anna.hear(other, &Packet::Proven(vec![mailbox]));
    anna.tick(MOMENT_MS);
    assert_eq!(anna.said(other), [get(mailbox, lost)]);
    // Back again, the first one is the second.
    anna.up(one, true);
    assert_eq!(greeted_and_proven(&mut anna, one, mailbox), [false]);
    assert!(pushes(&anna.said(other)).is_empty());
}

/// neither does a refusal leave a mailbox with nobody who pushes.
#[test]
fn another_relay_pushes_when_the_first_refuses_or_does_not_answer() {
    for answers in [true, false] {
        let mut anna = Side::new(ANNA, false);
        let mailbox = anna.open(1, false);
        let [one, other] = two_relays(&mut anna);
        anna.greeted_by(one, Nonce([4; 16]), true);
        assert_eq!(pushes(&anna.said(one)), [true]);
        assert_eq!(greeted_and_proven(&mut anna, other, mailbox), [false]);
        if answers {
            anna.hear(one, &Packet::Refused { mailbox, id: None, why: Refusal::Closed });
        } else {
            anna.tick(ANSWER_MS);
        }
        assert_eq!(pushes(&anna.said(other)), [true]);
        // Opened by somebody else meanwhile, it does not push beside the other one.
        let again = if answers { vec![] } else { vec![false] };
        assert_eq!(pushes(&anna.said(one)), again);
        anna.hear(one, &Packet::Proven(vec![mailbox]));
        let again = if answers { vec![false] } else { vec![] };
        assert_eq!(pushes(&anna.said(one)), again);
    }
}

/// a relay that withholds in silence loses its place; one that lies does not take it.
#[test]
fn another_relay_pushes_when_the_pushing_one_lags_and_not_on_empty_words() {
    let (mut anna, [one, other], mailbox) = served_twice();
    for number in 0..2 * MAX_MISSED {
        let id = EnvelopeId([u8::try_from(number).expect("few"); 32]);
        anna.hear(other, &announce(mailbox, id));
        anna.tick(MOMENT_MS);
        anna.hear(other, &Packet::Gone { mailbox, ids: vec![id] });
    }
    assert!(pushes(&anna.said(other)).is_empty(), "there was nothing to push");
    for number in 0..MAX_MISSED {
        assert!(pushes(&anna.said(one)).is_empty());
        let (id, bytes) = envelope(&mut anna, mailbox, &number.to_be_bytes());
        anna.hear(other, &announce(mailbox, id));
        anna.tick(MOMENT_MS);
        anna.hear(other, &Packet::Give { mailbox, envelopes: vec![bytes] });
    }
    assert_eq!((pushes(&anna.said(one)), pushes(&anna.said(other))), (vec![false], vec![true]));
}

/// R-34, P7
#[test]
fn what_is_awaited_is_bounded_and_the_rest_fetched_at_once() {
    let (mut anna, [_, other], mailbox) = served_twice();
    let ids = (0..MAX_IDS).map(|number| {
        let mut id = [1; 32];
        id[..8].copy_from_slice(&number.to_be_bytes());
        EnvelopeId(id)
    });
    anna.hear(other, &Packet::Announce { mailbox, ids: ids.collect() });
    let session = &anna.exchange.sessions[&other];
    assert_eq!((session.awaited.len(), session.gets.len()), (MAX_AWAITED, MAX_GETS));
    anna.tick(MOMENT_MS);
    assert!(
        anna.exchange.next_wake().is_some_and(|at| at > anna.now),
        "it is not woken for nothing"
    );
}

///
#[test]
fn a_relay_that_lacks_nothing_is_asked_more_seldom_until_something_is_found() {
    let mut anna = Side::new(ANNA, false);
    let mailbox = anna.open(1, false);
    let relay = with_relay(&mut anna);
    anna.up(relay, true);
    anna.greeted_by(relay, Nonce([4; 16]), true);
    anna.said(relay);
    anna.hear(relay, &Packet::Proven(vec![mailbox]));
    let waits = [1, 2, 4, 8, 8, 1].map(|times| times * IDLE_SYNC_MS);
    for (number, wait) in waits.into_iter().enumerate() {
        let said = anna.said(relay);
        let Some(Packet::Reconcile { round, bytes, .. }) = said.last() else {
            panic!("it begins again, and does not say {said:?}");
        };
        let more = [EnvelopeId([9; 32])];
        let has = if number + 1 == waits.len() { &more[..] } else { &[] };
        let bytes = answer_of(has, bytes);
        anna.hear(relay, &Packet::Reconciled { mailbox, round: *round, bytes });
        if number + 1 == waits.len() {
            anna.hear(relay, &Packet::Gone { mailbox, ids: vec![EnvelopeId([9; 32])] });
        }
        anna.tick(wait - 1);
        let again = |packet: &Packet| matches!(packet, Packet::Reconcile { .. });
        assert!(!anna.said(relay).iter().any(again));
        anna.tick(1);
    }
    assert!(matches!(anna.said(relay).last(), Some(Packet::Reconcile { .. })));
}

///
#[test]
fn who_is_in_step_asks_with_one_fingerprint_and_finds_what_is_new() {
    let mut anna = Side::new(ANNA, false);
    let mailbox = anna.open(1, false);
    let relay = with_relay(&mut anna);
    anna.up(relay, true);
    anna.greeted_by(relay, Nonce([4; 16]), true);
    anna.said(relay);
    let hour = NOON.hour();
    let slot = anna.exchange.boxes.get_mut(&mailbox).expect("it is open");
    slot.held.extend((1..=40).map(|n| (EnvelopeId([n; 32]), (hour, ERASED))));
    anna.hear(relay, &Packet::Proven(vec![mailbox]));
    for (last, brief, wanted) in [(40, false, vec![]), (40, true, vec![]), (41, true, vec![41])] {
        let holds: Vec<_> = (1..=last).map(|n| EnvelopeId([n; 32])).collect();
        let (mut sizes, mut asked) = (Vec::new(), Vec::new());
        loop {
            let mut answer = None;
            for packet in anna.said(relay) {
                match packet {
                    Packet::Reconcile { round, bytes, .. } => {
                        sizes.push(bytes.0.len());
                        let bytes = answer_of(&holds, &bytes);
                        answer = Some(Packet::Reconciled { mailbox, round, bytes });
                    }
                    Packet::Get { ids, .. } => asked.extend(ids),
                    _ => {}
                }
            }
            let Some(answer) = answer else { break };
            anna.hear(relay, &answer);
        }
        assert_eq!(sizes[0] == WHOLE.len() + 16, brief, "{sizes:?}");
        assert_eq!(asked, wanted.into_iter().map(|n| EnvelopeId([n; 32])).collect::<Vec<_>>());
        anna.tick(2 * IDLE_SYNC_MS);
    }
}

/// R-50, P2
#[test]
fn what_a_relay_stored_is_acknowledged_once() {
    let (mut anna, relay, mailbox) = served(true);
    let id = anna.offer(mailbox, b"hello");
    assert!(anna.said(relay).iter().any(|packet| matches!(packet, Packet::Put { .. })));
    assert!(!anna.exchange.is_acked(&mailbox));
    let stored = Packet::Stored { mailbox, ids: vec![id, EnvelopeId([9; 32])] };
    let outcome = anna.hear(relay, &stored);
    assert_eq!((outcome.acked, outcome.acked_in), (vec![id], vec![mailbox]));
    assert!(anna.hear(relay, &stored).acked.is_empty());
}

/// R-52, H-11: damaged bytes are not what was asked for, and that is asked for again.
#[test]
fn damaged_bytes_leave_the_question_open() {
    let (mut anna, relay, mailbox) = served(false);
    let key = sealed(1).key;
    let good = Envelope::seal(&key, &mailbox, NOON, b"hello", &mut anna.rng).expect("short");
    let id = good.id(&mailbox);
    anna.hear(relay, &Packet::Announce { mailbox, ids: vec![id] });
    anna.said(relay);
    let mut flipped = good.bytes().to_vec();
    flipped[100] ^= 1;
    let cut = good.bytes()[..511].to_vec();
    let elsewhere = Packet::Give {
        mailbox: sealed(2).mailbox(),
        envelopes: vec![Bytes(good.bytes().to_vec())],
    };
    assert!(anna.hear(relay, &elsewhere).arrived.is_empty());
    for bytes in [flipped, cut, Vec::new()] {
        let outcome = anna.hear(relay, &Packet::Give { mailbox, envelopes: vec![Bytes(bytes)] });
        assert!(outcome.arrived.iter().all(|(of, envelope)| {
            *of == mailbox && envelope.id(of) != id && envelope.open(&key, of).is_none()
        }));
        assert!(!anna.has(&mailbox, &id));
    }
    anna.tick(ANSWER_MS);
    assert!(anna.said(relay).contains(&Packet::Get { mailbox, ids: vec![id] }));
    let whole = Packet::Give { mailbox, envelopes: vec![Bytes(good.bytes().to_vec())] };
    assert_eq!(anna.hear(relay, &whole).arrived.len(), 1);
    assert!(anna.hear(relay, &whole).arrived.is_empty(), "H-6: a replay is nothing new");
}

/// what was found to be no good is not fetched again.
#[test]
pub(crate) fn what_was_rejected_is_not_asked_for_again() {
    let (mut anna, relay, mailbox) = served(false);
    let id = EnvelopeId([5; 32]);
    anna.exchange.reject(mailbox, id);
    anna.hear(relay, &Packet::Announce { mailbox, ids: vec![id] });
    assert_eq!(anna.said(relay), []);
    for n in 0..u32::try_from(MAX_BAD).expect("few") + 10 {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&n.to_be_bytes());
        anna.exchange.reject(mailbox, EnvelopeId(id));
    }
    assert_eq!(anna.exchange.boxes[&mailbox].bad.len(), MAX_BAD);
}

/// H-13, P7: ids that a relay offers and cannot serve.
#[test]
fn a_relay_that_announces_without_end_costs_a_bounded_list() {
    let (mut anna, relay, mailbox) = served(false);
    for round in 0..30_u8 {
        let ids = (0..5_000_u32).map(|n| {
            let mut id = [round; 32];
            id[..4].copy_from_slice(&n.to_be_bytes());
            EnvelopeId(id)
        });
        anna.hear(relay, &Packet::Announce { mailbox, ids: ids.collect() });
    }
    let session = &anna.exchange.sessions[&relay];
    assert!(session.wanted.len() <= MAX_WANTED && session.gets.len() <= MAX_GETS);
    let asked: usize = anna
        .said(relay)
        .iter()
        .map(|packet| if let Packet::Get { ids, .. } = packet { ids.len() } else { 0 })
        .sum();
    assert!(asked <= MAX_GETS);
}

/// H-13: a relay whose answers never come to an end, each with a fingerprint of nothing. It costs as many
/// rounds as are stated; this side is not in step by it, and takes nothing for acknowledged.
#[test]
fn a_reconciliation_that_a_relay_never_ends_is_given_up() {
    let mut anna = Side::new(ANNA, false);
    let mailbox = anna.open(1, false);
    for text in 0..40 {
        anna.offer(mailbox, &[text]);
    }
    let relay = with_relay(&mut anna);
    anna.up(relay, true);
    anna.greeted_by(relay, Nonce([4; 16]), true);
    anna.hear(relay, &Packet::Proven(vec![mailbox]));
    let (mut rounds, mut bytes_sent, mut synced) = (0, 0, false);
    loop {
        let asked = anna.said(relay).into_iter().find_map(|packet| match packet {
            Packet::Reconcile { round, bytes, .. } => Some((round, bytes.0.len())),
            _ => None,
        });
        let Some((round, len)) = asked else { break };
        rounds += 1;
        bytes_sent += len;
        assert!(rounds <= MAX_ROUNDS, "it goes on");
        let lie = [&WHOLE[..], &crate::crypto::random::<16>(&mut anna.rng)].concat();
        let outcome = anna.hear(relay, &Packet::Reconciled { mailbox, round, bytes: Bytes(lie) });
        synced |= !outcome.synced.is_empty() || !outcome.acked.is_empty();
    }
    assert_eq!(rounds, MAX_ROUNDS, "each lie asks for one more");
    assert!(bytes_sent < 1 << 20, "{bytes_sent} bytes");
    assert!(!synced && !anna.exchange.is_in_step(&mailbox) && !anna.exchange.is_acked(&mailbox));
    // It is begun again, but not before it has rested.
    anna.tick(IDLE_SYNC_MS - 1);
    assert!(!anna.said(relay).iter().any(|packet| matches!(packet, Packet::Reconcile { .. })));
    anna.tick(1);
    assert!(anna.said(relay).iter().any(|packet| matches!(packet, Packet::Reconcile { .. })));
}

/// H-13: to a relay with fingerprints that collide all is the same, whatever it has. What it withholds so comes by
/// the other, and what is said here is put there.
#[test]
fn a_relay_to_which_all_is_the_same_withholds_nothing_that_another_has() {
    let (mut anna, [liar, other], mailbox) = served_twice();
    let (id, bytes) = envelope(&mut anna, mailbox, b"of somebody");
    let own = anna.offer(mailbox, b"one's own");
    // What was put there at once is lost.
    anna.said(other);
    anna.tick(IDLE_SYNC_MS);
    let (mut lied, mut put) = (false, Vec::new());
    loop {
        let (to_liar, to_other) = (anna.said(liar), anna.said(other));
        if to_liar.is_empty() && to_other.is_empty() {
            break;
        }
        for packet in to_liar {
            if let Packet::Reconcile { round, .. } = packet {
                let bytes = Bytes(WHOLE[..1].to_vec());
                let outcome = anna.hear(liar, &Packet::Reconciled { mailbox, round, bytes });
                lied |= outcome.acked.contains(&own);
            }
        }
        for packet in to_other {
            match packet {
                Packet::Reconcile { round, bytes, .. } => {
                    let bytes = answer_of(&[id], &bytes);
                    anna.hear(other, &Packet::Reconciled { mailbox, round, bytes });
                }
                Packet::Get { .. } => {
                    let envelopes = vec![bytes.clone()];
                    anna.hear(other, &Packet::Give { mailbox, envelopes });
                }
                Packet::Put { envelopes, .. } => {
                    let envelopes = envelopes.into_iter().filter_map(|it| Envelope::parse(it.0));
                    put.extend(envelopes.map(|it| it.id(&mailbox)));
                }
                _ => {}
            }
        }
    }
    assert!(lied, "its word is taken for it, and for no other");
    assert!(anna.has(&mailbox, &id), "the other one has it");
    assert_eq!(put, [own], "the other one lacks it");
}

/// H-18: a version that this side does not speak, older or newer, is no greeting: nothing is proven on it.
#[test]
fn nothing_is_proven_to_who_greets_in_another_version() {
    for version in [0, 2, u16::MAX] {
        let mut anna = Side::new(ANNA, false);
        let mailbox = anna.open(1, false);
        let relay = with_relay(&mut anna);
        anna.up(relay, true);
        anna.said(relay);
        let greets = |anna: &mut Side, version| {
            let nonce = Nonce([4; 16]);
            anna.hear(relay, &Packet::Hello { version, nonce, relay: true, heard: true });
            anna.said(relay).iter().any(|packet| matches!(packet, Packet::Prove(_)))
        };
        assert!(!greets(&mut anna, version), "version {version}");
        anna.hear(relay, &Packet::Proven(vec![mailbox]));
        assert_eq!(anna.said(relay), [], "nothing is put or asked for");
        assert!(greets(&mut anna, 1));
    }
}

/// H-25: a relay that names 200 strangers as holders of a mailbox: few are dialed, none is told anything,
/// and the relay stays where it was.
#[test]
fn strangers_that_a_relay_names_take_few_circuits_and_learn_nothing() {
    let (mut anna, relay, mailbox) = served(false);
    let id = anna.offer(mailbox, b"hello");
    anna.said(relay);
    for turn in 0..20_u8 {
        let peers = (0..10_u8).map(|n| Peer([turn * 10 + n + 20; 32])).collect();
        anna.hear(relay, &Packet::Peers { mailbox, peers });
    }
    let peers = (20..220_u8).map(|n| Peer([n; 32])).collect();
    anna.hear(relay, &Packet::Peers { mailbox, peers });
    assert!(anna.exchange.circuits.len() <= CIRCUITS as usize, "circuits do not add up");
    let left = |output: &Output| matches!(output, Output::Leave { to: Contact::Relay { .. }, .. });
    assert!(!anna.disk.sent.iter().any(left), "a relay is pushed out");
    anna.disk.sent.clear();
    for n in 20..24 {
        let stranger = Peer([n; 32]);
        anna.up(stranger, false);
        anna.greeted_by(stranger, Nonce([n; 16]), false);
        // What it is told it can check, and it cannot prove anything itself.
        assert!(anna.said(stranger).iter().all(|packet| matches!(packet, Packet::Prove(_))));
        anna.hear(stranger, &Packet::Get { mailbox, ids: vec![id] });
        assert_eq!(anna.said(stranger), []);
    }
    assert!(anna.exchange.relay_views()[0].up);
}

/// somebody who is not the relay that is meant.
#[test]
fn an_unknown_relay_is_shut_out() {
    let mut anna = Side::new(ANNA, true);
    anna.open(1, false);
    with_relay(&mut anna);
    anna.up(MALLORY, true);
    assert!(anna.was_shut(MALLORY));
    assert_eq!(anna.said(MALLORY), []);
}

/// H-1, H-18
#[test]
fn nonsense_ends_the_connection() {
    let random = |anna: &mut Side, bytes: &[u8]| {
        anna.act(|exchange, env, batch| exchange.frame(env, batch, MALLORY, bytes));
    };
    let mut anna = Side::new(ANNA, true);
    anna.up(MALLORY, false);
    random(&mut anna, &[0xff, 0, 1]);
    assert!(anna.was_shut(MALLORY));
    // What can be read and makes no sense, a few times.
    let mut anna = Side::new(ANNA, true);
    anna.up(MALLORY, false);
    let nonce = Nonce([1; 16]);
    for version in 2..2 + u16::from(MAX_NONSENSE) {
        anna.hear(MALLORY, &Packet::Hello { version, nonce, relay: false, heard: true });
        assert!(!anna.was_shut(MALLORY));
    }
    anna.hear(MALLORY, &Packet::Hello { version: 0, nonce, relay: false, heard: true });
    assert_eq!(anna.shut_for(MALLORY), Some(Cause::Version), "the log can name it");
    // Whoever greeted well meant something else by it.
    let mut anna = Side::new(ANNA, true);
    anna.up(MALLORY, false);
    anna.hear(MALLORY, &Packet::Hello { version: 1, nonce, relay: false, heard: true });
    for _ in 0..=MAX_NONSENSE {
        anna.hear(MALLORY, &Packet::Hello { version: 0, nonce, relay: false, heard: true });
    }
    assert_eq!(anna.shut_for(MALLORY), Some(Cause::Nonsense));
}

/// H-25: somebody at the end of a circuit who proves no mailbox takes a place for half a minute.
#[test]
fn who_proves_nothing_over_a_circuit_is_shut_out_in_time() {
    let mut anna = Side::new(ANNA, false);
    let mailbox = anna.open(1, false);
    let relay = with_relay(&mut anna);
    anna.up(relay, true);
    anna.up(MALLORY, false);
    anna.up(BEN, false);
    let nonce = Nonce([6; 16]);
    anna.greeted_by(MALLORY, nonce, false);
    let verifier_nonce = anna.greeted_by(BEN, nonce, false);
    let ends = Ends { prover: BEN, verifier: ANNA, prover_nonce: nonce, verifier_nonce };
    let proof = ends.prove(&sealed(1).pair, false, true);
    for peer in [BEN, MALLORY] {
        anna.hear(peer, &Packet::Prove(vec![proof]));
    }
    let refused = Packet::Refused { mailbox, id: None, why: Refusal::Closed };
    assert_eq!(anna.said(MALLORY).last(), Some(&refused), "the proof is Ben's");
    while anna.now < NOON.plus(STRANGER_MS - 1) {
        let next = anna.exchange.next_wake().expect("there is a deadline");
        anna.tick(next.min(NOON.plus(STRANGER_MS - 1)).since(anna.now).max(1));
        assert!(!anna.was_shut(MALLORY));
    }
    anna.tick(1);
    assert_eq!(anna.shut_for(MALLORY), Some(Cause::Idle));
    anna.tick(STRANGER_MS);
    assert!(!anna.was_shut(BEN) && !anna.was_shut(relay), "they have shown what they are here for");
}

/// a card counts only if the relay's own key signed it for this use.
#[test]
fn a_relay_card_by_another_key_is_not_shown() {
    let pair = KeyPair::from_seed(&[7; 32]);
    let relay = Peer(pair.public());
    let mut anna = Side::new(ANNA, true);
    let known = (vec![vec![4]], RelayKey::Known(relay), None);
    anna.act(|exchange, _, batch| exchange.use_relays(batch, vec![known]));
    anna.up(relay, true);
    anna.greeted_by(relay, Nonce([4; 16]), true);
    let card = wire::encode(&RelayCard { operator: "Hope".into(), ..RelayCard::default() });
    let mut say = |pair: &KeyPair, label| {
        let signature = crate::identity::Signature(pair.sign(label, &CircleId::NONE, &[&card]));
        anna.hear(relay, &Packet::Card { card: Bytes(card.clone()), signature });
        anna.exchange.relay_views()[0].card.is_some()
    };
    assert!(!say(&KeyPair::from_seed(&[8; 32]), Label::RelayCard));
    assert!(!say(&pair, Label::Proof));
    assert!(say(&pair, Label::RelayCard));
}

/// ids are kept where the bytes are gone, so that these are not fetched again.
#[test]
pub(crate) fn what_is_older_than_the_horizon_is_erased_and_not_fetched_again() {
    let (mut anna, relay, mailbox) = served(false);
    let id = anna.offer(mailbox, b"hello");
    anna.said(relay);
    let hour = NOON.hour() + 1;
    anna.act(|exchange, _, batch| exchange.expire(batch, hour));
    assert!(anna.disk.rows.is_empty());
    anna.hear(relay, &Packet::Announce { mailbox, ids: vec![id] });
    assert_eq!(anna.said(relay), []);
}

/// What a relay is told after greetings and proofs: Anna and Mallory, a relay, share mailbox 1.
fn at_a_liar() -> (Side, MailboxId, Round) {
    let mut anna = Side::new(ANNA, false);
    let mailbox = anna.open(1, false);
    served_by(&mut anna, MALLORY, mailbox);
    let round = anna.said(MALLORY).into_iter().find_map(|packet| match packet {
        Packet::Reconcile { round, .. } => Some(round),
        _ => None,
    });
    (anna, mailbox, round.expect("it reconciles"))
}

fn served_by(anna: &mut Side, relay: Peer, mailbox: MailboxId) {
    let known = (vec![vec![relay.0[0]]], RelayKey::Known(relay), None);
    let others = anna.exchange.relays().map(|relay| (relay.addresses.to_vec(), relay.key, None));
    let relays = others.chain([known]).collect();
    anna.act(|exchange, _, batch| exchange.use_relays(batch, relays));
    anna.up(relay, true);
    anna.greeted_by(relay, Nonce([7; 16]), true);
    anna.hear(relay, &Packet::Proven(vec![mailbox]));
}

/// R-52, H-13: a relay that offers what it does not give is not waited for.
#[test]
fn what_a_relay_offers_and_never_gives_is_given_up() {
    let (mut anna, mailbox, round) = at_a_liar();
    anna.hear(MALLORY, &Packet::Reconciled { mailbox, round, bytes: Bytes(vec![0x61]) });
    let mut asked = 0;
    for n in 0..10_u8 {
        let ids = (0..9).map(|id| EnvelopeId([100 + 10 * n + id; 32])).collect();
        anna.hear(MALLORY, &Packet::Announce { mailbox, ids });
        for _ in 0..5 {
            anna.tick(1_000);
        }
        let gets = |packet: &Packet| matches!(packet, Packet::Get { .. });
        asked += anna.said(MALLORY).iter().filter(|packet| gets(packet)).count();
    }
    assert!(!anna.exchange.is_busy(), "nobody waits for it");
    assert!(asked < 60, "asked {asked} times");
}

/// R-52, H-13: also of a single one, which no other question stands beside.
#[test]
fn a_single_id_that_is_never_given_is_given_up() {
    let (mut anna, mailbox, round) = at_a_liar();
    anna.hear(MALLORY, &Packet::Reconciled { mailbox, round, bytes: Bytes(vec![0x61]) });
    anna.hear(MALLORY, &Packet::Announce { mailbox, ids: vec![EnvelopeId([100; 32])] });
    let mut asked = 0;
    for second in 0..60 {
        anna.tick(1_000);
        let gets = |packet: &Packet| matches!(packet, Packet::Get { .. });
        asked += anna.said(MALLORY).iter().filter(|packet| gets(packet)).count();
        assert_eq!(anna.exchange.is_busy(), second + 1 < 15, "after {} s", second + 1);
    }
    assert_eq!(asked, 5);
}

/// R-52, H-13: a reconciliation that never ends proves nothing, and is not begun anew at once.
#[test]
fn a_reconciliation_without_end_acknowledges_nothing() {
    let (mut anna, mailbox, _) = at_a_liar();
    let id = anna.offer(mailbox, b"hello");
    let (mut rounds, mut acked) = (0, Vec::new());
    for second in 0..600_u64 {
        for packet in anna.said(MALLORY) {
            let Packet::Reconcile { round, .. } = packet else { continue };
            rounds += 1;
            // "Of everything I have another fingerprint."
            let bytes = Bytes([&WHOLE[..], &second.to_be_bytes(), &[0; 8]].concat());
            let answer = Packet::Reconciled { mailbox, round, bytes };
            acked.extend(anna.hear(MALLORY, &answer).acked);
        }
        anna.tick(1_000);
    }
    assert!(rounds <= MAX_ROUNDS + 1, "{rounds} rounds in ten minutes");
    assert!(!acked.contains(&id));
}

/// R-52, P7: all proofs hang on a nonce, so there is one a connection.
#[test]
fn a_relay_that_greets_anew_again_and_again_is_left() {
    let (mut anna, _, _) = at_a_liar();
    for n in 0..=MAX_NONSENSE {
        let nonce = Nonce([100 + n; 16]);
        anna.hear(MALLORY, &Packet::Hello { version: 1, nonce, relay: true, heard: true });
    }
    assert!(anna.was_shut(MALLORY));
    let proofs = anna.said(MALLORY);
    assert!(!proofs.iter().any(|packet| matches!(packet, Packet::Prove(_))), "{proofs:?}");
}

/// that one relay says it has something does not make the other one have it.
#[test]
fn what_one_relay_acknowledges_is_put_to_the_other_until_it_has_it() {
    let (mut anna, mailbox, round) = at_a_liar();
    anna.hear(MALLORY, &Packet::Reconciled { mailbox, round, bytes: Bytes(vec![0x61]) });
    served_by(&mut anna, BEN, mailbox);
    let first = anna.said(BEN).into_iter().find_map(|packet| match packet {
        Packet::Reconcile { round, .. } => Some(round),
        _ => None,
    });
    let round = first.expect("it reconciles");
    anna.hear(BEN, &Packet::Reconciled { mailbox, round, bytes: Bytes(vec![0x61]) });
    let id = anna.offer(mailbox, b"hello");
    // The frame to Ben's machine was lost.
    anna.said(BEN);
    let acked = anna.hear(MALLORY, &Packet::Stored { mailbox, ids: vec![id] }).acked;
    assert_eq!(acked, [id]);
    assert!(!anna.exchange.is_told_everywhere(&mailbox));
    anna.tick(2 * BUSY_SYNC_MS);
    let asks = anna.said(BEN);
    assert!(asks.iter().any(|packet| matches!(packet, Packet::Reconcile { .. })), "{asks:?}");
    anna.hear(BEN, &Packet::Stored { mailbox, ids: vec![id] });
    assert!(anna.exchange.is_told_everywhere(&mailbox));
    // A relay that takes the mailbox no more, having forgotten who may put there, has nothing of it.
    anna.hear(BEN, &Packet::Refused { mailbox, id: None, why: Refusal::Closed });
    assert!(!anna.exchange.is_told_everywhere(&mailbox));
}
