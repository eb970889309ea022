//! Operations that a charter takes, keeps waiting, and refuses; and people and stories for the tests of
//! all that follows from a charter.

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::*;
use crate::circle::card::CardSecrets;
use crate::circle::rates::SAVED;
use crate::circle::votes::What;
use crate::crypto::KeyPair;
use crate::identity::DeviceId;
use crate::threshold::{Of, Threshold, Verdict};

pub(crate) const ANNA: u8 = 1;
pub(crate) const BEN: u8 = 2;
pub(crate) const CHRIS: u8 = 3;
pub(crate) const DANA: u8 = 4;
pub(crate) const MALLORY: u8 = 9;

/// Somebody with a card in one circle; all follows from the number.
#[derive(Clone)]
pub(crate) struct Someone {
    pub(crate) pair: KeyPair,
    pub(crate) id: MemberId,
    pub(crate) card: VerifiedCard,
    pub(crate) secrets: CardSecrets,
}

impl Someone {
    pub(crate) fn key(&self) -> PublicKey {
        PublicKey(self.pair.public())
    }
}

/// The person of this number, with a card for this circle.
pub(crate) fn someone(number: u8, circle: &CircleId) -> Someone {
    with_card(number, circle, Suite::Thin, 10)
}

/// The person of this number, with the card of this revision.
pub(crate) fn with_card(number: u8, circle: &CircleId, suite: Suite, rev: u32) -> Someone {
    let pair = KeyPair::from_seed(&[number; 32]);
    let seed = u64::from(number) << 32 | u64::from(rev);
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let device = DeviceId([number; 16]);
    let (card, secrets) = VerifiedCard::make(&pair, circle, suite, device, rev, &mut rng);
    let id = MemberId::of(&PublicKey(pair.public()));
    Someone { pair, id, card, secrets }
}

/// What happened in a circle that Anna founded, every operation after its past.
pub(crate) struct Story {
    pub(crate) circle: CircleId,
    pub(crate) all: Vec<Signed>,
    /// Who holds all of it.
    pub(crate) whole: Charter,
}

impl Story {
    pub(crate) fn new() -> Self {
        Self::founded(Suite::Thin, 7)
    }

    pub(crate) fn founded(suite: Suite, nonce: u8) -> Self {
        let anna = with_card(ANNA, &CircleId::NONE, suite, 10);
        let body = FoundBody {
            nonce: Nonce([nonce; 16]),
            suite: suite.number(),
            handle: "Anna".into(),
            card: anna.card.signed.clone(),
            key: anna.key(),
        };
        let (circle, signed) = Charter::found(body, &anna.pair);
        let all = vec![signed];
        Self { circle, whole: holding(circle, &all), all }
    }

    pub(crate) fn root(&self) -> OperationId {
        OperationId(self.circle.0)
    }

    pub(crate) fn id(&self, signed: &Signed) -> OperationId {
        match signed.decode::<Operation>() {
            Some(operation) => OperationId(signed.id(Label::Operation, &operation.circle)),
            None => panic!("an operation"),
        }
    }

    pub(crate) fn charter(&self) -> Charter {
        holding(self.circle, &self.all)
    }

    /// A charter of these operations and all before them.
    pub(crate) fn before(&self, ids: &[OperationId]) -> Charter {
        let places = self.whole.covered(ids).expect("they happened");
        let held = self.whole.held().iter().enumerate();
        let past: Vec<Signed> = held
            .filter(|(place, _)| places.contains(*place))
            .map(|(_, held)| held.signed.clone())
            .collect();
        holding(self.circle, &past)
    }

    /// Somebody acts who has seen everything.
    pub(crate) fn by(&mut self, who: u8, act: &Act) -> OperationId {
        self.at(&self.heads(), who, act)
    }

    /// Somebody acts who has seen only these and what was before them.
    pub(crate) fn at(&mut self, seen: &[OperationId], who: u8, act: &Act) -> OperationId {
        let held = |id: &OperationId| self.whole.get(id).expect("it happened");
        let place = |id: &OperationId| self.whole.place(id).expect("it happened");
        let parents: BTreeSet<OperationId> = seen
            .iter()
            .filter(|id| !seen.iter().any(|other| held(other).saw(place(id))))
            .copied()
            .collect();
        let past = self.whole.covered(seen).expect("it happened");
        let author = member(who);
        let operation = Operation {
            circle: self.circle,
            author,
            seq: self.whole.last_seq(&past, &author) + 1,
            parents: parents.into_iter().collect(),
            kind: act.kind(),
            rev: 1,
            critical: false,
            body: act.body(),
        };
        let pair = KeyPair::from_seed(&[who; 32]);
        let signed = Signed::new(&operation, &pair, Label::Operation, &self.circle);
        let id = self.id(&signed);
        self.whole.take(signed.clone());
        self.all.push(signed);
        id
    }

