//! A Hearthlight node: the protocol's machines with sockets, a disk and a clock.

// Only the person's room speaks: a node that prints writes into somebody's screen.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod address;
pub mod api;
pub mod config;
mod driver;
pub mod error;
pub mod home;
mod network;
pub mod relay;
mod storage;
mod vault;

pub use driver::{Events, Failure, Handle, Node};
pub use error::NodeError;
pub use network::NetworkState;
