//! The applied objects, watched: who waits for one is told, and who lost one is woken.
//!
//! One watch per kind serves all Kustomizations: it selects on the owner label and keeps a few words of each
//! object. Nothing is polled that can be watched.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use kube::Client;
use kube::core::{ApiResource, DynamicObject};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use weir_api::meta::label;
use weir_runtime::hub::{Hub, Index};
use weir_runtime::kind::Key;

/// What is kept of an applied object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its uid.
    pub uid: String,
    /// Its generation, where its kind has one.
    pub generation: Option<i64>,
    /// The version of this state.
    pub resource_version: String,
    /// The Kustomization that its labels name.
    pub owner: Option<Key>,
    /// kstatus's verdict at the time the state arrived.
    pub status: kstatus::Status,
    /// A Job that its controller deletes some time after it has finished.
    pub expires: bool,
}

impl Seen {
    /// What is kept of `object`.
    #[must_use]
    pub fn of(object: &DynamicObject) -> Self {
        let meta = &object.metadata;
        let labels = meta.labels.as_ref();
        let owner = labels.and_then(|labels| {
            Some(Key::new(
                labels.get(label::KUSTOMIZE_NAMESPACE)?.as_str(),
                labels.get(label::KUSTOMIZE_NAME)?.as_str(),
            ))
        });
        let value = serde_json::to_value(object).unwrap_or_default();
        Self {
            uid: meta.uid.clone().unwrap_or_default(),
            generation: meta.generation,
            resource_version: meta.resource_version.clone().unwrap_or_default(),
            owner,
            status: kstatus::compute(&value, SystemTime::now()),
            expires: value.pointer("/spec/ttlSecondsAfterFinished").is_some(),
        }
    }
}

/// An object's kind and key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectKey {
    /// API group and kind, e.g. `apps/Deployment`.
    pub kind: String,
    /// Namespace (empty for cluster scope) and name.
    pub key: Key,
}

/// Called with the owner of an object that is gone.
pub type Lost = Box<dyn Fn(&ObjectKey, &Seen) + Send + Sync>;

/// The watched objects of all Kustomizations.
pub struct Objects {
    hub: Hub,
    lost: Arc<Lost>,
    kinds: Mutex<HashMap<String, Watched>>,
    waiters: Arc<Waiters>,
}

/// What the last apply of each Kustomization left in its inventory, by inventory id. Newer than the status that
/// the watch shows: what is pruned right now is no longer in it.
#[derive(Debug, Default)]
pub struct Kept(Mutex<HashMap<Key, HashSet<String>>>);

impl Kept {
    /// `owner` has applied these, and only these.
    pub fn keep(&self, owner: &Key, ids: HashSet<String>) {
        self.0.lock().insert(owner.clone(), ids);
    }

    /// `owner` takes these away itself for a moment, out of what it keeps or else `stored`.
    pub fn release(&self, owner: &Key, stored: impl Iterator<Item = String>, ids: &[String]) {
        let mut all = self.0.lock();
        let kept = all.entry(owner.clone()).or_insert_with(|| stored.collect());
        kept.retain(|id| !ids.contains(id));
    }

    /// `owner` is gone.
    pub fn forget(&self, owner: &Key) {
        self.0.lock().remove(owner);
    }

    /// Whether `owner` keeps the object; `None` if it has applied nothing since the start.
    #[must_use]
    pub fn keeps(&self, owner: &Key, id: &str) -> Option<bool> {
        self.0.lock().get(owner).map(|ids| ids.contains(id))
    }
}

