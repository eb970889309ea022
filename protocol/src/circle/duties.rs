//! What nodes do by themselves for the charter. Votes are counted, acknowledged and carried out (R-12, D-27), a host who
//! is said to be lost shows that it is there, and who left and is in again leaves once more.
//!
//! A vote is counted once all have cast, or its time and the time to settle are over by this node's clock. The
//! proposer's node counts first, then each next elector's, a minute later each, older members before younger. A node
//! acknowledges one tally of a proposal, and only one that has its own member's ballot. What was carried is written by
//! the same nodes in the same order, so that whoever is there does it.

use std::collections::BTreeMap;

use super::Circle;
use super::charter::{Act, CircleBody, Held, RemovalBody, RoleBody};
use super::governing::leaving;
use super::votes::{TallyAckBody, Vote, Votes, What};
use super::voting::LAPSE_MS;
use crate::batch::Batch;
use crate::boundary::{Env, Timestamp};
use crate::identity::{MemberId, OperationId};
use crate::planted::{Planted, is_planted};
use crate::threshold::Verdict;

/// How much later the next elector's node does what is to be done (D-27).
const NEXT_MS: u64 = 60_000;
/// When is tried again what could not be written; a guess.
const AGAIN_MS: u64 = 10_000;

/// What this node has to do by itself, and when.
#[derive(Debug, Default)]
pub(super) struct Duties {
    due: Vec<(u64, Duty)>,
    /// Since when all have cast, or a vote is decided and not carried out, ms since 1970.
    since: BTreeMap<(OperationId, bool), u64>,
    not_before: u64,
}

/// Something that a node does by itself.
#[derive(Clone, Debug)]
enum Duty {
    /// To count the ballots on a proposal.
    Count(OperationId),
    /// To say which count is the one.
    Ack(OperationId),
    /// To carry out what this tally decided.
    CarryOut(OperationId, OperationId),
    /// To show others that a host is there.
    ShowUp,
    /// To leave once more.
    LeaveAgain,
}

impl Circle {
    /// Finds what this node has to do, whenever the charter has changed.
    pub(super) fn find_duties(&mut self) {
        let now = self.charter.now().0;
        let mut due = Vec::new();
        let (me, belongs) = (self.me, self.roster.members.contains_key(&self.me));
        let votes = std::mem::take(&mut self.roster.votes);
        for (of, vote) in votes.iter().filter(|(_, vote)| belongs && vote.body.elects(&me)) {
            due.extend(self.duty(of, vote, now));
        }
        self.duties.since.retain(|(of, _), _| votes.contains_key(of));
        self.roster.votes = votes;
        due.extend(self.shows_up().then_some((now, Duty::ShowUp)));
        due.extend(self.leaves_again().then_some((now, Duty::LeaveAgain)));
        self.duties.due = due;
    }

    fn duty(&mut self, of: &OperationId, vote: &Vote, now: u64) -> Option<(u64, Duty)> {
        let settles = vote.body.settles();
        let turn = self.turn(vote) * NEXT_MS;
        if let Some(verdict) = vote.decided {
            let half = vote.body.electorate.len() / 2;
            let mut finals = vote.tallies.iter().filter(|(_, tally)| tally.acks.len() > half);
            let (tally, _) = finals.next().filter(|_| verdict == Verdict::Carried)?;
            self.carries_out(tally, vote)?;
            if self.is_carried_out(vote) {
                return None;
            }
            let since = *self.duties.since.entry((*of, true)).or_insert(now);
            return Some((since.saturating_add(turn), Duty::CarryOut(*of, *tally)));
        }
        if vote.tallies.values().any(|tally| tally.acks.contains(&self.me)) {
            return None;
        }
        let all = vote.ballots.len() == vote.body.electorate.len();
        let since =
            if all { *self.duties.since.entry((*of, false)).or_insert(now) } else { settles };
        let (from, own) = (since.min(settles), vote.ballots.get(&self.me).map(|(id, _)| *id));
        if now >= settles.saturating_add(LAPSE_MS) {
            return None;
        }
        let whole = vote
            .tallies
            .iter()
            .filter(|(_, tally)| own.is_none_or(|own| tally.ballots.contains(&own)));
        let age = |who: &MemberId| self.roster.members.get(who).map_or(u32::MAX, |who| who.age);
        let best = whole.max_by_key(|(_, tally)| {
            let older = (age(&tally.author), tally.author);
            (tally.ballots.len(), std::cmp::Reverse(older))
        });
        Some(match best {
            Some((tally, _)) => (from, Duty::Ack(*tally)),
            None => (from.saturating_add(turn), Duty::Count(*of)),
        })
    }

