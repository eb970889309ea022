//! How keys and values lie in the store: names as keyed hashes, values sealed.
//!
//! A key is 16 bytes of HMAC-SHA-256 over room and owner, then the place. In rooms whose places are
//! names rather than numbers (circles, members, requests) the place lies there as a keyed hash of 16
//! bytes too, and as it is in front of the value, sealed: two homes cannot be matched by what is in
//! clear. A row is
//!
//! | bytes | what |
//! |---|---|
//! | 1 | flags: 1 sealed under a slot, 2 in chunks |
//! | 16 | with flag 1: the slot, as a keyed hash |
//! | rest | body: nonce and sealed value; with flag 2 the chunks' id and their number instead |
//!
//! The associated data of a value is its whole key, so that rows cannot be exchanged.
use std::borrow::Cow;

use hearthlight_protocol::{
    boundary::{Key, KeySlot, Room},
    crypto,
};

use crate::vault::{Key32, SlotTag, Vault, keyed_hash, random, truncated};

/// Names and seals rows.
pub(super) struct Rows {
    names: Key32,
    values: Key32,
    chunks: [u8; PREFIX],
}

/// What a row says about itself.
pub(super) struct Row<'a> {
    tag: Option<SlotTag>,
    body: Body<'a>,
}

enum Body<'a> {
    Here(&'a [u8]),
    Chunks { id: [u8; 16], count: u16 },
}

/// What became of a value.
pub(super) enum Opened {
    /// Here it is.
    Value(Vec<u8>),
    /// The key that it was sealed under was destroyed.
    Gone,
    /// It does not open.
    Damaged,
}

impl Rows {
    /// The rows of the home that `vault` belongs to.
    pub(super) fn of(vault: &Vault) -> Self {
        let names = vault.derive("names");
        Self {
            chunks: truncated(&keyed_hash(&names[..], &[b"chunks"])),
            values: vault.derive("values"),
            names,
        }
    }

    /// The beginning that all keys of one room and owner share.
    pub(super) fn prefix(&self, room: Room, owner: &[u8; 32]) -> [u8; PREFIX] {
        truncated(&keyed_hash(&self.names[..], &[&[room as u8], owner]))
    }

    /// The key in the store.
    pub(super) fn key(&self, key: &Key) -> Vec<u8> {
        debug_assert!(key.place.len() <= MAX_PLACE, "a place has at most 64 bytes");
        let prefix = self.prefix(key.room, &key.owner);
        if !is_named(key.room) {
            return [&prefix[..], &key.place].concat();
        }
        let place: [u8; 16] = truncated(&keyed_hash(&self.names[..], &[&prefix, &key.place]));
        [prefix, place].concat()
    }

    /// Seals a value into rows: its own first, then its chunks. `None` if the slot is not held.
    pub(super) fn seal(
        &self,
        vault: &Vault,
        key: &[u8],
        value: &[u8],
        under: Option<&KeySlot>,
    ) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
        let (tag, seal_key) = match under {
            Some(slot) => vault.seal_key(slot).map(|(tag, key)| (Some(tag), key))?,
            None => (None, &self.values),
        };
        let mut nonce = [0; NONCE];
        random(&mut nonce);
        let sealed = crypto::seal(seal_key, &nonce, value, key);
        let mut row = vec![if tag.is_some() { UNDER_SLOT } else { 0 }];
        row.extend(tag.iter().flatten());
        if sealed.len() + NONCE <= CHUNK {
            row.extend(nonce);
            row.extend(sealed);
            return Some(vec![(key.to_vec(), row)]);
        }
        let body = [&nonce[..], &sealed].concat();
        let mut id = [0; 16];
        random(&mut id);
        let count = u16::try_from(body.len().div_ceil(CHUNK)).ok()?;
        row[0] |= CHUNKED;
        row.extend(id);
        row.extend(count.to_be_bytes());
        let chunks = self.chunk_keys(&id, count).zip(body.chunks(CHUNK).map(<[u8]>::to_vec));
        Some(std::iter::once((key.to_vec(), row)).chain(chunks).collect())
    }

    /// The keys of a row's chunks.
    pub(super) fn chunks_of(&self, row: &Row<'_>) -> Vec<Vec<u8>> {
        match &row.body {
            Body::Here(_) => Vec::new(),
            Body::Chunks { id, count } => self.chunk_keys(id, *count).collect(),
        }
    }

    fn chunk_keys(&self, id: &[u8; 16], count: u16) -> impl Iterator<Item = Vec<u8>> {
        let start = [&self.chunks[..], id].concat();
        (0..count).map(move |number| [&start[..], &number.to_be_bytes()].concat())
    }

    /// A number for a row at a key, other than that of any row that was there before: the sum over all
    /// tells whether each is the one that was written last.
    ///
    /// Chunks are known by their key, which is never used again, other rows by their end, which is a
    /// tag or a chunks' id.
    pub(super) fn print(&self, key: &[u8], row: &[u8]) -> u64 {
        let end = match key.starts_with(&self.chunks) {
            true => &[],
            false => &row[row.len().saturating_sub(16)..],
        };
        let hash = crypto::sha256(&[key, end].concat());
        u64::from_be_bytes(hash[..8].try_into().expect("32 bytes hold 8"))
    }

    /// Opens a row; `chunk` reads one of its chunks.
    pub(super) fn open(
        &self,
        vault: &Vault,
        key: &[u8],
        row: &[u8],
        chunk: impl Fn(&[u8]) -> Option<Vec<u8>>,
    ) -> Opened {
        let Some(row) = Row::read(row) else {
            return Opened::Damaged;
        };
        let seal_key = match &row.tag {
            None => &self.values,
            Some(tag) => match vault.seal_key_named(tag) {
                Some(key) => key,
                None => return Opened::Gone,
            },
        };
        let gathered: Vec<u8>;
        let body = match &row.body {
            Body::Here(body) => body,
            Body::Chunks { .. } => {
                let chunks: Option<Vec<_>> =
                    self.chunks_of(&row).iter().map(|key| chunk(key)).collect();
                let Some(chunks) = chunks else {
                    return Opened::Damaged;
                };
                gathered = chunks.concat();
                &gathered[..]
            }
        };
        body.split_first_chunk::<NONCE>()
            .and_then(|(nonce, sealed)| crypto::open(seal_key, nonce, sealed, key))
            .map_or(Opened::Damaged, Opened::Value)
    }
}

