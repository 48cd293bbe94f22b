//! Config maps and secrets from literals, files and environment files.

use std::collections::BTreeMap;
use std::sync::Arc;

use kyaml::{Node, Style, Tag};

use crate::error::{Context as _, Error, bail};
use crate::go_text::{list, quote};
use crate::kustomization::{GeneratorArgs, GeneratorOptions, PairSources};
use crate::loader::Loader;
use crate::path;
use crate::resource::{Behavior, Resource};
use crate::schema::BuildSchema;
use crate::yaml;

/// The longest line of an environment file.
const MAX_LINE: usize = 64 * 1024;

/// What to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Generated {
    /// A `ConfigMap`.
    ConfigMap,
    /// A `Secret`.
    Secret,
}

/// Makes the resource.
///
/// # Errors
/// It has no name, a source is malformed or missing, or a key occurs twice.
pub(crate) fn make(
    what: Generated,
    args: &GeneratorArgs,
    loader: &Loader<'_>,
    schema: &Arc<BuildSchema>,
) -> Result<Resource, Error> {
    let common = &args.common;
    let kind = match what {
        Generated::ConfigMap => "ConfigMap",
        Generated::Secret => "Secret",
    };
    if common.name.is_empty() {
        bail!("a configmap must have a name");
    }
    let mut node = Node::mapping_of([
        ("apiVersion", Node::scalar_of("v1")),
        ("kind", Node::scalar_of(kind)),
    ]);
    let metadata = node.child_mapping("metadata")?;
    metadata.set_field("name", Node::string(common.name.as_str()))?;
    if !common.namespace.is_empty() {
        metadata.set_field("namespace", Node::string(common.namespace.as_str()))?;
    }
    if what == Generated::Secret {
        let secret_type = Some(args.secret_type.as_str()).filter(|text| !text.is_empty());
        node.set_field("type", Node::string(secret_type.unwrap_or("Opaque")))?;
    }
    let data = data(loader, &common.name, &common.sources)?;
    write_data(&mut node, what, data)?;
    if let Some(options) = &common.options {
        write_options(&mut node, options)?;
    }
    let mut resource = Resource::new(node, Arc::clone(schema))?;
    resource.history.behavior = Some(Behavior::of(&common.behavior));
    let options = common.options.as_ref();
    resource.history.needs_hash = !options.is_some_and(|options| options.disable_name_suffix_hash);
    Ok(resource)
}

fn write_data(
    node: &mut Node,
    what: Generated,
    data: BTreeMap<String, Vec<u8>>,
) -> Result<(), Error> {
    if what == Generated::Secret {
        node.child_mapping("data")?;
    }
    for (key, bytes) in data {
        let (field, text) = match (what, String::from_utf8(bytes)) {
            (Generated::ConfigMap, Ok(text)) => ("data", text),
            (Generated::ConfigMap, Err(error)) => {
                ("binaryData", kyaml::wrapped_base64(error.as_bytes()))
            }
            (Generated::Secret, text) => {
                let bytes = text.map_or_else(|error| error.into_bytes(), String::into_bytes);
                ("data", kyaml::wrapped_base64(&bytes))
            }
        };
        node.child_mapping(field)?
            .set_field(&key, Node::string(text))?;
    }
    Ok(())
}

fn write_options(node: &mut Node, options: &GeneratorOptions) -> Result<(), Error> {
    for (field, pairs) in [
        ("labels", &options.labels),
        ("annotations", &options.annotations),
    ] {
        for (key, value) in pairs {
            node.child_mapping("metadata")?
                .child_mapping(field)?
                .set_field(
                    key,
                    Node::string(value.as_str()).styled(Style::SINGLE_QUOTED),
                )?;
        }
    }
    if options.immutable {
        let mut flag = Node::scalar_of("true");
        flag.set_tag(Tag::Bool);
        node.set_field("immutable", flag)?;
    }
    Ok(())
}

