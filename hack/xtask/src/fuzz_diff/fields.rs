//! Random simple fields: names, namespaces, labels, images, replicas, order, metadata.

use serde_json::{Value, json};

use super::layers::{Layer, Maker};
use super::{kinds, scalars};

const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Adds some.
pub(super) fn add(maker: &mut Maker, layer: &mut Layer) {
    names(maker, layer);
    labels(maker, layer);
    if maker.adds(25, "images") {
        for _ in 0..maker.rng.between(1, 3) {
            let image = image(maker);
            layer.push("images", image);
        }
    }
    if maker.adds(3, "imageTags") {
        layer.push("imageTags", json!({"name": "redis", "newTag": "9"}));
    }
    if maker.adds(12, "replicas") {
        replicas(maker, layer);
    }
    if layer.outermost || maker.rng.chance(10) {
        order(maker, layer);
    }
    if maker.adds(10, "buildMetadata") {
        let mut all = vec![
            "managedByLabel",
            "originAnnotations",
            "transformerAnnotations",
        ];
        maker.rng.shuffle(&mut all);
        all.truncate(maker.rng.between(1, 3));
        layer.fields.insert("buildMetadata".to_owned(), json!(all));
    }
    if maker.adds(1, "helmCharts") {
        let chart = json!([{"name": "chart", "repo": "https://charts.example.com", "version": "1.0.0", "valuesInline": {"a": 1}}]);
        layer.fields.insert("helmCharts".to_owned(), chart);
    }
    if maker.adds(5, "metadata") {
        layer.fields.insert(
            "metadata".to_owned(),
            json!({"name": "x", "labels": {"a": "b"}}),
        );
    }
}

fn names(maker: &mut Maker, layer: &mut Layer) {
    if maker.adds(25, "namePrefix") {
        let text = maker.rng.text(&["pre-", "p1-", "x.", ""]);
        layer
            .fields
            .insert("namePrefix".to_owned(), Value::from(text));
    }
    if maker.adds(12, "nameSuffix") {
        let text = maker.rng.text(&["-suf", "-v2", ""]);
        layer
            .fields
            .insert("nameSuffix".to_owned(), Value::from(text));
    }
    if maker.adds(25, "namespace") {
        let text = maker.rng.text(&["prod", "team-a", "other", "default", ""]);
        layer
            .fields
            .insert("namespace".to_owned(), Value::from(text));
    }
}

fn pairs(maker: &mut Maker) -> Value {
    let mut pairs = kinds::labels(&mut maker.rng);
    if maker.rng.chance(40) {
        pairs["odd"] = Value::from(scalars::line(&mut maker.rng));
    }
    pairs
}

fn labels(maker: &mut Maker, layer: &mut Layer) {
    if maker.adds(20, "labels") {
        for _ in 0..maker.rng.between(1, 2) {
            let mut entry = json!({"pairs": pairs(maker)});
            if maker.wants(30, "includeSelectors") {
                entry["includeSelectors"] = json!(maker.rng.chance(80));
            }
            if maker.wants(30, "includeTemplates") {
                entry["includeTemplates"] = json!(maker.rng.chance(80));
            }
            if maker.wants(25, "labels: fields") {
                entry["fields"] = json!([
                    {"path": maker.rng.text(&["spec/labels", "spec/selector/matchLabels", "spec/parts[]/labels", "metadata/labels"]),
                     "kind": maker.rng.text(&["Widget", "Certificate", "Deployment"]), "create": maker.rng.chance(60)}]);
            }
            layer.push("labels", entry);
        }
    }
    if maker.adds(12, "commonLabels") {
        let pairs = pairs(maker);
        layer.fields.insert("commonLabels".to_owned(), pairs);
    }
    if maker.adds(18, "commonAnnotations") {
        let pairs =
            json!({"note": scalars::any(&mut maker.rng), "a.b/c": scalars::line(&mut maker.rng)});
        layer.fields.insert("commonAnnotations".to_owned(), pairs);
    }
}

/// One entry of `images`.
pub(super) fn image(maker: &mut Maker) -> Value {
    let name = maker.rng.text(&[
        "nginx",
        "redis",
        "app",
        "registry.example.com:5000/team/app",
        "ghcr.io/o/app",
        "docker.io/library/nginx",
        "n.*x",
    ]);
    let mut image = json!({"name": name});
    if maker.rng.chance(50) {
        image["newName"] =
            Value::from(
                maker
                    .rng
                    .text(&["mirror.example.com/nginx", "r:5000/x", "other"]),
            );
    }
    if maker.rng.chance(60) {
        image["newTag"] = match maker.rng.below(4) {
            0 => Value::from("1.10"),
            1 => Value::from("2026-01-01"),
            _ => Value::from("v9"),
        };
    }
    if maker.wants(20, "images: digest") {
        image["digest"] = Value::from(DIGEST);
    }
    if maker.wants(15, "images: tagSuffix") {
        image["tagSuffix"] = Value::from("-alpine");
    }
    image
}

fn replicas(maker: &mut Maker, layer: &mut Layer) {
    const SCALED: [&str; 4] = [
        "Deployment",
        "StatefulSet",
        "ReplicaSet",
        "ReplicationController",
    ];
    let scaled = |object: &&Value| SCALED.iter().any(|kind| object["kind"] == *kind);
    let names: Vec<Value> = layer
        .objects
        .iter()
        .filter(scaled)
        .map(|object| object["metadata"]["name"].clone())
        .collect();
    if !names.is_empty() {
        let name = maker.rng.pick(&names);
        layer.push(
            "replicas",
            json!({"name": name, "count": maker.rng.below(9)}),
        );
    }
}

fn order(maker: &mut Maker, layer: &mut Layer) {
    if !maker.wants(15, "sortOptions") {
        return;
    }
    let mut options = json!({"order": maker.rng.text(&["legacy", "fifo"])});
    if options["order"] == "legacy" && maker.wants(60, "legacySortOptions") {
        let mut first = vec!["Service", "Namespace", "Widget", "Deployment", "ConfigMap"];
        maker.rng.shuffle(&mut first);
        first.truncate(maker.rng.below(5));
        options["legacySortOptions"] =
            json!({"orderFirst": first, "orderLast": ["Secret", "Certificate"]});
    }
    layer.fields.insert("sortOptions".to_owned(), options);
}
