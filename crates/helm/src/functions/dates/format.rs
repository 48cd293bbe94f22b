//! A moment as text, by a layout.
//!
//! Source: Go 1.26 `time/format.go` `appendFormat`

use super::layout::{self, Element, Offset};
use super::time::Time;

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// The time by a layout.
pub(super) fn format(time: &Time, layout: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(layout.len() + 8);
    let mut rest = layout;
    while !rest.is_empty() {
        let chunk = layout::next(rest);
        out.extend_from_slice(chunk.before);
        let Some(element) = chunk.element else {
            break;
        };
        append(time, element, &mut out);
        rest = chunk.rest;
    }
    out
}

/// What `Time.String` returns.
pub(super) fn text(time: &Time) -> String {
    let text = format(time, b"2006-01-02 15:04:05.999999999 -0700 MST");
    let mut text = go_template::unicode::lossy(&text).into_owned();
    if time.clock {
        // The seconds since the program's start, which no one can rely on.
        text.push_str(" m=+0.000000001");
    }
    text
}

fn append(time: &Time, element: Element, out: &mut Vec<u8>) {
    let date = || time.date();
    let [hour, minute, second] = time.clock();
    let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
    let month = || MONTHS[date().month as usize - 1];
    let day = || DAYS[time.weekday()];
    let text = match element {
        Element::Year => format!("{:02}", date().year.unsigned_abs() % 100),
        Element::LongYear => year(date().year),
        Element::Month => month()[..3].to_owned(),
        Element::LongMonth => month().to_owned(),
        Element::NumMonth => date().month.to_string(),
        Element::ZeroMonth => format!("{:02}", date().month),
        Element::Weekday => day()[..3].to_owned(),
        Element::LongWeekday => day().to_owned(),
        Element::Day => date().day.to_string(),
        Element::UnderDay => format!("{:2}", date().day),
        Element::ZeroDay => format!("{:02}", date().day),
        Element::UnderYearDay => format!("{:3}", date().year_day),
        Element::ZeroYearDay => format!("{:03}", date().year_day),
        Element::Hour => format!("{hour:02}"),
        Element::Hour12 => twelve.to_string(),
        Element::ZeroHour12 => format!("{twelve:02}"),
        Element::Minute => minute.to_string(),
        Element::ZeroMinute => format!("{minute:02}"),
        Element::Second => second.to_string(),
        Element::ZeroSecond => format!("{second:02}"),
        Element::UpperHalf => String::from(if hour >= 12 { "PM" } else { "AM" }),
        Element::LowerHalf => String::from(if hour >= 12 { "pm" } else { "am" }),
        Element::Offset(spelling) => offset(time.zone.lookup(time.seconds).1, spelling),
        Element::Zone => match time.zone.lookup(time.seconds) {
            (name, offset) if name.is_empty() => numeric(offset),
            (name, _) => name,
        },
        Element::Fraction(mark, digits, cut) => fraction(time.nanos, mark, digits, cut),
    };
    out.extend_from_slice(text.as_bytes());
}

/// At least four digits after the sign.
fn year(year: i64) -> String {
    let sign = if year < 0 { "-" } else { "" };
    format!("{sign}{:04}", year.unsigned_abs())
}

fn offset(seconds: i64, spelling: Offset) -> String {
    if seconds == 0 && spelling.iso {
        return String::from("Z");
    }
    let minutes = seconds / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    let rest = if minutes < 0 { -seconds } else { seconds };
    let minutes = minutes.abs();
    let colon = if spelling.colon { ":" } else { "" };
    let mut text = format!("{sign}{:02}", minutes / 60);
    if spelling.parts > 1 {
        text.push_str(&format!("{colon}{:02}", minutes % 60));
    }
    if spelling.parts > 2 {
        text.push_str(&format!("{colon}{:02}", rest % 60));
    }
    text
}

fn numeric(seconds: i64) -> String {
    offset(
        seconds,
        Offset {
            iso: false,
            colon: false,
            parts: 2,
        },
    )
}

fn fraction(nanos: u32, mark: u8, digits: usize, cut: bool) -> String {
    let all = format!("{nanos:09}");
    let mut text: String = all.chars().take(digits).collect();
    if cut {
        text.truncate(text.trim_end_matches('0').len());
        if text.is_empty() {
            return text;
        }
    }
    text.insert(0, char::from(mark));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_are_filled_in() {
        let mut time = Time::unix(1_592_000_000);
        time.nanos = 120_000_000;
        for (layout, expect) in [
            ("2006-01-02T15:04:05.999Z07:00", "2020-06-12T22:13:20.12Z"),
            (".000", ".120"),
            ("05.0001", "20.0006"),
            ("Janx Mon_2006 __2 002", "Janx Fri_2020 164 164"),
            ("03:04:05 pm 3PM", "10:13:20 pm 10PM"),
            ("-07:00:00 Z070000 -07", "+00:00:00 Z +00"),
        ] {
            let text = format(&time, layout.as_bytes());
            assert_eq!(String::from_utf8_lossy(&text), expect, "{layout}");
        }
    }
}
