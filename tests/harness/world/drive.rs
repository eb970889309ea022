//! The driver's loop: turns, flushes, and what leaves a host.

use hearthlight_protocol::boundary::{Input, Output, Store, Timestamp};
use hearthlight_protocol::crypto::light_proofs;
use hearthlight_protocol::envelope::MAX_GOSSIP;
use hearthlight_protocol::mailbox::{MAX_FRAME, Packet};
use hearthlight_protocol::wire;

use super::{Happening, World, guarded};
use crate::HostId;
use crate::host::Death;
use crate::machine::Part;

/// Longest time that a flush takes; what a good disk needs.
const FLUSH_MS: u64 = 2;
/// Outputs in one batch (P7). A guess.
const MAX_BATCH: usize = 20_000;
/// Turns of one host in one second; with flushes of 0 to 2 ms more than this is spinning.
const MAX_TURNS: u32 = 1_500;
/// Turns in one second in which a host was asked nothing and did nothing.
const MAX_IDLE: u32 = 100;

impl World {
    pub(super) fn plan_turn(&mut self, host: HostId) {
        let h = &mut self.hosts[host];
        if !h.turning && h.batch.is_none() {
            h.turning = true;
            let run = h.run;
            self.queue.plan(self.now, Happening::Turn(host, run));
        }
    }

    pub(super) fn woken(&mut self, host: HostId, run: u64, at: Timestamp) {
        let h = &self.hosts[host];
        if h.is_up() && h.run == run && h.wake == Some(at) {
            self.plan_turn(host);
        }
    }

    pub(super) fn turn(&mut self, host: HostId, run: u64) {
        let now = self.now;
        let h = &mut self.hosts[host];
        if !h.is_up() || h.run != run {
            return;
        }
        h.turning = false;
        if h.was_set_back(now) {
            self.crash(host, 1);
            return;
        }
        let second = now.0 / 1_000;
        h.turns = if h.turns.0 == second { (second, h.turns.1 + 1) } else { (second, 1) };
        if h.turns.1 > MAX_TURNS {
            self.oracle.broke("P7", format!("host {host} spins"));
        }
        for input in &h.inbox {
            let number;
            let (tag, bytes): (_, &[u8]) = match input {
                Input::Up { peer, .. } => ("up", &peer.0),
                Input::Down { peer, .. } => ("down", &peer.0),
                Input::Unreachable { .. } => ("unreachable", &[]),
                Input::Frame { bytes, .. } => ("frame", bytes),
                Input::Gossip { bytes, .. } => ("gossip", bytes),
                Input::Command { ticket, .. } => {
                    number = ticket.0.to_be_bytes();
                    ("command", &number)
                }
            };
            self.trace.note(now, tag, host, bytes);
        }
        let asked = h.inbox.len();
        let faults = self.faults;
        let turn = || {
            let (_planting, _light) = (faults.plant(), light_proofs());
            h.turn(now)
        };
        let Some(batch) = guarded(turn) else {
            self.oracle.broke("no panics", format!("host {host}, while handling"));
            return;
        };
        if batch.len() > MAX_BATCH {
            self.oracle.broke("P7", format!("host {host} makes {} outputs at once", batch.len()));
        }
        if batch.is_empty() {
            h.idle = if h.idle.0 == second { (second, h.idle.1) } else { (second, 0) };
            h.idle.1 += u32::from(asked == 0);
            if h.idle.1 > MAX_IDLE {
                let what = format!("host {host} wakes {MAX_IDLE} times in a second for nothing");
                self.oracle.broke("P7", what);
            }
            self.go_on(host);
            return;
        }
        let death = self.draw_death(&batch);
        let flush = self.chance.below(FLUSH_MS + 1);
        self.hosts[host].batch = Some((batch, death));
        self.queue.plan(now.plus(flush), Happening::Flushed(host, run));
    }

    fn draw_death(&mut self, batch: &[Output]) -> Option<Death> {
        const DEATHS: [Death; 6] = [
            Death::BeforeWrite,
            Death::AfterKeys,
            Death::AfterSaves,
            Death::AfterSaves,
            Death::AfterSaves,
            Death::BeforeDestroying,
        ];
        if !batch.iter().any(|output| matches!(output, Output::Save(..) | Output::DestroyKey(_))) {
            return None;
        }
        if self.chance.happens(self.faults.sends_first) {
            return Some(Death::SentUnsaved);
        }
        self.chance.happens(self.gale.torn).then(|| self.chance.one_of(&DEATHS)).flatten()
    }

