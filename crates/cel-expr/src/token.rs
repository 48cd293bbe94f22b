//! Characters into tokens.
//!
//! Source: cel-go v0.26 `parser/gen/CEL.g4`

use crate::error::Issue;

/// A token and where its text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Identifier,
    /// A name in backquotes.
    Escaped,
    Int,
    Uint,
    Float,
    String,
    Bytes,
    /// `true`, `false`, `null` or `in`.
    Word,
    Operator,
    End,
}

/// The tokens of an expression, the last of them [`TokenKind::End`], and what is no token.
pub(crate) fn tokens(source: &[char]) -> (Vec<Token>, Vec<Issue>) {
    let mut lexer = Lexer { source, at: 0 };
    let (mut tokens, mut issues) = (Vec::new(), Vec::new());
    loop {
        lexer.skip_blanks();
        let start = lexer.at;
        match lexer.next() {
            Ok(kind) => {
                let end = lexer.at;
                tokens.push(Token { kind, start, end });
                if kind == TokenKind::End {
                    return (tokens, issues);
                }
            }
            Err(failed) => {
                let end = (failed + 1).min(source.len());
                let text: String = source[start..end].iter().collect();
                issues.push(Issue {
                    at: Some(start),
                    message: format!("Syntax error: token recognition error at: '{text}'"),
                });
                lexer.at = end;
            }
        }
    }
}

struct Lexer<'a> {
    source: &'a [char],
    at: usize,
}

