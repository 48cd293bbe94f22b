//! Reasons of conditions and events, as upstream spells them.

/// Shared: the last pass did all it should.
pub const SUCCEEDED: &str = "Succeeded";
/// Shared: the last pass failed for no more particular reason.
pub const FAILED: &str = "Failed";
/// Shared: a pass is running.
pub const PROGRESSING: &str = "Progressing";
/// Shared: the last pass failed and will be repeated.
pub const PROGRESSING_WITH_RETRY: &str = "ProgressingWithRetry";
/// Shared: `spec.suspend` is set.
pub const SUSPENDED: &str = "Suspended";
/// Shared: an object that must be ready first is not.
pub const DEPENDENCY_NOT_READY: &str = "DependencyNotReady";
/// Shared: a path leads nowhere, or out of the tree.
pub const INVALID_PATH: &str = "InvalidPath";
/// Shared: a URL cannot be read.
pub const INVALID_URL: &str = "InvalidURL";
/// Shared: plain HTTP was asked for and is not allowed.
pub const INSECURE_CONNECTIONS_DISALLOWED: &str = "InsecureConnectionsDisallowed";
/// Shared: no such transport.
pub const UNSUPPORTED_CONNECTION_TYPE: &str = "UnsupportedConnectionType";
/// Shared: deleting what is no longer wanted failed.
pub const PRUNE_FAILED: &str = "PruneFailed";
/// Shared: an artifact could not be fetched or verified.
pub const ARTIFACT_FAILED: &str = "ArtifactFailed";
/// Shared: building the manifests failed.
pub const BUILD_FAILED: &str = "BuildFailed";
/// Shared: applied objects did not become healthy.
pub const HEALTH_CHECK_FAILED: &str = "HealthCheckFailed";
/// Shared: newer work ended the wait for health.
pub const HEALTH_CHECK_CANCELED: &str = "HealthCheckCanceled";
/// Shared: an applier's pass did all it should.
pub const RECONCILIATION_SUCCEEDED: &str = "ReconciliationSucceeded";
/// Shared: an applier's pass failed.
pub const RECONCILIATION_FAILED: &str = "ReconciliationFailed";
/// Shared: a CEL expression of the spec cannot be compiled.
pub const INVALID_CEL_EXPRESSION: &str = "InvalidCELExpression";
/// Shared: the spec asks for something behind a feature gate that is off.
pub const FEATURE_GATE_DISABLED: &str = "FeatureGateDisabled";
/// Shared: a reference crosses namespaces and must not.
pub const ACCESS_DENIED: &str = "AccessDenied";
/// Ours: the stored object cannot be decoded.
pub const UNDECODABLE_OBJECT: &str = "UndecodableObject";

/// Kustomization: no directory to work in.
pub const DIR_CREATION_FAILED: &str = "DirCreationFailed";

/// Sources: the spec's URL is unusable.
pub const URL_INVALID: &str = "URLInvalid";
/// Sources: credentials are missing, incomplete or refused.
pub const AUTHENTICATION_FAILED: &str = "AuthenticationFailed";
/// Sources: a signature could not be checked.
pub const VERIFICATION_ERROR: &str = "VerificationError";
/// Sources: no directory to work in.
pub const DIRECTORY_CREATION_FAILED: &str = "DirectoryCreationFailed";
/// Sources: a file's metadata could not be read.
pub const STAT_OPERATION_FAILED: &str = "StatOperationFailed";
/// Sources: reading failed.
pub const READ_OPERATION_FAILED: &str = "ReadOperationFailed";
/// Sources: the artifact is locked.
pub const ACQUIRE_LOCK_FAILED: &str = "AcquireLockFailed";
/// Sources: writing the archive failed.
pub const ARCHIVE_OPERATION_FAILED: &str = "ArchiveOperationFailed";
/// Sources: the link to the latest artifact could not be moved.
pub const SYMLINK_UPDATE_FAILED: &str = "SymlinkUpdateFailed";
/// Sources: the cache failed.
pub const CACHE_OPERATION_FAILED: &str = "CacheOperationFailed";
/// Sources: a status patch failed.
pub const PATCH_OPERATION_FAILED: &str = "PatchOperationFailed";
/// Sources: `spec.sts` does not fit the provider.
pub const INVALID_STS_CONFIGURATION: &str = "InvalidSTSConfiguration";
/// Sources: `spec.provider` does not fit its Secret.
pub const INVALID_PROVIDER_CONFIGURATION: &str = "InvalidProviderConfiguration";
/// Sources: an ignore file cannot be read.
pub const SOURCE_IGNORE_ERROR: &str = "SourceIgnoreError";
/// Sources, event: a new artifact is stored.
pub const NEW_ARTIFACT: &str = "NewArtifact";
/// Sources: the remote has a revision that is not stored yet.
pub const NEW_REVISION: &str = "NewRevision";
/// Sources, event: the stored artifact is the newest.
pub const ARTIFACT_UP_TO_DATE: &str = "ArtifactUpToDate";
/// Sources, event: the stored file does not match its digest.
pub const ARTIFACT_VERIFICATION_FAILED: &str = "ArtifactVerificationFailed";
/// Sources, event: old files were deleted.
pub const GARBAGE_COLLECTION_SUCCEEDED: &str = "GarbageCollectionSucceeded";
/// Sources, event: deleting old files failed.
pub const GARBAGE_COLLECTION_FAILED: &str = "GarbageCollectionFailed";
/// Sources: storage failed.
pub const STORAGE_OPERATION_FAILED: &str = "StorageOperationFailed";

