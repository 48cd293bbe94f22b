//! Replacements: a value from one field, written to others.

use kyaml::{Kind, Node};

use super::replacement_target::{self, split_field};
use crate::error::{Context as _, Error, bail};
use crate::field_spec::holds_annotations;
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
            let has_targets = !replacement.targets.is_empty() || replacement.no_targets;
            if !has_source || !has_targets {
                bail!("replacements must specify a source and at least one target");
            }
            let mut source = source(resources, replacement)?;
            for target in &replacement.targets {
                write(resources, &mut source, target)?;
            }
        }
        resources.drop_gone();
        Ok(())
    }
}

/// What is written, and where it comes from.
struct Source {
    value: Node,
    /// The resource and the field, where the value is the field itself: what is written there is from then
    /// on what is written elsewhere, as upstream holds the node and no copy.
    live: Option<(usize, Vec<String>)>,
}

impl Source {
    /// Whether the place written to is inside of the source.
    fn holds(&self, at: usize, written: &[String]) -> bool {
        let live = self.live.as_ref().filter(|(source, _)| *source == at);
        live.is_some_and(|(_, path)| {
            path.len() < written.len() && path.iter().zip(written).all(|(a, b)| is_same_step(a, b))
        })
    }

    /// Whether the source is, or holds, annotations.
    fn holds_annotations(&self) -> bool {
        let live = self.live.as_ref();
        live.is_some_and(|(_, path)| holds_annotations(path))
    }

    /// Looks again, after something was written to a resource. What was written over something that holds
    /// the source cuts it off: its value is from then on what it was.
    fn refresh(&mut self, at: usize, node: &Node, written: &[String]) {
        let Some((source, path)) = &self.live else {
            return;
        };
        if at != *source {
            return;
        }
        if written.len() < path.len() && written.iter().zip(path).all(|(a, b)| is_same_step(a, b)) {
            self.live = None;
        } else if let Ok(Some(found)) = node.lookup(path) {
            self.value = found.clone();
        }
    }
}

/// Whether two steps of paths lead to the same place, or may: all ways into a list count as one.
fn is_same_step(a: &str, b: &str) -> bool {
    let is_item = |step: &str| {
        step == "*" || step.starts_with('[') || step.bytes().all(|byte| byte.is_ascii_digit())
    };
    a == b || is_item(a) && is_item(b)
}

fn source(resources: &ResMap, replacement: &Replacement) -> Result<Source, Error> {
    let source = match (&replacement.source, &replacement.source_value) {
        (Some(_), Some(_)) => bail!("value and resource selectors are mutually exclusive"),
        (None, value) => {
            return Ok(Source {
                value: Node::scalar_of(value.clone().unwrap_or_default()),
                live: None,
            });
        }
        (Some(source), None) => source,
    };
    let at = select_source(resources, source)?;
    let resource = &resources.list()[at];
    let field = match source.field_path.as_str() {
        "" => DEFAULT_FIELD,
        path => path,
    };
    let path = split_field(field);
    let shown;
    let node = match holds_annotations(&path) {
        true => {
            shown = resource.with_history();
            &shown
        }
        false => resource.node(),
    };
    let found = node
        .lookup(&path)
        .within(|| "error looking up replacement source")?;
    let Some(found) = found.filter(|node| !node.is_null_or_empty()) else {
        bail!(
            "fieldPath `{field}` is missing for replacement source {}",
            source.id
        );
    };
    let options = source.options.as_ref();
    let whole = options.is_none_or(|options| options.delimiter.is_empty());
    Ok(Source {
        value: refine(found, options)?,
        live: whole.then_some((at, path)),
    })
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

fn select_source(resources: &ResMap, source: &SourceSelector) -> Result<usize, Error> {
    let mut found = resources
        .list()
        .iter()
        .enumerate()
        .filter(|(_, resource)| ids(resource).iter().any(|id| id.is_selected_by(&source.id)))
        .map(|(at, _)| at);
    match (found.next(), found.next()) {
        (Some(at), None) => Ok(at),
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

fn write(
    resources: &mut ResMap,
    source: &mut Source,
    target: &TargetSelector,
) -> Result<(), Error> {
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
    let options = target.options.as_ref();
    let shows =
        fields.iter().any(|(_, path)| holds_annotations(path)) || source.holds_annotations();
    let create = options.is_some_and(|options| options.create);
    for (at, resource) in resources.list_mut().iter_mut().enumerate() {
        if is_selected(resource, &select, &reject)? {
            let change = |node: &mut Node| {
                fields.iter().try_for_each(|(field, path)| {
                    if create && source.holds(at, path) {
                        // What is made shows in the value before it is copied.
                        let kind = Some(source.value.kind());
                        let _ = kyaml::match_path(node, path, kind, &mut |_| Ok(()));
                        source.refresh(at, node, path);
                    }
                    replacement_target::write(node, &source.value, (field, path), options)?;
                    source.refresh(at, node, path);
                    Ok(())
                })
            };
            match shows {
                true => resource.edit_with_history(change)?,
                false => resource.edit(change)?,
            }
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
