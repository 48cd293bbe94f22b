//! Trees that want to hurt, over every way there is to a repository.

use harness::{GitServer, Repository, SshServer, SshServerOptions, openssh, ssh_key_of};
use russh::keys::Algorithm;
use weir_git::{Git, RemoteOptions, SshKey};

#[path = "hostile/fetch.rs"]
mod fetch;
#[expect(dead_code, reason = "hostile.rs uses the rest")]
#[path = "hostile/pack.rs"]
mod pack;
#[expect(dead_code, reason = "hostile.rs uses the rest")]
#[path = "hostile/server.rs"]
mod server;

use fetch::{fetch_by, main_branch};
use pack::{BLOB, COMMIT, Pack, TREE, commit, hex, tree};
use server::{Reply, Script, Server, hello, line, packets};

/// Makes `main` a commit whose tree has one entry, at the root or in a folder.
fn with_entry(repo: &Repository, mode: &str, name: &[u8], inside: bool) {
    let what = if mode == "40000" {
        "first^{tree}"
    } else {
        "first:blob"
    };
    let id = repo.git(&["rev-parse", what]).expect("is there");
    let raw = |mode: &str, name: &[u8], id: &str| {
        let mut bytes = [mode.as_bytes(), b" ", name, b"\0"].concat();
        let digit = |at: usize| u8::from_str_radix(&id[at..at + 2], 16).expect("is hex");
        bytes.extend((0..40).step_by(2).map(digit));
        std::fs::write(repo.path().join("raw"), bytes).expect("writes");
        let hash = ["hash-object", "-t", "tree", "-w", "--literally", "raw"];
        repo.git(&hash).expect("hashes")
    };
    let mut tree = raw(mode, name, &id);
    if inside {
        tree = raw("40000", b"folder", &tree);
    }
    let commit = repo.git(&["commit-tree", &tree, "-m", "hostile"]);
    repo.branch("main", &commit.expect("commits"))
        .expect("moves");
}

/// Modes and names of git's own checks of trees, and what file systems take for `.git`.
const ENTRIES: [(&str, &[u8]); 32] = [
    ("100644", b"."),
    ("100644", b".."),
    ("40000", b".."),
    ("100644", b".git"),
    ("40000", b".git"),
    ("120000", b".git"),
    ("160000", b".git"),
    ("100644", b".GIT"),
    ("40000", b".Git"),
    ("40000", b".gIt"),
    ("100644", b"git~1"),
    ("40000", b"GIT~1"),
    ("100644", b".git "),
    ("40000", b".git."),
    ("40000", b".git . ."),
    ("40000", b".git::$INDEX_ALLOCATION"),
    ("100644", b".git:stream"),
    ("40000", b".git\\hooks"),
    ("100644", b"a\\b"),
    ("100644", b"..\\x"),
    ("100644", b"\\x"),
    ("100644", b"a/b"),
    ("100644", b"/etc/passwd"),
    ("100644", b"../x"),
    ("40000", ".g\u{200c}it".as_bytes()),
    ("40000", "\u{feff}.git".as_bytes()),
    ("40000", ".gi\u{200d}t".as_bytes()),
    ("40000", ".GI\u{206a}T".as_bytes()),
    ("120000", b".gitmodules"),
    ("120000", b".GITMODULES"),
    ("120000", b"gitmod~1"),
    ("100644", b"a\xff"),
];

#[tokio::test]
async fn names_that_no_checkout_should_see_are_refused_over_http_and_ssh() {
    let http = GitServer::start().expect("starts");
    let repo = http.repo("app").expect("is made");
    let first = repo.commit(&[("blob", "x")], "first").expect("commits");
    repo.tag("first", &first).expect("tags");
    let ssh = SshServer::start(http.folder().to_path_buf(), SshServerOptions::default());
    let ssh = ssh.expect("starts");
    let key = ssh_key_of(Algorithm::Ed25519).expect("makes a key");
    ssh.admit(key.public_key());
    let options = RemoteOptions {
        ssh: Some(SshKey {
            identity: openssh(&key).expect("prints"),
            password: None,
            known_hosts: ssh.known_hosts().expect("prints").into_bytes(),
        }),
        ..RemoteOptions::default()
    };
    let git = Git::new(1);
    let over_ssh = ssh.url("app");
    for (number, (mode, name)) in ENTRIES.into_iter().enumerate() {
        with_entry(&repo, mode, name, number % 3 == 1);
        for url in [repo.url(), &over_ssh] {
            let outcome = fetch_by(&git, url, main_branch(), options.clone()).await;
            let shown = String::from_utf8_lossy(name).into_owned();
            let expected = format!("invalid path component: {shown:?}");
            assert_eq!(outcome, Err(expected), "{mode} {shown} at {url}");
        }
    }
}

