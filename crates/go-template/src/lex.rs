//! Template text to tokens, one at a time and with line numbers counted as Go's lexer counts them.
//!
//! Source: Go 1.26 `text/template/parse/lex.go`

mod action;

use crate::unicode::{self, Runes};

/// What a token is. Keywords come last: everything above [`Kind::Block`] prints in angle brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Error,
    Bool,
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelimiter,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelimiter,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

/// A token: where it is, and on which line it starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) line: usize,
}

impl Item {
    pub(crate) const NONE: Self = Self {
        kind: Kind::Error,
        start: 0,
        end: 0,
        line: 0,
    };

    /// How Go prints a token that is no error in a message.
    pub(crate) fn describe(self, text: &[u8]) -> String {
        let value = &text[self.start..self.end];
        match self.kind {
            Kind::Eof => String::from("EOF"),
            kind if kind >= Kind::Block => format!("<{}>", crate::unicode::lossy(value)),
            _ if value.len() > 10 => {
                let length = Runes(value).take(10).map(|(_, length)| length).sum();
                format!("{}...", crate::quote::quoted(&value[..length]))
            }
            _ => crate::quote::quoted(value),
        }
    }
}

const LEFT: &[u8] = b"{{";
const RIGHT: &[u8] = b"}}";
const LEFT_COMMENT: &[u8] = b"/*";
const RIGHT_COMMENT: &[u8] = b"*/";

/// A trim marker: a minus and a white space.
const MARKER: usize = 2;

pub(crate) struct Lexer<'a> {
    text: &'a [u8],
    position: usize,
    /// The length of the last character passed.
    width: usize,
    start: usize,
    at_end: bool,
    parens: usize,
    line: usize,
    start_line: usize,
    inside: bool,
    /// What the token says that is an error; there is one at most.
    pub(crate) mistake: Box<str>,
    /// Whether `break` and `continue` are keywords: no function has the name.
    pub(crate) keywords: (bool, bool),
}

