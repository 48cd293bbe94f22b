//! Through proxies that ask who is there. Only they know where the names are that the URLs hold.

use std::time::Duration;

use harness::{
    GitServer, ProxyKind, ProxyServer, SshServer, SshServerOptions, openssh, ssh_key_of,
};
use russh::keys::Algorithm;
use weir_git::{Error, Git, Proxy, Purpose, Reference, RemoteOptions, SshKey, Tls};

const NAME: &str = "git.example";
const LOGIN: (&str, &str) = ("alice", "canary:p@ss");
const KINDS: [ProxyKind; 3] = [ProxyKind::Http, ProxyKind::Https, ProxyKind::Socks5];

async fn fetch(url: &str, options: RemoteOptions) -> Result<String, String> {
    let url = url.to_owned();
    let git = Git::new(1);
    let work = git.run(Duration::from_secs(20), move |session| {
        let remote = session.remote(&url, options)?;
        let mut connection = remote.connect(session, Purpose::Clone)?;
        let resolved = connection.resolve(&Reference::Branch("main".to_owned()))?;
        Ok::<_, Error>(connection.fetch(&resolved)?.0.to_string())
    });
    work.await.map_err(|error| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error}: {}", source.unwrap_or_default())
    })
}

/// The options for `proxy`, which trust it and the server.
fn through(proxy: &ProxyServer, login: Option<(&str, &str)>, server: &GitServer) -> RemoteOptions {
    let ca = [proxy.ca(), server.ca()].map(Option::unwrap_or_default);
    RemoteOptions {
        proxy: Some(Proxy {
            address: proxy.url(),
            login: login.map(|(user, password)| (user.to_owned(), password.to_owned())),
        }),
        tls: Tls {
            ca: Some(ca.join("\n").into_bytes()),
            identity: None,
        },
        ..RemoteOptions::default()
    }
}

/// The server, the URL of its repository under a name that leads nowhere, and its commit.
fn place(secure: bool) -> (GitServer, String, String) {
    let server = if secure {
        GitServer::start_tls_of(&[NAME])
    } else {
        GitServer::start()
    };
    let server = server.expect("starts");
    let repo = server.repo("app").expect("is made");
    let commit = repo.commit(&[("a", "1")], "first").expect("commits");
    let scheme = if secure { "https" } else { "http" };
    (server, format!("{scheme}://{NAME}/app.git"), commit)
}

