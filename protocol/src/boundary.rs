//! The door of the machines: everything that goes in and everything that comes out.
//!
//! **The contract.** Whoever drives a machine calls `handle` with all inputs that came while the last
//! batch was being carried out, and gets one batch back. It carries the batch out in this order:
//! new keys, saves and erasures as one atomic write, flush, then sends and answers and notices, then
//! destroyed keys. If the write or the flush fails it drops the whole batch, and restores the machine
//! from the store. It calls `handle` again, with no input if need be, when `next_wake` has come.
//!
//! A machine never waits, never blocks, and learns of time, chance and stored things from [`Env`] only.

use rand_core::CryptoRng;

use crate::crypto::Secret;
use crate::error::CommandError;
use crate::identity::{CircleId, MessageId, OperationId, Peer, TokenLink};

mod command;
mod views;

pub use command::{
    Admit, Answer, Asked, CircleRef, Command, Draft, NewVote, Notices, RelayAddress, Wants,
};
pub use views::{
    ActView, BallotView, CircleView, Delivery, Entry, EntryKind, GapCause, InviteState, InviteView,
    JoinEnd, JoinState, JoinView, Mark, MemberView, RelayCard, RelayView, RequestState,
    RequestView, Standing, VoteState, VoteView,
};

/// Milliseconds since 1970 by this computer's clock, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// This moment and `ms` milliseconds.
    #[must_use]
    pub fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; 0 if it is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whole days since 1970.
    #[must_use]
    pub fn day(self) -> u32 {
        u32::try_from(self.0 / DAY_MS).unwrap_or(u32::MAX)
    }

    /// Whole hours since 1970.
    #[must_use]
    pub fn hour(self) -> u32 {
        u32::try_from(self.0 / HOUR_MS).unwrap_or(u32::MAX)
    }
}

/// Milliseconds of an hour.
pub const HOUR_MS: u64 = 3_600_000;
/// Milliseconds of a day.
pub const DAY_MS: u64 = 24 * HOUR_MS;
/// A clock that goes back by more than this was wrong, or is: whoever drives a machine restores it then, since
/// all that it waits for would come late.
pub const SET_BACK_MS: u64 = 2 * HOUR_MS;

/// What a machine may look at while it handles inputs.
pub struct Env<'a> {
    /// This computer's clock.
    pub now: Timestamp,
    /// The caller's generator of randomness.
    pub rng: &'a mut dyn CryptoRng,
    /// What is saved.
    pub store: &'a dyn Store,
}

impl std::fmt::Debug for Env<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Env").field("now", &self.now).finish_non_exhaustive()
    }
}

/// A drawer of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Room {
    /// Circles and join attempts of this home, one record each.
    Circles = 1,
    /// Charter operations, by arrival.
    Operations = 2,
    /// Openings with the entry of this device, by arrival.
    Openings = 3,
    /// Cards of members, by arrival.
    Cards = 4,
    /// Messages, by their place on the screen.
    Messages = 5,
    /// Envelopes kept to be served, by arrival.
    Envelopes = 6,
    /// What is known of devices: counters, acknowledgements.
    Devices = 7,
    /// Settings and places of this device in a circle.
    Local = 8,
    /// Answers given to idempotency keys.
    Once = 9,
    /// Relay: mailboxes.
    Mailboxes = 10,
    /// Relay: tokens.
    Tokens = 11,
}

/// Where a value lies: a drawer, the circle or mailbox it belongs to, and a place in it.
///
/// `owner` never reaches the disk in clear; `place` does, so that ranges can be read in order, and
/// must tell nothing about people: arrival numbers, times, hashes keyed by nobody else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The drawer.
    pub room: Room,
    /// Circle, join attempt or mailbox; zeros where there is none.
    pub owner: [u8; 32],
    /// The place in the drawer, in reading order; at most 64 bytes.
    pub place: Vec<u8>,
}

/// A value to be saved, and the key that it is sealed under at rest.
#[derive(Clone, PartialEq, Eq)]
pub struct Value {
    /// The plain bytes, sealed by the storage.
    pub bytes: Vec<u8>,
    /// The slot of the day key that dies with this value; `None`: the home's own key.
    pub under: Option<KeySlot>,
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Value({} bytes)", self.bytes.len())
    }
}

