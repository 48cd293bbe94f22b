//! Which commit an object wants: pure rules over what a remote offers.

use std::fmt;

use gix::ObjectId;
use semver_range::{Constraint, Version};

use crate::error::{Error, Purpose, RemoteError};
use crate::refs::Refs;

/// The branch where none is given.
const DEFAULT_BRANCH: &str = "master";

/// `spec.ref`, reduced to the member that counts: commit, then name, tag, semver, branch.
///
/// Source: fluxcd/pkg `git/gogit/clone.go` `Clone`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A commit by its hash; `prefix` is what stands before `@` in its revision.
    Commit {
        /// The 40 hexadecimal digits as given.
        id: String,
        /// Name or branch that are set beside it.
        prefix: Option<String>,
    },
    /// A full ref name such as `refs/pull/1/head`.
    Name(String),
    /// A tag by its short name.
    Tag(String),
    /// The highest tag in a range.
    Semver(String),
    /// A branch by its short name.
    Branch(String),
}

impl Reference {
    /// Picks by upstream's precedence; empty strings count as absent.
    #[must_use]
    pub fn select(commit: &str, name: &str, tag: &str, semver: &str, branch: &str) -> Self {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        if let Some(id) = given(commit) {
            let prefix = given(name).or_else(|| given(branch));
            return Self::Commit { id, prefix };
        }
        given(name)
            .map(Self::Name)
            .or_else(|| given(tag).map(Self::Tag))
            .or_else(|| given(semver).map(Self::Semver))
            .unwrap_or_else(|| {
                Self::Branch(given(branch).unwrap_or_else(|| DEFAULT_BRANCH.to_owned()))
            })
    }

    /// Whether upstream compares the tip with the known revision before it clones.
    #[must_use]
    pub fn probes(&self) -> bool {
        matches!(self, Self::Name(_) | Self::Tag(_) | Self::Branch(_))
    }

    /// The ref that names it on the server, if one does.
    fn full_name(&self) -> Option<String> {
        match self {
            Self::Commit { .. } | Self::Semver(_) => None,
            Self::Name(name) => Some(name.clone()),
            Self::Tag(tag) => Some(format!("refs/tags/{tag}")),
            Self::Branch(branch) => Some(format!("refs/heads/{branch}")),
        }
    }

    /// The prefixes of refs to ask the server for; empty if none are needed.
    pub(crate) fn prefixes(&self) -> Vec<String> {
        match self {
            Self::Semver(_) => vec!["refs/tags/".to_owned()],
            _ => self.full_name().into_iter().collect(),
        }
    }

    /// Fails on what cannot be asked for.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self {
            Self::Name(name) if name.starts_with('/') || name.ends_with('/') => {
                Err(Error::InvalidRefName(name.clone()))
            }
            Self::Semver(range) => Ok(Constraint::parse(range).map(drop)?),
            _ => Ok(()),
        }
    }

    /// The commits that `refs` offers for this reference: more than one only for tags of equal precedence.
    pub(crate) fn resolve(&self, refs: &Refs, url: &str) -> Result<Resolved, Error> {
        let one = |prefix: Option<String>, commit, tag| Resolved {
            candidates: vec![Revision {
                prefix,
                commit,
                tag,
            }],
        };
        if let Self::Commit { id, prefix } = self {
            let commit =
                ObjectId::from_hex(id.as_bytes()).map_err(|_| Error::CommitNotFound(id.clone()))?;
            let tag = prefix
                .as_deref()
                .and_then(|name| tag_name(name, &Refs::default()));
            return Ok(one(prefix.clone(), commit, tag));
        }
        if let Self::Semver(range) = self {
            return highest(range, refs);
        }
        let full = self.full_name().unwrap_or_default();
        // A name may ask for the commit behind an annotated tag explicitly.
        let found = refs.get(full.strip_suffix("^{}").unwrap_or(&full));
        let tag = tag_name(&full, refs);
        match (self, found) {
            (Self::Tag(short) | Self::Branch(short), Some(commit)) => {
                Ok(one(Some(short.clone()), commit, tag))
            }
            (_, Some(commit)) => Ok(one(Some(full), commit, tag)),
            (Self::Name(_), None) => Err(Error::UnresolvedRef(full)),
            (_, None) => Err(Error::remote(
                Purpose::Clone,
                url,
                RemoteError::RefNotFound(full),
            )),
        }
    }
}

