//! Texts and numbers that YAML readers and printers disagree about.

use serde_json::Value;

use super::rng::Rng;

/// Marks a text that is written without quotes, whatever that makes of it.
pub(super) const RAW: char = '\u{1}';

/// Texts that look like something else, or need care when printed.
const ODD: [&str; 74] = [
    "",
    " ",
    "yes",
    "no",
    "on",
    "Off",
    "y",
    "N",
    "true",
    "False",
    "TRUE",
    "null",
    "Null",
    "~",
    "0",
    "00",
    "01",
    "0o17",
    "0x1F",
    "0b11",
    "1_000",
    "-0",
    "+1",
    "1.0",
    "1.",
    ".5",
    "-.5e3",
    "1e3",
    "1E-7",
    ".inf",
    "-.Inf",
    ".nan",
    "1:30",
    "190:20:30",
    "2020-01-01",
    "2020-01-01T00:00:00Z",
    "2020-1-1 1:2:3",
    "<<",
    "=",
    "!",
    "!!str a",
    "&a",
    "*a",
    "%a",
    "@a",
    "`a`",
    "- a",
    "-",
    "--- a",
    "...",
    "? a",
    ": a",
    "a: b",
    "a:b",
    "a #b",
    "a#b",
    "#a",
    "[a]",
    "{a: b}",
    "a, b",
    "'a'",
    "\"a\"",
    "it's",
    "a\\b",
    " lead",
    "trail ",
    "tab\there",
    "é ü 日本語",
    "😀 smile",
    "a\u{a0}b",
    "\u{feff}bom",
    "a\u{2028}b",
    "bell\u{7}",
    "123456789012345678901234567890",
];

/// Texts of several lines.
const BLOCKS: [&str; 18] = [
    "a\nb",
    "a\nb\n",
    "a\nb\n\n",
    "\na\n",
    " a\nb\n",
    "a\n b\n",
    "a\n\nb\n",
    "a \nb\n",
    "a\tb\nc\n",
    "\n",
    "\n\n",
    "#!/bin/sh\nset -e\necho \"$HOME\"\n",
    "key: value\nlist:\n- a\n- b\n",
    "{\"a\": 1,\n \"b\": [true, null]}\n",
    "[section]\nname = x # y\n",
    "a\r\nb\r\n",
    "x\u{2028}y\nz",
    "---\nkind: A\n---\nkind: B\n",
];

/// What stands without quotes.
const PLAIN: [&str; 48] = [
    "0",
    "1",
    "-1",
    "+1",
    "007",
    "0o17",
    "0x1F",
    "0b101",
    "1_000",
    "1.0",
    "1.50",
    "1e3",
    "1e21",
    "1e-6",
    "1E+2",
    ".5",
    "-0.0",
    "12345678901234567890",
    "9223372036854775807",
    "-9223372036854775808",
    "0.1",
    "123456789.123456789",
    "true",
    "True",
    "TRUE",
    "false",
    "False",
    "yes",
    "no",
    "on",
    "off",
    "y",
    "n",
    "null",
    "Null",
    "NULL",
    "~",
    "",
    "2020-01-01",
    "2001-12-14t21:59:43.10-05:00",
    "2001-12-14 21:59:43",
    "1:30",
    "a b",
    "x:y",
    "a#b",
    "/etc/x",
    "!!str 5",
    "!!int \"7\"",
];

/// A text without surprises.
pub(super) fn word(rng: &mut Rng) -> String {
    let words = [
        "app",
        "web",
        "db",
        "cache",
        "api",
        "prod",
        "dev",
        "blue",
        "v1",
        "team-a",
        "x86",
        "eu-west-1",
    ];
    rng.text(&words)
}

/// A text of one line, odd in half of all cases.
pub(super) fn line(rng: &mut Rng) -> String {
    match rng.below(10) {
        0..=3 => word(rng),
        4..=7 => rng.text(&ODD),
        8 => format!("{} {}", rng.text(&ODD), rng.text(&ODD)),
        _ => long(rng),
    }
}

/// A text that gets folded when printed.
fn long(rng: &mut Rng) -> String {
    let mut text = String::new();
    for _ in 0..rng.between(8, 40) {
        text += &match rng.below(8) {
            0 => rng.text(&ODD),
            1 => String::from(" "),
            2 => "x".repeat(rng.between(1, 90)),
            _ => word(rng),
        };
        text += rng.pick(&[" ", " ", " ", ", ", ": ", "  "]);
    }
    text
}

/// A text of any kind.
pub(super) fn any(rng: &mut Rng) -> String {
    match rng.below(6) {
        0 => rng.text(&BLOCKS),
        1 => format!("{}{}", rng.text(&BLOCKS), rng.text(&BLOCKS)),
        2 => format!("{}\n{}", line(rng), line(rng)),
        _ => line(rng),
    }
}

/// A text, or something that stands without quotes.
pub(super) fn scalar(rng: &mut Rng) -> Value {
    match rng.below(3) {
        0 => raw(rng.pick(&PLAIN)),
        1 => Value::from(word(rng)),
        _ => Value::from(any(rng)),
    }
}

/// Something that stands as it is.
pub(super) fn raw(text: &str) -> Value {
    Value::from(format!("{RAW}{text}"))
}

/// A tree of anything, as custom resources have it.
pub(super) fn tree(rng: &mut Rng, depth: usize) -> Value {
    const KEYS: [&str; 26] = [
        "a",
        "b",
        "B",
        "ab",
        "a-b",
        "a.b/c",
        "a2",
        "a10",
        "_x",
        "0",
        "12",
        "é",
        "name",
        "value",
        "image",
        "key",
        "spec",
        "with space",
        "y",
        "null",
        "true",
        "items",
        "port",
        "replicas",
        "a:b",
        "a#b",
    ];
    match rng.below(if depth == 0 { 4 } else { 9 }) {
        0..=3 => scalar(rng),
        4 | 5 => (0..rng.below(4)).map(|_| tree(rng, depth - 1)).collect(),
        _ => {
            let key = |rng: &mut Rng| match rng.chance(1) {
                true => "long".repeat(rng.between(30, 36)),
                false => rng.text(&KEYS),
            };
            let entries = (0..rng.below(5)).map(|_| (key(rng), tree(rng, depth - 1)));
            Value::Object(entries.collect())
        }
    }
}
