//! How much a relay takes from whom, and how fast (U-160, U-163, P7).

use std::collections::VecDeque;

use crate::boundary::{DAY_MS, HOUR_MS, Timestamp};
use crate::envelope::MAX_ENVELOPE;
use crate::mailbox::Refusal;

const MIB: u64 = 1 << 20;

/// Limits that an operator sets; the defaults are those of U-160, proposed there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Connections that prove one mailbox.
    pub connections_per_mailbox: usize,
    /// Bytes a second in each direction, all peers together.
    pub bytes_per_second: u64,
    /// Bytes a second in each direction of one peer.
    pub bytes_per_second_peer: u64,
    /// Bytes of envelopes in all.
    pub store: u64,
    /// Bytes of envelopes of one token, where the token says nothing else.
    pub store_per_token: u64,
    /// Mailboxes that one token holds open.
    pub mailboxes_per_token: usize,
    /// Bytes of one envelope.
    pub envelope: usize,
    /// How long envelopes are kept, in milliseconds.
    pub age_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_per_mailbox: 128,
            bytes_per_second: 32 * MIB,
            bytes_per_second_peer: 4 * MIB,
            store: 2048 * MIB,
            store_per_token: 100 * MIB,
            mailboxes_per_token: 1024,
            envelope: MAX_ENVELOPE,
            age_ms: 30 * DAY_MS,
        }
    }
}

impl Limits {
    /// The first hour that is still kept (R-30: age counts from an envelope's hour).
    pub(super) fn first_hour(&self, now: Timestamp) -> u32 {
        let age = u32::try_from(self.age_ms / HOUR_MS).unwrap_or(u32::MAX);
        now.hour().saturating_sub(age)
    }
}

/// A token bucket: so many bytes a second, and two seconds' worth at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    level: i64,
    at: Timestamp,
}

impl Bucket {
    pub(super) fn full(now: Timestamp, rate: u64) -> Self {
        let level = burst(rate);
        Self { level, at: now }
    }

    pub(super) fn refill(&mut self, now: Timestamp, rate: u64) {
        let gained = rate.saturating_mul(now.since(self.at)) / 1000;
        let gained = i64::try_from(gained).unwrap_or(i64::MAX);
        self.level = self.level.saturating_add(gained).min(burst(rate));
        self.at = now;
    }

    /// Whether `bytes` are there to be taken.
    pub(super) fn has(&self, bytes: usize) -> bool {
        self.level >= cost(bytes)
    }

    /// Takes what is owed, whether it is there or not.
    pub(super) fn owe(&mut self, bytes: usize) {
        self.level = self.level.saturating_sub(cost(bytes));
    }

    /// Whether more is owed than could ever be taken at once: a flood.
    pub(super) fn is_flooded(&self, rate: u64) -> bool {
        self.level < -burst(rate)
    }
}

fn cost(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Two seconds' worth, but always a few envelopes of the largest size.
fn burst(rate: u64) -> i64 {
    i64::try_from(rate.saturating_mul(2).max(4 * MIB)).unwrap_or(i64::MAX)
}

/// Counts within the running hour.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hourly {
    hour: u32,
    count: u32,
}

impl Hourly {
    /// Takes so many of `limit` an hour, if they are left.
    pub(super) fn take(&mut self, now: Timestamp, count: u32, limit: u32) -> bool {
        if self.hour != now.hour() {
            *self = Self { hour: now.hour(), count: 0 };
        }
        let left = count <= limit.saturating_sub(self.count);
        self.count += if left { count } else { 0 };
        left
    }
}

/// What a relay has done since it started: counts that name nobody (U-165).
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) accepted: u64,
    pub(super) served: u64,
    pub(super) expired: u64,
    pub(super) rounds: u64,
    refused: [u64; REFUSALS.len()],
    /// Refusals of the last 60 minutes, by minute.
    recent: VecDeque<(u64, u64)>,
}

/// Each refusal with its word (U-163), in the order of their numbers.
pub const REFUSALS: [(Refusal, &str); 8] = [
    (Refusal::Closed, "closed"),
    (Refusal::Size, "size"),
    (Refusal::Rate, "rate"),
    (Refusal::Token, "token"),
    (Refusal::Store, "store"),
    (Refusal::Full, "full"),
    (Refusal::Age, "age"),
    (Refusal::Proof, "proof"),
];

impl Tally {
    pub(super) fn refuse(&mut self, why: Refusal, now: Timestamp) {
        if let Some(at) = REFUSALS.iter().position(|(refusal, _)| *refusal == why) {
            self.refused[at] += 1;
        }
        let minute = now.0 / 60_000;
        match self.recent.back_mut() {
            Some((last, count)) if *last == minute => *count += 1,
            _ => self.recent.push_back((minute, 1)),
        }
        if self.recent.len() > 60 {
            self.recent.pop_front();
        }
    }

    pub(super) fn refused_by_word(&self) -> Vec<(&'static str, u64)> {
        let words = REFUSALS.iter().map(|(_, word)| *word);
        words.zip(self.refused).collect()
    }

    pub(super) fn refused_hour(&self, now: Timestamp) -> u64 {
        let minute = now.0 / 60_000;
        let recent = self.recent.iter();
        recent.filter(|(at, _)| minute.saturating_sub(*at) < 60).map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P7
    #[test]
    fn a_bucket_gives_two_seconds_at_once_and_then_its_rate() {
        let mut bucket = Bucket::full(Timestamp(0), 4 * MIB);
        assert!(bucket.has(8 << 20));
        bucket.owe(8 << 20);
        assert!(!bucket.has(1));
        bucket.refill(Timestamp(500), 4 * MIB);
        assert!(bucket.has(2 << 20));
        assert!(!bucket.has((2 << 20) + 1));
        bucket.refill(Timestamp(0), 4 * MIB);
        assert!(!bucket.has((2 << 20) + 1), "a clock set back gives nothing");
    }
}