#[tokio::test]
async fn every_kind_of_proxy_is_asked_with_its_login_and_resolves_the_name() {
    for secure in [false, true] {
        let (server, url, commit) = place(secure);
        let port = if secure { 443 } else { 80 };
        for kind in KINDS {
            for login in [None, Some(LOGIN)] {
                let proxy = ProxyServer::start(kind, login, &[(NAME, server.address())]);
                let proxy = proxy.expect("starts");
                let fetched = fetch(&url, through(&proxy, login, &server)).await;
                let what = format!("{url} through {kind:?} with {login:?}");
                assert_eq!(fetched, Ok(format!("main@sha1:{commit}")), "{what}");
                let log = proxy.log();
                let names = [NAME.to_owned(), format!("{NAME}:{port}")];
                assert!(!log.is_empty(), "{what}");
                assert!(
                    log.iter().all(|line| names.contains(line)),
                    "{what}: {log:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_login_in_the_address_serves_where_the_secret_has_none() {
    let (server, url, commit) = place(true);
    for kind in KINDS {
        let proxy = ProxyServer::start(kind, Some(LOGIN), &[(NAME, server.address())]);
        let proxy = proxy.expect("starts");
        let mut options = through(&proxy, None, &server);
        let address = proxy.url().replace("://", "://alice:canary%3Ap%40ss@");
        options.proxy = Some(Proxy {
            address,
            login: None,
        });
        let fetched = fetch(&url, options).await;
        assert_eq!(fetched, Ok(format!("main@sha1:{commit}")), "{kind:?}");
    }
}

#[tokio::test]
async fn a_wrong_login_is_told_in_gos_words_and_not_shown() {
    for (secure, kind, expected) in [
        (false, ProxyKind::Http, "status code: 407"),
        (true, ProxyKind::Http, "Proxy Authentication Required"),
        (true, ProxyKind::Https, "Proxy Authentication Required"),
        (
            false,
            ProxyKind::Socks5,
            "username/password authentication failed",
        ),
        (
            true,
            ProxyKind::Socks5,
            "username/password authentication failed",
        ),
    ] {
        let (server, url, _) = place(secure);
        let proxy = ProxyServer::start(kind, Some(LOGIN), &[(NAME, server.address())]);
        let proxy = proxy.expect("starts");
        let options = through(&proxy, Some(("alice", "canary-wrong")), &server);
        let error = fetch(&url, options).await.expect_err("is refused");
        assert!(error.ends_with(expected), "{kind:?}: {error}");
        assert!(!error.contains("canary"), "{error}");
        assert!(proxy.log().iter().all(|line| line.starts_with("refused")));
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_or_not_trusted_is_named_as_go_names_it() {
    let (server, url, _) = place(false);
    let proxy = ProxyServer::start(ProxyKind::Https, None, &[]).expect("starts");
    let mut options = through(&proxy, None, &server);
    options.tls.ca = None;
    let error = fetch(&url, options.clone()).await.expect_err("is refused");
    assert!(
        error.ends_with(
            "proxyconnect tcp: tls: failed to verify certificate: x509: certificate signed by unknown authority"
        ),
        "{error}"
    );
    for scheme in ["http", "https", "socks5"] {
        options.proxy = Some(Proxy {
            address: format!("{scheme}://127.0.0.1:9"),
            login: None,
        });
        let error = fetch(&url, options.clone()).await.expect_err("is refused");
        let why = if scheme == "socks5" {
            "failed to create underlying connection"
        } else {
            "connect: connection refused"
        };
        let expected = format!("proxyconnect tcp: dial tcp 127.0.0.1:9: {why}");
        assert!(error.ends_with(&expected), "{error}");
    }
}

#[tokio::test]
async fn ssh_goes_through_socks5_and_through_nothing_else() {
    let (git, _, commit) = place(false);
    let server = SshServer::start(git.folder().to_path_buf(), SshServerOptions::default());
    let server = server.expect("starts");
    let key = ssh_key_of(Algorithm::Ed25519).expect("makes a key");
    server.admit(key.public_key());
    let known = server.known_hosts().expect("prints");
    let (_, own) = known.split_once(' ').expect("has a host");
    let ssh = SshKey {
        identity: openssh(&key).expect("prints"),
        password: None,
        known_hosts: format!("{NAME} {own}").into_bytes(),
    };
    let url = format!("ssh://git@{NAME}/app.git");
    for login in [None, Some(LOGIN)] {
        let routes = [(NAME, server.address())];
        let proxy = ProxyServer::start(ProxyKind::Socks5, login, &routes).expect("starts");
        let options = |login| RemoteOptions {
            ssh: Some(ssh.clone()),
            ..through(&proxy, login, &git)
        };
        let fetched = fetch(&url, options(login)).await;
        assert_eq!(fetched, Ok(format!("main@sha1:{commit}")), "{login:?}");
        assert!(proxy.log().iter().all(|line| *line == format!("{NAME}:22")));
        if login.is_some() {
            let error = fetch(&url, options(Some(("alice", "canary-wrong")))).await;
            let error = error.expect_err("is refused");
            let expected = "->git.example:22: username/password authentication failed";
            assert!(error.ends_with(expected), "{error}");
        }
    }
    for kind in [ProxyKind::Http, ProxyKind::Https] {
        let proxy = ProxyServer::start(kind, None, &[(NAME, server.address())]).expect("starts");
        let options = RemoteOptions {
            ssh: Some(ssh.clone()),
            ..through(&proxy, None, &git)
        };
        let error = fetch(&url, options).await.expect_err("is refused");
        let scheme = if kind == ProxyKind::Http {
            "http"
        } else {
            "https"
        };
        let expected = format!("proxy: unknown scheme: {scheme}");
        assert!(error.ends_with(&expected), "{error}");
        assert!(proxy.log().is_empty());
    }
}
