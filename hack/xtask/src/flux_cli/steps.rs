//! The session: each command with its exit code and the lines to look for.
//!
//! `{commit}` is the pushed commit, `{short}` its first eight characters, `…`
//! stands for any text, and a leading `!` for a line that must not be there.
//! Columns are compared word by word.

use super::session::Step::{self, Edit, Push, Run, Title, Watch};

/// From an empty cluster to our install manifests, as a user applies them.
#[rustfmt::skip]
pub(super) const INSTALL: &[Step] = &[
    Title("Install"),
    Run("flux check --pre", 0, &["✔ Kubernetes 1.36.3 >=1.33.0-0", "✔ prerequisites checks passed"]),
    Run("kubectl apply --server-side -k {workspace}/config/default", 0, &["namespace/flux-system serverside-applied"]),
    // The controllers run beside the cluster here, which has no nodes for pods.
    Run("kubectl scale deployment --all --replicas=0 -n flux-system", 0, &["deployment.apps/source-controller scaled"]),
    Run("kubectl wait --for=condition=Established crd -l app.kubernetes.io/part-of=flux", 0, &["kustomizations.kustomize.toolkit.fluxcd.io condition met"]),
    Run("flux version", 0, &["flux: v2.9.5", "kustomize-controller: v", "source-controller: v"]),
];

