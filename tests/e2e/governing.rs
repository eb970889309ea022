//! Roles, removals, holds, leaving and new keys (U-32, U-39, U-51).

use std::time::Instant;

use harness::process::{Done, Home, LONGEST, text, texts_of};
use serde_json::{Value, json};

use crate::{CIRCLE, Circle};

/// P3, U-51, R-60
#[test]
fn a_removed_member_is_told_and_reads_nothing_that_is_said_afterwards() {
    let (circle, [anna, ben, chris]) = Circle::of(["Anna", "Ben", "Chris"]);
    let code = anna.invite(CIRCLE, &[]);
    let mut followers = [&anna, &ben, &chris].map(|home| home.follow(CIRCLE));
    anna.say(CIRCLE, "before", &["--wait", "relayed"]);
    for follower in &mut followers {
        follower.until_said(&["before".to_owned()]);
    }
    // U-7: nobody is removed unasked, and only a host removes.
    assert_eq!(anna.refused(["member", "remove", CIRCLE, "Ben"]), needs_yes());
    let by_chris = ["member", "remove", CIRCLE, "Ben", "--yes"];
    assert_eq!(chris.refused(by_chris), (7, "not-allowed".to_owned()));

    let done = anna.ok(["member", "remove", CIRCLE, "Ben", "--reason", "agreed", "--yes"]);
    let fields = ["action", "state", "vote_id", "mark", "invites_closed", "circle"];
    let shown: Vec<&Value> = fields.iter().map(|field| &done[field]).collect();
    let wanted = json!(["remove", "done", null, "relayed", 1, CIRCLE]);
    assert_eq!(json!(shown), wanted, "{done}");
    for follower in &mut followers {
        let line = follower.until(|line| line["kind"] == "removed");
        assert_eq!(line["data"]["name"], "Ben", "{line}");
    }
    anna.say(CIRCLE, "after, by Anna", &["--wait", "relayed"]);
    chris.say(CIRCLE, "after, by Chris", &["--wait", "relayed"]);
    let said = ["before", "after, by Anna", "after, by Chris"].map(str::to_owned);
    followers[0].until_said(&said);
    followers[2].until_said(&said);
    assert_eq!(ben.texts(CIRCLE), ["before"]);

    assert_eq!(ben.ok(["circle", "show", CIRCLE])["state"], "removed");
    assert_eq!(ben.lines(["circle", "list"])[0]["state"], "removed");
    let plain = Done::of(ben.plain_command(["read", CIRCLE]), "").stdout();
    assert!(plain.contains("Ben was removed. The reason given: agreed  ("), "{plain}");
    for words in [
        vec!["say", CIRCLE, "and me"],
        vec!["invite", "new", CIRCLE],
        vec!["circle", "refresh", CIRCLE],
        vec!["circle", "leave", CIRCLE, "--yes"],
        vec!["member", "hold", CIRCLE, "Anna", "--yes"],
    ] {
        assert_eq!(ben.refused(&words), (7, "removed".to_owned()), "{words:?}");
    }
    assert_eq!(state_of(&anna, "Ben"), "removed");
    assert_eq!(state_of(&chris, "Ben"), "removed");
    let again = ["member", "remove", CIRCLE, "Ben", "--yes"];
    assert_eq!(anna.refused(again), (2, "no-match".to_owned()));

    // What was handed out before leads nowhere, and says so.
    let dana = circle.stage.person("Dana");
    let late = dana.does(["join", &code, "--name", "Dana", "--wait", "60s"]);
    assert_eq!(late.refusal(), (5, "invite-revoked".to_owned()));
    assert!(late.stderr().contains("This invite was taken back."), "{}", late.stderr());
    let fresh = anna.invite(CIRCLE, &[]);
    let _node = dana.start();
    dana.join(&fresh, &anna, CIRCLE);
    dana.say(CIRCLE, "good evening", &["--wait", "relayed"]);
    followers[2].until_said(&["good evening".to_owned()]);
    assert_eq!(ben.texts(CIRCLE), ["before"]);
}

