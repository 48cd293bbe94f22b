//! What a program in a pod sees when it asks for something, and programs that answer.

use std::fmt;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::node::{self, Pod};

/// How long nothing may come before nobody answers. The first packet is sent again within.
const PATIENCE: Duration = Duration::from_millis(2500);
/// More of an answer is not read.
const MOST: u64 = 1 << 20;

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// An answer with this status.
    Status(u16),
    /// Nothing.
    Silence,
    /// Something else.
    Error(ErrorKind),
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => f.pad(&status.to_string()),
            Self::Silence => f.pad("-"),
            Self::Error(kind) => f.pad(&kind.to_string()),
        }
    }
}

/// Asks from within the pod, or from the node.
///
/// # Errors
/// If the pod cannot be entered.
pub(super) fn ask(from: Option<&Pod>, to: SocketAddr, path: &str) -> Result<Seen> {
    let answer = node::within(from, || Ok(get(to, path)))?;
    Ok(match answer {
        Ok(text) => status(&text).map_or(Seen::Error(ErrorKind::InvalidData), Seen::Status),
        Err(error) if silent(&error) => Seen::Silence,
        Err(error) => Seen::Error(error.kind()),
    })
}

/// The answer to a question of the node, head and body.
///
/// # Errors
/// If there is none.
pub(super) fn text(to: SocketAddr, path: &str) -> Result<String> {
    let answer = get(to, path).with_context(|| format!("GET http://{to}{path}"))?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Has a thread in the pod answer whoever comes, as long as this process lives.
///
/// # Errors
/// If the port is taken.
pub(super) fn stand_in(pod: &Pod, port: u16) -> Result<()> {
    let listener = node::within(Some(pod), || Ok(TcpListener::bind(("0.0.0.0", port))?))?;
    thread::spawn(move || {
        for stream in listener.incoming() {
            // Who breaks off gets no answer.
            let _ = stream.and_then(answer);
        }
    });
    Ok(())
}

fn get(to: SocketAddr, path: &str) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&to, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let head = format!("GET {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(MOST).read_to_end(&mut answer)?;
    Ok(answer)
}

fn answer(mut stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    // A head as ours fits in one packet.
    let _ = stream.read(&mut [0; 1024])?;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

fn status(answer: &[u8]) -> Option<u16> {
    let rest = answer.strip_prefix(b"HTTP/1.1 ")?;
    std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok()
}

fn silent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_by_its_first_line() {
        assert_eq!(status(b"HTTP/1.1 404 Not Found\r\n\r\n"), Some(404));
        assert_eq!(status(b"HTTP/1.1 4"), None);
        assert_eq!(status(b"SSH-2.0"), None);
    }
}
