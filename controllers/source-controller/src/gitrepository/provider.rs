//! Credentials from a GitHub App, Azure or AWS.
//!
//! Source: source-controller v1.9 `internal/controller/gitrepository_controller.go` `getAuthOpts`; fluxcd/pkg auth
//! v0.54 `git.go`.

use std::sync::Arc;

use kube::ResourceExt;
use reqwest::Url;
use weir_api::meta::secret_key;
use weir_api::source::v1::{GitProvider, GitRepository};
use weir_auth::github_app::{App, Installation};
use weir_auth::{Access, Environment, OnBehalf, Token, TokenCache, azure};
use weir_git::{Credentials, Proxy, RemoteOptions};
use weir_runtime::service_accounts::ServiceAccounts;

use super::access::{Values, text};
use crate::context::Context;
use crate::error::{Error, ProviderError, SecretError};

/// The Secret of an object: its name with the namespace, and its values.
type Secret<'a> = Option<(&'a str, &'a Values)>;

/// What counts the tokens of an object.
pub(super) fn on_behalf(object: &GitRepository) -> OnBehalf {
    OnBehalf {
        kind: "GitRepository",
        name: object.name_any(),
        namespace: object.namespace().unwrap_or_default(),
        operation: "reconcile",
    }
}

/// What the object's provider gives instead of what its Secret says; nothing where there is none.
pub(super) async fn credentials(
    context: &Context,
    object: &GitRepository,
    secret: Secret<'_>,
    options: &RemoteOptions,
) -> Result<Option<Credentials>, Error> {
    let tokens = context.tokens.on_behalf(on_behalf(object));
    let token = match object.spec.provider.unwrap_or_default() {
        GitProvider::Github => {
            let app = app(secret)?;
            github(context, &app, options, &tokens).await
        }
        GitProvider::Azure => {
            let access = access(context, object, options.proxy.as_ref(), tokens)?;
            access.azure_devops().await.map_err(ProviderError::from)
        }
        GitProvider::Aws => {
            let access = access(context, object, options.proxy.as_ref(), tokens)?;
            codecommit(&access, &object.spec.url).await
        }
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
    let found = |key| values.contains_key(key);
    let by_id = found(secret_key::GITHUB_APP_INSTALLATION_ID);
    let by_owner = found(secret_key::GITHUB_APP_INSTALLATION_OWNER);
    // A Secret that lacks one of these counts as one of something else.
    if !found(secret_key::GITHUB_APP_ID) || !found(secret_key::GITHUB_APP_PRIVATE_KEY) {
        return Err(Error::NoAppData);
    }
    if by_id == by_owner {
        let lacks = SecretError::Installation(name.to_owned());
        return Err(Error::ConfigureAuth(lacks));
    }
    let read = |key| text(name, values, key).map_err(Error::ConfigureAuth);
    let number = |key| {
        let number = read(key)?.and_then(|text| text.parse().ok());
        Ok::<u64, Error>(number.unwrap_or_default())
    };
    let installation = if by_id {
        Installation::Id(number(secret_key::GITHUB_APP_INSTALLATION_ID)?)
    } else {
        let owner = read(secret_key::GITHUB_APP_INSTALLATION_OWNER)?;
        Installation::Owner(owner.unwrap_or_default())
    };
    let key = values.get(secret_key::GITHUB_APP_PRIVATE_KEY).cloned();
    Ok(App {
        id: number(secret_key::GITHUB_APP_ID)?,
        installation,
        private_key: key.unwrap_or_default(),
        base_url: read(secret_key::GITHUB_APP_BASE_URL)?,
    })
}

async fn github(
    context: &Context,
    app: &App,
    options: &RemoteOptions,
    tokens: &TokenCache,
) -> Result<Token, ProviderError> {
    app.check()?;
    let base = app.api(&[])?;
    let client = context
        .git
        .client(base.as_str(), &options.tls, options.proxy.as_ref())?;
    let ask = || app.token(&client);
    Ok(tokens.get(app.cache_key(), ask).await?)
}

async fn codecommit(access: &Access, url: &str) -> Result<Token, ProviderError> {
    let url = Url::parse(url).map_err(|error| weir_auth::Error::Invalid(error.to_string()))?;
    Ok(access.codecommit(&url).await?)
}

/// Credentials of the object's service account, of that of the flag, or of the controller itself.
fn access(
    context: &Context,
    object: &GitRepository,
    proxy: Option<&Proxy>,
    cache: TokenCache,
) -> Result<Access, Error> {
    let own = &object.spec.service_account_name;
    if !own.is_empty() && !context.object_level_identity {
        return Err(Error::FeatureGate);
    }
    let by_default = own.is_empty();
    let name = if by_default {
        &context.default_service_account
    } else {
        own
    };
    let account = (!name.is_empty()).then(|| {
        let namespace = object.namespace().unwrap_or_default();
        (namespace, name.clone())
    });
    // `--deny-cidr` is not about the clouds' own services: no object chooses where they are.
    let tls = weir_git::Tls::default();
    let client = context.cloud.client(azure::AUTHORITY, &tls, proxy);
    Ok(Access {
        client: client.map_err(|error| Error::ConfigureProvider(error.into()))?,
        cluster: Arc::new(ServiceAccounts::new(context.client.clone())),
        environment: Environment::process(),
        cache,
        account,
        by_default,
        may_use_accounts: context.object_level_identity,
    })
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
        let all = [
            ("githubAppID", "12"),
            ("githubAppPrivateKey", "key"),
            ("githubAppInstallationID", "34"),
        ];
        for pairs in [
            vec![("username", "u"), ("password", "p")],
            vec![all[0], all[2]],
            vec![all[1], all[2]],
        ] {
            assert_eq!(read(&pairs), Err(lacking.to_owned()), "{pairs:?}");
        }
        let good = read(&all).expect("is usable");
        assert_eq!((good.id, good.installation), (12, Installation::Id(34)));
        let by_owner = ("githubAppInstallationOwner", "acme");
        let base = ("githubAppBaseURL", "https://x");
        let owner = read(&[all[0], all[1], by_owner, base]).expect("is usable");
        assert_eq!(owner.installation, Installation::Owner("acme".to_owned()));
        assert_eq!(owner.base_url.as_deref(), Some("https://x"));
        for pairs in [vec![all[0], all[1]], vec![all[0], all[1], all[2], by_owner]] {
            let error = read(&pairs).expect_err("is refused");
            assert_eq!(
                error,
                "failed to configure authentication options: secret 'ns/app' must contain exactly one of \
                 'githubAppInstallationOwner' or 'githubAppInstallationID'"
            );
        }
        let odd = read(&[("githubAppID", "x"), all[1], all[2]]).expect("is read");
        assert_eq!(odd.id, 0);
    }
}
