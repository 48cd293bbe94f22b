//! Timestamps and durations as Go reads and prints them.

use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use jiff::{Span, Timestamp};

use crate::functions::numbers;

const SECOND: i128 = 1_000_000_000;

/// Seconds of a day.
const DAY: i64 = 86_400;

const EPOCH: Date = Date::constant(1970, 1, 1);

/// The years 1 to 9999, as cel-go bounds timestamps.
const FIRST: i128 = -62_135_596_800 * SECOND;
const LAST: i128 = 253_402_300_799 * SECOND + SECOND - 1;

/// Whether the nanoseconds since 1970 are a timestamp.
pub(crate) fn is_timestamp(nanos: i128) -> bool {
    (FIRST..=LAST).contains(&nanos)
}

/// A point in time: the nanoseconds since 1970, or none where the text is not RFC 3339.
pub(crate) fn parse_timestamp(text: &str) -> Option<i128> {
    let (date, rest) = text.split_once('T')?;
    let shaped = |text: &str, shape: &str| {
        text.len() == shape.len()
            && text
                .bytes()
                .zip(shape.bytes())
                .all(|(byte, wanted)| match wanted {
                    b'0' => byte.is_ascii_digit(),
                    other => byte == other,
                })
    };
    let time = rest.get(..8)?;
    if !shaped(date, "0000-00-00") || !shaped(time, "00:00:00") {
        return None;
    }
    let mut rest = &rest[8..];
    let mut fraction = 0;
    if let Some(digits) = rest.strip_prefix(['.', ',']) {
        let end = digits.find(|c: char| !c.is_ascii_digit())?;
        let shown = &digits[..end.min(9)];
        if end == 0 {
            return None;
        }
        fraction = format!("{shown:0<9}").parse::<i128>().ok()?;
        rest = &digits[end..];
    }
    let number = |text: &str| text.parse::<i64>().ok();
    let offset = match rest {
        "Z" => 0,
        _ if rest.starts_with(['+', '-']) && shaped(&rest[1..], "00:00") => {
            let (hours, minutes) = (number(&rest[1..3])?, number(&rest[4..])?);
            if hours > 24 || minutes > 60 {
                return None;
            }
            let seconds = (hours * 60 + minutes) * 60;
            if rest.starts_with('-') {
                -seconds
            } else {
                seconds
            }
        }
        _ => return None,
    };
    let field = |text: &str| text.parse::<i8>().ok();
    let (year, month, day) = (
        date[..4].parse().ok()?,
        field(&date[5..7])?,
        field(&date[8..])?,
    );
    let (hour, minute, second) = (field(&time[..2])?, field(&time[3..5])?, field(&time[6..])?);
    let local = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    let days = local.date().since(EPOCH).ok()?.get_days();
    let of_day = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    let seconds = i64::from(days) * DAY + of_day - offset;
    Some(i128::from(seconds) * SECOND + fraction)
}

/// RFC 3339 in UTC with as many digits as there are.
pub(crate) fn rfc3339(nanos: i128) -> String {
    let Some(local) = in_zone(nanos, &TimeZone::UTC) else {
        return String::new();
    };
    let mut text = local.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let fraction = nanos.rem_euclid(SECOND);
    if fraction != 0 {
        text.push('.');
        text.push_str(format!("{fraction:09}").trim_end_matches('0'));
    }
    text.push('Z');
    text
}

/// Go's `Time.String()`.
pub(crate) fn go_text(nanos: i128) -> String {
    let text = rfc3339(nanos);
    format!("{} +0000 UTC", text.trim_end_matches('Z').replace('T', " "))
}

/// The date and time at a place.
pub(crate) fn in_zone(nanos: i128, zone: &TimeZone) -> Option<DateTime> {
    let bounds = (
        Timestamp::MIN.as_nanosecond(),
        Timestamp::MAX.as_nanosecond(),
    );
    let timestamp = Timestamp::from_nanosecond(nanos.clamp(bounds.0, bounds.1)).ok()?;
    let local = nanos + i128::from(zone.to_offset(timestamp).seconds()) * SECOND;
    let days = i64::try_from(local.div_euclid(i128::from(DAY) * SECOND)).ok()?;
    let of_day = i64::try_from(local.rem_euclid(i128::from(DAY) * SECOND)).ok()?;
    let date = EPOCH.checked_add(Span::new().try_days(days).ok()?).ok()?;
    date.at(0, 0, 0, 0)
        .checked_add(Span::new().nanoseconds(of_day))
        .ok()
}

