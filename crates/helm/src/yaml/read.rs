//! From YAML to values.

use go_template::{Map, Str, Type, Value};
use kyaml::Text;
use kyaml::v2::{self, Build};

use super::{Error, LIMITS};

/// Builds values.
struct Values {
    /// Integers stay integers, where values have only floats.
    exact: bool,
}

impl Build for Values {
    type Value = Value;

    fn null(&mut self) -> Value {
        Value::Nil
    }

    fn bool(&mut self, value: bool) -> Value {
        Value::Bool(value)
    }

    #[expect(clippy::cast_precision_loss, reason = "as JSON numbers become floats")]
    fn int(&mut self, value: i64) -> Value {
        if self.exact {
            return Value::int64(value);
        }
        Value::Float(value as f64)
    }

    #[expect(clippy::cast_precision_loss, reason = "as JSON numbers become floats")]
    fn uint(&mut self, value: u64) -> Value {
        if self.exact {
            return Value::Uint(go_template::UintKind::Uint64, value);
        }
        Value::Float(value as f64)
    }

    fn float(&mut self, value: f64) -> Value {
        Value::Float(value)
    }

    fn text(&mut self, value: &str) -> Value {
        Value::Str(value.into())
    }

    fn list(&mut self, items: Vec<Value>) -> Value {
        Value::list(items)
    }

    fn map(&mut self, entries: Vec<(Text, Value)>) -> Value {
        Value::map(
            entries
                .into_iter()
                .map(|(key, value)| (Str::from(key.as_str()), value)),
        )
    }
}

/// Reads the first document of a text. All numbers are floats.
///
/// # Errors
/// [`Error::Convert`].
pub fn read(text: &[u8]) -> Result<Value, Error> {
    v2::read(text, &LIMITS, &mut Values { exact: false }).map_err(Error::Convert)
}

/// As [`read`]; integers stay integers.
///
/// # Errors
/// [`Error::Convert`].
pub fn read_exact(text: &[u8]) -> Result<Value, Error> {
    v2::read(text, &LIMITS, &mut Values { exact: true }).map_err(Error::Convert)
}

/// Reads JSON. All numbers are floats.
///
/// # Errors
/// Go's words on what is no JSON.
pub fn read_json(text: &[u8]) -> Result<Value, String> {
    crate::json::read(text)
}

/// Reads a map; null is an empty one.
///
/// # Errors
/// [`Error::Convert`], and [`Error::Decode`] if it is none.
pub fn read_map(text: &[u8]) -> Result<Map, Error> {
    let map = Map::new(&Type::MAP);
    read_map_into(text, &map)?;
    Ok(map)
}

/// Reads a map and puts its entries into another one.
///
/// # Errors
/// As [`read_map`].
pub fn read_map_into(text: &[u8], map: &Map) -> Result<(), Error> {
    match read(text)? {
        Value::Nil => Ok(()),
        Value::Map(read) => {
            map.extend(read.entries());
            Ok(())
        }
        other => Err(mismatch(&other, "map[string]interface {}")),
    }
}

/// Reads a list; `None` for null.
///
/// # Errors
/// [`Error::Convert`], and [`Error::Decode`] if it is none.
pub fn read_list(text: &[u8]) -> Result<Option<Vec<Value>>, Error> {
    match read(text)? {
        Value::Nil => Ok(None),
        Value::List(list) => Ok(Some(list.iter().collect())),
        other => Err(mismatch(&other, "[]interface {}")),
    }
}

/// What JSON calls the kind of a value.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::Str(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ => "number",
    }
}

/// The error of a value that does not fit a Go type.
pub(super) fn mismatch(value: &Value, ty: &str) -> Error {
    let kind = kind(value);
    Error::Decode(format!(
        "json: cannot unmarshal {kind} into Go value of type {ty}"
    ))
}

/// A text as values hold it.
pub(super) fn lossy(text: &Str) -> String {
    match text.utf8() {
        Some(text) => text.to_owned(),
        None => {
            let mut out = String::with_capacity(text.len());
            for chunk in text.utf8_chunks() {
                out.push_str(chunk.valid());
                // One replacement for every broken byte, as Go's JSON does.
                chunk.invalid().iter().for_each(|_| out.push('\u{FFFD}'));
            }
            out
        }
    }
}
