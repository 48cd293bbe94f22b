//! Where a replacement writes: fields, and fields inside text that is itself JSON or YAML.

use kyaml::{Document, Kind, Node};
use serde_json::Value;

use crate::error::{Context as _, Error, bail};
use crate::go_text::quote;
use crate::json_text;
use crate::kustomization::FieldOptions;

/// Splits a field path at its dots.
pub(super) fn split_field(path: &str) -> Vec<String> {
    kyaml::split_path_smart(path, '.')
}

/// Writes a value to a field of an object.
///
/// # Errors
/// The field is missing and is not to be made.
pub(super) fn write(
    node: &mut Node,
    value: &Node,
    (field, path): (&str, &[String]),
    options: Option<&FieldOptions>,
) -> Result<(), Error> {
    let create = options
        .is_some_and(|options| options.create)
        .then(|| value.kind());
    if write_inside_text(node, value, path, create).is_ok() {
        return Ok(());
    }
    let problem = || {
        let what = if create.is_some() {
            "find or create"
        } else {
            "find"
        };
        format!(
            "unable to {what} field {} in replacement target",
            quote(field)
        )
    };
    let mut failed = None;
    let count = kyaml::match_path(node, path, create, &mut |place| {
        if failed.is_none() {
            failed = set(place, value, options).err();
        }
        Ok(())
    })
    .within(problem)?;
    match (failed, count) {
        (Some(error), _) => Err(error),
        (None, 0) => bail!("{}", problem()),
        (None, _) => Ok(()),
    }
}

/// Writes a value to one place: a scalar keeps its type and style.
fn set(place: &mut Node, value: &Node, options: Option<&FieldOptions>) -> Result<(), Error> {
    let mut value = value.clone();
    if let Some(options) = options.filter(|options| !options.delimiter.is_empty()) {
        if place.kind() != Kind::Scalar {
            bail!("delimiter option can only be used with scalar nodes");
        }
        let mut parts: Vec<&str> = place.text().split(options.delimiter.as_str()).collect();
        let new = if value.is_null() { "" } else { value.text() };
        match usize::try_from(options.index.0) {
            Err(_) => parts.insert(0, new),
            Ok(index) if index >= parts.len() => parts.push(new),
            Ok(index) => parts[index] = new,
        }
        let joined = parts.join(&options.delimiter);
        value.set_text(joined);
    }
    put(place, &value);
    Ok(())
}

fn put(place: &mut Node, value: &Node) {
    if place.kind() == Kind::Scalar {
        place.set_text(value.text());
    } else {
        *place = value.clone();
    }
}

/// Writes to a field of the document that a scalar on the path holds.
///
/// # Errors
/// There is no such scalar, or no such field in it; nothing is changed then.
fn write_inside_text(
    node: &mut Node,
    value: &Node,
    path: &[String],
    create: Option<Kind>,
) -> Result<(), Error> {
    let is_document = |node: &Node, length: usize| {
        let found = node.lookup(&path[..length]).ok().flatten();
        found
            .filter(|field| field.kind() == Kind::Scalar)
            .is_some_and(|field| kyaml::parse(field.text()).is_ok())
    };
    let Some(length) = (1..path.len()).find(|length| is_document(node, *length)) else {
        bail!("no structured data found in path");
    };
    let Some(scalar) = node.lookup_mut(&path[..length])? else {
        bail!("no structured data found in path");
    };
    let old = scalar.text().to_owned();
    let Some(mut document) = kyaml::parse(&old)? else {
        bail!("no structured data found in path");
    };
    let count = kyaml::match_path(&mut document.root, &path[length..], create, &mut |place| {
        put(place, value);
        Ok(())
    })?;
    if count == 0 {
        bail!("unable to find field in structured data");
    }
    let new = if old.trim_start().starts_with(['{', '[']) {
        as_json(&document.root, &old)?
    } else {
        styled(&document)?.trim().to_owned()
    };
    scalar.set_text(new);
    Ok(())
}

/// The document as JSON: indented if the old text had several lines and was indented.
fn as_json(root: &Node, old: &str) -> Result<String, Error> {
    let value: Value = root.to_json()?;
    Ok(if old.contains('\n') && old.contains("  ") {
        json_text::indented(&value)
    } else {
        json_text::compact(&value)
    })
}

/// The document as it was written, comments around it included.
fn styled(document: &Document) -> Result<String, Error> {
    let mut out = String::new();
    if !document.head_comment.is_empty() {
        out.push_str(&document.head_comment);
        out.push_str("\n\n");
    }
    out.push_str(&document.root.to_styled()?);
    if !document.foot_comment.is_empty() {
        out.push('\n');
        out.push_str(&document.foot_comment);
        out.push('\n');
    }
    Ok(out)
}
