//! Rows of `values/` on files: what is loaded of them, what is left out, how manifests are split and sorted.

use std::collections::BTreeMap;

use go_template::{Str, Value};
use helm::chart::{Chart, File, Limits, Metadata, Rules};
use helm::manifest::{INSTALL_ORDER, UNINSTALL_ORDER, sort_manifests, split_manifests};
use serde_json::{Value as Json, json};

use crate::rows::{Outcome, decoded, expected, text};
use crate::set_rows::shown;

/// The files of a row.
fn files(row: &Json) -> Vec<File> {
    let mut files: Vec<File> = Vec::new();
    let entries = |key: &str| {
        row.get(key)
            .and_then(Json::as_object)
            .cloned()
            .unwrap_or_default()
    };
    for (name, contents) in entries("files") {
        let data = Str::from(contents.as_str().unwrap_or_default());
        files.push(File { name, data });
    }
    for (name, contents) in entries("filesB64") {
        let data = Str::from(decoded(contents.as_str().unwrap_or_default()));
        files.push(File { name, data });
    }
    files
}

/// The chart of a row's files, as a directory named `chart`.
pub(crate) fn directory(row: &Json) -> Result<Chart, String> {
    chart_of(files(row))
}

/// The chart of a directory's files, read in the order of a walk with sorted names.
pub(crate) fn chart_of(mut all: Vec<File>) -> Result<Chart, String> {
    all.sort_by(|a, b| a.name.split('/').cmp(b.name.split('/')));
    let ignored = all.iter().find(|file| file.name == ".helmignore");
    let text = ignored.map_or_else(String::new, |file| file.data.lossy().into_owned());
    if !all.iter().any(|file| file.name == "Chart.yaml") {
        return Err("unable to detect chart at chart/Chart.yaml: open chart/Chart.yaml: no such file or directory".into());
    }
    let mut rules = Rules::parse(&text).map_err(|error| error.to_string())?;
    rules.add_defaults();
    let mut kept = Vec::new();
    'files: for mut file in all {
        for (at, _) in file.name.match_indices('/') {
            if rules.ignores(&file.name[..at], true) {
                continue 'files;
            }
        }
        if !rules.ignores(&file.name, false) {
            let data = file.data.strip_prefix(b"\xEF\xBB\xBF").map(Str::from);
            file.data = data.unwrap_or(file.data);
            kept.push(file);
        }
    }
    Chart::from_directory(kept).map_err(|error| error.to_string())
}

/// Whether a path is left out.
pub(crate) fn ignore(row: &Json) -> Outcome {
    let rules = Rules::parse(&text(row, "rules")).map_err(|error| error.to_string());
    let found = rules.map(|mut rules| {
        if row.get("defaults").and_then(Json::as_bool) == Some(true) {
            rules.add_defaults();
        }
        let directory = row.get("isDir").and_then(Json::as_bool) == Some(true);
        rules.ignores(&text(row, "path"), directory).to_string()
    });
    Outcome {
        expected: expected(row, "ignored"),
        found,
    }
}

fn metadata(metadata: &Metadata) -> Json {
    let mut map = serde_json::Map::new();
    let mut put = |key: &str, value: Json| {
        let empty = match &value {
            Json::Null => true,
            Json::Bool(value) => !value,
            Json::String(text) => text.is_empty(),
            Json::Array(items) => items.is_empty(),
            Json::Object(map) => map.is_empty(),
            Json::Number(_) => false,
        };
        if !empty {
            map.insert(key.to_owned(), value);
        }
    };
    for (key, text) in [
        ("name", &metadata.name),
        ("home", &metadata.home),
        ("version", &metadata.version),
        ("description", &metadata.description),
        ("icon", &metadata.icon),
        ("apiVersion", &metadata.api_version),
        ("condition", &metadata.condition),
        ("tags", &metadata.tags),
        ("appVersion", &metadata.app_version),
        ("kubeVersion", &metadata.kube_version),
        ("type", &metadata.kind),
    ] {
        put(key, text.as_str().into());
    }
    put("sources", metadata.sources.clone().into());
    put("keywords", metadata.keywords.clone().into());
    put("deprecated", metadata.deprecated.into());
    let annotations = metadata.annotations.iter().flatten();
    put(
        "annotations",
        annotations
            .map(|(key, value)| (key.clone(), Json::from(value.as_str())))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    );
    let dependencies = metadata.dependencies.iter().flatten().flatten();
    let names: Vec<Json> = dependencies.map(|it| json!(it.name)).collect();
    put("dependencies", names.into());
    let maintainers = metadata.maintainers.iter().flatten();
    let names: Vec<Json> = maintainers.map(|it| json!(it.name)).collect();
    put("maintainers", names.into());
    Json::Object(map)
}

