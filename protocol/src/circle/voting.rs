//! Votes at work (R-12, R-13, D-27): asked for and cast by people; counted, acknowledged and carried out by nodes.
//!
//! A vote is counted once all have cast, or its time and the time to settle are over by this node's clock. The
//! proposer's node counts first, then each next elector's, a minute later each, older members before younger. A node
//! acknowledges one tally of a proposal, and only one that has its own member's ballot. What was carried is written by
//! the same nodes in the same order, so that whoever is there does it.

use std::collections::BTreeMap;

use super::Circle;
use super::charter::{Act, CircleBody, CosignBody, RemovalBody, RoleBody};
use super::governing::leaving;
use super::roster::Right;
use super::votes::{
    BallotBody, HostLostBody, MAX_TEXT, ProposalBody, TallyAckBody, Vote, Votes, What,
};
use crate::batch::Batch;
use crate::boundary::{
    ActView, Asked, BallotView, DAY_MS, Env, NewVote, Timestamp, VoteState, VoteView,
};
use crate::error::CommandError;
use crate::identity::{MemberId, OperationId};
use crate::planted::{Planted, is_planted};
use crate::template::{Template, VoteRule};
use crate::threshold::{Of, Pass, Share, Threshold, Verdict};

/// How much later the next elector's node does what is to be done (D-27).
const NEXT_MS: u64 = 60_000;
/// How long after its time a vote is counted at all (D-27: then it is asked again).
const LAPSE_MS: u64 = 7 * DAY_MS;
/// When is tried again what could not be written; a guess.
const AGAIN_MS: u64 = 10_000;
/// How soon and how late a vote may close; guesses.
const CLOSES_S: std::ops::RangeInclusive<u64> = 60..=30 * 86_400;
/// What a word of the circle needs that nothing follows from, as most templates have it (design 3.3).
const ORDINARY: VoteRule = VoteRule {
    threshold: Threshold {
        pass: Pass::MoreThan(Share::new(1, 2)),
        of: Of::Cast,
        quorum: Share::new(1, 3),
    },
    settle_h: 0,
};

/// What this node has to do for votes, and when.
#[derive(Debug, Default)]
pub(super) struct Voting {
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
    // ---- what people do ----

    /// Asks the circle. Who may vote is frozen here.
    pub(crate) fn propose(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        vote: NewVote,
    ) -> Result<VoteView, CommandError> {
        if vote.text.trim().is_empty() {
            return Err(CommandError::NoText);
        }
        if vote.text.len() > MAX_TEXT {
            return Err(CommandError::TooLarge { limit: MAX_TEXT });
        }
        if !CLOSES_S.contains(&vote.closes_s) {
            return Err(CommandError::OutOfRange);
        }
        let body = self.proposal(env.now, vote)?;
        let id = *self
            .act(env, batch, &[Act::Proposal(Box::new(body))])?
            .first()
            .expect("one for each act");
        self.settle(env, batch);
        self.vote(env.now, &id).ok_or(CommandError::NotAllowed)
    }

