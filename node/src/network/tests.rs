//! Members and a relay over loopback, driven through [`Network`] alone.

use std::time::Instant;

use futures::AsyncWriteExt;
use hearthlight_protocol::{
    boundary::{Cause, Contact, Input, Judgement, RelayKey, Topic},
    crypto::sha256,
    identity::Peer,
    mailbox::MAX_FRAME,
};
use libp2p::swarm::dial_opts::DialOpts;

use super::{streams::What, swarm::ProtocolsEvent, *};
use crate::address::{peer_id, peer_of};

/// One node: its network, and what came in.
struct Side {
    network: Network,
    inbox: Inbox,
}

const LINK: Link = Link(7);
const PATIENCE: Duration = Duration::from_secs(20);

impl Side {
    fn member() -> Self {
        let (inputs, inbox) = inbox();
        Self { network: Network::start(inputs), inbox }
    }

    async fn relay(key: &Keypair, port: u16) -> (Self, Multiaddr) {
        let (inputs, inbox) = inbox();
        let (network, mut listening) =
            Network::relay(inputs, setup(key, port)).await.expect("listens");
        (Self { network, inbox }, listening.remove(0))
    }

    /// The first input that `pick` takes; others are left out.
    async fn hear<T>(&mut self, what: &str, mut pick: impl FnMut(Input) -> Option<T>) -> T {
        let waiting = async {
            loop {
                let input = self.inbox.recv().await.expect("the network lives");
                if let Some(picked) = pick(input) {
                    return picked;
                }
            }
        };
        let Ok(heard) = timeout(PATIENCE, waiting).await else { panic!("never heard: {what}") };
        heard
    }

    async fn up(&mut self) -> (Peer, bool) {
        self.hear("up", |input| match input {
            Input::Up { peer, relay, .. } => Some((peer, relay)),
            _ => None,
        })
        .await
    }

    async fn down(&mut self) -> Peer {
        self.hear("down", |input| match input {
            Input::Down { peer, .. } => Some(peer),
            _ => None,
        })
        .await
    }

    async fn frame(&mut self) -> (Peer, Vec<u8>) {
        self.hear("frame", |input| match input {
            Input::Frame { peer, bytes, .. } => Some((peer, bytes)),
            Input::Up { .. } | Input::Down { .. } => panic!("the line did not hold"),
            _ => None,
        })
        .await
    }

    async fn gossip(&mut self) -> (Topic, u64, Vec<u8>) {
        self.hear("gossip", |input| match input {
            Input::Gossip { topic, id, bytes, .. } => Some((topic, id, bytes)),
            _ => None,
        })
        .await
    }

    async fn unreachable(&mut self) -> bool {
        self.hear("unreachable", |input| match input {
            Input::Unreachable { impostor, .. } => Some(impostor),
            _ => None,
        })
        .await
    }

    fn connect(&mut self, to: &Contact) {
        self.network.carry_out(Output::Connect { link: LINK, to: to.clone() });
    }

    fn send(&mut self, link: Link, peer: Peer, bytes: Vec<u8>) {
        self.network.carry_out(Output::Send { link, peer, bytes });
    }
}

fn setup(key: &Keypair, port: u16) -> RelaySetup {
    let address = format!("/ip4/127.0.0.1/tcp/{port}");
    RelaySetup {
        key: key.clone(),
        listen: vec![address.parse().expect("a multiaddr")],
        external: vec![],
        limits: RelayLimits::default(),
    }
}

fn port(address: &Multiaddr) -> u16 {
    let port = address.iter().find_map(|part| match part {
        Protocol::Tcp(port) => Some(port),
        _ => None,
    });
    port.expect("a port")
}

fn key_of(key: &Keypair) -> Peer {
    peer_of(&key.public().to_peer_id()).expect("Ed25519")
}

fn contact(address: &Multiaddr, key: RelayKey) -> Contact {
    Contact::Relay { addresses: vec![address.to_vec()], key, reserve: true }
}

fn address_of(contact: &Contact) -> Multiaddr {
    let Contact::Relay { addresses, .. } = contact else { panic!("not a relay") };
    Multiaddr::try_from(addresses[0].clone()).expect("a multiaddr")
}

