//! What makes a kubeconfig unusable before anything is made of it.

use reqwest::Url;
use serde_json::{Map, Value};

use super::file::{Cluster, File, User};

/// Refuses files, whoever's they are: they would be the controller's.
pub(super) fn no_files(file: &File) -> Result<(), String> {
    for (name, cluster) in &file.clusters {
        if !cluster.authority_file.is_empty() {
            return Err(format!(
                "cluster '{name}' references a certificate-authority file, only certificate-authority-data is supported"
            ));
        }
    }
    for (name, user) in &file.users {
        let (what, instead) = if !user.token_file.is_empty() {
            ("tokenFile", "an inline token")
        } else if !user.certificate_file.is_empty() {
            ("client-certificate file", "client-certificate-data")
        } else if !user.key_file.is_empty() {
            ("client-key file", "client-key-data")
        } else {
            continue;
        };
        return Err(format!(
            "user '{name}' references a {what}, only {instead} is supported"
        ));
    }
    Ok(())
}

/// The cluster and the user of the current context.
pub(super) fn current(file: &File) -> Result<(Cluster, User), String> {
    let context = file.contexts.get(&file.current_context);
    let mut errors = Vec::new();
    if context.is_none() && !file.current_context.is_empty() {
        errors.push(format!(
            "context was not found for specified context: {}",
            file.current_context
        ));
    }
    let context = context.cloned().unwrap_or_default();
    let user = file.users.get(&context.user).cloned().unwrap_or_default();
    let cluster = file
        .clusters
        .get(&context.cluster)
        .cloned()
        .unwrap_or_default();
    errors.extend(user_errors(&context.user, &user));
    if cluster == Cluster::default() {
        errors.push(String::from(if errors.is_empty() {
            "no configuration has been provided, try setting KUBERNETES_MASTER environment variable"
        } else {
            "cluster has no server defined"
        }));
    } else {
        errors.extend(cluster_errors(&context.cluster, &cluster));
    }
    match errors.as_slice() {
        [] => Ok((cluster, user)),
        [error] => Err(format!("invalid configuration: {error}")),
        errors => Err(format!("invalid configuration: [{}]", errors.join(", "))),
    }
}

fn cluster_errors(name: &str, cluster: &Cluster) -> Vec<String> {
    let mut errors = Vec::new();
    if cluster.server.is_empty() {
        errors.push(format!("no server found for cluster \"{name}\""));
    }
    if !cluster.proxy_url.is_empty()
        && let Err(error) = proxy(&cluster.proxy_url)
    {
        let url = without_user(&cluster.proxy_url);
        errors.push(format!(
            "invalid 'proxy-url' \"{url}\" for cluster \"{name}\": {error}"
        ));
    }
    errors
}

/// The URL of a proxy of a known kind.
pub(super) fn proxy(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| format!("could not parse: {}", without_user(text)))?;
    match url.scheme() {
        "http" | "https" | "socks5" => Ok(url),
        other => Err(format!(
            "unsupported scheme \"{other}\", must be http, https, or socks5"
        )),
    }
}

/// A URL without name and password, whether it is one or not.
fn without_user(text: &str) -> String {
    match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        (None, Some((_, rest))) => rest.to_owned(),
        _ => text.to_owned(),
    }
}

fn user_errors(name: &str, user: &User) -> Vec<String> {
    let mut errors = Vec::new();
    if !user.certificate.is_empty() && user.key.is_empty() {
        errors.push(format!(
            "client-key-data or client-key must be specified for {name} to use the clientCert authentication method."
        ));
    }
    if let Some(exec) = &user.exec {
        errors.extend(exec_errors(name, exec, user.has_provider));
    }
    let has_basic = !user.username.is_empty() || !user.password.is_empty();
    if !user.token.is_empty() && has_basic {
        errors.push(format!(
            "more than one authentication method found for {name}; found [token basicAuth], only one is allowed"
        ));
    }
    if user.impersonates_more && !user.impersonates {
        errors.push(format!(
            "requesting uid, groups or user-extra for {name} without impersonating a user"
        ));
    }
    errors
}

/// Checked although nothing is started: the file is wrong either way.
fn exec_errors(name: &str, exec: &Map<String, Value>, has_provider: bool) -> Vec<String> {
    let text = |field: &str| exec.get(field).and_then(Value::as_str).unwrap_or_default();
    let mut errors = Vec::new();
    if has_provider {
        errors.push(format!(
            "authProvider cannot be provided in combination with an exec plugin for {name}"
        ));
    }
    for field in ["command", "apiVersion"] {
        if text(field).is_empty() {
            errors.push(format!(
                "{field} must be specified for {name} to use exec authentication plugin"
            ));
        }
    }
    let variables = exec.get("env").and_then(Value::as_array);
    let is_nameless = |it: &&Value| it["name"].as_str().unwrap_or_default().is_empty();
    for _ in variables.into_iter().flatten().filter(is_nameless) {
        errors.push(format!(
            "env variable name must be specified for {name} to use exec authentication plugin"
        ));
    }
    match text("interactiveMode") {
        "Never" | "IfAvailable" | "Always" => {}
        "" if text("apiVersion") == "client.authentication.k8s.io/v1beta1" => {}
        "" => errors.push(format!(
            "interactiveMode must be specified for {name} to use exec authentication plugin"
        )),
        odd => errors.push(format!("invalid interactiveMode for {name}: \"{odd}\"")),
    }
    errors
}
