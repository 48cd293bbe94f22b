//! One fetch of a branch into an artifact, or one look at it, without a cluster: what `cargo xtask bench git` times.
//!
//! `fetch_artifact URL BRANCH FOLDER [known|again]` prints a line of JSON with seconds; `known` only looks, and `again`
//! looks ten times more with what the first look has set up.

use std::io::Write;
use std::time::{Duration, Instant};

use source_controller::execute;
use source_controller::tree::Tree;
use weir_artifact::digest::Algorithm;
use weir_artifact::{Location, Retention, Storage};
use weir_git::{Git, Purpose, Reference, RemoteOptions};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const LIMIT: Duration = Duration::from_secs(600);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let mut next = |what: &str| args.next().ok_or(format!("no {what} given"));
    let (url, branch, folder) = (next("URL")?, next("branch")?, next("folder")?);
    let known = args.next();
    let again = known.as_deref() == Some("again");
    let known = known.is_some();
    let git = Git::new(1);
    let began = Instant::now();
    let fetched = fetch(&git, &url, &branch, known).await?;
    let fetching = began.elapsed();
    let mut line = format!("{{\"fetch\": {}", fetching.as_secs_f64());
    if again {
        line += &format!(", \"look\": {}", looks(&git, &url, &branch).await?);
    }
    if let Some((revision, tree)) = fetched {
        let retention = Retention::default();
        let storage = Storage::open(folder, "localhost", Algorithm::Sha256, retention)?;
        let location = Location {
            kind: "gitrepository".to_owned(),
            namespace: "bench".to_owned(),
            name: "app".to_owned(),
        };
        let stored = git.run(LIMIT, move |session| {
            execute::archive(&storage, &location, session, &tree)
        });
        let published = stored.await?;
        line += &format!(", \"size\": {}, \"revision\": {revision:?}", published.size);
    }
    line += &format!(", \"whole\": {}}}\n", began.elapsed().as_secs_f64());
    std::io::stdout().write_all(line.as_bytes())?;
    Ok(())
}

async fn fetch(
    git: &Git,
    url: &str,
    branch: &str,
    known: bool,
) -> Result<Option<(String, Tree)>, weir_git::Error> {
    let (url, branch) = (url.to_owned(), branch.to_owned());
    let fetched = git.run(LIMIT, move |session| {
        let remote = session.remote(&url, RemoteOptions::default())?;
        let purpose = if known {
            Purpose::Probe
        } else {
            Purpose::Clone
        };
        let mut connection = remote.connect(session, purpose)?;
        let resolved = connection.resolve(&Reference::Branch(branch))?;
        if known {
            return Ok::<_, weir_git::Error>(None);
        }
        let (revision, snapshot) = connection.fetch(&resolved)?;
        let entries = snapshot.entries(session)?;
        let tree = Tree::new(snapshot, entries, Some("*.none".to_owned()));
        Ok(Some((revision.to_string(), tree)))
    });
    fetched.await
}

/// The seconds that a look takes in the middle.
async fn looks(git: &Git, url: &str, branch: &str) -> Result<f64, weir_git::Error> {
    let mut seconds = Vec::new();
    for _ in 0..10 {
        let began = Instant::now();
        fetch(git, url, branch, true).await?;
        seconds.push(began.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[seconds.len() / 2])
}
