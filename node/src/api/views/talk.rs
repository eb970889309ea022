//! What was said, marks and gaps (U-40 to U-44).
use hearthlight_protocol::{
    boundary::{Delivery, Entry, EntryKind, GapCause, Mark, Timestamp, Wants},
    identity::{CircleId, MessageId},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{V, hex, time, votes::verdict_word};
use crate::api::find::Names;

/// One line of a conversation (U-42).
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::api) struct Line {
    v: u8,
    id: Option<String>,
    circle: String,
    circle_id: String,
    kind: &'static str,
    author: Option<String>,
    author_id: Option<String>,
    own: bool,
    text: Option<String>,
    note: Option<String>,
    wants: Option<&'static str>,
    reply_to: Option<String>,
    said_at: Option<String>,
    received_at: Option<String>,
    expires_at: Option<String>,
    mark: Option<&'static str>,
    received_by: Option<usize>,
    members: Option<usize>,
    gap: Option<Gap>,
    data: Option<Data>,
}

/// What is missing (U-44).
#[derive(Debug, Serialize, JsonSchema)]
struct Gap {
    id: String,
    count: Option<u64>,
    cause: &'static str,
    asking: Vec<String>,
    since: String,
}

/// The fields of kinds that have their own (U-43).
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
enum Data {
    Went { who: String, name: String, reason: Option<String> },
    Role { who: String, name: String, role: String, given: bool },
    Vote { vote: String, name: String, result: Option<&'static str> },
    Who { who: String, name: String },
    Newer { number: u8 },
}

impl Line {
    /// A line of the circle that goes by `label` here.
    pub(in crate::api) fn of(label: &str, circle: CircleId, names: &Names, entry: &Entry) -> Self {
        let mut line = Self {
            v: V,
            id: entry.id.map(|id| hex(&id)),
            circle: label.to_owned(),
            circle_id: circle.hex(),
            kind: kind_word(&entry.kind),
            author: entry.author_name.as_ref().map(|name| match entry.author {
                Some(id) => names.shown(name, &id.hex()),
                None => name.clone(),
            }),
            author_id: entry.author.map(|id| id.hex()),
            own: entry.own,
            text: None,
            note: None,
            wants: None,
            reply_to: None,
            said_at: entry.said_at.map(time),
            received_at: Some(time(entry.received_at)),
            expires_at: entry.expires_at.map(time),
            mark: entry.delivery.map(|delivery| mark_word(delivery.mark)),
            received_by: entry.delivery.map(|delivery| delivery.received_by),
            members: entry.delivery.map(|delivery| delivery.members),
            gap: None,
            data: None,
        };
        match &entry.kind {
            EntryKind::Said { text, reply_to, wants, note } => {
                line.text = Some(text.clone());
                line.note.clone_from(note);
                line.wants = wants.map(wants_word);
                line.reply_to = reply_to.map(|id| id.hex());
            }
            EntryKind::Support { to, words } => {
                line.text = Some(words.clone());
                line.reply_to = Some(to.hex());
            }
            EntryKind::Left { who, name, reason, .. } => {
                let (who, reason) = (who.hex(), reason.clone());
                line.data = Some(Data::Went { name: names.shown(name, &who), who, reason });
            }
            EntryKind::Role { who, name, role, given } => {
                let (who, role, given) = (who.hex(), role.clone(), *given);
                line.data = Some(Data::Role { name: names.shown(name, &who), who, role, given });
            }
            EntryKind::Vote { id, name, text, verdict } => {
                line.text = Some(text.clone());
                let name = line.author.clone().unwrap_or_else(|| name.clone());
                let result = verdict.map(verdict_word);
                line.data = Some(Data::Vote { vote: id.hex(), name, result });
            }
            EntryKind::Joined { who, name }
            | EntryKind::Differs { who, name }
            | EntryKind::Exceeds { who, name } => {
                let who = who.hex();
                line.data = Some(Data::Who { name: names.shown(name, &who), who });
            }
            EntryKind::Newer { number } => line.data = Some(Data::Newer { number: *number }),
            EntryKind::Gap { id, count, cause, asking, since } => {
                // U-44: all other fields are null.
                line.received_at = None;
                line.gap = Some(Gap {
                    id: hex(id),
                    count: *count,
                    cause: cause_word(*cause),
                    asking: asking.clone(),
                    since: time(*since),
                });
            }
        }
        line
    }
}

/// Lines with the cursors to go on from (U-102).
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::api) struct Page {
    v: u8,
    items: Vec<Line>,
    before: Option<String>,
    after: Option<String>,
}

impl Page {
    /// Lines that were asked for with `limit`; from `after` on, where nothing is newer.
    pub(in crate::api) fn of(
        label: &str,
        circle: CircleId,
        names: &Names,
        entries: &[Entry],
        limit: usize,
        after: Option<String>,
    ) -> Self {
        let full = limit > 0 && entries.len() >= limit;
        Self {
            v: V,
            items: entries.iter().map(|entry| Line::of(label, circle, names, entry)).collect(),
            before: entries.first().filter(|_| full).map(|entry| hex(&entry.place)),
            after: entries.last().map(|entry| hex(&entry.place)).or(after),
        }
    }
}

