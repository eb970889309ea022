//! What becomes of frames and gossip on their way.

use hearthlight_protocol::boundary::{Input, Timestamp, Topic};
use hearthlight_protocol::crypto::sha256;
use hearthlight_protocol::identity::Peer;

use super::{Held, Network, QUEUE_FRAMES, Spot, Travel};
use crate::HostId;
use crate::liar::Heard;

/// How long gossip remembers what it has seen; gossipsub's own default is of this size.
const SEEN_MS: u64 = 120_000;

impl Network {
    pub(super) fn send(&mut self, from: Spot, peer: Peer, bytes: Vec<u8>, now: Timestamp) {
        let Some(id) = self.connection(from, |p| *p == peer) else {
            return;
        };
        if let Some(tap) = &mut self.tap {
            tap.push(bytes.clone());
        }
        let Some(c) = self.connections.get(&id) else {
            return;
        };
        let end = usize::from(c.ends[0] == from);
        if c.on_their_way[end] >= QUEUE_FRAMES {
            self.close(id, now);
            return;
        }
        for (late_ms, bytes) in self.said(id, end, bytes, now) {
            for _ in 0..self.copies(from.host) {
                let at = self.arrival(id, end, now, late_ms);
                let frame = Travel::Frame { connection: id, end, bytes: bytes.clone() };
                self.later.push((at, frame));
            }
        }
    }

    /// What a liar at a relay makes of a frame to `end`, with how much later each comes.
    fn said(&mut self, id: u64, end: usize, bytes: Vec<u8>, now: Timestamp) -> Vec<(u64, Vec<u8>)> {
        let (Some((relay, liar)), Some(c)) = (&mut self.liar, self.connections.get(&id)) else {
            return vec![(0, bytes)];
        };
        if c.ends[1 - end].host == *relay {
            return liar.says(c.ends[end].host, bytes, now);
        }
        if c.through != Some(*relay) {
            return vec![(0, bytes)];
        }
        let carried = liar.carries(c.ends.map(|spot| spot.host));
        carried.map(|late_ms| (late_ms, bytes)).into_iter().collect()
    }

    /// What reaches the machine at `end`, where a liar may listen.
    pub(super) fn heard(
        &mut self,
        id: u64,
        end: usize,
        bytes: Vec<u8>,
        now: Timestamp,
    ) -> Option<Vec<u8>> {
        let c = self.connections.get(&id)?;
        let Some((_, liar)) = self.liar.as_mut().filter(|(at, _)| *at == c.ends[end].host) else {
            return Some(bytes);
        };
        let Heard { passed, replies } = liar.hears(c.ends[1 - end].host, bytes, now);
        let hangs_up = liar.hangs_up();
        for bytes in replies {
            let at = self.arrival(id, 1 - end, now, 0);
            self.later.push((at, Travel::Frame { connection: id, end: 1 - end, bytes }));
        }
        if hangs_up {
            self.close(id, now);
            return None;
        }
        passed
    }

    /// How many times something sent by `host` arrives.
    fn copies(&mut self, host: HostId) -> usize {
        if self.mute == Some(host) || self.chance.happens(self.weather.loss) {
            return 0;
        }
        1 + usize::from(self.chance.happens(self.weather.duplicate))
    }

    /// When a frame that is sent now arrives: behind those before it, unless the weather reorders.
    fn arrival(&mut self, id: u64, end: usize, now: Timestamp, late_ms: u64) -> Timestamp {
        let mut at = now.plus(self.delay()).plus(late_ms);
        let late = self.chance.happens(self.weather.reorder);
        if late {
            at = at.plus(self.chance.below(self.weather.reorder_ms));
        }
        let late = late || late_ms > 0;
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
