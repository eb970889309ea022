//! A second implementation, in Python, made from `docs/protocol.md`, reads and makes the vectors.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

/// Python with the libraries of the scripts.
struct Python(PathBuf);

static PYTHON: LazyLock<Option<Python>> = LazyLock::new(Python::new);

impl Python {
    /// Python with the libraries of `requirements.txt`, in a folder below `target`; `None`, and a line
    /// that says so, where it cannot be had.
    ///
    /// # Panics
    ///
    /// In CI, where it has to be there.
    fn new() -> Option<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("wire");
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("second");
        let python = home.join("bin/python3");
        let wanted = fs::read_to_string(here.join("requirements.txt")).expect("it is committed");
        // What was put there for these requirements stays, so a run without a network goes on.
        let stamp = home.join("requirements.txt");
        let imports = ["-c", "import cbor2, cryptography, nacl"];
        if fs::read_to_string(&stamp).is_ok_and(|had| had == wanted)
            && run(Command::new(&python).args(imports)).is_ok()
        {
            return Some(Self(python));
        }
        let _ = fs::remove_dir_all(&home);
        let (venv, pip) = (["-m", "venv"], ["-m", "pip", "install", "--quiet", "--require-hashes"]);
        let made = run(Command::new("python3").args(venv).arg(&home)).and_then(|()| {
            run(Command::new(&python).args(pip).arg("-r").arg(here.join("requirements.txt")))
        });
        if let Err(why) = made {
            let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!ci, "there is no Python with its libraries here (.ci/run installs it): {why}");
            // On the screen, past the harness that keeps what tests print.
            let _ = writeln!(std::io::stderr(), "SKIPPED the second implementation: {why}");
            return None;
        }
        fs::write(&stamp, wanted).expect("the folder was just made");
        Some(Self(python))
    }

    /// What a script says of vectors.
    fn reads(&self, script: &str, vectors: &Path) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("wire").join(script);
        let output = Command::new(&self.0).arg("-B").arg(script).arg(vectors).output();
        output.expect("it was run before")
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|why| why.to_string())?;
    // `venv` says what it lacks where others print results.
    let said = [output.stdout, output.stderr].concat();
    output.status.success().then_some(()).ok_or_else(|| String::from_utf8_lossy(&said).into_owned())
}

/// R-1, R-3, R-4, R-10, R-20, R-21, R-23, R-30, R-32, R-40, R-50, R-60, R-63
#[test]
fn a_second_implementation_reads_and_makes_every_form_and_notices_what_is_changed() {
    let Some(python) = PYTHON.as_ref() else { return };
    let output = python.reads("second.py", &crate::folder());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");

    // It looks at the bytes: one bit in a form, or a fault without its fault, and it says no.
    let changed = tempfile::tempdir().expect("a folder");
    for entry in fs::read_dir(crate::folder()).expect("the folder is there") {
        let from = entry.expect("it can be listed").path();
        let name = from.file_name().expect("a file");
        fs::copy(&from, changed.path().join(name)).expect("it can be copied");
    }
    let good = |form: &str| {
        crate::unhex(&fs::read_to_string(changed.path().join(form)).expect("it is there"))
    };
    let mut flipped = good("frame.hex");
    *flipped.last_mut().expect("not empty") ^= 1;
    for (name, bytes) in
        [("frame.hex", flipped), ("envelope--other-hour.hex", good("envelope.hex"))]
    {
        let path = changed.path().join(name);
        let before = fs::read(&path).expect("it is there");
        fs::write(&path, crate::hex(&bytes)).expect("it can be written");
        let output = python.reads("second.py", changed.path());
        let said = String::from_utf8_lossy(&output.stderr);
        let form = name.trim_end_matches(".hex");
        assert!(
            !output.status.success() && said.contains(form),
            "{name} is not what it was: {said}"
        );
        fs::write(&path, before).expect("it can be written");
    }
}

/// R-10, R-11, R-12, R-13, R-62
#[test]
fn a_second_implementation_folds_every_charter_and_notices_what_is_changed() {
    let Some(python) = PYTHON.as_ref() else { return };
    let committed = crate::folder().join("charters.json");
    let output = python.reads("fold.py", &committed);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");

    let mut charters: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&committed).expect("it is there")).expect("JSON");
    let standing = charters[0]["standing"].as_array_mut().expect("a list");
    let fallen = standing.pop().expect("the beginning stands");
    let changed = tempfile::NamedTempFile::new().expect("a file");
    serde_json::to_writer(&changed, &charters).expect("it can be written");
    let output = python.reads("fold.py", changed.path());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("standing"), "without {fallen}: {said}");
}
