//! What is kept of an object that is there, so that most questions about it need not be asked.
//!
//! An object is reduced to digests while it streams by: one of its content, which tells whether anything but status
//! has changed, and one of the fields that we own with their values and the order of our items, which tells whether
//! somebody has changed what is ours. The digests are keyed by this process; no value can be read from them.

use std::hash::{BuildHasher as _, Hash as _, Hasher, RandomState};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use kstatus::Status;
use serde_json::Value;
use weir_api::meta::{annotation, label};

use crate::drift;
use crate::object::Object;
use crate::owned;
use crate::prepare::Owner;
use crate::takeover::FieldManagers;

/// A digest that only this process can make, and that it makes of equal things alike.
pub type Digest = u64;

/// The fields that we have applied and still own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// The version that they were applied in.
    pub api_version: Arc<str>,
    /// Which they are, as `fieldsV1` has it.
    pub fields: Arc<str>,
    /// The digest of their values and of the order of our items.
    pub values: Digest,
    /// One of the values is null. What an apply makes of that, the next one may make otherwise.
    pub nulls: bool,
}

/// What an object's metadata asks of whoever applies it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks {
    /// To leave it alone.
    pub ignored: bool,
    /// To leave the fields of others alone.
    pub merges: bool,
    /// Not to delete it.
    pub stays: bool,
}

/// What is kept of an object that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// Its uid.
    pub uid: String,
    /// The version of this state.
    pub resource_version: String,
    /// Its generation, where its kind has one.
    pub generation: Option<i64>,
    /// The API version that it was read in.
    pub api_version: Arc<str>,
    /// Whose it is, as its labels say.
    pub owner: Option<Owner>,
    /// kstatus's verdict when it was read.
    pub status: Status,
    /// A Job that its controller deletes some time after it has finished.
    pub expires: bool,
    /// It is on its way out.
    pub terminating: bool,
    /// What its metadata asks for.
    pub marks: Marks,
    /// The digest of everything but status and most of the metadata.
    pub content: Digest,
    /// The digest of who manages which of its fields, status excepted.
    pub managers: Digest,
    /// What is ours of it; `None` if nothing is, or if it cannot be told.
    pub owned: Option<Owned>,
    /// Other tools have left fields or traces that an apply takes over.
    pub takeover: bool,
}

impl Live {
    /// What is kept of `object`, as `managers` see it.
    #[must_use]
    pub fn of(object: &Object, managers: &FieldManagers) -> Self {
        Self {
            uid: object.uid().to_owned(),
            resource_version: object.resource_version().to_owned(),
            generation: object.generation(),
            api_version: owned::shared(object.api_version()),
            owner: owner(object),
            status: kstatus::compute(object.value(), SystemTime::now()),
            expires: expires(object),
            terminating: object.is_terminating(),
            marks: Marks::of(object),
            content: drift::content(object),
            managers: owned::managers(object),
            owned: owned::of(object, managers.own()),
            takeover: managers.needs_takeover(object),
        }
    }

    /// Whether every field of `desired` is ours with that very value, and nothing else is: then an apply of it would
    /// change nothing. False where that cannot be told from the values.
    #[must_use]
    pub fn holds(&self, desired: &Object) -> bool {
        let same_version = |version: &str| version == desired.api_version();
        self.owned.as_ref().is_some_and(|owned| {
            same_version(&self.api_version)
                && same_version(&owned.api_version)
                && owned::values_wanted(&owned.fields, desired) == Some(owned.values)
        })
    }
}

impl Marks {
    pub(crate) fn of(object: &Object) -> Self {
        let ignored = object.is_marked(annotation::KUSTOMIZE_RECONCILE, annotation::DISABLED)
            || object.is_marked(annotation::KUSTOMIZE_SSA, "Ignore");
        Self {
            ignored,
            merges: object.is_marked(annotation::KUSTOMIZE_SSA, "Merge"),
            stays: ignored || object.is_marked(annotation::KUSTOMIZE_PRUNE, annotation::DISABLED),
        }
    }
}

fn owner(object: &Object) -> Option<Owner> {
    Some(Owner::new(
        object.label(label::KUSTOMIZE_NAMESPACE)?,
        object.label(label::KUSTOMIZE_NAME)?,
    ))
}

pub(crate) fn expires(object: &Object) -> bool {
    let ttl = object.value().pointer("/spec/ttlSecondsAfterFinished");
    ttl.is_some()
}

/// What the API server has accepted, and what it made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The digest of what was applied; `None` if it must not count as the same another time.
    pub desired: Option<Digest>,
    /// [`Live::content`] after that.
    pub content: Digest,
    /// [`Live::managers`] after that.
    pub managers: Digest,
    /// [`Live::owned`] after that.
    pub owned: Option<Owned>,
    /// What is ours is what was applied, no more and no less. Otherwise the fields of others count too.
    pub covered: bool,
}

impl Accepted {
    /// `desired` was accepted, and `live` is what it is now.
    #[must_use]
    pub fn new(desired: Option<Digest>, live: &Live, covered: bool) -> Self {
        let nulls = live.owned.as_ref().is_some_and(|owned| owned.nulls);
        Self {
            desired: desired.filter(|_| !nulls),
            content: live.content,
            managers: live.managers,
            owned: live.owned.clone(),
            covered: covered && live.owned.is_some(),
        }
    }

