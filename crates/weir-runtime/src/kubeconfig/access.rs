//! What is left of a kubeconfig, and the client that is made of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use kube::config::AuthInfo;
use kube::{Client, Config};
use reqwest::Url;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Map, Value, json};

use super::check;
use super::file::{Cluster, User};
use super::{Allow, KubeconfigError};
use crate::client::{self, DEADLINE};
use crate::metrics::Metrics;

/// A server and how to show there who one is. Prints none of it.
pub struct Access {
    pub(super) url: Url,
    pub(super) authority: Vec<u8>,
    pub(super) server_name: String,
    pub(super) insecure: bool,
    pub(super) proxy: Option<Url>,
    pub(super) certificate: Vec<u8>,
    pub(super) key: Vec<u8>,
    pub(super) token: String,
    pub(super) username: String,
    pub(super) password: String,
    pub(super) exec: Option<Map<String, Value>>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
    }
}

impl Access {
    pub(super) fn new(
        cluster: &Cluster,
        user: &User,
        allow: Allow,
    ) -> Result<Self, KubeconfigError> {
        let url = address(&cluster.server)?;
        let proxy = match cluster.proxy_url.as_str() {
            "" => None,
            text => Some(check::proxy(text).map_err(KubeconfigError::Check)?),
        };
        let open = Self {
            url,
            authority: Vec::new(),
            server_name: String::new(),
            insecure: false,
            proxy,
            certificate: Vec::new(),
            key: Vec::new(),
            token: String::new(),
            username: String::new(),
            password: String::new(),
            exec: None,
        };
        if open.url.scheme() != "https" {
            // Credentials are for those who have shown who they are.
            return Ok(open);
        }
        let has_certificate = !user.certificate.is_empty();
        let own = |bytes: &Vec<u8>| match has_certificate {
            true => bytes.clone(),
            false => Vec::new(),
        };
        Ok(Self {
            authority: cluster.authority.clone(),
            server_name: cluster.tls_server_name.clone(),
            insecure: cluster.insecure && allow.insecure_tls,
            certificate: own(&user.certificate),
            key: own(&user.key),
            token: user.token.clone(),
            username: user.username.clone(),
            password: user.password.clone(),
            exec: user.exec.clone().filter(|_| allow.exec),
            ..open
        })
    }

    /// A server that is shown its credentials with each request, and hence has to show its own by `authority`, or by
    /// the system's if that is empty.
    ///
    /// # Errors
    /// The address is none, or not one of TLS.
    pub fn of_server(server: &str, authority: Vec<u8>) -> Result<Self, KubeconfigError> {
        let server = if server.contains("://") {
            server.to_owned()
        } else {
            format!("https://{server}")
        };
        let cluster = Cluster {
            server,
            authority,
            ..Cluster::default()
        };
        let access = Self::new(&cluster, &User::default(), Allow::default())?;
        if access.url.scheme() != "https" {
            return Err(KubeconfigError::Use(format!(
                "the Kubernetes API server address '{}' must use https scheme",
                cluster.server
            )));
        }
        Ok(access)
    }

    /// The server's address and authority.
    #[must_use]
    pub fn server(&self) -> (String, Vec<u8>) {
        let address = self.url.as_str().trim_end_matches('/').to_owned();
        (address, self.authority.clone())
    }

    /// A client of that server, which names itself `user_agent`.
    ///
    /// # Errors
    /// [`KubeconfigError::Use`] if certificates or keys are none.
    pub async fn client(
        &self,
        user_agent: &str,
        metrics: &Metrics,
    ) -> Result<Client, KubeconfigError> {
        let config = self.config().map_err(KubeconfigError::Use)?;
        let (user_agent, metrics) = (user_agent.to_owned(), metrics.clone());
        let build = move || client::build_remote(config, &user_agent, &metrics);
        if self.exec.is_none() {
            return build().map_err(unusable);
        }
        // The program runs now, and may take its time.
        let built = tokio::time::timeout(DEADLINE, tokio::task::spawn_blocking(build)).await;
        match built {
            Ok(Ok(built)) => built.map_err(unusable),
            Ok(Err(_)) | Err(_) => Err(KubeconfigError::Use(format!(
                "exec plugin did not end within {DEADLINE:?}"
            ))),
        }
    }

