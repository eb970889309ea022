//! The charter: the signed, hash-linked log of what a circle agreed on.
//!
//! It holds operations whose past is whole. What names operations that are not here yet waits,
//! bounded. The roster is folded from it by [`super::roster::fold`].

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

use super::card::VerifiedCard;
use super::rates::Rates;
use super::roster::MAX_MEMBERS;
use super::votes::{BallotBody, HostLostBody, ProposalBody, TallyAckBody, TallyBody};
use crate::boundary::{DAY_MS, Timestamp};
use crate::crypto::{Label, Suite};
use crate::identity::{
    CircleId, InviteId, MemberId, Nonce, OperationId, Peer, PublicKey, Signature,
};
use crate::planted::{Planted, is_planted};
use crate::signed::Signed;
use crate::wire::{self, Bytes};

/// Largest operation.
pub const MAX_OPERATION: usize = 48 << 10;
/// Most heads that an operation names; who holds more joins some first.
pub const MAX_PARENTS: usize = 200;
/// Operations that wait for their past, their time, or for room in what their author may write.
const MAX_WAITING: usize = 1_024;

/// Before the clock is set, while what was taken in once is read back: all of it has come, and all counts.
const RESTORING: Timestamp = Timestamp(u64::MAX);
/// More than an operation has beside its body and its parents.
const MAX_FRAME: usize = 128;

/// What a charter operation says.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Operation {
    /// Its circle; [`CircleId::NONE`] in `found`, whose hash is the circle.
    #[n(0)]
    pub circle: CircleId,
    /// Who signed it.
    #[n(1)]
    pub author: MemberId,
    /// 1 + the author's highest in its past.
    #[n(2)]
    pub seq: u32,
    /// All heads that the author held.
    #[n(3)]
    pub parents: Vec<OperationId>,
    /// Its kind's number.
    #[n(4)]
    pub kind: u8,
    /// Version of the body.
    #[n(5)]
    pub rev: u8,
    /// Whether who does not know the kind stops voting and acting in a role.
    #[n(6)]
    pub critical: bool,
    /// An encoded [`Act`].
    #[n(7)]
    pub body: Bytes,
}

/// The body of an operation, by kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// 64: name and template of the circle.
    Circle(CircleBody),
    /// 67: gives or resigns a role.
    Role(RoleBody),
    /// 68: says that a role's term is over.
    RoleLapsed(RoleLapsedBody),
    /// 70: asks all for a decision.
    Proposal(Box<ProposalBody>),
    /// 71: what somebody chooses.
    Ballot(BallotBody),
    /// 72: counts the ballots.
    Tally(TallyBody),
    /// 73: takes a count for the one that counts.
    TallyAck(TallyAckBody),
    /// 74: sets aside what somebody says, for a while.
    Hold(HoldBody),
    /// 75: ends a membership.
    Removal(RemovalBody),
    /// 81: backs what another member began.
    Cosign(CosignBody),
    /// 82: founds the circle.
    Found(Box<FoundBody>),
    /// 83: lets a member in.
    Admit(Box<AdmitBody>),
    /// 84: opens an invite.
    Invite(InviteBody),
    /// 85: closes an invite.
    InviteClosed(InviteClosedBody),
    /// 86: the circle's relays.
    Relays(RelaysBody),
    /// 87: how the circle lets in and keeps.
    Policy(PolicyBody),
    /// 88: says that no host was heard of for long.
    HostLost(HostLostBody),
    /// 89: joins heads.
    Join,
    /// A kind that this version does not know.
    Unknown(u8),
}

/// Body of kind 64.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CircleBody {
    /// Counts changes.
    #[n(1)]
    pub rev: u32,
    /// The circle's name; at most 128 bytes.
    #[n(2)]
    pub name: String,
    /// The template's TOML text; at most 32,768 bytes.
    #[n(3)]
    pub template: String,
    /// The tally of the vote that decided it.
    #[n(4)]
    pub source: Option<OperationId>,
}

/// Body of kind 67.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RoleBody {
    /// Given, or resigned.
    #[n(1)]
    pub grant: bool,
    /// The role's name; at most 24 bytes.
    #[n(2)]
    pub role: String,
    /// Who holds it.
    #[n(3)]
    pub to: MemberId,
    /// When its term ends, ms since 1970; of what is given only.
    #[n(4)]
    pub end: Option<u64>,
    /// The tally of the vote that gave it; of what is given only.
    #[n(5)]
    pub source: Option<OperationId>,
}

