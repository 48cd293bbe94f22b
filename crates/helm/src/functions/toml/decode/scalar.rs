//! Strings, numbers, dates.

use go_template::quote::quoted;
use go_template::{Str, Value, parse_float, parse_int};

use super::{Error, Outcome, Parser};
use crate::functions::dates;
use crate::functions::toml::lex::{Item, Token};

impl Parser<'_> {
    pub(super) fn scalar(&self, item: &Item) -> Outcome<Value> {
        let text = |text: &[u8]| Ok(Value::Str(Str::from(text)));
        match item.token {
            Token::StringEscaped => text(&self.unescaped(item, &item.text)?),
            Token::MultilineString => {
                let stripped = without_line_ends(after_line_end(&item.text));
                text(&self.unescaped(item, &stripped)?)
            }
            Token::RawMultilineString => text(after_line_end(&item.text)),
            Token::Integer => self.integer(item),
            Token::Float => self.float(item),
            Token::Bool => Ok(Value::Bool(item.text == b"true")),
            Token::Datetime => self.datetime(item),
            _ => text(&item.text),
        }
    }

    fn integer(&self, item: &Item) -> Outcome<Value> {
        let text = go_template::unicode::lossy(&item.text);
        let shown = quoted(&item.text);
        if !underscores_fit(&text) {
            let text = format!("Invalid integer {shown}: underscores must be surrounded by digits");
            return self.error(item.line, &text);
        }
        if has_leading_zero(&text) {
            let text = format!("Invalid integer {shown}: cannot have leading zeroes");
            return self.error(item.line, &text);
        }
        match parse_int(&text) {
            Some(value) => Ok(Value::int64(value)),
            None => self.error(item.line, &format!("{text} is out of range for int64")),
        }
    }

    fn float(&self, item: &Item) -> Outcome<Value> {
        let text = go_template::unicode::lossy(&item.text);
        let shown = quoted(&item.text);
        let refused = |why: &str| {
            let text = format!("Invalid float {shown}: {why}");
            self.error(item.line, &text)
        };
        let mut parts = text.split(['.', 'e', 'E']).filter(|it| !it.is_empty());
        if !parts.clone().all(underscores_fit) {
            return refused("underscores must be surrounded by digits");
        }
        if parts.next().is_some_and(has_leading_zero) {
            return refused("cannot have leading zeroes");
        }
        let mut after_period = text.split('.').skip(1);
        if !after_period.all(|it| it.starts_with(|c: char| c.is_ascii_digit())) {
            return refused("'.' must be followed by one or more digits");
        }
        let plain = text.replace('_', "");
        let value = match plain.trim_start_matches(['+', '-']) {
            "inf" => Some(f64::INFINITY),
            "nan" => Some(f64::NAN),
            _ if is_float(&plain) => match parse_float(&plain) {
                Some(value) => Some(value.abs()),
                None => {
                    let text = format!("{text} is out of range for float64");
                    return self.error(item.line, &text);
                }
            },
            _ => None,
        };
        let sign = if plain.starts_with('-') { -1.0 } else { 1.0 };
        match value {
            Some(value) => Ok(Value::Float(value.copysign(sign))),
            None => self.error(item.line, &format!("Invalid float value: {shown}")),
        }
    }

    fn datetime(&self, item: &Item) -> Outcome<Value> {
        let text = item.text.trim_ascii().iter();
        let text: Vec<u8> = text
            .map(|it| match it {
                b'z' => b'Z',
                b't' | b' ' => b'T',
                other => *other,
            })
            .collect();
        match dates::read_toml(&text) {
            Some(moment) => Ok(moment),
            None => {
                let text = format!("invalid datetime: {}", quoted(&text));
                self.error(item.line, &text)
            }
        }
    }

    /// The text without its escapes.
    pub(super) fn unescaped(&self, item: &Item, text: &[u8]) -> Outcome<Vec<u8>> {
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some((byte, after)) = rest.split_first() {
            rest = after;
            if *byte != b'\\' {
                out.push(*byte);
                continue;
            }
            let Some((escape, after)) = rest.split_first() else {
                break;
            };
            rest = after;
            let count = match escape {
                b'x' => 2,
                b'u' => 4,
                b'U' => 8,
                _ => 0,
            };
            match escape {
                b' ' | b'\t' => {
                    let c = char::from(*escape);
                    return self.error(item.line, &format!("invalid escape: '\\{c}'"));
                }
                b'b' => out.push(8),
                b't' => out.push(b'\t'),
                b'n' => out.push(b'\n'),
                b'f' => out.push(12),
                b'r' => out.push(b'\r'),
                b'e' => out.push(0x1b),
                b'"' | b'\\' => out.push(*escape),
                b'x' | b'u' | b'U' if rest.len() >= count => {
                    let digits = go_template::unicode::lossy(&rest[..count]).into_owned();
                    rest = &rest[count..];
                    let code = u32::from_str_radix(&digits, 16).ok();
                    match code.and_then(char::from_u32) {
                        Some(c) => go_template::unicode::encode(c, &mut out),
                        None => {
                            let text =
                                format!("Escaped character '\\u{digits}' is not valid UTF-8.");
                            return self.error(item.line, &text);
                        }
                    }
                }
                _ => {
                    let c = char::from(*escape);
                    let text =
                        format!("BUG: Expected valid escape code after \\, but got {c:?}.\n\n");
                    return Err(Error::Panic(go_template::Failure::new(text)));
                }
            }
        }
        Ok(out)
    }
}

fn after_line_end(text: &[u8]) -> &[u8] {
    let rest = text.strip_prefix(b"\n");
    rest.or_else(|| text.strip_prefix(b"\r\n")).unwrap_or(text)
}

/// Takes out backslashes at the ends of lines, and the blanks after them.
fn without_line_ends(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        if *byte != b'\\' {
            out.push(*byte);
            rest = after;
            continue;
        }
        if after.first() == Some(&b'\\') {
            out.extend_from_slice(b"\\\\");
            rest = &after[1..];
            continue;
        }
        let blank = |it: &&u8| matches!(it, b' ' | b'\t' | b'\r' | b'\n');
        let blanks = after.iter().take_while(blank).count();
        if after[..blanks].contains(&b'\n') {
            rest = &after[blanks..];
        } else {
            out.push(b'\\');
            rest = after;
        }
    }
    out
}

fn has_leading_zero(text: &str) -> bool {
    match text.as_bytes() {
        [b'0', b'b' | b'o' | b'x', ..] => false,
        [b'0', _, ..] | [b'-' | b'+', b'0', _, ..] => true,
        _ => false,
    }
}

fn underscores_fit(text: &str) -> bool {
    if matches!(text.trim_start_matches(['+', '-']), "nan" | "inf") {
        return true;
    }
    let mut accept = false;
    for c in text.chars() {
        if c == '_' && !accept {
            return false;
        }
        accept = c.is_ascii_hexdigit();
    }
    accept
}

/// Whether the text is a number as `strconv.ParseFloat` takes it.
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let exponent = exponent.is_none_or(|it| digits(it.strip_prefix(['+', '-']).unwrap_or(it)));
    (digits(whole) || whole.is_empty() && digits(fraction))
        && (fraction.is_empty() || digits(fraction))
        && exponent
}
