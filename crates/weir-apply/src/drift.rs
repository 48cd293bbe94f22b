//! Whether an apply would change an object.
//!
//! Source: fluxcd/pkg `ssa/manager_diff.go`

use std::hash::{Hash as _, Hasher as _};

use serde_json::{Map, Value};

use crate::live::{Digest, feed, hasher};
use crate::object::Object;

/// Compares what is there with what the server says would be there: labels, annotations, and everything but
/// metadata and status.
pub(crate) fn has_drifted(live: &Object, accepted: &Object) -> bool {
    ["labels", "annotations"]
        .iter()
        .any(|map| metadata(live, map) != metadata(accepted, map))
        || differs(live, accepted)
}

/// The digest of what [`has_drifted`] compares.
pub(crate) fn content(object: &Object) -> Digest {
    let mut to = hasher();
    for map in ["labels", "annotations"] {
        let map = metadata(object, map);
        map.map_or(0, Map::len).hash(&mut to);
        for (key, value) in map.into_iter().flatten() {
            key.hash(&mut to);
            feed(value, &mut to);
        }
    }
    let deduplicated = is_autoscaler(object).then(|| without_repeated_metrics(object));
    for (key, value) in fields(deduplicated.as_ref().unwrap_or(object)) {
        key.hash(&mut to);
        feed(value, &mut to);
    }
    to.finish()
}

/// A map of the metadata; absent is empty.
fn metadata<'a>(object: &'a Object, map: &str) -> Option<&'a Map<String, Value>> {
    let map = object.value().get("metadata")?.get(map)?.as_object()?;
    (!map.is_empty()).then_some(map)
}

fn fields(object: &Object) -> impl Iterator<Item = (&String, &Value)> {
    let fields = object.value().as_object();
    fields
        .into_iter()
        .flatten()
        .filter(|(key, _)| key.as_str() != "metadata" && key.as_str() != "status")
}

fn differs(live: &Object, accepted: &Object) -> bool {
    if is_autoscaler(accepted) {
        // Of both: what is repeated on purpose would be drift for good.
        let (live, accepted) = (
            without_repeated_metrics(live),
            without_repeated_metrics(accepted),
        );
        return fields(&live).ne(fields(&accepted));
    }
    fields(live).ne(fields(accepted))
}

fn is_autoscaler(object: &Object) -> bool {
    object.group() == "autoscaling" && object.kind() == "HorizontalPodAutoscaler"
}

/// A dry run of an autoscaler prints some of its metrics twice.
fn without_repeated_metrics(object: &Object) -> Object {
    let mut object = object.clone();
    let metrics = object
        .fields()
        .get_mut("spec")
        .and_then(|spec| spec.get_mut("metrics"))
        .and_then(Value::as_array_mut);
    if let Some(metrics) = metrics {
        let mut seen: Vec<Value> = Vec::new();
        metrics.retain(|metric| {
            let new = !seen.contains(metric);
            if new {
                seen.push(metric.clone());
            }
            new
        });
    }
    object
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(live: &Value, accepted: &Value, expected: bool) {
        let object = |fields: &Value| {
            let mut object =
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}});
            for (key, value) in fields.as_object().expect("fields") {
                match key.as_str() {
                    "labels" | "annotations" | "generation" => {
                        object["metadata"][key] = value.clone()
                    }
                    key => object[key] = value.clone(),
                }
            }
            Object::new(object).expect("an object")
        };
        let (before, after) = (object(live), object(accepted));
        let drifted = has_drifted(&before, &after);
        assert_eq!(drifted, expected, "{live} {accepted}");
        assert_eq!(
            content(&before) != content(&after),
            expected,
            "{live} {accepted}"
        );
    }

    #[test]
    fn only_labels_annotations_and_content_count() {
        let none = json!({});
        check(&none, &none, false);
        check(&json!({"labels": {}}), &none, false);
        check(&json!({"generation": 1}), &json!({"generation": 2}), false);
        check(
            &json!({"status": {"a": 1}}),
            &json!({"status": {"a": 2}}),
            false,
        );
        check(&none, &json!({"labels": {"a": "b"}}), true);
        check(&json!({"annotations": {"a": "b"}}), &none, true);
        check(
            &json!({"data": {"a": "b"}}),
            &json!({"data": {"a": "c"}}),
            true,
        );
    }

    #[test]
    fn repeated_metrics_of_an_autoscaler_are_no_drift() {
        let autoscaler = |metrics: Value| json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "spec": {"metrics": metrics}});
        let metric = json!({"type": "Resource"});
        check(
            &autoscaler(json!([metric])),
            &autoscaler(json!([metric, metric])),
            false,
        );
        let repeated = autoscaler(json!([metric, metric]));
        check(&repeated, &repeated, false);
        check(
            &autoscaler(json!([metric])),
            &autoscaler(json!([{"type": "Pods"}])),
            true,
        );
    }
}
