//! GitRepository: one commit of a Git repository over http, https or ssh.
//!
//! Source: source-controller v1.9 `internal/controller/gitrepository_controller.go`.

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use weir_api::meta::{Artifact, Condition, GoDuration, reason};
use weir_api::source::v1::{GitRepository, GitRepositorySpec, GitRepositoryStatus};
use weir_artifact::{Location, Published};
use weir_git::Session;
use weir_runtime::cache::Change;
use weir_runtime::hub::Store;
use weir_runtime::kind::Key;
use weir_runtime::queue::{Priority, Wake};

use crate::context::Context;
use crate::error::Error;
use crate::execute;
use crate::source::{Fetched, Known, Source, SourceStatus, Verified};
use crate::tree::Tree;

mod access;
mod checkout;
mod include;
mod provider;
mod sparse;
mod verify;

use checkout::Looked;

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
    type Content = Content;

    const FOLDER: &'static str = "gitrepository";
    const UNCHANGED: &'static str = reason::GIT_OPERATION_SUCCEEDED;

    fn interval(object: &GitRepository) -> Duration {
        object.spec.interval.duration().unwrap_or(INTERVAL)
    }

    fn gone(context: &Context, object: &GitRepository) {
        context.token_metrics.forget(&provider::on_behalf(object));
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

    fn observe_content(
        object: &GitRepository,
        included: &[Artifact],
        status: &mut GitRepositoryStatus,
    ) {
        let spec = &object.spec;
        status.observed_ignore.clone_from(&spec.ignore);
        status.observed_recurse_submodules = spec.recurse_submodules;
        status.observed_include.clone_from(&spec.include);
        status
            .observed_sparse_checkout
            .clone_from(&spec.sparse_checkout);
        status.included_artifacts = included.to_vec();
    }

    async fn fetch(
        &self,
        context: &Context,
        object: &GitRepository,
        known: &Known,
    ) -> Result<Fetched<Content>, Error> {
        let options = access::options(context, object).await?;
        let included = include::artifacts(context, object).await?;
        let includes_changed = include::changed(object, &included);
        let mut known = known.clone();
        known.may_stand &= !includes_changed && !verify::is_due(object);
        let job = checkout::Job {
            spec: object.spec.clone(),
            options,
            known,
        };
        let directory = directory(object)?;
        let look = move |session: &Session| checkout::look(&job, directory.path(), session);
        let (revision, label, tree) = match context.git.run(timeout(&object.spec), look).await? {
            Looked::Unchanged { revision, quietly } => {
                return Ok(Fetched::Unchanged { revision, quietly });
            }
            Looked::Fetched {
                revision,
                label,
                tree,
            } => (revision, label, tree),
        };
        let (tree, verified) = verified(context, object, tree).await?;
        Ok(Fetched::Content {
            revision,
            label,
            verified,
            changed: includes_changed,
            included: included.clone(),
            content: Content { tree, included },
        })
    }

    async fn store(
        &self,
        context: &Context,
        object: &GitRepository,
        location: Location,
        content: Content,
    ) -> Result<Published, Error> {
        let storage = Arc::clone(&context.storage);
        let includes = object.spec.include.clone();
        let directory = std::env::temp_dir().join(directory_name(object));
        let work = move |session: &Session| {
            let Content { mut tree, included } = content;
            let directory = directory.display().to_string();
            include::copy(&directory, &storage, &includes, &included, &mut tree)?;
            execute::archive(&storage, &location, session, &tree)
        };
        context.git.run(ARCHIVE_TIMEOUT, work).await
    }
}

/// What was fetched, and what is to be copied into it.
#[derive(Debug)]
pub struct Content {
    tree: Tree,
    included: Vec<Artifact>,
}

/// The tree, once its signatures are what the object asks for.
async fn verified(
    context: &Context,
    object: &GitRepository,
    tree: Tree,
) -> Result<(Tree, Verified), Error> {
    let Some(wanted) = &object.spec.verify else {
        return Ok((tree, Verified::NotAsked));
    };
    let mode = wanted.mode;
    let keys = verify::keys(context, object, wanted).await?;
    let check = move |session: &Session| {
        let verified = verify::check(tree.snapshot(), mode, &keys, session)?;
        Ok((tree, verified))
    };
    context.git.run(timeout(&object.spec), check).await
}

fn timeout(spec: &GitRepositorySpec) -> Duration {
    let given = spec.timeout.as_ref().map(GoDuration::duration);
    given.and_then(Result::ok).unwrap_or(TIMEOUT)
}

/// Who includes the artifact that has changed. Upstream leaves them to their interval.
#[must_use]
pub fn includers(change: &Change<Arc<GitRepository>>, all: &Store<GitRepository>) -> Vec<Wake> {
    let digest = |object: &Option<Arc<GitRepository>>| {
        let status = object.as_ref()?.status.as_ref()?;
        Some(status.artifact.as_ref()?.digest.clone())
    };
    let now = digest(&change.new);
    if now.is_none() || now == digest(&change.old) {
        return Vec::new();
    }
    let includes = |object: &GitRepository| {
        let mut names = object.spec.include.iter().map(|one| &one.repository.name);
        object.namespace().as_deref() == Some(change.key.namespace.as_str())
            && names.any(|name| *name == change.key.name)
    };
    let wake = |object: &Arc<GitRepository>| {
        let key = Key {
            namespace: change.key.namespace.clone(),
            name: object.name_any(),
        };
        Wake::new(key, Priority::Changed, "include changed")
    };
    let all = all.list();
    all.iter()
        .filter(|object| includes(object))
        .map(wake)
        .collect()
}

/// A folder for one pass, below the system's for temporary files.
fn directory(object: &GitRepository) -> Result<tempfile::TempDir, Error> {
    tempfile::Builder::new()
        .prefix(&format!("{}-", directory_name(object)))
        .tempdir()
        .map_err(Error::CreateDirectory)
}

fn directory_name(object: &GitRepository) -> String {
    let namespace = object.namespace().unwrap_or_default();
    format!("gitrepository-{namespace}-{}", object.name_any())
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

    fn set_verification_mode(&mut self, mode: Option<String>) {
        self.source_verification_mode = mode;
    }

    fn set_last_handled(&mut self, request: String) {
        self.last_handled_reconcile_at = request;
    }
}

#[cfg(test)]
mod tests;
