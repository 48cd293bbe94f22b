//! Packs that git makes, and what git says is in them; and packs that no git makes.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::*;
use crate::remote::Limits;
use crate::session::{Git, Session};

/// The output of git, told `input`.
fn git(folder: &Path, args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("git");
    command.current_dir(folder).args(args);
    for (name, value) in [
        ("GIT_AUTHOR_NAME", "a"),
        ("GIT_AUTHOR_EMAIL", "a@b"),
        ("GIT_COMMITTER_NAME", "a"),
        ("GIT_COMMITTER_EMAIL", "a@b"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_SYSTEM", "/dev/null"),
    ] {
        command.env(name, value);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("git starts");
    let mut stdin = child.stdin.take().expect("is piped");
    let input = input.to_vec();
    let writing = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("git ends");
    writing.join().expect("writes").expect("git reads");
    assert!(output.status.success(), "git {args:?}");
    output.stdout
}

/// Bytes that do not deflate.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

async fn in_session<T: Send + 'static>(work: impl FnOnce(&Session) -> T + Send + 'static) -> T {
    let git = Git::new(1);
    let done = git.run(Duration::from_secs(300), |session| {
        Ok::<_, Error>(work(session))
    });
    done.await.expect("works")
}

fn received(pack: &[u8], limits: Limits, session: &Session) -> Result<Pack, PackError> {
    let folder = tempfile::tempdir().expect("makes a folder");
    receive(&mut &*pack, folder, session, limits)
}

/// Commits of small files, of files above a mebibyte, of empty ones, and a tag.
fn repository(folder: &Path) {
    git(folder, &["init", "--quiet", "--initial-branch=main"], b"");
    let write =
        |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).expect("writes");
    let large = noise(1, 3 << 20);
    for round in 0..6_usize {
        let mut text = String::new();
        for line in 0..400 {
            let changed = if line % 6 == round { round } else { 0 };
            text += &format!("line {line} of a file, changed {changed} times\n");
        }
        write("text", text.as_bytes());
        write(&format!("empty-{round}"), b"");
        let mut other = large.clone();
        other.splice(1000 * round..1000 * round + 10, *b"elsewhere ");
        // Grown from a small file, so that one is the base of the other.
        other.truncate([1 << 10, 1 << 19, 1 << 20, (1 << 20) + 1, 2 << 20, 3 << 20][round]);
        write("grown", &other);
        write(
            &format!("large-{}", round % 2),
            &[&other[..], &large].concat(),
        );
        git(folder, &["add", "."], b"");
        git(folder, &["commit", "--quiet", "--message", "round"], b"");
    }
    git(
        folder,
        &["tag", "--annotate", "--message", "a tag", "v1"],
        b"",
    );
}

/// Hash, kind and size of every object of the repository, as git lists them.
fn listed(folder: &Path) -> BTreeMap<String, (String, u64)> {
    let said = git(
        folder,
        &["cat-file", "--batch-all-objects", "--batch-check"],
        b"",
    );
    let said = String::from_utf8(said).expect("is text");
    let line = |line: &str| {
        let mut words = line.split(' ').map(str::to_owned);
        let mut word = || words.next().expect("has three words");
        let (id, kind, size) = (word(), word(), word());
        (id, (kind, size.parse().expect("is a number")))
    };
    said.lines().map(line).collect()
}

#[tokio::test]
async fn whatever_git_packs_is_there_as_git_has_it() {
    let folder = tempfile::tempdir().expect("makes a folder");
    repository(folder.path());
    let all = listed(folder.path());
    assert!(all.len() > 30);
    let names: String = all.keys().map(|id| format!("{id}\n")).collect();
    for (options, deltas) in [
        (&["--window=0"][..], false),
        (&[], true),
        (&["--delta-base-offset"], true),
        (&["--depth=1"], true),
        (
            &["--depth=4000", "--window=60", "--delta-base-offset"],
            true,
        ),
        (&["--no-reuse-delta", "--depth=3"], true),
    ] {
        let args = [&["pack-objects", "--quiet", "--stdout"], options].concat();
        let pack = git(folder.path(), &args, names.as_bytes());
        let all = all.clone();
        let different = in_session(move |session| {
            let pack = received(&pack, Limits::default(), session).expect("is a pack");
            assert_eq!(pack.entries.slots.len(), all.len());
            let different = pack
                .entries
                .slots
                .iter()
                .filter(|slot| slot.base().is_some());
            let different = different.count();
            let reader = Reader::new(Arc::new(pack));
            for (id, (kind, size)) in &all {
                let id = ObjectId::from_hex(id.as_bytes()).expect("is a hash");
                let object = reader.find(&id).expect("is there");
                assert_eq!(
                    (object.kind.to_string(), object.size),
                    (kind.clone(), *size)
                );
                let bytes = reader.contents(&object).and_then(Contents::whole);
                let bytes = bytes.expect("is read");
                let hashed = gix::objs::compute_hash(gix::hash::Kind::Sha1, object.kind, &bytes);
                assert_eq!(hashed.ok(), Some(id));
            }
            let nothing = ObjectId::null(gix::hash::Kind::Sha1);
            assert!(reader.find(&nothing).is_none());
            different
        });
        assert_eq!(different.await > 0, deltas, "{options:?}");
    }
}