    /// The configuration of the client.
    pub(super) fn config(&self) -> Result<Config, String> {
        let url: Uri = self.url.as_str().parse().map_err(|_| no_host(&self.url))?;
        let mut config = Config::new(url);
        config.auth_info = self.auth_info()?;
        config.accept_invalid_certs = self.insecure;
        config.tls_server_name = Some(self.server_name.clone()).filter(|name| !name.is_empty());
        if !self.authority.is_empty() {
            if self.insecure {
                let text =
                    "specifying a root certificates file with the insecure flag is not allowed";
                return Err(text.to_owned());
            }
            config.root_cert = Some(roots(&self.authority)?);
        }
        config.proxy_url = match &self.proxy {
            Some(proxy) => Some(proxy.as_str().parse().map_err(|_| no_host(proxy))?),
            None => proxy_of_environment(&config.cluster_url),
        };
        Ok(config)
    }

    fn auth_info(&self) -> Result<AuthInfo, String> {
        let mut info = Map::new();
        let mut put = |name: &str, text: String| {
            if !text.is_empty() {
                info.insert(name.to_owned(), json!(text));
            }
        };
        put("token", self.token.clone());
        put("username", self.username.clone());
        put("password", self.password.clone());
        if !self.certificate.is_empty() {
            check_pair(&self.certificate, &self.key)?;
            put(
                "client-certificate-data",
                STANDARD.encode(&self.certificate),
            );
            put("client-key-data", STANDARD.encode(&self.key));
        }
        if let Some(exec) = &self.exec {
            info.insert("exec".to_owned(), Value::Object(exec.clone()));
        }
        // The cause would show what is in there.
        serde_json::from_value(Value::Object(info))
            .map_err(|_| "the user's credentials cannot be understood".to_owned())
    }
}

fn unusable(error: client::ClientError) -> KubeconfigError {
    let text = match &error {
        client::ClientError::Build(source) => client::describe(source),
        other => other.to_string(),
    };
    KubeconfigError::Use(text)
}

fn no_host(text: impl std::fmt::Display) -> String {
    format!("host must be a URL or a host:port pair: \"{text}\"")
}

/// The server's URL without what a request adds or what only a browser knows. One without a scheme is spoken to
/// in the clear, as client-go does, hence without credentials.
fn address(server: &str) -> Result<Url, KubeconfigError> {
    let refused = || {
        let shown = server.rsplit_once('@').map_or(server, |(_, host)| host);
        KubeconfigError::Use(no_host(shown))
    };
    let mut url = match server.split_once("://") {
        Some(("http" | "https", _)) => Url::parse(server),
        Some(_) => return Err(refused()),
        None if server.contains('/') => return Err(refused()),
        None => Url::parse(&format!("http://{server}")),
    }
    .map_err(|_| refused())?;
    let cleared = url.set_username("").and(url.set_password(None));
    if url.host().is_none() || cleared.is_err() {
        return Err(refused());
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

fn roots(authority: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let certificates: Vec<CertificateDer<'_>> = CertificateDer::pem_slice_iter(authority)
        .collect::<Result<_, _>>()
        .unwrap_or_default();
    if certificates.is_empty() {
        return Err("unable to load root certificates: unable to parse bytes as PEM block".into());
    }
    let mut store = RootCertStore::empty();
    for certificate in &certificates {
        store.add(certificate.clone()).map_err(|_| {
            "unable to load root certificates: failed to parse certificate: x509: malformed certificate"
        })?;
    }
    let bytes = |certificate: CertificateDer<'_>| certificate.to_vec();
    Ok(certificates.into_iter().map(bytes).collect())
}

fn check_pair(certificate: &[u8], key: &[u8]) -> Result<(), String> {
    let certificates = CertificateDer::pem_slice_iter(certificate)
        .flatten()
        .count();
    if certificates == 0 {
        let text = match PrivateKeyDer::from_pem_slice(certificate) {
            Ok(_) => {
                "failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs \
                 may have been switched"
            }
            Err(_) => "failed to find any PEM data in certificate input",
        };
        return Err(format!("tls: {text}"));
    }
    match PrivateKeyDer::from_pem_slice(key) {
        Ok(_) => Ok(()),
        Err(_) => Err("tls: failed to find any PEM data in key input".to_owned()),
    }
}

/// The proxy that the environment asks for, as for every other client of the process; never for this machine.
pub(crate) fn proxy_of_environment(url: &Uri) -> Option<Uri> {
    let host = url.host()?.trim_matches(['[', ']']);
    let is_local = host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    if is_local {
        return None;
    }
    let matcher = hyper_util::client::proxy::matcher::Matcher::from_env();
    Some(matcher.intercept(url)?.uri().clone())
}
