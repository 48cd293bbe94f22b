//! The applied objects of a cluster, watched: who waits for one is told, who lost one or finds it changed is woken, and
//! who wants to apply one learns what need not be asked.
//!
//! One watch per kind serves all Kustomizations: it selects on the owner label and keeps digests of each object.
//! Nothing is polled that can be watched.

mod ledger;
mod rights;
mod rules;
mod seen;
mod view;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch as channel};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use weir_api::meta::{InventoryEntry, label};
use weir_apply::{FieldManagers, inventory};
use weir_runtime::cache::Sync;
use weir_runtime::hub::{Hub, Index};
use weir_runtime::kind::Key;

pub use ledger::{Ledger, Memory};
pub use rights::{Rights, question};
pub use rules::{Predictable, Rules};
pub use seen::{Drift, ObjectKey, Reducer, Seen, Writer, current};
pub use view::{View, Viewer};

/// So many kinds are watched at most. Objects of others are looked at when their Kustomizations run.
const MAX_KINDS: usize = 256;

/// How long a watch that was just started may take to show what there is. After that the API server is asked.
const FIRST_LIST: Duration = Duration::from_secs(2);

/// Learns what watches show of applied objects.
pub trait Observer: Send + std::marker::Sync {
    /// Whether the loss of an object is drift.
    fn misses(&self, object: &ObjectKey, last: &Seen) -> bool;

    /// An object that is missed is gone.
    fn lost(&self, object: &ObjectKey, last: &Seen);

    /// Fields that an owner has applied have changed since.
    fn drifted(&self, object: &ObjectKey, now: &Seen, memory: &Memory);
}

/// The watched objects of all Kustomizations.
pub struct Objects {
    hub: Hub,
    observer: Arc<dyn Observer>,
    kinds: Mutex<HashMap<String, Watched>>,
    waiters: Arc<Waiters>,
    reducer: Reducer,
    rules: Rules,
    rights: Rights,
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
    since: Instant,
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
    /// Watches through `hub`, on behalf of the field managers that apply; `observer` hears of drift from `ledger`.
    #[must_use]
    pub fn new(
        hub: Hub,
        ledger: Arc<Ledger>,
        managers: FieldManagers,
        observer: Arc<dyn Observer>,
    ) -> Self {
        let managers = Arc::new(managers);
        Self {
            rules: Rules::new(hub.clone()),
            hub,
            observer,
            kinds: Mutex::default(),
            waiters: Arc::default(),
            reducer: Reducer { managers, ledger },
            rights: Rights::default(),
        }
    }

    /// A hub that watches one namespace of the same cluster with `client`.
    #[must_use]
    pub fn seen_by(&self, client: Client, namespace: &str) -> Hub {
        self.hub.seen_by(client, namespace)
    }

    /// A hub that watches another cluster with `client`.
    #[must_use]
    pub fn of_cluster(&self, client: Client) -> Hub {
        self.hub.of_cluster(client)
    }

