//! Against the real `git http-backend`.

use std::time::Duration;

use harness::{Fault, GitServer};
use weir_git::{
    Credentials, EntryKind, Error, Git, Limits, Purpose, Reference, RemoteOptions, Revision, Tls,
};

/// What a fetch yields: revision, commit subject, and `kind path contents` per entry.
type Fetched = (String, String, Vec<String>);

async fn fetch_with(
    url: &str,
    reference: Reference,
    options: RemoteOptions,
) -> Result<Fetched, String> {
    let url = url.to_owned();
    let git = Git::new(2);
    let fetched = git.run(Duration::from_secs(20), move |session| {
        let remote = session.remote(&url, options)?;
        let mut connection = remote.connect(session, Purpose::Clone)?;
        let resolved = connection.resolve(&reference)?;
        let (revision, snapshot) = connection.fetch(&resolved)?;
        let mut lines = Vec::new();
        for entry in snapshot.entries(session)? {
            let content = match entry.kind {
                EntryKind::File { .. } | EntryKind::Symlink => snapshot.read(entry.id)?,
                _ => Vec::new(),
            };
            lines.push(format!(
                "{:?} {} {}",
                entry.kind,
                entry.path,
                String::from_utf8_lossy(&content)
            ));
        }
        Ok::<_, Error>((revision.to_string(), snapshot.commit().subject(), lines))
    });
    fetched.await.map_err(|error| {
        let source = std::error::Error::source(&error);
        source.map_or(error.to_string(), |source| format!("{error}: {source}"))
    })
}

async fn fetch(url: &str, reference: Reference) -> Result<Fetched, String> {
    fetch_with(url, reference, RemoteOptions::default()).await
}

fn branch(name: &str) -> Reference {
    Reference::Branch(name.to_owned())
}

#[tokio::test]
async fn a_branch_is_fetched_without_history_and_walked_in_order() {
    let server = GitServer::start().expect("starts");
    let repo = server.repo("app").expect("is made");
    repo.commit(&[("old", "1")], "first").expect("commits");
    let files = [("a/x", "1"), ("a.b", "2"), ("a/b/c", "3")];
    let head = repo
        .commit(&files, "second: more\n\nbody")
        .expect("commits");
    let (revision, subject, entries) = fetch(repo.url(), branch("main")).await.expect("fetches");
    assert_eq!(revision, format!("main@sha1:{head}"));
    assert_eq!(subject, "second: more");
    assert_eq!(
        entries,
        [
            "Dir a ",
            "Dir a/b ",
            "File { executable: false } a/b/c 3",
            "File { executable: false } a/x 1",
            "File { executable: false } a.b 2",
            "File { executable: false } old 1",
        ]
    );
}

#[tokio::test]
async fn tags_are_peeled_and_ties_go_to_the_youngest_commit() {
    let server = GitServer::start().expect("starts");
    let repo = server.repo("app").expect("is made");
    let first = repo.commit(&[("a", "1")], "first").expect("commits");
    repo.annotated_tag("v1", &first, "release").expect("tags");
    repo.tag("1.0.0+z", &first).expect("tags");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let second = repo.commit(&[("a", "2")], "second").expect("commits");
    repo.tag("1.0.0+b", &second).expect("tags");
    let (revision, ..) = fetch(repo.url(), Reference::Tag("v1".to_owned()))
        .await
        .expect("fetches");
    assert_eq!(revision, format!("v1@sha1:{first}"));
    let range = Reference::Semver("1.x".to_owned());
    let (revision, ..) = fetch(repo.url(), range).await.expect("fetches");
    assert_eq!(revision, format!("1.0.0+b@sha1:{second}"));
    let name = Reference::Name("refs/tags/v1".to_owned());
    let (revision, ..) = fetch(repo.url(), name).await.expect("fetches");
    assert_eq!(revision, format!("refs/tags/v1@sha1:{first}"));
}

