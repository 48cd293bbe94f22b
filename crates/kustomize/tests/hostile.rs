//! Input that means harm: each costs little, fails clearly and harms no build beside it.

use std::fmt::Write as _;

use file_tree::FileTree;
use kustomize::flux::{self, Overlay};
use kustomize::{Build, Limits, LoadRestriction, Options, TreeFs};

fn tree(files: &[(&str, &str)]) -> FileTree {
    let mut tree = FileTree::default();
    for (path, text) in files {
        let bytes = text.as_bytes().to_vec();
        tree.insert_file(path, bytes, false).expect("inserts");
    }
    tree
}

fn build(tree: &FileTree, root: &str) -> Result<Build, String> {
    let options = Options {
        load_restriction: LoadRestriction::None,
        limits: Limits {
            kustomizations: 5_000,
            resources: 20_000,
            ..Limits::default()
        },
        ..Options::default()
    };
    kustomize::build(&TreeFs::new(tree, "/in"), &format!("/in/{root}"), &options)
        .map_err(|error| error.to_string())
}

fn yaml(tree: &FileTree, root: &str) -> Result<String, String> {
    build(tree, root)?
        .to_yaml()
        .map_err(|error| error.to_string())
}

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";

#[test]
fn a_bomb_of_aliases_is_an_error() {
    let mut bomb = String::from(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nx0: &x0 [a, a, a, a, a, a, a, a, a]\n",
    );
    for level in 1..12 {
        let below = format!("*x{}", level - 1);
        let items = vec![below; 9].join(", ");
        let _ = writeln!(bomb, "x{level}: &x{level} [{items}]");
    }
    let in_resource = tree(&[
        ("kustomization.yaml", "resources: [r.yaml]\n"),
        ("r.yaml", &bomb),
    ]);
    assert!(build(&in_resource, "").is_err());
    let in_file = tree(&[("kustomization.yaml", &bomb)]);
    assert!(build(&in_file, "").is_err());
}

#[test]
fn deep_nesting_is_an_error_everywhere() {
    let deep = "[".repeat(100_000);
    let maps = "{a: ".repeat(100_000);
    for text in [deep.as_str(), maps.as_str()] {
        let resource = format!("{CONFIG}x: {text}\n");
        let resources = tree(&[
            ("kustomization.yaml", "resources: [r.yaml]\n"),
            ("r.yaml", &resource),
        ]);
        assert!(build(&resources, "").is_err());
        assert!(build(&tree(&[("kustomization.yaml", text)]), "").is_err());
        let patch = "resources: [r.yaml]\npatches: [{path: p.yaml, target: {kind: ConfigMap}}]\n";
        let patched = tree(&[
            ("kustomization.yaml", patch),
            ("r.yaml", CONFIG),
            ("p.yaml", text),
        ]);
        assert!(build(&patched, "").is_err());
    }
}

#[test]
fn cycles_of_every_kind_are_errors() {
    for (field, other) in [
        ("resources", "b"),
        ("components", "b"),
        ("generators", "b"),
        ("transformers", "b"),
    ] {
        let kind = if field == "components" {
            "kind: Component\n"
        } else {
            ""
        };
        let a = format!("{field}: [../{other}]\nnamespace: ns\n");
        let b = format!("{kind}{field}: [../a]\nnamespace: ns\n");
        let tree = tree(&[("a/kustomization.yaml", &a), ("b/kustomization.yaml", &b)]);
        let error = build(&tree, "a").expect_err(field);
        assert!(error.contains("cycle detected"), "{field}: {error}");
    }
}

#[test]
fn a_lattice_of_layers_meets_the_bound() {
    // Every layer includes the one below twice: without a bound, 2^40 builds.
    let mut files = vec![(
        "l0/kustomization.yaml".to_owned(),
        "resources: [r.yaml]\n".to_owned(),
    )];
    files.push(("l0/r.yaml".to_owned(), CONFIG.to_owned()));
    for level in 1..40 {
        for side in ["left", "right"] {
            let text = format!("resources: [../l{}]\nnamePrefix: {side}\n", level - 1);
            files.push((format!("l{level}{side}/kustomization.yaml"), text));
        }
        let text = format!("resources: [../l{level}left, ../l{level}right]\n");
        files.push((format!("l{level}/kustomization.yaml"), text));
    }
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let error = build(&tree(&files), "l39").expect_err("is too large");
    assert!(error.contains("the build needs more than"), "{error}");
}

