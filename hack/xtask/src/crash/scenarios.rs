//! What the controller does while it is killed.

use serde_json::{Value, json};

/// A file of the repository: its path, and its text with `NS` for the namespace of the case.
pub(super) type File = (&'static str, &'static str);

/// What sets off the writes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    /// The Kustomization is created.
    Create,
    /// These files become so, and those go.
    Commit(&'static [File], &'static [&'static str]),
    /// The Kustomization is deleted.
    Delete,
    /// Objects are changed and deleted behind its back.
    Edit(&'static [Edit]),
}

/// A change that somebody makes by hand: a path under the namespace, and a merge patch; a deletion without one.
pub(super) type Edit = (&'static str, Option<&'static str>);

/// A piece of work, and what is there before it.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    /// The first revision.
    pub(super) files: &'static [File],
    /// Merged over the spec of the Kustomization.
    pub(super) spec: Value,
    /// What is done by hand before, as with kubectl.
    pub(super) before: &'static [Edit],
    pub(super) act: Act,
    /// How many milliseconds the API server takes for each write.
    pub(super) pause: u64,
}

const CONFIG_A: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {v: '1'}\n";
const CONFIG_A2: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {v: '2'}\n";
const CONFIG_B: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {v: '1'}\n";
const CONFIG_C: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {v: '1'}\n";
const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {v: '1'}\n";
const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n";
const ACCOUNT: &str = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n";
const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 0\n  \
    selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    \
    spec: {containers: [{name: web, image: 'example.com/web:1'}]}\n";
const DEPLOYMENT_2: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 0\n  \
    selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    \
    spec: {containers: [{name: web, image: 'example.com/web:2'}]}\n";
const NAMESPACE: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: NS-more}\n";
const ROLE: &str = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: NS}\n\
    rules: [{apiGroups: [''], resources: [configmaps], verbs: [get]}]\n";
const CLASS: &str =
    "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: NS}\nvalue: 5\n";
const DEFINITION: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
    metadata: {name: things.NS.example.com}\nspec:\n  group: NS.example.com\n  scope: Namespaced\n  \
    names: {kind: Thing, plural: things}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    \
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}\n";
const THING: &str =
    "apiVersion: NS.example.com/v1\nkind: Thing\nmetadata: {name: thing}\nspec: {v: 1}\n";
/// A Secret that never changes but by being made anew.
const FIXED: &str = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: fixed\n  annotations: {kustomize.toolkit.fluxcd.io/force: enabled}\n\
    immutable: true\nstringData: {v: '1'}\n";
const FIXED_2: &str = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: fixed\n  annotations: {kustomize.toolkit.fluxcd.io/force: enabled}\n\
    immutable: true\nstringData: {v: '2'}\n";
/// No API server takes it.
const INVALID: &str =
    "apiVersion: v1\nkind: Service\nmetadata: {name: bad}\nspec: {ports: [{port: 0}]}\n";

const PLAIN: &[File] = &[
    ("a.yaml", CONFIG_A),
    ("b.yaml", CONFIG_B),
    ("s.yaml", SECRET),
    ("service.yaml", SERVICE),
    ("web.yaml", DEPLOYMENT),
];
const STAGES: &[File] = &[
    ("a.yaml", CONFIG_A),
    ("s.yaml", SECRET),
    ("account.yaml", ACCOUNT),
    ("service.yaml", SERVICE),
    ("web.yaml", DEPLOYMENT),
    ("namespace.yaml", NAMESPACE),
    ("role.yaml", ROLE),
    ("class.yaml", CLASS),
    ("definition.yaml", DEFINITION),
    ("thing.yaml", THING),
];

/// Changes, makes anew, adds and takes away.
const UPGRADE: Act = Act::Commit(
    &[
        ("a.yaml", CONFIG_A2),
        ("c.yaml", CONFIG_C),
        ("web.yaml", DEPLOYMENT_2),
        ("fixed.yaml", FIXED_2),
    ],
    &["b.yaml"],
);
const UPGRADED: &[File] = &[
    ("a.yaml", CONFIG_A),
    ("b.yaml", CONFIG_B),
    ("web.yaml", DEPLOYMENT),
    ("fixed.yaml", FIXED),
];
const PRUNE: Act = Act::Commit(&[], &["b.yaml", "s.yaml", "service.yaml", "web.yaml"]);
const BY_HAND: &[Edit] = &[
    (
        "api/v1/namespaces/NS/configmaps/a",
        Some(r#"{"data":{"v":"9"}}"#),
    ),
    ("api/v1/namespaces/NS/configmaps/b", None),
    (
        "apis/apps/v1/namespaces/NS/deployments/web",
        Some(r#"{"spec":{"replicas":1}}"#),
    ),
];

/// All scenarios, in the order of the table.
pub(super) fn all() -> Vec<Scenario> {
    fast().into_iter().chain(slow()).collect()
}

fn plain(name: &'static str, act: Act) -> Scenario {
    Scenario {
        name,
        files: PLAIN,
        spec: json!({}),
        before: &[],
        act,
        pause: 0,
    }
}

fn fast() -> Vec<Scenario> {
    vec![
        Scenario {
            files: STAGES,
            spec: json!({"wait": true}),
            ..plain("install", Act::Create)
        },
        Scenario {
            files: UPGRADED,
            before: &[(
                "api/v1/namespaces/NS/configmaps/a",
                Some(r#"{"data":{"theirs":"x"}}"#),
            )],
            ..plain("upgrade", UPGRADE)
        },
        plain("prune", PRUNE),
        plain("delete", Act::Delete),
        Scenario {
            spec: json!({"deletionPolicy": "WaitForTermination"}),
            ..plain("delete and wait", Act::Delete)
        },
        plain("drift", Act::Edit(BY_HAND)),
        Scenario {
            files: &[("namespace.yaml", NAMESPACE), ("a.yaml", CONFIG_A)],
            spec: json!({"retryInterval": "1h"}),
            ..plain(
                "failing stage",
                Act::Commit(&[("bad.yaml", INVALID), ("role.yaml", ROLE)], &["a.yaml"]),
            )
        },
    ]
}

/// The API server takes its time, so that progress is stored in between.
fn slow() -> Vec<Scenario> {
    vec![
        Scenario {
            pause: 400,
            ..plain("slow install", Act::Create)
        },
        Scenario {
            files: UPGRADED,
            pause: 400,
            ..plain("slow upgrade", UPGRADE)
        },
        Scenario {
            pause: 400,
            ..plain("slow prune", PRUNE)
        },
    ]
}
