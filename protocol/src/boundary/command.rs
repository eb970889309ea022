//! What persons and scripts ask of a machine, and what it answers.

use minicbor::{Decode, Encode};

use super::Timestamp;
use super::views::{
    ActView, CircleView, Delivery, Entry, InviteView, JoinView, MemberView, RequestView, VoteView,
};
use crate::identity::{CircleId, MemberId, MessageId, OperationId, Peer, RequestId};
use crate::invite::InviteCode;
use crate::threshold::Pass;

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

impl Wants {
    /// Its number in a message.
    #[must_use]
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Listen => 0,
            Self::Experience => 1,
            Self::Advice => 2,
        }
    }

    /// The wish with that number.
    #[must_use]
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        [Self::Listen, Self::Experience, Self::Advice].get(usize::from(number)).copied()
    }
}

/// How this home tells that something is new (U-180).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Notices {
    /// Not at all.
    #[n(0)]
    Off,
    /// A mark on the page.
    #[n(1)]
    Mark,
    /// The terminal's bell.
    #[n(2)]
    Bell,
    /// A notice of the desktop.
    #[n(3)]
    Desktop,
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
    /// Tell of nothing new in a circle, or tell of it again (U-39); silent. Answer: [`Answer::Circle`].
    Mute {
        /// Where.
        circle: CircleId,
        /// Nothing, or as usual.
        muted: bool,
    },
    /// Change how this home tells of something new in a circle (U-180). Answer: [`Answer::Circle`].
    Notify {
        /// Where.
        circle: CircleId,
        /// How; `None`: as everywhere in this home.
        notices: Option<Notices>,
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
    /// Look at what a code leads to. Answer: [`Answer::Join`], and [`Event::Join`](super::Event::Join) later.
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
        /// The newest so many; 0 = all. With `unread` the oldest so many.
        limit: usize,
        /// Whether to move the reading place to the end; with `unread` behind what is answered.
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
    /// Tell six words to compare with a member, and keep whether they were the same (U-52). Answer:
    /// [`Answer::Words`].
    Verify {
        /// Where.
        circle: CircleId,
        /// With whom.
        who: MemberId,
        /// Whether they were the same; `None`: not compared yet.
        same: Option<bool>,
    },
    /// Show nothing of what a member says, or everything again; silent (U-53). Answer: [`Answer::Done`].
    Block {
        /// Where.
        circle: CircleId,
        /// Whose.
        who: MemberId,
        /// Nothing, or everything.
        blocked: bool,
    },
    /// What was typed and not said. Answer: [`Answer::Draft`].
    Draft {
        /// Where.
        circle: CircleId,
    },
    /// Keep what is typed; no text: nothing. Answer: [`Answer::Done`].
    KeepDraft {
        /// Where.
        circle: CircleId,
        /// What.
        draft: Draft,
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
    /// Ask the circle. Answer: [`Answer::Votes`].
    VoteNew {
        /// Where.
        circle: CircleId,
        /// What.
        vote: NewVote,
    },
    /// Cast a ballot, or another one. Answer: [`Answer::Votes`].
    VoteCast {
        /// Where.
        circle: CircleId,
        /// On what.
        proposal: OperationId,
        /// What is chosen, by its number (`threshold`).
        choice: u8,
    },
    /// All votes. Answer: [`Answer::Votes`].
    Votes {
        /// Where.
        circle: CircleId,
    },
    /// Say that no host was heard of for long, or back who said so. Answer: [`Answer::Governed`].
    HostLost {
        /// Where.
        circle: CircleId,
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
    /// Six words to compare, and whether they were found the same.
    Words(Vec<String>, bool),
    /// What was typed and not said.
    Draft(Option<Draft>),
    /// Votes.
    Votes(Vec<VoteView>),
}

/// What the circle is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVote {
    /// In the proposer's words; at most 2,000 bytes.
    pub text: String,
    /// Seconds until it closes, 60 to 2,592,000.
    pub closes_s: u64,
    /// How many have to say yes, if more than the template asks for.
    pub pass: Option<Pass>,
    /// What follows if it is carried.
    pub asked: Asked,
}

/// What follows from a vote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Nothing by itself.
    Ordinary,
    /// The end of a membership, also a host's.
    Remove {
        /// Whose.
        who: MemberId,
    },
    /// A role.
    Elect {
        /// For whom.
        who: MemberId,
        /// Which.
        role: String,
        /// When it ends by itself.
        end: Option<Timestamp>,
    },
    /// Another name for the circle.
    Rename {
        /// Which.
        name: String,
    },
}
