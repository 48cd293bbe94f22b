//! The bridge between HTTP and `git http-backend`, a CGI program.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdout, Command};
use tokio_util::io::ReaderStream;

use super::repository::Shared;
use super::{Authentication, Fault, lock};
use crate::http_server::{Answer, Body, text};
use crate::key_server;

/// Largest request body: a push of a test repository.
const REQUEST_BYTES: usize = 64 << 20;
/// Largest head of an answer of the CGI program.
const HEAD_LINES: usize = 64;

/// The first segment of the path, such as `app.git`.
pub(super) fn repository_name(path: &str) -> String {
    path.trim_start_matches('/')
        .split('/')
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// Answers one request to a repository below `root`, `None` being one that does not exist.
pub(super) async fn answer(
    root: &Path,
    repository: Option<Arc<Shared>>,
    request: Request<Incoming>,
) -> Answer {
    let Some(repository) = repository else {
        return Ok(text(StatusCode::NOT_FOUND, "no such repository"));
    };
    let (head, body) = request.into_parts();
    lock(&repository.requests).push(format!("{} {}", head.method, head.uri));
    let shown = format!("{} {} {:?}", head.method, head.uri, head.headers);
    lock(&repository.heads).push(shown);
    let fault = lock(&repository.fault).clone();
    match &fault {
        Some(Fault::Status(code)) => {
            let status = StatusCode::from_u16(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return Ok(text(status, "broken by the test"));
        }
        Some(Fault::Drop) => return Err(io::ErrorKind::ConnectionAborted.into()),
        Some(Fault::Delay(time)) => tokio::time::sleep(*time).await,
        Some(Fault::Redirect(to)) if head.method == http::Method::GET => {
            return redirect(to, &head);
        }
        Some(Fault::RedirectPosts(to)) if head.method == http::Method::POST => {
            return redirect(to, &head);
        }
        Some(Fault::Cut(_) | Fault::Redirect(_) | Fault::RedirectPosts(_)) | None => {}
    }
    if !admitted(lock(&repository.authentication).as_ref(), &head) {
        return Ok(challenge());
    }
    let body = Limited::new(body, REQUEST_BYTES)
        .collect()
        .await
        .map_err(io::Error::other)?;
    let response = run_backend(root, &head, body.to_bytes()).await?;
    Ok(match fault {
        Some(Fault::Cut(after)) => response.map(|body| cut(body, after)),
        _ => response,
    })
}

fn redirect(to: &str, head: &Parts) -> Answer {
    let mut response = text(StatusCode::TEMPORARY_REDIRECT, "elsewhere");
    let to = HeaderValue::try_from(format!("{to}{}", head.uri)).map_err(io::Error::other)?;
    response.headers_mut().insert(LOCATION, to);
    Ok(response)
}

fn admitted(wanted: Option<&Authentication>, head: &Parts) -> bool {
    let expected = match wanted {
        None => return true,
        Some(Authentication::Basic { user, password }) => {
            format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
        }
        Some(Authentication::Bearer(token)) => format!("Bearer {token}"),
        Some(Authentication::CodeCommit) => return signed(head).is_some(),
    };
    head.headers
        .get(AUTHORIZATION)
        .is_some_and(|given| given.as_bytes() == expected.as_bytes())
}

/// Whether the password is a signature over the repository's URL.
fn signed(head: &Parts) -> Option<()> {
    let text = |name: HeaderName| head.headers.get(name)?.to_str().ok();
    let basic = text(AUTHORIZATION)?.strip_prefix("Basic ")?;
    let login = String::from_utf8(STANDARD.decode(basic).ok()?).ok()?;
    let (user, password) = login.split_once(':')?;
    let path = head.uri.path();
    let path = path
        .strip_suffix("/info/refs")
        .or_else(|| path.strip_suffix("/git-upload-pack"))?;
    let host = text(http::header::HOST)?;
    key_server::signed_for_codecommit((user, password), host, path).then_some(())
}

fn challenge() -> Response<Body> {
    let mut response = text(StatusCode::UNAUTHORIZED, "Unauthorized");
    let basic = HeaderValue::from_static("Basic realm=\"git\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, basic);
    response
}

async fn run_backend(root: &Path, head: &Parts, body: Bytes) -> Answer {
    let mut child = backend_command(root, head, body.len())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::Error::other("git http-backend has no pipes"));
    };
    // The program may answer before it has read everything.
    tokio::spawn(async move { input.write_all(&body).await });
    let mut output = BufReader::new(output);
    let mut response = Response::builder();
    for _ in 0..HEAD_LINES {
        let mut line = String::new();
        output.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        response = if name.eq_ignore_ascii_case("status") {
            response.status(value.split(' ').next().unwrap_or_default())
        } else {
            response.header(
                HeaderName::try_from(name).map_err(io::Error::other)?,
                HeaderValue::try_from(value).map_err(io::Error::other)?,
            )
        };
    }
    response
        .body(streamed(output, child))
        .map_err(io::Error::other)
}

fn backend_command(root: &Path, head: &Parts, length: usize) -> Command {
    let header = |name: HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
    let mut command = Command::new("git");
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("REQUEST_METHOD", head.method.as_str())
        .env("PATH_INFO", head.uri.path())
        .env("QUERY_STRING", head.uri.query().unwrap_or_default())
        .env("CONTENT_LENGTH", length.to_string())
        .env("REMOTE_ADDR", "127.0.0.1");
    let pairs = [
        ("CONTENT_TYPE", header(CONTENT_TYPE)),
        ("HTTP_CONTENT_ENCODING", header(CONTENT_ENCODING)),
        (
            "GIT_PROTOCOL",
            header(HeaderName::from_static("git-protocol")),
        ),
    ];
    for (name, value) in pairs {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command
}

/// The rest of the program's output; the program is kept until it is sent.
fn streamed(output: BufReader<ChildStdout>, child: tokio::process::Child) -> Body {
    let frames = ReaderStream::new(output)
        .map_ok(Frame::data)
        .map(move |frame| {
            let _running = &child;
            frame
        });
    StreamBody::new(frames).boxed_unsync()
}

fn cut(body: Body, after: usize) -> Body {
    let mut left = after;
    let frames = body.into_data_stream().map(move |chunk| {
        let chunk = chunk?;
        let taken = chunk.slice(..left.min(chunk.len()));
        left -= taken.len();
        if taken.is_empty() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(Frame::data(taken))
    });
    let end = stream::once(async { Err(io::ErrorKind::ConnectionAborted.into()) });
    StreamBody::new(frames.chain(end)).boxed_unsync()
}
