//! Service accounts of the cluster, for whoever trusts their tokens.

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::{Api, Client};
use weir_auth::{Account, Asking, Cluster, Error};
use weir_runtime::client::describe;

/// Service accounts as the controller itself may see them.
pub struct ServiceAccounts(Client);

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
            let metadata = found
                .map_err(|error| Error::Invalid(describe(&error)))?
                .metadata;
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
            let api: Api<ServiceAccount> = Api::namespaced(self.0.clone(), namespace);
            let spec = TokenRequestSpec {
                audiences: audiences.to_vec(),
                ..TokenRequestSpec::default()
            };
            let request = TokenRequest {
                spec,
                ..TokenRequest::default()
            };
            let answer = api
                .create_token_request(name, &PostParams::default(), &request)
                .await;
            let answer = answer.map_err(|error| Error::Invalid(describe(&error)))?;
            let token = answer.status.map(|status| status.token);
            token.ok_or_else(|| Error::Invalid("the answer holds no token".to_owned()))
        })
    }
}
