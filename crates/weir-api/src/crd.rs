//! CustomResourceDefinitions made from the Rust types.
//!
//! What is not schema comes from each kind's [`Definition`]; the schema is derived from its types
//! and brought into the form that Kubernetes calls structural. `cargo xtask codegen` prints the
//! result into `config/crd/bases`.

mod structural;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::helm::v2::HelmRelease;
use crate::image::v1::{ImagePolicy, ImageRepository, ImageUpdateAutomation};
use crate::kustomize::v1::Kustomization;
use crate::meta::annotation;
use crate::notification::v1::Receiver;
use crate::notification::v1beta3::{Alert, Provider};
use crate::resource::{Column, CustomResource, Definition, StatusSubresource};
use crate::source::v1::{
    Bucket, ExternalArtifact, GitRepository, HelmChart, HelmRepository, OciRepository,
};

/// One CustomResourceDefinition.
#[derive(Debug, Clone)]
pub struct Crd {
    /// What is not schema.
    pub definition: Definition,
    /// The whole object as JSON.
    pub manifest: Value,
}

impl Crd {
    /// The definition of kind `K`.
    pub fn of<K: CustomResource + JsonSchema>() -> Self {
        let mut generator = SchemaSettings::openapi3()
            .with(|settings| settings.inline_subschemas = true)
            .into_generator();
        let schema = structural::rewrite(K::json_schema(&mut generator).to_value());
        let definition = K::DEFINITION;
        Self {
            manifest: manifest(&definition, schema),
            definition,
        }
    }

    /// Name of the object, `<plural>.<group>`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.definition.plural, self.definition.group)
    }

    /// Name of its file in `config/crd/bases`, `<group>_<plural>.yaml`.
    pub fn file_name(&self) -> String {
        format!("{}_{}.yaml", self.definition.group, self.definition.plural)
    }
}

/// The definitions of all kinds, by group and kind.
pub fn all() -> Vec<Crd> {
    vec![
        Crd::of::<HelmRelease>(),
        Crd::of::<ImagePolicy>(),
        Crd::of::<ImageRepository>(),
        Crd::of::<ImageUpdateAutomation>(),
        Crd::of::<Kustomization>(),
        Crd::of::<Alert>(),
        Crd::of::<Provider>(),
        Crd::of::<Receiver>(),
        Crd::of::<Bucket>(),
        Crd::of::<ExternalArtifact>(),
        Crd::of::<GitRepository>(),
        Crd::of::<HelmChart>(),
        Crd::of::<HelmRepository>(),
        Crd::of::<OciRepository>(),
    ]
}

fn manifest(definition: &Definition, schema: Value) -> Value {
    let Definition {
        group,
        kind,
        plural,
        ..
    } = definition;
    let mut metadata = json!({"name": format!("{plural}.{group}")});
    if definition.substitute_disabled {
        metadata["annotations"] = json!({annotation::KUSTOMIZE_SUBSTITUTE: annotation::DISABLED});
    }
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": {
            "group": group,
            "names": names(definition),
            "scope": "Namespaced",
            "versions": [{
                "name": definition.version,
                "served": true,
                "storage": true,
                "subresources": subresources(definition.status),
                "additionalPrinterColumns": definition.columns.iter().map(column).collect::<Vec<_>>(),
                "schema": {"openAPIV3Schema": object_schema(kind, definition.status, schema)},
            }],
        },
    })
}

fn names(definition: &Definition) -> Value {
    let kind = definition.kind;
    let mut names = json!({
        "kind": kind,
        "listKind": format!("{kind}List"),
        "plural": definition.plural,
        "singular": kind.to_lowercase(),
    });
    for (key, values) in [
        ("categories", definition.categories),
        ("shortNames", definition.short_names),
    ] {
        if !values.is_empty() {
            names[key] = json!(values);
        }
    }
    names
}

fn subresources(status: StatusSubresource) -> Value {
    match status {
        StatusSubresource::None => json!({}),
        StatusSubresource::Absent | StatusSubresource::Unobserved => json!({"status": {}}),
    }
}

fn column(column: &Column) -> Value {
    let mut value = json!({"name": column.name, "type": column.type_, "jsonPath": column.path});
    if column.priority != 0 {
        value["priority"] = json!(column.priority);
    }
    value
}

/// The schema of the whole object: that of the Rust struct, with what every object has.
fn object_schema(kind: &str, status: StatusSubresource, mut schema: Value) -> Value {
    let mut properties = match schema["properties"].take() {
        Value::Object(properties) => properties,
        _ => Map::new(),
    };
    properties.insert(
        "apiVersion".to_owned(),
        described("string", "API group and version of this object."),
    );
    properties.insert(
        "kind".to_owned(),
        described("string", &format!("Kind of this object: {kind}.")),
    );
    properties.insert("metadata".to_owned(), json!({"type": "object"}));
    if status == StatusSubresource::Unobserved
        && let Some(status) = properties.get_mut("status")
    {
        status["default"] = json!({"observedGeneration": -1});
    }
    json!({"type": "object", "description": schema["description"], "properties": properties})
}

fn described(type_: &str, description: &str) -> Value {
    json!({"type": type_, "description": description})
}

#[cfg(test)]
mod tests;
