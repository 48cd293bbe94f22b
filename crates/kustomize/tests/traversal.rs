//! Every field that names a file, with every way out of the tree: nothing of what lies outside comes in.

use file_tree::FileTree;
use kustomize::flux::{self, Overlay};
use kustomize::{LoadRestriction, Options, TreeFs};

/// What only the file outside holds.
const CANARY: &str = "canary-7c1e";

/// One kustomization per field that takes a file; `PATH` stands for the file.
const FIELDS: [&str; 28] = [
    "resources: [PATH]",
    "bases: [PATH]",
    "components: [PATH]",
    "configurations: [PATH]",
    "crds: [PATH]",
    "openapi: {path: PATH}",
    "patches: [{path: PATH}]",
    "patches: [{path: PATH, target: {kind: ConfigMap}}]",
    "patchesStrategicMerge: [PATH]",
    "patchesJson6902: [{path: PATH, target: {version: v1, kind: ConfigMap, name: a}}]",
    "replacements: [{path: PATH}]",
    "generators: [PATH]",
    "transformers: [PATH]",
    "validators: [PATH]",
    "configMapGenerator: [{name: c, files: [PATH]}]",
    "configMapGenerator: [{name: c, files: [\"key=PATH\"]}]",
    "configMapGenerator: [{name: c, envs: [PATH]}]",
    "configMapGenerator: [{name: c, env: PATH}]",
    "secretGenerator: [{name: c, files: [PATH]}]",
    "secretGenerator: [{name: c, files: [\"key=PATH\"]}]",
    "secretGenerator: [{name: c, envs: [PATH]}]",
    "secretGenerator: [{name: c, env: PATH}]",
    "generators: ['{apiVersion: builtin, kind: ConfigMapGenerator, metadata: {name: p}, name: c, files: [\"PATH\"]}']",
    "generators: ['{apiVersion: builtin, kind: SecretGenerator, metadata: {name: p}, name: c, envs: [\"PATH\"]}']",
    "transformers: ['{apiVersion: builtin, kind: PatchTransformer, metadata: {name: p}, path: \"PATH\"}']",
    "transformers: ['{apiVersion: builtin, kind: PatchStrategicMergeTransformer, metadata: {name: p}, paths: [\"PATH\"]}']",
    "transformers: ['{apiVersion: builtin, kind: PatchJson6902Transformer, metadata: {name: p}, target: {name: a}, path: \"PATH\"}']",
    "transformers: ['{apiVersion: builtin, kind: ReplacementTransformer, metadata: {name: p}, replacements: [{path: \"PATH\"}]}']",
];

/// The ways to the file outside, from `/in/root`.
fn paths() -> Vec<String> {
    let ways = [
        "../out",
        "./../out",
        "sub/../../out",
        "sub/./../.././out",
        "..//out",
        ".././out",
        "/in/out",
        "//in/out",
        "/in/root/../out",
        "../root/../out",
        "link-out",
        "sub/../link-out",
        "sub/link-up/../out",
        "link-chain",
        "sub/link-deep",
        "link-root/out",
    ];
    let mut paths = Vec::new();
    for way in ways {
        for file in [
            "canary.yaml",
            "./canary.yaml",
            "link-same",
            "../out/canary.yaml",
            "dir/../canary.yaml",
        ] {
            paths.push(format!("{way}/{file}"));
        }
    }
    paths.extend(
        [
            "link-file",
            "sub/link-file",
            "link-absolute",
            "file:///in/out/canary.yaml",
        ]
        .map(str::to_owned),
    );
    paths
}

fn tree(kustomization: &str) -> FileTree {
    let object = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {CANARY}}}\ndata: {{k: {CANARY}}}\n"
    );
    let mut tree = FileTree::default();
    let mut file = |path: &str, text: &str| {
        tree.insert_file(path, text.as_bytes().to_vec(), false)
            .expect("inserts");
    };
    file("out/canary.yaml", &object);
    file("out/dir/keep", "");
    file("root/kustomization.yaml", kustomization);
    file(
        "root/r.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
    );
    file("root/sub/keep", "");
    for (path, target) in [
        ("out/link-same", "canary.yaml"),
        ("root/link-out", "../out"),
        ("root/link-chain", "sub/link-deep"),
        ("root/link-root", "/in"),
        ("root/link-file", "../out/canary.yaml"),
        ("root/link-absolute", "/in/out/canary.yaml"),
        ("root/sub/link-deep", "../../out"),
        ("root/sub/link-up", "../../root"),
        ("root/sub/link-file", "../link-file"),
    ] {
        tree.insert_symlink(path, target).expect("inserts");
    }
    tree
}

fn kustomization(field: &str, path: &str) -> String {
    let resources = if field.starts_with("resources") {
        ""
    } else {
        "resources: [r.yaml]\n"
    };
    format!("{resources}{}\n", field.replace("PATH", path))
}

/// The same tree without what lies outside, as an artifact has it.
fn artifact(kustomization: &str) -> FileTree {
    let mut inner = FileTree::default();
    let whole = tree(kustomization);
    for (path, entry) in whole.walk() {
        let Some(path) = path.strip_prefix("root/") else {
            continue;
        };
        match entry {
            file_tree::Entry::File { bytes, .. } => inner.insert_file(path, bytes.clone(), false),
            file_tree::Entry::Symlink(target) => inner.insert_symlink(path, target.clone()),
            file_tree::Entry::Dir(_) => Ok(()),
        }
        .expect("inserts");
    }
    inner
}

#[test]
fn no_field_reads_a_file_outside_of_its_root() {
    assert!(paths().len() >= 80);
    for field in FIELDS {
        for path in paths() {
            let tree = tree(&kustomization(field, &path));
            let build =
                kustomize::build(&TreeFs::new(&tree, "/in"), "/in/root", &Options::default());
            let error = build
                .map(|build| build.to_yaml())
                .expect_err(&format!("{field} with {path}"))
                .to_string();
            assert!(!error.contains(CANARY), "{field} with {path}: {error}");
        }
    }
}

#[test]
fn without_that_restriction_the_same_paths_lead_to_the_file() {
    let mut found = 0;
    for path in paths() {
        let tree = tree(&kustomization("resources: [PATH]", &path));
        let options = Options {
            load_restriction: LoadRestriction::None,
            ..Options::default()
        };
        let build = kustomize::build(&TreeFs::new(&tree, "/in"), "/in/root", &options);
        let text = build.and_then(|build| build.to_yaml()).unwrap_or_default();
        found += usize::from(text.contains(CANARY));
    }
    assert!(found > 60, "only {found} paths lead anywhere");
}

#[test]
fn no_field_of_an_artifact_reads_outside_of_it() {
    for field in FIELDS {
        for path in paths() {
            let tree = artifact(&kustomization(field, &path));
            let options = flux::Options {
                mount: "/in/root".to_owned(),
                ..flux::Options::default()
            };
            let build = flux::build(&tree, "", &Overlay::default(), &options);
            let error = build
                .map(|_| ())
                .expect_err(&format!("{field} with {path}"))
                .to_string();
            let named = [
                "fs-security-constraint",
                "no such file",
                "not available",
                "is not in or below",
            ];
            let clear = named.iter().any(|text| error.contains(text)) || error.contains("absolute");
            assert!(clear, "{field} with {path}: {error}");
        }
    }
}
