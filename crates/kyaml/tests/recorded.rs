//! Compares with what the Go libraries print: rows recorded by `hack/gen/yaml`.

use kyaml::merge::{ListOrder, Options, merge};
use kyaml::{Error, Limits, Node, SequenceIndent, json_patch};
use serde_json::Value as Json;

const TEXTS: &str = include_str!("../../../tests/conformance/kyaml/texts.jsonl");
const MERGES: &str = include_str!("../../../tests/conformance/kyaml/merges.jsonl");

fn check(rows: &str, column: &str, run: impl Fn(&Json) -> Result<String, Error>) {
    let mut wrong = Vec::new();
    for (number, line) in rows.lines().enumerate() {
        let row: Json = serde_json::from_str(line).expect("rows are JSON");
        let found = run(&row).unwrap_or_else(|err| format!("ERR {err}"));
        let expected = row[column]
            .as_str()
            .expect("recorded columns are text")
            .replace("MalformedYAMLError: ", "");
        if found != expected {
            wrong.push(format!("row {}: {line}\nfound: {found}", number + 1));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} rows differ\n{}",
        wrong.len(),
        wrong.join("\n\n")
    );
}

fn text<'a>(row: &'a Json, column: &str) -> &'a str {
    row[column].as_str().expect("recorded columns are text")
}

fn single(text: &str) -> Result<Node, Error> {
    kyaml::read_objects(text, &Limits::default()).map(|mut objects| objects.remove(0))
}

fn print(node: Option<&Node>) -> Result<String, Error> {
    let Some(node) = node else {
        return Ok("DELETED".into());
    };
    let mut out = String::new();
    node.to_output(&mut out).map(|()| out)
}

#[test]
fn prints_documents_as_they_were_written() {
    check(TEXTS, "styled", |row| {
        match kyaml::parse(text(row, "text"))? {
            Some(document) => document.to_styled_with(SequenceIndent::Compact),
            None => Ok("ERR EOF".into()),
        }
    });
}

#[test]
fn prints_objects_as_kustomize_builds_them() {
    check(TEXTS, "output", |row| {
        let mut out = String::new();
        for object in kyaml::read_objects(text(row, "text"), &Limits::default())? {
            out.push_str("---\n");
            out.push_str(&print(Some(&object)).unwrap_or_else(|err| format!("ERR {err}")));
        }
        Ok(out)
    });
}

#[test]
fn merges_and_patches_as_kustomize_does() {
    check(MERGES, "output", |row| {
        let mut target = single(text(row, "target"))?;
        let order = match text(row, "how") {
            "json" => {
                json_patch::Patch::parse(text(row, "patch"))?.apply_to(&mut target)?;
                return print(Some(&target));
            }
            "append" => ListOrder::Append,
            _ => ListOrder::Prepend,
        };
        let options = Options {
            order,
            ..Options::default()
        };
        print(merge(&single(text(row, "patch"))?, target, &options)?.as_ref())
    });
}

#[test]
fn made_keys_and_blocks_are_read_again_as_upstream_does() {
    let fails = |key: &str, value: Node, expected: &str| {
        let data = Node::mapping_of([(key, value)]);
        let err = Node::mapping_of([("data", data)])
            .to_json()
            .expect_err("must fail");
        assert_eq!(err.to_string(), expected);
    };
    let unsupported = "json: unsupported type: map[interface {}]interface {}";
    fails("2020-01-01", Node::string("x"), unsupported);
    fails("5", Node::string("x"), unsupported);
    let merge = "yaml: map merge requires map or sequence of maps as the value";
    fails("<<", Node::string("x"), merge);
    let tab = "yaml: line 2: found a tab character where an indentation space is expected";
    fails("k", Node::string("\tx\ny\n"), tab);
}

#[test]
fn reads_utf_16() {
    let bytes: Vec<u8> = "\u{FEFF}a: é\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(kyaml::decode_text(&bytes).expect("it is UTF-16"), "a: é\n");
    assert!(kyaml::decode_text(b"\xFF\xFE\x00").is_err());
    let err = kyaml::decode_text(b"a: \xff\n").expect_err("not UTF-8");
    assert_eq!(err.to_string(), "yaml: invalid leading UTF-8 octet");
}
