//! Saying and reading (U-40 to U-44).
use std::{sync::Arc, time::Instant};

use axum::{Json, extract::State, http::HeaderMap};
use hearthlight_protocol::{
    boundary::{Answer, Command, Delivery, Draft, Entry, EntryKind, Event, Mark, Timestamp, Wants},
    identity::{CircleId, MessageId},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    asked::{Asked, Named, Sent},
    desk::{Desk, Open, answered},
    find::{self, Names},
    once,
    problem::{ErrorObject, Problem},
    views::{Items, Page, SaidShown, V},
    wait,
};

#[derive(Deserialize, JsonSchema)]
pub(super) struct Reading {
    /// At most so many, 1 to 500; 50 where nothing is said.
    limit: Option<usize>,
    /// All of them, whatever `limit` says.
    #[serde(default)]
    all: bool,
    before: Option<String>,
    after: Option<String>,
    since_ms: Option<u64>,
    #[serde(default)]
    unread: bool,
    #[serde(default)]
    mark_read: bool,
}

/// `GET /v1/circles/{c}/messages`
pub(super) async fn read(
    State(desk): State<Arc<Desk>>,
    Named(c): Named<String>,
    Asked(reading): Asked<Reading>,
) -> Result<Json<Page>, Problem> {
    let node = desk.node()?;
    let (circle, view) = node.joined(&c).await?;
    let limit = reading.limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(Problem::usage("limit is 1 to 500."));
    }
    let limit = if reading.all { 0 } else { limit };
    let command = Command::Read {
        circle,
        since: reading.since_ms.map(Timestamp),
        unread: reading.unread,
        before: reading.before.as_deref().map(place).transpose()?,
        after: reading.after.as_deref().map(place).transpose()?,
        limit,
        mark_read: reading.mark_read,
    };
    let entries = answered!(node.ask(command).await?, Answer::Entries)?;
    let names = Names::among(&node.members(circle).await?);
    Ok(Json(Page::of(&view.label, circle, &names, &entries, limit, reading.after)))
}

