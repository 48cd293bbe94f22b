//! GKE.
//!
//! Source: fluxcd/pkg auth v0.54 `gcp/provider.go` `NewRESTConfig`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;

use super::{Description, Entrance, Reference, is_partial, merged, no_token, parts, text_at};
use crate::access::Access;
use crate::error::Error;
use crate::http::send;
use crate::token::Token;

const FORM: &str = r"^projects/[^/]{1,200}/locations/[^/]{1,200}/clusters/[^/]{1,200}$";

const CLUSTERS: &str = "https://container.googleapis.com/v1/";

impl Access {
    pub(super) async fn gke(&self, reference: &Reference) -> Result<Entrance, Error> {
        let token = self.gcp().await.map_err(no_token)?;
        if !is_partial(reference) {
            return Ok(merged(reference, None, token));
        }
        parts("GKE cluster ID", &reference.cluster, FORM)?;
        let ask = || self.describe_gke(&reference.cluster, &token);
        let found = self.described(reference, ask).await.map_err(|error| {
            let cluster = &reference.cluster;
            Error::Invalid(format!(
                "failed to describe GKE cluster '{cluster}': {error}"
            ))
        })?;
        Ok(merged(reference, Some(found), token))
    }

    async fn describe_gke(&self, cluster: &str, token: &Token) -> Result<Description, Error> {
        let url = Url::parse(&format!("{CLUSTERS}{cluster}"))
            .map_err(|error| Error::Invalid(error.to_string()))?;
        let request = self.client.get(url.clone()).bearer_auth(&token.secret);
        let answer = send(request, "GET", &url, &[&token.secret]).await?;
        let answer: serde_json::Value =
            serde_json::from_slice(&answer).map_err(|_| Error::Answer {
                what: format!("GET {url}"),
            })?;
        let authority = text_at(&answer, "/masterAuth/clusterCaCertificate");
        let authority = STANDARD.decode(authority).map_err(|error| {
            Error::Invalid(format!("failed to decode GKE CA certificate: {error}"))
        })?;
        Ok(Description {
            address: text_at(&answer, "/endpoint"),
            authority,
        })
    }
}
