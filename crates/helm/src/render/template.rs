//! `helm template`: what it prints.
//!
//! Source: Helm 4.2.4 `pkg/cmd/template.go`, `pkg/cmd/install.go`

use std::fmt::Write as _;
use std::sync::Arc;

use go_template::{Deadline, Map};

use super::{Options, RenderError, Rendered, render};
use crate::Env;
use crate::chart::{Chart, path_match};
use crate::manifest::split_manifests;

/// What of a release is printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// Definitions below `crds/`, too.
    pub include_crds: bool,
    /// No hooks.
    pub no_hooks: bool,
    /// No hooks that are tests.
    pub skip_tests: bool,
    /// Only what comes from these files; patterns may stand for several.
    pub show_only: Vec<String>,
}

/// Why nothing is printed.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// A chart that cannot be installed for itself.
    #[error("{0} charts are not installable")]
    Kind(String),
    /// Dependencies that are not there.
    #[error(
        "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: {0}"
    )]
    Missing(String),
    /// A chart of version 3 that has charts inside which it does not name.
    #[error(
        "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' to \
         fetch missing dependencies: unsupported chart dependency type"
    )]
    Dependency,
    /// Rendering failed.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A file that gives nothing.
    #[error("could not find template {0} in chart")]
    NotFound(String),
}

impl Template {
    /// Renders a chart, and says what is to be printed.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn run(
        &self,
        chart: &Arc<Chart>,
        values: &Map,
        options: &Options,
        (env, over): (&Env, Deadline<'_>),
    ) -> Result<(String, Rendered), TemplateError> {
        check_chart(chart)?;
        let rendered = render(chart, values, options, env, over)?;
        let text = self.show(self.print(&rendered))?;
        Ok((text, rendered))
    }

    /// What of a printed release is shown: all, or what comes from the files that are asked for.
    ///
    /// # Errors
    /// [`TemplateError::NotFound`].
    pub fn show(&self, printed: String) -> Result<String, TemplateError> {
        match self.show_only.as_slice() {
            [] => Ok(printed),
            only => show_only(&printed, only),
        }
    }

    /// A release as it is printed.
    pub fn print(&self, rendered: &Rendered) -> String {
        let mut objects = String::new();
        if self.include_crds {
            for (source, text) in &rendered.crds {
                add(&mut objects, source, &text.lossy());
            }
        }
        for manifest in &rendered.manifests {
            add(&mut objects, &manifest.name, &manifest.content);
        }
        let mut text = objects.trim().to_owned();
        text.push('\n');
        if !self.no_hooks {
            for hook in &rendered.hooks {
                if !(self.skip_tests && hook.is_test()) {
                    add(&mut text, &hook.path, &hook.manifest);
                }
            }
        }
        text
    }
}

/// A document with where it comes from.
pub(super) fn add(text: &mut String, source: &str, content: &str) {
    let _ = write!(text, "---\n# Source: {source}\n{content}\n");
}

/// Refuses charts that cannot be installed, or of which parts are missing.
///
/// # Errors
/// [`TemplateError::Kind`], [`TemplateError::Missing`] and [`TemplateError::Dependency`].
pub fn check_chart(chart: &Chart) -> Result<(), TemplateError> {
    if !matches!(chart.metadata.kind.as_str(), "" | "application") {
        return Err(TemplateError::Kind(chart.metadata.kind.clone()));
    }
    let wanted = chart.metadata.dependencies.iter().flatten().flatten();
    if chart.metadata.api_version == "v3" && wanted.clone().count() < chart.dependencies.len() {
        return Err(TemplateError::Dependency);
    }
    let missing: Vec<&str> = wanted
        .map(|it| it.name.as_str())
        .filter(|name| {
            !chart
                .dependencies
                .iter()
                .any(|it| it.metadata.name == *name)
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(TemplateError::Missing(missing.join(", ")))
}

/// The documents that come from files, in the order in which the files are asked for.
fn show_only(text: &str, files: &[String]) -> Result<String, TemplateError> {
    let documents = split_manifests(text);
    let mut shown = String::new();
    for file in files {
        let mut found = false;
        for document in &documents {
            let Some(source) = source(document) else {
                continue;
            };
            if path_match(file, source).unwrap_or(false) {
                let _ = write!(shown, "---\n{document}\n");
                found = true;
            }
        }
        if !found {
            return Err(TemplateError::NotFound(file.clone()));
        }
    }
    Ok(shown)
}

/// The file that a document comes from, without its chart.
fn source(document: &str) -> Option<&str> {
    let rest = document.lines().find_map(|line| {
        let (_, rest) = line.split_once("# Source: ")?;
        rest.split_once('/')
            .filter(|(chart, file)| !chart.is_empty() && !file.is_empty())
    });
    rest.map(|(_, file)| file)
}
