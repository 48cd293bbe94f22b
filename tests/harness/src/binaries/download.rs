//! Ready-made binaries: the envtest archive and the Kubernetes release.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use flate2::read::GzDecoder;
use http::StatusCode;
use reqwest::Client;
use serde::Deserialize;
use sha2::{Digest, Sha256, Sha512};
use tar::Archive;

use super::{KUBERNETES_VERSION, Program};
use crate::background;

/// The index of envtest releases; `WEIR_ENVTEST_INDEX` names another one.
const ENVTEST_INDEX: &str =
    "https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml";
/// The Kubernetes release; `WEIR_KUBERNETES_RELEASES` names another place.
const KUBERNETES_RELEASES: &str = "https://dl.k8s.io";

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Longest silence within an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
const DOWNLOAD_WITHIN: Duration = Duration::from_secs(600);
/// Largest archive, and largest binary in one.
const DOWNLOAD_BYTES: u64 = 1 << 30;

/// Downloads what is among `missing` into `cache`, and returns what was tried
/// in vain. Setting `WEIR_DOWNLOADS` to `off` skips this.
pub(super) fn fetch(missing: &[Program], cache: &Path, say: &mut dyn FnMut(&str)) -> Vec<String> {
    if env::var_os("WEIR_DOWNLOADS").is_some_and(|value| value == "off") {
        return vec![String::from("downloads are switched off (WEIR_DOWNLOADS)")];
    }
    let place = |name: &str, usual: &str| env::var(name).unwrap_or_else(|_| usual.to_owned());
    let index = place("WEIR_ENVTEST_INDEX", ENVTEST_INDEX);
    let releases = place("WEIR_KUBERNETES_RELEASES", KUBERNETES_RELEASES);
    let mut tried = Vec::new();
    let mut note = |what: &str, result: Result<()>| {
        tried.extend(result.err().map(|error| format!("{what}: {error:#}")));
    };
    background::runtime().block_on(async {
        let client = match client() {
            Ok(client) => client,
            Err(error) => return note("HTTP client", Err(error)),
        };
        if missing.iter().any(|program| in_envtest(*program)) {
            say("looking for the envtest archive");
            note(&index, envtest(&client, &index, missing, cache).await);
        }
        if missing.contains(&Program::KubeControllerManager) {
            say("looking for the Kubernetes release");
            note(&releases, release(&client, &releases, cache).await);
        }
    });
    for line in &tried {
        say(line);
    }
    tried
}

fn in_envtest(program: Program) -> bool {
    program != Program::KubeControllerManager
}

fn client() -> Result<Client> {
    let builder = Client::builder()
        .connect_timeout(CONNECT_WITHIN)
        .read_timeout(ANSWER_WITHIN)
        .timeout(DOWNLOAD_WITHIN);
    builder.build().context("cannot make an HTTP client")
}

