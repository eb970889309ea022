//! One slot: a secret and its name, sealed.
use hearthlight_protocol::{
    boundary::{KeySlot, SlotKind},
    crypto::{self, Secret},
};
use zeroize::Zeroizing;

use super::random;
use crate::error::NodeError;

/// Bytes of a slot: two to a sector, none across two.
pub(super) const SLOT: usize = 256;
/// The longest secret: two 32-byte keys.
pub(super) const MAX_SECRET: usize = 64;

/// What was found in a slot.
pub(super) enum Content {
    /// Nothing.
    Free,
    /// A write that a crash interrupted, or damage.
    Torn,
    /// A secret.
    Used {
        /// Its name.
        slot: KeySlot,
        /// Which write it was; of two with one name the later counts.
        written: u64,
        /// The secret.
        secret: Secret,
    },
}

impl Content {
    /// Reads the slot at `position`.
    ///
    /// # Errors
    /// [`NodeError::StoreNewer`] for a kind that this version does not know.
    pub(super) fn open(
        key: &[u8; 32],
        position: u32,
        bytes: &[u8; SLOT],
    ) -> Result<Self, NodeError> {
        // The file grew and the crash came before its content.
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(Self::Free);
        }
        let nonce = bytes[..24].try_into().expect("24 bytes");
        let Some(plain) = crypto::open(key, nonce, &bytes[24..], &position.to_be_bytes()) else {
            return Ok(Self::Torn);
        };
        let plain = Zeroizing::new(plain);
        let length = usize::from(plain[73]);
        let kind = match plain[0] {
            FREE => return Ok(Self::Free),
            number => kind(number).ok_or(NodeError::StoreNewer)?,
        };
        if length > MAX_SECRET {
            return Err(NodeError::StoreNewer);
        }
        Ok(Self::Used {
            slot: KeySlot {
                kind,
                owner: plain[9..41].try_into().expect("32 bytes"),
                id: plain[41..73].try_into().expect("32 bytes"),
            },
            written: u64::from_be_bytes(plain[1..9].try_into().expect("8 bytes")),
            secret: Secret::new(plain[74..74 + length].to_vec()),
        })
    }
}

/// The bytes of a slot; without `content`, of a free one.
pub(super) fn seal(
    key: &[u8; 32],
    position: u32,
    content: Option<(&KeySlot, u64, &Secret)>,
) -> [u8; SLOT] {
    let mut plain = Zeroizing::new([0; SLOT - 24 - 16]);
    if let Some((slot, written, secret)) = content {
        let secret = secret.bytes();
        plain[0] = slot.kind as u8;
        plain[1..9].copy_from_slice(&written.to_be_bytes());
        plain[9..41].copy_from_slice(&slot.owner);
        plain[41..73].copy_from_slice(&slot.id);
        plain[73] = u8::try_from(secret.len()).expect("a secret has at most 64 bytes");
        plain[74..74 + secret.len()].copy_from_slice(secret);
    }
    let mut bytes = [0; SLOT];
    let (nonce, sealed) = bytes.split_at_mut(24);
    random(nonce);
    let nonce = (&*nonce).try_into().expect("24 bytes");
    sealed.copy_from_slice(&crypto::seal(key, nonce, &*plain, &position.to_be_bytes()));
    bytes
}

fn kind(number: u8) -> Option<SlotKind> {
    [
        SlotKind::Root,
        SlotKind::Epoch,
        SlotKind::Board,
        SlotKind::Card,
        SlotKind::Day,
        SlotKind::Invite,
        SlotKind::Token,
        SlotKind::Mailbox,
    ]
    .into_iter()
    .find(|kind| *kind as u8 == number)
}

/// The kind of a slot that holds nothing.
const FREE: u8 = 0;
