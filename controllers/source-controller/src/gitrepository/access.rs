//! From Secrets to what it takes to reach a repository.

use std::collections::BTreeMap;

use kube::ResourceExt;
use reqwest::Url;
use weir_api::meta::secret_key;
use weir_api::source::v1::GitRepository;
use weir_git::{
    Credentials, Limits, Proxy, RemoteOptions, RepositoryUrl, SshKey, Tls, needs_password,
};

use super::provider;
use crate::context::Context;
use crate::error::{Error, SecretError};
use crate::observe;

pub(super) type Values = BTreeMap<String, Vec<u8>>;

/// The scheme that wants a key.
const SSH: &str = "ssh";
/// What a URL for ssh must name.
const HOST: &str = "host";
/// What a proxy may speak.
const PROXY_SCHEMES: [&str; 3] = ["http", "https", "socks5"];
/// The longest address of a proxy.
const MAX_ADDRESS: usize = 2048;

/// What the object's Secrets say.
pub(super) async fn options(
    context: &Context,
    object: &GitRepository,
) -> Result<RemoteOptions, Error> {
    let namespace = object.namespace().unwrap_or_default();
    let mut options = RemoteOptions {
        limits: Limits::of_trees(context.storage.tree_limits()),
        ..RemoteOptions::default()
    };
    if let Some(reference) = &object.spec.proxy_secret_ref {
        let name = format!("{namespace}/{}", reference.name);
        let found = observe::secret(context, &namespace, &reference.name).await;
        let values = found.and_then(|found| found.ok_or(SecretError::NotFound(name.clone())));
        options.proxy = Some(proxy(&name, &values.map_err(Error::ConfigureProxy)?)?);
    }
    let url = parse(&object.spec.url)?;
    let scheme = url.scheme();
    let secret = match &object.spec.secret_ref {
        None => None,
        Some(reference) => {
            let name = format!("{namespace}/{}", reference.name);
            let found = observe::secret(context, &namespace, &reference.name).await;
            let found = found.and_then(|found| {
                found.ok_or_else(|| SecretError::Missing(reference.name.clone()))
            });
            match found {
                Ok(values) => Some((name, values)),
                Err(source) => return Err(Error::GetSecret { name, source }),
            }
        }
    };
    if scheme == SSH {
        refuse_no_host(&url)?;
    }
    match &secret {
        None if scheme == SSH => {
            return Err(Error::ConfigureAuth(ssh_lacks(secret_key::IDENTITY)));
        }
        None => options.credentials = credentials("", &url, &Values::new())?,
        Some((name, values)) if scheme == SSH => {
            let key = ssh(name, values).map_err(Error::ConfigureAuth)?;
            if key.password.is_none() && needs_password(&key.identity) {
                return Err(Error::UseSecret(SecretError::LockedIdentity(name.clone())));
            }
            options.ssh = Some(key);
        }
        Some((name, values)) => {
            options.credentials = credentials(name, &url, values)?;
            options.tls = tls(name, values).map_err(Error::ConfigureAuth)?;
        }
    }
    let secret = secret
        .as_ref()
        .map(|(name, values)| (name.as_str(), values));
    let given = provider::credentials(context, object, secret, &options).await?;
    if given.is_none() && secret.is_some_and(|(_, values)| two_kinds(&url, values)) {
        return Err(Error::Checkout(weir_git::Error::TwoKindsOfCredentials));
    }
    options.credentials = given.or(options.credentials);
    Ok(options)
}

/// The URL, as Go reads it.
pub(super) fn parse(url: &str) -> Result<RepositoryUrl, Error> {
    RepositoryUrl::parse(url).map_err(|source| Error::ParseUrl {
        url: weir_git::without_user(url),
        source,
    })
}

fn ssh(secret: &str, values: &Values) -> Result<SshKey, SecretError> {
    let given = |key: &'static str| {
        let found = values.get(key).filter(|value| !value.is_empty()).cloned();
        found.ok_or_else(|| ssh_lacks(key))
    };
    Ok(SshKey {
        identity: given(secret_key::IDENTITY)?,
        known_hosts: given(secret_key::KNOWN_HOSTS)?,
        password: text(secret, values, secret_key::PASSWORD)?,
    })
}

fn refuse_no_host(url: &RepositoryUrl) -> Result<(), Error> {
    if url.has_host() {
        return Ok(());
    }
    Err(Error::ConfigureAuth(ssh_lacks(HOST)))
}

fn ssh_lacks(key: &'static str) -> SecretError {
    SecretError::AuthOption {
        scheme: SSH.to_owned(),
        rule: match key {
            HOST => "'host' is required",
            secret_key::KNOWN_HOSTS => "'known_hosts' is required",
            _ => "'identity' is required",
        },
    }
}

