//! Objects in another cluster, which a kubeconfig in a Secret leads to.

use anyhow::{Context as _, Result, ensure};
use harness::{CloudCluster, ControlPlane, KeyServer, Namespace, eventually, secrets};
use k8s_openapi::ByteString;
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, ServiceAccount};
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use kube::config::Kubeconfig;
use serde_json::{Value, json};
use weir_api::Reconcilable;

use crate::fixture::{LIMIT, Loop, config_map, inventory, is, message};

/// The two clusters.
struct Remote {
    all: Loop,
    /// Where the objects go, in the other cluster.
    there: Namespace,
}

impl Remote {
    async fn start(test: &str, files: &[(&str, &str)]) -> Result<Self> {
        let plane = ControlPlane::remote().await?;
        let there = plane.namespace(&format!("{test}-there")).await?;
        let all = Loop::start(test, files).await?;
        Ok(Self { all, there })
    }

    /// Stores a kubeconfig in Secret `cluster`.
    async fn secret(&self, text: &str, labels: &Value) -> Result<()> {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cluster", "labels": labels},
            "stringData": {"value": text},
        });
        self.all.namespace.apply(&secret.to_string()).await?;
        Ok(())
    }

    /// The other cluster's administrator.
    fn admin(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.there.kubeconfig())?)
    }

    /// A spec that sends everything there, merged over with `more`.
    fn spec(&self, more: Value) -> Value {
        let mut spec = json!({
            "targetNamespace": self.there.name(), "kubeConfig": {"secretRef": {"name": "cluster"}},
        });
        if let (Value::Object(spec), Value::Object(more)) = (&mut spec, more) {
            spec.extend(more);
        }
        spec
    }

    async fn there(&self, name: &str) -> Result<Option<ConfigMap>> {
        Ok(self.there.api::<ConfigMap>().get_opt(name).await?)
    }

    async fn gone_there(&self, name: &str) -> Result<()> {
        eventually(LIMIT, &format!("ConfigMap {name} gone there"), async || {
            ensure!(self.there(name).await?.is_none(), "it is still there");
            Ok(())
        })
        .await
    }
}

#[tokio::test]
async fn objects_are_applied_healed_pruned_and_deleted_in_the_other_cluster() -> Result<()> {
    let files = [
        ("a.yaml", &*config_map("a", "1")),
        ("b.yaml", &*config_map("b", "1")),
    ];
    let remote = Remote::start("remote", &files).await?;
    remote.secret(&remote.admin()?, &json!({})).await?;
    remote
        .all
        .kustomization("app", remote.spec(json!({"wait": true})))
        .await?;
    let object = remote.all.applied("app", &remote.all.revision()?).await?;
    let before = remote.there("a").await?.context("applied there")?;
    ensure!(remote.all.config_map("a").await?.is_none(), "and not here");
    assert_eq!(inventory(&object).len(), 2);

    let maps: Api<ConfigMap> = remote.there.api();
    maps.delete("a", &DeleteParams::default()).await?;
    eventually(LIMIT, "ConfigMap a back", async || {
        let back = remote.there("a").await?.context("it is gone")?;
        ensure!(back.metadata.uid != before.metadata.uid, "not deleted yet");
        Ok(())
    })
    .await?;

    let revision = remote.all.push(&[], &["b.yaml"]).await?;
    remote.all.applied("app", &revision).await?;
    remote.gone_there("b").await?;
    remote.all.delete("app").await?;
    remote.gone_there("a").await
}

