//! `say C - --lines`: each line of stdin is a message (U-41).
//!
//! Lines are taken as they come, stored in order, and printed as they reach the wanted mark. At
//! most [`UNFINISHED`] lines are under way: each holds one of so many permits from before it is
//! read until it is printed, so a slow relay slows the reading of stdin, and nothing piles up.

use std::{
    collections::HashMap, future::Future, os::unix::net::UnixStream, pin::Pin, sync::Arc,
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, poll};
use serde_json::{Value, json};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, sleep_until},
};

use super::say::{LONGEST_TEXT, check_text, not_in_time, patience, plain_said, reached};
use crate::{
    advice::Failure,
    args::{Say, WaitFor, word},
    client::{Class, Client, Events, circle as in_path, once},
    context::Context,
    output::{stderr_line, stdout_closed},
};

/// Says every line of stdin.
pub(crate) async fn say_lines(context: &Context, said: &Say) -> Result<(), Failure> {
    if said.text.as_deref() != Some("-") {
        return Err(Failure::usage("`--lines` reads from stdin.")
            .advising("hearthlight say CIRCLE - --lines"));
    }
    let client = Client::open(context, Class::Network).await?;
    // U-41: opened before the first line is said, so that no mark is missed.
    let events = client.events(&in_path(&said.circle)).await?;
    let is_node = context.is_node().await;
    let talk = Talk {
        context,
        client: &client,
        said,
        is_node,
        patience: patience(said, is_node),
        wanted: said.wait.unwrap_or(WaitFor::Relayed),
        run: once()?,
        unfinished: HashMap::new(),
        early: HashMap::new(),
        refused: false,
        late: false,
        unread: false,
    };
    talk.carry_on(events, Lines::of_stdin()).await
}

/// All lines under way.
struct Talk<'a> {
    context: &'a Context,
    client: &'a Client<'a>,
    said: &'a Say,
    is_node: bool,
    patience: Duration,
    wanted: WaitFor,
    /// Names this run in the keys of its lines (U-104).
    run: String,
    /// Stored and not printed, by message id.
    unfinished: HashMap<String, Unfinished>,
    /// Marks of messages that the answer to their storing has not named yet.
    early: HashMap<String, Value>,
    /// Whether a line was refused.
    refused: bool,
    /// Whether a line did not get as far as `--wait` wants.
    late: bool,
    /// Whether the reader of stdout went away.
    unread: bool,
}

struct Unfinished {
    object: Value,
    stored: Instant,
    _permit: OwnedSemaphorePermit,
}

/// Lines on their way into the store, with the answer.
type Posting<'a> = Pin<Box<dyn Future<Output = (Vec<Line>, Result<Value, Failure>)> + Send + 'a>>;

impl<'a> Talk<'a> {
    async fn carry_on(mut self, events: Events, mut lines: Lines) -> Result<(), Failure> {
        let mut events = Some(events);
        let mut posting: Option<Posting<'a>> = None;
        let mut ended = false;
        let closed = stdout_closed();
        tokio::pin!(closed);
        loop {
            // A connection is used by one at a time: marks are asked for once lines are stored.
            if events.is_none() && posting.is_none() {
                events = Some(self.follow_again().await?);
            }
            // Nobody reads the marks any more; only a node of our own has to go on for them.
            let done = self.unfinished.is_empty() || (self.unread && !self.is_node);
            if ended && posting.is_none() && done {
                break;
            }
            let due = self.unfinished.values().map(|line| line.stored + self.patience).min();
            tokio::select! {
                (batch, answer) = finished(&mut posting) => {
                    posting = None;
                    self.stored(batch, &answer?);
                }
                batch = lines.gather(), if posting.is_none() && !ended => match batch {
                    Some(batch) => posting = self.post(batch),
                    None => ended = true,
                },
                event = next(&mut events) => match event {
                    Some(event) if event["type"] == "mark" => self.marked(&event["data"], posting.is_some()),
                    Some(event) if event["type"] == "lock" => return Err(Failure::of("locked")),
                    Some(event) if event["type"] == "behind" => events = None,
                    Some(_) => {}
                    None => events = None,
                },
                () = until(due) => self.give_up_waiting(),
                () = &mut closed, if !self.unread => self.unread = true,
            }
            if self.unread {
                lines.stop();
            }
        }
        if self.refused {
            return Err(Failure::of("line-refused"));
        }
        if self.late { Err(not_in_time()) } else { Ok(()) }
    }

