//! Small worlds, all of them: a model checker walks every state that the pure functions can come to.

mod charters;
mod epochs;

/// How large a world: as the gate has time for, or as this variable says.
#[expect(clippy::disallowed_methods, reason = "a test may be told to go on for longer")]
fn most<N: std::str::FromStr>(variable: &str, gate: N) -> N {
    std::env::var(variable).ok().and_then(|most| most.parse().ok()).unwrap_or(gate)
}
