//! Keys of network services, through the controller: the harness' services check what they are asked.

use anyhow::{Context as _, Result, ensure};
use harness::{KeyFault, KeyServer, eventually, secrets};
use serde_json::json;

use super::{decrypting, keys, recorded, secret, values};
use crate::fixture::{LIMIT, Loop};

const AWS: &str = recorded!("services/aws.yaml");
const VAULT: &str = recorded!("services/vault.yaml");

/// Leads the controllers to the services: AWS by its endpoint, Vault by a proxy.
fn environment(server: &KeyServer) -> Vec<(&'static str, String)> {
    let authority = server.authority_file().to_string_lossy().into_owned();
    vec![
        ("AWS_ENDPOINT_URL", server.plain_url()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("VAULT_PROXY_ADDR", server.proxy_url()),
        ("VAULT_CACERT", authority),
    ]
}

/// A Secret that opens AWS and Vault.
async fn all_keys(all: &Loop) -> Result<()> {
    let (id, key) = (secrets::AWS_ID, secrets::AWS_KEY);
    let aws = format!("aws_access_key_id: {id}\naws_secret_access_key: {key}\n");
    let values = json!({"sops.aws-kms": aws, "sops.vault-token": secrets::VAULT_TOKEN});
    keys(all, "keys", values).await
}

#[tokio::test]
async fn keys_of_services_are_asked_for_once_while_the_files_stay() -> Result<()> {
    let server = KeyServer::start()?;
    let files = [("aws.yaml", AWS), ("vault.yaml", VAULT)];
    let all = Loop::with_environment("sops-kms", &files, &[], &environment(&server)).await?;
    all_keys(&all).await?;
    all.kustomization("app", decrypting(&all)).await?;
    all.applied("app", &all.revision()?).await?;
    for name in ["aws", "vault"] {
        let found = secret(&all, name).await?.context("decrypted")?;
        assert_eq!(values(&found)["password"], "s3cr3t");
    }
    assert_eq!(server.decryptions(), 2);
    for _ in 0..3 {
        all.reconcile("app").await?;
    }
    let map = crate::fixture::config_map("a", "1");
    let revision = all.push(&[("a.yaml", &map)], &[]).await?;
    all.applied("app", &revision).await?;
    assert_eq!(server.decryptions(), 2, "nothing new to decrypt");
    Ok(())
}

#[tokio::test]
async fn a_service_that_refuses_fails_the_build_and_what_runs_stays() -> Result<()> {
    let server = KeyServer::start()?;
    let files = [("vault.yaml", VAULT)];
    let all = Loop::with_environment("sops-refused", &files, &[], &environment(&server)).await?;
    all_keys(&all).await?;
    all.kustomization("app", decrypting(&all)).await?;
    let good = all.revision()?;
    all.applied("app", &good).await?;
    let before = secret(&all, "vault").await?.context("applied")?;

    server.fault(Some(KeyFault::Status(
        403,
        "{\"errors\":[\"permission denied\"]}".to_owned(),
    )));
    all.push(&[("aws.yaml", AWS)], &[]).await?;
    let failure = all.fails("app", "BuildFailed").await?;
    ensure!(failure.contains("Group 0: FAILED"), "{failure}");
    ensure!(!failure.contains("canary"), "{failure}");
    assert_eq!(secret(&all, "vault").await?.as_ref(), Some(&before));
    assert!(secret(&all, "aws").await?.is_none());

    server.fault(None);
    all.applied("app", &all.revision()?).await?;
    assert_eq!(secret(&all, "vault").await?.as_ref(), Some(&before));
    secret(&all, "aws").await?.context("decrypted at last")?;
    Ok(())
}

const ACCOUNT: &str = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: app}\n";

#[tokio::test]
async fn a_service_account_logs_in_to_a_vault_of_the_list_only() -> Result<()> {
    let server = KeyServer::start()?;
    let files = [("vault.yaml", VAULT)];
    let flags = [
        "--feature-gates=ObjectLevelWorkloadIdentity=true",
        "--default-decryption-service-account=app",
        "--sops-vault-configmap=vaults",
    ];
    let variables = environment(&server);
    let all = Loop::with_environment("sops-vault-login", &files, &flags, &variables).await?;
    let spec = json!({
        "targetNamespace": all.namespace.name(),
        "decryption": {"provider": "sops"},
    });
    all.kustomization("app", spec).await?;
    let wait = async |text: &str| {
        eventually(LIMIT, &format!("a failure with {text}"), async || {
            let found = all.fails("app", "BuildFailed").await?;
            let words: Vec<&str> = found
                .split(|c: char| c.is_whitespace() || c == '|')
                .filter(|word| !word.is_empty())
                .collect();
            let found = words.join(" ");
            ensure!(found.contains(text), "{found}");
            ensure!(
                !found.contains("eyJ") && !found.contains("canary"),
                "{found}"
            );
            Ok(())
        })
        .await
    };
    let namespace = all.namespace.name().to_owned();
    let missing = format!(
        "failed to get Vault ConfigMap '{namespace}/vaults': configmaps \"vaults\" not found"
    );
    wait(&missing).await?;
    let list = |address: &str| {
        let text =
            format!("instances:\n- address: {address}\n  loginPath: auth/kubernetes/login\n");
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "vaults"}, "data": {"config.yaml": text}})
    };
    let foreign = list("https://other.example").to_string();
    all.namespace.apply(&foreign).await?;
    wait("no Vault login path configured for address 'https://vault.example'").await?;
    assert!(server.asked().is_empty(), "it was never dialled");

    all.namespace
        .apply(&list("https://vault.example").to_string())
        .await?;
    wait(&format!(
        "failed to get service account '{namespace}/app': serviceaccounts \"app\" not found"
    ))
    .await?;
    all.namespace.apply(ACCOUNT).await?;
    all.applied("app", &all.revision()?).await?;
    let found = secret(&all, "vault").await?.context("decrypted")?;
    assert_eq!(values(&found)["password"], "s3cr3t");
    let asked = server.asked();
    assert_eq!(asked[0].json()["role"], format!("{namespace}_app"));
    Ok(())
}
