//! Relays that lie and members who forge: the honest rest keeps its promises.
//!
//! `SIM_KIND=lying` (`hostile`, `conspiracy`) runs more of them with `storms_of_eight_change_their_circle`.

use std::collections::BTreeSet;

use harness::chance::Chance;
use harness::forge::{OPENING, board_text};
use harness::governing::Govern;
use harness::liar::{Lies, Withheld};
use harness::oracle::Broken;
use harness::{ANNA, BEN, CHRIS, DANA, Report, StormConfig, World, run_storms};
use hearthlight_protocol::boundary::{Command, KeySlot, Room, SlotKind, Store};
use hearthlight_protocol::circle::epoch::{CardTag, Header};
use hearthlight_protocol::crypto::Secret;
use hearthlight_protocol::identity::EpochId;
use hearthlight_protocol::member::sim::EpochKeys;
use hearthlight_protocol::planted::Planted;
use hearthlight_protocol::signed::Signed;
use hearthlight_protocol::wire::{self, Bytes};

/// Storms of each kind here. Thousands are run by hand.
const LYING: u64 = 3;
const HOSTILE: u64 = 4;
const CONSPIRACY: u64 = 2;

/// P1 to P4, R-52, H-6, H-11, H-12, H-13: one of two relays withholds, reorders, delays, replays, damages,
/// shows some this and others that, and acknowledges what it does not keep; of twelve members a third is away.
#[test]
fn a_relay_that_lies_costs_nothing_but_time() {
    // From where a newcomer had waited for ever.
    nothing_breaks("lying", 18, LYING);
}

/// R-52, H-11: each way to withhold, alone and without any storm; the other relay fills the gap.
#[test]
fn what_one_relay_withholds_comes_by_the_other() {
    let some = Withheld::From(BTreeSet::from([CHRIS]));
    let ways = [Withheld::All, Withheld::Newest, Withheld::Every(2), Withheld::By(ANNA), some];
    for (seed, withheld) in (1..).zip(ways) {
        let mut world = World::calm_circle_with_liar(seed, 3, Lies { withheld, ..Lies::default() });
        for text in ["one", "two", "three"] {
            world.say(ANNA, text);
            world.run_for(5_000);
        }
        for member in [BEN, CHRIS] {
            assert_eq!(world.texts(member).len(), 3, "SEED={seed}");
        }
        assert!(world.hidden() > 0, "SEED={seed}: nothing was withheld");
        world.calm().expect("every promise is kept");
    }
}

/// P1, H-26: an honest clock is a year off either way, jumps in the middle of a run, and goes back. What its member
/// said meanwhile reaches all once it is right, and nothing is lost of what others said. (On its own screen that may
/// stand where its clock had it, R-41.)
#[test]
fn a_clock_a_year_off_loses_nothing() {
    const YEAR_MS: i64 = 365 * 86_400_000;
    for (seed, off) in [(1, -YEAR_MS), (2, YEAR_MS)] {
        for restarts in [false, true] {
            let mut world = World::keeping_circle(seed, (3, 3), 3 * 365 * 86_400, None);
            world.say(ANNA, "before");
            world.run_for(60_000);
            for skew in [off, 0] {
                world.hosts[BEN].skew_ms = skew;
                if restarts {
                    world.crash(BEN, 1_000);
                }
                world.run_for(5_000);
                world.say(BEN, "at what time is this");
                world.say(CHRIS, "here it is now");
                world.run_for(5 * 60_000);
            }
            world.run_for(40 * 60_000);
            world.verdict().expect("every promise is kept");
            for member in [ANNA, BEN, CHRIS] {
                let texts: BTreeSet<String> = world.texts(member).into_iter().collect();
                let case = format!("off by {off} ms, restarts: {restarts}, member {member}");
                assert_eq!(texts.len(), 5, "{case}: {texts:?}");
            }
        }
    }
}

