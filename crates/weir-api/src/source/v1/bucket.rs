//! Bucket: an artifact from the objects of a bucket.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CATEGORIES;
use crate::meta::{Artifact, Condition, GoDuration, LocalObjectReference};
use crate::resource::{Column, Definition, StatusSubresource, custom_resource, reconcilable};
use crate::schema::{self, is_false};
use crate::source::GROUP;

custom_resource! {
    /// A bucket of an object store whose content becomes an artifact.
    pub struct Bucket { spec: BucketSpec, status: BucketStatus }
    Definition {
        group: GROUP,
        version: "v1",
        kind: "Bucket",
        plural: "buckets",
        short_names: &[],
        categories: CATEGORIES,
        substitute_disabled: false,
        status: StatusSubresource::Unobserved,
        columns: &[Column::text("Endpoint", ".spec.endpoint"), Column::AGE, Column::READY, Column::STATUS],
    }
}
reconcilable!(Bucket, BucketStatus);

/// Which bucket, which objects.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "self.provider == 'aws' || self.provider == 'generic' || !has(self.sts)",
        "message": "STS configuration is only supported for the 'aws' and 'generic' Bucket providers"
    },
    {
        "rule": "self.provider != 'aws' || !has(self.sts) || self.sts.provider == 'aws'",
        "message": "'aws' is the only supported STS provider for the 'aws' Bucket provider"
    },
    {
        "rule": "self.provider != 'generic' || !has(self.sts) || self.sts.provider == 'ldap'",
        "message": "'ldap' is the only supported STS provider for the 'generic' Bucket provider"
    },
    {
        "rule": "!has(self.sts) || self.sts.provider != 'aws' || !has(self.sts.secretRef)",
        "message": "spec.sts.secretRef is not required for the 'aws' STS provider"
    },
    {
        "rule": "!has(self.sts) || self.sts.provider != 'aws' || !has(self.sts.certSecretRef)",
        "message": "spec.sts.certSecretRef is not required for the 'aws' STS provider"
    },
    {
        "rule": "self.provider != 'generic' || !has(self.serviceAccountName)",
        "message": "ServiceAccountName is not supported for the 'generic' Bucket provider"
    },
    {
        "rule": "!has(self.secretRef) || !has(self.serviceAccountName)",
        "message": "cannot set both .spec.secretRef and .spec.serviceAccountName"
    }
]))]
pub struct BucketSpec {
    /// Whose API the store speaks.
    #[serde(default)]
    pub provider: BucketProvider,
    /// Name of the bucket.
    pub bucket_name: String,
    /// Where the store is: host and port, or a URL for Azure.
    pub endpoint: String,
    /// Where to get temporary credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sts: Option<BucketSts>,
    /// Talks plain HTTP to the store.
    #[serde(default, skip_serializing_if = "is_false")]
    pub insecure: bool,
    /// Region of the bucket.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// Only objects whose keys start so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// A Secret with credentials, e.g. `accesskey` and `secretkey`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// The service account to authenticate as to the provider.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service_account_name: String,
    /// A Secret with `tls.crt` and `tls.key`, `ca.crt`, or all three.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// A Secret with `address`, `username` and `password` of an HTTP proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// How often to look for changed objects.
    pub interval: GoDuration,
    /// How long listing and how long fetching may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = schema::TIMEOUT_PATTERN, "default" = "60s"))]
    pub timeout: Option<GoDuration>,
    /// Files to leave out, in the format of `.gitignore`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore: Option<String>,
    /// Leaves the object alone until it is unset.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspend: bool,
}

/// Whose API an object store speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BucketProvider {
    /// S3, of any maker.
    #[default]
    Generic,
    /// S3 of AWS.
    Aws,
    /// Google Cloud Storage.
    Gcp,
    /// Azure Blob Storage.
    Azure,
}

/// Where to get temporary credentials.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BucketSts {
    /// Who issues them.
    pub provider: StsProvider,
    /// Where: `http://` or `https://`.
    #[schemars(extend("pattern" = "^(http|https)://.*$"))]
    pub endpoint: String,
    /// A Secret with `username` and `password` for LDAP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// A Secret with `tls.crt` and `tls.key`, `ca.crt`, or all three, for LDAP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
}

/// Who issues temporary credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StsProvider {
    /// AWS.
    #[default]
    Aws,
    /// An S3 server that asks LDAP.
    Ldap,
}

/// What was fetched and stored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BucketStatus {
    /// The last generation that was dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// How it went.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Where the latest artifact is served.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// The stored artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// `spec.ignore` as of the artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_ignore: Option<String>,
    /// The reconciliation request that was served last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_handled_reconcile_at: String,
}
