//! Random patches, cut out of the objects that they are for.

use serde_json::{Map, Value, json};

use super::layers::{Layer, Maker};
use super::rng::Rng;
use super::{kinds, pods, scalars};

/// Adds some.
pub(super) fn add(maker: &mut Maker, layer: &mut Layer) {
    if layer.objects.is_empty() {
        return;
    }
    if maker.adds(45, "patches") {
        for _ in 0..maker.rng.between(1, 3) {
            entry(maker, layer);
        }
    }
    if maker.adds(12, "patchesStrategicMerge") {
        let object = maker.rng.pick(&layer.objects);
        let patch = strategic(maker, &object);
        let text = maker.yaml(&patch);
        let item = if maker.rng.chance(50) {
            maker.file(layer, "smp.yaml", text)
        } else {
            text
        };
        layer.push("patchesStrategicMerge", Value::from(item));
    }
    if maker.adds(12, "patchesJson6902") {
        let object = maker.rng.pick(&layer.objects);
        let operations = operations(maker, &object);
        let mut entry = json!({"target": exact(&object)});
        content(maker, layer, &mut entry, &operations);
        layer.push("patchesJson6902", entry);
    }
}

/// The id of an object, as selectors write it.
pub(super) fn exact(object: &Value) -> Value {
    let api = object["apiVersion"].as_str().unwrap_or_default();
    let (group, version) = api.split_once('/').unwrap_or(("", api));
    let mut target =
        json!({"version": version, "kind": object["kind"], "name": object["metadata"]["name"]});
    if !group.is_empty() {
        target["group"] = Value::from(group);
    }
    if let Some(namespace) = object["metadata"]["namespace"].as_str() {
        target["namespace"] = Value::from(namespace);
    }
    target
}

/// A selector that fits the object, and perhaps others.
pub(super) fn loose(maker: &mut Maker, object: &Value) -> Value {
    let mut target = exact(object);
    for part in ["group", "version", "kind", "name", "namespace"] {
        if maker.rng.chance(45)
            && let Some(target) = target.as_object_mut()
        {
            target.remove(part);
        }
    }
    if maker.wants(20, "selector: expressions") && target["name"].is_string() {
        target["name"] = Value::from(maker.rng.text(&[
            ".*",
            "a.*",
            "(app|web|db)",
            "^app$",
            "[a-d].*",
            "app|web",
        ]));
    }
    if maker.wants(8, "selector: expressions for kinds") {
        let field = maker
            .rng
            .text(&["kind", "kind", "group", "version", "namespace"]);
        let text = maker.rng.text(&[
            ".*",
            "Deploy.*|StatefulSet",
            "Config.*",
            "apps|",
            "v1.*",
            "[a-z]+-?a?",
        ]);
        target[&*field] = Value::from(text);
    }
    if maker.wants(12, "selector: labels") {
        let text = maker.rng.text(&[
            "app",
            "app=web",
            "tier in (app,db)",
            "!app",
            "app!=db,version",
            "a10 notin (x)",
        ]);
        target["labelSelector"] = Value::from(text);
    }
    if maker.wants(8, "selector: annotations") {
        target["annotationSelector"] = Value::from(maker.rng.text(&["note", "note=app", "!note"]));
    }
    target
}

fn entry(maker: &mut Maker, layer: &mut Layer) {
    let object = maker.rng.pick(&layer.objects);
    let mut entry = json!({});
    if maker.wants(40, "JSON patch") {
        entry["target"] = if maker.rng.chance(60) {
            exact(&object)
        } else {
            loose(maker, &object)
        };
        let operations = operations(maker, &object);
        content(maker, layer, &mut entry, &operations);
    } else {
        maker.note("strategic patch");
        let patch = strategic(maker, &object);
        let text = if maker.wants(10, "several patches in one text") {
            let other = maker.rng.pick(&layer.objects);
            let other = strategic(maker, &other);
            maker.stream(&[patch, other])
        } else {
            if maker.wants(35, "strategic patch with a target") {
                entry["target"] = loose(maker, &object);
                if maker.rng.chance(20) {
                    entry["options"] = json!({"allowNameChange": maker.rng.chance(50), "allowKindChange": entry["target"]["kind"].is_string() && maker.rng.chance(30)});
                    maker.note("patch options");
                }
            }
            if entry.get("options").is_none() && maker.wants(8, "patch options without a target") {
                entry["options"] =
                    json!({"allowNameChange": true, "allowKindChange": maker.rng.chance(20)});
            }
            maker.yaml(&patch)
        };
        place(maker, layer, &mut entry, text);
    }
    if maker.breaks() {
        entry["target"] = json!({"kind": "("});
    }
    layer.push("patches", entry);
}

