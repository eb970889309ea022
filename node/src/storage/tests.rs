mod crash;
mod damage;
mod released;

use hearthlight_protocol::boundary::SlotKind;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use tempfile::TempDir;

use super::*;

const PASSPHRASE: &str = "six quiet words";

/// Opens what is in `dir`, or begins there.
fn storage_in(dir: &Path, passphrase: Option<&str>) -> Result<Storage, NodeError> {
    let keys = dir.join("keys");
    let vault = match keys.exists() {
        true => Vault::open(&keys, passphrase)?,
        false => Vault::create(&keys, passphrase)?,
    };
    Storage::open(&dir.join("store"), vault)
}

fn fresh() -> (TempDir, Storage) {
    let dir = TempDir::new().unwrap();
    let storage = storage_in(dir.path(), None).unwrap();
    (dir, storage)
}

fn key(owner: u8, place: &[u8]) -> Key {
    Key { room: Room::Messages, owner: [owner; 32], place: place.to_vec() }
}

fn plain(bytes: &[u8]) -> Value {
    Value { bytes: bytes.to_vec(), under: None }
}

fn day(number: u8) -> KeySlot {
    KeySlot { kind: SlotKind::Day, owner: [7; 32], id: [number; 32] }
}

fn save(owner: u8, place: &[u8], bytes: &[u8]) -> Write {
    Write::Save(key(owner, place), plain(bytes))
}

fn below(rng: &mut ChaCha8Rng, limit: u64) -> u64 {
    rng.next_u64() % limit
}

type Model = BTreeMap<(Room, [u8; 32], Vec<u8>), Vec<u8>>;

const ROOMS: [Room; 3] = [Room::Circles, Room::Messages, Room::Once];

fn random_key(rng: &mut ChaCha8Rng) -> Key {
    let room = ROOMS[usize::try_from(below(rng, 3)).unwrap()];
    let owner = [u8::try_from(below(rng, 2)).unwrap(); 32];
    // Few and similar places, some the beginning of others, so that borders are met.
    let place = (0..below(rng, 4)).map(|_| [0, 1, 254, 255][rng.next_u32() as usize % 4]).collect();
    Key { room, owner, place }
}

fn model_scan(model: &Model, like: &Key, backwards: bool, limit: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows: Vec<_> = model
        .iter()
        .filter(|((room, owner, _), _)| *room == like.room && *owner == like.owner)
        .filter(|((_, _, place), _)| match backwards {
            true => like.place.is_empty() || *place < like.place,
            false => *place >= like.place,
        })
        .map(|((_, _, place), value)| (place.clone(), value.clone()))
        .collect();
    if backwards {
        rows.reverse();
    }
    rows.truncate(limit);
    rows
}

/// P9, and the contract of [`Store`].
#[test]
fn the_store_reads_like_a_sorted_map_through_random_batches_and_restarts() {
    for seed in 0..6 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (dir, mut storage) = fresh();
        let mut model = Model::new();
        for step in 0..60 {
            let mut writes = Vec::new();
            for _ in 0..below(&mut rng, 12) {
                let key = random_key(&mut rng);
                let at = (key.room, key.owner, key.place.clone());
                if below(&mut rng, 3) == 0 {
                    model.remove(&at);
                    writes.push(Write::Erase(key));
                } else {
                    let long = if below(&mut rng, 6) == 0 { 30_000 } else { 200 };
                    let length = usize::try_from(below(&mut rng, long)).unwrap();
                    let bytes = vec![u8::try_from(step).unwrap(); length];
                    model.insert(at, bytes.clone());
                    writes.push(Write::Save(key, plain(&bytes)));
                }
            }
            storage.commit(&[], &writes).unwrap();
            let like = random_key(&mut rng);
            let at = (like.room, like.owner, like.place.clone());
            assert_eq!(storage.get(&like), model.get(&at).cloned(), "SEED={seed}");
            for backwards in [false, true] {
                for limit in [0, 1, 3, usize::MAX] {
                    assert_eq!(
                        storage.scan(like.room, &like.owner, &like.place, backwards, limit),
                        model_scan(&model, &like, backwards, limit),
                        "SEED={seed} step {step} backwards {backwards} limit {limit}"
                    );
                }
            }
            if step % 20 == 19 {
                drop(storage);
                storage = storage_in(dir.path(), None).unwrap();
            }
        }
        assert!(!storage.is_damaged());
    }
}

