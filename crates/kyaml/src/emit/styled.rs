//! The form a node was written in: order, styles, tags, anchors and comments kept, as yaml.v3's encoder
//! prints it with kyaml's settings.
//!
//! Source: go.yaml.in/yaml v3.0 `encode.go`, `emitterc.go`; kyaml v0.21 `yaml/alias.go`.

mod comments;
mod flow;

use super::analysis::Analysis;
use super::printer::Printer;
use crate::node::{Content, Entry, Node, Style, Tag};
use crate::resolve::{self, Rules};
use crate::{Document, Error, Limits};

/// How lists are indented below their key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SequenceIndent {
    /// Level with the key.
    #[default]
    Compact,
    /// Two spaces deeper.
    Wide,
}

impl Node {
    /// The node as it was written, with comments and styles.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the tree cannot be printed.
    pub fn to_styled(&self) -> Result<String, Error> {
        self.to_styled_with(SequenceIndent::Compact)
    }

    /// As [`Node::to_styled`], with a choice of indentation.
    ///
    /// # Errors
    /// As [`Node::to_styled`].
    pub fn to_styled_with(&self, sequences: SequenceIndent) -> Result<String, Error> {
        let mut out = String::new();
        Emitter::new(&mut out, sequences).document(self, "", "")?;
        Ok(out)
    }

    /// As [`Node::to_styled`], with `columns` (2 to 9) per level, lists included.
    ///
    /// # Errors
    /// As [`Node::to_styled`].
    pub fn to_styled_indented(&self, columns: usize) -> Result<String, Error> {
        let mut out = String::new();
        let mut emitter = Emitter::new(&mut out, SequenceIndent::Wide);
        emitter.printer.best_indent = columns.clamp(2, 9);
        emitter.document(self, "", "")?;
        Ok(out)
    }

    /// As [`Node::to_styled`], between the comments that stood at the top and at the end of its document:
    /// for what upstream reads again, and for the lines in its errors.
    ///
    /// # Errors
    /// As [`Node::to_styled`].
    pub fn to_styled_document(&self) -> Result<String, Error> {
        let (head, foot) = self.extra.as_ref().map_or(("", ""), |extra| {
            (extra.document_head.as_str(), extra.document_foot.as_str())
        });
        let mut out = String::new();
        Emitter::new(&mut out, SequenceIndent::Compact).document(self, head, foot)?;
        Ok(out)
    }
}

impl Document {
    /// The document as it was written, with comments and styles.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the tree cannot be printed.
    pub fn to_styled(&self) -> Result<String, Error> {
        self.to_styled_with(SequenceIndent::Compact)
    }

    /// As [`Document::to_styled`], with a choice of indentation.
    ///
    /// # Errors
    /// As [`Document::to_styled`].
    pub fn to_styled_with(&self, sequences: SequenceIndent) -> Result<String, Error> {
        let mut out = String::new();
        let mut emitter = Emitter::new(&mut out, sequences);
        emitter.document(&self.root, &self.head_comment, &self.foot_comment)?;
        Ok(out)
    }
}

/// Where a node stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Item,
    /// A key without `?`.
    SimpleKey,
    /// A key with `?`.
    ComplexKey,
    /// A value.
    Mapped,
}

/// Comments that are waiting to be written.
#[derive(Default)]
struct Pending<'n> {
    head: &'n str,
    line: &'n str,
    foot: &'n str,
    tail: &'n str,
    /// The line comment of a key.
    key_line: &'n str,
}

struct Emitter<'n, 'o> {
    printer: Printer<'o>,
    compact: bool,
    /// -1 before the first collection.
    indent: i64,
    flow_level: usize,
    depth: usize,
    pending: Pending<'n>,
}

/// What is written of a node's tag, and whether a plain string needs quotes.
struct Tagging<'n> {
    tag: &'n str,
    quote: bool,
}

impl<'n, 'o> Emitter<'n, 'o> {
    fn new(out: &'o mut String, sequences: SequenceIndent) -> Self {
        Self {
            printer: Printer::new(out, Rules::V3),
            compact: sequences == SequenceIndent::Compact,
            indent: -1,
            flow_level: 0,
            depth: 0,
            pending: Pending::default(),
        }
    }

    fn document(&mut self, root: &'n Node, head: &'n str, foot: &'n str) -> Result<(), Error> {
        if !head.is_empty() {
            self.pending.head = head;
            self.head_comment();
            self.printer.put_break();
        }
        self.announce(root);
        self.head_comment();
        self.node(root, Place::Root)?;
        if !foot.is_empty() {
            self.pending.foot = foot;
        }
        self.printer.foot_indent = Some(0);
        self.foot_comment();
        self.printer.foot_indent = None;
        self.write_indent();
        Ok(())
    }

