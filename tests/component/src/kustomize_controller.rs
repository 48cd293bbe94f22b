//! Kustomizations: from an artifact to objects in the cluster.

mod apply;
mod artifacts;
mod build;
mod decryption;
mod deletion;
mod depends_on;
mod drift;
mod failure;
mod health;
mod hostile;
mod identity;
mod post_build;
mod prune;
mod remote;
mod remote_bases;
mod requests;
mod sources;
