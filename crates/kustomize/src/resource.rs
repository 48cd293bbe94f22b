//! One resource of a build: its node, and what the build has to remember about it.

mod history;
mod part;
mod read;
mod shared;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use kyaml::{Node, Style, Text};

use crate::error::{Error, bail};
use crate::id::{Gvk, ResId, builtin_scope, split_api_version};
use crate::schema::BuildSchema;

pub(crate) use history::{Behavior, Former, History};
pub(crate) use part::IdPart;
pub(crate) use read::{check_metadata, read, read_text};
pub(crate) use shared::{Shared, Step};

/// The annotation that says where a resource came from.
pub(crate) const ORIGIN: &str = "config.kubernetes.io/origin";
/// The annotation that lists what changed a resource.
pub(crate) const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";

/// Annotations that a build uses or other tools leave behind, none of which is printed.
const INTERNAL: [&str; 19] = [
    history::PREVIOUS_KINDS,
    history::PREVIOUS_NAMES,
    history::PREFIXES,
    history::SUFFIXES,
    history::PREVIOUS_NAMESPACES,
    history::ALLOW_NAME_CHANGE,
    history::ALLOW_KIND_CHANGE,
    "internal.config.kubernetes.io/refBy",
    history::BEHAVIOR,
    history::NEEDS_HASH,
    "internal.config.kubernetes.io/path",
    "internal.config.kubernetes.io/index",
    "internal.config.kubernetes.io/seqindent",
    "internal.config.kubernetes.io/id",
    "internal.config.kubernetes.io/annotations-migration-resource-id",
    "config.kubernetes.io/path",
    "config.kubernetes.io/index",
    "config.k8s.io/id",
    "internal.config.kubernetes.io/helm-generated",
];

/// A resource on its way through a build.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    node: Node,
    id: ResId,
    /// The digest of what counts of the id.
    digest: u64,
    /// The kind is one of Kubernetes itself.
    builtin: bool,
    /// Former names, prefixes and the like. While the node is worked on, its annotations lack them.
    pub(crate) history: History,
    /// Scalars that one transformer wrote to several places and that later change together.
    shared: Shared,
    /// Vars that read from this resource.
    pub(crate) vars: Vec<String>,
    schema: Arc<BuildSchema>,
}

impl Resource {
    /// A resource of this node. Build annotations that it carries become its history.
    ///
    /// # Errors
    /// Those annotations contradict each other.
    pub(crate) fn new(node: Node, schema: Arc<BuildSchema>) -> Result<Self, Error> {
        let mut resource = Self {
            node,
            id: ResId::default(),
            digest: 0,
            builtin: false,
            history: History::default(),
            shared: Shared::default(),
            vars: Vec::new(),
            schema,
        };
        resource.take_history()?;
        resource.refresh();
        Ok(resource)
    }

    /// The object.
    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    /// The object, given away.
    pub(crate) fn into_node(self) -> Node {
        self.node
    }

    /// The id as the object says it now.
    pub(crate) fn id(&self) -> &ResId {
        &self.id
    }

    /// A digest of the id: the same for ids that count as the same.
    pub(crate) fn digest(&self) -> u64 {
        self.digest
    }

    /// The schemas of this build.
    pub(crate) fn schema(&self) -> &Arc<BuildSchema> {
        &self.schema
    }

    /// Group, version and kind.
    pub(crate) fn gvk(&self) -> &Gvk {
        &self.id.gvk
    }

    /// Whether a patch has deleted the resource.
    pub(crate) fn is_gone(&self) -> bool {
        self.node.is_null_or_empty()
    }

    /// Makes the id true again, after a schema came that knows more kinds.
    pub(crate) fn settle(&mut self) {
        if !self.is_gone() {
            self.refresh();
        }
    }

