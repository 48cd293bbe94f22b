//! The sample application and the two objects that deliver it.

/// Where everything lives.
pub(super) const NAMESPACE: &str = "weir-quickstart";
/// The name of the repository, of both Flux objects and of the application.
pub(super) const NAME: &str = "hello";
/// The second ConfigMap, which is removed later.
pub(super) const EXTRA: &str = "hello-extra";

/// The sample's objects, so many are in the inventory.
pub(super) const OBJECTS: usize = 5;

const SERVICE_ACCOUNT: &str = "apiVersion: v1
kind: ServiceAccount
metadata:
  name: hello
";

const EXTRA_CONFIG: &str = "apiVersion: v1
kind: ConfigMap
metadata:
  name: hello-extra
data:
  colour: green
";

// Without nodes no pod would start: none is asked for.
const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: hello
spec:
  replicas: 0
  selector:
    matchLabels:
      app: hello
  template:
    metadata:
      labels:
        app: hello
    spec:
      serviceAccountName: hello
      containers:
        - name: hello
          image: registry.example.com/hello:1.0.0
          envFrom:
            - configMapRef:
                name: hello
";

/// The files of the first commit.
pub(super) fn files() -> [(&'static str, String); 6] {
    [
        ("app/kustomization.yaml", kustomization(true)),
        ("app/account.yaml", SERVICE_ACCOUNT.to_owned()),
        ("app/config.yaml", config("hello")),
        ("app/deployment.yaml", DEPLOYMENT.to_owned()),
        ("app/extra.yaml", EXTRA_CONFIG.to_owned()),
        ("app/service.yaml", service(80)),
    ]
}

/// `app/kustomization.yaml`, with or without the second ConfigMap.
pub(super) fn kustomization(extra: bool) -> String {
    let extra = if extra { "\n  - extra.yaml" } else { "" };
    format!(
        "apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
labels:
  - pairs:
      app.kubernetes.io/part-of: quickstart
resources:
  - account.yaml
  - config.yaml
  - deployment.yaml
  - service.yaml{extra}
"
    )
}

/// `app/config.yaml` with this greeting.
pub(super) fn config(greeting: &str) -> String {
    format!(
        "apiVersion: v1
kind: ConfigMap
metadata:
  name: hello
data:
  greeting: {greeting}
"
    )
}

/// `app/service.yaml` with this port, which need not be a possible one.
pub(super) fn service(port: u32) -> String {
    format!(
        "apiVersion: v1
kind: Service
metadata:
  name: hello
spec:
  selector:
    app: hello
  ports:
    - port: {port}
"
    )
}

/// The GitRepository and the Kustomization, as JSON.
pub(super) fn flux_objects(url: &str) -> [serde_json::Value; 2] {
    let metadata = serde_json::json!({"name": NAME, "namespace": NAMESPACE});
    [
        serde_json::json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": metadata,
            "spec": {"url": url, "interval": "10s", "ref": {"branch": "main"}},
        }),
        serde_json::json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": metadata,
            "spec": {
                "interval": "10s",
                "path": "./app",
                "prune": true,
                "wait": true,
                "targetNamespace": NAMESPACE,
                "sourceRef": {"kind": "GitRepository", "name": NAME},
            },
        }),
    ]
}
