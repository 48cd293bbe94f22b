//! Why a pass failed, with the reason and condition that upstream gives it.

use weir_api::meta::{condition_type, reason};
use weir_runtime::kind::Failure;

use crate::tree::JoinError;

/// Why a pass over a source failed.
///
/// Source: source-controller v1.9 `internal/controller/gitrepository_controller.go`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field needs a gate that is off.
    #[error(
        "to use spec.serviceAccountName for provider authentication please enable the \
         ObjectLevelWorkloadIdentity feature gate in the controller"
    )]
    FeatureGate,
    /// `spec.url` is no URL.
    #[error("failed to parse url '{url}'")]
    ParseUrl {
        /// The URL, without user and password.
        url: String,
        /// What is wrong with it.
        source: weir_git::UrlError,
    },
    /// A Secret cannot be read.
    #[error("failed to get secret '{name}': failed to get secret '{name}'")]
    GetSecret {
        /// Namespace and name.
        name: String,
        /// What the API server said.
        source: SecretError,
    },
    /// A Secret's contents cannot be used.
    #[error("failed to configure authentication options")]
    ConfigureAuth(#[source] SecretError),
    /// A Secret's contents cannot be used, said in full by the cause.
    #[error(transparent)]
    UseSecret(SecretError),
    /// The proxy's Secret cannot be used.
    #[error("failed to configure proxy options")]
    ConfigureProxy(#[source] SecretError),
    /// A provider gives no credentials.
    #[error("failed to configure authentication options")]
    ConfigureProvider(#[source] ProviderError),
    /// The provider needs a Secret and none is named.
    #[error("secretRef with github app data must be specified when provider is set to github")]
    NoAppSecret,
    /// The Secret holds nothing of what the provider needs.
    #[error("secretRef with github app data must be specified when provider is set to github")]
    NoAppData,
    /// The Secret is one for another provider.
    #[error("secretRef '{0}' has github app data but provider is not set to github")]
    ProviderMismatch(String),
    /// The repository could not be listed or fetched.
    #[error("failed to checkout and determine revision")]
    Checkout(#[source] weir_git::Error),
    /// The repository has no commit.
    #[error("git repository is empty")]
    EmptyRepository,
    /// A listed folder is not in the repository.
    #[error(
        "failed to sparse checkout directories : sparse checkout dir '{dir}' does not exist in repository: \
         lstat {path}: no such file or directory"
    )]
    SparseCheckout {
        /// As in the spec.
        dir: String,
        /// Where it was looked for.
        path: String,
    },
    /// A listed folder is nowhere.
    #[error(
        "failed to sparse checkout directories : sparse checkout dir '{dir}' cannot be resolved"
    )]
    SparsePath {
        /// As in the spec.
        dir: String,
        /// Why.
        source: JoinError,
    },
    /// A GitRepository to include cannot be had.
    #[error("could not get resource for include '{name}'")]
    GetInclude {
        /// Its name.
        name: String,
        /// Why.
        source: IncludeError,
    },
    /// A GitRepository to include has no artifact yet.
    #[error("no artifact available for include '{0}'")]
    NoIncludedArtifact(String),
    /// Where an included artifact belongs is nowhere.
    #[error("path calculation for include '{name}' failed")]
    IncludePath {
        /// The GitRepository.
        name: String,
        /// Why.
        source: JoinError,
    },
    /// An included artifact cannot be put where it belongs.
    #[error("failed to copy '{name}' include from {from} to {to}")]
    CopyInclude {
        /// The GitRepository.
        name: String,
        /// The folder of its artifact.
        from: String,
        /// The folder of ours.
        to: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The Secret with the keys to trust cannot be read.
    #[error("public keys secret error")]
    VerificationKeys(#[source] SecretError),
    /// A tag's signature is asked for where there is no tag.
    #[error("cannot verify tag object's signature if a tag reference is not specified")]
    NoTagToVerify,
    /// The tag has no signature.
    #[error("cannot verify signature of tag '{0}' since it is not signed")]
    UnsignedTag(String),
    /// The tag's signature does not hold.
    #[error("signature verification of tag '{tag}' failed")]
    TagSignature {
        /// Its name and object.
        tag: String,
        /// Why.
        source: weir_git::SignatureError,
    },
    /// The commit's signature does not hold.
    #[error("signature verification of commit '{commit}' failed")]
    CommitSignature {
        /// Its hash.
        commit: String,
        /// Why.
        source: weir_git::SignatureError,
    },
    /// The folder for a pass cannot be made.
    #[error("failed to create temporary working directory")]
    CreateDirectory(#[source] std::io::Error),
    /// The ignore rules are too large.
    #[error("failed to load source ignore patterns: more than {0} bytes")]
    IgnoreRules(usize),
    /// The archive cannot be written.
    #[error("unable to archive artifact to storage")]
    Archive(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The stored artifact cannot be looked at.
    #[error("failed to verify artifact")]
    VerifyStored(#[source] weir_artifact::StorageError),
    /// The artifacts of a deleted object cannot be removed.
    #[error("garbage collection for deleted resource failed")]
    RemoveArtifacts(#[source] weir_artifact::StorageError),
    /// The spec has changed meanwhile: the pass starts over.
    #[error("superseded by a newer generation")]
    Superseded,
    /// A library panicked or the process is stopping.
    #[error("interrupted")]
    Interrupted,
}

/// Why a Secret is of no use. Holds no secret value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It is not there, as the API server says it.
    #[error("secrets {0:?} not found")]
    Missing(String),
    /// It is not there, as the API server says it of a Secret by its kind.
    #[error("Secret {0:?} not found")]
    MissingSecret(String),
    /// It is not there, as upstream's proxy code says it.
    #[error("secret '{0}' not found")]
    NotFound(String),
    /// It lacks a key.
    #[error("secret '{secret}': key '{key}' not found")]
    KeyNotFound {
        /// Namespace and name.
        secret: String,
        /// The key.
        key: &'static str,
    },
    /// Its keys do not go together.
    #[error("invalid '{scheme}' auth option: {rule}")]
    AuthOption {
        /// The URL's scheme.
        scheme: String,
        /// The rule that is broken.
        rule: &'static str,
    },
    /// It names no installation of its app, or two.
    #[error(
        "secret '{0}' must contain exactly one of 'githubAppInstallationOwner' or 'githubAppInstallationID'"
    )]
    Installation(String),
    /// Its private key needs a password that is not there.
    #[error(
        "SSH identity key is encrypted but no 'password' field was provided in the secret '{0}'"
    )]
    LockedIdentity(String),
    /// It has a certificate without its key, or the reverse.
    #[error("secret '{0}' must contain both 'tls.crt' and 'tls.key'")]
    HalfIdentity(String),
    /// A value is no text, or no URL.
    #[error("secret '{secret}': key '{key}' is invalid")]
    Invalid {
        /// Namespace and name.
        secret: String,
        /// The key.
        key: &'static str,
    },
    /// The address of its proxy cannot be used.
    #[error("secret '{secret}': {why}")]
    Proxy {
        /// Namespace and name.
        secret: String,
        /// What is wrong with it.
        why: String,
    },
    /// The API server did not answer.
    #[error("{0}")]
    Api(String),
}

