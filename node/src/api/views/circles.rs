//! Circles and their relays (U-23, U-30 to U-33).
use hearthlight_protocol::boundary::{CircleView, Notices, RelayAddress, RelayView, Standing};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Card, V, admit_word, circle_word, date};
use crate::{address, api::find::circle_id};

/// A circle in a list (U-31).
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(in crate::api) struct CircleLine {
    v: u8,
    id: String,
    label: String,
    template: String,
    state: &'static str,
    roles: Vec<String>,
    members: usize,
    unread: usize,
    waiting_room: usize,
    muted: bool,
    notify: &'static str,
    relays_up: usize,
    relays: usize,
    joined_on: Option<String>,
}

impl CircleLine {
    /// A circle's line.
    pub(in crate::api) fn of(circle: &CircleView) -> Self {
        Self {
            v: V,
            id: circle_id(circle.id),
            label: circle.label.clone(),
            template: circle.template.clone(),
            state: circle_word(circle.standing),
            roles: circle.roles.clone(),
            members: circle.members,
            unread: circle.unread,
            waiting_room: circle.waiting_room,
            muted: circle.muted,
            notify: notify_word(circle.notices),
            relays_up: up(&circle.relays),
            relays: circle.relays.len(),
            joined_on: circle.joined_at.map(date),
        }
    }
}

/// One circle with all that is known of it (U-31): `relays` are the relays themselves here.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::api) struct CircleShown {
    v: u8,
    id: String,
    label: String,
    template: String,
    state: &'static str,
    roles: Vec<String>,
    members: usize,
    unread: usize,
    waiting_room: usize,
    muted: bool,
    notify: &'static str,
    relays_up: usize,
    joined_on: Option<String>,
    about: String,
    rules: Vec<String>,
    admit: &'static str,
    retention_s: Option<u64>,
    direct: bool,
    newcomers_see: Vec<String>,
    relays: Vec<Relay>,
    epoch: Option<String>,
    hosts: Vec<String>,
    next_meeting_at: Option<String>,
    other_copy: bool,
}

impl CircleShown {
    /// All of a circle.
    pub(in crate::api) fn of(circle: &CircleView) -> Self {
        Self {
            v: V,
            id: circle_id(circle.id),
            label: circle.label.clone(),
            template: circle.template.clone(),
            state: circle_word(circle.standing),
            roles: circle.roles.clone(),
            members: circle.members,
            unread: circle.unread,
            waiting_room: circle.waiting_room,
            muted: circle.muted,
            notify: notify_word(circle.notices),
            relays_up: up(&circle.relays),
            joined_on: circle.joined_at.map(date),
            about: circle.about.clone(),
            rules: circle.rules.clone(),
            admit: admit_word(circle.admit),
            retention_s: circle.retention_s,
            direct: circle.direct,
            // P4: nothing that was said before they came.
            newcomers_see: Vec::new(),
            relays: circle.relays.iter().map(Relay::of).collect(),
            epoch: circle.epoch.map(|id| id.hex()),
            hosts: circle.hosts.clone(),
            next_meeting_at: None,
            other_copy: circle.other_copy,
        }
    }
}

/// A circle that was just founded (U-30).
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::api) struct Founded {
    v: u8,
    id: String,
    label: String,
    template: String,
    me: String,
    member_id: Option<String>,
    roles: Vec<String>,
    admit: &'static str,
    retention_s: Option<u64>,
    direct: bool,
    thin: bool,
    relays: Vec<RelayUp>,
    hints: Vec<String>,
}

impl Founded {
    /// A new circle, and what its founder ought to know.
    pub(in crate::api) fn of(circle: &CircleView, hints: Vec<String>) -> Self {
        Self {
            v: V,
            id: circle_id(circle.id),
            label: circle.label.clone(),
            template: circle.template.clone(),
            me: circle.me.clone(),
            member_id: circle.member.map(|id| id.hex()),
            roles: circle.roles.clone(),
            admit: admit_word(circle.admit),
            retention_s: circle.retention_s,
            direct: circle.direct,
            thin: circle.thin,
            relays: circle
                .relays
                .iter()
                .map(|relay| RelayUp { key: key_text(relay), state: state_word(relay) })
                .collect(),
            hints,
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct RelayUp {
    key: Option<String>,
    state: &'static str,
}

/// A relay of a circle (U-33); without token.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::api) struct Relay {
    key: Option<String>,
    address: String,
    state: &'static str,
    card: Option<Card>,
}

impl Relay {
    /// A circle's relay.
    pub(in crate::api) fn of(relay: &RelayView) -> Self {
        Self {
            key: key_text(relay),
            address: address_text(relay),
            state: state_word(relay),
            card: relay.card.as_ref().map(Card::of),
        }
    }
}

/// A relay that was added or removed (U-33), and what ought to be known about it.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::api) struct RelayChanged {
    v: u8,
    #[serde(flatten)]
    relay: Relay,
    hints: Vec<String>,
}

impl RelayChanged {
    /// A relay after the change.
    pub(in crate::api) fn of(relay: &RelayView, hints: Vec<String>) -> Self {
        Self { v: V, relay: Relay::of(relay), hints }
    }