#[test]
fn a_prefix_of_the_highest_bytes_has_no_end_and_is_no_accident() {
    assert_eq!(row::after(&[0xff; 16]), None);
    assert_eq!(row::after(&[0; 16]).unwrap()[15], 1);
}

#[test]
fn the_last_write_of_a_batch_counts() {
    let (_dir, mut storage) = fresh();
    let writes = [save(1, b"a", b"one"), Write::Erase(key(1, b"a")), save(1, b"a", b"two")];
    storage.commit(&[], &writes).unwrap();
    assert_eq!(storage.get(&key(1, b"a")).unwrap(), b"two");
    storage.commit(&[], &[save(1, b"a", b"3"), Write::Erase(key(1, b"a"))]).unwrap();
    assert_eq!(storage.get(&key(1, b"a")), None);
}

#[test]
fn the_longest_envelope_stays_in_the_log_and_leaves_no_chunk_behind() {
    let (dir, mut storage) = fresh();
    let long = vec![0x17; 1 << 20];
    for round in 0..3_u8 {
        storage.commit(&[], &(0..20).map(|n| save(1, &[n], &long)).collect::<Vec<_>>()).unwrap();
        assert_eq!(storage.get(&key(1, &[round])).unwrap(), long);
    }
    assert_eq!(fs::read_dir(dir.path().join("store/blobs")).unwrap().count(), 0);
    storage.commit(&[], &(0..20).map(|n| Write::Erase(key(1, &[n]))).collect::<Vec<_>>()).unwrap();
    assert_eq!(storage.ledger.rows, 1);
    assert!(storage.used_bytes() > 1 << 20);
    drop(storage);
    storage_in(dir.path(), None).unwrap();
}

#[test]
fn what_lies_under_a_destroyed_day_key_is_gone_and_the_rest_is_not() {
    let (dir, mut storage) = fresh();
    let keys = [(day(1), Secret::new(vec![1; 32])), (day(2), Secret::new(vec![2; 32]))];
    let under = |n: u8, bytes: &[u8]| {
        let value = Value { bytes: bytes.to_vec(), under: Some(day(n)) };
        Write::Save(key(1, &[n]), value)
    };
    let writes = [under(1, b"first"), under(2, &[5; 9_000]), save(1, &[3], b"kept")];
    storage.commit(&keys, &writes).unwrap();
    assert_eq!(storage.get(&key(1, &[1])).unwrap(), b"first");
    storage.destroy(&[day(1)]).unwrap();
    assert_eq!(storage.get(&key(1, &[1])), None);
    let places = |storage: &Storage, limit| {
        let rows = storage.scan(Room::Messages, &[1; 32], &[], false, limit);
        rows.into_iter().map(|(place, _)| place).collect::<Vec<_>>()
    };
    // What is gone does not count towards the limit.
    assert_eq!(places(&storage, 2), [[2], [3]]);
    drop(storage);
    let mut storage = storage_in(dir.path(), None).unwrap();
    assert_eq!(places(&storage, 9), [[2], [3]]);
    // The same name made anew is another key.
    storage.commit(&[(day(1), Secret::new(vec![9; 32]))], &[]).unwrap();
    assert_eq!(storage.get(&key(1, &[1])), None);
    assert_eq!(storage.get(&key(1, &[2])).unwrap(), [5; 9_000]);
}

#[test]
fn a_value_under_a_key_that_is_not_held_is_refused_whole() {
    let (_dir, mut storage) = fresh();
    let value = Value { bytes: b"x".to_vec(), under: Some(day(1)) };
    let writes = [save(1, b"a", b"x"), Write::Save(key(1, b"b"), value)];
    assert!(storage.commit(&[], &writes).is_err());
    assert_eq!(storage.get(&key(1, b"a")), None);
    storage.commit(&[], &[save(1, b"a", b"x")]).unwrap();
}