#[tokio::test]
async fn a_deployment_there_is_waited_for_and_a_timeout_names_it() -> Result<()> {
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 1\n  selector: \
                      {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: \
                      [{name: web, image: web}]}\n";
    let remote = Remote::start("remote-health", &[("a.yaml", deployment)]).await?;
    remote.secret(&remote.admin()?, &json!({})).await?;
    let name = remote.there.name().to_owned();
    let check =
        json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "namespace": name}]);
    let spec = remote.spec(json!({"healthChecks": check, "timeout": "1s", "interval": "31s"}));
    remote.all.kustomization("app", spec).await?;
    let running = |object: &weir_api::kustomize::v1::Kustomization| {
        is(object.conditions(), "Healthy", "Unknown", "Progressing")
    };
    remote
        .all
        .wait("app", "a health check under way", running)
        .await?;
    let failure = remote.all.fails("app", "HealthCheckFailed").await?;
    ensure!(
        failure.ends_with(&format!(
            "timeout waiting for: [Deployment/{name}/web status: 'InProgress']"
        )),
        "{failure}"
    );
    remote
        .all
        .push(
            &[("a.yaml", &deployment.replace("replicas: 1", "replicas: 0"))],
            &[],
        )
        .await?;
    remote.all.applied("app", &remote.all.revision()?).await?;
    Ok(())
}

#[tokio::test]
async fn a_service_account_is_impersonated_in_the_other_cluster() -> Result<()> {
    let remote = Remote::start("remote-impersonate", &[("a.yaml", &config_map("a", "1"))]).await?;
    remote.secret(&remote.admin()?, &json!({})).await?;
    let spec = remote.spec(json!({"serviceAccountName": "tenant", "retryInterval": "1s"}));
    remote.all.kustomization("app", spec).await?;
    let user = format!(
        "system:serviceaccount:{}:tenant",
        remote.all.namespace.name()
    );
    let failure = remote.all.fails("app", "ReconciliationFailed").await?;
    ensure!(
        failure.contains(&format!("User \"{user}\" cannot patch resource")),
        "{failure}"
    );
    let rights = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "tenant"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
        "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}],
    });
    remote.there.apply(&rights.to_string()).await?;
    remote.all.applied("app", &remote.all.revision()?).await?;
    remote.there("a").await?.context("applied there")?;
    Ok(())
}

#[tokio::test]
async fn a_secret_that_changes_counts_at_once_and_from_the_next_pass_on() -> Result<()> {
    let remote = Remote::start("remote-secret", &[("a.yaml", &config_map("a", "1"))]).await?;
    remote
        .all
        .kustomization("app", remote.spec(json!({"retryInterval": "1h"})))
        .await?;
    let namespace = remote.all.namespace.name().to_owned();
    let failure = remote.all.fails("app", "ReconciliationFailed").await?;
    let missing = format!(
        "unable to read KubeConfig secret '{namespace}/cluster' error: secrets \"cluster\" not found"
    );
    assert_eq!(failure, missing);
    let event = format!("failed to build kube client: {missing}");
    remote
        .all
        .event("app", "ReconciliationFailed", &event)
        .await?;

    // Its label has the change of it watched.
    let watched = json!({"reconcile.fluxcd.io/watch": "Enabled"});
    let admin = remote.admin()?;
    remote.secret(&admin, &watched).await?;
    remote.all.applied("app", &remote.all.revision()?).await?;
    let stranger = {
        let token = admin
            .split("token: ")
            .nth(1)
            .and_then(|rest| rest.lines().next());
        admin.replace(token.context("a token in the kubeconfig")?, "nobody")
    };
    remote.secret(&stranger, &watched).await?;
    let failure = remote.all.fails("app", "ReconciliationFailed").await?;
    ensure!(
        failure.contains(
            "(Unauthorized): failed to get server groups: the server has asked for the client to"
        ),
        "{failure}"
    );
    remote.secret(&admin, &watched).await?;
    let object = remote.all.applied("app", &remote.all.revision()?).await?;
    assert_eq!(
        message(object.conditions(), "Ready"),
        format!("Applied revision: {}", remote.all.revision()?)
    );
    Ok(())
}

