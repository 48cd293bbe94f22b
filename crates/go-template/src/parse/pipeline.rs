//! Pipelines, their commands and operands.

use super::{DEPTH, Parsed, Parser, deeper};
use crate::Value;
use crate::lex::{Item, Kind};
use crate::node::{Id, NodeKind, Pipe, Source};
use crate::text::Str;
use crate::{number, quote};

impl Parser<'_> {
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Parsed<Id> {
        let position = self.peek_non_space().start;
        let mut pipe = Pipe::default();
        while self.declaration(context, &mut pipe)? {}
        loop {
            let token = self.next_non_space();
            match token.kind {
                kind if kind == end => {
                    self.check(&pipe, context)?;
                    return Ok(self.node(position, NodeKind::Pipe(Box::new(pipe))));
                }
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.backup();
                    let command = self.command()?;
                    pipe.commands.push(command);
                }
                _ => return self.unexpected(&token, context),
            }
        }
    }

    /// A variable that is declared or assigned to. Says whether another may follow.
    fn declaration(&mut self, context: &str, pipe: &mut Pipe) -> Parsed<bool> {
        let variable = self.peek_non_space();
        if variable.kind != Kind::Variable {
            return Ok(false);
        }
        self.next();
        let after = self.peek();
        let next = self.peek_non_space();
        let name = Str::from(self.value(&variable));
        if matches!(next.kind, Kind::Assign | Kind::Declare) {
            pipe.assigns = next.kind == Kind::Assign;
            self.next_non_space();
            pipe.declares.push(name.clone());
            self.tree.variables.push(name);
            return Ok(false);
        }
        if next.kind == Kind::Char && self.value(&next) == b"," {
            self.next_non_space();
            pipe.declares.push(name.clone());
            self.tree.variables.push(name);
            if context != "range" || pipe.declares.len() >= 2 {
                return self.error(format_args!("too many declarations in {context}"));
            }
            return match self.peek_non_space().kind {
                Kind::Variable | Kind::RightDelimiter | Kind::RightParen => Ok(true),
                _ => self.error("range can only initialize variables"),
            };
        }
        if after.kind == Kind::Space {
            self.backup3(variable, after);
        } else {
            self.backup2(variable);
        }
        Ok(false)
    }

    fn check(&self, pipe: &Pipe, context: &str) -> Parsed<()> {
        if pipe.commands.is_empty() {
            return self.error(format_args!("missing value for {context}"));
        }
        for (index, command) in pipe.commands.iter().enumerate().skip(1) {
            let NodeKind::Command(arguments) = self.kind(*command) else {
                continue;
            };
            let first = arguments.first().map(|it| self.kind(*it));
            if matches!(
                first,
                Some(
                    NodeKind::Bool(_)
                        | NodeKind::Dot
                        | NodeKind::Nil
                        | NodeKind::Number(..)
                        | NodeKind::String(..)
                )
            ) {
                let stage = index + 1;
                return self.error(format_args!(
                    "non executable command in pipeline stage {stage}"
                ));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Parsed<Id> {
        let position = self.peek_non_space().start;
        let mut arguments = Vec::new();
        loop {
            self.peek_non_space();
            if let Some(operand) = self.operand()? {
                arguments.push(operand);
            }
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelimiter | Kind::RightParen => self.backup(),
                Kind::Pipe => {}
                _ => return self.unexpected(&token, "operand"),
            }
            break;
        }
        if arguments.is_empty() {
            return self.error("empty command");
        }
        Ok(self.node(position, NodeKind::Command(arguments)))
    }

    /// A term and the fields after it.
    fn operand(&mut self) -> Parsed<Option<Id>> {
        let Some(node) = self.term()? else {
            return Ok(None);
        };
        let next = self.peek();
        if next.kind != Kind::Field {
            return Ok(Some(node));
        }
        let mut fields = Vec::new();
        while self.peek().kind == Kind::Field {
            let token = self.next();
            fields.push(Str::from(&self.value(&token)[1..]));
        }
        let kind = match &mut self.nodes[node as usize].kind {
            NodeKind::Field(names) => NodeKind::Field(join(names, fields)),
            NodeKind::Variable(names) => NodeKind::Variable(join(names, fields)),
            NodeKind::Bool(_)
            | NodeKind::String(..)
            | NodeKind::Number(..)
            | NodeKind::Nil
            | NodeKind::Dot => {
                let term = quote::quoted(&self.print(node));
                return self.error(format_args!("unexpected . after term {term}"));
            }
            _ => NodeKind::Chain(node, fields),
        };
        Ok(Some(self.node(next.start, kind)))
    }

    /// A leaf as it is printed.
    fn print(&mut self, id: Id) -> Vec<u8> {
        let source = Source {
            name: "".into(),
            text: Str::default(),
            nodes: std::mem::take(&mut self.nodes),
        };
        let printed = source.print(id, usize::MAX);
        self.nodes = source.nodes;
        printed
    }

    fn term(&mut self) -> Parsed<Option<Id>> {
        let token = self.next_non_space();
        let value = self.value(&token);
        let kind = match token.kind {
            Kind::Identifier => {
                let name = crate::unicode::lossy(value);
                if !(self.is_function)(&name) {
                    return self.error(format_args!("function \"{name}\" not defined"));
                }
                NodeKind::Identifier(name.into())
            }
            Kind::Dot => NodeKind::Dot,
            Kind::Nil => NodeKind::Nil,
            Kind::Variable => {
                let name = Str::from(value);
                if !self.tree.variables.contains(&name) {
                    let name = quote::quoted(&name);
                    return self.error(format_args!("undefined variable {name}"));
                }
                NodeKind::Variable(vec![name])
            }
            Kind::Field => NodeKind::Field(vec![Str::from(&value[1..])]),
            Kind::Bool => NodeKind::Bool(value == b"true"),
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                return self.constant(&token).map(Some);
            }
            Kind::LeftParen => return self.parenthesised().map(Some),
            Kind::String | Kind::RawString => match quote::unquote(value) {
                Some(text) => {
                    NodeKind::String(Box::new(Value::Str(Str::from(text))), Str::from(value))
                }
                None => return self.error("invalid syntax"),
            },
            _ => {
                self.backup();
                return Ok(None);
            }
        };
        Ok(Some(self.node(token.start, kind)))
    }

    fn constant(&mut self, token: &Item) -> Parsed<Id> {
        let text = crate::unicode::lossy(self.value(token)).into_owned();
        let number = match token.kind {
            Kind::CharConstant => number::character(self.value(token)),
            Kind::Complex => number::complex(&text),
            _ => number::number(&text),
        };
        match number {
            Ok(number) => {
                Ok(self.node(token.start, NodeKind::Number(Box::new(number), text.into())))
            }
            Err(error) => self.error(error),
        }
    }

    fn parenthesised(&mut self) -> Parsed<Id> {
        if self.tree.parens >= DEPTH {
            return self.error("max expression depth exceeded");
        }
        self.tree.parens += 1;
        let pipe = deeper(|| self.pipeline("parenthesized pipeline", Kind::RightParen));
        self.tree.parens -= 1;
        pipe
    }
}

fn join(names: &mut Vec<Str>, fields: Vec<Str>) -> Vec<Str> {
    let mut all = std::mem::take(names);
    all.extend(fields);
    all
}
