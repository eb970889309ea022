//! Vectors of what only the protocol itself reads: openings, boards, and what lies at a rendezvous.
//!
//! They lie beside all others in `tests/wire/vectors`, and are made and compared as `tests/wire/main.rs`
//! does it. `openings.json` there holds the secrets behind them, and names that follow from them.
// The protocol has no files; its vectors are some.
#![allow(clippy::disallowed_methods)]

mod charters;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::*;
use crate::admission::{
    ClosingNote, JoinCard, Origin, Rendezvous, RendezvousItem, Request, RequestBody, Welcome,
};
use crate::circle::board::{self, BoardItem, InviteKeys, invite_secret};
use crate::circle::charter::tests::{ANNA, BEN, MALLORY, Someone, Story, with_card};
use crate::circle::epoch::{EpochSecrets, Header, Opening, Plan, SealedBox, board_name};
use crate::circle::help::Heads;
use crate::crypto::{KeyPair, Label, Secret, Suite, hash};
use crate::identity::{
    CircleId, Digest, EpochId, InviteId, MailboxId, OperationId, RequestId, Signature,
};
use crate::mailbox::Packet;
use crate::message::Have;
use crate::signed::Signed;

const HERE: CircleId = CircleId([0xc1; 32]);
const ELSEWHERE: CircleId = CircleId([0xc2; 32]);
const INVITE: InviteId = InviteId([0x11; 8]);
const ASKED: RequestId = RequestId([0x2e; 16]);
const R: Digest = Digest([0x1f; 32]);
/// 2026-11-25T12:00Z
const NOON_MS: u64 = 1_795_608_000_000;

type Reads = fn(&[u8]) -> bool;

struct Vector {
    name: String,
    bytes: Vec<u8>,
    reads: Reads,
    good: bool,
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/wire/vectors"))
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn good(name: &str, bytes: Vec<u8>, reads: Reads) -> Vector {
    Vector { name: name.into(), bytes, reads, good: true }
}

fn bad(name: &str, fault: &str, bytes: Vec<u8>, reads: Reads) -> Vector {
    Vector { name: format!("{name}--{fault}"), bytes, reads, good: false }
}

fn cut(name: &str, whole: &[u8], reads: Reads) -> Vector {
    bad(name, "cut", whole[..whole.len() - 1].to_vec(), reads)
}

fn trailing(name: &str, whole: &[u8], reads: Reads) -> Vector {
    bad(name, "trailing-byte", [whole, &[0]].concat(), reads)
}

/// R-4, R-17, R-20, R-21, R-43, R-60, R-61, R-63; H-2, H-3, H-8
#[test]
fn every_form_is_as_it_was_committed_and_every_fault_is_refused() {
    let write = std::env::var_os("WIRE_WRITE").is_some();
    for vector in [openings(), boards(), rendezvous()].into_iter().flatten() {
        let name = &vector.name;
        let digits = vector.bytes.chunks(48).map(|line| hex(line) + "\n");
        let made = digits.collect::<String>();
        let path = folder().join(format!("{name}.hex"));
        if write {
            fs::write(&path, &made).expect("the folder is there");
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == made, "{name} is not what was committed");
        assert_eq!((vector.reads)(&vector.bytes), vector.good, "{name}");
    }
}

/// Who reads the vectors elsewhere finds every secret of them, and what follows from it, in one file.
#[test]
fn the_secrets_behind_the_forms_are_as_they_were_committed() {
    let lines =
        keys().into_iter().map(|(name, bytes)| format!("  \"{name}\": \"{}\"", hex(&bytes)));
    let made = format!("{{\n{}\n}}\n", lines.collect::<Vec<_>>().join(",\n"));
    let path = folder().join("openings.json");
    if std::env::var_os("WIRE_WRITE").is_some() {
        fs::write(&path, &made).expect("the folder is there");
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), made);
}

