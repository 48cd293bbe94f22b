//! The decisions of a pass, as pure functions of the object and of what was observed.

pub mod build;
pub mod changelog;
pub mod decrypt;
pub mod expressions;
pub mod identity;
pub mod substitute;

use std::time::Duration;

use weir_api::Reconcilable;
use weir_api::kustomize::v1::{DeletionPolicy, Kustomization, KustomizationSpec};
use weir_api::meta::{
    Artifact, Condition, GoDuration, InventoryEntry, condition_type, find_condition,
};

use crate::error::Error;

/// No step may take less than this, whatever the spec says.
const MIN_TIMEOUT: Duration = Duration::from_secs(30);

/// An interval that does not parse was refused by the schema; one stored before it had one counts as this.
const FALLBACK_INTERVAL: Duration = Duration::from_secs(600);

/// How often the object is reconciled when nothing happens.
#[must_use]
pub fn interval(object: &Kustomization) -> Duration {
    object.spec.interval.duration().unwrap_or(FALLBACK_INTERVAL)
}

/// How long after a failure the object is tried again.
#[must_use]
pub fn retry_interval(object: &Kustomization) -> Duration {
    let retry = object
        .spec
        .retry_interval
        .as_ref()
        .and_then(|retry| retry.duration().ok());
    retry
        .filter(|retry| !retry.is_zero())
        .unwrap_or_else(|| interval(object))
}

/// How long applying and health checks may take: `spec.timeout`, else the interval less 30 seconds, and
/// never less than 30 seconds.
///
/// Source: kustomize-controller v1.9 `api/v1/kustomization_types.go` `GetTimeout`.
#[must_use]
pub fn timeout(object: &Kustomization) -> Duration {
    let timeout = object.spec.timeout.as_ref().map(GoDuration::duration);
    let timeout = match timeout {
        Some(Ok(timeout)) => timeout,
        _ => interval(object).saturating_sub(MIN_TIMEOUT),
    };
    timeout.max(MIN_TIMEOUT)
}

/// Refuses to authenticate as a service account of the object's choice unless the gate lets it.
///
/// # Errors
/// [`Error::FeatureGate`].
pub fn decryption_identity(spec: &KustomizationSpec, workload_identity: bool) -> Result<(), Error> {
    let named = spec
        .decryption
        .as_ref()
        .is_some_and(|decryption| !decryption.service_account_name.is_empty());
    if named && !workload_identity {
        return Err(Error::FeatureGate);
    }
    Ok(())
}

/// Whether `revision`, which may be in the form before Flux 2, is that of `artifact`.
///
/// Source: fluxcd/pkg `apis/meta/artifact.go` `HasRevision`.
#[must_use]
pub fn same_revision(artifact: &Artifact, revision: &str) -> bool {
    let is_sha1 =
        |text: &str| text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match revision.rsplit_once('/') {
        Some((branch, commit)) if is_sha1(commit) && !revision.contains('@') => {
            let branch = if branch == "HEAD" {
                String::new()
            } else {
                format!("{branch}@")
            };
            artifact.revision == format!("{branch}sha1:{commit}")
        }
        _ => artifact.revision == revision,
    }
}

/// The inventory as the object's status holds it.
#[must_use]
pub fn stored_inventory(object: &Kustomization) -> Vec<InventoryEntry> {
    let inventory = object
        .status
        .as_ref()
        .and_then(|status| status.inventory.as_ref());
    inventory
        .map(|inventory| inventory.entries.clone())
        .unwrap_or_default()
}

/// Whether the last health check passed.
fn was_healthy(object: &Kustomization) -> bool {
    find_condition(object.conditions(), condition_type::HEALTHY).is_some_and(Condition::is_true)
}

/// Whether a health check that passes is worth an event: the last one did not pass, or a new revision changed objects.
/// One that newer work has ended before it was over, `unfinished`, is gone on with: if it was worth one, this one is.
#[must_use]
pub fn health_is_news(
    object: &Kustomization,
    artifact: &Artifact,
    changed: bool,
    unfinished: Option<bool>,
) -> bool {
    let due = unfinished.unwrap_or_else(|| !was_healthy(object));
    due || (changed && !same_revision(artifact, last_applied_revision(object)))
}

/// The revision that was applied last; empty if none was.
#[must_use]
pub fn last_applied_revision(object: &Kustomization) -> &str {
    object
        .status
        .as_ref()
        .map_or("", |status| &status.last_applied_revision)
}

