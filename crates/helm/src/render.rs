//! A chart and values made into the objects of a release.
//!
//! Source: Helm 4.2.4 `pkg/action/install.go`, `pkg/action/action.go`, `pkg/chart/common/util/values.go`,
//! `pkg/engine/engine.go`

mod data;
pub mod name;
mod template;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use go_template::{Budget, Deadline, Functions, Limits, Map, MissingKey, Session, Str, quote};

pub use template::{Template, TemplateError, check_chart};

use crate::active::{Active, is_within};
use crate::capabilities::Capabilities;
use crate::chart::{Chart, Crd};
use crate::engine::{self, Templates};
use crate::manifest::{Hook, INSTALL_ORDER, Manifest, ManifestError, sort_manifests};
use crate::post_render::{PostRender, PostRenderError};
use crate::schema::{self, SchemaError};
use crate::values::{CoalesceError, Level, Warnings, coalesce_values};
use crate::{Env, functions};

/// What `.Release` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The name.
    pub name: String,
    /// The namespace.
    pub namespace: String,
    /// The number of this revision.
    pub revision: i64,
    /// Whether there was one before.
    pub is_upgrade: bool,
}

/// How a chart is rendered.
#[derive(Clone, Debug)]
pub struct Options {
    /// The release.
    pub release: Release,
    /// What the cluster can do.
    pub capabilities: Capabilities,
    /// Schemas are not looked at.
    pub skip_schema: bool,
    /// The notes of subcharts are told, too.
    pub sub_notes: bool,
    /// What templates may cost.
    pub limits: Limits,
    /// Who changes what was rendered.
    pub post_render: Option<PostRender>,
}

/// A rendered release.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// Hooks in the order of their kinds.
    pub hooks: Vec<Hook>,
    /// Objects in the order in which they are installed.
    pub manifests: Vec<Manifest>,
    /// The definitions below `crds/`: where they come from, and their text.
    pub crds: Vec<(String, Str)>,
    /// What `NOTES.txt` says.
    pub notes: String,
}

/// Rendered files that were not taken apart, as `helm template --debug` prints them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Unsorted(pub String);

impl std::fmt::Debug for Unsorted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Objects may be secret.
        write!(f, "Unsorted({} bytes)", self.0.len())
    }
}

/// Why a chart could not be rendered, in Helm's words.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A chart of a version that cannot be rendered.
    #[error("invalid chart apiVersion")]
    ApiVersion,
    /// A name that no release may have.
    #[error("release name check failed: release name {0}: {1}")]
    Name(String, &'static str),
    /// Dependencies that do not fit.
    #[error("chart dependencies processing failed: {0}")]
    Dependencies(CoalesceError),
    /// Values that do not fit.
    #[error(transparent)]
    Values(#[from] CoalesceError),
    /// Values that a schema refuses.
    #[error(
        "values don't meet the specifications of the schema(s) in the following chart(s):\n{0}"
    )]
    Schema(#[from] SchemaError),
    /// A cluster that the chart is not made for.
    #[error("chart requires kubeVersion: {range} which is incompatible with Kubernetes {version}")]
    KubeVersion {
        /// The versions that the chart wants.
        range: String,
        /// The version that there is.
        version: String,
    },
    /// A template that fails.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// A rendered document that is no object, and all that was rendered.
    #[error("{0}")]
    Manifest(ManifestError, Unsorted),
    /// A post-renderer that fails.
    #[error(transparent)]
    PostRender(#[from] PostRenderError),
}

impl RenderError {
    /// Whether templates were rendered, so that Helm could show what came out.
    pub fn is_late(&self) -> bool {
        matches!(
            self,
            Self::Engine(_) | Self::Manifest(..) | Self::PostRender(_) | Self::KubeVersion { .. }
        )
    }

    /// What `helm template --debug` prints all the same.
    pub fn unsorted(&self) -> &str {
        match self {
            Self::Manifest(_, unsorted) => &unsorted.0,
            _ => "",
        }
    }
}

/// Templates that were parsed before, by the paths of their files: the same chart has others when its
/// dependencies are chosen otherwise.
#[derive(Debug, Default)]
pub(crate) struct Compiled(Mutex<Vec<(Vec<String>, Templates)>>);

impl Compiled {
    /// So many choices are remembered.
    const MOST: usize = 4;

    fn get(
        &self,
        texts: &[(String, Str)],
        functions: &Functions,
    ) -> Result<Templates, engine::Error> {
        let names: Vec<String> = texts.iter().map(|(name, _)| name.clone()).collect();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, templates)) = known.iter().find(|(known, _)| *known == names) {
            return Ok(templates.clone());
        }
        let pairs = texts.iter().map(|(name, text)| (name.as_str(), text));
        let templates = Templates::parse(pairs, functions)?;
        if known.len() >= Self::MOST {
            known.remove(0);
        }
        known.push((names, templates.clone()));
        Ok(templates)
    }
}

/// Renders a chart with the user's values. `over` says when the time is.
///
/// # Errors
/// [`RenderError`].
pub fn render(
    chart: &Arc<Chart>,
    values: &Map,
    options: &Options,
    env: &Env,
    over: Deadline<'_>,
) -> Result<Rendered, RenderError> {
    render_telling(
        chart,
        values,
        options,
        (env, over),
        &mut Warnings::default(),
    )
}

