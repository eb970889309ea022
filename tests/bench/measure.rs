//! The measurements.

use std::{
    collections::BTreeSet,
    io,
    sync::mpsc::sync_channel,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    feed::Ear,
    proxy::Proxy,
    stage::{Api, Stage},
    trouble,
};

/// A circle that is measured.
#[derive(Debug)]
pub(crate) struct Bench {
    stage: Stage,
    /// So that no series has a name twice.
    series: usize,
}

impl Bench {
    pub(crate) fn new(stage: Stage) -> Self {
        Self { stage, series: 0 }
    }

    /// From `join` to reading a message that was said right after admission.
    pub(crate) fn joined(&self) -> Value {
        let ms = sorted(self.stage.joins.iter().copied());
        json!({"measured": "join", "best_ms": at(&ms, 0), "median_ms": at(&ms, 50), "worst_ms": at(&ms, 100)})
    }

    /// What each process has in memory.
    pub(crate) fn memory(&self, when: &str) -> io::Result<Value> {
        let kib = self.stage.members.iter().map(|member| member.kib());
        let mut kib = kib.collect::<io::Result<Vec<u64>>>()?;
        kib.sort_unstable();
        let mb = |kib: u64| (kib as f64 / 102.4).round() / 10.0;
        Ok(json!({
            "measured": "memory", "when": when, "median_mib": mb(kib[kib.len() / 2]),
            "worst_mib": mb(kib[kib.len() - 1]), "relay_mib": mb(self.stage.relay_kib()?),
        }))
    }

    /// How long a message takes to all others, said by everybody in turn.
    pub(crate) fn delivery(&mut self, count: usize) -> io::Result<Value> {
        let series = self.next_series();
        let ears = self.ears()?;
        let said = steadily(&self.stage, &series, count)?;
        let mut took = Vec::new();
        for (number, ear) in ears.iter().enumerate() {
            ear.wait(|heard| heard.count(&series) == count)?;
            let heard = ear.lock();
            for (message, began) in said.iter().enumerate() {
                if message % self.stage.members.len() != number {
                    let came = heard.texts[&name(&series, message)];
                    took.push(came.saturating_duration_since(*began));
                }
            }
        }
        let ms = sorted(took);
        Ok(json!({
            "measured": "delivery", "median_ms": at(&ms, 50), "p95_ms": at(&ms, 95),
            "p99_ms": at(&ms, 99), "worst_ms": at(&ms, 100), "samples": ms.len(),
        }))
    }

    /// One says much at once; until all others have all of it.
    pub(crate) fn burst(&mut self, count: usize) -> io::Result<Value> {
        let series = self.next_series();
        let ears = self.ears()?;
        let began = Instant::now();
        say_lines(&self.stage, &ears[0], &series, count)?;
        let said = began.elapsed();
        for ear in &ears[1..] {
            ear.wait(|heard| heard.count(&series) == count)?;
        }
        let took = began.elapsed();
        let behind: usize = ears.iter().map(|ear| ear.lock().behind).sum();
        for number in 1..self.stage.members.len() {
            self.check(number, &series, count)?;
        }
        Ok(json!({
            "measured": "burst", "messages": count, "said_s": seconds(said), "all_s": seconds(took),
            "per_second": (count as f64 / took.as_secs_f64()).round(), "behind": behind,
        }))
    }

    /// The last member is away while much is said, and comes back when nobody else is there.
    pub(crate) fn catch_up(&mut self, count: usize) -> io::Result<Value> {
        let series = self.next_series();
        let last = self.stage.members.len() - 1;
        self.stage.members[last].stop()?;
        let ear = Ear::listen(&self.stage.members[0], &self.stage.messages(), false)?;
        let began = Instant::now();
        say_lines(&self.stage, &ear, &series, count)?;
        ear.wait(|heard| heard.relayed >= count)?;
        let said = began.elapsed();
        for member in &mut self.stage.members[..last] {
            member.stop()?;
        }
        let began = Instant::now();
        self.stage.restart(last)?;
        let ready = began.elapsed();
        let ear = Ear::listen(&self.stage.members[last], &self.stage.messages(), true)?;
        ear.wait(|heard| heard.count(&series) == count)?;
        let took = began.elapsed();
        let behind = ear.lock().behind;
        self.check(last, &series, count)?;
        let mib = self.stage.members[last].kib()? as f64 / 1024.0;
        let mut restart_ms = Vec::new();
        for number in 0..last {
            let began = Instant::now();
            self.stage.restart(number)?;
            restart_ms.push(began.elapsed());
        }
        let restart_ms = sorted(restart_ms);
        Ok(json!({
            "measured": "catch-up", "messages": count, "said_s": seconds(said), "ready_s": seconds(ready),
            "all_s": seconds(took), "behind": behind, "mib": mib.round(),
            "restart_ms": at(&restart_ms, 50),
        }))
    }

    /// Bytes at the relays for each message that came to one member.
    pub(crate) fn traffic(&self, count: usize) -> io::Result<Value> {
        let ears = self.ears()?;
        thread::sleep(SETTLING);
        let before = self.bytes();
        steadily(&self.stage, "wire", count)?;
        for ear in &ears {
            ear.wait(|heard| heard.count("wire") == count)?;
        }
        thread::sleep(Duration::from_millis(500));
        let bytes = self.bytes() - before;
        let minimum = count * (self.stage.members.len() - 1) * TEXT;
        Ok(json!({
            "measured": "wire", "relays": self.stage.proxies.len(), "bytes_per_message": bytes / count as u64,
            "times_the_minimum": (bytes as f64 / minimum as f64 * 100.0).round() / 100.0,
        }))
    }

