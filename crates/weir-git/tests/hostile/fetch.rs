//! One fetch, and what comes of it in one line.

use std::time::Duration;

use weir_git::{Error, Git, Purpose, Reference, RemoteOptions};

/// The revision, once every entry of its tree has been looked at.
pub(crate) async fn fetch_by(
    git: &Git,
    url: &str,
    reference: Reference,
    options: RemoteOptions,
) -> Result<String, String> {
    let url = url.to_owned();
    let work = git.run(Duration::from_secs(20), move |session| {
        let remote = session.remote(&url, options)?;
        let mut connection = remote.connect(session, Purpose::Clone)?;
        let resolved = connection.resolve(&reference)?;
        let (revision, snapshot) = connection.fetch(&resolved)?;
        snapshot.entries(session)?;
        Ok::<_, Error>(revision.to_string())
    });
    work.await.map_err(|error| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        source.map_or(error.to_string(), |source| format!("{error}: {source}"))
    })
}

/// The branch of the tests.
pub(crate) fn main_branch() -> Reference {
    Reference::Branch("main".to_owned())
}
