//! Servers that want to hurt: each costs a bounded amount of memory, disk and time, and says what is wrong.

use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use weir_git::{Entry, EntryKind, Error, Git, Limits, Purpose, Reference, RemoteOptions};

#[path = "hostile/pack.rs"]
mod pack;
#[path = "hostile/server.rs"]
mod server;

use pack::{BLOB, COMMIT, Id, Offset, Pack, TREE, commit, copy, delta, hex, tree};
use server::{Reply, Script, Server, hello, line, packets, refs};

/// Shared, as making an HTTP client reads the system's certificates.
static GIT: LazyLock<Git> = LazyLock::new(|| Git::new(8));

/// Small enough that a server that does not stop is seen to be stopped.
fn limits() -> Limits {
    Limits {
        advertised_bytes: 1 << 20,
        pack_bytes: 8 << 20,
        objects: 50_000,
        object_bytes: 4 << 20,
        inflated_bytes: 64 << 20,
        // Objects are bounded by this, too, and a few more.
        entries: 49_000,
        depth: 50,
    }
}

/// What a fetch of `main` ends in: the contents of all files, or the error with its cause.
async fn fetch_within(url: &str, limits: Limits, timeout: Duration) -> Result<usize, String> {
    let url = url.to_owned();
    let folder = tempfile::tempdir().expect("makes a folder");
    let git = GIT.clone().with_folder(folder.path());
    let fetched = git.run(timeout, move |session| {
        let options = RemoteOptions {
            limits,
            ..RemoteOptions::default()
        };
        let remote = session.remote(&url, options)?;
        let mut connection = remote.connect(session, Purpose::Clone)?;
        let resolved = connection.resolve(&Reference::Branch("main".to_owned()))?;
        let (_, snapshot) = connection.fetch(&resolved)?;
        let mut bytes = 0;
        let file = |entry: &Entry| matches!(entry.kind, EntryKind::File { .. });
        for entry in snapshot.entries(session)?.into_iter().filter(file) {
            bytes += snapshot.read(entry.id)?.len();
        }
        Ok::<_, Error>(bytes)
    });
    let fetched = fetched.await;
    if fetched.is_err() {
        assert_eq!(half(folder.path()), 0, "something half stays on disk");
    }
    drop(git);
    fetched.map_err(|error| {
        let source = std::error::Error::source(&error);
        source.map_or(error.to_string(), |source| format!("{error}: {source}"))
    })
}

/// Folders of objects that are not a whole pack, and perhaps the list of where its history ends.
fn half(folder: &Path) -> usize {
    let list = |path: &Path| std::fs::read_dir(path).expect("lists").flatten();
    let objects = list(folder).flat_map(|workspace| list(&workspace.path()));
    let whole = |objects: &Path| {
        let names: Vec<_> = list(objects).map(|file| file.file_name()).collect();
        let known = |name: &std::ffi::OsString| name == "pack" || name == "shallow";
        names.iter().all(known) && names.iter().any(|name| name == "pack")
    };
    objects
        .map(|entry| entry.path())
        .filter(|path| path.is_dir() && !whole(path))
        .count()
}

/// The same of who takes few entries.
async fn fetch_few(script: Script) -> Result<usize, String> {
    let server = Server::start(script);
    let few = Limits {
        entries: 1000,
        ..limits()
    };
    fetch_within(&server.url(), few, Duration::from_secs(60)).await
}

async fn fetch(script: Script) -> Result<usize, String> {
    let server = Server::start(script);
    fetch_within(&server.url(), limits(), Duration::from_secs(60)).await
}

/// A server with one commit of a blob and the given further objects in its pack.
fn script(commit: Id, pack: &[u8]) -> Script {
    let mut whole = packets(&hex(commit), pack);
    whole.extend_from_slice(b"0000");
    Script {
        hello: Reply::Bytes(hello()),
        refs: Reply::Bytes(refs(&hex(commit))),
        pack: Reply::Bytes(whole),
    }
}

/// A good pack with one file, its commit, and where the file's object is.
fn good(contents: &[u8]) -> (Pack, Id, Offset) {
    let mut pack = Pack::default();
    let (blob, at) = pack.add(BLOB, contents);
    let (root, _) = pack.add(TREE, &tree(&[("100644", "file", blob)]));
    let (commit, _) = pack.add(COMMIT, &commit(root));
    (pack, commit, at)
}

