//! Tokens to nodes, with the errors of Go's parser.
//!
//! Source: Go 1.26 `text/template/parse/parse.go`

mod control;
mod pipeline;

use std::collections::HashMap;
use std::sync::Arc;

use crate::lex::{Item, Kind, Lexer};
use crate::node::{Id, Node, NodeKind, Source};
use crate::template::Template;
use crate::text::Str;

/// Control structures inside one another, and likewise parentheses.
const DEPTH: usize = 10_000;

/// The longest text that is parsed, in bytes.
const LENGTH: usize = 64 << 20;

/// Stack that has to be left before a step deeper, and what is taken when it is not.
const RED_ZONE: usize = 64 << 10;
const SEGMENT: usize = 1 << 20;

/// Runs `step` with enough stack for it, however deep the caller is.
pub(crate) fn deeper<T>(step: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(RED_ZONE, SEGMENT, step)
}

/// Why a text could not be parsed, in Go's words: `template: NAME:LINE: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError(pub(crate) String);

impl std::fmt::Display for ParseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ParseError {}

/// The state Go keeps per tree: a definition inside a text has its own.
struct Tree {
    /// Up to three tokens looked at; the first is the last one that was read.
    tokens: [Item; 3],
    peeked: usize,
    variables: Vec<Str>,
    action_line: usize,
    ranges: usize,
    parens: usize,
}

impl Tree {
    fn new() -> Self {
        Self {
            tokens: [Item::NONE, Item::NONE, Item::NONE],
            peeked: 0,
            variables: vec![Str::from("$")],
            action_line: 0,
            ranges: 0,
            parens: 0,
        }
    }
}

pub(crate) struct Parser<'a> {
    name: &'a str,
    text: &'a [u8],
    is_function: &'a dyn Fn(&str) -> bool,
    lexer: Lexer<'a>,
    tree: Tree,
    nodes: Vec<Node>,
    depth: usize,
    /// What was defined, in order, with the root of each.
    defined: Vec<(Str, Id)>,
    /// Where each name is in that list.
    names: HashMap<Str, usize>,
}

type Parsed<T> = Result<T, ParseError>;

/// What a list of nodes ended with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    End,
    Else(usize),
}

impl Ending {
    fn describe(self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else(_) => "{{else}}",
        }
    }
}

/// A node, or what ends a list of them.
enum Found {
    Node(Id),
    Ending(Ending),
}

/// Parses `text`: the definitions in it and, last, the text itself under `name`.
///
/// # Errors
/// A [`ParseError`] for the first mistake.
pub(crate) fn parse(
    name: &str,
    text: &Str,
    is_function: &dyn Fn(&str) -> bool,
) -> Parsed<Vec<Template>> {
    if text.len() > LENGTH {
        let text = format!("template: {name}:1: text is longer than {LENGTH} bytes");
        return Err(ParseError(text));
    }
    let mut lexer = Lexer::new(text);
    lexer.keywords = (!is_function("break"), !is_function("continue"));
    let mut parser = Parser {
        name,
        text,
        is_function,
        lexer,
        tree: Tree::new(),
        nodes: Vec::new(),
        depth: 0,
        defined: Vec::new(),
        names: HashMap::new(),
    };
    let root = parser.text()?;
    parser.define(Str::from(name), root)?;
    let (mut nodes, defined) = (parser.nodes, parser.defined);
    // A chart's templates are kept as long as the chart.
    nodes.shrink_to_fit();
    let source = Arc::new(Source {
        name: name.into(),
        text: text.clone(),
        nodes,
    });
    let template = |(name, root)| Template::new(name, root, Arc::clone(&source));
    Ok(defined.into_iter().map(template).collect())
}