/// A token in the Secret, and a user in the URL.
fn two_kinds(url: &RepositoryUrl, values: &Values) -> bool {
    let token = values.get(secret_key::BEARER_TOKEN);
    let (user, password) = url.user_info();
    let basic = !user.is_empty() || !password.is_empty();
    url.scheme() != SSH && basic && token.is_some_and(|token| !token.is_empty())
}

/// What opens the repository: a token, or user and password, of which the URL tells what the Secret does not.
fn credentials(
    secret: &str,
    url: &RepositoryUrl,
    values: &Values,
) -> Result<Option<Credentials>, Error> {
    if url.scheme() == SSH {
        return Ok(None);
    }
    let read = |key| text(secret, values, key).map_err(Error::ConfigureAuth);
    let (mut username, mut password) = (None, None);
    // A token stands alone, whatever is beside it.
    if !values.contains_key(secret_key::BEARER_TOKEN) {
        username = read(secret_key::USERNAME)?;
        password = read(secret_key::PASSWORD)?;
    }
    let (user, own) = url.user_info();
    let username = username.or(Some(user).filter(|user| !user.is_empty()));
    let password = password.or(Some(own).filter(|own| !own.is_empty()));
    let token = read(secret_key::BEARER_TOKEN)?;
    match (username, password) {
        (None, Some(_)) => Err(Error::ConfigureAuth(SecretError::AuthOption {
            scheme: url.scheme(),
            rule: "'password' requires 'username' to be set",
        })),
        (None, None) => Ok(token.map(Credentials::Bearer)),
        (Some(username), password) => Ok(Some(Credentials::Basic {
            username,
            password: password.unwrap_or_default(),
        })),
    }
}

/// `ca.crt` wins over `caFile`; a certificate needs its key.
fn tls(secret: &str, values: &Values) -> Result<Tls, SecretError> {
    let given = |key: &str| values.get(key).filter(|value| !value.is_empty()).cloned();
    let identity = match (given(secret_key::TLS_CRT), given(secret_key::TLS_KEY)) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => return Err(SecretError::HalfIdentity(secret.to_owned())),
    };
    let ca = given(secret_key::CA_CRT).or_else(|| given(secret_key::LEGACY_CA_FILE));
    Ok(Tls { ca, identity })
}

fn proxy(secret: &str, values: &Values) -> Result<Proxy, Error> {
    let key = secret_key::ADDRESS;
    let read = |key| text(secret, values, key).map_err(Error::ConfigureProxy);
    if !values.contains_key(key) {
        let secret = secret.to_owned();
        return Err(Error::ConfigureProxy(SecretError::KeyNotFound {
            secret,
            key,
        }));
    }
    let address = read(key)?.unwrap_or_default();
    if let Some(why) = unusable(&address) {
        let secret = secret.to_owned();
        return Err(Error::ConfigureProxy(SecretError::Proxy { secret, why }));
    }
    let login = values
        .get(secret_key::USERNAME)
        .map(|_| read(secret_key::USERNAME));
    let login = login.transpose()?.map(Option::unwrap_or_default);
    let password = read(secret_key::PASSWORD)?.unwrap_or_default();
    Ok(Proxy {
        address,
        login: login.map(|user| (user, password)),
    })
}

/// What is wrong with a proxy's address. The address itself is not shown: it may hold a password.
///
/// Source: fluxcd/pkg runtime v0.110 `secrets/converter.go`.
fn unusable(address: &str) -> Option<String> {
    if address.is_empty() {
        return Some("proxy address is empty".to_owned());
    }
    if address.len() > MAX_ADDRESS {
        return Some(format!(
            "proxy URL exceeds maximum length of {MAX_ADDRESS} characters"
        ));
    }
    let scheme = match Url::parse(address) {
        Ok(url) => url.scheme().to_owned(),
        // To Go a text without a scheme is a path.
        Err(error) if error.to_string() == "relative URL without a base" => String::new(),
        Err(error) => return Some(format!("failed to parse proxy address: {error}")),
    };
    if PROXY_SCHEMES.contains(&scheme.as_str()) {
        return None;
    }
    Some(format!(
        "proxy URL must use one of the supported schemes ({}), got '{scheme}'",
        PROXY_SCHEMES.join(", ")
    ))
}

/// A value as text; empty ones count as absent.
pub(super) fn text(
    secret: &str,
    values: &Values,
    key: &'static str,
) -> Result<Option<String>, SecretError> {
    let Some(value) = values.get(key).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let text = String::from_utf8(value.clone()).map_err(|_| SecretError::Invalid {
        secret: secret.to_owned(),
        key,
    })?;
    Ok(Some(text))
}