#[derive(Debug, Deserialize)]
struct Index {
    releases: BTreeMap<String, BTreeMap<String, Entry>>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
struct Entry {
    /// SHA-512, hexadecimal.
    hash: String,
    #[serde(rename = "selfLink")]
    link: String,
}

async fn envtest(client: &Client, url: &str, missing: &[Program], cache: &Path) -> Result<()> {
    let index = get(client, url).await?;
    let index: Index = yaml_serde::from_slice(&index).context("the index is not as expected")?;
    let entry = choose(&index).context("the index has no archive for this version and machine")?;
    let archive = get(client, &entry.link).await?;
    let digest = hex(&Sha512::digest(&archive));
    ensure!(
        digest == entry.hash,
        "{} has SHA-512 {digest}, not {}",
        entry.link,
        entry.hash
    );
    unpack(&archive, missing, cache)
}

/// The archive of our version, else of the latest patch of our minor version.
fn choose(index: &Index) -> Option<Entry> {
    let (minor, _) = KUBERNETES_VERSION.rsplit_once('.')?;
    let patch = |version: &str| -> Option<u32> {
        version
            .strip_prefix('v')?
            .strip_prefix(minor)?
            .strip_prefix('.')?
            .parse()
            .ok()
    };
    let exact = format!("v{KUBERNETES_VERSION}");
    let (version, files) = index
        .releases
        .iter()
        .filter(|(version, _)| patch(version).is_some())
        .max_by_key(|(version, _)| (**version == exact, patch(version)))?;
    files
        .get(&format!(
            "envtest-{version}-{}-{}.tar.gz",
            system(),
            machine()
        ))
        .cloned()
}

async fn release(client: &Client, place: &str, cache: &Path) -> Result<()> {
    let name = Program::KubeControllerManager.name();
    let url = format!(
        "{place}/v{KUBERNETES_VERSION}/bin/{}/{}/{name}",
        system(),
        machine()
    );
    let wanted = get(client, &format!("{url}.sha256")).await?;
    let wanted = String::from_utf8_lossy(&wanted).trim().to_owned();
    let binary = get(client, &url).await?;
    let digest = hex(&Sha256::digest(&binary));
    ensure!(digest == wanted, "{url} has SHA-256 {digest}, not {wanted}");
    install(binary.as_slice(), cache, name)
}

async fn get(client: &Client, url: &str) -> Result<Vec<u8>> {
    let mut response = client.get(url).send().await.context("cannot connect")?;
    ensure!(
        response.status() == StatusCode::OK,
        "{url} says {}",
        response.status()
    );
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        ensure!(
            (body.len() + chunk.len()) as u64 <= DOWNLOAD_BYTES,
            "{url} is too large"
        );
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Installs the files named like a missing program, wherever they lie in the archive.
fn unpack(archive: &[u8], missing: &[Program], cache: &Path) -> Result<()> {
    let mut found = 0;
    for entry in Archive::new(GzDecoder::new(archive)).entries()? {
        let entry = entry?;
        let path = entry.path()?.into_owned();
        let wanted = missing
            .iter()
            .find(|program| path.ends_with(program.name()));
        if let Some(program) = wanted.filter(|_| entry.header().entry_type().is_file()) {
            install(entry, cache, program.name())?;
            found += 1;
        }
    }
    if found == 0 {
        bail!("the archive holds none of the missing programs");
    }
    Ok(())
}

/// Writes an executable file so that no other process sees it half written.
fn install(content: impl Read, cache: &Path, name: &str) -> Result<()> {
    let part = cache.join(format!(".{name}.part"));
    let mut file = File::create(&part)?;
    io::copy(&mut content.take(DOWNLOAD_BYTES), &mut file)?;
    file.set_permissions(fs::Permissions::from_mode(0o755))?;
    file.sync_all()?;
    fs::rename(&part, cache.join(name))?;
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn system() -> &'static str {
    if cfg!(target_os = "macos") {
        "darwin"
    } else {
        "linux"
    }
}

fn machine() -> &'static str {
    if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "amd64"
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::http_server::{Server, text};

    fn archive() -> Vec<u8> {
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for name in ["etcd", "kube-apiserver", "kubectl"] {
            let mut header = tar::Header::new_gnu();
            header.set_size(name.len() as u64);
            header.set_mode(0o755);
            let path = format!("controller-tools/envtest/{name}");
            builder
                .append_data(&mut header, path, name.as_bytes())
                .unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    /// Serves an index and its archive, the index with this hash.
    fn mirror(hash: &str) -> Server {
        let hash = hash.to_owned();
        Server::start(None, move |request| {
            let host = request.headers()["host"].to_str().unwrap().to_owned();
            let file = format!("envtest-v1.36.3-{}-{}.tar.gz", system(), machine());
            let body = if request.uri().path() == "/index" {
                let entry = format!("{{hash: '{hash}', selfLink: 'http://{host}/archive'}}");
                format!("releases: {{v1.36.3: {{{file}: {entry}}}}}").into_bytes()
            } else {
                archive()
            };
            async move { Ok(text(StatusCode::OK, body)) }
        })
        .unwrap()
    }

    fn fetch_from(mirror: &Server, cache: &Path) -> Result<()> {
        let missing = [Program::Etcd, Program::KubeApiserver];
        let url = format!("{}/index", mirror.url());
        let client = client().unwrap();
        background::runtime().block_on(envtest(&client, &url, &missing, cache))
    }

    #[test]
    fn an_archive_with_the_right_checksum_is_installed() {
        let cache = tempfile::tempdir().unwrap();
        let mirror = mirror(&hex(&Sha512::digest(archive())));
        fetch_from(&mirror, cache.path()).unwrap();
        let etcd = cache.path().join("etcd");
        assert_eq!(fs::read_to_string(&etcd).unwrap(), "etcd");
        assert_eq!(
            fs::metadata(&etcd).unwrap().permissions().mode() & 0o777,
            0o755
        );
        assert!(!cache.path().join("kubectl").exists(), "it was not missing");
    }

    #[test]
    fn an_archive_with_another_checksum_is_refused() {
        let cache = tempfile::tempdir().unwrap();
        let error = fetch_from(&mirror("00"), cache.path())
            .unwrap_err()
            .to_string();
        assert!(error.contains("has SHA-512"), "{error}");
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_latest_patch_stands_in_for_a_missing_version() {
        let file = |version| format!("envtest-{version}-{}-{}.tar.gz", system(), machine());
        let entry = |link: &str| Entry {
            hash: String::new(),
            link: link.to_owned(),
        };
        let mut index = Index {
            releases: BTreeMap::new(),
        };
        for version in ["v1.35.9", "v1.36.0", "v1.36.10", "v1.36.2"] {
            let files = BTreeMap::from([(file(version), entry(version))]);
            index.releases.insert(version.to_owned(), files);
        }
        assert_eq!(choose(&index), Some(entry("v1.36.10")));
        let files = BTreeMap::from([(file("v1.36.3"), entry("v1.36.3"))]);
        index.releases.insert(String::from("v1.36.3"), files);
        assert_eq!(choose(&index), Some(entry("v1.36.3")));
    }
}
