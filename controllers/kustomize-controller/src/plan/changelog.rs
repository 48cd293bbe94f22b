//! What the log says of an apply.
//!
//! Source: fluxcd/pkg `ssa/changeset.go` `ToMap`, `ToGroupedMap` v0.76.

use serde_json::{Map, Value, json};

/// What became of each object, from pairs of subject and action: by object, or `grouped` by action (gate
/// `GroupChangeLog`), which keeps the number of keys low.
#[must_use]
pub fn changelog(changes: impl Iterator<Item = (String, &'static str)>, grouped: bool) -> Value {
    let mut log = Map::new();
    for (subject, action) in changes {
        if !grouped {
            log.insert(subject, json!(action));
            continue;
        }
        let subjects = log.entry(action.to_owned()).or_insert_with(|| json!([]));
        if let Value::Array(subjects) = subjects {
            subjects.push(json!(subject));
        }
    }
    Value::Object(log)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_named_one_by_one_or_by_what_became_of_them() {
        let changes = || {
            [
                ("ConfigMap/ns/a", "created"),
                ("ConfigMap/ns/b", "created"),
                ("Secret/ns/c", "unchanged"),
            ]
            .into_iter()
            .map(|(subject, action)| (subject.to_owned(), action))
        };
        assert_eq!(
            changelog(changes(), false),
            json!({"ConfigMap/ns/a": "created", "ConfigMap/ns/b": "created", "Secret/ns/c": "unchanged"})
        );
        assert_eq!(
            changelog(changes(), true),
            json!({"created": ["ConfigMap/ns/a", "ConfigMap/ns/b"], "unchanged": ["Secret/ns/c"]})
        );
    }
}
