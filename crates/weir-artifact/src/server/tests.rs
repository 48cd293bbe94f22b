//! Over real sockets.

use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

mod paths;
mod signed;

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
async fn idle_sockets_beyond_the_cap_keep_nobody_out() {
    // Nothing here may depend on a time-out: an idle socket would hold its slot for an hour.
    let limits = ServerLimits {
        connections: 8,
        header: Duration::from_secs(3600),
        idle: Duration::from_secs(3600),
        ..ServerLimits::default()
    };
    let running = start(limits).await;
    let mut idle = Vec::new();
    for index in 0..200 {
        let mut stream = TcpStream::connect(running.address).await.expect("connects");
        if index % 2 == 0 {
            stream.write_all(b"GET / HTTP/1.1\r\n").await.ok();
        }
        idle.push(stream);
        if index % 20 == 0 {
            assert_eq!(status(&running, FILE).await, 200);
        }
    }
    assert_eq!(status(&running, FILE).await, 200);
}

#[tokio::test]
async fn readers_that_take_for_ever_keep_nobody_out() {
    // They ask for more than the system's buffers hold and read nothing; no time-out of theirs is near.
    let limits = ServerLimits {
        connections: 8,
        patience: Duration::from_millis(50),
        header: Duration::from_secs(3600),
        idle: Duration::from_secs(3600),
        ..ServerLimits::default()
    };
    let running = start(limits).await;
    let path = running.folder.path().join("data/gitrepository/ns/app/big");
    let big = std::fs::File::create(path).expect("makes");
    big.set_len(64 << 20).expect("grows");
    let mut slow = Vec::new();
    for _ in 0..40 {
        let mut stream = TcpStream::connect(running.address).await.expect("connects");
        let request = b"GET /gitrepository/ns/app/big HTTP/1.1\r\nhost: x\r\n\r\n";
        stream.write_all(request).await.expect("sends");
        slow.push(stream);
    }
    for _ in 0..4 {
        let served = tokio::time::timeout(Duration::from_secs(60), status(&running, FILE));
        assert_eq!(served.await.expect("is served"), 200);
    }
}

#[test]
fn connections_leave_files_for_the_rest_of_the_process() {
    for (files, most) in [
        (None, 4096),
        (Some(u64::MAX), 4096),
        (Some(1_048_576), 4096),
        (Some(1024), 256),
        (Some(3), 1),
    ] {
        assert_eq!(connections(files), most, "{files:?}");
    }
}

#[tokio::test]
async fn a_head_that_never_ends_is_refused_at_its_bound() {
    let running = start(ServerLimits::default()).await;
    let mut stream = TcpStream::connect(running.address).await.expect("connects");
    let line = format!("x: {}\r\n", "y".repeat(1000));
    let head = format!("GET / HTTP/1.1\r\nhost: x\r\n{}", line.repeat(60));
    // It may close before all is sent.
    stream.write_all(head.as_bytes()).await.ok();
    let mut answer = [0; 12];
    match stream.read_exact(&mut answer).await {
        Ok(_) => assert_eq!(&answer, b"HTTP/1.1 431"),
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
    }
}