    /// A relay that is not the circle's any more.
    pub(in crate::api) fn removed(relay: &RelayView) -> Self {
        let mut changed = Self::of(relay, Vec::new());
        changed.relay.state = "down";
        changed
    }
}

/// A relay in the list of a circle's relays (U-33).
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::api) struct RelayLine {
    v: u8,
    #[serde(flatten)]
    relay: Relay,
}

/// A line of the list of relays.
pub(in crate::api) fn relay_line(relay: &RelayView) -> RelayLine {
    RelayLine { v: V, relay: Relay::of(relay) }
}

/// How this node reaches others, over all circles (U-23).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(in crate::api) struct Network {
    v: u8,
    /// `offline` or `relay`.
    pub(in crate::api) network: &'static str,
    /// Relays that serve a circle now.
    pub(in crate::api) relays_up: usize,
    /// Relays of all circles.
    pub(in crate::api) relays: usize,
    /// Circles that a single relay connects now (H-25).
    pub(in crate::api) one_path: usize,
}

/// What the relays of all circles come to. `direct` comes with links between members.
pub(in crate::api) fn network_of(circles: &[CircleView]) -> Network {
    let relays_up = circles.iter().map(|circle| up(&circle.relays)).sum();
    Network {
        v: V,
        network: if relays_up > 0 { "relay" } else { "offline" },
        relays_up,
        relays: circles.iter().map(|circle| circle.relays.len()).sum(),
        one_path: circles.iter().filter(|circle| only_path(circle).is_some()).count(),
    }
}

/// The one relay over which a circle can be reached now, if there is no second one: whoever runs it can hold
/// back what it likes, and nothing else would show it (H-25). One relay at two addresses is one.
pub(in crate::api) fn only_path(circle: &CircleView) -> Option<&RelayView> {
    let mut up = circle.relays.iter().filter(|relay| relay.up);
    let first = up.next()?;
    let same = |other: &RelayView| other.key.is_some() && other.key == first.key;
    (circle.standing == Standing::Member && up.all(same)).then_some(first)
}

/// How this home tells of something new in a circle, as a word.
pub(in crate::api) fn notify_word(notices: Option<Notices>) -> &'static str {
    match notices {
        None => "default",
        Some(Notices::Off) => "off",
        Some(Notices::Mark) => "mark",
        Some(Notices::Bell) => "bell",
        Some(Notices::Desktop) => "desktop",
    }
}

fn up(relays: &[RelayView]) -> usize {
    relays.iter().filter(|relay| relay.up).count()
}

fn state_word(relay: &RelayView) -> &'static str {
    if relay.up { "up" } else { "down" }
}

fn key_text(relay: &RelayView) -> Option<String> {
    relay.key.as_ref().map(address::peer_text)
}

fn address_text(relay: &RelayView) -> String {
    match relay.key {
        Some(key) => address::without_token(&RelayAddress {
            addresses: relay.addresses.clone(),
            key,
            token: None,
        }),
        None => {
            let texts: Vec<_> =
                relay.addresses.iter().filter_map(|bytes| address::multiaddr_text(bytes)).collect();
            texts.join(",")
        }
    }
}

#[cfg(test)]
mod tests {
    use hearthlight_protocol::identity::Peer;
    use serde_json::{Value, json};

    use super::*;
    use crate::api::views::samples;

    fn relay() -> Value {
        let view = samples::relay();
        json!({
            "key": address::peer_text(&view.key.unwrap()),
            "address": address_text(&view),
            "state": "up",
            "card": {
                "operator": "Hope", "contact": "hope@relay.test", "country": "DE", "hosting": "home",
                "statement": "For friends.", "mode": "token", "age_s": 2_592_000,
                "quota_bytes": 104_857_600, "version": "0.1.0",
                "made_at": "2026-11-23T18:02:11.204Z",
                "sees": crate::relay::SEES,
            },
        })
    }