fn keys() -> BTreeMap<String, Vec<u8>> {
    let mut keys = BTreeMap::new();
    let mut put = |name: &str, bytes: &[u8]| {
        keys.insert(name.to_owned(), bytes.to_vec());
    };
    for (who, name) in [(ANNA, "anna"), (BEN, "ben")] {
        put(&format!("{name}-seed"), &[who; 32]);
        for (suite, kind) in [(Suite::Hybrid, "hybrid"), (Suite::Thin, "thin")] {
            let someone = with_card(who, &HERE, suite, 10);
            put(&format!("{name}-seal-{kind}"), someone.secrets.seal.bytes());
            put(&format!("{name}-speak-seed-{kind}"), &someone.secrets.secret().bytes()[32..]);
        }
    }
    let (opening, header, secrets) = opened(Suite::Thin);
    put("circle", &HERE.0);
    put("epoch-secret", secrets.epoch.bytes());
    put("epoch-key", &SealedBox::of_epoch(&secrets.epoch, &HERE).key);
    put("epoch-id-thin", &Header::id(&opening.header, &HERE).0);
    put("epoch-id-hybrid", &Header::id(&opened(Suite::Hybrid).0.header, &HERE).0);
    let board = SealedBox::of_board(&secrets.board, &HERE);
    put("board-secret", secrets.board.bytes());
    put("board-name", &header.board.0);
    put("board-mailbox", &board.mailbox().0);
    put("board-key", &board.key);
    put("invite-secret", &code());
    let met = Rendezvous::of(&code());
    put("invite-mailbox", &met.mailbox().0);
    put("invite-key", &met.sealed.key);
    put("invite-proof", &met.proof.public());
    put("welcome-to", &ASKED.0);
    let request = request(&body(), &met.proof, &HERE);
    put("request-id", &request.id(&HERE).0);
    let words = hash(Label::Words, &HERE, &[&request.body.content.0]);
    put("request-words", &words[..6]);
    keys
}

/// In the order of member ids.
fn members(suite: Suite) -> [Someone; 2] {
    let mut members = [ANNA, BEN].map(|who| with_card(who, &HERE, suite, 10));
    members.sort_by_key(|who| who.id);
    members
}

fn anna() -> KeyPair {
    KeyPair::from_seed(&[ANNA; 32])
}

fn opened(suite: Suite) -> (Opening, Header, EpochSecrets) {
    let members = members(suite);
    let plan = Plan {
        circle: HERE,
        suite,
        heads: vec![OperationId([0x84; 32])],
        supersedes: vec![EpochId([0xe0; 32])],
        day: 20_782,
        cards: members.iter().map(|who| &who.card).collect(),
        board: Secret::new(vec![0xb0; 32]),
    };
    plan.open(&anna(), &mut ChaCha20Rng::seed_from_u64(7))
}

/// As members read it together: signed by Anna, and each of them takes out the secrets.
fn reads_opening(suite: Suite, bytes: &[u8]) -> bool {
    let Some(opening) = decode::<Opening>(bytes) else { return false };
    let Some(header) = opening.header.decode::<Header>() else { return false };
    let members = members(suite);
    header.circle == HERE
        && opening.header.is_by(&with_card(ANNA, &HERE, suite, 10).key(), Label::Opening, &HERE)
        && opening.entries.len() == members.len()
        && members
            .iter()
            .zip(&opening.entries)
            .all(|(who, entry)| header.open_entry(suite, &who.id, &who.secrets, &entry.0).is_some())
}

