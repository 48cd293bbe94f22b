//! Whose rights count, and which references are allowed.

use anyhow::{Context as _, Result, ensure};
use harness::{ControlPlane, Controllers, ControllersOptions, Namespace, eventually};
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use weir_api::Reconcilable;
use weir_api::kustomize::v1::Kustomization;

use crate::fixture::{LIMIT, Loop, config_map, inventory, is, message, uid, value};

const RIGHTS: &str = "
apiVersion: v1
kind: ServiceAccount
metadata: {name: tenant}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: tenant}
rules: [{apiGroups: [''], resources: [configmaps], verbs: ['*']}]
";

fn binding(namespace: &str) -> String {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "tenant"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "tenant"},
        "subjects": [{"kind": "ServiceAccount", "name": "tenant", "namespace": namespace}],
    })
    .to_string()
}

#[tokio::test]
async fn objects_are_applied_with_the_service_accounts_rights() -> Result<()> {
    let all = Loop::start("impersonate", &[("a.yaml", &config_map("a", "1"))]).await?;
    let namespace = all.namespace.name().to_owned();
    let spec = json!({"targetNamespace": namespace, "serviceAccountName": "tenant", "retryInterval": "1s"});
    all.kustomization("app", spec).await?;
    let failure = all.fails("app", "ReconciliationFailed").await?;
    ensure!(
        failure.contains(&format!(
            "User \"system:serviceaccount:{namespace}:tenant\" cannot patch resource"
        )),
        "{failure}"
    );
    all.namespace.apply(RIGHTS).await?;
    all.namespace.apply(&binding(&namespace)).await?;
    all.applied("app", &all.revision()?).await?;
    Ok(())
}

async fn binding_is(all: &Loop, there: bool) -> Result<()> {
    let namespace = all.namespace.name();
    if there {
        return all.namespace.apply(&binding(namespace)).await.map(drop);
    }
    let bindings = all.namespace.api::<RoleBinding>();
    bindings.delete("tenant", &DeleteParams::default()).await?;
    Ok(())
}

/// The second pass finds nothing to write, and says all the same that the account may write no longer.
#[tokio::test]
async fn rights_that_are_lost_fail_the_next_pass_and_keep_what_was_applied() -> Result<()> {
    let all = Loop::start("rights-lost", &[("a.yaml", &config_map("a", "1"))]).await?;
    let namespace = all.namespace.name().to_owned();
    all.namespace.apply(RIGHTS).await?;
    binding_is(&all, true).await?;
    let spec = json!({
        "targetNamespace": namespace, "serviceAccountName": "tenant", "interval": "2s", "retryInterval": "1s",
    });
    all.kustomization("app", spec).await?;
    let applied = all.applied("app", &all.revision()?).await?;
    let before = all.config_map("a").await?.context("applied")?;

    binding_is(&all, false).await?;
    let failure = all.fails("app", "ReconciliationFailed").await?;
    ensure!(failure.contains("cannot patch resource"), "{failure}");
    let edit = Patch::Merge(json!({"data": {"v": "2"}}));
    let maps = all.namespace.api::<ConfigMap>();
    maps.patch("a", &PatchParams::default(), &edit).await?;
    let request = all.reconcile("app").await?;
    assert!(is(
        request.conditions(),
        "Ready",
        "False",
        "ReconciliationFailed"
    ));
    assert_eq!(inventory(&request), inventory(&applied));
    let edited = all.config_map("a").await?.context("nobody deleted it")?;
    assert_eq!((uid(&edited), value(&edited)), (uid(&before), "2"));

    binding_is(&all, true).await?;
    all.applied("app", &all.revision()?).await?;
    let healed = all.config_map("a").await?.context("still there")?;
    assert_eq!((uid(&healed), value(&healed)), (uid(&before), "1"));
    Ok(())
}

