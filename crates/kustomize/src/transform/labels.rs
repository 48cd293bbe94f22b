//! Labels and annotations: the same pairs at every place that the fields name.

use std::collections::BTreeMap;

use kyaml::{Node, Tag};

use crate::error::Error;
use crate::field_spec::{Create, FieldSpec, apply_all};
use crate::res_map::ResMap;
use crate::resource::{Resource, Step};

/// Sets labels.
#[derive(Debug)]
pub(crate) struct Labels {
    pub(crate) pairs: BTreeMap<String, String>,
    pub(crate) fields: Vec<FieldSpec>,
}

/// Sets annotations.
#[derive(Debug)]
pub(crate) struct Annotations {
    pub(crate) pairs: BTreeMap<String, String>,
    pub(crate) fields: Vec<FieldSpec>,
}

impl Labels {
    pub(crate) fn transform(&self, resources: &mut ResMap) -> Result<(), Error> {
        set_everywhere(resources, &self.pairs, &self.fields)
    }
}

impl Annotations {
    pub(crate) fn transform(&self, resources: &mut ResMap) -> Result<(), Error> {
        set_everywhere(resources, &self.pairs, &self.fields)
    }
}

fn set_everywhere(
    resources: &mut ResMap,
    pairs: &BTreeMap<String, String>,
    fields: &[FieldSpec],
) -> Result<(), Error> {
    if pairs.is_empty() {
        return Ok(());
    }
    for resource in resources.list_mut() {
        for (key, value) in pairs {
            set(resource, (key, value), fields)?;
        }
    }
    Ok(())
}

fn set(
    resource: &mut Resource,
    (key, value): (&str, &str),
    fields: &[FieldSpec],
) -> Result<(), Error> {
    let mut scalar = Node::scalar_of(value);
    scalar.set_tag(Tag::Str);
    resource.edit_linked(|node| {
        let mut added = Vec::new();
        apply_all(fields, node, Create::MAPPING, &mut |map, trail| {
            let is_new = map.is_mapping() && map.get(key).is_none();
            map.set_field(key, scalar.clone())?;
            if is_new {
                let mut place = trail.steps();
                place.push(Step::Key(key.into()));
                added.push(place);
            }
            Ok(())
        })?;
        Ok(added)
    })
}
