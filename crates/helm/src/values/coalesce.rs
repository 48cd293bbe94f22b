//! Defaults of charts below what their parents and the user say.
//!
//! The words are Helm's: to coalesce is to merge tables where null takes a default away; to merge keeps nulls.
//!
//! Source: Helm 4.2.4 `pkg/chart/common/util/coalesce.go`

use go_template::{Map, Type, Value};

use super::{Warnings, deep_copy_map, deeper, printed, table};
use crate::active::Active;

/// The table that all charts share.
const GLOBAL: &[u8] = b"global";

/// Values of two charts that do not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("type mismatch on {name}: {value}")]
pub struct CoalesceError {
    /// The subchart.
    name: String,
    /// What stands where its values should be, as upstream prints it.
    value: String,
}

/// How tables are put together.
struct Coalescing<'w> {
    warnings: &'w mut Warnings,
}

/// The user's values over those of a chart and its subcharts; null takes a default away.
///
/// # Errors
/// [`CoalesceError`].
pub fn coalesce_values(
    chart: &Active,
    values: Option<&Map>,
    warnings: &mut Warnings,
) -> Result<Map, CoalesceError> {
    all(chart, values, false, warnings)
}

/// As [`coalesce_values`]; null stays.
///
/// # Errors
/// [`CoalesceError`].
pub fn merge_values(
    chart: &Active,
    values: Option<&Map>,
    warnings: &mut Warnings,
) -> Result<Map, CoalesceError> {
    all(chart, values, true, warnings)
}

fn all(
    chart: &Active,
    values: Option<&Map>,
    merge: bool,
    warnings: &mut Warnings,
) -> Result<Map, CoalesceError> {
    let values = values.map_or_else(|| Map::new(&Type::MAP), deep_copy_map);
    Coalescing { warnings }.chart(chart, &values, "", merge)?;
    Ok(values)
}

/// Puts a table below another one; null stays.
pub(crate) fn merge_tables(over: &Map, below: &Map, warnings: &mut Warnings) {
    Coalescing { warnings }.tables(over, below, "", true);
}

fn joined(prefix: &str, name: &str) -> String {
    match prefix {
        "" => name.to_owned(),
        prefix => format!("{prefix}.{name}"),
    }
}

fn show(key: &[u8]) -> String {
    go_template::unicode::lossy(key).into_owned()
}

/// Takes nulls out, at all depths.
fn clean_nulls(map: &Map) {
    for (key, value) in map.entries() {
        match &value {
            Value::Nil => drop(map.remove(&key)),
            other => {
                if let Some(inner) = table(other) {
                    deeper(|| clean_nulls(inner));
                }
            }
        }
    }
}

