//! One role as a child process, and its event log as it grows.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, BufRead, BufReader, Seek, SeekFrom},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    time::Duration,
};

use event_log::{Event, parse_line};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

use crate::leash::LEASH_VARIABLE;

/// How often a child and its log are looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Environment variables that configure roles; a child is configured by its file alone.
const CONFIG_PREFIX: &str = "LPT_";

/// How many of a child's last words an error quotes.
const LAST_WORDS_LINES: usize = 5;

/// A role running as a child process. Dropping it kills the process.
pub(crate) struct Role {
    name: String,
    process: Child,
    /// Held open for the child to notice our end.
    _leash: Option<ChildStdin>,
    log: LogTail,
    stderr: PathBuf,
    ended: Option<ExitStatus>,
}

/// Why a child did not do what it was started for.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// It could not be started.
    #[error("cannot start {name}: {source}")]
    Start {
        /// Its name in the run.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// It ended before it was ready.
    #[error("{name} ended before it was ready ({status}): {last_words}; see {}", stderr.display())]
    EndedEarly {
        /// Its name in the run.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its standard error.
        last_words: String,
        /// Where all of it is.
        stderr: PathBuf,
    },
    /// It was not ready in time.
    #[error("{name} was not ready within {} s: {missing}; see {}", after.as_secs(), stderr.display())]
    NotReady {
        /// Its name in the run.
        name: String,
        /// How long was waited.
        after: Duration,
        /// What was waited for.
        missing: &'static str,
        /// Its standard error.
        stderr: PathBuf,
    },
    /// Its log cannot be read.
    #[error("cannot read the event log of {name}: {source}")]
    Log {
        /// Its name in the run.
        name: String,
        /// What the system says.
        source: io::Error,
    },
}

impl Role {
    /// Starts `lpt <subcommand> --config <folder>/<name>.toml`. Its standard error goes to `<name>.stderr`; it is in a
    /// process group of its own, so that a Ctrl-C in the terminal reaches it through us alone, once.
    pub(crate) fn start(program: &Path, subcommand: &str, name: &str, folder: &Path) -> Result<Self, ChildError> {
        let failed = |source| ChildError::Start {
            name: name.to_owned(),
            source,
        };
        let stderr = folder.join(format!("{name}.stderr"));
        let mut command = Command::new(program);
        command
            .arg(subcommand)
            .arg("--config")
            .arg(folder.join(format!("{name}.toml")))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(&stderr).map_err(failed)?)
            .process_group(0);
        for (variable, _) in std::env::vars_os() {
            if variable.to_str().is_some_and(|name| name.starts_with(CONFIG_PREFIX)) {
                command.env_remove(variable);
            }
        }
        for variable in runtime::config::alias_names() {
            command.env_remove(variable);
        }
        command.env(LEASH_VARIABLE, "1");
        let mut process = command.spawn().map_err(failed)?;
        let leash = process.stdin.take();
        let log = LogTail::new(folder.join(format!("{name}.jsonl")));
        Ok(Self {
            name: name.to_owned(),
            process,
            _leash: leash,
            log,
            stderr,
            ended: None,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How it ended, if it has.
    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.process.try_wait().ok().flatten();
        }
        self.ended
    }

    /// Size of its event log so far, bytes.
    pub(crate) fn log_bytes(&self) -> u64 {
        self.log.path.metadata().map_or(0, |metadata| metadata.len())
    }

    /// Reads its log as it grows until `ready` says so.
    pub(crate) async fn wait_until(
        &mut self,
        after: Duration,
        missing: &'static str,
        mut ready: impl FnMut(&Event) -> bool,
    ) -> Result<(), ChildError> {
        let deadline = Instant::now() + after;
        loop {
            let log_error = |source| ChildError::Log {
                name: self.name.clone(),
                source,
            };
            self.log.read_on().map_err(log_error)?;
            // One by one: what follows the event waited for is for the next wait.
            while let Some(event) = self.log.unseen.pop_front() {
                if ready(&event) {
                    return Ok(());
                }
            }
            if let Some(status) = self.has_ended() {
                let (name, stderr) = (self.name.clone(), self.stderr.clone());
                return Err(ChildError::EndedEarly {
                    name,
                    status,
                    last_words: self.last_words(),
                    stderr,
                });
            }
            if Instant::now() >= deadline {
                let (name, stderr) = (self.name.clone(), self.stderr.clone());
                return Err(ChildError::NotReady {
                    name,
                    after,
                    missing,
                    stderr,
                });
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    /// Waits until it ends by itself.
    pub(crate) async fn wait(&mut self) -> ExitStatus {
        loop {
            if let Some(status) = self.has_ended() {
                return status;
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    /// Asks it to end in order.
    pub(crate) fn ask_to_end(&mut self) {
        if self.has_ended().is_none()
            && let Some(pid) = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw)
        {
            let _ = kill_process(pid, Signal::TERM);
        }
    }

    /// The last lines of its standard error, made safe for a terminal.
    pub(crate) fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.stderr).unwrap_or_default();
        let lines: Vec<_> = text.lines().rev().take(LAST_WORDS_LINES).collect();
        let lines: Vec<_> = lines.into_iter().rev().map(runtime::escape::escape).collect();
        if lines.is_empty() {
            "it said nothing".to_owned()
        } else {
            lines.join(" / ")
        }
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        if self.has_ended().is_none() {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

/// The whole lines of a growing event log, read once each.
struct LogTail {
    path: PathBuf,
    read_bytes: u64,
    /// Read but not looked at.
    unseen: VecDeque<Event>,
}

impl LogTail {
    fn new(path: PathBuf) -> Self {
        Self {
            path,
            read_bytes: 0,
            unseen: VecDeque::new(),
        }
    }

    fn read_on(&mut self) -> io::Result<()> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()), // not created yet
            Err(error) => return Err(error),
        };
        file.seek(SeekFrom::Start(self.read_bytes))?;
        let mut reader = BufReader::new(file);
        let mut line = String::new();
        loop {
            line.clear();
            let line_bytes = reader.read_line(&mut line)?;
            if !line.ends_with('\n') {
                return Ok(()); // the rest comes with the next flush
            }
            self.read_bytes += line_bytes as u64;
            if let Ok(record) = parse_line(line.trim_end()) {
                self.unseen.push_back(record.event);
            }
        }
    }
}
