//! The tokens of a TOML text, with BurntSushi's error texts.
//!
//! Source: BurntSushi/toml v1.6.0 `lex.go`

mod number;
mod state;
mod text;

use std::collections::VecDeque;

use go_template::unicode;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Error,
    End,
    Text,
    String,
    StringEscaped,
    RawString,
    MultilineString,
    RawMultilineString,
    Bool,
    Integer,
    Float,
    Datetime,
    Array,
    ArrayEnd,
    TableStart,
    TableEnd,
    ArrayTableStart,
    ArrayTableEnd,
    KeyStart,
    KeyEnd,
    CommentStart,
    InlineTableStart,
    InlineTableEnd,
}

/// A token, its text, or an error's, and its line.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) token: Token,
    pub(super) text: Vec<u8>,
    pub(super) line: i64,
}

/// What the lexer looks for next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Top,
    TopEnd,
    TableStart,
    TableEnd,
    ArrayTableEnd,
    TableNameStart,
    TableNameEnd,
    BareName,
    QuotedName,
    KeyStart,
    KeyNameStart,
    KeyEnd,
    Value,
    ArrayValue,
    ArrayValueEnd,
    InlineTableValue,
    InlineTableValueEnd,
    String,
    MultilineString,
    RawString,
    RawMultilineString,
    MultilineEscape,
    Escape,
    Comment,
    NumberOrDateStart,
    Bool,
    /// After an error or the end.
    Done,
}

/// An error has been queued; nothing more is to come.
struct Stopped;

type Outcome<T = State> = Result<T, Stopped>;

pub(super) struct Lexer<'a> {
    input: &'a [u8],
    start: usize,
    at: usize,
    line: i64,
    /// Whether the last character asked for was the end.
    ended: bool,
    escaped: bool,
    items: VecDeque<Item>,
    stack: Vec<State>,
    state: State,
}

/// A character, or the end.
type Char = Option<char>;

impl<'a> Lexer<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            start: 0,
            at: 0,
            line: 1,
            ended: false,
            escaped: false,
            items: VecDeque::new(),
            stack: Vec::new(),
            state: State::Top,
        }
    }

    /// The next token.
    pub(super) fn next_item(&mut self) -> Item {
        loop {
            if let Some(item) = self.items.pop_front() {
                return item;
            }
            self.state = match self.state {
                State::Done => {
                    self.emit(Token::End);
                    State::Done
                }
                state => self.step(state).unwrap_or(State::Done),
            };
        }
    }

    fn pop(&mut self) -> State {
        self.stack.pop().unwrap_or(State::Done)
    }

    fn current(&self) -> &'a [u8] {
        &self.input[self.start..self.at]
    }

    fn emit(&mut self, token: Token) {
        let text = self.current().to_vec();
        self.start = self.at;
        let line = self.line;
        self.items.push_back(Item { token, text, line });
    }

    /// Emits a token, and goes back to what was put aside.
    fn finish(&mut self, token: Token) -> Outcome {
        self.emit(token);
        Ok(self.pop())
    }

    fn next(&mut self) -> Outcome<Char> {
        let Some((c, width)) = unicode::decode(&self.input[self.at..]) else {
            self.ended = true;
            return Ok(None);
        };
        let byte = self.input[self.at];
        if byte == b'\n' {
            self.line += 1;
        }
        if c == char::REPLACEMENT_CHARACTER && width == 1 {
            return self.error(&format!("invalid UTF-8 byte: 0x{byte:02x}"));
        }
        let control = c < ' ' && !matches!(c, '\t' | '\r' | '\n') || c == '\x7f';
        let lone = c == '\r' && self.input.get(self.at + 1) != Some(&b'\n');
        if control || lone {
            return self.error(&format!(
                "TOML files cannot contain control characters: '0x{byte:02x}'"
            ));
        }
        self.at += width;
        Ok(Some(c))
    }

    /// Goes back by a character.
    fn backup(&mut self) {
        if self.ended {
            self.ended = false;
            return;
        }
        self.at -= 1;
        while self.at > 0 && self.input[self.at] & 0xC0 == 0x80 {
            self.at -= 1;
        }
        if self.input.get(self.at) == Some(&b'\n') {
            self.line -= 1;
        }
    }

    fn peek(&mut self) -> Outcome<Char> {
        let c = self.next()?;
        self.backup();
        Ok(c)
    }

    fn accept(&mut self, wanted: char) -> Outcome<bool> {
        if self.next()? == Some(wanted) {
            return Ok(true);
        }
        self.backup();
        Ok(false)
    }

    fn ignore(&mut self) {
        self.start = self.at;
    }

    fn skip_blanks(&mut self) -> Outcome<()> {
        while is_blank(self.next()?) {}
        self.backup();
        self.ignore();
        Ok(())
    }

    fn queue_error<T>(&mut self, line: i64, text: &str) -> Outcome<T> {
        self.items.push_back(Item {
            token: Token::Error,
            text: text.as_bytes().to_vec(),
            line,
        });
        Err(Stopped)
    }

    /// An error of its own type, which at the end counts for the line before.
    fn error<T>(&mut self, text: &str) -> Outcome<T> {
        let line = self.line - i64::from(self.ended);
        self.queue_error(line, text)
    }

    /// An error on the line before.
    fn error_before<T>(&mut self, text: &str) -> Outcome<T> {
        let line = self.line - 1;
        self.queue_error(line, text)
    }

    /// An error, which at the end counts for the line before if that is ended.
    fn errorf<T>(&mut self, text: &str) -> Outcome<T> {
        let after_line = self.at >= 1 && self.input[self.at - 1] == b'\n';
        let line = self.line - i64::from(self.ended && after_line);
        self.queue_error(line, text)
    }
}

fn is_blank(c: Char) -> bool {
    matches!(c, Some('\t' | ' '))
}

fn is_line_end(c: Char) -> bool {
    matches!(c, Some('\n' | '\r'))
}

/// A character as Go's `%q` shows it; the end is a NUL there.
fn quoted(c: Char) -> String {
    let mut out = Vec::new();
    let c = c.unwrap_or('\0');
    go_template::quote::quote_char(c, go_template::quote::Escapes::Unprintable, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// A character in quotes as it is, or what the end is called.
fn shown(c: Char) -> String {
    c.map_or_else(|| String::from("end of file"), |c| format!("'{c}'"))
}
