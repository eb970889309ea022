//! One computer: a machine, a disk, and what its driver holds in its hands.

use std::collections::BTreeSet;

use hearthlight_protocol::boundary::{Env, Input, Output, Room, SET_BACK_MS, Timestamp};
use hearthlight_protocol::error::RestoreError;
use hearthlight_protocol::identity::MemberId;

use crate::chance::Chance;
use crate::fault::Faults;
use crate::machine::{Machine, Machines, Part, new_home};
use crate::store::MemoryStore;

/// A host. While it is down, `machine` is empty and only the store lasts.
pub struct Host {
    /// Whose it is.
    pub name: String,
    /// What it is.
    pub part: Part,
    /// Its disk.
    pub store: MemoryStore,
    /// How far its clock is ahead, in ms.
    pub skew_ms: i64,
    /// What it showed last.
    pub(crate) last: Timestamp,
    /// How often it was started; what was planned for an earlier run is void.
    pub run: u64,
    pub(crate) machine: Option<Box<dyn Machine>>,
    pub(crate) inbox: Vec<Input>,
    /// What is being flushed, and where the host dies over it, if it does.
    pub(crate) batch: Option<(Vec<Output>, Option<Death>)>,
    /// Whether the machine was restored and has handled nothing since.
    restored: bool,
    /// Whether a turn is planned.
    pub(crate) turning: bool,
    pub(crate) wake: Option<Timestamp>,
    /// Second of the world's clock, and turns in it, by which a machine that spins is found.
    pub(crate) turns: (u64, u32),
    /// Former members that its machine knew of when it was last called.
    pub(crate) knew: BTreeSet<MemberId>,
    /// The same by the second oracle: before the batch that is carried out, and by now.
    pub(crate) gone: (BTreeSet<MemberId>, BTreeSet<MemberId>),
    /// Second of the world's clock, and turns in it in which nothing came and nothing was done.
    pub(crate) idle: (u64, u32),
    /// The root secret that its home was set up with.
    pub(crate) root: [u8; 32],
    chance: Chance,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("name", &self.name).field("run", &self.run).finish()
    }
}

/// Where in the order of R-81 a host dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// Nothing of the batch was written.
    BeforeWrite,
    /// The new keys lie in the key file, nothing else.
    AfterKeys,
    /// *Torn batch*: keys and saves are there, nothing was sent, answered or told.
    AfterSaves,
    /// Everything but the destroyed keys was done.
    BeforeDestroying,
    /// A planted fault: everything left, nothing was saved.
    SentUnsaved,
}

impl Host {
    pub(crate) fn new(name: String, part: Part, root: [u8; 32], chance: Chance) -> Self {
        Self {
            name,
            part,
            store: new_home(root),
            skew_ms: 0,
            last: Timestamp(0),
            run: 0,
            machine: None,
            inbox: Vec::new(),
            batch: None,
            restored: false,
            turning: false,
            wake: None,
            turns: (0, 0),
            knew: BTreeSet::new(),
            gone: Default::default(),
            idle: (0, 0),
            root,
            chance,
        }
    }

    /// Whether it runs.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.machine.is_some()
    }

    /// This host's clock.
    #[must_use]
    pub fn clock(&self, now: Timestamp) -> Timestamp {
        Timestamp(now.0.saturating_add_signed(self.skew_ms))
    }

    /// The world's time at which this host's clock shows `shown`.
    #[must_use]
    pub fn world_time(&self, shown: Timestamp) -> Timestamp {
        Timestamp(shown.0.saturating_add_signed(-self.skew_ms))
    }

    /// Whether the clock was set back so far that the machine is restored.
    pub(crate) fn was_set_back(&self, now: Timestamp) -> bool {
        self.clock(now).plus(SET_BACK_MS) < self.last
    }

    /// Restores the machine from the store.
    pub(crate) fn start(&mut self, machines: Machines, now: Timestamp) -> Result<(), RestoreError> {
        let now = self.clock(now);
        self.last = now;
        let mut env = Env { now, rng: self.chance.rng(), store: &self.store };
        self.machine = Some(machines.restore(self.part, &self.root, &mut env)?);
        self.run += 1;
        self.restored = true;
        Ok(())
    }

    /// One more machine from the same store, which nobody drives.
    pub(crate) fn another(
        &mut self,
        machines: Machines,
        now: Timestamp,
    ) -> Result<Box<dyn Machine>, RestoreError> {
        let now = self.clock(now);
        let mut env = Env { now, rng: self.chance.rng(), store: &self.store };
        machines.restore(self.part, &self.root, &mut env)
    }

    /// The machine is gone, with everything that was not on the disk.
    pub(crate) fn drop_machine(&mut self) {
        self.machine = None;
        self.inbox.clear();
        self.batch = None;
        self.turning = false;
        self.wake = None;
    }

    /// Lets the machine handle what lies in the inbox; just restored, nothing at first.
    pub(crate) fn turn(&mut self, now: Timestamp) -> Vec<Output> {
        self.last = self.clock(now);
        let restored = std::mem::take(&mut self.restored);
        let inputs = if restored { Vec::new() } else { std::mem::take(&mut self.inbox) };
        self.with_machine(now, |machine, env| machine.handle(env, inputs))
    }

    /// Lets the operator add a token.
    pub(crate) fn add_token(&mut self, now: Timestamp, token: [u8; 16]) -> Vec<Output> {
        self.with_machine(now, |machine, env| machine.add_token(env, token))
    }

    fn with_machine(
        &mut self,
        now: Timestamp,
        act: impl FnOnce(&mut dyn Machine, &mut Env<'_>) -> Vec<Output>,
    ) -> Vec<Output> {
        let now = self.clock(now);
        let Some(machine) = &mut self.machine else {
            return Vec::new();
        };
        let mut env = Env { now, rng: self.chance.rng(), store: &self.store };
        let outputs = act(machine.as_mut(), &mut env);
        self.wake = machine.next_wake();
        outputs
    }

    /// Writes of a batch what gets to the disk before `death`; planted faults leave things out.
    pub(crate) fn write(&mut self, batch: &[Output], death: Option<Death>, faults: &Faults) {
        if matches!(death, Some(Death::BeforeWrite | Death::SentUnsaved)) {
            return;
        }
        self.store.write_keys(batch);
        if death == Some(Death::AfterKeys) {
            return;
        }
        for output in batch {
            if !self.forgets(output, faults) {
                self.store.write_values(std::slice::from_ref(output));
            }
        }
    }

    fn forgets(&mut self, output: &Output, faults: &Faults) -> bool {
        let Output::Save(key, _) = output else {
            return false;
        };
        match (self.part, faults.forget) {
            (Part::Relay, _) => faults.lying_relays && key.room == Room::Envelopes,
            (Part::Member, Some((room, probability))) => {
                room == key.room && self.chance.happens(probability)
            }
            (Part::Member, None) => false,
        }
    }
}
