//! Lines that nobody said: who came and went, who has a role, what the circle is asked and has decided (U-43).
//!
//! They are drawn from what the fold says now and said before, so every node has its own, at the time at which it
//! learned of them. Only what cannot change is saved; the words of a vote and the reason of a removal are looked up.

use std::collections::{BTreeMap, BTreeSet};

use super::Circle;
use super::log::{Log, News, Place, Row};
use super::roster::{Person, Roster};
use crate::batch::Batch;
use crate::boundary::{Entry, EntryKind, Env, Event, Timestamp};
use crate::crypto::{Label, hash};
use crate::identity::{MemberId, OperationId};

/// What was told of the roster.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    members: BTreeSet<MemberId>,
    roles: BTreeSet<(MemberId, String)>,
    /// Whether each is decided.
    votes: BTreeMap<OperationId, bool>,
}

impl Told {
    /// What was told before this run began. A role may have ended since.
    pub(super) fn before(roster: &Roster, log: &Log) -> Self {
        let mut told = Self::of(roster);
        told.roles.extend(log.roles().cloned());
        told
    }

    /// All of it.
    fn of(roster: &Roster) -> Self {
        let roles = |(who, person): (&MemberId, &Person)| {
            let who = *who;
            person.roles.iter().map(move |role| (who, role.clone())).collect::<Vec<_>>()
        };
        Self {
            members: roster.members.keys().copied().collect(),
            roles: roster.members.iter().flat_map(roles).collect(),
            votes: roster.votes.iter().map(|(id, vote)| (*id, vote.decided.is_some())).collect(),
        }
    }
}

impl Circle {
    /// Tells what the roster says and did not say when it was told last.
    pub(super) fn tell_what_happened(&mut self, env: &Env<'_>, batch: &mut Batch) {
        if !self.is_in() {
            return;
        }
        let now = Told::of(&self.roster);
        let before = std::mem::take(&mut self.told);
        if before != now {
            self.tell_changes(env, batch, &before, &now);
        }
        self.told = now;
    }

    fn tell_changes(&mut self, env: &Env<'_>, batch: &mut Batch, before: &Told, now: &Told) {
        // A newcomer is told of its own coming, not of all that was before.
        let first = before.members.is_empty();
        let me = self.me;
        for who in now.members.difference(&before.members).filter(|who| !first || **who == me) {
            self.tell_of(env, batch, (*who, self.name_of(who)), News::Joined, None);
        }
        for who in before.members.difference(&now.members) {
            // what was heard of somebody before the removal was known counts, and is told.
            self.tell_heard_of(who);
            let Some(former) = self.roster.former.get(who).cloned() else { continue };
            let what = if former.removed { News::Removed } else { News::Left };
            self.tell_of(env, batch, (*who, former.handle), what, None);
        }
        if !first {
            self.tell_of_votes(env, batch, before, now);
            self.tell_of_roles(env, batch, before, now);
        }
        if before.members != now.members {
            batch.notify(Event::Circle { circle: self.id });
        }
    }

    fn tell_of_votes(&mut self, env: &Env<'_>, batch: &mut Batch, before: &Told, now: &Told) {
        for (id, decided) in &now.votes {
            let told = before.votes.get(id);
            let by = self.roster.votes[id].author;
            let rows = [(told.is_none(), false), (*decided && told != Some(&true), true)];
            for (_, decided) in rows.into_iter().filter(|(news, _)| *news) {
                self.put_down(batch, &Row::Vote { id: *id, by, at: env.now.0, decided });
            }
        }
    }

    fn tell_of_roles(&mut self, env: &Env<'_>, batch: &mut Batch, before: &Told, now: &Told) {
        let there = |(who, _): &&(MemberId, String)| now.members.contains(who);
        let ended =
            before.roles.difference(&now.roles).filter(there).map(|role| (News::Ended, role));
        let given = now.roles.difference(&before.roles).map(|role| (News::Given, role));
        for (what, (who, role)) in ended.chain(given) {
            self.tell_of(env, batch, (*who, self.name_of(who)), what, Some(role.clone()));
        }
    }

    /// A line about a member, of this kind.
    pub(super) fn tell_of(
        &mut self,
        env: &Env<'_>,
        batch: &mut Batch,
        (who, name): (MemberId, String),
        what: News,
        role: Option<String>,
    ) {
        self.put_down(batch, &Row::Membership { who, name, at: env.now.0, what, role });
    }

    fn put_down(&mut self, batch: &mut Batch, row: &Row) {
        if let Some(place) = self.log.note(batch, row)
            && let Some(entry) = self.happened(place, row)
        {
            batch.notify(Event::Message { circle: self.id, entry });
        }
    }

    /// What happened, as it lies on the screen. A vote that counts no more has no line.
    pub(super) fn happened(&self, place: Place, row: &Row) -> Option<Entry> {
        let id = |parts: &[&[u8]]| Some(hash(Label::Operation, &self.id, parts));
        let entry = |id, (who, name): (MemberId, String), at, kind| Entry {
            place,
            id,
            author: Some(who),
            author_name: Some(name),
            own: who == self.me,
            kind,
            said_at: None,
            received_at: Timestamp(at),
            expires_at: None,
            delivery: None,
        };
        match row {
            Row::Membership { who, name, at, what, role } => {
                let (who, name, at) = (*who, name.clone(), *at);
                let role = role.clone().unwrap_or_default();
                let id = id(&[&who.0, &at.to_be_bytes(), &[*what as u8], role.as_bytes()]);
                let by = (who, name.clone());
                Some(entry(
                    id,
                    by,
                    at,
                    match what {
                        News::Joined => EntryKind::Joined { who, name },
                        News::Differs => EntryKind::Differs { who, name },
                        News::Exceeds => EntryKind::Exceeds { who, name },
                        News::Given => EntryKind::Role { who, name, role, given: true },
                        News::Ended => EntryKind::Role { who, name, role, given: false },
                        News::Left => EntryKind::Left { who, name, removed: false, reason: None },
                        News::Removed => {
                            let former = self.roster.former.get(&who);
                            let reason = former.and_then(|former| former.reason.clone());
                            EntryKind::Left { who, name, removed: true, reason }
                        }
                    },
                ))
            }
            Row::Vote { id: vote, by, at, decided } => {
                let now = self.roster.votes.get(vote)?;
                let name = self.name_of(by);
                let verdict = now.decided.filter(|_| *decided);
                let text = now.body.text.clone();
                let id = id(&[&vote.0, &[u8::from(*decided)]]);
                let kind = EntryKind::Vote { id: *vote, name: name.clone(), text, verdict };
                Some(entry(id, (*by, name), *at, kind))
            }
            Row::Message { .. } | Row::Forgotten { .. } => None,
        }
    }
}
