//! sled, used the safe way: what is saved.
//!
//! A commit first puts new secrets into the key file and syncs it, then writes all its rows as one batch
//! of one tree, flushes, and syncs: it is there whole or not at all. One row, the ledger, counts commits
//! and rows and sums up what they are. A store that opens with other rows is damaged, and one that has fewer commits than its key file has
//! noted is old ([`Store::is_behind`], R-83), so what lost its content never looks like new.
mod disk;
mod row;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use hearthlight_protocol::{
    boundary::{Key, KeySlot, Room, Store, Value},
    crypto::{self, Secret},
};

use self::{
    disk::{Disk, Fault, Reserve},
    row::{Opened, Row, Rows},
};
use crate::{
    error::NodeError,
    vault::{Vault, random, sync_folder_of},
};

/// One write of a batch.
#[derive(Debug)]
pub(crate) enum Write {
    /// Save.
    Save(Key, Value),
    /// Erase.
    Erase(Key),
}

/// The open store with its key file.
pub(crate) struct Storage {
    dir: PathBuf,
    vault: Vault,
    rows: Rows,
    /// `None` after a commit failed, until the store could be opened again.
    disk: Option<Disk>,
    ledger: Ledger,
    /// Something that was read did not open. The machine then went on without it, so nothing that it
    /// concludes may be saved.
    damaged: AtomicBool,
}

/// Keys of rows that are new, with their bytes.
type Written = Vec<(Vec<u8>, usize)>;

/// What a store says about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ledger {
    /// Commits since the store was made; the making is the first.
    commits: u64,
    /// Rows, chunks and this one included.
    rows: u64,
    /// The sum of their prints, this one not included.
    sum: u64,
    /// It was found to be old, and its machine has not begun anew since.
    old: bool,
}

impl Storage {
    /// Opens or makes the store in `dir`.
    ///
    /// A store is made only for a key file that never saw one. If sled cannot open the store, a copy of
    /// it without snapshots is tried, and takes its place if nothing is missing in it.
    ///
    /// # Errors
    ///
    /// [`NodeError::StoreDamaged`] if it stays unreadable, or opens with less in it than there was;
    /// [`NodeError::StoreNewer`]; [`NodeError::DiskFull`] if it cannot even be opened for lack of room.
    pub(crate) fn open(dir: &Path, vault: Vault) -> Result<Self, NodeError> {
        let rows = Rows::of(&vault);
        let reserve_path = dir.with_extension("reserve");
        let reserve = Reserve(&reserve_path);
        reserve.spend_if_needed();
        let begins = vault.mark() == Some(0) && vault.is_empty();
        let (disk, mut ledger) = if begins { make(dir, &vault)? } else { restore(dir, &vault)? };
        reserve.refill();
        ledger.old |= vault.mark().is_none_or(|mark| ledger.commits < mark);
        let mut storage = Self {
            dir: dir.to_path_buf(),
            vault,
            rows,
            disk: Some(disk),
            ledger,
            damaged: AtomicBool::new(false),
        };
        storage.note();
        if begins {
            // From here on a store that is not there is not a new one.
            storage.vault.sync()?;
        }
        Ok(storage)
    }

    /// New keys synced, then all writes in one transaction, flushed to the disk.
    ///
    /// # Errors
    ///
    /// Nothing of the batch was done or will be, or all of it and what is read from now on says so: the
    /// machine has to be restored from the store. If [`Self::reopen`] fails then, nothing can be read.
    pub(crate) fn commit(
        &mut self,
        keys: &[(KeySlot, Secret)],
        writes: &[Write],
    ) -> Result<(), NodeError> {
        if self.damaged.load(Ordering::Relaxed) {
            return Err(NodeError::StoreDamaged("a value in it does not open"));
        }
        self.reopen()?;
        if !disk::has_room(&self.dir, size_of_batch(writes)) {
            return Err(NodeError::DiskFull);
        }
        self.vault.make(keys)?;
        if writes.is_empty() {
            return Ok(());
        }
        self.write(writes)
    }

    /// Destroys secrets, after everything that depends on the batch has left.
    pub(crate) fn destroy(&mut self, slots: &[KeySlot]) -> Result<(), NodeError> {
        self.vault.destroy(slots)
    }

