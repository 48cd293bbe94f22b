//! Substitution: lines `name=value` up to an empty line, then a text.
#![no_main]

use envsubst::{Limits, Mode, Variables};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits {
    depth: 64,
    output: 1 << 16,
    steps: 1 << 20,
};

fuzz_target!(|bytes: &[u8]| {
    let Ok(input) = std::str::from_utf8(bytes) else {
        return;
    };
    let (head, text) = input.split_once("\n\n").unwrap_or(("", input));
    let pairs = head.lines().filter_map(|line| line.split_once('='));
    let variables: Variables = pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let lenient = envsubst::expand_within(text, &variables, Mode::Lenient, &LIMITS);
    if let Ok(strict) = envsubst::expand_within(text, &variables, Mode::Strict, &LIMITS) {
        assert_eq!(lenient.as_deref(), Ok(strict.as_str()));
    }
    if let Ok(expanded) = &lenient {
        assert!(expanded.len() <= 3 * LIMITS.output);
        if !text.contains('$') {
            assert_eq!(expanded, text);
        }
    }
});