/// What the controllers are given where they may see what they reconcile, and act as tenants, but not watch Services.
fn watchman(namespace: &str) -> String {
    let group = "rbac.authorization.k8s.io";
    let (name, all) = (format!("watchman-{namespace}"), json!(["*"]));
    let rules = json!([
        {"apiGroups": ["source.toolkit.fluxcd.io", "kustomize.toolkit.fluxcd.io"], "resources": all, "verbs": all},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": all},
        {"apiGroups": [""], "resources": ["configmaps", "secrets", "events"], "verbs": all},
        {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["get", "impersonate"]},
        {"apiGroups": [""], "resources": ["groups"], "verbs": ["impersonate"]},
    ]);
    let parts = [
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "watchman"}}),
        json!({"apiVersion": format!("{group}/v1"), "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}),
        json!({
            "apiVersion": format!("{group}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": "watchman", "namespace": namespace}],
        }),
    ];
    parts.map(|part| part.to_string()).join("\n---\n")
}

#[tokio::test]
async fn kinds_that_the_controller_may_not_watch_are_corrected_at_the_interval() -> Result<()> {
    const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  \
        selector: {app: web}\n  ports: [{port: 80}]\n";
    const TENANT: &str = "{apiGroups: [''], resources: [services], verbs: ['*']}, ";
    let files = [("a.yaml", &*config_map("a", "1")), ("b.yaml", SERVICE)];
    let mut all = Loop::start("may-not-watch", &files).await?;
    let namespace = all.namespace.name().to_owned();
    all.namespace
        .apply(&RIGHTS.replace("rules: [", &format!("rules: [{TENANT}")))
        .await?;
    binding_is(&all, true).await?;
    all.namespace.apply(&watchman(&namespace)).await?;
    let plane = ControlPlane::shared().await?;
    let kubeconfig = plane.kubeconfig_of(&namespace, "watchman").await?;
    let mut options = ControllersOptions::new(kubeconfig, all.namespace.logs());
    options.namespace = Some(namespace.clone());
    // The first ones' artifacts are gone with them.
    options.flags = vec!["--http-retry=0".to_owned()];
    all.controllers.process().stop(LIMIT)?;
    all.controllers = Controllers::start(&options).await?;

    let spec = json!({
        "targetNamespace": namespace, "serviceAccountName": "tenant", "wait": true, "timeout": "50s",
    });
    all.kustomization("app", spec).await?;
    all.applied("app", &all.revision()?).await?;
    let services = all.namespace.api::<Service>();
    let edit = Patch::Merge(json!({"spec": {"selector": {"app": "other"}}}));
    services
        .patch("web", &PatchParams::default(), &edit)
        .await?;
    // What may be watched is back at once, and by then nothing was done about the other.
    let maps = all.namespace.api::<ConfigMap>();
    maps.delete("a", &DeleteParams::default()).await?;
    eventually(LIMIT, "the map is back", async || {
        all.config_map("a").await?.context("not back").map(drop)
    })
    .await?;
    all.reconcile("app").await?;
    let selector = services.get("web").await?.spec.context("a spec")?.selector;
    assert_eq!(selector.context("a selector")?["app"], "web");
    services.delete("web", &DeleteParams::default()).await?;
    all.reconcile("app").await?;
    services.get("web").await?;
    Ok(())
}

#[tokio::test]
async fn one_whose_account_is_gone_is_deleted_and_its_objects_stay() -> Result<()> {
    let all = Loop::start("impersonate-gone", &[("a.yaml", &config_map("a", "1"))]).await?;
    let namespace = all.namespace.name().to_owned();
    all.namespace.apply(RIGHTS).await?;
    all.namespace.apply(&binding(&namespace)).await?;
    all.kustomization(
        "app",
        json!({"targetNamespace": namespace, "serviceAccountName": "tenant"}),
    )
    .await?;
    all.applied("app", &all.revision()?).await?;
    let accounts = all
        .namespace
        .api::<k8s_openapi::api::core::v1::ServiceAccount>();
    accounts.delete("tenant", &DeleteParams::default()).await?;
    all.delete("app").await?;
    all.config_map("a").await?.context("nobody may delete it")?;
    all.event(
        "app",
        "ReconciliationSucceeded",
        "unable to prune objects: \nConfigMap/",
    )
    .await?;
    Ok(())
}

