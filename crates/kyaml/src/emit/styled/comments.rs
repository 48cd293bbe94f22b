//! Comments that wait for their place, and are written there.

use super::{Emitter, Place};
use crate::node::{Content, Node, Style};

impl<'n> Emitter<'n, '_> {
    /// Takes up the comments that come with the start of a node.
    pub(super) fn announce(&mut self, node: &'n Node) {
        let comments = node.comments();
        if !comments.head.is_empty() {
            self.pending.head = &comments.head;
        }
        if !matches!(node.content, Content::Mapping(_) | Content::Sequence(_)) {
            self.announce_end(node, Place::Item);
        }
    }

    /// Takes up the comments that come with the end of a node.
    pub(super) fn announce_end(&mut self, node: &'n Node, place: Place) {
        let comments = node.comments();
        if !comments.line.is_empty() {
            self.pending.line = &comments.line;
        }
        // A key's foot comment waits for the end of its value.
        let key = place == Place::SimpleKey || place == Place::ComplexKey;
        if !comments.foot.is_empty() && !key {
            self.pending.foot = &comments.foot;
        }
    }

    /// A key's foot comment is written behind its value, before the next key.
    pub(super) fn announce_key(&mut self, key: &'n Node, tail: &'n str) {
        if !tail.is_empty() {
            self.pending.tail = tail;
        }
        let comments = key.comments();
        if !comments.head.is_empty() {
            self.pending.head = &comments.head;
        }
        if !comments.line.is_empty()
            && !matches!(key.content, Content::Mapping(_) | Content::Sequence(_))
        {
            self.pending.line = &comments.line;
        }
    }

    pub(super) fn head_comment(&mut self) {
        let tail = std::mem::take(&mut self.pending.tail);
        if !tail.is_empty() {
            self.write_indent();
            self.comment(tail);
            self.printer.foot_indent = Some(usize::try_from(self.indent).unwrap_or(0));
        }
        let head = std::mem::take(&mut self.pending.head);
        if !head.is_empty() {
            self.write_indent();
            self.comment(head);
        }
    }

    pub(super) fn line_comment(&mut self) {
        let line = std::mem::take(&mut self.pending.line);
        if !line.is_empty() {
            self.printer.space();
            self.comment(line);
        }
    }

    pub(super) fn foot_comment(&mut self) {
        let foot = std::mem::take(&mut self.pending.foot);
        if !foot.is_empty() {
            self.write_indent();
            self.comment(foot);
            self.printer.foot_indent = Some(usize::try_from(self.indent).unwrap_or(0));
        }
    }

    fn comment(&mut self, text: &str) {
        let mut breaks = false;
        for line in text.split_inclusive('\n') {
            if breaks && line != "\n" {
                self.write_indent();
            }
            let (body, broken) = match line.strip_suffix('\n') {
                Some(body) => (body, true),
                None => (line, false),
            };
            if !body.is_empty() {
                if !body.starts_with('#') {
                    self.printer.put_str("# ");
                }
                self.printer.put_str(body);
                self.printer.indention = false;
            }
            if broken {
                self.printer.put_break();
            }
            breaks = broken;
        }
        if !breaks {
            self.printer.put_break();
        }
        self.printer.whitespace = true;
    }

    /// Writes the comments that are pending behind the first part of a node: all of a scalar, or what
    /// stands before the content of a collection, whose own comments wait for its end.
    pub(super) fn after_start(&mut self, place: Place) {
        if place == Place::SimpleKey || place == Place::ComplexKey {
            return;
        }
        if self.flow_level > 0 && self.has_trailing_comment() {
            self.printer.tight_indicator(",");
        }
        self.line_comment();
        self.foot_comment();
    }

    /// Line comments of keys go behind a scalar value, or right behind the colon.
    pub(super) fn key_line_comment(&mut self, value: &Node) {
        if self.pending.key_line.is_empty() {
            return;
        }
        match value.content {
            Content::Scalar(_) if self.pending.line.is_empty() => {
                self.pending.line = std::mem::take(&mut self.pending.key_line);
            }
            Content::Mapping(_) | Content::Sequence(_) if !value.style.has(Style::FLOW) => {
                std::mem::swap(&mut self.pending.line, &mut self.pending.key_line);
                self.line_comment();
                std::mem::swap(&mut self.pending.line, &mut self.pending.key_line);
            }
            _ => {}
        }
    }

    pub(super) fn has_trailing_comment(&self) -> bool {
        !(self.pending.line.is_empty()
            && self.pending.foot.is_empty()
            && self.pending.tail.is_empty())
    }
}
