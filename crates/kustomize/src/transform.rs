//! What changes resources: one module per kind of change.

mod images;
mod labels;
mod name_reference;
mod names;
mod namespace;
mod patch;
mod patch_json;
mod replacement;
mod replacement_target;
mod replicas;
mod value_add;
mod vars;

use crate::error::Error;
use crate::res_map::ResMap;

pub(crate) use images::{Images, split as split_image};
pub(crate) use labels::{Annotations, Labels};
pub(crate) use name_reference::{rewrite as rewrite_names, rewrite_one as rewrite_names_of};
pub(crate) use names::{Affix, AffixKind};
pub(crate) use namespace::{Namespace, Subjects};
pub(crate) use patch::{PatchSet, PatchText, StrategicPatches};
pub(crate) use patch_json::{JsonPatch, parse as parse_json_patch};
pub(crate) use replacement::Replacements;
pub(crate) use replicas::{Replicas, set as set_replicas};
pub(crate) use value_add::{AddTarget, ValueAdd};
pub(crate) use vars::{
    VarSet, expand_field, expand_text, resolve as resolve_vars, shown as shown_var,
};

/// A configured change.
#[derive(Debug)]
pub(crate) enum Transformer {
    Annotations(Annotations),
    Labels(Labels),
    Namespace(Namespace),
    Affixes(Vec<Affix>),
    Images(Images),
    Replicas(Replicas),
    Patch(PatchSet),
    StrategicPatches(StrategicPatches),
    JsonPatch(JsonPatch),
    Replacements(Replacements),
    ValueAdd(ValueAdd),
    Hash,
}

impl Transformer {
    /// Applies the change.
    ///
    /// # Errors
    /// Those of the change.
    pub(crate) fn transform(&self, resources: &mut ResMap) -> Result<(), Error> {
        match self {
            Self::Annotations(it) => it.transform(resources),
            Self::Labels(it) => it.transform(resources),
            Self::Namespace(it) => it.transform(resources),
            Self::Affixes(list) => list.iter().try_for_each(|it| it.transform(resources)),
            Self::Images(it) => it.transform(resources),
            Self::Replicas(it) => it.transform(resources),
            Self::Patch(it) => it.transform(resources),
            Self::StrategicPatches(it) => it.transform(resources),
            Self::JsonPatch(it) => it.transform(resources),
            Self::Replacements(it) => it.transform(resources),
            Self::ValueAdd(it) => it.transform(resources),
            Self::Hash => names::add_hashes(resources),
        }
    }
}
