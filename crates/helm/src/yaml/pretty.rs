//! From values to YAML as `toYamlPretty` prints it: by go-yaml's version 3, lists deeper than their key, no line
//! folded.
//!
//! Source: go.yaml.in/yaml v3.0 `encode.go`

use super::print::{Charge, size, too_much};
use go_template::{Object, Str, Type, Value};
use kyaml::resolve::{self, format_g, is_base_60, is_old_bool};
use kyaml::{Entry, Error, Limits, Node, Style, sort_by_key};

/// The value as `toYamlPretty` prints it, with the last line break.
///
/// # Errors
/// [`Error::Invalid`] for what has no form in YAML.
pub fn to_pretty(value: &Value, charge: Charge<'_>) -> Result<String, Error> {
    node(value, 0, charge)?.to_styled_indented(2)
}

/// How the complaint begins that Helm does not swallow.
pub(crate) const UNMARSHALABLE: &str = "cannot marshal type";

fn node(value: &Value, depth: usize, charge: Charge<'_>) -> Result<Node, Error> {
    if !charge(size(value)) {
        return Err(too_much());
    }
    if depth > Limits::DEPTH {
        return Err(Error::Limit("exceeded max depth".into()));
    }
    Ok(match value {
        Value::Nil => plain("null"),
        Value::Bool(value) => plain(&value.to_string()),
        Value::Int(_, value) => plain(&value.to_string()),
        Value::Uint(_, value) => plain(&value.to_string()),
        Value::Float(value) => plain(&float(*value)),
        Value::Str(text) => string(text),
        Value::List(list) if list.is_nil() => Node::sequence_of(Vec::new()),
        Value::List(list) => {
            let items = list.iter().map(|item| node(&item, depth + 1, charge));
            Node::sequence_of(items.collect::<Result<Vec<_>, _>>()?)
        }
        Value::Map(map) => {
            let entries = map.entries().into_iter();
            let mut entries: Vec<_> = entries
                .map(|(key, value)| (key.lossy().into_owned(), key, value))
                .collect();
            sort_by_key(&mut entries, |(text, ..)| text);
            let entries = entries.into_iter().map(|(_, key, value)| {
                let value = node(&value, depth + 1, charge)?;
                Ok(Entry {
                    key: string(&key),
                    value,
                })
            });
            Node::mapping_of_entries(entries.collect::<Result<Vec<_>, Error>>()?)
        }
        Value::Object(object) => of_object(&**object, depth, charge)?,
        other @ (Value::Complex(..) | Value::Func(_)) => {
            let ty = other.ty().unwrap_or(Type::Any);
            return Err(Error::Invalid(format!("{UNMARSHALABLE}: {ty}")));
        }
    })
}

fn of_object(object: &dyn Object, depth: usize, charge: Charge<'_>) -> Result<Node, Error> {
    if object.is_nil() {
        return Ok(plain("null"));
    }
    if let Some(text) = object.marshal() {
        let text = text.map_err(|it| Error::Invalid(it.to_string()))?;
        // A time is one in YAML, too; other texts are texts, whatever they look like.
        let time = object.ty().to_string() == "time.Time";
        return Ok(if time {
            plain(&text.lossy())
        } else {
            string(&text)
        });
    }
    let entries = object.exported().into_iter().map(|(name, value)| {
        Ok(Entry {
            key: string(&Str::from(name.to_lowercase())),
            value: node(&value, depth + 1, charge)?,
        })
    });
    Ok(Node::mapping_of_entries(
        entries.collect::<Result<Vec<_>, Error>>()?,
    ))
}

fn plain(text: &str) -> Node {
    Node::scalar_of(text)
}

fn float(value: f64) -> String {
    match value {
        f64::INFINITY => ".inf".into(),
        f64::NEG_INFINITY => "-.inf".into(),
        value if value.is_nan() => ".nan".into(),
        value => format_g(value),
    }
}

fn string(text: &Str) -> Node {
    let Some(text) = text.utf8() else {
        let mut node = Node::string(kyaml::wrapped_base64(text));
        node.set_tag_text("!!binary");
        return node;
    };
    let mut node = Node::string(text);
    let resolved = resolve::plain(text, resolve::Rules::V3).0;
    let quoted = is_old_bool(text).is_some() || is_base_60(text) || resolved != kyaml::Tag::Str;
    node.set_style(if text.contains('\n') {
        Style::LITERAL
    } else if quoted {
        Style::DOUBLE_QUOTED
    } else {
        Style::PLAIN
    });
    node
}
