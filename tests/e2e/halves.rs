//! A circle in two halves that cannot reach each other: both go on, and afterwards it is one (P1, P3).

use std::{
    net::Ipv4Addr,
    thread,
    time::{Duration, Instant},
};

use harness::{
    netns::Network,
    process::{Home, Process, Stage},
};

use crate::{CIRCLE, cut, program, reads_exactly, relay_on};

/// P1, P3, R-32, R-51: six people, two relays; in between one half lets Dana in, the other removes Ben.
#[test]
fn two_halves_talk_on_and_once_healed_everybody_has_read_everything_once() {
    let Some(net) = Network::new() else { return };
    let computers = [HOPE, HOLLY].map(|address| net.host(address));
    let stage = Stage::new(&program());
    let relays = [("Hope", HOPE), ("Holly", HOLLY)];
    let [hope, holly] = [0, 1].map(|at: usize| {
        let (host, address) = relays[at];
        relay_on(&stage, host, &computers[at], address)
    });
    let _running = [hope.run(), holly.run()];
    let left = ["Anna", "Ben", "Chris"].map(|name| stage.person(name).at(&computers[0]));
    let right = ["Eve", "Finn", "Grace"].map(|name| stage.person(name).at(&computers[1]));
    let dana = stage.person("Dana").at(&computers[0]);
    let six: Vec<&Home> = left.iter().chain(&right).collect();
    let _nodes: Vec<Process> = six.iter().chain([&&dana]).map(|home| home.start()).collect();
    let anna = &left[0];
    anna.found(CIRCLE, &[&hope, &holly]);
    let code = anna.invite(CIRCLE, &["--uses", "5"]);
    for guest in &six[1..] {
        guest.join(&code, anna, CIRCLE);
    }
    anna.ok(["member", "role", CIRCLE, "Finn", "--add", "host", "--yes"]);
    while right[1].ok(["circle", "show", CIRCLE])["roles"] != serde_json::json!(["host"]) {}
    let mut ears: Vec<Process> = six.iter().map(|home| home.follow(CIRCLE)).collect();
    let (mut said, mut for_ben): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    speak(&six, "together", &mut said);
    for_ben.extend_from_slice(&said);
    for ear in &mut ears {
        ear.until_said(&said);
    }

    computers[0].cut();
    let began = Instant::now();
    let (mut admitted, mut for_dana) = (false, Vec::new());
    for round in 0.. {
        let from = said.len();
        speak(&six[..3], &format!("left {round}"), &mut said);
        for_ben.extend_from_slice(&said[from..]);
        if admitted {
            for_dana.extend_from_slice(&said[from..]);
        }
        let from = said.len();
        speak(&six[3..], &format!("right {round}"), &mut said);
        // What the right half says once it has removed Ben is not for Ben.
        if !admitted {
            for_ben.extend_from_slice(&said[from..]);
        }
        if began.elapsed() >= cut() {
            break;
        }
        // Nobody talks faster; and what is said must not fill the buffers of dead connections.
        thread::sleep(BETWEEN);
        if !admitted {
            dana.join(&anna.invite(CIRCLE, &[]), anna, CIRCLE);
            // Whoever speaks to Dana has to know of her.
            for home in &left {
                while members(home) < 7 {
                    assert!(began.elapsed() < LONG, "{} does not know Dana", home.name);
                }
            }
            let before = for_dana.len();
            speak(&[&dana], "Dana", &mut for_dana);
            said.extend_from_slice(&for_dana[before..]);
            for_ben.extend_from_slice(&for_dana[before..]);
            right[1].ok(["member", "remove", CIRCLE, "Ben", "--yes"]);
            for home in &right {
                while members(home) > 5 {
                    assert!(began.elapsed() < LONG, "{} does not know that Ben is gone", home.name);
                }
            }
            admitted = true;
        }
    }
    assert!(admitted, "the cut was too short");
    // Else nothing was cut.
    let other = |home: &Home, half: &str| home.texts(CIRCLE).iter().any(|text| text.contains(half));
    assert!(!other(anna, "right") && !other(&right[0], "left"));

    computers[0].restore();
    let healed = Instant::now();
    let mut times = Vec::new();
    for (at, ear) in ears.iter_mut().enumerate() {
        ear.until_said(if at == BEN { &for_ben } else { &said });
        times.push(healed.elapsed());
    }
    println!("{} sentences, a cut of {:?}: all were read after {times:.1?}", said.len(), cut());
    assert!(healed.elapsed() < ONE_AGAIN, "{times:?}");
    for (at, home) in six.iter().enumerate().filter(|(at, _)| *at != BEN) {
        reads_exactly(home, &said);
        while members(home) != 6 {
            assert!(healed.elapsed() < ONE_AGAIN, "{at}: {} does not agree", home.name);
        }
    }
    while six[BEN].ok(["circle", "show", CIRCLE])["state"] != "removed" {
        assert!(healed.elapsed() < ONE_AGAIN, "Ben was not told");
    }
    speak(&[&right[0], anna], "one again", &mut for_dana);
    dana.follow(CIRCLE).until_said(&for_dana);
    reads_exactly(&dana, &for_dana);
    reads_exactly(six[BEN], &for_ben);
}

/// How many belong, as this home knows it.
fn members(home: &Home) -> usize {
    let members = home.lines(["members", CIRCLE]);
    members.iter().filter(|member| member["state"] == "active").count()
}

/// Each of them says a sentence that a relay takes.
fn speak(homes: &[&Home], words: &str, said: &mut Vec<String>) {
    for home in homes {
        let sentence = format!("{words}, {}", home.name);
        home.say(CIRCLE, &sentence, &["--wait", "relayed"]);
        said.push(sentence);
    }
}

const BEN: usize = 1;
const HOPE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 61);
const HOLLY: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 62);
/// Issue 6.
const ONE_AGAIN: Duration = Duration::from_secs(30);
/// Between two rounds of talk.
const BETWEEN: Duration = Duration::from_millis(250);
/// For anything else.
const LONG: Duration = Duration::from_secs(60);
