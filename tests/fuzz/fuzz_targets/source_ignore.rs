//! Any text as ignore rules: every path gets its verdict.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weir_artifact::Ignore;

const PATHS: [&str; 6] = ["a", "a/b/c.yaml", "x y/é/*", ".git/config", "a/b/c/d/e/f/g/h", "[ab]"];

fuzz_target!(|text: &str| {
    let mut ignore = Ignore::new();
    let (first, second) = text.split_once('\0').unwrap_or((text, ""));
    ignore.add("", first);
    ignore.add("a/b", second);
    let ignore = ignore.finish();
    for path in PATHS {
        let _ = (ignore.excludes(path, true), ignore.excludes(path, false));
    }
});
