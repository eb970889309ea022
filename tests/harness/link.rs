//! The network: who is connected with whom, and what becomes of what they send.
//!
//! Sans-IO as the machines are. The world hands in outputs and the travels that have come due; the
//! network leaves inputs for hosts in `arrivals`, and travels still to come in `later`.

use std::collections::{BTreeMap, BTreeSet};

use hearthlight_protocol::boundary::{Contact, Input, Judgement, Link, Output, Timestamp, Topic};
use hearthlight_protocol::crypto::KeyPair;
use hearthlight_protocol::identity::Peer;

use crate::HostId;
use crate::chance::Chance;
use crate::fault::Weather;
use crate::liar::Liar;

mod carry;
#[cfg(test)]
mod tests;

use carry::gossip_id;

/// Frames on their way on one side of a connection; more, and the driver drops it. A guess.
pub const QUEUE_FRAMES: usize = 1_024;
/// The link that a relay's machine speaks on.
pub const RELAY_LINK: Link = Link(0);

/// One host on one link: one swarm, with a key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// Whose.
    pub host: HostId,
    /// Which.
    pub link: Link,
}

/// Something on its way.
#[derive(Debug)]
pub enum Travel {
    /// A dial that is due.
    Dial {
        /// By whom.
        from: Spot,
        /// Whom.
        to: Contact,
        /// Which of this contact's dials; any other is void.
        dial: u64,
    },
    /// A frame.
    Frame {
        /// On which connection.
        connection: u64,
        /// To which of its ends.
        end: usize,
        /// The frame.
        bytes: Vec<u8>,
    },
    /// A gossiped envelope.
    Gossip {
        /// On which connection.
        connection: u64,
        /// To which of its ends.
        end: usize,
        /// Under which topic.
        topic: Topic,
        /// The envelope.
        bytes: Vec<u8>,
    },
}

#[derive(Debug)]
struct Swarm {
    peer: Peer,
    /// Contacts with the number of failed dials, and the dial that is due or last was.
    contacts: BTreeMap<Contact, (u32, u64)>,
    topics: BTreeSet<Topic>,
    seen: BTreeMap<[u8; 32], Timestamp>,
    /// Gossip that waits for its verdict.
    held: BTreeMap<u64, Held>,
}

#[derive(Debug)]
struct Held {
    topic: Topic,
    bytes: Vec<u8>,
    from: u64,
    since: Timestamp,
}

#[derive(Debug)]
struct Connection {
    ends: [Spot; 2],
    /// Their keys, as each end learned the other's.
    peers: [Peer; 2],
    /// The relay's host, if this is a circuit.
    through: Option<HostId>,
    /// By end: when the last frame in order arrives there, and how many are on their way.
    last: [Timestamp; 2],
    on_their_way: [usize; 2],
}

#[derive(Debug)]
struct RelaySite {
    address: Vec<u8>,
    peer: Peer,
}

/// All swarms and connections of a world.
#[derive(Debug)]
pub struct Network {
    /// What it does to what it carries.
    pub weather: Weather,
    /// A host of whose sendings nothing arrives (a planted fault).
    pub mute: Option<HostId>,
    /// A relay that lies, and who lies there.
    pub liar: Option<(HostId, Liar)>,
    /// Every frame that somebody sent, once this is there (inputs of the fuzzer come from real runs).
    pub tap: Option<Vec<Vec<u8>>>,
    pub(crate) arrivals: Vec<(HostId, Input)>,
    pub(crate) later: Vec<(Timestamp, Travel)>,
    /// Most frames that were ever on their way on one side of a connection.
    pub(crate) longest_queue: usize,
    sites: BTreeMap<HostId, RelaySite>,
    swarms: BTreeMap<Spot, Swarm>,
    connections: BTreeMap<u64, Connection>,
    /// Which side of a cut each host is on; those not named are on side 0.
    sides: BTreeMap<HostId, u32>,
    next: u64,
    chance: Chance,
}

impl Network {
    /// A network without anybody.
    #[must_use]
    pub fn new(chance: Chance) -> Self {
        Self {
            weather: Weather::default(),
            mute: None,
            liar: None,
            tap: None,
            arrivals: Vec::new(),
            later: Vec::new(),
            longest_queue: 0,
            sites: BTreeMap::new(),
            swarms: BTreeMap::new(),
            connections: BTreeMap::new(),
            sides: BTreeMap::new(),
            next: 0,
            chance,
        }
    }

