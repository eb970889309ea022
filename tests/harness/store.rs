//! A disk that survives crashes, in memory.

use std::collections::BTreeMap;

use hearthlight_protocol::boundary::{Key, KeySlot, Output, Room, Store, Value};
use hearthlight_protocol::crypto::Secret;

/// What one host has saved. A clone is a backup, and can be put back.
///
/// Values lie here in clear, so that oracles can look; but a value whose day key was destroyed reads
/// as absent, as it would from a disk.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    values: BTreeMap<Key, Saved>,
    secrets: BTreeMap<KeySlot, Secret>,
}

#[derive(Clone, Debug)]
struct Saved {
    value: Value,
    /// The secret that lay in the value's slot when it was saved: another one put there later does
    /// not open it.
    secret: Option<Secret>,
}

impl MemoryStore {
    /// Carries a whole batch out in the order of R-81, but for what leaves the host.
    pub fn apply(&mut self, outputs: &[Output]) {
        self.write_keys(outputs);
        self.write_values(outputs);
        self.destroy_keys(outputs);
    }

    /// First step: new secrets, synced.
    pub fn write_keys(&mut self, outputs: &[Output]) {
        for output in outputs {
            if let Output::MakeKey(slot, secret) = output {
                self.secrets.insert(*slot, secret.clone());
            }
        }
    }

    /// Second step: saves and erasures, one atomic write.
    pub fn write_values(&mut self, outputs: &[Output]) {
        for output in outputs {
            match output {
                Output::Save(key, value) => self.save(key.clone(), value.clone()),
                Output::Erase(key) => {
                    self.values.remove(key);
                }
                _ => {}
            }
        }
    }

    /// Last step, after everything else.
    pub fn destroy_keys(&mut self, outputs: &[Output]) {
        for output in outputs {
            if let Output::DestroyKey(slot) = output {
                self.secrets.remove(slot);
            }
        }
    }

    /// Puts a secret in as whoever sets a home up does.
    pub fn set_up(&mut self, slot: KeySlot, secret: Secret) {
        self.secrets.insert(slot, secret);
    }

    /// All readable values of a drawer, whoever they belong to.
    pub fn drawer(&self, room: Room) -> impl Iterator<Item = (&Key, &[u8])> {
        let from = Key { room, owner: [0; 32], place: Vec::new() };
        self.values
            .range(from..)
            .take_while(move |(key, _)| key.room == room)
            .filter_map(|(key, saved)| Some((key, self.readable(saved)?)))
    }

    /// How many values are saved, readable or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Bytes of all values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.values.values().map(|saved| saved.value.bytes.len()).sum()
    }

    /// Whether nothing was saved.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    fn save(&mut self, key: Key, value: Value) {
        let secret = value.under.and_then(|slot| self.secrets.get(&slot).cloned());
        self.values.insert(key, Saved { value, secret });
    }

    fn readable<'a>(&self, saved: &'a Saved) -> Option<&'a [u8]> {
        let open = match &saved.value.under {
            None => true,
            Some(slot) => saved.secret.is_some() && self.secrets.get(slot) == saved.secret.as_ref(),
        };
        open.then_some(saved.value.bytes.as_slice())
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &Key) -> Option<Vec<u8>> {
        self.readable(self.values.get(key)?).map(<[u8]>::to_vec)
    }

    fn scan(
        &self,
        room: Room,
        owner: &[u8; 32],
        from: &[u8],
        backwards: bool,
        limit: usize,
    ) -> Vec<(Vec<u8>, Vec<u8>)> {
        let first = Key { room, owner: *owner, place: Vec::new() };
        let start = Key { place: from.to_vec(), ..first.clone() };
        let pair = |(key, saved): (&Key, &Saved)| {
            Some((key.place.clone(), self.readable(saved)?.to_vec()))
        };
        let here = |(key, _): &(&Key, &Saved)| key.room == room && key.owner == *owner;
        if !backwards {
            let forth = self.values.range(start..).take_while(here);
            return forth.filter_map(pair).take(limit).collect();
        }
        let mut back: Vec<_> = self.values.range(first..).take_while(here).collect();
        back.retain(|(key, _)| from.is_empty() || key.place.as_slice() < from);
        back.into_iter().rev().filter_map(pair).take(limit).collect()
    }

    fn secrets(&self) -> Vec<(KeySlot, Secret)> {
        self.secrets.iter().map(|(slot, secret)| (*slot, secret.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hearthlight_protocol::boundary::SlotKind;

    const DAY: KeySlot = KeySlot { kind: SlotKind::Day, owner: [1; 32], id: [2; 32] };

    fn key(place: &[u8]) -> Key {
        Key { room: Room::Messages, owner: [1; 32], place: place.to_vec() }
    }

    fn save(place: &[u8], under: Option<KeySlot>) -> Output {
        Output::Save(key(place), Value { bytes: place.to_vec(), under })
    }

    fn make() -> Output {
        Output::MakeKey(DAY, Secret::new(vec![3; 32]))
    }

    ///
    #[test]
    fn what_lay_under_a_destroyed_key_reads_as_absent() {
        let mut store = MemoryStore::default();
        store.apply(&[save(b"a", Some(DAY)), save(b"b", None), make()]);
        assert_eq!(store.get(&key(b"a")), Some(b"a".to_vec()));
        store.apply(&[Output::DestroyKey(DAY)]);
        assert_eq!(store.get(&key(b"a")), None);
        assert_eq!(store.get(&key(b"b")), Some(b"b".to_vec()));
        assert_eq!(store.scan(Room::Messages, &[1; 32], b"", false, 9).len(), 1);
        let other = Output::MakeKey(DAY, Secret::new(vec![4; 32]));
        store.apply(&[other]);
        assert_eq!(store.get(&key(b"a")), None, "another key in the slot opens nothing old");
    }

    #[test]
    fn a_value_under_a_key_that_was_never_made_is_unreadable() {
        let mut store = MemoryStore::default();
        store.apply(&[save(b"a", Some(DAY))]);
        assert_eq!(store.get(&key(b"a")), None);
        store.apply(&[make()]);
        assert_eq!(store.get(&key(b"a")), None);
    }

    #[test]
    fn a_scan_reads_forth_from_a_place_and_back_before_it() {
        let mut store = MemoryStore::default();
        for place in [b"a", b"c", b"b", b"d"] {
            store.apply(&[save(place, None)]);
        }
        let elsewhere = Key { owner: [9; 32], ..key(b"e") };
        store.apply(&[Output::Save(elsewhere, Value { bytes: vec![], under: None })]);
        let scan = |from: &[u8], backwards, limit| -> Vec<u8> {
            let found = store.scan(Room::Messages, &[1; 32], from, backwards, limit);
            found.into_iter().flat_map(|(place, _)| place).collect()
        };
        assert_eq!(scan(b"", false, 9), b"abcd");
        assert_eq!(scan(b"b", false, 2), b"bc");
        assert_eq!(scan(b"", true, 3), b"dcb");
        assert_eq!(scan(b"c", true, 9), b"ba");
    }

    #[test]
    fn a_clone_is_a_backup() {
        let mut store = MemoryStore::default();
        store.apply(&[save(b"a", None)]);
        let backup = store.clone();
        store.apply(&[Output::Erase(key(b"a")), save(b"b", None)]);
        assert_eq!(store.get(&key(b"a")), None);
        store = backup;
        assert_eq!(store.get(&key(b"a")), Some(b"a".to_vec()));
        assert_eq!(store.len(), 1);
    }
}
