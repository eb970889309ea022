//! The latest that happened in this run, numbered, for who comes back to it (U-103).
use std::{collections::VecDeque, sync::Mutex};

use hearthlight_protocol::boundary::Event;
use tokio::sync::broadcast::{self, error::RecvError};

use crate::Events;

/// What happened, the oldest going first.
#[derive(Debug)]
pub(super) struct Journal {
    /// Tells the cursors of this run from those of another.
    run: u64,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    /// How many there were.
    count: u64,
    /// The latest of them.
    events: VecDeque<Event>,
    /// Who follows; closed where something was missed.
    new: broadcast::Sender<(u64, Event)>,
}

/// What there was since a place, and what comes.
pub(super) type Following = (VecDeque<(u64, Event)>, broadcast::Receiver<(u64, Event)>);

impl Journal {
    /// An empty one.
    pub(super) fn new() -> Self {
        let mut run = [0; 8];
        crate::vault::random(&mut run);
        Self {
            run: u64::from_be_bytes(run),
            kept: Mutex::new(Kept {
                count: 0,
                events: VecDeque::new(),
                new: broadcast::Sender::new(MAX_BEHIND),
            }),
        }
    }

    /// Writes down what happens, until it ends.
    pub(super) async fn write(&self, mut events: Events) {
        loop {
            match events.recv().await {
                Ok(event) => self.add(event),
                Err(RecvError::Lagged(missed)) => self.skip(missed),
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn add(&self, event: Event) {
        let mut kept = self.kept();
        kept.count += 1;
        if kept.events.len() >= MAX_EVENTS {
            kept.events.pop_front();
        }
        kept.events.push_back(event.clone());
        // Sent while it is held, so that who follows gets each once.
        let _ = kept.new.send((kept.count, event));
    }

    /// What was missed cannot be told: whoever follows is cut off, and whoever comes back reads anew.
    fn skip(&self, missed: u64) {
        let mut kept = self.kept();
        kept.count += missed;
        kept.events.clear();
        kept.new = broadcast::Sender::new(MAX_BEHIND);
    }

    /// What there was after `place`, or nothing, and all that comes from now on; `None`, if that is too
    /// long ago, or of another run.
    pub(super) fn follow(&self, cursor: Option<&str>) -> Option<Following> {
        let kept = self.kept();
        let oldest = kept.count - kept.events.len() as u64;
        let after = match cursor {
            None => kept.count,
            Some(cursor) => self.place(cursor).filter(|at| (oldest..=kept.count).contains(at))?,
        };
        let missed = (oldest + 1..).zip(kept.events.iter().cloned());
        Some((missed.filter(|(at, _)| *at > after).collect(), kept.new.subscribe()))
    }

    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        self.kept().count
    }

    /// The cursor of a place.
    pub(super) fn cursor(&self, place: u64) -> String {
        format!("{:016x}{place:016x}", self.run)
    }

    fn place(&self, cursor: &str) -> Option<u64> {
        let place = cursor.strip_prefix(&format!("{:016x}", self.run))?;
        u64::from_str_radix(place, 16).ok().filter(|_| place.len() == 16)
    }

    /// Forgets all that was said; whoever comes back reads anew.
    pub(super) fn forget(&self) {
        self.kept().events = VecDeque::new();
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().expect("nothing panics while it holds the journal")
    }
}

/// Events that are kept (U-103).
const MAX_EVENTS: usize = 10_000;
/// Events that a reader may be behind (U-103).
const MAX_BEHIND: usize = 1_000;

#[cfg(test)]
mod tests {
    use hearthlight_protocol::identity::CircleId;

    use super::*;

    fn event(number: usize) -> Event {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&(number as u64).to_be_bytes());
        Event::Circle { circle: CircleId(id) }
    }

    fn missed(journal: &Journal, cursor: &str) -> Option<usize> {
        journal.follow(Some(cursor)).map(|(missed, _)| missed.len())
    }

    /// U-103
    #[test]
    fn who_comes_back_misses_nothing_and_gets_each_once() {
        let journal = Journal::new();
        for number in 0..3 {
            journal.add(event(number));
        }
        let (missed, mut new) = journal.follow(Some(&journal.cursor(1))).unwrap();
        assert_eq!(missed, [(2, event(1)), (3, event(2))]);
        journal.add(event(3));
        assert_eq!(new.try_recv().unwrap(), (4, event(3)));
        assert!(journal.follow(None).unwrap().0.is_empty());
    }

    /// U-103: one acknowledgement can raise more marks than the journal hears of.
    #[tokio::test]
    async fn who_follows_is_cut_off_where_something_was_missed() {
        let (sender, events) = broadcast::channel(4);
        let journal = Journal::new();
        let (_, mut new) = journal.follow(None).unwrap();
        let before = journal.cursor(journal.count());
        for number in 0..9 {
            sender.send(event(number)).unwrap();
        }
        drop(sender);
        journal.write(events).await;
        assert_eq!(new.recv().await, Err(RecvError::Closed));
        assert_eq!((journal.count(), missed(&journal, &before)), (9, None));
        assert_eq!(missed(&journal, &journal.cursor(5)), Some(4), "what came after it is told");
    }

    /// U-103
    #[test]
    fn what_is_too_long_ago_or_of_another_run_is_said_so() {
        let journal = Journal::new();
        for number in 0..MAX_EVENTS + 5 {
            journal.add(event(number));
        }
        assert_eq!(missed(&journal, &journal.cursor(5)), Some(MAX_EVENTS));
        assert_eq!(missed(&journal, &journal.cursor(4)), None);
        let end = journal.count();
        assert_eq!(missed(&journal, &journal.cursor(end)), Some(0));
        assert_eq!(missed(&journal, &journal.cursor(end + 1)), None);
        for cursor in ["", "0", &Journal::new().cursor(end)] {
            assert_eq!(missed(&journal, cursor), None, "{cursor}");
        }
        journal.forget();
        assert_eq!(missed(&journal, &journal.cursor(end - 1)), None);
    }
}