fn openings() -> Vec<Vector> {
    let thin: Reads = |bytes| reads_opening(Suite::Thin, bytes);
    let hybrid: Reads = |bytes| reads_opening(Suite::Hybrid, bytes);
    let whole = encode(&opened(Suite::Hybrid).0);
    let name = "opening-hybrid";
    let mut all = vec![good(name, whole.clone(), hybrid), cut(name, &whole, hybrid)];

    let (opening, header, _) = opened(Suite::Thin);
    let (name, whole) = ("opening-thin", encode(&opening));
    all.push(good(name, whole.clone(), thin));
    all.extend([cut(name, &whole, thin), trailing(name, &whole, thin)]);
    let mut push = |fault, bytes| all.push(bad(name, fault, bytes, thin));
    for (fault, at) in [("header-flipped", 55), ("entry-flipped", 507)] {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        push(fault, flipped);
    }
    let entries = |entries: &[&Bytes]| {
        let entries = entries.iter().map(|entry| (*entry).clone()).collect();
        encode(&Opening { header: opening.header.clone(), entries })
    };
    let [first, second] = &opening.entries[..] else { panic!("an entry for each of two") };
    push("an-entry-too-few", entries(&[first]));
    push("entries-swapped", entries(&[second, first]));
    let with = |header| encode(&Opening { header, entries: opening.entries.clone() });
    let changed = |header: &Header| with(Signed::new(header, &anna(), Label::Opening, &HERE));
    push("other-commitment", changed(&Header { commitment: Digest([1; 32]), ..header.clone() }));
    push("other-day", changed(&Header { day: header.day + 1, ..header.clone() }));
    push("other-mailbox", changed(&Header { mailbox: MailboxId([1; 32]), ..header.clone() }));
    let moved = Header { circle: ELSEWHERE, ..header.clone() };
    push("of-another-circle", with(Signed::new(&moved, &anna(), Label::Opening, &ELSEWHERE)));
    let ben = KeyPair::from_seed(&[BEN; 32]);
    push("signed-by-another", with(Signed::new(&header, &ben, Label::Opening, &HERE)));
    push("wrong-label", with(Signed::new(&header, &anna(), Label::Operation, &HERE)));
    let signed = |content: Vec<u8>| {
        let signature = Signature(anna().sign(Label::Opening, &HERE, &[&content]));
        with(Signed { content: Bytes(content), signature })
    };
    let content = encode(&header);
    let mut fewer = content.clone();
    fewer[0] -= 1;
    push("wrong-array-length", signed(fewer));
    let mut negative = content;
    let day = [0x19, 0x51, 0x2e];
    let at = negative.windows(3).position(|at| at == day).expect("it stands there");
    negative[at] = 0x39;
    push("negative-day", signed(negative));
    all
}

fn reads_board(bytes: &[u8]) -> bool {
    board::decode(bytes).is_some()
}

fn boards() -> Vec<Vector> {
    let story = Story::with(&[BEN]);
    let keys = InviteKeys {
        id: INVITE,
        inviter: with_card(ANNA, &HERE, Suite::Thin, 10).id,
        r: R,
        label: Some("for Ben".into()),
    };
    let items = [
        BoardItem::Operation(story.all[1].clone()),
        BoardItem::Card(with_card(BEN, &story.circle, Suite::Thin, 11).card.signed),
        BoardItem::Opening(opened(Suite::Thin).0),
        BoardItem::Invite(keys),
    ];
    let (name, whole) = ("board", board::encode(&items));
    let raw = |fault, bytes: &[u8]| bad(name, fault, bytes.to_vec(), reads_board);
    vec![
        good(name, whole.clone(), reads_board),
        // Of a kind that nobody gave: [[200, h'ff']].
        good("board-newer", vec![0x81, 0x82, 0x18, 200, 0x41, 0xff], reads_board),
        cut(name, &whole, reads_board),
        trailing(name, &whole, reads_board),
        raw("bad-content", &[0x81, 0x82, 1, 0x41, 0xff]),
        raw("kind-256", &[0x81, 0x82, 0x19, 1, 0, 0x40]),
        raw("length-of-2-to-the-32", &[0x9a, 0xff, 0xff, 0xff, 0xff]),
        raw("negative-kind", &[0x81, 0x82, 0x20, 0x40]),
        raw("wrong-array-length", &[0x81, 0x81, 1]),
    ]
}

