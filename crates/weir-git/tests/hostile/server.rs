//! A server that speaks Git's protocol 2 over HTTP as far as it likes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// What is sent as a body.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// These bytes.
    Bytes(Vec<u8>),
    /// These bytes, and then the connection is reset in the middle of the announced body.
    Reset(Vec<u8>),
    /// These bytes, and then nothing.
    Hang(Vec<u8>),
    /// These bytes again and again.
    Endless(Vec<u8>),
    /// These bytes, a thousand a second.
    Trickle(Vec<u8>),
}

/// What is answered to the three questions of a fetch.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) hello: Reply,
    pub(crate) refs: Reply,
    pub(crate) pack: Reply,
}

/// A running server; its threads end with the process.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
}

impl Server {
    pub(crate) fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let address = listener.local_addr().expect("is bound");
        let script = Arc::new(script);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let script = Arc::clone(&script);
                std::thread::spawn(move || {
                    // A client that goes away in the middle is what the tests are about.
                    answer(stream, &script).ok();
                });
            }
        });
        Self { address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/app.git", self.address)
    }
}

fn answer(stream: TcpStream, script: &Script) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        let line = line.to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body);
    let (kind, reply) = if first.starts_with("GET") {
        ("advertisement", &script.hello)
    } else if body.contains("command=ls-refs") {
        ("result", &script.refs)
    } else {
        ("result", &script.pack)
    };
    send(stream, kind, reply)
}

fn send(mut stream: TcpStream, kind: &str, reply: &Reply) -> std::io::Result<()> {
    let head = |length: Option<usize>| {
        let length = length.map_or_else(String::new, |length| {
            format!("content-length: {length}\r\n")
        });
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-git-upload-pack-{kind}\r\n{length}connection: close\r\n\r\n"
        )
    };
    match reply {
        Reply::Bytes(bytes) => {
            stream.write_all(head(Some(bytes.len())).as_bytes())?;
            stream.write_all(bytes)
        }
        Reply::Reset(bytes) => {
            stream.write_all(head(Some(bytes.len() + 1000)).as_bytes())?;
            stream.write_all(bytes)
        }
        Reply::Hang(bytes) => {
            stream.write_all(head(None).as_bytes())?;
            stream.write_all(bytes)?;
            // Until the client goes away.
            stream.read(&mut [0; 1]).map(drop)
        }
        Reply::Endless(bytes) => {
            stream.write_all(head(None).as_bytes())?;
            loop {
                stream.write_all(bytes)?;
            }
        }
        Reply::Trickle(bytes) => {
            stream.write_all(head(Some(bytes.len())).as_bytes())?;
            for chunk in bytes.chunks(100) {
                stream.write_all(chunk)?;
                std::thread::sleep(Duration::from_millis(100));
            }
            Ok(())
        }
    }
}

/// One line of the protocol.
pub(crate) fn line(contents: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{:04x}", contents.len() + 4).into_bytes();
    bytes.extend_from_slice(contents);
    bytes
}

/// What a server of protocol 2 says first.
pub(crate) fn hello() -> Vec<u8> {
    let mut bytes = line(b"# service=git-upload-pack\n");
    bytes.extend_from_slice(b"0000");
    for capability in [
        "version 2",
        "ls-refs=unborn",
        "fetch=shallow",
        "object-format=sha1",
    ] {
        bytes.extend(line(format!("{capability}\n").as_bytes()));
    }
    bytes.extend_from_slice(b"0000");
    bytes
}

/// The branch `main` at a commit.
pub(crate) fn refs(commit: &str) -> Vec<u8> {
    let mut bytes = line(format!("{commit} refs/heads/main\n").as_bytes());
    bytes.extend_from_slice(b"0000");
    bytes
}

/// The beginning of an answer with a pack, and the pack in packets, without an end.
pub(crate) fn packets(commit: &str, pack: &[u8]) -> Vec<u8> {
    let mut bytes = line(b"shallow-info\n");
    bytes.extend(line(format!("shallow {commit}\n").as_bytes()));
    bytes.extend_from_slice(b"0001");
    bytes.extend(line(b"packfile\n"));
    for chunk in pack.chunks(60_000) {
        let packet = [&[1], chunk].concat();
        bytes.extend(line(&packet));
    }
    bytes
}