    /// Whose turn this node's is: the proposer's is the first, then electors by age.
    fn turn(&self, vote: &Vote) -> u64 {
        let members = &self.roster.members;
        let rank = |who: &MemberId| {
            (*who != vote.author, members.get(who).map_or(u32::MAX, |person| person.age), *who)
        };
        let present = vote.body.electorate.iter().filter(|who| members.contains_key(*who));
        let before = present.filter(|who| rank(who) < rank(&self.me)).count();
        u64::try_from(before).unwrap_or(u64::MAX)
    }

    /// Whether somebody did what was decided, or this node tried.
    fn is_carried_out(&self, vote: &Vote) -> bool {
        self.charter.held().iter().any(|held| {
            held.act.source().is_some_and(|source| vote.tallies.contains_key(&source))
                && (held.operation.author == self.me || self.roster.standing.contains(&held.id))
        })
    }

    /// What follows from a vote that was carried.
    fn carries_out(&self, tally: &OperationId, vote: &Vote) -> Option<Act> {
        let (body, source) = (&vote.body, Some(*tally));
        match body.what {
            What::Remove => {
                let who = body.about.filter(|who| self.roster.members.contains_key(who))?;
                Some(Act::Removal(RemovalBody { who, mode: 0, reason: None, source }))
            }
            What::Elect => {
                let to = body.about.filter(|who| self.roster.members.contains_key(who))?;
                let role = body.role.clone()?;
                Some(Act::Role(RoleBody { grant: true, role, to, end: body.end, source }))
            }
            What::Rule | What::Template => {
                let rev = self.roster.circle.as_ref().map_or(0, |circle| circle.rev);
                let (name, template) = (body.name.clone()?, body.template.clone()?);
                let rev = rev.saturating_add(1);
                Some(Act::Circle(CircleBody { rev, name, template, source }))
            }
            What::Ordinary | What::Format | What::Admit => None,
        }
    }

    /// whether this member is said to be lost, and did nothing since.
    fn shows_up(&self) -> bool {
        let held = self.charter.held();
        self.roster.lost.iter().any(|(id, lost)| {
            let Some(at) = self.charter.place(id) else { return false };
            let own = |at_me: &Held| at_me.operation.author == self.me;
            lost.who.contains(&self.me) && !held.iter().any(|held| own(held) && held.saw(at))
        })
    }

    /// whether this member left and belongs all the same. Its leaving falls with the admission that it had seen,
    /// where that is cancelled; somebody else may have let it in too, whom that does not concern.
    fn leaves_again(&self) -> bool {
        let Some(person) = self.roster.members.get(&self.me) else { return false };
        let Some(let_in) = self.charter.get(&person.by) else { return false };
        self.leavings().any(|(place, _)| !let_in.saw(place)) && !is_planted(Planted::LeftOnce)
    }

    /// When this node does something by itself next.
    pub(super) fn next_duty(&self, able: bool) -> Option<Timestamp> {
        let due = self.duties.due.iter().filter(|_| able).map(|(at, _)| *at).min();
        due.map(|at| Timestamp(at.max(self.duties.not_before)))
    }

    /// Does what is due.
    pub(super) fn do_duties(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        if self.duties.not_before > env.now.0 {
            return;
        }
        let due = self.duties.due.iter().filter(|(at, _)| *at <= env.now.0);
        let duties: Vec<Duty> = due.map(|(_, duty)| duty.clone()).collect();
        for duty in duties {
            let act = match &duty {
                Duty::Count(of) => self.count(of),
                Duty::Ack(tally) => Some(Act::TallyAck(TallyAckBody { tally: *tally })),
                Duty::CarryOut(of, tally) => {
                    self.roster.votes.get(of).and_then(|vote| self.carries_out(tally, vote))
                }
                Duty::ShowUp => Some(Act::Join),
                Duty::LeaveAgain => Some(leaving(self.me)),
            };
            let done = act.map(|act| match duty {
                Duty::CarryOut(..) | Duty::LeaveAgain => self.govern(env, batch, act).map(drop),
                _ => self.act(env, batch, &[act]).map(drop),
            });
            // What cannot be written now is written at the next look.
            if done.is_none_or(|done| done.is_err()) {
                self.duties.not_before = env.now.plus(AGAIN_MS).0;
            }
        }
    }

    /// A tally of all that is here.
    fn count(&self, of: &OperationId) -> Option<Act> {
        let order: Vec<usize> = (0..self.charter.held().len()).collect();
        let votes = Votes::of(&self.charter, &order);
        votes.count(&self.charter, self.charter.place(of)?).map(Act::Tally)
    }
}
