//! People behind routers, in nets of a test's own: they talk, and nobody learns where another one is (P6).

use std::{
    fs::{self, File},
    net::Ipv4Addr,
    os::unix::fs::FileExt,
    thread,
    time::{Duration, Instant},
};

use harness::{
    netns::Network,
    process::{Home, Process, Stage, files_below, holds},
};

use crate::{CIRCLE, cut, program, reads_exactly, relay_on};

/// P1, P6, R-72: also over a cut.
#[test]
fn two_behind_routers_talk_over_a_cut_and_neither_learns_where_the_other_is() {
    let Some(net) = Network::new() else { return };
    let public = net.host(HOPE);
    let (annas, bens) = (net.behind_nat(ANNA[0], ANNA[1]), net.behind_nat(BEN[0], BEN[1]));
    let stage = Stage::new(&program());
    let relay = relay_on(&stage, "Hope", &public, HOPE);
    let hope = relay.run_with(&["--log", "trace"]);
    let (anna, ben) = (stage.person("Anna").at(&annas), stage.person("Ben").at(&bens));
    let nodes = [&anna, &ben].map(traced);
    anna.found(CIRCLE, &[&relay]);
    ben.join(&anna.invite(CIRCLE, &[]), &anna, CIRCLE);

    let mut said = Vec::new();
    for (home, words) in [(&anna, "good evening"), (&ben, "good evening to you")] {
        home.say(CIRCLE, words, &["--wait", "received"]);
        said.push(words.to_owned());
    }
    let mut ears = [anna.follow(CIRCLE), ben.follow(CIRCLE)];

    bens.cut();
    let began = Instant::now();
    for number in 1.. {
        let words = [format!("{number} said by Anna"), format!("{number} said by Ben")];
        anna.say(CIRCLE, &words[0], &["--timeout", "0"]);
        // Nothing can take it, so this takes a second.
        assert_eq!(ben.say(CIRCLE, &words[1], &["--timeout", "1s"])["mark"], "waiting");
        said.extend(words);
        if began.elapsed() >= cut() {
            break;
        }
    }
    bens.restore();
    let began = Instant::now();
    for ear in &mut ears {
        ear.until_said(&said);
    }
    println!("a cut of {:?}: all was read {:?} after it", cut(), began.elapsed());
    assert!(began.elapsed() < BACK, "{:?}", began.elapsed());
    for home in [&anna, &ben] {
        reads_exactly(home, &said);
    }
    drop(ears);

    // The relay has to know where both are: who finds nothing there would find nothing anywhere.
    for address in [ANNA[0], BEN[0]] {
        assert!(finds(&memory_of(&hope), address), "the search finds nothing");
    }
    for (home, node, own, other) in [(&anna, &nodes[0], ANNA, BEN), (&ben, &nodes[1], BEN, ANNA)] {
        let memory = memory_of(node);
        assert!(finds(&memory, HOPE), "the search finds nothing");
        for address in other {
            assert!(!finds(&memory, address), "{} has {address} in memory", home.name);
        }
        unlogged(&home.name, &node.stderr(), &[other[0], other[1], own[0], own[1], HOPE]);
    }
    let places = [ANNA[0], ANNA[1], BEN[0], BEN[1], HOPE];
    unlogged("the relay", &hope.stderr(), &places);
    let [annas_node, bens_node] = nodes;
    for (home, mut node, other) in [(&anna, annas_node, BEN), (&ben, bens_node, ANNA)] {
        home.ok(["stop"]);
        assert!(node.wait().success(), "{}", node.stderr());
        let files = files_below(&home.dir);
        assert!(files.len() > 2, "{} has hardly any files", home.name);
        for address in other {
            let found =
                files.iter().find(|(_, bytes)| holds(bytes, address.to_string().as_bytes()));
            assert!(found.is_none(), "{:?} has {address}", found.map(|(path, _)| path));
            let found = files.iter().find(|(_, bytes)| holds(bytes, &address.octets()));
            assert!(
                found.is_none(),
                "{:?} has the bytes of {address}",
                found.map(|(path, _)| path)
            );
        }
    }
}

