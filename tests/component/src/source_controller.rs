//! GitRepositories: from a commit to a served artifact.

mod artifact;
mod credentials;
mod failure;
mod fixture;
mod lifecycle;
mod reference;
mod storage;
