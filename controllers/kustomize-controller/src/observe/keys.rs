//! What a Kustomization decrypts with: the keys of its Secret, or the installation's age keys.
//!
//! Source: kustomize-controller v1.9 `internal/decryptor/decryptor.go` `ImportKeys`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use sha2::{Digest as _, Sha256};
use sops::{DataKeys, KeyService, MasterKey, Scope, age, pgp};
use weir_api::kustomize::v1::Kustomization;
use weir_runtime::kind::{Chain, Key};
use zeroize::Zeroizing;

use crate::context::Context;
use crate::error::Error;
use crate::plan::decrypt::Decryption;
use crate::plan::identity::namespace;

/// Most data keys that are kept.
const DATA_KEYS: usize = 1024;

/// How long a data key is kept: so long may the loss of a right at a key service go unnoticed.
const DATA_KEY_LIFETIME: Duration = Duration::from_secs(600);

/// What the installation decrypts with.
pub struct Installation {
    /// `--sops-age-secret`, where an object names no Secret.
    pub age_secret: Option<Key>,
    /// `--sops-strict-mac`.
    pub strict_mac: bool,
    data_keys: Arc<DataKeys>,
    started: Instant,
}

impl Installation {
    /// Without any data keys so far.
    #[must_use]
    pub fn new(age_secret: Option<Key>, strict_mac: bool) -> Self {
        Self {
            age_secret,
            strict_mac,
            data_keys: Arc::new(DataKeys::new(DATA_KEYS, DATA_KEY_LIFETIME)),
            started: Instant::now(),
        }
    }
}

/// Keys that need no network.
#[derive(Default)]
struct LocalKeys {
    identities: age::Identities,
    keyring: pgp::Keyring,
}

impl KeyService for LocalKeys {
    fn decrypt(&self, key: &MasterKey) -> Result<sops::Secret, String> {
        match key {
            MasterKey::Age { encrypted, .. } => self.identities.decrypt(encrypted),
            MasterKey::Pgp { encrypted, .. } => self.keyring.decrypt(encrypted),
            _ => Err(
                "this key service is not supported by this version of kustomize-controller"
                    .to_owned(),
            ),
        }
    }
}

/// What `object` decrypts with; `None` if it asks for no decryption.
///
/// # Errors
/// [`Error::Build`] if the Secret is missing, or a key in it is none.
pub async fn decryption(
    ctx: &Context,
    object: &Kustomization,
) -> Result<Option<Decryption>, Error> {
    let Some(spec) = &object.spec.decryption else {
        return Ok(None);
    };
    let installation = &ctx.decryption;
    let mut keys = LocalKeys::default();
    let mut scope = Sha256::new();
    scope.update(namespace(object).as_bytes());
    scope.update([0]);
    scope.update(spec.service_account_name.as_bytes());
    let own = spec
        .secret_ref
        .as_ref()
        .map(|it| Key::new(namespace(object), it.name.as_str()));
    let (secret, role) = match (&own, &installation.age_secret) {
        (Some(own), _) => (Some(own), "decryption"),
        (None, fallback) => (fallback.as_ref(), "SOPS age decryption"),
    };
    if let Some(secret) = secret {
        for (name, value) in read(ctx, secret, role).await? {
            scope.update(name.as_bytes());
            scope.update([0]);
            scope.update(Sha256::digest(value.as_slice()));
            import(&mut keys, &name, &value, own.is_some()).map_err(|why| {
                Error::Build(format!(
                    "failed to import '{name}' data from sops {role} Secret '{secret}': {why}"
                ))
            })?;
        }
    }
    Ok(Some(Decryption {
        services: Arc::new(keys),
        data_keys: Arc::clone(&installation.data_keys),
        scope: Scope(scope.finalize().into()),
        now: installation.started.elapsed(),
        strict_mac: installation.strict_mac,
    }))
}

type Values = BTreeMap<String, Zeroizing<Vec<u8>>>;

async fn read(ctx: &Context, key: &Key, role: &str) -> Result<Values, Error> {
    let api = Api::<Secret>::namespaced(ctx.client.clone(), &key.namespace);
    let found = api.get_opt(&key.name).await.map_err(|error| {
        let why = Chain(&error);
        Error::Build(format!("cannot get sops {role} Secret '{key}': {why}"))
    })?;
    let found = found.ok_or_else(|| Error::Build(format!("secrets \"{}\" not found", key.name)))?;
    let values = found.data.unwrap_or_default().into_iter();
    Ok(values
        .map(|(name, value)| (name, Zeroizing::new(value.0)))
        .collect())
}

/// The installation's Secret gives age keys only.
fn import(keys: &mut LocalKeys, name: &str, value: &[u8], own: bool) -> Result<(), String> {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    match ending {
        "agekey" => {
            let text = Zeroizing::new(String::from_utf8_lossy(value).into_owned());
            keys.identities
                .import(&text)
                .map_err(|error| error.to_string())
        }
        "asc" if own => keys
            .keyring
            .import(value)
            .map_err(|error| error.to_string()),
        _ => Ok(()),
    }
}
