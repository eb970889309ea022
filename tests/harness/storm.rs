//! Storms: everything that can go wrong goes wrong at once, people talk and join in the middle of it,
//! and when it is over every promise must have been kept.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hearthlight_protocol::boundary::{Entry, EntryKind, GapCause};

use crate::fault::{Faults, Weather};
use crate::machine::Machines;
use crate::oracle::Broken;
use crate::queue::Trace;
use crate::world::{Gale, Happening, World};
use crate::{ANNA, HostId};

/// How long a circle may need after a storm until nothing is outstanding.
pub const CALM_MS: u64 = 30 * 60_000;
/// How often that is looked at.
const LOOK_MS: u64 = 10_000;
/// How long it is watched afterwards, for what should not happen any more.
const AFTER_MS: u64 = 120_000;
/// How long gossip may wait for its verdict.
const VERDICT_MS: u64 = 10_000;

/// What a storm is like.
#[derive(Clone, Debug)]
pub struct StormConfig {
    /// Which machines are in it.
    pub machines: Machines,
    /// Least and most relays.
    pub relays: (u64, u64),
    /// How many of the members join in the middle of it.
    pub newcomers: usize,
    /// How much is said.
    pub says: u64,
    /// How long it lasts.
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
    /// Planted faults.
    pub faults: Faults,
}

impl Default for StormConfig {
    /// Worse than any network that people have; the figures are guesses, chosen so that each thing
    /// happens many times in one storm.
    fn default() -> Self {
        Self {
            machines: Machines::Real,
            relays: (1, 2),
            newcomers: 2,
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
            faults: Faults::default(),
        }
    }
}

impl World {
    /// A circle of so many members that has just been through a storm, and is still in it: calm it
    /// with [`World::calm`].
    #[must_use]
    pub fn storm(seed: u64, members: usize, config: &StormConfig) -> Self {
        // Drawn from the seed itself, since the world with its own chance is not there yet.
        let relays = config.relays.0 + seed % (config.relays.1 - config.relays.0 + 1);
        let relays = usize::try_from(relays).expect("few relays");
        let inside = members - config.newcomers;
        let mut world = Self::calm_circle_of(config.machines, seed, members, inside, relays);
        world.begin_storm(config);
        for _ in 0..config.says {
            let at = world.now.plus(world.chance.below(config.lasts_ms));
            world.queue.plan(at, Happening::Talk);
        }
        for newcomer in inside..members {
            let at = world.now.plus(world.chance.below(config.lasts_ms * 3 / 4));
            world.queue.plan(at, Happening::Join(newcomer));
        }
        world.run_for(config.lasts_ms);
        world
    }

    /// The weather changes, and planted faults are there from now on.
    pub fn begin_storm(&mut self, config: &StormConfig) {
        const MINUTE: f64 = 60.0;
        self.network.weather = config.weather;
        self.network.mute = config.faults.mute;
        self.faults = config.faults;
        self.gale = Gale {
            crash: config.crash / MINUTE,
            torn: config.torn,
            cut: config.cut / MINUTE,
            down_ms: config.down_ms,
        };
        for host in &mut self.hosts {
            let most = i64::try_from(config.skew_ms).expect("clocks are off by little");
            let off = self.chance.between((0, 2 * config.skew_ms));
            host.skew_ms = i64::try_from(off).expect("clocks are off by little") - most;
        }
        self.queue.plan(self.now, Happening::Gust);
    }

    /// Heals the network, brings everybody back, and waits until nothing is outstanding; then judges
    /// what everybody reads. Planted faults stay.
    ///
    /// # Errors
    /// The first promise that was broken.
    pub fn calm(&mut self) -> Result<u64, Broken> {
        let since = self.now;
        self.network.weather = Weather::default();
        self.gale = Gale { down_ms: (100, 1_000), ..Gale::default() };
        self.cut(BTreeMap::new());
        (0..self.hosts.len()).for_each(|host| self.start(host));
        while let Some(what) = self.outstanding() {
            self.verdict()?;
            if self.now.since(since) > CALM_MS {
                self.oracle.broke("P1", format!("after half an hour of calm: {what}"));
                return self.verdict().map(|()| 0);
            }
            self.run_for(LOOK_MS);
        }
        let calm_ms = self.now.since(since);
        self.run_for(AFTER_MS);
        self.judge();
        self.verdict()?;
        Ok(calm_ms)
    }

