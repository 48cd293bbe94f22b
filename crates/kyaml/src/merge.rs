//! Strategic merge of two trees, as kyaml's `merge2` does it.
//!
//! Mappings merge field by field, scalars and plain lists are replaced, lists with merge keys are merged
//! item by item. A null removes, `$patch` directives delete and replace. Merging also walks what the
//! patch does not touch: empty nulls (`a:`) vanish there, as upstream.
//!
//! Source: kyaml v0.21 `yaml/merge2/merge2.go`, `yaml/walk/*.go`.

mod directive;
mod fields;
mod list;
mod untouched;

pub use directive::{Directive, take_directive};

use std::cell::Cell;
use std::collections::HashSet;
use std::sync::Arc;

use self::fields::{Index, Side, first_of_each, remove_all, sorted_firsts, take_value};
use crate::node::{Content, Entry, Kind, Node, Style, Text};
use crate::schema::{CommentSchema, Schema, SchemaRef};
use crate::{Error, Limits};

/// Where new list items go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListOrder {
    /// Behind the items that are there.
    Append,
    /// The patch's order comes first, as in kustomize.
    #[default]
    Prepend,
}

/// How to merge.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which lists are merged by which keys.
    pub schema: Arc<Schema>,
    /// Where new list items go.
    pub order: ListOrder,
    /// Merge lists without a schema by `name`, if all their items have one.
    pub infer: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            schema: Schema::builtin(),
            order: ListOrder::Prepend,
            infer: false,
        }
    }
}

/// Merges a patch into a tree. `None` means that the patch deletes it.
///
/// # Errors
/// [`Error::WrongKind`] if the two have different kinds somewhere, [`Error::Merge`] for an unknown
/// directive.
pub fn merge(patch: &Node, target: Node, options: &Options) -> Result<Option<Node>, Error> {
    let merger = Merger {
        options,
        unsettled: Cell::new(0),
    };
    let outcome = merger.walk(
        Some(target),
        Some(patch),
        At {
            schema: None,
            depth: 0,
        },
    )?;
    Ok(outcome.node)
}

/// Which side a result is: decides whose style it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// The target, changed in place.
    Target,
    /// The patch's node.
    Patch,
    /// Neither.
    Made,
}

/// What walking two nodes gives.
struct Outcome {
    /// The result; `None` to remove the place.
    node: Option<Node>,
    origin: Origin,
    /// A null that was there before and stays.
    keep: bool,
    /// The target, if it is not the result.
    rest: Option<Node>,
}

impl Outcome {
    fn of(node: Option<Node>, origin: Origin, rest: Option<Node>) -> Self {
        Self {
            node,
            origin,
            keep: false,
            rest,
        }
    }

    fn target(node: Node) -> Self {
        Self::of(Some(node), Origin::Target, None)
    }

    fn removed(rest: Option<Node>) -> Self {
        Self::of(None, Origin::Made, rest)
    }

    /// The result as a field's value; `None` if the field has to go.
    fn field(self) -> Option<Node> {
        let keep = self.keep;
        self.node.filter(|node| keep || !node.is_null())
    }
}

/// Schema and depth of a place.
#[derive(Clone, Copy)]
struct At<'s> {
    schema: Option<SchemaRef<'s>>,
    depth: usize,
}

struct Merger<'a> {
    options: &'a Options,
    /// How often [`Merger::settle`] looked in vain.
    unsettled: Cell<usize>,
}

fn missing(node: Option<&Node>) -> bool {
    node.is_none_or(Node::is_null)
}