fn refused(outcome: &Result<usize, String>, text: &str) {
    assert!(
        outcome.as_ref().is_err_and(|error| error.contains(text)),
        "{text:?} is not in {outcome:?}"
    );
}

#[tokio::test]
async fn the_server_of_these_tests_serves_a_good_pack() {
    let (pack, commit, _) = good(b"contents");
    assert_eq!(fetch(script(commit, &pack.finish())).await, Ok(8));
}

#[tokio::test]
async fn truncated_and_damaged_packs_are_refused() {
    let (pack, commit, _) = good(&[b'x'; 3000]);
    let whole = pack.finish();
    for end in [
        0,
        3,
        11,
        12,
        13,
        whole.len() / 2,
        whole.len() - 21,
        whole.len() - 1,
    ] {
        fetch(script(commit, &whole[..end]))
            .await
            .expect_err("is truncated");
    }
    let mut wrong_sum = whole.clone();
    *wrong_sum.last_mut().expect("is not empty") ^= 1;
    let outcome = fetch(script(commit, &wrong_sum)).await;
    refused(&outcome, "checksum");
    for at in (12..whole.len()).step_by(7) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        fetch(script(commit, &damaged))
            .await
            .expect_err("is damaged");
    }
    fetch(script(commit, b"no pack at all, but long enough"))
        .await
        .expect_err("is no pack");
    let (empty, ..) = (Pack::default().finish(), ());
    fetch(script(commit, &empty))
        .await
        .expect_err("holds nothing");
}

#[tokio::test]
async fn more_objects_than_allowed_are_refused_by_the_header_alone() {
    let (pack, commit, _) = good(b"x");
    let mut bytes = pack.finish();
    bytes[8..12].copy_from_slice(&u32::MAX.to_be_bytes());
    let outcome = fetch(script(commit, &bytes)).await;
    refused(&outcome, "the pack holds more than 50000 objects");
    // Without history, there cannot be more than entries that may be.
    let outcome = fetch_few(script(commit, &bytes)).await;
    refused(&outcome, "the pack holds more than 2000 objects");
    // As many as allowed are announced, and three come.
    bytes[8..12].copy_from_slice(&50_000_u32.to_be_bytes());
    fetch(script(commit, &bytes))
        .await
        .expect_err("is too short");
}

#[tokio::test]
async fn a_few_bytes_that_inflate_to_very_many_stop_at_a_bound() {
    // One object above its own bound, as a whole and as a delta.
    let (pack, commit, _) = good(&vec![0; (4 << 20) + 1]);
    let bytes = pack.finish();
    assert!(bytes.len() < 10_000);
    fetch(script(commit, &bytes))
        .await
        .expect_err("is too large");

    let (mut pack, commit, at) = good(&vec![0; 1 << 20]);
    let instructions = copy(1 << 20).repeat(10_000);
    pack.delta(at, &delta(1 << 20, 10_000 << 20, &instructions));
    let bytes = pack.finish();
    assert!(
        bytes.len() < 10_000,
        "{} bytes stand for 10 GiB",
        bytes.len()
    );
    fetch(script(commit, &bytes))
        .await
        .expect_err("is too large");

    // Ten thousand objects that each may be: 30 GiB in all.
    let (mut pack, commit, at) = good(&vec![0; 1 << 20]);
    let three = delta(1 << 20, 3 << 20, &copy(1 << 20).repeat(3));
    for _ in 0..10_000 {
        pack.delta(at, &three);
    }
    let outcome = fetch(script(commit, &pack.finish())).await;
    refused(&outcome, "the pack inflates to more than 67108864 bytes");
}

#[tokio::test]
async fn deltas_that_lie_are_refused() {
    let contents = [b'x'; 100];
    for bytes in [
        // The base has another size; the result has; a copy leaves the base; an insert is cut short.
        delta(99, 100, &copy(100)),
        delta(100, 101, &copy(100)),
        delta(100, 200, &copy(200)),
        delta(100, 10, &[10, b'a']),
        // The instruction that means nothing, no instructions, no sizes.
        delta(100, 1, &[0]),
        delta(100, 1, &[]),
        vec![],
        vec![0xff; 30],
    ] {
        let (mut pack, commit, at) = good(&contents);
        pack.delta(at, &bytes);
        let outcome = fetch(script(commit, &pack.finish())).await;
        outcome.expect_err("is a lie");
    }
}

