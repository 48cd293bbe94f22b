//! Equality, order and arithmetic.
//!
//! Source: cel-go v0.26 `common/types/overflow.go`, `common/types/compare.go`

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Evaluated, Evaluator};
use crate::ast::operator;
use crate::error::Fault;
use crate::time;
use crate::value::Value;

const INT_OVERFLOW: &str = "integer overflow";
const UINT_OVERFLOW: &str = "unsigned integer overflow";

impl Evaluator<'_> {
    /// Whether both are the same value: numbers across their types, NaN never.
    pub(crate) fn equal(&mut self, a: &Value, b: &Value) -> Result<bool, Fault> {
        self.spend(1)?;
        Ok(match (a, b) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::String(a), Value::String(b)) => {
                self.spend(a.len().min(b.len()) / 8)?;
                a == b
            }
            (Value::Bytes(a), Value::Bytes(b)) => {
                self.spend(a.len().min(b.len()) / 8)?;
                a == b
            }
            (Value::Timestamp(a), Value::Timestamp(b)) => a == b,
            (Value::Duration(a), Value::Duration(b)) => a == b,
            (Value::Type(a), Value::Type(b)) => a == b,
            (Value::List(a), Value::List(b)) if a.len() == b.len() => {
                for (a, b) in a.iter().zip(b.iter()) {
                    if !self.equal(a, b)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Value::Map(a), Value::Map(b)) if a.len() == b.len() => {
                for (key, a) in a.iter() {
                    match b.get(key) {
                        Some(b) if self.equal(a, b)? => {}
                        _ => return Ok(false),
                    }
                }
                true
            }
            (Value::Optional(a), Value::Optional(b)) => match (a, b) {
                (None, None) => true,
                (Some(a), Some(b)) => self.equal(a, b)?,
                _ => false,
            },
            _ => a.compare_numbers(b) == Some(Some(Ordering::Equal)),
        })
    }

    /// Whether the list or the keys of the map contain the value.
    pub(crate) fn contains(&mut self, within: &Value, value: &Value) -> Result<bool, Fault> {
        match within {
            Value::List(items) => {
                for item in items.iter() {
                    if self.equal(value, item)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Value::Map(entries) => {
                let key = crate::value::Key::of(value);
                Ok(key.is_some_and(|key| entries.contains_key(&key)))
            }
            _ => Err(Fault::no_such_overload()),
        }
    }

    /// An operator with two values.
    pub(crate) fn operate(&mut self, function: &str, a: &Value, b: &Value) -> Evaluated {
        match function {
            operator::EQUALS => return self.equal(a, b).map(Value::Bool),
            operator::NOT_EQUALS => return self.equal(a, b).map(|equal| Value::Bool(!equal)),
            operator::IN => return self.contains(b, a).map(Value::Bool),
            _ => {}
        }
        if !supports(a, function) {
            return Err(match a {
                Value::String(_) | Value::Timestamp(_) | Value::Duration(_) => {
                    Fault::no_such_overload()
                }
                _ => Fault::new(format!("no such overload: {function}")),
            });
        }
        match function {
            operator::LESS => compare(a, b).map(|order| Value::Bool(order.is_lt())),
            operator::LESS_EQUALS => compare(a, b).map(|order| Value::Bool(order.is_le())),
            operator::GREATER => compare(a, b).map(|order| Value::Bool(order.is_gt())),
            operator::GREATER_EQUALS => compare(a, b).map(|order| Value::Bool(order.is_ge())),
            operator::ADD => self.add(a, b),
            operator::SUBTRACT => subtract(a, b),
            _ => scale(function, a, b),
        }
    }

    fn add(&mut self, a: &Value, b: &Value) -> Evaluated {
        Ok(match (a, b) {
            (Value::Int(a), Value::Int(b)) => Value::Int(int(a.checked_add(*b))?),
            (Value::Uint(a), Value::Uint(b)) => Value::Uint(uint(a.checked_add(*b))?),
            (Value::Double(a), Value::Double(b)) => Value::Double(a + b),
            (Value::String(a), Value::String(b)) => {
                Value::String(Arc::from(format!("{a}{b}").as_str()))
            }
            (Value::Bytes(a), Value::Bytes(b)) => Value::Bytes([&**a, &**b].concat().into()),
            (Value::List(a), Value::List(b)) => Value::list([a.as_slice(), b].concat()),
            (Value::Duration(a), Value::Duration(b)) => {
                Value::Duration(duration(a.checked_add(*b))?)
            }
            (Value::Timestamp(a), Value::Duration(b))
            | (Value::Duration(b), Value::Timestamp(a)) => timestamp(a + i128::from(*b))?,
            _ => return Err(Fault::no_such_overload()),
        })
    }
}

fn int(value: Option<i64>) -> Result<i64, Fault> {
    value.ok_or_else(|| Fault::new(INT_OVERFLOW))
}

fn uint(value: Option<u64>) -> Result<u64, Fault> {
    value.ok_or_else(|| Fault::new(UINT_OVERFLOW))
}

fn duration(value: Option<i64>) -> Result<i64, Fault> {
    value.ok_or_else(|| Fault::new(INT_OVERFLOW))
}

fn timestamp(nanos: i128) -> Evaluated {
    if time::is_timestamp(nanos) {
        return Ok(Value::Timestamp(nanos));
    }
    Err(Fault::new("timestamp overflow"))
}

/// Whether the left side's type has the operator at all.
fn supports(value: &Value, function: &str) -> bool {
    use Value::{Bool, Bytes, Double, Duration, Int, List, String, Timestamp, Uint};
    match function {
        operator::ADD => matches!(
            value,
            Bytes(_)
                | Double(_)
                | Duration(_)
                | Int(_)
                | List(_)
                | String(_)
                | Timestamp(_)
                | Uint(_)
        ),
        operator::SUBTRACT => {
            matches!(
                value,
                Double(_) | Duration(_) | Int(_) | Timestamp(_) | Uint(_)
            )
        }
        operator::MULTIPLY | operator::DIVIDE => matches!(value, Double(_) | Int(_) | Uint(_)),
        operator::MODULO => matches!(value, Int(_) | Uint(_)),
        _ => matches!(
            value,
            Bool(_)
                | Bytes(_)
                | Double(_)
                | Duration(_)
                | Int(_)
                | String(_)
                | Timestamp(_)
                | Uint(_)
        ),
    }
}

fn compare(a: &Value, b: &Value) -> Result<Ordering, Fault> {
    Ok(match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::Timestamp(a), Value::Timestamp(b)) => a.cmp(b),
        (Value::Duration(a), Value::Duration(b)) => a.cmp(b),
        _ => {
            let numbers = a.compare_numbers(b).ok_or_else(Fault::no_such_overload)?;
            return numbers.ok_or_else(|| Fault::new("NaN values cannot be ordered"));
        }
    })
}

