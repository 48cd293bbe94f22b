//! `config/` on a real API server: what is installed, what it may do, what the schemas refuse.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use harness::{ControlPlane, eventually, layout};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ListParams, PostParams};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(30);
const NAMESPACE: &str = "flux-system";

/// Verb, group, resource.
type Right = (&'static str, &'static str, &'static str);

const SOURCE: &str = "source.toolkit.fluxcd.io";
const KUSTOMIZE: &str = "kustomize.toolkit.fluxcd.io";

/// Runs `kubectl` in the root of the workspace and returns what it prints.
fn kubectl(plane: &ControlPlane, arguments: &[&str]) -> Result<String> {
    let mut command: Command = plane.kubectl_command();
    let output = command
        .args(arguments)
        .current_dir(layout::workspace())
        .output()?;
    if !output.status.success() {
        bail!(
            "kubectl {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}

async fn install(plane: &ControlPlane) -> Result<()> {
    let apply = ["apply", "--server-side", "--force-conflicts", "-k"];
    kubectl(plane, &[&apply[..], &["config/default"]].concat())?;
    let definitions: Api<CustomResourceDefinition> = Api::all(plane.client().await?);
    eventually(LIMIT, "all kinds served", async || {
        let list = definitions
            .list(&ListParams::default().labels("app.kubernetes.io/part-of=flux"))
            .await?;
        ensure!(list.items.len() == 14, "{} definitions", list.items.len());
        for definition in list {
            let conditions = definition
                .status
                .and_then(|status| status.conditions)
                .unwrap_or_default();
            let holds = |type_| {
                conditions
                    .iter()
                    .any(|c| c.type_ == type_ && c.status == "True")
            };
            let name = definition.metadata.name.unwrap_or_default();
            ensure!(holds("Established"), "{name} is not established");
            ensure!(!holds("NonStructuralSchema"), "{name} is not structural");
        }
        Ok(())
    })
    .await
}

/// Whether `account` may do that anywhere, or in `namespace`.
async fn may(
    plane: &ControlPlane,
    account: &str,
    right: Right,
    namespace: Option<&str>,
) -> Result<bool> {
    let user = format!("system:serviceaccount:{NAMESPACE}:{account}");
    let reviews: Api<SelfSubjectAccessReview> = Api::all(plane.client_as(&user, &[]).await?);
    let (verb, group, resource) = right;
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let attributes = ResourceAttributes {
        verb: Some(verb.to_owned()),
        group: Some(group.to_owned()),
        resource: Some(resource.to_owned()),
        subresource: Some(subresource.to_owned()),
        namespace: namespace.map(str::to_owned),
        ..Default::default()
    };
    let spec = SelfSubjectAccessReviewSpec {
        resource_attributes: Some(attributes),
        ..Default::default()
    };
    let review = SelfSubjectAccessReview {
        spec,
        ..Default::default()
    };
    let answer = reviews.create(&PostParams::default(), &review).await?;
    Ok(answer.status.context("no answer")?.allowed)
}

#[tokio::test]
async fn the_install_applies_and_all_kinds_are_served() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    install(plane).await?;
    let again = kubectl(
        plane,
        &[
            "apply",
            "--server-side",
            "--force-conflicts",
            "-k",
            "config/default",
        ],
    )?;
    ensure!(
        again
            .lines()
            .all(|line| line.ends_with("serverside-applied")),
        "{again}"
    );
    kubectl(
        plane,
        &[
            "apply",
            "--server-side",
            "--dry-run=server",
            "-k",
            "config/samples",
        ],
    )?;
    Ok(())
}

#[tokio::test]
async fn source_controller_may_do_what_it_uses_and_no_more() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    install(plane).await?;
    let account = "source-controller";
    for right in [
        ("watch", SOURCE, "gitrepositories"),
        ("patch", SOURCE, "gitrepositories/status"),
        ("get", "", "secrets"),
        ("get", "", "serviceaccounts"),
        ("create", "", "serviceaccounts/token"),
        ("create", "", "events"),
    ] {
        ensure!(
            may(plane, account, right, None).await?,
            "must be allowed: {right:?}"
        );
    }
    for right in [
        ("delete", SOURCE, "gitrepositories"),
        ("list", "", "secrets"),
        ("list", "", "serviceaccounts"),
        ("impersonate", "", "serviceaccounts"),
        ("patch", KUSTOMIZE, "kustomizations/status"),
        ("update", "coordination.k8s.io", "leases"),
    ] {
        ensure!(
            !may(plane, account, right, None).await?,
            "must be refused: {right:?}"
        );
    }
    let lease = ("update", "coordination.k8s.io", "leases");
    ensure!(
        may(plane, account, lease, Some(NAMESPACE)).await?,
        "its own lease"
    );
    Ok(())
}

#[tokio::test]
async fn lockdown_takes_cluster_admin_away() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    install(plane).await?;
    let args = [
        "apply",
        "--server-side",
        "--force-conflicts",
        "--dry-run=server",
        "-o",
        "json",
        "-k",
    ];
    let list: Value = serde_json::from_str(&kubectl(
        plane,
        &[&args[..], &["config/lockdown"]].concat(),
    )?)?;
    let items = list["items"].as_array().context("a list")?;
    let admins: Vec<_> = items
        .iter()
        .filter(|item| item["roleRef"]["name"] == "cluster-admin")
        .collect();
    ensure!(admins.is_empty(), "{admins:?}");
    let deployment = items
        .iter()
        .find(|item| {
            item["kind"] == "Deployment" && item["metadata"]["name"] == "kustomize-controller"
        })
        .context("the deployment is there")?;
    let args = &deployment["spec"]["template"]["spec"]["containers"][0]["args"];
    for wanted in [
        "--no-cross-namespace-refs=true",
        "--no-remote-bases=true",
        "--default-service-account=default",
    ] {
        ensure!(
            args.as_array()
                .is_some_and(|args| args.iter().any(|arg| arg == wanted)),
            "{wanted}: {args}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_server_fills_in_upstreams_defaults() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    install(plane).await?;
    let namespace = plane.namespace("schema-defaults").await?;
    let objects = namespace
        .apply(
            "{apiVersion: source.toolkit.fluxcd.io/v1, kind: GitRepository, metadata: {name: a},
              spec: {url: 'https://example.com/a', interval: 60s}}",
        )
        .await?;
    let data = &objects[0].data;
    ensure!(data["spec"]["timeout"] == "60s", "{data}");
    ensure!(
        data["spec"]["interval"] == "60s",
        "the user's text stays: {data}"
    );
    ensure!(data["status"]["observedGeneration"] == -1, "{data}");
    Ok(())
}

#[tokio::test]
async fn the_server_refuses_what_upstreams_schemas_refuse() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    install(plane).await?;
    let namespace = plane.namespace("schema-rules").await?;
    let cases = [
        (
            "source.toolkit.fluxcd.io/v1",
            "GitRepository",
            "{url: 'git@example.com:a', interval: 1m}",
            "spec.url",
        ),
        (
            "source.toolkit.fluxcd.io/v1",
            "GitRepository",
            "{url: 'https://a', interval: 1m, serviceAccountName: a}",
            "serviceAccountName can only be set when provider is 'azure' or 'aws'",
        ),
        (
            "kustomize.toolkit.fluxcd.io/v1",
            "Kustomization",
            "{interval: 1m, prune: true, sourceRef: {kind: GitRepository, name: a}, kubeConfig: {}}",
            "exactly one of spec.kubeConfig.configMapRef or spec.kubeConfig.secretRef must be specified",
        ),
        (
            "helm.toolkit.fluxcd.io/v2",
            "HelmRelease",
            "{interval: 1m}",
            "either chart or chartRef must be set",
        ),
        (
            "notification.toolkit.fluxcd.io/v1",
            "Receiver",
            "{type: github, resources: []}",
            "secretRef is required when type is not generic-oidc",
        ),
    ];
    for (version, kind, spec, expect) in cases {
        let object = format!(
            "{{apiVersion: {version}, kind: {kind}, metadata: {{name: bad}}, spec: {spec}}}"
        );
        let error = match namespace.apply(&object).await {
            Ok(_) => bail!("accepted: {object}"),
            Err(error) => format!("{error:#}"),
        };
        ensure!(error.contains(expect), "{object}: {error}");
    }
    Ok(())
}
