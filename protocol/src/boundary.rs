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
use crate::identity::{CircleId, MemberId, MessageId, OperationId, Peer, RequestId, TokenLink};
use crate::invite::InviteCode;

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
    /// Close the connection with a peer: it misbehaved.
    Disconnect {
        /// Where.
        link: Link,
        /// With whom.
        peer: Peer,
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

/// How newcomers are let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admit {
    /// Somebody with the right says yes.
    Ask,
    /// Whoever holds the code is let in by any member's node.
    Open,
}

/// A relay as a person wrote its address down (U-147).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RelayAddress {
    /// Binary multiaddrs without `/p2p`, one to three.
    pub addresses: Vec<Vec<u8>>,
    /// The relay's key.
    pub key: Peer,
    /// The admission token, which only hosts are given.
    pub token: Option<[u8; 16]>,
}

/// What a person says, before it is a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// 1 to 8,192 bytes.
    pub text: String,
    /// The message that is answered.
    pub reply_to: Option<MessageId>,
    /// The answer that is wished for.
    pub wants: Option<Wants>,
    /// What a reader may want to know beforehand.
    pub note: Option<String>,
    /// Names this act, so that a repeat says nothing twice (U-104): a hash of key and body.
    pub once: Option<[u8; 32]>,
}

/// The answer that an author wishes for (D-19).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// To be heard.
    Listen,
    /// What others lived through.
    Experience,
    /// Advice.
    Advice,
}

/// Names a circle of this home, or a join attempt that has not become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CircleRef {
    /// A circle.
    Circle(CircleId),
    /// A join attempt.
    Join(RequestId),
}

/// What a person or script wants. The API resolves labels and names first, so ids are exact here.
#[derive(Clone, Debug)]
pub enum Command {
    /// Found a circle. Answer: [`Answer::Circle`].
    CircleNew {
        /// The label here, and the name on join cards; 1 to 40 characters.
        name: String,
        /// The founder's pseudonym.
        handle: String,
        /// A shipped template's name.
        template: String,
        /// At most 4.
        relays: Vec<RelayAddress>,
        /// How newcomers are let in.
        admit: Admit,
        /// How long talk is kept, in seconds; `None`: as the template says.
        retention_s: Option<u64>,
        /// Whether members may link directly.
        direct: bool,
        /// Whether to use the suite for thin links.
        thin: bool,
    },
    /// All circles and join attempts. Answer: [`Answer::Circles`].
    Circles,
    /// Add a relay. Answer: [`Answer::Circle`].
    RelayAdd {
        /// Where.
        circle: CircleId,
        /// The relay.
        relay: RelayAddress,
    },
    /// Remove a relay. Answer: [`Answer::Circle`].
    RelayRemove {
        /// Where.
        circle: CircleId,
        /// The relay.
        key: Peer,
    },
    /// Change the label of a circle in this home. Answer: [`Answer::Circle`].
    Relabel {
        /// Where.
        circle: CircleRef,
        /// The new label.
        label: String,
    },
    /// Forget a circle or join attempt on this device. Answer: [`Answer::Done`].
    Wipe {
        /// Which.
        circle: CircleRef,
    },
    /// Make an invite. Answer: [`Answer::Invite`], the only one with a code.
    InviteNew {
        /// Where.
        circle: CircleId,
        /// 1 to 50; open: at most 5.
        uses: u8,
        /// Seconds from now, 300 to 2,592,000.
        expires_s: u64,
        /// How who comes with it is let in.
        admit: Admit,
        /// For the waiting room; stays among those who read the board.
        label: Option<String>,
    },
    /// All invites of a circle. Answer: [`Answer::Invites`].
    Invites {
        /// Where.
        circle: CircleId,
    },
    /// Take an invite back. Answer: [`Answer::Invite`].
    InviteRevoke {
        /// Where.
        circle: CircleId,
        /// Which.
        invite: OperationId,
    },
    /// Look at what a code leads to. Answer: [`Answer::Join`], and [`Event::Join`] later.
    JoinPreview {
        /// The code.
        code: InviteCode,
    },
    /// Ask to be let in, by a code; goes on until there is an answer. Answer: [`Answer::Join`].
    Join {
        /// The code.
        code: InviteCode,
        /// The pseudonym there.
        handle: String,
        /// The label here; `None`: the circle's name.
        label: Option<String>,
    },
    /// All join attempts that have no circle yet. Answer: [`Answer::Joins`].
    Joins,
    /// Who waits to be let in. Answer: [`Answer::Waiting`].
    Waiting {
        /// Where.
        circle: CircleId,
    },
    /// Let somebody in. Answer: [`Answer::Waiting`] with the one.
    Admit {
        /// Where.
        circle: CircleId,
        /// Whom.
        request: RequestId,
    },
    /// Do not let somebody in. Answer: [`Answer::Waiting`] with the one.
    Decline {
        /// Where.
        circle: CircleId,
        /// Whom.
        request: RequestId,
        /// Whether to say nothing to them.
        silent: bool,
    },
    /// Say something. Answer: [`Answer::Said`].
    Say {
        /// Where.
        circle: CircleId,
        /// What.
        draft: Draft,
    },
    /// Read what was said, oldest first. Answer: [`Answer::Entries`].
    Read {
        /// Where.
        circle: CircleId,
        /// Only what was received at or after this time.
        since: Option<Timestamp>,
        /// Only what was not read yet.
        unread: bool,
        /// Only what lies before this place on the screen.
        before: Option<Vec<u8>>,
        /// Only what lies after this place on the screen.
        after: Option<Vec<u8>>,
        /// The newest so many; 0 = all.
        limit: usize,
        /// Whether to move the reading place to the end.
        mark_read: bool,
    },
    /// One message of one's own with its mark. Answer: [`Answer::Said`].
    Mark {
        /// Where.
        circle: CircleId,
        /// Which.
        message: MessageId,
    },
    /// Who belongs. Answer: [`Answer::Members`].
    Members {
        /// Where.
        circle: CircleId,
    },
    /// Give a role, or take it back. Answer: [`Answer::Governed`].
    Role {
        /// Where.
        circle: CircleId,
        /// Whose.
        who: MemberId,
        /// The role's name, one that the template knows; at most 24 bytes.
        role: String,
        /// Given, or taken back.
        grant: bool,
        /// When what is given ends by itself.
        end: Option<Timestamp>,
    },
    /// End somebody else's membership. Answer: [`Answer::Governed`].
    Remove {
        /// Where.
        circle: CircleId,
        /// Whose.
        who: MemberId,
        /// What the circle's record says of it; at most 200 bytes.
        reason: Option<String>,
    },
    /// Set aside for a while what somebody says from now on (D-37). Answer: [`Answer::Governed`].
    Hold {
        /// Where.
        circle: CircleId,
        /// Whom.
        who: MemberId,
        /// Seconds from now, 60 to 259,200; 0 lifts a hold.
        for_s: u64,
    },
    /// End one's own membership; once it has ended, the same answer again. Answer: [`Answer::Governed`].
    Leave {
        /// Where.
        circle: CircleId,
        /// Whether the only host may go, so that nobody governs the circle any more.
        end: bool,
    },
    /// A new card, a new epoch and a new board at once, for who fears that a copy of the keys is out.
    /// Answer: [`Answer::Circle`].
    Refresh {
        /// Where.
        circle: CircleId,
    },
    /// An operation of one's own, with its mark. Answer: [`Answer::Governed`].
    Governed {
        /// Where.
        circle: CircleId,
        /// Which.
        operation: OperationId,
    },
}

