//! One kustomization or component at work: what it reads, generates and changes.

mod builtin;
mod plugin;

use std::sync::Arc;

use crate::build::Context;
use crate::config::{self, TransformerConfig};
use crate::error::{Context as _, Error, ErrorKind, bail};
use crate::field_spec::FieldSpec;
use crate::generator::{self, Generated};
use crate::go_text::{list, quote};
use crate::kustomization::{FILE_NAMES, GeneratorArgs, GeneratorOptions, Kustomization, Loaded};
use crate::loader::Loader;
use crate::origin::Origin;
use crate::res_map::ResMap;
use crate::resource::{ORIGIN, Resource, read};
use crate::transform::{Annotations, Transformer, VarSet};

/// Resources, and the rules that travel with them to the outer layers.
#[derive(Debug, Default)]
pub(crate) struct Accumulated {
    pub(crate) resources: ResMap,
    pub(crate) config: Arc<TransformerConfig>,
    pub(crate) vars: VarSet,
    /// The ids know the schema that some layer has brought.
    knows_schema: bool,
}

impl Accumulated {
    /// Looks again at what lives outside of namespaces, once a layer below has brought a schema.
    fn settle_scopes(&mut self, context: &Context) {
        if !self.knows_schema && context.schema.is_custom() {
            self.knows_schema = true;
            self.resources.settle();
        }
    }

    fn merge(&mut self, other: Self) -> Result<(), Error> {
        let mut other = other;
        self.resources.append_all(other.resources.take())?;
        config::merge_shared(&mut self.config, &other.config)?;
        self.vars.merge(other.vars)
    }
}

/// A transformer, and where it was configured if that is to be noted.
struct Step {
    transformer: Transformer,
    origin: Option<Origin>,
}

/// A loaded kustomization.
pub(crate) struct Target<'a> {
    loader: Loader<'a>,
    context: &'a Context,
    kustomization: Kustomization,
    file_name: &'static str,
    /// Where this layer comes from; only kept if something is to be noted.
    origin: Option<Origin>,
}

impl<'a> Target<'a> {
    /// Loads the kustomization of a directory.
    ///
    /// # Errors
    /// There is none, or several, or it is malformed.
    pub(crate) fn load(loader: Loader<'a>, context: &'a Context) -> Result<Self, Error> {
        let (bytes, file_name) = find_file(&loader)?;
        let loaded = Kustomization::load(&bytes, loader.root())?;
        Self::new(loader, context, loaded, file_name)
    }

    /// Uses a kustomization that somebody else has made for the directory.
    ///
    /// # Errors
    /// The directory has several files, or the kustomization is empty.
    pub(crate) fn given(
        loader: Loader<'a>,
        context: &'a Context,
        kustomization: Kustomization,
    ) -> Result<Self, Error> {
        let file_name = match find_file(&loader) {
            Ok((_, name)) => name,
            Err(error) if error.text().starts_with("Found multiple") => return Err(error),
            Err(_) => FILE_NAMES[0],
        };
        let loaded = kustomization.finish(loader.root())?;
        Self::new(loader, context, loaded, file_name)
    }

    fn new(
        loader: Loader<'a>,
        context: &'a Context,
        loaded: Loaded,
        file_name: &'static str,
    ) -> Result<Self, Error> {
        context.count_kustomization()?;
        context.warnings.borrow_mut().extend(loaded.warnings);
        let kustomization = loaded.kustomization;
        let origin = (!kustomization.build_metadata.is_empty()).then(Origin::default);
        Ok(Self {
            loader,
            context,
            kustomization,
            file_name,
            origin,
        })
    }

    pub(crate) fn kustomization(&self) -> &Kustomization {
        &self.kustomization
    }

    pub(crate) fn context(&self) -> &Context {
        self.context
    }

    /// Applies the `openapi` field.
    ///
    /// # Errors
    /// The file cannot be read, or the version is unknown.
    pub(crate) fn choose_schema(&self) -> Result<(), Error> {
        let field = &self.kustomization.openapi;
        let file = field.get("path");
        let file = file.map(|path| self.loader.load(path)).transpose()?;
        self.context.schema.choose(field, file.as_deref())
    }

    /// All resources of this layer and those below, changed by all of them.
    ///
    /// # Errors
    /// Whatever goes wrong.
    pub(crate) fn accumulate(&self) -> Result<Accumulated, Error> {
        self.accumulate_onto(Accumulated::default())
    }

