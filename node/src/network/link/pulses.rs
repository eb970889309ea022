//! When connections are pinged besides the quiet ones, and when they are dead.

use std::time::{Duration, Instant, SystemTime};

use super::{super::pulse::Missed, Task};

impl Task<'_> {
    /// Pings where something was said and nothing came since, and all relays after a sleep of the computer: a
    /// cut is noticed while people talk, without frequent pings while they do not.
    pub(super) fn look_after(&mut self, now: Instant) {
        let slept = self.awake.slept(now, SystemTime::now());
        for (id, neighbor) in &self.peers {
            let Some(session) = &neighbor.session else {
                continue;
            };
            let Some(connection) = self.connections.get(&session.outbound) else {
                continue;
            };
            // A relay pings nobody for this: by a connection that is dead it loses only room.
            let (direct, circuit) = (connection.relay_at.is_some(), connection.over.is_some());
            // Between members whoever was asked has the last word; what a member says to a relay is answered.
            let owed = (direct || circuit) && session.moved.take_owed(OWED, circuit);
            if owed || slept && direct {
                let protocols = self.swarm.behaviour_mut();
                let pulse =
                    if circuit { &mut protocols.circuit_pulse } else { &mut protocols.pulse };
                pulse.inner_mut().ask(*id, session.outbound);
            }
        }
    }

    pub(super) fn on_missed(&mut self, missed: &Missed) {
        let neighbor = self.peers.get(&missed.peer);
        let session = neighbor.and_then(|n| n.session.as_ref());
        // On a slow link an answer waits behind what is being sent.
        let still = session.is_none_or(|s| s.moved.still_for() >= STILL);
        if still && missed.in_a_row >= MISSES {
            tracing::debug!("a connection is dead");
            self.close(missed.connection);
        }
    }
}

/// Two clocks, of which one stands still while the computer sleeps.
#[derive(Debug)]
pub(super) struct Awake {
    ran: Instant,
    wall: SystemTime,
}

impl Awake {
    pub(super) fn now() -> Self {
        Self { ran: Instant::now(), wall: SystemTime::now() }
    }

    /// Whether the computer slept since this was asked last.
    fn slept(&mut self, now: Instant, wall: SystemTime) -> bool {
        let ran = now.saturating_duration_since(self.ran);
        let passed = wall.duration_since(self.wall).unwrap_or_default();
        (self.ran, self.wall) = (now, wall);
        passed > ran + SLEEP
    }
}

/// A line on which nothing moved for so long, and whose pings fail, is dead: 128 KiB, after which
/// yamux reports progress, take as long at 35 kbit/s.
const STILL: Duration = Duration::from_secs(30);
/// Pings in a row without an answer before a line is dead: TCP says again what one lost packet held.
const MISSES: u32 = 2;
/// How long after something was said, and nothing came, a ping goes: longer than the machine gives an answer
/// before it asks again (3 s), since not all that is said has an answer.
const OWED: Duration = Duration::from_secs(4);
/// A shorter sleep ends no connection. A clock that is set this far ahead costs one ping.
const SLEEP: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_shows_once_by_the_clock_on_the_wall() {
        let (start, wall) = (Instant::now(), SystemTime::now());
        let mut awake = Awake { ran: start, wall };
        let after = Duration::from_secs;
        assert!(!awake.slept(start + after(60), wall + after(60)), "it only ran");
        assert!(awake.slept(start + after(61), wall + after(120)));
        assert!(!awake.slept(start + after(62), wall + after(121)), "that was told");
        assert!(!awake.slept(start + after(63), wall), "a clock that is set back");
    }
}
