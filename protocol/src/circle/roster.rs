//! The roster: who belongs and what was agreed, folded from a set of operations.
//!
//! [`fold`] is pure: the same set gives the same roster on every node, in whatever order it came, and
//! no clock is read. It goes in two passes. First the removals are settled: a removal wins over all
//! that the removed person did without having seen it, and what leans on a cancelled operation falls
//! with it; where removals cancel one another in a ring, D-10 decides. Then the other operations are
//! judged, each by what stands before it.
//!
//! A host goes by the word of two others: the removal by the first is a *word* and does nothing;
//! the cosign by the second, which has that word in its past, is the removal.

use std::collections::{BTreeMap, BTreeSet};

use super::charter::{
    Act, Charter, CircleBody, InviteBody, InviteClosedWhy, Places, PolicyBody, RelayBody, RoleBody,
};
use super::votes::{Lost, Vote, Votes};
use crate::boundary::{DAY_MS, HOUR_MS, Timestamp};
use crate::crypto::Suite;
use crate::identity::{InviteId, MemberId, OperationId, PublicKey};
use crate::planted::{Planted, is_planted};

mod conscience;

/// The longest hold (D-37).
pub(crate) const HOLD_MS: u64 = 72 * HOUR_MS;
/// After a hold ends, how long the same member is not held again by one alone (D-37: 14 days).
pub(crate) const HELD_AGAIN_MS: u64 = 14 * DAY_MS - HOLD_MS;
/// Most members (D-4).
pub const MAX_MEMBERS: usize = 200;

/// A role's right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// Everything.
    Host,
    /// Invite and let in.
    Admit,
    /// Set aside what somebody says, for a while.
    Hold,
}

/// A member as the charter has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) key: PublicKey,
    pub(crate) handle: String,
    pub(crate) roles: BTreeSet<String>,
    /// Of the roles that were given for a time, the operation that did and when the term ends, ms since
    /// 1970. A term that is over by a clock stays here until an operation says so.
    pub(crate) terms: BTreeMap<String, (OperationId, u64)>,
    /// Longest path from `found` to the admission: who has less is older.
    pub(crate) age: u32,
    /// The operation that let this member in.
    pub(crate) by: OperationId,
}

impl Person {
    pub(crate) fn may(&self, right: Right) -> bool {
        let host = self.roles.contains("host");
        match right {
            Right::Host => host,
            Right::Admit | Right::Hold => host || self.roles.contains("steward"),
        }
    }
}

/// An invite as the charter has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invite {
    pub(crate) operation: OperationId,
    pub(crate) author: MemberId,
    pub(crate) body: InviteBody,
    /// Members let in by it.
    pub(crate) used: u8,
    pub(crate) closed: Option<InviteClosedWhy>,
}

/// Somebody who belonged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Former {
    pub(crate) handle: String,
    /// Whether others ended it.
    pub(crate) removed: bool,
    /// What they gave as reason.
    pub(crate) reason: Option<String>,
}

/// Who belongs, and what was agreed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Roster {
    pub(crate) members: BTreeMap<MemberId, Person>,
    pub(crate) former: BTreeMap<MemberId, Former>,
    /// All who were ever let in, by whatever came of it, and do not belong.
    pub(crate) outside: BTreeSet<MemberId>,
    pub(crate) circle: Option<CircleBody>,
    pub(crate) policy: Option<PolicyBody>,
    pub(crate) relays: Vec<RelayBody>,
    pub(crate) relays_rev: u32,
    pub(crate) invites: BTreeMap<OperationId, Invite>,
    pub(crate) suite: Option<Suite>,
    /// Operations that count.
    pub(crate) standing: BTreeSet<OperationId>,
    /// Removals that count.
    pub(crate) removals: u16,
    /// Hosts whom other hosts want to remove, by whom each, as long as no second one backs it.
    pub(crate) words: BTreeMap<MemberId, BTreeMap<MemberId, OperationId>>,
    /// Whose talk is set aside, and when that ends by itself, ms since 1970 (D-37).
    pub(crate) holds: BTreeMap<MemberId, u64>,
    /// What is, or was, voted on.
    pub(crate) votes: BTreeMap<OperationId, Vote>,
    /// Words that the hosts are lost, as long as none of them did anything since.
    pub(crate) lost: BTreeMap<OperationId, Lost>,
}

impl Roster {
    pub(crate) fn ids(&self) -> Vec<MemberId> {
        self.members.keys().copied().collect()
    }

    /// Whether what this member says is set aside. A hold lasts 72 hours at most, so one with a later
    /// end waits until that is no more than so far off (R-15, D-37).
    pub(crate) fn is_held(&self, who: &MemberId, now: Timestamp) -> bool {
        self.holds
            .get(who)
            .is_some_and(|until| (1..=HOLD_MS).contains(&until.saturating_sub(now.0)))
    }

