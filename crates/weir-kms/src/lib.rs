//! Data keys of SOPS files from key services that are reached by network: the transit engine of Vault and OpenBao,
//! AWS KMS, Google Cloud KMS, Azure Key Vault.
//!
//! [`KeyServices`] answers for the master keys of files. It is asked by a thread that may wait; each request is
//! bounded in time and size, and none begins after the deadline. What opens the services is a Kustomization's
//! Secret ([`Credentials`]), else a service account of the cluster or the controller itself ([`weir_auth::Access`]).
//! No credential and no data key is in any message.

mod aws;
mod azure;
mod credentials;
mod gcp;
mod http;
mod vault;

pub use credentials::Credentials;
pub use vault::{TrustedVaults, VaultNetwork};

use std::collections::HashMap;
use std::sync::Arc;

use reqwest::Client;
use sops::{KeyService, MasterKey, Secret};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::Instant;
use weir_auth::{Access, Token};

/// A client for clouds: it follows nothing by itself, so that no credential goes where it was not sent.
///
/// # Errors
/// If there is no TLS to be had.
pub fn cloud_client() -> reqwest::Result<Client> {
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(http::CONNECT)
        .build()
}

/// Answers for master keys of network services, for one Kustomization.
pub struct KeyServices {
    runtime: Handle,
    vaults: VaultNetwork,
    trusted_vaults: Option<Arc<dyn TrustedVaults>>,
    credentials: Credentials,
    access: Access,
    deadline: Instant,
    /// Tokens for as long as this lives; who asks for one holds the lock, so that others do not ask too.
    tokens: Mutex<HashMap<String, Token>>,
}

impl std::fmt::Debug for KeyServices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyServices").finish_non_exhaustive()
    }
}

impl KeyServices {
    /// What asks with `credentials`, or where they have nothing for a service, with those of `access`; nothing
    /// after `deadline`. Requests run on `runtime`.
    #[must_use]
    pub fn new(
        runtime: Handle,
        vaults: VaultNetwork,
        credentials: Credentials,
        access: Access,
        deadline: Instant,
    ) -> Self {
        Self {
            runtime,
            vaults,
            trusted_vaults: None,
            credentials,
            access,
            deadline,
            tokens: Mutex::default(),
        }
    }

    /// Lets accounts log in to the Vaults that `trusted` names, where there is no token.
    #[must_use]
    pub fn trusting(mut self, trusted: Option<Arc<dyn TrustedVaults>>) -> Self {
        self.trusted_vaults = trusted;
        self
    }

    async fn ask(&self, key: &MasterKey) -> Result<Secret, String> {
        match key {
            MasterKey::AwsKms {
                arn,
                role,
                context,
                encrypted,
                ..
            } => {
                let key = aws::Key { arn, role, context };
                self.aws(&key, encrypted).await
            }
            MasterKey::GcpKms {
                resource_id,
                encrypted,
            } => self.gcp(resource_id, encrypted).await,
            MasterKey::AzureKeyVault {
                vault_url,
                name,
                version,
                encrypted,
            } => {
                let key = azure::Key {
                    vault_url,
                    name,
                    version,
                };
                self.azure(&key, encrypted).await
            }
            MasterKey::Vault {
                address,
                engine_path,
                key_name,
                encrypted,
            } => {
                let key = vault::Key {
                    address,
                    engine_path,
                    key_name,
                };
                self.vault(&key, encrypted).await
            }
            _ => Err(
                "this key service is not supported by this version of kustomize-controller"
                    .to_owned(),
            ),
        }
    }

    /// The token of that name, asked for once.
    async fn once(
        &self,
        name: &str,
        ask: impl AsyncFnOnce() -> Result<Token, weir_auth::Error>,
    ) -> Result<Token, weir_auth::Error> {
        let mut tokens = self.tokens.lock().await;
        if let Some(found) = tokens.get(name) {
            return Ok(found.clone());
        }
        let token = ask().await?;
        tokens.insert(name.to_owned(), token.clone());
        Ok(token)
    }
}

impl KeyService for KeyServices {
    fn decrypt(&self, key: &MasterKey) -> Result<Secret, String> {
        let late = || "the key service was not asked in time".to_owned();
        if Instant::now() >= self.deadline {
            return Err(late());
        }
        let asked = async { tokio::time::timeout_at(self.deadline, self.ask(key)).await };
        self.runtime.block_on(asked).map_err(|_| late())?
    }
}