/// What the rows tell of a chart, as far as this crate keeps it.
fn loaded(chart: &Chart) -> Json {
    let names = |files: &[File]| {
        let mut names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        names.sort_unstable();
        json!(names)
    };
    let values = chart.values.clone().map_or(Value::Nil, Value::Map);
    let mut dependencies: Vec<Json> = chart.dependencies.iter().map(|it| loaded(it)).collect();
    dependencies.sort_by_key(|it| it["metadata"]["name"].to_string());
    json!({
        "metadata": metadata(&chart.metadata),
        "values": shown(&values),
        "templates": names(&chart.templates),
        "files": names(&chart.files),
        "dependencies": dependencies,
        "schema": chart.schema.as_ref().map_or_else(String::new, |it| it.lossy().into_owned()),
    })
}

/// A row's form of the same.
fn recorded(loaded: &Json) -> Json {
    let mut metadata = loaded["metadata"].clone();
    for key in ["dependencies", "maintainers"] {
        if let Some(Json::Array(items)) = metadata.get_mut(key) {
            for item in items {
                *item = item.get("name").cloned().unwrap_or_else(|| json!(""));
            }
        }
    }
    let items = loaded["dependencies"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let mut dependencies: Vec<Json> = items.iter().map(recorded).collect();
    dependencies.sort_by_key(|it| it["metadata"]["name"].to_string());
    let values = helm::yaml::read_json(loaded["values"].to_string().as_bytes()).unwrap_or_default();
    let names = |key: &str| match &loaded[key] {
        Json::Null => json!([]),
        names => names.clone(),
    };
    json!({
        "metadata": metadata,
        "values": shown(&values),
        "templates": names("templates"),
        "files": names("files"),
        "dependencies": dependencies,
        "schema": loaded.get("schema").and_then(Json::as_str).unwrap_or_default(),
    })
}

/// A chart of files or of an archive.
pub(crate) fn load(row: &Json) -> Outcome {
    let archive = row.get("tgz").and_then(Json::as_str);
    let chart = match archive.filter(|it| !it.is_empty()) {
        Some(archive) => {
            let limits = Limits::default();
            // The rows come from the loader of charts of version 2, which does not look at the version first.
            let files = helm::chart::unpack(&decoded(archive), &limits);
            files
                .map_err(|error| error.to_string())
                .and_then(|files| Chart::from_files(files).map_err(|error| error.to_string()))
        }
        None => directory(row),
    };
    Outcome {
        expected: expected(row, "loaded").map(|_| recorded(&row["loaded"]).to_string()),
        found: chart.map(|chart| loaded(&chart).to_string()),
    }
}

/// Documents of a text.
pub(crate) fn split(row: &Json) -> Outcome {
    let manifest = text(row, "manifest");
    Outcome {
        expected: expected(row, "documents"),
        found: Ok(json!(split_manifests(&manifest)).to_string()),
    }
}

/// Objects and hooks of files.
pub(crate) fn sort(row: &Json) -> Outcome {
    let files: BTreeMap<String, String> = row["files"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, text)| (name.clone(), text.as_str().unwrap_or_default().to_owned()))
        .collect();
    let order = match text(row, "order").as_str() {
        "uninstall" => UNINSTALL_ORDER,
        _ => INSTALL_ORDER,
    };
    let sorted = sort_manifests(&files, order).map_err(|error| error.to_string());
    let found = sorted.map(|sorted| {
        let hooks: Vec<Json> = sorted.hooks.iter().map(|it| json!(it.manifest)).collect();
        let manifests: Vec<Json> = sorted
            .manifests
            .iter()
            .map(|it| json!(it.content))
            .collect();
        json!({"hooks": hooks, "manifests": manifests}).to_string()
    });
    let contents = |key: &str, field: &str| -> Vec<Json> {
        let items = row[key].as_array().into_iter().flatten();
        items
            .map(|it| it.get(field).cloned().unwrap_or_else(|| it.clone()))
            .collect()
    };
    let wanted = || json!({"hooks": contents("hooks", "manifest"), "manifests": contents("manifests", "content")});
    Outcome {
        expected: expected(row, "order").map(|_| wanted().to_string()),
        found,
    }
}
