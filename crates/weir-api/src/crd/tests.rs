//! The definitions against upstream's, and the Rust types against the definitions.

mod compare;
mod sample;
