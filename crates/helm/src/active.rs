//! A chart with those of its subcharts that are part of a release, under the names that they have there.
//!
//! The charts themselves are never changed: what processing dependencies changes is copied here.
//!
//! Source: Helm 4.2.4 `pkg/chart/v2/util/dependencies.go`

use std::collections::HashSet;
use std::sync::Arc;

use go_template::{Map, Value, quote};
use semver_range::{Constraint, Version};

use crate::chart::{Chart, Crd, Dependency, Import, Metadata, is_crd};
use crate::values::{
    self, CoalesceError, Level, Warnings, coalesce_values, deep_copy_map, merge_tables,
    merge_values, table_at, value_at,
};

/// A chart as part of a release.
#[derive(Clone, Debug)]
pub struct Active {
    /// The chart.
    pub chart: Arc<Chart>,
    /// Its name, or its alias.
    pub name: String,
    /// What it says about itself, with its enabled dependencies.
    pub metadata: Metadata,
    /// Its default values, with those it imports.
    pub values: Option<Map>,
    /// Its subcharts.
    pub dependencies: Vec<Self>,
}

/// Whether a version is within a range; neither need be valid.
pub(crate) fn is_within(range: &str, version: &str) -> bool {
    match (Constraint::parse(range), Version::parse(version)) {
        (Ok(range), Ok(version)) => range.matches(&version),
        _ => false,
    }
}

impl Active {
    /// A chart with all that is in it.
    pub fn all_of(chart: &Arc<Chart>) -> Self {
        Self {
            chart: Arc::clone(chart),
            name: chart.metadata.name.clone(),
            metadata: chart.metadata.clone(),
            values: chart.values.clone(),
            dependencies: chart.dependencies.iter().map(Self::all_of).collect(),
        }
    }

    /// A chart with those of its dependencies that conditions and tags enable, aliases taken and values imported.
    ///
    /// # Errors
    /// [`CoalesceError`].
    pub fn process(
        chart: &Arc<Chart>,
        values: &Map,
        warnings: &mut Warnings,
    ) -> Result<Self, CoalesceError> {
        let mut active = Self::all_of(chart);
        active.enable(values, "", warnings)?;
        active.import(warnings)?;
        Ok(active)
    }

    fn enable(
        &mut self,
        values: &Map,
        path: &str,
        warnings: &mut Warnings,
    ) -> Result<(), CoalesceError> {
        let Some(mut wanted) = self.metadata.dependencies.take() else {
            return Ok(());
        };
        self.dependencies = self.resolve(&mut wanted);
        for dependency in wanted.iter_mut().flatten() {
            dependency.enabled = true;
        }
        self.metadata.dependencies = Some(wanted);
        let values = coalesce_values(self, Some(values), warnings)?;
        let mut wanted = self.metadata.dependencies.take().unwrap_or_default();
        let tags = table_at(&values, ["tags"]);
        for dependency in wanted.iter_mut().flatten() {
            if let Some(tags) = &tags {
                dependency.enabled = by_tags(dependency, tags, warnings);
            }
            if let Some(enabled) = by_condition(dependency, (&values, path), warnings) {
                dependency.enabled = enabled;
            }
        }
        let disabled: HashSet<String> = wanted
            .iter()
            .flatten()
            .filter(|it| !it.enabled)
            .map(|it| it.name.clone())
            .collect();
        wanted.retain(|it| it.as_ref().is_none_or(|it| !disabled.contains(&it.name)));
        self.dependencies.retain(|it| !disabled.contains(&it.name));
        for child in &mut self.dependencies {
            let path = format!("{path}{}.", child.name);
            child.enable(&values, &path, warnings)?;
        }
        // An empty list is none from here on.
        self.metadata.dependencies = (!wanted.is_empty()).then_some(wanted);
        Ok(())
    }

    /// The subcharts that nobody lists, then those that are listed, under their aliases.
    fn resolve(&self, wanted: &mut [Option<Dependency>]) -> Vec<Self> {
        let fits = |child: &Self, dependency: &Dependency| {
            child.name == dependency.name && is_within(&dependency.version, &child.metadata.version)
        };
        let listed = |child: &&Self| !wanted.iter().flatten().any(|it| fits(child, it));
        let mut found: Vec<Self> = self.dependencies.iter().filter(listed).cloned().collect();
        for dependency in wanted.iter_mut().flatten() {
            if let Some(child) = self.dependencies.iter().find(|it| fits(it, dependency)) {
                let mut child = child.clone();
                if !dependency.alias.is_empty() {
                    child.rename(&dependency.alias);
                }
                found.push(child);
            }
            if !dependency.alias.is_empty() {
                dependency.name = dependency.alias.clone();
            }
        }
        found
    }

    fn rename(&mut self, alias: &str) {
        alias.clone_into(&mut self.name);
        alias.clone_into(&mut self.metadata.name);
    }

