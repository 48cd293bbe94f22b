//! Recording what Helm makes of rows and of whole charts.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};

use super::helm_oracle::Oracle;
use super::record::folders;

/// Where the rows and charts are.
const CORPUS: &str = "tests/conformance/helm";

/// What a row's line begins with, as far as it has that.
const FIRST: [&str; 11] = [
    "template",
    "files",
    "values",
    "templates",
    "mode",
    "input",
    "rules",
    "path",
    "json",
    "yaml",
    "manifest",
];

/// Records all rows and cases: `helm [--binary PATH] [--filter TEXT]`.
///
/// # Errors
/// The program cannot be had or run, a row gives something else each time, or a file cannot be read or written.
pub(super) fn run(binary: Option<PathBuf>, filter: &str) -> Result<()> {
    let mut oracle = Oracle::start(binary)?;
    let mut count = 0;
    for part in ["templates", "yaml", "values"] {
        for entry in fs::read_dir(Path::new(CORPUS).join(part)).context(part)? {
            let path = entry?.path();
            if path.to_string_lossy().contains(filter) {
                count +=
                    rows(&mut oracle, part, &path).with_context(|| path.display().to_string())?;
            }
        }
    }
    println!("recorded {count} rows");
    let mut count = 0;
    for chart in folders(&Path::new(CORPUS).join("cases"))? {
        for case in folders(&chart)? {
            if case.to_string_lossy().contains(filter) {
                record_case(&mut oracle, &case).with_context(|| case.display().to_string())?;
                count += 1;
            }
        }
    }
    println!("recorded {count} cases");
    Ok(())
}

/// What the rows of a file ask for.
fn kind<'a>(part: &str, file: &'a str) -> &'a str {
    match (part, file) {
        ("templates", _) => "",
        (_, "load-archives") => "load",
        (
            _,
            "helmignore" | "load" | "marshal" | "sort-manifests" | "split-manifests" | "strvals"
            | "unmarshal" | "value-flags",
        ) => file,
        _ => "chart",
    }
}

/// Parts of a row that are answers.
fn answers(kind: &str) -> &'static [&'static str] {
    match kind {
        "marshal" => &["yaml"],
        "unmarshal" => &["json"],
        _ => &[
            "expected",
            "typed",
            "notes",
            "coalesced",
            "loaded",
            "documents",
            "hooks",
            "manifests",
            "ignored",
        ],
    }
}

fn rows(oracle: &mut Oracle, part: &str, path: &Path) -> Result<usize> {
    let file = path.file_stem().unwrap_or_default().to_string_lossy();
    let kind = kind(part, &file);
    let mut recorded = String::new();
    let mut count = 0;
    for line in fs::read_to_string(path)?.lines() {
        let row: Map<String, Value> = serde_json::from_str(line)?;
        let asked = question(row, kind);
        let mut with_kind = asked.clone();
        with_kind.insert("kind".into(), kind.into());
        with_kind.insert("coalesce".into(), file.starts_with("coalesce").into());
        let with_kind = Value::from(with_kind);
        let answer = oracle.ask(&with_kind)?;
        if oracle.ask(&with_kind)? != answer {
            bail!("row {} gives something else each time", count + 1);
        }
        recorded.push_str(&with_answer(&asked, &answer, kind)?);
        recorded.push('\n');
        count += 1;
    }
    fs::write(path, recorded)?;
    Ok(count)
}

/// A row without what was answered to it before.
fn question(mut row: Map<String, Value>, kind: &str) -> Map<String, Value> {
    row.remove("error");
    for key in answers(kind) {
        row.remove(*key);
    }
    row
}

/// A row as a line: what is asked, then what is answered.
fn with_answer(asked: &Map<String, Value>, answer: &Value, kind: &str) -> Result<String> {
    let mut fields = Vec::new();
    let mut put = |key: &str, value: &Value| fields.push(format!("\"{key}\": {value}"));
    let first = FIRST.iter().filter_map(|key| asked.get_key_value(*key));
    let then = asked
        .iter()
        .filter(|(key, _)| !FIRST.contains(&key.as_str()));
    for (key, value) in first.chain(then) {
        put(key, value);
    }
    let mut answered = false;
    for key in answers(kind).iter().chain(&["error"]) {
        if let Some(value) = answer.get(key) {
            put(key, value);
            answered = true;
        }
    }
    if !answered || asked.is_empty() {
        bail!("a row without a question or an answer");
    }
    Ok(format!("{{{}}}", fields.join(", ")))
}

/// Writes what a case prints, or its error, and its notes.
fn record_case(oracle: &mut Oracle, case: &Path) -> Result<()> {
    let described = fs::read_to_string(case.join("case.json"))?;
    let mut asked: Value = serde_json::from_str(&described)?;
    let chart = asked["chart"].as_str().context("a case without a chart")?;
    let chart = Path::new(CORPUS).join("charts").join(chart);
    asked["kind"] = "case".into();
    asked["folder"] = json!(std::path::absolute(case)?);
    asked["path"] = json!(std::path::absolute(chart)?);
    let answer = oracle.ask(&asked)?;
    for (file, key) in [
        ("expected.yaml", "expected"),
        ("expected-error.txt", "error"),
        ("expected-notes.txt", "notes"),
    ] {
        let path = case.join(file);
        match answer.get(key).and_then(Value::as_str) {
            Some(text) => fs::write(path, text)?,
            None if path.exists() => fs::remove_file(path)?,
            None => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_answer_gives_way() {
        let row = json!({"template": "a", "values": {}, "expected": "b"});
        let Value::Object(row) = row else {
            unreachable!("is an object")
        };
        let asked = question(row, "");
        let line = with_answer(&asked, &json!({"error": "c"}), "").unwrap();
        assert_eq!(line, r#"{"template": "a", "values": {}, "error": "c"}"#);
    }
}
