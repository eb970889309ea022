//! `read`: what was said, and what is being said (U-42 to U-44).

use std::collections::{HashMap, HashSet, VecDeque};

use jiff::civil::Date;
use serde_json::Value;

use crate::{
    advice::Failure,
    args::Read,
    client::{Class, Client, circle as in_path},
    context::Context,
    fields::{Fields, counted, listed},
    output::stdout_closed,
};

pub(crate) async fn read(context: &Context, asked: &Read) -> Result<(), Failure> {
    let class = if asked.follow { Class::Network } else { Class::Local };
    let client = Client::open(context, class).await?;
    let mut reading = Reading {
        context,
        asked,
        client: &client,
        transcript: Transcript::default(),
        newest: None,
    };
    if !asked.follow {
        return reading.list().await;
    }
    tokio::select! {
        // U-6: seen even while nothing is printed.
        () = stdout_closed() => Ok(()),
        end = reading.follow() => end,
    }
}

struct Reading<'a> {
    context: &'a Context,
    asked: &'a Read,
    client: &'a Client<'a>,
    transcript: Transcript,
    /// When the newest entry came, in ms since 1970.
    newest: Option<i64>,
}

impl Reading<'_> {
    /// Prints what is there.
    async fn list(&mut self) -> Result<(), Failure> {
        if self.asked.unread {
            return self.list_unread().await;
        }
        // A page holds 500; for more, all are asked for and the newest are taken.
        let most = self.asked.limit;
        let many =
            if (1..=PAGE).contains(&most) { format!("limit={most}") } else { ALL.to_owned() };
        let items = self.fetch(&format!("{many}{}", self.since())).await?;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let from = if most == 0 { 0 } else { items.len().saturating_sub(most) };
        items[from..].iter().try_for_each(|entry| self.show(entry))
    }

    /// Prints what was not read yet, from the oldest on: the reading place moves behind each page, so
    /// nothing is passed over. Whoever follows gets all of it.
    async fn list_unread(&mut self) -> Result<(), Failure> {
        let all = self.asked.follow || self.asked.limit == 0;
        let mut left = if all { u64::MAX } else { self.asked.limit };
        while left > 0 {
            let most = left.min(PAGE);
            let items = self.fetch(&self.unread(most)).await?;
            items.iter().try_for_each(|entry| self.show(entry))?;
            let entries = items.iter().filter(|entry| entry["kind"] != "gap").count() as u64;
            // Read is what was printed: whoever reads may be gone (U-6).
            if entries > 0 {
                self.fetch(&format!("{}&mark_read=true", self.unread(entries))).await?;
            }
            if entries < most {
                return Ok(());
            }
            left -= most;
        }
        let circle = format!("/v1/circles/{}", in_path(&self.asked.circle));
        if let Some(more @ 1..) = self.client.get(&circle).await?["unread"].as_u64() {
            let are = if more == 1 { "is" } else { "are" };
            self.context
                .output
                .hint(&format!("{more} more {are} unread. To read on, do the same again."));
        }
        Ok(())
    }

    fn unread(&self, most: u64) -> String {
        format!("limit={most}&unread=true{}", self.since())
    }

    fn since(&self) -> String {
        let since = self.asked.since.map(|since| format!("&since_ms={}", since.as_millisecond()));
        since.unwrap_or_default()
    }

    async fn fetch(&self, query: &str) -> Result<Vec<Value>, Failure> {
        let path = format!("/v1/circles/{}/messages?{query}", in_path(&self.asked.circle));
        match self.client.get(&path).await?["items"].take() {
            Value::Array(items) => Ok(items),
            _ => Ok(Vec::new()),
        }
    }

    /// Prints what is there, then what comes. Subscribed first, so that nothing falls between.
    async fn follow(&mut self) -> Result<(), Failure> {
        let circle = in_path(&self.asked.circle);
        let mut events = self.client.events(&circle).await?;
        self.list().await?;
        loop {
            let event = events.next().await.unwrap_or_default();
            match event["type"].as_str() {
                Some("message" | "gap") => {
                    self.show(&event["data"])?;
                    if self.asked.unread {
                        let path = format!("/v1/circles/{circle}/messages?limit=1&mark_read=true");
                        self.client.get(&path).await?;
                    }
                }
                Some("mark") if self.asked.marks && self.context.output.is_json() => {
                    self.context.output.object(&event["data"], |_| String::new())?;
                }
                Some("lock") => return Err(Failure::of("locked")),
                // Too slow, or the node is gone: follow again, and catch up.
                Some("behind") | None => {
                    events = self.client.events(&circle).await?;
                    match self.newest {
                        Some(newest) => {
                            let items = self.fetch(&format!("{ALL}&since_ms={newest}")).await?;
                            items.iter().try_for_each(|entry| self.show(entry))?;
                        }
                        None => self.list().await?,
                    }
                }
                _ => {}
            }
        }
    }

    fn show(&mut self, entry: &Value) -> Result<(), Failure> {
        if !self.transcript.is_new(entry) {
            return Ok(());
        }
        let received =
            entry["received_at"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
        self.newest = self.newest.max(received.map(jiff::Timestamp::as_millisecond));
        self.context.output.object(entry, |fields| self.transcript.line(fields))
    }
}

