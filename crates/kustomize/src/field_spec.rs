//! Where transformers write: a field path within objects of some kinds, and the walk along it.

use kyaml::{Content, Entries, Items, Kind, Node, Tag, Text};

use crate::error::{Context as _, Error, bail};
use crate::id::{Gvk, ResId, split_api_version};
use crate::kustomization::FieldSpecArgs;
use crate::resource::Step;

/// A field of objects of some kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldSpec {
    /// The kinds; empty parts fit all.
    pub(crate) gvk: Gvk,
    /// The field, with slashes between its steps.
    pub(crate) path: String,
    /// Whether missing steps are made.
    pub(crate) create: bool,
    steps: Vec<String>,
}

/// What a walk makes of a missing last step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Create {
    /// Its kind.
    pub(crate) kind: Kind,
    /// The tag that an existing null gets.
    pub(crate) tag: Tag,
}

impl Create {
    /// A mapping.
    pub(crate) const MAPPING: Option<Self> = Some(Self {
        kind: Kind::Mapping,
        tag: Tag::Map,
    });
    /// A string.
    pub(crate) const STRING: Option<Self> = Some(Self {
        kind: Kind::Scalar,
        tag: Tag::Str,
    });
    /// A whole number.
    pub(crate) const INTEGER: Option<Self> = Some(Self {
        kind: Kind::Scalar,
        tag: Tag::Int,
    });
    /// A scalar of any type.
    pub(crate) const SCALAR: Option<Self> = Some(Self {
        kind: Kind::Scalar,
        tag: Tag::Unset,
    });
}

/// Writes to what a walk has found; gets the path that led there.
pub(crate) type Set<'a> = dyn FnMut(&mut Node, &Trail<'_>) -> Result<(), Error> + 'a;

/// How a walk got where it is, from its end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trail<'a> {
    Root,
    Key(&'a Self, &'a str),
    Index(&'a Self, usize),
}

impl Trail<'_> {
    /// The steps from the root.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut at = *self;
        loop {
            at = match at {
                Trail::Root => break,
                Trail::Key(above, name) => {
                    steps.push(Step::Key(name.into()));
                    *above
                }
                Trail::Index(above, place) => {
                    steps.push(Step::Index(place));
                    *above
                }
            };
        }
        steps.reverse();
        steps
    }
}

impl From<FieldSpecArgs> for FieldSpec {
    fn from(args: FieldSpecArgs) -> Self {
        Self::new(args.gvk, args.path, args.create)
    }
}

impl FieldSpec {
    /// A field of objects of some kinds.
    pub(crate) fn new(gvk: Gvk, path: impl Into<String>, create: bool) -> Self {
        let path = path.into();
        let steps = kyaml::split_path(&path, '/');
        Self {
            gvk,
            path,
            create,
            steps,
        }
    }

    /// A field of all kinds.
    pub(crate) fn of_all(path: &str, create: bool) -> Self {
        Self::new(Gvk::default(), path, create)
    }

    /// Whether the field is, or holds, that of all annotations.
    pub(crate) fn holds_annotations(&self) -> bool {
        holds_annotations(&self.steps)
    }

    /// Whether the field is one of this object's kind.
    pub(crate) fn fits(&self, object: &Node) -> bool {
        self.fits_type(object.object_kind(), object.api_version())
    }

    fn fits_type(&self, kind: &str, api_version: &str) -> bool {
        if !self.gvk.kind.is_empty() && self.gvk.kind != kind {
            return false;
        }
        if self.gvk.group.is_empty() && self.gvk.version.is_empty() {
            return true;
        }
        let (group, version) = split_api_version(api_version);
        (self.gvk.group.is_empty() || self.gvk.group == group)
            && (self.gvk.version.is_empty() || self.gvk.version == version)
    }

    /// Calls `set` for every place in the object that the path leads to.
    ///
    /// # Errors
    /// The path leads through a scalar, or `set` fails.
    pub(crate) fn apply(
        &self,
        object: &mut Node,
        create: Option<Create>,
        set: &mut Set<'_>,
    ) -> Result<(), Error> {
        if !self.fits(object) {
            return Ok(());
        }
        self.apply_to_any(object, create, set)
    }

    /// As [`FieldSpec::apply`], whatever the object's kind.
    ///
    /// # Errors
    /// As [`FieldSpec::apply`].
    pub(crate) fn apply_to_any(
        &self,
        object: &mut Node,
        create: Option<Create>,
        set: &mut Set<'_>,
    ) -> Result<(), Error> {
        let mut walk = Walk {
            create: create.filter(|_| self.create),
            set,
        };
        let result = walk.step(object, &self.steps, &Trail::Root);
        result.within(|| {
            let id = ResId {
                gvk: Gvk::of(object.api_version(), object.object_kind()),
                name: object.name().to_owned(),
                namespace: object.namespace().to_owned(),
                cluster_scoped: false,
            };
            format!("considering field '{}' of object {id}", self.path)
        })
    }
}

/// Whether a path leads to all annotations, or to what they are in.
pub(crate) fn holds_annotations(steps: &[String]) -> bool {
    let name = |at: usize| steps.get(at).map(|step| step.trim_end_matches("[]"));
    name(0) == Some("metadata") && matches!(name(1), None | Some("annotations"))
}

