//! Connections, and the one line that each peer has over them.

use std::time::Instant;

use hearthlight_protocol::{boundary::Cause, identity::Peer};
use libp2p::{PeerId, Stream, core::ConnectedPoint, swarm::ConnectionId};
use tokio::{sync::oneshot, task::JoinError};

use super::{
    super::{
        line::{self, Moved},
        streams::{self, What},
    },
    Connection, Neighbor, Ordering, Session, Task,
    dial::relay_of,
    names_relay,
};
use crate::address::{peer_id, peer_of};

impl Task<'_> {
    pub(super) fn connected(
        &mut self,
        id: PeerId,
        connection: ConnectionId,
        endpoint: &ConnectedPoint,
    ) {
        let now = Instant::now();
        let contact = self.contacts.dialed(connection);
        self.shared.counts.connections.fetch_add(1, Ordering::Relaxed);
        let direct = endpoint.is_dialer() && !endpoint.is_relayed();
        let known = Connection {
            peer: id,
            relay_at: direct.then(|| relay_of(endpoint.get_remote_address())),
            over: endpoint.is_relayed().then(|| match endpoint {
                ConnectedPoint::Dialer { address, .. } => relay_of(address),
                ConnectedPoint::Listener { local_addr, .. } => relay_of(local_addr),
            }),
            going: false,
        };
        self.connections.insert(connection, known);
        let Some(peer) = peer_of(&id) else {
            return self.close(connection);
        };
        // nobody is met directly but a relay that a contact names.
        if direct && !self.contacts.iter().any(|c| names_relay(c, &peer)) {
            if let Some(contact) = contact {
                self.unreachable(contact, true, now);
            }
            return self.close(connection);
        }
        self.peers.entry(id).or_insert_with(|| Neighbor {
            peer,
            since: now,
            session: None,
            opening: None,
            opened: None,
            accepted: None,
        });
        self.open(id);
    }

    pub(super) fn forget_connection(&mut self, connection: ConnectionId) -> Option<Connection> {
        let known = self.connections.remove(&connection)?;
        let count = &self.shared.counts.connections;
        count.fetch_sub(1, Ordering::Relaxed);
        Some(known)
    }

    /// A connection is gone. yamux 0.14 wakes no reader of a connection that was closed from this
    /// side: what ran on it is ended here, lines as well as circuits.
    pub(super) fn disconnected(&mut self, id: PeerId, connection: ConnectionId) {
        let Some(known) = self.forget_connection(connection) else {
            return;
        };
        if known.relay_at.is_some() {
            let over = self.connections.iter().filter(|(_, c)| c.over == known.relay_at);
            for circuit in over.map(|(id, _)| *id).collect::<Vec<_>>() {
                self.close(circuit);
            }
        }
        let stands = self.connections.values().any(|c| c.peer == id);
        if !self.connections.values().any(|c| c.peer == id && c.relay_at.is_some()) {
            self.reservations.remove(&id);
        }
        let Some(neighbor) = self.peers.get_mut(&id) else {
            return;
        };
        neighbor.opening.take_if(|on| *on == connection);
        neighbor.opened.take_if(|(on, _)| *on == connection);
        neighbor.accepted.take_if(|(on, _)| *on == connection);
        match &neighbor.session {
            // What the peer said before it closed is read; the stream itself ends the line then.
            Some(session) if session.inbound == Some(connection) && !known.going => {}
            Some(session) => {
                if session.outbound == connection || session.inbound == Some(connection) {
                    self.shared.lines.cut(&neighbor.peer);
                }
            }
            None if stands => self.open(id),
            None => {
                self.peers.remove(&id);
                self.pending.gone(&id);
            }
        }
    }

    /// Asks for a stream to a peer that has no line yet, on the newest connection.
    pub(super) fn open(&mut self, id: PeerId) {
        let Some(neighbor) = self.peers.get_mut(&id) else {
            return;
        };
        if neighbor.session.is_some() || neighbor.opening.is_some() || neighbor.opened.is_some() {
            return;
        }
        let mine = self.connections.iter().filter(|(_, c)| c.peer == id && !c.going);
        if let Some((connection, _)) = mine.max_by_key(|(connection, _)| **connection) {
            neighbor.opening = Some(*connection);
            self.swarm.behaviour_mut().streams.open(id, *connection);
        }
    }

    pub(super) fn on_stream(&mut self, event: streams::Event) {
        let streams::Event { peer: id, connection, what } = event;
        let Some(neighbor) = self.peers.get_mut(&id) else {
            return;
        };
        match what {
            What::Opened(stream) => {
                if neighbor.opening.take_if(|on| *on == connection).is_some() {
                    neighbor.opened = Some((connection, stream));
                    self.begin(id);
                }
            }
            What::Accepted(stream) => self.accepted(id, connection, stream),
            What::Unspoken => {
                self.shared.counts.refuses(Cause::Version);
                self.close(connection);
            }
            What::Failed => {
                neighbor.opening.take_if(|on| *on == connection);
                tracing::debug!("a stream did not come about");
                let relay = self.connections.get(&connection).is_some_and(|c| c.relay_at.is_some());
                if relay {
                    self.close(connection);
                }
            }
        }
    }

    /// A peer opened its stream. A second one means that it began anew, on another connection while
    /// the old one is dead without our knowing; on the same connection it is a fault.
    pub(super) fn accepted(&mut self, id: PeerId, connection: ConnectionId, stream: Stream) {
        let Some(neighbor) = self.peers.get_mut(&id) else {
            return;
        };
        let waiting = neighbor.accepted.as_ref().map(|(on, _)| *on);
        let running = neighbor.session.as_ref().and_then(|s| s.inbound);
        if waiting == Some(connection) || running == Some(connection) {
            tracing::debug!("a peer opened a second stream on one connection");
            return self.close(connection);
        }
        match &mut neighbor.session {
            Some(session) if session.inbound.is_none() => session.take(connection, stream),
            session => {
                if session.is_some() {
                    self.shared.lines.cut(&neighbor.peer);
                }
                neighbor.accepted = Some((connection, stream));
            }
        }
    }

    /// Begins a line once this side's stream stands.
    pub(super) fn begin(&mut self, id: PeerId) {
        let Some(neighbor) = self.peers.get_mut(&id) else {
            return;
        };
        let Some((outbound, opened)) = neighbor.opened.take() else {
            return;
        };
        let relay = self.connections.get(&outbound).is_some_and(|c| c.relay_at.is_some());
        let (accept, accepted) = oneshot::channel();
        let mut session =
            Session { moved: Moved::new(), relay, outbound, inbound: None, accept: Some(accept) };
        let me = peer_of(self.swarm.local_peer_id()).expect("this side's key is an Ed25519 key");
        let task = line::Task {
            me,
            link: self.shared.link,
            peer: neighbor.peer,
            relay,
            inputs: self.inputs.clone(),
            lines: self.shared.lines.clone(),
            ends: self.shared.lines.begin(neighbor.peer),
            moved: session.moved.clone(),
            opened,
            accepted,
        };
        self.shared.sessions.spawn(task.run());
        if let Some((on, stream)) = neighbor.accepted.take() {
            session.take(on, stream);
        }
        self.shared.counts.began(session.relay);
        neighbor.session = Some(session);
    }

    /// A line ended: so do the connections that it ran on. Another one is used anew.
    pub(super) fn session_ended(&mut self, ended: Result<Peer, JoinError>) {
        let Ok(id) = ended.map(|peer| peer_id(&peer)) else {
            return;
        };
        let Some(neighbor) = self.peers.get_mut(&id) else {
            return;
        };
        let Some(session) = neighbor.session.take() else {
            return;
        };
        neighbor.since = Instant::now();
        self.shared.counts.ended(session.relay);
        for connection in [Some(session.outbound), session.inbound].into_iter().flatten() {
            self.close(connection);
        }
        if self.connections.values().any(|c| c.peer == id) {
            self.open(id);
        } else {
            self.peers.remove(&id);
            self.pending.gone(&id);
        }
    }

    pub(super) fn close_peer(&mut self, id: PeerId) {
        let mine = self.connections.iter().filter(|(_, c)| c.peer == id);
        for connection in mine.map(|(connection, _)| *connection).collect::<Vec<_>>() {
            self.close(connection);
        }
    }

    pub(super) fn close(&mut self, connection: ConnectionId) {
        if let Some(known) = self.connections.get_mut(&connection) {
            known.going = true;
            self.swarm.close_connection(connection);
        }
    }
}