    pub(crate) fn admission(&self, who: u8, invite: Option<OperationId>) -> Act {
        let person = someone(who, &self.circle);
        Act::Admit(Box::new(AdmitBody {
            key: person.key(),
            handle: format!("person {who}"),
            card: person.card.signed.clone(),
            invite,
        }))
    }

    /// Anna lets these people in, one after another.
    pub(crate) fn with(members: &[u8]) -> Self {
        let mut story = Self::new();
        for who in members {
            let act = story.admission(*who, None);
            story.by(ANNA, &act);
        }
        story
    }

    pub(crate) fn heads(&self) -> Vec<OperationId> {
        self.whole.heads().iter().copied().collect()
    }
}

/// A charter that took these, in this order.
pub(crate) fn holding(circle: CircleId, operations: &[Signed]) -> Charter {
    let mut charter = Charter::new(circle);
    for signed in operations {
        charter.take(signed.clone());
    }
    charter
}

pub(crate) fn member(number: u8) -> MemberId {
    MemberId::of(&PublicKey(KeyPair::from_seed(&[number; 32]).public()))
}

pub(crate) fn role(to: u8, role: &str, grant: bool) -> Act {
    Act::Role(RoleBody { grant, role: role.into(), to: member(to), end: None, source: None })
}

/// The role until then.
pub(crate) fn term(to: u8, role: &str, end: u64) -> Act {
    Act::Role(RoleBody {
        grant: true,
        role: role.into(),
        to: member(to),
        end: Some(end),
        source: None,
    })
}

pub(crate) fn lapsed(grant: OperationId) -> Act {
    Act::RoleLapsed(RoleLapsedBody { grant })
}

pub(crate) fn removal(who: u8) -> Act {
    Act::Removal(RemovalBody { who: member(who), mode: 0, reason: None, source: None })
}

pub(crate) fn leaving(who: u8) -> Act {
    Act::Removal(RemovalBody { who: member(who), mode: 2, reason: None, source: None })
}

pub(crate) fn cosign(of: OperationId) -> Act {
    Act::Cosign(CosignBody { of })
}

pub(crate) fn invite(number: u8, uses: u8, open: bool) -> Act {
    Act::Invite(InviteBody {
        id: InviteId([number; 8]),
        mailbox: PublicKey([1; 32]),
        proof: PublicKey([2; 32]),
        uses,
        expires: 1_000,
        open,
        made: 0,
    })
}

pub(crate) fn policy(rev: u32, late_days: u16) -> Act {
    Act::Policy(PolicyBody {
        rev,
        open: false,
        retention_s: Some(604_800),
        direct: false,
        epoch_days: 7,
        late_days,
    })
}

/// An operation by Anna after `found`, to be bent.
fn plain(story: &Story) -> Operation {
    Operation {
        circle: story.circle,
        author: member(ANNA),
        seq: 2,
        parents: vec![story.root()],
        kind: 89,
        rev: 1,
        critical: false,
        body: Bytes(Vec::new()),
    }
}

fn signed(operation: &Operation) -> Signed {
    let pair = KeyPair::from_seed(&[ANNA; 32]);
    Signed::new(operation, &pair, Label::Operation, &operation.circle)
}

fn taken(story: &Story, operation: &Operation) -> Taken {
    story.charter().take(signed(operation))
}

/// R-10
#[test]
fn an_operation_is_taken_once_and_becomes_the_head() {
    let story = Story::new();
    let mut charter = story.charter();
    assert_eq!(charter.heads().len(), 1);
    let join = signed(&plain(&story));
    let id = story.id(&join);
    assert_eq!(charter.take(join.clone()), Taken::In(vec![id]));
    assert_eq!(charter.take(join), Taken::Known);
    assert_eq!(charter.heads().iter().copied().collect::<Vec<_>>(), [id]);
    assert_eq!(charter.get(&id).expect("held").depth, 1);
}

/// R-10: the circle is the hash of its `found`, so no other one is let in beside it.
#[test]
fn a_charter_has_one_beginning() {
    let (story, other) = (Story::new(), Story::founded(Suite::Thin, 8));
    assert_ne!(story.circle, other.circle);
    assert_eq!(story.charter().take(other.all[0].clone()), Taken::Refused);
    let mut later = story.all[0].decode::<Operation>().expect("found");
    later.parents = vec![story.root()];
    assert_eq!(taken(&story, &later), Taken::Refused);
}

