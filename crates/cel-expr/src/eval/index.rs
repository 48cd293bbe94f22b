//! Fields, elements, and whether they are there.

use super::{Evaluated, Evaluator};
use crate::ast::{Expr, Kind, Select, operator};
use crate::error::Fault;
use crate::value::{Key, Value, whole};

impl<'a> Evaluator<'a> {
    pub(super) fn index(&mut self, operand: &'a Expr, at: &'a Expr, optional: bool) -> Evaluated {
        let value = self.expr(operand);
        let value = match &at.kind {
            Kind::Literal(Value::String(field)) => named(value, operand, field)?,
            _ => value?,
        };
        let at = self.expr(at)?;
        found(&value, &at, optional)
    }
}

/// A name that is not known is told with the fields that are selected from it.
pub(super) fn named(value: Evaluated, operand: &Expr, field: &str) -> Evaluated {
    match value {
        Err(Fault::Missing(name)) if is_path(operand) => {
            Err(Fault::Missing(format!("{name}.{field}")))
        }
        Ok(Value::Type(name)) if is_path(operand) => Err(Fault::Missing(format!("{name}.{field}"))),
        other => other,
    }
}

fn is_path(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Ident(_) => true,
        Kind::Select(select) => is_path(&select.operand),
        Kind::Call(call) => match (call.function.as_str(), call.args.as_slice()) {
            (operator::INDEX | operator::OPTIONAL_INDEX, [operand, at]) => {
                matches!(at.kind, Kind::Literal(Value::String(_))) && is_path(operand)
            }
            _ => false,
        },
        _ => false,
    }
}

pub(super) fn select(operand: &Value, select: &Select) -> Evaluated {
    let field = Value::text(&select.field);
    if !select.test {
        return found(operand, &field, select.optional);
    }
    let inner = match operand {
        Value::Optional(None) => return Ok(Value::Bool(false)),
        Value::Optional(Some(inner)) => inner,
        other => other,
    };
    lookup(inner, &field).map(|found| Value::Bool(matches!(found, Found::There(_))))
}

fn found(operand: &Value, at: &Value, optional: bool) -> Evaluated {
    let (inner, optional) = match operand {
        Value::Optional(None) => return Ok(Value::NONE),
        Value::Optional(Some(inner)) => (&**inner, true),
        other => (other, optional),
    };
    match (lookup(inner, at)?, optional) {
        (Found::There(value), false) => Ok(value.clone()),
        (Found::There(value), true) => Ok(match value {
            Value::Optional(_) => value.clone(),
            value => Value::some(value.clone()),
        }),
        (Found::NoKey | Found::NoIndex, true) => Ok(Value::NONE),
        (Found::NoKey, false) => Err(Fault::new(format!("no such key: {}", at.shown()))),
        (Found::NoIndex, false) => Err(Fault::new(format!("index out of bounds: {}", at.shown()))),
    }
}

enum Found<'a> {
    There(&'a Value),
    NoKey,
    NoIndex,
}

fn lookup<'a>(operand: &'a Value, at: &Value) -> Result<Found<'a>, Fault> {
    match operand {
        Value::Map(entries) => {
            let key = Key::of(at);
            let value = key.and_then(|key| entries.get(&key));
            Ok(value.map_or(Found::NoKey, Found::There))
        }
        Value::List(items) => {
            let number = match at {
                Value::Int(at) => Some(i128::from(*at)),
                Value::Uint(at) => Some(i128::from(*at)),
                Value::Double(at) => whole(*at),
                other => {
                    let kind = other.type_text();
                    return Err(Fault::new(format!(
                        "unsupported index type '{kind}' in list"
                    )));
                }
            };
            let Some(number) = number.filter(|number| i64::try_from(*number).is_ok()) else {
                let shown = at.shown();
                return Err(Fault::new(format!(
                    "unsupported index value {shown} in list"
                )));
            };
            let value = usize::try_from(number).ok().and_then(|at| items.get(at));
            Ok(value.map_or(Found::NoIndex, Found::There))
        }
        _ => Ok(Found::NoKey),
    }
}
