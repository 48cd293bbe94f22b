//! The default fields, told as rules: where each workload keeps its pod, and what in a pod refers to
//! or carries what.
//!
//! Source: kustomize api v0.21 `internal/konfig/builtinpluginconsts`.

use super::{NameReference, TransformerConfig};
use crate::field_spec::FieldSpec;
use crate::id::Gvk;

/// Group, version and kind; empty parts fit all.
type Kinds = (&'static str, &'static str, &'static str);

/// Where each kind keeps its pod spec, as references to config maps and secrets know it.
const POD_SPECS: [(Kinds, &str); 8] = [
    (("", "v1", "Pod"), "spec"),
    (("", "", "PodTemplate"), "template/spec"),
    (("", "", "Deployment"), "spec/template/spec"),
    (("", "", "ReplicaSet"), "spec/template/spec"),
    (("", "", "DaemonSet"), "spec/template/spec"),
    (("", "", "StatefulSet"), "spec/template/spec"),
    (("", "", "Job"), "spec/template/spec"),
    (("", "", "CronJob"), "spec/jobTemplate/spec/template/spec"),
];

/// The same, as references to accounts, claims and priorities know it.
const WORKLOADS: [(Kinds, &str); 7] = [
    (("", "", "Pod"), "spec"),
    (("", "", "StatefulSet"), "spec/template/spec"),
    (("", "", "Deployment"), "spec/template/spec"),
    (("", "", "ReplicationController"), "spec/template/spec"),
    (("", "", "CronJob"), "spec/jobTemplate/spec/template/spec"),
    (("", "", "Job"), "spec/template/spec"),
    (("", "", "DaemonSet"), "spec/template/spec"),
];

/// The same, as variables know it.
const WITH_VARIABLES: [(Kinds, &str); 7] = [
    (("", "", "CronJob"), "spec/jobTemplate/spec/template/spec"),
    (("", "", "DaemonSet"), "spec/template/spec"),
    (("", "", "Deployment"), "spec/template/spec"),
    (("", "", "Job"), "spec/template/spec"),
    (("", "", "Pod"), "spec"),
    (("", "", "ReplicaSet"), "spec/template/spec"),
    (("", "", "StatefulSet"), "spec/template/spec"),
];

const CONFIG_MAP_IN_POD: [&str; 6] = [
    "volumes/configMap/name",
    "containers/env/valueFrom/configMapKeyRef/name",
    "initContainers/env/valueFrom/configMapKeyRef/name",
    "containers/envFrom/configMapRef/name",
    "initContainers/envFrom/configMapRef/name",
    "volumes/projected/sources/configMap/name",
];

const SECRET_IN_POD: [&str; 7] = [
    "volumes/secret/secretName",
    "containers/env/valueFrom/secretKeyRef/name",
    "initContainers/env/valueFrom/secretKeyRef/name",
    "containers/envFrom/secretRef/name",
    "initContainers/envFrom/secretRef/name",
    "imagePullSecrets/name",
    "volumes/projected/sources/secret/name",
];

const VARIABLES_IN_CONTAINER: [&str; 4] =
    ["args", "command", "env/value", "volumeMounts/mountPath"];

const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";

fn spec((group, version, kind): Kinds, path: &str, create: bool) -> FieldSpec {
    let gvk = Gvk {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
    };
    FieldSpec::new(gvk, path, create)
}

fn specs(rows: &[(Kinds, &str)], create: bool) -> Vec<FieldSpec> {
    rows.iter()
        .map(|(kinds, path)| spec(*kinds, path, create))
        .collect()
}

/// Every pod path of every kind.
fn in_pods(kinds: &[(Kinds, &str)], paths: &[&str]) -> Vec<FieldSpec> {
    kinds
        .iter()
        .flat_map(|(kinds, pod)| {
            paths
                .iter()
                .map(move |path| spec(*kinds, &format!("{pod}/{path}"), false))
        })
        .collect()
}

/// The defaults, unsorted.
pub(super) fn config() -> TransformerConfig {
    let name = vec![FieldSpec::of_all("metadata/name", false)];
    TransformerConfig {
        name_prefix: name.clone(),
        name_suffix: name,
        namespace: vec![
            spec(("", "", "Namespace"), "metadata/name", true),
            spec(
                ("apiregistration.k8s.io", "", "APIService"),
                "spec/service/namespace",
                true,
            ),
            spec(
                ("apiextensions.k8s.io", "", "CustomResourceDefinition"),
                "spec/conversion/webhook/clientConfig/service/namespace",
                false,
            ),
        ],
        common_labels: common_labels(),
        labels: Vec::new(),
        template_labels: metadata_labels(),
        common_annotations: annotations(),
        name_reference: references(),
        var_reference: variables(),
        images: specs(
            &[
                (("", "", ""), "spec/containers[]/image"),
                (("", "", ""), "spec/initContainers[]/image"),
                (("", "", ""), "spec/volumes[]/image/reference"),
                (("", "", ""), "spec/template/spec/containers[]/image"),
                (("", "", ""), "spec/template/spec/initContainers[]/image"),
                (("", "", ""), "spec/template/spec/volumes[]/image/reference"),
            ],
            true,
        ),
        replicas: [
            "Deployment",
            "ReplicationController",
            "ReplicaSet",
            "StatefulSet",
        ]
        .map(|kind| spec(("", "", kind), "spec/replicas", true))
        .into(),
    }
}

fn metadata_labels() -> Vec<FieldSpec> {
    specs(
        &[
            (("", "", ""), "metadata/labels"),
            (
                ("", "v1", "ReplicationController"),
                "spec/template/metadata/labels",
            ),
            (("", "", "Deployment"), "spec/template/metadata/labels"),
            (("", "", "ReplicaSet"), "spec/template/metadata/labels"),
            (("", "", "DaemonSet"), "spec/template/metadata/labels"),
            (("apps", "", "StatefulSet"), "spec/template/metadata/labels"),
            (
                ("apps", "", "StatefulSet"),
                "spec/volumeClaimTemplates[]/metadata/labels",
            ),
            (("batch", "", "Job"), "spec/template/metadata/labels"),
            (("batch", "", "CronJob"), "spec/jobTemplate/metadata/labels"),
            (
                ("batch", "", "CronJob"),
                "spec/jobTemplate/spec/template/metadata/labels",
            ),
        ],
        true,
    )
}

fn common_labels() -> Vec<FieldSpec> {
    let mut fields = specs(
        &[
            (("", "v1", "Service"), "spec/selector"),
            (("", "v1", "ReplicationController"), "spec/selector"),
            (("", "", "Deployment"), "spec/selector/matchLabels"),
            (("", "", "ReplicaSet"), "spec/selector/matchLabels"),
            (("", "", "DaemonSet"), "spec/selector/matchLabels"),
            (("apps", "", "StatefulSet"), "spec/selector/matchLabels"),
        ],
        true,
    );
    for kind in ["Deployment", "StatefulSet"] {
        for group in ["podAffinity", "podAntiAffinity"] {
            let affinity = format!("spec/template/spec/affinity/{group}");
            for path in [
                "preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm",
                "requiredDuringSchedulingIgnoredDuringExecution",
            ] {
                let path = format!("{affinity}/{path}/labelSelector/matchLabels");
                fields.push(spec(("apps", "", kind), &path, false));
            }
        }
        let spread = "spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels";
        fields.push(spec(("apps", "", kind), spread, false));
    }
    let policy = ("networking.k8s.io", "", "NetworkPolicy");
    fields.extend(specs(
        &[
            (("batch", "", "Job"), "spec/selector/matchLabels"),
            (
                ("batch", "", "CronJob"),
                "spec/jobTemplate/spec/selector/matchLabels",
            ),
            (
                ("policy", "", "PodDisruptionBudget"),
                "spec/selector/matchLabels",
            ),
            (policy, "spec/podSelector/matchLabels"),
            (policy, "spec/ingress/from/podSelector/matchLabels"),
            (policy, "spec/egress/to/podSelector/matchLabels"),
        ],
        false,
    ));
    fields.extend(metadata_labels());
    fields
}

fn annotations() -> Vec<FieldSpec> {
    specs(
        &[
            (("", "", ""), "metadata/annotations"),
            (
                ("", "v1", "ReplicationController"),
                "spec/template/metadata/annotations",
            ),
            (("", "", "Deployment"), "spec/template/metadata/annotations"),
            (("", "", "ReplicaSet"), "spec/template/metadata/annotations"),
            (("", "", "DaemonSet"), "spec/template/metadata/annotations"),
            (
                ("", "", "StatefulSet"),
                "spec/template/metadata/annotations",
            ),
            (("batch", "", "Job"), "spec/template/metadata/annotations"),
            (
                ("batch", "", "CronJob"),
                "spec/jobTemplate/metadata/annotations",
            ),
            (
                ("batch", "", "CronJob"),
                "spec/jobTemplate/spec/template/metadata/annotations",
            ),
        ],
        true,
    )
}

fn variables() -> Vec<FieldSpec> {
    let mut fields = Vec::new();
    for (kinds, pod) in WITH_VARIABLES {
        for containers in ["containers", "initContainers"] {
            for path in VARIABLES_IN_CONTAINER {
                fields.push(spec(kinds, &format!("{pod}/{containers}/{path}"), false));
            }
        }
        // The original's path for cron jobs lacks a step; nothing is there.
        let pod = match kinds.2 {
            "CronJob" => "spec/jobTemplate/spec/template",
            _ => pod,
        };
        fields.push(spec(kinds, &format!("{pod}/volumes/nfs/server"), false));
    }
    fields.extend(specs(
        &[
            (("", "", "Deployment"), "spec/template/metadata/annotations"),
            (("", "", "Ingress"), "spec/rules/host"),
            (("", "", "Ingress"), "spec/tls/hosts"),
            (("", "", "Ingress"), "spec/tls/secretName"),
            (("", "", "Service"), "spec/ports/port"),
            (("", "", "Service"), "spec/ports/targetPort"),
            (
                ("", "", "StatefulSet"),
                "spec/volumeClaimTemplates/spec/nfs/server",
            ),
            (("", "", "PersistentVolume"), "spec/nfs/server"),
            (("", "", ""), "metadata/labels"),
            (("", "", ""), "metadata/annotations"),
        ],
        false,
    ));
    fields
}

fn reference((group, version, kind): Kinds, referrers: Vec<FieldSpec>) -> NameReference {
    NameReference {
        gvk: Gvk {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
        },
        referrers,
    }
}

fn references() -> Vec<NameReference> {
    let mut references: Vec<NameReference> = [
        "Deployment",
        "ReplicationController",
        "ReplicaSet",
        "StatefulSet",
    ]
    .into_iter()
    .map(|kind| {
        let scaler = ("", "", "HorizontalPodAutoscaler");
        let field = spec(scaler, "spec/scaleTargetRef/name", false);
        reference(("", "", kind), vec![field])
    })
    .collect();
    references.push(reference(("", "v1", "ConfigMap"), to_config_maps()));
    references.push(reference(("", "v1", "Secret"), to_secrets()));
    references.push(reference(("", "v1", "Service"), to_services()));
    references.extend(to_roles_and_accounts());
    references.extend(to_storage_and_others());
    references
}

fn to_config_maps() -> Vec<FieldSpec> {
    let mut fields = in_pods(&POD_SPECS, &CONFIG_MAP_IN_POD);
    fields.extend(specs(
        &[
            (("", "", "Node"), "spec/configSource/configMap"),
            (("", "", "Role"), "rules/resourceNames"),
            (("", "", "ClusterRole"), "rules/resourceNames"),
            (
                ("", "", "Ingress"),
                "metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap",
            ),
        ],
        false,
    ));
    fields
}

fn to_secrets() -> Vec<FieldSpec> {
    let mut fields = in_pods(&POD_SPECS, &SECRET_IN_POD);
    let ingress = ("", "", "Ingress");
    let class = ("", "", "StorageClass");
    fields.extend(specs(
        &[
            (ingress, "spec/tls/secretName"),
            (
                ingress,
                "metadata/annotations/ingress.kubernetes.io\\/auth-secret",
            ),
            (
                ingress,
                "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-secret",
            ),
            (
                ingress,
                "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-tls-secret",
            ),
            (("", "", "ServiceAccount"), "imagePullSecrets/name"),
            (class, "parameters/secretName"),
            (class, "parameters/adminSecretName"),
            (class, "parameters/userSecretName"),
            (class, "parameters/secretRef"),
            (("", "", "Role"), "rules/resourceNames"),
            (("", "", "ClusterRole"), "rules/resourceNames"),
            (
                ("serving.knative.dev", "v1", "Service"),
                "spec/template/spec/containers/env/valueFrom/secretKeyRef/name",
            ),
            (("", "", "PersistentVolume"), "spec/azureFile/secretName"),
        ],
        false,
    ));
    fields
}

fn to_services() -> Vec<FieldSpec> {
    let ingress = ("", "", "Ingress");
    specs(
        &[
            (("apps", "", "StatefulSet"), "spec/serviceName"),
            (ingress, "spec/rules/http/paths/backend/serviceName"),
            (ingress, "spec/backend/serviceName"),
            (ingress, "spec/rules/http/paths/backend/service/name"),
            (ingress, "spec/defaultBackend/service/name"),
            (
                ("apiregistration.k8s.io", "", "APIService"),
                "spec/service/name",
            ),
            (
                (ADMISSION, "", "ValidatingWebhookConfiguration"),
                "webhooks/clientConfig/service",
            ),
            (
                (ADMISSION, "", "MutatingWebhookConfiguration"),
                "webhooks/clientConfig/service",
            ),
        ],
        false,
    )
}

fn to_roles_and_accounts() -> [NameReference; 3] {
    let role = (RBAC, "", "RoleBinding");
    let cluster_role = (RBAC, "", "ClusterRoleBinding");
    let mut accounts = specs(&[(role, "subjects"), (cluster_role, "subjects")], false);
    accounts.extend(in_pods(&WORKLOADS, &["serviceAccountName"]));
    [
        reference((RBAC, "", "Role"), specs(&[(role, "roleRef/name")], false)),
        reference(
            (RBAC, "", "ClusterRole"),
            specs(
                &[(role, "roleRef/name"), (cluster_role, "roleRef/name")],
                false,
            ),
        ),
        reference(("", "v1", "ServiceAccount"), accounts),
    ]
}

fn to_storage_and_others() -> [NameReference; 6] {
    [
        reference(
            ("", "v1", "PersistentVolumeClaim"),
            in_pods(&WORKLOADS, &["volumes/persistentVolumeClaim/claimName"]),
        ),
        reference(
            ("", "v1", "PersistentVolume"),
            specs(
                &[
                    (("", "", "PersistentVolumeClaim"), "spec/volumeName"),
                    (("", "", "ClusterRole"), "rules/resourceNames"),
                ],
                false,
            ),
        ),
        reference(
            ("storage.k8s.io", "v1", "StorageClass"),
            specs(
                &[
                    (("", "", "PersistentVolume"), "spec/storageClassName"),
                    (("", "", "PersistentVolumeClaim"), "spec/storageClassName"),
                    (
                        ("", "", "StatefulSet"),
                        "spec/volumeClaimTemplates/spec/storageClassName",
                    ),
                ],
                false,
            ),
        ),
        reference(
            ("scheduling.k8s.io", "v1", "PriorityClass"),
            in_pods(&WORKLOADS, &["priorityClassName"]),
        ),
        // The original's group is mistyped, so that it fits nothing; users rely on the outcome.
        reference(
            ("networking.k8s.io/v1", "v1", "IngressClass"),
            specs(&[(("", "", "Ingress"), "spec/ingressClassName")], false),
        ),
        reference(
            (ADMISSION, "", "ValidatingAdmissionPolicy"),
            specs(
                &[(
                    (ADMISSION, "", "ValidatingAdmissionPolicyBinding"),
                    "spec/policyName",
                )],
                false,
            ),
        ),
    ]
}
