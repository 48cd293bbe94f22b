//! What begins with a backslash.

use regex_syntax::hir::{ClassUnicode, Look};

use super::{Parser, Refusal, before, next, refused};
use crate::class;

impl Parser<'_> {
    /// An escape outside of brackets; what follows.
    pub(super) fn escaped<'t>(&mut self, text: &'t [u8]) -> Result<&'t [u8], Refusal> {
        if let [_, letter, after @ ..] = text {
            match letter {
                b'A' => return self.look(Look::Start, after),
                b'b' => return self.look(Look::WordAscii, after),
                b'B' => return self.look(Look::WordAsciiNegate, after),
                b'z' => return self.look(Look::End, after),
                b'C' => return refused("invalid escape sequence", &text[..2]),
                b'Q' => return self.quoted(after),
                _ => {}
            }
            if let Some((class, rest)) = unicode_class(text, self.flags.fold)? {
                self.push_class(class)?;
                return Ok(rest);
            }
            if let Some(class) = class::perl(*letter, self.flags.fold) {
                self.push_class(class)?;
                return Ok(after);
            }
        }
        let (code, rest) = escape(text)?;
        self.code_point(code)?;
        Ok(rest)
    }

    /// All up to `\E` as it stands.
    fn quoted<'t>(&mut self, text: &'t [u8]) -> Result<&'t [u8], Refusal> {
        let end = text.windows(2).position(|it| it == b"\\E");
        let (mut literal, rest) = match end {
            Some(end) => (&text[..end], &text[end + 2..]),
            None => (text, &b""[..]),
        };
        while !literal.is_empty() {
            let (c, after) = next(literal)?;
            self.literal(c)?;
            literal = after;
        }
        Ok(rest)
    }
}

/// `\p{Name}` or `\pN`, and what follows.
pub(super) fn unicode_class(
    text: &[u8],
    fold: bool,
) -> Result<Option<(ClassUnicode, &[u8])>, Refusal> {
    let [b'\\', sign @ (b'p' | b'P'), after @ ..] = text else {
        return Ok(None);
    };
    let (c, mut rest) = next(after)?;
    let mut name = before(after, rest);
    if c == '{' {
        let Some(end) = text.iter().position(|it| *it == b'}') else {
            if std::str::from_utf8(text).is_err() {
                return refused("invalid UTF-8", text);
            }
            return refused("invalid character class range", text);
        };
        (name, rest) = (&text[3..end], &text[end + 1..]);
        if std::str::from_utf8(name).is_err() {
            return refused("invalid UTF-8", name);
        }
    }
    let mut negated = *sign == b'P';
    let seq = before(text, rest);
    if let Some(after) = name.strip_prefix(b"^") {
        (negated, name) = (!negated, after);
    }
    let Some(mut class) = class::unicode(name, fold) else {
        return refused("invalid character class range", seq);
    };
    if negated {
        class.negate();
    }
    Ok(Some((class, rest)))
}

/// An escape of a single character: its number, and what follows.
pub(super) fn escape(text: &[u8]) -> Result<(u32, &[u8]), Refusal> {
    let after = &text[1..];
    if after.is_empty() {
        return refused("trailing backslash at end of expression", b"");
    }
    let (c, rest) = next(after)?;
    let octal = |it: Option<&u8>| it.is_some_and(|it| (b'0'..=b'7').contains(it));
    match c {
        '1'..='7' if !octal(rest.first()) => {}
        '0'..='7' => {
            let count = 1 + rest.iter().take(2).take_while(|it| octal(Some(it))).count();
            let digits = after[..count].iter();
            let value = digits.fold(0, |value, it| value * 8 + u32::from(it - b'0'));
            return Ok((value, &after[count..]));
        }
        'x' => return hexadecimal(text, rest),
        'a' => return Ok((7, rest)),
        'f' => return Ok((12, rest)),
        'n' => return Ok((10, rest)),
        'r' => return Ok((13, rest)),
        't' => return Ok((9, rest)),
        'v' => return Ok((11, rest)),
        _ if c.is_ascii() && !c.is_ascii_alphanumeric() => return Ok((c.into(), rest)),
        _ => {}
    }
    refused("invalid escape sequence", before(text, rest))
}

/// `\x7F` or `\x{10FFFF}`, from the digits on.
fn hexadecimal<'t>(text: &'t [u8], mut rest: &'t [u8]) -> Result<(u32, &'t [u8]), Refusal> {
    let invalid = |rest: &[u8]| refused("invalid escape sequence", before(text, rest));
    if rest.is_empty() {
        return invalid(rest);
    }
    let (first, after) = next(rest)?;
    rest = after;
    if first != '{' {
        let (second, after) = next(rest)?;
        return match (first.to_digit(16), second.to_digit(16)) {
            (Some(high), Some(low)) => Ok((high * 16 + low, after)),
            _ => invalid(after),
        };
    }
    let (mut value, mut digits) = (0, 0);
    while !rest.is_empty() {
        let (c, after) = next(rest)?;
        rest = after;
        if c == '}' && digits > 0 {
            return Ok((value, rest));
        }
        match c.to_digit(16) {
            Some(digit) if value * 16 + digit <= 0x10_FFFF => value = value * 16 + digit,
            _ => break,
        }
        digits += 1;
    }
    invalid(rest)
}
