//! What is shown and what is sent.

use super::*;

fn sent(remote: &Remote) -> Option<String> {
    let Access::Http(web) = &remote.access else {
        return None;
    };
    let value = web.authorization.as_ref()?.to_str();
    Some(value.expect("is text").to_owned())
}

#[test]
fn user_and_password_of_the_url_are_used_but_never_shown() {
    let remote = Remote::new(
        "https://al%20ice:s%3Acret@host/app.git",
        RemoteOptions::default(),
        &Pool::default(),
    );
    let remote = remote.expect("is usable");
    assert_eq!(remote.url(), "https://host/app.git");
    let expected = format!("Basic {}", STANDARD.encode("al ice:s:cret"));
    assert_eq!(sent(&remote), Some(expected));
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
    assert_eq!(sent(&remote).as_deref(), Some("Bearer token"));
}

#[test]
fn what_is_no_http_url_is_refused() {
    for url in [
        "ssh://git@host/x",
        "file:///etc",
        "--upload-pack=touch /tmp/x",
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
    let block = |what: &str| format!("-----BEGIN {what}-----\ncanary\n-----END {what}-----\n");
    let identity = Some((
        block("CERTIFICATE").into_bytes(),
        block("PRIVATE KEY").into_bytes(),
    ));
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