    fn write_indent(&mut self) {
        self.printer.indent = usize::try_from(self.indent).unwrap_or(0);
        self.printer.write_indent();
    }

    fn node(&mut self, node: &'n Node, place: Place) -> Result<(), Error> {
        match &node.content {
            Content::Alias(name) => {
                self.printer.indicator("*");
                self.printer.put_str(name);
                self.after_start(place);
                Ok(())
            }
            Content::Scalar(_) => {
                self.scalar(node, place);
                self.after_start(place);
                Ok(())
            }
            Content::Sequence(items) => {
                self.properties(node, tagging(node).tag);
                self.after_start(place);
                let flow = self.flow_level > 0 || node.style.has(Style::FLOW) || items.is_empty();
                self.enter()?;
                if flow {
                    self.flow_sequence(node, items, place)?;
                } else {
                    self.block_sequence(node, items, place)?;
                }
                self.depth -= 1;
                Ok(())
            }
            Content::Mapping(entries) => {
                self.properties(node, tagging(node).tag);
                self.after_start(place);
                let flow = self.flow_level > 0 || node.style.has(Style::FLOW) || entries.is_empty();
                self.enter()?;
                if flow {
                    self.flow_mapping(node, entries, place)?;
                } else {
                    self.block_mapping(node, entries, place)?;
                }
                self.depth -= 1;
                Ok(())
            }
        }
    }