#[test]
fn texts_of_nested_layers_do_not_explode() {
    // Every component quotes the message of the one below: each level doubles its backslashes.
    let mut files = vec![(
        "c0/kustomization.yaml".to_owned(),
        "resources: [c1]\n".to_owned(),
    )];
    for level in 1..90 {
        let text = format!("kind: Component\ncomponents: [../c{}]\n", level + 1);
        files.push((format!("c{level}/kustomization.yaml"), text));
    }
    files[0].1 = "namespace: ns\ncomponents: [../c1]\n".to_owned();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let error = build(&tree(&files), "c0").expect_err("the last one is missing");
    assert!(error.len() < 1 << 20);
}

#[test]
fn no_field_reads_outside_the_tree() {
    let secret = "../../../etc/passwd";
    for kustomization in [
        format!("resources: [{secret}]\n"),
        format!("components: [{secret}]\n"),
        format!("resources: [r.yaml]\nconfigurations: [{secret}]\n"),
        format!("resources: [r.yaml]\ncrds: [{secret}]\n"),
        format!("resources: [r.yaml]\nopenapi: {{path: {secret}}}\n"),
        format!("resources: [r.yaml]\npatches: [{{path: {secret}}}]\n"),
        format!("resources: [r.yaml]\npatchesStrategicMerge: [{secret}]\n"),
        format!(
            "resources: [r.yaml]\npatchesJson6902: [{{path: {secret}, target: {{name: a, kind: ConfigMap, version: v1}}}}]\n"
        ),
        format!("resources: [r.yaml]\nreplacements: [{{path: {secret}}}]\n"),
        format!("resources: [r.yaml]\ntransformers: [{secret}]\n"),
        format!("resources: [r.yaml]\ngenerators: [{secret}]\n"),
        format!("resources: [r.yaml]\nvalidators: [{secret}]\n"),
        format!("configMapGenerator: [{{name: a, files: [{secret}]}}]\n"),
        format!("configMapGenerator: [{{name: a, envs: [{secret}]}}]\n"),
        format!("secretGenerator: [{{name: a, files: [\"k={secret}\"]}}]\n"),
        "configMapGenerator: [{name: a, files: [link]}]\n".to_owned(),
        "resources: [https://example.com/a.yaml]\n".to_owned(),
        "resources: [\"https://example.com/o/r?ref=v1\"]\n".to_owned(),
    ] {
        let mut tree = tree(&[
            ("d/kustomization.yaml", &kustomization),
            ("d/r.yaml", CONFIG),
        ]);
        tree.insert_symlink("d/link", "/etc/passwd")
            .expect("inserts");
        let result = flux::build(&tree, "d", &Overlay::default(), &flux::Options::default());
        let error = result.map(|_| ()).expect_err(&kustomization).to_string();
        assert!(
            error.contains("fs-security-constraint")
                || error.contains("no such file")
                || error.contains("not available"),
            "{kustomization}: {error}"
        );
    }
}

#[test]
fn costly_expressions_are_refused() {
    let kustomization = "resources: [r.yaml]\npatches:\n- target: {name: '((((a{1000}){1000}){1000}){1000})'}\n  patch: '[{op: add, path: /data, value: {}}]'\n";
    let tree = tree(&[("kustomization.yaml", kustomization), ("r.yaml", CONFIG)]);
    assert!(build(&tree, "").is_err());
}

#[test]
fn nothing_that_runs_programs_is_run() {
    let function = |annotation: &str| {
        format!(
            "apiVersion: x/v1\nkind: F\nmetadata:\n  name: f\n  annotations:\n    config.kubernetes.io/function: |\n      {annotation}\n"
        )
    };
    let container = function("container: {image: registry.example.com/f}");
    let exec = function("exec: {path: ./run.sh}");
    let starlark = function("starlark: {path: f.star, name: f}");
    let go =
        "apiVersion: someteam.example.com/v1\nkind: GoPlugin\nmetadata: {name: g}\n".to_owned();
    for plugin in [&container, &exec, &starlark, &go] {
        for field in ["generators", "transformers", "validators"] {
            let kustomization = format!("resources: [r.yaml]\n{field}: [p.yaml]\n");
            let tree = tree(&[
                ("kustomization.yaml", &kustomization),
                ("r.yaml", CONFIG),
                ("p.yaml", plugin),
                ("run.sh", "#!/bin/sh\n"),
            ]);
            let error = yaml(&tree, "").expect_err(field);
            assert!(
                error.contains("external plugins disabled"),
                "{field}: {error}"
            );
        }
    }
    for field in [
        "helmCharts: [{name: c, repo: 'https://charts.example.com'}]\n",
        "helmChartInflationGenerator: [{chartName: c}]\n",
        "generators: ['{apiVersion: builtin, kind: HelmChartInflationGenerator, metadata: {name: h}, name: c}']\n",
    ] {
        let kustomization = format!("resources: [r.yaml]\n{field}");
        let tree = tree(&[("kustomization.yaml", &kustomization), ("r.yaml", CONFIG)]);
        let error = yaml(&tree, "").expect_err(field);
        assert!(
            error.contains("must specify --enable-helm"),
            "{field}: {error}"
        );
    }
}

