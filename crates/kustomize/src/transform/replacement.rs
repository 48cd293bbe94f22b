//! Replacements: a value from one field, written to others.

use kyaml::{Kind, Node};

use super::replacement_target::{self, split_field};
use crate::error::{Context as _, Error, bail};
use crate::id::ResId;
use crate::kustomization::{FieldOptions, Replacement, SourceSelector, TargetSelector};
use crate::res_map::ResMap;
use crate::resource::Resource;
use crate::selector::Matcher;

const DEFAULT_FIELD: &str = "metadata.name";

/// Applies replacements in order.
#[derive(Debug)]
pub(crate) struct Replacements {
    pub(crate) replacements: Vec<Replacement>,
}

impl Replacements {
    pub(crate) fn transform(&self, resources: &mut ResMap) -> Result<(), Error> {
        for replacement in &self.replacements {
            let has_source = replacement.source.is_some() || replacement.source_value.is_some();
            if !has_source || replacement.targets.is_empty() {
                bail!("replacements must specify a source and at least one target");
            }
            let value = value(resources, replacement)?;
            for target in &replacement.targets {
                write(resources, &value, target)?;
            }
        }
        resources.drop_gone();
        Ok(())
    }
}

fn value(resources: &ResMap, replacement: &Replacement) -> Result<Node, Error> {
    let source = match (&replacement.source, &replacement.source_value) {
        (Some(_), Some(_)) => bail!("value and resource selectors are mutually exclusive"),
        (None, value) => return Ok(Node::scalar_of(value.clone().unwrap_or_default())),
        (Some(source), None) => source,
    };
    let resource = select_source(resources, source)?;
    let field = match source.field_path.as_str() {
        "" => DEFAULT_FIELD,
        path => path,
    };
    let found = resource
        .node()
        .lookup(&split_field(field))
        .within(|| "error looking up replacement source")?;
    let Some(found) = found.filter(|node| !node.is_null_or_empty()) else {
        bail!(
            "fieldPath `{field}` is missing for replacement source {}",
            source.id
        );
    };
    refine(found, source.options.as_ref())
}

/// The ids by which replacements know a resource, the current one first.
fn ids(resource: &Resource) -> Vec<ResId> {
    let current = ResId {
        cluster_scoped: false,
        ..resource.id().clone()
    };
    std::iter::once(current)
        .chain(resource.former_ids())
        .collect()
}

fn select_source<'a>(
    resources: &'a ResMap,
    source: &SourceSelector,
) -> Result<&'a Resource, Error> {
    let mut found = resources
        .list()
        .iter()
        .filter(|resource| ids(resource).iter().any(|id| id.is_selected_by(&source.id)));
    match (found.next(), found.next()) {
        (Some(resource), None) => Ok(resource),
        (Some(_), Some(_)) => bail!("multiple matches for selector {source}"),
        (None, _) => bail!("nothing selected by {source}"),
    }
}

/// The part of a value that the options ask for.
fn refine(node: &Node, options: Option<&FieldOptions>) -> Result<Node, Error> {
    let mut value = node.clone();
    let Some(options) = options.filter(|options| !options.delimiter.is_empty()) else {
        return Ok(value);
    };
    if node.kind() != Kind::Scalar {
        bail!("delimiter option can only be used with scalar nodes");
    }
    let mut parts = node.text().split(options.delimiter.as_str());
    let part = usize::try_from(options.index.0)
        .ok()
        .and_then(|index| parts.nth(index));
    let Some(part) = part else {
        bail!(
            "options.index {} is out of bounds for value {}",
            options.index.0,
            node.text()
        );
    };
    value.set_text(part);
    Ok(value)
}

fn write(resources: &mut ResMap, value: &Node, target: &TargetSelector) -> Result<(), Error> {
    let Some(select) = &target.select else {
        bail!("target must specify resources to select");
    };
    let compile = |selector| Matcher::new(selector).within(|| "error creating target selector");
    let select = compile(select)?;
    let reject: Vec<Matcher> = target
        .reject
        .iter()
        .map(compile)
        .collect::<Result<_, _>>()?;
    let default = [DEFAULT_FIELD.to_owned()];
    let fields = match target.field_paths.as_slice() {
        [] => &default[..],
        fields => fields,
    };
    let fields: Vec<(&str, Vec<String>)> = fields
        .iter()
        .map(|field| (field.as_str(), split_field(field)))
        .collect();
    for resource in resources.list_mut() {
        if is_selected(resource, &select, &reject)? {
            resource.edit(|node| {
                fields.iter().try_for_each(|(field, path)| {
                    replacement_target::write(node, value, (field, path), target.options.as_ref())
                })
            })?;
        }
    }
    Ok(())
}

fn is_selected(resource: &Resource, select: &Matcher, reject: &[Matcher]) -> Result<bool, Error> {
    if !select.fits_labels(resource.node())? {
        return Ok(false);
    }
    for matcher in reject {
        if matcher.asks_for_labels() && matcher.fits_labels(resource.node())? {
            return Ok(false);
        }
    }
    let ids = ids(resource);
    let rejects =
        |matcher: &Matcher| !matcher.is_for_any_id() && ids.iter().any(|id| matcher.fits_id(id));
    Ok(!reject.iter().any(rejects) && ids.iter().any(|id| select.fits_id(id)))
}
