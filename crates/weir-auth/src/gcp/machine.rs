//! What a machine, a node or a file of the environment says.

use std::time::Duration;

use reqwest::{Client, Url};

use super::{CredentialsFile, SCOPES, parse, read};
use crate::environment::Environment;
use crate::error::Error;
use crate::http::{exchange, send};
use crate::token::Token;

/// Where a machine asks about itself.
const MACHINE: &str = "169.254.169.254";
/// Whoever is no machine of Google must not wait long for one.
const PATIENCE: Duration = Duration::from_secs(2);

/// The process's own token: of the file that its environment names, or of its machine.
///
/// # Errors
/// If there is neither, or the service refuses.
pub async fn own_token(client: &Client, environment: &Environment) -> Result<Token, Error> {
    if let Some(file) = environment.get("GOOGLE_APPLICATION_CREDENTIALS") {
        let text = environment.read(&file).await?;
        let file = CredentialsFile::parse(text.as_bytes())?;
        return file.token(client, &SCOPES).await;
    }
    let mut url = at(environment, "instance/service-accounts/default/token")?;
    url.query_pairs_mut()
        .append_pair("scopes", &SCOPES.join(","));
    let request = client.get(url.clone()).header("metadata-flavor", "Google");
    let asked = tokio::time::timeout(PATIENCE, send(request, "GET", &url, &[])).await;
    let answer = match asked {
        Ok(answer) => answer?,
        Err(_) => {
            return Err(Error::Invalid(
                "google: could not find default credentials, and the metadata server does not answer"
                    .to_owned(),
            ));
        }
    };
    read(&answer, &url)
}

/// The cluster of GKE that the process runs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Its project.
    pub project: String,
    /// Its region or zone.
    pub location: String,
    /// Its name.
    pub name: String,
}

impl Cluster {
    /// Whom tokens of its service accounts must be for.
    #[must_use]
    pub fn pool(&self) -> String {
        format!("{}.svc.id.goog", self.project)
    }

    /// What they are exchanged at.
    #[must_use]
    pub fn audience(&self) -> String {
        let Self {
            project,
            location,
            name,
        } = self;
        format!(
            "identitynamespace:{}:https://container.googleapis.com/v1/projects/{project}/locations/{location}/clusters/{name}",
            self.pool()
        )
    }
}

/// Asks the machine for its cluster.
///
/// # Errors
/// If this is no machine of GKE.
pub async fn cluster(client: &Client, environment: &Environment) -> Result<Cluster, Error> {
    let get = async |path: &str, what: &str| {
        let failed = |why: String| {
            Error::Invalid(format!(
                "failed to get GKE cluster {what} from the metadata service: {why}"
            ))
        };
        let url = at(environment, path)?;
        let request = client.get(url.clone()).header("metadata-flavor", "Google");
        let asked = tokio::time::timeout(PATIENCE, exchange(request, &format!("GET {url}"))).await;
        let reply = asked.map_err(|_| failed("no answer".to_owned()))?;
        let reply = reply.map_err(|error| failed(error.to_string()))?;
        if !reply.is_success() {
            return Err(failed(format!("status {}", reply.status)));
        }
        let value = reply.text(300, &[]).trim().to_owned();
        if value.is_empty() {
            return Err(failed("empty value".to_owned()));
        }
        Ok(value)
    };
    Ok(Cluster {
        project: get("project/project-id", "project ID").await?,
        location: get("instance/attributes/cluster-location", "location").await?,
        name: get("instance/attributes/cluster-name", "name").await?,
    })
}

fn at(environment: &Environment, path: &str) -> Result<Url, Error> {
    let host = environment.get("GCE_METADATA_HOST");
    let host = host.as_deref().unwrap_or(MACHINE);
    parse(&format!("http://{host}/computeMetadata/v1/{path}"))
}