#[tokio::test]
async fn a_source_in_another_namespace_is_refused_under_lockdown() -> Result<()> {
    let files = [("a.yaml", &*config_map("a", "1"))];
    let all = Loop::with_flags("lockdown", &files, &["--no-cross-namespace-refs"]).await?;
    let reference = json!({"kind": "GitRepository", "name": "app", "namespace": "default"});
    all.kustomization("app", json!({"sourceRef": reference}))
        .await?;
    let object = all
        .wait("app", "stalled", |object| {
            is(object.conditions(), "Stalled", "True", "AccessDenied")
        })
        .await?;
    let expected =
        "can't access 'GitRepository/default/app', cross-namespace references have been blocked";
    assert_eq!(message(object.conditions(), "Ready"), expected);
    all.event("app", "AccessDenied", expected).await?;
    all.kustomization("app", json!({"targetNamespace": all.namespace.name()}))
        .await?;
    all.applied("app", &all.revision()?).await?;
    Ok(())
}

/// What makes an object ours to work on, in [`lockdown_refuses_what_was_allowed_and_gives_it_back`].
const SHARD: [&str; 2] = ["sharding.fluxcd.io/key", "lockdown-later"];

async fn sharded(namespace: &Namespace, kind: &str, name: &str, spec: Value) -> Result<()> {
    let api_version = match kind {
        "GitRepository" => "source.toolkit.fluxcd.io/v1",
        _ => "kustomize.toolkit.fluxcd.io/v1",
    };
    let metadata = json!({"name": name, "labels": {SHARD[0]: SHARD[1]}});
    let object =
        json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec});
    namespace.apply(&object.to_string()).await?;
    Ok(())
}

async fn until(
    namespace: &Namespace,
    name: &str,
    reason: &str,
    said: &str,
) -> Result<Kustomization> {
    let reached = |object: &Kustomization| {
        let ready = weir_api::meta::find_condition(object.conditions(), "Ready");
        ready.is_some_and(|ready| ready.reason == reason && ready.message.contains(said))
    };
    namespace.wait_for(name, LIMIT, reason, reached).await
}

/// The controllers run three times: without the flag, with it, and without it again; all namespaces, one shard.
#[tokio::test]
async fn lockdown_refuses_what_was_allowed_and_gives_it_back() -> Result<()> {
    let shard = format!("--watch-label-selector={}={}", SHARD[0], SHARD[1]);
    // Each run serves artifacts elsewhere: who asks at the old place is to give up at once.
    let open = ["--watch-all-namespaces=true", &*shard, "--http-retry=0"];
    let files = [("a.yaml", &*config_map("a", "1"))];
    let mut all = Loop::with_flags("lockdown-later", &files, &open).await?;
    let tenant = ControlPlane::shared()
        .await?
        .namespace("lockdown-tenant")
        .await?;
    let source = json!({"interval": "1h", "url": all.repo.url(), "ref": {"branch": "main"}});
    sharded(&all.namespace, "GitRepository", "app", source.clone()).await?;
    sharded(&tenant, "GitRepository", "own", source).await?;
    let spec = |more: Value| {
        let mut spec = json!({
            "interval": "1h", "retryInterval": "1s", "prune": true, "path": "./",
            "sourceRef": {"kind": "GitRepository", "name": "own"}, "targetNamespace": tenant.name(),
        });
        if let (Value::Object(spec), Value::Object(more)) = (&mut spec, more) {
            spec.extend(more);
        }
        spec
    };
    let here = all.namespace.name().to_owned();
    let foreign = json!({"kind": "GitRepository", "name": "app", "namespace": here});
    let base = spec(
        json!({"sourceRef": {"kind": "GitRepository", "name": "app"}, "targetNamespace": here}),
    );
    sharded(&all.namespace, "Kustomization", "base", base).await?;
    sharded(
        &tenant,
        "Kustomization",
        "foreign-source",
        spec(json!({"sourceRef": foreign})),
    )
    .await?;
    let depends = json!({"dependsOn": [{"name": "base", "namespace": here}], "namePrefix": "d-"});
    sharded(&tenant, "Kustomization", "dependent", spec(depends)).await?;
    // Without the label it is somebody else's.
    all.kustomization("other-shard", json!({"targetNamespace": here}))
        .await?;

    let names = ["foreign-source", "dependent"];
    for name in names {
        until(&tenant, name, "ReconciliationSucceeded", "Applied revision").await?;
    }
    let mut options = ControllersOptions::new(all.namespace.kubeconfig(), all.namespace.logs());
    let again = [&*shard, "--http-retry=0", "--no-cross-namespace-refs"];
    options.flags = again.map(ToOwned::to_owned).to_vec();
    all.controllers.process().stop(LIMIT)?;
    all.controllers = Controllers::start(&options).await?;
    for (name, object) in [
        ("foreign-source", format!("GitRepository/{here}/app")),
        ("dependent", format!("Kustomization/{here}/base")),
    ] {
        let said = format!("can't access '{object}', cross-namespace references have been blocked");
        let refused = until(&tenant, name, "AccessDenied", &said).await?;
        assert!(is(refused.conditions(), "Stalled", "True", "AccessDenied"));
        assert_eq!(inventory(&refused).len(), 1, "what was applied stays");
    }
    options.flags.pop();
    all.controllers.process().stop(LIMIT)?;
    all.controllers = Controllers::start(&options).await?;
    for name in names {
        let object = until(&tenant, name, "ReconciliationSucceeded", "Applied revision").await?;
        assert_eq!(object.conditions().len(), 1, "{:?}", object.conditions());
    }
    is_untouched(&all, "other-shard").await
}

