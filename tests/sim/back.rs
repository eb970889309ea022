//! Coming back after long.

use harness::{ANNA, BEN, CHRIS, DANA, World};
use hearthlight_protocol::boundary::Command;
use hearthlight_protocol::identity::MemberId;
use hearthlight_protocol::planted::Planted;

use crate::terms::member;

const DAY: u64 = 86_400_000;
/// Eve belongs from the beginning, Finn comes while Dana is away.
const EVE: usize = 4;
const FINN: usize = 5;

/// P1, P3, R-17, R-27, R-29, R-45, R-64: Dana is away for 90 days; relays forget after 30, epochs end
/// after 7, two members are removed meanwhile, and one comes. Dana comes back by itself: it reads all
/// that is kept, from before it was known to others as gone to the last day, and is read.
#[test]
fn who_was_away_for_ninety_days_comes_back_by_itself() {
    let mut world = World::keeping_circle(11, (6, 5), 120 * 86_400, None);
    let mut said = vec![world.say(ANNA, "before Dana goes")];
    world.run_for(10 * 60_000);
    let (ben, chris) = (member(&mut world, BEN), member(&mut world, CHRIS));
    world.crash(DANA, 90 * DAY);
    for day in 0..90 {
        match day {
            20 => remove(&mut world, ben),
            40 => world.begin_join(FINN),
            60 => remove(&mut world, chris),
            _ => {}
        }
        if day % 9 == 4 {
            said.push(world.say(ANNA, "while Dana is away"));
            said.push(world.say(EVE, "so do I"));
        }
        world.run_for(DAY);
    }
    // The asks, the help, and what is said again.
    world.run_for(3 * 3_600_000);
    said.push(world.say(DANA, "here again"));
    world.run_for(10 * 60_000);
    world.verdict().expect("every promise is kept");
    let read = world.texts(DANA);
    for number in &said {
        let number = format!("say {number:05}");
        assert!(read.iter().any(|text| text.starts_with(&number)), "{number} is not in {read:#?}");
    }
    for reader in [ANNA, EVE, FINN] {
        let texts = world.texts(reader);
        assert!(
            texts.last().is_some_and(|text| text.ends_with("here again")),
            "{reader}: {texts:?}"
        );
    }
    // Whoever came meanwhile was told nothing from before.
    assert!(!world.texts(FINN).iter().any(|text| text.contains("before Dana goes")));
    assert_eq!(world.roster(DANA), world.roster(ANNA));
    assert_eq!(world.roster(DANA).len(), 4);
}

/// Chris's home goes back to a backup that is older than what relays keep. What stands on the
/// board that it knows leads to an epoch that was sealed to a card which it forgot, and which stands on
/// later boards alone. It is told that card, so it finds out that it was put back, and goes on.
#[test]
fn a_home_from_an_old_backup_is_told_the_card_that_it_forgot() {
    let mut world = World::keeping_circle(13, (4, 4), 120 * 86_400, None);
    world.run_for(60_000);
    world.back_up(CHRIS);
    let dana = member(&mut world, DANA);
    remove(&mut world, dana);
    for _ in 0..10 {
        world.run_for(4 * DAY);
        world.say(CHRIS, "on later cards");
    }
    world.run_for(DAY);
    world.put_back(CHRIS);
    world.run_for(3 * 3_600_000);
    world.say(CHRIS, "here again");
    world.run_for(10 * 60_000);
    world.verdict().expect("every promise is kept");
    for reader in [ANNA, BEN] {
        let texts = world.texts(reader);
        let last = texts.last().is_some_and(|text| text.ends_with("here again"));
        assert!(last, "{reader}: {texts:?}");
    }
    assert_eq!(world.roster(CHRIS), world.roster(ANNA));
}

/// what was said again is what brings it: without, it is lost.
#[test]
fn what_relays_forgot_is_lost_where_nothing_is_said_again() {
    let read = |again: bool| {
        let fault = (!again).then_some(Planted::NothingAgain);
        let mut world = World::keeping_circle(12, (3, 3), 120 * 86_400, fault);
        world.run_for(60_000);
        world.crash(CHRIS, 60 * DAY);
        world.run_for(DAY);
        world.say(ANNA, "while Chris is away");
        world.run_for(60 * DAY);
        world.texts(CHRIS).len()
    };
    assert_eq!((read(true), read(false)), (1, 0));
}

fn remove(world: &mut World, who: MemberId) {
    let circle = world.circle.expect("it was founded");
    let command = Command::Remove { circle, who, reason: None };
    world.command(ANNA, command).expect("Anna is host");
}
