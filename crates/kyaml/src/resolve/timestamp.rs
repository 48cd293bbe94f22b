//! Timestamps in the four forms that Go's YAML accepts.

use std::fmt::Write as _;

/// A valid date and time with its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    nanos: u32,
    /// Offset from UTC: negative or not, hours, minutes.
    offset: (bool, u8, u8),
}

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    /// One or two digits.
    fn number(&mut self) -> Option<u8> {
        let (value, used) = match self.0 {
            [a @ b'0'..=b'9', b @ b'0'..=b'9', ..] => ((a - b'0') * 10 + (b - b'0'), 2),
            [a @ b'0'..=b'9', ..] => (a - b'0', 1),
            _ => return None,
        };
        self.0 = &self.0[used..];
        Some(value)
    }

    fn two_digits(&mut self) -> Option<u8> {
        match self.0 {
            [a @ b'0'..=b'9', b @ b'0'..=b'9', rest @ ..] => {
                self.0 = rest;
                Some((a - b'0') * 10 + (b - b'0'))
            }
            _ => None,
        }
    }

    fn byte(&mut self, expected: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        (*first == expected).then_some(())
    }

    /// An optional fraction of a second, in nanoseconds.
    fn fraction(&mut self) -> u32 {
        let [b'.' | b',', rest @ ..] = self.0 else {
            return 0;
        };
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            return 0;
        }
        let nanos = (0..9).fold(0, |nanos, at| {
            let digit = if at < digits { rest[at] - b'0' } else { 0 };
            nanos * 10 + u32::from(digit)
        });
        self.0 = &rest[digits..];
        nanos
    }

    fn offset(&mut self) -> Option<(bool, u8, u8)> {
        let (sign, rest) = self.0.split_first()?;
        self.0 = rest;
        let negative = match sign {
            b'Z' => return Some((false, 0, 0)),
            b'+' => false,
            b'-' => true,
            _ => return None,
        };
        let hours = self.two_digits()?;
        self.byte(b':')?;
        let minutes = self.two_digits()?;
        (hours <= 24 && minutes <= 60).then_some((negative, hours, minutes))
    }
}

impl Timestamp {
    /// Reads `2006-1-2`, `2006-1-2 15:4:5.9` or `2006-1-2T15:4:5.9Z`, the last with `t` or an offset.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() < 8 || bytes[4] != b'-' || !bytes[..4].iter().all(u8::is_ascii_digit) {
            return None;
        }
        let year = text[..4].parse().ok()?;
        let mut rest = Cursor(&bytes[5..]);
        let month = rest.number()?;
        rest.byte(b'-')?;
        let day = rest.number()?;
        let mut time = Self {
            year,
            month,
            day,
            hour: 0,
            minute: 0,
            second: 0,
            nanos: 0,
            offset: (false, 0, 0),
        };
        if !(1..=12).contains(&month) || day < 1 || day > days_in(month, year) {
            return None;
        }
        match rest.0.first() {
            None => return Some(time),
            Some(b'T' | b't') => {
                rest.0 = &rest.0[1..];
                time.read_clock(&mut rest)?;
                time.offset = rest.offset()?;
            }
            Some(b' ') => {
                let spaces = rest.0.iter().take_while(|b| **b == b' ').count();
                rest.0 = &rest.0[spaces..];
                time.read_clock(&mut rest)?;
            }
            Some(_) => return None,
        }
        rest.0.is_empty().then_some(time)
    }

    fn read_clock(&mut self, rest: &mut Cursor<'_>) -> Option<()> {
        self.hour = rest.number()?;
        rest.byte(b':')?;
        self.minute = rest.number()?;
        rest.byte(b':')?;
        self.second = rest.number()?;
        self.nanos = rest.fraction();
        (self.hour < 24 && self.minute < 60 && self.second < 60).then_some(())
    }

    /// The time in RFC 3339, as short as its fraction allows; `None` if the offset has over 23 hours.
    #[must_use]
    pub fn to_rfc3339(self) -> Option<String> {
        let (negative, hours, minutes) = self.offset;
        let total = u32::from(hours) * 60 + u32::from(minutes);
        if total >= 24 * 60 {
            return None;
        }
        let mut out = format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            self.year, self.month, self.day, self.hour, self.minute, self.second
        );
        if self.nanos > 0 {
            let fraction = format!("{:09}", self.nanos);
            out.push('.');
            out.push_str(fraction.trim_end_matches('0'));
        }
        if total == 0 {
            out.push('Z');
        } else {
            let sign = if negative { '-' } else { '+' };
            let _ = write!(out, "{sign}{:02}:{:02}", total / 60, total % 60);
        }
        Some(out)
    }
}

const fn days_in(month: u8, year: u16) -> u8 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<&str>) {
        let found = Timestamp::parse(text).and_then(Timestamp::to_rfc3339);
        assert_eq!(found.as_deref(), expect, "{text}");
    }

    #[test]
    fn reads_the_four_forms() {
        check("2020-01-01", Some("2020-01-01T00:00:00Z"));
        check("2020-1-2", Some("2020-01-02T00:00:00Z"));
        check(
            "2001-12-14t21:59:43.10-05:00",
            Some("2001-12-14T21:59:43.1-05:00"),
        );
        check("2001-12-14  21:59:43.10", Some("2001-12-14T21:59:43.1Z"));
        check("2001-12-14T1:2:3Z", Some("2001-12-14T01:02:03Z"));
    }

    #[test]
    fn refuses_dates_that_do_not_exist() {
        check("2021-02-29", None);
        check("2020-13-01", None);
        check("2020-01-01T24:00:00Z", None);
        check("2020-01-01 ", None);
        check("2001-12-14 21:59:43.10 -5", None);
        check("20201-01-01", None);
    }
}
