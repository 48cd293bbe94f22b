//! What the API groups share: conditions, references, artifacts, durations and well-known names.
//!
//! Source: fluxcd/pkg `apis/meta`, `apis/acl`, `apis/kustomize` as of Flux 2.9.

mod artifact;
mod condition;
mod duration;
mod overlay;
mod reference;
mod time;

pub mod annotation;
pub mod reason;

pub use artifact::{Artifact, ORIGIN_REVISION};
pub use condition::{
    Condition, ConditionStatus, condition_type, find_condition, remove_condition, set_condition,
};
pub use duration::{GoDuration, ParseDurationError, format_go_duration};
pub use overlay::{
    CommonMetadata, CustomHealthCheck, IgnoreRule, ImageOverride, InventoryEntry, Patch,
    ResourceInventory, Selector,
};
pub use reference::{
    AccessFrom, DependencyReference, KubeConfigReference, LocalObjectReference, NamespaceSelector,
    NamespacedObjectKindReference, NamespacedObjectReference, SecretKeyReference, ValuesKind,
};
pub use time::Time;

/// The finalizer that every reconciled object carries.
pub const FINALIZER: &str = "finalizers.fluxcd.io";

/// The longest condition message in bytes; longer ones are cut and end in `...`.
pub const MAX_CONDITION_MESSAGE: usize = 32_768;

/// Labels that users and controllers put on objects.
pub mod label {
    /// On Secrets and ConfigMaps: reconcile what refers to them when they change.
    pub const WATCH: &str = "reconcile.fluxcd.io/watch";
    /// The value of [`WATCH`].
    pub const WATCH_ENABLED: &str = "Enabled";
    /// Assigns an object to one shard of a controller.
    pub const SHARD_KEY: &str = "sharding.fluxcd.io/key";
    /// On applied objects: the name of the owning Kustomization.
    pub const KUSTOMIZE_NAME: &str = "kustomize.toolkit.fluxcd.io/name";
    /// On applied objects: the namespace of the owning Kustomization.
    pub const KUSTOMIZE_NAMESPACE: &str = "kustomize.toolkit.fluxcd.io/namespace";
    /// On applied objects: the name of the owning HelmRelease.
    pub const HELM_NAME: &str = "helm.toolkit.fluxcd.io/name";
    /// On applied objects: the namespace of the owning HelmRelease.
    pub const HELM_NAMESPACE: &str = "helm.toolkit.fluxcd.io/namespace";
    /// On everything an install puts into the cluster.
    pub const PART_OF: &str = "app.kubernetes.io/part-of";
    /// On everything that a controller generated.
    pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
}

/// Controller names: `reportingController`, log key, lease prefix, Service name.
pub mod controller {
    /// Sources to artifacts.
    pub const SOURCE: &str = "source-controller";
    /// Kustomizations to objects.
    pub const KUSTOMIZE: &str = "kustomize-controller";
    /// HelmReleases to Helm releases.
    pub const HELM: &str = "helm-controller";
    /// Events out, webhooks in.
    pub const NOTIFICATION: &str = "notification-controller";
    /// Registry tags to policies.
    pub const IMAGE_REFLECTOR: &str = "image-reflector-controller";
    /// Policies to commits.
    pub const IMAGE_AUTOMATION: &str = "image-automation-controller";
    /// The suffix that makes a lease name of a controller name.
    pub const LEASE_SUFFIX: &str = "-leader-election";
}

/// Field managers under which upstream writes; kept so that a takeover changes no ownership.
pub mod field_manager {
    /// Finalizer and status of the source kinds.
    pub const SOURCE: &str = "source-controller";
    /// Finalizer and status of Kustomizations.
    pub const KUSTOMIZE_STATUS: &str = "gotk-kustomize-controller";
    /// Server-side apply of a Kustomization's objects.
    pub const KUSTOMIZE_APPLY: &str = "kustomize-controller";
    /// Finalizer and status of HelmReleases, and drift correction.
    pub const HELM: &str = "helm-controller";
    /// Finalizer and status of Receivers and Providers.
    pub const NOTIFICATION: &str = "notification-controller";
    /// Finalizer and status of ImageRepositories and ImagePolicies.
    pub const IMAGE_REFLECTOR: &str = "image-reflector-controller";
    /// Finalizer and status of ImageUpdateAutomations.
    pub const IMAGE_AUTOMATION: &str = "image-automation-controller";
    /// ExternalArtifacts written by source-watcher.
    pub const SOURCE_WATCHER: &str = "source-watcher";
    /// The `flux` CLI.
    pub const FLUX_CLI: &str = "flux";
}

/// Keys of the Secrets that specs refer to.
pub mod secret_key {
    /// Basic authentication: user name.
    pub const USERNAME: &str = "username";
    /// Basic authentication: password.
    pub const PASSWORD: &str = "password";
    /// Bearer token for HTTP.
    pub const BEARER_TOKEN: &str = "bearerToken";
    /// Token of a webhook or provider.
    pub const TOKEN: &str = "token";
    /// Address of a provider or proxy.
    pub const ADDRESS: &str = "address";
    /// PEM certificate of the client.
    pub const TLS_CRT: &str = "tls.crt";
    /// PEM key of the client.
    pub const TLS_KEY: &str = "tls.key";
    /// PEM certificates to trust.
    pub const CA_CRT: &str = "ca.crt";
    /// Former name of [`TLS_CRT`].
    pub const LEGACY_CERT_FILE: &str = "certFile";
    /// Former name of [`TLS_KEY`].
    pub const LEGACY_KEY_FILE: &str = "keyFile";
    /// Former name of [`CA_CRT`].
    pub const LEGACY_CA_FILE: &str = "caFile";
    /// SSH private key.
    pub const IDENTITY: &str = "identity";
    /// SSH public key.
    pub const IDENTITY_PUB: &str = "identity.pub";
    /// SSH host keys to accept.
    pub const KNOWN_HOSTS: &str = "known_hosts";
    /// Docker registry credentials.
    pub const DOCKER_CONFIG_JSON: &str = ".dockerconfigjson";
    /// GitHub App: id of the app.
    pub const GITHUB_APP_ID: &str = "githubAppID";
    /// GitHub App: id of its installation.
    pub const GITHUB_APP_INSTALLATION_ID: &str = "githubAppInstallationID";
    /// GitHub App: owner of its installation, instead of the id.
    pub const GITHUB_APP_INSTALLATION_OWNER: &str = "githubAppInstallationOwner";
    /// GitHub App: PEM private key.
    pub const GITHUB_APP_PRIVATE_KEY: &str = "githubAppPrivateKey";
    /// GitHub App: base URL of the API.
    pub const GITHUB_APP_BASE_URL: &str = "githubAppBaseURL";
    /// A kubeconfig, when the reference names no key.
    pub const KUBE_CONFIG_VALUE: &str = "value";
    /// A kubeconfig, when [`KUBE_CONFIG_VALUE`] is absent too.
    pub const KUBE_CONFIG_VALUE_YAML: &str = "value.yaml";
}
