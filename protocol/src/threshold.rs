//! How many have to agree: the words in which templates and proposals say it, and what follows from ballots (D-27).

use std::fmt;

use minicbor::{Decode, Encode};

/// To agree, for the default options.
pub const YES: u8 = 0;
/// Not to agree.
pub const NO: u8 = 1;
/// To be there and not to choose.
pub const ABSTAIN: u8 = 250;
/// Not to agree, and not to be in the way.
pub const ASIDE: u8 = 251;
/// To be in the way.
pub const BLOCK: u8 = 252;

/// A part of a whole; at most 12 parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    of: u8,
    parts: u8,
}

/// How many of those counted have to say yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// More than this.
    MoreThan(Share),
    /// This, or more.
    AtLeast(Share),
    /// Nobody says no or blocks, and at most a third of the ballots stand aside.
    Consensus,
}

/// Who is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Of {
    /// Who said yes or no, or blocked.
    #[n(0)]
    Cast,
    /// Everybody who may.
    #[n(1)]
    Electorate,
}

/// What carries a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// How many say yes.
    pub pass: Pass,
    /// Of whom.
    pub of: Of,
    /// How many of the electorate cast a ballot at all.
    pub quorum: Share,
}

/// What a vote comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Verdict {
    /// Enough agree.
    #[n(0)]
    Carried,
    /// Not enough agree.
    #[n(1)]
    NotCarried,
    /// Not enough took part.
    #[n(2)]
    NoQuorum,
    /// Somebody is in the way of consensus.
    #[n(3)]
    Blocked,
}

impl Share {
    /// So many of so many parts.
    #[must_use]
    pub const fn new(of: u8, parts: u8) -> Self {
        Self { of, parts }
    }

    fn parse(text: &str) -> Option<Self> {
        let (of, parts) = text.split_once('/')?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let number = |text: &str| text.parse().ok().filter(|_| digits(text));
        let share = Self { of: number(of)?, parts: number(parts)? };
        (1 <= share.of && share.of <= share.parts && share.parts <= 12).then_some(share)
    }

    /// How this share of a whole compares with a count.
    fn against(self, count: usize, whole: usize) -> std::cmp::Ordering {
        (count * usize::from(self.parts)).cmp(&(whole * usize::from(self.of)))
    }

    fn is_at_least(self, other: Self) -> bool {
        self.against(usize::from(other.of), usize::from(other.parts)).is_le()
    }
}

impl Pass {
    fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix('>') {
            _ if text == "consensus" => Some(Self::Consensus),
            Some(share) => Share::parse(share).map(Self::MoreThan),
            None => Share::parse(text).map(Self::AtLeast),
        }
    }

    /// Whether whatever passes here passes there too.
    fn is_at_least(self, other: Self) -> bool {
        match (self, other) {
            (Self::Consensus, _) => true,
            (_, Self::Consensus) => false,
            (Self::AtLeast(mine), Self::MoreThan(theirs)) => {
                mine.is_at_least(theirs) && !theirs.is_at_least(mine)
            }
            (
                Self::MoreThan(mine) | Self::AtLeast(mine),
                Self::AtLeast(theirs) | Self::MoreThan(theirs),
            ) => mine.is_at_least(theirs),
        }
    }
}

impl Threshold {
    /// Reads what a proposal says; `None` if it says nothing that can be reckoned.
    #[must_use]
    pub fn parse(pass: &str, of: Of, quorum: &str) -> Option<Self> {
        Some(Self { pass: Pass::parse(pass)?, of, quorum: Share::parse(quorum)? })
    }

    /// Whether what carries under this would under `other` too, as far as shares can tell.
    #[must_use]
    pub fn is_at_least(&self, other: &Self) -> bool {
        self.pass.is_at_least(other.pass)
            && (self.of == Of::Electorate || other.of == Of::Cast)
            && self.quorum.is_at_least(other.quorum)
    }

