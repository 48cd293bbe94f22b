//! JSON patches (RFC 6902).

use kyaml::json_patch::Patch;

use crate::error::Error;
use crate::kustomization::Selector;
use crate::res_map::ResMap;
use crate::resource::Resource;

/// One entry of `patchesJson6902`.
#[derive(Debug)]
pub(crate) struct JsonPatch {
    pub(crate) target: Selector,
    pub(crate) patch: Patch,
}

impl JsonPatch {
    pub(crate) fn transform(&self, resources: &mut ResMap) -> Result<(), Error> {
        for at in resources.select(&self.target)? {
            apply(&mut resources.list_mut()[at], &self.patch)?;
        }
        Ok(())
    }
}

/// Reads a patch.
///
/// # Errors
/// It is no list of operations.
pub(crate) fn parse(text: &str) -> Result<Patch, Error> {
    if text.is_empty() {
        return Err(Error::new("empty json patch operations"));
    }
    Ok(Patch::parse(text)?)
}

/// Applies a patch to one resource.
///
/// # Errors
/// An operation does not apply.
pub(crate) fn apply(resource: &mut Resource, patch: &Patch) -> Result<(), Error> {
    resource.rebuild(|mut node| {
        patch.apply_to(&mut node)?;
        Ok(node)
    })
}