/// U-32
#[test]
fn who_leaves_is_told_of_and_keeps_or_forgets_what_was_said() {
    let (mut circle, [anna, ben, chris]) = Circle::of(["Anna", "Ben", "Chris"]);
    let mut follower = anna.follow(CIRCLE);
    anna.say(CIRCLE, "before", &["--wait", "relayed"]);
    for home in [&ben, &chris] {
        home.follow(CIRCLE).until_said(&["before".to_owned()]);
    }
    assert_eq!(ben.refused(["circle", "leave", CIRCLE]), needs_yes());
    // it closes what was open, as every removal does, and says so.
    let open = anna.invite(CIRCLE, &[]);
    until(&ben, &["invite", "list", CIRCLE], |invite| invite["state"] == "live");
    let gone = ben.ok(["circle", "leave", CIRCLE, "--yes"]);
    assert_eq!(gone["invites_closed"], 1, "{gone} {open}");
    assert_eq!((&gone["told"], &gone["circle"]), (&"relayed".into(), &CIRCLE.into()), "{gone}");
    assert!(text(&gone["left_at"]).ends_with('Z'), "{gone}");
    let line = follower.until(|line| line["kind"] == "left");
    assert_eq!(line["data"]["name"], "Ben", "{line}");
    assert_eq!(state_of(&anna, "Ben"), "left");
    // It can still be found and read here, and nothing can be said.
    assert_eq!(ben.ok(["circle", "show", "tue"])["state"], "left");
    anna.say(CIRCLE, "after", &["--wait", "relayed"]);
    chris.follow(CIRCLE).until_said(&["after".to_owned()]);
    assert_eq!(ben.texts(CIRCLE), ["before"]);
    assert_eq!(ben.refused(["say", CIRCLE, "and me"]), (7, "removed".to_owned()));
    // Leaving again is the same leaving; with --forget it removes what is left.
    let again = ben.ok(["circle", "leave", CIRCLE]);
    assert_eq!((&again["id"], &again["left_at"]), (&gone["id"], &gone["left_at"]));
    // What was said is not written over by coming back.
    let code = anna.invite(CIRCLE, &[]);
    let back = ["join", &code, "--name", "Ben", "--wait", "60s"];
    assert_eq!(ben.refused(back), (7, "removed".to_owned()));
    assert_eq!(ben.texts(CIRCLE), ["before"]);
    let plain = ben.plain_command(["circle", "leave", CIRCLE, "--forget", "--yes"]);
    let plain = Done::of(plain, "");
    assert_eq!(
        (plain.code(), plain.stdout().as_str()),
        (0, "You left. Tuesday group is gone from this computer.\n"),
        "{}",
        plain.stderr()
    );
    assert_eq!(ben.refused(["circle", "show", CIRCLE]), (2, "no-match".to_owned()));
    let mut benny = ben.clone();
    benny.name = "Benny".to_owned();
    benny.join(&code, &anna, CIRCLE);
    assert_eq!(
        (state_of(&anna, "Ben"), state_of(&anna, "Benny")),
        ("left".into(), "active".into())
    );
    assert!(anna.lines(["waiting", CIRCLE]).is_empty());
    ben.say(CIRCLE, "here again", &["--wait", "relayed"]);
    follower.until_said(&["here again".to_owned()]);
    assert_eq!(ben.texts(CIRCLE), ["here again"]);

    // Nothing is forgotten before the others can know.
    chris.follow(CIRCLE).until_said(&["here again".to_owned()]);
    circle.stop_relay();
    let early = chris.does(["circle", "leave", CIRCLE, "--forget", "--yes"]);
    assert_eq!(early.refusal(), (6, "timed-out".to_owned()));
    assert_eq!(early.objects()[0]["told"], "waiting");
    assert_eq!(chris.ok(["circle", "show", CIRCLE])["state"], "left");
    assert_eq!(chris.texts(CIRCLE), ["before", "after", "here again"]);
    circle.start_relay();
    until(&chris, &["circle", "leave", CIRCLE], |gone| gone["told"] == "relayed");
    follower.until(|line| line["kind"] == "left" && line["data"]["name"] == "Chris");
    let gone = chris.ok(["circle", "leave", CIRCLE, "--forget", "--yes"]);
    assert_eq!(gone["told"], "relayed", "{gone}");
    assert!(chris.lines(["circle", "list"]).is_empty());
    // The last one may go without a word about hosts.
    ben.ok(["circle", "leave", CIRCLE, "--yes"]);
    until(&anna, &["circle", "show", CIRCLE], |circle| circle["members"] == 1);
    assert_eq!(anna.ok(["circle", "leave", CIRCLE, "--forget", "--yes"])["told"], "relayed");
    assert!(anna.lines(["circle", "list"]).is_empty());
}

