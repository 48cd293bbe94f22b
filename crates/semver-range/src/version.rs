//! One version: parsing, order, printing.

use std::cmp::Ordering;
use std::fmt;

/// The longest text that is looked at.
const MAX_LENGTH: usize = 256;

/// Why a text is no version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// Not of the form `[v]MAJOR[.MINOR[.PATCH]][-PRE][+META]`.
    #[error("invalid semantic version")]
    Invalid,
    /// A numeric pre-release identifier starts with a zero.
    #[error("version segment starts with 0")]
    LeadingZero,
    /// A pre-release identifier is empty or holds a foreign character.
    #[error("invalid prerelease string")]
    Prerelease,
    /// A metadata identifier is empty or holds a foreign character.
    #[error("invalid metadata string")]
    Metadata,
}

/// A version that remembers its spelling. Two are equal if their precedence is, whatever the metadata.
///
/// Source: Masterminds/semver v3 `version.go`.
#[derive(Debug, Clone)]
pub struct Version {
    /// The first number.
    pub major: u64,
    /// The second number, 0 if absent.
    pub minor: u64,
    /// The third number, 0 if absent.
    pub patch: u64,
    pre: String,
    metadata: String,
    original: String,
}

impl Version {
    /// Reads a version; `v`, missing parts and leading zeros in the numbers are accepted.
    ///
    /// # Errors
    /// [`VersionError`] as `NewVersion` fails.
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        if text.len() > MAX_LENGTH {
            return Err(VersionError::Invalid);
        }
        let rest = text.strip_prefix('v').unwrap_or(text);
        let (rest, metadata) = split_tail(rest, '+');
        let (numbers, pre) = split_tail(rest, '-');
        let mut parts = numbers.split('.').map(number);
        let version = Self {
            major: parts.next().ok_or(VersionError::Invalid)??,
            minor: parts.next().transpose()?.unwrap_or(0),
            patch: parts.next().transpose()?.unwrap_or(0),
            pre: pre.unwrap_or_default().to_owned(),
            metadata: metadata.unwrap_or_default().to_owned(),
            original: text.to_owned(),
        };
        if parts.next().is_some() {
            return Err(VersionError::Invalid);
        }
        if let Some(pre) = pre {
            check_pre(pre)?;
        }
        if let Some(metadata) = metadata {
            identifiers(metadata, VersionError::Metadata)?;
        }
        Ok(version)
    }

    /// Reads a Git tag as Flux does: as [`Version::parse`], but only with three dotted parts.
    ///
    /// # Errors
    /// [`VersionError`].
    ///
    /// Source: fluxcd/pkg `version/version.go` `ParseVersion`.
    pub fn parse_tag(tag: &str) -> Result<Self, VersionError> {
        if tag.split('.').count() < 3 {
            return Err(VersionError::Invalid);
        }
        Self::parse(tag)
    }

    /// The pre-release part without its hyphen; empty for a release.
    #[must_use]
    pub fn pre(&self) -> &str {
        &self.pre
    }

    /// The build metadata without its plus sign; may be empty.
    #[must_use]
    pub fn metadata(&self) -> &str {
        &self.metadata
    }

    /// The text it was read from.
    #[must_use]
    pub fn original(&self) -> &str {
        &self.original
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.pre.is_empty() {
            write!(f, "-{}", self.pre)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| compare_pre(&self.pre, &other.pre))
    }
}

/// Precedence of two pre-releases; the empty one, a release, is highest.
pub(crate) fn compare_pre(left: &str, right: &str) -> Ordering {
    match (left.is_empty(), right.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let mut left = left.split('.');
    let mut right = right.split('.');
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(left), Some(right)) => compare_identifier(left, right),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn compare_identifier(left: &str, right: &str) -> Ordering {
    match (left.parse::<u64>(), right.parse::<u64>()) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => left.cmp(right),
    }
}

fn split_tail(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark)
        .map_or((text, None), |(head, tail)| (head, Some(tail)))
}

fn number(text: &str) -> Result<u64, VersionError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(VersionError::Invalid);
    }
    text.parse().map_err(|_| VersionError::Invalid)
}

fn check_pre(pre: &str) -> Result<(), VersionError> {
    identifiers(pre, VersionError::Prerelease)?;
    let leading_zero = |part: &str| {
        part.len() > 1 && part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if pre.split('.').any(leading_zero) {
        return Err(VersionError::LeadingZero);
    }
    Ok(())
}

fn identifiers(text: &str, error: VersionError) -> Result<(), VersionError> {
    let fits = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.split('.').all(fits).then_some(()).ok_or(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_masterminds_reads() {
        for (text, expected) in [
            ("1.2.3", "1.2.3"),
            ("v1.2.3", "1.2.3"),
            ("1.0", "1.0.0"),
            ("v1", "1.0.0"),
            ("01.002.3", "1.2.3"),
            ("1.2-5", "1.2.0-5"),
            ("v1.2-beta.5", "1.2.0-beta.5"),
            (
                "1.2.0-x.Y.0+metadata-width-hyphen",
                "1.2.0-x.Y.0+metadata-width-hyphen",
            ),
            ("1.0.0+a-b", "1.0.0+a-b"),
        ] {
            let version = Version::parse(text).expect("parses");
            assert_eq!(version.to_string(), expected);
            assert_eq!(version.original(), text);
        }
        for text in [
            "",
            "v",
            "V1.0.0",
            "1.2.3.4",
            "1.2.",
            "1..2",
            "a.b.c",
            "1.2.3-",
            "1.2.3-01",
            "1.2.3+",
            "1.2.3-a..b",
            " 1.2.3",
        ] {
            assert!(Version::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn tags_need_three_parts() {
        assert!(Version::parse_tag("v1.2").is_err());
        assert!(Version::parse_tag("v1.2.3").is_ok());
        assert!(Version::parse_tag("other").is_err());
    }

    #[test]
    fn orders_by_precedence() {
        let ordered = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.10.0",
        ];
        for pair in ordered.windows(2) {
            let [left, right] = pair else { continue };
            let parse = |text| Version::parse(text).expect("parses");
            assert!(parse(left) < parse(right), "{left} < {right}");
        }
        assert_eq!(Version::parse("1.0.0+a"), Version::parse("1.0.0+b"));
    }
}
