//! The installation: objects of the API server, pods, and the controllers in them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::process::Process;
use harness::{ControlPlane, GitServer, Repository, eventually, layout};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod as CorePod};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use tempfile::TempDir;
use weir_api::kustomize::v1::Kustomization;
use weir_api::source::v1::GitRepository;

use super::node::{self, Pod};
use super::probe;
use super::table::Scene;

/// The namespace that the manifests install.
pub(super) const INSTALLED: &str = "flux-system";
/// The namespace of whom a Kustomization serves.
pub(super) const TENANT: &str = "apps";
/// How long a commit may take to be applied.
const APPLIED_WITHIN: Duration = Duration::from_secs(60);
/// How long the API server may take to serve what was installed.
const SERVED_WITHIN: Duration = Duration::from_secs(30);

/// What asks and what listens, by namespace and name.
const PODS: [(&str, &str); 7] = [
    (INSTALLED, "source-controller"),
    (INSTALLED, "kustomize-controller"),
    (INSTALLED, "notification-controller"),
    (INSTALLED, "another"),
    (TENANT, "app"),
    // A tenant may give a pod this name, and with it the labels.
    (TENANT, "kustomize-controller"),
    ("monitoring", "prometheus"),
];

/// All pods.
pub(super) struct Pods(Vec<Pod>);

impl Pods {
    /// The pod of this namespace and name.
    pub(super) fn of(&self, (namespace, name): (&str, &str)) -> Option<&Pod> {
        let mut pods = self.0.iter();
        pods.find(|pod| pod.namespace == namespace && pod.name == name)
    }

    /// Those that ask: all but what listens only.
    pub(super) fn askers(&self) -> impl Iterator<Item = &Pod> {
        let listens = ["source-controller", "notification-controller", "app"];
        self.0
            .iter()
            .filter(move |pod| !listens.contains(&pod.name))
    }
}

/// A cluster with our manifests and controllers.
pub(super) struct Cluster {
    // Dropped in this order: who depends on a server ends before it.
    controllers: Vec<Process>,
    pods: Pods,
    repository: Repository,
    _git: GitServer,
    plane: ControlPlane,
    client: Client,
    binaries: PathBuf,
    logs: PathBuf,
    scratch: TempDir,
}

impl Cluster {
    /// A control plane with the manifests of `config/default`, and a pod for each that asks or listens.
    ///
    /// # Errors
    /// If a part does not come up.
    pub(super) async fn start(binaries: &Path, logs: &Path) -> Result<Self> {
        let plane = ControlPlane::start().await?;
        let git = GitServer::start()?;
        let api = plane.url().trim_start_matches("https://").parse()?;
        node::lead(node::API, 443, api).await?;
        node::lead(node::GIT, 80, git.address()).await?;
        let cluster = Self {
            controllers: Vec::new(),
            pods: Pods(pods()?),
            repository: git.repo("app")?,
            _git: git,
            client: plane.client().await?,
            plane,
            binaries: binaries.to_path_buf(),
            logs: logs.to_path_buf(),
            scratch: layout::scratch("policies")?,
        };
        cluster.install().await?;
        cluster.tell_of_pods().await?;
        for (name, port) in [
            ("notification-controller", 9090),
            ("notification-controller", 9292),
        ] {
            probe::stand_in(cluster.pod(INSTALLED, name)?, port)?;
        }
        probe::stand_in(cluster.pod(TENANT, "app")?, 8000)?;
        Ok(cluster)
    }

