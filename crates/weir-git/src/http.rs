//! HTTP for gix's transport, on the process's async client: bounded, cancellable, and with our own rules on
//! redirects and credentials.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use gix::protocol::transport::client::blocking_io::http::{
    GetResponse, Http as Backend, PostBodyDataKind, PostResponse,
};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, Response, Url};

use crate::clients::Clients;
use crate::error::RemoteError;
use crate::remote::Web;
use crate::session::Session;

use exchange::Exchange;

mod exchange;
mod failure;

pub(crate) use exchange::{Body, HeaderLines, PostBody};
pub use failure::Failure;

/// Redirects that one request may take.
const MAX_REDIRECTS: usize = 9;
/// Bytes of an error page that get into a message.
const MAX_REASON: usize = 1024;
/// What a repository's own paths hang on.
const ADVERTISEMENT: &str = "/info/refs";

/// How many bytes may still be received, and why the last request failed. Shared with the transport.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    left: Arc<AtomicU64>,
    failure: Slot,
}

impl Budget {
    pub(crate) fn new(bytes: u64) -> Self {
        Self {
            left: Arc::new(AtomicU64::new(bytes)),
            failure: Slot::default(),
        }
    }

    pub(crate) fn refill(&self, bytes: u64) {
        self.left.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn failure(&self) -> &Slot {
        &self.failure
    }

    pub(crate) fn take(&self, bytes: u64) -> Result<(), RemoteError> {
        let left = self.left.load(Ordering::Relaxed);
        let rest = left
            .checked_sub(bytes)
            .ok_or(RemoteError::Http(Failure::TooLarge))?;
        self.left.store(rest, Ordering::Relaxed);
        Ok(())
    }
}

/// Where a failure waits, as gix would turn it into text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slot(Arc<Mutex<Option<RemoteError>>>);

impl Slot {
    pub(crate) fn take(&self) -> Option<RemoteError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn put(&self, error: RemoteError) -> io::Error {
        let text = error.to_string();
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(error);
        io::Error::other(text)
    }
}

/// The backend of one conversation.
#[derive(Debug)]
pub(crate) struct Http {
    shared: Arc<Shared>,
    base: Option<String>,
}

#[derive(Debug)]
struct Shared {
    clients: Clients,
    session: Session,
    origin: Url,
    authorization: Option<HeaderValue>,
    budget: Budget,
}

impl Http {
    pub(crate) fn new(web: &Web, session: Session, budget: Budget) -> Self {
        let shared = Shared {
            clients: web.clients.clone(),
            session,
            origin: web.url.clone(),
            authorization: web.authorization.clone(),
            budget,
        };
        Self {
            shared: Arc::new(shared),
            base: None,
        }
    }
}

impl Shared {
    /// GET with redirects; also returns where it ended.
    fn get(&self, url: &str, headers: &HeaderMap) -> Result<(Url, Response), RemoteError> {
        let mut url = parse(url)?;
        let origin = url.clone();
        for sent in 1.. {
            let response = self.send(Method::GET, &url, headers.clone(), None)?;
            let location = match response.headers().get(LOCATION) {
                Some(location) if response.status().is_redirection() => location,
                _ => {
                    arrived(&origin, &url)?;
                    return Ok((url.clone(), self.checked(&url, response)?));
                }
            };
            let to = redirect(&url, &String::from_utf8_lossy(location.as_bytes()))?;
            if sent > MAX_REDIRECTS {
                let why = format!("Get \"{to}\": http redirect: too many redirects");
                return Err(refused(why));
            }
            url = to;
        }
        Err(refused("http redirect: too many redirects".to_owned()))
    }

    fn send(
        &self,
        method: Method,
        url: &Url,
        mut headers: HeaderMap,
        body: Option<Vec<u8>>,
    ) -> Result<Response, RemoteError> {
        self.admit(&method, url)?;
        let home = self.is_home(url);
        if let (true, Some(value)) = (home, &self.authorization) {
            headers.insert(AUTHORIZATION, value.clone());
        }
        let client = if home {
            &self.clients.own
        } else {
            &self.clients.foreign
        };
        let mut request = client.request(method.clone(), url.clone()).headers(headers);
        if let Some(body) = body {
            request = request.body(body);
        }
        let sent = self.session.wait(request.send());
        sent.map_err(RemoteError::Stopped)?.map_err(|error| {
            RemoteError::Http(Failure::request(
                &method,
                url,
                self.clients.proxy.as_ref(),
                error,
            ))
        })
    }

    /// A client resolves names and judges what it finds; an address in the URL is judged here.
    fn admit(&self, method: &Method, url: &Url) -> Result<(), RemoteError> {
        let host = url.host_str().unwrap_or_default();
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
        let Ok(address) = literal else {
            return Ok(());
        };
        let admitted = self.session.network().admit(address);
        admitted.map_err(|error| RemoteError::Http(Failure::denied(method, url, &error)))
    }

    /// Whether `url` is on the repository's own host, where credentials may go: the same scheme, host and
    /// port, or the step from http to https on the default ports.
    fn is_home(&self, url: &Url) -> bool {
        let home = &self.origin;
        let upgrade = (home.scheme(), url.scheme()) == ("http", "https")
            && home.port().is_none()
            && url.port().is_none();
        let same = home.scheme() == url.scheme()
            && home.port_or_known_default() == url.port_or_known_default();
        home.host_str() == url.host_str() && (same || upgrade)
    }

