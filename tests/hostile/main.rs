//! What hostile peers, relays, members and holders of codes can send (H-n), against the real machines.

mod fuzzed;
mod joining;
mod lengths;
mod member;
mod relay;
mod seeds;