/// Body of kind 68.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RoleLapsedBody {
    /// The operation that gave the role.
    #[n(1)]
    pub grant: OperationId,
}

/// Body of kind 74.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct HoldBody {
    /// Whose talk.
    #[n(1)]
    pub who: MemberId,
    /// Placed, or lifted.
    #[n(2)]
    pub place: bool,
    /// When it ends by itself, ms since 1970.
    #[n(3)]
    pub until: u64,
}

/// Body of kind 75.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RemovalBody {
    /// Whose membership ends.
    #[n(1)]
    pub who: MemberId,
    /// Why: by vote 0, emergency 1, left 2.
    #[n(2)]
    pub mode: u8,
    /// What the record says of it; at most 200 bytes.
    #[n(3)]
    pub reason: Option<String>,
    /// The tally of the vote that decided it.
    #[n(4)]
    pub source: Option<OperationId>,
}

/// Body of kind 81.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CosignBody {
    /// The operation that it backs.
    #[n(1)]
    pub of: OperationId,
}

/// Body of kind 82.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FoundBody {
    /// So that no two circles are one.
    #[n(1)]
    pub nonce: Nonce,
    /// The suite's number.
    #[n(2)]
    pub suite: u8,
    /// The founder's name.
    #[n(3)]
    pub handle: String,
    /// The founder's first card.
    #[n(4)]
    pub card: Signed,
    /// The founder's pseudonym key.
    #[n(5)]
    pub key: PublicKey,
}

/// Body of kind 83.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AdmitBody {
    /// The newcomer's pseudonym key.
    #[n(1)]
    pub key: PublicKey,
    /// The newcomer's name.
    #[n(2)]
    pub handle: String,
    /// The newcomer's first card.
    #[n(3)]
    pub card: Signed,
    /// The operation that opened the invite.
    #[n(4)]
    pub invite: Option<OperationId>,
}

/// Body of kind 84.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct InviteBody {
    /// Which; unique per author.
    #[n(1)]
    pub id: InviteId,
    /// The rendezvous mailbox.
    #[n(2)]
    pub mailbox: PublicKey,
    /// The key that requests prove.
    #[n(3)]
    pub proof: PublicKey,
    /// 1 to 50; open: 1 to 5.
    #[n(4)]
    pub uses: u8,
    /// When it ends, ms since 1970.
    #[n(5)]
    pub expires: u64,
    /// Whether any member lets in who comes with it.
    #[n(6)]
    pub open: bool,
    /// When it was made, ms since 1970, by its maker's clock.
    #[n(7)]
    pub made: u64,
}

/// Why an invite was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum InviteClosedWhy {
    /// Taken back.
    #[n(0)]
    Revoked,
    /// Used as often as it may.
    #[n(1)]
    Used,
    /// Its time is over.
    #[n(2)]
    Expired,
    /// A removal closed it.
    #[n(3)]
    Removal,
}

/// Body of kind 85.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct InviteClosedBody {
    /// The operation that opened it.
    #[n(1)]
    pub invite: OperationId,
    /// Why.
    #[n(2)]
    pub why: InviteClosedWhy,
}

/// Body of kind 86.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RelaysBody {
    /// Counts changes.
    #[n(1)]
    pub rev: u32,
    /// At most 4.
    #[n(2)]
    pub relays: Vec<RelayBody>,
}

/// One relay of a circle.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RelayBody {
    /// Binary multiaddrs without `/p2p`; at most 3.
    #[n(0)]
    pub addresses: Vec<Bytes>,
    /// Its key.
    #[n(1)]
    pub key: Peer,
    /// A link of its token's chain.
    #[n(2)]
    pub link: Option<crate::identity::TokenLink>,
    /// The link's number.
    #[n(3)]
    pub number: u16,
    /// The token, sealed to each host's card; at most 8.
    #[n(4)]
    pub tokens: Vec<Bytes>,
}

/// Body of kind 87.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PolicyBody {
    /// Counts changes.
    #[n(1)]
    pub rev: u32,
    /// Whether invites let in without being asked about, unless they say otherwise.
    #[n(2)]
    pub open: bool,
    /// How long talk is kept, in seconds; `None`: for ever.
    #[n(3)]
    pub retention_s: Option<u64>,
    /// Whether members may link directly.
    #[n(4)]
    pub direct: bool,
    /// Days after which an epoch is opened anew (R-25 e).
    #[n(5)]
    pub epoch_days: u16,
    /// Days for which an ended epoch is still read.
    #[n(6)]
    pub late_days: u16,
}