#[tokio::test]
async fn a_commit_is_fetched_by_its_hash_or_through_the_branches() {
    let server = GitServer::start().expect("starts");
    let repo = server.repo("app").expect("is made");
    let first = repo.commit(&[("a", "1")], "first").expect("commits");
    repo.commit(&[("a", "2")], "second").expect("commits");
    let commit = |id: &str| Reference::Commit {
        id: id.to_owned(),
        prefix: Some("main".to_owned()),
    };
    let (revision, _, entries) = fetch(repo.url(), commit(&first)).await.expect("fetches");
    assert_eq!(revision, format!("main@sha1:{first}"));
    assert_eq!(entries, ["File { executable: false } a 1"]);
    // A server that only speaks the old protocol and gives nothing by hash.
    repo.git(&["config", "uploadpack.allowAnySHA1InWant", "false"])
        .expect("configures");
    repo.git(&["config", "protocol.version", "0"])
        .expect("configures");
    let (revision, ..) = fetch(repo.url(), commit(&first)).await.expect("fetches");
    assert_eq!(revision, format!("main@sha1:{first}"));
    let missing = "1".repeat(40);
    assert_eq!(
        fetch(repo.url(), commit(&missing)).await,
        Err(format!(
            "unable to resolve commit object for '{missing}': object not found"
        ))
    );
}

#[tokio::test]
async fn what_is_missing_is_said_in_upstreams_words() {
    let server = GitServer::start().expect("starts");
    let repo = server.repo("app").expect("is made");
    assert_eq!(
        fetch(repo.url(), branch("main")).await,
        Err("git repository is empty".to_owned())
    );
    repo.commit(&[("a", "1")], "first").expect("commits");
    let url = repo.url();
    assert_eq!(
        fetch(url, branch("nope")).await,
        Err(format!(
            "unable to clone '{url}': couldn't find remote ref \"refs/heads/nope\""
        ))
    );
    let absent = format!("{}/absent.git", server.url());
    let text = fetch(&absent, branch("main"))
        .await
        .expect_err("is not there");
    assert!(
        text.starts_with(&format!(
            "unable to clone '{absent}': repository not found: "
        )),
        "{text}"
    );
    let closed = "http://127.0.0.1:9/app.git";
    assert_eq!(
        fetch(closed, branch("main")).await,
        Err(format!(
            "unable to clone '{closed}': Get \"{closed}/info/refs?service=git-upload-pack\": \
             dial tcp 127.0.0.1:9: connect: connection refused"
        ))
    );
}

#[tokio::test]
async fn credentials_open_the_door_and_wrong_ones_do_not_leak() {
    let server = GitServer::start().expect("starts");
    let repo = server.repo("app").expect("is made");
    repo.commit(&[("a", "1")], "first").expect("commits");
    repo.require_basic("alice", "s3cret");
    let basic = |password: &str| RemoteOptions {
        credentials: Some(Credentials::Basic {
            username: "alice".to_owned(),
            password: password.to_owned(),
        }),
        ..RemoteOptions::default()
    };
    fetch_with(repo.url(), branch("main"), basic("s3cret"))
        .await
        .expect("fetches");
    let text = fetch_with(repo.url(), branch("main"), basic("canary"))
        .await
        .expect_err("is refused");
    assert!(text.contains("authentication required: "), "{text}");
    assert!(!text.contains("canary"), "{text}");
    repo.require_bearer("token");
    let bearer = RemoteOptions {
        credentials: Some(Credentials::Bearer("token".to_owned())),
        ..RemoteOptions::default()
    };
    fetch_with(repo.url(), branch("main"), bearer)
        .await
        .expect("fetches");
}

#[tokio::test]
async fn a_private_authority_is_trusted_only_if_given() {
    let server = GitServer::start_tls().expect("starts");
    let repo = server.repo("app").expect("is made");
    repo.commit(&[("a", "1")], "first").expect("commits");
    let text = fetch(repo.url(), branch("main"))
        .await
        .expect_err("is refused");
    assert!(
        text.ends_with("x509: certificate signed by unknown authority"),
        "{text}"
    );
    let ca = server.ca().map(|ca| ca.as_bytes().to_vec());
    let options = RemoteOptions {
        tls: Tls { ca, identity: None },
        ..RemoteOptions::default()
    };
    fetch_with(repo.url(), branch("main"), options)
        .await
        .expect("fetches");
}

