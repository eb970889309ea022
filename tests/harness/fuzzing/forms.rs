//! Each form as whoever reads it from the wire does.

use std::sync::LazyLock;

use hearthlight_node::address;
use hearthlight_protocol::boundary::{RelayAddress, RelayCard, Timestamp};
use hearthlight_protocol::circle::card::{Card, VerifiedCard};
use hearthlight_protocol::circle::charter::{Act, Operation};
use hearthlight_protocol::circle::epoch::{Header, Opening};
use hearthlight_protocol::circle::help::{Ask, Heads, Help};
use hearthlight_protocol::crypto::{self, KeyPair, Label, Suite};
use hearthlight_protocol::envelope::Envelope;
use hearthlight_protocol::fuzz::{self, Again, again};
use hearthlight_protocol::identity::{CircleId, EpochId, MailboxId, PublicKey, Signature};
use hearthlight_protocol::invite::InviteCode;
use hearthlight_protocol::mailbox::Packet;
use hearthlight_protocol::message::{Frame, Have, Item, Message, Pair, Seen, Share, Support};
use hearthlight_protocol::signed::Signed;
use hearthlight_protocol::wire::{self, Bytes};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

const HERE: CircleId = CircleId([0xc1; 32]);
const EPOCH: EpochId = EpochId([0xe1; 32]);
const MAILBOX: MailboxId = MailboxId([0x3b; 32]);
const KEY: [u8; 32] = [0x5e; 32];
static MALLORY: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::from_seed(&[0x9a; 32]));

/// H-2: what reading takes from the system, whatever lengths are stated, beside what the bytes that came
/// are worth. An empty byte string is one byte on the wire and a vector here; vectors grow by doubling,
/// and the old one is there until the new one is filled.
const ROOM: u64 = 64 << 10;
const PER_BYTE: u64 = 192;

/// What is read takes no more than its bytes allow; what was read is written so that it is read as the
/// same again.
fn reads(bytes: &[u8], again: Again) {
    let mut once = None;
    let taken = allocation_counter::measure(|| once = again(bytes));
    let allowed = ROOM + PER_BYTE * bytes.len() as u64;
    assert!(taken.bytes_max <= allowed, "{} bytes for {}", taken.bytes_max, bytes.len());
    if let Some(once) = once {
        assert_eq!(again(&once).as_ref(), Some(&once));
    }
}

fn all(bytes: &[u8], forms: &[Again]) {
    forms.iter().for_each(|form| reads(bytes, *form));
}

/// The same with what is signed, if something is.
fn signed(bytes: &[u8], forms: &[Again]) {
    all(bytes, forms);
    reads(bytes, again::<Signed>);
    if let Some(signed) = wire::decode::<Signed>(bytes) {
        all(&signed.content.0, forms);
    }
}

pub(super) fn packet(bytes: &[u8]) {
    all(bytes, &[again::<Packet>, again::<RelayCard>]);
    if let Some(Packet::Card { card, .. }) = wire::decode::<Packet>(bytes) {
        reads(&card.0, again::<RelayCard>);
    }
}

pub(super) fn frame(bytes: &[u8]) {
    all(bytes, &[again::<Frame>, again::<Vec<Item>>, again::<Pair>, fuzz::PAIR]);
    if let Some(frame) = wire::decode::<Frame>(bytes) {
        reads(&frame.payload.0, again::<Vec<Item>>);
    }
}

/// what is a message has a body of its kind, and is one again when it is written.
pub(super) fn message(bytes: &[u8]) {
    all(bytes, &[again::<Message>, again::<Share>, again::<Support>]);
    if let Some(message) = Message::parse(bytes) {
        let written = wire::encode(&message);
        assert_eq!(Message::parse(&written), Some(message));
    }
}

/// tellings merge in any order, and whatever a telling says, asking it ends.
pub(super) fn seen(bytes: &[u8]) {
    all(bytes, &[again::<Seen>, again::<Have>]);
    let Some(seen) = wire::decode::<Seen>(bytes) else { return };
    let [first, second, ..] = &seen.have[..] else { return };
    if first.holes.len() * second.holes.len() > 64 * 64 {
        return;
    }
    let (one, other) = (first.merge(second), second.merge(first));
    for counter in [0, 1, first.next, second.next.wrapping_sub(1), u64::MAX] {
        let either = first.covers(counter) || second.covers(counter);
        assert_eq!(one.covers(counter), either);
        assert_eq!(other.covers(counter), either);
    }
}

pub(super) fn board(bytes: &[u8]) {
    all(bytes, &fuzz::BOARD);
}

pub(super) fn helping(bytes: &[u8]) {
    signed(bytes, &[again::<Ask>, again::<Heads>, again::<Help>]);
}

pub(super) fn operation(bytes: &[u8]) {
    signed(bytes, &[again::<Operation>]);
    let content = wire::decode::<Signed>(bytes).map(|signed| signed.content.0);
    if let Some(operation) = wire::decode::<Operation>(&content.unwrap_or_else(|| bytes.to_vec())) {
        act(operation.kind, operation.rev, &operation.body.0);
    }
}

/// The first byte is the kind, the rest a body.
pub(super) fn body(bytes: &[u8]) {
    let Some((kind, body)) = bytes.split_first() else { return };
    act(*kind, 1, body);
}

