//! Fields that OpenAPI definitions of custom resources mark, given by `crds`.

use serde_json::{Map, Value};

use super::{NameReference, TransformerConfig, merge_all};
use crate::error::{Context as _, Error, ErrorKind, bail};
use crate::field_spec::FieldSpec;
use crate::id::Gvk;
use crate::loader::Loader;

/// Definitions that one definition may lead through.
const MAX_DEPTH: usize = 64;

/// Properties that all files together may visit.
const MAX_VISITS: usize = 1_000_000;

/// Reads the listed files.
///
/// # Errors
/// A file cannot be read, or its definitions refer to themselves.
pub(crate) fn from_crds(loader: &Loader<'_>, files: &[String]) -> Result<TransformerConfig, Error> {
    let mut config = TransformerConfig::default();
    let mut visits = 0;
    for file in files {
        let bytes = loader.load(file)?;
        let definitions = parse(&bytes)
            .within(|| format!("unable to parse open API definition from '{file}'"))?;
        for (name, definition) in &definitions {
            let Some(properties) = properties(definition) else {
                continue;
            };
            if !["kind", "apiVersion", "metadata"]
                .iter()
                .all(|field| properties.contains_key(*field))
            {
                continue;
            }
            let mut visit = Visit {
                definitions: &definitions,
                kind: name.rsplit('.').next().unwrap_or(name),
                config: &mut config,
                visits: &mut visits,
                path: Vec::new(),
            };
            visit.definition(name, 0)?;
        }
        config.sort();
    }
    Ok(config)
}

fn parse(bytes: &[u8]) -> Result<Map<String, Value>, Error> {
    let value = if bytes.first() == Some(&b'{') {
        serde_json::from_slice(bytes).map_err(|error| Error::new(error.to_string()))?
    } else {
        crate::yaml::converted(bytes)?
    };
    match value {
        Value::Object(definitions) => Ok(definitions),
        Value::Null => Ok(Map::new()),
        _ => bail!(
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal into Go value of type accumulator.nameToApiMap"
        ),
    }
}

fn get<'a>(object: &'a Value, key: &str) -> Option<&'a Value> {
    let object = object.as_object()?;
    object.get(key).or_else(|| {
        object
            .iter()
            .find(|(k, _)| k.eq_ignore_ascii_case(key))
            .map(|(_, v)| v)
    })
}

fn properties(definition: &Value) -> Option<&Map<String, Value>> {
    get(get(definition, "Schema")?, "properties")?.as_object()
}

struct Visit<'a> {
    definitions: &'a Map<String, Value>,
    kind: &'a str,
    config: &'a mut TransformerConfig,
    visits: &'a mut usize,
    path: Vec<String>,
}

impl Visit<'_> {
    fn definition(&mut self, name: &str, depth: usize) -> Result<(), Error> {
        let Some(properties) = self.definitions.get(name).and_then(properties) else {
            return Ok(());
        };
        if depth > MAX_DEPTH {
            return Err(Error::of_kind(
                ErrorKind::Limit,
                format!("open API definitions are nested too deeply at {name}"),
            ));
        }
        for (field, property) in properties {
            *self.visits += 1;
            if *self.visits > MAX_VISITS {
                return Err(Error::of_kind(
                    ErrorKind::Limit,
                    "open API definitions have too many properties",
                ));
            }
            self.path.push(field.clone());
            self.property(property)?;
            if let Some(reference) = property.get("$ref").and_then(Value::as_str) {
                self.definition(reference, depth + 1)?;
            }
            self.path.pop();
        }
        Ok(())
    }

    fn property(&mut self, property: &Value) -> Result<(), Error> {
        let extension = |name: &str| get(property, name).and_then(Value::as_str);
        let spec = self.spec(None);
        let marks = [
            (
                "x-kubernetes-annotation",
                &mut self.config.common_annotations,
            ),
            (
                "x-kubernetes-label-selector",
                &mut self.config.common_labels,
            ),
            ("x-kubernetes-identity", &mut self.config.name_prefix),
        ];
        for (name, list) in marks {
            if extension(name).is_some() {
                *list = merge_all(std::mem::take(list), std::slice::from_ref(&spec))?;
            }
        }
        let version = extension("x-kubernetes-object-ref-api-version");
        let kind = extension("x-kubernetes-object-ref-kind");
        if let (Some(version), Some(kind)) = (version, kind) {
            let key = extension("x-kubernetes-object-ref-name-key").unwrap_or("name");
            let referrer = self.spec(Some(key));
            self.config.add_reference(&NameReference {
                gvk: Gvk {
                    group: String::new(),
                    version: version.to_owned(),
                    kind: kind.to_owned(),
                },
                referrers: vec![referrer],
            })?;
        }
        Ok(())
    }

    fn spec(&self, key: Option<&str>) -> FieldSpec {
        let mut path = self.path.join("/");
        if let Some(key) = key {
            path = format!("{path}/{key}");
        }
        let gvk = Gvk {
            kind: self.kind.to_owned(),
            ..Gvk::default()
        };
        FieldSpec::new(gvk, path, false)
    }
}