/// U-32: a node for as long as the verb takes.
#[test]
fn whoever_runs_no_node_leaves_and_forgets_with_one_verb() {
    let (mut circle, [anna, ben]) = Circle::of(["Anna", "Ben"]);
    circle.stop(&ben);
    let gone = ben.ok(["circle", "leave", CIRCLE, "--forget", "--yes"]);
    assert_eq!(gone["told"], "relayed", "{gone}");
    assert!(ben.lines(["circle", "list"]).is_empty());
    until(&anna, &["members", CIRCLE], |member| member["state"] == "left");
}

/// R-83, U-51, U-33: what is new has to be read before anything is governed. Where it cannot be, verbs say
/// that nothing was changed; what is said waits; and a new relay brings all of it back.
#[test]
fn without_a_relay_nothing_is_governed_and_each_verb_says_so() {
    let (mut circle, [anna, ben]) = Circle::of(["Anna", "Ben"]);
    circle.stop(&anna);
    // A node for as long as the verb takes, and one that has just begun, wait the moment that it takes.
    let _ = anna.invite(CIRCLE, &[]);
    circle.start(&anna);
    anna.ok(["circle", "refresh", CIRCLE]);
    circle.stop_relay();
    circle.stop(&anna);
    circle.start(&anna);
    for words in [
        vec!["member", "remove", CIRCLE, "Ben", "--yes"],
        vec!["circle", "leave", CIRCLE, "--end", "--forget", "--yes"],
        vec!["circle", "refresh", CIRCLE],
        vec!["invite", "new", CIRCLE],
    ] {
        let refused = anna.does(&words);
        assert_eq!(refused.refusal(), (6, "unreachable".to_owned()), "{words:?}");
        assert!(refused.stderr().contains("so nothing was changed"), "{}", refused.stderr());
        let leaves = words.contains(&"leave");
        assert_eq!(refused.stderr().contains("hearthlight wipe C"), leaves, "{}", refused.stderr());
    }
    assert_eq!(state_of(&anna, "Ben"), "active");
    assert_eq!(anna.lines(["invite", "list", CIRCLE]).len(), 2);
    assert_eq!(anna.say(CIRCLE, "while it is away", &["--timeout", "1s"])["mark"], "waiting");

    // That relay does not come back, and a host says where to find each other from now on.
    let other = circle.stage.relay("Holly");
    let _holly = other.run();
    let added = anna.ok(["circle", "relay", CIRCLE, "add", &other.address]);
    assert_eq!(added["state"], "up", "{added}");
    until(&anna, &["read", CIRCLE], |line| line["kind"] == "said" && line["mark"] == "relayed");
    let _ = anna.invite(CIRCLE, &[]);
    circle.start_relay();
    ben.follow(CIRCLE).until_said(&["while it is away".to_owned()]);
    anna.ok(["member", "remove", CIRCLE, "Ben", "--yes"]);
    until(&ben, &["circle", "list"], |line| line["state"] == "removed");
}

/// U-51, U-32, R-12
#[test]
fn a_second_host_removes_too_and_the_only_one_does_not_leave_by_mistake() {
    let (_circle, [anna, ben, chris]) = Circle::of(["Anna", "Ben", "Chris"]);
    let alone = anna.does(["circle", "leave", CIRCLE, "--yes"]);
    assert_eq!(alone.refusal(), (7, "not-allowed".to_owned()));
    assert!(alone.stderr().contains("--add host"), "{}", alone.stderr());
    let role = |who, flag, role| ["member", "role", CIRCLE, who, flag, role, "--yes"];
    assert_eq!(anna.refused(role("Ben", "--add", "king")), (2, "no-match".to_owned()));
    assert_eq!(anna.refused(["member", "role", CIRCLE, "Ben"]), (2, "needs-input".to_owned()));
    assert_eq!(ben.refused(role("me", "--add", "host")), (7, "not-allowed".to_owned()));
    assert_eq!(anna.refused(role("me", "--drop", "host")), (7, "not-allowed".to_owned()));
    let oneself = ["member", "remove", CIRCLE, "me", "--yes"];
    assert_eq!(anna.refused(oneself), (2, "usage".to_owned()));

    let done = anna.ok(role("Ben", "--add", "host"));
    assert_eq!((&done["action"], &done["mark"]), (&"role".into(), &"relayed".into()), "{done}");
    let has_host = |circle: &Value| circle["roles"] == json!(["host"]);
    until(&ben, &["circle", "show", CIRCLE], has_host);
    let other = ["member", "remove", CIRCLE, "Anna", "--yes"];
    assert_eq!(ben.refused(other), (7, "not-allowed".to_owned()));
    let plain = ben.plain_command(["member", "remove", CIRCLE, "Chris", "--yes"]);
    let plain = Done::of(plain, "");
    assert_eq!(
        plain.stdout(),
        "Chris is removed. What you say from now on cannot be read by Chris. Others follow when \
         they hear of it.\n",
        "{}",
        plain.stderr()
    );
    until(&chris, &["circle", "show", CIRCLE], |circle| circle["state"] == "removed");
    until(&anna, &["circle", "show", CIRCLE], |circle| circle["members"] == 2);

    let plain = Done::of(anna.plain_command(role("me", "--drop", "host")), "");
    assert_eq!(plain.stdout(), "You are no host any more.\n", "{}", plain.stderr());
    until(&ben, &["circle", "show", CIRCLE], |circle| circle["hosts"] == json!(["Ben"]));
    let leave = ["circle", "leave", CIRCLE, "--yes"];
    assert_eq!(ben.refused(leave), (7, "not-allowed".to_owned()));
    let gone = ben.ok(["circle", "leave", CIRCLE, "--yes", "--end"]);
    assert_eq!(gone["told"], "relayed", "{gone}");
    until(&anna, &["circle", "show", CIRCLE], |circle| circle["hosts"] == json!([]));
    anna.say(CIRCLE, "still here", &["--wait", "relayed"]);
}

