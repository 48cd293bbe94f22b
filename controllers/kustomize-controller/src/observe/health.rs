//! Waiting until objects are as their specifications say.
//!
//! What was just applied is judged by the reply first, so that an object that needs no time costs no request.
//! The rest is watched; what cannot be watched is asked for at a slow pace.
//!
//! Source: fluxcd/pkg `ssa/manager_wait.go` (Flux 2.9).

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use kstatus::{Kind, Status};
use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client};
use weir_api::kustomize::v1::Kustomization;
use weir_apply::{Action, Change, ChangeSet, Cluster, ObjectRef};
use weir_runtime::hub::Index;
use weir_runtime::kind::{Chain, Key};

use crate::plan::identity::namespace;
use crate::watch::{ObjectKey, Objects, Seen, kind_of};

/// How often an object is asked for that no watch shows.
const POLL: Duration = Duration::from_secs(5);

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
}

/// The verdicts on all targets so far, by subject.
#[derive(Debug, Clone, Default)]
pub struct Progress(BTreeMap<String, Option<Kind>>);

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
            self.0
                .values()
                .filter(|verdict| **verdict == Some(kind))
                .count()
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
        let failed = |verdict: &Option<Kind>| *verdict == Some(Kind::Failed);
        format!(
            "failed early due to stalled resources: [{}]",
            self.list(failed)
        )
    }

    /// What upstream says of a wait that took too long.
    #[must_use]
    pub fn timed_out(&self) -> String {
        format!(
            "timeout waiting for: [{}]",
            self.list(|verdict| *verdict != Some(Kind::Current))
        )
    }

    fn list(&self, which: impl Fn(&Option<Kind>) -> bool) -> String {
        let text = |(subject, verdict): (&String, &Option<Kind>)| match verdict {
            Some(kind) => format!("{subject} status: '{kind}'"),
            None => format!("can't determine status for {subject}"),
        };
        self.0
            .iter()
            .filter(|(_, verdict)| which(verdict))
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
    let mut next_poll = tokio::time::Instant::now() + WATCH_LAG;
    let mut first = true;
    loop {
        let poll = first || tokio::time::Instant::now() >= next_poll;
        if poll && !first {
            next_poll = tokio::time::Instant::now() + POLL;
        }
        for wait in &mut waits {
            wait.look(&source.client, poll, first).await;
            progress.0.insert(wait.target.subject.clone(), wait.verdict);
        }
        first = false;
        let standing = progress.standing(fail_fast);
        if standing != Standing::Waiting {
            return standing;
        }
        let timer = waits
            .iter()
            .filter_map(|wait| wait.changes_at)
            .min()
            .map(until)
            .unwrap_or(POLL);
        tokio::select! {
            () = bell.rung() => {}
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
    index: Index<Seen>,
    verdict: Option<Kind>,
    changes_at: Option<SystemTime>,
}

impl<'a> Waiting<'a> {
    fn new(source: &Source<'a>, target: &'a Target) -> Self {
        Self {
            target,
            owner: source.owner,
            index: source.objects.kind(&target.resource),
            verdict: None,
            changes_at: None,
        }
    }

    /// Takes the newest verdict that counts: the watch's, at the first look the apply's own, and at a poll
    /// the API server's for what the watch does not show.
    async fn look(&mut self, client: &Client, poll: bool, first: bool) {
        let seen = self
            .index
            .get(&self.target.object.key)
            .filter(|_| self.index.is_current());
        let due = self
            .changes_at
            .is_some_and(|moment| moment <= SystemTime::now());
        if let Some(seen) = seen.filter(|seen| self.counts(seen) && !due) {
            return self.take(&seen.status);
        }
        match &self.target.applied {
            Some(applied) if first => self.take(&applied.status.clone()),
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

    fn take(&mut self, status: &Status) {
        self.verdict = Some(status.kind);
        self.changes_at = status.changes_at;
    }

    async fn ask(&mut self, client: &Client) {
        let Target {
            object,
            resource,
            applied,
            ..
        } = self.target;
        let client = client.clone();
        let api: Api<DynamicObject> = match object.key.namespace.as_str() {
            "" => Api::all_with(client, resource),
            namespace => Api::namespaced_with(client, namespace, resource),
        };
        match api.get_opt(&object.key.name).await {
            Ok(Some(found)) => self.take(&Seen::of(&found).status),
            Ok(None) if applied.as_ref().is_some_and(|applied| applied.expires) => {
                self.verdict = Some(Kind::Current)
            }
            Ok(None) => self.take(&Status::not_found()),
            Err(error) => {
                tracing::debug!(error = %weir_runtime::kind::Chain(&error), "unable to read object's health")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(verdicts: &[(&str, Option<Kind>)]) -> Progress {
        Progress(
            verdicts
                .iter()
                .map(|(subject, verdict)| ((*subject).to_owned(), *verdict))
                .collect(),
        )
    }

    #[test]
    fn one_failure_decides_only_if_asked_to_fail_fast() {
        let mixed = progress(&[("a", Some(Kind::Failed)), ("b", Some(Kind::InProgress))]);
        assert_eq!(mixed.standing(true), Standing::Failed);
        assert_eq!(mixed.standing(false), Standing::Waiting);
        let decided = progress(&[("a", Some(Kind::Failed)), ("b", Some(Kind::Current))]);
        assert_eq!(decided.standing(false), Standing::Failed);
        assert_eq!(
            progress(&[("b", Some(Kind::Current))]).standing(false),
            Standing::Healthy
        );
        assert_eq!(progress(&[("b", None)]).standing(true), Standing::Waiting);
    }

    #[test]
    fn names_only_what_failed_early_and_everything_unready_at_the_timeout() {
        let all = progress(&[
            ("ConfigMap/ns/c", Some(Kind::Current)),
            ("Deployment/ns/d", Some(Kind::Failed)),
            ("Deployment/ns/e", Some(Kind::InProgress)),
            ("Job/ns/j", None),
        ]);
        assert_eq!(
            all.failed_early(),
            "failed early due to stalled resources: [Deployment/ns/d status: 'Failed']"
        );
        assert_eq!(
            all.timed_out(),
            "timeout waiting for: [Deployment/ns/d status: 'Failed', Deployment/ns/e status: 'InProgress', \
             can't determine status for Job/ns/j]"
        );
    }
}
