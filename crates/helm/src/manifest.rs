//! Rendered files taken apart: documents, hooks, and the order in which they are installed.
//!
//! Source: Helm 4.2.4 `pkg/release/v1/util/manifest.go`, `manifest_sorter.go`, `kind_sorter.go`

mod head;
mod order;
mod skim;

use std::collections::BTreeMap;

pub use order::{INSTALL_ORDER, UNINSTALL_ORDER};

use crate::yaml;
use head::Head;

/// An object of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The file it comes from.
    pub name: String,
    /// Its text.
    pub content: String,
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
}

/// A hook: an object that is applied at certain times only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// `metadata.name`.
    pub name: String,
    /// `kind`.
    pub kind: String,
    /// The file it comes from.
    pub path: String,
    /// Its text.
    pub manifest: String,
    /// When it is applied: `pre-install`, `test`, …
    pub events: Vec<String>,
    /// Its place among hooks of the same time.
    pub weight: i64,
    /// When it is deleted.
    pub delete_policies: Vec<String>,
    /// When its logs are shown.
    pub output_log_policies: Vec<String>,
}

impl Hook {
    /// Whether it is a test.
    pub fn is_test(&self) -> bool {
        self.events.iter().any(|event| event == "test")
    }
}

/// For fuzzing: what is skimmed of a document is what reading it in full finds.
#[cfg(fuzzing)]
pub fn check_skimming(document: &[u8]) {
    let Some(skimmed) = skim::skim(document) else {
        return;
    };
    let read = Head::read_in_full(document).expect("what is skimmed is valid");
    let told = |head: &Head| {
        let annotations = [HOOK, WEIGHT, DELETE, OUTPUT_LOG].map(|name| head.annotation(name));
        let texts = [&head.api_version, &head.kind, &head.name].map(Clone::clone);
        (texts, annotations)
    };
    assert_eq!(told(&skimmed), told(&read));
}

/// A document that is no object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("YAML parse error on {file}: {error}")]
pub struct ManifestError {
    /// The file.
    pub file: String,
    /// What is wrong.
    pub error: yaml::Error,
}

/// Hooks and objects, each in the order of their kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sorted {
    /// The hooks.
    pub hooks: Vec<Hook>,
    /// The objects.
    pub manifests: Vec<Manifest>,
    /// The times of objects that were left out because nobody knows one of these times.
    pub skipped: Vec<String>,
}

const HOOK: &str = "helm.sh/hook";
const WEIGHT: &str = "helm.sh/hook-weight";
const DELETE: &str = "helm.sh/hook-delete-policy";
const OUTPUT_LOG: &str = "helm.sh/hook-output-log-policy";

const EVENTS: &[&str] = &[
    "pre-install",
    "post-install",
    "pre-delete",
    "post-delete",
    "pre-upgrade",
    "post-upgrade",
    "pre-rollback",
    "post-rollback",
    "test",
];

/// The documents of a text: what stands between lines that begin with `---`. Empty ones vanish.
pub fn split_manifests(text: &str) -> Vec<&str> {
    let text = text.trim_start();
    let mut documents = Vec::new();
    let mut start = 0;
    let mut at = 0;
    loop {
        let here = &text[at..];
        if let Some(rest) = here.strip_prefix("---") {
            push_document(&mut documents, &text[start..at]);
            let rest = rest.trim_start_matches([' ', '\t']);
            start = text.len() - rest.len();
            at = start;
        }
        match text[at..].find('\n') {
            Some(length) => at += length + 1,
            None => break,
        }
    }
    push_document(&mut documents, &text[start..]);
    documents
}

fn push_document<'t>(documents: &mut Vec<&'t str>, document: &'t str) {
    let document = document.trim_start();
    if !document.is_empty() {
        documents.push(document);
    }
}

/// Takes files apart, in the order of their paths, and sorts what is in them by kind.
///
/// # Errors
/// [`ManifestError`].
pub fn sort_manifests(
    files: &BTreeMap<String, String>,
    order: &[&str],
) -> Result<Sorted, ManifestError> {
    let mut sorted = Sorted::default();
    for (path, content) in files {
        let base = path.rsplit('/').next().unwrap_or(path);
        if base.starts_with('_') || content.trim().is_empty() {
            continue;
        }
        for document in split_manifests(content) {
            let head = Head::read(document.as_bytes()).map_err(|error| ManifestError {
                file: path.clone(),
                error,
            })?;
            sorted.take(path, document, head);
        }
    }
    sorted
        .manifests
        .sort_by(|a, b| order::compare(&a.kind, &b.kind, order));
    sorted
        .hooks
        .sort_by(|a, b| order::compare(&a.kind, &b.kind, order));
    Ok(sorted)
}

impl Sorted {
    fn take(&mut self, path: &str, document: &str, head: Head) {
        let Some(events) = head.annotation(HOOK) else {
            self.manifests.push(Manifest {
                name: path.to_owned(),
                content: document.to_owned(),
                api_version: head.api_version,
                kind: head.kind,
            });
            return;
        };
        let known = events.split(',').map(|event| {
            let event = event.trim().to_lowercase();
            match event.as_str() {
                "test-success" => Some(String::from("test")),
                known => EVENTS.contains(&known).then_some(event),
            }
        });
        // An object with a time that nobody knows is left out.
        let Some(known) = known.collect::<Option<Vec<_>>>() else {
            self.skipped.push(events);
            return;
        };
        let values = |annotation: &str| {
            let values = head.annotation(annotation).map(|values| {
                let values = values.split(',').map(|it| it.trim().to_lowercase());
                values.collect()
            });
            values.unwrap_or_default()
        };
        let weight = head.annotation(WEIGHT).and_then(|it| it.parse().ok());
        self.hooks.push(Hook {
            delete_policies: values(DELETE),
            output_log_policies: values(OUTPUT_LOG),
            weight: weight.unwrap_or(0),
            events: known,
            manifest: document.to_owned(),
            path: path.to_owned(),
            name: head.name,
            kind: head.kind,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_begin_at_dashes() {
        assert_eq!(
            split_manifests("---\na: 1\n---\n---\nb: 2\n---"),
            ["a: 1\n", "b: 2\n"]
        );
        assert_eq!(split_manifests("a: 1\n---b: 2"), ["a: 1\n", "b: 2"]);
        assert_eq!(split_manifests("a: 1\n  ---\nb: 2"), ["a: 1\n  ---\nb: 2"]);
        assert!(split_manifests("  \n---\n").is_empty());
    }

    #[test]
    fn hooks_leave_and_kinds_are_sorted() {
        let text = "kind: Service\n---\nkind: Foo\n---\nkind: Namespace\n---\nkind: Job\nmetadata:\n  \
                    annotations:\n    helm.sh/hook: Pre-Install, test\n    helm.sh/hook-weight: '3'\n---\n\
                    kind: Job\nmetadata:\n  annotations:\n    helm.sh/hook: nope\n";
        let files = BTreeMap::from([("a.yaml".to_owned(), text.to_owned())]);
        let sorted = sort_manifests(&files, INSTALL_ORDER).expect("objects");
        let kinds: Vec<&str> = sorted.manifests.iter().map(|it| it.kind.as_str()).collect();
        assert_eq!(kinds, ["Namespace", "Service", "Foo"]);
        assert_eq!(sorted.hooks.len(), 1);
        assert_eq!(sorted.skipped, ["nope"]);
        assert!(sorted.hooks[0].is_test() && sorted.hooks[0].weight == 3);
    }
}
