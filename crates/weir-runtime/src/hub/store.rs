//! Flux kinds as typed objects. One that does not decode stops nobody but itself.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Instant;

use kube::ResourceExt;
use kube::api::{ApiResource, DynamicObject};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::watch as channel;
use weir_api::Reconcilable;

use super::{Hub, Running, Scope, Subscription, key_of, versioned, wait_synced};
use crate::cache::{Cache, Sync, Versioned};
use crate::kind::Key;
use crate::metrics::Metrics;
use crate::watch::Sink;

/// An object that does not decode as its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poison {
    /// What is wrong with it.
    pub message: String,
    /// Its generation.
    pub generation: Option<i64>,
    /// Its `status.conditions`, as stored.
    pub conditions: Vec<Value>,
}

/// The objects of a Flux kind. Cheap to clone.
pub struct Store<T: Reconcilable> {
    pub(super) shared: Arc<Shared<T>>,
}

impl<T: Reconcilable> Clone for Store<T> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T: Reconcilable> Debug for Store<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = T::kind(&());
        f.debug_struct("Store")
            .field("kind", &kind)
            .field("objects", &self.shared.objects.len())
            .finish()
    }
}

impl<T: Reconcilable> Store<T> {
    /// The object, as the watch or our own last write has it.
    pub fn get(&self, key: &Key) -> Option<Arc<T>> {
        self.shared.objects.get(key)
    }

    /// All objects.
    pub fn list(&self) -> Vec<Arc<T>> {
        self.shared
            .objects
            .list()
            .into_iter()
            .map(|(_, object)| object)
            .collect()
    }

    /// Whether all objects have been read at least once.
    pub fn is_synced(&self) -> bool {
        self.shared.objects.sync().borrow().synced
    }

    /// How far the store can be trusted, and whenever that changes.
    pub fn sync(&self) -> channel::Receiver<Sync> {
        self.shared.objects.sync()
    }

    /// Waits until all objects have been read once; for good while the kind does not exist.
    pub async fn synced(&self) {
        wait_synced(self.shared.objects.sync()).await;
    }

    /// First all objects, then every change.
    pub fn subscribe(&self) -> Subscription<Arc<T>> {
        let cache = Arc::clone(&self.shared.objects);
        Subscription {
            mailbox: cache.subscribe(),
            cache,
            _watch: Arc::clone(&self.shared) as _,
        }
    }

    /// The objects that do not decode.
    pub fn poisons(&self) -> Subscription<Arc<Poison>> {
        let cache = Arc::clone(&self.shared.poisons);
        Subscription {
            mailbox: cache.subscribe(),
            cache,
            _watch: Arc::clone(&self.shared) as _,
        }
    }

    /// Takes over what a write of our own returned, before the watch brings it.
    pub(crate) fn written(&self, object: Arc<T>) {
        let key = Key::new(object.namespace().unwrap_or_default(), object.name_any());
        let (uid, version) = (object.uid(), object.resource_version());
        self.shared
            .objects
            .put_written(&key, versioned(uid, version.as_deref(), object));
    }
}

pub(super) struct Shared<T> {
    objects: Arc<Cache<Arc<T>>>,
    poisons: Arc<Cache<Arc<Poison>>>,
    _running: Running,
}

struct Decoder<T> {
    objects: Arc<Cache<Arc<T>>>,
    poisons: Arc<Cache<Arc<Poison>>>,
    metrics: Metrics,
    kind: String,
    /// What was logged, per object: generation and error.
    logged: Mutex<HashMap<Key, (Option<i64>, String)>>,
}

/// What became of an object.
enum Decoded<T> {
    Good(Versioned<Arc<T>>),
    Poison(Versioned<Arc<Poison>>),
}

pub(super) fn start<T: Reconcilable>(
    hub: &Hub,
    resource: &ApiResource,
    labels: Option<String>,
) -> Shared<T> {
    let objects = Arc::new(Cache::new());
    let poisons = Arc::new(Cache::new());
    let decoder = Decoder {
        objects: Arc::clone(&objects),
        poisons: Arc::clone(&poisons),
        metrics: hub.inner.metrics.clone(),
        kind: resource.kind.clone(),
        logged: Mutex::default(),
    };
    let running = hub.run(resource, labels, Scope::Hub, Arc::new(decoder));
    Shared {
        objects,
        poisons,
        _running: running,
    }
}

