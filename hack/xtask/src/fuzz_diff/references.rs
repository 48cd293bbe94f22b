//! Random `replacements`, `vars`, `configurations`, `crds` and `openapi`.

use serde_json::{Value, json};

use super::layers::{Layer, Maker};
use super::patches::{self, exact, loose};
use super::scalars::RAW;

/// Adds some.
pub(super) fn add(maker: &mut Maker, layer: &mut Layer) {
    if maker.adds(20, "replacements") && !layer.objects.is_empty() {
        replacements(maker, layer);
    }
    if maker.adds(12, "vars") && !layer.objects.is_empty() {
        vars(maker, layer);
    }
    if maker.adds(12, "configurations") {
        let text = configuration(maker);
        let file = maker.file(layer, "config.yaml", text);
        layer.push("configurations", Value::from(file));
    }
    if maker.adds(6, "crds") {
        let text = maker.rng.text(&[CRDS, CRDS_ANNOTATED]);
        let file = maker.file(layer, "crds.json", text);
        layer.push("crds", Value::from(file));
    }
    let percent = if layer.outermost { 8 } else { 5 };
    if maker.adds(percent, "openapi") {
        if !layer.outermost {
            maker.note("openapi below the root");
        }
        let schema = if maker.rng.chance(75) {
            let name = maker.rng.text(&["schema.json", "schema.yaml"]);
            let text = maker.rng.text(&[SCHEMA, SCHEMA_OF_PODS]);
            json!({"path": maker.file(layer, &name, text)})
        } else {
            json!({"version": maker.rng.text(&["v1.21.2", "v1.21.2", "v1.21.2", "v1.20.4"])})
        };
        layer.fields.insert("openapi".to_owned(), schema);
    }
}

/// A path as replacements write it, through lists by index or by name.
fn field_path(maker: &mut Maker, object: &Value, path: &[String]) -> String {
    let mut at = object;
    let mut parts = Vec::new();
    for part in path {
        let next = match at {
            Value::Array(items) => {
                let item = part
                    .parse::<usize>()
                    .ok()
                    .and_then(|index| items.get(index))
                    .unwrap_or(&Value::Null);
                let text = match (item["name"].as_str(), maker.rng.below(5)) {
                    (Some(name), 0..=2) => format!("[name={name}]"),
                    (_, 3) => {
                        maker.note("replacements: wildcard");
                        String::from("*")
                    }
                    _ => part.clone(),
                };
                parts.push(text);
                item
            }
            other => {
                parts.push(match (part.contains('.'), maker.rng.chance(50)) {
                    (true, true) => format!("[{part}]"),
                    (true, false) => part.replace('.', "\\."),
                    _ => part.clone(),
                });
                &other[part.as_str()]
            }
        };
        at = next;
    }
    parts.join(".")
}

/// A place inside of some object that the layer sees.
fn place(maker: &mut Maker, layer: &Layer, scalar: bool) -> Option<(Value, Vec<String>)> {
    for _ in 0..10 {
        let object = maker.rng.pick(&layer.objects);
        let paths = patches::paths(&object);
        let (path, value) = maker.rng.pick(&paths);
        let text = value.as_str().unwrap_or_default();
        let good = !scalar || (!value.is_object() && !value.is_array()) && !text.starts_with(RAW);
        let named = path[0] != "metadata" || path.len() > 2 || maker.rng.chance(10);
        if good && named {
            return Some((object, path));
        }
    }
    None
}

fn replacements(maker: &mut Maker, layer: &mut Layer) {
    for _ in 0..maker.rng.between(1, 2) {
        let Some(mut entry) = source(maker, layer) else {
            continue;
        };
        let mut targets = Vec::new();
        for _ in 0..maker.rng.between(1, 2) {
            targets.extend(target(maker, layer));
        }
        entry["targets"] = Value::from(targets);
        if maker.wants(25, "replacements: files") {
            let content = if maker.rng.chance(50) {
                json!([entry])
            } else {
                entry
            };
            let text = maker.yaml(&content);
            entry = json!({"path": maker.file(layer, "replacement.yaml", text)});
        }
        layer.push("replacements", entry);
    }
}

fn source(maker: &mut Maker, layer: &Layer) -> Option<Value> {
    if maker.wants(15, "replacements: sourceValue") {
        return Some(json!({"sourceValue": super::scalars::line(&mut maker.rng)}));
    }
    let scalar = maker.rng.chance(80);
    let (object, path) = place(maker, layer, scalar)?;
    let mut source = exact(&object);
    if maker.rng.chance(85) {
        source["fieldPath"] = Value::from(field_path(maker, &object, &path).replace('*', "0"));
    }
    if maker.wants(20, "replacements: source options") {
        source["options"] = json!({"delimiter": maker.rng.text(&[".", "/", "-", ":"]), "index": maker.rng.below(2)});
    }
    Some(json!({"source": source}))
}

