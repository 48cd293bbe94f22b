//! No value of a variable changes what kind of object a text is, or which fields it has at its root.

use std::collections::BTreeSet;

use envsubst::{Mode, Variables, one_line, substitute};

/// An object as a build prints it, with a variable in every style of scalar, and never in its kind.
const TEMPLATE: &str = "\
apiVersion: v1
data:
  block: |
    first ${v}
    ${v} last
  double: \"a ${v}\"
  fold: >-
    ${v}
  list:
  - ${v}
  - k: ${v}
  plain: ${v}
  single: '${v} b'
kind: ConfigMap
metadata:
  annotations:
    note: before ${v} after
  labels:
    ${v}: x
  name: n-${v}
type: ${v}
";

/// What a hostile value is made of.
const PARTS: [&str; 34] = [
    "\n",
    "\r",
    "\r\n",
    "\u{85}",
    "\u{2028}",
    "\u{2029}",
    " ",
    "  ",
    "\t",
    "---",
    "...",
    "kind: Role",
    "kind: ",
    "apiVersion: rbac.authorization.k8s.io/v1",
    "rules: []",
    "{",
    "}",
    "[",
    "]",
    ": ",
    "- ",
    "? ",
    "#",
    " #",
    "\"",
    "'",
    "\\",
    "|",
    ">",
    "&a ",
    "*a",
    "<<: ",
    "${v}",
    "x",
];

/// The next number of a fixed sequence.
fn next(state: &mut u64) -> usize {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 40).unwrap_or(0)
}

/// Kind, API version and the fields at the root; nothing where the text is no YAML.
fn outline(text: &str) -> Option<(String, String, BTreeSet<String>)> {
    let object = kyaml::parse(text).ok()??.root.to_json_1_1().ok()?;
    let field = |name: &str| object[name].as_str().unwrap_or_default().to_owned();
    let keys = object.as_object()?.keys().cloned().collect();
    Some((field("kind"), field("apiVersion"), keys))
}

fn substituted(value: &str) -> Option<(String, String, BTreeSet<String>)> {
    let variables = Variables::from([("v".to_owned(), one_line(value))]);
    outline(&substitute(TEMPLATE, &variables, Mode::Strict).ok()?)
}

#[test]
fn no_value_changes_the_kind_or_the_fields_of_an_object() {
    let expected = substituted("harmless").expect("is YAML");
    assert_eq!(expected.0, "ConfigMap");
    let mut state = 7;
    let mut read = 0;
    for _ in 0..5_000 {
        let count = 1 + next(&mut state) % 6;
        let value: String = (0..count)
            .map(|_| PARTS[next(&mut state) % PARTS.len()])
            .collect();
        if let Some(outline) = substituted(&value) {
            assert_eq!(outline, expected, "{value:?}");
            read += 1;
        }
    }
    assert!(read > 500, "only {read} values leave YAML");
}

#[test]
fn every_break_of_yaml_would_begin_a_field() {
    for line_break in ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"] {
        let value = format!("x{line_break}kind: Role");
        let text = "kind: ConfigMap\nmetadata:\n  name: ${v}\n";
        let variables = |value: String| Variables::from([("v".to_owned(), value)]);
        let kept = substitute(text, &variables(value.clone()), Mode::Strict).expect("substitutes");
        let kind = outline(&kept).map(|outline| outline.0);
        assert_ne!(
            kind.as_deref(),
            Some("ConfigMap"),
            "{line_break:?} is harmless"
        );
        let single =
            substitute(text, &variables(one_line(&value)), Mode::Strict).expect("substitutes");
        let kind = outline(&single).map(|outline| outline.0);
        assert!(
            kind.is_none_or(|kind| kind == "ConfigMap"),
            "{line_break:?}"
        );
    }
}