    /// Opens the store again after a commit failed; nothing to do otherwise.
    ///
    /// [`Self::commit`] tries it before it returns its error, but the disk may still be full then. Until
    /// this succeeds [`Store`] shows nothing, and no machine may be restored from it.
    pub(crate) fn reopen(&mut self) -> Result<(), NodeError> {
        if self.disk.is_some() {
            return Ok(());
        }
        let reserve_path = self.dir.with_extension("reserve");
        Reserve(&reserve_path).spend_if_needed();
        let (disk, mut ledger) = restore(&self.dir, &self.vault)?;
        Reserve(&reserve_path).refill();
        ledger.old |= self.ledger.old || ledger.commits < self.ledger.commits;
        self.disk = Some(disk);
        self.ledger = ledger;
        Ok(())
    }

    /// Lets an old store count as the newest: its machine has become a new device, and that is
    /// saved.
    ///
    /// # Errors
    ///
    /// As [`Self::commit`]; the store is still old then.
    pub(crate) fn count_as_newest(&mut self) -> Result<(), NodeError> {
        self.reopen()?;
        if !self.ledger.old {
            return Ok(());
        }
        let before = self.ledger;
        self.ledger.commits = before.commits.max(self.vault.mark().unwrap_or(0));
        self.ledger.old = false;
        let written = self.write(&[]);
        self.ledger.old |= written.is_err();
        written
    }

    /// Whether something that was read did not open, since the store was opened.
    #[cfg(test)]
    pub(crate) fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Relaxed)
    }

    /// Bytes that the store takes up on the disk.
    #[cfg(test)]
    pub(crate) fn used_bytes(&self) -> u64 {
        disk::used_bytes(&self.dir)
    }

    fn write(&mut self, writes: &[Write]) -> Result<(), NodeError> {
        let (batch, ledger, written) = self.batch(writes)?;
        let disk = self.disk.as_ref().expect("only called while it is open");
        if let Err(fault) = disk.apply(batch, &written) {
            return Err(self.close_after(fault));
        }
        self.ledger = ledger;
        self.note();
        Ok(())
    }

    /// The key file notes how far the store has come; of an old one, how far it had.
    fn note(&mut self) {
        if !self.ledger.old {
            self.vault.note(self.ledger.commits);
        }
    }

    /// The rows that `writes` come to, what the ledger says after them, and which rows are new, with their
    /// bytes.
    fn batch(&self, writes: &[Write]) -> Result<(sled::Batch, Ledger, Written), NodeError> {
        let disk = self.disk.as_ref().expect("only called while it is open");
        let mut last: BTreeMap<Vec<u8>, Option<(&Key, &Value)>> = BTreeMap::new();
        for write in writes {
            match write {
                Write::Save(key, value) => last.insert(self.rows.key(key), Some((key, value))),
                Write::Erase(key) => last.insert(self.rows.key(key), None),
            };
        }
        let (mut batch, mut written) = (sled::Batch::default(), Written::new());
        let (mut rows, mut sum) = (self.ledger.rows, self.ledger.sum);
        for (key, value) in last {
            // This also brings the page into memory, so that damage shows before the batch begins.
            if let Some(old) = disk.get(&key)? {
                sum = sum.wrapping_sub(self.rows.print(&key, &old));
                let old = Row::read(&old).ok_or(NodeError::StoreDamaged("a row is not one"))?;
                for chunk in self.rows.chunks_of(&old) {
                    sum = sum.wrapping_sub(self.rows.print(&chunk, &[]));
                    batch.remove(chunk);
                    rows -= 1;
                }
                if value.is_none() {
                    batch.remove(&key[..]);
                }
                rows -= 1;
            }
            if let Some((name, value)) = value {
                let plain = row::with_place(name, &value.bytes);
                let sealed = self
                    .rows
                    .seal(&self.vault, &key, &plain, value.under.as_ref())
                    .ok_or_else(|| NodeError::Internal("a value has no key".into()))?;
                rows += sealed.len() as u64;
                for (key, row) in sealed {
                    sum = sum.wrapping_add(self.rows.print(&key, &row));
                    written.push((key.clone(), row.len()));
                    batch.insert(key, row);
                }
            }
        }
        let ledger = Ledger { commits: self.ledger.commits + 1, rows, sum, ..self.ledger };
        batch.insert(LEDGER, ledger.seal(&self.vault));
        Ok((batch, ledger, written))
    }

    /// Throws the handle away whose memory holds a batch that its disk does not.
    fn close_after(&mut self, fault: Fault) -> NodeError {
        let disk = self.disk.take().expect("only called while it is open");
        if !disk.discard() {
            return NodeError::StoreDamaged("a batch did not end");
        }
        if matches!(fault, Fault::Full) {
            // If this fails too, the next commit tries again.
            let _ = self.reopen();
        }
        fault.into()
    }

    /// A scan of a room whose places lie in no order on the disk: all are read, then sorted. They are few.
    fn scan_named(
        &self,
        disk: &Disk,
        room: Room,
        (low, high): (&[u8], Option<&[u8]>),
        (from, backwards, limit): (&[u8], bool, usize),
    ) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found = Vec::new();
        let walked = disk.walk(low, high, false, |key, row| {
            let sealed = self.open_row(disk, key, row);
            found.extend(sealed.and_then(|sealed| row::parted(room, key, sealed)));
            true
        });
        if walked.is_err() {
            self.damaged.store(true, Ordering::Relaxed);
        }
        if backwards {
            found.retain(|(place, _)| from.is_empty() || place.as_slice() < from);
            found.sort_by(|a, b| b.0.cmp(&a.0));
        } else {
            found.retain(|(place, _)| place.as_slice() >= from);
            found.sort_by(|a, b| a.0.cmp(&b.0));
        }
        found.truncate(limit);
        found
    }

    fn open_row(&self, disk: &Disk, key: &[u8], row: &[u8]) -> Option<Vec<u8>> {
        let chunk = |key: &[u8]| Some(disk.get(key).ok()??.to_vec());
        match self.rows.open(&self.vault, key, row, chunk) {
            Opened::Value(value) => Some(value),
            Opened::Gone => None,
            Opened::Damaged => {
                self.damaged.store(true, Ordering::Relaxed);
                None
            }
        }
    }
}

