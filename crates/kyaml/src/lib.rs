//! YAML as Go's yaml.v3 and kyaml read, merge and print it.
//!
//! A [`Node`] owns everything below it and keeps what the text said: order, duplicates, style, tags,
//! anchors, comments, lines. It holds text, not values: types are resolved when asked for, by the
//! rules of the Go libraries.
//!
//! # How to use it
//! - Read: [`parse`] one document, [`parse_all`] a stream, [`read_objects`] a resource file as
//!   kustomize reads it (split, `List` unwrapped, aliases expanded); bytes first go through
//!   [`decode_text`].
//! - Look: [`Node::get`], [`Node::at`], [`Node::entries`], [`Node::items`], [`Node::text`],
//!   [`Node::meta`], [`Node::labels`]; by kyaml's paths [`Node::lookup`] (`[name=x]`, indexes, `-`).
//! - Make: [`Node::scalar_of`] (typed by its look), [`Node::string`], [`Node::mapping_of`],
//!   [`Node::sequence_of`], [`Node::from_json`].
//! - Change: [`Node::put`] and [`Node::remove`] as they are, [`Node::set_field`] and
//!   [`Node::set_scalar`] with kyaml's style rules, [`Node::lookup_create`], [`match_path`] for
//!   regex paths and wildcards, [`merge`](merge::merge) for strategic merge,
//!   [`json_patch`] for RFC 6902.
//! - Print: [`Node::to_output`] as `kustomize build` prints an object, [`Node::to_styled`] as it was
//!   written, [`Node::to_json`] as a value, [`Node::to_json_1_1`] as kustomize reads its own files.
//! - Helm: [`v2::read`] reads as go-yaml's version 2, [`print_source`] prints as it does.
//! - Names: [`Node::object_kind`] is the field `kind`; [`Node::kind`] is the kind of node.
//!
//! Null is a scalar whose tag is [`Tag::Null`]; a missing field is `None`. A scalar made by
//! [`Node::scalar_of`] has no tag: its type follows from its text.
//!
//! No function recurses deeper than [`Limits::DEPTH`]; copying and dropping do not recurse at all.

mod anchors;
mod emit;
mod error;
mod events;
pub mod json_patch;
mod limits;
pub mod merge;
mod node;
mod parse;
mod path;
mod reader;
pub mod resolve;
mod scan;
mod schema;
mod simple;
pub mod v2;
mod value;

pub use emit::{
    SequenceIndent, Shape, Source, key_less, key_text, print_source, print_value, sort_by_key,
};
pub use error::Error;
pub use limits::Limits;
pub use node::{
    Comments, Content, Entries, Entry, Items, Kind, Meta, Node, Style, Tag, Text, wrapped_base64,
};
pub use parse::{Document, decode_text, parse, parse_all, parse_within, utf8};
pub use path::{match_path, split_path, split_path_smart};
pub use reader::{read_documents, read_objects, split_documents};
pub use schema::{Schema, SchemaRef};
pub use value::to_go_json;
