//! Input that is wrong: a clear condition, what runs untouched, and the next good commit heals.

use anyhow::{Context as _, Result, ensure};
use harness::eventually;
use serde_json::json;

use super::{AGE_KEY, SECRET, decrypting, keys, recorded, secret};
use crate::fixture::{LIMIT, Loop, inventory};

const AWS: &str = recorded!("services/aws.yaml");
const YAML: &str = recorded!("cases/key-age/a.yaml");
const PLAIN_DATA: &str = recorded!("cases/tampered/plain-data.yaml");
const CODE_OF_ANOTHER: &str = recorded!("cases/tampered/mac-of-another.yaml");
const VALUE_CUT: &str = recorded!("cases/tampered/value-cut.yaml");

/// A kustomization that makes a Secret of a file.
fn generator(file: &str) -> String {
    format!("secretGenerator:\n- name: bad\n  files: [{file}]\n")
}

/// What is wrong, and what the condition says of it.
struct Wrong {
    files: Vec<(String, String)>,
    text: &'static str,
}

fn wrong(files: &[(&str, &str)], text: &'static str) -> Wrong {
    let pair = |(path, content): &(&str, &str)| (format!("bad/{path}"), (*content).to_owned());
    Wrong {
        files: files.iter().map(pair).collect(),
        text,
    }
}

fn all_wrong() -> Vec<Wrong> {
    let kustomization = "kustomization.yaml";
    // The first letter of an encrypted value is changed: what it says is no longer what was encrypted.
    let tampered = SECRET.replacen("name: app", "name: bad", 1);
    let at = tampered.find("password: ENC[AES256_GCM,data:").unwrap_or(0) + 30;
    let letter = if tampered[at..].starts_with('A') {
        "B"
    } else {
        "A"
    };
    let tampered = format!("{}{letter}{}", &tampered[..at], &tampered[at + 1..]);
    let no_arn = AWS.replace(
        "arn:aws:kms:eu-west-1:111122223333:key/",
        "arn:aws:kms:key/",
    );
    let large = "x".repeat((5 << 20) + 1);
    vec![
        wrong(
            &[("s.yaml", &tampered)],
            "error decrypting sops tree: Error walking tree: Could not decrypt value: ",
        ),
        wrong(
            &[(kustomization, &generator("a.yaml")), ("a.yaml", VALUE_CUT)],
            "error decrypting sources: error decrypting sops tree: ",
        ),
        wrong(
            &[
                (kustomization, &generator("a.yaml")),
                ("a.yaml", PLAIN_DATA),
            ],
            "Input string <redacted> does not match sops' data format",
        ),
        wrong(
            &[(kustomization, &generator("a.yaml")), ("a.yaml", &large)],
            "error decrypting sources: cannot decrypt file with size (5242881 bytes) exceeding limit (5242880)",
        ),
        wrong(
            &[("s.yaml", &no_arn)],
            "no valid ARN found in 'arn:aws:kms:key/",
        ),
        wrong(
            &[("s.yaml", AWS)],
            "no AWS credentials in the environment, and the instance metadata service is disabled",
        ),
        wrong(
            &[
                (kustomization, &generator("plain=b.yaml")),
                ("b.yaml", YAML),
            ],
            "Secret field 'plain': failed to emit encrypted YAML file as decrypted binary: ",
        ),
        wrong(
            &[(
                kustomization,
                "secretGenerator:\n- name: bad\n  envs: [none.env]\n",
            )],
            "error decrypting sources: lstat bad/none.env: no such file or directory",
        ),
    ]
}

fn flat(message: &str) -> String {
    let words = message.split(|c: char| c.is_whitespace() || c == '|');
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

#[tokio::test]
async fn no_bad_file_is_applied_and_what_runs_stays_until_it_is_mended() -> Result<()> {
    let variables = [("AWS_EC2_METADATA_DISABLED", "true".to_owned())];
    let root = ("kustomization.yaml", "resources: [secret.yaml]\n");
    let files = [root, ("secret.yaml", SECRET)];
    let all = Loop::with_environment("sops-wrong", &files, &[], &variables).await?;
    keys(&all, "keys", json!({"age.agekey": AGE_KEY})).await?;
    all.kustomization("app", decrypting(&all)).await?;
    let good = all.applied("app", &all.revision()?).await?;
    let before = secret(&all, "app").await?.context("applied")?;
    for wrong in all_wrong() {
        let mut files: Vec<(&str, &str)> = wrong
            .files
            .iter()
            .map(|(path, content)| (path.as_str(), content.as_str()))
            .collect();
        let paths: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
        let resource = if paths.contains(&"bad/kustomization.yaml") {
            "resources: [secret.yaml, bad]\n"
        } else {
            "resources: [secret.yaml, bad/s.yaml]\n"
        };
        files.push(("kustomization.yaml", resource));
        all.push(&files, &[]).await?;
        eventually(LIMIT, wrong.text, async || {
            let failure = flat(&all.fails("app", "BuildFailed").await?);
            ensure!(failure.contains(wrong.text.trim_end()), "{failure}");
            for canary in ["s3cr3t", "AGE-SECRET"] {
                ensure!(!failure.contains(canary), "{failure}");
            }
            Ok(())
        })
        .await?;
        assert_eq!(secret(&all, "app").await?.as_ref(), Some(&before));
        assert!(secret(&all, "bad").await?.is_none());
        let revision = all.push(&[root], &paths).await?;
        let healed = all.applied("app", &revision).await?;
        assert_eq!(inventory(&healed), inventory(&good));
        assert_eq!(secret(&all, "app").await?.as_ref(), Some(&before));
    }
    Ok(())
}

#[tokio::test]
async fn changed_order_or_code_counts_under_the_strict_flag_only() -> Result<()> {
    let kustomization = "generatorOptions: {disableNameSuffixHash: true}\nsecretGenerator:\n- name: made\n  files: [a.yaml]\n";
    let files = [
        ("kustomization.yaml", kustomization),
        ("a.yaml", CODE_OF_ANOTHER),
    ];
    for (test, flags, passes) in [
        ("sops-loose", vec![], true),
        ("sops-strict", vec!["--sops-strict-mac"], false),
    ] {
        let all = Loop::with_flags(test, &files, &flags).await?;
        keys(&all, "keys", json!({"age.agekey": AGE_KEY})).await?;
        all.kustomization("app", decrypting(&all)).await?;
        if passes {
            all.applied("app", &all.revision()?).await?;
            continue;
        }
        let failure = all.fails("app", "BuildFailed").await?;
        ensure!(
            failure.contains("failed to verify sops data integrity"),
            "{failure}"
        );
        assert!(secret(&all, "made").await?.is_none());
    }
    Ok(())
}

#[tokio::test]
async fn an_encrypted_secret_without_decryption_is_refused() -> Result<()> {
    let all = Loop::start("sops-off", &[("secret.yaml", SECRET)]).await?;
    let spec = json!({"targetNamespace": all.namespace.name()});
    all.kustomization("app", spec).await?;
    let failure = all.fails("app", "ReconciliationFailed").await?;
    let name = format!("Secret/{}/app", all.namespace.name());
    let expected = format!(
        "{name} is SOPS encrypted, configuring decryption is required for this secret to be reconciled"
    );
    ensure!(failure.contains(&expected), "{failure}");
    assert!(secret(&all, "app").await?.is_none());
    Ok(())
}