#[tokio::test]
async fn a_download_that_is_running_is_not_closed_for_others() {
    let limits = ServerLimits {
        connections: 2,
        ..ServerLimits::default()
    };
    let running = start(limits).await;
    let path = running.folder.path().join("data/gitrepository/ns/app/big");
    let size = 8 << 20;
    std::fs::write(&path, vec![b'x'; size]).expect("writes");
    let mut slow = TcpStream::connect(running.address).await.expect("connects");
    slow.write_all(
        b"GET /gitrepository/ns/app/big HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await
    .expect("sends");
    let mut first = [0; 1];
    slow.read_exact(&mut first).await.expect("begins");
    for _ in 0..20 {
        assert_eq!(status(&running, FILE).await, 200);
    }
    let mut rest = Vec::new();
    slow.read_to_end(&mut rest).await.expect("ends");
    assert!(
        rest.len() > size && rest.ends_with(b"xxx"),
        "{}",
        rest.len()
    );
}

#[tokio::test]
async fn answers_are_those_of_gos_file_server() {
    let running = start(ServerLimits::default()).await;
    let app = running.folder.path().join("data/gitrepository/ns/app");
    let recorded = include_str!("../../../../tests/conformance/http-files/answers.jsonl");
    let modified = std::time::UNIX_EPOCH + Duration::from_secs(784_111_777);
    let client = reqwest::Client::new();
    let mut compared = 0;
    for line in recorded.lines() {
        let wanted: serde_json::Value = serde_json::from_str(line).expect("is JSON");
        let contents = match wanted["size"].as_u64() {
            Some(0) => "",
            _ => "0123456789",
        };
        let file = std::fs::File::create(app.join("a.tar.gz")).expect("makes");
        std::io::Write::write_all(&mut &file, contents.as_bytes()).expect("writes");
        file.set_modified(modified).expect("sets the time");
        let got = recorded_answer(&client, &running, &wanted).await;
        assert_eq!(got, wanted, "{line}");
        compared += 1;
    }
    assert_eq!(compared, 114);
}

/// Sends the recorded request and writes the answer down in the same form.
async fn recorded_answer(
    client: &reqwest::Client,
    running: &Running,
    wanted: &serde_json::Value,
) -> serde_json::Value {
    let url = format!("{}{FILE}", running.url);
    let head = client.head(&url).send().await.expect("answers");
    let tag = head.headers()["etag"].to_str().expect("is text").to_owned();
    let method = wanted["method"].as_str().unwrap_or_default();
    let mut request = client.request(method.parse().expect("is a method"), &url);
    for (name, value) in wanted["request"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        request = request.header(name, value.replace("\"tag\"", &tag));
    }
    let answer = request.send().await.expect("answers");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = answer.text().await.expect("has a body");
    let header = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().replace(&tag, "\"tag\"")
    };
    let mut got = wanted.clone();
    got["status"] = status.into();
    let (kind, boundary) = match header("content-type").split_once("; boundary=") {
        Some((kind, boundary)) => (kind.to_owned(), boundary.to_owned()),
        None => (header("content-type"), String::new()),
    };
    let mut response = serde_json::Map::new();
    for name in [
        "accept-ranges",
        "content-range",
        "etag",
        "last-modified",
        "content-length",
    ] {
        let told = name != "content-length" || status < 300 && boundary.is_empty();
        if told && !header(name).is_empty() {
            response.insert(name.to_owned(), header(name).into());
        }
    }
    // What an error page is made of is nobody's business.
    let kind = match (&wanted["response"]["content-type"], status) {
        (kind, 400..) => kind.clone(),
        _ => kind.into(),
    };
    response.insert("content-type".to_owned(), kind);
    got["response"] = response.into();
    if method == "HEAD" {
        assert_eq!(body, "");
    } else if !boundary.is_empty() {
        assert_eq!(header("content-length"), body.len().to_string());
        got["parts"] = parts(&body, &boundary);
    } else if !body.is_empty() || wanted.get("body").is_some() {
        got["body"] = body.into();
    }
    got
}

fn parts(body: &str, boundary: &str) -> serde_json::Value {
    let whole = body.strip_suffix(&format!("\r\n--{boundary}--\r\n"));
    let whole = format!("\r\n{}", whole.expect("ends with the boundary"));
    let between = format!("\r\n--{boundary}\r\n");
    let pieces = whole.split(&between).skip(1);
    let part = |piece: &str| {
        let (head, body) = piece.split_once("\r\n\r\n").expect("has a head");
        let range = head
            .split("\r\n")
            .find_map(|line| line.strip_prefix("Content-Range: "));
        serde_json::json!({"range": range, "body": body})
    };
    pieces.map(part).collect()
}
