//! Version `v1` of the notification API: the Receiver.
//!
//! Source: notification-controller v1.9 `api/v1`.

mod reference;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use reference::{CrossNamespaceObjectReference, ObjectKind, ReceiverResource};

use super::{CATEGORIES, GROUP};
use crate::meta::{Condition, GoDuration, LocalObjectReference};
use crate::resource::{Column, Definition, StatusSubresource, custom_resource, reconcilable};
use crate::schema::is_false;

custom_resource! {
    /// A webhook that makes objects reconcile.
    pub struct Receiver { spec: ReceiverSpec, status: ReceiverStatus }
    Definition {
        group: GROUP,
        version: "v1",
        kind: "Receiver",
        plural: "receivers",
        short_names: &[],
        categories: CATEGORIES,
        substitute_disabled: true,
        status: StatusSubresource::Unobserved,
        columns: &[Column::AGE, Column::READY, Column::STATUS],
    }
}
reconcilable!(Receiver, ReceiverStatus);

/// Who calls, how the call is checked, and what reconciles.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "self.type != 'generic-oidc' || (has(self.oidcProviders) && size(self.oidcProviders) > 0)",
        "message": "generic-oidc receivers must define at least one oidcProvider"
    },
    {
        "rule": "self.type == 'generic-oidc' || !has(self.oidcProviders) || size(self.oidcProviders) == 0",
        "message": "oidcProviders can only be set when type is generic-oidc"
    },
    {
        "rule": "self.type != 'generic-oidc' || !has(self.secretRef)",
        "message": "secretRef cannot be set when type is generic-oidc"
    },
    {
        "rule": "self.type == 'generic-oidc' || has(self.secretRef)",
        "message": "secretRef is required when type is not generic-oidc"
    }
]))]
pub struct ReceiverSpec {
    /// Who calls: decides how the call is read and checked.
    #[serde(rename = "type")]
    pub type_: ReceiverType,
    /// How often to look at the Secret again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "10m"))]
    pub interval: Option<GoDuration>,
    /// The caller's events to react to; none means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// What reconciles.
    pub resources: Vec<ReceiverResource>,
    /// CEL expression over `res` and `req` that each object must satisfy.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub resource_filter: String,
    /// A Secret with the `token` that the caller must know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// Whose tokens to accept, for type `generic-oidc`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["issuerURL"]))]
    pub oidc_providers: Vec<OidcProvider>,
    /// Refuses calls until it is unset.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspend: bool,
}

/// Who calls a Receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReceiverType {
    /// Anybody who knows the path.
    #[default]
    Generic,
    /// Anybody who signs with the token.
    GenericHmac,
    /// Anybody with a token of an OpenID Connect provider.
    GenericOidc,
    /// GitHub.
    #[serde(rename = "github")]
    GitHub,
    /// GitLab.
    #[serde(rename = "gitlab")]
    GitLab,
    /// Bitbucket.
    Bitbucket,
    /// Harbor.
    Harbor,
    /// Docker Hub.
    #[serde(rename = "dockerhub")]
    DockerHub,
    /// Quay.
    Quay,
    /// Google Container Registry.
    Gcr,
    /// Nexus.
    Nexus,
    /// Azure Container Registry.
    Acr,
    /// Anybody who sends CDEvents.
    #[serde(rename = "cdevents")]
    CdEvents,
}

/// Whose tokens a Receiver accepts, and which of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OidcProvider {
    /// Who issues the tokens.
    #[serde(rename = "issuerURL")]
    #[schemars(extend("pattern" = "^https?://"))]
    pub issuer_url: String,
    /// Whom the tokens must be for; empty means `notification-controller`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub audience: String,
    /// Names for parts of the claims.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<OidcVariable>,
    /// What must hold of the claims.
    #[schemars(length(min = 1))]
    pub validations: Vec<OidcValidation>,
}

/// A name for a part of a token's claims.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct OidcVariable {
    /// The name, used as `vars.<name>`.
    pub name: String,
    /// CEL expression over `claims` that computes it.
    pub expression: String,
}

/// What must hold of a token's claims.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct OidcValidation {
    /// CEL expression over `claims` and `vars`.
    pub expression: String,
    /// What to say when it does not hold.
    pub message: String,
}

/// Where the webhook is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiverStatus {
    /// The last generation that was dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// How it went.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Path of the webhook, `/hook/<sha256>`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub webhook_path: String,
    /// The reconciliation request that was served last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_handled_reconcile_at: String,
}
