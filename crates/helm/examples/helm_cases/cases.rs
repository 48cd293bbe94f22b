//! Whole charts with recorded renderings: `charts/` and `cases/`.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use go_template::Str;
use helm::chart::{Chart, File, Limits};
use helm::values;
use serde_json::Value as Json;

use crate::chart_rows::{env, options, template};
use crate::load_rows;
use crate::masked::masked;
use crate::rows::{Count, Outcome, Report, text, texts};

/// Runs all cases that the filter lets through.
pub(crate) fn run(folder: &Path, report: &mut Report, count: &mut Count) {
    let mut charts: HashMap<String, Result<Arc<Chart>, String>> = HashMap::new();
    for case in folders(&folder.join("cases")) {
        for case in folders(&case) {
            let name = case
                .strip_prefix(folder)
                .unwrap_or(&case)
                .display()
                .to_string();
            if !name.contains(&report.filter) {
                continue;
            }
            let Some(description) = read_json(&case.join("case.json")) else {
                continue;
            };
            let file = text(&description, "chart");
            let chart = charts
                .entry(file.clone())
                .or_insert_with(|| load(folder, &file));
            let outcome = case_outcome(&case, &description, chart);
            report.judge(&name, &outcome, count);
        }
    }
}

fn folders(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

fn read_json(path: &Path) -> Option<Json> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn load(folder: &Path, file: &str) -> Result<Arc<Chart>, String> {
    let path = folder.join("charts").join(file);
    if path.is_dir() {
        let mut files = Vec::new();
        gather(&path, "", &mut files).map_err(|error| error.to_string())?;
        return load_rows::chart_of(files).map(Arc::new);
    }
    let archive = std::fs::read(path).map_err(|it| it.to_string())?;
    let chart = Chart::from_archive(&archive, &Limits::default());
    chart.map(Arc::new).map_err(|error| error.to_string())
}

/// All files below a folder.
fn gather(folder: &Path, inside: &str, files: &mut Vec<File>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let own = path.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{inside}{own}");
        if path.is_dir() {
            gather(&path, &format!("{name}/"), files)?;
            continue;
        }
        let data = Str::from(std::fs::read(&path)?);
        files.push(File { name, data });
    }
    Ok(())
}

fn case_outcome(case: &Path, description: &Json, chart: &Result<Arc<Chart>, String>) -> Outcome {
    let recorded = |name: &str| std::fs::read_to_string(case.join(name));
    let expected = match (recorded("expected.yaml"), recorded("expected-error.txt")) {
        (Ok(text), _) => Ok(text),
        (_, Ok(error)) => Err(error.trim_end_matches('\n').to_owned()),
        _ => Err(String::from("nothing is recorded")),
    };
    let notes = recorded("expected-notes.txt").ok();
    let with_notes = |text: String, notes: Option<String>| match notes {
        Some(notes) => format!("{text}=== NOTES ===\n{notes}"),
        None => text,
    };
    let found = rendered(case, description, chart);
    let found = found.map(|(text, found_notes)| {
        with_notes(
            masked(&text, description),
            notes.as_ref().map(|_| found_notes),
        )
    });
    Outcome {
        expected: expected
            .map(|text| with_notes(masked(&text, description), notes))
            .map_err(|error| error.trim_end().to_owned()),
        found: found.map_err(|error| error.trim_end().to_owned()),
    }
}

fn rendered(
    case: &Path,
    description: &Json,
    chart: &Result<Arc<Chart>, String>,
) -> Result<(String, String), String> {
    let chart = chart.as_ref().map_err(String::clone)?;
    let mut given = values::Options::default();
    for name in texts(description, "values") {
        let text = std::fs::read(case.join(&name)).map_err(|error| error.to_string())?;
        given.files.push((name, text));
    }
    let values = given
        .merge(&mut |path| Err(format!("open {path}")))
        .map_err(|error| error.to_string())?;
    let options = options(description)?;
    let run = template(description).run(chart, &values, &options, (&env(), &|| false));
    let (text, rendered) = run.map_err(|error| error.to_string())?;
    Ok((text, rendered.notes))
}
