//! Installs this project's CRDs.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, Client};
use serde::Deserialize as _;
use serde_json::Value;

use crate::{eventually, layout};

/// Where CRDs lie, generated ones first.
const FOLDERS: [&str; 2] = ["config/crd/bases", "tests/conformance/crds"];

/// Applies every CRD of this project and waits until all are established.
///
/// # Errors
/// If one is refused or not established in time.
pub async fn install_crds(client: &Client) -> Result<()> {
    let definitions = read()?;
    let names: Vec<String> = definitions.iter().map(|(name, _)| name.clone()).collect();
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let params = PatchParams::apply("harness").force();
    try_join_all(definitions.iter().map(async |(name, definition)| {
        let applied = api.patch(name, &params, &Patch::Apply(definition)).await;
        applied.with_context(|| format!("cannot install CRD {name}"))
    }))
    .await?;
    eventually(Duration::from_secs(30), "established CRDs", async || {
        let list = api.list(&ListParams::default()).await?;
        for name in &names {
            let found = list
                .items
                .iter()
                .find(|crd| crd.metadata.name.as_ref() == Some(name));
            ensure!(found.is_some_and(established), "{name} is not established");
        }
        Ok(())
    })
    .await
}

fn read() -> Result<Vec<(String, Value)>> {
    for folder in FOLDERS {
        let mut definitions = Vec::new();
        for file in yaml_files(&layout::workspace().join(folder)) {
            let text = fs::read_to_string(&file)?;
            for document in yaml_serde::Deserializer::from_str(&text) {
                let value = Value::deserialize(document)
                    .with_context(|| format!("{} is not YAML", file.display()))?;
                let name = value.pointer("/metadata/name").and_then(Value::as_str);
                if let (Some(name), Some("CustomResourceDefinition")) =
                    (name, value["kind"].as_str())
                {
                    definitions.push((name.to_owned(), value));
                }
            }
        }
        if !definitions.is_empty() {
            return Ok(definitions);
        }
    }
    anyhow::bail!("no CRD in {}", FOLDERS.join(" or "))
}

fn yaml_files(folder: &std::path::Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let yaml = |path: &PathBuf| path.extension().is_some_and(|end| end == "yaml");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(yaml).collect();
    files.sort();
    files
}

fn established(definition: &CustomResourceDefinition) -> bool {
    let conditions = definition
        .status
        .iter()
        .filter_map(|status| status.conditions.as_ref());
    conditions
        .flatten()
        .any(|it| it.type_ == "Established" && it.status == "True")
}