/// R-10, H-8
#[test]
fn an_operation_of_another_circle_is_refused() {
    let (story, other) = (Story::new(), Story::founded(Suite::Thin, 8));
    let mut operation = plain(&story);
    operation.circle = other.circle;
    assert_eq!(taken(&story, &operation), Taken::Refused);
    // The same bytes, signed for the other circle.
    let pair = KeyPair::from_seed(&[ANNA; 32]);
    let foreign = Signed::new(&plain(&story), &pair, Label::Operation, &other.circle);
    assert_eq!(story.charter().take(foreign), Taken::Refused);
}

/// R-10: 1 + the author's highest in its past, and nothing else.
#[test]
pub(crate) fn a_wrong_seq_is_refused() {
    let story = Story::new();
    for seq in [0, 1, 3, u32::MAX] {
        assert_eq!(taken(&story, &Operation { seq, ..plain(&story) }), Taken::Refused, "{seq}");
    }
}

/// R-10
#[test]
fn parents_are_sorted_distinct_named_and_at_most_200() {
    let mut story = Story::new();
    let root = [story.root()];
    let two: Vec<OperationId> =
        [90, 91].map(|kind| story.at(&root, ANNA, &Act::Unknown(kind))).into();
    let mut sorted = two.clone();
    sorted.sort();
    let with =
        |parents: &[OperationId]| Operation { seq: 3, parents: parents.to_vec(), ..plain(&story) };
    assert!(matches!(taken(&story, &with(&sorted)), Taken::In(_)));
    sorted.reverse();
    assert_eq!(taken(&story, &with(&sorted)), Taken::Refused);
    assert_eq!(taken(&story, &with(&[two[0], two[0]])), Taken::Refused);
    assert_eq!(taken(&story, &with(&[])), Taken::Refused);
    let strange = |n: u8| (0..n).map(|i| OperationId([i; 32])).collect::<Vec<_>>();
    assert_eq!(taken(&story, &with(&strange(200))), Taken::Waits);
    assert_eq!(taken(&story, &with(&strange(201))), Taken::Refused);
}

/// R-10: who holds more than 200 heads still writes what everybody takes.
#[test]
fn whoever_makes_hundreds_of_heads_keeps_nobody_from_acting() {
    let mut story = Story::with(&[BEN]);
    let base = story.heads();
    let mut charter = story.charter();
    let anna = charter.sign(&Act::Join, &KeyPair::from_seed(&[ANNA; 32]));
    charter.take(anna.clone());
    story.all.push(anna);
    let mallory = KeyPair::from_seed(&[BEN; 32]);
    for kind in 0..250_u16 {
        let operation = Operation {
            author: member(BEN),
            seq: 1,
            parents: base.clone(),
            kind: 200,
            body: Bytes(kind.to_be_bytes().to_vec()),
            ..plain(&story)
        };
        let fork = Signed::new(&operation, &mallory, Label::Operation, &story.circle);
        assert!(matches!(charter.take(fork), Taken::In(_)));
    }
    assert!(charter.heads().len() > MAX_PARENTS);
    let act = charter.sign(&Act::Join, &KeyPair::from_seed(&[ANNA; 32]));
    assert!(matches!(charter.take(act), Taken::In(_)));
}

/// A set is a set: in whatever order its places came, alone or as a part of another set.
#[test]
fn places_are_the_same_in_whatever_order_they_came() {
    let of = |places: &[usize]| {
        let mut set = Places::default();
        places.iter().for_each(|place| set.insert(*place));
        set
    };
    let all = [0, 3, 63, 64, 200, 1_000];
    let whole = of(&all);
    assert_eq!(whole, of(&[1_000, 64, 0, 200, 3, 63]));
    assert_eq!((0..1_100).filter(|at| whole.contains(*at)).collect::<Vec<_>>(), all);
    for (one, other) in [(&all[..2], &all[2..]), (&all[2..], &all[..2])] {
        let mut joined = of(one);
        joined.extend(&of(other));
        assert_eq!(joined, whole);
    }
}

/// R-10
#[test]
fn what_names_absent_operations_waits_and_comes_in_after_them() {
    let mut story = Story::with(&[BEN, CHRIS]);
    story.by(BEN, &Act::Join);
    let mut charter = Charter::new(story.circle);
    for late in story.all[1..].iter().rev() {
        assert_eq!(charter.take(late.clone()), Taken::Waits);
        assert_eq!(charter.take(late.clone()), Taken::Known);
        assert!(charter.is_waiting(), "R-29: it lacks something");
    }
    let order: Vec<OperationId> = story.all.iter().map(|signed| story.id(signed)).collect();
    assert_eq!(charter.take(story.all[0].clone()), Taken::In(order));
    assert!(!charter.is_waiting());
}

