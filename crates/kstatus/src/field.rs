//! Reading fields of any object; one of another type counts as absent.

use serde_json::Value;

/// One entry of `status.conditions`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Condition<'a> {
    pub(crate) kind: &'a str,
    pub(crate) status: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) message: &'a str,
}

/// The conditions, in their order.
///
/// # Errors
/// Go's words for what are no conditions.
pub(crate) fn conditions(object: &Value) -> Result<Vec<Condition<'_>>, String> {
    let list = match object.get("status") {
        None | Some(Value::Null) => None,
        Some(Value::Object(status)) => status.get("conditions"),
        Some(other) => return Err(no_struct(other)),
    };
    match list {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(Condition::of).collect(),
        Some(other) => Err(format!("cannot restore slice from {}", kind(other))),
    }
}

impl<'a> Condition<'a> {
    fn of(value: &'a Value) -> Result<Self, String> {
        let fields = match value {
            Value::Null => None,
            Value::Object(fields) => Some(fields),
            other => return Err(no_struct(other)),
        };
        let text = |name: &str| match fields.and_then(|fields| fields.get(name)) {
            None | Some(Value::Null) => Ok(""),
            Some(Value::String(text)) => Ok(text.as_str()),
            Some(number) if number.is_i64() => Err("cannot convert int64 to string".to_owned()),
            Some(_) => Err("unrecognized type: string".to_owned()),
        };
        Ok(Self {
            kind: text("type")?,
            status: text("status")?,
            reason: text("reason")?,
            message: text("message")?,
        })
    }
}

fn no_struct(value: &Value) -> String {
    format!("cannot restore struct from: {}", kind(value))
}

/// What Go calls the kind of a value.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nil",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_i64() => "int64",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
    }
}

/// The value at `parent.field`; `None` if there is none.
///
/// # Errors
/// If the parent is something else than a map.
pub(crate) fn nested<'a>(
    object: &'a Value,
    parent: &str,
    field: &str,
) -> Result<Option<&'a Value>, String> {
    match object.get(parent) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => Ok(map.get(field)),
        Some(other) => Err(mistyped(parent, field, other, "map[string]interface{}")),
    }
}

/// What Go says of a value of another type than expected.
pub(crate) fn mistyped(parent: &str, field: &str, value: &Value, expected: &str) -> String {
    let type_ = match value {
        Value::Null => "<nil>",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
        scalar => kind(scalar),
    };
    let mut shown = String::new();
    show(value, &mut shown);
    format!(".{parent}.{field} accessor error: {shown} is of the type {type_}, expected {expected}")
}

/// The most that is shown of a value.
const SHOWN: usize = 200;

/// Prints a value as Go's `%v` does.
fn show(value: &Value, out: &mut String) {
    if out.len() > SHOWN {
        return;
    }
    match value {
        Value::Null => out.push_str("<nil>"),
        Value::String(text) => out.extend(text.chars().take(SHOWN)),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { " " } else { "" });
                show(item, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push_str("map[");
            for (index, (name, value)) in fields.iter().enumerate() {
                out.push_str(if index > 0 { " " } else { "" });
                out.push_str(name);
                out.push(':');
                show(value, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// The text at `pointer`.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer).and_then(Value::as_str)
}

/// The whole number at `pointer`.
pub(crate) fn integer(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer).and_then(Value::as_i64)
}
