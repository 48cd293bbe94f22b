//! The `toJson` and `fromJson` families.
//!
//! Source: Helm v4.2.4 `pkg/engine/funcs.go`, sprig v3.3.0 `defaults.go`

mod decode;
mod encode;

use go_template::{Call, Failure, Functions, List, Map, Origin, Signature, Str, Type, Value};

use super::given;
pub(crate) use decode::decode;
pub(crate) use encode::{Form, encode};

const TEXT: Signature = Signature::new(&[Type::Any], &Type::String);

pub(super) fn register(functions: &mut Functions) {
    // `toRawJson` panics with what others swallow.
    for (name, form, swallows) in [
        ("toJson", Form::HTML, true),
        ("mustToJson", Form::HTML, false),
        ("toPrettyJson", Form::PRETTY, true),
        ("mustToPrettyJson", Form::PRETTY, false),
        ("toRawJson", Form::RAW, false),
        ("mustToRawJson", Form::RAW, false),
    ] {
        functions.add(name, TEXT, move |call, args| {
            match encode(&args[0], form, call.budget()) {
                Ok(text) => Ok(Value::Str(Str::from(text))),
                Err(failure) if swallows && failure.origin() != Origin::Budget => {
                    Ok(Value::str(""))
                }
                Err(failure) => Err(failure),
            }
        });
    }
    let signature = Signature::new(&[Type::String], &Type::MAP);
    functions.add("fromJson", signature, |call, args| {
        let (value, error) = read(call, args)?;
        let map = match (value, error) {
            (Some(Value::Map(map)), None) => return Ok(Value::Map(map)),
            (Some(Value::Nil), None) => return Ok(Value::Map(Map::nil(&Type::MAP))),
            (Some(Value::Map(map)), Some(error)) => {
                map.insert("Error".into(), Value::from(error));
                map
            }
            (Some(other), _) => error_map(mismatch(&other, &Type::MAP)),
            (None, error) => error_map(error.unwrap_or_default()),
        };
        Ok(Value::Map(map))
    });
    let signature = Signature::new(&[Type::String], &Type::LIST);
    functions.add("fromJsonArray", signature, |call, args| {
        let (value, error) = read(call, args)?;
        let error = match (value, error) {
            (Some(Value::List(list)), None) => return Ok(Value::List(list)),
            (Some(Value::Nil), None) => return Ok(Value::List(List::nil(&Type::LIST))),
            (Some(Value::List(_)) | None, error) => error.unwrap_or_default(),
            (Some(other), _) => mismatch(&other, &Type::LIST),
        };
        Ok(Value::list(vec![Value::from(error)]))
    });
    let signature = Signature::new(&[Type::String], &Type::Any);
    functions.add("mustFromJson", signature, |call, args| {
        match read(call, args)? {
            (Some(value), None) => Ok(value),
            (_, error) => Err(Failure::new(error.unwrap_or_default())),
        }
    });
}

fn error_map(error: String) -> Map {
    let map = Map::new(&Type::MAP);
    map.insert("Error".into(), Value::from(error));
    map
}

/// The value, unless the text is no JSON, and the first error.
fn read(call: &Call<'_>, args: &[Value]) -> Result<(Option<Value>, Option<String>), Failure> {
    let text = given::bytes(args, 0);
    call.budget().bytes(text.len().saturating_mul(4))?;
    Ok(match decode(text) {
        Ok((value, error)) => (Some(value), error),
        Err(error) => (None, Some(error)),
    })
}

/// The error of a value where one of another type is wanted.
fn mismatch(value: &Value, wanted: &Type) -> String {
    let found = match value {
        Value::Bool(_) => "bool",
        Value::Str(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ => "number",
    };
    format!("json: cannot unmarshal {found} into Go value of type {wanted}")
}
