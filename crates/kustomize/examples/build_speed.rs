//! Times builds as a library: `cargo run --release -p kustomize --example build_speed -- ROOT=DIR…`. Each
//! directory is read into memory first; `ROOT` is the kustomization in it. `cargo xtask bench build` makes
//! such directories and runs this.
//!
//! Of our own, as a benchmark framework counts only the clock, and the machine may be busy: what counts
//! here is the processor time of the thread.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark needs a clock and reports"
)]

use std::path::Path;
use std::time::Instant;

use file_tree::FileTree;
use kustomize::{Error, Options, Order, TreeFs};

/// The allocator of the program that users run.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// About how long each figure is measured, in seconds of processor time.
const LONG: f64 = 0.5;

/// A directory in memory, and what is built in it.
struct Input {
    name: String,
    root: String,
    tree: FileTree,
}

impl Input {
    fn read(argument: &str) -> Self {
        let (root, directory) = argument.split_once('=').unwrap_or((".", argument));
        let mut tree = FileTree::default();
        let directory = Path::new(directory);
        add(&mut tree, directory, directory);
        let name = directory.file_name().unwrap_or_default();
        Self {
            name: name.to_string_lossy().into_owned(),
            root: format!("/in/{root}"),
            tree,
        }
    }

    /// The build, and its text if that is wanted.
    fn build(&self, print: bool) -> Result<usize, Error> {
        let options = Options {
            order: Order::Accumulated,
            ..Options::default()
        };
        let fs = TreeFs::new(&self.tree, "/in");
        let build = kustomize::build(&fs, &self.root, &options)?;
        Ok(match print {
            true => build.to_yaml()?.len(),
            false => build.outputs.len(),
        })
    }
}

fn add(tree: &mut FileTree, top: &Path, directory: &Path) {
    for entry in std::fs::read_dir(directory).expect("the directory is readable") {
        let path = entry.expect("the directory is readable").path();
        if path.is_dir() {
            add(tree, top, &path);
            continue;
        }
        let text = std::fs::read(&path).expect("the file is readable");
        let name = path.strip_prefix(top).expect("it is below");
        let name = name.to_str().expect("the path is UTF-8");
        tree.insert_file(name, text, false).expect("it is a tree");
    }
}

/// Processor time of this thread.
#[expect(clippy::cast_precision_loss, reason = "a fraction of a second")]
fn seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Smallest and middle time of many runs, in milliseconds. The system counts in steps of several
/// milliseconds, so that short runs are taken together.
fn times(mut work: impl FnMut()) -> (f64, f64) {
    let mut count = 1_u32;
    loop {
        let begin = seconds();
        (0..count).for_each(|_| work());
        if seconds() - begin > LONG / 10.0 {
            break;
        }
        count *= 2;
    }
    let mut times: Vec<f64> = (0..9)
        .map(|_| {
            let begin = seconds();
            (0..count).for_each(|_| work());
            (seconds() - begin) * 1e3 / f64::from(count)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    (times[0], times[times.len() / 2])
}

/// Resident memory now, in MiB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or_default() / 1024.0
}

/// Clock for `count` builds on each of so many threads, in seconds.
fn parallel(input: &Input, threads: usize, count: usize) -> f64 {
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..count {
                    input.build(true).expect("it builds");
                }
            });
        }
    });
    begin.elapsed().as_secs_f64()
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "for show"
)]
fn main() {
    let begin = seconds();
    let inputs: Vec<Input> = std::env::args()
        .skip(1)
        .map(|it| Input::read(&it))
        .collect();
    let Some(first) = inputs.first() else {
        return;
    };
    let read = seconds();
    first.build(true).expect("it builds");
    println!(
        "First build of the process ({}): {:.2} ms, after {:.0} ms of reading files",
        first.name,
        (seconds() - read) * 1e3,
        (read - begin) * 1e3
    );
    println!(
        "\n| library, in memory | build, CPU ms, min / median | with its text | text MiB | µs per object |\n|---|---|---|---|---|"
    );
    for input in &inputs {
        let objects = input.build(false).expect("it builds");
        let size = input.build(true).expect("it builds");
        let build = times(|| drop(input.build(false)));
        let text = times(|| drop(input.build(true)));
        println!(
            "| {} | {:.2} / {:.2} | {:.2} / {:.2} | {:.2} | {:.1} |",
            input.name,
            build.0,
            build.1,
            text.0,
            text.1,
            size as f64 / 1048576.0,
            text.0 * 1e3 / objects as f64
        );
    }
    let most = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "\n| library, N threads, as many builds on each | 1 thread, s | {most} threads, s | throughput, of {most} |\n|---|---|---|---|"
    );
    for input in &inputs {
        let one = times(|| drop(input.build(true))).1;
        let count = (1e3 / one).clamp(2.0, 2000.0) as usize;
        // The best of three: whatever else runs can only slow them down.
        let best = |threads| {
            let runs = (0..3).map(|_| parallel(input, threads, count));
            runs.fold(f64::MAX, f64::min)
        };
        let (alone, all) = (best(1), best(most));
        println!(
            "| {} × {count} | {alone:.2} | {all:.2} | {:.2}× |",
            input.name,
            most as f64 * alone / all
        );
    }
    println!(
        "\nResident after all builds: {:.0} MiB, inputs included",
        resident()
    );
}
