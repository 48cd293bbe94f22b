//! Data keys from key services that check what they are asked: files of the real sops, credentials of every form,
//! and services that refuse, hang or flood.

mod credentials;
mod failure;
mod identity;
mod setting;

use std::path::Path;

use setting::{Setting, file};

/// The files that the real sops encrypted.
const FILES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/conformance/sops/services"
);

#[tokio::test(flavor = "multi_thread")]
async fn what_the_real_sops_encrypted_is_decrypted() {
    let setting = Setting::start();
    let mut count = 0;
    for entry in std::fs::read_dir(Path::new(FILES)).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        if name.ends_with(".out") {
            continue;
        }
        let expected = std::fs::read(format!("{}.out", path.display())).expect("recorded");
        let found = setting.decrypt(&name, &setting.everything()).await;
        let found = found.unwrap_or_else(|why| panic!("{name}: {why}"));
        assert!(found == expected, "{name}");
        count += 1;
    }
    assert!(count >= 10, "{count} files");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_key_is_asked_for_once_per_file_and_credentials() {
    let setting = Setting::start();
    let all = setting.everything();
    let cache = setting.cache();
    for round in 0..3 {
        for (number, name) in ["aws.yaml", "gcp.yaml", "azure.yaml", "vault.yaml"]
            .iter()
            .enumerate()
        {
            setting
                .decrypt_with(&file(name), name, &all, Some((&cache, 0)))
                .await
                .expect(name);
            let expected = if round == 0 { number + 1 } else { 4 };
            assert_eq!(setting.server.decryptions(), expected, "{name}");
        }
    }
    // The same file for somebody else, and another file of the same key, are asked for.
    let changed = file("vault.env");
    setting
        .decrypt_with(&changed, "vault.env", &all, Some((&cache, 0)))
        .await
        .expect("another file");
    assert_eq!(setting.server.decryptions(), 5);
    setting
        .decrypt_with(&changed, "vault.env", &all, Some((&cache, 1)))
        .await
        .expect("somebody else");
    assert_eq!(setting.server.decryptions(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_groups_are_asked_as_the_threshold_needs() {
    let setting = Setting::start();
    let all = setting.everything();
    setting
        .decrypt("groups.yaml", &all)
        .await
        .expect("three of three");
    // Without the key of AWS two of three are left; without that of Vault one.
    let without = |ids: &[&str]| {
        let all = setting.everything();
        all.into_iter()
            .filter(|(name, _)| !ids.contains(name))
            .collect::<Vec<_>>()
    };
    let two = without(&["sops.aws-kms"]);
    let found = setting.decrypt("groups.yaml", &two).await;
    found.expect("two of three");
    let one = without(&["sops.aws-kms", "sops.vault-token"]);
    let why = setting.decrypt("groups.yaml", &one).await;
    let why = why.expect_err("one of three");
    assert!(why.contains("only 1 part(s) were"), "{why}");
}