    /// Says where a relay is dialed and with what key it answers.
    pub fn add_relay(&mut self, host: HostId, address: Vec<u8>, peer: Peer) {
        self.sites.insert(host, RelaySite { address, peer });
    }

    /// A host runs. Members' swarms begin with the first mention of a link; a relay's stands at once.
    pub fn start(&mut self, host: HostId) {
        if let Some(site) = self.sites.get(&host) {
            let swarm = Swarm::new(site.peer);
            self.swarms.insert(Spot { host, link: RELAY_LINK }, swarm);
        }
    }

    /// A host is gone: so are its swarms, and the others' connections with it.
    pub fn stop(&mut self, host: HostId, now: Timestamp) {
        let spots: Vec<Spot> = self.swarms.keys().copied().filter(|s| s.host == host).collect();
        for spot in spots {
            self.swarms.remove(&spot);
            self.close_where(now, |c| c.ends.contains(&spot));
        }
    }

    /// Cuts the hosts apart that are on different sides; an empty map heals every cut.
    pub fn cut(&mut self, sides: BTreeMap<HostId, u32>, now: Timestamp) {
        self.sides = sides;
        let torn: Vec<u64> = self
            .connections
            .iter()
            .filter(|(_, c)| self.apart(c.ends[0].host, c.ends[1].host))
            .map(|(id, _)| *id)
            .collect();
        for id in torn {
            self.close(id, now);
        }
    }

    /// Breaks each connection with this probability.
    pub fn break_some(&mut self, probability: f64, now: Timestamp) {
        let ids: Vec<u64> = self.connections.keys().copied().collect();
        for id in ids {
            if self.chance.happens(probability) {
                self.close(id, now);
            }
        }
    }

    /// Carries out one output of a host's machine; those that are not for the network do nothing.
    pub fn carry_out(&mut self, host: HostId, output: Output, now: Timestamp) {
        match output {
            Output::Connect { link, to } => self.connect(Spot { host, link }, to, now),
            Output::Leave { link, to } => self.leave(Spot { host, link }, &to, now),
            Output::Disconnect { link, peer, .. } => {
                if let Some(id) = self.connection(Spot { host, link }, |p| *p == peer) {
                    self.close(id, now);
                }
            }
            Output::Forget { link } => {
                let spot = Spot { host, link };
                self.swarms.remove(&spot);
                self.close_where(now, |c| c.ends.contains(&spot));
            }
            Output::Send { link, peer, bytes } => self.send(Spot { host, link }, peer, bytes, now),
            Output::Subscribe { link, topic } => {
                self.swarm(Spot { host, link }).topics.insert(topic);
            }
            Output::Unsubscribe { link, topic } => {
                if let Some(swarm) = self.swarms.get_mut(&Spot { host, link }) {
                    swarm.topics.remove(&topic);
                }
            }
            Output::Publish { link, topic, bytes } => {
                let spot = Spot { host, link };
                let id = gossip_id(topic, &bytes);
                if self.swarm(spot).seen.insert(id, now).is_none() {
                    self.forward(spot, None, topic, &bytes, now);
                }
            }
            Output::Verdict { link, id, judgement } => {
                let spot = Spot { host, link };
                let held = self.swarms.get_mut(&spot).and_then(|swarm| swarm.held.remove(&id));
                if let (Some(held), Judgement::Accept) = (held, judgement) {
                    self.forward(spot, Some(held.from), held.topic, &held.bytes, now);
                }
            }
            _ => {}
        }
    }

    /// A travel has come to its end.
    pub fn arrive(&mut self, travel: Travel, now: Timestamp) {
        match travel {
            Travel::Dial { from, to, dial } => self.dial(from, to, dial, now),
            Travel::Frame { connection, end, bytes } => {
                let Some(c) = self.connections.get_mut(&connection) else {
                    return;
                };
                c.on_their_way[end] = c.on_their_way[end].saturating_sub(1);
                let (to, peer) = (c.ends[end], c.peers[1 - end]);
                let Some(bytes) = self.heard(connection, end, bytes, now) else { return };
                let input = Input::Frame { link: to.link, peer, bytes };
                self.arrivals.push((to.host, input));
            }
            Travel::Gossip { connection, end, topic, bytes } => {
                self.gossip(connection, end, topic, bytes, now);
            }
        }
    }

