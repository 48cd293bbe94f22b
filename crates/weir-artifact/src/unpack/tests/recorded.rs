//! What Flux makes of odd and hostile archives, and where we differ.
//!
//! Source: fluxcd/pkg/tar v1.2.0, recorded in `tests/conformance/untar`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

/// Archives that Flux takes and we refuse, or take otherwise, and why.
const DIFFERENCES: [(&str, &str); 10] = [
    ("two dots", "no name climbs, of a folder neither"),
    ("two dots at the end", "no name climbs, of a folder neither"),
    ("not UTF-8", "nothing that reads an artifact can name it"),
    ("hard link", "Flux writes an empty file, which nobody means"),
    ("hard link to the outside", "Flux writes an empty file"),
    ("unknown type", "Flux takes it for a file"),
    (
        "PAX size larger than the header's",
        "readers disagree on what is a header then: what is shown is not what is applied",
    ),
    ("PAX global header", "Flux writes an empty file of its name"),
    ("PAX global path", "Flux writes an empty file of its name"),
    ("PAX global size", "Flux writes an empty file of its name"),
];

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Refused,
    /// Path to contents and execute bit; folders have no contents.
    Tree(BTreeMap<String, Option<(Vec<u8>, bool)>>),
}

fn ours(archive: &[u8]) -> (Verdict, String) {
    let tree = match unpack(archive, Limits::default()) {
        Ok(tree) => tree,
        Err(error) => return (Verdict::Refused, error.to_string()),
    };
    let entry = |(path, entry): (String, &file_tree::Entry)| match entry {
        file_tree::Entry::File { bytes, executable } => (path, Some((bytes.to_vec(), *executable))),
        _ => (path, None),
    };
    (
        Verdict::Tree(tree.walk().map(entry).collect()),
        String::new(),
    )
}

fn theirs(recorded: &serde_json::Value) -> Verdict {
    if recorded["error"].is_string() {
        return Verdict::Refused;
    }
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let entry = |entry: &serde_json::Value| {
        let file = entry["dir"] != true;
        let contents = text(&entry["contents"]).into_bytes();
        let file = file.then(|| (contents, entry["executable"] == true));
        (text(&entry["path"]), file)
    };
    let entries = recorded["entries"].as_array().into_iter().flatten();
    Verdict::Tree(entries.map(entry).collect())
}

#[test]
fn archives_are_judged_as_flux_judges_them() {
    let recorded = include_str!("../../../../../tests/conformance/untar/archives.jsonl");
    let mut wrong = Vec::new();
    let mut compared = 0;
    for line in recorded.lines() {
        let recorded: serde_json::Value = serde_json::from_str(line).expect("is JSON");
        let name = recorded["name"].as_str().expect("has a name");
        let archive = recorded["archive"].as_str().expect("has an archive");
        let archive = STANDARD.decode(archive).expect("is base64");
        let ((ours, text), theirs) = (ours(&archive), theirs(&recorded));
        let listed = DIFFERENCES.iter().any(|(listed, _)| *listed == name);
        if (ours == theirs) == listed {
            wrong.push(format!("{name}: {ours:?} {text}, Flux: {theirs:?}"));
        }
        compared += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(compared, 93);
}
