//! Rows of `templates/`: one template in a small chart, and what the engine makes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use go_template::{Map, Type};
use helm::Env;
use helm::chart::Chart;
use helm::render::render_templates;
use serde_json::{Value as Json, json};

use crate::chart_rows::{options, values};
use crate::load_rows;
use crate::rows::{Outcome, expected};

/// A row that takes longer is one that hangs.
const LONGEST: Duration = Duration::from_secs(20);

/// The machine's clock, and bytes that need not be good ones: rows show only the shape of what is random.
fn env() -> Env {
    let state = AtomicU64::new(0x9e37_79b9_7f4a_7c15);
    let random = move |bytes: &mut [u8]| {
        for byte in bytes {
            let mut next = state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            next = (next ^ next >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            next = (next ^ next >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = (next >> 56) as u8;
        }
    };
    let now = || {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let since = since.unwrap_or_default();
        (since.as_secs() as i64, since.subsec_nanos())
    };
    Env {
        now: Arc::new(now),
        random: Arc::new(random),
        lookup: None,
        resolve: None,
    }
}

/// A row as one of a whole chart.
fn chart_row(row: &Json) -> Json {
    let mut whole = row.clone();
    let mut files = serde_json::Map::new();
    let chart = json!({"apiVersion": "v2", "name": "chart", "version": "0.1.0"});
    let chart = row.get("chart").unwrap_or(&chart).to_string();
    files.insert("Chart.yaml".into(), chart.into());
    for key in ["templates", "files"] {
        files.extend(row[key].as_object().cloned().unwrap_or_default());
    }
    files.insert("templates/t.yaml".into(), row["template"].clone());
    whole["files"] = files.into();
    whole
}

fn rendered(row: &Json) -> Result<String, String> {
    let row = chart_row(row);
    let options = options(&row)?;
    let values: Map = values(&row)?;
    let chart: Arc<Chart> = Arc::new(load_rows::directory(&row)?);
    let begin = Instant::now();
    let over = || begin.elapsed() > LONGEST;
    let files = render_templates(&chart, &values.retyped(&Type::MAP), &options, &env(), &over);
    let files = files.map_err(|it| it.to_string())?;
    let name = format!("{}/templates/t.yaml", chart.metadata.name);
    Ok(files
        .get(&name)
        .map(|it| it.lossy().into_owned())
        .unwrap_or_default())
}

/// Renders the template of a row.
pub(crate) fn run(row: &Json) -> Outcome {
    Outcome {
        expected: expected(row, "expected"),
        found: rendered(row),
    }
}
