//! One version: parsing, order, printing.

use std::cmp::Ordering;
use std::fmt;

/// The longest text that is looked at.
const MAX_LENGTH: usize = 256;

/// Why a text is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// Not of the form `[v]MAJOR[.MINOR[.PATCH]][-PRE][+META]`.
    #[error("invalid semantic version")]
    Invalid,
    /// More than 256 bytes.
    #[error("version string is too long (max {MAX_LENGTH} bytes)")]
    TooLong,
    /// A number is larger than 64 bits hold.
    #[error(
        "error parsing version segment: strconv.ParseUint: parsing \"{0}\": value out of range"
    )]
    Number(String),
    /// A numeric pre-release identifier starts with a zero.
    #[error("version segment starts with 0")]
    LeadingZero,
    /// A pre-release identifier that is set is empty or holds a foreign character.
    #[error("invalid prerelease string")]
    Prerelease,
    /// A metadata identifier that is set is empty or holds a foreign character.
    #[error("invalid metadata string")]
    Metadata,
}

/// A number that cannot grow any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} version increment would overflow uint64")]
pub struct Overflow(&'static str);

/// A version that remembers its spelling. Two are equal if their precedence is, whatever the metadata.
///
/// Source: Masterminds/semver v3 `version.go`.
#[derive(Debug, Clone, Default)]
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
            return Err(VersionError::TooLong);
        }
        let rest = text.strip_prefix('v').unwrap_or(text);
        let (rest, metadata) = split_tail(rest, '+');
        let (numbers, pre) = split_tail(rest, '-');
        let numbers: Vec<&str> = numbers.split('.').collect();
        let digits = |it: &&str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
        let tails = [pre, metadata].into_iter().flatten().all(identifiers);
        if numbers.len() > 3 || !numbers.iter().all(digits) || !tails {
            return Err(VersionError::Invalid);
        }
        let number = |index: usize| match numbers.get(index) {
            Some(text) => text
                .parse()
                .map_err(|_| VersionError::Number((*text).to_owned())),
            None => Ok(0),
        };
        let version = Self {
            major: number(0)?,
            minor: number(1)?,
            patch: number(2)?,
            pre: pre.unwrap_or_default().to_owned(),
            metadata: metadata.unwrap_or_default().to_owned(),
            original: text.to_owned(),
        };
        check_zeros(&version.pre)?;
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

    /// The version that follows a change of the last number; of a pre-release, its release.
    ///
    /// # Errors
    /// The number cannot grow.
    pub fn next_patch(&self) -> Result<Self, Overflow> {
        let patch = if self.pre.is_empty() {
            self.patch.checked_add(1).ok_or(Overflow("patch"))?
        } else {
            self.patch
        };
        Ok(self.with(self.major, self.minor, patch))
    }

    /// The version that follows a change of the second number.
    ///
    /// # Errors
    /// The number cannot grow.
    pub fn next_minor(&self) -> Result<Self, Overflow> {
        let minor = self.minor.checked_add(1).ok_or(Overflow("minor"))?;
        Ok(self.with(self.major, minor, 0))
    }

    /// The version that follows a change of the first number.
    ///
    /// # Errors
    /// The number cannot grow.
    pub fn next_major(&self) -> Result<Self, Overflow> {
        let major = self.major.checked_add(1).ok_or(Overflow("major"))?;
        Ok(self.with(major, 0, 0))
    }

    /// The same version with another pre-release part; the empty one takes it away.
    ///
    /// # Errors
    /// [`VersionError`] as `SetPrerelease` fails.
    pub fn with_pre(&self, pre: &str) -> Result<Self, VersionError> {
        if !pre.is_empty() && !identifiers(pre) {
            return Err(VersionError::Prerelease);
        }
        check_zeros(pre)?;
        let mut version = self.clone();
        pre.clone_into(&mut version.pre);
        version.respell();
        Ok(version)
    }

    /// The same version with other metadata; the empty one takes it away.
    ///
    /// # Errors
    /// [`VersionError`] as `SetMetadata` fails.
    pub fn with_metadata(&self, metadata: &str) -> Result<Self, VersionError> {
        if !metadata.is_empty() && !identifiers(metadata) {
            return Err(VersionError::Metadata);
        }
        let mut version = self.clone();
        metadata.clone_into(&mut version.metadata);
        version.respell();
        Ok(version)
    }

    fn with(&self, major: u64, minor: u64, patch: u64) -> Self {
        let mut version = Self {
            major,
            minor,
            patch,
            pre: String::new(),
            metadata: String::new(),
            original: self.original.clone(),
        };
        version.respell();
        version
    }

    fn respell(&mut self) {
        let prefix = if self.original.starts_with('v') {
            "v"
        } else {
            ""
        };
        self.original = format!("{prefix}{self}");
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

/// Numeric identifiers of a pre-release have no zero in front.
fn check_zeros(pre: &str) -> Result<(), VersionError> {
    let leading_zero = |part: &str| {
        part.len() > 1 && part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if pre.split('.').any(leading_zero) {
        return Err(VersionError::LeadingZero);
    }
    Ok(())
}

/// Whether the text is made of identifiers with dots between them.
fn identifiers(text: &str) -> bool {
    let fits = |part: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !part.is_empty() && part.bytes().all(inner)
    };
    text.split('.').all(fits)
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
    fn errors_read_as_masterminds_words_them() {
        let large = "18446744073709551616";
        let number = format!(
            "error parsing version segment: strconv.ParseUint: parsing \"{large}\": value out of range"
        );
        for (text, expect) in [
            ("1.2.3-a..b", "invalid semantic version"),
            ("1.2.3-01", "version segment starts with 0"),
            (&format!("1.{large}.0"), &number),
            (
                &"1".repeat(257),
                "version string is too long (max 256 bytes)",
            ),
        ] {
            let error = Version::parse(text).expect_err(text);
            assert_eq!(error.to_string(), expect);
        }
    }

    #[test]
    fn the_next_versions_keep_the_letter_in_front() {
        let version = Version::parse("v1.2.3-beta+x").expect("parses");
        let original = |it: Result<Version, Overflow>| it.expect("grows").original().to_owned();
        assert_eq!(original(version.next_patch()), "v1.2.3");
        assert_eq!(original(version.next_minor()), "v1.3.0");
        assert_eq!(original(version.next_major()), "v2.0.0");
        let set = version.with_pre("rc.1").expect("fits");
        assert_eq!(set.original(), "v1.2.3-rc.1+x");
        assert_eq!(version.with_metadata("a..b"), Err(VersionError::Metadata));
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
