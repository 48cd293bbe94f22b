//! Variables: `$(NAME)` replaced by the value of a field.

use std::collections::{BTreeMap, BTreeSet};

use kyaml::{Content, Node, Style, Tag};

use crate::error::{Error, bail};
use crate::field_spec::FieldSpec;
use crate::id::{ResId, split_api_version};
use crate::kustomization::Var;
use crate::res_map::ResMap;

/// The vars of a build by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct VarSet(BTreeMap<String, Var>);

/// A var as messages show it.
pub(crate) fn shown(var: &Var) -> String {
    format!(
        "{{{} {} {{{}}}}}",
        var.name, var.object.gvk, var.field.field_path
    )
}

/// Takes group and version from the reference's `apiVersion`.
fn with_version(var: &Var) -> Var {
    let mut var = var.clone();
    let api_version = var.object.api_version.clone();
    match api_version.matches('/').count() {
        _ if api_version.is_empty() => {}
        0 => var.object.gvk.version = api_version,
        1 => {
            let (group, version) = split_api_version(&api_version);
            group.clone_into(&mut var.object.gvk.group);
            version.clone_into(&mut var.object.gvk.version);
        }
        _ => {}
    }
    var
}

impl VarSet {
    /// Adds the vars of one kustomization and links them to the resources that they read from.
    ///
    /// # Errors
    /// A var fits several resources, or its name is taken.
    pub(crate) fn add(&mut self, vars: &[Var], resources: &mut ResMap) -> Result<(), Error> {
        for var in vars {
            let var = with_version(var);
            let target = ResId {
                gvk: var.object.gvk.clone(),
                name: var.object.name.clone(),
                namespace: var.object.namespace.clone(),
                cluster_scoped: false,
            };
            let any_namespace = target.namespace.is_empty();
            let places = resources.places_of_any(&target.name, |id| {
                if any_namespace {
                    id.name == target.name && id.gvk == target.gvk
                } else {
                    id.same_as(&target)
                }
            });
            match places.as_slice() {
                [] => {}
                [at] => resources.list_mut()[*at].vars.push(var.name),
                places => bail!(
                    "found {} resId matches for var {} (unable to disambiguate)",
                    places.len(),
                    shown(&var)
                ),
            }
        }
        vars.iter()
            .try_for_each(|var| self.insert(with_version(var)))
    }

    /// Adds the vars of another set.
    ///
    /// # Errors
    /// A name is taken.
    pub(crate) fn merge(&mut self, other: Self) -> Result<(), Error> {
        other.0.into_values().try_for_each(|var| self.insert(var))
    }

    fn insert(&mut self, mut var: Var) -> Result<(), Error> {
        if self.0.contains_key(&var.name) {
            bail!("var '{}' already encountered", var.name);
        }
        if var.field.field_path.is_empty() {
            "metadata.name".clone_into(&mut var.field.field_path);
        }
        self.0.insert(var.name.clone(), var);
        Ok(())
    }
}

/// The value of a var.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum VarValue {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// A map or list, which cannot be put into text.
    Structure,
}

impl VarValue {
    /// The value of a field; `None` if it is missing or contradicts its own type.
    fn read(node: &Node, path: &str) -> Option<Self> {
        let node = node.lookup(&steps(path)).ok()??;
        if !node.is_scalar() {
            return Some(Self::Structure);
        }
        let text = node.text();
        match node.tag() {
            Tag::Int => text.parse().ok().map(Self::Int),
            Tag::Float => text.parse().ok().map(Self::Float),
            Tag::Bool => match text {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(Self::Bool(true)),
                "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(Self::Bool(false)),
                _ => None,
            },
            _ => Some(Self::Text(text.to_owned())),
        }
    }

    fn inside_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => kyaml::resolve::format_g(*number),
            Self::Bool(flag) => flag.to_string(),
            Self::Structure => String::new(),
        }
    }

    /// Makes a scalar of the value's own type.
    fn write(&self, node: &mut Node) {
        let (tag, text) = match self {
            Self::Float(number) => (Tag::Float, format!("{number}")),
            Self::Int(_) => (Tag::Int, self.inside_text()),
            Self::Bool(_) => (Tag::Bool, self.inside_text()),
            Self::Text(_) | Self::Structure => (Tag::Str, self.inside_text()),
        };
        node.set_text(text);
        node.set_tag(tag);
        node.set_style(Style::PLAIN);
    }
}

/// The steps of a var's field path: `a[0].b` is `a`, `0`, `b`.
fn steps(path: &str) -> Vec<String> {
    let mut steps = Vec::new();
    for step in kyaml::split_path_smart(path, '.') {
        let indexed = step
            .strip_suffix(']')
            .and_then(|inner| inner.rsplit_once('['));
        match indexed {
            Some((name, index))
                if !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                if !name.is_empty() {
                    steps.push(name.to_owned());
                }
                steps.push(index.to_owned());
            }
            _ => steps.push(step),
        }
    }
    steps
}

