//! sled 0.34.7, used the safe way: open with repair, one batch, flush, sync.
//!
//! What was read in its source and measured, and what follows:
//!
//! - `Tree::apply_batch` is atomic for one tree: a manifest goes into the log before the batch and names
//!   its last entry, and recovery stops before a manifest whose end it cannot reach. Two trees would need
//!   a transaction, so there is one tree.
//! - On Linux `flush` calls `sync_file_range`, which does not empty the disk's cache: hence a `sync_data`
//!   of our own on the log.
//! - What is longer than 128 KiB goes into a file of its own that is never synced, and a page of 16 long
//!   values counts as one such thing. So no value here is longer than [`super::row::CHUNK`].
//! - After a write that fails, sled keeps the batch in memory, shows it to readers and refuses all
//!   further writes. So the handle is thrown away and the store is opened anew from the disk; there the
//!   batch is either whole or not at all.
//! - A batch that fails before it is sealed, without such an error, would be written by halves when the
//!   handle is dropped. Then the handle is leaked, and the store stays closed until the next start.
//! - Its cache looks at what to drop only when 64 accesses to one of its 256 shards have come together,
//!   until when all that was read stays in memory: hundreds of megabytes for a large store. Hence
//!   [`Disk::settle`].
//! - It cannot be opened on a full disk: hence [`Reserve`].
//! - A damaged file makes it fail, panic, or open with less than there was: hence the ladder of
//!   [`super::Storage::open`].
use std::{
    fs::{self, File},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use crate::error::NodeError;

/// An open sled, and a handle of our own on its log.
pub(super) struct Disk {
    db: sled::Db,
    log: File,
    unsettled: AtomicUsize,
}

/// Why sled did not do what it was asked.
#[derive(Debug)]
pub(super) enum Fault {
    /// No room.
    Full,
    /// It cannot make sense of its files.
    Damaged,
    /// The machine failed, or sled did.
    Broken(NodeError),
}

impl Disk {
    /// Opens what is in `dir`, or begins there.
    pub(super) fn open(dir: &Path) -> Result<Self, Fault> {
        forget_unfinished_snapshots(dir).map_err(Fault::of_disk)?;
        let config = sled::Config::default().path(dir).cache_capacity(CACHE).flush_every_ms(None);
        let give_up = Instant::now() + RELEASE;
        let db = loop {
            match catch_unwind(AssertUnwindSafe(|| config.open())) {
                // The home's lock keeps others out. It is our own handle of before: its last
                // thread is still letting go.
                Ok(Err(sled::Error::Io(error))) if is_lock(&error) && Instant::now() < give_up => {
                    std::thread::sleep(RELEASE / 1000);
                }
                outcome => break judged(outcome)?,
            }
        };
        let log = File::open(dir.join("db")).map_err(Fault::of_disk)?;
        Ok(Self { db, log, unsettled: AtomicUsize::new(0) })
    }

    /// Whether there is a log in `dir`.
    pub(super) fn exists(dir: &Path) -> bool {
        dir.join("db").exists()
    }

    /// The row at `key`.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, Fault> {
        guarded(|| {
            let row = self.db.get(key)?;
            self.settle(key, row.as_ref().map_or(0, |row| row.len() * ROWS_IN_PAGE))?;
            Ok(row)
        })
    }

    /// The rows from `from` to before `to`, or the other way round, until `each` has enough.
    pub(super) fn walk(
        &self,
        from: &[u8],
        to: Option<&[u8]>,
        backwards: bool,
        mut each: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), Fault> {
        guarded(|| {
            let mut rows = match to {
                Some(to) => self.db.range(from..to),
                None => self.db.range(from..),
            };
            while let Some(row) = if backwards { rows.next_back() } else { rows.next() } {
                let (key, value) = row?;
                self.settle(&key, value.len())?;
                if !each(&key, &value) {
                    break;
                }
            }
            Ok(())
        })
    }

    /// All of `batch` or nothing, on the disk when this returns. `written` are rows of it with their bytes.
    ///
    /// After an error this handle must be given to [`Self::discard`].
    pub(super) fn apply(
        &self,
        batch: sled::Batch,
        written: &[(Vec<u8>, usize)],
    ) -> Result<(), Fault> {
        guarded(|| self.db.apply_batch(batch))?;
        guarded(|| self.db.flush())?;
        // The kernel forgets a failed sync, so nothing is certain after one.
        self.log.sync_data().map_err(|error| Fault::Broken(NodeError::disk(error)))?;
        for (key, bytes) in written {
            // It is saved: what cannot be read is found by who reads it.
            let _ = guarded(|| self.settle(key, *bytes));
        }
        Ok(())
    }

    /// Has the cache keep to its size, after about `bytes` of pages came in near `key`.
    ///
    /// Reads `key` until the queue of its page's shard is full, which makes sled look. Done once for
    /// so many bytes, what is not looked at comes to 256 times as many: 4 MiB. (50,000 rows of 1 KB
    /// were 57 MB resident before, for 25 µs of reading each time.)
    fn settle(&self, key: &[u8], bytes: usize) -> sled::Result<()> {
        if self.unsettled.fetch_add(bytes, Ordering::Relaxed) + bytes > UNSETTLED {
            self.unsettled.store(0, Ordering::Relaxed);
            for _ in 0..QUEUE {
                self.db.get(key)?;
            }
        }
        Ok(())
    }

    /// Lets go of a handle whose batch failed, without writing; whether the store can be opened again.
    pub(super) fn discard(self) -> bool {
        let refuses_writes = self.db.context.global_error().is_err();
        if !refuses_writes {
            std::mem::forget(self.db);
        }
        refuses_writes
    }
}