/// Operators, the longer ones first.
const OPERATORS: [&str; 24] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "[", "]", "{", "}", "(", ")", ".", ",", "-", "!",
    "?", ":", "+", "*", "/", "%",
];

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.source.get(self.at + ahead).copied()
    }

    fn skip_blanks(&mut self) {
        while let Some(c) = self.peek(0) {
            if matches!(c, '\t' | ' ' | '\r' | '\n' | '\u{c}') {
                self.at += 1;
            } else if c == '/' && self.peek(1) == Some('/') {
                while self.peek(0).is_some_and(|c| c != '\n') {
                    self.at += 1;
                }
            } else {
                return;
            }
        }
    }

    /// Moves past the next token; the error is the character that does not fit.
    fn next(&mut self) -> Result<TokenKind, usize> {
        let Some(c) = self.peek(0) else {
            return Ok(TokenKind::End);
        };
        let fraction = c == '.' && self.peek(1).is_some_and(|c| c.is_ascii_digit());
        if c.is_ascii_digit() || fraction {
            return Ok(self.number());
        }
        if matches!(c, '"' | '\'') {
            self.at = self.string(self.at, false)?;
            return Ok(TokenKind::String);
        }
        if c.is_ascii_alphabetic() || c == '_' {
            return Ok(self.string_with_prefix().unwrap_or_else(|| self.word()));
        }
        if c == '`' {
            return self.escaped();
        }
        for operator in OPERATORS {
            let length = operator.len();
            if operator
                .chars()
                .enumerate()
                .all(|(at, c)| self.peek(at) == Some(c))
            {
                self.at += length;
                return Ok(TokenKind::Operator);
            }
        }
        // `&`, `|` and `=` begin something: the next character is what does not fit.
        Err(self.at + usize::from(matches!(c, '&' | '|' | '=')))
    }

    fn digits(&mut self, is_digit: fn(&char) -> bool) -> bool {
        let start = self.at;
        while self.peek(0).as_ref().is_some_and(is_digit) {
            self.at += 1;
        }
        self.at > start
    }

    fn number(&mut self) -> TokenKind {
        let hexadecimal = self.peek(0) == Some('0')
            && self.peek(1) == Some('x')
            && self.peek(2).is_some_and(|c| c.is_ascii_hexdigit());
        if hexadecimal {
            self.at += 2;
            self.digits(char::is_ascii_hexdigit);
        } else {
            let whole = self.digits(char::is_ascii_digit);
            let mut float = false;
            if self.peek(0) == Some('.') && self.peek(1).is_some_and(|c| c.is_ascii_digit()) {
                self.at += 1;
                float = self.digits(char::is_ascii_digit);
            }
            float |= (whole || float) && self.exponent();
            if float {
                return TokenKind::Float;
            }
        }
        if matches!(self.peek(0), Some('u' | 'U')) {
            self.at += 1;
            return TokenKind::Uint;
        }
        TokenKind::Int
    }

    fn exponent(&mut self) -> bool {
        let start = self.at;
        if !matches!(self.peek(0), Some('e' | 'E')) {
            return false;
        }
        self.at += 1;
        if matches!(self.peek(0), Some('+' | '-')) {
            self.at += 1;
        }
        if self.digits(char::is_ascii_digit) {
            return true;
        }
        self.at = start;
        false
    }

    fn word(&mut self) -> TokenKind {
        let start = self.at;
        while self.peek(0).is_some_and(is_word) {
            self.at += 1;
        }
        let text: String = self.source[start..self.at].iter().collect();
        match text.as_str() {
            "true" | "false" | "null" | "in" => TokenKind::Word,
            _ => TokenKind::Identifier,
        }
    }

    fn escaped(&mut self) -> Result<TokenKind, usize> {
        let mut at = self.at + 1;
        let fits = |c: &char| is_word(*c) || matches!(c, '.' | '-' | '/' | ' ');
        while self.source.get(at).is_some_and(fits) {
            at += 1;
        }
        if at == self.at + 1 || self.source.get(at) != Some(&'`') {
            return Err(at);
        }
        self.at = at + 1;
        Ok(TokenKind::Escaped)
    }

    /// `b`, `r` and `br` before a quote.
    fn string_with_prefix(&mut self) -> Option<TokenKind> {
        let mut at = self.at;
        let bytes = matches!(self.source.get(at), Some('b' | 'B'));
        at += usize::from(bytes);
        let raw = matches!(self.source.get(at), Some('r' | 'R'));
        at += usize::from(raw);
        if at == self.at || !matches!(self.source.get(at), Some('"' | '\'')) {
            return None;
        }
        self.at = self.string(at, raw).ok()?;
        Some(if bytes {
            TokenKind::Bytes
        } else {
            TokenKind::String
        })
    }

    /// The end of the string whose quote is at `start`.
    fn string(&self, start: usize, raw: bool) -> Result<usize, usize> {
        let quote = self.source[start];
        let triple = (1..3).all(|ahead| self.source.get(start + ahead) == Some(&quote));
        if triple && let Some(end) = self.triple(start + 3, quote, raw) {
            return Ok(end);
        }
        let mut at = start + 1;
        loop {
            match self.source.get(at) {
                Some('\\') if !raw => at = self.escape(at)?,
                Some(c) if *c == quote => return Ok(at + 1),
                Some('\n' | '\r') | None => return Err(at),
                Some(_) => at += 1,
            }
        }
    }

    fn triple(&self, mut at: usize, quote: char, raw: bool) -> Option<usize> {
        loop {
            let here = self.source.get(at)?;
            if (0..3).all(|ahead| self.source.get(at + ahead) == Some(&quote)) {
                return Some(at + 3);
            }
            at = match here {
                '\\' if !raw => self.escape(at).ok()?,
                _ => at + 1,
            };
        }
    }

    /// The end of the escape sequence at `at`.
    fn escape(&self, at: usize) -> Result<usize, usize> {
        let run = |from: usize, count: usize, fits: fn(&char) -> bool| {
            let bad = (from..from + count).find(|at| !self.source.get(*at).is_some_and(fits));
            bad.map_or(Ok(from + count), Err)
        };
        let octal = |c: &char| ('0'..='7').contains(c);
        match self.source.get(at + 1) {
            Some('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '"' | '\'' | '\\' | '?' | '`') => {
                Ok(at + 2)
            }
            Some('x' | 'X') => run(at + 2, 2, char::is_ascii_hexdigit),
            Some('u') => run(at + 2, 4, char::is_ascii_hexdigit),
            Some('U') => run(at + 2, 8, char::is_ascii_hexdigit),
            Some('0'..='3') => run(at + 2, 2, octal),
            _ => Err(at + 1),
        }
    }
}
