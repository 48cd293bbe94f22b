//! What is in a file: bytes at hand, or a way to them.

use std::fmt;
use std::io::{self, Cursor, Read};
use std::sync::Arc;

use bytes::Bytes;

/// Bytes of a file that is loaded as one. Far above what any file of manifests has.
pub const MAX_LOADED: u64 = 64 << 20;

/// Where an adapter keeps what is too much for memory.
pub trait Stored: fmt::Debug + Send + Sync {
    /// Bytes.
    fn size(&self) -> u64;

    /// The bytes from the first to the last.
    fn open(&self) -> Box<dyn Read + Send>;
}

/// A file's contents. Clones share them.
#[derive(Debug, Clone)]
pub enum Contents {
    /// In memory.
    Here(Bytes),
    /// Elsewhere.
    There(Arc<dyn Stored>),
}

impl Contents {
    /// Bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self {
            Self::Here(bytes) => bytes.len() as u64,
            Self::There(stored) => stored.size(),
        }
    }

    /// The bytes, piece by piece.
    #[must_use]
    pub fn open(&self) -> Box<dyn Read + Send> {
        match self {
            Self::Here(bytes) => Box::new(Cursor::new(bytes.clone())),
            Self::There(stored) => stored.open(),
        }
    }

    /// All bytes, in memory.
    ///
    /// # Errors
    /// There are more than [`MAX_LOADED`], or they cannot be read.
    pub fn load(&self) -> io::Result<Bytes> {
        let stored = match self {
            Self::Here(bytes) => return Ok(bytes.clone()),
            Self::There(stored) => stored,
        };
        let size = stored.size();
        if size > MAX_LOADED {
            let text = format!("the file has more than {MAX_LOADED} bytes");
            return Err(io::Error::other(text));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        stored.open().take(size).read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }
}

/// The same bytes at hand, or the same place.
impl PartialEq for Contents {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Here(one), Self::Here(other)) => one == other,
            (Self::There(one), Self::There(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Eq for Contents {}

impl From<Bytes> for Contents {
    fn from(bytes: Bytes) -> Self {
        Self::Here(bytes)
    }
}

impl From<Vec<u8>> for Contents {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Here(bytes.into())
    }
}

impl From<String> for Contents {
    fn from(text: String) -> Self {
        Self::Here(text.into())
    }
}

impl From<&'static str> for Contents {
    fn from(text: &'static str) -> Self {
        Self::Here(text.into())
    }
}

impl From<&'static [u8]> for Contents {
    fn from(bytes: &'static [u8]) -> Self {
        Self::Here(bytes.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Zeros(u64);

    impl Stored for Zeros {
        fn size(&self) -> u64 {
            self.0
        }

        fn open(&self) -> Box<dyn Read + Send> {
            Box::new(io::repeat(0).take(self.0))
        }
    }

    #[test]
    fn what_is_elsewhere_is_loaded_up_to_a_bound() {
        let there = |size| Contents::There(Arc::new(Zeros(size)));
        assert_eq!(there(3).load().expect("loads").as_ref(), [0; 3]);
        let error = there(MAX_LOADED + 1).load().expect_err("is too much");
        assert_eq!(error.to_string(), "the file has more than 67108864 bytes");
        assert_eq!(Contents::from("x").load().expect("loads").as_ref(), b"x");
        let mut read = String::new();
        let opened = Contents::from("xy").open().read_to_string(&mut read);
        assert_eq!((opened.expect("reads"), read.as_str()), (2, "xy"));
        assert_eq!(Contents::from("x"), Contents::from(b"x".to_vec()));
        assert_ne!(there(1), there(1));
        assert_ne!(there(1), Contents::from("\0"));
    }
}
