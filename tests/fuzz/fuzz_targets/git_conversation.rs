//! Any bytes as what a Git server says: packets, capabilities, refs, a pack.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| weir_git::fuzzing::conversation(bytes));
