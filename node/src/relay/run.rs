//! A relay that runs, and the verbs that work with and without one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hearthlight_protocol::boundary::{Env, Output, RelayCard};
use hearthlight_protocol::identity::Peer;
use hearthlight_protocol::relay::{Relay, RelayStatus};
use libp2p::Multiaddr;
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::config::{CardSettings, Overrides, Settings};
use super::desk::{self, Answer, Ask, Health, State, StatusReport, TokenOrder, TokenReport};
use super::error::RelayError;
use super::folder::{self, Lock, RelayDir, Seed, address_text, internal};
use super::{control, observe};
use crate::address;
use crate::driver::{self, RelayHandle};
use crate::error::NodeError;
use crate::network::{RelayLimits, RelaySetup};

/// A relay that runs.
#[derive(Debug)]
pub struct RelayNode {
    driven: driver::RelayNode,
    desk: Arc<Desk>,
    tasks: Vec<JoinHandle<()>>,
    ready: Ready,
    _lock: Lock,
}

/// Where a relay that has just started is (U-81).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Its address without token; `None` if nothing says yet where members reach it.
    pub address: Option<String>,
    /// Its key as a PeerId.
    pub key: String,
    /// Where it listens.
    pub addresses: Vec<String>,
    /// Where it is observed.
    pub observe: Option<String>,
}

/// Answers for a running relay.
#[derive(Debug)]
pub(super) struct Desk {
    folder: RelayDir,
    overrides: Overrides,
    seed: Seed,
    settings: Mutex<Settings>,
    handle: RelayHandle,
    listening: Vec<Multiaddr>,
    started: Instant,
    draining: AtomicBool,
}

/// How long the end may take (U-81).
const DRAIN: Duration = Duration::from_secs(10);
/// How long the loop may take for one turn before it is said to stand (U-164).
const TURN: Duration = Duration::from_secs(5);
/// With so much room on the disk, or this share of it, more can be taken (U-164).
const FREE_BYTES: u64 = 256 << 20;
const FREE_SHARE: u64 = 20;

impl RelayNode {
    /// Starts the relay of a folder. Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`NodeError::NotSetUp`]; [`NodeError::HomeBusy`] if it runs already;
    /// [`NodeError::PortInUse`]; what is wrong with its settings or store.
    pub async fn start(folder: &RelayDir, overrides: Overrides) -> Result<Self, NodeError> {
        folder.check()?;
        no_core_dumps();
        let settings = folder.settings(&overrides)?;
        let lock = folder.lock()?;
        let seed = folder.seed()?;
        tracing::info!("started");
        if settings.admission.mode == super::Mode::Public {
            tracing::warn!("everybody may open mailboxes here: admission.mode is public");
        }
        let (place, held) = (folder.clone(), lock);
        let opened = tokio::task::spawn_blocking(move || (place.open(&held), held));
        let (storage, lock) = opened.await.map_err(internal)?;
        let config = settings.relay_config(&seed, folder.changed_at().0);
        let setup = setup(&settings, &seed)?;
        let driven = driver::RelayNode::start(storage?, config, setup).await?;
        let desk = Arc::new(Desk {
            folder: folder.clone(),
            overrides,
            seed,
            handle: driven.handle(),
            listening: driven.listening().to_vec(),
            started: Instant::now(),
            draining: AtomicBool::new(false),
            settings: Mutex::new(settings),
        });
        match Self::attend(&desk).await {
            Ok((tasks, observe)) => {
                let ready = desk.ready(observe);
                tracing::info!(listening = ready.addresses.len(), "ready");
                Ok(Self { driven, desk, tasks, ready, _lock: lock })
            }
            Err(error) => {
                driven.shutdown().await;
                Err(error)
            }
        }
    }

    /// Where it is.
    #[must_use]
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Reads the settings again: limits and card take effect, addresses at the next start.
    ///
    /// # Errors
    ///
    /// What is wrong with them; then everything stays as it was.
    pub async fn reload(&self) -> Result<(), RelayError> {
        self.desk.reload().await
    }

