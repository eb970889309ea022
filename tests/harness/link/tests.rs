use std::collections::BTreeMap;

use hearthlight_protocol::boundary::{
    Contact, Input, Judgement, Link, Output, RelayKey, Timestamp, Topic,
};
use hearthlight_protocol::crypto::sha256;
use hearthlight_protocol::identity::Peer;

use super::Network;
use crate::chance::Chance;
use crate::machine::{relay_multiaddr, relay_peer};
use crate::queue::Queue;
use crate::{ANNA, BEN, CHRIS, HostId};

const HOPE: HostId = 7;
const LINK: Link = Link(1);
const TOPIC: Topic = Topic([5; 32]);

/// A network with its clock, and hosts that only take note of what arrives.
struct Wire {
    now: Timestamp,
    queue: Queue<super::Travel>,
    network: Network,
    got: Vec<(HostId, Input)>,
}

impl Wire {
    fn new() -> Self {
        let mut network = Network::new(Chance::new(1));
        network.add_relay(HOPE, relay_multiaddr(1), hope());
        network.start(HOPE);
        Self { now: Timestamp(0), queue: Queue::default(), network, got: Vec::new() }
    }

    fn run(&mut self, ms: u64) {
        let end = self.now.plus(ms);
        loop {
            self.got.append(&mut self.network.arrivals);
            for (at, travel) in self.network.later.drain(..) {
                self.queue.plan(at, travel);
            }
            let Some((at, travel)) = self.queue.take(end) else {
                break;
            };
            self.now = at;
            self.network.arrive(travel, at);
        }
        self.now = end;
    }

    fn act(&mut self, host: HostId, output: Output) {
        self.network.carry_out(host, output, self.now);
    }

    fn meet(&mut self, host: HostId) -> Peer {
        self.act(host, Output::Connect { link: LINK, to: relay(RelayKey::Known(hope())) });
        self.run(1_000);
        let ups = self.take(|_, input| matches!(input, Input::Up { .. }));
        let at_relay = ups.iter().find(|(at, _)| *at == HOPE).expect("the relay learns of it");
        let Input::Up { peer, relay: false, .. } = at_relay.1 else { panic!("{at_relay:?}") };
        let Input::Up { peer: far, relay: true, .. } = ups[0].1 else { panic!("{ups:?}") };
        assert_eq!(far, hope());
        peer
    }

    fn take(&mut self, which: impl Fn(HostId, &Input) -> bool) -> Vec<(HostId, Input)> {
        let (taken, rest) = self.got.drain(..).partition(|(host, input)| which(*host, input));
        self.got = rest;
        taken
    }

    fn downs(&mut self) -> Vec<HostId> {
        let downs = self.take(|_, input| matches!(input, Input::Down { .. }));
        downs.into_iter().map(|(host, _)| host).collect()
    }

    fn frames(&mut self, host: HostId) -> Vec<u8> {
        let frames = self.take(|at, input| at == host && matches!(input, Input::Frame { .. }));
        let bytes = frames.into_iter().map(|(_, input)| match input {
            Input::Frame { bytes, .. } => bytes[0],
            _ => unreachable!(),
        });
        bytes.collect()
    }

    fn gossip(&mut self, host: HostId) -> Vec<u64> {
        let heard = self.take(|at, input| at == host && matches!(input, Input::Gossip { .. }));
        let ids = heard.into_iter().map(|(_, input)| match input {
            Input::Gossip { id, .. } => id,
            _ => unreachable!(),
        });
        ids.collect()
    }
}

fn hope() -> Peer {
    relay_peer(&[3; 32])
}

fn relay(key: RelayKey) -> Contact {
    Contact::Relay { addresses: vec![relay_multiaddr(1)], key, reserve: true }
}

#[test]
fn a_relay_is_reached_by_its_tag_and_an_impostor_is_told_apart() {
    let mut wire = Wire::new();
    let tag = sha256(&hope().0)[..16].try_into().expect("16 bytes");
    wire.act(ANNA, Output::Connect { link: LINK, to: relay(RelayKey::Tag(tag)) });
    wire.act(BEN, Output::Connect { link: LINK, to: relay(RelayKey::Tag([0; 16])) });
    wire.run(1_000);
    assert_eq!(wire.take(|at, input| at == ANNA && matches!(input, Input::Up { .. })).len(), 1);
    let refused = |input: &Input| matches!(input, Input::Unreachable { impostor: true, .. });
    assert!(!wire.take(|at, input| at == BEN && refused(input)).is_empty());
}

