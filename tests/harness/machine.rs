//! The machines as a world drives them, and how their homes are set up. What has to change when the
//! machines' own signatures do, stands here.

use hearthlight_protocol::boundary::{
    Env, Input, KeySlot, Output, RelayAddress, RelayCard, SlotKind, Timestamp,
};
use hearthlight_protocol::crypto::{KeyPair, Secret};
use hearthlight_protocol::error::RestoreError;
use hearthlight_protocol::identity::{CircleId, Peer};
use hearthlight_protocol::member::Member;
use hearthlight_protocol::member::sim::{Inside, Keys, Posting};
use hearthlight_protocol::relay::token::{Grant, chain};
use hearthlight_protocol::relay::{Relay, RelayConfig};

use crate::store::MemoryStore;
use crate::toy;

/// What a world needs of a machine.
pub trait Machine {
    /// Takes all inputs that came, gives one batch.
    fn handle(&mut self, env: &mut Env<'_>, inputs: Vec<Input>) -> Vec<Output>;
    /// When to call [`Self::handle`] again at the latest.
    fn next_wake(&self) -> Option<Timestamp>;
    /// What a member's machine holds of a circle.
    fn inside(&self, _circle: &CircleId) -> Option<Inside> {
        None
    }
    /// What a hostile member's program could sign and seal with.
    fn keys(&self, _circle: &CircleId) -> Option<Keys> {
        None
    }
    /// Posts what it forged.
    fn post(&mut self, _circle: &CircleId, _postings: Vec<Posting>) -> Vec<Output> {
        Vec::new()
    }
    /// A relay's operator adds an admission token; the batch is carried out as any other.
    fn add_token(&mut self, _env: &mut Env<'_>, _token: [u8; 16]) -> Vec<Output> {
        Vec::new()
    }
}

impl Machine for Member {
    fn handle(&mut self, env: &mut Env<'_>, inputs: Vec<Input>) -> Vec<Output> {
        self.handle(env, inputs)
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.next_wake()
    }

    fn inside(&self, circle: &CircleId) -> Option<Inside> {
        self.inside(circle)
    }

    fn keys(&self, circle: &CircleId) -> Option<Keys> {
        self.keys(circle)
    }

    fn post(&mut self, circle: &CircleId, postings: Vec<Posting>) -> Vec<Output> {
        self.post(circle, postings)
    }
}

impl Machine for Relay {
    fn handle(&mut self, env: &mut Env<'_>, inputs: Vec<Input>) -> Vec<Output> {
        self.handle(env, inputs)
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.next_wake()
    }

    fn add_token(&mut self, env: &mut Env<'_>, token: [u8; 16]) -> Vec<Output> {
        let grant =
            Grant { link: chain(&token, 0), label: String::new(), quota: None, expires: None };
        self.add_token(grant, env.now).map(|(_, outputs)| outputs).unwrap_or_default()
    }
}

/// Which machines a world runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Machines {
    /// Those that people run.
    #[default]
    Real,
    /// Small ones without secrets, which test the world itself.
    Toy,
}

/// What a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A member's device.
    Member,
    /// A relay.
    Relay,
}

impl Machines {
    /// The machine as it was saved in `env.store`.
    ///
    /// # Errors
    /// As the machine says.
    pub fn restore(
        self,
        part: Part,
        root: &[u8; 32],
        env: &mut Env<'_>,
    ) -> Result<Box<dyn Machine>, RestoreError> {
        Ok(match (self, part) {
            (Self::Real, Part::Member) => Box::new(Member::restore(env)?),
            (Self::Real, Part::Relay) => Box::new(Relay::restore(env, relay_config(root))?),
            (Self::Toy, Part::Member) => Box::new(toy::ToyMember::restore(env)),
            (Self::Toy, Part::Relay) => Box::new(toy::ToyRelay::restore(env)),
        })
    }
}

/// A store as `setup` leaves it: nothing but the root secret; a relay's is the seed of its key.
#[must_use]
pub fn new_home(root: [u8; 32]) -> MemoryStore {
    let mut store = MemoryStore::default();
    let slot = KeySlot { kind: SlotKind::Root, owner: [0; 32], id: [0; 32] };
    store.set_up(slot, Secret::new(root.to_vec()));
    store
}

/// The key of the relay whose root secret this is.
#[must_use]
pub fn relay_peer(root: &[u8; 32]) -> Peer {
    Peer(KeyPair::from_seed(root).public())
}

/// Where the relay with this number is dialed: `/ip4/10.0.0.n/tcp/4001`.
#[must_use]
pub fn relay_multiaddr(number: u8) -> Vec<u8> {
    vec![0x04, 10, 0, 0, number, 0x06, 0x0f, 0xa1]
}

/// How a host of the circle knows a relay.
#[must_use]
pub fn relay_address(number: u8, key: Peer, token: [u8; 16]) -> RelayAddress {
    RelayAddress { addresses: vec![relay_multiaddr(number)], key, token: Some(token) }
}

fn relay_config(root: &[u8; 32]) -> RelayConfig {
    const DAY_S: u64 = 86_400;
    RelayConfig {
        card: RelayCard {
            operator: "Hope".into(),
            mode: "token".into(),
            age_s: 30 * DAY_S,
            quota_bytes: 64 << 20,
            version: "sim".into(),
            ..RelayCard::default()
        },
        ..RelayConfig::new(root)
    }
}
