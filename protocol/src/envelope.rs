//! Envelopes: what lies in a mailbox and crosses the wire.

use std::sync::OnceLock;

use rand_core::CryptoRng;

use crate::boundary::Timestamp;
use crate::crypto::{self, Label};
use crate::identity::{CircleId, EnvelopeId, MailboxId};
use crate::planted::{Planted, is_planted};

/// Version, hour and nonce before the sealed part.
const HEAD: usize = 1 + 4 + 24;
/// What padding cannot use: head, length of the text, tag of the cipher.
const OVERHEAD: usize = HEAD + 4 + 16;
const VERSION: u8 = 1;
/// Largest envelope.
pub const MAX_ENVELOPE: usize = 1 << 20;
/// How many hours ahead of a clock an envelope may be to be taken.
pub const TAKEN_AHEAD_H: u32 = 2;
/// Largest envelope that gossip carries.
pub const MAX_GOSSIP: usize = 32 << 10;
/// Largest text that fits into the largest gossiped envelope.
pub const MAX_GOSSIP_TEXT: usize = MAX_GOSSIP - OVERHEAD;
/// Largest text that fits into the largest envelope.
pub const MAX_TEXT: usize = MAX_ENVELOPE - OVERHEAD;

/// A sealed, padded text with its hour.
#[derive(Clone)]
pub struct Envelope {
    bytes: Vec<u8>,
    /// Its id in the mailbox where it was asked for first: to hash up to 1 MiB is not done twice.
    named: OnceLock<(MailboxId, EnvelopeId)>,
}

impl PartialEq for Envelope {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Envelope {}

impl std::fmt::Debug for Envelope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Envelope({} bytes)", self.bytes.len())
    }
}

