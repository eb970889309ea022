//! The charter and its fold under a script: three people with a copy each do what they may and what they
//! may not, and hear of each other late.

use std::sync::LazyLock;

use hearthlight_protocol::circle::card::VerifiedCard;
use hearthlight_protocol::circle::charter::{
    Act, AdmitBody, CircleBody, CosignBody, FoundBody, HoldBody, InviteBody, InviteClosedBody,
    InviteClosedWhy, Operation, PolicyBody, RelaysBody, RemovalBody, RoleBody, RoleLapsedBody,
};
use hearthlight_protocol::circle::votes::{
    BallotBody, HostLostBody, ProposalBody, TallyAckBody, TallyBody, What,
};
use hearthlight_protocol::crypto::{KeyPair, Label, Suite};
use hearthlight_protocol::fuzz::Log;
use hearthlight_protocol::identity::{
    CircleId, DeviceId, InviteId, MemberId, Nonce, OperationId, PublicKey,
};
use hearthlight_protocol::signed::Signed;
use hearthlight_protocol::threshold::{Of, Verdict};
use hearthlight_protocol::wire::Bytes;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::script::Script;

/// The most that one script does: time of the fuzzer is better spent on more scripts.
const STEPS: usize = 32;
const PEOPLE: usize = 4;

struct Begin {
    circle: CircleId,
    found: Signed,
    pairs: [KeyPair; PEOPLE],
    cards: [Signed; PEOPLE],
}

static BEGIN: LazyLock<Begin> = LazyLock::new(|| {
    let pairs = [1, 2, 3, 4].map(|seed| KeyPair::from_seed(&[seed; 32]));
    let card = |pair: &KeyPair, circle| {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        VerifiedCard::make(pair, circle, Suite::Thin, DeviceId([1; 16]), 1, &mut rng).0.signed
    };
    let body = FoundBody {
        nonce: Nonce([1; 16]),
        suite: Suite::Thin.number(),
        handle: "Anna".into(),
        card: card(&pairs[0], &CircleId::NONE),
        key: PublicKey(pairs[0].public()),
    };
    let (circle, found) = Log::found(body, &pairs[0]);
    let cards = std::array::from_fn(|at| card(&pairs[at], &circle));
    Begin { circle, found, pairs, cards }
});

impl Begin {
    fn id(&self, who: usize) -> MemberId {
        MemberId::of(&PublicKey(self.pairs[who].public()))
    }

    fn act(&self, script: &mut Script<'_>, known: &[OperationId]) -> Act {
        let who = script.below(PEOPLE);
        let (member, number) = (self.id(who), script.number());
        let of = script.one_of(known).unwrap_or(OperationId([9; 32]));
        let role = if script.flag() { "host" } else { "steward" };
        match script.byte() % 18 {
            0 => Act::Admit(Box::new(AdmitBody {
                key: PublicKey(self.pairs[who].public()),
                handle: "Ben".into(),
                card: self.cards[who].clone(),
                invite: script.flag().then_some(of),
            })),
            1 => Act::Removal(RemovalBody {
                who: member,
                mode: script.byte() % 4,
                reason: None,
                source: script.flag().then_some(of),
            }),
            2 => Act::Cosign(CosignBody { of }),
            3 | 4 => {
                let grant = !script.byte().is_multiple_of(4);
                let end = (grant && script.flag()).then_some(number);
                Act::Role(RoleBody { grant, role: role.into(), to: member, end, source: None })
            }
            5 => Act::RoleLapsed(RoleLapsedBody { grant: of }),
            6 => Act::Hold(HoldBody { who: member, place: script.flag(), until: number }),
            7 => Act::Invite(InviteBody {
                id: InviteId([script.byte(); 8]),
                mailbox: PublicKey([1; 32]),
                proof: PublicKey([2; 32]),
                uses: 1 + script.byte() % 2,
                expires: number,
                open: script.flag(),
                made: 0,
            }),
            8 => Act::InviteClosed(InviteClosedBody { invite: of, why: InviteClosedWhy::Revoked }),
            9 => Act::Circle(CircleBody {
                rev: u32::try_from(number).unwrap_or(u32::MAX),
                name: String::new(),
                template: role.into(),
                source: None,
            }),
            10 => Act::Policy(PolicyBody {
                rev: u32::from(script.byte()),
                open: true,
                retention_s: Some(number.max(3_600)),
                direct: false,
                epoch_days: 1,
                late_days: 1,
            }),
            13 => self.proposal(script, member, of),
            14 => {
                let choice = script.byte();
                Act::Ballot(BallotBody { proposal: of, choice, why: None })
            }
            15 => {
                let ballots =
                    if script.flag() { vec![script.one_of(known).unwrap_or(of)] } else { vec![] };
                let result = if script.flag() { Verdict::Carried } else { Verdict::NoQuorum };
                Act::Tally(TallyBody { proposal: of, ballots, result })
            }
            16 => Act::TallyAck(TallyAckBody { tally: of }),
            17 => {
                let who = if script.flag() { vec![self.id(0)] } else { vec![member] };
                Act::HostLost(HostLostBody { who, heard: 1, days: 30 })
            }
            11 => Act::Relays(RelaysBody { rev: u32::from(script.byte()), relays: Vec::new() }),
            _ => Act::Join,
        }
    }

