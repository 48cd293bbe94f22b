//! The objects of the benches: manifests in the repository, and what asks for them.

use serde_json::{Value, json};

/// Namespace of everything.
pub(super) const NAMESPACE: &str = "bench";
/// The service account that applies, by impersonation.
pub(super) const ACCOUNT: &str = "flux";
/// Label on every applied object; a push changes its value.
pub(super) const LABEL: &str = "bench/push";
/// Objects per item.
pub(super) const OBJECTS: usize = 4;
/// The path of the manifests in the repository.
const FOLDER: &str = "app";
/// The substituted value that an upgrade changes, before and after it.
pub(super) const CPU: [&str; 2] = ["1m", "2m"];

/// What one item consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Workload {
    /// Whether a Deployment is among them, or a ConfigMap instead.
    pub(super) deployment: bool,
}

/// Kind, API version and plural of an applied object.
pub(super) type Applied = (&'static str, &'static str, &'static str);

impl Workload {
    /// The four kinds, in the order of the manifests.
    pub(super) fn kinds(self) -> [Applied; OBJECTS] {
        let fourth = if self.deployment {
            ("Deployment", "apps/v1", "deployments")
        } else {
            ("ConfigMap", "v1", "configmaps")
        };
        [
            ("ServiceAccount", "v1", "serviceaccounts"),
            ("Service", "v1", "services"),
            fourth,
            ("Ingress", "networking.k8s.io/v1", "ingresses"),
        ]
    }

    /// The manifest file's path and text for this value of the label.
    pub(super) fn file(self, label: &str) -> (String, String) {
        (format!("{FOLDER}/workload.yaml"), self.manifests(label))
    }

    /// The four objects of one item as they are after substitution, for a client without controllers.
    pub(super) fn objects(self, name: &str, label: &str, cpu: &str) -> [Value; OBJECTS] {
        let metadata = metadata(name, label);
        let fourth = if self.deployment {
            deployment(name, cpu)
        } else {
            json!({"data": {"cpu": cpu}})
        };
        let mut bodies = [json!({}), service(name), fourth, ingress(name)];
        for (body, (kind, version, _)) in bodies.iter_mut().zip(self.kinds()) {
            body["apiVersion"] = version.into();
            body["kind"] = kind.into();
            body["metadata"] = metadata.clone();
        }
        bodies
    }

    /// Where the value that an upgrade changes is in the third object.
    pub(super) fn cpu_path(self) -> &'static str {
        if self.deployment {
            "/spec/template/spec/containers/0/resources/requests/cpu"
        } else {
            "/data/cpu"
        }
    }

    /// JSON is YAML, and substitution works on text.
    fn manifests(self, label: &str) -> String {
        let documents = self.objects("${INDEX}", label, "${MCPU}");
        documents
            .iter()
            .map(|document| format!("---\n{document:#}\n"))
            .collect()
    }
}

/// A Kustomization of these manifests.
pub(super) fn kustomization(name: &str, source: &str, timeout: &str) -> Value {
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "interval": "60m",
            "retryInterval": "2m",
            "path": format!("./{FOLDER}"),
            "prune": true,
            "wait": true,
            "timeout": timeout,
            "serviceAccountName": ACCOUNT,
            "targetNamespace": NAMESPACE,
            "postBuild": {"substitute": {"INDEX": name, "MCPU": CPU[0]}},
            "sourceRef": {"kind": "GitRepository", "name": source},
        },
    })
}

/// A GitRepository of the whole repository.
pub(super) fn git_repository(name: &str, url: &str) -> Value {
    json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"url": url, "interval": "60m", "ref": {"branch": "main"}},
    })
}

/// The namespace, and the service account with every right in it.
pub(super) fn foundation() -> [(&'static str, Value); 3] {
    let subject = json!({"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE});
    let role = json!({
        "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin",
    });
    let metadata = json!({"name": ACCOUNT, "namespace": NAMESPACE});
    [
        (
            "/api/v1/namespaces",
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}),
        ),
        (
            "/api/v1/namespaces/bench/serviceaccounts",
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}),
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/namespaces/bench/rolebindings",
            json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
                "metadata": metadata, "roleRef": role, "subjects": [subject],
            }),
        ),
    ]
}

/// The names of `count` items.
pub(super) fn names(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("app-{index:05}")).collect()
}

fn metadata(name: &str, label: &str) -> Value {
    json!({"name": name, "namespace": NAMESPACE, "labels": {"app": name, LABEL: label}})
}

fn service(name: &str) -> Value {
    json!({"spec": {
        "selector": {"app": name},
        "ports": [{"name": "http", "port": 9898, "protocol": "TCP", "targetPort": "http"}],
    }})
}

fn deployment(name: &str, cpu: &str) -> Value {
    json!({"spec": {
        "replicas": 0,
        "selector": {"matchLabels": {"app": name}},
        "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{
                "name": "app",
                "image": "example.com/app:1.0.0",
                "ports": [{"name": "http", "containerPort": 9898, "protocol": "TCP"}],
                "resources": {"requests": {"cpu": cpu, "memory": "16Mi"}},
            }]},
        },
    }})
}

fn ingress(name: &str) -> Value {
    let backend = json!({"service": {"name": name, "port": {"name": "http"}}});
    let path = json!({"path": "/", "pathType": "Prefix", "backend": backend});
    json!({"spec": {
        "ingressClassName": "nginx",
        "rules": [{"host": format!("{name}.example.com"), "http": {"paths": [path]}}],
    }})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_are_the_objects_before_substitution() {
        for deployment in [true, false] {
            let workload = Workload { deployment };
            let (path, text) = workload.file("one");
            assert_eq!(path, "app/workload.yaml");
            let text = text.replace("${INDEX}", "a").replace("${MCPU}", "1m");
            let documents: Vec<Value> = yaml_serde::Deserializer::from_str(&text)
                .map(|it| serde::Deserialize::deserialize(it).unwrap())
                .collect();
            assert_eq!(documents, workload.objects("a", "one", "1m"));
            let changed = documents[2].pointer(workload.cpu_path()).unwrap();
            assert_eq!(changed, "1m");
        }
    }
}
