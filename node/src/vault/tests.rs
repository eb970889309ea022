use super::*;
use hearthlight_protocol::boundary::SlotKind;
use tempfile::TempDir;

fn slot(number: u8) -> KeySlot {
    KeySlot { kind: SlotKind::Day, owner: [number; 32], id: [number ^ 0xff; 32] }
}

fn secret(number: u8) -> Secret {
    Secret::new(vec![number; usize::from(number % 64) + 1])
}

fn numbered(numbers: std::ops::Range<u8>) -> Vec<(KeySlot, Secret)> {
    numbers.map(|number| (slot(number), secret(number))).collect()
}

fn with_secrets(count: u8) -> (TempDir, std::path::PathBuf) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("keys");
    let mut vault = Vault::create(&path, None).unwrap();
    vault.make(&numbered(0..count)).unwrap();
    (dir, path)
}

fn held(path: &Path) -> Vec<(KeySlot, Secret)> {
    Vault::open(path, None).unwrap().secrets().collect()
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

fn at(position: u32) -> usize {
    usize::try_from(slot_offset(position)).unwrap()
}

#[test]
fn secrets_are_there_after_a_restart_and_the_file_grows_by_blocks() {
    let (_dir, path) = with_secrets(40);
    assert_eq!(held(&path), numbered(0..40));
    assert_eq!(fs::metadata(&path).unwrap().len(), slot_offset(48));
}

#[test]
fn a_destroyed_secret_is_gone_and_no_byte_of_its_slot_is_left() {
    let (_dir, path) = with_secrets(5);
    let before = fs::read(&path).unwrap();
    let mut vault = Vault::open(&path, None).unwrap();
    let (tag, _) = vault.seal_key(&slot(2)).unwrap();
    vault.destroy(&[slot(2), slot(200)]).unwrap();
    assert!(vault.seal_key(&slot(2)).is_none());
    assert!(vault.seal_key_named(&tag).is_none());
    drop(vault);
    let after = fs::read(&path).unwrap();
    let same = (at(2)..at(3)).filter(|place| before[*place] == after[*place]).count();
    assert!(same < 20, "{same} of 256 bytes are as before");
    assert_eq!(before[at(3)..], after[at(3)..]);
    assert_eq!(held(&path).len(), 4);
    let mut vault = Vault::open(&path, None).unwrap();
    assert_eq!(vault.torn, 0);
    vault.make(&numbered(100..101)).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), slot_offset(16), "the slot is used again");
}

#[test]
fn a_secret_made_again_replaces_the_old_one_and_a_repeat_writes_nothing() {
    let (_dir, path) = with_secrets(3);
    let mut vault = Vault::open(&path, None).unwrap();
    let before = fs::read(&path).unwrap();
    vault.make(&numbered(0..3)).unwrap();
    assert_eq!(fs::read(&path).unwrap(), before);
    vault.make(&[(slot(1), secret(9)), (slot(1), secret(77))]).unwrap();
    drop(vault);
    let found = held(&path);
    assert_eq!(found.len(), 3);
    assert_eq!(found[1], (slot(1), secret(77)));
}

#[test]
fn of_two_secrets_that_a_crash_left_the_newer_counts_and_the_older_goes() {
    let (_dir, path) = with_secrets(1);
    let old = fs::read(&path).unwrap()[at(0)..at(1)].to_vec();
    Vault::open(&path, None).unwrap().make(&[(slot(0), secret(9))]).unwrap();
    change(&path, |bytes| bytes[at(0)..at(1)].copy_from_slice(&old));
    assert_eq!(held(&path), vec![(slot(0), secret(9))]);
    assert_ne!(fs::read(&path).unwrap()[at(0)..at(1)], old[..]);
}

#[test]
fn a_torn_slot_is_free_and_counted_and_the_others_live() {
    let (_dir, path) = with_secrets(20);
    change(&path, |bytes| bytes[at(7) + 100] ^= 1);
    let mut vault = Vault::open(&path, None).unwrap();
    assert_eq!(vault.torn, 1);
    assert_eq!(vault.secrets().count(), 19);
    vault.make(&numbered(7..8)).unwrap();
    drop(vault);
    assert_eq!(held(&path), numbered(0..20));
}

#[test]
fn slots_that_change_places_are_torn() {
    let (_dir, path) = with_secrets(2);
    change(&path, |bytes| {
        let (first, second) = bytes[at(0)..].split_at_mut(SLOT);
        first.swap_with_slice(&mut second[..SLOT]);
    });
    assert_eq!(Vault::open(&path, None).unwrap().torn, 2);
}

