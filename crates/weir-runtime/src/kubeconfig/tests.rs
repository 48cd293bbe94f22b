//! Against what Flux makes of the same kubeconfigs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;
use crate::metrics::Metrics;

/// Recorded by `hack/gen/kubeconfig`.
const CASES: &str = include_str!("../../../../tests/conformance/kubeconfig/cases.jsonl");

/// Where we say less than upstream, and why.
const OURS: &[(&str, &str)] = &[
    ("two-of-a-name", "upstream prints the list, tokens included"),
    ("server-user", "upstream keeps a password of the URL"),
];

/// The kubeconfig in a text, read as callers read it.
fn read(text: &str, allow: Allow) -> Result<Access, KubeconfigError> {
    let said = |error: kyaml::Error| KubeconfigError::Read(error.to_string());
    let document = kyaml::parse(text).map_err(said)?;
    let value = document.map_or(Ok(Value::Null), |it| it.root.to_json_1_1());
    super::read(&value.map_err(said)?, allow)
}

#[test]
fn every_kubeconfig_gives_what_flux_makes_of_it() {
    let mut failures = Vec::new();
    for line in CASES.lines() {
        let case: Value = serde_json::from_str(line).expect("a row");
        let name = case["name"].as_str().expect("a name");
        if OURS.iter().any(|(other, _)| *other == name) {
            continue;
        }
        let open = Allow {
            exec: true,
            insecure_tls: true,
        };
        let insecure = case.get("insecure").unwrap_or(&case["client"]);
        for (allow, client) in [(Allow::default(), &case["client"]), (open, insecure)] {
            let text = case["config"].as_str().expect("a kubeconfig");
            let (ours, theirs) = (
                reduced(text, allow),
                comparable(case.get("error"), client, allow),
            );
            if ours != theirs {
                failures.push(format!(
                    "{name} {allow:?}\n  ours:   {ours}\n  theirs: {theirs}"
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// An error stands for all that there is to say.
fn comparable(error: Option<&Value>, client: &Value, allow: Allow) -> Value {
    let is_unused = client.get("exec").is_some() && allow.exec;
    match error.or_else(|| client.get("unusable").filter(|_| !is_unused)) {
        Some(error) => json!({"error": error}),
        None => client.clone(),
    }
}

fn reduced(text: &str, allow: Allow) -> Value {
    let error = |error: String| json!({"error": error});
    let access = match read(text, allow) {
        Ok(access) => access,
        Err(refused) => return error(refused.to_string()),
    };
    if let Err(text) = access.config() {
        return error(text);
    }
    let url = access.url.as_str().trim_end_matches('/');
    let mut out = json!({"url": url});
    let mut put = |name: &str, text: &str| {
        if !text.is_empty() {
            out[name] = json!(text);
        }
    };
    put("ca", &String::from_utf8_lossy(&access.authority));
    put("cert", &String::from_utf8_lossy(&access.certificate));
    put("key", &String::from_utf8_lossy(&access.key));
    put("serverName", &access.server_name);
    put("token", &access.token);
    put("username", &access.username);
    put("password", &access.password);
    let proxy = access.proxy.as_ref().map_or("", |proxy| proxy.as_str());
    put("proxy", proxy.trim_end_matches('/'));
    let exec = access.exec.as_ref().and_then(|exec| exec.get("command"));
    put("exec", exec.and_then(Value::as_str).unwrap_or_default());
    if access.insecure {
        out["insecure"] = json!(true);
    }
    out
}

/// A kubeconfig of one context.
fn config(cluster: &Value, user: &Value) -> String {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{"name": "c", "cluster": cluster}], "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    })
    .to_string()
}

#[test]
fn what_is_wrong_is_said_without_a_credential() {
    let canary = "canary-7f3a";
    let encoded = STANDARD.encode(canary);
    let server = json!({"server": "https://h"});
    let twice = json!({
        "users": [{"name": "u", "user": {"token": canary}}, {"name": "u", "user": {"token": canary}}],
    });
    for text in [
        twice.to_string(),
        config(
            &json!({"server": format!("https://u:{canary}@h h")}),
            &json!({}),
        ),
        config(
            &json!({"server": "https://h", "proxy-url": format!("ftp://u:{canary}@h")}),
            &json!({}),
        ),
        config(
            &json!({"server": "https://h", "proxy-url": format!("http://u:{canary}@%zz")}),
            &json!({}),
        ),
        config(&server, &json!({"token": [canary]})),
        config(
            &server,
            &json!({"client-certificate-data": encoded, "client-key-data": encoded}),
        ),
        config(&server, &json!({"client-key-data": format!("%{canary}")})),
        config(&server, &json!({"username": canary, "token": canary})),
        format!("token: {canary}\n  bad: [yaml"),
    ] {
        let said = match read(&text, Allow::default()) {
            Ok(access) => {
                assert!(!format!("{access:?}").contains(canary));
                access.config().expect_err("no client can be made")
            }
            Err(error) => error.to_string(),
        };
        assert!(!said.contains(canary) && !said.contains(&encoded), "{said}");
    }
}

#[test]
fn a_password_in_the_servers_url_is_not_kept() {
    let text = config(&json!({"server": "https://me:pw@h:6443"}), &json!({}));
    let access = read(&text, Allow::default()).expect("usable");
    assert_eq!(access.url.as_str(), "https://h:6443/");
}

/// T30: what a tenant may try to have the controller run or read.
#[tokio::test]
async fn no_program_runs_and_no_file_is_read_unless_the_installation_allows_it() {
    let folder = std::env::temp_dir().join(format!("weir-kubeconfig-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let mark = folder.join("ran");
    let command = format!("echo > {}; exit 1", mark.display());
    let exec = |version: &str| {
        json!({"exec": {
            "apiVersion": format!("client.authentication.k8s.io/{version}"), "command": "/bin/sh",
            "args": ["-c", command], "interactiveMode": "Never",
        }})
    };
    let server = json!({"server": "https://127.0.0.1:1"});
    for version in ["v1", "v1beta1", "v1alpha1"] {
        let text = config(&server, &exec(version));
        let access = read(&text, Allow::default()).expect("usable without it");
        let client = access
            .client("test", &Metrics::new())
            .await
            .expect("a client");
        client
            .apiserver_version()
            .await
            .expect_err("nobody listens");
        assert!(!mark.exists(), "{version}");
    }
    let allow = Allow {
        exec: true,
        ..Allow::default()
    };
    let access = read(&config(&server, &exec("v1")), allow).expect("usable");
    let refused = access.client("test", &Metrics::new()).await;
    assert!(refused.is_err(), "the program fails");
    assert!(mark.exists(), "the flag is what lets it run");
    std::fs::remove_dir_all(&folder).expect("tidied up");
}
