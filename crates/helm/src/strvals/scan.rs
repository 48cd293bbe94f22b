//! The text of a `--set`, character by character.

use go_template::quote::{Escapes, quote_char};

/// Why a piece of text ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// At one of the characters that were asked for.
    At(char),
    /// With the text.
    End,
}

/// What is left of a text.
pub(super) struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self(text)
    }

    pub(super) fn rest(&self) -> &'a str {
        self.0
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.0.chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let char = self.peek()?;
        self.0 = &self.0[char.len_utf8()..];
        Some(char)
    }

    /// Leaves bytes out, as far as there are so many.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.0 = self.0.get(bytes..).unwrap_or_default();
    }

    /// The text up to a character, which is taken too. A backslash takes the next character as it is.
    pub(super) fn until(&mut self, stops: &[char], escapes: bool) -> (String, Stop) {
        let mut text = String::new();
        while let Some(char) = self.next() {
            if stops.contains(&char) {
                return (text, Stop::At(char));
            }
            if escapes && char == '\\' {
                match self.next() {
                    Some(next) => text.push(next),
                    None => break,
                }
            } else {
                text.push(char);
            }
        }
        (text, Stop::End)
    }

    /// Skips white space; whether the value ends here. A comma that ends it is taken.
    pub(super) fn is_empty_value(&mut self) -> bool {
        loop {
            match self.peek() {
                None => return true,
                Some(',') => {
                    self.next();
                    return true;
                }
                Some(char) if char.is_whitespace() => {
                    self.next();
                }
                Some(_) => return false,
            }
        }
    }
}

/// A decimal number as Go's `strconv.Atoi` reads it.
pub(super) fn atoi(text: &str) -> Result<i64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let problem = if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        "invalid syntax"
    } else {
        match text.parse() {
            Ok(value) => return Ok(value),
            Err(_) => "value out of range",
        }
    };
    let text = go_template::quote::quoted(text.as_bytes());
    Err(format!("strconv.Atoi: parsing {text}: {problem}"))
}

/// Characters as Go's `%q` prints a slice of runes.
pub(super) fn quoted_runes(text: &str) -> String {
    let mut out = vec![b'['];
    for (at, char) in text.chars().enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        quote_char(char, Escapes::Unprintable, &mut out);
    }
    out.push(b']');
    String::from_utf8(out).unwrap_or_default()
}
