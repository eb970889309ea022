//! A good one of each form.

use hearthlight_protocol::boundary::{RelayCard, Timestamp};
use hearthlight_protocol::circle::card::{CardSecrets, VerifiedCard};
use hearthlight_protocol::circle::charter::{
    Act, AdmitBody, CircleBody, CosignBody, FoundBody, HoldBody, InviteBody, InviteClosedBody,
    InviteClosedWhy, Operation, PolicyBody, RelayBody, RelaysBody, RemovalBody, RoleBody,
    RoleLapsedBody,
};
use hearthlight_protocol::circle::help::{Ask, Heads, Help};
use hearthlight_protocol::circle::votes::{
    BallotBody, HostLostBody, ProposalBody, TallyAckBody, TallyBody, What,
};
use hearthlight_protocol::crypto::{KeyPair, Label, Suite};
use hearthlight_protocol::envelope::Envelope;
use hearthlight_protocol::identity::{
    CircleId, DeviceId, EnvelopeId, EpochId, InviteId, MailboxId, MemberId, MessageId, Nonce,
    OperationId, Peer, PublicKey, Signature, TokenLink,
};
use hearthlight_protocol::invite::{InviteCode, RelayEntry, symbols_of};
use hearthlight_protocol::mailbox::{Ends, Packet, Refusal, Round};
use hearthlight_protocol::message::{
    Frame, Have, Item, Message, Pair, Parent, Run, SHARE, Seen, Share,
};
use hearthlight_protocol::relay::token;
use hearthlight_protocol::signed::Signed;
use hearthlight_protocol::threshold::{BLOCK, Of, Threshold, Verdict};
use hearthlight_protocol::wire::{self, Bytes};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::Vector;

pub(crate) const HERE: CircleId = CircleId([0xc1; 32]);
pub(crate) const EPOCH: EpochId = EpochId([0xe1; 32]);
/// 2026-11-25T12:00Z
pub(crate) const NOON: Timestamp = Timestamp(1_795_608_000_000);
pub(crate) const SEAL: [u8; 32] = [0x5e; 32];

pub(crate) fn anna() -> KeyPair {
    KeyPair::from_seed(&[0xa1; 32])
}

pub(crate) fn ben() -> KeyPair {
    KeyPair::from_seed(&[0xb1; 32])
}

pub(crate) fn key(pair: &KeyPair) -> PublicKey {
    PublicKey(pair.public())
}

pub(crate) fn mailbox() -> MailboxId {
    MailboxId(KeyPair::from_seed(&[0x3b; 32]).public())
}

pub(crate) fn ends() -> Ends {
    Ends {
        prover: Peer([0x9a; 32]),
        verifier: Peer([0x9b; 32]),
        prover_nonce: Nonce([1; 16]),
        verifier_nonce: Nonce([2; 16]),
    }
}

/// A card of Ben; in `found`, of Anna.
pub(crate) fn card(pair: &KeyPair, circle: &CircleId, suite: Suite) -> (VerifiedCard, CardSecrets) {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    VerifiedCard::make(pair, circle, suite, DeviceId([0xd1; 16]), 16_650, &mut rng)
}

pub(crate) fn operation(act: &Act) -> Operation {
    let founds = matches!(act, Act::Found(_));
    Operation {
        circle: if founds { CircleId::NONE } else { HERE },
        author: MemberId::of(&key(&anna())),
        seq: if founds { 1 } else { 2 },
        parents: if founds { Vec::new() } else { vec![OperationId(HERE.0)] },
        kind: act.kind(),
        rev: 1,
        critical: false,
        body: act.body(),
    }
}

pub(crate) fn sign(operation: &Operation) -> Vec<u8> {
    wire::encode(&Signed::new(operation, &anna(), Label::Operation, &operation.circle))
}