#[test]
fn a_crash_while_growing_is_harmless() {
    for cut in [1, 255, 256, 2_000] {
        for fill in [0, 0x5a] {
            let (_dir, path) = with_secrets(16);
            change(&path, |bytes| bytes.extend(vec![fill; cut]));
            let mut vault = Vault::open(&path, None).unwrap();
            vault.make(&numbered(16..40)).unwrap();
            drop(vault);
            assert_eq!(held(&path), numbered(0..40), "{cut} bytes of {fill}");
        }
    }
}

#[test]
fn only_the_passphrase_opens_and_none_is_asked_for_first() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("keys");
    Vault::create(&path, Some("six quiet words")).unwrap().make(&numbered(0..1)).unwrap();
    assert!(Vault::has_passphrase(&path).unwrap());
    assert!(matches!(Vault::open(&path, None), Err(NodeError::NeedsPassphrase)));
    assert!(matches!(Vault::open(&path, Some("six")), Err(NodeError::WrongPassphrase)));
    let vault = Vault::open(&path, Some("six quiet words")).unwrap();
    assert_eq!(Vec::from_iter(vault.secrets()), numbered(0..1));
}

#[test]
fn damage_is_not_taken_for_a_wrong_passphrase() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("keys");
    drop(Vault::create(&path, Some("six quiet words")).unwrap());
    for place in [0, 10, 12, 30, 60, 100, 120] {
        change(&path, |bytes| bytes[place] ^= 0x40);
        let opened = Vault::open(&path, Some("six quiet words"));
        assert!(matches!(opened, Err(NodeError::StoreDamaged(_))), "byte {place}");
        change(&path, |bytes| bytes[place] ^= 0x40);
    }
    change(&path, |bytes| bytes.truncate(50));
    assert!(matches!(Vault::open(&path, None), Err(NodeError::StoreDamaged(_))));
}

#[test]
fn a_newer_file_is_refused_and_a_missing_one_is_not_set_up() {
    let (dir, path) = with_secrets(1);
    change(&path, |bytes| bytes[9] = 2);
    assert!(matches!(Vault::open(&path, None), Err(NodeError::StoreNewer)));
    let missing = dir.path().join("none");
    assert!(matches!(Vault::open(&missing, None), Err(NodeError::NotSetUp)));
    assert!(matches!(Vault::create(&path, None), Err(NodeError::AlreadySetUp)));
}

#[test]
fn the_mark_is_kept_and_one_torn_write_does_not_lose_it() {
    let (_dir, path) = with_secrets(1);
    let mut vault = Vault::open(&path, None).unwrap();
    assert_eq!(vault.mark(), Some(0));
    for commits in 1..=5 {
        vault.note(commits);
    }
    drop(vault);
    assert_eq!(Vault::open(&path, None).unwrap().mark(), Some(5));
    change(&path, |bytes| bytes[PAGE + 2048 + 30] ^= 1);
    assert_eq!(Vault::open(&path, None).unwrap().mark(), Some(4));
    change(&path, |bytes| bytes[PAGE + 30] ^= 1);
    assert_eq!(Vault::open(&path, None).unwrap().mark(), None);
}

#[test]
fn a_secret_that_is_too_long_or_one_too_many_changes_nothing() {
    let (_dir, path) = with_secrets(1);
    let mut vault = Vault::open(&path, None).unwrap();
    assert!(vault.make(&[(slot(1), Secret::new(vec![0; 65]))]).is_err());
    vault.slots = MAX_SLOTS;
    assert!(vault.make(&numbered(1..40)).is_err());
    drop(vault);
    assert_eq!(held(&path), numbered(0..1));
}

#[test]
fn shredding_leaves_no_file_and_needs_no_passphrase_or_sense() {
    let (dir, path) = with_secrets(3);
    let other = dir.path().join("other");
    fs::hard_link(&path, &other).unwrap();
    let before = fs::read(&path).unwrap();
    Vault::shred(&path).unwrap();
    assert!(!path.exists());
    let after = fs::read(&other).unwrap();
    assert!(before.chunks(64).zip(after.chunks(64)).all(|(old, new)| old != new));
    fs::write(&path, b"not a key file").unwrap();
    Vault::shred(&path).unwrap();
    Vault::shred(&path).unwrap();
}

#[test]
fn nothing_secret_is_printed() {
    let (_dir, path) = with_secrets(3);
    let said = format!("{:?}", Vault::open(&path, None).unwrap());
    assert_eq!(said, "Vault { held: 3, free: 13, torn: 0, .. }");
}
