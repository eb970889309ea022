//! Votes at work (R-12, D-27): asked for and cast by people, and how they stand. Nodes do the rest ([`super::duties`]).

use super::Circle;
use super::charter::{Act, CosignBody};
use super::roster::Right;
use super::votes::{BallotBody, HostLostBody, MAX_TEXT, ProposalBody, What};
use crate::batch::Batch;
use crate::boundary::{
    ActView, Asked, BallotView, DAY_MS, Env, NewVote, Timestamp, VoteState, VoteView,
};
use crate::error::CommandError;
use crate::identity::{MemberId, OperationId};
use crate::template::{Template, VoteRule};
use crate::threshold::{Of, Pass, Share, Threshold};

/// How long after its time a vote is counted at all (D-27: then it is asked again).
pub(super) const LAPSE_MS: u64 = 7 * DAY_MS;
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

impl Circle {
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
}
