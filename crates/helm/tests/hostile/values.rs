//! Values of files and of `--set` (T39; inputs 81 to 88, 91).

use go_template::{Map, Type, Value};
use helm::chart::load_values;
use helm::strvals::{self, Mode};

use crate::{check_memory, rendered, text};

/// So many changes of a long list are too many.
const MANY: usize = 310;

fn set(text: &str) -> Result<Map, String> {
    let values = Map::new(&Type::MAP);
    let set = strvals::set(text, &values, Mode::Typed);
    check_memory();
    set.map(|()| values).map_err(|error| error.to_string())
}

#[track_caller]
fn refused(text: &str, expect: &str) {
    let error = set(text).err().unwrap_or_default();
    assert!(error.contains(expect), "{error:?}");
}

#[test]
fn indexes_and_nesting_are_bounded() {
    assert!(set("a[65536]=x").is_ok());
    refused(
        "a[65537]=x",
        "index of 65537 is greater than maximum supported index of 65536",
    );
    refused("a[99999999]=x", "greater than maximum supported index");
    refused("a[-1]=x", "negative");
    refused("a[9223372036854775808]=x", "");
    refused("a[0][65537]=x", "greater than maximum supported index");
    let path = |names: usize| vec!["a"; names].join(".");
    assert!(set(&format!("{}=1", path(30))).is_ok());
    let deep = "value name nested level is greater than maximum supported nested level of 30";
    refused(&format!("{}=1", path(32)), deep);
    refused(&format!("{}=1", path(100_000)), deep);
    refused(&format!("a{}=1", "[0]".repeat(100_000)), "");
    // Many large lists at once.
    let lists: Vec<String> = (0..2_000).map(|at| format!("a{at}[65536]=x")).collect();
    refused(&lists.join(","), "lists need more than 1000000 elements");
    let one: Vec<String> = (0..MANY).map(|at| format!("a[65536].k{at}=x")).collect();
    refused(&one.join(","), "too many changes");
    drop(set(&"{".repeat(100_000)));
    drop(set(&format!("a={}", "{".repeat(100_000))));
    drop(set(&"\\".repeat(100_001)));
}

#[test]
fn files_that_are_no_map_are_refused() {
    for (text, expect) in [
        ("- a\n", "cannot unmarshal array"),
        ("text\n", "cannot unmarshal string"),
        ("a: [\n", "yaml: "),
        ("a: &a [*a]\n", "yaml: "),
        ("a: &a {<<: *a}\n", "yaml: "),
        ("\u{1}: x\n", "control characters"),
    ] {
        let error = load_values(text.as_bytes())
            .map(drop)
            .expect_err(text)
            .to_string();
        assert!(error.contains(expect), "{text:?}: {error}");
    }
    assert!(load_values(b"a: \xFF\xFE\n").is_err());
}

#[test]
fn bombs_are_refused() {
    let bomb = crate::charts::bomb("a", 9);
    let error = load_values(bomb.as_bytes())
        .map(drop)
        .expect_err("a bomb")
        .to_string();
    assert!(error.contains("yaml: "), "{error}");
    for open in ["[", "{a: ", "- ", "? "] {
        assert!(
            load_values(open.repeat(100_000).as_bytes()).is_err(),
            "{open}"
        );
    }
    let merges = format!(
        "a0: &a0 {{x: 1}}\n{}",
        (1..2_000)
            .map(|at| { format!("a{at}: &a{at} {{<<: [*a{0}, *a{0}]}}\n", at - 1) })
            .collect::<String>()
    );
    drop(load_values(merges.as_bytes()));
    check_memory();
}

#[test]
fn scalars_are_those_of_yaml_1_1() {
    let values =
        "big: 9223372036854775808\nhuge: 1e400\ninf: .inf\noctal: 0777\nyes: yes\nno: no\n";
    let error = load_values(values.as_bytes())
        .map(drop)
        .expect_err("JSON has no infinity");
    assert!(error.to_string().contains("unsupported value"), "{error}");
    let values = "octal: 0777\nanswer: yes\n";
    let template = "kind: {{ .Values.octal }}-{{ .Values.answer }}";
    let out = rendered(&[("templates/a.yaml", template)], values).expect("renders");
    assert_eq!(text(&out), "kind: 511-true");
}

#[test]
fn null_takes_a_default_away() {
    let files = [
        ("values.yaml", "a: {b: 1, c: 2}\n"),
        ("templates/a.yaml", "kind: {{ .Values.a }}"),
    ];
    let out = rendered(&files, "a: {b: null}\n").expect("renders");
    assert_eq!(text(&out), "kind: map[c:2]");
}

#[test]
fn values_as_deep_as_can_be_take_no_stack() {
    let mut deep = Value::int(1);
    for _ in 0..200 {
        deep = Value::map([("a", deep)]);
    }
    let yaml = helm::yaml::to_yaml(&deep).expect("prints");
    let files = [
        ("values.yaml", yaml.as_str()),
        ("templates/a.yaml", "kind: {{ toJson .Values | len }}"),
    ];
    rendered(&files, &yaml).expect("renders");
}