    pub(super) fn flushed(&mut self, host: HostId, run: u64) {
        let h = &mut self.hosts[host];
        if !h.is_up() || h.run != run {
            return;
        }
        let Some((batch, death)) = h.batch.take() else {
            return;
        };
        self.carry_out(host, batch, death);
        if death.is_some() {
            let down = self.chance.between(self.gale.down_ms);
            self.crash(host, down);
            return;
        }
        self.go_on(host);
    }

    /// A batch is done: the next turn is now, if something waits, or when the machine wants it.
    fn go_on(&mut self, host: HostId) {
        if !self.hosts[host].inbox.is_empty() {
            self.plan_turn(host);
            return;
        }
        let h = &mut self.hosts[host];
        if let Some(wake) = h.wake {
            // At the earliest in a millisecond, or a machine that spins would stop the world.
            let at = h.world_time(wake).max(self.now.plus(1));
            h.wake = Some(at);
            let run = h.run;
            self.queue.plan(at, Happening::Wake(host, run, at));
        }
    }

    /// Writes, then sends and tells, then destroys, as far as `death` lets it come.
    pub(crate) fn carry_out(&mut self, host: HostId, batch: Vec<Output>, death: Option<Death>) {
        let faults = self.faults;
        self.hosts[host].write(&batch, death, &faults);
        let written = matches!(death, None | Some(Death::AfterSaves | Death::BeforeDestroying));
        let leaves =
            !matches!(death, Some(Death::BeforeWrite | Death::AfterKeys | Death::AfterSaves));
        if written {
            self.note_saves(host, &batch);
        }
        if !matches!(death, Some(Death::BeforeWrite | Death::SentUnsaved)) {
            self.note_seals(host, &batch, written);
        }
        let mut gone = Vec::new();
        for output in batch {
            match output {
                Output::DestroyKey(_) => gone.push(output),
                Output::MakeKey(..) | Output::Save(..) | Output::Erase(_) => {}
                _ if !leaves => {}
                Output::Answer { ticket, answer } => self.answered(host, ticket, answer),
                Output::Notify(event) => self.told(host, &event),
                output => {
                    self.watch(host, &output);
                    self.network.carry_out(host, output, self.now);
                }
            }
        }
        if death.is_none() {
            self.hosts[host].store.destroy_keys(&gone);
        }
        self.deliver();
    }

    fn note_saves(&mut self, host: HostId, batch: &[Output]) {
        for output in batch {
            if let Output::Save(key, value) = output {
                self.trace.note(self.now, "save", host, &value.bytes);
                // Only what is really there, since a planted fault may have lost it.
                if self.hosts[host].store.get(key).as_ref() == Some(&value.bytes) {
                    self.oracle.saved(host, key.room, &value.bytes);
                    if let (Some(circle), Part::Member) = (self.circle, self.hosts[host].part) {
                        self.reference.saved(host, key.room, &value.bytes, &circle);
                    }
                }
            }
        }
    }

    /// Looks at what leaves a host for the network.
    fn watch(&mut self, host: HostId, output: &Output) {
        match output {
            Output::Send { bytes, .. } => {
                self.trace.note(self.now, "send", host, bytes);
                if bytes.len() > MAX_FRAME {
                    let what = format!("host {host} sends a frame of {} bytes", bytes.len());
                    self.oracle.broke("P7", what);
                }
                if self.hosts[host].part == Part::Member
                    && let Some(overheard) = &mut self.overheard
                {
                    overheard.extend(bytes);
                }
                self.watch_packet(host, bytes);
            }
            Output::Publish { bytes, .. } => {
                self.trace.note(self.now, "publish", host, bytes);
                let relay = self.hosts[host].part == Part::Relay;
                if relay || bytes.len() > MAX_GOSSIP {
                    self.oracle.broke("R-34", format!("host {host} gossips what it must not"));
                }
            }
            _ => {}
        }
    }

    fn watch_packet(&mut self, host: HostId, bytes: &[u8]) {
        match (wire::decode::<Packet>(bytes), self.hosts[host].part) {
            (None, _) => self.oracle.broke("R-34", format!("host {host} sends what is no packet")),
            (Some(Packet::Put { mailbox, envelopes }), Part::Member) => {
                let envelopes = envelopes.iter().map(|bytes| bytes.0.as_slice());
                self.oracle.put(host, &mailbox, envelopes, self.now);
            }
            (Some(Packet::Stored { ids, .. }), Part::Relay) => {
                self.oracle.stored(host, &ids, &self.hosts[host].store);
            }
            _ => {}
        }
    }
}
