//! Which fields each transformer touches: the defaults, and what `configurations` and `crds` add.

mod crds;
mod defaults;

use std::sync::{Arc, LazyLock};

use crate::decode::{self, Mode, readable};
use crate::error::{Context as _, Error, bail};
use crate::field_spec::FieldSpec;
use crate::id::Gvk;
use crate::kustomization::FieldSpecArgs;
use crate::loader::Loader;
use crate::sort;

pub(crate) use crds::from_crds;

/// Fields that hold the name of an object of some kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NameReference {
    /// The kind that is referred to.
    pub(crate) gvk: Gvk,
    /// The fields that refer to it.
    pub(crate) referrers: Vec<FieldSpec>,
}

/// The fields of all transformers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TransformerConfig {
    pub(crate) name_prefix: Vec<FieldSpec>,
    pub(crate) name_suffix: Vec<FieldSpec>,
    pub(crate) namespace: Vec<FieldSpec>,
    pub(crate) common_labels: Vec<FieldSpec>,
    pub(crate) labels: Vec<FieldSpec>,
    pub(crate) template_labels: Vec<FieldSpec>,
    pub(crate) common_annotations: Vec<FieldSpec>,
    pub(crate) name_reference: Vec<NameReference>,
    pub(crate) var_reference: Vec<FieldSpec>,
    pub(crate) images: Vec<FieldSpec>,
    pub(crate) replicas: Vec<FieldSpec>,
}

#[derive(Debug, Clone, Default)]
struct NameReferenceArgs {
    gvk: Gvk,
    referrers: Vec<FieldSpecArgs>,
}
readable!(
    NameReferenceArgs,
    "NameBackReferences",
    "builtinconfig.NameBackReferences",
    embeds { gvk: "Gvk" },
    fields {
        referrers: "fieldSpecs"
    }
);

#[derive(Debug, Clone, Default)]
struct ConfigArgs {
    name_prefix: Vec<FieldSpecArgs>,
    name_suffix: Vec<FieldSpecArgs>,
    namespace: Vec<FieldSpecArgs>,
    common_labels: Vec<FieldSpecArgs>,
    labels: Vec<FieldSpecArgs>,
    template_labels: Vec<FieldSpecArgs>,
    common_annotations: Vec<FieldSpecArgs>,
    name_reference: Vec<NameReferenceArgs>,
    var_reference: Vec<FieldSpecArgs>,
    images: Vec<FieldSpecArgs>,
    replicas: Vec<FieldSpecArgs>,
}
readable!(
    ConfigArgs,
    "TransformerConfig",
    "builtinconfig.TransformerConfig",
    fields {
        name_prefix: "namePrefix",
        name_suffix: "nameSuffix",
        namespace: "namespace",
        common_labels: "commonLabels",
        labels: "labels",
        template_labels: "templateLabels",
        common_annotations: "commonAnnotations",
        name_reference: "nameReference",
        var_reference: "varReference",
        images: "images",
        replicas: "replicas",
    }
);

static DEFAULT: LazyLock<Arc<TransformerConfig>> = LazyLock::new(|| {
    let mut config = defaults::config();
    config.sort();
    Arc::new(config)
});

impl TransformerConfig {
    /// The fields without any configuration.
    pub(crate) fn default_fields() -> Arc<Self> {
        Arc::clone(&DEFAULT)
    }

    /// The defaults with the listed files merged into them.
    ///
    /// # Errors
    /// A file cannot be read, has an unknown field, or contradicts another one.
    pub(crate) fn with_files(loader: &Loader<'_>, files: &[String]) -> Result<Arc<Self>, Error> {
        let default = Self::default_fields();
        if files.is_empty() {
            return Ok(default);
        }
        let mut added = Self::default();
        for file in files {
            let bytes = loader.load(file)?;
            added = added.merged(&Self::parse(&bytes)?)?;
        }
        Ok(Arc::new(default.merged(&added)?))
    }

    fn parse(text: &[u8]) -> Result<Self, Error> {
        let value = crate::yaml::converted(text)?;
        let args: ConfigArgs = decode::from_value(&value, Mode::StrictTyped)
            .within(|| "error unmarshaling JSON: while decoding JSON")?;
        let specs = |args: Vec<FieldSpecArgs>| args.into_iter().map(FieldSpec::from).collect();
        let references = args.name_reference.into_iter();
        let mut config = Self {
            name_prefix: specs(args.name_prefix),
            name_suffix: specs(args.name_suffix),
            namespace: specs(args.namespace),
            common_labels: specs(args.common_labels),
            labels: specs(args.labels),
            template_labels: specs(args.template_labels),
            common_annotations: specs(args.common_annotations),
            name_reference: references
                .map(|reference| NameReference {
                    gvk: reference.gvk,
                    referrers: specs(reference.referrers),
                })
                .collect(),
            var_reference: specs(args.var_reference),
            images: specs(args.images),
            replicas: specs(args.replicas),
        };
        config.sort();
        Ok(config)
    }

