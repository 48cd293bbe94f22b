//! `$patch` directives.
//!
//! Source: kyaml v0.21 `yaml/merge2/smpdirective.go`.

use crate::Error;
use crate::node::{Content, Kind, Node};

pub(super) const KEY: &str = "$patch";

/// What a patch node asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directive {
    /// Merge: the default.
    Merge,
    /// Put the patch in place of what is there.
    Replace,
    /// Remove what is there.
    Delete,
}

impl Directive {
    /// The word behind `$patch:`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Replace => "replace",
            Self::Delete => "delete",
        }
    }

    fn parse(word: &str) -> Result<Self, Error> {
        let all = [Self::Merge, Self::Replace, Self::Delete];
        let found = all.into_iter().find(|directive| directive.as_str() == word);
        found.ok_or_else(|| Error::Merge(format!("unknown patch strategy '{word}'")))
    }
}

/// Returns the directive of a mapping or sequence and removes it from the node. A sequence carries it in
/// an item of its own.
///
/// # Errors
/// [`Error::Merge`] if the word is unknown or the node is a scalar.
pub fn take_directive(node: &mut Node) -> Result<Directive, Error> {
    match node.kind() {
        Kind::Mapping => {
            let directive = of_mapping(node)?;
            if directive.is_some() {
                node.remove(KEY);
            }
            Ok(directive.unwrap_or(Directive::Merge))
        }
        Kind::Sequence => {
            let directive = of_sequence(node)?;
            if let (Some(directive), Some(items)) = (directive, node.items_mut()) {
                items.retain(|item| !is_dropped(item, directive));
            }
            Ok(directive.unwrap_or(Directive::Merge))
        }
        _ => {
            let tag = node.tag_text();
            let printed = node.to_styled().unwrap_or_default();
            let text =
                format!("no implemented strategic merge patch strategy for '{tag}' ('{printed}')");
            Err(Error::Merge(text))
        }
    }
}

/// The directive of a mapping, if it has one.
pub(super) fn of_mapping(node: &Node) -> Result<Option<Directive>, Error> {
    node.get(KEY)
        .map(|word| Directive::parse(word.text()))
        .transpose()
}

/// The directive of a sequence, if it has one.
pub(super) fn of_sequence(node: &Node) -> Result<Option<Directive>, Error> {
    let item = node.items().iter().find(|item| item.get(KEY).is_some());
    match item.filter(|item| item.entries().len() == 1) {
        Some(item) => of_mapping(item),
        None => Ok(None),
    }
}

/// A copy without the directives that merging it took out: its own, and if it does not delete, those of
/// everything below.
pub(super) fn without(node: &Node) -> Node {
    let mut bare = node.clone();
    let mut stack = vec![&mut bare];
    while let Some(node) = stack.pop() {
        if !node.is_mapping() && !node.is_sequence() {
            continue;
        }
        if matches!(take_directive(node), Ok(Directive::Delete)) {
            continue;
        }
        match node.content_mut() {
            Content::Mapping(entries) => stack.extend(entries.iter_mut().map(|e| &mut e.value)),
            Content::Sequence(items) => stack.extend(items.iter_mut()),
            _ => {}
        }
    }
    bare
}

/// Taking the directive out also drops empty items, and others with the same directive.
fn is_dropped(item: &Node, directive: Directive) -> bool {
    item.is_null()
        || item.is_mapping()
            && (item.entries().is_empty()
                || item
                    .get(KEY)
                    .is_some_and(|word| word.text() == directive.as_str()))
}
