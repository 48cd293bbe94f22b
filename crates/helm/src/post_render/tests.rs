//! Streams of objects through post-renderers and back.

use super::*;

fn files(files: &[(&str, &str)]) -> Files {
    let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
    files.iter().map(owned).collect()
}

fn through(
    strategy: Strategy,
    renderer: impl Fn(&str) -> Result<String, String> + Send + Sync + 'static,
    given: &[(&str, &str)],
) -> Result<Files, String> {
    let renderers: Vec<Arc<dyn PostRenderer>> = vec![Arc::new(renderer)];
    let post = PostRender {
        strategy,
        renderers,
    };
    post.run(&files(given)).map_err(|error| error.to_string())
}

const OBJECT: &str = "kind: A\nmetadata:\n  name: a\n";
const HOOK: &str = "kind: H\nmetadata:\n  name: h\n  annotations:\n    helm.sh/hook: test\n";

#[test]
fn objects_return_to_their_files_without_the_mark() {
    let both = format!("{OBJECT}---\n{HOOK}");
    let given = [
        ("c/templates/a.yaml", both.as_str()),
        ("c/templates/_x.tpl", "kind: X"),
    ];
    let out = through(Strategy::Combined, |it| Ok(it.to_owned()), &given).unwrap();
    assert_eq!(out, files(&[("c/templates/a.yaml", &both)]));
}

#[test]
fn the_stream_names_the_files() {
    let seen = |stream: &str| Err(stream.to_owned());
    let error = through(Strategy::Combined, seen, &[("c/a.yaml", OBJECT)]).unwrap_err();
    let mark = "  annotations:\n    postrenderer.helm.sh/postrender-filename: 'c/a.yaml'\n";
    let text = format!("error while running post render on files: {OBJECT}{mark}");
    assert_eq!(error, text);
}

#[test]
fn what_is_added_gets_a_file_of_its_own() {
    let add = |stream: &str| Ok(format!("{stream}---\nkind: B\n"));
    let out = through(Strategy::Combined, add, &[("c/a.yaml", OBJECT)]).unwrap();
    assert_eq!(out["generated-by-postrender-1.yaml"], "kind: B\n");
    let out = through(Strategy::Separate, add, &[("c/a.yaml", HOOK)]).unwrap();
    assert_eq!(out["generated-by-postrender-hooks-1.yaml"], "kind: B\n");
}

#[test]
fn hooks_are_kept_apart_where_that_is_wanted() {
    let given = [("c/a.yaml", OBJECT), ("c/h.yaml", HOOK)];
    let replace = |_: &str| Ok(String::from("kind: New\n"));
    let out = through(Strategy::NoHooks, replace, &given).unwrap();
    let new = "generated-by-postrender-manifests-0.yaml";
    assert_eq!(out, files(&[("c/h.yaml", HOOK), (new, "kind: New\n")]));
    let names = through(Strategy::Separate, replace, &given).unwrap();
    let hooks = "generated-by-postrender-hooks-0.yaml";
    assert_eq!(names.keys().collect::<Vec<_>>(), [hooks, new]);
}

#[test]
fn broken_streams_are_errors() {
    let broken = |_: &str| Ok(String::from("a: [\n"));
    let error = through(Strategy::Combined, broken, &[("c/a.yaml", OBJECT)]).unwrap_err();
    let start =
        "error while parsing post rendered output: error parsing YAML: MalformedYAMLError: yaml: ";
    assert!(error.starts_with(start), "{error}");
    let same = |it: &str| Ok(it.to_owned());
    let error = through(Strategy::Combined, same, &[("c/a.yaml", "- 1\n")]).unwrap_err();
    assert!(
        error.starts_with("error merging manifests: parsing c/a.yaml: "),
        "{error}"
    );
}

#[test]
fn flux_labels_come_last() {
    let labels = [("helm.toolkit.fluxcd.io/name", "mine"), ("a", "b")];
    let common = SetMetadata {
        labels: Some(files(&labels)),
        ..SetMetadata::default()
    };
    let origin = origin_labels("helm.toolkit.fluxcd.io", "ns", "release");
    let post = PostRender {
        strategy: Strategy::Combined,
        renderers: vec![
            Arc::new(Customize::default()),
            Arc::new(common),
            Arc::new(origin),
        ],
    };
    let out = post.run(&files(&[("c/a.yaml", OBJECT)])).unwrap();
    let text = "kind: A\nmetadata:\n  labels:\n    a: b\n    helm.toolkit.fluxcd.io/name: release\n    \
                helm.toolkit.fluxcd.io/namespace: ns\n  name: a\n";
    assert_eq!(out["c/a.yaml"], text);
}
