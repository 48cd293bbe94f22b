//! Waiting until objects are as their specifications say.
//!
//! What was just applied is judged by the reply first, so that an object that needs no time costs no request.
//! The rest is watched; what cannot be watched is asked for at a slow pace.
//!
//! Source: fluxcd/pkg `ssa/manager_wait.go` (Flux 2.9).

mod pods;
mod unfinished;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use kstatus::{Kind, Status};
use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client};
use tokio::sync::Notify;
use tokio::time::Instant;
use weir_api::kustomize::v1::Kustomization;
use weir_apply::{Action, Change, ChangeSet, Cluster, ObjectRef};
use weir_runtime::client::describe;
use weir_runtime::hub::Index;
use weir_runtime::kind::{Chain, Key};

use crate::plan::expressions::{HealthRules, Rule};
use crate::plan::identity::namespace;
use crate::watch::{ObjectKey, Objects, Seen, current, kind_of};
use pods::Pods;

pub use unfinished::Unfinished;

/// How often an object is asked for that no watch shows.
const POLL: Duration = Duration::from_secs(5);

/// After so long the API server is asked although the watch shows something.
const DOUBT: Duration = Duration::from_secs(30);

/// How long a watch may take to show what was just applied before the API server is asked.
const WATCH_LAG: Duration = Duration::from_secs(1);

/// An object to wait for.
#[derive(Debug, Clone)]
pub struct Target {
    /// How messages name it: `Kind/namespace/name`.
    pub subject: String,
    /// Its kind and key.
    pub object: ObjectKey,
    /// Its API resource.
    pub resource: ApiResource,
    /// The state that our apply left it in; `None` if we did not apply it.
    pub applied: Option<Applied>,
}

/// The state that an apply left an object in.
#[derive(Debug, Clone)]
pub struct Applied {
    /// Its uid: another one's verdict does not count.
    pub uid: String,
    /// Its generation: an older one's verdict does not count.
    pub generation: Option<i64>,
    /// Its version, which counts for kinds that have no generation.
    pub resource_version: String,
    /// The verdict on the reply to the apply.
    pub status: Status,
    /// A Job that disappears some time after it has finished: gone counts as done.
    pub expires: bool,
}

/// Where verdicts come from.
pub struct Source<'a> {
    /// The watched objects.
    pub objects: &'a Objects,
    /// For what is not watched, with the Kustomization's own identity.
    pub client: Client,
    /// The Kustomization: what the watch shows of the objects of others is not for it to see.
    pub owner: &'a Key,
    /// How objects are judged that have rules of their own.
    pub rules: &'a HealthRules,
}

/// The verdicts on all targets so far, by subject.
#[derive(Debug, Clone, Default)]
pub struct Progress(BTreeMap<String, Option<Status>>);

/// What a wait has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Something is still on its way.
    Waiting,
    /// Everything is current.
    Healthy,
    /// Something has failed.
    Failed,
}

impl Progress {
    /// Whether to go on. With `fail_fast` one failure is enough, else only failures must be left.
    #[must_use]
    pub fn standing(&self, fail_fast: bool) -> Standing {
        let count = |kind: Kind| {
            let is = |verdict: &&Option<Status>| verdict.as_ref().is_some_and(|it| it.kind == kind);
            self.0.values().filter(is).count()
        };
        let (current, failed) = (count(Kind::Current), count(Kind::Failed));
        if current == self.0.len() {
            Standing::Healthy
        } else if failed > 0 && (fail_fast || current + failed == self.0.len()) {
            Standing::Failed
        } else {
            Standing::Waiting
        }
    }

    /// What upstream says of a wait that ended early.
    #[must_use]
    pub fn failed_early(&self) -> String {
        let failed = self.list(|kind| kind == Some(Kind::Failed));
        format!("failed early due to stalled resources: [{failed}]")
    }

    /// What upstream says of a wait that took too long.
    #[must_use]
    pub fn timed_out(&self) -> String {
        let unready = self.list(|kind| kind != Some(Kind::Current));
        format!("timeout waiting for: [{unready}]")
    }

