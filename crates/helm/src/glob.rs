//! Patterns of `.Files.Glob`: `*` within a part of a path, `**` across, `?`, `[a-z]`, `[!abc]`, `{a,b}`.
//!
//! Source: gobwas/glob v0.2.3 `syntax/lexer/lexer.go`, `syntax/ast/parser.go`

/// Patterns nested in braces.
const MAX_NESTING: usize = 32;
/// Steps that one match may take; a pattern that needs more matches nothing.
const MAX_STEPS: usize = 1_000_000;

/// A pattern.
#[derive(Clone, Debug)]
pub(crate) struct Glob(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Text(Vec<char>),
    /// One character that is no slash.
    Single,
    /// Any that are no slashes.
    Any,
    /// Any.
    Super,
    /// One of a set, or one of none.
    Set {
        not: bool,
        chars: Vec<char>,
    },
    /// One of a range, or one of none.
    Range {
        not: bool,
        low: char,
        high: char,
    },
    /// One of patterns.
    Terms(Vec<Vec<Self>>),
}

struct Parser<'t> {
    rest: std::iter::Peekable<std::str::Chars<'t>>,
    depth: usize,
}

impl Glob {
    /// Reads a pattern; `None` if it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parser = Parser {
            rest: text.chars().peekable(),
            depth: 0,
        };
        let parts = parser.parts()?;
        parser.rest.peek().is_none().then_some(Self(parts))
    }

    /// The pattern that matches all without a slash between, which is what Helm takes a broken one for.
    pub(crate) fn everything() -> Self {
        Self(vec![Part::Super])
    }

    /// Whether a path matches.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let path: Vec<char> = path.chars().collect();
        let mut steps = MAX_STEPS;
        let parts: Vec<&Part> = self.0.iter().collect();
        matches(&parts, &path, &mut steps)
    }
}

impl Parser<'_> {
    /// Parts up to the end, or to what ends a term.
    fn parts(&mut self) -> Option<Vec<Part>> {
        let mut parts = Vec::new();
        while let Some(&char) = self.rest.peek() {
            let part = match char {
                ',' | '}' if self.depth > 0 => break,
                '{' => {
                    self.rest.next();
                    self.terms()?
                }
                '[' => {
                    self.rest.next();
                    self.class()?
                }
                '?' => {
                    self.rest.next();
                    Part::Single
                }
                '*' => {
                    self.rest.next();
                    match self.rest.next_if_eq(&'*') {
                        Some(_) => Part::Super,
                        None => Part::Any,
                    }
                }
                _ => Part::Text(self.text()),
            };
            parts.push(part);
        }
        Some(parts)
    }

    fn terms(&mut self) -> Option<Part> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return None;
        }
        let mut terms = vec![self.parts()?];
        while self.rest.next()? == ',' {
            terms.push(self.parts()?);
        }
        self.depth -= 1;
        Some(Part::Terms(terms))
    }

    fn text(&mut self) -> Vec<char> {
        let mut text = Vec::new();
        while let Some(&char) = self.rest.peek() {
            match char {
                '?' | '*' | '[' | '{' => break,
                ',' | '}' if self.depth > 0 => break,
                '\\' => {
                    self.rest.next();
                    text.extend(self.rest.next());
                }
                char => {
                    self.rest.next();
                    text.push(char);
                }
            }
        }
        text
    }

    /// A class, behind its `[`.
    fn class(&mut self) -> Option<Part> {
        let not = self.rest.next_if_eq(&'!').is_some();
        let first = self.rest.next()?;
        if self.rest.next_if_eq(&'-').is_some() {
            let high = self.rest.next()?;
            return (self.rest.next()? == ']' && first <= high).then_some(Part::Range {
                not,
                low: first,
                high,
            });
        }
        let mut chars = Vec::new();
        let mut next = Some(first);
        loop {
            match next? {
                ']' => break,
                '\\' => chars.extend(self.rest.next()),
                char => chars.push(char),
            }
            next = self.rest.next();
        }
        (!chars.is_empty()).then_some(Part::Set { not, chars })
    }
}

fn matches(parts: &[&Part], path: &[char], steps: &mut usize) -> bool {
    let (mut parts, mut path) = (parts, path);
    loop {
        let Some(left) = steps.checked_sub(1) else {
            return false;
        };
        *steps = left;
        let Some((part, rest)) = parts.split_first() else {
            return path.is_empty();
        };
        let single = |fits: &dyn Fn(char) -> bool| path.first().is_some_and(|char| fits(*char));
        let fits = match part {
            Part::Text(text) => {
                if !path.starts_with(text) {
                    return false;
                }
                path = &path[text.len()..];
                parts = rest;
                continue;
            }
            Part::Single => single(&|char| char != '/'),
            Part::Set { not, chars } => single(&|char| chars.contains(&char) != *not),
            Part::Range { not, low, high } => {
                single(&|char| (*low..=*high).contains(&char) != *not)
            }
            Part::Any | Part::Super => {
                let most = match part {
                    Part::Super => path.len(),
                    _ => path
                        .iter()
                        .position(|char| *char == '/')
                        .unwrap_or(path.len()),
                };
                return (0..=most).any(|taken| matches(rest, &path[taken..], steps));
            }
            Part::Terms(terms) => {
                return terms.iter().any(|term| {
                    let parts: Vec<&Part> = term.iter().chain(rest.iter().copied()).collect();
                    matches(&parts, path, steps)
                });
            }
        };
        if !fits {
            return false;
        }
        path = &path[1..];
        parts = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_as_gobwas_does() {
        for (pattern, path, expected) in [
            ("config/*", "config/a.txt", true),
            ("config/*", "config/a/b", false),
            ("**.txt", "a/b.txt", true),
            ("config/{a,b}.*", "config/b.x", true),
            ("config/[ab].*", "config/c.x", false),
            ("config/[!a].*", "config/b.x", true),
            ("[a-c]?", "b1", true),
            ("", "a", false),
            ("a\\[b\\]", "a[b]", true),
            ("{a/**,*.md}", "a/b/c", true),
        ] {
            let glob = Glob::parse(pattern).expect(pattern);
            assert_eq!(glob.matches(path), expected, "{pattern} {path}");
        }
        assert!(Glob::parse("[").is_none() && Glob::parse("{a").is_none());
    }

    #[test]
    fn a_slow_pattern_ends() {
        let glob = Glob::parse(&"**a".repeat(40)).expect("a pattern");
        assert!(!glob.matches(&"a".repeat(5000).replace("aaaaa", "aaaab")));
    }
}
