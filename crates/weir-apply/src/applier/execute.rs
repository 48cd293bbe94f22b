//! Does what a plan says.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::Applier;
use crate::change::{Action, Change, ChangeSet};
use crate::error::{ApplyError, without_secrets};
use crate::live::{Accepted, Live};
use crate::object::{Object, ObjectRef};
use crate::plan::{Planned, StagePlan, Step};
use crate::request::{DryRun, RequestError, Verb};
use crate::stage::rank;
use crate::takeover;

/// How often a write is tried on an object that others change at the same time.
const ATTEMPTS: u32 = 3;
/// Pauses between looks at an object grow from the first to the last of these.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(1);

impl Applier {
    /// Executes a plan and adds to `changes` what was done, also when it fails midway. Kinds go one after the other,
    /// objects of a kind together.
    ///
    /// # Errors
    /// The [`ApplyError`] of the first object, in order, that failed; kinds after it are not touched.
    pub async fn execute(
        &self,
        plan: &StagePlan,
        changes: &mut ChangeSet,
    ) -> Result<(), ApplyError> {
        let same_kind = |a: &Planned, b: &Planned| {
            rank(a.desired.kind()) == rank(b.desired.kind()) && a.desired.kind() == b.desired.kind()
        };
        for group in plan.objects.chunk_by(same_kind) {
            let writes: Vec<_> = group
                .iter()
                .map(|planned| self.execute_one(planned))
                .collect();
            let done = self.side_by_side(writes).await;
            let mut failure = None;
            for result in done {
                match result {
                    Ok(change) => changes.entries.push(change),
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            if let Some(error) = failure {
                return Err(error);
            }
        }
        Ok(())
    }

    async fn execute_one(&self, planned: &Planned) -> Result<Change, ApplyError> {
        let desired = &planned.desired;
        let action = match &planned.step {
            Step::Skip | Step::Keep => return Ok(planned.found.clone()),
            Step::Create => Action::Created,
            Step::Configure { takeover } => {
                if let Some(patch) = takeover {
                    self.take_over(desired, patch).await?;
                }
                Action::Configured
            }
            Step::Attempt { .. } => Action::Unchanged,
            Step::Recreate {
                uid,
                resource_version,
            } => {
                self.delete_first(desired, uid, resource_version).await?;
                Action::Created
            }
        };
        let applied = self.server_side_apply(desired, DryRun::No).await;
        let applied = applied.map_err(|cause| {
            let (object, cause) = (desired.reference(), without_secrets(desired, cause));
            match planned.step {
                Step::Attempt { .. } => ApplyError::DryRun { object, cause },
                _ => ApplyError::Apply { object, cause },
            }
        })?;
        let now = Live::of(&applied, &self.sharing.managers);
        let action = match &planned.step {
            Step::Attempt {
                resource_version,
                content,
            } if *resource_version != now.resource_version && *content != now.content => {
                Action::Configured
            }
            _ => action,
        };
        let accepted = Accepted::new(self.sharing.digest(desired), &now, true);
        let mut change = Change::of(&applied, action).with(accepted);
        change.left_out = desired.left_out().to_vec();
        Ok(change)
    }

    /// Sends the patch; if the object has changed in between, looks again and sends a new one.
    async fn take_over(&self, desired: &Object, patch: &Value) -> Result<(), ApplyError> {
        let object = desired.reference();
        let mut patch = patch.clone();
        for attempt in 1..=ATTEMPTS {
            let verb = Verb::JsonPatch {
                body: &patch,
                manager: &self.settings.field_manager,
            };
            let sent = self
                .cluster
                .send(&object, desired.api_version(), &verb)
                .await;
            match sent {
                Ok(_) => return Ok(()),
                Err(cause) if cause.is_not_found() => return Ok(()),
                Err(cause) if !cause.is_code(409) || attempt == ATTEMPTS => {
                    return Err(ApplyError::TakeOver { object, cause });
                }
                Err(_) => {}
            }
            let live = self.cluster.get(&object, desired.api_version()).await;
            let live = live.map_err(|cause| ApplyError::TakeOver {
                object: object.clone(),
                cause,
            })?;
            let managers = &self.sharing.managers;
            match live.and_then(|live| takeover::patch(&live, desired, managers)) {
                Some(next) => patch = next,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// Deletes the object that was looked at, and waits until it is gone.
    async fn delete_first(
        &self,
        desired: &Object,
        uid: &str,
        resource_version: &str,
    ) -> Result<(), ApplyError> {
        let object = desired.reference();
        let mut version = resource_version.to_owned();
        for attempt in 1..=ATTEMPTS {
            let verb = Verb::Delete {
                uid,
                resource_version: &version,
            };
            let sent = self
                .cluster
                .send(&object, desired.api_version(), &verb)
                .await;
            let cause = match sent {
                Ok(_) => break,
                Err(cause) if cause.is_not_found() => return Ok(()),
                Err(cause) if !cause.is_code(409) || attempt == ATTEMPTS => {
                    return Err(ApplyError::Delete { object, cause });
                }
                Err(cause) => cause,
            };
            // Somebody changed it. If it is still that object, its fields are still as immutable.
            match self.cluster.get(&object, desired.api_version()).await {
                Ok(Some(live)) if live.uid() == uid => {
                    live.resource_version().clone_into(&mut version)
                }
                Ok(None) => return Ok(()),
                Ok(Some(_)) => return Err(ApplyError::Delete { object, cause }),
                Err(cause) => return Err(ApplyError::Delete { object, cause }),
            }
        }
        let deadline = Instant::now() + self.settings.recreate_within;
        match self
            .gone(&object, desired.api_version(), uid, deadline)
            .await
        {
            Ok(true) => Ok(()),
            Ok(false) => Err(ApplyError::StillThere { object }),
            Err(cause) => Err(ApplyError::Delete { object, cause }),
        }
    }

    /// Waits until there is no object with that `uid` any more; false when `deadline` passes before.
    pub(super) async fn gone(
        &self,
        object: &ObjectRef,
        api_version: &str,
        uid: &str,
        deadline: Instant,
    ) -> Result<bool, RequestError> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.cluster.get(object, api_version).await {
                Ok(Some(live)) if uid.is_empty() || live.uid() == uid => {}
                Ok(_) | Err(RequestError::NoMatch { .. }) => return Ok(true),
                Err(error) => return Err(error),
            }
            if Instant::now() + pause > deadline {
                return Ok(false);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }
}
