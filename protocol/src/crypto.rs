//! All cryptography of the protocol, and the only file that names its crates.
//!
//! Labels, hashes, key derivation, signatures, the seal of envelopes and the seal to a
//! card. Everything that needs chance takes the generator that the caller lends.

use chacha20poly1305::{
    XChaCha20Poly1305,
    aead::{Aead, KeyInit, Payload},
};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use hkdf::Hkdf;
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305 as HpkeAead,
    kdf::HkdfSha256, kem::X25519HkdfSha256, kem::XWing,
};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::identity::CircleId;

/// What a hash, signature, derived key or sealed text is for; no two uses share a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// [`crate::identity::MemberId`] of a pseudonym key.
    Member,
    /// The pseudonym key of a circle, from the root secret and a salt.
    Pseudonym,
    /// Signature over a card, and a card's hash.
    Card,
    /// Signature over a charter operation, and its id.
    Operation,
    /// Signature over an opening's header.
    Opening,
    /// [`crate::identity::EpochId`] of a header.
    Epoch,
    /// Signature over an ask for help.
    Ask,
    /// HPKE info of an answer to an ask.
    Help,
    /// Signature over a note of charter heads.
    Heads,
    /// HPKE info of a pair copy.
    Pair,
    /// Commitment to the secrets of an opening.
    Commitment,
    /// HPKE info of an entry.
    Entry,
    /// Key that seals an epoch's envelopes.
    EpochKey,
    /// Mailbox pair of an epoch.
    EpochMailbox,
    /// Name of a board secret.
    BoardName,
    /// Key that seals a board's envelopes.
    BoardKey,
    /// Mailbox pair of a board.
    BoardMailbox,
    /// Signature over a frame.
    Frame,
    /// [`crate::identity::MessageId`].
    Message,
    /// [`crate::identity::EnvelopeId`].
    Envelope,
    /// Gossip topic of a mailbox.
    Topic,
    /// Proof of a mailbox key on a connection.
    Proof,
    /// The secret of an invite.
    Invite,
    /// Rendezvous mailbox pair of an invite.
    InviteMailbox,
    /// Key that seals what is posted at a rendezvous.
    InviteKey,
    /// Key pair that proves knowledge of an invite's secret.
    InviteProof,
    /// Signature over a join card, a closing note, a welcome or a refusal.
    InviteNote,
    /// Proof and signature over a request to join.
    Request,
    /// The six words that two people compare.
    Words,
    /// Hash chain over a relay's admission token.
    Token,
    /// HPKE info of a token sealed to a host.
    TokenSeal,
    /// Signature over a relay card.
    RelayCard,
}

impl Label {
    /// The label as it is hashed.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Member => "hearthlight/1/member",
            Self::Pseudonym => "hearthlight/1/pseudonym",
            Self::Card => "hearthlight/1/card",
            Self::Operation => "hearthlight/1/operation",
            Self::Opening => "hearthlight/1/opening",
            Self::Epoch => "hearthlight/1/epoch",
            Self::Ask => "hearthlight/1/ask",
            Self::Help => "hearthlight/1/help",
            Self::Heads => "hearthlight/1/heads",
            Self::Pair => "hearthlight/1/pair",
            Self::Commitment => "hearthlight/1/commitment",
            Self::Entry => "hearthlight/1/entry",
            Self::EpochKey => "hearthlight/1/epoch-key",
            Self::EpochMailbox => "hearthlight/1/epoch-mailbox",
            Self::BoardName => "hearthlight/1/board-name",
            Self::BoardKey => "hearthlight/1/board-key",
            Self::BoardMailbox => "hearthlight/1/board-mailbox",
            Self::Frame => "hearthlight/1/frame",
            Self::Message => "hearthlight/1/message",
            Self::Envelope => "hearthlight/1/envelope",
            Self::Topic => "hearthlight/1/topic",
            Self::Proof => "hearthlight/1/proof",
            Self::Invite => "hearthlight/1/invite",
            Self::InviteMailbox => "hearthlight/1/invite-mailbox",
            Self::InviteKey => "hearthlight/1/invite-key",
            Self::InviteProof => "hearthlight/1/invite-proof",
            Self::InviteNote => "hearthlight/1/invite-note",
            Self::Request => "hearthlight/1/request",
            Self::Words => "hearthlight/1/words",
            Self::Token => "hearthlight/1/token",
            Self::TokenSeal => "hearthlight/1/token-seal",
            Self::RelayCard => "hearthlight/1/relay-card",
        }
    }
}