/// Replaces all variables at the configured fields. Returns the names of vars that nothing used.
///
/// # Errors
/// A var's object or field is missing.
pub(crate) fn resolve(
    vars: &VarSet,
    resources: &mut ResMap,
    fields: &[FieldSpec],
) -> Result<Vec<String>, Error> {
    let mut values = BTreeMap::new();
    for (name, var) in &vars.0 {
        let mut readers = resources.list().iter();
        let Some(resource) = readers.find(|resource| resource.vars.contains(name)) else {
            bail!(
                "var '{}' cannot be mapped to a field in the set of known resources",
                shown(var)
            );
        };
        let Some(value) = VarValue::read(resource.node(), &var.field.field_path) else {
            bail!(
                "field specified in var '{}' not found in corresponding resource",
                shown(var)
            );
        };
        values.insert(name.clone(), value);
    }
    let mut expansion = Expansion {
        values: &values,
        used: BTreeSet::new(),
    };
    if !values.is_empty() {
        for resource in resources.list_mut() {
            for field in fields {
                resource
                    .edit(|node| field.apply(node, None, &mut |place, _| expansion.apply(place)))?;
            }
        }
    }
    let unused = values.keys().filter(|name| !expansion.used.contains(*name));
    Ok(unused.cloned().collect())
}

/// Replaces variables and notes which were used.
#[derive(Debug)]
pub(crate) struct Expansion<'a> {
    pub(crate) values: &'a BTreeMap<String, VarValue>,
    pub(crate) used: BTreeSet<String>,
}

impl Expansion<'_> {
    /// Replaces the variables in a scalar, or in the scalars of a map or list.
    ///
    /// # Errors
    /// A list or map holds something that has no variables.
    pub(crate) fn apply(&mut self, place: &mut Node) -> Result<(), Error> {
        if place.is_null() {
            return Ok(());
        }
        match place.content_mut() {
            Content::Scalar(_) => self.scalar(place),
            Content::Mapping(entries) => {
                for entry in entries.iter_mut() {
                    if !entry.key.is_string() {
                        bail!(
                            "invalid map key: value='{}', tag='{}'",
                            entry.key.text(),
                            entry.key.tag_text()
                        );
                    }
                    self.scalar(&mut entry.value);
                }
            }
            Content::Sequence(items) => {
                for item in items.iter_mut() {
                    if !item.is_string() {
                        bail!("invalid value type expect a string");
                    }
                    self.scalar(item);
                }
            }
            Content::Alias(_) => bail!("invalid type encountered 16"),
        }
        Ok(())
    }

    fn scalar(&mut self, node: &mut Node) {
        if node.is_string() {
            self.expand(node.text()).write(node);
        }
    }

    /// The text with its variables replaced. A text that is one variable becomes the value itself.
    pub(crate) fn expand(&mut self, text: &str) -> VarValue {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            let after = &rest[at + 1..];
            if after.is_empty() {
                break;
            }
            out.push_str(&rest[..at]);
            rest = if let Some(after) = after.strip_prefix('$') {
                out.push('$');
                after
            } else if let Some(inner) = after.strip_prefix('(') {
                match inner.find(')') {
                    Some(end) => {
                        let name = &inner[..end];
                        if let Some(value) = self.value(name) {
                            if text.len() == name.len() + 3 {
                                return value;
                            }
                            out.push_str(&value.inside_text());
                        } else {
                            out.push_str(&rest[at..at + end + 3]);
                        }
                        &inner[end + 1..]
                    }
                    None => {
                        out.push_str("$(");
                        inner
                    }
                }
            } else {
                out.push('$');
                after
            };
        }
        out.push_str(rest);
        VarValue::Text(out)
    }

    fn value(&mut self, name: &str) -> Option<VarValue> {
        match self.values.get(name)? {
            VarValue::Structure => None,
            value => {
                self.used.insert(name.to_owned());
                Some(value.clone())
            }
        }
    }
}

fn values_of(values: &serde_json::Value) -> BTreeMap<String, VarValue> {
    let values = values.as_object().into_iter().flatten();
    let values = values.map(|(name, value)| {
        let value = match value {
            serde_json::Value::String(text) => VarValue::Text(text.clone()),
            serde_json::Value::Bool(flag) => VarValue::Bool(*flag),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(number) => VarValue::Int(number),
                None => VarValue::Float(number.as_f64().unwrap_or_default()),
            },
            _ => VarValue::Structure,
        };
        (name.clone(), value)
    });
    values.collect()
}

/// Expands one text, for conformance rows; also says which variables were used.
pub(crate) fn expand_text(text: &str, values: &serde_json::Value) -> (String, BTreeSet<String>) {
    let values = values_of(values);
    let mut expansion = Expansion {
        values: &values,
        used: BTreeSet::new(),
    };
    (expansion.expand(text).inside_text(), expansion.used)
}

/// Expands one field, for conformance rows.
pub(crate) fn expand_field(
    node: &mut Node,
    field: &FieldSpec,
    values: &serde_json::Value,
) -> Result<(), Error> {
    let values = values_of(values);
    let mut expansion = Expansion {
        values: &values,
        used: BTreeSet::new(),
    };
    field.apply(node, None, &mut |place, _| expansion.apply(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_what_it_knows() {
        let values = BTreeMap::from([
            ("A".to_owned(), VarValue::Text("x".to_owned())),
            ("N".to_owned(), VarValue::Int(5)),
        ]);
        let mut expansion = Expansion {
            values: &values,
            used: BTreeSet::new(),
        };
        for (text, expected) in [
            ("$(A)-$(B)-$$(A)-$A-$(A", "x-$(B)-$(A)-$A-$(A"),
            ("p$(N)", "p5"),
            ("$", "$"),
            ("a$", "a$"),
        ] {
            assert_eq!(
                expansion.expand(text),
                VarValue::Text(expected.to_owned()),
                "{text}"
            );
        }
        assert_eq!(expansion.expand("$(N)"), VarValue::Int(5));
    }

    #[test]
    fn splits_indexes_off() {
        assert_eq!(steps("spec.ports[0].port"), ["spec", "ports", "0", "port"]);
    }
}
