//! The corpora that lie in `tests/fuzz/corpus`, and inputs that come from them by chance.

use std::fs;
use std::path::PathBuf;

use super::Target;
use crate::chance::Chance;

/// Inputs are cut to this: what is longer is found no sooner.
const LONGEST: usize = 4_096;
/// Numbers at which arithmetic breaks, and heads of CBOR that state them as a length (H-2).
const NUMBERS: [u64; 10] = [
    0,
    1,
    0x7f,
    0xff,
    0xffff,
    0x1_0000_0000 - 1,
    0x1_0000_0000,
    u64::MAX / 2,
    u64::MAX / 2 + 1,
    u64::MAX,
];
const HEADS: [u8; 8] = [0x5b, 0x7b, 0x9b, 0xbb, 0x1b, 0x3b, 0x9a, 0x5a];

/// What lies in one folder.
#[derive(Debug)]
pub struct Corpus {
    /// Whose.
    pub target: Target,
    /// Name and bytes of each input, in order of names.
    pub inputs: Vec<(String, Vec<u8>)>,
}

/// Where the corpora lie, one folder a target.
#[must_use]
pub fn corpora() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus"))
}

fn vectors() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/wire/vectors"))
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let byte =
        |pair: &[char]| pair.iter().filter_map(|c| c.to_digit(16)).fold(0, |a, b| a << 4 | b);
    digits.chunks(2).map(|pair| byte(pair) as u8).collect()
}

impl Corpus {
    /// The wire vectors of a target's forms, and what lies in its folder.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn of(target: Target) -> Self {
        let mut corpus = Self::in_folder(target);
        for form in fs::read_dir(vectors()).expect("they are committed") {
            let path = form.expect("it can be listed").path();
            let name = path.file_name().expect("a file").to_string_lossy().into_owned();
            if !target.forms.iter().any(|form| name.starts_with(form)) || !name.ends_with(".hex") {
                continue;
            }
            let text = fs::read_to_string(&path).expect("it can be read");
            corpus.inputs.push((name, unhex(&text)));
        }
        corpus.inputs.sort();
        corpus
    }

    /// What lies in the folder of a target alone.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn in_folder(target: Target) -> Self {
        let folder = corpora().join(target.name);
        let entries = fs::read_dir(&folder).unwrap_or_else(|why| panic!("{folder:?}: {why}"));
        let mut inputs: Vec<(String, Vec<u8>)> = entries
            .map(|entry| {
                let path = entry.expect("it can be listed").path();
                let name = path.file_name().expect("a file").to_string_lossy().into_owned();
                (name, fs::read(&path).expect("it can be read"))
            })
            .collect();
        inputs.sort();
        Self { target, inputs }
    }

    /// An input that comes from these by chance.
    #[must_use]
    pub fn mutated(&self, chance: &mut Chance) -> Vec<u8> {
        let mut bytes = self.one(chance);
        for _ in 0..=chance.below(4) {
            self.change(&mut bytes, chance);
        }
        bytes.truncate(LONGEST);
        bytes
    }

    fn one(&self, chance: &mut Chance) -> Vec<u8> {
        let at = usize::try_from(chance.below(self.inputs.len() as u64)).expect("few");
        self.inputs.get(at).map(|(_, bytes)| bytes.clone()).unwrap_or_default()
    }

    fn change(&self, bytes: &mut Vec<u8>, chance: &mut Chance) {
        let below = |chance: &mut Chance, end: usize| chance.below(end as u64) as usize;
        let at = below(chance, bytes.len() + 1);
        let end = (at + 1 + below(chance, 16)).min(bytes.len());
        match chance.below(9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            1 if at < bytes.len() => bytes[at] = chance.below(256) as u8,
            2 => drop(bytes.drain(at.min(end)..end)),
            3 => bytes.truncate(at),
            4 => bytes.insert(at, chance.below(256) as u8),
            5 => {
                let again = bytes[at.min(end)..end].to_vec();
                bytes.splice(at..at, again);
            }
            6 => {
                let other = self.one(chance);
                let from = below(chance, other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            7 => {
                let number = chance.one_of(&NUMBERS).expect("some");
                let head = chance.one_of(&HEADS).expect("some");
                bytes.splice(at..end.max(at), [&[head][..], &number.to_be_bytes()].concat());
            }
            _ => bytes.extend(chance.bytes()),
        }
    }
}
