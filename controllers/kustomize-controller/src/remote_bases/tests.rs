//! Servers that mean well, and others.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use weir_git::Network;

use super::*;

/// A server that answers each request by its path, and counts them.
fn server(answer: fn(&str, TcpStream)) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            counted.fetch_add(1, Ordering::Relaxed);
            std::thread::spawn(move || {
                let mut head = [0; 4096];
                let length = stream.read(&mut head).unwrap_or(0);
                let head = String::from_utf8_lossy(&head[..length]).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                answer(&path, stream);
            });
        }
    });
    (url, count)
}

fn say(mut stream: TcpStream, status: &str, headers: &str, body: &str) {
    let length = body.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
    );
}

/// Fetches within `limit`, as a build does.
async fn fetched<T: Send + 'static>(
    bases: RemoteBases,
    limit: Duration,
    work: impl FnOnce(&Fetching) -> T + Send + 'static,
) -> T {
    let (done, built) = tokio::sync::oneshot::channel();
    // A thread that knows nothing of the runtime.
    std::thread::spawn(move || {
        let _ = done.send(work(&bases.for_build(limit)));
    });
    built.await.expect("it ends")
}

fn bases() -> RemoteBases {
    RemoteBases::new(Git::new(2), None)
}

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_file_is_fetched_once_through_redirects() {
    let (url, count) = server(|path, stream| match path {
        "/a.yaml" => say(stream, "302 Found", "location: b.yaml\r\n", ""),
        "/b.yaml" => say(stream, "200 OK", "", "kind: A"),
        _ => say(stream, "404 Not Found", "", ""),
    });
    let file = format!("{url}/a.yaml");
    let missing = format!("{url}/c.yaml");
    let got = fetched(bases(), MINUTE, move |fetching| {
        [
            fetching.file(&file),
            fetching.file(&file),
            fetching.file(&missing),
        ]
    })
    .await;
    assert_eq!(got[0], Ok(Bytes::from_static(b"kind: A")));
    assert_eq!(got[0], got[1]);
    assert_eq!(
        got[2],
        Err(RemoteError::Status(404, "Not Found".to_owned()))
    );
    assert_eq!(count.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn redirects_lead_to_servers_only_and_end() {
    let (url, _) = server(|path, stream| {
        let location = match path {
            "/file" => "location: file:///etc/passwd\r\n",
            "/script" => "location: javascript:alert(1)\r\n",
            _ => "location: /round\r\n",
        };
        say(stream, "302 Found", location, "");
    });
    for (path, expected) in [
        ("/file", "unsupported protocol scheme \"file\""),
        ("/script", "unsupported protocol scheme \"javascript\""),
        ("/round", "stopped after 10 redirects"),
    ] {
        let file = format!("{url}{path}");
        let got = fetched(bases(), MINUTE, move |fetching| fetching.file(&file)).await;
        let text = got.expect_err("no file").to_string();
        assert!(text.ends_with(expected), "{text}");
    }
}

#[tokio::test]
async fn a_body_without_end_is_not_read_to_its_end() {
    let (url, _) = server(|_, mut stream| {
        let _ = write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n"
        );
        let zeros = vec![b'a'; 1 << 20];
        while stream.write_all(&zeros).is_ok() {}
    });
    let got = fetched(bases(), MINUTE, move |fetching| fetching.file(&url)).await;
    let text = got.expect_err("too large").to_string();
    assert!(text.ends_with("more than 16777216 bytes"), "{text}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for() {
    let (url, _) = server(|_, stream| {
        std::thread::sleep(MINUTE);
        drop(stream);
    });
    let repository = RepoSpec::parse(&format!("{url}/o/r?timeout=1")).expect("a repository");
    let file = url.clone();
    let limit = Duration::from_millis(200);
    let got = fetched(bases(), limit, move |fetching| fetching.file(&file)).await;
    let text = got.expect_err("too late").to_string();
    assert_eq!(text, format!("Get \"{url}\": context deadline exceeded"));
    let got = fetched(bases(), MINUTE, move |fetching| {
        fetching.repository(&repository).map(drop)
    })
    .await;
    let text = got.expect_err("too late").to_string();
    assert_eq!(
        text,
        format!("hit 1s timeout running 'git fetch --depth=1 {url}/o/r HEAD'")
    );
}

#[tokio::test]
async fn one_build_fetches_so_much_and_no_more() {
    let (url, count) = server(|_, stream| say(stream, "200 OK", "", "a: 1"));
    let got = fetched(bases(), MINUTE, move |fetching| {
        let urls = (0..=MOST_FETCHES).map(|number| format!("{url}/{number}"));
        urls.map(|url| fetching.file(&url)).collect::<Vec<_>>()
    })
    .await;
    assert!(got[..MOST_FETCHES].iter().all(Result::is_ok));
    let last = got[MOST_FETCHES].clone().expect_err("one too many");
    assert_eq!(
        last.to_string(),
        "more than 100 remote resources in one build"
    );
    assert_eq!(count.load(Ordering::Relaxed), MOST_FETCHES);
}

#[tokio::test]
async fn denied_addresses_are_not_dialled_by_any_way() {
    let (url, count) = server(|_, stream| say(stream, "200 OK", "", "a: 1"));
    let deny = ["127.0.0.0/8".parse().expect("a block")];
    let git = Git::new(2).with_network(Network::denying(&deny));
    let denied = RemoteBases::new(git, None);
    let (direct, repository) = (url.clone(), format!("{url}/o/r"));
    let got = fetched(denied, MINUTE, move |fetching| {
        let spec = RepoSpec::parse(&repository).expect("a repository");
        (fetching.file(&direct), fetching.repository(&spec).map(drop))
    })
    .await;
    got.0.expect_err("no file");
    got.1.expect_err("no repository");
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn files_of_the_controllers_own_disk_are_no_repositories() {
    let got = fetched(bases(), MINUTE, |fetching| {
        let spec = RepoSpec::parse("file:///etc//x?ref=main").expect("a repository");
        fetching.repository(&spec).map(drop)
    })
    .await;
    let text = got.expect_err("refused").to_string();
    assert_eq!(text, "unsupported repository URL 'file:///etc'");
}
