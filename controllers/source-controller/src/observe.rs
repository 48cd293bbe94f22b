//! What a pass looks at before it asks the source: storage and Secrets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use weir_api::meta::Artifact;
use weir_artifact::{Health, Location, Storage};

use crate::context::Context;
use crate::error::{Error, SecretError};

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
    let storage = Arc::clone(&context.storage);
    let location = location.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let collected = match &artifact {
            None => Collected::default(),
            Some(artifact) => collect(&storage, &location, &artifact.path),
        };
        Ok((collected, judge(&storage, &location, artifact)?))
    });
    looked.await.unwrap_or(Err(Error::Interrupted))
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

fn judge(
    storage: &Storage,
    location: &Location,
    artifact: Option<Artifact>,
) -> Result<Stored, Error> {
    let Some(mut artifact) = artifact else {
        return Ok(Stored::Absent);
    };
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
