//! Each form with one thing wrong.

use hearthlight_protocol::circle::card::Card;
use hearthlight_protocol::circle::charter::{Act, AdmitBody, InviteBody, Operation};
use hearthlight_protocol::circle::votes::{HostLostBody, ProposalBody};
use hearthlight_protocol::crypto::{KeyPair, Label, Suite, sha256};
use hearthlight_protocol::identity::{CircleId, InviteId, MemberId, PublicKey, Signature};
use hearthlight_protocol::mailbox::{Ends, Packet};
use hearthlight_protocol::message::{Frame, Item, Message, Share};
use hearthlight_protocol::signed::Signed;
use hearthlight_protocol::wire::{self, Bytes};

use crate::Vector;
use crate::forms::{self, EPOCH, HERE, NOON, anna, ben};

type Reads = fn(&[u8]) -> bool;

/// What can go wrong with any bytes.
fn common(name: &str, good: &[u8], reads: Reads) -> Vec<Vector> {
    let cut = good[..good.len() - 1].to_vec();
    let trailing = [good, &[0]].concat();
    [("cut", cut), ("trailing-byte", trailing)]
        .map(|(fault, bytes)| bad(name, fault, bytes, reads))
        .into()
}

fn bad(name: &str, fault: &str, bytes: Vec<u8>, reads: Reads) -> Vector {
    Vector { name: format!("{name}--{fault}"), bytes, reads, good: false }
}

/// The form with one byte changed, which a signature or seal has to notice.
fn flipped(good: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = good.to_vec();
    bytes[at] ^= 0x10;
    bytes
}

/// Any content, well signed.
fn signed(content: Vec<u8>, pair: &KeyPair, label: Label, circle: &CircleId) -> Vec<u8> {
    let signature = Signature(pair.sign(label, circle, &[&content]));
    wire::encode(&Signed { content: Bytes(content), signature })
}

fn operations() -> Vec<Vector> {
    let (name, reads) = ("operation-admit", forms::reads_operation as Reads);
    let operation = forms::operation(&forms::admit());
    let good = forms::sign(&operation);
    let content = wire::encode(&operation);
    let with = |content: Vec<u8>| signed(content, &anna(), Label::Operation, &HERE);
    let body = |body: Bytes| forms::sign(&Operation { body, ..operation.clone() });
    let mut all = common(name, &good, reads);
    all.push(bad(name, "bit-flipped", flipped(&good, 40), reads));
    all.push(bad(name, "signature-flipped", flipped(&good, good.len() - 3), reads));
    all.push(bad(name, "wrong-label", signed(content.clone(), &anna(), Label::Card, &HERE), reads));
    let elsewhere = CircleId([0xc2; 32]);
    let other = signed(content.clone(), &anna(), Label::Operation, &elsewhere);
    all.push(bad(name, "signed-for-another-circle", other, reads));
    let moved = Operation { circle: elsewhere, ..operation.clone() };
    all.push(bad(name, "of-another-circle", forms::sign(&moved), reads));
    let by_ben = signed(content.clone(), &ben(), Label::Operation, &HERE);
    all.push(bad(name, "signed-by-another", by_ben, reads));
    let mut fewer = content.clone();
    fewer[0] -= 1;
    all.push(bad(name, "wrong-array-length", with(fewer), reads));
    // Two ids of 34 bytes stand before the number.
    let mut negative = content.clone();
    assert_eq!(negative[69], 2);
    negative[69] = 0x20;
    all.push(bad(name, "negative-seq", with(negative), reads));
    all.push(bad(name, "trailing-byte-inside", with([&content[..], &[0]].concat()), reads));
    all.push(bad(name, "body-empty", body(Bytes(Vec::new())), reads));
    let Act::Admit(admit) = forms::admit() else { return all };
    let long = AdmitBody { handle: "n".repeat(129), ..*admit };
    all.push(bad(name, "handle-too-long", body(Act::Admit(Box::new(long)).body()), reads));
    let invite = |uses, open| {
        let act = Act::Invite(InviteBody {
            id: InviteId([0x11; 8]),
            mailbox: PublicKey([1; 32]),
            proof: PublicKey([2; 32]),
            uses,
            expires: NOON.0,
            open,
            made: NOON.0,
        });
        forms::sign(&forms::operation(&act))
    };
    all.push(bad("operation-invite", "no-uses", invite(0, false), reads));
    all.push(bad("operation-invite", "51-uses", invite(51, false), reads));
    all.push(bad("operation-invite", "6-open-uses", invite(6, true), reads));
    let act = |act: Act| forms::sign(&forms::operation(&act));
    let proposal = |change: fn(&mut ProposalBody)| {
        let mut body = forms::proposal();
        change(&mut body);
        act(Act::Proposal(Box::new(body)))
    };
    let long = proposal(|body| body.text = "x".repeat(2_001));
    all.push(bad("operation-proposal", "text-too-long", long, reads));
    let many = proposal(|body| body.electorate = vec![MemberId([1; 32]); 201]);
    all.push(bad("operation-proposal", "201-electors", many, reads));
    let nobody = HostLostBody { who: Vec::new(), heard: 20_000, days: 30 };
    all.push(bad("operation-host-lost", "nobody", act(Act::HostLost(nobody)), reads));
    let full = Operation { body: Bytes(vec![0]), ..forms::operation(&Act::Join) };
    all.push(bad("operation-join", "body-not-empty", forms::sign(&full), reads));
    all
}