fn origin() -> Origin {
    let inviter = with_card(ANNA, &HERE, Suite::Thin, 10).id;
    Origin { circle: HERE, invite: INVITE, inviter, r: R }
}

fn code() -> [u8; 16] {
    let Origin { circle, invite, inviter, r } = origin();
    invite_secret(&circle, &invite, &inviter, &r)
}

/// As somebody with the code reads what lies there, or, of a request, as the circle does.
fn reads_item(bytes: &[u8]) -> bool {
    match decode::<RendezvousItem>(bytes) {
        None => false,
        Some(RendezvousItem::Card(signed)) => signed.decode::<JoinCard>().is_some_and(|card| {
            crate::identity::MemberId::of(&card.key) == card.origin.inviter
                && signed.is_by(&card.key, Label::InviteNote, &card.origin.circle)
                && card.origin.fits(&code())
        }),
        Some(RendezvousItem::Closed(signed) | RendezvousItem::Refusal(signed)) => {
            signed.decode::<ClosingNote>().is_some_and(|note| {
                signed.is_by(&note.key, Label::InviteNote, &note.origin.circle)
                    && note.origin.fits(&code())
            })
        }
        Some(RendezvousItem::Request(request)) => {
            let proof = crate::identity::PublicKey(Rendezvous::of(&code()).proof.public());
            request.verify(&HERE, &proof, Suite::Thin).is_some()
        }
        Some(RendezvousItem::Welcome(signed)) => reads_welcome(&signed),
    }
}

/// As Ben reads it, who asked.
fn reads_welcome(signed: &Signed) -> bool {
    let Some(welcome) = signed.decode::<Welcome>() else { return false };
    let Some(header) = welcome.header.decode::<Header>() else { return false };
    let ben = with_card(BEN, &HERE, Suite::Thin, 10);
    signed.is_by(&welcome.key, Label::InviteNote, &welcome.origin.circle)
        && welcome.origin.fits(&code())
        && welcome.to == ASKED
        && header.circle == welcome.origin.circle
        && header.open_entry(Suite::Thin, &ben.id, &ben.secrets, &welcome.entry.0).is_some()
}

fn rendezvous() -> Vec<Vector> {
    let mut all = join_cards();
    let anna = with_card(ANNA, &HERE, Suite::Thin, 10);
    let note = |to| ClosingNote { origin: origin(), key: anna.key(), why: 0, to };
    let signed = |note: &ClosingNote| Signed::new(note, &anna.pair, Label::InviteNote, &HERE);
    let closed = signed(&note(None));
    let mut flipped = closed.clone();
    flipped.signature.0[5] ^= 1;
    let (name, whole) = ("closing-note", encode(&RendezvousItem::Closed(closed)));
    let flipped = encode(&RendezvousItem::Closed(flipped));
    all.push(bad(name, "signature-flipped", flipped, reads_item));
    all.extend(with_common(name, whole));
    let refusal = RendezvousItem::Refusal(signed(&note(Some(ASKED))));
    all.extend(with_common("refusal", encode(&refusal)));
    all.extend(requests());
    all.extend(welcomes());
    all
}

fn with_common(name: &str, whole: Vec<u8>) -> [Vector; 3] {
    let common = [cut(name, &whole, reads_item), trailing(name, &whole, reads_item)];
    let [cut, trailing] = common;
    [good(name, whole, reads_item), cut, trailing]
}

