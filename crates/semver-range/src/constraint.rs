//! Ranges: groups of comparisons, one group of which has to hold.

use std::cmp::Ordering;

use crate::version::{Version, compare_pre};

/// The longest text that is looked at.
const MAX_LENGTH: usize = 4096;

/// Why a text is no range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConstraintError {
    /// The text as a whole cannot be read.
    #[error("improper constraint: {0}")]
    Improper(String),
}

/// A range such as `>=1.0.0 <2.0.0 || ~3.1`.
///
/// Source: Masterminds/semver v3.4 `constraints.go`.
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
        let improper = || ConstraintError::Improper(text.to_owned());
        if text.len() > MAX_LENGTH {
            return Err(improper());
        }
        let groups = text
            .split("||")
            .map(|group| Reader { rest: group }.group())
            .collect::<Option<Vec<_>>>()
            .ok_or_else(improper)?;
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

/// Reads one group, left to right.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// All comparisons of the group, or nothing if it is malformed.
    fn group(mut self) -> Option<Vec<Comparison>> {
        let mut parts = Vec::new();
        loop {
            let before = self.rest.len();
            self.skip_blanks();
            let blank = self.rest.len() != before;
            if self.rest.is_empty() {
                break;
            }
            let comma = !parts.is_empty() && self.eat(",");
            if comma {
                self.skip_blanks();
            }
            if !parts.is_empty() && !comma && !blank {
                return None;
            }
            let first = self.comparison()?;
            match self.hyphen(&first) {
                Some(last) => parts.extend([at_least(first), last]),
                None => parts.push(first),
            }
        }
        if parts.is_empty() {
            parts.push(Comparison {
                operator: Operator::GreaterEqual,
                version: Version::parse("0.0.0").ok()?,
                open: Open::Nothing,
            });
        }
        Some(parts)
    }

    /// The upper end of `1.0 - 2.0`, if that is what follows a bare version.
    fn hyphen(&mut self, first: &Comparison) -> Option<Comparison> {
        if first.operator != Operator::Equal {
            return None;
        }
        let after = self.rest.trim_start();
        let tail = after.strip_prefix('-')?;
        let bare = tail.trim_start();
        if after.len() == self.rest.len() || bare.len() == tail.len() {
            return None;
        }
        let mut ahead = Reader { rest: bare };
        let mut last = ahead.version(Operator::LessEqual)?;
        last.operator = Operator::LessEqual;
        self.rest = ahead.rest;
        Some(last)
    }

    fn comparison(&mut self) -> Option<Comparison> {
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
        let operator = found.map_or(Operator::Equal, |(_, operator)| operator);
        self.skip_blanks();
        self.version(operator)
    }

    fn version(&mut self, operator: Operator) -> Option<Comparison> {
        self.eat("v");
        let numbers = [self.number()?, self.dotted(), self.dotted()];
        let pre = self.tail('-');
        let metadata = self.tail('+');
        let wild = |part: &str| part.is_empty() || matches!(part, "x" | "X" | "*");
        let open = match numbers {
            [major, ..] if wild(major) => Open::Everything,
            [_, minor, _] if wild(minor) => Open::Minor,
            [_, _, patch] if wild(patch) => Open::Patch,
            _ => Open::Nothing,
        };
        let text = match open {
            Open::Everything => format!("0.0.0{pre}"),
            Open::Minor => format!("{}.0.0{pre}", numbers[0]),
            Open::Patch => format!("{}.{}.0{pre}", numbers[0], numbers[1]),
            Open::Nothing => format!("{}{pre}{metadata}", numbers.join(".")),
        };
        let version = Version::parse(&text).ok()?;
        Some(Comparison {
            operator,
            version,
            open,
        })
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
        let Some(rest) = self.rest.strip_prefix(mark) else {
            return "";
        };
        let length = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '.')
            .unwrap_or(rest.len());
        let (tail, rest) = self.rest.split_at(length + 1);
        self.rest = rest;
        tail
    }

    fn eat(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

fn at_least(mut comparison: Comparison) -> Comparison {
    comparison.operator = Operator::GreaterEqual;
    comparison
}

#[cfg(test)]
mod tests;
