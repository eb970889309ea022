//! What a storm is made of: ingredients, and the kinds of storm that are made of them.

use std::ops::RangeInclusive;

use hearthlight_protocol::boundary::DAY_MS;

use crate::fault::{Faults, Weather};
use crate::machine::Machines;
use crate::mallory::Malice;

/// What a storm is like.
#[derive(Clone, Debug)]
pub struct StormConfig {
    /// Its kind, and the ingredients that are left of it, so that a failure says how to run it again.
    pub kind: String,
    /// See [`Self::kind`].
    pub left: Option<String>,
    /// Which machines are in it.
    pub machines: Machines,
    /// How many members.
    pub members: usize,
    /// Least and most relays.
    pub relays: (u64, u64),
    /// How many of the members join in the middle of it.
    pub newcomers: usize,
    /// Probability that an invite is open.
    pub open: f64,
    /// How much is said.
    pub says: u64,
    /// How long it lasts, nights not counted.
    pub lasts_ms: u64,
    /// What happens to frames.
    pub weather: Weather,
    /// Crashes of one host in a minute.
    pub crash: f64,
    /// Probability that a host dies over a batch.
    pub torn: f64,
    /// Breaks of one connection in a minute.
    pub cut: f64,
    /// How long a dead host stays down.
    pub down_ms: (u64, u64),
    /// How far clocks are off at most, either way.
    pub skew_ms: u64,
    /// Which part of the members is away at any time.
    pub absent: f64,
    /// Whether one of the relays lies.
    pub lies: bool,
    /// Members who are hostile.
    pub malice: Option<Malice>,
    /// Whether what one member heard in time of somebody removed has to reach all others.
    pub hearsay: bool,
    /// What changes the circle.
    pub changes: Changes,
    /// Planted faults.
    pub faults: Faults,
}

/// What happens to a circle in a storm; of each, how often.
#[derive(Clone, Copy, Debug, Default)]
pub struct Changes {
    /// The network is cut in two, or some are cut off, and heals.
    pub partitions: u64,
    /// A host removes somebody.
    pub removals: u64,
    /// Somebody leaves.
    pub leaves: u64,
    /// Somebody refreshes the circle's secrets.
    pub refreshes: u64,
    /// The circle votes on whether somebody goes.
    pub votes: u64,
    /// All computers sleep for days.
    pub nights: u64,
    /// How long the network is whole before such a night.
    pub evening_ms: u64,
    /// How long such a night is.
    pub night_ms: (u64, u64),
    /// How many sleep through all days but the last.
    pub away: usize,
    /// Somebody's home is put back as it was a while ago.
    pub restores: u64,
    /// A copy of somebody's home runs beside it.
    pub copies: u64,
}

impl Default for StormConfig {
    /// Worse than any network that people have; the figures are guesses, chosen so that each thing
    /// happens many times in one storm.
    fn default() -> Self {
        Self {
            kind: "six".into(),
            left: None,
            machines: Machines::Real,
            members: 6,
            relays: (1, 2),
            newcomers: 2,
            open: 0.0,
            says: 60,
            lasts_ms: 5 * 60_000,
            weather: Weather {
                loss: 0.2,
                duplicate: 0.1,
                reorder: 0.1,
                dial: 0.1,
                ..Weather::default()
            },
            crash: 0.3,
            torn: 0.01,
            cut: 0.3,
            down_ms: (100, 40_000),
            skew_ms: 2_000,
            absent: 0.0,
            lies: false,
            malice: None,
            hearsay: false,
            changes: Changes::default(),
            faults: Faults::default(),
        }
    }
}

/// The kinds of storm: the first ones hold with what is built, the last hold everything.
pub const KINDS: [&str; 11] = [
    "six",
    "changing",
    "hearsay",
    "rounds",
    "away",
    "months",
    "restored",
    "copies",
    "lying",
    "hostile",
    "conspiracy",
];

/// Floods are beyond the quotas of openings, and small enough that a storm takes seconds.
const MALICE: Malice =
    Malice { members: 1, flood: 8, largest: 100 << 10, clocks: 0.2, removed: 0.5, vouch: false };

/// The weather in which members are hostile: bad enough that not everybody hears everything at once.
fn hostile(changing: &StormConfig) -> StormConfig {
    let changes =
        Changes { partitions: 2, removals: 1, leaves: 0, refreshes: 0, ..changing.changes };
    let says = 30;
    StormConfig { newcomers: 1, says, changes, lasts_ms: 3 * 60_000, ..changing.clone() }
}

