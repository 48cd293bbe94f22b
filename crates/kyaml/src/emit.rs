//! From trees to text: the form `kustomize build` prints, and the form a node was written in.

mod analysis;
mod order;
mod output;
mod printer;

pub use order::key_less;
pub(crate) use order::sort_by_key;
pub use output::print_value;

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
