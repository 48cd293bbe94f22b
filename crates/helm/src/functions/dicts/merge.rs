//! Merging dicts: what the target has stays or gives way, dicts are merged deeply, lists are not.
//!
//! Source: dario.cat/mergo v1.0.1 `merge.go`, for maps

use go_template::{Call, Failure, Map, Origin, Type, Value};

/// The first argument with all others merged into it. It changes in place and then shares parts with the others.
///
/// # Errors
/// A dict meets a pointer.
pub(super) fn all(call: &Call<'_>, args: &[Value], overwrite: bool) -> Result<Value, Failure> {
    let mut target = match &args[0] {
        Value::Map(map) => map.clone(),
        _ => Map::nil(&Type::MAP),
    };
    for source in args[1..].iter().filter_map(Value::as_map) {
        if target.is_nil() && !source.is_nil() {
            target = Map::new(&Type::MAP);
        }
        merge(call, &target, source, overwrite)?;
    }
    Ok(Value::Map(target))
}

/// The same, but an error makes an empty text.
pub(super) fn swallowing(
    call: &Call<'_>,
    args: &[Value],
    overwrite: bool,
) -> Result<Value, Failure> {
    match all(call, args, overwrite) {
        Err(failure) if failure.own() == DIFFERENT && failure.origin() == Origin::Function => {
            Ok(Value::from(""))
        }
        other => other,
    }
}

const DIFFERENT: &str = "src and dst must be of same type";

/// Merges level by level, so that depth takes no stack.
fn merge(call: &Call<'_>, target: &Map, source: &Map, overwrite: bool) -> Result<(), Failure> {
    let mut todo = vec![(target.clone(), source.clone())];
    while let Some((target, source)) = todo.pop() {
        call.budget().bytes(source.len() * 2 * size_of::<Value>())?;
        for (key, value) in source.entries() {
            call.budget().steps(1)?;
            let there = target.get(&key);
            if matches!(value, Value::Nil) {
                if overwrite {
                    call.insert(&target, key, value)?;
                }
                continue;
            }
            match (&there, &value) {
                (Some(Value::Map(into)), Value::Map(from)) if !into.is_nil() => {
                    todo.push((into.clone(), from.clone()));
                    if !into.is_empty() || adds(from, overwrite) {
                        continue;
                    }
                }
                (Some(Value::Object(object)), Value::Map(_))
                    if !overwrite && matches!(object.ty(), Type::Pointer(_)) =>
                {
                    return Err(Failure::new(DIFFERENT));
                }
                _ => {}
            }
            if keeps(there.as_ref(), &value, overwrite) {
                continue;
            }
            call.insert(&target, key, value)?;
        }
    }
    Ok(())
}

/// Whether merging a dict into an empty one leaves something in it.
fn adds(source: &Map, overwrite: bool) -> bool {
    let mut values = source.entries().into_iter().map(|(_, it)| it);
    values.any(|it| overwrite || !matches!(it, Value::Nil))
}

/// Whether the target's own value stays as it is.
fn keeps(there: Option<&Value>, value: &Value, overwrite: bool) -> bool {
    let Some(there) = there.filter(|it| !is_empty(it)) else {
        return false;
    };
    match (there, value) {
        (Value::Map(_), Value::Map(_)) => true,
        _ => !overwrite,
    }
}

/// Whether a value of the target may be replaced without asking.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Complex(..) | Value::Func(_) => false,
        Value::Object(object) => object.is_nil(),
        other => !other.truth(),
    }
}

#[cfg(test)]
mod tests {
    use go_template::Pairs;

    use super::*;

    #[test]
    fn only_what_is_empty_gives_way() {
        let value = Value::from("a");
        assert!(keeps(Some(&value), &Value::from("b"), false));
        assert!(!keeps(Some(&Value::int(0)), &Value::from("b"), false));
        assert!(!keeps(Some(&value), &Value::from(""), true));
        let map = Value::Map(Map::from_pairs(
            &Type::MAP,
            Pairs::from([("a".into(), value)]),
        ));
        assert!(keeps(Some(&map), &map, true) && !keeps(Some(&map), &Value::int(1), true));
    }
}
