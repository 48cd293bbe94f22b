//! Behaviour of the controllers against a real API server.
//!
//! One test binary with one control plane, a folder per controller, a file per
//! behaviour, a namespace per test. Every test waits for a state
//! ([`harness::eventually`], [`harness::Namespace::wait_for`]), never for a
//! time. Run them with `cargo xtask component [FILTER]`, which builds the
//! controllers first; logs of the last run are in `target/test-logs/<test>/`.

#[cfg(test)]
mod apply;
#[cfg(test)]
mod artifact_key;
#[cfg(test)]
mod control_plane;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod install;
#[cfg(test)]
mod kustomize_controller;
#[cfg(test)]
mod runtime;
#[cfg(test)]
mod source_controller;
