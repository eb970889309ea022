//! Each fault that can be planted is found out: in the worlds below, or by a test beside the code.

mod worlds;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use hearthlight_protocol::planted::{FAULTS, Fault, Killer, Planted};

use worlds::Verdict;

/// What would mend sooner or later that a board is read too late.
pub(crate) const REPAIRS: [Planted; 4] =
    [Planted::NobodyAsks, Planted::StraysStay, Planted::FirstWelcomeAlone, Planted::HeadUnlooked];

type Script = fn(Option<Planted>) -> Verdict;

macro_rules! scripts {
    ($($name:ident,)*) => { [$((stringify!($name), worlds::$name as Script),)*] };
}

/// The worlds, by name.
fn scripts() -> BTreeMap<&'static str, Script> {
    BTreeMap::from(scripts![
        a_newcomer_follows_two_halves,
        what_others_answer_keeps_no_newcomer_out,
        a_no_reaches_who_was_welcomed_to_nowhere,
        who_came_and_left_waits_no_more,
        who_left_and_was_let_in_by_somebody_else_too_leaves_again,
        an_operation_on_an_old_board_reaches_the_newcomer,
        what_had_waited_on_an_old_board_reaches_the_newcomer,
        a_head_on_an_old_board_reaches_the_newcomer,
        a_head_that_names_a_card_nobody_has_reaches_the_newcomer,
        a_head_reaches_a_newcomer_past_openings_without_her,
        what_is_lacking_among_later_words_is_said_again,
        what_was_said_last_beside_the_head_is_said_again,
        what_was_said_beside_the_head_and_followed_there_is_said_again,
        who_speak_apart_are_brought_together,
        who_counts_one_too_many_is_led_back,
        a_week_later_the_old_secret_is_nowhere,
        a_device_that_speaks_makes_a_fresh_card_each_day,
        a_card_from_years_ahead_waits,
        what_a_clock_that_was_ahead_sealed_arrives,
        a_device_whose_clock_was_ahead_keeps_its_card,
        an_envelope_from_ahead_is_not_taken,
        nobody_speaks_for_another,
        two_messages_for_one_place_are_told_of,
        who_opens_too_much_is_shown_to_hosts,
        nobody_speaks_on_a_device_of_nobody,
        nobody_speaks_at_the_place_of_another,
        what_somebody_removed_says_on_is_not_shown,
        what_was_heard_in_time_reaches_all,
        a_mark_counts_who_said_so,
        a_mark_waits_for_a_relay,
        what_was_said_outlasts_a_crash,
        what_relays_forgot_is_said_again,
        a_newcomer_reads_nothing_that_somebody_gives_it_a_key_of,
        a_newcomer_is_said_nothing_again,
        what_was_said_again_is_not_said_each_time,
        what_is_said_again_is_for_who_was_there,
        a_home_from_an_old_backup_comes_back,
        what_is_lacking_behind_a_flood_is_asked_for,
        who_asks_all_day_fills_no_home,
        who_was_removed_is_not_helped,
        an_old_card_is_told_the_newer_one_and_nothing_else,
        what_a_relay_acknowledged_it_has,
        a_home_that_was_put_back_is_a_new_device,
    ])
}

/// In a world every promise is kept, and with the fault that it is for one is not. The tests beside the
/// code are run so by `protocol/src/planted/tests.rs`.
#[test]
fn each_fault_is_found_out_in_its_world_where_all_is_well_without_it() {
    let scripts = scripts();
    let mut runs: Vec<(&str, Option<&Fault>)> = scripts.keys().map(|name| (*name, None)).collect();
    for fault in FAULTS {
        if let Killer::World(name) = fault.killer {
            assert!(scripts.contains_key(name), "{:?}: there is no world {name}", fault.planted);
            runs.push((name, Some(fault)));
        }
    }
    let idle: Vec<_> =
        scripts.keys().filter(|name| runs.iter().all(|(n, f)| n != *name || f.is_none())).collect();
    assert!(idle.is_empty(), "worlds for no fault: {idle:?}");
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some((name, fault)) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let begun = Instant::now();
            let verdict = scripts[name](fault.map(|fault| fault.planted));
            let ms = begun.elapsed().as_millis();
            let line = match (fault, verdict) {
                (None, Ok(())) => continue,
                (None, Err(what)) => format!("{name} is no good world: {what}"),
                (Some(fault), Ok(())) => format!("{name} does not notice {:?}", fault.planted),
                (Some(fault), Err(what)) => {
                    println!("{:?} | {name} | {what} | {ms} ms", fault.planted);
                    // What a fault does to people, not how a machine stumbles over it.
                    if !what.starts_with("no panics") {
                        continue;
                    }
                    format!("{name}: a machine fell over {:?}", fault.planted)
                }
            };
            wrong.lock().expect("no thread panics").push(line);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let wrong = wrong.into_inner().expect("no thread panics");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// a fault here would be found out by nobody, since an opening that its opener did not sign is let go
/// of once it is judged.
#[test]
fn an_entry_under_a_forged_header_leaves_no_epoch() {
    worlds::an_entry_under_a_forged_header_is_nothing(None).expect("every promise is kept");
}

/// `docs/mutants.md` has each fault that there is, and no other.
#[test]
fn the_list_of_faults_is_the_one_in_the_documents() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/mutants.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let (_, listed) = page.split_once("\n| fault |").expect("it has the table");
    let expected = table();
    assert!(format!("| fault |{listed}") == expected, "docs/mutants.md has to end so:\n{expected}");
}

fn table() -> String {
    let mut table =
        String::from("| fault | what is wrong | breaks | found out by |\n|---|---|---|---|\n");
    for Fault { planted, what, breaks, killer } in FAULTS {
        let killer = match killer {
            Killer::Test(name) => format!("test `{name}`"),
            Killer::World(name) => format!("world `{name}`"),
        };
        writeln!(table, "| `{planted:?}` | {what} | {breaks} | {killer} |").expect("a string");
    }
    table
}
