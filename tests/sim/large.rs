//! Circles of many members (D-4, R-20 to R-22): openings larger than what gossip carries.

use std::time::Instant;

use harness::{ANNA, World};

use crate::number;

/// P1, P3, P7
#[test]
fn large_circles_meet_talk_and_remove() {
    let members = usize::try_from(number("SIM_MEMBERS", 20)).expect("few");
    let began = Instant::now();
    let mut world = World::calm_circle(1, members, 2);
    println!(
        "{members} in after {:?}, {} s",
        began.elapsed(),
        world.now.since(harness::world::BEGINNING) / 1000
    );
    world.verdict().expect("every promise is kept");
    for host in 0..members {
        world.say(host, "here");
        world.run_for(2_000);
    }
    println!("said after {:?}", began.elapsed());
    world.calm().expect("every promise is kept");
    println!("calm after {:?}", began.elapsed());
    assert_eq!(world.texts(ANNA).len(), members);
}