#[tokio::test]
async fn bounds_hold_whatever_the_server_sends() {
    let server = GitServer::start().expect("starts");
    let repo = server.repo("app").expect("is made");
    repo.commit(&[("a", &"x".repeat(100_000)), ("b/c/d", "1")], "first")
        .expect("commits");
    let limited = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        RemoteOptions {
            limits,
            ..RemoteOptions::default()
        }
    };
    for (options, text) in [
        (
            limited(|limits| limits.advertised_bytes = 10),
            "more than is allowed",
        ),
        (
            limited(|limits| limits.pack_bytes = 100),
            "more than is allowed",
        ),
        (limited(|limits| limits.objects = 2), "more than 2 objects"),
        (limited(|limits| limits.object_bytes = 50_000), ""),
        (limited(|limits| limits.entries = 2), "more than 2 entries"),
        (limited(|limits| limits.depth = 2), "deeper than 2 folders"),
    ] {
        let error = fetch_with(repo.url(), branch("main"), options)
            .await
            .expect_err("is refused");
        assert!(error.contains(text), "{error}");
    }
}

#[tokio::test]
async fn a_slow_or_breaking_server_costs_no_more_than_the_time_out() {
    let server = GitServer::start().expect("starts");
    let repo = server.repo("app").expect("is made");
    repo.commit(&[("a", "1")], "first").expect("commits");
    for fault in [
        Fault::Drop,
        Fault::Cut(40),
        Fault::Status(500),
        Fault::Status(403),
    ] {
        repo.fault(Some(fault));
        fetch(repo.url(), branch("main")).await.expect_err("fails");
    }
    repo.fault(Some(Fault::Delay(Duration::from_secs(30))));
    let url = repo.url().to_owned();
    let started = std::time::Instant::now();
    let git = Git::new(1);
    let result = git.run(Duration::from_millis(300), move |session| {
        let remote = session.remote(&url, RemoteOptions::default())?;
        remote.connect(session, Purpose::Probe).map(|_| ())
    });
    let error: Error = result.await.expect_err("times out");
    let source = std::error::Error::source(&error).map(ToString::to_string);
    assert_eq!(source.as_deref(), Some("context deadline exceeded"));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn hostile_names_are_refused() {
    let server = GitServer::start().expect("starts");
    for (index, name) in ["..", ".git", ".GIT", "git~1", ".g\u{200c}it", "a\\b"]
        .into_iter()
        .enumerate()
    {
        let repo = server.repo(&format!("app{index}")).expect("is made");
        repo.commit(&[("blob", "x")], "first").expect("commits");
        let blob = repo.git(&["rev-parse", "main:blob"]).expect("is there");
        let tree = raw_tree(&repo, &[(name, &blob)]);
        let commit = repo
            .git(&["commit-tree", &tree, "-m", "hostile"])
            .expect("commits");
        repo.branch("main", &commit).expect("moves");
        let error = fetch(repo.url(), branch("main"))
            .await
            .expect_err("is refused");
        assert_eq!(error, format!("invalid path component: {name:?}"));
    }
    let repo = server.repo("twice").expect("is made");
    repo.commit(&[("blob", "x")], "first").expect("commits");
    let blob = repo.git(&["rev-parse", "main:blob"]).expect("is there");
    let tree = raw_tree(&repo, &[("a", &blob), ("a", &blob)]);
    let commit = repo
        .git(&["commit-tree", &tree, "-m", "hostile"])
        .expect("commits");
    repo.branch("main", &commit).expect("moves");
    let error = fetch(repo.url(), branch("main"))
        .await
        .expect_err("is refused");
    assert_eq!(error, "unable to read Git tree: \"a\" occurs twice");
}

/// Writes a tree that `git mktree` would refuse.
fn raw_tree(repo: &harness::Repository, entries: &[(&str, &str)]) -> String {
    let mut bytes = Vec::new();
    for (name, id) in entries {
        bytes.extend_from_slice(format!("100644 {name}\0").as_bytes());
        let digit = |index: usize| u8::from_str_radix(&id[index..index + 2], 16).expect("is hex");
        bytes.extend((0..40).step_by(2).map(digit));
    }
    let file = repo.path().join("raw-tree");
    std::fs::write(&file, bytes).expect("writes");
    repo.git(&["hash-object", "-t", "tree", "-w", "--literally", "raw-tree"])
        .expect("hashes")
}

#[test]
fn a_revision_prints_as_flux_writes_it() {
    let commit = weir_git::ObjectId::from_hex(&[b'a'; 40]).expect("is hex");
    let revision = Revision {
        prefix: None,
        commit,
        tag: None,
    };
    assert_eq!(revision.to_string(), format!("sha1:{}", "a".repeat(40)));
}

#[tokio::test]
async fn a_repository_of_another_object_format_is_refused_clearly() {
    let server = GitServer::start().expect("starts");
    let repo = server.repo("app").expect("is made");
    for entry in ["HEAD", "config", "objects", "refs"] {
        let path = repo.path().join(entry);
        if path.is_dir() {
            std::fs::remove_dir_all(path).expect("removes");
        } else {
            std::fs::remove_file(path).expect("removes");
        }
    }
    repo.git(&[
        "init",
        "--quiet",
        "--bare",
        "--initial-branch=main",
        "--object-format=sha256",
    ])
    .expect("makes");
    repo.commit(&[("a", "1")], "first").expect("commits");
    let error = fetch(repo.url(), branch("main"))
        .await
        .expect_err("is refused");
    let expected = format!(
        "unable to clone '{}': repositories with object format sha256 are not supported",
        repo.url()
    );
    assert_eq!(error, expected);
}

#[tokio::test]
async fn one_fetch_serves_all_who_have_the_same_credentials_and_each_lists_by_itself() {
    let server = GitServer::start().expect("starts");
    let repo = server.repo("app").expect("is made");
    repo.commit(&[("a", "1")], "first").expect("commits");
    let git = Git::new(8);
    let as_user = |username: &str| RemoteOptions {
        credentials: Some(Credentials::Basic {
            username: username.to_owned(),
            password: String::new(),
        }),
        ..RemoteOptions::default()
    };
    let fetch = |options: RemoteOptions| {
        let (git, url) = (git.clone(), repo.url().to_owned());
        tokio::spawn(async move {
            let work = git.run(Duration::from_secs(60), move |session| {
                let remote = session.remote(&url, options)?;
                let mut connection = remote.connect(session, Purpose::Clone)?;
                let resolved = connection.resolve(&branch("main"))?;
                let (revision, snapshot) = connection.fetch(&resolved)?;
                let entries = snapshot.entries(session)?;
                snapshot.read(entries[0].id)?;
                Ok::<_, Error>(revision.to_string())
            });
            work.await.expect("fetches")
        })
    };
    // Slow, so that all are at it at once.
    repo.fault(Some(Fault::Delay(Duration::from_millis(50))));
    let mut fetching: Vec<_> = (0..6).map(|_| fetch(as_user("alice"))).collect();
    fetching.push(fetch(as_user("bob")));
    let mut revisions = Vec::new();
    for one in fetching {
        revisions.push(one.await.expect("ends"));
    }
    revisions.dedup();
    assert_eq!(revisions.len(), 1);
    let posts = || {
        let requests = repo.requests();
        requests.iter().filter(|it| it.starts_with("POST")).count()
    };
    assert_eq!(posts(), 7 + 2, "seven listings, a fetch for each user");
    fetch(as_user("alice")).await.expect("ends");
    assert_eq!(posts(), 8 + 2, "fetched just now");
    let second = repo.commit(&[("a", "2")], "second").expect("commits");
    let revision = fetch(as_user("alice")).await.expect("ends");
    assert_eq!(revision, format!("main@sha1:{second}"));
    assert_eq!(posts(), 9 + 3, "another commit is another fetch");
}
