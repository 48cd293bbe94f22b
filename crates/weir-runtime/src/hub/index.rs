//! Arbitrary kinds, reduced while they stream by.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use kube::api::{ApiResource, DynamicObject};

use super::{Hub, Running, Scope, key_of, versioned};
use crate::cache::{Cache, Versioned};
use crate::watch::Sink;

pub(super) struct Shared<V> {
    pub(super) cache: Arc<Cache<V>>,
    _running: Running,
}

struct Reducer<V, F> {
    cache: Arc<Cache<V>>,
    reduce: F,
}

pub(super) fn start<V, F>(
    hub: &Hub,
    resource: &ApiResource,
    labels: Option<String>,
    scope: Scope,
    reduce: F,
) -> Shared<V>
where
    V: Clone + Send + Sync + 'static,
    F: Fn(&DynamicObject) -> Option<V> + Send + Sync + 'static,
{
    let cache = Arc::new(Cache::new());
    let sink = Arc::new(Reducer {
        cache: Arc::clone(&cache),
        reduce,
    });
    Shared {
        cache,
        _running: hub.run(resource, labels, scope, sink),
    }
}

impl<V, F: Fn(&DynamicObject) -> Option<V>> Reducer<V, F> {
    /// What the caller makes of `object`. If it panics, only this object is missing.
    fn value(&self, object: &DynamicObject) -> Option<V> {
        std::panic::catch_unwind(AssertUnwindSafe(|| (self.reduce)(object)))
            .ok()
            .flatten()
    }
}

impl<V, F> Sink for Reducer<V, F>
where
    V: Clone + Send + Sync + 'static,
    F: Fn(&DynamicObject) -> Option<V> + Send + Sync + 'static,
{
    fn begin(&self) {
        self.cache.begin();
    }

    fn listed(&self, object: DynamicObject) {
        if let Some(value) = self.value(&object) {
            self.cache
                .listed(key_of(&object), versioned_of(&object, value));
        }
    }

    fn complete(&self, version: &str) {
        let version = version.parse().ok();
        self.cache.complete(version);
    }

    fn applied(&self, object: DynamicObject) {
        match self.value(&object) {
            Some(value) => self
                .cache
                .put(key_of(&object), versioned_of(&object, value)),
            None => self.cache.remove(&key_of(&object)),
        }
    }

    fn deleted(&self, object: DynamicObject) {
        self.cache.remove(&key_of(&object));
    }

    fn broken(&self) {
        self.cache.broken(Instant::now());
    }

    fn rewound(&self) {
        self.cache.rewound(Instant::now());
    }

    fn resumed(&self) {
        self.cache.resumed();
    }
}

fn versioned_of<V>(object: &DynamicObject, value: V) -> Versioned<V> {
    let meta = &object.metadata;
    versioned(meta.uid.clone(), meta.resource_version.as_deref(), value)
}
