//! A node and its pods, as far as the network goes: namespaces without names, a pair of interfaces for each.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::process::{self, Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result, anyhow, ensure};
use nix::sched::{CloneFlags, setns, unshare};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

/// The node's name.
pub(super) const NODE: &str = "node";
/// Where pods find the API server, as the Service `kubernetes` has it.
pub(super) const API: &str = "10.96.0.1";
/// Where pods find the Git server, which is not in the cluster.
pub(super) const GIT: &str = "10.96.0.2";
/// The node, as its pods see it.
const GATEWAY: &str = "10.244.0.1";

/// Says what this machine lacks, before anything is built.
///
/// # Errors
/// If a program is missing, or this process may not make networks.
pub(super) fn check() -> Result<()> {
    for (program, package) in [("ip", "iproute2"), ("nsenter", "util-linux")] {
        let found = Command::new(program)
            .arg("-V")
            .stdin(Stdio::null())
            .output();
        found.with_context(|| format!("there is no `{program}` here: install {package}"))?;
    }
    // Only the thread that asks for it gets there.
    within(None, || Ok(unshare(CloneFlags::CLONE_NEWNET)?))
        .context("this process may not make network namespaces: run it as root, or by `unshare --map-root-user`")
}

/// Leaves the machine's network for one of our own: from here on this process is the node.
///
/// # Errors
/// If that is not allowed.
pub(super) fn enter() -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNET).context("no network namespace")?;
    let own = [API, GIT, GATEWAY].map(|own| format!("address add {own}/32 dev lo\n"));
    let lines = format!("link set lo up\n{}", own.concat());
    ip(&mut Command::new("ip"), &lines)?;
    let forward = "/proc/sys/net/ipv4/ip_forward";
    fs::write(forward, "1").with_context(|| format!("cannot write {forward}"))
}

/// Lets pods reach what listens on the node's loopback.
///
/// # Errors
/// If the port is taken.
pub(super) async fn lead(host: &str, port: u16, to: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind((host, port)).await;
    let listener = listener.with_context(|| format!("cannot listen on {host}:{port}"))?;
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            tokio::spawn(async move {
                if let Ok(mut to) = TcpStream::connect(to).await {
                    // Whoever ends it: the other side learns of it.
                    let _ = copy_bidirectional(&mut from, &mut to).await;
                }
            });
        }
    });
    Ok(())
}

/// A pod's place in the network.
#[derive(Debug)]
pub(super) struct Pod {
    pub(super) namespace: &'static str,
    pub(super) name: &'static str,
    pub(super) address: Ipv4Addr,
    network: File,
}

impl Pod {
    /// The pod of this number, with a way to the node and back.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(super) fn new(namespace: &'static str, name: &'static str, number: u8) -> Result<Self> {
        let network = within(None, || {
            unshare(CloneFlags::CLONE_NEWNET)?;
            Ok(File::open("/proc/thread-self/ns/net")?)
        })?;
        let pod = Self {
            namespace,
            name,
            address: Ipv4Addr::new(10, 244, 0, number),
            network,
        };
        let (address, link, path) = (pod.address, format!("pod{number}"), pod.path());
        let node = format!(
            "link add {link} type veth peer name eth0 netns {path}\nlink set {link} up\n\
             route add {address}/32 dev {link}\n"
        );
        ip(&mut Command::new("ip"), &node)?;
        let inside = format!(
            "link set lo up\naddress add {address}/32 dev eth0\nlink set eth0 up\n\
             route add {GATEWAY}/32 dev eth0 scope link\nroute add default via {GATEWAY}\n"
        );
        ip(&mut pod.command(Path::new("ip")), &inside)?;
        Ok(pod)
    }

    /// A command that runs in the pod.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net={}", self.path()))
            .arg("--")
            .arg(program);
        command
    }

    /// Where others find the namespace as long as this process lives.
    fn path(&self) -> String {
        format!("/proc/{}/fd/{}", process::id(), self.network.as_raw_fd())
    }
}

/// Does something in a pod, or on the node if none is given. Who enters a network can only leave it for another one, so
/// a thread of its own goes there.
///
/// # Errors
/// If that is not allowed, or what is done fails.
pub(super) fn within<T: Send>(
    pod: Option<&Pod>,
    act: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    let enter = |pod: &Pod| setns(&pod.network, CloneFlags::CLONE_NEWNET);
    let all = || {
        pod.map_or(Ok(()), enter).context("cannot enter a pod")?;
        act()
    };
    let done = thread::scope(|scope| scope.spawn(all).join());
    done.unwrap_or_else(|_| Err(anyhow!("a thread panicked")))
}

/// Has `ip`, or a command that ends in it, do what the lines say.
fn ip(command: &mut Command, lines: &str) -> Result<()> {
    let mut child = command
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run ip")?;
    let mut input = child.stdin.take().context("ip has an input")?;
    input.write_all(lines.as_bytes())?;
    drop(input);
    let output = child.wait_with_output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "ip failed: {told}\n{lines}");
    Ok(())
}
