//! The key file: secrets in fixed slots, overwritten in place.
//!
//! Whatever has to be forgotten is sealed under a secret that lies here and nowhere else, so that
//! forgetting is one overwrite of 256 bytes: the store beside it may keep its old blocks for ever.
//!
//! | place | bytes | what |
//! |---|---|---|
//! | page 0 | 4,096 | header: how the master key is wrapped ([`header`]) |
//! | page 1 | 4,096 | two marks, written in turn: how far the store has come (R-83) |
//! | from page 2 | 256 each | slots, each sealed under the master key with its position as associated data |
//!
//! A free slot is a sealed slot that says so. From outside it looks like any other, and from inside it
//! differs from a torn one, which does not open. Torn slots are free, and counted.
//!
//! **The mark.** [`Vault::note`] writes the number of commits at every commit, but never syncs: the next
//! sync of the key file takes it along, or the kernel does. It is written after the store was synced, so
//! after a power cut it may be too low and is never too high, and costs no flush. A store whose own
//! number is lower than the mark has been put back, or has lost its end.
mod header;
mod slot;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

use hearthlight_protocol::{
    boundary::KeySlot,
    crypto::{self, Secret},
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use self::{
    header::Header,
    slot::{Content, SLOT},
};
use crate::error::NodeError;

/// 32 bytes that erase themselves.
pub(crate) type Key32 = Zeroizing<[u8; 32]>;
/// The name of a slot as it may stand in the store: a keyed hash.
pub(crate) type SlotTag = [u8; 16];

/// The open key file.
pub(crate) struct Vault {
    file: File,
    master: Key32,
    slot_key: Key32,
    tag_key: Key32,
    mark_key: Key32,
    held: BTreeMap<KeySlot, Held>,
    tags: BTreeMap<SlotTag, KeySlot>,
    free: BTreeSet<u32>,
    slots: u32,
    /// Slots that a crash or a bad disk left unreadable.
    torn: u32,
    next_write: u64,
    mark: Option<u64>,
}

/// A secret in its slot.
struct Held {
    position: u32,
    written: u64,
    secret: Secret,
    /// Seals values at rest; derived, so that a secret is never used for two things.
    seal_key: Key32,
}

impl Vault {
    /// Makes a key file; with a passphrase it can be opened only by it.
    ///
    /// Nothing stands at `path` until all of it is on the disk.
    pub(crate) fn create(path: &Path, passphrase: Option<&str>) -> Result<Self, NodeError> {
        if path.exists() {
            return Err(NodeError::AlreadySetUp);
        }
        let draft = path.with_extension("draft");
        let made = Self::create_at(&draft, passphrase).and_then(|vault| {
            fs::rename(&draft, path).map_err(NodeError::disk)?;
            sync_folder_of(path)?;
            Ok(vault)
        });
        if made.is_err() {
            // The first error is the one to report.
            let _ = fs::remove_file(&draft);
        }
        made
    }

    fn create_at(path: &Path, passphrase: Option<&str>) -> Result<Self, NodeError> {
        let (header, master) = Header::make(passphrase)?;
        let _ = fs::remove_file(path);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(NodeError::disk)?;
        let mut bytes = header.to_page().to_vec();
        bytes.extend(mark_page(&derive(&master, "marks"), 0));
        file.write_all_at(&bytes, 0).map_err(NodeError::disk)?;
        let slot_key = derive(&master, "slots");
        write_free(&file, &slot_key, 0..BLOCK).map_err(NodeError::disk)?;
        file.sync_all().map_err(NodeError::disk)?;
        Self::unlocked(file, master)
    }

    /// Opens a key file.
    ///
    /// A wrong passphrase takes as long as the right one (U-183). A passphrase is not looked at where
    /// none was chosen.
    pub(crate) fn open(path: &Path, passphrase: Option<&str>) -> Result<Self, NodeError> {
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(not_set_up)?;
        let master = Header::read(&file)?.unlock(passphrase)?;
        Self::unlocked(file, master)
    }

    fn unlocked(file: File, master: Key32) -> Result<Self, NodeError> {
        let mut vault = Self {
            slot_key: derive(&master, "slots"),
            tag_key: derive(&master, "tags"),
            mark_key: derive(&master, "marks"),
            mark: None,
            master,
            file,
            held: BTreeMap::new(),
            tags: BTreeMap::new(),
            free: BTreeSet::new(),
            slots: 0,
            torn: 0,
            next_write: 1,
        };
        vault.mark = read_mark(&vault.file, &vault.mark_key);
        vault.read_slots()?;
        Ok(vault)
    }

    /// Whether a passphrase was chosen, without opening.
    pub(crate) fn has_passphrase(path: &Path) -> Result<bool, NodeError> {
        let file = File::open(path).map_err(not_set_up)?;
        Ok(Header::read(&file)?.has_passphrase())
    }

    /// Overwrites a key file, whatever state it is in, and removes it.
    pub(crate) fn shred(path: &Path) -> Result<(), NodeError> {
        let file = match OpenOptions::new().write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(NodeError::disk(error)),
        };
        let length = file.metadata().map_err(NodeError::disk)?.len();
        let mut noise = vec![0; PAGE];
        for page in 0..length.div_ceil(PAGE as u64) {
            random(&mut noise);
            file.write_all_at(&noise, page * PAGE as u64).map_err(NodeError::disk)?;
        }
        file.sync_data().map_err(NodeError::disk)?;
        fs::remove_file(path).map_err(NodeError::disk)?;
        sync_folder_of(path)
    }

    /// Has the last noted mark on the disk.
    pub(crate) fn sync(&self) -> Result<(), NodeError> {
        self.file.sync_data().map_err(NodeError::disk)
    }

    /// Puts secrets into slots and syncs, once for all.
    ///
    /// A slot that is held already gets the new secret; until that is on the disk the old one stays.
    /// After an error the caller drops whatever the secrets were for.
    pub(crate) fn make(&mut self, secrets: &[(KeySlot, Secret)]) -> Result<(), NodeError> {
        // The last one counts where a slot is named twice.
        let mut new: BTreeMap<KeySlot, &Secret> =
            secrets.iter().map(|(slot, secret)| (*slot, secret)).collect();
        new.retain(|slot, secret| self.held.get(slot).is_none_or(|held| held.secret != **secret));
        if new.is_empty() {
            return Ok(());
        }
        if new.values().any(|secret| secret.bytes().len() > slot::MAX_SECRET) {
            return Err(NodeError::Internal("a secret is too long".into()));
        }
        self.grow_to(new.len())?;
        let positions: Vec<u32> = self.free.iter().copied().take(new.len()).collect();
        if let Err(error) = self.write_secrets(&new, &positions) {
            // What was written must not be found at the next start.
            let _ = write_free(&self.file, &self.slot_key, positions);
            return Err(NodeError::disk(error));
        }
        let mut replaced = Vec::new();
        for ((slot, secret), position) in new.into_iter().zip(positions) {
            self.free.remove(&position);
            replaced.extend(self.hold(slot, secret.clone(), position, self.next_write));
            self.next_write += 1;
        }
        self.release(&replaced)
    }

    /// Overwrites slots and syncs, once for all; what is not held is passed over.
    pub(crate) fn destroy(&mut self, slots: &[KeySlot]) -> Result<(), NodeError> {
        let positions: BTreeSet<u32> =
            slots.iter().filter_map(|slot| Some(self.held.get(slot)?.position)).collect();
        self.release(&Vec::from_iter(positions))?;
        for slot in slots {
            self.held.remove(slot);
            self.tags.remove(&self.tag(slot));
        }
        Ok(())
    }

    /// Whether there is no secret at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Everything that is held.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = (KeySlot, Secret)> + '_ {
        self.held.iter().map(|(slot, held)| (*slot, held.secret.clone()))
    }

    /// How a slot is named in the store, and the key that it lends to values at rest.
    pub(crate) fn seal_key(&self, slot: &KeySlot) -> Option<(SlotTag, &Key32)> {
        Some((self.tag(slot), &self.held.get(slot)?.seal_key))
    }

    /// The key that a name in the store means; `None` once it was destroyed.
    pub(crate) fn seal_key_named(&self, tag: &SlotTag) -> Option<&Key32> {
        Some(&self.held.get(self.tags.get(tag)?)?.seal_key)
    }

    /// A key of the home's own, for one purpose.
    pub(crate) fn derive(&self, purpose: &str) -> Key32 {
        derive(&self.master, purpose)
    }

    /// How far the store had come when last noted; `None` if that cannot be read.
    pub(crate) fn mark(&self) -> Option<u64> {
        self.mark
    }

    /// Notes how far the store has come, never backwards. Not synced: see the module.
    pub(crate) fn note(&mut self, commits: u64) {
        let cell = commits % 2;
        let bytes = seal_mark(&self.mark_key, cell, commits);
        // A mark that cannot be written stays too low, which only makes the check weaker.
        if self.file.write_all_at(&bytes, mark_offset(cell)).is_ok() {
            self.mark = Some(commits);
        }
    }

    fn tag(&self, slot: &KeySlot) -> SlotTag {
        truncated(&keyed_hash(&self.tag_key[..], &[&[slot.kind as u8], &slot.owner, &slot.id]))
    }

    /// Holds a secret; gives the position of an older one of the same slot.
    fn hold(&mut self, slot: KeySlot, secret: Secret, position: u32, written: u64) -> Option<u32> {
        let seal_key = keyed_hash(secret.bytes(), &[b"hearthlight/1/at-rest/values"]);
        self.tags.insert(self.tag(&slot), slot);
        let held = Held { position, written, secret, seal_key };
        self.held.insert(slot, held).map(|old| old.position)
    }

    fn read_slots(&mut self) -> Result<(), NodeError> {
        let length = self.file.metadata().map_err(NodeError::disk)?.len();
        let whole = length.saturating_sub(SLOTS_AT) / SLOT as u64;
        self.slots = u32::try_from(whole).unwrap_or(u32::MAX);
        if self.slots > MAX_SLOTS {
            return Err(NodeError::StoreDamaged("the key file is too long"));
        }
        let mut stale = Vec::new();
        let mut bytes = Zeroizing::new([0; SLOT]);
        for position in 0..self.slots {
            self.file.read_exact_at(&mut *bytes, slot_offset(position)).map_err(NodeError::disk)?;
            match Content::open(&self.slot_key, position, &bytes)? {
                Content::Torn => {
                    self.torn += 1;
                    self.free.insert(position);
                }
                Content::Free => {
                    self.free.insert(position);
                }
                Content::Used { slot, written, secret } => {
                    self.next_write = self.next_write.max(written + 1);
                    // A crash between writing the new one and freeing the old one left both.
                    if self.held.get(&slot).is_some_and(|held| held.written > written) {
                        stale.push(position);
                    } else {
                        stale.extend(self.hold(slot, secret, position, written));
                    }
                }
            }
        }
        if self.torn > 0 {
            tracing::warn!(slots = self.torn, "some of the key file cannot be read");
        }
        self.release(&stale)
    }

    /// Sees to `wanted` free slots. A crash in here leaves free or torn slots, which are free.
    fn grow_to(&mut self, wanted: usize) -> Result<(), NodeError> {
        while self.free.len() < wanted {
            let end = self.slots + BLOCK;
            if end > MAX_SLOTS {
                return Err(NodeError::Internal("the key file is full".into()));
            }
            if let Err(error) = write_free(&self.file, &self.slot_key, self.slots..end) {
                // Back to where it ended; if that fails too, torn slots are free slots.
                let _ = self.file.set_len(slot_offset(self.slots));
                return Err(NodeError::disk(error));
            }
            self.free.extend(self.slots..end);
            self.slots = end;
        }
        Ok(())
    }

    fn write_secrets(
        &self,
        new: &BTreeMap<KeySlot, &Secret>,
        positions: &[u32],
    ) -> std::io::Result<()> {
        for (number, ((slot, secret), position)) in
            (self.next_write..).zip(new.iter().zip(positions))
        {
            let bytes = slot::seal(&self.slot_key, *position, Some((slot, number, secret)));
            self.file.write_all_at(&bytes, slot_offset(*position))?;
        }
        self.file.sync_data()
    }

    /// Overwrites positions, syncs, and has them free.
    fn release(&mut self, positions: &[u32]) -> Result<(), NodeError> {
        if positions.is_empty() {
            return Ok(());
        }
        write_free(&self.file, &self.slot_key, positions.iter().copied())
            .and_then(|()| self.file.sync_data())
            .map_err(NodeError::disk)?;
        self.free.extend(positions);
        Ok(())
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault")
            .field("held", &self.held.len())
            .field("free", &self.free.len())
            .field("torn", &self.torn)
            .finish_non_exhaustive()
    }
}

