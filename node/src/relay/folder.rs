//! The one folder of a relay: how it is made, read and locked.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use hearthlight_protocol::boundary::{Env, Output, RelayAddress, Timestamp};
use hearthlight_protocol::crypto::KeyPair;
use hearthlight_protocol::identity::Peer;
use hearthlight_protocol::relay::{Relay, RelayConfig};
use libp2p::multiaddr::{Multiaddr, Protocol};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rustix::fs::{FlockOperation, Mode, flock};
use zeroize::Zeroizing;

use super::config::{self, CardSettings, Overrides, PORT, Settings, Shown};
use super::desk::{self, TokenOrder};
use super::error::RelayError;
use crate::address;
use crate::error::NodeError;
use crate::storage::{Storage, Write as Row};
use crate::vault::Vault;

/// A folder that is a relay's, or can become one.
#[derive(Clone, Debug)]
pub struct RelayDir {
    dir: PathBuf,
    config: PathBuf,
}

/// What an operator says at the making of a relay (U-80).
#[derive(Clone, Debug, Default)]
pub struct InitOptions {
    /// Only for this computer, at this port; 0: the usual one.
    pub local: Option<u16>,
    /// Multiaddrs to listen on; none: the usual ones.
    pub listen: Vec<String>,
    /// Multiaddrs under which members reach it.
    pub external: Vec<String>,
    /// Who runs it.
    pub operator: Option<String>,
    /// How to reach them.
    pub contact: Option<String>,
    /// Two letters.
    pub country: Option<String>,
}

/// A relay that was just made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Initiated {
    /// The folder.
    pub dir: PathBuf,
    /// The relay's key as a PeerId.
    pub key: String,
    /// Where its settings are.
    pub config: PathBuf,
    /// The address with the first token, to be shown once; with a gap and no token where
    /// `external` is empty.
    pub address: String,
    /// The first token; none where its address would have a gap.
    pub token_id: Option<String>,
    /// Addresses that members can dial.
    pub external: Vec<String>,
    /// Whether one of them is a name, which members' resolvers see.
    pub has_name: bool,
}

