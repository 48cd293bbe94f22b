//! What is printed reads as the same object, and prints as the same text.
#![no_main]

use kyaml::{Limits, Node};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits {
    bytes: 1 << 20,
    nodes: 20_000,
    depth: 100,
};

fn printed(object: &Node) -> Option<String> {
    let mut text = String::new();
    object.to_output(&mut text).is_ok().then_some(text)
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = kyaml::decode_text(bytes) else {
        return;
    };
    for object in kyaml::read_objects(&text, &LIMITS).unwrap_or_default() {
        let (Some(text), Ok(value)) = (printed(&object), object.to_json()) else {
            continue;
        };
        // Upstream prints these line breaks raw or folds them, and reads back something else; a negative zero
        // loses its sign; and bytes that are no text become the same letters, in keys as well.
        let odd = ['\u{85}', '\u{2028}', '\u{2029}', '\u{FFFD}'];
        let shown = value.to_string();
        if text.contains(odd) || shown.contains(odd) || shown.contains("-0.0") {
            continue;
        }
        let read = kyaml::parse_within(&text, &LIMITS).expect("output is YAML");
        let again = read.expect("output is not empty").root;
        assert_eq!(
            again.to_json().expect("output is an object"),
            value,
            "{text}"
        );
        assert_eq!(printed(&again).as_deref(), Some(text.as_str()));
    }
});
