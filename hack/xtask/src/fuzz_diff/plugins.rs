//! Random configurations of built-in plugins, in `generators`, `transformers` and `validators`.

use serde_json::{Value, json};

use super::layers::{Layer, Maker};
use super::{fields, kinds, patches, scalars};

/// Adds some.
pub(super) fn add(maker: &mut Maker, layer: &mut Layer) {
    if maker.adds(15, "transformers") {
        for _ in 0..maker.rng.between(1, 2) {
            let config = transformer(maker, layer);
            place(maker, layer, "transformers", config);
        }
    }
    if maker.adds(8, "generators") {
        let config = generator(maker, layer);
        place(maker, layer, "generators", config);
    }
    if maker.adds(2, "validators") {
        let config = transformer(maker, layer);
        place(maker, layer, "validators", config);
    }
}

fn place(maker: &mut Maker, layer: &mut Layer, field: &str, mut config: Value) {
    config["apiVersion"] = json!("builtin");
    if maker.wants(2, "plugins: refused") {
        config["apiVersion"] = json!(maker.rng.text(&["example.com/v1", "v1", "builtin/v2"]));
    }
    config["metadata"]["name"] = json!("plugin");
    let text = maker.yaml(&config);
    let entry = match maker.rng.below(5) {
        0 | 1 => maker.file(layer, "plugin.yaml", text),
        2 => {
            maker.note("plugins: folder of configurations");
            let number = maker.case.files.len();
            let folder = format!("plugins{number}");
            let kustomization = format!("resources: [p.yaml]\nnameSuffix: -p{number}\n");
            maker
                .case
                .files
                .insert(format!("{}/{folder}/p.yaml", layer.folder), text);
            maker.case.files.insert(
                format!("{}/{folder}/kustomization.yaml", layer.folder),
                kustomization,
            );
            folder
        }
        _ => text,
    };
    layer.push(field, Value::from(entry));
}

fn specs(maker: &mut Maker) -> Value {
    let all = [
        json!([{"path": "metadata/labels", "create": true}]),
        json!([{"path": "metadata/annotations", "create": true}, {"path": "spec/template/metadata/annotations", "create": false}]),
        json!([{"path": "metadata/name"}, {"path": "spec/configRef/name", "kind": "Widget"}]),
        json!([{"path": "spec/made/here", "kind": "Certificate", "create": true}]),
        json!([{"path": "spec/parts[]/name", "kind": "Widget", "group": "example.com", "version": "v1"}]),
        json!([{"path": "metadata/namespace", "create": true}]),
        json!([{"path": "spec/template/spec/containers/image"}, {"path": "spec/image", "kind": "Widget"}]),
    ];
    maker.rng.pick(&all)
}

fn transformer(maker: &mut Maker, layer: &mut Layer) -> Value {
    let object = match layer.objects.is_empty() {
        true => json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app"}}),
        false => maker.rng.pick(&layer.objects),
    };
    if maker.rng.chance(45) {
        simple(maker)
    } else {
        targeted(maker, &object)
    }
}

/// A transformer of everything.
fn simple(maker: &mut Maker) -> Value {
    match maker.rng.below(7) {
        0 => {
            maker.note("plugin: AnnotationsTransformer");
            json!({"kind": "AnnotationsTransformer", "annotations": {"p": scalars::any(&mut maker.rng)}, "fieldSpecs": specs(maker)})
        }
        1 => {
            maker.note("plugin: LabelTransformer");
            json!({"kind": "LabelTransformer", "labels": {"p": scalars::line(&mut maker.rng)}, "fieldSpecs": specs(maker)})
        }
        2 => {
            maker.note("plugin: NamespaceTransformer");
            json!({"kind": "NamespaceTransformer", "metadata": {"namespace": "plug"}, "unsetOnly": maker.rng.chance(50),
                "setRoleBindingSubjects": maker.rng.text(&["defaultOnly", "allServiceAccounts", "none"]),
                "fieldSpecs": [{"path": maker.rng.text(&["metadata/namespace", "spec/namespace", "metadata/annotations", "subjects/namespace"]),
                    "create": maker.rng.chance(80)}]})
        }
        3 => {
            maker.note("plugin: PrefixTransformer");
            json!({"kind": "PrefixTransformer", "prefix": "plug-", "fieldSpecs": specs(maker)})
        }
        4 => {
            maker.note("plugin: SuffixTransformer");
            json!({"kind": "SuffixTransformer", "suffix": "-plug", "fieldSpecs": specs(maker)})
        }
        5 => {
            maker.note("plugin: PrefixSuffixTransformer");
            json!({"kind": "PrefixSuffixTransformer", "prefix": "a-", "suffix": maker.rng.text(&["-b", ""]), "fieldSpecs": specs(maker)})
        }
        _ => {
            maker.note("plugin: ImageTagTransformer");
            json!({"kind": "ImageTagTransformer", "imageTag": fields::image(maker), "fieldSpecs": specs(maker)})
        }
    }
}

