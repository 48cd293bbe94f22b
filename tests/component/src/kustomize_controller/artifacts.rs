//! Artifacts that somebody made to hurt whoever unpacks them: what the condition says, that what runs stays, and what
//! they cost in memory and disk.

use std::io::Write as _;

use anyhow::{Context as _, Result, ensure};
use flate2::{Compress, Compression, FlushCompress, write::GzEncoder};
use harness::FileServer;
use serde_json::json;
use tar::{Builder, EntryType, Header};
use weir_api::kustomize::v1::{Kustomization, KustomizationStatus};
use weir_api::meta::Artifact;
use weir_artifact::digest::{self, Algorithm};

use super::sources::{artifact, offer};
use crate::fixture::{Loop, config_map, is, message};
use crate::source_controller::noise;

/// `--artifact-max-size`.
const SIZE: u64 = 16 << 20;
/// `--artifact-max-unpacked-size`.
const UNPACKED: u64 = 64 << 20;
/// What a file may grow to beyond the first: no more than 64 MiB.
const DISK: u64 = SIZE + (64 << 20);
/// What kustomize-controller and source-controller in one process may take, in KiB: what they need for themselves in a
/// debug build, the bound on a tree, and the entries of one.
const MEMORY: u64 = 512 << 10;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("compresses");
    encoder.finish().expect("compresses")
}

/// A header with a name as it is, unchecked.
fn header(name: &str, kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    header
}

/// An archive of empty entries with these names.
fn named(names: &[&str], kind: EntryType) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for name in names {
        let header = header(name, kind, 0);
        builder.append(&header, &[][..]).expect("appends");
    }
    gzip(&builder.into_inner().expect("finishes"))
}

/// An archive of a file with one byte, of which an extended header says something.
fn extended(key: &str, value: &str) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    let record = [(key, value.as_bytes())];
    builder.append_pax_extensions(record).expect("appends");
    let one = header("one", EntryType::Regular, 1);
    builder.append(&one, &b"1"[..]).expect("appends");
    gzip(&builder.into_inner().expect("finishes"))
}

/// A gzip stream of pieces, each compressed for itself, so that a piece can be there many times.
struct Stream(Vec<u8>);

impl Stream {
    fn new() -> Self {
        Self(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])
    }

    fn piece(bytes: &[u8]) -> Vec<u8> {
        let mut compress = Compress::new(Compression::best(), false);
        let mut out = Vec::with_capacity(bytes.len() / 100 + 1024);
        compress
            .compress_vec(bytes, &mut out, FlushCompress::Full)
            .expect("compresses");
        assert_eq!(compress.total_in(), bytes.len() as u64, "there was room");
        out
    }
}

/// One file of 10 GiB of zeros.
fn ten_gibibytes() -> Vec<u8> {
    let mut stream = Stream::new();
    let header = header("zeros", EntryType::Regular, 10 << 30);
    stream.0.extend(Stream::piece(header.as_bytes()));
    let zeros = Stream::piece(&vec![0; 16 << 20]);
    stream.0.extend(zeros.repeat(640));
    stream.0
}

/// The same as 10,240 files.
fn ten_gibibytes_in_files() -> Vec<u8> {
    let mut stream = Stream::new();
    let zeros = Stream::piece(&vec![0; 1 << 20]);
    for name in 0..10_240 {
        let header = header(&format!("{name}"), EntryType::Regular, 1 << 20);
        stream.0.extend(Stream::piece(header.as_bytes()));
        stream.0.extend_from_slice(&zeros);
    }
    stream.0
}

/// A million empty files.
fn a_million_files() -> Vec<u8> {
    let first = header("0000000", EntryType::Regular, 0);
    let sum = first.cksum().expect("has one") - 7 * u32::from(b'0');
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut bytes = *first.as_bytes();
    for name in 0..1_000_000 {
        let name = format!("{name:07}");
        bytes[..7].copy_from_slice(name.as_bytes());
        let sum = sum + name.bytes().map(u32::from).sum::<u32>();
        bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        encoder.write_all(&bytes).expect("compresses");
    }
    encoder.finish().expect("compresses")
}