#[tokio::test]
async fn a_chain_of_ten_thousand_deltas_is_read_like_any_other() {
    let (mut pack, _, mut at) = good(b"0");
    let mut contents = Vec::new();
    for link in 1..=10_000_usize {
        contents = link.to_string().into_bytes();
        let size = (link - 1).to_string().len();
        let insert = [&[contents.len() as u8], contents.as_slice()].concat();
        at = pack.delta(at, &delta(size, contents.len(), &insert));
    }
    let last = pack::id("blob", &contents);
    let (root, _) = pack.add(TREE, &tree(&[("100644", "file", last)]));
    let (tip, _) = pack.add(COMMIT, &commit(root));
    let outcome = fetch(script(tip, &pack.finish())).await;
    assert_eq!(outcome, Ok(contents.len()));
}

#[tokio::test]
async fn deltas_in_a_circle_and_without_a_base_are_refused() {
    let (mut pack, commit, _) = good(b"x");
    let one = pack::id("blob", b"one");
    let two = pack::id("blob", b"two");
    pack.delta_of(one, &delta(3, 3, &[3, b't', b'w', b'o']));
    pack.delta_of(two, &delta(3, 3, &[3, b'o', b'n', b'e']));
    let outcome = fetch(script(commit, &pack.finish())).await;
    refused(&outcome, "could not be found");

    let (mut pack, commit, _) = good(b"x");
    pack.delta_of([7; 20], &delta(1, 1, &[1, b'a']));
    let outcome = fetch(script(commit, &pack.finish())).await;
    refused(&outcome, "could not be found");

    let (mut pack, commit, _) = good(b"x");
    // Before the pack begins, and in the middle of another object.
    pack.delta(13, &delta(1, 1, &[1, b'a']));
    fetch(script(commit, &pack.finish()))
        .await
        .expect_err("has no base");
}

#[tokio::test]
async fn a_tree_that_holds_itself_a_thousand_times_stops_at_a_bound() {
    let mut pack = Pack::default();
    let (blob, _) = pack.add(BLOB, b"x");
    let names: Vec<String> = (0..10).map(|name| name.to_string()).collect();
    let mut below = (tree(&[("100644", "0", blob)]), pack::id("blob", b"x"));
    let mut root = pack.add(TREE, &below.0).0;
    for _ in 0..10 {
        let entries: Vec<_> = names
            .iter()
            .map(|name| ("40000", name.as_str(), root))
            .collect();
        below.0 = tree(&entries);
        root = pack.add(TREE, &below.0).0;
    }
    let (tip, _) = pack.add(COMMIT, &commit(root));
    let outcome = fetch_few(script(tip, &pack.finish())).await;
    refused(&outcome, "more than 1000 entries");

    let mut pack = Pack::default();
    let mut root = pack.add(TREE, &tree(&[])).0;
    for _ in 0..60 {
        root = pack.add(TREE, &tree(&[("40000", "d", root)])).0;
    }
    let (tip, _) = pack.add(COMMIT, &commit(root));
    let outcome = fetch(script(tip, &pack.finish())).await;
    refused(&outcome, "deeper than 50 folders");
}

#[tokio::test]
async fn objects_of_the_wrong_kind_or_missing_are_refused() {
    let mut pack = Pack::default();
    let (blob, _) = pack.add(BLOB, b"x");
    let (tip, _) = pack.add(COMMIT, &commit(blob));
    let outcome = fetch(script(tip, &pack.finish())).await;
    refused(&outcome, "is a blob, not a tree");

    let outcome = fetch(script(blob, &pack.finish())).await;
    refused(&outcome, "is a blob, not a commit");

    let mut pack = Pack::default();
    let (root, _) = pack.add(TREE, &tree(&[("100644", "file", [9; 20])]));
    let (tip, _) = pack.add(COMMIT, &commit(root));
    let outcome = fetch(script(tip, &pack.finish())).await;
    refused(&outcome, "object not found");

    for contents in [&b"tree nonsense\n"[..], b"", b"tree "] {
        let mut pack = Pack::default();
        let (tip, _) = pack.add(COMMIT, contents);
        fetch(script(tip, &pack.finish()))
            .await
            .expect_err("is no commit");
    }
}