#[test]
fn who_dials_goes_on_until_the_relay_is_back_and_stops_when_told() {
    let mut wire = Wire::new();
    wire.meet(ANNA);
    wire.network.stop(HOPE, wire.now);
    wire.run(5_000);
    assert_eq!(wire.downs(), [ANNA]);
    assert!(wire.take(|_, input| matches!(input, Input::Unreachable { .. })).len() > 1);
    // Told again, it goes on as before.
    wire.act(ANNA, Output::Connect { link: LINK, to: relay(RelayKey::Known(hope())) });
    wire.network.start(HOPE);
    wire.run(30_000);
    assert_eq!(wire.take(|_, input| matches!(input, Input::Up { .. })).len(), 2);
    wire.act(ANNA, Output::Leave { link: LINK, to: relay(RelayKey::Known(hope())) });
    wire.run(60_000);
    assert_eq!(wire.downs().len(), 2);
    assert_eq!(wire.network.connections(), 0);
    assert!(wire.got.is_empty());
}

#[test]
fn a_circuit_needs_both_ends_at_the_relay_and_falls_with_it() {
    let mut wire = Wire::new();
    let ben = wire.meet(BEN);
    let circuit = Contact::Circuit { through: hope(), to: ben };
    wire.act(ANNA, Output::Connect { link: LINK, to: circuit });
    wire.run(1_000);
    assert!(wire.take(|at, input| at == BEN && matches!(input, Input::Up { .. })).is_empty());
    wire.act(ANNA, Output::Connect { link: LINK, to: relay(RelayKey::Known(hope())) });
    wire.run(30_000);
    assert_eq!(wire.take(|at, input| at == BEN && matches!(input, Input::Up { .. })).len(), 1);
    wire.network.stop(HOPE, wire.now);
    wire.run(1);
    let mut downs = wire.downs();
    downs.sort_unstable();
    assert_eq!(downs, [ANNA, ANNA, BEN, BEN]);
}

#[test]
fn frames_keep_their_order_on_a_calm_day_and_not_in_a_storm() {
    let mut wire = Wire::new();
    let anna = wire.meet(ANNA);
    let send = |wire: &mut Wire| {
        for number in 0..100 {
            let bytes = vec![number];
            wire.act(HOPE, Output::Send { link: super::RELAY_LINK, peer: anna, bytes });
        }
        wire.run(10_000);
        wire.frames(ANNA)
    };
    assert_eq!(send(&mut wire), (0..100).collect::<Vec<u8>>());
    wire.network.weather.loss = 0.2;
    wire.network.weather.duplicate = 0.2;
    wire.network.weather.reorder = 0.2;
    let mut stormy = send(&mut wire);
    assert!(!stormy.is_sorted());
    stormy.sort_unstable();
    let all = stormy.len();
    stormy.dedup();
    assert!((60..95).contains(&stormy.len()) && all > stormy.len(), "{} {all}", stormy.len());
}

#[test]
fn a_full_queue_drops_the_connection() {
    let mut wire = Wire::new();
    let anna = wire.meet(ANNA);
    for _ in 0..=super::QUEUE_FRAMES {
        wire.act(HOPE, Output::Send { link: super::RELAY_LINK, peer: anna, bytes: vec![0] });
    }
    wire.run(1);
    assert_eq!(wire.downs().len(), 2);
}

#[test]
fn gossip_goes_on_only_after_a_verdict_and_arrives_once() {
    let mut wire = Wire::new();
    let (_, ben, chris) = (wire.meet(ANNA), wire.meet(BEN), wire.meet(CHRIS));
    for (from, to) in [(ANNA, ben), (BEN, chris)] {
        let to = Contact::Circuit { through: hope(), to };
        wire.act(from, Output::Connect { link: LINK, to });
    }
    for host in [ANNA, BEN, CHRIS] {
        wire.act(host, Output::Subscribe { link: LINK, topic: TOPIC });
    }
    wire.run(1_000);
    wire.network.weather.duplicate = 1.0;
    wire.act(ANNA, Output::Publish { link: LINK, topic: TOPIC, bytes: vec![9] });
    wire.run(1_000);
    let ids = wire.gossip(BEN);
    assert_eq!((ids.len(), wire.gossip(CHRIS).len()), (1, 0));
    assert_eq!(wire.network.unjudged(500, wire.now), Some(BEN));
    let judgement = Judgement::Accept;
    wire.act(BEN, Output::Verdict { link: LINK, id: ids[0], judgement });
    wire.run(1_000);
    assert_eq!((wire.gossip(ANNA).len(), wire.gossip(CHRIS).len()), (0, 1));
}

#[test]
fn a_cut_keeps_two_sides_apart_until_it_heals() {
    let mut wire = Wire::new();
    wire.meet(ANNA);
    wire.network.cut(BTreeMap::from([(ANNA, 1)]), wire.now);
    wire.run(30_000);
    assert_eq!(wire.network.connections(), 0);
    wire.network.cut(BTreeMap::new(), wire.now);
    wire.run(30_000);
    assert_eq!(wire.network.connections(), 1);
}
