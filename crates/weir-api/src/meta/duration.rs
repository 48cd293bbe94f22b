//! Durations as Go writes them: the user's text is kept, its value computed on demand.

use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::schema;

const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// A duration in the text that the user wrote, e.g. `60s` or `1h30m`.
///
/// Any string decodes, so that a bad one never makes its object undecodable;
/// [`GoDuration::duration`] says whether it has a value.
/// Two are equal if their texts are: `60s` is not `1m0s`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GoDuration(String);

impl GoDuration {
    /// The duration that `text` stands for; not checked.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value. Empty text is zero, as a field that was never set is in Go.
    ///
    /// # Errors
    /// If the text is not a duration as Go's `time.ParseDuration` defines it, is negative, or
    /// exceeds about 292 years.
    pub fn duration(&self) -> Result<Duration, ParseDurationError> {
        if self.0.is_empty() {
            return Ok(Duration::ZERO);
        }
        parse(&self.0).ok_or_else(|| ParseDurationError {
            text: self.0.clone(),
        })
    }
}

impl From<Duration> for GoDuration {
    fn from(duration: Duration) -> Self {
        Self(format_go_duration(duration))
    }
}

impl From<&str> for GoDuration {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for GoDuration {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "GoDuration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": schema::INTERVAL_PATTERN})
    }
}

/// A text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid duration '{text}'")]
pub struct ParseDurationError {
    text: String,
}

/// `duration` as Go's `time.Duration.String` prints it: `0s`, `1.5ms`, `10m0s`, `1h0m0.25s`.
pub fn format_go_duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    match nanos {
        0 => "0s".to_owned(),
        1..1_000 => format!("{nanos}ns"),
        1_000..1_000_000 => with_fraction(nanos, 1_000, "µs"),
        1_000_000..NANOS_PER_SECOND => with_fraction(nanos, 1_000_000, "ms"),
        _ => {
            let (hours, rest) = (
                nanos / (3600 * NANOS_PER_SECOND),
                nanos % (3600 * NANOS_PER_SECOND),
            );
            let (minutes, rest) = (
                rest / (60 * NANOS_PER_SECOND),
                rest % (60 * NANOS_PER_SECOND),
            );
            let seconds = with_fraction(rest, NANOS_PER_SECOND, "s");
            match (hours, minutes) {
                (0, 0) => seconds,
                (0, _) => format!("{minutes}m{seconds}"),
                _ => format!("{hours}h{minutes}m{seconds}"),
            }
        }
    }
}

fn with_fraction(nanos: u128, unit: u128, suffix: &str) -> String {
    let (whole, fraction) = (nanos / unit, nanos % unit);
    if fraction == 0 {
        return format!("{whole}{suffix}");
    }
    let digits = unit.ilog10() as usize;
    let fraction = format!("{fraction:0digits$}");
    format!("{whole}.{}{suffix}", fraction.trim_end_matches('0'))
}

fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut nanos: u128 = 0;
    while !rest.is_empty() {
        let (term, tail) = parse_term(rest)?;
        nanos = nanos.checked_add(term)?;
        rest = tail;
    }
    // Go counts nanoseconds in an int64.
    let nanos = u64::try_from(i64::try_from(nanos).ok()?).ok()?;
    Some(Duration::from_nanos(nanos))
}

/// The first `number unit` of `text` in nanoseconds, and what follows it.
fn parse_term(text: &str) -> Option<(u128, &str)> {
    let number = text.len()
        - text
            .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.')
            .len();
    let (number, rest) = text.split_at(number);
    let unit = rest
        .find(|c: char| c.is_ascii_digit() || c == '.')
        .unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(unit);
    let unit: u128 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => NANOS_PER_SECOND,
        "m" => 60 * NANOS_PER_SECOND,
        "h" => 3600 * NANOS_PER_SECOND,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let nanos = u128::from(whole) * unit + fraction_of(unit, fraction);
    Some((nanos, rest))
}

/// `0.<digits>` of `unit`, rounded down; digits below a nanosecond of an hour are void.
fn fraction_of(unit: u128, digits: &str) -> u128 {
    let digits = &digits[..digits.len().min(18)];
    if digits.is_empty() {
        return 0;
    }
    let scale = 10_u128.pow(u32::try_from(digits.len()).unwrap_or(18));
    digits
        .parse::<u128>()
        .map_or(0, |value| value * unit / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_format(nanos: u64, expect: &str) {
        assert_eq!(format_go_duration(Duration::from_nanos(nanos)), expect);
    }

    #[test]
    fn prints_as_go_does() {
        check_format(0, "0s");
        check_format(1, "1ns");
        check_format(1_100, "1.1µs");
        check_format(2_200_000, "2.2ms");
        check_format(1_234_567, "1.234567ms");
        check_format(999_999_999, "999.999999ms");
        check_format(3_300_000_000, "3.3s");
        check_format(60_000_000_000, "1m0s");
        check_format(245_000_000_000, "4m5s");
        check_format(245_001_000_000, "4m5.001s");
        check_format(600_000_000_000, "10m0s");
        check_format(3_600_000_000_000, "1h0m0s");
        check_format(18_367_001_000_000, "5h6m7.001s");
        check_format(480_000_000_001, "8m0.000000001s");
        check_format(9_223_372_036_854_775_807, "2562047h47m16.854775807s");
    }

    fn check_parse(text: &str, expect: Option<u64>) {
        assert_eq!(
            GoDuration::new(text).duration().ok(),
            expect.map(Duration::from_nanos),
            "{text}"
        );
    }

    #[test]
    fn reads_what_go_reads() {
        check_parse("", Some(0));
        check_parse("0", Some(0));
        check_parse("5s", Some(5_000_000_000));
        check_parse("60s", Some(60_000_000_000));
        check_parse("1h15m30.918s", Some(4_530_918_000_000));
        check_parse("+5.6s", Some(5_600_000_000));
        check_parse(".5m", Some(30_000_000_000));
        check_parse("5.s", Some(5_000_000_000));
        check_parse("1.00000000000000000000000001s", Some(1_000_000_000));
        check_parse("12µs", Some(12_000));
        check_parse("12μs", Some(12_000));
        check_parse("100ms5ns", Some(100_000_005));
        check_parse("9223372036854775807ns", Some(9_223_372_036_854_775_807));
    }

    #[test]
    fn refuses_what_is_no_duration() {
        for text in [
            "3",
            "-1s",
            "s",
            ".",
            ".s",
            "1..2s",
            "1d",
            "1s ",
            "abc",
            "1é",
            "9223372036854775808ns",
            "3000000h",
        ] {
            check_parse(text, None);
        }
        let error = GoDuration::new("soon").duration().expect_err("no duration");
        assert_eq!(error.to_string(), "invalid duration 'soon'");
    }

    #[test]
    fn keeps_the_users_text() {
        let duration: GoDuration = serde_json::from_str(r#""60s""#).expect("a string");
        assert_eq!(
            serde_json::to_string(&duration).expect("prints"),
            r#""60s""#
        );
    }
}
