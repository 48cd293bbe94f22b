//! The ConfigMap with the Vaults that service accounts may log in to.
//!
//! Source: kustomize-controller v1.9 `internal/decryptor/decryptor.go` `loadVaultLoginPaths`,
//! `api/v1/vault_types.go`.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};
use serde_json::Value;
use weir_auth::{Asking, Error};
use weir_kms::TrustedVaults;
use weir_runtime::kind::Key;

/// The key of the ConfigMap that holds the list.
const CONFIG: &str = "config.yaml";

/// Most bytes of the list.
const BYTES: usize = 1 << 20;

/// The list of `--sops-vault-configmap`, read when a file needs it.
pub(super) struct ListedVaults {
    client: Client,
    config_map: Key,
}

impl ListedVaults {
    pub(super) fn new(client: Client, config_map: Key) -> Self {
        Self { client, config_map }
    }

    async fn read(&self) -> Result<BTreeMap<String, String>, String> {
        let Self { client, config_map } = self;
        let api = Api::<ConfigMap>::namespaced(client.clone(), &config_map.namespace);
        let found = api.get(&config_map.name).await.map_err(|error| {
            let why = weir_runtime::client::describe(&error);
            format!("failed to get Vault ConfigMap '{config_map}': {why}")
        })?;
        let data = found.data.unwrap_or_default();
        let text = data.get(CONFIG).ok_or_else(|| {
            format!("Vault ConfigMap '{config_map}' is missing the '{CONFIG}' key")
        })?;
        login_paths(text).map_err(|why| {
            format!("failed to parse '{CONFIG}' in Vault ConfigMap '{config_map}': {why}")
        })
    }
}

impl TrustedVaults for ListedVaults {
    fn login_paths(&self) -> Asking<'_, BTreeMap<String, String>> {
        Box::pin(async { self.read().await.map_err(Error::Invalid) })
    }

    fn name(&self) -> String {
        self.config_map.to_string()
    }
}

/// Where to log in, by address; the last of the same address counts.
fn login_paths(text: &str) -> Result<BTreeMap<String, String>, String> {
    if text.len() > BYTES {
        return Err("it is too large".to_owned());
    }
    let document = kyaml::parse(text).map_err(|error| error.to_string())?;
    let Some(document) = document else {
        return Ok(BTreeMap::new());
    };
    let value = document.root.to_json_value();
    let value = value.map_err(|error| error.to_string())?;
    let field = |value: &Value, name: &str| match value.get(name) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(format!("instances[].{name} must be a string")),
    };
    let instances = match value.get("instances") {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Array(instances)) => instances,
        Some(_) => return Err("instances must be a list".to_owned()),
    };
    let pairs = instances
        .iter()
        .map(|it| Ok((field(it, "address")?, field(it, "loginPath")?)));
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_login_path() {
        let text = "instances:\n- address: https://a:8200\n  loginPath: auth/kubernetes/login\n- {address: https://b, loginPath: ns/auth/jwt/login}\n";
        let paths = login_paths(text).expect("is a list");
        let pairs: Vec<_> = paths
            .iter()
            .map(|(address, path)| (address.as_str(), path.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [
                ("https://a:8200", "auth/kubernetes/login"),
                ("https://b", "ns/auth/jwt/login")
            ]
        );
        assert_eq!(login_paths(""), Ok(BTreeMap::new()));
        assert_eq!(login_paths("instances:"), Ok(BTreeMap::new()));
        for bad in ["instances: x", "instances: [{address: [x]}]", "a: [b"] {
            assert!(login_paths(bad).is_err(), "{bad}");
        }
    }
}
