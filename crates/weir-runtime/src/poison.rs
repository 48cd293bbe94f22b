//! Telling users about stored objects that do not decode: a condition, since nothing else can be done.

use std::sync::Arc;

use jiff::Timestamp;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};
use weir_api::Reconcilable;
use weir_api::meta::{Condition, ConditionStatus, condition_type, reason};

use crate::hub::{Poison, Store};
use crate::kind::Key;
use crate::status::Target;

/// Gives every undecodable object of the kind `Ready=False` and `Stalled=True`, as long as the kind runs.
pub(crate) async fn report<T: Reconcilable>(store: Store<T>, target: Target<T>) {
    let mut poisons = store.poisons();
    loop {
        let change = poisons.next().await;
        if let Some(poison) = change.new {
            mark(&target, &change.key, &poison).await;
        }
    }
}

async fn mark<T: Reconcilable>(target: &Target<T>, key: &Key, poison: &Arc<Poison>) {
    let Some(conditions) = marked(poison, Timestamp::now()) else {
        return;
    };
    if !target.leadership.is_valid() {
        return;
    }
    let resource = ApiResource::erase::<T>(&());
    let api: Api<DynamicObject> =
        Api::namespaced_with(target.client.clone(), &key.namespace, &resource);
    let patch = Patch::Merge(json!({ "status": { "conditions": conditions } }));
    let params: PatchParams = target.params();
    if let Err(error) = api.patch_status(&key.name, &params, &patch).await {
        tracing::debug!(
            controllerKind = resource.kind,
            namespace = key.namespace,
            name = key.name,
            error = crate::client::describe(&error),
            "unable to mark an object that cannot be decoded"
        );
    }
}

/// The conditions that say so, or `None` if they do already.
fn marked(poison: &Poison, now: Timestamp) -> Option<Vec<Value>> {
    let ours = [
        (condition_type::STALLED, ConditionStatus::True),
        (condition_type::READY, ConditionStatus::False),
    ];
    let ours = ours.map(|(type_, status)| {
        Condition::new(
            type_,
            status,
            reason::UNDECODABLE_OBJECT,
            poison.message.as_str(),
        )
        .at(now, poison.generation)
    });
    let stored = |type_: &str| {
        poison
            .conditions
            .iter()
            .find(|condition| condition["type"] == type_)
    };
    let said = |condition: &Condition| {
        stored(&condition.type_).is_some_and(|stored| {
            stored["status"] == condition.status.as_str()
                && stored["reason"] == condition.reason
                && stored["message"] == condition.message
        })
    };
    if ours.iter().all(said) {
        return None;
    }
    let replaced = [
        condition_type::STALLED,
        condition_type::READY,
        condition_type::RECONCILING,
    ];
    let others = poison
        .conditions
        .iter()
        .filter(|stored| !replaced.iter().any(|type_| stored["type"] == **type_));
    let ours = ours
        .iter()
        .filter_map(|condition| serde_json::to_value(condition).ok());
    Some(ours.chain(others.cloned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poison(conditions: Value) -> Poison {
        let conditions = conditions.as_array().expect("a list").clone();
        Poison {
            message: "object cannot be decoded: no".into(),
            generation: Some(3),
            conditions,
        }
    }

    #[test]
    fn a_poisoned_object_is_stalled_and_keeps_its_other_conditions() {
        let other = json!({"type": "ArtifactInStorage", "status": "True"});
        let old = json!([{"type": "Reconciling", "status": "True"}, {"type": "Ready", "status": "True"}, other]);
        let marked = marked(&poison(old), Timestamp::UNIX_EPOCH).expect("news");
        let types: Vec<_> = marked
            .iter()
            .map(|c| (c["type"].as_str().expect("a type"), &c["status"]))
            .collect();
        assert_eq!(
            types,
            [
                ("Stalled", &json!("True")),
                ("Ready", &json!("False")),
                ("ArtifactInStorage", &json!("True"))
            ]
        );
        assert_eq!(marked[2], other);
    }

    #[test]
    fn what_is_said_already_is_not_said_again() {
        let first = marked(&poison(json!([])), Timestamp::UNIX_EPOCH).expect("news");
        assert_eq!(marked(&poison(Value::Array(first)), Timestamp::now()), None);
    }
}
