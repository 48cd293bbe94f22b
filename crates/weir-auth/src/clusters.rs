//! Clusters that clouds run, and others that trust ours: where their API servers are, and what opens them.
//!
//! Source: fluxcd/pkg auth v0.54 `restconfig.go`, `utils/restconfig.go`.

mod aws;
mod azure;
mod gcp;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use regex::Regex;
use reqwest::Url;

use crate::access::Access;
use crate::error::Error;
use crate::token::Token;

/// How long it counts what a cloud says of a cluster.
const DESCRIPTION_LIFE: Duration = Duration::from_secs(15 * 60);

/// A cluster, as a ConfigMap names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reference {
    /// `aws`, `azure`, `gcp` or `generic`.
    pub provider: String,
    /// Its name in the cloud; may be empty where address and authority are given.
    pub cluster: String,
    /// Its API server; empty to ask the cloud.
    pub address: String,
    /// The authority of its API server, as PEM; empty to ask the cloud.
    pub authority: String,
    /// Whom a generic token is for; the address if there are none.
    pub audiences: Vec<String>,
}

/// The way into a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrance {
    /// The address of its API server.
    pub address: String,
    /// The authority of its API server, as PEM; empty for those of the system.
    pub authority: Vec<u8>,
    /// The bearer token.
    pub token: Token,
}

/// Address and authority in a kubeconfig.
pub type ReadKubeconfig = dyn Fn(&[u8]) -> Result<(String, Vec<u8>), String> + Send + Sync;

/// Where a cluster is, as a cloud describes it.
struct Description {
    address: String,
    authority: Vec<u8>,
}

impl Access {
    /// The way into a cluster. `read` reads the kubeconfigs that Azure gives out.
    ///
    /// # Errors
    /// For a name that is none, and where the cloud refuses; the texts are upstream's where it has some.
    pub async fn entrance(
        &self,
        reference: &Reference,
        read: &ReadKubeconfig,
    ) -> Result<Entrance, Error> {
        match reference.provider.as_str() {
            "aws" => self.eks(reference).await,
            "azure" => self.aks(reference, read).await,
            "gcp" => self.gke(reference).await,
            "generic" => self.generic(reference).await,
            other => Err(Error::Invalid(format!(
                "provider '{other}' not implemented"
            ))),
        }
    }

    async fn generic(&self, reference: &Reference) -> Result<Entrance, Error> {
        if reference.address.is_empty() {
            let text = "cluster address is required to create a REST config";
            return Err(Error::Invalid(text.to_owned()));
        }
        let own = [reference.address.clone()];
        let audiences = match reference.audiences.as_slice() {
            [] => &own,
            given => given,
        };
        let token = self.kubernetes(audiences).await.map_err(no_token)?;
        let address = canonical(&reference.address).map_err(|error| {
            let address = &reference.address;
            Error::Invalid(format!(
                "failed to parse cluster address {address}: {error}"
            ))
        })?;
        Ok(Entrance {
            address,
            authority: reference.authority.clone().into_bytes(),
            token,
        })
    }

    /// What `ask` says of a cluster, kept for a while.
    async fn described<F>(
        &self,
        reference: &Reference,
        ask: impl FnOnce() -> F,
    ) -> Result<Description, Error>
    where
        F: Future<Output = Result<Description, Error>>,
    {
        let Reference {
            provider,
            cluster,
            address,
            ..
        } = reference;
        let (namespace, name) = self.account.clone().unwrap_or_default();
        let key = format!("cluster {provider} {cluster} {address} {namespace}/{name}");
        let asked = || async {
            let found = ask().await?;
            Ok(Token {
                username: found.address,
                secret: String::from_utf8_lossy(&found.authority).into_owned(),
                expires: SystemTime::now() + DESCRIPTION_LIFE,
            })
        };
        let kept = self.cache.get(key, asked).await?;
        Ok(Description {
            address: kept.username,
            authority: kept.secret.into_bytes(),
        })
    }
}

/// The given parts go before what the cloud says.
fn merged(reference: &Reference, found: Option<Description>, token: Token) -> Entrance {
    let found = found.unwrap_or(Description {
        address: String::new(),
        authority: Vec::new(),
    });
    let given = |text: &String| (!text.is_empty()).then(|| text.clone());
    let authority = given(&reference.authority).map(String::into_bytes);
    Entrance {
        address: given(&reference.address).unwrap_or(found.address),
        authority: authority.unwrap_or(found.authority),
        token,
    }
}

/// Whether the reference leaves something to ask.
fn is_partial(reference: &Reference) -> bool {
    reference.address.is_empty() || reference.authority.is_empty()
}

fn no_token(error: Error) -> Error {
    Error::Invalid(format!("failed to get access token for cluster: {error}"))
}

/// The parts of a cluster's name that `form` captures.
fn parts(kind: &str, cluster: &str, form: &str) -> Result<Vec<String>, Error> {
    // Classes of Go are of ASCII.
    let ascii = form.replace(r"[\w-]", "[0-9A-Za-z_-]");
    let regex = Regex::new(&ascii).map_err(|error| Error::Invalid(error.to_string()))?;
    let found = regex
        .captures(cluster)
        .ok_or_else(|| Error::Invalid(format!("invalid {kind}: '{cluster}'. must match {form}")))?;
    let text = |part: Option<regex::Match<'_>>| part.map_or("", |part| part.as_str()).to_owned();
    Ok(found.iter().skip(1).map(text).collect())
}

/// `https://host:port` with the host in lower case.
///
/// Source: fluxcd/pkg auth v0.54 `ParseClusterAddress`.
fn canonical(address: &str) -> Result<String, Error> {
    if address.is_empty() {
        return Err(Error::Invalid("empty address".to_owned()));
    }
    let address = if address.starts_with("http") {
        address.to_owned()
    } else {
        format!("https://{address}")
    };
    let url = Url::parse(&address).map_err(|error| {
        Error::Invalid(format!(
            "failed to parse Kubernetes API server address '{address}': {error}"
        ))
    })?;
    let Some(host) = url.host_str().filter(|_| url.scheme() == "https") else {
        return Err(Error::Invalid(format!(
            "the Kubernetes API server address '{address}' must use https scheme"
        )));
    };
    let port = url.port().unwrap_or(443);
    Ok(format!("https://{}:{port}", host.to_lowercase()))
}

/// The member of a JSON answer at `path`, as text.
fn text_at(answer: &serde_json::Value, path: &str) -> String {
    let found = answer.pointer(path).and_then(serde_json::Value::as_str);
    found.unwrap_or_default().to_owned()
}