#[tokio::test]
async fn endless_answers_stop_at_a_bound() {
    let (pack, tip, _) = good(b"x");
    let whole = script(tip, &pack.finish());
    let endless_refs = line(format!("{} refs/heads/other\n", hex(tip)).as_bytes());
    let more = "the server sent more than is allowed";
    let outcome = fetch(Script {
        refs: Reply::Endless(endless_refs.clone()),
        ..whole.clone()
    })
    .await;
    refused(&outcome, more);
    let mut capabilities = hello();
    capabilities.truncate(capabilities.len() - 4);
    capabilities.extend(line(b"capability\n").repeat(100_000));
    let outcome = fetch(Script {
        hello: Reply::Bytes(capabilities),
        ..whole.clone()
    })
    .await;
    refused(&outcome, more);
    let noise = line(&[&[2][..], &[b'.'; 1000]].concat());
    let mut begun = packets(&hex(tip), &pack.finish()[..20]);
    begun.extend(noise.repeat(10_000));
    let outcome = fetch(Script {
        pack: Reply::Endless(begun),
        ..whole.clone()
    })
    .await;
    refused(&outcome, more);
    let outcome = fetch(Script {
        hello: Reply::Endless(vec![b'f'; 1000]),
        ..whole
    })
    .await;
    outcome.expect_err("is no Git");
}

#[tokio::test]
async fn answers_that_are_no_git_are_refused() {
    let (pack, tip, _) = good(b"x");
    let whole = script(tip, &pack.finish());
    for bytes in [
        &b""[..],
        b"<html>",
        b"0000",
        b"0004",
        b"0003x",
        b"fffe",
        b"zzzz",
        b"0005",
        b"000dERR gone",
    ] {
        for (which, script) in [
            Script {
                hello: Reply::Bytes(bytes.to_vec()),
                ..whole.clone()
            },
            Script {
                refs: Reply::Bytes(bytes.to_vec()),
                ..whole.clone()
            },
            Script {
                pack: Reply::Bytes(bytes.to_vec()),
                ..whole.clone()
            },
        ]
        .into_iter()
        .enumerate()
        {
            let outcome = fetch(script).await;
            assert!(outcome.is_err(), "answer {which}: {bytes:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_reset_is_an_error_at_every_stage() {
    let (pack, tip, _) = good(&[b'x'; 5000]);
    let whole = script(tip, &pack.finish());
    let half = packets(&hex(tip), &pack.finish()[..30]);
    for script in [
        Script {
            hello: Reply::Reset(hello()[..20].to_vec()),
            ..whole.clone()
        },
        Script {
            refs: Reply::Reset(refs(&hex(tip))[..20].to_vec()),
            ..whole.clone()
        },
        Script {
            pack: Reply::Reset(half),
            ..whole.clone()
        },
    ] {
        fetch(script).await.expect_err("is reset");
    }
}

#[tokio::test]
async fn idle_and_slow_servers_cost_no_more_than_the_time_out() {
    let (pack, tip, _) = good(&[b'x'; 5000]);
    let whole = script(tip, &pack.finish());
    let mut noise: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    noise.dedup();
    let (large, large_tip, _) = good(&noise);
    let slow = |reply: &Reply| match reply {
        Reply::Bytes(bytes) => Reply::Trickle(bytes.clone()),
        other => other.clone(),
    };
    for script in [
        Script {
            hello: Reply::Hang(Vec::new()),
            ..whole.clone()
        },
        Script {
            hello: Reply::Hang(hello()[..30].to_vec()),
            ..whole.clone()
        },
        Script {
            refs: Reply::Hang(Vec::new()),
            ..whole.clone()
        },
        Script {
            pack: Reply::Hang(packets(&hex(tip), &pack.finish()[..30])),
            ..whole.clone()
        },
        Script {
            pack: slow(&script(large_tip, &large.finish()).pack),
            ..script(large_tip, &[])
        },
    ] {
        let server = Server::start(script);
        let began = Instant::now();
        let timeout = Duration::from_millis(400);
        let outcome = fetch_within(&server.url(), limits(), timeout).await;
        refused(&outcome, "context deadline exceeded");
        assert!(began.elapsed() < Duration::from_secs(20));
    }
}
