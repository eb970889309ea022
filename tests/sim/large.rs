//! Circles of many members (D-4, R-20 to R-22): openings larger than what gossip carries, which are announced and
//! fetched.

use harness::governing::Govern;
use harness::{ANNA, BEN, World};

use crate::number;

/// What one circle of 50 members with 20 live epochs may take, bytes.
const MOST_MEMORY: u64 = 10 << 20;

/// P1, P3, P7, R-21, R-33: members join, talk and are removed; 20 of them open an epoch each.
#[test]
fn a_large_circle_meets_talks_and_removes() {
    const REFRESHES: usize = 20;
    let members = usize::try_from(number("SIM_MEMBERS", 24)).expect("few");
    let mut world = World::calm_circle(1, members, 2);
    world.verdict().expect("every promise is kept");
    for host in 0..members {
        world.say(host, "here");
        world.run_for(1_000);
    }
    let last = members - 1;
    world.govern(ANNA, Govern::Remove(last));
    world.run_for(10_000);
    for by in 1..=REFRESHES.min(members - 2) {
        world.govern(by, Govern::Refresh);
        world.run_for(10_000);
    }
    world.say(BEN, "without somebody");
    let ms = world.calm().expect("every promise is kept");
    for host in 0..last {
        assert_eq!(world.texts(host).len(), members + 1, "host {host}");
    }
    assert_eq!(world.texts(last).len(), members);
    let (live, memory) = (world.sizes()["live epochs"], world.memory_of(BEN));
    println!("{members} members, {live} live epochs: {memory} bytes; calm after {ms} ms");
    assert!(live >= REFRESHES.min(members - 2));
    assert!(memory <= MOST_MEMORY, "{memory} bytes");
}
