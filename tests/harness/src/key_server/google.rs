//! Google Cloud KMS, and the services that give out tokens for it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Response;
use serde_json::json;

use super::{Asked, sealed, secrets, statement};
use crate::http_server::Body;

/// The key that exists.
const KEY: &str = "projects/project/locations/global/keyRings/ring/cryptoKeys/key";

/// What a token from elsewhere is first exchanged for.
const FEDERATED: &str = "canary-federated-token";

/// Who trusts the tokens of the cluster.
const PROVIDER: &str =
    "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/own";

/// Tokens for the service account, for its signed statement, and for a user's refresh token.
pub(super) fn token(asked: &Asked) -> Response<Body> {
    let refuse = |why: &str| {
        super::json(
            400,
            &json!({"error": "invalid_grant", "error_description": why}),
        )
    };
    if asked.form("grant_type") == "refresh_token" {
        if asked.form("refresh_token") != "canary-refresh" {
            return refuse("Bad Request");
        }
        return give(secrets::GOOGLE_TOKEN);
    }
    if asked.form("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
        return refuse("unknown grant type");
    }
    let Some((header, claims)) = statement::signed(&asked.form("assertion")) else {
        return refuse("Invalid JWT Signature.");
    };
    let scope = claims["scope"].as_str().unwrap_or_default();
    let (begin, end) = (claims["iat"].as_u64(), claims["exp"].as_u64());
    let checks = [
        header["kid"] == "key-1",
        claims["iss"] == secrets::GOOGLE_EMAIL,
        claims["aud"] == "https://oauth2.googleapis.com/token",
        scope.contains("https://www.googleapis.com/auth/cloudkms"),
        begin
            .zip(end)
            .is_some_and(|(begin, end)| end == begin + 3600),
    ];
    if checks.contains(&false) {
        return refuse(&format!("the statement is not as it must be: {checks:?}"));
    }
    give(secrets::GOOGLE_TOKEN)
}

fn give(token: &str) -> Response<Body> {
    super::json(
        200,
        &json!({"access_token": token, "expires_in": 3600, "token_type": "Bearer"}),
    )
}

/// A token for one of the cluster; `own` where clusters of Google's are entered with it.
pub(super) fn exchange(asked: &Asked, own: Option<&str>) -> Response<Body> {
    let claims = statement::claims(&asked.form("subject_token")).unwrap_or_default();
    let checks = [
        asked.path == "/v1/token",
        asked.form("audience") == PROVIDER,
        statement::is_for(&claims, PROVIDER),
        asked.form("grant_type") == "urn:ietf:params:oauth:grant-type:token-exchange",
        asked.form("subject_token_type") == "urn:ietf:params:oauth:token-type:jwt",
        asked.form("requested_token_type") == "urn:ietf:params:oauth:token-type:access_token",
    ];
    if checks.contains(&false) {
        let why = format!("the request is not as it must be: {checks:?}");
        return super::json(
            400,
            &json!({"error": "invalid_request", "error_description": why}),
        );
    }
    // Without a service account to become, the token is for direct use.
    if asked.form("scope") == "https://www.googleapis.com/auth/cloud-platform" {
        return give(FEDERATED);
    }
    give(own.unwrap_or(secrets::GOOGLE_TOKEN))
}

/// A token of the service account, for one of the exchange.
pub(super) fn impersonate(asked: &Asked) -> Response<Body> {
    let email = secrets::GOOGLE_EMAIL;
    let path = format!("/v1/projects/-/serviceAccounts/{email}:generateAccessToken");
    let path_matches = asked.path.replace("%40", "@") == path;
    if asked.bearer() != FEDERATED || !path_matches || asked.json()["lifetime"] != "3600s" {
        return refuse(403, "PERMISSION_DENIED", "not allowed to become it");
    }
    super::json(
        200,
        &json!({"accessToken": secrets::GOOGLE_TOKEN, "expireTime": "2099-01-01T00:00:00Z"}),
    )
}

/// Encrypts and decrypts for whoever has a token.
pub(super) fn kms(asked: &Asked) -> Response<Body> {
    if asked.bearer() != secrets::GOOGLE_TOKEN {
        return refuse(
            401,
            "UNAUTHENTICATED",
            "Request had invalid authentication credentials.",
        );
    }
    let path = asked.path.split('?').next().unwrap_or_default();
    let path = path.strip_prefix("/v1/").unwrap_or_default();
    let (key, verb) = path.rsplit_once(':').unwrap_or_default();
    if key != KEY {
        let why = format!(
            "Permission 'cloudkms.cryptoKeyVersions.useToDecrypt' denied on resource '{key}' (or it may not exist)."
        );
        return refuse(403, "PERMISSION_DENIED", &why);
    }
    let body = asked.json();
    let bytes = |name: &str| {
        STANDARD
            .decode(body[name].as_str().unwrap_or_default())
            .ok()
    };
    let result = if verb == "encrypt" {
        let sealed = bytes("plaintext").and_then(|plain| sealed::seal(&plain, key));
        sealed.map(|sealed| json!({"name": key, "ciphertext": STANDARD.encode(sealed)}))
    } else {
        let plain = bytes("ciphertext").and_then(|sealed| sealed::open(&sealed, key));
        plain.map(|plain| json!({"plaintext": STANDARD.encode(plain)}))
    };
    match result {
        Some(result) => super::json(200, &result),
        None => refuse(
            400,
            "INVALID_ARGUMENT",
            "Decryption failed: the ciphertext is invalid.",
        ),
    }
}

fn refuse(code: u16, status: &str, message: &str) -> Response<Body> {
    let error = json!({"code": code, "message": message, "status": status});
    super::json(code, &json!({"error": error}))
}