/// R-10, R-29: of heads that somebody tells those count that are here, with all before them.
#[test]
fn what_is_before_heads_is_known_as_far_as_they_are_here() {
    let mut story = Story::with(&[BEN, CHRIS]);
    let [.., ben, chris] = &story.all[..] else { panic!("three") };
    let (ben, chris, absent) = (story.id(ben), story.id(chris), OperationId([9; 32]));
    story.by(ANNA, &Act::Join);
    for (heads, known) in [(vec![], 0), (vec![absent], 0), (vec![ben], 2), (vec![absent, chris], 3)]
    {
        let covered = story.whole.covered_by_known(&heads);
        assert_eq!((0..9).filter(|at| covered.contains(*at)).collect::<Vec<_>>().len(), known);
        assert_eq!(story.whole.covered(&heads).is_none(), heads.contains(&absent));
    }
    assert_eq!(story.whole.key(&member(BEN)), Some(&someone(BEN, &story.circle).key()));
    assert_eq!(story.whole.key(&member(DANA)), None);
}

/// R-16, P7
#[test]
fn what_waits_is_bounded_and_what_is_ready_is_taken_all_the_same() {
    let story = Story::new();
    let mut charter = story.charter();
    for n in 0..u32::try_from(MAX_WAITING).expect("few") + 10 {
        let mut parent = [9; 32];
        parent[..4].copy_from_slice(&n.to_be_bytes());
        let waits = Operation { parents: vec![OperationId(parent)], ..plain(&story) };
        assert_eq!(charter.take(signed(&waits)), Taken::Waits);
    }
    assert_eq!(charter.waiting.len(), MAX_WAITING);
    assert!(matches!(charter.take(signed(&plain(&story))), Taken::In(_)));
}

/// R-16
#[test]
fn an_operation_has_at_most_48_kib() {
    let story = Story::new();
    let of = |body: usize| Operation { kind: 200, body: Bytes(vec![0; body]), ..plain(&story) };
    let around = signed(&of(MAX_OPERATION / 2)).content.0.len() - MAX_OPERATION / 2;
    let largest = of(MAX_OPERATION - around);
    assert_eq!(signed(&largest).content.0.len(), MAX_OPERATION);
    assert!(matches!(taken(&story, &largest), Taken::In(_)));
    assert_eq!(taken(&story, &of(MAX_OPERATION - around + 1)), Taken::Refused);
}

/// R-10, H-7: the id is that of the content, so a copy with another signature must not keep it out.
#[test]
fn a_copy_with_a_bad_signature_is_refused_and_keeps_the_good_one_not_out() {
    let story = Story::with(&[BEN]);
    let good = story.all[1].clone();
    let bad = Signed { signature: Signature([7; 64]), ..good.clone() };
    let mut charter = holding(story.circle, &story.all[..1]);
    assert_eq!(charter.take(bad.clone()), Taken::Refused);
    assert!(matches!(charter.take(good.clone()), Taken::In(_)));
    // The same where neither can be judged yet.
    let mut charter = Charter::new(story.circle);
    assert_eq!(charter.take(bad), Taken::Waits);
    assert_eq!(charter.take(good), Taken::Waits);
    assert_eq!(charter.take(story.all[0].clone()), Taken::In(vec![story.root(), story.heads()[0]]));
}

/// R-10
#[test]
pub(crate) fn what_somebody_else_signed_is_refused() {
    let story = Story::with(&[BEN]);
    let operation = Operation { parents: story.heads(), seq: 3, ..plain(&story) };
    let ben = KeyPair::from_seed(&[BEN; 32]);
    let by_ben = Signed::new(&operation, &ben, Label::Operation, &story.circle);
    assert_eq!(story.charter().take(by_ben), Taken::Refused);
    // P7: nor does it take up room where it would wait.
    let waits = Operation { parents: vec![OperationId([9; 32])], ..operation.clone() };
    let waits = Signed::new(&waits, &ben, Label::Operation, &story.circle);
    assert_eq!(story.charter().take(waits), Taken::Refused);
    let nobody = Operation { author: member(MALLORY), seq: 1, ..operation };
    assert_eq!(taken(&story, &nobody), Taken::Refused);
}

/// R-11: whether Ben's admission is here already must not decide, else nodes hold different sets.
#[test]
pub(crate) fn who_acts_outside_the_past_of_its_own_admission_is_refused_in_either_order() {
    let mut story = Story::with(&[BEN]);
    let root = [story.root()];
    let early = story.before(&root).sign(&Act::Join, &KeyPair::from_seed(&[BEN; 32]));
    let (found, admitted) = (story.all[0].clone(), story.all[1].clone());
    for order in
        [[&found, &early, &admitted], [&found, &admitted, &early], [&early, &admitted, &found]]
    {
        let charter = holding(story.circle, &order.map(Clone::clone));
        assert_eq!(charter.heads().len(), 1);
        assert_eq!(charter.held().len(), 2);
    }
    story.all.push(early);
    assert_eq!(story.charter().held().len(), 2);
}

