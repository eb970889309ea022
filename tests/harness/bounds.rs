//! Bounded state (P7): what a member's node holds has limits, and does not grow with time.

use std::collections::BTreeMap;

use hearthlight_protocol::boundary::{SlotKind, Store};

use crate::HostId;
use crate::machine::{Machine, Part};
use crate::world::World;

/// The most of each thing that one node may hold (R-17, R-26, R-29 and the limits of the specification).
pub(crate) const LIMITS: [(&str, usize); 13] = [
    ("live epochs", 64),
    ("boards", 64),
    ("cards of one's own", 64),
    // Boards, epochs whose envelopes are still served, and rendezvous of live invites.
    ("mailboxes", 64 + 128 + 64),
    ("stuck frames", 1_024),
    ("stuck cards", 1_024),
    ("stuck openings", 32),
    // Beside these, what valid openings name that nothing else supersedes.
    ("waiting openings", 256 + 64),
    ("epoch keys", 64),
    ("board keys", 64),
    ("card keys", 64),
    // What two relays take for the circle's token, 64 MiB each, and what members keep of it.
    ("KiB of rows", 200 << 10),
    // What it takes for the token, and what lies around it.
    ("KiB at a relay", 80 << 10),
];
/// What a circle of many months has no more of than one of few weeks.
const LEVEL: [&str; 7] = [
    "live epochs",
    "cards of one's own",
    "stuck frames",
    "stuck cards",
    "stuck openings",
    "epoch keys",
    "card keys",
];
/// Evenings from which on growth is told from chance, and what counts as chance.
const EVENINGS: usize = 8;
const CHANCE: usize = 6;

/// Bytes of this process that are in memory.
fn resident() -> u64 {
    const PAGE: u64 = 4_096;
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux tells");
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.expect("a number of pages") * PAGE
}

/// How much of each thing the node holds that holds most of it.
pub type Sizes = BTreeMap<&'static str, usize>;

impl World {
    /// Bytes of memory that a host's machine needs, its store left out: the mean of many machines that are
    /// restored beside it. A first round fills what the allocator has kept.
    ///
    /// # Panics
    /// If a store cannot be read, or this computer does not tell how much memory a process has.
    pub fn memory_of(&mut self, host: HostId) -> u64 {
        const TIMES: usize = 30;
        let (machines, now) = (self.machines, self.now);
        let mut round = || -> Vec<Box<dyn Machine>> {
            let one = |_| self.hosts[host].another(machines, now).expect("it was saved");
            (0..TIMES).map(one).collect()
        };
        let first = round();
        let before = resident();
        let second = round();
        let grown = resident().saturating_sub(before);
        drop((first, second));
        grown / TIMES as u64
    }

    /// The most that an honest member's node, or a relay, holds of each thing.
    pub fn sizes(&self) -> Sizes {
        let mut sizes = Sizes::new();
        let relays = self.hosts.iter().filter(|host| host.part == Part::Relay);
        let kib = relays.map(|relay| relay.store.bytes() >> 10).max();
        sizes.insert("KiB at a relay", kib.unwrap_or_default());
        let hosts = self.hosts.iter().enumerate().filter(|(_, host)| host.part == Part::Member);
        let honest = hosts.filter(|(number, _)| !self.forged.by.contains(number));
        for (number, host) in honest {
            let inside = self.inside_of(number).map(|inside| inside.sizes).unwrap_or_default();
            let slots = host.store.secrets();
            let slots = |kind| slots.iter().filter(|(slot, _)| slot.kind == kind).count();
            let keys = [
                ("epoch keys", slots(SlotKind::Epoch)),
                ("board keys", slots(SlotKind::Board)),
                ("card keys", slots(SlotKind::Card)),
                ("rows", host.store.len()),
                ("KiB of rows", host.store.bytes() >> 10),
            ];
            for (name, size) in inside.into_iter().chain(keys) {
                let most = sizes.entry(name).or_default();
                *most = size.max(*most);
            }
        }
        sizes
    }

    /// P7: nothing is held beyond its limit. Where not all is `calm`, a batch that was torn has left keys.
    pub(crate) fn judge_limits(&mut self, calm: bool) {
        let sizes = self.sizes();
        for (name, limit) in LIMITS {
            if !calm && name.ends_with(" keys") {
                continue;
            }
            // While no machine is up, none says what it holds.
            let held = sizes.get(name).copied().unwrap_or_default();
            if held > limit {
                self.oracle.broke("P7", format!("a node holds {held} {name}, at most {limit}"));
            }
        }
    }

    /// P7: limits, and that nothing grows from evening to evening.
    pub(crate) fn judge_sizes(&mut self) {
        self.judge_limits(true);
        let evenings = &self.evenings;
        if evenings.len() < EVENINGS {
            return;
        }
        let most = |evenings: &[Sizes], name| {
            evenings.iter().filter_map(|sizes| sizes.get(name)).max().copied().unwrap_or_default()
        };
        let (early, late) = evenings.split_at(evenings.len() / 2);
        let grows = LEVEL.iter().map(|name| (*name, most(early, name), most(late, name)));
        let grown = grows.clone().find(|(_, before, after)| *after > before + CHANCE);
        if let Some((name, before, after)) = grown {
            self.oracle.broke("P7", format!("nodes hold {after} {name}, and held {before} before"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_all_that_has_a_limit_it_is_told_how_much_is_held() {
        let sizes = World::calm_circle(1, 2, 1).sizes();
        for (name, _) in LIMITS {
            assert!(sizes.contains_key(name), "nobody reports {name}");
        }
    }
}