    /// Takes the roles away whose term is over by this clock; whether there were such. The
    /// fold has them until an operation says so.
    pub(crate) fn end_terms(&mut self, now: Timestamp) -> bool {
        let mut ended = false;
        for person in self.members.values_mut() {
            for (role, (_, end)) in &person.terms {
                ended |= *end <= now.0 && person.roles.remove(role);
            }
        }
        ended
    }

    /// Who holds what was given for a time: the grant, and when its term ends.
    pub(crate) fn terms(&self) -> impl Iterator<Item = (MemberId, OperationId, u64)> + '_ {
        self.members.iter().flat_map(|(who, person)| {
            person.terms.values().map(|(grant, end)| (*who, *grant, *end))
        })
    }

    /// The invite of this maker and id.
    pub(crate) fn invite(&self, author: &MemberId, id: &InviteId) -> Option<&Invite> {
        self.invites.values().find(|invite| invite.author == *author && invite.body.id == *id)
    }
}

/// Folds the operations at `places`. `places` holds with each operation its whole past.
pub(crate) fn fold(charter: &Charter, places: &Places) -> Roster {
    let mut order: Vec<usize> =
        (0..charter.held().len()).filter(|place| places.contains(*place)).collect();
    order.sort_by_key(|place| {
        let held = &charter.held()[*place];
        (held.depth, held.operation.author, held.operation.seq, held.id)
    });
    let subjects = Subjects::of(charter, &order);
    let votes = Votes::of(charter, &order);
    let mut fold = Fold {
        charter,
        order,
        subjects,
        votes,
        removals: BTreeMap::new(),
        standing: Places::default(),
        words: Places::default(),
        lost: Places::default(),
        lapses: BTreeMap::new(),
    };
    fold.find_lapses();
    fold.settle_removals();
    fold.judge();
    fold.settle_races();
    fold.roster()
}

/// Where to look for what concerns somebody or something: each list in the order of the fold. Who asks looks at
/// a few operations and not at all of them, for each of hundreds.
#[derive(Default)]
struct Subjects {
    let_in: BTreeMap<MemberId, Vec<usize>>,
    removed: BTreeMap<MemberId, Vec<usize>>,
    roles: BTreeMap<MemberId, Vec<usize>>,
    /// Of each invite, what closes it.
    closing: BTreeMap<OperationId, Vec<usize>>,
}

impl Subjects {
    fn of(charter: &Charter, order: &[usize]) -> Self {
        let mut subjects = Self::default();
        for place in order.iter().copied() {
            let held = &charter.held()[place];
            if let Some(who) = held.lets_in {
                subjects.let_in.entry(who).or_default().push(place);
            }
            if let Some(who) = removed_by(charter, place) {
                subjects.removed.entry(who).or_default().push(place);
            }
            match &held.act {
                Act::Role(body) => subjects.roles.entry(body.to).or_default().push(place),
                Act::InviteClosed(body) => {
                    subjects.closing.entry(body.invite).or_default().push(place);
                }
                _ => {}
            }
        }
        subjects
    }
}

/// All places of one list, or of none.
fn listed<'a, K: Ord>(
    lists: &'a BTreeMap<K, Vec<usize>>,
    of: &K,
) -> impl Iterator<Item = usize> + use<'a, K> {
    lists.get(of).into_iter().flatten().copied()
}

/// Whom the operation at `place` removes.
fn removed_by(charter: &Charter, place: usize) -> Option<MemberId> {
    match &charter.held()[place].act {
        Act::Removal(body) => Some(body.who),
        Act::Cosign(_) => removed_by(charter, backed(charter, place)?),
        _ => None,
    }
}

/// The removal in its past that the operation at `place` backs.
fn backed(charter: &Charter, place: usize) -> Option<usize> {
    let held = charter.held();
    let Act::Cosign(body) = &held[place].act else { return None };
    let of = charter.place(&body.of).filter(|of| held[place].saw(*of))?;
    matches!(held[of].act, Act::Removal(_)).then_some(of)
}

struct Fold<'a> {
    charter: &'a Charter,
    /// The operations of the set, each after its past, concurrent ones in an order that is the same
    /// on every node whatever came first there.
    order: Vec<usize>,
    subjects: Subjects,
    votes: Votes,
    /// Removals that are settled, and whether they stand.
    removals: BTreeMap<usize, bool>,
    /// Operations that count, by the removals settled so far.
    standing: Places,
    /// Removals of hosts by other hosts, which a second host has to back.
    words: Places,
    /// Admissions that came too late for an invite that was used up.
    lost: Places,
    /// Of each role that was given for a time, what says that the term is over (D-26).
    lapses: BTreeMap<usize, Vec<usize>>,
}

