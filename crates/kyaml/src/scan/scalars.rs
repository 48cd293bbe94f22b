//! Plain, quoted and block scalars.

use super::{Mark, Scanner, Token, TokenKind, is_blank};
use crate::Error;
use crate::node::{Style, Text};
use crate::resolve::Rules;

/// Line breaks and blanks between two parts of a scalar.
#[derive(Default)]
struct Gap {
    /// The first line break; empty if there is none.
    first: String,
    /// The line breaks behind it.
    more: String,
    /// Blanks, if there is no line break.
    blanks: String,
}

impl Gap {
    /// Appends what the gap stands for: one line break is a space, more lose the first.
    fn fold_into(&mut self, out: &mut String) {
        if self.first == "\n" {
            if self.more.is_empty() {
                out.push(' ');
            }
        } else {
            out.push_str(&self.first);
        }
        out.push_str(&self.more);
        out.push_str(&self.blanks);
        self.first.clear();
        self.more.clear();
        self.blanks.clear();
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomp {
    Strip,
    Clip,
    Keep,
}

impl Scanner<'_> {
    fn push_scalar(&mut self, style: Style, text: Text, start: Mark, end: Mark) {
        let mut token = Token::new(TokenKind::Scalar, start, end);
        token.style = style;
        token.text = text;
        self.push(token);
    }

    /// Takes a line break: one of the common kinds becomes `\n`.
    fn take_break(&mut self, out: &mut String) {
        match self.break_here(0) {
            0 => return,
            3 => out.push_str(&self.text[self.at..self.at + 3]),
            _ => out.push('\n'),
        }
        self.skip_break();
    }

    pub(super) fn fetch_plain(&mut self) -> Result<(), Error> {
        self.save_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        let from = self.at;
        let mut end = self.mark;
        let indent = self.indent + 1;
        // The text so far, if it is more than a piece of the source.
        let mut joined: Option<String> = None;
        let mut to = from;
        let mut gap = Gap::default();
        let mut broken = false;
        loop {
            let at_margin = self.mark.column == 0;
            if at_margin && self.document_indicator().is_some() || self.byte(0) == b'#' {
                break;
            }
            let piece = self.at;
            let piece_end = self.plain_end();
            if piece_end > piece {
                if broken {
                    let text = joined.get_or_insert_with(|| self.text[from..to].to_owned());
                    gap.fold_into(text);
                    broken = false;
                } else if let Some(text) = &mut joined {
                    text.push_str(&self.text[to..piece]);
                }
                if let Some(text) = &mut joined {
                    text.push_str(&self.text[piece..piece_end]);
                }
                self.advance_to(piece_end);
                to = piece_end;
                end = self.mark;
            }
            if !is_blank(self.byte(0)) && self.break_here(0) == 0 {
                break;
            }
            self.plain_gap(&mut gap, &mut broken, (start, indent))?;
            if self.flow_level == 0 && i64::from(self.mark.column) < indent {
                break;
            }
        }
        let text = match joined {
            Some(text) => Text::from(text),
            None => Text::from(&self.text[from..to]),
        };
        self.push_scalar(Style::PLAIN, text, start, end);
        if broken {
            self.simple_key_allowed = true;
        }
        Ok(())
    }

    /// Where the characters of a plain scalar up to the next blank end.
    fn plain_end(&self) -> usize {
        let flow = self.flow_level > 0;
        let mut at = self.at;
        while let Some(&byte) = self.bytes.get(at) {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => {}
                b' ' | b'\t' | b'\r' | b'\n' => break,
                b':' if self.is_blank_or_end(at + 1 - self.at) => break,
                b',' | b'?' | b'[' | b']' | b'{' | b'}' if flow => break,
                0xC2 | 0xE2 if self.break_here(at - self.at) > 0 => break,
                _ => {}
            }
            at += 1;
        }
        at
    }

    /// Takes blanks and line breaks behind a piece of a plain scalar.
    fn plain_gap(
        &mut self,
        gap: &mut Gap,
        broken: &mut bool,
        (start, indent): (Mark, i64),
    ) -> Result<(), Error> {
        loop {
            let byte = self.byte(0);
            if is_blank(byte) {
                let shallow = i64::from(self.mark.column) < indent;
                if *broken && shallow && byte == b'\t' {
                    return self.error(start, "found a tab character that violates indentation");
                }
                self.skip(1);
            } else if self.break_here(0) > 0 {
                if *broken {
                    self.take_break(&mut gap.more);
                } else {
                    self.take_break(&mut gap.first);
                    *broken = true;
                }
            } else {
                return Ok(());
            }
        }
    }

