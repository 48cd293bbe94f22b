//! What is built: kustomizations of several sizes and shapes, the same on every run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Objects of one application.
const KINDS: usize = 5;

/// A tree of files, and the directory in it that is built.
#[derive(Clone, Debug, Default)]
pub(super) struct Input {
    /// How it is called in the report.
    pub(super) name: String,
    /// The directory to build.
    pub(super) root: &'static str,
    files: BTreeMap<String, String>,
}

/// All inputs in the order of the report.
pub(super) fn all() -> Vec<Input> {
    let sizes = [10, 300, 1000, 4000];
    let plain = sizes.map(plain);
    let overlays = sizes.map(overlay);
    let shapes = [layers(300), patches(300), generators(300)];
    plain.into_iter().chain(overlays).chain(shapes).collect()
}

/// What the inputs are, for readers of the report.
pub(super) const ABOUT: [&str; 5] = [
    "plain: files of one object each (ServiceAccount, ConfigMap, Deployment, Service, Ingress in turn)",
    "overlay: those as a base; namespace, prefix, labels with selectors, annotations, an image, replicas, a patch of one and one of all Deployments, a generated ConfigMap",
    "layers: those below eight overlays, each with prefix, label, annotation and a patch",
    "patches: a strategic merge patch for each Deployment, a JSON patch for each Service, a patch by label for all Ingresses",
    "generators: half as many generated ConfigMaps and Secrets as objects, all referred to by name",
];

impl Input {
    fn new(name: &str, objects: usize) -> Self {
        Self {
            name: format!("{name} {objects}"),
            ..Self::default()
        }
    }

    fn put(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.files.insert(path.into(), text.into());
    }

    /// Files of one object each, and the kustomization that lists them.
    fn put_base(&mut self, objects: usize) {
        let mut list = String::from("resources:\n");
        for number in 0..objects {
            let (app, kind) = (number / KINDS, number % KINDS);
            let name = format!("app-{app:04}-{kind}.yaml");
            let _ = writeln!(list, "- {name}");
            self.put(format!("base/{name}"), object(app, kind));
        }
        self.put("base/kustomization.yaml", list);
    }

