//! Version `v1` of the source API.
//!
//! Source: source-controller v1.9 `api/v1`.

mod bucket;
mod external_artifact;
mod git_repository;
mod helm_chart;
mod helm_repository;
mod oci_repository;
mod provider;

pub use bucket::{Bucket, BucketProvider, BucketSpec, BucketStatus, BucketSts, StsProvider};
pub use external_artifact::{ExternalArtifact, ExternalArtifactSpec, ExternalArtifactStatus};
pub use git_repository::{
    GitProvider, GitRepository, GitRepositoryInclude, GitRepositoryRef, GitRepositorySpec,
    GitRepositoryStatus, GitRepositoryVerification, GitVerificationMode,
};
pub use helm_chart::{
    ChartSourceKind, HelmChart, HelmChartSpec, HelmChartStatus, LocalHelmChartSourceReference,
    ReconcileStrategy,
};
pub use helm_repository::{
    HelmRepository, HelmRepositorySpec, HelmRepositoryStatus, HelmRepositoryType,
};
pub use oci_repository::{
    OciLayerOperation, OciLayerSelector, OciRepository, OciRepositoryRef, OciRepositorySpec,
    OciRepositoryStatus,
};
pub use provider::{
    ChartVerification, OciVerification, OidcIdentityMatch, Provider, VerificationProvider,
};

const CATEGORIES: &[&str] = &["all", "fluxcd", "fluxcd-sources"];