/// R-21, H-17: somebody to whom nothing can be sealed would keep every opening from being made.
#[test]
pub(crate) fn nobody_is_let_in_with_a_card_that_is_no_card() {
    let story = Story::new();
    let elsewhere = someone(BEN, &CircleId([5; 32]));
    let here = someone(BEN, &story.circle);
    let mut zero = here.card.card.clone();
    zero.seal_key = Bytes(vec![0; 32]);
    let zero = Signed::new(&zero, &here.pair, Label::Card, &story.circle);
    let unsigned = Signed { signature: Signature([0; 64]), ..here.card.signed.clone() };
    let other = someone(CHRIS, &story.circle).card.signed;
    let anna = with_card(ANNA, &CircleId::NONE, Suite::Thin, 10);
    for (card, founds) in [(anna.card.signed.clone(), true), (other.clone(), false)] {
        let (nonce, handle, key) = (Nonce([7; 16]), "Anna".into(), anna.key());
        let body = FoundBody { nonce, suite: Suite::Thin.number(), handle, card, key };
        let (circle, signed) = Charter::found(body, &anna.pair);
        assert_eq!(Charter::new(circle).take(signed) != Taken::Refused, founds);
    }
    for card in [elsewhere.card.signed, zero, unsigned, other] {
        let body = AdmitBody { key: here.key(), handle: "Ben".into(), card, invite: None };
        let charter = story.charter();
        let act = Act::Admit(Box::new(body));
        let signed = charter.sign(&act, &KeyPair::from_seed(&[ANNA; 32]));
        assert_eq!(story.charter().take(signed), Taken::Refused);
    }
}

/// R-43
#[test]
fn kinds_and_revisions_of_newer_versions_are_held() {
    let story = Story::new();
    for (kind, rev) in [(200, 1), (75, 2), (82, 9), (89, 0)] {
        let newer = Operation { kind, rev, body: Bytes(vec![0xff; 9]), ..plain(&story) };
        let mut charter = story.charter();
        assert!(matches!(charter.take(signed(&newer)), Taken::In(_)), "{kind} {rev}");
        assert_eq!(charter.held()[1].act, Act::Unknown(kind));
    }
}

fn numbered(number: usize) -> [u8; 32] {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&number.to_be_bytes());
    id
}

