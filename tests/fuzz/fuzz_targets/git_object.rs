//! Any bytes as a commit, a tag and a tree; their signatures against keys, and as a ring of keys.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weir_git::TrustedKeys;

const NOW: u64 = 1_795_300_000;
macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("../../../crates/weir-git/tests/data/signatures/", $name))
    };
}

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let keys = TrustedKeys {
        pgp: vec![recorded!("ed.asc").to_owned(), recorded!("rsa.asc").to_owned(), text.clone()],
        ssh: vec![recorded!("ssh_ecdsa.sshpub").to_owned(), text],
    };
    let (commit, tag) = weir_git::fuzzing::object(bytes);
    let _ = tag.verify(&keys, NOW);
    if let Some(commit) = commit {
        let _ = commit.verify(&keys, NOW);
    }
});