/// Why a provider gives no credentials. Holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// No client can be made.
    #[error(transparent)]
    Client(#[from] weir_git::Error),
    /// The provider refuses, or is not reached.
    #[error(transparent)]
    Provider(#[from] weir_auth::Error),
}

/// Why a GitRepository to include cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum IncludeError {
    /// It is not there.
    #[error("GitRepository.source.toolkit.fluxcd.io {0:?} not found")]
    NotFound(String),
    /// The API server did not answer.
    #[error("{0}")]
    Api(String),
}

impl Error {
    /// The negative condition that tells of it, besides Ready.
    #[must_use]
    pub fn condition(&self) -> Option<&'static str> {
        match self {
            Self::RemoveArtifacts(_)
            | Self::VerificationKeys(_)
            | Self::NoTagToVerify
            | Self::UnsignedTag(_)
            | Self::TagSignature { .. }
            | Self::CommitSignature { .. }
            | Self::Superseded
            | Self::Interrupted => None,
            Self::GetInclude { .. } | Self::NoIncludedArtifact(_) => {
                Some(condition_type::INCLUDE_UNAVAILABLE)
            }
            Self::FeatureGate
            | Self::ParseUrl { .. }
            | Self::GetSecret { .. }
            | Self::ConfigureAuth(_)
            | Self::UseSecret(_)
            | Self::ConfigureProxy(_)
            | Self::ConfigureProvider(_)
            | Self::NoAppSecret
            | Self::NoAppData
            | Self::ProviderMismatch(_)
            | Self::Checkout(_)
            | Self::EmptyRepository
            | Self::SparseCheckout { .. }
            | Self::SparsePath { .. } => Some(condition_type::FETCH_FAILED),
            Self::CreateDirectory(_)
            | Self::IgnoreRules(_)
            | Self::Archive(_)
            | Self::CopyInclude { .. }
            | Self::IncludePath { .. }
            | Self::VerifyStored(_) => Some(condition_type::STORAGE_OPERATION_FAILED),
        }
    }

    /// Whether only a change of the object can help.
    #[must_use]
    pub fn stalls(&self) -> bool {
        matches!(
            self,
            Self::FeatureGate | Self::ParseUrl { .. } | Self::NoAppSecret | Self::NoTagToVerify
        )
    }

    /// Whether it waits for another object: that is no failure to be warned of.
    #[must_use]
    pub fn waits(&self) -> bool {
        matches!(self, Self::GetInclude { .. } | Self::NoIncludedArtifact(_))
    }

    /// Whether the signatures are not what the object asks for: `SourceVerified` is false.
    #[must_use]
    pub fn unverified(&self) -> bool {
        matches!(
            self,
            Self::VerificationKeys(_)
                | Self::NoTagToVerify
                | Self::UnsignedTag(_)
                | Self::TagSignature { .. }
                | Self::CommitSignature { .. }
        )
    }

    /// Whether everything to include was there before it happened.
    #[must_use]
    pub fn has_includes(&self) -> bool {
        let fetching = matches!(
            self,
            Self::Checkout(_)
                | Self::EmptyRepository
                | Self::SparseCheckout { .. }
                | Self::SparsePath { .. }
        );
        fetching || self.unverified()
    }
}