/// As a charter reads what it was handed, its place among others aside.
pub(crate) fn reads_operation(bytes: &[u8]) -> bool {
    let Some(signed) = wire::decode::<Signed>(bytes) else { return false };
    let Some(operation) = signed.decode::<Operation>() else { return false };
    let act = Act::parse(operation.kind, operation.rev, &operation.body.0);
    let circle = if matches!(act, Some(Act::Found(_))) { CircleId::NONE } else { HERE };
    act.is_some()
        && operation.circle == circle
        && operation.author == MemberId::of(&key(&anna()))
        && signed.is_by(&key(&anna()), Label::Operation, &circle)
}

pub(crate) fn reads_card(bytes: &[u8]) -> bool {
    let Some(signed) = wire::decode::<Signed>(bytes) else { return false };
    [Suite::Hybrid, Suite::Thin]
        .iter()
        .any(|suite| VerifiedCard::verify(signed.clone(), &key(&ben()), &HERE, *suite).is_some())
}

pub(crate) fn reads_envelope(bytes: &[u8]) -> bool {
    Envelope::parse(bytes.to_vec())
        .is_some_and(|envelope| envelope.open(&SEAL, &mailbox()).is_some())
}

/// As members of the epoch read a frame, and each message in it.
pub(crate) fn reads_frame(bytes: &[u8]) -> bool {
    let Some(frame) = wire::decode::<Frame>(bytes) else { return false };
    let items = frame.verify(&key(&ben()), &HERE, &EPOCH);
    items.is_some_and(|items| {
        items.iter().all(|item| match item {
            Item::Message(bytes) => Message::parse(&bytes.0).is_some(),
            Item::Seen(_) | Item::Pair(_) => true,
        })
    })
}

pub(crate) fn reads_message(bytes: &[u8]) -> bool {
    Message::parse(bytes).is_some()
}

/// As a peer reads a frame of the mailbox protocol; proofs and cards are verified too.
pub(crate) fn reads_packet(bytes: &[u8]) -> bool {
    match wire::decode::<Packet>(bytes) {
        None => false,
        Some(Packet::Prove(proofs)) => proofs.iter().all(|proof| ends().verify(proof)),
        Some(Packet::Card { card, signature }) => {
            let verified = hearthlight_protocol::crypto::verify(
                &anna().public(),
                &signature.0,
                Label::RelayCard,
                &CircleId::NONE,
                &[&card.0],
            );
            verified && wire::decode::<RelayCard>(&card.0).is_some()
        }
        Some(_) => true,
    }
}

pub(crate) fn reads_code(bytes: &[u8]) -> bool {
    InviteCode::parse(&format!("HL1{}", symbols_of(bytes))).is_ok()
}

/// Links 256, 255, 192 and 0 of one token, in this order.
fn reads_chain(bytes: &[u8]) -> bool {
    let links: Option<Vec<TokenLink>> = bytes.chunks(32).map(TokenLink::from_slice).collect();
    let Some([last, before, middle, first]) = links.as_deref() else { return false };
    let steps =
        |from: &TokenLink, steps: u16| (0..steps).fold(*from, |link, _| token::next_link(&link));
    steps(last, 1) == *before && steps(before, 63) == *middle && steps(middle, 192) == *first
}

pub(crate) fn admit() -> Act {
    Act::Admit(Box::new(AdmitBody {
        key: key(&ben()),
        handle: "Ben".into(),
        card: card(&ben(), &HERE, Suite::Thin).0.signed,
        invite: Some(OperationId([0x84; 32])),
    }))
}

