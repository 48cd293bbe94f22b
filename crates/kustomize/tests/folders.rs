//! Folders that cannot be built as Flux builds them: two recognised files, none where there is no folder,
//! files that are missing, are no files, or are too large. Each is an error that says what is wrong.

use file_tree::FileTree;
use kustomize::Limits;
use kustomize::flux::{self, Overlay};

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";

fn tree(files: &[(&str, &str)]) -> FileTree {
    let mut tree = FileTree::default();
    for (path, text) in files {
        let bytes = text.as_bytes().to_vec();
        tree.insert_file(path, bytes, false).expect("inserts");
    }
    tree
}

fn build(tree: &FileTree, path: &str, limits: Limits) -> Result<String, flux::Error> {
    let options = flux::Options {
        mount: "/src".to_owned(),
        limits,
        ..flux::Options::default()
    };
    let build = flux::build(tree, path, &Overlay::default(), &options)?;
    build.to_yaml().map_err(flux::Error::Build)
}

#[test]
fn two_recognised_files_are_an_error_wherever_they_are() {
    let file = "resources: [r.yaml]\n";
    let pairs = [
        ("kustomization.yaml", "kustomization.yml"),
        ("kustomization.yaml", "Kustomization"),
        ("kustomization.yml", "Kustomization"),
    ];
    for (first, second) in pairs {
        for folder in ["", "below/"] {
            let (first, second) = (format!("{folder}{first}"), format!("{folder}{second}"));
            let resource = format!("{folder}r.yaml");
            let mut files = vec![
                (first.as_str(), file),
                (second.as_str(), file),
                (resource.as_str(), CONFIG),
            ];
            if !folder.is_empty() {
                files.push(("kustomization.yaml", "resources: [below]\n"));
            }
            let error = build(&tree(&files), "", Limits::default()).expect_err("two files");
            assert!(matches!(error, flux::Error::Build(_)), "{error}");
            let place = format!("/src/{folder}");
            let expected = format!(
                "Found multiple kustomization files under: {}",
                place.trim_end_matches('/')
            );
            assert!(error.to_string().contains(&expected), "{error}");
        }
    }
}

#[test]
fn a_path_that_is_no_folder_is_an_error() {
    let files = tree(&[
        ("app", CONFIG),
        ("d/kustomization.yaml", "resources: [../app]\n"),
    ]);
    let error = build(&files, "app", Limits::default()).expect_err("a file");
    assert!(matches!(error, flux::Error::Generate(_)));
    assert_eq!(
        error.to_string(),
        "open /src/app/kustomization.yaml: not a directory remove /src/app/kustomization.yaml: not a directory"
    );
    for missing in ["nowhere", "d/nowhere", "app/below"] {
        let error = build(&files, missing, Limits::default()).expect_err(missing);
        assert!(
            matches!(error, flux::Error::PathNotFound(_)),
            "{missing}: {error}"
        );
    }
    assert!(build(&files, "d", Limits::default()).is_ok());
}

#[test]
fn files_that_a_kustomization_names_must_be_there_and_be_files() {
    for (kustomization, text) in [
        ("resources: [nowhere.yaml]\n", "no such file or directory"),
        ("resources: [r.yaml/below]\n", ""),
        (
            "resources: [empty]\n",
            "unable to find one of 'kustomization.yaml'",
        ),
        ("resources: [r.yaml]\npatches: [{path: empty}]\n", "empty"),
        ("configMapGenerator: [{name: c, files: [empty]}]\n", "empty"),
        (
            "configMapGenerator: [{name: c, envs: [nowhere.env]}]\n",
            "nowhere.env",
        ),
    ] {
        let mut files = tree(&[("kustomization.yaml", kustomization), ("r.yaml", CONFIG)]);
        files.insert_dir("empty").expect("inserts");
        let error = build(&files, "", Limits::default()).expect_err(kustomization);
        assert!(error.to_string().contains(text), "{kustomization}: {error}");
    }
}

#[test]
fn a_file_may_be_as_large_as_the_bound_and_no_larger() {
    let bound = 5 << 20;
    let mut limits = Limits::default();
    limits.yaml.bytes = bound;
    let sized = |size: usize| {
        let head = format!("{CONFIG}data:\n  text: ");
        let rest = size - head.len() - 1;
        format!("{head}{}\n", "x".repeat(rest))
    };
    for (field, name) in [
        ("resources: [big.yaml]", "big.yaml"),
        (
            "resources: [r.yaml]\npatches: [{path: big.yaml}]",
            "big.yaml",
        ),
    ] {
        let kustomization = format!("{field}\n");
        let files = |size: usize| {
            let big = sized(size);
            tree(&[
                ("kustomization.yaml", kustomization.as_str()),
                ("r.yaml", CONFIG),
                (name, big.as_str()),
            ])
        };
        assert!(build(&files(bound), "", limits).is_ok(), "{field}");
        assert!(build(&files(bound + 1), "", limits).is_err(), "{field}");
    }
    let plain = sized(bound + 1);
    let folder = tree(&[("d/big.yaml", plain.as_str())]);
    let error = build(&folder, "d", limits).expect_err("too large");
    assert!(error.to_string().contains("big.yaml"), "{error}");
}