/// The right to be the relay of a folder; given back when dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Drop for Lock {
    /// Closing the file is not enough: a child that this process is just starting holds it too for a moment.
    fn drop(&mut self) {
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

/// The secret that the relay's lasting key grows from.
pub(super) type Seed = Zeroizing<[u8; 32]>;

const CONFIG: &str = "relay.toml";
const KEY: &str = "key";
const VAULT: &str = "keys";
const STORE: &str = "store";
const LOCK: &str = "lock";
/// Where a running relay is asked.
pub(super) const SOCKET: &str = "relay.sock";
/// Stands where the address of a relay has to be filled in.
const GAP: &str = "hl-relay:/ip4/ADDRESS/tcp/PORT/p2p/";

impl RelayDir {
    /// The relay in `dir`, whether there is one or not, with its settings in `config` if they are
    /// not there.
    #[must_use]
    pub fn at(dir: &Path, config: Option<&Path>) -> Self {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let dir = absolute(dir);
        let config = config.map_or_else(|| dir.join(CONFIG), absolute);
        Self { dir, config }
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether a relay was made here.
    #[must_use]
    pub fn is_set_up(&self) -> bool {
        self.dir.join(KEY).exists()
    }

    /// Makes folder, settings, key, store and first token. Settings that are there are kept.
    ///
    /// What fails leaves nothing behind.
    ///
    /// # Errors
    ///
    /// [`NodeError::AlreadySetUp`]; [`NodeError::Config`] if a value cannot be meant, or the folder
    /// holds other things; and what the disk says.
    pub fn init(&self, options: &InitOptions) -> Result<Initiated, NodeError> {
        if self.is_set_up() {
            return Err(NodeError::AlreadySetUp);
        }
        let given = read_text(&self.config)?;
        if given.is_some() && !options.is_empty() {
            let text = "relay.toml is there already; change it by hand, or give no options";
            return Err(NodeError::Config(text.to_owned()));
        }
        let text = match given {
            Some(text) => text,
            None => config::new_text(&options.settings()?),
        };
        let settings = Settings::read(&text, &Overrides::default())?;
        keep_to_this_person();
        let (new_dir, new_config) = (!self.dir.exists(), !self.config.exists());
        make_private(&self.dir)?;
        self.refuse_other_things()?;
        let made = self.fill(&text, &settings);
        if made.is_err() {
            self.clear(new_dir, new_config);
        }
        made
    }

    /// The settings, with what stands above the file.
    ///
    /// # Errors
    ///
    /// [`NodeError::NotSetUp`], or what is wrong with them.
    pub fn settings(&self, overrides: &Overrides) -> Result<Settings, NodeError> {
        Settings::read(&self.text()?, overrides)
    }

    /// Every setting with its value and origin (U-161). None is a secret: keys and tokens stand
    /// elsewhere.
    ///
    /// # Errors
    ///
    /// As [`Self::settings`].
    pub fn show_settings(&self, overrides: &Overrides) -> Result<Vec<Shown>, NodeError> {
        Settings::show(&self.text()?, overrides)
    }

    /// Replaces the card in the settings; a running relay shows it after it was reloaded.
    pub(super) fn write_card(&self, card: &CardSettings) -> Result<(), NodeError> {
        let text = config::with_card(&self.text()?, card)?;
        write_private(&self.config, text.as_bytes())
    }

    /// When the settings were last changed, and so the card made.
    pub(super) fn changed_at(&self) -> Timestamp {
        let changed = fs::metadata(&self.config).and_then(|found| found.modified());
        timestamp(changed.unwrap_or(UNIX_EPOCH))
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.dir.join(SOCKET)
    }

    pub(super) fn seed(&self) -> Result<Seed, NodeError> {
        let bytes = match fs::read(self.dir.join(KEY)) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(NodeError::NotSetUp),
            Err(error) => return Err(NodeError::disk(error)),
        };
        let seed = bytes.as_slice().try_into().map(Zeroizing::new);
        seed.map_err(|_| NodeError::StoreDamaged("the relay's key has another length"))
    }

    /// Whether only this person can read the folder.
    pub(super) fn check(&self) -> Result<(), NodeError> {
        if !self.is_set_up() {
            return Err(NodeError::NotSetUp);
        }
        let found = fs::metadata(&self.dir).map_err(NodeError::disk)?;
        match found.mode() & 0o077 {
            0 => Ok(()),
            _ => Err(NodeError::HomeOpen),
        }
    }

    /// Takes the right to be this folder's relay.
    pub(super) fn lock(&self) -> Result<Lock, NodeError> {
        keep_to_this_person();
        let path = self.dir.join(LOCK);
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(path).map_err(NodeError::disk)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Lock { file }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(NodeError::HomeBusy),
            Err(error) => Err(NodeError::disk(error.into())),
        }
    }

    /// Opens the store. Only for who holds the lock.
    pub(super) fn open(&self, _lock: &Lock) -> Result<Storage, NodeError> {
        let vault = Vault::open(&self.dir.join(VAULT), None)?;
        Storage::open(&self.dir.join(STORE), vault)
    }

    /// Does `verb` with the machine of a relay that does not run, and saves what comes of it.
    pub(super) fn offline<R>(
        &self,
        verb: impl FnOnce(&Settings, &mut Relay, &mut Env<'_>) -> (R, Vec<Output>),
    ) -> Result<R, RelayError> {
        self.check()?;
        let settings = self.settings(&Overrides::default())?;
        let lock = self.lock()?;
        let mut storage = self.open(&lock)?;
        let config = settings.relay_config(&*self.seed()?, self.changed_at().0);
        let result = with_machine(&mut storage, config, |relay, env| verb(&settings, relay, env))?;
        Ok(result)
    }

    fn text(&self) -> Result<String, NodeError> {
        read_text(&self.config)?.ok_or(NodeError::NotSetUp)
    }

    fn fill(&self, text: &str, settings: &Settings) -> Result<Initiated, NodeError> {
        let _lock = self.lock()?;
        if !self.config.exists() {
            write_private(&self.config, text.as_bytes())?;
        }
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut_slice()).map_err(internal)?;
        let vault = Vault::create(&self.dir.join(VAULT), None)?;
        let mut storage = Storage::open(&self.dir.join(STORE), vault)?;
        let external = settings.external();
        let addresses: Vec<Vec<u8>> = external.iter().map(Multiaddr::to_vec).collect();
        let peer = Peer(KeyPair::from_seed(&seed).public());
        let mut token = None;
        if !addresses.is_empty() {
            let order = TokenOrder::first();
            let config = settings.relay_config(&seed, now().0);
            let added = with_machine(&mut storage, config, |relay, env| {
                desk::add_token(relay, env, &order, &addresses)
            })?;
            token = Some(added.map_err(internal)?);
        }
        // Last, since with it the relay is set up.
        write_private(&self.dir.join(KEY), seed.as_slice())?;
        let gap = || format!("{GAP}{}", address::peer_text(&peer));
        Ok(Initiated {
            dir: self.dir.clone(),
            key: address::peer_text(&peer),
            config: self.config.clone(),
            address: token.as_ref().and_then(|t| t.address.clone()).unwrap_or_else(gap),
            token_id: token.map(|token| token.id),
            has_name: external.iter().any(has_name),
            external: external.iter().map(ToString::to_string).collect(),
        })
    }

    /// Nothing is put where other things are: it might be a home.
    fn refuse_other_things(&self) -> Result<(), NodeError> {
        for entry in fs::read_dir(&self.dir).map_err(NodeError::disk)? {
            let entry = entry.map_err(NodeError::disk)?;
            let ours = entry.path() == self.config || entry.file_name() == "lost+found";
            if !ours {
                let text = "the folder of a new relay holds other things";
                return Err(NodeError::Config(text.to_owned()));
            }
        }
        Ok(())
    }

    /// Takes back what [`Self::fill`] made in a folder that was empty.
    fn clear(&self, new_dir: bool, new_config: bool) {
        let reserve = Path::new(STORE).with_extension("reserve");
        for name in [KEY, VAULT, LOCK].map(Path::new).into_iter().chain([reserve.as_path()]) {
            let _ = fs::remove_file(self.dir.join(name));
        }
        let _ = fs::remove_dir_all(self.dir.join(STORE));
        if new_config {
            let _ = fs::remove_file(&self.config);
        }
        if new_dir {
            let _ = fs::remove_dir(&self.dir);
        }
    }
}