    /// Writes everything below a directory.
    ///
    /// # Errors
    /// If that cannot be written to.
    pub(super) fn write(&self, directory: &Path) -> Result<()> {
        for (path, text) in &self.files {
            let path = directory.join(path);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }
}

fn plain(objects: usize) -> Input {
    let mut input = Input::new("plain", objects);
    input.put_base(objects);
    input.root = "base";
    input
}

fn overlay(objects: usize) -> Input {
    let mut input = Input::new("overlay", objects);
    input.put_base(objects - 1);
    input.root = "overlay";
    input.put("overlay/limits.yaml", LIMITS);
    input.put("overlay/first.yaml", FIRST);
    input.put("overlay/kustomization.yaml", OVERLAY);
    input
}

fn layers(objects: usize) -> Input {
    let mut input = Input::new("layers", objects);
    input.put_base(objects);
    input.root = "layer-8";
    for layer in 1..=8 {
        let below = match layer {
            1 => String::from("base"),
            _ => format!("layer-{}", layer - 1),
        };
        let text = format!(
            "resources: [../{below}]\nnamePrefix: l{layer}-\nlabels:\n- pairs: {{layer-{layer}: \"yes\"}}\n  includeTemplates: true\ncommonAnnotations: {{example.com/layer-{layer}: \"{layer}\"}}\npatches:\n- target: {{kind: Deployment, name: app-00.*}}\n  patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {{name: any}}\n    spec: {{template: {{spec: {{containers: [{{name: main, env: [{{name: LAYER, value: \"{layer}\"}}]}}]}}}}}}\n"
        );
        input.put(format!("layer-{layer}/kustomization.yaml"), text);
    }
    input
}

fn patches(objects: usize) -> Input {
    let mut input = Input::new("patches", objects);
    input.put_base(objects);
    input.root = "overlay";
    let mut list = String::from("resources: [../base]\nnamespace: prod\npatches:\n");
    for app in 0..objects / KINDS {
        let name = format!("app-{app:04}");
        let _ = write!(
            list,
            "- path: {name}.yaml\n- target: {{kind: Service, name: {name}}}\n  patch: |-\n    - op: replace\n      path: /spec/ports/0/port\n      value: {}\n    - op: add\n      path: /metadata/annotations/example.com~1patched\n      value: \"true\"\n",
            8000 + app
        );
        input.put(
            format!("overlay/{name}.yaml"),
            FIRST.replace("app-0000", &name),
        );
    }
    list += "- target: {labelSelector: app.kubernetes.io/part-of=shop, kind: Ingress}\n  patch: |-\n    apiVersion: networking.k8s.io/v1\n    kind: Ingress\n    metadata: {name: any, annotations: {example.com/class: public}}\n";
    input.put("overlay/kustomization.yaml", list);
    input
}

fn generators(objects: usize) -> Input {
    let mut input = Input::new("generators", objects);
    let generated = objects / 2;
    input.root = "base";
    let mut list = String::from("namePrefix: g-\nresources:\n");
    for app in 0..objects - generated {
        let name = format!("app-{app:04}.yaml");
        let _ = writeln!(list, "- {name}");
        let text = object(app, 2).replace(
            &format!("name: app-{app:04}-config"),
            &format!("name: settings-{}", app % (generated / 2)),
        );
        input.put(format!("base/{name}"), text);
    }
    for (kind, name) in [("configMap", "settings"), ("secret", "token")] {
        let _ = writeln!(list, "{kind}Generator:");
        for number in 0..generated / 2 {
            let _ = write!(
                list,
                "- name: {name}-{number}\n  literals:\n  - LEVEL=info\n  - NUMBER={number}\n  files:\n  - settings.properties\n"
            );
        }
    }
    input.put("base/kustomization.yaml", list);
    let lines = (0..20).map(|line| format!("service.setting.{line}=value of line {line}\n"));
    input.put("base/settings.properties", lines.collect::<String>());
    input
}

/// One object of an application, as people write it.
fn object(app: usize, kind: usize) -> String {
    let template = [SERVICE_ACCOUNT, CONFIG_MAP, DEPLOYMENT, SERVICE, INGRESS][kind];
    let text = template.replace("NAME", &format!("app-{app:04}"));
    text.replace("NUMBER", &(app % 9 + 1).to_string())
}

const SERVICE_ACCOUNT: &str = "apiVersion: v1
kind: ServiceAccount
metadata:
  name: NAME
  labels:
    app.kubernetes.io/name: NAME
    app.kubernetes.io/part-of: shop
automountServiceAccountToken: false
";

const CONFIG_MAP: &str = "apiVersion: v1
kind: ConfigMap
metadata:
  name: NAME-config
  labels:
    app.kubernetes.io/name: NAME
    app.kubernetes.io/part-of: shop
data:
  LOG_LEVEL: info
  WORKERS: \"NUMBER\"
  application.yaml: |
    server:
      port: 8080
      shutdown: graceful
    cache:
      ttl: 60s
      size: NUMBER00
";

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: NAME
  labels:
    app.kubernetes.io/name: NAME
    app.kubernetes.io/part-of: shop
spec:
  replicas: NUMBER
  revisionHistoryLimit: 3
  selector:
    matchLabels:
      app.kubernetes.io/name: NAME
  template:
    metadata:
      labels:
        app.kubernetes.io/name: NAME
      annotations:
        prometheus.io/scrape: \"true\"
        prometheus.io/port: \"9797\"
    spec:
      serviceAccountName: NAME
      securityContext:
        runAsNonRoot: true
      containers:
      - name: main
        image: registry.example.com/shop/app:1.NUMBER.0
        imagePullPolicy: IfNotPresent
        args: [\"--port=8080\", \"--level=info\"]
        ports:
        - name: http
          containerPort: 8080
          protocol: TCP
        - name: metrics
          containerPort: 9797
          protocol: TCP
        env:
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        - name: MODE
          value: standard
        envFrom:
        - configMapRef:
            name: NAME-config
        livenessProbe: # restarts it
          httpGet:
            path: /healthz
            port: http
          initialDelaySeconds: 5
        readinessProbe:
          httpGet:
            path: /readyz
            port: http
        resources:
          requests:
            cpu: 100m
            memory: 64Mi
        volumeMounts:
        - name: data
          mountPath: /data
      - name: proxy
        image: registry.example.com/proxy:2.1
        ports:
        - containerPort: 8443
      volumes:
      - name: data
        emptyDir: {}
";

const SERVICE: &str = "apiVersion: v1
kind: Service
metadata:
  name: NAME
  annotations: {}
  labels:
    app.kubernetes.io/name: NAME
    app.kubernetes.io/part-of: shop
spec:
  type: ClusterIP
  selector:
    app.kubernetes.io/name: NAME
  ports:
  - name: http
    port: 80
    targetPort: http
    protocol: TCP
";

const INGRESS: &str = "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: NAME
  labels:
    app.kubernetes.io/name: NAME
    app.kubernetes.io/part-of: shop
spec:
  ingressClassName: nginx
  rules:
  - host: NAME.example.com
    http:
      paths:
      - path: /
        pathType: Prefix
        backend:
          service:
            name: NAME
            port:
              name: http
";

const OVERLAY: &str = "apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: prod
namePrefix: prod-
resources:
- ../base
labels:
- pairs:
    environment: prod
  includeSelectors: true
commonAnnotations:
  example.com/owner: shop
images:
- name: registry.example.com/shop/app
  newTag: 2.0.1
replicas:
- name: app-0000
  count: 5
patches:
- path: first.yaml
- path: limits.yaml
  target:
    kind: Deployment
configMapGenerator:
- name: flags
  literals:
  - BETA=true
  - REGION=eu
";

/// A patch of all Deployments.
const LIMITS: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: any
spec:
  template:
    spec:
      containers:
      - name: main
        resources:
          limits:
            memory: 256Mi
";

/// A patch of one Deployment.
const FIRST: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-0000
spec:
  strategy:
    type: Recreate
  template:
    spec:
      containers:
      - name: main
        env:
        - name: FEATURE
          value: \"on\"
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_the_same_on_every_run_and_have_their_root() {
        for (first, second) in all().into_iter().zip(all()) {
            assert_eq!(first.files, second.files);
            let root = format!("{}/kustomization.yaml", first.root);
            assert!(first.files.contains_key(&root), "{}", first.name);
            assert!(first.files.len() > 10, "{}", first.name);
        }
    }
}