/// U-51, R-12
#[test]
fn a_host_goes_when_two_others_say_so() {
    let (_circle, [anna, ben, chris]) = Circle::of(["Anna", "Ben", "Chris"]);
    let role = |who| ["member", "role", CIRCLE, who, "--add", "host", "--yes"];
    anna.ok(role("Ben"));
    let remove = ["member", "remove", CIRCLE, "Ben", "--yes"];
    assert_eq!(anna.refused(remove), (7, "not-allowed".to_owned()), "nobody could back her");
    anna.ok(role("Chris"));
    until(&chris, &["circle", "show", CIRCLE], |circle| circle["roles"] == json!(["host"]));
    let mut follower = ben.follow(CIRCLE);
    let code = anna.invite(CIRCLE, &[]);

    let first = anna.ok(remove);
    let fields = ["action", "state", "mark", "invites_closed"].map(|field| &first[field]);
    assert_eq!(json!(fields), json!(["remove", "needs-second", "relayed", 0]), "{first}");
    assert_eq!(anna.ok(remove)["id"], first["id"], "the same word");
    for home in [&ben, &chris] {
        let waits = |member: &Value| member["removal_by"] == json!(["Anna"]);
        until(home, &["members", CIRCLE], waits);
    }
    anna.say(CIRCLE, "Ben is in still", &["--wait", "relayed"]);
    follower.until_said(&["Ben is in still".to_owned()]);

    let second = Done::of(chris.plain_command(remove), "");
    assert!(second.stdout().starts_with("Ben is removed."), "{}", second.stdout());
    assert!(second.stdout().ends_with("Open invites were closed: 1.\n"), "{}", second.stdout());
    until(&ben, &["circle", "show", CIRCLE], |circle| circle["state"] == "removed");
    until(&anna, &["circle", "show", CIRCLE], |circle| circle["members"] == 2);
    anna.say(CIRCLE, "among two", &["--wait", "relayed"]);
    chris.follow(CIRCLE).until_said(&["among two".to_owned()]);
    assert!(!ben.texts(CIRCLE).contains(&"among two".to_owned()));
    let _ = code;
}

/// U-51, R-12
#[test]
fn a_role_is_given_until_a_day() {
    let (_circle, [anna, ben]) = Circle::of(["Anna", "Ben"]);
    let until =
        |day| ["member", "role", CIRCLE, "Ben", "--add", "steward", "--until", day, "--yes"];
    assert_eq!(anna.refused(until("soon")), (2, "usage".to_owned()));
    assert_eq!(anna.refused(until("2020-01-31")), (2, "usage".to_owned()));
    let plain = Done::of(anna.plain_command(until("2099-03-31")), "");
    assert_eq!(
        plain.stdout(),
        "Ben is a steward now. It ends by itself on 31 Mar 2099.\n",
        "{}",
        plain.stderr()
    );
    let has_term = |member: &Value| {
        member["name"] == "Ben"
            && member["roles"] == json!(["steward"])
            && member["terms"][0]["role"] == "steward"
            && text(&member["terms"][0]["until"]).starts_with("2099-03-3")
    };
    until_all(&[&anna, &ben], &["members", CIRCLE], has_term);
    let code = ben.invite(CIRCLE, &[]);
    assert!(code.starts_with("HL1"));
}

