//! Charts and values that mean harm: each costs little time and memory and fails with a clear error.
//!
//! Time is counted in the engine's steps, which are the same on every machine. The memory of the whole test
//! process stays below a bound, whatever is rendered in it at once.

mod archives;
mod charts;
mod packing;
mod schemas;
mod templates;
mod values;

use std::sync::Arc;

use go_template::{Limits, Map, Type};
use helm::Env;
use helm::capabilities::{Capabilities, KubeVersion};
use helm::chart::{Chart, File};
use helm::render::{Options, Release, Rendered, render};
use nix::sys::resource::{UsageWho, getrusage};

/// What a stranger's chart may cost.
const LIMITS: Limits = Limits {
    fuel: 5_000_000,
    bytes: 32 << 20,
    depth: 10_000,
};

/// The memory of all tests together, in KiB.
const MOST_MEMORY: i64 = 1 << 20;

/// A chart of files; `Chart.yaml` is there if none is given.
pub(crate) fn chart(files: &[(&str, &str)]) -> Result<Chart, String> {
    let file = |(name, text): &(&str, &str)| File {
        name: (*name).to_owned(),
        data: (*text).into(),
    };
    let mut files: Vec<File> = files.iter().map(file).collect();
    if !files.iter().any(|it| it.name == "Chart.yaml") {
        let text = "apiVersion: v2\nname: c\nversion: 0.1.0\n";
        files.push(file(&("Chart.yaml", text)));
    }
    Chart::from_directory(files).map_err(|error| error.to_string())
}

pub(crate) fn env() -> Env {
    Env {
        now: Arc::new(|| (0, 0)),
        random: Arc::new(|bytes| {
            let mut state = 0x9E37_79B9_7F4A_7C15_u64;
            for byte in bytes {
                state = state
                    .wrapping_mul(0x5851_F42D_4C95_7F2D)
                    .wrapping_add(0x1405_7B7E_F767_814F);
                *byte = (state >> 56) as u8;
            }
        }),
        lookup: None,
        resolve: None,
    }
}

pub(crate) fn options() -> Options {
    Options {
        release: Release {
            name: String::from("rel"),
            namespace: String::from("ns"),
            revision: 1,
            is_upgrade: false,
        },
        capabilities: Capabilities {
            kube_version: KubeVersion::default(),
            api_versions: Vec::new(),
            asked: false,
        },
        skip_schema: false,
        sub_notes: false,
        limits: LIMITS,
        post_render: None,
    }
}

/// Renders files of a chart with a text of values.
pub(crate) fn rendered(files: &[(&str, &str)], values: &str) -> Result<Rendered, String> {
    let chart = Arc::new(chart(files)?);
    let values = match values {
        "" => Map::new(&Type::MAP),
        text => helm::chart::load_values(text.as_bytes()).map_err(|it| it.to_string())?,
    };
    let rendered = render(&chart, &values, &options(), &env(), &|| false);
    check_memory();
    rendered.map_err(|error| error.to_string())
}

/// As [`rendered`] without values, within other bounds.
pub(crate) fn rendered_within(files: &[(&str, &str)], limits: Limits) -> Result<Rendered, String> {
    let options = Options {
        limits,
        ..options()
    };
    let values = Map::new(&Type::MAP);
    let rendered = render(&Arc::new(chart(files)?), &values, &options, &env(), &|| {
        false
    });
    rendered.map_err(|error| error.to_string())
}

/// What all manifests say.
pub(crate) fn text(rendered: &Rendered) -> String {
    rendered
        .manifests
        .iter()
        .map(|it| it.content.as_str())
        .collect()
}

/// The error of a chart that does harm.
#[track_caller]
pub(crate) fn refused(files: &[(&str, &str)], expect: &str) {
    let error = rendered(files, "").expect_err("refused");
    assert!(error.contains(expect), "{error}");
    assert!(error.len() < 1 << 20, "an error of {} bytes", error.len());
}

#[track_caller]
pub(crate) fn check_memory() {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("the kernel tells it");
    assert!(usage.max_rss() < MOST_MEMORY, "{} KiB", usage.max_rss());
}
