//! The network: one libp2p swarm for each [`Link`], each under a key of its own (R-2, P6).
//!
//! The machine says what it wants ([`Network::carry_out`], which never waits), and hears what comes
//! through [`Inputs`]. A member's swarm dials nothing but the relays that its contacts name, and
//! circuits through them. Nothing here knows circles, mailboxes or envelopes.

mod contacts;
mod gossip;
mod inbox;
mod line;
mod link;
mod only;
mod pulse;
mod streams;
mod swarm;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    io,
    net::{SocketAddr, TcpListener},
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::{FutureExt, StreamExt};
use hearthlight_protocol::boundary::{Link, Output};
use libp2p::{
    Multiaddr, Swarm, core::transport::TransportError, identity::Keypair, multiaddr::Protocol,
    swarm::SwarmEvent,
};
use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

use self::{
    gossip::Command,
    line::Lines,
    link::{Counts, Shared, Task, Wanted},
    swarm::Protocols,
};
pub(crate) use self::{
    inbox::{Inbox, Inputs, bytes, inbox},
    swarm::RelayLimits,
};
use crate::error::NodeError;

/// All swarms of a node.
#[derive(Debug)]
pub(crate) struct Network {
    kind: Kind,
    links: HashMap<Link, Wire>,
    inputs: Inputs,
    restored: u64,
    counts: Arc<Counts>,
    runtime: Handle,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Off,
    Member,
    Relay,
}

/// The outer ends of one swarm.
#[derive(Debug)]
struct Wire {
    wanted: watch::Sender<Wanted>,
    commands: mpsc::Sender<Command>,
    lines: Lines,
    task: JoinHandle<()>,
}

/// How a node stands on the network, in numbers only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetworkState {
    /// Relays that are connected and speak with this node.
    pub relays: usize,
    /// Others that do: members over circuits; at a relay, everybody.
    pub peers: usize,
    /// Connections, whether or not anything is spoken on them yet.
    pub connections: usize,
    /// Circuits that this node carries, if it is a relay.
    pub circuits: usize,
}

/// Reads a [`NetworkState`]; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Gauge(Arc<Counts>);

impl Gauge {
    /// How the node stands now.
    pub(crate) fn read(&self) -> NetworkState {
        NetworkState {
            relays: self.0.relays.load(Ordering::Relaxed),
            peers: self.0.peers.load(Ordering::Relaxed),
            connections: self.0.connections.load(Ordering::Relaxed),
            circuits: self.0.circuits.load(Ordering::Relaxed),
        }
    }
}

/// The one link of a relay's machine.
pub(crate) const RELAY_LINK: Link = Link(0);

/// How a relay stands on the network.
#[derive(Debug)]
pub(crate) struct RelaySetup {
    /// Its lasting key.
    pub(crate) key: Keypair,
    /// Where to listen; port 0 takes any.
    pub(crate) listen: Vec<Multiaddr>,
    /// Where others reach it; where it listens, if this is empty.
    pub(crate) external: Vec<Multiaddr>,
    /// What it takes on.
    pub(crate) limits: RelayLimits,
}

impl Network {
    /// A member's network. Must be called within a tokio runtime.
    pub(crate) fn start(inputs: Inputs) -> Self {
        Self::new(Kind::Member, inputs)
    }

    /// No network at all: nothing is dialed, nothing leaves.
    pub(crate) fn off(inputs: Inputs) -> Self {
        Self::new(Kind::Off, inputs)
    }

    /// A relay's network, and where it listens.
    ///
    /// # Errors
    ///
    /// [`NodeError::PortInUse`] if an address is taken or none can be listened on.
    pub(crate) async fn relay(
        inputs: Inputs,
        setup: RelaySetup,
    ) -> Result<(Self, Vec<Multiaddr>), NodeError> {
        let mut network = Self::new(Kind::Relay, inputs);
        let (swarm, listening) = listen(&setup).await?;
        // After a fault of the swarm it listens at the same place, even if any port was good at first.
        let setup = Arc::new(RelaySetup { listen: listening.clone(), ..setup });
        let mut first = Some(swarm);
        network.spawn(RELAY_LINK, move |shared| {
            let tell = setup.external.is_empty();
            let ready = first.take();
            let setup = Arc::clone(&setup);
            async move {
                let swarm = match ready {
                    Some(swarm) => swarm,
                    None => listen(&setup).await.map_err(io::Error::other)?.0,
                };
                Task::new(swarm, shared, tell).run().await;
                Ok(())
            }
            .boxed()
        });
        Ok((network, listening))
    }

