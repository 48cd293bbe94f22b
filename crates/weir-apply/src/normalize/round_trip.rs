//! JSON into a Go type and back, in one walk.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::quantity;
use super::table::{Field, Omit, Table, Type};
use super::time;

/// No type of a built-in kind nests as deep.
const MAX_DEPTH: usize = 64;

/// The value does not fit the type.
struct Mismatch;

/// What Go prints after reading `object` into the type of its kind, with the fields that the type has not, and JSON
/// pointers to these. None for a kind that is not built in and for an object that the type cannot hold.
pub(crate) fn round_trip(
    object: &Value,
    api_version: &str,
    kind: &str,
) -> Option<(Map<String, Value>, Vec<String>)> {
    let table = Table::get();
    let root = table.kind(api_version, kind)?;
    let mut walk = Walk {
        table,
        depth: 0,
        place: String::new(),
        unknown: Vec::new(),
    };
    match walk.value(&root, object) {
        Ok(Value::Object(fields)) => Some((fields, walk.unknown)),
        _ => None,
    }
}

struct Walk {
    table: &'static Table,
    depth: usize,
    /// A JSON pointer to the value that is looked at.
    place: String,
    unknown: Vec<String>,
}

impl Walk {
    fn value(&mut self, kind: &Type, value: &Value) -> Result<Value, Mismatch> {
        if value.is_null() {
            return Ok(self.zero(kind));
        }
        match kind {
            Type::Text => fits(value, value.is_string()),
            Type::Bool => fits(value, value.is_boolean()),
            Type::Int32 => integer(value, |n| i32::try_from(n).is_ok()),
            Type::Int64 => integer(value, |_| true),
            Type::Float => fits(value, value.is_number()),
            Type::Bytes => bytes(value),
            Type::Quantity => quantity::of(value).map(Value::String).ok_or(Mismatch),
            Type::IntOrString if value.is_string() => Ok(value.clone()),
            Type::IntOrString => integer(value, |n| i32::try_from(n).is_ok()),
            Type::Time => text(value, time::seconds),
            Type::MicroTime => text(value, time::micros),
            Type::Raw | Type::Any => Ok(value.clone()),
            Type::Pointer(inner) => self.value(inner, value),
            Type::List(_) | Type::Map(_) | Type::Struct(_) => self.nested(kind, value),
        }
    }

    fn below(&mut self, key: &str, kind: &Type, value: &Value) -> Result<Value, Mismatch> {
        let length = self.place.len();
        append(&mut self.place, key);
        let result = self.value(kind, value);
        self.place.truncate(length);
        result
    }

    fn nested(&mut self, kind: &Type, value: &Value) -> Result<Value, Mismatch> {
        if self.depth == MAX_DEPTH {
            return Err(Mismatch);
        }
        self.depth += 1;
        let result = match (kind, value) {
            (Type::List(item), Value::Array(items)) => {
                let items = items.iter().enumerate();
                let items = items.map(|(at, value)| self.below(&at.to_string(), item, value));
                items.collect::<Result<_, _>>().map(Value::Array)
            }
            (Type::Map(item), Value::Object(entries)) => {
                let convert = |(key, value): (&String, &Value)| {
                    Ok((key.clone(), self.below(key, item, value)?))
                };
                entries
                    .iter()
                    .map(convert)
                    .collect::<Result<_, _>>()
                    .map(Value::Object)
            }
            (Type::Struct(number), Value::Object(given)) => self.fields(*number, Some(given)),
            _ => Err(Mismatch),
        };
        self.depth -= 1;
        result
    }

    fn fields(
        &mut self,
        number: usize,
        given: Option<&Map<String, Value>>,
    ) -> Result<Value, Mismatch> {
        let mut printed = Map::new();
        let table = self.table;
        for (key, value) in given.into_iter().flatten() {
            if !table.fields(number).iter().any(|field| field.name == key) {
                printed.insert(key.clone(), value.clone());
                let mut pointer = self.place.clone();
                append(&mut pointer, key);
                self.unknown.push(pointer);
            }
        }
        for field in table.fields(number) {
            let value = match given.and_then(|given| given.get(field.name)) {
                Some(value) => self.below(field.name, &field.kind, value)?,
                None if field.omit == Omit::Empty && !prints_when_empty(&field.kind) => continue,
                None => self.zero(&field.kind),
            };
            if !is_omitted(field, &value) {
                printed.insert(field.name.to_owned(), value);
            }
        }
        Ok(Value::Object(printed))
    }

    /// What Go prints for a value that was never set.
    fn zero(&mut self, kind: &Type) -> Value {
        match kind {
            Type::Text => Value::String(String::new()),
            Type::Bool => Value::Bool(false),
            Type::Int32 | Type::Int64 | Type::Float | Type::IntOrString => Value::from(0),
            Type::Quantity => Value::String("0".to_owned()),
            Type::Struct(number) => self.fields(*number, None).unwrap_or(Value::Null),
            _ => Value::Null,
        }
    }
}

/// Appends a key to a JSON pointer.
fn append(pointer: &mut String, key: &str) {
    pointer.push('/');
    for letter in key.chars() {
        match letter {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            letter => pointer.push(letter),
        }
    }
}

fn fits(value: &Value, does: bool) -> Result<Value, Mismatch> {
    if does {
        Ok(value.clone())
    } else {
        Err(Mismatch)
    }
}

/// A whole number, also one that is written as `1.0`.
fn integer(value: &Value, in_range: fn(i64) -> bool) -> Result<Value, Mismatch> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole and far below the largest integer"
    )]
    let whole = |n: f64| (n.fract() == 0.0 && n.abs() < 9e15).then_some(n as i64);
    let number = value.as_i64().or_else(|| value.as_f64().and_then(whole));
    match number {
        Some(number) if in_range(number) => Ok(Value::from(number)),
        _ => Err(Mismatch),
    }
}

fn bytes(value: &Value) -> Result<Value, Mismatch> {
    let text = value.as_str().ok_or(Mismatch)?;
    let joined: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let decoded = STANDARD.decode(joined).map_err(|_| Mismatch)?;
    Ok(Value::String(STANDARD.encode(decoded)))
}

fn text(value: &Value, convert: fn(&str) -> Option<String>) -> Result<Value, Mismatch> {
    let converted = value.as_str().and_then(convert).ok_or(Mismatch)?;
    Ok(Value::String(converted))
}

/// Types that Go prints although they are empty and marked `omitempty`: everything that is a struct to Go.
fn prints_when_empty(kind: &Type) -> bool {
    matches!(
        kind,
        Type::Struct(_)
            | Type::Quantity
            | Type::IntOrString
            | Type::Time
            | Type::MicroTime
            | Type::Raw
    )
}

fn is_omitted(field: &Field, value: &Value) -> bool {
    match field.omit {
        Omit::Never => false,
        Omit::Zero => value.is_null(),
        Omit::Empty => match (&field.kind, value) {
            (kind, _) if prints_when_empty(kind) => false,
            (_, Value::Null) => true,
            // What a pointer points to is printed even if it is empty.
            (Type::Pointer(_) | Type::Any, _) => false,
            (_, Value::String(text)) => text.is_empty(),
            (_, Value::Bool(value)) => !value,
            (_, Value::Number(number)) => number.as_f64() == Some(0.0),
            (_, Value::Array(items)) => items.is_empty(),
            (_, Value::Object(fields)) => fields.is_empty(),
        },
    }
}
