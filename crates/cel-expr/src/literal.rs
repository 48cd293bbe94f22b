//! The values that literals stand for.
//!
//! Source: cel-go v0.26 `parser/unescape.go`

use crate::value::Value;

/// A whole number, with its sign.
pub(crate) fn int(text: &str, negative: bool) -> Option<Value> {
    let (digits, radix) = radix(text);
    let magnitude = i128::from_str_radix(digits, radix).ok()?;
    let signed = if negative { -magnitude } else { magnitude };
    i64::try_from(signed).ok().map(Value::Int)
}

/// An unsigned number, whose text ends in `u`.
pub(crate) fn uint(text: &str) -> Option<Value> {
    let (digits, radix) = radix(&text[..text.len() - 1]);
    u64::from_str_radix(digits, radix).ok().map(Value::Uint)
}

/// A number with a fraction or exponent; none where it is out of range.
pub(crate) fn double(text: &str, negative: bool) -> Option<Value> {
    let value: f64 = text.parse().ok()?;
    let signed = if negative { -value } else { value };
    signed.is_finite().then_some(Value::Double(signed))
}

fn radix(text: &str) -> (&str, u32) {
    match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (text, 10),
    }
}

/// The text that a string token stands for.
///
/// # Errors
/// An escape names no character; the text is upstream's.
pub(crate) fn string(token: &str) -> Result<Value, &'static str> {
    let mut text = String::new();
    unescape(token, |unit| match unit {
        Unit::Char(c) => {
            text.push(c);
            Ok(())
        }
        Unit::Code(code, _) => {
            text.push(char::from_u32(code).ok_or("invalid unicode code point")?);
            Ok(())
        }
    })?;
    Ok(Value::text(&text))
}

/// The bytes that a token stands for, without its `b`.
///
/// # Errors
/// An escape is not one of bytes; the text is upstream's.
pub(crate) fn bytes(token: &str) -> Result<Value, &'static str> {
    let mut bytes = Vec::new();
    unescape(token, |unit| match unit {
        Unit::Char(c) => {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            Ok(())
        }
        Unit::Code(code, false) => {
            bytes.push(u8::try_from(code).map_err(|_| "unable to unescape string")?);
            Ok(())
        }
        Unit::Code(_, true) => Err("unable to unescape string"),
    })?;
    Ok(Value::Bytes(bytes.into()))
}

/// A part of a string.
enum Unit {
    Char(char),
    /// A number, and whether it was written as one of Unicode.
    Code(u32, bool),
}

fn unescape(
    token: &str,
    mut push: impl FnMut(Unit) -> Result<(), &'static str>,
) -> Result<(), &'static str> {
    let token = token.replace("\r\n", "\n").replace('\r', "\n");
    let raw = token.starts_with(['r', 'R']);
    let quoted = &token[usize::from(raw)..];
    let triple = quoted.len() >= 6 && (quoted.starts_with("'''") || quoted.starts_with("\"\"\""));
    let quotes = if triple { 3 } else { 1 };
    let body = &quoted[quotes..quoted.len() - quotes];
    let mut chars = body.chars();
    while let Some(c) = chars.next() {
        if c != '\\' || raw {
            push(Unit::Char(c))?;
            continue;
        }
        let escape = chars.next().ok_or("unable to unescape string")?;
        let plain = match escape {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'x' | 'X' => {
                push(Unit::Code(number(&mut chars, 2, 16)?, false))?;
                continue;
            }
            'u' => {
                push(Unit::Code(number(&mut chars, 4, 16)?, true))?;
                continue;
            }
            'U' => {
                push(Unit::Code(number(&mut chars, 8, 16)?, true))?;
                continue;
            }
            digit @ '0'..='3' => {
                let rest = number(&mut chars, 2, 8)?;
                let first = u32::from(digit) - u32::from('0');
                push(Unit::Code(first * 64 + rest, false))?;
                continue;
            }
            other => other,
        };
        push(Unit::Char(plain))?;
    }
    Ok(())
}

fn number(chars: &mut std::str::Chars<'_>, count: usize, radix: u32) -> Result<u32, &'static str> {
    let mut value: u32 = 0;
    for _ in 0..count {
        let digit = chars.next().and_then(|c| c.to_digit(radix));
        let digit = digit.ok_or("unable to unescape string")?;
        value = value.wrapping_mul(radix).wrapping_add(digit);
    }
    Ok(value)
}
