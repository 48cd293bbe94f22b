//! What an expression begins with: names, literals, lists, maps, parentheses.

use super::{Parsed, Parser};
use crate::ast::{Entry, Expr, Item, Kind};
use crate::literal;
use crate::token::{Token, TokenKind};
use crate::value::Value;

/// Words that name nothing.
const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

impl Parser<'_> {
    pub(super) fn primary(&mut self) -> Parsed<Expr> {
        let token = self.token();
        if self.starts_operand(token) {
            self.also = "";
        }
        match token.kind {
            TokenKind::Identifier => self.name(token),
            TokenKind::Operator => self.bracketed(token),
            TokenKind::Word if !self.at("in") => {
                self.at += 1;
                let value = match self.text(token).as_str() {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    _ => Value::Null,
                };
                Ok(Expr::literal(token.start, value))
            }
            TokenKind::Int | TokenKind::Uint | TokenKind::Float => {
                Ok(self.number(token, token.start))
            }
            TokenKind::String | TokenKind::Bytes => Ok(self.string(token)),
            TokenKind::Word | TokenKind::Escaped | TokenKind::End => self.no_operand(),
        }
    }

    fn bracketed(&mut self, token: Token) -> Parsed<Expr> {
        if self.at("-") && self.number_follows() {
            self.at += 1;
            return Ok(self.number(self.token(), token.start));
        }
        if self.take("(") {
            let expr = self.expr()?;
            self.expect(")")?;
            return Ok(expr);
        }
        if self.take("[") {
            return self.list(token.start);
        }
        if self.take("{") {
            return self.map(token.start);
        }
        if self.take(".") {
            let token = self.token();
            if token.kind == TokenKind::Identifier {
                return self.name(token);
            }
            let next = match token.kind {
                TokenKind::End => String::new(),
                _ => self.text(token),
            };
            return self.syntax_error(format!("no viable alternative at input '.{next}'"));
        }
        self.no_operand()
    }

    fn no_operand<T>(&mut self) -> Parsed<T> {
        let text = self.text(self.token());
        let next = self.ahead(1);
        let also = [")", "]", "}", ",", "?"]
            .iter()
            .any(|text| self.also.contains(text) && self.is(next, text));
        let continues = self.starts_operand(next) || also;
        let extra = continues && self.token().kind != TokenKind::End;
        let what = if extra { "extraneous" } else { "mismatched" };
        let set = self.operands();
        self.syntax_error(format!("{what} input '{text}' expecting {set}"))
    }

    fn name(&mut self, token: Token) -> Parsed<Expr> {
        self.at += 1;
        let name = self.text(token);
        if RESERVED.contains(&name.as_str()) {
            self.issue(token.start, format!("reserved identifier: {name}"));
        }
        let open = self.token().start;
        if self.take("(") {
            let args = self.arguments()?;
            return self.function(open, &name, args);
        }
        Ok(Expr::ident(token.start, &name))
    }

    /// The arguments of a call, and the parenthesis after them.
    pub(super) fn arguments(&mut self) -> Parsed<Vec<Expr>> {
        let mut args = Vec::new();
        if self.take(")") {
            return Ok(args);
        }
        self.also = ")";
        loop {
            args.push(self.expr()?);
            if !self.take(",") {
                self.expect(")")?;
                return Ok(args);
            }
        }
    }

    fn list(&mut self, at: usize) -> Parsed<Expr> {
        let mut items = Vec::new();
        if self.is_empty("]")? {
            return Ok(Expr::new(at, Kind::List(items)));
        }
        self.also = "],?";
        loop {
            let optional = self.take("?");
            let value = self.expr()?;
            items.push(Item { value, optional });
            if !self.followed_by_more("]")? {
                break;
            }
        }
        Ok(Expr::new(at, Kind::List(items)))
    }

    /// After an element: whether another may come. A comma before the closing bracket is allowed.
    fn followed_by_more(&mut self, close: &str) -> Parsed<bool> {
        if self.take(",") {
            if self.at(",") {
                self.expect(close)?;
            }
            return Ok(!self.take(close));
        }
        if self.take(close) {
            return Ok(false);
        }
        self.expected(format!("{{'{close}', ','}}"), &[close, ","])
    }

    /// Whether nothing is between the brackets; a comma alone is nothing.
    fn is_empty(&mut self, close: &str) -> Parsed<bool> {
        if self.take(",") {
            self.expect(close)?;
            return Ok(true);
        }
        Ok(self.take(close))
    }

    fn map(&mut self, at: usize) -> Parsed<Expr> {
        let mut entries = Vec::new();
        if self.is_empty("}")? {
            return Ok(Expr::new(at, Kind::Map(entries)));
        }
        self.also = "},?";
        loop {
            let optional = self.take("?");
            let key = self.expr()?;
            self.expect(":")?;
            let value = self.expr()?;
            entries.push(Entry {
                key,
                value,
                optional,
            });
            if !self.followed_by_more("}")? {
                break;
            }
        }
        Ok(Expr::new(at, Kind::Map(entries)))
    }

    /// The fields of a message, and the brace after them.
    pub(super) fn fields(&mut self) -> Parsed<Vec<(String, Expr)>> {
        let mut fields = Vec::new();
        if self.is_empty("}")? {
            return Ok(fields);
        }
        loop {
            self.take("?");
            let token = self.token();
            if token.kind != TokenKind::Identifier {
                let text = self.text(token);
                let expected = "{'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}";
                return self
                    .syntax_error(format!("mismatched input '{text}' expecting {expected}"));
            }
            self.at += 1;
            self.expect(":")?;
            fields.push((self.text(token), self.expr()?));
            if !self.followed_by_more("}")? {
                break;
            }
        }
        Ok(fields)
    }

    fn number(&mut self, token: Token, start: usize) -> Expr {
        self.at += 1;
        let negative = start != token.start;
        let text = self.text(token);
        let (value, name) = match token.kind {
            TokenKind::Int => (literal::int(&text, negative), "int"),
            TokenKind::Uint => (literal::uint(&text), "uint"),
            _ => (literal::double(&text, negative), "double"),
        };
        let value = value.unwrap_or_else(|| {
            self.issue(start, format!("invalid {name} literal"));
            Value::Null
        });
        Expr::literal(start, value)
    }

    fn string(&mut self, token: Token) -> Expr {
        self.at += 1;
        let text = self.text(token);
        let value = match token.kind {
            TokenKind::Bytes => literal::bytes(&text[1..]),
            _ => literal::string(&text),
        };
        let value = value.unwrap_or_else(|message| {
            self.issue(token.start, message);
            Value::Null
        });
        Expr::literal(token.start, value)
    }
}