    fn enter(&mut self) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > Limits::DEPTH + 1 {
            return Err(Error::too_deep());
        }
        Ok(())
    }

    fn properties(&mut self, node: &Node, tag: &str) {
        if let Some(anchor) = node.anchor() {
            self.printer.indicator("&");
            self.printer.put_str(anchor);
        }
        if tag.is_empty() {
            return;
        }
        let long = "tag:yaml.org,2002:";
        if let Some(suffix) = tag.strip_prefix("!!").or_else(|| tag.strip_prefix(long)) {
            self.printer.indicator("!!");
            self.tag_content(suffix);
        } else if let Some(suffix) = tag.strip_prefix('!') {
            self.printer.indicator("!");
            self.tag_content(suffix);
        } else {
            self.printer.indicator("!<");
            self.tag_content(tag);
            self.printer.tight_indicator(">");
        }
    }

    fn tag_content(&mut self, tag: &str) {
        for byte in tag.bytes() {
            let plain = byte.is_ascii_alphanumeric() || b"-_;/?:@&=+$,.~*'()[]".contains(&byte);
            if plain {
                self.printer.put(char::from(byte));
            } else {
                self.printer.put_str(&format!("%{byte:02X}"));
            }
        }
    }

    /// Goes deeper: into a flow collection or scalar, or a block collection.
    fn increase(&mut self, flow: bool, in_sequence: bool, compact: bool) -> i64 {
        let outer = self.indent;
        let best = i64::try_from(self.printer.best_indent).unwrap_or(2);
        self.indent = if outer < 0 {
            if flow { best } else { 0 }
        } else if in_sequence {
            outer + 2
        } else {
            best * ((outer + best) / best) - if compact { 2 } else { 0 }
        };
        outer
    }

    fn block_sequence(
        &mut self,
        node: &'n Node,
        items: &'n [Node],
        place: Place,
    ) -> Result<(), Error> {
        let level = matches!(place, Place::Mapped | Place::ComplexKey)
            && (self.printer.column == 0 || !self.printer.indention)
            && self.compact;
        let outer = self.increase(false, self.is_item(place), level);
        for item in items {
            self.announce(item);
            self.head_comment();
            self.write_indent();
            self.printer.indention_indicator("-");
            self.node(item, Place::Item)?;
        }
        self.announce_end(node, place);
        self.indent = outer;
        Ok(())
    }

    fn is_item(&self, place: Place) -> bool {
        place == Place::Item && self.flow_level == 0
    }

    fn block_mapping(
        &mut self,
        node: &'n Node,
        entries: &'n [Entry],
        place: Place,
    ) -> Result<(), Error> {
        let outer = self.increase(false, self.is_item(place), false);
        let mut tail = "";
        for entry in entries {
            self.announce_key(&entry.key, tail);
            tail = &entry.key.comments().foot;
            self.head_comment();
            self.write_indent();
            if !self.pending.line.is_empty() {
                self.pending.key_line = std::mem::take(&mut self.pending.line);
            }
            if self.is_simple_key(&entry.key) {
                self.node(&entry.key, Place::SimpleKey)?;
                self.announce(&entry.value);
                self.printer.tight_indicator(":");
            } else {
                self.printer.indention_indicator("?");
                self.node(&entry.key, Place::ComplexKey)?;
                self.announce(&entry.value);
                self.write_indent();
                self.printer.indention_indicator(":");
            }
            self.key_line_comment(&entry.value);
            self.node(&entry.value, Place::Mapped)?;
        }
        if !tail.is_empty() {
            self.pending.tail = tail;
        }
        self.announce_end(node, place);
        self.head_comment();
        self.indent = outer;
        Ok(())
    }

    /// Whether a key needs no `?`: short, in one line, and no filled collection.
    fn is_simple_key(&self, key: &Node) -> bool {
        let anchor = key.anchor().map_or(0, str::len);
        let tag = tagging(key).tag;
        let length = match &key.content {
            Content::Alias(name) => name.len(),
            Content::Scalar(text) => {
                if Analysis::of(text, Rules::V3).multiline {
                    return false;
                }
                anchor + tag.len() + text.len()
            }
            Content::Sequence(items) if items.is_empty() => anchor + tag.len(),
            Content::Mapping(entries) if entries.is_empty() => anchor + tag.len(),
            _ => return false,
        };
        length <= 128
    }

    fn scalar(&mut self, node: &Node, place: Place) {
        let text = node.text();
        let tagging = tagging(node);
        let key = place == Place::SimpleKey;
        let analysis = Analysis::of(text, Rules::V3);
        let style = self.scalar_style(node, &tagging, &analysis, key);
        self.properties(node, tagging.tag);
        let outer = self.increase(true, self.is_item(place), false);
        self.printer.indent = usize::try_from(self.indent).unwrap_or(0);
        match style {
            Style::SINGLE_QUOTED => self.printer.single_quoted(text, !key, analysis.multiline),
            Style::DOUBLE_QUOTED => self.printer.double_quoted(text, !key),
            Style::LITERAL | Style::FOLDED => {
                let literal = style == Style::LITERAL;
                self.printer.indicator(if literal { "|" } else { ">" });
                self.printer.block_hints(text);
                if self.pending.line.is_empty() {
                    self.printer.put_break();
                } else {
                    self.line_comment();
                }
                self.printer.indent = usize::try_from(self.indent).unwrap_or(0);
                if literal {
                    self.printer.literal_lines(text);
                } else {
                    self.printer.folded_lines(text);
                }
            }
            _ => self.printer.plain(text, !key, analysis.multiline),
        }
        self.indent = outer;
    }

    fn scalar_style(
        &self,
        node: &Node,
        tagging: &Tagging<'_>,
        analysis: &Analysis,
        key: bool,
    ) -> Style {
        let text = node.text();
        let wanted = [
            Style::DOUBLE_QUOTED,
            Style::SINGLE_QUOTED,
            Style::LITERAL,
            Style::FOLDED,
        ];
        let mut style = match wanted.into_iter().find(|style| node.style.has(*style)) {
            Some(style) => style,
            None if text.contains('\n') => Style::LITERAL,
            None if tagging.quote => Style::DOUBLE_QUOTED,
            None => Style::PLAIN,
        };
        if key && analysis.multiline {
            style = Style::DOUBLE_QUOTED;
        }
        let flow = self.flow_level > 0;
        if style == Style::PLAIN {
            let allowed = if flow {
                analysis.flow_plain
            } else {
                analysis.block_plain
            };
            if !allowed || text.is_empty() && (flow || key) {
                style = Style::SINGLE_QUOTED;
            }
        }
        if style == Style::SINGLE_QUOTED && !analysis.single_quoted {
            style = Style::DOUBLE_QUOTED;
        }
        let block = style == Style::LITERAL || style == Style::FOLDED;
        if block && (!analysis.block || flow || key) {
            style = Style::DOUBLE_QUOTED;
        }
        style
    }
}

/// Leaves out a tag that the text implies anyway.
fn tagging(node: &Node) -> Tagging<'_> {
    let tag = node.tag_text();
    let keep = Tagging { tag, quote: false };
    if tag.is_empty() || node.style.has(Style::TAGGED) {
        return keep;
    }
    let drop = Tagging {
        tag: "",
        quote: false,
    };
    match &node.content {
        Content::Mapping(_) if node.tag == Tag::Map => drop,
        Content::Sequence(_) if node.tag == Tag::Seq => drop,
        Content::Scalar(text) => {
            let string = node.tag == Tag::Str;
            if string && node.style.is_quoted() {
                return drop;
            }
            if resolve::plain(text, Rules::V3).0 == node.tag {
                return drop;
            }
            if string {
                return Tagging {
                    tag: "",
                    quote: true,
                };
            }
            keep
        }
        _ => keep,
    }
}
