//! The keys that the process has by where it runs.
//!
//! Source: aws-sdk-go-v2 `config` v1.32 `resolve_credentials.go`, `credentials/endpointcreds`,
//! `credentials/ec2rolecreds`. Configuration files of users are not read.

use std::time::{Duration, SystemTime};

use reqwest::{Client, Url};

use super::{Keys, Sts};
use crate::environment::Environment;
use crate::error::Error;
use crate::http::send;

/// For keys that do not say when they end.
const LIFE: Duration = Duration::from_secs(3600);
/// Whoever is no machine of AWS must not wait long for one.
const MACHINE_PATIENCE: Duration = Duration::from_secs(2);
/// Where a machine asks about itself.
const MACHINE: &str = "http://169.254.169.254/";
/// Where a container asks for its keys.
const CONTAINER: &str = "http://169.254.170.2";

/// The process's own keys: of its variables, of a role that its token is trusted by, of its container, of its
/// machine.
///
/// # Errors
/// If there are none, or the service that has them refuses.
pub async fn own_keys(
    client: &Client,
    environment: &Environment,
    region: &str,
) -> Result<Keys, Error> {
    let get = |name| environment.get(name);
    if let (Some(id), Some(secret)) = (get("AWS_ACCESS_KEY_ID"), get("AWS_SECRET_ACCESS_KEY")) {
        return Ok(Keys {
            id,
            secret,
            session: get("AWS_SESSION_TOKEN").unwrap_or_default(),
            expires: SystemTime::now() + LIFE,
        });
    }
    if let (Some(role), Some(file)) = (get("AWS_ROLE_ARN"), get("AWS_WEB_IDENTITY_TOKEN_FILE")) {
        let token = environment.read(&file).await?;
        let session = get("AWS_ROLE_SESSION_NAME").unwrap_or_else(|| "weir".to_owned());
        let sts = Sts::new(client, environment, region)?;
        return sts.for_token(&role, &session, &token).await;
    }
    if let Some(url) = container(environment)? {
        return of_container(client, environment, &url).await;
    }
    if environment.is_true("AWS_EC2_METADATA_DISABLED") {
        return Err(Error::Invalid(
            "no AWS credentials in the environment, and the instance metadata service is disabled"
                .to_owned(),
        ));
    }
    let asked = tokio::time::timeout(MACHINE_PATIENCE, of_machine(client, environment)).await;
    let none = |why: String| {
        Error::Invalid(format!(
            "no AWS credentials in the environment, no EC2 IMDS role found: {why}"
        ))
    };
    asked
        .map_err(|_| none("no answer".to_owned()))?
        .map_err(|error| none(error.to_string()))
}

fn container(environment: &Environment) -> Result<Option<Url>, Error> {
    let relative = environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    let url = match relative {
        Some(path) => Some(format!("{CONTAINER}{path}")),
        None => environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    };
    url.map(|url| parse(&url)).transpose()
}

async fn of_container(
    client: &Client,
    environment: &Environment,
    url: &Url,
) -> Result<Keys, Error> {
    let file = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    let token = match file {
        Some(file) => Some(environment.read(&file).await?),
        None => environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
    };
    let mut request = client.get(url.clone());
    if let Some(token) = &token {
        request = request.header("authorization", token);
    }
    let secrets = [token.as_deref().unwrap_or_default()];
    let answer = send(request, "GET", url, &secrets).await?;
    read(&answer, url)
}

async fn of_machine(client: &Client, environment: &Environment) -> Result<Keys, Error> {
    let base = environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    let base = parse(base.as_deref().unwrap_or(MACHINE))?;
    let at = |path: &str| {
        let url = base.join(path);
        url.map_err(|error| Error::Invalid(error.to_string()))
    };
    let url = at("latest/api/token")?;
    let request = client
        .put(url.clone())
        .header("x-aws-ec2-metadata-token-ttl-seconds", "300")
        .header("content-length", "0");
    let token = send(request, "PUT", &url, &[]).await?;
    let token = String::from_utf8_lossy(&token).into_owned();
    let get = async |url: &Url| {
        let request = client
            .get(url.clone())
            .header("x-aws-ec2-metadata-token", &token);
        send(request, "GET", url, &[&token]).await
    };
    let roles = at("latest/meta-data/iam/security-credentials/")?;
    let answer = get(&roles).await?;
    let text = String::from_utf8_lossy(&answer);
    let role = text.lines().next().unwrap_or_default().trim();
    if role.is_empty() || role.contains('/') {
        return Err(Error::Answer {
            what: format!("GET {roles}"),
        });
    }
    let url = at(&format!("latest/meta-data/iam/security-credentials/{role}"))?;
    read(&get(&url).await?, &url)
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    expiration: Option<String>,
}

fn read(answer: &[u8], url: &Url) -> Result<Keys, Error> {
    let answer: Answer = serde_json::from_slice(answer).map_err(|_| Error::Answer {
        what: format!("GET {}", crate::http::shown(url)),
    })?;
    let expires = answer.expiration.and_then(|text| {
        let at: jiff::Timestamp = text.parse().ok()?;
        Some(SystemTime::from(at))
    });
    Ok(Keys {
        id: answer.access_key_id,
        secret: answer.secret_access_key,
        session: answer.token.unwrap_or_default(),
        expires: expires.unwrap_or_else(|| SystemTime::now() + LIFE),
    })
}

fn parse(text: &str) -> Result<Url, Error> {
    Url::parse(text).map_err(|error| Error::Invalid(error.to_string()))
}