impl Act {
    /// The kind's number.
    #[must_use]
    pub fn kind(&self) -> u8 {
        match self {
            Self::Circle(_) => 64,
            Self::Role(_) => 67,
            Self::RoleLapsed(_) => 68,
            Self::Proposal(_) => 70,
            Self::Ballot(_) => 71,
            Self::Tally(_) => 72,
            Self::TallyAck(_) => 73,
            Self::Hold(_) => 74,
            Self::Removal(_) => 75,
            Self::Cosign(_) => 81,
            Self::Found(_) => 82,
            Self::Admit(_) => 83,
            Self::Invite(_) => 84,
            Self::InviteClosed(_) => 85,
            Self::Relays(_) => 86,
            Self::Policy(_) => 87,
            Self::HostLost(_) => 88,
            Self::Join => 89,
            Self::Unknown(kind) => *kind,
        }
    }

    /// The tally whose decision it carries out, if it names one.
    pub(super) fn source(&self) -> Option<OperationId> {
        match self {
            Self::Removal(body) => body.source,
            Self::Role(body) => body.source,
            Self::Circle(body) => body.source,
            _ => None,
        }
    }

    /// The encoded body; of a kind that is not known here, nothing.
    #[must_use]
    pub fn body(&self) -> Bytes {
        Bytes(match self {
            Self::Circle(body) => wire::encode(body),
            Self::Role(body) => wire::encode(body),
            Self::RoleLapsed(body) => wire::encode(body),
            Self::Proposal(body) => wire::encode(&**body),
            Self::Ballot(body) => wire::encode(body),
            Self::Tally(body) => wire::encode(body),
            Self::TallyAck(body) => wire::encode(body),
            Self::Hold(body) => wire::encode(body),
            Self::Removal(body) => wire::encode(body),
            Self::Cosign(body) => wire::encode(body),
            Self::Found(body) => wire::encode(&**body),
            Self::Admit(body) => wire::encode(&**body),
            Self::Invite(body) => wire::encode(body),
            Self::InviteClosed(body) => wire::encode(body),
            Self::Relays(body) => wire::encode(body),
            Self::Policy(body) => wire::encode(body),
            Self::HostLost(body) => wire::encode(body),
            Self::Join | Self::Unknown(_) => Vec::new(),
        })
    }

    /// Reads a body; `None` if it does not say what its kind has to (D-6).
    #[must_use]
    pub fn parse(kind: u8, rev: u8, body: &[u8]) -> Option<Self> {
        if rev != 1 {
            return Some(Self::Unknown(kind));
        }
        match kind {
            64 => wire::decode(body).map(Self::Circle),
            67 => wire::decode(body).map(Self::Role),
            68 => wire::decode(body).map(Self::RoleLapsed),
            70 => wire::decode(body).map(|body| Self::Proposal(Box::new(body))),
            71 => wire::decode(body).map(Self::Ballot),
            72 => wire::decode(body).map(Self::Tally),
            73 => wire::decode(body).map(Self::TallyAck),
            74 => wire::decode(body).map(Self::Hold),
            75 => wire::decode(body).map(Self::Removal),
            81 => wire::decode(body).map(Self::Cosign),
            82 => wire::decode(body).map(|body| Self::Found(Box::new(body))),
            83 => wire::decode(body).map(|body| Self::Admit(Box::new(body))),
            84 => wire::decode(body).map(Self::Invite),
            85 => wire::decode(body).map(Self::InviteClosed),
            86 => wire::decode(body).map(Self::Relays),
            87 => wire::decode(body).map(Self::Policy),
            88 => wire::decode(body).map(Self::HostLost),
            89 => body.is_empty().then_some(Self::Join),
            _ => Some(Self::Unknown(kind)),
        }
        .filter(Self::within_limits)
    }

