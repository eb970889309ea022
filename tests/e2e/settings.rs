//! What a person chooses for this computer, and for a circle on it (U-13, U-39, U-71).

use std::fs;

use harness::process::{Done, Home, Stage, text};

use crate::{CIRCLE, Circle, program};

/// U-71, U-13
#[test]
fn settings_are_kept_with_a_running_node_and_without_one() {
    let stage = Stage::new(&program());
    let anna = stage.person("Anna");
    let own = |home: &Home| fs::read_to_string(home.dir.join("config.toml")).expect("settings");
    for runs in [false, true] {
        let _node = runs.then(|| anna.start());
        let usual = anna.ok(["config", "get", "lock.after"]);
        assert_eq!(
            usual,
            serde_json::json!({
                "v": 1, "key": "lock.after", "value": "15m", "default": "15m", "origin": "default"
            })
        );
        let set = anna.ok(["config", "set", "lock.after", "5m"]);
        assert_eq!((&set["value"], &set["origin"]), (&"5m".into(), &"config.toml".into()), "{set}");
        assert!(own(&anna).contains("after = \"5m\""), "{}", own(&anna));
        let title = anna.ok(["config", "set", "page.hide_keys", "false"]);
        assert_eq!(title["value"], false);
        assert_eq!(anna.ok(["config", "unset", "page.hide_keys"])["value"], true);

        // What a value is, the node alone says.
        for (key, value) in
            [("lock.after", "5"), ("notify.quiet", "25:00-07:00"), ("page.away", "x")]
        {
            assert_eq!(
                anna.refused(["config", "set", key, value]),
                (2, "usage".to_owned()),
                "{key}"
            );
        }
        let plain = Done::of(anna.plain_command(["config", "get", "lock.after"]), "");
        assert_eq!(plain.stdout(), "lock.after  5m  (from config.toml)\n");
        let all = anna.lines(["config", "list"]);
        let keys: Vec<String> = all.iter().map(|line| text(&line["key"])).collect();
        for key in &keys {
            assert_eq!(anna.ok(["config", "get", key])["key"], **key);
        }
        assert_eq!(keys.len(), 10, "{keys:?}");
        anna.ok(["config", "unset", "lock.after"]);
    }
    let near = anna.does(["config", "get", "notify.quite"]);
    assert_eq!(near.refusal(), (2, "usage".to_owned()));
    assert!(near.stderr().contains("notify.quiet\""), "{}", near.stderr());
    let path = text(&anna.ok(["config", "path"])["path"]);
    assert_eq!(path, anna.dir.join("config.toml").display().to_string());
}

/// U-39, U-180
#[test]
fn a_circle_is_told_of_as_its_member_chose_and_still_after_a_restart() {
    let (mut circle, [anna, ben]) = Circle::of(["Anna", "Ben"]);
    let set = |key: &str, value: &str| anna.ok(["circle", "set", CIRCLE, key, value]);
    let kept = || {
        let line = anna.ok(["circle", "list"]);
        let shown = anna.ok(["circle", "show", CIRCLE]);
        assert_eq!((&line["muted"], &line["notify"]), (&shown["muted"], &shown["notify"]));
        (line["muted"] == true, text(&line["notify"]))
    };
    assert_eq!(kept(), (false, "default".to_owned()));
    let muted = set("muted", "true");
    assert_eq!((&muted["key"], &muted["value"]), (&"muted".into(), &"true".into()), "{muted}");
    assert_eq!(set("notify", "bell")["value"], "bell");
    circle.stop(&anna);
    assert_eq!(kept(), (true, "bell".to_owned()));
    circle.start(&anna);
    assert_eq!(kept(), (true, "bell".to_owned()));
    for (key, value) in [("muted", "yes"), ("notify", "loud"), ("direct", "true")] {
        let refused = anna.refused(["circle", "set", CIRCLE, key, value]);
        assert_eq!(refused, (2, "usage".to_owned()), "{key}");
    }
    set("muted", "false");
    set("notify", "default");
    assert_eq!(kept(), (false, "default".to_owned()));
    assert_eq!(ben.ok(["circle", "list"])["muted"], false);
}

/// U-8: a name may be among the settings, so a closed home tells none.
#[test]
fn a_closed_home_tells_no_setting() {
    let stage = Stage::new(&program());
    let anna = stage.person("Anna");
    let node = anna.start();
    anna.ok(["lock"]);
    for words in [vec!["config", "list"], vec!["config", "set", "name", "Heron"]] {
        assert_eq!(anna.refused(words), (4, "locked".to_owned()));
    }
    anna.ok(["unlock"]);
    assert_eq!(anna.ok(["config", "get", "name"])["value"], "Anna");
    drop(node);
    let nobody = stage.home("Nobody");
    for words in [vec!["config", "list"], vec!["config", "path"]] {
        assert_eq!(nobody.refused(words), (3, "not-set-up".to_owned()));
    }
}
