//! One file as an HTTP answer: conditions, ranges, headers, body.

use std::fs::File;
use std::io;
use std::io::SeekFrom;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use rustix::fs::{Mode, OFlags, ResolveFlags};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use crate::storage::{LOCK, TEMPORARY};

/// How much of a file is read at a time.
const CHUNK: usize = 64 * 1024;
/// The deepest path that is looked up: `<kind>/<namespace>/<name>/<file>`, one folder more for charts.
const MAX_PARTS: usize = 5;

/// A path that names a file below the root by plain components.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Requested(String);

impl Requested {
    /// Decodes a URL's path; nothing for what can be no artifact.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let decoded = percent_decoded(path.strip_prefix('/')?)?;
        let parts: Vec<&str> = decoded.split('/').collect();
        let plain = |part: &&str| {
            !part.is_empty() && *part != "." && *part != ".." && !part.starts_with(TEMPORARY)
        };
        let fits = parts.len() <= MAX_PARTS
            && parts.iter().all(plain)
            && !decoded.contains(['\0', '\\'])
            && !decoded.ends_with(LOCK);
        fits.then_some(Self(decoded))
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let high = char::from(rest.next()?).to_digit(16)?;
        let low = char::from(rest.next()?).to_digit(16)?;
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// Opens below the root only, whatever links lie on the way.
fn open(root: &Path, path: &str) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let root_flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root_dir = rustix::fs::open(root, root_flags, Mode::empty())?;
    let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(&root_dir, path, flags, Mode::empty(), beneath) {
        Ok(file) => Ok(file.into()),
        // Sandboxes without openat2: no links at all then.
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {
            open_without_links(root_dir, path)
        }
        Err(error) => Err(error.into()),
    }
}

fn open_without_links(root: rustix::fd::OwnedFd, path: &str) -> io::Result<File> {
    let mut at = root;
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let mut flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        if parts.peek().is_some() {
            flags |= OFlags::DIRECTORY;
        }
        at = rustix::fs::openat(&at, part, flags, Mode::empty())?;
    }
    Ok(at.into())
}

/// Answers GET and HEAD for one file.
pub(super) async fn answer(root: &Path, requested: Requested, request: Request) -> Response {
    let root = root.to_owned();
    let name = requested.0.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let file = open(&root, &requested.0)?;
        let found = file.metadata()?;
        Ok::<_, io::Error>((file, found))
    });
    let Ok(Ok((file, found))) = opened.await else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if !found.is_file() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let facts = Facts {
        size: found.size(),
        modified: found.mtime(),
        tag: format!(
            "\"{:x}-{:x}-{:x}-{:x}\"",
            found.ino(),
            found.mtime(),
            found.mtime_nsec(),
            found.size()
        ),
    };
    let plan = facts.plan(request.headers());
    let head = request.method() == Method::HEAD;
    respond(&facts, &plan, content_type(&name), file, head).await
}

/// What a file's headers are made of.
#[derive(Debug)]
struct Facts {
    size: u64,
    modified: i64,
    tag: String,
}

/// What to send.
#[derive(Debug, PartialEq, Eq)]
enum Plan {
    Whole,
    /// From the first byte up to, not including, the second.
    Part(u64, u64),
    NotModified,
    PreconditionFailed,
    Unsatisfiable,
}

impl Facts {
    /// Conditions first, then the range. Source: RFC 9110 §13.2.2.
    fn plan(&self, headers: &HeaderMap) -> Plan {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let date = |name| text(name).and_then(seconds);
        let held = text(header::IF_MATCH)
            .map(|tags| self.is_among(tags))
            .or_else(|| date(header::IF_UNMODIFIED_SINCE).map(|date| self.modified <= date));
        if held == Some(false) {
            return Plan::PreconditionFailed;
        }
        let unchanged = text(header::IF_NONE_MATCH)
            .map(|tags| self.is_among(tags))
            .or_else(|| date(header::IF_MODIFIED_SINCE).map(|date| self.modified <= date));
        if unchanged == Some(true) {
            return Plan::NotModified;
        }
        let same = text(header::IF_RANGE)
            .is_none_or(|value| value == self.tag || seconds(value) == Some(self.modified));
        match text(header::RANGE) {
            Some(range) if same => self.part(range),
            _ => Plan::Whole,
        }
    }

    /// One range; several, or what is none, get the whole file.
    fn part(&self, range: &str) -> Plan {
        let Some(range) = range.strip_prefix("bytes=") else {
            return Plan::Whole;
        };
        let Some((first, last)) = range.trim().split_once('-') else {
            return Plan::Whole;
        };
        let (from, to) = match (first.parse::<u64>(), last.parse::<u64>()) {
            (Ok(from), Ok(last)) if from <= last => (from, last.saturating_add(1)),
            (Ok(from), Err(_)) if last.is_empty() => (from, self.size),
            (Err(_), Ok(suffix)) if first.is_empty() => {
                (self.size.saturating_sub(suffix), self.size)
            }
            _ => return Plan::Whole,
        };
        let to = to.min(self.size);
        if from >= to {
            return Plan::Unsatisfiable;
        }
        Plan::Part(from, to)
    }

