//! AWS KMS, and STS, which gives out keys of roles.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::{Asked, sealed, secrets, statement};
use crate::http_server::{Body, text};

/// The key that exists.
const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// Encrypts and decrypts for whoever signs.
pub(super) fn kms(asked: &Asked) -> Response<Body> {
    if let Err(why) = check_signature(asked, "kms") {
        return refuse(400, "IncompleteSignatureException", &why);
    }
    let body = asked.json();
    let key = body["KeyId"].as_str().unwrap_or_default();
    if key != KEY {
        let why = format!("Key '{key}' does not exist");
        return refuse(400, "NotFoundException", &why);
    }
    // Whoever encrypts with a context must decrypt with the same.
    let context = match &body["EncryptionContext"] {
        Value::Null => json!({}),
        context => context.clone(),
    };
    let context = format!("{key} {context}");
    let bytes = |name: &str| {
        STANDARD
            .decode(body[name].as_str().unwrap_or_default())
            .ok()
    };
    let result = if asked.header("x-amz-target").ends_with(".Encrypt") {
        let sealed = bytes("Plaintext").and_then(|plain| sealed::seal(&plain, &context));
        sealed.map(|sealed| json!({"CiphertextBlob": STANDARD.encode(sealed), "KeyId": key}))
    } else {
        let plain = bytes("CiphertextBlob").and_then(|sealed| sealed::open(&sealed, &context));
        plain.map(|plain| json!({"Plaintext": STANDARD.encode(plain), "KeyId": key}))
    };
    match result {
        Some(result) => super::json(200, &result),
        None => refuse(400, "InvalidCiphertextException", "null"),
    }
}

fn refuse(status: u16, kind: &str, message: &str) -> Response<Body> {
    let mut response = super::json(status, &json!({"__type": kind, "message": message}));
    let id = http::HeaderValue::from_static("00000000-1111-2222-3333-444444444444");
    response.headers_mut().insert("x-amzn-requestid", id);
    response
}

/// Gives out keys of the one role there is.
pub(super) fn sts(asked: &Asked) -> Response<Body> {
    let action = asked.form("Action");
    let refuse = |code: &str, message: &str| {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>00000000-5555</RequestId></ErrorResponse>"
        );
        text(StatusCode::FORBIDDEN, body)
    };
    if action == "AssumeRoleWithWebIdentity" {
        let claims = statement::claims(&asked.form("WebIdentityToken"));
        if !claims.is_some_and(|claims| statement::is_for(&claims, "sts.amazonaws.com")) {
            return refuse("InvalidIdentityToken", "Incorrect token audience");
        }
    } else if let Err(why) = check_signature(asked, "sts") {
        return refuse("SignatureDoesNotMatch", &why);
    }
    if asked.form("RoleArn") != secrets::AWS_ROLE {
        return refuse("AccessDenied", "Not authorized to perform sts:AssumeRole");
    }
    let (key, session) = (secrets::AWS_ROLE_KEY, secrets::AWS_SESSION);
    let credentials = format!(
        "<Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>{key}</SecretAccessKey><SessionToken>{session}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
    );
    let body = format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>{credentials}</{action}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>"
    );
    let mut response = text(StatusCode::OK, body);
    let kind = http::HeaderValue::from_static("text/xml");
    response.headers_mut().insert("content-type", kind);
    response
}

/// Whether the request carries a signature of somebody known over what it has to.
fn check_signature(asked: &Asked, service: &str) -> Result<(), String> {
    let value = asked.header("authorization");
    let rest = value
        .strip_prefix("AWS4-HMAC-SHA256 ")
        .ok_or("there is no signature")?;
    let field = |name: &str| {
        let mut parts = rest.split(", ");
        parts
            .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
            .ok_or(format!("{name} is missing"))
    };
    let (credential, names) = (field("Credential")?, field("SignedHeaders")?);
    let (id, scope) = credential.split_once('/').ok_or("no scope")?;
    let (key, session) = match id {
        secrets::AWS_ID => (secrets::AWS_KEY, ""),
        "ASIAROLE" => (secrets::AWS_ROLE_KEY, secrets::AWS_SESSION),
        _ => return Err(format!("{id} is not known")),
    };
    if asked.header("x-amz-security-token") != session {
        return Err("the session is another one".to_owned());
    }
    let stamp = asked.header("x-amz-date");
    let day = stamp.get(..8).ok_or("no date")?;
    if scope != format!("{day}/eu-west-1/{service}/aws4_request") {
        return Err(format!("the scope is {scope}"));
    }
    let must = ["host", "x-amz-date"].iter().chain(
        ["x-amz-target", "x-amz-security-token"]
            .iter()
            .filter(|name| asked.headers.contains_key(**name)),
    );
    for name in must {
        if !names.split(';').any(|signed| signed == *name) {
            return Err(format!("{name} is not signed"));
        }
    }
    let lines: String = names
        .split(';')
        .map(|name| format!("{name}:{}\n", asked.header(name).trim()))
        .collect();
    let path = asked.path.split('?').next().unwrap_or_default();
    let canonical = format!("POST\n{path}\n\n{lines}\n{names}\n{}", hash(&asked.body));
    let hashed = hash(canonical.as_bytes());
    let text = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashed}");
    let start = format!("AWS4{key}").into_bytes();
    let key = scope.split('/').fold(start, |key, part| keyed(&key, part));
    if hex(&keyed(&key, &text)) == field("Signature")? {
        return Ok(());
    }
    Err("the signature does not match".to_owned())
}

/// Whether a login is a signature for the repository at `path` on `host`, by somebody known.
pub(crate) fn signed_for_codecommit(login: (&str, &str), host: &str, path: &str) -> bool {
    let (user, password) = login;
    let (id, session) = user.split_once('%').unwrap_or((user, ""));
    let key = match (id, session) {
        (secrets::AWS_ID, "") => secrets::AWS_KEY,
        ("ASIAROLE", secrets::AWS_SESSION) => secrets::AWS_ROLE_KEY,
        _ => return false,
    };
    let Some((stamp, signature)) = password.split_once('Z') else {
        return false;
    };
    let region = host.split('.').nth(1).unwrap_or_default();
    let scope = format!(
        "{}/{region}/codecommit/aws4_request",
        stamp.split('T').next().unwrap_or_default()
    );
    let hashed = hash(format!("GIT\n{path}\n\nhost:{host}\n\nhost\n").as_bytes());
    let text = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashed}");
    let start = format!("AWS4{key}").into_bytes();
    let key = scope.split('/').fold(start, |key, part| keyed(&key, part));
    hex(&keyed(&key, &text)) == signature
}

fn keyed(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

fn hash(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
