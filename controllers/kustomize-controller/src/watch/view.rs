//! What one pass may know of the objects of a stage without asking the API server.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use kube::core::ApiResource;
use weir_apply::{Cluster, Known, LiveIndex, Target};
use weir_runtime::hub::Index;
use weir_runtime::kind::Key;

use super::Objects;
use super::ledger::Ledger;
use super::rights;
use super::rules::Predictable;
use super::seen::{ObjectKey, Seen, current};

/// Who looks.
#[derive(Debug, Clone)]
pub struct Viewer<'a> {
    /// The Kustomization.
    pub owner: &'a Key,
    /// The cluster, seen by the identity that it acts as.
    pub cluster: &'a Cluster,
    /// The user that is impersonated; `None` if the watches are that identity's own.
    pub user: Option<String>,
    /// How long a right that was shown counts.
    pub interval: Duration,
    /// Some of the objects may be there already, so it is worth to wait for the first list.
    pub returns: bool,
}

/// The watched objects of a stage, as far as its Kustomization may know them.
#[derive(Debug)]
pub struct View {
    owner: Key,
    user: Option<String>,
    kinds: HashMap<String, Viewed>,
    ledger: Arc<Ledger>,
}

#[derive(Debug)]
struct Viewed {
    resource: ApiResource,
    namespaced: bool,
    index: Index<Seen>,
    rules: Option<Predictable>,
    /// The namespaces that the identity has no rights in.
    hidden: HashSet<String>,
}

impl View {
    /// What `viewer` may know of `objects`. Their kinds are watched from now on.
    pub async fn new(objects: &Objects, viewer: Viewer<'_>, targets: &[Target]) -> Self {
        let mut kinds: HashMap<String, Viewed> = HashMap::new();
        for target in targets {
            let kind = ObjectKey::of(&target.object).kind;
            if kinds.contains_key(&kind) {
                continue;
            }
            let served = viewer
                .cluster
                .resource(&target.api_version, &target.object.kind);
            let Ok((resource, namespaced)) = served.await else {
                continue;
            };
            if let Some(index) = objects.kind(&resource) {
                let viewed = Viewed {
                    resource,
                    namespaced,
                    index,
                    rules: None,
                    hidden: HashSet::new(),
                };
                kinds.insert(kind, viewed);
            }
        }
        let mut this = Self {
            owner: viewer.owner.clone(),
            user: viewer.user.clone(),
            kinds,
            ledger: Arc::clone(objects.ledger()),
        };
        objects.rules().synced(viewer.cluster).await;
        if viewer.returns {
            for (kind, viewed) in &this.kinds {
                objects.listed(kind, &viewed.index).await;
            }
        }
        for viewed in this.kinds.values_mut() {
            viewed.rules = objects.rules().over(&viewed.resource);
        }
        this.prove(objects, &viewer, targets).await;
        this
    }

    /// Hides what the identity may not apply. Only what is there is worth a question.
    async fn prove(&mut self, objects: &Objects, viewer: &Viewer<'_>, targets: &[Target]) {
        let Some(user) = &viewer.user else {
            return;
        };
        let mut asked = HashSet::new();
        for target in targets {
            let key = ObjectKey::of(&target.object);
            let Some(viewed) = self.kinds.get_mut(&key.kind) else {
                continue;
            };
            let mut key = key.key;
            if !viewed.namespaced {
                key.namespace.clear();
            }
            if viewed.index.get(&key).is_none() {
                continue;
            }
            let question = rights::question(user, &viewed.resource, &key.namespace);
            if !asked.insert(question.clone()) {
                continue;
            }
            let may =
                objects
                    .rights()
                    .may_apply(viewer.cluster.client(), question, viewer.interval);
            if !may.await {
                viewed.hidden.insert(key.namespace);
            }
        }
    }

    /// The state of an object as the watch shows it.
    #[must_use]
    pub fn seen(&self, object: &ObjectKey) -> Option<Seen> {
        let viewed = self.kinds.get(&object.kind)?;
        let hidden = viewed.hidden.contains(&object.key.namespace);
        (!hidden)
            .then(|| current(&viewed.index, &object.key))
            .flatten()
    }

    /// Stands for what decides over applies of a kind; `None` if it is not known.
    #[must_use]
    pub fn rules(&self, kind: &str) -> Option<u64> {
        Some(self.kinds.get(kind)?.rules?.stamp)
    }

    /// A write of `object` has shown that its identity may.
    pub fn shown(&self, objects: &Objects, object: &ObjectKey) {
        if let (Some(user), Some(viewed)) = (&self.user, self.kinds.get(&object.kind)) {
            let question = rights::question(user, &viewed.resource, &object.key.namespace);
            objects.rights().shown(&question);
        }
    }
}

impl LiveIndex for View {
    fn look_up(&self, target: &Target) -> Option<Known> {
        let object = ObjectKey::of(&target.object);
        let seen = self.seen(&object)?;
        let rules = self.kinds.get(&object.kind)?.rules;
        let memory = self.ledger.memory(&object);
        // The watch has yet to show our own write.
        if memory
            .as_ref()
            .is_some_and(|memory| memory.is_newer_than(&seen))
        {
            return None;
        }
        let memory = memory.filter(|memory| {
            memory.owner == self.owner
                && memory.uid == seen.uid
                && rules.is_some_and(|rules| memory.rules == Some(rules.stamp))
        });
        Some(Known {
            accepted: memory.map(|memory| memory.accepted),
            comparable: rules.is_some_and(|rules| rules.by_value),
            live: seen.live,
        })
    }
}
