//! The `generators`, `transformers` and `validators` fields: configurations of built-in plugins.

mod args;

use kyaml::Node;
use serde_json::Value;

use super::builtin::{json_patch, replacements};
use super::{Accumulated, Step, Target};
use args::{
    AccountArgs, AffixArgs, DataArgs, ImageArgs, NamespaceArgs, PairArgs, PatchArgs,
    ReplacementArgs, ValueAddArgs,
};

use crate::build::Context;
use crate::decode::{self, Mode};
use crate::error::{Context as _, Error, bail};
use crate::field_spec::FieldSpec;
use crate::generator::{self, Generated};
use crate::kustomization::{FieldSpecArgs, GeneratorArgs, Patch};
use crate::loader::Loader;
use crate::origin::Origin;
use crate::path;
use crate::res_map::ResMap;
use crate::resource::{Resource, read_text};
use crate::transform::{
    AddTarget, Affix, AffixKind, Annotations, Images, Labels, Namespace, Replicas, Subjects,
    Transformer, ValueAdd,
};

/// A configured generator.
pub(super) enum Generator {
    Data(Generated, GeneratorArgs),
    Account(AccountArgs),
}

impl Generator {
    /// Makes its resources.
    ///
    /// # Errors
    /// Those of the generator.
    pub(super) fn generate(
        &self,
        loader: &Loader<'_>,
        context: &Context,
    ) -> Result<Vec<Resource>, Error> {
        match self {
            Self::Data(what, args) => {
                Ok(vec![generator::make(*what, args, loader, &context.schema)?])
            }
            Self::Account(args) => args.generate(context),
        }
    }
}

/// Anything that a configuration can ask for.
enum Plugin {
    Generator(Generator),
    Transformer(Transformer),
}

impl AccountArgs {
    fn generate(&self, context: &Context) -> Result<Vec<Resource>, Error> {
        if self.cloud != "gke" {
            bail!("cloud provider {} not supported yet", self.cloud);
        }
        let mut text = format!(
            "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  annotations:\n    iam.gke.io/gcp-service-account: {}@{}.iam.gserviceaccount.com\n  name: {}\n",
            self.account.name, self.account.project, self.cluster.name
        );
        if !self.cluster.namespace.is_empty() {
            text.push_str(&format!("  namespace: {}\n", self.cluster.namespace));
        }
        read_text(&text, &context.schema)
    }
}

fn specs(args: Vec<FieldSpecArgs>) -> Vec<FieldSpec> {
    args.into_iter().map(FieldSpec::from).collect()
}

fn config<T: decode::Decode>(value: &Value) -> Result<T, Error> {
    decode::from_value(value, Mode::Lenient)
        .within(|| "error unmarshaling JSON: while decoding JSON")
}

