//! The driver with a machine and a disk that do as they are told.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};

use hearthlight_protocol::boundary::{CircleRef, Key, Link, Room, SlotKind, Value};
use hearthlight_protocol::identity::{CircleId, Peer};
use tokio::time::timeout;

use super::*;
use crate::network::Inputs;

/// What the toys saw, in order.
type Seen = Arc<Mutex<Vec<String>>>;

/// A machine that answers each command, saves at each, and destroys a key at [`Command::Wipe`].
struct Toy {
    seen: Seen,
}

impl Machine for Toy {
    type Config = Seen;
    fn restore(_: &mut Env<'_>, seen: Seen) -> Result<Self, RestoreError> {
        note(&seen, "restore");
        Ok(Self { seen })
    }
    fn handle(&mut self, _: &mut Env<'_>, inputs: Vec<Input>) -> Vec<Output> {
        if !inputs.is_empty() {
            note(&self.seen, &format!("handle {}", inputs.len()));
        }
        let mut outputs = Vec::new();
        for input in inputs {
            let Input::Command { ticket, command } = input else {
                continue;
            };
            outputs.push(Output::Answer { ticket, answer: Ok(Answer::Done) });
            if matches!(command, Command::Wipe { .. }) {
                outputs.push(Output::DestroyKey(SLOT));
            }
            outputs.push(save());
        }
        outputs
    }
    fn next_wake(&self) -> Option<Timestamp> {
        None
    }
}

/// A disk whose flushes wait for leave, and fail or not.
struct Slow {
    seen: Seen,
    leave: Receiver<bool>,
    destroys: VecDeque<bool>,
}

impl Disk for Slow {
    fn commit(&mut self, _: &[(KeySlot, Secret)], writes: &[Write]) -> Result<(), NodeError> {
        let good = self.leave.recv().expect("the test goes on");
        note(&self.seen, &format!("commit {} {good}", writes.len()));
        if good { Ok(()) } else { Err(NodeError::DiskFull) }
    }
    fn destroy(&mut self, slots: &[KeySlot]) -> Result<(), NodeError> {
        let good = self.destroys.pop_front().unwrap_or(true);
        note(&self.seen, &format!("destroy {} {good}", slots.len()));
        if good { Ok(()) } else { Err(NodeError::ReadOnly) }
    }
    fn count_as_newest(&mut self) -> Result<(), NodeError> {
        note(&self.seen, "renew");
        Ok(())
    }
    fn reopen(&mut self) -> Result<(), NodeError> {
        note(&self.seen, "reopen");
        Ok(())
    }
}

impl Store for Slow {
    fn get(&self, _: &Key) -> Option<Vec<u8>> {
        None
    }
    fn scan(&self, _: Room, _: &[u8; 32], _: &[u8], _: bool, _: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        Vec::new()
    }
    fn secrets(&self) -> Vec<(KeySlot, Secret)> {
        Vec::new()
    }
}

/// A driver that runs.
struct Run {
    started: Started<Toy>,
    inputs: Inputs,
    leave: SyncSender<bool>,
    seen: Seen,
    time: Arc<AtomicU64>,
}

const SLOT: KeySlot = KeySlot { kind: SlotKind::Day, owner: [0; 32], id: [0; 32] };
const WIPE: Command = Command::Wipe { circle: CircleRef::Circle(CircleId([0; 32])) };

fn note(seen: &Seen, what: &str) {
    seen.lock().expect("no panic").push(what.to_owned());
}

fn save() -> Output {
    let key = Key { room: Room::Local, owner: [0; 32], place: vec![] };
    Output::Save(key, Value { bytes: vec![1], under: None })
}

fn run(destroys: &[bool], waiting: usize) -> Run {
    let seen = Seen::default();
    let (leave, leaves) = sync_channel(16);
    let destroys = destroys.iter().copied().collect();
    let disk = Slow { seen: Arc::clone(&seen), leave: leaves, destroys };
    let (inputs, inbox) = inbox();
    for _ in 0..waiting {
        assert!(inputs.offer(Input::Down { link: Link(1), peer: Peer([1; 32]) }));
    }
    let network = Network::off(inputs.clone());
    let time = Arc::new(AtomicU64::new(now().0));
    let shown = Arc::clone(&time);
    let clock = Box::new(move || Timestamp(shown.load(Ordering::Relaxed)));
    let started = Driver::start(Arc::clone(&seen), disk, network, inbox, clock).expect("starts");
    Run { started, inputs, leave, seen, time }
}

impl Run {
    async fn ask(&self, command: Command) -> oneshot::Receiver<Result<Answer, Failure>> {
        let (reply, answer) = oneshot::channel();
        let asked = self.started.asks.send(Ask::Command(command, reply)).await;
        assert!(asked.is_ok(), "it runs");
        answer
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("no panic").clone()
    }

    async fn end(self) -> Vec<String> {
        assert!(self.started.asks.send(Ask::End).await.is_ok(), "it runs");
        let _ = self.started.ended.await;
        self.seen.lock().expect("no panic").clone()
    }
}