/// What kind of secret a slot of the key file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SlotKind {
    /// The root secret of the home.
    Root = 1,
    /// An epoch's secret.
    Epoch = 2,
    /// A board's secret.
    Board = 3,
    /// Seal key and speak key of one of this device's cards, 64 bytes.
    Card = 4,
    /// The key of a circle and a day on which things expire; `id` starts with the day, big-endian.
    Day = 5,
    /// The secrets of an invite that this device made or joins by.
    Invite = 6,
    /// A relay's token as its operator gave it.
    Token = 7,
    /// What the mailbox pair of an ended epoch grows from.
    Mailbox = 8,
}

/// A slot of the key file: one secret that can be destroyed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeySlot {
    /// What lies in it.
    pub kind: SlotKind,
    /// The circle, or zeros.
    pub owner: [u8; 32],
    /// Which one.
    pub id: [u8; 32],
}

/// Reading what was saved. Writing goes through [`Output`] alone.
pub trait Store {
    /// The value at `key`.
    fn get(&self, key: &Key) -> Option<Vec<u8>>;
    /// Up to `limit` places and values of one drawer and owner, from `from` on, in order of place;
    /// with `backwards` the last ones before `from` (all, if `from` is empty), newest first.
    fn scan(
        &self,
        room: Room,
        owner: &[u8; 32],
        from: &[u8],
        backwards: bool,
        limit: usize,
    ) -> Vec<(Vec<u8>, Vec<u8>)>;
    /// All secrets of the key file.
    fn secrets(&self) -> Vec<(KeySlot, Secret)>;
    /// Whether what is saved is known to be older than the key file.
    fn is_behind(&self) -> bool {
        false
    }
}

/// One circle's swarm, or one join attempt's; nothing crosses from one to another (P6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link(pub u64);

/// How a relay is told apart from an impostor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RelayKey {
    /// Its whole key.
    Known(Peer),
    /// The first 16 bytes of the SHA-256 of its key: all that a code has room for (U-140).
    Tag([u8; 16]),
}

impl RelayKey {
    /// Whether `peer` is the relay that is meant.
    #[must_use]
    pub fn fits(&self, peer: &Peer) -> bool {
        match self {
            Self::Known(key) => key == peer,
            Self::Tag(tag) => crate::crypto::sha256(&peer.0)[..16] == tag[..],
        }
    }
}

/// Whom to stay connected with, until told otherwise. The driver reconnects after every cut.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Contact {
    /// A relay, at any of these binary multiaddrs (without `/p2p`).
    Relay {
        /// Binary multiaddrs.
        addresses: Vec<Vec<u8>>,
        /// Who must answer there.
        key: RelayKey,
        /// Whether to ask it for a reservation, so that members can reach this node through it.
        reserve: bool,
    },
    /// A member, over a circuit through a relay that is connected.
    Circuit {
        /// The relay.
        through: Peer,
        /// The member.
        to: Peer,
    },
}

/// A gossip topic: the labelled hash of a mailbox, written in hex on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(pub [u8; 32]);

/// What becomes of a gossiped envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Good and new: pass it on.
    Accept,
    /// Not for this node to judge: drop it.
    Ignore,
    /// Somebody misbehaved: drop it and score down who sent it.
    Reject,
}

/// Names one asked question, so that its answer finds back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What goes into a machine.
#[derive(Debug)]
pub enum Input {
    /// A connection stands and both sides can send frames on it.
    Up {
        /// Where.
        link: Link,
        /// With whom.
        peer: Peer,
        /// This side's own key on that link, made afresh for each run.
        me: Peer,
        /// Whether this node reached it as a relay (dialed directly, not over a circuit).
        relay: bool,
    },
    /// A connection is gone.
    Down {
        /// Where.
        link: Link,
        /// With whom.
        peer: Peer,
    },
    /// A contact could not be reached this time; the driver goes on trying.
    Unreachable {
        /// Where.
        link: Link,
        /// Who.
        to: Contact,
        /// Whether somebody else answered there.
        impostor: bool,
    },
    /// One frame of the mailbox protocol.
    Frame {
        /// Where.
        link: Link,
        /// From whom.
        peer: Peer,
        /// At most [`crate::mailbox::MAX_FRAME`] bytes.
        bytes: Vec<u8>,
    },
    /// One gossiped envelope, held back until its [`Output::Verdict`].
    Gossip {
        /// Where.
        link: Link,
        /// Under which topic.
        topic: Topic,
        /// The driver's name for it.
        id: u64,
        /// The envelope.
        bytes: Vec<u8>,
    },
    /// Something a person or script wants.
    Command {
        /// Comes back with the answer.
        ticket: Ticket,
        /// What is wanted.
        command: Command,
    },
}

