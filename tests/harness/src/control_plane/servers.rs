//! Files and command lines of the three servers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::{Authority, Binaries, ControlPlaneOptions, Process, free_port, kubeconfig, pki};

/// Controllers that tests of GitOps need; none of them needs a node.
const CONTROLLERS: [&str; 14] = [
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "daemonset-controller",
    "deployment-controller",
    "endpointslice-controller",
    "garbage-collector-controller",
    "job-controller",
    "namespace-controller",
    "replicaset-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "statefulset-controller",
    "ttl-after-finished-controller",
];

/// Size at which the audit log would be rotated, and what was counted by its length lost.
const AUDIT_MEGABYTES: u32 = 100_000;

/// Every request once, when it has been answered; a watch when it begins.
const AUDIT_POLICY: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- level: None
  nonResourceURLs: [/readyz*, /livez*, /healthz*, /metrics]
- level: Metadata
";

/// Token of the administrator, made anew for each control plane.
const ADMIN_GROUP: &str = "system:masters";

/// What a control plane is started from: ports, keys, folders.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) url: String,
    pub(super) logs: PathBuf,
    folder: PathBuf,
    etcd_url: String,
    pub(super) api_port: u16,
}

impl Setup {
    /// Chooses ports and writes keys, tokens and the administrator's kubeconfig.
    pub(super) fn prepare(folder: &Path, logs: &Path) -> Result<Self> {
        let api_port = free_port()?;
        let setup = Self {
            url: format!("https://127.0.0.1:{api_port}"),
            logs: logs.to_path_buf(),
            folder: folder.to_path_buf(),
            etcd_url: format!("http://127.0.0.1:{}", free_port()?),
            api_port,
        };
        let authority = Authority::new("weir test control plane")?;
        let identity = authority.server()?;
        let accounts = pki::signing_key()?;
        let token = format!("{:032x}", rand::random::<u128>());
        let files = [
            ("ca.crt", authority.pem().to_owned()),
            ("apiserver.crt", identity.certificate),
            ("apiserver.key", identity.key),
            ("accounts.key", accounts.serialize_pem()),
            ("accounts.pub", accounts.public_key_pem()),
            ("audit-policy.yaml", AUDIT_POLICY.to_owned()),
            (
                "tokens.csv",
                format!("{token},admin,admin,\"{ADMIN_GROUP}\"\n"),
            ),
        ];
        for (name, content) in files {
            let path = setup.path(name);
            fs::write(&path, content)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        setup.write_kubeconfig("admin", &token)?;
        Ok(setup)
    }

    /// The administrator's kubeconfig.
    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.path("admin.kubeconfig")
    }

    /// Writes a kubeconfig for the holder of `token`.
    pub(super) fn write_kubeconfig(&self, name: &str, token: &str) -> Result<PathBuf> {
        let path = self.path(&format!("{name}.kubeconfig"));
        let ca = fs::read(self.path("ca.crt"))?;
        fs::write(&path, kubeconfig::text(&self.url, &ca, name, token))?;
        Ok(path)
    }

    /// Where etcd stores everything.
    pub(super) fn etcd_folder(&self) -> PathBuf {
        self.path("etcd")
    }

    pub(super) fn start_etcd(&self, binaries: &Binaries) -> Result<Process> {
        let mut command = Command::new(&binaries.etcd);
        command
            .arg("--data-dir")
            .arg(self.etcd_folder())
            .args(["--listen-client-urls", &self.etcd_url])
            .args(["--advertise-client-urls", &self.etcd_url])
            .args(["--listen-peer-urls", "http://127.0.0.1:0"])
            .args(["--log-level", "warn", "--unsafe-no-fsync"]);
        self.start(&command, "etcd")
    }

    /// Where the API server writes what it was asked, if it is to.
    pub(super) fn audit_log(&self) -> PathBuf {
        self.path("audit.log")
    }

    pub(super) fn start_api_server(
        &self,
        binaries: &Binaries,
        options: &ControlPlaneOptions,
        (port, name): (u16, &str),
    ) -> Result<Process> {
        let mut command = Command::new(&binaries.kube_apiserver);
        command
            .arg(format!("--etcd-servers={}", self.etcd_url))
            .arg(format!("--secure-port={port}"))
            .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
            .arg(self.flag("cert-dir", "certificates"))
            .arg(self.flag("tls-cert-file", "apiserver.crt"))
            .arg(self.flag("tls-private-key-file", "apiserver.key"))
            .arg(self.flag("service-account-key-file", "accounts.pub"))
            .arg(self.flag("service-account-signing-key-file", "accounts.key"))
            .arg("--service-account-issuer=https://kubernetes.default.svc.cluster.local")
            .arg(self.flag("token-auth-file", "tokens.csv"))
            .args([
                "--authorization-mode=RBAC",
                "--allow-privileged=true",
                "--profiling=false",
            ])
            .args([
                "--service-cluster-ip-range=10.96.0.0/16",
                "--endpoint-reconciler-type=none",
            ]);
        if options.audit {
            command
                .arg(self.flag("audit-policy-file", "audit-policy.yaml"))
                .arg(format!("--audit-log-path={}", self.audit_log().display()))
                .arg(format!("--audit-log-maxsize={AUDIT_MEGABYTES}"));
        }
        self.start(&command, name)
    }

    pub(super) fn start_controller_manager(
        &self,
        binaries: &Binaries,
        options: &ControlPlaneOptions,
    ) -> Result<Process> {
        let mut command = Command::new(&binaries.kube_controller_manager);
        command
            .arg(self.flag("kubeconfig", "admin.kubeconfig"))
            .arg(self.flag("service-account-private-key-file", "accounts.key"))
            .arg(self.flag("root-ca-file", "ca.crt"))
            .arg(format!("--controllers={}", CONTROLLERS.join(",")))
            .args([
                "--leader-elect=false",
                "--secure-port=0",
                "--profiling=false",
            ])
            .arg(format!("--kube-api-qps={}", options.controller_manager_qps))
            .arg(format!(
                "--kube-api-burst={}",
                options.controller_manager_burst
            ));
        self.start(&command, "kube-controller-manager")
    }

    fn start(&self, command: &Command, name: &str) -> Result<Process> {
        Process::start(command, &self.logs.join(format!("{name}.log")))
    }

    fn flag(&self, name: &str, file: &str) -> String {
        format!("--{name}={}", self.path(file).display())
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }
}

/// Copies a folder with all that is in it.
pub(super) fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    let mut left = vec![(from.to_path_buf(), to.to_path_buf())];
    while let Some((from, to)) = left.pop() {
        fs::create_dir_all(&to).with_context(|| format!("cannot make {}", to.display()))?;
        for entry in fs::read_dir(&from).with_context(|| from.display().to_string())? {
            let entry = entry?;
            let target = to.join(entry.file_name());
            match entry.file_type()?.is_dir() {
                true => left.push((entry.path(), target)),
                false => drop(fs::copy(entry.path(), target)?),
            }
        }
    }
    Ok(())
}
