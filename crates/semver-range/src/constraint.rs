//! Ranges: groups of comparisons, one group of which has to hold.

use std::cmp::Ordering;

use crate::version::{Version, compare_pre};

/// The longest text that is looked at.
const MAX_LENGTH: usize = 512;

/// The most alternatives.
const MAX_GROUPS: usize = 32;

/// Why a text is no range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConstraintError {
    /// An alternative cannot be read.
    #[error("improper constraint: {0:?}")]
    Improper(String),
    /// A version in it cannot be.
    #[error("constraint parser error")]
    Version,
    /// More than 512 bytes.
    #[error("constraint string is too long (max {MAX_LENGTH} bytes)")]
    TooLong,
    /// More than 32 alternatives.
    #[error("too many constraint groups (max {MAX_GROUPS})")]
    TooManyGroups,
}

/// A range such as `>=1.0.0 <2.0.0 || ~3.1`.
///
/// Source: Masterminds/semver v3.5.0 `constraints.go`.
#[derive(Debug, Clone)]
pub struct Constraint {
    groups: Vec<Vec<Comparison>>,
}

impl Constraint {
    /// Reads a range.
    ///
    /// # Errors
    /// [`ConstraintError`] as `NewConstraint` fails.
    pub fn parse(text: &str) -> Result<Self, ConstraintError> {
        if text.len() > MAX_LENGTH {
            return Err(ConstraintError::TooLong);
        }
        let text = without_hyphens(text);
        let groups: Vec<&str> = text.split("||").collect();
        if groups.len() > MAX_GROUPS {
            return Err(ConstraintError::TooManyGroups);
        }
        let groups = groups.into_iter().map(group);
        let groups = groups.collect::<Result<_, _>>()?;
        Ok(Self { groups })
    }

    /// Whether `version` is in the range. A pre-release is only if its group names one.
    #[must_use]
    pub fn matches(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| {
            let pre_allowed = group.iter().any(|part| !part.version.pre().is_empty());
            (version.pre().is_empty() || pre_allowed)
                && group.iter().all(|part| part.holds(version))
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    Tilde,
    Caret,
}

/// Which part of a version was left open, by absence or by a wildcard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    Patch,
    Minor,
    Everything,
}

#[derive(Debug, Clone)]
struct Comparison {
    operator: Operator,
    version: Version,
    open: Open,
}

impl Comparison {
    fn holds(&self, version: &Version) -> bool {
        match self.operator {
            Operator::Equal if self.open == Open::Nothing => *version == self.version,
            Operator::Equal | Operator::Tilde => self.tilde(version),
            Operator::NotEqual => self.not_equal(version),
            Operator::Greater => self.greater(version),
            Operator::Less => *version < self.version,
            Operator::GreaterEqual => *version >= self.version,
            Operator::LessEqual => self.less_equal(version),
            Operator::Caret => self.caret(version),
        }
    }

    fn not_equal(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if self.open == Open::Nothing {
            return version != wanted;
        }
        if version.major != wanted.major {
            return true;
        }
        match self.open {
            Open::Minor => false,
            _ if version.minor != wanted.minor => true,
            Open::Patch => {
                let any_pre = !version.pre().is_empty() || !wanted.pre().is_empty();
                any_pre && compare_pre(version.pre(), wanted.pre()) != Ordering::Equal
            }
            _ => version != wanted,
        }
    }

    fn greater(&self, version: &Version) -> bool {
        let wanted = &self.version;
        match self.open {
            Open::Nothing => version > wanted,
            _ if version.major != wanted.major => version.major > wanted.major,
            Open::Minor => false,
            Open::Patch => version.minor > wanted.minor,
            Open::Everything => version > wanted,
        }
    }

    fn less_equal(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if self.open == Open::Nothing {
            return version <= wanted;
        }
        let beyond_minor = version.major == wanted.major
            && version.minor > wanted.minor
            && self.open != Open::Minor;
        version.major <= wanted.major && !beyond_minor
    }

    fn tilde(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if version < wanted {
            return false;
        }
        let open_below = matches!(self.open, Open::Nothing | Open::Everything);
        if (wanted.major, wanted.minor, wanted.patch) == (0, 0, 0) && open_below {
            return true;
        }
        version.major == wanted.major && (version.minor == wanted.minor || self.open == Open::Minor)
    }

    fn caret(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if version < wanted {
            return false;
        }
        if wanted.major > 0 || self.open == Open::Minor {
            return version.major == wanted.major;
        }
        if version.major > 0 {
            return false;
        }
        if wanted.minor > 0 || self.open == Open::Patch {
            return version.minor == wanted.minor;
        }
        version.minor == 0 && version.patch == wanted.patch
    }
}

/// Ranges with hyphens written as comparisons.
fn without_hyphens(text: &str) -> String {
    let mut out = text.to_owned();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let Some((first, last, after)) = hyphen(rest) else {
            rest = &rest[c.len_utf8()..];
            continue;
        };
        let whole = &rest[..rest.len() - after.len()];
        out = out.replacen(whole, &format!(">= {first}, <= {last} "), 1);
        rest = after;
    }
    out
}

