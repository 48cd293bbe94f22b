//! The configurations of built-in plugins, as their files say them.

use std::collections::BTreeMap;

use crate::decode::{Int, readable};
use crate::kustomization::{
    FieldSpecArgs, GeneratorArgs, Image, Metadata, PatchOptions, ReplacementField, Replica,
    Selector,
};

/// Labels or annotations.
#[derive(Debug, Clone, Default)]
pub(super) struct PairArgs {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) field_specs: Vec<FieldSpecArgs>,
}
readable!(
    PairArgs,
    "LabelTransformerPlugin",
    "builtins.LabelTransformerPlugin",
    fields {
        labels: "labels",
        annotations: "annotations",
        field_specs: "fieldSpecs",
    }
);

/// A namespace.
#[derive(Debug, Clone, Default)]
pub(super) struct NamespaceArgs {
    pub(super) metadata: Metadata,
    pub(super) field_specs: Vec<FieldSpecArgs>,
    pub(super) unset_only: bool,
    pub(super) subjects: String,
}
readable!(
    NamespaceArgs,
    "NamespaceTransformerPlugin",
    "builtins.NamespaceTransformerPlugin",
    fields {
        metadata: "metadata",
        field_specs: "fieldSpecs",
        unset_only: "unsetOnly",
        subjects: "setRoleBindingSubjects",
    }
);

/// A prefix, a suffix, or both.
#[derive(Debug, Clone, Default)]
pub(super) struct AffixArgs {
    pub(super) prefix: String,
    pub(super) suffix: String,
    pub(super) field_specs: Option<Vec<FieldSpecArgs>>,
}
readable!(
    AffixArgs,
    "PrefixTransformerPlugin",
    "builtins.PrefixTransformerPlugin",
    fields {
        prefix: "prefix",
        suffix: "suffix",
        field_specs: "fieldSpecs",
    }
);

/// An image or a number of replicas.
#[derive(Debug, Clone, Default)]
pub(super) struct ImageArgs {
    pub(super) image: Image,
    pub(super) replica: Replica,
    pub(super) field_specs: Vec<FieldSpecArgs>,
}
readable!(
    ImageArgs,
    "ImageTagTransformerPlugin",
    "builtins.ImageTagTransformerPlugin",
    fields {
        image: "imageTag",
        replica: "replica",
        field_specs: "fieldSpecs",
    }
);

/// A patch of any kind.
#[derive(Debug, Clone, Default)]
pub(super) struct PatchArgs {
    pub(super) path: String,
    pub(super) patch: String,
    pub(super) operations: String,
    pub(super) target: Option<Selector>,
    pub(super) options: Option<PatchOptions>,
    pub(super) paths: Vec<String>,
    pub(super) patches: String,
}
readable!(
    PatchArgs,
    "PatchTransformerPlugin",
    "builtins.PatchTransformerPlugin",
    fields {
        path: "path",
        patch: "patch",
        operations: "jsonOp",
        target: "target",
        options: "options",
        paths: "paths",
        patches: "patches",
    }
);

/// Replacements.
#[derive(Debug, Clone, Default)]
pub(super) struct ReplacementArgs {
    pub(super) replacements: Vec<ReplacementField>,
}
readable!(
    ReplacementArgs,
    "ReplacementTransformerPlugin",
    "builtins.ReplacementTransformerPlugin",
    fields {
        replacements: "replacements",
    }
);

/// Where to add a value.
#[derive(Debug, Clone, Default)]
pub(super) struct AddTargetArgs {
    pub(super) selector: Option<Selector>,
    pub(super) field_path: String,
    pub(super) position: Int,
}
readable!(
    AddTargetArgs,
    "Target",
    "builtins.Target",
    fields {
        selector: "selector",
        field_path: "fieldPath",
        position: "filePathPosition",
    }
);

/// A value to add.
#[derive(Debug, Clone, Default)]
pub(super) struct ValueAddArgs {
    pub(super) value: String,
    pub(super) targets: Vec<AddTargetArgs>,
    pub(super) target_file: String,
}
readable!(
    ValueAddArgs,
    "ValueAddTransformerPlugin",
    "builtins.ValueAddTransformerPlugin",
    fields {
        value: "value",
        targets: "targets",
        target_file: "targetFilePath",
    }
);

/// A config map or secret.
#[derive(Debug, Clone, Default)]
pub(super) struct DataArgs {
    pub(super) metadata: Metadata,
    pub(super) args: GeneratorArgs,
}
readable!(
    DataArgs,
    "SecretGeneratorPlugin",
    "builtins.SecretGeneratorPlugin",
    embeds { args: "SecretArgs" },
    fields {
        metadata: "metadata"
    }
);

/// An account on either side.
#[derive(Debug, Clone, Default)]
pub(in crate::target) struct AccountName {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) project: String,
}
readable!(
    AccountName,
    "ServiceAccount",
    "types.ServiceAccount",
    fields {
        name: "name",
        namespace: "namespace",
        project: "projectId",
    }
);

/// A service account that a cloud knows.
#[derive(Debug, Clone, Default)]
pub(in crate::target) struct AccountArgs {
    pub(super) cloud: String,
    pub(super) cluster: AccountName,
    pub(super) account: AccountName,
}
readable!(
    AccountArgs,
    "IAMPolicyGeneratorPlugin",
    "builtins.IAMPolicyGeneratorPlugin",
    fields {
        cloud: "cloud",
        cluster: "kubernetesService",
        account: "serviceAccount",
    }
);
