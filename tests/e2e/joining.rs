//! Joining, twice and at once and through power cuts: one invite never makes two members (U-36, U-38).

use harness::process::{Done, Home, text};

use crate::{CIRCLE, Circle, kill::kills};

/// U-38
#[test]
fn letting_somebody_in_twice_at_once_makes_one_member() {
    let (circle, people) = Circle::of(["Anna", "Ben", "Chris"]);
    let anna = &people[0];
    let dana = circle.stage.person("Dana");
    let _node = dana.start();
    let code = anna.invite(CIRCLE, &[]);
    let mut asking = dana.begin(["join", &code, "--name", "Dana", "--wait", "60s"]);
    until_waits(anna, "Dana");
    for admitting in [0, 1, 2].map(|_| anna.command(["admit", CIRCLE, "Dana"]).spawn()) {
        let output = admitting.expect("the program runs").wait_with_output().expect("a child");
        assert_eq!(Done { output }.well()[0]["state"], "admitted");
    }
    assert_eq!(asking.hear()["state"], "member");
    assert!(asking.wait().success());
    one_of(&dana, "Dana", 4);
    dana.say(CIRCLE, "good evening", &["--wait", "relayed"]);
    for home in &people {
        home.follow(CIRCLE).until_said(&["good evening".to_owned()]);
        one_of(home, "Dana", 4);
    }
}

/// H-20, U-36, R-62
#[test]
fn an_invite_for_one_lets_one_of_two_in_and_tells_the_other() {
    let (circle, [anna]) = Circle::of(["Anna"]);
    let code = anna.invite(CIRCLE, &[]);
    let guests = ["Dana", "Eve"].map(|name| circle.stage.person(name));
    let _nodes = guests.clone().map(|guest| guest.start());
    let mut asking = guests
        .clone()
        .map(|guest| guest.begin(["join", &code, "--name", &guest.name, "--wait", "60s"]));
    for guest in &guests {
        until_waits(&anna, &guest.name);
    }
    let letting = guests.clone().map(|guest| anna.command(["admit", CIRCLE, &guest.name]).spawn());
    let codes = letting.map(|one| {
        let output = one.expect("the program runs").wait_with_output().expect("a child");
        Done { output }.code()
    });
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    let mut states = Vec::new();
    for asking in &mut asking {
        let state = asking.next_or_end().map(|joined| text(&joined["state"]));
        let code = asking.wait().code();
        states.push((code, state));
        if code != Some(0) {
            assert_eq!(code, Some(5), "{}", asking.stderr());
            assert!(asking.stderr().contains("\"invite-used\""), "{}", asking.stderr());
        }
    }
    assert_eq!(states.iter().filter(|(code, _)| *code == Some(0)).count(), 1, "{states:?}");
    assert_eq!(anna.lines(["members", CIRCLE]).len(), 2);
}

/// U-36: asking goes on whenever a node runs, and is one asking.
#[test]
fn who_loses_power_while_asking_is_let_in_once() {
    let (circle, [anna]) = Circle::of(["Anna"]);
    for run in 0..kills() {
        let name = format!("Dana{run}");
        let dana = circle.stage.person(&name);
        let code = anna.invite(CIRCLE, &[]);
        let node = dana.start();
        let mut asking = dana.begin(["join", &code, "--name", &name, "--wait", "60s"]);
        match run % 3 {
            // At once, once it waits there, and once it was let in.
            0 => {}
            1 => until_waits(&anna, &name),
            _ => {
                until_waits(&anna, &name);
                anna.ok(["admit", CIRCLE, &name]);
            }
        }
        node.kill();
        asking.cut();
        let _node = dana.start();
        // The same command again, twice at once: it is the same asking.
        let again =
            [0, 1].map(|_| dana.command(["join", &code, "--name", &name, "--wait", "60s"]).spawn());
        if run % 3 != 2 {
            until_waits(&anna, &name);
            anna.ok(["admit", CIRCLE, &name]);
        }
        for joining in again {
            let output = joining.expect("the program runs").wait_with_output().expect("a child");
            let joined = Done { output }.well();
            assert_eq!(joined[0]["state"], "member", "run {run}");
        }
        one_of(&anna, &name, run + 2);
        dana.say(CIRCLE, &format!("{name} is here"), &["--wait", "relayed"]);
        anna.follow(CIRCLE).until_said(&[format!("{name} is here")]);
        assert!(anna.lines(["waiting", CIRCLE]).is_empty());
    }
}

/// Reads until `name` asks.
fn until_waits(host: &Home, name: &str) {
    let until = std::time::Instant::now() + harness::process::LONGEST;
    while !host.lines(["waiting", CIRCLE]).iter().any(|one| one["name"] == *name) {
        assert!(std::time::Instant::now() < until, "{name} does not ask");
    }
}

/// Fails unless `home` knows one member of that name among `all`.
fn one_of(home: &Home, name: &str, all: usize) {
    let members = home.lines(["members", CIRCLE]);
    let named = members.iter().filter(|member| member["name"] == *name);
    assert_eq!((named.count(), members.len()), (1, all), "{} knows", home.name);
}
