//! etcd, kube-apiserver and kube-controller-manager on free ports.

mod crds;
mod kubeconfig;
mod options;
mod servers;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use http::Request;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::binaries::{self, Binaries};
use crate::namespace::Namespace;
use crate::pki::{self, Authority};
use crate::process::{Process, free_port};
use crate::{eventually, layout};

pub use crds::install_crds;
pub use options::ControlPlaneOptions;

use servers::Setup;

/// How long the API server may take; 2 s is usual, a loaded machine takes more.
const READY_WITHIN: Duration = Duration::from_secs(90);
/// Starts before giving up: another process may take a port that was just free.
const ATTEMPTS: usize = 3;

/// A running control plane. It ends when dropped, and with this process.
#[derive(Debug)]
pub struct ControlPlane {
    // Dropped from the top: who depends on a server ends before it.
    controller_manager: Process,
    api_server: Process,
    etcd: Process,
    setup: Setup,
    binaries: Binaries,
    _folder: TempDir,
}

impl ControlPlane {
    /// The control plane of this test binary with our CRDs installed, started
    /// by the first test that asks for it.
    ///
    /// # Errors
    /// As [`ControlPlane::start`].
    pub async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();
        let start = async || {
            let plane = Self::start().await?;
            plane.install_crds().await?;
            anyhow::Ok(plane)
        };
        SHARED.get_or_try_init(start).await
    }

    /// A second control plane of this test binary, for what happens in a cluster other than the controllers' own;
    /// without our CRDs.
    ///
    /// # Errors
    /// As [`ControlPlane::start`].
    pub async fn remote() -> Result<&'static Self> {
        static REMOTE: OnceCell<ControlPlane> = OnceCell::const_new();
        let start = async || {
            let logs = layout::fresh_logs("control-plane-remote")?;
            Self::start_with(binaries::find()?, &logs, &ControlPlaneOptions::default()).await
        };
        REMOTE.get_or_try_init(start).await
    }

    /// Starts a control plane with the binaries at hand and waits until it is ready.
    ///
    /// # Errors
    /// If the binaries are missing (`cargo xtask control-plane` gets them), or
    /// one of them does not come up; the error holds the end of its log.
    pub async fn start() -> Result<Self> {
        let exe = std::env::current_exe().unwrap_or_default();
        let stem = exe
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let name = stem.split('-').next().unwrap_or_default();
        let logs = layout::fresh_logs(&format!("control-plane-{name}"))?;
        Self::start_with(binaries::find()?, &logs, &ControlPlaneOptions::default()).await
    }

    /// As [`ControlPlane::start`] with these binaries, this folder for logs and these options.
    ///
    /// # Errors
    /// If one of the binaries does not come up.
    pub async fn start_with(
        binaries: Binaries,
        logs: &Path,
        options: &ControlPlaneOptions,
    ) -> Result<Self> {
        let mut failure = anyhow!("not started");
        for _ in 0..ATTEMPTS {
            match Self::attempt(&binaries, logs, options).await {
                Ok(plane) => return Ok(plane),
                Err(error) => failure = error,
            }
        }
        Err(failure.context("the control plane did not start"))
    }

    async fn attempt(
        binaries: &Binaries,
        logs: &Path,
        options: &ControlPlaneOptions,
    ) -> Result<Self> {
        let folder = layout::scratch("control-plane")?;
        let setup = Setup::prepare(folder.path(), logs)?;
        let mut etcd = setup.start_etcd(binaries)?;
        let mut api_server =
            setup.start_api_server(binaries, options, (setup.api_port, "kube-apiserver"))?;
        let client = Client::try_from(load(&setup.kubeconfig()).await?)?;
        ready(&client, &mut [&mut etcd, &mut api_server]).await?;
        let controller_manager = setup.start_controller_manager(binaries, options)?;
        let binaries = binaries.clone();
        Ok(Self {
            controller_manager,
            api_server,
            etcd,
            setup,
            binaries,
            _folder: folder,
        })
    }

    /// A second API server on the same etcd, with the same keys and users.
    ///
    /// # Errors
    /// If it does not become ready.
    pub async fn second_api_server(&self) -> Result<ApiServer> {
        let port = free_port()?;
        let name = (port, "kube-apiserver-2");
        let options = ControlPlaneOptions::default();
        let mut process = self
            .setup
            .start_api_server(&self.binaries, &options, name)?;
        let url = format!("https://127.0.0.1:{port}");
        let mut config = self.config().await?;
        config.cluster_url = url.parse()?;
        ready(&Client::try_from(config)?, &mut [&mut process]).await?;
        Ok(ApiServer { process, url })
    }

    /// Kills etcd and starts it again with what it has stored; waits until the API server is ready again.
    ///
    /// # Errors
    /// If that does not come.
    pub async fn restart_etcd(&mut self, away: Duration) -> Result<()> {
        self.etcd.kill();
        tokio::time::sleep(away).await;
        self.etcd = self.setup.start_etcd(&self.binaries)?;
        ready(&self.client().await?, &mut [&mut self.etcd]).await
    }

    /// A copy of what etcd has stored so far.
    ///
    /// # Errors
    /// If it cannot be copied.
    pub fn back_up(&mut self) -> Result<Backup> {
        let folder = layout::scratch("etcd-backup")?;
        // What lies on disk while it sleeps is what a crash would leave.
        self.etcd.pause();
        let copied = servers::copy_folder(&self.setup.etcd_folder(), folder.path());
        self.etcd.resume();
        copied.map(|()| Backup(folder))
    }

    /// Stops all servers and starts them again with what was stored when `backup` was made: versions go back.
    ///
    /// # Errors
    /// If they do not become ready.
    pub async fn restore(&mut self, backup: &Backup) -> Result<()> {
        let options = ControlPlaneOptions::default();
        self.controller_manager.kill();
        self.api_server.kill();
        self.etcd.kill();
        let folder = self.setup.etcd_folder();
        std::fs::remove_dir_all(&folder)?;
        servers::copy_folder(backup.0.path(), &folder)?;
        self.etcd = self.setup.start_etcd(&self.binaries)?;
        let name = (self.setup.api_port, "kube-apiserver");
        self.api_server = self
            .setup
            .start_api_server(&self.binaries, &options, name)?;
        let client = self.client().await?;
        ready(&client, &mut [&mut self.etcd, &mut self.api_server]).await?;
        self.controller_manager = self
            .setup
            .start_controller_manager(&self.binaries, &options)?;
        Ok(())
    }

    /// The API server's process, to pause it.
    pub fn api_server(&mut self) -> &mut Process {
        &mut self.api_server
    }

    /// etcd's process, to pause it.
    pub fn etcd(&mut self) -> &mut Process {
        &mut self.etcd
    }

    /// `https://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.setup.url
    }

    /// A kubeconfig file of a cluster administrator.
    pub fn kubeconfig(&self) -> PathBuf {
        self.setup.kubeconfig()
    }

    /// The folder with the three servers' logs.
    pub fn logs(&self) -> &Path {
        &self.setup.logs
    }

    /// The API server's audit log, a JSON object per line; empty or absent
    /// unless [`ControlPlaneOptions::audit`] asked for it.
    pub fn audit_log(&self) -> PathBuf {
        self.setup.audit_log()
    }

    /// The process ids of etcd, kube-apiserver and kube-controller-manager.
    pub fn process_ids(&self) -> [u32; 3] {
        [
            self.etcd.id(),
            self.api_server.id(),
            self.controller_manager.id(),
        ]
    }

    /// How an administrator connects.
    ///
    /// # Errors
    /// If the kubeconfig cannot be read back.
    pub async fn config(&self) -> Result<Config> {
        load(&self.kubeconfig()).await
    }

    /// A client with an administrator's rights. It belongs to the runtime that
    /// asks for it: make one per test.
    ///
    /// # Errors
    /// If the kubeconfig cannot be read back.
    pub async fn client(&self) -> Result<Client> {
        Ok(Client::try_from(self.config().await?)?)
    }

    /// A client that acts as another user by impersonation.
    ///
    /// # Errors
    /// As [`ControlPlane::client`].
    pub async fn client_as(&self, user: &str, groups: &[&str]) -> Result<Client> {
        let mut config = self.config().await?;
        config.auth_info.impersonate = Some(user.to_owned());
        let groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
        config.auth_info.impersonate_groups = Some(groups).filter(|groups| !groups.is_empty());
        Ok(Client::try_from(config)?)
    }

    /// Writes a kubeconfig with a fresh token of a service account, for
    /// controllers that shall have only its rights.
    ///
    /// # Errors
    /// If the service account does not exist.
    pub async fn kubeconfig_of(&self, namespace: &str, service_account: &str) -> Result<PathBuf> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client().await?, namespace);
        let spec = TokenRequestSpec {
            expiration_seconds: Some(24 * 3600),
            ..Default::default()
        };
        let request = TokenRequest {
            spec,
            ..Default::default()
        };
        let made = accounts
            .create_token_request(service_account, &PostParams::default(), &request)
            .await
            .with_context(|| format!("no token for service account {service_account}"))?;
        let token = made
            .status
            .context("the token request has no answer")?
            .token;
        self.setup
            .write_kubeconfig(&format!("{namespace}-{service_account}"), &token)
    }

    /// A fresh namespace for the named test, with a log folder of that name.
    ///
    /// # Errors
    /// If the API server refuses it.
    pub async fn namespace(&self, test: &str) -> Result<Namespace> {
        Namespace::create(
            self.config().await?,
            self.kubeconfig(),
            self.kubectl(),
            test,
        )
        .await
    }

    /// Installs the CRDs of `config/crd/bases` and waits until they serve.
    ///
    /// # Errors
    /// If one is refused or not established in time.
    pub async fn install_crds(&self) -> Result<()> {
        install_crds(&self.client().await?).await
    }

    /// A `kubectl` command for this control plane.
    pub fn kubectl_command(&self) -> Command {
        let mut command = Command::new(self.kubectl());
        command.env("KUBECONFIG", self.kubeconfig());
        command
    }

    fn kubectl(&self) -> PathBuf {
        self.binaries.kubectl.clone()
    }
}

/// What etcd had stored at some moment.
#[derive(Debug)]
pub struct Backup(TempDir);

/// A further API server of a control plane. It ends when dropped.
#[derive(Debug)]
pub struct ApiServer {
    process: Process,
    url: String,
}

impl ApiServer {
    /// `https://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its process, to pause or kill it.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// Waits until the API server is ready, or one of the processes has ended.
async fn ready(client: &Client, processes: &mut [&mut Process]) -> Result<()> {
    eventually(READY_WITHIN, "a ready API server", async || {
        if processes.iter_mut().any(|it| it.check_running().is_err()) {
            return Ok(());
        }
        let request = Request::get("/readyz").body(Vec::new())?;
        let answer = client.request_text(request).await;
        answer.map(drop).context("GET /readyz failed")
    })
    .await?;
    processes.iter_mut().try_for_each(|it| it.check_running())
}

async fn load(kubeconfig: &Path) -> Result<Config> {
    let file = Kubeconfig::read_from(kubeconfig)?;
    Ok(Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?)
}

#[cfg(test)]
mod tests;
