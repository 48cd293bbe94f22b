//! The transformers that a kustomization's own fields ask for, in their fixed order.

use serde_json::Value;

use super::{Step, Target, with_file};
use crate::config::{TransformerConfig, merge_all};
use crate::decode::{self, Mode};
use crate::error::{Context as _, Error, bail};
use crate::field_spec::FieldSpec;
use crate::go_text::{list, quote};
use crate::kustomization::{Label, Patch, PatchOptions, Replacement, ReplacementField};
use crate::loader::Loader;
use crate::resource::{Resource, read, read_text};
use crate::transform::{
    Affix, AffixKind, Annotations, Images, JsonPatch, Labels, Namespace, PatchSet, PatchText,
    Replacements, Replicas, StrategicPatches, Subjects, Transformer, parse_json_patch,
};

/// A configuration as messages show it.
fn shown(config: &Value) -> String {
    let mut text = String::new();
    match kyaml::print_value(config, &mut text) {
        Ok(()) => text,
        Err(error) => error.to_string(),
    }
}

fn trouble<T>(
    result: Result<T, Error>,
    kind: &str,
    config: impl FnOnce() -> Value,
) -> Result<T, Error> {
    result.within(|| {
        format!(
            "trouble configuring builtin {kind} with config: `\n{}`",
            shown(&config())
        )
    })
}

/// Charts are never inflated.
pub(super) fn refuse_chart(config: &Value) -> Result<(), Error> {
    trouble(
        Err(Error::new("must specify --enable-helm")),
        "HelmChartInflationGenerator",
        || config.clone(),
    )
}

/// Whether a text holds what YAML text may not.
fn has_control(text: &str) -> bool {
    text.chars().any(|c| {
        matches!(c, '\u{7f}' | '\u{80}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}')
    })
}

fn expect_printable<'a>(
    kind: &str,
    mut texts: impl Iterator<Item = &'a String>,
) -> Result<(), Error> {
    if texts.any(|text| has_control(text)) {
        bail!("builtin {kind} marshal: yaml: control characters are not allowed");
    }
    Ok(())
}