#[cfg(test)]
mod recorded;

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> Values {
        let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), value.as_bytes().to_vec());
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_token_stands_alone_and_a_password_needs_its_user() {
        let at = |url: &str, pairs: &[(&str, &str)]| {
            let url = RepositoryUrl::parse(url).expect("is one");
            credentials("ns/creds", &url, &values(pairs))
        };
        let read = |pairs: &[(&str, &str)]| at("http://git.example/app", pairs);
        let basic = |username: &str, password: &str| {
            Some(Credentials::Basic {
                username: username.to_owned(),
                password: password.to_owned(),
            })
        };
        let both = read(&[("username", "u"), ("password", "p"), ("bearerToken", "t")]);
        assert_eq!(
            both.expect("is usable"),
            Some(Credentials::Bearer("t".to_owned()))
        );
        assert_eq!(
            read(&[("username", "u")]).expect("is usable"),
            basic("u", "")
        );
        let token = read(&[("bearerToken", "t")]).expect("is usable");
        assert_eq!(token, Some(Credentials::Bearer("t".to_owned())));
        assert_eq!(read(&[("other", "x")]).expect("is usable"), None);
        let error = read(&[("password", "x")]).expect_err("is refused");
        assert_eq!(
            weir_runtime::kind::Chain(&error).to_string(),
            "failed to configure authentication options: invalid 'http' auth option: 'password' requires 'username' to be set"
        );
        // The URL tells what the Secret does not.
        let of_url = "https://a%40b:c@git.example/app";
        for (pairs, expected) in [
            (vec![], basic("a@b", "c")),
            (vec![("username", "u")], basic("u", "c")),
            (vec![("password", "p")], basic("a@b", "p")),
            (vec![("username", "u"), ("password", "p")], basic("u", "p")),
        ] {
            assert_eq!(at(of_url, &pairs).expect("is usable"), expected);
        }
        let url = RepositoryUrl::parse(of_url).expect("is one");
        assert!(two_kinds(&url, &values(&[("bearerToken", "t")])));
        assert!(!two_kinds(&url, &values(&[("bearerToken", "")])));
        let plain = RepositoryUrl::parse("https://git.example/app").expect("is one");
        assert!(!two_kinds(
            &plain,
            &values(&[("bearerToken", "t"), ("username", "u")])
        ));
    }

    #[test]
    fn the_new_authority_key_wins_and_half_an_identity_fails() {
        let read = |pairs: &[(&str, &str)]| tls("ns/creds", &values(pairs));
        let both = read(&[("ca.crt", "new"), ("caFile", "old")]).expect("is usable");
        assert_eq!(both.ca.as_deref(), Some(b"new".as_slice()));
        let legacy = read(&[("caFile", "old")]).expect("is usable");
        assert_eq!(legacy.ca.as_deref(), Some(b"old".as_slice()));
        assert!(read(&[("tls.crt", "x")]).is_err());
    }

    #[test]
    fn a_proxy_needs_an_address_that_we_can_use() {
        let read = |pairs: &[(&str, &str)]| {
            proxy("ns/proxy", &values(pairs))
                .map_err(|error| weir_runtime::kind::Chain(&error).to_string())
        };
        assert_eq!(
            read(&[("username", "u")]),
            Err(
                "failed to configure proxy options: secret 'ns/proxy': key 'address' not found"
                    .to_owned()
            )
        );
        let good = read(&[
            ("address", "http://proxy:3128"),
            ("username", "u"),
            ("password", "p"),
        ]);
        assert_eq!(
            good.expect("is usable").login,
            Some(("u".to_owned(), "p".to_owned()))
        );
        assert!(read(&[("address", "socks5://proxy:1080")]).is_ok());
        let long = format!("http://{}", "p".repeat(2048));
        for (address, why) in [
            ("", "proxy address is empty"),
            (
                "nonsense",
                "proxy URL must use one of the supported schemes (http, https, socks5), got ''",
            ),
            (
                "ftp://proxy:1080",
                "proxy URL must use one of the supported schemes (http, https, socks5), got 'ftp'",
            ),
            (&long, "proxy URL exceeds maximum length of 2048 characters"),
        ] {
            let expected = format!("failed to configure proxy options: secret 'ns/proxy': {why}");
            assert_eq!(read(&[("address", address)]), Err(expected));
        }
        let user_only = read(&[("address", "http://proxy"), ("username", "u")]);
        assert_eq!(
            user_only.expect("is usable").login,
            Some(("u".to_owned(), String::new()))
        );
    }

    #[test]
    fn ssh_needs_both_key_and_hosts() {
        let read = |pairs: &[(&str, &str)]| ssh("ns/creds", &values(pairs));
        let error = |pairs: &[(&str, &str)]| read(pairs).expect_err("is refused").to_string();
        let lacks = |key: &str| format!("invalid 'ssh' auth option: '{key}' is required");
        assert_eq!(error(&[]), lacks("identity"));
        assert_eq!(error(&[("known_hosts", "x")]), lacks("identity"));
        assert_eq!(
            error(&[("identity", "x"), ("known_hosts", "")]),
            lacks("known_hosts")
        );
        let good = read(&[("identity", "x"), ("known_hosts", "y"), ("password", "p")]);
        assert_eq!(good.expect("is usable").password.as_deref(), Some("p"));
    }
}
