//! Power that goes away, and disks that fill: in a child process, so that it can be killed.
use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
};

use super::*;

/// Runs the test `name` of this very binary as a child with a folder to work in.
fn child(name: &str, dir: &Path, before: &str) -> Child {
    let program = std::env::current_exe().unwrap();
    Command::new("sh")
        .arg("-c")
        .arg(format!("{before} exec \"$0\" \"$@\""))
        .arg(program)
        .args(["--exact", &format!("storage::tests::crash::{name}"), "--nocapture", "--ignored"])
        .env("HEARTHLIGHT_TEST_DIR", dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn work_dir() -> PathBuf {
    PathBuf::from(std::env::var_os("HEARTHLIGHT_TEST_DIR").expect("the parent names a folder"))
}

fn say(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).unwrap();
}

fn place(commit: u64, row: u64) -> Vec<u8> {
    [commit.to_be_bytes(), row.to_be_bytes()].concat()
}

/// What commit `commit` saves in its row `row`.
fn content(commit: u64, row: u64) -> Vec<u8> {
    let length = if row == 5 { 20_000 } else { 50 + (commit * 37 + row * 101) % 900 };
    place(commit, row).into_iter().cycle().take(usize::try_from(length).unwrap()).collect()
}

fn rows_of(commit: u64) -> u64 {
    1 + commit % 7
}

fn slot_of(commit: u64) -> KeySlot {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&(commit / 10).to_be_bytes());
    KeySlot { kind: SlotKind::Day, owner: [7; 32], id }
}

const KEPT: u64 = 40;

/// One commit: a key now and then, some rows, and the end of an older commit.
fn commit(storage: &mut Storage, number: u64) -> Result<(), NodeError> {
    let secret = Secret::new((number / 10).to_be_bytes().repeat(4));
    let mut writes: Vec<Write> = (0..rows_of(number))
        .map(|row| {
            let under = (row % 2 == 1).then(|| slot_of(number));
            let value = Value { bytes: content(number, row), under };
            Write::Save(key(1, &place(number, row)), value)
        })
        .collect();
    if let Some(old) = number.checked_sub(KEPT) {
        writes.extend((0..rows_of(old)).map(|row| Write::Erase(key(1, &place(old, row)))));
    }
    storage.commit(&[(slot_of(number), secret)], &writes)
}

/// Checks that every commit is there whole or not at all; the number of the last one.
fn check(storage: &Storage) -> Option<u64> {
    let rows = storage.scan(Room::Messages, &[1; 32], &[], false, usize::MAX);
    assert!(!storage.is_damaged());
    let mut commits: BTreeMap<u64, u64> = BTreeMap::new();
    for (found, value) in rows {
        let number = u64::from_be_bytes(found[..8].try_into().unwrap());
        let row = u64::from_be_bytes(found[8..].try_into().unwrap());
        assert!(value == content(number, row), "commit {number}, row {row}");
        *commits.entry(number).or_default() += 1;
    }
    let last = *commits.keys().next_back()?;
    let first = (last + 1).saturating_sub(KEPT);
    let whole: Vec<_> = (first..=last).map(|number| (number, rows_of(number))).collect();
    assert_eq!(Vec::from_iter(commits), whole);
    Some(last)
}

#[test]
#[ignore = "run by its parent"]
fn writes_until_it_is_killed() {
    say("\nbegin\n");
    let mut storage = storage_in(&work_dir(), None).unwrap();
    for number in check(&storage).map_or(0, |last| last + 1).. {
        commit(&mut storage, number).unwrap();
        say(&format!("\nacked {number}\n"));
    }
}

///
#[test]
fn nothing_that_was_acknowledged_is_lost_when_the_process_is_killed() {
    let dir = TempDir::new().unwrap();
    drop(storage_in(dir.path(), None).unwrap());
    let mut rng = ChaCha8Rng::seed_from_u64(4711);
    let mut acked = None;
    for round in 0..20 {
        let mut child = child("writes_until_it_is_killed", dir.path(), "");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut next = |wanted: &str| {
            lines
                .by_ref()
                .map(Result::unwrap)
                .find_map(|line| line.strip_prefix(wanted).map(str::to_owned))
        };
        // Every fifth dies while it opens.
        next("begin").unwrap();
        if round % 5 != 4 {
            for _ in 0..below(&mut rng, 60) {
                acked = next("acked ").unwrap().parse().ok();
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it still said before it died counts too.
        while let Some(number) = next("acked ") {
            acked = number.parse().ok().or(acked);
        }
        let storage = storage_in(dir.path(), None).unwrap();
        assert!(!storage.is_behind(), "round {round}");
        assert!(check(&storage) >= acked, "round {round}");
    }
    assert!(acked > Some(100));
}

#[test]
#[ignore = "run by its parent"]
fn writes_until_the_disk_is_full() {
    let mut storage = storage_in(&work_dir(), None).unwrap();
    let begin = check(&storage).map_or(0, |last| last + 1);
    let mut next = begin;
    let failure = loop {
        match commit(&mut storage, next) {
            Ok(()) => next += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(failure, NodeError::DiskFull), "{failure}");
    if storage.reopen().is_ok() {
        let last = check(&storage);
        assert!(last == next.checked_sub(1) || last == Some(next), "{last:?} of {next}");
    } else {
        assert_eq!(storage.scan(Room::Messages, &[1; 32], &[], false, 1), []);
    }
    assert!(matches!(commit(&mut storage, next), Ok(()) | Err(NodeError::DiskFull)));
    say(&format!("\nfull {} {next} {}\n", next - begin, storage.disk.is_some()));
}

/// The limit on a file's size stands in for the disk, which needs no rights to be filled.
#[test]
fn a_full_disk_loses_nothing_and_what_failed_is_not_shown() {
    for blocks in [1_200, 1_500, 1_777, 2_100] {
        let dir = TempDir::new().unwrap();
        let limit = format!("trap '' XFSZ; ulimit -f {blocks};");
        let mut child = child("writes_until_the_disk_is_full", dir.path(), &limit);
        let (mut said, mut complained) = (String::new(), String::new());
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        child.stderr.take().unwrap().read_to_string(&mut complained).unwrap();
        assert!(child.wait().unwrap().success(), "{said}\n{complained}");
        let line = said.lines().find_map(|line| line.strip_prefix("full ")).unwrap();
        let next: u64 = line.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(next > 10, "{line}");
        let mut storage = storage_in(dir.path(), None).unwrap();
        assert!(!storage.is_behind());
        let last = check(&storage);
        assert!(last >= next.checked_sub(1), "{last:?}: {line}");
        commit(&mut storage, last.unwrap() + 1).unwrap();
    }
}
