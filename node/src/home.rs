//! The one folder of one person on this computer (U-2, U-8).
//!
//! | name | what |
//! |---|---|
//! | `keys` | secrets; a folder with this file is a home that is set up |
//! | `store/` | everything else that is saved |
//! | `store.reserve` | room to open the store on a full disk |
//! | `config.toml` | what the person chose |
//! | `lock` | held by the process that is the node |
//! | `node.addr` | where that process listens |
//!
//! Nobody else can read it: the folder is 0700 and every file 0600. sled makes files of its own, so the
//! process's umask is set as soon as it touches a home.
mod socket;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests;

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use hearthlight_protocol::{
    boundary::{KeySlot, SlotKind, Timestamp},
    crypto::Secret,
};
use rustix::fs::{FlockOperation, Mode, flock};

use crate::{
    config::{Config, Country, Language, Name},
    error::NodeError,
    storage::Storage,
    vault::{Vault, random, sync_folder_of},
};

/// A folder that is a home, or can become one.
#[derive(Clone, Debug)]
pub struct Home {
    dir: PathBuf,
}

/// The right to be the node of a home; given back when dropped, or when the process ends in any way.
#[derive(Debug)]
pub struct HomeLock {
    file: File,
}

impl Drop for HomeLock {
    /// Closing the file is not enough: a child that this process is just starting holds it too for a moment.
    fn drop(&mut self) {
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

/// What a set-up came to (U-20).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// The folder.
    pub home: PathBuf,
    /// The suggested name.
    pub name: String,
    /// Whether a passphrase was chosen.
    pub passphrase: bool,
    /// The language of texts.
    pub language: String,
    /// The country whose help lines are shown.
    pub country: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

/// Where the root secret lies from which all pseudonyms grow.
pub(crate) const ROOT: KeySlot = KeySlot { kind: SlotKind::Root, owner: [0; 32], id: [0; 32] };

impl Home {
    /// The home in `dir`, whether there is one or not. A relative path counts from here and now.
    #[must_use]
    pub fn at(dir: &Path) -> Self {
        let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_path_buf());
        Self { dir }
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes the home: folder, keys with the root secret, store and configuration.
    ///
    /// What fails leaves nothing behind, and what is interrupted leaves nothing that looks set up. The
    /// folder may exist if it is empty.
    ///
    /// # Errors
    ///
    /// [`NodeError::AlreadySetUp`]; [`NodeError::Config`] if a value cannot be meant or the folder holds
    /// other things; [`NodeError::ReadOnly`]; [`NodeError::DiskFull`].
    pub fn set_up(
        &self,
        name: &str,
        language: Option<&str>,
        country: Option<&str>,
        passphrase: Option<&str>,
    ) -> Result<Setup, NodeError> {
        let wrong = |what: &'static str| NodeError::Config(what.into());
        if passphrase.is_some_and(str::is_empty) {
            return Err(wrong("a passphrase has at least one character"));
        }
        let name = Name::try_from(name.to_owned()).map_err(wrong)?;
        let language = language.unwrap_or(LANGUAGE).to_owned();
        let language = Language::try_from(language).map_err(wrong)?;
        let country = country.map(str::to_owned).map(Country::try_from);
        let country = country.transpose().map_err(wrong)?;
        let config = Config {
            name: Some(name.clone()),
            language: Some(language.clone()),
            country: country.clone(),
            ..Config::default()
        };
        keep_to_this_person();
        if self.dir.exists() {
            self.set_up_inside(&config, passphrase)?;
        } else {
            self.set_up_beside(&config, passphrase)?;
        }
        Ok(Setup {
            home: self.dir.clone(),
            name: name.into(),
            passphrase: passphrase.is_some(),
            language: language.into(),
            country: country.map(Into::into),
            created_at: now(),
        })
    }

    /// Whether a home was set up here.
    #[must_use]
    pub fn is_set_up(&self) -> bool {
        self.keys().exists()
    }

    /// Whether a passphrase is needed to open it.
    ///
    /// # Errors
    ///
    /// [`NodeError::NotSetUp`], or that the key file cannot be read.
    pub fn has_passphrase(&self) -> Result<bool, NodeError> {
        Vault::has_passphrase(&self.keys())
    }

    /// Whether this home can be used: set up, closed to others, not from a newer version.
    ///
    /// # Errors
    ///
    /// What stands in the way. The versions of what is sealed show only when it is opened.
    pub fn check(&self) -> Result<(), NodeError> {
        if !self.is_set_up() {
            return Err(NodeError::NotSetUp);
        }
        let found = fs::metadata(&self.dir).map_err(NodeError::disk)?;
        if found.mode() & 0o077 != 0 || !is_ours(&found) {
            return Err(NodeError::HomeOpen);
        }
        self.has_passphrase().map(drop)
    }

    /// Takes the right to be this home's node.
    ///
    /// # Errors
    ///
    /// [`NodeError::HomeBusy`] while another process, or another lock of this one, has it.
    pub fn lock(&self) -> Result<HomeLock, NodeError> {
        keep_to_this_person();
        // A folder that has neither may be anything: no file is put there.
        if !self.is_set_up() && !self.dir.join(LOCK).exists() {
            return Err(NodeError::NotSetUp);
        }
        self.take_lock()
    }

    /// Opens keys and store.
    ///
    /// # Errors
    ///
    /// As [`Self::check`]; [`NodeError::NeedsPassphrase`]; [`NodeError::WrongPassphrase`]; and as
    /// [`Storage::open`].
    pub(crate) fn open(
        &self,
        _lock: &HomeLock,
        passphrase: Option<&str>,
    ) -> Result<Storage, NodeError> {
        self.check()?;
        let vault = Vault::open(&self.keys(), passphrase)?;
        Storage::open(&self.dir.join(STORE), vault)
    }

    /// What the person chose; as usual where there is no `config.toml`.
    ///
    /// # Errors
    ///
    /// [`NodeError::Config`] if it says something that cannot be meant.
    pub fn config(&self) -> Result<Config, NodeError> {
        match fs::read_to_string(self.dir.join(CONFIG)) {
            Ok(text) => Config::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Config::default()),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                Err(NodeError::Config("config.toml is not UTF-8 text".into()))
            }
            Err(error) => Err(NodeError::disk(error)),
        }
    }

