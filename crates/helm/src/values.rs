//! Values: merged from many places, looked up by paths.
//!
//! Source: Helm 4.2.4 `pkg/chart/common/values.go`, `pkg/cli/values/options.go`

mod coalesce;
mod options;
mod warnings;

use go_template::{Budget, Limits, List, Map, Type, Value, format};

pub(crate) use coalesce::merge_tables;
pub use coalesce::{CoalesceError, coalesce_values, merge_values};
pub use options::{Options, OptionsError};
pub use warnings::{Level, Warning, Warnings};

use crate::active::Active;

/// Stack that is left before more is taken, and how much is taken.
const STACK: (usize, usize) = (64 << 10, 1 << 20);

/// Runs a step of something that nests as deep as values do.
pub(crate) fn deeper<T>(step: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(STACK.0, STACK.1, step)
}

/// A copy that shares no map with the original.
pub fn deep_copy(value: &Value) -> Value {
    match value {
        Value::Map(map) if !map.is_nil() => Value::Map(deep_copy_map(map)),
        Value::List(list)
            if list
                .iter()
                .any(|it| it.as_map().or(None).is_some() || it.as_list().is_some()) =>
        {
            let items = deeper(|| list.iter().map(|item| deep_copy(&item)).collect());
            Value::List(List::new(list.ty(), items))
        }
        other => other.clone(),
    }
}

/// A copy that shares no map with the original.
pub fn deep_copy_map(map: &Map) -> Map {
    deeper(|| map.copied(deep_copy))
}

/// A table: a map of values.
pub(crate) fn table(value: &Value) -> Option<&Map> {
    value.as_map().filter(|map| map.ty().under() == Type::MAP)
}

/// The table at a path, by its names.
pub(crate) fn table_at<'p>(values: &Map, path: impl IntoIterator<Item = &'p str>) -> Option<Map> {
    let mut found = values.clone();
    for name in path {
        let next = found.get(name.as_bytes())?;
        found = table(&next)?.clone();
    }
    Some(found)
}

/// The value at a path, which is no table.
pub(crate) fn value_at(values: &Map, path: &str) -> Option<Value> {
    let (tables, last) = path
        .rsplit_once('.')
        .map_or((None, path), |(tables, last)| (Some(tables), last));
    let found = match tables {
        None => values.clone(),
        Some(tables) => table_at(values, tables.split('.'))?,
    };
    let value = found.get(last.as_bytes())?;
    table(&value).is_none().then_some(value)
}

/// A value as Go's `%v` prints it.
pub(crate) fn print(value: &Value) -> String {
    printed(b"%v", value)
}

/// A value as a verb of Go prints it.
pub(crate) fn printed(verb: &[u8], value: &Value) -> String {
    let budget = Budget::untimed(Limits::default());
    let text = format::sprintf(verb, std::slice::from_ref(value), &budget);
    text.map_or_else(|_| String::new(), |text| text.lossy().into_owned())
}

/// What validating and rendering need of a chart's values, by the chart: itself at the root.
pub(crate) fn of_child(values: &Map, child: &Active) -> Option<Map> {
    table_at(values, [child.name.as_str()])
}