fn join_cards() -> Vec<Vector> {
    let [anna, mallory] = [ANNA, MALLORY].map(|who| with_card(who, &HERE, Suite::Thin, 10));
    let card = JoinCard {
        origin: origin(),
        key: anna.key(),
        name: "Evening circle".into(),
        template: "plain".into(),
        rules: vec!["Listen first.".into()],
        open: false,
        expires: NOON_MS,
        suite: Suite::Thin.number(),
    };
    let signed = |card: &JoinCard, by: &Someone, label| {
        Signed::new(card, &by.pair, label, &card.origin.circle)
    };
    let item = |card: &JoinCard, by: &Someone, label| {
        encode(&RendezvousItem::Card(signed(card, by, label)))
    };
    let name = "join-card";
    let whole = item(&card, &anna, Label::InviteNote);
    let mut all = Vec::from(with_common(name, whole.clone()));
    let mut push = |fault, bytes| all.push(bad(name, fault, bytes, reads_item));
    let with = |origin| item(&JoinCard { origin, ..card.clone() }, &anna, Label::InviteNote);
    push("other-r", with(Origin { r: Digest([9; 32]), ..origin() }));
    push("of-another-circle", with(Origin { circle: ELSEWHERE, ..origin() }));
    push("wrong-label", item(&card, &anna, Label::Card));
    let by_mallory = JoinCard { key: mallory.key(), ..card.clone() };
    push("signed-by-another", item(&by_mallory, &mallory, Label::InviteNote));
    for (fault, number) in
        [("as-closing-note", 1), ("as-welcome", 3), ("unknown-item", 5), ("negative-item", 0x20)]
    {
        let mut other = whole.clone();
        other[1] = number;
        push(fault, other);
    }
    all
}

fn body() -> RequestBody {
    let ben = with_card(BEN, &HERE, Suite::Thin, 10);
    RequestBody {
        circle: HERE,
        invite: INVITE,
        key: ben.key(),
        card: ben.card.signed,
        handle: "Ben".into(),
    }
}

fn request(body: &RequestBody, proof: &KeyPair, circle: &CircleId) -> Request {
    let ben = KeyPair::from_seed(&[BEN; 32]);
    let body = Signed::new(body, &ben, Label::Request, circle);
    let proof = proof.sign(Label::Request, &HERE, &[&body.content.0]);
    Request { body, proof: Signature(proof) }
}

fn requests() -> Vec<Vector> {
    let proof = Rendezvous::of(&code()).proof;
    let by = |body: &RequestBody, proof: &KeyPair, circle: &CircleId| {
        encode(&RendezvousItem::Request(request(body, proof, circle)))
    };
    let name = "request";
    let mut all = Vec::from(with_common(name, by(&body(), &proof, &HERE)));
    let mut push = |fault, bytes| all.push(bad(name, fault, bytes, reads_item));
    let card = with_card(ANNA, &HERE, Suite::Thin, 10).card.signed;
    push("card-of-another", by(&RequestBody { card, ..body() }, &proof, &HERE));
    let moved = RequestBody { circle: ELSEWHERE, ..body() };
    push("of-another-circle", by(&moved, &proof, &ELSEWHERE));
    let named = |handle: String| by(&RequestBody { handle, ..body() }, &proof, &HERE);
    push("name-that-turns-the-line", named("Ben\u{202e}".into()));
    push("oversized", named("n".repeat(9_000)));
    let guessed = KeyPair::from_seed(&[MALLORY; 32]);
    push("without-the-code", by(&body(), &guessed, &HERE));
    all
}

