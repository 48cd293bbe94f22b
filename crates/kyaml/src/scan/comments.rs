//! Comments, and where they belong.
//!
//! Source: go.yaml.in/yaml v3.0 `scannerc.go` `yaml_parser_scan_comments`.

use super::{Mark, Scanner, TokenKind, is_blank};
use crate::resolve::Rules;

/// How far a comment is looked for behind blanks.
const FARTHEST: usize = 512;

/// Comments found together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Comment {
    /// Where looking for it began.
    pub(super) scan: Mark,
    /// The token it belongs to is the first at or behind this place.
    pub(crate) token: Mark,
    pub(super) start: Mark,
    pub(super) end: Mark,
    pub(crate) head: String,
    pub(crate) line: String,
    pub(crate) foot: String,
}

impl Scanner<'_> {
    /// Takes a comment at the end of the current line.
    pub(super) fn scan_line_comment(&mut self, token: Mark) {
        if self.newlines > 0 || self.rules == Rules::V2 {
            return;
        }
        let mut ahead = 0;
        while ahead < FARTHEST && is_blank(self.byte(ahead)) {
            ahead += 1;
        }
        if ahead >= FARTHEST || self.byte(ahead) != b'#' {
            return;
        }
        self.skip(ahead);
        let start = self.mark;
        let line = self.rest_of_line();
        self.comments.push(Comment {
            token,
            start,
            line,
            ..Comment::default()
        });
    }

    /// Skips a comment up to the line break.
    pub(super) fn skip_comment(&mut self) {
        let mut end = self.at;
        while end < self.bytes.len() && self.break_here(end - self.at) == 0 {
            end += 1;
        }
        self.advance_to(end);
    }

    /// Takes the text up to the line break.
    fn rest_of_line(&mut self) -> String {
        let start = self.at;
        self.skip_comment();
        self.text[start..self.at].to_owned()
    }

    /// Makes a line comment behind the first dash of a list a head comment of what follows, if that
    /// stands below it.
    pub(super) fn raise_comment(&mut self) {
        if self.comments.len() <= self.comments_head {
            return;
        }
        let [.., a, b] = self.tokens.as_slice() else {
            return;
        };
        let opens = a.kind == TokenKind::BlockSequenceStart && b.kind == TokenKind::BlockEntry;
        if !opens || self.break_here(0) > 0 {
            return;
        }
        let mark = self.mark;
        if let Some(comment) = self
            .comments
            .last_mut()
            .filter(|comment| !comment.line.is_empty())
        {
            comment.head = std::mem::take(&mut comment.line);
            if comment.start.line + 1 == mark.line {
                comment.token = mark;
            }
        }
    }

    /// Takes comments before the next token and splits them: those directly below the previous token
    /// are its foot, those above the next one are that one's head.
    pub(super) fn scan_comments(&mut self, scan_mark: Mark) {
        if self.rules == Rules::V2 {
            self.skip_comment();
            return;
        }
        let mut found = Gathering::new(self, scan_mark);
        let mut ahead = 0;
        while ahead < FARTHEST {
            found.column += 1;
            let byte = self.byte(ahead);
            if is_blank(byte) {
                ahead += 1;
                continue;
            }
            let closes = self.flow_level > 0 && matches!(byte, b']' | b'}');
            if closes || self.is_break_or_end(ahead) {
                found.end_line(self, ahead, closes);
                let length = self.break_here(ahead);
                if length == 0 {
                    break;
                }
                found.first_empty = false;
                found.recent_empty = true;
                found.column = 0;
                found.line += 1;
                ahead += 1;
                continue;
            }
            let column = i64::from(found.column);
            if !found.text.is_empty()
                && column - 1 < found.next_indent
                && found.column != found.start.column
            {
                found.split(self, ahead);
            }
            if byte != b'#' {
                break;
            }
            if found.text.is_empty() {
                found.start = found.here(self, ahead);
            } else {
                found.text.push('\n');
            }
            found.recent_empty = false;
            self.skip_ahead(ahead);
            found.text.push_str(&self.rest_of_line());
            // On with the next line, whose number upstream does not count here.
            ahead = 1;
            found.column = 0;
            found.line = self.mark.line;
            found.next_indent = self.indent.max(0);
        }
        if !found.text.is_empty() {
            let end = Mark {
                index: (self.mark.index + ahead).saturating_sub(1),
                line: found.line,
                column: found.column,
            };
            self.comments.push(Comment {
                scan: found.scan,
                token: found.start,
                start: found.start,
                end,
                head: found.text,
                ..Comment::default()
            });
        }
    }

    /// Skips blanks and line breaks that were looked at.
    fn skip_ahead(&mut self, ahead: usize) {
        let seen = self.mark.index + ahead;
        while self.mark.index < seen {
            if self.break_here(0) > 0 {
                self.skip_break();
            } else {
                self.skip_char();
            }
        }
    }
}

/// Comments being gathered.
struct Gathering {
    scan: Mark,
    token: Mark,
    start: Mark,
    line: u32,
    /// Column from 1.
    column: u32,
    next_indent: i64,
    recent_empty: bool,
    first_empty: bool,
    /// The line in which a foot comment must start.
    foot_line: i64,
    after_value: bool,
    text: String,
}

impl Gathering {
    fn new(scanner: &Scanner<'_>, scan: Mark) -> Self {
        let mut token = scanner.tokens.last();
        if token.is_some_and(|token| token.kind == TokenKind::FlowEntry) && scanner.tokens.len() > 1
        {
            token = scanner.tokens.get(scanner.tokens.len() - 2);
        }
        let mut foot_line = -1;
        if scan.line > 0 {
            foot_line = i64::from(scanner.mark.line) - i64::from(scanner.newlines) + 1;
            if scanner.newlines == 0 && scanner.mark.column > 1 {
                foot_line += 1;
            }
        }
        Self {
            scan,
            token: token.map_or(scan, |token| token.start),
            start: Mark::default(),
            line: scanner.mark.line,
            column: scanner.mark.column,
            next_indent: scanner.indent.max(0),
            recent_empty: false,
            first_empty: scanner.newlines <= 1,
            foot_line,
            after_value: token.is_some_and(|token| token.kind == TokenKind::Value),
            text: String::new(),
        }
    }

    fn here(&self, scanner: &Scanner<'_>, ahead: usize) -> Mark {
        Mark {
            index: scanner.mark.index + ahead,
            line: self.line,
            column: self.column,
        }
    }

    fn is_dedented(&self) -> bool {
        i64::from(self.start.column) - 1 < self.next_indent
    }

    /// Handles the end of a line without a comment, or of the flow collection.
    fn end_line(&mut self, scanner: &mut Scanner<'_>, ahead: usize, closes: bool) {
        if self.recent_empty && !closes {
            return;
        }
        let below = i64::from(self.start.line) == self.foot_line && !self.after_value;
        if closes || self.first_empty && (below || self.is_dedented()) {
            if !self.text.is_empty() {
                if self.is_dedented() {
                    self.token = self.start;
                }
                self.split(scanner, ahead);
            }
        } else if !self.text.is_empty() && scanner.at + ahead < scanner.bytes.len() {
            self.text.push('\n');
        }
    }

    /// Ends the gathered text as a foot comment.
    fn split(&mut self, scanner: &mut Scanner<'_>, ahead: usize) {
        let here = self.here(scanner, ahead);
        scanner.comments.push(Comment {
            scan: self.scan,
            token: self.token,
            start: self.start,
            end: here,
            foot: std::mem::take(&mut self.text),
            ..Comment::default()
        });
        self.scan = here;
        self.token = here;
    }
}