    /// Changes what the person chose; answers with what holds then.
    ///
    /// # Errors
    ///
    /// As `change`, [`Self::config`], and what keeps the file from being written.
    pub fn change_config(
        &self,
        change: impl FnOnce(&Config) -> Result<Config, NodeError>,
    ) -> Result<Config, NodeError> {
        // What is read is what is changed.
        let _turn = CONFIG_TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let config = change(&self.config()?)?;
        write_private(&self.dir.join(CONFIG), config.to_text().as_bytes())?;
        Ok(config)
    }

    /// Destroys the keys, and then removes everything that is in the folder.
    ///
    /// Works with a damaged store, and ends what an earlier wipe began. The caller holds the lock, or
    /// knows that nobody does; it ends the process that uses this home.
    ///
    /// # Errors
    ///
    /// [`NodeError::NotSetUp`] if there is no home; otherwise the first thing that could not be removed,
    /// after everything else was.
    pub fn wipe(&self) -> Result<(), NodeError> {
        let set_up = self.is_set_up();
        if !set_up && !self.dir.join(LOCK).exists() {
            return Err(NodeError::NotSetUp);
        }
        let shredded = Vault::shred(&self.keys());
        // Nobody may find the way to a node that is gone.
        let _ = fs::remove_file(self.socket_path());
        let mut removed = Ok(());
        for entry in fs::read_dir(&self.dir).map_err(NodeError::disk)?.flatten() {
            let name = entry.file_name();
            // Without keys only what is certainly ours goes. The lock goes last: it says that the
            // wipe is not done.
            let ours = set_up || OURS.iter().any(|ours| name == *ours);
            if ours && name != LOCK {
                removed = removed.and(remove(&entry.path()));
            }
        }
        shredded?;
        removed.map_err(NodeError::disk)?;
        remove(&self.dir.join(LOCK)).map_err(NodeError::disk)?;
        // The folder may be a mount, or hold what is not ours.
        let _ = fs::remove_dir(&self.dir);
        Ok(())
    }

    /// Builds the home in a new folder, and gives that folder its name when it is whole.
    fn set_up_beside(&self, config: &Config, passphrase: Option<&str>) -> Result<(), NodeError> {
        let parent = self.dir.parent().ok_or(NodeError::ReadOnly)?;
        DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(NodeError::disk)?;
        let mut chance = [0; 8];
        random(&mut chance);
        let draft = parent.join(format!(".hearthlight-{:016x}", u64::from_be_bytes(chance)));
        make_private_dir(&draft)?;
        let built = build(&draft, config, passphrase).and_then(|()| {
            // Another set-up that was faster has filled the folder, and then this fails.
            fs::rename(&draft, &self.dir).map_err(|error| match self.is_set_up() {
                true => NodeError::AlreadySetUp,
                false => NodeError::disk(error),
            })
        });
        if built.is_err() {
            let _ = fs::remove_dir_all(&draft);
        }
        built.and_then(|()| sync_folder_of(&self.dir))
    }

