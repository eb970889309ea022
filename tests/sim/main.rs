//! Promises to people, kept in many worlds.
//!
//! `SIM_SEEDS` says how many storms, `SIM_FIRST_SEED` from which seed on. A failure prints `SEED=n`:
//! `SIM_SEEDS=1 SIM_FIRST_SEED=n cargo test -p hearthlight-tests --test sim storms` runs it again.
//!
//! Of the storms of eight `SIM_KIND` names the kind (`harness::storm::KINDS`), `SIM_ONLY` the ingredients
//! that are left in it, `SIM_SHRINK=1` finds the fewest with which a failure still fails, `SIM_ACTS` what
//! hostile members do, `SIM_PLANT` up to three faults in the machines; `SIM_LOG=1` tells what happens to whom.

mod back;
mod halves;
mod hostile;
mod invites;
mod large;
mod mutants;
mod reference;
mod relays;
mod terms;
mod votes;

use harness::storm::KINDS;
use harness::{
    ANNA, BEN, CHRIS, DANA, Faults, Machines, StormConfig, World, first_broken, number, run_storms,
    shrink,
};
use hearthlight_protocol::boundary::{KeySlot, Room, SlotKind, Store};
use hearthlight_protocol::crypto::{KeyPair, Label, light_proofs, verify};
use hearthlight_protocol::identity::CircleId;
use hearthlight_protocol::planted::{FAULTS, Planted};

/// Storms in which a fault in the machines has to be found out: few need the board at once.
const SEEDS_FOR_A_PLANTED_FAULT: u64 = 120;
/// Storms of each kind that lasts for weeks; 1,000 of one take a quarter of an hour.
const SEEDS_OF_A_LONG_STORM: u64 = 12;
/// Storms in which each planted fault has to be found out at least once. A guess.
const SEEDS_FOR_A_FAULT: u64 = 10;

/// P1, P2
#[test]
fn a_quiet_circle_delivers_every_word_to_everybody() {
    let mut world = World::calm_circle(1, 3, 1);
    world.say(ANNA, "good evening");
    world.run_for(30_000);
    world.say(BEN, "good evening to you");
    world.calm().expect("every promise is kept");
    let all = ["say 00000 good evening", "say 00001 good evening to you"];
    for member in [ANNA, BEN, CHRIS] {
        assert_eq!(world.texts(member), all);
    }
}

/// P1, R-28
#[test]
fn a_quiet_circle_delivers_after_everybody_was_restarted() {
    let mut world = World::calm_circle(2, 3, 1);
    world.say(ANNA, "kept over the night");
    world.run_for(10);
    for host in 0..world.hosts.len() {
        world.crash(host, 60_000);
    }
    world.run_for(120_000);
    world.calm().expect("every promise is kept");
    assert_eq!(world.texts(CHRIS), ["say 00000 kept over the night"]);
}

/// P1, R-34
#[test]
fn a_quiet_circle_delivers_to_who_was_away() {
    let mut world = World::calm_circle(3, 3, 1);
    world.crash(CHRIS, 30 * 60_000);
    world.say(ANNA, "while Chris is away");
    world.run_for(10 * 60_000);
    assert_eq!(world.texts(BEN), ["say 00000 while Chris is away"]);
    // Ben and Anna sleep when Chris comes, so only the relay can tell.
    world.crash(ANNA, 60 * 60_000);
    world.crash(BEN, 60 * 60_000);
    world.run_for(25 * 60_000);
    assert_eq!(world.texts(CHRIS), ["say 00000 while Chris is away"]);
    world.calm().expect("every promise is kept");
}

/// P4
#[test]
fn a_newcomer_reads_nothing_from_before_its_admission() {
    let mut world = World::calm_circle_of(Machines::Real, 4, 4, 3, 1);
    world.say(BEN, "before Dana came");
    world.run_for(120_000);
    world.begin_join(DANA);
    world.run_for(120_000);
    world.say(ANNA, "to all four");
    world.calm().expect("every promise is kept");
    assert_eq!(world.texts(DANA), ["say 00001 to all four"]);
}

/// P1, R-73: a relay that was shown no link takes 60 envelopes an hour (U-140).
#[test]
fn the_newest_member_is_heard_however_much_it_says() {
    let mut world = World::calm_circle(5, 3, 1);
    for _ in 0..100 {
        world.say(CHRIS, "and one thing more");
        world.run_for(500);
    }
    world.run_for(5_000);
    assert_eq!(world.texts(ANNA).len(), 100);
}

