//! When one mailbox is reconciled next with one peer, and what a round of it tells (R-50, R-52).
//!
//! ```text
//!            begins              goes_on (more rounds)
//!   due ────────────► going ◄──┐
//!    ▲                 │  └────┘
//!    │  ends           │ goes_on: too many rounds
//!    ├── in step ◄─────┤
//!    └── resting ◄─────┘          put, shown, hurries: how long until it is due again
//! ```
//!
//! It knows neither the envelopes nor the connection: whoever holds it says what happened, and asks when it
//! is [`due`](Schedule::due).

use std::collections::BTreeSet;

use super::ANSWER_MS;
use crate::boundary::Timestamp;
use crate::identity::EnvelopeId;
use crate::mailbox::{MAX_ROUNDS, Round};

/// Reconciliation while something of one's own is unacknowledged (R-50).
pub(super) const BUSY_SYNC_MS: u64 = 60_000;
/// Reconciliation otherwise (R-50); with whom it finds nothing, twice as long each time.
pub(super) const IDLE_SYNC_MS: u64 = 600_000;
/// After so many in a row it stays at 80 minutes.
const MAX_CALM: u32 = 4;
/// How long after a refusal for too much in too short a time what is left is put.
const RATE_MS: u64 = 2_000;
/// How often the wait for the other side of a reconciliation, or for a relay to take what was put there, is doubled.
const MAX_DOUBLED: u32 = 3;

/// The reconciliations of one mailbox on one session: the one that goes on, and when the next is due.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    going: Option<Going>,
    /// When the last one that came to its end did.
    synced: Option<Timestamp>,
    /// How many of those in a row found nothing.
    calm: u32,
    /// Those in a row that were not answered.
    silent: u32,
    /// One led nowhere: the next is not before this.
    rests: Option<Timestamp>,
    /// The next is early, because too much was put in too short a time.
    hurry: Option<Timestamp>,
    /// A relay's: what was put there, and what it has not shown to have.
    owed: BTreeSet<EnvelopeId>,
    /// Those in a row that were only for what is owed.
    dunned: u32,
}

/// A reconciliation that goes on.
#[derive(Debug)]
struct Going {
    round: Round,
    at: Timestamp,
    /// Whether either side lacked something.
    found: bool,
    /// Envelopes of one's own that had no acknowledgement when it began: of these it tells whether the
    /// other side has them, of later ones it does not.
    unacked: BTreeSet<EnvelopeId>,
    /// The same of what the relay owed.
    owed: BTreeSet<EnvelopeId>,
}

impl Schedule {
    /// When to reconcile next; `None` if this side never has. `unacked`: no relay has something of one's own;
    /// it is looked up only where the answer hangs on it.
    pub(super) fn due(&self, unacked: impl FnOnce() -> bool) -> Option<Timestamp> {
        if let Some(going) = &self.going {
            return Some(going.at.plus(ANSWER_MS << self.silent.min(MAX_DOUBLED)));
        }
        if self.synced.is_none() && self.rests.is_none() {
            return None;
        }
        let wait = match unacked() {
            true => BUSY_SYNC_MS,
            // One relay has it: the others are asked less and less often.
            false if !self.owed.is_empty() => BUSY_SYNC_MS << self.dunned.min(MAX_DOUBLED),
            false => IDLE_SYNC_MS << self.calm.saturating_sub(1),
        };
        let at = self.synced.map(|at| at.plus(wait)).or(self.rests)?;
        let at = self.hurry.map_or(at, |hurry| hurry.min(at));
        Some(self.rests.map_or(at, |rests| rests.max(at)))
    }

    /// Begins one, also instead of one that was not answered. What is owed and not `kept` any more is let go.
    pub(super) fn begins(
        &mut self,
        now: Timestamp,
        attempt: u32,
        unacked: &BTreeSet<EnvelopeId>,
        kept: impl Fn(&EnvelopeId) -> bool,
    ) -> Round {
        self.hurry = None;
        self.silent += u32::from(self.going.is_some());
        self.owed.retain(kept);
        self.dunned = if self.owed.is_empty() { 0 } else { self.dunned + 1 };
        let round = Round { attempt, number: 0 };
        let (unacked, owed) = (unacked.clone(), self.owed.clone());
        self.going = Some(Going { round, at: now, found: false, unacked, owed });
        round
    }