impl Target<'_> {
    /// Refuses generators that hold what YAML text may not.
    pub(super) fn check_generator_texts(&self) -> Result<(), Error> {
        let layer = &self.kustomization;
        for (kind, all) in [
            ("ConfigMapGenerator", &layer.config_map_generator),
            ("SecretGenerator", &layer.secret_generator),
        ] {
            for args in all {
                let sources = &args.common.sources;
                let lists = [&sources.literals, &sources.files, &sources.envs];
                let texts = lists.into_iter().flatten().chain([&args.common.name]);
                expect_printable(kind, texts)?;
            }
        }
        Ok(())
    }

    /// The transformers of this kustomization's own fields.
    pub(super) fn builtin_steps(&self, config: &TransformerConfig) -> Result<Vec<Step>, Error> {
        let layer = &self.kustomization;
        let mut steps = Steps {
            target: self,
            list: Vec::new(),
        };
        self.add_patches(&mut steps)?;
        if !layer.namespace.is_empty() {
            expect_printable("NamespaceTransformer", [&layer.namespace].into_iter())?;
            let namespace = Namespace {
                namespace: layer.namespace.clone(),
                fields: config.namespace.clone(),
                unset_only: false,
                subjects: Subjects::Default,
            };
            steps.add("NamespaceTransformer", Transformer::Namespace(namespace));
        }
        for (kind, name, text, fields) in [
            (
                AffixKind::Prefix,
                "PrefixTransformer",
                &layer.name_prefix,
                &config.name_prefix,
            ),
            (
                AffixKind::Suffix,
                "SuffixTransformer",
                &layer.name_suffix,
                &config.name_suffix,
            ),
        ] {
            if !text.is_empty() {
                expect_printable(name, [text].into_iter())?;
                let affix = Affix {
                    kind,
                    text: text.clone(),
                    fields: fields.clone(),
                };
                steps.add(name, Transformer::Affixes(vec![affix]));
            }
        }
        self.add_labels(&mut steps, config)?;
        self.add_late(&mut steps, config)?;
        Ok(steps.list)
    }

    /// What comes after names and labels.
    fn add_late(&self, steps: &mut Steps<'_, '_>, config: &TransformerConfig) -> Result<(), Error> {
        let layer = &self.kustomization;
        for patch in &layer.patches_json6902 {
            let made = json_patch(patch, &self.loader);
            let made = trouble(made, "PatchJson6902Transformer", || {
                patch.to_value("jsonOp")
            })?;
            steps.add("PatchJson6902Transformer", Transformer::JsonPatch(made));
        }
        for replica in &layer.replicas {
            let replicas = Replicas {
                replica: replica.clone(),
                fields: config.replicas.clone(),
            };
            steps.add("ReplicaCountTransformer", Transformer::Replicas(replicas));
        }
        for image in &layer.images {
            let images = Images::new(image.clone(), config.images.clone())?;
            steps.add("ImageTagTransformer", Transformer::Images(images));
        }
        if !layer.replacements.is_empty() {
            let made = replacements(&layer.replacements, &self.loader);
            let made = trouble(made, "ReplacementTransformer", || {
                let all: Vec<Value> = layer
                    .replacements
                    .iter()
                    .map(ReplacementField::to_value)
                    .collect();
                serde_json::json!({ "Replacements": all })
            })?;
            steps.add("ReplacementTransformer", Transformer::Replacements(made));
        }
        Ok(())
    }

    fn add_patches(&self, steps: &mut Steps<'_, '_>) -> Result<(), Error> {
        let layer = &self.kustomization;
        let paths = &layer.patches_strategic_merge;
        if !paths.is_empty() {
            let name = "PatchStrategicMergeTransformer";
            let made = self.strategic_patches(paths, "");
            let made = trouble(made, name, || serde_json::json!({ "paths": paths }))?;
            steps.add(name, Transformer::StrategicPatches(made));
        }
        for patch in &layer.patches {
            let name = "PatchTransformer";
            expect_printable(name, [&patch.patch, &patch.path].into_iter())?;
            let config = || patch.to_value("patch");
            let made = trouble(self.patch(patch, || shown(&config())), name, config)?;
            steps.add(name, Transformer::Patch(made));
        }
        Ok(())
    }

    fn add_labels(
        &self,
        steps: &mut Steps<'_, '_>,
        config: &TransformerConfig,
    ) -> Result<(), Error> {
        let layer = &self.kustomization;
        for label in &layer.labels {
            expect_printable(
                "LabelTransformer",
                label.pairs.iter().flat_map(|(k, v)| [k, v]),
            )?;
            let labels = Labels {
                pairs: label.pairs.clone(),
                fields: label_fields(label, config)?,
            };
            steps.add("LabelTransformer", Transformer::Labels(labels));
        }
        let texts = layer.common_labels.iter().flat_map(|(k, v)| [k, v]);
        expect_printable("LabelTransformer", texts)?;
        if !layer.labels.is_empty() || !layer.common_labels.is_empty() {
            let labels = Labels {
                pairs: layer.common_labels.clone(),
                fields: config.common_labels.clone(),
            };
            steps.add("LabelTransformer", Transformer::Labels(labels));
        }
        if !layer.common_annotations.is_empty() {
            let texts = layer.common_annotations.iter().flat_map(|(k, v)| [k, v]);
            expect_printable("AnnotationsTransformer", texts)?;
            let annotations = Annotations {
                pairs: layer.common_annotations.clone(),
                fields: config.common_annotations.clone(),
            };
            steps.add(
                "AnnotationsTransformer",
                Transformer::Annotations(annotations),
            );
        }
        Ok(())
    }

    /// Patches from files or inline texts.
    ///
    /// # Errors
    /// One cannot be read, or there is none.
    pub(super) fn strategic_patches(
        &self,
        paths: &[String],
        inline: &str,
    ) -> Result<StrategicPatches, Error> {
        if paths.is_empty() && inline.is_empty() {
            bail!("empty file path and empty patch content");
        }
        let schema = &self.context.schema;
        let mut patches: Vec<Resource> = Vec::new();
        for path in paths {
            // An entry may be a patch itself; only what is none is a file.
            match read_text(path, schema) {
                Ok(inline) => patches.extend(inline),
                Err(_) => {
                    let bytes = self.loader.load(path)?;
                    patches.extend(read(&bytes, schema).map_err(|error| with_file(error, path))?);
                }
            }
        }
        if !inline.is_empty() {
            patches.extend(read_text(inline, schema)?);
        }
        if patches.is_empty() {
            bail!(
                "patch appears to be empty; files={}, Patch={inline}",
                list(paths)
            );
        }
        Ok(StrategicPatches { patches })
    }

    /// One entry of `patches`, or the configuration of a patch transformer.
    ///
    /// # Errors
    /// It has no text, two texts, or one that is no patch.
    pub(super) fn patch(
        &self,
        patch: &Patch,
        config: impl FnOnce() -> String,
    ) -> Result<PatchSet, Error> {
        let inline = patch.patch.trim();
        let (text, source) = match (inline.is_empty(), patch.path.is_empty()) {
            (true, true) => bail!("must specify one of patch and path in\n{}", config()),
            (false, false) => bail!("patch and path can't be set at the same time\n{}", config()),
            (false, true) => (inline.to_owned(), format!("[patch: {}]", quote(inline))),
            (true, false) => {
                let path = &patch.path;
                let bytes = self
                    .loader
                    .load(path)
                    .within(|| format!("failed to get the patch file from path({path})"))?;
                let text = String::from_utf8_lossy(&bytes).into_owned();
                (text, format!("[path: {}]", quote(path)))
            }
        };
        let default = PatchOptions::default();
        let options = patch.options.as_ref().unwrap_or(&default);
        let text = PatchText::read(&text, &source, options, &self.context.schema)?;
        Ok(PatchSet {
            target: patch.target.clone(),
            source,
            text,
        })
    }
}

