//! An object of any kind, as JSON, and what names it.

use std::fmt;

use serde_json::{Map, Value};

use crate::live::{self, Digest};

/// A group and a kind in it, written `group/Kind`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupKind {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind.
    pub kind: String,
}

/// What identifies an object in a cluster, whatever the version it is read in.
///
/// Prints as messages name it: `Kind/namespace/name`, or `Kind/name` without a namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectRef {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The namespace; empty for objects of the cluster.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            namespace,
            name,
            ..
        } = self;
        if namespace.is_empty() {
            write!(f, "{kind}/{name}")
        } else {
            write!(f, "{kind}/{namespace}/{name}")
        }
    }
}

/// `/spec/ports/0/x` as the API server writes it, `.spec.ports[0].x`.
fn path(pointer: &str) -> String {
    let segments = pointer.split('/').skip(1);
    let segment = |key: &str| match key.parse::<usize>() {
        Ok(number) => format!("[{number}]"),
        Err(_) => format!(".{}", key.replace("~1", "/").replace("~0", "~")),
    };
    segments.map(segment).collect()
}

/// A JSON value that lacks what every object has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a Kubernetes object: {0} is missing")]
pub struct NotAnObject(pub &'static str);

/// An object: JSON with an API version, a kind and a name.
///
/// Its `Debug` shows the reference alone, so that no Secret ends in a log.
#[derive(Clone, PartialEq)]
pub struct Object {
    value: Value,
    /// JSON pointers to the fields that its built-in kind has not here; an API server of another version may know them.
    unknown: Vec<String>,
    /// What was left out of it, and the digest of what it was before.
    reduced: Option<(Vec<String>, Digest)>,
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object({})", self.reference())
    }
}

impl Object {
    /// Checks that `value` has `apiVersion`, `kind` and `metadata.name`.
    ///
    /// # Errors
    /// [`NotAnObject`] naming the first of these that is missing or not a text.
    pub fn new(value: Value) -> Result<Self, NotAnObject> {
        for (pointer, name) in [
            ("/apiVersion", "apiVersion"),
            ("/kind", "kind"),
            ("/metadata/name", "metadata.name"),
        ] {
            let text = value.pointer(pointer).and_then(Value::as_str);
            if text.is_none_or(str::is_empty) {
                return Err(NotAnObject(name));
            }
        }
        Ok(Self {
            value,
            unknown: Vec::new(),
            reduced: None,
        })
    }

    /// The JSON.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The JSON, given away.
    #[must_use]
    pub fn into_value(self) -> Value {
        self.value
    }

    /// The JSON, to be changed below what makes it an object.
    pub(crate) fn value_mut(&mut self) -> &mut Value {
        &mut self.value
    }

    /// The top-level fields.
    pub(crate) fn fields(&mut self) -> &mut Map<String, Value> {
        self.value
            .as_object_mut()
            .expect("checked when it was made")
    }

    /// The metadata.
    pub(crate) fn metadata(&mut self) -> &mut Map<String, Value> {
        self.fields()["metadata"]
            .as_object_mut()
            .expect("checked when it was made")
    }

    /// Says which fields its kind has not, as JSON pointers.
    pub(crate) fn set_unknown(&mut self, pointers: Vec<String>) {
        self.unknown = pointers;
    }

    /// Whether it has fields that its built-in kind has not here.
    pub(crate) fn has_unknown(&self) -> bool {
        !self.unknown.is_empty()
    }

    /// The same without these fields; `None` if there are none.
    pub(crate) fn without_unknown(&self) -> Option<Self> {
        let mut value = self.value.clone();
        let mut left_out = Vec::new();
        for pointer in &self.unknown {
            let (parent, key) = pointer.rsplit_once('/')?;
            let parent = value.pointer_mut(parent).and_then(Value::as_object_mut);
            let key = key.replace("~1", "/").replace("~0", "~");
            if parent.is_some_and(|parent| parent.remove(&key).is_some()) {
                left_out.push(path(pointer));
            }
        }
        (!left_out.is_empty()).then(|| Self {
            value,
            unknown: Vec::new(),
            reduced: Some((left_out, self.digest())),
        })
    }