impl<T: Reconcilable> Decoder<T> {
    fn decode(&self, object: DynamicObject) -> (Key, Decoded<T>) {
        let key = key_of(&object);
        let (uid, version) = (
            object.metadata.uid.clone(),
            object.metadata.resource_version.clone(),
        );
        let generation = object.metadata.generation;
        let value = whole(object);
        let decoded = match T::deserialize(&value) {
            Ok(object) => Decoded::Good(versioned(uid, version.as_deref(), Arc::new(object))),
            Err(error) => {
                self.log_once(&key, generation, &error);
                let poison = poison(&value, generation, &error);
                Decoded::Poison(versioned(uid, version.as_deref(), Arc::new(poison)))
            }
        };
        (key, decoded)
    }

    /// Our own status write gives the object a new version, but no new generation.
    fn log_once(&self, key: &Key, generation: Option<i64>, error: &serde_json::Error) {
        let news = (generation, error.to_string());
        if self.logged.lock().insert(key.clone(), news.clone()) != Some(news) {
            tracing::error!(
                logger = "watch",
                controllerKind = self.kind,
                namespace = key.namespace,
                name = key.name,
                error = %error,
                "object cannot be decoded and is left alone"
            );
        }
    }

    fn clean(&self, key: &Key) {
        self.poisons.remove(key);
        self.logged.lock().remove(key);
        self.count();
    }

    fn count(&self) {
        self.metrics.undecodable(&self.kind, self.poisons.len());
    }
}

impl<T: Reconcilable> Sink for Decoder<T> {
    fn begin(&self) {
        self.objects.begin();
        self.poisons.begin();
    }

    fn listed(&self, object: DynamicObject) {
        match self.decode(object) {
            (key, Decoded::Good(object)) => self.objects.listed(key, object),
            (key, Decoded::Poison(poison)) => self.poisons.listed(key, poison),
        }
    }

    fn complete(&self, version: &str) {
        let version = version.parse().ok();
        self.objects.complete(version);
        self.poisons.complete(version);
        self.count();
    }

    fn applied(&self, object: DynamicObject) {
        match self.decode(object) {
            (key, Decoded::Good(object)) => {
                self.clean(&key);
                self.objects.put(key, object);
            }
            (key, Decoded::Poison(poison)) => {
                self.objects.remove(&key);
                self.poisons.put(key, poison);
                self.count();
            }
        }
    }

    fn deleted(&self, object: DynamicObject) {
        let key = key_of(&object);
        self.objects.remove(&key);
        self.clean(&key);
    }

    fn broken(&self) {
        self.objects.broken(Instant::now());
        self.poisons.broken(Instant::now());
    }

    fn rewound(&self) {
        self.objects.rewound(Instant::now());
        self.poisons.rewound(Instant::now());
    }

    fn resumed(&self) {
        self.objects.resumed();
        self.poisons.resumed();
    }
}

/// The object as one JSON value, without `managedFields`: who owns which field is of no interest, and large.
fn whole(mut object: DynamicObject) -> Value {
    object.metadata.managed_fields = None;
    let mut value = match object.data {
        Value::Object(fields) => fields,
        _ => serde_json::Map::new(),
    };
    if let Ok(metadata) = serde_json::to_value(&object.metadata) {
        value.insert("metadata".to_owned(), metadata);
    }
    if let Some(types) = object.types {
        value.insert("apiVersion".to_owned(), types.api_version.into());
        value.insert("kind".to_owned(), types.kind.into());
    }
    Value::Object(value)
}

fn poison(value: &Value, generation: Option<i64>, error: &serde_json::Error) -> Poison {
    let conditions = value
        .pointer("/status/conditions")
        .and_then(Value::as_array);
    Poison {
        message: format!("object cannot be decoded: {error}"),
        generation,
        conditions: conditions.cloned().unwrap_or_default(),
    }
}
