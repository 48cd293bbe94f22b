//! Services that refuse, hang, flood or lie; and that no message holds a secret.

use std::time::Duration;

use harness::{KeyFault, secrets};

use crate::setting::{Setting, file, flat};

const FILES: [&str; 4] = ["aws.yaml", "azure.yaml", "gcp.yaml", "vault.yaml"];

#[tokio::test(flavor = "multi_thread")]
async fn refusals_read_as_upstreams() {
    let setting = Setting::start();
    let all = setting.everything();
    for (name, from, to, expected) in [
        (
            "aws.yaml",
            "key/1234abcd",
            "key/0000abcd",
            "failed to decrypt sops data key with AWS KMS: operation error KMS: Decrypt, https response error StatusCode: 400, RequestID: 00000000-1111-2222-3333-444444444444, NotFoundException: Key 'arn:aws:kms:eu-west-1:111122223333:key/0000abcd-12ab-34cd-56ef-1234567890ab' does not exist",
        ),
        (
            "aws.yaml",
            "arn:aws:kms",
            "arn:aws:s3",
            "no valid ARN found in 'arn:aws:s3:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'",
        ),
        (
            "gcp.yaml",
            "cryptoKeys/key",
            "cryptoKeys/other",
            "failed to decrypt sops data key with GCP KMS key: rpc error: code = PermissionDenied desc = Permission 'cloudkms.cryptoKeyVersions.useToDecrypt' denied on resource 'projects/project/locations/global/keyRings/ring/cryptoKeys/other' (or it may not exist).",
        ),
        (
            "gcp.yaml",
            "projects/project",
            "project",
            "cannot create GCP KMS service: no valid resource ID found in \"project/locations/global/keyRings/ring/cryptoKeys/key\"",
        ),
        (
            "azure.yaml",
            "name: key",
            "name: other",
            "failed to decrypt sops data key with Azure Key Vault key 'https://own.vault.azure.net/keys/other/1a2b': POST https://own.vault.azure.net/keys/other/1a2b/decrypt -------------------------------------------------------------------------------- RESPONSE 404: 404 Not Found ERROR CODE: KeyNotFound",
        ),
        (
            "vault.yaml",
            "key_name: app",
            "key_name: other",
            "failed to decrypt sops data key from Vault transit backend 'transit/decrypt/other': Error making API request. URL: PUT https://vault.example/v1/transit/decrypt/other Code: 400. Errors: * encryption key not found",
        ),
        (
            "vault.yaml",
            "engine_path: transit",
            "engine_path: ../../sys",
            "the path of the key leads upwards",
        ),
    ] {
        let text = String::from_utf8(file(name)).expect("text");
        let changed = text.replacen(from, to, 1);
        assert_ne!(text, changed, "{name}");
        let why = setting.decrypt_with(changed.as_bytes(), name, &all, None);
        let why = flat(&why.await.expect_err(name));
        assert!(why.contains(expected), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_never_answers_costs_no_more_than_there_is_time() {
    let mut setting = Setting::start();
    setting.patience = Duration::from_millis(200);
    setting.server.fault(Some(KeyFault::Silence));
    let all = setting.everything();
    for name in FILES {
        let why = setting.decrypt(name, &all).await.expect_err(name);
        assert!(
            why.contains("the key service was not asked in time"),
            "{why}"
        );
    }
    setting.patience = Duration::ZERO;
    let before = setting.server.asked().len();
    setting.decrypt("aws.yaml", &all).await.expect_err("late");
    assert_eq!(setting.server.asked().len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_bounded_and_read_with_care() {
    let setting = Setting::start();
    let all = setting.everything();
    for fault in [
        KeyFault::Flood((1 << 20) + 1),
        KeyFault::Status(200, "canary".to_owned()),
        KeyFault::Status(200, "{}".to_owned()),
        KeyFault::Status(200, "[]".to_owned()),
        KeyFault::Status(204, String::new()),
        KeyFault::Status(
            200,
            "{\"Plaintext\":\"!\",\"plaintext\":\"!\",\"value\":\"!\",\"data\":{\"plaintext\":\"!\"}}"
                .to_owned(),
        ),
        KeyFault::Status(401, "canary".to_owned()),
        KeyFault::Status(302, String::new()),
    ] {
        setting.server.fault(Some(fault.clone()));
        for name in FILES {
            let result = setting.decrypt(name, &all).await;
            assert!(result.is_err(), "{name} {fault:?}");
        }
    }
    setting.server.fault(None);
    for name in FILES {
        setting.decrypt(name, &all).await.expect(name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_is_asked_again() {
    let setting = Setting::start();
    let all = setting.everything();
    setting
        .server
        .fault(Some(KeyFault::Status(503, "busy".to_owned())));
    let why = setting.decrypt("vault.yaml", &all).await;
    let why = flat(&why.expect_err("stays busy"));
    assert!(why.contains("Code: 503. Raw Message: busy"), "{why}");
    assert_eq!(setting.server.decryptions(), 3);
    setting
        .server
        .fault(Some(KeyFault::Status(400, String::new())));
    setting
        .decrypt("vault.yaml", &all)
        .await
        .expect_err("refused");
    assert_eq!(setting.server.decryptions(), 4, "a refusal is final");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_holds_a_secret_that_a_service_sends_back() {
    let setting = Setting::start();
    let all = setting.everything();
    let every = [
        secrets::AWS_KEY,
        secrets::GOOGLE_TOKEN,
        secrets::AZURE_TOKEN,
        secrets::VAULT_TOKEN,
    ]
    .join(" ");
    for body in [
        every.clone(),
        format!(
            "{{\"message\":\"{every}\",\"errors\":[\"{every}\"],\"error\":{{\"message\":\"{every}\",\"status\":\"X\",\"code\":\"Y\"}}}}"
        ),
    ] {
        for status in [400, 403, 404] {
            setting
                .server
                .fault(Some(KeyFault::Status(status, body.clone())));
            for (name, own) in [
                ("aws.yaml", secrets::AWS_KEY),
                ("gcp.yaml", secrets::GOOGLE_TOKEN),
                ("vault.yaml", secrets::VAULT_TOKEN),
            ] {
                let why = setting.decrypt(name, &all).await.expect_err(name);
                let joined: String = flat(&why).replace(' ', "");
                assert!(!joined.contains(own), "{name}: {why}");
            }
        }
    }
}
