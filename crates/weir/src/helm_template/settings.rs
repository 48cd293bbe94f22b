//! What flags leave to the environment: the namespace of a kubeconfig's context, or of the pod.
//!
//! Source: Helm 4.2.4 `pkg/cli/environment.go`; client-go v0.36 `tools/clientcmd/client_config.go`, `loader.go`

use std::env;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use go_template::{Map, Value};

use super::flags::Given;

/// Larger files are no kubeconfig.
const MOST: u64 = 16 << 20;

const POD: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Whether `--debug` or its variable is set.
pub(super) fn debug(given: &Given) -> bool {
    if given.has("debug") {
        return given.is_on("debug");
    }
    let set = env::var("HELM_DEBUG").unwrap_or_default();
    matches!(set.as_str(), "1" | "t" | "T" | "TRUE" | "true" | "True")
}

/// A flag's value, or that of a variable.
fn either(given: &Given, flag: &str, variable: &str) -> String {
    let value = given.text(flag).map(String::from);
    value.unwrap_or_else(|| env::var(variable).unwrap_or_default())
}

/// The namespace of the release.
pub(super) fn namespace(given: &Given) -> String {
    let told = either(given, "namespace", "HELM_NAMESPACE");
    if !told.is_empty() {
        return told;
    }
    let files = kubeconfigs(&either(given, "kubeconfig", "KUBECONFIG"));
    let files: Vec<Map> = files.iter().filter_map(|it| read(it)).collect();
    let context = either(given, "kube-context", "HELM_KUBECONTEXT");
    let found = match files.is_empty() {
        true => of_pod(),
        false => of_context(&files, &context),
    };
    found
        .filter(|it| !it.is_empty())
        .unwrap_or_else(|| String::from("default"))
}

/// The files that are merged; the first one that says something wins.
fn kubeconfigs(told: &str) -> Vec<PathBuf> {
    if !told.is_empty() {
        return env::split_paths(told)
            .filter(|it| !it.as_os_str().is_empty())
            .collect();
    }
    let home = env::var_os("HOME").map(PathBuf::from);
    home.map(|it| it.join(".kube/config")).into_iter().collect()
}

fn read(path: &Path) -> Option<Map> {
    let mut text = Vec::new();
    let file = std::fs::File::open(path).ok()?;
    file.take(MOST).read_to_end(&mut text).ok()?;
    helm::yaml::read_map(&text).ok()
}

fn text(map: &Map, key: &str) -> Option<String> {
    let value = map.get(key.as_bytes())?;
    let text = value.as_str()?.lossy().into_owned();
    (!text.is_empty()).then_some(text)
}

/// The namespace of a context, or of the current one.
fn of_context(files: &[Map], context: &str) -> Option<String> {
    let current = || files.iter().find_map(|it| text(it, "current-context"));
    let name = match context {
        "" => current()?,
        name => name.to_owned(),
    };
    let contexts = files.iter().filter_map(|file| file.get(b"contexts"));
    let mut contexts = contexts.flat_map(|list| {
        let list = list.as_list().map(|it| it.iter().collect::<Vec<Value>>());
        list.unwrap_or_default()
    });
    contexts.find_map(|entry| {
        let entry = entry.as_map()?;
        if text(entry, "name")? != name {
            return None;
        }
        text(entry.get(b"context")?.as_map()?, "namespace")
    })
}

/// The namespace of the pod that this runs in.
fn of_pod() -> Option<String> {
    let is_set = |name: &str| env::var(name).is_ok_and(|it| !it.is_empty());
    let token = Path::new(POD).join("token");
    if !is_set("KUBERNETES_SERVICE_HOST") || !is_set("KUBERNETES_SERVICE_PORT") || !token.is_file()
    {
        return None;
    }
    if let Ok(told) = env::var("POD_NAMESPACE") {
        return Some(told);
    }
    let text = std::fs::read_to_string(Path::new(POD).join("namespace")).ok()?;
    Some(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_namespace_is_that_of_the_context() {
        let config = |text: &str| helm::yaml::read_map(text.as_bytes()).unwrap();
        let first =
            config("contexts: [{name: a, context: {namespace: x}}, {name: b, context: {}}]");
        let second = config("current-context: a\ncontexts: [{name: c, context: {namespace: z}}]");
        let files = [first, second];
        assert_eq!(of_context(&files, "").as_deref(), Some("x"));
        assert_eq!(of_context(&files, "b"), None);
        assert_eq!(of_context(&files, "c").as_deref(), Some("z"));
        assert_eq!(of_context(&files, "d"), None);
    }
}
