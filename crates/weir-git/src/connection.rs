//! A conversation with a server.

use gix::ObjectId;
use gix::protocol::handshake::Ref;
use gix::protocol::ls_refs::RefPrefixes;
use gix::protocol::transport::Protocol;
use gix::protocol::transport::client::blocking_io::{Transport, http};
use gix::protocol::{Handshake, LsRefsCommand};

use crate::error::{Error, Purpose, RemoteError};
use crate::fetch::{self, Depth};
use crate::fetches::{Key, Objects, Part, Turn};
use crate::greeting::greet;
use crate::http::{Budget, Http};
use crate::pack::Pack;
use crate::reference::{Reference, Resolved, Revision};
use crate::refs::Refs;
use crate::remote::{Access, Remote, chain};
use crate::session::Session;
use crate::snapshot::Snapshot;

/// Files that are asked for by name at once: a request of a mebibyte.
const MAX_NAMED: usize = 20_000;

impl Remote {
    /// Opens a conversation; blocks.
    ///
    /// # Errors
    /// [`Error::List`] or [`Error::Clone`], as `purpose` says.
    pub fn connect<'a>(
        &'a self,
        session: &'a Session,
        purpose: Purpose,
    ) -> Result<Connection<'a>, Error> {
        let budget = Budget::new(self.limits.advertised_bytes);
        let fail = |error: String| {
            let source = budget.failure().take();
            let source = source.unwrap_or(RemoteError::Protocol(error));
            Error::remote(purpose, &self.shown, source)
        };
        let mut transport: Box<dyn Transport + Send> = match &self.access {
            Access::Ssh(access) => access
                .open(session, &budget)
                .map_err(|source| Error::remote(purpose, &self.shown, source))?,
            Access::Nowhere(why) => return Err(fail(why.clone())),
            Access::Http(web) => {
                let http = Http::new(web, session.clone(), budget.clone());
                let base = web.url.as_str().trim_end_matches('/').to_owned();
                let url =
                    gix::url::parse(base.as_str()).map_err(|error| fail(error.to_string()))?;
                Box::new(http::Transport::new_http(http, url, Protocol::V2, false))
            }
        };
        let mut handshake = greet(&mut transport).map_err(&fail)?;
        let format = handshake.capabilities.capability("object-format");
        if let Some(format) = format.and_then(|format| format.value())
            && format != "sha1"
        {
            return Err(fail(format!(
                "repositories with object format {format} are not supported"
            )));
        }
        let refs = handshake.refs.take();
        Ok(Connection {
            remote: self,
            session,
            purpose,
            transport,
            handshake,
            refs,
            budget,
        })
    }
}

/// A conversation with a server: list, then perhaps fetch.
pub struct Connection<'a> {
    remote: &'a Remote,
    session: &'a Session,
    purpose: Purpose,
    transport: Box<dyn Transport + Send>,
    handshake: Handshake,
    /// All refs, where the server speaks an old protocol and has sent them unasked.
    refs: Option<Vec<Ref>>,
    budget: Budget,
}

