//! Expansion of aliases and merge keys.
//!
//! Source: kyaml v0.21 `yaml/rnode.go` `DeAnchor`.

use std::collections::BTreeMap;

use crate::node::{Content, Entry, Node, Tag, Text};
use crate::{Error, Limits};

impl Node {
    /// Replaces every alias by a copy of what it stands for, applies `<<` keys and drops anchors.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an unknown anchor, one that contains itself, or a merge of something
    /// but mappings; [`Error::Limit`] if the copies exceed the limits.
    pub fn expand_aliases(&mut self, limits: &Limits) -> Result<(), Error> {
        if !self.needs_expansion() {
            return Ok(());
        }
        self.expand(limits, Merging::Kyaml)
    }

    /// As [`Node::expand_aliases`], with `<<` keys as yaml.v3 decodes them: quoted ones are strings.
    pub(crate) fn expand_for_decoding(&mut self, limits: &Limits) -> Result<(), Error> {
        self.expand(limits, Merging::Decoding)
            .map_err(|err| match err {
                Error::Merge(problem) => Error::Invalid(problem),
                other => other,
            })
    }

    fn expand(&mut self, limits: &Limits, merging: Merging) -> Result<(), Error> {
        let mut expansion = Expansion {
            anchors: BTreeMap::new(),
            budget: limits.nodes,
            depth: limits.depth,
            opened: 0,
            merging,
        };
        expansion.node(self, 0)
    }

    /// Replaces aliases as [`Node::expand_aliases`], but leaves `<<` keys to the caller.
    pub(crate) fn replace_aliases(&mut self, limits: &Limits) -> Result<(), Error> {
        self.expand(limits, Merging::Leave)
    }

    /// Whether anything below is an alias.
    pub(crate) fn has_aliases(&self) -> bool {
        let mut stack = vec![self];
        while let Some(node) = stack.pop() {
            match &node.content {
                Content::Alias(_) => return true,
                Content::Scalar(_) => {}
                Content::Sequence(items) => stack.extend(items.iter()),
                Content::Mapping(entries) => {
                    stack.extend(entries.iter().flat_map(|e| [&e.key, &e.value]));
                }
            }
        }
        false
    }

    /// Whether anything below has an anchor, an alias or a merge key.
    pub(crate) fn uses_anchors(&self) -> bool {
        let mut stack = vec![self];
        while let Some(node) = stack.pop() {
            if node.anchor().is_some() || matches!(node.content, Content::Alias(_)) {
                return true;
            }
            stack.extend(node.items());
            for entry in node.entries() {
                if entry.key.tag == Tag::Merge || entry.key.anchor().is_some() {
                    return true;
                }
                stack.push(&entry.value);
                if !entry.key.is_scalar() {
                    stack.push(&entry.key);
                }
            }
        }
        false
    }

    fn needs_expansion(&self) -> bool {
        let mut stack = vec![self];
        while let Some(node) = stack.pop() {
            if node.anchor().is_some() {
                return true;
            }
            match &node.content {
                Content::Alias(_) => return true,
                Content::Scalar(_) => {}
                Content::Sequence(items) => stack.extend(items.iter()),
                Content::Mapping(entries) => {
                    for entry in entries.iter() {
                        if entry.key.text() == "<<"
                            || entry.key.anchor().is_some()
                            || is_doubled(entry)
                        {
                            return true;
                        }
                        stack.push(&entry.value);
                        if !entry.key.is_scalar() {
                            stack.push(&entry.key);
                        }
                    }
                }
            }
        }
        false
    }

    /// How many nodes there are, this one included.
    #[must_use]
    pub fn count(&self) -> usize {
        let mut stack = vec![self];
        let mut count = 0;
        while let Some(node) = stack.pop() {
            count += 1;
            match &node.content {
                Content::Sequence(items) => stack.extend(items.iter()),
                Content::Mapping(entries) => {
                    stack.extend(entries.iter().flat_map(|e| [&e.key, &e.value]));
                }
                _ => {}
            }
        }
        count
    }
}

/// Upstream copies fields by their key's value, which a null key has none of: it gets a second entry, and
/// with it the error about duplicate keys that users see.
fn is_doubled(entry: &Entry) -> bool {
    entry.key.is_null() && !entry.key.text().is_empty()
}