///
#[tokio::test]
async fn an_answer_comes_after_the_flush_and_a_key_dies_after_the_answer() {
    let run = run(&[], 0);
    let mut answer = run.ask(WIPE).await;
    assert!(timeout(Duration::from_millis(50), &mut answer).await.is_err(), "not flushed yet");
    assert_eq!(run.seen(), ["restore", "handle 1"]);
    run.leave.send(true).expect("it runs");
    assert!(matches!(answer.await, Ok(Ok(Answer::Done))));
    assert_eq!(run.end().await, ["restore", "handle 1", "commit 1 true", "destroy 1 true"]);
}

///
#[tokio::test]
async fn a_batch_that_cannot_be_saved_is_dropped_whole() {
    let run = run(&[], 0);
    let answer = run.ask(WIPE).await;
    run.leave.send(false).expect("it runs");
    assert!(matches!(answer.await, Ok(Err(Failure::Node(NodeError::DiskFull)))));
    let answer = run.ask(Command::Circles).await;
    run.leave.send(true).expect("it runs");
    assert!(matches!(answer.await, Ok(Ok(Answer::Done))));
    let old = Input::Down { link: Link(1), peer: Peer([1; 32]) };
    assert!(!run.inputs.offer(old), "what came for the old machine does not reach the new one");
    let expected =
        ["restore", "handle 1", "commit 1 false", "reopen", "restore", "handle 1", "commit 1 true"];
    assert_eq!(run.end().await, expected);
}

/// R-81, H-26: all that it waits for would come late; what was asked is answered all the same.
#[tokio::test]
async fn a_machine_whose_clock_was_set_back_goes_on_from_the_store() {
    let run = run(&[], 0);
    for (back_ms, restored) in [(SET_BACK_MS, 1), (SET_BACK_MS + 1, 2), (0, 2)] {
        run.time.fetch_sub(back_ms, Ordering::Relaxed);
        let answer = run.ask(Command::Circles).await;
        run.leave.send(true).expect("it runs");
        assert!(matches!(answer.await, Ok(Ok(Answer::Done))), "{back_ms} ms");
        let restores = run.seen().iter().filter(|seen| *seen == "restore").count();
        assert_eq!(restores, restored, "{back_ms} ms");
    }
    let old = Input::Down { link: Link(1), peer: Peer([1; 32]) };
    assert!(!run.inputs.offer(old), "what came for the old machine does not reach the new one");
}

/// P9
#[tokio::test]
async fn a_key_that_could_not_be_destroyed_is_destroyed_with_the_next_batch() {
    let run = run(&[false, true], 0);
    for command in [WIPE, Command::Circles] {
        let answer = run.ask(command).await;
        run.leave.send(true).expect("it runs");
        assert!(matches!(answer.await, Ok(Ok(Answer::Done))));
    }
    let seen = run.end().await;
    let destroys: Vec<_> = seen.iter().filter(|s| s.starts_with("destroy")).collect();
    assert_eq!(destroys, ["destroy 1 false", "destroy 1 true"]);
}

#[tokio::test]
async fn a_verb_is_done_when_its_batch_is_saved() {
    for good in [true, false] {
        let run = run(&[], 0);
        let (tell, mut told) = oneshot::channel();
        let verb: Verb<Toy> = Box::new(|toy, _| {
            note(&toy.seen, "verb");
            (vec![save()], Box::new(|failed| tell.send(failed.is_none()).expect("awaited")))
        });
        assert!(run.started.asks.send(Ask::Verb(verb)).await.is_ok(), "it runs");
        assert!(timeout(Duration::from_millis(50), &mut told).await.is_err(), "not flushed yet");
        run.leave.send(good).expect("it runs");
        assert_eq!(told.await, Ok(good));
    }
}

#[tokio::test]
async fn what_waits_goes_in_together_up_to_a_bound() {
    let run = run(&[], 600);
    let answer = run.ask(Command::Circles).await;
    run.leave.send(true).expect("it runs");
    assert!(answer.await.is_ok());
    let handled = async {
        loop {
            let seen = run.seen();
            let sizes = seen.iter().filter_map(|s| s.strip_prefix("handle ")?.parse().ok());
            let sizes: Vec<usize> = sizes.collect();
            if sizes.iter().sum::<usize>() == 601 {
                return sizes;
            }
            tokio::task::yield_now().await;
        }
    };
    let handled = timeout(Duration::from_secs(10), handled).await.expect("all is handled");
    assert!(handled.iter().all(|n| *n <= BATCH), "{handled:?}");
    assert!(handled.len() <= 4, "{handled:?}");
}

#[tokio::test]
async fn what_was_asked_before_the_end_is_carried_out() {
    let run = run(&[], 0);
    let answers = [run.ask(Command::Circles).await, run.ask(Command::Circles).await];
    run.leave.send(true).expect("it runs");
    run.leave.send(true).expect("it runs");
    run.end().await;
    for answer in answers {
        assert!(matches!(answer.await, Ok(Ok(Answer::Done))));
    }
}
