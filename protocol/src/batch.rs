//! One atomic batch in the making: what a call to `handle` will give back.
//!
//! What was put in is read back from it before the store, so a machine sees its own writes.

use std::collections::BTreeMap;

use crate::boundary::{Env, Event, Key, KeySlot, Link, Output, Room, Value};
use crate::crypto::Secret;
use crate::identity::Peer;
use crate::mailbox::Packet;
use crate::wire;

/// The outputs of one call.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    keys: Vec<Output>,
    writes: BTreeMap<Key, Option<Value>>,
    sends: Vec<Output>,
    destroyed: Vec<Output>,
}

impl Batch {
    pub(crate) fn make_key(&mut self, slot: KeySlot, secret: Secret) {
        // What is destroyed goes last, and would take this one with it.
        self.destroyed.retain(|output| !matches!(output, Output::DestroyKey(it) if *it == slot));
        self.keys.push(Output::MakeKey(slot, secret));
    }

    pub(crate) fn destroy_key(&mut self, slot: KeySlot) {
        self.destroyed.push(Output::DestroyKey(slot));
    }

    /// Saves a value under the home's own key.
    pub(crate) fn save(&mut self, key: Key, bytes: Vec<u8>) {
        self.writes.insert(key, Some(Value { bytes, under: None }));
    }

    /// Saves a value that dies with a day key.
    pub(crate) fn save_until(&mut self, key: Key, bytes: Vec<u8>, under: Option<KeySlot>) {
        self.writes.insert(key, Some(Value { bytes, under }));
    }

    pub(crate) fn erase(&mut self, key: Key) {
        self.writes.insert(key, None);
    }

    /// The value at `key`, as it will be after this batch.
    pub(crate) fn read(&self, env: &Env<'_>, key: &Key) -> Option<Vec<u8>> {
        match self.writes.get(key) {
            Some(value) => value.as_ref().map(|value| value.bytes.clone()),
            None => env.store.get(key),
        }
    }

    pub(crate) fn send(&mut self, link: Link, peer: Peer, packet: &Packet) {
        let bytes = wire::encode(packet);
        self.sends.push(Output::Send { link, peer, bytes });
    }

    pub(crate) fn notify(&mut self, event: Event) {
        self.sends.push(Output::Notify(event));
    }

    /// Anything that leaves after the flush.
    pub(crate) fn push(&mut self, output: Output) {
        self.sends.push(output);
    }

    /// Everything, in the order in which it is carried out.
    pub(crate) fn into_outputs(self) -> Vec<Output> {
        let writes = self.writes.into_iter().map(|(key, value)| match value {
            Some(value) => Output::Save(key, value),
            None => Output::Erase(key),
        });
        self.keys.into_iter().chain(writes).chain(self.sends).chain(self.destroyed).collect()
    }
}

/// The key of a drawer, an owner and a place that is a number.
pub(crate) fn numbered(room: Room, owner: &[u8; 32], place: u64) -> Key {
    Key { room, owner: *owner, place: place.to_be_bytes().to_vec() }
}

/// The key of a drawer, an owner and any place.
pub(crate) fn placed(room: Room, owner: &[u8; 32], place: &[u8]) -> Key {
    Key { room, owner: *owner, place: place.to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boundary::SlotKind;

    const BOARD: KeySlot = KeySlot { kind: SlotKind::Board, owner: [1; 32], id: [2; 32] };

    /// a board is given up and taken again in one call, or the other way round.
    #[test]
    fn of_one_key_the_last_word_counts() {
        let make = |batch: &mut Batch| batch.make_key(BOARD, Secret::new(vec![3; 32]));
        let last = |batch: Batch| batch.into_outputs().pop();
        let mut batch = Batch::default();
        batch.destroy_key(BOARD);
        make(&mut batch);
        assert!(matches!(last(batch), Some(Output::MakeKey(BOARD, _))));
        let mut batch = Batch::default();
        make(&mut batch);
        batch.destroy_key(BOARD);
        assert!(matches!(last(batch), Some(Output::DestroyKey(BOARD))));
    }
}
