//! What goes into a rendering: the release's name, the chart's path, the user's values, the clock and chance.
//!
//! Source: Helm 4.2.4 `pkg/action/install.go`, `pkg/cli/values/options.go`, `pkg/cmd/helpers.go`

use std::io::Read as _;
use std::net::ToSocketAddrs as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use go_template::Map;
use helm::Env;
use helm::render::name::{Variables, release_name};
use helm::values::Level;

use super::flags::Given;
use super::{Failed, log};

/// Values larger than this are no values.
const MAX_VALUES: u64 = 64 << 20;

/// Labels that Helm keeps for itself.
const SYSTEM_LABELS: [&str; 5] = ["name", "owner", "status", "version", "createdAt"];

/// Refuses what needs a cluster, a registry or somebody else's program.
pub(super) fn refuse(given: &Given) -> Result<(), Failed> {
    if given.is_on("validate") {
        return Err("--validate needs a cluster, and this command renders without one".into());
    }
    match given.text("dry-run").unwrap_or("client") {
        "client" => {}
        "server" => {
            return Err(
                "--dry-run=server needs a cluster, and this command renders without one".into(),
            );
        }
        "unset" => {
            let text = "--dry-run is deprecated and should be replaced with '--dry-run=client'";
            log::say(false, Level::Warn, text, &[]);
        }
        value @ ("1" | "t" | "T" | "TRUE" | "true" | "True") => {
            let text = format!(
                "boolean '--dry-run={value}' flag is deprecated and must be replaced with '--dry-run=client'"
            );
            log::say(false, Level::Warn, &text, &[]);
        }
        value @ ("none" | "0" | "f" | "F" | "FALSE" | "false" | "False") => {
            let text =
                format!("invalid dry-run value ({value:?}). Must be \"server\" or \"client\"");
            return Err(text.into());
        }
        value => {
            let text = format!(
                "invalid dry-run value ({value:?}). Must be \"none\", \"server\", or \"client\""
            );
            return Err(text.into());
        }
    }
    for flag in ["post-renderer", "post-renderer-args"] {
        if given.has(flag) {
            return Err(format!("--{flag}: this command runs no plugins").into());
        }
    }
    Ok(())
}

/// The message about a label that Helm keeps for itself, if `--labels` names one.
pub(super) fn system_label(given: &Given) -> Option<String> {
    let names = given
        .all("labels")
        .iter()
        .filter_map(|it| it.split_once('='));
    let mut names = names.map(|(name, _)| name);
    names.any(|it| SYSTEM_LABELS.contains(&it) || it == "modifiedAt").then(|| {
        format!(
            "user supplied labels contains system reserved label name. System labels: [{} modifiedAt]",
            SYSTEM_LABELS.join(" ")
        )
    })
}

/// The release's name and the chart as it was given.
pub(super) fn name_and_chart<'g>(given: &'g Given, env: &Env) -> Result<(String, &'g str), Failed> {
    let template = given.text("name-template").unwrap_or_default();
    match given.names.as_slice() {
        [chart] if template.is_empty() => Ok((String::from("release-name"), chart)),
        [chart] => {
            let variables: Variables = Arc::new(|name| std::env::var(name).unwrap_or_default());
            Ok((release_name(template, env, &variables)?, chart))
        }
        [_, _] if given.is_on("generate-name") => {
            Err("cannot set --generate-name and also specify a name".into())
        }
        [_, _] if !template.is_empty() => {
            Err("cannot set --name-template and also specify a name".into())
        }
        [name, chart] => Ok((name.clone(), chart)),
        [_, _, more @ ..] => Err(format!(
            "expected at most two arguments, unexpected arguments: {}",
            more.join(", ")
        )
        .into()),
        [] => Err("requires a chart".into()),
    }
}

/// The absolute path of a chart on this disk.
pub(super) fn locate(chart: &str, given: &Given) -> Result<String, Failed> {
    if given.text("repo").is_some_and(|it| !it.is_empty()) {
        return Err(
            "--repo needs the network, and this command uses none: give the path of a chart".into(),
        );
    }
    let chart = chart.trim();
    let absolute = clean(&std::env::current_dir()?.join(chart));
    if std::fs::metadata(chart).is_ok() {
        if given.is_on("verify") {
            return Err("--verify is not supported: this command checks no signatures".into());
        }
        return Ok(absolute);
    }
    if chart.starts_with(['/', '.']) {
        return Err(format!("path {chart:?} not found").into());
    }
    if chart.contains("://") {
        return Err(format!(
            "fetching {chart} needs the network, and this command uses none: give the path of a chart"
        )
        .into());
    }
    match chart.split_once('/') {
        None => Err(format!(
            "non-absolute URLs should be in form of repo_name/path_to_chart, got: {chart}"
        )
        .into()),
        Some((repository, _)) => Err(format!(
            "repo {repository} not found: this command knows no repositories, give the path of a chart"
        )
        .into()),
    }
}

/// A path without `.`, `..` and doubled slashes; links are not asked.
pub(super) fn clean(path: &Path) -> String {
    let mut cleaned = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                cleaned.pop();
            }
            other => cleaned.push(other),
        }
    }
    cleaned.to_string_lossy().into_owned()
}

/// The values of the command line, merged.
pub(super) fn values(given: &Given) -> Result<Map, Failed> {
    let mut files = Vec::new();
    for path in given.all("values") {
        files.push((path.clone(), read(path)?));
    }
    let values = helm::values::Options {
        files,
        json: given.all("set-json").to_vec(),
        set: given.all("set").to_vec(),
        strings: given.all("set-string").to_vec(),
        set_files: given.all("set-file").to_vec(),
        literals: given.all("set-literal").to_vec(),
    };
    let values = values.merge(&mut |path| {
        let text = read(path).map_err(|error| error.to_string())?;
        String::from_utf8(text).map_err(|_| format!("{path} is not UTF-8"))
    })?;
    Ok(values)
}

fn read(path: &str) -> Result<Vec<u8>, Failed> {
    let mut text = Vec::new();
    let scheme = path
        .split_once("://")
        .map(|(scheme, _)| scheme.to_lowercase());
    if path.trim() == "-" {
        std::io::stdin()
            .take(MAX_VALUES + 1)
            .read_to_end(&mut text)?;
    } else if matches!(scheme.as_deref(), Some("http" | "https" | "oci")) {
        return Err(format!("reading {path} needs the network, and this command uses none").into());
    } else {
        let file =
            std::fs::File::open(path).map_err(|it| crate::disk::failed("open", path, &it).text)?;
        file.take(MAX_VALUES + 1)
            .read_to_end(&mut text)
            .map_err(|it| crate::disk::failed("read", path, &it).text)?;
    }
    if text.len() as u64 > MAX_VALUES {
        return Err(format!("{path} is larger than {MAX_VALUES} bytes").into());
    }
    Ok(text)
}

/// The world of a user at a terminal: the clock, chance of the system, and names only where the user allows it.
pub(super) fn env(names: bool) -> Env {
    let resolve = |host: &str| {
        let mut found = (host, 0).to_socket_addrs().into_iter().flatten();
        found
            .next()
            .map_or_else(String::new, |it| it.ip().to_string())
    };
    Env {
        now: Arc::new(|| {
            let since = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            (
                i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
                since.subsec_nanos(),
            )
        }),
        random: Arc::new(|buffer| rand::RngCore::fill_bytes(&mut rand::rng(), buffer)),
        lookup: None,
        resolve: names.then(|| Arc::new(resolve) as helm::Resolve),
    }
}