/// What an artifact is called here, what it is, and what is said of it.
type Hostile = (&'static str, Vec<u8>, &'static str);

/// The one that is not what its digest says.
const OTHER: &str = "another digest";

/// Archives that are broken, or hold what no archive may.
fn broken() -> Vec<Hostile> {
    const NAME: &str = "tar contained invalid name error";
    const KIND: &str = "unsupported file type";
    let whole = named(&["a", "b"], EntryType::Regular);
    let half = whole[..whole.len() / 2].to_vec();
    let file = |name: &'static str| (name, named(&[name], EntryType::Regular), NAME);
    let of = |kind: EntryType, name: &'static str| (name, named(&[name], kind), KIND);
    let long = ["n".repeat(99).as_str(); 50].join("/");
    let below = named(&["x", "x/y"], EntryType::Regular);
    vec![
        (OTHER, whole, "computed digest doesn't match provided"),
        (
            "not gzip",
            b"no archive".to_vec(),
            "requires gzip-compressed body",
        ),
        ("half of it", half, "failed to extract archive"),
        file("../x"),
        file("/abs"),
        file("a\\..\\b"),
        file(".."),
        file("a/.."),
        of(EntryType::Link, "a hard link"),
        of(EntryType::Char, "a device"),
        of(EntryType::Fifo, "a pipe"),
        of(EntryType::GNUSparse, "a sparse file"),
        ("two sizes", extended("size", "7"), "tar error"),
        ("a long name", extended("path", &long), NAME),
        ("a file, then below it", below, "not a directory"),
    ]
}

/// Archives that are small on the way, and one body without an end.
fn bombs() -> Vec<Hostile> {
    const BYTES: &str = "tree exceeds 67108864 bytes";
    const BODY: &str = "artifact is greater than the max download size of 16777216 bytes";
    vec![
        ("10 GiB", ten_gibibytes(), BYTES),
        ("10 GiB in files", ten_gibibytes_in_files(), BYTES),
        (
            "a million files",
            a_million_files(),
            "tree exceeds 500000 entries",
        ),
        // More than a file may have here: what stops it is not the disk.
        ("a long body", vec![0; 96 << 20], BODY),
    ]
}

/// A Kustomization of an artifact that is well, out of `server`; both.
async fn running(all: &Loop, server: &FileServer) -> Result<(Artifact, KustomizationStatus)> {
    let made = json!({"sourceRef": {"apiVersion": "example.com/v1", "kind": "Maker", "name": "m"}});
    all.apply(
        "source.toolkit.fluxcd.io/v1",
        "ExternalArtifact",
        "offered",
        &made,
    )
    .await?;
    let revision = all.revision()?;
    let good = artifact(all, &revision).await?;
    server.put(std::fs::read(all.controllers.storage().join(&good.path))?);
    offer(all, &good, "origin").await?;
    let reference = json!({"kind": "ExternalArtifact", "name": "offered"});
    let spec = json!({"sourceRef": reference, "targetNamespace": all.namespace.name()});
    all.kustomization("app", spec).await?;
    let object = all.applied("app", &revision).await?;
    Ok((good, object.status.context("has one")?))
}

