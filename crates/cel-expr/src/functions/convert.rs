//! Conversions between types.
//!
//! Source: cel-go v0.26 `common/types/*.go`, `ConvertToType`

use super::numbers;
use crate::error::Fault;
use crate::eval::Evaluated;
use crate::time;
use crate::value::Value;

/// The value as the type of that name.
///
/// # Errors
/// It cannot be one.
pub(super) fn convert(to: &str, value: &Value) -> Evaluated {
    match value {
        Value::String(text) => from_text(to, text),
        Value::Int(number) => from_int(to, *number),
        Value::Uint(number) => match to {
            "int" => match i64::try_from(*number) {
                Ok(number) => Ok(Value::Int(number)),
                Err(_) => Err(Fault::new("integer overflow")),
            },
            "uint" => Ok(value.clone()),
            #[expect(clippy::cast_precision_loss, reason = "the conversion rounds")]
            "double" => Ok(Value::Double(*number as f64)),
            "string" => Ok(Value::text(&number.to_string())),
            _ => Err(refused(value, to)),
        },
        Value::Double(number) => from_double(to, *number),
        Value::Bool(flag) => match to {
            "bool" => Ok(value.clone()),
            "string" => Ok(Value::text(&flag.to_string())),
            _ => Err(refused(value, to)),
        },
        Value::Bytes(bytes) => match to {
            "bytes" => Ok(value.clone()),
            "string" => std::str::from_utf8(bytes)
                .map(Value::text)
                .map_err(|_| Fault::new("invalid UTF-8 in bytes, cannot convert to string")),
            _ => Err(refused(value, to)),
        },
        Value::Timestamp(nanos) => match to {
            "timestamp" => Ok(value.clone()),
            "string" => Ok(Value::text(&time::rfc3339(*nanos))),
            "int" => {
                let seconds = nanos.div_euclid(1_000_000_000);
                Ok(Value::Int(i64::try_from(seconds).unwrap_or(i64::MAX)))
            }
            _ => Err(refused(value, to)),
        },
        Value::Duration(nanos) => match to {
            "duration" => Ok(value.clone()),
            "string" => Ok(Value::text(&time::seconds(*nanos))),
            "int" => Ok(Value::Int(*nanos)),
            _ => Err(refused(value, to)),
        },
        _ => Err(refused(value, to)),
    }
}

fn refused(value: &Value, to: &str) -> Fault {
    let from = value.type_text();
    let to = match to {
        "timestamp" => "google.protobuf.Timestamp",
        "duration" => "google.protobuf.Duration",
        other => other,
    };
    Fault::new(format!("type conversion error from '{from}' to '{to}'"))
}

fn from_text(to: &str, text: &str) -> Evaluated {
    let value = match to {
        "string" => Some(Value::text(text)),
        "bytes" => Some(Value::Bytes(text.as_bytes().into())),
        "int" => text.parse().ok().map(Value::Int),
        "uint" if text.starts_with('+') => None,
        "uint" => text.parse().ok().map(Value::Uint),
        "double" => double(text).map(Value::Double),
        "bool" => match text {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(Value::Bool(true)),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(Value::Bool(false)),
            _ => None,
        },
        "duration" => time::parse_duration(text).map(Value::Duration),
        "timestamp" => match time::parse_timestamp(text) {
            Some(nanos) if !time::is_timestamp(nanos) => {
                return Err(Fault::new("timestamp overflow"));
            }
            found => found.map(Value::Timestamp),
        },
        _ => None,
    };
    value.ok_or_else(|| refused(&Value::text(text), to))
}

/// A number as Go reads it: out of range is an error, unless infinity is meant.
fn double(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    let meant = text.trim_start_matches(['+', '-']).starts_with(['i', 'I']);
    (!value.is_infinite() || meant).then_some(value)
}

fn from_int(to: &str, number: i64) -> Evaluated {
    match to {
        "int" => Ok(Value::Int(number)),
        "uint" => match u64::try_from(number) {
            Ok(number) => Ok(Value::Uint(number)),
            Err(_) => Err(Fault::new("unsigned integer overflow")),
        },
        #[expect(clippy::cast_precision_loss, reason = "the conversion rounds")]
        "double" => Ok(Value::Double(number as f64)),
        "string" => Ok(Value::text(&number.to_string())),
        "timestamp" => {
            let nanos = i128::from(number) * 1_000_000_000;
            if time::is_timestamp(nanos) {
                return Ok(Value::Timestamp(nanos));
            }
            Err(Fault::new("timestamp overflow"))
        }
        _ => Err(refused(&Value::Int(number), to)),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked, and fractions are cut"
)]
fn from_double(to: &str, number: f64) -> Evaluated {
    match to {
        "double" => Ok(Value::Double(number)),
        "string" => Ok(Value::text(&numbers::shortest(number))),
        "int" if number > -9_223_372_036_854_775_808.0 && number < 9_223_372_036_854_775_808.0 => {
            Ok(Value::Int(number as i64))
        }
        "int" => Err(Fault::new("integer overflow")),
        "uint" if (0.0..18_446_744_073_709_551_616.0).contains(&number) => {
            Ok(Value::Uint(number as u64))
        }
        "uint" => Err(Fault::new("unsigned integer overflow")),
        _ => Err(refused(&Value::Double(number), to)),
    }
}
