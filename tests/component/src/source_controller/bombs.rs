//! Repositories that are small on the way and very large on arrival, broken packs, and refs that go: what the real
//! controller says of them, what memory it takes, and that the old artifact stays.

use std::fs;

use anyhow::{Result, ensure};
use serde_json::json;

use super::fixture::{Sources, artifact, message, paths};

#[expect(dead_code, reason = "the tests of weir-git use the rest")]
#[path = "../../../../crates/weir-git/tests/hostile/pack.rs"]
mod pack;
#[expect(dead_code, reason = "the tests of weir-git use the rest")]
#[path = "../../../../crates/weir-git/tests/hostile/server.rs"]
mod server;

use pack::{BLOB, COMMIT, Id, Pack, TREE, commit, copy, delta, hex, tree};
use server::{Reply, Script, Server, hello, packets, refs};

/// What the controller may take at most, in KiB: what it needs for itself in a debug build, and some 200 MiB.
const MEMORY: u64 = 256 << 10;

/// A server whose branch is `commit`, out of this pack.
fn serve(commit: Id, pack: &[u8]) -> Server {
    let mut whole = packets(&hex(commit), pack);
    whole.extend_from_slice(b"0000");
    Server::start(Script {
        hello: Reply::Bytes(hello()),
        refs: Reply::Bytes(refs(&hex(commit))),
        pack: Reply::Bytes(whole),
    })
}

/// Makes `root` the tree of a commit, and serves it.
fn serve_tree(mut pack: Pack, root: Id) -> Server {
    let (tip, _) = pack.add(COMMIT, &commit(root));
    serve(tip, &pack.finish())
}

/// Ten kilobytes of pack with one file of 10 GiB.
fn ten_gibibytes() -> Server {
    let mut pack = Pack::default();
    let (blob, at) = pack.add(BLOB, &vec![0; 1 << 20]);
    let (root, _) = pack.add(TREE, &tree(&[("100644", "file", blob)]));
    pack.delta(
        at,
        &delta(1 << 20, 10_240 << 20, &copy(1 << 20).repeat(10_240)),
    );
    assert!(pack.finish().len() < 10 << 10);
    serve_tree(pack, root)
}

/// A million empty files, out of two trees.
fn a_million_files() -> Server {
    let mut pack = Pack::default();
    let (blob, _) = pack.add(BLOB, b"");
    let names: Vec<String> = (0..1000).map(|name| format!("{name:03}")).collect();
    let of = |mode: &'static str, id: Id| -> Vec<_> {
        names.iter().map(|name| (mode, name.as_str(), id)).collect()
    };
    let (folder, _) = pack.add(TREE, &tree(&of("100644", blob)));
    let (root, _) = pack.add(TREE, &tree(&of("40000", folder)));
    serve_tree(pack, root)
}

/// The same in one folder: a tree of 30 MB.
fn a_million_files_in_one_folder() -> Server {
    let mut pack = Pack::default();
    let (blob, _) = pack.add(BLOB, b"");
    let mut contents = Vec::new();
    for name in 0..1_000_000 {
        contents.extend_from_slice(format!("100644 {name:06}\0").as_bytes());
        contents.extend_from_slice(&blob);
    }
    let (root, _) = pack.add(TREE, &contents);
    serve_tree(pack, root)
}

/// A pack with one small file that this is done to.
fn damaged(damage: impl FnOnce(&mut Vec<u8>)) -> Server {
    let mut pack = Pack::default();
    let (blob, _) = pack.add(BLOB, &[b'x'; 3000]);
    let (root, _) = pack.add(TREE, &tree(&[("100644", "file", blob)]));
    let (tip, _) = pack.add(COMMIT, &commit(root));
    let mut bytes = pack.finish();
    damage(&mut bytes);
    serve(tip, &bytes)
}

#[tokio::test]
async fn bombs_and_broken_packs_cost_little_memory_and_no_artifact() -> Result<()> {
    let mut all = Sources::start("git-bombs").await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    let revision = format!("main@sha1:{commit}");
    all.apply(json!({})).await?;
    let before = all.ready(&revision).await?;
    let entries = "more than 500000 entries";
    for (what, server, expected) in [
        (
            "10 GiB",
            ten_gibibytes(),
            "an object of more than 1073741824 bytes",
        ),
        ("a million files", a_million_files(), entries),
        ("one folder", a_million_files_in_one_folder(), entries),
        (
            "half a pack",
            damaged(|pack| pack.truncate(40)),
            "it breaks off",
        ),
        (
            "a wrong checksum",
            damaged(|pack| *pack.last_mut().expect("has one") ^= 1),
            "checksum",
        ),
    ] {
        all.apply(json!({"url": server.url(), "timeout": "5m"}))
            .await?;
        let object = all.fails("GitOperationFailed").await?;
        let text = message(&object, "Ready");
        ensure!(text.contains(expected), "{what}: {text}");
        ensure!(artifact(&object) == artifact(&before), "{what}");
        ensure!(paths(&*all.files(&object).await?) == ["a"], "{what}");
        let peak = all.controllers.process().peak_memory()?;
        ensure!(peak < MEMORY, "{what}: {peak} KiB");
    }
    // The same object goes on with a repository that is well.
    all.apply(json!({})).await?;
    all.ready(&revision).await?;
    all.controllers.process().check_running()
}