/// `1.0 - 2.0` with the blanks around it, and what follows.
fn hyphen(text: &str) -> Option<(&str, &str, &str)> {
    let mut reader = Reader { rest: text };
    reader.skip_blanks();
    let first = reader.version()?.text;
    let spaced = reader.skip_blanks() && reader.eat("-") && reader.skip_blanks();
    let last = reader.version().filter(|_| spaced)?.text;
    reader.skip_blanks();
    Some((first, last, reader.rest))
}

/// All comparisons of a group.
fn group(text: &str) -> Result<Vec<Comparison>, ConstraintError> {
    let parts = Reader { rest: text }.group();
    let parts = parts.ok_or_else(|| ConstraintError::Improper(text.to_owned()))?;
    let parts = parts.into_iter();
    parts
        .map(|(operator, spelled)| spelled.comparison(operator))
        .collect()
}

/// A version as it stands in a range.
struct Spelled<'a> {
    text: &'a str,
    numbers: [&'a str; 3],
    pre: &'a str,
}

impl Spelled<'_> {
    fn comparison(&self, operator: Operator) -> Result<Comparison, ConstraintError> {
        let pre = self.pre;
        let wild = |part: &str| part.is_empty() || matches!(part, "x" | "X" | "*");
        let [major, minor, patch] = self.numbers;
        let (open, text) = match (wild(major), wild(minor), wild(patch)) {
            (true, ..) => (Open::Everything, format!("0.0.0{pre}")),
            (_, true, _) => (Open::Minor, format!("{major}.0.0{pre}")),
            (_, _, true) => (Open::Patch, format!("{major}.{minor}.0{pre}")),
            _ => (Open::Nothing, self.text.to_owned()),
        };
        let version = Version::parse(&text).map_err(|_| ConstraintError::Version)?;
        Ok(Comparison {
            operator,
            version,
            open,
        })
    }
}

/// Reads from left to right.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// All operators and versions, or nothing if the group is malformed.
    fn group(mut self) -> Option<Vec<(Operator, Spelled<'a>)>> {
        let mut parts = Vec::new();
        self.skip_blanks();
        loop {
            let operator = self.operator();
            self.skip_blanks();
            parts.push((operator, self.version()?));
            let blank = self.skip_blanks();
            if self.rest.is_empty() {
                return Some(parts);
            }
            let comma = self.eat(",");
            self.skip_blanks();
            if !blank && !comma {
                return None;
            }
        }
    }

    fn operator(&mut self) -> Operator {
        const OPERATORS: [(&str, Operator); 11] = [
            ("!=", Operator::NotEqual),
            (">=", Operator::GreaterEqual),
            ("=>", Operator::GreaterEqual),
            ("<=", Operator::LessEqual),
            ("=<", Operator::LessEqual),
            ("~>", Operator::Tilde),
            (">", Operator::Greater),
            ("<", Operator::Less),
            ("=", Operator::Equal),
            ("~", Operator::Tilde),
            ("^", Operator::Caret),
        ];
        let found = OPERATORS.into_iter().find(|(text, _)| self.eat(text));
        found.map_or(Operator::Equal, |(_, operator)| operator)
    }

    fn version(&mut self) -> Option<Spelled<'a>> {
        let start = self.rest;
        self.eat("v");
        let numbers = [self.number()?, self.dotted(), self.dotted()];
        let pre = self.tail('-');
        self.tail('+');
        let text = &start[..start.len() - self.rest.len()];
        Some(Spelled { text, numbers, pre })
    }

    fn dotted(&mut self) -> &'a str {
        let mut ahead = Reader { rest: self.rest };
        if ahead.eat(".")
            && let Some(number) = ahead.number()
        {
            self.rest = ahead.rest;
            return number;
        }
        ""
    }

    /// Digits or a wildcard.
    fn number(&mut self) -> Option<&'a str> {
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_digit() && !matches!(c, 'x' | 'X' | '*' | '|'))
            .unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(end);
        self.rest = rest;
        (end > 0).then_some(number)
    }

    /// `-pre` or `+meta` with its mark, or nothing.
    fn tail(&mut self, mark: char) -> &'a str {
        let inner = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        let bytes = self.rest.as_bytes();
        if !self.rest.starts_with(mark) {
            return "";
        }
        let mut end = 0;
        while end == 0 || bytes.get(end) == Some(&b'.') {
            let length = bytes[end + 1..].iter().take_while(|it| inner(it)).count();
            if length == 0 {
                break;
            }
            end += 1 + length;
        }
        let (tail, rest) = self.rest.split_at(end);
        self.rest = rest;
        tail
    }

    fn eat(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Passes over blanks; says whether there were any.
    fn skip_blanks(&mut self) -> bool {
        let blank = |c| matches!(c, ' ' | '\t' | '\n' | '\x0c' | '\r');
        let rest = self.rest.trim_start_matches(blank);
        let any = rest.len() < self.rest.len();
        self.rest = rest;
        any
    }
}

#[cfg(test)]
mod tests;
