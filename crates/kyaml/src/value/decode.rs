//! What kyaml's print and read again do to a tree before it is decoded, and what decoding reports.
//!
//! Source: kyaml v0.21 `yaml/rnode.go` `MarshalJSON`; go.yaml.in/yaml v3.0 `decode.go`.

use super::json;
use crate::node::{Content, NO_COMMENTS, Node, Style, Tag};
use crate::{Error, Limits};

impl Node {
    /// The tree behind print and read again, if that may change it: aliases are expanded, and where the
    /// printer is known to lose something, it is asked.
    pub(crate) fn settled(&self) -> Result<Option<Self>, Error> {
        if self.is_surely_settled() {
            return Ok(None);
        }
        let mut tree = None;
        if self.uses_anchors() {
            let mut plain = self.clone();
            plain.expand_for_decoding(&Limits::default())?;
            tree = Some(plain);
        }
        if !tree.as_ref().unwrap_or(self).is_fragile() {
            return Ok(tree);
        }
        let printed = tree.as_ref().unwrap_or(self).to_styled_document()?;
        let mut read = match crate::parse(&printed)? {
            Some(document) => document.root,
            None => return Ok(Some(Self::null())),
        };
        // A `<<` that was made, not read, becomes a merge key only now.
        read.expand_for_decoding(&Limits::default())?;
        Ok(Some(read))
    }

    /// Whether there is surely nothing below that print and read again change: one quick look at what
    /// [`Node::uses_anchors`] and [`Node::is_fragile`] look for.
    fn is_surely_settled(&self) -> bool {
        let is_quiet_scalar = |node: &Self| {
            let plain = matches!(node.content, Content::Scalar(_)) && node.anchor().is_none();
            plain && !node.style.has(Style::FOLDED) && !begins_with_tab(node) && !keeps_breaks(node)
        };
        let is_quiet = |node: &Self| match &node.content {
            Content::Mapping(entries) if !entries.is_empty() => {
                node.style == Style::PLAIN && node.extra.is_none()
            }
            Content::Sequence(items) if node.style == Style::FLOW => {
                let bare = |item: &Self| item.extra.is_none() && is_quiet_scalar(item);
                node.extra.is_none() && items.iter().all(bare)
            }
            Content::Mapping(_) | Content::Sequence(_) => {
                node.extra.is_none() && !node.style.has(Style::TAGGED)
            }
            _ => is_quiet_scalar(node),
        };
        if !is_quiet(self) {
            return false;
        }
        let mut stack = vec![self];
        while let Some(node) = stack.pop() {
            let keys = node.entries().iter().map(|entry| &entry.key);
            for key in keys {
                let merges = key.tag == Tag::Merge || key.tag == Tag::Unset && key.text() == "<<";
                if merges || !is_quiet_scalar(key) {
                    return false;
                }
            }
            let values = node.entries().iter().map(|entry| {
                let flow = entry.value.style == Style::FLOW || is_empty_collection(&entry.value);
                let bare = entry.key.extra.is_none() || !flow;
                (&entry.value, bare)
            });
            for (child, bare) in values.chain(node.items().iter().map(|item| (item, true))) {
                if !bare || !is_quiet(child) {
                    return false;
                }
                if !child.is_scalar() {
                    stack.push(child);
                }
            }
        }
        true
    }

    /// Whether printing may lose something: folded scalars, blocks that begin with a tab or keep empty
    /// lines before a comment, tagged collections and flow collections with comments, comments that are
    /// printed behind their block, keys that are collections or `<<`.
    fn is_fragile(&self) -> bool {
        let mut stack = vec![(self, false)];
        let mut kept = false;
        while let Some((node, commented)) = stack.pop() {
            kept |= keeps_breaks(node);
            let collection = !matches!(node.content, Content::Scalar(_) | Content::Alias(_));
            let flow = node.style.has(Style::FLOW) || is_empty_collection(node);
            let comments = commented
                || node
                    .extra
                    .as_ref()
                    .is_some_and(|e| e.comments != NO_COMMENTS);
            if node.style.has(Style::FOLDED)
                || begins_with_tab(node)
                || collection && comments && node.style.has(Style::TAGGED)
            {
                return true;
            }
            if flow && (comments || has_comments(node)) || collection && has_stray_comment(node) {
                return true;
            }
            stack.extend(node.items().iter().map(|item| (item, false)));
            for entry in node.entries() {
                if !entry.key.is_scalar() || entry.key.tag == Tag::Unset && entry.key.text() == "<<"
                {
                    return true;
                }
                let commented = entry.key.extra.is_some();
                stack.push((&entry.value, commented));
            }
        }
        kept && (has_comments(self)
            || self
                .extra
                .as_ref()
                .is_some_and(|e| !e.document_foot.is_empty()))
    }