/// HMAC-SHA-256 over parts, which must not be ambiguous when joined.
pub(crate) fn keyed_hash(key: &[u8], parts: &[&[u8]]) -> Key32 {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// The first 16 bytes of a keyed hash: short enough to be a name, long enough to be the only one.
pub(crate) fn truncated(hash: &[u8; 32]) -> [u8; 16] {
    hash[..16].try_into().expect("32 bytes hold 16")
}

/// Fills `bytes` from the system's randomness.
pub(crate) fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system has a source of randomness");
}

/// Makes the folder that holds `path` remember its names.
pub(crate) fn sync_folder_of(path: &Path) -> Result<(), NodeError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))
        .and_then(|folder| folder.sync_all())
        .map_err(NodeError::disk)
}

fn derive(master: &[u8; 32], purpose: &str) -> Key32 {
    keyed_hash(master, &[b"hearthlight/1/at-rest/", purpose.as_bytes()])
}

fn not_set_up(error: std::io::Error) -> NodeError {
    match error.kind() {
        std::io::ErrorKind::NotFound => NodeError::NotSetUp,
        _ => NodeError::disk(error),
    }
}

fn write_free(
    file: &File,
    slot_key: &[u8; 32],
    positions: impl IntoIterator<Item = u32>,
) -> std::io::Result<()> {
    for position in positions {
        file.write_all_at(&slot::seal(slot_key, position, None), slot_offset(position))?;
    }
    Ok(())
}

