//! Trees first, and then the files that are wanted, where the server can leave out files.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use harness::{GitServer, Repository};
use weir_git::{Entry, EntryKind, Error, Git, Purpose, Reference, RemoteOptions};

/// Bytes that do not deflate, as text.
fn noise(length: usize) -> String {
    let mut state = 7_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + (state % 90) as u8)
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// Bytes in all files below a folder.
fn on_disk(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("lists").flatten();
    let size = |entry: std::fs::DirEntry| match entry.metadata().expect("is there") {
        folder if folder.is_dir() => on_disk(&entry.path()),
        file => file.len(),
    };
    entries.map(size).sum()
}

/// What came of files whose paths begin with `wanted`: their contents, the others that are there all the same, and
/// bytes on disk.
async fn fetch(repo: &Repository, wanted: &'static str) -> (Vec<String>, usize, u64) {
    let url = repo.url().to_owned();
    let folder = tempfile::tempdir().expect("makes a folder");
    let git = Git::new(1).with_folder(folder.path());
    let work = git.run(Duration::from_secs(60), move |session| {
        let remote = session.remote(&url, RemoteOptions::default())?;
        let mut connection = remote.connect(session, Purpose::Clone)?;
        let resolved = connection.resolve(&Reference::Branch("main".to_owned()))?;
        let (_, mut snapshot) = connection.fetch_trees(&resolved)?;
        let file = |entry: &Entry| matches!(entry.kind, EntryKind::File { .. });
        let entries = snapshot.entries(session)?.into_iter().filter(file);
        let (chosen, others): (Vec<_>, Vec<_>) =
            entries.partition(|entry| entry.path.starts_with(wanted));
        let ids: Vec<_> = chosen.iter().map(|entry| entry.id).collect();
        connection.complete(&mut snapshot, &ids)?;
        // What is there is not asked for again.
        connection.complete(&mut snapshot, &ids)?;
        let mut contents = Vec::new();
        for id in ids {
            contents.push(String::from_utf8(snapshot.read(id)?).expect("is text"));
        }
        let others = others
            .iter()
            .filter(|entry| snapshot.read(entry.id).is_ok());
        Ok::<_, Error>((contents, others.count()))
    });
    let (contents, others) = work.await.expect("fetches");
    (contents, others, on_disk(folder.path()))
}

#[tokio::test]
async fn files_that_nobody_wants_stay_where_they_are() {
    let server = GitServer::start().expect("starts");
    let repo = server.repo("app").expect("is made");
    let large = noise(300_000);
    let files = [
        ("apps/a", "1"),
        ("apps/b", "2"),
        ("apps/same", "1"),
        ("large", large.as_str()),
    ];
    repo.commit(&files, "first").expect("commits");
    let apps = || ["1", "2", "1"].map(str::to_owned).to_vec();

    let (contents, others, bytes) = fetch(&repo, "apps/").await;
    assert_eq!((contents, others), (apps(), 0));
    assert!(bytes < 5_000, "{bytes}");
    let posts = repo
        .requests()
        .iter()
        .filter(|it| it.starts_with("POST"))
        .count();
    assert_eq!(posts, 3, "refs, trees, files");

    let (contents, others, bytes) = fetch(&repo, "large").await;
    assert_eq!((contents, others), (vec![large], 0));
    assert!(bytes > 200_000, "{bytes}");

    // A server that cannot, or may not, hands out all at once.
    repo.git(&["config", "uploadpack.allowFilter", "false"])
        .expect("is set");
    let before = repo.requests().len();
    let (contents, others, bytes) = fetch(&repo, "apps/").await;
    assert_eq!((contents, others), (apps(), 1));
    assert!(bytes > 200_000, "{bytes}");
    assert_eq!(repo.requests().len() - before, 3, "hello, refs, all");
}

#[tokio::test]
async fn more_files_than_can_be_named_come_with_all_others() {
    const FILES: usize = 20_001;
    let server = GitServer::start().expect("starts");
    let repo = server.repo("app").expect("is made");
    let mut input =
        "commit refs/heads/main\ncommitter a <a@b> 1700000000 +0000\ndata 1\nx\n".to_owned();
    for file in 0..FILES {
        let text = file.to_string();
        input += &format!("M 100644 inline many/{file}\ndata {}\n{text}\n", text.len());
    }
    input += "M 100644 inline other\ndata 5\nother\n\n";
    let mut import = Command::new("git")
        .args(["fast-import", "--quiet"])
        .current_dir(repo.path())
        .stdin(Stdio::piped())
        .spawn()
        .expect("git starts");
    let mut stdin = import.stdin.take().expect("is piped");
    stdin.write_all(input.as_bytes()).expect("git reads");
    drop(stdin);
    assert!(import.wait().expect("git ends").success());

    let (contents, others, _) = fetch(&repo, "many/").await;
    assert_eq!((contents.len(), others), (FILES, 1));
    let (contents, others, _) = fetch(&repo, "many/1").await;
    assert_eq!((contents.len(), others), (11_111, 0));
}