    /// Whether this is the round that is to be answered.
    pub(super) fn awaits(&self, round: Round) -> bool {
        self.going.as_ref().is_some_and(|going| going.round == round)
    }

    /// An answer came that makes sense: what the peer `lacks`, and whether either side lacked something.
    pub(super) fn answered(&mut self, lacks: &[EnvelopeId], found: bool) {
        let Some(going) = &mut self.going else { return };
        self.silent = 0;
        going.found |= found;
        for id in lacks {
            going.unacked.remove(id);
            going.owed.remove(id);
        }
    }

    /// One more round, which it gives; or none, since there were too many (H-13): who goes on for ever has shown
    /// nothing, and is left alone for a while.
    pub(super) fn goes_on(&mut self, now: Timestamp) -> Option<Round> {
        let going = self.going.as_mut()?;
        if going.round.number + 1 >= MAX_ROUNDS {
            self.going = None;
            self.rests = Some(now.plus(IDLE_SYNC_MS));
            return None;
        }
        going.round.number += 1;
        going.at = now;
        Some(going.round)
    }

    /// It is through: both have the same, but for what is on its way. Gives what the peer was shown to have
    /// of what was unacknowledged when it began.
    pub(super) fn ends(&mut self, now: Timestamp) -> BTreeSet<EnvelopeId> {
        let Some(going) = self.going.take() else { return BTreeSet::new() };
        self.synced = Some(now);
        self.calm = if going.found { 0 } else { (self.calm + 1).min(MAX_CALM) };
        self.owed.retain(|id| !going.owed.contains(id));
        going.unacked
    }

    /// Something new was put at the relay.
    pub(super) fn put(&mut self, id: EnvelopeId) {
        self.owed.insert(id);
        self.dunned = 0;
    }

    /// The relay was found to lack something, which is put there again.
    pub(super) fn put_again(&mut self, id: EnvelopeId) {
        self.owed.insert(id);
    }

    /// The relay says that it has these, or will not have them.
    pub(super) fn shown(&mut self, ids: &[EnvelopeId]) {
        for id in ids {
            self.owed.remove(id);
        }
    }

    /// The relay took too little of what was put, since it was too much in too short a time.
    pub(super) fn hurries(&mut self, now: Timestamp) {
        self.hurry = Some(now.plus(RATE_MS));
    }

    /// Whether one came to its end on this session.
    pub(super) fn is_in_step(&self) -> bool {
        self.synced.is_some()
    }

    /// Whether the relay has shown everything that was put there.
    pub(super) fn owes_nothing(&self) -> bool {
        self.owed.is_empty()
    }