    /// Bytes at the relays while nobody says anything.
    pub(crate) fn idle(&self, time: Duration) -> Value {
        thread::sleep(AFTER_TALK);
        let before = self.bytes();
        thread::sleep(time);
        let bytes = self.bytes() - before;
        let hour = bytes as f64 / time.as_secs_f64() * 3_600.0 / self.stage.members.len() as f64;
        json!({
            "measured": "idle", "relays": self.stage.proxies.len(), "seconds": time.as_secs(),
            "kb_per_hour_and_member": (hour / 100.0).round() / 10.0,
        })
    }

    fn bytes(&self) -> u64 {
        self.stage.proxies.iter().map(Proxy::bytes).sum()
    }

    fn next_series(&mut self) -> String {
        self.series += 1;
        format!("s{}", self.series)
    }

    fn ears(&self) -> io::Result<Vec<Ear>> {
        let path = self.stage.messages();
        self.stage.members.iter().map(|member| Ear::listen(member, &path, false)).collect()
    }

    /// Whether a member reads exactly what was said, each once and in order.
    fn check(&self, number: usize, series: &str, count: usize) -> io::Result<()> {
        let read = self.stage.members[number].connect()?.read_all(&self.stage.messages())?;
        let of_series = |line: &Value| {
            let text = line["text"].as_str()?.split(' ').next()?;
            text.starts_with(&format!("{series}-")).then(|| text.to_owned())
        };
        let lines: Vec<String> = read.iter().filter_map(of_series).collect();
        let all: BTreeSet<String> = (0..count).map(|message| name(series, message)).collect();
        if lines.len() != count || lines.iter().cloned().collect::<BTreeSet<_>>() != all {
            return Err(trouble("something was lost or came twice"));
        }
        if !lines.is_sorted() {
            return Err(trouble("one person's messages are out of order"));
        }
        Ok(())
    }
}

/// Says messages at [`PACE`], by everybody in turn; when each was begun.
fn steadily(stage: &Stage, series: &str, count: usize) -> io::Result<Vec<Instant>> {
    thread::scope(|scope| {
        let mut senders = Vec::new();
        for member in &stage.members {
            let (send, orders) = sync_channel::<usize>(count);
            let mut api = member.connect()?;
            let path = stage.messages();
            let say = move || {
                let mut begun = Vec::new();
                for message in orders {
                    let body = json!({"text": words(series, message), "timeout_ms": 0});
                    begun.push((message, Instant::now()));
                    api.ask("POST", &path, Some(&body))?;
                }
                Ok::<_, io::Error>(begun)
            };
            senders.push((send, scope.spawn(say)));
        }
        let began = Instant::now();
        for message in 0..count {
            let due = began + PACE * u32::try_from(message).unwrap_or(u32::MAX);
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let (sender, _) = &senders[message % stage.members.len()];
            sender.send(message).map_err(|_| trouble("a sender stopped"))?;
        }
        let mut begun = Vec::new();
        for (orders, sender) in senders {
            drop(orders);
            begun.extend(sender.join().map_err(|_| trouble("a thread broke"))??);
        }
        begun.sort_unstable();
        Ok(begun.into_iter().map(|(_, at)| at).collect())
    })
}

/// The first member says `count` messages, as `say --lines` does: as many in a request as fit, and
/// never more than [`UNFINISHED`] that no relay has.
fn say_lines(stage: &Stage, ear: &Ear, series: &str, count: usize) -> io::Result<()> {
    let mut api: Api = stage.members[0].connect()?;
    let before = ear.lock().relayed;
    for from in (0..count).step_by(LINES) {
        let numbers = from..count.min(from + LINES);
        ear.wait(|heard| numbers.end <= heard.relayed - before + UNFINISHED)?;
        let line = |number| {
            let key = format!("{:0>16}", name(series, number));
            json!({"line": number, "key": key, "text": words(series, number)})
        };
        let lines: Vec<Value> = numbers.map(line).collect();
        let said = api.ask("POST", &stage.messages(), Some(&json!({"lines": lines})))?;
        if said["items"].as_array().into_iter().flatten().any(|item| !item["error"].is_null()) {
            return Err(trouble("a line was refused"));
        }
    }
    Ok(())
}

/// The name of a message; names sort as numbers do.
fn name(series: &str, number: usize) -> String {
    format!("{series}-{number:06}")
}

/// The text of a message: its name, and filling.
fn words(series: &str, number: usize) -> String {
    format!("{:.<TEXT$}", name(series, number) + " ")
}

fn sorted(times: impl IntoIterator<Item = Duration>) -> Vec<f64> {
    let mut ms: Vec<f64> =
        times.into_iter().map(|time| (time.as_secs_f64() * 1e5).round() / 100.0).collect();
    ms.sort_by(f64::total_cmp);
    ms
}

/// A percentile of what is sorted.
fn at(sorted: &[f64], percent: usize) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get(last * percent / 100).copied()
}

fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e3).round() / 1e3
}

/// Characters of each message.
const TEXT: usize = 1_000;
/// 20 messages a second.
const PACE: Duration = Duration::from_millis(50);
/// Lines of one request: the 64 of U-41, less what keeps 1 KB each below the 64 KiB of U-107.
const LINES: usize = 60;
/// U-41
const UNFINISHED: usize = 256;
/// How long until the last `Seen` of what was said has left: after a quiet minute, and once more a minute
/// later.
const AFTER_TALK: Duration = Duration::from_secs(180);
/// How long a circle has to come to rest.
const SETTLING: Duration = Duration::from_secs(10);