    /// Ends it, at most 10 s from now.
    pub async fn shutdown(self) {
        self.desk.draining.store(true, Ordering::Relaxed);
        tracing::info!("draining");
        for task in &self.tasks {
            task.abort();
        }
        let _ = timeout(DRAIN, self.driven.shutdown()).await;
        let _ = std::fs::remove_file(self.desk.folder.socket());
        tracing::info!("stopped");
    }

    /// Runs until Ctrl-C or SIGTERM, reloading at SIGHUP, then ends it (U-81).
    ///
    /// # Errors
    ///
    /// If signals cannot be heard.
    pub async fn run(self) -> Result<(), NodeError> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut hang_up = signal(SignalKind::hangup()).map_err(internal)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(internal)?;
        loop {
            tokio::select! {
                _ = hang_up.recv() => {
                    if let Err(error) = self.reload().await {
                        tracing::error!(%error, "the settings stay as they were");
                    }
                }
                _ = terminate.recv() => break,
                _ = tokio::signal::ctrl_c() => break,
            }
        }
        self.shutdown().await;
        Ok(())
    }

    /// Opens what others ask by.
    async fn attend(desk: &Arc<Desk>) -> Result<(Vec<JoinHandle<()>>, Option<String>), NodeError> {
        let listener = control::listen(&desk.folder.socket())?;
        let mut tasks = vec![tokio::spawn(control::serve(listener, Arc::clone(desk)))];
        let place = desk.settings().observe.listen;
        let mut observed = None;
        if !place.is_empty() {
            let (address, task) = observe::start(&place, Arc::clone(desk)).await?;
            observed = Some(address);
            tasks.push(task);
        }
        Ok((tasks, observed))
    }
}

impl RelayDir {
    /// How the running relay stands.
    ///
    /// # Errors
    ///
    /// [`RelayError::NotRunning`].
    pub async fn status(&self) -> Result<StatusReport, RelayError> {
        match control::ask(&self.socket(), &Ask::Status).await? {
            Answer::Status(report) => Ok(report),
            _ => Err(confused()),
        }
    }

    /// Whether the running relay works; within 5 s.
    ///
    /// # Errors
    ///
    /// [`RelayError::NotRunning`].
    pub async fn health(&self) -> Result<Health, RelayError> {
        match timeout(TURN, control::ask(&self.socket(), &Ask::Health)).await {
            Ok(Ok(Answer::Health(health))) => Ok(health),
            Ok(Ok(_)) => Err(confused()),
            Ok(Err(error)) => Err(error),
            Err(_) => Ok(standing_still()),
        }
    }

    /// Makes a token, whether the relay runs or not.
    ///
    /// # Errors
    ///
    /// [`RelayError::NoAddress`]; [`RelayError::TooManyTokens`]; what the disk says.
    pub async fn add_token(&self, order: TokenOrder) -> Result<TokenReport, RelayError> {
        match self.ask_or(Ask::TokenAdd(order)).await? {
            Answer::Token(report) => Ok(report),
            _ => Err(confused()),
        }
    }

    /// All tokens, the oldest first, whether the relay runs or not.
    ///
    /// # Errors
    ///
    /// What the disk says.
    pub async fn tokens(&self) -> Result<Vec<TokenReport>, RelayError> {
        match self.ask_or(Ask::Tokens).await? {
            Answer::Tokens { tokens } => Ok(tokens),
            _ => Err(confused()),
        }
    }

    /// Takes a token back, whether the relay runs or not; `id` may be the start of its id.
    ///
    /// # Errors
    ///
    /// [`RelayError::NoToken`]; [`RelayError::SeveralTokens`]; what the disk says.
    pub async fn revoke_token(&self, id: &str) -> Result<TokenReport, RelayError> {
        let id = id.trim().to_lowercase();
        match self.ask_or(Ask::TokenRevoke { id }).await? {
            Answer::Token(report) => Ok(report),
            _ => Err(confused()),
        }
    }

    /// The card that members are shown.
    ///
    /// # Errors
    ///
    /// What is wrong with the settings.
    pub fn card(&self) -> Result<RelayCard, NodeError> {
        let settings = self.settings(&Overrides::default())?;
        Ok(settings.card(self.changed_at().0))
    }

