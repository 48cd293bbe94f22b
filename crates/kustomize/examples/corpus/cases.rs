//! Whole builds: a folder of inputs each, with what kustomize printed.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use file_tree::{FileTree, Limits};
use kustomize::{LoadRestriction, Options, Order, TreeFs};
use serde_json::Value;

use crate::Request;

/// Where messages say that the inputs are.
const MOUNT: &str = "/corpus/input";

/// What messages of the original hold that no rewrite prints.
const GO_ONLY: [&str; 10] = [
    "interface {}",
    "resid.ResId{",
    "<PTR>",
    "MalformedYAMLError",
    "Go struct field",
    "Go value of type",
    "panic:",
    "fatal error",
    "%!",
    "MISSING)",
];

/// The counts of one folder.
#[derive(Default)]
struct Counts {
    builds: usize,
    same: usize,
    same_accumulated: usize,
    failures: usize,
    failing: usize,
    texts: usize,
    same_texts: usize,
    all_same_texts: usize,
}

/// Runs all cases and prints the counts per folder.
pub(crate) fn run(request: &Request) -> io::Result<bool> {
    let mut folders: BTreeMap<String, Counts> = BTreeMap::new();
    let mut good = true;
    for folder in sorted(&request.corpus)? {
        let name = file_name(&folder);
        if name == "units" || !folder.is_dir() {
            continue;
        }
        for case in sorted(&folder)? {
            if !case.join("case.json").is_file() {
                continue;
            }
            let label = format!("{name}/{}", file_name(&case));
            if label.contains(&request.filter) {
                let counts = folders.entry(name.clone()).or_default();
                good &= one(&case, &label, counts, request.verbose)?;
            }
        }
    }
    println!(
        "{:<16} {:>14} {:>14} {:>14} {:>14} {:>14}",
        "folder", "builds", "accumulated", "failures", "texts", "texts (all)"
    );
    let mut total = Counts::default();
    for (name, counts) in &folders {
        print(name, counts);
        total.builds += counts.builds;
        total.same += counts.same;
        total.same_accumulated += counts.same_accumulated;
        total.failures += counts.failures;
        total.failing += counts.failing;
        total.texts += counts.texts;
        total.same_texts += counts.same_texts;
        total.all_same_texts += counts.all_same_texts;
    }
    print("all", &total);
    Ok(good)
}

fn print(name: &str, counts: &Counts) {
    let of = |part: usize, all: usize| format!("{part}/{all}");
    println!(
        "{name:<16} {:>14} {:>14} {:>14} {:>14} {:>14}",
        of(counts.same, counts.builds),
        of(counts.same_accumulated, counts.builds),
        of(counts.failing, counts.failures),
        of(counts.same_texts, counts.texts),
        of(counts.all_same_texts, counts.failures),
    );
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    paths.sort();
    Ok(paths)
}

fn read_optional(path: &Path) -> io::Result<Option<String>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts a folder of the disk into a tree.
fn load(tree: &mut FileTree, folder: &Path, prefix: &str) -> io::Result<()> {
    for path in sorted(folder)? {
        let name = format!("{prefix}{}", file_name(&path));
        let metadata = path.symlink_metadata()?;
        let inserted = if metadata.is_symlink() {
            let target = std::fs::read_link(&path)?;
            tree.insert_symlink(&name, target.to_string_lossy())
        } else if metadata.is_dir() {
            tree.insert_dir(&name).map_err(io::Error::other)?;
            load(tree, &path, &format!("{name}/"))?;
            Ok(())
        } else {
            let bytes = std::fs::read(&path)?;
            match flattened_link(&path, &bytes) {
                Some(target) => tree.insert_symlink(&name, target),
                None => tree.insert_file(&name, bytes, false),
            }
        };
        inserted.map_err(io::Error::other)?;
    }
    Ok(())
}

/// The target of a link that a copy of the corpus has turned into a file of that text.
fn flattened_link(path: &Path, bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let linked = path.to_string_lossy().contains("/load-symlink-");
    (linked && !text.is_empty() && !text.contains(['\n', ' '])).then(|| text.to_owned())
}

fn build(tree: &FileTree, case: &Value, order: Order) -> Result<String, String> {
    let flag = |name: &str| &case["options"][name];
    let load_restriction = match flag("loadRestrictor").as_str() {
        Some("LoadRestrictionsNone") => LoadRestriction::None,
        _ => LoadRestriction::RootOnly,
    };
    let options = Options {
        order,
        load_restriction,
        managed_by_label: flag("managedByLabel").as_bool().unwrap_or_default(),
        ..Options::default()
    };
    let root = format!("{MOUNT}/{}", case["root"].as_str().unwrap_or_default());
    kustomize::build(&TreeFs::new(tree, MOUNT), &root, &options)
        .and_then(|build| build.to_yaml())
        .map_err(|error| format!("Error: {error}").replace(MOUNT, "<INPUT>"))
}

/// Runs one case; says whether it came out as recorded.
fn one(path: &Path, label: &str, counts: &mut Counts, verbose: bool) -> io::Result<bool> {
    let case: Value = serde_json::from_slice(&std::fs::read(path.join("case.json"))?)?;
    let mut tree = FileTree::new(Limits::default());
    load(&mut tree, &path.join("input"), "")?;
    let expected = read_optional(&path.join("expected.yaml"))?;
    let Some(expected) = expected else {
        let text = read_optional(&path.join("expected-error.txt"))?.unwrap_or_default();
        let found = build(&tree, &case, Order::Legacy);
        return Ok(failing(found, &case, (label, &text), counts, verbose));
    };
    let accumulated = read_optional(&path.join("expected-fifo.yaml"))?;
    counts.builds += 1;
    let mut good = true;
    for (order, expected, count) in [
        (Order::Legacy, &expected, &mut counts.same),
        (
            Order::Accumulated,
            accumulated.as_ref().unwrap_or(&expected),
            &mut counts.same_accumulated,
        ),
    ] {
        let found = build(&tree, &case, order);
        if found.as_ref() == Ok(expected) {
            *count += 1;
        } else {
            if verbose && good {
                show(label, expected, &found.unwrap_or_else(|error| error));
            }
            good = false;
        }
    }
    Ok(good)
}

fn failing(
    found: Result<String, String>,
    case: &Value,
    (label, expected): (&str, &str),
    counts: &mut Counts,
    verbose: bool,
) -> bool {
    counts.failures += 1;
    let found = match found {
        Ok(output) => {
            if verbose {
                show(label, expected, &output);
            }
            return false;
        }
        Err(text) => text,
    };
    counts.failing += 1;
    let same = match case["errorPrefix"].as_str() {
        Some(prefix) => found.starts_with(prefix.trim_end()),
        None => found.trim() == expected.trim(),
    };
    counts.all_same_texts += usize::from(same);
    if !GO_ONLY.iter().any(|mark| expected.contains(mark)) {
        counts.texts += 1;
        counts.same_texts += usize::from(same);
        if !same && verbose {
            println!(
                "--- text of {label}\n expected {}\n found    {}",
                expected.trim(),
                found.trim()
            );
        }
    }
    true
}

/// Prints the first difference.
fn show(label: &str, expected: &str, found: &str) {
    println!("--- {label}");
    let mut lines = expected.lines().zip(found.lines()).enumerate();
    match lines.find(|(_, (expected, found))| expected != found) {
        Some((number, (expected, found))) => {
            println!(
                "  line {}\n  expected {expected}\n  found    {found}",
                number + 1
            );
        }
        None => println!(
            "  expected {} lines, found {}",
            expected.lines().count(),
            found.lines().count()
        ),
    }
}
