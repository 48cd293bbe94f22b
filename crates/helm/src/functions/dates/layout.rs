//! Go's layouts: a reference time spelled as the text shall look.
//!
//! Source: Go 1.26 `time/format.go` `nextStdChunk`

/// How an offset from UTC is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    /// Whether UTC is `Z`.
    pub(super) iso: bool,
    /// Whether there are colons.
    pub(super) colon: bool,
    /// How many of hours, minutes and seconds there are.
    pub(super) parts: u8,
}

/// An element of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperHalf,
    LowerHalf,
    Zone,
    Offset(Offset),
    /// Fractions of a second: the mark in front, how many digits, and whether zeros at the end are left out.
    Fraction(u8, usize, bool),
}

/// The text before the first element, the element, its own text, and the rest.
pub(super) struct Chunk<'a> {
    pub(super) before: &'a [u8],
    pub(super) element: Option<Element>,
    pub(super) own: &'a [u8],
    pub(super) rest: &'a [u8],
}

pub(super) fn next(layout: &[u8]) -> Chunk<'_> {
    for at in 0..layout.len() {
        if let Some((skip, element, length)) = element(&layout[at..]) {
            let start = at + skip;
            return Chunk {
                before: &layout[..start],
                element: Some(element),
                own: &layout[start..start + length],
                rest: &layout[start + length..],
            };
        }
    }
    Chunk {
        before: layout,
        element: None,
        own: b"",
        rest: b"",
    }
}

/// An element that begins here: what to skip before it, and its length.
fn element(text: &[u8]) -> Option<(usize, Element, usize)> {
    let lower = |at: usize| text.get(at).is_some_and(u8::is_ascii_lowercase);
    let (element, length) = match text {
        [b'J', b'a', b'n', b'u', b'a', b'r', b'y', ..] => (Element::LongMonth, 7),
        [b'J', b'a', b'n', ..] if !lower(3) => (Element::Month, 3),
        [b'M', b'o', b'n', b'd', b'a', b'y', ..] => (Element::LongWeekday, 6),
        [b'M', b'o', b'n', ..] if !lower(3) => (Element::Weekday, 3),
        [b'M', b'S', b'T', ..] => (Element::Zone, 3),
        [b'0', b'1', ..] => (Element::ZeroMonth, 2),
        [b'0', b'2', ..] => (Element::ZeroDay, 2),
        [b'0', b'3', ..] => (Element::ZeroHour12, 2),
        [b'0', b'4', ..] => (Element::ZeroMinute, 2),
        [b'0', b'5', ..] => (Element::ZeroSecond, 2),
        [b'0', b'6', ..] => (Element::Year, 2),
        [b'0', b'0', b'2', ..] => (Element::ZeroYearDay, 3),
        [b'1', b'5', ..] => (Element::Hour, 2),
        [b'1', ..] => (Element::NumMonth, 1),
        [b'2', b'0', b'0', b'6', ..] => (Element::LongYear, 4),
        [b'2', ..] => (Element::Day, 1),
        [b'_', b'2', b'0', b'0', b'6', ..] => return Some((1, Element::LongYear, 4)),
        [b'_', b'2', ..] => (Element::UnderDay, 2),
        [b'_', b'_', b'2', ..] => (Element::UnderYearDay, 3),
        [b'3', ..] => (Element::Hour12, 1),
        [b'4', ..] => (Element::Minute, 1),
        [b'5', ..] => (Element::Second, 1),
        [b'P', b'M', ..] => (Element::UpperHalf, 2),
        [b'p', b'm', ..] => (Element::LowerHalf, 2),
        [b'-' | b'Z', ..] => offset(text)?,
        [b'.' | b',', digit @ (b'0' | b'9'), ..] => {
            let count = text[1..].iter().take_while(|it| *it == digit).count();
            if text.get(count + 1).is_some_and(u8::is_ascii_digit) {
                return None;
            }
            let element = Element::Fraction(text[0], count, *digit == b'9');
            (element, count + 1)
        }
        _ => return None,
    };
    Some((0, element, length))
}

fn offset(text: &[u8]) -> Option<(Element, usize)> {
    const SPELLINGS: [(&[u8], bool, u8); 5] = [
        (b"070000", false, 3),
        (b"07:00:00", true, 3),
        (b"0700", false, 2),
        (b"07:00", true, 2),
        (b"07", false, 1),
    ];
    let found = SPELLINGS
        .into_iter()
        .find(|(digits, ..)| text[1..].starts_with(digits));
    let (digits, colon, parts) = found?;
    let offset = Offset {
        iso: text[0] == b'Z',
        colon,
        parts,
    };
    Some((Element::Offset(offset), digits.len() + 1))
}
