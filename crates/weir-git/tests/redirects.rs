//! Credentials stay with the host they were given for, whatever it answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use harness::{Fault, GitServer};
use serde_json::Value;
use weir_git::{Credentials, Error, Git, Network, Purpose, Reference, RemoteOptions, Tls};

const RECORDED: &str = include_str!("../../../tests/conformance/git-urls/redirects.jsonl");

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
    let options = RemoteOptions {
        credentials: Some(credentials),
        ..RemoteOptions::default()
    };
    fetch_with(git, url, options).await
}

async fn fetch_with(git: Git, url: String, options: RemoteOptions) -> Result<String, String> {
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
    assert!(
        error.contains("http redirect: too many redirects"),
        "{error}"
    );

    let elsewhere = Redirector::start("http://127.0.0.1:1/other?x=".to_owned());
    let error = fetch(elsewhere.url(), canary())
        .await
        .expect_err("is refused");
    assert!(error.contains("connection refused"), "{error}");
    for scheme in [
        "file:///etc/passwd/info/refs",
        "ftp://127.0.0.1/info/refs",
        "gopher://x/info/refs",
    ] {
        let front = Redirector::start(scheme.to_owned());
        let error = fetch(front.url(), canary()).await.expect_err("is refused");
        assert!(
            error.contains("http redirect: unsupported scheme"),
            "{error}"
        );
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

/// What it takes to reach a server over TLS, with the canary.
fn trusting(servers: &[&GitServer]) -> RemoteOptions {
    let authorities: String = servers.iter().filter_map(|server| server.ca()).collect();
    RemoteOptions {
        credentials: Some(canary()),
        tls: Tls {
            ca: Some(authorities.into_bytes()),
            identity: None,
        },
        ..RemoteOptions::default()
    }
}

#[tokio::test]
async fn from_https_nothing_leads_to_http() {
    let plain = GitServer::start().expect("starts");
    let target = plain.repo("app").expect("is made");
    target.commit(&[("a", "1")], "first").expect("commits");
    let secure = GitServer::start_tls().expect("starts");
    let repo = secure.repo("app").expect("is made");
    repo.commit(&[("a", "1")], "first").expect("commits");
    let port = plain.address().port();
    for to in [plain.url(), format!("http://localhost:{port}")] {
        for fault in [Fault::Redirect(to.clone()), Fault::RedirectPosts(to)] {
            repo.fault(Some(fault.clone()));
            let options = trusting(&[&secure]);
            let error = fetch_with(Git::new(1), repo.url().to_owned(), options).await;
            let error = error.expect_err("is refused");
            let expected = match fault {
                Fault::Redirect(_) => "http redirect: changes scheme from \"https\" to \"http\"",
                _ => "http redirect: redirect on non-initial request to http://",
            };
            assert!(error.contains(expected), "{error}");
        }
    }
    assert!(target.requests().is_empty(), "{:?}", target.requests());
}

#[tokio::test]
async fn from_https_another_host_and_another_port_see_no_credentials() {
    let (first, second) = (
        GitServer::start_tls().expect("starts"),
        GitServer::start_tls().expect("starts"),
    );
    let origin = first.repo("app").expect("is made");
    let target = second.repo("app").expect("is made");
    let commit = target.commit(&[("a", "1")], "first").expect("commits");
    origin.require_basic("canary", "canary");
    let port = second.address().port();
    for to in [
        format!("https://127.0.0.1:{port}"),
        format!("https://localhost:{port}"),
        format!("https://localhost:{}", first.address().port()),
    ] {
        let own = to.ends_with(&first.address().port().to_string());
        origin.fault(Some(Fault::Redirect(to.clone())));
        let both = trusting(&[&first, &second]);
        let fetched = fetch_with(Git::new(1), origin.url().to_owned(), both.clone()).await;
        if own {
            // Another name for the same port: it asks for ever.
            let error = fetched.expect_err("is refused");
            assert!(error.contains("too many redirects"), "{to}: {error}");
            continue;
        }
        assert_eq!(fetched, Ok(format!("main@sha1:{commit}")), "{to}");
        // Were they sent on, a repository that asks for them would open.
        target.require_basic("canary", "canary");
        let error = fetch_with(Git::new(1), origin.url().to_owned(), both).await;
        let error = error.expect_err("is refused");
        assert!(error.contains("authentication required"), "{to}: {error}");
        target.admit_all();
        // Who vouches for the first vouches for nobody else.
        let one = trusting(&[&first]);
        let error = fetch_with(Git::new(1), origin.url().to_owned(), one).await;
        let error = error.expect_err("is refused");
        assert!(error.contains("x509"), "{to}: {error}");
    }
}

#[tokio::test]
async fn on_its_own_host_a_moved_repository_is_opened_with_credentials() {
    let server = GitServer::start_tls().expect("starts");
    let (old, new) = (
        server.repo("app").expect("is made"),
        server.repo("new").expect("is made"),
    );
    let commit = new.commit(&[("a", "1")], "first").expect("commits");
    new.require_basic("canary", "canary");
    let moved = format!(
        "{}/new.git/info/refs?service=git-upload-pack#",
        server.url()
    );
    old.fault(Some(Fault::Redirect(moved)));
    let fetched = fetch_with(Git::new(1), old.url().to_owned(), trusting(&[&server])).await;
    assert_eq!(fetched, Ok(format!("main@sha1:{commit}")));
    assert_eq!(old.requests().len(), 1, "the rest goes to where it is");
}

#[tokio::test]
async fn a_client_certificate_proves_us_to_its_server_and_to_no_other() {
    let server = GitServer::start_mutual_tls().expect("starts");
    let repo = server.repo("app").expect("is made");
    let commit = repo.commit(&[("a", "1")], "first").expect("commits");
    let (certificate, key) = server.client().expect("asks for one");
    let mut options = trusting(&[&server]);
    let error = fetch_with(Git::new(1), repo.url().to_owned(), options.clone()).await;
    assert!(error.is_err(), "{error:?}");
    options.tls.identity = Some((certificate.into(), key.into()));
    let fetched = fetch_with(Git::new(1), repo.url().to_owned(), options.clone()).await;
    assert_eq!(fetched, Ok(format!("main@sha1:{commit}")));
    // A redirect from elsewhere comes without it.
    let front = GitServer::start_tls().expect("starts");
    let moved = front.repo("app").expect("is made");
    moved.fault(Some(Fault::Redirect(server.url())));
    let mut both = trusting(&[&server, &front]);
    both.tls.identity.clone_from(&options.tls.identity);
    let error = fetch_with(Git::new(1), moved.url().to_owned(), both).await;
    assert!(error.is_err(), "{error:?}");
    // A key that is none is told, and not done without.
    options.tls.identity = Some((certificate.into(), b"no key".to_vec()));
    let error = fetch_with(Git::new(1), repo.url().to_owned(), options).await;
    let error = error.expect_err("is refused");
    assert!(
        error.ends_with("tls: failed to find any PEM data in key input"),
        "{error}"
    );
}

/// A server that sends everything but `/elsewhere` to `location`, where ORIGIN stands for itself.
fn redirecting(location: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("has an address");
    let location = location.replace("ORIGIN", &format!("http://{address}"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = String::new();
            let mut reader = BufReader::new(stream.try_clone().expect("clones"));
            while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
            let first = match (head.contains(" /elsewhere "), location.as_str()) {
                (true, _) => "HTTP/1.1 200 OK".to_owned(),
                (false, "") => "HTTP/1.1 302 Found".to_owned(),
                (false, to) => format!("HTTP/1.1 302 Found\r\nlocation: {to}"),
            };
            let text = format!("{first}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(text.as_bytes()).ok();
        }
    });
    address
}

#[tokio::test]
async fn every_recorded_redirect_ends_in_go_gits_words() {
    let mut count = 0;
    for line in RECORDED.lines() {
        let case: Value = serde_json::from_str(line).expect("is JSON");
        let text = |key: &str| case[key].as_str().expect("is text");
        // `from_https_nothing_leads_to_http` has these.
        if matches!(text("name"), "a post" | "from https to http") {
            continue;
        }
        let origin = format!("http://{}", redirecting(text("location").to_owned()));
        let unknown = |_: &str| Err(std::io::ErrorKind::NotFound.into());
        let git = Git::new(1).with_network(Network::denying(&[]).with_lookup(unknown));
        let error = fetch_by(git, format!("{origin}/app"), canary()).await;
        let error = error.expect_err("is refused").replace(&origin, "ORIGIN");
        let error = format!("failed to checkout and determine revision: {error}");
        assert_eq!(error, text("message"), "{line}");
        count += 1;
    }
    assert_eq!(count, 8);
}
