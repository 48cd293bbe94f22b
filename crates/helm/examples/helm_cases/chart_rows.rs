//! Rows of `values/` that render a whole small chart.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use go_template::{Limits, Map, Value};
use helm::Env;
use helm::capabilities::{Capabilities, KubeVersion};
use helm::chart::Chart;
use helm::render::{Options, Release, Template};
use serde_json::{Value as Json, json};

use crate::load_rows;
use crate::rows::{Outcome, expected, text, texts};
use crate::set_rows::{map_of, merged, shown};

/// A clock that stands where the shared corpus was recorded; what is random in a rendering is not compared.
pub(crate) fn env() -> Env {
    Env {
        now: Arc::new(|| (1_795_211_760, 0)),
        random: Arc::new(chance),
        lookup: None,
        resolve: None,
    }
}

/// Chance that is none, but never the same twice: looking for primes would not end otherwise.
fn chance(buffer: &mut [u8]) {
    static STATE: AtomicU64 = AtomicU64::new(0);
    for bytes in buffer.chunks_mut(8) {
        let mut word = STATE.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bytes.copy_from_slice(&(word ^ (word >> 31)).to_le_bytes()[..bytes.len()]);
    }
}

/// How a row or case wants its chart rendered.
pub(crate) fn options(row: &Json) -> Result<Options, String> {
    let flag = |key: &str| row.get(key).and_then(Json::as_bool) == Some(true);
    let or = |key: &str, default: &str| match text(row, key) {
        given if given.is_empty() => default.to_owned(),
        given => given,
    };
    let version = or("kubeVersion", "v1.36.0");
    let kube_version = KubeVersion::parse(&version)
        .map_err(|error| format!("invalid kube version '{version}': {error}"))?;
    Ok(Options {
        release: Release {
            name: or("release", "rel"),
            namespace: or("namespace", "ns"),
            revision: 1,
            is_upgrade: flag("isUpgrade"),
        },
        capabilities: Capabilities {
            kube_version,
            api_versions: texts(row, "apiVersions"),
            asked: false,
        },
        skip_schema: flag("skipSchemaValidation"),
        sub_notes: flag("subNotes"),
        limits: Limits::default(),
        post_render: None,
    })
}

pub(crate) fn template(row: &Json) -> Template {
    let flag = |key: &str| row.get(key).and_then(Json::as_bool) == Some(true);
    Template {
        include_crds: flag("includeCRDs"),
        skip_tests: flag("skipTests"),
        ..Template::default()
    }
}

/// Numbers of values are floats, whatever they look like in the row.
fn floats(json: &Json) -> Map {
    match helm::yaml::read_json(json.to_string().as_bytes()) {
        Ok(Value::Map(map)) => map,
        _ => map_of(None),
    }
}

pub(crate) fn values(row: &Json) -> Result<Map, String> {
    let merged = merged(row)?;
    Ok(match row.get("values") {
        Some(given) => helm::chart::merge_maps(&floats(given), &merged),
        None => merged,
    })
}

fn rendered(row: &Json) -> Result<String, String> {
    let options = options(row)?;
    let values = values(row)?;
    let chart: Arc<Chart> = Arc::new(load_rows::directory(row)?);
    let (text, rendered) = template(row)
        .run(&chart, &values, &options, (&env(), &|| false))
        .map_err(|error| error.to_string())?;
    let mut all = json!({"text": text});
    if row.get("coalesced").is_some() {
        let seen = helm::render::values_of(&chart, &values, &options);
        let seen = seen.map_err(|error| error.to_string())?;
        all["values"] = shown(&Value::Map(seen)).into();
    }
    if row.get("notes").is_some() {
        all["notes"] = rendered.notes.into();
    }
    Ok(all.to_string())
}

/// Renders the chart of a row.
pub(crate) fn run(row: &Json) -> Outcome {
    let wanted = expected(row, "expected").map(|printed| {
        let mut all = json!({"text": printed});
        if let Some(values) = row.get("coalesced") {
            all["values"] = shown(&Value::Map(floats(values))).into();
        }
        if let Some(notes) = row.get("notes") {
            all["notes"] = notes.clone();
        }
        all.to_string()
    });
    Outcome {
        expected: wanted,
        found: rendered(row),
    }
}
