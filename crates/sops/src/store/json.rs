//! JSON objects, their order and duplicates kept.
//!
//! Source: sops v3.13 `stores/json/store.go`; Go 1.26 `encoding/json`.

use std::fmt::Write as _;

use super::json_text::Reader;
use crate::tree::{Branch, Item, Key, Value};

/// Reads the object that a text begins with; what follows it is not looked at.
pub(crate) fn read(bytes: &[u8]) -> Result<Branch, String> {
    let mut reader = Reader::new(bytes);
    let failed = |why: String| format!("Could not unmarshal input data: {why}");
    match reader.value().map_err(failed)? {
        Value::Branch(branch) => Ok(branch),
        Value::List(_) => Err(failed("SOPS only supports JSON files with a top-level object (starting with '{'), not arrays or other types. Got delimiter [ instead. To encrypt this file, wrap it in an object, e.g., {\"data\": [...]}".to_owned())),
        other => Err(failed(format!("SOPS only supports JSON files with a top-level object (starting with '{{'), not other JSON types. Got a value of type {} instead", other.type_name()))),
    }
}

pub(crate) fn write(branch: &Branch) -> Result<Vec<u8>, String> {
    let mut out = String::new();
    object(branch, 0, &mut out).map_err(|why| format!("Error marshaling to json: {why}"))?;
    out.push('\n');
    Ok(out.into_bytes())
}

/// The depth is bounded by that of the read.
fn value(value: &Value, depth: usize, out: &mut String) -> Result<(), String> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Int(number) => {
            let _ = write!(out, "{number}");
        }
        Value::Float(number) => float(*number, out)?,
        Value::Time(text) => quote(text.as_bytes(), out),
        Value::Text(text) => quote(text, out),
        Value::List(items) => list(items, depth, out)?,
        Value::Branch(branch) => object(branch, depth, out)?,
        Value::Comment(_) | Value::Foreign(_) => {
            return Err(format!("json: unsupported type: {}", value.type_name()));
        }
    }
    Ok(())
}

fn list(items: &[Value], depth: usize, out: &mut String) -> Result<(), String> {
    out.push('[');
    let mut written = false;
    for item in items {
        if matches!(item, Value::Comment(_)) {
            continue;
        }
        next(written, depth + 1, out);
        written = true;
        value(item, depth + 1, out)?;
    }
    end(written, depth, out);
    out.push(']');
    Ok(())
}

fn object(branch: &[Item], depth: usize, out: &mut String) -> Result<(), String> {
    out.push('{');
    let mut written = false;
    for item in branch {
        let key = match &item.key {
            Key::Comment(_) => continue,
            Key::Text(key) | Key::Other(_, key) => key,
        };
        next(written, depth + 1, out);
        written = true;
        quote(key.as_bytes(), out);
        out.push_str(": ");
        value(&item.value, depth + 1, out)?;
    }
    end(written, depth, out);
    out.push('}');
    Ok(())
}

fn next(written: bool, depth: usize, out: &mut String) {
    if written {
        out.push(',');
    }
    end(true, depth, out);
}

fn end(written: bool, depth: usize, out: &mut String) {
    if written {
        out.push('\n');
        out.extend(std::iter::repeat_n('\t', depth));
    }
}

fn float(number: f64, out: &mut String) -> Result<(), String> {
    if !number.is_finite() {
        return Err("json: unsupported value".to_owned());
    }
    let size = number.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        let _ = write!(out, "{number}");
        return Ok(());
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) if !exponent.starts_with('-') => {
            let _ = write!(out, "{mantissa}e+{exponent}");
        }
        _ => out.push_str(&text),
    }
    Ok(())
}

/// Writes a string as Go does: `<`, `>`, `&` and Unicode's line separators escaped, bytes that are no UTF-8
/// replaced one by one.
fn quote(bytes: &[u8], out: &mut String) {
    out.push('"');
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            escaped(char, out);
        }
        out.extend(std::iter::repeat_n("\\ufffd", chunk.invalid().len()));
    }
    out.push('"');
}

fn escaped(char: char, out: &mut String) {
    match char {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
            let _ = write!(out, "\\u{:04x}", u32::from(char));
        }
        other => out.push(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let branch = read(text.as_bytes()).expect("reads");
        assert_eq!(
            String::from_utf8(write(&branch).expect("writes")).expect("text"),
            expect
        );
    }

    #[test]
    fn objects_come_back_indented() {
        check(
            r#"{"b":[1,{"x":null},[]],"a":{},"s":"<é\u2028\/\ud83d\ude00"} rest"#,
            "{\n\t\"b\": [\n\t\t1,\n\t\t{\n\t\t\t\"x\": null\n\t\t},\n\t\t[]\n\t],\n\t\"a\": {},\n\t\"s\": \"\\u003cé\\u2028/😀\"\n}\n",
        );
    }

    #[test]
    fn numbers_are_gos() {
        check(
            r#"{"a":1.0,"b":1e21,"c":1e-7,"d":9223372036854775808,"e":-0.0,"f":12345678901}"#,
            "{\n\t\"a\": 1,\n\t\"b\": 1e+21,\n\t\"c\": 1e-7,\n\t\"d\": 9223372036854776000,\n\t\"e\": -0,\n\t\"f\": 12345678901\n}\n",
        );
    }

    #[test]
    fn only_objects_are_files() {
        for text in ["[]", "1", "", "{", "{\"a\"", "{\"a\":}", "nul"] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
        let deep = "{\"a\":".repeat(100_000);
        assert!(read(deep.as_bytes()).is_err());
    }
}
