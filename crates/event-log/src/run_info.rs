//! What every role says about itself in its first line, found out in one place so that all say it alike.

use std::{collections::BTreeMap, env, fs, process};

use crate::event::{Role, RunStarted};

/// Longest host name or boot id taken over from the system.
const MAX_NAME_CHARS: usize = 128;

/// This process and the machine it runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunInfo {
    /// Host name; `unknown` where the system does not tell.
    pub host: String,
    /// Boot id of the kernel: containers on one host share it, and with it the clock.
    pub boot: Option<String>,
    /// Process id.
    pub pid: u32,
    /// Program version, with the commit where known.
    pub version: String,
}

impl RunInfo {
    /// Asks the system. `version` is the program's own, such as `env!("CARGO_PKG_VERSION")`.
    #[must_use]
    pub fn of_this_process(version: &str) -> Self {
        let host = first_line("/proc/sys/kernel/hostname")
            .or_else(|| env::var("HOSTNAME").ok().and_then(|name| clean(&name)))
            .unwrap_or_else(|| "unknown".to_owned());
        Self {
            host,
            boot: first_line("/proc/sys/kernel/random/boot_id"),
            pid: process::id(),
            version: version.to_owned(),
        }
    }

    /// A `run_started` with what is known here; the rest is absent, empty or 0, for the role to fill in.
    #[must_use]
    pub fn started(&self, role: Role, run: &str, node: &str) -> RunStarted {
        RunStarted {
            role,
            run: run.to_owned(),
            node: node.to_owned(),
            host: self.host.clone(),
            boot: self.boot.clone(),
            pid: self.pid,
            version: self.version.clone(),
            clients: 0,
            peer_id: None,
            messages: None,
            interval_ns: None,
            expect_publishers: None,
            expect_receivers: None,
            clock_error_ns: None,
            config: BTreeMap::new(),
        }
    }
}

fn first_line(path: &str) -> Option<String> {
    clean(fs::read_to_string(path).ok()?.lines().next()?)
}

fn clean(text: &str) -> Option<String> {
    let text: String = text.trim().chars().take(MAX_NAME_CHARS).collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_described() {
        let info = RunInfo::of_this_process("1.2.3");
        assert_eq!(info.pid, process::id());
        assert!(!info.host.is_empty() && !info.host.contains('\n'));
        let started = info.started(Role::Receiver, "run", "receiver-1");
        assert_eq!((started.host, started.version.as_str()), (info.host, "1.2.3"));
    }

    #[test]
    fn blank_names_count_as_unknown() {
        assert_eq!(clean(" \n"), None);
        assert_eq!(clean(" box \n").as_deref(), Some("box"));
        assert_eq!(clean(&"x".repeat(500)).map(|name| name.len()), Some(MAX_NAME_CHARS));
    }
}
