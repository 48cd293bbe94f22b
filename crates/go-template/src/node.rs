//! The parsed form of a text: nodes in one flat list, so that no nesting makes dropping it recursive.
//!
//! Source: Go 1.26 `text/template/parse/node.go`

use std::sync::Arc;

use crate::number::Number;
use crate::quote;
use crate::text::Str;

/// A node's place in its [`Source`].
pub(crate) type Id = u32;

/// One parsed text: what `{{define}}` names in it shares its nodes.
#[derive(Debug)]
pub(crate) struct Source {
    /// The name errors begin with.
    pub(crate) name: Arc<str>,
    pub(crate) text: Str,
    pub(crate) nodes: Vec<Node>,
}

#[derive(Debug)]
pub(crate) struct Node {
    /// Where it is, in bytes.
    pub(crate) position: u32,
    pub(crate) kind: NodeKind,
}

// A big chart has a hundred thousand.
const _: () = assert!(size_of::<Node>() <= 40);

#[derive(Debug)]
pub(crate) enum NodeKind {
    List(Vec<Id>),
    /// From the node's position up to here.
    Text {
        end: u32,
    },
    Action(Id),
    Break,
    Continue,
    Branch {
        how: Branch,
        pipe: Id,
        list: Id,
        otherwise: Option<Id>,
    },
    Template {
        name: Str,
        pipe: Option<Id>,
    },
    Pipe(Box<Pipe>),
    /// Its arguments; the first is what is called, if anything is.
    Command(Vec<Id>),
    Identifier(Box<str>),
    Dot,
    Nil,
    Field(Vec<Str>),
    /// The name with its dollar, then fields.
    Variable(Vec<Str>),
    Chain(Id, Vec<Str>),
    Bool(bool),
    /// The constant and its literal.
    Number(Box<Number>, Box<str>),
    /// The text and its literal.
    String(Box<crate::Value>, Str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Branch {
    If,
    Range,
    With,
}

#[derive(Debug, Default)]
pub(crate) struct Pipe {
    pub(crate) assigns: bool,
    /// Names with their dollars.
    pub(crate) declares: Vec<Str>,
    pub(crate) commands: Vec<Id>,
}

impl Node {
    /// The piece of `text` from the node's position to `end`.
    pub(crate) fn text<'a>(&self, text: &'a [u8], end: u32) -> &'a [u8] {
        text.get(self.position as usize..end as usize)
            .unwrap_or_default()
    }
}

/// What is still to be printed of a node.
enum Piece<'a> {
    Node(Id),
    Text(&'a [u8]),
}

impl Source {
    pub(crate) fn kind(&self, id: Id) -> &NodeKind {
        &self.nodes[id as usize].kind
    }

    /// `NAME:LINE:COLUMN` of a node.
    pub(crate) fn location(&self, id: Id) -> String {
        let position = self.nodes[id as usize].position as usize;
        let before = &self.text[..position.min(self.text.len())];
        let line = 1 + before.iter().filter(|it| **it == b'\n').count();
        let start = before
            .iter()
            .rposition(|it| *it == b'\n')
            .map_or(0, |at| at + 1);
        format!("{}:{}:{}", self.name, line, before.len() - start)
    }

    /// A node as Go prints it, which is nearly its text. At most `limit` bytes and what then is one piece.
    pub(crate) fn print(&self, id: Id, limit: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let mut todo = vec![Piece::Node(id)];
        while let Some(piece) = todo.pop() {
            if out.len() > limit {
                break;
            }
            match piece {
                Piece::Text(text) => out.extend_from_slice(text),
                Piece::Node(id) => self.expand(id, &mut out, &mut todo),
            }
        }
        out
    }

