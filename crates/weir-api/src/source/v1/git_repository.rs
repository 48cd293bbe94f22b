//! GitRepository: an artifact from one commit of a Git repository.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CATEGORIES;
use crate::meta::{Artifact, Condition, GoDuration, LocalObjectReference};
use crate::resource::{Column, Definition, StatusSubresource, custom_resource, reconcilable};
use crate::schema::{self, is_false};
use crate::source::GROUP;

custom_resource! {
    /// A Git repository whose content becomes an artifact.
    pub struct GitRepository { spec: GitRepositorySpec, status: GitRepositoryStatus }
    Definition {
        group: GROUP,
        version: "v1",
        kind: "GitRepository",
        plural: "gitrepositories",
        short_names: &["gitrepo"],
        categories: CATEGORIES,
        substitute_disabled: false,
        status: StatusSubresource::Unobserved,
        columns: &[Column::text("URL", ".spec.url"), Column::AGE, Column::READY, Column::STATUS],
    }
}
reconcilable!(GitRepository, GitRepositoryStatus);

/// Which repository, which commit, which files.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!has(self.serviceAccountName) || (has(self.provider) && (self.provider == 'azure' || self.provider == 'aws'))",
    "message": "serviceAccountName can only be set when provider is 'azure' or 'aws'"
}]))]
pub struct GitRepositorySpec {
    /// Address of the repository: `http://`, `https://` or `ssh://`.
    #[schemars(extend("pattern" = "^(http|https|ssh)://.*$"))]
    pub url: String,
    /// How often to look for a new commit.
    pub interval: GoDuration,
    /// How long one Git operation may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = schema::TIMEOUT_PATTERN, "default" = "60s"))]
    pub timeout: Option<GoDuration>,
    /// A Secret with credentials: `username` and `password` or `bearerToken` for HTTP, `identity` and
    /// `known_hosts` for SSH, the `githubApp…` keys for provider `github`, `ca.crt` for trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// Who issues credentials when no Secret does. Absent means `generic`: nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<GitProvider>,
    /// The service account to authenticate as to the provider.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service_account_name: String,
    /// Which commit. Absent means the head of branch `master`.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<GitRepositoryRef>,
    /// Which signatures the commit or tag must carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<GitRepositoryVerification>,
    /// A Secret with `address`, `username` and `password` of an HTTP proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// Files to leave out, in the format of `.gitignore`. Set, even if empty, it replaces the built-in list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore: Option<String>,
    /// Leaves the object alone until it is unset.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// Fetches submodules too, with the same credentials.
    #[serde(default, skip_serializing_if = "is_false")]
    pub recurse_submodules: bool,
    /// Artifacts of other GitRepositories to copy into this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<GitRepositoryInclude>,
    /// Directories to check out; none means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sparse_checkout: Vec<String>,
}

/// Which commit. If several are set, the first of commit, name, tag, semver, branch counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct GitRepositoryRef {
    /// Head of this branch.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub branch: String,
    /// This tag.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tag: String,
    /// The highest tag in this range of semantic versions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub semver: String,
    /// This reference in full, e.g. `refs/pull/420/head`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// This commit.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub commit: String,
}

/// Which signatures to ask for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitRepositoryVerification {
    /// What must be signed.
    #[serde(default)]
    pub mode: GitVerificationMode,
    /// A Secret whose values are the public keys to trust.
    pub secret_ref: LocalObjectReference,
}

/// What of a Git revision must be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub enum GitVerificationMode {
    /// The commit; the former spelling of `HEAD`.
    #[serde(rename = "head")]
    LegacyHead,
    /// The commit.
    #[default]
    #[serde(rename = "HEAD")]
    Head,
    /// The tag.
    Tag,
    /// The tag and its commit.
    #[serde(rename = "TagAndHEAD")]
    TagAndHead,
}

/// Who issues credentials for a Git server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GitProvider {
    /// Nobody: the Secret, or none.
    #[default]
    Generic,
    /// AWS, for CodeCommit.
    Aws,
    /// Azure, for DevOps.
    Azure,
    /// GitHub, as an App.
    Github,
}

/// An artifact to copy into another.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitRepositoryInclude {
    /// The GitRepository whose artifact to copy.
    pub repository: LocalObjectReference,
    /// The directory to copy; empty means all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from_path: String,
    /// The directory to copy to; empty means one named like the repository.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub to_path: String,
}

/// What was fetched and stored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitRepositoryStatus {
    /// The last generation that was dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// How it went.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The stored artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// The artifacts that were copied into it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included_artifacts: Vec<Artifact>,
    /// `spec.ignore` as of the artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_ignore: Option<String>,
    /// `spec.recurseSubmodules` as of the artifact.
    #[serde(default, skip_serializing_if = "is_false")]
    pub observed_recurse_submodules: bool,
    /// `spec.include` as of the artifact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed_include: Vec<GitRepositoryInclude>,
    /// `spec.sparseCheckout` as of the artifact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed_sparse_checkout: Vec<String>,
    /// The verification that the artifact passed: `HEAD`, `Tag` or `TagAndHEAD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_verification_mode: Option<String>,
    /// The reconciliation request that was served last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_handled_reconcile_at: String,
}
