//! What the real sops encrypts through the transit engine of a real Vault is decrypted: `real_vault SERVER SOPS`.
//!
//! SERVER is the program of `tests/conformance/sops/vault`, which `cargo xtask conformance vault` builds.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people"
)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sops::{Format, Keys};
use tokio::runtime::Handle;
use tokio::time::Instant;
use weir_auth::{Access, Account, Asking, Cluster, Environment, TokenCache};
use weir_kms::{Credentials, KeyServices, VaultNetwork};

type Outcome<T> = Result<T, String>;

/// What is encrypted, by its ending.
const PLAIN: [(&str, &str); 4] = [
    ("yaml", "password: s3cr3t\nlist:\n    - 1\n    - true\n"),
    (
        "json",
        "{\n\t\"password\": \"s3cr3t\",\n\t\"port\": 5432\n}\n",
    ),
    ("env", "PASSWORD=s3cr3t\n"),
    ("ini", "[main]\npassword = s3cr3t\n"),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, sops] = arguments.as_slice() else {
        eprintln!("real_vault SERVER SOPS");
        return ExitCode::from(2);
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let result = runtime
        .map_err(|error| error.to_string())
        .and_then(|runtime| runtime.block_on(run(server, sops)));
    match result {
        Ok((files, refusals)) => {
            println!("{files} files that sops encrypted through a real Vault: decrypted");
            println!("{refusals} refusals of it: told in the words of sops");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// A running server, unsealed and with the transit engine.
struct Vault {
    process: Child,
    address: String,
    token: String,
    sops: String,
    client: reqwest::Client,
}

impl Drop for Vault {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Vault {
    async fn start(server: &str, sops: &str) -> Outcome<Self> {
        let mut process = Command::new(server)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{server}: {error}"))?;
        let output = process.stdout.take().ok_or("it has no output")?;
        let mut line = String::new();
        let read = BufReader::new(output).read_line(&mut line);
        read.map_err(|error| error.to_string())?;
        let said: Value =
            serde_json::from_str(&line).map_err(|error| format!("{line}: {error}"))?;
        let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        let vault = Self {
            process,
            address: text("address"),
            token: text("token"),
            sops: sops.to_owned(),
            client: reqwest::Client::new(),
        };
        vault
            .post("sys/mounts/transit", &json!({"type": "transit"}))
            .await?;
        vault.post("transit/keys/app", &json!({})).await?;
        Ok(vault)
    }

    async fn post(&self, path: &str, body: &Value) -> Outcome<Value> {
        let url = format!("{}/v1/{path}", self.address);
        let sent = self.client.post(url).header("x-vault-token", &self.token);
        let answer = sent.json(body).send().await;
        let answer = answer.map_err(|error| error.to_string())?;
        match answer.status().is_success() {
            true => Ok(answer.json().await.unwrap_or_default()),
            false => Err(format!("{path}: {}", answer.status())),
        }
    }

    /// What the real sops makes of a file, or says of it.
    fn sops(&self, verb: &[&str], file: &Path, around: &Around<'_>) -> Outcome<Vec<u8>> {
        let mut command = Command::new(&self.sops);
        command.args(verb).arg(file).env_clear();
        command.env("VAULT_TOKEN", around.token);
        let output = command.envs(around.variables.iter().copied()).output();
        let output = output.map_err(|error| format!("{}: {error}", self.sops))?;
        match output.status.success() {
            true => Ok(output.stdout),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    fn encrypt(&self, file: &Path) -> Outcome<Vec<u8>> {
        let key = format!("{}/v1/transit/keys/app", self.address);
        let verb = ["encrypt", "--hc-vault-transit", &key];
        self.sops(&verb, file, &self.usual())
    }

    fn usual(&self) -> Around<'_> {
        Around {
            token: &self.token,
            variables: &[],
        }
    }
}

/// What is around a decryption.
struct Around<'a> {
    token: &'a str,
    variables: &'a [(&'a str, &'a str)],
}

async fn run(server: &str, sops: &str) -> Outcome<(usize, usize)> {
    let vault = Vault::start(server, sops).await?;
    let folder = harness::layout::scratch("real-vault").map_err(|error| error.to_string())?;
    let mut files = Vec::new();
    for round in 1..=2 {
        for (ending, plain) in PLAIN {
            let file = folder.path().join(format!("file-{round}.{ending}"));
            std::fs::write(&file, plain).map_err(|error| error.to_string())?;
            files.push((format!("file.{ending}"), plain, vault.encrypt(&file)?));
        }
        // What is encrypted with older versions of a key stays readable.
        vault.post("transit/keys/app/rotate", &json!({})).await?;
    }
    for (name, plain, encrypted) in &files {
        let found = decrypt(&vault.usual(), name, encrypted)?;
        if found != plain.as_bytes() {
            let found = String::from_utf8_lossy(&found).into_owned();
            return Err(format!("{name}: {found:?} instead of {plain:?}"));
        }
    }
    let encrypted = folder.path().join("encrypted.yaml");
    std::fs::write(&encrypted, &files[0].2).map_err(|error| error.to_string())?;
    let refused = refusals(&vault, &encrypted).await?;
    Ok((files.len(), refused))
}

/// What a Vault can refuse is told in the words in which sops tells it.
async fn refusals(vault: &Vault, file: &Path) -> Outcome<usize> {
    let usual = vault.usual();
    let nobody = Around {
        token: "hvs.nobody",
        variables: &[],
    };
    same_refusal(vault, "a token of nobody", file, &nobody)?;
    let other = vault
        .post("auth/token/create", &json!({"policies": ["default"]}))
        .await?;
    let powerless = other["auth"]["client_token"].as_str().unwrap_or_default();
    let powerless = Around {
        token: powerless,
        variables: &[],
    };
    same_refusal(vault, "a token without the right", file, &powerless)?;
    let elsewhere = Around {
        token: &vault.token,
        variables: &[("VAULT_NAMESPACE", "team")],
    };
    // A server without namespaces takes no notice of one, and nor may we.
    let bytes = std::fs::read(file).map_err(|error| error.to_string())?;
    vault.sops(&["decrypt"], file, &elsewhere)?;
    decrypt(&elsewhere, "file.yaml", &bytes)?;
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    for (what, from, to) in [
        (
            "another engine",
            "engine_path: transit",
            "engine_path: gone",
        ),
        ("another key", "key_name: app", "key_name: gone"),
        ("a broken data key", "enc: vault:v1:", "enc: vault:v1:AAAA"),
        ("no data key", "enc: vault:v1:", "enc: nothing:"),
    ] {
        let changed = file.with_file_name("changed.yaml");
        std::fs::write(&changed, text.replacen(from, to, 1)).map_err(|error| error.to_string())?;
        same_refusal(vault, what, &changed, &usual)?;
    }
    let newer = json!({"min_decryption_version": 2});
    vault.post("transit/keys/app/config", &newer).await?;
    same_refusal(vault, "a version that is gone", file, &usual)?;
    vault.post("sys/seal", &json!({})).await?;
    let once = Around {
        token: &vault.token,
        variables: &[("VAULT_MAX_RETRIES", "0")],
    };
    same_refusal(vault, "a sealed Vault", file, &once)?;
    Ok(8)
}

fn same_refusal(vault: &Vault, what: &str, file: &Path, around: &Around<'_>) -> Outcome<()> {
    let bytes = std::fs::read(file).map_err(|error| error.to_string())?;
    let theirs = match vault.sops(&["decrypt"], file, around) {
        Ok(_) => return Err(format!("{what}: sops decrypts it")),
        Err(why) => flat(&why),
    };
    let ours = match decrypt(around, "file.yaml", &bytes) {
        Ok(_) => return Err(format!("{what}: it is decrypted")),
        Err(why) => flat(&why),
    };
    let start = "failed to decrypt sops data key from Vault transit backend";
    let said = ours.find(start).map(|at| &ours[at..]);
    match said {
        Some(said) if theirs.contains(said) && !said.contains(around.token) => Ok(()),
        _ => Err(format!("{what}:\nours {ours}\nsops {theirs}")),
    }
}

/// A message without the line breaks and bars that wrap it.
fn flat(message: &str) -> String {
    let words = message.split(|c: char| c.is_whitespace() || c == '|');
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

fn decrypt(around: &Around<'_>, name: &str, bytes: &[u8]) -> Outcome<Vec<u8>> {
    let mut credentials = Credentials::default();
    let imported = credentials.import("sops.vault-token", around.token.as_bytes());
    imported.map_err(|error| error.to_string())?;
    let environment = Environment::of(around.variables);
    let access = Access {
        client: reqwest::Client::new(),
        cluster: Arc::new(Nobody),
        environment: environment.clone(),
        cache: TokenCache::new(10, Duration::from_secs(3600)),
        account: None,
        by_default: false,
        may_use_accounts: false,
    };
    let services = KeyServices::new(
        Handle::current(),
        VaultNetwork::new(&environment),
        credentials,
        access,
        Instant::now() + Duration::from_secs(60),
    );
    tokio::task::block_in_place(|| {
        let format = Format::for_path(name);
        let keys = Keys {
            services: &services,
            cache: None,
            strict_mac: true,
        };
        let plain = sops::decrypt(bytes, format, format, &keys);
        plain
            .map(|plain| plain.to_vec())
            .map_err(|error| error.to_string())
    })
}

/// There is no cluster here.
struct Nobody;

impl Cluster for Nobody {
    fn account<'a>(&'a self, _: &'a str, _: &'a str) -> Asking<'a, Account> {
        Box::pin(std::future::pending())
    }

    fn token<'a>(&'a self, _: &'a str, _: &'a str, _: &'a [String]) -> Asking<'a, String> {
        Box::pin(std::future::pending())
    }
}