#[tokio::test]
async fn a_file_of_more_than_a_gibibyte_costs_little_memory_and_no_artifact() -> Result<()> {
    let mut all = Sources::start("git-large-file").await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    all.apply(json!({"timeout": "5m"})).await?;
    let before = all.ready(&format!("main@sha1:{commit}")).await?;
    // One byte more than an artifact may have; a hole, so that it takes no disk.
    let hole = all.repo.path().join("hole");
    fs::File::create(&hole)?.set_len((1 << 30) + 1)?;
    let blob = all.repo.git(&["hash-object", "-w", "hole"])?;
    fs::remove_file(hole)?;
    all.repo.git(&["read-tree", "main"])?;
    let entry = format!("100644,{blob},large");
    all.repo
        .git(&["update-index", "--add", "--cacheinfo", &entry])?;
    let tree = all.repo.git(&["write-tree"])?;
    let large = all.repo.git(&["commit-tree", &tree, "-m", "large"])?;
    all.repo.branch("main", &large)?;
    all.request("large").await?;
    let object = all.fails("GitOperationFailed").await?;
    let text = message(&object, "Ready");
    ensure!(
        text.ends_with("the pack holds an object of more than 1073741824 bytes"),
        "{text}"
    );
    ensure!(artifact(&object) == artifact(&before));
    ensure!(paths(&*all.files(&object).await?) == ["a"]);
    let peak = all.controllers.process().peak_memory()?;
    ensure!(peak < MEMORY, "{peak} KiB");
    all.repo.branch("main", &commit)?;
    all.request("small").await?;
    all.ready(&format!("main@sha1:{commit}")).await?;
    Ok(())
}

#[tokio::test]
async fn a_chain_of_ten_thousand_deltas_makes_an_artifact() -> Result<()> {
    let mut all = Sources::start("git-chain").await?;
    let mut pack = Pack::default();
    let (_, mut at) = pack.add(BLOB, b"0");
    let mut contents = Vec::new();
    for link in 1..=10_000_usize {
        contents = link.to_string().into_bytes();
        let base = (link - 1).to_string().len();
        let insert = [&[u8::try_from(contents.len())?], contents.as_slice()].concat();
        at = pack.delta(at, &delta(base, contents.len(), &insert));
    }
    let last = pack::id("blob", &contents);
    let (root, _) = pack.add(TREE, &tree(&[("100644", "file", last)]));
    let (tip, _) = pack.add(COMMIT, &commit(root));
    let server = serve(tip, &pack.finish());
    all.apply(json!({"url": server.url()})).await?;
    let object = all.ready(&format!("main@sha1:{}", hex(tip))).await?;
    ensure!(paths(&*all.files(&object).await?) == ["file"]);
    let peak = all.controllers.process().peak_memory()?;
    ensure!(peak < MEMORY, "{peak} KiB");
    Ok(())
}

#[tokio::test]
async fn a_tag_a_range_and_a_commit_that_are_not_there_keep_the_artifact() -> Result<()> {
    let all = Sources::start("git-gone").await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    all.repo.tag("v1.0.0", &commit)?;
    all.apply(json!({"ref": {"tag": "v1.0.0"}})).await?;
    let before = all.ready(&format!("v1.0.0@sha1:{commit}")).await?;
    // The tag goes after it was fetched.
    all.repo.commit(&[("a", "2")], "second")?;
    all.repo.delete_reference("refs/tags/v1.0.0")?;
    all.request("gone").await?;
    let object = all.fails("GitOperationFailed").await?;
    let text = message(&object, "Ready");
    ensure!(
        text.ends_with("couldn't find remote ref \"refs/tags/v1.0.0\""),
        "{text}"
    );
    ensure!(artifact(&object) == artifact(&before));
    let unknown = "1".repeat(40);
    for (reference, expected) in [
        (
            json!({"semver": ">=1.0.0"}),
            "no match found for semver: >=1.0.0",
        ),
        (json!({"commit": unknown}), "object not found"),
        (
            json!({"branch": "main", "commit": unknown}),
            "object not found",
        ),
    ] {
        all.apply(json!({"ref": reference})).await?;
        let object = all.fails("GitOperationFailed").await?;
        let text = message(&object, "Ready");
        ensure!(text.ends_with(expected), "{text}");
        ensure!(artifact(&object) == artifact(&before));
        ensure!(paths(&*all.files(&object).await?) == ["a"]);
    }
    Ok(())
}
