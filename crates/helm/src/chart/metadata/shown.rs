//! A chart's description as templates see it.

use go_template::{Map, Type, Value};

use super::{Dependency, Import, Maintainer, Metadata};

impl Metadata {
    /// What templates see as `.Chart`, without `IsRoot`.
    pub(crate) fn to_map(&self) -> Map {
        let strings = |items: &[String]| {
            Value::list(items.iter().map(|it| Value::str(it.as_str())).collect())
        };
        let annotations = match &self.annotations {
            None => Map::nil(&STRING_MAP),
            Some(annotations) => {
                let map = Map::new(&STRING_MAP);
                let entry = |(key, value): &(String, String)| {
                    (key.as_str().into(), Value::str(value.as_str()))
                };
                map.extend(annotations.iter().map(entry));
                map
            }
        };
        let dependencies = self.dependencies.iter().flatten().flatten();
        let maintainers = self.maintainers.iter().flatten();
        let map = Value::map([
            ("Name", Value::str(self.name.as_str())),
            ("Home", Value::str(self.home.as_str())),
            ("Sources", strings(&self.sources)),
            ("Version", Value::str(self.version.as_str())),
            ("Description", Value::str(self.description.as_str())),
            ("Keywords", strings(&self.keywords)),
            (
                "Maintainers",
                Value::list(maintainers.map(Maintainer::to_value).collect()),
            ),
            ("Icon", Value::str(self.icon.as_str())),
            ("APIVersion", Value::str(self.api_version.as_str())),
            ("Condition", Value::str(self.condition.as_str())),
            ("Tags", Value::str(self.tags.as_str())),
            ("AppVersion", Value::str(self.app_version.as_str())),
            ("Deprecated", Value::Bool(self.deprecated)),
            ("Annotations", Value::Map(annotations)),
            ("KubeVersion", Value::str(self.kube_version.as_str())),
            (
                "Dependencies",
                Value::list(dependencies.map(Dependency::to_value).collect()),
            ),
            ("Type", Value::str(self.kind.as_str())),
        ]);
        match map {
            Value::Map(map) => map,
            _ => Map::new(&Type::MAP),
        }
    }
}

/// `map[string]string`.
static STRING_MAP: Type = Type::Map(&Type::String);

impl Maintainer {
    fn to_value(&self) -> Value {
        Value::map([
            ("Name", Value::str(self.name.as_str())),
            ("Email", Value::str(self.email.as_str())),
            ("URL", Value::str(self.url.as_str())),
        ])
    }
}

impl Dependency {
    fn to_value(&self) -> Value {
        let strings = |items: &[String]| {
            Value::list(items.iter().map(|it| Value::str(it.as_str())).collect())
        };
        Value::map([
            ("Name", Value::str(self.name.as_str())),
            ("Version", Value::str(self.version.as_str())),
            ("Repository", Value::str(self.repository.as_str())),
            ("Condition", Value::str(self.condition.as_str())),
            ("Tags", strings(&self.tags)),
            ("Enabled", Value::Bool(self.enabled)),
            (
                "ImportValues",
                Value::list(
                    self.import_values
                        .iter()
                        .filter_map(Import::to_value)
                        .collect(),
                ),
            ),
            ("Alias", Value::str(self.alias.as_str())),
        ])
    }
}

impl Import {
    /// As processing dependencies leaves it: a map of two texts.
    fn to_value(&self) -> Option<Value> {
        let (child, parent) = match self {
            Self::Export(name) => (format!("exports.{name}"), "."),
            Self::Path { child, parent } => (child.clone(), parent.as_str()),
            Self::Other => return None,
        };
        let map = Map::new(&STRING_MAP);
        map.insert("child".into(), child.into());
        map.insert("parent".into(), parent.into());
        Some(Value::Map(map))
    }
}
