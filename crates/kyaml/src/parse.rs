//! From text to trees.
//!
//! Source: go.yaml.in/yaml v3.0 `decode.go`.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::events::{Event, EventComments, EventKind, Parser};
use crate::node::{Comments, Content, Entry, Node, Style, Tag, Text};
use crate::resolve::{self, Rules};
use crate::{Error, Limits, simple};

/// One document of a YAML stream.
#[derive(Clone, Debug)]
pub struct Document {
    /// The document's content.
    pub root: Node,
    /// Comments above the content, separated from it by an empty line.
    pub head_comment: Text,
    /// Comments at the end of the document.
    pub foot_comment: Text,
    /// Whether there is anything that expanding aliases would change.
    pub(crate) needs_expansion: bool,
    /// How many nodes have been read.
    pub(crate) nodes: usize,
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
    match simple::read(text, limits) {
        Some(document) => Ok(Some(document)),
        None => parse_any(text, limits),
    }
}

/// As [`parse_within`], by the way that all texts can take.
pub(crate) fn parse_any(text: &str, limits: &Limits) -> Result<Option<Document>, Error> {
    Builder::new(text, limits)?.document()
}

/// Reads all documents of a text, in order.
///
/// # Errors
/// As [`parse`].
pub fn parse_all(text: &str, limits: &Limits) -> Result<Vec<Document>, Error> {
    let mut builder = Builder::new(text, limits)?;
    let mut documents = Vec::new();
    while let Some(document) = builder.document()? {
        documents.push(document);
    }
    Ok(documents)
}

/// Takes bytes as text.
///
/// # Errors
/// [`Error::Syntax`] with Go's text if they are not UTF-8.
pub fn utf8(bytes: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|err| {
        let rest = &bytes[err.valid_up_to()..];
        let problem = match (rest.first(), err.error_len()) {
            (_, None) => "incomplete UTF-8 octet sequence",
            (Some(0xC0 | 0xC1), _) => "invalid length of a UTF-8 sequence",
            (Some(0xED), _) if matches!(rest.get(1), Some(0xA0..=0xBF)) => {
                "invalid Unicode character"
            }
            (Some(0xC2..=0xF4), _) => "invalid trailing UTF-8 octet",
            _ => "invalid leading UTF-8 octet",
        };
        Error::Syntax {
            line: 0,
            problem: problem.into(),
        }
    })
}

/// Takes bytes as text, UTF-16 with a byte order mark included.
///
/// # Errors
/// [`Error::Syntax`] with Go's text if they are neither.
pub fn decode_text(bytes: &[u8]) -> Result<Cow<'_, str>, Error> {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xFF, 0xFE, ..] => u16::from_le_bytes,
        [0xFE, 0xFF, ..] => u16::from_be_bytes,
        _ => return utf8(bytes).map(Cow::Borrowed),
    };
    let (pairs, rest) = bytes[2..].as_chunks::<2>();
    let text: Result<String, _> =
        char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect();
    let problem = match text {
        Ok(text) if rest.is_empty() => return Ok(Cow::Owned(text)),
        Ok(_) => "incomplete UTF-16 character",
        Err(err) if err.unpaired_surrogate() >= 0xDC00 => "unexpected low surrogate area",
        Err(_) => "expected low surrogate area",
    };
    Err(Error::Syntax {
        line: 0,
        problem: problem.into(),
    })
}

/// A collection that is being read: its node, and where its children begin on the stack of nodes.
struct Frame {
    node: Node,
    first: usize,
}

struct Builder<'a> {
    parser: Parser<'a>,
    frames: Vec<Frame>,
    /// Finished nodes whose collections are not; keys and values of mappings in turn.
    finished: Vec<Node>,
    needs_expansion: bool,
    anchors: HashSet<Text>,
    limits: Limits,
    nodes: usize,
}

impl<'a> Builder<'a> {
    fn new(text: &'a str, limits: &Limits) -> Result<Self, Error> {
        if text.len() > limits.bytes {
            return Err(Error::Limit("input is too large".into()));
        }
        Ok(Self {
            parser: Parser::new(text, limits.depth, Rules::V3)?,
            frames: Vec::new(),
            finished: Vec::new(),
            needs_expansion: false,
            anchors: HashSet::new(),
            limits: *limits,
            nodes: 0,
        })
    }

    fn document(&mut self) -> Result<Option<Document>, Error> {
        let start = self.parser.next_event()?;
        if start.kind == EventKind::StreamEnd {
            return Ok(None);
        }
        self.needs_expansion = false;
        let root = self.root()?;
        let end = self.parser.next_event()?;
        let text = |comments: Option<Box<EventComments>>, foot: bool| {
            let comments = comments.unwrap_or_default();
            Text::from(if foot { comments.foot } else { comments.head })
        };
        Ok(Some(Document {
            root,
            head_comment: text(start.comments, false),
            foot_comment: text(end.comments, true),
            needs_expansion: self.needs_expansion,
            nodes: self.nodes,
        }))
    }

