//! Swarms: which protocols run, with which limits.
//!
//! A member's swarm listens on nothing but circuits and tells nobody an address; a relay's swarm
//! carries circuits and knows no gossip.

use std::{io, num::NonZeroU32, time::Duration};

use libp2p::{
    Multiaddr, PeerId, Swarm, Transport,
    connection_limits::{self, ConnectionLimits},
    core::{muxing::StreamMuxerBox, transport::Boxed, upgrade::Version},
    dns, gossipsub, identify,
    identity::Keypair,
    noise, relay,
    swarm::{self, NetworkBehaviour, behaviour::toggle::Toggle},
    tcp, yamux,
};

use super::{gossip, only::Only, pulse::Pulse, streams::Streams};

/// What runs on connections. `limits` stands first: what it refuses no other hears of.
#[derive(NetworkBehaviour)]
pub(super) struct Protocols {
    limits: connection_limits::Behaviour,
    pub(super) streams: Streams,
    pub(super) pulse: Only<Pulse>,
    pub(super) circuit_pulse: Only<Pulse>,
    identify: Only<identify::Behaviour>,
    client: Toggle<relay::client::Behaviour>,
    relay: Toggle<relay::Behaviour>,
    pub(super) gossip: Toggle<Only<gossipsub::Behaviour>>,
}

/// What a relay takes on (U-160; all proposed).
#[derive(Clone, Debug)]
pub(crate) struct RelayLimits {
    /// Connections at once.
    pub(crate) connections: u32,
    /// Circuits at once.
    pub(crate) circuits: usize,
    /// Circuits of one connection.
    pub(crate) circuits_per_connection: usize,
    /// Bytes of one circuit.
    pub(crate) circuit_bytes: u64,
    /// How long one circuit lasts.
    pub(crate) circuit_time: Duration,
}

impl Default for RelayLimits {
    fn default() -> Self {
        Self {
            connections: 1024,
            circuits: 4096,
            circuits_per_connection: 64,
            circuit_bytes: 256 << 20,
            circuit_time: Duration::from_secs(12 * 3600),
        }
    }
}

/// A swarm of one circle or join attempt.
pub(super) fn member(key: &Keypair) -> io::Result<Swarm<Protocols>> {
    let me = key.public().to_peer_id();
    let (circuits, client) = relay::client::new(me);
    let upgrade = noise::Config::new(key).map_err(io::Error::other)?;
    let circuits = circuits
        .upgrade(Version::V1Lazy)
        .authenticate(upgrade)
        .multiplex(muxer())
        .timeout(HANDSHAKE)
        .boxed();
    // A circuit's address holds its relay's: who asks TCP first would dial the relay again.
    let both = circuits.or_transport(direct(key)?).map(|either, _| either.into_inner()).boxed();
    let protocols = Protocols {
        limits: limits(MEMBER_CONNECTIONS, MEMBER_CONNECTIONS, MEMBER_INCOMING),
        streams: Streams::default(),
        pulse: Only::direct(Pulse::new(QUIET, PONG)),
        circuit_pulse: Only::circuits(Pulse::new(CIRCUIT_QUIET, CIRCUIT_PONG)),
        identify: identify(key),
        client: Some(client).into(),
        relay: None.into(),
        gossip: Some(Only::circuits(gossip::behaviour())).into(),
    };
    Ok(Swarm::new(both, protocols, me, config()))
}

/// A relay's swarm.
pub(super) fn relay(key: &Keypair, limits: &RelayLimits) -> io::Result<Swarm<Protocols>> {
    let me = key.public().to_peer_id();
    let protocols = Protocols {
        limits: self::limits(limits.connections, limits.connections / 4 + 1, limits.connections),
        streams: Streams::default(),
        pulse: Only::direct(Pulse::new(RELAY_QUIET, RELAY_PONG)),
        circuit_pulse: Only::circuits(Pulse::new(CIRCUIT_QUIET, CIRCUIT_PONG)),
        identify: identify(key),
        client: None.into(),
        relay: Some(circuits(me, limits)).into(),
        gossip: None.into(),
    };
    Ok(Swarm::new(direct(key)?, protocols, me, config()))
}

/// TCP and DNS, Noise and yamux.
fn direct(key: &Keypair) -> io::Result<Boxed<(PeerId, StreamMuxerBox)>> {
    let tcp = || tcp::tokio::Transport::new(tcp::Config::default().nodelay(true));
    // Where the computer names no resolver, names stay unknown: no other is asked in its place.
    let resolving = dns::tokio::Transport::system(tcp()).unwrap_or_else(|_| {
        tracing::warn!("no resolver: relays can be reached by number only");
        dns::tokio::Transport::custom(
            tcp(),
            dns::ResolverConfig::default(),
            dns::ResolverOpts::default(),
        )
    });
    let upgrade = noise::Config::new(key).map_err(io::Error::other)?;
    Ok(resolving
        .upgrade(Version::V1Lazy)
        .authenticate(upgrade)
        .multiplex(muxer())
        .timeout(HANDSHAKE)
        .boxed())
}

fn muxer() -> yamux::Config {
    let mut config = yamux::Config::default();
    config.set_max_num_streams(STREAMS);
    config
}

fn config() -> swarm::Config {
    swarm::Config::with_tokio_executor()
        .with_idle_connection_timeout(IDLE)
        .with_max_negotiating_inbound_streams(NEGOTIATING)
}

fn limits(established: u32, pending: u32, incoming: u32) -> connection_limits::Behaviour {
    connection_limits::Behaviour::new(
        ConnectionLimits::default()
            .with_max_established(Some(established))
            .with_max_established_incoming(Some(incoming))
            .with_max_established_per_peer(Some(CONNECTIONS_PER_PEER))
            .with_max_pending_incoming(Some(pending))
            .with_max_pending_outgoing(Some(pending)),
    )
}

