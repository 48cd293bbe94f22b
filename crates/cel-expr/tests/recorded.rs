//! Every expression against what Flux makes of it, recorded by `hack/gen/cel`.

#![expect(clippy::disallowed_methods, reason = "the recorded cases are files")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use cel_expr::{Expression, Value, Variables};
use serde_json::Value as Json;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/cel")
}

/// Rows that differ on purpose, with the reason.
fn allowed() -> Vec<(String, String)> {
    let text = fs::read_to_string(corpus().join("differs.txt")).expect("the list");
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|line| line.split_once('\t'))
        .map(|(expr, why)| (expr.to_owned(), why.to_owned()))
        .collect()
}

#[test]
fn every_expression_gets_the_value_and_the_words_of_flux() {
    let allowed = allowed();
    let mut used = vec![false; allowed.len()];
    let (mut failures, mut table) = (String::new(), String::new());
    let mut names: Vec<PathBuf> = fs::read_dir(corpus().join("cases"))
        .expect("the cases")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    names.sort();
    for path in names {
        let name = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let input = corpus().join("inputs").join(format!("{name}.cel"));
        let first = fs::read_to_string(input).expect("the input");
        let first = first.lines().next().expect("the variables").to_owned();
        let json: Json = serde_json::from_str(first.trim_start_matches("// ")).expect("JSON");
        let (mut rows, mut equal, mut differs) = (0, 0, 0);
        for line in fs::read_to_string(&path).expect("the cases").lines() {
            let row: Json = serde_json::from_str(line).expect("a row");
            let expr = row["expr"].as_str().expect("an expression");
            for (mode, ours) in ours(expr, &json) {
                rows += 1;
                let theirs = row[mode].as_str().expect("what was recorded");
                if first_issue(&ours) == first_issue(theirs) {
                    equal += 1;
                } else if let Some(at) = allowed
                    .iter()
                    .position(|(known, _)| known == &expr.replace('\n', "⏎"))
                {
                    used[at] = true;
                    differs += 1;
                } else {
                    let _ = writeln!(
                        failures,
                        "{name} {mode}: {expr}\n  ours   {ours}\n  theirs {theirs}"
                    );
                }
            }
        }
        let _ = writeln!(
            table,
            "{name:12} {equal:5} of {rows} equal, {differs} on purpose"
        );
    }
    println!("{table}");
    for ((expr, why), used) in allowed.iter().zip(used) {
        assert!(used, "{expr} is equal now, and need not be allowed: {why}");
    }
    assert!(failures.is_empty(), "{table}\n{failures}");
}

/// A text up to its second issue, where the first is one of syntax: what follows is how a generated parser recovers.
fn first_issue(text: &str) -> &str {
    let second = text.match_indices("\nERROR: ").next();
    let syntax = text.contains(": Syntax error: ");
    second
        .filter(|_| syntax)
        .map_or(text, |(at, _)| &text[..at])
}

fn ours(expr: &str, json: &Json) -> [(&'static str, String); 3] {
    let variables = Variables::fields(json);
    let names: Vec<&str> = json
        .as_object()
        .expect("variables")
        .keys()
        .map(String::as_str)
        .collect();
    let value = |compiled: Result<Expression, cel_expr::CompileError>| match compiled {
        Err(error) => format!("! {error}"),
        Ok(expression) => match expression.evaluate(&variables) {
            Err(error) => format!("! {error}"),
            Ok(value) => format!("= {}", top(&value)),
        },
    };
    let boolean = match Expression::compile_bool(expr, &names) {
        Err(error) => format!("! {error}"),
        Ok(expression) => match expression.evaluate_bool(&variables) {
            Err(error) => format!("! {error}"),
            Ok(value) => format!("= {value}"),
        },
    };
    [
        ("parse", value(Expression::parse(expr))),
        ("compile", value(Expression::compile(expr, &names))),
        ("bool", boolean),
    ]
}

/// What the recorder sees of a result: optional values and types lose theirs.
fn top(value: &Value) -> String {
    match value {
        Value::Optional(None) => "null".to_owned(),
        Value::Optional(Some(inner)) => top(inner),
        other => show(other),
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => format!("{value}u"),
        Value::Double(value) if value.is_infinite() => {
            format!("double {}Inf", if *value > 0.0 { "+" } else { "-" })
        }
        Value::Double(value) => format!("double {value}"),
        Value::String(text) | Value::Type(text) => {
            // As Go's encoder of JSON writes it.
            let text = serde_json::to_string(&**text).expect("text");
            text.replace('<', "\\u003c")
                .replace('>', "\\u003e")
                .replace('&', "\\u0026")
        }
        Value::Bytes(bytes) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("bytes {hex}")
        }
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(show).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) => {
            let mut shown: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{}: {}", show(&key.value()), show(value)))
                .collect();
            shown.sort();
            format!("{{{}}}", shown.join(", "))
        }
        Value::Timestamp(nanos) => {
            let timestamp = jiff::Timestamp::from_nanosecond(*nanos).expect("in range");
            format!("time {timestamp}")
        }
        Value::Duration(nanos) => format!("duration {nanos}"),
        Value::Optional(None) => "none".to_owned(),
        Value::Optional(Some(value)) => format!("optional({})", show(value)),
    }
}
