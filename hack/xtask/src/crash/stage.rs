//! What all cases share: a control plane, source-controller and a Git server.

use std::path::{Path, PathBuf};

use anyhow::Result;
use harness::{ApiProxy, ControlPlane, Controllers, ControllersOptions, GitServer, layout};
use kube::Client;

/// A running control plane with everything around kustomize-controller.
pub(super) struct Stage {
    // Dropped in this order: who depends on a server ends before it.
    _sources: Controllers,
    pub(super) git: GitServer,
    pub(super) plane: ControlPlane,
    pub(super) client: Client,
    profile: PathBuf,
    logs: PathBuf,
}

impl Stage {
    /// Starts it all.
    ///
    /// # Errors
    /// If a part does not come up.
    pub(super) async fn start(profile: &str) -> Result<Self> {
        let logs = layout::fresh_logs("crash")?;
        let plane = ControlPlane::start().await?;
        plane.install_crds().await?;
        // The one profile whose folder has another name.
        let folder = if profile == "dev" { "debug" } else { profile };
        let profile = layout::target_dir().join(folder);
        let sources = sources(&plane, &profile, &logs, "all");
        Ok(Self {
            _sources: Controllers::start(&sources).await?,
            git: GitServer::start()?,
            client: plane.client().await?,
            plane,
            profile,
            logs,
        })
    }

    /// A source-controller for the sources with this label, which stores artifacts in `folder`.
    ///
    /// # Errors
    /// If it does not become ready.
    pub(super) async fn own_sources(&self, label: &str, folder: &Path) -> Result<Controllers> {
        let mut options = sources(&self.plane, &self.profile, &self.logs_of(label)?, label);
        options.storage = Some(folder.to_path_buf());
        Controllers::start(&options).await
    }

    /// Starts kustomize-controller behind `proxy`, for the Kustomizations of one case.
    ///
    /// # Errors
    /// If it does not become ready.
    pub(super) async fn controller(&self, proxy: &ApiProxy, case: &str) -> Result<Controllers> {
        self.controller_with(proxy, case, &[]).await
    }

    /// The same with further flags.
    ///
    /// # Errors
    /// If it does not become ready.
    pub(super) async fn controller_with(
        &self,
        proxy: &ApiProxy,
        case: &str,
        flags: &[&str],
    ) -> Result<Controllers> {
        let mut options = ControllersOptions::new(proxy.kubeconfig(), self.logs_of(case)?);
        let binary = self.profile.join("kustomize-controller");
        options.binary = binary.display().to_string();
        options.command.clear();
        options.flags = vec![String::from("--requeue-dependency=1s")];
        options.flags.extend(flags.iter().map(ToString::to_string));
        match flags.contains(&"--enable-leader-election") {
            // The lease is in the namespace, and a shard's has another name.
            true => options.namespace = Some(case.to_owned()),
            false => options
                .flags
                .push(format!("--watch-label-selector=case={case}")),
        }
        Controllers::start(&options).await
    }

    fn logs_of(&self, case: &str) -> Result<PathBuf> {
        let folder = Path::new(&self.logs).join(case);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

/// A source-controller for the sources with this label.
fn sources(plane: &ControlPlane, profile: &Path, logs: &Path, label: &str) -> ControllersOptions {
    let mut options = ControllersOptions::new(plane.kubeconfig(), logs);
    options.binary = profile.join("source-controller").display().to_string();
    options.command.clear();
    options.flags = vec![format!("--watch-label-selector=sources={label}")];
    options
}
