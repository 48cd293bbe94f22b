//! A secret with an end.

use std::fmt;
use std::time::{Duration, SystemTime};

/// What opens something for a while.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// The user it is for; empty for bearer tokens.
    pub username: String,
    /// The secret itself.
    pub secret: String,
    /// When it ends.
    pub expires: SystemTime,
}

impl Token {
    /// How long it is good for from `now` on.
    #[must_use]
    pub fn life(&self, now: SystemTime) -> Duration {
        self.expires.duration_since(now).unwrap_or_default()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}