impl Target<'_> {
    /// The generators of the `generators` field, with their origins.
    pub(super) fn load_generators(&self) -> Result<Vec<(Generator, Option<Origin>)>, Error> {
        let what = "configuring external generator";
        let mut generators = Vec::new();
        for resource in self.configurations(&self.kustomization.generators, what)? {
            let plugin = self
                .load_plugin(&resource)
                .within(|| "failed to load generator")?;
            let Plugin::Generator(generator) = plugin else {
                bail!(
                    "failed to load generator: plugin {} not a generator",
                    resource.original_id()
                );
            };
            let origin =
                Origin::of_plugin(&resource).within(|| "failed to get origin from CustomPlugin")?;
            generators.push((generator, origin));
        }
        Ok(generators)
    }

    /// The transformers of a field that lists configurations.
    pub(super) fn load_transformers(&self, entries: &[String]) -> Result<Vec<Step>, Error> {
        let mut steps = Vec::new();
        for resource in self.configurations(entries, "configuring external transformer")? {
            let Plugin::Transformer(transformer) = self.load_plugin(&resource)? else {
                bail!("plugin {} not a transformer", resource.original_id());
            };
            steps.push(Step {
                transformer,
                origin: Origin::of_plugin(&resource)?,
            });
        }
        Ok(steps)
    }

    /// The configuration objects that a field's entries hold or lead to, the inline ones first.
    fn configurations(&self, entries: &[String], what: &str) -> Result<Vec<Resource>, Error> {
        let mut work = Accumulated::default();
        let mut paths = Vec::new();
        for entry in entries {
            let mut inline = ResMap::default();
            let read = read_text(entry, &self.context.schema)
                .and_then(|resources| inline.append_all(resources));
            if read.is_err() {
                paths.push(entry.clone());
                continue;
            }
            if let Some(origin) = &self.origin {
                let origin = origin.below(self.file_name);
                for resource in inline.list_mut() {
                    origin.write_to(resource)?;
                }
            }
            work.resources.append_all(inline.take()).within(|| what)?;
        }
        self.add_resources(&mut work, &paths)?;
        Ok(work.resources.take())
    }

    fn load_plugin(&self, resource: &Resource) -> Result<Plugin, Error> {
        let gvk = resource.gvk();
        if !gvk.group.is_empty() || gvk.version != "builtin" {
            bail!(
                "external plugins disabled; unable to load external plugin '{}'",
                resource.original_id().gvk.kind
            );
        }
        let id = resource.original_id();
        let value = resource
            .node()
            .to_json()
            .within(|| format!("marshalling yaml from res {id}"))?;
        let fails = || format!("plugin {id} fails configuration");
        let plugin = match gvk.kind.as_str() {
            "ConfigMapGenerator" | "SecretGenerator" | "IAMPolicyGenerator" => {
                generator_of(&gvk.kind, &value).map(Plugin::Generator)
            }
            "HelmChartInflationGenerator" => Err(Error::new("must specify --enable-helm")),
            "PatchTransformer" | "PatchJson6902Transformer" | "PatchStrategicMergeTransformer" => {
                self.patch_of(&gvk.kind, resource, &value)
                    .map(Plugin::Transformer)
            }
            "ReplacementTransformer" => config::<ReplacementArgs>(&value)
                .and_then(|args| replacements(&args.replacements, &self.loader))
                .map(|it| Plugin::Transformer(Transformer::Replacements(it))),
            "ValueAddTransformer" => self
                .value_add_of(&value)
                .map(|it| Plugin::Transformer(Transformer::ValueAdd(it))),
            kind => match simple_of(kind, &value) {
                Some(transformer) => transformer.map(Plugin::Transformer),
                None => bail!("unable to load builtin {gvk}"),
            },
        };
        plugin.within(fails)
    }

    fn patch_of(
        &self,
        kind: &str,
        resource: &Resource,
        value: &Value,
    ) -> Result<Transformer, Error> {
        let args: PatchArgs = config(value)?;
        if kind == "PatchStrategicMergeTransformer" {
            let patches = self.strategic_patches(&args.paths, &args.patches)?;
            return Ok(Transformer::StrategicPatches(patches));
        }
        let json = kind == "PatchJson6902Transformer";
        let patch = Patch {
            path: args.path,
            patch: if json { args.operations } else { args.patch },
            target: args.target,
            options: args.options,
        };
        if json {
            return Ok(Transformer::JsonPatch(json_patch(&patch, &self.loader)?));
        }
        let shown = || {
            let mut text = String::new();
            match resource.with_history().to_output(&mut text) {
                Ok(()) => text,
                Err(error) => error.to_string(),
            }
        };
        Ok(Transformer::Patch(self.patch(&patch, shown)?))
    }

    fn value_add_of(&self, value: &Value) -> Result<ValueAdd, Error> {
        let mut args: ValueAddArgs = config(value)?;
        if !args.target_file.is_empty() {
            let bytes = self.loader.load(&args.target_file)?;
            let value = crate::yaml::converted(&bytes)?;
            args.targets.extend(config::<ValueAddArgs>(&value)?.targets);
        }
        if args.targets.is_empty() {
            bail!("must specify at least one target");
        }
        let mut targets = Vec::new();
        for target in args.targets {
            if target.field_path.is_empty() {
                bail!("fieldPath cannot be empty");
            }
            let Ok(position) = usize::try_from(target.position.0) else {
                bail!(
                    "value of FilePathPosition ({}) cannot be negative",
                    target.position.0
                );
            };
            targets.push(AddTarget {
                selector: target.selector,
                field_path: target.field_path,
                position,
            });
        }
        let value = match args.value.trim() {
            "" => path::base(self.loader.root()),
            value => value,
        };
        Ok(ValueAdd {
            value: value.to_owned(),
            targets,
        })
    }
}

