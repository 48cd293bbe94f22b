//! Timestamps as Go prints them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// RFC 3339 in UTC, whole seconds. None for what is no timestamp.
pub(crate) fn seconds(text: &str) -> Option<String> {
    print(text, "%Y-%m-%dT%H:%M:%SZ")
}

/// RFC 3339 in UTC with microseconds. None for what is no timestamp.
pub(crate) fn micros(text: &str) -> Option<String> {
    print(text, "%Y-%m-%dT%H:%M:%S.%6fZ")
}

fn print(text: &str, format: &str) -> Option<String> {
    // Go wants the T and an offset; jiff is more generous.
    let shaped = text.as_bytes().get(10) == Some(&b'T') && text.len() >= 20;
    let time: Timestamp = shaped.then(|| text.parse().ok())??;
    Some(time.to_zoned(TimeZone::UTC).strftime(format).to_string())
}
