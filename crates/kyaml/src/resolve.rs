//! Types of plain scalars, as Go's yaml.v3 and yaml.v2 resolve them.
//!
//! Source: go.yaml.in/yaml v3.0 and v2.4 `resolve.go`.

mod float;
mod timestamp;

pub use float::{format_g, format_g_32};
pub use timestamp::Timestamp;

use crate::node::Tag;

/// The typed value of a plain scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer that fits `i64`.
    Int(i64),
    /// An integer that fits only `u64`.
    Uint(u64),
    /// A float, infinities and NaN included.
    Float(f64),
    /// A point in time.
    Timestamp(Timestamp),
    /// The text itself: a string, or a `<<` key.
    Text,
}

/// Which library's rules hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// yaml.v3: `yes` and `on` are strings.
    V3,
    /// yaml.v2: YAML 1.1 booleans.
    V2,
}

/// Resolves the text of a plain scalar without a tag. `<<` is a string here: only the reader makes a
/// merge key of it.
#[must_use]
pub fn plain(text: &str, rules: Rules) -> (Tag, Value) {
    let Some(&first) = text.as_bytes().first() else {
        return (Tag::Null, Value::Null);
    };
    match first {
        b'0'..=b'9' | b'+' | b'-' => number(text, true, rules),
        b'.' => dotted(text),
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => {
            named(text, rules)
        }
        _ => (Tag::Str, Value::Text),
    }
}

/// Resolves a scalar that has an explicit tag; `None` if text and tag contradict each other.
#[must_use]
pub fn tagged(tag: Tag, text: &str) -> Option<(Tag, Value)> {
    match tag {
        Tag::Unset => Some(plain(text, Rules::V3)),
        Tag::Str | Tag::Binary | Tag::Merge | Tag::Seq | Tag::Map | Tag::Other => {
            Some((tag, Value::Text))
        }
        Tag::Null | Tag::Bool | Tag::Int | Tag::Float | Tag::Timestamp => {
            let (found, value) = match text.as_bytes().first() {
                Some(b'0'..=b'9' | b'+' | b'-') => number(text, tag == Tag::Timestamp, Rules::V3),
                _ => plain(text, Rules::V3),
            };
            match (tag, found, value) {
                _ if tag == found => Some((found, value)),
                (Tag::Float, Tag::Int, Value::Int(int)) =>
                {
                    #[expect(clippy::cast_precision_loss, reason = "as Go converts")]
                    Some((Tag::Float, Value::Float(int as f64)))
                }
                _ => None,
            }
        }
    }
}

/// As [`tagged`], by yaml.v2: the tag that was found if text and tag contradict each other.
///
/// # Errors
/// The tag that the text has by itself.
pub fn tagged_1_1(tag: Tag, text: &str) -> Result<Value, Tag> {
    if !matches!(
        tag,
        Tag::Null | Tag::Bool | Tag::Int | Tag::Float | Tag::Timestamp
    ) {
        return Ok(Value::Text);
    }
    let (found, value) = match text.as_bytes().first() {
        Some(b'0'..=b'9' | b'+' | b'-') => number(text, tag == Tag::Timestamp, Rules::V2),
        _ => plain(text, Rules::V2),
    };
    match (tag, value) {
        _ if tag == found => Ok(value),
        #[expect(clippy::cast_precision_loss, reason = "as Go converts")]
        (Tag::Float, Value::Int(int)) => Ok(Value::Float(int as f64)),
        _ => Err(found),
    }
}

/// Whether YAML 1.1 reads the text as anything but a string: what kyaml quotes when it sets fields.
///
/// Source: kyaml v0.21 `yaml/compatibility.go` `IsValueNonString`.
#[must_use]
pub fn is_not_string_in_1_1(text: &str) -> bool {
    if text.is_empty() || text.contains('\n') {
        return false;
    }
    let trimmed = text.trim_matches([' ', '\t']);
    if is_ordinary(trimmed) {
        return !matches!(plain(trimmed, Rules::V2).0, Tag::Str);
    }
    match crate::parse(text) {
        Ok(Some(document)) => {
            let root = document.root;
            let quoted = root.style().is_quoted();
            let plain_tag = || plain(root.text(), Rules::V2).0;
            match root.tag() {
                _ if !root.is_scalar() => true,
                Tag::Binary | Tag::Other => false,
                _ if quoted => false,
                Tag::Str if root.style().has(crate::Style::TAGGED) => false,
                _ => plain_tag() != Tag::Str,
            }
        }
        Ok(None) => true,
        Err(_) => false,
    }
}

