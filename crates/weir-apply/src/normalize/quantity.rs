//! Quantities in their canonical form, as Go prints them: `1000m` is `1`, `1024Mi` is `1Gi`.
//!
//! Source: apimachinery v0.36 `pkg/api/resource/quantity.go`

use serde_json::Value;

/// How a quantity was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Decimal,
    Binary,
    Exponent,
}

const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const DECIMAL: [(&str, i32); 9] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];
/// The finest unit that a quantity can have.
const NANO: i32 = -9;

/// The canonical text of a JSON value. None for what is no quantity, and for one too large or too long to be
/// computed exactly here.
pub(crate) fn of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => canonical(text),
        Value::Number(number) => canonical(&number.to_string()),
        _ => None,
    }
}

/// The canonical form of `text`.
pub(crate) fn canonical(text: &str) -> Option<String> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let number_end = rest
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(rest.len());
    let (number, suffix) = rest.split_at(number_end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = -i32::try_from(fraction.len()).ok()?;
    let (format, digits, scale) = with_suffix(digits, scale, suffix)?;
    let (digits, scale) = round_up_to_nano(digits, scale)?;
    if digits == 0 {
        return Some("0".to_owned());
    }
    let printed = print(digits, scale, format)?;
    Some(if negative {
        format!("-{printed}")
    } else {
        printed
    })
}

fn with_suffix(digits: i128, scale: i32, suffix: &str) -> Option<(Format, i128, i32)> {
    if suffix.is_empty() {
        return Some((Format::Decimal, digits, scale));
    }
    if let Some(power) = BINARY.iter().position(|name| *name == suffix) {
        let factor = 1_i128 << (10 * (power + 1));
        return Some((Format::Binary, digits.checked_mul(factor)?, scale));
    }
    if let Some((_, exponent)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Some((Format::Decimal, digits, scale + exponent));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?;
    if exponent.len() > 4 {
        return None;
    }
    Some((
        Format::Exponent,
        digits,
        scale + exponent.parse::<i32>().ok()?,
    ))
}

/// Digits below a billionth are rounded away from zero.
fn round_up_to_nano(mut digits: i128, mut scale: i32) -> Option<(i128, i32)> {
    while digits != 0 && digits % 10 == 0 {
        digits /= 10;
        scale += 1;
    }
    if scale < NANO {
        let divisor = 10_i128.checked_pow(u32::try_from(NANO - scale).ok()?)?;
        digits = digits.checked_add(divisor - 1)? / divisor;
        scale = NANO;
    }
    Some((digits, scale))
}

fn print(digits: i128, scale: i32, format: Format) -> Option<String> {
    if format == Format::Binary
        && let Some(text) = print_binary(digits, scale)
    {
        return text;
    }
    let (mut digits, mut scale) = (digits, scale);
    while digits % 10 == 0 {
        digits /= 10;
        scale += 1;
    }
    while scale % 3 != 0 {
        digits = digits.checked_mul(10)?;
        scale -= 1;
    }
    if format == Format::Exponent {
        return Some(match scale {
            0 => digits.to_string(),
            scale => format!("{digits}e{scale}"),
        });
    }
    if scale == 0 {
        return Some(digits.to_string());
    }
    let (name, _) = DECIMAL.iter().find(|(_, exponent)| *exponent == scale)?;
    Some(format!("{digits}{name}"))
}

/// None where the decimal form is used: below 1024, or not a whole number. The inner option is None on overflow.
fn print_binary(digits: i128, scale: i32) -> Option<Option<String>> {
    let factor = u32::try_from(scale)
        .ok()
        .map(|scale| 10_i128.checked_pow(scale));
    let mut number = match factor {
        Some(factor) => match factor.and_then(|factor| digits.checked_mul(factor)) {
            Some(number) => number,
            None => return Some(None),
        },
        None => return None,
    };
    if number < 1024 {
        return None;
    }
    let mut power = 0;
    while number % 1024 == 0 && power < BINARY.len() {
        number /= 1024;
        power += 1;
    }
    let name = power.checked_sub(1).map_or("", |index| BINARY[index]);
    Some(Some(format!("{number}{name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_go_does() {
        for (text, expected) in [
            ("1", "1"),
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("0.5", "500m"),
            (".5", "500m"),
            ("1.", "1"),
            ("1000", "1k"),
            ("100000", "100k"),
            ("1024", "1024"),
            ("1024Mi", "1Gi"),
            ("1536Mi", "1536Mi"),
            ("0.5Gi", "512Mi"),
            ("0.5Ki", "512"),
            ("1.5Ki", "1536"),
            ("0.1Ki", "102400m"),
            ("1e3", "1e3"),
            ("12E2", "1200"),
            ("1E", "1E"),
            ("0Mi", "0"),
            ("-1.5", "-1500m"),
            ("+2", "2"),
            ("0.0000000001", "1n"),
        ] {
            assert_eq!(canonical(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "x", "1x", "1.2.3", "m", "-", "1ee3"] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }
}
