//! A proxy over HTTP, HTTPS or SOCKS5 that asks who is there, leads names where the test wants, and remembers whom it
//! has let through.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::pki::Authority;
use crate::{background, http_server};

/// Most bytes before the end of a request's headers.
const HEAD: usize = 16 << 10;

/// What a proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyKind {
    /// HTTP.
    Http,
    /// HTTP over TLS, with a certificate of an authority of its own.
    Https,
    /// SOCKS5.
    Socks5,
}

/// What the proxy knows.
#[derive(Debug)]
struct Shared {
    login: Option<(String, String)>,
    routes: BTreeMap<String, SocketAddr>,
    log: Mutex<Vec<String>>,
}

/// The running proxy. Dropping it closes the port and every connection.
#[derive(Debug)]
pub struct ProxyServer {
    kind: ProxyKind,
    address: SocketAddr,
    authority: Option<String>,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl ProxyServer {
    /// Starts on a free port of 127.0.0.1. Who comes must have `login`, if there is one; a name of `routes` leads to
    /// its address, others to nowhere.
    ///
    /// # Errors
    /// If there is no free port, or no certificate can be made.
    pub fn start(
        kind: ProxyKind,
        login: Option<(&str, &str)>,
        routes: &[(&str, SocketAddr)],
    ) -> Result<Self> {
        let authority = match kind {
            ProxyKind::Https => Some(Authority::new("proxy")?),
            ProxyKind::Http | ProxyKind::Socks5 => None,
        };
        let identity = authority.as_ref().map(Authority::server).transpose()?;
        let acceptor = identity.as_ref().map(http_server::acceptor).transpose()?;
        let owned = |(name, address): &(&str, SocketAddr)| ((*name).to_owned(), *address);
        let shared = Arc::new(Shared {
            login: login.map(|(user, password)| (user.to_owned(), password.to_owned())),
            routes: routes.iter().map(owned).collect(),
            log: Mutex::default(),
        });
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).context("no free port")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let _runtime = background::runtime().enter();
        let listener = TcpListener::from_std(listener)?;
        let known = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (known, acceptor) = (Arc::clone(&known), acceptor.clone());
                connections.spawn(async move {
                    // A broken connection is its client's affair.
                    let passed = match (kind, acceptor) {
                        (ProxyKind::Socks5, _) => socks(stream, &known).await,
                        (_, None) => http(stream, &known).await,
                        (_, Some(acceptor)) => match acceptor.accept(stream).await {
                            Ok(stream) => http(stream, &known).await,
                            Err(error) => Err(error),
                        },
                    };
                    drop(passed);
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self {
            kind,
            address,
            authority: authority.map(|authority| authority.pem().to_owned()),
            shared,
            accepting,
        })
    }

    /// `http://127.0.0.1:PORT`, or with `https` or `socks5`.
    pub fn url(&self) -> String {
        let scheme = match self.kind {
            ProxyKind::Http => "http",
            ProxyKind::Https => "https",
            ProxyKind::Socks5 => "socks5",
        };
        format!("{scheme}://{}", self.address)
    }

    /// The authority of its certificate, PEM, if it has one.
    pub fn ca(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// Who was asked for so far, `HOST:PORT`, with `refused ` before it where the login was missing or wrong.
    pub fn log(&self) -> Vec<String> {
        let log = self.shared.log.lock();
        log.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for ProxyServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn note(&self, line: String) {
        let log = self.log.lock();
        log.unwrap_or_else(PoisonError::into_inner).push(line);
    }

    async fn connect(&self, target: &str) -> io::Result<TcpStream> {
        self.note(target.to_owned());
        let host = target.rsplit_once(':').map_or(target, |(host, _)| host);
        let address = self.routes.get(host).copied();
        TcpStream::connect(address.ok_or(io::ErrorKind::NotFound)?).await
    }
}

async fn http<S: AsyncRead + AsyncWrite + Unpin>(mut client: S, shared: &Shared) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut words = head.split(' ');
    let (method, target) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let rest = target.strip_prefix("http://").unwrap_or(target);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if !is_admitted(&head, shared) {
        shared.note(format!("refused {host}"));
        let answer = "HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm=\"proxy\"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        return client.write_all(answer.as_bytes()).await;
    }
    let Ok(mut server) = shared.connect(host).await else {
        let answer = "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        return client.write_all(answer.as_bytes()).await;
    };
    if method == "CONNECT" {
        let answer = "HTTP/1.1 200 Connection established\r\n\r\n";
        client.write_all(answer.as_bytes()).await?;
    } else {
        let is_kept = |line: &&str| {
            let name = line.to_ascii_lowercase();
            !name.starts_with("proxy-") && !name.starts_with("connection:")
        };
        let lines: Vec<&str> = head.trim_end().lines().skip(1).filter(is_kept).collect();
        let head = format!(
            "{method} /{path} HTTP/1.1\r\n{}\r\nconnection: close\r\n\r\n",
            lines.join("\r\n")
        );
        server.write_all(head.as_bytes()).await?;
    }
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

fn is_admitted(head: &str, shared: &Shared) -> bool {
    let Some((user, password)) = &shared.login else {
        return true;
    };
    let wanted = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    head.lines().any(|line| {
        let (name, value) = line.split_once(':').unwrap_or_default();
        name.eq_ignore_ascii_case("proxy-authorization") && value.trim() == wanted
    })
}

async fn socks(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    let [_, count] = take(&mut client).await?;
    let mut methods = vec![0; usize::from(count)];
    client.read_exact(&mut methods).await?;
    let wanted = if shared.login.is_some() { 2 } else { 0 };
    if !methods.contains(&wanted) {
        shared.note("refused".to_owned());
        return client.write_all(&[5, 0xff]).await;
    }
    client.write_all(&[5, wanted]).await?;
    if let Some((user, password)) = &shared.login {
        let [_] = take(&mut client).await?;
        let given = (text(&mut client).await?, text(&mut client).await?);
        if given != (user.clone(), password.clone()) {
            shared.note("refused".to_owned());
            return client.write_all(&[1, 1]).await;
        }
        client.write_all(&[1, 0]).await?;
    }
    let [_, _, _, kind] = take(&mut client).await?;
    let host = match kind {
        1 => std::net::Ipv4Addr::from(take::<4>(&mut client).await?).to_string(),
        4 => std::net::Ipv6Addr::from(take::<16>(&mut client).await?).to_string(),
        _ => text(&mut client).await?,
    };
    let port = u16::from_be_bytes(take(&mut client).await?);
    let Ok(mut server) = shared.connect(&format!("{host}:{port}")).await else {
        return client.write_all(&[5, 4, 0, 1, 0, 0, 0, 0, 0, 0]).await;
    };
    client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

async fn take<const N: usize>(client: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}

async fn text(client: &mut TcpStream) -> io::Result<String> {
    let [length] = take(client).await?;
    let mut bytes = vec![0; usize::from(length)];
    client.read_exact(&mut bytes).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
