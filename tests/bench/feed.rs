//! What a member is told: its event stream, and when each message came on it.

use std::{
    collections::BTreeMap,
    io::{self, BufRead},
    path::Path,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{stage::Api, stage::Member, trouble};

/// One event stream, read line by line.
#[derive(Debug)]
pub(crate) struct Feed(Receiver<(Instant, String)>);

impl Feed {
    /// Follows a member's events; nothing is missed from here on.
    pub(crate) fn open(api: Api) -> io::Result<Self> {
        let mut stream = api.follow()?;
        let (send, lines) = sync_channel(LINES);
        thread::spawn(move || {
            let mut line = String::new();
            // Chunks begin and end with lines that are no objects.
            while stream.read_line(&mut line).is_ok_and(|read| read > 0) {
                let whole = std::mem::take(&mut line);
                if whole.starts_with('{') && send.send((Instant::now(), whole)).is_err() {
                    break;
                }
            }
        });
        let feed = Self(lines);
        feed.wait_for(|event| event["type"] == "ping")?;
        Ok(feed)
    }

    /// The first event that is `wanted`.
    pub(crate) fn wait_for(&self, wanted: impl Fn(&Value) -> bool) -> io::Result<Value> {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let (_, line) =
                self.0.recv_timeout(left).map_err(|_| trouble("an event did not come"))?;
            let event = serde_json::from_str(&line)?;
            if wanted(&event) {
                return Ok(event);
            }
        }
    }
}

/// Notes when what came to a member; goes on as long as its node does.
#[derive(Clone, Debug)]
pub(crate) struct Ear(Arc<(Mutex<Heard>, Condvar)>);

/// What an [`Ear`] heard.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// When each text came first; of one of one's own, when it was stored.
    pub(crate) texts: BTreeMap<String, Instant>,
    /// How many of one's own a relay was said to have, by mark.
    pub(crate) relayed: usize,
    /// Times that the stream said that it had fallen behind.
    pub(crate) behind: usize,
    ended: bool,
}

impl Ear {
    /// Listens to `member`; with `all`, also to what came before.
    pub(crate) fn listen(member: &Member, path: &str, all: bool) -> io::Result<Self> {
        let ear = Self(Arc::default());
        let (socket, path) = (member.socket()?, path.to_owned());
        let mut feed = Feed::open(Api::at(&socket)?)?;
        if all {
            ear.catch_up(&socket, &path)?;
        }
        let hearing = ear.clone();
        thread::spawn(move || {
            while hearing.follow(&feed) {
                let Ok(again) = Api::at(&socket).and_then(Feed::open) else { break };
                feed = again;
                if hearing.catch_up(&socket, &path).is_err() {
                    break;
                }
            }
            hearing.lock().ended = true;
            hearing.0.1.notify_all();
        });
        Ok(ear)
    }

    /// Follows to the end of a stream; whether it fell behind.
    fn follow(&self, feed: &Feed) -> bool {
        while let Ok((at, line)) = feed.0.recv() {
            let Ok(event) = serde_json::from_str::<Value>(&line) else { continue };
            let mut heard = self.lock();
            match event["type"].as_str() {
                Some("message") => heard.note(&event["data"], at),
                Some("mark") if event["data"]["mark"] == "relayed" => heard.relayed += 1,
                Some("behind") => {
                    heard.behind += 1;
                    return true;
                }
                _ => continue,
            }
            drop(heard);
            self.0.1.notify_all();
        }
        false
    }

    /// Reads everything that is there.
    fn catch_up(&self, socket: &Path, path: &str) -> io::Result<()> {
        let read = Api::at(socket)?.read_all(path)?;
        let at = Instant::now();
        let mut heard = self.lock();
        for line in &read {
            heard.note(line, at);
        }
        drop(heard);
        self.0.1.notify_all();
        Ok(())
    }

    /// Waits until what was heard is `enough`.
    pub(crate) fn wait(&self, enough: impl Fn(&Heard) -> bool) -> io::Result<()> {
        let until = Instant::now() + PATIENCE;
        let mut heard = self.lock();
        while !enough(&heard) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || heard.ended {
                let (told, behind) = (heard.texts.len(), heard.behind);
                return Err(trouble(&format!(
                    "something said did not come: {told} texts, {behind} times behind"
                )));
            }
            let (again, _) =
                self.0.1.wait_timeout(heard, left).unwrap_or_else(PoisonError::into_inner);
            heard = again;
        }
        Ok(())
    }

    /// What was heard so far.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Heard> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    fn note(&mut self, line: &Value, at: Instant) {
        if let Some(text) = line["text"].as_str() {
            // Its head names a message; the rest is filling.
            let name = text.split(' ').next().unwrap_or_default();
            self.texts.entry(name.to_owned()).or_insert(at);
        }
    }

    /// How many messages of a series came.
    pub(crate) fn count(&self, series: &str) -> usize {
        let from = format!("{series}-");
        self.texts.range(from.clone()..).take_while(|(name, _)| name.starts_with(&from)).count()
    }
}

/// Lines that may wait to be read.
const LINES: usize = 65_536;
/// How long something said may take.
const PATIENCE: Duration = Duration::from_secs(60);