impl Store for Storage {
    /// Whether the store has come less far than its key file says: it was put back, or lost its end.
    fn is_behind(&self) -> bool {
        self.ledger.old
    }

    fn get(&self, key: &Key) -> Option<Vec<u8>> {
        let disk = self.disk.as_ref()?;
        let name = self.rows.key(key);
        let row = disk.get(&name).unwrap_or_else(|_| {
            self.damaged.store(true, Ordering::Relaxed);
            None
        });
        let sealed = self.open_row(disk, &name, &row?)?;
        row::parted(key.room, &name, sealed).map(|(_, value)| value)
    }

    fn scan(
        &self,
        room: Room,
        owner: &[u8; 32],
        from: &[u8],
        backwards: bool,
        limit: usize,
    ) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found = Vec::new();
        let Some(disk) = self.disk.as_ref().filter(|_| limit > 0) else {
            return found;
        };
        let prefix = self.rows.prefix(room, owner);
        let mut low = prefix.to_vec();
        let mut high = row::after(&prefix);
        if row::is_named(room) {
            return self.scan_named(disk, room, (&low, high.as_deref()), (from, backwards, limit));
        }
        if backwards && !from.is_empty() {
            high = Some([&prefix, from].concat());
        } else if !backwards {
            low.extend(from);
        }
        let walked = disk.walk(&low, high.as_deref(), backwards, |key, row| {
            if let Some(value) = self.open_row(disk, key, row) {
                found.push((key[row::PREFIX..].to_vec(), value));
            }
            found.len() < limit
        });
        if walked.is_err() {
            self.damaged.store(true, Ordering::Relaxed);
        }
        found
    }

    fn secrets(&self) -> Vec<(KeySlot, Secret)> {
        self.vault.secrets().collect()
    }
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storage")
            .field("vault", &self.vault)
            .field("ledger", &self.ledger)
            .finish_non_exhaustive()
    }
}

/// Begins a store; what an interrupted beginning left goes.
fn make(dir: &Path, vault: &Vault) -> Result<(Disk, Ledger), NodeError> {
    remove_tree(dir).and_then(|()| fs::create_dir(dir)).map_err(NodeError::disk)?;
    let disk = Disk::open(dir)?;
    let ledger = Ledger { commits: 1, rows: 1, sum: 0, old: false };
    let mut batch = sled::Batch::default();
    batch.insert(LEDGER, ledger.seal(vault));
    disk.apply(batch, &[])?;
    sync_folder_of(&dir.join("db"))?;
    sync_folder_of(dir)?;
    Ok((disk, ledger))
}

