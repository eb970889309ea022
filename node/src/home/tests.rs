use std::process::{Command, Stdio};

use hearthlight_protocol::boundary::Store;
use tempfile::TempDir;

use super::*;

fn home_in(dir: &TempDir) -> Home {
    Home::at(&dir.path().join("home"))
}

fn set_up(home: &Home) -> Setup {
    home.set_up("Anna", None, Some("de"), None).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Runs the test `name` of this very binary as a child.
fn child(name: &str, dir: &Path, before: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("{before} exec \"$0\" \"$@\""))
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("home::tests::{name}"), "--nocapture", "--ignored"])
        .env("HEARTHLIGHT_TEST_DIR", dir);
    command
}

fn work_dir() -> PathBuf {
    PathBuf::from(std::env::var_os("HEARTHLIGHT_TEST_DIR").expect("the parent names a folder"))
}

#[test]
fn a_home_is_set_up_once_and_opens_with_a_root_secret() {
    let dir = TempDir::new().unwrap();
    let home = home_in(&dir);
    assert!(!home.is_set_up());
    assert!(matches!(home.check(), Err(NodeError::NotSetUp)));
    assert!(matches!(home.lock(), Err(NodeError::NotSetUp)));
    let setup = set_up(&home);
    assert_eq!(setup.country.as_deref(), Some("DE"));
    assert_eq!((setup.language.as_str(), setup.passphrase), ("en", false));
    assert!(home.is_set_up() && !home.has_passphrase().unwrap());
    assert_eq!(home.config().unwrap().name.unwrap().as_str(), "Anna");
    assert_eq!(names(dir.path()), ["home"]);
    home.check().unwrap();
    let storage = home.open(&home.lock().unwrap(), None).unwrap();
    let secrets = storage.secrets();
    assert_eq!((secrets.len(), secrets[0].0, secrets[0].1.bytes().len()), (1, ROOT, 32));
    assert!(matches!(home.set_up("Ben", None, None, None), Err(NodeError::AlreadySetUp)));
}

#[test]
fn a_folder_that_exists_and_is_empty_becomes_the_home() {
    let dir = TempDir::new().unwrap();
    let home = Home::at(dir.path());
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    set_up(&home);
    home.check().unwrap();
    assert_eq!(names(dir.path()), ["config.toml", "keys", "lock", "store", "store.reserve"]);
}

#[test]
fn what_an_interrupted_set_up_left_does_not_stand_in_the_way() {
    let dir = TempDir::new().unwrap();
    let home = Home::at(dir.path());
    fs::create_dir(dir.path().join("store")).unwrap();
    fs::write(dir.path().join("keys.new"), b"half").unwrap();
    set_up(&home);
    home.open(&home.lock().unwrap(), None).unwrap();
}

#[test]
fn a_home_whose_keys_are_gone_is_not_made_anew() {
    let dir = TempDir::new().unwrap();
    let home = Home::at(dir.path());
    set_up(&home);
    fs::rename(home.keys(), dir.path().join("elsewhere")).unwrap();
    let refused = home.set_up("Anna", None, None, None).unwrap_err();
    assert_eq!(refused.kind(), "usage");
    assert!(refused.to_string().contains("hearthlight wipe"), "{refused}");
    fs::rename(dir.path().join("elsewhere"), home.keys()).unwrap();
    home.open(&home.lock().unwrap(), None).unwrap();
    fs::remove_file(home.keys()).unwrap();
    home.wipe().unwrap();
    set_up(&home);
}

#[test]
fn a_folder_with_other_things_stays_as_it_is() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("letter.txt"), b"mine").unwrap();
    let home = Home::at(dir.path());
    assert!(matches!(home.set_up("Anna", None, None, None), Err(NodeError::Config(_))));
    assert!(matches!(home.wipe(), Err(NodeError::NotSetUp)));
    assert!(matches!(home.lock(), Err(NodeError::NotSetUp)));
    assert_eq!(names(dir.path()), ["letter.txt"]);
}

#[test]
fn a_set_up_that_fails_leaves_nothing() {
    let dir = TempDir::new().unwrap();
    let home = home_in(&dir);
    for (name, language, country, passphrase) in [
        ("", None, None, None),
        ("Anna", Some("?"), None, None),
        ("Anna", None, Some("Germany"), None),
        ("Anna", None, None, Some("")),
    ] {
        let failed = home.set_up(name, language, country, passphrase).unwrap_err();
        assert_eq!(failed.kind(), "usage");
    }
    fs::write(dir.path().join("file"), b"").unwrap();
    let inside = Home::at(&dir.path().join("file/home"));
    assert!(inside.set_up("Anna", None, None, None).is_err());
    assert_eq!(names(dir.path()), ["file"]);
}

#[test]
#[ignore = "run by its parent"]
fn sets_up_and_uses_a_home() {
    let home = Home::at(&work_dir());
    set_up(&home);
    let lock = home.lock().unwrap();
    home.prepare_socket_in(None).unwrap();
    drop(home.open(&lock, None).unwrap());
    drop(home.open(&lock, None).unwrap());
}

/// U-2.
#[test]
fn nobody_else_can_read_a_home_whatever_the_umask() {
    for umask in ["000", "022", "777"] {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("home");
        let before = format!("umask {umask};");
        let output = child("sets_up_and_uses_a_home", &path, &before).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut found = vec![path.clone()];
        let mut seen = 0;
        while let Some(next) = found.pop() {
            let metadata = fs::metadata(&next).unwrap();
            let wanted = if metadata.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(metadata.mode() & 0o777, wanted, "{}", next.display());
            if metadata.is_dir() {
                found.extend(names(&next).into_iter().map(|name| next.join(name)));
            }
            seen += 1;
        }
        assert!(seen > 8, "{seen}");
    }
}