    /// The same for a component, which works on the resources of the layer that lists it.
    fn accumulate_onto(&self, mut work: Accumulated) -> Result<Accumulated, Error> {
        let layer = &self.kustomization;
        self.add_resources(&mut work, &layer.resources)
            .within(|| "accumulating resources")?;
        let config = TransformerConfig::with_files(&self.loader, &layer.configurations)?;
        config::merge_shared(&mut work.config, &config)?;
        let crds = config::from_crds(&self.loader, &layer.crds)
            .within(|| format!("loading CRDs {}", list(&layer.crds)))?;
        config::merge_shared(&mut work.config, &Arc::new(crds))?;
        self.generate(&mut work)?;
        for entry in &layer.components {
            work = self
                .add_component(work, entry)
                .within(|| "accumulating components")?;
        }
        self.transform(&mut work)?;
        self.validate(&mut work)?;
        work.vars.add(&layer.vars, &mut work.resources).within(|| {
            let vars: Vec<String> = layer.vars.iter().map(crate::transform::shown_var).collect();
            format!("merging vars {}", list(&vars))
        })?;
        Ok(work)
    }

    fn add_resources(&self, work: &mut Accumulated, entries: &[String]) -> Result<(), Error> {
        entries
            .iter()
            .try_for_each(|entry| self.add_resource(work, entry))
    }

    /// Adds a file, else a directory or repository.
    fn add_resource(&self, work: &mut Accumulated, entry: &str) -> Result<(), Error> {
        let Err(as_file) = self.add_file(work, entry) else {
            return Ok(());
        };
        if matches!(as_file.kind(), ErrorKind::Http | ErrorKind::Limit) {
            return Err(as_file);
        }
        let below = match self.loader.enter(entry) {
            Ok(below) => below,
            Err(_) if as_file.kind() == ErrorKind::MalformedYaml => return Err(as_file),
            Err(error) => return Err(error.within(format!("accumulation err='{as_file}'"))),
        };
        let added = self.directory(below, entry, None);
        work.settle_scopes(self.context);
        let added = added.and_then(|(mut added, root)| {
            added.settle_scopes(self.context);
            work.merge(added)
                .within(|| format!("recursed merging from path '{root}'"))
        });
        added.within(|| format!("accumulation err='{as_file}'"))
    }

    fn add_file(&self, work: &mut Accumulated, entry: &str) -> Result<(), Error> {
        let resources = self
            .read_file(entry)
            .within(|| format!("accumulating resources from '{entry}'"))?;
        self.context.count_resources(resources.list().len())?;
        let mut resources = resources;
        if let Some(origin) = &self.origin {
            let origin = origin
                .below(entry)
                .to_text()
                .within(|| format!("cannot add path annotation for '{entry}'"))?;
            let note = Annotations {
                pairs: [(ORIGIN.to_owned(), origin)].into(),
                fields: vec![FieldSpec::of_all("metadata/annotations", true)],
            };
            note.transform(&mut resources)
                .within(|| format!("cannot add path annotation for '{entry}'"))?;
        }
        work.resources
            .append_all(resources.take())
            .within(|| format!("merging resources from '{entry}'"))
    }

    fn read_file(&self, entry: &str) -> Result<ResMap, Error> {
        let bytes = self.loader.load(entry)?;
        self.read_bytes(&bytes)
            .map_err(|error| with_file(error, entry))
    }

    fn read_bytes(&self, bytes: &[u8]) -> Result<ResMap, Error> {
        let mut resources = ResMap::default();
        resources.append_all(read(bytes, &self.context.schema)?)?;
        Ok(resources)
    }

    /// Accumulates a directory: on its own, or onto the given work if it is a component.
    fn directory(
        &self,
        loader: Loader<'a>,
        entry: &str,
        component_of: Option<Accumulated>,
    ) -> Result<(Accumulated, String), Error> {
        let root = loader.root().to_owned();
        let mut below = Target::load(loader, self.context)
            .within(|| format!("couldn't make target for path '{root}'"))?;
        below
            .kustomization
            .build_metadata
            .clone_from(&self.kustomization.build_metadata);
        below.origin = self.origin.as_ref().map(|origin| origin.below(entry));
        below.choose_schema()?;
        let done = match (component_of, below.kustomization.is_component()) {
            (Some(_), false) => bail!(
                "expected kind 'Component' for path '{root}' but got '{}'",
                below.kustomization.kind
            ),
            (None, true) => bail!("expected kind != 'Component' for path '{root}'"),
            (Some(mut work), true) => {
                work.settle_scopes(self.context);
                below.accumulate_onto(work)
            }
            (None, false) => below.accumulate(),
        };
        let done = done.within(|| format!("recursed accumulation of path '{root}'"))?;
        Ok((done, root))
    }