/// A secret of up to 64 bytes that erases itself and shows nothing when printed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes `bytes` as a secret.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// 32 fresh bytes.
    pub fn random(rng: &mut dyn CryptoRng) -> Self {
        Self(random::<32>(rng).to_vec())
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, where there are exactly `N`.
    #[must_use]
    pub fn array<const N: usize>(&self) -> Option<[u8; N]> {
        self.0.as_slice().try_into().ok()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// `N` fresh bytes.
pub fn random<const N: usize>(rng: &mut dyn CryptoRng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// Labelled SHA-256 over a circle and length-prefixed parts.
#[must_use]
pub fn hash(label: Label, circle: &CircleId, parts: &[&[u8]]) -> [u8; 32] {
    let mut h = Sha256::new();
    for part in [label.text().as_bytes(), &circle.0].iter().chain(parts) {
        h.update((part.len() as u64).to_be_bytes());
        h.update(part);
    }
    h.finalize().into()
}

/// Plain SHA-256, where a format of the interfaces asks for it (U-140, U-147).
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// 32 bytes derived from a secret by HKDF-SHA-256, with label, circle and parts as info.
#[must_use]
pub fn derive(secret: &[u8], label: Label, circle: &CircleId, parts: &[&[u8]]) -> [u8; 32] {
    let mut out = [0; 32];
    Hkdf::<Sha256>::new(None, secret)
        .expand(&hash(label, circle, parts), &mut out)
        .expect("32 bytes are a valid length for HKDF-SHA-256");
    out
}

/// An Ed25519 pair: a pseudonym, a speak key, a mailbox or an invite's proof.
#[derive(Clone)]
pub struct KeyPair(SigningKey);

impl KeyPair {
    /// The pair that grows from 32 secret bytes.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Signs the labelled hash of circle and parts.
    #[must_use]
    pub fn sign(&self, label: Label, circle: &CircleId, parts: &[&[u8]]) -> [u8; 64] {
        let digest = hash(label, circle, parts);
        #[cfg(feature = "sim")]
        if label == Label::Proof && made_here::are_proofs_light() {
            let signature = made_here::light(self.0.as_bytes(), &digest);
            made_here::note(&self.public(), &digest, &signature);
            return signature;
        }
        let signature = self.0.sign(&digest).to_bytes();
        #[cfg(feature = "sim")]
        made_here::note(&self.public(), &digest, &signature);
        signature
    }
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyPair(..)")
    }
}

/// Whether `signature` by `key` stands over the labelled hash, by the strict rules: no small-order
/// keys, one encoding of a signature.
#[must_use]
pub fn verify(
    key: &[u8; 32],
    signature: &[u8; 64],
    label: Label,
    circle: &CircleId,
    parts: &[&[u8]],
) -> bool {
    let digest = hash(label, circle, parts);
    #[cfg(feature = "sim")]
    if made_here::knows(key, &digest, signature) {
        return true;
    }
    VerifyingKey::from_bytes(key)
        .is_ok_and(|key| key.verify_strict(&digest, &signature.into()).is_ok())
}

#[cfg(feature = "sim")]
pub use made_here::{LightProofs, light_proofs};

/// The signatures that this thread made. In the simulator it is the whole world, and a quarter of its time went
/// into verifying what it had just signed; anything else is verified in earnest.
#[cfg(feature = "sim")]
mod made_here {
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;

    /// Beyond this the older half is forgotten, and verified again.
    const MOST: usize = 1 << 16;

    type Made = BTreeMap<[u8; 64], ([u8; 32], [u8; 32])>;

    thread_local! {
        static MADE: RefCell<[Made; 2]> = const { RefCell::new([Made::new(), Made::new()]) };
        static LIGHT: Cell<bool> = const { Cell::new(false) };
    }

    /// As long as it lasts, this thread's proofs of mailbox keys are not signed in earnest, and good for this
    /// thread alone. A proof lives for a round trip, and a storm makes a hundred thousand of them: a sixth of its
    /// time.
    #[derive(Debug)]
    pub struct LightProofs(bool);

    /// Makes proofs light until what is given back is dropped.
    #[must_use]
    pub fn light_proofs() -> LightProofs {
        LightProofs(LIGHT.replace(true))
    }

    impl Drop for LightProofs {
        fn drop(&mut self) {
            LIGHT.set(self.0);
        }
    }

    pub(super) fn are_proofs_light() -> bool {
        LIGHT.get()
    }

    /// What only the holder of the seed can make.
    pub(super) fn light(seed: &[u8; 32], digest: &[u8; 32]) -> [u8; 64] {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&super::sha256(&[&seed[..], digest].concat()));
        signature[32..].copy_from_slice(digest);
        signature
    }

    pub(super) fn note(key: &[u8; 32], digest: &[u8; 32], signature: &[u8; 64]) {
        MADE.with_borrow_mut(|[new, old]| {
            if new.len() == MOST / 2 {
                *old = std::mem::take(new);
            }
            new.insert(*signature, (*key, *digest));
        });
    }

    pub(super) fn knows(key: &[u8; 32], digest: &[u8; 32], signature: &[u8; 64]) -> bool {
        let is_it = |made: &Made| made.get(signature) == Some(&(*key, *digest));
        MADE.with_borrow(|made| made.iter().any(is_it))
    }
}

/// Seals `plain` by XChaCha20-Poly1305.
#[must_use]
pub fn seal(key: &[u8; 32], nonce: &[u8; 24], plain: &[u8], associated: &[u8]) -> Vec<u8> {
    XChaCha20Poly1305::new(key.into())
        .encrypt(nonce.into(), Payload { msg: plain, aad: associated })
        .expect("texts are far shorter than the cipher's limit")
}

/// Opens what [`seal`] made; `None` if key, nonce, associated data or text differ.
#[must_use]
pub fn open(key: &[u8; 32], nonce: &[u8; 24], sealed: &[u8], associated: &[u8]) -> Option<Vec<u8>> {
    XChaCha20Poly1305::new(key.into())
        .decrypt(nonce.into(), Payload { msg: sealed, aad: associated })
        .ok()
}

/// How openings and pair messages are sealed; fixed when a circle is founded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// HPKE with X-Wing (ML-KEM-768 and X25519): the default.
    Hybrid,
    /// HPKE with X25519, for thin links.
    Thin,
}