/// What a conversation looks like so far, as far as the next line needs it.
#[derive(Debug, Default)]
struct Transcript {
    day: Option<Date>,
    /// The newest printed ids, with their authors' names.
    printed: HashMap<String, String>,
    order: VecDeque<String>,
    gaps: HashSet<(String, Option<u64>, String)>,
}

impl Transcript {
    /// Whether an entry was not printed yet. A gap is new whenever it says something new.
    fn is_new(&mut self, entry: &Value) -> bool {
        if let Some(gap) = entry.get("gap").filter(|gap| gap.is_object()) {
            let cause = gap["cause"].as_str().unwrap_or_default().to_owned();
            let id = gap["id"].as_str().unwrap_or_default().to_owned();
            if self.gaps.len() >= REMEMBERED {
                self.gaps.clear();
            }
            return self.gaps.insert((id, gap["count"].as_u64(), cause));
        }
        let Some(id) = entry["id"].as_str() else {
            return true;
        };
        if self.printed.contains_key(id) {
            return false;
        }
        let author = entry["author"].as_str().map(crate::fields::one_line).unwrap_or_default();
        self.printed.insert(id.to_owned(), author);
        self.order.push_back(id.to_owned());
        if self.order.len() > REMEMBERED {
            let oldest = self.order.pop_front();
            oldest.and_then(|oldest| self.printed.remove(&oldest));
        }
        true
    }

    /// An entry as people read it (U-10), below a line for its day where that is another.
    fn line(&mut self, fields: Fields<'_>) -> String {
        if let Some(gap) = fields.inner("gap") {
            return gap_sentence(gap);
        }
        let time = fields.time("said_at").or_else(|| fields.time("received_at"));
        let day = time.as_ref().map(jiff::ZonedDateTime::date);
        let mut text = String::new();
        if let (Some(time), true) = (&time, day != self.day) {
            text = format!("-- {} --\n", time.strftime("%a %-d %b %Y"));
            self.day = day;
        }
        let clock = time.map(|time| time.strftime("%H:%M").to_string()).unwrap_or_default();
        text + &self.entry(fields, &clock)
    }

    fn entry(&self, fields: Fields<'_>, clock: &str) -> String {
        let name = || fields.inner("data").and_then(|data| data.maybe("name"));
        let who = || name().unwrap_or_else(|| fields.text("author"));
        let event = |sentence: String| format!("{sentence}  ({clock})");
        match fields.text("kind").as_str() {
            "said" | "share" | "support" => self.said(fields, clock),
            "joined" => event(format!("{} joined.", who())),
            "left" => event(format!("{} left.", who())),
            "removed" => {
                let reason = fields.inner("data").and_then(|data| data.maybe("reason"));
                let reason = reason.map(|reason| format!(" The reason given: {reason}"));
                event(format!("{} was removed.{}", who(), reason.unwrap_or_default()))
            }
            "role" => {
                let role = fields.inner("data").map(|data| data.text("role")).unwrap_or_default();
                let given = fields.inner("data").is_some_and(|data| data.flag("given"));
                let now = if given { "is" } else { "is no longer" };
                event(format!("{} {now} {role}.", who()))
            }
            "vote" => {
                let text = fields.text("text");
                let result = fields.inner("data").and_then(|data| data.maybe("result"));
                event(match result.as_deref() {
                    None => format!("{} asks the circle: {text}", who()),
                    Some("carried") => format!("The circle said yes to: {text}"),
                    Some("no-quorum") => format!("Too few took part to decide: {text}"),
                    Some("blocked") => format!("Somebody blocked: {text}"),
                    Some(_) => format!("The circle did not say yes to: {text}"),
                })
            }
            "differs" => event(format!(
                "{} sent different things to different people. All of it is shown.",
                who()
            )),
            "exceeds" => event(format!(
                "{}'s program changes keys more often than it may. It may be broken, or changed by somebody.",
                who()
            )),
            _ => event("Made with a newer version.".to_owned()),
        }
    }

