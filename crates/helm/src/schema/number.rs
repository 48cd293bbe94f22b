//! Decimal numbers, exact.

use std::cmp::Ordering;

use kyaml::resolve::format_g;

/// A number as digits and a power of ten.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number {
    float: f64,
    /// The digits, if they are not too many.
    exact: Option<(i128, i32)>,
}

/// Powers of ten that digits can be multiplied by.
const MOST: i32 = 18;

impl Number {
    /// A number of JSON.
    pub(super) fn of_text(text: &str) -> Option<Self> {
        let float: f64 = text.parse().ok()?;
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let fraction = fraction.trim_end_matches('0');
        let digits: Option<i128> = format!("{whole}{fraction}").parse().ok();
        let scale = i32::try_from(fraction.len()).ok();
        let exact = digits
            .zip(scale)
            .map(|(digits, scale)| (digits, exponent - scale));
        Some(Self { float, exact })
    }

    /// A float: what its shortest text says.
    pub(super) fn of_float(value: f64) -> Self {
        let exact = None;
        Self::of_text(&format_g(value)).unwrap_or(Self {
            float: value,
            exact,
        })
    }

    /// Both numbers with the same power of ten, as far as that is possible.
    fn aligned(self, other: Self) -> Option<(i128, i128)> {
        let ((a, x), (b, y)) = (self.exact?, other.exact?);
        let least = x.min(y);
        let scaled = |digits: i128, power: i32| {
            let more = power.checked_sub(least).filter(|it| *it <= MOST)?;
            digits.checked_mul(10_i128.checked_pow(more.unsigned_abs())?)
        };
        Some((scaled(a, x)?, scaled(b, y)?))
    }

    pub(super) fn compare(self, other: Self) -> Ordering {
        match self.aligned(other) {
            Some((a, b)) => a.cmp(&b),
            None => self
                .float
                .partial_cmp(&other.float)
                .unwrap_or(Ordering::Equal),
        }
    }

    pub(super) fn is_integer(self) -> bool {
        self.float.fract() == 0.0
    }

    pub(super) fn is_multiple_of(self, other: Self) -> bool {
        match self.aligned(other) {
            Some((_, 0)) => false,
            Some((a, b)) => a % b == 0,
            None => (self.float / other.float).fract() == 0.0,
        }
    }

    /// As Go's English printer shows it: thousands apart.
    pub(super) fn show(self) -> String {
        grouped(self.float)
    }
}

/// A float with its thousands apart, six digits at most before it turns to powers of ten.
fn grouped(value: f64) -> String {
    let text = format_g(value);
    if let Some((mantissa, exponent)) = text.split_once('e') {
        return format!(
            "{mantissa} × 10^{}",
            exponent.trim_start_matches('+').trim_start_matches('0')
        );
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.as_str()),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = group(whole);
    match fraction {
        "" => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction}"),
    }
}

/// A count with its thousands apart.
pub(super) fn count(value: usize) -> String {
    group(&value.to_string())
}

fn group(digits: &str) -> String {
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