/// Whether a text is surely one plain scalar.
fn is_ordinary(text: &str) -> bool {
    let Some(&first) = text.as_bytes().first() else {
        return false;
    };
    let starts = matches!(first, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'/' | b'+' | b'_' | b'~' | b'$')
        || first == b'-' && !matches!(text.as_bytes().get(1), None | Some(b' ' | b'\t' | b'-'));
    starts
        && !text.starts_with("...")
        && !text.ends_with(':')
        && !text.contains(": ")
        && !text.contains(":\t")
        && !text.contains(" #")
        && !text.contains("\t#")
        && !text.bytes().any(|b| b.is_ascii_control() && b != b'\t')
}

fn named(text: &str, rules: Rules) -> (Tag, Value) {
    if text.len() > 5 {
        return (Tag::Str, Value::Text);
    }
    match text {
        "true" | "True" | "TRUE" => (Tag::Bool, Value::Bool(true)),
        "false" | "False" | "FALSE" => (Tag::Bool, Value::Bool(false)),
        "~" | "null" | "Null" | "NULL" => (Tag::Null, Value::Null),
        _ if rules == Rules::V2 => match is_old_bool(text) {
            Some(value) => (Tag::Bool, Value::Bool(value)),
            None => (Tag::Str, Value::Text),
        },
        _ => (Tag::Str, Value::Text),
    }
}

