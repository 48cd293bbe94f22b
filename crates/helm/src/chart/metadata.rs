//! `Chart.yaml`.
//!
//! Source: Helm 4.2.4 `pkg/chart/v2/metadata.go`, `dependency.go`

mod shown;

use go_template::{Map, Value, quote, unicode};
use semver_range::Version;

use crate::yaml::{self, Target};

/// What a chart says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// `name`.
    pub name: String,
    /// `home`.
    pub home: String,
    /// `sources`.
    pub sources: Vec<String>,
    /// `version`.
    pub version: String,
    /// `description`.
    pub description: String,
    /// `keywords`.
    pub keywords: Vec<String>,
    /// `maintainers`.
    pub maintainers: Vec<Option<Maintainer>>,
    /// `icon`.
    pub icon: String,
    /// `apiVersion`.
    pub api_version: String,
    /// `condition`.
    pub condition: String,
    /// `tags`.
    pub tags: String,
    /// `appVersion`.
    pub app_version: String,
    /// `deprecated`.
    pub deprecated: bool,
    /// `annotations`, sorted.
    pub annotations: Option<Vec<(String, String)>>,
    /// `kubeVersion`.
    pub kube_version: String,
    /// `dependencies`; `None` where there is no such list.
    pub dependencies: Option<Vec<Option<Dependency>>>,
    /// `type`.
    pub kind: String,
}

/// Somebody who maintains a chart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maintainer {
    /// `name`.
    pub name: String,
    /// `email`.
    pub email: String,
    /// `url`.
    pub url: String,
}

/// A chart that another one needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dependency {
    /// `name`; the alias once dependencies are processed.
    pub name: String,
    /// `version`: a range.
    pub version: String,
    /// `repository`.
    pub repository: String,
    /// `condition`.
    pub condition: String,
    /// `tags`.
    pub tags: Vec<String>,
    /// Whether it is part of the release.
    pub enabled: bool,
    /// `import-values`.
    pub import_values: Vec<Import>,
    /// `alias`.
    pub alias: String,
}

/// One of `import-values`.
#[derive(Clone, Debug, PartialEq)]
pub enum Import {
    /// A part of `exports`.
    Export(String),
    /// From one path to another.
    Path {
        /// Where the values are, in the child.
        child: String,
        /// Where they go, in the parent.
        parent: String,
    },
    /// Neither a text nor a map, which upstream leaves out.
    Other,
}

impl Eq for Dependency {}

/// Why a chart's description is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// The text is no such description.
    #[error(transparent)]
    Yaml(#[from] yaml::Error),
    /// What it says is not allowed.
    #[error("validation: {0}")]
    Invalid(String),
}

const STRINGS: Target = Target::List("[]string", &Target::String);

const MAINTAINER: Target = Target::Struct(
    "v2",
    "Maintainer",
    &[
        ("name", Target::String),
        ("email", Target::String),
        ("url", Target::String),
    ],
);

const DEPENDENCY: Target = Target::Struct(
    "v2",
    "Dependency",
    &[
        ("name", Target::String),
        ("version", Target::String),
        ("repository", Target::String),
        ("condition", Target::String),
        ("tags", STRINGS),
        ("enabled", Target::Bool),
        (
            "import-values",
            Target::List("[]interface {}", &Target::Any),
        ),
        ("alias", Target::String),
    ],
);

const DEPENDENCIES: Target = Target::List("[]*v2.Dependency", &DEPENDENCY);

const METADATA: Target = Target::Struct(
    "v2",
    "Metadata",
    &[
        ("name", Target::String),
        ("home", Target::String),
        ("sources", STRINGS),
        ("version", Target::String),
        ("description", Target::String),
        ("keywords", STRINGS),
        ("maintainers", Target::List("[]*v2.Maintainer", &MAINTAINER)),
        ("icon", Target::String),
        ("apiVersion", Target::String),
        ("condition", Target::String),
        ("tags", Target::String),
        ("appVersion", Target::String),
        ("deprecated", Target::Bool),
        (
            "annotations",
            Target::Map("map[string]string", &Target::String),
        ),
        ("kubeVersion", Target::String),
        ("dependencies", DEPENDENCIES),
        ("type", Target::String),
    ],
);

