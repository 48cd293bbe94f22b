//! Rules for the pages of docs/parity: what they name is there.

use super::workspace::{SourceFile, Workspace};
use super::{Finding, finding};

/// Underscores from which on a name without a file, and whole, is that of a test.
const UNDERSCORES: usize = 3;
/// Beginnings of names of metrics, which are long too.
const METRICS: [&str; 3] = ["controller_runtime_", "gotk_", "rest_client_"];

/// Files and tests that a page names in backticks are there: `place.rs`, `place.rs: name`, `name`, where `…` stands for
/// the rest of a name.
pub(super) fn named_tests_are_there(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for page in &workspace.pages {
        let quotes = page.text.split('`').skip(1).step_by(2);
        let missing = quotes.filter_map(|quote| missing(workspace, quote));
        findings.extend(missing.map(|text| finding(&page.path, text)));
    }
    findings
}

/// What a quote names that is not there.
fn missing(workspace: &Workspace, quote: &str) -> Option<String> {
    let (before, last) = quote.rsplit_once(": ").unwrap_or(("", quote));
    let [place, name] = match () {
        () if is_file(last) => [last, ""],
        () if is_file(before) => [before, last],
        () => ["", last],
    };
    // The tests of a file may be in files of their own.
    let stem = place.strip_suffix(".rs").unwrap_or(place);
    let tests = [format!("/{stem}/tests.rs"), format!("/{stem}/tests/")];
    let is_there = |file: &&SourceFile| {
        let path = format!("/{}", file.path);
        let is_it = place.is_empty() || path.ends_with(&format!("/{place}"));
        is_it || tests.iter().any(|tests| path.contains(tests))
    };
    let files: Vec<&SourceFile> = workspace.files.iter().filter(is_there).collect();
    if files.is_empty() {
        return Some(format!("there is no file {place}"));
    }
    let beginning = name.strip_suffix('…');
    let function = match beginning {
        Some(beginning) => format!("fn {beginning}"),
        None => format!("fn {name}("),
    };
    let is_told = !place.is_empty() || beginning.is_some();
    let is_test = is_test(beginning.unwrap_or(name), is_told);
    let is_found = files.iter().any(|file| file.text.contains(&function));
    (is_test && !is_found).then(|| format!("there is no test {quote}"))
}

fn is_file(text: &str) -> bool {
    text.ends_with(".rs") && !text.contains([' ', '*', '{', '<'])
}

fn is_test(name: &str, is_told: bool) -> bool {
    let least = if is_told { 1 } else { UNDERSCORES };
    let plain = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_';
    name.matches('_').count() >= least
        && name.chars().all(plain)
        && !METRICS.iter().any(|metric| name.starts_with(metric))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_tests_that_are_not_there_are_found() {
        let file = |path: &str, text: &str| SourceFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let finds = |text: &str| {
            let workspace = Workspace {
                packages: Vec::new(),
                files: vec![
                    file("crates/a/tests/b.rs", "async fn it_does_what_it_says() {}"),
                    file("crates/a/tests/b/tests.rs", "fn it_does_more() {}"),
                ],
                pages: vec![file("docs/parity/a.md", text)],
            };
            named_tests_are_there(&workspace).len()
        };
        for good in [
            "`b.rs`, `tests/b.rs: it_does_what_it_says`, `b.rs: it_does_more`",
            "`a: it_does_what…`, `it_does_what_it…`, `gotk_not_a_test`, `spec.ref`, `a_b`",
        ] {
            assert_eq!(finds(good), 0, "{good}");
        }
        for bad in [
            "`c.rs`",
            "`xb.rs`",
            "`b.rs: it_does_what_it`",
            "`b.rs: it_does_not…`",
            "`it_does_not_do_it…`",
            "`a: it_does_not_do_it`",
        ] {
            assert_eq!(finds(bad), 1, "{bad}");
        }
    }
}
