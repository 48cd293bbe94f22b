//! The functions, once their arguments are known to fit.

mod convert;
mod format;
pub(crate) mod numbers;
mod strings;
mod times;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use crate::error::Fault;
use crate::eval::{Evaluated, Evaluator, negate};
use crate::value::Value;

/// What a function says of values that it does not take.
pub(crate) fn not_for(name: &str, args: &[Value]) -> Fault {
    match args.first() {
        Some(Value::String(_) | Value::Timestamp(_) | Value::Duration(_)) => {
            Fault::no_such_overload()
        }
        None => Fault::new(format!("no such overload: {name}()")),
        Some(_) => Fault::new(format!("no such overload: {name}")),
    }
}

/// Calls a function that is declared. Its budget for reading the arguments is spent already.
pub(crate) fn call(evaluator: &mut Evaluator<'_>, name: &str, args: &[Value]) -> Evaluated {
    match (name, args) {
        ("!_", [value]) => match value {
            Value::Bool(value) => Ok(Value::Bool(!value)),
            _ => Err(Fault::no_such_overload()),
        },
        ("-_", [value]) => negate(value),
        (_, [a, b]) if name.starts_with(['_', '@']) => evaluator.operate(name, a, b),
        ("size", [value]) => size(value),
        ("type", [value]) => Ok(Value::Type(value.type_name().into())),
        ("dyn", [value]) => Ok(value.clone()),
        ("matches", [text, pattern]) => matches(evaluator, text, pattern),
        ("contains" | "startsWith" | "endsWith", [text, part]) => match (text, part) {
            (Value::String(text), Value::String(part)) => Ok(Value::Bool(match name {
                "contains" => text.contains(&**part),
                "startsWith" => text.starts_with(&**part),
                _ => text.ends_with(&**part),
            })),
            _ => Err(Fault::no_such_overload()),
        },
        ("first" | "last", [Value::List(items)]) => {
            let item = if name == "first" {
                items.first()
            } else {
                items.last()
            };
            Ok(item.map_or(Value::NONE, |item| Value::some(item.clone())))
        }
        ("base64.encode", [Value::Bytes(bytes)]) => Ok(Value::text(&STANDARD.encode(bytes))),
        ("base64.decode", [Value::String(text)]) => decode(text),
        _ if name.starts_with("sets.") => sets(evaluator, name, args),
        _ if name.starts_with("optional.") => optional(name, args),
        ("value" | "hasValue" | "unwrapOpt", _) => optional(name, args),
        _ if name.starts_with("get") => times::get(name, args),
        ("format", [Value::String(text), Value::List(args)]) => {
            format::format(evaluator, text, args)
        }
        (
            "bool" | "bytes" | "double" | "duration" | "int" | "string" | "timestamp" | "uint",
            [value],
        ) => convert::convert(name, value),
        _ => strings::call(evaluator, name, args),
    }
}

fn size(value: &Value) -> Evaluated {
    let size = match value {
        Value::String(text) => text.chars().count(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(items) => items.len(),
        Value::Map(entries) => entries.len(),
        other => return Err(not_for("size", std::slice::from_ref(other))),
    };
    Ok(Value::Int(i64::try_from(size).unwrap_or(i64::MAX)))
}

fn matches(evaluator: &mut Evaluator<'_>, text: &Value, pattern: &Value) -> Evaluated {
    let Value::String(text) = text else {
        return Err(Fault::no_such_overload());
    };
    let Value::String(pattern) = pattern else {
        return Err(Fault::no_such_overload());
    };
    evaluator.spend((text.len() / 8 + 1) * (pattern.len() / 4 + 1))?;
    let regex = evaluator.pattern(pattern)?;
    Ok(Value::Bool(regex.is_match(text.as_bytes())))
}

fn decode(text: &str) -> Evaluated {
    // Line breaks may stand anywhere, and the padding may be missing.
    let text: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    let decoded = STANDARD
        .decode(&text)
        .or_else(|_| STANDARD_NO_PAD.decode(&text));
    let bytes = decoded.map_err(|_| {
        let alphabet = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
        let at = text.chars().take_while(alphabet).count();
        Fault::new(format!("illegal base64 data at input byte {at}"))
    })?;
    Ok(Value::Bytes(bytes.into()))
}

fn sets(evaluator: &mut Evaluator<'_>, name: &str, args: &[Value]) -> Evaluated {
    let [a @ Value::List(left), b @ Value::List(right)] = args else {
        return Err(not_for(name, args));
    };
    let mut all = |items: &[Value], within: &Value| -> Result<bool, Fault> {
        for item in items {
            if !evaluator.contains(within, item)? {
                return Ok(false);
            }
        }
        Ok(true)
    };
    let verdict = match name {
        "sets.contains" => all(right, a)?,
        "sets.equivalent" => all(right, a)? && all(left, b)?,
        _ => {
            for item in left.iter() {
                if evaluator.contains(b, item)? {
                    return Ok(Value::Bool(true));
                }
            }
            false
        }
    };
    Ok(Value::Bool(verdict))
}

fn optional(name: &str, args: &[Value]) -> Evaluated {
    match (name, args) {
        ("optional.none", []) => Ok(Value::NONE),
        ("optional.of", [value]) => Ok(Value::some(value.clone())),
        ("optional.ofNonZeroValue", [value]) => Ok(if is_zero(value) {
            Value::NONE
        } else {
            Value::some(value.clone())
        }),
        ("value", [Value::Optional(Some(value))]) => Ok((**value).clone()),
        ("value", [Value::Optional(None)]) => Err(Fault::new("optional.none() dereference")),
        ("hasValue", [Value::Optional(value)]) => Ok(Value::Bool(value.is_some())),
        ("optional.unwrap" | "unwrapOpt", [Value::List(items)]) => {
            let mut values = Vec::new();
            for item in items.iter() {
                match item {
                    Value::Optional(value) => values.extend(value.as_deref().cloned()),
                    other => {
                        let shown = other.shown();
                        return Err(Fault::new(format!("value {shown} is not optional")));
                    }
                }
            }
            Ok(Value::list(values))
        }
        _ => Err(not_for(name, args)),
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) | Value::Int(0) | Value::Uint(0) | Value::Duration(0) => {
            true
        }
        Value::Double(value) => *value == 0.0,
        Value::String(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        Value::Optional(value) => value.is_none(),
        _ => false,
    }
}
