//! Asks the API server what an apply would do, then does it.
//!
//! Source: fluxcd/pkg `ssa/manager_apply.go`

mod execute;
mod prune;
mod ready;

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use serde_json::Value;
use weir_api::meta::IgnoreRule;

use crate::cluster::Cluster;
use crate::error::{ApplyError, without_secrets};
use crate::ignore::Ignore;
use crate::inventory::Target;
use crate::object::{Object, ObjectRef};
use crate::plan::{self, Planned, Sharing, StagePlan};
use crate::request::{DryRun, RequestError, Verb};
use crate::selector::SelectorError;
use crate::stage::Stage;
use crate::takeover;

pub use prune::{PruneError, Pruned, WaitError};

/// What is known of an object without asking the API server.
#[derive(Debug, Clone)]
pub enum Known {
    /// It is there, like this.
    Present(Object),
    /// It is not there.
    Absent,
}

/// Knows objects without asking the API server, as an index kept up to date by watches does.
pub trait LiveIndex: Send + Sync {
    /// What is known of `target`; None where the server must be asked.
    fn look_up(&self, target: &Target) -> Option<Known>;
}

/// How objects are applied.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The manager under whose name fields are applied.
    pub field_manager: String,
    /// Other managers, by the start of their names, whose fields are taken over.
    pub override_managers: Vec<String>,
    /// Requests of one stage at a time, within what the cluster takes.
    pub concurrency: usize,
    /// How long an object that is recreated may take to go away.
    pub recreate_within: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            field_manager: "kustomize-controller".to_owned(),
            override_managers: Vec::new(),
            concurrency: 16,
            recreate_within: Duration::from_secs(60),
        }
    }
}

/// Whether objects are recreated when an immutable field changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    /// Only those that ask for it.
    OnRequest,
    /// All of them.
    Always,
}

/// Applies objects to a cluster and removes them from it. Cheap to make.
#[derive(Clone)]
pub struct Applier {
    cluster: Cluster,
    settings: Settings,
    sharing: Sharing,
    index: Option<Arc<dyn LiveIndex>>,
}