#[test]
fn a_home_that_others_can_enter_is_not_opened() {
    let dir = TempDir::new().unwrap();
    let home = home_in(&dir);
    set_up(&home);
    for mode in [0o701, 0o710, 0o740, 0o777] {
        fs::set_permissions(home.dir(), fs::Permissions::from_mode(mode)).unwrap();
        assert!(matches!(home.check(), Err(NodeError::HomeOpen)), "{mode:o}");
        let lock = home.lock().unwrap();
        assert!(matches!(home.open(&lock, None), Err(NodeError::HomeOpen)));
    }
}

#[test]
fn only_the_passphrase_opens_a_home_that_has_one() {
    let dir = TempDir::new().unwrap();
    let home = home_in(&dir);
    assert!(home.set_up("Anna", None, None, Some("six quiet words")).unwrap().passphrase);
    assert!(home.has_passphrase().unwrap());
    let lock = home.lock().unwrap();
    assert!(matches!(home.open(&lock, None), Err(NodeError::NeedsPassphrase)));
    assert!(matches!(home.open(&lock, Some("six")), Err(NodeError::WrongPassphrase)));
    home.open(&lock, Some("six quiet words")).unwrap();
}

#[test]
#[ignore = "run by its parent"]
fn holds_the_lock() {
    let _lock = Home::at(&work_dir()).lock().unwrap();
    println!("\nlocked");
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

/// U-8.
#[test]
fn one_process_holds_the_lock_until_it_ends_in_any_way() {
    use std::io::{BufRead, BufReader};
    let dir = TempDir::new().unwrap();
    let home = home_in(&dir);
    set_up(&home);
    let lock = home.lock().unwrap();
    assert!(matches!(home.lock(), Err(NodeError::HomeBusy)));
    drop(lock);
    let mut child = child("holds_the_lock", home.dir(), "")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "locked"));
    assert!(matches!(home.lock(), Err(NodeError::HomeBusy)));
    child.kill().unwrap();
    child.wait().unwrap();
    home.lock().unwrap();
}

#[test]
fn wiping_leaves_nothing_and_works_twice_and_with_damage() {
    let dir = TempDir::new().unwrap();
    let home = home_in(&dir);
    for damage in [false, true] {
        set_up(&home);
        if damage {
            fs::write(home.dir().join("store/db"), b"").unwrap();
            fs::write(home.dir().join("keys"), b"not a key file").unwrap();
            fs::write(home.dir().join("a note of one's own"), b"").unwrap();
        }
        let _lock = home.lock().unwrap();
        home.wipe().unwrap();
        assert_eq!(names(dir.path()), [""; 0]);
        assert!(matches!(home.wipe(), Err(NodeError::NotSetUp)));
    }
}

#[test]
fn an_interrupted_wipe_is_ended_by_the_next() {
    let dir = TempDir::new().unwrap();
    let home = home_in(&dir);
    set_up(&home);
    drop(home.lock().unwrap());
    fs::remove_file(home.dir().join("keys")).unwrap();
    let _lock = home.lock().unwrap();
    home.wipe().unwrap();
    assert_eq!(names(dir.path()), [""; 0]);
}

#[test]
fn a_lock_taken_while_a_wipe_ends_guards_nothing_that_is_gone() {
    let dir = TempDir::new().unwrap();
    let home = home_in(&dir);
    set_up(&home);
    let old = home.lock().unwrap();
    home.wipe().unwrap();
    set_up(&home);
    home.lock().unwrap();
    drop(old);
}

#[test]
fn the_socket_lies_where_only_this_person_comes_and_its_place_is_noted() {
    let dir = TempDir::new().unwrap();
    let home = home_in(&dir);
    set_up(&home);
    assert_eq!(home.socket_from_addr_file(), None);
    let runtime = dir.path().join("run");
    make_private_dir(&runtime).unwrap();
    let first = home.prepare_socket_in(Some(&runtime)).unwrap();
    assert_eq!(first.parent().unwrap(), runtime.join("hearthlight"));
    let name = first.file_name().unwrap().to_str().unwrap();
    assert!(name.len() == 21 && name.ends_with(".sock"), "{name}");
    assert_eq!(home.socket_from_addr_file(), Some(first.clone()));
    // What an ended node left is cleared.
    drop(std::os::unix::net::UnixListener::bind(&first).unwrap());
    home.prepare_socket_in(Some(&runtime)).unwrap();
    drop(std::os::unix::net::UnixListener::bind(&first).unwrap());

    fs::set_permissions(runtime.join("hearthlight"), fs::Permissions::from_mode(0o755)).unwrap();
    let second = home.prepare_socket_in(Some(&runtime)).unwrap();
    assert_eq!(second, fs::canonicalize(home.dir()).unwrap().join("node.sock"));
    assert_eq!(home.prepare_socket_in(Some(&dir.path().join("none"))).unwrap(), second);
}

#[test]
fn a_path_that_is_too_long_for_a_socket_is_not_tried() {
    let dir = TempDir::new().unwrap();
    let home = Home::at(&dir.path().join("h".repeat(90)));
    set_up(&home);
    let socket = home.prepare_socket_in(Some(&dir.path().join("r".repeat(90)))).unwrap();
    assert!(socket.starts_with(std::env::temp_dir()) && socket.as_os_str().len() <= 100);
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let folder = socket.parent().unwrap();
    assert_eq!(fs::metadata(folder).unwrap().mode() & 0o777, 0o700);
    // Somebody else's way in.
    fs::remove_dir_all(folder).unwrap();
    std::os::unix::fs::symlink(dir.path(), folder).unwrap();
    assert!(matches!(home.prepare_socket_in(None), Err(NodeError::HomeOpen)));
    fs::remove_file(folder).unwrap();
}