///
#[test]
fn with_a_passphrase_no_byte_of_the_home_tells_text_owner_or_key() {
    let dir = TempDir::new().unwrap();
    let mut storage = storage_in(dir.path(), Some(PASSPHRASE)).unwrap();
    let text = b"what was said in confidence";
    let owner = *b"the circle of Anna, Ben and Dana";
    let secret = *b"a secret of thirty-two bytes ...";
    let slot = KeySlot { kind: SlotKind::Day, owner, id: *b"the day of it, as thirty-two byt" };
    for place in 0..30_u8 {
        let under = (place % 2 == 0).then_some(slot);
        let key = Key { room: Room::Messages, owner, place: vec![place] };
        let value = Value { bytes: text.repeat(usize::from(place) * 20), under };
        storage
            .commit(&[(slot, Secret::new(secret.to_vec()))], &[Write::Save(key, value)])
            .unwrap();
    }
    drop(storage);
    drop(storage_in(dir.path(), Some(PASSPHRASE)).unwrap());
    let mut looked = 0;
    for file in files_of(dir.path()) {
        let bytes = fs::read(&file).unwrap();
        looked += bytes.len();
        for marker in [&text[..], &owner, &secret, &slot.id, PASSPHRASE.as_bytes()] {
            let found = bytes.windows(8).any(|window| window == &marker[..8]);
            assert!(!found, "found in {}", file.file_name().unwrap().display());
        }
    }
    assert!(looked > 100_000);
}

fn files_of(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_of(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn nothing_saved_is_printed() {
    let (_dir, mut storage) = fresh();
    storage.commit(&[], &[save(1, b"a", b"x")]).unwrap();
    let said = format!("{storage:?}");
    assert!(said.starts_with("Storage { vault: Vault { held: 0,"), "{said}");
}

/// Prints figures; `HEARTHLIGHT_TEST_DIR=. cargo test -- --ignored --nocapture figures`, once to fill the
/// folder and once more to open it.
#[test]
#[ignore = "a measurement"]
fn figures() {
    use std::time::{Duration, Instant};
    let resident = || {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let lines =
            status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM"));
        lines.collect::<Vec<_>>().join(" ")
    };
    let dir = PathBuf::from(std::env::var_os("HEARTHLIGHT_TEST_DIR").unwrap());
    println!("at first {}", resident());
    let start = Instant::now();
    let mut storage = storage_in(&dir, None).unwrap();
    println!("{} rows opened after {:?}, {}", storage.ledger.rows, start.elapsed(), resident());
    let value = vec![0x42; 1024];
    let mut next = storage.ledger.rows;
    let mut write = || {
        next += 1;
        save(1, &next.to_be_bytes(), &value)
    };
    let mut measure = |what: &str, rounds: u8, size: usize, with_key: bool| {
        let mut times = Vec::new();
        for round in 0..rounds {
            let writes: Vec<_> = (0..size).map(|_| write()).collect();
            let keys = [(day(round), Secret::new(writes[0].place().repeat(4)))];
            let start = Instant::now();
            storage.commit(&keys[..usize::from(with_key)], &writes).unwrap();
            times.push(start.elapsed());
        }
        times.sort();
        let [median, late] = [50, 95].map(|part| times[times.len() * part / 100]);
        println!("{what}: median {median:?}, 95th {late:?}, {}", resident());
    };
    measure("commit of 1 KB", 200, 1, false);
    measure("with a new key", 200, 1, true);
    measure("batch of 1000", 50, 1000, false);
    let (mut from, mut rows, start) = (Vec::new(), 0, Instant::now());
    loop {
        let found = storage.scan(Room::Messages, &[1; 32], &from, true, 100);
        let Some((place, _)) = found.last() else {
            break;
        };
        rows += found.len();
        from.clone_from(place);
    }
    let each: Duration = start.elapsed() / u32::try_from(rows / 100).unwrap();
    println!("scan of {rows} rows by 100: {each:?} each, {}", resident());
    println!("on disk {} KB", storage.used_bytes() / 1024);
}

impl Write {
    fn place(&self) -> &[u8] {
        match self {
            Self::Save(key, _) | Self::Erase(key) => &key.place,
        }
    }
}
