//! Circle templates: words, roles, times and votes that a kind of circle begins with.

use crate::threshold::{Of, Pass, Share, Threshold};

/// The rules that every join card shows first (four sentences on limits).
pub const LIMITS: [&str; 4] = [
    "This is a circle of peers. Nobody here is your doctor, and nobody watches it day and night.",
    "Keep what you hear to yourself. Others could still copy it, and a court could ask them about it.",
    "Be kind, and ask before you give advice. Do not ask anyone for money, dates or drugs.",
    "This circle is for adults. In danger, call your local emergency number.",
];

/// A shipped template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its name in every interface.
    pub name: &'static str,
    /// One sentence on it.
    pub about: &'static str,
    /// Its own rules, shown after the limits.
    pub rules: &'static [&'static str],
    /// How long talk is kept, in hours.
    pub keep_h: u64,
    /// What a vote needs that removes somebody.
    pub remove: VoteRule,
    /// What a vote needs that gives a role.
    pub elect: VoteRule,
    /// What a vote needs that changes name or template.
    pub rule: VoteRule,
    /// Days after which a circle whose hosts nobody heard of may choose another.
    pub lost_host_days: u32,
}

/// The least that a vote of some kind needs (D-27). Who proposes may ask for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoteRule {
    /// What carries it.
    pub threshold: Threshold,
    /// Hours after its close in which ballots of a part that is cut off can still come.
    pub settle_h: u8,
}

const fn vote(pass: Pass, of: Of, quorum: Share, settle_h: u8) -> VoteRule {
    VoteRule { threshold: Threshold { pass, of, quorum }, settle_h }
}

const HALF: Share = Share::new(1, 2);
const THIRD: Share = Share::new(1, 3);
const MOST: Pass = Pass::MoreThan(HALF);
const TWO_THIRDS: Pass = Pass::AtLeast(Share::new(2, 3));
/// As the design has it for most templates; an election there is among those who are in the room, which is not
/// built, so ballots have as long to come as for a rule.
const ELECT: VoteRule = vote(MOST, Of::Cast, THIRD, 48);
const RULE: VoteRule = vote(TWO_THIRDS, Of::Cast, HALF, 48);
/// Design R-13.
const LOST_HOST_DAYS: u32 = 30;

/// All that are shipped, by name.
pub const TEMPLATES: [Template; 7] = [
    Template {
        name: "dharma",
        about: "Sitting and talking together, after the Refuge and Recovery Dharma way. Tied to no organization.",
        rules: &["Listen first. Speak for yourself."],
        keep_h: 168,
        remove: vote(Pass::AtLeast(Share::new(3, 4)), Of::Cast, HALF, 48),
        elect: vote(TWO_THIRDS, Of::Cast, HALF, 48),
        rule: vote(TWO_THIRDS, Of::Cast, HALF, 72),
        lost_host_days: LOST_HOST_DAYS,
    },
    Template {
        name: "four-point",
        about: "Tools for change, in the way of four-point groups. Tied to no organization.",
        rules: &["Talk about what works for you. Cross-talk is welcome when it is asked for."],
        keep_h: 168,
        remove: RULE,
        elect: vote(MOST, Of::Cast, HALF, 48),
        rule: RULE,
        lost_host_days: LOST_HOST_DAYS,
    },
    Template {
        name: "na-style",
        about: "A fellowship meeting in the twelve-step way, open to all substances. Tied to no organization.",
        rules: &["Share your own experience. Nobody answers a share unless asked."],
        keep_h: 168,
        remove: RULE,
        elect: ELECT,
        rule: RULE,
        lost_host_days: LOST_HOST_DAYS,
    },
    Template {
        name: "online-community",
        about: "A community that meets in writing, at any hour. Tied to no organization.",
        rules: &["Say what kind of answer you wish for."],
        keep_h: 720,
        remove: vote(TWO_THIRDS, Of::Cast, HALF, 24),
        elect: vote(MOST, Of::Cast, Share::new(1, 5), 48),
        rule: vote(TWO_THIRDS, Of::Cast, THIRD, 72),
        lost_host_days: LOST_HOST_DAYS,
    },
    Template {
        name: "plain",
        about: "A circle of peers. Tied to no organization.",
        rules: &["Listen first. Speak for yourself. Pass when you like. Ask for help early."],
        keep_h: 168,
        remove: RULE,
        elect: ELECT,
        rule: RULE,
        lost_host_days: LOST_HOST_DAYS,
    },
    Template {
        name: "sober-house",
        about: "A house where people live together in recovery. Tied to no organization.",
        rules: &["House matters are decided together."],
        keep_h: 720,
        remove: vote(MOST, Of::Electorate, HALF, 24),
        elect: vote(MOST, Of::Cast, HALF, 24),
        rule: vote(TWO_THIRDS, Of::Cast, HALF, 24),
        lost_host_days: LOST_HOST_DAYS,
    },
    Template {
        name: "twelve-step",
        about: "A fellowship meeting in the twelve-step way. Tied to no organization.",
        rules: &["Share your own experience. Nobody answers a share unless asked."],
        keep_h: 168,
        remove: RULE,
        elect: ELECT,
        rule: RULE,
        lost_host_days: LOST_HOST_DAYS,
    },
];

impl Template {
    /// The shipped template of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        TEMPLATES.iter().find(|template| template.name == name)
    }

    /// The template of a circle; of one that is not shipped here, the plain one's votes count.
    #[must_use]
    pub fn of(name: Option<&str>) -> &'static Self {
        name.and_then(Self::named).or_else(|| Self::named("plain")).unwrap_or(&TEMPLATES[0])
    }

    /// What a join card shows: the limits, then the template's own rules.
    #[must_use]
    pub fn all_rules(&self) -> Vec<String> {
        LIMITS.iter().chain(self.rules).map(|&rule| rule.to_owned()).collect()
    }
}
