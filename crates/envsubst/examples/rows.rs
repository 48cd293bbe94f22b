//! Runs recorded rows: `rows DIR` reads every `DIR/envsubst*.jsonl` and reports rows with another result.
//!
//! A row is an object with `input`, `vars`, `strict` and one of `expected` and `error`.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a command-line program around the engine"
)]

use std::error::Error;

use envsubst::{Mode, Variables, expand};
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args().nth(1).ok_or("usage: rows DIR")?;
    let (mut passed, mut failed) = (0, 0);
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !(name.starts_with("envsubst") && name.ends_with(".jsonl")) {
            continue;
        }
        for (number, line) in std::fs::read_to_string(&path)?.lines().enumerate() {
            if let Some(difference) = difference(&serde_json::from_str(line)?)? {
                failed += 1;
                println!("{name}:{}: {difference}", number + 1);
            } else {
                passed += 1;
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    std::process::exit(i32::from(failed > 0))
}

fn difference(row: &Value) -> Result<Option<String>, Box<dyn Error>> {
    let input = row["input"].as_str().ok_or("a row without input")?;
    let variables: Variables = serde_json::from_value(row["vars"].clone())?;
    let mode = if row["strict"] == true {
        Mode::Strict
    } else {
        Mode::Lenient
    };
    let (got, expected) = match expand(input, &variables, mode) {
        Ok(text) => (text, &row["expected"]),
        Err(error) => (error.to_string(), &row["error"]),
    };
    if expected.as_str() == Some(got.as_str()) {
        return Ok(None);
    }
    Ok(Some(format!("{input:?}: {got:?}, recorded {row}")))
}
