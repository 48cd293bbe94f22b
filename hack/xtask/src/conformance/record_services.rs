//! Recording what the real sops encrypts with keys of network services: those of the harness, under real names.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail};
use harness::{KeyServer, secrets};

/// Where the recorded files are.
const FOLDER: &str = "tests/conformance/sops/services";

/// The plain files; the ending tells the form, and the file's name stands for `NAME`.
const PLAIN: [(&str, &str); 4] = [
    (
        "yaml",
        "apiVersion: v1\nkind: Secret\nmetadata:\n    name: NAME\nstringData:\n    password: s3cr3t\n",
    ),
    (
        "json",
        "{\n\t\"password\": \"s3cr3t\",\n\t\"port\": 5432\n}\n",
    ),
    ("env", "PASSWORD=s3cr3t\n"),
    ("ini", "[main]\npassword = s3cr3t\n"),
];

/// What is encrypted of a Secret.
const DATA: &str = "^(data|stringData)$";

const ARN: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const GCP: &str = "projects/project/locations/global/keyRings/ring/cryptoKeys/key";
const AZURE: &str = "https://own.vault.azure.net/keys/key/1a2b";
const VAULT: &str = "https://vault.example/v1/transit/keys/app";

/// A file's name without its ending, its ending, and what encrypts it.
fn cases() -> Vec<(&'static str, &'static str, Keys)> {
    let flags = |all: &[&str]| Keys::Flags(all.iter().map(|it| (*it).to_owned()).collect());
    let role = secrets::AWS_ROLE;
    let aws = flags(&["--kms", ARN]);
    let all = ["--kms", ARN, "--gcp-kms", GCP, "--azure-kv", AZURE];
    let context = ["--kms", ARN, "--encryption-context", "Role:app,Team:blue"];
    let with_role = format!(
        "creation_rules: [{{encrypted_regex: '{DATA}', key_groups: [{{kms: [{{arn: '{ARN}', role: '{role}', context: {{Team: blue}}}}]}}]}}]\n"
    );
    let groups = format!(
        "creation_rules: [{{encrypted_regex: '{DATA}', shamir_threshold: 2, key_groups: [{{kms: [{{arn: '{ARN}'}}]}}, {{hc_vault: ['{VAULT}']}}, {{gcp_kms: [{{resource_id: '{GCP}'}}]}}]}}]\n"
    );
    vec![
        ("aws", "yaml", aws),
        ("aws-context", "yaml", flags(&context)),
        ("aws-role", "yaml", Keys::Config(with_role)),
        ("gcp", "yaml", flags(&["--gcp-kms", GCP])),
        ("azure", "yaml", flags(&["--azure-kv", AZURE])),
        ("vault", "yaml", flags(&["--hc-vault-transit", VAULT])),
        ("vault", "env", flags(&["--hc-vault-transit", VAULT])),
        ("azure", "ini", flags(&["--azure-kv", AZURE])),
        ("all", "json", flags(&all)),
        ("groups", "yaml", Keys::Config(groups)),
    ]
}

/// How a file is encrypted.
enum Keys {
    Flags(Vec<String>),
    Config(String),
}

/// Records all files whose names, `services/FILE`, hold `filter`.
///
/// # Errors
/// The program or the services cannot be had or run, or a folder cannot be written.
pub(super) fn run(binary: &Path, filter: &str) -> Result<()> {
    let server = KeyServer::start()?;
    let folder = PathBuf::from(FOLDER);
    fs::create_dir_all(&folder)?;
    let mut count = 0;
    for (name, ending, keys) in cases() {
        let plain = PLAIN.iter().find(|(known, _)| *known == ending);
        let (_, plain) = plain.context("a plain file of that form")?;
        if !format!("services/{name}").contains(filter) {
            continue;
        }
        let input = server.folder().join(format!("{name}.{ending}"));
        fs::write(&input, plain.replace("NAME", name))?;
        let input = input.to_string_lossy().into_owned();
        let encrypted = match keys {
            Keys::Flags(flags) => {
                let mut args = vec!["encrypt".to_owned()];
                args.extend(flags);
                if ending == "yaml" {
                    args.extend(["--encrypted-regex".to_owned(), DATA.to_owned()]);
                }
                args.push(input);
                sops(binary, &server, &args)?
            }
            Keys::Config(text) => {
                let config = server.folder().join("config");
                fs::write(&config, text)?;
                let config = config.to_string_lossy().into_owned();
                let args = ["--config".to_owned(), config, "encrypt".to_owned(), input];
                sops(binary, &server, &args)?
            }
        };
        let case = folder.join(format!("{name}.{ending}"));
        fs::write(&case, encrypted.stdout)?;
        let args = ["decrypt".to_owned(), case.to_string_lossy().into_owned()];
        let decrypted = sops(binary, &server, &args)?;
        fs::write(
            folder.join(format!("{name}.{ending}.out")),
            decrypted.stdout,
        )?;
        count += 1;
    }
    println!("recorded {count} files of key services");
    Ok(())
}

fn sops(binary: &Path, server: &KeyServer, args: &[String]) -> Result<Output> {
    let output = Command::new(binary)
        .args(args)
        .env_clear()
        .env("HOME", server.folder())
        .env("PATH", "/usr/bin:/bin")
        .env("HTTPS_PROXY", server.proxy_url())
        .env("SSL_CERT_FILE", server.authority_file())
        .env("AWS_ACCESS_KEY_ID", secrets::AWS_ID)
        .env("AWS_SECRET_ACCESS_KEY", secrets::AWS_KEY)
        .env("GOOGLE_OAUTH_ACCESS_TOKEN", secrets::GOOGLE_TOKEN)
        .env("SOPS_GCP_KMS_CLIENT_TYPE", "rest")
        .env("AZURE_TENANT_ID", secrets::AZURE_TENANT)
        .env("AZURE_CLIENT_ID", secrets::AZURE_CLIENT)
        .env("AZURE_CLIENT_SECRET", secrets::AZURE_SECRET)
        .env("VAULT_TOKEN", secrets::VAULT_TOKEN)
        .output()
        .context("sops could not be started")?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        bail!("sops {}: {why}", args.join(" "));
    }
    Ok(output)
}
