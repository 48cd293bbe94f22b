//! Paths that match many nodes: regular expressions on items, and `*`.
//!
//! Source: kyaml v0.21 `yaml/match.go` `PathMatcher`.

use std::borrow::Cow;

use regex::Regex;

use super::{integer, is_index, is_item, item_of, kind_before, made};
use crate::node::{Content, Entry, Kind, Node, Style, Tag};
use crate::{Error, Limits};

/// Visits every node at a path of field names, `[name=regex]`, indexes and `*`, and returns how many
/// there were. With `create`, missing fields and items are made, the last as a node of that kind.
///
/// A path may lead into a scalar that holds YAML or JSON. The nodes visited there belong to a copy:
/// changing them does not change the scalar.
///
/// # Errors
/// [`Error::WrongKind`] if the path goes through a node of another kind, [`Error::Path`] if an index is
/// missing or the path is malformed, and what `visit` returns.
pub fn match_path<P: AsRef<str>>(
    node: &mut Node,
    path: &[P],
    create: Option<Kind>,
    visit: &mut dyn FnMut(&mut Node) -> Result<(), Error>,
) -> Result<usize, Error> {
    let parts: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
    if parts.len() > Limits::DEPTH {
        return Err(Error::too_deep());
    }
    Matcher { create, visit }.node(node, &parts)
}

struct Matcher<'a> {
    create: Option<Kind>,
    visit: &'a mut dyn FnMut(&mut Node) -> Result<(), Error>,
}

impl Matcher<'_> {
    fn node(&mut self, node: &mut Node, path: &[&str]) -> Result<usize, Error> {
        let Some((part, rest)) = path.split_first() else {
            (self.visit)(node)?;
            return Ok(1);
        };
        if is_index(part) {
            self.index(node, part, rest)
        } else if is_item(part) {
            self.items(node, part, rest)
        } else if *part == "*" {
            node.expect_kind(Kind::Sequence)?;
            let items = node.items_mut().into_iter().flatten();
            items.map(|item| self.node(item, rest)).sum()
        } else {
            self.field(node, part, rest)
        }
    }

    fn field(&mut self, node: &mut Node, name: &str, rest: &[&str]) -> Result<usize, Error> {
        let known = node.is_null();
        if !known {
            node.expect_kind(Kind::Mapping)?;
        }
        if known || node.get(name).is_none() {
            let Some(kind) = self.create else {
                return Ok(0);
            };
            let mut value = made(kind_before(rest.first().copied(), kind));
            let Some(entries) = node.entries_mut() else {
                // A null takes no fields: what is made there is lost.
                return self.node(&mut value, rest);
            };
            entries.push(Entry {
                key: Node::scalar_of(name),
                value,
            });
        }
        let Some(value) = node.get_mut(name) else {
            return Ok(0);
        };
        if value.is_scalar() && !rest.is_empty() {
            let mut inner = crate::parse(value.text())?.map_or_else(Node::null, |d| d.root);
            return self.node(&mut inner, rest);
        }
        self.node(value, rest)
    }

    fn index(&mut self, node: &mut Node, part: &str, rest: &[&str]) -> Result<usize, Error> {
        node.expect_kind(Kind::Sequence)?;
        let index = integer(part)
            .and_then(|i| usize::try_from(i).ok())
            .unwrap_or(usize::MAX);
        if let (Some(kind), Some(items)) = (self.create, node.items_mut())
            && items.len() == index
        {
            items.push(made(kind_before(rest.first().copied(), kind)));
        }
        let count = node.items().len();
        match node.items_mut().and_then(|items| items.get_mut(index)) {
            Some(item) => self.node(item, rest),
            None => Err(Error::Path(format!(
                "index {index} specified but only {count} elements found"
            ))),
        }
    }

    fn items(&mut self, node: &mut Node, part: &str, rest: &[&str]) -> Result<usize, Error> {
        let (name, pattern) = item_of(part)?;
        let regex = Regex::new(pattern).map_err(|err| Error::Path(err.to_string()))?;
        node.expect_kind(Kind::Sequence)?;
        let found = self.matching(node, name, &regex, rest)?;
        let Some(items) = node
            .items_mut()
            .filter(|_| found == 0 && self.create.is_some())
        else {
            return Ok(found);
        };
        items.push(match name {
            "" => Node::scalar_of(pattern),
            _ => Node::mapping_of([(name, Node::scalar_of(pattern))]),
        });
        match self.matching(node, name, &regex, rest)? {
            0 => Err(Error::Path(format!(
                "failed to create element for \"{part}\""
            ))),
            found => Ok(found),
        }
    }

    fn matching(
        &mut self,
        node: &mut Node,
        name: &str,
        regex: &Regex,
        rest: &[&str],
    ) -> Result<usize, Error> {
        let mut found = 0;
        for item in node.items_mut().into_iter().flatten() {
            if name.is_empty() {
                if regex.is_match(printed(item)?.trim()) {
                    (self.visit)(item)?;
                    found += 1;
                }
                continue;
            }
            let matches = match item.get(name) {
                Some(value) => regex.is_match(printed(value)?.trim()),
                None => false,
            };
            if matches {
                found += self.node(item, rest)?;
            }
        }
        Ok(found)
    }
}

/// A node's text as it is printed, quotes and comments included.
fn printed(node: &Node) -> Result<Cow<'_, str>, Error> {
    let bare = node.extra.is_none() && node.style == Style::PLAIN && node.tag == Tag::Str;
    match &node.content {
        Content::Scalar(text)
            if bare && !text.contains(['\n', '#', ':', ' ']) && !text.is_empty() =>
        {
            match text.as_bytes()[0] {
                b'a'..=b'z' | b'A'..=b'Z' | b'/' => Ok(Cow::Borrowed(text)),
                _ => node.to_styled().map(Cow::Owned),
            }
        }
        _ => node.to_styled().map(Cow::Owned),
    }
}
