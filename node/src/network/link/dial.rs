//! Reaching contacts, and being reachable: dials, reservations.

use std::{collections::HashMap, time::Instant};

use hearthlight_protocol::{
    boundary::{Contact, Input, RelayKey},
    identity::Peer,
};
use libp2p::{
    Multiaddr, PeerId,
    core::transport::ListenerId,
    multiaddr::Protocol,
    swarm::{
        ConnectionId, DialError,
        dial_opts::{DialOpts, PeerCondition},
    },
};

use super::{
    super::{
        contacts::{Reach, pause},
        swarm::dialable,
    },
    Connection, Neighbor, Reservation, Task, means,
};
use crate::address::peer_id;

impl Task<'_> {
    pub(super) fn dial(&mut self, contact: Contact, failures: u32, now: Instant) {
        let options = match &contact {
            Contact::Relay { addresses, key, .. } => {
                let mut addresses: Vec<_> = addresses.iter().filter_map(|a| dialable(a)).collect();
                match key {
                    _ if addresses.is_empty() => None,
                    RelayKey::Known(key) => {
                        let dial = DialOpts::peer_id(peer_id(key)).addresses(addresses);
                        let dial = dial.condition(PeerCondition::DisconnectedAndNotDialing);
                        Some(dial.allocate_new_port().build())
                    }
                    // Without a key only one address can be dialed at a time.
                    RelayKey::Tag(_) => {
                        let address = addresses.swap_remove(failures as usize % addresses.len());
                        let dial = DialOpts::unknown_peer_id().address(address);
                        Some(dial.allocate_new_port().build())
                    }
                }
            }
            Contact::Circuit { through, to } => {
                let (relay, to) = (peer_id(through), peer_id(to));
                self.relay_at(&relay).map(|at| {
                    let address = circuit(at, relay).with(Protocol::P2p(to));
                    DialOpts::peer_id(to)
                        .addresses(vec![address])
                        .condition(PeerCondition::DisconnectedAndNotDialing)
                        .build()
                })
            }
        };
        let Some(options) = options else {
            return self.unreachable(contact, false, now);
        };
        let id = options.connection_id();
        match self.swarm.dial(options) {
            Ok(()) => self.contacts.dialing(&contact, id),
            // Another contact has just reached it, or is about to.
            Err(DialError::DialPeerConditionFalse(_)) => self.contacts.failed(&contact, now),
            Err(_) => self.unreachable(contact, false, now),
        }
    }

    pub(super) fn unreachable(&mut self, to: Contact, impostor: bool, now: Instant) {
        self.contacts.failed(&to, now);
        let link = self.shared.link;
        self.inputs.offer(Input::Unreachable { link, to, impostor });
    }

    /// Asks for a reservation at every connected relay that a contact wants one of.
    pub(super) fn reserve(&mut self, now: Instant) {
        let mut relays = Vec::new();
        for connection in self.connections.values().filter(|c| !c.going) {
            let Some(at) = &connection.relay_at else {
                continue;
            };
            let Some(neighbor) = self.peers.get(&connection.peer) else {
                continue;
            };
            let wanted = self.contacts.iter().any(|contact| {
                matches!(contact, Contact::Relay { reserve: true, .. })
                    && means(contact, &neighbor.peer)
            });
            if wanted {
                relays.push((connection.peer, at.clone()));
            }
        }
        for (relay, at) in relays {
            let reservation = self.reservations.entry(relay).or_insert(Reservation {
                listener: None,
                next: now,
                failures: 0,
            });
            // A listener is never taken back: the client of libp2p-relay 0.22 panics if the answer
            // to a request comes after that. It ends with its connection.
            if reservation.listener.is_none() && reservation.next <= now {
                reservation.listener = self.swarm.listen_on(circuit(at, relay)).ok();
                reservation.next = now + pause(reservation.failures);
                reservation.failures += 1;
            }
        }
    }

    pub(super) fn reservation(&mut self, listener: ListenerId) -> Option<&mut Reservation> {
        self.reservations.values_mut().find(|r| r.listener == Some(listener))
    }

    pub(super) fn relay_at(&self, relay: &PeerId) -> Option<Multiaddr> {
        let mut mine = self.connections.values().filter(|c| c.peer == *relay && !c.going);
        mine.find_map(|c| c.relay_at.clone())
    }
}

/// How far `contact` is reached.
pub(super) fn reach(
    contact: &Contact,
    peers: &HashMap<PeerId, Neighbor>,
    connections: &HashMap<ConnectionId, Connection>,
) -> Reach {
    let relay_stands = |fits: &dyn Fn(&Peer) -> bool| {
        let mut relays = connections.values().filter(|c| c.relay_at.is_some() && !c.going);
        relays.any(|c| peers.get(&c.peer).is_some_and(|n| fits(&n.peer)))
    };
    match contact {
        Contact::Relay { key, .. } if relay_stands(&|peer| key.fits(peer)) => Reach::Held,
        Contact::Relay { .. } => Reach::Open,
        Contact::Circuit { to, .. } if peers.contains_key(&peer_id(to)) => Reach::Held,
        Contact::Circuit { through, .. } if relay_stands(&|peer| peer == through) => Reach::Open,
        Contact::Circuit { .. } => Reach::Shut,
    }
}

/// The address of circuits over a relay that was reached at `at`.
fn circuit(at: Multiaddr, relay: PeerId) -> Multiaddr {
    at.with(Protocol::P2p(relay)).with(Protocol::P2pCircuit)
}

/// Where a relay was reached, from the address of its connection or of a circuit over it.
pub(super) fn relay_of(address: &Multiaddr) -> Multiaddr {
    let parts = address.iter().take_while(|p| *p != Protocol::P2pCircuit);
    parts.filter(|p| !matches!(p, Protocol::P2p(_))).collect()
}
