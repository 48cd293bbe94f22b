//! Repositories that cannot be built, for every way there is: said with its cause, and nothing that runs is touched.

use anyhow::{Context as _, Result, ensure};
use harness::eventually;
use serde_json::json;
use weir_api::Reconcilable;

use crate::fixture::{LIMIT, Loop, config_map, inventory, message};

/// Files of the folder `bad`, and what the condition says of them.
struct Bad {
    files: Vec<(&'static str, String)>,
    text: &'static str,
}

/// A root of its own beside a resource `b.yaml` that is well.
fn root(root: &str, text: &'static str) -> Bad {
    let files = vec![
        ("bad/kustomization.yaml", root.to_owned()),
        ("bad/b.yaml", config_map("b", "1")),
    ];
    Bad { files, text }
}

/// A root that lists a resource `b.yaml`.
fn resource(content: impl Into<String>, text: &'static str) -> Bad {
    let list = "resources: [b.yaml]\n".to_owned();
    let files = vec![
        ("bad/kustomization.yaml", list),
        ("bad/b.yaml", content.into()),
    ];
    Bad { files, text }
}

impl Bad {
    fn and(mut self, path: &'static str, content: &str) -> Self {
        self.files.push((path, content.to_owned()));
        self
    }
}

fn roots() -> Vec<Bad> {
    let exec = "apiVersion: example.com/v1\nkind: Made\nmetadata:\n  name: made\n  annotations:\n    \
        config.kubernetes.io/function: 'exec: {path: ./run.sh}'\n";
    vec![
        root(
            "resources: [b.yaml, ../../../../etc/hostname]\n",
            "is not in or below",
        ),
        root(
            "configMapGenerator: [{name: e, envs: [../../../etc/environment]}]\n",
            "is not in or below",
        ),
        root("resources: [b.yaml, c]\n", "cycle detected")
            .and("bad/c/kustomization.yaml", "resources: [../d]\n")
            .and("bad/d/kustomization.yaml", "resources: [../c]\n"),
        root(
            "resourcez: [b.yaml]\n",
            r#"json: unknown field "resourcez""#,
        ),
        root(
            "- b.yaml\n",
            "cannot unmarshal array into Go value of type types.Kustomization",
        ),
        root(
            "kind: Deployment\nresources: [b.yaml]\n",
            "kind should be Kustomization or Component",
        ),
        root(
            "replicas: [{name: b, count: 99999999999999999999}]\n",
            "cannot unmarshal number 100000000000000000000 into Go struct field Replica.replicas.count of type int64",
        ),
        root(
            "helmCharts: [{name: x, version: 1.0.0}]\n",
            "must specify --enable-helm",
        ),
        root("generators: [gen.yaml]\n", "external plugins disabled").and("bad/gen.yaml", exec),
        root("resources: [c]\n", "kustomization.yaml is empty").and(
            "bad/c/kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n",
        ),
        root("components: [c]\n", "expected kind 'Component' for path")
            .and("bad/c/kustomization.yaml", "resources: []\n"),
        root(
            "resources: [b.yaml, c.yaml]\n",
            "may not add resource with an already registered id",
        )
        .and("bad/c.yaml", &config_map("b", "2")),
    ]
}

fn changes() -> Vec<Bad> {
    let patched = |patch: &str, text| {
        let lines = format!(
            "resources: [b.yaml]\npatches: [{{target: {{kind: ConfigMap}}, patch: '{patch}'}}]\n"
        );
        root(&lines, text)
    };
    let replaced = |from: &str, to: &str, text| {
        let lines = format!(
            "resources: [b.yaml]\nreplacements:\n- source: {{kind: ConfigMap, fieldPath: {from}}}\n  \
             targets: [{{select: {{kind: ConfigMap}}, fieldPaths: [{to}]}}]\n"
        );
        root(&lines, text)
    };
    let nobody = "resources: [b.yaml]\npatches: [{patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}'}]\n";
    vec![
        root(nobody, "no matches for Id ConfigMap.v1.[noGrp]/x.[noNs]"),
        patched(
            "[{op: test, path: /data/v, value: other}]",
            "unable to parse SM or JSON patch from",
        ),
        patched(
            "[{op: add, path: /data/l/-5, value: x}]",
            "unable to parse SM or JSON patch from",
        ),
        patched(
            "[{op: replace, path: /data/~2, value: x}]",
            "unable to parse SM or JSON patch from",
        ),
        replaced(
            "data.nothing",
            "data.v",
            "fieldPath `data.nothing` is missing for replacement source",
        ),
        replaced(
            "data.v",
            "spec.nothing.here",
            r#"unable to find field "spec.nothing.here" in replacement target"#,
        ),
    ]
}

fn resources() -> Vec<Bad> {
    let more = |lines: &str| config_map("b", "1") + lines;
    let deep = format!("x: {}{}\n", "[".repeat(20_000), "]".repeat(20_000));
    vec![
        resource(more("x: &x {y: *x}\n"), "anchor 'x' value contains itself"),
        resource(more(&deep), "exceeded max depth"),
        resource(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: b\n",
            "found character that cannot start any token",
        ),
        resource(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n",
            "missing metadata.name in object",
        ),
        resource(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: b-}\n",
            "missing metadata.name in object",
        ),
        resource(
            "apiVersion: v1\nmetadata: {name: b}\n",
            "missing kind in object",
        ),
    ]
}