fn highest(range: &str, refs: &Refs) -> Result<Resolved, Error> {
    let constraint = Constraint::parse(range)?;
    let mut matching: Vec<(Version, ObjectId)> = refs
        .tags()
        .filter_map(|(tag, commit)| Some((Version::parse_tag(tag).ok()?, commit)))
        .filter(|(version, _)| constraint.matches(version))
        .collect();
    let highest = matching
        .iter()
        .map(|(version, _)| version.clone())
        .max()
        .ok_or_else(|| Error::SemverNoMatch(range.to_owned()))?;
    matching.retain(|(version, _)| *version == highest);
    let revision = |(version, commit): (Version, ObjectId)| Revision {
        prefix: Some(version.original().to_owned()),
        commit,
        tag: tag_name(&format!("refs/tags/{}", version.original()), refs),
    };
    Ok(Resolved {
        candidates: matching.into_iter().map(revision).collect(),
    })
}

/// The tag that a full ref name names.
fn tag_name(full: &str, refs: &Refs) -> Option<TagName> {
    let full = full.strip_suffix("^{}").unwrap_or(full);
    Some(TagName {
        name: full.strip_prefix("refs/tags/")?.to_owned(),
        object: refs.annotated(full),
    })
}

/// What a reference stands for at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// One, or several tags that differ in build metadata only: then the youngest commit counts.
    pub(crate) candidates: Vec<Revision>,
}

impl Resolved {
    /// The revision, if there is no choice to be made by commit time.
    #[must_use]
    pub fn only(&self) -> Option<&Revision> {
        match self.candidates.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }
}

/// A commit and the name it was found by; prints as `main@sha1:…`, or `sha1:…` without a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Branch, tag or full ref name.
    pub prefix: Option<String>,
    /// The commit.
    pub commit: ObjectId,
    /// The tag it was found by.
    pub tag: Option<TagName>,
}

/// A tag as a remote advertises it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagName {
    /// Its short name.
    pub name: String,
    /// The tag object, if it is more than a name.
    pub object: Option<ObjectId>,
}

