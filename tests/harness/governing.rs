//! What people do to their circle: a second host, removals, leaving, a refresh.

use std::collections::BTreeSet;

use hearthlight_protocol::boundary::{Answer, Asked, Command, NewVote, VoteView};
use hearthlight_protocol::error::CommandError;
use hearthlight_protocol::identity::{MemberId, OperationId};
use hearthlight_protocol::threshold::YES;

use crate::people::Wish;
use crate::world::{Happening, World};
use crate::{ANNA, BEN, HostId};

/// Members below whom nobody is removed, and nobody leaves.
const FEW: usize = 4;

/// Within so long everybody votes who does.
const VOTE_MS: u64 = 60_000;

/// Something that changes who belongs, or the circle's secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Govern {
    /// To make this member a host too.
    Host(HostId),
    /// To end this one's membership.
    Remove(HostId),
    /// To end one's own.
    Leave,
    /// A new card, epoch and board at once.
    Refresh,
    /// To ask the circle whether this member goes.
    Ask(HostId),
    /// To vote for it.
    Cast(OperationId),
}

impl World {
    /// Somebody does this to the circle, at once or when the computer is back.
    pub fn govern(&mut self, by: HostId, what: Govern) {
        match what {
            Govern::Remove(who) => drop(self.leaving.insert(who)),
            Govern::Leave => drop(self.leaving.insert(by)),
            Govern::Ask(who) => drop(self.leaving.insert(who)),
            Govern::Host(_) | Govern::Refresh | Govern::Cast(_) => {}
        }
        self.wish(by, Wish::Govern(what));
    }

    /// Ben becomes a host too, so that both halves of a circle can have one.
    ///
    /// # Errors
    /// Why he does not.
    pub fn second_host(&mut self) -> Result<(), String> {
        let command = self.govern_command(&Govern::Host(BEN)).ok_or("Ben is not known")?;
        match self.try_command(ANNA, command) {
            Some(Ok(Answer::Governed(_))) => {
                self.stewards.insert(BEN);
                self.run_for(30_000);
                Ok(())
            }
            other => Err(format!("Ben does not become a host: {other:?}")),
        }
    }

    /// A host removes somebody who is no host.
    pub(crate) fn remove_somebody(&mut self) {
        let hosts: Vec<HostId> = self.stewards.iter().copied().collect();
        if let (Some(host), Some(who)) = (self.chance.one_of(&hosts), self.somebody()) {
            self.leaving.insert(who);
            self.wish(host, Wish::Govern(Govern::Remove(who)));
        }
    }

    /// Somebody who is no host leaves.
    pub(crate) fn somebody_leaves(&mut self) {
        if let Some(who) = self.somebody() {
            self.leaving.insert(who);
            self.wish(who, Wish::Govern(Govern::Leave));
        }
    }

    /// Somebody fears for the keys.
    pub(crate) fn somebody_refreshes(&mut self) {
        let may: Vec<HostId> = self.inside.difference(&self.leaving).copied().collect();
        if let Some(who) = self.chance.one_of(&may) {
            self.wish(who, Wish::Govern(Govern::Refresh));
        }
    }

    /// Somebody asks the circle whether somebody goes who is no host. Whether it is decided is the weather's matter.
    pub(crate) fn somebody_asks(&mut self) {
        let Some(who) = self.somebody() else { return };
        let may: Vec<HostId> =
            self.inside.difference(&self.leaving).copied().filter(|host| *host != who).collect();
        if let Some(by) = self.chance.one_of(&may) {
            self.leaving.insert(who);
            self.wish(by, Wish::Govern(Govern::Ask(who)));
        }
    }

    /// Everybody votes, each when it suits.
    fn all_vote(&mut self, vote: &VoteView) {
        let about = vote.about.as_ref().and_then(|(who, _)| self.oracle.members.get(who)).copied();
        let voters: Vec<HostId> =
            self.inside.iter().copied().filter(|host| Some(*host) != about).collect();
        for host in voters {
            let at = self.now.plus(self.chance.below(VOTE_MS));
            self.queue.plan(at, Happening::Wish(host, Wish::Govern(Govern::Cast(vote.id))));
        }
    }

    fn somebody(&mut self) -> Option<HostId> {
        let here = self.inside.difference(&self.leaving);
        let may: Vec<HostId> = here.copied().filter(|h| !self.stewards.contains(h)).collect();
        let few = may.len() + self.stewards.len() <= FEW;
        if few { None } else { self.chance.one_of(&may) }
    }

