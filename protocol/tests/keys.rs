//! Keys, labels and signatures: one use each, one circle each, one encoding each (R-1, R-3, H-7, H-8,
//! H-17).
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeSet;

use hearthlight_protocol::crypto::{KeyPair, Label, Secret, Suite, derive, hash, random, verify};
use hearthlight_protocol::identity::{
    CircleId, Identity, MailboxId, MemberId, Nonce, Peer, PublicKey, Signature,
};
use hearthlight_protocol::mailbox::{Ends, Proof};
use hearthlight_protocol::relay::token;
use hearthlight_protocol::signed::Signed;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

const CIRCLE: CircleId = CircleId([1; 32]);

const LABELS: [Label; 32] = [
    Label::Member,
    Label::Pseudonym,
    Label::Card,
    Label::Operation,
    Label::Opening,
    Label::Epoch,
    Label::Ask,
    Label::Help,
    Label::Heads,
    Label::Pair,
    Label::Commitment,
    Label::Entry,
    Label::EpochKey,
    Label::EpochMailbox,
    Label::BoardName,
    Label::BoardKey,
    Label::BoardMailbox,
    Label::Frame,
    Label::Message,
    Label::Envelope,
    Label::Topic,
    Label::Proof,
    Label::Invite,
    Label::InviteMailbox,
    Label::InviteKey,
    Label::InviteProof,
    Label::InviteNote,
    Label::Request,
    Label::Words,
    Label::Token,
    Label::TokenSeal,
    Label::RelayCard,
];

/// Every point of small order of Curve25519 and its twist; the highest bit of an encoding is ignored.
const SMALL_ORDER_X25519: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn hex(text: &str) -> [u8; 32] {
    data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap().try_into().unwrap()
}

/// Every encoding of a point of small order, canonical or not.
fn small_order() -> Vec<[u8; 32]> {
    let ys = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    let with_sign = |mut y: [u8; 32]| {
        y[31] |= 0x80;
        y
    };
    ys.into_iter().flat_map(|y| [hex(y), with_sign(hex(y))]).collect()
}

///
#[test]
fn no_two_circles_know_one_person_by_one_key() {
    let anna = Identity::new(Secret::new(vec![7; 32]));
    let ben = Identity::new(Secret::new(vec![8; 32]));
    let mut keys = BTreeSet::new();
    for salt in 0..100 {
        for who in [&anna, &ben] {
            let key = PublicKey(who.pseudonym(&Nonce([salt; 16])).public());
            assert!(keys.insert(key) && keys.insert(PublicKey(MemberId::of(&key).0)));
        }
    }
    let again = Identity::new(Secret::new(vec![7; 32])).pseudonym(&Nonce([3; 16])).public();
    assert_eq!(again, anna.pseudonym(&Nonce([3; 16])).public());
}

///
#[test]
fn no_two_uses_share_a_label() {
    let texts: BTreeSet<&str> = LABELS.iter().map(|label| label.text()).collect();
    assert_eq!(texts.len(), LABELS.len());
    for (place, label) in LABELS.iter().enumerate() {
        assert!(label.text().starts_with("hearthlight/1/"));
        assert_eq!(*label as usize, place, "each label stands here once, in order");
    }
    assert_eq!(Label::RelayCard as usize + 1, LABELS.len(), "the last one; add new ones above too");
}

///
#[test]
fn a_hash_or_key_depends_on_label_circle_and_where_its_parts_end() {
    let mut seen = BTreeSet::new();
    for label in LABELS {
        for circle in [CIRCLE, CircleId([2; 32]), CircleId::NONE] {
            let parts: [&[&[u8]]; 5] = [&[], &[b"ab"], &[b"a", b"b"], &[b"ab", b""], &[b"", b"ab"]];
            for parts in parts {
                assert!(seen.insert(hash(label, &circle, parts)));
                assert!(seen.insert(derive(&[5; 32], label, &circle, parts)));
                assert!(seen.insert(derive(&[6; 32], label, &circle, parts)));
            }
        }
    }
}

