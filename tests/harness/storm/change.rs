//! The course of a storm: who talks, joins, leaves and sleeps when, and how the network is cut.

use std::collections::BTreeMap;

use super::StormConfig;
use crate::liar::{Liar, Lies};
use crate::machine::Part;
use crate::world::{Customs, Gale, Happening, World};
use crate::{ANNA, BEN, HostId};

/// Something that happens to the circle or its network.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// The network is cut.
    Cut,
    /// It heals.
    Heal,
    /// A host removes somebody.
    Remove,
    /// Somebody leaves.
    Leave,
    /// Somebody refreshes the circle.
    Refresh,
    /// Somebody asks the circle whether somebody goes.
    Vote,
    /// A backup is made of somebody's home.
    Backup(HostId),
    /// It is put back.
    Restore(HostId),
    /// It runs beside the one that it was made of.
    Copy(HostId),
}

/// How long the network is cut.
const CUT_MS: (u64, u64) = (15_000, 60_000);
/// How long somebody is away of whom there is always a part.
const ABSENT_MS: (u64, u64) = (20_000, 120_000);
/// Of what changes the circle, how much does so while the network is cut.
const WHILE_CUT: f64 = 0.7;

impl World {
    /// A circle that has just been through a storm, and is still in it: calm it with [`World::calm`].
    #[must_use]
    pub fn storm(seed: u64, config: &StormConfig) -> Self {
        // Drawn from the seed itself, since the world with its own chance is not there yet.
        let relays = config.relays.0 + seed % (config.relays.1 - config.relays.0 + 1);
        let relays = usize::try_from(relays).expect("few relays");
        let (members, changes) = (config.members, &config.changes);
        let inside = members - config.newcomers;
        // One more computer for each copy of a home.
        let spare = usize::try_from(changes.copies).expect("few copies");
        let mut world = Self::new(config.machines, seed, members + spare, relays);
        // What is said outlasts the longest storm.
        let keep_s = (changes.nights > 0).then_some(365 * 86_400);
        world.spares = (members..members + spare).collect();
        world.is_storm = true;
        world.customs = Customs { open: config.open, keep_s };
        if config.lies {
            let relay = world.chance.one_of(&(0..relays).collect::<Vec<_>>()).unwrap_or_default();
            let liar = Liar::new(world.chance.child(), members);
            world.network.liar = Some((members + spare + relay, liar));
        }
        let mut world = world.with_circle(inside);
        if changes.removals + changes.leaves + changes.partitions > 0
            && let Err(what) = world.second_host()
        {
            world.oracle.broke("P1", what);
        }
        world.oracle.hearsay = config.hearsay;
        world.begin_storm(config);
        if let Some(malice) = config.malice {
            world.begin_malice(malice, inside, config.lasts_ms);
        }
        let days = changes.nights + 1;
        for day in 0..days {
            world.plan_day(config, day, days);
            world.run_for(config.lasts_ms / days);
            if day + 1 < days {
                world.evenings.push(world.sizes());
                world.night(config, day);
            }
        }
        world
    }

    /// The weather changes, and planted faults are there from now on.
    pub fn begin_storm(&mut self, config: &StormConfig) {
        self.network.weather = config.weather;
        self.network.mute = config.faults.mute;
        if let Some((_, liar)) = &mut self.network.liar {
            liar.begin();
        }
        self.log(ANNA, || format!("the storm begins; liar: {:?}", self.liar()));
        self.faults = config.faults;
        for host in &mut self.hosts {
            let most = i64::try_from(config.skew_ms).expect("clocks are off by little");
            let off = self.chance.between((0, 2 * config.skew_ms));
            host.skew_ms = i64::try_from(off).expect("clocks are off by little") - most;
        }
        self.begin_gale(config);
    }

    fn liar(&self) -> Option<(HostId, &Lies)> {
        self.network.liar.as_ref().map(|(relay, liar)| (*relay, &liar.lies))
    }

    fn begin_gale(&mut self, config: &StormConfig) {
        const MINUTE: f64 = 60.0;
        self.gale = Gale {
            crash: config.crash / MINUTE,
            torn: config.torn,
            cut: config.cut / MINUTE,
            down_ms: config.down_ms,
            absent: config.absent,
            absent_ms: ABSENT_MS,
        };
        self.queue.plan(self.now, Happening::Gust);
    }