/// Ben, who is no host, opens the epoch that the next week needs; a week after it, the
/// secret of the old one is nowhere any more.
#[test]
fn an_ended_epoch_leaves_no_secret() {
    const WEEK: u64 = 7 * 86_400_000;
    let mut world = World::calm_circle(5, 3, 1);
    world.say(ANNA, "in the first week");
    world.run_for(60_000);
    let old = epochs(&world, ANNA);
    assert!(!old.is_empty());
    world.run_for(WEEK + 3_600_000);
    world.say(BEN, "in the second week");
    world.run_for(120_000);
    let now = epochs(&world, ANNA);
    assert!(now.iter().any(|slot| !old.contains(slot)), "Ben opened one");
    world.run_for(WEEK + 3_600_000);
    for member in [ANNA, BEN, CHRIS] {
        let left = epochs(&world, member);
        assert!(old.iter().all(|slot| !left.contains(slot)), "member {member}");
    }
}

fn epochs(world: &World, host: usize) -> Vec<KeySlot> {
    let secrets = world.hosts[host].store.secrets().into_iter();
    secrets.map(|(slot, _)| slot).filter(|slot| slot.kind == SlotKind::Epoch).collect()
}

/// R-42, P8: of what was said a store keeps the words and what orders them, and no signature.
#[test]
fn no_signature_is_kept_beside_talk() {
    const WORDS: &str = "kept without a signature";
    let mut world = World::calm_circle(6, 2, 1);
    world.say(ANNA, WORDS);
    world.calm().expect("every promise is kept");
    let circle = world.circle.expect("it was founded");
    let rows = world.hosts[BEN].store.scan(Room::Messages, &circle.0, &[], false, usize::MAX);
    let holds = |row: &[u8]| row.windows(WORDS.len()).any(|at| at == WORDS.as_bytes());
    let (_, row) = rows.iter().find(|(_, row)| holds(row)).expect("Ben read it");
    // 64 bytes of a signature do not fit into what is left.
    assert!(row.len() < WORDS.len() + 12 + 140, "{} bytes", row.len());
}

/// P1, P2, P4, P7, R-28, R-41 (the oracle "one order"), R-50
#[test]
fn storms_of_six_members_lose_nothing() {
    let (first, seeds) = (number("SIM_FIRST_SEED", 1), number("SIM_SEEDS", 60));
    let report = run_storms(first, seeds, &StormConfig::default());
    println!("{report}");
    assert!(report.broken.is_empty(), "{report}");
}

/// P1 to P4, P7, R-11, R-14, R-17, R-24, R-25
#[test]
fn storms_of_eight_change_their_circle() {
    let (first, seeds) = (number("SIM_FIRST_SEED", 1), number("SIM_SEEDS", 30));
    let kind = std::env::var("SIM_KIND").unwrap_or_else(|_| "changing".into());
    let mut config = StormConfig::kind(&kind).unwrap_or_else(|| panic!("one of {KINDS:?}"));
    if let Ok(only) = std::env::var("SIM_ONLY") {
        config = config.only(&only);
    }
    for (place, name) in
        std::env::var("SIM_PLANT").iter().flat_map(|all| all.split(',')).enumerate()
    {
        let fault = FAULTS.iter().find(|fault| format!("{:?}", fault.planted) == name);
        let fault = fault.unwrap_or_else(|| panic!("there is no fault {name}: docs/mutants.md"));
        config.faults.planted[place] = Some(fault.planted);
    }
    let report = run_storms(first, seeds, &config);
    println!("{kind}: {report}");
    for seed in report.broken.keys().filter(|_| std::env::var_os("SIM_SHRINK").is_some()) {
        println!("SEED={seed} needs {:?}", shrink(*seed, &config));
    }
    assert!(report.broken.is_empty(), "{report}");
}

/// members away longer than keys live, homes that were put back, copies of homes.
#[test]
fn storms_of_eight_keep_who_was_away_and_whose_home_went_back() {
    for (kind, first) in [("away", 1), ("restored", 1), ("copies", 1), ("months", 15)] {
        let config = StormConfig::kind(kind).expect("a kind of storm");
        let report = run_storms(first, SEEDS_OF_A_LONG_STORM, &config);
        println!("{kind}: {report}");
        assert!(report.broken.is_empty(), "{kind}: {report}");
    }
}

