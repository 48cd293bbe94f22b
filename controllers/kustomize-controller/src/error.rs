//! Why a pass over a Kustomization failed, and what each failure means for conditions, events and retry.

use std::time::Duration;

use weir_api::meta::{format_go_duration, reason};
use weir_runtime::kind::{Chain, Failure, Key};

/// A failed step. `Display` is the step's own layer; [`Error::message`] is the whole text for people.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `spec.decryption.serviceAccountName` while its gate is off.
    #[error(
        "to use spec.decryption.serviceAccountName for decryption authentication please enable the \
         ObjectLevelWorkloadIdentity feature gate in the controller"
    )]
    FeatureGate,
    /// An expression of the spec is wrong.
    #[error("Reconciliation failed terminally due to configuration error: {0}")]
    InvalidExpression(String),
    /// A rule of the installation forbids the reference.
    #[error("{0}")]
    AccessDenied(String),
    /// The source object does not exist.
    #[error("{kind}.{group} \"{name}\" not found")]
    FindSource {
        /// Kind of the source.
        kind: String,
        /// API group of the source.
        group: &'static str,
        /// Name of the source.
        name: String,
    },
    /// The source object cannot be read.
    #[error("unable to get source '{key}'")]
    ReadSource {
        /// The source.
        key: Key,
        /// What the API server answered.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The source has no artifact yet.
    #[error("Source artifact not found, retrying in {}", format_go_duration(*.0))]
    NoArtifact(Duration),
    /// The artifact's file is gone from its server.
    #[error("Source is not ready, artifact not found, retrying in {}", format_go_duration(*.0))]
    ArtifactGone(Duration),
    /// The artifact cannot be fetched, verified or unpacked.
    #[error("{0}")]
    FetchArtifact(String),
    /// `spec.path` does not exist in the artifact.
    #[error("kustomization path not found: {0}")]
    FindPath(String),
    /// A dependency is missing or not ready.
    #[error("{text}")]
    DependencyNotReady {
        /// Which dependency, and what it lacks.
        text: String,
        /// `--requeue-dependency`.
        retry: Duration,
    },
    /// The cluster of the objects cannot be reached with what the spec names.
    #[error("{0}")]
    Client(String),
    /// The objects of a deleted Kustomization cannot be reached; it stays as it is and is tried again.
    #[error("{0}")]
    Unreachable(String),
    /// No request can carry the name of the account to act as.
    #[error("unable to impersonate '{0}'")]
    Impersonate(String),
    /// The manifests cannot be built, decrypted or substituted.
    #[error("{0}")]
    Build(String),
    /// Applying failed; the text holds the change log of earlier stages.
    #[error("{0}")]
    Apply(String),
    /// Garbage collection failed for some objects.
    #[error("{0}")]
    Prune(String),
    /// Applied objects are not healthy.
    #[error("health check failed after {}", format_go_duration(*.elapsed))]
    Health {
        /// How long the check ran.
        elapsed: Duration,
        /// What is not healthy.
        text: String,
    },
    /// Newer work for the object ended the health check.
    #[error("New reconciliation triggered by {0}")]
    Superseded(String),
    /// The API server itself has the Kustomization or its source otherwise than this pass saw them.
    #[error("the object or its source has changed meanwhile")]
    Outdated,
    /// Status could not be written in the middle of the pass.
    #[error("failed to update status")]
    WriteStatus(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Objects of a deleted Kustomization could not be deleted.
    #[error("{0}")]
    Finalize(String),
}

/// What comes after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// After `spec.retryInterval`.
    Interval,
    /// After exactly this long.
    After(Duration),
    /// With exponential back-off.
    Backoff,
    /// Only a change of the spec or of the installation can help.
    Stalled,
}

impl Error {
    /// The text of the Ready condition.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Health { text, .. } => format!("{self}: {text}"),
            other => Chain(other).to_string(),
        }
    }

    /// The text of the error event, `None` where upstream posts none.
    #[must_use]
    pub fn event_message(&self) -> Option<String> {
        match self {
            Self::FindSource { .. }
            | Self::ReadSource { .. }
            | Self::NoArtifact(_)
            | Self::ArtifactGone(_)
            | Self::Unreachable(_)
            | Self::Outdated
            | Self::Superseded(_) => None,
            Self::DependencyNotReady { retry, .. } => Some(format!(
                "Dependencies do not meet ready condition, retrying in {}",
                format_go_duration(*retry)
            )),
            Self::Finalize(_) => Some("pruning for deleted resource failed".to_owned()),
            // Upstream names the step in the event only.
            Self::Client(_) | Self::Impersonate(_) => {
                Some(format!("failed to build kube client: {self}"))
            }
            other => Some(other.message()),
        }
    }

    /// When to try again.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::FeatureGate | Self::InvalidExpression(_) | Self::AccessDenied(_) => {
                Retry::Stalled
            }
            Self::NoArtifact(after) | Self::ArtifactGone(after) => Retry::After(*after),
            Self::DependencyNotReady { retry, .. } => Retry::After(*retry),
            Self::ReadSource { .. }
            | Self::Finalize(_)
            | Self::Unreachable(_)
            | Self::Outdated
            | Self::WriteStatus(_) => Retry::Backoff,
            _ => Retry::Interval,
        }
    }

    /// Whether a build that ended so belongs into `status.history`.
    #[must_use]
    pub fn enters_history(&self) -> bool {
        matches!(self, Self::Apply(_) | Self::Prune(_) | Self::Health { .. })
    }
}

impl Failure for Error {
    fn reason(&self) -> &'static str {
        match self {
            Self::FeatureGate => reason::FEATURE_GATE_DISABLED,
            Self::InvalidExpression(_) => reason::INVALID_CEL_EXPRESSION,
            Self::AccessDenied(_) => reason::ACCESS_DENIED,
            Self::FindSource { .. }
            | Self::ReadSource { .. }
            | Self::NoArtifact(_)
            | Self::ArtifactGone(_)
            | Self::FetchArtifact(_)
            | Self::FindPath(_) => reason::ARTIFACT_FAILED,
            Self::DependencyNotReady { .. } => reason::DEPENDENCY_NOT_READY,
            Self::Build(_) => reason::BUILD_FAILED,
            Self::Prune(_) | Self::Finalize(_) => reason::PRUNE_FAILED,
            Self::Health { .. } => reason::HEALTH_CHECK_FAILED,
            Self::Superseded(_) => reason::HEALTH_CHECK_CANCELED,
            Self::Outdated => reason::PROGRESSING,
            Self::Client(_)
            | Self::Unreachable(_)
            | Self::Impersonate(_)
            | Self::Apply(_)
            | Self::WriteStatus(_) => reason::RECONCILIATION_FAILED,
        }
    }

    fn superseded(&self) -> bool {
        matches!(self, Self::Superseded(_))
    }
}
