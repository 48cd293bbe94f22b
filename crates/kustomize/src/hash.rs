//! The suffix that generated names get: a short text of the content's digest.

use std::fmt::Write as _;

use kyaml::{Kind, Node, Style};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::json_text;

/// The suffix of a config map, secret, or anything else.
///
/// # Errors
/// The content is no JSON.
pub(crate) fn suffix(node: &Node) -> Result<String, Error> {
    let text = encoded(node)?;
    let digest = Sha256::digest(text.as_bytes());
    let hex = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    // Vowels and look-alikes become consonants, so that no words come out.
    let letter = |nibble: u8| match nibble {
        0 => 'g',
        1 => 'h',
        3 => 'k',
        10 => 'm',
        14 => 't',
        nibble => char::from_digit(u32::from(nibble), 16).unwrap_or('g'),
    };
    Ok(hex.take(10).map(letter).collect())
}

/// The text that is digested.
///
/// # Errors
/// As [`suffix`].
pub(crate) fn encoded(node: &Node) -> Result<String, Error> {
    let kind = node.object_kind();
    let (fields, optional): (&[&str], _) = match kind {
        "ConfigMap" => (&["data"], "binaryData"),
        "Secret" => (&["data", "type"], "stringData"),
        _ => {
            let mut out = String::new();
            print_tree(&mut out, node);
            return Ok(out);
        }
    };
    let mut object = Map::new();
    object.insert("kind".to_owned(), Value::from(kind));
    // The original looks for a field that is called `metadata/name`; there is none.
    object.insert("name".to_owned(), Value::from(""));
    for field in fields {
        object.insert((*field).to_owned(), value(node, field)?);
    }
    let more = value(node, optional)?;
    if !more.is_string() {
        object.insert(optional.to_owned(), more);
    }
    Ok(json_text::compact(&Value::Object(object)))
}

/// The tree itself, as the original prints it for kinds that it does not know. Depth is bounded by that
/// of what was read.
fn print_tree(out: &mut String, node: &Node) {
    const STYLES: [(Style, u64); 6] = [
        (Style::TAGGED, 1),
        (Style::DOUBLE_QUOTED, 2),
        (Style::SINGLE_QUOTED, 4),
        (Style::LITERAL, 8),
        (Style::FOLDED, 16),
        (Style::FLOW, 32),
    ];
    let kind = match node.kind() {
        Kind::Sequence => 2,
        Kind::Mapping => 4,
        Kind::Scalar => 8,
        Kind::Alias => 16,
    };
    let styles = STYLES.iter().filter(|(style, _)| node.style().has(*style));
    let style: u64 = styles.map(|(_, bit)| bit).sum();
    let _ = write!(out, "{{\"Kind\":{kind},\"Style\":{style}");
    for (name, text) in [
        ("Tag", node.tag_text()),
        ("Value", node.text()),
        ("Anchor", node.anchor().unwrap_or_default()),
    ] {
        let _ = write!(out, ",\"{name}\":");
        json_text::string(out, text);
    }
    out.push_str(",\"Alias\":null,\"Content\":");
    let entries = node.entries().iter();
    let fields = entries.flat_map(|entry| [&entry.key, &entry.value]);
    let mut before = '[';
    for child in fields.chain(node.items()) {
        out.push(before);
        print_tree(out, child);
        before = ',';
    }
    out.push_str(if before == '[' { "null" } else { "]" });
    let comments = node.comments();
    for (name, text) in [
        ("HeadComment", &comments.head),
        ("LineComment", &comments.line),
        ("FootComment", &comments.foot),
    ] {
        let _ = write!(out, ",\"{name}\":");
        json_text::string(out, text);
    }
    let _ = write!(
        out,
        ",\"Line\":{},\"Column\":{}}}",
        node.line(),
        node.column()
    );
}

fn value(node: &Node, field: &str) -> Result<Value, Error> {
    let Some(node) = node.get(field) else {
        return Ok(Value::from(""));
    };
    if node.kind() == Kind::Scalar {
        return Ok(Value::from(node.text()));
    }
    Ok(match node.to_json()? {
        object @ Value::Object(_) => floats(object),
        _ => Value::Null,
    })
}

/// The value with all numbers as 64 bit floats, as the original reads them back.
fn floats(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) => Value::from(float),
            None => Value::Number(number),
        },
        Value::Array(items) => items.into_iter().map(floats).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter();
            Value::Object(fields.map(|(key, value)| (key, floats(value))).collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_data_but_not_the_name() {
        let node = |text| kyaml::parse(text).expect("parses").expect("is there").root;
        assert_eq!(
            encoded(&node(
                "kind: ConfigMap\nmetadata: {name: x}\ndata: {b: '1', a: <}\n"
            ))
            .as_deref(),
            Ok(r#"{"data":{"a":"\u003c","b":"1"},"kind":"ConfigMap","name":""}"#)
        );
        let numbers = "kind: Secret\ndata: {a: [-9223372036854775808, 7, 1e21]}\n";
        assert_eq!(
            encoded(&node(numbers)).as_deref(),
            Ok(
                r#"{"data":{"a":[-9223372036854776000,7,1e+21]},"kind":"Secret","name":"","type":""}"#
            )
        );
        assert_eq!(
            suffix(&node("kind: ConfigMap\n")).as_deref(),
            Ok("6ct58987ht")
        );
    }
}
