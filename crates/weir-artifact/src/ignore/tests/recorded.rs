//! What Flux's own matcher leaves out, for odd and for random rules.

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;

const CASES: &str = include_str!("../../../../../tests/conformance/source-ignore/ignore.jsonl");

struct Case {
    spec: Option<String>,
    files: BTreeMap<String, String>,
    kept: String,
}

impl Case {
    fn read(line: &str) -> Self {
        let value: Value = serde_json::from_str(line).expect("is JSON");
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let files = value["files"].as_object().cloned().unwrap_or_default();
        let file = |(folder, contents): (String, Value)| Some((folder, text(&contents)?));
        Self {
            spec: text(&value["spec"]),
            files: files.into_iter().filter_map(file).collect(),
            kept: text(&value["kept"]).expect("is a case"),
        }
    }

    /// The rules as a pass collects them: files of folders before those of folders in them, the spec last.
    fn ignore(&self) -> Ignore {
        let mut ignore = Ignore::new();
        for (folder, text) in &self.files {
            ignore.add(folder, text);
        }
        if let Some(spec) = &self.spec {
            let long = "x".repeat(LONGEST_LINE);
            ignore.add("", &spec.replace("LONG+", "LONGx").replace("LONG", &long));
        }
        ignore.finish()
    }
}

#[test]
fn every_recorded_tree_keeps_what_flux_keeps() {
    let mut lines = CASES.lines();
    let first = lines.next().expect("a tree");
    let first: Value = serde_json::from_str(first).expect("is JSON");
    let tree: Vec<String> = serde_json::from_value(first["tree"].clone()).expect("is a tree");
    let mut count = 0;
    let mut different = Vec::new();
    for line in lines {
        let case = Case::read(line);
        let ignore = case.ignore();
        let keeps = |entry: &String| {
            let path = entry.strip_suffix('/');
            let left_out = ignore.excludes(path.unwrap_or(entry), path.is_some());
            if left_out { '0' } else { '1' }
        };
        let kept: String = tree.iter().map(keeps).collect();
        count += 1;
        if kept != case.kept {
            let entries = tree.iter().zip(kept.chars().zip(case.kept.chars()));
            let names: Vec<_> = entries
                .filter(|(_, (ours, theirs))| ours != theirs)
                .map(|(entry, _)| entry)
                .collect();
            different.push(format!("{line}: {names:?}"));
        }
    }
    assert!(count > 2500, "{count} cases");
    assert!(different.is_empty(), "{}", different.join("\n"));
}
