//! The artifact server: plain HTTP, files only, bounded in connections and time.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::http::{Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use reqwest::Url;
use rustix::process::{Resource, getrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

mod body;
mod file;
mod idle;
mod plan;
mod slots;

use crate::key::{self, ArtifactKey};
use idle::Idle;
use slots::{Seat, Slot, Slots};

/// Connections at a time, where the process may open as many files as it likes.
const CONNECTIONS: usize = 4096;
/// Files that one connection may need: its socket, what it reads, and as much again for the rest of the process.
const FILES_PER_CONNECTION: u64 = 4;
/// Bytes of a request's line and headers.
const MAX_HEAD: usize = 16 * 1024;

/// Bounds on what clients can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerLimits {
    /// Connections at a time. One more closes the one that has been silent longest; where none is, the oldest
    /// download that has outlived `patience`, as soon as there is one.
    pub connections: usize,
    /// How long a download may take while others wait for its slot.
    pub patience: Duration,
    /// Time for a request's headers, also the longest pause between two requests of a connection.
    pub header: Duration,
    /// The longest time without progress in either direction.
    pub idle: Duration,
    /// How long running downloads may go on after the stop signal.
    pub grace: Duration,
}

impl Default for ServerLimits {
    /// No more connections than leave files to open for the rest of the process.
    fn default() -> Self {
        let files = getrlimit(Resource::Nofile).current;
        Self {
            connections: connections(files),
            patience: Duration::from_secs(30),
            header: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            grace: Duration::from_secs(5),
        }
    }
}

/// Connections that go with this many open files.
fn connections(files: Option<u64>) -> usize {
    let fit = files.map(|files| files / FILES_PER_CONNECTION);
    let fit = fit.and_then(|fit| usize::try_from(fit).ok());
    fit.unwrap_or(CONNECTIONS).clamp(1, CONNECTIONS)
}

/// Serves the files below a folder.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    site: Site,
    limits: ServerLimits,
}

/// What is served, and to whom.
#[derive(Debug)]
struct Site {
    root: PathBuf,
    /// The key that requests are signed with, and the server that artifact URLs name.
    key: Option<(ArtifactKey, String)>,
}

impl Server {
    /// Takes the address; `:9090` means every interface.
    ///
    /// # Errors
    /// If the address cannot be had.
    pub async fn bind(
        address: &str,
        root: impl Into<PathBuf>,
        limits: ServerLimits,
    ) -> io::Result<Self> {
        let listener = match address.strip_prefix(':') {
            // As Go: both families where the machine has both.
            Some(port) => match TcpListener::bind(format!("[::]:{port}")).await {
                Ok(listener) => listener,
                Err(_) => TcpListener::bind(format!("0.0.0.0:{port}")).await?,
            },
            None => TcpListener::bind(address).await?,
        };
        Ok(Self {
            listener,
            site: Site {
                root: root.into(),
                key: None,
            },
            limits,
        })
    }

    /// Serves files only to who signs with `key` for the server that `url` names, as artifact URLs do. `/` answers
    /// everybody.
    #[must_use]
    pub fn with_key(mut self, key: ArtifactKey, url: &str) -> Self {
        let authority = Url::parse(url).map_or_else(|_| String::new(), |url| key::authority(&url));
        self.site.key = Some((key, authority));
        self
    }

    /// The address it listens on.
    ///
    /// # Errors
    /// The system's.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`, then lets running downloads end within the grace period.
    pub async fn run(self, stop: CancellationToken) {
        let slots = Slots::new(self.limits.connections, self.limits.patience);
        let tracker = TaskTracker::new();
        let site = Arc::new(self.site);
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, for instance: somebody silent gives up theirs.
                    tracing::debug!(%error, "unable to accept a connection");
                    slots.close_one();
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                }
            };
            let slot = tokio::select! {
                () = stop.cancelled() => break,
                slot = slots.take() => slot,
            };
            let site = Arc::clone(&site);
            tracker.spawn(serve(stream, site, slot, self.limits, stop.clone()));
        }
        tracker.close();
        tokio::time::timeout(self.limits.grace, tracker.wait())
            .await
            .ok();
    }
}

impl Site {
    fn admits<B>(&self, request: &Request<B>, path: &str) -> bool {
        let Some((key, authority)) = &self.key else {
            return true;
        };
        let header = request.headers().get(header::AUTHORIZATION);
        let header = header.and_then(|header| header.to_str().ok());
        key.admits(header, authority, path, SystemTime::now())
    }
}

async fn serve(
    stream: TcpStream,
    site: Arc<Site>,
    slot: Slot,
    limits: ServerLimits,
    stop: CancellationToken,
) {
    let seat = slot.seat.clone();
    let heard = tokio::select! {
        heard = tokio::time::timeout(limits.header, stream.readable()) => heard.is_ok(),
        () = seat.closing() => false,
        () = stop.cancelled() => false,
    };
    if !heard {
        // Who says nothing has cost no buffer.
        return;
    }
    stream.set_nodelay(true).ok();
    let io = TokioIo::new(Idle::new(stream, limits.idle));
    let service = {
        let seat = seat.clone();
        service_fn(move |request| {
            let (site, seat) = (Arc::clone(&site), seat.clone());
            async move { Ok::<_, Infallible>(answer(&site, &seat, &request).await) }
        })
    };
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_headers(64)
        .max_buf_size(MAX_HEAD)
        .serve_connection(io, service);
    tokio::pin!(connection);
    let outcome = tokio::select! {
        outcome = &mut connection => outcome,
        () = seat.closing() => Ok(()),
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "connection ended early");
    }
}

/// The answer to a request, whatever its body: nobody reads that.
async fn answer<B>(site: &Site, seat: &Seat, request: &Request<B>) -> Response {
    let at_work = seat.at_work();
    let response = found(site, request).await;
    response.map(|body| at_work.with(body))
}

async fn found<B>(site: &Site, request: &Request<B>) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let allow = [(header::ALLOW, "GET, HEAD")];
        return (StatusCode::METHOD_NOT_ALLOWED, allow).into_response();
    }
    let path = request.uri().path();
    if path == "/" {
        // What the readiness probe of upstream's Deployment asks for. No listing.
        return StatusCode::OK.into_response();
    }
    if !site.admits(request, path) {
        let asks = [(header::WWW_AUTHENTICATE, key::SCHEME)];
        return (StatusCode::UNAUTHORIZED, asks).into_response();
    }
    match file::Requested::parse(path) {
        Some(requested) => {
            let head = *request.method() == Method::HEAD;
            file::answer(&site.root, requested, request.headers(), head).await
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests;