/// GitRepository: cloning or listing failed.
pub const GIT_OPERATION_FAILED: &str = "GitOperationFailed";
/// GitRepository, event: the remote has nothing new.
pub const GIT_OPERATION_SUCCEEDED: &str = "GitOperationSucceeded";
/// GitRepository: the repository has no commit.
pub const EMPTY_GIT_REPOSITORY: &str = "EmptyGitRepository";
/// GitRepository: `spec.verify.mode` is unknown.
pub const INVALID_VERIFICATION_MODE: &str = "InvalidVerificationMode";
/// GitRepository: the commit's signature is not by a trusted key.
pub const INVALID_COMMIT_SIGNATURE: &str = "InvalidCommitSignature";
/// The tag's signature does not hold.
pub const INVALID_TAG_SIGNATURE: &str = "InvalidTagSignature";
/// The tag has no signature.
pub const INVALID_GIT_OBJECT: &str = "InvalidGitObject";
/// GitRepository: an included artifact changed.
pub const INCLUDE_CHANGE: &str = "IncludeChange";
/// GitRepository: an included repository does not exist.
pub const NOT_FOUND: &str = "NotFound";
/// GitRepository: an included repository has no artifact yet.
pub const NO_ARTIFACT: &str = "NoArtifact";
/// GitRepository: an include's path leads out of the tree.
pub const ILLEGAL_PATH: &str = "IllegalPath";
/// GitRepository: an include could not be copied.
pub const COPY_FAILURE: &str = "CopyFailure";

/// OCIRepository: pulling failed.
pub const OCI_ARTIFACT_PULL_FAILED: &str = "OCIArtifactPullFailed";
/// OCIRepository: the wanted layer is missing or unreadable.
pub const OCI_ARTIFACT_LAYER_OPERATION_FAILED: &str = "OCIArtifactLayerOperationFailed";
/// Bucket: listing or downloading failed.
pub const BUCKET_OPERATION_FAILED: &str = "BucketOperationFailed";
/// HelmRepository: the index cannot be parsed.
pub const INDEXATION_FAILED: &str = "IndexationFailed";
/// HelmChart: a chart was pulled.
pub const CHART_PULL_SUCCEEDED: &str = "ChartPullSucceeded";
/// HelmChart: a chart was packaged.
pub const CHART_PACKAGE_SUCCEEDED: &str = "ChartPackageSucceeded";
/// HelmChart: the source has a chart that is not stored yet.
pub const NEW_CHART: &str = "NewChart";
/// HelmChart: the source does not exist or cannot be read.
pub const SOURCE_UNAVAILABLE: &str = "SourceUnavailable";
/// HelmChart: no such kind of source.
pub const UNSUPPORTED_SOURCE_KIND: &str = "UnsupportedSourceKind";
/// HelmChart: the source has no artifact yet.
pub const NO_SOURCE_ARTIFACT: &str = "NoSourceArtifact";