    fn refresh(&mut self) {
        let api_version = self.node.api_version();
        let kind = self.node.object_kind();
        let gvk = &self.id.gvk;
        let parts = (gvk.group.as_str(), gvk.version.as_str());
        let same = gvk.kind == kind && parts == split_api_version(api_version);
        let mut changed = !same || self.digest == 0;
        if !same {
            self.id.gvk = Gvk::of(api_version, kind);
        }
        // A schema that the build got meanwhile may know a kind that Kubernetes does not.
        if !same || !self.builtin {
            self.builtin = builtin_scope(api_version, kind).is_some();
            let scope = self.schema.is_cluster_scoped(api_version, kind);
            changed |= scope != self.id.cluster_scoped;
            self.id.cluster_scoped = scope;
        }
        if self.id.name != self.node.name() {
            self.node.name().clone_into(&mut self.id.name);
            changed = true;
        }
        if self.id.namespace != self.node.namespace() {
            self.node.namespace().clone_into(&mut self.id.namespace);
            changed = true;
        }
        if changed {
            let id = &self.id;
            let mut hasher = DefaultHasher::new();
            (&id.gvk, &id.name, id.effective_namespace()).hash(&mut hasher);
            self.digest = hasher.finish();
        }
    }

    /// Changes the node. Scalars that were written together stay equal.
    ///
    /// # Errors
    /// Those of `change`.
    pub(crate) fn edit<T>(
        &mut self,
        change: impl FnOnce(&mut Node) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let before = self.shared.scalars(&self.node);
        let result = change(&mut self.node);
        self.shared.spread(&mut self.node, &before, None);
        self.refresh();
        result
    }

    /// Writes one label or annotation at every place that `change` finds. The places where it was
    /// added, and not merely changed, stay linked: `change` returns their paths.
    ///
    /// # Errors
    /// Those of `change`.
    pub(crate) fn edit_linked(
        &mut self,
        change: impl FnOnce(&mut Node) -> Result<Vec<Vec<Step>>, Error>,
    ) -> Result<(), Error> {
        let added = self.edit(change)?;
        self.shared.link(added);
        Ok(())
    }

    /// Replaces the node by what a patch made of it.
    ///
    /// # Errors
    /// Those of `merge`.
    pub(crate) fn edit_by_patch(
        &mut self,
        patch: &Node,
        merge: impl FnOnce(Node) -> Result<Option<Node>, Error>,
    ) -> Result<(), Error> {
        let touches = patch.at(&["metadata", "annotations"]).is_some()
            || patch.at(&["metadata", "$patch"]).is_some()
            || patch.get("$patch").is_some();
        if touches {
            self.show_history()?;
        }
        let before = self.shared.scalars(&self.node);
        let node = std::mem::replace(&mut self.node, Node::null());
        let result = merge(node);
        if let Ok(Some(node)) = result {
            self.node = node;
            self.shared.spread(&mut self.node, &before, Some(patch));
        } else {
            result?;
        }
        if touches && !self.is_gone() {
            self.take_history()?;
        }
        self.refresh();
        Ok(())
    }

    /// Replaces the node by a new one made from it; nothing in it stays linked.
    ///
    /// # Errors
    /// Those of `make`.
    pub(crate) fn rebuild(
        &mut self,
        make: impl FnOnce(Node) -> Result<Node, Error>,
    ) -> Result<(), Error> {
        let before = self.history.clone();
        self.show_history()?;
        self.node = make(std::mem::replace(&mut self.node, Node::null()))?;
        // The original puts its annotations back after such a patch, and writes all of them anew.
        self.rewrite_annotations()?;
        self.shared = Shared::default();
        self.take_history()?;
        self.history = before;
        self.refresh();
        Ok(())
    }

    /// Changes fields that may be those of the annotations, where the original keeps the history.
    ///
    /// # Errors
    /// Those of `change`.
    pub(crate) fn edit_with_history<T>(
        &mut self,
        change: impl FnOnce(&mut Node) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let before = self.history.clone();
        self.show_history()?;
        let result = self.edit(change)?;
        self.take_history()?;
        self.history.nameless |= before.nameless;
        self.history.contradictory |= before.contradictory;
        Ok(result)
    }

