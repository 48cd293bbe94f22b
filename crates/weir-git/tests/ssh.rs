//! Against a real `git upload-pack` behind an SSH server in this process.

use std::time::Duration;

use harness::{GitServer, Repository, SshServer, SshServerOptions, ssh_key_of};
use russh::keys::ssh_key::certificate::{Builder, CertType};
use russh::keys::{Algorithm, EcdsaCurve, PrivateKey};
use weir_git::{Error, Git, Purpose, Reference, RemoteOptions, SshAlgorithms, SshKey};

/// A repository with one commit behind both kinds of server.
struct Place {
    repo: Repository,
    commit: String,
    server: SshServer,
    key: PrivateKey,
    _git: GitServer,
}

fn place_with(options: SshServerOptions, key: PrivateKey) -> Place {
    let git = GitServer::start().expect("starts");
    let repo = git.repo("app").expect("is made");
    let commit = repo
        .commit(&[("a", "1"), ("d/b", "2")], "first")
        .expect("commits");
    let server = SshServer::start(git.folder().to_path_buf(), options).expect("starts");
    server.admit(key.public_key());
    Place {
        repo,
        commit,
        server,
        key,
        _git: git,
    }
}

fn place() -> Place {
    place_with(SshServerOptions::default(), new_key(Algorithm::Ed25519))
}

fn new_key(algorithm: Algorithm) -> PrivateKey {
    ssh_key_of(algorithm).expect("makes a key")
}

fn openssh(key: &PrivateKey) -> Vec<u8> {
    harness::openssh(key).expect("prints")
}

impl Place {
    fn ssh(&self) -> SshKey {
        SshKey {
            identity: openssh(&self.key),
            password: None,
            known_hosts: self.server.known_hosts().expect("prints").into_bytes(),
        }
    }

    async fn fetch(&self, ssh: SshKey) -> Result<String, String> {
        fetch(&self.server.url("app"), ssh, SshAlgorithms::default()).await
    }
}

async fn fetch(url: &str, ssh: SshKey, algorithms: SshAlgorithms) -> Result<String, String> {
    let url = url.to_owned();
    let git = Git::new(1).with_ssh(algorithms);
    let work = git.run(Duration::from_secs(20), move |session| {
        let options = RemoteOptions {
            ssh: Some(ssh),
            ..RemoteOptions::default()
        };
        let remote = session.remote(&url, options)?;
        let mut connection = remote.connect(session, Purpose::Clone)?;
        let resolved = connection.resolve(&Reference::Branch("main".to_owned()))?;
        let (revision, snapshot) = connection.fetch(&resolved)?;
        let paths: Vec<_> = snapshot
            .entries(session)?
            .into_iter()
            .map(|entry| entry.path)
            .collect();
        Ok::<_, Error>(format!("{revision} {}", paths.join(" ")))
    });
    work.await.map_err(|error| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error}: {}", source.unwrap_or_default())
    })
}

#[tokio::test]
async fn a_commit_is_fetched_with_every_kind_of_client_key() {
    for algorithm in [
        Algorithm::Ed25519,
        Algorithm::Ecdsa {
            curve: EcdsaCurve::NistP256,
        },
        Algorithm::Ecdsa {
            curve: EcdsaCurve::NistP521,
        },
        Algorithm::Rsa { hash: None },
    ] {
        let place = place_with(SshServerOptions::default(), new_key(algorithm));
        let expected = format!("main@sha1:{} a d d/b", place.commit);
        assert_eq!(place.fetch(place.ssh()).await, Ok(expected));
    }
}

#[tokio::test]
async fn trees_and_then_files_come_over_one_connection() {
    let place = place();
    let (url, ssh) = (place.server.url("app"), place.ssh());
    let git = Git::new(1);
    let work = git.run(Duration::from_secs(20), move |session| {
        let options = RemoteOptions {
            ssh: Some(ssh),
            ..RemoteOptions::default()
        };
        let remote = session.remote(&url, options)?;
        let mut connection = remote.connect(session, Purpose::Clone)?;
        let resolved = connection.resolve(&Reference::Branch("main".to_owned()))?;
        let (_, mut snapshot) = connection.fetch_trees(&resolved)?;
        let entries = snapshot.entries(session)?;
        let file = |path: &str| {
            let found = entries.iter().find(|entry| entry.path == path);
            found.expect("is there").id
        };
        connection.complete(&mut snapshot, &[file("d/b")])?;
        assert!(snapshot.is_partial());
        snapshot.read(file("a")).expect_err("was left out");
        snapshot.read(file("d/b"))
    });
    assert_eq!(work.await.expect("fetches"), b"2");
}