    fn within_limits(&self) -> bool {
        match self {
            Self::Circle(body) => body.name.len() <= 128 && body.template.len() <= 32_768,
            Self::Role(body) => {
                let given = body.end.is_some() || body.source.is_some();
                body.role.len() <= 24 && (body.grant || !given)
            }
            Self::Proposal(body) => body.is_within_limits(),
            Self::Ballot(body) => body.why.as_ref().is_none_or(|why| why.len() <= 280),
            Self::Tally(body) => body.ballots.len() <= MAX_MEMBERS,
            Self::HostLost(body) => (1..=MAX_MEMBERS).contains(&body.who.len()),
            Self::Removal(body) => body.reason.as_ref().is_none_or(|why| why.len() <= 200),
            Self::Found(body) => body.handle.len() <= 128,
            Self::Admit(body) => body.handle.len() <= 128,
            Self::Invite(body) => (1..=if body.open { 5 } else { 50 }).contains(&body.uses),
            Self::Relays(body) => {
                body.relays.len() <= 4
                    && body.relays.iter().all(|relay| {
                        (1..=3).contains(&relay.addresses.len()) && relay.tokens.len() <= 8
                    })
            }
            Self::Policy(body) => {
                body.epoch_days >= 1
                    && body.late_days >= 1
                    && body.retention_s.is_none_or(|seconds| seconds >= 3_600)
            }
            _ => true,
        }
    }
}

/// What ends somebody's place is never held up by what anybody wrote before.
fn never_waits(act: &Act) -> bool {
    matches!(act, Act::Removal(_) | Act::Cosign(_))
}

/// An operation whose signature was verified and whose past is whole.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its id.
    pub id: OperationId,
    /// What it says.
    pub operation: Operation,
    /// Its body.
    pub act: Act,
    /// As it came.
    pub signed: Signed,
    /// The longest path from `found`.
    pub depth: u32,
    /// Whom it lets in: the founder, or who is admitted.
    pub lets_in: Option<MemberId>,
    /// All before it, by place in the charter.
    past: Places,
}

/// A set of places in the charter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places(Vec<u64>);

impl Places {
    pub(crate) fn insert(&mut self, place: usize) {
        let word = place / 64;
        self.0.resize(self.0.len().max(word + 1), 0);
        self.0[word] |= 1 << (place % 64);
    }

    pub(crate) fn contains(&self, place: usize) -> bool {
        self.0.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    fn extend(&mut self, other: &Self) {
        self.0.resize(self.0.len().max(other.0.len()), 0);
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine |= theirs;
        }
    }
}

/// What became of an operation that came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// These are in the charter now, in this order: it, and what had waited for it.
    In(Vec<OperationId>),
    /// It is here already.
    Known,
    /// It names what is not here yet.
    Waits,
    /// It is not one of this circle's.
    Refused,
}

/// The operations of one circle.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Charter {
    circle: CircleId,
    held: Vec<Held>,
    by_id: BTreeMap<OperationId, usize>,
    heads: BTreeSet<OperationId>,
    keys: BTreeMap<MemberId, PublicKey>,
    /// By id and signature: whether that is good is known only once the author is, and a copy with a
    /// bad one must not keep the good one out (H-7).
    waiting: BTreeMap<(OperationId, Signature), (Operation, Act, Signed)>,
    rates: Rates,
    /// What waits and somebody else's operation or opening names: it is taken though its author has written too
    /// much.
    called: BTreeSet<OperationId>,
    /// This node's clock, for operations that state a time and for what authors may write.
    now: Timestamp,
}

impl Charter {
    /// An empty charter of a circle.
    pub(crate) fn new(circle: CircleId) -> Self {
        Self {
            circle,
            held: Vec::new(),
            by_id: BTreeMap::new(),
            heads: BTreeSet::new(),
            keys: BTreeMap::new(),
            waiting: BTreeMap::new(),
            rates: Rates::default(),
            called: BTreeSet::new(),
            now: RESTORING,
        }
    }

    /// Signs a `found`; its id is the circle's.
    pub(crate) fn found(body: FoundBody, pair: &crate::crypto::KeyPair) -> (CircleId, Signed) {
        let act = Act::Found(Box::new(body));
        let operation = Operation {
            circle: CircleId::NONE,
            author: MemberId::of(&PublicKey(pair.public())),
            seq: 1,
            parents: Vec::new(),
            kind: act.kind(),
            rev: 1,
            critical: false,
            body: act.body(),
        };
        let signed = Signed::new(&operation, pair, Label::Operation, &CircleId::NONE);
        let id = signed.id(Label::Operation, &CircleId::NONE);
        (CircleId(id), signed)
    }