const LOCK: Target = Target::Struct(
    "v2",
    "Lock",
    &[
        ("generated", Target::Time),
        ("digest", Target::String),
        ("dependencies", DEPENDENCIES),
    ],
);

/// Checks a `Chart.lock`, of which rendering needs nothing.
pub(super) fn check_lock(text: &[u8]) -> Result<(), yaml::Error> {
    yaml::read_typed(text, LOCK).map(drop)
}

fn text(map: &Map, key: &str) -> Option<String> {
    Some(map.get(key.as_bytes())?.as_str()?.lossy().into_owned())
}

fn set_text(map: &Map, key: &str, into: &mut String) {
    if let Some(text) = text(map, key) {
        *into = text;
    }
}

fn list(map: &Map, key: &str) -> Option<Vec<Value>> {
    Some(map.get(key.as_bytes())?.as_list()?.iter().collect())
}

fn texts(map: &Map, key: &str) -> Option<Vec<String>> {
    let items = list(map, key)?.into_iter();
    let text = |item: Value| {
        item.as_str()
            .map_or_else(String::new, |it| it.lossy().into_owned())
    };
    Some(items.map(text).collect())
}

fn set_bool(map: &Map, key: &str, into: &mut bool) {
    if let Some(Value::Bool(value)) = map.get(key.as_bytes()) {
        *into = value;
    }
}

impl Maintainer {
    fn of(map: &Map) -> Self {
        let mut it = Self::default();
        set_text(map, "name", &mut it.name);
        set_text(map, "email", &mut it.email);
        set_text(map, "url", &mut it.url);
        it
    }
}

impl Dependency {
    fn of(map: &Map) -> Self {
        let mut it = Self::default();
        set_text(map, "name", &mut it.name);
        set_text(map, "version", &mut it.version);
        set_text(map, "repository", &mut it.repository);
        set_text(map, "condition", &mut it.condition);
        it.tags = texts(map, "tags").unwrap_or_default();
        set_bool(map, "enabled", &mut it.enabled);
        let imports = list(map, "import-values").unwrap_or_default();
        it.import_values = imports.iter().map(Import::of).collect();
        set_text(map, "alias", &mut it.alias);
        it
    }

    /// The name that its values stand under.
    pub fn effective_name(&self) -> &str {
        match self.alias.as_str() {
            "" => &self.name,
            alias => alias,
        }
    }

    fn validate(&mut self) -> Result<(), MetadataError> {
        for text in [
            &mut self.name,
            &mut self.version,
            &mut self.repository,
            &mut self.condition,
        ] {
            sanitize(text);
        }
        self.tags.iter_mut().for_each(sanitize);
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if !self.alias.chars().all(allowed) {
            let name = quoted(&self.name);
            return invalid(format!(
                "dependency {name} has disallowed characters in the alias"
            ));
        }
        Ok(())
    }
}

impl Import {
    fn of(value: &Value) -> Self {
        match value {
            Value::Str(text) => Self::Export(text.lossy().into_owned()),
            Value::Map(map) => {
                let part =
                    |key: &str| crate::values::print(&map.get(key.as_bytes()).unwrap_or_default());
                Self::Path {
                    child: part("child"),
                    parent: part("parent"),
                }
            }
            _ => Self::Other,
        }
    }
}

fn quoted(text: &str) -> String {
    quote::quoted(text.as_bytes())
}

fn invalid<T>(text: impl Into<String>) -> Result<T, MetadataError> {
    Err(MetadataError::Invalid(text.into()))
}

/// White space becomes spaces; what cannot be printed vanishes.
fn sanitize(text: &mut String) {
    let clean = |c: char| match c {
        c if c.is_whitespace() => Some(' '),
        c if unicode::is_print(c) => Some(c),
        _ => None,
    };
    if !text.chars().all(|c| clean(c) == Some(c)) {
        *text = text.chars().filter_map(clean).collect();
    }
}