/// Everything else.
#[rustfmt::skip]
pub(super) const SESSION: &[Step] = &[
    Title("What is installed"),
    Run("flux check --components=source-controller,kustomize-controller", 0, &[
        "✔ source-controller: deployment ready",
        "✔ kustomize-controller: deployment ready",
        "✔ gitrepositories.source.toolkit.fluxcd.io/v1",
        "✔ all checks passed",
    ]),
    Run("flux get all -A", 0, &[]),
    Run("flux get kustomizations", 1, &["✗ no Kustomization objects found in \"flux-system\" namespace"]),

    Title("A first delivery"),
    Push("infra/all.yaml", INFRA),
    Push("apps/all.yaml", APPS),
    Push("broken/service.yaml", BROKEN),
    Push("slow/deployment.yaml", SLOW),
    Edit("fleet.yaml", FLEET),
    Run("kubectl apply -f fleet.yaml", 0, &["gitrepository.source.toolkit.fluxcd.io/fleet created"]),
    Run("kubectl wait -n flux-system --for=condition=Ready gitrepository/fleet kustomization/infra kustomization/apps --timeout=20s", 0, &[
        "kustomization.kustomize.toolkit.fluxcd.io/apps condition met",
    ]),
    Run("kubectl wait -n flux-system --for=jsonpath={.status.conditions[?(@.type==\"Ready\")].status}=False kustomization/broken kustomization/slow --timeout=50s", 0, &[]),

    Title("kubectl"),
    Run("kubectl get gitrepositories,kustomizations -A", 0, &[
        "NAMESPACE NAME URL AGE READY STATUS",
        "flux-system gitrepository.source.toolkit.fluxcd.io/fleet {url} …s True stored artifact for revision 'main@sha1:{commit}'",
        "NAMESPACE NAME AGE READY STATUS",
        "flux-system kustomization.kustomize.toolkit.fluxcd.io/apps …s True Applied revision: main@sha1:{commit}",
        "flux-system kustomization.kustomize.toolkit.fluxcd.io/after-broken …s False dependency 'flux-system/broken' is not ready",
    ]),
    Run("kubectl get ks,gitrepo -n flux-system", 0, &["kustomization.kustomize.toolkit.fluxcd.io/infra"]),
    Run("kubectl get fluxcd -n flux-system", 0, &["gitrepository.source.toolkit.fluxcd.io/fleet", "kustomization.kustomize.toolkit.fluxcd.io/infra"]),
    Run("kubectl describe -n flux-system kustomization infra", 0, &[
        "Message: Applied revision: main@sha1:{commit}",
        "Reason: ReconciliationSucceeded",
        "Message: Health check passed in",
        "Id: _demo__Namespace",
        "Last Attempted Revision: main@sha1:{commit}",
        "Normal Progressing …s kustomize-controller Health check passed in",
        "Normal ReconciliationSucceeded …s kustomize-controller Reconciliation finished in …, next run in 10m0s",
    ]),
    Run("kubectl describe -n flux-system gitrepository fleet", 0, &[
        "Path: gitrepository/flux-system/fleet/{commit}.tar.gz",
        "Normal NewArtifact …s source-controller stored artifact for commit 'Change slow/deployment.yaml'",
    ]),
    Run("kubectl annotate -n flux-system gitrepository/fleet reconcile.fluxcd.io/requestedAt=by-hand", 0, &["annotated"]),
    Run("kubectl wait -n flux-system --for=jsonpath={.status.lastHandledReconcileAt}=by-hand gitrepository/fleet --timeout=10s", 0, &["condition met"]),

    Title("flux get"),
    Run("flux get sources git -A", 0, &[
        "NAMESPACE NAME REVISION SUSPENDED READY MESSAGE",
        "flux-system fleet main@sha1:{short} False True stored artifact for revision 'main@sha1:{short}'",
    ]),
    Run("flux get kustomizations -A", 0, &[
        "flux-system apps main@sha1:{short} False True Applied revision: main@sha1:{short}",
        "flux-system broken False False Service/demo/bad dry-run failed (Invalid): Service \"bad\" is invalid: …99999",
        "flux-system slow False False health check failed after …s: timeout waiting for: [Deployment/demo/slow status: 'InProgress']",
    ]),
    Run("flux get all -A", 0, &["flux-system gitrepository/fleet main@sha1:{short}", "flux-system kustomization/apps main@sha1:{short}"]),
    Run("flux get sources all", 0, &["gitrepository/fleet main@sha1:{short} False True"]),
    Run("flux get kustomizations --status-selector ready=false", 0, &["broken False False", "!apps main"]),
    Run("flux get kustomization infra --show-source", 0, &["infra GitRepository/flux-system/fleet main@sha1:{short} False True"]),
    Run("flux get kustomization absent", 1, &["✗ Kustomization object 'absent' not found in \"flux-system\" namespace"]),

    Title("flux reconcile"),
    Run("flux reconcile source git fleet", 0, &["✔ GitRepository annotated", "✔ fetched revision main@sha1:{commit}"]),
    Run("flux reconcile kustomization infra", 0, &["✔ Kustomization annotated", "✔ applied revision main@sha1:{commit}"]),
    Push("apps/more.yaml", MORE),
    Run("flux reconcile kustomization apps --with-source", 0, &["✔ fetched revision main@sha1:{commit}", "✔ applied revision main@sha1:{commit}"]),
    Run("kubectl get configmap more -n demo -o jsonpath={.data.colour}", 0, &["green"]),
    Run("flux reconcile kustomization absent", 1, &["✗ kustomizations.kustomize.toolkit.fluxcd.io \"absent\" not found"]),
    Run("flux reconcile kustomization broken --timeout 4s", 1, &["◎ waiting for Kustomization reconciliation", "✗ context deadline exceeded"]),
    Watch("flux get kustomizations --watch", "flux reconcile kustomization infra", &["infra main@sha1:{short} False True Applied revision: main@sha1:{short}"]),

    Title("flux suspend, flux resume"),
    Run("flux suspend source git fleet", 0, &["✔ source git suspended"]),
    Run("flux get sources git fleet", 0, &["fleet main@sha1:{short} True True"]),
    Run("flux reconcile source git fleet", 1, &["✗ resource is suspended"]),
    Run("flux resume source git fleet", 0, &["✔ GitRepository fleet reconciliation completed", "✔ fetched revision main@sha1:{commit}"]),
    Run("flux suspend kustomization infra apps", 0, &["✔ kustomization suspended"]),
    Run("flux get kustomizations", 0, &["apps main@sha1:{short} True True", "infra main@sha1:{short} True True"]),
    Run("kubectl delete configmap infra -n demo", 0, &["deleted"]),
    Run("kubectl annotate --overwrite -n flux-system kustomization/infra reconcile.fluxcd.io/requestedAt=suspended", 0, &[]),
    Run("kubectl wait -n flux-system --for=jsonpath={.status.lastHandledReconcileAt}=suspended kustomization/infra --timeout=10s", 0, &["condition met"]),
    Run("kubectl get configmap infra -n demo", 1, &["NotFound"]),
    Run("flux resume kustomization infra apps --wait", 0, &["✔ Kustomization infra reconciliation completed", "✔ applied revision main@sha1:{commit}"]),
    Run("kubectl get configmap infra -n demo", 0, &[]),
    Run("flux suspend kustomization --all", 0, &["► suspending kustomization after-broken", "► suspending kustomization slow"]),
    Run("flux resume kustomization --all", 0, &["► resuming kustomization after-broken", "► resuming kustomization slow"]),
    Run("flux resume kustomization broken --timeout 4s", 1, &["✗ Kustomization broken reconciliation failed: context deadline exceeded"]),

    Title("A health check that suspension ends"),
    Run("kubectl annotate --overwrite -n flux-system kustomization/slow reconcile.fluxcd.io/requestedAt=again", 0, &[]),
    Run("kubectl wait -n flux-system --for=jsonpath={.status.conditions[?(@.type==\"Healthy\")].status}=Unknown kustomization/slow --timeout=10s", 0, &["condition met"]),
    Run("flux suspend kustomization slow", 0, &["✔ kustomization suspended"]),
    Run("kubectl wait -n flux-system --for=jsonpath={.status.conditions[?(@.type==\"Ready\")].status}=False kustomization/slow --timeout=10s", 0, &["condition met"]),

    Title("Where things come from"),
    Run("flux tree kustomization infra", 0, &["Kustomization/flux-system/infra", "├── Namespace/demo", "└── ConfigMap/demo/infra"]),
    Run("flux tree kustomization apps -o yaml", 0, &["Kind: Deployment", "Name: web"]),
    Run("flux trace configmap app -n demo", 0, &[
        "Object: ConfigMap/app",
        "Status: Managed by Flux",
        "Kustomization: apps",
        "Path: ./apps",
        "Message: Applied revision: main@sha1:{commit}",
        "GitRepository: fleet",
        "URL: {url}",
        "Branch: main",
        "Message: stored artifact for revision 'main@sha1:{commit}'",
    ]),
    Run("flux trace deployment/web -n demo", 0, &["Kustomization: apps"]),
    Run("flux trace --kind Service --api-version v1 -n demo absent", 1, &["✗ failed to find object: services \"absent\" not found"]),
    Run("flux events", 0, &[
        "LAST SEEN TYPE REASON OBJECT MESSAGE",
        "Normal NewArtifact GitRepository/fleet stored artifact for commit 'Change apps/more.yaml'",
        "Normal Progressing Kustomization/apps ConfigMap/demo/more created",
        "Warning ReconciliationFailed Kustomization/broken Service/demo/bad dry-run failed (Invalid)",
        "Normal DependencyNotReady Kustomization/after-broken Dependencies do not meet ready condition, retrying in 30s",
    ]),
    Run("flux events --for Kustomization/infra", 0, &["Kustomization/infra Namespace/demo created", "GitRepository/fleet", "!Kustomization/apps"]),
    Run("flux events -A --types Warning", 0, &["Kustomization/broken", "!Normal"]),
    Run("flux stats -A", 0, &["RECONCILERS RUNNING FAILING SUSPENDED STORAGE", "GitRepository 1 0 0 … B", "Kustomization 4 3 1 -"]),
    Run("flux debug kustomization infra --show-status", 0, &["lastAppliedRevision: main@sha1:{commit}", "- id: _demo__Namespace"]),
    Run("flux debug kustomization infra --show-history", 0, &["lastReconciledStatus: ReconciliationSucceeded", "revision: main@sha1:{commit}"]),
    Run("flux debug kustomization apps --show-vars", 0, &["cluster=one"]),
    Run("flux export source git fleet", 0, &["kind: GitRepository", "url: {url}", "!status:"]),
    Run("flux export kustomization --all", 0, &["name: infra", "name: slow", "!status:"]),

    Title("flux build, flux diff"),
    Run("flux build kustomization apps --path ./apps", 0, &["v: one", "kustomize.toolkit.fluxcd.io/name: apps"]),
    Run("flux diff kustomization apps --path ./apps --progress-bar=false", 0, &["!►"]),
    Run("flux diff kustomization infra --path ./infra --progress-bar=false", 0, &["!►"]),
    Edit("apps/more.yaml", MORE_RED),
    Run("flux diff kustomization apps --path ./apps --progress-bar=false", 1, &["► ConfigMap/demo/more drifted", "- green", "+ red"]),

    Title("flux create, flux delete"),
    Run("flux create source git second --url {url} --branch main --interval 1m", 0, &["✔ GitRepository source reconciliation completed", "✔ fetched revision: main@sha1:{commit}"]),
    Run("flux create source git absent --url {url} --branch absent --interval 1m --timeout 4s", 1, &["✗ context deadline exceeded"]),
    Run("flux get source git absent", 0, &["absent False False failed to checkout and determine revision: unable to clone '{url}': couldn't find remote ref \"refs/heads/absent\""]),
    Run("flux create secret git creds --url {url} --username me --password secret", 0, &["git secret 'creds' created in 'flux-system' namespace"]),
    Run("flux create source git with-secret --url {url} --branch main --secret-ref creds", 0, &["✔ fetched revision: main@sha1:{commit}"]),
    Run("flux create kustomization made --source GitRepository/second --path ./made --prune --interval 1m --wait --timeout 4s", 1, &["✗ context deadline exceeded"]),
    Run("flux get kustomization made", 0, &["made False False kustomization path not found: stat …/made: no such file or directory"]),
    Push("made/map.yaml", MADE),
    Run("flux reconcile source git second", 0, &["✔ fetched revision main@sha1:{commit}"]),
    Run("flux create kustomization made --source GitRepository/second --path ./made --prune --interval 1m --wait", 0, &["✔ Kustomization made is ready", "✔ applied revision main@sha1:{commit}"]),
    Run("flux create kustomization sealed --source GitRepository/second --path ./made --decryption-provider sops --timeout 10s", 1, &[
        "✗ …spec.decryption is not supported by this version of kustomize-controller",
    ]),
    Run("flux delete kustomization sealed --silent", 0, &["✔ kustomization deleted"]),
    Run("flux delete kustomization made --silent", 0, &["✔ kustomization deleted"]),
    Run("kubectl wait -n demo --for=delete configmap/made --timeout=10s", 0, &[]),
    Run("flux delete source git second --silent", 0, &["✔ source git deleted"]),
    Run("flux delete source git absent --silent", 0, &["✔ source git deleted"]),
    Run("kubectl wait -n flux-system --for=delete gitrepository/second gitrepository/absent --timeout=10s", 0, &[]),

    Title("The end"),
    Run("kubectl delete kustomization apps -n flux-system --timeout=20s", 0, &["deleted"]),
    Run("kubectl get deployment web -n demo", 1, &["NotFound"]),
    Run("flux uninstall --dry-run --silent", 0, &[
        "✔ Deployment/flux-system/source-controller deleted (dry run)",
        "✔ Kustomization/flux-system/infra finalizers deleted (dry run)",
        "✔ CustomResourceDefinition/kustomizations.kustomize.toolkit.fluxcd.io deleted (dry run)",
    ]),
];

