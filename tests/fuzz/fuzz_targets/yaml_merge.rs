//! A strategic merge of any document into any other: the first of a file is the patch, the rest get it.
#![no_main]

use kyaml::{Limits, merge};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits {
    bytes: 1 << 20,
    nodes: 5_000,
    depth: 100,
};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut objects = kyaml::read_objects(text, &LIMITS)
        .unwrap_or_default()
        .into_iter();
    let Some(patch) = objects.next() else {
        return;
    };
    for target in objects.take(4) {
        let most = patch.count() + target.count();
        if let Ok(Some(merged)) = merge::merge(&patch, target, &merge::Options::default()) {
            // As upstream, an item that has only some of its list's keys comes twice.
            assert!(merged.count() <= 8 * most);
            let _ = merged.to_json();
        }
    }
});