impl std::fmt::Debug for Applier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Applier")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Applier {
    /// An applier to `cluster`, with the rights of its identity.
    #[must_use]
    pub fn new(cluster: Cluster, settings: Settings) -> Self {
        Self {
            sharing: Sharing {
                own: settings.field_manager.clone(),
                managers: takeover::managers(&settings.field_manager, &settings.override_managers),
                ignore: Ignore::default(),
            },
            cluster,
            settings,
            index: None,
        }
    }

    /// Leaves the fields that `rules` name to others.
    ///
    /// # Errors
    /// [`SelectorError`] if a rule's target cannot be understood.
    pub fn with_ignore_rules(mut self, rules: &[IgnoreRule]) -> Result<Self, SelectorError> {
        self.sharing.ignore = Ignore::new(rules)?;
        Ok(self)
    }

    /// The cluster that it applies to.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Runs `work`, as much at a time as the settings allow; what comes back is in its order.
    ///
    /// The futures are made before: a closure over borrowed items keeps a stream from being `Send`.
    pub(crate) async fn side_by_side<F: Future>(&self, work: Vec<F>) -> Vec<F::Output> {
        stream::iter(work)
            .buffered(self.settings.concurrency.max(1))
            .collect()
            .await
    }

    /// Looks objects up in `index` before it asks the API server.
    #[must_use]
    pub fn with_index(mut self, index: Arc<dyn LiveIndex>) -> Self {
        self.index = Some(index);
        self
    }

    /// Looks at the objects of a stage, has the server try each of them, and decides what to do. Nothing is written.
    ///
    /// # Errors
    /// The [`ApplyError`] of the first object, in order, that cannot be applied.
    pub async fn plan(&self, stage: Stage, force: Force) -> Result<StagePlan, ApplyError> {
        let kind = stage.kind;
        let objects = stage.objects.into_iter();
        let planned: Vec<_> = objects
            .map(|desired| self.plan_one(desired, force))
            .collect();
        let planned = self.side_by_side(planned).await;
        let objects = planned.into_iter().collect::<Result<_, _>>()?;
        Ok(StagePlan { kind, objects })
    }

    async fn plan_one(&self, desired: Object, force: Force) -> Result<Planned, ApplyError> {
        let (live, accepted) = if plan::is_marked(&desired) {
            let live = self.look_up(&desired).await;
            if plan::is_skipped(&desired, live.as_ref()) {
                return Ok(plan::skip(desired, live.as_ref()));
            }
            (live, self.dry_run(&desired).await)
        } else {
            // Both at once: what the dry run says does not count if the live object asks to be left alone.
            futures::join!(self.look_up(&desired), self.dry_run(&desired))
        };
        let (live, accepted) = self.of_one_version(&desired, live, accepted).await;
        if plan::is_skipped(&desired, live.as_ref()) {
            return Ok(plan::skip(desired, live.as_ref()));
        }
        match accepted {
            Ok(accepted) => Ok(plan::apply(
                desired,
                live.as_ref(),
                &accepted,
                &self.sharing,
            )),
            Err(cause) => {
                let forced = force == Force::Always || plan::asks_for_force(&desired);
                if let Some(live) = live
                    && forced
                    && self.is_immutable_change(&desired, &cause).await
                {
                    return Ok(plan::recreate(desired, &live));
                }
                let object = desired.reference();
                let cause = without_secrets(&desired, cause);
                Err(ApplyError::DryRun { object, cause })
            }
        }
    }

    /// What somebody wrote between the look and the dry run would count as drift: then both are repeated, in turn,
    /// once. A dry run carries the version that it started from.
    async fn of_one_version(
        &self,
        desired: &Object,
        live: Option<Object>,
        accepted: Result<Object, RequestError>,
    ) -> (Option<Object>, Result<Object, RequestError>) {
        let moved = matches!((&live, &accepted), (Some(live), Ok(accepted))
            if live.resource_version() != accepted.resource_version());
        if !moved {
            return (live, accepted);
        }
        let live = self.look_up(desired).await;
        (live, self.dry_run(desired).await)
    }

    /// The object as it is. None if it is not there, and also where it cannot be read: the dry run that follows
    /// says better why.
    async fn look_up(&self, desired: &Object) -> Option<Object> {
        let target = Target {
            object: desired.reference(),
            api_version: desired.api_version().to_owned(),
        };
        if let Some(known) = self.index.as_ref().and_then(|index| index.look_up(&target)) {
            return match known {
                Known::Present(object) => Some(object),
                Known::Absent => None,
            };
        }
        let live = self.cluster.get(&target.object, &target.api_version);
        live.await.unwrap_or_default()
    }

    async fn dry_run(&self, desired: &Object) -> Result<Object, RequestError> {
        self.server_side_apply(desired, DryRun::Yes).await
    }

    async fn server_side_apply(
        &self,
        desired: &Object,
        dry_run: DryRun,
    ) -> Result<Object, RequestError> {
        let verb = Verb::Apply {
            body: desired.value(),
            manager: &self.settings.field_manager,
            dry_run,
        };
        let object = desired.reference();
        self.cluster
            .send_for_object(&object, desired.api_version(), &verb)
            .await
    }

    /// Whether `cause` stands for a change that only a new object could have: the server would take the object if
    /// it were not there yet. Flux takes every invalid object for one, and deletes what is there.
    async fn is_immutable_change(&self, desired: &Object, cause: &RequestError) -> bool {
        let message = cause.to_string();
        let suspect = cause.is_code(422)
            || cause.is_code(409)
            || message.contains("is immutable")
            || message.contains("immutable field");
        if !suspect {
            return false;
        }
        let verb = Verb::DryRunCreate {
            body: desired.value(),
            manager: &self.settings.field_manager,
        };
        let object: ObjectRef = desired.reference();
        let created: Result<Value, RequestError> = self
            .cluster
            .send(&object, desired.api_version(), &verb)
            .await;
        // It is valid, but there is one already.
        matches!(created, Err(RequestError::Refused { reason, .. }) if reason == "AlreadyExists")
    }
}
