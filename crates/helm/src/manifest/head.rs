//! What Helm looks at in an object.

use go_template::{Map, Value};

use super::skim::skim;
use crate::yaml::{Error, Target, read_typed};

/// The head of an object.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) annotations: Option<Map>,
}

const METADATA: &str = "struct { Name string \"json:\\\"name\\\"\"; Annotations map[string]string \"json:\\\"annotations\\\"\" }";

const HEAD: Target = Target::Struct(
    "util",
    "SimpleHead",
    &[
        ("apiVersion", Target::String),
        ("kind", Target::String),
        (
            "metadata",
            Target::Anonymous(
                METADATA,
                &[
                    ("name", Target::String),
                    (
                        "annotations",
                        Target::Map("map[string]string", &Target::String),
                    ),
                ],
            ),
        ),
    ],
);

fn text(map: &Map, key: &str) -> String {
    let value = map.get(key.as_bytes());
    let text = value.as_ref().and_then(Value::as_str);
    text.map_or_else(String::new, |text| text.lossy().into_owned())
}

impl Head {
    /// Reads a document.
    pub(super) fn read(document: &[u8]) -> Result<Self, Error> {
        match skim(document) {
            Some(head) => Ok(head),
            None => Self::read_in_full(document),
        }
    }

    /// Reads a document as YAML.
    pub(super) fn read_in_full(document: &[u8]) -> Result<Self, Error> {
        let map = read_typed(document, HEAD)?;
        let metadata = map.get(b"metadata");
        let metadata = metadata.as_ref().and_then(Value::as_map);
        let annotations = metadata.and_then(|it| it.get(b"annotations"));
        Ok(Self {
            api_version: text(&map, "apiVersion"),
            kind: text(&map, "kind"),
            name: metadata.map_or_else(String::new, |it| text(it, "name")),
            annotations: annotations.as_ref().and_then(Value::as_map).cloned(),
        })
    }

    /// An annotation.
    pub(super) fn annotation(&self, name: &str) -> Option<String> {
        let value = self.annotations.as_ref()?.get(name.as_bytes())?;
        value.as_str().map(|text| text.lossy().into_owned())
    }
}
