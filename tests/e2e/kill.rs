//! The power goes, at any moment: of a member, of a verb, of the relay (P1, U-8, U-104).
//!
//! What decides when is how many lines were printed, never a clock.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    process::{ChildStdin, Stdio},
    thread,
};

use harness::process::{Home, Process, text};

use crate::{CIRCLE, Circle, numbered};

/// How often each kind of process loses its power.
pub(crate) fn kills() -> usize {
    let named = std::env::var("E2E_KILLS").ok();
    named.and_then(|kills| kills.parse().ok()).unwrap_or(3)
}

/// P1, U-8, U-104: the verb takes over, and says each line once.
#[test]
fn a_node_killed_under_its_client_costs_no_line_and_doubles_none() {
    let (mut circle, [anna, ben, chris]) = Circle::of(["Anna", "Ben", "Chris"]);
    let mut ears = [ben.follow(CIRCLE), chris.follow(CIRCLE)];
    let mut all = Vec::new();
    for run in 0..kills() {
        let lines = numbered(&format!("run {run} of a node"), LINES);
        let (mut saying, rest) = say_lines(&anna, &lines);
        let after = moment(run);
        for _ in 0..after {
            saying.hear();
        }
        circle.kill(&anna);
        rest.say();
        let printed = rest_of(&mut saying);
        assert!(saying.wait().success(), "run {run}, killed after {after}: {}", saying.stderr());
        assert_eq!(printed.len(), LINES, "run {run}: every line has its object");
        circle.start(&anna);
        all.extend(lines);
    }
    for ear in &mut ears {
        ear.until_said(&all);
    }
    for home in [&anna, &ben, &chris] {
        exactly_once(home, &all.iter().cloned().collect());
    }
}

/// P1, P2
#[test]
fn what_a_killed_verb_had_printed_is_read_exactly_once() {
    let (mut circle, [anna, ben, chris]) = Circle::of(["Anna", "Ben", "Chris"]);
    circle.stop(&anna);
    let mut ears = [ben.follow(CIRCLE), chris.follow(CIRCLE)];
    let (mut printed, mut told) = (BTreeSet::new(), BTreeSet::new());
    for run in 0..kills() {
        let lines = numbered(&format!("run {run} of a verb"), LINES);
        let (mut saying, _unsaid) = say_lines(&anna, &lines);
        for _ in 0..moment(run) {
            saying.hear();
        }
        saying.cut();
        // What stood in the pipe counts as printed, too.
        for number in rest_of(&mut saying) {
            printed.insert(lines[number - 1].clone());
        }
        told.extend(lines);
    }
    // Lines that were stored and not printed go out when Anna comes back.
    circle.start(&anna);
    let last = "the last word".to_owned();
    anna.say(CIRCLE, &last, &["--wait", "relayed"]);
    let of_anna: BTreeSet<String> = anna.texts(CIRCLE).into_iter().collect();
    assert!(printed.is_subset(&of_anna), "Anna lost a line that was printed");
    let all: Vec<String> = of_anna.iter().cloned().collect();
    for ear in &mut ears {
        ear.until_said(&all);
    }
    told.insert(last);
    assert!(of_anna.is_subset(&told), "nobody said that");
    // Else no power was lost in the middle, and this shows nothing.
    assert!(of_anna.len() < told.len());
    for home in [&anna, &ben, &chris] {
        exactly_once(home, &of_anna);
    }
}

/// P1
#[test]
fn a_relay_killed_while_lines_are_said_costs_none_and_doubles_none() {
    let (mut circle, [anna, ben, chris]) = Circle::of(["Anna", "Ben", "Chris"]);
    let mut ears = [ben.follow(CIRCLE), chris.follow(CIRCLE)];
    let mut all = Vec::new();
    for run in 0..kills() {
        let lines = numbered(&format!("run {run} of a relay"), LINES);
        let (mut saying, rest) = say_lines(&anna, &lines);
        for _ in 0..moment(run) {
            saying.hear();
        }
        circle.kill_relay();
        rest.say();
        circle.start_relay();
        let printed = rest_of(&mut saying);
        assert!(saying.wait().success(), "run {run}: {}", saying.stderr());
        assert_eq!(printed.len(), LINES, "run {run}: every line has its object");
        all.extend(lines);
    }
    // who was cut off asks the relay again; whom the mark says that has it, has it.
    for ear in &mut ears {
        ear.until_said(&all);
    }
    for home in [&anna, &ben, &chris] {
        exactly_once(home, &all.iter().cloned().collect());
    }
}

/// How many lines are printed before the power goes, another number in each run.
fn moment(run: usize) -> usize {
    (run * 617 + 101) % (LINES - HELD_BACK)
}

/// Begins to say lines; the last are held back, so that the power goes in the middle.
fn say_lines(home: &Home, lines: &[String]) -> (Process, Rest) {
    let mut command = home.command(["say", CIRCLE, "-", "--lines"]);
    command.stdin(Stdio::piped());
    let mut saying = Process::of(command);
    let mut stdin = saying.take_stdin();
    let (first, last) = lines.split_at(LINES - HELD_BACK);
    let (first, last) = (first.join("\n") + "\n", last.join("\n") + "\n");
    // Ends with the verb, which takes lines only as fast as it says them.
    let feeding = thread::spawn(move || {
        let _ = stdin.write_all(first.as_bytes());
        stdin
    });
    (saying, Rest { feeding, last })
}

/// The lines that are held back, and the way to say them.
struct Rest {
    feeding: thread::JoinHandle<ChildStdin>,
    last: String,
}

impl Rest {
    /// Says them, and ends stdin, while the caller goes on.
    fn say(self) {
        thread::spawn(move || {
            let mut stdin = self.feeding.join().expect("no panics");
            let _ = stdin.write_all(self.last.as_bytes());
        });
    }
}

/// Reads to the end; answers the numbers of all lines that were printed.
fn rest_of(saying: &mut Process) -> BTreeSet<usize> {
    while saying.next_or_end().is_some() {}
    let mut numbers = BTreeSet::new();
    for object in &saying.seen {
        assert!(object["error"].is_null(), "{object}");
        let number = object["line"].as_u64().and_then(|line| usize::try_from(line).ok());
        assert!(numbers.insert(number.expect("a line's number")), "printed twice: {object}");
    }
    numbers
}

/// Fails unless `home` reads just `texts`, each once.
fn exactly_once(home: &Home, texts: &BTreeSet<String>) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for entry in home.lines(["read", CIRCLE, "--limit", "0"]) {
        if entry["kind"] == "said" {
            *counts.entry(text(&entry["text"])).or_default() += 1;
            assert!(ids.insert(text(&entry["id"])), "one id twice");
        }
    }
    let twice: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "{} reads {} twice: {:?}", home.name, twice.len(), twice.first());
    let lost: Vec<_> = texts.iter().filter(|text| !counts.contains_key(*text)).collect();
    assert!(lost.is_empty(), "{} lost {}: {:?}", home.name, lost.len(), lost.first());
    assert_eq!(counts.len(), texts.len(), "{} reads what nobody said", home.name);
}

/// U-201 asks for 10,000 in one go; these come once for every kill.
const LINES: usize = 2_000;
/// Lines that are not told to the verb before the power goes.
const HELD_BACK: usize = 300;