/// A governing act of one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActView {
    /// The operation.
    pub id: OperationId,
    /// How far it came: waiting, or with a relay. [`Event::Circle`] tells of a change.
    pub mark: Mark,
    /// Invites that it closed.
    pub invites_closed: usize,
    /// Whether it does nothing until another host says the same.
    pub needs_second: bool,
}

/// How far a message of one's own has come; it rises on another party's acknowledgement only (P2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// Stored here.
    Waiting,
    /// A relay has it.
    Relayed,
    /// At least one member has it.
    Received,
}

/// Where a membership stands (U-31).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Asked to be let in.
    Asking,
    /// In.
    Member,
    /// In, and what is said is set aside for a while (D-37). Of members only, not of circles.
    Held,
    /// Left.
    Left,
    /// Removed.
    Removed,
    /// The circle, or the attempt, is over.
    Ended,
}

/// A relay of a circle, as seen from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayView {
    /// Binary multiaddrs.
    pub addresses: Vec<Vec<u8>>,
    /// Its key; `None` while only the tag of a code is known.
    pub key: Option<Peer>,
    /// Whether it is connected and serves this circle.
    pub up: bool,
    /// The card that it showed, as the operator wrote it.
    pub card: Option<RelayCard>,
    /// Whether only this device uses it.
    pub local: bool,
}

