//! AKS.
//!
//! Source: fluxcd/pkg auth v0.54 `azure/provider.go` `NewRESTConfig`; Azure SDK for Go `azcore/arm/runtime`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, Url};
use serde_json::Value;

use super::{
    Description, Entrance, ReadKubeconfig, Reference, canonical, is_partial, merged, no_token,
    parts, text_at,
};
use crate::access::Access;
use crate::error::Error;
use crate::http::send;
use crate::token::Token;

const FORM: &str = r"(?i)^/subscriptions/([^/]{36})/resourceGroups/([^/]{1,200})/providers/Microsoft\.ContainerService/managedClusters/([^/]{1,200})$";

/// What a token for API servers of AKS is for.
const AKS: &str = "6dae42f8-4368-4678-94ff-3960e28e3630/.default";

/// Where clusters are described.
const MANAGEMENT: &str = "https://management.azure.com/";

const VERSION: &str = "2022-04-01";

impl Access {
    pub(super) async fn aks(
        &self,
        reference: &Reference,
        read: &ReadKubeconfig,
    ) -> Result<Entrance, Error> {
        let token = self.azure(AKS).await.map_err(no_token)?;
        if !is_partial(reference) {
            return Ok(merged(reference, None, token));
        }
        let manager = self.azure(self.management_scope()).await;
        let manager = manager.map_err(no_token)?;
        parts("AKS cluster ID", &reference.cluster, FORM)?;
        let ask = || self.describe_aks(reference, &manager, read);
        let found = self.described(reference, ask).await?;
        Ok(merged(reference, Some(found), token))
    }

    /// What a token for descriptions is for, by the cloud that the controller is in.
    fn management_scope(&self) -> &'static str {
        let authority = self.environment.get("AZURE_AUTHORITY_HOST");
        match authority.unwrap_or_default().as_str() {
            host if host.contains("chinacloudapi.cn") => {
                "https://management.core.chinacloudapi.cn//.default"
            }
            host if host.contains("microsoftonline.us") => {
                "https://management.core.usgovcloudapi.net//.default"
            }
            _ => "https://management.core.windows.net//.default",
        }
    }

    async fn describe_aks(
        &self,
        reference: &Reference,
        manager: &Token,
        read: &ReadKubeconfig,
    ) -> Result<Description, Error> {
        let cluster = &reference.cluster;
        let described = self.manage(Method::GET, cluster, "", manager).await;
        let described = described
            .map_err(|error| Error::Invalid(format!("failed to describe AKS cluster: {error}")))?;
        let profile = described.pointer("/properties/aadProfile");
        if profile.is_none_or(Value::is_null) {
            return Err(Error::Invalid(format!(
                "AKS cluster {cluster} does not have Microsoft Entra ID integration enabled. See docs for enabling: https://learn.microsoft.com/en-us/azure/aks/enable-authentication-microsoft-entra-id"
            )));
        }
        let wanted = match reference.address.as_str() {
            "" => None,
            address => Some(canonical(address).map_err(|error| {
                Error::Invalid(format!(
                    "failed to parse specified cluster address '{address}': {error}"
                ))
            })?),
        };
        let action = "/listClusterUserCredential";
        let listed = self.manage(Method::POST, cluster, action, manager).await?;
        let listed = listed.get("kubeconfigs").and_then(Value::as_array);
        let mut addresses = Vec::new();
        for (index, entry) in listed.into_iter().flatten().enumerate() {
            let failed = |error: &dyn std::fmt::Display| {
                Error::Invalid(format!("failed to parse kubeconfig[{index}]: {error}"))
            };
            let bytes = STANDARD.decode(text_at(entry, "/value"));
            let bytes = bytes.map_err(|error| failed(&error))?;
            let (address, authority) = read(&bytes).map_err(|error| failed(&error))?;
            let found = canonical(&address).map_err(|error| {
                Error::Invalid(format!(
                    "failed to parse address '{address}' from kubeconfig[{index}]: {error}"
                ))
            })?;
            if wanted.as_ref().is_none_or(|wanted| *wanted == found) {
                return Ok(Description { address, authority });
            }
            addresses.push(format!("'{address}'"));
        }
        let text = format!("no kubeconfig found for AKS cluster {cluster}");
        Err(Error::Invalid(match wanted {
            None => text,
            Some(_) => format!(
                "{text} matching the specified address '{}'. cluster addresses: [{}]",
                reference.address,
                addresses.join(", ")
            ),
        }))
    }

    async fn manage(
        &self,
        method: Method,
        cluster: &str,
        action: &str,
        manager: &Token,
    ) -> Result<Value, Error> {
        let path = cluster.trim_start_matches('/');
        let mut url = Url::parse(&format!("{MANAGEMENT}{path}{action}"))
            .map_err(|error| Error::Invalid(error.to_string()))?;
        url.query_pairs_mut().append_pair("api-version", VERSION);
        let verb = method.to_string();
        let request = self
            .client
            .request(method, url.clone())
            .header("content-length", 0)
            .bearer_auth(&manager.secret);
        let answer = send(request, &verb, &url, &[&manager.secret]).await?;
        serde_json::from_slice(&answer).map_err(|_| Error::Answer {
            what: format!("{verb} {MANAGEMENT}{path}{action}"),
        })
    }
}
