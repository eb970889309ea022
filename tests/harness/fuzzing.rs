//! What the fuzzer does: one plain function a target, from any bytes to a judgement.
//!
//! They run in two ways. `tests/fuzz` hands them to libFuzzer, for as long as somebody likes. The gate
//! (`tests/hostile`) replays the corpora that lie there and goes on from them for some seconds, with a
//! generator of its own and any compiler.
//!
//! A target that takes one form gives the bytes to whoever reads it on the wire. Of one that drives a
//! machine the bytes are a [`script::Script`]: what Mallory does next, and what she says.

mod charter;
mod forms;
mod member;
mod mutate;
mod relay;
mod script;

pub use member::Insider;
pub use mutate::{Corpus, corpora};
pub use relay::relay_at_an_end_of_time;

/// A target by its name, which is that of its corpus too.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name.
    pub name: &'static str,
    /// Takes anything; panics if a promise is broken.
    pub run: fn(&[u8]),
    /// How the names of the wire vectors begin that are inputs of it too.
    pub forms: &'static [&'static str],
    /// How many changed inputs the gate tries: as many as take about two seconds.
    pub tries: u32,
}

/// All of them.
pub const TARGETS: [Target; 19] = [
    target("packet", forms::packet, &["packet"], 20_000),
    target("frame", forms::frame, &["frame"], 20_000),
    target("message", forms::message, &["message"], 20_000),
    target("seen", forms::seen, &[], 20_000),
    target("board", forms::board, &["board"], 20_000),
    target("helping", forms::helping, &["ask", "heads", "help"], 20_000),
    target("operation", forms::operation, &["operation"], 20_000),
    target("body", forms::body, &[], 20_000),
    target("opening", forms::opening, &["opening"], 20_000),
    target("card", forms::card, &["card"], 5_000),
    target(
        "rendezvous",
        forms::rendezvous,
        &["join-card", "closing-note", "refusal", "request", "welcome"],
        20_000,
    ),
    target("code", forms::code, &[], 2_000),
    target("address", forms::address, &[], 10_000),
    target("envelope", forms::envelope, &["envelope"], 10_000),
    target("sealed-frame", forms::sealed_frame, &[], 5_000),
    target("charter", charter::script, &[], 200),
    target("relay", relay::script, &[], 400),
    target("hostile-relay", member::relay_script, &[], 150),
    target("hostile-member", member::member_script, &[], 150),
];

const fn target(
    name: &'static str,
    run: fn(&[u8]),
    forms: &'static [&'static str],
    tries: u32,
) -> Target {
    Target { name, run, forms, tries }
}

/// The target of a name.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn named(name: &str) -> Target {
    let found = TARGETS.iter().find(|target| target.name == name);
    *found.unwrap_or_else(|| panic!("there is no target {name}"))
}