impl Merger<'_> {
    fn walk(
        &self,
        target: Option<Node>,
        patch: Option<&Node>,
        at: At<'_>,
    ) -> Result<Outcome, Error> {
        if at.depth > Limits::DEPTH {
            return Err(Error::too_deep());
        }
        let nodes = [target.as_ref(), patch];
        let comment = nodes
            .iter()
            .flatten()
            .find_map(|node| self.comment_schema(node));
        let schema = match &comment {
            Some(comment) => Some(comment.root()),
            None => at.schema.or_else(|| {
                nodes
                    .into_iter()
                    .flatten()
                    .find_map(|node| self.type_schema(node))
            }),
        };
        let at = At {
            schema,
            depth: at.depth,
        };
        let Some(kind) = nodes
            .into_iter()
            .flatten()
            .find(|n| !n.is_null())
            .map(Node::kind)
        else {
            return self.mapping(target, patch, at);
        };
        nodes
            .into_iter()
            .flatten()
            .try_for_each(|node| node.expect_kind(kind))?;
        match kind {
            Kind::Mapping => self.mapping(target, patch, at),
            Kind::Sequence if self.merges_items(&nodes, schema) => self.list(target, patch, at),
            Kind::Sequence | Kind::Scalar => Ok(replace(target, patch)),
            Kind::Alias => Ok(Outcome::removed(target)),
        }
    }

    /// As [`Merger::walk`] with the same node on both sides: what a patch adds is merged with itself,
    /// which drops nulls and obeys directives inside it.
    fn adopt(&self, mut node: Node, at: At<'_>) -> Result<Outcome, Error> {
        if at.depth > Limits::DEPTH {
            return Err(Error::too_deep());
        }
        let comment = self.comment_schema(&node);
        let schema = match &comment {
            Some(comment) => Some(comment.root()),
            None => at.schema.or_else(|| self.type_schema(&node)),
        };
        let at = At {
            schema,
            depth: at.depth,
        };
        if node.is_null() || node.is_scalar() {
            return Ok(Outcome::of(Some(node), Origin::Patch, None));
        }
        match node.kind() {
            Kind::Mapping => {
                if directive::take_directive(&mut node)? == Directive::Delete {
                    return Ok(Outcome::removed(Some(node)));
                }
                self.adopt_fields(&mut node, at)?;
                Ok(Outcome::of(Some(node), Origin::Patch, None))
            }
            Kind::Sequence if self.merges_items(&[Some(&node)], schema) => {
                self.adopt_list(node, at)
            }
            _ => Ok(Outcome::of(Some(node), Origin::Patch, None)),
        }
    }

    fn comment_schema(&self, node: &Node) -> Option<CommentSchema> {
        if node.extra.is_none() || node.is_null() {
            return None;
        }
        let comments = node.comments();
        CommentSchema::read([&comments.line, &comments.head], &self.options.schema)
    }

    fn type_schema(&self, node: &Node) -> Option<SchemaRef<'_>> {
        if !node.is_mapping() || node.is_null() {
            return None;
        }
        let text = |key: &str| {
            node.get(key)
                .filter(|f| !f.is_null_or_empty())
                .map(Node::text)
        };
        let (version, kind) = (text("apiVersion")?, text("kind")?);
        self.options.schema.resource(version, kind)
    }

    fn merges_items(&self, nodes: &[Option<&Node>], schema: Option<SchemaRef<'_>>) -> bool {
        match schema {
            Some(schema) => schema.merges(),
            None if !self.options.infer => false,
            None => nodes
                .iter()
                .flatten()
                .any(|node| !node.is_null() && list::has_names(node)),
        }
    }

    fn mapping(
        &self,
        target: Option<Node>,
        patch: Option<&Node>,
        at: At<'_>,
    ) -> Result<Outcome, Error> {
        let target = dressed(target, patch);
        let Some(mut target) = target.filter(|node| !node.is_null() || patch.is_none()) else {
            let Some(patch) = patch else {
                return Ok(Outcome::removed(None));
            };
            let mut added = patch.clone();
            if matches!(directive::take_directive(&mut added), Ok(Directive::Delete)) {
                return Ok(Outcome::removed(None));
            }
            if !added.is_null() {
                self.adopt_fields(&mut added, at)?;
            }
            return Ok(Outcome::of(Some(added), Origin::Patch, None));
        };
        if target.is_null() {
            // Untouched: an explicit null stays, an empty one goes.
            let keep = !target.text().is_empty();
            return Ok(Outcome {
                keep,
                ..Outcome::of(Some(target), Origin::Made, None)
            });
        }
        if patch.is_some_and(Node::is_null) {
            return Ok(Outcome::removed(Some(target)));
        }
        match patch.map_or(Ok(None), directive::of_mapping)? {
            Some(Directive::Delete) => Ok(Outcome::removed(Some(target))),
            Some(Directive::Replace) => {
                let mut added = patch.cloned().unwrap_or_else(Node::mapping);
                directive::take_directive(&mut added)?;
                self.adopt_fields(&mut added, at)?;
                Ok(Outcome::of(Some(added), Origin::Patch, Some(target)))
            }
            directive => {
                let fields = patch.map_or(&[][..], Node::entries);
                let fields = first_of_each(fields, directive.is_some());
                self.merge_fields(&mut target, &fields, at)?;
                Ok(Outcome::target(target))
            }
        }
    }

    fn adopt_fields(&self, node: &mut Node, at: At<'_>) -> Result<(), Error> {
        let Content::Mapping(entries) = &mut node.content else {
            return Ok(());
        };
        let mut gone = Vec::new();
        for (_, side) in sorted_firsts(entries) {
            let Side::Target(place) = side else { continue };
            let entry = &mut entries[place];
            let value = take_value(entry);
            let comment = self.key_schema(entry, &value);
            let below = below(at, comment.as_ref(), entry.key.text());
            match self.adopt(value, below)?.field() {
                Some(mut value) => {
                    value.quote_if_ambiguous();
                    entry.value = value;
                }
                None => gone.push(place),
            }
        }
        remove_all(entries, gone);
        Ok(())
    }

    /// Merges field by field in the order of names, so that of several errors the first is upstream's.
    fn merge_fields(&self, target: &mut Node, patch: &[&Entry], at: At<'_>) -> Result<(), Error> {
        let Content::Mapping(entries) = &mut target.content else {
            return Ok(());
        };
        let mut order: Vec<(Text, Side)> = sorted_firsts(entries);
        let index = Index::new(patch);
        let known: HashSet<usize> = order
            .iter()
            .filter_map(|(name, _)| index.find(name))
            .collect();
        let new = (0..patch.len()).filter(|at| !known.contains(at));
        order.extend(new.map(|at| (patch[at].key.text().into(), Side::Patch(at))));
        order.sort_by(|a, b| a.0.cmp(&b.0));
        let mut gone = Vec::new();
        for (name, side) in order {
            match side {
                Side::Patch(from) => entries.extend(self.added_field(patch[from], at)?),
                Side::Target(place) => {
                    let other = index.find(&name).map(|found| patch[found]);
                    match self.merged_field(&mut entries[place], other, at)? {
                        Some(value) => entries[place].value = value,
                        None => gone.push(place),
                    }
                }
            }
        }
        remove_all(entries, gone);
        Ok(())
    }

    fn merged_field(
        &self,
        entry: &mut Entry,
        other: Option<&Entry>,
        at: At<'_>,
    ) -> Result<Option<Node>, Error> {
        let value = take_value(entry);
        let comment = self.key_schema(entry, &value);
        let comment = comment.or_else(|| self.key_schema(other?, &other?.value));
        let below = below(at, comment.as_ref(), entry.key.text());
        let mut value = value;
        if other.is_none() && comment.is_none() && self.settle(&mut value, below) {
            value.quote_if_ambiguous();
            return Ok(Some(value));
        }
        let outcome = self.walk(Some(value), other.map(|o| &o.value), below)?;
        let style = outcome.rest.as_ref().map(|rest| rest.style);
        let replaced = outcome.origin != Origin::Target;
        Ok(outcome.field().map(|mut value| {
            value.quote_if_ambiguous();
            if let Some(style) = style.filter(|_| replaced) {
                value.style = style;
            }
            value
        }))
    }

    /// A field that only the patch has, if anything of it remains.
    fn added_field(&self, entry: &Entry, at: At<'_>) -> Result<Option<Entry>, Error> {
        let comment = self.key_schema(entry, &entry.value);
        let below = below(at, comment.as_ref(), entry.key.text());
        let outcome = self.walk(None, Some(&entry.value), below)?;
        let style = match outcome.origin {
            Origin::Patch => entry.key.style,
            _ => Style::PLAIN,
        };
        Ok(outcome.field().map(|mut value| {
            value.quote_if_ambiguous();
            let name = entry.key.scalar().cloned().unwrap_or_default();
            let key = Node::scalar_of(name).styled(style);
            Entry { key, value }
        }))
    }

    /// The schema in a comment of a field: at its value, else at its key.
    fn key_schema(&self, entry: &Entry, value: &Node) -> Option<CommentSchema> {
        if entry.key.extra.is_none() && value.extra.is_none() {
            return None;
        }
        self.comment_schema(value)
            .or_else(|| self.comment_schema(&entry.key))
    }
}

