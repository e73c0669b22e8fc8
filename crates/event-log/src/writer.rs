//! Writes an event log from many tasks, through one background thread.
//!
//! What is promised: lines reach the file whole and in the order in which they were logged; at most [`FLUSH_INTERVAL`]
//! after an event was logged it has been handed to the operating system, so a killed process loses no more than that
//! tail; a full disk leaves whole lines only and is reported once, through [`EventLog::failed`]. A caller waits when
//! [`MAX_UNFLUSHED_BYTES`] are pending: a log that loses events is worth less than a slow one.

use std::{
    fs::{File, OpenOptions},
    future::{Future, poll_fn},
    io,
    path::Path,
    sync::{Arc, Mutex},
    task::Poll,
    thread::JoinHandle,
    time::Duration,
};

use crate::{
    event::{Event, Record, RunEnded},
    line::MAX_LINE_BYTES,
    queue::Queue,
    sink::Sink,
    timestamp::Timestamp,
};

/// The longest an event stays in memory before it is written: what `kill -9` can cost.
pub const FLUSH_INTERVAL: Duration = Duration::from_millis(200);

/// Pending bytes at which the background thread writes without waiting for the interval.
pub const FLUSH_BYTES: usize = 64 * 1024;

/// Pending bytes at which callers wait: several seconds of the fastest publisher, and small beside a process's memory.
pub const MAX_UNFLUSHED_BYTES: usize = 64 * 1024 * 1024;

/// Why an event log cannot be written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// The file is there already; a log of an earlier run is never overwritten.
    #[error("event log {path} exists already: remove it, or give another path")]
    Exists {
        /// The path as given.
        path: String,
    },
    /// The file cannot be created.
    #[error("cannot create event log {path}: {error}")]
    Create {
        /// The path as given.
        path: String,
        /// What the system said.
        error: Arc<io::Error>,
    },
    /// Writing failed; the log ends with the last whole line before.
    #[error("cannot write event log after {written_lines} lines ({written_bytes} bytes): {error}")]
    Write {
        /// Lines that are in the log.
        written_lines: u64,
        /// Bytes that are in the log.
        written_bytes: u64,
        /// What the system said.
        error: Arc<io::Error>,
    },
    /// The background thread cannot be started.
    #[error("cannot start the event log's thread: {0}")]
    Thread(Arc<io::Error>),
    /// Another handle closed the log before.
    #[error("the event log is closed already")]
    Closed,
}

/// What a log came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenStats {
    /// Lines in the log.
    pub lines: u64,
    /// Bytes in the log.
    pub bytes: u64,
    /// Events that are not in the log: logged after it was closed or had failed, or longer than a line may be.
    pub dropped_events: u64,
}

/// A handle on an event log; clones write to the same log.
///
/// When the last handle is dropped without [`Self::close`], what is pending is written, and the log stays without
/// `run_ended`: torn, as it should be for a role that did not end in order.
#[derive(Clone)]
pub struct EventLog {
    worker: Arc<Worker>,
}

impl EventLog {
    /// Opens a new log at `path`; `-` is standard output. Devices and pipes are written to as they are.
    ///
    /// # Errors
    /// [`LogError::Exists`] when there is such a file, [`LogError::Create`] when the system refuses.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, LogError> {
        let path = path.as_ref();
        if path == Path::new("-") {
            return Self::with_sink(io::stdout());
        }
        Self::with_sink(create_file(path)?)
    }

    /// Opens a log on any sink.
    ///
    /// # Errors
    /// [`LogError::Thread`] when the background thread cannot be started.
    pub fn with_sink(sink: impl Sink) -> Result<Self, LogError> {
        let queue = Arc::new(Queue::default());
        let thread = std::thread::Builder::new()
            .name("event-log".to_owned())
            .spawn({
                let queue = Arc::clone(&queue);
                move || queue.write_until_closed(sink)
            })
            .map_err(|error| LogError::Thread(Arc::new(error)))?;
        Ok(Self {
            worker: Arc::new(Worker {
                queue,
                thread: Mutex::new(Some(thread)),
            }),
        })
    }

    /// Logs an event with the present time. Blocks only while [`MAX_UNFLUSHED_BYTES`] are pending.
    pub fn log(&self, event: impl Into<Event>) {
        self.log_at(Timestamp::now(), event);
    }

    /// Logs an event that happened at `time`.
    pub fn log_at(&self, time: Timestamp, event: impl Into<Event>) {
        let record = Record {
            time,
            event: event.into(),
        };
        self.worker.queue.push(&line_of(&record));
    }

    /// Completes when the log can no longer be written, with the reason. Never completes for a healthy log.
    pub fn failed(&self) -> impl Future<Output = LogError> + Send + 'static {
        let queue = Arc::clone(&self.worker.queue);
        poll_fn(move |context| match queue.error_or_wake(context.waker()) {
            Some(error) => Poll::Ready(error),
            None => Poll::Pending,
        })
    }

    /// Why the log can no longer be written, if so.
    #[must_use]
    pub fn error(&self) -> Option<LogError> {
        self.worker.queue.error()
    }

    /// Writes `run_ended` as the last line, syncs the file and ends the background thread. Blocks until that is done.
    ///
    /// # Errors
    /// [`LogError::Write`] when anything could not be written, now or before; [`LogError::Closed`] the second time.
    pub fn close(self, ended: RunEnded) -> Result<WrittenStats, LogError> {
        let record = Record {
            time: Timestamp::now(),
            event: ended.into(),
        };
        if !self.worker.queue.close(&line_of(&record)) {
            return Err(LogError::Closed);
        }
        self.worker.join();
        match self.worker.queue.error() {
            Some(error) => Err(error),
            None => Ok(self.worker.queue.stats()),
        }
    }
}

impl std::fmt::Debug for EventLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventLog")
            .field("stats", &self.worker.queue.stats())
            .finish()
    }
}

/// The background thread, ended when the last handle goes.
struct Worker {
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Worker {
    fn join(&self) {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // A panic of the thread is already on standard error; the queue then holds no error and no new lines.
            let _ = thread.join();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.queue.close(&[]);
        self.join();
    }
}

/// The line of `record`; empty when it would be longer than a reader takes.
fn line_of(record: &Record) -> Vec<u8> {
    let mut line = Vec::with_capacity(512);
    match record.write_line(&mut line) {
        Ok(()) if line.len() <= MAX_LINE_BYTES + 1 => line,
        _ => Vec::new(),
    }
}

fn create_file(path: &Path) -> Result<File, LogError> {
    let shown = || path.display().to_string();
    let refused = |error| LogError::Create {
        path: shown(),
        error: Arc::new(error),
    };
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => Ok(file),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let there = path.metadata().map_err(refused)?;
            if there.is_file() || there.is_dir() {
                return Err(LogError::Exists { path: shown() });
            }
            OpenOptions::new().write(true).open(path).map_err(refused)
        }
        Err(error) => Err(refused(error)),
    }
}

#[cfg(test)]
mod tests;