/// After the controllers were stopped, as their pods are in the first step.
#[rustfmt::skip]
pub(super) const UNINSTALL: &[Step] = &[
    Run("flux uninstall --silent", 0, &["✔ Kustomization/flux-system/infra finalizers deleted", "✔ uninstall finished"]),
    Run("kubectl wait --for=delete crd/kustomizations.kustomize.toolkit.fluxcd.io namespace/flux-system --timeout=30s", 0, &[]),
    Run("kubectl get configmap infra -n demo", 0, &["infra 1"]),
];

const FLEET: &str = "apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fleet, namespace: flux-system}
spec: {interval: 5m, url: '{url}', ref: {branch: main}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: infra, namespace: flux-system}
spec:
  {interval: 10m, path: ./infra, prune: true, wait: true, sourceRef: {kind: GitRepository, name: fleet}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  {interval: 10m, path: ./apps, prune: true, dependsOn: [{name: infra}], sourceRef: {kind: GitRepository, name: fleet},
   postBuild: {substitute: {cluster: one}}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: broken, namespace: flux-system}
spec:
  {interval: 10m, path: ./broken, prune: true, dependsOn: [{name: infra}], sourceRef: {kind: GitRepository, name: fleet}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: after-broken, namespace: flux-system}
spec:
  {interval: 10m, path: ./apps, prune: true, dependsOn: [{name: broken}], sourceRef: {kind: GitRepository, name: fleet}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: slow, namespace: flux-system}
spec:
  {interval: 10m, path: ./slow, prune: true, wait: true, timeout: 3s, dependsOn: [{name: infra}],
   sourceRef: {kind: GitRepository, name: fleet}}
";

const INFRA: &str = "apiVersion: v1
kind: Namespace
metadata: {name: demo}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: infra, namespace: demo}
data: {a: '1'}
";

const APPS: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: app, namespace: demo}
data: {v: '${cluster}'}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: demo}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.example.com/web}]}
";

const BROKEN: &str = "apiVersion: v1
kind: Service
metadata: {name: bad, namespace: demo}
spec: {ports: [{port: 99999}]}
";

// Nothing runs pods here: it is never ready.
const SLOW: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: slow, namespace: demo}
spec:
  replicas: 1
  selector: {matchLabels: {app: slow}}
  template:
    metadata: {labels: {app: slow}}
    spec: {containers: [{name: slow, image: registry.example.com/slow}]}
";

const MORE: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: more, namespace: demo}
data: {colour: green}
";

const MORE_RED: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: more, namespace: demo}
data: {colour: red}
";

const MADE: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: made, namespace: demo}
";
