//! Bounds on what a reader accepts.

/// Bounds on one read. Crossing one is an [`Error`](crate::Error), never a panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of input text.
    pub bytes: usize,
    /// Most nodes in all documents of one text, those copied by aliases included.
    pub nodes: usize,
    /// Deepest nesting of collections.
    pub depth: usize,
}

impl Limits {
    /// What nesting functions that walk a tree accept, whoever built it.
    pub const DEPTH: usize = 256;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            nodes: 4_000_000,
            depth: Self::DEPTH,
        }
    }
}
