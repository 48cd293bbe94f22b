//! The lowest layer of both emitters: columns, indentation and the five scalar styles.
//!
//! Source: go.yaml.in/yaml v2.4 and v3.0 `emitterc.go`.

use std::fmt::Write as _;

use super::analysis::{break_length, is_printable, width};
use crate::resolve::Rules;

/// Text under construction, and where it stands.
#[derive(Debug)]
pub(super) struct Printer<'a> {
    pub(super) out: &'a mut String,
    pub(super) rules: Rules,
    /// Characters since the last line break.
    pub(super) column: usize,
    /// The indentation of the node being written.
    pub(super) indent: usize,
    /// The last character separates tokens.
    pub(super) whitespace: bool,
    /// Nothing but indentation and indicators stands in this line.
    pub(super) indention: bool,
    /// Indentation at which a foot comment asks for an empty line.
    pub(super) foot_indent: Option<usize>,
    best_width: usize,
    /// Columns per level.
    pub(super) best_indent: usize,
}

impl<'a> Printer<'a> {
    pub(super) fn new(out: &'a mut String, rules: Rules) -> Self {
        Self {
            out,
            rules,
            column: 0,
            indent: 0,
            whitespace: true,
            indention: true,
            foot_indent: None,
            best_width: match rules {
                Rules::V2 => 80,
                Rules::V3 => usize::MAX,
            },
            best_indent: 2,
        }
    }

    pub(super) fn put(&mut self, ascii: char) {
        self.out.push(ascii);
        self.column += 1;
    }

    pub(super) fn put_break(&mut self) {
        self.out.push('\n');
        self.broke();
    }

    fn broke(&mut self) {
        self.column = 0;
        self.indention |= self.rules == Rules::V3;
    }

    pub(super) fn put_str(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += if text.is_ascii() {
            text.len()
        } else {
            text.chars().count()
        };
    }

    /// Copies a line break of the text; others than `\n` stay what they are.
    fn copy_break(&mut self, text: &str) {
        self.out.push_str(text);
        self.broke();
    }

    pub(super) fn write_indent(&mut self) {
        let indent = self.indent;
        let full = self.column == indent && !self.whitespace;
        if !self.indention || self.column > indent || full {
            self.put_break();
        }
        if self.foot_indent.take() == Some(indent) {
            self.put_break();
        }
        const SPACES: &str = "                                ";
        let mut missing = indent.saturating_sub(self.column);
        while missing > 0 {
            let some = missing.min(SPACES.len());
            self.out.push_str(&SPACES[..some]);
            self.column += some;
            missing -= some;
        }
        self.whitespace = true;
        self.indention |= self.rules == Rules::V2;
    }

    /// Writes an indicator that ends a token, with a space before it if one is needed.
    pub(super) fn indicator(&mut self, text: &str) {
        self.space();
        self.tight_indicator(text);
    }

    /// Writes an indicator without a space before it.
    pub(super) fn tight_indicator(&mut self, text: &str) {
        self.put_str(text);
        self.whitespace = false;
        self.indention = false;
    }

    /// Writes `-`, `?` or `:`, after which nested content may go on in the same line.
    pub(super) fn indention_indicator(&mut self, text: &str) {
        self.space();
        self.put_str(text);
        self.whitespace = false;
    }

    /// Writes `{` or `[`, after which no space is needed.
    pub(super) fn opening_indicator(&mut self, text: &str) {
        self.space();
        self.put_str(text);
        self.whitespace = true;
        self.indention = false;
    }

    pub(super) fn space(&mut self) {
        if !self.whitespace {
            self.put(' ');
        }
    }

    fn after_break(&mut self) {
        self.indention |= self.rules == Rules::V2;
    }

    fn fits(&self, text: &str) -> bool {
        self.best_width == usize::MAX || self.column + text.len() <= self.best_width
    }

    /// Whether an ASCII text and a space before it end within the width.
    pub(super) fn fits_after_space(&self, text: &str) -> bool {
        self.best_width == usize::MAX || self.column + 1 + text.len() <= self.best_width
    }

    /// Writes a plain ASCII scalar that needs no look at its characters.
    pub(super) fn word(&mut self, text: &str) {
        self.space();
        self.out.push_str(text);
        self.column += text.len();
        self.whitespace = false;
        self.indention = false;
    }

    /// Writes a plain scalar; with `fold`, a line may break at a single space behind column 80.
    pub(super) fn plain(&mut self, text: &str, fold: bool, multiline: bool) {
        if !self.whitespace && (self.rules == Rules::V2 || !text.is_empty()) {
            self.put(' ');
        }
        if !multiline && (!fold || self.fits(text)) {
            self.put_str(text);
        } else {
            self.folding(text, fold, false);
        }
        if self.rules == Rules::V2 || !text.is_empty() {
            self.whitespace = false;
        }
        self.indention = false;
    }

    pub(super) fn single_quoted(&mut self, text: &str, fold: bool, multiline: bool) {
        self.indicator("'");
        if !multiline && !text.contains('\'') && (!fold || self.fits(text)) {
            self.put_str(text);
        } else {
            self.folding(text, fold, true);
        }
        self.tight_indicator("'");
    }

