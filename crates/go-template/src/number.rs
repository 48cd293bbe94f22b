//! Number constants: what a literal can stand for.
//!
//! Source: Go 1.26 `text/template/parse/node.go` `newNumber`, `strconv/atoi.go`, `strconv/atof.go`

use crate::quote;

/// A constant under all the kinds that can hold it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Number {
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<(f64, f64)>,
}

/// A character constant with its quotes.
///
/// # Errors
/// Go's text for a malformed one.
pub(crate) fn character(text: &[u8]) -> Result<Number, String> {
    let (piece, length) =
        quote::unquote_char(&text[1..], b'\'').ok_or_else(|| String::from("invalid syntax"))?;
    if &text[1 + length..] != b"'" {
        let text = crate::unicode::lossy(text);
        return Err(format!("malformed character constant: {text}"));
    }
    let code = piece.code();
    Ok(Number {
        int: Some(code.into()),
        uint: Some(code.into()),
        float: Some(code.into()),
        complex: None,
    })
}

/// A real and an imaginary part in one literal, as `1+2i`.
///
/// # Errors
/// Go's text for a malformed one.
pub(crate) fn complex(text: &str) -> Result<Number, String> {
    let body = text.strip_suffix('i').unwrap_or(text);
    let sign = |(at, c): (usize, char)| {
        let before = body.as_bytes()[at - 1].to_ascii_lowercase();
        let hex = body.to_ascii_lowercase().contains("0x");
        let exponent = if hex { b'p' } else { b'e' };
        (matches!(c, '+' | '-') && before != exponent).then_some(at)
    };
    let split = body.char_indices().skip(1).find_map(sign);
    let parts = split.map(|at| body.split_at(at));
    let parsed = parts.and_then(|(real, imag)| Some((parse_float(real)?, parse_float(imag)?)));
    let parsed = parsed.ok_or_else(|| String::from("syntax error scanning complex number"))?;
    Ok(from_complex(parsed))
}

/// A literal of digits, of any base, whole or not, imaginary or not.
///
/// # Errors
/// Go's text for a malformed one.
pub(crate) fn number(text: &str) -> Result<Number, String> {
    if let Some(imag) = text.strip_suffix('i').and_then(parse_float) {
        return Ok(from_complex((0.0, imag)));
    }
    let mut number = Number {
        uint: parse_uint(text),
        int: parse_int(text),
        ..Number::default()
    };
    if number.int == Some(0) {
        number.uint = Some(0);
    }
    if let Some(int) = number.int {
        number.float = Some(int as f64);
    } else if let Some(uint) = number.uint {
        number.float = Some(uint as f64);
    } else if let Some(float) = parse_float(text) {
        if !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!(
                "integer overflow: {}",
                quote::quoted(text.as_bytes())
            ));
        }
        number.float = Some(float);
        (number.int, number.uint) = whole(float);
    } else {
        let text = quote::quoted(text.as_bytes());
        return Err(format!("illegal number syntax: {text}"));
    }
    Ok(number)
}

fn from_complex((real, imag): (f64, f64)) -> Number {
    let mut number = Number {
        complex: Some((real, imag)),
        ..Number::default()
    };
    if imag == 0.0 {
        number.float = Some(real);
        (number.int, number.uint) = whole(real);
    }
    number
}

/// A float as whole numbers, where it is one.
fn whole(float: f64) -> (Option<i64>, Option<u64>) {
    let int = float as i64;
    let uint = float as u64;
    let fits = float.fract() == 0.0;
    let signed =
        fits && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&float);
    let unsigned = fits && (0.0..18_446_744_073_709_551_616.0).contains(&float);
    (signed.then_some(int), unsigned.then_some(uint))
}

/// `strconv.ParseInt(text, 0, 64)`.
pub fn parse_int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let value = parse_uint(digits)?;
    if negative {
        0i64.checked_sub_unsigned(value)
    } else {
        i64::try_from(value).ok()
    }
}

/// `strconv.ParseUint(text, 0, 64)`.
pub fn parse_uint(text: &str) -> Option<u64> {
    let lower = text.get(..2).map(str::to_ascii_lowercase);
    let (radix, digits) = match lower.as_deref() {
        Some("0x") if text.len() > 2 => (16, &text[2..]),
        Some("0o") if text.len() > 2 => (8, &text[2..]),
        Some("0b") if text.len() > 2 => (2, &text[2..]),
        Some(it) if it.starts_with('0') => (8, &text[1..]),
        _ => (10, text),
    };
    if text.contains('_') && !underscores_separate(text) {
        return None;
    }
    let digits: String = digits.chars().filter(|c| *c != '_').collect();
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(&digits, radix).ok()
}