/// Collects transformers with their origins.
struct Steps<'a, 'b> {
    target: &'a Target<'b>,
    list: Vec<Step>,
}

impl Steps<'_, '_> {
    fn add(&mut self, kind: &str, transformer: Transformer) {
        let origin = self.target.origin.as_ref();
        let origin = origin.map(|it| it.configured_by_builtin(self.target.file_name, kind));
        self.list.push(Step {
            transformer,
            origin,
        });
    }
}

/// Where one entry of `labels` writes.
fn label_fields(label: &Label, config: &TransformerConfig) -> Result<Vec<FieldSpec>, Error> {
    let own = label.fields.iter().cloned().map(FieldSpec::from).collect();
    let what = "failed to merge labels";
    let mut fields = merge_all(own, &config.labels).within(|| what)?;
    if label.include_selectors {
        return merge_all(fields, &config.common_labels).within(|| what);
    }
    if label.include_templates {
        fields = merge_all(fields, &config.template_labels)
            .within(|| "failed to merge template fieldSpec")?;
    }
    merge_all(fields, &[FieldSpec::of_all("metadata/labels", true)]).within(|| what)
}

/// One entry of `patchesJson6902`, or the configuration of its transformer.
///
/// # Errors
/// It has no target, no text, two texts, or one that is no patch.
pub(super) fn json_patch(patch: &Patch, loader: &Loader<'_>) -> Result<JsonPatch, Error> {
    let Some(target) = patch
        .target
        .as_ref()
        .filter(|target| !target.id.name.is_empty())
    else {
        bail!("must specify the target name");
    };
    let text = match (patch.path.as_str(), patch.patch.as_str()) {
        ("", "") => bail!("empty file path and empty jsonOp"),
        ("", text) => text.to_owned(),
        (path, "") => {
            let text = String::from_utf8_lossy(&loader.load(path)?).into_owned();
            if text.is_empty() {
                bail!("patch file '{path}' empty seems to be empty");
            }
            text
        }
        _ => bail!("must specify a file path or jsonOp, not both"),
    };
    let json = if text.starts_with('[') {
        text
    } else {
        let value = crate::yaml::converted(text.as_bytes())?;
        crate::json_text::compact(&value)
    };
    let operations = parse_json_patch(&json).within(|| format!("decoding {json}"))?;
    if operations.operations().is_empty() {
        bail!(
            "patch appears to be empty; file={}, JsonOp={json}",
            patch.path
        );
    }
    Ok(JsonPatch {
        target: target.clone(),
        patch: operations,
    })
}

/// Replacements, those in files included.
///
/// # Errors
/// A file cannot be read, or an entry has both a file and its own fields.
pub(super) fn replacements(
    entries: &[ReplacementField],
    loader: &Loader<'_>,
) -> Result<Replacements, Error> {
    let mut replacements = Vec::new();
    for entry in entries {
        let own = &entry.replacement;
        if entry.path.is_empty() {
            replacements.push(own.clone());
            continue;
        }
        if own.source.is_some() || !own.targets.is_empty() {
            bail!("cannot specify both path and inline replacement");
        }
        let bytes = loader.load(&entry.path)?;
        let value = crate::yaml::converted(&bytes)?;
        match &value {
            Value::Array(items) => {
                for item in items {
                    replacements.push(read_replacement(item)?);
                }
            }
            object @ Value::Object(_) => replacements.push(read_replacement(object)?),
            other => bail!(
                "unsupported replacement type encountered within replacement path: {}",
                match other {
                    Value::Null => "invalid",
                    Value::Bool(_) => "bool",
                    Value::Number(number) if number.is_f64() => "float64",
                    Value::Number(_) => "int64",
                    _ => "string",
                }
            ),
        }
    }
    Ok(Replacements { replacements })
}

fn read_replacement(value: &Value) -> Result<Replacement, Error> {
    let read: Replacement = decode::from_value(value, Mode::Lenient)
        .within(|| "error unmarshaling JSON: while decoding JSON")?;
    Ok(Replacement {
        no_targets: value["targets"] == Value::Array(Vec::new()),
        ..read
    })
}
