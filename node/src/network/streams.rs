//! Streams of the mailbox protocol: opened on a named connection, accepted on any.
//!
//! `libp2p-stream` does the same by peer, which is not enough here: it picks a connection by chance,
//! dials where there is none, drops accepted streams under load, and (0.5.0-alpha) keeps a record of
//! every connection there ever was.

use std::{
    collections::VecDeque,
    task::{Context, Poll},
};

use hearthlight_protocol::mailbox::PROTOCOL;
use libp2p::{
    Multiaddr, PeerId, Stream, StreamProtocol,
    core::{Endpoint, transport::PortUse, upgrade::ReadyUpgrade},
    swarm::{
        ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm,
        NetworkBehaviour, NotifyHandler, StreamUpgradeError, SubstreamProtocol, THandler,
        THandlerInEvent, THandlerOutEvent, ToSwarm, handler::ConnectionEvent,
    },
};

/// Opens and accepts streams of the mailbox protocol.
#[derive(Default)]
pub(super) struct Streams {
    // As many as connections at most: one `open` a connection, and the swarm takes all at once.
    actions: VecDeque<ToSwarm<Event, Open>>,
}

/// What happened on a connection.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) peer: PeerId,
    pub(super) connection: ConnectionId,
    pub(super) what: What,
}

/// A stream came about, or not.
#[derive(Debug)]
pub(super) enum What {
    /// The stream that was asked for.
    Opened(Stream),
    /// A stream that the peer opened.
    Accepted(Stream),
    /// The peer does not speak the protocol in this version (H-18).
    Unspoken,
    /// It did not come about: the connection is slow, or going.
    Failed,
}

/// Asks a connection's handler for a stream.
#[derive(Debug)]
pub(super) struct Open;

impl Streams {
    /// Asks for a stream on this connection; another [`What`] than an accepted one follows, unless
    /// the connection closes before.
    pub(super) fn open(&mut self, peer_id: PeerId, connection: ConnectionId) {
        self.actions.push_back(ToSwarm::NotifyHandler {
            peer_id,
            handler: NotifyHandler::One(connection),
            event: Open,
        });
    }
}

impl NetworkBehaviour for Streams {
    type ConnectionHandler = Handler;
    type ToSwarm = Event;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::default())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::default())
    }

    fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        what: THandlerOutEvent<Self>,
    ) {
        self.actions.push_back(ToSwarm::GenerateEvent(Event { peer, connection, what }));
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Event, THandlerInEvent<Self>>> {
        self.actions.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}

/// One connection's part.
#[derive(Default)]
pub(super) struct Handler {
    ask: bool,
    opened: Option<What>,
    /// The newest stream of the peer: an honest one opens one a connection.
    accepted: Option<Stream>,
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Open;
    type ToBehaviour = What;
    type InboundProtocol = ReadyUpgrade<StreamProtocol>;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        SubstreamProtocol::new(ReadyUpgrade::new(StreamProtocol::new(PROTOCOL)), ())
    }

    fn on_behaviour_event(&mut self, _: Open) {
        self.ask = true;
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, Self::InboundProtocol, Self::OutboundProtocol>,
    ) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(stream) => {
                self.accepted = Some(stream.protocol);
            }
            ConnectionEvent::FullyNegotiatedOutbound(stream) => {
                self.opened = Some(What::Opened(stream.protocol));
            }
            ConnectionEvent::DialUpgradeError(tried) => {
                let unspoken = matches!(tried.error, StreamUpgradeError::NegotiationFailed);
                self.opened = Some(if unspoken { What::Unspoken } else { What::Failed });
            }
            _ => {}
        }
    }

    fn poll(
        &mut self,
        _: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, (), What>> {
        if std::mem::take(&mut self.ask) {
            let protocol = self.listen_protocol();
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
        }
        match self.opened.take().or_else(|| self.accepted.take().map(What::Accepted)) {
            Some(what) => Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(what)),
            None => Poll::Pending,
        }
    }
}
