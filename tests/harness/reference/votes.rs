//! What votes come to, reckoned a second time: from the text of and D-27, as plain sets.

use std::collections::{BTreeMap, BTreeSet};

use hearthlight_protocol::circle::charter::Act;
use hearthlight_protocol::circle::votes::{ProposalBody, What};
use hearthlight_protocol::identity::{MemberId, OperationId};
use hearthlight_protocol::template::Template;
use hearthlight_protocol::threshold::Verdict;

use super::charter::{Charters, Reckoning, View};

impl Charters {
    fn proposal(&self, id: &OperationId) -> Option<&ProposalBody> {
        match &self.all.get(id)?.act {
            Act::Proposal(body) => Some(body),
            _ => None,
        }
    }

    /// The proposal that a ballot, tally or acknowledgement is on, where its author is an elector and has seen it.
    fn voted_on(&self, id: &OperationId) -> Option<OperationId> {
        let said = &self.all[id];
        let of = match &said.act {
            Act::Ballot(body) => body.proposal,
            Act::Tally(body) => body.proposal,
            Act::TallyAck(body) if said.past.contains(&body.tally) => {
                let Act::Tally(tally) = &self.all[&body.tally].act else { return None };
                tally.proposal
            }
            _ => return None,
        };
        let may = self.proposal(&of)?.electorate.contains(&said.author);
        (may && said.past.contains(&of)).then_some(of)
    }

    /// The last ballot of each elector among these.
    fn last_ballots(&self, of: &OperationId, among: &View) -> BTreeMap<MemberId, OperationId> {
        let is_ballot = |id: &&OperationId| {
            let said = &self.all[id];
            let acked = said.past.iter().any(|before| {
                matches!(self.all[before].act, Act::TallyAck(_))
                    && self.all[before].author == said.author
                    && self.voted_on(before) == Some(*of)
            });
            matches!(said.act, Act::Ballot(_)) && self.voted_on(id) == Some(*of) && !acked
        };
        let ballots: Vec<OperationId> = among.iter().filter(is_ballot).copied().collect();
        let rivals = |id: &OperationId| {
            let own = ballots.iter().filter(|other| self.all[*other].author == self.all[id].author);
            own.filter(|other| *other != id).any(|other| !self.all[id].past.contains(other))
        };
        let last = ballots.iter().filter(|id| !rivals(id));
        last.map(|id| (self.all[id].author, *id)).collect()
    }

    fn verdict(
        &self,
        of: &OperationId,
        ballots: &BTreeMap<MemberId, OperationId>,
    ) -> Option<Verdict> {
        let body = self.proposal(of)?;
        let choices: Vec<u8> = ballots
            .values()
            .filter_map(|id| match &self.all[id].act {
                Act::Ballot(ballot) => Some(ballot.choice),
                _ => None,
            })
            .collect();
        Some(body.threshold()?.verdict(&choices, body.electorate.len()))
    }

    /// Whether a tally names all ballots that it has seen, and what they come to.
    fn is_in_order(&self, tally: &OperationId) -> bool {
        let Act::Tally(body) = &self.all[tally].act else { return false };
        let last = self.last_ballots(&body.proposal, &self.all[tally].past);
        let ids: BTreeSet<OperationId> = last.values().copied().collect();
        self.voted_on(tally).is_some()
            && ids.into_iter().collect::<Vec<_>>() == body.ballots
            && self.verdict(&body.proposal, &last) == Some(body.result)
    }

    fn source(&self, id: &OperationId) -> Option<OperationId> {
        match &self.all[id].act {
            Act::Removal(body) => body.source,
            Act::Role(body) => body.source,
            Act::Circle(body) => body.source,
            _ => None,
        }
    }

    /// What an act rests on that a vote decided.
    pub(super) fn papers(&self, id: &OperationId) -> View {
        let past = &self.all[id].past;
        let tally = self.source(id).filter(|tally| past.contains(tally));
        let of = tally.and_then(|tally| self.voted_on(&tally));
        let on = |paper: &&OperationId| of.is_some() && self.voted_on(paper) == of;
        past.iter().filter(on).copied().chain(of).collect()
    }
}