    fn add_component(&self, work: Accumulated, entry: &str) -> Result<Accumulated, Error> {
        let below = self
            .loader
            .enter(entry)
            .map_err(|error| Error::new(format!("loader.New {}", quote(error.text()))))?;
        let done = self
            .directory(below, entry, Some(work))
            .and_then(|(mut done, root)| {
                done.resources
                    .check_unique()
                    .within(|| format!("recursed merging from path '{root}'"))?;
                // Upstream merges into nothing, where a narrow field displaces a wide one of its path.
                let config = std::mem::take(&mut done.config);
                config::merge_shared(&mut done.config, &config)?;
                Ok(done)
            });
        done.map_err(|error| {
            let kind = error.kind();
            Error::of_kind(
                kind,
                format!("accumulateDirectory: {}", quote(error.text())),
            )
        })
    }

    fn generate(&self, work: &mut Accumulated) -> Result<(), Error> {
        let layer = &self.kustomization;
        self.check_generator_texts()?;
        for chart in &layer.helm_charts {
            let config = chart.to_value(layer.helm_globals.as_ref());
            builtin::refuse_chart(&config)?;
        }
        let plugins = self
            .load_generators()
            .within(|| "loading generator plugins")?;
        work.settle_scopes(self.context);
        let kinds = [
            (
                Generated::ConfigMap,
                "ConfigMapGenerator",
                &layer.config_map_generator,
            ),
            (
                Generated::Secret,
                "SecretGenerator",
                &layer.secret_generator,
            ),
        ];
        for (what, kind, all) in kinds {
            let origin = self.origin.as_ref();
            let origin = origin.map(|origin| origin.configured_by_builtin(self.file_name, kind));
            for args in all {
                let args = self.with_general_options(args);
                let resource = generator::make(what, &args, &self.loader, &self.context.schema)?;
                self.absorb(work, vec![resource], origin.as_ref())?;
            }
        }
        for (resources, origin) in plugins {
            self.absorb(
                work,
                resources.generate(&self.loader, self.context)?,
                origin.as_ref(),
            )?;
        }
        Ok(())
    }

    fn with_general_options(&self, args: &GeneratorArgs) -> GeneratorArgs {
        let mut args = args.clone();
        let options = args.common.options.take();
        let general = self.kustomization.generator_options.as_ref();
        args.common.options = GeneratorOptions::merged(options, general);
        args
    }

    fn absorb(
        &self,
        work: &mut Accumulated,
        mut generated: Vec<Resource>,
        origin: Option<&Origin>,
    ) -> Result<(), Error> {
        self.context.count_resources(generated.len())?;
        if let Some(origin) = origin {
            for resource in &mut generated {
                if matches!(Origin::of(resource), Ok(None)) {
                    origin.write_to(resource)?;
                }
            }
        }
        work.resources
            .absorb_all(ResMap::of(generated))
            .within(|| "merging from generator")
    }

    fn transform(&self, work: &mut Accumulated) -> Result<(), Error> {
        let mut steps = self.builtin_steps(&work.config)?;
        steps.extend(self.load_transformers(&self.kustomization.transformers)?);
        work.settle_scopes(self.context);
        for step in &steps {
            step.transformer.transform(&mut work.resources)?;
            if let Some(origin) = &step.origin {
                for resource in work.resources.list_mut() {
                    origin.note_change(resource)?;
                }
            }
            work.resources.drop_gone();
        }
        Ok(())
    }

    fn validate(&self, work: &mut Accumulated) -> Result<(), Error> {
        let steps = self.load_transformers(&self.kustomization.validators)?;
        work.settle_scopes(self.context);
        for step in steps {
            let before = work.resources.clone();
            step.transformer.transform(&mut work.resources)?;
            plugin::expect_same(&before, &work.resources)?;
        }
        Ok(())
    }
}

/// The kustomization file of a directory.
fn find_file(loader: &Loader<'_>) -> Result<(bytes::Bytes, &'static str), Error> {
    let mut found = None;
    for name in FILE_NAMES {
        if let Ok(bytes) = loader.load(name)
            && found.replace((bytes, name)).is_some()
        {
            bail!(
                "Found multiple kustomization files under: {}\n",
                loader.root()
            );
        }
    }
    let [first, second, third] = FILE_NAMES;
    found.ok_or_else(|| {
        Error::new(format!(
            "unable to find one of '{first}', '{second}' or '{third}' in directory '{}'",
            loader.root()
        ))
    })
}

/// Names the file in an error about its text.
pub(crate) fn with_file(error: Error, file: &str) -> Error {
    let text = error.text();
    if text.contains("error converting YAML to JSON") || text.contains("error unmarshaling JSON") {
        return Error::new(format!(
            "YAML file [{file}] encounters a format error.\n{text}\n"
        ));
    }
    if error.kind() == ErrorKind::MalformedYaml {
        return Error::of_kind(ErrorKind::MalformedYaml, format!("{text} in File: {file}"));
    }
    error
}