/// D-6, U-3: what its kind forbids is malformed.
#[test]
fn bodies_beyond_their_limits_are_refused() {
    let story = Story::with(&[]);
    let relay = |addresses: usize, tokens: usize| RelayBody {
        addresses: vec![Bytes(vec![4]); addresses],
        key: Peer([3; 32]),
        link: None,
        number: 0,
        tokens: vec![Bytes(vec![1]); tokens],
    };
    let relays = |relays| Act::Relays(RelaysBody { rev: 1, relays });
    let circle = |name: usize, template: usize| {
        let (name, template) = ("n".repeat(name), "t".repeat(template));
        Act::Circle(CircleBody { rev: 1, name, template, source: None })
    };
    let held = |until| Act::Hold(HoldBody { who: member(BEN), place: true, until });
    let of = OperationId([1; 32]);
    let why = |len: usize| Some("w".repeat(len));
    let asked = |len: usize| {
        let threshold = Threshold::parse("2/3", Of::Cast, "1/2").expect("a threshold");
        let asks = (What::Elect, "Ben".to_owned());
        let body = ProposalBody::new(asks, vec![member(ANNA)], &threshold, (1_000, 48));
        Act::Proposal(Box::new(ProposalBody { role: Some("r".repeat(len)), ..body }))
    };
    let ballot = |len| Act::Ballot(BallotBody { proposal: of, choice: 0, why: why(len) });
    let tally = |many: usize| {
        let ballots = (0..many).map(numbered).map(OperationId).collect();
        Act::Tally(TallyBody { proposal: of, ballots, result: Verdict::Carried })
    };
    let lost = |many: usize| {
        let who = (0..many).map(numbered).map(MemberId).collect();
        Act::HostLost(HostLostBody { who, heard: 1, days: 30 })
    };
    let removed = |len| {
        let (who, mode, source) = (member(BEN), 0, None);
        Act::Removal(RemovalBody { who, mode, reason: why(len), source })
    };
    let admitted = |len| match story.admission(BEN, None) {
        Act::Admit(body) => Act::Admit(Box::new(AdmitBody { handle: "h".repeat(len), ..*body })),
        other => other,
    };
    // Who takes a role away says neither until when nor by which vote it is given.
    let taken_back = |end, source| {
        let (role, to) = ("host".into(), member(BEN));
        Act::Role(RoleBody { grant: false, role, to, end, source })
    };
    let kept = |retention_s, epoch_days, late_days| {
        let (open, direct) = (false, false);
        Act::Policy(PolicyBody { rev: 1, open, retention_s, direct, epoch_days, late_days })
    };
    let good = [
        circle(128, 32_768),
        role(ANNA, &"r".repeat(24), true),
        invite(1, 1, false),
        invite(1, 50, false),
        invite(1, 5, true),
        relays(vec![relay(3, 8); 4]),
        relays(vec![]),
        kept(None, 1, 1),
        kept(Some(3_600), 7, 7),
        held(0),
        asked(24),
        ballot(280),
        tally(MAX_MEMBERS),
        lost(1),
        lost(MAX_MEMBERS),
        removed(200),
        admitted(128),
        term(BEN, "steward", 9),
    ];
    let bad = [
        circle(129, 1),
        circle(1, 32_769),
        role(ANNA, &"r".repeat(25), true),
        invite(1, 0, false),
        invite(1, 51, false),
        invite(1, 6, true),
        relays(vec![relay(1, 0); 5]),
        relays(vec![relay(0, 0)]),
        relays(vec![relay(4, 0)]),
        relays(vec![relay(1, 9)]),
        kept(Some(3_599), 7, 7),
        kept(None, 0, 7),
        kept(None, 7, 0),
        ballot(281),
        tally(MAX_MEMBERS + 1),
        lost(0),
        lost(MAX_MEMBERS + 1),
        removed(201),
        admitted(129),
        taken_back(Some(9), None),
        taken_back(None, Some(OperationId([1; 32]))),
        asked(25),
    ];
    let anna = KeyPair::from_seed(&[ANNA; 32]);
    for act in good {
        let mut charter = story.charter();
        let signed = charter.sign(&act, &anna);
        assert!(matches!(charter.take(signed), Taken::In(_)), "{act:?}");
    }
    for act in bad {
        let mut charter = story.charter();
        let signed = charter.sign(&act, &anna);
        assert_eq!(charter.take(signed), Taken::Refused, "{act:?}");
    }
    let filled = Operation { body: Bytes(vec![0]), ..plain(&story) };
    assert_eq!(taken(&story, &filled), Taken::Refused, "a join says nothing");
    assert!(matches!(Act::parse(74, 1, &held(0).body().0), Some(Act::Hold(_))));
    for (len, fits) in [(128, true), (129, false)] {
        let card = with_card(ANNA, &CircleId::NONE, Suite::Thin, 10).card.signed;
        let (nonce, key, handle) = (Nonce([7; 16]), PublicKey(anna.public()), "h".repeat(len));
        let body = FoundBody { nonce, suite: Suite::Thin.number(), handle, card, key };
        assert_eq!(Act::parse(82, 1, &Act::Found(Box::new(body)).body().0).is_some(), fits);
    }
}

/// R-15: what says that a term is over waits, with all that leans on it, until it is by this clock.
#[test]
pub(crate) fn an_operation_that_states_a_time_waits_until_it_has_come() {
    let mut story = Story::with(&[BEN]);
    let grant = story.by(ANNA, &term(BEN, "steward", 1_000));
    story.by(ANNA, &lapsed(grant));
    story.by(ANNA, &Act::Join);
    let [.., early, after] = &story.all[..] else { panic!("two at least") };
    let mut charter = story.before(&[grant]);
    assert_eq!(charter.at(Timestamp(999)), []);
    assert_eq!(charter.take(after.clone()), Taken::Waits);
    assert_eq!(charter.take(early.clone()), Taken::Waits);
    assert_eq!(charter.next_wake(), Some(Timestamp(1_000)));
    assert!(!charter.is_waiting(), "nothing is lacking but time");
    assert_eq!(charter.at(Timestamp(1_000)), [early, after].map(|signed| story.id(signed)));
    assert_eq!(charter.next_wake(), None);

    let lost = HostLostBody { who: vec![member(ANNA)], heard: 1, days: 30 };
    let over = lost.over();
    let word = story.by(BEN, &Act::HostLost(lost));
    assert_eq!(charter.at(Timestamp(over - 1)), []);
    assert_eq!(charter.take(story.all.last().expect("just now").clone()), Taken::Waits);
    assert_eq!(charter.at(Timestamp(over)), [word]);
}

