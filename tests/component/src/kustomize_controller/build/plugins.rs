//! Every built-in plugin, its configuration written into the kustomization or into a file of its own.

use anyhow::{Context as _, Result, ensure};
use harness::Namespace;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use serde_json::{Value, json};

use crate::fixture::{Loop, inventory};

/// Kind and configuration of the generators.
const GENERATORS: [(&str, &str); 2] = [
    (
        "ConfigMapGenerator",
        "name: made\nliterals: [k=v]\noptions: {disableNameSuffixHash: true}\n",
    ),
    (
        "SecretGenerator",
        "name: made\nliterals: [k=v]\noptions: {disableNameSuffixHash: true}\n",
    ),
];

/// Kind and configuration of the transformers, in their order.
const TRANSFORMERS: [(&str, &str); 10] = [
    (
        "AnnotationsTransformer",
        "annotations: {note: here}\nfieldSpecs: [{path: metadata/annotations, create: true}]\n",
    ),
    (
        "LabelTransformer",
        "labels: {team: blue}\nfieldSpecs: [{path: metadata/labels, create: true}]\n",
    ),
    (
        "PatchJson6902Transformer",
        "target: {version: v1, kind: ConfigMap, name: settings}\n\
         jsonOp: '[{\"op\": \"replace\", \"path\": \"/data/v\", \"value\": \"new\"}]'\n",
    ),
    (
        "ReplacementTransformer",
        "replacements:\n\
         - source: {kind: ConfigMap, name: settings, fieldPath: data.v}\n\
         \x20 targets:\n\
         \x20 - {select: {kind: Deployment}, fieldPaths: [metadata.annotations.copied], options: {create: true}}\n",
    ),
    (
        "PatchTransformer",
        "patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {more: patched}}'\n",
    ),
    (
        "PatchStrategicMergeTransformer",
        "patches: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {minReadySeconds: 7}}'\n",
    ),
    (
        "ImageTagTransformer",
        "imageTag: {name: nginx, newTag: '2'}\nfieldSpecs: [{path: 'spec/template/spec/containers[]/image'}]\n",
    ),
    (
        "ReplicaCountTransformer",
        "replica: {name: web, count: 0}\nfieldSpecs: [{path: spec/replicas, create: true, kind: Deployment}]\n",
    ),
    (
        "NamespaceTransformer",
        "fieldSpecs: [{path: metadata/namespace, create: true}]\n",
    ),
    (
        "PrefixTransformer",
        "prefix: PREFIX-\nfieldSpecs: [{path: metadata/name}]\n",
    ),
];

const RESOURCES: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {v: old}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: 'nginx:1'}]}
";

/// The folder `prefix` of the repository, with configurations inline or in files.
fn folder(prefix: &str, namespace: &str, inline: bool) -> Vec<(String, String)> {
    let mut files = vec![(format!("{prefix}/resources.yaml"), RESOURCES.to_owned())];
    let mut kustomization = String::from("resources: [resources.yaml]\n");
    let lists = [
        ("generators", &GENERATORS[..]),
        ("transformers", &TRANSFORMERS[..]),
    ];
    for (field, plugins) in lists {
        kustomization += &format!("{field}:\n");
        for (kind, config) in plugins {
            let config = format!(
                "apiVersion: builtin\nkind: {kind}\nmetadata: {{name: x, namespace: {namespace}}}\n{}",
                config.replace("PREFIX", prefix)
            );
            if inline {
                kustomization += &format!("- |\n  {}\n", config.trim_end().replace('\n', "\n  "));
            } else {
                kustomization += &format!("- {kind}.yaml\n");
                files.push((format!("{prefix}/{kind}.yaml"), config));
            }
        }
    }
    files.push((format!("{prefix}/kustomization.yaml"), kustomization));
    files
}

/// What the cluster holds of one folder.
async fn applied(namespace: &Namespace, prefix: &str) -> Result<Value> {
    let name = |name: &str| format!("{prefix}-{name}");
    let settings = namespace.api::<ConfigMap>().get(&name("settings")).await?;
    let made = namespace.api::<ConfigMap>().get(&name("made")).await?;
    let secret = namespace.api::<Secret>().get(&name("made")).await?;
    let web = namespace.api::<Deployment>().get(&name("web")).await?;
    let (labels, annotations) = (web.metadata.labels, web.metadata.annotations);
    let (labels, mut annotations) = (labels.unwrap_or_default(), annotations.unwrap_or_default());
    annotations.retain(|key, _| !key.contains('/'));
    let spec = web.spec.context("has a spec")?;
    let pod = spec.template.spec.context("has a pod")?;
    Ok(json!({
        "settings": settings.data, "made": made.data, "secret": secret.data,
        "team": labels.get("team"), "annotations": annotations,
        "replicas": spec.replicas, "seconds": spec.min_ready_seconds, "image": pod.containers[0].image,
    }))
}

#[tokio::test]
async fn every_plugin_does_inline_what_it_does_in_a_file() -> Result<()> {
    let all = Loop::start("plugins", &[("README.md", "Two folders.\n")]).await?;
    let namespace = all.namespace.name();
    let files: Vec<(String, String)> =
        [folder("a", namespace, true), folder("b", namespace, false)]
            .into_iter()
            .flatten()
            .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(a, b)| (&**a, &**b)).collect();
    let revision = all.push(&files, &[]).await?;
    let expected = json!({
        "settings": {"v": "new", "more": "patched"}, "made": {"k": "v"}, "secret": {"k": "dg=="},
        "team": "blue", "annotations": {"note": "here", "copied": "new"},
        "replicas": 0, "seconds": 7, "image": "nginx:2",
    });
    for prefix in ["a", "b"] {
        all.kustomization(prefix, json!({"path": prefix})).await?;
        let object = all.applied(prefix, &revision).await?;
        let found = inventory(&object);
        ensure!(
            found.len() == 4
                && found
                    .iter()
                    .all(|id| id.starts_with(&format!("{namespace}_{prefix}-"))),
            "{found:?}"
        );
        assert_eq!(applied(&all.namespace, prefix).await?, expected, "{prefix}");
    }
    Ok(())
}
