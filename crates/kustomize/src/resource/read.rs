//! Reading resources from the text of a file.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use kyaml::{Meta, Node, Text};
use serde_json::Value;

use super::Resource;
use crate::error::{Error, ErrorKind, bail};
use crate::go_text;
use crate::json_text;
use crate::schema::BuildSchema;

/// Items that list objects in one file may hold.
const MAX_UNWRAPPED: usize = 1_000_000;

/// All resources of a file's bytes.
///
/// # Errors
/// It is not YAML, or an object lacks kind or name.
pub(crate) fn read(bytes: &[u8], schema: &Arc<BuildSchema>) -> Result<Vec<Resource>, Error> {
    if let Some(text) = utf16(bytes) {
        return read_text(&text, schema);
    }
    let text = kyaml::utf8(bytes).map_err(malformed)?;
    read_text(text, schema)
}

/// The text of a file that a byte order mark declares as UTF-16.
fn utf16(bytes: &[u8]) -> Option<String> {
    let unit: fn([u8; 2]) -> u16 = match bytes.get(..2)? {
        [0xff, 0xfe] => u16::from_le_bytes,
        [0xfe, 0xff] => u16::from_be_bytes,
        _ => return None,
    };
    let (pairs, rest) = bytes[2..].as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    text.ok().filter(|_| rest.is_empty())
}

/// All resources of a text.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_text(text: &str, schema: &Arc<BuildSchema>) -> Result<Vec<Resource>, Error> {
    let nodes = objects(text, schema)?;
    unwrap_lists(nodes, schema)?
        .into_iter()
        .map(|node| Resource::new(node, Arc::clone(schema)))
        .collect()
}

fn malformed(error: kyaml::Error) -> Error {
    match error {
        error @ kyaml::Error::Syntax { .. } => Error::of_kind(
            ErrorKind::MalformedYaml,
            format!("MalformedYAMLError: {error}"),
        ),
        error => error.into(),
    }
}

/// The objects of a text that are there and name their kind.
fn objects(text: &str, schema: &BuildSchema) -> Result<Vec<Node>, Error> {
    let mut nodes = kyaml::read_objects(text, schema.limits()).map_err(malformed)?;
    nodes.retain(|node| !node.is_null_or_empty());
    nodes.iter().try_for_each(check_metadata)?;
    Ok(nodes)
}

/// Checks that an object has a kind and, unless it is a list, a name.
///
/// # Errors
/// One is missing; the text shows what is there.
pub(crate) fn check_metadata(node: &Node) -> Result<(), Error> {
    let meta = node.meta();
    if !meta.kind.is_empty() && !meta.name.is_empty() {
        return Ok(());
    }
    let labels = node.labels();
    let annotations = node.annotations();
    if meta == Meta::default() && labels.is_empty() && annotations.is_empty() {
        bail!("missing Resource metadata");
    }
    let missing = if meta.kind.is_empty() {
        "kind"
    } else if meta.kind.ends_with("List") || !meta.name.is_empty() {
        return Ok(());
    } else {
        "metadata.name"
    };
    let print = |map: &BTreeMap<Text, Text>| {
        go_text::map(
            map.iter()
                .map(|(key, value)| (key.as_str(), value.as_str())),
        )
    };
    bail!(
        "missing {missing} in object {{{{{} {}}} {{{{{} {}}} {} {}}}}}",
        meta.api_version,
        meta.kind,
        meta.name,
        meta.namespace,
        print(&labels),
        print(&annotations)
    )
}

/// Replaces every list object by its items, which come after everything that stood there before.
fn unwrap_lists(nodes: Vec<Node>, schema: &BuildSchema) -> Result<Vec<Node>, Error> {
    let is_list = |node: &Node| node.object_kind().ends_with("List");
    if !nodes.iter().any(is_list) {
        return Ok(nodes);
    }
    let mut queue: VecDeque<Node> = nodes.into();
    let mut result = Vec::with_capacity(queue.len());
    let mut unwrapped = 0;
    while let Some(node) = queue.pop_front() {
        if !is_list(&node) {
            result.push(node);
            continue;
        }
        let kind = node.object_kind();
        let value = node
            .decode()
            .map_err(|error| Error::new(format!("trouble expanding list of {kind}; {error}")))?;
        match value.get("items") {
            None => result.push(node),
            Some(Value::Null) => {}
            Some(Value::Array(items)) => {
                unwrapped += items.len();
                if unwrapped > MAX_UNWRAPPED {
                    return Err(Error::of_kind(ErrorKind::Limit, "too many nested lists"));
                }
                for item in items {
                    queue.extend(objects(&json_text::compact(item), schema)?);
                }
            }
            Some(other) => bail!(
                "expected array in {kind}/items, but found {}",
                json_text::go_type(other)
            ),
        }
    }
    Ok(result)
}
