//! How requests reach a Vault, as the environment has it.
//!
//! Source: hashicorp/vault `api` v1.23 `client.go` `configureTLS`; hashicorp/go-rootcerts v1.0.2.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, Client, ClientBuilder, Identity, RequestBuilder, Url};
use weir_auth::Environment;
use zeroize::Zeroizing;

use super::settings::flag;
use crate::http::CONNECT;

/// Most entries of a folder with certificates, and of the folders in it.
const FILES: usize = 1000;

/// What reaches Vaults.
pub(super) struct Transport {
    client: Client,
    named: Option<Named>,
}

/// Servers are to prove another name than that of their address.
struct Named {
    server: String,
    environment: Environment,
    has_proxy: bool,
    proxies: Matcher,
}

impl Transport {
    /// # Errors
    /// A file cannot be read, or a value is not as it must be.
    pub(super) fn new(environment: &Environment) -> Result<Self, String> {
        let named = match environment.get("VAULT_TLS_SERVER_NAME") {
            None => None,
            Some(server) if server.parse::<IpAddr>().is_ok() => {
                return Err("VAULT_TLS_SERVER_NAME must be a name, not an address".to_owned());
            }
            Some(server) => Some(Named {
                server,
                environment: environment.clone(),
                has_proxy: proxy(environment).is_some(),
                proxies: Matcher::from_env(),
            }),
        };
        let client = builder(environment)?.build().map_err(text)?;
        Ok(Self { client, named })
    }

    /// A request to write to `url`.
    ///
    /// # Errors
    /// The server is to prove another name, and that cannot be had.
    pub(super) fn put(&self, url: &Url) -> Result<RequestBuilder, String> {
        match &self.named {
            Some(named) if url.scheme() == "https" => named.put(url),
            _ => Ok(self.client.put(url.clone())),
        }
    }
}

impl Named {
    /// The name that is proved and asked for while connecting is that of the URL. So that becomes the name, it leads
    /// to the server that was meant, and the request itself says whom it is for. A client of its own serves each
    /// request: a connection that is kept is known by its name only.
    fn put(&self, url: &Url) -> Result<RequestBuilder, String> {
        let whole = url.as_str().parse::<http::Uri>();
        let whole = whole.map_err(|error| error.to_string())?;
        if self.has_proxy || self.proxies.intercept(&whole).is_some() {
            return Err("VAULT_TLS_SERVER_NAME does not work through a proxy".to_owned());
        }
        let meant = url.host_str().unwrap_or_default().to_owned();
        let host = match url.port() {
            Some(port) => format!("{meant}:{port}"),
            None => meant.clone(),
        };
        let mut url = url.clone();
        url.set_host(Some(&self.server))
            .map_err(|error| format!("VAULT_TLS_SERVER_NAME: {error}"))?;
        let client = builder(&self.environment)?
            .http1_only()
            .no_proxy()
            .dns_resolver(Arc::new(Meant(meant)))
            .build()
            .map_err(text)?;
        Ok(client.put(url).header("host", host))
    }
}

/// Every name is this one.
struct Meant(String);

impl Resolve for Meant {
    fn resolve(&self, _: Name) -> Resolving {
        let meant = self.0.trim_matches(['[', ']']).to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((meant, 0)).await?;
            let found: Addrs = Box::new(found.collect::<Vec<_>>().into_iter());
            Ok(found)
        })
    }
}

fn text(error: reqwest::Error) -> String {
    error.without_url().to_string()
}

fn proxy(environment: &Environment) -> Option<String> {
    let given = |name| environment.get(name);
    given("VAULT_PROXY_ADDR").or_else(|| given("VAULT_HTTP_PROXY"))
}

fn builder(environment: &Environment) -> Result<ClientBuilder, String> {
    let get = |name| environment.get(name);
    let mut builder = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT);
    match (get("VAULT_CLIENT_CERT"), get("VAULT_CLIENT_KEY")) {
        (Some(certificate), Some(key)) => {
            let mut both = read(&certificate)?;
            both.push(b'\n');
            both.extend_from_slice(&read(&key)?);
            builder = builder.identity(Identity::from_pem(&both).map_err(text)?);
        }
        (None, None) => {}
        _ => return Err("both client cert and client key must be provided".to_owned()),
    }
    let authorities = authorities(environment)?;
    if !authorities.is_empty() {
        builder = builder.tls_certs_only(authorities);
    }
    if flag(environment, "VAULT_SKIP_VERIFY")? {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    if let Some(proxy) = proxy(environment) {
        builder = builder.proxy(reqwest::Proxy::all(proxy).map_err(text)?);
    }
    Ok(builder)
}

/// The only authorities that are trusted, where the environment names some.
fn authorities(environment: &Environment) -> Result<Vec<Certificate>, String> {
    if let Some(file) = environment.get("VAULT_CACERT") {
        let failed = |why: String| format!("Error loading CA File: {why}");
        let bundle = read(&file).map_err(failed)?;
        return certificates(&bundle)
            .ok_or_else(|| failed(format!("Couldn't parse PEM in: {file}")));
    }
    if let Some(bundle) = environment.get("VAULT_CACERT_BYTES") {
        return certificates(bundle.as_bytes())
            .ok_or_else(|| "Error appending CA: Couldn't parse PEM".to_owned());
    }
    match environment.get("VAULT_CAPATH") {
        Some(folder) => of_folder(folder),
        None => Ok(Vec::new()),
    }
}

/// Those of all files in a folder and in those below it; links to folders are not followed.
fn of_folder(folder: String) -> Result<Vec<Certificate>, String> {
    let mut all = Vec::new();
    let mut folders = VecDeque::from([PathBuf::from(folder)]);
    let mut seen = 0;
    while let Some(folder) = folders.pop_front() {
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            seen += 1;
            if seen > FILES {
                return Err(format!("VAULT_CAPATH holds more than {FILES} files"));
            }
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            if entry.file_type().map_err(failed)?.is_dir() {
                folders.push_back(path);
            } else if path.is_file() {
                let name = path.to_string_lossy();
                let bundle =
                    read(&name).map_err(|why| format!("Error loading file from CAPath: {why}"))?;
                let found = certificates(&bundle);
                all.extend(found.ok_or_else(|| {
                    format!("Error loading CA Path: Couldn't parse PEM in: {name}")
                })?);
            }
        }
    }
    match all.is_empty() {
        false => Ok(all),
        true => Err("Error loading CA Path: no certificate".to_owned()),
    }
}

/// What a bundle holds; `None` if that is nothing.
fn certificates(bundle: &[u8]) -> Option<Vec<Certificate>> {
    let found = Certificate::from_pem_bundle(bundle).ok()?;
    Some(found).filter(|found| !found.is_empty())
}

fn read(path: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    let bytes = std::fs::read(path);
    bytes
        .map(Zeroizing::new)
        .map_err(|error| format!("{path}: {error}"))
}
