//! JSON whose numbers are read to the last bit, which `serde_json` does not do by default.

use serde_json::{Number, Value as Json};

/// Begins a text that stands for a number; no file of ours or yours begins one so.
const MARK: &str = "\u{0}number ";

/// Reads JSON.
///
/// # Errors
/// Those of [`serde_json`].
pub(crate) fn from_json_text(text: &str) -> Result<Json, serde_json::Error> {
    let value: Json = serde_json::from_str(text)?;
    if !has_float(&value) {
        return Ok(value);
    }
    Ok(serde_json::from_str(&marked(text)).map_or(value, unmarked))
}

fn has_float(value: &Json) -> bool {
    let mut stack = vec![value];
    while let Some(value) = stack.pop() {
        match value {
            Json::Number(number) if number.is_f64() => return true,
            Json::Array(items) => stack.extend(items),
            Json::Object(map) => stack.extend(map.values()),
            _ => {}
        }
    }
    false
}

/// The text, which is JSON, with its floats as strings.
fn marked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let length = match char {
            '"' => string_length(rest),
            '-' | '0'..='9' => {
                let part = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
                rest.find(|c| !part(c)).unwrap_or(rest.len())
            }
            other => other.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        rest = after;
        if char != '"'
            && token.contains(['.', 'e', 'E'])
            && token.len() > 1
            && token.as_bytes()[0] < b':'
        {
            out += &format!("\"\\u0000number {token}\"");
        } else {
            out += token;
        }
    }
    out
}

fn string_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// Depth is bounded by that of the reader.
fn unmarked(value: Json) -> Json {
    match value {
        Json::String(text) => match text.strip_prefix(MARK).and_then(|text| text.parse().ok()) {
            Some(float) => Number::from_f64(float).map_or(Json::Null, Json::Number),
            None => Json::String(text),
        },
        Json::Array(items) => items.into_iter().map(unmarked).collect(),
        Json::Object(map) => {
            let fields = map.into_iter().map(|(key, value)| (key, unmarked(value)));
            Json::Object(fields.collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_read_to_the_last_bit() {
        let text = r#"{"a.e": [123456789.123456789, -0.0, 1E+2, 7, "1.5 \" 2.5 é", -3]}"#;
        let value = from_json_text(text).expect("is JSON");
        let items = value["a.e"].as_array().expect("is a list");
        assert_eq!(
            items[0].as_f64().map(f64::to_bits),
            Some(123_456_789.123_456_79_f64.to_bits())
        );
        assert!(items[1].as_f64().is_some_and(f64::is_sign_negative));
        assert_eq!(items[2], Json::from(100.0));
        assert_eq!(items[3], Json::from(7));
        assert_eq!(items[4], Json::from("1.5 \" 2.5 é"));
        assert_eq!(items[5], Json::from(-3));
        assert!(from_json_text("[1.]").is_err());
    }
}
