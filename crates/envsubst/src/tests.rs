//! What the grammar means, form by form.

use super::*;

fn variables() -> Variables {
    [
        ("word", "alpha"),
        ("empty", ""),
        ("path", "/usr/local/x.tar.gz"),
        ("german", "Straße"),
        ("minus", "-2"),
        ("text", "${word} $$"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn check(rows: &[(&str, &str)]) {
    for (input, expected) in rows {
        let result = expand(input, &variables(), Mode::Lenient);
        assert_eq!(result.as_deref(), Ok(*expected), "{input}");
    }
}

fn check_error(input: &str, expected: &Error) {
    let result = expand(input, &variables(), Mode::Lenient);
    assert_eq!(result.as_ref(), Err(expected), "{input}");
}

#[test]
fn leaves_bare_names_and_unescapes_dollars() {
    check(&[
        ("$word ${word}", "$word alpha"),
        ("$${word} $$ $$$ $", "${word} $ $$ $"),
        ("\\${word}", "\\alpha"),
    ]);
}

#[test]
fn inserts_a_value_without_reading_it_again() {
    check(&[("${text}", "${word} $$")]);
}

#[test]
fn measures_and_cuts_in_bytes() {
    check(&[
        ("${#german}", "7"),
        ("${word:1:2} ${word:9} ${word:x}", "lp  alpha"),
        ("${word:${minus}}", "ha"),
        ("${german:5:1}", "\u{fffd}"),
    ]);
    check_error("${word:0:-1}", &Error::SliceBounds(":-1".to_owned()));
    check_error("${word:4:-2}", &Error::SliceBounds("4:2".to_owned()));
}

#[test]
fn changes_case_one_character_for_one() {
    check(&[
        ("${word^} ${word^^} ${german,}", "Alpha ALPHA straße"),
        ("${german^^} ${german,,}", "STRAßE straße"),
    ]);
}

#[test]
fn trims_by_glob_across_slashes() {
    check(&[
        ("${path#*/}", "usr/local/x.tar.gz"),
        ("${path##*/}", "x.tar.gz"),
        ("${path%.*} ${path%%.*}", "/usr/local/x.tar /usr/local/x"),
        ("${word#[a-c]} ${word#[^a]} ${word#[}", "lpha alpha alpha"),
        ("${word#?l} ${word#zzz}", "pha alpha"),
    ]);
}

#[test]
fn replaces_literally() {
    check(&[
        ("${word/a/X} ${word//a/X}", "Xlpha XlphX"),
        ("${word/#a/X} ${word/%a/X} ${word/#a/}", "Xlpha alphX alpha"),
        (
            "${path//\\//_} ${word/l/} ${word/*/X}",
            "_usr_local_x.tar.gz apha alpha",
        ),
    ]);
    check_error("${word/a}", &Error::BadSubstitution);
    check_error("${word///}", &Error::ParseArgument);
}

#[test]
fn defaults_fill_in_for_empty_and_unset() {
    check(&[
        (
            "${none=d} ${none:=d} ${none:-d} ${none:?d} ${none:+d}",
            "d d d d d",
        ),
        ("${empty:-d} ${word:-d} ${word:+d}", "d alpha alpha"),
        ("${none:=${other:-deep}-x}", "deep-x"),
        ("${none:-a}b} ${none:-{}}", "ab} {}"),
    ]);
    check_error("${none-d}", &Error::MissingClosingBrace);
}

#[test]
fn strict_mode_wants_a_value_or_a_default() {
    for input in ["${none}", "${#none}", "${none/a/b}", "${word:-${none}}"] {
        let result = expand(input, &variables(), Mode::Strict);
        assert_eq!(result, Err(Error::NotSet("none".to_owned())), "{input}");
    }
    for input in ["${none:-x}", "${none=x}", "${empty}"] {
        assert!(expand(input, &variables(), Mode::Strict).is_ok(), "{input}");
    }
}

#[test]
fn names_what_is_malformed() {
    check_error("${", &Error::ParseVariableName);
    check_error("${ word}", &Error::ParseVariableName);
    check_error("${word", &Error::MissingClosingBrace);
    check_error("${word.x}", &Error::MissingClosingBrace);
    check_error("${#}", &Error::BadSubstitution);
    check_error("${word^^^}", &Error::BadSubstitution);
    check_error("${word:}", &Error::ParseArgument);
}

#[test]
fn variable_names_are_identifiers() {
    let named = |name: &str| Variables::from([(name.to_owned(), String::new())]);
    assert!(substitute("", &named("_a1"), Mode::Strict).is_ok());
    for name in ["", "1a", "a-b", "a.b", "é"] {
        let error = substitute("", &named(name), Mode::Strict).expect_err(name);
        assert_eq!(
            error.to_string(),
            format!(
                "'{name}' var name is invalid, must match '^[_[:alpha:]][_[:alpha:][:digit:]]*$'"
            )
        );
    }
}

#[test]
fn bounds_nesting_output_and_work() {
    let deep = "${a:-".repeat(100_000);
    check_error(&deep, &Error::TooDeep(64));

    let limits = Limits {
        depth: 8,
        output: 100,
        steps: 1000,
    };
    let big = Variables::from([("v".to_owned(), "x".repeat(90))]);
    let run = |text| expand_within(text, &big, Mode::Strict, &limits);
    assert_eq!(run("${v}${v}"), Err(Error::TooLarge(100)));
    assert_eq!(run("${v//x/1234567890}"), Err(Error::TooLarge(100)));
    assert_eq!(run("${v#*y*y*y*y*y*y*y}"), Err(Error::TooCostly(1000)));
}
