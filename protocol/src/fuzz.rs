//! The fuzzer's door: what is read from others and has no public type. No program has it.

use minicbor::{Decode, Encode};

use crate::admission::{ClosingNote, JoinCard, RendezvousItem, Request, RequestBody, Welcome};
use crate::circle::again::PairText;
use crate::circle::board::{self, Entry, InviteKeys};
use crate::circle::charter::{Act, Charter, FoundBody, Taken};
use crate::circle::roster::{Roster, fold};
use crate::crypto::KeyPair;
use crate::identity::{CircleId, MemberId};
use crate::signed::Signed;
use crate::wire;

/// Reads a form, and writes what was read.
pub type Again = fn(&[u8]) -> Option<Vec<u8>>;

/// Reads a value, and writes what was read.
#[must_use]
pub fn again<T: Encode<()> + for<'b> Decode<'b, ()>>(bytes: &[u8]) -> Option<Vec<u8>> {
    wire::decode::<T>(bytes).map(|value| wire::encode(&value))
}

/// What one envelope of a board holds, and what stands there alone.
pub const BOARD: [Again; 3] = [
    |bytes| board::decode(bytes).map(|items| board::encode(&items)),
    again::<Entry>,
    again::<InviteKeys>,
];

/// What lies at a rendezvous, and what is signed inside it.
pub const RENDEZVOUS: [Again; 6] = [
    again::<RendezvousItem>,
    again::<JoinCard>,
    again::<ClosingNote>,
    again::<Request>,
    again::<RequestBody>,
    again::<Welcome>,
];

/// What a pair copy holds.
pub const PAIR: Again = again::<PairText>;

/// A charter as one node has it.
#[derive(Debug)]
pub struct Log(Charter);

/// What a charter comes to, to be compared.
#[derive(Debug, PartialEq, Eq)]
pub struct Folded(Roster);

impl Log {
    /// An empty charter.
    #[must_use]
    pub fn new(circle: CircleId) -> Self {
        Self(Charter::new(circle))
    }

    /// Signs a `found`.
    #[must_use]
    pub fn found(body: FoundBody, pair: &KeyPair) -> (CircleId, Signed) {
        Charter::found(body, pair)
    }

    /// Signs an operation over all heads that are here.
    #[must_use]
    pub fn sign(&self, act: &Act, pair: &KeyPair) -> Signed {
        self.0.sign(act, pair)
    }

    /// Takes an operation; true if it is in now.
    pub fn take(&mut self, signed: Signed) -> bool {
        matches!(self.0.take(signed), Taken::In(_))
    }

    /// All operations, each after its past.
    #[must_use]
    pub fn operations(&self) -> Vec<Signed> {
        self.0.held().iter().map(|held| held.signed.clone()).collect()
    }

    /// What it comes to.
    #[must_use]
    pub fn fold(&self) -> Folded {
        Folded(fold(&self.0, &self.0.all()))
    }
}

impl Folded {
    /// Who belongs.
    #[must_use]
    pub fn members(&self) -> Vec<MemberId> {
        self.0.ids()
    }

    /// Whether a member has this role.
    #[must_use]
    pub fn is(&self, who: &MemberId, role: &str) -> bool {
        self.0.members.get(who).is_some_and(|person| person.roles.contains(role))
    }

    /// How many operations count.
    #[must_use]
    pub fn standing(&self) -> usize {
        self.0.standing.len()
    }
}
