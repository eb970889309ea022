//! How much one member may write into the charter in what time (R-16, P7).

use std::collections::BTreeMap;

use crate::boundary::{DAY_MS, Timestamp};
use crate::identity::MemberId;
use crate::planted::{Planted, is_planted};

/// Bytes a day. One rate for everybody: what somebody may do is folded from the charter, and what the charter
/// takes cannot depend on that.
const RATE: u64 = 256 << 10;
/// Bytes that are saved up, and that may be owed: 30 days' worth.
pub(super) const SAVED: u64 = 30 * RATE;
/// What an operation costs beside its bytes: it takes place in the past of all that follow.
const FORM: u64 = 1 << 10;

/// What each author may still write. Whoever is not in it has saved up all.
#[derive(Clone, Debug, Default)]
pub(super) struct Rates(BTreeMap<MemberId, Allowance>);

#[derive(Clone, Copy, Debug)]
struct Allowance {
    /// Bytes above the deepest debt.
    above: u64,
    at: Timestamp,
}

impl Rates {
    /// What an operation of so many bytes costs.
    pub(super) fn cost(bytes: usize) -> u64 {
        FORM + bytes as u64
    }

    /// Whether this author has saved up so much; or may owe it, where others need what was written.
    pub(super) fn affords(&self, who: &MemberId, cost: u64, owing: bool, now: Timestamp) -> bool {
        is_planted(Planted::WritesUnlimited)
            || self.above(who, now) >= cost + if owing { 0 } else { SAVED }
    }

    /// When this author will have saved up so much.
    pub(super) fn when(&self, who: &MemberId, cost: u64, now: Timestamp) -> Timestamp {
        let lacks = (cost + SAVED).saturating_sub(self.above(who, now));
        now.plus(lacks.saturating_mul(DAY_MS).div_ceil(RATE))
    }

    /// Takes the cost of what was taken in. Nobody owes more than 30 days' worth.
    pub(super) fn spend(&mut self, who: MemberId, cost: u64, now: Timestamp) {
        let above = self.above(&who, now).saturating_sub(cost);
        self.0.insert(who, Allowance { above, at: now });
    }

    fn above(&self, who: &MemberId, now: Timestamp) -> u64 {
        self.0.get(who).map_or(2 * SAVED, |allowance| {
            let since = now.since(allowance.at);
            let saved = u128::from(since) * u128::from(RATE) / u128::from(DAY_MS);
            let saved = u64::try_from(saved).unwrap_or(u64::MAX);
            allowance.above.saturating_add(saved).min(2 * SAVED)
        })
    }
}