    /// Replaces the card, and has a running relay show it at once.
    ///
    /// # Errors
    ///
    /// [`NodeError::NotSetUp`]; [`NodeError::Config`] where only a person can change the file.
    pub async fn set_card(&self, card: &CardSettings) -> Result<(), RelayError> {
        self.write_card(card)?;
        match control::ask(&self.socket(), &Ask::Reload).await {
            Ok(_) | Err(RelayError::NotRunning) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Asks the running relay; if there is none, does it here.
    async fn ask_or(&self, question: Ask) -> Result<Answer, RelayError> {
        if !self.is_set_up() {
            return Err(NodeError::NotSetUp.into());
        }
        match control::ask(&self.socket(), &question).await {
            Err(RelayError::NotRunning) => {}
            answered => return answered,
        }
        let place = self.clone();
        let done = tokio::task::spawn_blocking(move || place.answer_offline(question));
        done.await.map_err(internal)?
    }

    fn answer_offline(&self, question: Ask) -> Result<Answer, RelayError> {
        self.offline(|settings, relay, env| {
            let addresses = binary(&settings.external());
            work(question, relay, env, &addresses)
        })?
    }
}

impl Desk {
    /// Answers one question.
    pub(super) async fn answer(&self, question: Ask) -> Result<Answer, RelayError> {
        match question {
            Ask::Status => Ok(Answer::Status(self.status().await?)),
            Ask::Health => Ok(Answer::Health(self.health().await)),
            Ask::Reload => self.reload().await.map(|()| Answer::Done),
            question => {
                let said = match &question {
                    Ask::TokenAdd(_) => Some("token added"),
                    Ask::TokenRevoke { .. } => Some("token revoked"),
                    _ => None,
                };
                let addresses = binary(&self.external());
                let done = self
                    .handle
                    .with_relay(move |relay, env| work(question, relay, env, &addresses));
                let answer = done.await??;
                if let (Some(said), Answer::Token(token)) = (said, &answer) {
                    tracing::info!(id = token.id, "{said}");
                }
                Ok(answer)
            }
        }
    }

    /// The machine's counts.
    pub(super) async fn counts(&self) -> Result<RelayStatus, NodeError> {
        let counted = self.handle.with_relay(|relay, env| (relay.status(env.now), Vec::new()));
        counted.await
    }

    /// How it stands.
    pub(super) async fn status(&self) -> Result<StatusReport, NodeError> {
        let counts = self.counts().await?;
        let full = counts.limit_bytes.saturating_sub(counts.stored_bytes) < FULL_BYTES;
        Ok(StatusReport {
            state: match (self.is_draining(), full) {
                (true, _) => State::Draining,
                (false, true) => State::Full,
                (false, false) => State::Ready,
            },
            up_s: self.up().as_secs(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            key: address::peer_text(&self.peer()),
            addresses: self.external().iter().map(ToString::to_string).collect(),
            connections: self.handle.network().connections,
            circuits: self.handle.network().circuits,
            mailboxes: counts.mailboxes,
            envelopes: counts.envelopes,
            stored_bytes: counts.stored_bytes,
            limit_bytes: counts.limit_bytes,
            oldest_s: counts.oldest_s,
            tokens: counts.tokens,
            refused_hour: counts.refused_hour,
        })
    }

    /// Whether it works (U-164).
    pub(super) async fn health(&self) -> Health {
        if !matches!(timeout(TURN, self.counts()).await, Ok(Ok(_))) {
            return standing_still();
        }
        let (free, whole) = self.disk();
        let reason = match self.is_draining() {
            true => Some("draining"),
            false if free < FREE_BYTES && free < whole / FREE_SHARE => Some("disk"),
            false => None,
        };
        Health { ok: true, ready: reason.is_none(), reason: reason.map(str::to_owned) }
    }

    /// How long it has been running.
    pub(super) fn up(&self) -> Duration {
        self.started.elapsed()
    }

    /// Circuits that it carries.
    pub(super) fn circuits(&self) -> usize {
        self.handle.network().circuits
    }

    /// Connections that stand.
    pub(super) fn connections(&self) -> usize {
        self.handle.network().connections
    }

    /// Free bytes of the disk, and all.
    pub(super) fn disk(&self) -> (u64, u64) {
        match rustix::fs::statvfs(self.folder.dir()) {
            Ok(found) => {
                let all = found.f_blocks.saturating_mul(found.f_frsize);
                (found.f_bavail.saturating_mul(found.f_frsize), all)
            }
            Err(_) => (0, 0),
        }
    }

    async fn reload(&self) -> Result<(), RelayError> {
        let settings = self.folder.settings(&self.overrides)?;
        let config = settings.relay_config(&self.seed, self.folder.changed_at().0);
        self.handle.reconfigure(config).await?;
        let mut held = self.settings.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if held.listen.tcp != settings.listen.tcp || held.observe != settings.observe {
            tracing::warn!("other places to listen take effect at the next start");
        }
        *held = settings;
        tracing::info!("reloaded");
        Ok(())
    }

    fn ready(&self, observe: Option<String>) -> Ready {
        Ready {
            address: address_text(&binary(&self.external()), self.peer(), None),
            key: address::peer_text(&self.peer()),
            addresses: self.listening.iter().map(ToString::to_string).collect(),
            observe,
        }
    }

    /// Where members reach it: as its operator said, else where it listens, if that is one computer.
    fn external(&self) -> Vec<Multiaddr> {
        let settings = self.settings();
        let named = settings.external();
        let everywhere = settings.listen.tcp.iter().any(|text| is_everywhere(text));
        match named.is_empty() && !everywhere {
            true => self.listening.clone(),
            false => named,
        }
    }

    fn settings(&self) -> Settings {
        let held = self.settings.lock();
        held.unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    fn peer(&self) -> Peer {
        let pair = hearthlight_protocol::crypto::KeyPair::from_seed(&self.seed);
        Peer(pair.public())
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

/// With less room than for one envelope of the largest size a store is full.
const FULL_BYTES: u64 = 1 << 20;

/// What is asked of the machine itself.
fn work(
    question: Ask,
    relay: &mut Relay,
    env: &mut Env<'_>,
    addresses: &[Vec<u8>],
) -> (Result<Answer, RelayError>, Vec<Output>) {
    let (token, outputs) = match question {
        Ask::TokenAdd(order) => desk::add_token(relay, env, &order, addresses),
        Ask::TokenRevoke { id } => desk::revoke_token(relay, env.now, &id),
        Ask::Tokens => {
            let tokens = desk::tokens(relay, env.now);
            return (Ok(Answer::Tokens { tokens }), Vec::new());
        }
        Ask::Status | Ask::Health | Ask::Reload => {
            return (Err(RelayError::NotRunning), Vec::new());
        }
    };
    (token.map(Answer::Token), outputs)
}

/// The one place that knows how the driver and the network are set up for a relay.
fn setup(settings: &Settings, seed: &Seed) -> Result<RelaySetup, NodeError> {
    let parse = |texts: &[String]| texts.iter().filter_map(|text| text.parse().ok()).collect();
    let limits = &settings.limits;
    Ok(RelaySetup {
        key: Keypair::ed25519_from_bytes(**seed).map_err(internal)?,
        listen: parse(&settings.listen.tcp),
        external: settings.external(),
        limits: RelayLimits {
            connections: limits.connections,
            circuits: limits.circuits as usize,
            circuits_per_connection: limits.circuits_per_connection as usize,
            circuit_bytes: limits.circuit_bytes.0,
            circuit_time: Duration::from_secs(limits.circuit_time.0),
        },
    })
}

fn is_everywhere(text: &str) -> bool {
    let first = text.parse::<Multiaddr>().ok().and_then(|address| {
        address.iter().next().map(|part| match part {
            Protocol::Ip4(ip) => ip.is_unspecified(),
            Protocol::Ip6(ip) => ip.is_unspecified(),
            _ => false,
        })
    });
    first.unwrap_or(true)
}

fn binary(addresses: &[Multiaddr]) -> Vec<Vec<u8>> {
    addresses.iter().map(Multiaddr::to_vec).collect()
}

fn standing_still() -> Health {
    Health { ok: false, ready: false, reason: Some("stalled".to_owned()) }
}

fn confused() -> RelayError {
    RelayError::Node(folder::internal("the relay gave another answer"))
}

/// U-166: memory is written nowhere.
fn no_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, none);
}
