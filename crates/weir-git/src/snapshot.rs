//! A fetched commit: what it says and the tree below it, read from its pack.

use std::io::{self, Read};

use gix::ObjectId;
use gix::objs::tree::EntryKind as Mode;
use gix::objs::{CommitRef, Kind, TagRef, TreeRef};

use crate::error::Error;
use crate::fetches::Objects;
use crate::pack::{Contents, Object, Reader};
use crate::reference::{Revision, TagName};
use crate::remote::Limits;
use crate::session::Session;
use crate::signature::Signed;

/// Bytes of an object that is read as one: a commit, a tag, a tree, a file that says something to us.
const MAX_WHOLE: u64 = 64 << 20;

/// What a commit says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its hash.
    pub id: ObjectId,
    /// Its root tree.
    pub tree: ObjectId,
    /// Its message, whole.
    pub message: String,
    /// When it was committed, in seconds since 1970.
    pub committed: i64,
}

impl Commit {
    /// The first line of the message, at most 50 characters of it.
    ///
    /// Source: fluxcd/pkg `git/git.go` `ShortMessage`.
    #[must_use]
    pub fn subject(&self) -> String {
        let line = self.message.split('\n').next().unwrap_or_default();
        match line.char_indices().nth(50) {
            Some((end, _)) => format!("{}...", &line[..end]),
            None => line.to_owned(),
        }
    }
}

/// What a tree entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A folder.
    Dir,
    /// A file.
    File {
        /// Its execute bit is set.
        executable: bool,
    },
    /// A symbolic link; its contents are the target.
    Symlink,
    /// Another repository.
    Submodule,
}

/// One entry of a commit's tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The path from the root, without a slash at either end.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// The object that holds it.
    pub id: ObjectId,
}

/// A commit with its objects.
pub struct Snapshot {
    objects: Found,
    commit: Commit,
    tag: Option<TagName>,
    limits: Limits,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot")
            .field("commit", &self.commit)
            .finish_non_exhaustive()
    }
}

impl Snapshot {
    /// Of several candidates, that with the youngest commit.
    pub(crate) fn youngest(
        objects: Objects,
        candidates: &[Revision],
        limits: Limits,
    ) -> Result<(Revision, Self), Error> {
        let objects = Found {
            packs: vec![Reader::new(objects)],
            lacks_files: false,
        };
        let mut found: Option<(Revision, Commit)> = None;
        for candidate in candidates {
            let commit = commit(&objects, candidate.commit)?;
            let younger = |(_, other): &(Revision, Commit)| commit.committed >= other.committed;
            if found.as_ref().is_none_or(younger) {
                found = Some((candidate.clone(), commit));
            }
        }
        let (revision, commit) =
            found.ok_or_else(|| Error::Object("nothing asked for".to_owned()))?;
        let snapshot = Self {
            objects,
            commit,
            tag: revision.tag.clone(),
            limits,
        };
        Ok((revision, snapshot))
    }

    /// Files are to come later.
    pub(crate) fn lack_files(&mut self) {
        self.objects.lacks_files = true;
    }

