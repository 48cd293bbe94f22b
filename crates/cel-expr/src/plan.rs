//! What fails for every object, found before there is one.
//!
//! Source: cel-go v0.26 `interpreter/planner.go`, `interpreter/decorators.go`

use std::collections::BTreeMap;

use crate::ast::{Call, Expr, Kind};
use crate::declare::{self, Binding};
use crate::eval::{Evaluator, resolved};
use crate::value::Value;

/// Conversions of constants are made once.
const CONVERSIONS: [&str; 10] = [
    "bool",
    "bytes",
    "double",
    "duration",
    "dyn",
    "int",
    "string",
    "timestamp",
    "type",
    "uint",
];

/// Checks calls and constants of an expression.
///
/// # Errors
/// A call can never be made, or a constant cannot be computed.
pub(crate) fn check(expr: &Expr) -> Result<(), String> {
    crate::with_stack(|| check_any(expr))
}

fn check_any(expr: &Expr) -> Result<(), String> {
    match &expr.kind {
        Kind::Literal(_) | Kind::Ident(_) => Ok(()),
        Kind::Select(select) => check(&select.operand),
        Kind::Call(call) => check_call(expr, call),
        Kind::List(items) => items.iter().try_for_each(|item| check(&item.value)),
        Kind::Map(entries) => entries.iter().try_for_each(|entry| {
            check(&entry.key)?;
            check(&entry.value)
        }),
        Kind::Message(name, _) => Err(format!("unknown type: {name}")),
        Kind::Fold(fold) => [
            &fold.init,
            &fold.range,
            &fold.condition,
            &fold.step,
            &fold.result,
        ]
        .into_iter()
        .try_for_each(check),
        Kind::OptionalMap(map) => {
            check(&map.target)?;
            check(&map.body)
        }
    }
}

fn check_call(expr: &Expr, call: &Call) -> Result<(), String> {
    let (name, target) = resolved(call);
    let args: Vec<&Expr> = target.into_iter().chain(&call.args).collect();
    for arg in &args {
        check(arg)?;
    }
    arity(&name, args.len())?;
    let constant_text = |arg: &Expr| match &arg.kind {
        Kind::Literal(Value::String(text)) => Some(text.clone()),
        _ => None,
    };
    if name == "matches"
        && let [_, pattern] = args.as_slice()
        && let Some(pattern) = constant_text(pattern)
    {
        go_regex::compile(&pattern).map_err(|error| error.to_string())?;
    }
    if CONVERSIONS.contains(&&*name) && matches!(args.as_slice(), [arg] if is_constant(arg)) {
        let none = BTreeMap::new();
        Evaluator::new(&none)
            .expr(expr)
            .map_err(|fault| fault.text())?;
    }
    Ok(())
}

fn arity(name: &str, count: usize) -> Result<(), String> {
    let wanted = match declare::function(name).map(|function| function.binding) {
        None if count == 0 => return Err(format!("no such overload: {name}()")),
        Some(Binding::Shared(wanted) | Binding::Unguarded(wanted) | Binding::Single(wanted)) => {
            wanted
        }
        _ => return Ok(()),
    };
    if count == wanted {
        return Ok(());
    }
    let args = match count {
        0 => "",
        1 => "arg",
        2 => "lhs, rhs",
        _ => "...",
    };
    Err(format!("no such overload: {name}({args})"))
}

fn is_constant(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Literal(_) => true,
        Kind::List(items) => items.iter().all(|item| is_constant(&item.value)),
        Kind::Map(entries) => entries
            .iter()
            .all(|entry| is_constant(&entry.key) && is_constant(&entry.value)),
        Kind::Call(call) => {
            call.target.is_none()
                && CONVERSIONS.contains(&call.function.as_str())
                && call.args.len() == 1
                && call.args.iter().all(is_constant)
        }
        _ => false,
    }
}
