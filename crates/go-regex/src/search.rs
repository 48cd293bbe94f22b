//! What is found and replaced with an expression.
//!
//! Text that is no UTF-8 is searched in a mended copy, and places in the copy are turned into places of the text.
//!
//! Source: Go 1.26 `regexp/regexp.go`

use std::ops::Range;

use regex_automata::Input;

use crate::text::Mended;
use crate::{Meter, Regex, expand};

/// An expression and a text.
#[expect(missing_debug_implementations, reason = "a meter may have none")]
pub struct Finder<'a, M> {
    pub(crate) regex: &'a Regex,
    pub(crate) text: &'a [u8],
    mended: Mended<'a>,
    meter: M,
    /// The steps of a search that reads the whole text.
    cost: u64,
}

impl<'a, M: Meter> Finder<'a, M> {
    pub(crate) fn new(regex: &'a Regex, text: &'a [u8], meter: M) -> Result<Self, M::Error> {
        // In the worst case a search looks at each state for each byte.
        let mended = Mended::of(text);
        let (length, memory) = (mended.text.len() as u64, regex.memory() as u64);
        let cost = (length / 16 + 1).saturating_mul(1 + memory / 1024);
        meter.steps(cost)?;
        Ok(Self {
            regex,
            text,
            mended,
            meter,
            cost,
        })
    }

    fn input(&self, from: usize) -> Input<'_> {
        let text = self.mended.text.as_bytes();
        Input::new(text).range(from..text.len())
    }

    /// The first match, as a place in the text.
    pub fn find(&self) -> Option<Range<usize>> {
        self.find_from(0).map(|found| self.original(found))
    }

    /// The first match from a place on, as a place in what is searched.
    fn find_from(&self, from: usize) -> Option<Range<usize>> {
        let found = self.regex.automaton.search(&self.input(from));
        found.map(|it| it.range())
    }

    /// The place in the text itself.
    pub(crate) fn original(&self, found: Range<usize>) -> Range<usize> {
        self.mended.original(found.start)..self.mended.original(found.end)
    }

    /// Charges for a search that begins at a place: the more the pattern is found, the less each search reads.
    fn charge(&self, found: &Range<usize>, from: usize) -> Result<(), M::Error> {
        let read = (found.end - from) as u64;
        let whole = self.mended.text.len() as u64 + 1;
        self.meter.steps(1 + self.cost.saturating_mul(read) / whole)
    }

    /// All matches that do not overlap, or the first `count`, as places in the text.
    ///
    /// # Errors
    /// The meter says that there is nothing left.
    pub fn find_all(&self, count: i64) -> Result<Vec<Range<usize>>, M::Error> {
        let end = self.mended.text.len();
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let (mut at, mut before) = (0, None);
        let mut all = Vec::new();
        while all.len() < count && at <= end {
            let Some(found) = self.find_from(at) else {
                break;
            };
            self.charge(&found, at)?;
            // An empty match right after a match is none.
            let accepted = found.end != at || before != Some(found.start);
            at = match self.mended.width(at) {
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
    ///
    /// # Errors
    /// The meter says that there is nothing left.
    pub fn replace_all(&self, template: &[u8], expand: bool) -> Result<Vec<u8>, M::Error> {
        let expand = expand && template.contains(&b'$');
        let end = self.mended.text.len();
        let mut captures = self.regex.automaton.create_captures();
        let mut out = Vec::new();
        let (mut last, mut at) = (0, 0);
        while at <= end {
            let found = if expand {
                self.regex
                    .automaton
                    .search_captures(&self.input(at), &mut captures);
                captures.get_match().map(|it| it.range())
            } else {
                self.find_from(at)
            };
            let Some(found) = found else {
                break;
            };
            self.charge(&found, at)?;
            let before = self.original(last..found.start);
            out.extend_from_slice(&self.text[before]);
            if found.end > last || found.start == 0 {
                if expand {
                    expand::expand(self, template, &captures, &mut out);
                } else {
                    out.extend_from_slice(template);
                }
            }
            if out.len() > self.meter.bytes_left() {
                self.meter.bytes(out.len())?;
            }
            last = found.end;
            let next = at + self.mended.width(at).max(1);
            at = next.max(found.end);
        }
        out.extend_from_slice(&self.text[self.original(last..end)]);
        self.meter.bytes(out.len())?;
        Ok(out)
    }
}

#[cfg(test)]
mod tests;
