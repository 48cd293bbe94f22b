//! URLs and IP addresses as Go's standard library reads and writes them, with its error texts.

pub mod address;
mod escape;
mod parse;

pub use escape::{Part, escape};
pub use parse::{Url, User};
