//! Service accounts of the cluster in place of credentials, and Vaults that they log in to.

use std::collections::BTreeMap;

use harness::secrets;

use crate::setting::{Setting, flat};

fn with(annotations: &[(&str, &str)]) -> Setting {
    let mut setting = Setting::start();
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    setting.account = Some(annotations.iter().map(pair).collect());
    setting
}

const PROVIDER: &str = "projects/1/locations/global/workloadIdentityPools/pool/providers/own";

#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_opens_each_cloud() {
    for (file, annotations) in [
        (
            "aws.yaml",
            vec![("eks.amazonaws.com/role-arn", secrets::AWS_ROLE)],
        ),
        (
            "azure.yaml",
            vec![
                ("azure.workload.identity/tenant-id", secrets::AZURE_TENANT),
                ("azure.workload.identity/client-id", secrets::AZURE_CLIENT),
            ],
        ),
        (
            "gcp.yaml",
            vec![("gcp.auth.fluxcd.io/workload-identity-provider", PROVIDER)],
        ),
        (
            "gcp.yaml",
            vec![
                ("gcp.auth.fluxcd.io/workload-identity-provider", PROVIDER),
                ("iam.gke.io/gcp-service-account", secrets::GOOGLE_EMAIL),
            ],
        ),
    ] {
        let setting = with(&annotations);
        let plain = setting.decrypt(file, &[]).await;
        assert!(plain.is_ok(), "{file}: {plain:?}");
    }
    let setting = with(&[("eks.amazonaws.com/role-arn", secrets::AWS_ROLE)]);
    setting.decrypt("aws.yaml", &[]).await.expect("opens");
    let session = setting.server.asked()[0].form("RoleSessionName");
    assert_eq!(session, "app.ns.eu-west-1.fluxcd.io");
}

#[tokio::test(flavor = "multi_thread")]
async fn annotations_that_lack_or_lie_are_named() {
    for (file, annotations, expected) in [
        (
            "aws.yaml",
            vec![("eks.amazonaws.com/role-arn", "x")],
            "failed to get provider identity from service account 'ns/app' annotations: invalid eks.amazonaws.com/role-arn annotation: 'x'. must match ^arn:aws[\\w-]*:iam::[0-9]{1,30}:role/.{1,200}$",
        ),
        (
            "azure.yaml",
            vec![("azure.workload.identity/tenant-id", "t")],
            "failed to get provider identity from service account 'ns/app' annotations: azure client ID is not set in the service account annotation azure.workload.identity/client-id",
        ),
        (
            "gcp.yaml",
            vec![("gcp.auth.fluxcd.io/workload-identity-provider", "x")],
            "failed to get provider audience: invalid gcp.auth.fluxcd.io/workload-identity-provider annotation: 'x'. must match",
        ),
    ] {
        let why = with(&annotations).decrypt(file, &[]).await;
        let why = flat(&why.expect_err(file));
        assert!(why.contains(&flat(expected)), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_gate_no_account_is_used_and_a_secret_goes_before_it() {
    let mut setting = with(&[("eks.amazonaws.com/role-arn", secrets::AWS_ROLE)]);
    setting.gate = false;
    let why = setting.decrypt("aws.yaml", &[]).await;
    let why = flat(&why.expect_err("the gate is off"));
    assert!(
        why.contains("ObjectLevelWorkloadIdentity feature gate is not enabled"),
        "{why}"
    );
    assert!(setting.server.asked().is_empty());
    let all = setting.everything();
    setting.decrypt("aws.yaml", &all).await.expect("its keys");
}

fn trusted(address: &str, path: &str) -> Option<BTreeMap<String, String>> {
    Some(BTreeMap::from([(address.to_owned(), path.to_owned())]))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_logs_in_to_a_vault_that_is_trusted_once() {
    let mut setting = with(&[]);
    setting.vaults = trusted("https://vault.example", "auth/kubernetes/login");
    setting.decrypt("vault.yaml", &[]).await.expect("logs in");
    let asked = setting.server.asked();
    assert_eq!(asked[0].path, "/v1/auth/kubernetes/login");
    assert_eq!(asked[0].json()["role"], "ns_app");
    assert_eq!(asked[0].header("x-vault-token"), "");
    assert_eq!(asked[1].header("x-vault-token"), secrets::VAULT_LOGIN);
    assert_eq!(asked.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_is_not_trusted_is_never_dialled() {
    let mut setting = with(&[]);
    setting.vaults = trusted("https://other.example", "auth/kubernetes/login");
    // The controller's own token is not for it either.
    let token = ("VAULT_TOKEN".to_owned(), secrets::VAULT_TOKEN.to_owned());
    setting.variables.push(token);
    let why = setting.decrypt("vault.yaml", &[]).await;
    let why = flat(&why.expect_err("is not trusted"));
    assert!(
        why.contains("no Vault login path configured for address 'https://vault.example' in ConfigMap 'flux-system/vaults'"),
        "{why}"
    );
    assert!(setting.server.asked().is_empty());

    let mut setting = Setting::start();
    let list = "SOPS_HC_VAULT_ALLOWLIST".to_owned();
    setting
        .variables
        .push((list, "https://other.example".to_owned()));
    let all = setting.everything();
    let why = flat(
        &setting
            .decrypt("vault.yaml", &all)
            .await
            .expect_err("is not allowed"),
    );
    assert!(
        why.contains("Allowlist does not allow https://vault.example"),
        "{why}"
    );
    assert!(setting.server.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_refused_names_server_path_and_role() {
    let mut setting = with(&[]);
    setting.vaults = trusted("https://vault.example", "auth/none/login");
    let why = setting.decrypt("vault.yaml", &[]).await;
    let why = flat(&why.expect_err("is refused"));
    assert!(
        why.contains("failed to authenticate with Vault 'https://vault.example' at login path 'auth/none/login' as role 'ns_app': Error making API request. URL: PUT https://vault.example/v1/auth/none/login Code: 403. Errors: * permission denied"),
        "{why}"
    );
    assert!(!why.contains("canary"), "{why}");
}
