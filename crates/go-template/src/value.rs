//! Values with Go's kinds.
//!
//! A [`Value`] is what Go's `interface{}` holds. Copying one is cheap: strings, slices and maps are shared. Maps
//! are references, as in Go: a change through one copy shows in all.

mod list;
mod map;

use std::sync::Arc;

pub use list::List;
pub(crate) use map::WeakMap;
pub use map::{Map, Pairs};

use crate::{Function, IntKind, Object, Str, Type, UintKind};

/// A value.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// Nothing: an interface that holds no value.
    #[default]
    Nil,
    /// A `bool`.
    Bool(bool),
    /// A signed integer.
    Int(IntKind, i64),
    /// An unsigned integer.
    Uint(UintKind, u64),
    /// A `float64`.
    Float(f64),
    /// A `complex128`: real and imaginary part.
    Complex(f64, f64),
    /// A `string`.
    Str(Str),
    /// A slice.
    List(List),
    /// A map with string keys.
    Map(Map),
    /// A function.
    Func(Arc<dyn Function>),
    /// A struct or a pointer to one.
    Object(Arc<dyn Object>),
}

impl Value {
    /// An `int`.
    pub fn int(value: i64) -> Self {
        Self::Int(IntKind::Int, value)
    }

    /// An `int64`.
    pub fn int64(value: i64) -> Self {
        Self::Int(IntKind::Int64, value)
    }

    /// A `string`.
    pub fn str(text: impl Into<Str>) -> Self {
        Self::Str(text.into())
    }

    /// A `[]interface {}`.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(List::new(&Type::LIST, items))
    }

    /// A `[]string`.
    pub fn strings<T: Into<Str>>(items: impl IntoIterator<Item = T>) -> Self {
        let items = items.into_iter().map(|it| Self::Str(it.into())).collect();
        Self::List(List::new(&Type::STRINGS, items))
    }

    /// A new `map[string]interface {}`.
    pub fn map<K: Into<Str>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        let entries = entries.into_iter().map(|(key, value)| (key.into(), value));
        Self::Map(Map::from_pairs(&Type::MAP, entries.collect()))
    }

    /// The zero value of a type.
    pub fn zero(ty: &'static Type) -> Self {
        match ty.under() {
            Type::Bool => Self::Bool(false),
            Type::Int(kind) => Self::Int(kind, 0),
            Type::Uint(kind) => Self::Uint(kind, 0),
            Type::Float64 => Self::Float(0.0),
            Type::Complex128 => Self::Complex(0.0, 0.0),
            Type::String => Self::Str(Str::default()),
            Type::List(_) => Self::List(List::nil(ty)),
            Type::Map(_) => Self::Map(Map::nil(ty)),
            _ => Self::Nil,
        }
    }

    /// The dynamic type; `None` for nothing.
    pub fn ty(&self) -> Option<Type> {
        Some(match self {
            Self::Nil => return None,
            Self::Bool(_) => Type::Bool,
            Self::Int(kind, _) => Type::Int(*kind),
            Self::Uint(kind, _) => Type::Uint(*kind),
            Self::Float(_) => Type::Float64,
            Self::Complex(..) => Type::Complex128,
            Self::Str(_) => Type::String,
            Self::List(list) => *list.ty(),
            Self::Map(map) => *map.ty(),
            Self::Func(function) => Type::Func(function.signature().text),
            Self::Object(object) => *object.ty(),
        })
    }

    /// The dynamic type's name; `<nil>` for nothing, as `%T` prints it.
    pub fn type_name(&self) -> String {
        self.ty()
            .map_or_else(|| String::from("<nil>"), |it| it.to_string())
    }

    /// Whether nothing is there: no value, or a map, slice or pointer that is nil.
    pub fn is_nil(&self) -> bool {
        match self {
            Self::Nil => true,
            Self::List(list) => list.is_nil(),
            Self::Map(map) => map.is_nil(),
            Self::Object(object) => object.is_nil(),
            _ => false,
        }
    }

    /// Whether `if` takes the value for true: it is not empty and not zero.
    pub fn truth(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(_, value) => *value != 0,
            Self::Uint(_, value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Complex(real, imag) => *real != 0.0 || *imag != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Func(_) => true,
            Self::Object(object) => object.truth(),
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&Str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The slice, of whatever type.
    pub fn as_list(&self) -> Option<&List> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The map, of whatever type.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// A named type's method, or an object's, bound to the value.
    pub(crate) fn method(&self, name: &str) -> Option<Arc<dyn Function>> {
        match self {
            Self::Object(object) => object.method(name),
            Self::List(list) => match list.ty() {
                Type::Named(named) => (named.methods.find)(self, name),
                _ => None,
            },
            Self::Map(map) => match map.ty() {
                Type::Named(named) => (named.methods.find)(self, name),
                _ => None,
            },
            _ => None,
        }
    }

    /// What the value's own `String()` or `Error()` returns, if it has one.
    pub fn own_text(&self) -> Option<Str> {
        match self {
            Self::Object(object) => object.text(),
            Self::List(list) => match list.ty() {
                Type::Named(named) => (named.methods.text)(self),
                _ => None,
            },
            Self::Map(map) => match map.ty() {
                Type::Named(named) => (named.methods.text)(self),
                _ => None,
            },
            _ => None,
        }
    }

    /// The same value under an assignable type.
    pub(crate) fn retyped(self, ty: &'static Type) -> Self {
        match self {
            Self::List(list) if matches!(ty, Type::List(_) | Type::Named(_)) => {
                Self::List(list.retyped(ty))
            }
            Self::Map(map) if matches!(ty, Type::Map(_) | Type::Named(_)) => {
                Self::Map(map.retyped(ty))
            }
            other => other,
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::str(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::str(text)
    }
}

impl From<Str> for Value {
    fn from(text: Str) -> Self {
        Self::Str(text)
    }
}

impl From<List> for Value {
    fn from(list: List) -> Self {
        Self::List(list)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

/// Drops values one after the other: a value nested a million deep must not take a million stack frames.
pub(crate) fn drop_all(mut todo: Vec<Value>) {
    while let Some(value) = todo.pop() {
        match value {
            Value::List(list) => list.take_last(&mut todo),
            Value::Map(map) => map.take_last(&mut todo),
            _ => {}
        }
    }
}

/// Whether dropping the value may lead to others.
pub(crate) fn nests(value: &Value) -> bool {
    matches!(value, Value::List(_) | Value::Map(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_values_are_dropped_without_recursion() {
        let mut map = Value::Nil;
        let mut list = Value::Nil;
        for _ in 0..300_000 {
            map = Value::map([("a", map)]);
            list = Value::list(vec![list]);
        }
        drop((map, list));
    }

    #[test]
    fn a_change_shows_in_every_copy_of_a_map() {
        let map = Map::new(&Type::MAP);
        let copy = map.clone();
        map.insert("a".into(), Value::int(1));
        assert_eq!(copy.len(), 1);
        assert!(copy.same(&map) && !copy.same(&Map::new(&Type::MAP)));
    }

    #[test]
    fn a_named_map_is_a_plain_one_to_who_asks_for_it() {
        static NAMED: Type = Type::Named(&crate::Named {
            name: "common.Values",
            under: Type::MAP,
            methods: crate::Methods::NONE,
        });
        assert!(NAMED.assignable_to(Type::MAP) && Type::MAP.assignable_to(NAMED));
        assert!(!Type::STRINGS.assignable_to(Type::LIST));
        assert_eq!(NAMED.to_string(), "common.Values");
        assert_eq!(Type::MAP.to_string(), "map[string]interface {}");
    }
}
