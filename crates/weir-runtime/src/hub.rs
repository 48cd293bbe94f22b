//! The watch hub of one cluster: every kind is watched once, by whoever needs it.
//!
//! A [`Store`] holds a Flux kind as typed objects, an [`Index`] holds what a caller's function makes of
//! arbitrary objects. Both are shared, start their watch when first asked for, and stop it when the last
//! handle and subscription is dropped.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Weak};
use std::time::Duration;

use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject};
use parking_lot::Mutex;
use tokio::sync::watch as channel;
use tokio::task::JoinHandle;
use weir_api::Reconcilable;

use crate::cache::{Cache, Change, Mailbox, Sync, Versioned};
use crate::kind::Key;
use crate::metrics::Metrics;
use crate::watch::{Pulse, RELIST, Sink, Watch};

mod index;
mod store;

pub use store::{Poison, Store};

/// The watches of one cluster. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    namespace: Option<String>,
    metrics: Metrics,
    watches: Mutex<HashMap<Id, Weak<dyn Any + Send + std::marker::Sync>>>,
    pulses: Mutex<Vec<(Pulse, Weak<()>)>>,
    relist: Duration,
}

/// What makes two requests share a watch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Id {
    api_version: String,
    plural: String,
    labels: Option<String>,
    scope: Scope,
    shared: TypeId,
}

/// How much of the cluster a watch covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Scope {
    /// What the hub is limited to.
    Hub,
    /// All of it.
    Cluster,
}

impl Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub")
            .field("namespace", &self.inner.namespace)
            .finish_non_exhaustive()
    }
}

/// A running watch; stops when dropped.
#[derive(Debug)]
struct Running {
    task: JoinHandle<()>,
    _alive: Arc<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Hub {
    /// A hub that watches with `client`, in `namespace` or in all of them.
    pub fn new(client: Client, namespace: Option<String>, metrics: Metrics) -> Self {
        Self::relisting(client, namespace, metrics, RELIST)
    }

    /// The same, with lists read again so often to repair what a lost event hid.
    pub fn relisting(
        client: Client,
        namespace: Option<String>,
        metrics: Metrics,
        relist: Duration,
    ) -> Self {
        let watches = Mutex::new(HashMap::new());
        Self {
            inner: Arc::new(Inner {
                client,
                namespace,
                metrics,
                watches,
                pulses: Mutex::default(),
                relist,
            }),
        }
    }

    /// A hub of its own that watches as often as this one, with a client of another cluster.
    #[must_use]
    pub fn of_cluster(&self, client: Client) -> Self {
        let metrics = self.inner.metrics.clone();
        Self::relisting(client, None, metrics, self.inner.relist)
    }

    /// A hub of its own that watches one namespace with `client`: what it shows is what that identity may see.
    #[must_use]
    pub fn seen_by(&self, client: Client, namespace: &str) -> Self {
        let metrics = self.inner.metrics.clone();
        Self::relisting(
            client,
            Some(namespace.to_owned()),
            metrics,
            self.inner.relist,
        )
    }

    /// The client that the hub watches with.
    pub fn client(&self) -> &Client {
        &self.inner.client
    }

    /// The namespace that the hub is limited to.
    pub fn namespace(&self) -> Option<&str> {
        self.inner.namespace.as_deref()
    }

    /// All objects of a Flux kind.
    pub fn store<T: Reconcilable>(&self) -> Store<T> {
        self.store_of(None)
    }

    /// The objects of a Flux kind that match the label selector; an empty one matches all.
    pub fn store_matching<T: Reconcilable>(&self, labels: &str) -> Store<T> {
        self.store_of((!labels.is_empty()).then(|| labels.to_owned()))
    }

    fn store_of<T: Reconcilable>(&self, labels: Option<String>) -> Store<T> {
        let resource = ApiResource::erase::<T>(&());
        let id = Id::new::<store::Shared<T>>(&resource, labels.as_deref());
        Store {
            shared: self.shared(id, || store::start(self, &resource, labels)),
        }
    }

    /// What `reduce` makes of the objects of any kind that match the label selector.
    ///
    /// `reduce` runs on every object as it streams by; the object itself is dropped, and `None` leaves it
    /// out. Requests for the same kind, selector and `V` share one watch, with the first one's `reduce`.
    pub fn index<V, F>(&self, resource: &ApiResource, labels: &str, reduce: F) -> Index<V>
    where
        V: Clone + Send + std::marker::Sync + 'static,
        F: Fn(&DynamicObject) -> Option<V> + Send + std::marker::Sync + 'static,
    {
        let labels = (!labels.is_empty()).then(|| labels.to_owned());
        let id = Id::new::<index::Shared<V>>(resource, labels.as_deref());
        Index {
            shared: self.shared(id, || {
                index::start(self, resource, labels, Scope::Hub, reduce)
            }),
        }
    }

    /// The same of all objects of a kind that has no namespaces, also if the hub is limited to one.
    pub fn cluster_index<V, F>(&self, resource: &ApiResource, reduce: F) -> Index<V>
    where
        V: Clone + Send + std::marker::Sync + 'static,
        F: Fn(&DynamicObject) -> Option<V> + Send + std::marker::Sync + 'static,
    {
        let mut id = Id::new::<index::Shared<V>>(resource, None);
        id.scope = Scope::Cluster;
        Index {
            shared: self.shared(id, || {
                index::start(self, resource, None, Scope::Cluster, reduce)
            }),
        }
    }

    /// How long no running watch has heard from the API server; `None` if none is running.
    pub fn silence(&self) -> Option<Duration> {
        let mut pulses = self.inner.pulses.lock();
        pulses.retain(|(_, alive)| alive.strong_count() > 0);
        pulses.iter().map(|(pulse, _)| pulse.silence()).min()
    }

    /// The shared state under `id`; started if nobody uses it at present.
    fn shared<S: Any + Send + std::marker::Sync>(
        &self,
        id: Id,
        start: impl FnOnce() -> S,
    ) -> Arc<S> {
        let mut watches = self.inner.watches.lock();
        let running = watches
            .get(&id)
            .and_then(Weak::upgrade)
            .and_then(|any| any.downcast::<S>().ok());
        if let Some(shared) = running {
            return shared;
        }
        watches.retain(|_, watch| watch.strong_count() > 0);
        let shared = Arc::new(start());
        let any: Arc<dyn Any + Send + std::marker::Sync> = Arc::clone(&shared) as _;
        watches.insert(id, Arc::downgrade(&any));
        shared
    }

    fn run(
        &self,
        resource: &ApiResource,
        labels: Option<String>,
        scope: Scope,
        sink: Arc<dyn Sink>,
    ) -> Running {
        let client = self.inner.client.clone();
        let api: Api<DynamicObject> = match (&self.inner.namespace, scope) {
            (Some(namespace), Scope::Hub) => Api::namespaced_with(client, namespace, resource),
            _ => Api::all_with(client, resource),
        };
        let alive = Arc::new(());
        let watch = Watch {
            api,
            resource: format!("{}.{}", resource.plural, resource.group),
            labels,
            metrics: self.inner.metrics.clone(),
            pulse: Pulse::new(),
            relist: self.inner.relist,
        };
        self.inner
            .pulses
            .lock()
            .push((watch.pulse.clone(), Arc::downgrade(&alive)));
        Running {
            task: tokio::spawn(watch.run(sink)),
            _alive: alive,
        }
    }
}

impl Id {
    /// `S` is what would be shared.
    fn new<S: 'static>(resource: &ApiResource, labels: Option<&str>) -> Self {
        Self {
            api_version: resource.api_version.clone(),
            plural: resource.plural.clone(),
            labels: labels.map(ToOwned::to_owned),
            scope: Scope::Hub,
            shared: TypeId::of::<S>(),
        }
    }
}

