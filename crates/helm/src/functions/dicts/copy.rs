//! `deepCopy`: new dicts and lists all the way down.
//!
//! Source: mitchellh/copystructure v1.2.0

use go_template::{Budget, Failure, List, Map, Pairs, Str, Type, Value};

use crate::functions::semver::without_hidden;

/// A dict or a list that is being copied: what is done and what is left.
enum Frame {
    Map(
        &'static Type,
        Pairs,
        std::vec::IntoIter<(Str, Value)>,
        Option<Str>,
    ),
    List(&'static Type, Vec<Value>, std::vec::IntoIter<Value>),
}

impl Frame {
    /// A container to copy; other values are their own copies.
    fn of(value: Value, budget: &Budget<'_>) -> Result<Result<Self, Value>, Failure> {
        budget.steps(1)?;
        Ok(match value {
            Value::Map(map) if !map.is_nil() => {
                budget.bytes(map.len() * 4 * size_of::<Value>())?;
                Ok(Self::Map(
                    map.ty(),
                    Pairs::new(),
                    map.entries().into_iter(),
                    None,
                ))
            }
            Value::List(list) if list.as_slice().is_some() && !list.is_nil() => {
                budget.bytes(list.len() * 2 * size_of::<Value>())?;
                let items: Vec<Value> = list.iter().collect();
                Ok(Self::List(
                    list.ty(),
                    Vec::with_capacity(items.len()),
                    items.into_iter(),
                ))
            }
            Value::Object(object) => Err(without_hidden(&object)),
            other => Err(other),
        })
    }

    /// The next value to copy.
    fn next(&mut self) -> Option<Value> {
        match self {
            Self::Map(_, _, left, key) => {
                let (next, value) = left.next()?;
                *key = Some(next);
                Some(value)
            }
            Self::List(_, _, left) => left.next(),
        }
    }

    /// Takes the copy of what was next.
    fn put(&mut self, value: Value) {
        match self {
            Self::Map(_, done, _, key) => {
                if let Some(key) = key.take() {
                    done.insert(key, value);
                }
            }
            Self::List(_, done, _) => done.push(value),
        }
    }

    fn done(self) -> Value {
        match self {
            Self::Map(ty, done, ..) => Value::Map(Map::from_pairs(ty, done)),
            Self::List(ty, done, _) => Value::List(List::new(ty, done)),
        }
    }
}

/// A copy that shares no dict with the value.
///
/// # Errors
/// There is no value, or the budget is used up, which a dict within itself does.
pub(super) fn deep(budget: &Budget<'_>, value: &Value) -> Result<Value, Failure> {
    if matches!(value, Value::Nil) {
        let text = "reflect: call of reflect.Value.Type on zero Value";
        return Err(Failure::new(text));
    }
    let mut frames: Vec<Frame> = Vec::new();
    let mut next = Frame::of(value.clone(), budget)?;
    loop {
        let mut copy = match next {
            Ok(frame) => {
                frames.push(frame);
                None
            }
            Err(value) => Some(value),
        };
        // Puts copies in place until there is something new to copy.
        next = loop {
            let Some(mut frame) = frames.pop() else {
                return Ok(copy.unwrap_or_default());
            };
            if let Some(copy) = copy.take() {
                frame.put(copy);
            }
            match frame.next() {
                Some(value) => {
                    frames.push(frame);
                    break Frame::of(value, budget)?;
                }
                None => copy = Some(frame.done()),
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use go_template::Limits;

    use super::*;

    #[test]
    fn a_copy_shares_nothing() {
        let inner = Map::new(&Type::MAP);
        let list = Value::list(vec![Value::Map(inner.clone()), Value::int(1)]);
        let value = Value::map([("a", list), ("b", Value::Nil)]);
        let copy = deep(&Budget::untimed(Limits::default()), &value).unwrap();
        inner.insert("x".into(), Value::int(2));
        let inner = copy.as_map().unwrap().get(b"a").unwrap();
        let inner = inner.as_list().unwrap().get(0).unwrap();
        assert!(inner.as_map().unwrap().is_empty());
        assert!(copy.as_map().unwrap().contains(b"b"));
    }

    #[test]
    fn a_dict_within_itself_ends_with_the_budget() {
        let map = Map::new(&Type::MAP);
        map.insert("a".into(), Value::Map(map.clone()));
        let limits = Limits {
            fuel: 10_000,
            ..Limits::default()
        };
        assert!(deep(&Budget::untimed(limits), &Value::Map(map.clone())).is_err());
        map.clear();
    }
}