/// Puts operations into an entry, as JSON or YAML, inline or in a file.
fn content(maker: &mut Maker, layer: &Layer, entry: &mut Value, operations: &Value) {
    let text = match maker.rng.below(3) {
        0 if !operations.to_string().contains("\\u0001") => operations.to_string(),
        _ => maker.yaml(operations),
    };
    place(maker, layer, entry, text);
}

fn place(maker: &mut Maker, layer: &Layer, entry: &mut Value, text: String) {
    if maker.wants(40, "patch files") {
        entry["path"] = Value::from(maker.file(layer, "patch.yaml", text));
    } else {
        entry["patch"] = Value::from(text);
    }
}

/// A strategic merge patch for the object.
pub(super) fn strategic(maker: &mut Maker, object: &Value) -> Value {
    let mut patch = Map::new();
    if let Some(object) = object.as_object() {
        for (key, value) in object {
            if !["apiVersion", "kind", "metadata"].contains(&key.as_str()) && maker.rng.chance(70) {
                patch.insert(key.clone(), change(&mut maker.rng, value));
            }
        }
    }
    patch.insert("apiVersion".to_owned(), object["apiVersion"].clone());
    patch.insert("kind".to_owned(), object["kind"].clone());
    let mut metadata = json!({"name": object["metadata"]["name"]});
    if let Some(namespace) = object["metadata"].get("namespace") {
        metadata["namespace"] = namespace.clone();
    }
    if maker.rng.chance(30) {
        metadata["annotations"] = json!({"patched": scalars::scalar(&mut maker.rng), "note": null});
    }
    if maker.rng.chance(20) {
        metadata["labels"] = kinds::labels(&mut maker.rng);
    }
    if maker.rng.chance(8) {
        metadata["finalizers"] = json!(["c.io/z", "a.io/x"]);
    }
    patch.insert("metadata".to_owned(), metadata);
    if maker.wants(4, "$patch: delete of objects") {
        patch.insert("$patch".to_owned(), json!("delete"));
    }
    Value::Object(patch)
}

/// What tells one item of a list from another.
const IDENTITY: [&str; 8] = [
    "name",
    "containerPort",
    "protocol",
    "mountPath",
    "port",
    "key",
    "topologyKey",
    "ip",
];

fn change(rng: &mut Rng, value: &Value) -> Value {
    match value {
        Value::Object(map) => change_map(rng, map),
        Value::Array(items) if items.iter().any(Value::is_object) => change_list(rng, items),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().filter(|_| rng.chance(50)).cloned().collect();
            items.insert(rng.below(items.len() + 1), scalars::scalar(rng));
            Value::Array(items)
        }
        Value::Number(_) if rng.chance(80) => json!(rng.below(100)),
        _ if rng.chance(15) => Value::Null,
        _ => scalars::scalar(rng),
    }
}

fn change_map(rng: &mut Rng, map: &Map<String, Value>) -> Value {
    let mut changed = Map::new();
    for (key, value) in map {
        match rng.below(20) {
            0..=8 => drop(changed.insert(key.clone(), change(rng, value))),
            9 => drop(changed.insert(key.clone(), Value::Null)),
            _ => {}
        }
    }
    match rng.below(24) {
        0 => drop(changed.insert("$patch".to_owned(), json!("replace"))),
        1 => drop(changed.insert("$patch".to_owned(), json!("delete"))),
        2 => drop(changed.insert("$patch".to_owned(), json!("merge"))),
        3..=5 => drop(changed.insert("added".to_owned(), scalars::tree(rng, 1))),
        6 => return json!({}),
        7 => kubectl_directive(rng, map, &mut changed),
        _ => {}
    }
    Value::Object(changed)
}

/// A directive that the API server knows and kustomize leaves where it is.
fn kubectl_directive(rng: &mut Rng, map: &Map<String, Value>, changed: &mut Map<String, Value>) {
    let lists: Vec<&String> = map
        .iter()
        .filter(|(_, value)| value.is_array())
        .map(|(key, _)| key)
        .collect();
    let keys: Vec<&String> = map.keys().collect();
    match (rng.below(3), lists.is_empty(), keys.is_empty()) {
        (0, _, false) => {
            let kept: Vec<&String> = keys.into_iter().filter(|_| rng.chance(50)).collect();
            changed.insert("$retainKeys".to_owned(), json!(kept));
        }
        (1, false, _) => {
            let key = rng.pick(&lists);
            let order = json!([{"name": "main"}, {"name": "side"}]);
            changed.insert(format!("$setElementOrder/{key}"), order);
        }
        (_, false, _) => {
            let key = rng.pick(&lists);
            changed.insert(
                format!("$deleteFromPrimitiveList/{key}"),
                json!(["a", "a.io/x"]),
            );
        }
        _ => {}
    }
}