#[tokio::test]
async fn a_deletion_without_its_secret_waits_until_the_secret_is_back() -> Result<()> {
    let remote = Remote::start("remote-deletion", &[("a.yaml", &config_map("a", "1"))]).await?;
    remote.secret(&remote.admin()?, &json!({})).await?;
    remote
        .all
        .kustomization("app", remote.spec(json!({})))
        .await?;
    remote.all.applied("app", &remote.all.revision()?).await?;
    let secrets: Api<Secret> = remote.all.namespace.api();
    secrets.delete("cluster", &DeleteParams::default()).await?;
    let api: Api<weir_api::kustomize::v1::Kustomization> = remote.all.namespace.api();
    api.delete("app", &DeleteParams::default()).await?;
    let tried = "controller_runtime_reconcile_errors_total{controller=\"kustomization\"}";
    eventually(LIMIT, "a deletion that failed", async || {
        let metrics = reqwest::get(remote.all.controllers.metrics_url())
            .await?
            .text()
            .await?;
        let line = metrics
            .lines()
            .find(|line| line.contains(tried))
            .context("no such metric")?;
        ensure!(!line.ends_with(" 0"), "{line}");
        Ok(())
    })
    .await?;
    api.get("app")
        .await
        .context("its objects are not given up")?;
    remote.there("a").await?.context("nor deleted")?;
    remote.secret(&remote.admin()?, &json!({})).await?;
    remote.gone_there("a").await?;
    eventually(LIMIT, "Kustomization gone", async || {
        ensure!(api.get_opt("app").await?.is_none(), "it is still there");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_kubeconfig_that_reaches_for_files_or_programs_gets_nothing() -> Result<()> {
    let remote = Remote::start("remote-hostile", &[("a.yaml", &config_map("a", "1"))]).await?;
    let mark = remote.all.namespace.logs().join("ran");
    let admin = remote.admin()?;
    let (before, _) = admin
        .split_once("  user:\n    token")
        .context("a token at the end")?;
    let user = |user: &Value| format!("{before}  user: {user}\n");
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/sh", "interactiveMode": "Never",
        "args": ["-c", format!("echo > {}", mark.display())],
    });
    let files = json!({"tokenFile": "/var/run/secrets/kubernetes.io/serviceaccount/token"});
    let name = remote.there.name().to_owned();
    for (kubeconfig, said) in [
        (
            user(&json!({"exec": exec})),
            String::from("dry-run failed (Forbidden): failed to get server groups: unknown\n"),
        ),
        (
            user(&files),
            String::from("references a tokenFile, only an inline token is supported"),
        ),
        (
            String::from("not a kubeconfig"),
            String::from(
                "couldn't get version/kind; json parse error: json: cannot unmarshal string into Go value of",
            ),
        ),
    ] {
        remote.secret(&kubeconfig, &json!({})).await?;
        remote
            .all
            .kustomization("app", remote.spec(json!({})))
            .await?;
        remote
            .all
            .wait("app", &said, |object| {
                message(object.conditions(), "Ready").contains(&said)
            })
            .await?;
    }
    ensure!(!mark.exists(), "a program ran");
    ensure!(
        remote
            .there
            .api::<ConfigMap>()
            .get_opt(&name)
            .await?
            .is_none(),
        "nothing is applied"
    );
    Ok(())
}

#[tokio::test]
async fn a_cluster_is_entered_with_the_token_of_a_service_account() -> Result<()> {
    let files = [("a.yaml", &*config_map("a", "1"))];
    let gate = ["--feature-gates=ObjectLevelWorkloadIdentity=true"];
    let all = Loop::with_flags("config-map-ref", &files, &gate).await?;
    let namespace = all.namespace.name().to_owned();
    let spec =
        json!({"targetNamespace": namespace, "kubeConfig": {"configMapRef": {"name": "cluster"}}});
    all.kustomization("app", spec).await?;
    let failure = all.fails("app", "ReconciliationFailed").await?;
    assert_eq!(
        failure,
        format!("failed to get configmap {namespace}/cluster: configmaps \"cluster\" not found")
    );
    // The cluster itself, by the name that its certificate and its tokens have.
    let admin = Kubeconfig::read_from(all.namespace.kubeconfig())?;
    let cluster = admin.clusters[0].cluster.clone().context("a cluster")?;
    let authority = json!(cluster.certificate_authority_data.context("an authority")?);
    let authority: ByteString = serde_json::from_value(authority)?;
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "deployer"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "deployer", "namespace": namespace}],
    });
    let account =
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "deployer"}});
    let named = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cluster"},
        "data": {
            "provider": "generic", "address": cluster.server, "ca.crt": String::from_utf8(authority.0)?,
            "audiences": "https://kubernetes.default.svc.cluster.local\n", "serviceAccountName": "deployer",
        },
    });
    for object in [account, named] {
        all.namespace.apply(&object.to_string()).await?;
    }
    all.request::<weir_api::kustomize::v1::Kustomization>("app")
        .await?;
    all.wait("app", "refused there", |object| {
        message(object.conditions(), "Ready").contains("deployer")
    })
    .await?;
    all.namespace.apply(&binding.to_string()).await?;
    all.request::<weir_api::kustomize::v1::Kustomization>("app")
        .await?;
    all.applied("app", &all.revision()?).await?;
    Ok(())
}