/// The place that a cursor names (U-102).
fn place(cursor: &str) -> Result<Vec<u8>, Problem> {
    data_encoding::HEXLOWER
        .decode(cursor.as_bytes())
        .map_err(|_| Problem::usage("This cursor is none that was given out."))
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum WantsWord {
    Listen,
    Experience,
    Advice,
}

impl From<Wants> for WantsWord {
    fn from(wants: Wants) -> Self {
        match wants {
            Wants::Listen => Self::Listen,
            Wants::Experience => Self::Experience,
            Wants::Advice => Self::Advice,
        }
    }
}

impl From<WantsWord> for Wants {
    fn from(word: WantsWord) -> Self {
        match word {
            WantsWord::Listen => Self::Listen,
            WantsWord::Experience => Self::Experience,
            WantsWord::Advice => Self::Advice,
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum WaitWord {
    Relayed,
    Received,
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Saying {
    text: Option<String>,
    lines: Option<Vec<LineSent>>,
    reply_to: Option<String>,
    wants: Option<WantsWord>,
    note: Option<String>,
    wait: Option<WaitWord>,
    timeout_ms: Option<u64>,
}

#[derive(Deserialize, JsonSchema)]
struct LineSent {
    line: u64,
    key: String,
    text: String,
}

/// `POST /v1/circles/{c}/messages`: one message, or up to 64 lines.
pub(super) async fn say(
    State(desk): State<Arc<Desk>>,
    Named(c): Named<String>,
    headers: HeaderMap,
    Sent(saying): Sent<Saying>,
) -> Result<Json<SaidOrLines>, Problem> {
    let started = Instant::now();
    let node = desk.node()?;
    let (circle, view) = node.joined(&c).await?;
    let reply_to = match &saying.reply_to {
        Some(typed) => Some(message(&node, circle, typed, |_| true).await?),
        None => None,
    };
    let speech = Speech { desk: &desk, node: &node, circle, reply_to, saying: &saying };
    match (&saying.text, &saying.lines) {
        (Some(text), None) => {
            let key = once::key(&headers)?;
            let said = speech.one(text, key.as_deref(), started, &view.label).await?;
            Ok(Json(SaidOrLines::Said(said)))
        }
        (None, Some(lines)) if lines.len() <= MAX_LINES => {
            let lines = speech.lines(lines, started, &view.label).await;
            Ok(Json(SaidOrLines::Lines(Items::all(lines))))
        }
        (None, Some(_)) => Err(Problem::usage("At most 64 lines are taken at once.")),
        _ => Err(Problem::usage("A message is either text or lines.")),
    }
}

/// One message, or an answer for each line.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum SaidOrLines {
    Said(SaidShown),
    Lines(Items<LineAnswer>),
}

/// What a person says in one request.
struct Speech<'a> {
    desk: &'a Desk,
    node: &'a Open,
    circle: CircleId,
    reply_to: Option<MessageId>,
    saying: &'a Saying,
}

/// One line as it is answered (U-41).
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum LineAnswer {
    Said(SaidShown),
    Refused { v: u8, line: u64, error: ErrorObject },
}

type Said = (MessageId, Timestamp, Delivery);

impl Speech<'_> {
    /// One message; waits for the mark that is asked for.
    async fn one(
        &self,
        text: &str,
        key: Option<&str>,
        started: Instant,
        label: &str,
    ) -> Result<SaidShown, Problem> {
        let (wanted, default_ms) = match self.saying.wait {
            None => (Mark::Relayed, LOOK_MS),
            Some(WaitWord::Relayed) => (Mark::Relayed, RELAYED_MS),
            Some(WaitWord::Received) => (Mark::Received, RECEIVED_MS),
        };
        let until = wait::after_ms(self.saying.timeout_ms.unwrap_or(default_ms));
        let mut events = self.node.events();
        let first = self.store(text, key).await?;
        let (circle, id) = (self.circle, first.0);
        let said = wait::until(
            &mut events,
            until,
            first,
            |event| {
                matches!(event, Event::Mark { circle: at, id: of, .. }
                    if *at == circle && *of == id)
            },
            |(_, _, delivery)| delivery.mark >= wanted,
            || mark(self.node, circle, id),
        )
        .await?;
        Ok(SaidShown::of(label, circle, said, elapsed_ms(started)))
    }

    /// Lines in their order; a refused one does not stop the rest.
    async fn lines(&self, lines: &[LineSent], started: Instant, label: &str) -> Vec<LineAnswer> {
        // All at once, so that the machine stores many in one batch and seals them in one envelope.
        let stored = wait::in_order(lines.iter().map(|sent| self.line(sent))).await;
        let waited_ms = elapsed_ms(started);
        let answer = |(line, stored)| match stored {
            Ok(said) => {
                let shown = SaidShown::of(label, self.circle, said, waited_ms);
                LineAnswer::Said(shown.at_line(line))
            }
            Err(problem) => {
                let error = Problem::object(problem);
                LineAnswer::Refused { v: V, line, error }
            }
        };
        stored.into_iter().map(answer).collect()
    }

    async fn line(&self, sent: &LineSent) -> (u64, Result<Said, Problem>) {
        if !once::is_key(&sent.key) {
            return (sent.line, Err(once::not_a_key()));
        }
        (sent.line, self.store(&sent.text, Some(&sent.key)).await)
    }

    /// Stores a message; the machine answers a key that it knows as it did at first (U-104).
    async fn store(&self, text: &str, key: Option<&str>) -> Result<Said, Problem> {
        let once = match key {
            Some(key) => {
                let body = self.canonical(text);
                self.desk.said.slot(key, Sha256::digest(&body).into(), Instant::now())?;
                Some(name_of(key, &body))
            }
            None => None,
        };
        let draft = Draft {
            text: text.to_owned(),
            reply_to: self.reply_to,
            wants: self.saying.wants.map(Wants::from),
            note: self.saying.note.clone(),
            once,
        };
        said(self.node.ask(Command::Say { circle: self.circle, draft }).await?)
    }

    /// What is said, in bytes that are the same for a repeat: without waits, which may differ.
    fn canonical(&self, text: &str) -> Vec<u8> {
        let saying = self.saying;
        let body = (self.circle.hex(), text, &saying.reply_to, saying.wants, &saying.note);
        serde_json::to_vec(&body).expect("text and words are plain JSON")
    }
}

/// Names one act of saying, so that a repeat is known by the machine after a restart too.
fn name_of(key: &str, body: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(key).chain_update([0]).chain_update(body).finalize().into()
}

/// `GET /v1/circles/{c}/messages/{id}`: a message of one's own with its mark of now.
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    Named((c, id)): Named<(String, String)>,
) -> Result<Json<SaidShown>, Problem> {
    let started = Instant::now();
    let node = desk.node()?;
    let (circle, view) = node.joined(&c).await?;
    let id = message(&node, circle, &id, |entry| entry.own).await?;
    let said = mark(&node, circle, id).await?;
    Ok(Json(SaidShown::of(&view.label, circle, said, elapsed_ms(started))))
}

/// The message whose id is or starts as typed (U-11).
pub(super) async fn message(
    node: &Open,
    circle: CircleId,
    typed: &str,
    counts: impl Fn(&Entry) -> bool,
) -> Result<MessageId, Problem> {
    if let Some(id) = MessageId::from_hex(typed) {
        return Ok(id);
    }
    let command = Command::Read {
        circle,
        since: None,
        unread: false,
        before: None,
        after: None,
        limit: 0,
        mark_read: false,
    };
    let entries = answered!(node.ask(command).await?, Answer::Entries)?;
    let said = |entry: &&Entry| matches!(entry.kind, EntryKind::Said { .. }) && counts(entry);
    let ids: Vec<MessageId> =
        entries.iter().filter(said).filter_map(|entry| entry.id.map(MessageId)).collect();
    let texts: Vec<String> = ids.iter().map(MessageId::hex).collect();
    Ok(ids[find::id(&texts, typed)?])
}

async fn mark(node: &Open, circle: CircleId, message: MessageId) -> Result<Said, Problem> {
    said(node.ask(Command::Mark { circle, message }).await?)
}

fn said(answer: Answer) -> Result<Said, Problem> {
    match answer {
        Answer::Said { id, said_at, delivery } => Ok((id, said_at, delivery)),
        _ => Err(Problem::internal()),
    }
}

fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Lines of one page (U-102).
const PAGE: usize = 50;
/// The most lines of one page (U-102).
const MAX_PAGE: usize = 500;
/// Lines of one request; a guess: a quarter of the 256 unfinished of U-41.
const MAX_LINES: usize = 64;
/// How long a message is watched where nothing is asked for (U-40).
const LOOK_MS: u64 = 5_000;
/// How long `relayed` is waited for, where nothing else is said (U-40).
const RELAYED_MS: u64 = 60_000;
/// How long `received` is waited for, where nothing else is said (U-40).
const RECEIVED_MS: u64 = 120_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// U-104
    #[test]
    fn an_act_is_named_by_key_and_body() {
        let name = name_of("0123456789abcdef", b"body");
        assert_eq!(name, name_of("0123456789abcdef", b"body"));
        assert_ne!(name, name_of("0123456789abcdef", b"other"));
        assert_ne!(name, name_of("0123456789abcdeX", b"body"));
    }

    /// U-102
    #[test]
    fn a_cursor_is_a_place() {
        assert_eq!(place("0102ff").unwrap(), [1, 2, 255]);
        assert_eq!(place("not a cursor").unwrap_err().word(), "usage");
    }

    /// U-41
    #[test]
    fn a_refused_line_is_an_error_object_with_its_line() {
        let refused =
            LineAnswer::Refused { v: V, line: 7, error: Problem::of("too-large").object() };
        let json = serde_json::to_value(refused).unwrap();
        assert_eq!((json["v"].as_u64(), json["line"].as_u64()), (Some(1), Some(7)));
        assert_eq!(json["error"]["kind"], "too-large");
    }

    #[test]
    fn what_is_said_is_text_or_lines() {
        let saying: Saying = serde_json::from_str(
            r#"{"text":"hello","wants":"listen","wait":"received","timeout_ms":0,"v":1}"#,
        )
        .unwrap();
        assert!(matches!(saying.wait, Some(WaitWord::Received)));
        assert!(serde_json::from_str::<Saying>(r#"{"text":"x","wants":"applause"}"#).is_err());
        let lines: Saying =
            serde_json::from_str(r#"{"lines":[{"line":1,"key":"0123456789abcdef","text":"one"}]}"#)
                .unwrap();
        assert_eq!(lines.lines.unwrap()[0].line, 1);
    }
}
