//! Credentials from a GitHub App, Azure or AWS.
//!
//! Source: source-controller v1.9 `internal/controller/gitrepository_controller.go` `getAuthOpts`; fluxcd/pkg auth
//! v0.54.

use std::time::SystemTime;

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Api, ResourceExt};
use reqwest::{Client, Url};
use weir_api::meta::secret_key;
use weir_api::source::v1::{GitProvider, GitRepository};
use weir_auth::azure::{self, Identity, Proof};
use weir_auth::github_app::{App, Installation};
use weir_auth::{Environment, Token, aws};
use weir_git::{Credentials, Proxy, RemoteOptions};
use weir_runtime::client::{account_token, describe};

use super::access::{Values, text};
use crate::context::Context;
use crate::error::{Error, ProviderError, SecretError};

/// Annotations of service accounts.
const AZURE_CLIENT: &str = "azure.workload.identity/client-id";
const AZURE_TENANT: &str = "azure.workload.identity/tenant-id";
const AWS_ROLE: &str = "eks.amazonaws.com/role-arn";

/// The Secret of an object: its name with the namespace, and its values.
type Secret<'a> = Option<(&'a str, &'a Values)>;

/// What the object's provider gives instead of what its Secret says; nothing where there is none.
pub(super) async fn credentials(
    context: &Context,
    object: &GitRepository,
    secret: Secret<'_>,
    options: &RemoteOptions,
) -> Result<Option<Credentials>, Error> {
    let token = match object.spec.provider.unwrap_or_default() {
        GitProvider::Github => {
            let app = app(secret)?;
            github(context, &app, options).await
        }
        GitProvider::Azure => azure(context, object, options.proxy.as_ref()).await,
        GitProvider::Aws => aws(context, object, options.proxy.as_ref()).await,
        GitProvider::Generic => {
            return match secret {
                Some((name, values)) if has(values, secret_key::GITHUB_APP_ID) => {
                    Err(Error::ProviderMismatch(name.to_owned()))
                }
                _ => Ok(None),
            };
        }
    };
    let token = token.map_err(Error::ConfigureProvider)?;
    Ok(Some(if token.username.is_empty() {
        Credentials::Bearer(token.secret)
    } else {
        Credentials::Basic {
            username: token.username,
            password: token.secret,
        }
    }))
}

fn has(values: &Values, key: &str) -> bool {
    values.get(key).is_some_and(|value| !value.is_empty())
}

/// The app that a Secret describes.
fn app(secret: Secret<'_>) -> Result<App, Error> {
    let (name, values) = secret.ok_or(Error::NoAppSecret)?;
    let keys = [
        secret_key::GITHUB_APP_ID,
        secret_key::GITHUB_APP_PRIVATE_KEY,
        secret_key::GITHUB_APP_INSTALLATION_ID,
        secret_key::GITHUB_APP_INSTALLATION_OWNER,
    ];
    if !keys.iter().any(|key| values.contains_key(*key)) {
        return Err(Error::NoAppData);
    }
    let read = |key| text(name, values, key).map_err(Error::ConfigureAuth);
    let needed = |key| {
        let secret = name.to_owned();
        read(key)?.ok_or(Error::ConfigureAuth(SecretError::KeyNotFound {
            secret,
            key,
        }))
    };
    let number = |key, text: String| {
        let secret = name.to_owned();
        let number = text.trim().parse().ok().filter(|number| *number != 0);
        number.ok_or(Error::ConfigureAuth(SecretError::Invalid { secret, key }))
    };
    let id = needed(secret_key::GITHUB_APP_ID)?;
    let private_key = needed(secret_key::GITHUB_APP_PRIVATE_KEY)?.into_bytes();
    let owner = read(secret_key::GITHUB_APP_INSTALLATION_OWNER)?;
    let installation = match (read(secret_key::GITHUB_APP_INSTALLATION_ID)?, owner) {
        (Some(id), None) => Installation::Id(number(secret_key::GITHUB_APP_INSTALLATION_ID, id)?),
        (None, Some(owner)) => Installation::Owner(owner),
        _ => {
            return Err(Error::ConfigureAuth(SecretError::Installation(
                name.to_owned(),
            )));
        }
    };
    Ok(App {
        id: number(secret_key::GITHUB_APP_ID, id)?,
        installation,
        private_key,
        base_url: read(secret_key::GITHUB_APP_BASE_URL)?,
    })
}

async fn github(
    context: &Context,
    app: &App,
    options: &RemoteOptions,
) -> Result<Token, ProviderError> {
    let base = app.api(&[])?;
    let client = context
        .git
        .client(base.as_str(), &options.tls, options.proxy.as_ref())?;
    let ask = || app.token(&client);
    Ok(context.tokens.get(app.cache_key(), ask).await?)
}

async fn azure(
    context: &Context,
    object: &GitRepository,
    proxy: Option<&Proxy>,
) -> Result<Token, ProviderError> {
    let client = cloud_client(context, proxy)?;
    let Some(account) = service_account(context, object) else {
        let key = "azure devops controller".to_owned();
        let own = Environment::process();
        let ask = || azure::own_token(&client, &own, azure::DEVOPS_SCOPE);
        return Ok(context.tokens.get(key, ask).await?);
    };
    let (found, key) = account_of(context, object, &account).await?;
    let annotation = |name: &str| {
        let value = found
            .annotations()
            .get(name)
            .filter(|value| !value.is_empty());
        value.cloned().ok_or_else(|| ProviderError::Annotation {
            account: format!("{}/{account}", object.namespace().unwrap_or_default()),
            annotation: name.to_owned(),
        })
    };
    let (tenant, id) = (annotation(AZURE_TENANT)?, annotation(AZURE_CLIENT)?);
    let key = format!("azure devops {tenant} {id} {key}");
    let fresh = context.tokens.get(key, || async {
        let assertion = oidc_token(context, object, &account, azure::AUDIENCE).await;
        let identity = Identity {
            tenant,
            client: id,
            authority: azure::authority(&Environment::process()),
            proof: Proof::Assertion(assertion?),
        };
        identity.token(&client, azure::DEVOPS_SCOPE).await
    });
    Ok(fresh.await?)
}