/// R-3, H-8
#[test]
fn a_signature_for_one_use_and_circle_is_refused_for_every_other() {
    let pair = KeyPair::from_seed(&[3; 32]);
    for made in LABELS {
        let signature = pair.sign(made, &CIRCLE, &[b"content"]);
        let content = Signed::new(&7_u8, &pair, made, &CIRCLE);
        let key = PublicKey(pair.public());
        for asked in LABELS {
            let good = verify(&key.0, &signature, asked, &CIRCLE, &[b"content"]);
            assert_eq!(good, made == asked, "{made:?} as {asked:?}");
            assert_eq!(content.is_by(&key, asked, &CIRCLE), made == asked);
        }
        for circle in [CircleId::NONE, CircleId([2; 32])] {
            assert!(!verify(&key.0, &signature, made, &circle, &[b"content"]));
            assert!(!content.is_by(&key, made, &circle));
        }
        assert!(!verify(&key.0, &signature, made, &CIRCLE, &[b"cont", b"ent"]));
        assert!(!content.is_by(&PublicKey(KeyPair::from_seed(&[4; 32]).public()), made, &CIRCLE));
    }
}

/// H-17, R-1
#[test]
fn keys_and_nonces_of_small_order_verify_nothing() {
    let pair = KeyPair::from_seed(&[3; 32]);
    let good = pair.sign(Label::Card, &CIRCLE, &[b"content"]);
    for key in small_order() {
        for first in small_order() {
            // With these keys and s = 0 the plain equation holds for one message in eight.
            for content in 0..16_u8 {
                let mut forged = [0; 64];
                forged[..32].copy_from_slice(&first);
                assert!(!verify(&key, &forged, Label::Card, &CIRCLE, &[&[content]]));
            }
        }
        let mut changed = good;
        changed[..32].copy_from_slice(&key);
        assert!(!verify(&pair.public(), &changed, Label::Card, &CIRCLE, &[b"content"]));
        assert!(!verify(&key, &good, Label::Card, &CIRCLE, &[b"content"]));
    }
}

/// H-7, H-17
#[test]
fn a_signature_has_one_encoding() {
    // The order of the group, little-endian.
    let order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let pair = KeyPair::from_seed(&[3; 32]);
    for content in 0..32_u8 {
        let good = pair.sign(Label::Card, &CIRCLE, &[&[content]]);
        assert!(verify(&pair.public(), &good, Label::Card, &CIRCLE, &[&[content]]));
        let mut other = good;
        let mut carry = 0_u16;
        for (byte, more) in other[32..].iter_mut().zip(order) {
            carry += u16::from(*byte) + u16::from(more);
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        assert_eq!(carry, 0, "s and the order fit into 32 bytes");
        assert!(!verify(&pair.public(), &other, Label::Card, &CIRCLE, &[&[content]]));
        for bit in 0..512 {
            let mut flipped = good;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!verify(&pair.public(), &flipped, Label::Card, &CIRCLE, &[&[content]]));
        }
    }
}

