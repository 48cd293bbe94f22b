//! kube-network-policies, built from its Go module and cached by version.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use harness::process::Process;
use harness::{eventually, layout};

use super::{node, probe};

/// Its own module, so that the sums of all that is built are fixed.
const MODULE: &str = "hack/network-policies";
/// The program in it that judges.
const JUDGE: &str = "sigs.k8s.io/kube-network-policies/cmd/kube-network-policies/standard";
/// Where both programs are kept, in the cache.
const CACHE: &str = "kube-network-policies-1.1.1";
/// Where the judge serves its metrics.
const METRICS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9080);
/// The queue of packets that it reads.
const QUEUE: &str = "100";
/// How long it may take to read its first lists.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// The programs' paths in the cache.
struct Programs {
    judge: PathBuf,
    handover: PathBuf,
}

impl Programs {
    fn new() -> Result<Self> {
        let cache = layout::cache_dir()?.join(CACHE);
        Ok(Self {
            judge: cache.join("kube-network-policies"),
            handover: cache.join("handover"),
        })
    }
}

/// Builds both where they are missing.
///
/// # Errors
/// If Go is missing, or a build fails.
pub(super) fn obtain() -> Result<()> {
    let programs = Programs::new()?;
    let folder = layout::workspace().join(MODULE);
    if !programs.judge.is_file() {
        println!("building kube-network-policies from its Go module (two minutes on two cores)");
        build(&folder, JUDGE, &programs.judge)?;
    }
    // Ours: always built, which is nothing where it did not change.
    build(&folder, ".", &programs.handover)
}

fn build(folder: &Path, package: &str, binary: &Path) -> Result<()> {
    let parent = binary.parent().context("the cache is a folder")?;
    fs::create_dir_all(parent)?;
    let name = binary.file_name().unwrap_or_default().to_string_lossy();
    // Builds side by side do no harm: each has its own file and renames.
    let built = parent.join(format!(".{name}-{}", std::process::id()));
    let status = Command::new("go")
        .args(["build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w"])
        .arg("-o")
        .arg(&built)
        .arg(package)
        .current_dir(folder)
        .stdin(Stdio::null())
        .env("CGO_ENABLED", "0")
        .env_remove("GOFLAGS")
        .status()
        .context("there is no `go` on PATH, which builds kube-network-policies")?;
    ensure!(status.success(), "go build of {package} failed");
    fs::rename(&built, binary).with_context(|| format!("cannot cache {}", binary.display()))
}

/// The judge at work. It ends when dropped.
pub(super) struct Engine {
    _judge: Process,
    metrics: SocketAddr,
}

impl Engine {
    /// Starts it, and sees to it that it is asked about packets.
    ///
    /// # Errors
    /// If it does not come to read its queue, or the kernel cannot hand packets to it.
    pub(super) async fn start(kubeconfig: &Path, logs: &Path) -> Result<Self> {
        let programs = Programs::new()?;
        let mut command = Command::new(&programs.judge);
        command
            .arg(format!("--kubeconfig={}", kubeconfig.display()))
            .arg(format!("--hostname-override={}", node::NODE))
            .arg(format!("--metrics-bind-address={METRICS}"))
            .arg(format!("--nfqueue-id={QUEUE}"))
            .args(["--disable-nri", "--fail-open=false"]);
        let mut judge = Process::start(&command, &logs.join("kube-network-policies.log"))?;
        let what = "kube-network-policies to read its queue (does the kernel have NFQUEUE?)";
        let ready = eventually(READY_WITHIN, what, async || {
            judge.check_running()?;
            ensure!(reads_queue(), "no queue {QUEUE}");
            Ok(())
        });
        if let Err(error) = ready.await {
            bail!("{error:#}; end of its log:\n{}", judge.log_tail(10));
        }
        let output = Command::new(&programs.handover).output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "packets cannot be handed over: {told}"
        );
        let by = match output.stdout.trim_ascii() {
            b"own" => "by its own rules",
            _ => "by a rule of ours, as the kernel lacks nftables' queue statement",
        };
        println!("kube-network-policies is handed packets {by}\n");
        Ok(Self {
            _judge: judge,
            metrics: METRICS,
        })
    }

    /// How many packets it had dropped so far.
    ///
    /// # Errors
    /// If it does not say.
    pub(super) fn dropped(&self) -> Result<u64> {
        let text = probe::text(self.metrics, "/metrics")?;
        let counted = text
            .lines()
            .filter(|line| line.starts_with("kube_network_policies_packet_count"));
        let dropped = counted.filter(|line| line.contains("verdict=\"drop\""));
        let numbers = dropped.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
        Ok(numbers.sum())
    }
}

/// Whether someone reads the queue in this network.
fn reads_queue() -> bool {
    let queues = fs::read_to_string("/proc/thread-self/net/netfilter/nfnetlink_queue");
    let queues = queues.unwrap_or_default();
    let mut numbers = queues
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    numbers.any(|number| number == QUEUE)
}
