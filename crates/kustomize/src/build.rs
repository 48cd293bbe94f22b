//! A build from its root to its output.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use kyaml::Node;
use serde_json::Value;

use crate::error::{Context as _, Error, ErrorKind, bail};
use crate::field_spec::FieldSpec;
use crate::file_system::FileSystem;
use crate::id::ResId;
use crate::kustomization::Kustomization;
use crate::loader::{LoadRestriction, Loader};
use crate::remote::Remote;
use crate::res_map::ResMap;
use crate::resource::check_metadata;
use crate::schema::BuildSchema;
use crate::sort;
use crate::target::Target;
use crate::transform::{self, Labels};

/// The version of kustomize whose builds these are.
pub const VERSION: &str = "v5.8.1";

const LOCAL_CONFIG: &str = "config.kubernetes.io/local-config";

/// Bounds on one build. Reaching one is an error.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bounds on each YAML text.
    pub yaml: kyaml::Limits,
    /// Kustomizations that one build may load, counted as often as they are loaded.
    pub kustomizations: usize,
    /// Resources that one build may load or generate.
    pub resources: usize,
    /// Bytes of output.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            yaml: kyaml::Limits::default(),
            kustomizations: 20_000,
            resources: 500_000,
            output: 1 << 30,
        }
    }
}

/// The order of the output where the kustomization says none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// By kind, as the command line does it.
    #[default]
    Legacy,
    /// As accumulated, as Flux does it.
    Accumulated,
}

/// How to build.
#[derive(Clone, Default)]
pub struct Options<'a> {
    /// The order of the output.
    pub order: Order,
    /// Which files may be loaded.
    pub load_restriction: LoadRestriction,
    /// Label everything as managed by kustomize.
    pub managed_by_label: bool,
    /// Schemas that the kustomization names add to Kubernetes' own instead of replacing it.
    pub keep_builtin_schema: bool,
    /// Who fetches remote resources; without, they are errors.
    pub remote: Option<&'a dyn Remote>,
    /// The bounds.
    pub limits: Limits,
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("order", &self.order)
            .field("load_restriction", &self.load_restriction)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// What all kustomizations of a build share.
pub(crate) struct Context {
    pub(crate) schema: Arc<BuildSchema>,
    pub(crate) warnings: RefCell<Vec<String>>,
    limits: Limits,
    kustomizations: Cell<usize>,
    resources: Cell<usize>,
}

impl Context {
    fn new(options: &Options<'_>) -> Self {
        let schema = BuildSchema::new(options.limits.yaml, options.keep_builtin_schema);
        Self {
            schema: Arc::new(schema),
            warnings: RefCell::default(),
            limits: options.limits,
            kustomizations: Cell::new(0),
            resources: Cell::new(0),
        }
    }

    fn count(counter: &Cell<usize>, more: usize, limit: usize, what: &str) -> Result<(), Error> {
        counter.set(counter.get().saturating_add(more));
        if counter.get() > limit {
            return Err(Error::of_kind(
                ErrorKind::Limit,
                format!("the build needs more than {limit} {what}"),
            ));
        }
        Ok(())
    }

    /// Counts one more kustomization.
    ///
    /// # Errors
    /// There are too many.
    pub(crate) fn count_kustomization(&self) -> Result<(), Error> {
        let limit = self.limits.kustomizations;
        Self::count(&self.kustomizations, 1, limit, "kustomizations")
    }

    /// Counts more resources.
    ///
    /// # Errors
    /// There are too many.
    pub(crate) fn count_resources(&self, more: usize) -> Result<(), Error> {
        Self::count(&self.resources, more, self.limits.resources, "resources")
    }
}

/// One object of a finished build.
#[derive(Debug, Clone)]
pub struct Output {
    node: Node,
    id: ResId,
}

impl Output {
    /// The object.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The object, given away.
    #[must_use]
    pub fn into_node(self) -> Node {
        self.node
    }

    /// What identifies the object.
    #[must_use]
    pub fn id(&self) -> &ResId {
        &self.id
    }

    /// The object as kustomize prints it.
    ///
    /// # Errors
    /// It holds what JSON cannot: keys that are no strings, infinite numbers, a key twice.
    pub fn to_yaml(&self) -> Result<String, Error> {
        let mut out = String::new();
        self.write_yaml(&mut out)?;
        Ok(out)
    }

    fn write_yaml(&self, out: &mut String) -> Result<(), Error> {
        self.node.to_output(out).within(|| &self.id)
    }

    /// The object as a value, without going through text.
    ///
    /// # Errors
    /// As [`Output::to_yaml`].
    pub fn to_json(&self) -> Result<Value, Error> {
        let mut value = self.node.to_json().within(|| &self.id)?;
        unsign_zeros(&mut value);
        Ok(value)
    }
}