    pub(crate) fn govern_command(&self, what: &Govern) -> Option<Command> {
        let circle = self.circle?;
        Some(match what {
            Govern::Host(who) => {
                let (who, role) = (self.member_of(*who)?, "host".into());
                Command::Role { circle, who, role, grant: true, end: None }
            }
            Govern::Remove(who) => {
                Command::Remove { circle, who: self.member_of(*who)?, reason: None }
            }
            Govern::Leave => Command::Leave { circle, end: false },
            Govern::Refresh => Command::Refresh { circle },
            Govern::Ask(who) => {
                let asked = Asked::Remove { who: self.member_of(*who)? };
                let text = "whether somebody goes".into();
                let vote = NewVote { text, closes_s: 86_400, pass: None, asked };
                Command::VoteNew { circle, vote }
            }
            Govern::Cast(proposal) => {
                Command::VoteCast { circle, proposal: *proposal, choice: YES }
            }
        })
    }

    pub(crate) fn governed(
        &mut self,
        host: HostId,
        what: Govern,
        answer: &Result<Answer, CommandError>,
    ) {
        let outside = self.may_be_outside(host);
        if let (Govern::Ask(_), Ok(Answer::Votes(votes))) = (what, answer) {
            votes.iter().for_each(|vote| self.all_vote(vote));
            return;
        }
        match (what, answer) {
            (Govern::Cast(_), Ok(Answer::Votes(_)))
            // Decided already, not heard of on this side of a cut, or asked before one was let in.
            | (
                Govern::Cast(_),
                Err(CommandError::VoteClosed | CommandError::NotAllowed),
            ) => {}
            // Asked for again a while, as people do; it may have fallen with who asked.
            (Govern::Cast(_), Err(CommandError::UnknownVote)) => {
                if self.chance.happens(0.9) {
                    let at = self.now.plus(VOTE_MS / 12);
                    self.queue.plan(at, Happening::Wish(host, Wish::Govern(what)));
                }
            }
            (Govern::Remove(who), Ok(Answer::Governed(_))) => {
                self.gone.insert(who);
            }
            (Govern::Leave, Ok(Answer::Governed(_))) => {
                self.gone.insert(host);
            }
            (Govern::Host(_), Ok(Answer::Governed(_)))
            | (Govern::Refresh, Ok(Answer::Circle(_)))
            // Gone already, or not heard of on this side of a cut.
            | (Govern::Remove(_) | Govern::Ask(_), Err(CommandError::UnknownMember)) => {}
            (Govern::Leave | Govern::Refresh | Govern::Ask(_) | Govern::Cast(_), Err(CommandError::NotAMember)) if outside => {}
            _ => {
                let what = format!("host {host}: {what:?} is answered {answer:?}");
                self.oracle.broke("P1", what);
            }
        }
    }

    /// Whether this host may have lost its membership: it left, was removed, or was let in by an open
    /// invite, perhaps by somebody who was removed.
    pub(crate) fn may_be_outside(&self, host: HostId) -> bool {
        self.leaving.contains(&host) || self.opened.contains(&host) && !self.leaving.is_empty()
    }

    pub(crate) fn member_of(&self, host: HostId) -> Option<MemberId> {
        let mut members = self.oracle.members.iter();
        members.find(|(_, of)| **of == host).map(|(member, _)| *member)
    }

    /// Who belongs, as the founder's node has it in the end.
    pub(crate) fn belonging(&mut self) -> BTreeSet<HostId> {
        if self.leaving.is_empty() {
            return self.inside.clone();
        }
        let mut roster = self.roster(ANNA);
        roster.extend(self.member_of(ANNA));
        let members = &self.oracle.members;
        let hosts = roster.iter().filter_map(|member| members.get(member)).copied();
        hosts.filter(|host| self.inside.contains(host)).collect()
    }

    /// Of these, who is not hostile.
    pub(crate) fn honest(&mut self) -> BTreeSet<HostId> {
        let belonging = self.belonging();
        belonging.difference(&self.forged.by).copied().collect()
    }

    /// Whose membership is not as it was wished for, in words.
    pub(crate) fn misjudged(&self, belonging: &BTreeSet<HostId>) -> Option<String> {
        if let Some(host) = self.gone.intersection(belonging).next() {
            return Some(format!("host {host} still belongs"));
        }
        let mut inside = self.inside.iter();
        let outside = inside.find(|host| !belonging.contains(host) && !self.may_be_outside(**host));
        outside.map(|host| format!("host {host} belongs no more, and nobody wished for that"))
    }
}
