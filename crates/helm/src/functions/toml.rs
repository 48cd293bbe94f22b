//! The `toToml` and `fromToml` family.
//!
//! Source: Helm v4.2.4 `pkg/engine/funcs.go`, BurntSushi/toml v1.6.0

mod decode;
mod encode;
mod key;
mod lex;

use go_template::{Failure, Functions, Origin, Signature, Str, Type, Value};

use super::given;

/// Values within one another.
const DEPTH: usize = 10_000;

pub(super) fn register(functions: &mut Functions) {
    const TEXT: Signature = Signature::new(&[Type::Any], &Type::String);
    functions.add("toToml", TEXT, |call, args| {
        match encode::encode(&args[0], call.budget()) {
            Ok(text) => Ok(Value::Str(Str::from(text))),
            Err(encode::Error::Value(failure)) if failure.origin() != Origin::Budget => {
                Ok(Value::from(failure.to_string()))
            }
            Err(error) => Err(error.into()),
        }
    });
    functions.add("mustToToml", TEXT, |call, args| {
        let text = encode::encode(&args[0], call.budget())?;
        Ok(Value::Str(Str::from(text)))
    });
    let signature = Signature::new(&[Type::String], &Type::MAP);
    functions.add("fromToml", signature, |call, args| {
        let text = given::bytes(args, 0);
        call.budget().bytes(text.len().saturating_mul(8))?;
        match decode::decode(text, call.budget()) {
            Ok(map) => Ok(map),
            Err(decode::Error::Text(error)) => Ok(Value::map([("Error", Value::from(error))])),
            Err(decode::Error::Panic(failure)) => Err(failure),
        }
    });
}

/// Runs with a stack that the nesting of values cannot overflow.
fn deeper<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(64 << 10, 1 << 20, work)
}

/// What is nested deeper than Go's stack would allow, too, only that Go would crash.
fn too_deep() -> Failure {
    Failure::new(format!("toml: values nest deeper than {DEPTH}"))
}
