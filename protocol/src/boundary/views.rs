//! Circles, people and talk as a person sees them.

use super::{Admit, CircleRef, Notices, Timestamp, Wants};
use crate::circle::votes::What;
use crate::identity::{CircleId, EpochId, MemberId, MessageId, OperationId, Peer, RequestId};
use crate::invite::InviteCode;
use crate::threshold::{Threshold, Verdict};

/// A governing act of one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActView {
    /// The operation.
    pub id: OperationId,
    /// How far it came: waiting, or with a relay. [`Event::Circle`](super::Event::Circle) tells of a change.
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
    /// [`Event::Circle`](super::Event::Circle) tells of a change.
    pub posted: Mark,
    /// How many ask to be let in.
    pub waiting_room: usize,
    /// Whether this home tells of nothing new in it.
    pub muted: bool,
    /// How this home tells of something new in it; `None`: as of every circle.
    pub notices: Option<Notices>,
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
    /// The epoch that this member speaks in.
    pub epoch: Option<EpochId>,
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
    /// Whether the person here compared six words with them.
    pub verified: bool,
    /// Whether the person here does not want to read them.
    pub blocked: bool,
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
        /// What they gave as reason.
        reason: Option<String>,
    },
    /// A member sent different messages for one place; all are shown.
    Differs {
        /// Who.
        who: MemberId,
        /// The pseudonym.
        name: String,
    },
    /// A member's program opened more epochs than it may; told to hosts.
    Exceeds {
        /// Who.
        who: MemberId,
        /// The pseudonym.
        name: String,
    },
    /// A member has a role from then on, or no more.
    Role {
        /// Who.
        who: MemberId,
        /// The pseudonym.
        name: String,
        /// Which.
        role: String,
        /// Whether it begins.
        given: bool,
    },
    /// The circle is asked, or has decided.
    Vote {
        /// By which proposal.
        id: OperationId,
        /// The pseudonym of who asked.
        name: String,
        /// In that one's words.
        text: String,
        /// What it came to; with the question, nothing.
        verdict: Option<Verdict>,
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

/// Where a vote stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoteState {
    /// Ballots are cast.
    Open,
    /// It is closed, and not enough have acknowledged a count yet.
    Counting,
    /// It came to this.
    Decided(Verdict),
    /// It came to nothing in time, and can be asked again.
    Lapsed,
}

/// A vote. Who has the list of ballots can count again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoteView {
    /// Which.
    pub id: OperationId,
    /// In the proposer's words.
    pub text: String,
    /// Who asked, with the name.
    pub by: (MemberId, String),
    /// When, by that one's clock, if it says so.
    pub made_at: Option<Timestamp>,
    /// Of what kind.
    pub what: What,
    /// Whom it is about, with the name.
    pub about: Option<(MemberId, String)>,
    /// Which role it gives.
    pub role: Option<String>,
    /// Which name the circle gets.
    pub name: Option<String>,
    /// Until when ballots are cast.
    pub closes_at: Timestamp,
    /// When it is counted without the ballots of all.
    pub settles_at: Timestamp,
    /// What carries it.
    pub threshold: Threshold,
    /// All who may vote, with their names.
    pub electorate: Vec<(MemberId, String)>,
    /// What was chosen; once it is decided, what was counted.
    pub ballots: Vec<BallotView>,
    /// One's own choice.
    pub mine: Option<u8>,
    /// Where it stands.
    pub state: VoteState,
    /// How far came what lies on the boards from here.
    pub posted: Mark,
}

/// One elector's choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BallotView {
    /// Whose.
    pub who: MemberId,
    /// The name.
    pub name: String,
    /// What, by its number.
    pub choice: u8,
}