impl Metadata {
    /// Reads a `Chart.yaml` or `requirements.yaml` over what is known.
    pub(super) fn read(&mut self, text: &[u8]) -> Result<(), yaml::Error> {
        let map = &yaml::read_typed(text, METADATA)?;
        for (key, into) in [
            ("name", &mut self.name),
            ("home", &mut self.home),
            ("version", &mut self.version),
            ("description", &mut self.description),
            ("icon", &mut self.icon),
            ("apiVersion", &mut self.api_version),
            ("condition", &mut self.condition),
            ("tags", &mut self.tags),
            ("appVersion", &mut self.app_version),
            ("kubeVersion", &mut self.kube_version),
            ("type", &mut self.kind),
        ] {
            set_text(map, key, into);
        }
        if let Some(sources) = texts(map, "sources") {
            self.sources = sources;
        }
        if let Some(keywords) = texts(map, "keywords") {
            self.keywords = keywords;
        }
        set_bool(map, "deprecated", &mut self.deprecated);
        if let Some(maintainers) = list(map, "maintainers") {
            let of = |it: &Value| it.as_map().map(Maintainer::of);
            self.maintainers = maintainers.iter().map(of).collect();
        }
        if let Some(dependencies) = list(map, "dependencies") {
            let of = |it: &Value| it.as_map().map(Dependency::of);
            self.dependencies = Some(dependencies.iter().map(of).collect());
        }
        if let Some(Value::Map(annotations)) = map.get(b"annotations") {
            let entries = annotations.entries().into_iter();
            let entries = entries.map(|(key, value)| {
                let value = value
                    .as_str()
                    .map_or_else(String::new, |it| it.lossy().into_owned());
                (key.lossy().into_owned(), value)
            });
            self.annotations = Some(entries.collect());
        }
        Ok(())
    }

    /// Cleans the texts, and checks them.
    pub(super) fn validate(&mut self) -> Result<(), MetadataError> {
        for text in [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ] {
            sanitize(text);
        }
        self.sources.iter_mut().for_each(sanitize);
        self.keywords.iter_mut().for_each(sanitize);
        self.validate_name()?;
        if self.version.is_empty() {
            return invalid("chart.metadata.version is required");
        }
        if Version::parse(&self.version).is_err() {
            let version = quoted(&self.version);
            return invalid(format!("chart.metadata.version {version} is invalid"));
        }
        if !matches!(self.kind.as_str(), "" | "application" | "library") {
            return invalid("chart.metadata.type must be application or library");
        }
        for maintainer in &mut self.maintainers {
            let Some(maintainer) = maintainer else {
                return invalid("maintainers must not contain empty or null nodes");
            };
            sanitize(&mut maintainer.name);
            sanitize(&mut maintainer.email);
            sanitize(&mut maintainer.url);
        }
        self.validate_dependencies()
    }

    fn validate_name(&self) -> Result<(), MetadataError> {
        if self.api_version.is_empty() {
            return invalid("chart.metadata.apiVersion is required");
        }
        if self.name.is_empty() {
            return invalid("chart.metadata.name is required");
        }
        let name = quoted(&self.name);
        if self.name == "." || self.name == ".." {
            return invalid(format!("chart.metadata.name {name} is not allowed"));
        }
        if self.name.contains('/') && self.name != "/" {
            return invalid(format!("chart.metadata.name {name} is invalid"));
        }
        Ok(())
    }

    fn validate_dependencies(&mut self) -> Result<(), MetadataError> {
        let mut names = std::collections::HashSet::new();
        for dependency in self.dependencies.iter_mut().flatten() {
            let Some(dependency) = dependency else {
                return invalid("dependencies must not contain empty or null nodes");
            };
            dependency.validate()?;
            let name = dependency.effective_name().to_owned();
            if names.contains(&name) {
                let name = quoted(&name);
                return invalid(format!(
                    "more than one dependency with name or alias {name}"
                ));
            }
            names.insert(name);
        }
        Ok(())
    }

    /// Whether only its partials count.
    pub fn is_library(&self) -> bool {
        self.kind.eq_ignore_ascii_case("library")
    }
}
