//! A moment read from a text, by a layout.
//!
//! Source: Go 1.26 `time/format.go` `Parse`

use super::format::{DAYS, MONTHS};
use super::layout::{self, Element, Offset};
use super::time::{Time, days_in, is_leap, midnight};
use super::zone::Zone;

/// A text in quotes as Go's `time` shows it: bytes outside of ASCII in hexadecimal.
pub(super) fn quote(text: &[u8]) -> String {
    let mut out = String::from("\"");
    for byte in text {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(*byte)]),
            ..b' ' | 0x80.. => out.push_str(&format!("\\x{byte:02x}")),
            _ => out.push(char::from(*byte)),
        }
    }
    out.push('"');
    out
}

/// Why a part of the text cannot be read.
enum Refusal {
    /// It is not what the layout says.
    Other,
    /// It is too large.
    Range(&'static str),
}

/// What has been read.
#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<u32>,
    day: Option<u32>,
    year_day: Option<u32>,
    hour: u32,
    minute: u32,
    second: u32,
    nanos: u32,
    /// Whether the hour is said to be in the first half of the day.
    before_noon: bool,
    /// Whether it is said to be in the second.
    after_noon: bool,
    utc: bool,
    offset: Option<i64>,
    zone: Vec<u8>,
}

/// Reads a moment; without a zone it is in UTC.
///
/// # Errors
/// Go's text.
pub(super) fn parse(layout: &[u8], text: &[u8]) -> Result<Time, String> {
    let whole = quote(text);
    let mut fields = Fields::default();
    let (mut todo, mut rest) = (layout, text);
    loop {
        let chunk = layout::next(todo);
        let cannot = |at: &[u8], wanted: &[u8]| {
            let (layout, at, wanted) = (quote(layout), quote(at), quote(wanted));
            format!("parsing time {whole} as {layout}: cannot parse {at} as {wanted}")
        };
        rest = skip(rest, chunk.before).map_err(|at| cannot(at, chunk.before))?;
        let Some(element) = chunk.element else {
            break;
        };
        todo = chunk.rest;
        let held = rest;
        rest = match fields.read(element, rest, todo) {
            Ok(rest) => rest,
            Err(Refusal::Other) => return Err(cannot(held, chunk.own)),
            Err(Refusal::Range(what)) => {
                return Err(format!("parsing time {whole}: {what} out of range"));
            }
        };
    }
    if !rest.is_empty() {
        return Err(format!("parsing time {whole}: extra text: {}", quote(rest)));
    }
    let time = fields.time();
    time.map_err(|what| format!("parsing time {whole}: {what}"))
}

/// Passes over text of the layout; any number of spaces stands for any number of spaces.
fn skip<'a>(mut text: &'a [u8], mut prefix: &[u8]) -> Result<&'a [u8], &'a [u8]> {
    let spaces = |text: &[u8]| text.iter().take_while(|it| **it == b' ').count();
    while let Some(wanted) = prefix.first() {
        if *wanted == b' ' {
            if !text.is_empty() && text[0] != b' ' {
                return Err(text);
            }
            prefix = &prefix[spaces(prefix)..];
            text = &text[spaces(text)..];
        } else if text.first() == Some(wanted) {
            (prefix, text) = (&prefix[1..], &text[1..]);
        } else {
            return Err(text);
        }
    }
    Ok(text)
}

type Rest<'a> = Result<&'a [u8], Refusal>;