impl Fault {
    pub(super) fn of_disk(error: std::io::Error) -> Self {
        use std::io::ErrorKind::{InvalidData, NotFound, UnexpectedEof};
        let lacks_something = matches!(error.kind(), InvalidData | NotFound | UnexpectedEof);
        match NodeError::disk(error) {
            NodeError::DiskFull => Self::Full,
            _ if lacks_something => Self::Damaged,
            other => Self::Broken(other),
        }
    }
}

impl From<Fault> for NodeError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Full => Self::DiskFull,
            Fault::Damaged => Self::StoreDamaged("what is in it does not fit together"),
            Fault::Broken(error) => error,
        }
    }
}

/// Calls sled, which panics over some damage.
fn guarded<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, Fault> {
    judged(catch_unwind(AssertUnwindSafe(call)))
}

fn judged<T>(outcome: std::thread::Result<sled::Result<T>>) -> Result<T, Fault> {
    match outcome {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(sled::Error::Io(error))) => Err(Fault::of_disk(error)),
        Ok(Err(_)) | Err(_) => Err(Fault::Damaged),
    }
}

/// sled says it in no other way.
fn is_lock(error: &std::io::Error) -> bool {
    error.to_string().starts_with("could not acquire lock")
}

/// sled takes a snapshot that it was still writing for a whole one, and fails.
fn forget_unfinished_snapshots(dir: &Path) -> std::io::Result<()> {
    for path in snapshots(dir)? {
        if path.as_os_str().as_encoded_bytes().ends_with(b".generating") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn snapshots(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let is_one = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"snap."))
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        found.extend(Some(entry?.path()).filter(is_one));
    }
    Ok(found)
}

/// Copies a store without its snapshots, from which sled then has to do without them.
pub(super) fn copy_without_snapshots(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file()
            && !entry.file_name().as_encoded_bytes().starts_with(b"snap.")
        {
            let copy = to.join(entry.file_name());
            fs::copy(entry.path(), &copy)?;
            File::open(copy)?.sync_all()?;
        }
    }
    Ok(())
}

/// Bytes that the files of `dir` take up.
#[cfg(test)]
pub(super) fn used_bytes(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = fs::read_dir(dir) else {
        return 0;
    };
    let used = |entry: fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => used_bytes(&entry.path()),
        Ok(found) => found.blocks() * 512,
        Err(_) => 0,
    };
    entries.flatten().map(used).sum()
}

/// Whether a batch of `bytes` fits beside [`MARGIN`].
pub(super) fn has_room(dir: &Path, bytes: usize) -> bool {
    free_bytes(dir) >= MARGIN + bytes as u64 * WRITTEN_FOR_EACH
}

fn free_bytes(dir: &Path) -> u64 {
    match statvfs(dir) {
        // Some network disks do not say how large they are.
        Ok(found) if found.f_blocks > 0 => found.f_bavail.saturating_mul(found.f_frsize),
        _ => u64::MAX,
    }
}

/// A file that keeps some room, so that a store can be opened on a full disk.
pub(super) struct Reserve<'a>(pub(super) &'a Path);

impl Reserve<'_> {
    /// Gives the room back if the disk is nearly full.
    pub(super) fn spend_if_needed(&self) {
        if free_bytes(folder_of(self.0)) < MARGIN * 2 {
            // Without it opening may fail, which then is reported.
            let _ = fs::remove_file(self.0);
        }
    }

    /// Keeps the room again, once there is plenty.
    pub(super) fn refill(&self) {
        if self.0.exists() || free_bytes(folder_of(self.0)) < RESERVE * 4 {
            return;
        }
        let kept = File::create(self.0).and_then(|file| {
            fallocate(&file, FallocateFlags::empty(), 0, RESERVE).map_err(Into::into)
        });
        if kept.is_err() {
            let _ = fs::remove_file(self.0);
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// The memory goal is 40 MB for a whole node; sled's default is 1 GB.
const CACHE: u64 = 4 << 20;
/// Accesses to a shard of the cache before sled looks at it; its `MAX_QUEUE_ITEMS`.
const QUEUE: usize = 64;
/// See [`Disk::settle`].
const UNSETTLED: usize = 16 << 10;
/// Rows that come into memory with one, about: sled splits a page at 17 and merges at 3.
const ROWS_IN_PAGE: usize = 12;
/// How long an old handle of this process may take to close; under 5 ms whenever it was measured.
const RELEASE: Duration = Duration::from_secs(2);
/// Free bytes below which nothing more is saved: two of sled's segments.
const MARGIN: u64 = 1 << 20;
/// A guess: sled writes 2 to 3 bytes for each, since it rewrites pages.
const WRITTEN_FOR_EACH: u64 = 4;
/// More than opening writes: a snapshot, and one segment.
const RESERVE: u64 = 4 << 20;
