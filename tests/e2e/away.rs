//! Away, and back: the relay keeps what was said (P1).

use crate::{CIRCLE, Circle, numbered};

/// P1, U-41
#[test]
fn who_was_away_reads_five_hundred_lines_in_order_from_the_relay_alone() {
    let (mut circle, [anna, ben, chris]) = Circle::of(["Anna", "Ben", "Chris"]);
    circle.stop(&ben);
    circle.stop(&chris);
    let lines = numbered("said while Chris is away", 500);
    let said = anna.does_with(["say", CIRCLE, "-", "--lines"], &(lines.join("\n") + "\n")).well();
    assert_eq!(said.len(), lines.len());
    assert!(said.iter().all(|line| line["mark"] == "relayed"), "nobody else is there");
    circle.stop(&anna);
    circle.start(&chris);
    let mut follower = chris.follow(CIRCLE);
    follower.until_said(&lines);
    assert_eq!(chris.texts(CIRCLE), lines);
}
