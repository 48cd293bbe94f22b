//! Tokens between `{{` and `}}`.

use super::{Item, Kind, Lexer, MARKER, RIGHT, has_right_marker, is_space, newlines};
use crate::quote;
use crate::unicode::{is_digit, is_letter, is_print};

impl Lexer<'_> {
    pub(super) fn inside_action(&mut self) -> Item {
        if self.at_right_delimiter().0 {
            if self.parens == 0 {
                return self.right_delimiter();
            }
            return self.error("unclosed left paren");
        }
        let Some(c) = self.next() else {
            return self.error("unclosed action");
        };
        match c {
            ' ' | '\t' | '\r' | '\n' => {
                self.backup();
                self.space()
            }
            '=' => self.take(Kind::Assign),
            ':' if self.next() == Some('=') => self.take(Kind::Declare),
            ':' => self.error("expected :="),
            '|' => self.take(Kind::Pipe),
            '"' => self.quoted(Kind::String, '"', "unterminated quoted string"),
            '`' => self.raw(),
            '$' => self.field_or_variable(Kind::Variable, Kind::Variable),
            '\'' => self.quoted(Kind::CharConstant, '\'', "unterminated character constant"),
            '.' if self.rest().first().is_some_and(|it| !it.is_ascii_digit()) => {
                self.field_or_variable(Kind::Field, Kind::Dot)
            }
            '.' | '+' | '-' | '0'..='9' => {
                self.backup();
                self.number()
            }
            c if is_alphanumeric(c) => {
                self.backup();
                self.identifier()
            }
            '(' => {
                self.parens += 1;
                self.take(Kind::LeftParen)
            }
            ')' => match self.parens.checked_sub(1) {
                Some(parens) => {
                    self.parens = parens;
                    self.take(Kind::RightParen)
                }
                None => self.error("unexpected right paren"),
            },
            ' '..='~' => self.take(Kind::Char),
            c => self.error(format!(
                "unrecognized character in action: {}",
                code_point(Some(c))
            )),
        }
    }

    fn right_delimiter(&mut self) -> Item {
        let (_, trims) = self.at_right_delimiter();
        if trims {
            self.position += MARKER;
            self.ignore();
        }
        self.position += RIGHT.len();
        let item = self.take(Kind::RightDelimiter);
        if trims {
            self.skip_space();
            self.ignore();
        }
        self.inside = false;
        item
    }

    /// A run of white space. Its last character may belong to a trimming right delimiter.
    fn space(&mut self) -> Item {
        let mut spaces = 0;
        while self.rest().first().is_some_and(|it| is_space(*it)) {
            self.next();
            spaces += 1;
        }
        if self.rest().is_empty() {
            self.at_end = true;
        }
        let before = &self.text[self.position - 1..];
        if has_right_marker(before) && before[MARKER..].starts_with(RIGHT) {
            self.backup();
            if spaces == 1 {
                return self.right_delimiter();
            }
        }
        self.take(Kind::Space)
    }

    fn identifier(&mut self) -> Item {
        self.pass_word();
        let next = self.peek();
        if !self.at_terminator() {
            return self.error(format!("bad character {}", code_point(next)));
        }
        let kind = match &self.text[self.start..self.position] {
            b"block" => Kind::Block,
            b"break" if self.keywords.0 => Kind::Break,
            b"continue" if self.keywords.1 => Kind::Continue,
            b"define" => Kind::Define,
            b"else" => Kind::Else,
            b"end" => Kind::End,
            b"if" => Kind::If,
            b"range" => Kind::Range,
            b"nil" => Kind::Nil,
            b"template" => Kind::Template,
            b"with" => Kind::With,
            b"true" | b"false" => Kind::Bool,
            _ => Kind::Identifier,
        };
        self.take(kind)
    }

    /// What follows a dot or a dollar; `alone` where nothing does.
    fn field_or_variable(&mut self, kind: Kind, alone: Kind) -> Item {
        if self.at_terminator() {
            return self.take(alone);
        }
        self.pass_word();
        let next = self.peek();
        if !self.at_terminator() {
            return self.error(format!("bad character {}", code_point(next)));
        }
        self.take(kind)
    }

    /// Whether an identifier may end here.
    fn at_terminator(&mut self) -> bool {
        let ends = match self.peek() {
            None => true,
            Some(c) => matches!(
                c,
                ' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '('
            ),
        };
        ends || self.rest().starts_with(RIGHT)
    }

    fn quoted(&mut self, kind: Kind, quote: char, unterminated: &str) -> Item {
        loop {
            let plain = |it: &&u8| !matches!(**it, b'\\' | b'\n' | b'"' | b'\'');
            self.position += self.rest().iter().take_while(plain).count();
            match self.next() {
                Some('\\') if !matches!(self.next(), None | Some('\n')) => {}
                None | Some('\n' | '\\') => return self.error(unterminated),
                Some(c) if c == quote => return self.take(kind),
                Some(_) => {}
            }
        }
    }

    fn raw(&mut self) -> Item {
        let Some(length) = memchr::memchr(b'`', self.rest()) else {
            return self.error("unterminated raw quoted string");
        };
        self.position += length + 1;
        self.line += newlines(&self.text[self.start..self.position]);
        self.take(Kind::RawString)
    }

    fn number(&mut self) -> Item {
        let bad = |lexer: &mut Self| {
            let text = quote::quoted(&lexer.text[lexer.start..lexer.position]);
            lexer.error(format!("bad number syntax: {text}"))
        };
        if !self.scan_number() {
            return bad(self);
        }
        if matches!(self.peek(), Some('+' | '-')) {
            if !self.scan_number() || self.text[self.position - 1] != b'i' {
                return bad(self);
            }
            return self.take(Kind::Complex);
        }
        self.take(Kind::Number)
    }

    /// Passes what may be a number; whether it is one, the parser finds out.
    fn scan_number(&mut self) -> bool {
        self.accept("+-");
        let mut digits = "0123456789_";
        if self.accept("0") {
            if self.accept("xX") {
                digits = "0123456789abcdefABCDEF_";
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        let exponent = match digits.len() {
            11 => "eE",
            23 => "pP",
            _ => "",
        };
        if self.accept(exponent) {
            self.accept("+-");
            self.accept_run("0123456789_");
        }
        self.accept("i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.next();
            return false;
        }
        true
    }
}

pub(super) fn is_alphanumeric(c: char) -> bool {
    c == '_' || is_letter(c) || is_digit(c)
}

/// A character as `U+0021 '!'`; Go's end of the text is its code point -1.
fn code_point(c: Option<char>) -> String {
    match c {
        None => String::from("U+FFFFFFFFFFFFFFFF"),
        Some(c) if is_print(c) => format!("U+{:04X} '{c}'", u32::from(c)),
        Some(c) => format!("U+{:04X}", u32::from(c)),
    }
}
