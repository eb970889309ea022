//! Votes: proposals, ballots, tallies and what they come to (D-27).
//!
//! Nobody counts for all. An elector's node writes a *tally*, which names every ballot that it has seen; the
//! nodes of others *acknowledge* it, each one tally of a proposal. A tally that more than half of the electorate
//! acknowledged is *final*, and since each acknowledges one, two can be final only if somebody did so twice: then
//! the ballots of both are counted together. All of this is a function of the operations that are looked at: those
//! before an act, for what it may do, or all, for what is shown.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

use super::charter::{Act, Charter};
use crate::boundary::{DAY_MS, HOUR_MS};
use crate::identity::{MemberId, OperationId};
use crate::planted::{Planted, is_planted};
use crate::threshold::{ABSTAIN, ASIDE, BLOCK, NO, Of, Threshold, Verdict, YES};

use super::roster::MAX_MEMBERS;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum What {
    /// A word of the circle that nothing follows from by itself.
    #[n(0)]
    Ordinary,
    /// How the circle meets; nothing follows from it by itself.
    #[n(1)]
    Format,
    /// Another name or template.
    #[n(2)]
    Rule,
    /// A role for somebody.
    #[n(3)]
    Elect,
    /// Somebody new; nothing follows from it yet.
    #[n(4)]
    Admit,
    /// The end of a membership.
    #[n(5)]
    Remove,
    /// Another name or template.
    #[n(6)]
    Template,
}

/// Body of kind 70. What belongs to secret votes and to a minority's voice has its places and is not built: a
/// proposal that says any of it is void.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ProposalBody {
    /// What is asked for.
    #[n(2)]
    pub what: What,
    /// In the proposer's words; at most 2,000 bytes.
    #[n(3)]
    pub text: String,
    /// Options other than yes and no. Not built.
    #[n(4)]
    pub options: Option<Vec<String>>,
    /// Who may vote, ascending: frozen here.
    #[n(5)]
    pub electorate: Vec<MemberId>,
    /// How many say yes: `>n/d`, `n/d`, `consensus`; at most 12 bytes.
    #[n(6)]
    pub pass: String,
    /// Of whom.
    #[n(7)]
    pub of: Of,
    /// How many take part, `n/d`; at most 8 bytes.
    #[n(8)]
    pub quorum: String,
    /// Until when ballots are cast, ms since 1970.
    #[n(9)]
    pub closes: u64,
    /// Hours after that in which they can still come.
    #[n(10)]
    pub settle_h: u8,
    /// Whether nobody but two tellers sees the choices. Not built.
    #[n(11)]
    pub secret: Option<bool>,
    /// These tellers. Not built.
    #[n(12)]
    pub tellers: Option<Vec<MemberId>>,
    /// Whom it is about: who is removed, or given a role.
    #[n(13)]
    pub about: Option<MemberId>,
    /// A minority's words. Not built.
    #[n(14)]
    pub restate: Option<String>,
    /// Taken back. Not built.
    #[n(15)]
    pub withdrawn: Option<bool>,
    /// Which role; at most 24 bytes.
    #[n(16)]
    pub role: Option<String>,
    /// When the role's term ends, ms since 1970.
    #[n(17)]
    pub end: Option<u64>,
    /// The circle's name from then on; at most 128 bytes.
    #[n(18)]
    pub name: Option<String>,
    /// The circle's template from then on; at most 64 bytes.
    #[n(19)]
    pub template: Option<String>,
    /// That the hosts are lost, by those who are the electorate therefore.
    #[n(20)]
    pub lost: Option<OperationId>,
    /// When it was asked, ms since 1970, by its author's clock; for people alone.
    #[n(21)]
    pub made: Option<u64>,
}

/// Body of kind 71.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct BallotBody {
    /// Of which proposal.
    #[n(1)]
    pub proposal: OperationId,
    /// The number of an option, or one of those above 249.
    #[n(2)]
    pub choice: u8,
    /// At most 280 bytes.
    #[n(3)]
    pub why: Option<String>,
}

/// Body of kind 72. Field 3 is for what two tellers counted, which is not built.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TallyBody {
    /// Of which proposal.
    #[n(1)]
    pub proposal: OperationId,
    /// The last ballot of each elector in its past, ascending.
    #[n(2)]
    pub ballots: Vec<OperationId>,
    /// What these come to.
    #[n(4)]
    pub result: Verdict,
}

/// Body of kind 73.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TallyAckBody {
    /// Which tally.
    #[n(1)]
    pub tally: OperationId,
}

/// Body of kind 88.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct HostLostBody {
    /// All hosts, ascending.
    #[n(1)]
    pub who: Vec<MemberId>,
    /// When the last of them was heard of, days since 1970.
    #[n(2)]
    pub heard: u32,
    /// Days that have to pass from then.
    #[n(3)]
    pub days: u32,
}