fn change_list(rng: &mut Rng, items: &[Value]) -> Value {
    let mut changed = Vec::new();
    for item in items.iter().filter_map(Value::as_object) {
        if !rng.chance(55) {
            continue;
        }
        let mut part = change_map(rng, item);
        for key in IDENTITY {
            if let Some(value) = item.get(key)
                && rng.chance(97)
            {
                part[key] = value.clone();
            }
        }
        changed.push(part);
    }
    if rng.chance(30) {
        let at = rng.below(changed.len() + 1);
        changed.insert(
            at,
            json!({"name": rng.text(&["new", "main", "v9"]), "image": pods::image(rng)}),
        );
    }
    if rng.chance(10) {
        changed.push(json!({"containerPort": 8080, "protocol": "TCP"}));
    }
    if rng.chance(6) {
        let at = rng.below(changed.len() + 1);
        changed.insert(
            at,
            json!({"$patch": rng.text(&["replace", "delete", "merge"])}),
        );
    }
    rng.shuffle(&mut changed);
    Value::Array(changed)
}

/// Every path below a value, with what is there.
pub(super) fn paths(value: &Value) -> Vec<(Vec<String>, Value)> {
    let mut found = Vec::new();
    let mut pending = vec![(Vec::new(), value)];
    while let Some((path, value)) = pending.pop() {
        let below = |key: String| {
            let mut path: Vec<String> = path.clone();
            path.push(key);
            path
        };
        match value {
            Value::Object(map) => {
                pending.extend(map.iter().map(|(key, value)| (below(key.clone()), value)))
            }
            Value::Array(items) => {
                pending.extend(
                    items
                        .iter()
                        .enumerate()
                        .map(|(at, value)| (below(at.to_string()), value)),
                );
            }
            _ => {}
        }
        if !path.is_empty() && path[0] != "apiVersion" && path[0] != "kind" {
            found.push((path, value.clone()));
        }
    }
    found
}

/// JSON patch operations for the object.
pub(super) fn operations(maker: &mut Maker, object: &Value) -> Value {
    let pointer = |path: &[String]| {
        let escaped = path
            .iter()
            .map(|part| part.replace('~', "~0").replace('/', "~1"));
        escaped.map(|part| format!("/{part}")).collect::<String>()
    };
    let paths = paths(object);
    let mut operations = Vec::new();
    let mut touched: Vec<Vec<String>> = Vec::new();
    for _ in 0..maker.rng.between(1, 4) {
        let (path, value) = maker.rng.pick(&paths);
        let (other, _) = maker.rng.pick(&paths);
        // What an earlier operation has replaced or shifted is mostly no longer where it was.
        let meets = |path: &[String]| {
            touched
                .iter()
                .any(|it| it.iter().zip(path).all(|(a, b)| a == b))
        };
        if (meets(&path) || meets(&other)) && !maker.rng.chance(10) {
            continue;
        }
        touched.push(path.clone());
        if path[0] == "metadata" && path.len() < 3 && !maker.rng.chance(10) {
            continue;
        }
        let at = pointer(&path);
        let new = scalars::tree(&mut maker.rng, 2);
        operations.push(match maker.rng.below(12) {
            0..=2 => json!({"op": "replace", "path": at, "value": new}),
            3 | 4 => json!({"op": "add", "path": at, "value": new}),
            5 if value.is_array() => json!({"op": "add", "path": format!("{at}/-"), "value": new}),
            6 if value.is_object() => json!({"op": "add", "path": format!("{at}/new~1key"), "value": new}),
            7 => json!({"op": "remove", "path": at}),
            8 if !value.to_string().contains("\\u0001") => json!({"op": "test", "path": at, "value": value}),
            8 => json!({"op": "test", "path": at, "value": new}),
            9 if value.is_array() => json!({"op": "add", "path": format!("{at}/-1"), "value": new}),
            9 if !pointer(&other).starts_with(&at) && other[0] != "metadata" => {
                json!({"op": maker.rng.text(&["copy", "move"]), "from": pointer(&other), "path": at})
            }
            _ => json!({"op": "add", "path": "/metadata/annotations", "value": {"a": "b"}}),
        });
    }
    if operations.is_empty() {
        operations.push(json!({"op": "add", "path": "/metadata/labels", "value": {"z": "1"}}));
    }
    Value::Array(operations)
}
