//! What somebody who comes with a code believes, and what a circle believes of somebody who comes.

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::*;
use crate::circle::charter::tests::{ANNA, BEN, MALLORY, Someone, with_card};
use crate::circle::epoch::Plan;
use crate::circle::log::tests::Disk;
use crate::crypto::Secret;
use crate::identity::{EpochId, OperationId, Peer};
use crate::invite::RelayEntry;

const HERE: CircleId = CircleId([1; 32]);
const NOW: Timestamp = Timestamp(1_795_608_000_000);

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
    let relay = RelayEntry::new(&Peer([8; 32]), vec![4, 1, 2, 3, 4]);
    InviteCode::with_relays(false, 20_000, secret(), &[relay]).expect("a code")
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
}

impl Joiner {
    fn new() -> Self {
        let (mut disk, mut rng) = (Disk::default(), ChaCha20Rng::seed_from_u64(1));
        let identity = Identity::new(Secret::new(vec![6; 32]));
        let mut batch = Batch::default();
        let mut env = Env { now: NOW, rng: &mut rng, store: &disk };
        let attempt = Attempt::begin(&mut env, &mut batch, Link(1), &identity, &code());
        disk.write(batch);
        Self { attempt, disk, rng }
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

    fn consent(&mut self) {
        let mut batch = Batch::default();
        let mut env = Env { now: NOW, rng: &mut self.rng, store: &self.disk };
        self.attempt.consent(&mut env, &mut batch, "Ben".into(), None);
        self.disk.write(batch);
    }

    /// These lie at the rendezvous.
    fn finds(&mut self, items: &[RendezvousItem]) -> Option<Entering> {
        let rendezvous = Rendezvous::of(&secret());
        let sealed = items.iter().map(|item| rendezvous.seal(item, NOW, &mut self.rng));
        let arrived = sealed.map(|envelope| (rendezvous.mailbox(), envelope)).collect();
        self.hears(Outcome { arrived, ..Outcome::default() })
    }

    fn hears(&mut self, outcome: Outcome) -> Option<Entering> {
        let mut batch = Batch::default();
        let mut env = Env { now: NOW, rng: &mut self.rng, store: &self.disk };
        let entering = self.attempt.take(&mut env, &mut batch, outcome);
        self.disk.write(batch);
        entering
    }

    fn state(&self) -> JoinState {
        self.attempt.view(None).state
    }

    fn name(&self) -> Option<String> {
        self.attempt.view(None).circle_name
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
    let RendezvousItem::Card(good) = join_card(origin(HERE, ANNA), ANNA) else { return };
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
    let entering = joiner.finds(&[good]).expect("welcome");
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
    let RendezvousItem::Welcome(mut signed) = joiner.welcome(ANNA, |_| ()) else { return };
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
    // Online each try is a proof; a relay checks as many as its whole bandwidth pays for.
    let a_second = crate::relay::Limits::default().bytes_per_second / (4 << 10);
    let tries_a_year = a_second * 60 * 60 * 24 * 366;
    let bits = 128 - tries_a_year.ilog2() - live.ilog2() - 2;
    assert!(bits >= 20, "a chance of 2^-{bits} a year");
}
