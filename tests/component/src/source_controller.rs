//! GitRepositories: from a commit to a served artifact.

mod artifact;
mod bombs;
mod credentials;
mod disk;
mod failure;
mod fixture;
mod ground;
mod include;
mod lifecycle;
mod programs;
mod provider;
mod proxy;
mod reference;
mod siege;
mod ssh;
mod storage;
mod verify;

pub(crate) use disk::noise;