/// Rows 92 to 111 of the bad inputs that no recorded case covers, with a part of the text.
#[test]
fn bad_inputs_fail_clearly() {
    let patched = |patch: &str| {
        format!(
            "resources: [r.yaml]\npatches:\n- target: {{kind: ConfigMap}}\n  patch: '{patch}'\n"
        )
    };
    let self_alias = format!("{CONFIG}data: &d\n  x: *d\n");
    let generated = "apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n";
    let tabs = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: a\n";
    let list = "resources: [r.yaml]\n".to_owned();
    for (kustomization, resource, text) in [
        (patched(r#"[{"op": "add", "path": "/data/-1/x", "value": 1}]"#), CONFIG, "missing path"),
        (patched(r#"[{"op": "remove", "path": "data"}]"#), CONFIG, ""),
        (list.clone(), self_alias.as_str(), "value contains itself"),
        (list.clone(), generated, "missing metadata.name"),
        (list.clone(), tabs, "cannot start any token"),
        (list.clone(), "a: b\n", "missing"),
        (
            "resources: [r.yaml]\npatches: [{patch: '{apiVersion: v1, kind: Secret, metadata: {name: z}}'}]\n".into(),
            CONFIG,
            "no matches for Id",
        ),
    ] {
        let tree = tree(&[("kustomization.yaml", &kustomization), ("r.yaml", resource)]);
        match yaml(&tree, "") {
            Err(error) => assert!(error.contains(text), "{kustomization}{resource}: {error}"),
            Ok(output) => assert!(text.is_empty(), "{kustomization}{resource} builds: {output}"),
        }
    }
}

#[test]
fn many_documents_cost_little_each() {
    let object =
        |number: usize| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a{number}}}\n");
    let documents: Vec<String> = (0..20_001).map(object).collect();
    let tree = tree(&[
        ("kustomization.yaml", "resources: [r.yaml]\n"),
        ("r.yaml", &documents.join("---\n")),
    ]);
    let error = build(&tree, "")
        .map(|_| ())
        .expect_err("one more than allowed");
    assert!(
        error.contains("the build needs more than 20000 resources"),
        "{error}"
    );
}

#[test]
fn bombs_in_every_file_that_a_field_names_are_errors() {
    let mut bomb = String::from("x0: &x0 [a, a, a, a, a, a, a, a, a]\n");
    for level in 1..12 {
        let items = vec![format!("*x{}", level - 1); 9].join(", ");
        let _ = writeln!(bomb, "x{level}: &x{level} [{items}]");
    }
    for field in [
        "configurations: [b.yaml]",
        "crds: [b.yaml]",
        "openapi: {path: b.yaml}\npatches: [{patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}'}]",
        "patches: [{path: b.yaml}]",
        "patchesStrategicMerge: [b.yaml]",
        "patchesJson6902: [{path: b.yaml, target: {version: v1, kind: ConfigMap, name: a}}]",
        "replacements: [{path: b.yaml}]",
        "generators: [b.yaml]",
        "transformers: [b.yaml]",
        "validators: [b.yaml]",
    ] {
        let kustomization = format!("resources: [r.yaml]\n{field}\n");
        let tree = tree(&[
            ("kustomization.yaml", &kustomization),
            ("r.yaml", CONFIG),
            ("b.yaml", &bomb),
        ]);
        assert!(yaml(&tree, "").is_err(), "{field}");
    }
}

#[test]
fn hostile_and_honest_builds_run_side_by_side() {
    let honest = tree(&[
        (
            "kustomization.yaml",
            "resources: [r.yaml]\nnamePrefix: p-\n",
        ),
        ("r.yaml", CONFIG),
    ]);
    let hostile = tree(&[
        (
            "kustomization.yaml",
            "resources: [r.yaml]\nopenapi: {path: s.json}\npatches: [{patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}'}]\n",
        ),
        ("r.yaml", CONFIG),
        (
            "s.json",
            r#"{"definitions":{"x":{"x-kubernetes-group-version-kind":[{"group":"","version":"v1","kind":"ConfigMap"}],"properties":{}}},"paths":{}}"#,
        ),
    ]);
    let expected = yaml(&honest, "").expect("builds");
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (honest, hostile, expected) = (&honest, &hostile, &expected);
            scope.spawn(move || {
                for _ in 0..50 {
                    if number % 2 == 0 {
                        assert_eq!(yaml(honest, "").as_ref(), Ok(expected));
                    } else {
                        let _ = yaml(hostile, "");
                    }
                }
            });
        }
    });
}