    /// Sends a batch to be stored; lines that cannot be said are refused here.
    fn post(&mut self, batch: Vec<Line>) -> Option<Posting<'a>> {
        let mut good = Vec::new();
        for line in batch {
            match line.text.as_ref().map_err(Clone::clone).and_then(|text| check_text(text)) {
                Ok(()) => good.push(line),
                Err(failure) => self.refuse(line.number, failure.error_json()),
            }
        }
        if good.is_empty() {
            return None;
        }
        let lines: Vec<Value> = good
            .iter()
            .map(|line| {
                let key = format!("{}-{}", self.run, line.number);
                json!({"line": line.number, "key": key, "text": line.text.as_deref().unwrap_or_default()})
            })
            .collect();
        let body = json!({
            "lines": lines, "reply_to": self.said.reply, "wants": self.said.wants.map(word),
            "note": self.said.note,
        });
        let path = format!("/v1/circles/{}/messages", in_path(&self.said.circle));
        let client = self.client;
        Some(Box::pin(async move { (good, client.post(&path, body).await) }))
    }

    /// Takes in the answer to a batch: objects with their marks so far, and refusals.
    fn stored(&mut self, batch: Vec<Line>, answer: &Value) {
        let items = answer["items"].as_array().cloned().unwrap_or_default();
        let mut permits: HashMap<u64, OwnedSemaphorePermit> =
            batch.into_iter().map(|line| (line.number, line.permit)).collect();
        for mut item in items {
            let Some((number, permit)) =
                item["line"].as_u64().and_then(|number| permits.remove_entry(&number))
            else {
                continue;
            };
            if item["error"].is_object() {
                self.refuse(number, item["error"].take());
                continue;
            }
            let id = item["id"].as_str().unwrap_or_default().to_owned();
            let line = Unfinished { object: item, stored: Instant::now(), _permit: permit };
            self.unfinished.insert(id.clone(), line);
            let early = self.early.remove(&id).unwrap_or(Value::Null);
            self.raise(&id, &early);
        }
        // What is left belongs to others' acts.
        self.early.clear();
    }

    fn marked(&mut self, mark: &Value, posting: bool) {
        let Some(id) = mark["id"].as_str() else {
            return;
        };
        if self.unfinished.contains_key(id) {
            self.raise(id, mark);
        } else if posting && self.early.len() < EARLY {
            self.early.insert(id.to_owned(), mark.clone());
        }
    }

    /// Takes in a mark (or none), and prints the line if that is what it waited for.
    fn raise(&mut self, id: &str, mark: &Value) {
        let Some(line) = self.unfinished.get_mut(id) else {
            return;
        };
        for key in ["mark", "received_by", "members"] {
            if !mark[key].is_null() {
                line.object[key] = mark[key].clone();
            }
        }
        line.object["queued"] = json!(line.object["mark"] == "waiting");
        if self.patience.is_zero() || reached(&line.object, self.wanted) {
            self.print(id);
        }
    }

    /// Prints the true mark of lines that waited long enough.
    fn give_up_waiting(&mut self) {
        let now = Instant::now();
        let over = self.unfinished.iter().filter(|(_, line)| line.stored + self.patience <= now);
        let mut over: Vec<_> =
            over.map(|(id, line)| (line.object["line"].as_u64(), id.clone())).collect();
        over.sort();
        for (_, id) in over {
            self.late |= self.said.wait.is_some();
            self.print(&id);
        }
    }

    fn print(&mut self, id: &str) {
        let Some(mut line) = self.unfinished.remove(id) else {
            return;
        };
        line.object["waited_ms"] =
            json!(u64::try_from(line.stored.elapsed().as_millis()).unwrap_or(u64::MAX));
        self.write(&line.object);
    }

    /// A line that is not said: an object with `line` for scripts, a sentence for people.
    fn refuse(&mut self, number: u64, error: Value) {
        self.refused = true;
        if self.context.output.is_json() {
            self.write(&json!({"v": 1, "line": number, "error": error}));
        } else {
            stderr_line(&format!("Line {number}: {}", Failure::from_problem(&error).sentence()));
        }
    }

    fn write(&mut self, object: &Value) {
        // U-6: when nobody reads, what was read from stdin is said all the same.
        self.unread |= self.context.output.object(object, plain_said).is_err();
    }

    /// Follows the circle again after the stream ended, and asks for all marks that may have
    /// been missed.
    async fn follow_again(&mut self) -> Result<Events, Failure> {
        let events = self.client.events(&in_path(&self.said.circle)).await?;
        let ids: Vec<String> = self.unfinished.keys().cloned().collect();
        for id in ids {
            let path = format!("/v1/circles/{}/messages/{id}", in_path(&self.said.circle));
            let said = self.client.get(&path).await?;
            self.raise(&id, &said);
        }
        Ok(events)
    }
}

async fn finished(posting: &mut Option<Posting<'_>>) -> (Vec<Line>, Result<Value, Failure>) {
    match posting {
        Some(posting) => posting.await,
        None => std::future::pending().await,
    }
}

