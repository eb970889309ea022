//! Hosts, one clock, one seed: the driver's loop with the outside replaced.
//!
//! A host is driven as `node` drives it: what arrives while a batch is being flushed waits,
//! then goes into the machine together; a batch is written, then sent, answered and told.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use hearthlight_protocol::boundary::{Answer, Event, Input, Ticket, Timestamp};
use hearthlight_protocol::error::CommandError;
use hearthlight_protocol::identity::{CircleId, MemberId};
use hearthlight_protocol::planted::Planted;

use crate::bounds::Sizes;
use crate::chance::Chance;
use crate::fault::Faults;
use crate::homes::Backup;
use crate::host::Host;
use crate::link::{Network, Travel};
use crate::machine::{Machines, Part, relay_multiaddr, relay_peer};
use crate::mallory::Forged;
use crate::oracle::{Broken, Oracle};
use crate::people::Wish;
use crate::queue::{Queue, Trace};
use crate::reference::Reference;
use crate::secrecy::Secrecy;
use crate::storm::Change;
use crate::{ANNA, HostId};

mod drive;
mod seals;

/// Where every world's clock begins: 2026-01-05T00:00Z, a Monday.
pub const BEGINNING: Timestamp = Timestamp(1_767_571_200_000);
/// Inputs that may wait for one host; a machine that cannot keep up with this is broken (P7).
const MAX_INBOX: usize = 20_000;
/// What a world of this size ever plans at once. A guess.
const MAX_PLANNED: usize = 500_000;
/// A world of hosts in which everything follows from the seed.
#[derive(Debug)]
pub struct World {
    /// The seed, which is all that a replay needs.
    pub seed: u64,
    /// The one true clock.
    pub now: Timestamp,
    /// All computers: members first, then relays.
    pub hosts: Vec<Host>,
    /// How they are connected.
    pub network: Network,
    /// What was seen, and judged.
    pub oracle: Oracle,
    /// What went into the machines and came out, as one hash.
    pub trace: Trace,
    /// The circle that this world is about, once founded.
    pub circle: Option<CircleId>,
    pub(crate) faults: Faults,
    pub(crate) gale: Gale,
    pub(crate) chance: Chance,
    pub(crate) queue: Queue<Happening>,
    pub(crate) wishes: BTreeMap<Ticket, (HostId, Wish)>,
    pub(crate) next_ticket: u64,
    pub(crate) answers: BTreeMap<Ticket, Result<Answer, CommandError>>,
    /// Whom each host was last known to know in the roster, itself left out.
    pub(crate) rosters: BTreeMap<HostId, BTreeSet<MemberId>>,
    /// Members that hold the circle, and newcomers on their way, by name.
    pub(crate) inside: BTreeSet<HostId>,
    pub(crate) coming: BTreeSet<HostId>,
    /// Who of them was asked in by an open invite.
    pub(crate) opened: BTreeSet<HostId>,
    /// Newcomers whose invites have ended, and when that was first seen.
    pub(crate) ended: BTreeMap<HostId, Timestamp>,
    /// Newcomers that will be asked in once more.
    pub(crate) again: BTreeSet<HostId>,
    /// Askings that were given up: a host who heard of the end late may let them in all the same, and
    /// then they are members whom nobody plays any more.
    pub(crate) given_up: usize,
    /// Members that are hosts of the circle.
    pub(crate) stewards: BTreeSet<HostId>,
    /// Members of whom somebody wished that they belong no more; those of whom it was done.
    pub(crate) leaving: BTreeSet<HostId>,
    pub(crate) gone: BTreeSet<HostId>,
    pub(crate) customs: Customs,
    /// Computers that stay off until then.
    pub(crate) asleep: BTreeMap<HostId, Timestamp>,
    /// How often something was not read that was to be, when a storm did not calm.
    pub(crate) unread: usize,
    /// What nodes held each evening.
    pub(crate) evenings: Vec<Sizes>,
    /// Homes as they were.
    pub(crate) backups: BTreeMap<HostId, Backup>,
    /// Whose homes were put back.
    pub(crate) put_back: BTreeSet<HostId>,
    /// Computers on which copies of homes can run.
    pub(crate) spares: Vec<HostId>,
    /// Whose home is used on another computer now, and which computer that was.
    pub(crate) copied: Vec<(MemberId, HostId)>,
    pub(crate) secrecy: Secrecy,
    pub(crate) forged: Forged,
    /// Whether everything follows from a seed: who is hostile is `forged`, and all others are honest.
    pub(crate) is_storm: bool,
    /// The second oracle.
    pub reference: Reference,
    /// What members sent to others, if somebody listens.
    overheard: Option<Vec<u8>>,
    logs: bool,
    pub(crate) machines: Machines,
}