    /// Whether applying what has the digest `desired` to `live` would change nothing, as it did not then.
    #[must_use]
    pub fn is_still(&self, desired: Digest, live: &Live) -> bool {
        self.desired == Some(desired)
            && if self.covered {
                self.owned == live.owned
            } else {
                self.content == live.content && self.managers == live.managers
            }
    }
}

/// A hasher for what has to be compared within this process.
pub(crate) fn hasher() -> impl Hasher {
    static KEYS: OnceLock<RandomState> = OnceLock::new();
    KEYS.get_or_init(RandomState::new).build_hasher()
}

/// The digest of a JSON value.
pub(crate) fn digest(value: &Value) -> Digest {
    let mut hasher = hasher();
    feed(value, &mut hasher);
    hasher.finish()
}

/// Feeds a value, so that different values feed different bytes. Its depth is that of what the JSON parser takes.
pub(crate) fn feed(value: &Value, to: &mut impl Hasher) {
    match value {
        Value::Null => 0_u8.hash(to),
        Value::Bool(value) => (1_u8, value).hash(to),
        Value::Number(number) => (2_u8, number).hash(to),
        Value::String(text) => (3_u8, text).hash(to),
        Value::Array(items) => {
            (4_u8, items.len()).hash(to);
            items.iter().for_each(|item| feed(item, to));
        }
        Value::Object(fields) => {
            (5_u8, fields.len()).hash(to);
            for (key, value) in fields {
                key.hash(to);
                feed(value, to);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn managers() -> FieldManagers {
        FieldManagers::new("kustomize-controller", &[])
    }

    /// An object as applied by us, after `change`.
    fn live(change: impl FnOnce(&mut Value)) -> Live {
        let mut value = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {
                "name": "c", "uid": "u", "resourceVersion": "7", "labels": {
                    "kustomize.toolkit.fluxcd.io/name": "app",
                    "kustomize.toolkit.fluxcd.io/namespace": "team",
                },
                "managedFields": [{
                    "manager": "kustomize-controller", "operation": "Apply", "apiVersion": "v1",
                    "time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1",
                    "fieldsV1": {"f:data": {"f:a": {}}, "f:metadata": {"f:labels": {
                        "f:kustomize.toolkit.fluxcd.io/name": {},
                        "f:kustomize.toolkit.fluxcd.io/namespace": {},
                    }}},
                }],
            },
            "data": {"a": "1"},
        });
        change(&mut value);
        Live::of(&Object::new(value).expect("an object"), &managers())
    }

    fn desired(data: Value) -> Object {
        let labels = json!({
            "kustomize.toolkit.fluxcd.io/name": "app", "kustomize.toolkit.fluxcd.io/namespace": "team",
        });
        let value = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": data,
            "metadata": {"name": "c", "namespace": "ns", "labels": labels}});
        Object::new(value).expect("an object")
    }

    #[test]
    fn fields_of_others_time_and_version_leave_what_is_ours_alone() {
        let before = live(|_| {});
        assert_eq!(before.owner, Some(Owner::new("team", "app")));
        let after = live(|value| {
            value["data"]["theirs"] = "x".into();
            value["metadata"]["resourceVersion"] = "8".into();
            value["metadata"]["managedFields"][0]["time"] = "2027-01-01T00:00:00Z".into();
        });
        assert_eq!(after.owned, before.owned);
        assert_ne!(after.content, before.content);
        assert!(after.holds(&desired(json!({"a": "1"}))));
        let edited = live(|value| value["data"]["a"] = "2".into());
        assert_ne!(edited.owned, before.owned);
    }

    #[test]
    fn only_what_is_wanted_whole_and_alone_is_held() {
        let live = live(|_| {});
        assert!(live.holds(&desired(json!({"a": "1"}))));
        assert!(!live.holds(&desired(json!({"a": "2"}))));
        assert!(!live.holds(&desired(json!({"a": "1", "b": "1"}))));
        assert!(!live.holds(&desired(json!({}))));
        assert!(!live.holds(&desired(json!({"a": null}))));
    }

    #[test]
    fn what_was_accepted_counts_until_something_ours_changes() {
        let before = live(|_| {});
        let foreign = live(|value| value["data"]["theirs"] = "x".into());
        let edited = live(|value| value["data"]["a"] = "2".into());
        let whole = Accepted::new(Some(1), &before, true);
        assert!(whole.is_still(1, &before) && whole.is_still(1, &foreign));
        assert!(!whole.is_still(2, &before) && !whole.is_still(1, &edited));
        let partly = Accepted::new(Some(1), &before, false);
        assert!(partly.is_still(1, &before) && !partly.is_still(1, &foreign));
        assert!(!Accepted::new(None, &before, true).is_still(1, &before));
    }

    #[test]
    fn what_left_a_null_is_not_remembered() {
        let null = live(|value| value["data"]["a"] = Value::Null);
        assert!(!Accepted::new(Some(1), &null, true).is_still(1, &null));
    }

    #[test]
    fn traces_of_kubectl_call_for_a_takeover() {
        assert!(!live(|_| {}).takeover);
        let edited = live(|value| {
            let entry = json!({"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:data": {"f:x": {}}}});
            let entries = value["metadata"]["managedFields"].as_array_mut();
            entries.expect("a list").push(entry);
        });
        assert!(edited.takeover);
        let applied = live(|value| {
            let key = "kubectl.kubernetes.io/last-applied-configuration";
            value["metadata"]["annotations"] = json!({key: "{}"});
        });
        assert!(applied.takeover);
    }
}
