//! Kustomizations of other repositories.

use anyhow::{Context as _, Result, ensure};
use harness::Repository;
use serde_json::json;
use weir_api::Reconcilable as _;

use crate::fixture::{Loop, config_map, git, is, message, value};

fn kustomization(resources: &[&str]) -> String {
    json!({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": resources})
        .to_string()
}

/// Commits three folders, one of which reaches for a fourth; returns the commit.
fn three_bases(base: &Repository) -> Result<String> {
    base.commit(
        &[
            ("web/kustomization.yaml", &kustomization(&["web.yaml"])),
            ("web/web.yaml", &config_map("web", "1")),
            ("more/kustomization.yaml", &kustomization(&["../deep"])),
            ("deep/kustomization.yaml", &kustomization(&["shared.yaml"])),
            ("deep/shared.yaml", &config_map("shared", "1")),
            ("job/kustomization.yaml", &kustomization(&["job.yaml"])),
            ("job/job.yaml", &config_map("job", "1")),
        ],
        "one",
    )
}

#[tokio::test]
async fn directories_of_other_repositories_are_built_and_fetched_once() -> Result<()> {
    let base = git()?.repo("remote-base")?;
    let first = three_bases(&base)?;
    base.tag("v1", &first)?;
    let second = base.commit(&[("web/web.yaml", &config_map("web", "2"))], "two")?;
    base.branch("next", &second)?;
    let url = base.url();
    let entries = |reference: &str| {
        kustomization(&[
            &format!("{url}//web?ref={reference}"),
            &format!("{url}//more?ref={reference}"),
            &format!("{url}//job?ref={reference}&timeout=20"),
        ])
    };
    let all = Loop::start("remote-bases", &[("kustomization.yaml", &entries("v1"))]).await?;
    let spec = json!({"targetNamespace": all.namespace.name()});
    let before = base.requests().len();
    all.kustomization("app", spec).await?;
    all.applied("app", &all.revision()?).await?;
    for name in ["web", "shared", "job"] {
        let found = all.config_map(name).await?.context(name)?;
        assert_eq!(value(&found), "1");
    }
    let asked = base.requests().split_off(before);
    let packs = asked
        .iter()
        .filter(|line| line.contains("git-upload-pack") && !line.contains("info/refs"));
    ensure!(packs.count() <= 3, "listed and fetched once: {asked:?}");

    for reference in ["next", &second, "refs/heads/main"] {
        let revision = all
            .push(&[("kustomization.yaml", &entries(reference))], &[])
            .await?;
        all.applied("app", &revision).await?;
        let found = all.config_map("web").await?.context("web")?;
        assert_eq!(value(&found), "2", "{reference}");
    }
    let revision = all
        .push(&[("kustomization.yaml", &entries("nope"))], &[])
        .await?;
    let object = all
        .wait("app", "failed", |object| {
            is(object.conditions(), "Ready", "False", "BuildFailed")
                && object
                    .status
                    .as_ref()
                    .is_some_and(|it| it.last_attempted_revision == revision)
        })
        .await?;
    let said = message(object.conditions(), "Ready");
    ensure!(
        said.contains("unable to clone") && said.contains("couldn't find remote ref nope"),
        "{said}"
    );
    let found = all.config_map("web").await?.context("web stays")?;
    assert_eq!(value(&found), "2");
    let revision = all
        .push(&[("kustomization.yaml", &entries("v1"))], &[])
        .await?;
    all.applied("app", &revision).await?;
    Ok(())
}

#[tokio::test]
async fn repositories_that_name_each_other_are_a_cycle() -> Result<()> {
    let (one, two) = (git()?.repo("remote-one")?, git()?.repo("remote-two")?);
    let entry = |url: &str| kustomization(&[&format!("{url}//base?ref=main")]);
    one.commit(&[("base/kustomization.yaml", &entry(two.url()))], "one")?;
    two.commit(&[("base/kustomization.yaml", &entry(one.url()))], "two")?;
    let all = Loop::start("remote-cycle", &[("kustomization.yaml", &entry(one.url()))]).await?;
    all.kustomization("app", json!({"targetNamespace": all.namespace.name()}))
        .await?;
    let said = all.fails("app", "BuildFailed").await?;
    ensure!(said.contains("cycle detected: URI "), "{said}");
    Ok(())
}

#[tokio::test]
async fn where_they_are_refused_nothing_is_fetched() -> Result<()> {
    let base = git()?.repo("remote-refused")?;
    base.commit(&[("kustomization.yaml", &kustomization(&[]))], "one")?;
    let before = base.requests().len();
    let entry = format!("{}?ref=main", base.url());
    let files = [("kustomization.yaml", &*kustomization(&[&entry]))];
    let all = Loop::with_flags("remote-refused", &files, &["--no-remote-bases"]).await?;
    all.kustomization("app", json!({"targetNamespace": all.namespace.name()}))
        .await?;
    let said = all.fails("app", "BuildFailed").await?;
    ensure!(
        said.contains("remote resources are not available"),
        "{said}"
    );
    assert_eq!(base.requests().len(), before, "{:?}", base.requests());
    Ok(())
}