/// Why a machine closes a connection. It is the far end's fault, and only that connection suffers (H-23).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// It said what is no packet, makes no sense, or proves nothing.
    Nonsense,
    /// It speaks another version of the protocol (H-18).
    Version,
    /// It sends too much, or there is no room for one more.
    Excess,
    /// It is not the relay that is meant.
    Impostor,
    /// It showed nothing that it is here for.
    Idle,
    /// The token that it came by was taken back.
    Revoked,
}

impl Cause {
    /// The word of the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Nonsense => "nonsense",
            Self::Version => "version",
            Self::Excess => "excess",
            Self::Impostor => "impostor",
            Self::Idle => "idle",
            Self::Revoked => "revoked",
        }
    }
}

/// What comes out of a machine.
#[derive(Debug, PartialEq)]
pub enum Output {
    /// Put a secret into the key file, synced before anything is saved.
    MakeKey(KeySlot, Secret),
    /// Save a value.
    Save(Key, Value),
    /// Erase a value.
    Erase(Key),
    /// Stay connected.
    Connect {
        /// Where; the first mention of a link makes its swarm, with a fresh key.
        link: Link,
        /// With whom.
        to: Contact,
    },
    /// Give up a contact and its connection.
    Leave {
        /// Where.
        link: Link,
        /// With whom.
        to: Contact,
    },
    /// Close the connection with a peer.
    Disconnect {
        /// Where.
        link: Link,
        /// With whom.
        peer: Peer,
        /// Why, for the log.
        cause: Cause,
    },
    /// Send a frame. If the peer's queue is full the driver drops the connection, and says `Down`.
    Send {
        /// Where.
        link: Link,
        /// To whom.
        peer: Peer,
        /// The frame.
        bytes: Vec<u8>,
    },
    /// Take part in a topic.
    Subscribe {
        /// Where.
        link: Link,
        /// Which.
        topic: Topic,
    },
    /// Leave a topic.
    Unsubscribe {
        /// Where.
        link: Link,
        /// Which.
        topic: Topic,
    },
    /// Gossip an envelope.
    Publish {
        /// Where.
        link: Link,
        /// Under which topic.
        topic: Topic,
        /// The envelope.
        bytes: Vec<u8>,
    },
    /// Judge a gossiped envelope.
    Verdict {
        /// Where.
        link: Link,
        /// The driver's name for it.
        id: u64,
        /// What becomes of it.
        judgement: Judgement,
    },
    /// Close a swarm and forget its key.
    Forget {
        /// Which.
        link: Link,
    },
    /// The answer to a command. After the flush, so it can be relied on.
    Answer {
        /// The command's.
        ticket: Ticket,
        /// What came of it.
        answer: Result<Answer, CommandError>,
    },
    /// Something that a person or script may want to know.
    Notify(Event),
    /// What is saved counts as the newest from now on: what had to follow from its being put back is in
    /// this batch. Carried out once that was flushed.
    Renewed,
    /// Destroy a secret in the key file, after everything else.
    DestroyKey(KeySlot),
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A new line of a conversation.
    Message {
        /// Where.
        circle: CircleId,
        /// The line.
        entry: Entry,
    },
    /// A mark rose.
    Mark {
        /// Where.
        circle: CircleId,
        /// Which message.
        id: MessageId,
        /// How far it came.
        delivery: Delivery,
    },
    /// Somebody asks to be let in, or was answered.
    Waiting {
        /// Where.
        circle: CircleId,
        /// Who.
        request: RequestView,
    },
    /// A circle changed: members, relays, invites, name, standing.
    Circle {
        /// Which.
        circle: CircleId,
    },
    /// A join attempt moved on.
    Join(JoinView),
    /// An operation of this circle's charter was taken in.
    Operation {
        /// Where.
        circle: CircleId,
        /// Which.
        id: OperationId,
        /// Whether it is about a vote.
        votes: bool,
    },
}

/// A link of a token's chain with its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Removals since the token was given.
    pub number: u16,
    /// H applied 256 − number times to the token.
    pub link: TokenLink,
}
