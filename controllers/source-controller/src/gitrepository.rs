//! GitRepository: one commit of a Git repository over http, https or ssh.
//!
//! Source: source-controller v1.9 `internal/controller/gitrepository_controller.go`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use weir_api::meta::{Artifact, Condition, GoDuration, reason};
use weir_api::source::v1::{GitProvider, GitRepository, GitRepositorySpec, GitRepositoryStatus};
use weir_artifact::{Location, Published};
use weir_git::{Entry, EntryKind, Purpose, Reference, RemoteOptions, Session, Snapshot};

use crate::context::Context;
use crate::error::{Error, ParseUrlError};
use crate::execute::{self, Tree};
use crate::source::{Fetched, Known, Source, SourceStatus};

mod access;

/// `spec.timeout` where it is absent.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Archiving is our own work and not the server's: its bound is generous.
const ARCHIVE_TIMEOUT: Duration = Duration::from_secs(600);
/// `spec.interval` should it be unreadable, which the CRD rules out.
const INTERVAL: Duration = Duration::from_secs(60);

/// The kind GitRepository.
#[derive(Debug, Clone, Copy, Default)]
pub struct Git;

impl Source for Git {
    type Object = GitRepository;
    type Content = Tree;

    const FOLDER: &'static str = "gitrepository";
    const UNCHANGED: &'static str = reason::GIT_OPERATION_SUCCEEDED;

    fn interval(object: &GitRepository) -> Duration {
        object.spec.interval.duration().unwrap_or(INTERVAL)
    }

    fn check(context: &Context, object: &GitRepository) -> Result<(), Error> {
        let spec = &object.spec;
        if !spec.service_account_name.is_empty() && !context.object_level_identity {
            return Err(Error::FeatureGate);
        }
        if let Some(field) = unsupported(spec) {
            return Err(Error::UnsupportedField(field.to_owned()));
        }
        let parsed = reqwest::Url::parse(&spec.url);
        parsed.map(drop).map_err(|error| Error::ParseUrl {
            url: spec.url.clone(),
            source: ParseUrlError(error.to_string()),
        })
    }

    fn content_changed(object: &GitRepository) -> bool {
        let spec = &object.spec;
        object.status.as_ref().is_none_or(|status| {
            status.observed_ignore != spec.ignore
                || status.observed_recurse_submodules != spec.recurse_submodules
                || status.observed_include != spec.include
                || status.observed_sparse_checkout != spec.sparse_checkout
        })
    }

    fn observe_content(object: &GitRepository, status: &mut GitRepositoryStatus) {
        let spec = &object.spec;
        status.observed_ignore.clone_from(&spec.ignore);
        status.observed_recurse_submodules = spec.recurse_submodules;
        status.observed_include.clone_from(&spec.include);
        status
            .observed_sparse_checkout
            .clone_from(&spec.sparse_checkout);
        status.included_artifacts = Vec::new();
        status.source_verification_mode = None;
    }

    async fn fetch(
        &self,
        context: &Context,
        object: &GitRepository,
        known: &Known,
    ) -> Result<Fetched<Tree>, Error> {
        let options = access::options(context, object).await?;
        let directory = directory(object)?;
        let known = known.clone();
        let spec = object.spec.clone();
        let timeout = spec.timeout.as_ref().map(GoDuration::duration);
        let timeout = timeout.and_then(Result::ok).unwrap_or(TIMEOUT);
        let fetch =
            move |session: &Session| look(&spec, options, &known, directory.path(), session);
        context.git.run(timeout, fetch).await
    }

    async fn store(
        &self,
        context: &Context,
        _object: &GitRepository,
        location: Location,
        content: Tree,
    ) -> Result<Published, Error> {
        let storage = Arc::clone(&context.storage);
        let work =
            move |session: &Session| execute::archive(&storage, &location, session, &content);
        context.git.run(ARCHIVE_TIMEOUT, work).await
    }
}

/// The first field that this version does not serve.
fn unsupported(spec: &GitRepositorySpec) -> Option<&'static str> {
    let fields = [
        (
            spec.provider
                .is_some_and(|provider| provider != GitProvider::Generic),
            "spec.provider",
        ),
        (spec.verify.is_some(), "spec.verify"),
        (spec.recurse_submodules, "spec.recurseSubmodules"),
        (!spec.include.is_empty(), "spec.include"),
    ];
    fields
        .into_iter()
        .find_map(|(set, field)| set.then_some(field))
}