///
#[test]
fn what_is_sealed_to_a_key_opens_with_its_secret_and_only_as_it_was_meant() {
    for suite in [Suite::Hybrid, Suite::Thin] {
        let mut rng = rng(1);
        let (secret, public) = suite.make_pair(&mut rng);
        let (other, _) = suite.make_pair(&mut rng);
        assert_eq!((secret.bytes().len(), public.len()), (32, suite.public_len()));
        assert!(suite.is_public(&public));
        let sealed = suite.seal_to(&mut rng, &public, b"info", b"who", b"secret").unwrap();
        let open =
            |key, info: &[u8], who: &[u8], sealed: &[u8]| suite.open_with(key, info, who, sealed);
        assert_eq!(open(&secret, b"info", b"who", &sealed).as_deref(), Some(&b"secret"[..]));
        assert_eq!(open(&other, b"info", b"who", &sealed), None);
        assert_eq!(open(&secret, b"inf", b"who", &sealed), None);
        assert_eq!(open(&secret, b"info", b"whom", &sealed), None);
        for len in 0..sealed.len() {
            assert_eq!(open(&secret, b"info", b"who", &sealed[..len]), None);
        }
        let again = suite.seal_to(&mut rng, &public, b"info", b"who", b"secret").unwrap();
        assert_ne!(sealed, again);
        assert_eq!(Suite::from_number(suite.number()), Some(suite));
    }
    assert!((0..=255).filter_map(Suite::from_number).count() == 2);
}

/// H-17: what cannot be sealed to is known beforehand, and nothing panics.
#[test]
fn seal_keys_of_small_order_or_out_of_range_are_no_keys() {
    for end in SMALL_ORDER_X25519 {
        for high in [0, 0x80] {
            let mut public = hex(end);
            public[31] |= high;
            assert!(!Suite::Thin.is_public(&public), "{end}");
            assert_eq!(Suite::Thin.seal_to(&mut rng(1), &public, b"", b"", b"x"), None, "{end}");
        }
    }
    let (_, mut hybrid) = Suite::Hybrid.make_pair(&mut rng(2));
    hybrid[..1_152].fill(0xff);
    assert!(!Suite::Hybrid.is_public(&hybrid));
    assert_eq!(Suite::Hybrid.seal_to(&mut rng(1), &hybrid, b"", b"", b"x"), None);
    for suite in [Suite::Hybrid, Suite::Thin] {
        for len in [0, 1, 31, 33, 1_215, 1_217] {
            assert!(!suite.is_public(&vec![9; len]));
            assert_eq!(suite.seal_to(&mut rng(1), &vec![9; len], b"", b"", b"x"), None);
        }
        for seed in 0..20 {
            let public = suite.make_pair(&mut rng(seed)).1;
            assert!(suite.is_public(&public));
            assert!(suite.seal_to(&mut rng(1), &public, b"", b"", b"x").is_some());
        }
    }
    // Any 32 bytes are a key of the thin suite or known not to be.
    for seed in 0..200 {
        let public: [u8; 32] = random(&mut rng(seed));
        let sealed = Suite::Thin.seal_to(&mut rng(1), &public, b"", b"", b"x");
        assert_eq!(sealed.is_some(), Suite::Thin.is_public(&public));
    }
}

/// H-17, R-50: a mailbox whose key has small order is proven by nobody, since anybody could.
#[test]
fn a_mailbox_of_small_order_is_proven_by_nobody() {
    let ends = Ends {
        prover: Peer([1; 32]),
        verifier: Peer([2; 32]),
        prover_nonce: Nonce([3; 16]),
        verifier_nonce: Nonce([4; 16]),
    };
    for mailbox in small_order() {
        for first in small_order() {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&first);
            let signature = Signature(signature);
            let mailbox = MailboxId(mailbox);
            assert!(!ends.verify(&Proof { mailbox, signature, push: false, listed: false }));
        }
    }
}

/// H-17, R-20: who seals an entry to a card "by" a key of small order knows the secret that both ends would
/// come to, all zeros, without knowing the card's. It does not open, though everything else is right.
#[test]
fn what_is_sealed_over_an_all_zero_secret_does_not_open() {
    let (secret, public) = Suite::Thin.make_pair(&mut rng(3));
    let ours: [u8; 32] = secret.bytes().try_into().unwrap();
    let public: [u8; 32] = public.try_into().unwrap();
    let open = |sealed: &[u8]| Suite::Thin.open_with(&secret, b"info", b"who", sealed);
    // The seal by hand is the right one: over the secret of two honest keys it opens.
    let theirs = [0x42; 32];
    let enc = x25519_dalek::x25519(theirs, x25519_dalek::X25519_BASEPOINT_BYTES);
    let agreed = x25519_dalek::x25519(theirs, public);
    assert_eq!(open(&hpke_by_hand(agreed, enc, public)).as_deref(), Some(&b"secret"[..]));
    for end in SMALL_ORDER_X25519 {
        for high in [0, 0x80] {
            let mut enc = hex(end);
            enc[31] |= high;
            assert_eq!(x25519_dalek::x25519(ours, enc), [0; 32], "{end}");
            assert_eq!(open(&hpke_by_hand([0; 32], enc, public)), None, "{end}");
        }
    }
}