/// H-3
#[test]
fn an_operation_cut_anywhere_is_refused() {
    let story = Story::with(&[BEN]);
    let whole = &story.all[1];
    for len in 0..whole.content.0.len() {
        let cut = Signed { content: Bytes(whole.content.0[..len].to_vec()), ..whole.clone() };
        assert_eq!(story.charter().take(cut), Taken::Refused, "{len}");
    }
}

/// Operations of so many bytes by Ben, each after the one before.
fn long_chain(story: &mut Story, bytes: usize, most: usize) -> Vec<OperationId> {
    (0..most)
        .map(|_| {
            let body = Act::Removal(RemovalBody {
                who: member(MALLORY),
                mode: 0,
                reason: Some("x".repeat(180)),
                source: None,
            })
            .body();
            let mut last = story.heads();
            last.sort_unstable();
            let past = story.whole.covered(&last).expect("it happened");
            let operation = Operation {
                author: member(BEN),
                seq: story.whole.last_seq(&past, &member(BEN)) + 1,
                parents: last,
                kind: 200,
                body: Bytes(body.0.iter().copied().cycle().take(bytes).collect()),
                ..plain(story)
            };
            let pair = KeyPair::from_seed(&[BEN; 32]);
            let signed = Signed::new(&operation, &pair, Label::Operation, &story.circle);
            let id = story.id(&signed);
            story.whole.take(signed.clone());
            story.all.push(signed);
            id
        })
        .collect()
}

/// R-16, P7, H-10: of what one member writes only so much is taken at once; the rest waits and comes in later,
/// what others name at once, and a removal in any case.
#[test]
pub(crate) fn what_one_member_writes_too_much_waits_for_its_time() {
    const BYTES: usize = 40 << 10;
    let noon = Timestamp(20_000 * DAY_MS);
    let fits = usize::try_from(SAVED).expect("little") / (BYTES + 1_300);
    let mut story = Story::with(&[BEN, CHRIS]);
    let before = story.all.len();
    let mut written = long_chain(&mut story, BYTES, fits + 12);
    let mut charter = holding(story.circle, &story.all[..before]);
    charter.at(noon);
    let take = |charter: &mut Charter, signed: &Signed| charter.take(signed.clone());
    for signed in &story.all[before..] {
        take(&mut charter, signed);
    }
    let held = |charter: &Charter, written: &[OperationId]| {
        written.iter().filter(|id| charter.get(id).is_some()).count()
    };
    let taken = held(&charter, &written);
    assert!((fits - 2..=fits + 2).contains(&taken), "{taken} of {}", written.len());
    // In a day as much more as the rate says.
    charter.at(noon.plus(DAY_MS));
    let next = held(&charter, &written);
    assert!((taken + 5..=taken + 7).contains(&next), "{next} after {taken}");
    assert!(charter.next_wake().is_some_and(|at| at > noon.plus(DAY_MS)));
    // Chris has seen all of it: it is owed, and nobody waits for it.
    story.by(CHRIS, &Act::Join);
    take(&mut charter, story.all.last().expect("just now"));
    let called = charter.call(std::iter::empty());
    assert_eq!(held(&charter, &written), written.len());
    assert_eq!(called.len(), written.len() - next + 1);
    // Whoever writes on waits; a removal does not, nor what it leans on.
    written = long_chain(&mut story, BYTES, 2);
    let signed: Vec<Signed> = story.all[story.all.len() - 2..].to_vec();
    signed.iter().for_each(|signed| drop(take(&mut charter, signed)));
    assert!(charter.call(std::iter::empty()).is_empty());
    let goes = story.by(BEN, &leaving(BEN));
    take(&mut charter, story.all.last().expect("just now"));
    assert_eq!(charter.call(std::iter::empty()), [written[0], written[1], goes]);
}

/// R-16: who opens an epoch calls in what others wrote that it covers, and not what was its own.
#[test]
fn what_an_opening_names_is_taken_in_unless_its_opener_wrote_it() {
    const BYTES: usize = 40 << 10;
    let mut story = Story::with(&[BEN]);
    let before = story.all.len();
    let fits = usize::try_from(SAVED).expect("little") / (BYTES + 1_300);
    let written = long_chain(&mut story, BYTES, fits + 12);
    let mut charter = holding(story.circle, &story.all[..before]);
    charter.at(Timestamp(20_000 * DAY_MS));
    story.all[before..].iter().for_each(|signed| drop(charter.take(signed.clone())));
    let last = [*written.last().expect("many")];
    let own = (&member(BEN), &last[..]);
    assert!(charter.call([own].into_iter()).is_empty());
    let others = (&member(ANNA), &last[..]);
    assert!(!charter.call([others].into_iter()).is_empty());
    assert!(charter.get(&last[0]).is_some());
}