fn target(maker: &mut Maker, layer: &Layer) -> Option<Value> {
    let (object, mut path) = place(maker, layer, maker.rng.clone().chance(80))?;
    let mut target = json!({"select": if maker.rng.chance(60) { exact(&object) } else { loose(maker, &object) }});
    let mut options = json!({});
    if maker.wants(25, "replacements: create") {
        options["create"] = json!(true);
        if maker.rng.chance(60) {
            path.truncate(2);
            path.push(String::from("made"));
            path.extend(maker.rng.chance(40).then(|| String::from("deep")));
        }
    }
    if maker.wants(20, "replacements: target options") {
        options["delimiter"] = Value::from(maker.rng.text(&[".", "/", "-", ":"]));
        options["index"] = json!(i64::try_from(maker.rng.below(5)).unwrap_or(0) - 1);
    }
    target["fieldPaths"] = json!([field_path(maker, &object, &path)]);
    if maker.wants(12, "replacements: several fields") {
        let paths = patches::paths(&object);
        let (other, value) = maker.rng.pick(&paths);
        if !value.is_object() && !value.is_array() {
            let other = Value::from(field_path(maker, &object, &other));
            target["fieldPaths"] = json!([target["fieldPaths"][0], other]);
        }
    }
    if object["kind"] == "ConfigMap" && maker.wants(25, "replacements: inside of text") {
        let inner = maker
            .rng
            .text(&["key", "list.0", "a.b", "none", "list.*", "[name=x]"]);
        let inner = format!("data.config\\.yaml.{inner}");
        target["fieldPaths"] = json!([inner]);
    }
    if options != json!({}) {
        target["options"] = options;
    }
    if maker.wants(15, "replacements: reject") {
        let other = maker.rng.pick(&layer.objects);
        target["reject"] = json!([loose(maker, &other)]);
    }
    Some(target)
}

/// A path as vars write it: indexes in brackets.
fn indexed(path: &[String]) -> String {
    let mut text = String::new();
    for part in path {
        if part.parse::<usize>().is_ok() {
            text += &format!("[{part}]");
        } else {
            if !text.is_empty() {
                text.push('.');
            }
            text += &part.replace('.', "\\.");
        }
    }
    text
}

fn vars(maker: &mut Maker, layer: &mut Layer) {
    let name = maker.rng.text(&["HOST", "PORT", "PORT", "NAME"]);
    let object = maker.rng.pick(&layer.objects);
    let mut objref = exact(&object);
    if let (Some(map), Some(api)) = (objref.as_object_mut(), object["apiVersion"].as_str()) {
        map.remove("version");
        map.remove("group");
        map.insert("apiVersion".to_owned(), Value::from(api));
    }
    let mut var = json!({"name": name, "objref": objref});
    if maker.rng.chance(50) {
        let (path, value) = maker.rng.pick(&patches::paths(&object));
        if !value.is_object() && !value.is_array() {
            var["fieldref"] = json!({"fieldpath": indexed(&path)});
        }
    }
    if maker.first_var(&name) {
        layer.push("vars", var);
    }
}

fn configuration(maker: &mut Maker) -> String {
    let all = [
        json!({"nameReference": [{"kind": "ConfigMap", "version": "v1", "fieldSpecs": [
            {"kind": "Widget", "path": "spec/configRef/name"}]}]}),
        json!({"nameReference": [{"kind": "Secret", "fieldSpecs": [{"kind": "Certificate", "path": "spec/secretName"}]},
            {"kind": "Widget", "group": "example.com", "fieldSpecs": [{"kind": "Widget", "path": "spec/parts/name"}]}]}),
        json!({"commonLabels": [{"path": "spec/labels", "kind": "Widget", "create": true}]}),
        json!({"commonAnnotations": [{"path": "spec/template/metadata/annotations", "kind": "Widget", "create": true}]}),
        json!({"images": [{"path": "spec/image", "kind": "Widget"}, {"path": "spec/tree/image", "create": true}]}),
        json!({"replicas": [{"path": "spec/replicas", "kind": "Widget", "create": true}]}),
        json!({"namePrefix": [{"path": "metadata/name"}, {"path": "spec/configRef/name", "kind": "Widget"}]}),
        json!({"nameSuffix": [{"path": "metadata/name", "kind": "Deployment"}]}),
        json!({"namespace": [{"path": "spec/namespace", "kind": "Widget", "create": true}, {"path": "spec/issuerRef/namespace"}]}),
        json!({"varReference": [{"path": "spec/parts/value", "kind": "Widget"}, {"path": "data/key"}]}),
        json!({"templateLabels": [{"path": "spec/template/metadata/labels", "kind": "Widget", "create": true}]}),
    ];
    let mut merged = maker.rng.pick(&all);
    for _ in 0..maker.rng.below(3) {
        if let (Value::Object(merged), Value::Object(more)) = (&mut merged, maker.rng.pick(&all)) {
            merged.extend(more);
        }
    }
    maker.yaml(&merged)
}

