//! The short way for texts as machines and most people write them: block mappings and lists, scalars of
//! one line, literal blocks, comments at the end of a line or right above a key. No tags, no anchors;
//! nothing that could be an error.
//!
//! What is read here comes out as the long way through [`crate::scan`] makes it, places included; at
//! anything else this gives up, and the long way begins anew.

mod comment;
mod line;
mod scalar;

use crate::Limits;
use crate::node::{Content, Entry, Node, Tag};
use crate::parse::Document;

/// How deep collections may nest before the long way is taken.
const DEEPEST: usize = 100;

/// An open collection.
struct Frame {
    /// The collection, without its children.
    node: Node,
    /// Where its children begin among the finished nodes.
    first: usize,
    /// The column of its keys or dashes.
    indent: usize,
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    /// Where the current line begins.
    start: usize,
    /// The current position.
    at: usize,
    /// The current line, from 1.
    line: u32,
    frames: Vec<Frame>,
    /// Finished nodes whose collections are not; keys and values of mappings in turn.
    finished: Vec<Node>,
    /// Where the value of the last key would stand if it has none so far: its line and column.
    awaited: Option<(u32, u32)>,
    /// Comments right above the current line, and their column from 0.
    head: Option<(String, usize)>,
    /// There is something that expanding aliases would change.
    needs_expansion: bool,
    nodes: usize,
}

/// Reads a document; `None` if it is not that simple.
pub(crate) fn read(text: &str, limits: &Limits) -> Option<Document> {
    let small = text.len() <= limits.bytes && u32::try_from(text.len()).is_ok();
    if !small || limits.depth < DEEPEST || !is_plain_text(text) {
        return None;
    }
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        start: 0,
        at: 0,
        line: 1,
        frames: Vec::with_capacity(16),
        finished: Vec::with_capacity(64),
        awaited: None,
        head: None,
        needs_expansion: false,
        nodes: 0,
    };
    if text.starts_with("---\n") {
        reader.go_to_line(4);
    }
    let root = reader.document()?;
    (reader.nodes <= limits.nodes).then_some(Document {
        root,
        head_comment: crate::Text::default(),
        foot_comment: crate::Text::default(),
        needs_expansion: reader.needs_expansion,
        nodes: reader.nodes,
    })
}

/// Whether all characters are printable, none is a tab and only line feeds break lines.
fn is_plain_text(text: &str) -> bool {
    let odd = |b: u8| b < 0x20 && b != b'\n' || matches!(b, 0x7F | 0xC2 | 0xE2 | 0xEF);
    // Without a branch for every byte.
    !text
        .as_bytes()
        .chunks(64)
        .any(|chunk| chunk.iter().fold(false, |any, b| any | odd(*b)))
}

impl Reader<'_> {
    fn document(&mut self) -> Option<Node> {
        while self.next_line()? {
            match self.byte(self.at) {
                b'#' => self.comment_line()?,
                _ => self.content_line()?,
            }
        }
        if self.head.is_some() {
            return None;
        }
        self.settle_awaited()?;
        while self.frames.len() > 1 {
            self.close();
        }
        let root = self.frames.pop()?;
        Some(finish(root, &mut self.finished))
    }

    /// One line that is not empty, from its first character on.
    fn content_line(&mut self) -> Option<()> {
        let indent = self.at - self.start;
        let dash = self.is_dash();
        if self.frames.is_empty() {
            self.open(dash, indent)?;
        } else if self.awaited.is_some() {
            let above = self.frames.last()?.indent;
            if indent > above || indent == above && dash {
                self.awaited = None;
                self.open(dash, indent)?;
            } else {
                self.settle_awaited()?;
            }
        }
        while let Some(frame) = self.frames.last() {
            let lists_end = frame.indent == indent && frame.node.is_sequence() && !dash;
            if frame.indent <= indent && !lists_end {
                break;
            }
            if self.frames.len() == 1 {
                return None;
            }
            self.close();
        }
        let frame = self.frames.last()?;
        if frame.indent != indent || frame.node.is_sequence() != dash {
            return None;
        }
        match (dash, &self.head) {
            (false, _) => self.field(),
            (true, None) => self.item(),
            (true, Some(_)) => None,
        }
    }

    /// A key with its colon and what follows in the line.
    fn field(&mut self) -> Option<()> {
        let end = self.key_end()?;
        let key = self.key(end)?;
        self.finished.push(key);
        self.value()
    }

    /// A dash and what follows in the line.
    fn item(&mut self) -> Option<()> {
        self.at += 1;
        self.skip_spaces();
        if self.is_line_end() || self.is_dash() {
            return None;
        }
        if self.key_end().is_some() {
            self.open(false, self.at - self.start)?;
            return self.field();
        }
        let node = self.scalar()?;
        self.finished.push(node);
        Some(())
    }

    /// What follows a key and its colon.
    fn value(&mut self) -> Option<()> {
        let here = (self.line, self.column());
        self.skip_spaces();
        let comment = self.line_comment()?;
        if self.is_line_end() {
            if let (Some(comment), Some(key)) = (comment, self.finished.last_mut()) {
                key.comments_mut().line = comment;
            }
            self.awaited = Some(here);
            return Some(());
        }
        let node = self.scalar()?;
        self.finished.push(node);
        Some(())
    }

    fn open(&mut self, list: bool, indent: usize) -> Option<()> {
        if self.frames.len() >= DEEPEST {
            return None;
        }
        let node = match list {
            true => Node::sequence(),
            false => Node::mapping(),
        };
        let node = self.place(node, self.at);
        self.frames.push(Frame {
            node,
            first: self.finished.len(),
            indent,
        });
        Some(())
    }

    fn close(&mut self) {
        if let Some(frame) = self.frames.pop() {
            let node = finish(frame, &mut self.finished);
            self.finished.push(node);
        }
    }

    /// A key without a value has an empty one. Its comment may belong elsewhere.
    fn settle_awaited(&mut self) -> Option<()> {
        if let Some((line, column)) = self.awaited.take() {
            if !self.finished.last()?.comments().line.is_empty() {
                return None;
            }
            let mut node = Node::null();
            (node.line, node.column) = (line, column);
            self.nodes += 1;
            self.finished.push(node);
        }
        Some(())
    }
}

/// Puts the children of a collection into it.
fn finish(frame: Frame, finished: &mut Vec<Node>) -> Node {
    let Frame {
        mut node, first, ..
    } = frame;
    let mut children = finished.drain(first..);
    if node.tag == Tag::Seq {
        node.content = Content::Sequence(children.collect::<Vec<_>>().into());
    } else {
        let mut pairs = Vec::with_capacity(children.len() / 2);
        while let (Some(key), Some(value)) = (children.next(), children.next()) {
            pairs.push(Entry { key, value });
        }
        node.content = Content::Mapping(pairs.into());
    }
    node
}

#[cfg(test)]
mod tests;