/// A transformer that chooses its objects.
fn targeted(maker: &mut Maker, object: &Value) -> Value {
    match maker.rng.below(7) {
        0 => {
            maker.note("plugin: PatchTransformer");
            let patch = match maker.rng.chance(70) {
                true => patches::strategic(maker, object),
                false => patches::operations(maker, object),
            };
            let text = maker.yaml(&patch);
            let mut config = json!({"kind": "PatchTransformer", "patch": text});
            if maker.rng.chance(20) {
                config["options"] = json!({"allowNameChange": true});
            }
            if maker.rng.chance(50) {
                config["target"] = patches::loose(maker, object);
            }
            config
        }
        1 => {
            maker.note("plugin: PatchJson6902Transformer");
            let operations = patches::operations(maker, object);
            json!({"kind": "PatchJson6902Transformer", "target": patches::exact(object), "jsonOp": maker.yaml(&operations)})
        }
        2 => {
            maker.note("plugin: PatchStrategicMergeTransformer");
            let patch = patches::strategic(maker, object);
            json!({"kind": "PatchStrategicMergeTransformer", "patches": maker.yaml(&patch)})
        }
        3 => {
            maker.note("plugin: ReplicaCountTransformer");
            json!({"kind": "ReplicaCountTransformer", "replica": {"name": object["metadata"]["name"], "count": 7},
                "fieldSpecs": [{"path": "spec/replicas", "create": true, "kind": object["kind"]}]})
        }
        4 => {
            maker.note("plugin: ValueAddTransformer");
            json!({"kind": "ValueAddTransformer", "value": scalars::word(&mut maker.rng), "targets": [
                {"selector": patches::loose(maker, object), "fieldPath": maker.rng.text(&["metadata/name", "spec/made", "metadata/namespace"]),
                 "filePathPosition": maker.rng.below(3)}]})
        }
        5 => {
            maker.note("plugin: ReplacementTransformer");
            let field = maker.rng.text(&[
                "metadata.annotations.plug",
                "metadata.labels.plug",
                "spec.made",
                "metadata.annotations",
            ]);
            let mut source = patches::exact(object);
            if maker.rng.chance(40) {
                source["fieldPath"] = Value::from(maker.rng.text(&[
                    "metadata.labels",
                    "metadata.annotations",
                    "metadata",
                    "spec",
                ]));
            }
            json!({"kind": "ReplacementTransformer", "replacements": [{"source": source,
                "targets": [{"select": patches::loose(maker, object), "fieldPaths": [field], "options": {"create": true}}]}]})
        }
        _ => {
            maker.note("plugin: HashTransformer");
            json!({"kind": "HashTransformer"})
        }
    }
}

fn generator(maker: &mut Maker, layer: &mut Layer) -> Value {
    let name = kinds::name(&mut maker.rng);
    if maker.wants(6, "plugin: HelmChartInflationGenerator") {
        return json!({"kind": "HelmChartInflationGenerator", "name": "chart", "repo": "https://charts.example.com", "metadata": {}});
    }
    match maker.rng.below(3) {
        0 => {
            maker.note("plugin: ConfigMapGenerator");
            let text = scalars::any(&mut maker.rng);
            let file = maker.file(layer, "gen.txt", text);
            json!({"kind": "ConfigMapGenerator", "metadata": {"namespace": "gen"}, "name": name, "files": [file],
                "literals": ["a=b"], "options": {"labels": {"x": "y"}}})
        }
        1 => {
            maker.note("plugin: SecretGenerator");
            let known = layer
                .objects
                .iter()
                .any(|it| it["kind"] == "Secret" && it["metadata"]["name"] == name.as_str());
            let behavior = if known { "merge" } else { "create" };
            json!({"kind": "SecretGenerator", "metadata": {}, "name": name, "literals": ["a=b"], "type": "Opaque", "behavior": behavior})
        }
        _ => {
            maker.note("plugin: IAMPolicyGenerator");
            json!({"kind": "IAMPolicyGenerator", "cloud": "gke", "kubernetesService": {"namespace": "gen", "name": name},
                "serviceAccount": {"name": "sa", "projectId": "p"}})
        }
    }
}