/// References and identities for the kind `Widget`.
const CRDS: &str = r#"{"example.com/v1.Widget": {"Schema": {"properties": {
  "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"$ref": "k8s.io/meta.ObjectMeta"},
  "spec": {"$ref": "example.com/v1.WidgetSpec"}}}, "Dependencies": []},
"example.com/v1.WidgetSpec": {"Schema": {"properties": {"configRef": {
  "x-kubernetes-object-ref-api-version": "v1", "x-kubernetes-object-ref-kind": "ConfigMap", "$ref": "example.com/v1.Ref"},
  "selector": {"x-kubernetes-label-selector": "", "type": "object"}}}, "Dependencies": []},
"example.com/v1.Ref": {"Schema": {"properties": {"name": {"type": "string"}}}, "Dependencies": []}}
"#;

/// The same with what else can be said.
const CRDS_ANNOTATED: &str = r#"{"example.com/v1.Widget": {"Schema": {"properties": {
  "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"$ref": "k8s.io/meta.ObjectMeta"},
  "spec": {"$ref": "example.com/v1.WidgetSpec"}}}, "Dependencies": []},
"example.com/v1.WidgetSpec": {"Schema": {"properties": {
  "notes": {"x-kubernetes-annotation": "", "type": "object"}, "id": {"x-kubernetes-identity": "", "type": "string"},
  "configRef": {"x-kubernetes-object-ref-api-version": "v1", "x-kubernetes-object-ref-kind": "Secret",
    "x-kubernetes-object-ref-name-key": "name", "type": "object"}}}, "Dependencies": []}}
"#;

/// A schema that says something else of what Kubernetes has, and of a kind that it has not.
const SCHEMA_OF_PODS: &str = r##"{"definitions": {"io.k8s.api.apps.v1.Deployment": {"type": "object", "properties": {
  "spec": {"type": "object", "properties": {"template": {"type": "object", "properties": {"spec": {"type": "object", "properties": {
    "containers": {"type": "array", "items": {"$ref": "#/definitions/io.k8s.api.core.v1.Container"}},
    "volumes": {"type": "array", "x-kubernetes-patch-merge-key": "name", "x-kubernetes-patch-strategy": "merge",
      "items": {"type": "object"}}}}}}}}},
  "x-kubernetes-group-version-kind": [{"group": "apps", "kind": "Deployment", "version": "v1"}]},
 "v1.Widget": {"type": "object", "properties": {"spec": {"type": "object", "properties": {
   "template": {"type": "object", "properties": {"spec": {"$ref": "#/definitions/io.k8s.api.core.v1.PodSpec"}}},
   "parts": {"type": "array", "x-kubernetes-patch-merge-key": "port", "x-kubernetes-patch-strategy": "merge",
     "items": {"type": "object"}}}}},
  "x-kubernetes-group-version-kind": [{"group": "example.com", "kind": "Widget", "version": "v1"}]}},
"paths": {"/apis/example.com/v1/widgets/{name}": {"get": {
  "x-kubernetes-group-version-kind": {"group": "example.com", "kind": "Widget", "version": "v1"}}}}}
"##;

/// A schema with a list that merges, and a kind outside of namespaces.
const SCHEMA: &str = r#"{"definitions": {"v1.Widget": {"type": "object", "properties": {"spec": {"type": "object", "properties": {
  "parts": {"type": "array", "x-kubernetes-patch-merge-key": "name", "x-kubernetes-patch-strategy": "merge",
    "items": {"type": "object", "properties": {"name": {"type": "string"}}}}}}},
  "x-kubernetes-group-version-kind": [{"group": "example.com", "kind": "Widget", "version": "v1"}]},
 "v1alpha1.ClusterWidget": {"type": "object",
  "x-kubernetes-group-version-kind": [{"group": "example.com", "kind": "ClusterWidget", "version": "v1alpha1"}]}},
"paths": {"/apis/example.com/v1alpha1/clusterwidgets/{name}": {"get": {
  "x-kubernetes-group-version-kind": {"group": "example.com", "kind": "ClusterWidget", "version": "v1alpha1"},
  "x-kubernetes-action": "get"}}}}
"#;