    /// Builds the home in a folder that exists, such as a mount, whose name cannot be given to another.
    fn set_up_inside(&self, config: &Config, passphrase: Option<&str>) -> Result<(), NodeError> {
        if self.is_set_up() {
            return Err(NodeError::AlreadySetUp);
        }
        // A set-up that was interrupted has keys that are not named yet.
        if self.dir.join(STORE).exists() && !self.dir.join(NEW_KEYS).exists() {
            let what = "the home folder holds a store without its `keys`: put that file back, or remove \
                        what is left with `hearthlight wipe`";
            return Err(NodeError::Config(what.into()));
        }
        let left_over = |name: &std::ffi::OsStr| OURS.iter().any(|ours| name == *ours);
        for entry in fs::read_dir(&self.dir).map_err(NodeError::disk)? {
            if !left_over(&entry.map_err(NodeError::disk)?.file_name()) {
                return Err(NodeError::Config("the home folder holds other things".into()));
            }
        }
        let _lock = self.take_lock()?;
        if self.is_set_up() {
            return Err(NodeError::AlreadySetUp);
        }
        self.remove_left_overs();
        let built = fs::set_permissions(&self.dir, fs::Permissions::from_mode(0o700))
            .map_err(NodeError::disk)
            .and_then(|()| build(&self.dir, config, passphrase));
        if built.is_err() {
            self.remove_left_overs();
            let _ = fs::remove_file(self.dir.join(LOCK));
        }
        built
    }

    fn remove_left_overs(&self) {
        for name in OURS.iter().filter(|name| **name != LOCK) {
            let _ = remove(&self.dir.join(name));
        }
    }

    fn take_lock(&self) -> Result<HomeLock, NodeError> {
        let path = self.dir.join(LOCK);
        loop {
            let file = private_file(&path).map_err(NodeError::disk)?;
            flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(
                |error| match error {
                    rustix::io::Errno::WOULDBLOCK => NodeError::HomeBusy,
                    other => NodeError::disk(other.into()),
                },
            )?;
            // A wipe removes the file while it holds it; a lock on that one would guard nothing.
            let held = file.metadata().map_err(NodeError::disk)?;
            if fs::metadata(&path).is_ok_and(|found| found.ino() == held.ino()) {
                return Ok(HomeLock { file });
            }
        }
    }

    fn keys(&self) -> PathBuf {
        self.dir.join(KEYS)
    }
}

/// Fills an empty folder. The key file gets its name last, and with it the home is set up.
fn build(dir: &Path, config: &Config, passphrase: Option<&str>) -> Result<(), NodeError> {
    write_private(&dir.join(CONFIG), config.to_text().as_bytes())?;
    let unnamed = dir.join(NEW_KEYS);
    let vault = Vault::create(&unnamed, passphrase)?;
    let mut storage = Storage::open(&dir.join(STORE), vault)?;
    let mut root = zeroize::Zeroizing::new([0; 32]);
    random(&mut *root);
    storage.commit(&[(ROOT, Secret::new(root.to_vec()))], &[])?;
    fs::rename(&unnamed, dir.join(KEYS)).map_err(NodeError::disk)?;
    sync_folder_of(&dir.join(KEYS))
}

/// Everything that this process makes is for this person alone, whatever the umask was.
fn keep_to_this_person() {
    rustix::process::umask(Mode::from_raw_mode(0o077));
}

fn is_ours(found: &fs::Metadata) -> bool {
    found.uid() == rustix::process::geteuid().as_raw()
}

fn make_private_dir(path: &Path) -> Result<(), NodeError> {
    DirBuilder::new().mode(0o700).create(path).map_err(NodeError::disk)
}

fn private_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Writes a file that others cannot read, whole or not at all.
fn write_private(path: &Path, bytes: &[u8]) -> Result<(), NodeError> {
    let draft = path.with_extension("draft");
    let _ = fs::remove_file(&draft);
    private_file(&draft)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&draft, path))
        .map_err(|error| {
            let _ = fs::remove_file(&draft);
            NodeError::disk(error)
        })
}

fn remove(path: &Path) -> std::io::Result<()> {
    let is_dir = fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    match if is_dir { fs::remove_dir_all(path) } else { fs::remove_file(path) } {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

static CONFIG_TURN: Mutex<()> = Mutex::new(());
const KEYS: &str = "keys";
/// The key file before the home is set up.
const NEW_KEYS: &str = "keys.new";
const STORE: &str = "store";
const CONFIG: &str = "config.toml";
const LOCK: &str = "lock";
const ADDR: &str = "node.addr";
const SOCKET: &str = "node.sock";
/// Every name that is ever used in a home.
const OURS: [&str; 13] = [
    KEYS,
    NEW_KEYS,
    "keys.draft",
    STORE,
    "store.reserve",
    "store.repair",
    "store.damaged",
    CONFIG,
    "config.draft",
    LOCK,
    ADDR,
    "node.draft",
    SOCKET,
];
/// The language where nothing was chosen.
const LANGUAGE: &str = "en";
