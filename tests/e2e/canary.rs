//! Marked words in all that is secret, and a search in all that others could see (P5, P6, P9, U-202).

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::Path};

use harness::process::{Home, Process, Stage, Wire, files_below, free_port, holds, text};
use hearthlight_protocol::invite::InviteCode;

use crate::program;

/// H-30, P5, U-166, U-202
#[test]
fn no_marked_word_is_in_relay_home_log_or_on_the_wire() {
    let stage = Stage::new(&program());
    let port = free_port();
    let wire = Wire::to(port);
    let (listen, outside) =
        (format!("/ip4/127.0.0.1/tcp/{port}"), format!("/ip4/127.0.0.1/tcp/{}", wire.port));
    let relay = stage.relay_with("Hope", &["--listen", &listen, "--external-address", &outside]);
    let hope = relay.run_with(&["--log", "trace"]);

    let passphrase = stage.path("passphrase");
    fs::write(&passphrase, format!("{PASSPHRASE}\n")).expect("a file");
    fs::set_permissions(&passphrase, fs::Permissions::from_mode(0o600)).expect("a file");
    let file = passphrase.to_str().expect("plain paths");

    // `config.toml` keeps the set-up name in clear (U-20), so pseudonyms are others.
    let mut people = Vec::new();
    let mut nodes = Vec::new();
    for (name, pseudonym) in [("Anna", ANNA), ("Ben", BEN), ("Chris", CHRIS)] {
        let mut home = stage.home(name);
        home.ok(["setup", "--name", name, "--passphrase-file", file]);
        home.name = pseudonym.to_owned();
        nodes.push(traced(&home, file));
        people.push(home);
    }
    let [anna, ben, chris] = &people[..] else { unreachable!("three people") };
    let circle = anna.found(CIRCLE, &[&relay]);
    let code = anna.invite(CIRCLE, &["--uses", "2", "--label", NOTE]);
    let mut members = vec![text(&circle["member_id"])];
    for guest in [ben, chris] {
        members.push(text(&guest.join(&code, anna, CIRCLE)["member_id"]));
    }
    ben.ok(["circle", "set", CIRCLE, "label", LABEL]);
    let (said, note) = (format!("{WORDS} are said"), format!("{WORDS} are noted"));
    let id = text(&anna.say(CIRCLE, &said, &["--wait", "received", "--note", &note])["id"]);
    ben.follow(LABEL).until_said(std::slice::from_ref(&said));
    ben.say(LABEL, &format!("{WORDS} are answered"), &["--reply", &id, "--wait", "relayed"]);
    let mut follower = chris.follow(CIRCLE);
    follower.until_said(&[said, format!("{WORDS} are answered")]);
    drop(follower);
    // What people do when something goes wrong is logged as well.
    ben.refused(["join", &code, "--name", NOTE]);
    ben.refused(["say", &format!("no {CIRCLE} x"), WORDS]);
    ben.refused(["read", &format!("no {CIRCLE} x")]);

    let mut canaries: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for word in [ANNA, BEN, CHRIS, CIRCLE, LABEL, NOTE, WORDS, PASSPHRASE] {
        // A record that is text in another coding would show, too.
        canaries.insert(
            format!("{word}, UTF-16"),
            word.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        );
        canaries.insert(word.to_owned(), word.as_bytes().to_vec());
    }
    let invite = InviteCode::parse(&code).expect("an invite");
    canaries.insert("the invite's secret".into(), invite.secret.to_vec());
    canaries.insert("the invite's secret, hex".into(), hex(&invite.secret).into_bytes());
    canaries.insert("the invite's code".into(), code.as_bytes()[..24].to_vec());
    for (what, id) in [("circle id", text(&circle["id"])), ("message id", id)]
        .into_iter()
        .chain(members.into_iter().map(|id| ("member id", id)))
    {
        canaries.insert(format!("{what} {id}, raw"), unhex(&id));
        canaries.insert(format!("{what} {id}, hex"), id.into_bytes());
    }
    let token = relay.address.split("/token/").nth(1).expect("a token").to_owned();
    canaries.insert("the relay's token".into(), token.into_bytes());

    let mut places: Vec<(String, Vec<u8>)> = Vec::new();
    let look_in = |name: &str, dir: &Path, places: &mut Vec<_>| {
        let files = files_below(dir);
        assert!(files.len() > 2, "{name} has hardly any files");
        places.extend(files.into_iter().map(|(path, bytes)| (path.display().to_string(), bytes)));
    };
    // While all run, and again when all have ended.
    for home in &people {
        look_in(&home.name, &home.dir, &mut places);
    }
    look_in("the relay", &relay.dir, &mut places);
    let mut logs = Vec::new();
    for (home, mut node) in people.iter().zip(nodes) {
        home.ok(["stop"]);
        assert!(node.wait().success());
        logs.push((format!("the log of {}", home.name), node.stderr().into_bytes()));
        look_in(&home.name, &home.dir, &mut places);
    }
    logs.push((HOPES_LOG.into(), hope.stderr().into_bytes()));
    assert!(hope.end().success());
    look_in("the relay", &relay.dir, &mut places);
    for (name, log) in &logs {
        // A node that meets nothing strange logs nothing; a relay says at least that it is ready.
        assert!(name != HOPES_LOG || !log.is_empty(), "the log is empty, so it shows nothing");
        // No log tells where anybody is, or by what path.
        for word in ["127.0.0.1", "/ip4/", "12D3Koo", stage.path("").to_str().expect("plain")] {
            assert!(!holds(log, word.as_bytes()), "{name} holds {word}");
        }
    }
    places.extend(logs);
    let passed = wire.passed();
    let bytes: usize = passed.iter().map(Vec::len).sum();
    // Two directions for each of three members at least: all of it went over the wire.
    assert!(passed.len() >= 6 && bytes > 20_000, "{} streams, {bytes} bytes", passed.len());
    places.extend(passed.into_iter().enumerate().map(|(n, bytes)| (format!("stream {n}"), bytes)));

    let mut found = Vec::new();
    for (place, bytes) in &places {
        for (what, word) in &canaries {
            if holds(bytes, word) {
                found.push(format!("{what} is in {place}"));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// P9: after `wipe` nothing is left to search.
#[test]
fn after_wipe_the_home_is_gone() {
    let stage = Stage::new(&program());
    let anna = stage.person("Anna");
    anna.found(CIRCLE, &[]);
    anna.say(CIRCLE, WORDS, &["--timeout", "0"]);
    anna.ok(["wipe", "--yes"]);
    assert_eq!(files_below(&anna.dir), []);
    assert_eq!(anna.refused(["status"]), (3, "not-set-up".into()));
}

/// A node that writes down all that it logs.
fn traced(home: &Home, passphrase: &str) -> Process {
    let mut node = home.begin(["start", "--log", "trace", "--passphrase-file", passphrase]);
    node.hear();
    node
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    pairs.map(|pair| byte(pair).expect("hex")).collect()
}

const HOPES_LOG: &str = "the relay's log";
// Words that stand nowhere else.
const ANNA: &str = "Ankanarie";
const BEN: &str = "Benkanarie";
const CHRIS: &str = "Chkanarie";
const CIRCLE: &str = "Kreiskanarie";
const LABEL: &str = "Schildkanarie";
const NOTE: &str = "Merkkanarie";
const WORDS: &str = "Wortkanarien";
const PASSPHRASE: &str = "Schluesselkanarie oben";