/// docs/protocol.md, 2: what is written otherwise is read the same by all, or by none, since it decides which
/// operations there are.
#[test]
fn what_is_written_otherwise_is_read_as_the_page_says() {
    let device = [0xd0; 16];
    let have = |outer: &[u8], device: &[u8], next: &[u8], holes: &[u8], end: &[u8]| {
        let bytes = [outer, &[0x82], device, &[0x01], next, holes, end].concat();
        decode::<Have>(&bytes).map(|have| (have.run.device.0, have.next, have.holes))
    };
    let name = [&[0x50], &device[..]].concat();
    let parts = [&[0x5f, 0x50], &device[..], &[0xff]].concat();
    let right = Some((device, 5, vec![(1, 2)]));
    let holes: &[u8] = &[0x81, 0x82, 0x01, 0x02];
    assert_eq!(have(&[0x83], &name, &[0x05], holes, &[]), right);
    assert_eq!(have(&[0x83], &name, &[0x19, 0, 0x05], holes, &[]), right, "a longer integer");
    assert_eq!(have(&[0x9f], &name, &[0x05], holes, &[0xff]), right, "an endless array");
    assert_eq!(have(&[0x84], &name, &[0x05], holes, &[0xf6]), right, "an element more");
    assert_eq!(have(&[0x83], &parts, &[0x05], holes, &[]), None, "a string in parts");
    assert_eq!(have(&[0x83], &name, &[0xc1, 0x05], holes, &[]), None, "a tag");
    assert_eq!(have(&[0x83], &name, &[0x05], &[0x81, 0x83, 1, 2, 3], &[]), None, "a hole of three");
    assert_eq!(have(&[0x83], &name, &[0x05], &[0x81, 0x9f, 1, 2, 0xff], &[]), None, "endless");

    let who = [&[0x01, 0x58, 0x20], &[0xa1; 32][..]].concat();
    let heads = |parts: &[&[u8]]| decode::<Heads>(&parts.concat()).map(|heads| heads.hour);
    let (none, hour): (&[u8], &[u8]) = (&[0x02, 0x80], &[0x03, 0x05]);
    assert_eq!(heads(&[&[0xa3], &who, none, hour]), Some(5));
    assert_eq!(heads(&[&[0xa3], hour, none, &who]), Some(5), "in another order");
    assert_eq!(heads(&[&[0xbf], &who, none, hour, &[0xff]]), Some(5), "endless");
    assert_eq!(heads(&[&[0xa4], &who, none, hour, &[0x09, 0x80]]), Some(5), "an unknown key");
    assert_eq!(heads(&[&[0xa4], &who, none, hour, &[0x03, 0x06]]), Some(6), "the last counts");
    assert_eq!(heads(&[&[0xa4], &who, none, hour, &[0x61, b'x', 0x80]]), None, "a key of text");
    assert_eq!(heads(&[&[0xa2], &who, none]), None, "one that is missing");

    let asks = |bytes: &[u8]| decode::<Packet>(bytes) == Some(Packet::CardAsk);
    assert!(asks(&[0x82, 14, 0x80]) && asks(&[0x82, 14, 0x05]), "its fields are passed over");
    assert!(!asks(&[0x83, 14, 0x80, 0x80]), "three elements");
    assert!(!asks(&[0x9f, 14, 0x80, 0xff]), "endless");
    assert!(!asks(&[0x82, 99, 0x80]), "a number that is none");
    assert!(!asks(&[0x82, 14, 0x80, 0x00]), "something behind it");
}

fn welcomes() -> Vec<Vector> {
    let anna = with_card(ANNA, &HERE, Suite::Thin, 10);
    let (opening, _, secrets) = opened(Suite::Thin);
    assert_eq!(board_name(&secrets.board, &HERE).0, opened(Suite::Thin).1.board.0);
    let welcome = |origin, entry: &Bytes| {
        let welcome = Welcome {
            origin,
            key: anna.key(),
            to: ASKED,
            header: opening.header.clone(),
            entry: entry.clone(),
        };
        let signed = Signed::new(&welcome, &anna.pair, Label::InviteNote, &HERE);
        encode(&RendezvousItem::Welcome(signed))
    };
    let [ben, other] = &opening.entries[..] else { panic!("an entry for each of two") };
    let name = "welcome";
    let mut all = Vec::from(with_common(name, welcome(origin(), ben)));
    all.push(bad(name, "entry-of-another", welcome(origin(), other), reads_item));
    let moved = Origin { circle: ELSEWHERE, ..origin() };
    all.push(bad(name, "of-another-circle", welcome(moved, ben), reads_item));
    all
}
