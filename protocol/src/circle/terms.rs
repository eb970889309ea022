//! Terms of roles (R-12, R-15, D-26): over at once by this node's clock, and for all by an operation.
//!
//! The fold reads no clock, so a role counts there until an operation of kind 68 says that its term is
//! over. A node that looks at its own clock holds nobody for a host or steward past the end, and writes
//! that operation if nobody did.

use super::Circle;
use super::charter::{Act, RoleLapsedBody};
use crate::batch::Batch;
use crate::boundary::{Env, Event, Timestamp};
use crate::identity::{MemberId, OperationId};

/// Within so long after the end somebody says so: each node after a while of its own, so that not all
/// do; a guess.
const LAPSE_MS: u64 = 60_000;
/// When is tried again what could not be written; a guess.
const AGAIN_MS: u64 = 10_000;

/// Terms of which this node may have to say that they are over.
#[derive(Debug, Default)]
pub(super) struct Terms {
    unsaid: Vec<(OperationId, u64)>,
    /// ms since 1970.
    not_before: u64,
}

impl Circle {
    /// Takes note of the time: what waited for it is taken, and terms that are over end.
    pub(crate) fn look_at_clock(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        let ids = self.charter.at(env.now);
        if self.roster.end_terms(env.now) {
            self.tell_what_happened(env, batch);
            batch.notify(Event::Circle { circle: self.id });
        }
        if !ids.is_empty() {
            self.keep_operations(batch, &ids);
            self.find_waited(env, ids);
            self.settle(env, batch);
        }
    }

    /// When a term ends, what waits for its time can be taken, or this node says that a term is over.
    pub(super) fn next_term(&self, able: bool) -> Option<Timestamp> {
        let now = self.charter.now();
        let ends = self.roster.terms().map(|(.., end)| Timestamp(end)).filter(|end| *end > now);
        let unsaid = self.terms.unsaid.iter().filter(|_| able);
        let says = unsaid.map(|(grant, end)| self.says_at(grant, *end));
        ends.chain(says).chain(self.charter.next_wake()).min()
    }

    /// D-26: says that terms are over, where nobody did.
    pub(super) fn say_what_ended(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        let due =
            self.terms.unsaid.iter().filter(|(grant, end)| self.says_at(grant, *end) <= env.now);
        let acts: Vec<Act> =
            due.map(|(grant, _)| Act::RoleLapsed(RoleLapsedBody { grant: *grant })).collect();
        if !acts.is_empty() {
            self.terms.not_before = env.now.plus(AGAIN_MS).0;
            // What cannot be written now is written at the next look.
            let _ = self.act(env, batch, &acts);
        }
    }

    /// Finds the grants for a time of which nobody said that the term is over; or nobody who had seen all
    /// that the holder did before this node heard of the end, which would fall without a fuller word.
    pub(super) fn find_terms(&mut self) {
        let held = self.charter.held().iter().enumerate();
        let unsaid = held.filter_map(|(place, grant)| {
            let Act::Role(body) = &grant.act else { return None };
            let end = body.end.filter(|_| body.to != self.me)?;
            let counts = self.roster.standing.contains(&grant.id);
            (counts && !self.is_said(place, body.to)).then_some((grant.id, end))
        });
        self.terms.unsaid = unsaid.collect();
    }

    fn is_said(&self, grant: usize, holder: MemberId) -> bool {
        let held = self.charter.held();
        let id = held[grant].id;
        let says = |at: &usize| {
            matches!(&held[*at].act, Act::RoleLapsed(body) if body.grant == id)
                && held[*at].saw(grant)
                && held[*at].operation.author != holder
        };
        let lapses: Vec<usize> = (grant..held.len()).filter(says).collect();
        let Some(first) = lapses.first() else { return false };
        lapses.iter().any(|at| held[*at].operation.author == self.me)
            || (grant..*first)
                .filter(|at| held[*at].operation.author == holder)
                .all(|at| lapses.iter().any(|lapse| held[*lapse].saw(at)))
    }

    /// So long after the end, by chance of its own, this node says so, or tries again.
    fn says_at(&self, grant: &OperationId, end: u64) -> Timestamp {
        let chance = u64::from(self.me.0[0] ^ grant.0[0]);
        Timestamp(end).plus(chance * LAPSE_MS / 256).max(Timestamp(self.terms.not_before))
    }
}
