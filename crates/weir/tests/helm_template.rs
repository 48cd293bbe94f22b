//! `weir helm template` against command lines that were recorded with Helm 4.2.4.

use std::path::Path;

use harness::command_rows::{self, Outcome, Row};

/// What we print where Helm's program prints the same under its own name.
fn under_helms_name(text: &str) -> String {
    text.replace("weir helm template", "helm template")
}

fn differs(row: &Row, charts: &Path) -> Option<String> {
    let program = Path::new(env!("CARGO_BIN_EXE_weir"));
    let got = command_rows::run(program, &["helm", "template"], row, charts).expect("weir runs");
    let got = Outcome {
        stderr: under_helms_name(&got.stderr),
        ..got
    };
    let mut want = row.outcome.clone();
    if let Some(ours) = &row.ours {
        want.stderr.clone_from(ours);
    }
    let args = row.args.join(" ");
    (got != want).then(|| format!("{args}\n  Helm: {want:#?}\n  Weir: {got:#?}"))
}

#[test]
fn command_lines_come_out_as_recorded() {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/helm/commands");
    let rows = command_rows::read(&folder.join("rows.jsonl")).expect("rows");
    assert!(rows.len() > 100, "only {} rows", rows.len());
    let charts = folder.join("charts");
    let different: Vec<String> = rows.iter().filter_map(|it| differs(it, &charts)).collect();
    for text in &different {
        eprintln!("{text}");
    }
    assert!(
        different.is_empty(),
        "{} of {} rows differ",
        different.len(),
        rows.len()
    );
}