async fn all_fail(test: &str, all_bad: Vec<Bad>) -> Result<()> {
    let good = ("kustomization.yaml", "resources: [a.yaml]\n");
    let all = Loop::start(test, &[good, ("a.yaml", &config_map("a", "1"))]).await?;
    all.kustomization("app", json!({"targetNamespace": all.namespace.name()}))
        .await?;
    let applied = all.applied("app", &all.revision()?).await?;
    let before = all.config_map("a").await?.context("applied")?;
    for bad in all_bad {
        let mut files = vec![("kustomization.yaml", "resources: [a.yaml, bad]\n")];
        files.extend(
            bad.files
                .iter()
                .map(|(path, content)| (*path, content.as_str())),
        );
        let revision = all.push(&files, &[]).await?;
        let tried = all.wait("app", bad.text, |object| {
            let status = object.status.as_ref();
            let tried = status.is_some_and(|status| status.last_attempted_revision == revision);
            tried && crate::fixture::is(object.conditions(), "Ready", "False", "BuildFailed")
        });
        let tried = tried.await?;
        let said = message(tried.conditions(), "Ready");
        ensure!(said.contains(bad.text), "wanted {}, said {said}", bad.text);
        assert_eq!(inventory(&tried), inventory(&applied));
        assert_eq!(
            all.config_map("a").await?.as_ref(),
            Some(&before),
            "{}",
            bad.text
        );
        assert!(all.config_map("b").await?.is_none(), "{}", bad.text);

        let paths: Vec<&str> = bad.files.iter().map(|(path, _)| *path).collect();
        let revision = all.push(&[good], &paths).await?;
        all.applied("app", &revision).await?;
        assert_eq!(
            all.config_map("a").await?.as_ref(),
            Some(&before),
            "{}",
            bad.text
        );
    }
    // All that was said was said aloud as well.
    eventually(LIMIT, "events", async || {
        let events = all.events.events();
        let failures = events
            .iter()
            .filter(|event| event["reason"] == "BuildFailed");
        ensure!(failures.count() > 1, "{events:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn roots_that_are_wrong_fail_the_build_and_touch_nothing() -> Result<()> {
    all_fail("hostile-roots", roots()).await
}

#[tokio::test]
async fn patches_and_replacements_without_a_place_fail_the_build_and_touch_nothing() -> Result<()> {
    all_fail("hostile-changes", changes()).await
}

#[tokio::test]
async fn files_that_are_no_resources_fail_the_build_and_touch_nothing() -> Result<()> {
    all_fail("hostile-resources", resources()).await
}
