//! Lines, columns, keys and dashes.

use super::Reader;
use crate::node::{Content, Node, Tag, Text};
use crate::resolve::{self, Rules};

/// A key that is longer may be none.
const LONGEST_KEY: usize = 256;

/// Bytes of a plain scalar that never need a second look.
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-')
}

impl Reader<'_> {
    pub(super) fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(b'\n')
    }

    pub(super) fn is_line_end(&self) -> bool {
        self.byte(self.at) == b'\n'
    }

    pub(super) fn skip_spaces(&mut self) {
        while self.byte(self.at) == b' ' {
            self.at += 1;
        }
    }

    /// The current column, from 1. What stands before it in the line is ASCII.
    pub(super) fn column(&self) -> u32 {
        column(self.start, self.at)
    }

    /// Goes to the line that begins at this position.
    pub(super) fn go_to_line(&mut self, start: usize) {
        self.line += 1;
        (self.start, self.at) = (start, start);
    }

    /// Goes to the first character of the next line that has one; `false` at the end of the text. Behind a
    /// comment no line may be empty.
    pub(super) fn next_line(&mut self) -> Option<bool> {
        if self.at > self.start && self.at < self.bytes.len() {
            self.go_to_line(self.at + 1);
        }
        loop {
            self.skip_spaces();
            if self.at >= self.bytes.len() {
                return Some(false);
            }
            if !self.is_line_end() {
                return Some(true);
            }
            if self.head.is_some() {
                return None;
            }
            self.go_to_line(self.at + 1);
        }
    }

    pub(super) fn is_dash(&self) -> bool {
        self.byte(self.at) == b'-' && matches!(self.byte(self.at + 1), b' ' | b'\n')
    }

    /// Where the key here ends, if there is one: at its colon.
    pub(super) fn key_end(&self) -> Option<usize> {
        let rest = self.bytes.get(self.at..)?;
        if rest
            .first()
            .is_none_or(|first| matches!(first, b'-' | b'.'))
        {
            return None;
        }
        let length = rest.iter().position(|byte| !is_word(*byte))?;
        let ends = rest[length] == b':' && matches!(self.byte(self.at + length + 1), b' ' | b'\n');
        (length > 0 && length <= LONGEST_KEY && ends).then_some(self.at + length)
    }

    /// Takes a key and its colon.
    pub(super) fn key(&mut self, end: usize) -> Option<Node> {
        let mut key = self.plain_node(self.at, end);
        if let Some(head) = self.take_head()? {
            key.comments_mut().head = head;
        }
        self.at = end + 1;
        Some(key)
    }

    /// A plain scalar of this part of the current line.
    pub(super) fn plain_node(&mut self, from: usize, to: usize) -> Node {
        let text = &self.text[from..to];
        let tag = resolve::plain(text, Rules::V3).0;
        self.needs_expansion |= tag == Tag::Null;
        self.place(Node::raw(Content::Scalar(Text::from(text)), tag), from)
    }

    /// The node at this place of the current line.
    pub(super) fn place(&mut self, mut node: Node, at: usize) -> Node {
        self.nodes += 1;
        node.line = self.line;
        node.column = column(self.start, at);
        node
    }
}

fn column(start: usize, at: usize) -> u32 {
    // The text is shorter than that.
    u32::try_from(at - start + 1).unwrap_or(u32::MAX)
}
