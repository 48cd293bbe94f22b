//! Resource files: several documents, lists of objects, aliases.
//!
//! Source: kyaml v0.21 `kio/byteio_reader.go`.

use crate::node::{Content, Node};
use crate::parse::{Document, parse_within};
use crate::{Error, Limits};

/// Reads all objects of a resource file: Windows line ends are made plain, the text is split at lines
/// that start with `---`, empty documents vanish, a text whose only document is a `List` or
/// `ResourceList` yields its items, aliases and merge keys are expanded.
///
/// # Errors
/// [`Error::Separator`] if something but a comment follows `---`, [`Error::Syntax`] for malformed
/// documents, [`Error::Limit`] beyond the limits.
pub fn read_objects(text: &str, limits: &Limits) -> Result<Vec<Node>, Error> {
    read(text, limits, |document, left| {
        match document.needs_expansion {
            true => document.root.expand_aliases(left),
            false => Ok(()),
        }
    })
}

/// As [`read_objects`], with aliases left as they are.
///
/// # Errors
/// As [`read_objects`].
pub fn read_documents(text: &str, limits: &Limits) -> Result<Vec<Node>, Error> {
    read(text, limits, |_, _| Ok(()))
}

fn read(
    text: &str,
    limits: &Limits,
    expand: impl Fn(&mut Document, &Limits) -> Result<(), Error>,
) -> Result<Vec<Node>, Error> {
    let plain: String;
    let text = if text.contains("\r\n") {
        plain = text.replace("\r\n", "\n");
        &plain
    } else {
        text
    };
    let parts = split_documents(text)?;
    let single = parts.len() == 1;
    let mut objects = Vec::with_capacity(parts.len());
    let mut left = *limits;
    for part in parts {
        let Some(mut document) = parse_within(part, &left)? else {
            continue;
        };
        left.nodes = left.nodes.saturating_sub(document.nodes);
        if document.root.is_null() {
            continue;
        }
        expand(&mut document, &left)?;
        let mut root = document.root;
        if !document.head_comment.is_empty() {
            root.extra_mut().document_head = document.head_comment;
        }
        if !document.foot_comment.is_empty() {
            root.extra_mut().document_foot = document.foot_comment;
        }
        match single.then(|| wrapped_items(&root)).flatten() {
            Some(()) => objects.extend(take_items(root)),
            None => objects.push(root),
        }
    }
    Ok(objects)
}

/// Splits a text at every line that begins with `---`. A part keeps its last line break.
///
/// # Errors
/// [`Error::Separator`] if something but a comment follows `---`.
pub fn split_documents(text: &str) -> Result<Vec<&str>, Error> {
    let mut parts = Vec::new();
    if text.is_empty() {
        return Ok(parts);
    }
    let mut start = 0;
    let mut from = 0;
    while let Some(found) = text[from..].find("\n---") {
        let at = from + found;
        let Some(length) = text[at + 1..].find('\n') else {
            break;
        };
        let end = at + 1 + length;
        let after = text[at + 4..end].trim();
        if !after.is_empty() && !after.starts_with('#') {
            return Err(Error::Separator(text[at..end].trim().into()));
        }
        parts.push(&text[start..=at]);
        start = end + 1;
        // The next separator needs a line break of its own.
        from = start;
    }
    parts.push(&text[start..]);
    Ok(parts)
}

/// The items of a list object, if this is one that the reader unwraps.
fn wrapped_items(root: &Node) -> Option<()> {
    let listed = matches!(root.meta().kind.as_str(), "List" | "ResourceList");
    let wraps = root.get("items").is_some() || root.get("functionConfig").is_some();
    (listed && wraps).then_some(())
}

fn take_items(mut root: Node) -> Vec<Node> {
    match root.remove("items").map(|items| items.content) {
        Some(Content::Sequence(items)) => items.into_vec(),
        // Upstream takes whatever is below: keys and values alike.
        Some(Content::Mapping(entries)) => {
            let entries = entries.into_vec().into_iter();
            entries.flat_map(|entry| [entry.key, entry.value]).collect()
        }
        _ => Vec::new(),
    }
}
