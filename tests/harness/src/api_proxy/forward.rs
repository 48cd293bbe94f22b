//! Takes a request to the server and its answer back, or whatever its fate is.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, TryStreamExt as _};
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use kube::config::Cluster;
use serde_json::json;

use super::{ApiRequest, Fate, Shared, lock};
use crate::http_server::{Answer, Body, whole};

/// Largest request that is read.
const REQUEST_BYTES: usize = 16 << 20;
/// Longer than anybody waits.
const FOR_EVER: Duration = Duration::from_secs(24 * 3600);

/// A client that trusts the cluster's authority.
pub(super) fn client(cluster: &Cluster) -> Result<reqwest::Client> {
    let data = cluster.certificate_authority_data.as_ref();
    let authority = STANDARD.decode(data.context("the cluster has an authority")?)?;
    let client = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&authority)?])
        .no_gzip()
        .no_proxy()
        .http1_only()
        .build()?;
    Ok(client)
}

/// What the client gets. An error closes its connection without an answer.
pub(super) async fn answer(shared: &Arc<Shared>, request: Request<Incoming>) -> Answer {
    let asked = ApiRequest::of(request.method(), request.uri());
    let (number, fate) = shared.judge(&asked);
    let mut path = request
        .uri()
        .path_and_query()
        .map(ToString::to_string)
        .unwrap_or_default();
    match &fate {
        Fate::Drop => return Err(closed()),
        Fate::Refuse(status, after) => {
            shared.answered(number, *status);
            return Ok(refusal(*status, *after));
        }
        Fate::Hang => {
            tokio::time::sleep(FOR_EVER).await;
            return Err(closed());
        }
        Fate::Expire if asked.is_watch() => return Ok(expired()),
        Fate::AsOf(_) if asked.is_watch() && asked.query.contains("sendInitialEvents=true") => {
            return Ok(refusal(400, None));
        }
        // The pages that follow know the version themselves.
        Fate::AsOf(version) if asked.is_list() && !asked.query.contains("continue=") => {
            let mark = if path.contains('?') { '&' } else { '?' };
            path = format!("{path}{mark}resourceVersion={version}&resourceVersionMatch=Exact");
        }
        Fate::Delay(pause) => tokio::time::sleep(*pause).await,
        _ => {}
    }
    let answer = pass(shared, request, &path).await?;
    shared.answered(number, answer.status().as_u16());
    let (parts, body) = answer.into_parts();
    let body = match fate {
        Fate::LoseAnswer(hook) => {
            // The server has done it when its answer is complete.
            let _ = body.collect().await;
            hook();
            return Err(closed());
        }
        Fate::CutAfter(limit) if asked.is_watch() => cut(body, limit),
        Fate::Silence | Fate::AsOf(_) if asked.is_watch() => silent(),
        _ if asked.is_watch() => heard(Arc::clone(shared), asked, body),
        _ => body,
    };
    Ok(Response::from_parts(parts, body))
}

async fn pass(shared: &Arc<Shared>, request: Request<Incoming>, path: &str) -> Answer {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, REQUEST_BYTES).collect().await;
    let body = body.map_err(io::Error::other)?.to_bytes();
    let url = format!("{}{path}", lock(&shared.upstream));
    let mut headers = parts.headers;
    for name in [header::HOST, header::CONNECTION, header::CONTENT_LENGTH] {
        headers.remove(name);
    }
    let sent = shared.client.request(parts.method, url).headers(headers);
    let answer = sent.body(body).send().await.map_err(io::Error::other)?;
    let mut response = Response::new(());
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    response.headers_mut().remove(header::TRANSFER_ENCODING);
    let bytes = answer.bytes_stream().map_ok(Frame::data);
    let body = StreamBody::new(bytes.map_err(io::Error::other));
    Ok(response.map(|()| body.boxed_unsync()))
}

fn closed() -> io::Error {
    io::Error::from(io::ErrorKind::ConnectionAborted)
}

/// The API server's way to refuse.
fn refusal(status: u16, after: Option<u64>) -> Response<Body> {
    let reason = match status {
        409 => "Conflict",
        429 => "TooManyRequests",
        500 => "InternalError",
        503 => "ServiceUnavailable",
        _ => "BadRequest",
    };
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": format!("refused by the test: {reason}"), "reason": reason, "code": status,
    });
    let mut response = Response::new(whole(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json"),
    );
    if let Some(after) = after {
        headers.insert(header::RETRY_AFTER, after.into());
    }
    response
}

/// A watch whose version is too old.
fn expired() -> Response<Body> {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "too old resource version", "reason": "Expired", "code": 410,
    });
    let event = json!({"type": "ERROR", "object": status});
    let mut response = Response::new(whole(format!("{event}\n")));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json"),
    );
    response
}

/// A watch of which lines may be lost, and which may fall silent.
fn heard(shared: Arc<Shared>, asked: ApiRequest, body: Body) -> Body {
    let born = shared.silences.load(Ordering::SeqCst);
    let mut rest = BytesMut::new();
    let silencer = Arc::clone(&shared);
    let lines = body.into_data_stream().map_ok(move |bytes| {
        rest.extend_from_slice(&bytes);
        let end = rest.iter().rposition(|byte| *byte == b'\n');
        let whole = rest.split_to(end.map_or(0, |end| end + 1));
        let mut kept = BytesMut::new();
        for line in whole.split_inclusive(|byte| *byte == b'\n') {
            if !shared.loses(&asked, &String::from_utf8_lossy(line)) {
                kept.extend_from_slice(line);
            }
        }
        kept.freeze()
    });
    let spoken = lines.try_filter(|kept| std::future::ready(!kept.is_empty()));
    let spoken = spoken.then(move |line| {
        let silent = silencer.silences.load(Ordering::SeqCst) > born;
        async move {
            if silent {
                std::future::pending::<()>().await;
            }
            line.map(Frame::data)
        }
    });
    StreamBody::new(spoken).boxed_unsync()
}

fn cut(body: Body, limit: Duration) -> Body {
    let until = tokio::time::sleep(limit);
    let data = body.into_data_stream().map_ok(Frame::data);
    let end = futures::stream::once(async { Err(closed()) });
    StreamBody::new(data.take_until(until).chain(end)).boxed_unsync()
}

fn silent() -> Body {
    let nothing = futures::stream::pending::<Result<Frame<Bytes>, io::Error>>();
    StreamBody::new(nothing).boxed_unsync()
}
