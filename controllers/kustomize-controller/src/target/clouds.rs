//! Clusters that a ConfigMap names: found and entered by workload identity, each request with a token that is good.
//!
//! Source: fluxcd/pkg auth v0.54 `utils/restconfig.go`.

use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;
use weir_auth::{Access, Reference, Token};
use weir_runtime::client::{Bearer, describe, with_bearer};
use weir_runtime::kubeconfig::{self, Allow};
use weir_runtime::metrics::Metrics;

use super::yaml;
use crate::context::USER_AGENT;
use crate::error::Error;

/// The way to clusters of clouds.
#[derive(Debug, Clone)]
pub struct Clouds {
    /// The controller's own; each cluster is asked for with its own account.
    pub access: Access,
    /// `--default-kubeconfig-service-account`; empty for none.
    pub default_service_account: String,
}

/// A cluster, as a ConfigMap names it, and who asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    reference: Reference,
    account: Option<(String, String)>,
    /// The account is that of the flag.
    by_default: bool,
}

impl Named {
    /// What tells it from others.
    pub(super) fn digest(&self) -> [u8; 32] {
        Sha256::digest(format!("configMapRef {self:?}")).into()
    }
}

impl Clouds {
    /// Reads the ConfigMap.
    pub(super) async fn named(
        &self,
        client: &Client,
        namespace: &str,
        name: &str,
    ) -> Result<Named, Error> {
        let found = Api::<ConfigMap>::namespaced(client.clone(), namespace)
            .get(name)
            .await;
        let mut data = found
            .map_err(|error| {
                let why = describe(&error);
                Error::Client(format!("failed to get configmap {namespace}/{name}: {why}"))
            })?
            .data
            .unwrap_or_default();
        let mut take = |key: &str| data.remove(key).unwrap_or_default();
        let audiences = take("audiences");
        let audiences = audiences.split('\n').map(str::trim);
        let reference = Reference {
            provider: take("provider"),
            cluster: take("cluster"),
            address: take("address"),
            authority: take("ca.crt"),
            audiences: audiences
                .filter(|audience| !audience.is_empty())
                .map(str::to_owned)
                .collect(),
        };
        let own = take("serviceAccountName");
        let by_default = own.is_empty();
        let account = if by_default {
            self.default_service_account.clone()
        } else {
            own
        };
        Ok(Named {
            reference,
            account: (!account.is_empty()).then(|| (namespace.to_owned(), account)),
            by_default,
        })
    }

    /// A client of the cluster.
    pub(super) async fn connect(&self, named: &Named, metrics: &Metrics) -> Result<Client, Error> {
        let tokens = Tokens {
            access: Access {
                account: named.account.clone(),
                by_default: named.by_default,
                ..self.access.clone()
            },
            named: named.clone(),
            kept: Mutex::default(),
        };
        let (address, authority) = tokens.enter().await.map_err(Error::Client)?;
        let access = kubeconfig::Access::of_server(&address, authority)
            .map_err(|error| Error::Client(error.to_string()))?;
        let client = access.client(USER_AGENT, metrics).await;
        let client = client.map_err(|error| Error::Client(error.to_string()))?;
        Ok(with_bearer(&client, Arc::new(tokens)))
    }
}

/// The tokens for one cluster.
struct Tokens {
    access: Access,
    named: Named,
    /// The token, and until when it serves.
    kept: Mutex<Option<(Token, SystemTime)>>,
}

impl Tokens {
    /// Gets a token, and says where the cluster is.
    async fn enter(&self) -> Result<(String, Vec<u8>), String> {
        let mut kept = self.kept.lock().await;
        let (entrance, until) = self.fresh().await?;
        *kept = Some((entrance.token, until));
        Ok((entrance.address, entrance.authority))
    }

    async fn fresh(&self) -> Result<(weir_auth::Entrance, SystemTime), String> {
        let entrance = self
            .access
            .entrance(&self.named.reference, &server_of)
            .await;
        let entrance = entrance.map_err(|error| error.to_string())?;
        let now = SystemTime::now();
        let until = now + entrance.token.life(now).mul_f64(0.8);
        Ok((entrance, until))
    }
}

impl Bearer for Tokens {
    fn token(&self) -> Pin<Box<dyn Future<Output = Result<String, String>> + Send + '_>> {
        Box::pin(async {
            let mut kept = self.kept.lock().await;
            if let Some((token, until)) = kept.as_ref()
                && *until > SystemTime::now()
            {
                return Ok(token.secret.clone());
            }
            let (entrance, until) = self.fresh().await?;
            let secret = entrance.token.secret.clone();
            *kept = Some((entrance.token, until));
            Ok(secret)
        })
    }
}

/// The server in a kubeconfig, and its authority.
fn server_of(text: &[u8]) -> Result<(String, Vec<u8>), String> {
    let value: Value = yaml(text).map_err(|error| error.to_string())?;
    let access = kubeconfig::read(&value, Allow::default()).map_err(|error| error.to_string())?;
    Ok(access.server())
}
