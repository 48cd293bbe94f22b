//! Numbers as Go prints them.

/// The shortest text that reads back as the same number, without an exponent.
pub(crate) fn decimal(value: f64) -> String {
    match infinite(value) {
        Some(text) => text.to_owned(),
        None => format!("{value}"),
    }
}

/// Go's `%g`: the shortest text, with an exponent for large and small numbers.
pub(crate) fn shortest(value: f64) -> String {
    if let Some(text) = infinite(value) {
        return text.to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific
        .split_once('e')
        .expect("the format has an exponent");
    let exponent: i32 = exponent.parse().expect("the exponent is a number");
    if (-4..6).contains(&exponent) {
        return format!("{value}");
    }
    with_exponent(digits, exponent)
}

/// Go's `%e` with a number of digits after the point.
pub(crate) fn scientific(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$e}");
    match text.split_once('e') {
        Some((digits, exponent)) => with_exponent(digits, exponent.parse().unwrap_or(0)),
        None => text,
    }
}

fn with_exponent(digits: &str, exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

fn infinite(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("NaN")
    } else if value == f64::INFINITY {
        Some("+Inf")
    } else if value == f64::NEG_INFINITY {
        Some("-Inf")
    } else {
        None
    }
}