/// A token of an account that may do anything in its namespace.
async fn deployer(all: &Loop) -> Result<String> {
    let namespace = all.namespace.name();
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "deployer"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "deployer", "namespace": namespace}],
    });
    let account =
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "deployer"}});
    for object in [account, binding] {
        all.namespace.apply(&object.to_string()).await?;
    }
    let asked = all
        .namespace
        .api::<ServiceAccount>()
        .create_token_request("deployer", &PostParams::default(), &TokenRequest::default())
        .await?;
    Ok(asked.status.context("a token")?.token)
}

/// Google and Azure find the cluster, and give out what opens it, for an account of the Kustomization's own.
#[tokio::test]
async fn clusters_of_google_and_azure_are_found_and_entered() -> Result<()> {
    let server = KeyServer::start()?;
    let environment = [
        ("HTTPS_PROXY", server.proxy_url()),
        (
            "SSL_CERT_FILE",
            server.authority_file().to_string_lossy().into_owned(),
        ),
    ];
    let files = [("a.yaml", &*config_map("a", "1"))];
    let gate = ["--feature-gates=ObjectLevelWorkloadIdentity=true"];
    let all = Loop::with_environment("clouds", &files, &gate, &environment).await?;
    let namespace = all.namespace.name().to_owned();
    let admin = Kubeconfig::read_from(all.namespace.kubeconfig())?;
    let cluster = admin.clusters[0].cluster.clone().context("a cluster")?;
    let authority = json!(cluster.certificate_authority_data.context("an authority")?);
    let authority: ByteString = serde_json::from_value(authority)?;
    let address = cluster.server.context("an address")?;
    server.run_cluster(CloudCluster {
        address: address.clone(),
        authority: String::from_utf8(authority.0)?,
        token: deployer(&all).await?,
    });
    let annotations = json!({
        "gcp.auth.fluxcd.io/workload-identity-provider":
            "projects/1/locations/global/workloadIdentityPools/pool/providers/own",
        "azure.workload.identity/tenant-id": secrets::AZURE_TENANT,
        "azure.workload.identity/client-id": secrets::AZURE_CLIENT,
    });
    let account = json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "cloud", "annotations": annotations},
    });
    all.namespace.apply(&account.to_string()).await?;
    let clusters = [
        ("gcp", CloudCluster::GKE, ""),
        ("azure", CloudCluster::AKS, address.as_str()),
    ];
    for (provider, cluster, address) in clusters {
        let data = json!({
            "provider": provider, "cluster": cluster, "address": address, "serviceAccountName": "cloud",
        });
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": provider}, "data": data});
        all.namespace.apply(&map.to_string()).await?;
        let spec = json!({
            "targetNamespace": namespace, "namePrefix": format!("{provider}-"),
            "kubeConfig": {"configMapRef": {"name": provider}},
        });
        all.kustomization(provider, spec).await?;
        all.applied(provider, &all.revision()?).await?;
        let made = all.config_map(&format!("{provider}-a")).await?;
        let fields = made.context("applied")?.metadata.managed_fields;
        ensure!(fields.is_some_and(|fields| fields.len() == 1), "one writer");
    }
    let asked = server.asked();
    let of = |host: &str| asked.iter().filter(|asked| asked.host == host).count();
    assert_eq!(
        (of("container.googleapis.com"), of("management.azure.com")),
        (1, 2)
    );
    Ok(())
}
