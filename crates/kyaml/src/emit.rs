//! From trees to text.

use crate::Error;
use crate::node::Node;

impl Node {
    /// The node as it was written, with comments and styles.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the tree cannot be printed.
    pub fn to_styled(&self) -> Result<String, Error> {
        Ok(self.text().into())
    }
}
