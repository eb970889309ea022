//! What connections without the current link put into old mailboxes.
//!
//! A removed member keeps the keys of the mailboxes that it read. What it puts there may take a small
//! part of the circle's room, and takes it from itself: whoever put most gives way first.

use std::collections::{BTreeMap, VecDeque};

use crate::boundary::Timestamp;
use crate::identity::{EnvelopeId, MailboxId, Peer};

use super::quota::Hourly;

/// Bytes an hour that an old mailbox takes from one connection without the current link.
pub(super) const OLD_AN_HOUR: u32 = 64 << 10;
/// Part of a token's quota that all of these together may fill; a guess: with the usual quota, what
/// one connection puts in four days.
pub(super) const OLD_PART: u64 = 16;
/// Ids of dropped envelopes that are remembered, so that members who hold them do not put them back; a
/// guess.
const MAX_DROPPED: usize = 1_024;

/// What one connection put into old mailboxes within the hour.
#[derive(Debug, Default)]
pub(super) struct Spent(BTreeMap<MailboxId, Hourly>);

impl Spent {
    /// Takes so many bytes of a mailbox's hour, if they are left.
    pub(super) fn take(&mut self, mailbox: MailboxId, size: usize, now: Timestamp) -> bool {
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        self.0.entry(mailbox).or_default().take(now, size, OLD_AN_HOUR)
    }
}

/// An envelope in an old mailbox, and who put it there.
#[derive(Debug)]
struct Left {
    by: Peer,
    size: u64,
    /// Counts what came.
    order: u64,
}

/// All that one token pays for in old mailboxes, as far as it came without the current link since this
/// relay started.
#[derive(Debug, Default)]
pub(super) struct Remains {
    left: BTreeMap<(MailboxId, EnvelopeId), Left>,
    bytes: u64,
    came: u64,
    dropped: VecDeque<EnvelopeId>,
}

impl Remains {
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn add(&mut self, at: (MailboxId, EnvelopeId), by: Peer, size: u64) {
        self.came += 1;
        self.bytes += size;
        self.left.insert(at, Left { by, size, order: self.came });
    }

    /// Takes note that an envelope is gone.
    pub(super) fn forget(&mut self, at: (MailboxId, EnvelopeId)) {
        if let Some(left) = self.left.remove(&at) {
            self.bytes -= left.size;
        }
    }

    /// What gives way, if `by` puts `size` bytes more: the oldest of whoever then has put most; of
    /// several who have, of `by`.
    pub(super) fn first_to_go(&self, by: Peer, size: u64) -> Option<(MailboxId, EnvelopeId)> {
        let mut sums = BTreeMap::from([(by, size)]);
        for left in self.left.values() {
            *sums.entry(left.by).or_default() += left.size;
        }
        let (most, _) = sums.into_iter().max_by_key(|(peer, sum)| (*sum, *peer == by))?;
        let of = self.left.iter().filter(|(_, left)| left.by == most);
        of.min_by_key(|(_, left)| left.order).map(|(at, _)| *at)
    }

    /// Remembers that an envelope gave way.
    pub(super) fn dropped(&mut self, id: EnvelopeId) {
        self.dropped.push_back(id);
        if self.dropped.len() > MAX_DROPPED {
            self.dropped.pop_front();
        }
    }

    pub(super) fn gave_way(&self, id: &EnvelopeId) -> bool {
        self.dropped.contains(id)
    }
}
