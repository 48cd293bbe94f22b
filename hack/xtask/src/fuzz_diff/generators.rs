//! Random `configMapGenerator`, `secretGenerator` and `generatorOptions`.

use serde_json::{Value, json};

use super::engines::BINARY;
use super::layers::{Layer, Maker};
use super::{kinds, scalars};

/// Adds some.
pub(super) fn add(maker: &mut Maker, layer: &mut Layer) {
    if maker.adds(40, "configMapGenerator") {
        for _ in 0..maker.rng.between(1, 2) {
            generator(maker, layer, "ConfigMap", "configMapGenerator");
        }
    }
    if maker.adds(25, "secretGenerator") {
        generator(maker, layer, "Secret", "secretGenerator");
    }
    if maker.adds(12, "generatorOptions") {
        let options = options(maker);
        layer.fields.insert("generatorOptions".to_owned(), options);
    }
}

fn options(maker: &mut Maker) -> Value {
    let mut options = json!({});
    if maker.rng.chance(50) {
        options["labels"] = kinds::labels(&mut maker.rng);
    }
    if maker.rng.chance(40) {
        options["annotations"] = json!({"note": scalars::any(&mut maker.rng), "a.b/c": "x"});
    }
    if maker.wants(30, "disableNameSuffixHash") {
        options["disableNameSuffixHash"] = json!(maker.rng.chance(80));
    }
    if maker.wants(30, "immutable") {
        options["immutable"] = json!(maker.rng.chance(80));
    }
    options
}

fn generator(maker: &mut Maker, layer: &mut Layer, kind: &str, field: &str) {
    let name = kinds::name(&mut maker.rng);
    let namespace = if maker.rng.chance(25) {
        maker.rng.text(&kinds::NAMESPACES)
    } else {
        String::new()
    };
    let own = |object: &&Value| {
        let metadata = &object["metadata"];
        let place = |text: &str| {
            if text == "default" {
                String::new()
            } else {
                text.to_owned()
            }
        };
        object["kind"] == kind
            && metadata["name"] == name.as_str()
            && place(metadata["namespace"].as_str().unwrap_or_default()) == place(&namespace)
    };
    let exists = layer.objects.iter().any(|object| own(&object));
    let behavior = match (exists, maker.breaks()) {
        (true, false) => maker.rng.text(&["merge", "merge", "replace"]),
        (false, true) => maker.rng.text(&["merge", "replace"]),
        _ => maker.rng.text(&["", "", "create", "unspecified"]),
    };
    let mut entry = json!({"name": name});
    if !namespace.is_empty() {
        entry["namespace"] = Value::from(namespace.clone());
    }
    match behavior.as_str() {
        "merge" => maker.note("behavior: merge"),
        "replace" => maker.note("behavior: replace"),
        _ => {}
    }
    if !behavior.is_empty() {
        entry["behavior"] = Value::from(behavior);
    }
    sources(maker, layer, &mut entry);
    if maker.wants(30, "generator options") {
        entry["options"] = options(maker);
    }
    if kind == "Secret" && maker.rng.chance(40) {
        entry["type"] = Value::from(maker.rng.text(&["Opaque", "kubernetes.io/tls", "x"]));
    }
    if !exists {
        let mut made = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "data": {"lit": "x"}});
        if !namespace.is_empty() {
            made["metadata"]["namespace"] = Value::from(namespace);
        }
        layer.objects.push(made);
    }
    layer.push(field, entry);
}

fn sources(maker: &mut Maker, layer: &mut Layer, entry: &mut Value) {
    if maker.wants(60, "literals") {
        let mut literals = Vec::new();
        let mut keys = vec!["lit", "lit2", "a.b", "A_B", "x-y", "k10", "k2"];
        maker.rng.shuffle(&mut keys);
        for key in keys.iter().take(maker.rng.between(1, 3)) {
            let value = match maker.rng.below(6) {
                0 => format!("'{}'", scalars::any(&mut maker.rng)),
                1 => format!("\"{}\"", scalars::any(&mut maker.rng)),
                2 => String::from("a=b=c"),
                _ => scalars::any(&mut maker.rng),
            };
            literals.push(Value::from(format!("{key}={value}")));
        }
        if maker.breaks() {
            literals.push(json!("no value"));
        }
        entry["literals"] = Value::from(literals);
    }
    if maker.wants(40, "files") {
        let mut files = Vec::new();
        for number in 0..maker.rng.between(1, 2) {
            let file = if maker.wants(12, "files that are no text") {
                let text = (0..maker.rng.between(1, 90)).map(|_| maker.rng.pick(&BYTES));
                let text = text.collect();
                maker.file(layer, BINARY, text)
            } else {
                let text = file_text(maker);
                maker.file(layer, "data.txt", text)
            };
            files.push(Value::from(if maker.rng.chance(40) {
                format!("f{number}.x={file}")
            } else {
                file
            }));
        }
        entry["files"] = Value::from(files);
    }
    if maker.wants(30, "envs") {
        let text = env_text(maker);
        let file = maker.file(layer, "app.env", text);
        if maker.wants(25, "env") {
            entry["env"] = Value::from(file);
        } else {
            entry["envs"] = json!([file]);
        }
    }
}

/// What files of bytes are made of: each character stands for the byte of its number.
const BYTES: [char; 12] = [
    '\0', '\u{1}', '\n', ' ', 'a', '\u{7f}', '\u{80}', '\u{bf}', '\u{c3}', '\u{e2}', '\u{f0}',
    '\u{ff}',
];

fn file_text(maker: &mut Maker) -> String {
    match maker.rng.below(8) {
        0 => String::new(),
        1 => "line\n".repeat(maker.rng.between(1, 60)),
        2 => format!("<a href=\"x\">&amp;</a>{}\n", scalars::any(&mut maker.rng)),
        3 => "x".repeat(maker.rng.between(40, 300)),
        4 => String::from("a\r\nb\r\n"),
        5 => String::from("trailing \n  two\n\ttab\n"),
        _ => scalars::any(&mut maker.rng),
    }
}

fn env_text(maker: &mut Maker) -> String {
    let mut text = maker.rng.text(&["", "", "# note\n\n", "\u{feff}", "  \n"]);
    for key in ["ENV_A", "ENV_B", "env.c", "E10"]
        .iter()
        .take(maker.rng.between(1, 4))
    {
        let value = scalars::line(&mut maker.rng);
        text += &match maker.rng.below(5) {
            0 => format!("  {key}={value}\n"),
            1 => format!("{key}=\n"),
            2 => format!("{key}='{value}' \n"),
            3 if maker.rng.chance(30) => format!("{key}\n"),
            _ => format!("{key}={value}\n"),
        };
    }
    if maker.rng.chance(20) {
        text.replace('\n', "\r\n")
    } else {
        text
    }
}