impl Suite {
    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Hybrid => 1,
            Self::Thin => 2,
        }
    }

    /// The suite of a number on the wire.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Hybrid),
            2 => Some(Self::Thin),
            _ => None,
        }
    }

    /// Bytes of a public seal key.
    #[must_use]
    pub fn public_len(self) -> usize {
        match self {
            Self::Hybrid => 1216,
            Self::Thin => 32,
        }
    }

    /// Whether these bytes are a key that [`Self::seal_to`] can seal to (H-17).
    #[must_use]
    pub fn is_public(self, public: &[u8]) -> bool {
        match self {
            Self::Hybrid => <XWing as Kem>::PublicKey::from_bytes(public).is_ok(),
            Self::Thin => !is_small_order(public) && public.len() == self.public_len(),
        }
    }

    /// A fresh pair: the secret half of 32 bytes, and the public half.
    pub fn make_pair(self, rng: &mut dyn CryptoRng) -> (Secret, Vec<u8>) {
        match self {
            Self::Hybrid => make_pair::<XWing>(rng),
            Self::Thin => make_pair::<X25519HkdfSha256>(rng),
        }
    }

    /// Seals to a public key; `None` if the key is not one.
    pub fn seal_to(
        self,
        rng: &mut dyn CryptoRng,
        public: &[u8],
        info: &[u8],
        associated: &[u8],
        plain: &[u8],
    ) -> Option<Vec<u8>> {
        match self {
            Self::Hybrid => seal_to::<XWing>(rng, public, info, associated, plain),
            Self::Thin => seal_to::<X25519HkdfSha256>(rng, public, info, associated, plain),
        }
    }

    /// Opens what [`Self::seal_to`] made for the pair of `secret`.
    #[must_use]
    pub fn open_with(
        self,
        secret: &Secret,
        info: &[u8],
        associated: &[u8],
        sealed: &[u8],
    ) -> Option<Vec<u8>> {
        match self {
            Self::Hybrid => open_with::<XWing>(secret, info, associated, sealed),
            Self::Thin => open_with::<X25519HkdfSha256>(secret, info, associated, sealed),
        }
    }
}

