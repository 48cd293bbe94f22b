//! Paths into nodes: splitting them, and following exactly one.
//!
//! Source: kyaml v0.21 `utils/pathsplitter.go`, `yaml/fns.go` `PathGetter`.

mod matcher;

pub use matcher::match_path;

use crate::Error;
use crate::node::{Content, Kind, Node};

/// Splits a path; a delimiter behind a backslash does not split, a leading one is dropped.
#[must_use]
pub fn split_path(path: &str, delimiter: char) -> Vec<String> {
    let mut parts: Vec<&str> = path.split(delimiter).collect();
    if parts.len() > 1 && parts[0].is_empty() {
        parts.remove(0);
    }
    let mut joined: Vec<String> = Vec::with_capacity(parts.len());
    for part in parts {
        match joined.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push(delimiter);
                last.push_str(part);
            }
            _ => joined.push(part.to_owned()),
        }
    }
    joined
}

/// Splits a path as [`split_path`], but keeps what stands in brackets together. Brackets around a
/// `name=value` stay, those around a plain key go.
#[must_use]
pub fn split_path_smart(path: &str, delimiter: char) -> Vec<String> {
    let mut result = Vec::new();
    let mut parts = split_path(path, delimiter).into_iter();
    while let Some(part) = parts.next() {
        if !part.starts_with('[') || part.ends_with(']') {
            result.push(part);
            continue;
        }
        let mut bracketed = part;
        for next in parts.by_ref() {
            bracketed.push(delimiter);
            bracketed.push_str(&next);
            if next.ends_with(']') {
                break;
            }
        }
        if bracketed.contains('=') {
            result.push(bracketed);
        } else {
            result.push(bracketed.trim_matches(['[', ']']).to_owned());
        }
    }
    result
}

/// One step of a path.
#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Field(&'a str),
    Index(usize),
    Last,
    /// The item whose field has this text; an empty name matches the item itself.
    Item(&'a str, &'a str),
}

fn is_item(part: &str) -> bool {
    part.starts_with('[') && part.ends_with(']')
}

/// A number as Go's `Atoi` reads it.
fn integer(part: &str) -> Option<i64> {
    part.parse().ok()
}

fn is_index(part: &str) -> bool {
    integer(part).is_some_and(|index| index >= 0)
}

/// Splits `[name=value]`.
fn item_of(part: &str) -> Result<(&str, &str), Error> {
    let inner = part.strip_suffix(']').unwrap_or(part);
    let inner = inner.strip_prefix('[').unwrap_or(inner);
    inner.split_once('=').ok_or_else(|| {
        let text = "list path element must contain fieldName=fieldValue for element to match";
        Error::Path(text.into())
    })
}

fn step(part: &str) -> Result<Step<'_>, Error> {
    if let Some(index) = integer(part) {
        return usize::try_from(index)
            .map(Step::Index)
            .map_err(|_| Error::Path(format!("array index {index} cannot be negative")));
    }
    match part {
        "-" => Ok(Step::Last),
        "*" => Err(Error::Path(
            "wildcard is not supported in PathGetter".into(),
        )),
        _ if is_item(part) => item_of(part).map(|(name, value)| Step::Item(name, value)),
        _ => Ok(Step::Field(part)),
    }
}

/// The kind of node that has to be made for a part, given the part behind it.
fn kind_before(next: Option<&str>, leaf: Kind) -> Kind {
    match next {
        None | Some("") => leaf,
        Some(next) if is_item(next) || is_index(next) => Kind::Sequence,
        Some(_) => Kind::Mapping,
    }
}

fn made(kind: Kind) -> Node {
    match kind {
        Kind::Mapping => Node::mapping(),
        Kind::Sequence => Node::sequence(),
        Kind::Scalar | Kind::Alias => Node::scalar_of(""),
    }
}

/// Where a step leads, as a position in the node's children.
fn position(node: &Node, step: Step<'_>) -> Result<Option<usize>, Error> {
    let field = |node: &Node, name: &str| {
        node.entries()
            .iter()
            .position(|entry| entry.key.text() == name)
    };
    if let Step::Field(name) = step {
        if node.is_null() {
            return Ok(None);
        }
        node.expect_kind(Kind::Mapping)?;
        return Ok(field(node, name));
    }
    node.expect_kind(Kind::Sequence)?;
    let items = node.items();
    Ok(match step {
        Step::Index(index) => Some(index).filter(|index| *index < items.len()),
        Step::Last => items.len().checked_sub(1),
        Step::Item("", value) => items.iter().position(|item| item.text() == value),
        Step::Item(name, value) => items.iter().position(|item| {
            item.is_mapping()
                && !item.is_null()
                && item.get(name).is_some_and(|f| f.text() == value)
        }),
        Step::Field(_) => None,
    })
}

fn child(node: &Node, at: usize) -> Option<&Node> {
    match &node.content {
        Content::Mapping(entries) => entries.get(at).map(|entry| &entry.value),
        Content::Sequence(items) => items.get(at),
        _ => None,
    }
}

