//! The driver: waits for one thing, hands what came to the machine, carries out one batch.
//!
//! The machine runs on a thread of its own, because handling and flushing block. The order in which a
//! batch is carried out is R-81; nothing here decides anything of the protocol.

mod handles;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, SystemTime},
};

use hearthlight_protocol::{
    boundary::{
        Answer, Command, Env, Event, Input, KeySlot, Output, SET_BACK_MS, Store, Ticket, Timestamp,
    },
    crypto::Secret,
    error::{CommandError, RestoreError},
    member::Member,
    relay::{Relay, RelayConfig},
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tokio::{
    runtime::{Builder, Runtime},
    sync::{broadcast, mpsc, oneshot},
};

pub use self::handles::{Events, Failure, Handle, Node};
pub(crate) use self::handles::{RelayHandle, RelayNode};
use crate::{
    error::NodeError,
    network::{Inbox, Network, bytes, inbox},
    storage::{Storage, Write},
};

/// One machine with its store and its network.
struct Driver<M: Machine, D> {
    machine: M,
    config: M::Config,
    storage: D,
    network: Network,
    inbox: Inbox,
    asks: mpsc::Receiver<Ask<M>>,
    waiting: HashMap<Ticket, Reply>,
    last_ticket: u64,
    events: broadcast::Sender<Event>,
    rng: ChaCha20Rng,
    /// Secrets whose destruction failed; tried again with the next batch.
    doomed: Vec<KeySlot>,
    timer: Runtime,
    clock: Clock,
    /// What the clock showed last.
    last: Timestamp,
}

/// Shows the time.
type Clock = Box<dyn Fn() -> Timestamp + Send>;

impl<M: Machine, D: Disk> Driver<M, D> {
    fn start(
        config: M::Config,
        storage: D,
        network: Network,
        inbox: Inbox,
        clock: Clock,
    ) -> Result<Started<M>, NodeError> {
        let internal = |e: &dyn std::fmt::Display| NodeError::Internal(e.to_string());
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|e| internal(&e))?;
        let mut rng = ChaCha20Rng::from_seed(seed);
        let last = clock();
        let mut env = Env { now: last, rng: &mut rng, store: &storage };
        let machine = M::restore(&mut env, config.clone()).map_err(unrestored)?;
        let (asks, asked) = mpsc::channel(ASKS);
        let (events, _) = broadcast::channel(EVENTS);
        let (end, ended) = oneshot::channel();
        let driver = Self {
            machine,
            config,
            storage,
            network,
            inbox,
            asks: asked,
            waiting: HashMap::new(),
            last_ticket: 0,
            events: events.clone(),
            rng,
            doomed: Vec::new(),
            timer: Builder::new_current_thread().enable_time().build().map_err(|e| internal(&e))?,
            clock,
            last,
        };
        let run = move || {
            driver.run();
            drop(end);
        };
        thread::Builder::new().name("machine".to_owned()).spawn(run).map_err(|e| internal(&e))?;
        Ok(Started { asks, events, ended })
    }

    /// Runs to the end: first with no input, as a restored machine wants it.
    fn run(mut self) {
        let (mut inputs, mut next) = (Vec::new(), None);
        loop {
            if let Err(error) = self.turn(std::mem::take(&mut inputs), next) {
                tracing::error!(kind = error.kind(), "the machine cannot be restored");
                break;
            }
            next = match self.gather(&mut inputs) {
                Some(Ask::End) => {
                    let _ = self.turn(inputs, None);
                    break;
                }
                next => next,
            };
        }
        self.timer.block_on(self.network.shutdown());
    }

    /// Hands inputs over and carries out what comes of it; then the same with a verb.
    fn turn(&mut self, mut inputs: Vec<Input>, verb: Option<Ask<M>>) -> Result<(), NodeError> {
        let now = (self.clock)();
        if now.plus(SET_BACK_MS) < self.last {
            tracing::warn!("the clock was set back");
            // What came over a connection is no more than the connection.
            inputs.retain(|input| matches!(input, Input::Command { .. }));
            self.restore()?;
        }
        self.last = now;
        let (rng, store) = (&mut self.rng, &self.storage);
        let outputs = self.machine.handle(&mut Env { now, rng, store }, inputs);
        self.carry_out(outputs, None)?;
        let Some(Ask::Verb(verb)) = verb else {
            return Ok(());
        };
        let (rng, store) = (&mut self.rng, &self.storage);
        let (outputs, done) = verb(&mut self.machine, &mut Env { now, rng, store });
        self.carry_out(outputs, Some(done))
    }

    /// Waits for one thing, then takes all that is there, up to its bounds. A verb or the end comes
    /// after what was taken before it.
    fn gather(&mut self, inputs: &mut Vec<Input>) -> Option<Ask<M>> {
        let wake = self.machine.next_wake();
        let until = wake.map_or(LOOK, |wake| Duration::from_millis(wake.since((self.clock)())));
        let (asks, inbox) = (&mut self.asks, &mut self.inbox);
        let mut next = self.timer.block_on(async {
            tokio::select! {
                biased;
                ask = asks.recv() => Some(Err(ask.unwrap_or(Ask::End))),
                Some(input) = inbox.recv() => Some(Ok(input)),
                () = tokio::time::sleep(until.clamp(PAUSE, LOOK)) => None,
            }
        });
        let mut weight = 0;
        while let Some(something) = next {
            match something {
                Ok(input) => {
                    weight += bytes(&input) as usize;
                    inputs.push(input);
                }
                Err(Ask::Command(command, reply)) => {
                    if let Some(ticket) = self.ticket(reply) {
                        inputs.push(Input::Command { ticket, command });
                    }
                }
                Err(other) => return Some(other),
            }
            if inputs.len() >= BATCH || weight >= BATCH_BYTES {
                break;
            }
            next = self.asks.try_recv().ok().map(Err).or_else(|| self.inbox.take().map(Ok));
        }
        None
    }

    /// A name for one who waits for an answer, unless too many do.
    fn ticket(&mut self, reply: Reply) -> Option<Ticket> {
        if self.waiting.len() >= WAITING {
            self.waiting.retain(|_, reply| !reply.is_closed());
        }
        if self.waiting.len() >= WAITING {
            let _ = reply.send(Err(Failure::Refused(CommandError::Quota)));
            return None;
        }
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        self.waiting.insert(ticket, reply);
        Some(ticket)
    }

    /// Carries out one batch in the order of R-81. An error means that there is no machine any more.
    fn carry_out(&mut self, outputs: Vec<Output>, done: Option<Done>) -> Result<(), NodeError> {
        let (mut keys, mut writes, mut sends) = (Vec::new(), Vec::new(), Vec::new());
        let (mut answers, mut notices) = (Vec::new(), Vec::new());
        let mut doomed = std::mem::take(&mut self.doomed);
        let mut renewed = false;
        for output in outputs {
            match output {
                Output::MakeKey(slot, secret) => keys.push((slot, secret)),
                Output::Save(key, value) => writes.push(Write::Save(key, value)),
                Output::Erase(key) => writes.push(Write::Erase(key)),
                Output::Answer { ticket, answer } => answers.push((ticket, answer)),
                Output::Notify(event) => notices.push(event),
                Output::DestroyKey(slot) => doomed.push(slot),
                Output::Renewed => renewed = true,
                send => sends.push(send),
            }
        }
        if !(keys.is_empty() && writes.is_empty())
            && let Err(error) = self.storage.commit(&keys, &writes)
        {
            return self.start_over(&error, done);
        }
        if renewed && let Err(error) = self.storage.count_as_newest() {
            return self.start_over(&error, done);
        }
        for send in sends {
            self.network.carry_out(send);
        }
        for (ticket, answer) in answers {
            if let Some(reply) = self.waiting.remove(&ticket) {
                let _ = reply.send(answer.map_err(Failure::Refused));
            }
        }
        if let Some(done) = done {
            done(None);
        }
        for event in notices {
            let _ = self.events.send(event);
        }
        if !doomed.is_empty() && self.storage.destroy(&doomed).is_err() {
            tracing::error!(count = doomed.len(), "keys could not be destroyed yet");
            self.doomed = doomed;
        }
        Ok(())
    }

    /// The batch could not be saved: it is dropped whole, and the machine goes on from the store.
    fn start_over(&mut self, error: &NodeError, done: Option<Done>) -> Result<(), NodeError> {
        tracing::error!(kind = error.kind(), "a batch could not be saved");
        for (_, reply) in self.waiting.drain() {
            let _ = reply.send(Err(Failure::Node(again(error))));
        }
        if let Some(done) = done {
            done(Some(again(error)));
        }
        thread::sleep(RESTORE_PAUSE);
        // A store that is closed shows nothing, and a machine restored from that would be a new one.
        self.storage.reopen()?;
        self.restore()
    }

    /// Goes on from the store, with new connections.
    fn restore(&mut self) -> Result<(), NodeError> {
        let (inputs, inbox) = inbox();
        self.inbox = inbox;
        self.network.restart(inputs);
        let mut env = Env { now: (self.clock)(), rng: &mut self.rng, store: &self.storage };
        self.machine = M::restore(&mut env, self.config.clone()).map_err(unrestored)?;
        Ok(())
    }
}

