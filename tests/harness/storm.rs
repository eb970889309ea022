//! Storms: everything that can go wrong goes wrong at once, people talk and join in the middle of it,
//! and when it is over every promise must have been kept.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hearthlight_protocol::boundary::{Entry, EntryKind, GapCause, Timestamp};

use crate::bounds::Sizes;
use crate::fault::Weather;
use crate::oracle::Broken;
use crate::queue::Trace;
use crate::world::{Gale, World};
use crate::{ANNA, HostId};

mod change;
mod config;

pub use change::Change;
pub use config::{Changes, INGREDIENTS, KINDS, StormConfig};

/// How long a circle may need after a storm until nothing is outstanding.
pub const CALM_MS: u64 = 30 * 60_000;
/// How often that is looked at.
const LOOK_MS: u64 = 10_000;
/// How long it is watched afterwards, for what should not happen any more.
const AFTER_MS: u64 = 120_000;
/// How long gossip may wait for its verdict.
const VERDICT_MS: u64 = 10_000;

impl World {
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
        self.choose_copies();
        self.judge_secrecy();
        self.wait_until_calm(since)?;
        let calm_ms = self.now.since(since);
        self.run_for(AFTER_MS);
        // R-25 f: in which epoch a member says that it is may be a lie, or have come late. An opening is due by it,
        // and is made.
        if !self.forged.by.is_empty() || self.is_opening_due() {
            self.wait_until_calm(since)?;
        }
        self.judge();
        self.verdict()?;
        Ok(calm_ms)
    }

    fn wait_until_calm(&mut self, since: Timestamp) -> Result<(), Broken> {
        while let Some(what) = self.outstanding() {
            self.verdict()?;
            self.log(ANNA, || format!("is not calm: {what}"));
            if self.now.since(since) > CALM_MS {
                let lists = self.lists();
                self.unread = self.oracle.unread(&lists);
                self.oracle.broke("P1", format!("after half an hour of calm: {what}"));
                return self.verdict();
            }
            self.answer_silent_homes();
            self.run_for(LOOK_MS);
        }
        Ok(())
    }

    fn outstanding(&mut self) -> Option<String> {
        if let Some(what) = self.unanswered() {
            return Some(what);
        }
        let lists = self.lists();
        let missing = self.oracle.missing(&lists).or_else(|| self.open_gap(&lists));
        if let Some(what) = missing.or_else(|| self.other_forged(&lists)) {
            return Some(what);
        }
        self.disunited()
    }

    /// One roster and one head, at everybody who belongs.
    fn disunited(&mut self) -> Option<String> {
        let belonging = self.belonging();
        if let Some(what) = self.misjudged(&belonging) {
            return Some(what);
        }
        let sizes = belonging.len()..=belonging.len() + self.given_up;
        let belonging: Vec<HostId> = belonging.difference(&self.forged.by).copied().collect();
        let mut rosters = belonging.iter().map(|host| (*host, self.roster(*host)));
        let (first, roster) = rosters.next()?;
        let mut odd = rosters.filter(|(_, other)| *other != roster).map(|(host, _)| host);
        let odd = odd.next().or_else(|| (!sizes.contains(&roster.len())).then_some(first));
        if let Some(host) = odd {
            return Some(format!("host {host} has another roster than the circle has"));
        }
        let mut insides = belonging.iter().filter_map(|host| Some((*host, self.inside_of(*host)?)));
        let (_, first) = insides.next()?;
        insides.find_map(|(host, inside)| {
            let what = match () {
                () if inside.heads != first.heads => "other charter heads than the first",
                () if inside.head.is_none() => "no head",
                () if inside.head != first.head => "another head than the first",
                () if inside.due => "an opening that is due",
                () => return None,
            };
            Some(format!("host {host} has {what}"))
        })
    }

    fn is_opening_due(&self) -> bool {
        (0..self.hosts.len()).any(|host| self.inside_of(host).is_some_and(|inside| inside.due))
    }

    /// P2: after calm no gap waits for others any more, unless for what was lost with a home that went back
    /// to a backup, or what relays may have forgotten and nobody says again, its author having gone.
    fn open_gap(&self, lists: &BTreeMap<HostId, Vec<Entry>>) -> Option<String> {
        let open = |entry: &Entry| match entry.kind {
            EntryKind::Gap { id, count, cause, .. } => {
                let passing = [GapCause::Asking, GapCause::KeyComing, GapCause::Damaged];
                (count != Some(0) && passing.contains(&cause)).then_some(id)
            }
            _ => None,
        };
        let waits = |host: &HostId, list: &[Entry]| {
            let inside = self.inside_of(*host)?;
            let missing = list.iter().filter_map(open).filter_map(|id| inside.gaps.get(&id));
            missing.flatten().find(|id| self.oracle.is_owed(id, lists)).copied()
        };
        let (host, id) = lists.iter().find_map(|(host, list)| Some((host, waits(host, list)?)))?;
        let what = self.oracle.text(&id);
        Some(format!("host {host} shows a gap for {what:?} that is not filled"))
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
        if let Some(what) = self.other_forged(&lists) {
            self.oracle.broke("R-32", what);
        }
        self.judge_by_reference(&lists);
        self.judge_secrecy();
        self.judge_sizes();
        if let Some(gap) = self.open_gap(&lists) {
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
    /// The most that one node held of each thing once all was calm.
    pub sizes: Sizes,
    /// Messages of which somebody who was to read them has not, in storms in which that broke a promise.
    pub unread: usize,
    /// How one of these storms is run again, but for its seed.
    pub again: String,
    /// How often the second oracle was asked who belongs, and did not know.
    pub silent: (usize, usize),
    /// Over the traces of all worlds, in the order of seeds.
    pub hash: String,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (seed, broken) in &self.broken {
            writeln!(f, "SEED={seed} {broken}")?;
            writeln!(f, "  again: {} SIM_SEEDS=1 SIM_FIRST_SEED={seed}", self.again)?;
        }
        write!(
            f,
            "{} storms, {} broken; {} virtual min in {:.1} s; calm after at most {} s; \
             at most {} frames queued; {} unread; {} of {} rosters not reckoned; held {:?}; trace {}",
            self.storms,
            self.broken.len(),
            self.virtual_ms / 60_000,
            self.wall.as_secs_f64(),
            self.longest_calm_ms / 1_000,
            self.longest_queue,
            self.unread,
            self.silent.0,
            self.silent.1,
            self.sizes,
            self.hash
        )
    }
}

