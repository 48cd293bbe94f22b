//! Kubernetes objects: type, name and metadata of a node.

use std::collections::BTreeMap;

use super::{Node, Text};
use crate::Error;

/// The identifying metadata of an object; missing fields are empty.
///
/// Source: kyaml v0.21 `yaml/rnode.go` `GetMeta`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// `apiVersion`.
    pub api_version: Text,
    /// `kind`.
    pub kind: Text,
    /// `metadata.name`.
    pub name: Text,
    /// `metadata.namespace`.
    pub namespace: Text,
}

impl Node {
    fn field_text(&self, key: &str) -> &str {
        self.get(key).map_or("", Self::text)
    }

    fn metadata(&self) -> Option<&Self> {
        self.get("metadata").filter(|meta| !meta.is_null_or_empty())
    }

    fn metadata_text(&self, key: &str) -> &str {
        let field = self.metadata().and_then(|meta| meta.get(key));
        field
            .filter(|f| !f.is_null_or_empty())
            .map_or("", Self::text)
    }

    /// `apiVersion`, or empty.
    #[must_use]
    pub fn api_version(&self) -> &str {
        self.field_text("apiVersion")
    }

    /// `kind`, or empty.
    #[must_use]
    pub fn object_kind(&self) -> &str {
        self.field_text("kind")
    }

    /// `metadata.name`, or empty.
    #[must_use]
    pub fn name(&self) -> &str {
        self.metadata_text("name")
    }

    /// `metadata.namespace`, or empty.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.metadata_text("namespace")
    }

    /// Type and name together.
    #[must_use]
    pub fn meta(&self) -> Meta {
        let text = |key: &str| {
            let field = self.get(key).filter(|f| !f.is_null_or_empty());
            Text::from(field.map_or("", Self::text))
        };
        Meta {
            api_version: text("apiVersion"),
            kind: text("kind"),
            name: self.name().into(),
            namespace: self.namespace().into(),
        }
    }

    /// `metadata.labels`: the text of every value.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<Text, Text> {
        self.metadata_map("labels")
    }

    /// `metadata.annotations`: the text of every value.
    #[must_use]
    pub fn annotations(&self) -> BTreeMap<Text, Text> {
        self.metadata_map("annotations")
    }

    /// One annotation's text.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        let map = self.metadata()?.get("annotations")?;
        map.get(key).map(Self::text)
    }

    fn metadata_map(&self, field: &str) -> BTreeMap<Text, Text> {
        let Some(map) = self.metadata().and_then(|meta| meta.get(field)) else {
            return BTreeMap::new();
        };
        let entries = map.entries().iter();
        let entries = entries.map(|entry| (&entry.key, &entry.value));
        // Upstream takes a list for keys and values in turn.
        let pairs = map.items().chunks_exact(2);
        let pairs = pairs.map(|pair| (&pair[0], &pair[1]));
        entries
            .chain(pairs)
            .map(|(key, value)| (key.text().into(), value.text().into()))
            .collect()
    }

    /// Sets `kind`.
    ///
    /// # Errors
    /// [`Error::WrongKind`] if this is no mapping.
    pub fn set_object_kind(&mut self, kind: &str) -> Result<(), Error> {
        self.set_field("kind", Self::scalar_of(kind))
    }

    /// Sets `apiVersion`.
    ///
    /// # Errors
    /// [`Error::WrongKind`] if this is no mapping.
    pub fn set_api_version(&mut self, version: &str) -> Result<(), Error> {
        self.set_field("apiVersion", Self::scalar_of(version))
    }

    /// Sets `metadata.name`.
    ///
    /// # Errors
    /// [`Error::WrongKind`] if this or `metadata` is no mapping.
    pub fn set_name(&mut self, name: &str) -> Result<(), Error> {
        let meta = self.child_mapping("metadata")?;
        meta.set_field("name", Self::scalar_of(name))
    }

    /// Sets `metadata.namespace`; an empty one removes the field.
    ///
    /// # Errors
    /// [`Error::WrongKind`] if this or `metadata` is no mapping.
    pub fn set_namespace(&mut self, namespace: &str) -> Result<(), Error> {
        if namespace.is_empty() {
            if let Some(meta) = self.get_mut("metadata") {
                meta.remove("namespace");
            }
            return Ok(());
        }
        let meta = self.child_mapping("metadata")?;
        meta.set_field("namespace", Self::scalar_of(namespace))
    }

    /// Replaces `metadata.labels`: strings, sorted by key; an empty map removes the field.
    ///
    /// # Errors
    /// [`Error::WrongKind`] if this or `metadata` is no mapping.
    pub fn set_labels(&mut self, labels: &BTreeMap<Text, Text>) -> Result<(), Error> {
        self.set_metadata_map("labels", labels)
    }

    /// Replaces `metadata.annotations`: strings, sorted by key; an empty map removes the field.
    ///
    /// # Errors
    /// [`Error::WrongKind`] if this or `metadata` is no mapping.
    pub fn set_annotations(&mut self, annotations: &BTreeMap<Text, Text>) -> Result<(), Error> {
        self.set_metadata_map("annotations", annotations)
    }

    fn set_metadata_map(&mut self, field: &str, map: &BTreeMap<Text, Text>) -> Result<(), Error> {
        let meta = self.child_mapping("metadata")?;
        meta.remove(field);
        if map.is_empty() {
            return Ok(());
        }
        let target = meta.child_mapping(field)?;
        map.iter()
            .try_for_each(|(key, value)| target.set_field(key, Self::string(value.clone())))
    }

    /// The mapping in a field, made if it is missing.
    ///
    /// # Errors
    /// [`Error::WrongKind`] if this is no mapping.
    pub fn child_mapping(&mut self, key: &str) -> Result<&mut Self, Error> {
        self.expect_kind(super::Kind::Mapping)?;
        if self.get(key).is_none() {
            self.put(key, Self::mapping());
        }
        Ok(self.get_mut(key).expect("the field was put above"))
    }
}
