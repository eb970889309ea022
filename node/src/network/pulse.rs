//! Pings: seldom while nothing happens, at once where an answer is missing.
//!
//! `libp2p-ping` speaks the same protocol, but cannot be asked for a ping, pings whoever has just pinged,
//! and tells of a failure only with the second one, a whole interval after the first.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures::{AsyncReadExt, AsyncWriteExt, FutureExt, future::BoxFuture};
use libp2p::{
    Multiaddr, PeerId, Stream, StreamProtocol,
    core::{Endpoint, transport::PortUse, upgrade::ReadyUpgrade},
    swarm::{
        ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm,
        NetworkBehaviour, NotifyHandler, StreamUpgradeError, SubstreamProtocol, THandler,
        THandlerInEvent, THandlerOutEvent, ToSwarm, handler::ConnectionEvent,
    },
};
use tokio::time::{Instant, Sleep, sleep, timeout};

/// Pings on each connection, and answers pings.
pub(super) struct Pulse {
    /// For how long no ping goes either way before one does.
    quiet: Duration,
    /// How long an answer may take.
    patience: Duration,
    // As many as connections at most: one ask a connection until it is carried out, or one miss.
    actions: VecDeque<ToSwarm<Missed, Ask>>,
}

/// Pings had no answer.
#[derive(Debug)]
pub(super) struct Missed {
    pub(super) peer: PeerId,
    pub(super) connection: ConnectionId,
    /// So many, one after the other.
    pub(super) in_a_row: u32,
}

/// Asks a connection's handler for a ping.
#[derive(Debug)]
pub(super) struct Ask;

impl Pulse {
    /// Pings after `quiet`; an answer may take `patience`.
    pub(super) fn new(quiet: Duration, patience: Duration) -> Self {
        Self { quiet, patience, actions: VecDeque::new() }
    }

    /// Pings this connection now, unless a ping is under way.
    pub(super) fn ask(&mut self, peer_id: PeerId, connection: ConnectionId) {
        let handler = NotifyHandler::One(connection);
        self.actions.push_back(ToSwarm::NotifyHandler { peer_id, handler, event: Ask });
    }
}

impl NetworkBehaviour for Pulse {
    type ConnectionHandler = Handler;
    type ToSwarm = Missed;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        // Of two who wait as long, both would ping: who was dialed leaves the other the time for it.
        Ok(Handler::new(self.quiet + self.patience, self.patience))
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::new(self.quiet, self.patience))
    }

    fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        in_a_row: THandlerOutEvent<Self>,
    ) {
        self.actions.push_back(ToSwarm::GenerateEvent(Missed { peer, connection, in_a_row }));
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Missed, THandlerInEvent<Self>>> {
        self.actions.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}

/// One connection's part.
pub(super) struct Handler {
    quiet: Duration,
    patience: Duration,
    /// When the next ping may go.
    due: Pin<Box<Sleep>>,
    outbound: Outbound,
    /// Waits for a ping of the peer and answers it.
    inbound: Option<BoxFuture<'static, io::Result<Stream>>>,
    missed: u32,
    /// A miss that is still to be told.
    told: Option<u32>,
}

/// How far a ping of this side is.
enum Outbound {
    /// None is under way; the stream of the last one.
    Idle(Option<Stream>),
    /// A stream is asked for.
    Opening,
    /// An answer is waited for; `None` says that it did not come.
    Waiting(BoxFuture<'static, Option<Stream>>),
    /// The peer knows no pings.
    Never,
}

impl Handler {
    fn new(quiet: Duration, patience: Duration) -> Self {
        Self {
            quiet,
            patience,
            due: Box::pin(sleep(quiet)),
            outbound: Outbound::Idle(None),
            inbound: None,
            missed: 0,
            told: None,
        }
    }

    /// A ping came or was answered.
    fn heard(&mut self) {
        if matches!(self.outbound, Outbound::Idle(_)) {
            self.due.as_mut().reset(Instant::now() + self.quiet);
        }
    }

    /// The next one goes once this one's time is over: a stream that breaks at once is not opened again
    /// and again.
    fn miss(&mut self) {
        self.outbound = Outbound::Idle(None);
        self.missed = self.missed.saturating_add(1);
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Ask;
    type ToBehaviour = u32;
    type InboundProtocol = ReadyUpgrade<StreamProtocol>;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), ()).with_timeout(self.patience)
    }

    fn on_behaviour_event(&mut self, _: Ask) {
        if matches!(self.outbound, Outbound::Idle(_)) && self.missed == 0 {
            self.due.as_mut().reset(Instant::now());
        }
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, Self::InboundProtocol, Self::OutboundProtocol>,
    ) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(new) => {
                let mut stream = new.protocol;
                stream.ignore_for_keep_alive();
                self.inbound = Some(answer(stream).boxed());
            }
            ConnectionEvent::FullyNegotiatedOutbound(new) => {
                let mut stream = new.protocol;
                stream.ignore_for_keep_alive();
                self.outbound = Outbound::Waiting(ping(stream, self.patience).boxed());
            }
            ConnectionEvent::DialUpgradeError(failed) => match failed.error {
                StreamUpgradeError::NegotiationFailed => self.outbound = Outbound::Never,
                _ => {
                    self.miss();
                    self.told = Some(self.missed);
                }
            },
            _ => {}
        }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, (), u32>> {
        if let Some(answering) = &mut self.inbound
            && let Poll::Ready(answered) = answering.poll_unpin(cx)
        {
            self.inbound = answered.ok().map(|stream| answer(stream).boxed());
            if self.inbound.is_some() {
                self.heard();
                // Others have their turn before this looks for the next one.
                cx.waker().wake_by_ref();
            }
        }
        if let Some(missed) = self.told.take() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(missed));
        }
        loop {
            match &mut self.outbound {
                Outbound::Waiting(pinging) => match pinging.poll_unpin(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Some(stream)) => {
                        self.missed = 0;
                        self.outbound = Outbound::Idle(Some(stream));
                        self.heard();
                    }
                    Poll::Ready(None) => {
                        self.miss();
                        let missed = self.missed;
                        return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(missed));
                    }
                },
                Outbound::Idle(stream) => {
                    if self.due.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    self.due.as_mut().reset(Instant::now() + self.patience);
                    let Some(stream) = stream.take() else {
                        self.outbound = Outbound::Opening;
                        let protocol = self.listen_protocol();
                        return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest {
                            protocol,
                        });
                    };
                    self.outbound = Outbound::Waiting(ping(stream, self.patience).boxed());
                }
                Outbound::Opening | Outbound::Never => return Poll::Pending,
            }
        }
    }
}

