//! Files that are cut, changed or gone: told, repaired or refused, never passed over.
use super::*;

/// A store of 400 rows, closed and opened some times.
///
/// Each row said something else 30 commits before, so that an old one is told from the last one.
fn grown() -> TempDir {
    let dir = TempDir::new().unwrap();
    for part in 0..4_u16 {
        let mut storage = storage_in(dir.path(), None).unwrap();
        for number in part * 100..part * 100 + 100 {
            let mut writes = vec![save(1, &number.to_be_bytes(), &content(number))];
            if number + 30 < 400 {
                writes.push(save(1, &(number + 30).to_be_bytes(), &content(1_000)));
            }
            storage.commit(&[], &writes).unwrap();
        }
    }
    dir
}

fn content(number: u16) -> Vec<u8> {
    number.to_be_bytes().repeat(1500)
}

fn copy_of(dir: &TempDir) -> TempDir {
    let copy = TempDir::new().unwrap();
    copy_tree(dir.path(), copy.path());
    copy
}

pub(super) fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &to.join(entry.file_name()));
        } else if entry.file_name() != "store.reserve" {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

fn snapshot(dir: &TempDir) -> PathBuf {
    let is_one =
        |path: &PathBuf| path.file_name().unwrap().as_encoded_bytes().starts_with(b"snap.");
    files_of(dir.path()).into_iter().find(is_one).unwrap()
}

fn cut(path: &Path, length: u64) {
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
}

/// Whether all 400 rows are there.
fn is_whole(storage: &Storage) -> bool {
    let rows = storage.scan(Room::Messages, &[1; 32], &[], false, usize::MAX);
    rows.len() == 400
        && (0..400_u16)
            .zip(rows)
            .all(|(number, row)| row == (number.to_be_bytes().to_vec(), content(number)))
}

/// The only thing that must never happen: less than there was, and nobody says so.
fn opens_whole_or_says_so(dir: &TempDir, what: &str) -> &'static str {
    match storage_in(dir.path(), None) {
        Err(NodeError::StoreDamaged(_)) => "refused",
        Err(error) => panic!("{what}: {error}"),
        Ok(storage) if is_whole(&storage) => "whole",
        Ok(storage) if storage.is_behind() => "old",
        Ok(mut storage) => {
            assert!(storage.is_damaged(), "{what}: lost in silence");
            assert!(storage.commit(&[], &[save(1, b"x", b"x")]).is_err());
            "damaged"
        }
    }
}

#[test]
fn a_damaged_snapshot_costs_nothing() {
    let dir = grown();
    let length = fs::metadata(snapshot(&dir)).unwrap().len();
    for left in [0, 8, length / 2, length - 1] {
        let copy = copy_of(&dir);
        cut(&snapshot(&copy), left);
        assert_eq!(opens_whole_or_says_so(&copy, "snapshot"), "whole", "{left} bytes");
        assert!(!copy.path().join("store.repair").exists());
        assert!(!copy.path().join("store.damaged").exists());
        assert_eq!(opens_whole_or_says_so(&copy, "again"), "whole");
    }
    let copy = copy_of(&dir);
    fs::remove_file(snapshot(&copy)).unwrap();
    assert_eq!(opens_whole_or_says_so(&copy, "no snapshot"), "whole");
}

#[test]
fn an_unfinished_snapshot_is_forgotten() {
    let dir = grown();
    fs::write(dir.path().join("store/snap.00000000000FFFFF.generating"), b"half").unwrap();
    assert_eq!(opens_whole_or_says_so(&dir, "unfinished"), "whole");
}

#[test]
fn an_interrupted_repair_is_taken_up_again() {
    let dir = grown();
    fs::rename(dir.path().join("store"), dir.path().join("store.damaged")).unwrap();
    fs::create_dir(dir.path().join("store.repair")).unwrap();
    assert_eq!(opens_whole_or_says_so(&dir, "interrupted"), "whole");
}

///
#[test]
fn a_store_that_is_gone_is_not_a_new_one() {
    let dir = grown();
    let copy = copy_of(&dir);
    fs::remove_file(copy.path().join("store/db")).unwrap();
    assert_eq!(opens_whole_or_says_so(&copy, "db"), "refused");
    assert_eq!(opens_whole_or_says_so(&copy, "db, again"), "refused");
    fs::remove_dir_all(copy.path().join("store")).unwrap();
    assert_eq!(opens_whole_or_says_so(&copy, "store"), "refused");
    let copy = copy_of(&dir);
    fs::remove_file(snapshot(&copy)).unwrap();
    cut(&copy.path().join("store/db"), 0);
    assert_eq!(opens_whole_or_says_so(&copy, "emptied"), "refused");
}

