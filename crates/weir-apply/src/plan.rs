//! What is to be done with the objects of a stage: decided once, from what the API server said, before anything
//! is written.
//!
//! Source: fluxcd/pkg `ssa/manager_apply.go`

use std::fmt;

use serde_json::Value;
use weir_api::meta::{InventoryEntry, annotation};

use crate::change::{Action, Change};
use crate::drift;
use crate::ignore::{self, Ignore};
use crate::inventory::Target;
use crate::object::Object;
use crate::stage::StageKind;
use crate::takeover::{self, Manager};

/// What is done with one object.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Leave it alone, as its metadata asks.
    Skip,
    /// It is as wanted.
    Keep,
    /// Apply it; it is not there.
    Create,
    /// Apply it, after this patch of its managers if there is one.
    Configure {
        /// A JSON patch that takes fields over from other tools.
        takeover: Option<Value>,
    },
    /// Delete it and apply it again: an immutable field has changed.
    Recreate {
        /// The object that is deleted, and no other one of that name.
        uid: String,
        /// The version of it that was looked at.
        resource_version: String,
    },
}

impl Step {
    fn word(&self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Keep => "keep",
            Self::Create => "create",
            Self::Configure { takeover: None } => "configure",
            Self::Configure { .. } => "take over and configure",
            Self::Recreate { .. } => "recreate",
        }
    }

    /// Whether it changes the cluster.
    #[must_use]
    pub fn writes(&self) -> bool {
        !matches!(self, Self::Skip | Self::Keep)
    }
}

/// One object of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// What is applied.
    pub desired: Object,
    /// What is reported if nothing is written: the object as it is, or as the server says it would be.
    pub(crate) found: Change,
    /// What is done.
    pub step: Step,
}

impl Planned {
    /// What identifies the object; without a namespace if its kind has none.
    #[must_use]
    pub fn target(&self) -> Target {
        Target {
            object: self.found.target.object.clone(),
            api_version: self.desired.api_version().to_owned(),
        }
    }
}

/// What is to be done with the objects of one stage, in order. Prints as a line per object.
#[derive(Debug, Clone, PartialEq)]
pub struct StagePlan {
    /// Which stage it is.
    pub kind: StageKind,
    /// The objects.
    pub objects: Vec<Planned>,
}

impl StagePlan {
    /// The objects that are deleted and made again.
    #[must_use]
    pub fn recreated(&self) -> Vec<InventoryEntry> {
        let recreated = |planned: &&Planned| matches!(planned.step, Step::Recreate { .. });
        let recreated = self.objects.iter().filter(recreated);
        recreated.map(|planned| planned.target().entry()).collect()
    }

    /// The inventory entries of all objects; the inventory must hold them before the plan is executed.
    #[must_use]
    pub fn entries(&self) -> Vec<InventoryEntry> {
        let entry = |planned: &Planned| planned.target().entry();
        self.objects.iter().map(entry).collect()
    }

    /// Whether executing it changes the cluster.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.objects.iter().any(|planned| planned.step.writes())
    }
}

impl fmt::Display for StagePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for planned in &self.objects {
            writeln!(f, "{} {}", planned.step.word(), planned.target().object)?;
        }
        Ok(())
    }
}

/// Whether the metadata of an object that is wanted can ask to leave it alone.
pub(crate) fn is_marked(desired: &Object) -> bool {
    [annotation::KUSTOMIZE_RECONCILE, annotation::KUSTOMIZE_SSA]
        .iter()
        .any(|key| desired.label(key).or(desired.annotation(key)).is_some())
}

/// Whether the metadata of an object, wanted or there, asks to leave it alone.
pub(crate) fn is_skipped(desired: &Object, live: Option<&Object>) -> bool {
    let asks = |object: &Object| {
        object.is_marked(annotation::KUSTOMIZE_RECONCILE, annotation::DISABLED)
            || object.is_marked(annotation::KUSTOMIZE_SSA, "Ignore")
    };
    asks(desired)
        || live.is_some_and(|live| {
            asks(live) || desired.is_marked(annotation::KUSTOMIZE_SSA, "IfNotPresent")
        })
}

/// The plan for an object whose metadata asks to leave it alone.
pub(crate) fn skip(desired: Object, live: Option<&Object>) -> Planned {
    Planned {
        found: Change::of(live.unwrap_or(&desired), Action::Skipped),
        desired,
        step: Step::Skip,
    }
}

/// How the fields of an object are shared with others.
#[derive(Debug, Clone)]
pub(crate) struct Sharing {
    /// Our own manager.
    pub(crate) own: String,
    /// Whose fields are taken over.
    pub(crate) managers: Vec<Manager>,
    /// Which fields are left to others.
    pub(crate) ignore: Ignore,
}

