//! Key services as SOPS knows them: Vault's transit engine, AWS KMS, Google Cloud KMS, Azure Key Vault, and the
//! services that give out credentials for them.
//!
//! They check what they are sent (signatures, claims, tokens, encryption contexts) as the real ones do, keep it for
//! tests, and decrypt with real keys, always the same ones, so that files encrypted once serve for ever. They answer
//! under the real names: over TLS by an authority of their own, through a proxy that leads every name to them. The
//! real `sops` works with them unchanged.

mod aws;
mod azure;
mod clusters;
mod github;
mod google;
mod sealed;
mod statement;
mod tunnel;
mod vault;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value;
use tempfile::TempDir;

use crate::http_server::{Answer, Body, Server, text};
use crate::layout;
use crate::pki::Authority;
use tunnel::Tunnel;

pub(crate) use aws::signed_for_codecommit;
pub use clusters::CloudCluster;

/// The names under which the services are reached.
const NAMES: [&str; 14] = [
    "kms.eu-west-1.amazonaws.com",
    "sts.eu-west-1.amazonaws.com",
    "cloudkms.googleapis.com",
    "oauth2.googleapis.com",
    "sts.googleapis.com",
    "iamcredentials.googleapis.com",
    "container.googleapis.com",
    "management.azure.com",
    "login.microsoftonline.com",
    "own.vault.azure.net",
    "vault.example",
    "other.example",
    "localhost",
    "127.0.0.1",
];

/// Most bytes of a request.
const BYTES: usize = 1 << 20;

/// What opens the services. All of them contain `canary`, so that a test can look for them anywhere.
pub mod secrets {
    /// The user of AWS.
    pub const AWS_ID: &str = "AKIDEXAMPLE";
    /// The key of that user.
    pub const AWS_KEY: &str = "canary-aws-key";
    /// The role that can be taken on.
    pub const AWS_ROLE: &str = "arn:aws:iam::111122223333:role/decryptor";
    /// The key of that role's sessions.
    pub const AWS_ROLE_KEY: &str = "canary-role-key";
    /// A session of that role.
    pub const AWS_SESSION: &str = "canary-role-session";
    /// A token of Google Cloud.
    pub const GOOGLE_TOKEN: &str = "canary-google-token";
    /// A service account of Google Cloud, whose key is [`RSA_KEY`].
    pub const GOOGLE_EMAIL: &str = "decryptor@project.iam.gserviceaccount.com";
    /// The tenant of Azure.
    pub const AZURE_TENANT: &str = "11111111-2222-3333-4444-555555555555";
    /// The client of Azure.
    pub const AZURE_CLIENT: &str = "99999999-8888-7777-6666-555555555555";
    /// The secret of that client.
    pub const AZURE_SECRET: &str = "canary-azure-secret";
    /// A token of Azure.
    pub const AZURE_TOKEN: &str = "canary-azure-token";
    /// A token of Azure for Azure DevOps.
    pub const AZURE_DEVOPS_TOKEN: &str = "canary-devops-token";
    /// The number of a GitHub App, whose key is [`RSA_KEY`].
    pub const GITHUB_APP: &str = "123";
    /// A token of its installation 7, which is that of `acme`.
    pub const GITHUB_TOKEN: &str = "canary-github-token";
    /// A token of Vault.
    pub const VAULT_TOKEN: &str = "canary-vault-token";
    /// The token that Vault gives to service accounts.
    pub const VAULT_LOGIN: &str = "canary-vault-login";
    /// The RSA key of Azure's vault, of Google's service account and of the certificate.
    pub const RSA_KEY: &str = include_str!("key_server/rsa.pem");
    /// A certificate of that key.
    pub const CERTIFICATE: &str = include_str!("key_server/certificate.pem");
}

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `POST` and the like.
    pub method: String,
    /// The name that the client asked for.
    pub host: String,
    /// The path with its query.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Asked {
    /// A header as text; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A field of the body, if that is a form.
    pub fn form(&self, name: &str) -> String {
        let body = String::from_utf8_lossy(&self.body);
        let url = reqwest::Url::parse(&format!("http://form/?{body}"));
        let found = url.ok().and_then(|url| {
            let mut pairs = url.query_pairs();
            let (_, value) = pairs.find(|(key, _)| key == name)?;
            Some(value.into_owned())
        });
        found.unwrap_or_default()
    }

    fn bearer(&self) -> &str {
        let value = self.header("authorization");
        value.strip_prefix("Bearer ").unwrap_or_default()
    }
}

/// What the key services do instead of their work.
#[derive(Clone, Debug)]
pub enum KeyFault {
    /// They answer so.
    Status(u16, String),
    /// They never answer.
    Silence,
    /// They answer with so many bytes.
    Flood(usize),
}

#[derive(Default)]
struct State {
    asked: Mutex<Vec<Asked>>,
    fault: Mutex<Option<KeyFault>>,
    cluster: Mutex<Option<CloudCluster>>,
}

/// The running services. Dropping this ends them.
pub struct KeyServer {
    state: Arc<State>,
    plain: Server,
    secure: Server,
    tunnel: Tunnel,
    authority: String,
    folder: TempDir,
}

impl std::fmt::Debug for KeyServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyServer").finish_non_exhaustive()
    }
}

