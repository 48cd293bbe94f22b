//! `values.schema.json` (T41; inputs 89, 90).

use crate::{refused, rendered};

#[track_caller]
fn schema(text: &str, expect: &str) {
    refused(
        &[
            ("values.schema.json", text),
            ("values.yaml", "a: {b: {c: [1, 2]}}\n"),
        ],
        expect,
    );
}

#[test]
fn references_reach_no_file_and_no_host() {
    for target in [
        "file:///dev/zero",
        "file:///etc/passwd",
        "http://127.0.0.1:1/schema.json",
        "https://example.org/schema.json",
        "other.json",
        "../../etc/passwd",
        "ftp://example.org/x",
    ] {
        schema(
            &format!("{{\"$ref\": \"{target}\"}}"),
            "values don't meet the specifications",
        );
    }
    let id = r#"{"$id": "http://127.0.0.1:1/a.json", "$ref": "b.json"}"#;
    schema(id, "values don't meet the specifications");
}

#[test]
fn circles_end() {
    let rendered = |text: &str| {
        let files = [
            ("values.schema.json", text),
            ("templates/a.yaml", "kind: A\n"),
        ];
        drop(rendered(&files, "a: {a: {a: 1}}\n"));
    };
    rendered(r##"{"$ref": "#"}"##);
    rendered(r##"{"allOf": [{"$ref": "#"}]}"##);
    rendered(r##"{"properties": {"a": {"$ref": "#"}}}"##);
    rendered(
        r##"{"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}"##,
    );
    rendered(r##"{"$dynamicRef": "#a", "$dynamicAnchor": "a"}"##);
    rendered(r##"{"not": {"$ref": "#"}}"##);
}

#[test]
fn choices_without_end_are_refused() {
    // Each level tries the next one twice.
    let mut text = String::from("{\"$defs\": {");
    for level in 0..60 {
        let next = format!("{{\"$ref\": \"#/$defs/d{}\"}}", level + 1);
        text.push_str(&format!("\"d{level}\": {{\"anyOf\": [{next}, {next}]}}, "));
    }
    text.push_str("\"d60\": false}, \"$ref\": \"#/$defs/d0\"}");
    schema(&text, "");
}

#[test]
fn deep_and_large_schemas_are_bounded() {
    let deep = format!("{}{}", "{\"not\": ".repeat(100_000), "}".repeat(100_000));
    schema(&deep, "");
    let lists = "[".repeat(1_000_000);
    schema(&lists, "");
    let wide = format!("{{\"allOf\": [{}true]}}", "true, ".repeat(200_000));
    schema(&wide, "more than");
}

#[test]
fn patterns_take_linear_time_and_bounded_memory() {
    let values = format!("a: \"{}!\"\n", "a".repeat(50_000));
    let evil = r#"{"properties": {"a": {"pattern": "^(a+)+$"}}}"#;
    let files = [
        ("values.schema.json", evil),
        ("templates/a.yaml", "kind: A\n"),
    ];
    let error = rendered(&files, &values).expect_err("does not match");
    assert!(error.contains("does not match pattern"));
    for pattern in ["(((a{1000}){1000}){1000}){1000}", "a{1001}", "(", "(?=a)"] {
        schema(
            &format!("{{\"properties\": {{\"a\": {{\"pattern\": \"{pattern}\"}}}}}}"),
            "",
        );
    }
}

#[test]
fn what_is_no_schema_is_refused() {
    for text in [
        "null",
        "1",
        "[]",
        "{",
        "\"x\"",
        "",
        "{\"type\": 1}",
        "{\"$schema\": 1}",
        "{\"required\": null}",
    ] {
        schema(text, "");
    }
}

#[test]
fn numbers_are_compared_and_not_expanded() {
    for text in [
        r#"{"properties": {"a": {"minimum": 1e400}}}"#,
        r#"{"properties": {"a": {"multipleOf": 1e-400}}}"#,
        r#"{"properties": {"a": {"maximum": 1e999999999}}}"#,
        r#"{"minProperties": 1e999999999}"#,
    ] {
        let files = [
            ("values.schema.json", text),
            ("templates/a.yaml", "kind: A\n"),
        ];
        drop(rendered(&files, "a: 5\n"));
        drop(rendered(&files, "a: 1e300\n"));
    }
}