    pub(super) fn fetch_quoted(&mut self, single: bool) -> Result<(), Error> {
        self.save_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        self.skip(1);
        let quote = if single { b'\'' } else { b'"' };
        let style = if single {
            Style::SINGLE_QUOTED
        } else {
            Style::DOUBLE_QUOTED
        };
        if let Some(length) = self.simple_quoted(quote) {
            let text = Text::from(&self.text[self.at..self.at + length]);
            self.advance_to(self.at + length);
            self.skip(1);
            self.push_scalar(style, text, start, self.mark);
            return Ok(());
        }
        let mut text = String::new();
        let mut gap = Gap::default();
        loop {
            if self.mark.column == 0 && self.document_indicator().is_some() {
                return self.error(start, "found unexpected document indicator");
            }
            if self.is_end() {
                return self.error(start, "found unexpected end of stream");
            }
            let mut broken = self.quoted_piece(quote, start, &mut text)?;
            if self.byte(0) == quote {
                break;
            }
            loop {
                if is_blank(self.byte(0)) {
                    if !broken {
                        gap.blanks.push(char::from(self.byte(0)));
                    }
                    self.skip(1);
                } else if self.break_here(0) > 0 {
                    if broken {
                        self.take_break(&mut gap.more);
                    } else {
                        gap.blanks.clear();
                        self.take_break(&mut gap.first);
                        broken = true;
                    }
                } else {
                    break;
                }
            }
            gap.fold_into(&mut text);
        }
        self.skip(1);
        self.push_scalar(style, Text::from(text), start, self.mark);
        Ok(())
    }

    /// The length of a quoted text in one line without escapes; `None` if it is not that simple.
    fn simple_quoted(&self, quote: u8) -> Option<usize> {
        let rest = &self.bytes[self.at..];
        let stop = |b: &u8| *b == quote || matches!(b, b'\\' | b'\r' | b'\n' | 0xC2 | 0xE2);
        let end = rest.iter().position(stop)?;
        let closed = rest[end] == quote && !(quote == b'\'' && rest.get(end + 1) == Some(&quote));
        closed.then_some(end)
    }

    /// Takes characters up to a blank, a line break or the closing quote. Whether an escaped line break
    /// ended them.
    fn quoted_piece(&mut self, quote: u8, start: Mark, text: &mut String) -> Result<bool, Error> {
        let double = quote == b'"';
        while !self.is_blank_or_end(0) {
            let byte = self.byte(0);
            if byte == quote {
                if double || self.byte(1) != quote {
                    break;
                }
                text.push('\'');
                self.skip(2);
            } else if double && byte == b'\\' {
                if self.break_here(1) > 0 {
                    self.skip(1);
                    self.skip_break();
                    return Ok(true);
                }
                self.escape(start, text)?;
            } else {
                let from = self.at;
                self.skip_char();
                text.push_str(&self.text[from..self.at]);
            }
        }
        Ok(false)
    }

    fn escape(&mut self, start: Mark, text: &mut String) -> Result<(), Error> {
        let digits = match self.byte(1) {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            other => {
                let Some(char) = short_escape(other) else {
                    return self.error(start, "found unknown escape character");
                };
                text.push(char);
                self.skip(2);
                return Ok(());
            }
        };
        self.skip(2);
        let code = self
            .bytes
            .get(self.at..self.at + digits)
            .unwrap_or_default();
        if code.is_empty() || !code.iter().all(u8::is_ascii_hexdigit) {
            return self.error(start, "did not find expected hexdecimal number");
        }
        let code = code.iter().fold(0_u64, |code, digit| {
            code << 4 | u64::from(char::from(*digit).to_digit(16).unwrap_or(0))
        });
        let char = u32::try_from(code).ok().and_then(char::from_u32);
        let Some(char) = char else {
            return self.error(start, "found invalid Unicode character escape code");
        };
        text.push(char);
        self.skip(digits);
        Ok(())
    }

