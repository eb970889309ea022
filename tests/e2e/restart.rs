//! Killed and started again at once, while others talk: back in touch within five seconds.

use std::{
    io::Write,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use harness::process::{Home, Process, text};

use crate::{CIRCLE, Circle, kill::kills};

#[test]
fn a_member_killed_and_started_again_is_back_in_touch_within_five_seconds() {
    let (mut circle, [anna, ben, chris]) = Circle::of(["Anna", "Ben", "Chris"]);
    let mut chriss = chris.follow(CIRCLE);
    let talk = Talk::of(&anna);
    let mut times = Vec::new();
    for run in 0..kills() {
        circle.kill(&ben);
        let began = Instant::now();
        circle.start(&ben);
        let words = format!("Ben is back, {run}");
        ben.say(CIRCLE, &words, &["--wait", "relayed"]);
        let relayed = began.elapsed();
        let spoken = talk.count();
        newest(&ben).until(|line| number_of(line) > spoken);
        times.push((relayed, began.elapsed()));
        chriss.until(|line| line["text"] == *words);
    }
    talk.end();
    judge("a member", &times);
}

/// U-8, U-22: who follows a node goes on in place of one that vanished, not of one that was told to stop; and with the
/// next one, if that comes at once.
#[test]
fn a_node_that_is_told_to_stop_stays_stopped_whoever_follows_it() {
    let (mut circle, [anna]) = Circle::of(["Anna"]);
    let follow = |words: &str| {
        let mut follower = anna.follow(CIRCLE);
        anna.say(CIRCLE, words, &["--timeout", "0"]);
        follower.until(|line| line["text"] == *words);
        follower
    };
    let mut followers = [follow("one"), follow("two")];
    circle.stop(&anna);
    circle.start(&anna);
    anna.say(CIRCLE, "three", &["--timeout", "0"]);
    for follower in &mut followers {
        follower.until(|line| line["text"] == "three");
    }
    circle.stop(&anna);
    for follower in &mut followers {
        assert_eq!(follower.wait().code(), Some(1), "{}", follower.stderr());
    }
    assert_eq!(anna.ok(["status"])["running"], false);
    assert_eq!(anna.ok(["stop"])["was_running"], false);
}

///
#[test]
fn after_a_relay_was_killed_and_started_again_all_are_back_in_touch_within_five_seconds() {
    let (mut circle, [anna, ben, chris]) = Circle::of(["Anna", "Ben", "Chris"]);
    let (mut bens, mut chriss) = (ben.follow(CIRCLE), chris.follow(CIRCLE));
    let talk = Talk::of(&anna);
    let mut times = Vec::new();
    for run in 0..kills() {
        circle.kill_relay();
        let began = Instant::now();
        circle.start_relay();
        let words = format!("Ben says {run}");
        let spoken = talk.count();
        ben.say(CIRCLE, &words, &["--wait", "relayed"]);
        let relayed = began.elapsed();
        for ear in [&mut bens, &mut chriss] {
            ear.until(|line| number_of(line) > spoken);
        }
        times.push((relayed, began.elapsed()));
    }
    talk.end();
    judge("a relay", &times);
}

/// Somebody who says numbers, twenty a second.
struct Talk {
    spoken: Arc<AtomicUsize>,
    stop: SyncSender<()>,
    feeding: JoinHandle<()>,
    hearing: JoinHandle<()>,
}

impl Talk {
    fn of(home: &Home) -> Self {
        let mut command = home.command(["say", CIRCLE, "-", "--lines", "--timeout", "0"]);
        command.stdin(Stdio::piped());
        let mut saying = Process::of(command);
        let mut stdin = saying.take_stdin();
        let (stop, stopped) = sync_channel(1);
        let spoken = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&spoken);
        let feeding = thread::spawn(move || {
            while stopped.recv_timeout(BETWEEN) == Err(RecvTimeoutError::Timeout) {
                let number = counted.load(Ordering::SeqCst) + 1;
                writeln!(stdin, "number {number}").expect("it reads");
                counted.store(number, Ordering::SeqCst);
            }
        });
        // What it prints is read, so that it goes on.
        let hearing = thread::spawn(move || {
            while saying.next_or_end().is_some() {}
            assert!(saying.wait().success(), "{}", saying.stderr());
        });
        Self { spoken, stop, feeding, hearing }
    }

    /// The last number that was told to the verb.
    fn count(&self) -> usize {
        self.spoken.load(Ordering::SeqCst)
    }

    fn end(self) {
        drop(self.stop);
        self.feeding.join().expect("no panics");
        self.hearing.join().expect("no panics");
    }
}

/// Follows from the newest line on.
fn newest(home: &Home) -> Process {
    home.begin(["read", CIRCLE, "--follow", "--limit", "1"])
}

/// The number that Anna said; 0 for anything else.
fn number_of(line: &serde_json::Value) -> usize {
    if line["kind"] != "said" {
        return 0;
    }
    let text = text(&line["text"]);
    text.strip_prefix("number ").and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Prints the times, and fails if one is too long.
fn judge(what: &str, times: &[(Duration, Duration)]) {
    let mut both: Vec<Duration> = times.iter().map(|(_, both)| *both).collect();
    both.sort();
    println!(
        "{what} killed {} times: back in touch after {:?} in the middle, {:?} at most; relayed, and heard: {times:.1?}",
        both.len(),
        both[both.len() / 2],
        both[both.len() - 1],
    );
    assert!(both[both.len() - 1] < BACK, "{what}: {times:?}");
}

const BETWEEN: Duration = Duration::from_millis(50);
/// Issue 6.
const BACK: Duration = Duration::from_secs(5);
