//! Is a Kubernetes object Current, InProgress or Failed.
