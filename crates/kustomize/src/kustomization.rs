//! The kustomization file: its fields, how it is read, and how old fields become new ones.

mod fields;
mod generator_fields;
mod patch_fields;
mod print;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::decode::{self, Mode, readable};
use crate::error::{Context as _, Error, bail};

pub(crate) use fields::FieldSpecArgs;
pub use fields::{Image, Label, Metadata, Replica, SortOptions, Var};
pub use generator_fields::{GeneratorArgs, GeneratorOptions};
pub(crate) use generator_fields::{HelmChart, HelmChartArgs, HelmGlobals, PairSources};
pub(crate) use patch_fields::{
    FieldOptions, PatchOptions, Replacement, ReplacementField, SourceSelector, TargetSelector,
};
pub use patch_fields::{Patch, Selector};

/// The names under which a directory's kustomization file is found.
pub const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

const API_VERSION: &str = "kustomize.config.k8s.io/v1beta1";
const COMPONENT_API_VERSION: &str = "kustomize.config.k8s.io/v1alpha1";
const KIND: &str = "Kustomization";
const COMPONENT_KIND: &str = "Component";

/// A kustomization or component, as its file says.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(
    missing_docs,
    reason = "the fields are those of the kustomization file"
)]
pub struct Kustomization {
    pub kind: String,
    pub api_version: String,
    pub metadata: Option<Metadata>,
    pub openapi: BTreeMap<String, String>,
    pub name_prefix: String,
    pub name_suffix: String,
    pub namespace: String,
    pub common_labels: BTreeMap<String, String>,
    pub labels: Vec<Label>,
    pub common_annotations: BTreeMap<String, String>,
    pub patches_strategic_merge: Vec<String>,
    pub patches_json6902: Vec<Patch>,
    pub patches: Vec<Patch>,
    pub images: Vec<Image>,
    pub(crate) image_tags: Vec<Image>,
    pub(crate) replacements: Vec<ReplacementField>,
    pub replicas: Vec<Replica>,
    pub vars: Vec<Var>,
    pub sort_options: Option<SortOptions>,
    pub resources: Vec<String>,
    pub components: Vec<String>,
    pub crds: Vec<String>,
    pub(crate) bases: Vec<String>,
    pub config_map_generator: Vec<GeneratorArgs>,
    pub secret_generator: Vec<GeneratorArgs>,
    pub(crate) helm_globals: Option<HelmGlobals>,
    pub(crate) helm_charts: Vec<HelmChart>,
    pub(crate) helm_chart_inflation_generator: Vec<HelmChartArgs>,
    pub generator_options: Option<GeneratorOptions>,
    pub configurations: Vec<String>,
    pub generators: Vec<String>,
    pub transformers: Vec<String>,
    pub validators: Vec<String>,
    pub build_metadata: Vec<String>,
}

readable!(
    Kustomization,
    "Kustomization",
    "types.Kustomization",
    fields {
        kind: "kind",
        api_version: "apiVersion",
        metadata: "metadata",
        openapi: "openapi",
        name_prefix: "namePrefix",
        name_suffix: "nameSuffix",
        namespace: "namespace",
        common_labels: "commonLabels",
        labels: "labels",
        common_annotations: "commonAnnotations",
        patches_strategic_merge: "patchesStrategicMerge",
        patches_json6902: "patchesJson6902",
        patches: "patches",
        images: "images",
        image_tags: "imageTags",
        replacements: "replacements",
        replicas: "replicas",
        vars: "vars",
        sort_options: "sortOptions",
        resources: "resources",
        components: "components",
        crds: "crds",
        bases: "bases",
        config_map_generator: "configMapGenerator",
        secret_generator: "secretGenerator",
        helm_globals: "helmGlobals",
        helm_charts: "helmCharts",
        helm_chart_inflation_generator: "helmChartInflationGenerator",
        generator_options: "generatorOptions",
        configurations: "configurations",
        generators: "generators",
        transformers: "transformers",
        validators: "validators",
        build_metadata: "buildMetadata",
    }
);

/// A field that is still served, but has a better successor.
const DEPRECATED: [(&str, &str, &str); 6] = [
    ("bases", "resources", ""),
    ("commonLabels", "labels", ""),
    ("imageTags", "images", ""),
    ("patchesJson6902", "patches", ""),
    ("patchesStrategicMerge", "patches", ""),
    ("vars", "replacements", "[EXPERIMENTAL] "),
];

/// Fields whose empty list vanishes when it is moved into its successor.
const MOVED: [&str; 3] = ["bases", "imageTags", "helmChartInflationGenerator"];

/// A kustomization file that was read, with what was noticed about it.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) kustomization: Kustomization,
    pub(crate) warnings: Vec<String>,
}

impl Kustomization {
    /// Whether this is a component.
    #[must_use]
    pub fn is_component(&self) -> bool {
        self.kind == COMPONENT_KIND
    }

    /// Reads a file as kustomize reads it: unknown fields are errors.
    ///
    /// # Errors
    /// It is not YAML, or a field is unknown or of the wrong type.
    pub(crate) fn load(text: &[u8], root: &str) -> Result<Loaded, Error> {
        let value = crate::yaml::to_json(text).within(|| "invalid Kustomization")?;
        let mut kustomization: Self =
            decode::from_value(&value, Mode::Strict).within(|| "invalid Kustomization")?;
        let warnings = warnings(&value);
        kustomization.migrate();
        if is_empty(&value) {
            bail!("kustomization.yaml is empty");
        }
        kustomization.check_type(root)?;
        Ok(Loaded {
            kustomization,
            warnings,
        })
    }

