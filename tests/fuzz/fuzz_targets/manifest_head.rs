//! What is skimmed of an object's head is what reading it in full finds.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|document: &[u8]| helm::manifest::check_skimming(document));
