//! The one error of a build: a text as kustomize words it, and what the caller may need to know of its kind.

/// What went wrong, as far as code asks. People read the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// A file is not YAML. Loading it as a directory then explains nothing.
    MalformedYaml,
    /// A remote file answered, but not with success.
    Http,
    /// A bound of [`crate::Limits`] is reached.
    Limit,
    /// A YAML node has another kind than the operation needs.
    NodeKind {
        /// The node that was found is a scalar.
        scalar: bool,
    },
    /// Everything else.
    Other,
}

/// Why a build failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Error {
    text: String,
    kind: ErrorKind,
}

impl Error {
    /// An error of no special kind.
    pub fn new(text: impl Into<String>) -> Self {
        Self::of_kind(ErrorKind::Other, text)
    }

    /// An error of `kind`.
    pub fn of_kind(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self {
            text: bounded(text.into()),
            kind,
        }
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The text without copying it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same failure told from further out: `prefix: text`.
    #[must_use]
    pub fn within(self, prefix: impl std::fmt::Display) -> Self {
        Self::of_kind(self.kind, format!("{prefix}: {}", self.text))
    }
}

/// Bytes of one text. Layers quote each other's texts, so that hostile ones grow without end.
const MAX_TEXT: usize = 64 * 1024;

/// The text, its middle left out if it is too long.
fn bounded(text: String) -> String {
    if text.len() <= MAX_TEXT {
        return text;
    }
    let mut head = MAX_TEXT / 2;
    while !text.is_char_boundary(head) {
        head -= 1;
    }
    let mut tail = text.len() - MAX_TEXT / 2;
    while !text.is_char_boundary(tail) {
        tail += 1;
    }
    format!("{} […] {}", &text[..head], &text[tail..])
}

/// Adds the outer layer's words to a failure.
pub(crate) trait Context<T> {
    /// `prefix()` is only called for failures.
    fn within<D: std::fmt::Display>(self, prefix: impl FnOnce() -> D) -> Result<T, Error>;
}

impl<T, E: Into<Error>> Context<T> for Result<T, E> {
    fn within<D: std::fmt::Display>(self, prefix: impl FnOnce() -> D) -> Result<T, Error> {
        self.map_err(|error| error.into().within(prefix()))
    }
}

/// `return Err(Error::new(format!(…)))`.
macro_rules! bail {
    ($($arg:tt)*) => {
        return Err($crate::error::Error::new(format!($($arg)*)))
    };
}
pub(crate) use bail;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_its_kind_through_the_layers() {
        let error = Error::of_kind(ErrorKind::Http, "HTTP Error").within("outer");
        assert_eq!(
            (error.to_string().as_str(), error.kind()),
            ("outer: HTTP Error", ErrorKind::Http)
        );
    }
}