    /// An administrator's kubeconfig.
    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.plane.kubeconfig()
    }

    /// All pods.
    pub(super) fn pods(&self) -> &Pods {
        &self.pods
    }

    /// Starts both controllers in their pods, with the rights that the manifests give them and these flags more,
    /// in the place of those that ran.
    ///
    /// # Errors
    /// If one cannot be started.
    pub(super) async fn run_controllers(&mut self, flags: &[&str]) -> Result<()> {
        self.controllers.clear();
        for name in ["source-controller", "kustomize-controller"] {
            let pod = self.pod(INSTALLED, name)?;
            let kubeconfig = self.plane.kubeconfig_of(INSTALLED, name).await?;
            let text = fs::read_to_string(kubeconfig)?;
            let text = text.replace(self.plane.url(), &format!("https://{}", node::API));
            let kubeconfig = self.scratch.path().join(name);
            fs::write(&kubeconfig, text)?;
            let mut command = pod.command(&self.binaries.join(name));
            if name == "source-controller" {
                let storage = self.scratch.path().join("storage");
                fs::create_dir_all(&storage)?;
                command
                    .arg(format!("--storage-path={}", storage.display()))
                    .arg(format!("--storage-adv-addr={}:9090", pod.address));
            }
            command
                .arg("--events-addr=")
                .args(flags)
                .env("KUBECONFIG", &kubeconfig)
                .env("RUNTIME_NAMESPACE", INSTALLED);
            let log = self.logs.join(format!("{name}.log"));
            self.controllers.push(Process::start(&command, &log)?);
        }
        Ok(())
    }

    /// A flag with a fresh key for artifacts.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn make_key(&self) -> Result<String> {
        let path = self.scratch.path().join("artifact-key");
        fs::write(&path, "a key that only these two controllers have")?;
        Ok(format!("--artifact-key-file={}", path.display()))
    }

    /// Deletes the policies that were installed.
    ///
    /// # Errors
    /// If there are none, or the API server refuses.
    pub(super) async fn remove_policies(&self) -> Result<()> {
        let policies: Api<NetworkPolicy> = Api::namespaced(self.client.clone(), INSTALLED);
        let found = policies.list(&ListParams::default()).await?.items.len();
        ensure!(found == 3, "{found} policies are installed, not three");
        let (delete, all) = (DeleteParams::default(), ListParams::default());
        policies.delete_collection(&delete, &all).await?;
        Ok(())
    }

    /// Has a commit applied, from the Git server through the artifact to the tenant's namespace, and returns the
    /// artifact's path.
    ///
    /// # Errors
    /// If it is not applied in time.
    pub(super) async fn deliver(&mut self, scene: Scene) -> Result<String> {
        let scene = format!("{scene:?}");
        let manifest = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\ndata:\n  scene: {scene}\n"
        );
        let commit = self.repository.commit(&[("app.yaml", &manifest)], &scene)?;
        self.request(&scene).await?;
        let maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), TENANT);
        let applied: Api<Kustomization> = Api::namespaced(self.client.clone(), INSTALLED);
        let sources: Api<GitRepository> = Api::namespaced(self.client.clone(), INSTALLED);
        let controllers = &mut self.controllers;
        eventually(APPLIED_WITHIN, "the commit to be applied", async || {
            controllers
                .iter_mut()
                .try_for_each(Process::check_running)?;
            let status = applied.get("app").await?.status.unwrap_or_default();
            let revision = status.last_applied_revision;
            ensure!(revision.ends_with(&commit), "applied: {revision:?}");
            let data = maps.get("app").await?.data.unwrap_or_default();
            ensure!(
                data.get("scene") == Some(&scene),
                "the ConfigMap has {data:?}"
            );
            let source = sources.get("app").await?.status.unwrap_or_default();
            let artifact = source.artifact.context("no artifact")?;
            Ok(format!("/{}", artifact.path))
        })
        .await
    }

    /// Makes source and Kustomization, or has the source looked at again.
    async fn request(&self, scene: &str) -> Result<()> {
        let annotations = json!({"reconcile.fluxcd.io/requestedAt": scene});
        let metadata = json!({"name": "app", "annotations": annotations});
        let source = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": metadata,
            "spec": {"interval": "1h", "url": format!("http://{}/app.git", node::GIT), "ref": {"branch": "main"}},
        });
        let applied = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {"name": "app"},
            "spec": {
                "interval": "1h", "path": "./", "prune": true, "targetNamespace": TENANT,
                "sourceRef": {"kind": "GitRepository", "name": "app"},
            },
        });
        let params = PatchParams::apply("policies").force();
        let sources: Api<GitRepository> = Api::namespaced(self.client.clone(), INSTALLED);
        sources
            .patch("app", &params, &Patch::Apply(&source))
            .await?;
        let kustomizations: Api<Kustomization> = Api::namespaced(self.client.clone(), INSTALLED);
        kustomizations
            .patch("app", &params, &Patch::Apply(&applied))
            .await?;
        Ok(())
    }

    /// Applies `config/default` as its page says, and makes the tenants' namespaces.
    async fn install(&self) -> Result<()> {
        let output = self
            .plane
            .kubectl_command()
            .stdin(Stdio::null())
            .args(["apply", "--server-side", "-k"])
            .arg(layout::workspace().join("config/default"))
            .output()
            .context("cannot run kubectl")?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "kubectl apply failed: {told}");
        let sources: Api<GitRepository> = Api::namespaced(self.client.clone(), INSTALLED);
        let kustomizations: Api<Kustomization> = Api::namespaced(self.client.clone(), INSTALLED);
        eventually(SERVED_WITHIN, "the kinds to be served", async || {
            sources.list(&ListParams::default()).await?;
            kustomizations.list(&ListParams::default()).await?;
            Ok(())
        })
        .await?;
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        for name in [TENANT, "monitoring"] {
            let namespace = serde_json::from_value(json!({"metadata": {"name": name}}))?;
            namespaces
                .create(&PostParams::default(), &namespace)
                .await?;
        }
        Ok(())
    }

    /// Makes the objects of all pods, as scheduler and kubelet would.
    async fn tell_of_pods(&self) -> Result<()> {
        for pod in &self.pods.0 {
            let labels = self.labels(pod).await?;
            let api: Api<CorePod> = Api::namespaced(self.client.clone(), pod.namespace);
            let object = json!({
                "metadata": {"name": pod.name, "labels": labels},
                "spec": {"nodeName": node::NODE, "containers": [{"name": "manager", "image": pod.name}]},
            });
            let object: CorePod = serde_json::from_value(object)?;
            // The namespace's own service account comes a little after it.
            eventually(SERVED_WITHIN, "a pod to be taken", async || {
                Ok(api.create(&PostParams::default(), &object).await?)
            })
            .await?;
            let address = pod.address.to_string();
            let status = json!({"status": {
                "phase": "Running", "podIP": address, "podIPs": [{"ip": address}],
                "conditions": [{"type": "Ready", "status": "True"}],
            }});
            let params = PatchParams::default();
            api.patch_status(pod.name, &params, &Patch::Merge(&status))
                .await?;
        }
        Ok(())
    }

    /// What the pod's Deployment gives it; notification-controller, which is not there yet, has its `app` alone.
    async fn labels(&self, pod: &Pod) -> Result<BTreeMap<String, String>> {
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), pod.namespace);
        let deployment = deployments.get_opt(pod.name).await?;
        let found = deployment.and_then(|it| it.spec?.template.metadata?.labels);
        Ok(found.unwrap_or_else(|| BTreeMap::from([("app".to_owned(), pod.name.to_owned())])))
    }

    fn pod(&self, namespace: &str, name: &str) -> Result<&Pod> {
        let pod = self.pods.of((namespace, name));
        pod.with_context(|| format!("no pod {namespace}/{name}"))
    }
}

fn pods() -> Result<Vec<Pod>> {
    // The node has the first address.
    let numbers = 2..;
    let each = PODS.into_iter().zip(numbers);
    each.map(|((namespace, name), number)| Pod::new(namespace, name, number))
        .collect()
}
