//! The task of one swarm: contacts and their retries, lines to peers, reservations, gossip.
//!
//! It never waits for the machine: frames go past it through [`Lines`] and their tasks, and what else
//! finds no room in the inbox is dropped, because it is said again or was not owed.

mod dial;
mod gossiping;
mod neighbors;
mod pulses;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::StreamExt;
use hearthlight_protocol::{
    boundary::{Cause, Contact, Link, Topic},
    identity::Peer,
};
use libp2p::{
    Multiaddr, PeerId, Stream, Swarm,
    core::transport::ListenerId,
    gossipsub, relay,
    swarm::{ConnectionId, DialError, SwarmEvent},
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::timeout,
};

use self::{dial::reach, pulses::Awake};
use super::{
    contacts::{Contacts, pause},
    gossip::{self, Command, Pending},
    inbox::Inputs,
    line::{Lines, Moved},
    swarm::{Protocols, ProtocolsEvent},
};
use crate::address::peer_id;

/// What the machine wants of a swarm. The newest word counts, so that none can get lost.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) contacts: BTreeSet<Contact>,
    pub(super) topics: BTreeSet<Topic>,
    /// Where inputs go.
    pub(super) inputs: Inputs,
    /// Rises when the machine was restored: all connections are to come up anew.
    pub(super) restored: u64,
}

/// What is counted for status and metrics.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) relays: AtomicUsize,
    pub(super) peers: AtomicUsize,
    pub(super) connections: AtomicUsize,
    pub(super) circuits: AtomicUsize,
    /// When the log last said that somebody was refused, by the cause.
    refused: Mutex<BTreeMap<Cause, Instant>>,
}

/// What outlives a swarm that broke.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) link: Link,
    pub(super) lines: Lines,
    pub(super) wanted: watch::Receiver<Wanted>,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) sessions: JoinSet<Peer>,
    pub(super) counts: Arc<Counts>,
}

/// One swarm with all that is known about its peers.
pub(super) struct Task<'a> {
    swarm: Swarm<Protocols>,
    shared: &'a mut Shared,
    inputs: Inputs,
    restored: u64,
    topics: BTreeSet<Topic>,
    contacts: Contacts,
    connections: HashMap<ConnectionId, Connection>,
    peers: HashMap<PeerId, Neighbor>,
    reservations: HashMap<PeerId, Reservation>,
    pending: Pending,
    /// A relay's: whether addresses that it listens on are told to those who reserve.
    tell_addresses: bool,
    /// A relay's: circuits that it carries.
    circuits: usize,
    awake: Awake,
}

#[derive(Debug)]
struct Connection {
    peer: PeerId,
    /// Where a relay was reached, if one was.
    relay_at: Option<Multiaddr>,
    /// Where the relay of a circuit was reached.
    over: Option<Multiaddr>,
    /// Closed from here.
    going: bool,
}

/// The far end of one or more connections.
#[derive(Debug)]
struct Neighbor {
    peer: Peer,
    since: Instant,
    session: Option<Session>,
    opening: Option<ConnectionId>,
    opened: Option<(ConnectionId, Stream)>,
    accepted: Option<(ConnectionId, Stream)>,
}

/// A line that stands, and on which connections.
#[derive(Debug)]
struct Session {
    moved: Moved,
    relay: bool,
    outbound: ConnectionId,
    inbound: Option<ConnectionId>,
    accept: Option<oneshot::Sender<Stream>>,
}

/// Being reachable over one relay.
#[derive(Debug)]
struct Reservation {
    listener: Option<ListenerId>,
    next: Instant,
    failures: u32,
}

impl<'a> Task<'a> {
    pub(super) fn new(swarm: Swarm<Protocols>, shared: &'a mut Shared, tell: bool) -> Self {
        let (inputs, restored) = {
            let wanted = shared.wanted.borrow();
            (wanted.inputs.clone(), wanted.restored)
        };
        let mut task = Self {
            swarm,
            shared,
            inputs,
            restored,
            topics: BTreeSet::new(),
            contacts: Contacts::default(),
            connections: HashMap::new(),
            peers: HashMap::new(),
            reservations: HashMap::new(),
            pending: Pending::default(),
            tell_addresses: tell,
            circuits: 0,
            awake: Awake::now(),
        };
        task.take_wanted();
        task
    }

