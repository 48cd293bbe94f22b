//! Small structures of the kustomization file.

use std::collections::BTreeMap;

use crate::decode::{Decoder, Struct, readable};
use crate::id::Gvk;

/// `metadata` of the file; accepted and not used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The name.
    pub name: String,
    /// The namespace.
    pub namespace: String,
    /// The labels.
    pub labels: BTreeMap<String, String>,
    /// The annotations.
    pub annotations: BTreeMap<String, String>,
}
readable!(
    Metadata,
    "ObjectMeta",
    "types.ObjectMeta",
    fields {
        name: "name",
        namespace: "namespace",
        labels: "labels",
        annotations: "annotations",
    }
);

impl Struct for Gvk {
    const NAME: &'static str = "Gvk";

    fn field(
        &mut self,
        decoder: &mut Decoder,
        key: &str,
        value: &serde_json::Value,
        exact: bool,
    ) -> bool {
        let parts = [
            ("group", &mut self.group),
            ("version", &mut self.version),
            ("kind", &mut self.kind),
        ];
        for (name, part) in parts {
            if key == name || !exact && key.eq_ignore_ascii_case(name) {
                decoder.named(name, part, value);
                return true;
            }
        }
        false
    }
}

/// Where in which kinds a transformer writes, as a configuration says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldSpecArgs {
    /// The kinds.
    pub gvk: Gvk,
    /// The field.
    pub path: String,
    /// Whether a missing field is made.
    pub create: bool,
}
readable!(
    FieldSpecArgs,
    "FieldSpec",
    "types.FieldSpec",
    embeds { gvk: "Gvk" },
    fields {
        path: "path",
        create: "create"
    }
);

/// One entry of `labels`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Label {
    /// The labels to set.
    pub pairs: BTreeMap<String, String>,
    /// Also set them in selectors.
    pub include_selectors: bool,
    /// Also set them in templates.
    pub include_templates: bool,
    /// More places to set them in.
    pub(crate) fields: Vec<FieldSpecArgs>,
}
readable!(
    Label,
    "Label",
    "types.Label",
    fields {
        pairs: "pairs",
        include_selectors: "includeSelectors",
        include_templates: "includeTemplates",
        fields: "fields",
    }
);

/// One entry of `images`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// The name to find.
    pub name: String,
    /// The name to put in its place.
    pub new_name: String,
    /// What to append to the tag.
    pub tag_suffix: String,
    /// The tag to set.
    pub new_tag: String,
    /// The digest to set.
    pub digest: String,
}
readable!(
    Image,
    "Image",
    "types.Image",
    fields {
        name: "name",
        new_name: "newName",
        tag_suffix: "tagSuffix",
        new_tag: "newTag",
        digest: "digest",
    }
);

/// One entry of `replicas`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replica {
    /// The workload's name.
    pub name: String,
    /// The number of replicas.
    pub count: i64,
}
readable!(
    Replica,
    "Replica",
    "types.Replica",
    fields {
        name: "name",
        count: "count"
    }
);

/// The object that a var reads from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct VarTarget {
    pub(crate) api_version: String,
    pub(crate) gvk: Gvk,
    pub(crate) name: String,
    pub(crate) namespace: String,
}
readable!(
    VarTarget,
    "Target",
    "types.Target",
    embeds { gvk: "Gvk" },
    fields {
        api_version: "apiVersion",
        name: "name",
        namespace: "namespace"
    }
);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldRef {
    pub(crate) field_path: String,
}
readable!(
    FieldRef,
    "FieldSelector",
    "types.FieldSelector",
    fields {
        field_path: "fieldPath"
    }
);

/// One entry of `vars`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Var {
    /// The name that `$(NAME)` uses.
    pub name: String,
    pub(crate) object: VarTarget,
    pub(crate) field: FieldRef,
}
readable!(
    Var,
    "Var",
    "types.Var",
    fields {
        name: "name",
        object: "objref",
        field: "fieldref"
    }
);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LegacySortOptions {
    pub(crate) order_first: Vec<String>,
    pub(crate) order_last: Vec<String>,
}
readable!(
    LegacySortOptions,
    "LegacySortOptions",
    "types.LegacySortOptions",
    fields {
        order_first: "orderFirst",
        order_last: "orderLast",
    }
);

/// `sortOptions`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SortOptions {
    /// `fifo` or `legacy`.
    pub order: String,
    pub(crate) legacy: Option<LegacySortOptions>,
}
readable!(
    SortOptions,
    "SortOptions",
    "types.SortOptions",
    fields {
        order: "order",
        legacy: "legacySortOptions",
    }
);