/// U-51, D-37
#[test]
fn what_a_held_member_says_is_shown_once_the_hold_ends() {
    let (_circle, [anna, ben, chris]) = Circle::of(["Anna", "Ben", "Chris"]);
    let hold = |span| ["member", "hold", CIRCLE, "Ben", "--for", span, "--yes"];
    assert_eq!(anna.refused(hold("73h")), (2, "usage".to_owned()));
    assert_eq!(anna.ok(hold("2h"))["action"], "hold");
    let is_held = |member: &Value| member["name"] == "Ben" && member["state"] == "held";
    for home in [&ben, &chris] {
        until(home, &["members", CIRCLE], is_held);
    }
    let mut followers = [&anna, &chris].map(|home| home.follow(CIRCLE));
    ben.say(CIRCLE, "set aside", &["--wait", "relayed"]);
    // The way that Ben's words would have gone.
    anna.say(CIRCLE, "said meanwhile", &["--wait", "relayed"]);
    for follower in &mut followers {
        follower.until_said(&["said meanwhile".to_owned()]);
        assert!(!texts_of(&follower.seen).contains(&"set aside".to_owned()));
    }
    assert_eq!(chris.texts(CIRCLE), ["said meanwhile"]);
    assert!(ben.texts(CIRCLE).contains(&"set aside".to_owned()));

    let plain = Done::of(anna.plain_command(hold("0")), "").stdout();
    assert_eq!(plain, "Ben is not held any more. What was set aside is shown.\n");
    for follower in &mut followers {
        follower.until_said(&["set aside".to_owned()]);
    }
    assert_eq!(state_of(&chris, "Ben"), "active");
    assert_eq!(anna.refused(hold("2h")), (7, "not-allowed".to_owned()), "held lately");
}

/// U-39
#[test]
fn new_keys_are_used_at_once_and_talk_goes_on() {
    let (circle, [anna, ben]) = Circle::of(["Anna", "Ben"]);
    let code = anna.invite(CIRCLE, &[]);
    let before = ben.ok(["circle", "show", CIRCLE])["epoch"].clone();
    let fresh = ben.ok(["circle", "refresh", CIRCLE]);
    assert_eq!((&fresh["key"], &fresh["mark"]), (&"epoch".into(), &"relayed".into()), "{fresh}");
    let epoch = ben.ok(["circle", "show", CIRCLE])["epoch"].clone();
    assert_ne!(epoch, before);
    assert_eq!(epoch, fresh["value"]);
    let mut followers = [&anna, &ben].map(|home| home.follow(CIRCLE));
    ben.say(CIRCLE, "under new keys", &["--wait", "relayed"]);
    followers[0].until_said(&["under new keys".to_owned()]);
    assert_eq!(anna.ok(["circle", "show", CIRCLE])["epoch"], epoch);
    anna.say(CIRCLE, "I can read that", &["--wait", "relayed"]);
    followers[1].until_said(&["I can read that".to_owned()]);
    // An invite from before is good still.
    let dana = circle.stage.person("Dana");
    let _node = dana.start();
    dana.join(&code, &anna, CIRCLE);
    dana.say(CIRCLE, "good evening", &["--wait", "relayed"]);
    followers[1].until_said(&["good evening".to_owned()]);
}

/// Asks until one of the objects is as wanted; a change of state is no event for scripts yet.
pub(crate) fn until(home: &Home, words: &[&str], is_it: impl Fn(&Value) -> bool) {
    let late = Instant::now() + LONGEST;
    loop {
        let objects = home.lines(words);
        if objects.iter().any(&is_it) {
            return;
        }
        assert!(Instant::now() < late, "{words:?} stays at {objects:?}");
    }
}

fn until_all(homes: &[&Home], words: &[&str], is_it: impl Fn(&Value) -> bool) {
    for home in homes {
        until(home, words, &is_it);
    }
}

/// How `home` lists a member.
pub(crate) fn state_of(home: &Home, name: &str) -> String {
    let members = home.lines(["members", CIRCLE]);
    let member = members.iter().find(|member| member["name"] == name);
    member.map_or_else(|| "nowhere".to_owned(), |member| text(&member["state"]))
}

/// U-7: a question that nobody can be asked.
fn needs_yes() -> (i32, String) {
    (2, "needs-input".to_owned())
}
