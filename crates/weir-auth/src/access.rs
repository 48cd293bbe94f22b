//! What Flux calls workload identity: credentials of a service account of the cluster, or of the controller itself.
//!
//! Source: fluxcd/pkg auth v0.54 `access_token.go`, `aws/options.go`, `azure/options.go`, `gcp/options.go`,
//! `generic/provider.go`.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use regex::Regex;
use reqwest::{Client, Url};

use crate::azure::{self, Identity, Proof};
use crate::cache::TokenCache;
use crate::environment::Environment;
use crate::error::Error;
use crate::token::Token;
use crate::{aws, gcp, jwt};

/// Annotations of service accounts.
const AWS_ROLE: &str = "eks.amazonaws.com/role-arn";
const AZURE_CLIENT: &str = "azure.workload.identity/client-id";
const AZURE_TENANT: &str = "azure.workload.identity/tenant-id";
const GCP_EMAIL: &str = "iam.gke.io/gcp-service-account";
const GCP_PROVIDER: &str = "gcp.auth.fluxcd.io/workload-identity-provider";

/// Forms that annotations must have, as upstream writes them.
const AWS_ROLE_FORM: &str = r"^arn:aws[\w-]*:iam::[0-9]{1,30}:role/.{1,200}$";
const GCP_EMAIL_FORM: &str =
    r"^[a-zA-Z0-9-]{1,100}@[a-zA-Z0-9-]{1,100}\.iam\.gserviceaccount\.com$";
const GCP_PROVIDER_FORM: &str =
    r"^projects/\d{1,30}/locations/global/workloadIdentityPools/[^/]{1,100}/providers/[^/]{1,100}$";

/// Where the controller's own account is told.
const OWN_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// What upstream says where the account of the flag is missing.
const NO_DEFAULT_ACCOUNT: &str = "the specified default service account does not exist in the object namespace. your cluster is subject to multi-tenant workload identity lockdown, reach out to your cluster administrator for help";

/// What a request to the cluster comes to.
pub type Asking<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// A service account of the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What tells it from one of the same name at another time.
    pub uid: String,
    /// What it says about itself in clouds.
    pub annotations: BTreeMap<String, String>,
}

/// The cluster, as far as its service accounts go.
pub trait Cluster: Send + Sync {
    /// The service account; [`Error::Missing`] if there is none of that name.
    fn account<'a>(&'a self, namespace: &'a str, name: &'a str) -> Asking<'a, Account>;

    /// A token of the service account for `audiences`; the cluster's own audience if there are none.
    fn token<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        audiences: &'a [String],
    ) -> Asking<'a, String>;
}

/// Who asks for credentials, and what with.
#[derive(Clone)]
pub struct Access {
    /// For requests to clouds.
    pub client: Client,
    /// Service accounts.
    pub cluster: Arc<dyn Cluster>,
    /// The controller's own variables.
    pub environment: Environment,
    /// What was given before.
    pub cache: TokenCache,
    /// Namespace and name of the service account; the controller itself without one.
    pub account: Option<(String, String)>,
    /// No object names the account: a flag does, for all that name none.
    pub by_default: bool,
    /// Gate `ObjectLevelWorkloadIdentity`.
    pub may_use_accounts: bool,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

impl Access {
    /// Keys of AWS for services of `region`.
    ///
    /// # Errors
    /// If the account names no role, or there are no keys for it.
    pub async fn aws(&self, region: &str) -> Result<aws::Keys, Error> {
        let token = match self.found().await? {
            None => {
                let key = format!("aws {region} controller");
                let ask = || async {
                    let keys = aws::own_keys(&self.client, &self.environment, region).await;
                    keys.map(|keys| keys.to_token())
                };
                self.own(key, ask).await?
            }
            Some(account) => {
                let role = annotation(&account, AWS_ROLE, AWS_ROLE_FORM);
                let role = role.map_err(|error| no_identity(&account, &error))?;
                let audiences = [aws::AUDIENCE.to_owned()];
                let key = format!("aws {region} {role}");
                let session = format!("{}.{}.{region}.fluxcd.io", account.name, account.namespace);
                let exchange = async |token: String| {
                    let sts = aws::Sts::new(&self.client, &self.environment, region)?;
                    let keys = sts.for_token(&role, &session, &token).await?;
                    Ok(keys.to_token())
                };
                self.of(&account, key, &audiences, exchange).await?
            }
        };
        aws::Keys::from_token(token)
    }

