//! What a stranger's templates can do at worst: end with an error, soon and with little memory.

use std::sync::Arc;

use go_template::{Budget, Limits, MissingKey, Session, Str, Value};

use super::Templates;
use crate::{Env, functions};

/// What one of the attacks below may cost.
const LIMITS: Limits = Limits {
    fuel: 3_000_000,
    bytes: 32 << 20,
    depth: 10_000,
};

fn env() -> Env {
    Env {
        now: Arc::new(|| (0, 0)),
        random: Arc::new(|bytes| bytes.fill(7)),
        lookup: None,
        resolve: None,
    }
}

fn render(texts: &[(&str, &str)]) -> Result<String, String> {
    let functions = functions::all(&env());
    let texts: Vec<(&str, Str)> = texts
        .iter()
        .map(|(name, it)| (*name, (*it).into()))
        .collect();
    let texts = texts.iter().map(|(name, text)| (*name, text));
    let templates = Templates::parse(texts, &functions).map_err(|it| it.to_string())?;
    let budget = Budget::untimed(LIMITS);
    let session = Session {
        functions: &functions,
        budget: &budget,
        missing_key: MissingKey::Zero,
    };
    let dot = Value::map([("self", Value::from("{{ tpl .self . }}"))]);
    let out = templates.render_one(&session, "c/templates/t.yaml", &dot);
    out.map(|it| it.to_string()).map_err(|it| it.to_string())
}

#[track_caller]
fn ends(text: &str, expect: &str) {
    let error = render(&[("c/templates/t.yaml", text)]).unwrap_err();
    assert!(error.contains(expect), "{error}");
}

#[test]
fn endless_recursion_ends() {
    let again = r#"{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}"#;
    ends(again, "rendering template has a nested reference name: a");
    ends("{{ tpl .self . }}", "nested deeper than 10000");
    let template = r#"{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}"#;
    ends(template, "exceeded maximum template depth");
}

#[test]
fn what_would_fill_the_memory_ends() {
    let (bytes, steps) = ("more than 33554432 bytes", "more than 3000000 steps");
    ends(r#"{{ repeat 4000000000 "a" }}"#, bytes);
    ends(r#"{{ indent 2000000000 "a\nb" }}"#, bytes);
    ends(r#"{{ nindent 30000000 "a\nb" }}"#, bytes);
    ends("{{ until 1000000000 }}", bytes);
    ends(
        "{{ untilStep -9223372036854775808 9223372036854775807 1 }}",
        bytes,
    );
    ends("{{ seq 1000000000 }}", bytes);
    ends(
        r#"{{ $s := repeat 10000 "a" }}{{ wrapWith 1 $s $s }}"#,
        bytes,
    );
    ends(
        r#"{{ $s := repeat 10000 "a" }}{{ replace "" $s $s }}"#,
        bytes,
    );
    ends(
        r#"{{ $s := repeat 10000 "a" }}{{ join $s (splitList "" $s) }}"#,
        bytes,
    );
    ends(
        "{{ $l := list 1 }}{{ range until 60 }}{{ $l = concat $l $l }}{{ end }}",
        bytes,
    );
    ends(
        r#"{{ $s := "a" }}{{ range until 60 }}{{ $s = print $s $s }}{{ end }}"#,
        bytes,
    );
    ends(
        "{{ range 100000 }}{{ range 100000 }}{{ end }}{{ end }}",
        steps,
    );
    ends("{{ $l := until 100000 }}{{ uniq $l }}", steps);
    ends(
        r#"{{ range until 3000 }}{{ $_ := trimAll (repeat 9000 "ab") (repeat 9000 "ab") }}{{ end }}"#,
        "more than",
    );
}

#[test]
fn a_dict_within_itself_ends() {
    let loops = r#"{{ $d := dict "a" 1 }}{{ $_ := set $d "d" $d }}"#;
    ends(&format!("{loops}{{{{ $d }}}}"), "more than");
    ends(&format!("{loops}{{{{ deepCopy $d }}}}"), "more than");
    let other = loops.replace("$d", "$e");
    ends(
        &format!("{loops}{other}{{{{ deepEqual $d $e }}}}"),
        "more than",
    );
    ends(
        &format!("{loops}{other}{{{{ mergeOverwrite $d $e }}}}"),
        "more than",
    );
}

#[test]
fn deep_values_take_no_stack() {
    let deep = "{{ $d := dict }}{{ range until 20000 }}{{ $d = dict \"a\" $d }}{{ end }}";
    let two = format!("{deep}{}", deep.replace("$d", "$e"));
    let out = render(&[(
        "c/templates/t.yaml",
        &format!("{two}{{{{ deepEqual $d $e }}}}"),
    )]);
    assert_eq!(out.as_deref(), Ok("true"));
    let merged = format!("{two}{{{{ merge $d $e | len }}}}{{{{ deepCopy $d | len }}}}");
    assert_eq!(
        render(&[("c/templates/t.yaml", &merged)]).as_deref(),
        Ok("11")
    );
}

#[test]
fn no_name_is_resolved_and_no_cluster_asked_unless_allowed() {
    let out = render(&[(
        "c/templates/t.yaml",
        r#"{{ lookup "v1" "Secret" "a" "b" }}"#,
    )]);
    assert_eq!(out.as_deref(), Ok("map[]"));
}

#[test]
fn deeper_files_come_first_and_partials_print_nothing() {
    let files = [
        (
            "c/templates/t.yaml",
            r#"{{ include "a" . }}<no value>{{ .missing }}"#,
        ),
        ("c/templates/_a.tpl", r#"{{ define "a" }}root{{ end }}"#),
        (
            "c/charts/s/templates/_a.tpl",
            r#"{{ define "a" }}sub{{ end }}"#,
        ),
    ];
    assert_eq!(render(&files).as_deref(), Ok("root"));
    let functions = functions::all(&env());
    let texts = files.map(|(name, text)| (name, Str::from(text)));
    let texts = texts.iter().map(|(name, text)| (*name, text));
    let templates = Templates::parse(texts, &functions).unwrap();
    let rendered: Vec<&str> = templates.rendered().collect();
    assert_eq!(rendered, ["c/templates/t.yaml"]);
}