fn acts() -> Vec<(&'static str, Act)> {
    let id = InviteId([0x11; 8]);
    let relay = RelayBody {
        addresses: vec![Bytes(vec![4, 203, 0, 113, 7, 6, 0x10, 0xae])],
        key: Peer([0x9b; 32]),
        link: Some(token::chain(&[0x70; 16], 0)),
        number: 0,
        tokens: vec![Bytes(vec![0x71; 64])],
    };
    let member = MemberId::of(&key(&ben()));
    vec![
        (
            "circle",
            Act::Circle(CircleBody {
                rev: 1,
                name: "Evening circle".into(),
                template: "plain".into(),
                source: None,
            }),
        ),
        (
            "role",
            Act::Role(RoleBody {
                grant: true,
                role: "steward".into(),
                to: member,
                end: None,
                source: None,
            }),
        ),
        (
            "role-term",
            Act::Role(RoleBody {
                grant: true,
                role: "steward".into(),
                to: member,
                end: Some(NOON.0 + 90 * 24 * 3_600_000),
                source: None,
            }),
        ),
        ("role-lapsed", Act::RoleLapsed(RoleLapsedBody { grant: OperationId([0x0a; 32]) })),
        ("hold", Act::Hold(HoldBody { who: member, place: true, until: NOON.0 + 72 * 3_600_000 })),
        ("removal", Act::Removal(RemovalBody { who: member, mode: 0, reason: None, source: None })),
        (
            "removal-reason",
            Act::Removal(RemovalBody {
                who: member,
                mode: 0,
                reason: Some("after three warnings".into()),
                source: None,
            }),
        ),
        (
            "removal-voted",
            Act::Removal(RemovalBody {
                who: member,
                mode: 0,
                reason: None,
                source: Some(OperationId([0x72; 32])),
            }),
        ),
        ("proposal", Act::Proposal(Box::new(proposal()))),
        (
            "proposal-whole",
            Act::Proposal(Box::new(ProposalBody {
                what: What::Elect,
                options: Some(vec!["yes".into(), "no".into()]),
                of: Of::Electorate,
                secret: Some(true),
                tellers: Some(vec![member]),
                restate: Some("think of the mornings".into()),
                withdrawn: Some(false),
                role: Some("host".into()),
                end: Some(NOON.0 + 90 * 24 * 3_600_000),
                name: Some("Evening circle".into()),
                template: Some("plain".into()),
                lost: Some(OperationId([0x88; 32])),
                ..proposal()
            })),
        ),
        (
            "ballot",
            Act::Ballot(BallotBody {
                proposal: OperationId([0x70; 32]),
                choice: BLOCK,
                why: Some("too early for me".into()),
            }),
        ),
        (
            "tally",
            Act::Tally(TallyBody {
                proposal: OperationId([0x70; 32]),
                ballots: vec![OperationId([0x71; 32]), OperationId([0x72; 32])],
                result: Verdict::NotCarried,
            }),
        ),
        ("tally-ack", Act::TallyAck(TallyAckBody { tally: OperationId([0x72; 32]) })),
        ("host-lost", Act::HostLost(HostLostBody { who: vec![member], heard: 20_000, days: 30 })),
        ("cosign", Act::Cosign(CosignBody { of: OperationId([0x0c; 32]) })),
        (
            "found",
            Act::Found(Box::new(FoundBody {
                nonce: Nonce([0x0f; 16]),
                suite: 2,
                handle: "Anna".into(),
                card: card(&anna(), &CircleId::NONE, Suite::Thin).0.signed,
                key: key(&anna()),
            })),
        ),
        ("admit", admit()),
        (
            "invite",
            Act::Invite(InviteBody {
                id,
                mailbox: PublicKey(mailbox().0),
                proof: key(&ben()),
                uses: 5,
                expires: NOON.0,
                open: true,
                made: NOON.0 - 1,
            }),
        ),
        (
            "invite-closed",
            Act::InviteClosed(InviteClosedBody {
                invite: OperationId([0x84; 32]),
                why: InviteClosedWhy::Removal,
            }),
        ),
        ("relays", Act::Relays(RelaysBody { rev: 1, relays: vec![relay] })),
        (
            "policy",
            Act::Policy(PolicyBody {
                rev: 1,
                open: false,
                retention_s: Some(604_800),
                direct: false,
                epoch_days: 7,
                late_days: 7,
            }),
        ),
        ("join", Act::Join),
        ("newer", Act::Unknown(200)),
    ]
}