impl Failure for Error {
    fn reason(&self) -> &'static str {
        match self {
            Self::FeatureGate => reason::FEATURE_GATE_DISABLED,
            Self::ParseUrl { .. } => reason::URL_INVALID,
            Self::GetSecret { .. }
            | Self::ConfigureAuth(_)
            | Self::UseSecret(_)
            | Self::ConfigureProvider(_)
            | Self::ConfigureProxy(_) => reason::AUTHENTICATION_FAILED,
            Self::ProviderMismatch(_) | Self::NoAppSecret | Self::NoAppData => {
                reason::INVALID_PROVIDER_CONFIGURATION
            }
            Self::Checkout(_) | Self::SparseCheckout { .. } | Self::SparsePath { .. } => {
                reason::GIT_OPERATION_FAILED
            }
            Self::EmptyRepository => reason::EMPTY_GIT_REPOSITORY,
            Self::GetInclude { .. } => reason::NOT_FOUND,
            Self::NoIncludedArtifact(_) => reason::NO_ARTIFACT,
            Self::IncludePath { .. } => reason::ILLEGAL_PATH,
            Self::CopyInclude { .. } => reason::COPY_FAILURE,
            Self::VerificationKeys(_) => reason::VERIFICATION_ERROR,
            Self::NoTagToVerify => reason::INVALID_VERIFICATION_MODE,
            Self::UnsignedTag(_) => reason::INVALID_GIT_OBJECT,
            Self::TagSignature { .. } => reason::INVALID_TAG_SIGNATURE,
            Self::CommitSignature { .. } => reason::INVALID_COMMIT_SIGNATURE,
            Self::CreateDirectory(_) => reason::DIRECTORY_CREATION_FAILED,
            Self::IgnoreRules(_) => reason::SOURCE_IGNORE_ERROR,
            Self::Archive(_) => reason::ARCHIVE_OPERATION_FAILED,
            Self::VerifyStored(_) => reason::STAT_OPERATION_FAILED,
            Self::RemoveArtifacts(_) => reason::GARBAGE_COLLECTION_FAILED,
            Self::Superseded | Self::Interrupted => reason::FAILED,
        }
    }

    fn superseded(&self) -> bool {
        matches!(self, Self::Superseded)
    }
}

impl From<weir_git::Error> for Error {
    fn from(error: weir_git::Error) -> Self {
        match error {
            weir_git::Error::Empty => Self::EmptyRepository,
            error => Self::Checkout(error),
        }
    }
}