    fn new(kind: Kind, inputs: Inputs) -> Self {
        Self {
            kind,
            links: HashMap::new(),
            inputs,
            restored: 0,
            counts: Arc::default(),
            runtime: Handle::current(),
        }
    }

    /// How the node stands, from anywhere.
    pub(crate) fn gauge(&self) -> Gauge {
        Gauge(Arc::clone(&self.counts))
    }

    /// Does what the machine wants of the network; never waits. What is none of the network's
    /// business is not heard.
    pub(crate) fn carry_out(&mut self, output: Output) {
        match output {
            Output::Connect { link, to } => {
                if self.kind == Kind::Member && !self.links.contains_key(&link) {
                    self.spawn(link, |shared| {
                        async move {
                            let swarm = swarm::member(&Keypair::generate_ed25519())?;
                            Task::new(swarm, shared, false).run().await;
                            Ok(())
                        }
                        .boxed()
                    });
                }
                self.want(link, |wanted| wanted.contacts.insert(to));
            }
            Output::Leave { link, to } => self.want(link, |wanted| wanted.contacts.remove(&to)),
            Output::Subscribe { link, topic } => self.want(link, |w| w.topics.insert(topic)),
            Output::Unsubscribe { link, topic } => self.want(link, |w| w.topics.remove(&topic)),
            Output::Disconnect { link, peer, cause } => {
                self.counts.refuses(cause);
                if let Some(wire) = self.links.get(&link) {
                    wire.lines.close(&peer);
                }
            }
            Output::Send { link, peer, bytes } => {
                if let Some(wire) = self.links.get(&link) {
                    wire.lines.send(&peer, bytes);
                }
            }
            Output::Publish { link, topic, bytes } => {
                self.command(link, Command::Publish(topic, bytes));
            }
            Output::Verdict { link, id, judgement } => {
                self.command(link, Command::Judge(id, judgement));
            }
            Output::Forget { link } if self.kind == Kind::Member => drop(self.links.remove(&link)),
            _ => {}
        }
    }

    /// Starts over for a machine that was restored: a member's swarms are gone, so that no link's
    /// number or key serves two circles; a relay's connections are closed, and come up anew.
    pub(crate) fn restart(&mut self, inputs: Inputs) {
        self.inputs = inputs;
        if self.kind == Kind::Member {
            self.links.clear();
        }
        self.restored += 1;
        let (restored, inputs) = (self.restored, &self.inputs);
        for wire in self.links.values() {
            wire.wanted.send_modify(|wanted| {
                wanted.restored = restored;
                wanted.inputs = inputs.clone();
            });
        }
    }

    /// Ends all swarms; what waits to leave is given a second.
    pub(crate) async fn shutdown(self) {
        let tasks: Vec<_> = self.links.into_values().map(|wire| wire.task).collect();
        let _ = timeout(ENDING, futures::future::join_all(tasks)).await;
    }

    fn want<T>(&self, link: Link, change: impl FnOnce(&mut Wanted) -> T) {
        if let Some(wire) = self.links.get(&link) {
            wire.wanted.send_modify(|wanted| {
                change(wanted);
            });
        }
    }

    fn command(&self, link: Link, command: Command) {
        if let Some(wire) = self.links.get(&link) {
            // Gossip is not delivery: what finds no room is dropped.
            let _ = wire.commands.try_send(command);
        }
    }