    /// The common part of plain and single quoted scalars.
    fn folding(&mut self, text: &str, fold: bool, quoted: bool) {
        let bytes = text.as_bytes();
        let (mut spaces, mut breaks) = (false, false);
        let mut at = 0;
        while at < bytes.len() {
            let broken = break_length(&bytes[at..]);
            if bytes[at] == b' ' {
                let single = bytes.get(at + 1) != Some(&b' ');
                let far = self.column > self.best_width;
                let allowed = !quoted || at > 0 && at + 1 < bytes.len();
                if fold && !spaces && far && single && allowed {
                    self.write_indent();
                } else {
                    self.put(' ');
                }
                spaces = true;
                at += 1;
            } else if broken > 0 {
                if !breaks && bytes[at] == b'\n' {
                    self.put_break();
                }
                self.copy_break(&text[at..at + broken]);
                self.after_break();
                breaks = true;
                at += broken;
            } else {
                if breaks {
                    self.write_indent();
                }
                if quoted && bytes[at] == b'\'' {
                    self.put('\'');
                }
                let end = at + width(bytes[at]);
                self.put_str(&text[at..end]);
                self.indention = false;
                (spaces, breaks) = (false, false);
                at = end;
            }
        }
    }

    pub(super) fn double_quoted(&mut self, text: &str, fold: bool) {
        self.indicator("\"");
        let bytes = text.as_bytes();
        // Upstream looks for a byte order mark at the start of the text for every character.
        let marked = text.starts_with('\u{FEFF}');
        let mut spaces = false;
        for (at, char) in text.char_indices() {
            let rest = &bytes[at..];
            let escape = marked
                || !is_printable(rest)
                || break_length(rest) > 0
                || char == '"'
                || char == '\\';
            if escape {
                self.escape(char);
                spaces = false;
            } else if char == ' ' {
                let inside = at > 0 && at < bytes.len() - 1;
                if fold && !spaces && self.column > self.best_width && inside {
                    self.write_indent();
                    if rest.get(1) == Some(&b' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(' ');
                }
                spaces = true;
            } else {
                self.out.push(char);
                self.column += 1;
                spaces = false;
            }
        }
        self.tight_indicator("\"");
    }

    fn escape(&mut self, char: char) {
        self.put('\\');
        let short = match char {
            '\0' => '0',
            '\u{07}' => 'a',
            '\u{08}' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\u{0b}' => 'v',
            '\u{0c}' => 'f',
            '\r' => 'r',
            '\u{1b}' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{85}' => 'N',
            '\u{A0}' => '_',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            _ => {
                let code = u32::from(char);
                let before = self.out.len();
                let _ = match code {
                    0..=0xFF => write!(self.out, "x{code:02X}"),
                    0x100..=0xFFFF => write!(self.out, "u{code:04X}"),
                    _ => write!(self.out, "U{code:08X}"),
                };
                self.column += self.out.len() - before;
                return;
            }
        };
        self.put(short);
    }

    /// Writes the indentation and chomping hints of a block scalar.
    pub(super) fn block_hints(&mut self, text: &str) {
        if text.starts_with(' ') || break_length(text.as_bytes()) > 0 {
            self.tight_indicator(&self.best_indent.to_string());
        }
        let mut ends = text.char_indices().rev().map(|(at, _)| {
            let rest = &text.as_bytes()[at..];
            break_length(rest) > 0
        });
        match (ends.next(), ends.next()) {
            (None | Some(false), _) => self.tight_indicator("-"),
            (Some(true), None | Some(true)) => self.tight_indicator("+"),
            (Some(true), Some(false)) => {}
        }
    }

    /// Writes the lines of a literal block, below its header line.
    pub(super) fn literal_lines(&mut self, text: &str) {
        self.after_break();
        self.whitespace = true;
        let bytes = text.as_bytes();
        let mut breaks = true;
        let mut at = 0;
        while at < bytes.len() {
            let broken = break_length(&bytes[at..]);
            if broken > 0 {
                self.copy_break(&text[at..at + broken]);
                self.after_break();
                breaks = true;
                at += broken;
                continue;
            }
            if breaks {
                self.write_indent();
            }
            let end = line_end(bytes, at);
            self.put_str(&text[at..end]);
            self.indention = false;
            breaks = false;
            at = end;
        }
    }

    /// Writes the lines of a folded block, below its header line.
    pub(super) fn folded_lines(&mut self, text: &str) {
        self.whitespace = true;
        let bytes = text.as_bytes();
        let (mut breaks, mut leading) = (true, true);
        let mut at = 0;
        while at < bytes.len() {
            let broken = break_length(&bytes[at..]);
            if broken > 0 {
                if !breaks && !leading && bytes[at] == b'\n' {
                    // Upstream skips breaks from the start of the text, not from here.
                    let mut start = 0;
                    while break_length(&bytes[start..]) > 0 {
                        start += break_length(&bytes[start..]);
                    }
                    if !is_blank_or_break(&bytes[start..]) {
                        self.put_break();
                    }
                }
                self.copy_break(&text[at..at + broken]);
                breaks = true;
                at += broken;
                continue;
            }
            if breaks {
                self.write_indent();
                leading = matches!(bytes[at], b' ' | b'\t');
            }
            let end = line_end(bytes, at);
            self.put_str(&text[at..end]);
            self.indention = false;
            breaks = false;
            at = end;
        }
    }
}

fn is_blank_or_break(bytes: &[u8]) -> bool {
    matches!(bytes.first(), None | Some(b' ' | b'\t' | 0)) || break_length(bytes) > 0
}

/// Where the line that holds `from` ends.
fn line_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'\n' | b'\r' => break,
            0xC2 | 0xE2 if break_length(&bytes[at..]) > 0 => break,
            _ => at += 1,
        }
    }
    at
}
