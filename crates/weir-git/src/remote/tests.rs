//! What is shown and what is sent.

use super::*;

#[test]
fn user_and_password_of_the_url_are_used_but_never_shown() {
    let remote = Remote::new(
        "https://al%20ice:s%3Acret@host/app.git",
        RemoteOptions::default(),
        &Pool::default(),
    );
    let remote = remote.expect("is usable");
    assert_eq!(remote.url(), "https://host/app.git");
    let sent = remote.authorization.as_ref().map(HeaderValue::as_bytes);
    let expected = format!("Basic {}", STANDARD.encode("al ice:s:cret"));
    assert_eq!(sent, Some(expected.as_bytes()));
    let shown = format!("{remote:?}");
    assert!(
        !shown.contains("cret") && !shown.contains(&STANDARD.encode("al ice:s:cret")),
        "{shown}"
    );
}

#[test]
fn credentials_win_over_those_of_the_url() {
    let options = RemoteOptions {
        credentials: Some(Credentials::Bearer("token".to_owned())),
        ..RemoteOptions::default()
    };
    let remote =
        Remote::new("http://a:b@host/app.git", options, &Pool::default()).expect("is usable");
    assert_eq!(
        remote.authorization,
        Some(HeaderValue::from_static("Bearer token"))
    );
}

#[test]
fn what_is_no_http_url_is_refused() {
    for url in [
        "ssh://git@host/x",
        "file:///etc",
        "--upload-pack=touch /tmp/x",
        "http://",
        "ext::sh -c x",
    ] {
        assert!(
            Remote::new(url, RemoteOptions::default(), &Pool::default()).is_err(),
            "{url}"
        );
    }
}

#[test]
fn unusable_tls_material_and_tokens_are_refused_without_being_printed() {
    let identity = Some((b"no cert canary".to_vec(), b"no key canary".to_vec()));
    let options = RemoteOptions {
        tls: Tls { ca: None, identity },
        ..RemoteOptions::default()
    };
    let error = Remote::new("https://host/x", options, &Pool::default()).expect_err("is refused");
    assert!(!error.to_string().contains("canary"), "{error}");
    let options = RemoteOptions {
        credentials: Some(Credentials::Bearer("canary\n".to_owned())),
        ..RemoteOptions::default()
    };
    let error = Remote::new("https://host/x", options, &Pool::default()).expect_err("is refused");
    assert!(!error.to_string().contains("canary"), "{error}");
}
