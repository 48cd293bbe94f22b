//! Ways in for fuzzing: what reads foreign bytes, with no server around it. Compiled for fuzzing only.

use std::io;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use gix::objs::{CommitRef, TagRef, TreeRef};
use gix::progress::Discard;
use gix::protocol::LsRefsCommand;
use gix::protocol::transport::Protocol;
use gix::protocol::transport::client::git::{ConnectMode, blocking_io::Connection};
use tokio::runtime::{Builder, Runtime};

use crate::fetch::{self, Depth, Job};
use crate::greeting::greet;
use crate::pack::{Pack, Reader, receive};
use crate::reference::{Reference, Revision};
use crate::refs::Refs;
use crate::remote::Limits;
use crate::session::{Git, Session};
use crate::signature::Signed;
use crate::snapshot::{self, Snapshot};
use crate::ssh::{Host, Identity, KnownHosts};
use crate::url::RepositoryUrl;

/// Small, so that a bound that does not hold is seen.
const LIMITS: Limits = Limits {
    advertised_bytes: 1 << 20,
    pack_bytes: 1 << 20,
    objects: 500,
    object_bytes: 1 << 20,
    inflated_bytes: 8 << 20,
    entries: 500,
    depth: 30,
};
const HASH: gix::hash::Kind = gix::hash::Kind::Sha1;

fn in_session<T>(work: impl FnOnce(&Session) -> T) -> T {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(1).enable_all();
        builder.build().expect("the system starts a thread")
    });
    static GIT: LazyLock<Git> = LazyLock::new(|| Git::new(1));
    let _runtime = RUNTIME.enter();
    let (session, _stop) = Session::start(Duration::from_secs(5), &GIT);
    work(&session)
}

/// Indexes a pack of `count` objects whose entries are `bytes`, and reads whatever is in it as commits and trees.
pub fn pack(bytes: &[u8], count: u8) {
    let mut pack = [
        b"PACK\0\0\0\x02".as_slice(),
        &u32::from(count).to_be_bytes(),
        bytes,
    ]
    .concat();
    let mut hasher = gix::hash::hasher(HASH);
    hasher.update(&pack);
    let Ok(sum) = hasher.try_finalize() else {
        return;
    };
    pack.extend_from_slice(sum.as_slice());
    let folder = tempfile::tempdir().expect("makes a folder");
    in_session(|session| {
        if let Ok(pack) = receive(&mut pack.as_slice(), folder, session, LIMITS) {
            read_all(Arc::new(pack), session);
        }
    });
}

fn read_all(pack: Arc<Pack>, session: &Session) {
    let ids: Vec<_> = pack.ids().take(50).collect();
    let objects = Reader::new(Arc::clone(&pack));
    for id in ids {
        let object = objects.find(&id).expect("is listed");
        let contents = objects.contents(&object).expect("was made before");
        let bytes = contents.whole().expect("was made before");
        let hashed = gix::objs::compute_hash(HASH, object.kind, &bytes);
        assert_eq!(hashed.ok(), Some(id), "an object is what it is found by");
        let revision = Revision {
            prefix: None,
            commit: id,
            tag: None,
        };
        let found = Snapshot::youngest(Arc::clone(&pack), &[revision], LIMITS);
        if let Ok((_, snapshot)) = found {
            snapshot.entries(session).ok();
            snapshot.signed_commit().ok();
            let _ = snapshot.commit().subject();
        }
    }
}

/// Reads `bytes` as all that a server says: capabilities, refs, a pack.
pub fn conversation(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("makes a folder");
    let mut transport = Connection::new(
        bytes,
        io::sink(),
        Protocol::V2,
        "/app.git",
        None::<(&str, _)>,
        ConnectMode::Process,
        false,
    );
    let Ok(mut handshake) = greet(&mut transport) else {
        return;
    };
    let refs =
        match handshake.refs.take() {
            Some(refs) => Ok(refs),
            None => LsRefsCommand::new(None, &handshake.capabilities, fetch::agent())
                .invoke_blocking(&mut transport, &mut Discard, false),
        };
    let Ok(refs) = refs else {
        return;
    };
    let refs = Refs::from_advertised(refs);
    for reference in [
        Reference::Branch("main".to_owned()),
        Reference::Semver(">=0.0.0-0".to_owned()),
        Reference::Name("refs/tags/v1^{}".to_owned()),
    ] {
        reference.resolve(&refs, "https://git.example/app.git").ok();
    }
    let wants = [gix::ObjectId::null(HASH)];
    let job = Job {
        wants: &wants,
        depth: Depth::One,
        without_files: false,
        directory: folder.path(),
        limits: LIMITS,
    };
    in_session(|session| fetch::pack(&mut transport, &mut handshake, &job, session).is_ok());
}

/// Reads `bytes` as a commit, a tag and a tree.
pub fn object(bytes: &[u8]) -> (Option<Signed>, Signed) {
    if let Ok(tree) = TreeRef::from_bytes(bytes, HASH) {
        for entry in tree.entries {
            snapshot::checked_name(entry.filename, snapshot::EntryKind::Symlink).ok();
        }
    }
    if let Ok(commit) = CommitRef::from_bytes(bytes, HASH) {
        commit.time().ok();
    }
    if let Ok(tag) = TagRef::from_bytes(bytes, HASH) {
        tag.target();
    }
    (Signed::commit(bytes).ok(), Signed::tag(bytes))
}

/// Reads `file` as known_hosts, and asks it for some hosts.
pub fn known_hosts(file: &[u8]) {
    let Ok(known) = KnownHosts::parse(file) else {
        return;
    };
    for (name, port) in [("git.example", 22), ("::1", 2222), ("", 0)] {
        let name = name.to_owned();
        known.wanted(&Host { name, port });
    }
}

/// Reads `file` as a private key, with and without a password.
pub fn identity(file: &[u8]) {
    Identity::parse(file, None).ok();
    Identity::parse(file, Some("password")).ok();
}

/// Reads a URL as a repository's: nothing of the user and the password is shown, and requests go to the host it names.
pub fn url(text: &str) {
    let Ok(url) = RepositoryUrl::parse(text) else {
        return;
    };
    let (user, password) = url.user_info();
    assert!(user.len() + password.len() <= 3 * text.len() + 6);
    // Hosts of other schemes keep their escapes; nothing is sent to them.
    let served = matches!(&*url.scheme(), "http" | "https");
    if let (true, Ok(target)) = (served && text.is_ascii(), url.target()) {
        let host = target.host_str().unwrap_or_default();
        let host = host.trim_matches(['[', ']']).to_lowercase();
        assert!(target.username().is_empty() && target.password().is_none());
        let named = url.host().to_lowercase();
        assert!(named == host || named.contains(':') || named.contains("xn--"));
    }
    url.undialled();
}
