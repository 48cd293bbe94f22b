//! Kustomizations of every sort, and two revisions of what they apply.

use serde_json::{Value, json};

use super::corners::{self, Corner};

/// The namespace of everything.
pub(super) const NAMESPACE: &str = "takeover";

/// Files by path; `NS` in a text is the namespace.
pub(super) type Files = [(&'static str, &'static str)];

/// What the Kustomizations refer to and nobody reconciles.
pub(super) const FOUNDATION: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: variables, namespace: takeover}
data: {color: blue, size: '7'}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: nobody, namespace: takeover}
";

const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: example.com/web:1
        ports: [{containerPort: 80}]
        env: [{name: A, value: a}, {name: B, value: b}]
        resources: {requests: {cpu: '0.5', memory: 1024Mi}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 80}]}
";

const DEPLOYMENT_2: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web, tier: front}}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: example.com/web:2
        ports: [{containerPort: 8080}]
        env: [{name: B, value: c}]
        resources: {requests: {cpu: 500m, memory: 2Gi}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
";

/// Never healthy: nothing runs its pod.
const WAITING: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: waiting}
spec:
  selector: {matchLabels: {app: waiting}}
  template:
    metadata: {labels: {app: waiting}}
    spec: {containers: [{name: web, image: 'example.com/web:1'}]}
";

const KINDS: &str = "
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: state}
spec:
  replicas: 0
  serviceName: state
  selector: {matchLabels: {app: state}}
  template:
    metadata: {labels: {app: state}}
    spec: {containers: [{name: a, image: 'example.com/a:1'}]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: each}
spec:
  selector: {matchLabels: {app: each}}
  template:
    metadata: {labels: {app: each}}
    spec: {containers: [{name: a, image: 'example.com/a:1'}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: '0 3 * * *'
  suspend: true
  jobTemplate:
    spec:
      template:
        spec: {restartPolicy: Never, containers: [{name: a, image: 'example.com/a:1'}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: scale}
spec:
  minReplicas: 1
  maxReplicas: 3
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: none}
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: budget}
spec: {minAvailable: 1, selector: {matchLabels: {app: state}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: in}
spec:
  rules:
  - host: example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: net}
spec: {podSelector: {}, policyTypes: [Ingress]}
---
apiVersion: v1
kind: Secret
metadata: {name: secret}
stringData: {password: '1'}
";

const RIGHTS: &str = "
apiVersion: v1
kind: ServiceAccount
metadata: {name: app}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: 'app:reader'}
rules: [{apiGroups: [''], resources: [configmaps], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: app}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: 'app:reader'}
subjects: [{kind: ServiceAccount, name: app, namespace: NS}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: 'NS:reader'}
rules: [{apiGroups: [''], resources: [configmaps], verbs: [get]}]
";

const ELSEWHERE: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: NS-more}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: elsewhere, namespace: NS-more}
data: {v: '1'}
";

const DEFINITION: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.NS.example.com}
spec:
  group: NS.example.com
  scope: Namespaced
  names: {kind: Thing, plural: things}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: NS.example.com/v1
kind: Thing
metadata: {name: thing, namespace: NS}
spec: {v: 1, list: [1, 2]}
";

const MARKED: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: merged, annotations: {kustomize.toolkit.fluxcd.io/ssa: Merge}}
data: {v: '1'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: once, annotations: {kustomize.toolkit.fluxcd.io/ssa: IfNotPresent}}
data: {v: '1'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: stays, annotations: {kustomize.toolkit.fluxcd.io/prune: disabled}}
data: {v: '1'}
---
apiVersion: v1
kind: Secret
metadata: {name: fixed, annotations: {kustomize.toolkit.fluxcd.io/force: enabled}}
immutable: true
stringData: {v: '1'}
";

const MARKED_2: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: merged, annotations: {kustomize.toolkit.fluxcd.io/ssa: Merge}}
data: {w: '2'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: once, annotations: {kustomize.toolkit.fluxcd.io/ssa: IfNotPresent}}
data: {v: '2'}
---
apiVersion: v1
kind: Secret
metadata: {name: fixed, annotations: {kustomize.toolkit.fluxcd.io/force: enabled}}
immutable: true
stringData: {v: '2'}
";

const GENERATED: &str = "
namespace: takeover
configMapGenerator: [{name: generated, literals: [v=1]}]
secretGenerator: [{name: hidden, literals: [v=1]}]
";
const GENERATED_2: &str = "
namespace: takeover
configMapGenerator: [{name: generated, literals: [v=2]}]
secretGenerator: [{name: hidden, literals: [v=1]}]
";
const VARIABLES: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: painted, annotations: {where: '${where:=nowhere}'}}
data: {color: '${color}', size: 's${size}', kind: '${kind:-small}'}
";
const INVALID: &str =
    "apiVersion: v1\nkind: Service\nmetadata: {name: bad}\nspec: {ports: [{port: 0}]}\n";
const MISSING: &str = "resources: [missing.yaml]\n";
const UNKNOWN: &str = "apiVersion: none.example.com/v1\nkind: Nothing\nmetadata: {name: x}\n";

