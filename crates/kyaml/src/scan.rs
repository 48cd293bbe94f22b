//! From text to tokens, with the rules, limits and error texts of Go's yaml.v3.
//!
//! Our own, for three reasons: kustomize users see these error texts and lines; what is accepted must
//! be what Go accepts, YAML 1.1 leftovers included; and comments belong to nodes by rules that need the
//! scanner's own positions.
//!
//! Source: go.yaml.in/yaml v3.0 `scannerc.go`.

mod comments;
mod indicators;
mod properties;
mod scalars;

use crate::Error;
use crate::node::{Style, Text};

pub(crate) use comments::Comment;

/// A place in the text: characters from its start, line and column from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) index: usize,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    StreamStart,
    StreamEnd,
    Version,
    TagDirective,
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias,
    Anchor,
    /// A tag; handle and suffix are joined by a NUL.
    Tag,
    Scalar,
}

/// A token. `text` is a scalar's text or a name.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) style: Style,
    pub(crate) start: Mark,
    pub(crate) end: Mark,
    pub(crate) text: Text,
}

impl Token {
    fn new(kind: TokenKind, start: Mark, end: Mark) -> Self {
        Self {
            kind,
            style: Style::PLAIN,
            start,
            end,
            text: Text::new_static(""),
        }
    }
}

/// A token that may turn out to be a key without `?`.
#[derive(Clone, Copy, Debug, Default)]
struct SimpleKey {
    possible: bool,
    required: bool,
    token: usize,
    mark: Mark,
}

pub(crate) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    /// Position in bytes.
    at: usize,
    mark: Mark,
    /// Line breaks since the last character that is not blank.
    newlines: u32,
    /// Tokens, of which those before `head` are taken.
    tokens: Vec<Token>,
    head: usize,
    taken: usize,
    /// The column of the current block collection; -1 outside.
    indent: i64,
    indents: Vec<i64>,
    flow_level: usize,
    simple_key_allowed: bool,
    simple_keys: Vec<SimpleKey>,
    ended: bool,
    /// The next token is known to be complete.
    available: bool,
    depth: usize,
    pub(crate) comments: Vec<Comment>,
    pub(crate) comments_head: usize,
}

/// The longest distance between a key and its `:`, in characters.
const LONGEST_KEY: usize = 1024;

const fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// The error of a scanner: lines count from 1, but a context in the first line is not shown.
pub(crate) fn scan_error(context: Mark, problem_at: Mark, problem: impl Into<String>) -> Error {
    let line = match (context.line, problem_at.line) {
        (0, 0) => 0,
        (0, line) | (line, _) => line + 1,
    };
    Error::Syntax {
        line: line as usize,
        problem: problem.into(),
    }
}