/// A mark that rose (U-42, `--marks`).
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::api) struct MarkLine {
    v: u8,
    kind: &'static str,
    id: String,
    mark: &'static str,
    received_by: usize,
    members: usize,
}

impl MarkLine {
    /// The mark of a message.
    pub(in crate::api) fn of(id: MessageId, delivery: Delivery) -> Self {
        Self {
            v: V,
            kind: "mark",
            id: id.hex(),
            mark: mark_word(delivery.mark),
            received_by: delivery.received_by,
            members: delivery.members,
        }
    }
}

/// What was said, and how far it came (U-40, U-41).
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::api) struct SaidShown {
    v: u8,
    id: String,
    circle: String,
    circle_id: String,
    mark: &'static str,
    received_by: usize,
    members: usize,
    queued: bool,
    said_at: String,
    waited_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
}

impl SaidShown {
    /// A message of one's own after a wait of `waited_ms`.
    pub(in crate::api) fn of(
        label: &str,
        circle: CircleId,
        (id, said_at, delivery): (MessageId, Timestamp, Delivery),
        waited_ms: u64,
    ) -> Self {
        Self {
            v: V,
            id: id.hex(),
            circle: label.to_owned(),
            circle_id: circle.hex(),
            mark: mark_word(delivery.mark),
            received_by: delivery.received_by,
            members: delivery.members,
            queued: delivery.mark == Mark::Waiting,
            said_at: time(said_at),
            waited_ms,
            line: None,
        }
    }

    /// As one of many lines (U-41).
    pub(in crate::api) fn at_line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }
}

/// How far a message came, as a word.
pub(super) fn mark_word(mark: Mark) -> &'static str {
    match mark {
        Mark::Waiting => "waiting",
        Mark::Relayed => "relayed",
        Mark::Received => "received",
    }
}

fn wants_word(wants: Wants) -> &'static str {
    match wants {
        Wants::Listen => "listen",
        Wants::Experience => "experience",
        Wants::Advice => "advice",
    }
}

fn kind_word(kind: &EntryKind) -> &'static str {
    match kind {
        EntryKind::Said { .. } => "said",
        EntryKind::Support { .. } => "support",
        EntryKind::Joined { .. } => "joined",
        EntryKind::Left { removed: false, .. } => "left",
        EntryKind::Left { removed: true, .. } => "removed",
        EntryKind::Role { .. } => "role",
        EntryKind::Vote { .. } => "vote",
        EntryKind::Differs { .. } => "differs",
        EntryKind::Exceeds { .. } => "exceeds",
        // no word of U-43, so that readers say that it was made with a newer version.
        EntryKind::Newer { .. } => "newer",
        EntryKind::Gap { .. } => "gap",
    }
}

fn cause_word(cause: GapCause) -> &'static str {
    match cause {
        GapCause::Asking => "asking",
        GapCause::KeyComing => "key-coming",
        GapCause::NotAMemberThen => "not-a-member-then",
        GapCause::Forgotten => "forgotten",
        GapCause::Damaged => "damaged",
        GapCause::NewerVersion => "newer-version",
    }
}

#[cfg(test)]
mod tests {
    use hearthlight_protocol::{
        identity::{MemberId, OperationId},
        threshold::Verdict,
    };
    use serde_json::{Value, json};

    use super::*;
    use crate::api::{find::Named, views::samples};

    const CIRCLE: CircleId = CircleId([0x41; 32]);

    fn line(entry: &Entry) -> Value {
        serde_json::to_value(Line::of("Test", CIRCLE, &Names::default(), entry)).unwrap()
    }

    /// U-42
    #[test]
    fn what_was_said_has_its_fields() {
        assert_eq!(
            line(&samples::said()),
            json!({
                "v": 1, "id": "9f".repeat(32), "circle": "Test", "circle_id": "41".repeat(32),
                "kind": "said", "author": "Heron", "author_id": "c0".repeat(32), "own": true,
                "text": "made it to day four", "note": null, "wants": null, "reply_to": null,
                "said_at": "2026-11-23T18:02:11.204Z", "received_at": "2026-11-23T18:02:11.204Z",
                "expires_at": null, "mark": "received", "received_by": 2, "members": 5,
                "gap": null, "data": null,
            })
        );
    }

    /// U-44
    #[test]
    fn a_gap_has_its_fields_and_nothing_else() {
        assert_eq!(
            line(&samples::gap()),
            json!({
                "v": 1, "id": null, "circle": "Test", "circle_id": "41".repeat(32), "kind": "gap",
                "author": null, "author_id": null, "own": false, "text": null, "note": null,
                "wants": null, "reply_to": null, "said_at": null, "received_at": null,
                "expires_at": null, "mark": null, "received_by": null, "members": null,
                "gap": {
                    "id": "77".repeat(16), "count": 3, "cause": "asking",
                    "asking": ["relay 1", "Maple"], "since": "2026-11-23T18:02:11.204Z",
                },
                "data": null,
            })
        );
    }

