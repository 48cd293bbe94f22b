//! Field entries of an older version of a kind, brought to the version that is applied.
//!
//! A version that gains fields with defaults makes the API server look for these in the schema of each entry's own
//! version, where they are not: it then refuses every apply.
//!
//! Source: fluxcd/pkg `ssa/manager_apply.go`, gate `MigrateAPIVersion` of kustomize-controller v1.9

use serde_json::{Value, json};

use super::Applier;
use crate::error::ApplyError;
use crate::object::Object;
use crate::request::Verb;

/// How often it is tried on an object that others change at the same time.
const ATTEMPTS: u32 = 3;

impl Applier {
    /// Brings all entries of the object, whoever's, to the version of `desired`. Returns whether any was of another.
    ///
    /// # Errors
    /// [`ApplyError::Migrate`].
    pub(super) async fn migrate(&self, desired: &Object) -> Result<bool, ApplyError> {
        let version = desired.api_version();
        let failed = |cause| ApplyError::Migrate {
            object: desired.reference(),
            version: version.to_owned(),
            cause,
        };
        let object = desired.reference();
        for attempt in 1..=ATTEMPTS {
            let live = self.cluster.get(&object, version).await.map_err(failed)?;
            let Some(patch) = live.and_then(|live| patch(&live, version)) else {
                return Ok(attempt > 1);
            };
            let verb = Verb::JsonPatch {
                body: &patch,
                manager: &self.settings.field_manager,
            };
            let sent: Result<Value, _> = self.cluster.send(&object, version, &verb).await;
            match sent {
                Ok(_) => return Ok(true),
                Err(cause) if cause.is_code(409) && attempt < ATTEMPTS => {}
                Err(cause) => return Err(failed(cause)),
            }
        }
        Ok(false)
    }
}

/// The JSON patch that does it; `None` if all entries are of that version.
fn patch(live: &Object, version: &str) -> Option<Value> {
    let entries = live
        .value()
        .pointer("/metadata/managedFields")?
        .as_array()?;
    let other = |(_, entry): &(usize, &Value)| entry["apiVersion"] != version;
    let mut operations: Vec<Value> = entries
        .iter()
        .enumerate()
        .filter(other)
        .map(|(at, _)| {
            let path = format!("/metadata/managedFields/{at}/apiVersion");
            json!({"op": "replace", "path": path, "value": version})
        })
        .collect();
    if operations.is_empty() {
        return None;
    }
    let seen = live.resource_version();
    operations.push(json!({"op": "replace", "path": "/metadata/resourceVersion", "value": seen}));
    Some(Value::Array(operations))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_other_versions_are_rewritten_whoever_owns_them() {
        let entry = |version: &str, subresource: &str| json!({"manager": "m", "apiVersion": version, "subresource": subresource});
        let metadata = json!({"name": "w", "resourceVersion": "7",
            "managedFields": [entry("a/v1", ""), entry("a/v1beta1", ""), entry("a/v1beta1", "status")]});
        let live = json!({"apiVersion": "a/v1", "kind": "W", "metadata": metadata});
        let live = Object::new(live).expect("an object");
        let replace = |at: usize| json!({"op": "replace", "path": format!("/metadata/managedFields/{at}/apiVersion"), "value": "a/v1"});
        let version = json!({"op": "replace", "path": "/metadata/resourceVersion", "value": "7"});
        assert_eq!(
            patch(&live, "a/v1"),
            Some(json!([replace(1), replace(2), version]))
        );
        let mut settled = live.into_value();
        settled["metadata"]["managedFields"] = json!([entry("a/v1", "")]);
        assert_eq!(
            patch(&Object::new(settled).expect("an object"), "a/v1"),
            None
        );
    }
}
