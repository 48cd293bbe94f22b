//! What decides over an apply besides the object: definitions, webhooks, admission policies.
//!
//! While they stay as they are, what the API server accepted once it accepts again. A kind that somebody may mutate is
//! never predictable: what a webhook does can change without a trace in the API.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use kube::core::{ApiResource, DynamicObject};
use serde_json::Value;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use weir_apply::{Cluster, RequestError};
use weir_runtime::hub::{Hub, Index};
use weir_runtime::kind::Key;

use super::first_list;

const ADMISSION: &str = "admissionregistration.k8s.io";

/// Kinds that decide over applies, with the versions that a cluster may serve them in.
const KINDS: &[(&str, &[&str])] = &[
    ("MutatingWebhookConfiguration", &["v1"]),
    ("ValidatingWebhookConfiguration", &["v1"]),
    ("ValidatingAdmissionPolicy", &["v1", "v1beta1"]),
    ("ValidatingAdmissionPolicyBinding", &["v1", "v1beta1"]),
    ("MutatingAdmissionPolicy", &["v1", "v1beta1", "v1alpha1"]),
    (
        "MutatingAdmissionPolicyBinding",
        &["v1", "v1beta1", "v1alpha1"],
    ),
];

/// What is kept of a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Definition {
    stamp: u64,
    /// Some of its fields have no schema.
    loose: bool,
}

/// What is kept of a webhook configuration or a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    stamp: u64,
    /// The groups and resources that it may change.
    mutates: Vec<(String, String)>,
}

/// How far an apply of a kind can be predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Predictable {
    /// Stands for everything that decides over it.
    pub stamp: u64,
    /// Equal values of what is ours tell that nothing would change.
    pub by_value: bool,
}

/// The definitions, webhooks and policies of a cluster.
pub struct Rules {
    hub: Hub,
    watched: OnceCell<Watched>,
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rules").finish_non_exhaustive()
    }
}

struct Watched {
    since: Instant,
    definitions: Index<Definition>,
    rules: Vec<Index<Rule>>,
}

impl Rules {
    /// Those of the cluster that `hub` watches. The watches start when they are first needed.
    #[must_use]
    pub fn new(hub: Hub) -> Self {
        Self {
            hub,
            watched: OnceCell::new(),
        }
    }

    /// Starts the watches and gives them the time of a first list; without, nothing is predictable.
    pub async fn synced(&self, cluster: &Cluster) {
        let started = self
            .watched
            .get_or_try_init(|| Watched::start(&self.hub, cluster));
        match started.await {
            Ok(watched) => {
                let indexes = watched.rules.iter().map(Index::sync);
                for sync in indexes.chain([watched.definitions.sync()]) {
                    first_list(watched.since, sync).await;
                }
            }
            Err(error) => tracing::debug!(%error, "unable to watch definitions and policies"),
        }
    }

    /// How far applies of a kind can be predicted; `None` if not at all.
    #[must_use]
    pub fn over(&self, resource: &ApiResource) -> Option<Predictable> {
        let watched = self.watched.get()?;
        let whole = watched.definitions.is_current() && watched.rules.iter().all(Index::is_current);
        if !whole {
            return None;
        }
        let mut stamp = 0;
        for index in &watched.rules {
            for (_, rule) in index.list() {
                if rule.changes(resource) {
                    return None;
                }
                stamp ^= rule.stamp;
            }
        }
        if weir_apply::is_built_in(&resource.api_version, &resource.kind) {
            let by_value = true;
            return Some(Predictable { stamp, by_value });
        }
        // What neither the API server nor a definition serves, another server does: it may do as it likes.
        let name = format!("{}.{}", resource.plural, resource.group);
        let definition = watched.definitions.get(&Key::new("", name))?;
        Some(Predictable {
            stamp: stamp ^ definition.stamp,
            by_value: !definition.loose,
        })
    }
}

