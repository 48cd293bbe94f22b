//! Builds that fail, or cost all that they may, next to honest ones in the same process: what an honest build
//! prints stays the same, and each hostile one says the same as when it is alone.

use std::fmt::Write as _;

use file_tree::FileTree;
use kustomize::{Limits, LoadRestriction, Options, TreeFs};

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";

fn tree(files: &[(&str, &str)]) -> FileTree {
    let mut tree = FileTree::default();
    for (path, text) in files {
        let bytes = text.as_bytes().to_vec();
        tree.insert_file(path, bytes, false).expect("inserts");
    }
    tree
}

fn build(tree: &FileTree) -> Result<String, String> {
    let options = Options {
        load_restriction: LoadRestriction::None,
        limits: Limits {
            kustomizations: 300,
            resources: 500,
            output: 1 << 18,
            yaml: kyaml::Limits {
                nodes: 100_000,
                ..kyaml::Limits::default()
            },
        },
        ..Options::default()
    };
    kustomize::build(&TreeFs::new(tree, "/in"), "/in/root", &options)
        .and_then(|build| build.to_yaml())
        .map_err(|error| error.to_string())
}

/// One resource under a kustomization of these lines.
fn over(lines: &str, resource: &str) -> FileTree {
    tree(&[
        (
            "root/kustomization.yaml",
            &format!("resources: [r.yaml]\n{lines}\n"),
        ),
        ("root/r.yaml", resource),
    ])
}

/// References to references: a few hundred bytes that stand for billions.
fn bomb() -> String {
    let mut bomb = format!("{CONFIG}x0: &x0 [a, a, a, a, a, a, a, a, a]\n");
    for level in 1..12 {
        let items = vec![format!("*x{}", level - 1); 9].join(", ");
        let _ = writeln!(bomb, "x{level}: &x{level} [{items}]");
    }
    bomb
}

/// Two folders that include each other by `field`.
fn cycle(field: &str, kind: &str) -> FileTree {
    tree(&[
        (
            "root/kustomization.yaml",
            &format!("{field}: [../other]\nnamespace: n\n"),
        ),
        (
            "other/kustomization.yaml",
            &format!("{kind}{field}: [../root]\nnamespace: n\n"),
        ),
    ])
}

/// Each layer includes the one below it twice.
fn lattice() -> FileTree {
    let mut files = vec![
        (
            "l0/kustomization.yaml".to_owned(),
            "resources: [r.yaml]\n".to_owned(),
        ),
        ("l0/r.yaml".to_owned(), CONFIG.to_owned()),
    ];
    for level in 1..30 {
        let below = level - 1;
        for side in ["a", "b"] {
            let text = format!("resources: [../l{below}]\nnamePrefix: {side}\n");
            files.push((format!("l{level}{side}/kustomization.yaml"), text));
        }
        let text = format!("resources: [../l{level}a, ../l{level}b]\n");
        files.push((format!("l{level}/kustomization.yaml"), text));
    }
    files.push((
        "root/kustomization.yaml".to_owned(),
        "resources: [../l29]\n".to_owned(),
    ));
    let files: Vec<(&str, &str)> = files.iter().map(|(a, b)| (&**a, &**b)).collect();
    tree(&files)
}

/// Input that means harm, by what it does.
fn hostile() -> Vec<(&'static str, FileTree)> {
    let expression = "patches: [{target: {name: '((((a{1000}){1000}){1000}){1000})'}, patch: '[{op: add, path: /data, value: {}}]'}]";
    let schema = "openapi: {path: s.json}\npatches: [{patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}'}]";
    let mut with_schema = over(schema, CONFIG);
    let definition = br#"{"definitions":{"x":{"x-kubernetes-group-version-kind":[{"group":"","version":"v1","kind":"ConfigMap"}],"properties":{}}},"paths":{}}"#;
    with_schema
        .insert_file("root/s.json", definition.to_vec(), false)
        .expect("inserts");
    let many: Vec<String> = (0..501)
        .map(|number| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a{number}}}\n"))
        .collect();
    let long = format!("{CONFIG}data:\n  x: {}\n", "x".repeat(1 << 19));
    vec![
        ("a bomb", over("", &bomb())),
        (
            "a bomb as a patch",
            over(
                &format!(
                    "patches:\n- patch: |\n    {}",
                    bomb().replace('\n', "\n    ")
                ),
                CONFIG,
            ),
        ),
        (
            "an anchor in itself",
            over("", &format!("{CONFIG}data: &d\n  x: *d\n")),
        ),
        (
            "lists in lists",
            over("", &format!("{CONFIG}x: {}\n", "[".repeat(20_000))),
        ),
        ("maps in maps", over(&"{a: ".repeat(20_000), CONFIG)),
        ("a cycle of resources", cycle("resources", "")),
        (
            "a cycle of components",
            cycle("components", "kind: Component\n"),
        ),
        ("a lattice", lattice()),
        ("a costly expression", over(expression, CONFIG)),
        ("a schema of its own", with_schema),
        ("too many documents", over("", &many.join("---\n"))),
        ("too much output", over("", &long)),
        (
            "a file outside",
            over(
                "configMapGenerator: [{name: b, files: [../../../etc/passwd]}]",
                CONFIG,
            ),
        ),
        (
            "a function",
            over(
                "transformers: ['{apiVersion: x/v1, kind: F, metadata: {name: f, annotations: {config.kubernetes.io/function: \"exec: {path: ./x}\"}}}']",
                CONFIG,
            ),
        ),
        (
            "names that grow",
            over(&format!("namePrefix: {}", "p".repeat(1 << 19)), CONFIG),
        ),
    ]
}

#[test]
fn hostile_input_changes_nothing_beside_it() {
    let honest = over(
        "namePrefix: p-\npatches: [{patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {template: {spec: {containers: [{name: b, image: y}]}}}}'}]",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {template: {spec: {containers: [{name: a, image: x}]}}}\n",
    );
    let expected = build(&honest).expect("builds");
    let hostile = hostile();
    let alone: Vec<Result<String, String>> = hostile.iter().map(|(_, tree)| build(tree)).collect();
    for ((name, _), outcome) in hostile.iter().zip(&alone) {
        let fine = ["a schema of its own"].contains(name);
        assert_eq!(outcome.is_ok(), fine, "{name}");
    }
    std::thread::scope(|scope| {
        let attack = scope.spawn(|| {
            for ((name, tree), alone) in hostile.iter().zip(&alone) {
                assert_eq!(&build(tree), alone, "{name}");
            }
        });
        let mut builds = 0;
        while !attack.is_finished() || builds < 100 {
            assert_eq!(build(&honest).as_ref(), Ok(&expected));
            builds += 1;
        }
    });
}
