//! A value written to, or inserted into the path at, a field.

use kyaml::{Kind, Node};

use super::namespace::{Namespace, Subjects};
use crate::error::Error;
use crate::field_spec::holds_annotations;
use crate::kustomization::Selector;
use crate::path;
use crate::res_map::ResMap;

/// Where to write the value.
#[derive(Debug)]
pub(crate) struct AddTarget {
    pub(crate) selector: Option<Selector>,
    pub(crate) field_path: String,
    /// 0 replaces the field, n inserts the value as its n-th path part.
    pub(crate) position: usize,
}

/// Writes one value to several places.
#[derive(Debug)]
pub(crate) struct ValueAdd {
    pub(crate) value: String,
    pub(crate) targets: Vec<AddTarget>,
}

impl ValueAdd {
    pub(crate) fn transform(&self, resources: &mut ResMap) -> Result<(), Error> {
        for target in &self.targets {
            let places = match &target.selector {
                Some(selector) => resources.select(selector)?,
                None => (0..resources.list().len()).collect(),
            };
            for at in places {
                let resource = &mut resources.list_mut()[at];
                let scoped = !resource.id().cluster_scoped;
                let fields = kyaml::split_path(&target.field_path, '/');
                match holds_annotations(&fields) {
                    true => resource.edit_with_history(|node| self.apply(node, target, scoped))?,
                    false => resource.edit(|node| self.apply(node, target, scoped))?,
                }
            }
        }
        Ok(())
    }

    fn apply(&self, node: &mut Node, target: &AddTarget, namespaced: bool) -> Result<(), Error> {
        if target.field_path == "metadata/namespace" {
            let namespace = Namespace {
                namespace: self.value.clone(),
                fields: Vec::new(),
                unset_only: false,
                subjects: Subjects::Default,
            };
            return namespace.apply(node, namespaced);
        }
        let fields = kyaml::split_path(&target.field_path, '/');
        let Some(place) = node.lookup_create(&fields, Kind::Scalar)? else {
            return Ok(());
        };
        place.expect_kind(Kind::Scalar)?;
        let value = match target.position.checked_sub(1) {
            None => self.value.clone(),
            Some(at) => inserted(place.text(), at, &self.value),
        };
        Ok(place.set_scalar(Node::scalar_of(value))?)
    }
}

/// A path with a part inserted.
fn inserted(old: &str, at: usize, part: &str) -> String {
    if part.is_empty() {
        return old.to_owned();
    }
    let rooted = old.starts_with('/');
    let mut parts: Vec<&str> = old.split('/').filter(|part| !part.is_empty()).collect();
    parts.insert(at.min(parts.len()), part);
    let joined = path::clean(&parts.join("/"));
    if rooted { format!("/{joined}") } else { joined }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inserts_path_parts() {
        for (old, at, expected) in [
            ("projects/whatever", 1, "projects/x/whatever"),
            ("projects/whatever", 0, "x/projects/whatever"),
            ("/a/b", 0, "/x/a/b"),
            ("a", 9, "a/x"),
            ("", 0, "x"),
        ] {
            assert_eq!(inserted(old, at, "x"), expected);
        }
    }
}