/// Whether an X25519 key agrees on zero with every other one: RFC 7748 lets any 32 bytes pass, and
/// ignores the highest bit.
fn is_small_order(public: &[u8]) -> bool {
    let Some((last, rest)) = public.split_last() else { return false };
    let mut point = rest.to_vec();
    point.push(last & 0x7f);
    SMALL_ORDER.iter().any(|small| small[..] == point[..])
}

/// The points of small order of Curve25519 and its twist, in every encoding (the list of libsodium).
const SMALL_ORDER: [[u8; 32]; 7] = {
    let mut points = [[0; 32]; 7];
    points[1][0] = 1;
    points[2] = [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
        0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
        0xb8, 0x00,
    ];
    points[3] = [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef,
        0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f,
        0x11, 0x57,
    ];
    // The prime less one, the prime, and the prime and one.
    let mut i = 4;
    while i < 7 {
        points[i] = [0xff; 32];
        points[i][0] = 0xec + (i as u8 - 4);
        points[i][31] = 0x7f;
        i += 1;
    }
    points
};

fn make_pair<K: Kem>(mut rng: &mut dyn CryptoRng) -> (Secret, Vec<u8>) {
    let (secret, public) = K::gen_keypair_with_rng(&mut rng);
    (Secret::new(secret.to_bytes().to_vec()), public.to_bytes().to_vec())
}

fn seal_to<K: Kem>(
    mut rng: &mut dyn CryptoRng,
    public: &[u8],
    info: &[u8],
    associated: &[u8],
    plain: &[u8],
) -> Option<Vec<u8>> {
    let public = K::PublicKey::from_bytes(public).ok()?;
    let (key, text) = hpke::single_shot_seal_with_rng::<HpkeAead, HkdfSha256, K>(
        &OpModeS::Base,
        &public,
        info,
        plain,
        associated,
        &mut rng,
    )
    .ok()?;
    let mut sealed = key.to_bytes().to_vec();
    sealed.extend(text);
    Some(sealed)
}

fn open_with<K: Kem>(
    secret: &Secret,
    info: &[u8],
    associated: &[u8],
    sealed: &[u8],
) -> Option<Vec<u8>> {
    let secret = K::PrivateKey::from_bytes(secret.bytes()).ok()?;
    let (key, text) = sealed.split_at_checked(K::EncappedKey::size())?;
    let key = K::EncappedKey::from_bytes(key).ok()?;
    hpke::single_shot_open::<HpkeAead, HkdfSha256, K>(
        &OpModeR::Base,
        &secret,
        &key,
        info,
        text,
        associated,
    )
    .ok()
}