fn generator_of(kind: &str, value: &Value) -> Result<Generator, Error> {
    if kind == "IAMPolicyGenerator" {
        return Ok(Generator::Account(config(value)?));
    }
    let DataArgs { metadata, mut args } = config(value)?;
    let common = &mut args.common;
    if common.name.is_empty() {
        common.name = metadata.name;
    }
    if common.namespace.is_empty() {
        common.namespace = metadata.namespace;
    }
    let what = match kind {
        "SecretGenerator" => Generated::Secret,
        _ => Generated::ConfigMap,
    };
    Ok(Generator::Data(what, args))
}

/// The transformers that need nothing but their configuration.
fn simple_of(kind: &str, value: &Value) -> Option<Result<Transformer, Error>> {
    Some(match kind {
        "AnnotationsTransformer" => config::<PairArgs>(value).map(|args| {
            Transformer::Annotations(Annotations {
                pairs: args.annotations,
                fields: specs(args.field_specs),
            })
        }),
        "LabelTransformer" => config::<PairArgs>(value).map(|args| {
            Transformer::Labels(Labels {
                pairs: args.labels,
                fields: specs(args.field_specs),
            })
        }),
        "NamespaceTransformer" => namespace_of(value),
        "PrefixTransformer" => affixes_of(value, &[AffixKind::Prefix]),
        "SuffixTransformer" => affixes_of(value, &[AffixKind::Suffix]),
        "PrefixSuffixTransformer" => affixes_of(value, &[AffixKind::Prefix, AffixKind::Suffix]),
        "ImageTagTransformer" => config::<ImageArgs>(value).and_then(|args| {
            let images = Images::new(args.image, specs(args.field_specs))?;
            Ok(Transformer::Images(images))
        }),
        "ReplicaCountTransformer" => config::<ImageArgs>(value).map(|args| {
            Transformer::Replicas(Replicas {
                replica: args.replica,
                fields: specs(args.field_specs),
            })
        }),
        "HashTransformer" => Ok(Transformer::Hash),
        _ => return None,
    })
}

fn namespace_of(value: &Value) -> Result<Transformer, Error> {
    let args: NamespaceArgs =
        config(value).within(|| "unmarshalling NamespaceTransformer config")?;
    Ok(Transformer::Namespace(Namespace {
        namespace: args.metadata.namespace,
        fields: specs(args.field_specs),
        unset_only: args.unset_only,
        subjects: Subjects::of(&args.subjects)?,
    }))
}

fn affixes_of(value: &Value, kinds: &[AffixKind]) -> Result<Transformer, Error> {
    let args: AffixArgs = config(value)?;
    let Some(fields) = args.field_specs else {
        bail!("fieldSpecs is not expected to be nil");
    };
    let affixes = kinds.iter().map(|kind| Affix {
        kind: *kind,
        text: match kind {
            AffixKind::Prefix => args.prefix.clone(),
            AffixKind::Suffix => args.suffix.clone(),
        },
        fields: specs(fields.clone()),
    });
    Ok(Transformer::Affixes(affixes.collect()))
}

/// Checks that a validator has changed nothing. Even writing what was there already counts, since the
/// original compares where in its file each part stood.
///
/// # Errors
/// It has.
pub(super) fn expect_same(before: &ResMap, after: &ResMap) -> Result<(), Error> {
    let problem = "validator shouldn't modify the resource map";
    let (before, after) = (before.list(), after.list());
    if before.len() != after.len() {
        bail!("{problem}: lists have different number of entries");
    }
    for (old, new) in before.iter().zip(after) {
        let mut node = new.node().clone();
        let mut labels = node.labels();
        if labels.remove("validated-by").is_some() {
            node.set_labels(&labels)?;
        }
        if !is_same(old.node(), &node) {
            bail!(
                "{problem}: nodes unequal: \n -- {},\n -- {}\n",
                old.to_line(),
                new.to_line()
            );
        }
    }
    Ok(())
}

/// Whether both are equal and were read from the same places. Depth is bounded by that of what was read.
fn is_same(a: &Node, b: &Node) -> bool {
    (a.line(), a.column(), a.tag(), a.style(), a.text())
        == (b.line(), b.column(), b.tag(), b.style(), b.text())
        && a.kind() == b.kind()
        && a.items().len() == b.items().len()
        && a.entries().len() == b.entries().len()
        && a.items().iter().zip(b.items()).all(|(a, b)| is_same(a, b))
        && a.entries()
            .iter()
            .zip(b.entries())
            .all(|(a, b)| is_same(&a.key, &b.key) && is_same(&a.value, &b.value))
}