    /// What was applied.
    #[must_use]
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.reducer.ledger
    }

    /// `owner` no longer keeps `entries`.
    pub fn forget(&self, owner: &Key, entries: &[InventoryEntry]) {
        let parse = |entry: &InventoryEntry| inventory::parse_id(&entry.id).ok();
        let objects = entries.iter().filter_map(parse);
        let ledger = &self.reducer.ledger;
        ledger.forget(owner, objects.map(|object| ObjectKey::of(&object)));
    }

    /// What decides over applies.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Who may apply what.
    #[must_use]
    pub fn rights(&self) -> &Rights {
        &self.rights
    }

    /// The objects of one kind; the watch starts with the first call. `None` if too many kinds are watched.
    pub fn kind(&self, resource: &ApiResource) -> Option<Index<Seen>> {
        let kind = kind_of(resource);
        let mut kinds = self.kinds.lock();
        if let Some(watched) = kinds.get(&kind) {
            return Some(watched.index.clone());
        }
        if kinds.len() >= MAX_KINDS {
            // Those of which there is nothing (any more) make room.
            kinds.retain(|_, watched| {
                !watched.index.is_current() || !watched.index.list().is_empty()
            });
            if kinds.len() >= MAX_KINDS {
                tracing::debug!(kind, "too many kinds, not watched");
                return None;
            }
        }
        let (reducer, name) = (self.reducer.clone(), kind.clone());
        let reduce = move |object: &_| reducer.reduce(&name, object);
        let index = self.hub.index(resource, label::KUSTOMIZE_NAME, reduce);
        let dispatch = Dispatch {
            kind: kind.clone(),
            client: self.hub.client().clone(),
            resource: resource.clone(),
            index: index.clone(),
            waiters: Arc::clone(&self.waiters),
            ledger: Arc::clone(&self.reducer.ledger),
            observer: Arc::clone(&self.observer),
        };
        let watched = Watched {
            index: index.clone(),
            since: Instant::now(),
            dispatch: tokio::spawn(dispatch.run()),
        };
        kinds.insert(kind, watched);
        Some(index)
    }

    /// Gives a watch the time of its first list.
    pub async fn listed(&self, kind: &str, index: &Index<Seen>) {
        let since = self.kinds.lock().get(kind).map(|watched| watched.since);
        if let Some(since) = since {
            first_list(since, index.sync()).await;
        }
    }

    /// These are written from now on: what a watch shows of them is not judged until that is over.
    pub fn write(&self, objects: Vec<ObjectKey>) -> Writing<'_> {
        self.reducer.ledger.write(&objects);
        Writing {
            watched: self,
            objects,
        }
    }

    /// These were written, and `memories` is what came of it. What was changed by others meanwhile is judged now.
    fn written(&self, objects: &[ObjectKey], memories: Vec<(ObjectKey, Memory)>) {
        for object in self.reducer.ledger.written(objects, memories) {
            let index = self
                .kinds
                .lock()
                .get(&object.kind)
                .map(|it| it.index.clone());
            if let Some(now) = index.and_then(|index| index.get(&object.key)) {
                judge(&*self.observer, &self.reducer.ledger, &object, &now);
            }
        }
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

/// Objects that are being written.
pub struct Writing<'a> {
    watched: &'a Objects,
    objects: Vec<ObjectKey>,
}

impl Writing<'_> {
    /// They are written, and `memories` is what came of it.
    pub fn done(mut self, memories: Vec<(ObjectKey, Memory)>) {
        let objects = std::mem::take(&mut self.objects);
        self.watched.written(&objects, memories);
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.watched.written(&self.objects, Vec::new());
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

/// Tells what the watch of one kind shows.
struct Dispatch {
    kind: String,
    client: Client,
    resource: ApiResource,
    index: Index<Seen>,
    waiters: Arc<Waiters>,
    ledger: Arc<Ledger>,
    observer: Arc<dyn Observer>,
}

impl Dispatch {
    async fn run(self) {
        let mut changes = self.index.subscribe();
        let mut rewound = 0;
        loop {
            let change = changes.next().await;
            let now = self.index.sync().borrow().rewound;
            if now != rewound {
                self.ledger.rewind(&self.kind);
                rewound = now;
            }
            let object = ObjectKey {
                kind: self.kind.clone(),
                key: change.key,
            };
            self.waiters.ring(&object);
            match (change.old, change.new) {
                (_, Some(now)) => judge(&*self.observer, &self.ledger, &object, &now),
                (Some(last), None) if self.observer.misses(&object, &last) => {
                    self.look_for(object, last);
                }
                _ => {}
            }
        }
    }

    /// Tells that an object is gone, unless only its label is: people take that off to keep an object.
    fn look_for(&self, object: ObjectKey, last: Seen) {
        let client = self.client.clone();
        let api: Api<DynamicObject> = match object.key.namespace.as_str() {
            "" => Api::all_with(client, &self.resource),
            namespace => Api::namespaced_with(client, namespace, &self.resource),
        };
        let observer = Arc::clone(&self.observer);
        tokio::spawn(async move {
            match api.get_metadata_opt(&object.key.name).await {
                Ok(Some(_)) => tracing::debug!(kind = object.kind, "object has lost its label"),
                // If it cannot be read, the pass will say why.
                Ok(None) | Err(_) => observer.lost(&object, &last),
            }
        });
    }
}

fn judge(observer: &dyn Observer, ledger: &Ledger, object: &ObjectKey, now: &Seen) {
    if let Some(memory) = ledger.measure(object)
        && memory.has_drifted(now)
    {
        observer.drifted(object, now, &memory);
    }
}

/// Waits until everything was listed, at most until [`FIRST_LIST`] after `since`.
async fn first_list(since: Instant, mut sync: channel::Receiver<Sync>) {
    let listed = sync.wait_for(|sync| sync.synced);
    let _ = tokio::time::timeout_at(since + FIRST_LIST, listed).await;
}

#[cfg(test)]
mod tests {
    use super::*;

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
