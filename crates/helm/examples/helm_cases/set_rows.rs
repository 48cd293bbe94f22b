//! Rows of `values/strvals` and `values/value-flags`.

use std::fmt::Write as _;

use go_template::{Map, Type, Value};
use helm::json::value_of;
use helm::strvals::{self, Mode};
use helm::values::Options;
use helm::yaml;
use serde_json::Value as Json;

use crate::rows::{Outcome, expected, text, texts};

pub(crate) fn map_of(json: Option<&Json>) -> Map {
    match json.map(value_of) {
        Some(Value::Map(map)) => map,
        _ => Map::new(&Type::MAP),
    }
}

/// A value with its types, as the rows write them.
fn typed(value: &Value, out: &mut String) {
    let quoted = |text: &str| Json::from(text).to_string();
    let _ = match value {
        Value::Nil => write!(out, "null"),
        Value::Bool(value) => write!(out, "bool({value})"),
        Value::Int(_, value) => write!(out, "int64({value})"),
        Value::Float(value) => write!(out, "float64({})", kyaml::to_go_json(&Json::from(*value))),
        Value::Str(text) => write!(out, "string({})", quoted(&text.lossy())),
        Value::List(list) => {
            out.push('[');
            for (at, item) in list.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                typed(&item, out);
            }
            write!(out, "]")
        }
        Value::Map(map) => {
            out.push('{');
            for (at, (key, value)) in map.entries().into_iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                let _ = write!(out, "{}:", quoted(&key.lossy()));
                typed(&value, out);
            }
            write!(out, "}}")
        }
        other => write!(out, "{}", other.type_name()),
    };
}

/// Values as YAML, which tells all that matters of them.
pub(crate) fn shown(value: &Value) -> String {
    yaml::to_yaml(value).unwrap_or_else(|error| error.to_string())
}

/// One text of the `--set` family.
pub(crate) fn strvals(row: &Json) -> Outcome {
    let base = row.get("base").cloned().unwrap_or_default().to_string();
    let values = match yaml::read_json(base.as_bytes()) {
        Ok(Value::Map(map)) => map,
        _ => Map::new(&Type::MAP),
    };
    let files = row.get("files").cloned().unwrap_or_default();
    let mut reader = |path: &str| match files.get(path).and_then(Json::as_str) {
        Some(text) => Ok(Value::str(text)),
        None => Err(format!("open {path}: no such file or directory")),
    };
    let mode = match text(row, "mode").as_str() {
        "set" => Mode::Typed,
        "set-string" => Mode::Strings,
        "set-json" => Mode::Json,
        "set-literal" => Mode::Literal,
        _ => Mode::Files(&mut reader),
    };
    let set = strvals::set(&text(row, "input"), &values, mode);
    let found = set.map_err(|error| error.to_string()).map(|()| {
        let value = Value::Map(values);
        if row.get("typed").is_none() {
            return shown(&value);
        }
        let mut out = String::new();
        typed(&value, &mut out);
        out
    });
    let wanted = match row.get("typed") {
        Some(_) => expected(row, "typed"),
        None => expected(row, "expected").map(|_| shown(&value_of(&row["expected"]))),
    };
    Outcome {
        expected: wanted,
        found,
    }
}

/// The values that the flags of a row give.
pub(crate) fn merged(row: &Json) -> Result<Map, String> {
    let names = texts(row, "valuesFiles");
    let one = row
        .get("valuesYaml")
        .and_then(Json::as_str)
        .map(str::to_owned);
    let files = names.into_iter().chain(one);
    let options = Options {
        files: files
            .map(|text| ("values.yaml".to_owned(), text.into_bytes()))
            .collect(),
        json: texts(row, "setJson"),
        set: texts(row, "set"),
        strings: texts(row, "setString"),
        set_files: texts(row, "setFile"),
        literals: texts(row, "setLiteral"),
    };
    let contents = row.get("setFileContents").cloned().unwrap_or_default();
    let mut read = |path: &str| match contents.get(path).and_then(Json::as_str) {
        Some(text) => Ok(text.to_owned()),
        None => Err(format!("open {path}: no such file or directory")),
    };
    options.merge(&mut read).map_err(|error| error.to_string())
}

/// All flags together.
pub(crate) fn flags(row: &Json) -> Outcome {
    let wanted = expected(row, "expected").map(|_| shown(&value_of(&row["expected"])));
    Outcome {
        expected: wanted,
        found: merged(row).map(|map| shown(&Value::Map(map))),
    }
}
