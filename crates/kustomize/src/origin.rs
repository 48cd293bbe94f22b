//! Where resources come from and what changed them, for `buildMetadata`.

use kyaml::Node;

use crate::error::Error;
use crate::path;
use crate::repo_spec::RepoSpec;
use crate::resource::{ORIGIN, Resource, TRANSFORMATIONS};

/// The origin of a resource, or of what changed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) path: String,
    pub(crate) repo: String,
    pub(crate) reference: String,
    pub(crate) configured_in: String,
    pub(crate) configured_by: ConfiguredBy,
}

/// The configuration object of a generator or transformer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ConfiguredBy {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
}

impl Origin {
    /// The origin of what this entry of a file at this origin leads to.
    pub(crate) fn below(&self, entry: &str) -> Self {
        let mut origin = self.clone();
        match RepoSpec::parse(entry) {
            Ok(spec) => {
                origin.repo = spec.clone_url();
                origin.path = path::join("", &spec.directory);
                origin.reference = spec.reference;
            }
            Err(_) => origin.path = path::join(&origin.path, entry),
        }
        origin
    }

    /// The origin of what a built-in generator or transformer of a file does.
    pub(crate) fn configured_by_builtin(&self, file: &str, kind: &str) -> Self {
        Self {
            repo: self.repo.clone(),
            reference: self.reference.clone(),
            configured_in: path::join(&self.path, file),
            configured_by: ConfiguredBy {
                api_version: "builtin".to_owned(),
                kind: kind.to_owned(),
                ..ConfiguredBy::default()
            },
            path: String::new(),
        }
    }

    /// The origin of what a plugin does, from its configuration's own origin.
    ///
    /// # Errors
    /// That origin is malformed.
    pub(crate) fn of_plugin(config: &Resource) -> Result<Option<Self>, Error> {
        Ok(Self::of(config)?.map(|origin| {
            let node = config.node();
            Self {
                repo: origin.repo,
                reference: origin.reference,
                configured_in: origin.path,
                configured_by: ConfiguredBy {
                    api_version: node.api_version().to_owned(),
                    kind: node.object_kind().to_owned(),
                    name: node.name().to_owned(),
                    namespace: node.namespace().to_owned(),
                },
                path: String::new(),
            }
        }))
    }

    /// Reads a resource's origin.
    ///
    /// # Errors
    /// It is malformed.
    pub(crate) fn of(resource: &Resource) -> Result<Option<Self>, Error> {
        let Some(text) = resource.node().annotation(ORIGIN) else {
            return Ok(None);
        };
        let root = kyaml::parse(text)?.map(|document| document.root);
        let field = |names: &[&str]| {
            let node = root.as_ref().and_then(|root| root.at(names));
            node.map(Node::text).unwrap_or_default().to_owned()
        };
        Ok(Some(Self {
            path: field(&["path"]),
            repo: field(&["repo"]),
            reference: field(&["ref"]),
            configured_in: field(&["configuredIn"]),
            configured_by: ConfiguredBy {
                api_version: field(&["configuredBy", "apiVersion"]),
                kind: field(&["configuredBy", "kind"]),
                name: field(&["configuredBy", "name"]),
                namespace: field(&["configuredBy", "namespace"]),
            },
        }))
    }

    fn to_node(&self) -> Node {
        fn strings<'a>(pairs: impl IntoIterator<Item = (&'static str, &'a String)>) -> Node {
            let set = pairs.into_iter().filter(|(_, value)| !value.is_empty());
            Node::mapping_of(set.map(|(key, value)| (key, Node::string(value.as_str()))))
        }
        let mut node = strings([
            ("path", &self.path),
            ("repo", &self.repo),
            ("ref", &self.reference),
            ("configuredIn", &self.configured_in),
        ]);
        if self.configured_by != ConfiguredBy::default() {
            let by = &self.configured_by;
            let by = strings([
                ("apiVersion", &by.api_version),
                ("kind", &by.kind),
                ("name", &by.name),
                ("namespace", &by.namespace),
            ]);
            node.put("configuredBy", by);
        }
        node
    }

    /// The annotation's text.
    ///
    /// # Errors
    /// A part cannot be printed.
    pub(crate) fn to_text(&self) -> Result<String, Error> {
        Ok(self.to_node().to_styled()?)
    }

    /// Writes the annotation.
    ///
    /// # Errors
    /// The resource's metadata is no mapping.
    pub(crate) fn write_to(&self, resource: &mut Resource) -> Result<(), Error> {
        let mut annotations = resource.node().annotations();
        annotations.insert(ORIGIN.into(), self.to_text()?.into());
        resource.set_annotations(&annotations)
    }

    /// Notes that this changed a resource, or made it if it has no origin yet.
    ///
    /// # Errors
    /// An annotation is malformed.
    pub(crate) fn note_change(&self, resource: &mut Resource) -> Result<(), Error> {
        if resource.is_gone() {
            return Ok(());
        }
        if Self::of(resource)?.is_none() {
            return self.write_to(resource);
        }
        let known = resource
            .node()
            .annotation(TRANSFORMATIONS)
            .unwrap_or_default();
        let mut list = match kyaml::parse(known)? {
            Some(document) if document.root.is_sequence() => document.root,
            _ => Node::sequence(),
        };
        if let Some(items) = list.items_mut() {
            items.push(self.to_node());
        }
        let text = list.to_styled()?;
        let mut annotations = resource.node().annotations();
        annotations.insert(TRANSFORMATIONS.into(), text.into());
        resource.set_annotations(&annotations)
    }
}
