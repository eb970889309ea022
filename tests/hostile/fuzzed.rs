//! The bounded run of the fuzzer's targets (`tests/harness/fuzzing.rs`): all that lies in the corpora, and
//! what comes from it by a seeded generator. The long run is `tests/fuzz/README.md`.
//!
//! `FUZZ_TRIES=n` tries n times as many, `FUZZ_SEED=n` others.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use harness::chance::Chance;
use harness::fuzzing::{Corpus, TARGETS, corpora, named};

fn wanted(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a number"))
}

/// Replays, then goes on; an input that breaks something is printed.
fn run(name: &str) {
    let corpus = Corpus::of(named(name));
    assert!(corpus.inputs.len() > 1, "{name} has hardly any inputs");
    let judge = |bytes: &[u8], what: &str| {
        let run = corpus.target.run;
        if catch_unwind(AssertUnwindSafe(|| run(bytes))).is_err() {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            panic!("{name}, {what}: {hex}");
        }
    };
    for (file, bytes) in &corpus.inputs {
        judge(bytes, file);
    }
    let seed = wanted("FUZZ_SEED").unwrap_or(1);
    let mut chance = Chance::new(seed);
    let tries = u64::from(corpus.target.tries) * wanted("FUZZ_TRIES").unwrap_or(1);
    for turn in 0..tries {
        let bytes = corpus.mutated(&mut chance);
        judge(&bytes, &format!("FUZZ_SEED={seed}, try {turn}"));
    }
}

macro_rules! targets {
    ($($test:ident $name:literal)*) => {
        $(
            /// H-1, H-2, H-4, H-16
            #[test]
            fn $test() {
                run($name);
            }
        )*

        const TESTED: &[&str] = &[$($name),*];
    };
}

targets! {
    no_bytes_break_who_reads_packets "packet"
    no_bytes_break_who_reads_frames "frame"
    no_bytes_break_who_reads_messages "message"
    no_bytes_break_who_reads_what_others_have_seen "seen"
    no_bytes_break_who_reads_boards "board"
    no_bytes_break_who_reads_asks_and_help "helping"
    no_bytes_break_who_reads_operations "operation"
    no_bytes_break_who_reads_bodies_of_operations "body"
    no_bytes_break_who_reads_openings "opening"
    no_bytes_break_who_reads_cards "card"
    no_bytes_break_who_reads_at_a_rendezvous "rendezvous"
    no_text_breaks_who_reads_codes "code"
    no_text_breaks_who_reads_relay_addresses "address"
    no_bytes_break_who_opens_envelopes "envelope"
    no_signed_bytes_break_who_reads_frames "sealed-frame"
    no_operations_in_any_order_break_the_fold "charter"
    nothing_that_peers_say_breaks_a_relay "relay"
    nothing_that_a_relay_says_breaks_a_member "hostile-relay"
    nothing_that_a_member_does_breaks_another "hostile-member"
}

/// A target is tested here, has its corpus, and its program for the long run.
#[test]
fn every_target_runs_here_and_in_the_long_run() {
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(names, TESTED);
    let here = corpora();
    let folder = here.parent().expect("it lies in the fuzzer's folder");
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("it is committed");
    for name in &names {
        let program = folder.join(format!("fuzz_targets/{name}.rs"));
        let text = fs::read_to_string(&program).expect("each has a program");
        assert!(text.contains(&format!("\"{name}\"")), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
    for entry in fs::read_dir(&here).expect("the corpora are committed") {
        let name = entry.expect("it can be listed").file_name();
        assert!(names.contains(&name.to_string_lossy().as_ref()), "{name:?} is no target's");
    }
}