    /// A token of Azure for `scope`.
    ///
    /// # Errors
    /// If the account names no identity, or there is no token for it.
    pub async fn azure(&self, scope: &str) -> Result<Token, Error> {
        let Some(account) = self.found().await? else {
            let key = format!("azure {scope} controller");
            let ask = || azure::own_token(&self.client, &self.environment, scope);
            return self.own(key, ask).await;
        };
        let named = |what: &str, name: &str| {
            let value = account.annotations.get(name).cloned();
            value.ok_or_else(|| {
                let text =
                    format!("azure {what} ID is not set in the service account annotation {name}");
                no_identity(&account, &Error::Invalid(text))
            })
        };
        let tenant = named("tenant", AZURE_TENANT)?;
        let id = named("client", AZURE_CLIENT)?;
        let key = format!("azure {scope} {tenant} {id}");
        let audiences = [azure::AUDIENCE.to_owned()];
        let exchange = async |token: String| {
            let identity = Identity {
                tenant,
                client: id,
                authority: azure::authority(&self.environment),
                proof: Proof::Assertion(token),
            };
            identity.token(&self.client, scope).await
        };
        self.of(&account, key, &audiences, exchange).await
    }

    /// What opens repositories of Azure DevOps: a bearer token.
    ///
    /// Source: fluxcd/pkg auth v0.54 `git.go`.
    ///
    /// # Errors
    /// As [`Access::azure`].
    pub async fn azure_devops(&self) -> Result<Token, Error> {
        let token = self.azure(azure::DEVOPS_SCOPE).await;
        token.map_err(|error| for_repository(&error))
    }

    /// What opens the CodeCommit repository at `url`: a user and a password.
    ///
    /// Source: fluxcd/pkg auth v0.54 `git.go`.
    ///
    /// # Errors
    /// If the URL is another service's, and as [`Access::aws`].
    pub async fn codecommit(&self, url: &Url) -> Result<Token, Error> {
        let region = aws::codecommit_region(url)?;
        let keys = self.aws(&region).await;
        let keys = keys.map_err(|error| for_repository(&error))?;
        // Whoever has the keys may sign with them.
        let key = format!("aws codecommit {} {url}", keys.id);
        let sign = || async { aws::codecommit_password(&keys, url, SystemTime::now()) };
        let password = self.cache.get(key, sign).await;
        password
            .map_err(|error| Error::Invalid(format!("failed to create Git credentials: {error}")))
    }

    /// A token of Google Cloud.
    ///
    /// # Errors
    /// If the account's annotations are malformed, or there is no token for it.
    pub async fn gcp(&self) -> Result<Token, Error> {
        let Some(account) = self.found().await? else {
            let key = "gcp controller".to_owned();
            let ask = || gcp::own_token(&self.client, &self.environment);
            return self.own(key, ask).await;
        };
        let optional = |name: &str, form: &str| match account.annotations.get(name) {
            Some(value) if !value.is_empty() => annotation(&account, name, form).map(Some),
            _ => Ok(None),
        };
        let no_audience =
            |error: Error| Error::Invalid(format!("failed to get provider audience: {error}"));
        let provider = optional(GCP_PROVIDER, GCP_PROVIDER_FORM).map_err(no_audience)?;
        // The token is for one, and traded in at the other.
        let (whom, audience) = match provider {
            Some(provider) => {
                let whom = format!("//iam.googleapis.com/{provider}");
                (whom.clone(), whom)
            }
            None => {
                let cluster = gcp::cluster(&self.client, &self.environment).await;
                let cluster = cluster.map_err(no_audience)?;
                (cluster.pool(), cluster.audience())
            }
        };
        let email = optional(GCP_EMAIL, GCP_EMAIL_FORM);
        let email = email.map_err(|error| no_identity(&account, &error))?;
        let email = email.unwrap_or_default();
        let key = format!("gcp {audience} {email}");
        let exchange =
            async |token: String| gcp::exchange(&self.client, &audience, &email, &token).await;
        self.of(&account, key, &[whom], exchange).await
    }

    /// A token of the account itself, for whoever trusts the cluster.
    ///
    /// # Errors
    /// If there is no such account, or the cluster refuses.
    pub async fn kubernetes(&self, audiences: &[String]) -> Result<Token, Error> {
        let key = format!("generic {}", audiences.join(","));
        if let Some(account) = self.found().await? {
            let same = async |token: String| as_it_is(token);
            return self.of(&account, key, audiences, same).await;
        }
        let ask = || async {
            let (namespace, name) = self.own_account().await?;
            let token = self.cluster.token(&namespace, &name, audiences).await;
            let token = token.map_err(|error| {
                Error::Invalid(format!(
                    "failed to create kubernetes token for controller service account '{namespace}/{name}': {error}"
                ))
            })?;
            as_it_is(token)
        };
        self.own(format!("{key} controller"), ask).await
    }