    fn list(&self, which: impl Fn(Option<Kind>) -> bool) -> String {
        let text = |(subject, verdict): (&String, &Option<Status>)| match verdict {
            Some(Status {
                kind: Kind::Unknown,
                message,
                ..
            }) => format!("{subject} status: 'Unknown': {message}"),
            Some(status) => format!("{subject} status: '{}'", status.kind),
            None => format!("can't determine status for {subject}"),
        };
        self.0
            .iter()
            .filter(|(_, verdict)| which(verdict.as_ref().map(|it| it.kind)))
            .map(text)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// What `object` waits for: everything applied, or the objects that it names. `None` if nothing.
///
/// The inner error is a check that cannot even start.
pub async fn targets(
    target: &crate::target::Target,
    object: &Kustomization,
    changes: &ChangeSet,
) -> Option<Result<Vec<Target>, String>> {
    let spec = &object.spec;
    if !spec.wait && spec.health_checks.is_empty() {
        return None;
    }
    let cluster = &target.cluster;
    let mut targets = Vec::new();
    if spec.wait {
        for change in changes
            .entries
            .iter()
            .filter(|change| change.action != Action::Skipped)
        {
            match applied(cluster, change).await {
                Ok(target) => targets.push(target),
                Err(text) => return Some(Err(text)),
            }
        }
        if targets.is_empty() {
            return None;
        }
    } else {
        for check in &spec.health_checks {
            let api_version = if check.api_version.is_empty() {
                "apps/v1"
            } else {
                &check.api_version
            };
            let named = named(
                cluster,
                api_version,
                &check.kind,
                &Key::new(&check.namespace, &check.name),
            )
            .await;
            match named {
                Ok(target) => targets.push(target),
                Err(text) => return Some(Err(text)),
            }
        }
    }
    // A Kustomization that waits for itself would wait for good.
    let own = Key::new(
        namespace(object),
        object.metadata.name.as_deref().unwrap_or_default(),
    );
    targets.retain(|target| !(target.resource.kind == "Kustomization" && target.object.key == own));
    Some(Ok(targets))
}

async fn applied(cluster: &Cluster, change: &Change) -> Result<Target, String> {
    let ObjectRef {
        namespace, name, ..
    } = change.subject();
    let served = cluster
        .resource(&change.target.api_version, &change.subject().kind)
        .await;
    let (resource, _) = served.map_err(|error| Chain(&error).to_string())?;
    Ok(Target {
        subject: change.subject().to_string(),
        object: ObjectKey {
            kind: kind_of(&resource),
            key: Key::new(namespace, name),
        },
        resource,
        applied: Some(Applied {
            uid: change.uid.clone(),
            generation: change.generation,
            resource_version: change.resource_version.clone(),
            status: change.status.clone(),
            expires: change.expires,
        }),
    })
}

async fn named(
    cluster: &Cluster,
    api_version: &str,
    kind: &str,
    key: &Key,
) -> Result<Target, String> {
    let served = cluster.resource(api_version, kind).await;
    let (resource, namespaced) = served.map_err(|error| Chain(&error).to_string())?;
    if namespaced && key.namespace.is_empty() {
        let group = if resource.group.is_empty() {
            String::new()
        } else {
            format!(".{}", resource.group)
        };
        return Err(format!(
            "resource {kind}{group} {} is namespace scoped, but namespace is not set",
            key.name
        ));
    }
    let namespace = if namespaced {
        key.namespace.clone()
    } else {
        String::new()
    };
    let reference = ObjectRef {
        group: resource.group.clone(),
        kind: kind.to_owned(),
        namespace: namespace.clone(),
        name: key.name.clone(),
    };
    let object = ObjectKey {
        kind: kind_of(&resource),
        key: Key::new(namespace, &key.name),
    };
    Ok(Target {
        subject: reference.to_string(),
        object,
        resource,
        applied: None,
    })
}

/// Waits until every target is current, or the failures decide. `progress` is kept up to date all the while,
/// so that whoever ends the wait can say what it waited for.
pub async fn settle(
    source: &Source<'_>,
    targets: &[Target],
    fail_fast: bool,
    progress: &mut Progress,
) -> Standing {
    let mut waits: Vec<Waiting<'_>> = targets
        .iter()
        .map(|target| Waiting::new(source, target))
        .collect();
    let keys: Vec<ObjectKey> = targets.iter().map(|target| target.object.clone()).collect();
    let bell = source.objects.bell(&keys);
    let mut next_poll = Instant::now() + WATCH_LAG;
    let pods_changed = Arc::new(Notify::new());
    let mut first = true;
    loop {
        let poll = first || Instant::now() >= next_poll;
        if poll && !first {
            next_poll = Instant::now() + POLL;
        }
        for wait in &mut waits {
            wait.look(&source.client, poll, first).await;
            if poll && !first {
                wait.watch_pods(source, &pods_changed).await;
            }
            let subject = wait.target.subject.clone();
            progress.0.insert(subject, wait.verdict());
        }
        first = false;
        let standing = progress.standing(fail_fast);
        if standing != Standing::Waiting {
            return standing;
        }
        let timer = waits
            .iter()
            .filter_map(Waiting::changes_at)
            .min()
            .map(until)
            .unwrap_or(POLL);
        tokio::select! {
            () = bell.rung() => {}
            () = pods_changed.notified() => {}
            () = tokio::time::sleep(timer) => {}
            () = tokio::time::sleep_until(next_poll) => {}
        }
    }
}

fn until(moment: SystemTime) -> Duration {
    // A verdict that is due is looked at once more, not in a busy loop.
    moment
        .duration_since(SystemTime::now())
        .unwrap_or_default()
        .max(Duration::from_millis(50))
}

/// One target under watch.
struct Waiting<'a> {
    target: &'a Target,
    owner: &'a Key,
    /// `None` where it cannot be watched.
    index: Option<Index<Seen>>,
    status: Option<Status>,
    /// When the API server was asked last.
    asked: Instant,
    /// Of a workload that is not ready for a while.
    pods: Option<Pods>,
    /// Who judges the object, if its kind has a rule; that takes the whole object.
    rule: Option<&'a Rule>,
    /// The version of the object that the rule judged.
    judged: String,
}

impl<'a> Waiting<'a> {
    fn new(source: &Source<'a>, target: &'a Target) -> Self {
        Self {
            target,
            owner: source.owner,
            index: source.objects.kind(&target.resource),
            status: None,
            asked: Instant::now(),
            pods: None,
            rule: source
                .rules
                .for_kind(&target.resource.group, &target.resource.kind),
            judged: String::new(),
        }
    }