/// The value of a boolean that only YAML 1.1 knows.
#[must_use]
pub fn is_old_bool(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

fn infinity(text: &str) -> Option<f64> {
    match text {
        ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn dotted(text: &str) -> (Tag, Value) {
    match infinity(text).or_else(|| float::parse_go(text)) {
        Some(value) => (Tag::Float, Value::Float(value)),
        None => (Tag::Str, Value::Text),
    }
}

fn number(text: &str, timestamps: bool, rules: Rules) -> (Tag, Value) {
    if let Some(value) = infinity(text) {
        return (Tag::Float, Value::Float(value));
    }
    if timestamps && let Some(time) = Timestamp::parse(text) {
        return (Tag::Timestamp, Value::Timestamp(time));
    }
    let stripped: String;
    let digits = if text.contains('_') {
        stripped = text.replace('_', "");
        &stripped
    } else {
        text
    };
    if let Some(value) = integer(digits) {
        return (Tag::Int, value);
    }
    if float::is_yaml_float(digits)
        && let Some(value) = float::parse_go(digits)
    {
        return (Tag::Float, Value::Float(value));
    }
    match signed_prefix(digits, rules) {
        Some(value) => (Tag::Int, value),
        None => (Tag::Str, Value::Text),
    }
}

/// An integer in Go's base 0 syntax: prefixes `0x`, `0o`, `0b` and a leading `0` for octal.
fn integer(text: &str) -> Option<Value> {
    let (negative, signed, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, true, &text[1..]),
        b'+' => (false, true, &text[1..]),
        _ => (false, false, text),
    };
    let bytes = unsigned.as_bytes();
    let (radix, digits) = match (bytes.first()?, bytes.get(1)) {
        (b'0', Some(b'x' | b'X')) => (16, &unsigned[2..]),
        (b'0', Some(b'o' | b'O')) => (8, &unsigned[2..]),
        (b'0', Some(b'b' | b'B')) => (2, &unsigned[2..]),
        (b'0', Some(_)) => (8, &unsigned[1..]),
        _ => (10, unsigned),
    };
    let magnitude = digits_of(digits, radix)?;
    match (i64::try_from(magnitude), negative) {
        (Ok(value), false) => Some(Value::Int(value)),
        (Ok(value), true) => Some(Value::Int(-value)),
        (Err(_), true) if magnitude == 1 << 63 => Some(Value::Int(i64::MIN)),
        (Err(_), false) if !signed => Some(Value::Uint(magnitude)),
        _ => None,
    }
}

fn digits_of(digits: &str, radix: u32) -> Option<u64> {
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// Forms with a prefix whose digits carry a sign of their own, which Go's second try accepts.
fn signed_prefix(text: &str, rules: Rules) -> Option<Value> {
    let (negative, body) = match text.strip_prefix('-') {
        Some(body) => (true, body),
        None => (false, text),
    };
    let (radix, digits) = match body.get(..2)? {
        "0b" => (2, &body[2..]),
        "0o" if rules == Rules::V3 => (8, &body[2..]),
        _ => return None,
    };
    if negative {
        return None;
    }
    i64::from_str_radix(digits, radix).ok().map(Value::Int)
}

/// Whether a string is in base 60 notation, which is quoted on the way out.
#[must_use]
pub fn is_base_60(text: &str) -> bool {
    let bytes = text.as_bytes();
    let body = match bytes.first() {
        Some(b'+' | b'-') => &bytes[1..],
        Some(b'0'..=b'9') => bytes,
        _ => return false,
    };
    if !body.first().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    let head = body
        .iter()
        .take_while(|b| b.is_ascii_digit() || **b == b'_')
        .count();
    let mut rest = &body[head..];
    let mut groups = 0;
    while let [b':', after @ ..] = rest {
        let used = match after {
            [b'0'..=b'5', b'0'..=b'9', ..] => 2,
            [b'0'..=b'9', ..] => 1,
            _ => return false,
        };
        rest = &after[used..];
        groups += 1;
    }
    groups > 0
        && match rest {
            [] => true,
            [b'.', fraction @ ..] => fraction.iter().all(|b| b.is_ascii_digit() || *b == b'_'),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_as_yaml_v3() {
        for (text, tag, value) in [
            ("", Tag::Null, Value::Null),
            ("~", Tag::Null, Value::Null),
            ("yes", Tag::Str, Value::Text),
            ("tRue", Tag::Str, Value::Text),
            ("True", Tag::Bool, Value::Bool(true)),
            ("0777", Tag::Int, Value::Int(511)),
            ("0o17", Tag::Int, Value::Int(15)),
            ("08", Tag::Float, Value::Float(8.0)),
            ("1_000", Tag::Int, Value::Int(1000)),
            ("0x1F", Tag::Int, Value::Int(31)),
            ("-0b11", Tag::Int, Value::Int(-3)),
            ("18446744073709551615", Tag::Int, Value::Uint(u64::MAX)),
            ("-9223372036854775808", Tag::Int, Value::Int(i64::MIN)),
            ("1e3", Tag::Float, Value::Float(1000.0)),
            ("1e", Tag::Str, Value::Text),
            (".5", Tag::Float, Value::Float(0.5)),
            ("1:30", Tag::Str, Value::Text),
            ("<<", Tag::Str, Value::Text),
            ("-", Tag::Str, Value::Text),
        ] {
            assert_eq!(plain(text, Rules::V3), (tag, value), "{text}");
        }
    }

    #[test]
    fn base_60_needs_a_colon_group() {
        assert!(is_base_60("1:30"));
        assert!(is_base_60("190:20:30.15"));
        assert!(!is_base_60("1:60:"));
        assert!(!is_base_60("1:99"));
        assert!(!is_base_60("12"));
    }

    #[test]
    fn tells_what_yaml_1_1_reads_as_another_type() {
        for text in ["yes", "1", "a: b", "null", "2020-01-01", "#x", "[]"] {
            assert!(is_not_string_in_1_1(text), "{text}");
        }
        for text in ["abc", "", "a\nb", "[", "'1'", "nginx:1.2"] {
            assert!(!is_not_string_in_1_1(text), "{text}");
        }
    }
}