/// As [`render`], with what Helm tells on the way, also where it fails in the end.
///
/// # Errors
/// [`RenderError`].
pub fn render_telling(
    chart: &Arc<Chart>,
    values: &Map,
    options: &Options,
    (env, over): (&Env, Deadline<'_>),
    warnings: &mut Warnings,
) -> Result<Rendered, RenderError> {
    let mut rendered = Rendered::default();
    let (active, values) = prepare(chart, values, options, warnings)?;
    let files = render_files(&active, &values, options, (env, over))?;
    let mut files = take_notes(files, &active, options.sub_notes, &mut rendered.notes);
    if let Some(post) = &options.post_render {
        files = post.run(&files).map_err(|error| match error {
            PostRenderError::Manifest(error) => RenderError::Manifest(error, unsorted(&files)),
            error => RenderError::PostRender(error),
        })?;
    }
    let sorted = match sort_manifests(&files, INSTALL_ORDER) {
        Ok(sorted) => sorted,
        Err(error) => return Err(RenderError::Manifest(error, unsorted(&files))),
    };
    for times in &sorted.skipped {
        warnings.tell(Level::Info, || {
            let fields = vec![("hookTypes", times.as_str().into())];
            (String::from("skipping unknown hooks"), fields)
        });
    }
    rendered.hooks = sorted.hooks;
    rendered.manifests = sorted.manifests;
    let crd = |crd: Crd<'_>| (crd.source, crd.file.data.clone());
    rendered.crds = active.crds().into_iter().map(crd).collect();
    Ok(rendered)
}

fn unsorted(files: &BTreeMap<String, String>) -> Unsorted {
    let mut text = String::new();
    for (path, content) in files {
        if !content.trim().is_empty() {
            template::add(&mut text, path, content);
        }
    }
    Unsorted(text)
}

/// What each file of the chart's templates makes, by its path; nothing is split, sorted or left out.
///
/// # Errors
/// [`RenderError`].
pub fn render_templates(
    chart: &Arc<Chart>,
    values: &Map,
    options: &Options,
    env: &Env,
    over: Deadline<'_>,
) -> Result<BTreeMap<String, Str>, RenderError> {
    let (active, values) = prepare(chart, values, options, &mut Warnings::default())?;
    render_files(&active, &values, options, (env, over))
}

/// The values that templates see before one of them changes any.
///
/// # Errors
/// [`RenderError`].
pub fn values_of(chart: &Arc<Chart>, values: &Map, options: &Options) -> Result<Map, RenderError> {
    let (_, values) = prepare(chart, values, options, &mut Warnings::default())?;
    Ok(values)
}

/// Chooses the charts that take part, and their values.
fn prepare(
    chart: &Arc<Chart>,
    values: &Map,
    options: &Options,
    warnings: &mut Warnings,
) -> Result<(Active, Map), RenderError> {
    if chart.metadata.api_version == "v3" {
        return Err(RenderError::ApiVersion);
    }
    check_name(&options.release.name)?;
    let active = Active::process(chart, values, warnings).map_err(RenderError::Dependencies)?;
    let values = coalesce_values(&active, Some(values), warnings)?;
    if !options.skip_schema {
        schema::validate_all(&active, &values, warnings)?;
    }
    check_cluster(&active, &options.capabilities)?;
    Ok((active, values))
}

fn render_files(
    active: &Active,
    values: &Map,
    options: &Options,
    (env, over): (&Env, Deadline<'_>),
) -> Result<BTreeMap<String, Str>, RenderError> {
    let functions = functions::all(env);
    let data = data::Data::new(active, values, options);
    let templates = active.chart.compiled.get(&data.texts, &functions)?;
    let budget = Budget::new(options.limits, over);
    let session = Session {
        functions: &functions,
        budget: &budget,
        missing_key: MissingKey::Zero,
    };
    Ok(templates.render(&session, |name| data.dot(name))?)
}

/// Takes the notes out of the files, which become text.
fn take_notes(
    files: BTreeMap<String, Str>,
    active: &Active,
    all: bool,
    notes: &mut String,
) -> BTreeMap<String, String> {
    let own = format!("{}/templates/NOTES.txt", active.name);
    let mut left = BTreeMap::new();
    for (name, text) in files {
        let text = match text.utf8() {
            Some(text) => text.to_owned(),
            None => text.lossy().into_owned(),
        };
        if !name.ends_with("NOTES.txt") {
            left.insert(name, text);
        } else if all || name == own {
            if !notes.is_empty() {
                notes.push('\n');
            }
            notes.push_str(&text);
        }
    }
    left
}

fn check_cluster(active: &Active, capabilities: &Capabilities) -> Result<(), RenderError> {
    let range = &active.metadata.kube_version;
    let version = &capabilities.kube_version;
    if range.is_empty() || is_within(range, version.normalized()) {
        return Ok(());
    }
    Err(RenderError::KubeVersion {
        range: range.clone(),
        version: version.version().to_owned(),
    })
}

const LONGEST_NAME: usize = 53;
const NAME_RULE: &str = r"invalid release name, must match regex ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and the length must not be longer than 53";

/// Refuses names that no release may have.
fn check_name(name: &str) -> Result<(), RenderError> {
    let quoted = || quote::quoted(name.as_bytes());
    if name.is_empty() {
        return Err(RenderError::Name(quoted(), "no name provided"));
    }
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let label = |label: &str| {
        label.starts_with(inner)
            && label.ends_with(inner)
            && label.chars().all(|c| inner(c) || c == '-')
    };
    if name.len() > LONGEST_NAME || !name.split('.').all(label) {
        return Err(RenderError::Name(quoted(), NAME_RULE));
    }
    Ok(())
}
