//! RE2's syntax as Go reads it, with Go's refusals.
//!
//! Source: Go 1.26 `regexp/syntax/parse.go`

mod escape;
mod group;

use regex_syntax::hir::{Capture, Class, ClassUnicode, Hir, Look, Repetition};

use crate::class;
use crate::text::lossy;

/// How deep expressions may nest.
const HEIGHT: usize = 1000;
/// How often a repetition may repeat, those within it included.
const REPEATS: u32 = 1000;

/// A pattern that has been read.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) hir: Hir,
    /// The names of the groups; the first is the whole.
    pub(super) names: Vec<Option<String>>,
    /// How deep it nests.
    pub(super) height: usize,
}

/// Why a text is no pattern: what is wrong, and which part of it.
struct Refusal {
    message: &'static str,
    part: Vec<u8>,
}

fn refused<T>(message: &'static str, part: &[u8]) -> Result<T, Refusal> {
    let part = part.to_vec();
    Err(Refusal { message, part })
}

/// The part of `text` before `rest`, which is its end.
fn before<'a>(text: &'a [u8], rest: &[u8]) -> &'a [u8] {
    &text[..text.len() - rest.len()]
}

/// Reads a pattern.
///
/// # Errors
/// Go's text.
pub(super) fn parse(text: &[u8]) -> Result<Parsed, String> {
    Parser::new(text).parse().map_err(|refusal| {
        let (message, part) = (refusal.message, lossy(&refusal.part));
        format!("error parsing regexp: {message}: `{part}`")
    })
}

/// What letters in `(?ims)` switch on.
#[derive(Clone, Copy, Default)]
struct Flags {
    fold: bool,
    lines: bool,
    dot_all: bool,
    lazy: bool,
}

/// An expression on the stack.
struct Expression {
    hir: Hir,
    height: usize,
    /// How many copies of its innermost parts its repetitions make.
    repeats: u32,
    /// Which operator it is, as far as it matters for nesting.
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Concat,
    Alternate,
    Other,
}

enum Item {
    Expression(Expression),
    /// The index and flags at an opening parenthesis; index 0 is for those that capture nothing.
    Open(u32, Flags),
    Bar,
}

struct Parser<'a> {
    whole: &'a [u8],
    flags: Flags,
    stack: Vec<Item>,
    names: Vec<Option<String>>,
}

/// The first character and what follows.
fn next(text: &[u8]) -> Result<(char, &[u8]), Refusal> {
    let head = &text[..text.len().min(4)];
    let Some(chunk) = head.utf8_chunks().next() else {
        return Ok(('\0', text));
    };
    match chunk.valid().chars().next() {
        Some(c) => Ok((c, &text[c.len_utf8()..])),
        None => refused("invalid UTF-8", text),
    }
}

impl<'a> Parser<'a> {
    fn new(whole: &'a [u8]) -> Self {
        Self {
            whole,
            flags: Flags::default(),
            stack: Vec::new(),
            names: vec![None],
        }
    }

    fn parse(mut self) -> Result<Parsed, Refusal> {
        let mut rest = self.whole;
        // The text from the last repetition operator on, if nothing has come after it.
        let mut repeated: &[u8] = b"";
        while let Some(byte) = rest.first() {
            let operator = match byte {
                b'*' | b'+' | b'?' => Some((plain_counts(*byte), &rest[1..])),
                b'{' => counts(rest),
                _ => None,
            };
            (rest, repeated) = match operator {
                Some((counts, after)) => {
                    let repeat = Repeat {
                        counts,
                        operator: rest,
                        after,
                        repeated,
                    };
                    (self.repeat(&repeat)?, rest)
                }
                None => (self.step(rest)?, &b""[..]),
            };
        }
        self.alternate()?;
        match (self.stack.pop(), self.stack.is_empty()) {
            (Some(Item::Expression(whole)), true) => Ok(Parsed {
                hir: whole.hir,
                height: whole.height,
                names: self.names,
            }),
            _ => refused("missing closing )", self.whole),
        }
    }

