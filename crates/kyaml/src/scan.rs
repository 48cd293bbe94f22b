//! From text to tokens, with the rules, limits and error texts of Go's yaml.v3.
//!
//! Our own, for three reasons: kustomize users see these error texts and lines; what is accepted must
//! be what Go accepts, YAML 1.1 leftovers included; and comments belong to nodes by rules that need the
//! scanner's own positions.
//!
//! By the rules of yaml.v2 the same scanner reads without comments, looks no further than it has to, and
//! names other lines.
//!
//! Source: go.yaml.in/yaml v3.0 and v2.4 `scannerc.go`.

mod comments;
mod indicators;
mod keys;
mod properties;
mod scalars;

use crate::Error;
use crate::node::{Style, Text};
use crate::resolve::Rules;

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
    /// Version 2 has lost track of it: a `:` behind it comes too late.
    lost: bool,
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
    pub(crate) rules: Rules,
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

/// The error of a scanner: lines count from 1, but the first line is not shown. Version 2 names the line of
/// the problem, version 3 that of its context.
fn scan_error(rules: Rules, context: Mark, problem_at: Mark, problem: impl Into<String>) -> Error {
    let line = match (rules, context.line, problem_at.line) {
        (_, 0, 0) => 0,
        (Rules::V2, context, 0) => context,
        (Rules::V2, _, line) | (Rules::V3, 0, line) | (Rules::V3, line, _) => line + 1,
    };
    Error::Syntax {
        line: line as usize,
        problem: problem.into(),
    }
}

impl<'a> Scanner<'a> {
    /// A scanner of a text that nests at most `depth` deep.
    pub(crate) fn new(text: &'a str, depth: usize, rules: Rules) -> Result<Self, Error> {
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
            rules,
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

    /// Scans until two tokens follow the next one, which comments need to find their nodes (by version 2:
    /// until there is a next one), and until it is known whether the next one is a key.
    fn fetch_more(&mut self) -> Result<(), Error> {
        if self.available {
            return Ok(());
        }
        self.available = true;
        let further = if self.rules == Rules::V3 { 2 } else { 0 };
        loop {
            if self.ended || self.head + further < self.tokens.len() {
                let head = self.taken;
                let key = self
                    .simple_keys
                    .iter()
                    .rposition(|key| key.possible && key.token == head && !key.lost);
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

    /// Inserts a token before another one; behind all if that one is taken.
    fn insert(&mut self, number: usize, token: Token) {
        let ahead = number.checked_sub(self.taken);
        let at = ahead.map_or(self.tokens.len(), |ahead| self.head + ahead);
        self.tokens.insert(at.min(self.tokens.len()), token);
    }

    /// The number of the token that comes next.
    fn next_number(&self) -> usize {
        self.taken + (self.tokens.len() - self.head)
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
        Err(scan_error(self.rules, context, self.mark, problem))
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
}

/// Refuses characters that no YAML text may hold.
fn refuse_control_characters(text: &str) -> Result<(), Error> {
    let suspicious = |b: &u8| {
        *b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r') || *b == 0x7F || matches!(b, 0xC2 | 0xEF)
    };
    // Whole chunks, without a way out in between, are looked at many bytes at a time.
    let among = |chunk: &[u8]| chunk.iter().fold(false, |any, b| any | suspicious(b));
    if !text.as_bytes().chunks(256).any(among) {
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
