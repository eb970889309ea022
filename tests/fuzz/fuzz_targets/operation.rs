#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| (harness::fuzzing::named("operation").run)(bytes));
