//! The wire, byte for byte: one file for each form and one for each fault, named for it.
//!
//! Every file is made here from fixed seeds, compared with what was committed, and read as a peer reads
//! it. `WIRE_WRITE=1 cargo test -p hearthlight-tests --test wire` writes them anew: a difference is a
//! change of the protocol, to be made in `docs/protocol.md` too. Forms that only the protocol itself
//! reads (openings, boards, what lies at a rendezvous) are made by `protocol/src/wire/tests.rs`.
//! `second.py` reads and makes them a second time, from `docs/protocol.md`.

mod faults;
mod forms;
mod keys;
mod second;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// One file: what is in it, and whether who reads it takes it.
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) reads: fn(&[u8]) -> bool,
    pub(crate) good: bool,
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/wire/vectors"))
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hex(bytes: &[u8]) -> String {
    let lines: Vec<String> = bytes.chunks(48).map(digits).collect();
    lines.join("\n") + "\n"
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let byte = |pair: &[char]| {
        let pair: String = pair.iter().collect();
        u8::from_str_radix(&pair, 16).expect("files hold hex")
    };
    digits.chunks(2).map(byte).collect()
}

fn all() -> Vec<Vector> {
    let mut all = forms::all();
    all.extend(faults::all());
    all
}

/// D-6, H-2, H-3, H-8
#[test]
fn every_form_is_as_it_was_committed_and_every_fault_is_refused() {
    let write = std::env::var_os("WIRE_WRITE").is_some();
    let mut names = BTreeSet::new();
    for vector in all() {
        let name = &vector.name;
        assert!(names.insert(name.clone()), "{name} stands twice");
        let path = folder().join(format!("{name}.hex"));
        if write {
            fs::write(&path, hex(&vector.bytes)).expect("the folder is there");
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == hex(&vector.bytes), "{name} is not what was committed");
        let read = unhex(&committed);
        assert_eq!((vector.reads)(&read), vector.good, "{name}");
    }
}

/// Who reads the vectors elsewhere finds every secret of them, and what follows from it, in one file.
#[test]
fn the_secrets_behind_the_forms_are_as_they_were_committed() {
    let path = folder().join("keys.json");
    let made = serde_json::to_string_pretty(&keys::all()).expect("names and hex") + "\n";
    if std::env::var_os("WIRE_WRITE").is_some() {
        fs::write(&path, &made).expect("the folder is there");
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), made);
}

/// H-3: no cut of any form is a form, and no cut or flip makes a reader fall over.
#[test]
fn every_form_cut_anywhere_is_refused_and_flipped_anywhere_is_survived() {
    for vector in forms::all() {
        for len in 0..vector.bytes.len() {
            let cut = &vector.bytes[..len];
            assert!(!(vector.reads)(cut), "{} cut to {len}", vector.name);
        }
        for bit in 0..vector.bytes.len().min(512) * 8 {
            let mut flipped = vector.bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            (vector.reads)(&flipped);
        }
    }
}

/// A stranger finds every file explained.
#[test]
fn the_readme_lists_every_file() {
    let readme = fs::read_to_string(folder().join("README.md")).expect("it is committed");
    for entry in fs::read_dir(folder()).expect("the folder is there") {
        let name = entry.expect("it can be listed").file_name();
        let name = name.to_string_lossy();
        if let Some(form) = name.strip_suffix(".hex") {
            assert!(readme.contains(&format!("`{form}`")), "{form} is not in README.md");
        } else if name != "README.md" {
            assert!(readme.contains(&format!("`{name}`")), "{name} is not in README.md");
        }
    }
}
