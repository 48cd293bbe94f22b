//! Waits until what others need is ready.
//!
//! Source: fluxcd/pkg `ssa/manager_wait.go`

use std::time::{Duration, Instant, SystemTime};

use kstatus::{Kind, Status};

use super::Applier;
use crate::error::ApplyError;
use crate::inventory::Target;
use crate::object::Object;
use crate::plan::{StagePlan, Step};
use crate::request::RequestError;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(2);

impl Applier {
    /// Waits until the objects of a stage that others need are ready, and until the kinds it defines are served.
    /// Other stages are not waited for.
    ///
    /// # Errors
    /// [`ApplyError::NotReady`] naming those that are not after `limit`.
    pub async fn wait_ready(&self, plan: &StagePlan, limit: Duration) -> Result<(), ApplyError> {
        if !plan.kind.waits() {
            return Ok(());
        }
        let deadline = Instant::now() + limit;
        // What was left as it is was looked at by its dry run.
        let waited_for = plan.objects.iter().filter(|planned| match planned.step {
            Step::Skip => false,
            Step::Keep => planned.found.status.kind != Kind::Current,
            _ => true,
        });
        let (mut targets, mut kinds) = (Vec::new(), Vec::new());
        for planned in waited_for {
            targets.push(planned.target());
            kinds.extend(defined_kinds(&planned.desired));
        }
        let mut pause = FIRST_PAUSE;
        loop {
            let unready = self.unready(&targets).await?;
            if unready.is_empty() && self.are_served(&kinds).await {
                return Ok(());
            }
            if Instant::now() + pause > deadline {
                return Err(ApplyError::NotReady(format!(
                    "timeout waiting for: [{}]",
                    unready.join(", ")
                )));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// The objects that are not ready, each with its status.
    async fn unready(&self, targets: &[Target]) -> Result<Vec<String>, ApplyError> {
        let mut unready = Vec::new();
        for Target {
            object,
            api_version,
        } in targets
        {
            let live = match self.cluster.get(object, api_version).await {
                Err(RequestError::NoMatch { .. }) => None,
                live => live.map_err(|cause| ApplyError::Query {
                    object: object.clone(),
                    cause,
                })?,
            };
            let status = live.map_or_else(Status::not_found, |live| {
                kstatus::compute(live.value(), SystemTime::now())
            });
            if status.kind != Kind::Current {
                unready.push(format!("{object} status: '{}'", status.kind));
            }
        }
        Ok(unready)
    }

    async fn are_served(&self, kinds: &[(String, String)]) -> bool {
        for (api_version, kind) in kinds {
            if self.cluster.mapping(api_version, kind).await.is_err() {
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
