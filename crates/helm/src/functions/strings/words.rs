//! `camelcase`, `snakecase`, `kebabcase`: words found by the kind of their characters.
//!
//! Source: huandu/xstrings v1.5.0 `convert.go`

use go_template::unicode::{Runes, decode, encode, is_letter};

use super::case::{is_upper, to_lower, to_upper};

const REPLACEMENT: char = '\u{FFFD}';

fn is_connector(c: char) -> bool {
    c == '-' || c == '_' || c.is_whitespace()
}

/// A letter that is no ideograph.
fn is_alphabet(c: char) -> bool {
    let ideograph =
        matches!(c, '\u{4E00}'..='\u{9FCC}' | '\u{3400}'..='\u{4D85}' | '\u{20000}'..='\u{2B81D}');
    is_letter(c) && !ideograph
}

/// Unicode's categories of punctuation, beyond ASCII only the common blocks.
fn is_punctuation(c: char) -> bool {
    match c {
        '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~' => false,
        c if c.is_ascii() => c.is_ascii_punctuation(),
        '\u{A1}' | '\u{A7}' | '\u{AB}' | '\u{B6}' | '\u{B7}' | '\u{BB}' | '\u{BF}' | '\u{37E}'
        | '\u{387}' => true,
        '\u{55A}'..='\u{55F}'
        | '\u{589}'
        | '\u{58A}'
        | '\u{5BE}'
        | '\u{60C}'
        | '\u{60D}'
        | '\u{61B}' => true,
        '\u{61D}'..='\u{61F}' | '\u{66A}'..='\u{66D}' | '\u{964}' | '\u{965}' => true,
        '\u{2044}' | '\u{2052}' => false,
        '\u{2010}'..='\u{2027}'
        | '\u{2030}'..='\u{205E}'
        | '\u{207D}'
        | '\u{207E}'
        | '\u{208D}'
        | '\u{208E}' => true,
        '\u{2308}'..='\u{230B}'
        | '\u{2329}'
        | '\u{232A}'
        | '\u{2768}'..='\u{2775}'
        | '\u{27C5}'
        | '\u{27C6}' => true,
        '\u{27E6}'..='\u{27EF}'
        | '\u{2983}'..='\u{2998}'
        | '\u{29D8}'..='\u{29DB}'
        | '\u{29FC}'
        | '\u{29FD}' => true,
        '\u{2E00}'..='\u{2E2E}' | '\u{2E30}'..='\u{2E4F}' | '\u{2E52}'..='\u{2E5D}' => true,
        '\u{3001}'..='\u{3003}'
        | '\u{3008}'..='\u{3011}'
        | '\u{3014}'..='\u{301F}'
        | '\u{3030}'
        | '\u{303D}' => true,
        '\u{30A0}'
        | '\u{30FB}'
        | '\u{FE10}'..='\u{FE19}'
        | '\u{FE30}'..='\u{FE52}'
        | '\u{FE54}'..='\u{FE61}' => true,
        '\u{FE63}'
        | '\u{FE68}'
        | '\u{FE6A}'
        | '\u{FE6B}'
        | '\u{FF01}'..='\u{FF03}'
        | '\u{FF05}'..='\u{FF0A}' => true,
        '\u{FF0C}'..='\u{FF0F}'
        | '\u{FF1A}'
        | '\u{FF1B}'
        | '\u{FF1F}'
        | '\u{FF20}'
        | '\u{FF3B}'..='\u{FF3D}' => true,
        '\u{FF3F}' | '\u{FF5B}' | '\u{FF5D}' | '\u{FF5F}'..='\u{FF65}' => true,
        _ => false,
    }
}

/// The words of a text with a capital each; connectors at the begin stay, of several others all but one.
pub(super) fn pascal(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut runes = Runes(text).map(|(c, _)| c);
    let mut connector = None;
    let first = loop {
        match runes.next() {
            None => {
                // Where nothing else is there, the last one is written twice.
                connector.into_iter().for_each(|c| encode(c, &mut out));
                return out;
            }
            Some(c) if is_connector(c) => {
                connector = Some(c);
                encode(c, &mut out);
            }
            Some(c) => break c,
        }
    };
    let mut first_is_upper = is_upper(first);
    let mut here = to_upper(first);
    for next in runes {
        let before = std::mem::replace(&mut here, next);
        if is_connector(here) && is_connector(before) {
            encode(before, &mut out);
            continue;
        }
        if is_connector(before) {
            first_is_upper = is_upper(here);
            here = to_upper(here);
            continue;
        }
        if first_is_upper {
            first_is_upper = is_upper(here);
            if first_is_upper {
                here = to_lower(here);
            }
        }
        encode(before, &mut out);
    }
    encode(here, &mut out);
    out
}

/// What a word is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Invalid,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punctuation,
    Other,
}

/// A word at the begin of the text and what comes after it.
struct Word<'a> {
    kind: Kind,
    text: &'a [u8],
    rest: &'a [u8],
}

/// The words of a text in lower case with one connector between them.
pub(super) fn connected(text: &[u8], connector: char) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 4);
    let mut word = next_word(text);
    while !word.rest.is_empty() {
        if word.kind != Kind::Connector {
            write(&mut out, &word, connector);
        }
        let before = word;
        word = next_word(before.rest);
        match before.kind {
            Kind::Number => {
                word = letters_and_numbers(&mut out, word, connector);
                connect(&mut out, word.kind, connector);
            }
            Kind::Connector => write(&mut out, &before, connector),
            Kind::Punctuation => {}
            _ if word.kind != Kind::Number => connect_any(&mut out, word.kind, connector),
            _ if word.rest.is_empty() => {}
            _ => word = number_after_word(&mut out, word, connector),
        }
    }
    write(&mut out, &word, connector);
    out
}

