//! Patches, replacements, and the selectors that both use.

use crate::decode::{Int, Struct, readable};
use crate::id::{Gvk, ResId};

impl Struct for ResId {
    const NAME: &'static str = "ResId";

    fn field(
        &mut self,
        decoder: &mut crate::decode::Decoder,
        key: &str,
        value: &serde_json::Value,
        exact: bool,
    ) -> bool {
        let parts = [("name", &mut self.name), ("namespace", &mut self.namespace)];
        for (name, part) in parts {
            if key == name || !exact && key.eq_ignore_ascii_case(name) {
                decoder.named(name, part, value);
                return true;
            }
        }
        decoder.embedded::<Gvk>("Gvk", &mut self.gvk, (key, value, exact))
    }
}

/// Which resources to change: regular expressions over parts of the id, selectors over labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector {
    /// Expressions for the parts of the id; empty parts fit everything.
    pub id: ResId,
    /// A Kubernetes selector over annotations.
    pub annotation_selector: String,
    /// A Kubernetes selector over labels.
    pub label_selector: String,
}
readable!(
    Selector,
    "Selector",
    "types.Selector",
    embeds { id: "ResId" },
    fields {
        annotation_selector: "annotationSelector",
        label_selector: "labelSelector"
    }
);

impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}:a={}:l={}",
            self.id, self.annotation_selector, self.label_selector
        )
    }
}

/// What a patch may change beside the object's content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PatchOptions {
    pub(crate) allow_name_change: bool,
    pub(crate) allow_kind_change: bool,
}
readable!(
    PatchOptions,
    "PatchArgs",
    "types.PatchArgs",
    fields {
        allow_name_change: "allowNameChange",
        allow_kind_change: "allowKindChange",
    }
);

/// One entry of `patches` or `patchesJson6902`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch {
    /// The file that holds the patch.
    pub path: String,
    /// The patch itself.
    pub patch: String,
    /// What to patch.
    pub target: Option<Selector>,
    pub(crate) options: Option<PatchOptions>,
}
readable!(
    Patch,
    "Patch",
    "types.Patch",
    fields {
        path: "path",
        patch: "patch",
        target: "target",
        options: "options",
    }
);

/// How a replacement takes or writes a part of a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldOptions {
    pub(crate) delimiter: String,
    pub(crate) index: Int,
    pub(crate) encoding: String,
    pub(crate) create: bool,
}
readable!(
    FieldOptions,
    "FieldOptions",
    "types.FieldOptions",
    fields {
        delimiter: "delimiter",
        index: "index",
        encoding: "encoding",
        create: "create",
    }
);

/// Where a replacement's value comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SourceSelector {
    pub(crate) id: ResId,
    pub(crate) field_path: String,
    pub(crate) options: Option<FieldOptions>,
}
readable!(
    SourceSelector,
    "SourceSelector",
    "types.SourceSelector",
    embeds { id: "ResId" },
    fields {
        field_path: "fieldPath",
        options: "options"
    }
);

impl std::fmt::Display for SourceSelector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.id)?;
        if !self.field_path.is_empty() {
            write!(f, ":{}", self.field_path)?;
        }
        match &self.options {
            Some(options) if !options.delimiter.is_empty() || options.create => write!(
                f,
                ":{}({}), create={}",
                options.delimiter, options.index.0, options.create
            ),
            _ => Ok(()),
        }
    }
}

/// Where a replacement's value goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TargetSelector {
    pub(crate) select: Option<Selector>,
    pub(crate) reject: Vec<Selector>,
    pub(crate) field_paths: Vec<String>,
    pub(crate) options: Option<FieldOptions>,
}
readable!(
    TargetSelector,
    "TargetSelector",
    "types.TargetSelector",
    fields {
        select: "select",
        reject: "reject",
        field_paths: "fieldPaths",
        options: "options",
    }
);

/// A value, and all the places that it is written to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Replacement {
    pub(crate) source: Option<SourceSelector>,
    pub(crate) targets: Vec<TargetSelector>,
    pub(crate) source_value: Option<String>,
    /// An empty list of targets, which a file may have and the kustomization itself may not.
    pub(crate) no_targets: bool,
}
readable!(
    Replacement,
    "Replacement",
    "types.Replacement",
    fields {
        source: "source",
        targets: "targets",
        source_value: "sourceValue",
    }
);

/// One entry of `replacements`: inline, or a file of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ReplacementField {
    pub(crate) replacement: Replacement,
    pub(crate) path: String,
}
readable!(
    ReplacementField,
    "ReplacementField",
    "types.ReplacementField",
    embeds {
        replacement: "Replacement"
    },
    fields { path: "path" }
);