#[tokio::test]
async fn a_locked_key_opens_with_its_password() {
    let place = place();
    let mut random = russh::keys::key::safe_rng();
    let locked = place.key.encrypt(&mut random, "secret").expect("encrypts");
    let ssh = |password: Option<&str>| SshKey {
        identity: openssh(&locked),
        password: password.map(str::to_owned),
        ..place.ssh()
    };
    assert!(place.fetch(ssh(Some("secret"))).await.is_ok());
    let error = place
        .fetch(ssh(Some("wrong")))
        .await
        .expect_err("is refused");
    assert!(
        error.contains("x509: decryption password incorrect"),
        "{error}"
    );
}

#[tokio::test]
async fn the_user_of_the_url_is_sent_and_git_without_one() {
    let place = place();
    let url = place.server.url("app");
    for (url, user) in [
        (url.replace("git@", "alice@"), "auth alice"),
        (url.replace("git@", ""), "auth git"),
    ] {
        fetch(&url, place.ssh(), SshAlgorithms::default())
            .await
            .expect("fetches");
        assert!(
            place.server.log().contains(&user.to_owned()),
            "{:?}",
            place.server.log()
        );
    }
    assert!(
        place
            .server
            .log()
            .contains(&"exec git-upload-pack '/app.git'".to_owned())
    );
}

/// Nothing that proves who we are was sent.
fn silent(place: &Place) {
    assert_eq!(place.server.log(), Vec::<String>::new());
}

#[tokio::test]
async fn an_unknown_changed_or_revoked_key_ends_it_before_we_prove_anything() {
    let port = |place: &Place| place.server.address().port();
    let other = new_key(Algorithm::Ed25519)
        .public_key()
        .to_openssh()
        .expect("prints");
    for (lines, why) in [
        (
            "[127.0.0.1]:PORT OTHER\n",
            "ssh: handshake failed: knownhosts: key mismatch",
        ),
        (
            "[127.0.0.1]:1 OWN\n",
            "ssh: handshake failed: knownhosts: key is unknown",
        ),
        (
            "127.0.0.1 OWN\n",
            "ssh: handshake failed: knownhosts: key is unknown",
        ),
        (
            "*,!127.0.0.1 OWN\n",
            "ssh: handshake failed: knownhosts: key is unknown",
        ),
        (
            "[127.0.0.1]:PORT OWN\n@revoked * OWN\n",
            "ssh: handshake failed: knownhosts: key is revoked",
        ),
    ] {
        let place = place();
        let own = place.server.known_hosts().expect("prints");
        let own = own.trim().split_once(' ').expect("has a host").1;
        let lines = lines
            .replace("PORT", &port(&place).to_string())
            .replace("OWN", own)
            .replace("OTHER", &other);
        let ssh = SshKey {
            known_hosts: lines.into_bytes(),
            ..place.ssh()
        };
        let error = place.fetch(ssh).await.expect_err("is refused");
        assert!(error.ends_with(why), "{error}");
        silent(&place);
    }
}

#[tokio::test]
async fn a_server_is_believed_by_its_certificate() {
    let authority = new_key(Algorithm::Ed25519);
    let host = new_key(Algorithm::Ed25519);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("is after")
        .as_secs();
    let certificate = |principal: &str| {
        let mut builder =
            Builder::new([1; 16], host.public_key(), now - 60, now + 600).expect("builds");
        builder.cert_type(CertType::Host).expect("is set");
        builder.valid_principal(principal).expect("is set");
        builder.sign(&authority).expect("signs")
    };
    for (principal, good) in [("127.0.0.1", true), ("other", false)] {
        let options = SshServerOptions {
            host_keys: vec![host.clone()],
            certificates: vec![certificate(principal)],
            ..SshServerOptions::default()
        };
        let place = place_with(options, new_key(Algorithm::Ed25519));
        let port = place.server.address().port();
        let key = authority.public_key().to_openssh().expect("prints");
        let ssh = SshKey {
            known_hosts: format!("@cert-authority [127.0.0.*]:{port} {key}").into_bytes(),
            ..place.ssh()
        };
        match place.fetch(ssh).await {
            Ok(_) => assert!(good),
            Err(error) => {
                assert!(
                    !good && error.contains("not valid for this host"),
                    "{error}"
                );
                silent(&place);
            }
        }
    }
}

