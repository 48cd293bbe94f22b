//! Who pays for a search.

use std::convert::Infallible;

/// Counts what searching and replacing costs, and ends it where there is nothing left.
pub trait Meter {
    /// Why there is no going on.
    type Error;

    /// Takes steps: about one for each kilobyte of automaton and sixteen bytes of text.
    ///
    /// # Errors
    /// There are none left.
    fn steps(&self, steps: u64) -> Result<(), Self::Error>;

    /// Takes bytes of output.
    ///
    /// # Errors
    /// There are none left.
    fn bytes(&self, bytes: usize) -> Result<(), Self::Error>;

    /// How many bytes are left.
    fn bytes_left(&self) -> usize;
}

/// Nobody pays: for texts that are bounded by other means.
impl Meter for () {
    type Error = Infallible;

    fn steps(&self, _: u64) -> Result<(), Infallible> {
        Ok(())
    }

    fn bytes(&self, _: usize) -> Result<(), Infallible> {
        Ok(())
    }

    fn bytes_left(&self) -> usize {
        usize::MAX
    }
}