/// What a step of the lexer leads to.
enum Step {
    Emit(Item),
    LeftDelimiter,
    Comment,
    Text,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            position: 0,
            width: 0,
            start: 0,
            at_end: false,
            parens: 0,
            line: 1,
            start_line: 1,
            inside: false,
            mistake: Box::default(),
            keywords: (true, true),
        }
    }

    /// The next token; after the end or an error, the end again.
    pub(crate) fn next_item(&mut self) -> Item {
        if self.inside {
            return self.inside_action();
        }
        let mut step = Step::Text;
        loop {
            step = match step {
                Step::Emit(item) => return item,
                Step::Text => self.lex_text(),
                Step::LeftDelimiter => self.left_delimiter(),
                Step::Comment => self.comment(),
            };
        }
    }

    fn rest(&self) -> &'a [u8] {
        &self.text[self.position..]
    }

    fn next(&mut self) -> Option<char> {
        let Some((c, length)) = unicode::decode(self.rest()) else {
            self.at_end = true;
            return None;
        };
        self.position += length;
        self.width = length;
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    /// Passes letters and digits of ASCII at once; those outside one by one.
    fn pass_word(&mut self) {
        loop {
            let word = |it: &&u8| it.is_ascii_alphanumeric() || **it == b'_';
            self.position += self.rest().iter().take_while(word).count();
            match self.peek() {
                Some(c) if action::is_alphanumeric(c) => self.next(),
                _ => return,
            };
        }
    }

    fn peek(&mut self) -> Option<char> {
        let next = unicode::decode(self.rest());
        self.at_end |= next.is_none();
        next.map(|(c, _)| c)
    }

    /// Steps back over the character of the last [`Self::next`], but not from the end.
    fn backup(&mut self) {
        if self.at_end {
            return;
        }
        self.position -= self.width;
        if self.text.get(self.position) == Some(&b'\n') {
            self.line -= 1;
        }
    }

    fn take(&mut self, kind: Kind) -> Item {
        let item = Item {
            kind,
            start: self.start,
            end: self.position,
            line: self.start_line,
        };
        self.start = self.position;
        self.start_line = self.line;
        item
    }

    /// Skips what was passed without [`Self::next`].
    fn ignore(&mut self) {
        self.line += newlines(&self.text[self.start..self.position]);
        self.start = self.position;
        self.start_line = self.line;
    }

    fn accept(&mut self, valid: &str) -> bool {
        let accepted = self.next().is_some_and(|c| valid.contains(c));
        if !accepted {
            self.backup();
        }
        accepted
    }

    fn accept_run(&mut self, valid: &str) {
        while self.next().is_some_and(|c| valid.contains(c)) {}
        self.backup();
    }

    /// An error ends the text: only the end follows.
    fn error(&mut self, message: impl Into<Box<str>>) -> Item {
        let item = Item {
            kind: Kind::Error,
            start: self.start,
            end: self.start,
            line: self.start_line,
        };
        self.mistake = message.into();
        self.start = 0;
        self.position = 0;
        self.text = &[];
        item
    }

    fn lex_text(&mut self) -> Step {
        let Some(length) = find(self.rest(), LEFT) else {
            self.position = self.text.len();
            if self.position > self.start {
                self.line += newlines(&self.text[self.start..]);
                return Step::Emit(self.take(Kind::Text));
            }
            return Step::Emit(self.take(Kind::Eof));
        };
        if length > 0 {
            self.position += length;
            let mut trimmed = 0;
            if has_left_marker(&self.rest()[LEFT.len()..]) {
                let text = &self.text[self.start..self.position];
                trimmed = text.iter().rev().take_while(|it| is_space(**it)).count();
            }
            self.position -= trimmed;
            self.line += newlines(&self.text[self.start..self.position]);
            let item = self.take(Kind::Text);
            self.position += trimmed;
            self.ignore();
            if item.start < item.end {
                return Step::Emit(item);
            }
        }
        Step::LeftDelimiter
    }

    /// Whether a right delimiter is here, and whether it trims.
    fn at_right_delimiter(&self) -> (bool, bool) {
        let rest = self.rest();
        if has_right_marker(rest) && rest[MARKER..].starts_with(RIGHT) {
            return (true, true);
        }
        (rest.starts_with(RIGHT), false)
    }

    fn left_delimiter(&mut self) -> Step {
        self.position += LEFT.len();
        let marker = if has_left_marker(self.rest()) {
            MARKER
        } else {
            0
        };
        if self.rest()[marker..].starts_with(LEFT_COMMENT) {
            self.position += marker;
            self.ignore();
            return Step::Comment;
        }
        let item = self.take(Kind::LeftDelimiter);
        self.inside = true;
        self.position += marker;
        self.ignore();
        self.parens = 0;
        Step::Emit(item)
    }

    fn comment(&mut self) -> Step {
        self.position += LEFT_COMMENT.len();
        let Some(length) = find(self.rest(), RIGHT_COMMENT) else {
            return Step::Emit(self.error("unclosed comment"));
        };
        self.position += length + RIGHT_COMMENT.len();
        let (closed, trims) = self.at_right_delimiter();
        if !closed {
            return Step::Emit(self.error("comment ends before closing delimiter"));
        }
        self.line += newlines(&self.text[self.start..self.position]);
        self.take(Kind::Text);
        if trims {
            self.position += MARKER;
        }
        self.position += RIGHT.len();
        if trims {
            self.skip_space();
        }
        self.ignore();
        Step::Text
    }

    fn skip_space(&mut self) {
        let spaces = self.rest().iter().take_while(|it| is_space(**it)).count();
        self.position += spaces;
    }
}

fn newlines(text: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', text).count()
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn has_left_marker(text: &[u8]) -> bool {
    matches!(text, [b'-', space, ..] if is_space(*space))
}

fn has_right_marker(text: &[u8]) -> bool {
    matches!(text, [space, b'-', ..] if is_space(*space))
}

/// Where `needle` first is in `text`.
fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    let mut starts = memchr::memchr_iter(needle[0], text);
    starts.find(|at| text[*at..].starts_with(needle))
}