impl KeyServer {
    /// Starts the services on free ports.
    ///
    /// # Errors
    /// If there is no free port, or no folder for the certificate.
    pub fn start() -> Result<Self> {
        let state = Arc::new(State::default());
        let authority = Authority::new("key services")?;
        let identity = authority.server_of(&NAMES)?;
        let handler = |state: Arc<State>| {
            move |request: Request<Incoming>| answer(Arc::clone(&state), request)
        };
        let plain = Server::start(None, handler(Arc::clone(&state)))?;
        let secure = Server::start(Some(&identity), handler(Arc::clone(&state)))?;
        let tunnel = Tunnel::start(secure.address())?;
        let folder = layout::scratch("key-server")?;
        std::fs::write(folder.path().join("ca.pem"), authority.pem())
            .context("cannot write the authority")?;
        Ok(Self {
            state,
            plain,
            secure,
            tunnel,
            authority: authority.pem().to_owned(),
            folder,
        })
    }

    /// `http://127.0.0.1:PORT`, where all services are without TLS.
    pub fn plain_url(&self) -> String {
        self.plain.url()
    }

    /// Where all services are with TLS.
    pub fn address(&self) -> SocketAddr {
        self.secure.address()
    }

    /// The proxy that leads every name to the services: for `HTTPS_PROXY`.
    pub fn proxy_url(&self) -> String {
        self.tunnel.url()
    }

    /// The authority of their certificate, PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The same as a file: for `SSL_CERT_FILE`.
    pub fn authority_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A folder that goes with the services.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        let asked = self.state.asked.lock();
        asked.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often a key was used to decrypt.
    pub fn decryptions(&self) -> usize {
        let is_one = |asked: &Asked| {
            let target = asked.header("x-amz-target").ends_with(".Decrypt");
            let path = asked.path.split('?').next().unwrap_or_default();
            let has_token = !asked.header("authorization").is_empty()
                || !asked.header("x-vault-token").is_empty();
            target || has_token && (path.ends_with("decrypt") || path.contains("/decrypt/"))
        };
        self.asked().iter().filter(|asked| is_one(asked)).count()
    }

    /// From now on the key services do this; `None` for their work. Those that give out credentials are not touched.
    pub fn fault(&self, fault: Option<KeyFault>) {
        let held = self.state.fault.lock();
        *held.unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// From now on Google and Azure run this cluster, and the tokens that they give out for clusters are its own.
    pub fn run_cluster(&self, cluster: CloudCluster) {
        let held = self.state.cluster.lock();
        *held.unwrap_or_else(PoisonError::into_inner) = Some(cluster);
    }
}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Answer {
    let asked = read(request).await?;
    let fault = {
        let fault = state.fault.lock();
        fault.unwrap_or_else(PoisonError::into_inner).clone()
    };
    {
        let mut all = state.asked.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(asked.clone());
    }
    let gives_credentials = ["sts.", "oauth2.", "iamcredentials.", "login."]
        .iter()
        .any(|start| asked.host.starts_with(start));
    match fault.filter(|_| !gives_credentials) {
        Some(KeyFault::Status(status, body)) => {
            let status = StatusCode::from_u16(status).map_err(io::Error::other)?;
            return Ok(text(status, body));
        }
        Some(KeyFault::Silence) => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
        }
        Some(KeyFault::Flood(size)) => return Ok(text(StatusCode::OK, vec![b' '; size])),
        None => {}
    }
    let cluster = state.cluster.lock();
    let cluster = cluster.unwrap_or_else(PoisonError::into_inner).clone();
    Ok(route(&asked, cluster.as_ref()))
}

async fn read(request: Request<Incoming>) -> io::Result<Asked> {
    let (parts, body) = request.into_parts();
    let body = http_body_util::Limited::new(body, BYTES);
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let host = parts.headers.get("host");
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let path = parts.uri.path_and_query();
    Ok(Asked {
        method: parts.method.to_string(),
        host: host.to_owned(),
        path: path
            .map(|path| path.as_str())
            .unwrap_or_default()
            .to_owned(),
        headers: parts.headers,
        body,
    })
}

/// Each service by its name; on the plain port, where there is none, by what is asked.
fn route(asked: &Asked, cluster: Option<&CloudCluster>) -> Response<Body> {
    let host = asked.host.split(':').next().unwrap_or_default();
    let token = cluster.map(|cluster| cluster.token.as_str());
    match (host, cluster) {
        ("container.googleapis.com", Some(cluster)) => return clusters::gke(asked, cluster),
        ("management.azure.com", Some(cluster)) => return clusters::aks(asked, cluster),
        _ => {}
    }
    match host {
        "oauth2.googleapis.com" => google::token(asked),
        "sts.googleapis.com" => google::exchange(asked, token),
        "iamcredentials.googleapis.com" => google::impersonate(asked),
        "cloudkms.googleapis.com" => google::kms(asked),
        "login.microsoftonline.com" => azure::authority(asked, token),
        "own.vault.azure.net" => azure::vault(asked),
        _ if asked.headers.contains_key("x-github-api-version") => github::answer(asked),
        _ if asked.headers.contains_key("x-amz-target") => aws::kms(asked),
        _ if asked.form("Action").starts_with("AssumeRole") => aws::sts(asked),
        _ if asked.path.starts_with("/v1/projects/") => google::kms(asked),
        _ if asked.path.starts_with("/v1/") => vault::answer(asked),
        _ => text(StatusCode::NOT_FOUND, "no such service"),
    }
}

/// A JSON answer.
fn json(status: u16, value: &Value) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = text(status, value.to_string());
    let kind = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert("content-type", kind);
    response
}

/// Whether this is the method that writes.
fn is_write(asked: &Asked) -> bool {
    [Method::POST.as_str(), Method::PUT.as_str()].contains(&asked.method.as_str())
}
