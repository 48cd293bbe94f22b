//! Any bytes as the entries of a pack: indexed within bounds, then read as commits and trees.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some((count, entries)) = bytes.split_first() {
        weir_git::fuzzing::pack(entries, count % 8);
    }
});