    fn proposal(&self, now: Timestamp, vote: NewVote) -> Result<ProposalBody, CommandError> {
        let circle = self.roster.circle.as_ref();
        let template = Template::of(circle.map(|circle| circle.template.as_str()));
        let mut electorate = self.roster.ids();
        let closes = now.plus(vote.closes_s * 1_000).0;
        let asked = (What::Ordinary, vote.text);
        let mut body = ProposalBody::new(asked, Vec::new(), &ORDINARY.threshold, (closes, 0));
        let rule = match vote.asked {
            Asked::Ordinary => ORDINARY,
            Asked::Remove { who } => {
                self.roster.members.get(&who).ok_or(CommandError::UnknownMember)?;
                electorate.retain(|elector| *elector != who);
                (body.what, body.about) = (What::Remove, Some(who));
                template.remove
            }
            Asked::Elect { who, role, end } => {
                if !super::governing::ROLES.contains(&role.as_str()) {
                    return Err(CommandError::UnknownRole);
                }
                self.roster.members.get(&who).ok_or(CommandError::UnknownMember)?;
                if role == "host"
                    && let Some((lost, those)) = self.hosts_said_lost()
                {
                    (body.lost, electorate) = (Some(lost), those);
                }
                (body.what, body.about) = (What::Elect, Some(who));
                (body.role, body.end) = (Some(role), end.map(|end| end.0));
                template.elect
            }
            Asked::Rename { name } => {
                if !crate::is_name(&name) {
                    return Err(CommandError::BadName);
                }
                body.what = What::Rule;
                body.name = Some(name);
                body.template = Some(circle.map(|c| c.template.clone()).unwrap_or_default());
                template.rule
            }
        };
        let least = rule.threshold;
        let chosen = vote.pass.map_or(least, |pass| Threshold { pass, ..least });
        if !chosen.is_at_least(&least) {
            return Err(CommandError::ThresholdTooLow);
        }
        if electorate.len() < 2 && body.what != What::Ordinary && body.lost.is_none() {
            return Err(CommandError::TooFew);
        }
        (body.pass, body.of) = (chosen.pass.to_string(), chosen.of);
        (body.quorum, body.settle_h) = (chosen.quorum.to_string(), rule.settle_h);
        (body.electorate, body.made) = (electorate, Some(now.0));
        Ok(body)
    }

    /// Casts a ballot, or another one.
    pub(crate) fn cast(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        proposal: OperationId,
        choice: u8,
    ) -> Result<VoteView, CommandError> {
        let vote = self.roster.votes.get(&proposal).ok_or(CommandError::UnknownVote)?;
        if !vote.body.elects(&self.me) {
            return Err(CommandError::NotAllowed);
        }
        let acked = vote.tallies.values().any(|tally| tally.acks.contains(&self.me));
        if acked || vote.decided.is_some() || vote.body.closes <= env.now.0 {
            return Err(CommandError::VoteClosed);
        }
        self.act(env, batch, &[Act::Ballot(BallotBody { proposal, choice, why: None })])?;
        self.settle(env, batch);
        self.vote(env.now, &proposal).ok_or(CommandError::UnknownVote)
    }

    /// Says that no host was heard of for as long as the template names, or backs somebody who said so.
    pub(crate) fn say_hosts_lost(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
    ) -> Result<ActView, CommandError> {
        let circle = self.roster.circle.as_ref();
        let days = Template::of(circle.map(|circle| circle.template.as_str())).lost_host_days;
        let heard = self.record.heard.unwrap_or_else(|| env.now.day());
        if self.may(Right::Host) || env.now.day() < heard.saturating_add(days) {
            return Err(CommandError::HostsHeard);
        }
        let hosts = self.roster.members.iter().filter(|(_, person)| person.may(Right::Host));
        let who: Vec<MemberId> = hosts.map(|(who, _)| *who).collect();
        if who.is_empty() {
            return Err(CommandError::HostsHeard);
        }
        let said = self.roster.lost.iter().find(|(_, lost)| lost.who == who);
        match said {
            Some((id, lost)) if lost.by.contains(&self.me) => {
                let own = |act: &Act| match act {
                    Act::Cosign(body) => body.of == *id,
                    _ => false,
                };
                let mut held = self.charter.held().iter();
                let mine = held.find(|held| held.operation.author == self.me && own(&held.act));
                self.governed(&mine.map_or(*id, |held| held.id)).ok_or(CommandError::NotAMember)
            }
            Some((id, _)) => self.govern(env, batch, Act::Cosign(CosignBody { of: *id })),
            None => self.govern(env, batch, Act::HostLost(HostLostBody { who, heard, days })),
        }
    }

    /// The word that the hosts are lost which enough have backed, and who chooses another.
    fn hosts_said_lost(&self) -> Option<(OperationId, Vec<MemberId>)> {
        let mut lost = self.roster.lost.iter().filter(|(_, lost)| lost.is_backed());
        lost.next().map(|(id, lost)| (*id, lost.those.iter().copied().collect()))
    }