/// What [`StormConfig::only`] knows.
pub const INGREDIENTS: [&str; 21] = [
    "lies",
    "malice",
    "absent",
    "partitions",
    "removals",
    "leaving",
    "refresh",
    "nights",
    "away",
    "restored",
    "copies",
    "admissions",
    "open",
    "loss",
    "duplicates",
    "reordering",
    "dials",
    "crashes",
    "torn",
    "cuts",
    "skew",
];

impl StormConfig {
    /// Storms of a kind, one of [`KINDS`].
    #[must_use]
    pub fn kind(name: &str) -> Option<Self> {
        Some(Self { kind: name.into(), ..Self::of(name)? })
    }

    fn of(name: &str) -> Option<Self> {
        const DAYS: RangeInclusive<u64> = 4 * DAY_MS..=6 * DAY_MS;
        let changing = Self {
            members: 8,
            relays: (2, 2),
            open: 0.3,
            says: 50,
            changes: Changes {
                partitions: 3,
                removals: 2,
                leaves: 1,
                refreshes: 1,
                ..Changes::default()
            },
            ..Self::default()
        };
        let night_ms = (*DAYS.start(), *DAYS.end());
        let away = Changes { nights: 3, night_ms, away: 2, ..changing.changes };
        let changes = match name {
            "six" => return Some(Self::default()),
            "changing" => Changes { votes: 1, ..changing.changes },
            "hearsay" => return Some(Self { hearsay: true, ..changing }),
            "away" => away,
            // H-9, H-10, H-14: one of eight is hostile, or two who know of each other.
            "hostile" => return Some(Self { malice: Some(MALICE), ..hostile(&changing) }),
            "conspiracy" => {
                let malice = Some(Malice { members: 2, vouch: true, ..MALICE });
                return Some(Self { malice, ..hostile(&changing) });
            }
            // one of two relays lies, and of twelve some are always away.
            "lying" => {
                let (members, newcomers) = (12, 3);
                return Some(Self { members, newcomers, absent: 0.3, lies: true, ..changing });
            }
            // Nobody comes or goes, and nothing is lost: what grows then has no reason to.
            "rounds" => {
                let changes = Changes {
                    nights: 11,
                    night_ms,
                    evening_ms: 120_000,
                    partitions: 11,
                    refreshes: 11,
                    ..Changes::default()
                };
                let whole = Self { newcomers: 0, says: 60, changes, ..changing };
                return Some(whole.only("partitions,refresh,nights,skew"));
            }
            "months" => Changes { night_ms: (12 * DAY_MS, 18 * DAY_MS), ..away },
            "restored" => Changes { restores: 2, ..away },
            "copies" => Changes { copies: 1, restores: 1, ..away },
            _ => return None,
        };
        Some(Self { changes, ..changing })
    }

    /// The same storm of these ingredients alone, named with commas between. An ingredient that is not
    /// known is none.
    #[must_use]
    pub fn only(&self, names: &str) -> Self {
        let mut out = Self {
            left: Some(names.into()),
            newcomers: 0,
            open: 0.0,
            weather: Weather::default(),
            crash: 0.0,
            torn: 0.0,
            cut: 0.0,
            skew_ms: 0,
            absent: 0.0,
            lies: false,
            malice: None,
            changes: Changes {
                night_ms: self.changes.night_ms,
                evening_ms: self.changes.evening_ms,
                ..Changes::default()
            },
            ..self.clone()
        };
        for name in names.split(',') {
            let (to, from) = (&mut out.changes, &self.changes);
            match name.trim() {
                "partitions" => to.partitions = from.partitions,
                "removals" => to.removals = from.removals,
                "leaving" => to.leaves = from.leaves,
                "refresh" => to.refreshes = from.refreshes,
                "votes" => to.votes = from.votes,
                "nights" => to.nights = from.nights,
                "away" => (to.nights, to.away) = (from.nights, from.away),
                "restored" => to.restores = from.restores,
                "copies" => to.copies = from.copies,
                "admissions" => out.newcomers = self.newcomers,
                "open" => out.open = self.open,
                "loss" => out.weather.loss = self.weather.loss,
                "duplicates" => out.weather.duplicate = self.weather.duplicate,
                "reordering" => out.weather.reorder = self.weather.reorder,
                "dials" => out.weather.dial = self.weather.dial,
                "weather" => (out.weather, out.cut) = (self.weather, self.cut),
                "crashes" => out.crash = self.crash,
                "torn" => out.torn = self.torn,
                "cuts" => out.cut = self.cut,
                "skew" => out.skew_ms = self.skew_ms,
                "absent" => out.absent = self.absent,
                "lies" => out.lies = self.lies,
                "malice" => out.malice = self.malice,
                _ => {}
            }
        }
        out
    }
}
