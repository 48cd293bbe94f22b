//! Files of charts: descriptions, dependencies, definitions (T15, T42; inputs 60 to 70, 76 to 80).

use crate::{chart, refused, rendered, text};

#[track_caller]
fn description(text: &str, expect: &str) {
    let error = chart(&[("Chart.yaml", text)]).err().unwrap_or_default();
    assert!(error.contains(expect), "{text:?}: {error:?}");
}

#[test]
fn names_are_no_paths() {
    for name in ["..", "a/b", "../../x", "/etc", "\"\""] {
        let text = format!("apiVersion: v2\nname: {name}\nversion: 0.1.0\n");
        let error = chart(&[("Chart.yaml", &text)]).err().unwrap_or_default();
        assert!(error.contains("chart.metadata.name"), "{name}: {error}");
    }
    let alias = "apiVersion: v2\nname: c\nversion: 0.1.0\ndependencies:\n- {name: d, alias: ../x, version: 1.0.0}\n";
    description(alias, "disallowed characters");
}

#[test]
fn descriptions_are_checked() {
    description("- a\n", "cannot unmarshal array");
    description(
        "apiVersion: v9\nname: c\nversion: 0.1.0\n",
        "unsupported chart version",
    );
    description(
        "apiVersion: v2\nname: c\nversion: \"1.0\\nx\"\n",
        "is invalid",
    );
    description(
        "apiVersion: v2\nname: c\n",
        "chart.metadata.version is required",
    );
    description("apiVersion: [v2]\n", "cannot unmarshal");
    description("name: &a [*a]\n", "");
    description("a: &a [x, x]\nb: [*a, *a\n", "");
    let twice = "apiVersion: v2\nname: c\nversion: 0.1.0\ndependencies:\n- {name: d, version: 1.0.0}\n- {name: d, version: 1.0.0}\n";
    description(twice, "more than one dependency with name or alias \"d\"");
    let short = "apiVersion: v2\nname: c\nversion: '1.0'\n";
    assert!(chart(&[("Chart.yaml", short)]).is_ok());
}

#[test]
fn entries_that_are_nothing_do_no_harm() {
    let null =
        "apiVersion: v2\nname: c\nversion: 0.1.0\ndependencies: [null]\nmaintainers: [null]\n";
    let error = chart(&[("Chart.yaml", null)]).err().unwrap_or_default();
    assert!(error.contains("must not contain empty or null"), "{error}");
    for name in ["requirements.yaml", "requirements.lock", "Chart.lock"] {
        let files = [
            ("Chart.yaml", "apiVersion: v1\nname: c\nversion: 0.1.0\n"),
            (name, "dependencies: {a: [1]}\n"),
        ];
        assert!(chart(&files).is_err(), "{name}");
    }
}

#[test]
fn dependencies_are_never_fetched() {
    let files = [
        (
            "Chart.yaml",
            "apiVersion: v2\nname: c\nversion: 0.1.0\ndependencies:\n\
             - {name: a, version: 1.0.0, repository: \"file://../../etc\"}\n\
             - {name: b, version: 1.0.0, repository: \"http://127.0.0.1:1\"}\n",
        ),
        ("templates/a.yaml", "kind: A\n"),
    ];
    let chart = chart(&files).expect("a chart");
    let error = helm::render::check_chart(&chart).expect_err("parts are missing");
    assert!(
        error
            .to_string()
            .ends_with("missing in charts/ directory: a, b"),
        "{error}"
    );
}

#[test]
fn a_chart_that_holds_itself_ends() {
    let mut files = vec![(String::from("templates/a.yaml"), String::from("kind: A\n"))];
    let mut path = String::new();
    for _ in 0..40 {
        let text =
            "apiVersion: v2\nname: c\nversion: 0.1.0\ndependencies: [{name: c, version: 0.1.0}]\n";
        files.push((format!("{path}Chart.yaml"), text.to_owned()));
        path.push_str("charts/c/");
    }
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let error = chart(&files).expect_err("nested");
    assert!(error.contains("nested"), "{error}");
}

#[test]
fn definitions_are_not_read() {
    let files = [
        ("crds/a.yaml", "{{ fail \"x\" }}: [\n"),
        ("templates/a.yaml", "kind: A\n"),
    ];
    let rendered = rendered(&files, "").expect("renders");
    assert_eq!(&*rendered.crds[0].1, &b"{{ fail \"x\" }}: [\n"[..]);
}

#[test]
fn rendered_texts_that_are_no_objects_are_refused() {
    let parse = "YAML parse error on c/templates/a.yaml: error converting YAML to JSON: yaml: ";
    refused(&[("templates/a.yaml", "a: [\n")], parse);
    refused(&[("templates/a.yaml", "a: &a [*a]\n")], parse);
    refused(&[("templates/a.yaml", &"[".repeat(100_000))], parse);
    refused(
        &[("templates/a.yaml", "just text\n")],
        "YAML parse error on c/templates/a.yaml",
    );
    let bomb = bomb("a", 9);
    refused(
        &[("templates/a.yaml", &bomb)],
        "YAML parse error on c/templates/a.yaml",
    );
}

/// Lists of lists of lists, each nine times the one before.
pub(crate) fn bomb(name: &str, levels: usize) -> String {
    let mut text = format!("{name}0: &{name}0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..=levels {
        let below = format!("*{name}{}", level - 1);
        text.push_str(&format!(
            "{name}{level}: &{name}{level} [{}]\n",
            vec![below; 9].join(", ")
        ));
    }
    text
}

#[test]
fn odd_hooks_and_twins_are_let_through_as_by_helm() {
    let hook = "kind: A\nmetadata:\n  annotations:\n    helm.sh/hook: pre-install\n    \
                helm.sh/hook-weight: heavy\n    helm.sh/hook-delete-policy: never\n---\nkind: B\nmetadata: {name: b}\n\
                ---\nkind: B\nmetadata: {name: b}\n";
    let rendered = rendered(&[("templates/a.yaml", hook)], "").expect("renders");
    assert_eq!((rendered.hooks[0].weight, rendered.manifests.len()), (0, 2));
    assert!(text(&rendered).contains("kind: B"));
}

#[test]
fn notes_are_bounded_as_well() {
    refused(
        &[("templates/NOTES.txt", "{{ repeat 1000000000 \"a\" }}")],
        "rendering makes more than",
    );
}
