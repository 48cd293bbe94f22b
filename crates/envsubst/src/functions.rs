//! What operators do with a value: case, substring, replacement.

use crate::Error;

/// `value` with its first character changed.
pub(crate) fn first(value: &str, change: fn(char) -> char) -> Vec<u8> {
    let mut chars = value.chars();
    let mut result = String::with_capacity(value.len());
    result.extend(chars.next().map(change));
    result.push_str(chars.as_str());
    result.into_bytes()
}

/// `value` with every character changed.
pub(crate) fn all(value: &str, change: fn(char) -> char) -> Vec<u8> {
    value.chars().map(change).collect::<String>().into_bytes()
}

/// One character in upper case; where Unicode needs several, as for `ß`, the character stays.
pub(crate) fn upper(c: char) -> char {
    match c {
        // Simple mappings that differ from the full ones: Greek with an iota below.
        '\u{1F80}'..='\u{1F87}' | '\u{1F90}'..='\u{1F97}' | '\u{1FA0}'..='\u{1FA7}' => {
            char::from_u32(u32::from(c) + 8).unwrap_or(c)
        }
        '\u{1FB3}' | '\u{1FC3}' | '\u{1FF3}' => char::from_u32(u32::from(c) + 9).unwrap_or(c),
        _ => single(c.to_uppercase(), c),
    }
}

/// One character in lower case.
pub(crate) fn lower(c: char) -> char {
    match c {
        '\u{130}' => 'i',
        _ => single(c.to_lowercase(), c),
    }
}

fn single(mut mapped: impl ExactSizeIterator<Item = char>, otherwise: char) -> char {
    match (mapped.len(), mapped.next()) {
        (1, Some(c)) => c,
        _ => otherwise,
    }
}

/// The bytes from `position` on, at most `length` of them; the whole text where a number is none.
pub(crate) fn substring(
    text: &[u8],
    position: &[u8],
    length: Option<&[u8]>,
) -> Result<Vec<u8>, Error> {
    let size = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let Some(position) = number(position) else {
        return Ok(text.to_vec());
    };
    let start = if position < 0 {
        size.saturating_add(position).max(0)
    } else {
        position
    };
    let end = match length.map(number) {
        Some(None) => return Ok(text.to_vec()),
        Some(Some(length)) => start.saturating_add(length),
        None => size,
    };
    if end >= size {
        return Ok(text.get(index(start)..).unwrap_or_default().to_vec());
    }
    if end < 0 {
        return Err(Error::SliceBounds(format!(":{end}")));
    }
    if start > end {
        return Err(Error::SliceBounds(format!("{start}:{end}")));
    }
    Ok(text[index(start)..index(end)].to_vec())
}

fn index(position: i64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// How often `from` occurs in `text`; once between all characters where it is empty.
pub(crate) fn occurrences(text: &str, from: &[u8]) -> usize {
    std::str::from_utf8(from).map_or(0, |from| text.matches(from).count())
}

/// Every `from` replaced by `to`. A `from` that is not UTF-8 occurs in no text.
pub(crate) fn replace_all(text: &str, from: &[u8], to: &[u8]) -> Vec<u8> {
    let Ok(from) = std::str::from_utf8(from) else {
        return text.as_bytes().to_vec();
    };
    let mut result = Vec::with_capacity(text.len());
    let mut last = 0;
    for (at, found) in text.match_indices(from) {
        result.extend_from_slice(&text.as_bytes()[last..at]);
        result.extend_from_slice(to);
        last = at + found.len();
    }
    result.extend_from_slice(&text.as_bytes()[last..]);
    result
}

/// The first `from` replaced by `to`; an empty `from` is found at the start.
pub(crate) fn replace_first(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    if from.is_empty() {
        return [to, text].concat();
    }
    match text.windows(from.len()).position(|window| window == from) {
        Some(at) => [&text[..at], to, &text[at + from.len()..]].concat(),
        None => text.to_vec(),
    }
}

/// A leading `from` replaced by `to`.
pub(crate) fn replace_prefix(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    match text.strip_prefix(from) {
        Some(rest) => [to, rest].concat(),
        None => text.to_vec(),
    }
}

/// A trailing `from` replaced by `to`.
pub(crate) fn replace_suffix(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    match text.strip_suffix(from) {
        Some(rest) => [rest, to].concat(),
        None => text.to_vec(),
    }
}