    /// Takes values of subcharts over, the deepest first.
    fn import(&mut self, warnings: &mut Warnings) -> Result<(), CoalesceError> {
        for child in &mut self.dependencies {
            child.import(warnings)?;
        }
        let Some(dependencies) = &self.metadata.dependencies else {
            return Ok(());
        };
        let values = merge_values(self, None, warnings)?;
        let imported = Map::new(&go_template::Type::MAP);
        for dependency in dependencies.iter().flatten() {
            for import in &dependency.import_values {
                match found_import(dependency, import, &values) {
                    Ok(Some(found)) => merge_tables(&imported, &found, warnings),
                    Ok(None) => {}
                    Err(missing) => nothing_imported(warnings, import, dependency, &missing),
                }
            }
        }
        let values = deep_copy_map(&values);
        merge_tables(&values, &imported, warnings);
        self.values = Some(values);
        Ok(())
    }

    /// The definitions below `crds/`, of this chart and then of its subcharts.
    pub fn crds(&self) -> Vec<Crd<'_>> {
        let mut crds = Vec::new();
        self.visit("", &mut |active, path| {
            let files = active.chart.files.iter().filter(|file| is_crd(file));
            crds.extend(files.map(|file| Crd {
                source: format!("{path}/{}", file.name),
                file,
            }));
        });
        crds
    }

    /// Shows this chart and all below it with their full paths, parents first.
    pub(crate) fn visit<'s>(&'s self, parent: &str, visitor: &mut dyn FnMut(&'s Self, &str)) {
        let path = self.path(parent);
        visitor(self, &path);
        for child in &self.dependencies {
            child.visit(&path, visitor);
        }
    }

    /// The path below that of its parent.
    pub(crate) fn path(&self, parent: &str) -> String {
        match parent {
            "" => self.name.clone(),
            parent => format!("{parent}/charts/{}", self.name),
        }
    }
}

/// Whether tags enable a dependency.
fn by_tags(dependency: &Dependency, tags: &Map, warnings: &mut Warnings) -> bool {
    let (mut on, mut off) = (false, false);
    for tag in &dependency.tags {
        match tags.get(tag.as_bytes()) {
            Some(Value::Bool(true)) => on = true,
            Some(Value::Bool(false)) => off = true,
            Some(_) => no_boolean(warnings, ("tag", tag), dependency),
            None => {}
        }
    }
    on || !off
}

/// Tells that what should enable a dependency is no boolean.
fn no_boolean(
    warnings: &mut Warnings,
    (kind, name): (&'static str, &str),
    dependency: &Dependency,
) {
    warnings.tell(Level::Warn, || {
        let chart = ("chart", dependency.name.as_str().into());
        let fields = vec![(kind, name.into()), chart];
        (String::from("returned non-bool value"), fields)
    });
}

/// What the first of its conditions that is a boolean says.
fn by_condition(
    dependency: &Dependency,
    (values, path): (&Map, &str),
    warnings: &mut Warnings,
) -> Option<bool> {
    let conditions = dependency.condition.trim().split(',');
    for condition in conditions.filter(|it| !it.is_empty()) {
        match value_at(values, &format!("{path}{condition}")) {
            Some(Value::Bool(enabled)) => return Some(enabled),
            Some(_) => no_boolean(warnings, ("path", condition), dependency),
            None => {}
        }
    }
    None
}

/// Tells that there is no table where one was to be imported from.
fn nothing_imported(
    warnings: &mut Warnings,
    import: &Import,
    dependency: &Dependency,
    missing: &str,
) {
    warnings.tell(Level::Warn, || {
        let error = (
            "error",
            format!("{} is not a table", quote::quoted(missing.as_bytes()))
                .as_str()
                .into(),
        );
        match import {
            Import::Path { .. } => {
                let fields = vec![("chart", dependency.name.as_str().into()), error];
                (
                    String::from("ImportValues missing table from chart"),
                    fields,
                )
            }
            _ => (String::from("ImportValues missing table"), vec![error]),
        }
    });
}

/// The table that an import takes over, at its place in the parent; the name on its way that is no table.
fn found_import(
    dependency: &Dependency,
    import: &Import,
    values: &Map,
) -> Result<Option<Map>, String> {
    let below = |path: &str| {
        let path = format!("{}.{path}", dependency.name);
        let mut names = path.split('.');
        let found = table_at(values, names.clone());
        found.ok_or_else(|| {
            let mut table = Some(values.clone());
            let missing = names.find(|name| {
                let next = table.as_ref().and_then(|it| table_at(it, [*name]));
                table = next;
                table.is_none()
            });
            missing.unwrap_or_default().to_owned()
        })
    };
    match import {
        Import::Other => Ok(None),
        Import::Export(name) => below(&format!("exports.{name}")).map(Some),
        Import::Path { child, parent } => {
            let found = below(child)?;
            if parent == "." {
                return Ok(Some(found));
            }
            let wrap = |inner: Map, name: &str| {
                let outer = Map::new(&go_template::Type::MAP);
                outer.insert(name.into(), Value::Map(inner));
                outer
            };
            Ok(Some(parent.rsplit('.').fold(found, wrap)))
        }
    }
}

/// The values of a subchart among those of its parent, for whoever walks both.
pub(crate) use values::of_child;
