//! CPU time and memory of processes, as Linux tells them.

use std::fs;
use std::time::Instant;

/// Ticks per second of every clock below `/proc`, on every Linux.
const TICKS: f64 = 100.0;
const KIB_PER_MIB: f64 = 1024.0;

/// A process that is watched.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub(super) name: String,
    pub(super) id: u32,
}

/// CPU seconds so far, at one moment.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    at: Instant,
    processes: Vec<f64>,
    bench: f64,
    git: f64,
    machine: f64,
}

/// CPU seconds between two moments.
#[derive(Clone, Debug)]
pub(super) struct Spent {
    /// Of each watched process.
    pub(super) processes: Vec<f64>,
    /// Of this process, which is the client and relays Git's answers.
    pub(super) bench: f64,
    /// Of this process' children that have ended: Git.
    pub(super) git: f64,
    /// CPUs that everything else on this machine took on average.
    pub(super) other: f64,
}

impl Snapshot {
    /// Looks at all of them now. A process that is gone counts nothing.
    pub(super) fn take(watched: &[Watched]) -> Self {
        let own = times("self");
        Self {
            at: Instant::now(),
            processes: watched
                .iter()
                .map(|it| times(&it.id.to_string()).iter().sum())
                .collect(),
            bench: own[0] + own[1],
            git: own[2] + own[3],
            machine: busy(&fs::read_to_string("/proc/stat").unwrap_or_default()),
        }
    }

    /// What was spent since.
    pub(super) fn spent(&self, watched: &[Watched]) -> Spent {
        let now = Self::take(watched);
        let pairs = now.processes.iter().zip(&self.processes);
        let processes: Vec<f64> = pairs.map(|(now, then)| now - then).collect();
        let (bench, git) = (now.bench - self.bench, now.git - self.git);
        let ours = processes.iter().sum::<f64>() + bench + git;
        let elapsed = (now.at - self.at).as_secs_f64().max(f64::EPSILON);
        Spent {
            processes,
            bench,
            git,
            other: ((now.machine - self.machine - ours) / elapsed).max(0.0),
        }
    }
}

/// Lets the peak of each process' memory begin anew, where the kernel allows that.
pub(super) fn forget_peaks(watched: &[Watched]) {
    for process in watched {
        // Without it the peak is that since the process began, which is no less true.
        let _ = fs::write(format!("/proc/{}/clear_refs", process.id), "5");
    }
}

/// The highest resident memory of each process since [`forget_peaks`], in MiB.
pub(super) fn peaks(watched: &[Watched]) -> Vec<f64> {
    memory(watched, "VmHWM:")
}

/// The present resident memory of each process, in MiB.
pub(super) fn resident(watched: &[Watched]) -> Vec<f64> {
    memory(watched, "VmRSS:")
}

/// Processors, memory and load, in one line.
pub(super) fn machine() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown CPU", |(_, model)| model);
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let gib = value(&memory, "MemTotal:") / KIB_PER_MIB / KIB_PER_MIB;
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?").to_owned();
    format!("{processors} × {model}, {gib:.0} GiB; load {load} before the run")
}

fn memory(watched: &[Watched], field: &str) -> Vec<f64> {
    let of = |process: &Watched| {
        let status = fs::read_to_string(format!("/proc/{}/status", process.id));
        value(&status.unwrap_or_default(), field) / KIB_PER_MIB
    };
    watched.iter().map(of).collect()
}

/// The number of a line like `VmRSS:  1234 kB`.
fn value(text: &str, field: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or_default()
}

/// User and system time of a process, then those of its children that were waited for.
fn times(process: &str) -> [f64; 4] {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    parse_times(&stat)
}

fn parse_times(stat: &str) -> [f64; 4] {
    // The second field is the name in parentheses, which may hold anything.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    let mut fields = fields.split(' ').skip(11);
    std::array::from_fn(|_| {
        let ticks = fields.next().and_then(|field| field.parse::<f64>().ok());
        ticks.unwrap_or_default() / TICKS
    })
}

/// Seconds that all processors were busy, from `/proc/stat`.
fn busy(stat: &str) -> f64 {
    let line = stat.lines().next().unwrap_or_default();
    let ticks = line.split_whitespace().skip(1).map(|it| it.parse::<f64>());
    // User, nice, system, idle, waiting, interrupts, soft interrupts, stolen; guests are in user.
    let used = |(place, ticks): (usize, Result<f64, _>)| match place {
        3 | 4 => 0.0,
        _ => ticks.unwrap_or_default(),
    };
    ticks.take(7).enumerate().map(used).sum::<f64>() / TICKS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_follow_a_name_with_anything_in_it() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 150 50 20 10 20 0";
        assert_eq!(parse_times(stat), [1.5, 0.5, 0.2, 0.1]);
        assert_eq!(parse_times(""), [0.0; 4]);
    }

    #[test]
    fn idle_and_waiting_are_not_busy() {
        assert_eq!(busy("cpu  100 50 50 9999 999 100 0 7 1 1\ncpu0 1"), 3.0);
    }

    #[test]
    fn this_process_has_memory_and_used_time() {
        let own = [Watched {
            name: String::from("bench"),
            id: std::process::id(),
        }];
        forget_peaks(&own);
        assert!(peaks(&own)[0] > 0.5 && resident(&own)[0] > 0.5);
        let before = Snapshot::take(&own);
        assert!(before.spent(&own).processes[0] >= 0.0);
    }
}