fn data(
    loader: &Loader<'_>,
    name: &str,
    sources: &PairSources,
) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let pairs = pairs(loader, sources).within(|| "loading KV pairs")?;
    let mut data = BTreeMap::new();
    for (key, value) in pairs {
        if data.contains_key(&key) {
            bail!("configmap {name} illegally repeats the key `{key}`");
        }
        data.insert(key, value);
    }
    Ok(data)
}

fn pairs(loader: &Loader<'_>, sources: &PairSources) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut pairs = Vec::new();
    for file in &sources.envs {
        let load = || env_pairs(&loader.load(file)?);
        pairs.extend(load().within(|| format!("env source files: {}", list(&sources.envs)))?);
    }
    for literal in &sources.literals {
        let literal = yaml::after_text(literal);
        let pair = literal_pair(&literal)
            .within(|| format!("literal sources {}", list(&sources.literals)))?;
        pairs.push((pair.0.to_owned(), pair.1.as_bytes().to_vec()));
    }
    for source in &sources.files {
        let load = || {
            let (key, file) = file_source(source)?;
            Ok::<_, Error>((key.to_owned(), loader.load(file)?.to_vec()))
        };
        pairs.push(load().within(|| format!("file sources: {}", list(&sources.files)))?);
    }
    Ok(pairs)
}

fn literal_pair(literal: &str) -> Result<(&str, &str), Error> {
    match literal.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key, unquoted(value))),
        _ => bail!("invalid literal source {literal}, expected key=value"),
    }
}

/// The text without one pair of equal quotes around it.
fn unquoted(text: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(text)
}

/// Key and path of `key=path` or `path`.
///
/// # Errors
/// Either is missing, or there is more than one `=`.
pub(crate) fn file_source(source: &str) -> Result<(&str, &str), Error> {
    match source.split_once('=') {
        None => Ok((path::base(source), source)),
        Some((_, rest)) if rest.contains('=') => bail!(
            "source {} key name or file path contains '='",
            quote(source)
        ),
        Some(("", path)) => bail!(
            "missing key name for file path {} in source {}",
            quote(path),
            quote(source)
        ),
        Some((key, "")) => bail!(
            "missing file path for key name {} in source {}",
            quote(key),
            quote(source)
        ),
        Some((key, path)) => Ok((key, path)),
    }
}

/// The pairs of an environment file. At a line that is too long it silently ends, as users of the
/// original know it.
///
/// # Errors
/// A line is not UTF-8.
pub(crate) fn env_pairs(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut pairs = Vec::new();
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.len() >= MAX_LINE {
            break;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Ok(mut text) = std::str::from_utf8(line) else {
            let numbers: Vec<String> = line.iter().map(u8::to_string).collect();
            bail!(
                "line [{}] has invalid utf8 bytes : {}",
                numbers.join(" "),
                String::from_utf8_lossy(line)
            );
        };
        if number == 0 {
            text = text.strip_prefix('\u{feff}').unwrap_or(text);
        }
        text = text.trim_start();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        if !key.is_empty() {
            pairs.push((key.to_owned(), value.as_bytes().to_vec()));
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_environment_files() {
        let pairs = env_pairs("\u{feff}# x\n  a=1 \nb\n=c\nd=e=f\r\n".as_bytes()).expect("reads");
        let pairs: Vec<(&str, &[u8])> = pairs.iter().map(|(k, v)| (k.as_str(), &**v)).collect();
        assert_eq!(pairs, [("a", &b"1 "[..]), ("b", b""), ("d", b"e=f")]);
    }

    #[test]
    fn strips_one_pair_of_quotes() {
        for (text, expected) in [("\"a\"", "a"), ("'a'", "a"), ("'a\"", "'a\""), ("\"", "\"")] {
            assert_eq!(unquoted(text), expected);
        }
    }

    #[test]
    fn splits_file_sources() {
        assert_eq!(file_source("d/f.txt"), Ok(("f.txt", "d/f.txt")));
        assert_eq!(file_source("k=f.txt"), Ok(("k", "f.txt")));
        assert!(
            file_source("=f").is_err()
                && file_source("k=").is_err()
                && file_source("a=b=c").is_err()
        );
    }
}
