//! One connection, from its `Up` to its `Down`.

use std::collections::BTreeMap;

use super::quota::Bucket;
use super::remains::Spent;
use super::token::TokenId;
use crate::boundary::Timestamp;
use crate::identity::{MailboxId, Nonce};

/// What a relay knows of a connection.
#[derive(Debug)]
pub(super) struct Session {
    /// What the far end signs in its proofs.
    pub(super) ours: Nonce,
    /// The far end's, once it said `Hello`.
    pub(super) theirs: Option<Nonce>,
    /// When it is closed unless it shows what it is here for.
    pub(super) deadline: Option<Timestamp>,
    /// Mailboxes whose keys it proved, open here or not.
    pub(super) proven: BTreeMap<MailboxId, Wish>,
    /// The link that it last showed.
    pub(super) vouched: Option<Vouched>,
    /// What it put into old mailboxes.
    pub(super) spent: Spent,
    pub(super) bad_proofs: u32,
    pub(super) asked_card: bool,
    flow_in: Bucket,
    flow_out: Bucket,
}

/// A valid link of a token, as a connection showed it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vouched {
    pub(super) token: TokenId,
    pub(super) number: u16,
}

/// What the holder of a mailbox's key wants to be told, and whether others may know of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) push: bool,
    pub(super) listed: bool,
}

impl Session {
    pub(super) fn new(ours: Nonce, now: Timestamp, deadline: Timestamp, rate: u64) -> Self {
        Self {
            ours,
            theirs: None,
            deadline: Some(deadline),
            proven: BTreeMap::new(),
            vouched: None,
            spent: Spent::default(),
            bad_proofs: 0,
            asked_card: false,
            flow_in: Bucket::full(now, rate),
            flow_out: Bucket::full(now, rate),
        }
    }

    pub(super) fn refill(&mut self, now: Timestamp, rate: u64) {
        self.flow_in.refill(now, rate);
        self.flow_out.refill(now, rate);
    }

    /// It showed what it is here for (U-162).
    pub(super) fn admit(&mut self) {
        self.deadline = None;
    }

    pub(super) fn is_late(&self, now: Timestamp) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }

    pub(super) fn may_send(&self, bytes: usize) -> bool {
        self.flow_in.has(bytes)
    }

    pub(super) fn owe(&mut self, bytes: usize) {
        self.flow_in.owe(bytes);
    }

    pub(super) fn may_be_sent(&self, bytes: usize) -> bool {
        self.flow_out.has(bytes)
    }

    pub(super) fn owe_sent(&mut self, bytes: usize) {
        self.flow_out.owe(bytes);
    }

    pub(super) fn is_flooding(&self, rate: u64) -> bool {
        self.flow_in.is_flooded(rate)
    }
}
