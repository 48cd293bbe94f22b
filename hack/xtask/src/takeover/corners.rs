//! Corners: what few write, and what both must make the same of.

use serde_json::{Value, json};

/// A Kustomization whose folder has one file: its name, the file, and what that becomes in the second revision.
pub(super) struct Corner {
    pub(super) name: &'static str,
    pub(super) first: &'static str,
    pub(super) second: Option<&'static str>,
    spec: fn() -> Value,
}

const fn corner(name: &'static str, first: &'static str) -> Corner {
    Corner {
        name,
        first,
        second: None,
        spec: || json!({}),
    }
}

const fn changed(name: &'static str, first: &'static str, second: &'static str) -> Corner {
    Corner {
        second: Some(second),
        ..corner(name, first)
    }
}

impl Corner {
    /// What is merged over the usual spec.
    pub(super) fn spec(&self) -> Value {
        (self.spec)()
    }
}

const SELECTOR: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  replicas: 0
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME, v: '1'}}
    spec: {containers: [{name: a, image: 'example.com/a:1'}]}
";

/// All of them.
pub(super) const ALL: &[Corner] = &[
    changed(
        "x-case",
        "
apiVersion: v1
kind: ConfigMap
metadata: {name: case-kept, annotations: {kustomize.toolkit.fluxcd.io/prune: Disabled}}
data: {v: '1'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: case-left, annotations: {kustomize.toolkit.fluxcd.io/reconcile: DISABLED}}
data: {v: '1'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: case-merged, labels: {kustomize.toolkit.fluxcd.io/ssa: merge}}
data: {v: '1'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: case-once, labels: {kustomize.toolkit.fluxcd.io/ssa: ifnotpresent}}
data: {v: '1'}
---
apiVersion: v1
kind: Secret
metadata: {name: case-fixed, labels: {kustomize.toolkit.fluxcd.io/force: Enabled}}
immutable: true
stringData: {v: '1'}
",
        "
apiVersion: v1
kind: ConfigMap
metadata: {name: case-merged, labels: {kustomize.toolkit.fluxcd.io/ssa: merge}}
data: {w: '2'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: case-once, labels: {kustomize.toolkit.fluxcd.io/ssa: ifnotpresent}}
data: {v: '2'}
---
apiVersion: v1
kind: Secret
metadata: {name: case-fixed, labels: {kustomize.toolkit.fluxcd.io/force: Enabled}}
immutable: true
stringData: {v: '2'}
",
    ),
    corner(
        "x-lists",
        "
apiVersion: v1
kind: ConfigMapList
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: list-a}, data: {v: '1'}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: list-b}, data: {v: '1'}}
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: List
  items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: list-c}, data: {v: '1'}}]
",
    ),
    Corner {
        spec: || json!({"targetNamespace": null}),
        ..corner(
            "x-nowhere",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: nowhere, namespace: is-not-there}\ndata: {v: '1'}\n",
        )
    },
    Corner {
        spec: || json!({"targetNamespace": null}),
        ..corner(
            "x-unnamed",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: unnamed}\ndata: {v: '1'}\n",
        )
    },
    changed("x-selector", SELECTOR, SELECTOR),
    Corner {
        spec: || json!({"force": true}),
        ..changed("x-forced", SELECTOR, SELECTOR)
    },
    changed(
        "x-exported",
        "
apiVersion: v1
kind: ConfigMap
metadata:
  name: exported
  uid: 4b2c6f0e-8d53-4f0b-9e0a-000000000001
  resourceVersion: '123'
  generation: 4
  creationTimestamp: '2020-01-01T00:00:00Z'
  selfLink: /api/v1/x
data: {v: '1'}
",
        "
apiVersion: v1
kind: ConfigMap
metadata:
  name: exported
  resourceVersion: '123'
  creationTimestamp: '2020-01-01T00:00:00Z'
data: {v: '2'}
",
    ),
    corner(
        "x-managed",
        "
apiVersion: v1
kind: ConfigMap
metadata:
  name: managed
  managedFields: [{manager: x, operation: Update, apiVersion: v1, fieldsType: FieldsV1, fieldsV1: {'f:data': {}}}]
data: {v: '1'}
",
    ),
    corner(
        "x-number",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: number}\ndata: {v: 1}\n",
    ),
    corner(
        "x-label",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: label, labels: {a: 1}}\ndata: {v: '1'}\n",
    ),
    changed(
        "x-nulls",
        "
apiVersion: v1
kind: ConfigMap
metadata: {name: nulls, annotations: null, labels: {}}
data: null
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: nulls}
spec:
  replicas: null
  selector: {matchLabels: {app: nulls}}
  strategy: null
  template:
    metadata: {labels: {app: nulls}, creationTimestamp: null}
    spec:
      nodeSelector: null
      containers: [{name: a, image: 'example.com/a:1', env: null, resources: {}}]
",
        "