/// What an anchor stands for.
enum Anchor {
    /// The node of this number is still being expanded: an alias here would contain itself.
    Open(usize),
    Done {
        node: Node,
        count: usize,
        height: usize,
    },
}

/// What becomes of `<<` keys.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Merging {
    Leave,
    /// As kyaml does: quoted ones vanish, null keys are doubled.
    Kyaml,
    /// As yaml.v3 decodes: only those that are merge keys count.
    Decoding,
}

struct Expansion {
    anchors: BTreeMap<Text, Anchor>,
    budget: usize,
    depth: usize,
    /// How many anchors have been opened.
    opened: usize,
    merging: Merging,
}

fn invalid(text: impl Into<String>) -> Error {
    Error::Merge(text.into())
}

impl Expansion {
    fn node(&mut self, node: &mut Node, depth: usize) -> Result<(), Error> {
        if depth > self.depth {
            return Err(Error::too_deep());
        }
        let anchor = node.anchor().map(Text::from);
        if let Some(name) = &anchor {
            node.set_anchor(None);
            self.opened += 1;
            self.anchors.insert(name.clone(), Anchor::Open(self.opened));
        }
        let number = self.opened;
        match &mut node.content {
            Content::Scalar(_) => {}
            Content::Alias(name) => {
                let name = name.clone();
                *node = self.resolve(&name, depth)?;
            }
            Content::Sequence(items) => {
                for item in items.iter_mut() {
                    self.node(item, depth + 1)?;
                }
            }
            Content::Mapping(entries) => {
                if let (Merging::Kyaml, Some(_)) = (self.merging, &anchor) {
                    self.skip_own_merge(entries, number);
                }
                for entry in entries.iter_mut() {
                    let merges = self.merging != Merging::Leave && entry.key.tag == Tag::Merge;
                    let aliased = if merges {
                        aliased(&entry.value)
                    } else {
                        Vec::new()
                    };
                    let listed = entry.value.is_sequence();
                    self.node(&mut entry.key, depth + 1)?;
                    self.node(&mut entry.value, depth + 1)?;
                    if merges {
                        expect_mappings(&entry.value, &aliased, listed)?;
                    }
                }
                match self.merging {
                    Merging::Leave => {}
                    Merging::Decoding => {
                        if entries.iter().any(|e| e.key.tag == Tag::Merge) {
                            merge_keys(entries)?;
                        }
                    }
                    Merging::Kyaml => {
                        merge_keys(entries)?;
                        let doubled: Vec<Entry> =
                            entries.iter().filter(|e| is_doubled(e)).cloned().collect();
                        entries.extend(doubled);
                    }
                }
            }
        }
        let current =
            |name: &Text| matches!(self.anchors.get(name), Some(Anchor::Open(n)) if *n == number);
        // An anchor of the same name further in is the later one, and holds.
        if let Some(name) = anchor.filter(current) {
            let count = node.count();
            self.spend(count)?;
            let done = Anchor::Done {
                count,
                height: height(node),
                node: node.clone(),
            };
            self.anchors.insert(name, done);
        }
        Ok(())
    }

    /// A mapping merged into itself stays as it is: upstream takes the `<<` key away before it merges.
    fn skip_own_merge(&self, entries: &mut [Entry], number: usize) {
        let own = |node: &Node| match &node.content {
            Content::Alias(name) => {
                matches!(self.anchors.get(name), Some(Anchor::Open(n)) if *n == number)
            }
            _ => false,
        };
        for entry in entries.iter_mut().filter(|e| e.key.tag == Tag::Merge) {
            if own(&entry.value) {
                entry.value = Node::mapping_of::<&str>([]);
            } else if let Content::Sequence(items) = &mut entry.value.content {
                let own = items.iter_mut().filter(|item| own(item));
                own.for_each(|item| *item = Node::mapping_of::<&str>([]));
            }
        }
    }

    fn spend(&mut self, count: usize) -> Result<(), Error> {
        match self.budget.checked_sub(count) {
            Some(left) => self.budget = left,
            None => return Err(Error::Limit("document contains excessive aliasing".into())),
        }
        Ok(())
    }