    pub(super) fn fetch_block_scalar(&mut self, literal: bool) -> Result<(), Error> {
        self.remove_key()?;
        self.simple_key_allowed = true;
        let start = self.mark;
        self.skip(1);
        let (chomp, increment) = self.block_header(start)?;
        self.skip_blanks();
        if self.byte(0) == b'#' {
            match self.rules {
                Rules::V2 => self.skip_comment(),
                Rules::V3 => self.scan_line_comment(start),
            }
        }
        if !self.is_break_or_end(0) {
            return self.error(start, "did not find expected comment or line break");
        }
        if self.break_here(0) > 0 {
            self.skip_break();
        }
        let mut indent = match increment {
            0 => 0,
            more => self.indent.max(0) + more,
        };
        let mut end = self.mark;
        let mut text = String::new();
        let mut gap = Gap::default();
        self.block_breaks(&mut indent, &mut gap.more, start, &mut end)?;
        let mut leading_blank = false;
        while i64::from(self.mark.column) == indent && !self.is_end() {
            let blank = is_blank(self.byte(0));
            if !literal && !leading_blank && !blank && gap.first == "\n" {
                if gap.more.is_empty() {
                    text.push(' ');
                }
            } else {
                text.push_str(&gap.first);
            }
            gap.first.clear();
            text.push_str(&gap.more);
            gap.more.clear();
            leading_blank = blank;
            let from = self.at;
            let mut to = from;
            while to < self.bytes.len() && self.break_here(to - from) == 0 {
                to += 1;
            }
            text.push_str(&self.text[from..to]);
            if to > from {
                self.advance_to(to);
            }
            self.take_break(&mut gap.first);
            self.block_breaks(&mut indent, &mut gap.more, start, &mut end)?;
        }
        if chomp != Chomp::Strip {
            text.push_str(&gap.first);
        }
        if chomp == Chomp::Keep {
            text.push_str(&gap.more);
        }
        let style = if literal {
            Style::LITERAL
        } else {
            Style::FOLDED
        };
        self.push_scalar(style, Text::from(text), start, end);
        Ok(())
    }

    /// The chomping and indentation indicators, in either order.
    fn block_header(&mut self, start: Mark) -> Result<(Chomp, i64), Error> {
        let mut chomp = Chomp::Clip;
        let mut increment = 0;
        let (mut chomped, mut indented) = (false, false);
        loop {
            match self.byte(0) {
                b'+' if !chomped => chomp = Chomp::Keep,
                b'-' if !chomped => chomp = Chomp::Strip,
                b'0' if !indented => {
                    return self.error(start, "found an indentation indicator equal to 0");
                }
                digit @ b'1'..=b'9' if !indented => {
                    increment = i64::from(digit - b'0');
                    indented = true;
                    self.skip(1);
                    continue;
                }
                _ => return Ok((chomp, increment)),
            }
            chomped = true;
            self.skip(1);
        }
    }

    /// Takes indentation and empty lines of a block scalar, and finds its indentation if it is not known.
    fn block_breaks(
        &mut self,
        indent: &mut i64,
        breaks: &mut String,
        start: Mark,
        end: &mut Mark,
    ) -> Result<(), Error> {
        *end = self.mark;
        let mut deepest = 0;
        loop {
            let shallow = |scanner: &Self, indent: i64| {
                indent == 0 || i64::from(scanner.mark.column) < indent
            };
            while shallow(self, *indent) && self.byte(0) == b' ' {
                self.skip(1);
            }
            deepest = deepest.max(i64::from(self.mark.column));
            if shallow(self, *indent) && self.byte(0) == b'\t' {
                return self.error(
                    start,
                    "found a tab character where an indentation space is expected",
                );
            }
            if self.break_here(0) == 0 {
                break;
            }
            self.take_break(breaks);
            *end = self.mark;
        }
        if *indent == 0 {
            *indent = deepest.max(self.indent + 1).max(1);
        }
        Ok(())
    }
}

/// What a backslash and one character stand for.
const fn short_escape(byte: u8) -> Option<char> {
    Some(match byte {
        b'0' => '\0',
        b'a' => '\u{07}',
        b'b' => '\u{08}',
        b't' | b'\t' => '\t',
        b'n' => '\n',
        b'v' => '\u{0b}',
        b'f' => '\u{0c}',
        b'r' => '\r',
        b'e' => '\u{1b}',
        b' ' => ' ',
        b'"' => '"',
        b'\'' => '\'',
        b'\\' => '\\',
        b'N' => '\u{85}',
        b'_' => '\u{A0}',
        b'L' => '\u{2028}',
        b'P' => '\u{2029}',
        _ => return None,
    })
}