    /// Fills in what is wrong, with the lines of the printed node, as upstream decodes that.
    pub(crate) fn unmarshal_error(&self, otherwise: Error) -> Error {
        let printed = self.to_styled_document().unwrap_or_default();
        let Ok(Some(document)) = crate::parse(&printed) else {
            return otherwise;
        };
        let mut problems = Vec::new();
        let root = &document.root;
        if root.is_scalar() {
            let (tag, line) = (root.tag_text(), root.line);
            let text = root.text();
            let shown = match text.len() {
                0..=10 => text.to_owned(),
                _ => format!("{}...", String::from_utf8_lossy(&text.as_bytes()[..7])),
            };
            problems.push(format!(
                "line {line}: cannot unmarshal {tag} `{shown}` into map[string]interface {{}}"
            ));
        }
        collect(root, true, &mut problems);
        Error::Unmarshal(problems)
    }
}

/// Whether a block scalar's first line begins with a tab, which no reader takes for indentation.
fn begins_with_tab(node: &Node) -> bool {
    let Content::Scalar(text) = &node.content else {
        return false;
    };
    let quoted = node.style.has(Style::DOUBLE_QUOTED) || node.style.has(Style::SINGLE_QUOTED);
    let first = text.as_bytes().first();
    !quoted
        && matches!(first, Some(b'\t' | b'\n'))
        && text.trim_start_matches('\n').starts_with('\t')
        && text.contains('\n')
}

/// An empty collection is printed in flow style whatever its own.
fn is_empty_collection(node: &Node) -> bool {
    match &node.content {
        Content::Mapping(entries) => entries.is_empty(),
        Content::Sequence(items) => items.is_empty(),
        _ => false,
    }
}

/// Whether a collection has a comment that, where it is printed in block style, comes out with whatever
/// follows the block: between a key and its `[]`, nobody reads that.
fn has_stray_comment(node: &Node) -> bool {
    let extra = node.extra.as_ref();
    extra.is_some_and(|it| !it.comments.line.is_empty() || !it.comments.foot.is_empty())
}

/// Whether a block scalar ends with empty lines, to which one before a comment adds itself.
fn keeps_breaks(node: &Node) -> bool {
    let Content::Scalar(text) = &node.content else {
        return false;
    };
    text.ends_with('\n') && (text.ends_with("\n\n") || text.as_str() == "\n")
}

fn has_comments(node: &Node) -> bool {
    let mut stack = vec![node];
    while let Some(node) = stack.pop() {
        if node
            .extra
            .as_ref()
            .is_some_and(|e| e.comments != NO_COMMENTS)
        {
            return true;
        }
        stack.extend(node.items());
        stack.extend(node.entries().iter().flat_map(|e| [&e.key, &e.value]));
    }
    false
}

/// Collects duplicate keys, and keys of the root that are no scalars. The tree was read within limits.
fn collect(node: &Node, root: bool, problems: &mut Vec<String>) {
    let entries = node.entries();
    let before = problems.len();
    for (at, first) in entries.iter().enumerate().take(10_000) {
        for second in &entries[at + 1..] {
            if first.key.text() == second.key.text() && first.key.kind() == second.key.kind() {
                let (line, first_line) = (second.key.line, first.key.line);
                let key = json::go_quote(second.key.text());
                problems.push(format!(
                    "line {line}: mapping key {key} already defined at line {first_line}"
                ));
            }
        }
    }
    if problems.len() > before {
        return;
    }
    node.items()
        .iter()
        .for_each(|item| collect(item, false, problems));
    for entry in entries {
        if root && !entry.key.is_scalar() {
            let (line, tag) = (entry.key.line, entry.key.tag_text());
            problems.push(format!("line {line}: cannot unmarshal {tag} into string"));
            continue;
        }
        collect(&entry.value, false, problems);
    }
}
