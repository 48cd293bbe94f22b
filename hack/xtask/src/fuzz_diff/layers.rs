//! Random trees of kustomizations: layers above layers, each with any fields.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::rng::Rng;
use super::{fields, generators, kinds, patches, plugins, print, references, scalars, worlds};

/// A tree of files, and what it uses.
#[derive(Clone, Debug, Default)]
pub(super) struct Case {
    /// Text by path; `root` is the folder to build.
    pub(super) files: BTreeMap<String, String>,
    /// What the case was made to use.
    pub(super) features: BTreeSet<&'static str>,
}

/// The folder that is built.
pub(super) const ROOT: &str = "root";

/// Case number `number` of a run.
pub(super) fn case(seed: u64, number: u64) -> Case {
    let mut maker = Maker {
        rng: Rng::of_case(seed, number),
        case: Case::default(),
        ids: BTreeSet::new(),
        layers: 0,
        mean: false,
        density: 100,
    };
    maker.density = maker.rng.pick(&[15, 30, 30, 50, 100]);
    maker.mean = maker.rng.chance(12);
    if maker.rng.chance(15) {
        worlds::build(&mut maker);
        return maker.case;
    }
    let depth = maker.rng.pick(&[0, 0, 1, 1, 1, 2, 3]);
    maker.layer(ROOT, depth);
    maker.case
}

/// What a case is made with.
pub(super) struct Maker {
    pub(super) rng: Rng,
    pub(super) case: Case,
    /// Kind, namespace and name of every object so far.
    ids: BTreeSet<(String, String, String)>,
    layers: usize,
    /// Whether to break something on purpose.
    mean: bool,
    /// How much of everything, in percent.
    density: usize,
}

/// One kustomization in the making.
pub(super) struct Layer {
    pub(super) folder: String,
    pub(super) fields: Map<String, Value>,
    /// What the layer can see, as it was written.
    pub(super) objects: Vec<Value>,
    pub(super) component: bool,
    pub(super) outermost: bool,
}

impl Layer {
    /// Appends to a list field.
    pub(super) fn push(&mut self, field: &str, item: Value) {
        let list = self.fields.entry(field).or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.push(item);
        }
    }
}

impl Maker {
    /// Notes that a feature is used.
    pub(super) fn note(&mut self, feature: &'static str) {
        self.case.features.insert(feature);
    }

    /// Whether to do this; notes it then.
    pub(super) fn wants(&mut self, percent: usize, feature: &'static str) -> bool {
        let wanted = self.rng.chance(percent);
        self.decide(wanted, feature)
    }

    /// As [`Maker::wants`], for what a layer has less of where everything is sparse.
    pub(super) fn adds(&mut self, percent: usize, feature: &'static str) -> bool {
        let wanted = self.rng.below(10_000) < percent * self.density;
        self.decide(wanted, feature)
    }

    fn decide(&mut self, wanted: bool, feature: &'static str) -> bool {
        if wanted {
            self.note(feature);
        }
        wanted
    }

    /// Whether to break something, for cases that are to fail.
    pub(super) fn breaks(&mut self) -> bool {
        let breaks = self.mean && self.rng.chance(8);
        if breaks {
            self.note("something broken on purpose");
        }
        breaks
    }

    /// Whether no layer has a variable of this name yet.
    pub(super) fn first_var(&mut self, name: &str) -> bool {
        let id = (String::from("var"), String::new(), name.to_owned());
        self.ids.insert(id) || self.breaks()
    }

    /// One document in any style.
    pub(super) fn yaml(&mut self, value: &Value) -> String {
        let (text, styles) = print::document(&mut self.rng, value);
        self.case.features.extend(styles);
        text
    }

    /// Several documents in one text, in any style.
    pub(super) fn stream(&mut self, documents: &[Value]) -> String {
        let mut text = String::new();
        if self.wants(15, "yaml: leading separator") {
            text += "---\n";
        } else if self.rng.chance(5) {
            text += "# head\n---\n";
        }
        for (at, document) in documents.iter().enumerate() {
            if at > 0 {
                self.note("yaml: several documents");
                text += self.rng.pick(&[
                    "---\n",
                    "---\n",
                    "---\n\n",
                    "--- # next\n",
                    "---\n# only a note\n---\n",
                    "---   \n",
                ]);
            }
            text += &self.yaml(document);
        }
        match self.rng.below(20) {
            0 => {
                self.note("yaml: no line break at the end");
                text.truncate(text.trim_end_matches('\n').len());
            }
            1 => text += "---\n",
            2 => text += "\n\n# end\n",
            3 => {
                self.note("yaml: CRLF");
                text = text.replace('\n', "\r\n");
            }
            4 if self.rng.chance(30) => {
                self.note("yaml: byte order mark");
                text.insert(0, '\u{feff}');
            }
            _ => {}
        }
        text
    }

