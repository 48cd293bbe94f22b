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
use crate::index::Known;
use crate::inventory::Target;
use crate::live::{Accepted, Digest, Live, Marks};
use crate::object::Object;
use crate::stage::StageKind;
use crate::takeover::{self, FieldManagers};

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
    /// Apply it without having tried: it is the only one of its stage that may change, so that there is nothing to
    /// protect, and it is there.
    Attempt {
        /// The version of it that is known.
        resource_version: String,
        /// The digest of its content.
        content: Digest,
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
            Self::Attempt { .. } => "apply",
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
    let asks = |object: &Object| Marks::of(object).ignored;
    asks(desired) || live.is_some_and(|live| asks(live) || is_made_once(desired))
}

/// Whether the object is to be created only, never changed.
fn is_made_once(desired: &Object) -> bool {
    desired.is_marked(annotation::KUSTOMIZE_SSA, "IfNotPresent")
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
    /// Our own manager, and those whose fields are taken over.
    pub(crate) managers: FieldManagers,
    /// Which fields are left to others.
    pub(crate) ignore: Ignore,
}

impl Sharing {
    /// The digest under which an apply of `desired` is remembered. None if others have a say in what is applied.
    pub(crate) fn digest(&self, desired: &Object) -> Option<Digest> {
        let shared = self.ignore.paths(desired).is_empty();
        shared.then(|| desired.digest())
    }
}

/// What can be said of an object without a request, if anything: that it is to be left alone, or that it is as wanted.
pub(crate) fn without_asking(
    desired: &Object,
    target: &Target,
    known: &Known,
    sharing: &Sharing,
) -> Option<Planned> {
    let live = &known.live;
    let planned = |step, found| Planned {
        desired: desired.clone(),
        found,
        step,
    };
    if live.marks.ignored || is_skipped(desired, None) || is_made_once(desired) {
        let found = Change::of_live(target, live, Action::Skipped);
        return Some(planned(Step::Skip, found));
    }
    let digest = sharing.digest(desired)?;
    if live.terminating || needs_takeover(desired, live) {
        return None;
    }
    let covered = known.settles(desired, digest)?;
    let found = Change::of_live(target, live, Action::Unchanged);
    let found = found.with(Accepted::new(Some(digest), live, covered));
    Some(planned(Step::Keep, found))
}

/// The plan for the only object of a stage that may change, if it can be applied without having been tried.
pub(crate) fn attempt(
    desired: &Object,
    target: &Target,
    live: &Live,
    sharing: &Sharing,
) -> Option<Planned> {
    let clear = live.api_version.as_ref() == desired.api_version()
        && !live.terminating
        && !desired.has_unknown()
        && !needs_takeover(desired, live)
        && sharing.ignore.paths(desired).is_empty();
    clear.then(|| Planned {
        desired: desired.clone(),
        found: Change::of_live(target, live, Action::Unchanged),
        step: Step::Attempt {
            resource_version: live.resource_version.clone(),
            content: live.content,
        },
    })
}

fn needs_takeover(desired: &Object, live: &Live) -> bool {
    live.takeover && !live.marks.merges && !Marks::of(desired).merges
}

/// The plan for an object that the API server would accept as `accepted`, from what is known of it. None if that does
/// not tell: then the object itself is needed.
pub(crate) fn apply_known(
    desired: &Object,
    live: Option<&Live>,
    accepted: &Object,
    sharing: &Sharing,
) -> Option<Planned> {
    let planned = |step, found| Planned {
        desired: desired.clone(),
        found,
        step,
    };
    // The dry run of a new object has no version yet.
    if accepted.resource_version().is_empty() {
        let found = Change::of(accepted, Action::Unchanged);
        return Some(planned(Step::Create, found));
    }
    let live = live.filter(|live| {
        live.resource_version == accepted.resource_version()
            && live.api_version.as_ref() == accepted.api_version()
            && !needs_takeover(desired, live)
    })?;
    let digest = sharing.digest(desired)?;
    let now = Live::of(accepted, &sharing.managers);
    let found = Change::of(accepted, Action::Unchanged);
    if now.content != live.content {
        return Some(planned(Step::Configure { takeover: None }, found));
    }
    let accepted = Accepted::new(Some(digest), live, now.owned == live.owned);
    Some(planned(Step::Keep, found.with(accepted)))
}

/// The plan for an object that is there as `live`, and that the API server would accept as `accepted`.
pub(crate) fn apply(
    desired: Object,
    live: Option<&Object>,
    accepted: &Object,
    sharing: &Sharing,
) -> Planned {
    let found = Change::of(accepted, Action::Unchanged);
    let planned = |desired, step, found| Planned {
        desired,
        found,
        step,
    };
    if accepted.resource_version().is_empty() {
        return planned(desired, Step::Create, found);
    }
    // An object that is there although it could not be read counts as changed.
    let Some(live) = live else {
        return planned(desired, Step::Configure { takeover: None }, found);
    };
    let merges = [&desired, live]
        .into_iter()
        .any(|object| Marks::of(object).merges);
    let Sharing { managers, ignore } = sharing;
    let takeover = (!merges)
        .then(|| takeover::patch(live, &desired, managers))
        .flatten();
    let ignored = ignore.paths(&desired);
    if takeover.is_none() && !has_drifted(live, accepted, &ignored) {
        let (before, now) = (Live::of(live, managers), Live::of(accepted, managers));
        let covered = now.owned == before.owned;
        let accepted = Accepted::new(sharing.digest(&desired), &before, covered);
        return planned(desired, Step::Keep, found.with(accepted));
    }
    let desired = ignore::adopt(desired, live, accepted, managers.own(), &ignored);
    planned(desired, Step::Configure { takeover }, found)
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
            managers: FieldManagers::new("kustomize-controller", &[]),
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
