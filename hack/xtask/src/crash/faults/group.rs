//! Control groups, which let a process have little of the machine.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// A group with one process in it. Dropping it lets the process go.
pub(super) struct Group(PathBuf);

impl Group {
    /// This many thousandths of a processor.
    pub(super) fn of_processor(process: u32, thousandths: u32) -> Result<Self> {
        let quota = (thousandths * 100).to_string();
        Self::new(
            process,
            "cpu",
            &[
                ("cpu.max", format!("{quota} 100000")),
                ("cpu.cfs_quota_us", quota),
            ],
        )
    }

    /// This many bytes of memory, what files have in it included.
    pub(super) fn of_memory(process: u32, bytes: u64) -> Result<Self> {
        let bytes = bytes.to_string();
        Self::new(
            process,
            "memory",
            &[
                ("memory.max", bytes.clone()),
                ("memory.limit_in_bytes", bytes),
            ],
        )
    }

    /// `limits` are those of version 2 and of version 1.
    fn new(process: u32, controller: &str, limits: &[(&str, String); 2]) -> Result<Self> {
        let unified = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
        let root = Path::new("/sys/fs/cgroup");
        let (root, (limit, value)) = match unified {
            true => (root.to_path_buf(), &limits[0]),
            false => (root.join(controller), &limits[1]),
        };
        let folder = root.join(format!("weir-crash-{process}"));
        let needed = "control groups of its own need the right to make them";
        fs::create_dir(&folder).context(needed)?;
        let group = Self(folder);
        fs::write(group.0.join(limit), value).context(needed)?;
        fs::write(group.0.join("cgroup.procs"), process.to_string()).context(needed)?;
        Ok(group)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let processes = fs::read_to_string(self.0.join("cgroup.procs")).unwrap_or_default();
        if let Some(above) = self.0.parent() {
            for process in processes.lines() {
                // The only failure is that it ended.
                let _ = fs::write(above.join("cgroup.procs"), process);
            }
        }
        let _ = fs::remove_dir(&self.0);
    }
}
