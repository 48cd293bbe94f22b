//! What is compiled and what matches, as Go 1.26 does it.

use super::*;

#[track_caller]
fn refuses(pattern: &str, expected: &str) {
    let found = compile(pattern).map(|_| ()).map_err(|it| it.to_string());
    assert_eq!(found, Err(format!("error parsing regexp: {expected}")));
}

#[test]
fn a_selectors_mistakes_are_told_with_its_anchors() {
    let refused = compile_anchored("[").expect_err("is no class");
    assert_eq!(
        refused.to_string(),
        "error parsing regexp: missing closing ]: `[)$`"
    );
    refuses("^(?:*)$", "missing argument to repetition operator: `*`");
    assert!(compile_anchored("").expect("is empty").is_match("any"));
}

#[test]
fn matches_what_go_matches() {
    for (pattern, text, expected) in [
        (r"^\d+$", "\u{663}", false),
        (r"^\w+$", "\u{e9}", false),
        (r"^\s$", "\u{a0}", false),
        (r"^a{2}$", "aa", true),
        (r"^{x}$", "{x}", true),
        (r"^[a[b]$", "[", true),
        (r"^[a&&b]$", "&", true),
        (r"^[]a]$", "]", true),
        (r"^[\w-]+$", "a-b", true),
        (r"^[[:alpha:]]+$", "ab", true),
        (r"(?i)^ABC$", "abc", true),
        (r"^\p{Greek}+$", "\u{3b1}\u{3b2}", true),
        (r"^[\P{Greek}]$", "a", true),
        (r"^\x{41}$", "A", true),
        (r"^\Qa.b\E$", "a.b", true),
    ] {
        let regex = compile(pattern).expect(pattern);
        assert_eq!(regex.is_match(text), expected, "{pattern} {text}");
    }
    let any = compile("^.$").expect("is an expression");
    assert!(any.is_match(b"\xff") && !any.is_match(b"\xff\xff"));
}

#[test]
fn what_is_too_large_is_refused_soon() {
    refuses("((a{1000}){1000}){1000}", "invalid repeat count: `{1000}`");
    let large = "(\\pL{1000}){1}".repeat(50);
    refuses(&large, &format!("expression too large: `{large}`"));
    let bounded = Regex::within(1 << 10, br"\pL{100}");
    assert!(bounded.is_err());
}