impl Reckoning<'_> {
    /// Whether a proposal asks for enough, of everybody whom it concerns.
    pub(super) fn may_be_asked(
        &self,
        id: &OperationId,
        body: &ProposalBody,
        before: &View,
    ) -> bool {
        let template = Template::of(self.template(before).as_deref());
        let least = match body.what {
            What::Remove => Some(template.remove),
            What::Elect => Some(template.elect),
            What::Rule | What::Template => Some(template.rule),
            What::Ordinary | What::Format | What::Admit => None,
        };
        let Some(threshold) = body.threshold() else { return false };
        let enough = least.is_none_or(|least| {
            threshold.is_at_least(&least.threshold) && body.settle_h >= least.settle_h
        });
        let subject = body.about.filter(|_| body.what == What::Remove);
        let members: BTreeSet<MemberId> = self
            .charters
            .ever(before)
            .into_iter()
            .filter(|who| self.belongs(who, before))
            .collect();
        let named: BTreeSet<MemberId> = body.electorate.iter().copied().collect();
        let electorate = match &body.lost {
            None => members.iter().copied().filter(|who| Some(*who) != subject).collect(),
            Some(lost) if body.role.as_deref() == Some("host") => {
                match self.those_who_said_so(lost, before) {
                    Some(those) => those,
                    None => return false,
                }
            }
            Some(_) => return false,
        };
        let strangers = named.difference(&electorate);
        let whole = electorate.is_subset(&named)
            && strangers.into_iter().all(|who| !members.contains(who) && Some(*who) != subject);
        let alone = least.is_some() && body.lost.is_none() && electorate.len() < 2;
        // What nobody builds is not forged either: secret ballots and the like.
        enough && whole && !alone && body.electorate.len() == named.len() && self.said(id).signed
    }

    pub(super) fn is_paper(&self, id: &OperationId, before: &View) -> bool {
        let charters = self.charters;
        let right = match &self.said(id).act {
            Act::Tally(_) => charters.is_in_order(id),
            Act::TallyAck(body) => charters.is_in_order(&body.tally),
            _ => !charters.last_ballots_of(id).is_empty(),
        };
        right && charters.voted_on(id).is_some_and(|of| before.contains(&of))
    }

    /// Whether the vote that an act names was carried by what came before it, and is not used up.
    pub(super) fn is_voted(&self, id: &OperationId, before: &View) -> bool {
        let charters = self.charters;
        let Some(tally) = charters.source(id).filter(|tally| before.contains(tally)) else {
            return false;
        };
        let Some(of) = charters.voted_on(&tally).filter(|of| before.contains(of)) else {
            return false;
        };
        let Some(body) = charters.proposal(&of) else { return false };
        let asked_after = |other: &OperationId| self.said(&of).past.contains(other);
        let known = |who: &MemberId| {
            let removals: Vec<&OperationId> =
                before.iter().filter(|id| charters.removes(id) == Some(*who)).collect();
            before.iter().any(|id| {
                self.said(id).lets_in() == Some(*who)
                    && asked_after(id)
                    && removals.iter().all(|removal| self.said(id).past.contains(*removal))
            })
        };
        let meant = match &self.said(id).act {
            Act::Removal(act) => {
                body.what == What::Remove && body.about == Some(act.who) && known(&act.who)
            }
            Act::Role(act) => {
                let mut others = before.iter().filter(|other| {
                    matches!(&self.said(other).act, Act::Role(other)
                        if other.to == act.to && other.role == act.role)
                });
                body.what == What::Elect
                    && body.about == Some(act.to)
                    && body.role.as_deref() == Some(&act.role)
                    && body.end == act.end
                    && known(&act.to)
                    && others.all(asked_after)
            }
            // Name and template are nobody's membership; the thresholds are the same in all that storms use.
            _ => true,
        };
        let stays = body.lost.is_none_or(|lost| self.stays_lost(&lost, before));
        meant && stays && self.carried(&of, before) == Some(Verdict::Carried)
    }

    fn carried(&self, of: &OperationId, before: &View) -> Option<Verdict> {
        let charters = self.charters;
        let half = charters.proposal(of)?.electorate.len() / 2;
        let mut ballots = View::new();
        let mut is_final = false;
        for tally in before.iter().filter(|id| matches!(self.said(id).act, Act::Tally(_))) {
            let Act::Tally(body) = &self.said(tally).act else { continue };
            let acks = before.iter().filter(
                |id| matches!(&self.said(id).act, Act::TallyAck(ack) if ack.tally == *tally),
            );
            let by: BTreeSet<MemberId> = acks.map(|id| self.said(id).author).collect();
            if body.proposal == *of && by.len() > half {
                is_final = true;
                ballots.extend(body.ballots.iter().filter(|id| before.contains(*id)));
            }
        }
        let last = charters.last_ballots(of, &ballots);
        is_final.then(|| charters.verdict(of, &last)).flatten()
    }

    fn template(&self, before: &View) -> Option<String> {
        let words = before.iter().filter_map(|id| match &self.said(id).act {
            Act::Circle(body) => Some((body.rev, self.said(id).depth, body.template.clone())),
            _ => None,
        });
        words.max().map(|(.., template)| template)
    }

    pub(super) fn names_all_hosts(&self, id: &OperationId, before: &View) -> bool {
        let Act::HostLost(body) = &self.said(id).act else { return false };
        let template = Template::of(self.template(before).as_deref());
        let ever = self.charters.ever(before).into_iter();
        let hosts: Vec<MemberId> = ever.filter(|who| self.has(who, "host", before)).collect();
        hosts == body.who
            && body.days >= template.lost_host_days
            && !hosts.contains(&self.said(id).author)
    }

    fn stays_lost(&self, lost: &OperationId, before: &View) -> bool {
        let Act::HostLost(body) = &self.said(lost).act else { return false };
        !before
            .iter()
            .map(|id| self.said(id))
            .any(|said| body.who.contains(&said.author) && said.past.contains(lost))
    }

    /// those who count, if more than half of them say that the hosts are lost.
    fn those_who_said_so(&self, lost: &OperationId, before: &View) -> Option<BTreeSet<MemberId>> {
        let Act::HostLost(body) = &self.said(before.get(lost)?).act else { return None };
        let then = self.before(lost);
        let by_host = |id: &&OperationId| {
            let said = self.said(id);
            matches!(said.act, Act::Found(_)) || self.has(&said.author, "host", &self.before(id))
        };
        let mut known: View = then.iter().filter(by_host).copied().collect();
        for id in known.clone() {
            known.extend(&self.said(&id).past);
        }
        let removals = |who: &MemberId| -> Vec<&OperationId> {
            then.iter().filter(|id| self.charters.removes(id) == Some(*who)).collect()
        };
        let those: BTreeSet<MemberId> = then
            .iter()
            .filter(|id| known.contains(*id))
            .filter_map(|id| Some((id, self.said(id).lets_in()?)))
            .filter(|(id, who)| {
                removals(who).iter().all(|removal| self.said(id).past.contains(*removal))
            })
            .map(|(_, who)| who)
            .filter(|who| !body.who.contains(who))
            .collect();
        let cosigns = before.iter().map(|id| self.said(id)).filter(|said| {
            matches!(&said.act, Act::Cosign(cosign) if cosign.of == *lost)
                && said.past.contains(lost)
        });
        let by: BTreeSet<MemberId> =
            cosigns.map(|said| said.author).chain([self.said(lost).author]).collect();
        let enough = by.intersection(&those).count() * 2 > those.len();
        (enough && self.stays_lost(lost, before)).then_some(those)
    }
}

impl Charters {
    /// Whether a ballot came before its author said which count is the one.
    fn last_ballots_of(&self, id: &OperationId) -> BTreeMap<MemberId, OperationId> {
        match self.voted_on(id) {
            Some(of) => self.last_ballots(&of, &View::from([*id])),
            None => BTreeMap::new(),
        }
    }
}