    /// How many connections stand.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// A host that has left gossip without a verdict for longer than `ms`, if there is one.
    #[must_use]
    pub fn unjudged(&self, ms: u64, now: Timestamp) -> Option<HostId> {
        let late = |swarm: &Swarm| swarm.held.values().any(|held| now.since(held.since) > ms);
        self.swarms.iter().find(|(_, swarm)| late(swarm)).map(|(spot, _)| spot.host)
    }

    // Contacts and connections

    fn connect(&mut self, spot: Spot, to: Contact, now: Timestamp) {
        let contacts = &mut self.swarm(spot).contacts;
        if !contacts.contains_key(&to) {
            contacts.insert(to.clone(), (0, 0));
            self.plan_dial(spot, to, self.weather.delay_ms, now);
        }
    }

    fn leave(&mut self, spot: Spot, to: &Contact, now: Timestamp) {
        self.swarm(spot).contacts.remove(to);
        let Some(id) = self.connection(spot, |peer| fits(to, peer)) else {
            return;
        };
        let peer = self.far_peer(id, spot);
        let wanted = self.swarm(spot).contacts.keys().any(|c| peer.is_some_and(|p| fits(c, &p)));
        if !wanted {
            self.close(id, now);
        }
    }

    fn plan_dial(&mut self, from: Spot, to: Contact, delay: (u64, u64), now: Timestamp) {
        let dial = self.fresh();
        if let Some(contact) = self.swarm(from).contacts.get_mut(&to) {
            contact.1 = dial;
            let at = now.plus(self.chance.between(delay));
            self.later.push((at, Travel::Dial { from, to, dial }));
        }
    }

    fn dial(&mut self, from: Spot, to: Contact, dial: u64, now: Timestamp) {
        let Some(swarm) = self.swarms.get(&from) else {
            return;
        };
        if swarm.contacts.get(&to).is_none_or(|(_, due)| *due != dial)
            || self.connection(from, |peer| fits(&to, peer)).is_some()
        {
            return;
        }
        match self.reach(from, &to) {
            Ok(spot) => self.establish(from, spot, &to, now),
            Err(impostor) => {
                let link = from.link;
                let input = Input::Unreachable { link, to: to.clone(), impostor };
                self.arrivals.push((from.host, input));
                self.back_off(from, to, now);
            }
        }
    }

    /// Who answers there; otherwise whether an impostor did.
    fn reach(&mut self, from: Spot, to: &Contact) -> Result<Spot, bool> {
        if self.chance.happens(self.weather.dial) {
            return Err(false);
        }
        let spot = match to {
            Contact::Relay { addresses, key, .. } => {
                let here = |site: &RelaySite| addresses.contains(&site.address);
                let (host, site) = self.sites.iter().find(|(_, s)| here(s)).ok_or(false)?;
                let spot = Spot { host: *host, link: RELAY_LINK };
                if self.swarms.contains_key(&spot) && !key.fits(&site.peer) {
                    return Err(true);
                }
                spot
            }
            Contact::Circuit { through, to } => {
                let target = self.spot_of(to).ok_or(false)?;
                let near = self.connection(from, |peer| peer == through).is_some();
                let far = self.connection(target, |peer| peer == through).is_some();
                (near && far && self.reserved(target, through)).then_some(target).ok_or(false)?
            }
        };
        let there = self.swarms.contains_key(&spot) && spot.host != from.host;
        (there && !self.apart(from.host, spot.host)).then_some(spot).ok_or(false)
    }

    fn establish(&mut self, from: Spot, to: Spot, contact: &Contact, now: Timestamp) {
        let relay = matches!(contact, Contact::Relay { .. });
        let through = match contact {
            Contact::Relay { .. } => None,
            Contact::Circuit { through, .. } => self.spot_of(through).map(|spot| spot.host),
        };
        if let Some(dialed) = self.swarm(from).contacts.get_mut(contact) {
            dialed.0 = 0;
        }
        let id = self.fresh();
        let ends = [from, to];
        let peers = [self.swarm(from).peer, self.swarm(to).peer];
        let connection = Connection { ends, peers, through, last: [now; 2], on_their_way: [0; 2] };
        self.connections.insert(id, connection);
        self.arrivals.push((from.host, up(from, peers[0], peers[1], relay)));
        self.arrivals.push((to.host, up(to, peers[1], peers[0], false)));
    }

