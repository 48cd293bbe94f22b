//! Durations: nanoseconds in 64 bits, spelled as `1h2m3.5s`.
//!
//! Source: Go 1.26 `time/format.go` `ParseDuration`, `time/time.go`

use super::parse::quote;

const SECOND: u64 = 1_000_000_000;
const LIMIT: u64 = 1 << 63;

/// Reads a duration.
///
/// # Errors
/// Go's text.
pub(super) fn parse(text: &[u8]) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", quote(text));
    let (negative, mut rest) = match text {
        [sign @ (b'-' | b'+'), rest @ ..] => (*sign == b'-', rest),
        _ => (false, text),
    };
    if rest == b"0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0_u64;
    while !rest.is_empty() {
        let (value, after) = leading_int(rest).ok_or_else(invalid)?;
        let whole = after.len() < rest.len();
        let (fraction, scale, after, part) = match after {
            [b'.', digits @ ..] => {
                let (fraction, scale, after) = leading_fraction(digits);
                (fraction, scale, after, after.len() < digits.len())
            }
            _ => (0, 1.0, after, false),
        };
        if !whole && !part {
            return Err(invalid());
        }
        let end = after
            .iter()
            .position(|it| *it == b'.' || it.is_ascii_digit());
        let (unit, after) = after.split_at(end.unwrap_or(after.len()));
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {}", quote(text)));
        }
        let Some(nanos) = unit_of(unit) else {
            let (unit, text) = (quote(unit), quote(text));
            return Err(format!("time: unknown unit {unit} in duration {text}"));
        };
        if value > LIMIT / nanos {
            return Err(invalid());
        }
        let more = (fraction as f64 * (nanos as f64 / scale)) as u64;
        let value = value * nanos + more;
        total = total.saturating_add(value);
        if value > LIMIT || total > LIMIT {
            return Err(invalid());
        }
        rest = after;
    }
    if negative {
        return Ok((total as i64).wrapping_neg());
    }
    i64::try_from(total).map_err(|_| invalid())
}

fn unit_of(unit: &[u8]) -> Option<u64> {
    Some(match unit {
        b"ns" => 1,
        b"us" | b"\xc2\xb5s" | b"\xce\xbcs" => 1000,
        b"ms" => 1_000_000,
        b"s" => SECOND,
        b"m" => 60 * SECOND,
        b"h" => 3600 * SECOND,
        _ => return None,
    })
}

/// The digits in front, and what follows; nothing if they are too many.
pub(super) fn leading_int(text: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (at, byte) in text.iter().enumerate() {
        if !byte.is_ascii_digit() {
            return Some((value, &text[at..]));
        }
        if value > LIMIT / 10 {
            return None;
        }
        value = value * 10 + u64::from(byte - b'0');
        if value > LIMIT {
            return None;
        }
    }
    Some((value, b""))
}

/// The digits after a point as a number, what to divide it by, and what follows. Digits too many are passed over.
fn leading_fraction(text: &[u8]) -> (u64, f64, &[u8]) {
    let (mut value, mut scale, mut full) = (0_u64, 1.0, false);
    let digits = text.iter().take_while(|it| it.is_ascii_digit()).count();
    for byte in &text[..digits] {
        let next = value.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
        full = full || value > (LIMIT - 1) / 10 || next > LIMIT;
        if !full {
            value = next;
            scale *= 10.0;
        }
    }
    (value, scale, &text[digits..])
}

/// The duration as text.
pub(super) fn text(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let value = nanos.unsigned_abs();
    if value == 0 {
        return String::from("0s");
    }
    let (digits, unit) = match value {
        0..1000 => (0, "ns"),
        1000..1_000_000 => (3, "\u{b5}s"),
        1_000_000..SECOND => (6, "ms"),
        _ => (9, "s"),
    };
    let scale = 10_u64.pow(digits);
    let mut fraction = String::new();
    if !value.is_multiple_of(scale) {
        fraction = format!(".{:0width$}", value % scale, width = digits as usize);
        fraction.truncate(fraction.trim_end_matches('0').len());
    }
    let whole = value / scale;
    if digits < 9 || whole < 60 {
        return format!("{sign}{whole}{fraction}{unit}");
    }
    let (minutes, seconds) = (whole / 60, whole % 60);
    if minutes < 60 {
        return format!("{sign}{minutes}m{seconds}{fraction}s");
    }
    format!(
        "{sign}{}h{}m{seconds}{fraction}s",
        minutes / 60,
        minutes % 60
    )
}

/// The nearest multiple, halves away from zero.
pub(super) fn round(nanos: i64, multiple: i64) -> i64 {
    if multiple <= 0 {
        return nanos;
    }
    let rest = (nanos % multiple).abs();
    let down = nanos - rest * nanos.signum();
    if u128::from(rest.unsigned_abs()) * 2 < u128::from(multiple.unsigned_abs()) {
        return down;
    }
    down.saturating_add(multiple * if nanos < 0 { -1 } else { 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_go() {
        for (nanos, expect) in [
            (0, "0s"),
            (1, "1ns"),
            (1100, "1.1\u{b5}s"),
            (2_200_000, "2.2ms"),
            (-5_000_000_000, "-5s"),
            (95_000_000_000, "1m35s"),
            (90_061_000_000_000, "25h1m1s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ] {
            assert_eq!(text(nanos), expect);
            assert_eq!(parse(expect.as_bytes()), Ok(nanos));
        }
    }

    #[test]
    fn refusals_read_as_in_go() {
        for (input, expect) in [
            ("", "time: invalid duration \"\""),
            ("1d", "time: unknown unit \"d\" in duration \"1d\""),
            ("3", "time: missing unit in duration \"3\""),
            (".s", "time: invalid duration \".s\""),
            (
                "1\u{e9}",
                "time: unknown unit \"\\xc3\\xa9\" in duration \"1\\xc3\\xa9\"",
            ),
            (
                "9223372036854775808ns",
                "time: invalid duration \"9223372036854775808ns\"",
            ),
        ] {
            assert_eq!(parse(input.as_bytes()), Err(String::from(expect)));
        }
        assert_eq!(parse(b"-1.5h"), Ok(-5_400_000_000_000));
    }

    #[test]
    fn halves_are_rounded_away_from_zero() {
        assert_eq!(round(1_500_000_000, 1_000_000_000), 2_000_000_000);
        assert_eq!(round(-1_500_000_000, 1_000_000_000), -2_000_000_000);
        assert_eq!(round(1_499_999_999, 1_000_000_000), 1_000_000_000);
        assert_eq!(round(i64::MAX, 3_600_000_000_000), i64::MAX);
    }
}
