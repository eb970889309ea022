//! The local API (U-100): one route table of HTTP and JSON over the node of one home.
//!
//! `routes` is the table; it knows nothing of sockets, and the same table serves the Unix socket
//! (`socket`: this user's processes) and the page on loopback TCP (`page`: who comes with a token);
//! `server` holds all together.
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
mod idle;
mod invites;
mod joins;
mod journal;
mod kept;
mod limits;
mod messages;
mod once;
mod openapi;
mod page;
mod problem;
mod routes;
mod running;
mod server;
mod settings;
mod setup;
mod socket;
mod views;
mod votes;
mod wait;
mod waiting;

pub use doctor::{Check, without_node};
pub use page::{File, Site};
pub use problem::{KINDS, Kind, kind};
pub use server::{Options, Server};