    /// Checks that there is a value for each annotation. A list is taken for keys and values in turn; the
    /// original crashes where the last one is a key.
    fn check_annotations(&self) -> Result<(), Error> {
        let annotations = self.node.at(&["metadata", "annotations"]);
        if annotations.is_some_and(|list| list.items().len() % 2 == 1) {
            bail!("metadata.annotations of {} is no mapping", self.id);
        }
        Ok(())
    }

    /// Writes all annotations anew: as strings, in order.
    ///
    /// # Errors
    /// `metadata` is no mapping.
    pub(crate) fn rewrite_annotations(&mut self) -> Result<(), Error> {
        self.check_annotations()?;
        let annotations = self.node.annotations();
        self.set_annotations(&annotations)
    }

    /// Writes the history into the annotations, as it is seen by patches and in messages.
    fn show_history(&mut self) -> Result<(), Error> {
        for (key, value) in self.history.annotations() {
            let metadata = self.node.child_mapping("metadata")?;
            if metadata
                .get("annotations")
                .is_some_and(Node::is_null_or_empty)
            {
                metadata.remove("annotations");
            }
            let mut text = Node::string(value);
            if history::is_list(key) {
                text.set_style(Style::SINGLE_QUOTED);
            }
            let annotations = metadata.child_mapping("annotations")?;
            annotations.set_field(key, text)?;
        }
        Ok(())
    }

    /// Moves the history from the annotations to where it is kept.
    fn take_history(&mut self) -> Result<(), Error> {
        let Some(metadata) = self.node.get_mut("metadata") else {
            self.history = History::default();
            return Ok(());
        };
        let Some(annotations) = metadata.get_mut("annotations") else {
            self.history = History::default();
            return Ok(());
        };
        self.history = History::take(annotations)?;
        if !self.history.is_empty() && annotations.entries().is_empty() {
            metadata.remove("annotations");
        }
        Ok(())
    }

    /// The object with its history among the annotations, as messages show it.
    pub(crate) fn with_history(&self) -> Node {
        let mut copy = self.clone();
        // A node that cannot carry annotations is shown without.
        let _ = copy.show_history();
        copy.node
    }

    /// The object as one line of JSON, its history included.
    pub(crate) fn to_line(&self) -> String {
        match self.with_history().to_json() {
            Ok(value) => crate::json_text::compact(&value),
            Err(error) => format!("<{error}>"),
        }
    }

