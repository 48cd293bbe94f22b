//! A compiled pattern and what is found with it.
//!
//! Go looks at text character by character and takes each broken byte for U+FFFD. So text that is no UTF-8 is
//! searched in a mended copy, and places in the copy are turned into places of the text.
//!
//! Source: Go 1.26 `regexp/regexp.go`

use std::ops::Range;

use go_template::{Budget, Failure, Limits, unicode};
use regex_automata::meta::{Config, Regex};
use regex_automata::util::captures::Captures;
use regex_automata::{Input, MatchKind, Span};

use super::parse::{Parsed, parse};

/// The largest automaton.
const SIZE: usize = 16 << 20;
/// The stack that compiling a deeply nested pattern may need.
const STACK: usize = 64 << 20;
/// Patterns nested less deep do with the stack that is there.
const SHALLOW: usize = 100;

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Pattern {
    regex: Regex,
    /// The names of the groups, which may be there more than once; the whole match comes first.
    names: Vec<Option<String>>,
}

impl Pattern {
    /// Compiles a text.
    ///
    /// # Errors
    /// Go's text. What is larger than [`SIZE`] is too large, sooner than in Go.
    pub(crate) fn compile(text: &[u8]) -> Result<Self, Failure> {
        let Parsed { hir, names, height } = parse(text)?;
        let config = Config::new()
            .match_kind(MatchKind::LeftmostFirst)
            .nfa_size_limit(Some(SIZE))
            .hybrid_cache_capacity(2 << 20);
        let build = || Regex::builder().configure(config).build_from_hir(&hir).ok();
        let regex = if height > SHALLOW {
            stacker::grow(STACK, build)
        } else {
            build()
        };
        let regex = regex.ok_or_else(|| {
            let text = String::from_utf8_lossy(text);
            format!("error parsing regexp: expression too large: `{text}`")
        })?;
        Ok(Self { regex, names })
    }

    /// Whether a text holds a match. The search takes time in proportion to the text.
    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        let budget = Budget::untimed(Limits::default());
        let finder = self.finder(text, &budget);
        finder.is_ok_and(|finder| finder.find(0).is_some())
    }

    /// How many bytes it takes.
    pub(super) fn memory(&self) -> usize {
        self.regex.memory_usage()
    }

    /// Looks for the pattern in a text.
    ///
    /// # Errors
    /// The budget is used up.
    pub(super) fn finder<'a>(
        &'a self,
        text: &'a [u8],
        budget: &'a Budget<'a>,
    ) -> Result<Finder<'a>, Failure> {
        let mended = std::str::from_utf8(text).is_err().then(|| Mended::of(text));
        let mut finder = Finder {
            pattern: self,
            text,
            mended,
            budget,
            cost: 0,
        };
        // In the worst case a search looks at each state for each byte.
        let (length, memory) = (finder.searched().len() as u64, self.memory() as u64);
        finder.cost = (length / 16 + 1).saturating_mul(1 + memory / 1024);
        budget.steps(finder.cost)?;
        Ok(finder)
    }
}

/// Text with U+FFFD for each broken byte, and where the copies of the text's bytes are.
struct Mended {
    text: Vec<u8>,
    /// The place in the mended text after each broken byte, in order.
    broken: Vec<usize>,
}

impl Mended {
    fn of(text: &[u8]) -> Self {
        let mut mended = Self {
            text: Vec::with_capacity(text.len() + 16),
            broken: Vec::new(),
        };
        let mut rest = text;
        while let Some((c, length)) = unicode::decode(rest) {
            unicode::encode(c, &mut mended.text);
            if c == char::REPLACEMENT_CHARACTER && length == 1 {
                mended.broken.push(mended.text.len());
            }
            rest = &rest[length..];
        }
        mended
    }

    /// The place in the text: each broken byte before it has become three.
    fn original(&self, at: usize) -> usize {
        at - 2 * self.broken.partition_point(|it| *it <= at)
    }
}

/// A pattern and a text.
pub(super) struct Finder<'a> {
    pattern: &'a Pattern,
    text: &'a [u8],
    mended: Option<Mended>,
    budget: &'a Budget<'a>,
    /// The steps of a search that reads the whole text.
    cost: u64,
}