/// What happens to hosts, beyond what the weather does to frames.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gale {
    /// Probability that a host dies within a second.
    pub(crate) crash: f64,
    /// Probability that it dies while it carries a batch out.
    pub(crate) torn: f64,
    /// Probability that a connection breaks within a second.
    pub(crate) cut: f64,
    /// How long a dead host stays down.
    pub(crate) down_ms: (u64, u64),
    /// Which part of the members is away at any time, and for how long each.
    pub(crate) absent: f64,
    pub(crate) absent_ms: (u64, u64),
}

/// How a circle is founded, and lets in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Customs {
    /// Probability that an invite is open.
    pub(crate) open: f64,
    /// How long talk is kept, if not as the template says.
    pub(crate) keep_s: Option<u64>,
}

/// What is planned.
#[derive(Debug)]
pub(crate) enum Happening {
    /// A host handles what lies in its inbox.
    Turn(HostId, u64),
    /// A host's batch is on the disk.
    Flushed(HostId, u64),
    /// A machine wanted to be called now.
    Wake(HostId, u64, Timestamp),
    /// A host comes back.
    Start(HostId),
    /// Something arrives.
    Travel(Travel),
    /// A second has passed in a gale.
    Gust,
    /// A hostile member does something.
    Mischief(HostId),
    /// A host removes a hostile member.
    Expel(HostId),
    /// Somebody says something; who, chance decides.
    Talk,
    /// Somebody joins.
    Join(HostId),
    /// People look whether a newcomer waits, or is in.
    Look,
    /// Somebody asks again for what could not be done yet.
    Wish(HostId, Wish),
    /// The circle, or the network, is changed.
    Change(Change),
}

impl World {
    /// A world with so many members' computers and relays, none of which knows another.
    #[must_use]
    pub fn new(machines: Machines, seed: u64, members: usize, relays: usize) -> Self {
        const NAMES: [&str; 8] = ["Anna", "Ben", "Chris", "Dana", "Eve", "Finn", "Grace", "Hugo"];
        let mut chance = Chance::new(seed);
        let mut network = Network::new(chance.child());
        let mut hosts = Vec::new();
        for number in 0..members {
            let name = NAMES.get(number).map_or_else(|| format!("Guest {number}"), |n| (*n).into());
            let root = chance.bytes();
            hosts.push(Host::new(name, Part::Member, root, chance.child()));
        }
        for number in 1..=u8::try_from(relays).expect("few relays") {
            let root = chance.bytes();
            network.add_relay(hosts.len(), relay_multiaddr(number), relay_peer(&root));
            let name = format!("Hope {number}");
            hosts.push(Host::new(name, Part::Relay, root, chance.child()));
        }
        let mut world = Self {
            seed,
            now: BEGINNING,
            hosts,
            network,
            oracle: Oracle::default(),
            trace: Trace::default(),
            circle: None,
            faults: Faults::default(),
            gale: Gale::default(),
            chance,
            queue: Queue::default(),
            wishes: BTreeMap::new(),
            next_ticket: 0,
            answers: BTreeMap::new(),
            rosters: BTreeMap::new(),
            inside: BTreeSet::new(),
            coming: BTreeSet::new(),
            opened: BTreeSet::new(),
            ended: BTreeMap::new(),
            again: BTreeSet::new(),
            given_up: 0,
            stewards: BTreeSet::from([ANNA]),
            leaving: BTreeSet::new(),
            gone: BTreeSet::new(),
            customs: Customs::default(),
            asleep: BTreeMap::new(),
            unread: 0,
            evenings: Vec::new(),
            backups: BTreeMap::new(),
            put_back: BTreeSet::new(),
            spares: Vec::new(),
            copied: Vec::new(),
            secrecy: Secrecy::default(),
            forged: Forged::default(),
            is_storm: false,
            reference: Reference::default(),
            overheard: None,
            logs: std::env::var_os("SIM_LOG").is_some(),
            machines,
        };
        (0..world.hosts.len()).for_each(|host| world.start(host));
        world
    }

