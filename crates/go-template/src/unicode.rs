//! Runes as Go decodes and classifies them: UTF-8 that may be broken, letters, digits, what is printable.

mod table;

use std::borrow::Cow;

/// What Go puts in place of bytes that are no UTF-8.
pub(crate) const REPLACEMENT: char = '\u{FFFD}';

/// Whether Go counts a character among the letters.
pub fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || !c.is_ascii() && within(&table::LETTERS, c)
}

/// Whether Go counts a character among the decimal digits.
pub fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || !c.is_ascii() && within(&table::DIGITS, c)
}

/// Whether Go prints a character as it is inside of quotes.
pub fn is_print(c: char) -> bool {
    (' '..='~').contains(&c) || !c.is_ascii() && within(&table::PRINTABLE, c)
}

fn within(ranges: &[(u32, u32)], c: char) -> bool {
    let c = u32::from(c);
    let index = ranges.partition_point(|&(_, last)| last < c);
    ranges.get(index).is_some_and(|&(first, _)| first <= c)
}

/// The first character of `bytes` and its length: `(U+FFFD, 1)` for a byte that starts none, `None` at the end.
#[inline]
pub fn decode(bytes: &[u8]) -> Option<(char, usize)> {
    let &first = bytes.first()?;
    if first.is_ascii() {
        return Some((char::from(first), 1));
    }
    Some(decode_long(first, bytes))
}

/// A character that does not begin in ASCII.
fn decode_long(first: u8, bytes: &[u8]) -> (char, usize) {
    let length = match first {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return (REPLACEMENT, 1),
    };
    let text = bytes
        .get(..length)
        .and_then(|it| std::str::from_utf8(it).ok());
    match text.and_then(|it| it.chars().next()) {
        Some(c) => (c, length),
        None => (REPLACEMENT, 1),
    }
}

/// `bytes` as text, each broken byte replaced by U+FFFD. Rust's own puts one in place of several.
pub fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Runes(bytes).map(|(c, _)| c).collect(),
    }
}

/// How many characters `bytes` are, each broken byte counted as one.
pub fn count(bytes: &[u8]) -> usize {
    if bytes.is_ascii() {
        return bytes.len();
    }
    Runes(bytes).count()
}

/// The characters of bytes with their lengths.
pub struct Runes<'a>(pub &'a [u8]);

impl Iterator for Runes<'_> {
    type Item = (char, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let (c, length) = decode(self.0)?;
        self.0 = &self.0[length..];
        Some((c, length))
    }
}

/// Appends a character as UTF-8.
pub fn encode(c: char, out: &mut Vec<u8>) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_bytes_count_one_by_one() {
        let runes: Vec<_> = Runes(b"a\xff\xc3\xa9\xe2\x82").collect();
        let broken = (REPLACEMENT, 1);
        assert_eq!(runes, [('a', 1), broken, ('é', 2), broken, broken]);
        assert_eq!(lossy(b"a\xe2\x82"), "a\u{fffd}\u{fffd}");
    }

    #[test]
    fn classes_are_those_of_go() {
        assert!(is_letter('é') && !is_letter('٣') && is_digit('٣'));
        assert!(is_print('é') && !is_print('\u{a0}') && !is_print('\u{200b}') && !is_print('\n'));
    }
}
