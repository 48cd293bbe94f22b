//! The parity page of GitRepository names only tests and files that there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where its tests are.
const FOLDERS: [&str; 6] = [
    "controllers/source-controller",
    "crates/weir-artifact",
    "crates/weir-auth",
    "crates/weir-git",
    "crates/weir-runtime",
    "tests/component",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The sources' paths, and the names of all tests in them.
fn sources() -> (Vec<String>, BTreeSet<String>) {
    let (mut files, mut names) = (Vec::new(), BTreeSet::new());
    let mut folders: Vec<PathBuf> = FOLDERS.iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("lists").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("reads");
                let found = text.split("#[test]").chain(text.split("#[tokio::test]"));
                names.extend(found.skip(1).filter_map(|rest| {
                    let (_, name) = rest.split_once("fn ")?;
                    Some(name.split_once('(')?.0.to_owned())
                }));
                files.push(path.to_string_lossy().into_owned());
            }
        }
    }
    (files, names)
}

#[test]
fn every_test_and_file_that_the_page_names_is_there() {
    let page = fs::read_to_string(root().join("docs/parity/gitrepository.md")).expect("the page");
    let (files, names) = sources();
    let (mut tests, mut missing) = (0, Vec::new());
    for quoted in page.split('`').skip(1).step_by(2) {
        let words = quoted.split(|c: char| !(c.is_ascii_alphanumeric() || "_-./…".contains(c)));
        for word in words {
            let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_…".contains(c);
            let is_test = word.matches('_').count() >= 3 && word.chars().all(lower);
            let there = if word.ends_with(".rs") {
                files.iter().any(|file| file.ends_with(&format!("/{word}")))
            } else if is_test && !word.starts_with("gotk_") {
                tests += 1;
                match word.strip_suffix('…') {
                    Some(beginning) => names.iter().any(|name| name.starts_with(beginning)),
                    None => names.contains(word),
                }
            } else {
                true
            };
            if !there {
                missing.push(word);
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
    assert!(tests > 60, "{tests} tests are named");
}