    /// A file that is not there yet.
    pub(super) fn file(&mut self, layer: &Layer, name: &str, text: String) -> String {
        let folder = self.rng.text(&["", "", "", "sub/", "./", "a/../"]);
        let name = format!("{folder}{}-{name}", self.case.files.len());
        let clean = name.replace("a/../", "").replace("./", "");
        if folder == "a/../" {
            self.case
                .files
                .insert(format!("{}/a/keep", layer.folder), String::new());
        }
        self.case
            .files
            .insert(format!("{}/{clean}", layer.folder), text);
        if self.breaks() {
            format!("{name}.missing")
        } else {
            name
        }
    }

    /// A new object, unless all its ids are taken.
    fn object(&mut self) -> Option<Value> {
        let (api, kind, namespaced, body) = self.rng.pick(&kinds::KINDS);
        let name = kinds::name(&mut self.rng);
        let namespace = match namespaced && self.rng.chance(35) {
            true => self.rng.text(&kinds::NAMESPACES),
            false => String::new(),
        };
        let place = if namespace == "default" {
            ""
        } else {
            &namespace
        };
        let key = (format!("{api} {kind}"), place.to_owned(), name.clone());
        if !self.ids.insert(key) && !self.breaks() {
            return None;
        }
        let mut object = body(&mut self.rng);
        object["apiVersion"] = Value::from(api);
        object["kind"] = Value::from(kind);
        let mut metadata = json!({"name": name});
        if !namespace.is_empty() {
            metadata["namespace"] = Value::from(namespace);
        }
        if self.rng.chance(40) {
            metadata["labels"] = kinds::labels(&mut self.rng);
        }
        if self.rng.chance(30) {
            let key = self.rng.text(&[
                "note",
                "nginx.ingress.kubernetes.io/auth-secret",
                "example.com/x",
            ]);
            metadata["annotations"] = json!({key: scalars::scalar(&mut self.rng)});
        }
        if self.wants(2, "local-config") {
            metadata["annotations"] =
                json!({"config.kubernetes.io/local-config": scalars::raw("\"true\"")});
        }
        if self.wants(2, "needs-hash") {
            let value = self
                .rng
                .text(&["\"true\"", "\"true\"", "\"false\"", "enabled"]);
            metadata["annotations"] =
                json!({"kustomize.config.k8s.io/needs-hash": scalars::raw(&value)});
        }
        if self.rng.chance(4) {
            metadata["finalizers"] = json!(["a.io/x", "b.io/y"]);
            metadata["ownerReferences"] =
                json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "cfg", "uid": "1"}]);
        }
        object["metadata"] = metadata;
        if self.rng.chance(15) && self.breaks() {
            object["metadata"] = json!({"labels": {"a": "b"}});
        }
        Some(object)
    }

    fn resources(&mut self, layer: &mut Layer) {
        for _ in 0..self.rng.between(1, 4) {
            let wanted = self.rng.pick(&[1, 1, 2, 3, 6]);
            let mut documents: Vec<Value> = (0..wanted).filter_map(|_| self.object()).collect();
            if documents.is_empty() {
                continue;
            }
            layer.objects.extend(documents.iter().cloned());
            if self.wants(8, "list objects") {
                let kind = self.rng.text(&["List", "ConfigMapList", "DeploymentList"]);
                documents = vec![json!({"apiVersion": "v1", "kind": kind, "items": documents})];
                if self.wants(20, "lists of lists") {
                    documents.push(json!({"apiVersion": "v1", "kind": "List", "items": self.rng.pick(&[json!([]), Value::Null])}));
                    documents =
                        vec![json!({"apiVersion": "v1", "kind": "List", "items": documents})];
                }
            }
            let text = self.stream(&documents);
            let file = self.file(layer, "res.yaml", text);
            layer.push("resources", Value::from(file));
        }
    }

    /// A layer below, in a folder of its own; the way there.
    fn lower(&mut self, layer: &mut Layer, depth: usize) {
        self.layers += 1;
        let (folder, path) = match self.rng.below(3) {
            0 => (
                format!("{}/base{}", layer.folder, self.layers),
                format!("base{}", self.layers),
            ),
            1 => (
                format!("base{}", self.layers),
                format!("{}base{}/", up(&layer.folder), self.layers),
            ),
            _ => (
                format!("bases/b{}", self.layers),
                format!("{}bases/b{}", up(&layer.folder), self.layers),
            ),
        };
        let objects = self.layer(&folder, depth - 1);
        let field = if self.wants(20, "bases") {
            "bases"
        } else {
            "resources"
        };
        if field == "resources" && self.wants(15, "diamond of layers") {
            for side in ["l", "r"] {
                let middle = format!("{folder}-{side}");
                let own = folder.rsplit('/').next().unwrap_or_default();
                let text = format!("resources:\n- ../{own}\nnamePrefix: {side}-\n");
                self.case
                    .files
                    .insert(format!("{middle}/kustomization.yaml"), text);
                let path = format!("{}-{side}", path.trim_end_matches('/'));
                layer.push(field, Value::from(path));
            }
        } else {
            layer.push(field, Value::from(path));
        }
        layer.objects.extend(objects);
    }

    fn components(&mut self, layer: &mut Layer, depth: usize) {
        self.layers += 1;
        let folder = format!("parts/c{}", self.layers);
        let mut part = Layer {
            folder: folder.clone(),
            fields: Map::new(),
            objects: layer.objects.clone(),
            component: true,
            outermost: false,
        };
        if self.rng.chance(40) {
            self.resources(&mut part);
        }
        if depth > 0 && self.wants(15, "components in components") {
            self.components(&mut part, depth - 1);
        }
        self.fill(&mut part);
        layer.objects = std::mem::take(&mut part.objects);
        self.finish(part);
        layer.push(
            "components",
            Value::from(format!("{}{folder}", up(&layer.folder))),
        );
    }

    /// Makes a kustomization in `folder`; gives the objects in it.
    fn layer(&mut self, folder: &str, depth: usize) -> Vec<Value> {
        let mut layer = Layer {
            folder: folder.to_owned(),
            fields: Map::new(),
            objects: Vec::new(),
            component: false,
            outermost: folder == ROOT,
        };
        if depth > 0 {
            self.note("layers");
            for _ in 0..self.rng.between(1, 2) {
                self.lower(&mut layer, depth);
            }
        }
        if depth == 0 || self.rng.chance(60) {
            self.note("resources");
            self.resources(&mut layer);
        }
        if self.adds(25, "components") {
            for _ in 0..self.rng.between(1, 2) {
                self.components(&mut layer, depth);
            }
        }
        self.fill(&mut layer);
        let objects = layer.objects.clone();
        self.finish(layer);
        objects
    }

    /// Every other field.
    fn fill(&mut self, layer: &mut Layer) {
        generators::add(self, layer);
        patches::add(self, layer);
        fields::add(self, layer);
        references::add(self, layer);
        plugins::add(self, layer);
    }

    fn finish(&mut self, mut layer: Layer) {
        if layer.component && layer.fields.is_empty() {
            layer.fields.insert("namePrefix".to_owned(), json!("c-"));
        }
        if layer.component || self.rng.chance(50) {
            let (version, kind) = match layer.component {
                true => ("v1alpha1", "Component"),
                false => ("v1beta1", "Kustomization"),
            };
            layer.fields.insert(
                "apiVersion".to_owned(),
                json!(format!("kustomize.config.k8s.io/{version}")),
            );
            layer.fields.insert("kind".to_owned(), json!(kind));
        }
        if self.breaks() {
            layer.fields.insert("unknownField".to_owned(), json!(1));
        }
        if self.wants(3, "fields in another case") {
            layer.fields = layer
                .fields
                .into_iter()
                .map(|(key, value)| (key.to_uppercase(), value))
                .collect();
        }
        let name = self.rng.text(&[
            "kustomization.yaml",
            "kustomization.yaml",
            "kustomization.yml",
            "Kustomization",
        ]);
        let mut text = self.yaml(&Value::Object(layer.fields));
        if self.wants(4, "kustomization: CRLF") {
            text = text.replace('\n', "\r\n");
        } else if self.wants(2, "kustomization: byte order mark") {
            text.insert(0, '\u{feff}');
        } else if self.wants(3, "kustomization: separators around") {
            text = format!("---\n{text}---\n");
        }
        self.case
            .files
            .insert(format!("{}/{name}", layer.folder), text);
    }
}

/// The way from a folder to the top.
fn up(folder: &str) -> String {
    "../".repeat(folder.split('/').count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_told_by_seed_and_number() {
        let (first, again) = (case(3, 17), case(3, 17));
        assert_eq!(first.files, again.files);
        assert_ne!(first.files, case(4, 17).files);
        let built = |path: &String| {
            path.starts_with("root/") && path.to_lowercase().contains("kustomization")
        };
        assert!(first.files.keys().any(built));
    }
}
