//! JSON text as Go's `encoding/json` writes it.

use std::fmt::Write as _;

use serde_json::Value as Json;

/// Compact JSON as Go's `json.Marshal` writes it: keys sorted, `<`, `>`, `&` and the Unicode line
/// separators escaped, floats in Go's form.
#[must_use]
pub fn to_go_json(value: &Json) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Json, out: &mut String) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(true) => out.push_str("true"),
        Json::Bool(false) => out.push_str("false"),
        Json::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => out.push_str(&go_number(float)),
            _ => {
                let _ = write!(out, "{number}");
            }
        },
        Json::String(text) => quote(text, out),
        Json::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Json::Object(map) => {
            out.push('{');
            for (at, (key, value)) in map.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                quote(key, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}

/// Exponent form below 1e-6 and from 1e21 up, without padding of the exponent.
fn go_number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{value:e}");
        return match text.split_once('e') {
            Some((mantissa, exponent)) if !exponent.starts_with('-') => {
                format!("{mantissa}e+{exponent:0>2}")
            }
            Some((mantissa, exponent)) => format!("{mantissa}e{exponent}"),
            None => text,
        };
    }
    format!("{value}")
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut clean = 0;
    for (at, char) in text.char_indices() {
        let escape = match char {
            '"' | '\\' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => true,
            other => other < ' ',
        };
        if !escape {
            continue;
        }
        out.push_str(&text[clean..at]);
        clean = at + char.len_utf8();
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            _ => {
                let _ = write!(out, "\\u{:04x}", u32::from(char));
            }
        }
    }
    out.push_str(&text[clean..]);
    out.push('"');
}

/// Bytes as text, one replacement character for every byte that is no UTF-8, as Go's JSON does.
pub(super) fn lossy(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|_| out.push('\u{FFFD}'));
    }
    out
}

/// A text in double quotes, as Go's `%q` prints it.
pub(crate) fn go_quote(text: &str) -> String {
    let mut out = String::from("\"");
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 || c == '\u{7f}' => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c if is_unseen(c) => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Whether Go finds that a character beyond ASCII cannot be printed; private and unassigned ones are left out.
fn is_unseen(char: char) -> bool {
    matches!(
        char,
        '\u{80}'..='\u{A0}' | '\u{AD}' | '\u{1680}' | '\u{2000}'..='\u{200F}' | '\u{2028}'..='\u{202F}'
            | '\u{205F}'..='\u{206F}' | '\u{3000}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
    )
}

/// A value as Go's `%#v` prints it.
pub(super) fn go_syntax(value: &Json) -> String {
    match value {
        Json::Null => "interface {}(nil)".into(),
        Json::String(text) => go_quote(text),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(go_syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Json::Object(map) => {
            let field =
                |(key, value): (&String, &Json)| format!("{}:{}", go_quote(key), go_syntax(value));
            let fields: Vec<String> = map.iter().map(field).collect();
            format!("map[string]interface {{}}{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_json_as_go_does() {
        let value = serde_json::json!({"b": "<a&\u{2028}\n\u{1}", "a": [1, 1.5, 1e21, 1e-7, null]});
        let text = "{\"a\":[1,1.5,1e+21,1e-7,null],\"b\":\"\\u003ca\\u0026\\u2028\\n\\u0001\"}";
        assert_eq!(to_go_json(&value), text);
    }
}