/// Opens a store, if need be from a copy without snapshots.
fn restore(dir: &Path, vault: &Vault) -> Result<(Disk, Ledger), NodeError> {
    let copy = dir.with_extension("repair");
    let damaged = dir.with_extension("damaged");
    if !Disk::exists(dir) {
        if !Disk::exists(&damaged) {
            return Err(NodeError::StoreDamaged("it is gone"));
        }
        // A repair was interrupted between its two renames.
        remove_tree(dir).and_then(|()| fs::rename(&damaged, dir)).map_err(NodeError::disk)?;
    }
    match open_whole(dir, vault) {
        Err(NodeError::StoreDamaged(_)) => {}
        outcome => return outcome,
    }
    let repaired = remove_tree(&copy)
        .and_then(|()| disk::copy_without_snapshots(dir, &copy))
        .map_err(NodeError::disk)
        .and_then(|()| open_whole(&copy, vault));
    // Without a snapshot sled also makes do with the log up to where it is damaged, and so may give
    // up nearly everything for one byte. Then the damaged one is the better one.
    let is_newest = |ledger: Ledger| vault.mark().is_some_and(|mark| mark <= ledger.commits);
    let repaired = repaired.and_then(|(_, ledger)| match is_newest(ledger) {
        true => Ok(()),
        false => Err(NodeError::StoreDamaged("its newest part")),
    });
    if repaired.is_err() {
        let _ = remove_tree(&copy);
        repaired?;
    }
    tracing::warn!("the store was repaired");
    remove_tree(&damaged)
        .and_then(|()| fs::rename(dir, &damaged))
        .and_then(|()| fs::rename(&copy, dir))
        .and_then(|()| remove_tree(&damaged))
        .map_err(NodeError::disk)?;
    open_whole(dir, vault)
}

/// Opens a store, and has it only if it holds what it says it holds.
///
/// This reads all of it, since sled skips what it cannot read in the middle of its log: one changed bit
/// took away a fifth of a store without an error, and the newest rows were there.
fn open_whole(dir: &Path, vault: &Vault) -> Result<(Disk, Ledger), NodeError> {
    let disk = Disk::open(dir)?;
    let row = disk.get(LEDGER)?;
    let row = row.ok_or(NodeError::StoreDamaged("it is empty"))?;
    let ledger = Ledger::open(vault, &row)?;
    let prints = Rows::of(vault);
    let (mut rows, mut sum) = (0, 0_u64);
    disk.walk(&[], None, false, |key, row| {
        rows += 1;
        if key != LEDGER {
            sum = sum.wrapping_add(prints.print(key, row));
        }
        true
    })?;
    if (rows, sum) == (ledger.rows, ledger.sum) {
        Ok((disk, ledger))
    } else {
        Err(NodeError::StoreDamaged("some of it is missing"))
    }
}

impl Ledger {
    fn seal(self, vault: &Vault) -> Vec<u8> {
        let numbers = [self.commits, self.rows, self.sum].map(u64::to_be_bytes);
        let plain = [numbers.as_flattened(), &[u8::from(self.old)]].concat();
        let mut nonce = [0; 24];
        random(&mut nonce);
        let sealed = crypto::seal(&vault.derive("ledger"), &nonce, &plain, &VERSION);
        [&VERSION[..], &nonce, &sealed].concat()
    }

    fn open(vault: &Vault, row: &[u8]) -> Result<Self, NodeError> {
        let (version, rest) = row.split_first_chunk().unwrap_or((&[0; 2], &[]));
        if *version > VERSION {
            return Err(NodeError::StoreNewer);
        }
        rest.split_first_chunk()
            .and_then(|(nonce, sealed)| {
                crypto::open(&vault.derive("ledger"), nonce, sealed, version)
            })
            .and_then(|plain| {
                let numbers: &[u8; 25] = plain.as_slice().try_into().ok()?;
                let number = |at: usize| {
                    u64::from_be_bytes(numbers[at..at + 8].try_into().expect("8 bytes"))
                };
                Some(Self {
                    commits: number(0),
                    rows: number(8),
                    sum: number(16),
                    old: numbers[24] != 0,
                })
            })
            .ok_or(NodeError::StoreDamaged("it belongs to another key file"))
    }
}

fn size_of_batch(writes: &[Write]) -> usize {
    let size = |write: &Write| match write {
        Write::Save(_, value) => value.bytes.len() + ROW_OVERHEAD,
        Write::Erase(_) => ROW_OVERHEAD,
    };
    writes.iter().map(size).sum()
}

fn remove_tree(path: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The key of the ledger's row; shorter than any other.
const LEDGER: &[u8] = b"ledger";
/// How rows are laid out; raised with each change, and older ones are then migrated. In clear in
/// the ledger's row, so that any later version can still say what it is.
const VERSION: [u8; 2] = 1_u16.to_be_bytes();
/// Key, tag, nonce and flags of a row.
const ROW_OVERHEAD: usize = 160;