    /// Every list in the order of kinds.
    fn sort(&mut self) {
        for (_, list) in self.lists_mut() {
            list.sort_by_cached_key(|spec| sort::kind_key(&spec.gvk));
        }
        self.name_reference
            .sort_by_cached_key(|reference| sort::kind_key(&reference.gvk));
    }

    fn lists_mut(&mut self) -> [(&'static str, &mut Vec<FieldSpec>); 10] {
        [
            ("NamePrefix", &mut self.name_prefix),
            ("NameSuffix", &mut self.name_suffix),
            ("NameSpace", &mut self.namespace),
            ("CommonAnnotations", &mut self.common_annotations),
            ("CommonLabels", &mut self.common_labels),
            ("Labels", &mut self.labels),
            ("TemplateLabels", &mut self.template_labels),
            ("VarReference", &mut self.var_reference),
            ("Images", &mut self.images),
            ("Replicas", &mut self.replicas),
        ]
    }

    /// This configuration with another one's fields added.
    ///
    /// # Errors
    /// Both name a field, but only one wants it made.
    pub(crate) fn merged(&self, other: &Self) -> Result<Self, Error> {
        let mut merged = self.clone();
        let mut other = other.clone();
        for ((name, list), (_, added)) in merged.lists_mut().into_iter().zip(other.lists_mut()) {
            *list = merge_all(std::mem::take(list), added)
                .within(|| format!("failed to merge {name} fieldSpec"))?;
        }
        for reference in &other.name_reference {
            merged
                .add_reference(reference)
                .within(|| "failed to merge NameReference fieldSpec")?;
        }
        merged.sort();
        Ok(merged)
    }

    fn add_reference(&mut self, added: &NameReference) -> Result<(), Error> {
        let mut found = false;
        for reference in &mut self.name_reference {
            if reference.gvk == added.gvk {
                let referrers = std::mem::take(&mut reference.referrers);
                reference.referrers = merge_all(referrers, &added.referrers)?;
                found = true;
            }
        }
        if !found {
            self.name_reference.push(added.clone());
        }
        Ok(())
    }
}

/// The accumulated configuration of a layer and one more. Most layers have the defaults only.
///
/// # Errors
/// As [`TransformerConfig::merged`].
pub(crate) fn merge_shared(
    into: &mut Arc<TransformerConfig>,
    other: &Arc<TransformerConfig>,
) -> Result<(), Error> {
    if Arc::ptr_eq(into, other) || **other == TransformerConfig::default() {
        return Ok(());
    }
    if **into == TransformerConfig::default() && Arc::ptr_eq(other, &DEFAULT) {
        *into = Arc::clone(other);
        return Ok(());
    }
    *into = Arc::new(into.merged(other)?);
    Ok(())
}

/// A list of fields with others added; what is there already is not added again.
///
/// # Errors
/// Both lists name a field, but only one wants it made.
pub(crate) fn merge_all(
    mut list: Vec<FieldSpec>,
    added: &[FieldSpec],
) -> Result<Vec<FieldSpec>, Error> {
    for spec in added {
        let same =
            |known: &&FieldSpec| known.path == spec.path && known.gvk.is_selected_by(&spec.gvk);
        match list.iter().find(same) {
            Some(known) if known.create != spec.create => bail!("conflicting fieldspecs"),
            Some(_) => {}
            None => list.push(spec.clone()),
        }
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_cannot_be_both_made_and_not() {
        let list = vec![FieldSpec::of_all("a", true)];
        assert_eq!(
            merge_all(list, &[FieldSpec::of_all("a", false)]).map_err(|e| e.to_string()),
            Err("conflicting fieldspecs".to_owned())
        );
    }

    #[test]
    fn merging_the_defaults_with_nothing_changes_nothing() {
        let default = TransformerConfig::default_fields();
        let mut shared = Arc::default();
        merge_shared(&mut shared, &default).expect("merges");
        assert!(Arc::ptr_eq(&shared, &default));
    }
}
