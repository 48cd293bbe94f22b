//! The parity page of the chart engine: it names every function that there is, and ticks only what recorded rows of
//! Helm call.
#![expect(
    clippy::disallowed_methods,
    reason = "the page and the rows are files of this repository"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use helm::Env;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What stands in backquotes in the ticked items of a section.
fn ticked(page: &str, section: &str) -> Vec<String> {
    let start = page.find(section).expect("the section is there");
    let text = &page[start + section.len()..];
    let text = &text[..text.find("\n## ").unwrap_or(text.len())];
    let mut names = Vec::new();
    for item in text.split("\n- [").filter(|it| it.starts_with("x] ")) {
        let quoted = item.split('`').skip(1).step_by(2);
        names.extend(quoted.map(str::to_owned));
    }
    names
}

/// The words within the actions of a template, without its texts.
fn words(template: &str, into: &mut BTreeSet<String>) {
    let mut rest = template;
    while let Some((_, after)) = rest.split_once("{{") {
        let (action, left) = after.split_once("}}").unwrap_or((after, ""));
        let mut plain = String::new();
        let mut quote = None;
        let mut escaped = false;
        for c in action.chars() {
            match quote {
                Some(_) if escaped => escaped = false,
                Some('"') if c == '\\' => escaped = true,
                Some(open) if open == c => quote = None,
                Some(_) => {}
                None if c == '"' || c == '`' => {
                    quote = Some(c);
                    plain.push(' ');
                }
                None => plain.push(c),
            }
        }
        let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.' || c == '$');
        into.extend(plain.split(word).map(str::to_owned));
        rest = left;
    }
}

/// All words that recorded rows use in actions.
fn recorded() -> BTreeSet<String> {
    let folder = root().join("tests/conformance/helm/templates");
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("rows") {
        let text = fs::read_to_string(entry.expect("a file").path()).expect("a text");
        for line in text.lines() {
            let row: serde_json::Value = serde_json::from_str(line).expect("a row");
            let further = row.get("templates").and_then(|it| it.as_object());
            let further = further.into_iter().flatten().map(|(_, text)| text);
            for text in row.get("template").into_iter().chain(further) {
                words(text.as_str().expect("a text"), &mut found);
            }
        }
    }
    found
}

fn page() -> String {
    fs::read_to_string(root().join("docs/parity/helm-engine.md")).expect("the page")
}

#[test]
fn the_page_names_every_function() {
    let env = Env {
        now: Arc::new(|| (0, 0)),
        random: Arc::new(|buffer| buffer.fill(0)),
        lookup: None,
        resolve: None,
    };
    let functions = helm::functions::all(&env);
    let mut there: Vec<&str> = functions.names().collect();
    there.sort_unstable();
    let mut named = ticked(&page(), "## Functions");
    named.sort_unstable();
    assert_eq!(named, there);
    assert_eq!(there.len(), 222);
}

#[test]
fn each_tick_has_a_recorded_row() {
    let recorded = recorded();
    let page = page();
    let functions = ticked(&page, "## Functions");
    let words = ticked(&page, "## Language").into_iter().filter(|it| {
        it.len() > 1
            && it.chars().all(char::is_alphabetic)
            && !matches!(it.as_str(), "fmt" | "missingkey")
    });
    let missing: Vec<String> = functions
        .into_iter()
        .chain(words)
        .filter(|name| !recorded.contains(name))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}