    /// A member who is host was heard of: the day of what it said counts, by its own clock and not later than now.
    pub(super) fn hear_of(&mut self, batch: &mut Batch, now: Timestamp, who: &MemberId, hour: u32) {
        let day = (hour / 24).min(now.day());
        let host = self.roster.members.get(who).is_some_and(|person| person.may(Right::Host));
        if host && *who != self.me && self.record.heard.is_none_or(|heard| heard < day) {
            self.record.heard = Some(day);
            self.save_record(batch);
        }
    }

    // ---- what is shown ----

    pub(crate) fn votes(&self, now: Timestamp) -> Vec<VoteView> {
        self.roster.votes.keys().filter_map(|id| self.vote(now, id)).collect()
    }

    fn vote(&self, now: Timestamp, id: &OperationId) -> Option<VoteView> {
        let vote = self.roster.votes.get(id)?;
        let body = &vote.body;
        let state = match vote.decided {
            Some(verdict) => VoteState::Decided(verdict),
            None if now.0 < body.closes => VoteState::Open,
            None if now.0 < body.settles().saturating_add(LAPSE_MS) => VoteState::Counting,
            None => VoteState::Lapsed,
        };
        let ballot = |who: &MemberId| {
            let (_, choice) = vote.ballots.get(who)?;
            Some(BallotView { name: self.name_of(who), who: *who, choice: *choice })
        };
        Some(VoteView {
            id: *id,
            text: body.text.clone(),
            by: (vote.author, self.name_of(&vote.author)),
            made_at: body.made.map(Timestamp),
            what: body.what,
            about: body.about.map(|who| (who, self.name_of(&who))),
            role: body.role.clone(),
            name: body.name.clone(),
            closes_at: Timestamp(body.closes),
            settles_at: Timestamp(body.settles()),
            threshold: body.threshold()?,
            electorate: body.electorate.iter().map(|who| (*who, self.name_of(who))).collect(),
            ballots: body.electorate.iter().filter_map(ballot).collect(),
            mine: vote.ballots.get(&self.me).map(|(_, choice)| *choice),
            state,
            posted: self.posted(),
        })
    }

    // ---- what nodes do by themselves ----

    /// Finds what this node has to do, whenever the charter has changed.
    pub(super) fn find_duties(&mut self) {
        let now = self.charter.now().0;
        let mut due = Vec::new();
        let (me, belongs) = (self.me, self.roster.members.contains_key(&self.me));
        let votes = std::mem::take(&mut self.roster.votes);
        for (of, vote) in votes.iter().filter(|(_, vote)| belongs && vote.body.elects(&me)) {
            due.extend(self.duty(of, vote, now));
        }
        self.voting.since.retain(|(of, _), _| votes.contains_key(of));
        self.roster.votes = votes;
        due.extend(self.shows_up().then_some((now, Duty::ShowUp)));
        due.extend(self.leaves_again().then_some((now, Duty::LeaveAgain)));
        self.voting.due = due;
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
            let since = *self.voting.since.entry((*of, true)).or_insert(now);
            return Some((since.saturating_add(turn), Duty::CarryOut(*of, *tally)));
        }
        if vote.tallies.values().any(|tally| tally.acks.contains(&self.me)) {
            return None;
        }
        let all = vote.ballots.len() == vote.body.electorate.len();
        let since =
            if all { *self.voting.since.entry((*of, false)).or_insert(now) } else { settles };
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
            let own = |at_me: &super::charter::Held| at_me.operation.author == self.me;
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

    /// When this node does something for a vote next.
    pub(super) fn next_duty(&self, able: bool) -> Option<Timestamp> {
        let due = self.voting.due.iter().filter(|_| able).map(|(at, _)| *at).min();
        due.map(|at| Timestamp(at.max(self.voting.not_before)))
    }

    /// Does what is due.
    pub(super) fn do_duties(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        if self.voting.not_before > env.now.0 {
            return;
        }
        let due = self.voting.due.iter().filter(|(at, _)| *at <= env.now.0);
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
                self.voting.not_before = env.now.plus(AGAIN_MS).0;
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
