//! Credentials stay with the host they were given for, whatever it answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use harness::GitServer;
use weir_git::{Credentials, Error, Git, Purpose, Reference, RemoteOptions};

/// A server that answers every request with a redirect and remembers what it was sent.
struct Redirector {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Redirector {
    /// `to` gets the request's path and query appended.
    fn start(to: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let address = listener.local_addr().expect("has an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let request = answer(stream, &to);
                log.lock().expect("is not poisoned").push(request);
            }
        });
        Self { address, seen }
    }

    fn url(&self) -> String {
        format!("http://{}/app.git", self.address)
    }

    fn seen(&self) -> String {
        self.seen.lock().expect("is not poisoned").join("\n")
    }
}

fn answer(mut stream: TcpStream, to: &str) -> String {
    let mut head = String::new();
    let mut reader = BufReader::new(stream.try_clone().expect("clones"));
    while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
    let path = head.split(' ').nth(1).unwrap_or("/").to_owned();
    let location = if to.ends_with("/info/refs") {
        to.to_owned()
    } else {
        format!("{to}{path}")
    };
    let text = format!(
        "HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(text.as_bytes()).ok();
    stream
        .set_read_timeout(Some(Duration::from_millis(50)))
        .ok();
    reader.read_to_end(&mut Vec::new()).ok();
    head.to_lowercase()
}

async fn fetch(url: String, credentials: Credentials) -> Result<String, String> {
    fetch_by(Git::new(1), url, credentials).await
}

async fn fetch_by(git: Git, url: String, credentials: Credentials) -> Result<String, String> {
    let work = git.run(Duration::from_secs(20), move |session| {
        let options = RemoteOptions {
            credentials: Some(credentials),
            ..RemoteOptions::default()
        };
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

fn canary() -> Credentials {
    Credentials::Basic {
        username: "canary".to_owned(),
        password: "canary".to_owned(),
    }
}

#[tokio::test]
async fn a_redirect_to_another_host_is_followed_without_credentials() {
    let server = GitServer::start().expect("starts");
    let repo = server.repo("app").expect("is made");
    let commit = repo.commit(&[("a", "1")], "first").expect("commits");
    let front = Redirector::start(server.url());
    assert_eq!(
        fetch(front.url(), canary()).await,
        Ok(format!("main@sha1:{commit}"))
    );
    assert!(
        front.seen().contains("authorization: basic"),
        "{}",
        front.seen()
    );

    // Were they sent on, a repository that asks for them would open.
    repo.require_basic("canary", "canary");
    let error = fetch(front.url(), canary()).await.expect_err("is refused");
    assert!(error.contains("authentication required"), "{error}");
}

#[tokio::test]
async fn three_hops_over_foreign_hosts_never_see_them() {
    let server = GitServer::start().expect("starts");
    let repo = server.repo("app").expect("is made");
    repo.commit(&[("a", "1")], "first").expect("commits");
    let third = Redirector::start(server.url());
    let second = Redirector::start(format!("http://{}", third.address));
    let first = Redirector::start(format!("http://{}", second.address));
    fetch(first.url(), canary()).await.expect("fetches");
    assert!(
        !second.seen().contains("authorization"),
        "{}",
        second.seen()
    );
    assert!(!third.seen().contains("authorization"), "{}", third.seen());
}

#[tokio::test]
async fn endless_odd_and_foreign_redirects_end() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let own = format!("http://{}", listener.local_addr().expect("has an address"));
    let to = own.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(stream, &to);
        }
    });
    let error = fetch(format!("{own}/app.git"), canary())
        .await
        .expect_err("is refused");
    assert!(error.contains("stopped after 10 redirects"), "{error}");

    let elsewhere = Redirector::start("http://127.0.0.1:1/other?x=".to_owned());
    let error = fetch(elsewhere.url(), canary())
        .await
        .expect_err("is refused");
    assert!(error.contains("no repository"), "{error}");
    for scheme in [
        "file:///etc/passwd/info/refs",
        "ftp://127.0.0.1/info/refs",
        "gopher://x/info/refs",
    ] {
        let front = Redirector::start(scheme.to_owned());
        let error = fetch(front.url(), canary()).await.expect_err("is refused");
        assert!(error.contains("insecure scheme"), "{error}");
    }
}

#[tokio::test]
async fn another_name_for_the_same_port_is_another_host() {
    let server = GitServer::start().expect("starts");
    let repo = server.repo("app").expect("is made");
    repo.commit(&[("a", "1")], "first").expect("commits");
    repo.require_basic("canary", "canary");
    let port = server.address().port();
    let front = Redirector::start(format!("http://localhost:{port}"));
    let error = fetch(front.url(), canary()).await.expect_err("is refused");
    assert!(error.contains("authentication required"), "{error}");
    // To TLS on another port is another origin too.
    let secure = GitServer::start_tls().expect("starts");
    let repo = secure.repo("app").expect("is made");
    repo.commit(&[("a", "1")], "first").expect("commits");
    let front = Redirector::start(secure.url());
    let error = fetch(front.url(), canary()).await.expect_err("is refused");
    assert!(error.contains("x509"), "{error}");
    assert!(repo.requests().is_empty());
}

#[tokio::test]
async fn a_redirect_to_a_denied_address_is_not_followed() {
    let server = GitServer::start().expect("starts");
    let repo = server.repo("app").expect("is made");
    repo.commit(&[("a", "1")], "first").expect("commits");
    let port = server.address().port();
    let denied = ["127.0.0.2/32".parse().expect("is a block")];
    let network = weir_git::Network::denying(&denied).with_lookup(|name| {
        let address = if name == "inner.example" {
            "127.0.0.2"
        } else {
            "127.0.0.1"
        };
        Ok(vec![address.parse().expect("is one")])
    });
    for to in ["127.0.0.2", "inner.example"] {
        let front = Redirector::start(format!("http://{to}:{port}"));
        let git = Git::new(1).with_network(network.clone());
        let error = fetch_by(git, front.url(), canary()).await;
        let error = error.expect_err("is denied");
        assert!(
            error.ends_with("the address is denied by --deny-cidr"),
            "{to}: {error}"
        );
    }
    assert!(repo.requests().is_empty());
}