    fn proposal(&self, script: &mut Script<'_>, member: MemberId, of: OperationId) -> Act {
        let remove = script.flag();
        let people = (0..PEOPLE).map(|who| self.id(who));
        let mut electorate: Vec<MemberId> = people.filter(|_| script.flag()).collect();
        electorate.sort_unstable();
        Act::Proposal(Box::new(ProposalBody {
            what: if remove { What::Remove } else { What::Elect },
            text: String::new(),
            options: None,
            electorate,
            pass: "2/3".into(),
            of: Of::Cast,
            quorum: "1/2".into(),
            closes: script.number(),
            settle_h: 48,
            secret: None,
            tellers: None,
            about: Some(member),
            restate: None,
            withdrawn: None,
            role: Some("host".into()),
            end: None,
            name: None,
            template: None,
            lost: script.flag().then_some(of),
            made: None,
        }))
    }

    /// An operation as nobody's program makes it, well signed.
    fn odd(&self, who: usize, script: &mut Script<'_>, known: &[OperationId]) -> Signed {
        let many = usize::from(script.byte() % 4);
        let mut parents: Vec<_> = (0..many).filter_map(|_| script.one_of(known)).collect();
        if script.flag() {
            parents.sort();
            parents.dedup();
        }
        let operation = Operation {
            circle: self.circle,
            author: self.id(who),
            seq: u32::try_from(script.number()).unwrap_or(u32::MAX),
            parents,
            kind: script.byte(),
            rev: script.byte() % 3,
            critical: script.flag(),
            body: Bytes(script.chunk().to_vec()),
        };
        Signed::new(&operation, &self.pairs[who], Label::Operation, &self.circle)
    }

    fn log(&self) -> Log {
        let mut log = Log::new(self.circle);
        assert!(log.take(self.found.clone()));
        log
    }
}

/// whatever was signed, in whatever order it comes, everybody who has the same operations has
/// the same roster; the founder's word is in it, and nobody is in twice.
pub(super) fn script(bytes: &[u8]) {
    let begin = &*BEGIN;
    let mut script = Script::new(bytes);
    let mut logs: [Log; PEOPLE] = std::array::from_fn(|_| begin.log());
    let mut all = vec![begin.found.clone()];
    let id = |signed: &Signed| OperationId(signed.id(Label::Operation, &begin.circle));
    let mut known = vec![OperationId(begin.circle.0)];
    for _ in 0..STEPS {
        if script.is_over() {
            break;
        }
        let who = script.below(PEOPLE);
        let made = match script.byte() % 8 {
            0 | 1 => {
                let from = script.below(PEOPLE);
                for signed in logs[from].operations() {
                    logs[who].take(signed);
                }
                continue;
            }
            2 => begin.odd(who, &mut script, &known),
            _ => logs[who].sign(&begin.act(&mut script, &known), &begin.pairs[who]),
        };
        logs[who].take(made.clone());
        known.push(id(&made));
        all.push(made);
    }
    let mut forth = Log::new(begin.circle);
    all.iter().for_each(|signed| {
        forth.take(signed.clone());
    });
    let mut back = Log::new(begin.circle);
    all.iter().rev().for_each(|signed| {
        back.take(signed.clone());
    });
    let taken = |log: &Log| {
        let mut ids: Vec<OperationId> = log.operations().iter().map(id).collect();
        ids.sort();
        ids
    };
    assert_eq!(taken(&forth), taken(&back), "what is taken in depends on its order");
    let folded = forth.fold();
    assert!(folded == back.fold(), "the fold depends on the order");
    let members = folded.members();
    assert!(members.is_sorted_by(|a, b| a < b) && members.len() <= PEOPLE);
    assert!(folded.standing() <= forth.operations().len());
    // Whoever has less has a past of that: folding it does not fall over either.
    logs.iter().for_each(|log| drop(log.fold()));
}
