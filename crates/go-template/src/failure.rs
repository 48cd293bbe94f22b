//! Why an execution ended: a chain of causes, each worded as Go words it.

use std::fmt;

/// An error of an execution or of a function. Its text is its own part and that of its cause.
#[derive(Debug)]
pub struct Failure {
    text: String,
    cause: Option<Box<Self>>,
    origin: Origin,
}

/// Which part of Go an error stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `template.ExecError`: an action failed.
    Execution,
    /// A function's own error.
    Function,
    /// A budget is used up; upstream has none.
    Budget,
}

impl Failure {
    /// A function's error.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            cause: None,
            origin: Origin::Function,
        }
    }

    /// A function's error over another, as `fmt.Errorf("TEXT%w", cause)` makes it.
    pub fn wrap(text: impl Into<String>, cause: Self) -> Self {
        Self {
            text: text.into(),
            cause: Some(Box::new(cause)),
            origin: Origin::Function,
        }
    }

    pub(crate) fn execution(text: String, cause: Option<Self>) -> Self {
        Self {
            text,
            cause: cause.map(Box::new),
            origin: Origin::Execution,
        }
    }

    pub(crate) fn budget(text: String) -> Self {
        Self {
            text,
            cause: None,
            origin: Origin::Budget,
        }
    }

    /// What it stands for.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Its own part of the text.
    pub fn own(&self) -> &str {
        &self.text
    }

    /// What it wraps.
    pub fn cause(&self) -> Option<&Self> {
        self.cause.as_deref()
    }

    /// Itself, its cause, that one's cause, and so on.
    pub fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |it| it.cause())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chain().try_for_each(|it| f.write_str(&it.text))
    }
}

/// The text of a cause is part of the own text, as with Go's `%w`, so there is no source to report.
impl std::error::Error for Failure {}

impl Drop for Failure {
    fn drop(&mut self) {
        let mut next = self.cause.take();
        while let Some(mut cause) = next {
            next = cause.cause.take();
        }
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}