impl Revision {
    /// Whether `text` names the same commit by the same name, in today's or the legacy form `main/<sha>`.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        let legacy = match &self.prefix {
            Some(prefix) => format!("{prefix}/{}", self.commit),
            None => format!("HEAD/{}", self.commit),
        };
        text == self.to_string() || text == legacy
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(prefix) = &self.prefix {
            write!(f, "{prefix}@")?;
        }
        write!(f, "sha1:{}", self.commit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: char) -> ObjectId {
        let hex: String = std::iter::repeat_n(digit, 40).collect();
        ObjectId::from_hex(hex.as_bytes()).expect("is hex")
    }

    fn refs(names: &[(&str, char)]) -> Refs {
        names
            .iter()
            .map(|(name, digit)| ((*name).to_owned(), id(*digit)))
            .collect()
    }

    fn resolve(reference: &Reference, refs: &Refs) -> Result<Vec<String>, String> {
        let resolved = reference.resolve(refs, "http://host/app.git");
        let text = |resolved: Resolved| {
            resolved
                .candidates
                .iter()
                .map(ToString::to_string)
                .collect()
        };
        resolved.map(text).map_err(|error| {
            let source = std::error::Error::source(&error);
            source.map_or(error.to_string(), |source| format!("{error}: {source}"))
        })
    }

    #[test]
    fn commit_beats_name_beats_tag_beats_semver_beats_branch() {
        let select = Reference::select;
        assert_eq!(
            select("abc", "refs/x", "t", "1.x", "b"),
            Reference::Commit {
                id: "abc".to_owned(),
                prefix: Some("refs/x".to_owned())
            }
        );
        assert_eq!(
            select("", "refs/x", "t", "1.x", "b"),
            Reference::Name("refs/x".to_owned())
        );
        assert_eq!(
            select("", "", "t", "1.x", "b"),
            Reference::Tag("t".to_owned())
        );
        assert_eq!(
            select("", "", "", "1.x", "b"),
            Reference::Semver("1.x".to_owned())
        );
        assert_eq!(
            select("", "", "", "", "b"),
            Reference::Branch("b".to_owned())
        );
        assert_eq!(
            select("", "", "", "", ""),
            Reference::Branch("master".to_owned())
        );
    }

    #[test]
    fn revisions_keep_the_name_as_it_was_asked_for() {
        let refs = refs(&[
            ("refs/heads/team/a", '1'),
            ("refs/tags/v1", '2'),
            ("refs/pull/1/head", '3'),
        ]);
        let expect = |reference: Reference, text: &str| {
            let digit = text.chars().last().expect("has an end");
            let full = format!("{}{}", &text[..text.len() - 1], id(digit));
            assert_eq!(resolve(&reference, &refs), Ok(vec![full]));
        };
        expect(Reference::Branch("team/a".to_owned()), "team/a@sha1:1");
        expect(Reference::Tag("v1".to_owned()), "v1@sha1:2");
        expect(
            Reference::Name("refs/pull/1/head".to_owned()),
            "refs/pull/1/head@sha1:3",
        );
        let commit = id('4').to_string();
        expect(
            Reference::Commit {
                id: commit.clone(),
                prefix: None,
            },
            "sha1:4",
        );
        expect(
            Reference::Commit {
                id: commit,
                prefix: Some("b".to_owned()),
            },
            "b@sha1:4",
        );
    }

    #[test]
    fn what_is_not_there_is_said_in_upstreams_words() {
        let refs = refs(&[("refs/heads/main", '1'), ("refs/tags/v1.0.0", '2')]);
        for (reference, text) in [
            (
                Reference::Branch("nope".to_owned()),
                r#"unable to clone 'http://host/app.git': couldn't find remote ref "refs/heads/nope""#,
            ),
            (
                Reference::Name("refs/x".to_owned()),
                "unable to resolve ref 'refs/x' to a specific commit",
            ),
            (
                Reference::Semver(">2".to_owned()),
                "no match found for semver: >2",
            ),
            (
                Reference::Commit {
                    id: "zz".to_owned(),
                    prefix: None,
                },
                "unable to resolve commit object for 'zz': object not found",
            ),
        ] {
            assert_eq!(resolve(&reference, &refs), Err(text.to_owned()));
        }
        let slash = Reference::Name("/refs/x".to_owned())
            .check()
            .expect_err("is invalid");
        assert_eq!(
            slash.to_string(),
            "ref /refs/x is invalid; Git refs cannot begin or end with a slash '/'"
        );
        assert!(Reference::Semver("nonsense".to_owned()).check().is_err());
    }

    #[test]
    fn the_highest_tag_wins_and_equal_ones_stay_candidates() {
        let refs = refs(&[
            ("refs/tags/v1.2.0", '1'),
            ("refs/tags/v1.9", '2'),
            ("refs/tags/v1.10.0", '3'),
            ("refs/tags/2.0.0-rc.1", '4'),
            ("refs/heads/9.9.9", '5'),
        ]);
        let highest = |range: &str| resolve(&Reference::Semver(range.to_owned()), &refs);
        assert_eq!(
            highest(">=1.0.0"),
            Ok(vec![format!("v1.10.0@sha1:{}", id('3'))])
        );
        assert_eq!(
            highest(">=1.0.0-0"),
            Ok(vec![format!("2.0.0-rc.1@sha1:{}", id('4'))])
        );
        let tied = super::tests::refs(&[("refs/tags/1.0.0+a", '1'), ("refs/tags/1.0.0+b", '2')]);
        let both = Reference::Semver("1.x".to_owned())
            .resolve(&tied, "")
            .expect("resolves");
        assert_eq!((both.candidates.len(), both.only()), (2, None));
    }

    #[test]
    fn legacy_revisions_are_understood() {
        let revision = Revision {
            prefix: Some("main".to_owned()),
            commit: id('a'),
            tag: None,
        };
        assert!(revision.is(&format!("main@sha1:{}", id('a'))));
        assert!(revision.is(&format!("main/{}", id('a'))));
        assert!(!revision.is(&format!("other/{}", id('a'))));
    }
}
