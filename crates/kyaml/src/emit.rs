//! From trees to text: the form `kustomize build` prints, and the form a node was written in.

mod analysis;
mod order;
mod output;
mod printer;
mod styled;

pub(crate) use analysis::width;
pub use order::{key_less, sort_by_key};
pub use output::{Shape, Source, key_text, print_source, print_value};
pub use styled::SequenceIndent;