    /// U-43
    #[test]
    fn comings_and_goings_say_who() {
        let mut entry = samples::said();
        let (who, name) = (MemberId([0x0b; 32]), "Otter".to_owned());
        let kinds = [
            (EntryKind::Joined { who, name: name.clone() }, "joined"),
            (EntryKind::Differs { who, name: name.clone() }, "differs"),
            (EntryKind::Exceeds { who, name }, "exceeds"),
        ];
        for (kind, word) in kinds {
            entry.kind = kind;
            let json = line(&entry);
            assert_eq!(json["kind"], word);
            assert_eq!(json["data"], json!({"who": "0b".repeat(32), "name": "Otter"}));
            assert_eq!(json["text"], Value::Null);
        }
        for (removed, reason, word) in [(false, None, "left"), (true, Some("loud"), "removed")] {
            let (name, reason) = ("Otter".to_owned(), reason.map(str::to_owned));
            entry.kind = EntryKind::Left { who, name, removed, reason: reason.clone() };
            let json = line(&entry);
            assert_eq!(json["kind"], word);
            let data = json!({"who": "0b".repeat(32), "name": "Otter", "reason": reason});
            assert_eq!(json["data"], data);
        }
        entry.kind = EntryKind::Newer { number: 200 };
        assert_eq!(line(&entry)["data"], json!({"number": 200}));
    }

    /// U-43
    #[test]
    fn roles_and_votes_say_which() {
        let mut entry = samples::said();
        let (who, name) = (MemberId([0x0b; 32]), "Otter".to_owned());
        let role = "steward".to_owned();
        entry.kind = EntryKind::Role { who, name: name.clone(), role, given: true };
        let json = line(&entry);
        let data =
            json!({"who": "0b".repeat(32), "name": "Otter", "role": "steward", "given": true});
        assert_eq!((&json["kind"], &json["data"]), (&json!("role"), &data));
        for (verdict, result) in [(None, None), (Some(Verdict::Carried), Some("carried"))] {
            let id = OperationId([0x70; 32]);
            let text = "Tea?".to_owned();
            entry.kind = EntryKind::Vote { id, name: name.clone(), text, verdict };
            let json = line(&entry);
            let data = json!({"vote": "70".repeat(32), "name": json["author"], "result": result});
            assert_eq!((&json["kind"], &json["data"]), (&json!("vote"), &data));
            assert_eq!(json["text"], "Tea?");
        }
    }

    /// U-11
    #[test]
    fn equal_looking_authors_are_told_apart() {
        let names = Names::of([
            Named { name: "Heron".into(), id: "c0".repeat(32) },
            Named { name: "heron".into(), id: "0b".repeat(32) },
        ]);
        let line = Line::of("Test", CIRCLE, &names, &samples::said());
        assert_eq!(line.author.as_deref(), Some("Heron~c0c0"));
    }

    /// U-102
    #[test]
    fn a_page_has_places_as_cursors() {
        let entries = [samples::said(), samples::gap()];
        let page = |entries: &[Entry], limit, after| {
            let names = Names::default();
            serde_json::to_value(Page::of("Test", CIRCLE, &names, entries, limit, after)).unwrap()
        };
        let full = page(&entries, 2, None);
        assert_eq!((&full["before"], &full["after"]), (&json!("0102ff"), &json!("03")));
        assert_eq!(full["items"].as_array().unwrap().len(), 2);
        assert_eq!(page(&entries, 50, None)["before"], Value::Null, "nothing is older");
        let none = page(&[], 50, Some("03".into()));
        assert_eq!((&none["before"], &none["after"]), (&Value::Null, &json!("03")));
    }

    /// U-40, U-41
    #[test]
    fn what_one_said_has_its_fields() {
        let delivery = Delivery { mark: Mark::Relayed, received_by: 0, members: 5 };
        let said = (MessageId([0x9f; 32]), samples::AT, delivery);
        let mut wanted = json!({
            "v": 1, "id": "9f".repeat(32), "circle": "Test", "circle_id": "41".repeat(32),
            "mark": "relayed", "received_by": 0, "members": 5, "queued": false,
            "said_at": "2026-11-23T18:02:11.204Z", "waited_ms": 212,
        });
        let shown = SaidShown::of("Test", CIRCLE, said, 212);
        assert_eq!(serde_json::to_value(&shown).unwrap(), wanted);
        wanted["line"] = 7.into();
        assert_eq!(serde_json::to_value(shown.at_line(7)).unwrap(), wanted);
    }

    /// U-42
    #[test]
    fn a_mark_has_its_fields() {
        let delivery = Delivery { mark: Mark::Received, received_by: 1, members: 5 };
        let json = serde_json::to_value(MarkLine::of(MessageId([0x9f; 32]), delivery)).unwrap();
        assert_eq!(
            json,
            json!({
                "v": 1, "kind": "mark", "id": "9f".repeat(32), "mark": "received",
                "received_by": 1, "members": 5,
            })
        );
    }
}
