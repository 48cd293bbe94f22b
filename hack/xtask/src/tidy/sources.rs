//! Rules for Rust files.

use super::workspace::{SourceFile, Workspace};
use super::{Finding, finding};

/// Lines at which a file needs a reason; tests do not count.
const FILE_LINES: usize = 500;

/// Files that are long for a good reason: tables and generated code.
const LONG_FILES: [(&str, &str); 0] = [];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 7] = [
    "common", "helper", "helpers", "misc", "mod", "util", "utils",
];

/// Attributes that keep a test from showing anything, and code that is not there.
const EVASIONS: [&str; 4] = ["#[ignore", "#[should_panic", "todo!(", "unimplemented!("];

/// A reader learns from the first line what a file is for.
pub(super) fn files_start_with_a_sentence(workspace: &Workspace) -> Vec<Finding> {
    check(workspace, |file| {
        let first = file.text.lines().next().unwrap_or_default();
        let sentence = first
            .strip_prefix("//! ")
            .is_some_and(|text| text.len() > 3);
        (!sentence).then(|| String::from("must open with a `//!` sentence"))
    })
}

/// Size is a tripwire: a long file asks for a reason or a second file.
pub(super) fn files_stay_small(workspace: &Workspace) -> Vec<Finding> {
    check(workspace, |file| {
        let listed = LONG_FILES.iter().any(|(path, _)| *path == file.path);
        let lines = lines_without_tests(file);
        (lines > FILE_LINES && !listed)
            .then(|| format!("{lines} lines; split it, or list it with a reason in tidy"))
    })
}

/// No `mod.rs`, no `utils`.
pub(super) fn names_say_something(workspace: &Workspace) -> Vec<Finding> {
    check(workspace, |file| {
        let path = file.path.strip_suffix(".rs").unwrap_or(&file.path);
        let part = path.split('/').find(|part| EMPTY_NAMES.contains(part))?;
        Some(format!(
            "`{part}` says nothing: name it after what it holds"
        ))
    })
}

/// Tests run and are met; what is not written is not there.
pub(super) fn tests_run(workspace: &Workspace) -> Vec<Finding> {
    check(workspace, |file| {
        let starts = |line: &str| {
            EVASIONS
                .into_iter()
                .find(|it| line.trim_start().starts_with(it))
        };
        let found = file.text.lines().find_map(starts)?;
        Some(format!("no `{found}`"))
    })
}

/// Lines before the module of tests at the end; a file of tests has none.
fn lines_without_tests(file: &SourceFile) -> usize {
    if file.path.ends_with("/tests.rs") || file.path.contains("/tests/") {
        return 0;
    }
    let lines: Vec<&str> = file.text.lines().collect();
    let module = |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ");
    lines.windows(2).position(module).unwrap_or(lines.len())
}

fn check(workspace: &Workspace, rule: impl Fn(&SourceFile) -> Option<String>) -> Vec<Finding> {
    let look = |file: &SourceFile| rule(file).map(|text| finding(&file.path, text));
    workspace.files.iter().filter_map(look).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(path: &str, text: &str) -> Workspace {
        let file = SourceFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        Workspace {
            packages: Vec::new(),
            files: vec![file],
            pages: Vec::new(),
        }
    }

    #[test]
    fn a_file_without_a_sentence_is_found() {
        for text in ["", "use x;\n", "//!\n//! Later.\n", "// A comment.\n"] {
            assert_eq!(
                files_start_with_a_sentence(&sample("a.rs", text)).len(),
                1,
                "{text}"
            );
        }
        assert_eq!(
            files_start_with_a_sentence(&sample("a.rs", "//! Says it.\n")),
            []
        );
    }

    #[test]
    fn a_long_file_is_found_but_its_tests_are_not_counted() {
        let code = "line\n".repeat(FILE_LINES);
        assert_eq!(files_stay_small(&sample("src/a.rs", &code)), []);
        let longer = format!("{code}line\n");
        assert_eq!(files_stay_small(&sample("src/a.rs", &longer)).len(), 1);
        assert_eq!(files_stay_small(&sample("src/a/tests.rs", &longer)), []);
        let tested = format!("{code}#[cfg(test)]\nmod tests {{\n{code}}}\n");
        assert_eq!(files_stay_small(&sample("src/a.rs", &tested)), []);
    }

    #[test]
    fn empty_names_are_found() {
        for path in ["src/mod.rs", "src/utils.rs", "src/helpers/a.rs"] {
            assert_eq!(names_say_something(&sample(path, "")).len(), 1, "{path}");
        }
        assert_eq!(names_say_something(&sample("src/commonness.rs", "")), []);
    }

    #[test]
    fn tests_that_do_not_run_are_found() {
        for evasion in EVASIONS {
            let text = format!("//! A.\n    {evasion}\n");
            assert_eq!(tests_run(&sample("src/a.rs", &text)).len(), 1, "{evasion}");
        }
        assert_eq!(tests_run(&sample("src/a.rs", "// no #[ignore] here\n")), []);
    }
}
