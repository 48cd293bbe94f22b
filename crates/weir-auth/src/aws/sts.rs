//! Taking on a role.
//!
//! Source: aws-sdk-go-v2 `service/sts` v1.43, for requests, answers and how refusals read.

use std::time::SystemTime;

use reqwest::{Client, Url};

use super::{Keys, Request};
use crate::environment::Environment;
use crate::error::Error;
use crate::http::{Reply, exchange, form, masked, shown};

/// Refusals that the service describes: they go without a prefix.
const MODELLED: [&str; 7] = [
    "ExpiredTokenException",
    "IDPCommunicationError",
    "IDPRejectedClaim",
    "InvalidIdentityToken",
    "MalformedPolicyDocument",
    "PackedPolicyTooLarge",
    "RegionDisabledException",
];

/// The service that gives out keys of roles, in one region.
#[derive(Debug, Clone)]
pub struct Sts {
    client: Client,
    url: Url,
    region: String,
}

impl Sts {
    /// That of `region`, or where the environment says it is.
    ///
    /// # Errors
    /// [`Error::Invalid`] if that is no URL.
    pub fn new(client: &Client, environment: &Environment, region: &str) -> Result<Self, Error> {
        Ok(Self {
            client: client.clone(),
            url: super::endpoint(environment, "sts", region)?,
            region: region.to_owned(),
        })
    }

    /// The keys of `role`, for a token that it trusts.
    ///
    /// # Errors
    /// If the service refuses or is not reached.
    pub async fn for_token(&self, role: &str, session: &str, token: &str) -> Result<Keys, Error> {
        let operation = "AssumeRoleWithWebIdentity";
        let body = form(&[
            ("Action", operation),
            ("Version", "2011-06-15"),
            ("RoleArn", role),
            ("RoleSessionName", session),
            ("WebIdentityToken", token),
        ]);
        let content = ("content-type", "application/x-www-form-urlencoded");
        let headers = vec![(content.0.to_owned(), content.1.to_owned())];
        self.ask(operation, headers, body, &[token]).await
    }

    /// The keys of `role`, for the owner of `keys`.
    ///
    /// # Errors
    /// If the service refuses or is not reached.
    pub async fn for_keys(&self, keys: &Keys, role: &str, session: &str) -> Result<Keys, Error> {
        let operation = "AssumeRole";
        let body = form(&[
            ("Action", operation),
            ("Version", "2011-06-15"),
            ("RoleArn", role),
            ("RoleSessionName", session),
        ]);
        let request = Request {
            service: "sts",
            region: &self.region,
            url: &self.url,
            headers: &[("content-type", "application/x-www-form-urlencoded")],
            body: body.as_bytes(),
        };
        let headers = request.signed(keys, SystemTime::now())?;
        let secrets = [keys.secret.as_str(), &keys.session];
        self.ask(operation, headers, body.clone(), &secrets).await
    }

    async fn ask(
        &self,
        operation: &str,
        headers: Vec<(String, String)>,
        body: String,
        secrets: &[&str],
    ) -> Result<Keys, Error> {
        let what = format!("POST {}", shown(&self.url));
        let mut request = self.client.post(self.url.clone()).body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let reply = exchange(request, &what).await?;
        let text = String::from_utf8_lossy(&reply.body);
        let field = |name: &str| element(&text, name);
        if !reply.is_success() {
            let id = field("RequestId").unwrap_or_default();
            let code = field("Code").unwrap_or_else(|| "UnknownError".to_owned());
            let message = field("Message").unwrap_or_else(|| "UnknownError".to_owned());
            let why = if MODELLED.contains(&code.as_str()) {
                format!("{code}: {message}")
            } else {
                format!("api error {code}: {message}")
            };
            let why = masked(why, secrets);
            return Err(refusal("STS", operation, &reply, &id, &why));
        }
        let keys = || {
            let expires: jiff::Timestamp = field("Expiration")?.parse().ok()?;
            Some(Keys {
                id: field("AccessKeyId")?,
                secret: field("SecretAccessKey")?,
                session: field("SessionToken")?,
                expires: SystemTime::from(expires),
            })
        };
        keys().ok_or(Error::Answer { what })
    }
}

/// How AWS's own client words that a service refused.
#[must_use]
pub fn refusal(service: &str, operation: &str, reply: &Reply, id: &str, why: &str) -> Error {
    let status = reply.status;
    let bounded: String = why
        .chars()
        .filter(|char| !char.is_control())
        .take(1000)
        .collect();
    Error::Invalid(format!(
        "operation error {service}: {operation}, https response error StatusCode: {status}, RequestID: {id}, {bounded}"
    ))
}

/// The text of the first element of that name, as far as these answers need XML.
fn element(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (value, _) = rest.split_once(&format!("</{name}>"))?;
    let value = value.trim();
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ];
    let plain = entities
        .iter()
        .fold(value.to_owned(), |text, (entity, plain)| {
            text.replace(entity, plain)
        });
    Some(plain)
}