/// What a relay says about itself (U-177).
#[derive(Clone, Debug, PartialEq, Eq, Default, minicbor::Encode, minicbor::Decode)]
#[cbor(map)]
pub struct RelayCard {
    /// Who runs it; at most 80 characters.
    #[n(1)]
    pub operator: String,
    /// How to reach them; at most 120.
    #[n(2)]
    pub contact: String,
    /// Two letters.
    #[n(3)]
    pub country: String,
    /// Where the machine stands; at most 80.
    #[n(4)]
    pub hosting: String,
    /// At most 500.
    #[n(5)]
    pub statement: String,
    /// `token` or `public`.
    #[n(6)]
    pub mode: String,
    /// How long it keeps things, in seconds.
    #[n(7)]
    pub age_s: u64,
    /// Bytes a token may store.
    #[n(8)]
    pub quota_bytes: u64,
    /// Its program's version.
    #[n(9)]
    pub version: String,
    /// When the card was made, ms since 1970.
    #[n(10)]
    pub made_at: u64,
}

/// A circle as this home sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircleView {
    /// The circle, or the attempt that has not become one.
    pub id: CircleRef,
    /// The label here.
    pub label: String,
    /// The name that its founder gave it.
    pub name: String,
    /// Its template's name; empty while unknown.
    pub template: String,
    /// Where this membership stands.
    pub standing: Standing,
    /// This member's pseudonym.
    pub me: String,
    /// This member.
    pub member: Option<MemberId>,
    /// Names of this member's roles.
    pub roles: Vec<String>,
    /// How many belong.
    pub members: usize,
    /// Names of the hosts.
    pub hosts: Vec<String>,
    /// Messages after the reading place.
    pub unread: usize,
    /// Messages of one's own that no relay and no member has yet.
    pub queued: usize,
    /// How far came what this member put on the circle's boards: waiting, or with a relay.
    /// [`Event::Circle`] tells of a change.
    pub posted: Mark,
    /// How many ask to be let in.
    pub waiting_room: usize,
    /// Its relays.
    pub relays: Vec<RelayView>,
    /// When this member joined.
    pub joined_at: Option<Timestamp>,
    /// What the circle says about itself.
    pub about: String,
    /// Its rules.
    pub rules: Vec<String>,
    /// How newcomers are let in.
    pub admit: Admit,
    /// How long talk is kept, in seconds.
    pub retention_s: Option<u64>,
    /// Whether members may link directly.
    pub direct: bool,
    /// Whether it was founded for thin links.
    pub thin: bool,
    /// First digits of the epoch that this member speaks in.
    pub epoch: Option<String>,
    /// Whether another copy of this home goes on, and this one says nothing.
    pub other_copy: bool,
}

/// An invite as members of the circle see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteView {
    /// Which.
    pub id: OperationId,
    /// The label that its maker gave it.
    pub label: Option<String>,
    /// Its maker's name.
    pub made_by: String,
    /// When it was made, by its maker's clock.
    pub made_at: Timestamp,
    /// How many may use it.
    pub uses: u8,
    /// How many have.
    pub used: u8,
    /// When it ends.
    pub expires_at: Timestamp,
    /// How who comes with it is let in.
    pub admit: Admit,
    /// Where it stands.
    pub state: InviteState,
    /// Whether a relay knows it.
    pub registered: bool,
    /// The code, shown once, when it is made.
    pub code: Option<InviteCode>,
}

/// Where an invite stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteState {
    /// It can be used.
    Live,
    /// It was used as often as it may.
    Used,
    /// Its time is over.
    Expired,
    /// It was taken back.
    Revoked,
}

/// A join attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinView {
    /// This attempt.
    pub id: RequestId,
    /// Where it stands.
    pub state: JoinState,
    /// The circle, once the join card was read.
    pub circle_id: Option<CircleId>,
    /// This member, once in.
    pub member_id: Option<MemberId>,
    /// The label here.
    pub label: Option<String>,
    /// The pseudonym asked with.
    pub handle: String,
    /// The circle's name, once the join card was read.
    pub circle_name: Option<String>,
    /// Its template's name.
    pub template: Option<String>,
    /// How newcomers are let in.
    pub admit: Option<Admit>,
    /// Six words, to be compared with whoever admits.
    pub words: Vec<String>,
    /// The card of the relay that was reached.
    pub relay_card: Option<RelayCard>,
    /// The circle's rules.
    pub rules: Vec<String>,
    /// Whether a relay was reached.
    pub reached: bool,
}

/// Where a join attempt stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JoinState {
    /// The relay has not answered yet.
    Looking,
    /// The join card was read; nothing was asked.
    Previewed,
    /// Asked to be let in.
    Asked,
    /// In.
    Member,
    /// Over, and why.
    Over(JoinEnd),
}

/// Why a join attempt ended without a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinEnd {
    /// The circle did not let this one in.
    Declined,
    /// The invite was used as often as it may.
    Used,
    /// Its time was over.
    Expired,
    /// It was taken back.
    Revoked,
    /// The relay does not know it.
    Unknown,
    /// The circle has as many members as it may.
    Full,
    /// Another relay answers at the address.
    RelayMismatch,
    /// What stands at the rendezvous does not belong to the code.
    NotGenuine,
}