/// Whether the applied objects are deleted together with their Kustomization.
///
/// Source: kustomize-controller v1.9 `finalizerShouldDeleteResources`.
#[must_use]
pub fn deletes_objects(object: &Kustomization) -> bool {
    if object.spec.suspend || stored_inventory(object).is_empty() {
        return false;
    }
    match object.spec.deletion_policy.unwrap_or_default() {
        DeletionPolicy::MirrorPrune => object.spec.prune,
        DeletionPolicy::Delete | DeletionPolicy::WaitForTermination => true,
        DeletionPolicy::Orphan => false,
    }
}

#[cfg(test)]
mod tests {
    use weir_api::kustomize::v1::KustomizationStatus;
    use weir_api::meta::{InventoryEntry, ResourceInventory};

    use super::*;

    fn object(spec: serde_json::Value) -> Kustomization {
        let mut whole = serde_json::json!({
            "interval": "10m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "app"},
        });
        let (whole_map, spec) = (whole.as_object_mut().expect("a map"), spec);
        whole_map.extend(spec.as_object().expect("a map").clone());
        Kustomization::new("app", serde_json::from_value(whole).expect("a spec"))
    }

    #[test]
    fn timeout_is_the_interval_less_half_a_minute_and_never_below_that() {
        for (spec, seconds) in [
            (serde_json::json!({}), 570),
            (serde_json::json!({"interval": "20s"}), 30),
            (serde_json::json!({"timeout": "5s"}), 30),
            (serde_json::json!({"timeout": "2m"}), 120),
        ] {
            assert_eq!(timeout(&object(spec.clone())).as_secs(), seconds, "{spec}");
        }
    }

    #[test]
    fn health_is_news_after_a_failure_or_a_new_revision_that_changed_objects() {
        let artifact = |revision: &str| -> Artifact {
            let artifact = serde_json::json!({
                "revision": revision, "digest": "", "path": "", "url": "", "lastUpdateTime": "2026-01-01T00:00:00Z",
            });
            serde_json::from_value(artifact).expect("an artifact")
        };
        let (same, new) = (artifact("main@sha1:a"), artifact("main@sha1:b"));
        let mut healthy = object(serde_json::json!({}));
        let is_news =
            |object: &_, artifact: &_, changed| health_is_news(object, artifact, changed, None);
        assert!(is_news(&healthy, &same, false), "never checked");
        let status = serde_json::json!({"lastAppliedRevision": "main@sha1:a", "conditions": [{
            "type": "Healthy", "status": "True", "reason": "Succeeded", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }]});
        healthy.status = Some(serde_json::from_value(status).expect("a status"));
        assert!(!is_news(&healthy, &new, false));
        assert!(!is_news(&healthy, &same, true));
        assert!(is_news(&healthy, &new, true));
    }

    #[test]
    fn a_health_check_that_newer_work_ended_decides_for_the_one_that_goes_on() {
        let artifact: Artifact = serde_json::from_value(serde_json::json!({
            "revision": "main@sha1:a", "digest": "", "path": "", "url": "", "lastUpdateTime": "2026-01-01T00:00:00Z",
        }))
        .expect("an artifact");
        // What the first one has left in status: it is under way.
        let under_way = object(serde_json::json!({}));
        assert!(!health_is_news(&under_way, &artifact, false, Some(false)));
        assert!(health_is_news(&under_way, &artifact, true, Some(false)));
        assert!(health_is_news(&under_way, &artifact, false, Some(true)));
    }

    #[test]
    fn retry_interval_falls_back_to_the_interval() {
        assert_eq!(
            retry_interval(&object(serde_json::json!({}))).as_secs(),
            600
        );
        assert_eq!(
            retry_interval(&object(serde_json::json!({"retryInterval": "1m"}))).as_secs(),
            60
        );
    }

    #[test]
    fn deletion_policy_decides_over_objects_and_prune_only_when_mirrored() {
        let entries = vec![InventoryEntry {
            id: "ns_a__ConfigMap".into(),
            v: "v1".into(),
        }];
        for (policy, prune, deletes) in [
            ("MirrorPrune", true, true),
            ("MirrorPrune", false, false),
            ("Delete", false, true),
            ("WaitForTermination", false, true),
            ("Orphan", true, false),
        ] {
            let mut object = object(serde_json::json!({"deletionPolicy": policy, "prune": prune}));
            assert!(!deletes_objects(&object), "nothing to delete");
            let inventory = Some(ResourceInventory {
                entries: entries.clone(),
            });
            object.status = Some(KustomizationStatus {
                inventory,
                ..Default::default()
            });
            assert_eq!(deletes_objects(&object), deletes, "{policy} {prune}");
            object.spec.suspend = true;
            assert!(!deletes_objects(&object), "suspended");
        }
    }
}