/// Runs storms with the seeds `first..first + count`, on two threads.
///
/// # Panics
/// If the harness itself does.
#[must_use]
pub fn run_storms(first: u64, count: u64, config: &StormConfig) -> Report {
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
                    let began = Instant::now();
                    let mut world = World::storm(seed, config);
                    let calm = world.calm();
                    if std::env::var_os("SIM_PROGRESS").is_some() {
                        let s = began.elapsed().as_secs_f64();
                        println!("SEED={seed} in {s:.1} s: {calm:?} {:?}", world.sizes());
                    }
                    let span = world.now.since(crate::world::BEGINNING);
                    let queue = world.network.longest_queue;
                    let silent = (world.reference.silent, world.reference.asked);
                    let held = (world.sizes(), world.unread, silent);
                    let one = (calm, span, queue, world.trace.clone(), held);
                    done.lock().expect("no thread panics").insert(seed, one);
                }
            });
        }
    });
    let left = config.left.as_ref().map(|left| format!(" SIM_ONLY={left}")).unwrap_or_default();
    let again = format!("SIM_KIND={}{left}", config.kind);
    let mut report = Report { storms: count, wall: began.elapsed(), again, ..Report::default() };
    let mut hash = Trace::default();
    for (seed, (calm, span, queue, trace, (sizes, unread, silent))) in
        done.into_inner().expect("no thread panics")
    {
        match calm {
            Ok(ms) => report.longest_calm_ms = report.longest_calm_ms.max(ms),
            Err(broken) => {
                report.broken.insert(seed, broken);
            }
        }
        for (name, size) in sizes {
            let most = report.sizes.entry(name).or_default();
            *most = size.max(*most);
        }
        report.unread += unread;
        report.silent.0 += silent.0;
        report.silent.1 += silent.1;
        report.virtual_ms += span;
        report.longest_queue = report.longest_queue.max(queue);
        hash.note(crate::world::BEGINNING, "world", 0, trace.short().as_bytes());
    }
    report.hash = hash.short();
    report
}

/// The fewest ingredients found with which a broken storm is still broken: each is left out in turn.
#[must_use]
pub fn shrink(seed: u64, config: &StormConfig) -> Option<String> {
    let is_broken =
        |names: &[&str]| !run_storms(seed, 1, &config.only(&names.join(","))).broken.is_empty();
    let mut left = INGREDIENTS.to_vec();
    if !is_broken(&left) {
        return None;
    }
    for name in INGREDIENTS {
        let fewer: Vec<&str> = left.iter().copied().filter(|other| *other != name).collect();
        if is_broken(&fewer) {
            left = fewer;
        }
    }
    Some(left.join(","))
}

/// Runs up to `most` storms, and gives what broke in the first of them in which something did.
#[must_use]
pub fn first_broken(most: u64, config: &StormConfig) -> Option<Broken> {
    let mut pairs = (1..=most).step_by(2);
    pairs.find_map(|first| run_storms(first, 2, config).broken.into_values().next())
}
