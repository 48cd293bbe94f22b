//! The OpenAPI facts that merging needs: fields, items, patch strategies, merge keys, scopes.
//!
//! Source: kyaml v0.21 `openapi/openapi.go`.

mod table;
mod user;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::Error;
use crate::node::Text;

/// Schemas of resource types: the built-in ones, those of a user, or both in layers. It is a value of
/// one build; nothing is global but the parsed built-in table.
#[derive(Debug, Default)]
pub struct Schema {
    nodes: Vec<Place>,
    definitions: HashMap<Text, u32>,
    /// Resource types by apiVersion and kind.
    resources: HashMap<(Text, Text), u32>,
    /// Whether a type is namespaced, by apiVersion and kind.
    namespaced: HashMap<(Text, Text), bool>,
    base: Option<Arc<Self>>,
}

#[derive(Debug, Default)]
struct Shape {
    fields: Vec<(Text, Target)>,
    additional: Option<Target>,
    items: Option<Target>,
    array: bool,
    strategy: Text,
    key: Text,
    map_keys: Vec<Text>,
    /// The definition that stands in for all of this.
    reference: Option<Text>,
}

/// A shape, or the line of the built-in table that it is read from when it is needed.
#[derive(Debug)]
struct Place {
    shape: OnceLock<Shape>,
    line: &'static str,
}

impl Place {
    fn of(shape: Shape) -> Self {
        Self {
            shape: OnceLock::from(shape),
            line: "",
        }
    }

    fn unread(line: &'static str) -> Self {
        Self {
            shape: OnceLock::new(),
            line,
        }
    }

    fn shape(&self) -> &Shape {
        self.shape.get_or_init(|| table::shape(self.line))
    }
}

/// References that lead to references are followed this often.
const MOST_REFERENCES: usize = 32;

/// Where a field's schema is.
#[derive(Clone, Debug)]
enum Target {
    Node(u32),
    /// A definition by name, of this layer or one below.
    Definition(Text),
}

/// The schema of one place in an object.
#[derive(Clone, Copy, Debug)]
pub struct SchemaRef<'a> {
    /// Where definitions are looked up: what a layer above defines counts for the layers below it too.
    root: &'a Schema,
    /// The layer that the node is of.
    schema: &'a Schema,
    node: u32,
}

impl Schema {
    /// The built-in schema: Kubernetes v1.21.2, as in kustomize 5.8.
    #[must_use]
    pub fn builtin() -> Arc<Self> {
        static BUILTIN: OnceLock<Arc<Schema>> = OnceLock::new();
        Arc::clone(BUILTIN.get_or_init(|| Arc::new(table::builtin())))
    }

    /// Reads an OpenAPI document in JSON or YAML. With a base, what the document lacks is found there;
    /// without, the document replaces the built-in schema, as kustomize's `openapi.path` does.
    ///
    /// # Errors
    /// [`Error::Syntax`] if the text is neither JSON nor YAML, [`Error::Invalid`] if it is no OpenAPI.
    pub fn from_openapi(text: &str, base: Option<Arc<Self>>) -> Result<Self, Error> {
        user::read(text, base)
    }

    /// The built-in schema on top of another one, which then only fills gaps: what upstream ends up with
    /// when scopes were asked for before the user's schema was set.
    #[must_use]
    pub fn builtin_over(base: Arc<Self>) -> Self {
        Self {
            base: Some(base),
            ..table::builtin()
        }
    }

    /// The schema of a resource type; `None` for unknown ones.
    #[must_use]
    pub fn resource(&self, api_version: &str, kind: &str) -> Option<SchemaRef<'_>> {
        let key = (Text::from(api_version), Text::from(kind));
        let mut layer = self;
        loop {
            if let Some(node) = layer.resources.get(&key) {
                return Some(SchemaRef {
                    root: self,
                    schema: layer,
                    node: *node,
                });
            }
            layer = layer.base.as_deref()?;
        }
    }

    /// Whether a resource type is namespaced; `None` for unknown ones.
    #[must_use]
    pub fn is_namespaced(&self, api_version: &str, kind: &str) -> Option<bool> {
        let key = (Text::from(api_version), Text::from(kind));
        let mut layer = self;
        loop {
            if let Some(scope) = layer.namespaced.get(&key) {
                return Some(*scope);
            }
            layer = layer.base.as_deref()?;
        }
    }

    fn definition(&self, name: &str) -> Option<SchemaRef<'_>> {
        let mut layer = self;
        loop {
            if let Some(node) = layer.definitions.get(name) {
                return Some(SchemaRef {
                    root: self,
                    schema: layer,
                    node: *node,
                });
            }
            layer = layer.base.as_deref()?;
        }
    }
}