    /// `Heron: made it to day four  (19:02)`; one's own ends with its mark.
    fn said(&self, fields: Fields<'_>, clock: &str) -> String {
        let mut aside = vec![clock.to_owned()];
        if fields.flag("own") {
            aside.extend(fields.mark());
        }
        if let Some(wants) = fields.maybe("wants") {
            aside.push(format!("wants: {wants}"));
        }
        if let Some(answered) = fields.maybe("reply_to") {
            let author = self.printed.get(&answered).filter(|author| !author.is_empty());
            aside.push(author.map_or("an answer".to_owned(), |author| format!("to {author}")));
        }
        let note = fields.maybe("note").map(|note| format!("[{note}] ")).unwrap_or_default();
        format!("{}: {note}{}  ({})", fields.text("author"), fields.long("text"), aside.join(", "))
    }
}

/// U-44: what is missing, and why.
fn gap_sentence(gap: Fields<'_>) -> String {
    let count = gap.maybe_count("count");
    let entries =
        count.map_or("Some entries".to_owned(), |count| counted(count, "entry", "entries"));
    let (is, was) = if count == Some(1) { ("is", "was") } else { ("are", "were") };
    match gap.text("cause").as_str() {
        _ if count == Some(0) => "What was missing is here now.".to_owned(),
        "key-coming" => format!("{entries} {is} here, and the key to read them is still to come."),
        "not-a-member-then" => format!("{entries} {was} said before you came."),
        "forgotten" => format!("{entries} {is} not kept any more."),
        "damaged" => format!("{entries} came damaged and cannot be read."),
        "newer-version" => format!("{entries} {was} made with a newer version."),
        _ => {
            let asked = who_is_asked(&gap.list("asking"));
            let asking = if asked.is_empty() { String::new() } else { format!(" Asking {asked}.") };
            format!("{entries} {is} missing.{asking}")
        }
    }
}

/// `the relay and Maple`; relays are told apart only where there are several.
fn who_is_asked(asking: &[String]) -> String {
    let relays = asking.iter().filter(|name| name.starts_with("relay ")).count();
    let names: Vec<String> = asking
        .iter()
        .map(|name| {
            if relays == 1 && name.starts_with("relay ") {
                "the relay".to_owned()
            } else {
                name.clone()
            }
        })
        .collect();
    listed(&names)
}