/// Reduced objects of an arbitrary kind. Cheap to clone.
pub struct Index<V> {
    shared: Arc<index::Shared<V>>,
}

impl<V> Clone for Index<V> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<V: Clone> Debug for Index<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index")
            .field("objects", &self.shared.cache.len())
            .finish_non_exhaustive()
    }
}

impl<V: Clone + Send + std::marker::Sync + 'static> Index<V> {
    /// The value of an object; the namespace is empty for cluster-scoped ones.
    pub fn get(&self, key: &Key) -> Option<V> {
        self.shared.cache.get(key)
    }

    /// All values.
    pub fn list(&self) -> Vec<(Key, V)> {
        self.shared.cache.list()
    }

    /// Whether all objects have been read and the watch is whole.
    pub fn is_current(&self) -> bool {
        let sync = *self.shared.cache.sync().borrow();
        sync.synced && sync.stale_since.is_none()
    }

    /// How far the index can be trusted, and whenever that changes.
    pub fn sync(&self) -> channel::Receiver<Sync> {
        self.shared.cache.sync()
    }

    /// Waits until all objects have been read once.
    pub async fn synced(&self) {
        wait_synced(self.shared.cache.sync()).await;
    }

    /// First all objects, then every change.
    pub fn subscribe(&self) -> Subscription<V> {
        let cache = Arc::clone(&self.shared.cache);
        Subscription {
            mailbox: cache.subscribe(),
            cache,
            _watch: Arc::clone(&self.shared) as _,
        }
    }
}

/// Changes of a [`Store`] or an [`Index`]; keeps its watch running.
pub struct Subscription<V> {
    cache: Arc<Cache<V>>,
    mailbox: Arc<Mailbox<V>>,
    _watch: Arc<dyn Any + Send + std::marker::Sync>,
}

impl<V> Debug for Subscription<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}

impl<V: Clone> Subscription<V> {
    /// Waits for the next change. Changes of one object that came meanwhile are one.
    pub async fn next(&mut self) -> Change<V> {
        self.cache.next(&self.mailbox).await
    }

    /// How far what is subscribed to can be trusted.
    pub fn sync(&self) -> channel::Receiver<Sync> {
        self.cache.sync()
    }
}

async fn wait_synced(mut sync: channel::Receiver<Sync>) {
    // The sender lives as long as the cache, which the caller holds.
    let _ = sync.wait_for(|sync| sync.synced).await;
}

fn key_of(object: &DynamicObject) -> Key {
    let meta = &object.metadata;
    Key::new(
        meta.namespace.clone().unwrap_or_default(),
        meta.name.clone().unwrap_or_default(),
    )
}

fn versioned<V>(uid: Option<String>, version: Option<&str>, value: V) -> Versioned<V> {
    let version = version.and_then(|version| version.parse().ok());
    Versioned {
        value,
        uid: uid.unwrap_or_default(),
        version,
    }
}
