//! Over real sockets.

use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

struct Running {
    url: String,
    address: SocketAddr,
    folder: tempfile::TempDir,
    stop: CancellationToken,
}

async fn start(limits: ServerLimits) -> Running {
    let folder = tempfile::tempdir().expect("makes a folder");
    let root = folder.path().join("data");
    std::fs::create_dir_all(root.join("gitrepository/ns/app")).expect("makes folders");
    std::fs::write(root.join("gitrepository/ns/app/a.tar.gz"), "0123456789").expect("writes");
    std::fs::write(root.join("gitrepository/ns/app/a.tar.gz.lock"), "").expect("writes");
    std::fs::write(folder.path().join("secret"), "secret").expect("writes");
    let server = Server::bind("127.0.0.1:0", root, limits)
        .await
        .expect("binds");
    let address = server.address().expect("has an address");
    let stop = CancellationToken::new();
    tokio::spawn(server.run(stop.clone()));
    Running {
        url: format!("http://{address}"),
        address,
        folder,
        stop,
    }
}

const FILE: &str = "/gitrepository/ns/app/a.tar.gz";

async fn status(running: &Running, path: &str) -> u16 {
    let got = reqwest::get(format!("{}{path}", running.url)).await;
    got.expect("answers").status().as_u16()
}

#[tokio::test]
async fn the_root_answers_and_nothing_is_listed() {
    let running = start(ServerLimits::default()).await;
    assert_eq!(status(&running, "/").await, 200);
    assert_eq!(status(&running, FILE).await, 200);
    for path in [
        "/gitrepository",
        "/gitrepository/",
        "/gitrepository/ns/app",
        "/nope",
        "/gitrepository/ns/app/a.tar.gz.lock",
    ] {
        assert_eq!(status(&running, path).await, 404, "{path}");
    }
    let posted = reqwest::Client::new()
        .post(format!("{}{FILE}", running.url))
        .send()
        .await;
    assert_eq!(posted.expect("answers").status().as_u16(), 405);
    running.stop.cancel();
}

#[tokio::test]
async fn links_that_lead_out_are_not_followed() {
    let running = start(ServerLimits::default()).await;
    let app = running.folder.path().join("data/gitrepository/ns/app");
    std::os::unix::fs::symlink("a.tar.gz", app.join("latest.tar.gz")).expect("links");
    std::os::unix::fs::symlink("../../../../secret", app.join("out.tar.gz")).expect("links");
    std::os::unix::fs::symlink(running.folder.path().join("secret"), app.join("abs.tar.gz"))
        .expect("links");
    assert_eq!(
        status(&running, "/gitrepository/ns/app/latest.tar.gz").await,
        200
    );
    assert_eq!(
        status(&running, "/gitrepository/ns/app/out.tar.gz").await,
        404
    );
    assert_eq!(
        status(&running, "/gitrepository/ns/app/abs.tar.gz").await,
        404
    );
}

#[tokio::test]
async fn headers_conditions_ranges_and_head() {
    let running = start(ServerLimits::default()).await;
    let client = reqwest::Client::new();
    let url = format!("{}{FILE}", running.url);
    let whole = client.get(&url).send().await.expect("answers");
    let header = |name: &str| {
        whole
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(
        (header("content-type"), header("content-length")),
        ("application/gzip".to_owned(), "10".to_owned())
    );
    let (tag, date) = (header("etag"), header("last-modified"));
    assert_eq!(whole.text().await.expect("has a body"), "0123456789");
    for (name, value, code) in [
        ("if-none-match", tag.as_str(), 304),
        ("if-none-match", "\"other\"", 200),
        ("if-modified-since", date.as_str(), 304),
        ("if-match", "\"other\"", 412),
        ("range", "bytes=99-", 416),
    ] {
        let answer = client
            .get(&url)
            .header(name, value)
            .send()
            .await
            .expect("answers");
        assert_eq!(answer.status().as_u16(), code, "{name}: {value}");
    }
    let part = client
        .get(&url)
        .header("range", "bytes=2-4")
        .header("if-range", &tag)
        .send()
        .await
        .expect("answers");
    assert_eq!(part.status().as_u16(), 206);
    assert_eq!(part.headers()["content-range"], "bytes 2-4/10");
    assert_eq!(part.text().await.expect("has a body"), "234");
    let head = client.head(&url).send().await.expect("answers");
    assert_eq!(head.headers()["content-length"], "10");
    assert_eq!(head.text().await.expect("has none"), "");
}

#[tokio::test]
async fn silent_and_slow_clients_are_cut_off() {
    let limits = ServerLimits {
        header: Duration::from_millis(200),
        idle: Duration::from_millis(200),
        ..ServerLimits::default()
    };
    let running = start(limits).await;
    for sent in [
        "",
        "GET / HTTP/1.1\r\nhost: x\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(running.address).await.expect("connects");
        stream.write_all(sent.as_bytes()).await.expect("sends");
        let began = Instant::now();
        let mut all = Vec::new();
        let closed =
            tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut all)).await;
        assert!(
            closed.is_ok(),
            "{sent:?} is still open after {:?}",
            began.elapsed()
        );
    }
}

#[tokio::test]
async fn surplus_connections_wait_for_their_turn() {
    let limits = ServerLimits {
        connections: 2,
        header: Duration::from_millis(300),
        ..ServerLimits::default()
    };
    let running = start(limits).await;
    let mut idle = Vec::new();
    for _ in 0..2 {
        idle.push(TcpStream::connect(running.address).await.expect("connects"));
    }
    let began = Instant::now();
    assert_eq!(status(&running, FILE).await, 200);
    assert!(began.elapsed() < Duration::from_secs(5));
}
