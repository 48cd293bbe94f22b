//! Request targets that look for a way out, sent as they are, beside what Go's file server answers to them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const ANSWERS: &str = include_str!("../../../../../tests/conformance/http-paths/answers.jsonl");
const APP: &str = "data/gitrepository/ns/app";

/// The folder that the answers were recorded over, `data` in it being what is served, and a pipe.
fn lay(above: &Path) {
    let own = above.join(APP);
    fs::create_dir_all(own.join("folder.tar.gz")).expect("makes folders");
    fs::create_dir_all(above.join("data-neighbour")).expect("makes a folder");
    for name in [
        "a.tar.gz",
        "sha256:ab.tar.gz",
        "sp ace.tar.gz",
        "\u{e9}.tar.gz",
        "%.tar.gz",
        "..a.tar.gz",
        "a..tar.gz",
        "...tar.gz",
        ".hidden",
    ] {
        fs::write(own.join(name), "artifact").expect("writes");
    }
    for name in ["a.tar.gz.lock", ".tmp-x"] {
        fs::write(own.join(name), "internal").expect("writes");
    }
    for path in ["secret", "data-neighbour/secret"] {
        fs::write(above.join(path), "secret").expect("writes");
    }
    let secret = above.join("secret");
    for (name, to) in [
        ("latest.tar.gz", Path::new("a.tar.gz")),
        ("out.tar.gz", Path::new("../../../../secret")),
        ("absolute.tar.gz", &secret),
        ("up", Path::new("../../../..")),
        ("loop.tar.gz", Path::new("loop.tar.gz")),
        ("dangling.tar.gz", Path::new("nothing")),
    ] {
        symlink(to, own.join(name)).expect("links");
    }
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let pipe = own.join("pipe.tar.gz");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0)
        .expect("makes a pipe");
}

/// Status and body of the answer to a target, which is sent byte for byte.
async fn ask(address: SocketAddr, target: &str) -> (u64, String) {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let request = format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sends");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("reads");
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").expect("has a head");
    let status = head.split(' ').nth(1).and_then(|text| text.parse().ok());
    (status.expect("has a status"), body.to_owned())
}

/// What ours has to answer where Go answers this.
fn wanted(target: &str, theirs: &Value) -> (&'static [u64], String) {
    let body = theirs["body"].as_str().unwrap_or_default();
    // Below a link that leads out is outside, even where it leads back in.
    if theirs["status"] == 200 && body == "artifact" && !target.contains("/up/") {
        return (&[200], body.to_owned());
    }
    match target {
        // What the readiness probe asks for, without the list.
        "/" => (&[200], String::new()),
        // A fragment is no part of what is asked for; Go takes it for a part of the name.
        "/gitrepository/ns/app/a.tar.gz#x" => (&[200], "artifact".to_owned()),
        _ => (&[400, 404], String::new()),
    }
}

#[tokio::test]
async fn no_path_leads_out_and_artifacts_are_found_however_they_are_written() {
    let above = tempfile::tempdir().expect("makes a folder");
    lay(above.path());
    let root = above.path().join("data");
    let server = Server::bind("127.0.0.1:0", root, ServerLimits::default()).await;
    let server = server.expect("binds");
    let address = server.address().expect("has an address");
    let stop = CancellationToken::new();
    tokio::spawn(server.run(stop.clone()));
    let mut asked = 0;
    for line in ANSWERS.lines() {
        let theirs: Value = serde_json::from_str(line).expect("is JSON");
        let target = theirs["target"].as_str().expect("is text");
        let (status, body) = ask(address, target).await;
        let (statuses, contents) = wanted(target, &theirs);
        assert!(statuses.contains(&status), "{target}: {status}");
        assert_eq!(body, contents, "{target}");
        asked += 1;
    }
    assert_eq!(asked, 123);
    // Go would wait for somebody who writes to it.
    let (status, _) = ask(address, "/gitrepository/ns/app/pipe.tar.gz").await;
    assert_eq!(status, 404);
    stop.cancel();
}
