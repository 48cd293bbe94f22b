//! Kustomization: artifact to running objects.
