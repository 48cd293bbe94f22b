//! Dates, times and durations.

use super::{Checked, no};

/// The days of a month.
fn days(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400) => 29,
        2 => 28,
        _ => 31,
    }
}

/// A date: four digits, two, two.
pub(super) fn date(text: &str) -> Checked {
    let quoted = |text: &str| go_template::quote::quoted(text.as_bytes());
    let cannot = |rest: &str, part: &str| {
        let (text, rest) = (quoted(text), quoted(rest));
        no(format!(
            "parsing time {text} as \"2006-01-02\": cannot parse {rest} as \"{part}\""
        ))
    };
    let mut rest = text;
    let mut numbers = Vec::new();
    for (part, length) in [("2006", 4), ("-", 0), ("01", 2), ("-", 0), ("02", 2)] {
        if length == 0 {
            match rest.strip_prefix('-') {
                Some(after) => rest = after,
                None => return cannot(rest, "-"),
            }
            continue;
        }
        let digits = rest
            .get(..length)
            .filter(|it| it.bytes().all(|b| b.is_ascii_digit()));
        let Some(number) = digits.and_then(|it| it.parse::<u32>().ok()) else {
            return cannot(rest, part);
        };
        numbers.push(number);
        rest = &rest[length..];
    }
    let text = quoted(text);
    if !rest.is_empty() {
        return no(format!("parsing time {text}: extra text: {}", quoted(rest)));
    }
    let [year, month, day] = numbers.as_slice() else {
        return Ok(());
    };
    if !(1..=12).contains(month) {
        return no(format!("parsing time {text}: month out of range"));
    }
    if *day < 1 || *day > days(*year, *month) {
        return no(format!("parsing time {text}: day out of range"));
    }
    Ok(())
}

fn two(text: &str) -> Option<u32> {
    text.parse().ok()
}

/// A time of the day with its offset.
pub(super) fn time(text: &str) -> Checked {
    if text.len() < 9 {
        return no("less than 9 characters long");
    }
    let bytes = text.as_bytes();
    if bytes[2] != b':' || bytes[5] != b':' {
        return no("missing colon in correct place");
    }
    let part = |from: usize, to: usize| text.get(from..to).and_then(two);
    let (Some(hour), Some(minute), Some(second)) = (part(0, 2), part(3, 5), part(6, 8)) else {
        return no("invalid hour/min/sec");
    };
    if hour > 23 || minute > 59 || second > 60 {
        return no("hour/min/sec out of range");
    }
    let mut rest = text.get(8..).unwrap_or_default();
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return no("no digits in second fraction");
        }
        rest = &fraction[digits..];
    }
    let mut at = i64::from(hour * 60 + minute);
    if rest != "z" && rest != "Z" {
        at += offset(rest)?;
    }
    if second >= 60 && at.rem_euclid(24 * 60) != 23 * 60 + 59 {
        return no("invalid leap second");
    }
    Ok(())
}

/// The minutes that an offset takes away.
fn offset(text: &str) -> Result<i64, String> {
    if text.len() != 6 {
        return no("offset must be 6 characters long");
    }
    let sign = match text.as_bytes()[0] {
        b'+' => -1,
        b'-' => 1,
        _ => return no("offset must begin with plus/minus"),
    };
    if text.as_bytes()[3] != b':' {
        return no("missing colon in offset in correct place");
    }
    let hour = text.get(1..3).and_then(two);
    let minute = text.get(4..6).and_then(two);
    let (Some(hour), Some(minute)) = (hour, minute) else {
        return no("invalid hour/min in offset");
    };
    if hour > 23 || minute > 59 {
        return no("hour/min in offset out of range");
    }
    Ok(sign * i64::from(hour * 60 + minute))
}

/// A date and a time.
pub(super) fn date_time(text: &str) -> Checked {
    if text.len() < 20 {
        return no("less than 20 characters long");
    }
    if !matches!(text.as_bytes()[10], b't' | b'T') {
        return no("11th character must be t or T");
    }
    let (day, clock) = (text.get(..10), text.get(11..));
    date(day.unwrap_or_default()).or_else(|it| no(format!("invalid date element: {it}")))?;
    time(clock.unwrap_or_default()).or_else(|it| no(format!("invalid time element: {it}")))
}

/// A duration of ISO 8601.
pub(super) fn duration(text: &str) -> Checked {
    let Some(text) = text.strip_prefix('P') else {
        return no("must start with P");
    };
    if text.is_empty() {
        return no("nothing after P");
    }
    if let Some(weeks) = text.strip_suffix('W') {
        return match weeks {
            "" => no("no number in week"),
            weeks if weeks.bytes().all(|b| b.is_ascii_digit()) => Ok(()),
            _ => no("invalid week"),
        };
    }
    const UNITS: [&str; 2] = ["YMD", "HMS"];
    for (at, part) in text.split('T').enumerate() {
        if at != 0 && part.is_empty() {
            return no("no time elements");
        }
        let Some(all) = UNITS.get(at) else {
            return no("more than one T");
        };
        let (mut units, mut part) = (*all, part);
        while !part.is_empty() {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 {
                return no("missing number");
            }
            let Some(unit) = part[digits..].chars().next() else {
                return no("missing unit");
            };
            match units.find(unit) {
                Some(found) => units = &units[found + 1..],
                None if all.contains(unit) => return no(format!("unit {unit:?} out of order")),
                None => return no(format!("invalid unit {unit:?}")),
            }
            part = &part[digits + unit.len_utf8()..];
        }
    }
    Ok(())
}

/// Two points in time, or one and a duration.
pub(super) fn period(text: &str) -> Checked {
    let Some((start, end)) = text.split_once('/') else {
        return no("missing slash");
    };
    let wrap = |what: &'static str| move |error| no(format!("invalid {what}: {error}"));
    if start.starts_with('P') {
        duration(start).or_else(wrap("start duration"))?;
        return date_time(end).or_else(wrap("end date-time"));
    }
    date_time(start).or_else(wrap("start date-time"))?;
    match end.starts_with('P') {
        true => duration(end).or_else(wrap("end duration")),
        false => date_time(end).or_else(wrap("end date-time")),
    }
}