    /// Reads one node and everything below it.
    fn root(&mut self) -> Result<Node, Error> {
        loop {
            let event = self.parser.next_event()?;
            let finished = match event.kind {
                EventKind::SequenceStart | EventKind::MappingStart => {
                    self.open(event)?;
                    continue;
                }
                EventKind::SequenceEnd | EventKind::MappingEnd => self.close(event),
                EventKind::Alias => Some(self.alias(event)?),
                _ => Some(self.scalar(event)?),
            };
            if let Some(node) = finished {
                if self.frames.is_empty() {
                    return Ok(node);
                }
                self.add(node);
            }
        }
    }

    /// A node of an event, with its tag, comments, anchor and place.
    fn node(&mut self, event: Event, content: Content, implied: Tag) -> Result<Node, Error> {
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            return Err(Error::Limit("document has too many nodes".into()));
        }
        let mut node = Node::raw(content, implied);
        node.style = event.style;
        node.line = event.mark.line + 1;
        node.column = event.mark.column + 1;
        if let Some(tag) = event.tag.filter(|tag| tag != "!") {
            node.set_tag_text(&tag);
            node.style = node.style.with(Style::TAGGED);
        }
        if let Some(comments) = event.comments {
            *node.comments_mut() = Comments {
                head: comments.head.into(),
                line: comments.line.into(),
                foot: comments.foot.into(),
            };
        }
        if let Some(anchor) = event.anchor {
            self.needs_expansion = true;
            self.anchors.insert(anchor.clone());
            node.set_anchor(Some(anchor));
        }
        Ok(node)
    }

    fn scalar(&mut self, mut event: Event) -> Result<Node, Error> {
        let text = std::mem::take(&mut event.text);
        let implied = match event.style {
            Style::PLAIN if event.tag.as_ref().is_some_and(|tag| tag != "!") => Tag::Unset,
            Style::PLAIN if text == "<<" => Tag::Merge,
            Style::PLAIN => resolve::plain(&text, Rules::V3).0,
            _ => Tag::Str,
        };
        // Merge keys, and null keys, which are copied twice.
        self.needs_expansion |= text == "<<" || implied == Tag::Null && !text.is_empty();
        self.node(event, Content::Scalar(text), implied)
    }

    fn alias(&mut self, mut event: Event) -> Result<Node, Error> {
        let name = std::mem::take(&mut event.text);
        if !self.anchors.contains(&name) {
            return Err(Error::Invalid(format!(
                "unknown anchor '{name}' referenced"
            )));
        }
        self.needs_expansion = true;
        self.node(event, Content::Alias(name), Tag::Unset)
    }

    fn open(&mut self, event: Event) -> Result<(), Error> {
        if self.frames.len() >= self.limits.depth {
            return Err(Error::too_deep());
        }
        let (content, tag) = match event.kind {
            EventKind::SequenceStart => (Content::Sequence(Vec::new().into()), Tag::Seq),
            _ => (Content::Mapping(Vec::new().into()), Tag::Map),
        };
        let node = self.node(event, content, tag)?;
        let first = self.finished.len();
        self.frames.push(Frame { node, first });
        Ok(())
    }

    /// Ends the innermost collection. Its foot comment belongs to the last key of a block mapping.
    fn close(&mut self, event: Event) -> Option<Node> {
        let Frame { mut node, first } = self.frames.pop()?;
        let mut children = self.finished.drain(first..);
        match &mut node.content {
            Content::Sequence(items) => *items = children.collect::<Vec<_>>().into(),
            Content::Mapping(entries) => {
                let mut pairs = Vec::with_capacity(children.len() / 2);
                while let (Some(key), Some(value)) = (children.next(), children.next()) {
                    pairs.push(Entry { key, value });
                }
                *entries = pairs.into();
            }
            _ => drop(children),
        }
        let Some(comments) = event.comments else {
            if node.extra.is_some() {
                let own = node.comments_mut();
                own.line = Text::default();
                own.foot = Text::default();
            }
            return Some(node);
        };
        node.comments_mut().line = comments.line.into();
        let mut foot = Text::from(comments.foot);
        if !foot.is_empty()
            && !node.style.has(Style::FLOW)
            && let Some(last) = node.entries_mut().and_then(|entries| entries.last_mut())
        {
            last.key.comments_mut().foot = std::mem::take(&mut foot);
        }
        node.comments_mut().foot = foot;
        Some(node)
    }

    /// Adds a finished node to the innermost collection. In a mapping, the foot comment of a key stands
    /// below the pair before it, and that of a value belongs to its key.
    fn add(&mut self, mut node: Node) {
        let commented = node.extra.is_some();
        let mapping = self
            .frames
            .last()
            .filter(|frame| commented && frame.node.is_mapping());
        if let Some(frame) = mapping {
            let count = self.finished.len() - frame.first;
            let block = !frame.node.style.has(Style::FLOW);
            let target = if count % 2 == 1 {
                self.finished
                    .last_mut()
                    .filter(|key| key.comments().foot.is_empty())
            } else if block && count >= 2 {
                let at = self.finished.len() - 2;
                self.finished.get_mut(at)
            } else {
                None
            };
            if let Some(target) = target
                && let Some(foot) = take_foot(&mut node)
            {
                target.comments_mut().foot = foot;
            }
        }
        self.finished.push(node);
    }
}

/// Takes the foot comment of a node.
fn take_foot(node: &mut Node) -> Option<Text> {
    let foot = &mut node.extra.as_mut()?.comments.foot;
    Some(std::mem::take(foot)).filter(|foot| !foot.is_empty())
}