/// A negative zero is printed without its sign.
fn unsign_zeros(value: &mut Value) {
    let mut stack = vec![value];
    while let Some(value) = stack.pop() {
        match value {
            Value::Number(number) if number.is_f64() && number.as_f64() == Some(0.0) => {
                *value = Value::from(0);
            }
            Value::Array(items) => stack.extend(items),
            Value::Object(fields) => stack.extend(fields.values_mut()),
            _ => {}
        }
    }
}

/// A finished build.
#[derive(Debug, Clone, Default)]
pub struct Build {
    /// The objects in order.
    pub outputs: Vec<Output>,
    /// Things that the author should know and that do not matter now.
    pub warnings: Vec<String>,
    limit: usize,
}

impl Build {
    /// All objects as kustomize prints them, separated by `---`.
    ///
    /// # Errors
    /// As [`Output::to_yaml`], or the output is larger than allowed.
    pub fn to_yaml(&self) -> Result<String, Error> {
        let mut out = String::new();
        for (at, output) in self.outputs.iter().enumerate() {
            if at > 0 {
                out.push_str("---\n");
            }
            output.write_yaml(&mut out)?;
            if out.len() > self.limit {
                return Err(Error::of_kind(
                    ErrorKind::Limit,
                    format!("the output is larger than {} bytes", self.limit),
                ));
            }
        }
        Ok(out)
    }
}

/// Builds the kustomization in the directory `root`, an absolute path of `fs`.
///
/// # Errors
/// Whatever is wrong with the kustomization or what it leads to.
pub fn build(fs: &dyn FileSystem, root: &str, options: &Options<'_>) -> Result<Build, Error> {
    run(fs, root, options, None)
}

/// As [`build`], with the root's kustomization given instead of read.
pub(crate) fn run(
    fs: &dyn FileSystem,
    root: &str,
    options: &Options<'_>,
    given: Option<Kustomization>,
) -> Result<Build, Error> {
    let loader = Loader::new(fs, options.remote, options.load_restriction, root)?;
    let context = Context::new(options);
    let target = match given {
        Some(kustomization) => Target::given(loader, &context, kustomization)?,
        None => Target::load(loader, &context)?,
    };
    target.choose_schema()?;
    let mut resources = customized(&target)?;
    finish(&mut resources, &target, options)?;
    let outputs = resources.take().into_iter().map(|resource| Output {
        id: resource.id().clone(),
        node: resource.into_node(),
    });
    Ok(Build {
        outputs: outputs.collect(),
        warnings: context.warnings.take(),
        limit: options.limits.output,
    })
}

/// Everything that happens once, at the root: hashes, references, variables, local configuration.
fn customized(target: &Target<'_>) -> Result<ResMap, Error> {
    let accumulated = target.accumulate()?;
    let mut resources = accumulated.resources;
    target.context().schema.check()?;
    check_histories(&resources)?;
    transform::Transformer::Hash.transform(&mut resources)?;
    check_histories(&resources)?;
    transform::rewrite_names(&mut resources, &accumulated.config.name_reference)?;
    let fields = &accumulated.config.var_reference;
    let unused = transform::resolve_vars(&accumulated.vars, &mut resources, fields)?;
    if !unused.is_empty() {
        target.context().warnings.borrow_mut().push(format!(
            "well-defined vars that were never replaced: {}",
            unused.join(",")
        ));
    }
    for resource in resources.list() {
        check_metadata(resource.node()).or_else(|_| check_metadata(&resource.with_history()))?;
    }
    resources.retain(|resource| {
        let annotation = resource.node().annotation(LOCAL_CONFIG);
        annotation.is_none_or(|value| value == "false")
    });
    resources.check_unique()?;
    Ok(resources)
}

/// Fails where upstream cannot tell former ids apart.
fn check_histories(resources: &ResMap) -> Result<(), Error> {
    let mut histories = resources.list().iter().map(|resource| &resource.history);
    histories.try_for_each(|history| history.check())
}

/// Order, label, and annotations of the output.
fn finish(resources: &mut ResMap, target: &Target<'_>, options: &Options<'_>) -> Result<(), Error> {
    let kustomization = target.kustomization();
    match (&kustomization.sort_options, options.order) {
        (Some(told), _) => sort::as_told(resources, told)?,
        (None, Order::Legacy) => sort::legacy(resources)?,
        (None, Order::Accumulated) => {}
    }
    let wants = |option: &str| kustomization.build_metadata.iter().any(|it| it == option);
    if options.managed_by_label || wants("managedByLabel") {
        let label = Labels {
            pairs: [(
                "app.kubernetes.io/managed-by".to_owned(),
                format!("kustomize-{VERSION}"),
            )]
            .into(),
            fields: vec![FieldSpec::of_all("metadata/labels", true)],
        };
        label.transform(resources)?;
    }
    let keep = (wants("originAnnotations"), wants("transformerAnnotations"));
    for resource in resources.list_mut() {
        resource.finish(keep.0, keep.1)?;
    }
    if resources.list().len() > options.limits.resources {
        bail!("too many resources");
    }
    Ok(())
}
