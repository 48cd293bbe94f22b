//! Deletes what is no longer wanted, if it is still ours.
//!
//! Source: fluxcd/pkg `ssa/manager_delete.go`, kustomize-controller v1.9 `internal/controller/kustomization_controller.go`

use std::time::{Duration, Instant};

use weir_api::meta::InventoryEntry;

use super::Applier;
use crate::change::{Action, Change, ChangeSet};
use crate::inventory::Target;
use crate::live::Marks;
use crate::object::Object;
use crate::prepare::Owner;
use crate::request::{RequestError, Verb};
use crate::stage::compare;

/// How often a deletion is decided anew because the object has changed.
const ATTEMPTS: u32 = 5;

/// What a prune came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// What was deleted, and what was left alone, in order.
    pub changes: ChangeSet,
    /// Why some objects could not be deleted.
    pub failure: Option<PruneError>,
    /// The entries of these objects; they must stay in the inventory.
    pub survivors: Vec<InventoryEntry>,
}

/// Why objects could not be deleted: each with its reason and a semicolon.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("delete failed, errors: {0}")]
pub struct PruneError(pub String);

/// Objects that were deleted are still there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WaitError {
    /// When the time was over.
    #[error("timeout waiting for: [{0}]")]
    TimedOut(String),
    /// It could not be found out.
    #[error("{0}")]
    Query(RequestError),
}

impl Applier {
    /// Deletes the objects of `entries` that `owner` still owns and that do not ask to stay, in reverse order of an
    /// apply. An object that is not there counts as deleted. Entries that name no object are dropped.
    pub async fn prune(&self, entries: &[InventoryEntry], owner: &Owner) -> Pruned {
        let mut targets: Vec<Target> = entries
            .iter()
            .filter_map(|e| Target::parse(e).ok())
            .collect();
        targets.sort_by(|a, b| compare(&b.object, &a.object));
        let mut pruned = Pruned::default();
        let mut errors = String::new();
        for kind in targets.chunk_by(|a, b| a.object.kind == b.object.kind) {
            let each: Vec<_> = kind
                .iter()
                .map(|target| self.prune_one(target, owner))
                .collect();
            let done = self.side_by_side(each).await;
            for (target, result) in kind.iter().zip(done) {
                match result {
                    Ok(change) => pruned.changes.entries.push(change),
                    Err(error) => {
                        errors.push_str(&format!("{} {error}; ", target.object));
                        pruned.survivors.push(target.entry());
                    }
                }
            }
        }
        let errors = errors.trim_end();
        pruned.failure = (!errors.is_empty()).then(|| PruneError(errors.to_owned()));
        pruned
    }

    /// What was done, or why it could not be.
    async fn prune_one(&self, target: &Target, owner: &Owner) -> Result<Change, String> {
        let mapping = self
            .cluster
            .discovery
            .mapping_in_any_version(&target.api_version, &target.object.kind);
        let api_version = match mapping.await {
            Ok(mapping) => mapping.api_version.clone(),
            // Without its kind there is no object.
            Err(RequestError::NoMatch { .. }) => return Ok(Change::named(target, Action::Deleted)),
            Err(error) => return Err(format!("query failed: {error}")),
        };
        if let Some(deleted) = self.prune_known(target, &api_version, owner).await {
            return deleted;
        }
        let mut failure = String::new();
        for _ in 0..ATTEMPTS {
            let live = self.cluster.get(&target.object, &api_version).await;
            let live = match live.map_err(|error| format!("query failed: {error}"))? {
                Some(live) => live,
                None => return Ok(Change::named(target, Action::Deleted)),
            };
            if !owner.owns(&live) || asks_to_stay(&live) {
                return Ok(Change::of(&live, Action::Skipped));
            }
            let verb = Verb::Delete {
                uid: live.uid(),
                resource_version: live.resource_version(),
            };
            match self.cluster.send(&target.object, &api_version, &verb).await {
                Ok(_) => return Ok(Change::of(&live, Action::Deleted)),
                Err(error) if error.is_not_found() => {
                    return Ok(Change::of(&live, Action::Deleted));
                }
                // It is not the object any more that was looked at: perhaps no longer ours.
                Err(error) if error.is_code(409) => failure = format!("delete failed: {error}"),
                Err(error) => return Err(format!("delete failed: {error}")),
            }
        }
        Err(failure)
    }

    /// Deletes an object that the index knows as ours, in the version that it knows. None where it has to be looked at.
    async fn prune_known(
        &self,
        target: &Target,
        api_version: &str,
        owner: &Owner,
    ) -> Option<Result<Change, String>> {
        let live = self.index.as_ref()?.look_up(target)?.live;
        if live.owner.as_ref() != Some(owner) || live.marks.stays {
            return None;
        }
        let verb = Verb::Delete {
            uid: &live.uid,
            resource_version: &live.resource_version,
        };
        let deleted = || Change::of_live(target, &live, Action::Deleted);
        match self.cluster.send(&target.object, api_version, &verb).await {
            Ok(_) => Some(Ok(deleted())),
            Err(error) if error.is_not_found() => Some(Ok(deleted())),
            Err(error) if error.is_code(409) => None,
            Err(error) => Some(Err(format!("delete failed: {error}"))),
        }
    }

    /// Waits until the objects of `changes` that were deleted are gone.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`] naming those that are still there after `limit`.
    pub async fn wait_gone(&self, changes: &ChangeSet, limit: Duration) -> Result<(), WaitError> {
        let deadline = Instant::now() + limit;
        let deleted = |change: &&Change| change.action == Action::Deleted && !change.uid.is_empty();
        let mut left = Vec::new();
        for change in changes.entries.iter().filter(deleted) {
            let Target {
                object,
                api_version,
            } = &change.target;
            let gone = self.gone(object, api_version, &change.uid, deadline).await;
            if !gone.map_err(WaitError::Query)? {
                left.push(format!("{object} status: 'Terminating'"));
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        Err(WaitError::TimedOut(left.join(", ")))
    }
}

fn asks_to_stay(live: &Object) -> bool {
    Marks::of(live).stays
}
