//! What somebody who comes with a code believes, and what a circle believes of somebody who comes.

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::*;
use crate::boundary::Output;
use crate::circle::charter::tests::{ANNA, BEN, MALLORY, Someone, with_card};
use crate::circle::epoch::Plan;
use crate::circle::log::tests::Disk;
use crate::crypto::Secret;
use crate::exchange::tests::{answers_of_an_empty_relay, greeting_of_a_relay};
use crate::identity::{EpochId, OperationId, Peer};
use crate::invite::RelayEntry;
use crate::mailbox::Packet;

const HERE: CircleId = CircleId([1; 32]);
const NOW: Timestamp = Timestamp(1_795_608_000_000);
/// The relay of the code.
const RELAY: Peer = Peer([8; 32]);
/// Another one, that lies.
const LIAR: Peer = Peer([9; 32]);

fn person(who: u8) -> Someone {
    with_card(who, &HERE, Suite::Thin, 10)
}

fn origin(circle: CircleId, inviter: u8) -> Origin {
    Origin { circle, invite: InviteId([2; 8]), inviter: person(inviter).id, r: Digest([3; 32]) }
}

fn secret() -> [u8; 16] {
    let Origin { circle, invite, inviter, r } = origin(HERE, ANNA);
    invite_secret(&circle, &invite, &inviter, &r)
}

fn code() -> InviteCode {
    code_of(&[RELAY])
}

fn code_of(relays: &[Peer]) -> InviteCode {
    let entry = |relay: &Peer| RelayEntry::new(relay, vec![4, 1, 2, 3, relay.0[0]]);
    let relays: Vec<RelayEntry> = relays.iter().map(entry).collect();
    InviteCode::with_relays(false, 20_000, secret(), &relays).expect("a code")
}

fn join_card(origin: Origin, by: u8) -> RendezvousItem {
    let card = JoinCard {
        key: person(by).key(),
        name: "Evening circle".into(),
        template: "plain".into(),
        rules: Vec::new(),
        open: false,
        expires: NOW.0 + 1_000,
        suite: Suite::Thin.number(),
        origin,
    };
    let circle = card.origin.circle;
    RendezvousItem::Card(sign_note(&card, &person(by).pair, &circle))
}

fn note(origin: Origin, by: u8, why: u8, to: Option<RequestId>) -> Signed {
    let note = ClosingNote { key: person(by).key(), why, to, origin };
    let circle = note.origin.circle;
    sign_note(&note, &person(by).pair, &circle)
}

/// Somebody with a code, and the disk of that home.
struct Joiner {
    attempt: Attempt,
    disk: Disk,
    rng: ChaCha20Rng,
    now: Timestamp,
}

impl Joiner {
    fn new() -> Self {
        Self::with(&code())
    }

    fn with(code: &InviteCode) -> Self {
        let (mut disk, mut rng) = (Disk::default(), ChaCha20Rng::seed_from_u64(1));
        let identity = Identity::new(Secret::new(vec![6; 32]));
        let mut batch = Batch::default();
        let mut env = Env { now: NOW, rng: &mut rng, store: &disk };
        let attempt = Attempt::begin(&mut env, &mut batch, Link(1), &identity, code);
        disk.write(batch);
        Self { attempt, disk, rng, now: NOW }
    }

    /// One who has read the join card and asked.
    fn asking() -> Self {
        let mut joiner = Self::new();
        joiner.finds(&[join_card(origin(HERE, ANNA), ANNA)]);
        joiner.consent();
        joiner
    }

    fn restarted(self) -> Self {
        let mut joiner = Self { disk: self.disk, ..Self::new() };
        let identity = Identity::new(Secret::new(vec![6; 32]));
        let mut batch = Batch::default();
        let env = Env { now: NOW, rng: &mut joiner.rng, store: &joiner.disk };
        let mut links = || Link(2);
        let mut all = Attempt::restore_all(&env, &mut batch, &identity, &mut links);
        joiner.attempt = all.pop().expect("it was saved");
        joiner
    }

