//! EKS.
//!
//! Source: fluxcd/pkg auth v0.54 `aws/provider.go` `NewRESTConfig`, `aws/restconfig.go`.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::{Description, Entrance, Reference, is_partial, merged, no_token, parts, text_at};
use crate::access::Access;
use crate::aws::{self, Keys, endpoint, signed_get};
use crate::error::Error;
use crate::http::send;
use crate::token::Token;

const FORM: &str = r"^arn:aws[\w-]*:eks:([^:]{1,100}):[0-9]{1,30}:cluster/(.{1,200})$";

/// How long a signed request opens a cluster.
const LIFE: Duration = Duration::from_secs(15 * 60);

impl Access {
    pub(super) async fn eks(&self, reference: &Reference) -> Result<Entrance, Error> {
        let found = parts("EKS cluster ARN", &reference.cluster, FORM)?;
        let [region, name] = found.as_slice() else {
            return Err(Error::Invalid("invalid EKS cluster ARN".to_owned()));
        };
        // Counted from before the requests, to be on the safe side.
        let now = SystemTime::now();
        let keys = self.aws(region).await.map_err(no_token)?;
        let found = if is_partial(reference) {
            let ask = || self.describe_eks(&keys, region, name);
            let found = self.described(reference, ask).await.map_err(|error| {
                let cluster = &reference.cluster;
                Error::Invalid(format!(
                    "failed to describe EKS cluster '{cluster}': {error}"
                ))
            })?;
            Some(found)
        } else {
            None
        };
        let mut sts = endpoint(&self.environment, "sts", region)?;
        sts.query_pairs_mut()
            .append_pair("Action", "GetCallerIdentity")
            .append_pair("Version", "2011-06-15");
        let url = aws::presigned(&sts, (region, "sts"), &[("x-k8s-aws-id", name)], &keys, now)?;
        let token = Token {
            username: String::new(),
            secret: format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(url)),
            expires: now + LIFE,
        };
        Ok(merged(reference, found, token))
    }

    async fn describe_eks(
        &self,
        keys: &Keys,
        region: &str,
        name: &str,
    ) -> Result<Description, Error> {
        let mut url = endpoint(&self.environment, "eks", region)?;
        let invalid = || Error::Invalid("invalid EKS endpoint".to_owned());
        url.path_segments_mut()
            .map_err(|()| invalid())?
            .pop_if_empty()
            .extend(["clusters", name]);
        let mut request = self.client.get(url.clone());
        for (name, value) in signed_get(&url, (region, "eks"), keys, SystemTime::now())? {
            request = request.header(name, value);
        }
        let answer = send(request, "GET", &url, &[]).await?;
        let answer: serde_json::Value =
            serde_json::from_slice(&answer).map_err(|_| Error::Answer {
                what: format!("GET {url}"),
            })?;
        let authority = text_at(&answer, "/cluster/certificateAuthority/data");
        let authority = STANDARD.decode(authority).map_err(|error| {
            Error::Invalid(format!("failed to decode EKS CA certificate: {error}"))
        })?;
        Ok(Description {
            address: text_at(&answer, "/cluster/endpoint"),
            authority,
        })
    }
}
