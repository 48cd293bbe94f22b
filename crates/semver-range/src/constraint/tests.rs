//! Cases that fix the behaviour, by operator.

use super::*;

fn check(range: &str, accepted: &[&str], refused: &[&str]) {
    let constraint = Constraint::parse(range).expect("is a range");
    let parse = |text: &str| Version::parse(text).expect("is a version");
    for text in accepted {
        assert!(constraint.matches(&parse(text)), "{text} is in {range}");
    }
    for text in refused {
        assert!(
            !constraint.matches(&parse(text)),
            "{text} is not in {range}"
        );
    }
}

#[test]
fn equality_and_wildcards() {
    check("=2.0.0", &["2.0.0", "2.0.0+x"], &["1.2.3", "2.0.0-a"]);
    check("2", &["2.0.0", "2.9.1"], &["1.9.9", "3.0.0"]);
    check("1.1", &["1.1.0", "1.1.9"], &["1.2.0"]);
    check("1.x", &["1.0.0", "1.9.9"], &["2.0.0"]);
    check("1.0.x", &["1.0.9"], &["1.1.0"]);
    check("*", &["0.0.1", "4.5.6"], &["1.2.3-alpha.1"]);
    check("x", &["4.5.6"], &[]);
}

#[test]
fn inequality() {
    check("!=4.1.0", &["4.1.1", "3.0.0"], &["4.1.0"]);
    check("!=4.1", &["4.2.0", "5.1.0"], &["4.1.3"]);
    check("!=4.x", &["5.1.0"], &["4.1.0"]);
    check("!=4.1-alpha", &["4.1.0"], &["4.1.0-alpha"]);
}

#[test]
fn bounds() {
    check(">=1.0.0", &["1.0.0", "1.10.0"], &["0.9.9", "2.0.0-rc.1"]);
    check(">=1.0.0-0", &["1.0.0-alpha", "2.0.0-rc.1"], &["0.9.9"]);
    check(">1.1", &["1.2.0", "2.0.0"], &["1.1.1"]);
    check(">11", &["12.0.0"], &["11.1.0"]);
    check(">=11.1", &["11.1.0"], &["11.0.9"]);
    check("<1.1", &["1.0.9"], &["1.1.0", "1.1.1"]);
    check("<=11", &["11.2.3"], &["12.0.0"]);
    check("<=11.2", &["11.2.3"], &["11.3.0"]);
    check("=>1.1 =<2", &["1.1.0", "2.9.0"], &["1.0.0", "3.0.0"]);
    check("< 2.0.0, >= 1.0.0", &["1.5.0"], &["2.0.0"]);
}

#[test]
fn tilde_and_caret() {
    check("~1.2.3", &["1.2.3", "1.2.9"], &["1.3.0", "1.2.2"]);
    check("~1", &["1.9.0"], &["2.0.0"]);
    check("~> 1.2", &["1.2.7"], &["1.3.0"]);
    check("~0.0.0", &["1.2.3"], &[]);
    check("^1.2.3", &["1.9.0"], &["2.0.0", "1.2.2"]);
    check("^1.x", &["1.9.0"], &["2.0.0"]);
    check("^0.2.3", &["0.2.9"], &["0.3.0", "1.0.0"]);
    check("^0.0.3", &["0.0.3"], &["0.0.4"]);
    check("^0.0", &["0.0.9"], &["0.1.0"]);
    check("^0", &["0.9.0"], &["1.0.0"]);
    check("^1.1.0-beta", &["1.1.0-rc.1", "1.2.0"], &["2.0.0"]);
}

#[test]
fn hyphens_and_alternatives() {
    check("1.0 - 2.0", &["1.0.0", "2.0.7"], &["2.1.0"]);
    check("1.1.0 - 1.2.0 || >=3", &["1.2.0", "3.1.0"], &["2.0.0"]);
    check("1.2.3-beta - 2", &["1.2.3-rc", "2.0.0"], &["1.2.3-alpha"]);
    check(
        ">=1.0.0-0 <2.0.0 || 5.x",
        &["1.5.0-a", "5.1.0"],
        &["5.1.0-a"],
    );
}

#[test]
fn a_pre_release_in_a_group_opens_the_whole_group() {
    check(">=1.0.0-0, <3", &["2.0.0-rc.1"], &["3.0.1"]);
    check(">1.0, <2.0.0-0", &["1.5.0-rc.1", "1.5.0"], &["2.0.0"]);
}

#[test]
fn malformed_ranges_are_improper() {
    let reads = |text: &str, expect: &str| {
        let error = Constraint::parse(text).expect_err(text);
        assert_eq!(error.to_string(), expect);
    };
    for text in [
        "",
        "foo",
        "1.2.3.4",
        ">>1.0",
        "1.0.0beta",
        "1.0,,2.0",
        "> ",
        "1 2 -",
        "1.0-a.",
        "1.0-",
    ] {
        reads(text, &format!("improper constraint: {text:?}"));
    }
    reads("1 || foo", "improper constraint: \" foo\"");
    reads("1 - 2 foo", "improper constraint: \">= 1, <= 2 foo\"");
    for text in ["1.0.0-01", "1x", "xx", "1||2|3", "18446744073709551616"] {
        reads(text, "constraint parser error");
    }
    let long = "1".repeat(MAX_LENGTH + 1);
    reads(&long, "constraint string is too long (max 512 bytes)");
    reads(&"1||".repeat(32), "too many constraint groups (max 32)");
}
