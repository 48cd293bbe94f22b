//! Asks the API server what an apply would do, then does it.
//!
//! Source: fluxcd/pkg `ssa/manager_apply.go`

mod execute;
mod migrate;
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
use crate::index::{Known, LiveIndex};
use crate::inventory::Target;
use crate::object::{Object, ObjectRef};
use crate::plan::{self, Planned, Sharing, StagePlan};
use crate::request::{DryRun, RequestError, Verb};
use crate::selector::SelectorError;
use crate::stage::Stage;
use crate::takeover::FieldManagers;

pub use prune::{PruneError, Pruned, WaitError};

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
    /// Bring field entries of other versions to the one that is applied where the server refuses an apply for them.
    pub migrate_api_version: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            field_manager: "kustomize-controller".to_owned(),
            override_managers: Vec::new(),
            concurrency: 16,
            recreate_within: Duration::from_secs(60),
            migrate_api_version: false,
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

/// An object of a stage, with what the index has to say about it.
struct Unplanned {
    desired: Object,
    target: Target,
    known: Option<Known>,
    /// What is done with it, where that is known already.
    planned: Option<Planned>,
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
                managers: FieldManagers::new(&settings.field_manager, &settings.override_managers),
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

    /// Has the server try each object of a stage that may change, and decides what to do. Nothing is written.
    ///
    /// What the index tells needs no request, and what it does not know is looked at only if it turns out to be there.
    /// If one object alone may change and is known, there is nothing that its dry run would protect.
    ///
    /// # Errors
    /// The [`ApplyError`] of the first object, in order, that cannot be applied, with those of others that are refused
    /// for what is wrong with them.
    pub async fn plan(&self, stage: Stage, force: Force) -> Result<StagePlan, ApplyError> {
        let kind = stage.kind;
        let mut objects: Vec<Unplanned> = Vec::with_capacity(stage.objects.len());
        for desired in stage.objects {
            objects.push(self.look(desired).await);
        }
        let open = objects.iter().filter(|object| object.planned.is_none());
        let alone = open.count() == 1;
        let planned = objects.into_iter().map(|object| async move {
            let forced = force == Force::Always || plan::asks_for_force(&object.desired);
            let attempt = || match &object.known {
                Some(known) if alone && !forced => {
                    plan::attempt(&object.desired, &object.target, &known.live, &self.sharing)
                }
                _ => None,
            };
            match object.planned.or_else(attempt) {
                Some(planned) => Ok(planned),
                None => self.plan_one(object.desired, object.known, forced).await,
            }
        });
        let planned = self.side_by_side(planned.collect()).await;
        let (mut objects, mut errors) = (Vec::new(), Vec::new());
        for planned in planned {
            match planned {
                Ok(planned) => objects.push(planned),
                Err(error) => errors.push(error),
            }
        }
        match ApplyError::of_all(errors) {
            None => Ok(StagePlan { kind, objects }),
            Some(error) => Err(error),
        }
    }

    /// What the index has to say about an object.
    async fn look(&self, desired: Object) -> Unplanned {
        let mut target = Target::of(&desired);
        let known = match &self.index {
            Some(index) => {
                let mapping = self
                    .cluster
                    .mapping(&target.api_version, &target.object.kind);
                if mapping.await.is_ok_and(|mapping| !mapping.namespaced) {
                    target.object.namespace.clear();
                }
                index.look_up(&target)
            }
            None => None,
        };
        let decide = |known| plan::without_asking(&desired, &target, known, &self.sharing);
        Unplanned {
            planned: known.as_ref().and_then(decide),
            desired,
            target,
            known,
        }
    }

    async fn plan_one(
        &self,
        desired: Object,
        known: Option<Known>,
        forced: bool,
    ) -> Result<Planned, ApplyError> {
        let live = known.as_ref().map(|known| &known.live);
        if live.is_none() && plan::is_marked(&desired) {
            let live = self.read(&desired).await;
            if plan::is_skipped(&desired, live.as_ref()) {
                return Ok(plan::skip(desired, live.as_ref()));
            }
        }
        let mut desired = desired;
        let mut accepted = self.dry_run(&desired).await;
        if accepted.as_ref().is_err_and(is_undeclared)
            && self.settings.migrate_api_version
            && self.migrate(&desired).await?
        {
            accepted = self.dry_run(&desired).await;
        }
        if accepted.as_ref().is_err_and(is_undeclared)
            && let Some(known) = desired.without_unknown()
        {
            desired = known;
            accepted = self.dry_run(&desired).await;
        }
        if let Ok(accepted) = &accepted
            && let Some(planned) = plan::apply_known(&desired, live, accepted, &self.sharing)
        {
            return Ok(planned);
        }
        let mut live = self.read(&desired).await;
        // What somebody wrote between the two would count as drift: then both are repeated, in turn, once.
        if let (Some(before), Ok(after)) = (&live, &accepted)
            && before.resource_version() != after.resource_version()
        {
            live = self.read(&desired).await;
            accepted = self.dry_run(&desired).await;
        }
        // What the dry run says does not count if the object asks to be left alone.
        if plan::is_skipped(&desired, live.as_ref()) {
            return Ok(plan::skip(desired, live.as_ref()));
        }
        let cause = match accepted {
            Ok(accepted) => {
                let planned = plan::apply(desired, live.as_ref(), &accepted, &self.sharing);
                return Ok(planned);
            }
            Err(cause) => cause,
        };
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

    /// The object as it is. None if it is not there, and also where it cannot be read: the dry run says better why.
    async fn read(&self, desired: &Object) -> Option<Object> {
        let object = desired.reference();
        let live = self.cluster.get(&object, desired.api_version()).await;
        live.unwrap_or_default()
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

/// Whether the server has no such field. Flux never sends a field that its own types have not, so that the fields of a
/// newer API server are out of its reach.
fn is_undeclared(cause: &RequestError) -> bool {
    cause.to_string().contains("field not declared in schema")
}
