//! A real control plane, Git server and event sink for tests.
//!
//! What a test of behaviour needs, all of it real and on free ports:
//!
//! - [`ControlPlane`]: etcd, kube-apiserver and kube-controller-manager, one
//!   set per test binary ([`ControlPlane::shared`]), a fresh [`Namespace`] per
//!   test;
//! - [`ApiProxy`]: stands before the API server, records requests and does
//!   to them what a test asks for;
//! - [`GitServer`]: repositories over HTTP or HTTPS by `git http-backend`, with
//!   authentication and [`Fault`]s on demand;
//! - [`SshServer`]: the same repositories over SSH, keys made on the spot;
//! - [`FileServer`]: one file over HTTPS, with good and bad certificates;
//! - [`KeyServer`]: the key services that SOPS knows, under their real names, and those that give out credentials;
//! - [`ProxyServer`]: a proxy over HTTP, HTTPS or SOCKS5;
//! - [`NameServer`]: what names mean to processes that are led to it;
//! - [`MutatingWebhook`]: changes what the API server writes;
//! - [`EventSink`]: records the events that controllers post;
//! - [`Controllers`]: our own binaries as child processes;
//! - [`eventually`]: waits for a state, never for a time.
//!
//! No value of a Secret that a test applies may show up in logs, metrics, events
//! or a status that is waited for: that fails the test, whatever it is about.
//!
//! Whatever is started here ends with the process that started it, also when
//! that process is killed (see [`process`]). Logs of the last run stay under
//! `target/test-logs/<test>/`.

mod api_proxy;
pub mod background;
pub mod binaries;
mod canary;
pub mod command_rows;
mod control_plane;
mod controllers;
mod event_sink;
mod eventually;
mod file_server;
mod git_server;
mod http_server;
mod key_server;
pub mod layout;
mod name_server;
mod namespace;
mod pki;
pub mod process;
mod proxy_server;
mod ssh_server;
mod webhook;

pub use api_proxy::{ApiProxy, ApiRecord, ApiRequest, Fate, Hook};
pub use control_plane::{ApiServer, ControlPlane, ControlPlaneOptions, install_crds};
pub use controllers::{Controllers, ControllersOptions};
pub use event_sink::EventSink;
pub use eventually::eventually;
pub use file_server::FileServer;
pub use git_server::{Change, Fault, GitServer, Repository};
pub use key_server::{Asked, CloudCluster, KeyFault, KeyServer, secrets};
pub use name_server::{NameServer, Names};
pub use namespace::Namespace;
pub use pki::CertificateFlaw;
pub use proxy_server::{ProxyKind, ProxyServer};
pub use ssh_server::{SshServer, SshServerOptions, openssh, ssh_key_of};
pub use webhook::MutatingWebhook;
