//! Which values of a file are encrypted, as its metadata says.
//!
//! Source: sops v3.13 `sops.go` `shouldBeEncrypted`.

use go_regex::Regex;

/// Names that end in this are not encrypted unless the file says otherwise.
const DEFAULT_SUFFIX: &str = "_unencrypted";

/// Bounds the size of a compiled expression.
const EXPRESSION_BYTES: usize = 1 << 20;

/// The one rule of a file.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    UnencryptedSuffix(String),
    EncryptedSuffix(String),
    UnencryptedRegex(Pattern),
    EncryptedRegex(Pattern),
    UnencryptedCommentRegex(Pattern),
    EncryptedCommentRegex(Pattern),
}

/// An expression; one that cannot be compiled matches nothing.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Option<Regex>);

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        Self(Regex::within(EXPRESSION_BYTES, text.as_bytes()).ok())
    }

    fn matches(&self, text: &[u8]) -> bool {
        self.0.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

impl Default for Rule {
    fn default() -> Self {
        Self::UnencryptedSuffix(DEFAULT_SUFFIX.to_owned())
    }
}

/// Where a value stands.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// Keys from the root.
    pub(crate) path: Vec<String>,
    /// Comments before the value, per level.
    pub(crate) comments: Vec<Vec<Vec<u8>>>,
}

impl Rule {
    /// Whether the value at `place` is encrypted.
    pub(crate) fn encrypts(&self, place: &Place, is_comment: bool) -> bool {
        let name = |test: &dyn Fn(&str) -> bool| place.path.iter().any(|key| test(key));
        match self {
            Self::UnencryptedSuffix(suffix) => !name(&|key| key.ends_with(suffix.as_str())),
            Self::EncryptedSuffix(suffix) => name(&|key| key.ends_with(suffix.as_str())),
            Self::UnencryptedRegex(pattern) => !name(&|key| pattern.matches(key.as_bytes())),
            Self::EncryptedRegex(pattern) => name(&|key| pattern.matches(key.as_bytes())),
            Self::UnencryptedCommentRegex(pattern) => !place
                .comments
                .iter()
                .flatten()
                .any(|text| pattern.matches(text)),
            Self::EncryptedCommentRegex(pattern) => commented(pattern, place, is_comment),
        }
    }
}

/// A comment does not decide about itself.
fn commented(pattern: &Pattern, place: &Place, is_comment: bool) -> bool {
    let own = is_comment && place.comments.last().is_some_and(|level| !level.is_empty());
    let last = place.comments.len();
    place.comments.iter().enumerate().any(|(at, level)| {
        let skipped = usize::from(own && at + 1 == last);
        let considered = &level[..level.len() - skipped];
        considered.iter().any(|text| pattern.matches(text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &[&str], comments: &[&[&str]]) -> Place {
        let level = |level: &&[&str]| level.iter().map(|text| text.as_bytes().to_vec()).collect();
        Place {
            path: path.iter().map(|key| (*key).to_owned()).collect(),
            comments: comments.iter().map(level).collect(),
        }
    }

    #[test]
    fn suffixes_and_expressions_look_at_every_key_of_the_path() {
        let default = Rule::default();
        assert!(default.encrypts(&place(&["a", "b"], &[]), false));
        assert!(!default.encrypts(&place(&["a_unencrypted", "b"], &[]), false));
        let data = Rule::EncryptedRegex(Pattern::new("^(data|stringData)$"));
        assert!(data.encrypts(&place(&["data", "x"], &[]), false));
        assert!(!data.encrypts(&place(&["metadata", "name"], &[]), false));
        let broken = Rule::EncryptedRegex(Pattern::new("("));
        assert!(!broken.encrypts(&place(&["data"], &[]), false));
    }

    #[test]
    fn expressions_are_those_of_go() {
        for (pattern, key, fits) in [
            (r"^\w+$", "clé", false),
            (r"^\d$", "٣", false),
            (r"^\Qa.b\E$", "a.b", true),
            ("^[[]$", "[", true),
            ("^a{,2}$", "a{,2}", true),
        ] {
            assert_eq!(
                Pattern::new(pattern).matches(key.as_bytes()),
                fits,
                "{pattern}"
            );
        }
    }

    #[test]
    fn a_comment_decides_about_what_follows_but_not_about_itself() {
        let rule = Rule::EncryptedCommentRegex(Pattern::new("sops:enc"));
        assert!(rule.encrypts(&place(&["a"], &[&["sops:enc"]]), false));
        assert!(!rule.encrypts(&place(&[], &[&["sops:enc"]]), true));
        assert!(rule.encrypts(&place(&[], &[&["sops:enc"], &["x"]]), true));
        let not = Rule::UnencryptedCommentRegex(Pattern::new("sops:dec"));
        assert!(!not.encrypts(&place(&["a"], &[&["sops:dec"]]), false));
        assert!(not.encrypts(&place(&["a"], &[&["other"]]), false));
    }
}