impl Finder<'_> {
    fn searched(&self) -> &[u8] {
        match &self.mended {
            Some(mended) => &mended.text,
            None => self.text,
        }
    }

    fn input(&self, from: usize) -> Input<'_> {
        let text = self.searched();
        Input::new(text).range(from..text.len())
    }

    /// The first match from a place on, as a place in what is searched.
    pub(super) fn find(&self, from: usize) -> Option<Range<usize>> {
        let found = self.pattern.regex.search(&self.input(from));
        found.map(|it| it.range())
    }

    /// The place in the text itself.
    pub(super) fn original(&self, found: Range<usize>) -> Range<usize> {
        match &self.mended {
            Some(mended) => mended.original(found.start)..mended.original(found.end),
            None => found,
        }
    }

    /// The length of the character at a place; 0 at the end.
    fn width(&self, at: usize) -> usize {
        unicode::decode(&self.searched()[at..]).map_or(0, |(_, length)| length)
    }

    /// Charges for a search that begins at a place: the more the pattern is found, the less each search reads.
    fn charge(&self, found: &Range<usize>, from: usize) -> Result<(), Failure> {
        let read = (found.end - from) as u64;
        let whole = self.searched().len() as u64 + 1;
        self.budget
            .steps(1 + self.cost.saturating_mul(read) / whole)
    }

    /// All matches that do not overlap, or the first `count`, as places in the text.
    pub(super) fn find_all(&self, count: i64) -> Result<Vec<Range<usize>>, Failure> {
        let end = self.searched().len();
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let (mut at, mut before) = (0, None);
        let mut all = Vec::new();
        while all.len() < count && at <= end {
            let Some(found) = self.find(at) else {
                break;
            };
            self.charge(&found, at)?;
            // An empty match right after a match is none.
            let accepted = found.end != at || before != Some(found.start);
            at = match self.width(at) {
                _ if found.end != at => found.end,
                0 => end + 1,
                width => at + width,
            };
            before = Some(found.end);
            if accepted {
                all.push(self.original(found));
            }
        }
        Ok(all)
    }

    /// The text with each match replaced; `$1` and `${name}` stand for groups if `expand`.
    pub(super) fn replace_all(&self, template: &[u8], expand: bool) -> Result<Vec<u8>, Failure> {
        let expand = expand && template.contains(&b'$');
        let end = self.searched().len();
        let mut captures = self.pattern.regex.create_captures();
        let mut out = Vec::new();
        let (mut last, mut at) = (0, 0);
        while at <= end {
            let found = if expand {
                self.pattern
                    .regex
                    .search_captures(&self.input(at), &mut captures);
                captures.get_match().map(|it| it.range())
            } else {
                self.find(at)
            };
            let Some(found) = found else {
                break;
            };
            self.charge(&found, at)?;
            let before = self.original(last..found.start);
            out.extend_from_slice(&self.text[before]);
            if found.end > last || found.start == 0 {
                if expand {
                    self.expand(template, &captures, &mut out);
                } else {
                    out.extend_from_slice(template);
                }
            }
            if out.len() > self.budget.bytes_left() {
                self.budget.bytes(out.len())?;
            }
            last = found.end;
            let next = at + self.width(at).max(1);
            at = next.max(found.end);
        }
        out.extend_from_slice(&self.text[self.original(last..end)]);
        self.budget.bytes(out.len())?;
        Ok(out)
    }

    fn expand(&self, mut template: &[u8], captures: &Captures, out: &mut Vec<u8>) {
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
                None => self.named(name, captures),
            };
            if let Some(group) = group {
                let place = self.original(group.range());
                out.extend_from_slice(&self.text[place]);
            }
        }
        out.extend_from_slice(template);
    }

    /// The first group of a name that takes part in the match.
    fn named(&self, name: &[u8], captures: &Captures) -> Option<Span> {
        let names = self.pattern.names.iter().enumerate();
        let same = |it: &Option<String>| it.as_ref().is_some_and(|it| it.as_bytes() == name);
        names
            .filter(|(_, it)| same(it))
            .find_map(|(index, _)| captures.get_group(index))
    }
}

/// `name` or `{name}` at the beginning of a text, and what follows.
fn reference(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = text.strip_prefix(b"{");
    let name = inner.unwrap_or(text);
    let fits = |c: char| unicode::is_letter(c) || unicode::is_digit(c) || c == '_';
    let length: usize = unicode::Runes(name)
        .take_while(|(c, _)| fits(*c))
        .map(|(_, length)| length)
        .sum();
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

#[cfg(test)]
mod tests;