    /// Signs an operation over all heads that are here.
    pub(crate) fn sign(&self, act: &Act, pair: &crate::crypto::KeyPair) -> Signed {
        let author = MemberId::of(&PublicKey(pair.public()));
        let parents: Vec<OperationId> = self.heads.iter().take(MAX_PARENTS).copied().collect();
        let past = self.covered(&parents).expect("heads are held");
        let operation = Operation {
            circle: self.circle,
            author,
            seq: self.last_seq(&past, &author).saturating_add(1),
            parents,
            kind: act.kind(),
            rev: 1,
            critical: false,
            body: act.body(),
        };
        Signed::new(&operation, pair, Label::Operation, &self.circle)
    }

    /// Takes an operation that came from anywhere.
    pub(crate) fn take(&mut self, signed: Signed) -> Taken {
        if signed.content.0.len() > MAX_OPERATION {
            return Taken::Refused;
        }
        let Some(operation) = signed.decode::<Operation>() else {
            return Taken::Refused;
        };
        let Some(act) = Act::parse(operation.kind, operation.rev, &operation.body.0) else {
            return Taken::Refused;
        };
        let founds = matches!(act, Act::Found(_));
        let of = if founds { CircleId::NONE } else { self.circle };
        let id = OperationId(signed.id(Label::Operation, &of));
        let sorted = operation.parents.is_sorted_by(|a, b| a < b);
        if operation.circle != of
            || founds && id.0 != self.circle.0
            || founds != operation.parents.is_empty()
            || operation.parents.len() > MAX_PARENTS
            || !sorted
        {
            return Taken::Refused;
        }
        let at = (id, signed.signature);
        if self.by_id.contains_key(&id) || self.waiting.contains_key(&at) {
            return Taken::Known;
        }
        // Of whom it is not known yet the signature is verified later.
        let key = self.keys.get(&operation.author);
        if key.is_some_and(|key| !signed.is_by(key, Label::Operation, &of))
            && !is_planted(Planted::OperationUnsigned)
        {
            return Taken::Refused;
        }
        if !self.is_ready(&id, &operation, &act, &signed) {
            if self.makes_room_for(&operation.author) {
                self.waiting.insert(at, (operation, act, signed));
            }
            return Taken::Waits;
        }
        if !self.insert(id, operation, act, signed) {
            return Taken::Refused;
        }
        let mut taken = vec![id];
        taken.extend(self.take_waiting());
        Taken::In(taken)
    }

    /// Sets the clock, and takes what waited for its time: their ids, in order.
    pub(crate) fn at(&mut self, now: Timestamp) -> Vec<OperationId> {
        if self.now > now.plus(DAY_MS) {
            // A clock that was not set yet, or went back: nobody waits for the time between to pass again.
            self.rates = Rates::default();
        }
        self.now = now;
        self.take_waiting()
    }