    /// Prints what a node begins with and leaves the rest to do, last piece first.
    fn expand<'a>(&'a self, id: Id, out: &mut Vec<u8>, todo: &mut Vec<Piece<'a>>) {
        let before = todo.len();
        match self.kind(id) {
            NodeKind::List(nodes) => todo.extend(nodes.iter().map(|it| Piece::Node(*it))),
            NodeKind::Text { end } => {
                out.extend_from_slice(self.nodes[id as usize].text(&self.text, *end));
            }
            NodeKind::Action(pipe) => {
                todo.extend([Piece::Text(b"{{"), Piece::Node(*pipe), Piece::Text(b"}}")])
            }
            NodeKind::Break => out.extend_from_slice(b"{{break}}"),
            NodeKind::Continue => out.extend_from_slice(b"{{continue}}"),
            NodeKind::Branch {
                how,
                pipe,
                list,
                otherwise,
            } => {
                let start: &[u8] = match how {
                    Branch::If => b"{{if ",
                    Branch::Range => b"{{range ",
                    Branch::With => b"{{with ",
                };
                todo.extend([Piece::Text(start), Piece::Node(*pipe)]);
                todo.extend([Piece::Text(b"}}"), Piece::Node(*list)]);
                if let Some(otherwise) = otherwise {
                    todo.extend([Piece::Text(b"{{else}}"), Piece::Node(*otherwise)]);
                }
                todo.push(Piece::Text(b"{{end}}"));
            }
            NodeKind::Template { name, pipe } => {
                out.extend_from_slice(b"{{template ");
                quote::quote(name, quote::Escapes::Unprintable, out);
                if let Some(pipe) = pipe {
                    todo.extend([Piece::Text(b" "), Piece::Node(*pipe)]);
                }
                todo.push(Piece::Text(b"}}"));
            }
            NodeKind::Pipe(pipe) => expand_pipe(pipe, todo),
            NodeKind::Command(arguments) => {
                for (index, argument) in arguments.iter().enumerate() {
                    if index > 0 {
                        todo.push(Piece::Text(b" "));
                    }
                    self.operand(*argument, todo);
                }
            }
            NodeKind::Chain(node, fields) => {
                self.operand(*node, todo);
                for field in fields {
                    todo.extend([Piece::Text(b"."), Piece::Text(field)]);
                }
            }
            leaf => print_leaf(leaf, out),
        }
        todo[before..].reverse();
    }

    /// A pipeline among operands stands in parentheses.
    fn operand<'a>(&'a self, id: Id, todo: &mut Vec<Piece<'a>>) {
        if matches!(self.kind(id), NodeKind::Pipe(_)) {
            todo.extend([Piece::Text(b"("), Piece::Node(id), Piece::Text(b")")]);
        } else {
            todo.push(Piece::Node(id));
        }
    }
}

fn expand_pipe<'a>(pipe: &'a Pipe, todo: &mut Vec<Piece<'a>>) {
    for (index, name) in pipe.declares.iter().enumerate() {
        if index > 0 {
            todo.push(Piece::Text(b", "));
        }
        todo.push(Piece::Text(name));
    }
    if !pipe.declares.is_empty() {
        todo.push(Piece::Text(if pipe.assigns { b" = " } else { b" := " }));
    }
    for (index, command) in pipe.commands.iter().enumerate() {
        if index > 0 {
            todo.push(Piece::Text(b" | "));
        }
        todo.push(Piece::Node(*command));
    }
}

fn print_leaf(kind: &NodeKind, out: &mut Vec<u8>) {
    match kind {
        NodeKind::Identifier(name) => out.extend_from_slice(name.as_bytes()),
        NodeKind::Dot => out.push(b'.'),
        NodeKind::Nil => out.extend_from_slice(b"nil"),
        NodeKind::Field(names) => {
            for name in names {
                out.push(b'.');
                out.extend_from_slice(name);
            }
        }
        NodeKind::Variable(names) => out.extend_from_slice(&names.join(&b'.')),
        NodeKind::Bool(value) => out.extend_from_slice(value.to_string().as_bytes()),
        NodeKind::Number(_, literal) => out.extend_from_slice(literal.as_bytes()),
        NodeKind::String(_, literal) => out.extend_from_slice(literal),
        _ => {}
    }
}