/// RFC 9180, base mode, DHKEM(X25519, HKDF-SHA-256), HKDF-SHA-256, ChaCha20-Poly1305: "secret" sealed over a
/// Diffie-Hellman secret that is given.
fn hpke_by_hand(agreed: [u8; 32], enc: [u8; 32], public: [u8; 32]) -> Vec<u8> {
    use chacha20poly1305::aead::{Aead, KeyInit, Payload};
    use hkdf::Hkdf;
    use sha2::Sha256;

    fn extract(suite: &[u8], salt: &[u8], label: &[u8], secret: &[u8]) -> Hkdf<Sha256> {
        Hkdf::new(Some(salt), &[b"HPKE-v1", suite, label, secret].concat())
    }
    fn expand<const N: usize>(
        suite: &[u8],
        key: &Hkdf<Sha256>,
        label: &[u8],
        info: &[u8],
    ) -> [u8; N] {
        let mut out = [0; N];
        let len = u16::try_from(N).unwrap().to_be_bytes();
        key.expand(&[&len[..], b"HPKE-v1", suite, label, info].concat(), &mut out).unwrap();
        out
    }
    let kem = b"KEM\x00\x20";
    let suite = b"HPKE\x00\x20\x00\x01\x00\x03";
    let key = extract(kem, b"", b"eae_prk", &agreed);
    let shared: [u8; 32] = expand(kem, &key, b"shared_secret", &[enc, public].concat());
    let hashed = |label: &[u8], secret: &[u8]| {
        let (bytes, _) =
            Hkdf::<Sha256>::extract(Some(b""), &[b"HPKE-v1", &suite[..], label, secret].concat());
        bytes
    };
    let context = [&[0][..], &hashed(b"psk_id_hash", b""), &hashed(b"info_hash", b"info")].concat();
    let key = extract(suite, &shared, b"secret", b"");
    let seal: [u8; 32] = expand(suite, &key, b"key", &context);
    let nonce: [u8; 12] = expand(suite, &key, b"base_nonce", &context);
    let text = chacha20poly1305::ChaCha20Poly1305::new((&seal).into())
        .encrypt((&nonce).into(), Payload { msg: b"secret", aad: b"who" })
        .unwrap();
    [&enc[..], &text].concat()
}

///
#[test]
fn a_link_of_a_token_gives_those_before_it_and_none_after_it() {
    let chain: Vec<_> = (0..=token::CHAIN).map(|n| token::chain(&[7; 16], n)).collect();
    for (earlier, later) in chain.iter().zip(&chain[1..]) {
        assert_eq!(token::next_link(later), *earlier);
    }
    assert_eq!(chain.iter().collect::<BTreeSet<_>>().len(), chain.len());
}

/// H-30: nothing that names or opens anything is printed.
#[test]
fn secrets_and_ids_print_as_nothing() {
    let pair = KeyPair::from_seed(&[0xab; 32]);
    let secret = Secret::new(vec![0xab; 32]);
    let identity = Identity::new(secret.clone());
    let shown = format!("{pair:?} {secret:?} {identity:?} {CIRCLE:?}");
    assert!(!shown.contains("171") && !shown.contains("ab, ") && !shown.contains("01"), "{shown}");
}
