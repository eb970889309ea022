//! The local API (U-100): one route table of HTTP and JSON over the node of one home.
//!
//! `routes` is the table; it knows nothing of sockets, so that the same table can serve a page on
//! loopback TCP. `socket` is the Unix socket and who may use it; `server` holds both together.
//! A request goes through the limits (`limits`), is read (`asked`), finds what a person means
//! (`find`), asks the node (`desk`), maybe waits for something to happen (`wait`), and is answered
//! by a view (`views`) or a problem (`problem`).
mod asked;
mod circles;
mod desk;
mod doctor;
mod events;
mod find;
mod governing;
mod invites;
mod joins;
mod limits;
mod messages;
mod once;
mod problem;
mod routes;
mod running;
mod server;
mod socket;
mod views;
mod votes;
mod wait;
mod waiting;

pub use doctor::{Check, without_node};
pub use problem::{KINDS, Kind, kind};
pub use server::{Options, Server};