/// Entries that are asked for at once, at most (U-102).
const PAGE: u64 = 500;
const ALL: &str = "all=true";
/// How many entries a follower remembers, to say none twice. A guess: more than any stream that
/// was cut off may bring again.
const REMEMBERED: usize = 16_384;

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use serde_json::json;

    use super::*;

    fn said(id: &str, author: &str, text: &str, at: &str) -> Value {
        json!({"v":1,"id":id,"circle":"Test","circle_id":"41d0","kind":"said","author":author,"author_id":"c07a",
            "own":false,"text":text,"note":null,"wants":null,"reply_to":null,"said_at":at,"received_at":at,
            "expires_at":null,"mark":null,"received_by":null,"members":null,"gap":null,"data":null})
    }

    fn gap(count: Value, cause: &str, asking: &[&str]) -> Value {
        json!({"v":1,"id":null,"circle":"Test","circle_id":"41d0","kind":"gap","author":null,"own":false,
            "gap":{"id":"77ab","count":count,"cause":cause,"asking":asking,"since":"2026-11-23T18:05:00.000Z"}})
    }

    fn plain(entries: &[Value]) -> String {
        let mut transcript = Transcript::default();
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let mut lines = Vec::new();
        for entry in entries {
            if transcript.is_new(entry) {
                lines.push(transcript.line(Fields::new(entry, &zone)));
            }
        }
        lines.join("\n")
    }

    /// U-10, U-42
    #[test]
    fn a_conversation_reads_author_text_time() {
        let mut own = said("9f2d", "Otter", "hello back", "2026-11-23T20:41:00.000Z");
        own["own"] = json!(true);
        own["mark"] = json!("received");
        own["received_by"] = json!(2);
        own["members"] = json!(5);
        own["reply_to"] = json!("9f2c");
        let mut wish = said("9f2e", "Maple", "anyone up?", "2026-11-23T23:30:00.000Z");
        wish["wants"] = json!("listen");
        wish["note"] = json!("grief");
        assert_eq!(
            plain(&[
                said("9f2c", "Heron", "made it to day four", "2026-11-23T18:02:11.204Z"),
                own,
                wish
            ]),
            "-- Mon 23 Nov 2026 --\n\
             Heron: made it to day four  (19:02)\n\
             Otter: hello back  (21:41, received by 2 of 5, to Heron)\n\
             -- Tue 24 Nov 2026 --\n\
             Maple: [grief] anyone up?  (00:30, wants: listen)"
        );
    }

    #[test]
    fn a_message_cannot_look_like_two() {
        let forged = said(
            "a",
            "Mal\u{202e}lory",
            "x\nHeron: y  (19:02)\u{1b}[2J",
            "2026-11-23T18:02:00.000Z",
        );
        assert_eq!(
            plain(&[forged]),
            "-- Mon 23 Nov 2026 --\nMallory: x\n    Heron: y  (19:02)[2J  (19:02)"
        );
    }

    #[test]
    fn comings_goings_and_what_is_newer_have_sentences() {
        let mut entries = Vec::new();
        for (number, kind) in
            ["joined", "left", "removed", "differs", "exceeds", "hologram"].iter().enumerate()
        {
            let mut entry = said(&number.to_string(), "Heron", "", "2026-11-23T18:02:00.000Z");
            entry["kind"] = json!(kind);
            entry["data"] = json!({"who": "0b", "name": "Otter"});
            entries.push(entry);
        }
        assert_eq!(
            plain(&entries),
            "-- Mon 23 Nov 2026 --\nOtter joined.  (19:02)\nOtter left.  (19:02)\n\
             Otter was removed.  (19:02)\n\
             Otter sent different things to different people. All of it is shown.  (19:02)\n\
             Otter's program changes keys more often than it may. It may be broken, or changed by somebody.  (19:02)\n\
             Made with a newer version.  (19:02)"
        );
    }

    #[test]
    fn roles_and_votes_have_sentences() {
        let of = |kind: &str, data: Value| {
            let mut entry = said("a", "Heron", "Tea?", "2026-11-23T18:02:00.000Z");
            entry["kind"] = json!(kind);
            entry["data"] = data;
            let printed = plain(&[entry]);
            printed.lines().last().unwrap_or_default().trim_end_matches("  (19:02)").to_owned()
        };
        let role = |given| of("role", json!({"name": "Otter", "role": "steward", "given": given}));
        assert_eq!(role(true), "Otter is steward.");
        assert_eq!(role(false), "Otter is no longer steward.");
        for (result, sentence) in [
            (json!(null), "Otter asks the circle: Tea?"),
            (json!("carried"), "The circle said yes to: Tea?"),
            (json!("not-carried"), "The circle did not say yes to: Tea?"),
            (json!("no-quorum"), "Too few took part to decide: Tea?"),
            (json!("blocked"), "Somebody blocked: Tea?"),
        ] {
            assert_eq!(of("vote", json!({"name": "Otter", "result": result})), sentence);
        }
    }

    /// U-44
    #[test]
    fn each_gap_has_its_sentence() {
        for (count, cause, asking, sentence) in [
            (
                json!(3),
                "asking",
                &["relay 1", "Maple"][..],
                "3 entries are missing. Asking the relay and Maple.",
            ),
            (
                json!(1),
                "asking",
                &["relay 1", "relay 2"],
                "1 entry is missing. Asking relay 1 and relay 2.",
            ),
            (json!(null), "asking", &[], "Some entries are missing."),
            (
                json!(2),
                "key-coming",
                &[],
                "2 entries are here, and the key to read them is still to come.",
            ),
            (json!(2), "not-a-member-then", &[], "2 entries were said before you came."),
            (json!(1), "forgotten", &[], "1 entry is not kept any more."),
            (json!(1), "damaged", &[], "1 entry came damaged and cannot be read."),
            (json!(1), "newer-version", &[], "1 entry was made with a newer version."),
            (json!(0), "asking", &[], "What was missing is here now."),
        ] {
            assert_eq!(plain(&[gap(count, cause, asking)]), sentence);
        }
    }

    #[test]
    fn nothing_is_printed_twice_but_a_gap_that_changed() {
        let one = said("9f2c", "Heron", "once", "2026-11-23T18:02:00.000Z");
        assert_eq!(plain(&[one.clone(), one]).matches("once").count(), 1);
        let open = gap(json!(3), "asking", &[]);
        let text = plain(&[open.clone(), open, gap(json!(0), "asking", &[])]);
        assert_eq!(text, "3 entries are missing.\nWhat was missing is here now.");
    }

    #[test]
    fn what_was_printed_is_forgotten_in_time() {
        let mut transcript = Transcript::default();
        for number in 0..REMEMBERED + 10 {
            assert!(transcript.is_new(&json!({"id": number.to_string(), "author": "Heron"})));
        }
        assert_eq!(transcript.printed.len(), REMEMBERED);
    }
}