    /// Reads anything but a repetition; what follows.
    fn step<'t>(&mut self, rest: &'t [u8]) -> Result<&'t [u8], Refusal> {
        let lines = self.flags.lines;
        match rest {
            [b'(', b'?', ..] => return self.group(rest),
            [b'(', ..] => {
                let index = self.names.len() as u32;
                self.names.push(None);
                self.stack.push(Item::Open(index, self.flags));
            }
            [b'|', ..] => {
                self.concat()?;
                self.stack.push(Item::Bar);
            }
            [b')', ..] => self.close()?,
            [b'^', ..] => self.leaf(Hir::look(if lines { Look::StartLF } else { Look::Start }))?,
            [b'$', ..] => self.leaf(Hir::look(if lines { Look::EndLF } else { Look::End }))?,
            [b'.', ..] => self.push_class(self.dot())?,
            [b'[', ..] => return self.class(rest),
            [b'\\', ..] => return self.escaped(rest),
            _ => {
                let (c, after) = next(rest)?;
                self.literal(c)?;
                return Ok(after);
            }
        }
        Ok(&rest[1..])
    }

    fn push(&mut self, expression: Expression) -> Result<(), Refusal> {
        if expression.height > HEIGHT {
            return refused("expression nests too deeply", self.whole);
        }
        self.stack.push(Item::Expression(expression));
        Ok(())
    }

    fn leaf(&mut self, hir: Hir) -> Result<(), Refusal> {
        self.push(Expression {
            hir,
            height: 1,
            repeats: 0,
            kind: Kind::Other,
        })
    }

    fn look<'t>(&mut self, look: Look, after: &'t [u8]) -> Result<&'t [u8], Refusal> {
        self.leaf(Hir::look(look))?;
        Ok(after)
    }

    fn push_class(&mut self, class: ClassUnicode) -> Result<(), Refusal> {
        self.leaf(Hir::class(Class::Unicode(class)))
    }

    fn literal(&mut self, c: char) -> Result<(), Refusal> {
        self.code_point(c.into())
    }

    /// A character by its number, which may be none that a text can hold.
    fn code_point(&mut self, code: u32) -> Result<(), Refusal> {
        let class = class::range(code, code);
        self.push_class(class::folded(class, self.flags.fold))
    }

    fn dot(&self) -> ClassUnicode {
        let mut class = if self.flags.dot_all {
            ClassUnicode::empty()
        } else {
            class::range(10, 10)
        };
        class.negate();
        class
    }

    /// Makes one of the expressions above the topmost bar or parenthesis.
    fn concat(&mut self) -> Result<(), Refusal> {
        let parts = self.above();
        self.collapse(parts, Kind::Concat)
    }

    /// Makes one of all above the topmost parenthesis.
    fn alternate(&mut self) -> Result<(), Refusal> {
        self.concat()?;
        let mut parts = self.above();
        while matches!(self.stack.last(), Some(Item::Bar)) {
            self.stack.pop();
            let mut left = self.above();
            left.append(&mut parts);
            parts = left;
        }
        self.collapse(parts, Kind::Alternate)
    }

    /// Takes the expressions from the top of the stack.
    fn above(&mut self) -> Vec<Expression> {
        let mut parts = Vec::new();
        while let Some(Item::Expression(_)) = self.stack.last() {
            if let Some(Item::Expression(part)) = self.stack.pop() {
                parts.push(part);
            }
        }
        parts.reverse();
        parts
    }

    fn collapse(&mut self, mut parts: Vec<Expression>, kind: Kind) -> Result<(), Refusal> {
        if parts.len() == 1
            && let Some(part) = parts.pop()
        {
            return self.push(part);
        }
        let height = |it: &Expression| it.height - usize::from(it.kind == kind);
        let height = parts.iter().map(height).max().unwrap_or(0) + 1;
        let repeats = parts.iter().map(|it| it.repeats).max().unwrap_or(0);
        let parts: Vec<Hir> = parts.into_iter().map(|it| it.hir).collect();
        let hir = match kind {
            Kind::Alternate => Hir::alternation(parts),
            _ => Hir::concat(parts),
        };
        self.push(Expression {
            hir,
            height,
            repeats,
            kind,
        })
    }

    fn close(&mut self) -> Result<(), Refusal> {
        self.alternate()?;
        let inner = self.stack.pop();
        let Some(Item::Open(index, flags)) = self.stack.pop() else {
            return refused("unexpected )", self.whole);
        };
        self.flags = flags;
        let Some(Item::Expression(inner)) = inner else {
            return refused("unexpected )", self.whole);
        };
        if index == 0 {
            return self.push(inner);
        }
        let hir = Hir::capture(Capture {
            index,
            name: None,
            sub: Box::new(inner.hir),
        });
        self.push(Expression {
            hir,
            height: inner.height + 1,
            repeats: inner.repeats,
            kind: Kind::Other,
        })
    }

    /// Repeats the topmost expression; what follows.
    fn repeat<'t>(&mut self, repeat: &Repeat<'t>) -> Result<&'t [u8], Refusal> {
        let Repeat {
            counts: Counts { min, max, plain },
            operator,
            after,
            repeated,
        } = *repeat;
        let fits = |it: Option<u32>| it.is_some_and(|it| it <= REPEATS);
        let (true, true, true, Some(min)) = (
            fits(min),
            max.is_none_or(fits),
            max.is_none_or(|max| max >= min),
            min,
        ) else {
            return refused("invalid repeat count", before(operator, after));
        };
        let (lazy, after) = match after {
            [b'?', rest @ ..] => (!self.flags.lazy, rest),
            _ => (self.flags.lazy, after),
        };
        if !repeated.is_empty() {
            let part = before(repeated, after);
            return refused("invalid nested repetition operator", part);
        }
        let inner = self.stack.pop_if(|it| matches!(it, Item::Expression(_)));
        let Some(Item::Expression(inner)) = inner else {
            let part = before(operator, after);
            return refused("missing argument to repetition operator", part);
        };
        let max = max.flatten();
        let repeats = match max.unwrap_or(min) {
            _ if plain => inner.repeats,
            0 if max == Some(0) => 0,
            0 => inner.repeats,
            count => inner.repeats.saturating_mul(count).max(count),
        };
        let hir = Hir::repetition(Repetition {
            min,
            max,
            greedy: !lazy,
            sub: Box::new(inner.hir),
        });
        self.push(Expression {
            hir,
            height: inner.height + 1,
            repeats,
            kind: Kind::Other,
        })?;
        if !plain && repeats > REPEATS {
            return refused("invalid repeat count", before(operator, after));
        }
        Ok(after)
    }
}