    fn close(&mut self, id: u64, now: Timestamp) {
        let Some(gone) = self.connections.remove(&id) else {
            return;
        };
        for end in 0..2 {
            let (here, peer) = (gone.ends[end], gone.peers[1 - end]);
            let Some(swarm) = self.swarms.get(&here) else {
                continue;
            };
            let again: Vec<Contact> =
                swarm.contacts.keys().filter(|c| fits(c, &peer)).cloned().collect();
            self.arrivals.push((here.host, Input::Down { link: here.link, peer }));
            for contact in again {
                self.back_off(here, contact, now);
            }
        }
        // Circuits through a relay fall with the connection that carried them.
        for (member, relay) in [(gone.ends[0], gone.ends[1]), (gone.ends[1], gone.ends[0])] {
            if self.sites.contains_key(&relay.host) {
                self.close_where(now, |c| {
                    c.through == Some(relay.host) && c.ends.contains(&member)
                });
            }
        }
    }

    fn close_where(&mut self, now: Timestamp, which: impl Fn(&Connection) -> bool) {
        let open = self.connections.iter();
        let ids: Vec<u64> = open.filter(|(_, c)| which(c)).map(|(id, _)| *id).collect();
        for id in ids {
            self.close(id, now);
        }
    }

    fn back_off(&mut self, from: Spot, to: Contact, now: Timestamp) {
        const LONGEST_MS: u64 = 20_000;
        let Some(failed) = self.swarm(from).contacts.get_mut(&to) else {
            return;
        };
        let delay = (500u64 << failed.0.min(10)).min(LONGEST_MS);
        failed.0 += 1;
        self.plan_dial(from, to, (delay, delay * 3 / 2), now);
    }
}

// Who is who
impl Network {
    /// The swarm at `spot`; the first mention of it makes it, with a fresh key.
    fn swarm(&mut self, spot: Spot) -> &mut Swarm {
        let chance = &mut self.chance;
        self.swarms
            .entry(spot)
            .or_insert_with(|| Swarm::new(Peer(KeyPair::from_seed(&chance.bytes()).public())))
    }

    fn spot_of(&self, peer: &Peer) -> Option<Spot> {
        self.swarms.iter().find(|(_, swarm)| swarm.peer == *peer).map(|(spot, _)| *spot)
    }

    fn connection(&self, spot: Spot, who: impl Fn(&Peer) -> bool) -> Option<u64> {
        let with = |c: &Connection| {
            let end = c.ends.iter().position(|end| *end == spot);
            end.is_some_and(|end| who(&c.peers[1 - end]))
        };
        self.connections.iter().find(|(_, c)| with(c)).map(|(id, _)| *id)
    }

    fn far_peer(&self, id: u64, spot: Spot) -> Option<Peer> {
        let c = self.connections.get(&id)?;
        Some(if c.ends[0] == spot { c.peers[1] } else { c.peers[0] })
    }

    /// The link on which a member's host reaches a relay, and that relay.
    pub(crate) fn relay_of(&self, host: HostId) -> Option<(Link, Peer)> {
        let ends = |c: &Connection| {
            let end = c.ends.iter().position(|end| end.host == host)?;
            let relay = self.sites.contains_key(&c.ends[1 - end].host);
            relay.then_some((c.ends[end].link, c.peers[1 - end]))
        };
        self.connections.values().find_map(ends)
    }

    fn reserved(&self, spot: Spot, relay: &Peer) -> bool {
        let asks = |contact: &Contact| match contact {
            Contact::Relay { key, reserve, .. } => *reserve && key.fits(relay),
            Contact::Circuit { .. } => false,
        };
        self.swarms.get(&spot).is_some_and(|swarm| swarm.contacts.keys().any(asks))
    }

    pub(crate) fn apart(&self, a: HostId, b: HostId) -> bool {
        let side = |host| self.sides.get(&host).copied().unwrap_or(0);
        side(a) != side(b)
    }

    fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl Swarm {
    fn new(peer: Peer) -> Self {
        Self {
            peer,
            contacts: BTreeMap::new(),
            topics: BTreeSet::new(),
            seen: BTreeMap::new(),
            held: BTreeMap::new(),
        }
    }
}

/// What a machine is told of a new connection.
fn up(spot: Spot, me: Peer, peer: Peer, relay: bool) -> Input {
    Input::Up { link: spot.link, peer, me, relay }
}

fn fits(contact: &Contact, peer: &Peer) -> bool {
    match contact {
        Contact::Relay { key, .. } => key.fits(peer),
        Contact::Circuit { to, .. } => to == peer,
    }
}
