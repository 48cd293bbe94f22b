//! Values that begin in the line of their key or dash.

use super::Reader;
use crate::node::{Content, Node, Style, Tag, Text};

impl Reader<'_> {
    /// Takes a value up to the end of its line, or a block below it.
    pub(super) fn scalar(&mut self) -> Option<Node> {
        let mut node = match self.byte(self.at) {
            b'|' => return self.literal(),
            b'"' | b'\'' => self.quoted()?,
            b'[' => self.flow_list()?,
            b'{' if self.byte(self.at + 1) == b'}' => {
                let node = self.place(Node::mapping().styled(Style::FLOW), self.at);
                self.at += 2;
                node
            }
            _ => self.plain()?,
        };
        self.skip_spaces();
        if let Some(comment) = self.line_comment()? {
            if !node.is_scalar() {
                return None;
            }
            node.comments_mut().line = comment;
        }
        self.is_line_end().then_some(node)
    }

    /// A plain scalar up to the end of the line or a comment.
    fn plain(&mut self) -> Option<Node> {
        let from = self.at;
        let second = self.byte(from + 1);
        let begins = match self.byte(from) {
            b'-' => !matches!(second, b' ' | b'\n'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => true,
            b'_' | b'.' | b'/' | b'~' | b'$' | b'(' | b'+' | b'^' | b'=' | 0x80.. => true,
            _ => false,
        };
        if !begins {
            return None;
        }
        let mut at = from;
        let mut end = from;
        loop {
            let byte = self.byte(at);
            match byte {
                b'\n' => break,
                b' ' => {}
                b':' if matches!(self.byte(at + 1), b' ' | b'\n') => return None,
                b'#' if self.bytes[at - 1] == b' ' => break,
                _ => end = at + 1,
            }
            at += 1;
        }
        self.at = end;
        Some(self.plain_node(from, end))
    }

    /// A quoted scalar without escapes.
    fn quoted(&mut self) -> Option<Node> {
        let from = self.at + 1;
        let quote = self.bytes[self.at];
        let rest = self.bytes.get(from..)?;
        let stop = |byte: &u8| *byte == quote || matches!(byte, b'\\' | b'\n');
        let length = rest.iter().position(stop)?;
        if rest[length] != quote || self.byte(from + length + 1) == quote {
            return None;
        }
        let text = &self.text[from..from + length];
        self.needs_expansion |= text == "<<";
        let text = Text::from(text);
        let style = if quote == b'"' {
            Style::DOUBLE_QUOTED
        } else {
            Style::SINGLE_QUOTED
        };
        let node = Node::raw(Content::Scalar(text), Tag::Str).styled(style);
        let node = self.place(node, self.at);
        self.at = from + length + 1;
        Some(node)
    }

    /// A list of scalars in brackets.
    fn flow_list(&mut self) -> Option<Node> {
        let list = self.place(Node::sequence().styled(Style::FLOW), self.at);
        let mut items = Vec::new();
        self.at += 1;
        self.skip_spaces();
        while self.byte(self.at) != b']' {
            let item = match self.byte(self.at) {
                b'"' | b'\'' => self.quoted()?,
                _ => self.flow_word()?,
            };
            // Columns count characters.
            if !item.text().is_ascii() {
                return None;
            }
            items.push(item);
            self.skip_spaces();
            match self.byte(self.at) {
                b']' => break,
                b',' if self.byte(self.at + 1) == b' ' => self.at += 1,
                _ => return None,
            }
            self.skip_spaces();
            if self.byte(self.at) == b']' {
                return None;
            }
        }
        self.at += 1;
        Some(Node {
            content: Content::Sequence(items.into()),
            ..list
        })
    }

    /// A plain scalar inside brackets, of letters, digits and little else.
    fn flow_word(&mut self) -> Option<Node> {
        let rest = self.bytes.get(self.at..)?;
        let inside = |byte: &u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'=' | b'-')
        };
        let length = rest.iter().position(|byte| !inside(byte))?;
        let begins = match rest.first() {
            Some(b'-') => matches!(rest.get(1), Some(b'-' | b'a'..=b'z' | b'0'..=b'9')),
            Some(_) => length > 0,
            None => false,
        };
        if !begins {
            return None;
        }
        let node = self.plain_node(self.at, self.at + length);
        self.at += length;
        Some(node)
    }

    /// A literal block whose first line sets its indentation.
    fn literal(&mut self) -> Option<Node> {
        let node = Node::raw(Content::Scalar(Text::default()), Tag::Str).styled(Style::LITERAL);
        let node = self.place(node, self.at);
        let chomp = self.byte(self.at + 1);
        self.at += 1 + usize::from(matches!(chomp, b'-' | b'+'));
        if !self.is_line_end() || self.at >= self.bytes.len() {
            return None;
        }
        self.go_to_line(self.at + 1);
        let above = self.frames.last()?.indent;
        self.skip_spaces();
        let indent = self.at - self.start;
        if self.is_line_end() || indent <= above {
            return None;
        }
        let mut text = String::new();
        // Line breaks behind the last line that is not empty.
        let mut breaks = 0;
        loop {
            while self.at < self.start + indent && self.byte(self.at) == b' ' {
                self.at += 1;
            }
            let empty = self.is_line_end();
            if self.at < self.start + indent && !empty || self.at >= self.bytes.len() {
                break;
            }
            let length = self.bytes[self.at..].iter().position(|b| *b == b'\n')?;
            let end = self.at + length;
            if !empty {
                (0..breaks).for_each(|_| text.push('\n'));
                text.push_str(&self.text[self.at..end]);
                breaks = 0;
            }
            breaks += 1;
            self.go_to_line(end + 1);
        }
        match chomp {
            b'-' => {}
            b'+' => (0..breaks).for_each(|_| text.push('\n')),
            _ => text.push('\n'),
        }
        self.needs_expansion |= text == "<<";
        // The line that ends the block is looked at from its beginning.
        self.at = self.start;
        Some(Node {
            content: Content::Scalar(text.into()),
            ..node
        })
    }
}