    /// Runs until the link is forgotten.
    pub(super) async fn run(mut self) {
        loop {
            let wake = self.tick(Instant::now());
            tokio::select! {
                biased;
                changed = self.shared.wanted.changed() => match changed {
                    Ok(()) => self.take_wanted(),
                    Err(_) => break,
                },
                Some(ended) = self.shared.sessions.join_next() => self.session_ended(ended),
                Some(command) = self.shared.commands.recv() => self.gossip(command),
                event = self.swarm.select_next_some() => self.on_event(event),
                () = tokio::time::sleep_until(wake.into()) => {}
            }
        }
        // What waits to leave, leaves; and connections are closed in order, since what is dropped
        // with its swarm may not have left.
        self.shared.lines.close_all();
        while self.shared.sessions.join_next().await.is_some() {}
        let _ = timeout(FAREWELL, self.close_all()).await;
    }

    /// Closes circuits, then what they run over.
    async fn close_all(&mut self) {
        for direct in [false, true] {
            let mine = |c: &Connection| direct || c.over.is_some();
            let ids = self.connections.iter().filter(|(_, c)| mine(c));
            for id in ids.map(|(id, _)| *id).collect::<Vec<_>>() {
                self.close(id);
            }
            while self.connections.values().any(mine) {
                if let SwarmEvent::ConnectionClosed { connection_id, .. } =
                    self.swarm.select_next_some().await
                {
                    self.forget_connection(connection_id);
                }
            }
        }
    }

    /// Does what is due; says when to come again at the latest.
    fn tick(&mut self, now: Instant) -> Instant {
        let (peers, connections) = (&self.peers, &self.connections);
        let due = self.contacts.due(now, |contact| reach(contact, peers, connections));
        for (contact, failures) in due {
            self.dial(contact, failures, now);
        }
        self.reserve(now);
        self.look_after(now);
        let strangers: Vec<_> = self
            .peers
            .iter()
            .filter(|(_, n)| n.session.is_none() && n.since + SESSION_DEADLINE <= now)
            .map(|(id, _)| *id)
            .collect();
        for id in strangers {
            self.close_peer(id);
        }
        let reserving = self.reservations.values().filter(|r| r.listener.is_none());
        let next = reserving.map(|r| r.next).chain(self.contacts.next()).min();
        next.unwrap_or(now + LOOK).clamp(now + Duration::from_millis(1), now + LOOK)
    }

    fn take_wanted(&mut self) {
        let wanted = self.shared.wanted.borrow_and_update().clone();
        self.inputs = wanted.inputs;
        if self.restored != wanted.restored {
            self.restored = wanted.restored;
            self.shared.lines.cut_all();
            for id in self.peers.keys().copied().collect::<Vec<_>>() {
                self.close_peer(id);
            }
        }
        let me = *self.swarm.local_peer_id();
        let left = self.contacts.set(&wanted.contacts, Instant::now(), |contact| match contact {
            // Both ends of a circuit are told of one another at the same moment: one waits.
            Contact::Circuit { to, .. } if me > peer_id(to) => COURTESY,
            _ => Duration::ZERO,
        });
        for contact in left {
            self.leave(&contact);
        }
        if let Some(gossip) = self.swarm.behaviour_mut().gossip.as_mut() {
            for topic in wanted.topics.difference(&self.topics) {
                let _ = gossip.inner_mut().subscribe(&gossip::topic(topic));
            }
            for topic in self.topics.difference(&wanted.topics) {
                let _ = gossip.inner_mut().unsubscribe(&gossip::topic(topic));
            }
        }
        self.topics = wanted.topics;
    }

    /// Closes the connection of a contact that no other contact means as well.
    fn leave(&mut self, contact: &Contact) {
        let meant = |peer: &Peer| self.contacts.iter().any(|c| means(c, peer));
        let gone: Vec<_> = self
            .peers
            .iter()
            .filter(|(_, n)| means(contact, &n.peer) && !meant(&n.peer))
            .map(|(id, _)| *id)
            .collect();
        for id in gone {
            self.close_peer(id);
        }
    }

