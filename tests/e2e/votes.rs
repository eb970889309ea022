//! Votes by the verbs (U-67, R-12).

use harness::process::{Done, text};
use serde_json::json;

use crate::governing::{state_of, until};
use crate::{CIRCLE, Circle};

/// P3: the circle removes its host; whoever votes last, the computers do the rest.
#[test]
fn a_vote_that_is_carried_removes_a_host() {
    let (_circle, [anna, ben, chris]) = Circle::of(["Anna", "Ben", "Chris"]);
    let remove = ["member", "remove", CIRCLE, "Anna", "--yes"];
    assert_eq!(ben.refused(remove), (7, "not-allowed".to_owned()));
    let new = ["vote", "new", CIRCLE, "Anna goes", "--remove", "Anna"];
    assert_eq!(ben.refused(new), (2, "needs-input".to_owned()), "nobody is asked unasked");
    let low = ["vote", "new", CIRCLE, "x", "--remove", "Anna", "--threshold", "majority", "--yes"];
    assert_eq!(ben.refused(low), (2, "usage".to_owned()));
    assert_eq!(ben.refused(["vote", "new", CIRCLE, "x", "--secret"]), (2, "usage".to_owned()));
    assert_eq!(ben.refused(["vote", "cast", CIRCLE, "a1b2c3", "yes"]), (2, "no-match".to_owned()));

    let vote = ben.ok([&new[..], &["--yes"]].concat());
    let fields = ["text", "what", "about", "secret", "threshold", "quorum", "electorate", "cast"];
    let shown: Vec<_> = fields.iter().map(|field| &vote[field]).collect();
    let wanted = json!(["Anna goes", "remove", "Anna", false, "two-thirds", "1/2", 2, 0]);
    assert_eq!(json!(shown), wanted, "{vote}");
    assert_eq!((&vote["state"], &vote["mark"]), (&"open".into(), &"relayed".into()), "{vote}");
    let id = text(&vote["id"]);
    for home in [&anna, &chris] {
        until(home, &["vote", "list", CIRCLE], |vote| vote["id"] == id);
    }
    // She sees it, and does not vote on herself.
    assert_eq!(anna.refused(["vote", "cast", CIRCLE, &id, "no"]), (7, "not-allowed".to_owned()));
    assert_eq!(ben.ok(["vote", "cast", CIRCLE, &id, "yes"])["mine"], "yes");
    let plain = Done::of(chris.plain_command(["vote", "cast", CIRCLE, &id[..8], "yes"]), "");
    let line = plain.stdout();
    assert!(line.starts_with(&id[..6]) && line.ends_with("Anna goes\n"), "{line}");

    until(&ben, &["vote", "show", CIRCLE, &id], |vote| vote["result"] == "carried");
    until(&anna, &["circle", "show", CIRCLE], |circle| circle["state"] == "removed");
    for home in [&ben, &chris] {
        until(home, &["circle", "show", CIRCLE], |circle| circle["members"] == 2);
        assert_eq!(state_of(home, "Anna"), "removed");
    }
    ben.say(CIRCLE, "among two", &["--wait", "relayed"]);
    chris.follow(CIRCLE).until_said(&["among two".to_owned()]);
    assert!(!anna.texts(CIRCLE).contains(&"among two".to_owned()));
    // Who has the record can count again.
    let vote = chris.ok(["vote", "show", CIRCLE, &id]);
    let mut electors: Vec<_> =
        vote["electors"].as_array().expect("names").iter().map(text).collect();
    electors.sort();
    assert_eq!(electors, ["Ben", "Chris"]);
    assert_eq!(vote["cast"], 2, "{vote}");
    assert_eq!(chris.refused(["vote", "cast", CIRCLE, &id, "no"]), (7, "not-allowed".to_owned()));

    // Two who are left choose a host.
    let elect = ["vote", "new", CIRCLE, "Ben hosts", "--elect", "Ben", "--yes"];
    let id = text(&chris.ok(elect)["id"]);
    until(&ben, &["vote", "list", CIRCLE], |vote| vote["id"] == id);
    for home in [&ben, &chris] {
        home.ok(["vote", "cast", CIRCLE, &id, "yes"]);
    }
    until(&ben, &["circle", "show", CIRCLE], |circle| circle["hosts"] == json!(["Ben"]));
    until(&chris, &["circle", "show", CIRCLE], |circle| circle["hosts"] == json!(["Ben"]));
    // nobody says of a host who was here today that nobody has heard of him.
    let lost = ["vote", "host-lost", CIRCLE, "--yes"];
    assert_eq!(chris.refused(lost), (7, "not-allowed".to_owned()));
}
