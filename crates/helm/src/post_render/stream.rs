//! Files as a stream of objects, each marked with its file, and the way back.

use std::collections::BTreeMap;

use kyaml::{Error, Kind, Limits, Node, Style, read_documents};

use crate::manifest::split_manifests;
use crate::yaml::LIMITS;

/// Marks an object with its file.
const FILE: &str = "postrenderer.helm.sh/postrender-filename";

/// What the library marks objects with while it reads, and takes away when it writes.
const MARKS: [&str; 3] = [
    "config.kubernetes.io/index",
    "internal.config.kubernetes.io/index",
    "internal.config.kubernetes.io/seqindent",
];

/// All objects of files, in the order of their paths.
///
/// # Errors
/// The file, and what is wrong with it.
pub(super) fn merge(files: &BTreeMap<String, String>) -> Result<String, String> {
    let mut stream = String::new();
    for (path, text) in files {
        let base = path.rsplit('/').next().unwrap_or(path);
        if base.starts_with('_') || text.trim().is_empty() {
            continue;
        }
        for document in split_manifests(text) {
            let nodes = read(document, &LIMITS).map_err(|it| format!("parsing {path}: {it}"))?;
            for mut node in nodes {
                mark(&mut node, path).map_err(|it| format!("annotating {path}: {it}"))?;
                write(node, &mut stream).map_err(|it| format!("writing merged docs: {it}"))?;
            }
        }
    }
    Ok(stream)
}

/// The files of a stream; what has no mark gets a file of its own.
///
/// # Errors
/// What is wrong.
pub(super) fn split(stream: &str, group: &str) -> Result<BTreeMap<String, String>, String> {
    let nodes = read(stream, &LIMITS);
    let nodes = nodes.map_err(|it| format!("error parsing YAML: {it}"))?;
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for (at, mut node) in nodes.into_iter().enumerate() {
        let path = match (node.annotation(FILE).unwrap_or_default(), group) {
            ("", "") => format!("generated-by-postrender-{at}.yaml"),
            ("", group) => format!("generated-by-postrender-{group}-{at}.yaml"),
            (path, _) => path.to_owned(),
        };
        remove(&mut node, FILE);
        let file = files.entry(path.clone()).or_default();
        write(node, file).map_err(|it| format!("re-writing {path}: {it}"))?;
    }
    Ok(files)
}

/// The objects of a text. Each is a mapping, since the library marks it.
fn read(text: &str, limits: &Limits) -> Result<Vec<Node>, String> {
    let nodes = read_documents(text, limits).map_err(|error| match error {
        error @ Error::Syntax { .. } => format!("MalformedYAMLError: {error}"),
        error => error.to_string(),
    })?;
    for node in &nodes {
        node.expect_kind(Kind::Mapping)
            .map_err(|it| it.to_string())?;
    }
    Ok(nodes)
}

/// Sets the annotation that names an object's file.
fn mark(node: &mut Node, path: &str) -> Result<(), Error> {
    remove_empty(node);
    let place = node.lookup_create(&["metadata", "annotations"], Kind::Mapping)?;
    let mut value = Node::string(path);
    value.set_style(Style::SINGLE_QUOTED);
    match place {
        Some(annotations) => annotations.set_field(FILE, value),
        None => Ok(()),
    }
}

/// Adds an object to a stream, without the library's marks.
fn write(mut node: Node, stream: &mut String) -> Result<(), Error> {
    for name in MARKS {
        remove(&mut node, name);
    }
    remove_empty(&mut node);
    if !stream.is_empty() {
        stream.push_str("---\n");
    }
    stream.push_str(&node.to_styled_document()?);
    Ok(())
}

fn remove(node: &mut Node, annotation: &str) {
    let annotations = node
        .get_mut("metadata")
        .and_then(|it| it.get_mut("annotations"));
    if let Some(annotations) = annotations {
        annotations.remove(annotation);
    }
}

/// Takes annotations and metadata away that say nothing.
fn remove_empty(node: &mut Node) {
    if let Some(metadata) = node.get_mut("metadata")
        && metadata
            .get("annotations")
            .is_some_and(Node::is_null_or_empty)
    {
        metadata.remove("annotations");
    }
    if node.get("metadata").is_some_and(Node::is_null_or_empty) {
        node.remove("metadata");
    }
}
