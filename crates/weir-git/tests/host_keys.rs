//! Hashed names, authorities and weak keys: a real server that is not believed sees nothing of who we are.

use std::time::Duration;

use harness::{GitServer, SshServer, SshServerOptions, openssh, ssh_key_of};
use russh::keys::ssh_key::certificate::{Builder, CertType};
use russh::keys::{Algorithm, PrivateKey};
use weir_git::{Error, Git, Purpose, Reference, RemoteOptions, SshKey};

/// A repository behind an SSH server that admits `key`.
struct Place {
    server: SshServer,
    key: PrivateKey,
    _git: GitServer,
}

fn place_with(options: SshServerOptions) -> Place {
    let git = GitServer::start().expect("starts");
    let repo = git.repo("app").expect("is made");
    repo.commit(&[("a", "1")], "first").expect("commits");
    let server = SshServer::start(git.folder().to_path_buf(), options).expect("starts");
    let key = new_key();
    server.admit(key.public_key());
    Place {
        server,
        key,
        _git: git,
    }
}

fn new_key() -> PrivateKey {
    ssh_key_of(Algorithm::Ed25519).expect("makes a key")
}

impl Place {
    async fn fetch(&self, known_hosts: String) -> Result<(), String> {
        let ssh = SshKey {
            identity: openssh(&self.key).expect("prints"),
            password: None,
            known_hosts: known_hosts.into_bytes(),
        };
        let url = self.server.url("app");
        let git = Git::new(1);
        let work = git.run(Duration::from_secs(20), move |session| {
            let options = RemoteOptions {
                ssh: Some(ssh),
                ..RemoteOptions::default()
            };
            let remote = session.remote(&url, options)?;
            let mut connection = remote.connect(session, Purpose::Clone)?;
            let resolved = connection.resolve(&Reference::Branch("main".to_owned()))?;
            connection.fetch(&resolved).map(drop)
        });
        work.await.map_err(|error: Error| {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            format!("{error}: {}", source.unwrap_or_default())
        })
    }

    /// Nothing that proves who we are was sent.
    fn saw_nothing(&self) {
        assert_eq!(self.server.log(), Vec::<String>::new());
    }
}

/// A host as `ssh-keygen -H` writes it.
fn hashed(name: &str) -> String {
    use aws_lc_rs::hmac;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    let salt = [7; 20];
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &salt);
    let hash = hmac::sign(&key, name.as_bytes());
    format!("|1|{}|{}", STANDARD.encode(salt), STANDARD.encode(hash))
}

/// How the server's certificate is.
#[derive(Clone, Copy)]
enum Certified {
    Well,
    Over,
    ForUsers,
}

/// Lines of known_hosts, the server's certificate, and why it is refused; nothing if it is not.
const HASHED_AND_CERTIFIED: [(&str, Certified, &str); 10] = [
    ("{hash} {own}", Certified::Well, ""),
    ("@cert-authority {hash} {by}", Certified::Well, ""),
    (
        "{hash} {other}",
        Certified::Well,
        "knownhosts: key mismatch",
    ),
    (
        "{elsewhere} {own}",
        Certified::Well,
        "knownhosts: key is unknown",
    ),
    (
        "{hash} {own}\n@revoked {hash} {own}",
        Certified::Well,
        "knownhosts: key is revoked",
    ),
    (
        "@cert-authority {here} {other}",
        Certified::Well,
        "no authorities for hostname",
    ),
    (
        "@cert-authority {elsewhere} {by}",
        Certified::Well,
        "no authorities for hostname",
    ),
    (
        "@cert-authority {here} {by}\n@revoked * {by}",
        Certified::Well,
        "key is revoked",
    ),
    (
        "@cert-authority {here} {by}",
        Certified::Over,
        "not valid for this host",
    ),
    (
        "@cert-authority {here} {by}",
        Certified::ForUsers,
        "not valid for this host",
    ),
];

#[tokio::test]
async fn hashed_names_and_authorities_count_before_we_prove_anything() {
    let (host, authority) = (new_key(), new_key());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("is after").as_secs();
    let public = |key: &PrivateKey| key.public_key().to_openssh().expect("prints");
    for (lines, certified, why) in HASHED_AND_CERTIFIED {
        let (until, kind) = match certified {
            Certified::Well => (now + 600, CertType::Host),
            Certified::Over => (now - 60, CertType::Host),
            Certified::ForUsers => (now + 600, CertType::User),
        };
        let mut builder =
            Builder::new([1; 16], host.public_key(), now - 600, until).expect("builds");
        builder.cert_type(kind).expect("is set");
        builder.valid_principal("127.0.0.1").expect("is set");
        let options = SshServerOptions {
            host_keys: vec![host.clone()],
            certificates: vec![builder.sign(&authority).expect("signs")],
            ..SshServerOptions::default()
        };
        let place = place_with(options);
        let name = format!("[127.0.0.1]:{}", place.server.address().port());
        let known_hosts = lines
            .replace("{hash}", &hashed(&name))
            .replace("{elsewhere}", &hashed("[127.0.0.1]:1"))
            .replace("{here}", &name)
            .replace("{own}", &public(&host))
            .replace("{other}", &public(&new_key()))
            .replace("{by}", &public(&authority));
        let fetched = place.fetch(known_hosts).await;
        if why.is_empty() {
            fetched.expect(lines);
            continue;
        }
        let error = fetched.expect_err(lines);
        assert!(error.contains("ssh: handshake failed"), "{lines}: {error}");
        assert!(error.contains(why), "{lines}: {error}");
        place.saw_nothing();
    }
}

#[tokio::test]
async fn a_host_key_of_1024_bits_ends_it_before_we_prove_anything() {
    let weak = PrivateKey::from_openssh(include_bytes!("data/rsa-1024")).expect("is a key");
    let options = SshServerOptions {
        host_keys: vec![weak],
        ..SshServerOptions::default()
    };
    let place = place_with(options);
    // It is the very key that is known.
    let known_hosts = place.server.known_hosts().expect("prints");
    let error = place.fetch(known_hosts).await.expect_err("is refused");
    assert!(
        error.contains("the server's RSA key has fewer than 2048 bits"),
        "{error}"
    );
    place.saw_nothing();
}