async fn next(events: &mut Option<Events>) -> Option<Value> {
    match events {
        Some(events) => events.next().await,
        None => std::future::pending().await,
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// A line of stdin.
struct Line {
    /// Counted from 1, empty ones too.
    number: u64,
    text: Result<String, Failure>,
    permit: OwnedSemaphorePermit,
}

impl Line {
    /// Bytes that it takes in a request.
    fn weight(&self) -> usize {
        self.text.as_ref().map_or(0, |text| json!(text).to_string().len())
    }
}

/// The lines of stdin, read by a thread of their own.
struct Lines {
    coming: mpsc::Receiver<Line>,
    /// Did not fit into the batch before.
    held: Option<Line>,
    /// Dropped to end the reading.
    running: Option<UnixStream>,
}

impl Lines {
    fn of_stdin() -> Self {
        let (tell, coming) = mpsc::channel(UNFINISHED);
        let room = Arc::new(Semaphore::new(UNFINISHED));
        let runtime = Handle::current();
        let pair = UnixStream::pair().ok();
        let (running, stopped) = pair.unzip();
        std::thread::spawn(move || {
            Reader { tell, room, runtime, number: 0 }.read(stopped.as_ref());
        });
        Self { coming, held: None, running }
    }

    /// The lines that are there, at least one; `None` after the last. May be dropped and asked
    /// again.
    async fn gather(&mut self) -> Option<Vec<Line>> {
        let first = match self.held.take() {
            Some(line) => line,
            None => self.coming.recv().await?,
        };
        let mut weight = first.weight();
        let mut batch = vec![first];
        while batch.len() < BATCH {
            let Ok(line) = self.coming.try_recv() else {
                break;
            };
            weight += line.weight();
            if weight > BATCH_BYTES {
                self.held = Some(line);
                break;
            }
            batch.push(line);
        }
        Some(batch)
    }

    /// Reads no more. Lines that were read come all the same.
    fn stop(&mut self) {
        self.running = None;
    }
}

struct Reader {
    tell: mpsc::Sender<Line>,
    room: Arc<Semaphore>,
    runtime: Handle,
    number: u64,
}

impl Reader {
    fn read(mut self, stopped: Option<&UnixStream>) {
        let stdin = rustix::stdio::stdin();
        let mut rest = Vec::new();
        let mut overlong = false;
        let mut piece = [0_u8; 8_192];
        loop {
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                if !self.hand_on(&line, std::mem::take(&mut overlong)) {
                    return;
                }
            }
            if rest.len() > LONGEST_TEXT + 1 {
                overlong = true;
                rest.clear();
            }
            let mut watched = vec![PollFd::new(&stdin, PollFlags::IN)];
            watched.extend(stopped.map(|stopped| PollFd::new(stopped, PollFlags::IN)));
            match poll(&mut watched, None) {
                Err(rustix::io::Errno::INTR) => continue,
                Err(_) => return,
                Ok(_) if watched.get(1).is_some_and(|stopped| !stopped.revents().is_empty()) => {
                    return;
                }
                Ok(_) => {}
            }
            match rustix::io::read(stdin, &mut piece) {
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
                Err(_) | Ok(0) => {
                    if !rest.is_empty() || overlong {
                        self.hand_on(&rest, overlong);
                    }
                    return;
                }
                Ok(length) => rest.extend_from_slice(&piece[..length]),
            }
        }
    }

    /// Answers whether anybody still takes lines.
    fn hand_on(&mut self, line: &[u8], overlong: bool) -> bool {
        self.number += 1;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() && !overlong {
            return true;
        }
        let text = match std::str::from_utf8(line) {
            _ if overlong => {
                Err(Failure::of("too-large").saying("A message has at most 8,192 bytes."))
            }
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(Failure::usage("This line is not UTF-8 text.")),
        };
        let Ok(permit) = self.runtime.block_on(self.room.clone().acquire_owned()) else {
            return false;
        };
        self.tell.blocking_send(Line { number: self.number, text, permit }).is_ok()
    }
}

/// U-41: lines that are read and not printed.
const UNFINISHED: usize = 256;

/// Lines in one request, as the API takes them.
const BATCH: usize = 64;

/// A request has 64 KiB (U-107); room for what comes with the lines. The longest line, with every
/// byte escaped, still fits.
const BATCH_BYTES: usize = 48 << 10;

/// Marks of other acts that may come while a batch is stored. A guess.
const EARLY: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn line(room: &Arc<Semaphore>, number: u64, text: &str) -> Line {
        let permit = room.clone().try_acquire_owned().unwrap();
        Line { number, text: Ok(text.to_owned()), permit }
    }

    #[tokio::test]
    async fn lines_that_are_there_go_together_up_to_a_limit() {
        let room = Arc::new(Semaphore::new(UNFINISHED));
        let (tell, coming) = mpsc::channel(UNFINISHED);
        let mut lines = Lines { coming, held: None, running: None };
        for number in 1..=70 {
            tell.send(line(&room, number, "x")).await.unwrap();
        }
        assert_eq!(lines.gather().await.unwrap().len(), 64);
        assert_eq!(lines.gather().await.unwrap().len(), 6);
        for number in 71..=80 {
            tell.send(line(&room, number, &"x".repeat(8_000))).await.unwrap();
        }
        drop(tell);
        let batch = lines.gather().await.unwrap();
        assert_eq!(batch.len(), 6, "a request has 64 KiB");
        assert_eq!(lines.gather().await.unwrap().len(), 4);
        assert!(lines.gather().await.is_none());
        drop(batch);
        assert_eq!(room.available_permits(), UNFINISHED, "finished lines make room");
    }
}
