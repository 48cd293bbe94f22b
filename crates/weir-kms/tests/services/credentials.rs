//! Credentials of a Kustomization's Secret and of the controller's environment, in all their forms.

use harness::secrets;
use serde_json::json;

use crate::setting::{Setting, file, flat, google_file, plain};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_aws_signs_what_it_asks_with_its_context() {
    let setting = Setting::start();
    let all = setting.everything();
    let found = setting.decrypt("aws-context.yaml", &all).await;
    assert_eq!(found, Ok(plain("aws-context.yaml")));
    let asked = setting.server.asked();
    let [one] = asked.as_slice() else {
        panic!("one request, not {}", asked.len());
    };
    assert_eq!(one.host, "kms.eu-west-1.amazonaws.com");
    assert_eq!(one.header("x-amz-target"), "TrentService.Decrypt");
    assert_eq!(one.header("content-type"), "application/x-amz-json-1.1");
    assert_eq!(
        one.json()["EncryptionContext"],
        json!({"Role": "app", "Team": "blue"})
    );
    // A context that was changed does not open.
    let changed = file("aws-context.yaml");
    let changed = String::from_utf8(changed)
        .expect("text")
        .replace("blue", "red");
    let why = setting.decrypt_with(changed.as_bytes(), "a.yaml", &all, None);
    let why = flat(&why.await.expect_err("another context"));
    assert!(
        why.contains("failed to decrypt sops data key with AWS KMS: operation error KMS: Decrypt, https response error StatusCode: 400, RequestID: 00000000-1111-2222-3333-444444444444, InvalidCiphertextException: null"),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_taken_on_where_the_file_names_one() {
    let setting = Setting::start();
    let all = setting.everything();
    let found = setting.decrypt("aws-role.yaml", &all).await;
    assert_eq!(found, Ok(plain("aws-role.yaml")));
    let asked = setting.server.asked();
    assert_eq!(asked[0].host, "sts.eu-west-1.amazonaws.com");
    assert_eq!(asked[0].form("RoleArn"), secrets::AWS_ROLE);
    assert!(asked[0].form("RoleSessionName").starts_with("sops@"));
    assert_eq!(
        asked[1].header("x-amz-security-token"),
        secrets::AWS_SESSION
    );
    let foreign = String::from_utf8(file("aws-role.yaml")).expect("text");
    let foreign = foreign.replace("role/decryptor", "role/stranger");
    let why = setting.decrypt_with(foreign.as_bytes(), "a.yaml", &all, None);
    let why = flat(&why.await.expect_err("another role"));
    assert!(
        why.contains("failed to assume role 'arn:aws:iam::111122223333:role/stranger': operation error STS: AssumeRole, https response error StatusCode: 403, RequestID: 00000000-5555, api error AccessDenied: Not authorized to perform sts:AssumeRole"),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_profile_of_a_key_does_not_count() {
    let setting = Setting::start();
    let text = String::from_utf8(file("aws.yaml")).expect("text");
    let text = text.replace("aws_profile: \"\"", "aws_profile: nowhere");
    assert!(text.contains("nowhere"));
    let all = setting.everything();
    let found = setting.decrypt_with(text.as_bytes(), "a.yaml", &all, None);
    assert_eq!(found.await, Ok(plain("aws.yaml")));
}

#[tokio::test(flavor = "multi_thread")]
async fn azures_client_proves_itself_by_secret_or_certificate() {
    let setting = Setting::start();
    let (tenant, client) = (secrets::AZURE_TENANT, secrets::AZURE_CLIENT);
    let pem = format!("{}{}", secrets::CERTIFICATE, secrets::RSA_KEY);
    for text in [
        json!({"tenantId": tenant, "clientId": client, "clientSecret": secrets::AZURE_SECRET}),
        json!({"tenant": tenant, "appId": client, "password": secrets::AZURE_SECRET}),
        json!({"tenantId": tenant, "clientId": client, "clientCertificate": pem}),
        json!({"tenantId": tenant, "clientId": client, "clientCertificate": pem,
               "clientCertificateSendChain": true}),
    ] {
        let values = [("sops.azure-kv", text.to_string())];
        let found = setting.decrypt("azure.yaml", &values).await;
        assert_eq!(found, Ok(plain("azure.yaml")));
    }
    // Until the vault has said whom a token is for, it sees neither key nor token.
    let asked = setting.server.asked();
    assert_eq!(asked[0].host, "own.vault.azure.net");
    assert!(asked[0].body.is_empty() && asked[0].header("authorization").is_empty());
    assert_eq!(
        asked[2].path,
        "/keys/key/1a2b/decrypt?api-version=2025-07-01"
    );
    assert_eq!(asked[2].json()["alg"], "RSA-OAEP-256");
}

#[tokio::test(flavor = "multi_thread")]
async fn googles_service_account_signs_a_statement() {
    let setting = Setting::start();
    let values = [("sops.gcp-kms", format!("{}\n", google_file()))];
    let found = setting.decrypt("gcp.yaml", &values).await;
    assert_eq!(found, Ok(plain("gcp.yaml")));
    let user = json!({"type": "authorized_user", "client_id": "c", "client_secret": "canary",
                      "refresh_token": "canary-refresh"});
    let values = [("sops.gcp-kms", user.to_string())];
    let found = setting.decrypt("gcp.yaml", &values).await;
    assert_eq!(found, Ok(plain("gcp.yaml")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_secret_lacks_the_environment_has() {
    let mut setting = Setting::start();
    let pairs = [
        ("AWS_ACCESS_KEY_ID", secrets::AWS_ID),
        ("AWS_SECRET_ACCESS_KEY", secrets::AWS_KEY),
        ("AZURE_TENANT_ID", secrets::AZURE_TENANT),
        ("AZURE_CLIENT_ID", secrets::AZURE_CLIENT),
        ("AZURE_CLIENT_SECRET", secrets::AZURE_SECRET),
        ("VAULT_TOKEN", secrets::VAULT_TOKEN),
    ];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    setting.variables.extend(pairs);
    let file = setting.server.folder().join("google.json");
    std::fs::write(&file, google_file()).expect("writes");
    let name = "GOOGLE_APPLICATION_CREDENTIALS".to_owned();
    let value = file.to_string_lossy().into_owned();
    setting.variables.push((name, value));
    for name in ["aws.yaml", "azure.yaml", "vault.yaml"] {
        let found = setting.decrypt(name, &[]).await;
        assert_eq!(found, Ok(plain(name)), "{name}");
    }
    // Tokens of the environment's file are for all of the cloud, not for its keys alone.
    let why = setting.decrypt("gcp.yaml", &[]).await;
    let why = flat(&why.expect_err("the service wants another scope"));
    assert!(why.contains("the statement is not as it must be"), "{why}");
    // The Secret goes first.
    let values = [("sops.vault-token", "canary-wrong".to_owned())];
    let why = setting.decrypt("vault.yaml", &values).await;
    let why = flat(&why.expect_err("the Secret's token is wrong"));
    assert!(
        why.contains("Code: 403. Errors: * permission denied"),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_by_a_token_file_open_aws() {
    let mut setting = Setting::start();
    let file = setting.server.folder().join("token");
    // {"aud":["sts.amazonaws.com"]}
    std::fs::write(&file, "e30.eyJhdWQiOlsic3RzLmFtYXpvbmF3cy5jb20iXX0.x\n").expect("writes");
    let file = file.to_string_lossy().into_owned();
    setting.variables.extend([
        ("AWS_ROLE_ARN".to_owned(), secrets::AWS_ROLE.to_owned()),
        ("AWS_WEB_IDENTITY_TOKEN_FILE".to_owned(), file),
        ("AWS_ROLE_SESSION_NAME".to_owned(), "pod".to_owned()),
    ]);
    let found = setting.decrypt("aws.yaml", &[]).await;
    assert_eq!(found, Ok(plain("aws.yaml")));
    assert_eq!(setting.server.asked()[0].form("RoleSessionName"), "pod");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_proves_the_name_that_the_environment_tells() {
    let mut setting = Setting::start();
    let address = format!("https://{}", setting.server.address());
    let file = String::from_utf8(file("vault.yaml")).expect("is text");
    let file = file.replace("https://vault.example", &address);
    let values = [("sops.vault-token", secrets::VAULT_TOKEN.to_owned())];
    for (name, proves) in [
        ("vault.example", true),
        ("stranger.example", false),
        ("other.example", true),
    ] {
        setting.variables = vec![
            ("VAULT_PROXY_ADDR".to_owned(), String::new()),
            ("VAULT_TLS_SERVER_NAME".to_owned(), name.to_owned()),
        ];
        let before = setting.server.asked().len();
        let found = setting
            .decrypt_with(file.as_bytes(), "vault.yaml", &values, None)
            .await;
        match found {
            Ok(found) => assert!(proves && found == plain("vault.yaml"), "{name}"),
            Err(why) => assert!(!proves && why.contains("certificate"), "{name}: {why}"),
        }
        // The request is for the server whose address the file has.
        let asked = setting.server.asked();
        let hosts: Vec<_> = asked[before..].iter().map(|asked| &asked.host).collect();
        let expected = vec![setting.server.address().to_string(); usize::from(proves)];
        assert_eq!(hosts, expected.iter().collect::<Vec<_>>(), "{name}");
    }
    setting.variables.remove(0);
    let found = setting.decrypt_with(file.as_bytes(), "vault.yaml", &values, None);
    let why = flat(&found.await.expect_err("there is a proxy"));
    assert!(why.contains("does not work through a proxy"), "{why}");
}