fn reference(spec: &GitRepositorySpec) -> Reference {
    let given = spec.reference.clone().unwrap_or_default();
    Reference::select(
        &given.commit,
        &given.name,
        &given.tag,
        &given.semver,
        &given.branch,
    )
}

/// A folder for one pass, below the system's for temporary files.
fn directory(object: &GitRepository) -> Result<tempfile::TempDir, Error> {
    let namespace = object.namespace().unwrap_or_default();
    tempfile::Builder::new()
        .prefix(&format!("gitrepository-{namespace}-{}-", object.name_any()))
        .tempdir()
        .map_err(Error::CreateDirectory)
}

/// Lists, and fetches if the tip is not the known one. Blocks.
fn look(
    spec: &GitRepositorySpec,
    options: RemoteOptions,
    known: &Known,
    directory: &Path,
    session: &Session,
) -> Result<Fetched<Tree>, Error> {
    let reference = reference(spec);
    let probing = known.revision.is_some() && reference.probes();
    let purpose = if probing || matches!(reference, Reference::Name(_)) {
        Purpose::Probe
    } else {
        Purpose::Clone
    };
    let remote = session.remote(&spec.url, options)?;
    let mut connection = remote.connect(session, purpose)?;
    let resolved = connection.resolve(&reference)?;
    // A recovery is told with the commit's message where upstream has fetched it.
    let may_stand = known.may_stand && (reference.probes() || !known.failing);
    if may_stand
        && let (Some(revision), Some(text)) = (resolved.only(), &known.revision)
        && revision.is(text)
    {
        return Ok(Fetched::Unchanged {
            revision: text.clone(),
            quietly: !reference.probes(),
        });
    }
    let (revision, snapshot) = connection.fetch(&resolved)?;
    let entries = wanted(&snapshot, &spec.sparse_checkout, directory, session)?;
    Ok(Fetched::Content {
        revision: revision.to_string(),
        label: snapshot.commit().subject(),
        content: Tree {
            snapshot,
            entries,
            ignore: spec.ignore.clone(),
        },
    })
}

/// The entries below the listed folders, with the folders above them; all of them if none is listed.
fn wanted(
    snapshot: &Snapshot,
    sparse: &[String],
    directory: &Path,
    session: &Session,
) -> Result<Vec<Entry>, Error> {
    let mut entries = snapshot.entries(session)?;
    if sparse.is_empty() {
        return Ok(entries);
    }
    let mut folders = Vec::new();
    for listed in sparse {
        let folder = clean(listed);
        let exists = |folder: &str| {
            folder.is_empty()
                || entries
                    .binary_search_by(|entry| walk_order(&entry.path, folder))
                    .is_ok()
        };
        match folder.filter(|folder| exists(folder)) {
            Some(folder) => folders.push(folder),
            None => {
                let dir = listed.strip_prefix("./").unwrap_or(listed).to_owned();
                let path = directory
                    .join(dir.trim_start_matches('/'))
                    .display()
                    .to_string();
                return Err(Error::SparseCheckout { dir, path });
            }
        }
    }
    entries.retain(|entry| {
        folders.iter().any(|folder| {
            let above = entry.kind == EntryKind::Dir && is_below(folder, &entry.path);
            above || entry.path == *folder || is_below(&entry.path, folder)
        })
    });
    Ok(entries)
}

/// Whether `path` lies below `folder`; everything lies below the root.
fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty()
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// A listed folder as a path of the tree; nothing for one that leaves it.
fn clean(listed: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in listed.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The order of a walk: component by component.
fn walk_order(left: &str, right: &str) -> std::cmp::Ordering {
    left.split('/').cmp(right.split('/'))
}

impl SourceStatus for GitRepositoryStatus {
    fn conditions_mut(&mut self) -> &mut Vec<Condition> {
        &mut self.conditions
    }

    fn artifact(&self) -> Option<&Artifact> {
        self.artifact.as_ref()
    }

    fn set_artifact(&mut self, artifact: Option<Artifact>) {
        self.artifact = artifact;
    }

    fn observed_generation(&self) -> Option<i64> {
        self.observed_generation
    }

    fn set_observed_generation(&mut self, generation: Option<i64>) {
        self.observed_generation = generation;
    }

    fn set_last_handled(&mut self, request: String) {
        self.last_handled_reconcile_at = request;
    }
}

#[cfg(test)]
mod tests;