    fn on_event(&mut self, event: SwarmEvent<ProtocolsEvent>) {
        match event {
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.connected(peer_id, connection_id, &endpoint);
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, .. } => {
                self.disconnected(peer_id, connection_id);
            }
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
                if let Some(contact) = self.contacts.dialed(connection_id) {
                    let impostor = matches!(error, DialError::WrongPeerId { .. });
                    self.unreachable(contact, impostor, Instant::now());
                }
            }
            SwarmEvent::NewListenAddr { listener_id, address } => {
                if let Some(reservation) = self.reservation(listener_id) {
                    reservation.failures = 0;
                }
                if self.tell_addresses {
                    self.swarm.add_external_address(address);
                }
            }
            SwarmEvent::ListenerClosed { listener_id, .. } => {
                let now = Instant::now();
                if let Some(reservation) = self.reservation(listener_id) {
                    reservation.listener = None;
                    reservation.next = now + pause(reservation.failures);
                }
            }
            SwarmEvent::Behaviour(event) => self.on_behaviour(event),
            _ => {}
        }
    }

    fn on_behaviour(&mut self, event: ProtocolsEvent) {
        match event {
            ProtocolsEvent::Streams(event) => self.on_stream(event),
            ProtocolsEvent::Pulse(missed) | ProtocolsEvent::CircuitPulse(missed) => {
                self.on_missed(&missed);
            }
            ProtocolsEvent::Gossip(gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            }) => self.gossiped(propagation_source, message_id, message),
            ProtocolsEvent::Relay(event) => match event {
                relay::Event::CircuitReqAccepted { .. } => {
                    self.circuits += 1;
                    self.shared.counts.circuits.fetch_add(1, Ordering::Relaxed);
                }
                relay::Event::CircuitClosed { .. } if self.circuits > 0 => {
                    self.circuits -= 1;
                    self.shared.counts.circuits.fetch_sub(1, Ordering::Relaxed);
                }
                _ => {}
            },
            _ => {}
        }
    }
}

impl Session {
    /// Takes the peer's stream.
    fn take(&mut self, on: ConnectionId, stream: Stream) {
        self.inbound = Some(on);
        if let Some(accept) = self.accept.take() {
            // If the line has just ended, the stream ends with it.
            drop(accept.send(stream));
        }
    }
}

impl Drop for Task<'_> {
    fn drop(&mut self) {
        let counts = &self.shared.counts;
        counts.connections.fetch_sub(self.connections.len(), Ordering::Relaxed);
        for session in self.peers.values().filter_map(|n| n.session.as_ref()) {
            counts.ended(session.relay);
        }
        counts.circuits.fetch_sub(self.circuits, Ordering::Relaxed);
    }
}

impl Counts {
    fn of(&self, relay: bool) -> &AtomicUsize {
        if relay { &self.relays } else { &self.peers }
    }

    /// Has the log name why a peer is refused. Whoever gives cause may do so without end: each is named at most
    /// once a minute (U-166, H-1).
    pub(super) fn refuses(&self, cause: Cause) {
        let now = Instant::now();
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.get(&cause).is_none_or(|last| now.duration_since(*last) >= NAMED_AGAIN) {
            refused.insert(cause, now);
            match cause {
                // Daily life: a person who looked at a relay's card, a token that was taken back.
                Cause::Idle | Cause::Revoked => tracing::debug!(cause = cause.word(), "refused"),
                _ => tracing::warn!(cause = cause.word(), "refused"),
            }
        }
    }

    fn began(&self, relay: bool) {
        self.of(relay).fetch_add(1, Ordering::Relaxed);
    }

    fn ended(&self, relay: bool) {
        self.of(relay).fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether a connection to `peer` is what `contact` asks for.
fn means(contact: &Contact, peer: &Peer) -> bool {
    match contact {
        Contact::Relay { .. } => names_relay(contact, peer),
        Contact::Circuit { to, .. } => to == peer,
    }
}

fn names_relay(contact: &Contact, peer: &Peer) -> bool {
    matches!(contact, Contact::Relay { key, .. } if key.fits(peer))
}

/// Who has no line after this time is disconnected; two round trips over Tor fit in (a guess).
const SESSION_DEADLINE: Duration = Duration::from_secs(30);
/// How long the log is silent on a cause that it has named.
const NAMED_AGAIN: Duration = Duration::from_secs(60);
/// How long closing connections may take at the end.
const FAREWELL: Duration = Duration::from_secs(1);
/// The task looks around at least this often.
const LOOK: Duration = Duration::from_secs(5);
/// How long one end of a circuit leaves the first try to the other (a guess: a circuit over the
/// spike's relayed path of 213 ms stood after 0.5 s).
const COURTESY: Duration = Duration::from_millis(500);
