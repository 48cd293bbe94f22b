//! What wakes a Kustomization besides itself: its source, its dependencies. Drift of its objects: [`crate::heal`].

use std::sync::Arc;

use weir_api::Reconcilable;
use weir_api::kustomize::v1::{Kustomization, SourceKind};
use weir_api::meta::condition_type::{READY, RECONCILING};
use weir_api::meta::{Condition, find_condition, reason};
use weir_runtime::cache::Change;
use weir_runtime::hub::Store;
use weir_runtime::kind::Key;
use weir_runtime::queue::Wake;
use weir_runtime::triggers::Triggers;

use crate::plan::identity::namespace;
use crate::sources::{Attempts, Source, Sources};

/// Wakes dependents at once when a source has a new revision or a dependency is ready.
#[must_use]
pub fn triggers(
    sources: &Sources,
    kustomizations: &Store<Kustomization>,
    attempts: &Arc<Attempts>,
) -> Triggers<Kustomization> {
    let own = Triggers::new().on(kustomizations.subscribe(), |change, all| {
        dependents(change, all)
    });
    sources.kinds().fold(own, |triggers, (kind, index)| {
        let attempts = Arc::clone(attempts);
        triggers.on(index.subscribe(), move |change, all| {
            readers(kind, change, all, &attempts)
        })
    })
}

/// The Kustomizations that read a source whose revision is new to them.
fn readers(
    kind: SourceKind,
    change: &Change<Source>,
    all: &Store<Kustomization>,
    attempts: &Attempts,
) -> Vec<Wake> {
    let revision = |source: Option<&Source>| {
        source
            .and_then(|source| source.artifact.as_ref())
            .map(|artifact| artifact.revision.clone())
    };
    let Some(new) = revision(change.new.as_ref()) else {
        return Vec::new();
    };
    if revision(change.old.as_ref()).as_ref() == Some(&new) {
        return Vec::new();
    }
    all.list()
        .iter()
        .filter(|object| reads(object, kind, &change.key) && !has_attempted(object, &new))
        .filter(|object| !attempts.holds(&key_of(object), &new))
        .map(|object| {
            Wake::changed(key_of(object), "source changed").by(format!("{kind}/{}", change.key))
        })
        .collect()
}

fn reads(object: &Kustomization, kind: SourceKind, source: &Key) -> bool {
    let reference = &object.spec.source_ref;
    let foreign = if reference.namespace.is_empty() {
        namespace(object)
    } else {
        &reference.namespace
    };
    reference.kind == kind && reference.name == source.name && foreign == source.namespace
}

/// Source: kustomize-controller v1.9 `requestsForRevisionChangeOf`.
fn has_attempted(object: &Kustomization, revision: &str) -> bool {
    let holds = |type_| find_condition(object.conditions(), type_).is_some_and(Condition::is_true);
    let attempted = object
        .status
        .as_ref()
        .map_or("", |status| &status.last_attempted_revision);
    attempted == revision && (holds(READY) || holds(RECONCILING))
}

/// The Kustomizations that waited for one that is ready now.
fn dependents(change: &Change<Arc<Kustomization>>, all: &Store<Kustomization>) -> Vec<Wake> {
    let ready = |object: &Kustomization| {
        let status = object.status.as_ref();
        let current =
            status.and_then(|status| status.observed_generation) == object.metadata.generation;
        let ready = find_condition(object.conditions(), READY).is_some_and(Condition::is_true);
        (current && ready).then(|| {
            status
                .map(|status| status.last_applied_revision.clone())
                .unwrap_or_default()
        })
    };
    let now = change.new.as_deref().and_then(ready);
    // Readiness is what Flux means by it, unless a dependent has an expression: that may look at anything.
    let is_ready_now = now.is_some() && change.old.as_deref().and_then(ready) != now;
    if change.new.is_none() {
        return Vec::new();
    }
    let waits = |object: &Kustomization| {
        let ready = find_condition(object.conditions(), READY);
        ready.is_some_and(|ready| ready.reason == reason::DEPENDENCY_NOT_READY)
            && object.spec.depends_on.iter().any(|dependency| {
                let foreign = if dependency.namespace.is_empty() {
                    namespace(object)
                } else {
                    &dependency.namespace
                };
                dependency.name == change.key.name
                    && foreign == change.key.namespace
                    && (is_ready_now || !dependency.ready_expr.is_empty())
            })
    };
    all.list()
        .iter()
        .filter(|object| waits(object))
        .map(|object| {
            Wake::changed(key_of(object), "dependency is ready")
                .by(format!("Kustomization/{}", change.key))
        })
        .collect()
}

pub(crate) fn key_of(object: &Kustomization) -> Key {
    Key::new(
        namespace(object),
        object.metadata.name.as_deref().unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn owner(suspend: bool) -> Kustomization {
        serde_json::from_value(json!({
            "metadata": {"name": "app", "namespace": "ns"},
            "spec": {"interval": "1m", "prune": true, "suspend": suspend, "sourceRef": {"kind": "GitRepository", "name": "app"}},
            "status": {
                "inventory": {"entries": [{"id": "ns_web_apps_Deployment", "v": "v1"}, {"id": "ns_j_batch_Job", "v": "v1"}]},
                "lastAttemptedRevision": "main@sha1:1",
                "conditions": [{"type": "Ready", "status": "True", "reason": "R", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
            },
        }))
        .expect("a Kustomization")
    }

    #[test]
    fn a_revision_that_was_attempted_wakes_nobody() {
        assert!(has_attempted(&owner(false), "main@sha1:1"));
        assert!(!has_attempted(&owner(false), "main@sha1:2"));
    }

    #[test]
    fn a_source_is_matched_by_kind_name_and_namespace() {
        let source = Key::new("ns", "app");
        assert!(reads(&owner(false), SourceKind::GitRepository, &source));
        assert!(!reads(&owner(false), SourceKind::Bucket, &source));
        assert!(!reads(
            &owner(false),
            SourceKind::GitRepository,
            &Key::new("other", "app")
        ));
    }
}