struct Watched {
    index: Index<Seen>,
    dispatch: JoinHandle<()>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.dispatch.abort();
    }
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Objects")
            .field("kinds", &self.kinds.lock().keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl Objects {
    /// Watches through `hub`; `lost` hears of every deleted object that had an owner.
    #[must_use]
    pub fn new(hub: Hub, lost: Lost) -> Self {
        Self {
            hub,
            lost: Arc::new(lost),
            kinds: Mutex::default(),
            waiters: Arc::default(),
        }
    }

    /// A hub that watches one namespace of the same cluster with `client`.
    #[must_use]
    pub fn seen_by(&self, client: Client, namespace: &str) -> Hub {
        self.hub.seen_by(client, namespace)
    }

    /// The objects of one kind; the watch starts with the first call.
    pub fn kind(&self, resource: &ApiResource) -> Index<Seen> {
        let kind = kind_of(resource);
        let mut kinds = self.kinds.lock();
        if let Some(watched) = kinds.get(&kind) {
            return watched.index.clone();
        }
        let index = self.hub.index(resource, label::KUSTOMIZE_NAME, |object| {
            Some(Seen::of(object))
        });
        let dispatch = tokio::spawn(dispatch(
            kind.clone(),
            index.clone(),
            Arc::clone(&self.waiters),
            Arc::clone(&self.lost),
        ));
        kinds.insert(
            kind,
            Watched {
                index: index.clone(),
                dispatch,
            },
        );
        index
    }

    /// A bell that rings when any of `objects` changes.
    #[must_use]
    pub fn bell(&self, objects: &[ObjectKey]) -> Bell {
        let notify = Arc::new(Notify::new());
        let mut waiting = self.waiters.0.lock();
        for object in objects {
            waiting
                .entry(object.clone())
                .or_default()
                .push(Arc::downgrade(&notify));
        }
        Bell {
            notify,
            objects: objects.to_vec(),
            waiters: Arc::clone(&self.waiters),
        }
    }
}

/// The name under which a kind is watched.
#[must_use]
pub fn kind_of(resource: &ApiResource) -> String {
    format!("{}/{}", resource.group, resource.kind)
}

#[derive(Debug, Default)]
struct Waiters(Mutex<HashMap<ObjectKey, Vec<Weak<Notify>>>>);

impl Waiters {
    fn ring(&self, object: &ObjectKey) {
        if let Some(waiting) = self.0.lock().get(object) {
            waiting
                .iter()
                .filter_map(Weak::upgrade)
                .for_each(|notify| notify.notify_one());
        }
    }
}

/// Rings when one of its objects changes; forgets itself when dropped.
#[derive(Debug)]
pub struct Bell {
    notify: Arc<Notify>,
    objects: Vec<ObjectKey>,
    waiters: Arc<Waiters>,
}

impl Bell {
    /// Waits for the next change since the last call.
    pub async fn rung(&self) {
        self.notify.notified().await;
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        let mut waiting = self.waiters.0.lock();
        for object in &self.objects {
            if let Some(list) = waiting.get_mut(object) {
                list.retain(|waiter| !std::ptr::eq(waiter.as_ptr(), Arc::as_ptr(&self.notify)));
                if list.is_empty() {
                    waiting.remove(object);
                }
            }
        }
    }
}

async fn dispatch(kind: String, index: Index<Seen>, waiters: Arc<Waiters>, lost: Arc<Lost>) {
    let mut changes = index.subscribe();
    loop {
        let change = changes.next().await;
        let object = ObjectKey {
            kind: kind.clone(),
            key: change.key,
        };
        waiters.ring(&object);
        if let (Some(old), None) = (change.old, change.new) {
            lost(&object, &old);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keeps_the_owner_and_the_verdict() {
        let object: DynamicObject = serde_json::from_value(json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": "j", "namespace": "ns", "uid": "u", "generation": 1, "resourceVersion": "7", "labels": {
                "kustomize.toolkit.fluxcd.io/name": "app", "kustomize.toolkit.fluxcd.io/namespace": "team",
            }},
            "spec": {"ttlSecondsAfterFinished": 1}, "status": {},
        }))
        .expect("an object");
        let seen = Seen::of(&object);
        assert_eq!(seen.owner, Some(Key::new("team", "app")));
        assert_eq!(seen.status.kind, kstatus::Kind::InProgress);
        assert!(seen.expires);
    }

    #[tokio::test]
    async fn a_bell_rings_for_its_objects_only_and_leaves_no_trace() {
        let waiters = Arc::new(Waiters::default());
        let object = |name: &str| ObjectKey {
            kind: "/ConfigMap".into(),
            key: Key::new("ns", name),
        };
        let notify = Arc::new(Notify::new());
        waiters
            .0
            .lock()
            .entry(object("a"))
            .or_default()
            .push(Arc::downgrade(&notify));
        let bell = Bell {
            notify,
            objects: vec![object("a")],
            waiters: Arc::clone(&waiters),
        };
        waiters.ring(&object("b"));
        assert!(futures::poll!(std::pin::pin!(bell.rung())).is_pending());
        waiters.ring(&object("a"));
        bell.rung().await;
        drop(bell);
        assert!(waiters.0.lock().is_empty());
    }
}
