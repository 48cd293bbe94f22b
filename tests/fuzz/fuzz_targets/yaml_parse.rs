//! Any bytes as a YAML file: read in every way that a build reads, within bounds.
#![no_main]

use kyaml::Limits;
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits {
    bytes: 1 << 20,
    nodes: 20_000,
    depth: Limits::DEPTH,
};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = kyaml::decode_text(bytes) else {
        return;
    };
    for document in kyaml::parse_all(&text, &LIMITS).unwrap_or_default() {
        let _ = document.root.to_json_1_1();
        let _ = document.root.to_styled();
    }
    for object in kyaml::read_objects(&text, &LIMITS).unwrap_or_default() {
        assert!(object.count() <= LIMITS.nodes);
        let _ = (
            object.to_json(),
            object.decode(),
            object.meta(),
            object.labels(),
        );
    }
});
