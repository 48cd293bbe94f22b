//! What begins with `(?`, and classes in brackets.

use regex_syntax::hir::ClassUnicode;

use super::{Flags, Item, Parser, Refusal, before, next, refused};
use crate::class;

impl Parser<'_> {
    /// `(?flags)`, `(?flags:`, `(?P<name>`, `(?<name>`; what follows.
    pub(super) fn group<'t>(&mut self, text: &'t [u8]) -> Result<&'t [u8], Refusal> {
        let name = match text {
            [b'(', b'?', b'P', b'<', _, ..] => Some(4),
            [b'(', b'?', b'<', _, ..] => Some(3),
            _ => None,
        };
        match name {
            Some(start) => self.named(text, start),
            None => self.flagged(text),
        }
    }

    fn named<'t>(&mut self, text: &'t [u8], start: usize) -> Result<&'t [u8], Refusal> {
        let Some(end) = text.iter().position(|it| *it == b'>') else {
            valid(text)?;
            return refused("invalid named capture", text);
        };
        let name = &text[start..end.max(start)];
        valid(name)?;
        let fits = |it: &u8| it.is_ascii_alphanumeric() || *it == b'_';
        if name.is_empty() || !name.iter().all(fits) {
            return refused("invalid named capture", &text[..=end]);
        }
        let index = self.names.len() as u32;
        self.names
            .push(Some(String::from_utf8_lossy(name).into_owned()));
        self.stack.push(Item::Open(index, self.flags));
        Ok(&text[end + 1..])
    }

    fn flagged<'t>(&mut self, text: &'t [u8]) -> Result<&'t [u8], Refusal> {
        let mut flags = self.flags;
        let (mut on, mut saw) = (true, false);
        let mut rest = &text[2..];
        while !rest.is_empty() {
            let (c, after) = next(rest)?;
            rest = after;
            let flag = match c {
                'i' => &mut flags.fold,
                'm' => &mut flags.lines,
                's' => &mut flags.dot_all,
                'U' => &mut flags.lazy,
                '-' if on => {
                    (on, saw) = (false, false);
                    continue;
                }
                ':' | ')' if on || saw => {
                    if c == ':' {
                        self.stack.push(Item::Open(0, self.flags));
                    }
                    self.flags = flags;
                    return Ok(rest);
                }
                _ => break,
            };
            (*flag, saw) = (on, true);
        }
        refused("invalid or unsupported Perl syntax", before(text, rest))
    }

    /// A class in brackets; what follows.
    pub(super) fn class<'t>(&mut self, text: &'t [u8]) -> Result<&'t [u8], Refusal> {
        let Flags { fold, .. } = self.flags;
        let (negated, mut rest) = match &text[1..] {
            [b'^', rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let mut whole = ClassUnicode::empty();
        let mut first = true;
        while first || rest.first() != Some(&b']') {
            first = false;
            let (part, after) = part(text, rest, fold)?;
            whole.union(&part);
            rest = after;
        }
        if negated {
            whole.negate();
        }
        self.push_class(whole)?;
        Ok(&rest[1..])
    }
}

fn valid(text: &[u8]) -> Result<(), Refusal> {
    match std::str::from_utf8(text) {
        Ok(_) => Ok(()),
        Err(_) => refused("invalid UTF-8", text),
    }
}

/// An element of a class, and what follows. `class` is the whole class's text and all after it.
fn part<'t>(class: &[u8], text: &'t [u8], fold: bool) -> Result<(ClassUnicode, &'t [u8]), Refusal> {
    if text.starts_with(b"[:")
        && text.len() > 2
        && let Some(end) = text[2..].windows(2).position(|it| it == b":]")
    {
        let rest = &text[end + 4..];
        return match class::posix(&text[2..end + 2], fold) {
            Some(part) => Ok((part, rest)),
            None => refused("invalid character class range", before(text, rest)),
        };
    }
    if let Some(found) = super::escape::unicode_class(text, fold)? {
        return Ok(found);
    }
    if let [b'\\', letter, rest @ ..] = text
        && let Some(part) = class::perl(*letter, fold)
    {
        return Ok((part, rest));
    }
    let (low, rest) = character(class, text)?;
    let (high, rest) = match rest {
        [b'-', after @ ..] if !after.is_empty() && after[0] != b']' => {
            let (high, after) = character(class, after)?;
            if high < low {
                let part = before(text, after);
                return refused("invalid character class range", part);
            }
            (high, after)
        }
        _ => (low, rest),
    };
    Ok((class::folded(class::range(low, high), fold), rest))
}

fn character<'t>(class: &[u8], text: &'t [u8]) -> Result<(u32, &'t [u8]), Refusal> {
    match text {
        [] => refused("missing closing ]", class),
        [b'\\', ..] => super::escape::escape(text),
        _ => next(text).map(|(c, rest)| (c.into(), rest)),
    }
}