    /// Plants faults in all machines, from now on.
    pub fn plant(&mut self, faults: impl IntoIterator<Item = Planted>) {
        self.faults.planted = [None; 6];
        self.faults.planted.iter_mut().zip(faults).for_each(|(place, fault)| *place = Some(fault));
    }

    /// Listens from now on to everything that members send.
    pub fn overhear(&mut self) {
        self.overheard = Some(Vec::new());
    }

    /// All that was heard since [`Self::overhear`].
    #[must_use]
    pub fn overheard(&self) -> Vec<u8> {
        self.overheard.clone().unwrap_or_default()
    }

    /// Lets so much time pass, or stops where a promise is broken.
    pub fn run_for(&mut self, ms: u64) {
        let end = self.now.plus(ms);
        while self.step(end) {}
        if self.oracle.broken().is_none() {
            self.now = end;
        }
    }

    /// The first promise that was broken.
    ///
    /// # Errors
    /// That promise.
    pub fn verdict(&self) -> Result<(), Broken> {
        self.oracle.broken().map_or(Ok(()), |broken| Err(broken.clone()))
    }

    /// Lets a host die; it comes back after `down_ms`.
    pub fn crash(&mut self, host: HostId, down_ms: u64) {
        if self.hosts[host].is_up() {
            self.trace.note(self.now, "crash", host, &[]);
            self.log(host, || format!("is down for {down_ms} ms"));
            self.hosts[host].drop_machine();
            self.network.stop(host, self.now);
            self.deliver();
            self.queue.plan(self.now.plus(down_ms), Happening::Start(host));
        }
    }

    /// Cuts the network: hosts named with different numbers, or not named, reach one another no more.
    pub fn cut(&mut self, sides: BTreeMap<HostId, u32>) {
        self.network.cut(sides, self.now);
        self.deliver();
    }

    /// Starts a host, if it is down, from what it has saved.
    pub fn start(&mut self, host: HostId) {
        if self.hosts[host].is_up() {
            return;
        }
        self.trace.note(self.now, "start", host, &[]);
        self.log(host, || "starts".into());
        let (machines, now, faults) = (self.machines, self.now, self.faults);
        let start = || {
            let _planting = faults.plant();
            self.hosts[host].start(machines, now)
        };
        match guarded(start) {
            Some(Ok(())) => {
                self.network.start(host);
                self.note_known(host);
                self.wish_again(host);
                // The world goes on until it has told what it shows; what is wished for meanwhile is asked once.
                self.note_heard(host);
                self.note_home(host);
                self.plan_turn(host);
            }
            Some(Err(error)) => {
                self.oracle.broke("P1", format!("host {host} cannot be restored: {error}"));
            }
            None => self.oracle.broke("no panics", format!("host {host}, while restored")),
        }
    }

    /// Hands an input to a host, if it is up.
    pub(crate) fn give(&mut self, host: HostId, input: Input) {
        if self.hosts[host].is_up() {
            self.hosts[host].inbox.push(input);
            if self.hosts[host].inbox.len() > MAX_INBOX {
                self.oracle.broke("P7", format!("host {host} does not keep up"));
            }
            self.plan_turn(host);
        }
    }

    /// Lets the operator of a relay add a token.
    pub(crate) fn add_token(&mut self, relay: HostId, token: [u8; 16]) {
        let now = self.now;
        match guarded(|| self.hosts[relay].add_token(now, token)) {
            Some(outputs) => {
                self.carry_out(relay, outputs, None);
                self.plan_turn(relay);
            }
            None => self.oracle.broke("no panics", format!("relay {relay}, given a token")),
        }
    }

    /// With `SIM_LOG` set, says what happens to a host, in seconds since the world began.
    pub(crate) fn log(&self, host: HostId, what: impl FnOnce() -> String) {
        if self.logs {
            let ms = self.now.since(BEGINNING);
            println!("{:>9}.{:03} host {host}: {}", ms / 1_000, ms % 1_000, what());
        }
    }