#[tokio::test]
async fn hostile_artifacts_are_told_cost_little_and_touch_nothing_that_runs() -> Result<()> {
    let server = FileServer::start_tls(None)?;
    let folder = tempfile::tempdir()?;
    let (trusted, scratch) = (folder.path().join("ca.pem"), folder.path().join("tmp"));
    std::fs::write(&trusted, server.ca())?;
    std::fs::create_dir(&scratch)?;
    let mut all = Loop::with_environment(
        "hostile-artifacts",
        &[("a.yaml", &*config_map("a", "1"))],
        &[
            "--feature-gates=ExternalArtifact=true",
            "--http-retry=0",
            &format!("--artifact-max-size={SIZE}"),
            &format!("--artifact-max-unpacked-size={UNPACKED}"),
        ],
        &[
            ("SSL_CERT_FILE", trusted.display().to_string()),
            ("TMPDIR", scratch.display().to_string()),
        ],
    )
    .await?;
    let (good, before) = running(&all, &server).await?;
    all.controllers.process().limit_file_size(Some(DISK))?;
    let revision = good.revision.clone();
    for (number, (what, file, expected)) in broken().into_iter().chain(bombs()).enumerate() {
        let of = match what {
            OTHER => b"other",
            _ => file.as_slice(),
        };
        let digest = digest::of(Algorithm::Sha256, of)?.to_string();
        server.put(file);
        let offered = Artifact {
            revision: format!("{number}@{revision}"),
            url: format!("{}?{number}", server.url()),
            digest,
            ..good.clone()
        };
        offer(&all, &offered, "origin").await?;
        let tried = |object: &Kustomization| {
            let status = object.status.clone().unwrap_or_default();
            let said = message(&status.conditions, "Reconciling");
            is(&status.conditions, "Ready", "False", "ArtifactFailed")
                && is(
                    &status.conditions,
                    "Reconciling",
                    "True",
                    "ProgressingWithRetry",
                )
                && said.contains(&format!("revision {number}@"))
        };
        let object = all.wait("app", what, tried).await?;
        let status = object.status.context("has one")?;
        let text = message(&status.conditions, "Ready");
        ensure!(text.contains(expected), "{what}: {text}");
        ensure!(status.inventory == before.inventory, "{what}");
        ensure!(status.last_applied_revision == revision, "{what}");
        ensure!(all.config_map("a").await?.is_some(), "{what}");
    }
    let peak = all.controllers.process().peak_memory()?;
    ensure!(peak < MEMORY, "{peak} KiB");
    // Objects of Git repositories are there, and nothing of an artifact.
    let left = std::fs::read_dir(&scratch)?.collect::<Result<Vec<_>, _>>()?;
    let of_git =
        |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with("weir-git-");
    ensure!(left.iter().all(of_git), "{left:?}");
    all.controllers.process().check_running()
}

#[tokio::test]
async fn an_artifact_without_a_digest_cannot_be_offered() -> Result<()> {
    let files = [("a.yaml", &*config_map("a", "1"))];
    let flags = ["--feature-gates=ExternalArtifact=true"];
    let all = Loop::with_flags("no-digest", &files, &flags).await?;
    let made = json!({"sourceRef": {"apiVersion": "example.com/v1", "kind": "Maker", "name": "m"}});
    all.apply(
        "source.toolkit.fluxcd.io/v1",
        "ExternalArtifact",
        "offered",
        &made,
    )
    .await?;
    let mut offered = artifact(&all, &all.revision()?).await?;
    for digest in ["", "sha256:", "nonsense"] {
        offered.digest = digest.to_owned();
        let refused = offer(&all, &offered, "origin").await;
        let refused = format!("{:?}", refused.err().context("is refused")?);
        ensure!(refused.contains("status.artifact.digest"), "{refused}");
    }
    Ok(())
}

#[tokio::test]
async fn files_beside_manifests_take_no_memory() -> Result<()> {
    const LARGE: usize = 40 << 20;
    const SMALL: usize = 400 << 10;
    let files = [("deploy/a.yaml", &*config_map("a", "1"))];
    let mut all = Loop::start("large-files", &files).await?;
    let spec = json!({"path": "./deploy", "targetNamespace": all.namespace.name()});
    all.kustomization("app", spec).await?;
    all.applied("app", &all.revision()?).await?;
    let before = all.controllers.process().peak_memory()?;

    // Small and large ones, and one that the build has to look at.
    let large = noise(3, LARGE);
    let mut files = vec![("media/large".to_owned(), large.as_str())];
    for number in 0..100 {
        let text = &large[number * SMALL..][..SMALL];
        files.push((format!("deploy/small-{number}"), text));
    }
    let other = format!("{}# {}\n", config_map("b", "2"), &large[..2 << 20]);
    files.push(("deploy/b.yaml".to_owned(), &other));
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), *text))
        .collect();
    let revision = all.push(&files, &[]).await?;
    all.applied("app", &revision).await?;
    ensure!(all.config_map("b").await?.is_some());
    // Some of the small ones are in memory, and the one that is read.
    let grown = all.controllers.process().peak_memory()? - before;
    ensure!(grown < 64 << 10, "{grown} KiB more");
    Ok(())
}
