//! What a vote has to be to count, and what it gives the right to (R-12, R-13, D-27).
//!
//! An act that names a tally as its source does what the vote decided, whoever writes it, if the tally and
//! enough acknowledgements of it stand before the act. Only what the act has seen is looked at: what somebody
//! acknowledges later, with whatever date, undoes no decision that was acted on.

use std::collections::{BTreeMap, BTreeSet};

use super::super::charter::{Act, CircleBody};
use super::super::votes::{HostLostBody, Lost, ProposalBody, What};
use super::{Fold, listed};
use crate::identity::{MemberId, OperationId};
use crate::planted::{Planted, is_planted};
use crate::template::Template;
use crate::threshold::Verdict;

/// Electors below whom nothing is decided: one alone removes nobody.
const FEWEST: usize = 2;

impl Fold<'_> {
    /// Whether a proposal may be voted on: its thresholds are no lower than the template's, and nobody is left out
    /// of the electorate, or in it, whose place is elsewhere.
    pub(super) fn is_lawful(&self, place: usize, body: &ProposalBody) -> bool {
        if self.votes.proposal_of(place) != Some(place) {
            return false;
        }
        let Some(threshold) = body.threshold() else { return false };
        let circle = self.newest_circle(|at| self.is_before(at, place));
        let template = Template::of(circle.map(|circle| circle.template.as_str()));
        let least = match body.what {
            What::Remove => Some(template.remove),
            What::Elect => Some(template.elect),
            What::Rule | What::Template => Some(template.rule),
            What::Ordinary | What::Format | What::Admit => None,
        };
        let enough = least.is_none_or(|least| {
            threshold.is_at_least(&least.threshold) && body.settle_h >= least.settle_h
        });
        let expected = match &body.lost {
            None => self.electorate(place, body),
            Some(lost) => match self.lost_before(lost, place) {
                Some(at) => self.those_who_count(at),
                None => return false,
            },
        };
        let few = expected.len() < FEWEST && body.lost.is_none() && least.is_some();
        enough && says_what(body) && !few && self.is_electorate(place, body, &expected)
    }

    /// Everybody who should be in it is, and no other member.
    fn is_electorate(
        &self,
        place: usize,
        body: &ProposalBody,
        expected: &BTreeSet<MemberId>,
    ) -> bool {
        is_planted(Planted::ElectorateUnchecked)
            || expected.iter().all(|who| body.elects(who))
                && body.electorate.iter().all(|who| {
                    expected.contains(who)
                        || !self.belongs(*who, place)
                            && (body.what != What::Remove || body.about != Some(*who))
                })
    }

    /// All members but whom a removal is about.
    fn electorate(&self, place: usize, body: &ProposalBody) -> BTreeSet<MemberId> {
        let subject = body.about.filter(|_| body.what == What::Remove);
        let ever = self.subjects.let_in.keys().copied();
        ever.filter(|who| Some(*who) != subject && self.belongs(*who, place)).collect()
    }

    /// Whether the paper at `place` belongs to a vote that counts there.
    pub(super) fn is_paper(&self, place: usize) -> bool {
        self.votes.proposal_of(place).is_some_and(|at| self.is_before(at, place))
    }

    /// Whether the vote that an act names as its source decided on it, by what stands before the act. Nothing
    /// that was done about the same since the proposal is undone by it: a vote is used once.
    pub(super) fn is_voted(&self, place: usize) -> bool {
        self.is_voted_by(place, &|at| self.is_before(at, place))
    }

    fn is_voted_by(&self, place: usize, counts: &dyn Fn(usize) -> bool) -> bool {
        let Some((tally, at)) = self.source(place) else { return false };
        let held = self.charter.held();
        let Act::Proposal(body) = &held[at].act else { return false };
        let seen = |before: usize| held[at].saw(before) || is_planted(Planted::VoteUsedTwice);
        let is_new = |places: &mut dyn Iterator<Item = usize>| {
            places.filter(|by| self.is_before(*by, place)).all(seen)
        };
        let let_in = |who: &MemberId| {
            self.admissions(*who, |by| self.is_before(by, place)).into_iter().any(seen)
        };
        let fits = match &held[place].act {
            Act::Removal(act) => {
                body.what == What::Remove && body.about == Some(act.who) && let_in(&act.who)
            }
            Act::Role(act) => {
                let mut others = listed(&self.subjects.roles, &act.to).filter(
                    |by| matches!(&held[*by].act, Act::Role(other) if other.role == act.role),
                );
                body.what == What::Elect
                    && body.about == Some(act.to)
                    && body.role.as_ref() == Some(&act.role)
                    && body.end == act.end
                    && let_in(&act.to)
                    && is_new(&mut others)
            }
            Act::Circle(act) => {
                let all = |by: &usize| matches!(held[*by].act, Act::Circle(_));
                let last = self.newest_circle(|by| self.is_before(by, place));
                matches!(body.what, What::Rule | What::Template)
                    && body.name.as_ref() == Some(&act.name)
                    && body.template.as_ref() == Some(&act.template)
                    && act.rev == last.map_or(0, |last| last.rev).saturating_add(1)
                    && is_new(&mut self.inside().filter(all))
            }
            _ => false,
        };
        let lost = body.lost.and_then(|lost| self.charter.place(&lost));
        let stays = |lost| self.stay_lost(lost, &|by| self.is_before(by, place));
        let heard = body.lost.is_none() || lost.is_some_and(stays);
        let verdict = self.votes.decided(self.charter, at, counts);
        fits && heard && counts(tally) && verdict == Some(Verdict::Carried)
    }

    /// The tally that an act names as its source and has seen, and its proposal.
    pub(super) fn source(&self, place: usize) -> Option<(usize, usize)> {
        let held = self.charter.held();
        let named = held[place].act.source();
        let tally = named.and_then(|named| self.charter.place(&named));
        let tally = tally.filter(|tally| held[place].saw(*tally))?;
        matches!(held[tally].act, Act::Tally(_)).then_some(())?;
        Some((tally, self.votes.proposal_of(tally)?))
    }

    /// What an act that a vote decided rests on: ballots, tallies and acknowledgements that it has seen.
    pub(super) fn papers_of(&self, place: usize) -> BTreeSet<usize> {
        let seen = |at: &usize| self.charter.held()[place].saw(*at);
        let source = self.source(place).into_iter();
        source.flat_map(|(_, at)| self.votes.papers(at)).filter(seen).collect()
    }

    /// Whether a vote would have decided the same without those whose right to vote another removal takes, of
    /// several that lean against one another. What whoever is removed gave out with an old date decides nothing.
    pub(super) fn is_voted_without(&self, place: usize, open: &[usize]) -> bool {
        let papers = self.papers_of(place);
        let doubtful: BTreeSet<usize> = papers
            .iter()
            .copied()
            .filter(|paper| {
                let author = self.charter.held()[*paper].operation.author;
                let rights = self.admissions(author, |at| self.is_before(at, *paper));
                rights.into_iter().any(|right| {
                    let mut others = open.iter().filter(|other| **other != place);
                    others.any(|other| self.leans_against(right, *other))
                })
            })
            .collect();
        let counts = |at: usize| self.is_before(at, place) && !doubtful.contains(&at);
        self.is_voted_by(place, &counts)
    }

    /// Of those who say so the newest word on name and template.
    fn newest_circle(&self, counts: impl Fn(usize) -> bool) -> Option<&CircleBody> {
        let places = self.inside().filter(|at| counts(*at));
        let words = places.filter_map(|at| match &self.charter.held()[at].act {
            Act::Circle(body) => Some((body.rev, at, body)),
            _ => None,
        });
        let most: Vec<_> = words.collect();
        let rev = most.iter().map(|(rev, ..)| *rev).max()?;
        let last: Vec<usize> =
            most.iter().filter(|word| word.0 == rev).map(|(_, at, _)| *at).collect();
        let at = self.decides(&last)?;
        most.iter().find(|word| word.1 == at).map(|(.., body)| *body)
    }

    // ---- hosts who are lost ----

    /// Whether a word that the hosts are lost names all hosts, and waits as long as the template says.
    pub(super) fn names_all_hosts(&self, place: usize, body: &HostLostBody) -> bool {
        let circle = self.newest_circle(|at| self.is_before(at, place));
        let template = Template::of(circle.map(|circle| circle.template.as_str()));
        let ever = self.subjects.let_in.keys().copied();
        let hosts: Vec<MemberId> = ever.filter(|who| self.hosts(*who, place)).collect();
        hosts == body.who
            && body.days >= template.lost_host_days
            && !hosts.contains(&self.charter.held()[place].operation.author)
    }

    /// The word that the hosts are lost, if more than half of those who count back it before `place`.
    fn lost_before(&self, lost: &OperationId, place: usize) -> Option<usize> {
        let at = self.charter.place(lost).filter(|at| self.is_before(*at, place))?;
        let said = self.said_lost(at, &|by| self.is_before(by, place))?;
        said.is_backed().then_some(at)
    }

    /// What a word that the hosts are lost comes to, by what counts; `None` if one of them was there since.
    fn said_lost(&self, at: usize, counts: &dyn Fn(usize) -> bool) -> Option<Lost> {
        let held = self.charter.held();
        let Act::HostLost(body) = &held[at].act else { return None };
        let backs = |by: &usize| {
            counts(*by)
                && held[*by].saw(at)
                && matches!(&held[*by].act, Act::Cosign(body) if body.of == held[at].id)
        };
        let mut by: BTreeSet<MemberId> =
            self.inside().filter(backs).map(|by| held[by].operation.author).collect();
        by.insert(held[at].operation.author);
        let lost = Lost { who: body.who.clone(), those: self.those_who_count(at), by };
        self.stay_lost(at, counts).then_some(lost)
    }

    /// The last word of each member that the hosts are lost, as long as it holds: one, so that nobody has all
    /// reckon with thousands.
    pub(super) fn lost_hosts(&self) -> BTreeMap<OperationId, Lost> {
        let held = self.charter.held();
        let all = self.inside().filter(|at| self.counts(*at));
        let words = all.filter(|at| matches!(held[*at].act, Act::HostLost(_)));
        let last: BTreeMap<MemberId, usize> =
            words.map(|at| (held[at].operation.author, at)).collect();
        let lost = last
            .into_values()
            .filter_map(|at| Some((held[at].id, self.said_lost(at, &|by| self.counts(by))?)));
        lost.collect()
    }

    /// Whether none of the hosts named did anything that saw it, of what counts.
    fn stay_lost(&self, at: usize, counts: &dyn Fn(usize) -> bool) -> bool {
        let held = self.charter.held();
        let Act::HostLost(body) = &held[at].act else { return false };
        let here = |by: usize| {
            counts(by) && held[by].saw(at) && body.who.contains(&held[by].operation.author)
        };
        !self.inside().any(here) || is_planted(Planted::HostStaysLost)
    }

    /// Whether there is anything by which somebody could be a host: to be told before all is looked at.
    fn was_ever_given_a_role(&self, who: MemberId) -> bool {
        let founded = listed(&self.subjects.let_in, &who)
            .any(|at| matches!(self.charter.held()[at].act, Act::Found(_)));
        founded || self.subjects.roles.contains_key(&who)
    }

    /// Who was in before a host did something last: whoever was let in since takes nothing over.
    fn those_who_count(&self, lost: usize) -> BTreeSet<MemberId> {
        let held = self.charter.held();
        let Act::HostLost(body) = &held[lost].act else { return BTreeSet::new() };
        let by_hosts: Vec<usize> = self
            .before(lost)
            .filter(|at| {
                matches!(held[*at].act, Act::Found(_))
                    || self.was_ever_given_a_role(held[*at].operation.author)
                        && self.hosts(held[*at].operation.author, *at)
            })
            .collect();
        let known = |at: usize| by_hosts.iter().any(|by| *by == at || held[*by].saw(at));
        let ever = self.subjects.let_in.keys().copied();
        ever.filter(|who| !body.who.contains(who))
            .filter(|who| {
                let admissions = self.admissions(*who, |at| self.is_before(at, lost));
                admissions.into_iter().any(|at| known(at) || is_planted(Planted::NewcomersCount))
            })
            .collect()
    }
}

/// Whether it is said whom or what a proposal is about.
fn says_what(body: &ProposalBody) -> bool {
    let host = body.role.as_deref() == Some("host");
    match body.what {
        What::Ordinary | What::Format | What::Admit => body.lost.is_none(),
        What::Remove => body.about.is_some() && body.lost.is_none(),
        What::Elect => body.about.is_some() && body.role.is_some() && (host || body.lost.is_none()),
        What::Rule | What::Template => {
            body.name.is_some() && body.template.is_some() && body.lost.is_none()
        }
    }
}