/// A pack whose entries are given by number of their kind, bytes between header and data, and data.
fn pack_of(entries: &[(u8, Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let count = u32::try_from(entries.len()).expect("are few");
    let mut pack = [&b"PACK\0\0\0\x02"[..], &count.to_be_bytes()].concat();
    for (kind, between, data) in entries {
        let mut byte = kind << 4 | (data.len() & 15) as u8;
        let mut rest = data.len() >> 4;
        while rest > 0 {
            pack.push(byte | 0x80);
            byte = (rest & 0x7f) as u8;
            rest >>= 7;
        }
        pack.push(byte);
        pack.extend_from_slice(between);
        let mut encoder = ZlibEncoder::new(pack, Compression::fast());
        encoder.write_all(data).expect("compresses");
        pack = encoder.finish().expect("compresses");
    }
    let mut sum = gix::hash::hasher(gix::hash::Kind::Sha1);
    sum.update(&pack);
    let sum = sum.try_finalize().expect("is no attack");
    pack.extend_from_slice(sum.as_slice());
    pack
}

/// The instructions for an object of `size` bytes, below 16 MiB, that differs from another of that size in its
/// first byte.
fn first_byte(size: usize, byte: u8) -> Vec<u8> {
    let number = |mut size: usize| {
        let mut bytes = Vec::new();
        while size > 0x7f {
            bytes.push(0x80 | (size & 0x7f) as u8);
            size >>= 7;
        }
        bytes.push(size as u8);
        bytes
    };
    let [low, middle, high, ..] = (size - 1).to_le_bytes();
    let sizes = [number(size), number(size)].concat();
    [&sizes[..], &[1, byte, 0xf1, 1, low, middle, high]].concat()
}

/// A base, then `depth` times two objects made from the first of the two before: the next base, and one that nothing
/// is made from. Each names its base by hash, so that nobody can know what comes of it.
fn comb(size: usize, depth: u8) -> Vec<u8> {
    const BLOB: u8 = 3;
    const OF_HASH: u8 = 7;
    let id = |bytes: &[u8]| {
        let hashed = gix::objs::compute_hash(gix::hash::Kind::Sha1, Kind::Blob, bytes);
        hashed.expect("is no attack").as_slice().to_vec()
    };
    let mut contents = vec![0; size];
    let mut entries = vec![(BLOB, Vec::new(), contents.clone())];
    for tooth in 1..=depth {
        let base = id(&contents);
        // The last is the first to be made.
        entries.push((OF_HASH, base.clone(), first_byte(size, 0xff - tooth)));
        entries.push((OF_HASH, base, first_byte(size, tooth)));
        contents[0] = tooth;
    }
    pack_of(&entries)
}

#[tokio::test]
async fn bases_that_are_held_take_no_more_memory_than_they_may() {
    let found = in_session(|session| {
        let pack = received(&comb(1 << 20, 60), Limits::default(), session);
        pack.map(|pack| pack.order.len())
    });
    assert_eq!(found.await.expect("is read"), 121);
    // Above a mebibyte they are in files, of which there are not any number either.
    let found = in_session(|session| {
        let pack = received(&comb((1 << 20) + 1, 120), Limits::default(), session);
        pack.map(|pack| pack.order.len())
    });
    assert_eq!(found.await.expect("is read"), 241);
    let found = in_session(|session| {
        let pack = received(&comb((1 << 20) + 1, 130), Limits::default(), session);
        pack.map(|pack| pack.order.len())
            .map_err(|error| error.to_string())
    });
    let error = found.await.expect_err("is too much");
    assert!(error.contains("hang together in too many ways"), "{error}");
}

#[tokio::test]
async fn sizes_are_judged_before_anything_is_inflated() {
    let limits = Limits {
        object_bytes: 1000,
        inflated_bytes: 3000,
        ..Limits::default()
    };
    let said = |entries: Vec<(u8, Vec<u8>, Vec<u8>)>, cut: usize| {
        let mut pack = pack_of(&entries);
        pack.truncate(pack.len() - cut);
        in_session(move |session| {
            let outcome = received(&pack, limits, session);
            outcome
                .map(|pack| pack.order.len())
                .map_err(|error| error.to_string())
        })
    };
    let blob = |size: usize| (3, Vec::new(), noise(size as u64, size));
    // What is beyond the header is not even there.
    let error = said(vec![blob(1001)], 1010).await;
    assert_eq!(
        error,
        Err("the pack holds an object of more than 1000 bytes".to_owned())
    );
    assert_eq!(said(vec![blob(1000), blob(999), blob(998)], 0).await, Ok(3));
    let error = said(vec![blob(1000), blob(999), blob(998), blob(4)], 30).await;
    assert_eq!(
        error,
        Err("the pack inflates to more than 3000 bytes".to_owned())
    );
    // The size of what a delta makes counts like one that is said.
    let delta = (7, vec![9; 20], first_byte(1001, 1));
    let error = said(vec![blob(1000), delta], 0).await;
    assert_eq!(
        error,
        Err("the pack holds an object of more than 1000 bytes".to_owned())
    );
}
