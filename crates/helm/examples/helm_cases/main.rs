//! Recorded templates, YAML, values, charts and whole renderings against this crate, counted per group.
//!
//! `helm_cases FOLDER [--filter TEXT] [--verbose]`; the folder has `templates/`, `yaml/`, `values/`, `cases/` with `charts/`, which are folders or archives.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program that reads a corpus and prints counts"
)]

mod cases;
mod chart_rows;
mod load_rows;
mod masked;
mod rows;
mod set_rows;
mod template_rows;
mod yaml_rows;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rows::{Count, Report};

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let mut folder = PathBuf::new();
    let mut report = Report::default();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--filter" => report.filter = args.next().unwrap_or_default(),
            "--verbose" => report.verbose = true,
            other => folder = other.into(),
        }
    }
    // Whatever nests gets its stack from elsewhere; the rows themselves run like a controller's workers do.
    let ran = std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(move || run(&folder, report))
        .map(std::thread::JoinHandle::join);
    match ran {
        Ok(Ok(true)) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn run(folder: &Path, mut report: Report) -> bool {
    for name in names(&folder.join("templates")) {
        report.file(&folder.join("templates"), &name, template_rows::run);
    }
    for (file, run) in [
        ("marshal", yaml_rows::marshal as rows::Run),
        ("unmarshal", yaml_rows::unmarshal),
    ] {
        report.file(&folder.join("yaml"), file, run);
    }
    for (file, run) in [
        ("chart-api-versions", chart_rows::run as rows::Run),
        ("charts", chart_rows::run),
        ("coalesce-global", chart_rows::run),
        ("coalesce-misc", chart_rows::run),
        ("coalesce-single", chart_rows::run),
        ("coalesce-subchart", chart_rows::run),
        ("dependencies", chart_rows::run),
        ("helm-testcharts", chart_rows::run),
        ("helmignore", load_rows::ignore),
        ("load", load_rows::load),
        ("load-archives", load_rows::load),
        ("schema", chart_rows::run),
        ("sort-manifests", load_rows::sort),
        ("split-manifests", load_rows::split),
        ("strvals", set_rows::strvals),
        ("value-flags", set_rows::flags),
    ] {
        report.file(&folder.join("values"), file, run);
    }
    let mut count = Count::default();
    cases::run(folder, &mut report, &mut count);
    report.group("cases", &count);
    report.total()
}

/// The files of rows in a folder, without their extension.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let name = |path: PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
    let mut names: Vec<String> = entries.filter_map(|it| name(it.path())).collect();
    names.sort();
    names
}
