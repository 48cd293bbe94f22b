//! What is found and replaced, as Go 1.26 does it.

use super::*;

fn compiled(pattern: &str) -> Regex {
    Regex::within(16 << 20, pattern.as_bytes()).expect(pattern)
}

#[track_caller]
fn found(pattern: &str, text: &[u8]) -> Vec<String> {
    let regex = compiled(pattern);
    let Ok(finder) = regex.finder(text, ());
    let Ok(all) = finder.find_all(-1);
    let text = |it: Range<usize>| String::from_utf8_lossy(&text[it]).into_owned();
    all.into_iter().map(text).collect()
}

#[track_caller]
fn replaces(pattern: &str, text: &[u8], template: &str, expect: &[u8]) {
    let regex = compiled(pattern);
    let Ok(finder) = regex.finder(text, ());
    let Ok(out) = finder.replace_all(template.as_bytes(), true);
    assert_eq!(out, expect);
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
fn names_in_templates_may_be_any_letters() {
    replaces("a", b"a", "<$\u{e9}\u{663}x>", b"<>");
    replaces("a", b"a", "$\u{20ac}", "$\u{20ac}".as_bytes());
}

#[test]
fn whoever_pays_can_end_a_search() {
    struct Poor;
    impl Meter for Poor {
        type Error = &'static str;

        fn steps(&self, _: u64) -> Result<(), &'static str> {
            Ok(())
        }

        fn bytes(&self, _: usize) -> Result<(), &'static str> {
            Err("no bytes left")
        }

        fn bytes_left(&self) -> usize {
            10
        }
    }
    let regex = compiled("a");
    let finder = regex.finder(b"aaaa", Poor).expect("steps cost nothing");
    assert_eq!(finder.replace_all(b"12345678", false), Err("no bytes left"));
}
