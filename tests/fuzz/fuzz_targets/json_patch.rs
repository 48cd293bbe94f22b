//! A JSON patch on any document: the first document of a file is the patch, the rest get it.
#![no_main]

use kyaml::{Limits, json_patch::Patch};
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
    let (patch, rest) = text
        .split_once("\n---\n")
        .unwrap_or((text, "a: {b: [1, 2]}\n"));
    let Ok(patch) = Patch::parse(patch) else {
        return;
    };
    for mut object in kyaml::read_objects(rest, &LIMITS)
        .unwrap_or_default()
        .into_iter()
        .take(4)
    {
        if let Ok(mut value) = object.to_json() {
            let _ = patch.apply(&mut value);
        }
        let _ = patch.apply_to(&mut object);
    }
});
