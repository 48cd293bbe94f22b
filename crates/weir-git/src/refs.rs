//! What a remote advertises.

use std::collections::BTreeMap;

use gix::ObjectId;
use gix::protocol::handshake::Ref;

/// The refs of a remote by full name, annotated tags peeled to what they point at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refs {
    commits: BTreeMap<String, ObjectId>,
    /// The tag objects themselves, of those refs that are annotated tags.
    annotated: BTreeMap<String, ObjectId>,
}

impl Refs {
    /// From what the server sent. Names that git would refuse are left out, as if they were not there.
    pub(crate) fn from_advertised(refs: Vec<Ref>) -> Self {
        let mut known = Self::default();
        for reference in refs {
            let (name, object, tag) = match reference {
                Ref::Peeled {
                    full_ref_name,
                    tag,
                    object,
                } => (full_ref_name, object, Some(tag)),
                Ref::Symbolic {
                    full_ref_name,
                    tag,
                    object,
                    ..
                } => (full_ref_name, object, tag),
                Ref::Direct {
                    full_ref_name,
                    object,
                } => (full_ref_name, object, None),
                Ref::Unborn { .. } => continue,
            };
            let valid = gix::validate::reference::name(name.as_ref()).is_ok();
            let Some(name) = String::from_utf8(name.into()).ok().filter(|_| valid) else {
                continue;
            };
            if let Some(tag) = tag {
                known.annotated.insert(name.clone(), tag);
            }
            known.commits.insert(name, object);
        }
        known
    }

    /// The object that `name` stands for.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<ObjectId> {
        self.commits.get(name).copied()
    }

    /// The tag object of `name`, if it is an annotated tag.
    pub(crate) fn annotated(&self, name: &str) -> Option<ObjectId> {
        self.annotated.get(name).copied()
    }

    /// Short tag names and what they point at.
    pub fn tags(&self) -> impl Iterator<Item = (&str, ObjectId)> {
        self.under("refs/tags/")
    }

    /// All that branches point at.
    pub(crate) fn heads(&self) -> impl Iterator<Item = ObjectId> {
        self.under("refs/heads/").map(|(_, commit)| commit)
    }

    /// Whether the remote has nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.commits.is_empty()
    }

    fn under<'a>(&'a self, prefix: &'static str) -> impl Iterator<Item = (&'a str, ObjectId)> {
        self.commits
            .range(prefix.to_owned()..)
            .map_while(move |(name, commit)| Some((name.strip_prefix(prefix)?, *commit)))
    }
}

impl FromIterator<(String, ObjectId)> for Refs {
    fn from_iter<I: IntoIterator<Item = (String, ObjectId)>>(refs: I) -> Self {
        Self {
            commits: refs.into_iter().collect(),
            annotated: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_vanish_and_tags_are_peeled() {
        let object = ObjectId::null(gix::hash::Kind::Sha1);
        let direct = |name: &str| Ref::Direct {
            full_ref_name: name.into(),
            object,
        };
        let hostile = [
            "refs/heads/../../config",
            "refs/heads/a..b",
            "refs/heads/.a",
            "refs/heads/a.lock",
            "refs/heads/a b",
            "refs/heads/a~1",
            "refs/heads/a\\b",
            "refs/heads/a/",
            "refs//heads/a",
            "refs/heads/@{x",
            "refs/heads/\x07",
        ];
        let mut advertised: Vec<Ref> = hostile.into_iter().map(direct).collect();
        advertised.push(direct("refs/heads/good"));
        let tag = ObjectId::from_hex(&[b'1'; 40]).expect("is hex");
        advertised.push(Ref::Peeled {
            full_ref_name: "refs/tags/v1".into(),
            tag,
            object,
        });
        let refs = Refs::from_advertised(advertised);
        assert_eq!(
            refs.commits.keys().collect::<Vec<_>>(),
            ["refs/heads/good", "refs/tags/v1"]
        );
        assert_eq!(refs.annotated("refs/tags/v1"), Some(tag));
        assert_eq!(refs.tags().collect::<Vec<_>>(), [("v1", object)]);
    }
}
