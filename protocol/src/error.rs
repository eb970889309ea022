//! What can go wrong with what a person asks for. Each says whose fault it is and reveals nothing.

use thiserror::Error;

/// Why a command was not carried out. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CommandError {
    /// No such circle here.
    #[error("no such circle here")]
    UnknownCircle,
    /// No such invite in this circle.
    #[error("no such invite in this circle")]
    UnknownInvite,
    /// Nobody asks under that name.
    #[error("no such request in the waiting room")]
    UnknownRequest,
    /// No such message in this circle.
    #[error("no such message in this circle")]
    UnknownMessage,
    /// No such member in this circle.
    #[error("no such member in this circle")]
    UnknownMember,
    /// No such template.
    #[error("no such template")]
    UnknownTemplate,
    /// No such role.
    #[error("no such role")]
    UnknownRole,
    /// Another circle of this home has that label.
    #[error("another circle here has that label")]
    LabelTaken,
    /// A name or label that cannot be shown (U-3).
    #[error("a name has 1 to 40 characters, on one line")]
    BadName,
    /// Text of no length.
    #[error("there is no text")]
    NoText,
    /// Text over its limit.
    #[error("the text is longer than {limit} bytes")]
    TooLarge {
        /// Bytes that fit.
        limit: usize,
    },
    /// A number outside its range.
    #[error("that number is outside its range")]
    OutOfRange,
    /// The member lacks the right.
    #[error("this needs a right that you do not have in this circle")]
    NotAllowed,
    /// What is done to others was asked for oneself.
    #[error("that is not done to oneself")]
    Oneself,
    /// A host goes by the word of two other hosts, or by a vote.
    #[error("one host cannot do this to another host")]
    AnotherHost,
    /// Whoever goes is the only host (U-32).
    #[error("you are the only host of this circle")]
    OnlyHost,
    /// No such vote in this circle.
    #[error("no such vote in this circle")]
    UnknownVote,
    /// Ballots are not cast any more (D-27).
    #[error("this vote is closed")]
    VoteClosed,
    /// The template asks for more (D-27).
    #[error("this circle asks for more votes than that")]
    ThresholdTooLow,
    /// One alone decides nothing.
    #[error("it takes two who may vote")]
    TooFew,
    /// A host was heard of lately.
    #[error("a host of this circle was heard of, or there is none")]
    HostsHeard,
    /// Another copy of this home is in use.
    #[error("another copy of this home is in use in this circle")]
    OtherCopy,
    /// Another hold on the same member was placed in the last 14 days (D-37).
    #[error("this member was held in the last 14 days")]
    HeldLately,
    /// The circle was refreshed as often as it may be in a day.
    #[error("this circle was refreshed as often as it may be in one day")]
    TooOften,
    /// What has to go first needs something that others have.
    #[error("what is new in this circle could not be read, so nothing was changed")]
    NotReady,
    /// Nobody has let this one in so far.
    #[error("you are not in this circle yet")]
    NotYetAMember,
    /// The member is not in the circle any more.
    #[error("you are not in this circle any more")]
    NotAMember,
    /// Only supports answer an entry that wants to be listened to (D-19).
    #[error("whoever wrote this wants to be heard, not answered")]
    ListenOnly,
    /// The circle has no relay.
    #[error("this circle has no relay")]
    NoRelay,
    /// The relay's address is not usable.
    #[error("the relay address cannot be used")]
    BadRelay,
    /// The circle has as many relays as it may.
    #[error("this circle has four relays, as many as it may")]
    ManyRelays,
    /// The circle has as many members or invites as it may, or the home as many circles.
    #[error("the circle has as many as it may")]
    Full,
    /// The invite's time is over.
    #[error("this invite has ended")]
    InviteExpired,
    /// The invite let in as many as it may.
    #[error("this invite was used up")]
    InviteUsed,
    /// The invite was taken back.
    #[error("this invite was taken back")]
    InviteRevoked,
    /// The same idempotency key came with another body (U-104).
    #[error("this key was used for something else")]
    KeyReused,
    /// A limit on what may wait.
    #[error("too much is waiting already")]
    Quota,
}

impl CommandError {
    /// The kind of U-4, the same word in every interface.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::UnknownCircle
            | Self::UnknownInvite
            | Self::UnknownRequest
            | Self::UnknownMessage
            | Self::UnknownMember
            | Self::UnknownTemplate
            | Self::UnknownRole
            | Self::UnknownVote => "no-match",
            Self::LabelTaken => "label-taken",
            Self::BadName
            | Self::NoText
            | Self::OutOfRange
            | Self::KeyReused
            | Self::Oneself
            | Self::ThresholdTooLow => "usage",
            Self::BadRelay => "relay-address-damaged",
            Self::TooLarge { .. } => "too-large",
            Self::NotAllowed
            | Self::AnotherHost
            | Self::OnlyHost
            | Self::OtherCopy
            | Self::VoteClosed
            | Self::TooFew
            | Self::HostsHeard
            | Self::HeldLately => "not-allowed",
            Self::NotReady => "unreachable",
            Self::NotAMember => "removed",
            Self::NotYetAMember => "not-allowed",
            Self::ListenOnly => "listen-only",
            Self::NoRelay => "no-relay",
            Self::Full | Self::ManyRelays | Self::Quota | Self::TooOften => "quota",
            Self::InviteExpired => "invite-expired",
            Self::InviteUsed => "invite-used",
            Self::InviteRevoked => "invite-revoked",
        }
    }
}

/// Why a machine cannot go on from what was saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The home has no root secret yet.
    #[error("this home is not set up")]
    NotSetUp,
    /// A record cannot be read.
    #[error("a record of the store is damaged")]
    Damaged,
    /// The records were written by a newer version.
    #[error("a newer version wrote this store")]
    Newer,
}