/// A number belongs to the word before it, unless lower case letters follow.
fn number_after_word<'a>(out: &mut Vec<u8>, number: Word<'a>, connector: char) -> Word<'a> {
    let word = next_word(number.rest);
    if word.kind != Kind::Alphabet {
        write(out, &number, connector);
        connect_any(out, word.kind, connector);
        return word;
    }
    encode(connector, out);
    write(out, &number, connector);
    let word = letters_and_numbers(out, word, connector);
    connect(out, word.kind, connector);
    word
}

/// Writes words of lower case letters and numbers as they are; returns the one after them.
fn letters_and_numbers<'a>(out: &mut Vec<u8>, mut word: Word<'a>, connector: char) -> Word<'a> {
    while matches!(word.kind, Kind::Alphabet | Kind::Number) {
        write(out, &word, connector);
        word = next_word(word.rest);
    }
    word
}

/// A connector, unless there is no word, or one that parts by itself.
fn connect(out: &mut Vec<u8>, before: Kind, connector: char) {
    if before != Kind::Invalid {
        connect_any(out, before, connector);
    }
}

fn connect_any(out: &mut Vec<u8>, before: Kind, connector: char) {
    if !matches!(before, Kind::Punctuation | Kind::Connector) {
        encode(connector, out);
    }
}

fn write(out: &mut Vec<u8>, word: &Word<'_>, connector: char) {
    if !matches!(word.kind, Kind::Upper | Kind::Connector) {
        return out.extend_from_slice(word.text);
    }
    for (c, _) in Runes(word.text) {
        encode(
            if is_connector(c) {
                connector
            } else if is_upper(c) {
                to_lower(c)
            } else {
                c
            },
            out,
        );
    }
}

/// The next character that is one, and how many bytes it takes with the broken ones before it.
fn next_valid(text: &[u8], otherwise: char) -> (char, usize) {
    let mut size = 0;
    while let Some((c, length)) = decode(&text[size..]) {
        size += length;
        if c != REPLACEMENT {
            return (c, size);
        }
    }
    (otherwise, size)
}

fn next_word(text: &[u8]) -> Word<'_> {
    let word = |kind, length: usize| Word {
        kind,
        text: &text[..length],
        rest: &text[length..],
    };
    if text.is_empty() {
        return word(Kind::Invalid, 0);
    }
    let (first, length) = next_valid(text, REPLACEMENT);
    // How far characters of a kind go on.
    let run = |mut length: usize, mut c: char, is: &dyn Fn(char) -> bool| {
        while length < text.len() {
            let (next, size) = next_valid(&text[length..], c);
            c = next;
            if !is(next) {
                break;
            }
            length += size;
        }
        length
    };
    let small = |c: char| is_alphabet(c) && !is_upper(c);
    match first {
        REPLACEMENT => word(Kind::Invalid, length),
        c if is_connector(c) => word(Kind::Connector, run(length, c, &is_connector)),
        c if is_punctuation(c) => word(Kind::Punctuation, run(length, c, &is_punctuation)),
        c if is_upper(c) => word(Kind::Upper, upper_word(text, length, c, &run)),
        c if is_alphabet(c) => word(Kind::Alphabet, run(length, c, &small)),
        c if c.is_numeric() => word(Kind::Number, run(length, c, &char::is_numeric)),
        c => {
            let other = |c: char| {
                !is_connector(c) && !is_alphabet(c) && !c.is_numeric() && !is_punctuation(c)
            };
            word(Kind::Other, run(length, c, &other))
        }
    }
}

type Run<'a> = dyn Fn(usize, char, &dyn Fn(char) -> bool) -> usize + 'a;

/// The length of a word that begins with a capital: `Status`, or `HTTP` of `HTTPStatus`.
fn upper_word(text: &[u8], length: usize, first: char, run: &Run<'_>) -> usize {
    if length == text.len() {
        return length;
    }
    let (second, size) = next_valid(&text[length..], first);
    if !is_upper(second) {
        if !is_alphabet(second) {
            return length;
        }
        return run(length + size, second, &|c| is_alphabet(c) && !is_upper(c));
    }
    let (mut end, mut last, mut c) = (length + size, size, second);
    while end < text.len() {
        let (next, size) = next_valid(&text[end..], c);
        c = next;
        if !is_upper(next) {
            break;
        }
        last = size;
        end += size;
    }
    if end < text.len() && is_alphabet(c) {
        end - last
    } else {
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_by_case_numbers_and_connectors() {
        let snake = |text: &str| String::from_utf8(connected(text.as_bytes(), '_')).unwrap();
        for (text, expect) in [
            ("FirstName", "first_name"),
            ("HTTPServer", "http_server"),
            ("GO PATH", "go_path"),
            ("http2xx", "http_2xx"),
            ("HTTP20xOK", "http_20x_ok"),
            ("Duration2m3s", "duration_2m3s"),
            ("Bld4Floor3rd", "bld4_floor_3rd"),
        ] {
            assert_eq!(snake(text), expect);
        }
    }

    #[test]
    fn words_get_a_capital() {
        let camel = |text: &str| String::from_utf8(pascal(text.as_bytes())).unwrap();
        assert_eq!(camel("http_server"), "HttpServer");
        assert_eq!(camel("_complex__case_"), "_Complex_Case_");
        assert_eq!(camel("GOLANG_IS_GREAT"), "GolangIsGreat");
        assert_eq!(camel("a"), "A");
        assert_eq!(camel("_"), "__");
    }
}
