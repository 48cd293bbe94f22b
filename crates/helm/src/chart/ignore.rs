//! `.helmignore`: which files of a directory are no part of the chart.
//!
//! Source: Helm 4.2.4 `pkg/ignore/rules.go`

use super::path_match::{BadPattern, path_match};

/// Why a `.helmignore` is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IgnoreError {
    /// `**` in a rule.
    #[error("double-star (**) syntax is not supported")]
    DoubleStar,
    /// A rule that is no pattern.
    #[error(transparent)]
    Pattern(#[from] BadPattern),
    /// A line that is too long to be read.
    #[error("bufio.Scanner: token too long")]
    LongLine,
}

/// Go reads no longer lines.
const LONGEST_LINE: usize = 64 << 10;

/// Rules in their order.
#[derive(Clone, Debug, Default)]
pub struct Rules(Vec<Rule>);

#[derive(Clone, Debug)]
struct Rule {
    pattern: String,
    /// Takes back what the pattern matches; all else is ignored.
    negated: bool,
    directories: bool,
    /// The pattern is held against the last part of a path.
    by_name: bool,
}

impl Rules {
    /// Reads a `.helmignore`.
    ///
    /// # Errors
    /// [`IgnoreError`].
    pub fn parse(text: &str) -> Result<Self, IgnoreError> {
        let mut rules = Self::default();
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        for line in text.split('\n') {
            if line.len() >= LONGEST_LINE {
                return Err(IgnoreError::LongLine);
            }
            rules.add(line)?;
        }
        Ok(rules)
    }

    /// Adds the rule that all charts have: no hidden files among templates.
    pub fn add_defaults(&mut self) {
        self.0.extend(Rule::of("templates/.?*"));
    }

    fn add(&mut self, rule: &str) -> Result<(), IgnoreError> {
        let rule = rule.trim();
        if rule.is_empty() || rule.starts_with('#') {
            return Ok(());
        }
        if rule.contains("**") {
            return Err(IgnoreError::DoubleStar);
        }
        path_match(rule, "abc")?;
        self.0.extend(Rule::of(rule));
        Ok(())
    }

    /// Whether a path is left out.
    pub fn ignores(&self, path: &str, directory: bool) -> bool {
        if matches!(path, "" | "." | "./") {
            return false;
        }
        for rule in &self.0 {
            if rule.negated {
                if rule.directories && !directory || !rule.matches(path) {
                    return true;
                }
            } else if (!rule.directories || directory) && rule.matches(path) {
                return true;
            }
        }
        false
    }
}

impl Rule {
    fn of(rule: &str) -> Option<Self> {
        let (negated, rule) = match rule.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, rule),
        };
        let (directories, rule) = match rule.strip_suffix('/') {
            Some(rest) => (true, rest),
            None => (false, rule),
        };
        let (by_name, pattern) = match rule.strip_prefix('/') {
            Some(rest) => (false, rest),
            None => (!rule.contains('/'), rule),
        };
        Some(Self {
            pattern: pattern.to_owned(),
            negated,
            directories,
            by_name,
        })
    }

    fn matches(&self, path: &str) -> bool {
        let name = if self.by_name { base(path) } else { path };
        path_match(&self.pattern, name).unwrap_or(false)
    }
}

/// The last part of a path.
fn base(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_apply_in_order() {
        let rules = Rules::parse("# c\n*.txt\n/top\ndir/\n").expect("rules");
        assert!(rules.ignores("a/b.txt", false));
        assert!(rules.ignores("top", false) && !rules.ignores("a/top", false));
        assert!(rules.ignores("a/dir", true) && !rules.ignores("a/dir", false));
        let rules = Rules::parse("!*.yaml\n").expect("rules");
        assert!(rules.ignores("a.txt", false) && !rules.ignores("a.yaml", false));
    }

    #[test]
    fn double_stars_and_broken_patterns_are_refused() {
        assert_eq!(Rules::parse("a/**").unwrap_err(), IgnoreError::DoubleStar);
        assert!(Rules::parse("[").is_err());
        assert!(Rules::parse(&"a".repeat(70_000)).is_err());
    }
}
