//! What a relay sees, with its whole disk and every frame.

use std::collections::BTreeMap;

use harness::process::holds;
use harness::{ANNA, BEN, CHRIS, DANA, Machines, World};
use hearthlight_protocol::boundary::{EntryKind, Room, Store};

/// H-30, P5, R-31, R-70: of everything that goes over the wire while somebody joins, people talk and one home starts
/// again, and of all that two relays have on their disks, nothing is a secret of any home, a name, a text,
/// or the id of a circle, member, message or epoch.
#[test]
fn nothing_that_a_relay_has_or_hears_is_a_secret_a_name_or_a_text() {
    let mut world = World::calm_circle_of(Machines::Real, 31, 4, 3, 2);
    world.network.tap = Some(Vec::new());
    world.begin_join(DANA);
    for (host, text) in [(ANNA, "Kanarie one"), (BEN, "Kanarie two"), (CHRIS, "Kanarie three")] {
        world.say(host, text);
    }
    world.run_for(10 * 60_000);
    world.crash(BEN, 5_000);
    world.run_for(10 * 60_000);
    world.verdict().expect("every promise is kept");

    let mut words: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for text in ["Kanarie", "Evening circle", "Anna", "Chris", "Dana"] {
        words.insert(text.to_owned(), text.as_bytes().to_vec());
    }
    let circle = world.circle.expect("it was founded");
    words.insert("the circle".into(), circle.0.to_vec());
    for host in [ANNA, BEN, CHRIS, DANA] {
        for (number, (slot, secret)) in world.hosts[host].store.secrets().into_iter().enumerate() {
            // Both halves of what is two keys.
            for (half, bytes) in secret.bytes().chunks(32).enumerate() {
                let what = format!("secret {number}.{half} of host {host}, {:?}", slot.kind);
                words.insert(what, bytes[..bytes.len().min(16)].to_vec());
            }
        }
        for member in world.roster(host) {
            words.insert(format!("{member:?} {}", member.hex()), member.0.to_vec());
        }
        for entry in world.read(host) {
            if let (Some(id), EntryKind::Said { .. }) = (entry.id, &entry.kind) {
                words.insert(format!("message {id:02x?}"), id.to_vec());
            }
        }
    }
    assert!(words.len() > 40, "{} words", words.len());

    let tapped = world.network.tap.take().expect("it is open");
    let bytes: usize = tapped.iter().map(Vec::len).sum();
    assert!(tapped.len() > 200 && bytes > 50_000, "{} frames, {bytes} bytes", tapped.len());
    let mut seen: Vec<(String, Vec<u8>)> =
        tapped.into_iter().enumerate().map(|(at, frame)| (format!("frame {at}"), frame)).collect();
    for relay in [4, 5] {
        for room in [Room::Mailboxes, Room::Tokens, Room::Envelopes] {
            let rows = world.hosts[relay].store.drawer(room);
            let rows: Vec<Vec<u8>> =
                rows.map(|(key, row)| [&key.owner[..], &key.place, row].concat()).collect();
            assert!(!rows.is_empty(), "relay {relay} has nothing in {room:?}");
            seen.extend(rows.into_iter().map(|row| (format!("{room:?} of relay {relay}"), row)));
        }
    }
    let found: Vec<String> = seen
        .iter()
        .flat_map(|(place, bytes)| {
            let held = words.iter().filter(|(_, word)| holds(bytes, word));
            held.map(move |(what, _)| format!("{what} is in {place}"))
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
    // The search finds what is there.
    let (_, row) = seen.last().expect("rows");
    assert!(seen.iter().any(|(_, bytes)| holds(bytes, &row[..16])));
}

/// envelopes by mailbox, and beside them mailboxes and tokens: nothing else lies on a relay's disk, and
/// once nobody has come for as long as it keeps things, nothing of any circle lies there.
#[test]
fn a_relay_keeps_envelopes_and_nothing_else_and_forgets_them_in_time() {
    const DAY: u64 = 86_400_000;
    let rows = |world: &World, room| world.hosts[3].store.drawer(room).count();
    let mut world = World::calm_circle(32, 3, 1);
    world.say(ANNA, "before all were away");
    world.run_for(5 * 60_000);
    let kept = [Room::Mailboxes, Room::Tokens, Room::Envelopes];
    assert!(kept.iter().all(|room| rows(&world, *room) > 0));
    let sum: usize = kept.iter().map(|room| rows(&world, *room)).sum();
    assert_eq!(world.hosts[3].store.len(), sum);
    assert_eq!(world.hosts[3].store.secrets().len(), 1, "the seed of its own key");
    for host in [ANNA, BEN, CHRIS] {
        world.crash(host, 100 * DAY);
    }
    world.run_for(29 * DAY);
    assert!(rows(&world, Room::Envelopes) > 0, "it keeps them as long as it says");
    world.run_for(2 * DAY + 3_600_000);
    assert_eq!(rows(&world, Room::Envelopes), 0);
    world.run_for(30 * DAY);
    assert_eq!((rows(&world, Room::Mailboxes), rows(&world, Room::Tokens)), (0, 1));
}