/// A machine of the protocol: [`Member`] or [`Relay`].
trait Machine: Sized + Send + 'static {
    type Config: Clone + Send + 'static;
    fn restore(env: &mut Env<'_>, config: Self::Config) -> Result<Self, RestoreError>;
    fn handle(&mut self, env: &mut Env<'_>, inputs: Vec<Input>) -> Vec<Output>;
    fn next_wake(&self) -> Option<Timestamp>;
}

impl Machine for Member {
    type Config = ();
    fn restore(env: &mut Env<'_>, (): ()) -> Result<Self, RestoreError> {
        Self::restore(env)
    }
    fn handle(&mut self, env: &mut Env<'_>, inputs: Vec<Input>) -> Vec<Output> {
        self.handle(env, inputs)
    }
    fn next_wake(&self) -> Option<Timestamp> {
        self.next_wake()
    }
}

impl Machine for Relay {
    type Config = CurrentConfig;
    fn restore(env: &mut Env<'_>, config: CurrentConfig) -> Result<Self, RestoreError> {
        Self::restore(env, config.read())
    }
    fn handle(&mut self, env: &mut Env<'_>, inputs: Vec<Input>) -> Vec<Output> {
        self.handle(env, inputs)
    }
    fn next_wake(&self) -> Option<Timestamp> {
        self.next_wake()
    }
}

/// A store that can be written: [`Storage`], or a test's.
trait Disk: Store + Send + 'static {
    fn commit(&mut self, keys: &[(KeySlot, Secret)], writes: &[Write]) -> Result<(), NodeError>;
    fn destroy(&mut self, slots: &[KeySlot]) -> Result<(), NodeError>;
    fn count_as_newest(&mut self) -> Result<(), NodeError>;
    fn reopen(&mut self) -> Result<(), NodeError>;
}

