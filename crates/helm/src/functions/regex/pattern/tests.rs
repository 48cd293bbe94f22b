//! What is found and replaced, as Go 1.26 does it.

use super::*;
use go_template::Limits;

#[track_caller]
fn found(pattern: &str, text: &[u8]) -> Vec<String> {
    let budget = Budget::untimed(Limits::default());
    let pattern = Pattern::compile(pattern.as_bytes()).expect("is a pattern");
    let finder = pattern.finder(text, &budget).expect("within the budget");
    let all = finder.find_all(-1).expect("within the budget");
    let text = |it: Range<usize>| String::from_utf8_lossy(&text[it]).into_owned();
    all.into_iter().map(text).collect()
}

#[track_caller]
fn replaces(pattern: &str, text: &[u8], template: &str, expect: &[u8]) {
    let budget = Budget::untimed(Limits::default());
    let pattern = Pattern::compile(pattern.as_bytes()).expect("is a pattern");
    let finder = pattern.finder(text, &budget).expect("within the budget");
    let out = finder.replace_all(template.as_bytes(), true);
    assert_eq!(out.expect("within the budget"), expect);
}

#[test]
fn empty_matches_do_not_follow_a_match() {
    assert_eq!(found("a*", b"baac"), ["", "aa", ""]);
    assert_eq!(found("x*", "\u{e9}b".as_bytes()), ["", "", ""]);
    assert_eq!(found("(|a)+", b"aa"), ["", "", ""]);
}

#[test]
fn the_leftmost_first_alternative_wins() {
    assert_eq!(found("a|ab", b"abab"), ["a", "a"]);
    assert_eq!(found("(?i)k", "K\u{212a}".as_bytes()), ["K", "\u{212a}"]);
    assert_eq!(found("(?m)^.$", b"a\nb\n"), ["a", "b"]);
    assert_eq!(found("b$", b"b\n"), [""; 0]);
}

#[test]
fn broken_bytes_are_characters() {
    assert_eq!(found(".", b"a\xffb").len(), 3);
    replaces("[^a]", b"a\xff\xfeb", "<$0>", b"a<\xff><\xfe><b>");
    replaces("\\x{fffd}", b"\xff", "x", b"x");
}

#[test]
fn templates_are_expanded() {
    replaces("(?P<n>a)(b)?", b"ab", "${n}-$2-$1x-$$-${-$9", b"a-b--$-${-");
    replaces("(?P<n>a)|(?P<n>b)", b"ab", "<$n>", b"<a><b>");
    replaces("(a){0}(b)", b"b", "<$1$2>", b"<b>");
    replaces("x*", b"abc", "-", b"-a-b-c-");
}

#[test]
fn what_is_too_large_is_refused_soon() {
    let pattern = "(\\pL{1000}){1}".repeat(50);
    let error = Pattern::compile(pattern.as_bytes()).expect_err("is too large");
    assert!(
        error
            .to_string()
            .starts_with("error parsing regexp: expression too large")
    );
}
