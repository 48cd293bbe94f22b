//! The number of replicas of a workload.

use kyaml::{Node, Tag};

use crate::error::{Error, bail};
use crate::field_spec::{Create, FieldSpec};
use crate::go_text::list;
use crate::kustomization::Replica;
use crate::res_map::ResMap;

/// Sets the number of replicas.
#[derive(Debug)]
pub(crate) struct Replicas {
    pub(crate) replica: Replica,
    pub(crate) fields: Vec<FieldSpec>,
}

impl Replicas {
    pub(crate) fn transform(&self, resources: &mut ResMap) -> Result<(), Error> {
        let mut found = false;
        for field in &self.fields {
            let places = resources.places_of_any(&self.replica.name, |id| {
                id.name == self.replica.name && id.gvk.is_selected_by(&field.gvk)
            });
            for at in places {
                found = true;
                let count = self.replica.count;
                let resource = &mut resources.list_mut()[at];
                match field.holds_annotations() {
                    true => resource.edit_with_history(|node| set(node, field, count))?,
                    false => resource.edit(|node| set(node, field, count))?,
                }
            }
        }
        if found {
            return Ok(());
        }
        let kinds: Vec<String> = self
            .fields
            .iter()
            .map(|field| field.gvk.to_string())
            .collect();
        bail!(
            "resource with name {} does not match a config with the following GVK {}",
            self.replica.name,
            list(&kinds)
        )
    }
}

/// Writes the number at one field.
pub(crate) fn set(node: &mut Node, field: &FieldSpec, count: i64) -> Result<(), Error> {
    field.apply(node, Create::INTEGER, &mut |place, _| {
        let mut number = Node::scalar_of(count.to_string());
        number.set_tag(Tag::Int);
        Ok(place.set_scalar(number)?)
    })
}
