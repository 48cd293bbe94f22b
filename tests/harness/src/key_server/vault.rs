//! The transit engine of Vault, and logging in to it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Response;
use serde_json::{Value, json};

use super::{Asked, is_write, sealed, secrets, statement};
use crate::http_server::Body;

/// Answers as Vault does, for the key `app`.
pub(super) fn answer(asked: &Asked) -> Response<Body> {
    let path = asked.path.strip_prefix("/v1/").unwrap_or_default();
    if !is_write(asked) || asked.header("x-vault-request") != "true" {
        return refuse(405, "unsupported operation");
    }
    if path == "auth/kubernetes/login" {
        return log_in(asked);
    }
    let token = asked.header("x-vault-token");
    if ![secrets::VAULT_TOKEN, secrets::VAULT_LOGIN].contains(&token) {
        return refuse(403, "permission denied");
    }
    let parts: Vec<&str> = path.split('/').collect();
    let &["transit", verb, key] = parts.as_slice() else {
        return super::json(404, &json!({"errors": []}));
    };
    if key != "app" {
        return refuse(400, "encryption key not found");
    }
    let body = asked.json();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let data: Option<Value> = match verb {
        "encrypt" => STANDARD
            .decode(text("plaintext"))
            .ok()
            .and_then(|plain| sealed::seal(&plain, key))
            .map(|sealed| json!({"ciphertext": format!("vault:v1:{}", STANDARD.encode(sealed)), "key_version": 1})),
        "decrypt" => text("ciphertext")
            .strip_prefix("vault:v1:")
            .and_then(|text| STANDARD.decode(text).ok())
            .and_then(|sealed| sealed::open(&sealed, key))
            .map(|plain| json!({"plaintext": STANDARD.encode(plain)})),
        _ => return super::json(404, &json!({"errors": []})),
    };
    match data {
        Some(data) => super::json(
            200,
            &json!({"request_id": "1", "lease_id": "", "renewable": false, "lease_duration": 0, "data": data, "wrap_info": null, "warnings": null, "auth": null}),
        ),
        None => refuse(
            400,
            "invalid ciphertext: cipher: message authentication failed",
        ),
    }
}

/// A token for a service account whose token is for this server.
fn log_in(asked: &Asked) -> Response<Body> {
    let body = asked.json();
    let claims = statement::claims(body["jwt"].as_str().unwrap_or_default());
    let claims = claims.unwrap_or_default();
    let subject = claims["sub"].as_str().unwrap_or_default();
    let role = subject
        .strip_prefix("system:serviceaccount:")
        .unwrap_or_default()
        .replace(':', "_");
    let addresses = [
        format!("https://{}", asked.host),
        format!("http://{}", asked.host),
    ];
    let is_ours = addresses
        .iter()
        .any(|address| statement::is_for(&claims, address));
    if !is_ours {
        return refuse(403, "invalid audience (aud) claim");
    }
    if role.is_empty() || body["role"] != role.as_str() || role.ends_with("_stranger") {
        return refuse(400, "invalid role name");
    }
    super::json(
        200,
        &json!({"auth": {"client_token": secrets::VAULT_LOGIN, "policies": ["default"], "lease_duration": 3600, "renewable": true}}),
    )
}

fn refuse(status: u16, why: &str) -> Response<Body> {
    super::json(status, &json!({"errors": [why]}))
}
