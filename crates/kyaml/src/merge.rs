//! Strategic merge of two trees, as kyaml's `merge2` does it.
//!
//! Mappings merge field by field, scalars and plain lists are replaced, lists with merge keys are merged
//! item by item. A null removes, `$patch` directives delete and replace. Merging also walks what the
//! patch does not touch: empty nulls (`a:`) vanish there, as upstream.
//!
//! Source: kyaml v0.21 `yaml/merge2/merge2.go`, `yaml/walk/*.go`.

mod directive;
mod list;

pub use directive::{Directive, take_directive};

use std::collections::HashSet;
use std::sync::Arc;

use crate::node::{Content, Entry, Kind, Node, Style, Tag, Text};
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
    let merger = Merger { options };
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
        self.each_field(node, |merger, entry| {
            let value = take_value(entry);
            let comment = merger.key_schema(entry, &value);
            let below = below(at, comment.as_ref(), entry.key.text());
            Ok(merger.adopt(value, below)?.field().map(|mut value| {
                value.quote_if_ambiguous();
                value
            }))
        })
    }

    fn merge_fields(&self, target: &mut Node, patch: &[&Entry], at: At<'_>) -> Result<(), Error> {
        let index = Index::new(patch);
        let mut used = vec![false; patch.len()];
        self.each_field(target, |merger, entry| {
            let other = index.find(entry.key.text());
            if let Some(found) = other {
                used[found] = true;
            }
            let other = other.map(|found| patch[found]);
            let value = take_value(entry);
            let comment = merger.key_schema(entry, &value);
            let comment = comment.or_else(|| merger.key_schema(other?, &other?.value));
            let below = below(at, comment.as_ref(), entry.key.text());
            let outcome = merger.walk(Some(value), other.map(|o| &o.value), below)?;
            let style = outcome.rest.as_ref().map(|rest| rest.style);
            let replaced = outcome.origin != Origin::Target;
            Ok(outcome.field().map(|mut value| {
                value.quote_if_ambiguous();
                if let Some(style) = style.filter(|_| replaced) {
                    value.style = style;
                }
                value
            }))
        })?;
        let mut added: Vec<&Entry> = Vec::new();
        added.extend(
            patch
                .iter()
                .zip(used)
                .filter(|(_, used)| !used)
                .map(|(entry, _)| *entry),
        );
        added.sort_by(|a, b| a.key.text().cmp(b.key.text()));
        for entry in added {
            self.add_field(target, entry, at)?;
        }
        Ok(())
    }

    fn add_field(&self, target: &mut Node, entry: &Entry, at: At<'_>) -> Result<(), Error> {
        let comment = self.key_schema(entry, &entry.value);
        let below = below(at, comment.as_ref(), entry.key.text());
        let outcome = self.walk(None, Some(&entry.value), below)?;
        let style = match outcome.origin {
            Origin::Patch => entry.key.style,
            _ => Style::PLAIN,
        };
        if let (Some(mut value), Some(entries)) = (outcome.field(), target.entries_mut()) {
            value.quote_if_ambiguous();
            let key =
                Node::scalar_of(entry.key.scalar().cloned().unwrap_or_default()).styled(style);
            entries.push(Entry { key, value });
        }
        Ok(())
    }

    /// Replaces the value of every first field of a name by what `change` makes of it; `None` removes
    /// the field.
    fn each_field(
        &self,
        node: &mut Node,
        mut change: impl FnMut(&Self, &mut Entry) -> Result<Option<Node>, Error>,
    ) -> Result<(), Error> {
        let Content::Mapping(entries) = &mut node.content else {
            return Ok(());
        };
        let first = firsts(entries);
        let mut gone = Vec::new();
        for (at, first) in first.into_iter().enumerate() {
            if !first {
                continue;
            }
            match change(self, &mut entries[at])? {
                Some(value) => entries[at].value = value,
                None => gone.push(at),
            }
        }
        if !gone.is_empty() {
            let mut gone = gone.into_iter().peekable();
            let mut at = 0;
            entries.retain(|_| {
                let here = gone.next_if_eq(&at).is_some();
                at += 1;
                !here
            });
        }
        Ok(())
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

fn take_value(entry: &mut Entry) -> Node {
    std::mem::replace(
        &mut entry.value,
        Node::raw(Content::Scalar(Text::new_static("")), Tag::Null),
    )
}

/// Marks the first of the fields of each name.
fn firsts(entries: &[Entry]) -> Vec<bool> {
    if entries.len() <= 16 {
        let first = |(at, entry): (usize, &Entry)| {
            entries[..at]
                .iter()
                .all(|e| e.key.text() != entry.key.text())
        };
        return entries.iter().enumerate().map(first).collect();
    }
    let mut seen = HashSet::with_capacity(entries.len());
    entries
        .iter()
        .map(|entry| seen.insert(entry.key.text()))
        .collect()
}

fn first_of_each(entries: &[Entry], without_directive: bool) -> Vec<&Entry> {
    let firsts = firsts(entries).into_iter().zip(entries);
    let fields = firsts.filter(|(first, _)| *first).map(|(_, entry)| entry);
    fields
        .filter(|e| !without_directive || e.key.text() != directive::KEY)
        .collect()
}

/// Positions of fields by name.
enum Index<'a> {
    Few(&'a [&'a Entry]),
    Many(std::collections::HashMap<&'a str, usize>),
}

impl<'a> Index<'a> {
    fn new(entries: &'a [&'a Entry]) -> Self {
        if entries.len() <= 16 {
            return Self::Few(entries);
        }
        Self::Many(
            entries
                .iter()
                .enumerate()
                .map(|(at, e)| (e.key.text(), at))
                .collect(),
        )
    }

    fn find(&self, name: &str) -> Option<usize> {
        match self {
            Self::Few(entries) => entries.iter().position(|e| e.key.text() == name),
            Self::Many(map) => map.get(name).copied(),
        }
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
