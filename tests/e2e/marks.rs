//! Talking, with the relay there and away: marks tell the truth (P1, P2, U-40 to U-42).

use std::{fs::File, process::Stdio};

use harness::process::{Process, text, texts_of};

use crate::{CIRCLE, Circle};

/// P1
#[test]
fn each_sentence_is_read_by_the_others_exactly_once() {
    let (_circle, people) = Circle::of(["Anna", "Ben", "Chris"]);
    let mut followers: Vec<Process> = people.iter().map(|home| home.follow(CIRCLE)).collect();
    let mut sentences = Vec::new();
    for round in 0..3 {
        for home in &people {
            let sentence = format!("{} says sentence {round}", home.name);
            home.say(CIRCLE, &sentence, &[]);
            sentences.push(sentence);
        }
    }
    sentences.sort();
    for (home, follower) in people.iter().zip(&mut followers) {
        follower.until_said(&sentences);
        let mut followed = texts_of(&follower.seen);
        followed.sort();
        assert_eq!(followed, sentences, "{} follows", home.name);
        let mut texts = home.texts(CIRCLE);
        texts.sort();
        assert_eq!(texts, sentences, "{} reads", home.name);
    }
}

/// U-42
#[test]
fn what_was_not_read_yet_is_read_from_the_oldest_on() {
    let (_circle, [anna, ben]) = Circle::of(["Anna", "Ben"]);
    ben.lines(["read", CIRCLE, "--unread"]);
    let said: Vec<String> = (1..=5).map(|number| format!("sentence {number}")).collect();
    let mut follower = ben.follow(CIRCLE);
    said.iter().for_each(|text| drop(anna.say(CIRCLE, text, &["--wait", "relayed"])));
    follower.until_said(&said);
    let read = |limit: &str| {
        let done = ben.does(["read", CIRCLE, "--unread", "--limit", limit]);
        (texts_of(&done.well()), done.stderr())
    };
    // What had no room was not read.
    let full = File::options().write(true).open("/dev/full").expect("Linux has one");
    let status =
        ben.command(["read", CIRCLE, "--unread"]).stdout(full).stderr(Stdio::null()).status();
    assert_eq!(status.expect("it runs").code(), Some(1));
    assert_eq!(
        read("2"),
        (said[..2].to_vec(), "3 more are unread. To read on, do the same again.\n".to_owned())
    );
    assert_eq!(read("3"), (said[2..].to_vec(), String::new()));
    assert_eq!(read("0"), (Vec::new(), String::new()));
}

/// P2, U-40
#[test]
fn a_mark_goes_from_waiting_over_relayed_to_received() {
    let (_circle, [anna, _ben]) = Circle::of(["Anna", "Ben"]);
    let mut follower = anna.follow(CIRCLE);
    follower.until(|line| line["kind"] == "joined");
    let said = anna.say(CIRCLE, "good evening", &["--timeout", "0"]);
    assert_eq!(
        (&said["mark"], &said["queued"], &said["received_by"], &said["members"]),
        (&"waiting".into(), &true.into(), &0.into(), &1.into()),
        "{said}"
    );
    let id = text(&said["id"]);
    let received = follower.until(|line| line["id"] == *id && line["mark"] == "received");
    assert_eq!((&received["received_by"], &received["members"]), (&1.into(), &1.into()));
    let of_it = follower.seen.iter().filter(|line| line["id"] == *id);
    let marks: Vec<String> = of_it.map(|line| text(&line["mark"])).collect();
    let order = ["waiting", "relayed", "received"];
    let places: Vec<_> =
        marks.iter().map(|mark| order.iter().position(|word| word == mark)).collect();
    assert!(places.is_sorted(), "a mark went back: {marks:?}");
    assert!(marks.contains(&"relayed".to_owned()), "{marks:?}");
}

/// U-40: what was stored is told, though its node was stopped while somebody waited for more.
#[test]
fn who_waits_for_a_mark_is_told_how_far_it_came_when_the_node_is_stopped() {
    let (mut circle, [anna, _ben]) = Circle::of(["Anna", "Ben"]);
    circle.stop_relay();
    let mut follower = anna.follow(CIRCLE);
    let flags = ["say", CIRCLE, "before the end", "--wait", "received", "--timeout", "60s"];
    let mut waits = anna.begin(flags);
    follower.until(|line| line["text"] == "before the end");
    circle.stop(&anna);
    let said = waits.hear();
    assert_eq!((&said["mark"], &said["queued"]), (&"waiting".into(), &true.into()), "{said}");
    assert_eq!(waits.wait().code(), Some(6));
    assert_eq!(anna.texts(CIRCLE), ["before the end"]);
}

/// P1, P2, U-40
#[test]
fn without_a_relay_a_message_waits_and_says_so_and_with_one_it_arrives() {
    let (mut circle, people) = Circle::of(["Anna", "Ben", "Chris"]);
    let [anna, ben, _] = &people;
    anna.say(CIRCLE, "before", &["--wait", "relayed"]);
    circle.stop_relay();
    let said = anna.say(CIRCLE, "while it is away", &["--timeout", "1s"]);
    assert_eq!((&said["mark"], &said["queued"]), (&"waiting".into(), &true.into()), "{said}");
    let plain = anna.plain_command(["say", CIRCLE, "and again", "--timeout", "1s"]);
    let plain = harness::process::Done::of(plain, "");
    assert_eq!(plain.code(), 0);
    assert_eq!(plain.stdout(), "Waiting. It goes out when a relay or a member can be reached.\n");
    // U-40: what is wanted and not reached ends with 6, and the object is printed all the same.
    let wanted =
        anna.does(["say", CIRCLE, "and once more", "--wait", "relayed", "--timeout", "1s"]);
    assert_eq!(wanted.refusal(), (6, "timed-out".to_owned()));
    assert_eq!(wanted.objects()[0]["mark"], "waiting");
    ben.say(CIRCLE, "Ben too", &["--timeout", "0"]);
    let status = anna.ok(["status"]);
    assert_eq!((&status["queued"], &status["network"]), (&3.into(), &"offline".into()), "{status}");

    let mut followers: Vec<Process> = people.iter().map(|home| home.follow(CIRCLE)).collect();
    circle.start_relay();
    let sentences =
        ["before", "while it is away", "and again", "and once more", "Ben too"].map(str::to_owned);
    for (home, follower) in people.iter().zip(&mut followers) {
        follower.until_said(&sentences);
        assert_eq!(home.texts(CIRCLE).len(), sentences.len());
    }
    let id = text(&said["id"]);
    let marked = |line: &serde_json::Value| line["id"] == *id && line["mark"] != "waiting";
    if !followers[0].seen.iter().any(marked) {
        followers[0].until(marked);
    }
}