fn cards() -> Vec<Vector> {
    let (name, reads) = ("card-thin", forms::reads_card as Reads);
    let card = forms::card(&ben(), &HERE, Suite::Thin).0;
    let good = wire::encode(&card.signed);
    let content = card.signed.content.0.clone();
    let with = |card: &Card| wire::encode(&Signed::new(card, &ben(), Label::Card, &HERE));
    let mut all = common(name, &good, reads);
    all.push(bad(name, "bit-flipped", flipped(&good, 60), reads));
    let label = signed(content.clone(), &ben(), Label::Operation, &HERE);
    all.push(bad(name, "wrong-label", label, reads));
    let moved = Card { circle: CircleId([0xc2; 32]), ..card.card.clone() };
    all.push(bad(name, "of-another-circle", with(&moved), reads));
    let other = signed(content.clone(), &anna(), Label::Card, &HERE);
    all.push(bad(name, "signed-by-another", other, reads));
    let mut fewer = content.clone();
    fewer[0] -= 1;
    let fewer = signed(fewer, &ben(), Label::Card, &HERE);
    all.push(bad(name, "wrong-array-length", fewer, reads));
    let zero = Card { seal_key: Bytes(vec![0; 32]), ..card.card.clone() };
    all.push(bad(name, "small-order-seal-key", with(&zero), reads));
    let short = Card { seal_key: Bytes(vec![9; 31]), ..card.card.clone() };
    all.push(bad(name, "short-seal-key", with(&short), reads));
    let range = Card { seal_key: Bytes(vec![0xff; 1_216]), ..card.card.clone() };
    all.push(bad("card-hybrid", "seal-key-out-of-range", with(&range), reads));
    all
}

fn envelopes() -> Vec<Vector> {
    let (name, reads) = ("envelope", forms::reads_envelope as Reads);
    let good = forms::envelope();
    let mut all = common(name, &good, reads);
    for (fault, at) in [
        ("other-version", 0),
        ("other-hour", 4),
        ("other-nonce", 20),
        ("bit-flipped", 200),
        ("tag-flipped", 511),
    ] {
        all.push(bad(name, fault, flipped(&good, at), reads));
    }
    let wider = [&good[..], &[0; 512]].concat();
    all.push(bad(name, "padded-to-the-next-size", wider, reads));
    all
}

fn frames() -> Vec<Vector> {
    let (name, reads) = ("frame", forms::reads_frame as Reads);
    let message = |message: &Message| Item::Message(Bytes(wire::encode(message)));
    let items = [message(&forms::message()), Item::Seen(forms::seen())];
    let good = forms::frame(&items);
    let bytes = wire::encode(&good);
    let mut all = common(name, &bytes, reads);
    all.push(bad(name, "bit-flipped", flipped(&bytes, 100), reads));
    let place = Frame { member: 2, ..good.clone() };
    all.push(bad(name, "of-another-member", wire::encode(&place), reads));
    let by = Frame::sign(&items, 1, &anna(), &HERE, &EPOCH);
    all.push(bad(name, "signed-by-another", wire::encode(&by), reads));
    let moved = Frame::sign(&items, 1, &ben(), &CircleId([0xc2; 32]), &EPOCH);
    all.push(bad(name, "of-another-circle", wire::encode(&moved), reads));
    let many = vec![Item::Message(Bytes(Vec::new())); 66];
    all.push(bad(name, "66-items", wire::encode(&forms::frame(&many)), reads));
    let mut holes = forms::seen();
    holes.have[0].holes = (0..65).map(|n| (n * 2, n * 2 + 1)).collect();
    all.push(bad(name, "65-holes", wire::encode(&forms::frame(&[Item::Seen(holes)])), reads));
    // An item of a number that nobody gave: [2, [bytes]].
    let payload = vec![0x81, 0x82, 0x02, 0x81, 0x40];
    let parts: [&[u8]; 3] = [&EPOCH.0, &1_u16.to_be_bytes(), &payload];
    let signature = Signature(ben().sign(Label::Frame, &HERE, &parts));
    let unknown = Frame { member: 1, signature, payload: Bytes(payload) };
    all.push(bad(name, "unknown-item", wire::encode(&unknown), reads));
    all
}

