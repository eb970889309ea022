//! A store opens in every later version: one of each layout lies in `node/fixtures`.
//!
//! `layout-1` is a new home with [`PASSPHRASE`] in which [`secrets`] and [`rows`] were committed at once.

use super::damage::copy_tree;
use super::*;

const KINDS: [SlotKind; 6] = [
    SlotKind::Root,
    SlotKind::Epoch,
    SlotKind::Board,
    SlotKind::Card,
    SlotKind::Token,
    SlotKind::Mailbox,
];

/// What was in it when it was written.
fn secrets() -> Vec<(KeySlot, Secret)> {
    let slots = KINDS.into_iter().zip(1..).map(|(kind, number)| {
        let slot = KeySlot { kind, owner: [number; 32], id: [number + 1; 32] };
        let long = if matches!(kind, SlotKind::Epoch | SlotKind::Card) { 64 } else { 32 };
        (slot, Secret::new(vec![number + 2; long]))
    });
    slots.chain([(day(9), Secret::new(vec![9; 32]))]).collect()
}

/// Rows in all rooms, short and longer than one page, one of them under the key of a day.
fn rows() -> Vec<(Key, Value)> {
    let rooms = [Room::Circles, Room::Operations, Room::Cards, Room::Messages, Room::Envelopes];
    let rows = rooms.into_iter().zip(1..).map(|(room, number)| {
        let key = Key { room, owner: [number; 32], place: vec![number; usize::from(number)] };
        (key, plain(&vec![number; usize::from(number) * 2_000]))
    });
    let dying = Value { bytes: b"until its day is over".to_vec(), under: Some(day(9)) };
    rows.chain([(key(8, b"dying"), dying)]).collect()
}

/// with the passphrase that it was made with it opens as it was, is written, and opens again.
#[test]
fn a_store_of_the_first_layout_opens_with_all_that_was_in_it() {
    let dir = TempDir::new().unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/layout-1");
    copy_tree(&fixture, dir.path());
    for also in [None, Some(b"of a later version")] {
        let mut storage = storage_in(dir.path(), Some(PASSPHRASE)).unwrap();
        assert!(!storage.is_damaged() && !storage.is_behind());
        let held: BTreeMap<KeySlot, Secret> = storage.secrets().into_iter().collect();
        for (slot, secret) in secrets() {
            assert_eq!(held.get(&slot), Some(&secret), "{:?}", slot.kind);
        }
        for (key, value) in rows() {
            assert_eq!(storage.get(&key), Some(value.bytes), "{:?}", key.room);
        }
        assert_eq!(storage.get(&key(8, b"new")).is_some(), also.is_some());
        let new = Write::Save(key(8, b"new"), plain(b"of a later version"));
        storage.commit(&[], &[new]).unwrap();
    }
    assert!(storage_in(dir.path(), Some("six other words")).is_err());
}