    /// What these choices of so many electors come to. Who abstains or stands aside is there, and is not
    /// counted among those who cast.
    #[must_use]
    pub fn verdict(&self, choices: &[u8], electorate: usize) -> Verdict {
        let count = |choice: u8| choices.iter().filter(|it| **it == choice).count();
        let (yes, no, block) = (count(YES), count(NO), count(BLOCK));
        if choices.is_empty() || self.quorum.against(choices.len(), electorate).is_lt() {
            return Verdict::NoQuorum;
        }
        let whole = match self.of {
            Of::Cast => yes + no + block,
            Of::Electorate => electorate,
        };
        let carried = match self.pass {
            Pass::Consensus if block > 0 => return Verdict::Blocked,
            Pass::Consensus => no == 0 && count(ASIDE) * 3 <= choices.len(),
            Pass::MoreThan(share) => share.against(yes, whole).is_gt(),
            Pass::AtLeast(share) => share.against(yes, whole).is_ge(),
        };
        if carried && yes > 0 { Verdict::Carried } else { Verdict::NotCarried }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.of, self.parts)
    }
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MoreThan(share) => write!(f, ">{share}"),
            Self::AtLeast(share) => write!(f, "{share}"),
            Self::Consensus => f.write_str("consensus"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_cast(pass: &str, quorum: &str) -> Threshold {
        Threshold::parse(pass, Of::Cast, quorum).expect("it can be reckoned")
    }

    /// D-27
    #[test]
    fn shares_are_read_as_they_are_written_and_nothing_else_is() {
        for text in [">1/2", "2/3", "4/5", "12/12", "consensus"] {
            assert_eq!(Pass::parse(text).map(|pass| pass.to_string()).as_deref(), Some(text));
        }
        for text in ["", "1", "0/2", "3/2", "1/13", "+1/2", "1/2/3", ">consensus", " 1/2", ">>1/2"]
        {
            assert_eq!(Pass::parse(text), None, "{text:?}");
        }
    }

    /// D-27, U-67
    #[test]
    fn a_verdict_follows_from_the_ballots_and_the_electorate() {
        let (most, two_thirds) = (of_cast(">1/2", "1/2"), of_cast("2/3", "1/2"));
        assert_eq!(most.verdict(&[YES, NO], 4), Verdict::NotCarried);
        assert_eq!(most.verdict(&[YES, YES, NO], 4), Verdict::Carried);
        assert_eq!(most.verdict(&[YES], 4), Verdict::NoQuorum);
        assert_eq!(most.verdict(&[], 0), Verdict::NoQuorum);
        assert_eq!(most.verdict(&[ABSTAIN, ASIDE], 2), Verdict::NotCarried);
        assert_eq!(most.verdict(&[YES, ABSTAIN, ASIDE], 3), Verdict::Carried);
        assert_eq!(two_thirds.verdict(&[YES, YES, NO], 3), Verdict::Carried);
        assert_eq!(two_thirds.verdict(&[YES, YES, NO, BLOCK], 4), Verdict::NotCarried);
        let of_all = Threshold { of: Of::Electorate, ..most };
        assert_eq!(of_all.verdict(&[YES, YES], 4), Verdict::NotCarried);
        assert_eq!(of_all.verdict(&[YES, YES, YES], 4), Verdict::Carried);
        let consensus = of_cast("consensus", "1/2");
        assert_eq!(consensus.verdict(&[YES, YES, ASIDE], 3), Verdict::Carried);
        assert_eq!(consensus.verdict(&[YES, ASIDE, ASIDE], 3), Verdict::NotCarried);
        assert_eq!(consensus.verdict(&[YES, YES, NO], 3), Verdict::NotCarried);
        assert_eq!(consensus.verdict(&[YES, YES, BLOCK], 3), Verdict::Blocked);
    }

    /// D-27: what a template asks for is a floor.
    #[test]
    fn a_threshold_is_at_least_another_if_it_asks_for_no_less() {
        let order = ["1/2", ">1/2", "2/3", ">2/3", "4/5", "consensus"];
        for (low, lower) in order.iter().enumerate() {
            for (high, higher) in order.iter().enumerate() {
                let (lower, higher) = (of_cast(lower, "1/2"), of_cast(higher, "1/2"));
                assert_eq!(higher.is_at_least(&lower), high >= low, "{higher:?} {lower:?}");
            }
        }
        let (half, third) = (of_cast("2/3", "1/2"), of_cast("2/3", "1/3"));
        assert!(half.is_at_least(&third) && !third.is_at_least(&half));
        let of_all = Threshold { of: Of::Electorate, ..half };
        assert!(of_all.is_at_least(&half) && !half.is_at_least(&of_all));
    }
}
