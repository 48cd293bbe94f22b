//! What a Kustomization decrypts with: the keys of its Secret, or the installation's age keys; key services by the
//! Secret, a service account or the controller's own identity, in this order.
//!
//! Source: kustomize-controller v1.9 `internal/decryptor/decryptor.go` `ImportKeys`, `SetAuthOptions`.

mod vaults;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use sha2::{Digest as _, Sha256};
use sops::{DataKeys, KeyService, MasterKey, Scope, age, pgp};
use tokio::runtime::Handle;
use weir_api::kustomize::v1::{Decryption as Spec, Kustomization};
use weir_auth::{Access, Environment, TokenCache};
use weir_kms::{Credentials, KeyServices, TrustedVaults, VaultNetwork};
use weir_runtime::kind::{Chain, Key};
use weir_runtime::service_accounts::ServiceAccounts;
use zeroize::Zeroizing;

use crate::context::Context;
use crate::error::Error;
use crate::plan;
use crate::plan::decrypt::Decryption;
use crate::plan::identity::namespace;
use vaults::ListedVaults;

/// Most data keys that are kept.
const DATA_KEYS: usize = 1024;

/// How long a data key is kept: so long may the loss of a right at a key service go unnoticed.
const DATA_KEY_LIFETIME: Duration = Duration::from_secs(600);

/// What flags say about decryption.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// `--sops-age-secret`, where an object names no Secret.
    pub age_secret: Option<Key>,
    /// `--sops-vault-configmap`.
    pub vault_config_map: Option<Key>,
    /// `--default-decryption-service-account`; empty for none.
    pub default_service_account: String,
    /// Gate `ObjectLevelWorkloadIdentity`.
    pub workload_identity: bool,
    /// `--sops-strict-mac`.
    pub strict_mac: bool,
}

/// What the installation decrypts with.
pub struct Installation {
    settings: Settings,
    /// For requests to clouds.
    clouds: reqwest::Client,
    vaults: VaultNetwork,
    environment: Environment,
    tokens: TokenCache,
    data_keys: Arc<DataKeys>,
    started: Instant,
}

impl Installation {
    /// Without any data keys so far.
    ///
    /// # Errors
    /// If there is no TLS to be had.
    pub fn new(settings: Settings, tokens: TokenCache) -> reqwest::Result<Self> {
        let environment = Environment::process();
        Ok(Self {
            settings,
            clouds: weir_kms::cloud_client()?,
            vaults: VaultNetwork::new(&environment),
            environment,
            tokens,
            data_keys: Arc::new(DataKeys::new(DATA_KEYS, DATA_KEY_LIFETIME)),
            started: Instant::now(),
        })
    }

    /// The service account that `object` asks key services as: its own, or that of the flag.
    fn account(&self, object: &Kustomization, spec: &Spec) -> Option<(String, String)> {
        let names = [
            &spec.service_account_name,
            &self.settings.default_service_account,
        ];
        let name = names.into_iter().find(|name| !name.is_empty())?;
        Some((namespace(object).to_owned(), name.clone()))
    }
}

/// The keys of one Kustomization.
struct ObjectKeys {
    identities: age::Identities,
    keyring: pgp::Keyring,
    services: KeyServices,
}

impl KeyService for ObjectKeys {
    fn decrypt(&self, key: &MasterKey) -> Result<sops::Secret, String> {
        match key {
            MasterKey::Age { encrypted, .. } => self.identities.decrypt(encrypted),
            MasterKey::Pgp { encrypted, .. } => self.keyring.decrypt(encrypted),
            other => self.services.decrypt(other),
        }
    }
}

/// What a Secret holds.
#[derive(Default)]
struct Imported {
    identities: age::Identities,
    keyring: pgp::Keyring,
    credentials: Credentials,
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
    let account = installation.account(object, spec);
    let mut keys = Imported::default();
    let mut scope = Sha256::new();
    scope.update(namespace(object).as_bytes());
    scope.update([0]);
    let name = account.as_ref().map_or("", |(_, name)| name);
    scope.update(name.as_bytes());
    let own = spec
        .secret_ref
        .as_ref()
        .map(|it| Key::new(namespace(object), it.name.as_str()));
    let (secret, role) = match (&own, &installation.settings.age_secret) {
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
        services: Arc::new(services(ctx, object, account, keys)),
        data_keys: Arc::clone(&installation.data_keys),
        scope: Scope(scope.finalize().into()),
        now: installation.started.elapsed(),
        strict_mac: installation.settings.strict_mac,
    }))
}

/// What answers for the object's master keys, for as long as its build may take.
fn services(
    ctx: &Context,
    object: &Kustomization,
    account: Option<(String, String)>,
    keys: Imported,
) -> ObjectKeys {
    let installation = &ctx.decryption;
    let access = Access {
        client: installation.clouds.clone(),
        cluster: Arc::new(ServiceAccounts::new(ctx.client.clone())),
        environment: installation.environment.clone(),
        cache: installation.tokens.clone(),
        account,
        by_default: false,
        may_use_accounts: installation.settings.workload_identity,
    };
    let trusted = installation.settings.vault_config_map.as_ref();
    let trusted = trusted.map(|key| -> Arc<dyn TrustedVaults> {
        Arc::new(ListedVaults::new(ctx.client.clone(), key.clone()))
    });
    let services = KeyServices::new(
        Handle::current(),
        installation.vaults.clone(),
        keys.credentials,
        access,
        tokio::time::Instant::now() + plan::timeout(object),
    );
    ObjectKeys {
        identities: keys.identities,
        keyring: keys.keyring,
        services: services.trusting(trusted),
    }
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
fn import(keys: &mut Imported, name: &str, value: &[u8], own: bool) -> Result<(), String> {
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
        _ if own => keys.credentials.import(name, value),
        _ => Ok(()),
    }
}