    /// Plans one of `days` days: its share of everything.
    fn plan_day(&mut self, config: &StormConfig, day: u64, days: u64) {
        let lasts = config.lasts_ms / days;
        let share = |of: u64| of * (day + 1) / days - of * day / days;
        let changes = &config.changes;
        let cuts = share(changes.partitions);
        let mut windows = Vec::new();
        for cut in 0..cuts {
            let slot = lasts / cuts;
            let begins = cut * slot + self.chance.below(slot / 2);
            let ends = (begins + self.chance.between(CUT_MS)).min((cut + 1) * slot);
            windows.push((begins, ends));
            self.plan_change(begins, Change::Cut);
            self.plan_change(ends, Change::Heal);
        }
        for (change, often) in [
            (Change::Remove, changes.removals),
            (Change::Leave, changes.leaves),
            (Change::Refresh, changes.refreshes),
            (Change::Vote, changes.votes),
        ] {
            for _ in 0..share(often) {
                let at = self.moment(&windows, lasts);
                self.plan_change(at, change);
            }
        }
        for (often, copies) in [(changes.restores, false), (changes.copies, true)] {
            for _ in 0..share(often) {
                let Some(host) = self.somebody_plain() else { continue };
                let backup = self.chance.below(lasts / 2);
                let back = backup + self.chance.below(lasts / 2);
                self.plan_change(backup, Change::Backup(host));
                let change = if copies { Change::Copy(host) } else { Change::Restore(host) };
                self.plan_change(back, change);
            }
        }
        for _ in 0..share(config.says) {
            let at = self.now.plus(self.chance.below(lasts));
            self.queue.plan(at, Happening::Talk);
        }
        let inside = config.members - config.newcomers;
        let newcomers = inside..config.members;
        for newcomer in newcomers.filter(|who| (*who - inside) as u64 % days == day) {
            let at = self.moment(&windows, lasts * 3 / 4);
            self.queue.plan(self.now.plus(at), Happening::Join(newcomer));
        }
    }

    /// A moment of a day, often one at which the network is cut.
    fn moment(&mut self, windows: &[(u64, u64)], lasts: u64) -> u64 {
        let cut = if self.chance.happens(WHILE_CUT) { self.chance.one_of(windows) } else { None };
        match cut {
            Some((begins, ends)) => begins + self.chance.below(ends - begins),
            None => self.chance.below(lasts),
        }
    }

    fn plan_change(&mut self, after_ms: u64, change: Change) {
        self.queue.plan(self.now.plus(after_ms), Happening::Change(change));
    }

    pub(crate) fn change(&mut self, change: Change) {
        match change {
            Change::Cut => {
                let sides = self.draw_sides();
                self.log(ANNA, || format!("the network is cut: {sides:?}"));
                self.cut(sides);
            }
            Change::Heal => {
                self.log(ANNA, || "the network heals".into());
                self.cut(BTreeMap::new());
            }
            Change::Remove => self.remove_somebody(),
            Change::Leave => self.somebody_leaves(),
            Change::Refresh => self.somebody_refreshes(),
            Change::Vote => self.somebody_asks(),
            Change::Backup(host) => self.back_up(host),
            Change::Restore(host) => self.put_back(host),
            Change::Copy(host) => self.run_copy(host),
        }
    }

    /// Two halves, each with a relay and mostly with a host; or one or two members without anybody.
    fn draw_sides(&mut self) -> BTreeMap<HostId, u32> {
        const HALVES: f64 = 0.7;
        let halves = self.chance.happens(HALVES);
        let members: Vec<HostId> =
            (0..self.hosts.len()).filter(|host| self.hosts[*host].part == Part::Member).collect();
        if !halves {
            let off = [self.chance.one_of(&members), self.chance.one_of(&members)];
            return (1..).zip(off.into_iter().flatten()).map(|(side, host)| (host, side)).collect();
        }
        let mut sides = BTreeMap::new();
        let relays = (0..self.hosts.len()).filter(|host| self.hosts[*host].part == Part::Relay);
        sides.extend(relays.zip(0..));
        for host in members {
            sides.insert(host, u32::from(self.chance.happens(0.5)));
        }
        sides.insert(ANNA, 0);
        sides.insert(BEN, u32::from(self.chance.happens(0.8)));
        sides
    }

    /// All computers sleep for days, and some go on sleeping.
    fn night(&mut self, config: &StormConfig, day: u64) {
        let changes = &config.changes;
        self.gale = Gale::default();
        self.cut(BTreeMap::new());
        self.run_for(changes.evening_ms);
        let lasts = self.chance.between(changes.night_ms);
        let nights = changes.nights - day;
        let members = (0..self.hosts.len()).filter(|host| self.hosts[*host].part == Part::Member);
        for host in members.collect::<Vec<_>>() {
            // Those before the last of the first members: they have been in from the beginning.
            let away = (2..2 + changes.away).contains(&host) && day == 0;
            let nights = if away { nights } else { 1 };
            let down = changes.night_ms.1 * (nights - 1) + lasts + self.chance.below(30_000);
            // What was asked for once is told apart for a day only (U-104).
            self.give_up_saying(host);
            self.crash(host, down);
            let until = self.now.plus(down);
            let asleep = self.asleep.entry(host).or_insert(until);
            *asleep = until.max(*asleep);
        }
        self.run_for(lasts + 1);
        self.begin_gale(config);
    }
}
