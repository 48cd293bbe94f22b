//! Rows of JSON, and how many of them come out as recorded.

use std::path::Path;

use serde_json::Value as Json;

/// What a row should give, and what it gives: an output, or an error.
pub(crate) struct Outcome {
    pub(crate) expected: Result<String, String>,
    pub(crate) found: Result<String, String>,
}

/// Runs a row.
pub(crate) type Run = fn(&Json) -> Outcome;

/// Counts of a group.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    pub(crate) rows: usize,
    pub(crate) passed: usize,
    pub(crate) errors: usize,
    pub(crate) errors_passed: usize,
}

/// What is printed.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) filter: String,
    pub(crate) verbose: bool,
    all: Count,
}

impl Report {
    /// Runs all rows of a file.
    pub(crate) fn file(&mut self, folder: &Path, name: &str, run: Run) {
        let part = folder
            .file_name()
            .and_then(|it| it.to_str())
            .unwrap_or_default();
        let group = format!("{part}/{name}");
        if !group.contains(&self.filter) {
            return;
        }
        let Ok(text) = std::fs::read_to_string(folder.join(format!("{name}.jsonl"))) else {
            return;
        };
        let mut count = Count::default();
        for (number, line) in text.lines().enumerate() {
            let row: Json = match serde_json::from_str(line) {
                Ok(row) => row,
                Err(error) => {
                    println!("{group}:{}: {error}", number + 1);
                    count.rows += 1;
                    continue;
                }
            };
            self.judge(&format!("{group}:{}", number + 1), &run(&row), &mut count);
        }
        self.group(&group, &count);
    }

    /// Counts an outcome, and tells of one that is not as recorded.
    pub(crate) fn judge(&self, place: &str, outcome: &Outcome, count: &mut Count) {
        let passed = outcome.expected == outcome.found;
        count.rows += 1;
        count.passed += usize::from(passed);
        if outcome.expected.is_err() {
            count.errors += 1;
            count.errors_passed += usize::from(passed);
        }
        if !passed && self.verbose {
            println!(
                "{place}\n  expected {:?}\n  found    {:?}",
                outcome.expected, outcome.found
            );
        }
    }

    /// Prints the counts of a group.
    pub(crate) fn group(&mut self, name: &str, count: &Count) {
        if count.rows == 0 {
            return;
        }
        println!("{}", line(name, count));
        self.all.rows += count.rows;
        self.all.passed += count.passed;
        self.all.errors += count.errors;
        self.all.errors_passed += count.errors_passed;
    }

    /// Prints the sum; whether all came out as recorded.
    pub(crate) fn total(&self) -> bool {
        println!("{}", line("all", &self.all));
        self.all.passed == self.all.rows
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        return 100.0;
    }
    100.0 * part as f64 / whole as f64
}

fn line(name: &str, count: &Count) -> String {
    let Count {
        rows,
        passed,
        errors,
        errors_passed,
    } = *count;
    let all = percent(passed, rows);
    let mut line = format!("{name:<28} {passed:>6} of {rows:>6}  {all:>6.2} %");
    if errors > 0 {
        let percent = percent(errors_passed, errors);
        line += &format!("   errors {errors_passed:>5} of {errors:>5}  {percent:>6.2} %");
    }
    line
}

/// What a row says of success and failure.
pub(crate) fn expected(row: &Json, key: &str) -> Result<String, String> {
    match row.get("error").and_then(Json::as_str) {
        Some(error) => Err(error.to_owned()),
        None => Ok(text(row, key)),
    }
}

/// A text of a row; other values as JSON.
pub(crate) fn text(row: &Json, key: &str) -> String {
    match row.get(key) {
        None => String::new(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A list of texts of a row.
pub(crate) fn texts(row: &Json, key: &str) -> Vec<String> {
    let items = row.get(key).and_then(Json::as_array);
    let text = |item: &Json| {
        item.as_str()
            .map_or_else(|| item.to_string(), str::to_owned)
    };
    items.map_or_else(Vec::new, |items| items.iter().map(text).collect())
}

/// Bytes in base64.
pub(crate) fn decoded(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap_or_default()
}