impl Fields {
    /// Reads an element; `layout` is what follows it in the layout.
    fn read<'a>(&mut self, element: Element, text: &'a [u8], layout: &[u8]) -> Rest<'a> {
        match element {
            Element::Year | Element::LongYear => self.read_year(element, text),
            Element::Month | Element::LongMonth => {
                let (month, rest) = name(text, &MONTHS, element == Element::LongMonth)?;
                self.month = Some(month as u32 + 1);
                Ok(rest)
            }
            Element::Weekday | Element::LongWeekday => {
                Ok(name(text, &DAYS, element == Element::LongWeekday)?.1)
            }
            Element::NumMonth | Element::ZeroMonth => {
                let (month, rest) = number(text, element == Element::ZeroMonth)?;
                self.month = Some(month);
                within(month, 1, 12, "month")?;
                Ok(rest)
            }
            Element::Day | Element::UnderDay | Element::ZeroDay => {
                let text = if element == Element::UnderDay {
                    blank(text)
                } else {
                    text
                };
                let (day, rest) = number(text, element == Element::ZeroDay)?;
                self.day = Some(day);
                Ok(rest)
            }
            Element::UnderYearDay | Element::ZeroYearDay => {
                let fixed = element == Element::ZeroYearDay;
                let text = if fixed { text } else { blank(blank(text)) };
                let (day, rest) = three_digits(text, fixed)?;
                self.year_day = Some(day);
                Ok(rest)
            }
            Element::UpperHalf => self.read_half(text, [b"AM", b"PM"]),
            Element::LowerHalf => self.read_half(text, [b"am", b"pm"]),
            Element::Offset(spelling) => self.read_offset(spelling, text),
            Element::Zone => self.read_zone(text),
            Element::Fraction(_, digits, false) => self.read_nanos(text, digits + 1),
            Element::Fraction(_, _, true) => match text {
                [b'.' | b',', b'0'..=b'9', ..] => self.read_nanos(text, digits(&text[1..]) + 1),
                _ => Ok(text),
            },
            _ => self.read_clock(element, text, layout),
        }
    }

    fn read_year<'a>(&mut self, element: Element, text: &'a [u8]) -> Rest<'a> {
        let long = element == Element::LongYear;
        let length = if long { 4 } else { 2 };
        if text.len() < length || long && !text[0].is_ascii_digit() {
            return Err(Refusal::Other);
        }
        let (year, rest) = text.split_at(length);
        let year = signed(year).ok_or(Refusal::Other)?;
        self.year = match year {
            _ if long => year,
            69.. => year + 1900,
            _ => year + 2000,
        };
        Ok(rest)
    }

    fn read_clock<'a>(&mut self, element: Element, text: &'a [u8], layout: &[u8]) -> Rest<'a> {
        let fixed = matches!(
            element,
            Element::ZeroHour12 | Element::ZeroMinute | Element::ZeroSecond
        );
        let (value, rest) = number(text, fixed)?;
        match element {
            Element::Hour => {
                self.hour = value;
                within(value, 0, 23, "hour")?;
            }
            Element::Hour12 | Element::ZeroHour12 => {
                self.hour = value;
                within(value, 0, 12, "hour")?;
            }
            Element::Minute | Element::ZeroMinute => {
                self.minute = value;
                within(value, 0, 59, "minute")?;
            }
            _ => {
                self.second = value;
                within(value, 0, 59, "second")?;
                // Fractions that the layout does not speak of may follow all the same.
                if let [b'.' | b',', b'0'..=b'9', ..] = rest {
                    let next = layout::next(layout).element;
                    if !matches!(next, Some(Element::Fraction(..))) {
                        return self.read_nanos(rest, digits(&rest[1..]) + 1);
                    }
                }
            }
        }
        Ok(rest)
    }

    fn read_half<'a>(&mut self, text: &'a [u8], [before, after]: [&[u8; 2]; 2]) -> Rest<'a> {
        let (half, rest) = text.split_first_chunk().ok_or(Refusal::Other)?;
        match half {
            it if it == after => self.after_noon = true,
            it if it == before => self.before_noon = true,
            _ => return Err(Refusal::Other),
        }
        Ok(rest)
    }

    fn read_nanos<'a>(&mut self, text: &'a [u8], length: usize) -> Rest<'a> {
        if text.len() < length || !matches!(text[0], b'.' | b',') {
            return Err(Refusal::Other);
        }
        let (fraction, rest) = text.split_at(length);
        let digits = &fraction[1..length.min(10)];
        let value = signed(digits).ok_or(Refusal::Other)?;
        if value < 0 {
            return Err(Refusal::Range("fractional second"));
        }
        let missing = 9 - digits.len();
        self.nanos = (value * 10_i64.pow(missing as u32)) as u32;
        Ok(rest)
    }

    fn read_offset<'a>(&mut self, spelling: Offset, text: &'a [u8]) -> Rest<'a> {
        if spelling.iso && text.first() == Some(&b'Z') {
            self.utc = true;
            return Ok(&text[1..]);
        }
        let colons = if spelling.colon {
            spelling.parts - 1
        } else {
            0
        };
        let length = 1 + usize::from(2 * spelling.parts + colons);
        if text.len() < length {
            return Err(Refusal::Other);
        }
        let (offset, rest) = text.split_at(length);
        let step = if spelling.colon { 3 } else { 2 };
        let places = || (0..usize::from(spelling.parts)).map(|index| 1 + step * index);
        if spelling.colon && places().skip(1).any(|at| offset[at - 1] != b':') {
            return Err(Refusal::Other);
        }
        // What is too large is told before what is no number.
        let numbers = places().map_while(|at| Some(number(&offset[at..at + 2], true).ok()?.0));
        let mut parts = [0, 0, 0];
        let mut read = 0;
        for (part, number) in parts.iter_mut().zip(numbers) {
            *part = number;
            read += 1;
        }
        let [hours, minutes, seconds] = parts;
        within(hours, 0, 24, "time zone offset hour")?;
        within(minutes, 0, 60, "time zone offset minute")?;
        within(seconds, 0, 60, "time zone offset second")?;
        if read < spelling.parts {
            return Err(Refusal::Other);
        }
        let seconds = i64::from((hours * 60 + minutes) * 60 + seconds);
        self.offset = Some(match offset[0] {
            b'+' => seconds,
            b'-' => -seconds,
            _ => return Err(Refusal::Other),
        });
        Ok(rest)
    }

    fn read_zone<'a>(&mut self, text: &'a [u8]) -> Rest<'a> {
        if let Some(rest) = text.strip_prefix(b"UTC") {
            self.utc = true;
            return Ok(rest);
        }
        let length = zone_length(text).ok_or(Refusal::Other)?;
        let (zone, rest) = text.split_at(length);
        self.zone = zone.to_vec();
        Ok(rest)
    }

    /// The moment that the fields stand for.
    fn time(&self) -> Result<Time, &'static str> {
        let hour = match self.hour {
            hour @ 0..12 if self.after_noon => hour + 12,
            12 if self.before_noon => 0,
            hour => hour,
        };
        let (month, day) = match self.year_day {
            Some(day) => self.day_of_year(day)?,
            None => (self.month.unwrap_or(1), self.day.unwrap_or(1)),
        };
        if day < 1 || day > days_in(month, self.year) {
            return Err("day out of range");
        }
        let clock = i64::from((hour * 60 + self.minute) * 60 + self.second);
        let mut time = Time::unix(midnight(self.year, month.into(), day.into()) + clock);
        time.nanos = self.nanos;
        let name = go_template::unicode::lossy(&self.zone);
        match self.offset {
            _ if self.utc => {}
            Some(offset) => {
                time.seconds -= offset;
                if offset != 0 || !name.is_empty() {
                    time.zone = Zone::Fixed(name.into(), offset);
                }
            }
            None if name.is_empty() => {}
            None => {
                let hours = name.strip_prefix("GMT").filter(|it| !it.is_empty());
                let hours = hours.and_then(|it| signed(it.as_bytes())).unwrap_or(0);
                time.zone = Zone::Fixed(name.into(), hours * 3600);
            }
        }
        Ok(time)
    }

    fn day_of_year(&self, mut day: u32) -> Result<(u32, u32), &'static str> {
        let leap_day = is_leap(self.year) && day == 60;
        if is_leap(self.year) && day > 60 {
            day -= 1;
        }
        if !(1..=365).contains(&day) {
            return Err("day-of-year out of range");
        }
        let (mut month, mut rest) = (1, day);
        while rest > days_in(month, 1) {
            rest -= days_in(month, 1);
            month += 1;
        }
        if leap_day {
            (month, rest) = (2, 29);
        }
        if self.month.is_some_and(|it| it != month) {
            return Err("day-of-year does not match month");
        }
        if self.day.is_some_and(|it| it != rest) {
            return Err("day-of-year does not match day");
        }
        Ok((month, rest))
    }
}

