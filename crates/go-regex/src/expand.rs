//! Templates of replacements: `$1`, `$name` and `${name}` stand for groups, `$$` for a dollar.
//!
//! Source: Go 1.26 `regexp/regexp.go` `expand`

use regex_automata::Span;
use regex_automata::util::captures::Captures;

use crate::{Finder, Meter, class};

/// Writes a template with the groups of a match.
pub(crate) fn expand<M: Meter>(
    finder: &Finder<'_, M>,
    mut template: &[u8],
    captures: &Captures,
    out: &mut Vec<u8>,
) {
    while let Some(dollar) = template.iter().position(|it| *it == b'$') {
        out.extend_from_slice(&template[..dollar]);
        template = &template[dollar + 1..];
        if let Some(rest) = template.strip_prefix(b"$") {
            out.push(b'$');
            template = rest;
            continue;
        }
        let Some((name, rest)) = reference(template) else {
            out.push(b'$');
            continue;
        };
        template = rest;
        let group = match number(name) {
            Some(index) => captures.get_group(index),
            None => named(&finder.regex.names, name, captures),
        };
        if let Some(group) = group {
            let place = finder.original(group.range());
            out.extend_from_slice(&finder.text[place]);
        }
    }
    out.extend_from_slice(template);
}

/// The first group of a name that takes part in the match.
fn named(names: &[Option<String>], name: &[u8], captures: &Captures) -> Option<Span> {
    let names = names.iter().enumerate();
    let same = |it: &Option<String>| it.as_ref().is_some_and(|it| it.as_bytes() == name);
    names
        .filter(|(_, it)| same(it))
        .find_map(|(index, _)| captures.get_group(index))
}

/// `name` or `{name}` at the beginning of a text, and what follows.
fn reference(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = text.strip_prefix(b"{");
    let name = inner.unwrap_or(text);
    // A broken byte is no letter.
    let chunk = name.utf8_chunks().next()?;
    let fits = |c: &char| *c == '_' || class::is_letter_or_digit(*c);
    let fitting = chunk.valid().chars().take_while(fits);
    let length: usize = fitting.map(char::len_utf8).sum();
    if length == 0 {
        return None;
    }
    let (name, rest) = name.split_at(length);
    match inner {
        Some(_) => Some((name, rest.strip_prefix(b"}")?)),
        None => Some((name, rest)),
    }
}

/// A group's number, if that is what the name is.
fn number(name: &[u8]) -> Option<usize> {
    if name.len() > 1 && name[0] == b'0' {
        return None;
    }
    name.iter().try_fold(0, |number: usize, byte| {
        let fits = byte.is_ascii_digit() && number < 100_000_000;
        fits.then(|| number * 10 + usize::from(byte - b'0'))
    })
}
