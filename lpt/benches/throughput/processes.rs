//! Child processes of the benchmark, and their memory.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use event_log::{Event, read_log};

/// The `lpt` binary, built with the same profile.
pub(super) const LPT: &str = env!("CARGO_BIN_EXE_lpt");

/// A process that is killed when forgotten.
pub(super) struct Process(Child);

impl Process {
    /// Starts `lpt` with these arguments and throws its talk away.
    pub(super) fn start(args: &[&str]) -> Self {
        let child = Command::new(LPT)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.expect("lpt starts"))
    }

    /// Whether it has ended, however.
    pub(super) fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("a child can be waited for").is_some()
    }

    /// Waits for the end and returns the largest resident memory seen, MB.
    pub(super) fn wait(mut self) -> u64 {
        let mut peak_mb = 0;
        loop {
            peak_mb = peak_mb.max(peak_rss_mb(self.0.id()).unwrap_or(0));
            if let Some(status) = self.0.try_wait().expect("a child can be waited for") {
                assert!(status.success(), "the process ended with {status}");
                return peak_mb;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `VmHWM` of a process, MB; `None` once it is gone.
pub(super) fn peak_rss_mb(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024 / 1_000_000)
}

/// All events of a log.
pub(super) fn events(path: &Path) -> Vec<Event> {
    let Ok(file) = fs::File::open(path) else {
        return Vec::new();
    };
    read_log(std::io::BufReader::new(file))
        .filter_map(|line| line.ok()?.record.ok().map(|record| record.event))
        .collect()
}

/// The first thing `pick` finds in a log that is being written.
pub(super) fn wait_for<T>(path: &Path, pick: impl Fn(&Event) -> Option<T>) -> T {
    loop {
        if let Some(found) = events(path).iter().find_map(&pick) {
            return found;
        }
        thread::sleep(Duration::from_millis(20));
    }
}
