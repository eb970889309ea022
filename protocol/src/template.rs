//! Circle templates: words, roles and times that a kind of circle begins with.

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
}

/// All that are shipped, by name.
pub const TEMPLATES: [Template; 7] = [
    Template {
        name: "dharma",
        about: "Sitting and talking together, after the Refuge and Recovery Dharma way. Tied to no organization.",
        rules: &["Listen first. Speak for yourself."],
        keep_h: 168,
    },
    Template {
        name: "four-point",
        about: "Tools for change, in the way of four-point groups. Tied to no organization.",
        rules: &["Talk about what works for you. Cross-talk is welcome when it is asked for."],
        keep_h: 168,
    },
    Template {
        name: "na-style",
        about: "A fellowship meeting in the twelve-step way, open to all substances. Tied to no organization.",
        rules: &["Share your own experience. Nobody answers a share unless asked."],
        keep_h: 168,
    },
    Template {
        name: "online-community",
        about: "A community that meets in writing, at any hour. Tied to no organization.",
        rules: &["Say what kind of answer you wish for."],
        keep_h: 720,
    },
    Template {
        name: "plain",
        about: "A circle of peers. Tied to no organization.",
        rules: &["Listen first. Speak for yourself. Pass when you like. Ask for help early."],
        keep_h: 168,
    },
    Template {
        name: "sober-house",
        about: "A house where people live together in recovery. Tied to no organization.",
        rules: &["House matters are decided together."],
        keep_h: 720,
    },
    Template {
        name: "twelve-step",
        about: "A fellowship meeting in the twelve-step way. Tied to no organization.",
        rules: &["Share your own experience. Nobody answers a share unless asked."],
        keep_h: 168,
    },
];

impl Template {
    /// The shipped template of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        TEMPLATES.iter().find(|template| template.name == name)
    }

    /// What a join card shows: the limits, then the template's own rules.
    #[must_use]
    pub fn all_rules(&self) -> Vec<String> {
        LIMITS.iter().chain(self.rules).map(|&rule| rule.to_owned()).collect()
    }
}
