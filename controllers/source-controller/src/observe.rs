//! What a pass looks at before it asks the source: storage and Secrets.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use weir_api::meta::Artifact;
use weir_artifact::{Health, Location, Storage};

use crate::context::Context;
use crate::error::{Error, SecretError};

/// How long superseded files may keep a pass.
///
/// Source: source-controller v1.9 `internal/controller/gitrepository_controller.go` `garbageCollect`.
const COLLECTING: Duration = Duration::from_secs(5);

/// What storage says about an object's artifact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Stored {
    /// Not looked at yet.
    #[default]
    Unknown,
    /// The object never had one.
    Absent,
    /// It had one that is not there any more.
    Disappeared,
    /// It had one whose file was damaged; the file is removed.
    Corrupt(String),
    /// It is there, with today's URL.
    Present(Artifact),
}

impl Stored {
    /// The artifact, if it is there.
    #[must_use]
    pub fn artifact(&self) -> Option<&Artifact> {
        match self {
            Self::Present(artifact) => Some(artifact),
            _ => None,
        }
    }
}

/// What garbage collection did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collected {
    /// How many files it removed.
    pub removed: usize,
    /// Why it stopped, if it did.
    pub failure: Option<String>,
}

/// Removes what is superseded, then judges the artifact of the status.
///
/// # Errors
/// [`Error::VerifyStored`] if the file cannot be read.
pub async fn stored(
    context: &Context,
    location: &Location,
    artifact: Option<Artifact>,
) -> Result<(Collected, Stored), Error> {
    let Some(artifact) = artifact else {
        return Ok((Collected::default(), Stored::Absent));
    };
    let (storage, place, path) = (
        Arc::clone(&context.storage),
        location.clone(),
        artifact.path.clone(),
    );
    let collecting = tokio::task::spawn_blocking(move || collect(&storage, &place, &path));
    let collected = within(COLLECTING, collecting).await;
    let (storage, location) = (Arc::clone(&context.storage), location.clone());
    let judged = tokio::task::spawn_blocking(move || judge(&storage, &location, artifact));
    Ok((collected, judged.await.unwrap_or(Err(Error::Interrupted))?))
}

/// A disk that hangs must not keep an object from its source.
async fn within<E>(
    time: Duration,
    collecting: impl Future<Output = Result<Collected, E>>,
) -> Collected {
    let failed = |why: &str| Collected {
        removed: 0,
        failure: Some(why.to_owned()),
    };
    match tokio::time::timeout(time, collecting).await {
        Ok(Ok(collected)) => collected,
        Ok(Err(_)) => failed("interrupted"),
        Err(_) => failed("context deadline exceeded"),
    }
}

fn collect(storage: &Storage, location: &Location, current: &str) -> Collected {
    match storage.collect(location, current, SystemTime::now()) {
        Ok(removed) => Collected {
            removed: removed.len(),
            failure: None,
        },
        Err(error) => Collected {
            removed: 0,
            failure: Some(error.to_string()),
        },
    }
}

fn judge(storage: &Storage, location: &Location, mut artifact: Artifact) -> Result<Stored, Error> {
    let own = format!(
        "{}/{}/{}/",
        location.kind, location.namespace, location.name
    );
    // A status that somebody else wrote must not make us read or remove other objects' files.
    if !artifact.path.starts_with(&own) {
        return Ok(Stored::Disappeared);
    }
    let health = storage.check(&artifact.path, &artifact.digest);
    match health.map_err(Error::VerifyStored)? {
        Health::Missing => Ok(Stored::Disappeared),
        Health::Good => {
            artifact.url = storage.url(&artifact.path);
            Ok(Stored::Present(artifact))
        }
        Health::Corrupt => {
            storage
                .remove(&artifact.path)
                .map_err(Error::VerifyStored)?;
            let why = if artifact.digest.is_empty() {
                "artifact has no digest".to_owned()
            } else {
                format!("computed digest doesn't match '{}'", artifact.digest)
            };
            Ok(Stored::Corrupt(why))
        }
    }
}

/// The values of a Secret in the object's own namespace; `None` if there is no such Secret.
///
/// # Errors
/// If the API server does not answer, or refuses.
pub async fn secret(
    context: &Context,
    namespace: &str,
    name: &str,
) -> Result<Option<BTreeMap<String, Vec<u8>>>, SecretError> {
    let api: Api<Secret> = Api::namespaced(context.client.clone(), namespace);
    let found = api.get_opt(name).await;
    let found = found.map_err(|error| SecretError::Api(weir_runtime::client::describe(&error)))?;
    Ok(found.map(|secret| {
        let values = secret.data.unwrap_or_default();
        values
            .into_iter()
            .map(|(key, value)| (key, value.0))
            .collect()
    }))
}

#[cfg(test)]
mod tests {
    use weir_artifact::digest::Algorithm;
    use weir_artifact::{Retention, StorageError};

    use super::*;

    #[tokio::test]
    async fn collecting_ends_with_its_time_and_is_told() {
        let never = std::future::pending::<Result<Collected, ()>>();
        let collected = within(Duration::ZERO, never).await;
        assert_eq!(
            collected.failure.as_deref(),
            Some("context deadline exceeded")
        );
        let done = Collected {
            removed: 2,
            failure: None,
        };
        let collected = within(COLLECTING, std::future::ready(Ok::<_, ()>(done.clone()))).await;
        assert_eq!(collected, done);
    }

    #[test]
    fn an_artifact_without_a_digest_is_removed_and_one_of_another_object_is_not_touched() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let retention = Retention::default();
        let storage = Storage::open(folder.path(), "host", Algorithm::Sha256, retention);
        let storage = storage.expect("opens");
        let location = Location {
            kind: "gitrepository".to_owned(),
            namespace: "ns".to_owned(),
            name: "app".to_owned(),
        };
        let published = storage.publish(&location, "a.tar.gz", |output| {
            output.write_all(b"bytes").expect("writes");
            Ok::<_, StorageError>(())
        });
        let (published, ()) = published.expect("publishes");
        let artifact = |path: &str, digest: &str| Artifact {
            path: path.to_owned(),
            url: String::new(),
            revision: "main@sha1:1".to_owned(),
            digest: digest.to_owned(),
            last_update_time: jiff::Timestamp::UNIX_EPOCH.into(),
            size: None,
            metadata: BTreeMap::new(),
        };
        let digest = published.digest.to_string();
        let good = judge(&storage, &location, artifact(&published.path, &digest));
        assert!(matches!(good, Ok(Stored::Present(_))));
        let other = "gitrepository/ns/other/a.tar.gz";
        let foreign = judge(&storage, &location, artifact(other, ""));
        assert!(matches!(foreign, Ok(Stored::Disappeared)));
        let empty = judge(&storage, &location, artifact(&published.path, ""));
        let expected = Stored::Corrupt("artifact has no digest".to_owned());
        assert_eq!(empty.expect("is judged"), expected);
        assert!(!folder.path().join(&published.path).exists());
    }
}