    /// The account that the controller runs as.
    async fn own_account(&self) -> Result<(String, String), Error> {
        let token = self.environment.read(OWN_TOKEN).await.map_err(|error| {
            Error::Invalid(format!("failed to read service account token file {error}"))
        })?;
        account_of(&token)
    }

    async fn found(&self) -> Result<Option<Account>, Error> {
        let Some((namespace, name)) = &self.account else {
            return Ok(None);
        };
        let found = self.cluster.account(namespace, name).await;
        found.map(Some).map_err(|error| {
            let why = match error {
                Error::Missing(_) if self.by_default => NO_DEFAULT_ACCOUNT.to_owned(),
                error => error.to_string(),
            };
            Error::Invalid(format!(
                "failed to get service account '{namespace}/{name}': {why}"
            ))
        })
    }

    async fn own<F>(&self, key: String, ask: impl FnOnce() -> F) -> Result<Token, Error>
    where
        F: Future<Output = Result<Token, Error>>,
    {
        let named = || async {
            ask().await.map_err(|error| {
                Error::Invalid(format!(
                    "failed to create provider access token for the controller: {error}"
                ))
            })
        };
        self.cache.get(key, named).await
    }

    /// What `exchange` gives for a token of `account`. `key` tells what that is.
    async fn of(
        &self,
        account: &Account,
        key: String,
        audiences: &[String],
        exchange: impl AsyncFnOnce(String) -> Result<Token, Error>,
    ) -> Result<Token, Error> {
        let Account {
            namespace,
            name,
            uid,
            ..
        } = account;
        if !self.may_use_accounts {
            return Err(Error::Invalid(
                "ObjectLevelWorkloadIdentity feature gate is not enabled".to_owned(),
            ));
        }
        let key = format!("{key} {namespace}/{name} {uid}");
        let failed = |what: &str, error: Error| {
            Error::Invalid(format!(
                "failed to create {what} token for service account '{namespace}/{name}': {error}"
            ))
        };
        let ask = || async {
            let token = self.cluster.token(namespace, name, audiences).await;
            let token = token.map_err(|error| failed("kubernetes", error))?;
            let token = exchange(token).await;
            token.map_err(|error| failed("provider access", error))
        };
        self.cache.get(key, ask).await
    }
}

/// Namespace and name of the service account that a token is of.
///
/// # Errors
/// [`Error::Invalid`] if it is not one of a service account.
fn account_of(token: &str) -> Result<(String, String), Error> {
    let claims = jwt::claims(token)?;
    let subject = claims["sub"].as_str().unwrap_or_default();
    let rest = subject.strip_prefix("system:serviceaccount:");
    match rest.and_then(|rest| rest.split_once(':')) {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
            Ok((namespace.to_owned(), name.to_owned()))
        }
        _ => Err(Error::Invalid(format!(
            "unexpected token subject '{subject}'"
        ))),
    }
}

fn for_repository(error: &Error) -> Error {
    Error::Invalid(format!(
        "failed to get access token for Git repository: {error}"
    ))
}

fn as_it_is(token: String) -> Result<Token, Error> {
    let expires = jwt::end(&token);
    let none = || Error::Invalid("failed to get expiration time from service account token".into());
    Ok(Token {
        username: String::new(),
        expires: expires.ok_or_else(none)?,
        secret: token,
    })
}

fn no_identity(account: &Account, error: &Error) -> Error {
    let Account {
        namespace, name, ..
    } = account;
    Error::Invalid(format!(
        "failed to get provider identity from service account '{namespace}/{name}' annotations: {error}"
    ))
}

/// The value of an annotation that must have a form.
fn annotation(account: &Account, name: &str, form: &str) -> Result<String, Error> {
    static FORMS: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
        let forms = [AWS_ROLE_FORM, GCP_EMAIL_FORM, GCP_PROVIDER_FORM];
        // Classes of Go are of ASCII.
        let compiled = forms.into_iter().filter_map(|form| {
            let ascii = form.replace(r"\d", "[0-9]").replace(r"\w", "A-Za-z0-9_");
            Some((form, Regex::new(&ascii).ok()?))
        });
        compiled.collect()
    });
    let value = account.annotations.get(name).cloned().unwrap_or_default();
    let fits = FORMS
        .iter()
        .any(|(known, regex)| *known == form && regex.is_match(&value));
    if fits {
        return Ok(value);
    }
    Err(Error::Invalid(format!(
        "invalid {name} annotation: '{value}'. must match {form}"
    )))
}

#[cfg(test)]
mod tests;