fn act(kind: u8, rev: u8, body: &[u8]) {
    let Some(act) = Act::parse(kind, rev, body) else { return };
    assert_eq!(act.kind(), kind);
    if !matches!(act, Act::Unknown(_)) {
        assert_eq!(Act::parse(kind, 1, &act.body().0), Some(act));
    }
}

pub(super) fn opening(bytes: &[u8]) {
    signed(bytes, &[again::<Header>, again::<Opening>]);
    if let Some(opening) = wire::decode::<Opening>(bytes) {
        reads(&opening.header.content.0, again::<Header>);
    }
}

/// A card as it came, and one of these contents that Mallory signed well: its key can be sealed to if it
/// is believed (H-17).
pub(super) fn card(bytes: &[u8]) {
    signed(bytes, &[again::<Card>]);
    let content = wire::decode::<Signed>(bytes).map_or_else(|| bytes.to_vec(), |it| it.content.0);
    let key = PublicKey(MALLORY.public());
    let signature = Signature(MALLORY.sign(Label::Card, &HERE, &[&content]));
    let signed = Signed { content: Bytes(content), signature };
    for suite in [Suite::Hybrid, Suite::Thin] {
        let Some(card) = VerifiedCard::verify(signed.clone(), &key, &HERE, suite) else { continue };
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let sealed = suite.seal_to(&mut rng, &card.card.seal_key.0, b"", b"", b"secret");
        assert!(sealed.is_some(), "a card is believed to which nothing can be sealed");
    }
    if let Some(card) = wire::decode::<Card>(&signed.content.0) {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        for suite in [Suite::Hybrid, Suite::Thin] {
            let sealed = suite.seal_to(&mut rng, &card.seal_key.0, b"", b"", b"secret");
            assert_eq!(sealed.is_some(), suite.is_public(&card.seal_key.0));
        }
    }
}

pub(super) fn rendezvous(bytes: &[u8]) {
    signed(bytes, &fuzz::RENDEZVOUS);
}

/// U-144: what is read is written as the same code, in each of its forms.
pub(super) fn code(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(code) = InviteCode::parse(&text) else { return };
    let again = InviteCode::parse(&code.text()).expect("it was just written");
    assert!(again == code && again.bytes() == code.bytes());
    let grouped = InviteCode::parse(&code.grouped().join("\n"));
    assert!(grouped.is_ok_and(|grouped| grouped == code));
}

/// U-147
pub(super) fn address(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(relay) = address::parse(&text) else { return };
    assert_eq!(address::parse(&address::format(&relay)), Ok(relay.clone()));
    let plain = RelayAddress { token: None, ..relay };
    assert_eq!(address::parse(&address::without_token(&plain)), Ok(plain));
}

/// bytes as an envelope; as the text of one; and as what somebody who has the key sealed in the
/// place of length, text and zeros.
pub(super) fn envelope(bytes: &[u8]) {
    if let Some(envelope) = Envelope::parse(bytes.to_vec()) {
        assert_eq!(envelope.open(&KEY, &MAILBOX), None, "nobody sealed it");
        let _ = (envelope.hour(), envelope.id(&MAILBOX));
    }
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let sealed = Envelope::seal(&KEY, &MAILBOX, Timestamp(0), bytes, &mut rng);
    let sealed = sealed.expect("inputs are far smaller than an envelope");
    assert_eq!(sealed.open(&KEY, &MAILBOX).as_deref(), Some(bytes));
    let mut plain = bytes.to_vec();
    plain.resize(sealed.bytes().len() - HEAD - TAG, 0);
    let head = &sealed.bytes()[..HEAD];
    let nonce = head[5..].try_into().expect("24 bytes");
    let text = crypto::seal(&KEY, &nonce, &plain, &[&head[..5], &MAILBOX.0].concat());
    let inner = Envelope::parse([head, &text].concat()).expect("of a right size");
    if let Some(text) = inner.open(&KEY, &MAILBOX) {
        assert!(plain[4..].starts_with(&text) && plain[4 + text.len()..].iter().all(|b| *b == 0));
    }
}

const HEAD: usize = 29;
const TAG: usize = 16;

/// a payload that somebody in the epoch signed.
pub(super) fn sealed_frame(bytes: &[u8]) {
    let member = 7;
    let parts: [&[u8]; 3] = [&EPOCH.0, &7_u16.to_be_bytes(), bytes];
    let signature = Signature(MALLORY.sign(Label::Frame, &HERE, &parts));
    let frame = Frame { member, signature, payload: Bytes(bytes.to_vec()) };
    let key = PublicKey(MALLORY.public());
    let Some(items) = frame.verify(&key, &HERE, &EPOCH) else { return };
    assert!(items.len() <= 65);
    for item in &items {
        match item {
            Item::Message(bytes) => message(&bytes.0),
            Item::Seen(told) => seen(&wire::encode(told)),
            Item::Pair(pair) => reads(&pair.sealed.0, fuzz::PAIR),
        }
    }
    let signed = Frame::sign(&items, member, &MALLORY, &HERE, &EPOCH);
    assert_eq!(signed.verify(&key, &HERE, &EPOCH), Some(items));
}
