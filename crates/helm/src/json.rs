//! JSON as values: parsed already, or where it is followed by something else.

use go_template::Value;
use serde_json::Value as Json;

use crate::functions::json::decode;

/// Parsed JSON as a value: whole numbers as integers, as they stand there, unlike those of YAML.
pub fn value_of(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match number.as_i64() {
            Some(value) => Value::int64(value),
            None => Value::Float(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => Value::str(text.as_str()),
        Json::Array(items) => Value::list(items.iter().map(value_of).collect()),
        Json::Object(map) => Value::map(
            map.iter()
                .map(|(key, value)| (key.as_str(), value_of(value))),
        ),
    }
}

/// Reads a whole text.
///
/// # Errors
/// Go's words on what is no JSON, and on what does not fit.
pub(crate) fn read(text: &[u8]) -> Result<Value, String> {
    match decode(text)? {
        (value, None) => Ok(value),
        (_, Some(unfit)) => Err(unfit),
    }
}

/// Reads the first value of a text, and tells how many bytes it takes.
///
/// # Errors
/// As [`read`]; one that does not end is an `unexpected EOF`.
pub(crate) fn read_prefix(text: &[u8]) -> Result<(Value, usize), String> {
    let end = end(text);
    let value = read(&text[..end]).map_err(|error| match error.as_str() {
        "unexpected end of JSON input" => String::from("unexpected EOF"),
        // Go looks one blank beyond the end.
        text if text.starts_with("invalid character ' '") => String::from("unexpected EOF"),
        _ => error,
    })?;
    Ok((value, end))
}

/// Where the first value of a text ends, as far as brackets and quotes tell.
fn end(text: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = text
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count();
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at = string_end(text, at);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ if depth == 0 => return word_end(text, at),
            _ => {}
        }
        at += 1;
    }
    text.len()
}

fn string_end(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

/// Where a number or a literal ends.
fn word_end(text: &[u8], start: usize) -> usize {
    let rest = &text[start..];
    for literal in ["true", "false", "null"] {
        if rest.starts_with(literal.as_bytes()) {
            return start + literal.len();
        }
    }
    let digits = |at: usize| {
        rest[at..]
            .iter()
            .take_while(|it| it.is_ascii_digit())
            .count()
    };
    let mut number = usize::from(rest.starts_with(b"-"));
    // No digit follows a zero.
    number += if rest.get(number) == Some(&b'0') {
        1
    } else {
        digits(number)
    };
    if rest.get(number) == Some(&b'.') {
        number += 1 + digits(number + 1);
    }
    if matches!(rest.get(number), Some(b'e' | b'E')) {
        number += 1;
        number += usize::from(matches!(rest.get(number), Some(b'-' | b'+')));
        number += digits(number);
    }
    // What is neither is refused whole.
    start + if number == 0 { rest.len() } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_is_read_and_measured() {
        for (text, length) in [
            (r#"{"a":[1,"}"]},b=1"#, 13),
            (r#" "x,\"y",b"#, 8),
            ("1,b=2", 1),
            ("trueish", 4),
        ] {
            let (_, end) = read_prefix(text.as_bytes()).expect(text);
            assert_eq!(end, length, "{text}");
        }
        assert_eq!(read_prefix(b"[1").unwrap_err(), "unexpected EOF");
        assert!(
            read_prefix(b"x")
                .unwrap_err()
                .starts_with("invalid character 'x'")
        );
    }
}