    fn is_among(&self, tags: &str) -> bool {
        let mut tags = tags.split(',').map(str::trim);
        tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.tag)
    }
}

async fn respond(
    facts: &Facts,
    plan: &Plan,
    content_type: &'static str,
    file: File,
    head: bool,
) -> Response {
    let (status, from, to) = match *plan {
        Plan::Whole => (StatusCode::OK, 0, facts.size),
        Plan::Part(from, to) => (StatusCode::PARTIAL_CONTENT, from, to),
        Plan::NotModified => (StatusCode::NOT_MODIFIED, 0, 0),
        Plan::PreconditionFailed => return StatusCode::PRECONDITION_FAILED.into_response(),
        Plan::Unsatisfiable => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{}", facts.size))];
            return (StatusCode::RANGE_NOT_SATISFIABLE, range).into_response();
        }
    };
    let mut answer = Response::builder()
        .status(status)
        .header(header::ETAG, &facts.tag)
        .header(header::ACCEPT_RANGES, "bytes");
    if let Some(date) = http_date(facts.modified) {
        answer = answer.header(header::LAST_MODIFIED, date);
    }
    let mut body = Body::empty();
    if status != StatusCode::NOT_MODIFIED {
        answer = answer
            .header(header::CONTENT_TYPE, content_type)
            .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
            .header(header::CONTENT_LENGTH, to - from);
        if let Plan::Part(..) = plan {
            let range = format!("bytes {from}-{}/{}", to - 1, facts.size);
            answer = answer.header(header::CONTENT_RANGE, range);
        }
        if !head {
            let mut file = tokio::fs::File::from_std(file);
            if from > 0 && file.seek(SeekFrom::Start(from)).await.is_err() {
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            }
            body = Body::from_stream(ReaderStream::with_capacity(file.take(to - from), CHUNK));
        }
    }
    let failed = |_| StatusCode::INTERNAL_SERVER_ERROR.into_response();
    answer.body(body).unwrap_or_else(failed)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("gz" | "tgz") => "application/gzip",
        Some("yaml" | "yml") => "application/yaml",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

fn http_date(seconds: i64) -> Option<String> {
    let at = Timestamp::from_second(seconds).ok()?;
    DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok()
}

fn seconds(date: &str) -> Option<i64> {
    let at = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(date)
        .ok()?;
    Some(at.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_are_looked_up() {
        let parse = |path| Requested::parse(path).map(|requested| requested.0);
        assert_eq!(parse("/a/b/c/d.tar.gz").as_deref(), Some("a/b/c/d.tar.gz"));
        assert_eq!(
            parse("/a/b/c/sha256%3Aab.tar.gz").as_deref(),
            Some("a/b/c/sha256:ab.tar.gz")
        );
        for path in [
            "/a/../b",
            "/a/%2e%2e/b",
            "/a/..%2fb",
            "//a",
            "/a//b",
            "/a/",
            "/a/./b",
            "/a/b%00",
            "/a/b%zz",
            "/a/b%5c..",
            "/a/b/c/.tmp-x",
            "/a/b/c/d.lock",
            "/1/2/3/4/5/6",
            "a/b",
            "/%",
        ] {
            assert_eq!(parse(path), None, "{path}");
        }
    }

    #[test]
    fn dates_go_round() {
        assert_eq!(
            http_date(784_111_777).as_deref(),
            Some("Sun, 06 Nov 1994 08:49:37 GMT")
        );
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(seconds("yesterday"), None);
    }

    #[test]
    fn ranges_are_cut_to_the_file() {
        let facts = Facts {
            size: 10,
            modified: 0,
            tag: "\"t\"".to_owned(),
        };
        for (range, plan) in [
            ("bytes=0-3", Plan::Part(0, 4)),
            ("bytes=4-", Plan::Part(4, 10)),
            ("bytes=-3", Plan::Part(7, 10)),
            ("bytes=-30", Plan::Part(0, 10)),
            ("bytes=5-99", Plan::Part(5, 10)),
            ("bytes=10-", Plan::Unsatisfiable),
            ("bytes=-0", Plan::Unsatisfiable),
            ("bytes=5-2", Plan::Whole),
            ("bytes=0-1,3-4", Plan::Whole),
            ("items=1-2", Plan::Whole),
        ] {
            assert_eq!(facts.part(range), plan, "{range}");
        }
    }
}