    /// Takes the newest verdict that counts: the watch's, at the first look the apply's own, and at a poll
    /// the API server's for what the watch does not show.
    async fn look(&mut self, client: &Client, poll: bool, first: bool) {
        let index = self.index.as_ref();
        let seen = index.and_then(|index| current(index, &self.target.object.key));
        let due = self
            .changes_at()
            .is_some_and(|moment| moment <= SystemTime::now());
        // An event may be lost: who waits for long asks now and then.
        let doubted = poll && self.asked.elapsed() >= DOUBT;
        if self.rule.is_some() {
            let version = |seen: &Seen| seen.resource_version != self.judged;
            if first || poll || seen.as_ref().is_some_and(version) {
                self.ask(client).await;
            }
            return;
        }
        if let Some(seen) = seen.filter(|seen| self.counts(seen) && !due && !doubted) {
            self.status = Some(seen.live.status);
            return;
        }
        match &self.target.applied {
            Some(applied) if first => self.status = Some(applied.status.clone()),
            _ if poll || due => self.ask(client).await,
            _ => {}
        }
    }

    fn counts(&self, seen: &Seen) -> bool {
        let version = |text: &str| text.parse::<u64>().unwrap_or_default();
        let Some(applied) = &self.target.applied else {
            return seen.owner.as_ref() == Some(self.owner);
        };
        let recent = match applied.generation {
            Some(generation) => seen.generation.unwrap_or_default() >= generation,
            None => version(&seen.resource_version) >= version(&applied.resource_version),
        };
        seen.uid == applied.uid && recent
    }

    fn changes_at(&self) -> Option<SystemTime> {
        self.status.as_ref()?.changes_at
    }

    /// The verdict, failed pods considered.
    fn verdict(&self) -> Option<Status> {
        let failed = self.pods.as_ref().map_or(0, Pods::failed);
        match &self.status {
            Some(status) if status.kind == Kind::InProgress && failed > 0 => Some(Status {
                kind: Kind::Failed,
                message: format!("{failed} pods have failed"),
                changes_at: None,
            }),
            status => status.clone(),
        }
    }

    /// Watches the pods of a workload that is still not ready, where its kind says nothing of failures.
    async fn watch_pods(&mut self, source: &Source<'_>, changed: &Arc<Notify>) {
        let is_late = self.status.as_ref().map(|it| it.kind) == Some(Kind::InProgress);
        if is_late && self.pods.is_none() && pods::tell_of(&self.target.resource) {
            let api = self.api(&source.client);
            if let Ok(workload) = api.get(&self.target.object.key.name).await {
                let namespace = &self.target.object.key.namespace;
                let hub = source.objects.seen_by(source.client.clone(), namespace);
                self.pods = Pods::of(&workload, &hub, changed);
            }
        }
    }

    fn api(&self, client: &Client) -> Api<DynamicObject> {
        let Target {
            object, resource, ..
        } = self.target;
        match object.key.namespace.as_str() {
            "" => Api::all_with(client.clone(), resource),
            namespace => Api::namespaced_with(client.clone(), namespace, resource),
        }
    }

    async fn ask(&mut self, client: &Client) {
        self.asked = Instant::now();
        let expires = |applied: &Applied| applied.expires;
        let found = self.api(client).get_opt(&self.target.object.key.name).await;
        self.status = Some(match found {
            Ok(Some(found)) => {
                let version = found.metadata.resource_version.clone();
                let value = serde_json::to_value(&found).unwrap_or_default();
                match self.rule {
                    Some(rule) => {
                        self.judged = version.unwrap_or_default();
                        rule.judge(&value)
                    }
                    None => kstatus::compute(&value, SystemTime::now()),
                }
            }
            Ok(None) if self.target.applied.as_ref().is_some_and(expires) => Status {
                kind: Kind::Current,
                ..Status::not_found()
            },
            Ok(None) => Status::not_found(),
            Err(error) => Status::unknown(describe(&error)),
        });
    }
}

#[cfg(test)]
mod tests;
