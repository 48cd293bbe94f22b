//! `eq`, `ne`, `lt`, `le`, `gt`, `ge`.

use crate::execute::Val;
use crate::{Failure, Value, format};

/// What can be compared with what.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Basic {
    None,
    Bool,
    Complex,
    Int,
    Float,
    String,
    Uint,
}

fn basic(value: &Value) -> Basic {
    match value {
        Value::Bool(_) => Basic::Bool,
        Value::Int(..) => Basic::Int,
        Value::Uint(..) => Basic::Uint,
        Value::Float(_) => Basic::Float,
        Value::Complex(..) => Basic::Complex,
        Value::Str(_) => Basic::String,
        _ => Basic::None,
    }
}

fn incompatible(one: &Value, two: &Value) -> Failure {
    let (one, two) = (one.type_name(), two.type_name());
    Failure::new(format!(
        "incompatible types for comparison: {one} and {two}"
    ))
}

/// Whether the first equals any other.
pub(super) fn equal(args: &[Val]) -> Result<bool, Failure> {
    let Some((one, others)) = args.split_first() else {
        return Ok(false);
    };
    if others.is_empty() {
        return Err(Failure::new("missing argument for comparison"));
    }
    for other in others {
        if equal_to(&one.value, &other.value)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal_to(one: &Value, two: &Value) -> Result<bool, Failure> {
    Ok(match (one, two) {
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(_, a), Value::Int(_, b)) => a == b,
        (Value::Uint(_, a), Value::Uint(_, b)) => a == b,
        (Value::Int(_, a), Value::Uint(_, b)) | (Value::Uint(_, b), Value::Int(_, a)) => {
            u64::try_from(*a) == Ok(*b)
        }
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Complex(a, b), Value::Complex(c, d)) => a == c && b == d,
        (Value::Str(a), Value::Str(b)) => a == b,
        _ if basic(one) != basic(two) => {
            if !matches!(one, Value::Nil) && !matches!(two, Value::Nil) {
                return Err(incompatible(one, two));
            }
            false
        }
        _ => return equal_composites(one, two),
    })
}

/// Values that have no order: nil, maps, slices, objects.
fn equal_composites(one: &Value, two: &Value) -> Result<bool, Failure> {
    let same_kind = std::mem::discriminant(one) == std::mem::discriminant(two);
    if !same_kind && !matches!(one, Value::Nil) && !matches!(two, Value::Nil) {
        let (first, second) = (format::message(one, 's'), format::message(two, 'v'));
        let (one, two) = (one.type_name(), two.type_name());
        return Err(Failure::new(format!(
            "non-comparable types {first}: {one}, {two}: {second}"
        )));
    }
    if one.is_nil() || two.is_nil() {
        return Ok(one.is_nil() == two.is_nil());
    }
    match (one, two) {
        (Value::Object(a), Value::Object(b)) => {
            Ok(std::sync::Arc::ptr_eq(a, b) || a.ty() == b.ty() && a.equals(&**b))
        }
        _ => {
            let (text, ty) = (format::message(two, 's'), two.type_name());
            Err(Failure::new(format!("non-comparable type {text}: {ty}")))
        }
    }
}

/// Whether the first is less than the second.
pub(super) fn less(args: &[Val]) -> Result<bool, Failure> {
    let (one, two) = (&args[0].value, &args[1].value);
    let bad = || Err(Failure::new("invalid type for comparison"));
    if basic(one) == Basic::None || basic(two) == Basic::None {
        return bad();
    }
    Ok(match (one, two) {
        (Value::Int(_, a), Value::Int(_, b)) => a < b,
        (Value::Uint(_, a), Value::Uint(_, b)) => a < b,
        (Value::Int(_, a), Value::Uint(_, b)) => u64::try_from(*a).map_or(true, |it| it < *b),
        (Value::Uint(_, a), Value::Int(_, b)) => u64::try_from(*b).is_ok_and(|it| *a < it),
        (Value::Float(a), Value::Float(b)) => a < b,
        (Value::Str(a), Value::Str(b)) => a < b,
        _ if basic(one) == basic(two) => return bad(),
        _ => return Err(incompatible(one, two)),
    })
}

pub(super) fn less_or_equal(args: &[Val]) -> Result<bool, Failure> {
    Ok(less(args)? || equal(args)?)
}
