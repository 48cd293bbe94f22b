//! Go's quoted strings: writing them and reading them.
//!
//! Source: Go 1.26 `strconv/quote.go`

use crate::unicode::{self, REPLACEMENT, Runes, encode, is_print};

/// Which characters are escaped besides those that have to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escapes {
    /// Those that cannot be printed.
    Unprintable,
    /// Also all outside of ASCII.
    NonAscii,
}

/// Appends `text` in double quotes.
pub fn quote(text: &[u8], escapes: Escapes, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text;
    while let Some((c, length)) = unicode::decode(rest) {
        if c == REPLACEMENT && length == 1 {
            out.extend_from_slice(format!("\\x{:02x}", rest[0]).as_bytes());
        } else {
            escape(c, '"', escapes, out);
        }
        rest = &rest[length..];
    }
    out.push(b'"');
}

/// `text` in double quotes.
pub fn quoted(text: &[u8]) -> String {
    let mut out = Vec::new();
    quote(text, Escapes::Unprintable, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// Appends a character in single quotes.
pub fn quote_char(c: char, escapes: Escapes, out: &mut Vec<u8>) {
    out.push(b'\'');
    escape(c, '\'', escapes, out);
    out.push(b'\'');
}

fn escape(c: char, quote: char, escapes: Escapes, out: &mut Vec<u8>) {
    if c == quote || c == '\\' {
        out.push(b'\\');
        return encode(c, out);
    }
    if is_print(c) && (escapes == Escapes::Unprintable || c.is_ascii()) {
        return encode(c, out);
    }
    let text: &[u8] = match c {
        '\x07' => b"\\a",
        '\x08' => b"\\b",
        '\x0c' => b"\\f",
        '\n' => b"\\n",
        '\r' => b"\\r",
        '\t' => b"\\t",
        '\x0b' => b"\\v",
        _ => {
            let code = u32::from(c);
            let text = match code {
                0..=0x1f | 0x7f => format!("\\x{code:02x}"),
                0x80..=0xffff => format!("\\u{code:04x}"),
                _ => format!("\\U{code:08x}"),
            };
            return out.extend_from_slice(text.as_bytes());
        }
    };
    out.extend_from_slice(text);
}

/// Whether a text can stand between backquotes as it is.
pub fn can_backquote(text: &[u8]) -> bool {
    Runes(text).all(|(c, length)| match c {
        REPLACEMENT => length > 1,
        '\u{FEFF}' | '`' | '\x7f' => false,
        c => c == '\t' || c >= ' ',
    })
}

/// What a literal in double quotes or backquotes stands for; `None` if it is malformed.
pub fn unquote(literal: &[u8]) -> Option<Vec<u8>> {
    let (&quote, rest) = literal.split_first()?;
    let (&last, body) = rest.split_last()?;
    if quote != last {
        return None;
    }
    match quote {
        b'`' => Some(body.iter().copied().filter(|it| *it != b'\r').collect()),
        // Most literals stand for what they hold.
        b'"' if !body.iter().any(|it| matches!(it, b'\n' | b'\\' | b'"')) && body.is_ascii() => {
            Some(body.to_vec())
        }
        b'"' if !body.contains(&b'\n') => {
            let mut out = Vec::with_capacity(body.len());
            let mut rest = body;
            while !rest.is_empty() {
                let (piece, length) = unquote_char(rest, b'"')?;
                match piece {
                    Piece::Byte(byte) => out.push(byte),
                    Piece::Char(c) => encode(c, &mut out),
                }
                rest = &rest[length..];
            }
            Some(out)
        }
        _ => None,
    }
}

/// What an escape or a character stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A byte, from `\x` or octal digits.
    Byte(u8),
    /// A character.
    Char(char),
}

impl Piece {
    /// Its number, as a character constant has it.
    pub fn code(self) -> u32 {
        match self {
            Self::Byte(byte) => byte.into(),
            Self::Char(c) => c.into(),
        }
    }
}

/// The first piece of a literal's inside and how many bytes it took.
pub fn unquote_char(text: &[u8], quote: u8) -> Option<(Piece, usize)> {
    let (c, length) = unicode::decode(text)?;
    if c != '\\' {
        let closing = c == char::from(quote) && matches!(quote, b'\'' | b'"');
        return (!closing).then_some((Piece::Char(c), length));
    }
    let &kind = text.get(1)?;
    let simple = |c: char| Some((Piece::Char(c), 2));
    match kind {
        b'a' => simple('\x07'),
        b'b' => simple('\x08'),
        b'f' => simple('\x0c'),
        b'n' => simple('\n'),
        b'r' => simple('\r'),
        b't' => simple('\t'),
        b'v' => simple('\x0b'),
        b'\\' => simple('\\'),
        b'\'' | b'"' => (kind == quote).then_some((Piece::Char(kind.into()), 2)),
        b'x' => {
            let code = digits(text.get(2..4)?, 16)?;
            Some((Piece::Byte(u8::try_from(code).ok()?), 4))
        }
        b'u' => Some((
            Piece::Char(char::from_u32(digits(text.get(2..6)?, 16)?)?),
            6,
        )),
        b'U' => Some((
            Piece::Char(char::from_u32(digits(text.get(2..10)?, 16)?)?),
            10,
        )),
        b'0'..=b'7' => {
            let code = digits(text.get(1..4)?, 8)?;
            Some((Piece::Byte(u8::try_from(code).ok()?), 4))
        }
        _ => None,
    }
}

fn digits(text: &[u8], radix: u32) -> Option<u32> {
    let text = std::str::from_utf8(text).ok()?;
    let all = text.chars().all(|c| c.is_digit(radix));
    all.then(|| u32::from_str_radix(text, radix).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_escapes_what_cannot_be_printed() {
        let text = "a\"\\\n\x01\u{7f}é\u{a0}\u{1f600}\u{e0001}";
        let expected = r#""a\"\\\n\x01\x7fé\u00a0😀\U000e0001""#;
        assert_eq!(quoted(text.as_bytes()), expected);
        assert_eq!(quoted(b"\xff\xc3"), r#""\xff\xc3""#);
        let mut out = Vec::new();
        quote("é😀".as_bytes(), Escapes::NonAscii, &mut out);
        assert_eq!(out, br#""\u00e9\U0001f600""#);
    }

    #[test]
    fn unquoting_reverses_quoting() {
        for text in [&b"a\"\\\n\x01\x7f"[..], "é😀".as_bytes(), b"\xff\xc3"] {
            let literal = quoted(text);
            assert_eq!(unquote(literal.as_bytes()).unwrap(), text);
        }
        assert_eq!(unquote(b"`a\r\\n`").unwrap(), b"a\\n");
        assert_eq!(unquote(br#""\101\x41""#).unwrap(), b"AA");
        for literal in [
            &br#""\'""#[..],
            br#""\ud800""#,
            br#""\8""#,
            br#""\x4""#,
            b"\"a'",
        ] {
            assert_eq!(unquote(literal), None);
        }
    }
}
