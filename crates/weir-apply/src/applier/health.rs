//! Whether objects are ready.
//!
//! Source: fluxcd/pkg `ssa/manager_wait.go`

use std::time::{Duration, Instant, SystemTime};

use kstatus::{Kind, Status};

use super::Applier;
use crate::change::{Action, ChangeSet};
use crate::error::ApplyError;
use crate::inventory::Target;
use crate::object::Object;
use crate::plan::{StagePlan, Step};
use crate::request::RequestError;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(2);

/// An object and whether it is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetStatus {
    /// The object.
    pub target: Target,
    /// The verdict.
    pub status: Status,
}

/// `timeout waiting for: […]`, naming what is not ready. Empty if everything is.
#[must_use]
pub fn timeout_message(statuses: &[TargetStatus]) -> String {
    let waits = statuses.iter().filter(|s| s.status.kind != Kind::Current);
    message("timeout waiting for", waits)
}

/// `failed early due to stalled resources: […]`, naming what has failed. Empty if nothing has.
#[must_use]
pub fn stalled_message(statuses: &[TargetStatus]) -> String {
    let failed = statuses.iter().filter(|s| s.status.kind == Kind::Failed);
    message("failed early due to stalled resources", failed)
}

fn message<'a>(words: &str, statuses: impl Iterator<Item = &'a TargetStatus>) -> String {
    let items: Vec<String> = statuses
        .map(|s| format!("{} status: '{}'", s.target.object, s.status.kind))
        .collect();
    if items.is_empty() {
        return String::new();
    }
    format!("{words}: [{}]", items.join(", "))
}

impl Applier {
    /// Looks at each of `targets`. An object that is not there is [`Kind::NotFound`].
    ///
    /// # Errors
    /// If one cannot be read; a namespaced object without a namespace is one.
    pub async fn statuses(&self, targets: &[Target]) -> Result<Vec<TargetStatus>, ApplyError> {
        let looks: Vec<_> = targets.iter().map(|target| self.status(target)).collect();
        self.side_by_side(looks).await.into_iter().collect()
    }

    async fn status(&self, target: &Target) -> Result<TargetStatus, ApplyError> {
        let Target {
            object,
            api_version,
        } = target;
        let query = |cause| ApplyError::Query {
            object: object.clone(),
            cause,
        };
        let mapping = self
            .cluster
            .discovery
            .mapping(api_version, &object.kind)
            .await;
        if mapping.is_ok_and(|mapping| mapping.namespaced) && object.namespace.is_empty() {
            let kind = match object.group.as_str() {
                "" => object.kind.clone(),
                group => format!("{}.{group}", object.kind),
            };
            return Err(ApplyError::NotReady(format!(
                "resource {kind} {} is namespace scoped, but namespace is not set",
                object.name
            )));
        }
        let live = match self.cluster.get(object, api_version).await {
            Err(RequestError::NoMatch { .. }) => None,
            live => live.map_err(query)?,
        };
        let status = live.map_or_else(Status::not_found, |live| {
            kstatus::compute(live.value(), SystemTime::now())
        });
        Ok(TargetStatus {
            target: target.clone(),
            status,
        })
    }

    /// What `wait` waits for: the objects of `changes` that were not skipped.
    #[must_use]
    pub fn waited_for(changes: &ChangeSet) -> Vec<Target> {
        changes
            .entries
            .iter()
            .filter(|change| !matches!(change.action, Action::Skipped | Action::Deleted))
            .map(|change| change.target.clone())
            .collect()
    }

    /// Waits until the objects of a stage are ready, and until the kinds it defines are served.
    ///
    /// # Errors
    /// [`ApplyError::NotReady`] naming those that are not after `limit`.
    pub async fn wait_ready(&self, plan: &StagePlan, limit: Duration) -> Result<(), ApplyError> {
        let deadline = Instant::now() + limit;
        let now = SystemTime::now();
        // What was left as it is was looked at by its dry run.
        let waited_for = plan.objects.iter().filter(|planned| match planned.step {
            Step::Skip => false,
            Step::Keep => kstatus::compute(planned.seen.value(), now).kind != Kind::Current,
            _ => true,
        });
        let (mut targets, mut kinds) = (Vec::new(), Vec::new());
        for planned in waited_for {
            targets.push(planned.target());
            kinds.extend(defined_kinds(&planned.desired));
        }
        let mut pause = FIRST_PAUSE;
        loop {
            let statuses = self.statuses(&targets).await?;
            let unready = timeout_message(&statuses);
            if unready.is_empty() && self.are_served(&kinds).await {
                return Ok(());
            }
            if Instant::now() + pause > deadline {
                let message = if unready.is_empty() {
                    "timeout waiting for: new kinds to be served".to_owned()
                } else {
                    unready
                };
                return Err(ApplyError::NotReady(message));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    async fn are_served(&self, kinds: &[(String, String)]) -> bool {
        for (api_version, kind) in kinds {
            if self
                .cluster
                .discovery
                .mapping(api_version, kind)
                .await
                .is_err()
            {
                return false;
            }
        }
        true
    }
}

/// The API versions and the kind that a definition makes the server serve.
fn defined_kinds(object: &Object) -> Vec<(String, String)> {
    if object.kind() != "CustomResourceDefinition" {
        return Vec::new();
    }
    let spec = &object.value()["spec"];
    let (Some(group), Some(kind)) = (spec["group"].as_str(), spec["names"]["kind"].as_str()) else {
        return Vec::new();
    };
    let versions = spec["versions"].as_array().into_iter().flatten();
    versions
        .filter(|version| version["served"] == true)
        .filter_map(|version| version["name"].as_str())
        .map(|version| (format!("{group}/{version}"), kind.to_owned()))
        .collect()
}