fn messages() -> Vec<Vector> {
    let (name, reads) = ("message", forms::reads_message as Reads);
    let message = forms::message();
    let good = wire::encode(&message);
    let mut all = common(name, &good, reads);
    let mut push = |fault, message: &Message| {
        all.push(bad(name, fault, wire::encode(message), reads));
    };
    push("5-parents", &Message { parents: vec![message.parents[0]; 5], ..message.clone() });
    push("counter-too-large", &Message { counter: u64::MAX / 2, ..message.clone() });
    push("body-empty", &Message { body: Bytes(Vec::new()), ..message.clone() });
    let text = |text: String| {
        let share = Share { text, reply_to: None, wish: None, note: None };
        Message { body: Bytes(wire::encode(&share)), ..message.clone() }
    };
    push("no-text", &text(String::new()));
    push("text-too-long", &text("t".repeat(8_193)));
    let mut utf8 = message.clone();
    let at = utf8.body.0.windows(4).position(|at| at == b"good").expect("it says so");
    utf8.body.0[at] = 0xff;
    push("not-utf-8", &utf8);
    // Author (34 bytes after the array's head), run, then the counter.
    let mut negative = good.clone();
    let at = 1 + 34 + 1 + 17 + 2;
    assert_eq!(negative[at], 3);
    negative[at] = 0x22;
    all.push(bad(name, "negative-counter", negative, reads));
    let mut fewer = good;
    fewer[0] -= 1;
    all.push(bad(name, "wrong-array-length", fewer, reads));
    all
}

fn packets() -> Vec<Vector> {
    let reads = forms::reads_packet as Reads;
    let mut all = Vec::new();
    for (name, packet) in forms::packets() {
        all.extend(common(&format!("packet-{name}"), &wire::encode(&packet), reads));
    }
    let of = |name: &str| {
        let packets = forms::packets();
        let found = packets.into_iter().find(|(known, _)| *known == name);
        found.expect("it stands there").1
    };
    let hello = wire::encode(&of("hello"));
    assert_eq!(hello[..4], [0x82, 0x00, 0x84, 0x01]);
    let mut changed = |name: &str, fault, at: usize, to: u8| {
        let mut bytes = wire::encode(&of(name));
        bytes[at] = to;
        all.push(bad(&format!("packet-{name}"), fault, bytes, reads));
    };
    changed("hello", "unknown-packet", 1, 0x10);
    changed("hello", "negative-packet", 1, 0x20);
    changed("hello", "negative-version", 3, 0x20);
    changed("hello", "wrong-array-length", 2, 0x83);
    changed("hello", "length-of-2-to-the-64", 2, 0x9b);
    changed("hello", "bytes-as-text", 4, 0x70);
    // The id that is one byte short takes the next byte for its own head.
    changed("open", "short-mailbox", 4, 0x1f);
    changed("prove", "bit-flipped", 60, 0x55);
    let mut refusal = wire::encode(&of("refused"));
    *refusal.last_mut().expect("not empty") = 8;
    all.push(bad("packet-refused", "unknown-reason", refusal, reads));
    let pair = KeyPair::from_seed(&[0x3b; 32]);
    let swapped =
        Ends { prover: forms::ends().verifier, verifier: forms::ends().prover, ..forms::ends() };
    let proof = Packet::Prove(vec![swapped.prove(&pair, false, true)]);
    all.push(bad("packet-prove", "of-another-connection", wire::encode(&proof), reads));
    if let Packet::Card { card, .. } = of("card") {
        let signature = Signature(anna().sign(Label::Proof, &CircleId::NONE, &[&card.0]));
        let card = wire::encode(&Packet::Card { card, signature });
        all.push(bad("packet-card", "wrong-label", card, reads));
    }
    all
}

fn codes() -> Vec<Vector> {
    let (name, reads) = ("invite-code", forms::reads_code as Reads);
    let good = forms::code().bytes();
    let said = &good[..good.len() - 4];
    let checked = |said: &[u8]| {
        let hash = sha256(&[b"hearthlight invite 1", said].concat());
        [said, &hash[..4]].concat()
    };
    assert_eq!(checked(said), good);
    let mut reserved = said.to_vec();
    reserved[0] |= 0x80;
    let mut empty = said.to_vec();
    empty[20] = 0;
    let mut more = said.to_vec();
    more[0] |= 1;
    let long = [&said[..20], &[97], &[0; 16], &[7; 97]].concat();
    let mut all = vec![
        bad(name, "cut", good[..good.len() - 1].to_vec(), reads),
        bad(name, "bit-flipped", flipped(&good, 9), reads),
        bad(name, "reserved-flag", checked(&reserved), reads),
        bad(name, "no-address", checked(&empty), reads),
        bad(name, "a-relay-too-few", checked(&more), reads),
        bad(name, "address-too-long", checked(&long), reads),
    ];
    all.push(bad(name, "empty", Vec::new(), reads));
    all
}

pub(crate) fn all() -> Vec<Vector> {
    [operations(), cards(), envelopes(), frames(), messages(), packets(), codes()]
        .into_iter()
        .flatten()
        .collect()
}
