//! What governs a circle (U-32, U-39, U-51).
use hearthlight_protocol::{
    boundary::{ActView, CircleView, Timestamp},
    identity::CircleId,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{V, talk::mark_word, time};

/// Something done to a member (U-51).
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::api) struct Governed {
    v: u8,
    id: String,
    circle: String,
    circle_id: String,
    action: &'static str,
    state: &'static str,
    vote_id: Option<String>,
    mark: &'static str,
    invites_closed: usize,
}

impl Governed {
    /// An act of one's own in the circle that goes by `label` here.
    pub(in crate::api) fn of(
        label: &str,
        circle: CircleId,
        action: &'static str,
        act: &ActView,
    ) -> Self {
        Self {
            v: V,
            id: act.id.hex(),
            circle: label.to_owned(),
            circle_id: circle.hex(),
            action,
            // Nothing needs a vote in this version.
            state: if act.needs_second { "needs-second" } else { "done" },
            vote_id: None,
            mark: mark_word(act.mark),
            invites_closed: act.invites_closed,
        }
    }
}

/// A membership that its member ended (U-32).
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::api) struct Gone {
    v: u8,
    id: String,
    circle: String,
    circle_id: String,
    left_at: String,
    told: &'static str,
    invites_closed: usize,
    /// Messages of one's own that no relay and no member had: they go out no more.
    unsent: usize,
}

impl Gone {
    /// The act of leaving the circle that goes by `label` here.
    pub(in crate::api) fn of(
        label: &str,
        circle: CircleId,
        act: &ActView,
        at: Timestamp,
        unsent: usize,
    ) -> Self {
        Self {
            v: V,
            id: act.id.hex(),
            circle: label.to_owned(),
            circle_id: circle.hex(),
            left_at: time(at),
            told: mark_word(act.mark),
            invites_closed: act.invites_closed,
            unsent,
        }
    }
}

/// A circle with a fresh key (U-39).
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::api) struct Refreshed {
    v: u8,
    id: String,
    key: &'static str,
    value: Option<String>,
    mark: &'static str,
}

impl Refreshed {
    /// The epoch that is spoken in now, and whether a relay has it.
    pub(in crate::api) fn of(circle: CircleId, view: &CircleView) -> Self {
        Self {
            v: V,
            id: circle.hex(),
            key: "epoch",
            value: view.epoch.map(|id| id.hex()),
            mark: mark_word(view.posted),
        }
    }
}

#[cfg(test)]
mod tests {
    use hearthlight_protocol::{boundary::Mark, identity::OperationId};
    use serde_json::{json, to_value};

    use super::*;
    use crate::api::views::samples;

    const HERE: CircleId = CircleId([0x41; 32]);

    fn act(mark: Mark) -> ActView {
        let id = OperationId([0xa1; 32]);
        ActView { id, mark, invites_closed: 2, needs_second: false }
    }

    /// U-51
    #[test]
    fn an_act_has_its_fields() {
        let governed = Governed::of("Test", HERE, "remove", &act(Mark::Relayed));
        assert_eq!(
            to_value(governed).unwrap(),
            json!({
                "v": 1, "id": "a1".repeat(32), "circle": "Test", "circle_id": "41".repeat(32),
                "action": "remove", "state": "done", "vote_id": null, "mark": "relayed",
                "invites_closed": 2,
            })
        );
    }

    /// U-51, R-12
    #[test]
    fn what_a_second_host_has_to_back_says_so() {
        let act = ActView { needs_second: true, ..act(Mark::Relayed) };
        let governed = to_value(Governed::of("Test", HERE, "remove", &act)).unwrap();
        assert_eq!(governed["state"], "needs-second");
    }

    /// U-32
    #[test]
    fn leaving_has_its_fields() {
        let gone = Gone::of("Test", HERE, &act(Mark::Waiting), samples::AT, 3);
        assert_eq!(
            to_value(gone).unwrap(),
            json!({
                "v": 1, "id": "a1".repeat(32), "circle": "Test", "circle_id": "41".repeat(32),
                "left_at": "2026-11-23T18:02:11.204Z", "told": "waiting",
                "invites_closed": 2, "unsent": 3,
            })
        );
    }

    /// U-39
    #[test]
    fn a_fresh_key_has_its_fields() {
        assert_eq!(
            to_value(Refreshed::of(HERE, &samples::circle())).unwrap(),
            json!({
                "v": 1, "id": "41".repeat(32), "key": "epoch", "value": "0b".repeat(32),
                "mark": "relayed",
            })
        );
    }
}
