//! What a controller tells users about an object, as Kubernetes Events and as Flux's event JSON.
//!
//! A controller only describes an [`Event`]; the [`Recorder`] posts it in the background, in order per object,
//! from bounded queues. A reconcile never waits for a receiver, and what is dropped is counted.
//!
//! Source: fluxcd/pkg `runtime/events/recorder.go` (Flux 2.9).

use std::collections::BTreeMap;

mod budget;
mod involved;
mod lanes;
mod native;
mod recorder;
mod webhook;

pub use involved::Involved;
pub use recorder::{Recorder, RecorderOptions, StartError};

/// Longest message of an event, in bytes; longer ones are cut and end in `...`.
pub const MAX_MESSAGE: usize = 39_000;

/// The annotations of an object that are copied into its events' metadata start with this.
pub const ANNOTATION_PREFIX: &str = "event.toolkit.fluxcd.io/";

/// How an event ranks, and thereby where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// Something happened: Kubernetes `Normal`, severity `info`.
    Normal,
    /// Something failed: Kubernetes `Warning`, severity `error`.
    Warning,
    /// A routine step: a Kubernetes `Normal` event only, posted nowhere.
    Trace,
}

impl EventKind {
    /// The `type` of the Kubernetes Event.
    pub fn kubernetes_type(self) -> &'static str {
        match self {
            Self::Normal | Self::Trace => "Normal",
            Self::Warning => "Warning",
        }
    }

    /// The severity of the posted event; `None` when it is not posted.
    pub fn severity(self) -> Option<&'static str> {
        match self {
            Self::Normal => Some("info"),
            Self::Warning => Some("error"),
            Self::Trace => None,
        }
    }
}

/// One event about the object that a pass works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Rank.
    pub kind: EventKind,
    /// The machine-readable reason; when empty, the severity stands in.
    pub reason: String,
    /// What people read; capped at [`MAX_MESSAGE`] when posted.
    pub message: String,
    /// Metadata. A key without `/` is posted as `<group of the object>/<key>`, e.g. `revision`.
    pub metadata: BTreeMap<String, String>,
}

impl Event {
    /// An event of `kind` without metadata.
    pub fn new(kind: EventKind, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
            message: message.into(),
            metadata: BTreeMap::new(),
        }
    }

    /// A [`EventKind::Normal`] event.
    pub fn normal(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(EventKind::Normal, reason, message)
    }

    /// A [`EventKind::Warning`] event.
    pub fn warning(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(EventKind::Warning, reason, message)
    }

    /// A [`EventKind::Trace`] event.
    pub fn trace(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(EventKind::Trace, reason, message)
    }

    /// The event with one more metadata entry; an empty value adds nothing.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.metadata.insert(key.into(), value);
        }
        self
    }

    /// The metadata as posted: keys under `group`, then the object's own `event.toolkit.fluxcd.io/` annotations.
    pub(crate) fn posted_metadata(&self, involved: &Involved) -> BTreeMap<String, String> {
        let mut all: BTreeMap<String, String> = self
            .metadata
            .iter()
            .map(|(key, value)| match key.contains('/') {
                true => (key.clone(), value.clone()),
                false => (format!("{}/{key}", involved.group()), value.clone()),
            })
            .collect();
        all.extend(
            involved
                .annotations
                .iter()
                .map(|(key, value)| (key.clone(), value.clone())),
        );
        all
    }

    /// The reason as posted.
    pub(crate) fn posted_reason(&self) -> &str {
        match self.reason.as_str() {
            "" => self.kind.severity().unwrap_or("trace"),
            reason => reason,
        }
    }
}

/// `text` cut to at most `limit` bytes on a character border, ending in `...` if something was cut.
pub(crate) fn truncated(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(limit.saturating_sub(3));
    format!("{}...", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn involved() -> Involved {
        Involved {
            api_version: "source.toolkit.fluxcd.io/v1".into(),
            kind: "GitRepository".into(),
            namespace: "ns".into(),
            name: "app".into(),
            uid: "u".into(),
            resource_version: "7".into(),
            annotations: [(format!("{ANNOTATION_PREFIX}team"), "blue".to_owned())].into(),
        }
    }

    #[test]
    fn metadata_keys_get_the_group_unless_they_have_one() {
        let event = Event::normal("Succeeded", "m")
            .with("revision", "r")
            .with("a/b", "c")
            .with("token", "");
        let metadata: Vec<_> = event.posted_metadata(&involved()).into_iter().collect();
        let expect = [
            ("a/b", "c"),
            ("event.toolkit.fluxcd.io/team", "blue"),
            ("source.toolkit.fluxcd.io/revision", "r"),
        ];
        assert_eq!(
            metadata,
            expect.map(|(key, value)| (key.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn an_empty_reason_reads_as_the_severity() {
        assert_eq!(Event::warning("", "m").posted_reason(), "error");
        assert_eq!(Event::normal("", "m").posted_reason(), "info");
    }

    #[test]
    fn long_text_is_cut_on_a_character_border() {
        assert_eq!(truncated("abcdef", 6), "abcdef");
        assert_eq!(truncated("abcdefg", 6), "abc...");
        assert_eq!(truncated("ab\u{20ac}defg", 6), "ab...");
    }
}
