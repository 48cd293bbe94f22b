//! Giving up: `fail` and `required`.
//!
//! Source: Helm 4.2.4 `pkg/engine/engine.go` `initFunMap`

use go_template::{Failure, Functions, Signature, Type, Value};

use super::{Row, given};
use crate::engine::MESSAGE;

const FAIL: Signature = Signature::new(&[Type::String], &Type::String);
const REQUIRED: Signature = Signature::new(&[Type::String, Type::Any], &Type::Any);

pub(super) fn register(functions: &mut Functions) {
    super::add(functions, ROWS);
}

const ROWS: &[Row] = &[
    ("fail", FAIL, |_, args| Err(failure(args))),
    ("required", REQUIRED, |_, args| match &args[1] {
        Value::Nil => Err(failure(args)),
        Value::Str(text) if text.is_empty() => Err(failure(args)),
        there => Ok(there.clone()),
    }),
];

/// `fail` as sprig has it: the message is an error like any other.
pub(super) fn register_plain(functions: &mut Functions) {
    let row: Row = ("fail", FAIL, |_, args| {
        Err(Failure::new(given::text(args, 0)))
    });
    super::add(functions, &[row]);
}

/// The first argument as a message that is shown alone.
fn failure(args: &[Value]) -> Failure {
    let (before, after) = MESSAGE;
    Failure::new(format!("{before}{}{after}", given::text(args, 0)))
}
