//! The list of objects that an applier has put into a cluster.
//!
//! Source: kustomize-controller v1.9 `internal/inventory`, cli-utils `pkg/object/objmetadata.go`

use std::collections::HashSet;

use weir_api::meta::InventoryEntry;

use crate::object::{Object, ObjectRef, join_api_version};

/// An inventory id that does not name an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unable to parse inventory id '{0}'")]
pub struct ParseIdError(pub String);

/// An object as an inventory remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// What identifies it.
    pub object: ObjectRef,
    /// `group/version` that it was applied in.
    pub api_version: String,
}

impl Target {
    /// What identifies `object`.
    #[must_use]
    pub fn of(object: &Object) -> Self {
        Self {
            object: object.reference(),
            api_version: object.api_version().to_owned(),
        }
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// [`ParseIdError`] if its id is malformed.
    pub fn parse(entry: &InventoryEntry) -> Result<Self, ParseIdError> {
        let object = parse_id(&entry.id)?;
        Ok(Self {
            api_version: join_api_version(&object.group, &entry.v),
            object,
        })
    }

    /// The entry for it.
    #[must_use]
    pub fn entry(&self) -> InventoryEntry {
        let (_, version) = crate::object::split_api_version(&self.api_version);
        InventoryEntry {
            id: id(&self.object),
            v: version.to_owned(),
        }
    }
}

/// Kinds whose names may hold a colon, which an id writes as two underscores.
fn has_colons(group: &str, kind: &str) -> bool {
    group == "rbac.authorization.k8s.io"
        && matches!(
            kind,
            "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding"
        )
}

/// `<namespace>_<name>_<group>_<Kind>`, with empty parts for no namespace and for the core group.
#[must_use]
pub fn id(object: &ObjectRef) -> String {
    let ObjectRef {
        group,
        kind,
        namespace,
        name,
    } = object;
    if has_colons(group, kind) {
        let name = name.replace(':', "__");
        return format!("{namespace}_{name}_{group}_{kind}");
    }
    format!("{namespace}_{name}_{group}_{kind}")
}

/// The object that an id names.
///
/// # Errors
/// [`ParseIdError`] unless there are four parts, with a name and a kind.
pub fn parse_id(id: &str) -> Result<ObjectRef, ParseIdError> {
    let error = || ParseIdError(id.to_owned());
    let (namespace, rest) = id.split_once('_').ok_or_else(error)?;
    let (rest, kind) = rest.rsplit_once('_').ok_or_else(error)?;
    let (name, group) = rest.rsplit_once('_').ok_or_else(error)?;
    let name = name.replace("__", ":");
    if name.is_empty() || kind.is_empty() || name.contains('_') {
        return Err(error());
    }
    Ok(ObjectRef {
        group: group.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name,
    })
}

/// The entries of `old` whose ids are not in `new`; versions do not count.
#[must_use]
pub fn stale(old: &[InventoryEntry], new: &[InventoryEntry]) -> Vec<InventoryEntry> {
    let kept: HashSet<&str> = new.iter().map(|entry| entry.id.as_str()).collect();
    let is_stale = |entry: &&InventoryEntry| !kept.contains(entry.id.as_str());
    old.iter().filter(is_stale).cloned().collect()
}

/// `first`, then the entries of `second` whose ids are not in it: what is written ahead of an apply, and what
/// is kept after a prune that did not reach everything.
#[must_use]
pub fn union(first: &[InventoryEntry], second: &[InventoryEntry]) -> Vec<InventoryEntry> {
    let mut all = first.to_vec();
    all.extend(stale(second, first));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(namespace: &str, name: &str, group: &str, kind: &str) -> ObjectRef {
        ObjectRef {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    fn check(text: &str, object: &ObjectRef) {
        assert_eq!(id(object), text);
        assert_eq!(parse_id(text).as_ref(), Ok(object));
    }

    #[test]
    fn ids_name_objects_both_ways() {
        check("ns_a__ConfigMap", &reference("ns", "a", "", "ConfigMap"));
        check("_ns__Namespace", &reference("", "ns", "", "Namespace"));
        check(
            "ns_web_apps_Deployment",
            &reference("ns", "web", "apps", "Deployment"),
        );
        let rbac = "rbac.authorization.k8s.io";
        check(
            "_a__view__all_rbac.authorization.k8s.io_ClusterRole",
            &reference("", "a:view:all", rbac, "ClusterRole"),
        );
    }

    #[test]
    fn malformed_ids_are_refused() {
        for text in [
            "",
            "a",
            "a_b",
            "a_b_c",
            "ns___Kind",
            "ns_a_g_",
            "ns_a_b_c_d",
        ] {
            assert_eq!(parse_id(text), Err(ParseIdError(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn a_new_version_is_not_a_new_object() {
        let entry = |id: &str, v: &str| InventoryEntry {
            id: id.to_owned(),
            v: v.to_owned(),
        };
        let old = [entry("a", "v1"), entry("b", "v1")];
        let new = [entry("a", "v2"), entry("c", "v1")];
        assert_eq!(stale(&old, &new), [entry("b", "v1")]);
        let all = [entry("a", "v2"), entry("c", "v1"), entry("b", "v1")];
        assert_eq!(union(&new, &old), all);
    }
}