impl Watched {
    async fn start(hub: &Hub, cluster: &Cluster) -> Result<Self, RequestError> {
        let mut rules = Vec::new();
        for (kind, versions) in KINDS {
            for version in *versions {
                let api_version = format!("{ADMISSION}/{version}");
                match cluster.resource(&api_version, kind).await {
                    Ok((resource, _)) => {
                        rules.push(hub.cluster_index(&resource, |object| Some(rule(object))));
                        break;
                    }
                    Err(RequestError::NoMatch { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let definitions = cluster.resource("apiextensions.k8s.io/v1", "CustomResourceDefinition");
        let (definitions, _) = definitions.await?;
        Ok(Self {
            since: Instant::now(),
            definitions: hub.cluster_index(&definitions, |object| Some(definition(object))),
            rules,
        })
    }
}

fn stamp(object: &DynamicObject) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&object.metadata.uid, object.metadata.generation).hash(&mut hasher);
    hasher.finish()
}

fn definition(object: &DynamicObject) -> Definition {
    let spec = object.data.get("spec").unwrap_or(&Value::Null);
    Definition {
        stamp: stamp(object),
        loose: spec
            .to_string()
            .contains("\"x-kubernetes-preserve-unknown-fields\":true"),
    }
}

fn rule(object: &DynamicObject) -> Rule {
    let kind = object.types.as_ref().map_or("", |types| &types.kind);
    let mutates = match kind {
        "MutatingWebhookConfiguration" => webhook_rules(&object.data),
        "MutatingAdmissionPolicy" => policy_rules(&object.data),
        _ => Vec::new(),
    };
    Rule {
        stamp: stamp(object),
        mutates,
    }
}

fn webhook_rules(data: &Value) -> Vec<(String, String)> {
    let webhooks = data.get("webhooks").and_then(Value::as_array);
    webhooks
        .into_iter()
        .flatten()
        .flat_map(|webhook| matched(webhook.get("rules")))
        .collect()
}

fn policy_rules(data: &Value) -> Vec<(String, String)> {
    match data.pointer("/spec/matchConstraints/resourceRules") {
        Some(rules) => matched(Some(rules)),
        None => vec![("*".to_owned(), "*".to_owned())],
    }
}

/// The groups and resources whose creation or change `rules` match.
fn matched(rules: Option<&Value>) -> Vec<(String, String)> {
    let texts = |rule: &Value, field: &str| -> Vec<String> {
        let items = rule.get(field).and_then(Value::as_array);
        let texts = items.into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    };
    let rules = rules.and_then(Value::as_array).into_iter().flatten();
    let mut all = Vec::new();
    for rule in rules {
        let writes = |operation: &String| matches!(operation.as_str(), "*" | "CREATE" | "UPDATE");
        if !texts(rule, "operations").iter().any(writes) {
            continue;
        }
        let resources = texts(rule, "resources");
        for group in texts(rule, "apiGroups") {
            let pairs = resources
                .iter()
                .map(|resource| (group.clone(), resource.clone()));
            all.extend(pairs);
        }
    }
    all
}

impl Rule {
    fn changes(&self, resource: &ApiResource) -> bool {
        self.mutates.iter().any(|(group, plural)| {
            let (plural, subresource) = plural.split_once('/').unwrap_or((plural, ""));
            (group == "*" || *group == resource.group)
                && (plural == "*" || plural == resource.plural)
                && matches!(subresource, "" | "*")
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn resource(group: &str, plural: &str) -> ApiResource {
        ApiResource {
            group: group.to_owned(),
            version: "v1".to_owned(),
            api_version: format!("{group}/v1"),
            kind: String::new(),
            plural: plural.to_owned(),
        }
    }

    fn object(value: Value) -> DynamicObject {
        serde_json::from_value(value).expect("an object")
    }

    #[test]
    fn a_webhook_makes_the_kinds_unpredictable_that_it_may_write() {
        let rules = json!([
            {"operations": ["UPDATE"], "apiGroups": ["apps"], "resources": ["deployments", "statefulsets/scale"]},
            {"operations": ["DELETE"], "apiGroups": ["*"], "resources": ["*"]},
        ]);
        let webhook = rule(&object(json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": "w"}, "webhooks": [{"rules": rules}],
        })));
        assert!(webhook.changes(&resource("apps", "deployments")));
        assert!(!webhook.changes(&resource("apps", "statefulsets")));
        assert!(!webhook.changes(&resource("batch", "deployments")));
        let policy = rule(&object(json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy",
            "metadata": {"name": "p"}, "spec": {},
        })));
        assert!(policy.changes(&resource("", "configmaps")));
    }

    #[test]
    fn a_stamp_follows_the_generation_and_a_definition_may_be_loose() {
        let of = |generation: i64, schema: Value| {
            definition(&object(json!({
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": {"name": "d", "uid": "u", "generation": generation}, "spec": schema,
            })))
        };
        let loose = json!({"x-kubernetes-preserve-unknown-fields": true});
        assert_ne!(of(1, json!({})).stamp, of(2, json!({})).stamp);
        assert!(of(1, json!({"versions": [loose]})).loose);
        assert!(!of(1, json!({})).loose);
    }
}