/// HelmRelease: an install succeeded.
pub const INSTALL_SUCCEEDED: &str = "InstallSucceeded";
/// HelmRelease: an install failed.
pub const INSTALL_FAILED: &str = "InstallFailed";
/// HelmRelease: an upgrade succeeded.
pub const UPGRADE_SUCCEEDED: &str = "UpgradeSucceeded";
/// HelmRelease: an upgrade failed.
pub const UPGRADE_FAILED: &str = "UpgradeFailed";
/// HelmRelease: the tests passed.
pub const TEST_SUCCEEDED: &str = "TestSucceeded";
/// HelmRelease: a test failed.
pub const TEST_FAILED: &str = "TestFailed";
/// HelmRelease: the tests have not run yet.
pub const AWAITING_TESTS: &str = "AwaitingTests";
/// HelmRelease: a rollback succeeded.
pub const ROLLBACK_SUCCEEDED: &str = "RollbackSucceeded";
/// HelmRelease: a rollback failed.
pub const ROLLBACK_FAILED: &str = "RollbackFailed";
/// HelmRelease: an uninstall succeeded.
pub const UNINSTALL_SUCCEEDED: &str = "UninstallSucceeded";
/// HelmRelease: an uninstall failed.
pub const UNINSTALL_FAILED: &str = "UninstallFailed";
/// HelmRelease: a release was left in a pending state.
pub const PENDING_RELEASE: &str = "PendingRelease";
/// HelmRelease: the chart's source is not ready.
pub const SOURCE_NOT_READY: &str = "SourceNotReady";
/// HelmRelease: the values cannot be composed.
pub const VALUES_ERROR: &str = "ValuesError";
/// HelmRelease: the chart's version cannot be extended by its digest.
pub const CHART_MUTATE_ERROR: &str = "ChartMutateError";
/// HelmRelease: no client for the cluster.
pub const REST_CLIENT_ERROR: &str = "RESTClientError";
/// HelmRelease: no resource manager for the cluster.
pub const RESOURCE_MANAGER_ERROR: &str = "ResourceManagerError";
/// HelmRelease: Helm's storage cannot be opened.
pub const FACTORY_ERROR: &str = "FactoryError";
/// HelmRelease: Helm's configuration cannot be made.
pub const CONFIG_FACTORY_ERR: &str = "ConfigFactoryErr";
/// HelmRelease: the state of the release cannot be read.
pub const STATE_ERROR: &str = "StateError";
/// HelmRelease: a pass failed outside an action.
pub const RECONCILE_ERROR: &str = "ReconcileError";
/// HelmRelease: remediation has no tries left.
pub const RETRIES_EXCEEDED: &str = "RetriesExceeded";
/// HelmRelease: there is no release to go back to.
pub const MISSING_ROLLBACK_TARGET: &str = "MissingRollbackTarget";
/// HelmRelease: the cluster differs from the release.
pub const DRIFT_DETECTED: &str = "DriftDetected";
/// HelmRelease: the cluster is as the release says.
pub const NO_DRIFT_DETECTED: &str = "NoDriftDetected";
/// HelmRelease, event: changes by others were undone.
pub const DRIFT_CORRECTED: &str = "DriftCorrected";
/// HelmRelease, event: changes by others could not be undone.
pub const DRIFT_CORRECTION_FAILED: &str = "DriftCorrectionFailed";
/// HelmRelease, event: an object of the release has no known kind.
pub const INVENTORY_BUILD_FAILED: &str = "InventoryBuildFailed";
/// HelmRelease, event: whether the namespace exists is unknown.
pub const NAMESPACE_CHECK_SKIPPED: &str = "NamespaceCheckSkipped";
/// HelmRelease, event: the HelmChart was created.
pub const HELM_CHART_CREATED: &str = "HelmChartCreated";
/// HelmRelease, event: the HelmChart was changed.
pub const HELM_CHART_CONFIGURED: &str = "HelmChartConfigured";
/// HelmRelease, event: the HelmChart was deleted.
pub const HELM_CHART_DELETED: &str = "HelmChartDeleted";
/// HelmRelease, event: the HelmChart could not be written.
pub const HELM_CHART_SYNC_ERR: &str = "HelmChartSyncErr";

/// ImageRepository and ImagePolicy: the image's name cannot be read.
pub const IMAGE_URL_INVALID: &str = "ImageURLInvalid";
/// ImageRepository and ImagePolicy: something outside the spec failed.
pub const FAILURE: &str = "Failure";
/// ImagePolicy: the policy cannot be applied.
pub const INVALID_POLICY: &str = "InvalidPolicy";
/// ImagePolicy: the interval is missing or out of place.
pub const INTERVAL_NOT_CONFIGURED: &str = "IntervalNotConfigured";
/// ImageUpdateAutomation: the source cannot be written to.
pub const INVALID_SOURCE_CONFIGURATION: &str = "InvalidSourceConfiguration";
/// ImageUpdateAutomation: the policy selector cannot be read.
pub const INVALID_POLICY_SELECTOR: &str = "InvalidPolicySelector";
/// ImageUpdateAutomation: no such way to change files.
pub const INVALID_UPDATE_STRATEGY: &str = "InvalidUpdateStrategy";
/// ImageUpdateAutomation: the message template uses a field that is gone.
pub const REMOVED_TEMPLATE_FIELD: &str = "RemovedTemplateField";
/// ImageUpdateAutomation: the source cannot be prepared.
pub const SOURCE_MANAGER_FAILED: &str = "SourceManagerFailed";
/// ImageUpdateAutomation: changing files failed.
pub const UPDATE_FAILED: &str = "UpdateFailed";
/// Receiver: parts of the spec contradict each other.
pub const VALIDATION_FAILED: &str = "ValidationFailed";
/// Receiver: the Secret or its token is missing.
pub const TOKEN_NOT_FOUND: &str = "TokenNotFound";
/// Alert, event: a regular expression cannot be compiled.
pub const INVALID_CONFIG: &str = "InvalidConfig";
/// Alert, event: a former version's finalizer was removed.
pub const MIGRATION: &str = "Migration";
