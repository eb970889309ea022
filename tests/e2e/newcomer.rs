//! Who comes later reads what is said later (P4).

use harness::process::texts_of;

use crate::{CIRCLE, Circle, numbered};

/// P4, U-44
#[test]
fn a_newcomer_reads_nothing_from_before_and_everything_from_then_on() {
    let (circle, [anna, ben]) = Circle::of(["Anna", "Ben"]);
    let before = numbered("before Dana came", 30);
    let said = anna.does_with(["say", CIRCLE, "-", "--lines"], &(before.join("\n") + "\n"));
    assert_eq!(said.well().len(), before.len());
    let dana = circle.stage.person("Dana");
    let _node = dana.start();
    let code = anna.invite(CIRCLE, &[]);
    dana.join(&code, &anna, CIRCLE);
    let mut follower = dana.follow(CIRCLE);
    let after = ["Anna welcomes Dana".to_owned(), "Ben welcomes Dana".to_owned()];
    anna.say(CIRCLE, &after[0], &[]);
    ben.say(CIRCLE, &after[1], &[]);
    follower.until_said(&after);
    let entries = dana.lines(["read", CIRCLE, "--limit", "0"]);
    let mut texts = texts_of(&entries);
    texts.sort();
    assert_eq!(texts, after);
    let gaps = entries.iter().chain(&follower.seen).filter(|entry| entry["gap"].is_object());
    for gap in gaps {
        let cause = gap["gap"]["cause"].as_str().expect("a cause");
        let over = gap["gap"]["count"] == 0;
        assert!(over || ["not-a-member-then", "forgotten"].contains(&cause), "{gap}");
    }
    // The others lost nothing by it.
    for home in [&anna, &ben] {
        assert_eq!(home.texts(CIRCLE).len(), before.len() + after.len());
    }
}