fn within(value: u32, least: u32, most: u32, what: &'static str) -> Result<(), Refusal> {
    let fits = (least..=most).contains(&value);
    fits.then_some(()).ok_or(Refusal::Range(what))
}

fn blank(text: &[u8]) -> &[u8] {
    text.strip_prefix(b" ").unwrap_or(text)
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|it| it.is_ascii_digit()).count()
}

/// One or two digits; exactly two if `fixed`.
fn number(text: &[u8], fixed: bool) -> Result<(u32, &[u8]), Refusal> {
    let digit = |at: usize| {
        let byte = text.get(at).filter(|it| it.is_ascii_digit());
        byte.map(|it| u32::from(it - b'0'))
    };
    match (digit(0), digit(1)) {
        (Some(tens), Some(ones)) => Ok((tens * 10 + ones, &text[2..])),
        (Some(ones), None) if !fixed => Ok((ones, &text[1..])),
        _ => Err(Refusal::Other),
    }
}

fn three_digits(text: &[u8], fixed: bool) -> Result<(u32, &[u8]), Refusal> {
    let count = digits(text).min(3);
    if count == 0 || fixed && count < 3 {
        return Err(Refusal::Other);
    }
    let value = text[..count].iter();
    let value = value.fold(0, |value, it| value * 10 + u32::from(it - b'0'));
    Ok((value, &text[count..]))
}

