//! What others hold of a running node or relay: a way to ask it, and to end it.

use hearthlight_protocol::{
    boundary::{Answer, Command, Env, Event, Output},
    error::CommandError,
    member::Member,
    relay::{Relay, RelayConfig},
};
use libp2p::Multiaddr;
use tokio::sync::{broadcast, mpsc, oneshot};

use super::{Ask, CurrentConfig, Done, Driver, Verb, now, stopped};
use crate::{
    error::NodeError,
    network::{Gauge, Network, NetworkState, RelaySetup, inbox},
    storage::Storage,
};

/// A running node of one person.
#[derive(Debug)]
pub struct Node {
    handle: Handle,
    ended: oneshot::Receiver<()>,
}

/// Asks a running node; cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    asks: mpsc::Sender<Ask<Member>>,
    events: broadcast::Sender<Event>,
    gauge: Gauge,
}

/// What happens in a node, from the moment of the call on; a reader that falls behind is told so.
pub type Events = broadcast::Receiver<Event>;

/// Why a command has no answer.
#[derive(Debug)]
pub enum Failure {
    /// The machine refused it.
    Refused(CommandError),
    /// The node could not carry it out: disk full, or ending.
    Node(NodeError),
}

impl Node {
    /// Starts the machine over an open store; without `network` nothing is dialed.
    ///
    /// Must be called within a tokio runtime, which has to live as long as the node.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn start(storage: Storage, network: bool) -> Result<Self, NodeError> {
        let (inputs, inbox) = inbox();
        let network = if network { Network::start(inputs) } else { Network::off(inputs) };
        let gauge = network.gauge();
        let started = Driver::<Member, Storage>::start((), storage, network, inbox, Box::new(now))?;
        let handle = Handle { asks: started.asks, events: started.events, gauge };
        Ok(Self { handle, ended: started.ended })
    }

    /// A handle to it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Ends it; when this returns everything is on the disk and the store is closed.
    pub async fn shutdown(self) {
        let _ = self.handle.asks.send(Ask::End).await;
        let _ = self.ended.await;
    }
}

impl Handle {
    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// As the command's.
    pub async fn ask(&self, command: Command) -> Result<Answer, Failure> {
        let (reply, answer) = oneshot::channel();
        let asked = self.asks.send(Ask::Command(command, reply)).await;
        asked.map_err(|_| Failure::Node(stopped()))?;
        answer.await.unwrap_or_else(|_| Err(Failure::Node(stopped())))
    }

    /// What happens from now on.
    #[must_use]
    pub fn events(&self) -> Events {
        self.events.subscribe()
    }

    /// How the node stands on the network.
    #[must_use]
    pub fn network(&self) -> NetworkState {
        self.gauge.read()
    }
}

/// A running relay.
#[derive(Debug)]
pub(crate) struct RelayNode {
    handle: RelayHandle,
    listening: Vec<Multiaddr>,
    ended: oneshot::Receiver<()>,
}

/// Works on a running relay; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct RelayHandle {
    asks: mpsc::Sender<Ask<Relay>>,
    config: CurrentConfig,
    gauge: Gauge,
}

impl RelayNode {
    /// Starts a relay over an open store.
    ///
    /// # Errors
    ///
    /// If the store cannot be read, or [`NodeError::PortInUse`].
    pub(crate) async fn start(
        storage: Storage,
        config: RelayConfig,
        setup: RelaySetup,
    ) -> Result<Self, NodeError> {
        let (inputs, inbox) = inbox();
        let (network, listening) = Network::relay(inputs, setup).await?;
        let gauge = network.gauge();
        let config = CurrentConfig::of(config);
        let started = Driver::<Relay, Storage>::start(
            config.clone(),
            storage,
            network,
            inbox,
            Box::new(now),
        )?;
        let handle = RelayHandle { asks: started.asks, config, gauge };
        Ok(Self { handle, listening, ended: started.ended })
    }

    /// A handle to it.
    pub(crate) fn handle(&self) -> RelayHandle {
        self.handle.clone()
    }

    /// Where it listens, with the ports that were given.
    pub(crate) fn listening(&self) -> &[Multiaddr] {
        &self.listening
    }

    /// Ends it; when this returns everything is on the disk and the store is closed.
    pub(crate) async fn shutdown(self) {
        let _ = self.handle.asks.send(Ask::End).await;
        let _ = self.ended.await;
    }
}

impl RelayHandle {
    /// Runs `verb` on the machine between two batches, and carries out what it gives; its result
    /// comes after the flush.
    ///
    /// # Errors
    ///
    /// If the batch could not be saved; nothing has changed then.
    pub(crate) async fn with_relay<R: Send + 'static>(
        &self,
        verb: impl FnOnce(&mut Relay, &mut Env<'_>) -> (R, Vec<Output>) + Send + 'static,
    ) -> Result<R, NodeError> {
        let (reply, answer) = oneshot::channel();
        let verb: Verb<Relay> = Box::new(move |relay, env| {
            let (result, outputs) = verb(relay, env);
            let done: Done = Box::new(move |failed| {
                let _ = reply.send(failed.map_or(Ok(result), Err));
            });
            (outputs, done)
        });
        self.asks.send(Ask::Verb(verb)).await.map_err(|_| stopped())?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Sets the relay anew, now and whenever its machine starts over.
    ///
    /// # Errors
    ///
    /// If the relay has stopped.
    pub(crate) async fn reconfigure(&self, config: RelayConfig) -> Result<(), NodeError> {
        self.config.replace(config.clone());
        self.with_relay(move |relay, env| {
            relay.reconfigure(config, env.now);
            ((), Vec::new())
        })
        .await
    }

    /// How the relay stands on the network.
    pub(crate) fn network(&self) -> NetworkState {
        self.gauge.read()
    }
}