/// The zone of a name or an offset.
///
/// # Errors
/// There is no such zone; the text is Go's.
pub(crate) fn zone(name: &str) -> Result<TimeZone, String> {
    let Some((hours, minutes)) = name.split_once(':') else {
        return match name {
            "" | "UTC" => Ok(TimeZone::UTC),
            name => TimeZoneDatabase::bundled()
                .get(name)
                .map_err(|_| format!("unknown time zone {name}")),
        };
    };
    let number = |text: &str| {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("strconv.Atoi: parsing \"{text}\": invalid syntax"));
        }
        text.parse::<i32>()
            .map_err(|_| format!("strconv.Atoi: parsing \"{text}\": value out of range"))
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let minutes = if name.starts_with('-') {
        -minutes
    } else {
        minutes
    };
    let seconds = hours
        .checked_mul(60)
        .and_then(|of_hours| of_hours.checked_add(minutes))
        .and_then(|minutes| minutes.checked_mul(60));
    seconds
        .and_then(|seconds| Offset::from_seconds(seconds).ok())
        .map(TimeZone::fixed)
        .ok_or_else(|| format!("time zone {name} is out of range"))
}

/// A duration as `3.5s`.
pub(crate) fn seconds(nanos: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "Go divides the same way")]
    let value = (nanos / 1_000_000_000) as f64 + (nanos % 1_000_000_000) as f64 / 1e9;
    format!("{}s", numbers::decimal(value))
}

/// Go's `Duration.String()`.
pub(crate) fn go_duration(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let total = nanos.unsigned_abs();
    let small = |unit: u64, name: &str| {
        let (whole, part) = (total / unit, total % unit);
        let digits = unit.to_string().len() - 1;
        let part = format!("{part:0digits$}");
        let part = part.trim_end_matches('0');
        let dot = if part.is_empty() || digits == 0 {
            ""
        } else {
            "."
        };
        let part = if digits == 0 { "" } else { part };
        format!("{sign}{whole}{dot}{part}{name}")
    };
    match total {
        0 => "0s".to_owned(),
        1..1_000 => small(1, "ns"),
        1_000..1_000_000 => small(1_000, "µs"),
        1_000_000..1_000_000_000 => small(1_000_000, "ms"),
        _ => {
            let minutes = total / 60_000_000_000;
            let rest = total % 60_000_000_000;
            let part = format!("{:09}", rest % 1_000_000_000);
            let part = part.trim_end_matches('0');
            let dot = if part.is_empty() { "" } else { "." };
            let seconds = format!("{}{dot}{part}s", rest / 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{sign}{seconds}"),
                (0, minutes) => format!("{sign}{minutes}m{seconds}"),
                (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}"),
            }
        }
    }
}

/// A duration as Go's `time.ParseDuration` reads it, in nanoseconds.
pub(crate) fn parse_duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let (whole, after) = rest.split_at(end);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => {
                let end = after.find(|c: char| !c.is_ascii_digit())?;
                after.split_at(end)
            }
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let end = after.find(|c: char| c == '.' || c.is_ascii_digit());
        let (unit, after) = after.split_at(end.unwrap_or(after.len()));
        let unit: u64 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let whole: u64 = if whole.is_empty() {
            0
        } else {
            whole.parse().ok()?
        };
        let digits = fraction.get(..fraction.len().min(18))?;
        let scale = 10u128.pow(u32::try_from(digits.len()).ok()?);
        let part: u128 = if digits.is_empty() {
            0
        } else {
            digits.parse().ok()?
        };
        let part = u64::try_from(part * u128::from(unit) / scale).ok()?;
        total = total
            .checked_add(whole.checked_mul(unit)?)?
            .checked_add(part)?;
        rest = after;
    }
    let signed = if negative {
        -i128::from(total)
    } else {
        i128::from(total)
    };
    i64::try_from(signed).ok()
}