fn subtract(a: &Value, b: &Value) -> Evaluated {
    Ok(match (a, b) {
        (Value::Int(a), Value::Int(b)) => Value::Int(int(a.checked_sub(*b))?),
        (Value::Uint(a), Value::Uint(b)) => Value::Uint(uint(a.checked_sub(*b))?),
        (Value::Double(a), Value::Double(b)) => Value::Double(a - b),
        (Value::Duration(a), Value::Duration(b)) => Value::Duration(duration(a.checked_sub(*b))?),
        (Value::Timestamp(a), Value::Duration(b)) => timestamp(a - i128::from(*b))?,
        (Value::Timestamp(a), Value::Timestamp(b)) => {
            Value::Duration(duration(i64::try_from(a - b).ok())?)
        }
        _ => return Err(Fault::no_such_overload()),
    })
}

fn scale(function: &str, a: &Value, b: &Value) -> Evaluated {
    let zero = matches!(b, Value::Int(0) | Value::Uint(0));
    Ok(match (function, a, b) {
        (operator::DIVIDE, Value::Int(_), Value::Int(_))
        | (operator::DIVIDE, Value::Uint(_), Value::Uint(_))
            if zero =>
        {
            return Err(Fault::new("division by zero"));
        }
        (operator::MODULO, Value::Int(_), Value::Int(_))
        | (operator::MODULO, Value::Uint(_), Value::Uint(_))
            if zero =>
        {
            return Err(Fault::new("modulus by zero"));
        }
        (operator::MULTIPLY, Value::Int(a), Value::Int(b)) => Value::Int(int(a.checked_mul(*b))?),
        (operator::MULTIPLY, Value::Uint(a), Value::Uint(b)) => {
            Value::Uint(uint(a.checked_mul(*b))?)
        }
        (operator::MULTIPLY, Value::Double(a), Value::Double(b)) => Value::Double(a * b),
        (operator::DIVIDE, Value::Int(a), Value::Int(b)) => Value::Int(int(a.checked_div(*b))?),
        (operator::DIVIDE, Value::Uint(a), Value::Uint(b)) => Value::Uint(a / b),
        (operator::DIVIDE, Value::Double(a), Value::Double(b)) => Value::Double(a / b),
        (operator::MODULO, Value::Int(a), Value::Int(b)) => Value::Int(int(a.checked_rem(*b))?),
        (operator::MODULO, Value::Uint(a), Value::Uint(b)) => Value::Uint(a % b),
        _ => return Err(Fault::no_such_overload()),
    })
}

/// `-value`
pub(crate) fn negate(value: &Value) -> Evaluated {
    Ok(match value {
        Value::Int(value) => Value::Int(int(value.checked_neg())?),
        Value::Double(value) => Value::Double(-value),
        Value::Duration(value) => Value::Duration(duration(value.checked_neg())?),
        Value::Bool(_) | Value::String(_) | Value::Timestamp(_) => {
            return Err(Fault::no_such_overload());
        }
        _ => return Err(Fault::new("no such overload: -_")),
    })
}
