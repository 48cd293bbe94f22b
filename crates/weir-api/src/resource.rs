//! What makes a Rust struct a custom resource, and what the shell asks of one.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::meta::Condition;

/// A custom resource with a status that a controller reconciles.
pub trait Reconcilable:
    kube::Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
    /// The type of `status`.
    type Status: Serialize
        + DeserializeOwned
        + Default
        + Clone
        + Debug
        + PartialEq
        + Send
        + Sync
        + 'static;

    /// The status, if one was ever written or defaulted.
    fn status(&self) -> Option<&Self::Status>;

    /// Replaces the status.
    fn set_status(&mut self, status: Self::Status);

    /// Whether `spec.suspend` is set.
    fn suspended(&self) -> bool;

    /// The conditions; empty without a status.
    fn conditions(&self) -> &[Condition];
}

/// Everything about a CustomResourceDefinition that is not its schema.
#[derive(Debug, Clone, Copy)]
pub struct Definition {
    /// API group, e.g. `source.toolkit.fluxcd.io`.
    pub group: &'static str,
    /// API version, the only one.
    pub version: &'static str,
    /// Kind, e.g. `GitRepository`.
    pub kind: &'static str,
    /// Plural name in URLs.
    pub plural: &'static str,
    /// Other names for `kubectl get`.
    pub short_names: &'static [&'static str],
    /// Groups of kinds for `kubectl get`.
    pub categories: &'static [&'static str],
    /// Whether Flux's variable substitution leaves the definition alone.
    pub substitute_disabled: bool,
    /// Whether the kind has the `status` subresource, defaulted to `observedGeneration: -1`.
    pub status: StatusSubresource,
    /// What `kubectl get` prints.
    pub columns: &'static [Column],
}

/// What a kind's status looks like before a controller wrote one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusSubresource {
    /// There is no status.
    None,
    /// Absent until written.
    Absent,
    /// `observedGeneration: -1`, so that a never-reconciled object can be told.
    Unobserved,
}

/// A column of `kubectl get`.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Heading.
    pub name: &'static str,
    /// Where the value lies.
    pub path: &'static str,
    /// `string` or `date`.
    pub type_: &'static str,
    /// Above zero: only with `-o wide`.
    pub priority: i32,
}

impl Column {
    /// The age of the object.
    pub const AGE: Self = Self {
        type_: "date",
        ..Self::text("Age", ".metadata.creationTimestamp")
    };
    /// The status of its Ready condition.
    pub const READY: Self = Self::text("Ready", r#".status.conditions[?(@.type=="Ready")].status"#);
    /// The message of its Ready condition.
    pub const STATUS: Self = Self::text(
        "Status",
        r#".status.conditions[?(@.type=="Ready")].message"#,
    );

    /// A text that is always shown.
    pub const fn text(name: &'static str, path: &'static str) -> Self {
        Self {
            name,
            path,
            type_: "string",
            priority: 0,
        }
    }

    /// A text that is shown with `-o wide`.
    pub const fn wide(name: &'static str, path: &'static str) -> Self {
        Self {
            priority: 1,
            ..Self::text(name, path)
        }
    }
}

/// A kind that Weir defines.
pub trait CustomResource: kube::Resource<DynamicType = ()> {
    /// Its definition, schema aside.
    const DEFINITION: Definition;
}

/// Defines the struct of a kind and makes it a [`kube::Resource`] and a [`CustomResource`].
///
/// With a status type, it is [`Reconcilable`] too. Its `spec` must have `suspend` then.
macro_rules! custom_resource {
    (
        $(#[$doc:meta])*
        pub struct $name:ident { spec: $spec:ty $(, status: $status:ty)? $(,)? }
        $definition:expr
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Default, serde::Deserialize, schemars::JsonSchema)]
        pub struct $name {
            /// Name, namespace, labels, annotations and what the API server keeps with them.
            #[serde(default)]
            #[schemars(skip)]
            pub metadata: k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta,
            /// What is wanted.
            #[serde(default)]
            #[schemars(!default)]
            pub spec: $spec,
            $(
                /// What was found and done.
                #[serde(default)]
                pub status: Option<$status>,
            )?
        }

        impl $name {
            /// An object of that name with that spec, in no namespace yet.
            pub fn new(name: &str, spec: $spec) -> Self {
                let metadata = k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                    name: Some(name.to_owned()),
                    ..Default::default()
                };
                Self { metadata, spec $(, status: None::<$status>)? }
            }
        }

        impl $crate::resource::CustomResource for $name {
            const DEFINITION: $crate::resource::Definition = $definition;
        }

        impl kube::Resource for $name {
            type DynamicType = ();
            type Scope = k8s_openapi::NamespaceResourceScope;

            fn kind((): &()) -> std::borrow::Cow<'_, str> {
                <Self as $crate::resource::CustomResource>::DEFINITION.kind.into()
            }

            fn group((): &()) -> std::borrow::Cow<'_, str> {
                <Self as $crate::resource::CustomResource>::DEFINITION.group.into()
            }

            fn version((): &()) -> std::borrow::Cow<'_, str> {
                <Self as $crate::resource::CustomResource>::DEFINITION.version.into()
            }

            fn plural((): &()) -> std::borrow::Cow<'_, str> {
                <Self as $crate::resource::CustomResource>::DEFINITION.plural.into()
            }

            fn meta(&self) -> &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                &self.metadata
            }

            fn meta_mut(&mut self) -> &mut k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                &mut self.metadata
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("apiVersion", &<Self as kube::Resource>::api_version(&()))?;
                map.serialize_entry("kind", &<Self as kube::Resource>::kind(&()))?;
                map.serialize_entry("metadata", &self.metadata)?;
                map.serialize_entry("spec", &self.spec)?;
                $(
                    let status: &Option<$status> = &self.status;
                    if let Some(status) = status {
                        map.serialize_entry("status", status)?;
                    }
                )?
                map.end()
            }
        }
    };
}
pub(crate) use custom_resource;

/// Makes a kind with `spec.suspend` and `status.conditions` [`Reconcilable`].
macro_rules! reconcilable {
    ($name:ident, $status:ty) => {
        reconcilable!($name, $status, |object| object.spec.suspend);
    };
    ($name:ident, $status:ty, |$object:ident| $suspended:expr) => {
        impl $crate::Reconcilable for $name {
            type Status = $status;

            fn status(&self) -> Option<&Self::Status> {
                self.status.as_ref()
            }

            fn set_status(&mut self, status: Self::Status) {
                self.status = Some(status);
            }

            fn suspended(&self) -> bool {
                let $object = self;
                $suspended
            }

            fn conditions(&self) -> &[$crate::meta::Condition] {
                self.status
                    .as_ref()
                    .map_or(&[], |status| &status.conditions)
            }
        }
    };
}
pub(crate) use reconcilable;
