//! YAML: `toYaml`, `toYamlPretty`, `fromYaml` and their kin.
//!
//! Source: Helm 4.2.4 `pkg/engine/funcs.go`

use std::cell::RefCell;

use go_template::{Call, Failure, Functions, List, Map, Signature, Type, Value};

use super::{Row, add, given};
use crate::yaml;

const PRINT: Signature = Signature::new(&[Type::Any], &Type::String);
const READ_MAP: Signature = Signature::new(&[Type::String], &Type::MAP);
const READ_LIST: Signature = Signature::new(&[Type::String], &Type::LIST);

const ROWS: &[Row] = &[
    ("toYaml", PRINT, |call, args| {
        Ok(printed(call, args)?.unwrap_or_default().into())
    }),
    ("mustToYaml", PRINT, |call, args| {
        match printed(call, args)? {
            Ok(text) => Ok(text.into()),
            Err(error) => Err(Failure::new(error.to_string())),
        }
    }),
    ("toYamlPretty", PRINT, |call, args| {
        let value = args.first().cloned().unwrap_or_default();
        match charged(call, |charge| yaml::to_pretty(&value, charge))? {
            Ok(text) => Ok(trimmed(text).into()),
            Err(kyaml::Error::Invalid(text)) if text.starts_with(yaml::UNMARSHALABLE) => {
                Err(Failure::new(text))
            }
            Err(_) => Ok("".into()),
        }
    }),
    ("fromYaml", READ_MAP, |call, args| {
        let text = given::bytes(args, 0);
        call.budget().bytes(text.len())?;
        let map = Map::new(&Type::MAP);
        if let Err(error) = yaml::read_map_into(text, &map) {
            map.insert("Error".into(), error.to_string().into());
        }
        Ok(Value::Map(map))
    }),
    ("fromYamlArray", READ_LIST, |call, args| {
        let text = given::bytes(args, 0);
        call.budget().bytes(text.len())?;
        Ok(match yaml::read_list(text) {
            Ok(Some(items)) => Value::list(items),
            Ok(None) => Value::List(List::nil(&Type::LIST)),
            Err(error) => Value::list(vec![error.to_string().into()]),
        })
    }),
];

pub(super) fn register(functions: &mut Functions) {
    add(functions, ROWS);
}

/// Prints within the budget, whose failure ends the execution where others are the function's own affair.
fn charged<T>(call: &Call<'_>, print: impl FnOnce(yaml::Charge<'_>) -> T) -> Result<T, Failure> {
    let failure = RefCell::new(None);
    let charge = |bytes: usize| match call.budget().bytes(bytes) {
        Ok(()) => true,
        Err(error) => {
            failure.replace(Some(error));
            false
        }
    };
    let text = print(&charge);
    match failure.into_inner() {
        Some(failure) => Err(failure),
        None => Ok(text),
    }
}

fn printed(call: &Call<'_>, args: &[Value]) -> Result<Result<String, yaml::Error>, Failure> {
    let value = args.first().cloned().unwrap_or_default();
    let text = charged(call, |charge| yaml::to_yaml_within(&value, charge))?;
    Ok(text.map(trimmed))
}

/// A text without its last line break.
fn trimmed(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
    }
    text
}