    /// The former ids, the oldest first.
    pub(crate) fn former_ids(&self) -> impl Iterator<Item = ResId> + '_ {
        self.history.former.iter().map(|former| ResId {
            gvk: Gvk {
                group: self.id.gvk.group.clone(),
                version: self.id.gvk.version.clone(),
                kind: former.kind.clone(),
            },
            name: former.name.clone(),
            namespace: former.namespace.clone(),
            cluster_scoped: false,
        })
    }

    /// The first id that the resource had.
    pub(crate) fn original_id(&self) -> ResId {
        self.former_ids().next().unwrap_or_else(|| self.id.clone())
    }

    /// Whether this is, or was, the resource's name.
    pub(crate) fn has_name(&self, name: &str) -> bool {
        let mut former = self.history.former.iter();
        self.id.name == name || former.any(|former| former.name == name)
    }

    /// The first name and namespace, and the current ones if they have never changed.
    pub(crate) fn original_names(&self) -> (&str, &str) {
        match self.history.former.first() {
            Some(former) if former.namespace.is_empty() => (&former.name, "default"),
            Some(former) => (&former.name, &former.namespace),
            None => (&self.id.name, self.id.effective_namespace()),
        }
    }

    /// Whether any id, former or current, fits.
    pub(crate) fn any_id(&self, mut fits: impl FnMut(&ResId) -> bool) -> bool {
        fits(&self.id) || self.former_ids().any(|id| fits(&id))
    }

    /// Remembers the current id as a former one.
    pub(crate) fn remember_id(&mut self) {
        self.history.remember(&self.id);
    }

    /// Replaces all annotations; an empty map removes them.
    ///
    /// # Errors
    /// `metadata` is no mapping.
    pub(crate) fn set_annotations(
        &mut self,
        annotations: &BTreeMap<Text, Text>,
    ) -> Result<(), Error> {
        self.shared.forget(&["metadata", "annotations"]);
        Ok(self.node.set_annotations(annotations)?)
    }

    /// The name, kind or namespace that the object has, put back.
    ///
    /// # Errors
    /// `metadata` is no mapping.
    pub(crate) fn set_id_part(&mut self, part: IdPart<'_>) -> Result<(), Error> {
        match part {
            IdPart::Kind(kind) => self.node.set_object_kind(kind)?,
            IdPart::ApiVersion(version) => self.node.set_api_version(version)?,
            IdPart::Name(name) => self.node.set_name(name)?,
            IdPart::Namespace(namespace) => self.node.set_namespace(namespace)?,
        }
        self.refresh();
        Ok(())
    }

    /// Takes labels, annotations, name and namespace of the resource that this one stands for.
    ///
    /// # Errors
    /// `metadata` is no mapping.
    pub(crate) fn inherit_metadata(&mut self, other: &Self) -> Result<(), Error> {
        let mut labels = other.node.labels();
        labels.extend(self.node.labels());
        self.node.set_labels(&labels)?;
        let mut annotations = other.node.annotations();
        annotations.extend(self.node.annotations());
        for key in INTERNAL {
            match other.node.annotation(key) {
                Some(value) => annotations.insert(key.into(), value.into()),
                None => annotations.remove(key),
            };
        }
        self.node.set_annotations(&annotations)?;
        self.history.inherit(&other.history);
        self.shared = Shared::default();
        self.node.set_name(other.node.name())?;
        self.node.set_namespace(other.node.namespace())?;
        self.vars.clone_from(&other.vars);
        self.refresh();
        Ok(())
    }

    /// Prepares the object for output: no annotation of the build stays, all others are strings.
    ///
    /// # Errors
    /// `metadata` is no mapping.
    pub(crate) fn finish(&mut self, keep_origin: bool, keep_changes: bool) -> Result<(), Error> {
        self.check_annotations()?;
        let had_history = !self.history.is_empty();
        let mut annotations = self.node.annotations();
        if keep_origin && keep_changes && annotations.is_empty() && !had_history {
            return Ok(());
        }
        annotations.retain(|key, _| !INTERNAL.contains(&key.as_str()));
        if !keep_origin {
            annotations.remove(ORIGIN);
        }
        if !keep_changes {
            annotations.remove(TRANSFORMATIONS);
        }
        Ok(self.node.set_annotations(&annotations)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(text: &str) -> Resource {
        let node = kyaml::parse(text).expect("parses").expect("is there").root;
        Resource::new(node, Arc::default()).expect("is a resource")
    }

    #[test]
    fn history_is_kept_out_of_the_object_and_shown_in_messages() {
        let mut resource = resource("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n");
        resource.remember_id();
        resource.set_id_part(IdPart::Name("b")).expect("sets");
        assert!(resource.node().annotations().is_empty());
        assert!(resource.to_line().contains("previousNames\":\"a\""));
        assert_eq!(resource.original_id().name, "a");
    }

    #[test]
    fn a_list_of_annotations_needs_a_value_for_each_key() {
        let list = |items: &str| {
            let text = format!("kind: Pod\nmetadata: {{name: a, annotations: {items}}}\n");
            let mut resource = resource(&text);
            resource.finish(false, false).map(|()| resource)
        };
        let pairs = list("[a, b]").expect("are pairs");
        assert_eq!(pairs.node().annotation("a"), Some("b"));
        let error = list("[a, b, c]").map(|_| ()).expect_err("lacks a value");
        assert!(error.to_string().contains("is no mapping"), "{error}");
    }

    #[test]
    fn annotations_become_strings_in_the_end() {
        let mut resource =
            resource("apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {n: 1}}\n");
        resource.finish(false, false).expect("finishes");
        let json = resource.node().to_json().expect("is JSON");
        assert_eq!(json["metadata"]["annotations"]["n"], "1");
    }
}
