//! Page 0 of the key file: how the master key is wrapped.
use std::{fs::File, os::unix::fs::FileExt};

use argon2::{Algorithm, Argon2, Params, Version};
use hearthlight_protocol::crypto;
use zeroize::Zeroizing;

use super::{Key32, PAGE, random};
use crate::error::NodeError;

/// The header of a key file.
///
/// | bytes | what |
/// |---|---|
/// | 8 | magic |
/// | 2 | version |
/// | 1 | 0: the master key lies beside; 1: it is wrapped by argon2id |
/// | 12 | argon2id: KiB of memory, passes, lanes |
/// | 16 | salt |
/// | 24 + 48 | nonce and wrapped master key, or the master key and zeros |
/// | 32 | SHA-256 of all before, so that damage is not taken for a wrong passphrase |
pub(super) struct Header {
    cost: Option<Cost>,
    salt: [u8; 16],
    nonce: [u8; 24],
    wrapped: Zeroizing<[u8; 48]>,
}

/// What a guess at the passphrase costs.
#[derive(Clone, Copy)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Header {
    /// A fresh master key, and the header that wraps it.
    pub(super) fn make(passphrase: Option<&str>) -> Result<(Self, Key32), NodeError> {
        let mut master = Key32::default();
        random(&mut *master);
        let mut header = Self {
            cost: passphrase.map(|_| COST),
            salt: [0; 16],
            nonce: [0; 24],
            wrapped: Zeroizing::new([0; 48]),
        };
        random(&mut header.salt);
        match passphrase {
            Some(passphrase) => {
                random(&mut header.nonce);
                let key = COST.stretch(passphrase, &header.salt)?;
                let sealed = crypto::seal(&key, &header.nonce, &*master, MAGIC);
                header.wrapped.copy_from_slice(&sealed);
            }
            None => header.wrapped[..32].copy_from_slice(&*master),
        }
        Ok((header, master))
    }

    /// Reads the header of an open file.
    pub(super) fn read(file: &File) -> Result<Self, NodeError> {
        let mut bytes = Zeroizing::new([0; LEN + 32]);
        file.read_exact_at(&mut *bytes, 0)
            .map_err(|_| NodeError::StoreDamaged("the key file is cut short"))?;
        if bytes[..8] != *MAGIC {
            return Err(NodeError::StoreDamaged("the key file is not one"));
        }
        // Before the checksum: a newer version may have it elsewhere.
        if u16::from_be_bytes([bytes[8], bytes[9]]) > VERSION {
            return Err(NodeError::StoreNewer);
        }
        if crypto::sha256(&bytes[..LEN]) != bytes[LEN..] {
            return Err(NodeError::StoreDamaged("the head of the key file"));
        }
        let number = |at: usize| {
            u32::from_be_bytes(bytes[at..at + 4].try_into().expect("4 bytes are 4 bytes"))
        };
        Ok(Self {
            cost: (bytes[10] == 1).then(|| Cost {
                memory_kib: number(11),
                passes: number(15),
                lanes: number(19),
            }),
            salt: bytes[23..39].try_into().expect("16 bytes"),
            nonce: bytes[39..63].try_into().expect("24 bytes"),
            wrapped: Zeroizing::new(bytes[63..LEN].try_into().expect("48 bytes")),
        })
    }

    /// The first page of a file.
    pub(super) fn to_page(&self) -> Zeroizing<[u8; PAGE]> {
        let cost = self.cost.unwrap_or(COST);
        let mut page = Zeroizing::new([0; PAGE]);
        page[..8].copy_from_slice(MAGIC);
        page[8..10].copy_from_slice(&VERSION.to_be_bytes());
        page[10] = u8::from(self.cost.is_some());
        page[11..15].copy_from_slice(&cost.memory_kib.to_be_bytes());
        page[15..19].copy_from_slice(&cost.passes.to_be_bytes());
        page[19..23].copy_from_slice(&cost.lanes.to_be_bytes());
        page[23..39].copy_from_slice(&self.salt);
        page[39..63].copy_from_slice(&self.nonce);
        page[63..LEN].copy_from_slice(&*self.wrapped);
        let sum = crypto::sha256(&page[..LEN]);
        page[LEN..LEN + 32].copy_from_slice(&sum);
        page
    }

    /// Whether a passphrase was chosen.
    pub(super) fn has_passphrase(&self) -> bool {
        self.cost.is_some()
    }

    /// The master key.
    pub(super) fn unlock(&self, passphrase: Option<&str>) -> Result<Key32, NodeError> {
        let Some(cost) = self.cost else {
            let master: [u8; 32] = self.wrapped[..32].try_into().expect("32 of 48 bytes");
            return Ok(Zeroizing::new(master));
        };
        let key = cost.stretch(passphrase.ok_or(NodeError::NeedsPassphrase)?, &self.salt)?;
        let master = crypto::open(&key, &self.nonce, &*self.wrapped, MAGIC)
            .map(Zeroizing::new)
            .ok_or(NodeError::WrongPassphrase)?;
        Ok(Zeroizing::new(master.as_slice().try_into().expect("48 sealed bytes hold 32")))
    }
}

impl Cost {
    fn stretch(self, passphrase: &str, salt: &[u8; 16]) -> Result<Key32, NodeError> {
        // A header from elsewhere must not take all memory or an hour.
        if self.memory_kib > MAX_MEMORY_KIB || self.passes > MAX_PASSES {
            return Err(NodeError::StoreDamaged("the cost in the key file"));
        }
        let mut key = Key32::default();
        Params::new(self.memory_kib, self.passes, self.lanes, Some(32))
            .and_then(|params| {
                Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(
                    passphrase.as_bytes(),
                    salt,
                    &mut *key,
                )
            })
            .map_err(|_| NodeError::StoreDamaged("the cost in the key file"))?;
        Ok(key)
    }
}

const MAGIC: &[u8; 8] = b"hl-keys\0";
/// Raised when a file is laid out otherwise; an older program then refuses it.
const VERSION: u16 = 1;
/// Bytes under the checksum.
const LEN: usize = 111;
/// U-183.
const COST: Cost = Cost { memory_kib: 64 << 10, passes: 3, lanes: 1 };
/// A guess: 16 times today's.
const MAX_MEMORY_KIB: u32 = 1 << 20;
/// A guess: 10 times today's.
const MAX_PASSES: u32 = 30;
