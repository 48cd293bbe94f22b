//! `values.schema.json`: values held against JSON Schema, drafts 4 to 2020-12, with the words of the library
//! that Helm uses.
//!
//! References reach the schema itself and the standard's own schemas. Files and other hosts are never asked;
//! a `urn:` that nobody knows allows everything, as with Helm.
//!
//! Source: Helm 4.2.4 `pkg/chart/common/util/jsonschema.go`; santhosh-tekuri/jsonschema v6.0.2

mod address;
mod compile;
mod document;
mod draft;
mod format;
mod node;
mod number;
mod problem;
mod validate;

use std::sync::OnceLock;

use go_template::{Map, Str, Value};

use compile::Compiled;

use crate::active::{Active, of_child};
use crate::values::{Level, Warnings};

/// Where a chart's schema is, for references and errors.
const MAIN: &str = "file:///values.schema.json";

/// Values that schemas refuse, or a schema that is none: the charts, and what is wrong with each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SchemaError(String);

/// Holds the values of a chart and its subcharts against their schemas.
///
/// # Errors
/// [`SchemaError`].
pub fn validate_all(
    chart: &Active,
    values: &Map,
    warnings: &mut Warnings,
) -> Result<(), SchemaError> {
    let mut text = String::new();
    check_chart(chart, values, (&mut text, warnings));
    match text.is_empty() {
        true => Ok(()),
        false => Err(SchemaError(text)),
    }
}

fn check_chart(chart: &Active, values: &Map, (text, warnings): (&mut String, &mut Warnings)) {
    let name = || Str::from(chart.name.as_str());
    if let Some(schema) = &chart.chart.schema {
        let fields = vec![("chart-name", name())];
        warnings.tell(Level::Debug, || (String::from("chart name"), fields));
        let compiled = &chart.chart.compiled_schema.0;
        let compiled = compiled.get_or_init(|| Ok(Compiled::of(document::parse(schema)?)));
        let values = Value::Map(values.clone());
        if let Err(error) = hold(&values, (schema, compiled), warnings) {
            text.push_str(&chart.name);
            text.push_str(":\n");
            text.push_str(&error);
        }
    }
    warnings.tell(Level::Debug, || {
        let count = chart.dependencies.len().to_string();
        let fields = vec![("chart", name()), ("dependencies", count.as_str().into())];
        (String::from("number of dependencies in the chart"), fields)
    });
    for child in &chart.dependencies {
        match values.get(child.name.as_bytes()) {
            None | Some(Value::Nil) => {}
            Some(other) => match of_child(values, child) {
                Some(values) => check_chart(child, &values, (&mut *text, &mut *warnings)),
                None => {
                    text.push_str(&format!(
                        "{}:\ninvalid type for values: expected object (map), got {}\n",
                        child.name,
                        other.type_name()
                    ));
                }
            },
        }
    }
}

/// Holds a value against a schema.
///
/// # Errors
/// What is wrong, as Helm words it.
pub fn validate(value: &Value, schema: &[u8]) -> Result<(), String> {
    let compiled = document::parse(schema).map(Compiled::of);
    let schema = (&Str::from(schema), &compiled);
    hold(value, schema, &mut Warnings::default())
}

/// A chart's schema that was compiled before.
#[derive(Debug, Default)]
pub(crate) struct Cache(OnceLock<Result<Compiled, String>>);

fn hold(
    value: &Value,
    (schema, compiled): (&Str, &Result<Compiled, String>),
    warnings: &mut Warnings,
) -> Result<(), String> {
    let compiled = compiled.as_ref().map_err(String::clone)?;
    let told = || {
        (
            String::from("unmarshalled JSON schema"),
            vec![("schema", schema.clone())],
        )
    };
    warnings.tell(Level::Debug, told);
    for urn in &compiled.unknown {
        let message = "unresolved URN reference ignored; using permissive schema";
        let urn = urn.as_str().into();
        warnings.tell(Level::Warn, || (message.into(), vec![("urn", urn)]));
    }
    let root = compiled.root.clone()?;
    let problem = validate::run(&compiled.schemas, root, value)?;
    match problem {
        None => Ok(()),
        Some(problem) => {
            // The first line says nothing that Helm's own does not.
            let shown = problem.show();
            let text = shown.split_once('\n').map_or("", |(_, rest)| rest);
            Err(format!("{text}\n"))
        }
    }
}

#[cfg(test)]
mod tests;