    fn act<T>(&mut self, act: impl FnOnce(&mut Attempt, &mut Env<'_>, &mut Batch) -> T) -> T {
        let mut batch = Batch::default();
        let mut env = Env { now: self.now, rng: &mut self.rng, store: &self.disk };
        let out = act(&mut self.attempt, &mut env, &mut batch);
        self.disk.write(batch);
        out
    }

    fn consent(&mut self) {
        self.act(|attempt, env, batch| attempt.consent(env, batch, "Ben".into(), None));
    }

    fn tick(&mut self, ms: u64) {
        self.now = self.now.plus(ms);
        self.act(|attempt, env, batch| attempt.tick(env, batch));
    }

    fn is_waiting(&self) -> bool {
        !self.attempt.is_over()
    }

    /// How many envelopes lie at the rendezvous, as far as is known here.
    fn known_there(&mut self) -> usize {
        let mailbox = self.attempt.rendezvous.mailbox();
        self.act(|attempt, env, batch| attempt.exchange.contents(env, batch, &mailbox).len())
    }

    fn says(&mut self, relay: Peer, packet: &Packet) {
        self.act(|attempt, env, batch| {
            let outcome = attempt.exchange.frame(env, batch, relay, &wire::encode(packet));
            attempt.take(env, batch, outcome);
        });
    }

    fn relay_says(&mut self, packet: &Packet) {
        self.says(RELAY, packet);
    }

    fn meets_the_relay(&mut self) {
        self.meets(RELAY);
    }

    /// A relay is reached, takes the proof, and shows that it has nothing.
    fn meets(&mut self, relay: Peer) {
        let mailbox = self.attempt.rendezvous.mailbox();
        self.act(|attempt, env, batch| {
            attempt.exchange.up(env, batch, relay, Peer([2; 32]), true);
        });
        greeting_of_a_relay(&[mailbox]).iter().for_each(|packet| self.says(relay, packet));
        for packet in answers_of_an_empty_relay(&std::mem::take(&mut self.disk.sent)) {
            self.says(relay, &packet);
        }
    }

    /// These lie at the rendezvous.
    fn finds(&mut self, items: &[RendezvousItem]) -> Option<Entering> {
        let rendezvous = Rendezvous::of(&secret());
        let sealed = items.iter().map(|item| rendezvous.seal(item, NOW, &mut self.rng));
        let arrived = sealed.map(|envelope| (rendezvous.mailbox(), envelope)).collect();
        self.hears(Outcome { arrived, ..Outcome::default() })
    }

    fn hears(&mut self, outcome: Outcome) -> Option<Entering> {
        self.act(|attempt, env, batch| attempt.take(env, batch, outcome))
    }

    fn state(&self) -> JoinState {
        self.attempt.view().state
    }

    fn name(&self) -> Option<String> {
        self.attempt.view().circle_name
    }

    fn request(&self) -> Request {
        self.attempt.record.request.clone().expect("it has asked")
    }

    /// The welcome of an epoch by Anna with this one in it, bent before it is signed.
    fn welcome(&self, by: u8, bend: impl FnOnce(&mut Welcome)) -> RendezvousItem {
        let body: RequestBody = self.request().body.decode().expect("a request");
        let own = VerifiedCard::verify(body.card, &body.key, &HERE, Suite::Thin).expect("a card");
        let plan = Plan {
            circle: HERE,
            suite: Suite::Thin,
            heads: vec![OperationId([4; 32])],
            supersedes: vec![EpochId([5; 32])],
            day: NOW.day(),
            cards: vec![&own],
            board: Secret::new(vec![7; 32]),
        };
        let mut rng = ChaCha20Rng::seed_from_u64(9);
        let (opening, ..) = plan.open(&person(by).pair, &mut rng);
        let mut welcome = Welcome {
            origin: origin(HERE, ANNA),
            key: person(by).key(),
            to: self.request().id(&HERE),
            header: opening.header,
            entry: opening.entries[0].clone(),
        };
        bend(&mut welcome);
        RendezvousItem::Welcome(sign_note(&welcome, &person(by).pair, &HERE))
    }
}

/// R-60, R-61
#[test]
fn the_join_card_of_the_circle_that_the_code_commits_to_is_believed() {
    let mut joiner = Joiner::new();
    assert_eq!(joiner.state(), JoinState::Looking);
    joiner.finds(&[join_card(origin(HERE, ANNA), ANNA)]);
    assert_eq!(joiner.state(), JoinState::Previewed);
    assert_eq!(joiner.name().as_deref(), Some("Evening circle"));
}

/// R-60: who has seen the code passes no other circle off for it.
#[test]
pub(crate) fn a_join_card_of_another_circle_inviter_or_invite_is_not_believed() {
    let good = origin(HERE, ANNA);
    for (bad, by) in [
        (origin(CircleId([9; 32]), ANNA), ANNA),
        (origin(HERE, MALLORY), MALLORY),
        (Origin { invite: InviteId([9; 8]), ..good.clone() }, ANNA),
        (Origin { r: Digest([9; 32]), ..good.clone() }, ANNA),
        // With everything that the true card tells, and a key of one's own.
        (good.clone(), MALLORY),
    ] {
        let mut joiner = Joiner::new();
        joiner.finds(&[join_card(bad, by)]);
        assert_eq!((joiner.state(), joiner.name()), (JoinState::Looking, None));
        joiner.finds(&[join_card(good.clone(), ANNA)]);
        assert_eq!(joiner.state(), JoinState::Previewed, "it goes on looking");
    }
}

/// R-61, H-8
#[test]
fn a_join_card_that_is_not_signed_for_this_use_is_not_believed() {
    let RendezvousItem::Card(good) = join_card(origin(HERE, ANNA), ANNA) else {
        panic!("a join card")
    };
    let content: JoinCard = good.decode().expect("a join card");
    let anna = person(ANNA).pair;
    for bad in [
        Signed { signature: Signature([1; 64]), ..good.clone() },
        Signed::new(&content, &anna, Label::Card, &HERE),
        Signed::new(&content, &anna, Label::InviteNote, &CircleId::NONE),
        Signed::new(&content, &person(BEN).pair, Label::InviteNote, &HERE),
    ] {
        let mut joiner = Joiner::new();
        joiner.finds(&[RendezvousItem::Card(bad.clone()), RendezvousItem::Welcome(bad)]);
        assert_eq!(joiner.state(), JoinState::Looking);
    }
}

/// R-61: each reason is told as what it is.
#[test]
fn a_closing_note_ends_the_wait_with_its_reason() {
    for (why, end) in [
        (0, JoinEnd::Revoked),
        (3, JoinEnd::Revoked),
        (4, JoinEnd::Declined),
        (5, JoinEnd::Full),
        (200, JoinEnd::Declined),
    ] {
        let mut joiner = Joiner::asking();
        joiner.finds(&[RendezvousItem::Closed(note(origin(HERE, ANNA), ANNA, why, None))]);
        assert_eq!(joiner.state(), JoinState::Over(end));
        assert!(joiner.attempt.is_over());
    }
    for (why, end) in [(USED, JoinEnd::Used), (EXPIRED, JoinEnd::Expired)] {
        // Who asked in time is answered by name.
        let mut joiner = Joiner::asking();
        joiner.finds(&[RendezvousItem::Closed(note(origin(HERE, ANNA), ANNA, why, None))]);
        assert!(!joiner.attempt.is_over());
        let to = Some(joiner.request().id(&HERE));
        joiner.finds(&[RendezvousItem::Refusal(note(origin(HERE, ANNA), ANNA, why, to))]);
        assert_eq!(joiner.state(), JoinState::Over(end));
        let mut late = Joiner::new();
        late.finds(&[RendezvousItem::Closed(note(origin(HERE, ANNA), ANNA, why, None))]);
        assert_eq!(late.state(), JoinState::Over(end));
    }
}

/// R-61
#[test]
pub(crate) fn a_no_to_somebody_else_or_by_who_does_not_know_the_circle_ends_nothing() {
    let mut joiner = Joiner::asking();
    let mine = Some(joiner.request().id(&HERE));
    let mut forged = note(origin(HERE, ANNA), ANNA, 4, mine);
    forged.signature = Signature([5; 64]);
    for no in [
        note(origin(HERE, ANNA), ANNA, 4, Some(RequestId([9; 16]))),
        note(origin(CircleId([9; 32]), ANNA), ANNA, 4, mine),
        note(Origin { r: Digest([9; 32]), ..origin(HERE, ANNA) }, ANNA, 0, None),
        forged,
    ] {
        joiner.finds(&[RendezvousItem::Refusal(no.clone()), RendezvousItem::Closed(no)]);
        assert!(!joiner.attempt.is_over());
    }
}

/// R-61: all who hold the code can write a note; it is shown, and the wait goes on.
#[test]
pub(crate) fn a_no_of_who_has_the_code_is_not_the_end() {
    let mut joiner = Joiner::asking();
    let mine = Some(joiner.request().id(&HERE));
    joiner.finds(&[RendezvousItem::Refusal(note(origin(HERE, ANNA), BEN, 4, mine))]);
    assert_eq!(joiner.state(), JoinState::Over(JoinEnd::Declined));
    assert!(!joiner.attempt.is_over());

    // Nor does it take back a no of the inviter.
    let mut told = Joiner::asking();
    told.finds(&[RendezvousItem::Closed(note(origin(HERE, ANNA), ANNA, 0, None))]);
    told.finds(&[RendezvousItem::Refusal(note(origin(HERE, ANNA), BEN, 4, mine))]);
    assert_eq!(told.state(), JoinState::Over(JoinEnd::Revoked));
    assert!(told.attempt.is_over());
}

/// R-61: that a relay does not know a code is nobody's word.
#[test]
fn a_relay_that_does_not_know_the_code_ends_nothing() {
    let mut joiner = Joiner::new();
    let mailbox = Rendezvous::of(&secret()).mailbox();
    joiner.hears(Outcome { refused: vec![(mailbox, Refusal::Closed)], ..Outcome::default() });
    assert_eq!(joiner.state(), JoinState::Over(JoinEnd::Unknown));
    assert!(!joiner.attempt.is_over());
    joiner.finds(&[join_card(origin(HERE, ANNA), ANNA)]);
    assert_eq!(joiner.state(), JoinState::Previewed);
    joiner.hears(Outcome { refused: vec![(mailbox, Refusal::Closed)], ..Outcome::default() });
    assert_eq!(joiner.state(), JoinState::Previewed, "the circle was heard already");
}

/// U-34: one at the address of a relay that is not the code's is told as that, until the circle was heard.
#[test]
fn an_impostor_ends_only_the_wait_of_who_has_heard_nothing() {
    for (impostor, heard, state) in [
        (false, false, JoinState::Looking),
        (true, false, JoinState::Over(JoinEnd::RelayMismatch)),
        (true, true, JoinState::Previewed),
    ] {
        let mut joiner = Joiner::new();
        if heard {
            joiner.finds(&[join_card(origin(HERE, ANNA), ANNA)]);
        }
        joiner.disk.sent.clear();
        joiner.act(|attempt, _, batch| attempt.unreachable(batch, impostor));
        assert_eq!(joiner.state(), state);
        assert_eq!(joiner.disk.sent, [Output::Notify(Event::Join(joiner.attempt.view()))]);
    }
}

/// P2: what has left is not yet asked; a relay says that it has it.
#[test]
fn who_waits_has_asked_once_a_relay_has_the_request() {
    let mut looking = Joiner::new();
    looking.meets_the_relay();
    assert_eq!(looking.state(), JoinState::Looking);

    let mut joiner = Joiner::asking();
    assert_eq!(joiner.state(), JoinState::Looking);
    joiner.meets_the_relay();
    assert_eq!(joiner.state(), JoinState::Looking);
    let puts: Vec<Packet> = joiner.disk.sent.iter().filter_map(put).collect();
    let [Packet::Put { mailbox, envelopes }] = &puts[..] else { panic!("{puts:?}") };
    let ids = envelopes.iter().filter_map(|bytes| Envelope::parse(bytes.0.clone()));
    let ids = ids.map(|envelope| envelope.id(mailbox)).collect();
    joiner.relay_says(&Packet::Stored { mailbox: *mailbox, ids });
    assert_eq!(joiner.state(), JoinState::Asked);
    joiner.act(|attempt, _, batch| attempt.exchange.down(batch, &RELAY));
    assert_eq!(joiner.state(), JoinState::Looking, "it may have been forgotten meanwhile");
}

fn put(output: &Output) -> Option<Packet> {
    let Output::Send { bytes, .. } = output else { return None };
    wire::decode(bytes).filter(|packet| matches!(packet, Packet::Put { .. }))
}

/// R-61: relays forget, and a home stops before what it said has left: where the request does not stand it is
/// posted again.
#[test]
fn a_request_that_stands_nowhere_is_posted_again() {
    let mailbox = Rendezvous::of(&secret()).mailbox();
    let synced = || Outcome { synced: vec![mailbox], ..Outcome::default() };
    let mut joiner = Joiner::asking().restarted();
    joiner.hears(Outcome::default());
    assert_eq!(joiner.known_there(), 0, "it may stand there");
    joiner.hears(synced());
    assert_eq!(joiner.known_there(), 1, "it does not");

    let mut joiner = Joiner::asking().restarted();
    let request = joiner.request();
    joiner.finds(&[RendezvousItem::Request(request)]);
    joiner.hears(synced());
    assert_eq!(joiner.known_there(), 1, "it does");
}

/// R-52, U-140 (`lying`, seed 30388): of a newcomer a relay takes 60 envelopes an hour. What another relay damages
/// uses up none of them, and the request finds its place.
#[test]
fn what_a_relay_damages_is_put_at_no_other_one() {
    let mut joiner = Joiner::with(&code_of(&[RELAY, LIAR]));
    for relay in [RELAY, LIAR] {
        joiner.meets(relay);
    }
    let rendezvous = Rendezvous::of(&secret());
    let (mailbox, card) = (rendezvous.mailbox(), join_card(origin(HERE, ANNA), ANNA));
    let good = rendezvous.seal(&card, NOW, &mut joiner.rng);
    let gives = |bytes: Vec<u8>| Packet::Give { mailbox, envelopes: vec![Bytes(bytes)] };
    for at in 100..200 {
        let mut flipped = good.bytes().to_vec();
        flipped[at] ^= 1;
        joiner.says(LIAR, &gives(flipped));
    }
    // Longer than a relay has to show what came from another one (R-51).
    joiner.tick(5_000);
    assert_eq!(joiner.known_there(), 0);
    assert_eq!(joiner.disk.sent.iter().filter_map(put).next(), None);
    joiner.says(LIAR, &gives(good.bytes().to_vec()));
    joiner.tick(5_000);
    assert_eq!(joiner.known_there(), 1);
    let hands_on = Packet::Put { mailbox, envelopes: vec![Bytes(good.into_bytes())] };
    assert!(joiner.disk.sent.iter().filter_map(put).any(|packet| packet == hands_on));
}

/// R-61: an answer may come late, since members are away too.
#[test]
fn who_asks_in_vain_gives_up_a_day_and_ten_minutes_after_the_invite_and_no_sooner() {
    const TEN_MINUTES: u64 = 10 * 60_000;
    let late = code().ends_at().plus(DAY_MS);
    let mailbox = Rendezvous::of(&secret()).mailbox();
    let refused = || Outcome { refused: vec![(mailbox, Refusal::Closed)], ..Outcome::default() };
    let forgotten = |mut joiner: Joiner| {
        joiner.hears(refused());
        joiner
    };
    let read = |mut joiner: Joiner| {
        joiner.meets_the_relay();
        joiner
    };
    let asked = || {
        let mut joiner = Joiner::new();
        joiner.consent();
        joiner
    };
    for mut joiner in [forgotten(asked()), read(Joiner::asking())] {
        joiner.now = late;
        joiner.tick(0);
        let wakes = joiner.attempt.next_wake();
        assert!(wakes.is_some_and(|at| at <= late.plus(TEN_MINUTES)), "it wakes for it");
        joiner.tick(TEN_MINUTES - 1);
        assert!(joiner.is_waiting());
        joiner.tick(1);
        assert_eq!(joiner.state(), JoinState::Over(JoinEnd::Expired));
        assert!(!joiner.is_waiting() && !joiner.restarted().is_waiting());
    }
    let mut early = forgotten(asked());
    early.now = Timestamp(late.0 - TEN_MINUTES - 1);
    early.tick(0);
    early.tick(TEN_MINUTES);
    assert!(early.is_waiting());
    early.tick(1);
    assert_eq!(early.attempt.next_wake(), Some(late.plus(TEN_MINUTES)), "it counts from the end");
    // Where nothing was read, or nothing asked, nothing was in vain.
    for mut joiner in [asked(), Joiner::asking(), forgotten(Joiner::new()), read(Joiner::new())] {
        joiner.now = late;
        joiner.tick(0);
        joiner.tick(TEN_MINUTES);
        assert!(joiner.is_waiting());
    }
}

/// R-61, P9: what an attempt has kept goes with it, and nothing is kept of who only looked.
#[test]
fn an_attempt_that_is_forgotten_leaves_nothing() {
    let mut joiner = Joiner::asking();
    let kept = |joiner: &Joiner| {
        (
            joiner.disk.rows.keys().filter(|key| key.room == Room::Circles).count(),
            joiner.disk.keys.len(),
        )
    };
    assert_eq!(kept(&joiner), (1, 1));
    joiner.act(|attempt, _, batch| attempt.forget(batch));
    assert_eq!(kept(&joiner), (0, 0));

    let mut looked = Joiner::new();
    let closed = RendezvousItem::Closed(note(origin(HERE, ANNA), ANNA, 0, None));
    looked.finds(&[join_card(origin(HERE, ANNA), ANNA), closed]);
    assert_eq!((looked.state(), kept(&looked)), (JoinState::Over(JoinEnd::Revoked), (0, 0)));
}

/// U-34: who comes with the same code again, or wants the same label, finds the attempt.
#[test]
fn an_attempt_is_known_by_its_code_and_its_label() {
    let mut joiner = Joiner::new();
    let relay = RelayEntry::new(&RELAY, vec![4, 1, 2, 3, 4]);
    let other = InviteCode::with_relays(false, 20_000, [9; 16], &[relay]).expect("a code");
    assert!(joiner.attempt.is_by(&code()) && !joiner.attempt.is_by(&other));
    assert!(!joiner.attempt.is_asked() && joiner.attempt.label().is_none());
    let label = Some("evenings".to_owned());
    joiner.act(|attempt, env, batch| attempt.consent(env, batch, "Ben".into(), label.clone()));
    assert!(joiner.attempt.is_asked());
    assert_eq!(joiner.attempt.label(), label.as_ref());
}

/// R-61: the same six words on both sides, and others for another circle or request.
#[test]
fn who_asks_and_who_admits_compare_six_words_of_the_request() {
    let joiner = Joiner::asking();
    let (words, request) = (joiner.attempt.view().words, joiner.request());
    assert_eq!((words.len(), &words), (6, &request.words(&HERE)));
    assert_ne!(words, request.words(&CircleId([9; 32])));
    let body = Signed { content: Bytes(vec![1]), ..request.body.clone() };
    assert_ne!(words, Request { body, ..request }.words(&HERE));
}

/// U-140
#[test]
fn a_request_has_at_most_8_kib() {
    let rendezvous = Rendezvous::of(&secret());
    let proof = PublicKey(rendezvous.proof.public());
    let body: RequestBody = Joiner::asking().request().body.decode().expect("a request");
    let mallory = person(MALLORY);
    let body =
        RequestBody { key: mallory.key(), card: mallory.card.signed, handle: "M".into(), ..body };
    let plain = wire::encode(&body);
    // One more field, that a newer version may have, of so many bytes: with its key and length 4 more.
    let verified = |len: usize| {
        let room = u16::try_from(len - plain.len() - 4).expect("small");
        let mut content = [&plain[..], &[9, 0x59], &room.to_be_bytes()].concat();
        content[0] += 1;
        content.resize(len, 0);
        let sign = |pair: &KeyPair| Signature(pair.sign(Label::Request, &HERE, &[&content]));
        let (proof_of, signature) = (sign(&rendezvous.proof), sign(&mallory.pair));
        let body = Signed { content: Bytes(content), signature };
        Request { body, proof: proof_of }.verify(&HERE, &proof, Suite::Thin).is_some()
    };
    assert!(verified(8 << 10));
    assert!(!verified((8 << 10) + 1));
}

/// R-61
#[test]
pub(crate) fn a_request_is_believed_for_its_circle_invite_key_and_handle_alone() {
    let request = Joiner::asking().request();
    let proof = PublicKey(Rendezvous::of(&secret()).proof.public());
    let verify = |request: &Request| request.verify(&HERE, &proof, Suite::Thin);
    let (body, card) = verify(&request).expect("a good request");
    assert_eq!((body.handle.as_str(), card.card.circle), ("Ben", HERE));
    assert!(request.verify(&CircleId([9; 32]), &proof, Suite::Thin).is_none());
    assert!(request.verify(&HERE, &person(ANNA).key(), Suite::Thin).is_none());
    assert!(request.verify(&HERE, &proof, Suite::Hybrid).is_none());
    let other = Signature([1; 64]);
    assert!(verify(&Request { proof: other, ..request.clone() }).is_none());
    let body = Signed { signature: other, ..request.body.clone() };
    assert!(verify(&Request { body, ..request.clone() }).is_none());
    for at in 0..request.body.content.0.len() {
        let mut changed = request.clone();
        changed.body.content.0[at] ^= 1;
        assert!(verify(&changed).is_none(), "{at}");
    }
}

/// R-61, U-3: who knows the code bends what it asks with.
#[test]
fn a_request_with_a_bad_name_or_somebody_elses_card_is_refused() {
    let rendezvous = Rendezvous::of(&secret());
    let proof = PublicKey(rendezvous.proof.public());
    let mallory = person(MALLORY);
    let made = |handle: &str, card: Signed| {
        let (key, handle) = (mallory.key(), handle.to_owned());
        let body = RequestBody { circle: HERE, invite: InviteId([2; 8]), key, card, handle };
        let body = Signed::new(&body, &mallory.pair, Label::Request, &HERE);
        let sign = rendezvous.proof.sign(Label::Request, &HERE, &[&body.content.0]);
        Request { proof: Signature(sign), body }
    };
    let own = mallory.card.signed.clone();
    let verify = |request: Request| request.verify(&HERE, &proof, Suite::Thin).is_some();
    assert!(verify(made("Mallory", own.clone())));
    assert!(!verify(made("Mallory", person(BEN).card.signed)));
    let long = "m".repeat(41);
    let bad =
        ["", " Mallory", "Mal\nlory", "Mal\u{202e}lory", "Mal\u{2028}lory", "e\u{301}", &long];
    for name in bad {
        assert!(!verify(made(name, own.clone())), "{name:?}");
    }
    let padded = Signed { content: Bytes(vec![0; MAX_REQUEST + 1]), signature: Signature([0; 64]) };
    assert!(!verify(Request { body: padded, proof: Signature([0; 64]) }));
}

/// R-63
#[test]
fn a_welcome_is_believed_for_this_request_with_an_entry_that_opens() {
    let mut joiner = Joiner::asking();
    let good = joiner.welcome(ANNA, |_| ());
    let bad = joiner.welcome(ANNA, |welcome| welcome.entry.0[40] ^= 1);
    let entering = joiner.finds(&[good, bad]).expect("welcome, whatever lies beside it");
    // H-13: not reached so far, so that all that is known of it is what the code says; another one may lie.
    assert!(matches!(&entering.relays[..], [(_, RelayKey::Tag(_))]), "the code's relay goes along");
    assert_eq!((entering.circle, entering.handle.as_str()), (HERE, "Ben"));
    assert_eq!(entering.secrets.board, Secret::new(vec![7; 32]));
}

/// R-63, H-8
#[test]
pub(crate) fn a_welcome_of_another_origin_request_circle_or_header_is_not_believed() {
    let other = |bend: fn(&mut Welcome)| {
        let mut joiner = Joiner::asking();
        let welcome = joiner.welcome(ANNA, bend);
        joiner.finds(&[welcome]).is_none()
    };
    assert!(other(|welcome| welcome.origin.circle = CircleId([9; 32])));
    assert!(other(|welcome| welcome.origin.r = Digest([9; 32])));
    assert!(other(|welcome| welcome.origin.inviter = MemberId([9; 32])));
    assert!(other(|welcome| welcome.to = RequestId([9; 16])));
    assert!(other(|welcome| welcome.key = person(MALLORY).key()));
    assert!(other(|welcome| welcome.entry.0[40] ^= 1));
    assert!(other(|welcome| welcome.entry.0.truncate(10)));
    assert!(other(|welcome| welcome.header.content.0[5] ^= 1));
    let mut joiner = Joiner::asking();
    let RendezvousItem::Welcome(mut signed) = joiner.welcome(ANNA, |_| ()) else {
        panic!("a welcome")
    };
    signed.signature = Signature([2; 64]);
    assert!(joiner.finds(&[RendezvousItem::Welcome(signed)]).is_none());
}

/// R-61: relays may have forgotten the join card by then.
#[test]
fn who_asked_needs_the_join_card_no_more_after_a_restart() {
    let asked = Joiner::asking();
    let welcome = asked.welcome(ANNA, |_| ());
    assert!(asked.restarted().finds(&[welcome]).is_some());
}

/// R-61: why it ended is known after a restart, whatever relays keep, and nothing more is asked.
#[test]
fn an_end_outlasts_a_restart() {
    let mut asked = Joiner::asking();
    asked.finds(&[RendezvousItem::Closed(note(origin(HERE, ANNA), ANNA, 3, None))]);
    let mut joiner = asked.restarted();
    assert_eq!(joiner.state(), JoinState::Over(JoinEnd::Revoked));
    let mailbox = Rendezvous::of(&secret()).mailbox();
    joiner.hears(Outcome { refused: vec![(mailbox, Refusal::Closed)], ..Outcome::default() });
    assert_eq!(joiner.state(), JoinState::Over(JoinEnd::Revoked));

    let mut late = Joiner::new();
    let closed = RendezvousItem::Closed(note(origin(HERE, ANNA), ANNA, EXPIRED, None));
    late.finds(&[join_card(origin(HERE, ANNA), ANNA), closed]);
    late.consent();
    assert!(late.attempt.record.request.is_none());
}

/// R-1, R-61: each attempt is somebody else.
#[test]
fn two_attempts_of_one_person_share_no_key() {
    let (one, mut other) = (Joiner::asking(), Joiner::new());
    let identity = Identity::new(Secret::new(vec![6; 32]));
    let mut batch = Batch::default();
    let mut env = Env { now: NOW, rng: &mut other.rng, store: &other.disk };
    let again = Attempt::begin(&mut env, &mut batch, Link(2), &identity, &code());
    assert_ne!(one.attempt.pair.public(), again.pair.public());
    assert_ne!(one.attempt.record.device, again.record.device);
    assert_ne!(one.attempt.slot(), again.slot());
}

/// U-3
#[test]
fn names_that_can_be_shown_are_names() {
    for name in ["A", "Anna", "Ben & Chris", "Zoë", "明", &"n".repeat(40)] {
        assert!(is_name(name), "{name:?}");
    }
    // 40 characters, more than 128 bytes.
    for name in ["\u{1f33b}".repeat(33), "\t".into(), "a\u{7f}".into(), "\u{2066}a".into()] {
        assert!(!is_name(&name), "{name:?}");
    }
}

/// H-19, R-60: whoever tries codes offline, with everything that a relay has, tries 128 bits: all that is
/// there, mailbox, key and proof, depends on each of them, and they come from 256 random ones.
#[test]
fn every_bit_of_a_codes_secret_counts() {
    let of = |secret: &[u8; 16]| {
        let met = Rendezvous::of(secret);
        [met.mailbox().0, met.sealed.key, met.proof.public()]
    };
    let mut seen: std::collections::BTreeSet<[u8; 32]> = of(&secret()).into();
    for bit in 0..128 {
        let mut other = secret();
        other[bit / 8] ^= 1 << (bit % 8);
        for grown in of(&other) {
            assert!(seen.insert(grown), "bit {bit}");
        }
    }
    let Origin { circle, invite, inviter, r } = origin(HERE, ANNA);
    let mut seen = std::collections::BTreeSet::from([secret()]);
    for bit in 0..256 {
        let mut other = r;
        other.0[bit / 8] ^= 1 << (bit % 8);
        assert!(seen.insert(invite_secret(&circle, &invite, &inviter, &other)), "bit {bit} of r");
    }
    // One try is one key pair at least. Whoever hits any of all invites that live at one relay, at most
    // 2^20 mailboxes by its limits, has 2^108 work before it, where 2^80 is asked for.
    let live = crate::relay::token::MAX_TOKENS * 1_024;
    assert!(live <= 1 << 20);
    // Online each try is a proof, of which a connection has 4,096 at once, and then is shut; even if all connections
    // were made anew each second.
    let a_second = crate::relay::Limits::default().connections as u64 * 4_096;
    let tries_a_year = a_second * 60 * 60 * 24 * 366;
    let bits = 128 - tries_a_year.ilog2() - live.ilog2() - 2;
    assert!(bits >= 40, "a chance of 2^-{bits} a year");
}