/// No controller has put its finalizer on the Kustomization.
async fn is_untouched(all: &Loop, name: &str) -> Result<()> {
    let object = all.namespace.api::<Kustomization>().get(name).await?;
    ensure!(object.metadata.finalizers.is_none(), "{name} was touched");
    Ok(())
}

/// Whoever binds a Role must hold what it grants, which the server looks up: there must be a Role.
const MAY_BIND: &str = "
apiVersion: v1
kind: ServiceAccount
metadata: {name: tenant}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: tenant}
rules:
- {apiGroups: [''], resources: [configmaps], verbs: [get]}
- {apiGroups: [rbac.authorization.k8s.io], resources: [roles, rolebindings], verbs: ['*']}
";
const GRANT: &str = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: granted}\n\
    rules: [{apiGroups: [''], resources: [configmaps], verbs: [get]}]\n---\n\
    apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: granted}\n\
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: granted}\n\
    subjects: [{kind: ServiceAccount, name: tenant}]\n";

/// Applies a Role and its binding with the rights of an account that may bind only what it holds itself.
async fn grants(test: &str, flags: &[&str]) -> Result<Loop> {
    let all = Loop::with_flags(test, &[("grant.yaml", GRANT)], flags).await?;
    let namespace = all.namespace.name().to_owned();
    all.namespace
        .apply(&MAY_BIND.replace(
            "verbs: ['*']",
            "verbs: [get, list, watch, create, patch, delete]",
        ))
        .await?;
    all.namespace.apply(&binding(&namespace)).await?;
    let spec = json!({"targetNamespace": namespace, "serviceAccountName": "tenant"});
    all.kustomization("app", spec).await?;
    Ok(all)
}

#[tokio::test]
async fn a_role_and_its_binding_need_a_stage_of_their_own() -> Result<()> {
    let together = grants("grant-together", &[]).await?;
    let failure = together.fails("app", "ReconciliationFailed").await?;
    ensure!(failure.contains("\"granted\" not found"), "{failure}");
    let stage = ["--custom-apply-stage-kinds=rbac.authorization.k8s.io/Role"];
    let staged = grants("grant-staged", &stage).await?;
    staged.applied("app", &staged.revision()?).await?;
    Ok(())
}
