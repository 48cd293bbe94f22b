//! What templates see as their dot.

use std::collections::HashMap;
use std::sync::Arc;

use go_template::{
    Closure, Failure, Function, Map, Methods, Named, Signature, Str, Type, Value, quote,
};

use super::Options;
use crate::active::{Active, of_child};
use crate::files::files;
use crate::values::{table_at, value_at};
use crate::yaml;

/// `common.Values`.
static VALUES: Type = Type::Named(&Named {
    name: "common.Values",
    under: Type::MAP,
    methods: Methods {
        find: method,
        text: |_| None,
    },
});

fn no_table(name: &str) -> Failure {
    Failure::new(format!("{} is not a table", quote::quoted(name.as_bytes())))
}

fn method(value: &Value, name: &str) -> Option<Arc<dyn Function>> {
    let map = value.as_map()?.clone();
    let text = &[Type::String];
    let given = |args: &[Value]| {
        let text = args.first().and_then(Value::as_str);
        text.map_or_else(String::new, |text| text.lossy().into_owned())
    };
    Some(match name {
        "AsMap" => Closure::shared(Signature::new(&[], &Type::MAP), move |_, _| {
            Ok(Value::Map(map.clone().retyped(&Type::MAP)))
        }),
        "YAML" => Closure::shared(Signature::new(&[], &Type::String), move |_, _| {
            let text = yaml::to_yaml(&Value::Map(map.clone()));
            text.map(Value::from)
                .map_err(|error| Failure::new(error.to_string()))
        }),
        "Table" => Closure::shared(Signature::new(text, &VALUES), move |_, args| {
            let path = given(args);
            let mut found = map.clone();
            for name in path.split('.') {
                found = table_at(&found, [name]).ok_or_else(|| no_table(name))?;
            }
            Ok(Value::Map(found.retyped(&VALUES)))
        }),
        "PathValue" => Closure::shared(Signature::new(text, &Type::Any), move |_, args| {
            let path = given(args);
            if path.is_empty() {
                return Err(Failure::new("YAML path cannot be empty"));
            }
            value_at(&map, &path).ok_or_else(|| {
                let last = path.rsplit('.').next().unwrap_or_default();
                let last = quote::quoted(last.as_bytes());
                Failure::new(format!("{last} is not a value"))
            })
        }),
        _ => return None,
    })
}

/// The dots of all files.
pub(super) struct Data {
    /// Files by their full paths, and which of the dots they see.
    places: HashMap<String, usize>,
    /// A dot for each chart, and the path of its templates.
    dots: Vec<(Map, String)>,
    /// The templates with their full paths.
    pub(super) texts: Vec<(String, Str)>,
}

/// What all charts see alike.
struct Common {
    release: Value,
    capabilities: Value,
}

impl Data {
    /// The dots of a chart and its subcharts. Templates may change the values.
    pub(super) fn new(active: &Active, values: &Map, options: &Options) -> Self {
        let release = &options.release;
        let common = Common {
            release: Value::map([
                ("Name", Value::str(release.name.as_str())),
                ("Namespace", Value::str(release.namespace.as_str())),
                ("IsUpgrade", Value::Bool(release.is_upgrade)),
                ("IsInstall", Value::Bool(!release.is_upgrade)),
                ("Revision", Value::int(release.revision)),
                ("Service", Value::str("Helm")),
            ]),
            capabilities: options.capabilities.to_value(),
        };
        let mut data = Self {
            places: HashMap::new(),
            dots: Vec::new(),
            texts: Vec::new(),
        };
        data.chart(active, "", values.clone(), &common);
        data
    }

    fn chart(&mut self, active: &Active, parent: &str, values: Map, common: &Common) -> Map {
        let root = parent.is_empty();
        let path = active.path(parent);
        let metadata = active.metadata.to_map();
        metadata.insert("IsRoot".into(), Value::Bool(root));
        let subcharts = Map::new(&Type::MAP);
        let dot = Map::new(&VALUES);
        dot.extend([
            ("Chart".into(), Value::Map(metadata)),
            ("Files".into(), files(&active.chart.files)),
            ("Release".into(), common.release.clone()),
            ("Capabilities".into(), common.capabilities.clone()),
            ("Values".into(), Value::Map(values.clone().retyped(&VALUES))),
            ("Subcharts".into(), Value::Map(subcharts.clone())),
        ]);
        for child in &active.dependencies {
            let values = of_child(&values, child).unwrap_or_else(|| Map::new(&VALUES));
            let child_dot = self.chart(child, &path, values, common);
            let child_dot = Value::Map(child_dot.retyped(&Type::MAP));
            subcharts.insert(child.name.as_str().into(), child_dot);
        }
        self.dots.push((dot.clone(), format!("{path}/templates")));
        let place = self.dots.len() - 1;
        let library = active.metadata.is_library();
        for file in &active.chart.templates {
            let base = file.name.rsplit('/').next().unwrap_or_default();
            if library && !base.starts_with('_') {
                continue;
            }
            let name = format!("{path}/{}", file.name);
            if self.places.insert(name.clone(), place).is_none() {
                self.texts.push((name, file.data.clone()));
            }
        }
        dot
    }

    /// The dot of a file.
    pub(super) fn dot(&self, name: &str) -> Value {
        let Some((dot, base)) = self.places.get(name).and_then(|at| self.dots.get(*at)) else {
            return Value::Nil;
        };
        let template = Value::map([
            ("Name", Value::str(name)),
            ("BasePath", Value::str(base.as_str())),
        ]);
        if let Value::Map(template) = template {
            dot.insert("Template".into(), Value::Map(template.retyped(&VALUES)));
        }
        Value::Map(dot.clone())
    }
}