    /// Turns an error status into a failure that quotes the beginning of the page.
    fn checked(&self, url: &Url, mut response: Response) -> Result<Response, RemoteError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let mut page = Vec::new();
        while page.len() < MAX_REASON
            && let Ok(Ok(Some(chunk))) = self.session.wait(response.chunk())
        {
            page.extend_from_slice(&chunk);
        }
        page.truncate(MAX_REASON);
        let reason = String::from_utf8_lossy(&page).into_owned();
        Err(RemoteError::Http(Failure::Status {
            code: status.as_u16(),
            url: url.to_string(),
            reason: self.without_secret(reason),
        }))
    }

    /// A server may send back what it was sent: that must not get into a status.
    fn without_secret(&self, text: String) -> String {
        let value = self
            .authorization
            .as_ref()
            .and_then(|value| value.to_str().ok());
        let Some((_, secret)) = value.and_then(|value| value.split_once(' ')) else {
            return text;
        };
        text.replace(secret, "*****")
    }

    fn chunk(&self, response: &mut Response) -> Result<Option<Bytes>, RemoteError> {
        let received = self.session.wait(response.chunk());
        let chunk = received
            .map_err(RemoteError::Stopped)?
            .map_err(|error| RemoteError::Http(Failure::body(error)))?;
        if let Some(chunk) = &chunk {
            self.budget.take(chunk.len() as u64)?;
        }
        Ok(chunk)
    }
}

impl Backend for Http {
    type Headers = HeaderLines;
    type ResponseBody = Body;
    type PostBody = PostBody;

    fn get(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::Result<GetResponse<HeaderLines, Body>> {
        let got = self.shared.get(url, &header_map(headers));
        let (end, response) =
            got.map_err(|error| gix::Error::from_error(self.shared.budget.failure.put(error)))?;
        if end.as_str() != url
            && let Some(repository) = end.path().strip_suffix(ADVERTISEMENT)
        {
            let mut base = end.clone();
            base.set_path(repository);
            base.set_query(None);
            base.set_fragment(None);
            self.base = Some(base.to_string());
        }
        let exchange = Exchange::open(&self.shared, response);
        Ok(GetResponse {
            headers: HeaderLines::new(&exchange),
            body: Body::new(exchange),
        })
    }

    fn post(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _body: PostBodyDataKind,
    ) -> gix::Result<PostResponse<HeaderLines, Body, PostBody>> {
        let exchange = Exchange::post(&self.shared, url, header_map(headers));
        Ok(PostResponse {
            post_body: PostBody::new(&exchange),
            headers: HeaderLines::new(&exchange),
            body: Body::new(exchange),
        })
    }

    fn configure(&mut self, _config: &dyn std::any::Any) -> gix::Result<()> {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.base.clone()
    }
}

fn refused(why: String) -> RemoteError {
    RemoteError::Http(Failure::Redirect(why))
}

/// The next stop, never from https to http.
///
/// Source: go-git v5.19 `plumbing/transport/http/common.go` `checkRedirect`.
fn redirect(from: &Url, location: &str) -> Result<Url, RemoteError> {
    let odd = |why: String| {
        refused(format!(
            "Get \"{from}\": failed to parse Location header {location:?}: {why}"
        ))
    };
    go_url::Url::parse(location.as_bytes()).map_err(odd)?;
    let mut to = from
        .join(location)
        .map_err(|error| odd(error.to_string()))?;
    // Credentials in a Location are the server's, not ours to use.
    to.set_username("").ok();
    to.set_password(None).ok();
    if !matches!(to.scheme(), "http" | "https") {
        return Err(refused(format!(
            "Get \"{to}\": http redirect: unsupported scheme {:?}",
            to.scheme()
        )));
    }
    unchanged_or_safer(from, &to)?;
    Ok(to)
}

/// Whether the end of a chain of redirects may be a repository.
fn arrived(origin: &Url, end: &Url) -> Result<(), RemoteError> {
    if end != origin && !end.path().ends_with(ADVERTISEMENT) {
        let path = end.path();
        return Err(refused(format!(
            "http redirect: target {path:?} does not end with {ADVERTISEMENT}"
        )));
    }
    unchanged_or_safer(origin, end)
}

fn unchanged_or_safer(from: &Url, to: &Url) -> Result<(), RemoteError> {
    if from.scheme() == "https" && to.scheme() != "https" {
        let (from, to) = (from.scheme(), to.scheme());
        return Err(refused(format!(
            "http redirect: changes scheme from {from:?} to {to:?}"
        )));
    }
    Ok(())
}

fn parse(url: &str) -> Result<Url, RemoteError> {
    Url::parse(url).map_err(|error| RemoteError::Protocol(error.to_string()))
}

fn header_map(lines: impl IntoIterator<Item = impl AsRef<str>>) -> HeaderMap {
    lines
        .into_iter()
        .filter_map(|line| {
            let (name, value) = line.as_ref().split_once(':')?;
            let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
            Some((name, HeaderValue::from_str(value.trim()).ok()?))
        })
        .collect()
}