impl ProposalBody {
    /// Asks `electorate`, ascending, until `closes`, ms since 1970, for what passes so; about nobody and nothing yet.
    #[must_use]
    pub fn new(
        (what, text): (What, String),
        electorate: Vec<MemberId>,
        threshold: &Threshold,
        (closes, settle_h): (u64, u8),
    ) -> Self {
        Self {
            what,
            text,
            options: None,
            electorate,
            pass: threshold.pass.to_string(),
            of: threshold.of,
            quorum: threshold.quorum.to_string(),
            closes,
            settle_h,
            secret: None,
            tellers: None,
            about: None,
            restate: None,
            withdrawn: None,
            role: None,
            end: None,
            name: None,
            template: None,
            lost: None,
            made: None,
        }
    }

    pub(super) fn is_within_limits(&self) -> bool {
        let fits =
            |text: &Option<String>, most| text.as_ref().is_none_or(|text| text.len() <= most);
        self.text.len() <= MAX_TEXT
            && self.electorate.len() <= MAX_MEMBERS
            && self.pass.len() <= 12
            && self.quorum.len() <= 8
            && self
                .options
                .as_ref()
                .is_none_or(|all| all.len() <= 6 && all.iter().all(|option| option.len() <= 80))
            && self.tellers.as_ref().is_none_or(|all| all.len() <= 2)
            && fits(&self.restate, 1_000)
            && fits(&self.role, 24)
            && fits(&self.name, 128)
            && fits(&self.template, 64)
    }

    /// What it asks for can be reckoned, and nothing of it is left for a later version.
    fn is_built(&self) -> bool {
        let later = self.options.is_some()
            || self.secret == Some(true)
            || self.tellers.is_some()
            || self.restate.is_some()
            || self.withdrawn == Some(true);
        !later && self.threshold().is_some() && self.electorate.is_sorted_by(|a, b| a < b)
    }

    /// What carries it.
    #[must_use]
    pub fn threshold(&self) -> Option<Threshold> {
        Threshold::parse(&self.pass, self.of, &self.quorum)
    }

    /// When a count may be written without the ballots of all, ms since 1970.
    pub(crate) fn settles(&self) -> u64 {
        self.closes.saturating_add(u64::from(self.settle_h) * HOUR_MS)
    }

    pub(crate) fn elects(&self, who: &MemberId) -> bool {
        self.electorate.binary_search(who).is_ok()
    }
}

impl HostLostBody {
    /// When the period is over, ms since 1970.
    pub(super) fn over(&self) -> u64 {
        u64::from(self.heard).saturating_add(u64::from(self.days)).saturating_mul(DAY_MS)
    }
}

/// A vote as some operations have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vote {
    pub(crate) author: MemberId,
    pub(crate) body: ProposalBody,
    /// What each elector chose last, and the ballot, of what counts; once it is decided, of what was counted.
    pub(crate) ballots: BTreeMap<MemberId, (OperationId, u8)>,
    /// What it came to, once a tally is final.
    pub(crate) decided: Option<Verdict>,
    /// Of the tallies that count: author, ballots, and who acknowledged each.
    pub(crate) tallies: BTreeMap<OperationId, Tally>,
}

/// A tally as some operations have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) author: MemberId,
    pub(crate) ballots: BTreeSet<OperationId>,
    pub(crate) acks: BTreeSet<MemberId>,
}

/// A word that the hosts are lost, as some operations have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    /// All hosts of then.
    pub(crate) who: Vec<MemberId>,
    /// Those who count.
    pub(crate) those: BTreeSet<MemberId>,
    /// Who says so.
    pub(crate) by: BTreeSet<MemberId>,
}

impl Lost {
    /// Whether more than half of those who count say so.
    pub(crate) fn is_backed(&self) -> bool {
        self.by.intersection(&self.those).count() > self.those.len() / 2
    }
}

/// Where the papers of each vote lie, by what each operation says and has seen alone: what of them counts is
/// for whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Votes {
    papers: BTreeMap<usize, Papers>,
    /// The proposal of each paper that is in order.
    proposals: BTreeMap<usize, usize>,
}

/// Of one proposal, by place in the charter, each in the order of the fold.
#[derive(Debug, Default)]
struct Papers {
    ballots: Vec<usize>,
    /// With the ballots that each names.
    tallies: Vec<(usize, Vec<usize>)>,
    /// Of each tally.
    acks: BTreeMap<usize, Vec<usize>>,
}