#[test]
fn changed_and_missing_bytes_never_pass_in_silence() {
    let dir = grown();
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut outcomes: BTreeMap<&str, u32> = BTreeMap::new();
    let db = fs::read(dir.path().join("store/db")).unwrap();
    let used = db.iter().rposition(|byte| *byte != 0).unwrap();
    for case in 0..40 {
        let copy = copy_of(&dir);
        let log = copy.path().join("store/db");
        let place = usize::try_from(below(&mut rng, used as u64)).unwrap();
        let mut changed = db.clone();
        if case % 3 == 0 {
            changed.truncate(place);
        } else {
            changed[place] ^= 1 << (case % 8);
        }
        fs::write(&log, changed).unwrap();
        if case % 2 == 0 {
            fs::remove_file(snapshot(&copy)).unwrap();
        }
        let what = format!("case {case}, byte {place}");
        *outcomes.entry(opens_whole_or_says_so(&copy, &what)).or_default() += 1;
    }
    println!("{outcomes:?}");
    assert!(outcomes.contains_key("whole") && outcomes.contains_key("refused"));
}

///
#[test]
fn a_store_put_back_is_old_until_its_machine_has_begun_anew() {
    let dir = grown();
    let before = copy_of(&dir);
    let store = dir.path().join("store");
    let mut storage = storage_in(dir.path(), None).unwrap();
    storage.commit(&[(day(1), Secret::new(vec![1; 32]))], &[save(1, b"new", b"x")]).unwrap();
    assert!(!storage.is_behind());
    drop(storage);
    fs::remove_dir_all(&store).unwrap();
    copy_tree(&before.path().join("store"), &store);

    let mut storage = storage_in(dir.path(), None).unwrap();
    assert!(storage.is_behind() && is_whole(&storage));
    // However much it does meanwhile.
    for _ in 0..5 {
        storage.commit(&[], &[save(2, b"meanwhile", b"x")]).unwrap();
    }
    drop(storage);
    let mut storage = storage_in(dir.path(), None).unwrap();
    assert!(storage.is_behind());
    storage.count_as_newest().unwrap();
    assert!(!storage.is_behind());
    drop(storage);
    assert!(!storage_in(dir.path(), None).unwrap().is_behind());
}

#[test]
fn a_key_file_whose_mark_cannot_be_read_makes_the_store_old() {
    let dir = grown();
    let keys = dir.path().join("keys");
    let mut bytes = fs::read(&keys).unwrap();
    bytes[4096..8192].fill(0);
    fs::write(&keys, bytes).unwrap();
    let mut storage = storage_in(dir.path(), None).unwrap();
    assert!(storage.is_behind() && is_whole(&storage));
    storage.count_as_newest().unwrap();
    drop(storage);
    assert!(!storage_in(dir.path(), None).unwrap().is_behind());
}

///
#[test]
fn a_newer_store_is_refused_and_another_homes_store_is_too() {
    let dir = grown();
    let copy = copy_of(&dir);
    let db = sled::open(copy.path().join("store")).unwrap();
    let mut ledger = db.get(LEDGER).unwrap().unwrap().to_vec();
    ledger[1] += 1;
    db.insert(LEDGER, ledger).unwrap();
    drop(db);
    assert!(matches!(storage_in(copy.path(), None), Err(NodeError::StoreNewer)));

    let other = grown();
    fs::remove_dir_all(dir.path().join("store")).unwrap();
    copy_tree(&other.path().join("store"), &dir.path().join("store"));
    assert_eq!(opens_whole_or_says_so(&dir, "another home's"), "refused");
}

/// As if somebody did it with the store open, for otherwise opening tells.
#[test]
fn a_row_moved_to_another_place_does_not_open_and_nothing_is_saved_after_it() {
    let dir = grown();
    let mut storage = storage_in(dir.path(), None).unwrap();
    let [here, there] = [7_u16, 8].map(|number| key(1, &number.to_be_bytes()));
    let disk = storage.disk.as_ref().unwrap();
    let row = disk.get(&storage.rows.key(&here)).unwrap().unwrap();
    let mut batch = sled::Batch::default();
    batch.insert(storage.rows.key(&there), row);
    disk.apply(batch, &[]).unwrap();
    assert_eq!(storage.get(&here), Some(content(7)));
    assert!(!storage.is_damaged());
    assert_eq!(storage.get(&there), None);
    assert!(storage.is_damaged());
    let refused = storage.commit(&[], &[save(1, b"x", b"x")]);
    assert!(matches!(refused, Err(NodeError::StoreDamaged(_))));
    drop(storage);
    assert_eq!(opens_whole_or_says_so(&dir, "moved"), "refused");
}

#[test]
fn the_room_kept_for_a_full_disk_is_kept() {
    let dir = grown();
    assert_eq!(fs::metadata(dir.path().join("store.reserve")).unwrap().len(), 4 << 20);
}
