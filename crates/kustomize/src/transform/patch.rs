//! Patches: strategic merges and JSON patches, by target or by the patch's own id.

use std::sync::Arc;

use kyaml::{Node, json_patch};

use super::patch_json;
use crate::error::{Context as _, Error, bail};
use crate::go_text::quote;
use crate::kustomization::{PatchOptions, Selector};
use crate::res_map::ResMap;
use crate::resource::{IdPart, Resource, read_text};
use crate::schema::BuildSchema;

/// What one text of a patch turned out to be.
#[derive(Debug)]
pub(crate) enum PatchText {
    /// Objects to merge.
    Strategic(Vec<Resource>),
    /// Operations.
    Json(json_patch::Patch),
    /// Neither; comments only.
    Nothing,
}

impl PatchText {
    /// Finds out what a text is.
    ///
    /// # Errors
    /// It is nothing of the kind, or both.
    pub(crate) fn read(
        text: &str,
        source: &str,
        options: &PatchOptions,
        schema: &Arc<BuildSchema>,
    ) -> Result<Self, Error> {
        let strategic = read_text(text, schema);
        let json = patch_json::parse(text);
        let has = |count: usize| count > 0;
        match (strategic, json) {
            (Ok(objects), Ok(operations))
                if has(objects.len()) && has(operations.operations().len()) =>
            {
                bail!("illegally qualifies as both an SM and JSON patch: {source}")
            }
            (Err(_), Err(_)) => bail!("unable to parse SM or JSON patch from {source}"),
            (Ok(objects), _) if objects.is_empty() => Ok(Self::Nothing),
            (Ok(mut objects), _) => {
                for object in &mut objects {
                    object.history.allow_name_change |= options.allow_name_change;
                    object.history.allow_kind_change |= options.allow_kind_change;
                    if options.allow_name_change || options.allow_kind_change {
                        // The original notes it in an annotation, and writes the others anew.
                        object.rewrite_annotations()?;
                    }
                }
                Ok(Self::Strategic(objects))
            }
            (Err(_), Ok(operations)) => Ok(Self::Json(operations)),
        }
    }
}

/// One entry of `patches`.
#[derive(Debug)]
pub(crate) struct PatchSet {
    pub(crate) target: Option<Selector>,
    /// Where the patch comes from, for messages.
    pub(crate) source: String,
    pub(crate) text: PatchText,
}

impl PatchSet {
    pub(crate) fn transform(&self, resources: &mut ResMap) -> Result<(), Error> {
        match (&self.text, &self.target) {
            (PatchText::Nothing, _) => Ok(()),
            (PatchText::Json(_), None) => {
                bail!("must specify a target for JSON patch {}", self.source)
            }
            (PatchText::Json(patch), Some(target)) => {
                for at in resources.select(target)? {
                    resources.change(at, |resource| {
                        resource.remember_id();
                        patch_json::apply(resource, patch)
                    })?;
                }
                Ok(())
            }
            (PatchText::Strategic(patches), Some(target)) => match patches.as_slice() {
                [patch] => {
                    let places = resources.select(target).within(|| {
                        let target = quote(&target.to_string());
                        format!("unable to find patch target {target} in `resources`")
                    })?;
                    apply_to_all(resources, &places, patch)
                }
                _ => bail!(
                    "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set `patches.target` field: {}",
                    self.source
                ),
            },
            (PatchText::Strategic(patches), None) => {
                patches.iter().try_for_each(|patch| by_id(resources, patch))
            }
        }
    }
}

/// Applies a patch to the resource that it names.
fn by_id(resources: &mut ResMap, patch: &Resource) -> Result<(), Error> {
    let id = patch.original_id();
    let at = resources.place_of_target(&id).within(|| {
        format!(
            "no resource matches strategic merge patch {}",
            quote(&id.to_string())
        )
    })?;
    resources.change(at, |target| apply(target, patch))
}

/// Applies a patch to several resources, whatever it is called itself.
fn apply_to_all(resources: &mut ResMap, places: &[usize], patch: &Resource) -> Result<(), Error> {
    if places.is_empty() {
        return resources.check_unique();
    }
    let mut patch = patch.clone();
    let own = patch.clone();
    patch.inherit_metadata(&own)?;
    for at in places {
        resources.change(*at, |target| {
            let api_version = target.gvk().api_version();
            patch.set_id_part(IdPart::ApiVersion(&api_version))?;
            apply(target, &patch)
        })?;
    }
    if places.iter().any(|at| resources.list()[*at].is_gone()) {
        resources.drop_gone();
    }
    resources.check_unique()
}

/// Merges one patch into one resource. Name, namespace and kind stay unless the patch may change them.
fn apply(target: &mut Resource, patch: &Resource) -> Result<(), Error> {
    let id = target.id().clone();
    let may = &patch.history;
    if may.allow_name_change || may.allow_kind_change {
        target.remember_id();
    }
    let schema = target.schema().for_merge();
    let options = kyaml::merge::Options {
        schema,
        order: kyaml::merge::ListOrder::Prepend,
        infer: false,
    };
    // Replacing a whole object does nothing: the original drops the result.
    let replaces_all = patch.node().get("$patch").map(Node::text) == Some("replace");
    if !replaces_all {
        target.edit_by_patch(patch.node(), |node| {
            Ok(kyaml::merge::merge(patch.node(), node, &options)?)
        })?;
    }
    if target.is_gone() {
        return Ok(());
    }
    if !may.allow_kind_change {
        target.set_id_part(IdPart::Kind(&id.gvk.kind))?;
    }
    if !may.allow_name_change {
        target.set_id_part(IdPart::Name(&id.name))?;
    }
    target.set_id_part(IdPart::Namespace(&id.namespace))
}

/// The entries of `patchesStrategicMerge`.
#[derive(Debug)]
pub(crate) struct StrategicPatches {
    pub(crate) patches: Vec<Resource>,
}

impl StrategicPatches {
    pub(crate) fn transform(&self, resources: &mut ResMap) -> Result<(), Error> {
        for patch in &self.patches {
            let at = resources.place_of_target(&patch.original_id())?;
            apply_to_all(resources, &[at], patch)?;
        }
        Ok(())
    }
}
