//! Upper and lower case, as Go maps one character to one character.
//!
//! Source: Go 1.26 `strings`, `unicode`; Masterminds/goutils v1.1.1

use go_template::unicode::{Runes, encode, is_digit, is_letter};

/// `unicode.ToUpper`.
pub(super) fn to_upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) => upper,
        _ => match c {
            '\u{1F80}'..='\u{1F87}' | '\u{1F90}'..='\u{1F97}' | '\u{1FA0}'..='\u{1FA7}' => {
                moved(c, 8)
            }
            '\u{1FB3}' | '\u{1FC3}' | '\u{1FF3}' => moved(c, 9),
            _ => c,
        },
    }
}

/// `unicode.ToLower`.
pub(super) fn to_lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// `unicode.ToTitle`.
pub(super) fn to_title(c: char) -> char {
    match c {
        '\u{1C4}'..='\u{1C6}' => '\u{1C5}',
        '\u{1C7}'..='\u{1C9}' => '\u{1C8}',
        '\u{1CA}'..='\u{1CC}' => '\u{1CB}',
        '\u{1F1}'..='\u{1F3}' => '\u{1F2}',
        '\u{10D0}'..='\u{10FA}' | '\u{10FD}'..='\u{10FF}' => c,
        _ => to_upper(c),
    }
}

fn moved(c: char, by: u32) -> char {
    char::from_u32(u32::from(c) + by).unwrap_or(c)
}

/// `unicode.IsTitle`.
fn is_title(c: char) -> bool {
    matches!(c, '\u{1C5}' | '\u{1C8}' | '\u{1CB}' | '\u{1F2}' | '\u{1F88}'..='\u{1F8F}'
        | '\u{1F98}'..='\u{1F9F}' | '\u{1FA8}'..='\u{1FAF}' | '\u{1FBC}' | '\u{1FCC}' | '\u{1FFC}')
}

/// `unicode.IsUpper`: letters only, not numerals and letters in circles.
pub(super) fn is_upper(c: char) -> bool {
    c.is_uppercase() && is_letter(c)
}

/// `unicode.IsLower`: neither numerals nor letters that only modify others.
fn is_lower(c: char) -> bool {
    let modifier = matches!(c, '\u{AA}' | '\u{BA}' | '\u{2B0}'..='\u{2E4}' | '\u{37A}' | '\u{10FC}'
        | '\u{1D2C}'..='\u{1D6A}' | '\u{1D78}' | '\u{1D9B}'..='\u{1DBF}' | '\u{2071}' | '\u{207F}'
        | '\u{2090}'..='\u{209C}' | '\u{2C7C}' | '\u{2C7D}' | '\u{A69C}' | '\u{A69D}' | '\u{A770}'
        | '\u{A7F2}'..='\u{A7F4}' | '\u{A7F8}' | '\u{A7F9}' | '\u{AB5C}'..='\u{AB5F}' | '\u{AB69}'
        | '\u{10780}'..='\u{107BA}' | '\u{1E030}'..='\u{1E06D}');
    c.is_lowercase() && is_letter(c) && !modifier
}

/// Each character through a mapping; broken bytes become U+FFFD.
fn mapped(text: &[u8], mut map: impl FnMut(char) -> char) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for (c, _) in Runes(text) {
        encode(map(c), &mut out);
    }
    out
}

pub(super) fn upper(text: &[u8]) -> Vec<u8> {
    if text.is_ascii() {
        return text.to_ascii_uppercase();
    }
    mapped(text, to_upper)
}

pub(super) fn lower(text: &[u8]) -> Vec<u8> {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    mapped(text, to_lower)
}

/// The first letter of each word as a title has it.
pub(super) fn title(text: &[u8]) -> Vec<u8> {
    let mut before = ' ';
    mapped(text, |c| {
        let begins = std::mem::replace(&mut before, c);
        if separates(begins) { to_title(c) } else { c }
    })
}

/// Whether a word ends before the character.
fn separates(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_alphanumeric() && c != '_';
    }
    !is_letter(c) && !is_digit(c) && c.is_whitespace()
}

/// The first letter of each word in lower case.
pub(super) fn untitle(text: &[u8]) -> Vec<u8> {
    let mut begins = true;
    mapped(text, |c| {
        if c.is_whitespace() {
            begins = true;
            return c;
        }
        if std::mem::take(&mut begins) {
            to_lower(c)
        } else {
            c
        }
    })
}

pub(super) fn swapped(text: &[u8]) -> Vec<u8> {
    let mut begins = true;
    mapped(text, |c| {
        if is_upper(c) || is_title(c) {
            begins = false;
            return to_lower(c);
        }
        if is_lower(c) {
            return if std::mem::take(&mut begins) {
                to_title(c)
            } else {
                to_upper(c)
            };
        }
        begins = c.is_whitespace();
        c
    })
}

/// Without white space. If there is any, each byte is taken for a character, which breaks what is not ASCII.
pub(super) fn without_space(text: &[u8]) -> Vec<u8> {
    if !text.iter().any(|it| char::from(*it).is_whitespace()) {
        return text.to_vec();
    }
    let mut out = Vec::with_capacity(text.len());
    for c in text.iter().map(|it| char::from(*it)) {
        if !c.is_whitespace() {
            encode(c, &mut out);
        }
    }
    out
}

/// The first byte of each word, taken for a character.
pub(super) fn initials(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut begins = true;
    for c in text.iter().map(|it| char::from(*it)) {
        if c.is_whitespace() {
            begins = true;
        } else if std::mem::take(&mut begins) {
            encode(c, &mut out);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(map: fn(&[u8]) -> Vec<u8>, text: &str, expect: &str) {
        assert_eq!(String::from_utf8_lossy(&map(text.as_bytes())), expect);
    }

    #[test]
    fn one_character_stays_one_character() {
        check(upper, "straße ŉ ᾳ", "STRAßE ŉ ᾼ");
        check(lower, "İSTANBUL", "istanbul");
        check(title, "hello-wörld a_b ǆ", "Hello-Wörld A_b ǅ");
    }

    #[test]
    fn words_begin_after_white_space() {
        check(untitle, "Hello  World-Wide", "hello  world-Wide");
        check(swapped, "This Is a.tEST", "tHIS iS A.Test");
        check(initials, "First Try", "FT");
    }

    #[test]
    fn bytes_are_taken_for_characters_only_where_there_is_space() {
        check(without_space, "é", "é");
        check(without_space, "é x", "Ã©x");
    }
}