/// Sends a ping and waits for its answer.
async fn ping(mut stream: Stream, patience: Duration) -> Option<Stream> {
    let sent = getrandom::u64().unwrap_or_default().to_be_bytes().repeat(SIZE / 8);
    let mut came = [0; SIZE];
    let asking = async {
        stream.write_all(&sent).await?;
        stream.flush().await?;
        stream.read_exact(&mut came).await
    };
    let answered = timeout(patience, asking).await.is_ok_and(|answer| answer.is_ok());
    (answered && came[..] == sent[..]).then_some(stream)
}

/// Waits for a ping and answers it.
async fn answer(mut stream: Stream) -> io::Result<Stream> {
    let mut came = [0; SIZE];
    stream.read_exact(&mut came).await?;
    stream.write_all(&came).await?;
    stream.flush().await?;
    Ok(stream)
}

/// As all of libp2p pings.
const PROTOCOL: StreamProtocol = StreamProtocol::new("/ipfs/ping/1.0.0");
/// Bytes of a ping.
const SIZE: usize = 32;

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use libp2p::{
        Swarm, Transport,
        core::{transport::MemoryTransport, upgrade::Version},
        identity::Keypair,
        noise,
        swarm::{self, SwarmEvent},
        yamux,
    };

    use super::*;

    const SHORT: Duration = Duration::from_millis(100);
    const LONG: Duration = Duration::from_secs(3600);

    fn swarm(quiet: Duration) -> Swarm<Pulse> {
        let key = Keypair::generate_ed25519();
        let transport = MemoryTransport::default()
            .upgrade(Version::V1Lazy)
            .authenticate(noise::Config::new(&key).expect("a key"))
            .multiplex(yamux::Config::default())
            .boxed();
        // Without an executor a swarm that nobody polls stands still, and so do its connections.
        let config = swarm::Config::without_executor().with_idle_connection_timeout(LONG);
        Swarm::new(transport, Pulse::new(quiet, SHORT), key.public().to_peer_id(), config)
    }

    /// Two that are connected, and the connection as the first one names it.
    async fn connected(
        mut dialer: Swarm<Pulse>,
        mut listener: Swarm<Pulse>,
    ) -> (Swarm<Pulse>, Swarm<Pulse>, ConnectionId) {
        listener.listen_on("/memory/0".parse().expect("a multiaddr")).expect("listens");
        let address = loop {
            if let SwarmEvent::NewListenAddr { address, .. } = listener.select_next_some().await {
                break address;
            }
        };
        dialer.dial(address).expect("dials");
        loop {
            tokio::select! {
                event = dialer.select_next_some() => {
                    if let SwarmEvent::ConnectionEstablished { connection_id, .. } = event {
                        return (dialer, listener, connection_id);
                    }
                }
                _ = listener.select_next_some() => {}
            }
        }
    }

    async fn miss(swarm: &mut Swarm<Pulse>) -> u32 {
        loop {
            if let SwarmEvent::Behaviour(missed) = swarm.select_next_some().await {
                return missed.in_a_row;
            }
        }
    }

    #[tokio::test]
    async fn each_ping_that_has_no_answer_is_told() {
        let (mut anna, mut ben, _) = connected(swarm(SHORT), swarm(LONG)).await;
        let both = async {
            tokio::select! {
                missed = miss(&mut anna) => missed,
                missed = miss(&mut ben) => missed,
            }
        };
        assert!(timeout(SHORT * 8, both).await.is_err(), "all were answered");
        assert_eq!([miss(&mut anna).await, miss(&mut anna).await], [1, 2], "Ben stands still");
    }

    #[tokio::test]
    async fn a_ping_that_is_asked_for_goes_at_once() {
        let (mut anna, ben, connection) = connected(swarm(LONG), swarm(LONG)).await;
        anna.behaviour_mut().ask(*ben.local_peer_id(), connection);
        let missed = timeout(LONG / 2, miss(&mut anna)).await;
        assert_eq!(missed.expect("long before it is due"), 1);
    }
}