/// The plan for an object that the API server would accept as `accepted`.
pub(crate) fn apply(
    desired: Object,
    live: Option<&Object>,
    accepted: &Object,
    sharing: &Sharing,
) -> Planned {
    let found = Change::of(accepted, Action::Unchanged);
    // The dry run of a new object has no version yet.
    if accepted.resource_version().is_empty() {
        let step = Step::Create;
        return Planned {
            desired,
            found,
            step,
        };
    }
    // An object that is there although it could not be read counts as changed.
    let Some(live) = live else {
        let step = Step::Configure { takeover: None };
        return Planned {
            desired,
            found,
            step,
        };
    };
    let merges = [&desired, live]
        .into_iter()
        .any(|object| object.is_marked(annotation::KUSTOMIZE_SSA, "Merge"));
    let Sharing {
        own,
        managers,
        ignore,
    } = sharing;
    let takeover = (!merges)
        .then(|| takeover::patch(live, &desired, own, managers))
        .flatten();
    let ignored = ignore.paths(&desired);
    if takeover.is_none() && !has_drifted(live, accepted, &ignored) {
        let step = Step::Keep;
        return Planned {
            desired,
            found,
            step,
        };
    }
    Planned {
        desired: ignore::adopt(desired, live, accepted, own, &ignored),
        found,
        step: Step::Configure { takeover },
    }
}

fn has_drifted(live: &Object, accepted: &Object, ignored: &[&Vec<String>]) -> bool {
    if ignored.is_empty() {
        return drift::has_drifted(live, accepted);
    }
    let (live, accepted) = (
        ignore::without(live, ignored),
        ignore::without(accepted, ignored),
    );
    drift::has_drifted(&live, &accepted)
}

/// The plan for an object of which an immutable field has changed.
pub(crate) fn recreate(desired: Object, live: &Object) -> Planned {
    let step = Step::Recreate {
        uid: live.uid().to_owned(),
        resource_version: live.resource_version().to_owned(),
    };
    Planned {
        desired,
        found: Change::of(live, Action::Unchanged),
        step,
    }
}

/// Whether the object asks to be recreated when an immutable field changes.
pub(crate) fn asks_for_force(desired: &Object) -> bool {
    desired.is_marked(annotation::KUSTOMIZE_FORCE, annotation::ENABLED)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(metadata: &Value, data: &str) -> Object {
        let mut metadata = metadata.clone();
        metadata["name"] = "c".into();
        metadata["namespace"] = "ns".into();
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"v": data}});
        Object::new(object).expect("an object")
    }

    fn marked(key: &str, value: &str) -> Value {
        json!({"annotations": {format!("kustomize.toolkit.fluxcd.io/{key}"): value}})
    }

    fn plan(desired: &Object, live: Option<&Object>, accepted: &Object) -> String {
        let sharing = Sharing {
            own: "kustomize-controller".to_owned(),
            managers: takeover::managers("kustomize-controller", &[]),
            ignore: Ignore::default(),
        };
        let planned = apply(desired.clone(), live, accepted, &sharing);
        planned.step.word().to_owned()
    }

    #[test]
    fn a_new_object_is_created_a_changed_one_configured_another_one_kept() {
        let none = json!({});
        let desired = object(&none, "new");
        let live = object(&json!({"resourceVersion": "1"}), "new");
        assert_eq!(plan(&desired, None, &desired), "create");
        assert_eq!(plan(&desired, Some(&live), &live), "keep");
        let old = object(&json!({"resourceVersion": "1"}), "old");
        assert_eq!(plan(&desired, Some(&old), &live), "configure");
        assert_eq!(plan(&desired, None, &live), "configure");
    }

    #[test]
    fn fields_of_kubectl_are_taken_over_unless_the_object_merges() {
        let entry =
            json!({"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:data": {}}});
        let live = object(
            &json!({"resourceVersion": "1", "managedFields": [entry]}),
            "v",
        );
        let desired = object(&json!({}), "v");
        assert_eq!(
            plan(&desired, Some(&live), &live),
            "take over and configure"
        );
        let desired = object(&marked("ssa", "merge"), "v");
        assert_eq!(plan(&desired, Some(&live), &live), "keep");
    }

    #[test]
    fn metadata_can_ask_to_leave_an_object_alone() {
        let plain = object(&json!({}), "v");
        for (key, value, on_desired, on_live) in [
            ("reconcile", "Disabled", true, true),
            ("ssa", "ignore", true, true),
            ("ssa", "IfNotPresent", true, false),
            ("ssa", "Merge", false, false),
            ("reconcile", "enabled", false, false),
        ] {
            let marked = object(&marked(key, value), "v");
            assert_eq!(
                is_skipped(&marked, Some(&plain)),
                on_desired,
                "{key}: {value}"
            );
            assert_eq!(is_skipped(&plain, Some(&marked)), on_live, "{key}: {value}");
        }
        let once = object(&marked("ssa", "IfNotPresent"), "v");
        assert!(!is_skipped(&once, None));
    }

    #[test]
    fn a_plan_prints_readably_and_names_its_entries() {
        let live = object(&json!({"uid": "u", "resourceVersion": "1"}), "old");
        let plan = StagePlan {
            kind: StageKind::Rest,
            objects: vec![
                recreate(object(&json!({}), "new"), &live),
                skip(object(&json!({}), "new"), Some(&live)),
            ],
        };
        assert_eq!(
            plan.to_string(),
            "recreate ConfigMap/ns/c\nskip ConfigMap/ns/c\n"
        );
        assert_eq!(plan.entries()[0].id, "ns_c__ConfigMap");
        assert!(plan.writes());
    }
}
