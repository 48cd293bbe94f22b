//! How long loading and rendering take within a process: `render_speed QUESTIONS.jsonl`.
//!
//! A question is `{"bench": chart, "valuesFiles": […], "kubeVersion": …, "isUpgrade": …}`; the answer, a line each,
//! is `{"load_ms", "first_ms", "again_ms"}`, the last one being the median of further renderings.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program that reads files and clocks for the engine"
)]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use go_template::{Limits, Map};
use helm::Env;
use helm::capabilities::{Capabilities, KubeVersion};
use helm::chart::{Chart, File};
use helm::render::{Options, Release, render};
use serde_json::{Value as Json, json};

/// A chart is rendered again until this many milliseconds are over, or so often.
const ENOUGH: (f64, usize) = (2_000.0, 200);

fn main() -> Result<(), Box<dyn Error>> {
    let questions = std::env::args().nth(1).ok_or("give a file of questions")?;
    for line in fs::read_to_string(questions)?.lines() {
        let question: Json = serde_json::from_str(line)?;
        println!("{}", answer(&question)?);
    }
    Ok(())
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn answer(question: &Json) -> Result<Json, Box<dyn Error>> {
    let text = |key: &str| question.get(key).and_then(Json::as_str).unwrap_or_default();
    let values = values(question)?;
    let options = options(question)?;
    let env = env();
    let begin = Instant::now();
    let chart = Arc::new(load(Path::new(text("bench")))?);
    let load_ms = milliseconds(begin);
    let mut times = Vec::new();
    let whole = Instant::now();
    while times.len() < 3 || (milliseconds(whole) < ENOUGH.0 && times.len() < ENOUGH.1) {
        let begin = Instant::now();
        let rendered = render(&chart, &values, &options, &env, &|| false)?;
        times.push(milliseconds(begin));
        drop(rendered);
    }
    let first_ms = times.remove(0);
    times.sort_by(f64::total_cmp);
    let again_ms = times[times.len() / 2];
    Ok(json!({"load_ms": load_ms, "first_ms": first_ms, "again_ms": again_ms}))
}

fn values(question: &Json) -> Result<Map, Box<dyn Error>> {
    let mut options = helm::values::Options::default();
    let files = question.get("valuesFiles").and_then(Json::as_array);
    for path in files.into_iter().flatten().filter_map(Json::as_str) {
        options.files.push((path.to_owned(), fs::read(path)?));
    }
    Ok(options.merge(&mut |_| Err(String::from("no files")))?)
}

fn options(question: &Json) -> Result<Options, Box<dyn Error>> {
    let version = question.get("kubeVersion").and_then(Json::as_str);
    let upgrade = question.get("isUpgrade").and_then(Json::as_bool);
    Ok(Options {
        release: Release {
            name: String::from("rel"),
            namespace: String::from("ns"),
            revision: 1,
            is_upgrade: upgrade.unwrap_or(false),
        },
        capabilities: Capabilities {
            kube_version: KubeVersion::parse(version.unwrap_or("v1.36.0"))?,
            api_versions: Vec::new(),
            asked: false,
        },
        skip_schema: false,
        sub_notes: false,
        limits: Limits::default(),
        post_render: None,
    })
}

fn env() -> Env {
    Env {
        now: Arc::new(|| (1_700_000_000, 0)),
        random: Arc::new(|bytes| {
            for (at, byte) in bytes.iter_mut().enumerate() {
                *byte = (at as u8).wrapping_mul(167).wrapping_add(13);
            }
        }),
        lookup: None,
        resolve: None,
    }
}

fn load(path: &Path) -> Result<Chart, Box<dyn Error>> {
    if path.is_file() {
        let archive = fs::read(path)?;
        return Ok(Chart::from_archive(
            &archive,
            &helm::chart::Limits::default(),
        )?);
    }
    let mut files = Vec::new();
    walk(path, "", &mut files)?;
    Ok(Chart::from_directory(files)?)
}

fn walk(folder: &Path, inside: &str, files: &mut Vec<File>) -> Result<(), Box<dyn Error>> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = format!("{inside}{}", entry.file_name().to_string_lossy());
        match entry.file_type()?.is_dir() {
            true => walk(&entry.path(), &format!("{name}/"), files)?,
            false => files.push(File {
                name,
                data: fs::read(entry.path())?.as_slice().into(),
            }),
        }
    }
    Ok(())
}
