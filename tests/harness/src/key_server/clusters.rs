//! What Google and Azure say of the clusters that they run.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Response;
use serde_json::json;

use super::{Asked, secrets};
use crate::http_server::Body;

/// A cluster that both clouds know by their own names for it.
#[derive(Clone, Debug)]
pub struct CloudCluster {
    /// `https://HOST:PORT` of its API server.
    pub address: String,
    /// Its authority, PEM.
    pub authority: String,
    /// The token that the clouds give out for it.
    pub token: String,
}

impl CloudCluster {
    /// What Google calls it.
    pub const GKE: &str = "projects/project/locations/here/clusters/prod";
    /// What Azure calls it.
    pub const AKS: &str = "/subscriptions/22222222-3333-4444-5555-666666666666/resourceGroups/group/providers/Microsoft.ContainerService/managedClusters/prod";

    fn kubeconfig(&self, address: &str) -> String {
        let server = json!({"server": address, "certificate-authority-data": STANDARD.encode(&self.authority)});
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "prod",
            "clusters": [{"name": "prod", "cluster": server}],
            "contexts": [{"name": "prod", "context": {"cluster": "prod", "user": "user"}}],
            "users": [{"name": "user", "user": {"token": "of no use"}}],
        });
        STANDARD.encode(config.to_string())
    }
}

/// Google's description, for whoever has the token.
pub(super) fn gke(asked: &Asked, cluster: &CloudCluster) -> Response<Body> {
    if asked.bearer() != cluster.token {
        let error = json!({"code": 401, "status": "UNAUTHENTICATED", "message": "Request had invalid authentication credentials."});
        return super::json(401, &json!({"error": error}));
    }
    if asked.method != "GET" || asked.path != format!("/v1/{}", CloudCluster::GKE) {
        let message = format!("Not found: {}.", asked.path.trim_start_matches("/v1/"));
        let error = json!({"code": 404, "status": "NOT_FOUND", "message": message});
        return super::json(404, &json!({"error": error}));
    }
    let authority = STANDARD.encode(&cluster.authority);
    let auth = json!({"clusterCaCertificate": authority});
    super::json(
        200,
        &json!({"name": "prod", "endpoint": cluster.address, "masterAuth": auth}),
    )
}

/// Azure's description, and its kubeconfigs: another cluster's first.
pub(super) fn aks(asked: &Asked, cluster: &CloudCluster) -> Response<Body> {
    let (path, query) = asked.path.split_once('?').unwrap_or_default();
    let refuse = |status: u16, code: &str, message: &str| {
        super::json(
            status,
            &json!({"error": {"code": code, "message": message}}),
        )
    };
    if asked.bearer() != secrets::AZURE_TOKEN {
        return refuse(
            401,
            "AuthenticationFailed",
            "The access token is from the wrong issuer.",
        );
    }
    let action = path.strip_prefix(CloudCluster::AKS);
    match (asked.method.as_str(), action) {
        _ if !query.starts_with("api-version=") => refuse(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter is required.",
        ),
        ("GET", Some("")) => super::json(
            200,
            &json!({"name": "prod", "properties": {"aadProfile": {"managed": true}}}),
        ),
        ("POST", Some("/listClusterUserCredential")) => {
            let entry = |address: &str| json!({"name": "clusterUser", "value": cluster.kubeconfig(address)});
            let all = [entry("https://public.example:443"), entry(&cluster.address)];
            super::json(200, &json!({"kubeconfigs": all}))
        }
        _ => refuse(404, "ResourceNotFound", "The Resource was not found."),
    }
}