/// Makes `main` a commit of a tree of these entries, as they are.
fn with_tree(repo: &Repository, entries: &[(&str, &str, &str)]) {
    let mut bytes = Vec::new();
    for (mode, name, id) in entries {
        bytes.extend([mode.as_bytes(), b" ", name.as_bytes(), b"\0"].concat());
        let digit = |at: usize| u8::from_str_radix(&id[at..at + 2], 16).expect("is hex");
        bytes.extend((0..40).step_by(2).map(digit));
    }
    std::fs::write(repo.path().join("raw"), bytes).expect("writes");
    let hash = ["hash-object", "-t", "tree", "-w", "--literally", "raw"];
    let tree = repo.git(&hash).expect("hashes");
    let commit = repo.git(&["commit-tree", &tree, "-m", "malformed"]);
    repo.branch("main", &commit.expect("commits"))
        .expect("moves");
}

#[tokio::test]
async fn trees_that_gits_own_checks_complain_of_hold_each_path_once_or_are_refused() {
    let server = GitServer::start().expect("starts");
    let repo = server.repo("app").expect("is made");
    repo.commit(&[("f", "x"), ("d/y", "z")], "first")
        .expect("commits");
    let id = |what: &str| repo.git(&["rev-parse", what]).expect("is there");
    let (file, folder) = (id("main:f"), id("main:d"));
    let (file, folder) = (file.as_str(), folder.as_str());
    let git = Git::new(1);
    let twice = "occurs twice";
    for (entries, expected) in [
        // A link, and a file under it: what a checkout would write through.
        (vec![("120000", "a", file), ("40000", "a", folder)], twice),
        (vec![("40000", "a", folder), ("120000", "a", file)], twice),
        (vec![("100644", "a", file), ("40000", "a", folder)], twice),
        (vec![("100644", "a", file), ("100755", "a", file)], twice),
        (
            vec![
                ("100644", "a", file),
                ("100644", "b", file),
                ("100644", "a", file),
            ],
            twice,
        ),
        // Out of order, modes that git wrote long ago or never: each path is there once.
        (vec![("100644", "b", file), ("100644", "a", file)], ""),
        (vec![("040000", "d", folder)], ""),
        (vec![("100664", "a", file)], ""),
        (vec![("100600", "a", file)], ""),
    ] {
        with_tree(&repo, &entries);
        let outcome = fetch_by(&git, repo.url(), main_branch(), RemoteOptions::default()).await;
        match (&outcome, expected) {
            (Ok(_), "") => {}
            (Err(error), text) if !text.is_empty() => {
                assert!(error.contains(text), "{entries:?}: {error}");
            }
            _ => panic!("{entries:?}: {outcome:?}"),
        }
    }
}

#[tokio::test]
async fn names_that_git_itself_does_not_send_are_refused() {
    for (mode, name) in [
        ("100644", ""),
        ("40000", ""),
        ("120000", ""),
        ("100644", "."),
    ] {
        let mut pack = Pack::default();
        let (blob, _) = pack.add(BLOB, b"x");
        let (folder, _) = pack.add(TREE, &tree(&[("100644", "file", blob)]));
        let id = if mode == "40000" { folder } else { blob };
        let (root, _) = pack.add(TREE, &tree(&[(mode, name, id)]));
        let (tip, _) = pack.add(COMMIT, &commit(root));
        let main = line(format!("{} refs/heads/main\n", hex(tip)).as_bytes());
        let mut answer = packets(&hex(tip), &pack.finish());
        answer.extend_from_slice(b"0000");
        let server = Server::start(Script {
            hello: Reply::Bytes(hello()),
            refs: Reply::Bytes([main.as_slice(), b"0000"].concat()),
            pack: Reply::Bytes(answer),
        });
        let git = Git::new(1);
        let outcome = fetch_by(&git, &server.url(), main_branch(), RemoteOptions::default()).await;
        let expected = format!("invalid path component: {name:?}");
        assert_eq!(outcome, Err(expected), "{mode}");
    }
}