pub(crate) fn proposal() -> ProposalBody {
    let electorate = vec![MemberId([0x0a; 32]), MemberId([0x0b; 32])];
    let threshold = Threshold::parse("2/3", Of::Cast, "1/2").expect("a threshold");
    let asked = (What::Remove, "as we talked about".into());
    ProposalBody {
        about: Some(MemberId::of(&key(&ben()))),
        ..ProposalBody::new(asked, electorate, &threshold, (NOON.0, 48))
    }
}

pub(crate) fn message() -> Message {
    let share = Share {
        text: "good evening".into(),
        reply_to: Some(MessageId([0x33; 32])),
        wish: Some(1),
        note: Some("about sleep".into()),
    };
    Message {
        author: MemberId::of(&key(&ben())),
        run: Run { device: DeviceId([0xd1; 16]), run: 77 },
        counter: 3,
        parents: vec![Parent { id: MessageId([0x33; 32]), epoch: 0xe1e1_e1e1_e1e1_e1e1 }],
        said_at: NOON.0,
        kind: SHARE,
        rev: 1,
        body: Bytes(wire::encode(&share)),
    }
}

pub(crate) fn seen() -> Seen {
    let have = Have { run: message().run, next: 9, holes: vec![(1, 2), (5, 8)] };
    Seen { epoch: EPOCH, heads: vec![OperationId([0x84; 32])], have: vec![have] }
}

pub(crate) fn frame(items: &[Item]) -> Frame {
    Frame::sign(items, 1, &ben(), &HERE, &EPOCH)
}

pub(crate) fn pair() -> Pair {
    Pair { to: Bytes(vec![0xca; 16]), sealed: Bytes(vec![0x5a; 560]) }
}

fn ask() -> Signed {
    let ask = Ask {
        member: MemberId::of(&key(&ben())),
        card: card(&ben(), &HERE, Suite::Thin).0.signed,
        heads: vec![OperationId([0x84; 32])],
        lacks: vec![EPOCH],
        tries: 1,
        at: NOON.0,
    };
    Signed::new(&ask, &ben(), Label::Ask, &HERE)
}

fn heads() -> Signed {
    let heads = Heads {
        member: MemberId::of(&key(&ben())),
        heads: vec![OperationId([0x84; 32])],
        hour: NOON.hour(),
    };
    Signed::new(&heads, &ben(), Label::Heads, &HERE)
}

/// As members read an ask or a note of heads.
fn reads_ask(bytes: &[u8]) -> bool {
    let Some(signed) = wire::decode::<Signed>(bytes) else { return false };
    signed.decode::<Ask>().is_some() && signed.is_by(&key(&ben()), Label::Ask, &HERE)
}

fn reads_heads(bytes: &[u8]) -> bool {
    let Some(signed) = wire::decode::<Signed>(bytes) else { return false };
    signed.decode::<Heads>().is_some() && signed.is_by(&key(&ben()), Label::Heads, &HERE)
}

fn reads_help(bytes: &[u8]) -> bool {
    wire::decode::<Help>(bytes).is_some()
}

pub(crate) fn envelope() -> Vec<u8> {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    Envelope::seal(&SEAL, &mailbox(), NOON, b"a text", &mut rng).expect("short").into_bytes()
}

