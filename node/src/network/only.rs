//! A behaviour that runs on one kind of connection only: direct ones, or circuits.
//!
//! Members gossip over circuits and never with a relay, which would otherwise be shown every topic
//! direct connections are pinged often, circuits live and die with them.

use std::{
    collections::HashMap,
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    multiaddr::Protocol,
    swarm::{
        ConnectionClosed, ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler,
        THandlerInEvent, THandlerOutEvent, ToSwarm, behaviour::ConnectionEstablished,
        derive_prelude::Either, dummy,
    },
};

/// `B`, on connections of one kind only.
pub(super) struct Only<B> {
    inner: B,
    circuits: bool,
    /// Connections of that kind: `B` must not hear of others, not even by their number.
    counted: HashMap<PeerId, usize>,
}

impl<B> Only<B> {
    /// `inner` on direct connections.
    pub(super) fn direct(inner: B) -> Self {
        Self { inner, circuits: false, counted: HashMap::new() }
    }

    /// `inner` on circuits.
    pub(super) fn circuits(inner: B) -> Self {
        Self { inner, circuits: true, counted: HashMap::new() }
    }

    /// The behaviour itself.
    pub(super) fn inner_mut(&mut self) -> &mut B {
        &mut self.inner
    }
}

/// Whether an address leads over a relay.
pub(super) fn is_circuit(address: &Multiaddr) -> bool {
    address.iter().any(|part| part == Protocol::P2pCircuit)
}

impl<B: NetworkBehaviour> NetworkBehaviour for Only<B> {
    type ConnectionHandler = Either<THandler<B>, dummy::ConnectionHandler>;
    type ToSwarm = B::ToSwarm;

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        if is_circuit(local) != self.circuits {
            return Ok(Either::Right(dummy::ConnectionHandler));
        }
        let inner = &mut self.inner;
        inner.handle_established_inbound_connection(id, peer, local, remote).map(Either::Left)
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        if is_circuit(address) != self.circuits {
            return Ok(Either::Right(dummy::ConnectionHandler));
        }
        let inner = &mut self.inner;
        inner
            .handle_established_outbound_connection(id, peer, address, role, port)
            .map(Either::Left)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        let event = match event {
            FromSwarm::ConnectionEstablished(e) => {
                if e.endpoint.is_relayed() != self.circuits {
                    return;
                }
                let count = self.counted.entry(e.peer_id).or_default();
                let other_established = *count;
                *count += 1;
                FromSwarm::ConnectionEstablished(ConnectionEstablished { other_established, ..e })
            }
            FromSwarm::ConnectionClosed(e) => {
                if e.endpoint.is_relayed() != self.circuits {
                    return;
                }
                let count = self.counted.entry(e.peer_id).or_default();
                *count = count.saturating_sub(1);
                let remaining_established = *count;
                if remaining_established == 0 {
                    self.counted.remove(&e.peer_id);
                }
                FromSwarm::ConnectionClosed(ConnectionClosed { remaining_established, ..e })
            }
            FromSwarm::AddressChange(e) if e.new.is_relayed() != self.circuits => return,
            other => other,
        };
        self.inner.on_swarm_event(event);
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        id: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {
            Either::Left(event) => self.inner.on_connection_handler_event(peer, id, event),
            Either::Right(never) => match never {},
        }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.inner.poll(cx).map(|action| action.map_in(Either::Left))
    }
}