impl Parser<'_> {
    fn next(&mut self) -> Item {
        if self.tree.peeked > 0 {
            self.tree.peeked -= 1;
        } else {
            self.tree.tokens[0] = self.lexer.next_item();
        }
        self.tree.tokens[self.tree.peeked]
    }

    fn backup(&mut self) {
        self.tree.peeked += 1;
    }

    /// Goes back by two tokens; the later one is in its place.
    fn backup2(&mut self, first: Item) {
        self.tree.tokens[1] = first;
        self.tree.peeked = 2;
    }

    fn backup3(&mut self, first: Item, second: Item) {
        self.tree.tokens[1] = second;
        self.tree.tokens[2] = first;
        self.tree.peeked = 3;
    }

    fn peek(&mut self) -> Item {
        if self.tree.peeked == 0 {
            self.tree.peeked = 1;
            self.tree.tokens[0] = self.lexer.next_item();
        }
        self.tree.tokens[self.tree.peeked - 1]
    }

    fn next_non_space(&mut self) -> Item {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek_non_space(&mut self) -> Item {
        let token = self.next_non_space();
        self.backup();
        token
    }

    fn error<T>(&self, message: impl std::fmt::Display) -> Parsed<T> {
        let line = self.tree.tokens[0].line;
        let text = format!("template: {}:{line}: {message}", self.name);
        Err(ParseError(text))
    }

    fn unexpected<T>(&self, token: &Item, context: &str) -> Parsed<T> {
        if token.kind != Kind::Error {
            let described = token.describe(self.text);
            return self.error(format_args!("unexpected {described} in {context}"));
        }
        let described = &self.lexer.mistake;
        let started = self.tree.action_line;
        if started == 0 || started == token.line {
            return self.error(described);
        }
        let action = if described.ends_with(" action") {
            ""
        } else {
            " in action"
        };
        let name = self.name;
        self.error(format_args!(
            "{described}{action} started at {name}:{started}"
        ))
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parsed<Item> {
        let token = self.next_non_space();
        if token.kind != kind {
            return self.unexpected(&token, context);
        }
        Ok(token)
    }

    fn value(&self, token: &Item) -> &[u8] {
        &self.text[token.start..token.end]
    }

    fn node(&mut self, position: usize, kind: NodeKind) -> Id {
        let position = u32::try_from(position).unwrap_or(u32::MAX);
        self.nodes.push(Node { position, kind });
        u32::try_from(self.nodes.len() - 1).unwrap_or(u32::MAX)
    }

    fn kind(&self, id: Id) -> &NodeKind {
        &self.nodes[id as usize].kind
    }

    /// The whole text: nodes, and definitions at its top.
    fn text(&mut self) -> Parsed<Id> {
        let position = self.peek().start;
        let mut list = Vec::new();
        while self.peek().kind != Kind::Eof {
            if self.peek().kind == Kind::LeftDelimiter {
                let delimiter = self.next();
                if self.next_non_space().kind == Kind::Define {
                    self.definition()?;
                    continue;
                }
                self.backup2(delimiter);
            }
            match self.text_or_action()? {
                Found::Node(node) => list.push(node),
                Found::Ending(ending) => {
                    return self.error(format_args!("unexpected {}", ending.describe()));
                }
            }
        }
        Ok(self.node(position, NodeKind::List(list)))
    }

    /// Enters a tree under its name; an empty one gives way to another.
    fn define(&mut self, name: Str, root: Id) -> Parsed<()> {
        match self.names.get(&name).copied() {
            Some(at) if !self.is_empty(self.defined[at].1) => {
                if !self.is_empty(root) {
                    let name = crate::quote::quoted(&name);
                    return self.error(format_args!(
                        "template: multiple definition of template {name}"
                    ));
                }
            }
            Some(at) => self.defined[at].1 = root,
            None => {
                self.names.insert(name.clone(), self.defined.len());
                self.defined.push((name, root));
            }
        }
        Ok(())
    }

    fn is_empty(&self, root: Id) -> bool {
        is_empty(self.text, &self.nodes, root)
    }

    /// Nodes up to an `{{end}}` or `{{else}}`.
    fn list(&mut self) -> Parsed<(Id, Ending)> {
        let position = self.peek_non_space().start;
        let mut list = Vec::new();
        while self.peek_non_space().kind != Kind::Eof {
            match self.text_or_action()? {
                Found::Node(node) => list.push(node),
                Found::Ending(ending) => {
                    return Ok((self.node(position, NodeKind::List(list)), ending));
                }
            }
        }
        self.error("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Parsed<Found> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Text => {
                let end = u32::try_from(token.end).unwrap_or(u32::MAX);
                Ok(Found::Node(self.node(token.start, NodeKind::Text { end })))
            }
            Kind::LeftDelimiter => {
                self.tree.action_line = token.line;
                let found = self.action();
                if found.is_ok() {
                    self.tree.action_line = 0;
                }
                found
            }
            _ => self.unexpected(&token, "input"),
        }
    }
}

/// Whether a tree of `text` holds nothing but white space.
pub(crate) fn is_empty(text: &[u8], nodes: &[Node], root: Id) -> bool {
    let mut todo = vec![root];
    while let Some(id) = todo.pop() {
        let node = &nodes[id as usize];
        match node.kind {
            NodeKind::List(ref list) => todo.extend(list),
            NodeKind::Text { end } if is_blank(node.text(text, end)) => {}
            _ => return false,
        }
    }
    true
}

/// Go trims all white space here, the one outside of ASCII too.
fn is_blank(text: &[u8]) -> bool {
    let rest = text.trim_ascii_start();
    match rest.first() {
        None => true,
        Some(first) if first.is_ascii_graphic() => false,
        Some(_) => crate::unicode::lossy(rest).trim().is_empty(),
    }
}
