//! The identity that the process has by where it runs.
//!
//! Source: fluxcd/pkg auth v0.54 `azure/new_default_azure_credential.go`; Azure SDK for Go `azidentity`
//! `managed_identity_client.go`.

use std::time::Duration;

use reqwest::{Client, Url};

use super::{AUTHORITY, Certificate, Identity, Proof, read};
use crate::environment::Environment;
use crate::error::Error;
use crate::http::send;
use crate::token::Token;

/// Where a machine in Azure asks for its own identity.
const MACHINE: &str = "http://169.254.169.254";
/// Whoever is no machine of Azure must not wait long for one.
const PATIENCE: Duration = Duration::from_secs(5);

/// The authority that the environment names, or the public cloud's.
#[must_use]
pub fn authority(environment: &Environment) -> String {
    let named = environment.get("AZURE_AUTHORITY_HOST");
    named.unwrap_or_else(|| AUTHORITY.to_owned())
}

/// A token for `scope` of the process's own identity: of the client that its environment names, or of its machine.
///
/// # Errors
/// If there is none, or the service refuses.
pub async fn own_token(
    client: &Client,
    environment: &Environment,
    scope: &str,
) -> Result<Token, Error> {
    let get = |name| environment.get(name);
    let id = get("AZURE_CLIENT_ID");
    let secret = get("AZURE_CLIENT_SECRET");
    let certificate = get("AZURE_CLIENT_CERTIFICATE_PATH");
    let file = get("AZURE_FEDERATED_TOKEN_FILE");
    let proof = match (secret, certificate, file) {
        (Some(secret), _, _) => Some(Proof::Secret(secret)),
        (None, Some(path), _) => {
            let chain = environment.is_true("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN");
            let pem = environment.read(&path).await?;
            Some(Proof::Certificate(Certificate::from_pem(&pem, chain)?))
        }
        (None, None, Some(file)) => Some(Proof::Assertion(environment.read(&file).await?)),
        (None, None, None) => None,
    };
    match (get("AZURE_TENANT_ID"), &id, proof) {
        (Some(tenant), Some(id), Some(proof)) => {
            let identity = Identity {
                tenant,
                client: id.clone(),
                authority: authority(environment),
                proof,
            };
            identity.token(client, scope).await
        }
        _ => machine_token(client, environment, id.as_deref(), scope).await,
    }
}

/// A token for `scope` of the machine's own identity, or of that of `client_id`.
///
/// # Errors
/// If there is no such service, or it refuses.
pub async fn machine_token(
    client: &Client,
    environment: &Environment,
    client_id: Option<&str>,
    scope: &str,
) -> Result<Token, Error> {
    let base = environment.get("AZURE_POD_IDENTITY_AUTHORITY_HOST");
    let base = base.as_deref().unwrap_or(MACHINE).trim_end_matches('/');
    let url = format!("{base}/metadata/identity/oauth2/token");
    let mut url = Url::parse(&url).map_err(|error| Error::Invalid(error.to_string()))?;
    let resource = scope.strip_suffix("/.default").unwrap_or(scope);
    url.query_pairs_mut()
        .append_pair("api-version", "2018-02-01")
        .append_pair("resource", resource);
    if let Some(id) = client_id {
        url.query_pairs_mut().append_pair("client_id", id);
    }
    let request = client.get(url.clone()).header("metadata", "true");
    let asked = tokio::time::timeout(PATIENCE, send(request, "GET", &url, &[])).await;
    let answer = asked.map_err(|_| {
        Error::Invalid(
            "ManagedIdentityCredential: the instance metadata service does not answer".to_owned(),
        )
    })?;
    read(&answer?, "GET", &url)
}