/// P1, R-72: who says nothing notices a cut as well, by a ping.
#[test]
fn who_only_listens_hears_again_after_a_cut() {
    let Some(net) = Network::new() else { return };
    let (public, bens) = (net.host(HOPE), net.behind_nat(BEN[0], BEN[1]));
    let stage = Stage::new(&program());
    let relay = relay_on(&stage, "Hope", &public, HOPE);
    let _hope = relay.run();
    let (anna, ben) = (stage.person("Anna").at(&public), stage.person("Ben").at(&bens));
    let _nodes = [&anna, &ben].map(|home| home.start());
    anna.found(CIRCLE, &[&relay]);
    ben.join(&anna.invite(CIRCLE, &[]), &anna, CIRCLE);
    let mut ear = ben.follow(CIRCLE);
    let mut said = vec!["good evening".to_owned()];
    anna.say(CIRCLE, &said[0], &["--wait", "received"]);

    bens.cut();
    let began = Instant::now();
    while began.elapsed() < cut() {
        said.push(format!("said in the cut, {}", said.len()));
        anna.say(CIRCLE, &said[said.len() - 1], &["--wait", "relayed"]);
        thread::sleep(BETWEEN);
    }
    bens.restore();
    let began = Instant::now();
    ear.until_said(&said);
    println!("a cut of {:?}: who listens heard all {:?} after it", cut(), began.elapsed());
    assert!(began.elapsed() < BACK, "{:?}", began.elapsed());
}

/// A node that writes down all that it logs.
fn traced(home: &Home) -> Process {
    let mut node = home.begin(["start", "--log", "trace"]);
    node.hear();
    node
}

fn unlogged(whose: &str, log: &str, addresses: &[Ipv4Addr]) {
    for address in addresses {
        assert!(!log.contains(&address.to_string()), "the log of {whose} has {address}");
    }
}

/// Whether some memory holds an address, as text or as its four bytes.
fn finds(memory: &[Vec<u8>], address: Ipv4Addr) -> bool {
    let text = address.to_string();
    memory.iter().any(|piece| holds(piece, text.as_bytes()) || holds(piece, &address.octets()))
}

/// Everything that a process can read and that does not lie in a file that it cannot write.
fn memory_of(process: &Process) -> Vec<Vec<u8>> {
    let id = process.id();
    let maps = fs::read_to_string(format!("/proc/{id}/maps")).expect("its maps");
    let memory = File::open(format!("/proc/{id}/mem")).expect("its memory");
    let mut pieces = Vec::new();
    for line in maps.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [range, rights, _, _, inode, ..] = words[..] else { panic!("{line}") };
        let learns = rights.contains('w') || inode == "0";
        // The kernel's pages for the clock are not the process's, and cannot all be read.
        if !rights.starts_with('r') || !learns || line.contains("[v") {
            continue;
        }
        let (from, to) = range.split_once('-').expect("a range");
        let [from, to] = [from, to].map(|at| u64::from_str_radix(at, 16).expect("an address"));
        let mut piece = vec![0; usize::try_from(to - from).expect("memory")];
        match memory.read_exact_at(&mut piece, from) {
            Ok(()) => pieces.push(piece),
            // It was given back meanwhile.
            Err(error) => assert_ne!(error.kind(), std::io::ErrorKind::PermissionDenied),
        }
    }
    pieces
}

// Each is the start of no other, and the bytes of none are words of a program. That four given bytes
// stand somewhere by chance happens in one of 200 runs for each 20 MB of what looks random; a node has
// less than 2 MB of that.
const HOPE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 61);
/// The router's outside, and the home behind it.
const ANNA: [Ipv4Addr; 2] = [Ipv4Addr::new(198, 51, 100, 113), Ipv4Addr::new(192, 168, 177, 231)];
const BEN: [Ipv4Addr; 2] = [Ipv4Addr::new(198, 51, 100, 187), Ipv4Addr::new(10, 139, 213, 157)];

/// Between two sentences of one who talks to somebody who is cut off.
const BETWEEN: Duration = Duration::from_millis(250);
/// After a cut: who talks notices it 38 s after it began, and then waits 19 s at most; who listens, and whose
/// cut was too short for a ping, until TCP tries again (28 s by calculation, 16 s after 38 s of a cut).
const BACK: Duration = Duration::from_secs(30);
