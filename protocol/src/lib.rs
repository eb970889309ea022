//! The Hearthlight protocol as machines: no sockets, no clock, no chance, no disk, no threads.

mod admission;
mod batch;
pub mod boundary;
pub mod circle;
pub mod crypto;
pub mod envelope;
pub mod error;
mod exchange;
#[cfg(feature = "sim")]
pub mod fuzz;
pub mod identity;
pub mod invite;
pub mod mailbox;
pub mod member;
pub mod message;
pub mod planted;
pub mod relay;
pub mod signed;
pub mod template;
pub mod threshold;
pub mod wire;
mod words;

pub use admission::is_name;