impl<'a> Scanner<'a> {
    /// A scanner of a text that nests at most `depth` deep.
    pub(crate) fn new(text: &'a str, depth: usize) -> Result<Self, Error> {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        refuse_control_characters(text)?;
        let mut scanner = Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            mark: Mark::default(),
            newlines: 0,
            tokens: Vec::with_capacity(64),
            head: 0,
            taken: 0,
            indent: -1,
            indents: Vec::new(),
            flow_level: 0,
            simple_key_allowed: true,
            simple_keys: vec![SimpleKey::default()],
            ended: false,
            available: false,
            depth,
            comments: Vec::new(),
            comments_head: 0,
        };
        scanner.push(Token::new(
            TokenKind::StreamStart,
            scanner.mark,
            scanner.mark,
        ));
        Ok(scanner)
    }

    /// The next token, without taking it. Behind the end it is the last one.
    pub(crate) fn peek(&mut self) -> Result<&Token, Error> {
        self.fetch_more()?;
        let at = self.head.min(self.tokens.len() - 1);
        Ok(&self.tokens[at])
    }

    /// Takes the next token.
    pub(crate) fn take(&mut self) -> Result<Token, Error> {
        self.fetch_more()?;
        self.available = false;
        let at = self.head.min(self.tokens.len() - 1);
        let place = &mut self.tokens[at];
        let text = std::mem::take(&mut place.text);
        let token = Token { text, ..*place };
        self.head = (self.head + 1).min(self.tokens.len());
        self.taken += 1;
        Ok(token)
    }

    /// Scans until two tokens follow the next one, which comments need to find their nodes, and until
    /// it is known whether the next one is a key.
    fn fetch_more(&mut self) -> Result<(), Error> {
        if self.available {
            return Ok(());
        }
        self.available = true;
        loop {
            if self.ended || self.head + 2 < self.tokens.len() {
                let head = self.taken;
                let key = self
                    .simple_keys
                    .iter()
                    .rposition(|key| key.possible && key.token == head);
                match key {
                    None => return Ok(()),
                    Some(key) if !self.is_key_valid(key)? || self.ended => return Ok(()),
                    Some(_) => {}
                }
            }
            self.fetch()?;
        }
    }

    fn push(&mut self, token: Token) {
        if self.head > 128 {
            // The last two taken ones may still be asked for their place.
            self.tokens.drain(..self.head - 2);
            self.head = 2;
        }
        self.tokens.push(token);
    }

    fn insert(&mut self, number: usize, token: Token) {
        let at = self.head + (number - self.taken);
        self.tokens.insert(at.min(self.tokens.len()), token);
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn is_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The length in bytes of a line break here; 0 if there is none.
    fn break_here(&self, ahead: usize) -> usize {
        match self.byte(ahead) {
            b'\r' | b'\n' => 1,
            0xC2 if self.byte(ahead + 1) == 0x85 => 2,
            0xE2 if self.byte(ahead + 1) == 0x80 && matches!(self.byte(ahead + 2), 0xA8 | 0xA9) => {
                3
            }
            _ => 0,
        }
    }

    fn is_break_or_end(&self, ahead: usize) -> bool {
        self.at + ahead >= self.bytes.len() || self.break_here(ahead) > 0
    }

    fn is_blank_or_end(&self, ahead: usize) -> bool {
        is_blank(self.byte(ahead)) || self.is_break_or_end(ahead)
    }

    /// Skips ASCII characters that are no line breaks.
    fn skip(&mut self, count: usize) {
        if !is_blank(self.byte(0)) {
            self.newlines = 0;
        }
        self.at += count;
        self.mark.index += count;
        self.mark.column += u32::try_from(count).unwrap_or(u32::MAX);
    }

    /// Skips one character of any width.
    fn skip_char(&mut self) {
        if !is_blank(self.byte(0)) {
            self.newlines = 0;
        }
        self.at += crate::emit::width(self.byte(0));
        self.mark.index += 1;
        self.mark.column += 1;
    }

    /// Moves to a later position in the same line.
    fn advance_to(&mut self, at: usize) {
        let passed = &self.bytes[self.at..at];
        let chars = match passed.is_ascii() {
            true => passed.len(),
            false => passed.iter().filter(|b| **b & 0xC0 != 0x80).count(),
        };
        self.at = at;
        self.mark.index += chars;
        self.mark.column += u32::try_from(chars).unwrap_or(u32::MAX);
        if !passed.iter().all(|byte| is_blank(*byte)) {
            self.newlines = 0;
        }
    }

    /// Skips a line break; a carriage return and a line feed are one.
    fn skip_break(&mut self) {
        let length = self.break_here(0);
        let pair = self.byte(0) == b'\r' && self.byte(1) == b'\n';
        self.at += if pair { 2 } else { length };
        self.mark.index += if pair { 2 } else { 1 };
        self.mark.column = 0;
        self.mark.line += 1;
        self.newlines += 1;
    }

    fn error<T>(&self, context: Mark, problem: &str) -> Result<T, Error> {
        Err(scan_error(context, self.mark, problem))
    }

    /// Scans the next token, or several if it closes or opens collections.
    fn fetch(&mut self) -> Result<(), Error> {
        let scan_mark = self.mark;
        self.skip_to_token()?;
        self.unroll(i64::from(self.mark.column), scan_mark);
        if self.is_end() {
            return self.fetch_end();
        }
        let byte = self.byte(0);
        if self.mark.column == 0 {
            if byte == b'%' {
                return self.fetch_directive();
            }
            if let Some(kind) = self.document_indicator() {
                return self.fetch_document_indicator(kind);
            }
        }
        let prior = (self.flow_level == 0 && byte == b':') || (self.flow_level > 0 && byte == b',');
        let comment_mark = match self.tokens.last() {
            Some(token) if prior => token.start,
            _ => self.mark,
        };
        self.dispatch(byte)?;
        if self
            .tokens
            .last()
            .is_some_and(|token| token.kind == TokenKind::BlockEntry)
        {
            // What follows a dash is a comment on top of the item.
            return Ok(());
        }
        self.scan_line_comment(comment_mark);
        Ok(())
    }

    fn document_indicator(&self) -> Option<TokenKind> {
        let rest = &self.bytes[self.at..];
        let kind = match rest {
            [b'-', b'-', b'-', ..] => TokenKind::DocumentStart,
            [b'.', b'.', b'.', ..] => TokenKind::DocumentEnd,
            _ => return None,
        };
        self.is_blank_or_end(3).then_some(kind)
    }

    /// Skips blanks, comments and line breaks. Tabs are no indentation.
    fn skip_to_token(&mut self) -> Result<(), Error> {
        let scan_mark = self.mark;
        loop {
            let tabs = self.flow_level > 0 || !self.simple_key_allowed;
            let start = self.at;
            while self.byte(0) == b' ' || tabs && self.byte(0) == b'\t' {
                self.at += 1;
            }
            let passed = self.at - start;
            self.mark.index += passed;
            self.mark.column += u32::try_from(passed).unwrap_or(u32::MAX);
            self.raise_comment();
            if self.byte(0) == b'#' {
                self.scan_comments(scan_mark);
            }
            if self.break_here(0) == 0 {
                return Ok(());
            }
            self.skip_break();
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    fn is_key_valid(&mut self, at: usize) -> Result<bool, Error> {
        let key = self.simple_keys[at];
        if !key.possible {
            return Ok(false);
        }
        if key.mark.line < self.mark.line || key.mark.index + LONGEST_KEY < self.mark.index {
            if key.required {
                return self.error(key.mark, "could not find expected ':'");
            }
            self.simple_keys[at].possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    fn save_key(&mut self) -> Result<(), Error> {
        if !self.simple_key_allowed {
            return Ok(());
        }
        self.remove_key()?;
        let key = SimpleKey {
            possible: true,
            required: self.flow_level == 0 && self.indent == i64::from(self.mark.column),
            token: self.taken + (self.tokens.len() - self.head),
            mark: self.mark,
        };
        if let Some(last) = self.simple_keys.last_mut() {
            *last = key;
        }
        Ok(())
    }

    fn remove_key(&mut self) -> Result<(), Error> {
        let mark = self.mark;
        match self.simple_keys.last_mut() {
            Some(key) if key.possible && key.required => {
                Err(scan_error(key.mark, mark, "could not find expected ':'"))
            }
            Some(key) => {
                key.possible = false;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Opens a block collection if the column is deeper than the current one.
    fn roll(
        &mut self,
        column: u32,
        number: Option<usize>,
        kind: TokenKind,
        mark: Mark,
    ) -> Result<(), Error> {
        if self.flow_level > 0 || self.indent >= i64::from(column) {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = i64::from(column);
        if self.indents.len() > self.depth {
            let problem = format!("exceeded max depth of {}", self.depth);
            return self.error(
                self.simple_keys.last().map_or(mark, |key| key.mark),
                &problem,
            );
        }
        let token = Token::new(kind, mark, mark);
        match number {
            Some(number) => self.insert(number, token),
            None => self.push(token),
        }
        Ok(())
    }

    /// Closes the block collections that are deeper than the column.
    fn unroll(&mut self, column: i64, scan_mark: Mark) {
        if self.flow_level > 0 {
            return;
        }
        let mut block_mark = Mark {
            index: scan_mark.index.saturating_sub(1),
            ..scan_mark
        };
        while self.indent > column {
            // The end moves above comments that stand at the indentation of the block that ends.
            let mut stop = block_mark.index;
            for comment in self.comments[self.comments_head..].iter().rev() {
                if comment.end.index < stop {
                    break;
                }
                if i64::from(comment.start.column) == self.indent + 1 {
                    block_mark = comment.start;
                }
                stop = comment.scan.index;
            }
            self.push(Token::new(TokenKind::BlockEnd, block_mark, block_mark));
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }
}

/// Refuses characters that no YAML text may hold.
fn refuse_control_characters(text: &str) -> Result<(), Error> {
    let suspicious = |b: &u8| {
        *b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r') || *b == 0x7F || matches!(b, 0xC2 | 0xEF)
    };
    if !text.as_bytes().iter().any(suspicious) {
        return Ok(());
    }
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{FFFD}' | '\u{10000}'..);
    if text.chars().all(allowed) {
        return Ok(());
    }
    Err(Error::Syntax {
        line: 0,
        problem: "control characters are not allowed".into(),
    })
}
