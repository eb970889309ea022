//! A home that is put back from a backup, and one that runs twice.

use std::{fs, path::Path};

use harness::process::{Home, texts_of};

use crate::{CIRCLE, Circle, reads_exactly};

/// P1: a home put back goes on as a new device; nothing is read twice, nobody is accused.
#[test]
fn a_home_put_back_from_a_backup_goes_on_and_has_missed_nothing() {
    let (mut circle, [anna, ben, chris]) = Circle::of(["Anna", "Ben", "Chris"]);
    let mut said = Vec::new();
    let say = |home: &Home, words: &str, said: &mut Vec<String>| {
        home.say(CIRCLE, words, &["--wait", "relayed"]);
        said.push(words.to_owned());
    };
    say(&anna, "before the backup", &mut said);
    say(&ben, "before the backup, too", &mut said);
    ben.follow(CIRCLE).until_said(&said);
    circle.stop(&ben);
    let backup = circle.stage.path("backup");
    copy(&ben.dir, &backup);
    circle.start(&ben);
    say(&ben, "after the backup", &mut said);
    say(&anna, "after the backup, too", &mut said);
    chris.follow(CIRCLE).until_said(&said);
    let before = ben.ok(["circle", "show", CIRCLE]);
    circle.stop(&ben);

    fs::remove_dir_all(&ben.dir).expect("it was made here");
    copy(&backup, &ben.dir);
    circle.start(&ben);
    ben.follow(CIRCLE).until_said(&said);
    say(&ben, "put back", &mut said);
    say(&anna, "good to have you back", &mut said);
    for home in [&anna, &ben, &chris] {
        home.follow(CIRCLE).until_said(&said);
        reads_exactly(home, &said);
        assert_eq!(home.lines(["members", CIRCLE]).len(), 3);
    }
    // A new device: the epoch that names it is another one.
    let after = ben.ok(["circle", "show", CIRCLE]);
    assert_ne!(before["epoch"], after["epoch"]);
    assert_eq!(after["other_copy"], false);
}

/// of two copies one goes on, the other says so and is silent until its person decides.
#[test]
fn of_two_copies_of_a_home_one_goes_on_and_the_other_says_so() {
    let (mut circle, [anna, ben]) = Circle::of(["Anna", "Ben"]);
    anna.say(CIRCLE, "good evening", &["--wait", "relayed"]);
    ben.follow(CIRCLE).until_said(&["good evening".into()]);
    circle.stop(&ben);
    let mut twin = circle.stage.home("twin");
    copy(&ben.dir, &twin.dir);
    twin.name = ben.name.clone();
    circle.start(&ben);
    ben.say(CIRCLE, "said by the first", &["--wait", "relayed"]);
    // The second finds more of its own than it has, and goes on as a new device.
    let _node = twin.start();
    twin.follow(CIRCLE).until_said(&["said by the first".into()]);
    // The first takes that for what a relay brings late, as long as it has just been started, and goes on
    // as a new device too: then it is the second that is silent.
    let silent = |home: &Home| home.ok(["circle", "show", CIRCLE])["other_copy"] == true;
    let until = std::time::Instant::now() + harness::process::LONGEST;
    while !silent(&ben) && !silent(&twin) {
        assert!(std::time::Instant::now() < until, "neither copy hears of the other");
    }
    let (quiet, goes_on) = if silent(&ben) { (&ben, &twin) } else { (&twin, &ben) };
    let refused = quiet.does(["say", CIRCLE, "and more"]);
    assert_eq!(refused.refusal(), (7, "not-allowed".to_owned()));
    assert!(refused.stderr().contains("circle refresh"), "{}", refused.stderr());
    goes_on.say(CIRCLE, "said by the second", &["--wait", "relayed"]);
    let mut ear = anna.follow(CIRCLE);
    ear.until_said(&["said by the first".into(), "said by the second".into()]);
    assert!(!silent(goes_on));
    anna.say(CIRCLE, "to either of you", &["--wait", "relayed"]);
    goes_on.follow(CIRCLE).until_said(&["to either of you".into()]);

    // Its person says that this is the one to use: now the other one is silent.
    quiet.ok(["circle", "refresh", CIRCLE, "--yes"]);
    quiet.say(CIRCLE, "said by the first again", &["--wait", "relayed"]);
    ear.until_said(&["said by the first again".into()]);
    let until = std::time::Instant::now() + harness::process::LONGEST;
    while !silent(goes_on) {
        assert!(std::time::Instant::now() < until, "the other copy does not hear of this one");
    }
    assert!(!silent(quiet));
    // What was said meanwhile was sealed to the other's card: it asks, and is helped.
    quiet.follow(CIRCLE).until_said(&["to either of you".into()]);
    let seen = texts_of(&ear.seen);
    assert_eq!(seen.iter().filter(|text| text.contains("said by the")).count(), 3, "{seen:?}");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("room");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("a file");
        let (kind, to) = (entry.file_type().expect("a file"), to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &to);
        } else if kind.is_file() {
            fs::copy(entry.path(), to).expect("room");
        }
    }
    fs::set_permissions(to, fs::metadata(from).expect("a folder").permissions()).expect("mine");
}