fn below<'s>(at: At<'s>, comment: Option<&'s CommentSchema>, name: &str) -> At<'s> {
    let schema = match comment {
        Some(comment) => Some(comment.root()),
        None => at.schema.and_then(|schema| schema.field(name)),
    };
    At {
        schema,
        depth: at.depth + 1,
    }
}

/// A target that took over the patch's comments and, if it is an empty collection, its style.
fn dressed(mut target: Option<Node>, patch: Option<&Node>) -> Option<Node> {
    if let (Some(target), Some(patch)) = (&mut target, patch) {
        if patch.extra.is_some() {
            let new = patch.comments();
            for (from, to) in [(&new.head, 0), (&new.line, 1), (&new.foot, 2)] {
                if !from.is_empty() {
                    let comments = target.comments_mut();
                    *[&mut comments.head, &mut comments.line, &mut comments.foot][to] =
                        from.clone();
                }
            }
        }
        if !target.is_scalar() && target.is_null_or_empty() {
            target.style = patch.style;
        }
    }
    target
}

/// The patch's node if there is one, else the target: scalars and lists that are not merged.
fn replace(target: Option<Node>, patch: Option<&Node>) -> Outcome {
    let target = dressed(target, patch);
    match patch {
        Some(patch) => Outcome::of(Some(patch.clone()), Origin::Patch, target),
        None => Outcome::of(target, Origin::Target, None),
    }
}
