//! Fields as JSON values, in the form that messages show them.

use serde_json::{Map, Value};

use super::generator_fields::{HelmChart, HelmGlobals};
use super::patch_fields::{FieldOptions, Patch, ReplacementField, Selector, SourceSelector};
use crate::id::ResId;

/// An object under construction, from which empty values are left out.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn text(mut self, key: &str, text: &str) -> Self {
        if !text.is_empty() {
            self.0.insert(key.to_owned(), Value::from(text));
        }
        self
    }

    fn flag(mut self, key: &str, flag: bool) -> Self {
        if flag {
            self.0.insert(key.to_owned(), Value::from(true));
        }
        self
    }

    fn value(mut self, key: &str, value: Option<Value>) -> Self {
        if let Some(value) = value {
            self.0.insert(key.to_owned(), value);
        }
        self
    }

    fn list<T: Into<Value>>(self, key: &str, items: impl IntoIterator<Item = T>) -> Self {
        let items: Vec<Value> = items.into_iter().map(Into::into).collect();
        self.value(key, (!items.is_empty()).then_some(Value::Array(items)))
    }

    fn id(self, id: &ResId) -> Self {
        self.text("group", &id.gvk.group)
            .text("version", &id.gvk.version)
            .text("kind", &id.gvk.kind)
            .text("name", &id.name)
            .text("namespace", &id.namespace)
    }

    fn done(self) -> Value {
        Value::Object(self.0)
    }
}

fn selector(selector: &Selector) -> Value {
    Fields::default()
        .id(&selector.id)
        .text("annotationSelector", &selector.annotation_selector)
        .text("labelSelector", &selector.label_selector)
        .done()
}

impl Patch {
    /// As a configuration; the field of an inline patch has a name of its own.
    pub(crate) fn to_value(&self, inline: &str) -> Value {
        let options = self.options.as_ref().map(|options| {
            Fields::default()
                .flag("allowNameChange", options.allow_name_change)
                .flag("allowKindChange", options.allow_kind_change)
                .done()
        });
        Fields::default()
            .text("path", &self.path)
            .text(inline, &self.patch)
            .value("target", self.target.as_ref().map(selector))
            .value("options", options)
            .done()
    }
}

fn options(options: &FieldOptions) -> Value {
    let index = Some(options.index.0).filter(|index| *index != 0);
    Fields::default()
        .text("delimiter", &options.delimiter)
        .value("index", index.map(Value::from))
        .text("encoding", &options.encoding)
        .flag("create", options.create)
        .done()
}

fn source(source: &SourceSelector) -> Value {
    Fields::default()
        .id(&source.id)
        .text("fieldPath", &source.field_path)
        .value("options", source.options.as_ref().map(options))
        .done()
}

impl ReplacementField {
    /// As a configuration.
    pub(crate) fn to_value(&self) -> Value {
        let targets = self.replacement.targets.iter().map(|target| {
            let select = target.select.as_ref().map_or(Value::Null, selector);
            Fields::default()
                .value("select", Some(select))
                .list("reject", target.reject.iter().map(selector))
                .list("fieldPaths", target.field_paths.iter().cloned())
                .value("options", target.options.as_ref().map(options))
                .done()
        });
        let text = self.replacement.source_value.clone();
        Fields::default()
            .value("source", self.replacement.source.as_ref().map(source))
            .list("targets", targets)
            .value("sourceValue", text.map(Value::from))
            .text("path", &self.path)
            .done()
    }
}

impl HelmChart {
    /// As a configuration, with the settings for all charts.
    pub(crate) fn to_value(&self, globals: Option<&HelmGlobals>) -> Value {
        let inline = Some(&self.values_inline).filter(|values| !values.is_empty());
        let mut fields = Fields::default();
        if let Some(globals) = globals {
            fields = fields
                .text("chartHome", &globals.chart_home)
                .text("configHome", &globals.config_home);
        }
        fields
            .text("name", &self.name)
            .text("version", &self.version)
            .text("repo", &self.repo)
            .text("releaseName", &self.release_name)
            .text("namespace", &self.namespace)
            .list(
                "additionalValuesFiles",
                self.additional_values_files.iter().cloned(),
            )
            .text("valuesFile", &self.values_file)
            .value(
                "valuesInline",
                inline.map(|values| Value::Object(values.clone())),
            )
            .text("valuesMerge", &self.values_merge)
            .flag("includeCRDs", self.include_crds)
            .flag("skipHooks", self.skip_hooks)
            .list("apiVersions", self.api_versions.iter().cloned())
            .text("kubeVersion", &self.kube_version)
            .text("nameTemplate", &self.name_template)
            .flag("skipTests", self.skip_tests)
            .flag("debug", self.debug)
            .flag("devel", self.devel)
            .done()
    }
}