    /// Runs the swarms that `make` makes, one after the other if one breaks, until it is forgotten.
    fn spawn<F>(&mut self, link: Link, mut make: F)
    where
        F: for<'a> FnMut(&'a mut Shared) -> futures::future::BoxFuture<'a, io::Result<()>>
            + Send
            + 'static,
    {
        let (wanted, watching) = watch::channel(Wanted {
            contacts: BTreeSet::new(),
            topics: BTreeSet::new(),
            inputs: self.inputs.clone(),
            restored: self.restored,
        });
        let (commands, commanded) = mpsc::channel(COMMANDS);
        let lines = Lines::default();
        let mut shared = Shared {
            link,
            lines: lines.clone(),
            wanted: watching,
            commands: commanded,
            sessions: JoinSet::new(),
            counts: Arc::clone(&self.counts),
        };
        let task = self.runtime.spawn(async move {
            // libp2p has had panics that a peer could cause (network.md 1.3): they cost a second.
            loop {
                match AssertUnwindSafe(make(&mut shared)).catch_unwind().await {
                    Ok(Ok(())) => return,
                    Ok(Err(_)) => tracing::error!("a swarm cannot be made"),
                    Err(_) => tracing::error!("a swarm broke"),
                }
                shared.lines.cut_all();
                while shared.sessions.join_next().await.is_some() {}
                if shared.wanted.has_changed().is_err() {
                    return;
                }
                sleep(AGAIN).await;
            }
        });
        self.links.insert(link, Wire { wanted, commands, lines, task });
    }
}

/// A relay's swarm that listens, and where.
async fn listen(setup: &RelaySetup) -> Result<(Swarm<Protocols>, Vec<Multiaddr>), NodeError> {
    let internal = |e: io::Error| NodeError::Internal(e.kind().to_string());
    let mut swarm = swarm::relay(&setup.key, &setup.limits).map_err(internal)?;
    for address in &setup.external {
        swarm.add_external_address(address.clone());
    }
    if !setup.listen.iter().all(is_free) {
        return Err(NodeError::PortInUse);
    }
    let mut waiting = HashSet::new();
    for address in &setup.listen {
        match swarm.listen_on(address.clone()) {
            Ok(id) => {
                waiting.insert(id);
            }
            // A computer without IPv6, say: the other addresses may do.
            Err(TransportError::Other(_)) => tracing::warn!("an address cannot be listened on"),
            Err(TransportError::MultiaddrNotSupported(_)) => return Err(NodeError::PortInUse),
        }
    }
    let mut listening = Vec::new();
    let all = async {
        while !waiting.is_empty() {
            if let SwarmEvent::NewListenAddr { listener_id, address } =
                swarm.select_next_some().await
            {
                waiting.remove(&listener_id);
                listening.push(address);
            }
        }
    };
    let _ = timeout(LISTENING, all).await;
    if listening.is_empty() {
        return Err(NodeError::PortInUse);
    }
    if setup.external.is_empty() {
        for address in &listening {
            swarm.add_external_address(address.clone());
        }
    }
    Ok((swarm, listening))
}

/// Whether nobody listens there. libp2p sets `SO_REUSEPORT`, with which two relays of one person
/// would share a port, and each would miss half of what comes.
fn is_free(address: &Multiaddr) -> bool {
    let mut parts = address.iter();
    let ip = match parts.next() {
        Some(Protocol::Ip4(ip)) => ip.into(),
        Some(Protocol::Ip6(ip)) => ip.into(),
        _ => return true,
    };
    let Some(Protocol::Tcp(port)) = parts.next() else {
        return true;
    };
    let taken = [io::ErrorKind::AddrInUse, io::ErrorKind::PermissionDenied];
    match TcpListener::bind(SocketAddr::new(ip, port)) {
        Ok(_) => true,
        Err(error) => !taken.contains(&error.kind()),
    }
}

/// Publications and verdicts that may wait for a swarm: 48 MiB of the largest at worst.
const COMMANDS: usize = 1024;
/// How long the end of all swarms is waited for.
const ENDING: Duration = Duration::from_secs(3);
/// How long after a fault a swarm is made anew.
const AGAIN: Duration = Duration::from_secs(1);
/// How long is waited for an address to be listened on.
const LISTENING: Duration = Duration::from_secs(5);
