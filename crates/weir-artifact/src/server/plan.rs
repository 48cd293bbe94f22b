//! What to send of a file: conditions first, then ranges, as Go's file server decides.
//!
//! Source: Go 1.26 `net/http/fs.go`; its answers are recorded in `tests/conformance/http-files`.

use axum::http::{HeaderMap, HeaderName, header};

/// What a file's headers are made of.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) size: u64,
    pub(super) modified: i64,
    pub(super) tag: String,
}

/// From the first byte up to, not including, the second.
pub(super) type Range = (u64, u64);

/// What to send.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    Whole,
    /// One range, or several in a multipart body.
    Parts(Vec<Range>),
    NotModified,
    PreconditionFailed,
    /// The ranges make no sense, or all lie behind the end.
    Unsatisfiable {
        behind: bool,
    },
}

impl Facts {
    pub(super) fn plan(&self, headers: &HeaderMap) -> Plan {
        let text = |name: HeaderName| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.filter(|text| !text.is_empty())
        };
        let date = |name| text(name).and_then(seconds);
        let held = text(header::IF_MATCH)
            .map(|tags| self.is_among(tags, false))
            .or_else(|| date(header::IF_UNMODIFIED_SINCE).map(|date| self.modified <= date));
        if held == Some(false) {
            return Plan::PreconditionFailed;
        }
        let unchanged = text(header::IF_NONE_MATCH)
            .map(|tags| self.is_among(tags, true))
            .or_else(|| date(header::IF_MODIFIED_SINCE).map(|date| self.modified <= date));
        if unchanged == Some(true) {
            return Plan::NotModified;
        }
        let same = text(header::IF_RANGE)
            .is_none_or(|value| value == self.tag || seconds(value) == Some(self.modified));
        let Some(range) = text(header::RANGE).filter(|_| same) else {
            return Plan::Whole;
        };
        match ranges(range, self.size) {
            // More than the file itself: not worth the trouble, and a way to make us send much.
            Ok(ranges) if total(&ranges) > self.size || ranges.is_empty() => Plan::Whole,
            Ok(ranges) => Plan::Parts(ranges),
            Err(Unusable::Behind) if self.size == 0 => Plan::Whole,
            Err(why) => Plan::Unsatisfiable {
                behind: why == Unusable::Behind,
            },
        }
    }

    fn is_among(&self, tags: &str, weakly: bool) -> bool {
        let mut tags = tags.split(',').map(str::trim);
        tags.any(|tag| {
            let bare = tag.strip_prefix("W/").filter(|_| weakly).unwrap_or(tag);
            tag == "*" || bare == self.tag
        })
    }
}

/// Why there is no range to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unusable {
    Malformed,
    Behind,
}

/// The parts of a file of `size` bytes that a Range header asks for.
fn ranges(text: &str, size: u64) -> Result<Vec<Range>, Unusable> {
    let list = text.strip_prefix("bytes=").ok_or(Unusable::Malformed)?;
    let mut ranges = Vec::new();
    let mut behind = false;
    for part in list.split(',').map(str::trim) {
        if part.is_empty() {
            continue;
        }
        let (first, last) = part.split_once('-').ok_or(Unusable::Malformed)?;
        let (first, last) = (first.trim(), last.trim());
        if first.is_empty() {
            if last.starts_with('-') {
                return Err(Unusable::Malformed);
            }
            let length = number(last)?.min(size);
            ranges.push((size - length, size));
            continue;
        }
        let from = number(first)?;
        if from >= size {
            behind = true;
            continue;
        }
        let to = match last {
            "" => size,
            last => number(last)?.saturating_add(1),
        };
        if to <= from {
            return Err(Unusable::Malformed);
        }
        ranges.push((from, to.min(size)));
    }
    if behind && ranges.is_empty() {
        return Err(Unusable::Behind);
    }
    Ok(ranges)
}

fn number(text: &str) -> Result<u64, Unusable> {
    let number: i64 = text.parse().map_err(|_| Unusable::Malformed)?;
    u64::try_from(number).map_err(|_| Unusable::Malformed)
}

fn total(ranges: &[Range]) -> u64 {
    ranges.iter().map(|(from, to)| to - from).sum()
}

/// The Content-Range of a part; Go counts the last byte of an empty one below its first.
pub(super) fn content_range((from, to): Range, size: u64) -> String {
    let last = i128::from(to) - 1;
    format!("bytes {from}-{last}/{size}")
}

/// An HTTP date as seconds since 1970.
pub(super) fn seconds(date: &str) -> Option<i64> {
    let at = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(date)
        .ok()?;
    Some(at.as_second())
}
