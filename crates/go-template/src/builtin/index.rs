//! `index`, `slice`, `len`.

use crate::execute::Val;
use crate::value::List;
use crate::{Failure, Str, Type, UintKind, Value};

/// An index as a number within `0..=most`.
fn position(index: &Value, most: usize) -> Result<usize, Failure> {
    let number = match index {
        Value::Int(_, number) => *number,
        Value::Uint(_, number) => *number as i64,
        Value::Nil => return Err(Failure::new("cannot index slice/array with nil")),
        other => {
            let ty = other.type_name();
            return Err(Failure::new(format!(
                "cannot index slice/array with type {ty}"
            )));
        }
    };
    match usize::try_from(number) {
        Ok(position) if position <= most => Ok(position),
        _ => Err(Failure::new(format!("index out of range: {number}"))),
    }
}

pub(super) fn index(args: &[Val]) -> Result<Val, Failure> {
    let (item, indexes) = args.split_first().ok_or_else(|| Failure::new("no item"))?;
    let mut item = Val {
        value: item.value.clone(),
        interface: false,
    };
    if !item.is_valid() {
        return Err(Failure::new("index of untyped nil"));
    }
    for index in indexes {
        if item.value.is_nil() && !matches!(item.value, Value::List(_) | Value::Map(_)) {
            return Err(Failure::new("index of nil pointer"));
        }
        item = step(&item.value, &index.value)?;
    }
    Ok(item)
}

fn step(item: &Value, index: &Value) -> Result<Val, Failure> {
    let beyond = |at: usize| {
        let _ = at;
        Failure::new("reflect: slice index out of range")
    };
    match item {
        Value::List(list) => {
            let at = position(index, list.len())?;
            let value = list.get(at).ok_or_else(|| beyond(at))?;
            let interface = matches!(list.ty().element(), Type::Any);
            Ok(Val { value, interface })
        }
        Value::Str(text) => {
            let at = position(index, text.len())?;
            let byte = text.get(at).copied();
            let byte = byte.ok_or_else(|| Failure::new("reflect: string index out of range"))?;
            Ok(Val::known(Value::Uint(UintKind::Uint8, byte.into())))
        }
        Value::Map(map) => {
            let key = match index {
                Value::Str(key) => key,
                Value::Nil => {
                    return Err(Failure::new("value is nil; should be of type string"));
                }
                other => {
                    let ty = other.type_name();
                    return Err(Failure::new(format!(
                        "value has type {ty}; should be string"
                    )));
                }
            };
            let value = map.get(key);
            let value = value.unwrap_or_else(|| crate::execute::zero_element(map.ty()));
            let interface = matches!(map.ty().element(), Type::Any);
            Ok(Val { value, interface })
        }
        other => {
            let shown = other.type_name();
            let ty = shown.strip_prefix('*').unwrap_or(&shown);
            Err(Failure::new(format!("can't index item of type {ty}")))
        }
    }
}

pub(super) fn slice(args: &[Val]) -> Result<Val, Failure> {
    let (item, indexes) = args.split_first().ok_or_else(|| Failure::new("no item"))?;
    if matches!(item.value, Value::Nil) {
        return Err(Failure::new("slice of untyped nil"));
    }
    if indexes.len() > 3 {
        let count = indexes.len();
        return Err(Failure::new(format!("too many slice indexes: {count}")));
    }
    let length = match &item.value {
        Value::Str(_) if indexes.len() == 3 => {
            return Err(Failure::new("cannot 3-index slice a string"));
        }
        Value::Str(text) => text.len(),
        Value::List(list) => list.len(),
        other => {
            let ty = other.type_name();
            return Err(Failure::new(format!("can't slice item of type {ty}")));
        }
    };
    let mut bounds = [0, length, length];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        *bound = position(&index.value, length)?;
    }
    for (low, high) in [(bounds[0], bounds[1]), (bounds[1], bounds[2])] {
        if low > high {
            return Err(Failure::new(format!("invalid slice index: {low} > {high}")));
        }
    }
    let part = bounds[0]..bounds[1];
    Ok(Val::known(match &item.value {
        Value::Str(text) => Value::Str(Str::from(&text[part])),
        Value::List(list) => Value::List(list.part(part)),
        _ => Value::Nil,
    }))
}

pub(super) fn length(item: &Val) -> Result<Val, Failure> {
    let length = match &item.value {
        Value::Nil if item.interface => return Err(Failure::new("len of nil pointer")),
        Value::Nil => {
            return Err(Failure::new(
                "reflect: call of reflect.Value.Type on zero Value",
            ));
        }
        Value::Str(text) => text.len(),
        Value::List(list) => List::len(list),
        Value::Map(map) => map.len(),
        other => {
            let ty = other.type_name();
            return Err(Failure::new(format!("len of type {ty}")));
        }
    };
    Ok(Val::known(Value::int(length as i64)))
}