pub(crate) fn packets() -> Vec<(&'static str, Packet)> {
    let (mailbox, ids) = (mailbox(), vec![EnvelopeId([0x1d; 32])]);
    let proof = ends().prove(&KeyPair::from_seed(&[0x3b; 32]), false, true);
    let envelopes = vec![Bytes(envelope())];
    let bytes = Bytes(vec![0x61, 0, 0]);
    let card = wire::encode(&RelayCard {
        operator: "Hope".into(),
        contact: "hope@example.org".into(),
        country: "NL".into(),
        hosting: "a cellar".into(),
        statement: "Kept as long as it is needed.".into(),
        mode: "token".into(),
        age_s: 2_592_000,
        quota_bytes: 1 << 30,
        version: "0.1.0".into(),
        made_at: NOON.0,
    });
    let signature = Signature(anna().sign(Label::RelayCard, &CircleId::NONE, &[&card]));
    vec![
        ("hello", Packet::Hello { version: 1, nonce: Nonce([1; 16]), relay: false, heard: true }),
        ("prove", Packet::Prove(vec![proof])),
        ("proven", Packet::Proven(vec![mailbox])),
        ("open", Packet::Open { mailbox, number: 3, link: token::chain(&[0x70; 16], 3) }),
        ("refused", Packet::Refused { mailbox, id: Some(ids[0]), why: Refusal::Store }),
        ("put", Packet::Put { mailbox, envelopes: envelopes.clone() }),
        ("stored", Packet::Stored { mailbox, ids: ids.clone() }),
        ("announce", Packet::Announce { mailbox, ids: ids.clone() }),
        ("get", Packet::Get { mailbox, ids: ids.clone() }),
        ("give", Packet::Give { mailbox, envelopes }),
        ("gone", Packet::Gone { mailbox, ids }),
        (
            "reconcile",
            Packet::Reconcile {
                mailbox,
                round: Round { attempt: 1, number: 0 },
                bytes: bytes.clone(),
            },
        ),
        (
            "reconciled",
            Packet::Reconciled { mailbox, round: Round { attempt: 1, number: 0 }, bytes },
        ),
        ("peers", Packet::Peers { mailbox, peers: vec![Peer([0x9a; 32])] }),
        ("card-ask", Packet::CardAsk),
        ("card", Packet::Card { card: Bytes(card), signature }),
    ]
}

pub(crate) fn code() -> InviteCode {
    let relay = RelayEntry::new(&Peer([0x9b; 32]), vec![4, 203, 0, 113, 7, 6, 0x10, 0xae]);
    InviteCode::with_relays(true, 16_650, [0x5c; 16], &[relay]).expect("a code")
}

pub(crate) fn all() -> Vec<Vector> {
    let mut all = Vec::new();
    let mut good = |name: String, bytes: Vec<u8>, reads: fn(&[u8]) -> bool| {
        all.push(Vector { name, bytes, reads, good: true });
    };
    for (name, act) in acts() {
        good(format!("operation-{name}"), sign(&operation(&act)), reads_operation);
    }
    for (name, suite) in [("card-hybrid", Suite::Hybrid), ("card-thin", Suite::Thin)] {
        let signed = card(&ben(), &HERE, suite).0.signed;
        good(name.into(), wire::encode(&signed), reads_card);
    }
    good("envelope".into(), envelope(), reads_envelope);
    good("message".into(), wire::encode(&message()), reads_message);
    let newer = Message { kind: 200, rev: 3, body: Bytes(vec![0xff]), ..message() };
    good("message-newer".into(), wire::encode(&newer), reads_message);
    let items = [Item::Message(Bytes(wire::encode(&message()))), Item::Seen(seen())];
    good("frame".into(), wire::encode(&frame(&items)), reads_frame);
    let items = [Item::Pair(pair())];
    good("frame-pair".into(), wire::encode(&frame(&items)), reads_frame);
    good("ask".into(), wire::encode(&ask()), reads_ask);
    good("heads".into(), wire::encode(&heads()), reads_heads);
    let help = Help { to: pair().to, sealed: pair().sealed };
    good("help".into(), wire::encode(&help), reads_help);
    for (name, packet) in packets() {
        good(format!("packet-{name}"), wire::encode(&packet), reads_packet);
    }
    good("invite-code".into(), code().bytes(), reads_code);
    let links = [256, 255, 192, 0].map(|number| token::chain(&[0x70; 16], number).0);
    good("token-chain".into(), links.concat(), reads_chain);
    all
}