#[test]
fn the_same_seed_gives_the_same_storm() {
    let trace = |seed| {
        let mut world = World::storm(seed, &StormConfig::default());
        world.calm().expect("every promise is kept");
        world.trace
    };
    assert_eq!(trace(7), trace(7));
    assert_ne!(trace(7), trace(8));
}

/// what a storm spares itself of a proof is the work.
#[test]
fn a_light_proof_is_by_one_key_over_one_thing_and_good_in_its_own_world_alone() {
    let (anna, ben) = (KeyPair::from_seed(&[1; 32]), KeyPair::from_seed(&[2; 32]));
    let proof = {
        let _light = light_proofs();
        anna.sign(Label::Proof, &CircleId::NONE, &[b"ends"])
    };
    let is_by = |who: &KeyPair, proof: &[u8; 64], of: &[u8]| {
        verify(&who.public(), proof, Label::Proof, &CircleId::NONE, &[of])
    };
    assert!(is_by(&anna, &proof, b"ends"));
    assert!(!is_by(&ben, &proof, b"ends"));
    assert!(!is_by(&anna, &proof, b"others"));
    let mut changed = proof;
    changed[0] ^= 1;
    assert!(!is_by(&anna, &changed, b"ends"));
    let earnest = anna.sign(Label::Proof, &CircleId::NONE, &[b"ends"]);
    assert_ne!(earnest, proof);
    let seen = std::thread::spawn(move || {
        let verified = |proof: &[u8; 64]| {
            verify(&anna.public(), proof, Label::Proof, &CircleId::NONE, &[b"ends"])
        };
        (verified(&earnest), verified(&proof))
    });
    assert_eq!(seen.join().expect("it ran"), (true, false));
}

/// The oracles see a store that forgets one save in twenty.
#[test]
fn a_store_that_forgets_is_found_out() {
    found_out(&Faults { forget: Some((Room::Messages, 0.05)), ..Faults::default() });
}

/// The oracles see a driver that breaks R-81.
#[test]
fn a_driver_that_sends_before_it_saves_is_found_out() {
    found_out(&Faults { sends_first: 0.01, ..Faults::default() });
}

/// The oracles see a relay that acknowledges what it does not keep.
#[test]
fn a_relay_that_does_not_keep_what_it_acknowledged_is_found_out() {
    found_out(&Faults { lying_relays: true, ..Faults::default() });
}

/// The oracles see that what one member sends arrives nowhere.
#[test]
fn a_member_whom_nobody_can_hear_is_found_out() {
    found_out(&Faults { mute: Some(BEN), ..Faults::default() });
}

/// who is in an opening, and not in those before it, needs its board to judge it.
#[test]
fn a_board_that_is_read_too_late_is_found_out() {
    planted("changing", &mutants::REPAIRS, Planted::BoardAfterJudging);
}

/// R-17, P3
#[test]
fn a_board_that_somebody_removed_can_read_is_found_out() {
    planted("changing", &[], Planted::BoardUsedOn);
}

/// R-24, P3
#[test]
fn an_epoch_spoken_in_after_somebody_was_removed_is_found_out() {
    planted("changing", &[], Planted::SpokenInOn);
}

/// R-26, P7
#[test]
fn epochs_that_keep_their_secrets_are_found_out() {
    planted("rounds", &[], Planted::EpochsStay);
}

/// A fault in the machines themselves breaks a storm that holds without it. Where help would mend it
/// sooner or later, `without` that.
fn planted(kind: &str, without: &[Planted], fault: Planted) {
    let mut whole = StormConfig::kind(kind).expect("a kind of storm");
    let places = whole.faults.planted.iter_mut();
    places.zip(without).for_each(|(place, fault)| *place = Some(*fault));
    let mut faults = whole.faults;
    faults.planted[without.len()] = Some(fault);
    let faulty = StormConfig { faults, ..whole.clone() };
    let found = (1..=SEEDS_FOR_A_PLANTED_FAULT).find_map(|seed| {
        let broken = run_storms(seed, 1, &faulty).broken.into_values().next()?;
        run_storms(seed, 1, &whole).broken.is_empty().then_some(broken)
    });
    println!("{fault:?}: {}", found.expect("somebody notices"));
}

fn found_out(faults: &Faults) {
    let config = StormConfig { faults: *faults, ..StormConfig::default() };
    let broken = first_broken(SEEDS_FOR_A_FAULT, &config).expect("somebody notices");
    // What the fault does to people, not how the machine stumbles over it.
    assert_ne!(broken.promise, "no panics", "{broken}");
}
