//! Against a GitHub made here, which checks what it is sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use weir_auth::github_app::{App, Installation, USERNAME};

/// Answers by path, and remembers every request.
fn github(
    answers: &'static [(&'static str, u16, &'static str)],
) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let url = format!("http://{}", listener.local_addr().expect("has an address"));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().expect("clones"));
            let mut head = String::new();
            while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
            let line = head.lines().next().unwrap_or_default().to_owned();
            let found = answers
                .iter()
                .find(|(start, ..)| line.starts_with(&format!("{start} ")));
            let (_, status, body) =
                found
                    .copied()
                    .unwrap_or(("", 404, "{\"message\":\"Not Found\"}"));
            log.lock().expect("is sound").push(head);
            let text = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(text.as_bytes()).ok();
            stream
                .set_read_timeout(Some(std::time::Duration::from_millis(50)))
                .ok();
            reader.read_to_end(&mut Vec::new()).ok();
        }
    });
    (url, seen)
}

fn app(url: &str, installation: Installation) -> App {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("makes a key");
    App {
        id: 123,
        installation,
        private_key: key.serialize_pem().into_bytes(),
        base_url: Some(url.to_owned()),
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("builds")
}

/// The assertion of a request, decoded; its signature was made by `app`.
fn claims(app: &App, head: &str) -> serde_json::Value {
    use aws_lc_rs::rsa::KeyPair as Rsa;
    use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};

    let lower = head.to_lowercase();
    let at = lower.find("authorization: bearer ").expect("is sent");
    let token = head[at + "authorization: bearer ".len()..]
        .lines()
        .next()
        .expect("has a line");
    let (signed, signature) = token.rsplit_once('.').expect("has three parts");
    let der = PrivatePkcs8KeyDer::from_pem_slice(&app.private_key).expect("is PEM");
    let key = Rsa::from_pkcs8(der.secret_pkcs8_der()).expect("is a key");
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key());
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("is base64");
    public
        .verify(signed.as_bytes(), &signature)
        .expect("is ours");
    let claims = signed.split('.').nth(1).expect("has claims");
    let claims = URL_SAFE_NO_PAD.decode(claims).expect("is base64");
    serde_json::from_slice(&claims).expect("is JSON")
}

#[tokio::test]
async fn an_installations_token_is_asked_for_with_a_brief_signed_assertion() {
    let (url, seen) = github(&[(
        "POST /app/installations/7/access_tokens",
        201,
        "{\"token\":\"canary\",\"expires_at\":\"2099-01-01T00:00:00Z\"}",
    )]);
    let app = app(&url, Installation::Id(7));
    let token = app.token(&client()).await.expect("is given");
    assert_eq!(
        (token.username.as_str(), token.secret.as_str()),
        (USERNAME, "canary")
    );
    let seen = seen.lock().expect("is sound");
    let claims = claims(&app, &seen[0]);
    assert_eq!(claims["iss"], "123");
    let (begin, end) = (claims["iat"].as_u64(), claims["exp"].as_u64());
    assert_eq!(begin.map(|begin| begin + 120), end);
    assert!(
        seen[0]
            .to_lowercase()
            .contains("accept: application/vnd.github+json")
    );
}

#[tokio::test]
async fn an_owner_is_looked_up_as_an_organisation_and_then_as_a_user() {
    let (url, seen) = github(&[
        ("GET /users/alice/installation", 200, "{\"id\":9}"),
        (
            "POST /app/installations/9/access_tokens",
            201,
            "{\"token\":\"t\"}",
        ),
    ]);
    let app = app(&url, Installation::Owner("alice".to_owned()));
    assert_eq!(app.token(&client()).await.expect("is given").secret, "t");
    let lines: Vec<String> = seen
        .lock()
        .expect("is sound")
        .iter()
        .map(|head| head.lines().next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(lines[0], "GET /orgs/alice/installation HTTP/1.1");
    assert_eq!(lines.len(), 3);
}

#[tokio::test]
async fn a_name_cannot_become_a_path_and_a_base_keeps_its_own() {
    let app = app(
        "https://git.example.com/api/v3/",
        Installation::Owner("../x".to_owned()),
    );
    let url = app
        .api(&["orgs", "a/../b", "installation"])
        .expect("is one");
    assert_eq!(
        url.as_str(),
        "https://git.example.com/api/v3/orgs/a%2F..%2Fb/installation"
    );
    let mut bad = app;
    for base in ["file:///etc", "nonsense", "ftp://x"] {
        bad.base_url = Some(base.to_owned());
        assert!(bad.api(&["app"]).is_err(), "{base}");
    }
}

#[tokio::test]
async fn an_owner_without_an_installation_is_refused_for_both_kinds() {
    let (url, _) = github(&[]);
    let app = app(&url, Installation::Owner("alice".to_owned()));
    let error = app.token(&client()).await.expect_err("is refused");
    assert_eq!(
        error.to_string(),
        format!(
            "failed to find organization installation: GET {url}/orgs/alice/installation: 404 Not Found []\n\
             failed to find user installation: GET {url}/users/alice/installation: 404 Not Found []"
        )
    );
}

#[test]
fn what_an_app_lacks_is_named() {
    let whole = app("https://x", Installation::Id(7));
    let why = |app: App| app.check().expect_err("lacks something").to_string();
    let lacks = |what: &str| format!("{what} must be provided to use github app authentication");
    whole.check().expect("is whole");
    let without_id = App {
        id: 0,
        ..whole.clone()
    };
    assert_eq!(why(without_id), lacks("app ID"));
    for installation in [Installation::Id(0), Installation::Owner(String::new())] {
        let without = App {
            installation,
            ..whole.clone()
        };
        assert_eq!(why(without), lacks("app installation owner or ID"));
    }
    let without_key = App {
        private_key: Vec::new(),
        ..whole.clone()
    };
    assert_eq!(why(without_key), lacks("private key"));
    let other = KeyPair::generate().expect("makes a key").serialize_pem();
    let of_another_kind = App {
        private_key: other.into_bytes(),
        ..whole
    };
    assert_eq!(
        why(of_another_kind),
        "could not parse private key: key is not a valid RSA private key"
    );
}

#[tokio::test]
async fn a_refusal_names_the_url_and_no_secret() {
    let (url, _) = github(&[]);
    let app = app(&url, Installation::Id(7));
    let error = app
        .token(&client())
        .await
        .expect_err("is refused")
        .to_string();
    assert_eq!(
        error,
        format!("POST {url}/app/installations/7/access_tokens: 404 Not Found []")
    );
    let unusable = App {
        private_key: b"canary".to_vec(),
        ..app
    };
    let error = unusable
        .token(&client())
        .await
        .expect_err("is refused")
        .to_string();
    assert_eq!(
        error,
        "could not parse private key: invalid key: Key must be a PEM encoded PKCS1 or PKCS8 key"
    );
    assert!(!format!("{unusable:?} {}", unusable.cache_key()).contains("canary"));
}