impl InitOptions {
    fn is_empty(&self) -> bool {
        self.local.is_none() && self.listen.is_empty() && self.external.is_empty() && {
            let texts = [&self.operator, &self.contact, &self.country];
            texts.iter().all(|text| text.is_none())
        }
    }

    fn settings(&self) -> Result<Settings, NodeError> {
        let mut settings = Settings::default();
        if let Some(port) = self.local {
            if !self.listen.is_empty() {
                let text = "--local says already where to listen";
                return Err(NodeError::Config(text.to_owned()));
            }
            let port = if port == 0 { PORT } else { port };
            settings.listen.tcp = vec![format!("/ip4/127.0.0.1/tcp/{port}")];
            // Several may be tried on one computer, and nobody watches them.
            settings.observe.listen = String::new();
        } else if !self.listen.is_empty() {
            settings.listen.tcp.clone_from(&self.listen);
        }
        settings.listen.external.clone_from(&self.external);
        let card = &mut settings.card;
        let texts = [
            (&self.operator, &mut card.operator),
            (&self.contact, &mut card.contact),
            (&self.country, &mut card.country),
        ];
        for (given, text) in texts {
            if let Some(given) = given {
                text.clone_from(given);
            }
        }
        Ok(settings)
    }
}

/// Restores a relay's machine, does `verb`, and saves what comes of it.
fn with_machine<R>(
    storage: &mut Storage,
    config: RelayConfig,
    verb: impl FnOnce(&mut Relay, &mut Env<'_>) -> (R, Vec<Output>),
) -> Result<R, NodeError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(internal)?;
    let mut rng = ChaCha20Rng::from_seed(seed);
    let (result, outputs) = {
        let (now, rng, store) = (now(), &mut rng, &*storage);
        let mut env = Env { now, rng, store };
        let damaged = |_| NodeError::StoreDamaged("a token or mailbox cannot be read");
        let mut relay = Relay::restore(&mut env, config).map_err(damaged)?;
        verb(&mut relay, &mut env)
    };
    let rows = outputs.into_iter().filter_map(|output| match output {
        Output::Save(key, value) => Some(Row::Save(key, value)),
        Output::Erase(key) => Some(Row::Erase(key)),
        _ => None,
    });
    let rows: Vec<Row> = rows.collect();
    if !rows.is_empty() {
        storage.commit(&[], &rows)?;
    }
    Ok(result)
}

/// The address of a relay as its operator hands it out, with or without a token.
pub(super) fn address_text(
    addresses: &[Vec<u8>],
    key: Peer,
    token: Option<[u8; 16]>,
) -> Option<String> {
    let relay = RelayAddress { addresses: addresses.to_vec(), key, token };
    let text = || match token {
        Some(_) => address::format(&relay),
        None => address::without_token(&relay),
    };
    (!addresses.is_empty()).then(text)
}

/// This computer's clock.
pub(super) fn now() -> Timestamp {
    timestamp(SystemTime::now())
}

fn timestamp(at: SystemTime) -> Timestamp {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn has_name(address: &Multiaddr) -> bool {
    let first = address.iter().next();
    matches!(first, Some(Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_)))
}

/// sled makes files of its own, and a socket appears before its mode can be set.
pub(super) fn keep_to_this_person() {
    rustix::process::umask(Mode::from_raw_mode(0o077));
}

fn make_private(dir: &Path) -> Result<(), NodeError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(NodeError::disk)?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(NodeError::disk)
}

fn read_text(path: &Path) -> Result<Option<String>, NodeError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            Err(NodeError::Config("relay.toml is not UTF-8 text".to_owned()))
        }
        Err(error) => Err(NodeError::disk(error)),
    }
}

/// Writes a whole file, or leaves the old one.
fn write_private(path: &Path, bytes: &[u8]) -> Result<(), NodeError> {
    let draft = path.with_extension("draft");
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true).truncate(true).mode(0o600);
    let written = options.open(&draft).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    });
    written.map_err(NodeError::disk)
}

pub(super) fn internal(error: impl std::fmt::Display) -> NodeError {
    NodeError::Internal(error.to_string())
}