    fn outstanding(&mut self) -> Option<String> {
        if let Some(what) = self.unanswered() {
            return Some(what);
        }
        let lists = self.lists();
        if let Some(what) = self.oracle.missing(&lists).or_else(|| open_gap(&lists)) {
            return Some(what);
        }
        self.disunited()
    }

    fn disunited(&mut self) -> Option<String> {
        let inside = self.inside.clone();
        let mut rosters = inside.iter().map(|host| (*host, self.roster(*host)));
        let size = inside.len();
        let (first, roster) = rosters.next()?;
        let mut odd = rosters.filter(|(_, other)| *other != roster).map(|(host, _)| host);
        let odd = odd.next().or_else(|| (roster.len() != size).then_some(first));
        odd.map(|host| format!("host {host} has another roster than the circle has"))
    }

    fn judge(&mut self) {
        if self.verdict().is_err() {
            return;
        }
        let lists = self.lists();
        if self.verdict().is_err() {
            return;
        }
        self.oracle.judge(ANNA, &lists);
        if let Some(gap) = open_gap(&lists) {
            self.oracle.broke("P2", gap);
        }
        if let Some(what) = self.disunited() {
            self.oracle.broke("one roster", what);
        }
        if let Some(host) = self.network.unjudged(VERDICT_MS, self.now) {
            self.oracle.broke("P7", format!("host {host} leaves gossip without a verdict"));
        }
    }
}

/// P2: after calm no gap waits for others any more.
fn open_gap(lists: &BTreeMap<HostId, Vec<Entry>>) -> Option<String> {
    let open = |entry: &Entry| match entry.kind {
        EntryKind::Gap { count, cause, .. } => {
            let passing = [GapCause::Asking, GapCause::KeyComing, GapCause::Damaged];
            count != Some(0) && passing.contains(&cause)
        }
        _ => false,
    };
    let mut open = lists.iter().filter(|(_, list)| list.iter().any(open));
    open.next().map(|(host, _)| format!("host {host} shows a gap that is not filled"))
}

/// What came of many storms.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Storms.
    pub storms: u64,
    /// Seeds in which a promise was broken.
    pub broken: BTreeMap<u64, Broken>,
    /// Time that passed in all worlds.
    pub virtual_ms: u64,
    /// Longest time until all was calm.
    pub longest_calm_ms: u64,
    /// Most frames that waited on one side of a connection.
    pub longest_queue: usize,
    /// Time that passed here.
    pub wall: Duration,
    /// Over the traces of all worlds, in the order of seeds.
    pub hash: String,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (seed, broken) in &self.broken {
            writeln!(f, "SEED={seed} {broken}")?;
        }
        write!(
            f,
            "{} storms, {} broken; {} virtual min in {:.1} s; calm after at most {} s; \
             at most {} frames queued; trace {}",
            self.storms,
            self.broken.len(),
            self.virtual_ms / 60_000,
            self.wall.as_secs_f64(),
            self.longest_calm_ms / 1_000,
            self.longest_queue,
            self.hash
        )
    }
}

/// Runs storms with the seeds `first..first + count`, on two threads.
///
/// # Panics
/// If the harness itself does.
#[must_use]
pub fn run_storms(first: u64, count: u64, members: usize, config: &StormConfig) -> Report {
    let began = Instant::now();
    let next = AtomicU64::new(first);
    let done = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        break;
                    }
                    let mut world = World::storm(seed, members, config);
                    let calm = world.calm();
                    let span = world.now.since(crate::world::BEGINNING);
                    let queue = world.network.longest_queue;
                    let one = (calm, span, queue, world.trace);
                    done.lock().expect("no thread panics").insert(seed, one);
                }
            });
        }
    });
    let mut report = Report { storms: count, wall: began.elapsed(), ..Report::default() };
    let mut hash = Trace::default();
    for (seed, (calm, span, queue, trace)) in done.into_inner().expect("no thread panics") {
        match calm {
            Ok(ms) => report.longest_calm_ms = report.longest_calm_ms.max(ms),
            Err(broken) => {
                report.broken.insert(seed, broken);
            }
        }
        report.virtual_ms += span;
        report.longest_queue = report.longest_queue.max(queue);
        hash.note(crate::world::BEGINNING, "world", 0, trace.short().as_bytes());
    }
    report.hash = hash.short();
    report
}

/// Runs up to `most` storms, and gives what broke in the first of them in which something did.
#[must_use]
pub fn first_broken(most: u64, members: usize, config: &StormConfig) -> Option<Broken> {
    let mut pairs = (1..=most).step_by(2);
    pairs.find_map(|first| run_storms(first, 2, members, config).broken.into_values().next())
}
