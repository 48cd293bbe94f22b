//! Schemas: the words of errors, and what hostile ones cannot do.

use super::*;
use crate::yaml;

fn check(schema: &str, values: &str) -> Result<(), String> {
    let values = yaml::read(values.as_bytes()).expect("values");
    validate(&values, schema.as_bytes())
}

#[test]
fn problems_are_told_in_helms_words() {
    let schema = r#"{"$schema": "http://json-schema.org/draft-07/schema#", "required": ["a", "b"],
        "properties": {"m": {"type": "integer", "minimum": 1000}, "s": {"enum": ["x", 1]}}}"#;
    assert_eq!(check(schema, "{a: 1, b: 2, m: 1000}"), Ok(()));
    for (values, expected) in [
        ("{b: 1}", "- at '': missing property 'a'\n"),
        ("{}", "- at '': missing properties 'a', 'b'\n"),
        (
            "{a: 1, b: 1, m: 5}",
            "- at '/m': minimum: got 5, want 1,000\n",
        ),
        (
            "{a: 1, b: 1, m: x}",
            "- at '/m': got string, want integer\n",
        ),
        (
            "{a: 1, b: 1, s: 2}",
            "- at '/s': value must be one of 'x', 1\n",
        ),
    ] {
        assert_eq!(check(schema, values).unwrap_err(), expected, "{values}");
    }
}

#[test]
fn references_stay_inside() {
    let inside =
        r##"{"$defs": {"a": {"type": "string"}}, "properties": {"x": {"$ref": "#/$defs/a"}}}"##;
    assert_eq!(
        check(inside, "x: 1").unwrap_err(),
        "- at '/x': got number, want string\n"
    );
    for (reference, expected) in [
        ("file:///dev/zero", "failing loading \"file:///dev/zero\""),
        (
            "http://example.com/x",
            "schemas of other hosts are not loaded",
        ),
        (
            "#/nope",
            "json-pointer in \"file:///values.schema.json#/nope\" not found",
        ),
    ] {
        let schema = format!(r#"{{"properties": {{"x": {{"$ref": "{reference}"}}}}}}"#);
        let error = check(&schema, "x: 1").unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(check(r#"{"$ref": "urn:x:y"}"#, "x: 1"), Ok(()));
}

#[test]
fn circles_and_endless_choices_end() {
    let error = check(r##"{"$ref": "#"}"##, "x: 1").unwrap_err();
    assert!(error.contains("causing reference cycle"), "{error}");
    // Each level doubles what has to be tried.
    let mut schema = String::from(r##"{"$ref": "#/$defs/d0", "$defs": {"d60": false"##);
    for level in 0..60 {
        let next = format!(r##"{{"$ref": "#/$defs/d{}"}}"##, level + 1);
        schema += &format!(r#", "d{level}": {{"anyOf": [{next}, {next}]}}"#);
    }
    schema += "}}";
    let error = check(&schema, "x: 1").unwrap_err();
    assert!(error.contains("steps"), "{error}");
    let list = r##"{"properties": {"x": {"$ref": "#"}}}"##;
    let deep = format!("{}1{}", "{x: ".repeat(200), "}".repeat(200));
    assert_eq!(check(list, &deep), Ok(()));
}

#[test]
fn what_is_no_schema_is_refused() {
    for schema in [
        "",
        "{",
        "[1",
        "nope",
        r#"{"type": "nope"}"#,
        r#"{"pattern": "("}"#,
        "[]",
    ] {
        assert!(check(schema, "x: 1").is_err(), "{schema}");
    }
    assert!(check(&format!("{}{}", "[".repeat(5000), "]".repeat(5000)), "x: 1").is_err());
    assert_eq!(check("true", "x: 1"), Ok(()));
    assert_eq!(
        check("false", "x: 1").unwrap_err(),
        "- at '': false schema\n"
    );
}