impl Envelope {
    fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, named: OnceLock::new() }
    }

    /// Seals `text` for a mailbox; `None` if it is longer than [`MAX_TEXT`].
    pub fn seal(
        key: &[u8; 32],
        mailbox: &MailboxId,
        now: Timestamp,
        text: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Option<Self> {
        let whole = padded(text.len() + OVERHEAD)?;
        let mut plain = Vec::with_capacity(whole - OVERHEAD + 4);
        let length = u32::try_from(text.len()).expect("a text is shorter than 1 MiB");
        plain.extend(length.to_be_bytes());
        plain.extend(text);
        plain.resize(whole - HEAD - 16, 0);
        let nonce = crypto::random::<24>(rng);
        let mut bytes = Vec::with_capacity(whole);
        bytes.push(VERSION);
        bytes.extend(now.hour().to_be_bytes());
        bytes.extend(nonce);
        let sealed = crypto::seal(key, &nonce, &plain, &associated(&bytes, mailbox));
        bytes.extend(sealed);
        Some(Self::new(bytes))
    }

    /// Takes bytes for an envelope if version and size are ones that an envelope can have.
    #[must_use]
    pub fn parse(bytes: Vec<u8>) -> Option<Self> {
        let sized = padded(bytes.len()) == Some(bytes.len());
        (sized && bytes.first() == Some(&VERSION)).then(|| Self::new(bytes))
    }

    /// Opens it; `None` if it was sealed with another key or for another mailbox, or was changed.
    #[must_use]
    pub fn open(&self, key: &[u8; 32], mailbox: &MailboxId) -> Option<Vec<u8>> {
        let nonce = self.bytes[5..HEAD].try_into().expect("24 bytes of nonce");
        let head = &self.bytes[..HEAD];
        let mut plain = crypto::open(key, &nonce, &self.bytes[HEAD..], &associated(head, mailbox))?;
        let length = u32::from_be_bytes(plain.get(..4)?.try_into().ok()?);
        let end = 4usize.checked_add(usize::try_from(length).ok()?)?;
        let zero = |byte: &u8| *byte == 0 || is_planted(Planted::PaddingUnchecked);
        if end > plain.len() || !plain[end..].iter().all(zero) {
            return None;
        }
        plain.truncate(end);
        plain.drain(..4);
        Some(plain)
    }

    /// The hour in which it was sealed, counted from 1970, by its sealer's clock.
    #[must_use]
    pub fn hour(&self) -> u32 {
        u32::from_be_bytes(self.bytes[1..5].try_into().expect("4 bytes of hour"))
    }

    /// Its id in a mailbox.
    #[must_use]
    pub fn id(&self, mailbox: &MailboxId) -> EnvelopeId {
        let hash = || {
            EnvelopeId(crypto::hash(Label::Envelope, &CircleId::NONE, &[&mailbox.0, &self.bytes]))
        };
        match self.named.get_or_init(|| (*mailbox, hash())) {
            (of, id) if of == mailbox => *id,
            _ => hash(),
        }
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

fn associated(head: &[u8], mailbox: &MailboxId) -> Vec<u8> {
    [&head[..5], &mailbox.0].concat()
}

/// The size of envelope that a text of `len` bytes goes into; `None` if there is none.
#[must_use]
pub fn padded_text(len: usize) -> Option<usize> {
    padded(len.saturating_add(OVERHEAD))
}

/// The size of envelope that `len` bytes go into; `None` if there is none.
fn padded(len: usize) -> Option<usize> {
    const KIB: usize = 1 << 10;
    let size = match len {
        _ if is_planted(Planted::Unpadded) => len,
        0..=512 => 512,
        513..=0x8000 => len.next_power_of_two(),
        0x8001..=0x2_0000 => len.next_multiple_of(8 * KIB),
        _ => len.next_multiple_of(32 * KIB),
    };
    (size <= MAX_ENVELOPE).then_some(size)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    ///
    #[test]
    pub(crate) fn an_envelope_has_one_of_few_sizes_and_opens_only_in_its_mailbox() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let (key, here, there) = ([7; 32], MailboxId([1; 32]), MailboxId([2; 32]));
        for (len, size) in [
            (0, 512),
            (463, 512),
            (464, 1024),
            (5_000, 8_192),
            (MAX_GOSSIP_TEXT, 32 << 10),
            (MAX_GOSSIP_TEXT + 1, 40 << 10),
            (40_000, 40_960),
            (MAX_TEXT, MAX_ENVELOPE),
        ] {
            let text = vec![9; len];
            let sealed = Envelope::seal(&key, &here, Timestamp(0), &text, &mut rng).expect("fits");
            assert_eq!(sealed.bytes().len(), size);
            assert_eq!(padded_text(len), Some(size));
            assert_eq!(sealed.open(&key, &here), Some(text));
            assert_eq!(sealed.open(&key, &there), None);
            assert_eq!(sealed.open(&[8; 32], &here), None);
        }
        let long = vec![0; MAX_TEXT + 1];
        assert_eq!(Envelope::seal(&key, &here, Timestamp(0), &long, &mut rng), None);
    }

    /// one envelope in two mailboxes is two things; nothing of what it holds is shown.
    #[test]
    fn an_envelope_is_its_bytes_and_has_an_id_in_each_mailbox() {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let (key, here, there) = ([7; 32], MailboxId([1; 32]), MailboxId([2; 32]));
        let mut seal = || Envelope::seal(&key, &here, Timestamp(0), b"hello", &mut rng).unwrap();
        let (one, other) = (seal(), seal());
        let (id, elsewhere) = (one.id(&here), one.id(&there));
        assert!(id != elsewhere && id != other.id(&here));
        let copy = Envelope::parse(one.bytes().to_vec()).expect("of a right size");
        assert_eq!((copy.id(&there), copy.id(&here), one.id(&here)), (elsewhere, id, id));
        assert!(one == copy && one != other);
        assert_eq!(format!("{one:?}"), "Envelope(512 bytes)");
    }

    /// H-2, R-30: the length inside, by somebody who has the key: up to all that is there, and no further.
    #[test]
    fn a_length_inside_that_is_not_there_is_refused() {
        let (key, here) = ([7; 32], MailboxId([1; 32]));
        let room = 512 - HEAD - 16;
        let sealed = |length: u32, zeros: u8| {
            let mut head = vec![VERSION, 0, 0, 0, 0];
            head.extend([9; 24]);
            let mut plain = length.to_be_bytes().to_vec();
            plain.resize(room, zeros);
            let text = crypto::seal(&key, &[9; 24], &plain, &associated(&head, &here));
            Envelope::parse([head, text].concat()).expect("of a right size").open(&key, &here)
        };
        let most = u32::try_from(room - 4).expect("small");
        assert_eq!(sealed(0, 0), Some(Vec::new()));
        assert_eq!(sealed(most, 1).map(|text| text.len()), Some(room - 4));
        assert_eq!(sealed(most - 1, 1), None, "what follows is not zero");
        for length in [most + 1, most + 4, 1 << 31, u32::MAX - 4, u32::MAX] {
            assert_eq!(sealed(length, 0), None, "{length}");
        }
    }

    /// R-30, H-3
    #[test]
    fn a_changed_or_cut_envelope_is_refused() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let (key, here) = ([7; 32], MailboxId([1; 32]));
        let sealed = Envelope::seal(&key, &here, Timestamp(0), b"hello", &mut rng).expect("fits");
        for at in [1, 4, 5, 28, 29, 511] {
            let mut bytes = sealed.bytes().to_vec();
            bytes[at] ^= 1;
            let changed = Envelope::parse(bytes).expect("still of a right size");
            assert_eq!(changed.open(&key, &here), None, "byte {at}");
        }
        assert_eq!(Envelope::parse(sealed.bytes()[..511].to_vec()), None);
        assert_eq!(Envelope::parse(Vec::new()), None);
    }

    /// R-30, H-18: the version is sealed along. Nobody has another one read into an envelope, and one that
    /// was sealed as of another version is none of this one, whatever it says outside.
    #[test]
    fn an_envelope_is_of_the_version_that_was_sealed_or_of_none() {
        let (key, here, nonce) = ([7; 32], MailboxId([1; 32]), [3; 24]);
        let opened = |outside: u8, inside: u8| {
            let mut plain = vec![0; 512 - HEAD - 16];
            plain[3..9].copy_from_slice(b"\x05hello");
            let head = |version: u8| [&[version, 0, 0, 0, 0][..], &nonce].concat();
            let text = crypto::seal(&key, &nonce, &plain, &associated(&head(inside), &here));
            Envelope::parse([head(outside), text].concat())?.open(&key, &here)
        };
        assert_eq!(opened(VERSION, VERSION).as_deref(), Some(&b"hello"[..]));
        for other in [0, 2, 255] {
            assert_eq!(opened(VERSION, other), None, "sealed as version {other}");
            assert_eq!(opened(other, VERSION), None, "called version {other}");
            assert_eq!(opened(other, other), None, "version {other}");
        }
    }

    /// R-30, H-7: nobody makes another envelope of the same text by its padding.
    #[test]
    pub(crate) fn padding_that_is_not_zero_is_refused() {
        let (key, here, nonce) = ([7; 32], MailboxId([1; 32]), [3; 24]);
        let opened = |last: u8| {
            let mut plain = vec![0; 512 - HEAD - 16];
            plain[3..9].copy_from_slice(b"\x05hello");
            *plain.last_mut().unwrap() = last;
            let mut bytes = [&[VERSION, 0, 0, 0, 0][..], &nonce].concat();
            bytes.extend(crypto::seal(&key, &nonce, &plain, &associated(&bytes, &here)));
            Envelope::parse(bytes).expect("of a right size").open(&key, &here)
        };
        assert_eq!(opened(0).as_deref(), Some(&b"hello"[..]));
        assert_eq!(opened(1), None);
    }
}