impl Votes {
    /// Finds the papers among these, each after its past.
    pub(crate) fn of(charter: &Charter, order: &[usize]) -> Self {
        let mut votes = Self::default();
        for place in order.iter().copied() {
            let at = match &charter.held()[place].act {
                Act::Proposal(body) => body.is_built().then_some(place),
                Act::Ballot(body) => votes.elector(charter, place, &body.proposal),
                Act::Tally(body) => votes.elector(charter, place, &body.proposal),
                Act::TallyAck(body) => votes.counted(charter, place, &body.tally),
                _ => None,
            };
            if let Some(at) = at.filter(|at| votes.file(charter, *at, place).is_some()) {
                votes.proposals.insert(place, at);
            }
        }
        votes
    }

    /// The proposal that the paper at `place` names, if its author may vote on it.
    fn elector(&self, charter: &Charter, place: usize, named: &OperationId) -> Option<usize> {
        let held = &charter.held()[place];
        let at = charter.place(named).filter(|at| held.saw(*at) && self.papers.contains_key(at))?;
        let Act::Proposal(body) = &charter.held()[at].act else { return None };
        body.elects(&held.operation.author).then_some(at)
    }

    /// The proposal of a tally that the operation at `place` names and has seen.
    fn counted(&self, charter: &Charter, place: usize, named: &OperationId) -> Option<usize> {
        let tally = charter.place(named).filter(|tally| charter.held()[place].saw(*tally))?;
        let Act::Tally(body) = &charter.held()[tally].act else { return None };
        self.proposals.get(&tally).and_then(|_| self.elector(charter, place, &body.proposal))
    }

    /// Takes a paper down, if it is in order; `None` if not.
    fn file(&mut self, charter: &Charter, at: usize, place: usize) -> Option<()> {
        let held = &charter.held()[place];
        match &held.act {
            Act::Proposal(_) => drop(self.papers.insert(place, Papers::default())),
            Act::Ballot(body) => {
                let known = [YES, NO, ABSTAIN, ASIDE, BLOCK].contains(&body.choice);
                let papers = self.papers.get_mut(&at)?;
                // Who has said which count is the one has voted.
                let too_late = papers.acks.values().flatten().any(|ack| {
                    held.saw(*ack) && charter.held()[*ack].operation.author == held.operation.author
                });
                (known && !too_late).then(|| papers.ballots.push(place))?;
            }
            Act::Tally(body) => {
                let named = self.in_order(charter, at, place, body)?;
                self.papers.get_mut(&at)?.tallies.push((place, named));
            }
            Act::TallyAck(body) => {
                let tally = charter.place(&body.tally)?;
                self.papers.get_mut(&at)?.acks.entry(tally).or_default().push(place);
            }
            _ => return None,
        }
        Some(())
    }

    /// The ballots of a tally that names every one of its past, and says what they come to; `None` of another.
    fn in_order(
        &self,
        charter: &Charter,
        at: usize,
        place: usize,
        body: &TallyBody,
    ) -> Option<Vec<usize>> {
        let held = &charter.held()[place];
        let seen = self.papers[&at].ballots.iter().copied().filter(|at| held.saw(*at)).collect();
        let last = last_of_each(charter, seen);
        let mut ids: Vec<OperationId> = last.values().map(|at| charter.held()[*at].id).collect();
        ids.sort_unstable();
        let all = ids == body.ballots || is_planted(Planted::TallyOmits);
        let right = self.verdict(charter, at, &last) == Some(body.result);
        (all && right).then(|| body.ballots.iter().filter_map(|id| charter.place(id)).collect())
    }

    fn verdict(
        &self,
        charter: &Charter,
        at: usize,
        ballots: &BTreeMap<MemberId, usize>,
    ) -> Option<Verdict> {
        let Act::Proposal(body) = &charter.held()[at].act else { return None };
        let choices: Vec<u8> = ballots.values().map(|at| choice(charter, *at)).collect();
        Some(body.threshold()?.verdict(&choices, body.electorate.len()))
    }

    /// A tally of all ballots on a proposal that are here.
    pub(crate) fn count(&self, charter: &Charter, at: usize) -> Option<TallyBody> {
        let last = last_of_each(charter, self.papers.get(&at)?.ballots.clone());
        let mut ballots: Vec<OperationId> =
            last.values().map(|at| charter.held()[*at].id).collect();
        ballots.sort_unstable();
        let result = self.verdict(charter, at, &last)?;
        Some(TallyBody { proposal: charter.held()[at].id, ballots, result })
    }

    /// The proposal of a paper that is in order.
    pub(crate) fn proposal_of(&self, place: usize) -> Option<usize> {
        self.proposals.get(&place).copied()
    }