fn child_mut(node: &mut Node, at: usize) -> Option<&mut Node> {
    match &mut node.content {
        Content::Mapping(entries) => entries.get_mut(at).map(|entry| &mut entry.value),
        Content::Sequence(items) => items.get_mut(at),
        _ => None,
    }
}

fn clean<P: AsRef<str>>(path: &[P]) -> Vec<&str> {
    let parts = path.iter().map(|part| part.as_ref().trim());
    parts.filter(|part| !part.is_empty()).collect()
}

impl Node {
    /// The node at a path of field names, `[name=value]`, indexes and `-` for the last item; `None` if
    /// it is missing.
    ///
    /// # Errors
    /// [`Error::WrongKind`] if the path goes through a node of another kind, [`Error::Path`] if it is
    /// malformed.
    pub fn lookup<P: AsRef<str>>(&self, path: &[P]) -> Result<Option<&Self>, Error> {
        let mut node = self;
        for part in clean(path) {
            match position(node, step(part)?)?.and_then(|at| child(node, at)) {
                Some(below) => node = below,
                None => return Ok(None),
            }
        }
        Ok(Some(node))
    }

    /// As [`Node::lookup`], to change.
    ///
    /// # Errors
    /// As [`Node::lookup`].
    pub fn lookup_mut<P: AsRef<str>>(&mut self, path: &[P]) -> Result<Option<&mut Self>, Error> {
        let mut node = self;
        for part in clean(path) {
            let at = position(node, step(part)?)?;
            match at.and_then(|at| child_mut(node, at)) {
                Some(below) => node = below,
                None => return Ok(None),
            }
        }
        Ok(Some(node))
    }

    /// As [`Node::lookup_mut`], making what is missing: fields, and items for `[name=value]`, but none
    /// for indexes. The last part becomes a node of the given kind. `None` if an index is missing or
    /// a null is in the way.
    ///
    /// # Errors
    /// As [`Node::lookup`].
    pub fn lookup_create<P: AsRef<str>>(
        &mut self,
        path: &[P],
        kind: Kind,
    ) -> Result<Option<&mut Self>, Error> {
        let mut node = self;
        let parts = clean(path);
        for (at, part) in parts.iter().enumerate() {
            let step = step(part)?;
            let found = match position(node, step)? {
                Some(found) => found,
                None if node.is_null() => return Ok(None),
                None => {
                    let below = kind_before(parts.get(at + 1).copied(), kind);
                    match create(node, step, below) {
                        Some(found) => found,
                        None => return Ok(None),
                    }
                }
            };
            match child_mut(node, found) {
                Some(below) => node = below,
                None => return Ok(None),
            }
        }
        Ok(Some(node))
    }
}

/// Adds what a step misses, and returns its position.
fn create(node: &mut Node, step: Step<'_>, kind: Kind) -> Option<usize> {
    match (&mut node.content, step) {
        (Content::Mapping(entries), Step::Field(name)) => {
            entries.push(crate::Entry {
                key: Node::scalar_of(name),
                value: made(kind),
            });
            Some(entries.len() - 1)
        }
        (Content::Sequence(items), Step::Item(name, value)) => {
            items.push(match name {
                "" => Node::scalar_of(value),
                _ => Node::mapping_of([(name, Node::scalar_of(value))]),
            });
            Some(items.len() - 1)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(text: &str) -> Node {
        crate::parse(text).unwrap().unwrap().root
    }

    #[test]
    fn splits_paths() {
        assert_eq!(split_path("/a/b", '/'), ["a", "b"]);
        assert_eq!(split_path("a\\/b/c", '/'), ["a/b", "c"]);
        assert_eq!(split_path_smart("a.[b.c].d", '.'), ["a", "b.c", "d"]);
        assert_eq!(split_path_smart("a.[n=b.c].d", '.'), ["a", "[n=b.c]", "d"]);
    }

    #[test]
    fn looks_up_fields_items_and_indexes() {
        let root = node("a:\n- name: x\n  v: 1\n- name: y\n  v: 2\n");
        let text = |path: &[&str]| root.lookup(path).unwrap().map(|n| n.text().to_owned());
        assert_eq!(text(&["a", "[name=y]", "v"]).as_deref(), Some("2"));
        assert_eq!(text(&["a", "0", "v"]).as_deref(), Some("1"));
        assert_eq!(text(&["a", "-", "v"]).as_deref(), Some("2"));
        assert_eq!(text(&["a", "7", "v"]), None);
        assert!(root.lookup(&["a", "v"]).is_err());
        assert!(root.lookup(&["*"]).is_err());
    }

    #[test]
    fn creates_what_is_missing() {
        let mut root = node("a: {}\n");
        let made = root.lookup_create(&["a", "list", "[name=x]", "b"], Kind::Mapping);
        assert!(made.unwrap().unwrap().is_mapping());
        let list = root.at(&["a", "list"]).unwrap();
        assert_eq!(list.items()[0].get("name").unwrap().text(), "x");
        let mut root = node("a: null\n");
        assert!(
            root.lookup_create(&["a", "b"], Kind::Scalar)
                .unwrap()
                .is_none()
        );
    }
}