/// R-16, P7: who fills the room for what waits makes room for others at its own cost.
#[test]
fn a_flood_of_what_waits_keeps_nobody_else_out() {
    let story = Story::with(&[BEN]);
    let mut charter = story.charter();
    let absent = |author: u8, n: u32| {
        let mut parent = [9; 32];
        parent[..4].copy_from_slice(&n.to_be_bytes());
        let parents = vec![OperationId(parent)];
        let waits = Operation { author: member(author), parents, ..plain(&story) };
        Signed::new(&waits, &KeyPair::from_seed(&[author; 32]), Label::Operation, &story.circle)
    };
    for n in 0..u32::try_from(MAX_WAITING).expect("few") + 50 {
        charter.take(absent(BEN, n));
    }
    let anna = absent(ANNA, 1);
    charter.take(anna.clone());
    assert!(charter.waiting_for(&story.id(&anna)).is_some());
    assert_eq!(charter.waiting.len(), MAX_WAITING);
    // Nobody gives way to who has as much waiting, but for one, itself.
    let half = u32::try_from(MAX_WAITING / 2).expect("few");
    let mut charter = story.charter();
    for n in 0..half {
        charter.take(absent(BEN, n));
        charter.take(absent(ANNA, n));
    }
    let count = |charter: &Charter, who: u8| {
        let waits = charter.waiting.values();
        waits.filter(|(operation, ..)| operation.author == member(who)).count()
    };
    charter.take(absent(CHRIS, 0));
    let (most, least) = (MAX_WAITING / 2, MAX_WAITING / 2 - 1);
    let (ben, anna) = (count(&charter, BEN), count(&charter, ANNA));
    assert_eq!((ben.max(anna), ben.min(anna), count(&charter, CHRIS)), (most, least, 1));
    for n in 0..3 {
        charter.take(absent(BEN, half + n));
        charter.take(absent(ANNA, half + n));
    }
    assert_eq!((count(&charter, BEN), count(&charter, ANNA)), (ben, anna));
}

/// R-16: what a node lets its person do is what everybody's charter will take at once, and hardly less.
#[test]
fn who_has_written_too_much_is_told_before_it_acts() {
    let noon = Timestamp(20_000 * DAY_MS);
    let mut story = Story::with(&[BEN]);
    let before = story.heads();
    let ben = KeyPair::from_seed(&[BEN; 32]);
    for heads in [1, 5, 150] {
        for number in story.whole.heads().len()..heads {
            story.at(&before, ANNA, &invite(u8::try_from(number).expect("few"), 1, false));
        }
        let mut charter = story.charter();
        charter.at(noon);
        let act = Act::Hold(HoldBody { who: member(ANNA), place: true, until: 9 });
        let cost = Rates::cost(charter.sign(&act, &ben).content.0.len());
        let has = |left: u64| {
            let mut charter = charter.clone();
            charter.rates.spend(member(BEN), SAVED - left, noon);
            charter
        };
        let enough = cost + 8 * heads as u64 + 128;
        for (left, acts, allowed) in [
            (cost - 1, vec![act.clone()], false),
            (enough, vec![act.clone()], true),
            (enough, vec![act.clone(), act.clone()], false),
            (2 * enough, vec![act.clone(), act.clone()], true),
            (0, vec![removal(ANNA)], true),
            (0, vec![removal(ANNA), act.clone()], false),
            (enough, vec![removal(ANNA), act.clone()], true),
        ] {
            assert_eq!(has(left).allows(&member(BEN), &acts), allowed, "{heads} {left} {acts:?}");
        }
        let signed = charter.sign(&act, &ben);
        assert!(matches!(has(enough).take(signed), Taken::In(_)));
    }
}

/// R-15, R-16: a clock that was a day ahead is set right, and nobody waits for that day again.
#[test]
fn a_clock_that_went_back_far_lets_everybody_write() {
    let noon = Timestamp(20_000 * DAY_MS);
    let mut story = Story::with(&[BEN]);
    let before = story.all.len();
    let written = long_chain(&mut story, 100, 1);
    for (back, takes) in [(0, false), (DAY_MS, false), (DAY_MS + 1, true), (9 * DAY_MS, true)] {
        let mut charter = holding(story.circle, &story.all[..before]);
        charter.at(noon);
        charter.rates.spend(member(BEN), 2 * SAVED, noon);
        assert_eq!(charter.take(story.all[before].clone()), Taken::Waits);
        let taken = charter.at(Timestamp(noon.0 - back));
        assert_eq!(taken, if takes { &written[..] } else { &[] }, "{back}");
    }
}