/// R-26, P9, H-6: the opening of an epoch that has ended, posted once more, brings its secret back to nobody.
#[test]
fn an_epoch_that_ended_is_not_begun_again_by_its_opening() {
    const WEEK: u64 = 7 * 86_400_000;
    let mut world = World::calm_circle(5, 3, 1);
    world.say(ANNA, "in the first week");
    world.run_for(WEEK + 3_600_000);
    let old = super::epochs(&world, ANNA);
    world.say(BEN, "in the second week");
    world.run_for(WEEK + 3_600_000);
    world.post_again(BEN);
    world.run_for(120_000);
    let left = super::epochs(&world, ANNA);
    assert!(!old.is_empty() && old.iter().all(|slot| !left.contains(slot)));
}

/// P1 to P4, P7, R-16, R-22, R-32, R-41, H-9, H-14, H-26: one of eight forges openings, operations, cards, asks,
/// frames and `Seen`, in floods and with a clock ten years off; in half of the storms it is removed, and goes on.
#[test]
fn one_hostile_member_breaks_no_promise_to_others() {
    nothing_breaks("hostile", 1, HOSTILE);
}

/// The same of two of eight, of whom one may vouch for the other.
#[test]
fn two_hostile_members_break_no_promise_to_others() {
    // The first one had shown an effect before its cause.
    nothing_breaks("conspiracy", 2, CONSPIRACY);
}

/// H-5, H-10: an opening that leaves somebody out, of a member who adds one after another, ends no machine.
#[test]
fn openings_that_leave_somebody_out_stop_nobody() {
    let report = storms("conspiracy", 4, 1);
    let panics = report.broken.values().filter(|broken| broken.promise == "no panics");
    assert_eq!(panics.count(), 0, "{report}");
}

/// P1, H-10: whoever puts so many openings on boards that nobody has behind all others keeps nobody from opening.
#[test]
fn openings_on_boards_that_nobody_has_stop_nobody() {
    nothing_breaks("hostile", 30, 1);
}

/// P7, R-22, R-26: openings that wait for operations are bounded as well, though nothing follows from them.
#[test]
fn openings_that_wait_fill_no_home() {
    let mut world = World::calm_circle(6, 3, 1);
    world.post_waiting(BEN, 100);
    world.run_for(120_000);
    let live = super::epochs(&world, ANNA).len();
    assert!((60..=64).contains(&live), "{live} epochs with secrets");
    assert!(world.sizes()["epochs"] <= 70);
    world.say(CHRIS, "all the same");
    world.calm().expect("every promise is kept");
}

/// P9: after openings were let go of each epoch is saved once, also after restarts, and a key that was left
/// where a node died before it was destroyed goes at the next start.
#[test]
fn openings_that_were_let_go_leave_nothing_behind() {
    let mut world = World::calm_circle(7, 3, 1);
    let circle = world.circle.expect("it was founded");
    world.post_waiting(BEN, 100);
    world.run_for(120_000);
    let left = KeySlot { kind: SlotKind::Epoch, owner: circle.0, id: [9; 32] };
    world.hosts[ANNA].store.set_up(left, Secret::new(vec![1; 64]));
    for _ in 0..2 {
        world.command(CHRIS, Command::Refresh { circle }).expect("not too often");
        world.run_for(60_000);
        world.crash(ANNA, 1_000);
        world.run_for(60_000);
    }
    assert!(!super::epochs(&world, ANNA).contains(&left));
    let rows = world.hosts[ANNA].store.drawer(Room::Openings);
    let saved: Vec<EpochId> = rows
        .filter_map(|(_, row)| {
            let (signed, ..): (Signed, Option<Bytes>, Option<u64>, bool) = wire::decode(row)?;
            Some(Header::id(&signed, &circle))
        })
        .collect();
    let different: BTreeSet<&EpochId> = saved.iter().collect();
    assert_eq!(different.len(), saved.len());
}

/// P3, R-17: an opening that counts shows to whom a hostile member gave the board. Nothing is posted there any more,
/// and the oracle sees it where something is.
#[test]
fn a_board_that_somebody_gave_away_is_left() {
    given_away(None).expect("the board is left");
    let broken = given_away(Some(Planted::BoardUsedOn)).expect_err("all know of it");
    assert_eq!(broken.promise, "P3", "{broken}");
}

