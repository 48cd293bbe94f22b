//! How functions turn any value into a text or a number.
//!
//! Source: sprig v3.3.0 `strval`, spf13/cast v1.7.0

use go_template::{Budget, Failure, Str, Type, Value, format, parse_float, parse_int};

/// The text of a value: a text or bytes as they are, what it says of itself, or else as `%v` prints it.
///
/// # Errors
/// The budget is used up.
pub(super) fn text(value: &Value, budget: &Budget<'_>) -> Result<Str, Failure> {
    match value {
        Value::Str(text) => return Ok(text.clone()),
        Value::List(list) if *list.ty() == Type::BYTES => {
            return Ok(list.as_bytes().unwrap_or_default());
        }
        _ => {}
    }
    match value.own_text() {
        Some(text) => Ok(text),
        None => format::sprint(std::slice::from_ref(value), budget),
    }
}

/// The value as an `int64`; 0 for what is none.
pub(super) fn int64(value: &Value) -> i64 {
    match value {
        Value::Bool(it) => i64::from(*it),
        Value::Int(_, it) => *it,
        Value::Uint(_, it) => *it as i64,
        Value::Float(it) => float_to_int64(*it),
        Value::Str(it) => it.utf8().and_then(integer).unwrap_or(0),
        _ => 0,
    }
}

/// The value as a `float64`; 0 for what is none.
pub(super) fn float64(value: &Value) -> f64 {
    match value {
        Value::Bool(it) => f64::from(u8::from(*it)),
        Value::Int(_, it) => *it as f64,
        Value::Uint(_, it) => *it as f64,
        Value::Float(it) => *it,
        Value::Str(it) => it.utf8().and_then(float).unwrap_or(0.0),
        _ => 0.0,
    }
}

/// Go's conversion, as amd64 does it: what does not fit is the smallest number.
pub(super) fn float_to_int64(value: f64) -> i64 {
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value) {
        value as i64
    } else {
        i64::MIN
    }
}

/// A number with an optional base prefix; zeros after a point are overlooked.
fn integer(text: &str) -> Option<i64> {
    let trimmed = text.trim_end_matches('0');
    let zeros = trimmed.len() < text.len();
    match trimmed.strip_suffix('.') {
        Some(whole) if zeros => parse_int(whole),
        _ => parse_int(text),
    }
}

/// `strconv.ParseFloat`, infinities and what is no number included.
pub(super) fn float(text: &str) -> Option<f64> {
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    let is = |word: &str| unsigned.eq_ignore_ascii_case(word);
    if is("inf") || is("infinity") {
        return Some(sign * f64::INFINITY);
    }
    if text.eq_ignore_ascii_case("nan") {
        return Some(f64::NAN);
    }
    parse_float(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_numbers_as_go_reads_them() {
        let int = |text: &str| int64(&Value::from(text));
        assert_eq!([int("0x1F"), int("010"), int("1_000")], [31, 8, 1000]);
        assert_eq!(
            [int("1.9"), int("1e3"), int("1.00"), int("1.")],
            [0, 0, 1, 0]
        );
        let float = |text: &str| float64(&Value::from(text));
        assert_eq!(
            [float("1.5"), float("-inf"), float("1e999")],
            [1.5, f64::NEG_INFINITY, 0.0]
        );
    }

    #[test]
    fn a_float_that_does_not_fit_is_the_smallest_integer() {
        assert_eq!(int64(&Value::Float(1e19)), i64::MIN);
        assert_eq!(int64(&Value::Float(f64::NAN)), i64::MIN);
        assert_eq!(int64(&Value::Float(-1.9)), -1);
    }
}