impl<'a> SchemaRef<'a> {
    fn follow(self, target: &Target) -> Option<Self> {
        let mut found = match target {
            Target::Node(node) => Self {
                node: *node,
                ..self
            },
            Target::Definition(name) => self.root.definition(name)?,
        };
        for _ in 0..MOST_REFERENCES {
            match &found.shape().reference {
                Some(name) => found = self.root.definition(name)?,
                None => return Some(found),
            }
        }
        None
    }

    fn shape(self) -> &'a Shape {
        self.schema.nodes[self.node as usize].shape()
    }

    /// The schema of a field, or that of all fields if they are alike.
    #[must_use]
    pub fn field(self, name: &str) -> Option<Self> {
        let shape = self.shape();
        let found = shape
            .fields
            .binary_search_by(|(field, _)| field.as_str().cmp(name));
        let target = match found {
            Ok(at) => &shape.fields[at].1,
            Err(_) => shape.additional.as_ref()?,
        };
        self.follow(target)
    }

    /// The schema of an array's items.
    #[must_use]
    pub fn elements(self) -> Option<Self> {
        let shape = self.shape();
        let target = shape.items.as_ref().filter(|_| shape.array)?;
        self.follow(target)
    }

    /// The patch strategy, such as `merge` or `merge,retainKeys`; empty without one.
    #[must_use]
    pub fn strategy(self) -> &'a str {
        &self.shape().strategy
    }

    /// Whether lists are merged item by item.
    #[must_use]
    pub fn merges(self) -> bool {
        self.strategy()
            .split(',')
            .any(|strategy| strategy == "merge")
    }

    /// The fields that tell items apart: the list map keys, else the merge key, else none.
    #[must_use]
    pub fn merge_keys(self) -> Vec<&'a str> {
        let shape = self.shape();
        if shape.strategy.is_empty() {
            return Vec::new();
        }
        if !shape.map_keys.is_empty() {
            return shape.map_keys.iter().map(Text::as_str).collect();
        }
        Some(shape.key.as_str())
            .filter(|key| !key.is_empty())
            .into_iter()
            .collect()
    }
}

/// A schema that a comment brings along.
#[derive(Debug)]
pub(crate) struct CommentSchema(Schema);

impl CommentSchema {
    /// Reads the first of the given comments that is not empty, if it holds a schema as JSON.
    pub(crate) fn read(comments: [&str; 2], base: &Arc<Schema>) -> Option<Self> {
        let comment = comments.into_iter().find(|comment| !comment.is_empty())?;
        let text = comment.trim_start_matches('#');
        user::read_comment(text, base).map(Self)
    }

    pub(crate) fn root(&self) -> SchemaRef<'_> {
        // A reference that leads nowhere is a schema without any fields.
        let root = SchemaRef {
            root: &self.0,
            schema: &self.0,
            node: 0,
        };
        root.follow(&Target::Node(0)).unwrap_or(root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_merge_keys_of_built_in_types() {
        let schema = Schema::builtin();
        let pod = schema.resource("apps/v1", "Deployment");
        let pod = pod
            .and_then(|s| s.field("spec")?.field("template")?.field("spec"))
            .unwrap();
        let containers = pod.field("containers").unwrap();
        assert!(containers.merges());
        assert_eq!(containers.merge_keys(), ["name"]);
        let ports = containers
            .elements()
            .and_then(|c| c.field("ports"))
            .unwrap();
        assert_eq!(ports.merge_keys(), ["containerPort", "protocol"]);
        assert!(!pod.field("tolerations").unwrap().merges());
        assert!(schema.resource("example.com/v1", "Deployment").is_none());
    }

    #[test]
    fn knows_scopes() {
        let schema = Schema::builtin();
        assert_eq!(schema.is_namespaced("v1", "Namespace"), Some(false));
        assert_eq!(schema.is_namespaced("apps/v1", "Deployment"), Some(true));
        assert_eq!(schema.is_namespaced("example.com/v1", "Thing"), None);
    }

    #[test]
    fn user_schemas_replace_or_extend_the_built_in_one() {
        let text = r##"{"definitions": {"v1.Thing": {
            "properties": {"list": {"type": "array", "items": {"$ref": "#/definitions/v1.Item"},
                "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "id"}},
            "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Thing"}]},
            "v1.Item": {"properties": {"id": {"type": "string"}}}}}"##;
        let alone = Schema::from_openapi(text, None).unwrap();
        let list = alone
            .resource("example.com/v1", "Thing")
            .and_then(|s| s.field("list"))
            .unwrap();
        assert_eq!(list.merge_keys(), ["id"]);
        assert!(list.elements().and_then(|item| item.field("id")).is_some());
        assert!(alone.resource("apps/v1", "Deployment").is_none());
        let layered = Schema::from_openapi(text, Some(Schema::builtin())).unwrap();
        assert!(layered.resource("apps/v1", "Deployment").is_some());
    }
}