apiVersion: v1
kind: ConfigMap
metadata: {name: nulls}
data: {v: '1', w: null}
",
    ),
    corner(
        "x-twice",
        "
apiVersion: apps/v1
kind: Deployment
metadata: {name: twice}
spec:
  selector: {matchLabels: {app: twice}}
  template:
    metadata: {labels: {app: twice}}
    spec: {containers: [{name: a, image: 'example.com/a:1', env: [{name: A, value: a}, {name: A, value: b}]}]}
",
    ),
    changed(
        "x-ports",
        "
apiVersion: v1
kind: Service
metadata: {name: ports}
spec:
  selector: {app: a}
  ports: [{name: tcp, port: 53}, {name: udp, port: 53, protocol: UDP}]
---
apiVersion: v1
kind: Service
metadata: {name: external}
spec: {type: ExternalName, externalName: example.com}
",
        "
apiVersion: v1
kind: Service
metadata: {name: ports}
spec:
  selector: {app: a}
  ports: [{name: udp, port: 53, protocol: UDP}]
---
apiVersion: v1
kind: Service
metadata: {name: external}
spec: {type: ClusterIP, clusterIP: None, ports: [{port: 80}]}
",
    ),
    corner(
        "x-quantities",
        "
apiVersion: apps/v1
kind: Deployment
metadata: {name: quantities}
spec:
  replicas: 0
  selector: {matchLabels: {app: quantities}}
  template:
    metadata: {labels: {app: quantities}}
    spec:
      containers:
      - name: a
        image: example.com/a:1
        resources: {limits: {cpu: 2, memory: 1.5Gi}, requests: {cpu: .1, memory: 1e3}}
        livenessProbe: {httpGet: {path: /, port: '8080'}}
",
    ),
    corner(
        "x-gone-version",
        "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: gone}\nspec: {minAvailable: 1}\n",
    ),
    corner(
        "x-secret",
        "
apiVersion: v1
kind: Secret
metadata: {name: overlap}
data: {a: MQ==, b: Mg==}
stringData: {a: '3'}
---
apiVersion: v1
kind: Secret
metadata: {name: tls}
type: kubernetes.io/tls
stringData: {tls.crt: x}
",
    ),
    corner(
        "x-base64",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: base64}\ndata: {a: 'not base64'}\n",
    ),
    corner(
        "x-ingress",
        "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: ingress}
spec: {rules: [{host: example.com, http: {paths: [{path: /, backend: {service: {name: a, port: {number: 80}}}}]}}]}
",
    ),
    corner(
        "x-classes",
        "
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: x-classes}
value: 7
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: x-classes}
spec: {controller: example.com/x}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: classes}
data: {v: '1'}
",
    ),
    Corner {
        spec: || {
            json!({"timeout": "30s", "healthChecks": [
                {"apiVersion": "v1", "kind": "ConfigMap", "name": "nobody-made-it", "namespace": "takeover"}]})
        },
        ..corner(
            "x-check",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: check}\ndata: {v: '1'}\n",
        )
    },
    Corner {
        spec: || json!({"dependsOn": [{"name": "x-circle-b"}]}),
        ..corner(
            "x-circle-a",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: circle-a}\ndata: {v: '1'}\n",
        )
    },
    Corner {
        spec: || json!({"dependsOn": [{"name": "x-circle-a"}]}),
        ..corner(
            "x-circle-b",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: circle-b}\ndata: {v: '1'}\n",
        )
    },
    Corner {
        spec: || json!({"postBuild": {"substituteFrom": [{"kind": "Secret", "name": "none", "optional": true}], "substitute": {"a": "1"}}}),
        ..corner(
            "x-optional",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: optional}\ndata: {v: 'n${a}', w: '${b:-x}', '${a}': k}\n",
        )
    },
    Corner {
        spec: || json!({"postBuild": {"substituteFrom": [{"kind": "ConfigMap", "name": "none"}]}}),
        ..corner(
            "x-required",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: required}\ndata: {v: '${a}'}\n",
        )
    },
    Corner {
        spec: || json!({"postBuild": {"substitute": {"a": "1"}}}),
        ..corner(
            "x-typed",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: typed}\ndata: {v: '${a}'}\n",
        )
    },
    Corner {
        spec: || {
            json!({"commonMetadata": {"labels": {"a": "b"}}})
        },
        ..corner(
            "x-owner",
            "
apiVersion: v1
kind: ConfigMap
metadata: {name: owner, labels: {a: c}}
data: {v: '1'}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: x-owner, namespace: elsewhere}
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: x-owner}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: x-owner}
subjects: [{kind: ServiceAccount, name: default}]
",
        )
    },
    Corner {
        spec: || json!({"prune": false, "components": ["../none"]}),
        ..corner(
            "x-component",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: component}\ndata: {v: '1'}\n",
        )
    },
    Corner {
        spec: || json!({"patches": [{"patch": "- {op: remove, path: /data/none}", "target": {"kind": "ConfigMap"}}]}),
        ..corner(
            "x-patch",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: patch}\ndata: {v: '1'}\n",
        )
    },
    Corner {
        spec: || json!({"patches": [{"patch": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: none}\ndata: {a: b}\n"}]}),
        ..corner(
            "x-patch-none",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: patch-none}\ndata: {v: '1'}\n",
        )
    },
];