/// How often an expression is repeated.
#[derive(Clone, Copy)]
struct Counts {
    /// Absent if it is too large to read.
    min: Option<u32>,
    /// Absent if there is no limit, or within if it is too large to read.
    max: Option<Option<u32>>,
    /// Whether it is `*`, `+` or `?`.
    plain: bool,
}

/// A repetition operator.
struct Repeat<'t> {
    counts: Counts,
    /// The text from the operator on.
    operator: &'t [u8],
    /// The text after the operator.
    after: &'t [u8],
    /// The text from an operator just before on.
    repeated: &'t [u8],
}

fn plain_counts(operator: u8) -> Counts {
    let (min, max) = match operator {
        b'*' => (0, None),
        b'+' => (1, None),
        _ => (0, Some(Some(1))),
    };
    Counts {
        min: Some(min),
        max,
        plain: true,
    }
}

/// `{min}`, `{min,}` or `{min,max}`, and what follows.
fn counts(text: &[u8]) -> Option<(Counts, &[u8])> {
    let (min, rest) = integer(text.strip_prefix(b"{")?)?;
    let (max, rest) = match rest {
        [b',', b'}', ..] => (None, &rest[1..]),
        [b',', digits @ ..] => {
            let (max, rest) = integer(digits)?;
            (Some(max), rest)
        }
        _ => (Some(min), rest),
    };
    let counts = Counts {
        min,
        max,
        plain: false,
    };
    Some((counts, rest.strip_prefix(b"}")?))
}

/// A decimal number without zeros in front; nothing in the number's place if it is too large.
fn integer(text: &[u8]) -> Option<(Option<u32>, &[u8])> {
    let length = text.iter().take_while(|it| it.is_ascii_digit()).count();
    if length == 0 || length > 1 && text[0] == b'0' {
        return None;
    }
    let (digits, rest) = text.split_at(length);
    let value = digits.iter().try_fold(0_u32, |value, it| {
        (value < 100_000_000).then(|| value * 10 + u32::from(it - b'0'))
    });
    Some((value, rest))
}

#[cfg(test)]
mod tests;
