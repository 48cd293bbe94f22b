//! A document as one flat list of nodes, each collection followed by what it holds.

use std::collections::HashMap;

use crate::events::{Event, EventKind, Parser};
use crate::node::{Style, Tag, Text};
use crate::resolve::Rules;
use crate::{Error, Limits};

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A scalar.
    Scalar,
    /// A list; its items follow up to `end`.
    List,
    /// A map; its keys and values follow in turn up to `end`.
    Map,
    /// An alias of the node at `end`.
    Alias,
}

/// A node.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// The text of a scalar, or the name of an alias.
    pub(super) text: Text,
    /// An explicit tag.
    pub(super) tag: Option<Tag>,
    /// Whether a scalar without a tag gets its type from its looks.
    pub(super) implicit: bool,
    /// The place behind the node and what it holds; of an alias, its target.
    pub(super) end: usize,
}

/// The nodes of a document; the first one is its root.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
}

impl Tree {
    /// Reads the first document; `None` if there is none.
    pub(super) fn read(text: &str, limits: &Limits) -> Result<Option<Self>, Error> {
        let mut parser = Parser::new(text, limits.depth, Rules::V2)?;
        if parser.next_event()?.kind == EventKind::StreamEnd {
            return Ok(None);
        }
        let mut tree = Self { nodes: Vec::new() };
        let mut anchors: HashMap<Text, usize> = HashMap::new();
        let mut open: Vec<usize> = Vec::new();
        loop {
            let event = parser.next_event()?;
            match event.kind {
                EventKind::SequenceEnd | EventKind::MappingEnd => {
                    let end = tree.nodes.len();
                    if let Some(node) = open.pop().and_then(|at| tree.nodes.get_mut(at)) {
                        node.end = end;
                    }
                }
                kind => {
                    if tree.nodes.len() >= limits.nodes {
                        return Err(Error::Limit("document has too many nodes".into()));
                    }
                    let opens = matches!(kind, EventKind::SequenceStart | EventKind::MappingStart);
                    if opens {
                        open.push(tree.nodes.len());
                    }
                    tree.add(event, &mut anchors)?;
                }
            }
            if open.is_empty() {
                break;
            }
        }
        // The end has to be one, too.
        parser.next_event()?;
        Ok(Some(tree))
    }

    fn add(&mut self, event: Event, anchors: &mut HashMap<Text, usize>) -> Result<(), Error> {
        let at = self.nodes.len();
        let kind = match event.kind {
            EventKind::SequenceStart => Kind::List,
            EventKind::MappingStart => Kind::Map,
            EventKind::Alias => Kind::Alias,
            _ => Kind::Scalar,
        };
        let mut end = at + 1;
        if kind == Kind::Alias {
            end = *anchors.get(&event.text).ok_or_else(|| {
                Error::Invalid(format!("unknown anchor '{}' referenced", event.text))
            })?;
        }
        if let Some(anchor) = event.anchor {
            anchors.insert(anchor, at);
        }
        let unspecific = event.tag.as_ref().is_some_and(|tag| tag == "!");
        let tag = event.tag.filter(|tag| !tag.is_empty());
        self.nodes.push(Node {
            kind,
            text: event.text,
            implicit: unspecific || tag.is_none() && event.style == Style::PLAIN,
            tag: tag.map(|tag| Tag::from_long(&tag)),
            end,
        });
        Ok(())
    }
}
