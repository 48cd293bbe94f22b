//! One fetch of a branch into an artifact, or one look at it, without a cluster: what `cargo xtask bench git` times.
//!
//! `fetch_artifact URL BRANCH FOLDER [REVISION]` prints a line of JSON; with the known revision it only looks.

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
    let git = Git::new(1);
    let began = Instant::now();
    let (purpose, probing) = match known {
        Some(_) => (Purpose::Probe, true),
        None => (Purpose::Clone, false),
    };
    let fetched = git.run(LIMIT, move |session| {
        let remote = session.remote(&url, RemoteOptions::default())?;
        let mut connection = remote.connect(session, purpose)?;
        let resolved = connection.resolve(&Reference::Branch(branch))?;
        if probing {
            return Ok::<_, weir_git::Error>(None);
        }
        let (revision, snapshot) = connection.fetch(&resolved)?;
        let entries = snapshot.entries(session)?;
        let ignore = Some("*.none".to_owned());
        let tree = Tree::new(snapshot, entries, ignore);
        Ok(Some((revision.to_string(), tree)))
    });
    let fetched = fetched.await?;
    let fetching = began.elapsed();
    let mut line = format!("{{\"fetch\": {}", fetching.as_secs_f64());
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