/// Somebody who asks to be let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestView {
    /// Which request.
    pub id: RequestId,
    /// The pseudonym.
    pub name: String,
    /// When it was seen here.
    pub asked_at: Timestamp,
    /// The invite that was used.
    pub invite: OperationId,
    /// Its label.
    pub invite_label: Option<String>,
    /// Six words, to be compared.
    pub words: Vec<String>,
    /// Where it stands.
    pub state: RequestState,
    /// The member, once admitted.
    pub member: Option<MemberId>,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestState {
    /// Nobody has answered.
    Waiting,
    /// Admitted, and the welcome is not at a relay yet.
    Admitting,
    /// In.
    Admitted,
    /// Not let in.
    Declined,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberView {
    /// Who.
    pub id: MemberId,
    /// The pseudonym.
    pub name: String,
    /// Whether this is oneself.
    pub me: bool,
    /// Names of roles.
    pub roles: Vec<String>,
    /// Of roles that were given for a time, when that ends.
    pub terms: Vec<(String, Timestamp)>,
    /// When this node learned of the admission.
    pub joined_at: Timestamp,
    /// Where the membership stands.
    pub standing: Standing,
    /// Names of hosts who want this host removed, as long as no second one says so.
    pub removal_by: Vec<String>,
}

/// One line of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place on the screen: places sort as lines do, and serve as cursor.
    pub place: Vec<u8>,
    /// The message or operation; `None` for a gap.
    pub id: Option<[u8; 32]>,
    /// What it is.
    pub kind: EntryKind,
    /// Who it is by.
    pub author: Option<MemberId>,
    /// Their pseudonym.
    pub author_name: Option<String>,
    /// Whether it is one's own.
    pub own: bool,
    /// When it was said, by its author's clock; never after it was received.
    pub said_at: Option<Timestamp>,
    /// When it came here.
    pub received_at: Timestamp,
    /// When it is forgotten.
    pub expires_at: Option<Timestamp>,
    /// How far it came; on one's own only.
    pub delivery: Option<Delivery>,
}

/// How far a message of one's own came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// How far.
    pub mark: Mark,
    /// How many members have it.
    pub received_by: usize,
    /// How many other members there were when it was said.
    pub members: usize,
}

/// What a line of a conversation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// Something said.
    Said {
        /// The words.
        text: String,
        /// What it answers.
        reply_to: Option<MessageId>,
        /// The answer wished for.
        wants: Option<Wants>,
        /// What a reader may want to know beforehand.
        note: Option<String>,
    },
    /// A short answer to something said.
    Support {
        /// What it answers.
        to: MessageId,
        /// One of [`crate::message::SUPPORTS`].
        words: String,
    },
    /// A member joined.
    Joined {
        /// Who.
        who: MemberId,
        /// The pseudonym.
        name: String,
    },
    /// A member left or was removed.
    Left {
        /// Who.
        who: MemberId,
        /// The pseudonym.
        name: String,
        /// Whether others did it.
        removed: bool,
    },
    /// Made with a newer version.
    Newer {
        /// The kind's number.
        number: u8,
    },
    /// Something is missing (U-44).
    Gap {
        /// Which gap.
        id: [u8; 16],
        /// How many messages, if that is known; 0: filled.
        count: Option<u64>,
        /// Why.
        cause: GapCause,
        /// Who is being asked.
        asking: Vec<String>,
        /// Since when.
        since: Timestamp,
    },
}

/// Why something is missing: one of six, never unknown (P2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapCause {
    /// Others are being asked.
    Asking,
    /// The key has not come yet.
    KeyComing,
    /// It was said before this member came.
    NotAMemberThen,
    /// The circle does not keep it any more.
    Forgotten,
    /// It came damaged.
    Damaged,
    /// Made with a newer version.
    NewerVersion,
}

/// The answer to a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Nothing more to say.
    Done,
    /// One circle.
    Circle(CircleView),
    /// Circles and join attempts.
    Circles(Vec<CircleView>),
    /// One invite.
    Invite(InviteView),
    /// Invites.
    Invites(Vec<InviteView>),
    /// A join attempt.
    Join(JoinView),
    /// Join attempts.
    Joins(Vec<JoinView>),
    /// Requests to be let in.
    Waiting(Vec<RequestView>),
    /// A message of one's own.
    Said {
        /// Which.
        id: MessageId,
        /// When it was said.
        said_at: Timestamp,
        /// How far it came.
        delivery: Delivery,
    },
    /// Lines of a conversation, oldest first.
    Entries(Vec<Entry>),
    /// Members.
    Members(Vec<MemberView>),
    /// A governing act of one's own.
    Governed(ActView),
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