    /// Whether this side began one here: then it begins the next too.
    pub(super) fn has_begun(&self) -> bool {
        self.synced.is_some() || self.going.is_some() || self.rests.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp(1_795_608_000_000);
    const ID: EnvelopeId = EnvelopeId([1; 32]);

    fn begun(schedule: &mut Schedule, now: Timestamp, unacked: &[EnvelopeId]) -> Round {
        schedule.begins(now, 1, &unacked.iter().copied().collect(), |_| true)
    }

    fn gone_through(schedule: &mut Schedule, now: Timestamp, found: bool) {
        begun(schedule, now, &[]);
        schedule.answered(&[], found);
        schedule.ends(now);
    }

    /// R-50: 10, 20, 40 and then every 80 minutes, and 10 once something was found.
    #[test]
    fn who_finds_nothing_asks_more_and_more_seldom() {
        let mut schedule = Schedule::default();
        assert_eq!(schedule.due(|| false), None);
        for (found, times) in
            [(false, 1), (false, 2), (false, 4), (false, 8), (false, 8), (true, 1)]
        {
            gone_through(&mut schedule, NOON, found);
            assert_eq!(schedule.due(|| false), Some(NOON.plus(times * IDLE_SYNC_MS)));
            assert_eq!(schedule.due(|| true), Some(NOON.plus(BUSY_SYNC_MS)));
        }
    }

    /// R-52: 3, 6, 12 and then every 24 s, until there is an answer.
    #[test]
    fn one_that_is_not_answered_is_begun_anew_after_longer_and_longer() {
        let mut schedule = Schedule::default();
        for times in [1, 2, 4, 8, 8] {
            begun(&mut schedule, NOON, &[]);
            assert_eq!(schedule.due(|| true), Some(NOON.plus(times * ANSWER_MS)));
        }
        schedule.answered(&[], false);
        assert_eq!(schedule.due(|| true), Some(NOON.plus(ANSWER_MS)));
    }

    /// R-52: after 1, 2, 4 and then every 8 minutes; something new begins at one again.
    #[test]
    fn a_relay_is_dunned_more_and_more_seldom_until_it_shows_what_it_owes() {
        let mut schedule = Schedule::default();
        gone_through(&mut schedule, NOON, false);
        schedule.put(ID);
        for times in [1, 2, 4, 8, 8] {
            assert_eq!(schedule.due(|| false), Some(NOON.plus(times * BUSY_SYNC_MS)));
            begun(&mut schedule, NOON, &[]);
            schedule.answered(&[ID], true);
            schedule.put_again(ID);
            schedule.ends(NOON);
            assert!(!schedule.owes_nothing());
        }
        schedule.put(EnvelopeId([2; 32]));
        assert_eq!(schedule.due(|| false), Some(NOON.plus(BUSY_SYNC_MS)));
        schedule.shown(&[ID]);
        assert!(!schedule.owes_nothing());
        schedule.shown(&[EnvelopeId([2; 32])]);
        assert_eq!(schedule.due(|| false), Some(NOON.plus(IDLE_SYNC_MS)));
    }

    /// R-50, R-52: of what was put after it began, a reconciliation tells nothing.
    #[test]
    fn one_shows_only_what_was_there_when_it_began() {
        let (lacked, later) = (EnvelopeId([2; 32]), EnvelopeId([3; 32]));
        let mut schedule = Schedule::default();
        schedule.put(ID);
        begun(&mut schedule, NOON, &[ID, lacked]);
        schedule.put(later);
        schedule.answered(&[lacked], true);
        assert_eq!(schedule.ends(NOON), BTreeSet::from([ID]));
        assert!(!schedule.owes_nothing());
        schedule.shown(&[later]);
        assert!(schedule.owes_nothing());
    }

    /// R-52: what is not kept any more cannot be put again.
    #[test]
    fn what_is_not_kept_is_owed_no_more() {
        let mut schedule = Schedule::default();
        schedule.put(ID);
        schedule.begins(NOON, 1, &BTreeSet::new(), |_| false);
        assert!(schedule.owes_nothing());
    }

    /// R-52, H-13: not even a relay that asks for a hurry is asked before.
    #[test]
    fn one_with_too_many_rounds_rests() {
        let mut schedule = Schedule::default();
        let mut round = begun(&mut schedule, NOON, &[ID]);
        for number in 1..MAX_ROUNDS {
            assert!(schedule.awaits(round));
            schedule.answered(&[], true);
            round = schedule.goes_on(NOON).expect("these are few enough");
            assert_eq!(round.number, number);
        }
        assert_eq!(schedule.goes_on(NOON), None);
        assert!(!schedule.awaits(round) && !schedule.is_in_step());
        // Between members too the next one is begun by this side, so it has to wake for it.
        assert!(schedule.has_begun());
        schedule.hurries(NOON);
        assert_eq!(schedule.due(|| true), Some(NOON.plus(IDLE_SYNC_MS)));
    }

    /// R-50: what a relay refused for its rate is put soon, once.
    #[test]
    fn after_too_much_in_too_short_a_time_the_next_is_early() {
        let mut schedule = Schedule::default();
        gone_through(&mut schedule, NOON, false);
        schedule.hurries(NOON);
        assert_eq!(schedule.due(|| false), Some(NOON.plus(RATE_MS)));
        gone_through(&mut schedule, NOON, true);
        assert_eq!(schedule.due(|| false), Some(NOON.plus(IDLE_SYNC_MS)));
    }
}
