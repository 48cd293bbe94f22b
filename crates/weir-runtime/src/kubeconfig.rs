//! Kubeconfigs that others wrote: read, checked, and stripped of all that reaches beyond their own bytes.
//!
//! A kubeconfig out of a Secret is a tenant's text in the controller's hands. Files that it names are refused and never
//! opened; programs (`exec`), authentication plug-ins, impersonation and `insecure-skip-tls-verify` are dropped, unless
//! a flag of the installation allows the first or the last. Errors hold names, never values of credentials.
//!
//! Source: fluxcd/pkg `runtime/client/kubeconfig.go` v0.110; client-go v0.36 `tools/clientcmd`.

mod access;
mod check;
mod file;

pub use access::Access;

pub(crate) use access::proxy_of_environment;
use file::File;
use serde_json::Value;

/// What the installation lets kubeconfigs do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Allow {
    /// `--insecure-kubeconfig-exec`: start the programs that they name.
    pub exec: bool,
    /// `--insecure-kubeconfig-tls`: switch the verification of certificates off.
    pub insecure_tls: bool,
}

/// Why a kubeconfig cannot be used, in upstream's words where it has any.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KubeconfigError {
    /// It is no kubeconfig.
    #[error("{0}")]
    Read(String),
    /// It names a file, contradicts itself, or lacks something.
    #[error("{0}")]
    Check(String),
    /// No client can be made of it.
    #[error("{0}")]
    Use(String),
}

/// What may be used of a kubeconfig, given as its YAML reads: the server and the credentials of its current context.
///
/// # Errors
/// If it is no kubeconfig, names a file, contradicts itself, or names a server that is none.
pub fn read(kubeconfig: &Value, allow: Allow) -> Result<Access, KubeconfigError> {
    let file = File::read(kubeconfig).map_err(KubeconfigError::Read)?;
    check::no_files(&file).map_err(KubeconfigError::Check)?;
    let (cluster, user) = check::current(&file).map_err(KubeconfigError::Check)?;
    Access::new(&cluster, &user, allow)
}

#[cfg(test)]
mod tests;