impl Fold<'_> {
    /// A term is over whoever says so, since each node looked at its clock before it took that in.
    /// Only the holder's own word counts for nothing: it decides what the holder did in time.
    fn find_lapses(&mut self) {
        let held = self.charter.held();
        for place in self.order.iter().copied() {
            let Act::RoleLapsed(body) = &held[place].act else { continue };
            let Some(grant) = self.charter.place(&body.grant) else { continue };
            let timed = matches!(&held[grant].act, Act::Role(role)
                if role.end.is_some() && (role.to != held[place].operation.author
                    || is_planted(Planted::HolderEndsTerm)));
            if timed && held[place].saw(grant) {
                self.lapses.entry(grant).or_default().push(place);
            }
        }
    }

    /// Whether the term of a grant was over for the operation at `place`: there is word that it is, and
    /// none of that has seen the operation.
    fn is_over(&self, grant: usize, place: usize) -> bool {
        !is_planted(Planted::TermsEndless)
            && self.lapses.get(&grant).is_some_and(|lapses| {
                !lapses.iter().any(|lapse| self.charter.held()[*lapse].saw(place))
            })
    }

    fn settle_removals(&mut self) {
        let mut open: Vec<usize> =
            self.inside().filter(|place| self.removed_by(*place).is_some()).collect();
        while !open.is_empty() {
            self.judge();
            let free = |place: &usize| {
                !open.iter().any(|other| other != place && self.leans_against(*place, *other))
            };
            // What was seen goes before what saw it, whatever came first here.
            let place = open
                .iter()
                .copied()
                .filter(free)
                .min_by_key(|place| (self.charter.held()[*place].depth, self.rank(*place)))
                .or_else(|| open.iter().copied().min_by_key(|place| self.in_a_ring(*place, &open)))
                .expect("not empty");
            open.retain(|other| *other != place);
            self.removals.insert(place, self.stands(place));
        }
    }

    /// Judges every operation by what stands before it.
    fn judge(&mut self) {
        self.standing = Places::default();
        self.words = Places::default();
        for place in self.order.clone() {
            let settled = self.removals.get(&place).copied();
            let unsettled = settled.is_none() && self.removed_by(place).is_some();
            if !self.lost.contains(place)
                && !unsettled
                && settled.unwrap_or_else(|| self.stands(place))
            {
                self.standing.insert(place);
            } else if self.is_word(place) {
                self.words.insert(place);
            }
        }
    }

    fn inside(&self) -> impl Iterator<Item = usize> + '_ {
        self.order.iter().copied()
    }

    fn removed_by(&self, place: usize) -> Option<MemberId> {
        removed_by(self.charter, place)
    }

    fn backed(&self, place: usize) -> Option<usize> {
        backed(self.charter, place)
    }

    /// Which of the removals that lean against one another stands or falls first. D-10: what leans on
    /// rights that another of them takes goes last, since whoever is removed could have given these
    /// with an old date; then two signers go before one, then the older author before the younger.
    fn in_a_ring(&self, place: usize, open: &[usize]) -> impl Ord + use<> {
        let voted = self.source(place).is_some();
        let borrowed = if voted {
            !self.is_voted_without(place, open)
        } else {
            open.iter().any(|other| *other != place && self.takes_rights(*other, place))
        };
        let backed = self.backed(place);
        let older =
            backed.map_or_else(|| self.rank(place), |word| self.rank(place).min(self.rank(word)));
        (borrowed, self.backing(place), older, self.rank(place))
    }

    /// D-10: what a vote decided goes before what two signed, and that before what one did.
    fn backing(&self, place: usize) -> u8 {
        match self.source(place) {
            _ if is_planted(Planted::BackingUnranked) => 0,
            Some(_) if !is_planted(Planted::VoteUnranked) => 0,
            _ if self.backed(place).is_some() => 1,
            _ => 2,
        }
    }

    /// Of operations on one subject the one that decides: of those that no other of them has seen the first by
    /// D-10, which puts what ends before what gives.
    fn decides(&self, places: &[usize]) -> Option<usize> {
        let held = self.charter.held();
        let gives = |at: usize| matches!(&held[at].act, Act::Role(body) if body.grant);
        let seen = |at: &usize| places.iter().any(|by| held[*by].saw(*at));
        let last = places.iter().copied().filter(|at| !seen(at));
        last.min_by_key(|at| (gives(*at), self.backing(*at), self.rank(*at)))
    }

    /// Whether the removal `other` would cancel what gives the signers of `place` the right to it, and
    /// not only what they signed.
    fn takes_rights(&self, other: usize, place: usize) -> bool {
        let word = self.backed(place);
        let given = self.supports(place).into_iter().filter(|at| word != Some(*at));
        let of_first = word.into_iter().flat_map(|word| self.supports(word));
        given.chain(of_first).any(|at| self.leans_against(at, other))
    }

    /// Older author first, then lower counter, then id.
    fn rank(&self, place: usize) -> (u32, MemberId, u32, OperationId) {
        let held = &self.charter.held()[place];
        let author = held.operation.author;
        let admissions = self.admissions(author, |at| self.is_before(at, place)).into_iter();
        let age = admissions.map(|at| self.charter.held()[at].depth).min();
        let age = age.filter(|_| !is_planted(Planted::AgeUnranked)).unwrap_or(0);
        (age, author, held.operation.seq, held.id)
    }

    /// Whether the removal `other` would cancel `place` or something that `place` leans on.
    fn leans_against(&self, place: usize, other: usize) -> bool {
        let mut seen = BTreeSet::new();
        let mut todo = vec![place];
        while let Some(here) = todo.pop() {
            if here != other && self.cancels(other, here) {
                return true;
            }
            if seen.insert(here) {
                todo.extend(self.supports(here));
            }
        }
        false
    }

    /// What gives the author of the operation at `place` the right to it: admissions, roles, an invite.
    fn supports(&self, place: usize) -> Vec<usize> {
        let held = self.charter.held();
        let author = held[place].operation.author;
        let invite = match &held[place].act {
            Act::Admit(body) => body.invite.and_then(|invite| self.charter.place(&invite)),
            _ => None,
        };
        let word = self.backed(place);
        let first = word.map(|word| held[word].operation.author);
        let gives = |at: &usize| match &held[*at].act {
            Act::Admit(_) => [Some(author), first].contains(&held[*at].lets_in),
            Act::Role(body) => [Some(author), first].contains(&Some(body.to)),
            _ => false,
        };
        let past = (0..place).filter(|at| held[place].saw(*at));
        // What counts for nothing, whoever wrote it, gives nothing.
        let counts = |at: &usize| self.standing.contains(*at);
        let papers = self.papers_of(place);
        let named = |at: &usize| [invite, word].contains(&Some(*at)) || papers.contains(at);
        past.filter(|at| named(at) || gives(at) && counts(at)).collect()
    }

    /// Whether the removal at `removal` cancels the operation at `place`: it is by the removed person,
    /// who had not seen the removal; or had, and was not let in again since.
    fn cancels(&self, removal: usize, place: usize) -> bool {
        let held = &self.charter.held()[place];
        let author = held.operation.author;
        if removal == place
            || self.removed_by(removal) != Some(author)
            || self.charter.held()[removal].saw(place)
        {
            return false;
        }
        // Let in again after the removal, and acting after that.
        !listed(&self.subjects.let_in, &author)
            .any(|again| held.saw(again) && self.charter.held()[again].saw(removal))
    }

    /// What let `who` in as it is, of the operations that count: what saw every removal among them.
    /// Whoever admits a member once more gives and takes nothing.
    fn admissions(&self, who: MemberId, counts: impl Fn(usize) -> bool) -> Vec<usize> {
        let removals: Vec<usize> =
            listed(&self.subjects.removed, &who).filter(|at| counts(*at)).collect();
        let saw_all = |at: &usize| {
            removals.iter().all(|removal| self.charter.held()[*at].saw(*removal))
                || is_planted(Planted::RemovedStillKnown)
        };
        listed(&self.subjects.let_in, &who).filter(|at| counts(*at)).filter(saw_all).collect()
    }

    fn is_cancelled(&self, place: usize) -> bool {
        self.removals.iter().any(|(removal, stands)| *stands && self.cancels(*removal, place))
            && !is_planted(Planted::RemovalWeak)
    }

    /// Whether the operation at `place` counts, by the removals that are settled and by what stands
    /// before it.
    fn stands(&self, place: usize) -> bool {
        if self.is_cancelled(place) || self.lost.contains(place) {
            return false;
        }
        let held = &self.charter.held()[place];
        let author = held.operation.author;
        let member = self.belongs(author, place);
        let host = member && self.holds(author, "host", place);
        let admits = host
            || member
                && (self.holds(author, "steward", place) || is_planted(Planted::AnybodyAdmits));
        match &held.act {
            Act::Found(_) => true,
            Act::Admit(body) => match &body.invite {
                None => admits && self.has_room(place),
                Some(invite) => {
                    member && self.lets_in(invite, place, admits) && self.has_room(place)
                }
            },
            Act::Invite(_) => admits,
            Act::InviteClosed(body) => {
                let invite = self.charter.place(&body.invite).filter(|at| held.saw(*at));
                let own =
                    invite.is_some_and(|at| self.charter.held()[at].operation.author == author);
                member && (own || host)
            }
            Act::Removal(body) => {
                let left = body.mode == 2 && body.who == author && member;
                // a host is never removed by one other host alone.
                let target = self.belongs(body.who, place)
                    && (!self.holds(body.who, "host", place)
                        || is_planted(Planted::HostRemovesHost));
                let voted = || self.belongs(body.who, place) && self.is_voted(place);
                left || match body.source {
                    Some(_) => member && voted(),
                    None => host && target,
                }
            }
            Act::Cosign(_) => member && self.backs(place, host),
            Act::Role(body) => {
                // nobody takes the host's role from another, who could then be removed.
                if body.source.is_some() {
                    return member && self.belongs(body.to, place) && self.is_voted(place);
                }
                let own = body.to == author && member;
                let may = if body.grant { host } else { own || host && body.role != "host" };
                self.belongs(body.to, place) && may && (own || !self.shortens(body, place))
            }
            Act::Hold(body) => {
                let target = self.belongs(body.who, place) && body.who != author;
                // D-37: one alone holds the same member once in 14 days.
                let again = self.before(place).any(|at| match &self.charter.held()[at].act {
                    Act::Hold(old) => {
                        old.place
                            && old.who == body.who
                            && body.until < old.until.saturating_add(HELD_AGAIN_MS)
                    }
                    _ => false,
                });
                admits && target && !(body.place && again)
            }
            Act::Circle(body) if body.source.is_some() => member && self.is_voted(place),
            Act::Circle(_) | Act::Relays(_) | Act::Policy(_) => host,
            Act::Proposal(body) => member && self.is_lawful(place, body),
            Act::Ballot(_) | Act::Tally(_) | Act::TallyAck(_) => member && self.is_paper(place),
            Act::HostLost(body) => member && self.names_all_hosts(place, body),
            Act::RoleLapsed(_) | Act::Join | Act::Unknown(_) => member,
        }
    }

    /// Whether the operation at `place` is a host's word that another host goes.
    fn is_word(&self, place: usize) -> bool {
        let held = &self.charter.held()[place];
        let author = held.operation.author;
        match &held.act {
            Act::Removal(body) => {
                body.mode != 2
                    && body.source.is_none()
                    && body.who != author
                    && !self.is_cancelled(place)
                    && [author, body.who].iter().all(|who| self.hosts(*who, place))
            }
            _ => false,
        }
    }

    /// Whether a cosign at `place` does what it backs: R-12, two hosts who are so still remove another.
    /// A cosign of anything else does nothing.
    fn backs(&self, place: usize, host: bool) -> bool {
        let held = self.charter.held();
        let word = self.backed(place).and_then(|word| Some((word, self.removed_by(word)?)));
        let Some((word, who)) = word else { return true };
        let (first, second) = (held[word].operation.author, held[place].operation.author);
        self.words.contains(word)
            && (host || is_planted(Planted::AnybodyBacks))
            && ![first, who].contains(&second)
            && self.hosts(first, place)
            && self.belongs(who, place)
    }

    /// Whether `who` is a member and a host, by what stands before `place`.
    fn hosts(&self, who: MemberId, place: usize) -> bool {
        self.belongs(who, place) && self.holds(who, "host", place)
    }

    /// Whether the operation at `at` stands before `place`.
    fn is_before(&self, at: usize, place: usize) -> bool {
        self.standing.contains(at) && self.charter.held()[place].saw(at)
    }

    /// What stands before `place`.
    fn before(&self, place: usize) -> impl Iterator<Item = usize> + '_ {
        self.inside().filter(move |at| self.is_before(*at, place))
    }

    /// Whether `who` belongs, by what stands before `place`: was let in by something that saw every
    /// removal.
    fn belongs(&self, who: MemberId, place: usize) -> bool {
        let held = &self.charter.held()[place];
        matches!(held.act, Act::Found(_)) && held.lets_in == Some(who)
            || !self.admissions(who, |at| self.is_before(at, place)).is_empty()
    }

    /// Whether `who` holds a role, by what stands before `place`.
    fn holds(&self, who: MemberId, role: &str, place: usize) -> bool {
        match self.last_grant(who, role, place).map(|at| (at, &self.charter.held()[at].act)) {
            Some((at, Act::Role(body))) => body.grant && !self.is_over(at, place),
            _ => {
                role == "host"
                    && self.founded(&self.admissions(who, |at| self.is_before(at, place)))
            }
        }
    }

    fn founded(&self, admissions: &[usize]) -> bool {
        admissions.iter().any(|at| matches!(self.charter.held()[*at].act, Act::Found(_)))
    }

    /// What gave `who` a role last, or took it, by what stands before `place`.
    fn last_grant(&self, who: MemberId, role: &str, place: usize) -> Option<usize> {
        let since = self.admissions(who, |at| self.is_before(at, place));
        let said: Vec<usize> = listed(&self.subjects.roles, &who)
            .filter(|at| self.is_before(*at, place) && self.is_since(*at, &since))
            .filter(|at| match &self.charter.held()[*at].act {
                Act::Role(body) => body.role == role,
                _ => false,
            })
            .collect();
        self.decides(&said)
    }

    /// Whether the operation at `place` saw one of these admissions. What one held before one was let in
    /// again is gone.
    fn is_since(&self, place: usize, admissions: &[usize]) -> bool {
        admissions.iter().any(|at| self.charter.held()[place].saw(*at))
    }

    /// Whether a grant would end another host's term before its time, which is to take the role.
    fn shortens(&self, body: &RoleBody, place: usize) -> bool {
        let Some(end) = body.end.filter(|_| body.role == "host") else { return false };
        let last = self.last_grant(body.to, "host", place);
        let until = last.and_then(|at| match &self.charter.held()[at].act {
            Act::Role(body) => body.end,
            _ => None,
        });
        self.holds(body.to, "host", place) && until.is_none_or(|until| end < until)
    }

    /// Whether there is room for one more, by what stands before `place`.
    fn has_room(&self, place: usize) -> bool {
        let ever = &self.subjects.let_in;
        ever.len() < MAX_MEMBERS
            || ever.keys().filter(|who| self.belongs(**who, place)).count() < MAX_MEMBERS
    }

    /// Whether an invite lets in, by what stands before `place`.
    fn lets_in(&self, invite: &OperationId, place: usize, admits: bool) -> bool {
        let Some(at) = self.charter.place(invite) else {
            return false;
        };
        let Act::Invite(body) = &self.charter.held()[at].act else {
            return false;
        };
        if !self.is_before(at, place) || !(admits || body.open) {
            return false;
        }
        // a removal before the admission closes every invite that has not seen it.
        let mut removals = self.subjects.removed.values().flatten().copied();
        let mut closing = listed(&self.subjects.closing, invite);
        !closing.any(|closed| self.is_before(closed, place))
            && !removals.any(|removal| {
                self.is_before(removal, place)
                    && !self.charter.held()[at].saw(removal)
                    && !is_planted(Planted::RemovalKeepsInvites)
            })
    }

    fn counts(&self, place: usize) -> bool {
        self.standing.contains(place) && !self.lost.contains(place)
    }

    fn roster(&self) -> Roster {
        let mut roster = Roster::default();
        let mut admissions = Vec::new();
        for place in self.inside() {
            if !self.counts(place) {
                continue;
            }
            let held = &self.charter.held()[place];
            roster.standing.insert(held.id);
            match &held.act {
                Act::Found(body) => {
                    roster.suite = Suite::from_number(body.suite);
                    let person = Person {
                        key: body.key,
                        handle: body.handle.clone(),
                        roles: BTreeSet::from(["host".to_owned()]),
                        terms: BTreeMap::new(),
                        age: held.depth,
                        by: held.id,
                    };
                    roster.members.insert(held.operation.author, person);
                }
                Act::Admit(_) => admissions.push(place),
                Act::Invite(body) => drop(roster.invites.insert(
                    held.id,
                    Invite {
                        operation: held.id,
                        author: held.operation.author,
                        body: body.clone(),
                        used: 0,
                        closed: None,
                    },
                )),
                _ => {}
            }
        }
        self.agree(&mut roster);
        self.admit(&mut roster, admissions);
        self.end_memberships(&mut roster);
        let let_in = self.inside().filter_map(|at| self.charter.held()[at].lets_in);
        roster.outside = let_in.filter(|who| !roster.members.contains_key(who)).collect();
        self.give_roles(&mut roster);
        self.wait_for_a_second(&mut roster);
        self.close_invites(&mut roster);
        self.hold(&mut roster);
        roster.votes = self.votes.all(self.charter, &|at| self.counts(at));
        roster.lost = self.lost_hosts();
        roster
    }

    /// Of the holds of one member the last counts; of concurrent ones a placed one (D-10).
    fn hold(&self, roster: &mut Roster) {
        let mut holds: Vec<usize> = self
            .inside()
            .filter(|place| {
                let held = &self.charter.held()[*place];
                matches!(held.act, Act::Hold(_)) && roster.standing.contains(&held.id)
            })
            .collect();
        holds.sort_by_key(|place| {
            let held = &self.charter.held()[*place];
            (matches!(&held.act, Act::Hold(body) if body.place), held.depth, self.rank(*place))
        });
        for place in &holds {
            let Act::Hold(body) = &self.charter.held()[*place].act else { continue };
            let over = holds.iter().any(|by| {
                let lift = &self.charter.held()[*by];
                matches!(&lift.act, Act::Hold(lifts) if !lifts.place && lifts.who == body.who)
                    && lift.saw(*place)
            });
            if body.place && !over && roster.members.contains_key(&body.who) {
                roster.holds.insert(body.who, body.until);
            }
        }
    }

    /// Of what was agreed the highest `rev` counts; of several what saw the others, then D-10.
    fn agree(&self, roster: &mut Roster) {
        let newest = |rev: fn(&Act) -> Option<u32>| {
            let all = || {
                let inside = self.inside().filter(|place| self.standing.contains(*place));
                inside.filter_map(move |at| Some((rev(&self.charter.held()[at].act)?, at)))
            };
            let most = all().map(|(rev, _)| rev).max()?;
            let last: Vec<usize> =
                all().filter(|(rev, _)| *rev == most).map(|(_, place)| place).collect();
            Some(&self.charter.held()[self.decides(&last)?].act)
        };
        if let Some(Act::Circle(body)) = newest(|act| match act {
            Act::Circle(body) => Some(body.rev),
            _ => None,
        }) {
            roster.circle = Some(body.clone());
        }
        if let Some(Act::Policy(body)) = newest(|act| match act {
            Act::Policy(body) => Some(body.rev),
            _ => None,
        }) {
            roster.policy = Some(body.clone());
        }
        if let Some(Act::Relays(body)) = newest(|act| match act {
            Act::Relays(body) => Some(body.rev),
            _ => None,
        }) {
            roster.relays_rev = body.rev;
            roster.relays.clone_from(&body.relays);
        }
    }

    /// an invite lets in so many distinct keys, the first by R-11's order. What leans on an
    /// admission that came too late falls with it, before it is counted itself.
    fn settle_races(&mut self) {
        let mut admissions: Vec<usize> = self
            .inside()
            .filter(|at| matches!(self.charter.held()[*at].act, Act::Admit(_)))
            .collect();
        admissions.sort_by_key(|place| self.admission_order(*place));
        while let Some(place) = self.too_late(&admissions) {
            self.lost.insert(place);
            let leans: Vec<usize> = self
                .removals
                .iter()
                .filter(|(removal, stands)| **stands && self.leans_on(**removal, place))
                .map(|(removal, _)| *removal)
                .collect();
            self.removals.extend(leans.into_iter().map(|removal| (removal, false)));
            self.judge();
        }
    }

    /// The first admission that an invite is too used up for. One whose newcomer did nothing yet takes
    /// nothing along, and is put aside at once.
    fn too_late(&mut self, admissions: &[usize]) -> Option<usize> {
        let mut used: BTreeMap<OperationId, BTreeSet<MemberId>> = BTreeMap::new();
        let mut members: BTreeSet<MemberId> = BTreeSet::new();
        for place in admissions.iter().copied() {
            if !self.standing.contains(place) || self.lost.contains(place) {
                continue;
            }
            let Act::Admit(body) = &self.charter.held()[place].act else { continue };
            let Some(who) = self.charter.held()[place].lets_in else { continue };
            if let Some(id) = body.invite
                && let Some(Act::Invite(invite)) = self.charter.get(&id).map(|held| &held.act)
                && !members.contains(&who)
            {
                let by = used.entry(id).or_default();
                if by.len() >= usize::from(invite.uses) && !is_planted(Planted::UsesUncounted) {
                    if self.inside().any(|at| self.charter.held()[at].operation.author == who) {
                        return Some(place);
                    }
                    self.lost.insert(place);
                    continue;
                }
                by.insert(who);
            }
            members.insert(who);
        }
        None
    }

    /// Whether `other` is among what gives the author of `place` the right to it.
    fn leans_on(&self, place: usize, other: usize) -> bool {
        let mut seen = BTreeSet::new();
        let mut todo = vec![place];
        while let Some(here) = todo.pop() {
            if here == other {
                return true;
            }
            if seen.insert(here) {
                todo.extend(self.supports(here));
            }
        }
        false
    }

    /// R-11's order of admissions.
    fn admission_order(&self, place: usize) -> impl Ord + use<> {
        (self.charter.held()[place].depth, self.rank(place))
    }

    fn admit(&self, roster: &mut Roster, mut admissions: Vec<usize>) {
        admissions.sort_by_key(|place| self.admission_order(*place));
        for place in admissions {
            let held = &self.charter.held()[place];
            let Act::Admit(body) = &held.act else { continue };
            let Some(who) = held.lets_in else { continue };
            let again = roster.members.contains_key(&who);
            if let Some(invite) = body.invite.and_then(|id| roster.invites.get_mut(&id)) {
                invite.used += u8::from(!again);
            }
            let person = Person {
                key: body.key,
                handle: body.handle.clone(),
                roles: BTreeSet::new(),
                terms: BTreeMap::new(),
                age: held.depth,
                by: held.id,
            };
            if !again {
                roster.members.insert(who, person);
            } else if self.was_removed_before(roster, who, place) {
                let again = |old: &mut Person| {
                    old.by = held.id;
                    old.roles.clear();
                    old.terms.clear();
                };
                roster.members.entry(who).and_modify(again);
            }
        }
    }

    fn was_removed_before(&self, roster: &Roster, who: MemberId, place: usize) -> bool {
        self.standing_removals(roster)
            .any(|at| self.removed_by(at) == Some(who) && self.charter.held()[place].saw(at))
    }

    fn standing_removals<'b>(&'b self, roster: &'b Roster) -> impl Iterator<Item = usize> + 'b {
        self.inside().filter(move |place| {
            self.removed_by(*place).is_some()
                && roster.standing.contains(&self.charter.held()[*place].id)
        })
    }

    fn end_memberships(&self, roster: &mut Roster) {
        let removals: Vec<usize> = self.standing_removals(roster).collect();
        roster.removals = u16::try_from(removals.len()).unwrap_or(u16::MAX);
        let whom: BTreeSet<MemberId> =
            removals.iter().filter_map(|place| self.removed_by(*place)).collect();
        for who in whom {
            let of = || removals.iter().filter(|place| self.removed_by(**place) == Some(who));
            let let_in_again = self.inside().any(|at| {
                let held = &self.charter.held()[at];
                roster.standing.contains(&held.id)
                    && held.lets_in == Some(who)
                    && of().all(|removal| held.saw(*removal))
            });
            if let_in_again {
                continue;
            }
            if let Some(person) = roster.members.remove(&who) {
                let acts = of().map(|at| &self.charter.held()[*at].act);
                let by_others =
                    acts.filter(|act| !matches!(act, Act::Removal(body) if body.mode == 2));
                let mut reasons = by_others.map(|act| match act {
                    Act::Removal(body) => body.reason.clone(),
                    _ => None,
                });
                let first = reasons.next();
                let removed = first.is_some();
                let reason = first.into_iter().chain(reasons).flatten().next();
                roster.former.insert(who, Former { handle: person.handle, removed, reason });
            }
        }
    }

    fn give_roles(&self, roster: &mut Roster) {
        let mut said: BTreeMap<(MemberId, &str), Vec<usize>> = BTreeMap::new();
        for place in self.inside().filter(|place| self.counts(*place)) {
            let Act::Role(body) = &self.charter.held()[place].act else { continue };
            let since = self.admissions(body.to, |at| self.counts(at));
            if self.is_since(place, &since) {
                said.entry((body.to, &body.role)).or_default().push(place);
            }
        }
        for ((who, role), places) in said {
            let Some(person) = roster.members.get_mut(&who) else { continue };
            let Some(place) = self.decides(&places) else { continue };
            let held = &self.charter.held()[place];
            let Act::Role(body) = &held.act else { continue };
            if body.grant && !self.lapses.contains_key(&place) {
                person.roles.insert(role.to_owned());
                if let Some(end) = body.end {
                    person.terms.insert(role.to_owned(), (held.id, end));
                }
            } else {
                person.roles.remove(role);
            }
        }
    }

    /// What one host said of another who is one still, and nobody has backed.
    fn wait_for_a_second(&self, roster: &mut Roster) {
        for place in self.inside().filter(|place| self.words.contains(*place)) {
            let held = &self.charter.held()[place];
            let (author, Some(who)) = (held.operation.author, self.removed_by(place)) else {
                continue;
            };
            let is_host = |who: &MemberId| {
                roster.members.get(who).is_some_and(|person| person.may(Right::Host))
            };
            // Whoever was let in again since is not meant.
            let since = roster.members.get(&who).and_then(|person| self.charter.place(&person.by));
            if is_host(&author) && is_host(&who) && since.is_some_and(|since| held.saw(since)) {
                roster.words.entry(who).or_default().insert(author, held.id);
            }
        }
    }

    fn close_invites(&self, roster: &mut Roster) {
        let removals: Vec<usize> = self.standing_removals(roster).collect();
        let mut closed = BTreeMap::new();
        for invite in roster.invites.values() {
            let place = self.charter.place(&invite.operation).expect("it is held");
            if removals
                .iter()
                .any(|removal| *removal != place && !self.charter.held()[place].saw(*removal))
            {
                closed.insert(invite.operation, InviteClosedWhy::Removal);
            }
            if invite.used >= invite.body.uses {
                closed.insert(invite.operation, InviteClosedWhy::Used);
            }
        }
        let mut notes: Vec<usize> = self
            .inside()
            .filter(|place| self.standing.contains(*place))
            .filter(|place| matches!(self.charter.held()[*place].act, Act::InviteClosed(_)))
            .collect();
        notes.sort_by_key(|place| (self.charter.held()[*place].depth, self.rank(*place)));
        for place in notes {
            if let Act::InviteClosed(body) = &self.charter.held()[place].act {
                closed.entry(body.invite).or_insert(body.why);
            }
        }
        for (id, why) in closed {
            if let Some(invite) = roster.invites.get_mut(&id) {
                invite.closed = Some(why);
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