/// Digits, perhaps after a sign.
fn signed(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [sign @ (b'-' | b'+'), rest @ ..] => (*sign == b'-', rest),
        _ => (false, text),
    };
    let value = digits.iter().try_fold(0_i64, |value, it| {
        let digit = it.is_ascii_digit().then(|| i64::from(it - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })?;
    Some(if negative { -value } else { value })
}

/// The place in a list of names, of which only three letters count unless they are long.
fn name<'a>(text: &'a [u8], names: &[&str], long: bool) -> Result<(usize, &'a [u8]), Refusal> {
    let short = |name: &str| if long { name.len() } else { 3 };
    let starts = |name: &&str| {
        let name = &name.as_bytes()[..short(name)];
        text.get(..name.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(name))
    };
    let index = names.iter().position(starts).ok_or(Refusal::Other)?;
    Ok((index, &text[short(names[index])..]))
}

/// How long the abbreviation of a zone is that the text begins with.
fn zone_length(text: &[u8]) -> Option<usize> {
    if text.len() < 3 {
        return None;
    }
    if text.starts_with(b"ChST") || text.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(after) = text.strip_prefix(b"GMT") {
        return Some(3 + signed_hours(after));
    }
    if matches!(text[0], b'+' | b'-') {
        return Some(signed_hours(text)).filter(|it| *it > 0);
    }
    let upper = text.iter().take(6).take_while(|it| it.is_ascii_uppercase());
    match upper.count() {
        5 if text[4] == b'T' => Some(5),
        4 if text[3] == b'T' || text.starts_with(b"WITA") => Some(4),
        3 => Some(3),
        _ => None,
    }
}

/// The length of a sign and up to 23 hours; 0 if there are none.
fn signed_hours(text: &[u8]) -> usize {
    let [b'+' | b'-', after @ ..] = text else {
        return 0;
    };
    match super::duration::leading_int(after) {
        Some((hours, rest)) if rest.len() < after.len() && hours <= 23 => text.len() - rest.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