async fn aws(
    context: &Context,
    object: &GitRepository,
    proxy: Option<&Proxy>,
) -> Result<Token, ProviderError> {
    let invalid = |error: String| weir_auth::Error::Invalid(error);
    let url = Url::parse(&object.spec.url).map_err(|error| invalid(error.to_string()))?;
    let region = aws::codecommit_region(&url)?;
    let client = cloud_client(context, proxy)?;
    let own = Environment::process();
    let sign = |keys: &aws::Keys| aws::codecommit_password(keys, &url, SystemTime::now());
    let Some(account) = service_account(context, object) else {
        let key = format!("aws codecommit controller {url}");
        let ask = || async { sign(&aws::own_keys(&client, &own, &region).await?) };
        return Ok(context.tokens.get(key, ask).await?);
    };
    let (found, key) = account_of(context, object, &account).await?;
    let role = found
        .annotations()
        .get(AWS_ROLE)
        .filter(|role| role.starts_with("arn:aws"));
    let role = role.cloned().ok_or_else(|| ProviderError::Annotation {
        account: format!("{}/{account}", object.namespace().unwrap_or_default()),
        annotation: AWS_ROLE.to_owned(),
    })?;
    let key = format!("aws codecommit {role} {key} {url}");
    let fresh = context.tokens.get(key, || async {
        let token = oidc_token(context, object, &account, aws::AUDIENCE).await?;
        let namespace = object.namespace().unwrap_or_default();
        let session = format!("{account}.{namespace}.{region}.fluxcd.io");
        let sts = aws::Sts::new(&client, &own, &region)?;
        sign(&sts.for_token(&role, &session, &token).await?)
    });
    Ok(fresh.await?)
}

/// The service account to act as: the object's, or that of the flag.
fn service_account(context: &Context, object: &GitRepository) -> Option<String> {
    let named = [
        &object.spec.service_account_name,
        &context.default_service_account,
    ];
    named.into_iter().find(|name| !name.is_empty()).cloned()
}

/// The service account, and what tells it from all others.
async fn account_of(
    context: &Context,
    object: &GitRepository,
    name: &str,
) -> Result<(ServiceAccount, String), ProviderError> {
    let namespace = object.namespace().unwrap_or_default();
    let api: Api<ServiceAccount> = Api::namespaced(context.client.clone(), &namespace);
    let found = api
        .get(name)
        .await
        .map_err(|error| ProviderError::Account {
            account: format!("{namespace}/{name}"),
            error: describe(&error),
        })?;
    let key = format!("{namespace}/{name} {}", found.uid().unwrap_or_default());
    Ok((found, key))
}

async fn oidc_token(
    context: &Context,
    object: &GitRepository,
    name: &str,
    audience: &str,
) -> Result<String, weir_auth::Error> {
    let namespace = object.namespace().unwrap_or_default();
    let token = account_token(&context.client, &namespace, name, &[audience.to_owned()]).await;
    token.map_err(|error| {
        weir_auth::Error::Invalid(format!(
            "failed to create kubernetes token for service account '{namespace}/{name}': {error}"
        ))
    })
}

/// A client for the cloud's own services, which `--deny-cidr` is not about: no object chooses where they are.
fn cloud_client(context: &Context, proxy: Option<&Proxy>) -> Result<Client, ProviderError> {
    let tls = weir_git::Tls::default();
    Ok(context.cloud.client(azure::AUTHORITY, &tls, proxy)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<App, String> {
        let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), value.as_bytes().to_vec());
        let values: Values = pairs.iter().map(pair).collect();
        app(Some(("ns/app", &values)))
            .map_err(|error| weir_runtime::kind::Chain(&error).to_string())
    }

    #[test]
    fn an_app_needs_its_number_its_key_and_one_installation() {
        let lacking =
            "secretRef with github app data must be specified when provider is set to github";
        assert_eq!(app(None).expect_err("is refused").to_string(), lacking);
        assert_eq!(
            read(&[("username", "u"), ("password", "p")]),
            Err(lacking.to_owned())
        );
        let all = [
            ("githubAppID", "12"),
            ("githubAppPrivateKey", "key"),
            ("githubAppInstallationID", "34"),
        ];
        let good = read(&all).expect("is usable");
        assert_eq!((good.id, good.installation), (12, Installation::Id(34)));
        let owner = read(&[
            all[0],
            all[1],
            ("githubAppInstallationOwner", "acme"),
            ("githubAppBaseURL", "https://x"),
        ]);
        let owner = owner.expect("is usable");
        assert_eq!(owner.installation, Installation::Owner("acme".to_owned()));
        assert_eq!(owner.base_url.as_deref(), Some("https://x"));
        for pairs in [
            vec![all[0], all[1]],
            vec![all[0], all[2]],
            vec![all[1], all[2]],
            vec![
                all[0],
                all[1],
                all[2],
                ("githubAppInstallationOwner", "acme"),
            ],
            vec![("githubAppID", "x"), all[1], all[2]],
            vec![("githubAppID", "0"), all[1], all[2]],
        ] {
            let error = read(&pairs).expect_err("is refused");
            assert!(
                error.starts_with("failed to configure authentication options: "),
                "{error}"
            );
        }
    }
}
