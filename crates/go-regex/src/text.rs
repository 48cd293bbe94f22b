//! Text that may be no UTF-8, as Go sees it: each broken byte is a character of its own.

use std::borrow::Cow;

/// A text with U+FFFD for each broken byte.
pub(crate) fn lossy(text: &[u8]) -> String {
    Mended::of(text).text.into_owned()
}

/// Text with U+FFFD for each broken byte, and where the copies of the text's bytes are.
pub(crate) struct Mended<'a> {
    pub(crate) text: Cow<'a, str>,
    /// The place in the mended text after each broken byte, in order.
    broken: Vec<usize>,
}

impl<'a> Mended<'a> {
    pub(crate) fn of(text: &'a [u8]) -> Self {
        if let Ok(whole) = std::str::from_utf8(text) {
            return Self {
                text: Cow::Borrowed(whole),
                broken: Vec::new(),
            };
        }
        let mut mended = String::with_capacity(text.len() + 16);
        let mut broken = Vec::new();
        for chunk in text.utf8_chunks() {
            mended.push_str(chunk.valid());
            for _ in chunk.invalid() {
                mended.push(char::REPLACEMENT_CHARACTER);
                broken.push(mended.len());
            }
        }
        Self {
            text: Cow::Owned(mended),
            broken,
        }
    }

    /// The place in the text: each broken byte before it has become three.
    pub(crate) fn original(&self, at: usize) -> usize {
        at - 2 * self.broken.partition_point(|it| *it <= at)
    }

    /// The length of the character at a place; 0 at the end.
    pub(crate) fn width(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        rest.chars().next().map_or(0, char::len_utf8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_broken_byte_is_a_character() {
        let text = b"a\xff\xc3\xa9\xe2\x82";
        assert_eq!(lossy(text), "a\u{fffd}\u{e9}\u{fffd}\u{fffd}");
        let mended = Mended::of(text);
        let places: Vec<_> = [0, 1, 4, 6, 9, 12].map(|at| mended.original(at)).into();
        assert_eq!(places, [0, 1, 2, 4, 5, 6]);
        assert_eq!([0, 1, 12].map(|at| mended.width(at)), [1, 3, 0]);
    }
}
