//! A circle in two halves that do not reach each other, and go on without each other.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use harness::governing::Govern;
use harness::{ANNA, BEN, CHRIS, DANA, HostId, World, number};
use hearthlight_protocol::boundary::DAY_MS;

const EVE: HostId = 4;
const FINN: HostId = 5;
const GRACE: HostId = 6;
const HUGO: HostId = 7;
const IVY: HostId = 8;
const JACK: HostId = 9;

/// P1, P3, P4, H-15: for a week two hosts let in and remove different people without hearing of each other.
#[test]
fn two_halves_go_on_for_a_week_and_lose_nothing() {
    const EACH: usize = 200;
    let first = number("SIM_FIRST_SEED", 31);
    for seed in first..first + number("SIM_SEEDS", 2) {
        let mut world = World::keeping_circle_at(seed, (10, 8, 2), 60 * DAY_MS / 1_000, None);
        world.second_host().expect("Anna is host");
        let (one, other) = ([ANNA, CHRIS, EVE, GRACE], [BEN, DANA, FINN, HUGO]);
        let halves = one.into_iter().chain([IVY, 10]).map(|host| (host, 0));
        let halves = halves.chain(other.into_iter().chain([JACK, 11]).map(|host| (host, 1)));
        world.cut(halves.collect());
        let mut said = [Vec::new(), Vec::new()];
        for turn in 0..EACH {
            match turn {
                20 => [IVY, JACK].into_iter().for_each(|who| world.begin_join(who)),
                60 => {
                    world.govern(ANNA, Govern::Remove(GRACE));
                    world.govern(BEN, Govern::Remove(HUGO));
                }
                _ => {}
            }
            for (said, half) in said.iter_mut().zip([one, other]) {
                let here = if turn < 60 { 4 } else { 3 };
                said.push(world.say(half[turn % here], "of one half"));
            }
            world.run_for(7 * DAY_MS / EACH as u64);
        }
        world.verdict().expect("every promise is kept");
        // Neither half has heard a word of the other.
        let texts = |world: &mut World, host| -> BTreeSet<String> {
            world.texts(host).into_iter().collect()
        };
        assert_eq!(texts(&mut world, ANNA).len(), EACH);
        assert_eq!(texts(&mut world, BEN).len(), EACH);
        let began = Instant::now();
        let ms = world.calm().expect("every promise is kept");
        println!("SEED={seed}: calm after {ms} ms, {:?} here", began.elapsed());
        for host in [ANNA, BEN, CHRIS, DANA, EVE, FINN] {
            assert_eq!(texts(&mut world, host).len(), 2 * EACH, "host {host}");
        }
        // Whoever was removed reads what its half said before it knew, and nothing more; of the other half, which
        // had not heard of it, it may read what was sealed for it too.
        for (host, own) in [GRACE, HUGO].into_iter().zip(&said) {
            let read = texts(&mut world, host);
            let heard =
                own.iter().filter(|number| read.contains(&format!("say {number:05} of one half")));
            assert!(heard.eq(&own[..60]), "host {host}");
        }
        // Who came in meanwhile reads what was sealed for it.
        for host in [IVY, JACK] {
            let read = texts(&mut world, host).len();
            assert!((EACH - 60..EACH).contains(&read), "host {host} reads {read}");
        }
    }
}

/// P1, R-24, R-50: what two halves of a large circle did without each other is everywhere within seconds of work.
#[test]
fn two_halves_of_a_large_circle_come_together_soon() {
    let members = usize::try_from(number("SIM_MEMBERS", 16)).expect("few");
    let openings = usize::try_from(number("SIM_OPENINGS", 6)).expect("few");
    let says = usize::try_from(number("SIM_SAYS", 60)).expect("few");
    let mut world = World::calm_circle(41, members, 2);
    world.second_host().expect("Anna is host");
    let sides: BTreeMap<HostId, u32> = (0..members + 2).zip([0, 1].into_iter().cycle()).collect();
    world.cut(sides);
    for turn in 0..says {
        if turn % says.div_ceil(openings) == 0 {
            let at = turn / says.div_ceil(openings) * 2 % members;
            [at, at + 1].into_iter().for_each(|by| world.govern(by, Govern::Refresh));
        }
        for side in 0..2 {
            world.say((2 * turn + side) % members, "of one half");
        }
        world.run_for(1_000);
    }
    world.run_for(60_000);
    world.verdict().expect("every promise is kept");
    assert_eq!(world.texts(ANNA).len(), says);
    let began = Instant::now();
    let ms = world.calm().expect("every promise is kept");
    let each = began.elapsed() / u32::try_from(members).expect("few");
    println!("{members} members: calm after {ms} ms, {each:?} of work each");
    for host in 0..members {
        assert_eq!(world.texts(host).len(), 2 * says, "host {host}");
    }
}