/// Chris was removed, and Ben gives him the board of after that, by an opening with the heads of before.
fn given_away(fault: Option<Planted>) -> Result<u64, Broken> {
    let mut world = World::calm_circle(8, 4, 1);
    world.oracle.hostile.insert(BEN);
    world.plant(fault);
    let (before, cards) = (world.forger(BEN), world.first_cards(ANNA));
    world.govern(ANNA, Govern::Remove(CHRIS));
    world.run_for(60_000);
    let tags = cards.values().map(|card| CardTag(card.tag())).collect();
    let (header, secrets) = world.forger(BEN).next(Secret::new(vec![1; 32]), tags);
    let supersedes = vec![before.newest().id];
    let header = Header { heads: before.heads.clone(), supersedes, ..header };
    let owner = before.circle.0;
    let board = KeySlot { kind: SlotKind::Board, owner, id: header.board.0 };
    let cards: Vec<_> = cards.values().collect();
    let opening = before.open(header, &secrets, &cards, Chance::new(8).rng());
    for host in [ANNA, CHRIS, DANA] {
        let text = board_text(OPENING, wire::encode(&opening));
        world.hand(host, &before.board(), &text, world.now);
    }
    world.run_for(1_000);
    let held = world.hosts[CHRIS].store.secrets();
    assert!(held.iter().any(|(slot, _)| *slot == board), "Chris has the board");
    world.govern(ANNA, Govern::Host(DANA));
    world.calm()
}

/// P3, R-24: an opening that names a card of somebody removed in another's place gives that one the key of it. Who
/// holds the card sees so.
#[test]
fn an_epoch_that_names_somebody_else_is_left() {
    names_another(None).expect("nothing is said there");
    let broken = names_another(Some(Planted::StrangersUnseen)).expect_err("all could see it");
    assert_eq!(broken.promise, "P3", "{broken}");
}

/// Chris was removed, and Ben opens with the card of Chris in the place of Dana.
fn names_another(fault: Option<Planted>) -> Result<u64, Broken> {
    let mut world = World::calm_circle(8, 4, 1);
    world.oracle.hostile.insert(BEN);
    world.plant(fault);
    let (before, mut cards) = (world.forger(BEN), world.first_cards(ANNA));
    let [chris, dana] = [CHRIS, DANA].map(|host| world.forger(host).me);
    world.govern(ANNA, Govern::Remove(CHRIS));
    world.run_for(60_000);
    let removed = cards.remove(&chris).expect("the charter holds it");
    cards.insert(dana, removed);
    let tags = cards.values().map(|card| CardTag(card.tag())).collect();
    let ben = world.forger(BEN);
    let (header, secrets) = ben.next(Secret::new(vec![1; 32]), tags);
    let cards: Vec<_> = cards.values().collect();
    let opening = ben.open(header, &secrets, &cards, Chance::new(8).rng());
    let epoch = Header::id(&opening.header, &ben.circle);
    for (host, board) in [(ANNA, ben.board()), (DANA, ben.board()), (CHRIS, before.board())] {
        let text = board_text(OPENING, wire::encode(&opening));
        world.hand(host, &board, &text, world.now);
    }
    world.run_for(1_000);
    let given = |keys: &EpochKeys| keys.id == epoch && keys.secrets.is_some();
    assert!(world.forger(CHRIS).epochs.iter().any(given), "Chris has the key");
    world.say(ANNA, "after Chris was removed");
    world.calm()
}

fn storms(kind: &str, first: u64, count: u64) -> Report {
    let report = run_storms(first, count, &StormConfig::kind(kind).expect("a kind of storm"));
    println!("{kind}: {report}");
    report
}

fn nothing_breaks(kind: &str, first: u64, count: u64) {
    let report = storms(kind, first, count);
    assert!(report.broken.is_empty(), "{report}");
}
