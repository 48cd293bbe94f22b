//! One request and its answer as the readers and writers that gix's transport wants.

use std::io::{self, BufRead, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, Bytes};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, Response, Url};

use crate::error::RemoteError;

use super::{Shared, parse, refused};

/// A request that is sent when its answer is first asked for.
#[derive(Debug, Clone)]
pub(super) struct Exchange(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    state: State,
}

#[derive(Debug)]
enum State {
    Writing {
        url: String,
        headers: HeaderMap,
        body: Vec<u8>,
    },
    Reading(Box<Response>),
    Over,
}

impl Exchange {
    /// One whose body is still to be written.
    pub(super) fn post(shared: &Arc<Shared>, url: &str, headers: HeaderMap) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            shared: Arc::clone(shared),
            state: State::Writing {
                url: url.to_owned(),
                headers,
                body: Vec::new(),
            },
        })))
    }

    /// One that has its answer already.
    pub(super) fn open(shared: &Arc<Shared>, response: Response) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            shared: Arc::clone(shared),
            state: State::Reading(Box::new(response)),
        })))
    }

    /// Runs `read` on the answer, sending the request before if it is still to be sent.
    fn read<T>(
        &self,
        read: impl FnOnce(&Shared, &mut Response) -> Result<T, RemoteError>,
    ) -> io::Result<Option<T>> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = Arc::clone(&inner.shared);
        let outcome = match std::mem::replace(&mut inner.state, State::Over) {
            State::Over => return Ok(None),
            State::Reading(response) => Ok(response),
            State::Writing { url, headers, body } => parse(&url).and_then(|url| {
                let response = shared.send(Method::POST, &url, headers, Some(body))?;
                let location = response.headers().get(LOCATION);
                if let (true, Some(to)) = (response.status().is_redirection(), location) {
                    return Err(posted_elsewhere(&url, to));
                }
                Ok(Box::new(shared.checked(&url, response)?))
            }),
        };
        let outcome = outcome.and_then(|mut response| {
            let value = read(&shared, &mut response)?;
            Ok((response, value))
        });
        match outcome {
            Ok((response, value)) => {
                inner.state = State::Reading(response);
                Ok(Some(value))
            }
            Err(error) => Err(shared.budget.failure.put(error)),
        }
    }
}

/// Only the first request of a conversation may be sent elsewhere.
fn posted_elsewhere(from: &Url, to: &HeaderValue) -> RemoteError {
    let to = String::from_utf8_lossy(to.as_bytes());
    let to = from
        .join(&to)
        .map_or_else(|_| to.to_string(), |to| to.to_string());
    refused(format!(
        "unexpected client error: Post \"{to}\": http redirect: redirect on non-initial request to {to}"
    ))
}

/// Takes in what is to be posted.
#[derive(Debug)]
pub(crate) struct PostBody(Exchange);

impl PostBody {
    pub(super) fn new(exchange: &Exchange) -> Self {
        Self(exchange.clone())
    }
}

impl Write for PostBody {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut inner = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut inner.state {
            State::Writing { body, .. } => body.extend_from_slice(bytes),
            _ => return Err(io::ErrorKind::BrokenPipe.into()),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The answer's headers, a line each.
#[derive(Debug)]
pub(crate) struct HeaderLines {
    exchange: Option<Exchange>,
    lines: Bytes,
}

impl HeaderLines {
    pub(super) fn new(exchange: &Exchange) -> Self {
        Self {
            exchange: Some(exchange.clone()),
            lines: Bytes::new(),
        }
    }
}

impl BufRead for HeaderLines {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if let Some(exchange) = self.exchange.take() {
            let lines = exchange.read(|_, response| {
                let line = |(name, value): (&HeaderName, &HeaderValue)| {
                    [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"].concat()
                };
                Ok(response
                    .headers()
                    .iter()
                    .flat_map(line)
                    .collect::<Vec<u8>>())
            })?;
            self.lines = lines.unwrap_or_default().into();
        }
        Ok(&self.lines)
    }

    fn consume(&mut self, amount: usize) {
        self.lines.advance(amount);
    }
}

impl Read for HeaderLines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        copy_from(self, buffer)
    }
}

/// The answer's body as it arrives.
#[derive(Debug)]
pub(crate) struct Body {
    exchange: Exchange,
    chunk: Bytes,
}

impl Body {
    pub(super) fn new(exchange: Exchange) -> Self {
        Self {
            exchange,
            chunk: Bytes::new(),
        }
    }
}

impl BufRead for Body {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.chunk.is_empty() {
            match self.exchange.read(Shared::chunk)?.flatten() {
                Some(chunk) => self.chunk = chunk,
                None => break,
            }
        }
        Ok(&self.chunk)
    }

    fn consume(&mut self, amount: usize) {
        self.chunk.advance(amount);
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        copy_from(self, buffer)
    }
}

fn copy_from(reader: &mut impl BufRead, buffer: &mut [u8]) -> io::Result<usize> {
    let available = reader.fill_buf()?;
    let length = available.len().min(buffer.len());
    buffer[..length].copy_from_slice(&available[..length]);
    reader.consume(length);
    Ok(length)
}
