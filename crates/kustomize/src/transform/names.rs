//! Name prefixes, suffixes, and hashes.

use kyaml::Node;

use crate::error::Error;
use crate::field_spec::{Create, FieldSpec};
use crate::hash;
use crate::id::Gvk;
use crate::res_map::ResMap;
use crate::resource::{IdPart, Resource};

/// At which end of a name to add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AffixKind {
    /// Before it.
    Prefix,
    /// After it.
    Suffix,
}

/// Adds a prefix or suffix to names.
#[derive(Debug)]
pub(crate) struct Affix {
    pub(crate) kind: AffixKind,
    pub(crate) text: String,
    pub(crate) fields: Vec<FieldSpec>,
}

/// Kinds whose names mean something to others.
fn keeps_its_name(gvk: &Gvk) -> bool {
    matches!(gvk.kind.as_str(), "CustomResourceDefinition" | "Namespace")
        || gvk.kind == "APIService" && gvk.group == "apiregistration.k8s.io"
}

impl Affix {
    pub(crate) fn transform(&self, resources: &mut ResMap) -> Result<(), Error> {
        for resource in resources.list_mut() {
            let id = resource.original_id();
            if keeps_its_name(&id.gvk) {
                continue;
            }
            for field in &self.fields {
                if id.gvk.is_selected_by(&field.gvk) {
                    self.apply(resource, field)?;
                }
            }
        }
        Ok(())
    }

    fn apply(&self, resource: &mut Resource, field: &FieldSpec) -> Result<(), Error> {
        if field.path == "metadata/name" && !self.text.is_empty() {
            let layers = match self.kind {
                AffixKind::Prefix => &mut resource.history.prefixes,
                AffixKind::Suffix => &mut resource.history.suffixes,
            };
            layers.push(self.text.clone());
            resource.remember_id();
        }
        match field.holds_annotations() {
            true => resource.edit_with_history(|node| self.in_field(node, field)),
            false => resource.edit(|node| self.in_field(node, field)),
        }
    }

    /// Adds the text at one field.
    ///
    /// # Errors
    /// The field is no scalar.
    pub(crate) fn in_field(&self, node: &mut Node, field: &FieldSpec) -> Result<(), Error> {
        field.apply(node, Create::STRING, &mut |name, _| {
            let text = match self.kind {
                AffixKind::Prefix => format!("{}{}", self.text, name.text()),
                AffixKind::Suffix => format!("{}{}", name.text(), self.text),
            };
            Ok(name.set_scalar(Node::scalar_of(text))?)
        })
    }
}

/// Adds the hash of its content to the name of every generated resource that wants it.
///
/// # Errors
/// A content cannot be read.
pub(crate) fn add_hashes(resources: &mut ResMap) -> Result<(), Error> {
    for resource in resources.list_mut() {
        if resource.history.needs_hash {
            let suffix = hash::suffix(resource.node())?;
            resource.remember_id();
            let name = format!("{}-{suffix}", resource.node().name());
            resource.set_id_part(IdPart::Name(&name))?;
        }
    }
    Ok(())
}