    /// Reads a file as Flux does before it adds its own fields: what is unknown is dropped.
    ///
    /// # Errors
    /// It is not YAML, or a field is of the wrong type.
    pub fn load_leniently(text: &[u8]) -> Result<Self, Error> {
        let value = crate::yaml::converted(text)?;
        decode::from_value(&value, Mode::Lenient)
            .within(|| "error unmarshaling JSON: while decoding JSON")
    }

    /// Checks what [`Kustomization::load`] checks, after another program has made or changed it.
    ///
    /// # Errors
    /// It is empty or of another kind.
    pub(crate) fn finish(mut self, root: &str) -> Result<Loaded, Error> {
        let used = [
            !self.bases.is_empty(),
            !self.common_labels.is_empty(),
            !self.image_tags.is_empty(),
            !self.patches_json6902.is_empty(),
            !self.patches_strategic_merge.is_empty(),
            !self.vars.is_empty(),
        ];
        let warnings = DEPRECATED.iter().zip(used).filter(|(_, used)| *used);
        let warnings = warnings.map(|(field, _)| warning(*field)).collect();
        self.migrate();
        let empty = Self {
            kind: self.kind.clone(),
            api_version: self.api_version.clone(),
            ..Self::default()
        };
        if self == empty {
            bail!("kustomization.yaml is empty");
        }
        self.check_type(root)?;
        Ok(Loaded {
            kustomization: self,
            warnings,
        })
    }

    fn migrate(&mut self) {
        if self.kind.is_empty() {
            KIND.clone_into(&mut self.kind);
        }
        if self.api_version.is_empty() {
            let version = if self.is_component() {
                COMPONENT_API_VERSION
            } else {
                API_VERSION
            };
            version.clone_into(&mut self.api_version);
        }
        self.resources.append(&mut self.bases);
        self.images.append(&mut self.image_tags);
        let generators = self.config_map_generator.iter_mut();
        for generator in generators.chain(&mut self.secret_generator) {
            generator.migrate();
        }
        let old_charts = std::mem::take(&mut self.helm_chart_inflation_generator);
        let charts = old_charts.into_iter().map(HelmChart::from);
        self.helm_charts.extend(charts);
    }

    fn check_type(&self, root: &str) -> Result<(), Error> {
        let mut problems = Vec::new();
        if self.kind != KIND && self.kind != COMPONENT_KIND {
            problems.push(format!("kind should be {KIND} or {COMPONENT_KIND}"));
        }
        let version = if self.is_component() {
            COMPONENT_API_VERSION
        } else {
            API_VERSION
        };
        if self.api_version != version {
            problems.push(format!("apiVersion for {} should be {version}", self.kind));
        }
        if problems.is_empty() {
            return Ok(());
        }
        bail!(
            "Failed to read kustomization file under {root}:\n{}",
            problems.join("\n")
        )
    }
}

fn warnings(value: &Value) -> Vec<String> {
    let present = |name: &str| {
        value.as_object().is_some_and(|object| {
            object
                .iter()
                .any(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_null())
        })
    };
    DEPRECATED
        .into_iter()
        .filter(|(old, _, _)| present(old))
        .map(warning)
        .collect()
}

fn warning((old, new, note): (&str, &str, &str)) -> String {
    format!(
        "# Warning: '{old}' is deprecated. Please use '{new}' instead. {note}Run 'kustomize edit fix' to update your Kustomization automatically."
    )
}

/// Whether nothing but kind and apiVersion is set.
fn is_empty(value: &Value) -> bool {
    let Some(object) = value.as_object() else {
        return true;
    };
    object.iter().all(|(key, value)| {
        let is = |name: &str| key.eq_ignore_ascii_case(name);
        match value {
            Value::Null => true,
            Value::String(text) => is("kind") || is("apiVersion") || text.is_empty(),
            Value::Array(items) => items.is_empty() && MOVED.into_iter().any(is),
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Loaded, String> {
        Kustomization::load(text.as_bytes(), "/r").map_err(|error| error.to_string())
    }

    #[test]
    fn old_fields_become_new_ones_and_are_warned_about() {
        let loaded = load("resources: [a]\nbases: [b]\nimageTags: [{name: i}]\n").expect("loads");
        assert_eq!(loaded.kustomization.resources, ["a", "b"]);
        assert_eq!(loaded.kustomization.images.len(), 1);
        assert_eq!(loaded.warnings.len(), 2);
    }

    #[test]
    fn only_kind_and_version_is_empty() {
        for text in [
            "",
            "# x\n",
            "kind: Kustomization\n",
            "resources:\n",
            "bases: []\n",
        ] {
            assert_eq!(
                load(text).map(|_| ()),
                Err("kustomization.yaml is empty".to_owned()),
                "{text}"
            );
        }
        assert!(load("resources: []\n").is_ok());
    }

    #[test]
    fn kind_and_version_must_fit() {
        assert_eq!(
            load("kind: X\nnamespace: ns\n").map(|_| ()),
            Err("Failed to read kustomization file under /r:\nkind should be Kustomization or Component".to_owned())
        );
    }
}
