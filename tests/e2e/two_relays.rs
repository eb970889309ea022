//! Two relays a circle: one may be gone, and who reaches only one of them hears everybody.

use std::net::Ipv4Addr;

use harness::{
    netns::Network,
    process::{Home, LONGEST, Relay, Stage, text},
};

use crate::{CIRCLE, governing::until, program, reads_exactly, relay_on};

/// P1, R-71; H-25: that one path is left is told.
#[test]
fn with_one_of_two_relays_gone_everything_goes_on() {
    let stage = Stage::new(&program());
    let relays = ["Hope", "Holly"].map(|host| stage.relay(host));
    let [hope, holly] = [0, 1].map(|number: usize| relays[number].run());
    let [anna, ben, dana] = ["Anna", "Ben", "Dana"].map(|name| stage.person(name));
    let _nodes = [&anna, &dana].map(|home| home.start());
    let mut bens = ben.start();
    anna.found(CIRCLE, &[&relays[0], &relays[1]]);
    ben.join(&anna.invite(CIRCLE, &[]), &anna, CIRCLE);
    let mut before: Vec<String> = Vec::new();
    let mut say = |home: &Home, words: &str| {
        home.say(CIRCLE, words, &["--wait", "relayed"]);
        before.push(words.to_owned());
        before.clone()
    };
    let mut annas = anna.follow(CIRCLE);
    annas.until_said(&say(&ben, "both are there"));
    until(&anna, &["status"], |status| status["one_path"] == 0 && status["relays_up"] == 2);

    hope.kill();
    until(&anna, &["status"], |status| status["one_path"] == 1);
    let checks = anna.lines(["doctor"]);
    for tells in ["does not answer", "the only way to 1 circle"] {
        let told = checks.iter().find(|check| text(&check["detail"]).contains(tells));
        assert_eq!(told.expect("it is told")["result"], "look", "{checks:?}");
    }
    ben.follow(CIRCLE).until_said(&say(&anna, "Hope is gone"));
    annas.until_said(&say(&ben, "still here"));
    ben.ok(["stop"]);
    assert!(bens.wait().success(), "{}", bens.stderr());
    say(&anna, "Ben is away");

    // what Hope's relay did not see is put there by who has it.
    let _hope = relays[0].run();
    same(&relays);
    holly.kill();
    let _bens = ben.start();
    let before = say(&ben, "over the other one");
    for home in [&anna, &ben] {
        home.follow(CIRCLE).until_said(&before);
    }
    dana.join(&anna.invite(CIRCLE, &[]), &anna, CIRCLE);
    let since = ["good evening".to_owned()];
    dana.say(CIRCLE, &since[0], &["--wait", "relayed"]);
    for home in [&anna, &ben] {
        home.follow(CIRCLE).until_said(&since);
        reads_exactly(home, before.iter().chain(&since));
    }
    reads_exactly(&dana, &since);
}

/// U-33, R-64: a relay that the circle gave up is used by nobody, also where the invite had named it.
#[test]
fn a_relay_that_a_host_removed_is_used_by_nobody() {
    let stage = Stage::new(&program());
    let relays = ["Hope", "Holly"].map(|host| stage.relay(host));
    let _running = [0, 1].map(|number: usize| relays[number].run());
    let [anna, ben, chris] = ["Anna", "Ben", "Chris"].map(|name| stage.person(name));
    let _nodes = [&anna, &ben, &chris].map(|home| home.start());
    anna.found(CIRCLE, &[&relays[0], &relays[1]]);
    let code = anna.invite(CIRCLE, &["--uses", "2"]);
    ben.join(&code, &anna, CIRCLE);
    until(&ben, &["status"], |status| status["relays"] == 2);
    let listed = anna.lines(["circle", "relay", CIRCLE, "list"]);
    let key = text(&listed[0]["key"]).to_owned();
    anna.ok(["circle", "relay", CIRCLE, "remove", &key]);
    until(&ben, &["status"], |status| status["relays"] == 1);
    // A code from before leads there still, and to nothing more.
    chris.join(&code, &anna, CIRCLE);
    until(&chris, &["status"], |status| status["relays"] == 1);
    anna.say(CIRCLE, "over the one that is left", &["--wait", "relayed"]);
    ben.follow(CIRCLE).until_said(&["over the one that is left".to_owned()]);
}

///
#[test]
fn who_reaches_only_one_relay_hears_who_reaches_only_the_other() {
    let Some(net) = Network::new() else { return };
    let stage = Stage::new(&program());
    let relays = [("Hope", HOPE), ("Holly", HOLLY)]
        .map(|(host, address)| relay_on(&stage, host, &net.host(address), address));
    let _running = [0, 1].map(|number: usize| relays[number].run());
    let [annas, bens, chriss] = [2, 3, 4].map(|last| net.host(Ipv4Addr::new(198, 51, 100, last)));
    annas.bar(HOLLY);
    bens.bar(HOPE);
    let anna = stage.person("Anna").at(&annas);
    let ben = stage.person("Ben").at(&bens);
    let chris = stage.person("Chris").at(&chriss);
    let _nodes = [&anna, &ben, &chris].map(|home| home.start());
    chris.found(CIRCLE, &[&relays[0], &relays[1]]);
    let code = chris.invite(CIRCLE, &["--uses", "2"]);
    anna.join(&code, &chris, CIRCLE);
    ben.join(&code, &chris, CIRCLE);

    let mut ears = [&anna, &ben, &chris].map(|home| home.follow(CIRCLE));
    let mut said = Vec::new();
    for round in 0..3 {
        for home in [&anna, &ben, &chris] {
            let words = format!("{} says {round}", home.name);
            home.say(CIRCLE, &words, &["--wait", "relayed"]);
            said.push(words);
            let began = std::time::Instant::now();
            for ear in &mut ears {
                ear.until_said(&said);
            }
            println!("{} {round}: heard by all after {:?}", home.name, began.elapsed());
        }
    }
    for home in [&anna, &ben, &chris] {
        reads_exactly(home, &said);
    }
    same(&relays);
}

/// Waits until both relays keep as many envelopes.
fn same(relays: &[Relay; 2]) {
    let until = std::time::Instant::now() + LONGEST;
    loop {
        let kept = [0, 1].map(|number: usize| relays[number].status()["envelopes"].clone());
        assert!(kept[0].is_u64(), "{kept:?}");
        if kept[0] == kept[1] {
            break;
        }
        assert!(std::time::Instant::now() < until, "they keep {kept:?}");
    }
}

const HOPE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 61);
const HOLLY: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 62);