    /// Whether files may be missing that the repository has.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.objects.lacks_files
    }

    /// Whether the object is there.
    pub(crate) fn has(&self, id: &ObjectId) -> bool {
        self.objects.find(id).is_some()
    }

    /// Takes more objects along.
    pub(crate) fn add(&mut self, objects: Objects) {
        self.objects.packs.push(Reader::new(objects));
    }

    /// Takes all objects along.
    pub(crate) fn add_whole(&mut self, objects: Objects) {
        self.add(objects);
        self.objects.lacks_files = false;
    }

    /// The commit.
    #[must_use]
    pub fn commit(&self) -> &Commit {
        &self.commit
    }

    /// The tag that it was found by.
    #[must_use]
    pub fn tag(&self) -> Option<&TagName> {
        self.tag.as_ref()
    }

    /// The commit and its signature, as they are stored.
    ///
    /// # Errors
    /// [`Error::Object`] if it cannot be read, or has more than one signature.
    pub fn signed_commit(&self) -> Result<Signed, Error> {
        let bytes = whole(&self.objects, self.commit.id, Kind::Commit)?;
        Signed::commit(&bytes)
    }

    /// The tag object and its signature, as they are stored; nothing of a tag that is only a name.
    ///
    /// # Errors
    /// [`Error::Object`] if it cannot be read, or is a tag of something else.
    pub fn signed_tag(&self) -> Result<Option<Signed>, Error> {
        let Some(id) = self.tag.as_ref().and_then(|tag| tag.object) else {
            return Ok(None);
        };
        let bytes = whole(&self.objects, id, Kind::Tag)?;
        let tag = TagRef::from_bytes(&bytes, gix::hash::Kind::Sha1)
            .map_err(|error| Error::Object(format!("{id}: {error}")))?;
        // The signature speaks of what the tag points at: that must be what was fetched.
        if tag.target() != self.commit.id {
            return Err(Error::Object(format!("{id} is no tag of the commit")));
        }
        Ok(Some(Signed::tag(&bytes)))
    }

    /// Every entry of the tree in the order of a lexical walk, a folder before what it holds.
    ///
    /// # Errors
    /// [`Error::HostileName`] for names that a checkout must refuse or that are no UTF-8;
    /// [`Error::Object`] for a broken tree, a name that occurs twice, or a bound that is exceeded.
    pub fn entries(&self, session: &Session) -> Result<Vec<Entry>, Error> {
        let mut all = Vec::new();
        // Children wait in reverse, so that the next one to visit is on top.
        let mut waiting = self.children("", self.commit.tree)?;
        waiting.reverse();
        while let Some(entry) = waiting.pop() {
            session.check()?;
            if all.len() + waiting.len() >= self.limits.entries {
                return Err(Error::Object(format!(
                    "more than {} entries",
                    self.limits.entries
                )));
            }
            if entry.kind == EntryKind::Dir {
                if entry.path.split('/').count() >= self.limits.depth {
                    return Err(Error::Object(format!(
                        "deeper than {} folders",
                        self.limits.depth
                    )));
                }
                let children = self.children(&entry.path, entry.id)?;
                waiting.extend(children.into_iter().rev());
            }
            all.push(entry);
        }
        Ok(all)
    }

    /// The contents of a file, at once.
    ///
    /// # Errors
    /// [`Error::Object`] if the object is missing, broken or above 64 MiB.
    pub fn read(&self, id: ObjectId) -> Result<Vec<u8>, Error> {
        whole(&self.objects, id, Kind::Blob)
    }

    /// The contents of a file, piece by piece. However large it is, little of it is in memory at a time.
    ///
    /// # Errors
    /// [`Error::Object`] if the object is missing or broken.
    pub fn open(&self, id: ObjectId) -> Result<Blob, Error> {
        let (pack, object) = find(&self.objects, id, Kind::Blob)?;
        let contents = pack.contents(&object);
        Ok(Blob {
            size: object.size,
            contents: contents.map_err(|error| Error::Object(format!("{id}: {error}")))?,
        })
    }

    fn children(&self, folder: &str, id: ObjectId) -> Result<Vec<Entry>, Error> {
        let buffer = whole(&self.objects, id, Kind::Tree)?;
        let tree = TreeRef::from_bytes(&buffer, gix::hash::Kind::Sha1)
            .map_err(|error| Error::Object(format!("{id}: {error}")))?;
        let mut children = Vec::with_capacity(tree.entries.len());
        for entry in tree.entries {
            let kind = match entry.mode.kind() {
                Mode::Tree => EntryKind::Dir,
                Mode::Blob => EntryKind::File { executable: false },
                Mode::BlobExecutable => EntryKind::File { executable: true },
                Mode::Link => EntryKind::Symlink,
                Mode::Commit => EntryKind::Submodule,
            };
            let name = checked_name(entry.filename, kind)?;
            let path = if folder.is_empty() {
                name.to_owned()
            } else {
                format!("{folder}/{name}")
            };
            let id = entry.oid.to_owned();
            children.push(Entry { path, kind, id });
        }
        children.sort_by(|left, right| left.path.cmp(&right.path));
        let twice = children
            .windows(2)
            .find(|pair| matches!(pair, [left, right] if left.path == right.path));
        if let Some([entry, _]) = twice {
            return Err(Error::Object(format!("{:?} occurs twice", entry.path)));
        }
        Ok(children)
    }
}

/// A file's contents.
#[derive(Debug)]
pub struct Blob {
    /// Bytes.
    pub size: u64,
    contents: Contents,
}

impl Read for Blob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.contents.read(buffer)
    }
}

/// Refuses what could hurt where the tree is written to disk: `..`, everything that some file system takes for
/// `.git`, separators.
pub(crate) fn checked_name(name: &gix::bstr::BStr, kind: EntryKind) -> Result<&str, Error> {
    use gix::validate::path::component::{Mode, Options};

    let options = Options {
        protect_windows: false,
        protect_hfs: true,
        protect_ntfs: true,
    };
    let mode = (kind == EntryKind::Symlink).then_some(Mode::Symlink);
    let hostile = || Error::HostileName(String::from_utf8_lossy(name).into_owned());
    gix::validate::path::component(name, mode, options).map_err(|_| hostile())?;
    let text = std::str::from_utf8(name).map_err(|_| hostile())?;
    if text.contains(['\0', '\\']) {
        return Err(hostile());
    }
    Ok(text)
}

/// All that was fetched of a commit.
struct Found {
    packs: Vec<Reader>,
    lacks_files: bool,
}

impl Found {
    /// The object, and the pack that has it.
    fn find(&self, id: &ObjectId) -> Option<(&Reader, Object)> {
        let mut packs = self.packs.iter();
        packs.find_map(|pack| Some((pack, pack.find(id)?)))
    }
}

fn commit(objects: &Found, id: ObjectId) -> Result<Commit, Error> {
    if objects.find(&id).is_none() {
        return Err(Error::CommitNotFound(id.to_string()));
    }
    let data = whole(objects, id, Kind::Commit)?;
    let broken = |error: &dyn std::fmt::Display| Error::Object(format!("{id}: {error}"));
    let parsed =
        CommitRef::from_bytes(&data, gix::hash::Kind::Sha1).map_err(|error| broken(&error))?;
    let committed = parsed.time().map_err(|error| broken(&error))?.seconds;
    Ok(Commit {
        id,
        tree: parsed.tree(),
        message: String::from_utf8_lossy(parsed.message).into_owned(),
        committed,
    })
}

fn find(objects: &Found, id: ObjectId, kind: Kind) -> Result<(&Reader, Object), Error> {
    let found = objects.find(&id);
    let (pack, object) = found.ok_or_else(|| Error::Object(format!("{id}: object not found")))?;
    if object.kind != kind {
        let text = format!("{id} is a {}, not a {kind}", object.kind);
        return Err(Error::Object(text));
    }
    Ok((pack, object))
}

fn whole(objects: &Found, id: ObjectId, kind: Kind) -> Result<Vec<u8>, Error> {
    let (pack, object) = find(objects, id, kind)?;
    if object.size > MAX_WHOLE {
        let text = format!("{id}: a {kind} of more than {MAX_WHOLE} bytes");
        return Err(Error::Object(text));
    }
    let read = pack.contents(&object).and_then(Contents::whole);
    read.map_err(|error| Error::Object(format!("{id}: {error}")))
}
