//! What is kept of an applied object.

use std::ops::Deref;
use std::sync::Arc;

use kube::core::DynamicObject;
use weir_api::meta::annotation;
use weir_apply::{FieldManagers, Live, Object};
use weir_runtime::hub::Index;
use weir_runtime::kind::Key;

use super::ledger::Ledger;

/// An object's kind and key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectKey {
    /// API group and kind, e.g. `apps/Deployment`.
    pub kind: String,
    /// Namespace (empty for cluster scope) and name.
    pub key: Key,
}

impl ObjectKey {
    /// The key of what `object` identifies.
    #[must_use]
    pub fn of(object: &weir_apply::ObjectRef) -> Self {
        Self {
            kind: format!("{}/{}", object.group, object.kind),
            key: Key::new(&object.namespace, &object.name),
        }
    }

    /// The object, as `weir-apply` identifies it.
    #[must_use]
    pub fn reference(&self) -> weir_apply::ObjectRef {
        let (group, kind) = self.kind.split_once('/').unwrap_or_default();
        weir_apply::ObjectRef {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: self.key.namespace.clone(),
            name: self.key.name.clone(),
        }
    }
}

/// When drift is corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drift {
    /// When a watch shows it.
    Watch,
    /// At the interval, as Flux does.
    Interval,
}

impl Drift {
    /// What an annotation or a flag asks for; `None` for other words.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "watch" => Some(Self::Watch),
            "interval" => Some(Self::Interval),
            _ => None,
        }
    }
}

/// Who has changed a field of ours.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Writer {
    /// Its field manager.
    pub manager: Arc<str>,
    /// The subresource that it wrote through; empty for the object itself.
    pub subresource: Arc<str>,
}

impl Writer {
    /// Whether a person wrote, who will see what becomes of it. Others may write again and again.
    #[must_use]
    pub fn is_person(&self) -> bool {
        self.manager.starts_with("kubectl") && self.subresource.is_empty()
    }
}

/// What is kept of an applied object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What an apply needs to know of it, and its health.
    pub live: Live,
    /// The Kustomization that its labels name.
    pub owner: Option<Key>,
    /// When its drift is corrected, if it says so.
    pub drift: Option<Drift>,
    /// Who owns fields that were ours after our last apply.
    pub taken_by: Option<Writer>,
}

impl Deref for Seen {
    type Target = Live;

    fn deref(&self) -> &Live {
        &self.live
    }
}

/// Reduces objects while they stream by.
#[derive(Debug, Clone)]
pub struct Reducer {
    /// Our own field manager, and those that are taken over.
    pub managers: Arc<FieldManagers>,
    /// What was applied.
    pub ledger: Arc<Ledger>,
}

impl Reducer {
    /// What is kept of `object`, which is of `kind`; `None` for what is no object.
    #[must_use]
    pub fn reduce(&self, kind: &str, object: &DynamicObject) -> Option<Seen> {
        let object = Object::new(serde_json::to_value(object).ok()?).ok()?;
        let live = Live::of(&object, &self.managers);
        let key = Key::new(object.namespace(), object.name());
        let kind = kind.to_owned();
        Some(Seen {
            owner: live.owner.as_ref().map(key_of_owner),
            drift: object
                .annotation(annotation::WEIR_DRIFT)
                .and_then(Drift::parse),
            taken_by: self.taken_by(&ObjectKey { kind, key }, &object, &live),
            live,
        })
    }

    fn taken_by(&self, key: &ObjectKey, object: &Object, live: &Live) -> Option<Writer> {
        let before = self.ledger.owned(key)?;
        let fields = |owned: &weir_apply::Owned| Arc::clone(&owned.fields);
        if live.owned.as_ref().map(fields) == Some(fields(&before)) {
            return None;
        }
        let (manager, subresource) = self.managers.taken_by(object, &before.fields)?;
        Some(Writer {
            manager: manager.into(),
            subresource: subresource.into(),
        })
    }
}

fn key_of_owner(owner: &weir_apply::Owner) -> Key {
    Key::new(&owner.namespace, &owner.name)
}

/// The object under `key`, if the index can be trusted and shows it.
#[must_use]
pub fn current(index: &Index<Seen>, key: &Key) -> Option<Seen> {
    index.is_current().then(|| index.get(key)).flatten()
}
