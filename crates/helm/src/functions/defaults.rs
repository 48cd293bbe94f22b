//! What stands in for what is empty: `default`, `empty`, `coalesce`, `all`, `any`, `ternary`.
//!
//! Source: sprig v3.3.0 `defaults.go`

use go_template::{Functions, Signature, Type, Value};

use super::Row;

const DEFAULT: Signature = Signature::variadic(&[Type::Any, Type::Any], &Type::Any);
const ONE: Signature = Signature::new(&[Type::Any], &Type::Bool);
const SOME: Signature = Signature::variadic(&[Type::Any], &Type::Any);
const TRUTH: Signature = Signature::variadic(&[Type::Any], &Type::Bool);
const TERNARY: Signature = Signature::new(&[Type::Any, Type::Any, Type::Bool], &Type::Any);

pub(super) fn register(functions: &mut Functions) {
    super::add(functions, ROWS);
}

const ROWS: &[Row] = &[
    ("default", DEFAULT, |_, args| {
        let given = args.get(1).filter(|it| !is_empty(it));
        Ok(given.unwrap_or(&args[0]).clone())
    }),
    ("empty", ONE, |_, args| Ok(Value::Bool(is_empty(&args[0])))),
    ("coalesce", SOME, |_, args| {
        Ok(args
            .iter()
            .find(|it| !is_empty(it))
            .cloned()
            .unwrap_or_default())
    }),
    ("all", TRUTH, |_, args| {
        Ok(Value::Bool(!args.iter().any(is_empty)))
    }),
    ("any", TRUTH, |_, args| {
        Ok(Value::Bool(args.iter().any(|it| !is_empty(it))))
    }),
    ("ternary", TERNARY, |_, args| {
        Ok(args[usize::from(!args[2].truth())].clone())
    }),
];

/// Whether a value is nothing, zero, false or without elements. A struct never is.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(object) => object.is_nil(),
        other => !other.truth(),
    }
}
