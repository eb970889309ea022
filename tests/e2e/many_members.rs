//! A circle of many real nodes: everybody joins, speaks, hears all, and one is removed (D-4, P1, P3).

use std::{fs, time::Instant};

use harness::process::{Home, LONGEST, Process, Stage};

use crate::{CIRCLE, program, reads_exactly};

/// What a node may take while it is one of many, bytes.
const MOST_MEMORY: u64 = 64 << 20;

/// P1, P3, R-21: `E2E_MEMBERS` of them; 50 by command.
#[test]
fn many_real_nodes_join_talk_and_remove() {
    let members = std::env::var("E2E_MEMBERS").ok().and_then(|text| text.parse().ok()).unwrap_or(8);
    let stage = Stage::new(&program());
    let hope = stage.relay("Hope");
    let _hope = hope.run();
    let homes: Vec<Home> =
        (0..members).map(|number| stage.person(&format!("Guest {number}"))).collect();
    let nodes: Vec<Process> = homes.iter().map(Home::start).collect();
    let (anna, guests) = homes.split_first().expect("somebody");
    anna.found(CIRCLE, &[&hope]);
    let began = Instant::now();
    let code = anna.invite(CIRCLE, &["--uses", "50"]);
    for guest in guests {
        guest.join(&code, anna, CIRCLE);
    }
    let joined = began.elapsed();
    // Whoever speaks has to know of everybody.
    for home in &homes {
        let until = Instant::now() + LONGEST;
        while home.lines(["members", CIRCLE]).len() < members {
            assert!(Instant::now() < until, "{} does not know everybody", home.name);
        }
    }
    let mut ear = anna.follow(CIRCLE);
    let mut said = Vec::new();
    for home in &homes {
        let words = format!("good evening from {}", home.name);
        home.say(CIRCLE, &words, &[]);
        said.push(words);
    }
    ear.until_said(&said);
    for home in &homes {
        home.follow(CIRCLE).until_said(&said);
        reads_exactly(home, &said);
    }
    let (last, rest) = homes.split_last().expect("somebody");
    anna.ok(["member", "remove", CIRCLE, &last.name, "--yes"]);
    let after = "without one of us".to_owned();
    anna.say(CIRCLE, &after, &["--wait", "relayed"]);
    for home in rest {
        home.follow(CIRCLE).until_said(std::slice::from_ref(&after));
    }
    reads_exactly(last, &said);
    let memory = nodes.iter().map(|node| resident(node.id())).max().expect("somebody");
    println!("{members} members: {joined:?} to join, at most {} KiB each", memory >> 10);
    assert!(memory <= MOST_MEMORY, "{memory} bytes");
}

/// Bytes of a process that are in memory.
fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux tells");
    let kib = line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number");
    kib << 10
}