    /// The next happening before `end`; `false` if there is none, or a promise is broken.
    pub(crate) fn step(&mut self, end: Timestamp) -> bool {
        if self.oracle.broken().is_some() {
            return false;
        }
        let Some((at, happening)) = self.queue.take(end) else {
            return false;
        };
        self.now = self.now.max(at);
        match happening {
            Happening::Turn(host, run) => self.turn(host, run),
            Happening::Flushed(host, run) => self.flushed(host, run),
            Happening::Wake(host, run, at) => self.woken(host, run, at),
            Happening::Start(host) => match self.asleep.get(&host).copied() {
                Some(until) if until > self.now => self.queue.plan(until, happening),
                _ => self.start(host),
            },
            Happening::Travel(travel) => {
                self.network.arrive(travel, self.now);
                self.deliver();
            }
            Happening::Gust => self.gust(),
            Happening::Mischief(host) => self.mischief(host),
            Happening::Expel(host) => self.expel(host),
            Happening::Talk => self.talk(),
            Happening::Join(host) => self.begin_join(host),
            Happening::Look => self.look(),
            Happening::Wish(host, wish) => {
                self.wish(host, wish);
            }
            Happening::Change(change) => self.change(change),
        }
        if self.queue.len() > MAX_PLANNED {
            self.oracle.broke("P7", format!("{} things are under way", self.queue.len()));
        }
        true
    }

    fn told(&mut self, host: HostId, event: &Event) {
        match event {
            Event::Message { circle, entry } if Some(*circle) == self.circle => {
                let knew = entry.author.is_some_and(|who| self.hosts[host].knew.contains(&who));
                self.log(host, || format!("shows {:?}", entry.kind));
                self.forged_shown(host, entry, !knew);
                self.oracle.line_shown(host, entry, !knew);
                self.judge_line(host, entry);
                self.judge_gap(host, entry);
                self.judge_accusation(host, entry);
            }
            Event::Mark { circle, id, delivery } if Some(*circle) == self.circle => {
                let relays = self.hosts.iter().filter(|host| host.part == Part::Relay);
                let relays: Vec<_> = relays.map(|host| &host.store).collect();
                let claims = self.network.liar.as_ref().map(|(_, liar)| &liar.claims);
                self.oracle.mark_rose(host, id, delivery, &relays, claims);
            }
            _ => self.person_told(host, event),
        }
    }

    /// Brings what the network has done to hosts and plan.
    fn deliver(&mut self) {
        for (at, travel) in std::mem::take(&mut self.network.later) {
            self.queue.plan(at, Happening::Travel(travel));
        }
        for (host, input) in std::mem::take(&mut self.network.arrivals) {
            self.give(host, input);
        }
    }

    fn gust(&mut self) {
        let gale = self.gale;
        if gale.crash <= 0.0 && gale.cut <= 0.0 && gale.absent <= 0.0 {
            return;
        }
        self.keep_absent(gale);
        for host in 0..self.hosts.len() {
            if self.chance.happens(gale.crash) {
                let down = self.chance.between(gale.down_ms);
                self.crash(host, down);
            }
        }
        // Each minute, also in the middle of a flood.
        if (self.now.0 / 1_000).is_multiple_of(60) {
            self.judge_limits(false);
        }
        self.network.break_some(gale.cut, self.now);
        self.deliver();
        self.queue.plan(self.now.plus(1_000), Happening::Gust);
    }
}

impl World {
    /// Sees to it that this part of the members in the circle is away.
    fn keep_absent(&mut self, gale: Gale) {
        if gale.absent <= 0.0 {
            return;
        }
        let inside: Vec<HostId> = self.inside.iter().copied().collect();
        let mut up: Vec<HostId> =
            inside.iter().copied().filter(|host| self.hosts[*host].is_up()).collect();
        let least = inside.len() as f64 * gale.absent;
        while ((inside.len() - up.len()) as f64) < least.floor() {
            let Some(host) = self.chance.one_of(&up) else { return };
            let away = self.chance.between(gale.absent_ms);
            self.crash(host, away);
            up.retain(|other| *other != host);
        }
    }
}

/// What `act` gives; `None` if it panics.
pub(crate) fn guarded<T>(act: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(act)).ok()
}
