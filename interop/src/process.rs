//! One party as a child process that cannot outlive the suite.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use runtime::escape::escape;
use rustix::process::{Pid, Signal, kill_process};

use crate::failure::Failure;

/// How long the suite waits for anything a party should do. Generous: it only passes when something is broken, and a
/// machine that builds at the same time is slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// How often a party and its files are looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How many of a party's last words a failure quotes.
const LAST_WORDS_LINES: usize = 3;

/// Environment variables that configure our roles; a party is configured by its command line alone.
const CONFIG_PREFIX: &str = "LPT_";

/// Makes our roles watch their standard input, as the other parties always do.
const LEASH_VARIABLE: &str = "LPT_LEASH";

/// A party that runs. Dropping it kills the process.
pub(crate) struct Process {
    name: String,
    child: Child,
    /// Held open: every party ends when its standard input does.
    _leash: Option<ChildStdin>,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Process {
    /// Starts `command`; what it says goes to `<name>.stdout` and `<name>.stderr` in `folder`.
    pub(crate) fn start(name: &str, folder: &Path, mut command: Command) -> Result<Self, Failure> {
        let failed = |source| Failure::Start {
            name: name.to_owned(),
            source,
        };
        let stdout = folder.join(format!("{name}.stdout"));
        let stderr = folder.join(format!("{name}.stderr"));
        for (variable, _) in std::env::vars_os() {
            if variable.to_str().is_some_and(|name| name.starts_with(CONFIG_PREFIX)) {
                command.env_remove(variable);
            }
        }
        let mut child = command
            .env(LEASH_VARIABLE, "1")
            .stdin(Stdio::piped())
            .stdout(File::create(&stdout).map_err(failed)?)
            .stderr(File::create(&stderr).map_err(failed)?)
            // A Ctrl-C in the terminal reaches it through us alone.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        Ok(Self {
            name: name.to_owned(),
            _leash: child.stdin.take(),
            child,
            stdout,
            stderr,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Looks again and again until `look` finds something, and says what it is.
    pub(crate) fn wait_for<T>(&mut self, what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T, Failure> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // Asked before looking: what it did just before its end counts.
            let ended = self.child.try_wait().ok().flatten();
            if let Some(found) = look() {
                return Ok(found);
            }
            if let Some(status) = ended {
                return Err(self.ended_with(status));
            }
            if Instant::now() >= deadline {
                return Err(self.not_in_time(what));
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// The first line of its standard output.
    pub(crate) fn first_line(&mut self) -> Result<String, Failure> {
        let stdout = self.stdout.clone();
        self.wait_for("its first line", || {
            let text = fs::read_to_string(&stdout).ok()?;
            text.split_once('\n').map(|(line, _)| line.to_owned())
        })
    }

    /// Waits until it ends by itself, which must be with exit code 0.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(self.ended_with(status)),
                _ if Instant::now() >= deadline => return Err(self.not_in_time("its end")),
                _ => thread::sleep(POLL_INTERVAL),
            }
        }
    }

    /// Asks it to end, and waits until it has ended in order.
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It may have ended by itself: `finish` tells how.
            let _ = kill_process(pid, Signal::TERM);
        }
        self.finish()
    }

    fn ended_with(&self, status: ExitStatus) -> Failure {
        Failure::Ended {
            name: self.name.clone(),
            status,
            last_words: self.last_words(),
        }
    }

    fn not_in_time(&self, what: &str) -> Failure {
        Failure::NotInTime {
            name: self.name.clone(),
            what: what.to_owned(),
            after: PATIENCE,
            last_words: self.last_words(),
        }
    }

    fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.stderr).unwrap_or_default();
        let mut lines: Vec<_> = text.lines().rev().take(LAST_WORDS_LINES).map(escape).collect();
        lines.reverse();
        if lines.is_empty() {
            "nothing".to_owned()
        } else {
            lines.join(" / ")
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