    fn resolve(&mut self, name: &Text, depth: usize) -> Result<Node, Error> {
        match self.anchors.get(name) {
            None => Err(Error::Invalid(format!(
                "unknown anchor '{name}' referenced"
            ))),
            Some(Anchor::Open(_)) => Err(Error::Invalid(format!(
                "anchor '{name}' value contains itself"
            ))),
            Some(Anchor::Done {
                node,
                count,
                height,
            }) => {
                if depth + height > self.depth {
                    return Err(Error::too_deep());
                }
                if *count > self.budget {
                    return Err(Error::Limit("document contains excessive aliasing".into()));
                }
                self.budget -= count;
                Ok(node.clone())
            }
        }
    }
}

/// Which of a merge key's values are aliases: the value itself, or items of it in order.
fn aliased(value: &Node) -> Vec<bool> {
    let alias = |node: &Node| matches!(node.content, Content::Alias(_));
    if value.is_sequence() {
        return value.items().iter().map(alias).collect();
    }
    vec![alias(value)]
}

fn expect_mappings(value: &Node, aliased: &[bool], listed: bool) -> Result<(), Error> {
    let nodes = if listed {
        value.items()
    } else {
        std::slice::from_ref(value)
    };
    for (node, aliased) in nodes.iter().zip(aliased) {
        if *aliased && !node.is_mapping() {
            return Err(invalid(
                "invalid map merge: received alias for a non-map value",
            ));
        }
        if !*aliased && node.is_sequence() && listed {
            return Err(invalid("invalid map merge: received a nested sequence"));
        }
    }
    Ok(())
}

/// The levels of nodes below and including this one.
fn height(node: &Node) -> usize {
    let mut stack = vec![(node, 1)];
    let mut most = 0;
    while let Some((node, level)) = stack.pop() {
        most = most.max(level);
        match &node.content {
            Content::Sequence(items) => stack.extend(items.iter().map(|n| (n, level + 1))),
            Content::Mapping(entries) => {
                let children = entries.iter().flat_map(|e| [&e.key, &e.value]);
                stack.extend(children.map(|n| (n, level + 1)));
            }
            _ => {}
        }
    }
    most
}

/// Applies the `<<` key of a mapping whose values are expanded already. Merged fields come first in
/// value but keep the mapping's own order; later sources of a list lose against earlier ones.
fn merge_keys(entries: &mut Vec<Entry>) -> Result<(), Error> {
    let mut merges = entries.iter().filter(|e| e.key.tag == Tag::Merge);
    let source = merges.next().map(|entry| entry.value.clone());
    if merges.next().is_some() {
        return Err(invalid("duplicate merge key"));
    }
    // A quoted "<<" is dropped too, as upstream does.
    let Some(at) = entries.iter().position(|e| e.key.text() == "<<") else {
        return Ok(());
    };
    entries.remove(at);
    let Some(source) = source else { return Ok(()) };
    let own = entries.clone();
    for merged in sources(source)? {
        let Content::Mapping(fields) = merged.content else {
            continue;
        };
        for entry in fields.into_vec() {
            put(entries, entry);
        }
    }
    for (at, entry) in own.iter().enumerate() {
        let first = own[..at].iter().all(|e| e.key.text() != entry.key.text());
        if first {
            put(entries, entry.clone());
        }
    }
    Ok(())
}

fn put(entries: &mut Vec<Entry>, entry: Entry) {
    let name = entry.key.text();
    match entries.iter_mut().find(|old| old.key.text() == name) {
        Some(old) => *old = entry,
        None => entries.push(entry),
    }
}

/// The mappings that a merge key names, the weakest first.
fn sources(value: Node) -> Result<Vec<Node>, Error> {
    match value.content {
        Content::Mapping(_) => Ok(vec![value]),
        Content::Sequence(items) => {
            let mut found = Vec::new();
            for item in items.into_vec() {
                if item.is_sequence() {
                    return Err(invalid("invalid map merge: received a nested sequence"));
                }
                found.extend(sources(item)?);
            }
            found.reverse();
            Ok(found)
        }
        _ => Err(invalid(
            "map merge requires map or sequence of maps as the value",
        )),
    }
}
