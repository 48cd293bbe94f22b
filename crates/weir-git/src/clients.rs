//! HTTP clients, made once per kind of trust: making one reads the system's certificates.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, Client, Identity, Url};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::dial::Network;
use crate::error::Error;
use crate::remote::{Proxy, Tls, chain};

/// How many are kept.
const CAPACITY: usize = 64;

/// One client with our certificate for the repository's host, one without for where it redirects to.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    pub(crate) own: Client,
    pub(crate) foreign: Client,
    /// The proxy that both use, if one was given.
    pub(crate) proxy: Option<Url>,
}

/// The clients in use, the least recently used one leaving first. Objects of the same trust share one, and
/// with it its open connections; credentials are not part of a client.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pool {
    network: Network,
    kept: Arc<Mutex<Vec<Kept>>>,
}

#[derive(Debug)]
struct Kept {
    tls: Tls,
    proxy: Option<Proxy>,
    clients: Clients,
}

impl Pool {
    /// A pool whose connections are made by `network`.
    pub(crate) fn new(network: Network) -> Self {
        Self {
            network,
            kept: Arc::default(),
        }
    }

    /// How connections are made.
    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    /// The clients for this trust and proxy.
    pub(crate) fn clients(&self, tls: &Tls, proxy: Option<&Proxy>) -> Result<Clients, Error> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |kept: &Kept| kept.tls == *tls && kept.proxy.as_ref() == proxy;
        let found = kept.iter().position(same);
        let entry = match found {
            Some(at) => kept.remove(at),
            None => Kept {
                tls: tls.clone(),
                proxy: proxy.cloned(),
                clients: build(tls, proxy, &self.network)?,
            },
        };
        let clients = entry.clients.clone();
        kept.push(entry);
        if kept.len() > CAPACITY {
            kept.remove(0);
        }
        Ok(clients)
    }
}

fn build(tls: &Tls, proxy: Option<&Proxy>, network: &Network) -> Result<Clients, Error> {
    let auth = |error: reqwest::Error| Error::Auth(chain(&error.without_url()));
    let authorities = tls.ca.as_deref().map(authorities).unwrap_or_default();
    let identity = tls.identity.as_ref().map(|(certificate, key)| {
        let joined = [certificate.as_slice(), b"\n", key.as_slice()].concat();
        Identity::from_pem(&joined)
    });
    let identity = identity.transpose().map_err(auth)?;
    let address = proxy.and_then(|proxy| Url::parse(&proxy.address).ok());
    let proxy = proxy.map(|proxy| {
        // As for Go, the proxy resolves the names: only it may know them.
        let address = match proxy.address.strip_prefix("socks5://") {
            Some(rest) => format!("socks5h://{rest}"),
            None => proxy.address.clone(),
        };
        let built = reqwest::Proxy::all(address)?;
        Ok::<_, reqwest::Error>(match &proxy.login {
            Some((user, password)) => built.basic_auth(user, password),
            None => built,
        })
    });
    let proxy = proxy.transpose().map_err(auth)?;
    let foreign = client(&authorities, None, proxy.clone(), network).map_err(auth)?;
    let own = match identity {
        Some(identity) => client(&authorities, Some(identity), proxy, network).map_err(auth)?,
        None => foreign.clone(),
    };
    Ok(Clients {
        own,
        foreign,
        proxy: address,
    })
}

/// The certificates of a bundle, as Go takes them from one: other blocks, broken ones and what stands between them
/// add nothing and cost nothing.
fn authorities(bundle: &[u8]) -> Vec<Certificate> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    let starts = bundle
        .windows(BEGIN.len())
        .enumerate()
        .filter_map(|(at, window)| (window == BEGIN).then_some(at));
    let starts: Vec<usize> = starts.collect();
    let ends = starts.iter().skip(1).copied().chain([bundle.len()]);
    let blocks = starts.iter().zip(ends).map(|(from, to)| &bundle[*from..to]);
    blocks
        .filter_map(|block| CertificateDer::from_pem_slice(block).ok())
        .filter(|found| RootCertStore::empty().add(found.clone()).is_ok())
        .filter_map(|found| Certificate::from_der(&found).ok())
        .collect()
}

/// A client that follows nothing by itself.
fn client(
    authorities: &[Certificate],
    identity: Option<Identity>,
    proxy: Option<reqwest::Proxy>,
    network: &Network,
) -> reqwest::Result<Client> {
    let builder = || {
        let mut builder = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(30))
            .pool_idle_timeout(Duration::from_secs(30));
        if !network.is_plain() {
            builder = builder.dns_resolver(Arc::new(Names(network.clone())));
        }
        if let Some(identity) = identity.clone() {
            builder = builder.identity(identity);
        }
        if let Some(proxy) = proxy.clone() {
            builder = builder.proxy(proxy);
        }
        builder
    };
    let trusted = builder().tls_certs_merge(authorities.to_vec()).build();
    // A machine without any system roots must still reach plain http, and hosts of the given authority.
    trusted.or_else(|_| builder().tls_certs_only(authorities.to_vec()).build())
}

/// Our resolver, where there is something to deny.
struct Names(Network);

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let network = self.0.clone();
        Box::pin(async move {
            let found = network.resolve(name.as_str(), 0).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_leaves_first() {
        let pool = Pool::default();
        let proxy = |number: usize| Proxy {
            address: format!("http://proxy{number}:3128"),
            login: None,
        };
        for number in 0..CAPACITY {
            pool.clients(&Tls::default(), Some(&proxy(number)))
                .expect("builds");
        }
        pool.clients(&Tls::default(), Some(&proxy(0)))
            .expect("is kept");
        pool.clients(&Tls::default(), Some(&proxy(CAPACITY)))
            .expect("builds");
        let kept = pool.kept.lock().expect("is not poisoned");
        assert_eq!(kept.len(), CAPACITY);
        let addresses: Vec<_> = kept.iter().filter_map(|kept| kept.proxy.clone()).collect();
        assert!(addresses.contains(&proxy(0)) && !addresses.contains(&proxy(1)));
    }
}
