//! Azure Key Vault, and the authority that gives out tokens for it.

use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey, PublicEncryptingKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderValue, Response};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};

use super::{Asked, secrets, statement};
use crate::http_server::Body;

/// Where the authority is.
const AUTHORITY: &str = "https://login.microsoftonline.com";

/// What tokens may be for, and the token for it.
const SCOPES: [(&str, &str); 3] = [
    ("https://vault.azure.net/.default", secrets::AZURE_TOKEN),
    (
        "https://management.core.windows.net//.default",
        secrets::AZURE_TOKEN,
    ),
    (
        "499b84ac-1321-427f-aa17-267ca6975798/.default",
        secrets::AZURE_DEVOPS_TOKEN,
    ),
];

/// What tokens for API servers of AKS are for.
const AKS: &str = "6dae42f8-4368-4678-94ff-3960e28e3630/.default";

/// The key that exists, with its version.
const KEY: &str = "/keys/key/1a2b/";

/// Tokens for the client, by its secret, its certificate, or a token of the cluster; `aks` for clusters of Azure's.
pub(super) fn authority(asked: &Asked, aks: Option<&str>) -> Response<Body> {
    let tenant = secrets::AZURE_TENANT;
    if asked.path.contains("/discovery/instance") {
        let metadata = json!({
            "preferred_network": "login.microsoftonline.com",
            "preferred_cache": "login.windows.net",
            "aliases": ["login.microsoftonline.com", "login.windows.net"],
        });
        let endpoint = format!("{AUTHORITY}/{tenant}/v2.0/.well-known/openid-configuration");
        return super::json(
            200,
            &json!({"tenant_discovery_endpoint": endpoint, "api-version": "1.1", "metadata": [metadata]}),
        );
    }
    if asked.path.contains("openid-configuration") {
        return super::json(
            200,
            &json!({
                "token_endpoint": format!("{AUTHORITY}/{tenant}/oauth2/v2.0/token"),
                "authorization_endpoint": format!("{AUTHORITY}/{tenant}/oauth2/v2.0/authorize"),
                "issuer": format!("{AUTHORITY}/{tenant}/v2.0"),
            }),
        );
    }
    let scopes = asked.form("scope");
    let is_asked = |(scope, _): &(&str, &str)| scopes.split(' ').any(|asked| asked == *scope);
    let aks = aks.map(|token| (AKS, token));
    let found = SCOPES.into_iter().chain(aks).find(is_asked);
    let checks = [
        asked.path == format!("/{tenant}/oauth2/v2.0/token"),
        asked.form("grant_type") == "client_credentials",
        asked.form("client_id") == secrets::AZURE_CLIENT,
        found.is_some(),
        proves_itself(asked),
    ];
    if checks.contains(&false) {
        let why = format!("AADSTS7000215: the request is not as it must be: {checks:?}");
        return super::json(
            401,
            &json!({"error": "invalid_client", "error_description": why}),
        );
    }
    super::json(
        200,
        &json!({"access_token": found.map(|(_, token)| token), "expires_in": 3600, "token_type": "Bearer"}),
    )
}

fn proves_itself(asked: &Asked) -> bool {
    let assertion = asked.form("client_assertion");
    if assertion.is_empty() {
        return asked.form("client_secret") == secrets::AZURE_SECRET;
    }
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    if asked.form("client_assertion_type") != kind {
        return false;
    }
    let Some((header, claims)) = statement::signed(&assertion) else {
        let claims = statement::claims(&assertion).unwrap_or_default();
        return statement::is_for(&claims, "api://AzureADTokenExchange");
    };
    let der = CertificateDer::from_pem_slice(secrets::CERTIFICATE.as_bytes());
    let Ok(der) = der else {
        return false;
    };
    let print = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &der);
    let audience = format!("{AUTHORITY}/{}/oauth2/v2.0/token", secrets::AZURE_TENANT);
    let chain_matches = match &header["x5c"] {
        Value::Null => true,
        chain => chain[0] == STANDARD.encode(&der),
    };
    header["alg"] == "PS256"
        && header["x5t#S256"] == STANDARD.encode(print)
        && chain_matches
        && claims["aud"] == audience
        && claims["iss"] == secrets::AZURE_CLIENT
        && claims["sub"] == secrets::AZURE_CLIENT
        && claims["jti"].as_str().is_some_and(|id| id.len() >= 16)
        && claims["exp"].as_u64() > claims["nbf"].as_u64()
}

/// Encrypts and decrypts for whoever has a token; tells others whom one must be for.
pub(super) fn vault(asked: &Asked) -> Response<Body> {
    if asked.bearer() != secrets::AZURE_TOKEN {
        let error = json!({"code": "Unauthorized", "message": "AKV10000: Request is missing a Bearer or PoP token."});
        let mut response = super::json(401, &json!({"error": error}));
        let challenge = format!(
            "Bearer authorization=\"{AUTHORITY}/{}\", resource=\"https://vault.azure.net\"",
            secrets::AZURE_TENANT
        );
        if let Ok(value) = HeaderValue::from_str(&challenge) {
            response.headers_mut().insert("www-authenticate", value);
        }
        return response;
    }
    let (path, query) = asked.path.split_once('?').unwrap_or_default();
    let Some(verb) = path.strip_prefix(KEY) else {
        let error = json!({"code": "KeyNotFound", "message": "A key with (name/id) was not found in this key vault."});
        return super::json(404, &json!({"error": error}));
    };
    let body = asked.json();
    let value = body["value"].as_str().unwrap_or_default();
    let value = URL_SAFE_NO_PAD.decode(value).unwrap_or_default();
    let result = match verb {
        "encrypt" => encrypt(&value),
        "decrypt" => decrypt(&value),
        _ => None,
    };
    let fits = query.starts_with("api-version=") && body["alg"] == "RSA-OAEP-256";
    match result.filter(|_| fits) {
        Some(result) => super::json(
            200,
            &json!({"kid": format!("https://own.vault.azure.net{}", KEY.trim_end_matches('/')), "value": URL_SAFE_NO_PAD.encode(result)}),
        ),
        None => {
            let error = json!({"code": "BadParameter", "message": "AKV.SKR.1003: the parameter is incorrect."});
            super::json(400, &json!({"error": error}))
        }
    }
}

fn key() -> Option<PrivateDecryptingKey> {
    match PrivateKeyDer::from_pem_slice(secrets::RSA_KEY.as_bytes()).ok()? {
        PrivateKeyDer::Pkcs8(der) => PrivateDecryptingKey::from_pkcs8(der.secret_pkcs8_der()).ok(),
        _ => None,
    }
}

fn encrypt(plain: &[u8]) -> Option<Vec<u8>> {
    let public: PublicEncryptingKey = key()?.public_key();
    let public = OaepPublicEncryptingKey::new(public).ok()?;
    let mut out = vec![0; public.ciphertext_size()];
    let out = public
        .encrypt(&OAEP_SHA256_MGF1SHA256, plain, &mut out, None)
        .ok()?;
    Some(out.to_vec())
}

fn decrypt(sealed: &[u8]) -> Option<Vec<u8>> {
    let private = OaepPrivateDecryptingKey::new(key()?).ok()?;
    let mut out = vec![0; private.min_output_size()];
    let out = private
        .decrypt(&OAEP_SHA256_MGF1SHA256, sealed, &mut out, None)
        .ok()?;
    Some(out.to_vec())
}