/// The same words from everybody, no address in them, and none of the peer's kept.
fn identify(key: &Keypair) -> Only<identify::Behaviour> {
    let config = identify::Config::new(AGENT.to_owned(), key.public())
        .with_agent_version(AGENT.to_owned())
        .with_hide_listen_addrs(true)
        .with_cache_size(0)
        .with_interval(IDENTIFY);
    Only::direct(identify::Behaviour::new(config))
}

fn circuits(me: PeerId, limits: &RelayLimits) -> relay::Behaviour {
    let connections = limits.connections as usize;
    let config = relay::Config {
        // Renewals count beside what they renew, hence twice.
        max_reservations: connections * 2,
        max_reservations_per_peer: CONNECTIONS_PER_PEER as usize,
        reservation_duration: RESERVATION,
        // No limit by address: behind one NAT, or Tor, a whole circle has one.
        reservation_rate_limiters: Vec::new(),
        max_circuits: limits.circuits,
        max_circuits_per_peer: limits.circuits_per_connection,
        max_circuit_duration: limits.circuit_time.min(Duration::from_secs(u64::from(u32::MAX))),
        max_circuit_bytes: limits.circuit_bytes,
        circuit_src_rate_limiters: Vec::new(),
    };
    let config = config
        .reservation_rate_per_peer(RATE_BURST, RATE_INTERVAL)
        .circuit_src_per_peer(RATE_BURST, RATE_INTERVAL);
    relay::Behaviour::new(me, config)
}

/// Whether an address is one that a relay may be dialed at: a host and a TCP port, nothing more.
pub(super) fn dialable(address: &[u8]) -> Option<Multiaddr> {
    use libp2p::multiaddr::Protocol::{Dns, Dns4, Dns6, Ip4, Ip6, Tcp};
    let address = Multiaddr::try_from(address.to_vec()).ok()?;
    let parts: Vec<_> = address.iter().collect();
    let plain =
        matches!(parts[..], [Ip4(_) | Ip6(_) | Dns(_) | Dns4(_) | Dns6(_), Tcp(port)] if port != 0);
    plain.then_some(address)
}

/// What every node calls itself.
const AGENT: &str = "hearthlight/1";
/// Identify says nothing new later on: as seldom as may be.
const IDENTIFY: Duration = Duration::from_secs(24 * 3600);
/// For encryption and multiplexing, over Tor too (a guess).
const HANDSHAKE: Duration = Duration::from_secs(20);
/// Connections that carry nothing are closed after this time.
const IDLE: Duration = Duration::from_secs(600);
/// A member pings a relay after so long without a ping. Nothing moves on a connection whose cut was shorter
/// until TCP tries again, which is after as long as the cut was; a longer one is noticed 56 s after it began
/// at most. So whoever was cut off is back 28 s after it is over, and has to be within 30 s (issue 6). Where
/// an answer is missing, a ping goes at once. Costs 22 KB an hour and relay, half of them yamux's own pings.
const QUIET: Duration = Duration::from_secs(40);
/// A member's patience with an answer; a connection is dead when two in a row did not come.
const PONG: Duration = Duration::from_secs(8);
/// A relay pings whom it has not heard from: by a connection that is dead it loses only room.
const RELAY_QUIET: Duration = Duration::from_secs(120);
/// A relay's patience with an answer.
const RELAY_PONG: Duration = Duration::from_secs(20);
/// Circuits end with either connection of the relay, but for one case that only a write shows: the
/// relay closed the far one. What is said there and has no answer is followed by a ping.
const CIRCUIT_QUIET: Duration = Duration::from_secs(3600);
/// Patience with an answer that comes over two connections.
const CIRCUIT_PONG: Duration = Duration::from_secs(20);
/// Streams on a connection: 64 circuits either way, and a few for each protocol.
const STREAMS: usize = 256;
/// Streams of a connection that may be under negotiation.
const NEGOTIATING: usize = 64;
/// Connections of one swarm of a member: 200 members (D-4), relays, and a few that come twice.
pub(super) const MEMBER_CONNECTIONS: u32 = 256;
/// Of these, circuits that others opened. The rest is for relays, and for circuits of its own: nobody who comes in
/// takes these places (H-25).
pub(super) const MEMBER_INCOMING: u32 = 192;
/// Connections with one peer: one, one dialed from the other side, and dead ones not noticed yet.
const CONNECTIONS_PER_PEER: u32 = 4;
/// How long a reservation lasts before it is renewed.
const RESERVATION: Duration = Duration::from_secs(3600);
/// Reservations or circuits that one peer may ask for at once …
const RATE_BURST: NonZeroU32 = NonZeroU32::new(256).expect("not zero");
/// … and the time in which one more is allowed.
const RATE_INTERVAL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_and_a_tcp_port_can_be_dialed() {
        let id = PeerId::random();
        let relayed = format!("/ip4/192.0.2.1/tcp/4270/p2p/{id}/p2p-circuit");
        for (address, good) in [
            ("/ip4/192.0.2.1/tcp/4270", true),
            ("/ip6/2001:db8::1/tcp/4270", true),
            ("/dns4/relay.example.org/tcp/4270", true),
            ("/ip4/192.0.2.1/tcp/0", false),
            ("/ip4/192.0.2.1/udp/4270", false),
            ("/dnsaddr/example.org", false),
            ("/ip4/192.0.2.1/tcp/4270/ws", false),
            (&relayed, false),
        ] {
            let binary = address.parse::<Multiaddr>().expect("a multiaddr").to_vec();
            assert_eq!(dialable(&binary).is_some(), good, "{address}");
        }
        assert!(dialable(b"rubbish").is_none());
    }
}