impl Disk for Storage {
    fn commit(&mut self, keys: &[(KeySlot, Secret)], writes: &[Write]) -> Result<(), NodeError> {
        self.commit(keys, writes)
    }
    fn destroy(&mut self, slots: &[KeySlot]) -> Result<(), NodeError> {
        self.destroy(slots)
    }
    fn count_as_newest(&mut self) -> Result<(), NodeError> {
        self.count_as_newest()
    }
    fn reopen(&mut self) -> Result<(), NodeError> {
        self.reopen()
    }
}

/// What a relay is set to now: kept, so that a machine that starts over has what was reloaded.
#[derive(Clone)]
struct CurrentConfig(Arc<Mutex<RelayConfig>>);

impl std::fmt::Debug for CurrentConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CurrentConfig")
    }
}

impl CurrentConfig {
    fn of(config: RelayConfig) -> Self {
        Self(Arc::new(Mutex::new(config)))
    }
    fn read(&self) -> RelayConfig {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    fn replace(&self, config: RelayConfig) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = config;
    }
}

type Reply = oneshot::Sender<Result<Answer, Failure>>;
type Done = Box<dyn FnOnce(Option<NodeError>) + Send>;
type Verb<M> = Box<dyn FnOnce(&mut M, &mut Env<'_>) -> (Vec<Output>, Done) + Send>;

/// What is asked of the driver.
enum Ask<M> {
    Command(Command, Reply),
    Verb(Verb<M>),
    End,
}

/// The outer ends of a driver that runs.
struct Started<M> {
    asks: mpsc::Sender<Ask<M>>,
    events: broadcast::Sender<Event>,
    ended: oneshot::Receiver<()>,
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn stopped() -> NodeError {
    NodeError::Internal("the node has stopped".to_owned())
}

fn unrestored(error: RestoreError) -> NodeError {
    match error {
        RestoreError::NotSetUp => NodeError::NotSetUp,
        RestoreError::Newer => NodeError::StoreNewer,
        _ => NodeError::StoreDamaged("a record cannot be read"),
    }
}

/// The same error for one more who waits.
fn again(error: &NodeError) -> NodeError {
    match error {
        NodeError::DiskFull => NodeError::DiskFull,
        NodeError::ReadOnly => NodeError::ReadOnly,
        NodeError::StoreDamaged(what) => NodeError::StoreDamaged(what),
        other => NodeError::Internal(other.to_string()),
    }
}

/// Commands and verbs that may wait; who asks then waits as well.
const ASKS: usize = 256;
/// Commands that may be without an answer.
const WAITING: usize = 4096;
/// Notices that may wait for a slow reader.
const EVENTS: usize = 4096;
/// Inputs that go into one batch, and their bytes.
const BATCH: usize = 512;
const BATCH_BYTES: usize = 4 << 20;
/// The clock of this computer may be set, or have slept: it is looked at this often at least. A
/// machine that wants to be woken at once waits so long at least.
const LOOK: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(1);
/// A disk that has failed is given this long.
const RESTORE_PAUSE: Duration = Duration::from_secs(1);