    /// Takes what waits though it could be taken, since others name it: another operation, or one of these
    /// openings by their openers. Gives their ids, in order.
    pub(crate) fn call<'a>(
        &mut self,
        openings: impl Iterator<Item = (&'a MemberId, &'a [OperationId])>,
    ) -> Vec<OperationId> {
        if self.waiting.is_empty() {
            return Vec::new();
        }
        let mut called: Vec<OperationId> = Vec::new();
        for (opener, heads) in openings {
            called.extend(heads.iter().filter(|id| {
                self.waiting_for(id).is_some_and(|(operation, ..)| operation.author != *opener)
            }));
        }
        self.called.extend(called);
        self.take_waiting()
    }

    /// Whether this author's acts would all be taken now.
    pub(crate) fn allows(&self, who: &MemberId, acts: &[Act]) -> bool {
        let parents = self.heads.len().min(MAX_PARENTS) * 40;
        let cost = |act: &Act| Rates::cost(act.body().0.len() + parents + MAX_FRAME);
        let cost = acts.iter().filter(|act| !never_waits(act)).map(cost).sum();
        cost == 0 || self.rates.affords(who, cost, false, self.now)
    }

    fn waiting_for(&self, id: &OperationId) -> Option<&(Operation, Act, Signed)> {
        let from = (*id, Signature([0; 64]));
        self.waiting.range(from..).next().filter(|((at, _), _)| at == id).map(|(_, held)| held)
    }

    /// Whether one more of this author can wait: where there is no room, the last of whoever has most gives way.
    /// It comes again.
    fn makes_room_for(&mut self, author: &MemberId) -> bool {
        if self.waiting.len() < MAX_WAITING {
            return true;
        }
        let mut by: BTreeMap<MemberId, (usize, (OperationId, Signature))> = BTreeMap::new();
        for (at, (operation, ..)) in &self.waiting {
            let (count, last) = by.entry(operation.author).or_insert((0, *at));
            (*count, *last) = (*count + 1, *at);
        }
        let mine = by.get(author).map_or(0, |(count, _)| *count);
        match by.into_values().max_by_key(|(count, _)| *count) {
            Some((most, last)) if most > mine + 1 => self.waiting.remove(&last).is_some(),
            _ => false,
        }
    }

    fn take_waiting(&mut self) -> Vec<OperationId> {
        let mut taken = Vec::new();
        self.call_what_others_name();
        while let Some(at) = self
            .waiting
            .iter()
            .find(|((id, _), (operation, act, signed))| self.is_ready(id, operation, act, signed))
            .map(|(at, _)| *at)
        {
            let (operation, act, signed) = self.waiting.remove(&at).expect("found just now");
            if !self.by_id.contains_key(&at.0) && self.insert(at.0, operation, act, signed) {
                taken.push(at.0);
            }
        }
        taken
    }

    fn is_ready(
        &self,
        id: &OperationId,
        operation: &Operation,
        act: &Act,
        signed: &Signed,
    ) -> bool {
        let is_here = |parent| self.by_id.contains_key(parent);
        let has_come = |at| at <= self.now.0 || is_planted(Planted::TimeNotAwaited);
        let cost = Rates::cost(signed.content.0.len());
        operation.parents.iter().all(is_here)
            && self.states(act).is_none_or(has_come)
            && (never_waits(act)
                || self.now == RESTORING
                || self.rates.affords(&operation.author, cost, self.called.contains(id), self.now))
    }

    /// what a removal leans on, and what another member's operation names, is taken in any case.
    fn call_what_others_name(&mut self) {
        let mut todo: Vec<OperationId> = std::mem::take(&mut self.called).into_iter().collect();
        for (operation, act, _) in self.waiting.values() {
            let others = |id: &&OperationId| {
                self.waiting_for(id).is_some_and(|(named, ..)| named.author != operation.author)
            };
            let named = operation.parents.iter();
            todo.extend(named.filter(|id| never_waits(act) || others(id)));
        }
        let mut seen = BTreeSet::new();
        while let Some(id) = todo.pop() {
            if let Some((operation, ..)) = self.waiting_for(&id)
                && seen.insert(id)
            {
                todo.extend(&operation.parents);
            }
        }
        self.called = seen;
    }

    /// The time that an operation says has come.
    fn states(&self, act: &Act) -> Option<u64> {
        match act {
            Act::RoleLapsed(body) => match &self.get(&body.grant)?.act {
                Act::Role(role) => role.end,
                _ => None,
            },
            // D-27: a count before the close needs the ballots of all.
            Act::Tally(body) => match &self.get(&body.proposal)?.act {
                Act::Proposal(of) if body.ballots.len() < of.electorate.len() => Some(of.settles()),
                _ => None,
            },
            Act::HostLost(body) => Some(body.over()),
            _ => None,
        }
    }

    /// The clock as it was last set.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// When the next operation may be taken that waits only for its time.
    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        let whole = self.waiting.values().filter(|(operation, ..)| {
            operation.parents.iter().all(|parent| self.by_id.contains_key(parent))
        });
        let wakes = whole.map(|(operation, act, signed)| {
            let cost = Rates::cost(signed.content.0.len());
            let afforded = self.rates.when(&operation.author, cost, self.now);
            self.states(act).map_or(afforded, |at| afforded.max(Timestamp(at)))
        });
        wakes.min()
    }

    /// Inserts what is ready, if its author is known in its past and signed it.
    ///
    /// only what an operation names decides whether it is taken, never what else is here, so that
    /// every node takes the same ones.
    fn insert(&mut self, id: OperationId, operation: Operation, act: Act, signed: Signed) -> bool {
        let mut past = Places::default();
        let mut depth = 0;
        for parent in &operation.parents {
            let place = self.by_id[parent];
            past.extend(&self.held[place].past);
            past.insert(place);
            depth = depth.max(self.held[place].depth + 1);
        }
        let key = match &act {
            Act::Found(body) => Some(body.key),
            _ => self.key_in(&past, &operation.author),
        };
        let Some(key) = key.filter(|key| MemberId::of(key) == operation.author) else {
            return false;
        };
        let signs = signed.is_by(&key, Label::Operation, &operation.circle)
            || is_planted(Planted::OperationUnsigned);
        let follows = operation.seq == self.last_seq(&past, &operation.author).saturating_add(1)
            || is_planted(Planted::SeqUnchecked);
        if !signs || !follows || !self.bears_its_card(&act) {
            return false;
        }
        let newcomer = match &act {
            Act::Found(body) => Some(body.key),
            Act::Admit(body) => Some(body.key),
            _ => None,
        };
        let lets_in = newcomer.map(|key| MemberId::of(&key));
        self.keys.extend(lets_in.zip(newcomer));
        let cost = Rates::cost(signed.content.0.len());
        self.rates.spend(operation.author, cost, self.now);
        for parent in &operation.parents {
            self.heads.remove(parent);
        }
        self.heads.insert(id);
        self.by_id.insert(id, self.held.len());
        self.held.push(Held { id, operation, act, signed, depth, lets_in, past });
        true
    }

    /// The key of somebody who was let in within `past`.
    fn key_in(&self, past: &Places, member: &MemberId) -> Option<PublicKey> {
        let mut held = self.held.iter().enumerate();
        let known = held.any(|(place, held)| {
            held.lets_in == Some(*member)
                && (past.contains(place) || is_planted(Planted::PastUnchecked))
        });
        self.keys.get(member).filter(|_| known).copied()
    }

    fn last_seq(&self, past: &Places, author: &MemberId) -> u32 {
        let held = self.held.iter().enumerate();
        held.filter(|(place, held)| past.contains(*place) && held.operation.author == *author)
            .map(|(_, held)| held.operation.seq)
            .max()
            .unwrap_or(0)
    }

    /// Whether who is let in can be sealed to: somebody without a card would keep every opening from
    /// being made.
    fn bears_its_card(&self, act: &Act) -> bool {
        let (key, card, circle, suite) = match (act, self.held.first().map(|held| &held.act)) {
            (Act::Found(body), _) => (body.key, &body.card, CircleId::NONE, body.suite),
            (Act::Admit(body), Some(Act::Found(found))) => {
                (body.key, &body.card, self.circle, found.suite)
            }
            _ => return true,
        };
        Suite::from_number(suite)
            .is_some_and(|suite| VerifiedCard::verify(card.clone(), &key, &circle, suite).is_some())
            || is_planted(Planted::CardlessLetIn)
    }

    /// All operations, each after its past.
    pub(crate) fn held(&self) -> &[Held] {
        &self.held
    }

    pub(crate) fn get(&self, id: &OperationId) -> Option<&Held> {
        self.by_id.get(id).map(|place| &self.held[*place])
    }

    pub(crate) fn place(&self, id: &OperationId) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// Operations that nothing here names.
    pub(crate) fn heads(&self) -> &BTreeSet<OperationId> {
        &self.heads
    }

    /// The pseudonym key of anybody who was ever let in.
    pub(crate) fn key(&self, member: &MemberId) -> Option<&PublicKey> {
        self.keys.get(member)
    }

    /// Heads and all before them; `None` if one of them is not here.
    pub(crate) fn covered(&self, heads: &[OperationId]) -> Option<Places> {
        let mut places = Places::default();
        for head in heads {
            let place = self.place(head)?;
            places.extend(&self.held[place].past);
            places.insert(place);
        }
        Some(places)
    }

    /// Of these heads those that are here, and all before them.
    pub(crate) fn covered_by_known(&self, heads: &[OperationId]) -> Places {
        let known: Vec<OperationId> =
            heads.iter().filter(|head| self.by_id.contains_key(*head)).copied().collect();
        self.covered(&known).unwrap_or_default()
    }

    /// Whether something waits for what did not come.
    pub(crate) fn is_waiting(&self) -> bool {
        let is_here = |parent: &OperationId| {
            self.by_id.contains_key(parent) || self.waiting_for(parent).is_some()
        };
        self.waiting.values().any(|(operation, ..)| !operation.parents.iter().all(is_here))
    }

    /// Everything that is here.
    pub(crate) fn all(&self) -> Places {
        let mut places = Places::default();
        for place in 0..self.held.len() {
            places.insert(place);
        }
        places
    }
}

impl Held {
    /// Whether the operation at `place` is before this one.
    pub(crate) fn saw(&self, place: usize) -> bool {
        self.past.contains(place)
    }
}

#[cfg(test)]
pub(crate) mod tests;
