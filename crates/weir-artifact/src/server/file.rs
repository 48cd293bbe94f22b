//! One file as an HTTP answer: found, opened, described.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use axum::body::Body;
use axum::http::response::Builder;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use rustix::fs::{Mode, OFlags, ResolveFlags};

use super::body::Sent;
use super::plan::{Facts, Plan};
use crate::storage::{LOCK, TEMPORARY};

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
pub(super) async fn answer(
    root: &Path,
    requested: Requested,
    headers: &HeaderMap,
    head: bool,
) -> Response {
    let root = root.to_owned();
    let name = requested.0.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let file = open(&root, &requested.0)?;
        let found = file.metadata()?;
        Ok::<_, io::Error>((file, found))
    });
    let (file, found) = match opened.await {
        Ok(Ok(opened)) => opened,
        Ok(Err(error)) => return refusal(&error).into_response(),
        Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
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
    let plan = facts.plan(headers);
    respond(&facts, &plan, content_type(&name), file, head).await
}

/// What is not there, or leads elsewhere, is not found. What the machine could not do, out of files for instance,
/// says nothing about the file: consumers try again.
fn refusal(error: &io::Error) -> StatusCode {
    use rustix::io::Errno;
    match Errno::from_io_error(error) {
        Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::IO | Errno::AGAIN) | None => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        Some(_) => StatusCode::NOT_FOUND,
    }
}

async fn respond(
    facts: &Facts,
    plan: &Plan,
    kind: &'static str,
    file: File,
    head: bool,
) -> Response {
    let tagged = |status: StatusCode| {
        Response::builder()
            .status(status)
            .header(header::ETAG, &facts.tag)
    };
    let dated = |answer: Builder| match http_date(facts.modified) {
        Some(date) => answer.header(header::LAST_MODIFIED, date),
        None => answer,
    };
    let built = match plan {
        Plan::NotModified => tagged(StatusCode::NOT_MODIFIED).body(Body::empty()),
        Plan::PreconditionFailed => {
            dated(tagged(StatusCode::PRECONDITION_FAILED)).body(Body::empty())
        }
        Plan::Unsatisfiable { behind } => {
            let mut answer = Response::builder().status(StatusCode::RANGE_NOT_SATISFIABLE);
            if *behind {
                answer = answer.header(header::CONTENT_RANGE, format!("bytes */{}", facts.size));
            }
            answer.body(Body::empty())
        }
        Plan::Whole | Plan::Parts(_) => {
            let sent = Sent::of(facts, plan, kind);
            let status = match plan {
                Plan::Whole => StatusCode::OK,
                _ => StatusCode::PARTIAL_CONTENT,
            };
            let mut answer = dated(tagged(status))
                .header(header::ACCEPT_RANGES, "bytes")
                .header(header::CONTENT_TYPE, &sent.content_type)
                .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
                .header(header::CONTENT_LENGTH, sent.length());
            if let Some(range) = &sent.content_range {
                answer = answer.header(header::CONTENT_RANGE, range);
            }
            answer.body(if head { Body::empty() } else { sent.body(file) })
        }
    };
    let failed = |_| StatusCode::INTERNAL_SERVER_ERROR.into_response();
    built.unwrap_or_else(failed)
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

#[cfg(test)]
mod tests {
    use super::super::plan;
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
    fn a_machine_without_files_does_not_deny_that_one_exists() {
        use rustix::io::Errno;
        for (errno, status) in [
            (Errno::NOENT, 404),
            (Errno::NOTDIR, 404),
            (Errno::LOOP, 404),
            (Errno::XDEV, 404),
            (Errno::NAMETOOLONG, 404),
            (Errno::ACCESS, 404),
            (Errno::MFILE, 500),
            (Errno::NFILE, 500),
            (Errno::IO, 500),
        ] {
            assert_eq!(refusal(&errno.into()).as_u16(), status, "{errno}");
        }
        assert_eq!(refusal(&io::Error::other("odd")).as_u16(), 500);
    }

    #[test]
    fn sandboxes_without_openat2_follow_no_links_at_all() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let at = |path: &str| folder.path().join(path);
        std::fs::create_dir_all(at("root/a")).expect("makes folders");
        std::fs::write(at("root/a/file"), "x").expect("writes");
        std::fs::write(at("secret"), "x").expect("writes");
        for (to, name) in [("file", "link"), ("../../secret", "out"), ("..", "up")] {
            std::os::unix::fs::symlink(to, at("root/a").join(name)).expect("links");
        }
        let opens = |path: &str| {
            let flags = OFlags::PATH | OFlags::DIRECTORY;
            let root = rustix::fs::open(at("root"), flags, Mode::empty()).expect("opens");
            open_without_links(root, path).is_ok()
        };
        assert!(opens("a/file"));
        for path in ["a/link", "a/out", "a/up/a/file", "a/nothing", "a/file/x"] {
            assert!(!opens(path), "{path}");
        }
    }

    #[test]
    fn dates_go_round() {
        assert_eq!(
            http_date(784_111_777).as_deref(),
            Some("Sun, 06 Nov 1994 08:49:37 GMT")
        );
        assert_eq!(
            plan::seconds("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(784_111_777)
        );
        assert_eq!(plan::seconds("yesterday"), None);
    }
}
