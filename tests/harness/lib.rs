//! The world that runs the machines: hosts, a network, a clock and chance, all out of one seed.
//!
//! ```text
//! storm ──► people ──► world ──► host (store, machine)      what persons do, over who drives machines
//!                        │  └──► link  (network)
//!                        └─────► oracle, reference          what must never be seen
//! ```
//! A [`World`] is one thread and one virtual clock. Whatever happens, happens in the order of (time,
//! sequence), and each happening goes into a running hash, so a seed is all that a replay needs.

pub mod bounds;
pub mod chance;
pub mod fault;
pub mod forge;
pub mod fuzzing;
pub mod governing;
pub mod homes;
pub mod host;
pub mod liar;
pub mod link;
pub mod machine;
pub mod mallory;
pub mod netns;
pub mod oracle;
mod people;
pub mod process;
pub mod queue;
pub mod reference;
pub mod secrecy;
pub mod store;
pub mod storm;
pub mod stranger;
pub mod toy;
pub mod world;

pub use fault::{Faults, Weather};
pub use machine::Machines;
pub use oracle::Broken;
pub use storm::{Changes, Report, StormConfig, first_broken, run_storms, shrink};
pub use world::World;

/// A host's number in its world.
pub type HostId = usize;

/// What whoever runs a test asked for in the environment, as `SIM_SEEDS`.
#[must_use]
pub fn number(name: &str, default: u64) -> u64 {
    let set = std::env::var(name).ok().and_then(|text| text.parse().ok());
    set.unwrap_or(default)
}

/// Who founds every circle.
pub const ANNA: HostId = 0;
/// A member.
pub const BEN: HostId = 1;
/// A member.
pub const CHRIS: HostId = 2;
/// A member.
pub const DANA: HostId = 3;
/// A member.
pub const EVE: HostId = 4;
/// A member.
pub const FINN: HostId = 5;
