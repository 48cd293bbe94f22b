//! Annotations that users, the CLI and the controllers put on objects.

/// Any change asks for a reconciliation; its value is copied to `status.lastHandledReconcileAt`.
pub const RECONCILE_REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";
/// HelmRelease: one forced upgrade when equal to [`RECONCILE_REQUESTED_AT`].
pub const RECONCILE_FORCE_AT: &str = "reconcile.fluxcd.io/forceAt";
/// HelmRelease: resets the failure counts when equal to [`RECONCILE_REQUESTED_AT`].
pub const RECONCILE_RESET_AT: &str = "reconcile.fluxcd.io/resetAt";
/// Prefix of annotations that are copied into the metadata of an object's events.
pub const EVENT_PREFIX: &str = "event.toolkit.fluxcd.io/";

/// On applied objects: `disabled` leaves the object as it is.
pub const KUSTOMIZE_RECONCILE: &str = "kustomize.toolkit.fluxcd.io/reconcile";
/// On applied objects: how to apply, e.g. `Merge`, `IfNotPresent`, `Ignore`.
pub const KUSTOMIZE_SSA: &str = "kustomize.toolkit.fluxcd.io/ssa";
/// On applied objects: `disabled` exempts the object from garbage collection.
pub const KUSTOMIZE_PRUNE: &str = "kustomize.toolkit.fluxcd.io/prune";
/// On applied objects: `enabled` recreates the object when an immutable field changed.
pub const KUSTOMIZE_FORCE: &str = "kustomize.toolkit.fluxcd.io/force";
/// On applied objects: `disabled` leaves an encrypted object encrypted.
pub const KUSTOMIZE_DECRYPT: &str = "kustomize.toolkit.fluxcd.io/decrypt";
/// On applied objects: `disabled` exempts the object from variable substitution.
pub const KUSTOMIZE_SUBSTITUTE: &str = "kustomize.toolkit.fluxcd.io/substitute";
/// Ours: on applied objects and Kustomizations, `interval` or `watch`: when drift is corrected.
pub const WEIR_DRIFT: &str = "weir.dev/drift";

/// The value `disabled` of the switches above, compared without regard to case.
pub const DISABLED: &str = "disabled";
/// The value `enabled` of the switches above, compared without regard to case.
pub const ENABLED: &str = "enabled";
