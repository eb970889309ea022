//! What becomes of frames and gossip on their way.

use hearthlight_protocol::boundary::{Input, Timestamp, Topic};
use hearthlight_protocol::crypto::sha256;
use hearthlight_protocol::identity::Peer;

use super::{Held, Network, QUEUE_FRAMES, Spot, Travel};
use crate::HostId;

/// How long gossip remembers what it has seen; gossipsub's own default is of this size.
const SEEN_MS: u64 = 120_000;

impl Network {
    pub(super) fn send(&mut self, from: Spot, peer: Peer, bytes: Vec<u8>, now: Timestamp) {
        let Some(id) = self.connection(from, |p| *p == peer) else {
            return;
        };
        let Some(c) = self.connections.get(&id) else {
            return;
        };
        let end = usize::from(c.ends[0] == from);
        if c.on_their_way[end] >= QUEUE_FRAMES {
            self.close(id, now);
            return;
        }
        for _ in 0..self.copies(from.host) {
            let at = self.arrival(id, end, now);
            let frame = Travel::Frame { connection: id, end, bytes: bytes.clone() };
            self.later.push((at, frame));
        }
    }

    /// How many times something sent by `host` arrives.
    fn copies(&mut self, host: HostId) -> usize {
        if self.mute == Some(host) || self.chance.happens(self.weather.loss) {
            return 0;
        }
        1 + usize::from(self.chance.happens(self.weather.duplicate))
    }

    /// When a frame that is sent now arrives: behind those before it, unless the weather reorders.
    fn arrival(&mut self, id: u64, end: usize, now: Timestamp) -> Timestamp {
        let mut at = now.plus(self.delay());
        let late = self.chance.happens(self.weather.reorder);
        if late {
            at = at.plus(self.chance.below(self.weather.reorder_ms));
        }
        if let Some(c) = self.connections.get_mut(&id) {
            if !late {
                at = at.max(c.last[end]);
                c.last[end] = at;
            }
            c.on_their_way[end] += 1;
            self.longest_queue = self.longest_queue.max(c.on_their_way[end]);
        }
        at
    }

    pub(super) fn forward(
        &mut self,
        from: Spot,
        but: Option<u64>,
        topic: Topic,
        bytes: &[u8],
        now: Timestamp,
    ) {
        let mut to = Vec::new();
        for (id, c) in &self.connections {
            let Some(end) = c.ends.iter().position(|spot| *spot == from) else {
                continue;
            };
            let far = self.swarms.get(&c.ends[1 - end]);
            if Some(*id) != but && far.is_some_and(|swarm| swarm.topics.contains(&topic)) {
                to.push((*id, 1 - end));
            }
        }
        for (connection, end) in to {
            for _ in 0..self.copies(from.host) {
                let at = now.plus(self.delay());
                let bytes = bytes.to_vec();
                self.later.push((at, Travel::Gossip { connection, end, topic, bytes }));
            }
        }
    }

    pub(super) fn gossip(
        &mut self,
        from: u64,
        end: usize,
        topic: Topic,
        bytes: Vec<u8>,
        now: Timestamp,
    ) {
        let Some(spot) = self.connections.get(&from).map(|c| c.ends[end]) else {
            return;
        };
        let id = self.fresh();
        let Some(swarm) = self.swarms.get_mut(&spot) else {
            return;
        };
        swarm.seen.retain(|_, at| now.since(*at) < SEEN_MS);
        let new = swarm.seen.insert(gossip_id(topic, &bytes), now).is_none();
        if !new || !swarm.topics.contains(&topic) {
            return;
        }
        let input = Input::Gossip { link: spot.link, topic, id, bytes: bytes.clone() };
        swarm.held.insert(id, Held { topic, bytes, from, since: now });
        self.arrivals.push((spot.host, input));
    }

    fn delay(&mut self) -> u64 {
        self.chance.between(self.weather.delay_ms)
    }
}

pub(super) fn gossip_id(topic: Topic, bytes: &[u8]) -> [u8; 32] {
    sha256(&[&topic.0, bytes].concat())
}