/// The first revision.
pub(super) const FIRST: [(&str, &str); 24] = [
    (
        "plain/a.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain-a}\ndata: {v: '1'}\n",
    ),
    (
        "plain/b.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain-b}\ndata: {v: '1'}\n",
    ),
    ("web/web.yaml", DEPLOYMENT),
    ("waiting/web.yaml", WAITING),
    ("patched/web.yaml", DEPLOYMENT),
    ("painted/map.yaml", VARIABLES),
    (
        "base/map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: base}\ndata: {v: '1'}\n",
    ),
    (
        "above/map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: above}\ndata: {v: '1'}\n",
    ),
    ("kinds/all.yaml", KINDS),
    ("rights/all.yaml", RIGHTS),
    ("elsewhere/all.yaml", ELSEWHERE),
    ("things/all.yaml", DEFINITION),
    ("marked/all.yaml", MARKED),
    ("generated/kustomization.yaml", GENERATED),
    (
        "suspended/map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: suspended}\ndata: {v: '1'}\n",
    ),
    (
        "kept/a.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept-a}\ndata: {v: '1'}\n",
    ),
    (
        "kept/b.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept-b}\ndata: {v: '1'}\n",
    ),
    ("broken/kustomization.yaml", MISSING),
    (
        "invalid/map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: invalid}\ndata: {v: '1'}\n",
    ),
    ("invalid/service.yaml", INVALID),
    ("unknown/x.yaml", UNKNOWN),
    (
        "nobody/map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: nobody}\ndata: {v: '1'}\n",
    ),
    (
        "heals/map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: heals}\ndata: {v: '1'}\n",
    ),
    (
        "breaks/map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: breaks}\ndata: {v: '1'}\n",
    ),
];

/// What the second revision changes.
pub(super) const SECOND: [(&str, &str); 12] = [
    (
        "plain/a.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain-a, labels: {new: x}}\ndata: {w: '2'}\n",
    ),
    (
        "plain/c.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain-c}\ndata: {v: '1'}\n",
    ),
    ("web/web.yaml", DEPLOYMENT_2),
    ("patched/web.yaml", DEPLOYMENT_2),
    (
        "base/map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: base}\ndata: {v: '2'}\n",
    ),
    (
        "above/map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: above-2}\ndata: {v: '2'}\n",
    ),
    ("marked/all.yaml", MARKED_2),
    ("generated/kustomization.yaml", GENERATED_2),
    (
        "suspended/map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: suspended}\ndata: {v: '2'}\n",
    ),
    ("broken/kustomization.yaml", "resources: []\n"),
    (
        "invalid/service.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: valid}\ndata: {v: '1'}\n",
    ),
    ("breaks/kustomization.yaml", MISSING),
];

/// What the second revision has no more.
pub(super) const GONE: [&str; 2] = ["plain/b.yaml", "kept/b.yaml"];

/// All Kustomizations.
pub(super) fn kustomizations() -> Vec<Value> {
    let dependency = |name: &str| json!({"dependsOn": [{"name": name}]});
    let check = |name: &str| json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": name, "namespace": NAMESPACE});
    let patches = json!([
        {"patch": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, annotations: {patched: x}}\n"},
        {"patch": "- {op: add, path: /spec/minReadySeconds, value: 3}", "target": {"kind": "Deployment"}},
    ]);
    let patched = json!({
        "patches": patches, "namePrefix": "a-", "nameSuffix": "-z",
        "images": [{"name": "example.com/web", "newName": "example.com/other", "newTag": "9"}],
        "commonMetadata": {"labels": {"team": "red"}, "annotations": {"note": "n"}},
    });
    let variables = json!({"postBuild": {
        "substitute": {"size": "8"}, "substituteFrom": [{"kind": "ConfigMap", "name": "variables"}],
    }});
    let things = json!({"wait": true, "healthCheckExprs": [{
        "apiVersion": "takeover.example.com/v1", "kind": "Thing", "current": "spec.v == 1",
    }]});
    [
        ("plain", json!({})),
        ("web", json!({"wait": true})),
        ("patched", patched),
        ("painted", variables),
        ("base", json!({"healthChecks": [check("web")]})),
        ("above", dependency("base")),
        ("kinds", json!({})),
        ("rights", json!({})),
        ("elsewhere", json!({"targetNamespace": null})),
        ("things", things),
        ("marked", json!({})),
        ("generated", json!({"targetNamespace": null})),
        ("suspended", json!({"suspend": true})),
        ("kept", json!({"prune": false})),
        ("waiting", json!({"wait": true, "timeout": "30s"})),
        ("broken", json!({})),
        ("invalid", json!({})),
        ("unknown", json!({})),
        ("nobody", json!({"serviceAccountName": "nobody"})),
        ("breaks", json!({})),
        ("heals", json!({"deletionPolicy": "Orphan"})),
        (
            "no-source",
            json!({"sourceRef": {"kind": "GitRepository", "name": "none"}}),
        ),
        ("no-path", json!({"path": "./none"})),
        ("no-dependency", dependency("none")),
    ]
    .into_iter()
    .chain(corners::ALL.iter().map(|it| (it.name, it.spec())))
    .map(|(name, spec)| kustomization(name, spec))
    .collect()
}

/// The files of corners in the first revision, and those that the second changes.
pub(super) fn corner_files(is_second: bool) -> Vec<(String, String)> {
    let file = |corner: &Corner| {
        let text = match is_second {
            false => corner.first.to_owned(),
            true => corner.second?.replace("app: NAME", "app: NAME-2"),
        };
        let text = text.replace("NAME", corner.name);
        Some((format!("{}/all.yaml", corner.name), text))
    };
    corners::ALL.iter().filter_map(file).collect()
}

fn kustomization(name: &str, more: Value) -> Value {
    let mut spec = json!({
        "interval": "1h", "retryInterval": "1h", "prune": true, "path": format!("./{name}"),
        "targetNamespace": NAMESPACE, "sourceRef": {"kind": "GitRepository", "name": "fleet"},
    });
    if let (Value::Object(spec), Value::Object(more)) = (&mut spec, more) {
        spec.extend(more);
        spec.retain(|_, value| !value.is_null());
    }
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec,
    })
}