fn slot_offset(position: u32) -> u64 {
    SLOTS_AT + u64::from(position) * SLOT as u64
}

fn mark_offset(cell: u64) -> u64 {
    PAGE as u64 + cell * MARK_STEP
}

fn mark_page(key: &[u8; 32], commits: u64) -> Vec<u8> {
    let mut page = vec![0; PAGE];
    random(&mut page);
    for cell in 0..2 {
        let at = usize::try_from(cell * MARK_STEP).expect("a page is small");
        let mark = seal_mark(key, cell, commits);
        page[at..at + mark.len()].copy_from_slice(&mark);
    }
    page
}

fn seal_mark(key: &[u8; 32], cell: u64, commits: u64) -> Vec<u8> {
    let mut nonce = [0; 24];
    random(&mut nonce);
    let sealed = crypto::seal(key, &nonce, &commits.to_be_bytes(), &cell.to_be_bytes());
    [&nonce[..], &sealed].concat()
}

fn read_mark(file: &File, key: &[u8; 32]) -> Option<u64> {
    let read = |cell: u64| -> Option<u64> {
        let mut nonce = [0; 24];
        let mut sealed = [0; 8 + 16];
        file.read_exact_at(&mut nonce, mark_offset(cell)).ok()?;
        file.read_exact_at(&mut sealed, mark_offset(cell) + 24).ok()?;
        let plain = crypto::open(key, &nonce, &sealed, &cell.to_be_bytes())?;
        Some(u64::from_be_bytes(plain.try_into().ok()?))
    };
    read(0).max(read(1))
}

/// The unit that disks and kernels write.
const PAGE: usize = 4096;
/// Where the second mark lies: another sector, so that one torn write leaves one of them.
const MARK_STEP: u64 = 2048;
/// Where the slots begin.
const SLOTS_AT: u64 = 2 * PAGE as u64;
/// Slots by which the file grows: a page, so that its length tells little about how many are used.
const BLOCK: u32 = 16;
/// A guess: 16 MiB of keys, some 700 circles that keep 90 days each.
const MAX_SLOTS: u32 = 1 << 16;
