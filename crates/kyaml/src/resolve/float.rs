//! Floats as Go's `strconv` reads and prints them.

/// Whether a text has the form of a YAML float: `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
pub(super) fn is_yaml_float(text: &str) -> bool {
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text).as_bytes();
    let whole = skip_digits(&mut rest);
    if let [b'.', fraction @ ..] = rest {
        rest = fraction;
        let digits = skip_digits(&mut rest);
        if whole == 0 && digits == 0 {
            return false;
        }
    } else if whole == 0 {
        return false;
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        rest = match exponent {
            [b'-' | b'+', digits @ ..] => digits,
            digits => digits,
        };
        if skip_digits(&mut rest) == 0 {
            return false;
        }
    }
    rest.is_empty()
}

fn skip_digits(rest: &mut &[u8]) -> usize {
    let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    *rest = &rest[count..];
    count
}

/// A decimal float, with underscores between digits; `None` if malformed or out of range.
pub(super) fn parse_go(text: &str) -> Option<f64> {
    let stripped: String;
    let digits = if text.contains('_') {
        let bytes = text.as_bytes();
        let between = |at: usize| {
            let digit = |i: Option<&u8>| i.is_some_and(u8::is_ascii_digit);
            at > 0 && digit(bytes.get(at - 1)) && digit(bytes.get(at + 1))
        };
        if !text.match_indices('_').all(|(at, _)| between(at)) {
            return None;
        }
        stripped = text.replace('_', "");
        &stripped
    } else {
        text
    };
    if !is_yaml_float(digits) {
        return None;
    }
    digits.parse().ok().filter(|value: &f64| value.is_finite())
}

/// The shortest text that reads back as the same float: exponent form below 1e-4 and from 1e6 up.
/// Infinities and NaN print as `+Inf`, `-Inf`, `NaN`.
///
/// Source: Go 1.26 `strconv.FormatFloat(f, 'g', -1, 64)`.
#[must_use]
pub fn format_g(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.into();
    }
    general(&format!("{value:e}"), || format!("{value}"))
}

/// As [`format_g`], for a finite 32 bit float.
#[must_use]
pub fn format_g_32(value: f32) -> String {
    general(&format!("{value:e}"), || format!("{value}"))
}

fn general(scientific: &str, plain: impl Fn() -> String) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let power: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&power) {
        return plain();
    }
    let sign = if power < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", power.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_go() {
        for (value, text) in [
            (1.5, "1.5"),
            (123456.5, "123456.5"),
            (1234567.5, "1.2345675e+06"),
            (1e21, "1e+21"),
            (1e-4, "0.0001"),
            (1e-6, "1e-06"),
            (-0.0, "-0"),
            (1.7e-300, "1.7e-300"),
        ] {
            assert_eq!(format_g(value), text);
        }
    }

    #[test]
    fn reads_underscores_between_digits_only() {
        assert_eq!(parse_go("1_000.5"), Some(1000.5));
        assert_eq!(parse_go(".5_0"), Some(0.5));
        assert_eq!(parse_go("._5"), None);
        assert_eq!(parse_go(".5_"), None);
        assert_eq!(parse_go("1e999"), None);
    }
}
