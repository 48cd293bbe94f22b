//! Version `v1` of the source API.
//!
//! Source: source-controller v1.9 `api/v1`.

mod git_repository;

pub use git_repository::{
    GitProvider, GitRepository, GitRepositoryInclude, GitRepositoryRef, GitRepositorySpec,
    GitRepositoryStatus, GitRepositoryVerification, GitVerificationMode,
};

const CATEGORIES: &[&str] = &["all", "fluxcd", "fluxcd-sources"];