impl Connection<'_> {
    /// The commits that `reference` stands for right now.
    ///
    /// # Errors
    /// [`Error::Empty`] for a repository without commits, and what [`Reference`] can fail with.
    pub fn resolve(&mut self, reference: &Reference) -> Result<Resolved, Error> {
        reference.check()?;
        let prefixes = reference.prefixes();
        let refs = if prefixes.is_empty() {
            Refs::default()
        } else {
            self.list(&prefixes)?
        };
        match reference.resolve(&refs, &self.remote.shown) {
            Err(_) if !prefixes.is_empty() && self.list(&[])?.is_empty() => Err(Error::Empty),
            resolved => resolved,
        }
    }

    /// Fetches the one commit of `resolved`, without history. Who asks for the same with the same credentials
    /// shares the fetch; the objects are on disk as long as a snapshot is, and a little longer.
    ///
    /// # Errors
    /// [`Error::Clone`], [`Error::CommitNotFound`], [`Error::Object`].
    pub fn fetch(&mut self, resolved: &Resolved) -> Result<(Revision, Snapshot), Error> {
        self.fetch_part(resolved, Part::Whole)
    }

    /// Fetches as [`Connection::fetch`] does, but leaves the files out where the server can: those that are wanted
    /// [come later](Connection::complete).
    ///
    /// # Errors
    /// As [`Connection::fetch`].
    pub fn fetch_trees(&mut self, resolved: &Resolved) -> Result<(Revision, Snapshot), Error> {
        let part = if fetch::can_filter(&self.handshake) {
            Part::Trees
        } else {
            Part::Whole
        };
        self.fetch_part(resolved, part)
    }

    /// Fetches what `snapshot` lacks of `files`; all files, where there are too many or the server does not hand
    /// them out.
    ///
    /// # Errors
    /// As [`Connection::fetch`].
    pub fn complete(&mut self, snapshot: &mut Snapshot, files: &[ObjectId]) -> Result<(), Error> {
        let lacks = |id: &&ObjectId| !snapshot.has(id);
        let mut lacking: Vec<ObjectId> = files.iter().filter(lacks).copied().collect();
        lacking.sort_unstable();
        lacking.dedup();
        if lacking.is_empty() || !snapshot.is_partial() {
            return Ok(());
        }
        if lacking.len() <= MAX_NAMED
            && let Ok(objects) = self.objects(lacking, Part::Named)
        {
            snapshot.add(objects);
        }
        if files.iter().all(|id| snapshot.has(id)) {
            return Ok(());
        }
        // Who has been refused may not be listened to any more.
        let mut again = self.remote.connect(self.session, self.purpose)?;
        let wants = vec![snapshot.commit().id];
        snapshot.add_whole(again.objects(wants, Part::Whole)?);
        Ok(())
    }

    fn fetch_part(
        &mut self,
        resolved: &Resolved,
        part: Part,
    ) -> Result<(Revision, Snapshot), Error> {
        let commits = resolved.candidates.iter().map(|one| one.commit);
        let tags = resolved
            .candidates
            .iter()
            .filter_map(|one| one.tag.as_ref()?.object);
        let objects = self.objects(commits.chain(tags).collect(), part)?;
        let limits = self.remote.limits;
        let (revision, mut snapshot) = Snapshot::youngest(objects, &resolved.candidates, limits)?;
        if part == Part::Trees {
            snapshot.lack_files();
        }
        Ok((revision, snapshot))
    }

    /// What somebody else has fetched, or nobody yet.
    fn objects(&mut self, wants: Vec<ObjectId>, part: Part) -> Result<Objects, Error> {
        let (url, options) = self.remote.given.clone();
        let key = Key {
            url,
            options,
            wants,
            part,
        };
        let fetches = self.session.fetches();
        match fetches.turn(&key, self.session)? {
            Turn::Have(objects) => Ok(objects),
            Turn::Fetch(lead) => {
                let fetched = self.fetch_alone(&key)?;
                Ok(lead.done(fetched, self.session))
            }
        }
    }

    fn fetch_alone(&mut self, key: &Key) -> Result<Pack, Error> {
        let directory = self.session.fetches().folder();
        let directory = directory.map_err(|error| {
            let source = RemoteError::Protocol(error.to_string());
            Error::remote(Purpose::Clone, &self.remote.shown, source)
        })?;
        let (limits, wants) = (self.remote.limits, key.wants.len());
        let (depth, most) = match key.part {
            // Without history, each object is an entry of a wanted commit's tree.
            Part::Whole | Part::Trees => (Depth::One, limits.entries.saturating_mul(wants)),
            Part::Named => (Depth::Full, wants),
        };
        let job = fetch::Job {
            wants: &key.wants,
            depth,
            without_files: key.part == Part::Trees,
            directory: &directory,
            limits: limits.of_objects(most),
        };
        let outcome = match self.pack(&job) {
            Err(RemoteError::Protocol(text)) if unadvertised(&text) && key.part != Part::Named => {
                self.pack_of_heads(&job)
            }
            outcome => outcome,
        };
        outcome.map_err(|source| {
            let missing = matches!(&source, RemoteError::Protocol(text) if unadvertised(text));
            match (missing, key.wants.first()) {
                (true, Some(commit)) => Error::CommitNotFound(commit.to_string()),
                _ => Error::remote(Purpose::Clone, &self.remote.shown, source),
            }
        })
    }

    /// All branches with their history, for servers that hand out advertised commits only.
    fn pack_of_heads(&mut self, job: &fetch::Job<'_>) -> Result<Pack, RemoteError> {
        let refs = self.advertised(&["refs/heads/".to_owned()])?;
        let mut heads: Vec<_> = refs.heads().collect();
        heads.sort_unstable();
        heads.dedup();
        if heads.is_empty() {
            return Err(RemoteError::Protocol("not our ref".to_owned()));
        }
        self.pack(&fetch::Job {
            wants: &heads,
            depth: Depth::Full,
            limits: self.remote.limits,
            ..*job
        })
    }

    fn pack(&mut self, job: &fetch::Job<'_>) -> Result<Pack, RemoteError> {
        self.budget.refill(job.limits.pack_bytes);
        let fetched = fetch::pack(&mut self.transport, &mut self.handshake, job, self.session);
        fetched.map_err(|text| {
            let stopped = self.session.check().err();
            match (self.budget.failure().take(), stopped) {
                (Some(failure), _) => failure,
                (None, Some(Error::Stopped(stopped))) => RemoteError::Stopped(stopped),
                (None, _) => RemoteError::Protocol(text),
            }
        })
    }

    fn list(&mut self, prefixes: &[String]) -> Result<Refs, Error> {
        let (purpose, url) = (self.purpose, self.remote.shown.clone());
        self.advertised(prefixes)
            .map_err(|source| Error::remote(purpose, &url, source))
    }

    fn advertised(&mut self, prefixes: &[String]) -> Result<Refs, RemoteError> {
        if let Some(refs) = &self.refs {
            return Ok(Refs::from_advertised(refs.clone()));
        }
        self.budget.refill(self.remote.limits.advertised_bytes);
        let mut wanted = RefPrefixes::new();
        wanted.extend(prefixes.iter().map(|prefix| prefix.as_str().into()));
        let prefixes = (!prefixes.is_empty()).then_some(wanted);
        let command = LsRefsCommand::new(prefixes, &self.handshake.capabilities, fetch::agent());
        let listed =
            command.invoke_blocking(&mut self.transport, &mut gix::progress::Discard, false);
        listed.map(Refs::from_advertised).map_err(|error| {
            let failure = self.budget.failure().take();
            failure.unwrap_or_else(|| RemoteError::Protocol(chain(&error)))
        })
    }
}

/// The server knows the commit not, or does not hand it out by its hash.
fn unadvertised(text: &str) -> bool {
    text.contains("not our ref") || text.contains("unadvertised object")
}
