//! From text to trees.

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

use crate::node::{Content, Entry, Node, Style, Tag, Text};
use crate::resolve::{self, Rules};
use crate::{Error, Limits};

/// One document of a YAML stream.
#[derive(Clone, Debug)]
pub struct Document {
    /// The document's content.
    pub root: Node,
    /// Comments above the content, separated from it by an empty line.
    pub head_comment: Text,
    /// Comments at the end of the document.
    pub foot_comment: Text,
}

/// Reads the first document of a text; `None` if there is none at all (no content, only comments).
///
/// # Errors
/// [`Error::Syntax`] if the text is not YAML, [`Error::Limit`] beyond the default [`Limits`].
pub fn parse(text: &str) -> Result<Option<Document>, Error> {
    parse_within(text, &Limits::default())
}

/// As [`parse`], within other limits.
///
/// # Errors
/// As [`parse`].
pub fn parse_within(text: &str, limits: &Limits) -> Result<Option<Document>, Error> {
    documents(text, limits, 1).map(|documents| documents.into_iter().next())
}

/// Reads all documents of a text, in order.
///
/// # Errors
/// As [`parse`].
pub fn parse_all(text: &str, limits: &Limits) -> Result<Vec<Document>, Error> {
    documents(text, limits, usize::MAX)
}

struct Frame {
    node: Node,
    key: Option<Node>,
}

struct Builder {
    stack: Vec<Frame>,
    names: std::collections::BTreeMap<usize, Text>,
    done: Vec<Document>,
    nodes: usize,
}

fn documents(text: &str, limits: &Limits, most: usize) -> Result<Vec<Document>, Error> {
    if text.len() > limits.bytes {
        return Err(Error::Limit("input is too large".into()));
    }
    let mut options = granit_parser::options! {
        emit_anchor_events: true,
        flow_nesting_limit: limits.depth,
        block_nesting_limit: limits.depth,
    };
    options.set_emit_comments(false);
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut builder = Builder {
        stack: Vec::new(),
        names: std::collections::BTreeMap::new(),
        done: Vec::new(),
        nodes: 0,
    };
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|err| Error::Syntax {
            line: err.marker().line(),
            problem: err.info(),
        })?;
        builder.event(event, span);
        if builder.nodes > limits.nodes {
            return Err(Error::Limit("document has too many nodes".into()));
        }
        if builder.done.len() >= most {
            break;
        }
    }
    Ok(builder.done)
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Span) {
        match event {
            Event::Scalar(text, style, _, tag) => {
                let node = scalar(Text::from(text), style, tag.as_deref(), span);
                self.add(node);
            }
            Event::Alias(id) => {
                let name = self.names.get(&id).cloned().unwrap_or_default();
                self.add(placed(Node::raw(Content::Alias(name), Tag::Unset), span));
            }
            Event::Anchor(id, name) => {
                let name = Text::from(name);
                self.names.insert(id, name.clone());
                if let Some(node) = self.last() {
                    node.set_anchor(Some(name));
                }
            }
            Event::SequenceStart(style, _, tag) => {
                self.open(Node::sequence(), style, tag.as_deref(), span);
            }
            Event::MappingStart(style, _, tag) => {
                self.open(Node::mapping(), style, tag.as_deref(), span);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(frame) = self.stack.pop() {
                    self.add(frame.node);
                }
            }
            _ => {}
        }
    }

    fn open(
        &mut self,
        mut node: Node,
        style: StructureStyle,
        tag: Option<&granit_parser::Tag>,
        span: Span,
    ) {
        if style == StructureStyle::Flow {
            node.style = Style::FLOW;
        }
        if let Some(tag) = tag {
            node.set_tag_text(&tag.to_string());
            node.style = node.style.with(Style::TAGGED);
        }
        self.nodes += 1;
        self.stack.push(Frame {
            node: placed(node, span),
            key: None,
        });
    }

    fn add(&mut self, node: Node) {
        self.nodes += 1;
        match self.stack.last_mut() {
            None => self.done.push(Document {
                root: node,
                head_comment: Text::default(),
                foot_comment: Text::default(),
            }),
            Some(frame) => match &mut frame.node.content {
                Content::Sequence(items) => items.push(node),
                Content::Mapping(entries) => match frame.key.take() {
                    None => frame.key = Some(node),
                    Some(key) => entries.push(Entry { key, value: node }),
                },
                _ => {}
            },
        }
    }

    fn last(&mut self) -> Option<&mut Node> {
        let Some(frame) = self.stack.last_mut() else {
            return self.done.last_mut().map(|document| &mut document.root);
        };
        if let Some(key) = &mut frame.key {
            return Some(key);
        }
        if frame.node.is_null_or_empty() {
            return Some(&mut frame.node);
        }
        match &mut frame.node.content {
            Content::Sequence(items) => items.last_mut(),
            Content::Mapping(entries) => entries.last_mut().map(|entry| &mut entry.value),
            _ => None,
        }
    }
}

fn placed(mut node: Node, span: Span) -> Node {
    node.line = u32::try_from(span.start.line()).unwrap_or(u32::MAX);
    node.column = u32::try_from(span.start.col() + 1).unwrap_or(u32::MAX);
    node
}

fn scalar(text: Text, style: ScalarStyle, tag: Option<&granit_parser::Tag>, span: Span) -> Node {
    let style = match style {
        ScalarStyle::Plain => Style::PLAIN,
        ScalarStyle::SingleQuoted => Style::SINGLE_QUOTED,
        ScalarStyle::DoubleQuoted => Style::DOUBLE_QUOTED,
        ScalarStyle::Literal => Style::LITERAL,
        ScalarStyle::Folded => Style::FOLDED,
    };
    let implied = match style {
        Style::PLAIN if text == "<<" => Tag::Merge,
        Style::PLAIN => resolve::plain(&text, Rules::V3).0,
        _ => Tag::Str,
    };
    let mut node = Node::raw(Content::Scalar(text), implied);
    node.style = style;
    if let Some(tag) = tag {
        node.set_tag_text(&tag.to_string());
        node.style = style.with(Style::TAGGED);
    }
    placed(node, span)
}
