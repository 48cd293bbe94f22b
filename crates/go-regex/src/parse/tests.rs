//! Refusals as Go 1.26 `regexp/syntax` words them.

use super::*;

#[track_caller]
fn refuses(pattern: &str, expect: &str) {
    let parsed = parse(pattern.as_bytes()).map(|it| it.height);
    assert_eq!(
        parsed,
        Err(format!("error parsing regexp: {expect}")),
        "{pattern}"
    );
}

#[test]
fn refusals_read_as_in_go() {
    refuses("(", "missing closing ): `(`");
    refuses("a)", "unexpected ): `a)`");
    refuses("*a", "missing argument to repetition operator: `*`");
    refuses("a**", "invalid nested repetition operator: `**`");
    refuses("a*{2}?", "invalid nested repetition operator: `*{2}?`");
    refuses("a{1001}", "invalid repeat count: `{1001}`");
    refuses("a{3,2}", "invalid repeat count: `{3,2}`");
    refuses("(a{100}){11}", "invalid repeat count: `{11}`");
    refuses("[z-a]", "invalid character class range: `z-a`");
    refuses("[a", "missing closing ]: `[a`");
    refuses("[[:foo:]]", "invalid character class range: `[:foo:]`");
    refuses("\\pX", "invalid character class range: `\\pX`");
    refuses(
        "\\p{Old_Italic}",
        "invalid character class range: `\\p{Old_Italic}`",
    );
    refuses("\\1", "invalid escape sequence: `\\1`");
    refuses("\\x{110000}", "invalid escape sequence: `\\x{110000`");
    refuses("a\\", "trailing backslash at end of expression: ``");
    refuses("(?=a)", "invalid or unsupported Perl syntax: `(?=`");
    refuses("(?P<n-a>a)", "invalid named capture: `(?P<n-a>`");
    refuses(
        &"(".repeat(1001),
        &format!("missing closing ): `{}`", "(".repeat(1001)),
    );
    let deep = format!("{}a{}", "(".repeat(1001), ")".repeat(1001));
    refuses(&deep, &format!("expression nests too deeply: `{deep}`"));
}

#[test]
fn names_of_classes_are_found_by_search() {
    use crate::names::{CATEGORIES, SCRIPTS};
    assert!(CATEGORIES.is_sorted() && SCRIPTS.is_sorted());
    for name in ["Lu", "letter", "GREEK", "^Han", "Any"] {
        assert!(parse(format!("\\p{{{name}}}").as_bytes()).is_ok(), "{name}");
    }
    for name in CATEGORIES.iter().chain(&SCRIPTS) {
        assert!(parse(format!("\\p{{{name}}}").as_bytes()).is_ok(), "{name}");
    }
}

#[test]
fn braces_that_count_nothing_stand_for_themselves() {
    for pattern in ["a{", "a{,2}", "a{x}", "a{01}", "{", "a{1,x}"] {
        assert!(parse(pattern.as_bytes()).is_ok(), "{pattern}");
    }
}