/// A relay and `N` members that are connected with it, with the name that the relay knows them by.
async fn circle<const N: usize>() -> (Side, Contact, Peer, [(Side, Peer); N]) {
    let key = Keypair::generate_ed25519();
    let (mut hope, address) = Side::relay(&key, 0).await;
    let relay = contact(&address, RelayKey::Known(key_of(&key)));
    let mut members = Vec::new();
    for _ in 0..N {
        let mut member = Side::member();
        member.connect(&relay);
        assert_eq!(member.up().await, (key_of(&key), true));
        let (peer, dialed) = hope.up().await;
        assert!(!dialed);
        members.push((member, peer));
    }
    let Ok(members) = members.try_into() else { panic!("so many were made") };
    (hope, relay, key_of(&key), members)
}

/// Connects two members over a circuit.
async fn join(a: &mut (Side, Peer), b: &mut (Side, Peer), through: Peer) {
    a.0.connect(&Contact::Circuit { through, to: b.1 });
    assert_eq!(a.0.up().await, (b.1, false));
    assert_eq!(b.0.up().await, (a.1, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_go_both_ways_in_order() {
    let (mut hope, _, relay, [(mut anna, at_relay)]) = circle().await;
    let sizes = [1, 0, 1 << 20, 5, MAX_FRAME, 70_000];
    for (n, size) in (0..).zip(sizes) {
        anna.send(LINK, relay, vec![n; size]);
        hope.send(RELAY_LINK, at_relay, vec![n; size]);
    }
    for (n, size) in (0..).zip(sizes) {
        assert!(hope.frame().await == (at_relay, vec![n; size]));
        assert!(anna.frame().await == (relay, vec![n; size]));
    }
}

/// P6
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_circles_of_one_member_are_two_strangers() {
    let (mut hope, relay, _, [(mut anna, first)]) = circle().await;
    anna.network.carry_out(Output::Connect { link: Link(8), to: relay });
    anna.up().await;
    assert_ne!(hope.up().await.0, first);
}

///
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_meet_over_a_circuit_and_learn_no_address() {
    let (hope, _, relay, [mut anna, mut ben]) = circle().await;
    join(&mut anna, &mut ben, relay).await;
    anna.0.send(LINK, ben.1, b"to Ben".to_vec());
    ben.0.send(LINK, anna.1, b"to Anna".to_vec());
    assert_eq!(ben.0.frame().await, (anna.1, b"to Ben".to_vec()));
    assert_eq!(anna.0.frame().await, (ben.1, b"to Anna".to_vec()));
    let state = hope.network.gauge().read();
    assert_eq!((state.peers, state.connections, state.circuits), (2, 2, 1));
    let state = anna.0.network.gauge().read();
    assert_eq!((state.relays, state.peers, state.connections), (1, 1, 2));
}

/// only what a member has judged good goes on to others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gossip_goes_on_after_its_verdict() {
    let (_hope, _, relay, [mut anna, mut ben, mut chris]) = circle().await;
    join(&mut anna, &mut ben, relay).await;
    join(&mut ben, &mut chris, relay).await;
    let topic = Topic([9; 32]);
    for member in [&mut anna, &mut ben, &mut chris] {
        member.0.network.carry_out(Output::Subscribe { link: LINK, topic });
    }
    // Until the subscriptions have come round, a publication finds nobody.
    let mut n: u32 = 0;
    let (id, first) = loop {
        n += 1;
        let bytes = n.to_be_bytes().to_vec();
        anna.0.network.carry_out(Output::Publish { link: LINK, topic, bytes });
        let waiting = timeout(Duration::from_millis(100), ben.0.gossip());
        if let Ok((on, id, bytes)) = waiting.await {
            assert_eq!(on, topic);
            break (id, bytes);
        }
        assert!(n < 100, "gossip never came");
    };
    ben.0.network.carry_out(Output::Verdict { link: LINK, id, judgement: Judgement::Accept });
    assert_eq!(chris.0.gossip().await.2, first);

    let publish = |bytes| Output::Publish { link: LINK, topic, bytes };
    anna.0.network.carry_out(publish(b"wrong".to_vec()));
    let (_, id, _) = ben.0.gossip().await;
    ben.0.network.carry_out(Output::Verdict { link: LINK, id, judgement: Judgement::Reject });
    anna.0.network.carry_out(publish(vec![5; 32 << 10]));
    let (_, id, bytes) = ben.0.gossip().await;
    ben.0.network.carry_out(Output::Verdict { link: LINK, id, judgement: Judgement::Accept });
    assert!(chris.0.gossip().await.2 == bytes, "what was rejected did not go on");
}

/// our own loop reconnects after every cut.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_was_gone_is_found_again() {
    let key = Keypair::generate_ed25519();
    let (mut hope, address) = Side::relay(&key, 0).await;
    let relay = contact(&address, RelayKey::Known(key_of(&key)));
    let (mut anna, mut ben) = (Side::member(), Side::member());
    anna.connect(&relay);
    let before = hope.up().await;
    anna.up().await;
    ben.connect(&relay);
    let with = hope.up().await.0;
    ben.up().await;
    anna.connect(&Contact::Circuit { through: key_of(&key), to: with });
    assert_eq!(anna.up().await, (with, false));

    hope.network.shutdown().await;
    let gone = BTreeSet::from([anna.down().await, anna.down().await]);
    assert_eq!(gone, BTreeSet::from([key_of(&key), with]));
    assert!(!anna.unreachable().await);
    let began = Instant::now();
    let (mut hope, _) = Side::relay(&key, port(&address)).await;
    let ups = [anna.up().await, anna.up().await];
    assert_eq!(ups, [(key_of(&key), true), (with, false)]);
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!([before.0, with].contains(&hope.up().await.0), "a run of a member has one key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_time_to_the_first_line_is_short() {
    let key = Keypair::generate_ed25519();
    let (_hope, address) = Side::relay(&key, 0).await;
    let mut anna = Side::member();
    anna.connect(&contact(&address, RelayKey::Tag(tag(&key_of(&key)))));
    assert_eq!(anna.up().await, (key_of(&key), true));
}

fn tag(peer: &Peer) -> [u8; 16] {
    sha256(&peer.0)[..16].try_into().expect("16 bytes")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_else_at_a_relays_address_is_called_an_impostor() {
    let key = Keypair::generate_ed25519();
    let (_hope, address) = Side::relay(&key, 0).await;
    let other = key_of(&Keypair::generate_ed25519());
    for expected in [RelayKey::Known(other), RelayKey::Tag(tag(&other))] {
        let mut anna = Side::member();
        anna.connect(&contact(&address, expected));
        assert!(anna.unreachable().await);
        assert!(anna.unreachable().await, "it is tried again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_at_a_relays_address_is_told_each_time() {
    let free = TcpListener::bind("127.0.0.1:0").expect("binds").local_addr().expect("bound");
    let address = format!("/ip4/127.0.0.1/tcp/{}", free.port()).parse().expect("a multiaddr");
    let mut anna = Side::member();
    anna.connect(&contact(&address, RelayKey::Known(Peer([3; 32]))));
    anna.connect(&contact(&Multiaddr::empty(), RelayKey::Tag([0; 16])));
    for _ in 0..6 {
        assert!(!anna.unreachable().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_taken_is_told() {
    let key = Keypair::generate_ed25519();
    let (_hope, address) = Side::relay(&key, 0).await;
    let second = Network::relay(inbox().0, setup(&key, port(&address))).await;
    assert!(matches!(second, Err(NodeError::PortInUse)));
}

/// H-2, P7
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_length_over_the_limit_costs_only_that_connection() {
    let (mut hope, contact, relay, [(mut anna, at_relay)]) = circle().await;
    let address = address_of(&contact);
    let mut mallory = Raw::connect(&Keypair::generate_ed25519(), &address).await;
    let (bad, _) = hope.up().await;
    mallory.write(&u32::MAX.to_be_bytes()).await;
    assert_eq!(hope.down().await, bad);
    anna.send(LINK, relay, b"still here".to_vec());
    assert_eq!(hope.frame().await, (at_relay, b"still here".to_vec()));
}

/// H-25: more strangers around a member than it takes connections. Whom it reaches stays, and whom it reaches out
/// for is reached.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_around_a_member_keep_it_from_no_relay_and_no_member() {
    let (mut hope, contact, relay, [mut anna]) = circle().await;
    let mut strangers = Vec::new();
    for _ in 0..swarm::MEMBER_CONNECTIONS {
        strangers.extend(knock(&address_of(&contact), relay, anna.1).await);
    }
    assert_eq!(strangers.len(), swarm::MEMBER_INCOMING as usize);
    for _ in &strangers {
        assert!(!anna.0.up().await.1);
    }
    let key = Keypair::generate_ed25519();
    let (mut holly, address) = Side::relay(&key, 0).await;
    let other = self::contact(&address, RelayKey::Known(key_of(&key)));
    let mut ben = Side::member();
    ben.connect(&other);
    ben.up().await;
    let at_holly = holly.up().await.0;
    anna.0.connect(&other);
    assert_eq!(anna.0.up().await, (key_of(&key), true));
    anna.0.connect(&Contact::Circuit { through: key_of(&key), to: at_holly });
    assert_eq!(anna.0.up().await, (at_holly, false));
    anna.0.send(LINK, relay, b"still here".to_vec());
    let frame = |input| match input {
        Input::Frame { peer, bytes, .. } => Some((peer, bytes)),
        _ => None,
    };
    assert_eq!(hope.hear("a frame", frame).await, (anna.1, b"still here".to_vec()));
}

/// P5, U-166: who watches the network between a member and its relay sees nothing of what frames say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_frame_says_is_not_on_the_wire() {
    let key = Keypair::generate_ed25519();
    let (mut hope, address) = Side::relay(&key, 0).await;
    let (tapped, outside) = tap(port(&address)).await;
    let outside = format!("/ip4/127.0.0.1/tcp/{outside}").parse().expect("a multiaddr");
    let mut anna = Side::member();
    anna.connect(&contact(&outside, RelayKey::Known(key_of(&key))));
    let (relay, _) = anna.up().await;
    let (at_relay, _) = hope.up().await;
    let (asks, tells) = (b"Kanarie asks".repeat(100), b"Kanarie tells".repeat(100));
    anna.send(LINK, relay, asks.clone());
    assert_eq!(hope.frame().await.1, asks);
    hope.send(Link(0), at_relay, tells.clone());
    assert_eq!(anna.frame().await.1, tells);
    let tapped = tapped.lock().expect("no panic").clone();
    assert!(tapped.len() > asks.len() + tells.len(), "all of it went by here");
    assert!(!tapped.windows(7).any(|window| window == b"Kanarie"));
}

/// Passes connections on to a port, and keeps all bytes of both ways.
async fn tap(to: u16) -> (std::sync::Arc<std::sync::Mutex<Vec<u8>>>, u16) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    let tapped = std::sync::Arc::<std::sync::Mutex<Vec<u8>>>::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let outside = listener.local_addr().expect("it listens").port();
    let kept = tapped.clone();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(("127.0.0.1", to)).await.expect("it listens");
            let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
            for (mut from, mut into) in [(near_in, far_out), (far_in, near_out)] {
                let kept = kept.clone();
                tokio::spawn(async move {
                    let mut piece = vec![0; 4_096];
                    while let Ok(len @ 1..) = from.read(&mut piece).await {
                        kept.lock().expect("no panic").extend(&piece[..len]);
                        if into.write_all(&piece[..len]).await.is_err() {
                            return;
                        }
                    }
                });
            }
        }
    });
    (tapped, outside)
}

/// A member whose connection died unseen comes back before the relay has noticed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_begins_anew_is_down_first_and_then_up() {
    let (mut hope, contact, _, []) = circle().await;
    let address = address_of(&contact);
    let key = Keypair::generate_ed25519();
    let mut old = Raw::connect(&key, &address).await;
    assert_eq!(hope.up().await.0, key_of(&key));
    old.write(&[0, 0, 0, 1, 1]).await;
    assert_eq!(hope.frame().await.1, [1]);
    let mut new = Raw::connect(&key, &address).await;
    assert_eq!(hope.down().await, key_of(&key));
    assert_eq!(hope.up().await.0, key_of(&key));
    new.write(&[0, 0, 0, 1, 2]).await;
    assert_eq!(hope.frame().await.1, [2]);
}

/// P7
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_does_not_take_its_frames_is_dropped() {
    let (mut hope, contact, _, []) = circle().await;
    let _mallory = Raw::connect(&Keypair::generate_ed25519(), &address_of(&contact)).await;
    let (peer, _) = hope.up().await;
    // More than may wait here, and in the buffers of the connection.
    for _ in 0..16 {
        hope.send(RELAY_LINK, peer, vec![0; 1 << 20]);
    }
    assert_eq!(hope.down().await, peer);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_before_a_disconnect_arrives() {
    let (mut hope, _, relay, [(mut anna, at_relay)]) = circle().await;
    for n in 0..100 {
        anna.send(LINK, relay, vec![n; 10_000]);
    }
    hope.send(RELAY_LINK, at_relay, b"refused".to_vec());
    hope.network.carry_out(Output::Disconnect {
        link: RELAY_LINK,
        peer: at_relay,
        cause: Cause::Idle,
    });
    assert_eq!(anna.frame().await, (relay, b"refused".to_vec()));
    assert_eq!(hope.down().await, at_relay);
    assert_eq!(anna.down().await, relay);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_is_left_is_not_dialed_again() {
    let (mut hope, contact, relay, [(mut anna, at_relay)]) = circle().await;
    let Contact::Relay { addresses, key, .. } = contact.clone() else { panic!("a relay") };
    let twin = Contact::Relay { addresses, key, reserve: false };
    anna.connect(&twin);
    anna.network.carry_out(Output::Leave { link: LINK, to: contact });
    anna.send(LINK, relay, b"another contact names it".to_vec());
    assert_eq!(hope.frame().await.0, at_relay);
    anna.network.carry_out(Output::Leave { link: LINK, to: twin });
    assert_eq!(hope.down().await, at_relay);
    assert_eq!(anna.down().await, relay);
    let silence = timeout(Duration::from_millis(600), anna.inbox.recv()).await;
    assert!(silence.is_err(), "{silence:?}");
}

/// yamux does not wake what reads from a connection that was closed from its own side.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn circuits_end_with_the_connection_that_they_run_over() {
    let (_hope, contact, relay, [mut anna, mut ben]) = circle().await;
    join(&mut anna, &mut ben, relay).await;
    let to = contact.clone();
    anna.0.network.carry_out(Output::Leave { link: LINK, to });
    let gone = BTreeSet::from([anna.0.down().await, anna.0.down().await]);
    assert_eq!(gone, BTreeSet::from([relay, ben.1]));
    assert_eq!(ben.0.down().await, anna.1);
    anna.0.connect(&contact);
    let back = [anna.0.up().await, anna.0.up().await];
    assert_eq!(back, [(relay, true), (ben.1, false)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_forgotten_ends() {
    let (mut hope, _, relay, [mut anna, mut ben]) = circle().await;
    join(&mut anna, &mut ben, relay).await;
    anna.0.send(LINK, relay, b"the last word".to_vec());
    anna.0.network.carry_out(Output::Forget { link: LINK });
    assert_eq!(hope.frame().await, (anna.1, b"the last word".to_vec()));
    let gone = BTreeSet::from([anna.0.down().await, anna.0.down().await]);
    assert_eq!(gone, BTreeSet::from([relay, ben.1]));
    assert_eq!(ben.0.down().await, anna.1);
    assert_eq!(hope.down().await, anna.1);
    let state = anna.0.network.gauge();
    let none = async {
        while state.read() != NetworkState::default() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, none).await.expect("nothing is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_was_restored_meets_its_peers_anew() {
    let (mut hope, contact, relay, [(mut anna, at_relay)]) = circle().await;
    let (inputs, new) = inbox();
    hope.network.restart(inputs);
    hope.inbox = new;
    assert_eq!(hope.up().await.0, at_relay);
    assert_eq!(anna.down().await, relay);
    assert_eq!(anna.up().await, (relay, true));

    let (inputs, new) = inbox();
    anna.network.restart(inputs);
    anna.inbox = new;
    assert_eq!(hope.down().await, at_relay);
    anna.connect(&contact);
    assert_eq!(anna.up().await, (relay, true));
    assert_ne!(hope.up().await.0, at_relay, "under a fresh key");
}

/// network.md 1.3: libp2p has had panics that a peer could cause.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swarm_that_breaks_is_made_anew() {
    let (mut hope, contact, relay, []) = circle().await;
    let mut anna = Side::member();
    let breaking = Arc::new(tokio::sync::Notify::new());
    let (broken, mut first) = (Arc::clone(&breaking), true);
    anna.network.spawn(LINK, move |shared| {
        let broken = std::mem::take(&mut first).then(|| Arc::clone(&broken));
        async move {
            let swarm = swarm::member(&Keypair::generate_ed25519())?;
            let run = Task::new(swarm, shared, false).run();
            match broken {
                Some(broken) => tokio::select! {
                    () = run => {}
                    () = broken.notified() => panic!("as it was told"),
                },
                None => run.await,
            }
            Ok(())
        }
        .boxed()
    });
    anna.connect(&contact);
    anna.up().await;
    let before = hope.up().await.0;
    breaking.notify_one();
    assert_eq!(anna.down().await, relay);
    assert_eq!(anna.up().await, (relay, true));
    assert_ne!(hope.up().await.0, before);
    let state = anna.network.gauge().read();
    assert_eq!((state.relays, state.connections), (1, 1));
}

/// A swarm that says what it likes.
struct Raw {
    stream: libp2p::Stream,
    _swarm: JoinHandle<()>,
}

impl Raw {
    async fn connect(key: &Keypair, address: &Multiaddr) -> Self {
        let mut swarm = swarm::member(key).expect("a swarm");
        swarm.dial(DialOpts::unknown_peer_id().address(address.clone()).build()).expect("dials");
        let opening = async {
            loop {
                match swarm.select_next_some().await {
                    SwarmEvent::ConnectionEstablished { peer_id, connection_id, .. } => {
                        swarm.behaviour_mut().streams.open(peer_id, connection_id);
                    }
                    SwarmEvent::Behaviour(ProtocolsEvent::Streams(event)) => {
                        if let What::Opened(stream) = event.what {
                            return stream;
                        }
                    }
                    _ => {}
                }
            }
        };
        let stream = timeout(PATIENCE, opening).await.expect("a stream");
        let run = async move {
            let mut unread = Vec::new();
            loop {
                unread.push(swarm.select_next_some().await);
            }
        };
        Self { stream, _swarm: tokio::spawn(run) }
    }

    async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("written");
        self.stream.flush().await.expect("flushed");
    }
}

/// Somebody new who knocks at a member over a relay, and stays if let in.
async fn knock(at: &Multiaddr, through: Peer, to: Peer) -> Option<JoinSet<()>> {
    let (relay, member) = (peer_id(&through), peer_id(&to));
    let mut swarm = swarm::member(&Keypair::generate_ed25519()).expect("a swarm");
    let relay_at = at.clone().with(Protocol::P2p(relay));
    let circuit = relay_at.clone().with(Protocol::P2pCircuit).with(Protocol::P2p(member));
    swarm.dial(relay_at).expect("dials");
    let knocking = async {
        loop {
            match swarm.select_next_some().await {
                SwarmEvent::ConnectionEstablished { peer_id, .. } if peer_id == relay => {
                    swarm.dial(circuit.clone()).expect("dials");
                }
                SwarmEvent::ConnectionEstablished { peer_id, connection_id, .. } => {
                    swarm.behaviour_mut().streams.open(peer_id, connection_id);
                }
                SwarmEvent::Behaviour(ProtocolsEvent::Streams(event)) if event.peer == member => {
                    match event.what {
                        What::Opened(stream) => return Some(stream),
                        What::Accepted(_) => {}
                        What::Unspoken | What::Failed => return None,
                    }
                }
                SwarmEvent::ConnectionClosed { .. }
                | SwarmEvent::OutgoingConnectionError { .. } => {
                    return None;
                }
                _ => {}
            }
        }
    };
    let stream = timeout(PATIENCE, knocking).await.expect("an answer")?;
    let mut stays = JoinSet::new();
    stays.spawn(async move {
        let _stream = stream;
        loop {
            swarm.select_next_some().await;
        }
    });
    Some(stays)
}
