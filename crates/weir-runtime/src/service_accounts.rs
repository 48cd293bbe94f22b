//! Service accounts of the cluster, for whoever trusts their tokens.

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Api, Client};
use weir_auth::{Account, Asking, Cluster, Error};

use crate::client::{account_token, describe};

/// Service accounts as the controller itself may see them.
pub struct ServiceAccounts(Client);

impl std::fmt::Debug for ServiceAccounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceAccounts").finish_non_exhaustive()
    }
}

impl ServiceAccounts {
    /// Those of the cluster behind `client`.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self(client)
    }
}

impl Cluster for ServiceAccounts {
    fn account<'a>(&'a self, namespace: &'a str, name: &'a str) -> Asking<'a, Account> {
        Box::pin(async move {
            let api: Api<ServiceAccount> = Api::namespaced(self.0.clone(), namespace);
            let found = api.get(name).await;
            let found = found.map_err(|error| match &error {
                kube::Error::Api(status) if status.code == 404 => Error::Missing(describe(&error)),
                _ => Error::Invalid(describe(&error)),
            })?;
            let metadata = found.metadata;
            Ok(Account {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                uid: metadata.uid.unwrap_or_default(),
                annotations: metadata.annotations.unwrap_or_default(),
            })
        })
    }

    fn token<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        audiences: &'a [String],
    ) -> Asking<'a, String> {
        Box::pin(async move {
            let token = account_token(&self.0, namespace, name, audiences).await;
            token.map_err(Error::Invalid)
        })
    }
}
