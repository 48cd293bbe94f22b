//! Our side of the handshake: algorithms, and the judgement on the server's key before anything is proved.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::client::{Config, Handler};
use russh::keys::{Algorithm, HashAlg, PublicKeyOrCertificate};
use russh::{Preferred, SshId, kex, mac};

use super::known_hosts::{Host, KnownHosts, Refusal, Wanted};

/// `--ssh-kex-algos` and `--ssh-hostkey-algos`; empty is the default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SshAlgorithms {
    /// Key exchanges, best first.
    pub kex: Vec<String>,
    /// Host keys, best first.
    pub host_key: Vec<String>,
}

/// Key exchanges by default: golang.org/x/crypto's, with what has come since.
const KEX: [kex::Name; 11] = [
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_GEX_SHA256,
    kex::DH_G16_SHA512,
    kex::DH_G18_SHA512,
    kex::DH_G14_SHA256,
    kex::DH_G14_SHA1,
];

/// What is no key exchange but travels in their list.
const EXTENSIONS: [kex::Name; 2] = [
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
];

const MACS: [mac::Name; 5] = [
    mac::HMAC_SHA256_ETM,
    mac::HMAC_SHA512_ETM,
    mac::HMAC_SHA256,
    mac::HMAC_SHA512,
    mac::HMAC_SHA1,
];

/// Algorithms whose certificates are asked for where an authority is known.
const CERTIFICATES: [Algorithm; 6] = [
    Algorithm::Ed25519,
    Algorithm::Ecdsa {
        curve: russh::keys::EcdsaCurve::NistP256,
    },
    Algorithm::Ecdsa {
        curve: russh::keys::EcdsaCurve::NistP384,
    },
    Algorithm::Ecdsa {
        curve: russh::keys::EcdsaCurve::NistP521,
    },
    Algorithm::Rsa {
        hash: Some(HashAlg::Sha512),
    },
    Algorithm::Rsa {
        hash: Some(HashAlg::Sha256),
    },
];

/// What is offered to a server of which `wanted` is known, for at most `left`.
pub(super) fn config(wanted: &Wanted, algorithms: &SshAlgorithms, left: Duration) -> Config {
    let mut exchanges: Vec<kex::Name> = if algorithms.kex.is_empty() {
        KEX.to_vec()
    } else {
        let named = algorithms.kex.iter();
        // `none` is a key exchange to russh: it is never one to us.
        named
            .filter_map(|name| kex::Name::try_from(name.as_str()).ok())
            .filter(|name| *name != kex::NONE)
            .collect()
    };
    exchanges.extend(EXTENSIONS);
    let (keys, certificates) = if algorithms.host_key.is_empty() {
        let certificates = if wanted.certificates {
            CERTIFICATES.to_vec()
        } else {
            Vec::new()
        };
        (wanted.keys.clone(), certificates)
    } else {
        named_host_keys(&algorithms.host_key)
    };
    Config {
        client_id: SshId::Standard(Cow::Borrowed(concat!(
            "SSH-2.0-weir_",
            env!("CARGO_PKG_VERSION")
        ))),
        preferred: Preferred {
            kex: exchanges.into(),
            key: keys.into(),
            host_key_certificates: certificates.into(),
            mac: Cow::Borrowed(&MACS),
            ..Preferred::DEFAULT
        },
        inactivity_timeout: Some(left.max(Duration::from_secs(1))),
        nodelay: true,
        ..Config::default()
    }
}

fn named_host_keys(names: &[String]) -> (Vec<Algorithm>, Vec<Algorithm>) {
    let mut keys = Vec::new();
    let mut certificates = Vec::new();
    for name in names {
        match name.strip_suffix("-cert-v01@openssh.com") {
            Some(plain) => certificates.extend(Algorithm::new(plain)),
            None => keys.extend(Algorithm::new(name)),
        }
    }
    (keys, certificates)
}

/// Why the server's key was refused, once it was.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusals(Arc<Mutex<Option<Refusal>>>);

impl Refusals {
    fn put(&self, refusal: Refusal) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
    }

    /// The refusal if there was one, else the failure.
    pub(super) fn explain(&self, failure: &Failure) -> String {
        let refusal = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        refusal.map_or_else(|| failure.to_string(), |refusal| refusal.to_string())
    }
}

/// What russh asks us.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) known_hosts: Arc<KnownHosts>,
    pub(super) host: Host,
    pub(super) now: u64,
    pub(super) refusal: Refusals,
}

impl Handler for Client {
    type Error = Failure;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Failure> {
        match self.known_hosts.check(&self.host, shown, self.now) {
            Ok(()) => Ok(true),
            Err(refusal) => {
                self.refusal.put(refusal);
                Ok(false)
            }
        }
    }
}

/// What russh says, as Go's library would.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Failure(String);

impl From<russh::Error> for Failure {
    fn from(error: russh::Error) -> Self {
        Self(match error {
            russh::Error::NoCommonAlgo { kind, ours, theirs } => {
                let kind = match kind {
                    russh::AlgorithmKind::Kex => "key exchange",
                    russh::AlgorithmKind::Key => "host key",
                    russh::AlgorithmKind::Cipher => "client to server cipher",
                    russh::AlgorithmKind::Mac => "client to server MAC",
                    russh::AlgorithmKind::Compression => "client to server compression",
                };
                let list = |names: &[String]| names.join(" ");
                format!(
                    "ssh: no common algorithm for {kind}; we offered: [{}], peer offered: [{}]",
                    list(&ours),
                    list(&theirs)
                )
            }
            russh::Error::HUP | russh::Error::Disconnect | russh::Error::SendError => {
                "EOF".to_owned()
            }
            other => other.to_string(),
        })
    }
}