#[tokio::test]
async fn host_keys_of_all_kinds_prove_a_server() {
    let rsa = new_key(Algorithm::Rsa { hash: None });
    let curve = new_key(Algorithm::Ecdsa {
        curve: EcdsaCurve::NistP384,
    });
    let all = vec![rsa, curve, new_key(Algorithm::Ed25519)];
    let options = SshServerOptions {
        host_keys: all.clone(),
        ..SshServerOptions::default()
    };
    let place = place_with(options, new_key(Algorithm::Ed25519));
    let lines = place.server.known_hosts().expect("prints");
    // Only what is known is asked for, so that the server cannot choose a key that is not.
    for line in lines.lines() {
        let ssh = SshKey {
            known_hosts: line.as_bytes().to_vec(),
            ..place.ssh()
        };
        assert!(place.fetch(ssh).await.is_ok(), "{line}");
    }
}

#[tokio::test]
async fn flags_choose_the_algorithms() {
    let options = SshServerOptions {
        key_exchanges: vec!["curve25519-sha256"],
        ..SshServerOptions::default()
    };
    let place = place_with(options, new_key(Algorithm::Ed25519));
    let url = place.server.url("app");
    let algorithms = |kex: &[&str], host_key: &[&str]| SshAlgorithms {
        kex: kex.iter().map(|name| (*name).to_owned()).collect(),
        host_key: host_key.iter().map(|name| (*name).to_owned()).collect(),
    };
    let good = algorithms(&["curve25519-sha256"], &["ssh-ed25519"]);
    assert!(fetch(&url, place.ssh(), good).await.is_ok());
    for (bad, kind) in [
        (
            algorithms(&["diffie-hellman-group14-sha256"], &[]),
            "key exchange",
        ),
        (algorithms(&[], &["rsa-sha2-512"]), "host key"),
    ] {
        let error = fetch(&url, place.ssh(), bad).await.expect_err("is refused");
        let text = format!("ssh: handshake failed: ssh: no common algorithm for {kind}");
        assert!(error.contains(&text), "{error}");
    }
}

#[tokio::test]
async fn a_stranger_a_missing_repository_and_a_closed_port_are_told_as_upstream_tells_them() {
    let place = place();
    let stranger = SshKey {
        identity: openssh(&new_key(Algorithm::Ed25519)),
        ..place.ssh()
    };
    let error = place.fetch(stranger).await.expect_err("is refused");
    let expected = "ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain";
    assert!(error.ends_with(expected), "{error}");

    let missing = place.server.url("nope");
    let error = fetch(&missing, place.ssh(), SshAlgorithms::default())
        .await
        .expect_err("is not there");
    assert!(error.ends_with("repository not found"), "{error}");

    let closed = "ssh://git@127.0.0.1:1/app.git";
    let error = fetch(closed, place.ssh(), SshAlgorithms::default())
        .await
        .expect_err("is closed");
    assert!(
        error.ends_with("dial tcp 127.0.0.1:1: connect: connection refused"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_says_nothing_costs_the_time_out() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let url = format!(
        "ssh://git@{}/app.git",
        silent.local_addr().expect("has one")
    );
    let place = place();
    let ssh = place.ssh();
    let git = Git::new(1);
    let work = git.run(Duration::from_millis(300), move |session| {
        let options = RemoteOptions {
            ssh: Some(ssh),
            ..RemoteOptions::default()
        };
        let remote = session.remote(&url, options)?;
        remote.connect(session, Purpose::Clone).map(drop)
    });
    let error: Error = work.await.expect_err("hangs");
    let source = std::error::Error::source(&error).expect("has a cause");
    assert_eq!(source.to_string(), "context deadline exceeded");
}

#[tokio::test]
async fn an_old_server_is_understood() {
    let place = place();
    place
        .repo
        .git(&["config", "protocol.version", "0"])
        .expect("configures");
    place
        .repo
        .git(&["config", "uploadpack.allowAnySHA1InWant", "false"])
        .expect("configures");
    assert!(place.fetch(place.ssh()).await.is_ok());
}