    /// Everything that the vote on a proposal rests on.
    pub(crate) fn papers(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        let papers = self.papers.get(&at).into_iter();
        papers.flat_map(move |papers| {
            let tallies = papers.tallies.iter().map(|(place, _)| *place);
            let acks = papers.acks.values().flatten().copied();
            std::iter::once(at).chain(papers.ballots.iter().copied()).chain(tallies).chain(acks)
        })
    }

    /// What the vote on the proposal at `at` came to, by what counts: `None` while no tally is final.
    pub(crate) fn decided(
        &self,
        charter: &Charter,
        at: usize,
        counts: &dyn Fn(usize) -> bool,
    ) -> Option<Verdict> {
        let ballots = self.counted_ballots(charter, at, counts)?;
        self.verdict(charter, at, &ballots)
    }

    /// The ballots of all final tallies; `None` while there is none.
    fn counted_ballots(
        &self,
        charter: &Charter,
        at: usize,
        counts: &dyn Fn(usize) -> bool,
    ) -> Option<BTreeMap<MemberId, usize>> {
        let papers = self.papers.get(&at).filter(|_| counts(at))?;
        let Act::Proposal(body) = &charter.held()[at].act else { return None };
        let is_final = |tally: usize| {
            let enough =
                if is_planted(Planted::TallyOfFew) { 0 } else { body.electorate.len() / 2 };
            counts(tally) && self.acks(charter, at, tally, counts).len() > enough
        };
        let finals = papers.tallies.iter().filter(|(tally, _)| is_final(*tally));
        let named: Vec<&Vec<usize>> = finals.map(|(_, named)| named).collect();
        let all: BTreeSet<usize> =
            named.iter().copied().flatten().copied().filter(|ballot| counts(*ballot)).collect();
        (!named.is_empty()).then(|| last_of_each(charter, all.into_iter().collect()))
    }

    fn acks(
        &self,
        charter: &Charter,
        at: usize,
        tally: usize,
        counts: &dyn Fn(usize) -> bool,
    ) -> BTreeSet<MemberId> {
        let acks = self.papers.get(&at).and_then(|papers| papers.acks.get(&tally));
        let acks = acks.into_iter().flatten().copied().filter(|ack| counts(*ack));
        acks.map(|ack| charter.held()[ack].operation.author).collect()
    }

    /// All votes on proposals that count, by what counts.
    pub(crate) fn all(
        &self,
        charter: &Charter,
        counts: &dyn Fn(usize) -> bool,
    ) -> BTreeMap<OperationId, Vote> {
        let held = charter.held();
        let asked = self.papers.iter().filter(|(at, _)| counts(**at));
        let votes = asked.filter_map(|(at, papers)| {
            let Act::Proposal(body) = &held[*at].act else { return None };
            let counted = self.counted_ballots(charter, *at, counts);
            let decided = counted.as_ref().and_then(|last| self.verdict(charter, *at, last));
            let cast = || papers.ballots.iter().copied().filter(|at| counts(*at)).collect();
            let ballots = counted.unwrap_or_else(|| last_of_each(charter, cast()));
            let tallies = papers.tallies.iter().filter(|(tally, _)| counts(*tally));
            let tallies = tallies.map(|(tally, named)| {
                let found = Tally {
                    author: held[*tally].operation.author,
                    ballots: named.iter().map(|at| held[*at].id).collect(),
                    acks: self.acks(charter, *at, *tally, counts),
                };
                (held[*tally].id, found)
            });
            let vote = Vote {
                author: held[*at].operation.author,
                body: (**body).clone(),
                ballots: ballots
                    .into_iter()
                    .map(|(who, at)| (who, (held[at].id, choice(charter, at))))
                    .collect(),
                decided,
                tallies: tallies.collect(),
            };
            Some((held[*at].id, vote))
        });
        votes.collect()
    }
}

/// Of each author the ballot that saw all its others. Who cast two that did not see each other chose nothing.
fn last_of_each(charter: &Charter, ballots: Vec<usize>) -> BTreeMap<MemberId, usize> {
    let held = charter.held();
    let author = |at: usize| held[at].operation.author;
    let others = |at: usize| {
        let own = ballots.iter().copied().filter(move |by| author(*by) == author(at));
        own.filter(move |by| *by != at)
    };
    let is_last = |at: &usize| others(*at).all(|other| held[*at].saw(other));
    ballots.iter().copied().filter(is_last).map(|at| (author(at), at)).collect()
}

fn choice(charter: &Charter, ballot: usize) -> u8 {
    match &charter.held()[ballot].act {
        Act::Ballot(body) => body.choice,
        _ => ABSTAIN,
    }
}

/// Bytes of a proposal's text (D-27).
pub(crate) const MAX_TEXT: usize = 2_000;

#[cfg(test)]
pub(crate) mod tests;