/// Whether the places of a room are names, which nobody may read on the disk.
pub(super) fn is_named(room: Room) -> bool {
    matches!(room, Room::Circles | Room::Devices | Room::Local | Room::Once)
}

/// What is sealed for a value: in a room of names, its place goes with it.
pub(super) fn with_place<'v>(key: &Key, value: &'v [u8]) -> Cow<'v, [u8]> {
    if !is_named(key.room) {
        return Cow::Borrowed(value);
    }
    let len = u8::try_from(key.place.len()).expect("a place has at most 64 bytes");
    Cow::Owned([&[len][..], &key.place, value].concat())
}

/// Place and value of what was sealed at a key of this room.
pub(super) fn parted(room: Room, key: &[u8], sealed: Vec<u8>) -> Option<(Vec<u8>, Vec<u8>)> {
    if !is_named(room) {
        return Some((key[PREFIX..].to_vec(), sealed));
    }
    let (len, rest) = sealed.split_first()?;
    let (place, value) = rest.split_at_checked(usize::from(*len))?;
    Some((place.to_vec(), value.to_vec()))
}

impl<'a> Row<'a> {
    /// Reads what stands before the body.
    pub(super) fn read(row: &'a [u8]) -> Option<Self> {
        let (flags, mut rest) = row.split_first()?;
        if flags & !(UNDER_SLOT | CHUNKED) != 0 {
            return None;
        }
        let mut tag = None;
        if flags & UNDER_SLOT != 0 {
            let (found, after) = rest.split_first_chunk::<16>()?;
            (tag, rest) = (Some(*found), after);
        }
        let body = if flags & CHUNKED == 0 {
            Body::Here(rest)
        } else {
            let (id, count) = rest.split_first_chunk::<16>()?;
            Body::Chunks { id: *id, count: u16::from_be_bytes(count.try_into().ok()?) }
        };
        Some(Self { tag, body })
    }
}

/// The key after all that begin with `prefix`; `None` if there is none.
pub(super) fn after(prefix: &[u8; PREFIX]) -> Option<Vec<u8>> {
    let number = u128::from_be_bytes(*prefix).checked_add(1)?;
    Some(number.to_be_bytes().to_vec())
}

/// Bytes of a key that name room and owner.
pub(super) const PREFIX: usize = 16;
/// The longest piece of a value in one row. sled gathers up to 17 rows in a page and a page of more than
/// 128 KiB leaves the log (see [`super::disk`]); 4 KiB keeps well below with the longest keys.
pub(super) const CHUNK: usize = 4096;
const MAX_PLACE: usize = 64;
const NONCE: usize = 24;
const UNDER_SLOT: u8 = 1;
const CHUNKED: u8 = 2;