    /// U-31
    #[test]
    fn a_circle_in_a_list_has_its_fields() {
        let json = serde_json::to_value(CircleLine::of(&samples::circle())).unwrap();
        assert_eq!(
            json,
            json!({
                "v": 1, "id": "41".repeat(32), "label": "Test", "template": "plain",
                "state": "member", "roles": ["host"], "members": 6, "unread": 3,
                "waiting_room": 1, "muted": false, "notify": "default", "relays_up": 1, "relays": 1,
                "joined_on": "2026-11-23",
            })
        );
    }

    /// U-31
    #[test]
    fn a_circle_shown_has_its_fields() {
        let json = serde_json::to_value(CircleShown::of(&samples::circle())).unwrap();
        assert_eq!(
            json,
            json!({
                "v": 1, "id": "41".repeat(32), "label": "Test", "template": "plain",
                "state": "member", "roles": ["host"], "members": 6, "unread": 3,
                "waiting_room": 1, "muted": false, "notify": "default", "relays_up": 1, "joined_on": "2026-11-23",
                "about": "We meet on Tuesdays.", "rules": ["One speaks at a time."],
                "admit": "ask", "retention_s": 2_592_000, "direct": false, "newcomers_see": [],
                "relays": [relay()], "epoch": "0b".repeat(32), "hosts": ["Heron"],
                "next_meeting_at": null, "other_copy": false,
            })
        );
    }

    /// U-30
    #[test]
    fn a_founded_circle_has_its_fields() {
        let json =
            serde_json::to_value(Founded::of(&samples::circle(), vec!["One.".into()])).unwrap();
        assert_eq!(
            json,
            json!({
                "v": 1, "id": "41".repeat(32), "label": "Test", "template": "plain", "me": "Heron",
                "member_id": "c0".repeat(32), "roles": ["host"], "admit": "ask",
                "retention_s": 2_592_000, "direct": false, "thin": false,
                "relays": [{"key": relay()["key"], "state": "up"}], "hints": ["One."],
            })
        );
    }

    /// U-33
    #[test]
    fn a_relay_has_its_fields() {
        let mut wanted = relay();
        wanted["v"] = 1.into();
        let line = serde_json::to_value(relay_line(&samples::relay())).unwrap();
        assert_eq!(line, wanted);
        wanted["hints"] = json!([]);
        wanted["state"] = "down".into();
        let removed = serde_json::to_value(RelayChanged::removed(&samples::relay())).unwrap();
        assert_eq!(removed, wanted);
    }

    #[test]
    fn a_relay_known_by_its_tag_alone_has_no_key() {
        let mut view = samples::relay();
        view.key = None;
        view.card.as_mut().unwrap().contact.clear();
        let json = serde_json::to_value(Relay::of(&view)).unwrap();
        assert!(json["card"]["contact"].is_null(), "U-9: nobody said");
        view.card = None;
        let json = serde_json::to_value(Relay::of(&view)).unwrap();
        assert_eq!((&json["key"], &json["card"]), (&Value::Null, &Value::Null));
    }

    /// U-23
    #[test]
    fn the_network_is_offline_until_a_relay_is_up() {
        let mut circle = samples::circle();
        assert_eq!(network_of(std::slice::from_ref(&circle)).network, "relay");
        circle.relays[0].up = false;
        assert_eq!(network_of(&[circle]).network, "offline");
    }

    /// H-25
    #[test]
    fn a_circle_that_one_relay_alone_connects_is_counted() {
        let mut circle = samples::circle();
        let mut second = samples::relay();
        second.key = Some(Peer([9; 32]));
        let paths = |circle: &CircleView| network_of(std::slice::from_ref(circle)).one_path;
        assert_eq!(paths(&circle), 1, "it has one relay");
        circle.relays.push(second);
        assert_eq!(paths(&circle), 0);
        circle.relays[0].up = false;
        assert_eq!(paths(&circle), 1, "one is left");
        assert_eq!(only_path(&circle), Some(&circle.relays[1]));
        circle.relays[0] = RelayView { addresses: vec![vec![7]], ..circle.relays[1].clone() };
        assert_eq!(paths(&circle), 1, "it is the same one twice");
        circle.relays.iter_mut().for_each(|relay| relay.up = false);
        assert_eq!(paths(&circle), 0, "that there is none is told otherwise");
        circle.relays[0].up = true;
        circle.standing = Standing::Removed;
        assert_eq!(paths(&circle), 0);
    }
}
