//! The world is tested with toys: what it does to them they survive, and faults planted are found.

use hearthlight_protocol::boundary::Room;

use crate::storm::{StormConfig, first_broken, run_storms};
use crate::{ANNA, BEN, CHRIS, DANA, Faults, Machines, World};

fn toys() -> StormConfig {
    StormConfig { machines: Machines::Toy, ..StormConfig::default() }
}

fn found_out(faults: Faults) -> &'static str {
    let config = StormConfig { faults, ..toys() };
    first_broken(6, &config).expect("somebody notices").promise
}

#[test]
fn a_quiet_circle_delivers_every_word_to_everybody() {
    let mut world = World::calm_circle_of(Machines::Toy, 1, 4, 3, 1);
    world.say(BEN, "before Dana came");
    world.run_for(60_000);
    world.begin_join(DANA);
    world.run_for(60_000);
    world.say(ANNA, "to all four");
    world.calm().expect("every promise is kept");
    assert_eq!(world.texts(CHRIS), ["say 00000 before Dana came", "say 00001 to all four"]);
    assert_eq!(world.texts(DANA), ["say 00001 to all four"]);
}

#[test]
fn storms_of_toys_lose_nothing() {
    let report = run_storms(1, 6, &toys());
    println!("{report}");
    assert!(report.broken.is_empty(), "{report}");
}

#[test]
fn the_same_seed_gives_the_same_storm() {
    let trace = |seed| {
        let mut world = World::storm(seed, &toys());
        world.calm().expect("every promise is kept");
        world.trace
    };
    assert_eq!(trace(7), trace(7));
    assert_ne!(trace(7), trace(8));
}

#[test]
fn a_store_that_forgets_is_found_out() {
    let faults = Faults { forget: Some((Room::Messages, 0.05)), ..Faults::default() };
    found_out(faults);
}

#[test]
fn a_driver_that_sends_before_it_saves_is_found_out() {
    let faults = Faults { sends_first: 0.01, ..Faults::default() };
    found_out(faults);
}

#[test]
fn a_relay_that_does_not_keep_what_it_acknowledged_is_found_out() {
    let faults = Faults { lying_relays: true, ..Faults::default() };
    assert_eq!(found_out(faults), "P2");
}

#[test]
fn a_member_whom_nobody_can_hear_is_found_out() {
    let faults = Faults { mute: Some(BEN), ..Faults::default() };
    assert_eq!(found_out(faults), "P1");
}