/// Applies several specs one after the other.
///
/// # Errors
/// As [`FieldSpec::apply`].
pub(crate) fn apply_all<'a>(
    specs: impl IntoIterator<Item = &'a FieldSpec>,
    object: &mut Node,
    create: Option<Create>,
    set: &mut Set<'_>,
) -> Result<(), Error> {
    let text = |object: &Node| {
        (
            Text::from(object.object_kind()),
            Text::from(object.api_version()),
        )
    };
    let (mut kind, mut api_version) = text(object);
    for spec in specs {
        if spec.fits_type(&kind, &api_version) {
            spec.apply_to_any(object, create, set)?;
            // A field may be one of these.
            if !spec.path.starts_with("spec/") && !spec.path.starts_with("metadata/") {
                (kind, api_version) = text(object);
            }
        }
    }
    Ok(())
}

struct Walk<'a, 'b> {
    create: Option<Create>,
    set: &'a mut Set<'b>,
}

impl Walk<'_, '_> {
    fn step(&mut self, node: &mut Node, path: &[String], trail: &Trail<'_>) -> Result<(), Error> {
        if path.is_empty() {
            return (self.set)(node, trail);
        }
        if node.is_null() {
            return Ok(());
        }
        match node.content_mut() {
            Content::Sequence(items) => self.items(items, path, trail),
            Content::Mapping(_) => self.field(node, path, trail),
            _ => bail!("expected sequence or mapping node"),
        }
    }

    fn items(
        &mut self,
        items: &mut Items,
        path: &[String],
        trail: &Trail<'_>,
    ) -> Result<(), Error> {
        for (at, item) in items.iter_mut().enumerate() {
            let result = self.step(item, path, &Trail::Index(trail, at));
            result.within(|| format!("visit traversal on path: {}", crate::go_text::list(path)))?;
        }
        Ok(())
    }

    fn field(&mut self, node: &mut Node, path: &[String], trail: &Trail<'_>) -> Result<(), Error> {
        let (first, rest) = path.split_first().expect("a path with steps");
        let name = first.strip_suffix("[]").unwrap_or(first);
        let is_list = name.len() != first.len();
        if name.is_empty() {
            bail!("cannot set or create an empty field name");
        }
        let make = match self.create {
            _ if is_list => None,
            None => None,
            Some(create) if rest.is_empty() => Some(create),
            Some(_) => Create::MAPPING,
        };
        let found = match make {
            None if is_plain(name) => Ok(node.get_mut(name)),
            None => node.lookup_mut(&[name]),
            Some(_) if is_plain(name) && node.get(name).is_some() => Ok(node.get_mut(name)),
            Some(create) => node.lookup_create(&[name], create.kind),
        };
        let Some(field) = found.within(|| format!("fieldName: {name}"))? else {
            return Ok(());
        };
        let becomes = if is_list {
            Some((Kind::Sequence, Tag::Unset))
        } else {
            make.map(|create| (create.kind, create.tag))
        };
        if let Some((kind, tag)) = becomes.filter(|_| field.is_null()) {
            revive(field, kind, tag);
        }
        self.step(field, rest, &Trail::Key(trail, name.trim()))
    }
}

/// Whether a step can only be a field's name: no index, no wildcard, no `[a=b]`.
fn is_plain(step: &str) -> bool {
    step.starts_with(|c: char| c.is_ascii_alphabetic()) && !step.ends_with(' ')
}

/// Makes something of an explicit null.
fn revive(node: &mut Node, kind: Kind, tag: Tag) {
    match kind {
        Kind::Mapping => node.set_content(Content::Mapping(Entries::new())),
        Kind::Sequence => node.set_content(Content::Sequence(Items::new())),
        Kind::Scalar | Kind::Alias => {}
    }
    node.set_tag(tag);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(path: &str, text: &str) -> Result<String, String> {
        let mut object = kyaml::parse(text).expect("parses").expect("is there").root;
        FieldSpec::of_all(path, true)
            .apply(&mut object, Create::STRING, &mut |node, _| {
                Ok(node.set_scalar(Node::string("v"))?)
            })
            .map_err(|error| error.to_string())?;
        Ok(object.to_json().expect("is JSON").to_string())
    }

    #[test]
    fn makes_missing_steps_but_no_lists() {
        assert_eq!(
            applied("a/b", "x: 1").as_deref(),
            Ok(r#"{"a":{"b":"v"},"x":1}"#)
        );
        assert_eq!(applied("a[]/b", "x: 1").as_deref(), Ok(r#"{"x":1}"#));
    }

    #[test]
    fn goes_through_lists_unasked() {
        assert_eq!(
            applied("a/b", "a: [{b: 1}, {c: 1}]").as_deref(),
            Ok(r#"{"a":[{"b":"v"},{"b":"v","c":1}]}"#)
        );
    }

    #[test]
    fn names_the_object_that_does_not_fit() {
        assert_eq!(
            applied("a/b", "kind: K\na: text\n"),
            Err("considering field 'a/b' of object K.[noVer].[noGrp]/[noName].[noNs]: expected sequence or mapping node".to_owned())
        );
    }
}
