//! Classes of characters.
//!
//! Source: Go 1.26 `regexp/syntax/perl_groups.go`, `parse.go`

use std::sync::LazyLock;

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

use crate::names;

/// The class between two code points. There are no surrogates in any text.
pub(super) fn range(low: u32, high: u32) -> ClassUnicode {
    let low = if (0xD800..0xE000).contains(&low) {
        0xE000
    } else {
        low
    };
    let high = if (0xD800..0xE000).contains(&high) {
        0xD7FF
    } else {
        high
    };
    match (char::from_u32(low), char::from_u32(high)) {
        (Some(low), Some(high)) if low <= high => {
            ClassUnicode::new([ClassUnicodeRange::new(low, high)])
        }
        _ => ClassUnicode::empty(),
    }
}

/// With all that differs by case only, if `fold`.
pub(super) fn folded(mut class: ClassUnicode, fold: bool) -> ClassUnicode {
    if fold {
        class.case_fold_simple();
    }
    class
}

fn ascii(ranges: &[(char, char)], fold: bool, negated: bool) -> ClassUnicode {
    let ranges = ranges
        .iter()
        .map(|(low, high)| ClassUnicodeRange::new(*low, *high));
    let mut class = folded(ClassUnicode::new(ranges), fold);
    if negated {
        class.negate();
    }
    class
}

const WORD: &[(char, char)] = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];

/// `\d`, `\s`, `\w` and their opposites.
pub(super) fn perl(letter: u8, fold: bool) -> Option<ClassUnicode> {
    let ranges: &[_] = match letter.to_ascii_lowercase() {
        b'd' => &[('0', '9')],
        b's' => &[('\t', '\n'), ('\x0c', '\r'), (' ', ' ')],
        b'w' => WORD,
        _ => return None,
    };
    Some(ascii(ranges, fold, letter.is_ascii_uppercase()))
}

/// `[:alnum:]`, by the name within the colons.
pub(super) fn posix(name: &[u8], fold: bool) -> Option<ClassUnicode> {
    let (negated, name) = match name.strip_prefix(b"^") {
        Some(name) => (true, name),
        None => (false, name),
    };
    let ranges: &[_] = match name {
        b"alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        b"alpha" => &[('A', 'Z'), ('a', 'z')],
        b"ascii" => &[('\0', '\x7f')],
        b"blank" => &[('\t', '\t'), (' ', ' ')],
        b"cntrl" => &[('\0', '\x1f'), ('\x7f', '\x7f')],
        b"digit" => &[('0', '9')],
        b"graph" => &[('!', '~')],
        b"lower" => &[('a', 'z')],
        b"print" => &[(' ', '~')],
        b"punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        b"space" => &[('\t', '\r'), (' ', ' ')],
        b"upper" => &[('A', 'Z')],
        b"word" => WORD,
        b"xdigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => return None,
    };
    Some(ascii(ranges, fold, negated))
}

/// `\p{name}`. The name may be spelled in any case, with blanks, hyphens and underscores anywhere.
pub(super) fn unicode(name: &[u8], fold: bool) -> Option<ClassUnicode> {
    let canonical: String = name
        .iter()
        .filter(|it| !matches!(it, b'_' | b'-' | b' '))
        .map(|it| char::from(it.to_ascii_lowercase()))
        .collect();
    let class = match &*canonical {
        "any" => range(0, 0x10_FFFF),
        "ascii" => range(0, 0x7F),
        // No text holds any.
        "cs" | "surrogate" => ClassUnicode::empty(),
        "assigned" => {
            let mut class = query("gc=Cn")?;
            class.negate();
            return Some(class);
        }
        _ => {
            let known = names::CATEGORIES.binary_search(&&*canonical).is_ok();
            let script = names::SCRIPTS.binary_search(&&*canonical).is_ok();
            match (known, script) {
                (true, _) => query(&format!("gc={canonical}"))?,
                (_, true) => query(&format!("sc={canonical}"))?,
                _ => return None,
            }
        }
    };
    Some(folded(class, fold))
}

/// Whether a name may hold the character.
pub(super) fn is_letter_or_digit(c: char) -> bool {
    static NAMES: LazyLock<ClassUnicode> = LazyLock::new(|| {
        let mut class = query("gc=L").unwrap_or_else(ClassUnicode::empty);
        class.union(&query("gc=Nd").unwrap_or_else(ClassUnicode::empty));
        class
    });
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    let ranges = NAMES.ranges();
    let at = ranges.partition_point(|it| it.end() < c);
    ranges.get(at).is_some_and(|it| it.start() <= c)
}

fn query(text: &str) -> Option<ClassUnicode> {
    let hir = regex_syntax::parse(&format!("\\p{{{text}}}")).ok()?;
    match hir.into_kind() {
        HirKind::Class(Class::Unicode(class)) => Some(class),
        HirKind::Literal(literal) => {
            let mut text = std::str::from_utf8(&literal.0).ok()?.chars();
            text.next().map(|it| range(it.into(), it.into()))
        }
        _ => None,
    }
}