    /// The fields that were left out of it, as `.spec.field`.
    pub(crate) fn left_out(&self) -> &[String] {
        self.reduced.as_ref().map_or(&[], |(paths, _)| paths)
    }

    /// The digest of what is wanted, with the fields that were left out.
    pub(crate) fn digest(&self) -> Digest {
        match &self.reduced {
            Some((_, digest)) => *digest,
            None => live::digest(&self.value),
        }
    }

    fn text(&self, pointer: &str) -> &str {
        self.value
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// `group/version`, or the version alone in the core group.
    #[must_use]
    pub fn api_version(&self) -> &str {
        self.text("/apiVersion")
    }

    /// The API group; empty for the core group.
    #[must_use]
    pub fn group(&self) -> &str {
        split_api_version(self.api_version()).0
    }

    /// The version within the group.
    #[must_use]
    pub fn version(&self) -> &str {
        split_api_version(self.api_version()).1
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text("/kind")
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// The namespace; empty where there is none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.text("/metadata/namespace")
    }

    /// The identity that the API server gave to it; empty for an object that is not there yet.
    #[must_use]
    pub fn uid(&self) -> &str {
        self.text("/metadata/uid")
    }

    /// The version that the API server gave to it; empty for an object that is not there yet.
    #[must_use]
    pub fn resource_version(&self) -> &str {
        self.text("/metadata/resourceVersion")
    }

    /// How often the specification changed, where the kind counts it.
    #[must_use]
    pub fn generation(&self) -> Option<i64> {
        self.value.pointer("/metadata/generation")?.as_i64()
    }

    /// Whether it is on its way out.
    #[must_use]
    pub fn is_terminating(&self) -> bool {
        self.value.pointer("/metadata/deletionTimestamp").is_some()
    }

    /// The label `key`.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&str> {
        self.value
            .get("metadata")?
            .get("labels")?
            .get(key)?
            .as_str()
    }

    /// The annotation `key`.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.value
            .get("metadata")?
            .get("annotations")?
            .get(key)?
            .as_str()
    }

    /// Whether the label or annotation `key` is `value`, without regard to case.
    #[must_use]
    pub fn is_marked(&self, key: &str, value: &str) -> bool {
        [self.label(key), self.annotation(key)]
            .into_iter()
            .flatten()
            .any(|found| found.eq_ignore_ascii_case(value))
    }

    /// What identifies it.
    #[must_use]
    pub fn reference(&self) -> ObjectRef {
        ObjectRef {
            group: self.group().to_owned(),
            kind: self.kind().to_owned(),
            namespace: self.namespace().to_owned(),
            name: self.name().to_owned(),
        }
    }

    /// Sets text entries below `metadata.<map>`, over what is there. What is there counts as Go reads it: nothing is
    /// an empty text, and where anything else is no text there is no map at all.
    pub(crate) fn set_metadata<'a>(
        &mut self,
        map: &str,
        entries: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) {
        let target = self
            .metadata()
            .entry(map)
            .or_insert_with(|| Value::Object(Map::new()));
        if !target.is_object() {
            *target = Value::Object(Map::new());
        }
        if let Some(target) = target.as_object_mut() {
            if target.values().any(|it| !it.is_string() && !it.is_null()) {
                target.clear();
            }
            for value in target.values_mut().filter(|value| value.is_null()) {
                *value = Value::String(String::new());
            }
            for (key, value) in entries {
                target.insert(key.to_owned(), Value::String(value.to_owned()));
            }
        }
    }
}

/// `apps/v1` to `("apps", "v1")`, `v1` to `("", "v1")`.
pub(crate) fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// The reverse of [`split_api_version`].
pub(crate) fn join_api_version(group: &str, version: &str) -> String {
    if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    }
}