impl Coalescing<'_> {
    fn chart(
        &mut self,
        chart: &Active,
        values: &Map,
        prefix: &str,
        merge: bool,
    ) -> Result<(), CoalesceError> {
        self.defaults(chart, values, prefix, merge);
        for child in &chart.dependencies {
            let name = child.name.as_str();
            let inner = match values.get(name.as_bytes()) {
                None => {
                    let inner = Map::new(&Type::MAP);
                    values.insert(name.into(), Value::Map(inner.clone()));
                    inner
                }
                Some(value) => match table(&value) {
                    Some(inner) => inner.clone(),
                    None => {
                        return Err(CoalesceError {
                            name: name.to_owned(),
                            value: printed(b"%t", &value),
                        });
                    }
                },
            };
            let prefix = joined(prefix, &chart.name);
            self.globals(&inner, values, &prefix);
            self.chart(child, &inner, &prefix, merge)?;
        }
        Ok(())
    }

    /// Gives the globals of a chart to those of its subchart; the outer ones win.
    fn globals(&mut self, inner: &Map, outer: &Map, prefix: &str) {
        let mut table_of = |map: &Map, which: &str| match map.get(GLOBAL) {
            None => Some(Map::new(&Type::MAP)),
            Some(value) => {
                let found = table(&value).cloned();
                if found.is_none() {
                    self.warnings.add(|| {
                        format!("warning: skipping globals because {which} global is not a table.")
                    });
                }
                found
            }
        };
        let Some(into) = table_of(inner, "destination") else {
            return;
        };
        let Some(from) = table_of(outer, "source") else {
            return;
        };
        for (key, value) in from.entries() {
            let old = into.get(&key);
            if let Some(new) = table(&value) {
                let copy = Map::new(&Type::MAP);
                copy.extend(new.entries());
                match old {
                    None => {
                        into.insert(key, Value::Map(copy));
                    }
                    Some(old) => match table(&old) {
                        None => self.warnings.add(|| {
                            let key = go_template::quote::quoted(&key);
                            format!("Conflict: cannot merge map onto non-map for {key}. Skipping.")
                        }),
                        Some(old) => {
                            let prefix = joined(prefix, &show(&key));
                            self.tables(&copy, old, &prefix, true);
                            into.insert(key, Value::Map(copy));
                        }
                    },
                }
            } else if old.as_ref().and_then(table).is_some() {
                self.warnings
                    .add(|| format!("key {} is table. Skipping", show(&key)));
            } else {
                into.insert(key, value);
            }
        }
        inner.insert(GLOBAL.into(), Value::Map(into));
    }

    /// Puts a chart's own defaults below the values.
    fn defaults(&mut self, chart: &Active, values: &Map, prefix: &str, merge: bool) {
        let Some(defaults) = &chart.values else {
            return;
        };
        let prefix = joined(prefix, &chart.name);
        for (key, default) in deep_copy_map(defaults).entries() {
            let Some(value) = values.get(&key) else {
                if !merge {
                    if matches!(default, Value::Nil) {
                        continue;
                    }
                    if let Some(inner) = table(&default) {
                        clean_nulls(inner);
                    }
                }
                values.insert(key, default);
                continue;
            };
            if matches!(value, Value::Nil) && !merge {
                values.remove(&key);
                continue;
            }
            let Some(over) = table(&value) else {
                continue;
            };
            match table(&default) {
                None if matches!(default, Value::Nil) => {}
                None => self.warnings.add(|| {
                    format!(
                        "warning: skipped value for {prefix}.{}: Not a table.",
                        show(&key)
                    )
                }),
                Some(below) => {
                    let merge = merge || chart.dependencies.iter().any(|it| key == *it.name);
                    if !merge {
                        clean_nulls(below);
                    }
                    self.tables(over, below, &joined(&prefix, &show(&key)), merge);
                }
            }
        }
    }

    fn tables(&mut self, over: &Map, below: &Map, prefix: &str, merge: bool) {
        let given: Vec<_> = below
            .entries()
            .into_iter()
            .filter(|(_, value)| !matches!(value, Value::Nil))
            .map(|(key, _)| key)
            .collect();
        for (key, value) in over.entries() {
            if matches!(value, Value::Nil) {
                below.insert(key, Value::Nil);
            }
        }
        for (key, value) in below.entries() {
            let Some(old) = over.get(&key) else {
                over.insert(key, value);
                continue;
            };
            let is_given = || given.binary_search(&key).is_ok();
            if !merge && matches!(old, Value::Nil) && is_given() {
                over.remove(&key);
                continue;
            }
            let full = || joined(prefix, &show(&key));
            match (table(&value), table(&old)) {
                (Some(new), Some(old)) => {
                    let full = full();
                    deeper(|| self.tables(old, new, &full, merge));
                }
                (Some(_), None) => self.warnings.add(|| {
                    let value = super::print(&value);
                    format!("warning: cannot overwrite table with non table for {} ({value})", full())
                }),
                (None, Some(_)) if !matches!(value, Value::Nil) => self.warnings.add(|| {
                    let value = super::print(&value);
                    format!(
                        "warning: destination for {} is a table. Ignoring non-table value ({value})",
                        full()
                    )
                }),
                _ => {}
            }
        }
    }
}