/// Whether every underscore stands between digits, or between a base prefix and a digit.
fn underscores_separate(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text).as_bytes();
    let prefix = matches!(text, [b'0', b'x' | b'X' | b'o' | b'O' | b'b' | b'B', ..]);
    let hex = matches!(text, [b'0', b'x' | b'X', ..]);
    let mut saw = if prefix { b'0' } else { b'^' };
    for &byte in text.iter().skip(if prefix { 2 } else { 0 }) {
        if byte.is_ascii_digit() || hex && byte.is_ascii_hexdigit() {
            saw = b'0';
        } else if byte == b'_' {
            if saw != b'0' {
                return false;
            }
            saw = b'_';
        } else {
            if saw == b'_' {
                return false;
            }
            saw = b'!';
        }
    }
    saw != b'_'
}

/// `strconv.ParseFloat(text, 64)` of literals; `None` also where Go reports an overflow.
pub fn parse_float(text: &str) -> Option<f64> {
    if text.contains('_') && !underscores_separate(text) {
        return None;
    }
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    if unsigned
        .get(..2)
        .is_some_and(|it| it.eq_ignore_ascii_case("0x"))
    {
        let value = hexadecimal(&unsigned[2..])?;
        return Some(if plain.starts_with('-') {
            -value
        } else {
            value
        });
    }
    let valid = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    if !unsigned.chars().all(valid) {
        return None;
    }
    plain.parse().ok().filter(|it: &f64| it.is_finite())
}

/// Hexadecimal digits, perhaps with a point, and a binary exponent.
fn hexadecimal(text: &str) -> Option<f64> {
    let (digits, exponent) = text.split_once(['p', 'P'])?;
    let exponent: i64 = exponent.parse().ok()?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut mantissa = 0u64;
    let mut scale = 0i64;
    for (index, c) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = u64::from(c.to_digit(16)?);
        if mantissa >> 60 == 0 {
            mantissa = mantissa << 4 | digit;
        } else {
            mantissa |= u64::from(digit != 0);
            scale += 4;
        }
        if index >= whole.len() {
            scale -= 4;
        }
    }
    let mut value = mantissa as f64;
    let mut power = exponent.saturating_add(scale).clamp(-2200, 2200) as i32;
    while power != 0 {
        let step = power.clamp(-1000, 1000);
        value *= 2f64.powi(step);
        power -= step;
    }
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_all_the_kinds_that_can_hold_it() {
        let int = |text: &str| number(text).unwrap().int;
        for (text, value) in [
            ("0", 0),
            ("010", 8),
            ("0x1F", 31),
            ("0b101", 5),
            ("0o17", 15),
            ("1_000", 1000),
            ("-3", -3),
            ("+3", 3),
            ("5.0", 5),
            ("1e3", 1000),
            ("0x1p4", 16),
            ("-0", 0),
        ] {
            assert_eq!(int(text), Some(value), "{text}");
        }
        assert_eq!(int("1.5"), None);
        assert_eq!(number("18446744073709551615").unwrap().uint, Some(u64::MAX));
        assert_eq!(number("0x1.8p1").unwrap().float, Some(3.0));
        assert_eq!(number("2i").unwrap().complex, Some((0.0, 2.0)));
        assert_eq!(complex("1e+2-3.5i").unwrap().complex, Some((100.0, -3.5)));
    }

    #[test]
    fn malformed_literals_are_told_apart() {
        let error = |text: &str| number(text).unwrap_err();
        assert_eq!(
            error("089"),
            r#"illegal number syntax: "089""#.replace("illegal number syntax", "integer overflow")
        );
        assert_eq!(error("1__0"), r#"illegal number syntax: "1__0""#);
        assert_eq!(
            error("18446744073709551616"),
            r#"integer overflow: "18446744073709551616""#
        );
        assert_eq!(error("1e"), r#"illegal number syntax: "1e""#);
        assert_eq!(
            character(b"'ab'").unwrap_err(),
            "malformed character constant: 'ab'"
        );
    }
}
