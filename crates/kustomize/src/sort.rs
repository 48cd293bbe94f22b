//! The order of the output: as accumulated, or by kind.

use std::cmp::Ordering;

use crate::error::{Error, bail};
use crate::id::{Gvk, ResId};
use crate::kustomization::SortOptions;
use crate::res_map::ResMap;

const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
const LAST: [&str; 2] = [
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// Where a kind stands among the kinds that come first (negative), last (positive) or between.
fn rank(kind: &str, first: &[impl AsRef<str>], last: &[impl AsRef<str>]) -> i64 {
    let signed = |at: usize| i64::try_from(at).unwrap_or(i64::MAX);
    if let Some(at) = find_name(last, kind) {
        return 1 + signed(at);
    }
    find_name(first, kind).map_or(0, |at| signed(at) - signed(first.len()))
}

fn find_name(list: &[impl AsRef<str>], name: &str) -> Option<usize> {
    list.iter().rposition(|entry| entry.as_ref() == name)
}

/// The key by which configuration entries are sorted.
pub(crate) fn kind_key(gvk: &Gvk) -> (i64, String) {
    (rank(&gvk.kind, &FIRST, &LAST), gvk.sort_text())
}

/// Sorts by kind, then group and version, then namespace and name.
pub(crate) fn legacy(resources: &mut ResMap) -> Result<(), Error> {
    by_kind(resources, &FIRST, &LAST)
}

fn by_kind(
    resources: &mut ResMap,
    first: &[impl AsRef<str>],
    last: &[impl AsRef<str>],
) -> Result<(), Error> {
    resources.sort(|resource| Key::of(resource.id(), first, last), Key::compare)
}

struct Key {
    rank: i64,
    /// Namespaces of the core group come in the opposite order of their versions.
    core_namespace: bool,
    gvk: String,
    id: String,
}

impl Key {
    fn of(id: &ResId, first: &[impl AsRef<str>], last: &[impl AsRef<str>]) -> Self {
        let or = |text: &str, missing: &'static str| {
            if text.is_empty() {
                missing.to_owned()
            } else {
                text.to_owned()
            }
        };
        Self {
            rank: rank(&id.gvk.kind, first, last),
            core_namespace: id.gvk.kind == "Namespace" && id.gvk.group.is_empty(),
            gvk: id.gvk.sort_text(),
            id: format!(
                "{}|{}|{}",
                id.gvk,
                or(&id.namespace, "~X"),
                or(&id.name, "~N")
            ),
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        let by_gvk = match (self.core_namespace, other.core_namespace) {
            (true, true) => other.gvk.cmp(&self.gvk),
            (true, false) if other.gvk.ends_with("_Namespace") => Ordering::Less,
            (false, true) if self.gvk.ends_with("_Namespace") => Ordering::Greater,
            _ => self.gvk.cmp(&other.gvk),
        };
        self.rank
            .cmp(&other.rank)
            .then(by_gvk)
            .then_with(|| self.id.cmp(&other.id))
    }
}

/// Sorts as `sortOptions` says.
///
/// # Errors
/// The options contradict each other.
pub(crate) fn as_told(resources: &mut ResMap, options: &SortOptions) -> Result<(), Error> {
    match (options.order.as_str(), &options.legacy) {
        ("fifo", None) => Ok(()),
        ("fifo", Some(_)) => bail!(
            "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'"
        ),
        ("legacy", None) => legacy(resources),
        ("legacy", Some(legacy)) => by_kind(resources, &legacy.order_first, &legacy.order_last),
        _ => bail!("the field 'sortOptions.order' must be one of [fifo, legacy]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_known_kinds_around_the_others() {
        assert!(rank("Namespace", &FIRST, &LAST) < rank("Secret", &FIRST, &LAST));
        assert_eq!(rank("Anything", &FIRST, &LAST), 0);
        assert_eq!(rank("ValidatingWebhookConfiguration", &FIRST, &LAST), 2);
    }
}
