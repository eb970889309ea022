//! Small worlds, each of which keeps every promise unless a certain fault is planted in its machines.

mod again;
mod boards;
mod invites;
mod talk;

use harness::{BEN, HostId, World};
use hearthlight_protocol::boundary::{Command, KeySlot, SlotKind, Store};
use hearthlight_protocol::identity::MemberId;
use hearthlight_protocol::message::{Frame, Item};
use hearthlight_protocol::planted::Planted;
use hearthlight_protocol::wire;

pub(crate) use {again::*, boards::*, invites::*, talk::*};

/// The promise that was broken, in words.
pub(crate) type Verdict = Result<(), String>;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Who is not in at first, of five.
const EVE: HostId = 4;
/// The secret of an epoch that Ben makes.
const NEXT: [u8; 32] = [77; 32];

/// What lies in an epoch's envelope.
fn items(text: &[u8]) -> Vec<Item> {
    let frame: Option<Frame> = wire::decode(text);
    frame.and_then(|frame| wire::decode(&frame.payload.0)).unwrap_or_default()
}

fn speak_for_a_day(world: &mut World) {
    for _ in 0..2 {
        world.say(BEN, "once a day");
        world.run_for(30 * HOUR);
    }
}

/// A calm circle in whose machines a fault is planted from now on.
fn calm(seed: u64, members: usize, relays: usize, fault: Option<Planted>) -> World {
    let mut world = World::calm_circle(seed, members, relays);
    world.plant(fault);
    world
}

fn holds(so: bool, promise: &str) -> Verdict {
    if so { Ok(()) } else { Err(promise.to_owned()) }
}

/// Whether the oracles of the world have seen nothing.
fn kept(world: &World) -> Verdict {
    world.verdict().map_err(|broken| broken.to_string())
}

fn epochs(world: &World, host: HostId) -> Vec<KeySlot> {
    let slots = world.hosts[host].store.secrets().into_iter();
    slots.map(|(slot, _)| slot).filter(|slot| slot.kind == SlotKind::Epoch).collect()
}

fn role(world: &mut World, by: HostId, who: MemberId, role: &str) {
    let circle = world.circle.expect("it was founded");
    let command = Command::Role { circle, who, role: role.into(), grant: true, end: None };
    world.command(by, command).expect("a host gives roles");
}

fn remove(world: &mut World, by: HostId, who: MemberId) {
    let circle = world.circle.expect("it was founded");
    let command = Command::Remove { circle, who, reason: None };
    world.command(by, command).expect("a host removes");
}
